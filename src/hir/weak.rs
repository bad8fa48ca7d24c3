//! Weak values: what is computed from literals alone has no dtype until it meets an operand that has one.
//!
//! Integers are exact (to 128 bits) and floats are float64, as in Python; `1/3` is a float, `7//2` an integer.

use super::{Error, ErrorKind, Graph};
use crate::ops::table::Function;
use ndexpr_grammar::Span;
use ndexpr_runtime::dtype::{DType, Scalar};

/// A value without a dtype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weak {
    Int(i128),
    Float(f64),
}

/// What an operation on integer literals gives.
pub(super) enum Folded {
    Int(i128),
    Bool(bool),
    /// It does not fit 128 bits.
    Overflow,
}

impl Weak {
    /// The dtype of the value where nothing else gives it one. None if no integer dtype holds it.
    pub(super) fn default_dtype(self) -> Option<DType> {
        match self {
            Weak::Float(_) => Some(DType::Float64),
            Weak::Int(value) if i64::try_from(value).is_ok() => Some(DType::Int64),
            Weak::Int(value) if u64::try_from(value).is_ok() => Some(DType::UInt64),
            Weak::Int(_) => None,
        }
    }

    /// The value as a constant of a dtype. An integer dtype must hold an integer value; ask [`fits`] first.
    pub(super) fn to_scalar(self, dtype: DType) -> Scalar {
        match (self, dtype) {
            // Rounded twice for the largest, as NumPy does: a literal is a float64 before it is a float32.
            (Weak::Int(value), DType::Float32) => Scalar::new(value as f64 as f32),
            (Weak::Int(value), DType::Float64) => Scalar::new(value as f64),
            (Weak::Int(value), DType::Bool) => Scalar::new(value != 0),
            (Weak::Int(value), _) => Scalar::from_bits(dtype, value as u64),
            (Weak::Float(value), _) => super::cast_scalar(Scalar::new(value), dtype),
        }
    }

    /// As a constant of its default dtype.
    pub(super) fn to_default(self, span: Span) -> Result<Scalar, Error> {
        let dtype = self.default_dtype().ok_or_else(|| Error::new(ErrorKind::LiteralOverflow, span))?;
        Ok(self.to_scalar(dtype))
    }

    /// The weak value of a constant that came of weak values alone; bools have their dtype.
    pub(super) fn of_constant(graph: &Graph, id: super::ExprId) -> Option<Weak> {
        let scalar = graph.as_const(id)?;
        match scalar.dtype() {
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

/// Integer arithmetic with Python's meaning. None if the operation is not one of integers to integers or bools.
pub(super) fn fold_ints(function: &Function, args: &[i128]) -> Option<Folded> {
    let int = |value: Option<i128>| Some(value.map_or(Folded::Overflow, Folded::Int));
    let bool = |value| Some(Folded::Bool(value));
    let (a, b) = (*args.first()?, args.get(1).copied().unwrap_or(0));
    match function.name {
        "add" => int(a.checked_add(b)),
        "subtract" => int(a.checked_sub(b)),
        "multiply" => int(a.checked_mul(b)),
        "floor_divide" if b == 0 => int(Some(0)),
        "floor_divide" => int(floor_divide(a, b)),
        "remainder" if b == 0 => int(Some(0)),
        "remainder" => int(Some(remainder(a, b))),
        "power" if b < 0 => None,
        "power" => int(power(a, b)),
        "negative" => int(a.checked_neg()),
        "positive" => int(Some(a)),
        "abs" => int(a.checked_abs()),
        "square" => int(a.checked_mul(a)),
        "sign" => int(Some(a.signum())),
        "invert" => int(Some(!a)),
        "bitwise_and" => int(Some(a & b)),
        "bitwise_or" => int(Some(a | b)),
        "bitwise_xor" => int(Some(a ^ b)),
        "left_shift" if b >= 0 => int(shift_left(a, b)),
        "right_shift" if b >= 0 => int(Some(a >> b.min(127))),
        "minimum" | "fmin" => int(Some(a.min(b))),
        "maximum" | "fmax" => int(Some(a.max(b))),
        "equal" => bool(a == b),
        "not_equal" => bool(a != b),
        "less" => bool(a < b),
        "less_equal" => bool(a <= b),
        "greater" => bool(a > b),
        "greater_equal" => bool(a >= b),
        _ => None,
    }
}

fn floor_divide(a: i128, b: i128) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    Some(if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

fn remainder(a: i128, b: i128) -> i128 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

fn power(base: i128, exponent: i128) -> Option<i128> {
    match (base, exponent) {
        (_, 0) | (1, _) => Some(1),
        (0, _) => Some(0),
        (-1, _) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

fn shift_left(a: i128, count: i128) -> Option<i128> {
    if a == 0 {
        return Some(0);
    }
    let count = u32::try_from(count).ok().filter(|&count| count < 127)?;
    a.checked_mul(1_i128 << count)
}
