//! One row per operation that a text can name.
//!
//! A row gives the spellings, the parameters, how arguments are typed, what primitives it becomes
//! and how accurate it is. The operators of the language are rows too, named by their function (`+`
//! is `add`). To add a function, add a row; if it needs code of its own, a [`MathFn`] in the
//! runtime is the kernel.

use super::exact;
use super::reductions::REDUCTIONS;
use super::{Accept, Accuracy, Composed, Function, LiteralRule, Meaning, Op, Remedy, Typing};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::MathFn;
use once_cell::race::OnceBox;
use rustc_hash::FxHashMap;

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    typing: Typing,
    meaning: Meaning,
    doc: &'static str,
) -> Function {
    Function {
        name,
        aliases,
        params,
        typing,
        meaning,
        exact: None,
        literals: LiteralRule::None,
        counts_bools: false,
        accuracy: Accuracy::Exact,
        of_two: None,
        doc,
    }
}

/// A function of the runtime that rounds.
const fn math(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    function: MathFn,
    doc: &'static str,
) -> Function {
    row(name, aliases, params, Typing::Float, Meaning::Op(Op::Math(function)), doc).accuracy(Accuracy::Ulp)
}

const X: &[&str] = &["x"];
const XY: &[&str] = &["x", "y"];

/// Bools stay bools, integers stay integers, and floats stay floats.
const KEEP: Typing = Typing::Common { bools: Accept::Yes, floats: Accept::Yes };
/// The same, but bools are computed as int8.
const BOOL_AS_INT8: Typing = Typing::Common { bools: Accept::AsInt8, floats: Accept::Yes };
/// Only integers are accepted, and bools are computed as int8.
const SHIFT: Typing = Typing::Common { bools: Accept::AsInt8, floats: Accept::No(Remedy::CastToInt) };

/// Only integers and floats are accepted.
const fn no_bools(remedy: Remedy) -> Typing {
    Typing::Common { bools: Accept::No(remedy), floats: Accept::Yes }
}

/// Only bools and integers are accepted.
const fn no_floats(remedy: Remedy) -> Typing {
    Typing::Common { bools: Accept::Yes, floats: Accept::No(remedy) }
}

const fn by_kind(bools: Op, numbers: Op) -> Meaning {
    Meaning::ByKind { bools, numbers }
}

use Composed::{
    Clip, Identity, IgnoringNan, IsFinite, IsInfinite, IsNan, Magnitude, Reciprocal, Round, Sign, SignBit, Square,
};
use Meaning::{Composed as Built, Op as Is};
use Typing::{CastTo, Compare, Float, Float64, Logical, Where};

const FMIN: Composed = IgnoringNan { bools: Op::And, numbers: Op::Min, order: Op::Le };
const FMAX: Composed = IgnoringNan { bools: Op::Or, numbers: Op::Max, order: Op::Ge };

/// Every operation on elements, in the order in which the documentation lists them.
#[rustfmt::skip]
pub(crate) static FUNCTIONS: &[Function] = &[
    // Arithmetic.
    row("add", &[], XY, KEEP, by_kind(Op::Or, Op::Add), "x + y. Integers wrap; bools: or.").arithmetic(exact::add),
    row("subtract", &[], XY, no_bools(Remedy::SubtractBools), Is(Op::Sub), "x - y. Integers wrap.").arithmetic(exact::subtract),
    row("multiply", &[], XY, KEEP, by_kind(Op::And, Op::Mul), "x * y. Integers wrap; bools: and.").arithmetic(exact::multiply),
    row("divide", &["true_divide"], XY, Float64, Is(Op::Div), "x / y, always a float."),
    row("floor_divide", &[], XY, BOOL_AS_INT8, Is(Op::Math(MathFn::FloorDivide)), "x // y, rounded down. An integer divided by 0 is 0.").arithmetic(exact::floor_divide),
    row("remainder", &["mod"], XY, BOOL_AS_INT8, Is(Op::Math(MathFn::Remainder)), "x % y, with the sign of y. An integer modulo 0 is 0.").arithmetic(exact::remainder),
    row("fmod", &[], XY, BOOL_AS_INT8, Is(Op::Math(MathFn::Fmod)), "Remainder with the sign of x, exact. An integer modulo 0 is 0.").arithmetic(exact::fmod),
    row("power", &["pow"], XY, BOOL_AS_INT8, Is(Op::Math(MathFn::Pow)), "x ** y. Integers wrap; an integer to a negative power is 0 unless x is 1 or -1.").arithmetic(exact::power).literals(LiteralRule::Exponent).accuracy(Accuracy::Ulp),
    row("negative", &["neg"], X, no_bools(Remedy::NegateBool), Is(Op::Neg), "-x. Integers wrap.").arithmetic(exact::negative),
    row("positive", &[], X, no_bools(Remedy::CastBool), Built(Identity), "+x, which is x.").arithmetic(exact::identity),
    row("abs", &["absolute", "fabs"], X, KEEP, Built(Magnitude), "Absolute value. The most negative integer stays itself.").arithmetic(exact::abs),
    row("sign", &[], X, no_bools(Remedy::CastBool), Built(Sign), "-1, 0 or 1; NaN for NaN.").arithmetic(exact::sign),
    row("square", &[], X, BOOL_AS_INT8, Built(Square), "x * x.").arithmetic(exact::square),
    row("reciprocal", &[], X, BOOL_AS_INT8, Built(Reciprocal), "1 / x in the dtype of x; for an integer 0 unless x is 1 or -1.").exact(exact::reciprocal),
    row("sqrt", &[], X, Float, Is(Op::Sqrt), "Square root, correctly rounded."),
    // Rounding.
    row("floor", &[], X, KEEP, Built(Round(Op::Floor)), "The next integer at or below x. Integers stay as they are.").exact(exact::identity),
    row("ceil", &[], X, KEEP, Built(Round(Op::Ceil)), "The next integer at or above x.").exact(exact::identity),
    row("trunc", &["fix"], X, KEEP, Built(Round(Op::Trunc)), "The next integer towards 0.").exact(exact::identity),
    row("round", &["around"], X, KEEP, Built(Round(Op::Rint)), "The nearest integer, half to even. Integers stay as they are.").exact(exact::identity),
    row("rint", &[], X, Float, Is(Op::Rint), "The nearest integer as a float, half to even."),
    // Order.
    row("minimum", &[], XY, KEEP, by_kind(Op::And, Op::Min), "The smaller; NaN if either is.").exact(exact::minimum),
    row("maximum", &[], XY, KEEP, by_kind(Op::Or, Op::Max), "The larger; NaN if either is.").exact(exact::maximum),
    row("fmin", &[], XY, KEEP, Built(FMIN), "The smaller; a NaN is ignored.").exact(exact::minimum),
    row("fmax", &[], XY, KEEP, Built(FMAX), "The larger; a NaN is ignored.").exact(exact::maximum),
    row("clip", &[], &["x", "low", "high"], KEEP, Built(Clip), "minimum(maximum(x, low), high).").exact(exact::clip).literals(LiteralRule::Bounds),
    row("equal", &[], XY, Compare, Is(Op::Eq), "x == y.").exact(exact::equal),
    row("not_equal", &[], XY, Compare, Is(Op::Ne), "x != y.").exact(exact::not_equal),
    row("less", &[], XY, Compare, Is(Op::Lt), "x < y.").exact(exact::less),
    row("less_equal", &[], XY, Compare, Is(Op::Le), "x <= y.").exact(exact::less_equal),
    row("greater", &[], XY, Compare, Is(Op::Gt), "x > y.").exact(exact::greater),
    row("greater_equal", &[], XY, Compare, Is(Op::Ge), "x >= y.").exact(exact::greater_equal),
    // Choice and truth.
    row("where", &["select"], &["condition", "x", "y"], Where, Is(Op::Select), "x where the condition is true, y elsewhere; also x if condition else y.").exact(exact::choose),
    row("logical_and", &[], XY, Logical, Is(Op::And), "x and y, as bools."),
    row("logical_or", &[], XY, Logical, Is(Op::Or), "x or y, as bools."),
    row("logical_xor", &[], XY, Logical, Is(Op::Xor), "True if just one of x and y is."),
    row("logical_not", &[], X, Logical, Is(Op::Not), "not x, as a bool."),
    row("isnan", &[], X, KEEP, Built(IsNan), "True for NaN."),
    row("isinf", &[], X, KEEP, Built(IsInfinite), "True for both infinities."),
    row("isfinite", &[], X, KEEP, Built(IsFinite), "True unless NaN or infinite."),
    row("signbit", &[], X, KEEP, Built(SignBit), "True if the sign is minus, also of -0.0 and NaN."),
    row("copysign", &[], XY, Float, Is(Op::Copysign), "The magnitude of x with the sign of y."),
    // Bits.
    row("bitwise_and", &[], XY, no_floats(Remedy::BracketConditions), Is(Op::And), "x & y.").exact(exact::bitwise_and),
    row("bitwise_or", &[], XY, no_floats(Remedy::BracketConditions), Is(Op::Or), "x | y.").exact(exact::bitwise_or),
    row("bitwise_xor", &[], XY, no_floats(Remedy::RaiseToPower), Is(Op::Xor), "x ^ y.").exact(exact::bitwise_xor),
    row("invert", &["bitwise_not"], X, no_floats(Remedy::CastToInt), Is(Op::Not), "~x: every bit flipped; a bool negated.").exact(exact::invert),
    row("left_shift", &[], XY, SHIFT, Is(Op::Shl), "x << y; 0 if y is negative or not below the width.").arithmetic(exact::left_shift),
    row("right_shift", &[], XY, SHIFT, Is(Op::Shr), "x >> y; only the sign is left if y is negative or not below the width.").arithmetic(exact::right_shift),
    // Exponentials and logarithms.
    math("exp", &[], X, MathFn::Exp, "e ** x."),
    math("exp2", &[], X, MathFn::Exp2, "2 ** x."),
    math("exp10", &[], X, MathFn::Exp10, "10 ** x."),
    math("expm1", &[], X, MathFn::Expm1, "e ** x - 1, accurate near 0."),
    math("log", &["ln"], X, MathFn::Log, "Natural logarithm."),
    math("log2", &[], X, MathFn::Log2, "Logarithm to base 2."),
    math("log10", &[], X, MathFn::Log10, "Logarithm to base 10."),
    math("log1p", &[], X, MathFn::Log1p, "log(1 + x), accurate near 0."),
    // Trigonometry.
    math("sin", &[], X, MathFn::Sin, "Sine of radians."),
    math("cos", &[], X, MathFn::Cos, "Cosine of radians."),
    math("tan", &[], X, MathFn::Tan, "Tangent of radians."),
    math("asin", &["arcsin"], X, MathFn::Asin, "Inverse sine, in radians."),
    math("acos", &["arccos"], X, MathFn::Acos, "Inverse cosine, in radians."),
    math("atan", &["arctan"], X, MathFn::Atan, "Inverse tangent, in radians."),
    math("atan2", &["arctan2"], &["y", "x"], MathFn::Atan2, "Angle of the point (x, y), in radians."),
    math("sinh", &[], X, MathFn::Sinh, "Hyperbolic sine."),
    math("cosh", &[], X, MathFn::Cosh, "Hyperbolic cosine."),
    math("tanh", &[], X, MathFn::Tanh, "Hyperbolic tangent."),
    math("asinh", &["arcsinh"], X, MathFn::Asinh, "Inverse hyperbolic sine."),
    math("acosh", &["arccosh"], X, MathFn::Acosh, "Inverse hyperbolic cosine."),
    math("atanh", &["arctanh"], X, MathFn::Atanh, "Inverse hyperbolic tangent."),
    math("hypot", &[], XY, MathFn::Hypot, "sqrt(x*x + y*y) without overflow on the way."),
    // Roots and the error function.
    math("cbrt", &[], X, MathFn::Cbrt, "Cube root."),
    math("erf", &[], X, MathFn::Erf, "Error function."),
    math("erfc", &[], X, MathFn::Erfc, "1 - erf(x), accurate for large x."),
    math("tgamma", &["gamma"], X, MathFn::Tgamma, "Gamma function; NaN at 0 and below where it has poles."),
    math("lgamma", &["gammaln"], X, MathFn::Lgamma, "Natural logarithm of the magnitude of the gamma function."),
    math("sigmoid", &["expit"], X, MathFn::Sigmoid, "1 / (1 + e ** -x)."),
    // Casts.
    row("bool", &[], X, CastTo(DType::Bool), Built(Identity), "x != 0."),
    row("int8", &["i8"], X, CastTo(DType::Int8), Built(Identity), "As int8: wider integers wrap, floats truncate and saturate, NaN is 0."),
    row("int16", &["i16"], X, CastTo(DType::Int16), Built(Identity), "As int16, like int8."),
    row("int32", &["i32"], X, CastTo(DType::Int32), Built(Identity), "As int32, like int8."),
    row("int64", &["i64"], X, CastTo(DType::Int64), Built(Identity), "As int64, like int8."),
    row("uint8", &["u8"], X, CastTo(DType::UInt8), Built(Identity), "As uint8, like int8."),
    row("uint16", &["u16"], X, CastTo(DType::UInt16), Built(Identity), "As uint16, like int8."),
    row("uint32", &["u32"], X, CastTo(DType::UInt32), Built(Identity), "As uint32, like int8."),
    row("uint64", &["u64"], X, CastTo(DType::UInt64), Built(Identity), "As uint64, like int8."),
    row("float32", &["f32"], X, CastTo(DType::Float32), Built(Identity), "As float32, rounded to nearest even."),
    row("float64", &["f64"], X, CastTo(DType::Float64), Built(Identity), "As float64, rounded to nearest even."),
];

/// Every operation.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain(REDUCTIONS)
}

/// The row with this name or alias: the one place that knows which functions there are.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: OnceBox<FxHashMap<&'static str, &'static Function>> = OnceBox::new();
    let names = |row: &'static Function| std::iter::once(row.name).chain(row.aliases.iter().copied());
    let by_name = BY_NAME.get_or_init(|| Box::new(all().flat_map(|row| names(row).map(move |n| (n, row))).collect()));
    by_name.get(name).copied()
}
