//! One row per operation that a text can name.
//!
//! A row gives the spellings, the parameters, how arguments are typed, what primitives it becomes and how accurate it
//! is. The operators of the language are rows too, named by their function (`+` is `add`). To add a function, add a
//! row; if it needs code of its own, a [`MathFn`] in the runtime is the kernel.

use super::Op;
use super::reductions::REDUCTIONS;
use crate::hir::{Along, ErrorKind, ExprId, Graph};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::math::MathFn;
use once_cell::race::OnceBox;
use rustc_hash::FxHashMap;

/// How an operation is typed, once its arguments have been promoted to one dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// Bools stay bools, integers integers, floats floats.
    Keep,
    /// As `Keep`, but there is no such operation on bools.
    KeepNoBool,
    /// As `Keep`, but bools are computed as int8.
    BoolAsInt8,
    /// Bools and integers become floats: float32 up to 16 bits, else float64.
    Float,
    /// Bools and integers become float64.
    Float64,
    /// Bools and integers only.
    Bits,
    /// Integers only; bools are computed as int8.
    Shift,
    /// Two operands of one dtype to bool.
    Compare,
    /// Every argument is taken as true or false; bool.
    Logical,
    /// A question about a float, bool; what it says of an integer follows from the integer's value.
    Question,
    /// The first argument is a condition, the others are promoted; the result is of their dtype.
    Where,
    /// To the dtype, whatever the argument.
    CastTo(DType),
    /// By what builds it.
    Along,
}

/// Makes what a function along axes becomes of its argument; an error is one about the dtype.
pub(crate) type Build = fn(&mut Along<'_>, ExprId) -> Result<ExprId, ErrorKind>;

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

/// What an operation becomes.
#[derive(Clone, Copy)]
pub(crate) enum Meaning {
    /// One primitive.
    Op(Op),
    /// Several, built by the function from arguments that are typed already.
    Graph(fn(&mut Graph, &[ExprId]) -> ExprId),
    /// What it is for bools, for integers and for floats, each as above.
    ByKind(fn(&mut Graph, &[ExprId]) -> ExprId, Op, Op),
    /// Primitives along axes and others around them.
    Along(AxisParam, Build),
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

/// A row.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// Those that may be left out have their default behind them: `axis=None`.
    pub(crate) params: &'static [&'static str],
    pub(crate) typing: Typing,
    pub(crate) meaning: Meaning,
    pub(crate) accuracy: Accuracy,
    pub(crate) doc: &'static str,
}

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    typing: Typing,
    meaning: Meaning,
    doc: &'static str,
) -> Function {
    Function { name, aliases, params, typing, meaning, accuracy: Accuracy::Exact, doc }
}

/// A function of the runtime that rounds.
const fn math(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    function: MathFn,
    doc: &'static str,
) -> Function {
    let meaning = Meaning::Op(Op::Math(function));
    Function { name, aliases, params, typing: Typing::Float, meaning, accuracy: Accuracy::Ulp, doc }
}

const X: &[&str] = &["x"];
const XY: &[&str] = &["x", "y"];

use Meaning::{ByKind, Graph as Built, Op as Is};
use Typing::{Bits, BoolAsInt8, CastTo, Compare, Float, Float64, Keep, KeepNoBool, Logical, Question, Shift, Where};

/// Every operation on elements, in the order in which the documentation lists them.
#[rustfmt::skip]
pub(crate) static FUNCTIONS: &[Function] = &[
    // Arithmetic.
    row("add",          &[],                        XY, Keep,       ByKind(bool_or, Op::Add, Op::Add),   "x + y. Integers wrap; bools: or."),
    row("subtract",     &[],                        XY, KeepNoBool, Is(Op::Sub),                         "x - y. Integers wrap."),
    row("multiply",     &[],                        XY, Keep,       ByKind(bool_and, Op::Mul, Op::Mul),  "x * y. Integers wrap; bools: and."),
    row("divide",       &["true_divide"],           XY, Float64,    Is(Op::Div),                         "x / y, always a float."),
    row("floor_divide", &[],                        XY, BoolAsInt8, Is(Op::Math(MathFn::FloorDivide)),   "x // y, rounded down. An integer divided by 0 is 0."),
    row("remainder",    &["mod"],                   XY, BoolAsInt8, Is(Op::Math(MathFn::Remainder)),     "x % y, with the sign of y. An integer modulo 0 is 0."),
    row("fmod",         &[],                        XY, BoolAsInt8, Is(Op::Math(MathFn::Fmod)),          "Remainder with the sign of x, exact. An integer modulo 0 is 0."),
    Function { name: "power", aliases: &["pow"], params: XY, typing: BoolAsInt8, meaning: Is(Op::Math(MathFn::Pow)), accuracy: Accuracy::Ulp,
               doc: "x ** y. Integers wrap; an integer to a negative power is 0 unless x is 1 or -1." },
    row("negative",     &["neg"],                   X,  KeepNoBool, Is(Op::Neg),                         "-x. Integers wrap."),
    row("positive",     &[],                        X,  KeepNoBool, Built(identity),                     "+x, which is x."),
    row("abs",          &["absolute", "fabs"],      X,  Keep,       ByKind(identity, Op::Abs, Op::Abs),  "Absolute value. The most negative integer stays itself."),
    row("sign",         &[],                        X,  KeepNoBool, Built(sign),                         "-1, 0 or 1; NaN for NaN."),
    row("square",       &[],                        X,  BoolAsInt8, Built(square),                       "x * x."),
    row("reciprocal",   &[],                        X,  BoolAsInt8, Built(reciprocal),                   "1 / x in the dtype of x; for an integer 0 unless x is 1 or -1."),
    row("sqrt",         &[],                        X,  Float,      Is(Op::Sqrt),                        "Square root, correctly rounded."),
    // Rounding.
    row("floor",        &[],                        X,  Keep,       Built(|g, a| round_with(g, a, Op::Floor)), "The next integer at or below x. Integers stay as they are."),
    row("ceil",         &[],                        X,  Keep,       Built(|g, a| round_with(g, a, Op::Ceil)),  "The next integer at or above x."),
    row("trunc",        &["fix"],                   X,  Keep,       Built(|g, a| round_with(g, a, Op::Trunc)), "The next integer towards 0."),
    row("round",        &["around"],                X,  Keep,       Built(|g, a| round_with(g, a, Op::Rint)),  "The nearest integer, half to even. Integers stay as they are."),
    row("rint",         &[],                        X,  Float,      Is(Op::Rint),                        "The nearest integer as a float, half to even."),
    // Order.
    row("minimum",      &[],                        XY, Keep,       ByKind(bool_and, Op::Min, Op::Min),  "The smaller; NaN if either is."),
    row("maximum",      &[],                        XY, Keep,       ByKind(bool_or, Op::Max, Op::Max),   "The larger; NaN if either is."),
    row("fmin",         &[],                        XY, Keep,       Built(fmin),                         "The smaller; a NaN is ignored."),
    row("fmax",         &[],                        XY, Keep,       Built(fmax),                         "The larger; a NaN is ignored."),
    row("clip",         &[],      &["x", "low", "high"], Keep,      Built(clip),                         "minimum(maximum(x, low), high)."),
    row("equal",        &[],                        XY, Compare,    Is(Op::Eq),                          "x == y."),
    row("not_equal",    &[],                        XY, Compare,    Is(Op::Ne),                          "x != y."),
    row("less",         &[],                        XY, Compare,    Is(Op::Lt),                          "x < y."),
    row("less_equal",   &[],                        XY, Compare,    Is(Op::Le),                          "x <= y."),
    row("greater",      &[],                        XY, Compare,    Is(Op::Gt),                          "x > y."),
    row("greater_equal", &[],                       XY, Compare,    Is(Op::Ge),                          "x >= y."),
    // Choice and truth.
    row("where",        &["select"], &["condition", "x", "y"], Where, Is(Op::Select),                    "x where the condition is true, y elsewhere; also x if condition else y."),
    row("logical_and",  &[],                        XY, Logical,    Is(Op::And),                         "x and y, as bools."),
    row("logical_or",   &[],                        XY, Logical,    Is(Op::Or),                          "x or y, as bools."),
    row("logical_xor",  &[],                        XY, Logical,    Is(Op::Xor),                         "True if just one of x and y is."),
    row("logical_not",  &[],                        X,  Logical,    Is(Op::Not),                         "not x, as a bool."),
    row("isnan",        &[],                        X,  Question,   Built(isnan),                        "True for NaN."),
    row("isinf",        &[],                        X,  Question,   Built(isinf),                        "True for both infinities."),
    row("isfinite",     &[],                        X,  Question,   Built(isfinite),                     "True unless NaN or infinite."),
    row("signbit",      &[],                        X,  Question,   Built(signbit),                      "True if the sign is minus, also of -0.0 and NaN."),
    row("copysign",     &[],                        XY, Float,      Is(Op::Copysign),                    "The magnitude of x with the sign of y."),
    // Bits.
    row("bitwise_and",  &[],                        XY, Bits,       Is(Op::And),                         "x & y."),
    row("bitwise_or",   &[],                        XY, Bits,       Is(Op::Or),                          "x | y."),
    row("bitwise_xor",  &[],                        XY, Bits,       Is(Op::Xor),                         "x ^ y."),
    row("invert",       &["bitwise_not"],           X,  Bits,       Is(Op::Not),                         "~x: every bit flipped; a bool negated."),
    row("left_shift",   &[],                        XY, Shift,      Is(Op::Shl),                         "x << y; 0 if y is negative or not below the width."),
    row("right_shift",  &[],                        XY, Shift,      Is(Op::Shr),                         "x >> y; only the sign is left if y is negative or not below the width."),
    // Exponentials and logarithms.
    math("exp",     &[],           X,  MathFn::Exp,   "e ** x."),
    math("exp2",    &[],           X,  MathFn::Exp2,  "2 ** x."),
    math("exp10",   &[],           X,  MathFn::Exp10, "10 ** x."),
    math("expm1",   &[],           X,  MathFn::Expm1, "e ** x - 1, accurate near 0."),
    math("log",     &["ln"],       X,  MathFn::Log,   "Natural logarithm."),
    math("log2",    &[],           X,  MathFn::Log2,  "Logarithm to base 2."),
    math("log10",   &[],           X,  MathFn::Log10, "Logarithm to base 10."),
    math("log1p",   &[],           X,  MathFn::Log1p, "log(1 + x), accurate near 0."),
    // Trigonometry.
    math("sin",     &[],           X,  MathFn::Sin,   "Sine of radians."),
    math("cos",     &[],           X,  MathFn::Cos,   "Cosine of radians."),
    math("tan",     &[],           X,  MathFn::Tan,   "Tangent of radians."),
    math("asin",    &["arcsin"],   X,  MathFn::Asin,  "Inverse sine, in radians."),
    math("acos",    &["arccos"],   X,  MathFn::Acos,  "Inverse cosine, in radians."),
    math("atan",    &["arctan"],   X,  MathFn::Atan,  "Inverse tangent, in radians."),
    math("atan2",   &["arctan2"],  &["y", "x"], MathFn::Atan2, "Angle of the point (x, y), in radians."),
    math("sinh",    &[],           X,  MathFn::Sinh,  "Hyperbolic sine."),
    math("cosh",    &[],           X,  MathFn::Cosh,  "Hyperbolic cosine."),
    math("tanh",    &[],           X,  MathFn::Tanh,  "Hyperbolic tangent."),
    math("asinh",   &["arcsinh"],  X,  MathFn::Asinh, "Inverse hyperbolic sine."),
    math("acosh",   &["arccosh"],  X,  MathFn::Acosh, "Inverse hyperbolic cosine."),
    math("atanh",   &["arctanh"],  X,  MathFn::Atanh, "Inverse hyperbolic tangent."),
    math("hypot",   &[],           XY, MathFn::Hypot, "sqrt(x*x + y*y) without overflow on the way."),
    // Roots and the error function.
    math("cbrt",    &[],           X,  MathFn::Cbrt,  "Cube root."),
    math("erf",     &[],           X,  MathFn::Erf,   "Error function."),
    math("erfc",    &[],           X,  MathFn::Erfc,  "1 - erf(x), accurate for large x."),
    math("tgamma",  &["gamma"],    X,  MathFn::Tgamma, "Gamma function; NaN at 0 and below where it has poles."),
    math("lgamma",  &["gammaln"],  X,  MathFn::Lgamma, "Natural logarithm of the magnitude of the gamma function."),
    math("sigmoid", &["expit"],    X,  MathFn::Sigmoid, "1 / (1 + e ** -x)."),
    // Casts.
    row("bool",    &[],          X, CastTo(DType::Bool),    Built(identity), "x != 0."),
    row("int8",    &["i8"],      X, CastTo(DType::Int8),    Built(identity), "As int8: wider integers wrap, floats truncate and saturate, NaN is 0."),
    row("int16",   &["i16"],     X, CastTo(DType::Int16),   Built(identity), "As int16, like int8."),
    row("int32",   &["i32"],     X, CastTo(DType::Int32),   Built(identity), "As int32, like int8."),
    row("int64",   &["i64"],     X, CastTo(DType::Int64),   Built(identity), "As int64, like int8."),
    row("uint8",   &["u8"],      X, CastTo(DType::UInt8),   Built(identity), "As uint8, like int8."),
    row("uint16",  &["u16"],     X, CastTo(DType::UInt16),  Built(identity), "As uint16, like int8."),
    row("uint32",  &["u32"],     X, CastTo(DType::UInt32),  Built(identity), "As uint32, like int8."),
    row("uint64",  &["u64"],     X, CastTo(DType::UInt64),  Built(identity), "As uint64, like int8."),
    row("float32", &["f32"],     X, CastTo(DType::Float32), Built(identity), "As float32, rounded to nearest even."),
    row("float64", &["f64"],     X, CastTo(DType::Float64), Built(identity), "As float64, rounded to nearest even."),
];

/// Every operation.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain(REDUCTIONS)
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

    /// The least and the most arguments by position. Of options only the axis may be one, as in NumPy.
    pub(crate) fn n_args(&self) -> (usize, usize) {
        let least = self.params.len() - self.options().count();
        (least, least + usize::from(self.is_along_axes()))
    }

    /// The name or alias that a text calls it by.
    pub(crate) fn spelling(&self, name: &str) -> &'static str {
        self.aliases.iter().copied().find(|alias| *alias == name).unwrap_or(self.name)
    }
}

/// The row with this name or alias.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: OnceBox<FxHashMap<&'static str, &'static Function>> = OnceBox::new();
    let names = |row: &'static Function| std::iter::once(row.name).chain(row.aliases.iter().copied());
    let by_name = BY_NAME.get_or_init(|| Box::new(all().flat_map(|row| names(row).map(move |n| (n, row))).collect()));
    by_name.get(name).copied()
}

fn bool_or(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    graph.apply(Op::Or, args)
}

fn bool_and(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    graph.apply(Op::And, args)
}

fn identity(_: &mut Graph, args: &[ExprId]) -> ExprId {
    args[0]
}

fn square(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    graph.apply(Op::Mul, &[args[0], args[0]])
}

/// Integers (and the bools among them) are rounded already.
fn round_with(graph: &mut Graph, args: &[ExprId], op: Op) -> ExprId {
    if graph.dtype(args[0]).is_float() { graph.apply(op, args) } else { args[0] }
}

fn sign(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    let x = args[0];
    let dtype = graph.dtype(x);
    let zero = graph.int_constant(dtype, 0);
    let one = graph.int_constant(dtype, 1);
    let positive = graph.apply(Op::Gt, &[x, zero]);
    if dtype.is_unsigned_int() {
        return graph.apply(Op::Select, &[positive, one, zero]);
    }
    let minus_one = graph.int_constant(dtype, -1);
    let negative = graph.apply(Op::Lt, &[x, zero]);
    // What is neither is 0, -0.0 (whose sign is 0.0) or NaN (which stays).
    let rest = if dtype.is_float() {
        let is_zero = graph.apply(Op::Eq, &[x, zero]);
        graph.apply(Op::Select, &[is_zero, zero, x])
    } else {
        zero
    };
    let below = graph.apply(Op::Select, &[negative, minus_one, rest]);
    graph.apply(Op::Select, &[positive, one, below])
}

fn reciprocal(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    let x = args[0];
    let dtype = graph.dtype(x);
    let one = graph.int_constant(dtype, 1);
    if dtype.is_float() {
        return graph.apply(Op::Div, &[one, x]);
    }
    let zero = graph.int_constant(dtype, 0);
    let magnitude = graph.apply(Op::Abs, &[x]);
    let is_unit = graph.apply(Op::Eq, &[magnitude, one]);
    graph.apply(Op::Select, &[is_unit, x, zero])
}

fn fmin(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    ignoring_nan(graph, args, Op::Min, Op::And, Op::Le)
}

fn fmax(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    ignoring_nan(graph, args, Op::Max, Op::Or, Op::Ge)
}

/// `x` if it compares so with `y`, or `y` is NaN; otherwise `y`.
fn ignoring_nan(graph: &mut Graph, args: &[ExprId], op: Op, bools: Op, order: Op) -> ExprId {
    let (x, y) = (args[0], args[1]);
    let dtype = graph.dtype(x);
    if dtype == DType::Bool {
        return graph.apply(bools, args);
    }
    if !dtype.is_float() {
        return graph.apply(op, args);
    }
    let first = graph.apply(order, &[x, y]);
    let is_nan = graph.apply(Op::Ne, &[y, y]);
    let take_first = graph.apply(Op::Or, &[first, is_nan]);
    graph.apply(Op::Select, &[take_first, x, y])
}

fn clip(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    let (low, high) = if graph.dtype(args[0]) == DType::Bool { (Op::Or, Op::And) } else { (Op::Max, Op::Min) };
    let at_least = graph.apply(low, &[args[0], args[1]]);
    graph.apply(high, &[at_least, args[2]])
}

fn isnan(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    if !graph.dtype(args[0]).is_float() {
        return graph.constant(Scalar::new(false));
    }
    graph.apply(Op::Ne, &[args[0], args[0]])
}

fn isinf(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    let dtype = graph.dtype(args[0]);
    if !dtype.is_float() {
        return graph.constant(Scalar::new(false));
    }
    let infinity = graph.float_constant(dtype, f64::INFINITY);
    let magnitude = graph.apply(Op::Abs, &[args[0]]);
    graph.apply(Op::Eq, &[magnitude, infinity])
}

fn isfinite(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    let dtype = graph.dtype(args[0]);
    if !dtype.is_float() {
        return graph.constant(Scalar::new(true));
    }
    let infinity = graph.float_constant(dtype, f64::INFINITY);
    let magnitude = graph.apply(Op::Abs, &[args[0]]);
    graph.apply(Op::Lt, &[magnitude, infinity])
}

fn signbit(graph: &mut Graph, args: &[ExprId]) -> ExprId {
    let dtype = graph.dtype(args[0]);
    if dtype == DType::Bool {
        return graph.constant(Scalar::new(false));
    }
    let zero = graph.int_constant(dtype, 0);
    if !dtype.is_float() {
        return graph.apply(Op::Lt, &[args[0], zero]);
    }
    // The sign of -0.0 and of NaN shows once the magnitude is 1.
    let one = graph.int_constant(dtype, 1);
    let unit = graph.apply(Op::Copysign, &[one, args[0]]);
    graph.apply(Op::Lt, &[unit, zero])
}
