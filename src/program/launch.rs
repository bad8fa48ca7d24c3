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
//! In: a program, values of its variables, outputs. Out: the filled outputs. A way that does not
//! suit a call says so before it writes anything, and the next one is tried.

use super::bind::{Inputs, Values, bind, views_or};
use super::core::Core;
use super::overlap::{Copies, check_apart, copy_overlapping};
use super::prepared::{Loops, Prepared, prepare};
use super::shapes::{order_of, shapes};
use super::staged::Staged;
use super::{elementwise, flat, flat_many, folded};
use crate::error::Error;
use crate::fuse::{self, Space};
use crate::input::Input;
use crate::interp;
use crate::shape::{self, Shape};
use ndexpr_runtime::exec::{Progress, RunOptions, copy_into};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;
use std::sync::Arc;

/// Runs a call into one output for each result. These may be any outputs of the results' dtypes and
/// of shapes that the results broadcast to.
#[inline]
pub(super) fn run(
    core: &Core,
    values: Values<'_>,
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    if outs.len() != core.n_results() {
        return Err(core.count_error(outs.len()));
    }
    if progress.is_none() {
        if let [out] = outs {
            if let Some(done) = flat::run(core, values, out) {
                return done;
            }
            if let Some(done) = folded::run(core, values, out) {
                return done;
            }
        }
        if let Some(done) = flat_many::run(core, values, outs) {
            return done;
        }
    }
    run_bound(core, values, outs, progress)
}

/// Runs a call that is not flat. This is not inlined, because its variables on the stack would slow
/// down flat calls.
#[inline(never)]
fn run_bound(
    core: &Core,
    values: Values<'_>,
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let mut copies = Copies::new();
    let mut inputs = Inputs::new();
    let (out, out_shape): (_, Shape) = match outs {
        [out] => (Some(&*out), out.shape().into()),
        _ => (None, Shape::new()),
    };
    bind(core, values, out, &mut inputs)?;
    for (number, out) in outs.iter().enumerate() {
        if out.dtype() != core.result_dtype(number) {
            return Err(core.dtype_error(number, out.dtype()));
        }
    }
    let Prepared { roots: shapes, loops } = prepare(core, &inputs, &out_shape, progress)?;
    for (shape, out) in shapes.iter().zip(&*outs) {
        if !shape::broadcasts_to(shape, out.shape()) {
            return Err(Error::output_shape(shape, out.shape()));
        }
    }
    check_apart(outs)?;
    let options = RunOptions { pool: core.pool(), progress };
    copy_overlapping(&inputs, outs, loops.have_several_passes(core), &mut copies, &options)?;
    for (input, copy) in &copies {
        inputs[*input] = Input::View(copy.view());
    }
    let has_shapes = shapes.iter().zip(&*outs).all(|(shape, out)| shape[..] == *out.shape());
    if has_shapes || (outs.len() == 1 && !core.has_reductions()) {
        return run_apart(core, &loops, &inputs, outs, progress);
    }
    // Loops that write more than one result, or reduce, need outputs of the results' shapes.
    let mut results: SmallVec<[Option<Output>; 2]> = SmallVec::new();
    for (number, (shape, out)) in shapes.iter().zip(&*outs).enumerate() {
        results.push(match shape[..] == *out.shape() {
            true => None,
            false => Some(Output::new(core.result_dtype(number), shape, &order_of(shape, &inputs))?),
        });
    }
    let places = results.iter_mut().zip(&mut *outs);
    let places = places.map(|(result, out)| result.as_mut().map_or_else(|| out.reborrow(), Output::view_mut));
    let mut places: SmallVec<[ViewMut<'_>; 2]> = places.collect();
    run_apart(core, &loops, &inputs, &mut places, progress)?;
    drop(places);
    for (result, out) in results.iter().zip(outs) {
        if let Some(result) = result {
            copy_into(&result.view(), out, &options)?;
        }
    }
    Ok(())
}

/// Runs on inputs each of which either does not overlap any output, or is an output. If there are
/// several passes, no input is an output. Outputs have the results' shapes, or without reductions
/// the only one has a shape that the result broadcasts to. They do not overlap each other.
pub(super) fn run_apart(
    core: &Core,
    loops: &Loops<'_>,
    inputs: &[Input<'_>],
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    if core.has_reductions() {
        return run_reductions(core, loops, inputs, outs, progress);
    }
    if let Some(progress) = progress {
        let n_elems = |group: &fuse::Loop| match group.space {
            Space::Result(root) => outs[root].n_elems(),
            _ => 0,
        };
        progress.set_total(loops.arranged.fused.loops.iter().map(n_elems).sum());
    }
    run_part(core, loops, inputs, outs, progress)
}

/// Runs a program without reductions as [`run_apart`] does, but for a part of a call whose elements
/// have been counted.
pub(super) fn run_part(
    core: &Core,
    loops: &Loops<'_>,
    inputs: &[Input<'_>],
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let arranged = loops.arranged;
    let fused = &arranged.fused;
    let n_done = match arranged.executable.loops() {
        Some(loops) => elementwise::run(core, fused, loops, inputs, outs, progress)?,
        None => 0,
    };
    interp::run(core.graph(), &fused.loops[n_done..], inputs, outs, progress)
}

fn run_reductions(
    core: &Core,
    loops: &Loops<'_>,
    inputs: &[Input<'_>],
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    if let Some(progress) = progress {
        progress.set_total(outs.iter().map(ViewMut::n_elems).sum());
    }
    let nothing = View::from_element(&false);
    let views = views_or(inputs, &nothing);
    let options = RunOptions { pool: core.pool(), progress };
    let Loops { arranged, which, .. } = *loops;
    let compiled = arranged.executable.loops();
    if let Some(compiled) = compiled
        && let Some(staged) = &loops.recent
        && staged.is_for(&views, outs)
        && staged.run(compiled, &views, outs, &options)?
    {
        return Ok(());
    }
    let inferred;
    let shapes = match &loops.shapes {
        Some(shapes) => shapes,
        None => {
            inferred = shapes(core, inputs, &[])?;
            &inferred
        }
    };
    if let Some(compiled) = compiled {
        let staged = Arc::new(Staged::new(core.graph(), (&arranged.fused, which), &views, shapes, outs)?);
        core.recent.set(Arc::clone(&staged));
        if staged.run(compiled, &views, outs, &options)? {
            return Ok(());
        }
    }
    let call = interp::Call { graph: core.graph(), fused: &arranged.fused, values: &views, shapes };
    interp::run_reductions(call, outs, core.pool(), progress)
}
