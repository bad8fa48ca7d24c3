//! Programs without reductions, over arrays of any layout: one loop by a plan, after the loops of
//! its single values.

use super::core::Core;
use crate::codegen::Refusal;
use crate::error::Error;
use crate::fuse::{self, Source};
use crate::kernels::CompiledLoop;
use crate::shape::Shape;
use ndexpr_runtime::exec::{self, Progress, RunOptions};
use ndexpr_runtime::plan::{Input, Plan};
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;

/// The bytes of values that are the same for all elements, one element each.
type Temps = SmallVec<[[u8; 8]; 4]>;

/// Runs all loops into an output of the result's shape. Returns false, and leaves the output as it
/// was, if there is no machine code for the layout.
pub(super) fn run(
    core: &Core,
    loops: &[CompiledLoop],
    values: &[Option<View<'_>>],
    out: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<bool, Error> {
    let fused = &core.compiled.fused;
    let mut temps: Temps = SmallVec::from_elem([0; 8], fused.temps.len());
    let (last, before) = loops.split_last().ok_or_else(|| Error::internal("a program without a loop"))?;
    for (compiled, group) in before.iter().zip(&fused.loops) {
        if !run_scalar_loop(core, compiled, group, values, &mut temps)? {
            return Ok(false);
        }
    }
    let group = &fused.loops[before.len()];
    let temps = temp_views(fused, &temps)?;
    let mut inputs: SmallVec<[Input<'_, '_>; 8]> = SmallVec::new();
    for &(_, source) in &group.inputs {
        inputs.push(input_of(source, values, &temps)?);
    }
    let shape: Shape = out.shape().into();
    let mut outputs = [out.reborrow()];
    let plan = Plan::in_place(&shape, &inputs, &mut outputs)?;
    let Ok(kernel) = last.kernel(plan.run_kinds()) else {
        return Ok(false);
    };
    let options = RunOptions { pool: core.pool(), progress };
    exec::run_streaming(&plan, kernel, last.streaming_kernel(&plan), &options)?;
    Ok(true)
}

/// Computes values that are the same for all elements. Returns false if there is no machine code
/// for this.
fn run_scalar_loop(
    core: &Core,
    compiled: &CompiledLoop,
    group: &fuse::Loop,
    values: &[Option<View<'_>>],
    temps: &mut [[u8; 8]],
) -> Result<bool, Error> {
    let mut inputs: SmallVec<[View<'_>; 8]> = SmallVec::new();
    for &(_, source) in &group.inputs {
        // All of them are single values, so none is the output.
        if let Input::View(view) = input_of(source, values, &[])? {
            inputs.push(view.clone());
        }
    }
    let mut outputs: SmallVec<[ViewMut<'_>; 4]> = SmallVec::new();
    // The targets of the only loop before the last are all temporaries, in order.
    for (bytes, temp) in temps.iter_mut().zip(&core.compiled.fused.temps) {
        outputs.push(ViewMut::from_bytes_mut(bytes, temp.dtype, &[], &[], 0)?);
    }
    let plan = Plan::new(&[], &inputs, &mut outputs)?;
    match compiled.kernel(plan.run_kinds()) {
        Ok(kernel) => {
            exec::run(&plan, kernel, &RunOptions::new(core.pool()))?;
            Ok(true)
        }
        Err(Refusal(_)) => Ok(false),
    }
}

fn temp_views<'v>(fused: &fuse::Fused, temps: &'v [[u8; 8]]) -> Result<SmallVec<[View<'v>; 2]>, Error> {
    let views = temps.iter().zip(&fused.temps);
    let views = views.map(|(bytes, temp)| View::from_bytes(bytes, temp.dtype, &[], &[], 0));
    Ok(views.collect::<Result<_, _>>()?)
}

/// Where a loop without reductions finds an input.
fn input_of<'v, 'a>(
    source: Source,
    values: &'v [Option<View<'a>>],
    temps: &'v [View<'a>],
) -> Result<Input<'v, 'a>, Error> {
    match source {
        Source::View(var) => Ok(values[var].as_ref().map_or(Input::Output(0), Input::View)),
        Source::Temp(temp) => Ok(Input::View(&temps[temp])),
        Source::Result => Err(Error::internal("a reduction in a loop on its own")),
    }
}
