//! `ndexpr eval`: sources in, evaluation, result out.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndexpr::{Engine, ErrorKind, Program, Progress, Scalar, Vars, View, ViewMut};

use crate::args::EvalArgs;
use crate::array::{Order, element_count, type_and_shape};
use crate::failure::{Failure, INTERRUPTED, human_bytes};
use crate::output::{Elements, OutputFile, check_destination};
use crate::print::write_array;
use crate::progress::with_bar;
use crate::sources;

/// Evaluates and prints, or writes the output file.
pub(crate) fn run(args: &EvalArgs, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        check_destination(path)?;
    }
    let engine = args.engine.build()?;
    let variables = sources::load_all(&args.bindings)?;
    let vars = sources::vars(&variables)?;

    let start = Instant::now();
    let program = engine.compile(&args.text, &vars.signature())?;
    let compile_time = start.elapsed();

    let shape = program.result_shape(&vars)?;
    let axes = program.result_order(&vars)?;
    let progress = Arc::new(Progress::default());
    let run_time = match &args.output {
        Some(path) => {
            let mut output = OutputFile::create(path, program.result_dtype(), &shape, file_order(&axes))?;
            cancel_on_interrupt(&progress);
            let run_time = timed_run(&program, &vars, output.view_mut()?, &progress)?;
            output.commit()?;
            run_time
        }
        None => {
            let mut result = Elements::in_memory(program.result_dtype(), &shape, &axes)?;
            let run_time = timed_run(&program, &vars, result.view_mut()?, &progress)?;
            print_result(out, &result.view()?)?;
            run_time
        }
    };
    if args.stats {
        let stats = Stats {
            engine: &engine,
            program: &program,
            shape,
            input_bytes: sources::n_bytes(&variables, &program),
            compile_time,
            run_time,
        };
        out.flush()?;
        // If stderr is closed, nobody wants the statistics.
        let _ = stats.write(&mut io::stderr().lock());
    }
    Ok(())
}

/// Evaluates, and says how long it took.
fn timed_run(program: &Program, vars: &Vars<'_>, out: ViewMut<'_>, progress: &Progress) -> Result<Duration, Failure> {
    let start = Instant::now();
    with_bar(progress, || program.run_with(vars, out, Some(progress))).map_err(|error| match error.kind() {
        ErrorKind::Cancelled => Failure::Interrupted,
        _ => Failure::Engine(error),
    })?;
    Ok(start.elapsed())
}

/// The order of a file for a result with these axes in memory, outermost first. Files have only two
/// orders.
fn file_order(axes: &[usize]) -> Order {
    if axes.len() > 1 && axes.iter().rev().copied().eq(0..axes.len()) { Order::Fortran } else { Order::C }
}

/// Makes Ctrl-C cancel the run, which then ends as usual and removes the temporary file. A second
/// Ctrl-C ends the process at once.
fn cancel_on_interrupt(progress: &Arc<Progress>) {
    let progress = Arc::clone(progress);
    // Without a handler Ctrl-C still ends the process.
    let _ = ctrlc::set_handler(move || {
        if progress.is_cancelled() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        progress.cancel();
    });
}

fn print_result(out: &mut dyn Write, result: &View<'_>) -> Result<(), Failure> {
    // Every index that is asked for lies within the shape that is passed along.
    let mut element = |index: &[usize]| result.read(index).unwrap_or_else(|| Scalar::from_bits(result.dtype(), 0));
    write_array(out, result.dtype(), result.shape(), &mut element)?;
    writeln!(out, "{}", type_and_shape(result.dtype(), result.shape()))?;
    Ok(())
}

/// What `--stats` shows.
struct Stats<'a> {
    engine: &'a Engine,
    program: &'a Program,
    shape: Vec<usize>,
    input_bytes: usize,
    compile_time: Duration,
    run_time: Duration,
}

impl Stats<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let dtype = self.program.result_dtype();
        let n_elements = element_count(&self.shape);
        let moved = (self.input_bytes + n_elements * dtype.size()) as f64;
        let seconds = self.run_time.as_secs_f64().max(1e-9);
        writeln!(out, "result    {}", type_and_shape(dtype, &self.shape))?;
        let reason = self.program.fallback_reason().map_or_else(String::new, |reason| format!(" ({reason})"));
        writeln!(out, "backend   {}{reason}", self.program.backend())?;
        writeln!(out, "threads   {}", self.engine.threads())?;
        let stages: Vec<String> =
            self.program.compile_times().iter().map(|(stage, time)| format!("{stage} {}", human_time(*time))).collect();
        let stages = if stages.is_empty() { String::new() } else { format!(" ({})", stages.join(", ")) };
        writeln!(out, "compile   {}{stages}", human_time(self.compile_time))?;
        let each = if n_elements > 0 {
            format!(", {:.3} ns per element", seconds * 1e9 / n_elements as f64)
        } else {
            String::new()
        };
        writeln!(out, "run       {}{each}", human_time(self.run_time))?;
        writeln!(out, "moved     {}, {:.2} GB/s", human_bytes(moved), moved / seconds / 1e9)
    }
}

/// Three digits and a unit.
pub(crate) fn human_time(time: Duration) -> String {
    let ns = time.as_secs_f64() * 1e9;
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.3} us", ns / 1e3),
        _ if ns < 1e9 => format!("{:.3} ms", ns / 1e6),
        _ => format!("{:.3} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_files_have() {
        assert_eq!(file_order(&[]), Order::C);
        assert_eq!(file_order(&[0]), Order::C);
        assert_eq!(file_order(&[0, 1]), Order::C);
        assert_eq!(file_order(&[1, 0]), Order::Fortran);
        assert_eq!(file_order(&[2, 1, 0]), Order::Fortran);
        assert_eq!(file_order(&[1, 0, 2]), Order::C);
    }
}
