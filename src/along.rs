//! Operations along axes, as the runtime has them.

use crate::error::Error;
use crate::ops::AxisOp;
use crate::shape::Reduced;
use ndexpr_runtime::exec::{
    Dest, Fold, Kernel, Origin, ReduceLoop, RunOptions, ScanLoop, Source as Operand, Stages, Value, copy_kernel,
};
use ndexpr_runtime::plan::PlanError;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::reduce::{AlongOp, Reducer, Scanner};
use ndexpr_runtime::view::{AxisSet, View, ViewMut};
use smallvec::SmallVec;

/// The runtime's operation for an operation along axes; `None` for one that needs no elements.
pub(crate) fn along_op(op: AxisOp) -> Option<AlongOp> {
    match op {
        AxisOp::Reduce(op) => Some(AlongOp::Reduce(op)),
        AxisOp::Scan(op) => Some(AlongOp::Scan(op)),
        AxisOp::Count => None,
    }
}

/// Operations along some axes of some values, and where the outcomes go.
pub(crate) struct Outcomes<'o> {
    pub(crate) shape: &'o [usize],
    pub(crate) axes: AxisSet,
    pub(crate) inputs: &'o [Operand],
    pub(crate) values: &'o [Value],
    /// If one of them is a scan, it is the only one.
    pub(crate) outcomes: &'o [Outcome],
}

/// One operation along axes: which of the values it takes, and where the outcome goes.
pub(crate) struct Outcome {
    pub(crate) op: AxisOp,
    pub(crate) value: usize,
    pub(crate) dest: Dest,
}

/// Adds the loop of some operations along the same axes.
pub(crate) fn add_along(stages: &mut Stages, of: &Outcomes<'_>) -> Result<(), Error> {
    let Outcomes { shape, axes, inputs, values, .. } = *of;
    let missing = || Error::internal("an operation along axes that does not exist");
    let mut folds: SmallVec<[Fold; 4]> = SmallVec::new();
    for &Outcome { op, value, dest } in of.outcomes {
        let dtype = values.get(value).ok_or_else(missing)?.dtype;
        match along_op(op).ok_or_else(missing)? {
            AlongOp::Reduce(op) => {
                folds.push(Fold { reducer: Reducer::new(op, dtype).ok_or_else(missing)?, value, dest });
            }
            AlongOp::Scan(op) => {
                let (&[value], Some(axis), 1) = (values, axes.iter().next(), of.outcomes.len()) else {
                    return Err(Error::internal("a scan beside others"));
                };
                let scanner = Scanner::new(op, dtype);
                return Ok(stages.scan(&ScanLoop { shape, axis, inputs, value, scanner, dest })?);
            }
        }
    }
    Ok(stages.reduce(&ReduceLoop { shape, axes, inputs, values, folds: &folds })?)
}

/// How many elements a reduction has along its axes.
///
/// # Errors
///
/// If the domain has more elements than can be counted.
pub(crate) fn count(reduced: &Reduced) -> Result<i64, Error> {
    let extents = || reduced.axes.iter().map(|axis| reduced.domain[axis]);
    if extents().any(|extent| extent == 0) {
        return Ok(0);
    }
    let n = extents().try_fold(1_usize, usize::checked_mul).and_then(|n| i64::try_from(n).ok());
    n.ok_or_else(|| PlanError::TooLarge { shape: reduced.domain[..].into() }.into())
}

/// Runs an operation along axes of an array, on its own.
pub(crate) fn reduce_array(
    op: AxisOp,
    reduced: &Reduced,
    values: &View<'_>,
    outcome: &mut ViewMut<'_>,
    pool: &Pool,
) -> Result<(), Error> {
    let dtype = values.dtype();
    let results = std::slice::from_mut(outcome);
    let mut stages = Stages::new(&[values], results);
    let of = Outcomes {
        shape: &reduced.domain,
        axes: reduced.axes,
        inputs: &[Operand::View(0)],
        values: &[Value { dtype, origin: Some(Origin::Input(0)), keep: None }],
        outcomes: &[Outcome { op, value: 0, dest: Dest::Result(0) }],
    };
    add_along(&mut stages, &of)?;
    let kernel: Option<Kernel> = stages.needs_kernel(0).then(|| copy_kernel(dtype, stages.run_kinds(0)[0]));
    Ok(stages.run(&[values], results, &[kernel.as_ref()], &RunOptions::new(pool))?)
}
