//! What runs along the axes of an array, rather than at each of its elements.

use ndexpr_runtime::dtype::DType;
use std::fmt;

/// A primitive along axes: what a reduction of the typed graph computes, and what the runtime must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AxisOp {
    /// Of any dtype, like the product: int64 of bools and signed integers, uint64 of unsigned ones, where it wraps, and
    /// the float of floats. That of nothing is 0.
    Sum,
    /// That of nothing is 1.
    Prod,
    /// Of any dtype. A NaN among the elements is the result; there must be an element.
    Min,
    Max,
    /// Floats only. NaNs are ignored; the result is NaN if there is nothing else. There must be an element.
    NanMin,
    NanMax,
    /// Bools only. False of nothing.
    Any,
    /// Bools only. True of nothing.
    All,
    /// int64: the place of the first smallest element, or of the first NaN, counted in C order over the axes. There must
    /// be an element.
    ArgMin,
    ArgMax,
    /// float64, of floats only: the sum of the squared differences from the mean. 0 of nothing.
    Deviations,
    /// The same of the elements that are not NaN.
    NanDeviations,
    /// int64: how many elements there are. It follows from the shape alone; its argument is a constant.
    Count,
    /// Each element and all before it along the one axis; as the sum and the product.
    CumSum,
    CumProd,
}

impl AxisOp {
    /// The dtype of the result, if it is defined for arguments of `dtype`.
    pub(crate) fn result(self, dtype: DType) -> Option<DType> {
        match self {
            AxisOp::Sum | AxisOp::Prod | AxisOp::CumSum | AxisOp::CumProd => Some(match dtype {
                _ if dtype.is_float() => dtype,
                _ if dtype.is_unsigned_int() => DType::UInt64,
                _ => DType::Int64,
            }),
            AxisOp::Min | AxisOp::Max => Some(dtype),
            AxisOp::NanMin | AxisOp::NanMax => dtype.is_float().then_some(dtype),
            AxisOp::Deviations | AxisOp::NanDeviations => dtype.is_float().then_some(DType::Float64),
            AxisOp::Any | AxisOp::All => (dtype == DType::Bool).then_some(DType::Bool),
            AxisOp::ArgMin | AxisOp::ArgMax | AxisOp::Count => Some(DType::Int64),
        }
    }

    /// True if the result has as many elements as the argument, instead of one for all along the axes.
    pub(crate) fn is_cumulative(self) -> bool {
        matches!(self, AxisOp::CumSum | AxisOp::CumProd)
    }

    /// What it looks for among the elements, if there must be one.
    pub(crate) fn wanted(self) -> Option<&'static str> {
        match self {
            AxisOp::Min | AxisOp::NanMin | AxisOp::ArgMin => Some("smallest"),
            AxisOp::Max | AxisOp::NanMax | AxisOp::ArgMax => Some("largest"),
            _ => None,
        }
    }

    /// The name in printed IR.
    pub(crate) fn name(self) -> &'static str {
        match self {
            AxisOp::Sum => "sum",
            AxisOp::Prod => "prod",
            AxisOp::Min => "reduce_min",
            AxisOp::Max => "reduce_max",
            AxisOp::NanMin => "nan_min",
            AxisOp::NanMax => "nan_max",
            AxisOp::Any => "any",
            AxisOp::All => "all",
            AxisOp::ArgMin => "arg_min",
            AxisOp::ArgMax => "arg_max",
            AxisOp::Deviations => "deviations",
            AxisOp::NanDeviations => "nan_deviations",
            AxisOp::Count => "count",
            AxisOp::CumSum => "cum_sum",
            AxisOp::CumProd => "cum_prod",
        }
    }
}

impl fmt::Display for AxisOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
