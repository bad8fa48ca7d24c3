//! How a call runs. This is the one place that decides it, and `recent` is the one place that
//! remembers something of it.
//!
//! ```text
//! flat        one loop without reductions over a few arrays with the same strides: no plan is made
//! folded      the same, reduced to one element
//! plan        loops without reductions over any layout
//! stages      loops that pass arrays on, where something runs along axes
//! interpret   there is no machine code, for the text or for this layout
//! ```
//!
//! In: a program, values of its variables, an output. Out: the filled output. A way that does not
//! suit a call says so before it writes anything, and the next one is tried.

use super::bind::{Inputs, Values, all_views, bind};
use super::core::Core;
use super::overlap::{Copies, copy_overlapping};
use super::shapes::{order_of, result_shape, shapes};
use super::staged::Staged;
use super::{elementwise, flat, folded};
use crate::error::Error;
use crate::interp;
use crate::shape;
use ndexpr_runtime::exec::{Progress, RunOptions, copy_into};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{View, ViewMut};
use std::sync::Arc;

/// Runs a call into an output. This may be any output of the result's dtype and of a shape that the
/// result broadcasts to.
#[inline]
pub(super) fn run(
    core: &Core,
    values: Values<'_>,
    out: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    if progress.is_none() {
        if let Some(done) = flat::run(core, values, out) {
            return done;
        }
        if let Some(done) = folded::run(core, values, out) {
            return done;
        }
    }
    run_bound(core, values, out, progress)
}

/// Runs a call that is not flat. This is not inlined, because its variables on the stack would slow
/// down flat calls.
#[inline(never)]
fn run_bound(core: &Core, values: Values<'_>, out: &mut ViewMut<'_>, progress: Option<&Progress>) -> Result<(), Error> {
    let mut copies = Copies::new();
    let mut inputs = Inputs::new();
    bind(core, values, Some(out), &mut inputs)?;
    if out.dtype() != core.result_dtype() {
        return Err(core.dtype_error(out.dtype()));
    }
    let shape = result_shape(core, &inputs, out.shape())?;
    if !shape::broadcasts_to(&shape, out.shape()) {
        return Err(Error::output_shape(&shape, out.shape()));
    }
    let options = RunOptions { pool: core.pool(), progress };
    copy_overlapping(&inputs, out, core.has_reductions(), &mut copies, &options)?;
    for (input, copy) in &copies {
        inputs[*input] = Some(copy.view());
    }
    if core.has_reductions() && shape[..] != *out.shape() {
        let mut result = Output::new(core.result_dtype(), &shape, &order_of(&shape, &inputs))?;
        run_apart(core, &inputs, &mut result.view_mut(), progress)?;
        return Ok(copy_into(&result.view(), out, &options)?);
    }
    run_apart(core, &inputs, out, progress)
}

/// Runs on inputs each of which either does not overlap the output, or is the output. With
/// reductions, no input is the output, and the output has the result's shape.
pub(super) fn run_apart(
    core: &Core,
    inputs: &[Option<View<'_>>],
    out: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    if let Some(progress) = progress {
        progress.set_total(out.n_elems());
    }
    match core.has_reductions() {
        false => run_elementwise(core, inputs, out, progress),
        true => run_reductions(core, inputs, out, progress),
    }
}

fn run_elementwise(
    core: &Core,
    inputs: &[Option<View<'_>>],
    out: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    if let Some(loops) = core.compiled.executable.loops()
        && elementwise::run(core, loops, inputs, out, progress)?
    {
        return Ok(());
    }
    interp::run(core.graph(), inputs, out, progress)
}

fn run_reductions(
    core: &Core,
    inputs: &[Option<View<'_>>],
    out: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let views = all_views(inputs).ok_or_else(|| Error::internal("an output that is an input of a reduction"))?;
    let options = RunOptions { pool: core.pool(), progress };
    let loops = core.compiled.executable.loops();
    if let Some(loops) = loops
        && let Some(staged) = core.recent.get()
        && staged.is_for(&views, out)
        && staged.run(loops, &views, out, &options)?
    {
        return Ok(());
    }
    let shapes = shapes(core, inputs, out.shape())?;
    if let Some(loops) = loops {
        let staged = Arc::new(Staged::new(&core.compiled, &views, &shapes, out)?);
        core.recent.set(Arc::clone(&staged));
        if staged.run(loops, &views, out, &options)? {
            return Ok(());
        }
    }
    let call = interp::Call { graph: core.graph(), fused: &core.compiled.fused, values: &views, shapes: &shapes };
    interp::run_reductions(call, out, core.pool(), progress)
}
