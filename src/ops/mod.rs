//! The operations of the language, and the primitives they are made of.
//!
//! In: names. Out: rows of data, without a graph, an error or a text in them; `hir` reads them and
//! does what they say. Always true: nothing is decided by what a function is called, only by the
//! fields of its row.
//!
//! A new function is a new row: in [`table`], which has one for each operation on elements that a
//! text can name, or in [`reductions`], which has those along axes. A row says how arguments are
//! typed and what the operation becomes: a primitive [`Op`], several ([`Composed`]), or something
//! along axes ([`Along`], made of [`AxisOp`]s). [`scalar`] is the meaning of each primitive for one
//! element: the interpreter runs it, constants are folded with it, and compiled code must equal it
//! bit for bit. [`exact`] is the arithmetic of numbers without a dtype.

mod axis;
pub(crate) mod exact;
mod function;
mod reductions;
pub(crate) mod scalar;
pub(crate) mod table;

pub(crate) use axis::AxisOp;
pub(crate) use function::{
    Accept, Accuracy, Along, AxisParam, Composed, Function, LiteralRule, Meaning, OfTwo, Remedy, Typing,
};

use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::MathFn;
use std::fmt;

/// The functions that may be called as methods of their first argument: those that NumPy's arrays
/// have.
pub(crate) const METHODS: &[&str] = &[
    "all", "any", "argmax", "argmin", "clip", "cumprod", "cumsum", "max", "mean", "min", "prod", "round", "std", "sum",
    "var",
];

/// Makes [`Op`]: each primitive once, with its name in printed IR, how many arguments it takes, and
/// which dtypes it is defined for. To add one, add a line here, its meaning in [`scalar`], and what
/// becomes of it on the tape.
macro_rules! primitives {
    ($($(#[$doc:meta])* $op:ident $name:literal $arity:literal $dtypes:ident;)*) => {
        /// A primitive: what a node of the typed graph applies, and what a backend must be able to
        /// do.
        ///
        /// Arguments of one primitive have one dtype, and the result has it too, unless said
        /// otherwise. Every primitive is total: it has a result for every argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Op {
            $($(#[$doc])* $op,)*
            /// A function of the runtime, called once per tile.
            Math(MathFn),
        }

        impl Op {
            /// How many arguments it takes.
            pub(crate) fn arity(self) -> usize {
                match self {
                    $(Op::$op => $arity,)*
                    Op::Math(function) => function.arity(),
                }
            }

            /// The name in printed IR.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Op::$op => $name,)*
                    Op::Math(function) => function.name(),
                }
            }

            /// True if it is defined for arguments of the dtype. For a select, the dtype is that of
            /// the last two arguments.
            pub(crate) fn is_defined_for(self, dtype: DType) -> bool {
                match self {
                    $(Op::$op => dtypes::$dtypes(dtype),)*
                    Op::Math(function) => function.tile_fn(dtype).is_some(),
                }
            }
        }
    };
}

/// The classes of dtypes that primitives are defined for.
mod dtypes {
    use super::DType;

    pub(super) fn any(_: DType) -> bool {
        true
    }

    pub(super) fn numbers(dtype: DType) -> bool {
        dtype != DType::Bool
    }

    pub(super) fn floats(dtype: DType) -> bool {
        dtype.is_float()
    }

    pub(super) fn ints(dtype: DType) -> bool {
        dtype.is_int()
    }

    /// Bools and integers.
    pub(super) fn bits(dtype: DType) -> bool {
        !dtype.is_float()
    }
}

primitives! {
    /// Integers wrap.
    Add "add" 2 numbers;
    Sub "sub" 2 numbers;
    Mul "mul" 2 numbers;
    Div "div" 2 floats;
    /// Integers wrap.
    Neg "neg" 1 numbers;
    /// The most negative integer stays itself.
    Abs "abs" 1 numbers;
    Sqrt "sqrt" 1 floats;
    Floor "floor" 1 floats;
    Ceil "ceil" 1 floats;
    Trunc "trunc" 1 floats;
    /// Halves are rounded to even.
    Rint "rint" 1 floats;
    /// If there is a NaN among the arguments, it is the result. If two arguments are equal (-0.0
    /// and 0.0), the second one is.
    Min "min" 2 numbers;
    Max "max" 2 numbers;
    /// The magnitude of the first argument with the sign of the second.
    Copysign "copysign" 2 floats;
    /// `a * b + c` rounded once; never made from `*` and `+` unless the caller allowed contraction.
    Fma "fma" 3 floats;
    And "and" 2 bits;
    Or "or" 2 bits;
    Xor "xor" 2 bits;
    Not "not" 1 bits;
    /// A count that is negative or not below the width gives 0.
    Shl "shl" 2 ints;
    /// A count that is negative or not below the width gives 0, or -1 for a negative number.
    Shr "shr" 2 ints;
    /// The result is a bool, as of all comparisons. A NaN equals nothing and is in no order.
    Eq "eq" 2 any;
    Ne "ne" 2 any;
    Lt "lt" 2 numbers;
    Le "le" 2 numbers;
    Gt "gt" 2 numbers;
    Ge "ge" 2 numbers;
    /// `a` if the bool is true, otherwise `b`.
    Select "select" 3 any;
    /// A conversion to any other dtype. Int to narrower int wraps. Float to int truncates and
    /// saturates, and makes NaN 0. Anything to bool is `x != 0`. Every other conversion rounds to
    /// nearest even.
    Cast "cast" 1 any;
}

impl Op {
    /// True if swapping the first two arguments changes no bit of the result.
    pub(crate) fn is_commutative(self) -> bool {
        matches!(self, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor | Op::Eq | Op::Ne | Op::Fma)
    }

    /// True for the six comparisons.
    pub(crate) fn is_comparison(self) -> bool {
        matches!(self, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge)
    }

    /// The comparison that gives the same for swapped arguments.
    pub(crate) fn swapped(self) -> Op {
        match self {
            Op::Lt => Op::Gt,
            Op::Le => Op::Ge,
            Op::Gt => Op::Lt,
            Op::Ge => Op::Le,
            other => other,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
