//! What runs along the axes of an array, rather than at each of its elements.

use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::{ReduceOp, ScanOp};
use std::fmt;

/// A primitive along axes: what a reduction of the typed graph computes. It is one of the runtime's
/// operations, or needs none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AxisOp {
    /// One result for all elements along the axes.
    Reduce(ReduceOp),
    /// One result for each element, from it and all elements before it along the one axis.
    Scan(ScanOp),
    /// The number of elements, as int64. It follows from the shape alone, and its argument is a
    /// constant.
    Count,
}

impl AxisOp {
    /// The dtype of the result, if it is defined for arguments of `dtype`.
    pub(crate) fn result(self, dtype: DType) -> Option<DType> {
        match self {
            AxisOp::Reduce(ReduceOp::Sum | ReduceOp::Prod) | AxisOp::Scan(ScanOp::CumSum | ScanOp::CumProd) => {
                Some(match dtype {
                    _ if dtype.is_float() => dtype,
                    _ if dtype.is_unsigned_int() => DType::UInt64,
                    _ => DType::Int64,
                })
            }
            AxisOp::Reduce(op) => match op {
                ReduceOp::Sum | ReduceOp::Prod => None,
                ReduceOp::Min | ReduceOp::Max => Some(dtype),
                ReduceOp::NanMin | ReduceOp::NanMax => dtype.is_float().then_some(dtype),
                ReduceOp::Deviations | ReduceOp::NanDeviations => dtype.is_float().then_some(DType::Float64),
                ReduceOp::Any | ReduceOp::All => (dtype == DType::Bool).then_some(DType::Bool),
                ReduceOp::ArgMin | ReduceOp::ArgMax => Some(DType::Int64),
            },
            AxisOp::Count => Some(DType::Int64),
        }
    }

    /// True if the result has as many elements as the argument, instead of one for all along the
    /// axes.
    pub(crate) fn is_cumulative(self) -> bool {
        matches!(self, AxisOp::Scan(_))
    }

    /// True if the result is the place of an element.
    pub(crate) fn is_place(self) -> bool {
        matches!(self, AxisOp::Reduce(ReduceOp::ArgMin | ReduceOp::ArgMax))
    }

    /// What it looks for among the elements, if it needs at least one element.
    pub(crate) fn wanted(self) -> Option<&'static str> {
        match self {
            AxisOp::Reduce(ReduceOp::Min | ReduceOp::NanMin | ReduceOp::ArgMin) => Some("smallest"),
            AxisOp::Reduce(ReduceOp::Max | ReduceOp::NanMax | ReduceOp::ArgMax) => Some("largest"),
            _ => None,
        }
    }

    /// The name in printed IR.
    pub(crate) fn name(self) -> &'static str {
        match self {
            AxisOp::Reduce(op) => match op {
                ReduceOp::Sum => "sum",
                ReduceOp::Prod => "prod",
                ReduceOp::Min => "reduce_min",
                ReduceOp::Max => "reduce_max",
                ReduceOp::NanMin => "nan_min",
                ReduceOp::NanMax => "nan_max",
                ReduceOp::Any => "any",
                ReduceOp::All => "all",
                ReduceOp::ArgMin => "arg_min",
                ReduceOp::ArgMax => "arg_max",
                ReduceOp::Deviations => "deviations",
                ReduceOp::NanDeviations => "nan_deviations",
            },
            AxisOp::Scan(ScanOp::CumSum) => "cum_sum",
            AxisOp::Scan(ScanOp::CumProd) => "cum_prod",
            AxisOp::Count => "count",
        }
    }
}

impl fmt::Display for AxisOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
