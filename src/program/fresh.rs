//! Evaluation into fresh arrays.

use super::bind::{Inputs, Values, bind};
use super::core::Core;
use super::launch;
use super::prepared::prepare;
use super::shapes::order_of;
use super::{flat, folded};
use crate::error::Error;
use crate::outputs::{OutputPool, Pooled};
use crate::results::FromResults;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::ViewMut;
use smallvec::SmallVec;

/// Evaluates into arrays whose memory order follows the inputs'.
pub(super) fn evaluate<R: FromResults>(core: &Core, values: Values<'_>) -> Result<R, Error> {
    check_types::<R>(core)?;
    if core.n_results() == 1 {
        if let Some(result) = flat::evaluate(core, values) {
            return result;
        }
        if let Some(result) = folded::evaluate(core, values) {
            return result;
        }
    }
    evaluate_bound(core, values)
}

/// Evaluates a call that is neither flat nor folded.
fn evaluate_bound<R: FromResults>(core: &Core, values: Values<'_>) -> Result<R, Error> {
    let mut inputs = Inputs::new();
    bind(core, values, None, &mut inputs)?;
    let prepared = prepare(core, &inputs, &[], None)?;
    let mut outputs: SmallVec<[Output; 1]> = SmallVec::new();
    for (number, shape) in prepared.roots.iter().enumerate() {
        if let Some(rank) = R::wanted(number).rank
            && rank != shape.len()
        {
            return Err(Error::result_rank(rank, shape.len()));
        }
        outputs.push(Output::new(core.result_dtype(number), shape, &order_of(shape, &inputs))?);
    }
    let mut views: SmallVec<[ViewMut<'_>; 1]> = outputs.iter_mut().map(Output::view_mut).collect();
    launch::run_apart(core, &prepared.loops, &inputs, &mut views, None)?;
    drop(views);
    R::from_outputs(&mut outputs.into_iter())
}

/// Checks that there are as many results as are asked for, of their dtypes.
fn check_types<R: FromResults>(core: &Core) -> Result<(), Error> {
    let n_results = core.n_results();
    if let Some(expected) = R::COUNT
        && expected != n_results
    {
        return Err(core.count_error(expected));
    }
    for number in 0..n_results {
        if let Some(expected) = R::wanted(number).dtype
            && expected != core.result_dtype(number)
        {
            return Err(core.dtype_error(number, expected));
        }
    }
    Ok(())
}

/// Evaluates into memory of a pool.
pub(super) fn evaluate_pooled<'p>(
    core: &Core,
    values: Values<'_>,
    pool: &'p OutputPool,
) -> Result<Vec<Pooled<'p>>, Error> {
    let mut inputs = Inputs::new();
    bind(core, values, None, &mut inputs)?;
    let mut results = Vec::with_capacity(core.n_results());
    let prepared = prepare(core, &inputs, &[], None)?;
    for (number, shape) in prepared.roots.iter().enumerate() {
        results.push(pool.take(core.result_dtype(number), shape, &order_of(shape, &inputs))?);
    }
    let mut views: SmallVec<[ViewMut<'_>; 2]> = results.iter_mut().map(Pooled::view_mut).collect();
    launch::run_apart(core, &prepared.loops, &inputs, &mut views, None)?;
    drop(views);
    Ok(results)
}
