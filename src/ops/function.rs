//! What a row of the tables can say of a function.

use super::exact::Exact;
use super::{AxisOp, Op};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::ReduceOp;

/// A row.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// Those that may be left out have their default behind them: `axis=None`.
    pub(crate) params: &'static [&'static str],
    pub(crate) typing: Typing,
    pub(crate) meaning: Meaning,
    /// What it is for whole numbers without a dtype; none if it gives floats.
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
    /// Two operands of one dtype to bool.
    Compare,
    /// Every argument is taken as true or false; bool.
    Logical,
    /// The first argument is a condition, the others are promoted; the result is of their dtype.
    Where,
    /// To the dtype, whatever the argument.
    CastTo(DType),
    /// An argument of any dtype but bool, if that is not accepted; the rest is up to the meaning.
    Along { bools: Accept },
}

/// What becomes of arguments of a kind of dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// They are computed with as they are.
    Yes,
    /// They are computed with as int8.
    AsInt8,
    /// There is no such operation on them; what to write instead.
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
    /// `&` or `|` of floats: conditions without brackets, maybe.
    BracketConditions,
    /// `^` of floats: a power, maybe.
    RaiseToPower,
}

/// What is special about integers without a dtype as arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LiteralRule {
    None,
    /// The second argument is an exponent. A negative one makes floats of integers without a dtype,
    /// and is an error for a base that has an integer dtype.
    Exponent,
    /// All arguments but the first are bounds. One beyond the range of the first's dtype does not
    /// bound.
    Bounds,
}

/// What an operation becomes.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    /// One primitive.
    Op(Op),
    /// One primitive for bools, another one for numbers.
    ByKind { bools: Op, numbers: Op },
    /// Several, of arguments that are typed already.
    Composed(Composed),
    /// Primitives along axes and others around them.
    Along(AxisParam, Along),
}

/// What is made of several primitives, or of different ones by dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Composed {
    /// The argument itself.
    Identity,
    /// The magnitude; a bool is its own.
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
    /// The same, and the axis keeps its extent.
    Running,
}

/// What a function along axes is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Along {
    /// One primitive, of any dtype.
    Op(AxisOp),
    /// One primitive, of the elements as bools.
    OfTruth(ReduceOp),
    /// One primitive for floats, another one for what has no NaN.
    ByKind {
        floats: ReduceOp,
        others: ReduceOp,
    },
    /// One primitive, with another value for NaN.
    WithoutNan {
        op: ReduceOp,
        instead: i64,
    },
    Mean,
    Variance,
    StandardDeviation,
    /// The largest element less the smallest.
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
    /// Integers are exact; of floats, the errors of many roundings add up.
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

    /// The parameters that may be given by name, and be left out.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static str> {
        self.params.iter().filter_map(|param| param.split_once('=')).map(|(name, _)| name)
    }

    /// The least and the most arguments by position. Of options only the axis may be one, as in
    /// NumPy.
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

    /// Arithmetic, exact for whole numbers without a dtype.
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
