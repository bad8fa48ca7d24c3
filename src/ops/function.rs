//! What a row of the tables can say of a function.

use super::exact::Exact;
use super::{AxisOp, Op};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::ReduceOp;

/// A row of the tables: what they say of one function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// The parameters. Those that may be left out have their default after them: `axis=None`.
    pub(crate) params: &'static [&'static str],
    pub(crate) typing: Typing,
    pub(crate) meaning: Meaning,
    /// What the function gives for whole numbers without a dtype; none if it gives floats.
    pub(crate) exact: Option<Exact>,
    pub(crate) literals: LiteralRule,
    /// Among literals, True and False are 1 and 0, as in Python's arithmetic.
    pub(crate) counts_bools: bool,
    pub(crate) accuracy: Accuracy,
    /// The function that may be meant where this one is given two operands.
    pub(crate) of_two: Option<OfTwo>,
    pub(crate) doc: &'static str,
}

/// How an operation is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// All arguments have the dtype to which they promote, if it is accepted.
    Common { bools: Accept, floats: Accept },
    /// Bools and integers become floats: float32 up to 16 bits, else float64.
    Float,
    /// Bools and integers become float64.
    Float64,
    /// Two operands of one dtype give a bool.
    Compare,
    /// Every argument is taken as true or false, and the result is a bool.
    Logical,
    /// The first argument is a condition, and the others are promoted. The result has their dtype.
    Where,
    /// An argument of any dtype becomes this dtype.
    CastTo(DType),
    /// An argument of any dtype, except bool if bools are not accepted. The rest follows from the
    /// meaning.
    Along { bools: Accept },
}

/// What becomes of arguments of a kind of dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// They are computed with as they are.
    Yes,
    /// They are computed with as int8.
    AsInt8,
    /// There is no such operation on them. The remedy says what to write instead.
    No(Remedy),
}

/// What to try when an operation does not exist for a dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// `-` on bools.
    SubtractBools,
    /// Unary `-` on a bool.
    NegateBool,
    /// Arithmetic on bools.
    CastBool,
    /// An operation on bits of floats.
    CastToInt,
    /// `&` or `|` of floats: maybe conditions without brackets were meant.
    BracketConditions,
    /// `^` of floats: maybe a power was meant.
    RaiseToPower,
}

/// What is special about integers without a dtype as arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LiteralRule {
    None,
    /// The second argument is an exponent. A negative one makes floats of integers without a dtype,
    /// and is an error for a base that has an integer dtype.
    Exponent,
    /// All arguments except the first are bounds. A bound beyond the range of the first argument's
    /// dtype has no effect.
    Bounds,
}

/// What an operation becomes.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    /// One primitive.
    Op(Op),
    /// One primitive for bools, another one for numbers.
    ByKind { bools: Op, numbers: Op },
    /// Several primitives, of arguments that are typed already.
    Composed(Composed),
    /// Primitives along axes and others around them.
    Along(AxisParam, Along),
}

/// What is made of several primitives, or of different ones for different dtypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Composed {
    /// The argument itself.
    Identity,
    /// The magnitude. That of a bool is the bool itself.
    Magnitude,
    /// `x * x`.
    Square,
    /// -1, 0 or 1.
    Sign,
    /// `1 / x` in the dtype of `x`.
    Reciprocal,
    /// The primitive for floats; bools and integers are rounded already.
    Round(Op),
    /// The primitive, with a NaN ignored; `order` is true if the first argument is the one wanted.
    IgnoringNan {
        bools: Op,
        numbers: Op,
        order: Op,
    },
    /// `minimum(maximum(x, low), high)`.
    Clip,
    IsNan,
    IsInfinite,
    IsFinite,
    /// True if the sign is minus, also of -0.0 and NaN.
    SignBit,
}

/// What the parameter `axis` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AxisParam {
    /// None, an integer, or a tuple of them.
    Any,
    /// None or an integer.
    One,
    /// None or an integer, and the axis keeps its extent.
    Running,
}

/// What a function along axes is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// One primitive, for arguments of any dtype.
    Op(AxisOp),
    /// One primitive, applied to the elements as bools.
    OfTruth(ReduceOp),
    /// One primitive for floats, another one for dtypes that have no NaN.
    ByKind {
        floats: ReduceOp,
        others: ReduceOp,
    },
    /// One primitive, for elements where another value stands in for NaN.
    WithoutNan {
        op: ReduceOp,
        instead: i64,
    },
    Mean,
    Variance,
    StandardDeviation,
    /// The largest element minus the smallest.
    PeakToPeak,
    /// `sqrt(sum(x*x))`.
    Norm,
    NanMean,
    NanVariance,
    NanStandardDeviation,
}

/// How close results are to the exact ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Accuracy {
    /// Correctly rounded, or integers and bools: the bits are those of NumPy.
    Exact,
    /// Within this many units in the last place.
    Ulp,
    /// Exact for integers. For floats, the errors of many roundings add up.
    Rounded,
}

/// A function of two operands, and what it is in words: "the smaller".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfTwo {
    pub(crate) name: &'static str,
    pub(crate) which: &'static str,
}

impl Function {
    /// True if it runs along axes, and thus may change the shape.
    pub(crate) fn is_along_axes(&self) -> bool {
        matches!(self.meaning, Meaning::Along(..))
    }

    /// True if it converts to a dtype, and is called by the dtype's name.
    pub(crate) fn is_cast(&self) -> bool {
        matches!(self.typing, Typing::CastTo(_))
    }

    /// The parameters that may be given by name, and be left out.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static str> {
        self.params.iter().filter_map(|param| param.split_once('=')).map(|(name, _)| name)
    }

    /// The smallest and the largest number of arguments by position. The axis is the only option
    /// that may be given by position, as in NumPy.
    pub(crate) fn n_args(&self) -> (usize, usize) {
        let least = self.params.len() - self.options().count();
        (least, least + usize::from(self.is_along_axes()))
    }

    /// The name or alias that a text calls it by.
    pub(crate) fn spelling(&self, name: &str) -> &'static str {
        self.aliases.iter().copied().find(|alias| *alias == name).unwrap_or(self.name)
    }

    pub(super) const fn exact(mut self, exact: Exact) -> Function {
        self.exact = Some(exact);
        self
    }

    /// Makes it a function of arithmetic, with `exact` for whole numbers without a dtype.
    pub(super) const fn arithmetic(mut self, exact: Exact) -> Function {
        self.counts_bools = true;
        self.exact(exact)
    }

    pub(super) const fn literals(mut self, literals: LiteralRule) -> Function {
        self.literals = literals;
        self
    }

    pub(super) const fn accuracy(mut self, accuracy: Accuracy) -> Function {
        self.accuracy = accuracy;
        self
    }

    pub(super) const fn of_two(mut self, name: &'static str, which: &'static str) -> Function {
        self.of_two = Some(OfTwo { name, which });
        self
    }
}
