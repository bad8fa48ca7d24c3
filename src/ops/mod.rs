//! The operations of the language, and the primitives they are made of.
//!
//! [`table`] has one row per operation that a text can name: that is where a new one is added. A row says how the
//! operation is typed and which primitive [`Op`]s it becomes; those of functions along axes are in [`reductions`], and
//! also become [`AxisOp`]s. [`scalar`] is the meaning of each primitive for one
//! element, which the interpreter runs, constants are folded with, and compiled code must equal bit for bit.

mod axis;
mod reductions;
pub(crate) mod scalar;
pub(crate) mod table;

pub(crate) use axis::AxisOp;

use ndexpr_runtime::math::MathFn;
use std::fmt;

/// A primitive: what a node of the typed graph applies, and what a backend must be able to do.
///
/// Arguments of one primitive have one dtype, and the result has it too, unless said otherwise. Every primitive is
/// total: it has a result for every argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// Integers wrap.
    Add,
    Sub,
    Mul,
    /// Floats only.
    Div,
    /// Integers wrap.
    Neg,
    /// The most negative integer stays itself.
    Abs,
    /// Floats only, like the four roundings.
    Sqrt,
    Floor,
    Ceil,
    Trunc,
    /// Half to even.
    Rint,
    /// A NaN among the arguments is the result; the second of two equal arguments (-0.0 and 0.0) is.
    Min,
    Max,
    /// Magnitude of the first, sign of the second. Floats only.
    Copysign,
    /// `a * b + c` rounded once. Floats only; never made from `*` and `+` unless the caller allowed contraction.
    Fma,
    /// Bools and integers, like the other three.
    And,
    Or,
    Xor,
    Not,
    /// Integers. A count that is negative or not below the width gives 0.
    Shl,
    /// Integers. A count that is negative or not below the width gives 0, or -1 for a negative number.
    Shr,
    /// To bool, like all comparisons. Bools, integers and floats; a NaN equals nothing and is in no order.
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// `a` if the bool is true, otherwise `b`.
    Select,
    /// To any dtype. Int to narrower int wraps, float to int truncates and saturates and makes NaN 0, anything to
    /// bool is `x != 0`, and every other conversion rounds to nearest even.
    Cast,
    /// A function of the runtime, called once per tile.
    Math(MathFn),
}

impl Op {
    /// How many arguments it takes.
    pub(crate) fn arity(self) -> usize {
        match self {
            Op::Neg | Op::Abs | Op::Sqrt | Op::Floor | Op::Ceil | Op::Trunc | Op::Rint | Op::Not | Op::Cast => 1,
            Op::Fma | Op::Select => 3,
            Op::Math(function) => function.arity(),
            _ => 2,
        }
    }

    /// True if swapping the first two arguments changes no bit of the result.
    pub(crate) fn is_commutative(self) -> bool {
        matches!(self, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor | Op::Eq | Op::Ne | Op::Fma)
    }

    /// True for the six comparisons.
    pub(crate) fn is_comparison(self) -> bool {
        matches!(self, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge)
    }

    /// The comparison that says the same of swapped arguments.
    pub(crate) fn swapped(self) -> Op {
        match self {
            Op::Lt => Op::Gt,
            Op::Le => Op::Ge,
            Op::Gt => Op::Lt,
            Op::Ge => Op::Le,
            other => other,
        }
    }

    /// The name in printed IR.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Op::Add => "add",
            Op::Sub => "sub",
            Op::Mul => "mul",
            Op::Div => "div",
            Op::Neg => "neg",
            Op::Abs => "abs",
            Op::Sqrt => "sqrt",
            Op::Floor => "floor",
            Op::Ceil => "ceil",
            Op::Trunc => "trunc",
            Op::Rint => "rint",
            Op::Min => "min",
            Op::Max => "max",
            Op::Copysign => "copysign",
            Op::Fma => "fma",
            Op::And => "and",
            Op::Or => "or",
            Op::Xor => "xor",
            Op::Not => "not",
            Op::Shl => "shl",
            Op::Shr => "shr",
            Op::Eq => "eq",
            Op::Ne => "ne",
            Op::Lt => "lt",
            Op::Le => "le",
            Op::Gt => "gt",
            Op::Ge => "ge",
            Op::Select => "select",
            Op::Cast => "cast",
            Op::Math(function) => function.name(),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
