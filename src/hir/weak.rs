//! Weak values: what is computed from literals alone has no dtype until it meets an operand that
//! has one.
//!
//! Integers are exact (to 128 bits) and floats are float64, as in Python; `1/3` is a float, `7//2`
//! an integer and `True + True` is 2.

use super::{Error, ErrorKind, Graph};
use ndexpr_grammar::Span;
use ndexpr_runtime::dtype::{DType, Scalar};

/// A value without a dtype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weak {
    Int(i128),
    Float(f64),
    /// It counts as an integer in arithmetic with other weak values. Beside an operand that has a
    /// dtype it is a bool.
    Bool(bool),
}

impl Weak {
    /// The dtype of the value where nothing else gives it one. None if no integer dtype holds it.
    pub(super) fn default_dtype(self) -> Option<DType> {
        match self {
            Weak::Bool(_) => Some(DType::Bool),
            Weak::Float(_) => Some(DType::Float64),
            Weak::Int(value) => default_int(value),
        }
    }

    /// The value as a constant of a dtype. An integer dtype must hold an integer value; ask
    /// [`fits`] first.
    pub(super) fn to_scalar(self, dtype: DType) -> Scalar {
        match (self, dtype) {
            // The largest values are rounded twice, as in NumPy: a literal is a float64 before it
            // is a float32.
            (Weak::Int(value), DType::Float32) => Scalar::new(value as f64 as f32),
            (Weak::Int(value), DType::Float64) => Scalar::new(value as f64),
            (Weak::Int(value), DType::Bool) => Scalar::new(value != 0),
            (Weak::Int(value), _) => Scalar::from_bits(dtype, value as u64),
            (Weak::Float(value), _) => super::cast_scalar(Scalar::new(value), dtype),
            (Weak::Bool(value), _) => super::cast_scalar(Scalar::new(value), dtype),
        }
    }

    /// The value as a constant of its default dtype.
    pub(super) fn to_default(self, span: Span) -> Result<Scalar, Error> {
        let dtype = self.default_dtype().ok_or_else(|| Error::new(ErrorKind::LiteralOverflow, span))?;
        Ok(self.to_scalar(dtype))
    }

    /// The weak value of a constant that was made of weak values alone.
    pub(super) fn of_constant(graph: &Graph, id: super::ExprId) -> Option<Weak> {
        let scalar = graph.as_const(id)?;
        match scalar.dtype() {
            DType::Bool => scalar.get::<bool>().map(Weak::Bool),
            DType::Float64 => scalar.get::<f64>().map(Weak::Float),
            DType::Int64 => scalar.get::<i64>().map(|value| Weak::Int(value.into())),
            DType::UInt64 => scalar.get::<u64>().map(|value| Weak::Int(value.into())),
            _ => None,
        }
    }
}

/// True if the integer dtype holds the value.
pub(crate) fn fits(value: i128, dtype: DType) -> bool {
    let (low, high) = super::error::limits(dtype);
    (low..=high).contains(&value)
}

/// The dtype of an integer where nothing else gives it one. None if no dtype holds it.
pub(super) fn default_int(value: i128) -> Option<DType> {
    [DType::Int64, DType::UInt64].into_iter().find(|&dtype| fits(value, dtype))
}
