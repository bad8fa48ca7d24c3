//! Operations along axes, as the runtime has them.

use crate::error::Error;
use crate::ops::AxisOp;
use crate::shape::Reduced;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{AlongOp, Dest, Fold, Kernel, Loop, Origin, RunOptions, Source as Operand, Stages};
use ndexpr_runtime::memory::copy_kernel;
use ndexpr_runtime::plan::PlanError;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::reduce::{ReduceOp, Reducer, ScanOp, Scanner};
use ndexpr_runtime::view::{View, ViewMut};

/// What an operation along axes is to the runtime; none for one that needs no elements.
pub(crate) fn along_op(op: AxisOp, dtype: DType) -> Option<AlongOp> {
    let reduce = |op| Reducer::new(op, dtype).map(AlongOp::Reduce);
    match op {
        AxisOp::Sum => reduce(ReduceOp::Sum),
        AxisOp::Prod => reduce(ReduceOp::Prod),
        AxisOp::Min => reduce(ReduceOp::Min),
        AxisOp::Max => reduce(ReduceOp::Max),
        AxisOp::NanMin => reduce(ReduceOp::NanMin),
        AxisOp::NanMax => reduce(ReduceOp::NanMax),
        AxisOp::Any => reduce(ReduceOp::Any),
        AxisOp::All => reduce(ReduceOp::All),
        AxisOp::ArgMin => reduce(ReduceOp::ArgMin),
        AxisOp::ArgMax => reduce(ReduceOp::ArgMax),
        AxisOp::Deviations => reduce(ReduceOp::Deviations),
        AxisOp::NanDeviations => reduce(ReduceOp::NanDeviations),
        AxisOp::CumSum => Some(AlongOp::Scan(Scanner::new(ScanOp::CumSum, dtype))),
        AxisOp::CumProd => Some(AlongOp::Scan(Scanner::new(ScanOp::CumProd, dtype))),
        AxisOp::Count => None,
    }
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
    let op = along_op(op, dtype).ok_or_else(|| Error::internal("a reduction that does not exist"))?;
    let mut stages = Stages::new(&[values], outcome);
    stages.push(&Loop {
        shape: &reduced.domain,
        reduced: reduced.axes.bits(),
        inputs: &[Operand::View(0)],
        values: &[(dtype, Dest::Scratch)],
        origins: &[Some(Origin::Input(0))],
        folds: &[Fold { op, value: 0, dest: Dest::Result }],
    })?;
    let kernel: Option<Kernel> = stages.needs_kernel(0).then(|| copy_kernel(dtype, stages.run_kinds(0)[0]));
    Ok(stages.run(&[values], outcome, &[kernel.as_ref()], &RunOptions::new(pool))?)
}
