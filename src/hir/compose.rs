//! What a function is made of: the primitives for each [`Composed`], of arguments that have one
//! dtype.

use super::{ExprId, Graph};
use crate::ops::{Composed, Op};
use ndexpr_runtime::dtype::{DType, Scalar};

/// Builds a function that is composed of several primitives.
pub(super) fn compose(graph: &mut Graph, composed: Composed, args: &[ExprId]) -> ExprId {
    let x = args[0];
    let dtype = graph.dtype(x);
    match composed {
        Composed::Identity => x,
        Composed::Magnitude if dtype == DType::Bool => x,
        Composed::Magnitude => graph.apply(Op::Abs, &[x]),
        Composed::Square => graph.apply(Op::Mul, &[x, x]),
        Composed::Sign => sign(graph, x),
        Composed::Reciprocal => reciprocal(graph, x),
        Composed::Round(op) if dtype.is_float() => graph.apply(op, &[x]),
        Composed::Round(_) => x,
        Composed::IgnoringNan { bools, .. } if dtype == DType::Bool => graph.apply(bools, args),
        Composed::IgnoringNan { numbers, .. } if !dtype.is_float() => graph.apply(numbers, args),
        Composed::IgnoringNan { order, .. } => ignoring_nan(graph, order, x, args[1]),
        Composed::Clip => {
            let (low, high) = if dtype == DType::Bool { (Op::Or, Op::And) } else { (Op::Max, Op::Min) };
            let at_least = graph.apply(low, &[x, args[1]]);
            graph.apply(high, &[at_least, args[2]])
        }
        Composed::IsNan | Composed::IsInfinite if !dtype.is_float() => graph.constant(Scalar::new(false)),
        Composed::IsFinite if !dtype.is_float() => graph.constant(Scalar::new(true)),
        Composed::IsNan => graph.apply(Op::Ne, &[x, x]),
        Composed::IsInfinite => compare_with_infinity(graph, Op::Eq, x),
        Composed::IsFinite => compare_with_infinity(graph, Op::Lt, x),
        Composed::SignBit => sign_bit(graph, x),
    }
}

/// Compares bools: false is less than true.
pub(super) fn compare_bools(graph: &mut Graph, op: Op, x: ExprId, y: ExprId) -> ExprId {
    let not_and = |graph: &mut Graph, not: ExprId, and: ExprId| {
        let inverted = graph.apply(Op::Not, &[not]);
        graph.apply(Op::And, &[inverted, and])
    };
    match op {
        Op::Lt => not_and(graph, x, y),
        Op::Gt => not_and(graph, y, x),
        Op::Le => {
            let greater = not_and(graph, y, x);
            graph.apply(Op::Not, &[greater])
        }
        Op::Ge => {
            let less = not_and(graph, x, y);
            graph.apply(Op::Not, &[less])
        }
        _ => graph.apply(op, &[x, y]),
    }
}

fn sign(graph: &mut Graph, x: ExprId) -> ExprId {
    let dtype = graph.dtype(x);
    let zero = graph.int_constant(dtype, 0);
    let one = graph.int_constant(dtype, 1);
    let positive = graph.apply(Op::Gt, &[x, zero]);
    if dtype.is_unsigned_int() {
        return graph.apply(Op::Select, &[positive, one, zero]);
    }
    let minus_one = graph.int_constant(dtype, -1);
    let negative = graph.apply(Op::Lt, &[x, zero]);
    // A value that is neither positive nor negative is 0, -0.0 (whose sign is 0.0) or NaN (which
    // stays).
    let rest = if dtype.is_float() {
        let is_zero = graph.apply(Op::Eq, &[x, zero]);
        graph.apply(Op::Select, &[is_zero, zero, x])
    } else {
        zero
    };
    let below = graph.apply(Op::Select, &[negative, minus_one, rest]);
    graph.apply(Op::Select, &[positive, one, below])
}

fn reciprocal(graph: &mut Graph, x: ExprId) -> ExprId {
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

/// `x` if the comparison `order` of `x` and `y` is true, or if `y` is NaN; otherwise `y`.
fn ignoring_nan(graph: &mut Graph, order: Op, x: ExprId, y: ExprId) -> ExprId {
    let first = graph.apply(order, &[x, y]);
    let is_nan = graph.apply(Op::Ne, &[y, y]);
    let take_first = graph.apply(Op::Or, &[first, is_nan]);
    graph.apply(Op::Select, &[take_first, x, y])
}

/// Compares the magnitude of a float with infinity.
fn compare_with_infinity(graph: &mut Graph, op: Op, x: ExprId) -> ExprId {
    let infinity = graph.float_constant(graph.dtype(x), f64::INFINITY);
    let magnitude = graph.apply(Op::Abs, &[x]);
    graph.apply(op, &[magnitude, infinity])
}

fn sign_bit(graph: &mut Graph, x: ExprId) -> ExprId {
    let dtype = graph.dtype(x);
    if dtype == DType::Bool {
        return graph.constant(Scalar::new(false));
    }
    let zero = graph.int_constant(dtype, 0);
    if !dtype.is_float() {
        return graph.apply(Op::Lt, &[x, zero]);
    }
    // Once the magnitude is 1, a comparison can tell the sign of -0.0 and of NaN.
    let one = graph.int_constant(dtype, 1);
    let unit = graph.apply(Op::Copysign, &[one, x]);
    graph.apply(Op::Lt, &[unit, zero])
}
