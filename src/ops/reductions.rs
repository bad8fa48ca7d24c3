//! The rows of the functions along axes: reductions, places and running totals.
//!
//! All primitives that one row makes run along the same axes of the same shape.

use super::{Accept, Accuracy, Along, AxisOp, AxisParam, Function, LiteralRule, Meaning, Remedy, Typing};
use ndexpr_runtime::reduce::{ReduceOp, ScanOp};

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    params: &'static [&'static str],
    accuracy: Accuracy,
    along: Along,
    doc: &'static str,
) -> Function {
    let (typing, meaning) = (Typing::Along { bools: Accept::Yes }, Meaning::Along(AxisParam::Any, along));
    Function {
        name,
        aliases,
        params,
        typing,
        meaning,
        exact: None,
        literals: LiteralRule::None,
        counts_bools: false,
        accuracy,
        of_two: None,
        doc,
    }
}

/// A row for the place of an element: along one axis, or along all axes as if they were one.
const fn place(name: &'static str, op: ReduceOp, doc: &'static str) -> Function {
    let mut function = row(name, &[], KEEP, Accuracy::Exact, reduce(op), doc);
    function.meaning = Meaning::Along(AxisParam::One, reduce(op));
    function
}

/// A row for a running total along one axis.
const fn running(name: &'static str, op: ScanOp, doc: &'static str) -> Function {
    let mut function = row(name, &[], AXIS, Accuracy::Rounded, Op(AxisOp::Scan(op)), doc);
    function.meaning = Meaning::Along(AxisParam::Running, Op(AxisOp::Scan(op)));
    function
}

/// One of the runtime's reductions.
const fn reduce(op: ReduceOp) -> Along {
    Op(AxisOp::Reduce(op))
}

/// The same row, for numbers only.
const fn no_bools(mut function: Function, remedy: Remedy) -> Function {
    function.typing = Typing::Along { bools: Accept::No(remedy) };
    function
}

const KEEP: &[&str] = &["x", "axis=None", "keepdims=False"];
const DDOF: &[&str] = &["x", "axis=None", "ddof=0", "keepdims=False"];
const AXIS: &[&str] = &["x", "axis=None"];

use Accuracy::{Exact, Rounded};
use Along::{
    ByKind, Mean, NanMean, NanStandardDeviation, NanVariance, Norm, OfTruth, Op, PeakToPeak, StandardDeviation,
    Variance, WithoutNan,
};

/// Every function along axes, in the order in which the documentation lists them.
#[rustfmt::skip]
pub(crate) static REDUCTIONS: &[Function] = &[
    row("sum", &[], KEEP, Rounded, reduce(ReduceOp::Sum), "Sum. Integers are summed in 64 bits, and wrap; bools are counted."),
    row("prod", &[], KEEP, Rounded, reduce(ReduceOp::Prod), "Product. Integers are multiplied in 64 bits, and wrap."),
    row("min", &["amin"], KEEP, Exact, reduce(ReduceOp::Min), "The smallest element; NaN if any is.").of_two("minimum", "smaller"),
    row("max", &["amax"], KEEP, Exact, reduce(ReduceOp::Max), "The largest element; NaN if any is.").of_two("maximum", "larger"),
    row("mean", &[], KEEP, Rounded, Mean, "Arithmetic mean, a float."),
    row("var", &[], DDOF, Rounded, Variance, "Variance: the squared deviations from the mean, summed, over n - ddof."),
    row("std", &[], DDOF, Rounded, StandardDeviation, "Standard deviation: the square root of the variance."),
    row("any", &[], KEEP, Exact, OfTruth(ReduceOp::Any), "True if any element is."),
    row("all", &[], KEEP, Exact, OfTruth(ReduceOp::All), "True if every element is."),
    row("count_nonzero", &[], KEEP, Exact, OfTruth(ReduceOp::Sum), "How many elements are not 0."),
    place("argmin", ReduceOp::ArgMin, "The place of the first smallest element, or NaN; in C order if there is no axis."),
    place("argmax", ReduceOp::ArgMax, "The place of the first largest element, or NaN; in C order if there is no axis."),
    // Bools have no difference, as in NumPy.
    no_bools(row("ptp", &[], KEEP, Rounded, PeakToPeak, "Peak to peak: max(x) - min(x)."), Remedy::CastBool),
    row("norm", &[], KEEP, Rounded, Norm, "Euclidean norm: sqrt(sum(x*x))."),
    row("nansum", &[], KEEP, Rounded, WithoutNan { op: ReduceOp::Sum, instead: 0 }, "As sum, with 0 for NaN."),
    row("nanprod", &[], KEEP, Rounded, WithoutNan { op: ReduceOp::Prod, instead: 1 }, "As prod, with 1 for NaN."),
    row("nanmin", &[], KEEP, Exact, ByKind { floats: ReduceOp::NanMin, others: ReduceOp::Min }, "The smallest element that is not NaN; NaN if there is none.").of_two("fmin", "smaller"),
    row("nanmax", &[], KEEP, Exact, ByKind { floats: ReduceOp::NanMax, others: ReduceOp::Max }, "The largest element that is not NaN; NaN if there is none.").of_two("fmax", "larger"),
    row("nanmean", &[], KEEP, Rounded, NanMean, "As mean, of the elements that are not NaN."),
    row("nanvar", &[], DDOF, Rounded, NanVariance, "As var, of the elements that are not NaN; NaN if they are not more than ddof."),
    row("nanstd", &[], DDOF, Rounded, NanStandardDeviation, "As std, of the elements that are not NaN."),
    running("cumsum", ScanOp::CumSum, "Sums of each element and all before it along the axis."),
    running("cumprod", ScanOp::CumProd, "Products of each element and all before it along the axis."),
];
