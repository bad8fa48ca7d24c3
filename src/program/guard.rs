//! Panics of functions of Rust become errors.
//!
//! In: a call of a program. Out: what the call gives, or an error with the message of the panic.
//! Always true: any other panic goes on, because it is a defect.

use super::core::Core;
use crate::error::Error;
use crate::resolve::Action;
use ndexpr_runtime::function::Panicked;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs a call.
pub(super) fn guarded<T>(core: &Core, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    if core.graph().functions().is_empty() { run() } else { guarded_from_rust(core, run) }
}

/// This is not inlined, because most programs call no function of Rust.
#[inline(never)]
fn guarded_from_rust<T>(core: &Core, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // The only thing that a panic leaves half-done is the output, as cancelling does: what programs
    // remember of calls is set at once, and scratch is given up.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| match payload.downcast::<Panicked>() {
        Ok(panic) => Err(error(core, &panic)),
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
