//! `ndexpr bench`: an expression's speed, beside that of the memory, measured in the same run.

use std::convert::Infallible;
use std::hint::black_box;
use std::io::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ndexpr::DynArray;
use serde::Serialize;

use crate::args::BenchArgs;
use crate::failure::Failure;
use crate::op_by_op::OpByOp;
use crate::results::Results;
use crate::sources;

/// Every line is measured at least this often, and until [`BUDGET`] is spent.
const MIN_REPETITIONS: usize = 5;
const MAX_REPETITIONS: usize = 10_000;
const BUDGET: Duration = Duration::from_millis(800);

/// Results of a benchmark, as `--json` shows them.
#[derive(Debug, Serialize)]
struct Report {
    expression: String,
    result: String,
    backend: String,
    threads: usize,
    elements: usize,
    /// Bytes of all inputs and outputs: those that have to be moved at least.
    bytes: usize,
    measurements: Vec<Measurement>,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Measurement {
    what: &'static str,
    repetitions: usize,
    median_seconds: f64,
    ns_per_element: f64,
    gb_per_second: f64,
    /// Its time, divided by that of the fused evaluation with the output reused.
    ratio: f64,
}

/// Measures and prints.
pub(crate) fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let engine = args.engine.build()?;
    let variables = sources::load_all(&args.bindings)?;
    let vars = sources::vars(&variables)?;
    let program = engine.compile(&args.text, &vars.signature());
    let program = program.map_err(|error| Failure::compiling(&engine, &args.text, error))?;
    let mut results = Results::new(&program, &vars, &[])?;
    let n_bytes = sources::n_bytes(&variables, &program) + results.n_bytes();

    let reused_output = {
        let mut outs = results.views_mut()?;
        repeat(|| program.run_all(&vars, &mut outs, None))?
    };
    let mut timings = vec![
        ("fused, output reused", reused_output),
        ("fused, fresh output", repeat(|| program.evaluate::<Vec<DynArray>>(&vars).map(drop))?),
    ];
    let op_by_op = OpByOp::compile(&engine, &args.text, &vars.signature())?;
    timings.push(("one operation at a time", repeat(|| op_by_op.evaluate(&vars).map(drop))?));
    if let Some(timing) = memory_copy(n_bytes, engine.threads()) {
        timings.push(("copying as many bytes", timing));
    }

    // A reduction counts the elements that it reads.
    let n_elements = results.most_elements().max(sources::most_elements(&variables, &program));
    let reference = timings[0].1.median.as_secs_f64().max(1e-12);
    let measurements = timings
        .into_iter()
        .map(|(what, Timing { median, repetitions })| {
            let seconds = median.as_secs_f64().max(1e-12);
            Measurement {
                what,
                repetitions,
                median_seconds: seconds,
                ns_per_element: seconds * 1e9 / n_elements.max(1) as f64,
                gb_per_second: n_bytes as f64 / seconds / 1e9,
                ratio: seconds / reference,
            }
        })
        .collect();
    let report = Report {
        expression: args.text.clone(),
        result: results.descriptions().join(", "),
        backend: program.backend().to_string(),
        threads: engine.threads(),
        elements: n_elements,
        bytes: n_bytes,
        measurements,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
        return Ok(());
    }
    report.write(out)
}

impl Report {
    fn write(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let threads = if self.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", self.threads) };
        writeln!(out, "{}  ->  {}  ({}, {threads})", self.expression, self.result, self.backend)?;
        writeln!(out)?;
        writeln!(out, "{:<26} {:>12} {:>10} {:>8} {:>6}", "", "ns/element", "GB/s", "time", "runs")?;
        for line in &self.measurements {
            writeln!(
                out,
                "{:<26} {:>12.4} {:>10.2} {:>7.2}x {:>6}",
                line.what, line.ns_per_element, line.gb_per_second, line.ratio, line.repetitions
            )?;
        }
        Ok(())
    }
}

/// The median of several runs.
#[derive(Clone, Copy, Debug)]
struct Timing {
    median: Duration,
    repetitions: usize,
}

/// Times `work`, after one run that is not counted.
fn repeat<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<Timing, E> {
    work()?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < MIN_REPETITIONS || (start.elapsed() < BUDGET && times.len() < MAX_REPETITIONS) {
        let before = Instant::now();
        work()?;
        times.push(before.elapsed());
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Timing {
    times.sort_unstable();
    Timing { median: times[times.len() / 2], repetitions: times.len() }
}

/// The memory's limit: copying half of these bytes reads the one half and writes the other. `None`
/// if there is not enough memory for it, or nothing to copy.
///
/// The threads are started once and meet before and after each copy, so that starting them is not
/// measured.
fn memory_copy(n_bytes: usize, n_threads: usize) -> Option<Timing> {
    let half = n_bytes / 2;
    let zeroed = || {
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(half).ok()?;
        buffer.resize(half, 1_u8);
        Some(buffer)
    };
    let (source, mut target) = (zeroed()?, zeroed()?);
    let share = half.div_ceil(n_threads);
    if share == 0 {
        return None;
    }
    let is_done = AtomicBool::new(false);
    let parts: Vec<(&[u8], &mut [u8])> = source.chunks(share).zip(target.chunks_mut(share)).collect();
    let meeting = Barrier::new(parts.len() + 1);
    thread::scope(|scope| {
        for (source, target) in parts {
            let (meeting, is_done) = (&meeting, &is_done);
            scope.spawn(move || {
                loop {
                    meeting.wait();
                    if is_done.load(Ordering::Relaxed) {
                        return;
                    }
                    black_box(&mut *target).copy_from_slice(black_box(source));
                    meeting.wait();
                }
            });
        }
        let timing = repeat(|| {
            meeting.wait();
            meeting.wait();
            Ok::<(), Infallible>(())
        });
        is_done.store(true, Ordering::Relaxed);
        meeting.wait();
        timing.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let times = [5, 1, 100].map(Duration::from_nanos).to_vec();
        let timing = median(times);
        assert_eq!((timing.median, timing.repetitions), (Duration::from_nanos(5), 3));
    }

    #[test]
    fn copies_of_any_size() {
        for (n_bytes, n_threads) in [(2, 1), (2, 8), (30, 4), (1 << 20, 3)] {
            assert!(memory_copy(n_bytes, n_threads).is_some(), "{n_bytes} {n_threads}");
        }
        assert!(memory_copy(0, 2).is_none());
        assert!(memory_copy(usize::MAX, 2).is_none());
    }

    #[test]
    fn failures_are_not_timed() {
        assert_eq!(repeat(|| Err(3)).map(|timing| timing.repetitions), Err(3));
    }
}
