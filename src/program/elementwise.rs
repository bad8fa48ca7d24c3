//! Programs without reductions, over arrays of any layout: loops by plans, after the loops of
//! their single values.

use super::core::Core;
use crate::codegen::Refusal;
use crate::error::Error;
use crate::fuse::{self, Dest, Source};
use crate::input::Input;
use crate::kernels::CompiledLoop;
use crate::shape::Shape;
use ndexpr_runtime::exec::{self, Progress, RunOptions};
use ndexpr_runtime::plan::{self, Plan};
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;

/// The bytes of values that are the same for all elements, one element each.
type Temps = SmallVec<[[u8; 8]; 4]>;

/// Runs loops into outputs of the results' shapes, in order. Returns how many loops were run: all,
/// or those before one that has no machine code for its layout, and wrote nothing.
pub(super) fn run(
    core: &Core,
    fused: &fuse::Fused,
    loops: &[CompiledLoop],
    values: &[Input<'_>],
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<usize, Error> {
    let mut temps: Temps = SmallVec::from_elem([0; 8], fused.temps.len());
    let (before, last) = loops.split_at(loops.len() - fused.n_result_loops());
    for (compiled, group) in before.iter().zip(&fused.loops) {
        if !run_scalar_loop(core, (compiled, group), values, (fused, &mut temps))? {
            return Ok(0);
        }
    }
    let temps = temp_views(fused, &temps)?;
    for (index, (compiled, group)) in last.iter().zip(&fused.loops[before.len()..]).enumerate() {
        if !run_result_loop(core, (compiled, group), values, &temps, outs, progress)? {
            return Ok(before.len() + index);
        }
    }
    Ok(loops.len())
}

/// Computes some of the results. Returns false if there is no machine code for this.
fn run_result_loop(
    core: &Core,
    (compiled, group): (&CompiledLoop, &fuse::Loop),
    values: &[Input<'_>],
    temps: &[View<'_>],
    outs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<bool, Error> {
    let mut outputs: SmallVec<[ViewMut<'_>; 2]> = SmallVec::new();
    // The outputs of a loop are in the order of the results.
    let mut numbers: SmallVec<[usize; 4]> = SmallVec::new();
    for (number, out) in outs.iter_mut().enumerate() {
        if group.writes(number) {
            outputs.push(out.reborrow());
            numbers.push(number);
        }
    }
    let mut inputs: SmallVec<[plan::Input<'_, '_>; 8]> = SmallVec::new();
    for &(_, source) in &group.inputs {
        inputs.push(input_of(source, values, temps, &numbers)?);
    }
    let first = outputs.first().ok_or_else(|| Error::internal("a loop without a result"))?;
    let shape: Shape = first.shape().into();
    compiled.with_plan(&shape, &inputs, &mut outputs, |plan| run_plan(core, compiled, plan, progress))?
}

/// Runs a loop. Returns false, and does nothing, if it has no machine code for the layout.
pub(super) fn run_plan(
    core: &Core,
    compiled: &CompiledLoop,
    plan: &Plan<'_>,
    progress: Option<&Progress>,
) -> Result<bool, Error> {
    let Ok(kernel) = compiled.kernel(plan.run_kinds()) else {
        return Ok(false);
    };
    let options = RunOptions { pool: core.pool(), progress };
    exec::run_streaming(plan, kernel, compiled.streaming_kernel(plan), &options)?;
    Ok(true)
}

/// Computes values that are the same for all elements. Returns false if there is no machine code
/// for this.
fn run_scalar_loop(
    core: &Core,
    (compiled, group): (&CompiledLoop, &fuse::Loop),
    values: &[Input<'_>],
    (fused, temps): (&fuse::Fused, &mut [[u8; 8]]),
) -> Result<bool, Error> {
    // What an earlier loop of single values has left.
    let earlier = Temps::from(&*temps);
    let earlier = temp_views(fused, &earlier)?;
    let mut inputs: SmallVec<[View<'_>; 8]> = SmallVec::new();
    for &(_, source) in &group.inputs {
        // All of them are single values, so none is the output.
        if let plan::Input::View(view) = input_of(source, values, &earlier, &[])? {
            inputs.push(view.clone());
        }
    }
    let mut outputs: SmallVec<[ViewMut<'_>; 4]> = SmallVec::new();
    // The targets of a loop of single values are temporaries, in order.
    for (number, (bytes, temp)) in temps.iter_mut().zip(&fused.temps).enumerate() {
        if group.outputs.iter().any(|&(_, dest)| dest == Some(Dest::Temp(number))) {
            outputs.push(ViewMut::from_bytes_mut(bytes, temp.dtype, &[], &[], 0)?);
        }
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

/// Where a loop without reductions finds an input; `numbers` are those of the results that it
/// writes.
fn input_of<'v, 'a>(
    source: Source,
    values: &'v [Input<'a>],
    temps: &'v [View<'a>],
    numbers: &[usize],
) -> Result<plan::Input<'v, 'a>, Error> {
    match source {
        Source::View(var) => Ok(match &values[var] {
            Input::View(view) => plan::Input::View(view),
            Input::Output(output) => {
                let place = numbers.iter().position(|number| number == output);
                plan::Input::Output(place.ok_or_else(|| Error::internal("an output of another loop"))?)
            }
        }),
        Source::Temp(temp) => Ok(plan::Input::View(&temps[temp])),
        Source::Result(_) => Err(Error::internal("a reduction in a loop on its own")),
    }
}
