//! `ndexpr eval`: sources in, evaluation, results out.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use ndexpr::Progress;

use crate::args::EvalArgs;
use crate::destination;
use crate::failure::Failure;
use crate::interrupt::cancel_on_interrupt;
use crate::progress::with_bar;
use crate::results::Results;
use crate::sources;
use crate::stats::Stats;

/// Evaluates, and prints the results or writes the output files.
pub(crate) fn run(args: &EvalArgs, out: &mut dyn Write) -> Result<(), Failure> {
    destination::check(&args.outputs)?;
    let engine = args.engine.build()?;
    let variables = sources::load_all(&args.bindings)?;
    let vars = sources::vars(&variables)?;

    let start = Instant::now();
    let program = engine.compile(&args.text, &vars.signature());
    let program = program.map_err(|error| Failure::compiling(&engine, &args.text, error))?;
    let compile_time = start.elapsed();

    let mut results = Results::new(&program, &vars, &args.outputs)?;
    let progress = Arc::new(Progress::default());
    if results.has_files() {
        cancel_on_interrupt(&progress);
    }
    let start = Instant::now();
    let mut outs = results.views_mut()?;
    with_bar(&progress, || program.run_all(&vars, &mut outs, Some(&progress))).map_err(Failure::running)?;
    drop(outs);
    let run_time = start.elapsed();
    let stats = Stats {
        arrays: results.descriptions().into_iter().map(|array| ("result", array)).collect(),
        backend: program.backend(),
        fallback_reason: program.fallback_reason(),
        threads: engine.threads(),
        compile_time,
        stages: program.compile_times(),
        run_time,
        n_elements: results.most_elements(),
        n_bytes: sources::n_bytes(&variables, &program) + results.n_bytes(),
    };
    results.finish(out)?;
    if args.stats {
        out.flush()?;
        // If stderr is closed, nobody wants the statistics.
        let _ = stats.write(&mut io::stderr().lock());
    }
    Ok(())
}
