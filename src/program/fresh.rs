//! Evaluation into fresh arrays.

use super::bind::{Inputs, Values, bind};
use super::core::Core;
use super::launch;
use super::shapes::{self, Layout};
use super::{flat, folded};
use crate::array::FromResult;
use crate::error::Error;
use crate::outputs::{OutputPool, Pooled};
use ndexpr_runtime::memory::Output;

/// Evaluates into an array whose memory order follows the inputs'.
pub(super) fn evaluate<R: FromResult>(core: &Core, values: Values<'_>) -> Result<R, Error> {
    if let Some(expected) = R::DTYPE
        && expected != core.result_dtype()
    {
        return Err(core.dtype_error(expected));
    }
    if let Some(result) = flat::evaluate(core, values) {
        return result;
    }
    if let Some(result) = folded::evaluate(core, values) {
        return result;
    }
    let mut inputs = Inputs::new();
    bind(core, values, None, &mut inputs)?;
    let Layout { shape, order } = shapes::layout(core, &inputs)?;
    if let Some(rank) = R::RANK
        && rank != shape.len()
    {
        return Err(Error::result_rank(rank, shape.len()));
    }
    let mut output = Output::new(core.result_dtype(), &shape, &order)?;
    launch::run_apart(core, &inputs, &mut output.view_mut(), None)?;
    R::from_output(output)
}

/// Evaluates into memory of a pool.
pub(super) fn evaluate_pooled<'p>(core: &Core, values: Values<'_>, pool: &'p OutputPool) -> Result<Pooled<'p>, Error> {
    let mut inputs = Inputs::new();
    bind(core, values, None, &mut inputs)?;
    let Layout { shape, order } = shapes::layout(core, &inputs)?;
    let mut result = pool.take(core.result_dtype(), &shape, &order)?;
    launch::run_apart(core, &inputs, &mut result.view_mut(), None)?;
    Ok(result)
}
