//! The rows of the functions along axes: reductions, places and running totals.
//!
//! Each is built from the primitives of [`AxisOp`] and elementwise ones around them, such as the mean from a sum and a
//! count. All that one row makes runs along the same axes of the same shape.

use super::table::{Accuracy, AxisParam, Build, Function, Meaning, Typing};
use super::{AxisOp, Op};
use crate::hir::{Along, ErrorKind, ExprId, Remedy};
use ndexpr_runtime::dtype::{DType, Scalar};

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    accuracy: Accuracy,
    build: Build,
    doc: &'static str,
) -> Function {
    let meaning = Meaning::Along(AxisParam::Any, build);
    Function { name, aliases, params, typing: Typing::Along, meaning, accuracy, doc }
}

/// The place of an element: along one axis, or along all as if they were one.
const fn place(name: &'static str, build: Build, doc: &'static str) -> Function {
    let meaning = Meaning::Along(AxisParam::One, build);
    Function { name, aliases: &[], params: KEEP, typing: Typing::Along, meaning, accuracy: Accuracy::Exact, doc }
}

/// A running total along one axis.
const fn running(name: &'static str, build: Build, doc: &'static str) -> Function {
    let meaning = Meaning::Along(AxisParam::Running, build);
    Function { name, aliases: &[], params: AXIS, typing: Typing::Along, meaning, accuracy: Accuracy::Rounded, doc }
}

const KEEP: &[&str] = &["x", "axis=None", "keepdims=False"];
const DDOF: &[&str] = &["x", "axis=None", "ddof=0", "keepdims=False"];
const AXIS: &[&str] = &["x", "axis=None"];

use Accuracy::{Exact, Rounded};

/// Every function along axes, in the order in which the documentation lists them.
#[rustfmt::skip]
pub(crate) static REDUCTIONS: &[Function] = &[
    row("sum",      &[],       KEEP, Rounded, |r, x| Ok(r.reduce(AxisOp::Sum, x)),     "Sum. Integers are summed in 64 bits, and wrap; bools are counted."),
    row("prod",     &[],       KEEP, Rounded, |r, x| Ok(r.reduce(AxisOp::Prod, x)),    "Product. Integers are multiplied in 64 bits, and wrap."),
    row("min",      &["amin"], KEEP, Exact,   |r, x| Ok(r.reduce(AxisOp::Min, x)),     "The smallest element; NaN if any is."),
    row("max",      &["amax"], KEEP, Exact,   |r, x| Ok(r.reduce(AxisOp::Max, x)),     "The largest element; NaN if any is."),
    row("mean",     &[],       KEEP, Rounded, mean,                                    "Arithmetic mean, a float."),
    row("var",      &[],       DDOF, Rounded, var,                                     "Variance: the squared deviations from the mean, summed, over n - ddof."),
    row("std",      &[],       DDOF, Rounded, |r, x| { let var = var(r, x)?; Ok(sqrt(r, var)) }, "Standard deviation: the square root of the variance."),
    row("any",      &[],       KEEP, Exact,   |r, x| Ok(truth(r, AxisOp::Any, x)),     "True if any element is."),
    row("all",      &[],       KEEP, Exact,   |r, x| Ok(truth(r, AxisOp::All, x)),     "True if every element is."),
    row("count_nonzero", &[],  KEEP, Exact,   |r, x| Ok(truth(r, AxisOp::Sum, x)),     "How many elements are not 0."),
    place("argmin",                         |r, x| Ok(r.reduce(AxisOp::ArgMin, x)),  "The place of the first smallest element, or NaN; in C order if there is no axis."),
    place("argmax",                         |r, x| Ok(r.reduce(AxisOp::ArgMax, x)),  "The place of the first largest element, or NaN; in C order if there is no axis."),
    row("ptp",      &[],       KEEP, Rounded, ptp,                                     "Peak to peak: max(x) - min(x)."),
    row("norm",     &[],       KEEP, Rounded, norm,                                    "Euclidean norm: sqrt(sum(x*x))."),
    row("nansum",   &[],       KEEP, Rounded, |r, x| { let x = without_nan(r, x, 0); Ok(r.reduce(AxisOp::Sum, x)) },  "As sum, with 0 for NaN."),
    row("nanprod",  &[],       KEEP, Rounded, |r, x| { let x = without_nan(r, x, 1); Ok(r.reduce(AxisOp::Prod, x)) }, "As prod, with 1 for NaN."),
    row("nanmin",   &[],       KEEP, Exact,   |r, x| Ok(by_kind(r, AxisOp::NanMin, AxisOp::Min, x)), "The smallest element that is not NaN; NaN if there is none."),
    row("nanmax",   &[],       KEEP, Exact,   |r, x| Ok(by_kind(r, AxisOp::NanMax, AxisOp::Max, x)), "The largest element that is not NaN; NaN if there is none."),
    row("nanmean",  &[],       KEEP, Rounded, nanmean,                                 "As mean, of the elements that are not NaN."),
    row("nanvar",   &[],       DDOF, Rounded, nanvar,                                  "As var, of the elements that are not NaN; NaN if they are not more than ddof."),
    row("nanstd",   &[],       DDOF, Rounded, |r, x| { let var = nanvar(r, x)?; Ok(sqrt(r, var)) }, "As std, of the elements that are not NaN."),
    running("cumsum",                       |r, x| Ok(r.reduce(AxisOp::CumSum, x)),  "Sums of each element and all before it along the axis."),
    running("cumprod",                      |r, x| Ok(r.reduce(AxisOp::CumProd, x)), "Products of each element and all before it along the axis."),
];

/// Bools and integers as float64.
fn float(r: &mut Along<'_>, x: ExprId) -> ExprId {
    if r.graph.dtype(x).is_float() { x } else { r.graph.cast(x, DType::Float64) }
}

fn sqrt(r: &mut Along<'_>, x: ExprId) -> ExprId {
    r.graph.apply(Op::Sqrt, &[x])
}

fn truth(r: &mut Along<'_>, op: AxisOp, x: ExprId) -> ExprId {
    let x = r.graph.cast(x, DType::Bool);
    r.reduce(op, x)
}

fn by_kind(r: &mut Along<'_>, floats: AxisOp, others: AxisOp, x: ExprId) -> ExprId {
    let op = if r.graph.dtype(x).is_float() { floats } else { others };
    r.reduce(op, x)
}

fn mean(r: &mut Along<'_>, x: ExprId) -> Result<ExprId, ErrorKind> {
    let x = float(r, x);
    let sum = r.reduce(AxisOp::Sum, x);
    let count = r.count();
    let count = r.graph.cast(count, r.graph.dtype(x));
    Ok(r.graph.apply(Op::Div, &[sum, count]))
}

fn var(r: &mut Along<'_>, x: ExprId) -> Result<ExprId, ErrorKind> {
    let x = float(r, x);
    let deviations = r.reduce(AxisOp::Deviations, x);
    let count = r.count();
    let freedom = freedom(r, count, true, DType::Float64);
    let var = r.graph.apply(Op::Div, &[deviations, freedom]);
    Ok(r.graph.cast(var, r.graph.dtype(x)))
}

/// `count - ddof`, or 0 if that is negative and may not be. It is a float64 before it is what the caller computes with.
fn freedom(r: &mut Along<'_>, count: ExprId, is_clipped: bool, dtype: DType) -> ExprId {
    if r.ddof() == 0.0 {
        return r.graph.cast(count, dtype);
    }
    let count = r.graph.cast(count, DType::Float64);
    let ddof = r.graph.constant(Scalar::new(r.ddof()));
    let mut freedom = r.graph.apply(Op::Sub, &[count, ddof]);
    if is_clipped {
        let zero = r.graph.float_constant(DType::Float64, 0.0);
        freedom = r.graph.apply(Op::Max, &[freedom, zero]);
    }
    r.graph.cast(freedom, dtype)
}

/// Bools have no difference, as in NumPy.
fn ptp(r: &mut Along<'_>, x: ExprId) -> Result<ExprId, ErrorKind> {
    if r.graph.dtype(x) == DType::Bool {
        return Err(r.not_defined("ptp", x, Remedy::CastBool));
    }
    let max = r.reduce(AxisOp::Max, x);
    let min = r.reduce(AxisOp::Min, x);
    Ok(r.graph.apply(Op::Sub, &[max, min]))
}

fn norm(r: &mut Along<'_>, x: ExprId) -> Result<ExprId, ErrorKind> {
    let x = float(r, x);
    let square = r.graph.apply(Op::Mul, &[x, x]);
    let sum = r.reduce(AxisOp::Sum, square);
    Ok(sqrt(r, sum))
}

/// `x` with another value for NaN; what is no float has none.
fn without_nan(r: &mut Along<'_>, x: ExprId, instead: i64) -> ExprId {
    let dtype = r.graph.dtype(x);
    if !dtype.is_float() {
        return x;
    }
    let is_nan = r.graph.apply(Op::Ne, &[x, x]);
    let instead = r.graph.int_constant(dtype, instead);
    r.graph.apply(Op::Select, &[is_nan, instead, x])
}

/// How many elements are not NaN.
fn count_not_nan(r: &mut Along<'_>, x: ExprId) -> ExprId {
    let is_number = r.graph.apply(Op::Eq, &[x, x]);
    r.reduce(AxisOp::Sum, is_number)
}

fn nanmean(r: &mut Along<'_>, x: ExprId) -> Result<ExprId, ErrorKind> {
    if !r.graph.dtype(x).is_float() {
        return mean(r, x);
    }
    let clean = without_nan(r, x, 0);
    let sum = r.reduce(AxisOp::Sum, clean);
    let count = count_not_nan(r, x);
    let count = r.graph.cast(count, r.graph.dtype(x));
    Ok(r.graph.apply(Op::Div, &[sum, count]))
}

fn nanvar(r: &mut Along<'_>, x: ExprId) -> Result<ExprId, ErrorKind> {
    let dtype = r.graph.dtype(x);
    if !dtype.is_float() {
        return var(r, x);
    }
    let deviations = r.reduce(AxisOp::NanDeviations, x);
    let count = count_not_nan(r, x);
    let freedom = freedom(r, count, false, DType::Float64);
    let var = r.graph.apply(Op::Div, &[deviations, freedom]);
    let zero = r.graph.int_constant(DType::Float64, 0);
    let nan = r.graph.float_constant(DType::Float64, f64::NAN);
    let is_enough = r.graph.apply(Op::Gt, &[freedom, zero]);
    let var = r.graph.apply(Op::Select, &[is_enough, var, nan]);
    Ok(r.graph.cast(var, dtype))
}
