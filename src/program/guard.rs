//! What stops a run in the middle of compiled code becomes an error: panics of functions of Rust,
//! and loops that do not end.
//!
//! In: a call of a program. Out: what the call gives, or an error that says why it has stopped.
//! Always true: any other panic goes on, because it is a defect.

use super::core::Core;
use crate::error::Error;
use crate::resolve::Action;
use ndexpr_runtime::function::{Endless, Panicked, Stopped};
use ndexpr_runtime::memory::AllocError;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs a call.
pub(super) fn guarded<T>(core: &Core, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let graph = core.graph();
    if graph.functions().is_empty() && graph.regions().is_empty() { run() } else { guarded_from_stops(core, run) }
}

/// This is not inlined, because most programs have no loops and call no function of Rust.
#[inline(never)]
fn guarded_from_stops<T>(core: &Core, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // The only thing that a panic leaves half-done is the output, as cancelling does: what programs
    // remember of calls is set at once, and scratch is given up.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| match payload.downcast::<Stopped>() {
        Ok(stopped) => Err(match *stopped {
            Stopped::Panicked(panic) => error(core, &panic),
            Stopped::Endless(Endless { label, limit }) => {
                Error::too_many_iterations(limit, None, core.graph().loop_at(label))
            }
            Stopped::OutOfMemory { n_bytes } => AllocError::OutOfMemory { n_bytes }.into(),
            Stopped::Already => Error::internal("a run that stopped for no reason"),
        }),
        Err(payload) => resume_unwind(payload),
    })
}

fn error(core: &Core, panic: &Panicked) -> Error {
    let (resolved, registry) = (&core.compiled.resolved, &core.context.registry);
    let mut calls = resolved.steps().filter_map(|(_, step)| match step.action {
        Action::Rust(id) if registry.function(id).name() == &*panic.function => Some(step),
        _ => None,
    });
    // Which of several calls it was is not known.
    let only = calls.next().filter(|_| calls.next().is_none());
    let sites = only.map_or_else(Vec::new, |step| resolved.calls(step.site));
    Error::panicked(panic, only.map(|step| step.span)).called_from(&sites)
}
