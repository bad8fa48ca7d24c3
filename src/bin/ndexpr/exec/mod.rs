//! `ndexpr exec`: statements that update arrays in files.
//!
//! ```text
//! plan      names, variables, -o   -> where each updated array is, or what is wrong with that
//! in_place  a file                 -> its array, mapped for writing
//! memory    a place                -> memory to update, which becomes a file
//! ```

mod in_place;
mod memory;
mod plan;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ndexpr::{Backend, DynArray, Engine, OutputInfo, Procedure, Progress, Targets, VarType, Vars};

use crate::args::ExecArgs;
use crate::array::element_count;
use crate::destination;
use crate::failure::Failure;
use crate::interrupt::cancel_on_interrupt;
use crate::output;
use crate::progress::with_bar;
use crate::results::{described, labels, print};
use crate::sources::{self, Binding, Value, Variable};
use crate::stats::Stats;
use memory::{Memory, Opened};
use plan::Plan;

/// Updates the arrays, and prints the results.
pub(crate) fn run(args: &ExecArgs, out: &mut dyn Write) -> Result<(), Failure> {
    destination::check(&args.outputs)?;
    sources::check_names(&args.bindings)?;
    let engine = args.engine.build()?;
    let names = updated_names(&engine, &args.text)?;
    let plan = Plan::new(&names, &args.bindings, &args.outputs)?;
    let opened: Vec<Opened<'_>> = plan.updates.iter().map(Opened::new).collect::<Result<_, _>>()?;
    let variables: Vec<Variable> = plan.read.iter().copied().map(Binding::load).collect::<Result<_, _>>()?;
    let vars = sources::vars(&variables)?;

    let start = Instant::now();
    let updated = names.iter().map(String::as_str).zip(&opened);
    let signature =
        updated.fold(vars.signature(), |signature, (name, array)| signature.with(name, VarType::array(array.dtype())));
    let procedure = engine.procedure(&args.text, &signature, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let compile_time = start.elapsed();

    let progress = Arc::new(Progress::default());
    cancel_on_interrupt(&progress);
    let arrays = opened.into_iter().map(|array| array.into_memory(&progress));
    let mut arrays: Vec<Memory<'_>> = arrays.collect::<Result<_, _>>()?;
    let start = Instant::now();
    let in_place: Vec<PathBuf> = arrays.iter().filter_map(Memory::path_in_place).collect();
    let after_update = |failure| Failure::after_update(failure, &in_place);
    let results = update(&procedure, &vars, &names, &mut arrays, &progress).map_err(after_update)?;
    let run_time = start.elapsed();

    let outputs: Vec<OutputInfo<'_>> = procedure.outputs().collect();
    let results: Vec<_> = labels(procedure.is_tuple(), &outputs).into_iter().zip(results).collect();
    let reason = procedure.fallback_reason();
    let stats = Stats {
        arrays: descriptions(&names, &arrays, &results),
        backend: if reason.is_some() { Backend::Interp } else { Backend::Jit },
        fallback_reason: reason,
        threads: engine.threads(),
        compile_time,
        stages: &[],
        run_time,
        n_elements: arrays.iter().map(|array| array.elements().n_elems()).max().unwrap_or(0),
        n_bytes: moved_bytes(&variables, &arrays, &results),
    };
    let finished: Result<Vec<_>, Failure> = arrays.into_iter().map(Memory::finish).collect();
    finished.and_then(|files| output::commit(files.into_iter().flatten())).map_err(after_update)?;
    for (label, result) in &results {
        print(out, label.as_deref(), &result.view())?;
    }
    if args.stats {
        out.flush()?;
        // If stderr is closed, nobody wants the statistics.
        let _ = stats.write(&mut io::stderr().lock());
    }
    Ok(())
}

/// The names of the arrays that a text updates.
pub(crate) fn updated_names(engine: &Engine, text: &str) -> Result<Vec<String>, Failure> {
    let names = engine.names(text)?.into_iter().filter(|used| used.is_updated);
    Ok(names.map(|used| used.name).collect())
}

/// Runs the statements, and gives the text's results.
fn update(
    procedure: &Procedure,
    vars: &Vars<'_>,
    names: &[String],
    arrays: &mut [Memory<'_>],
    progress: &Progress,
) -> Result<Vec<DynArray>, Failure> {
    let mut targets = Targets::new();
    for (name, array) in names.iter().zip(arrays) {
        targets = targets.with(name, array.elements_mut().view_mut()?);
    }
    with_bar(progress, || procedure.call_with(vars, &mut targets, Some(progress))).map_err(Failure::running)
}

/// What was updated and what the text returns, each with its type and shape.
fn descriptions(
    names: &[String],
    arrays: &[Memory<'_>],
    results: &[(Option<String>, DynArray)],
) -> Vec<(&'static str, String)> {
    let updated = names.iter().zip(arrays).map(|(name, array)| {
        let elements = array.elements();
        ("updated", described(Some(name), elements.dtype(), elements.shape()))
    });
    let results =
        results.iter().map(|(label, result)| ("result", described(label.as_deref(), result.dtype(), result.shape())));
    updated.chain(results).collect()
}

/// The bytes that a run reads and writes. An array that is updated is read and written.
fn moved_bytes(variables: &[Variable], arrays: &[Memory<'_>], results: &[(Option<String>, DynArray)]) -> usize {
    let read = variables.iter().map(|variable| match &variable.value {
        Value::Array(array) => array.n_bytes(),
        Value::Scalar(_) => 0,
    });
    let updated = arrays.iter().map(|array| 2 * array.elements().n_bytes());
    let results = results.iter().map(|(_, result)| element_count(result.shape()) * result.dtype().size());
    read.chain(updated).chain(results).sum()
}
