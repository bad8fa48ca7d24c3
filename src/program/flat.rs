//! Flat calls: programs of one loop on a few arrays with the same strides, run without a plan.
//!
//! In: a program and the values of its variables. Out: the result, or `None` if the call is not so
//! simple, or is wrong. Then another way is taken, which also finds the error to report.

use super::bind::{Values, is_plain};
use super::core::Core;
use crate::error::Error;
use crate::fuse::{self, Source};
use crate::kernels::CompiledLoop;
use crate::results::FromResults;
use crate::vars::Var;
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::exec::{Flat, MAX_FLAT_INPUTS};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;

/// Calls with a fresh result of more elements than this do not try this way: making the array takes
/// longer than finding out how to run.
const MAX_FRESH_ELEMS: usize = 100_000;

/// Results of at most so many elements are made directly as arrays of their type. To make an
/// [`Output`] first, which then becomes such an array, would take a quarter of a call on few
/// elements.
const MAX_TYPED_ELEMS: usize = 4096;

/// The only loop of a program that is machine code of one result without reductions.
pub(super) fn only_loop(core: &Core) -> Option<(&CompiledLoop, &fuse::Loop)> {
    match (core.compiled.arranged.executable.loops()?, &core.compiled.arranged.fused.loops[..]) {
        ([compiled], [group]) if !core.has_reductions() && core.n_results() == 1 => Some((compiled, group)),
        _ => None,
    }
}

/// Runs a call that the caller has described.
pub(super) fn run_given(core: &Core, flat: &Flat<'_>) -> Option<Result<(), Error>> {
    let vars = core.graph().vars();
    if flat.inputs().len() != vars.len() || flat.result_dtype() != core.result_dtype(0) {
        return None;
    }
    for (var, (dtype, kind)) in vars.iter().zip(flat.inputs()) {
        let is_right = dtype == var.ty.dtype && (kind == RunKind::Splat || !var.ty.is_scalar);
        if !is_right || !var.must_fit.is_empty() {
            return None;
        }
    }
    run_checked(core, flat)
}

/// Runs a call into an output.
#[inline]
pub(super) fn run(core: &Core, values: Values<'_>, out: &mut ViewMut<'_>) -> Option<Result<(), Error>> {
    // Which kind of values there is is asked once, not for each variable.
    match values {
        Values::Named(vars) => run_on(core, |place, name| vars.get_near(name, place), out),
        Values::InOrder(all) if values.has_count(core.graph().vars().len()) => {
            run_on(core, |place, _| all.get(place), out)
        }
        Values::InOrder(_) => None,
    }
}

/// Runs on the values that `value_of` gives for a variable by its place and name.
fn run_on<'v>(
    core: &Core,
    value_of: impl Fn(usize, &str) -> Option<&'v Var<'v>>,
    out: &mut ViewMut<'_>,
) -> Option<Result<(), Error>> {
    only_loop(core)?;
    if out.dtype() != core.result_dtype(0) {
        return None;
    }
    let mut given = Flat::new(out)?;
    // All variables of the text are looked at, whether the loop reads them or not.
    for (place, var) in core.graph().vars().iter().enumerate() {
        let value = value_of(place, &var.name)?;
        if !is_plain(var, value.ty()) || !value.push_to(&mut given) {
            return None;
        }
    }
    run_checked(core, &given)
}

/// Runs on values of all variables, of the right types.
fn run_checked(core: &Core, given: &Flat<'_>) -> Option<Result<(), Error>> {
    let (compiled, group) = only_loop(core)?;
    let is_in_order = group.inputs.len() == core.graph().vars().len()
        && group.inputs.iter().enumerate().all(|(k, (_, source))| *source == Source::View(k));
    let selected;
    let flat = match is_in_order {
        true => given,
        false => {
            let var_of = |&(_, source): &(_, Source)| match source {
                Source::View(var) => Some(var),
                Source::Temp(_) | Source::Result(_) => None,
            };
            let inputs: Option<SmallVec<[usize; MAX_FLAT_INPUTS]>> = group.inputs.iter().map(var_of).collect();
            selected = given.select(inputs?.into_iter())?;
            &selected
        }
    };
    let kernel = compiled.kernel(flat.run_kinds()).as_ref().ok()?;
    Some(flat.run(kernel, core.pool())?.map_err(Error::from))
}

/// A call into a fresh array, in C order, of the shape of the first of its variables that has axes.
/// `None` also if that variable does not have the rank that is asked for. If a dtype is asked for,
/// it must be that of the result.
pub(super) fn evaluate<R: FromResults>(core: &Core, values: Values<'_>) -> Option<Result<R, Error>> {
    only_loop(core)?;
    let mut first: Option<&View<'_>> = None;
    for (place, var) in core.graph().vars().iter().enumerate() {
        let value = values.get(place, &var.name)?;
        if value.is_output() {
            return None;
        }
        first = first.or(value.as_view().filter(|view| view.n_axes() > 0));
    }
    let first = first?;
    if R::wanted(0).rank.is_some_and(|rank| rank != first.n_axes())
        || first.n_elems() > MAX_FRESH_ELEMS
        || !first.is_c_order()
    {
        return None;
    }
    if first.n_elems() <= MAX_TYPED_ELEMS
        && let Some(mut result) = R::zeros(first.shape())
    {
        let done = run(core, values, &mut result.view_mut()?)?;
        return Some(done.map(|()| result));
    }
    const C_ORDER: [usize; 6] = [0, 1, 2, 3, 4, 5];
    let mut output = match Output::new(core.result_dtype(0), first.shape(), C_ORDER.get(..first.n_axes())?) {
        Ok(output) => output,
        Err(error) => return Some(Err(error.into())),
    };
    let done = run(core, values, &mut output.view_mut())?;
    Some(done.and_then(|()| R::from_outputs(&mut std::iter::once(output))))
}
