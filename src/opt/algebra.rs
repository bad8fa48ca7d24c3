//! Rewrites of one node, given arguments that are rewritten already. Each says why it is exact: why
//! every argument, NaN, infinity and -0.0 included, gives the same bits. (All NaNs count as one.)
//! Rewrites that are not exact are in [`fast`], and run only where the caller allows it.

use crate::hir::{Expr, ExprId, Graph, is_lossless};
use crate::ops::Op;
use crate::options::FloatMode;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::math::MathFn;

/// Applies any primitive, casts included.
pub(super) fn apply(graph: &mut Graph, op: Op, args: &[ExprId], dtype: DType) -> ExprId {
    if op == Op::Cast { graph.cast(args[0], dtype) } else { graph.apply(op, args) }
}

/// The cheapest known equivalent of a primitive.
pub(super) fn simplify(graph: &mut Graph, floats: FloatMode, op: Op, args: &[ExprId], dtype: DType) -> ExprId {
    let mut args = args.to_vec();
    // The arguments get one order, so that `a + b` and `b + a` become one node: constants last, the
    // others in the order in which they first appeared.
    if op.is_commutative() {
        let key = |graph: &Graph, id: ExprId| (graph.as_const(id).is_some(), id);
        if key(graph, args[0]) > key(graph, args[1]) {
            args.swap(0, 1);
        }
    }
    let may_round = floats == FloatMode::Fast && graph.dtype(args[0]).is_float();
    let simpler = match op {
        Op::Math(MathFn::Pow) if may_round && let Some(power) = fast_power(graph, &args) => Some(power),
        Op::Add | Op::Sub => sum(graph, op, &args),
        Op::Mul => product(graph, &args),
        Op::Div => quotient(graph, &args),
        Op::Neg | Op::Not => involution(graph, op, &args),
        Op::Abs => magnitude(graph, &args),
        Op::Min | Op::Max if args[0] == args[1] => Some(args[0]),
        Op::And | Op::Or | Op::Xor => bits(graph, op, &args),
        Op::Shl | Op::Shr if is_bits(graph, args[1], 0) => Some(args[0]),
        Op::Select => choice(graph, &args),
        Op::Cast => conversion(graph, &args, dtype),
        Op::Math(MathFn::Pow) => power(graph, &args),
        Op::Math(MathFn::FloorDivide | MathFn::Remainder) => division(graph, op, &args),
        _ => None,
    };
    let simpler = simpler.or_else(|| if may_round { fast(graph, op, &args) } else { None });
    simpler.unwrap_or_else(|| apply(graph, op, &args, dtype))
}

fn is_bits(graph: &Graph, id: ExprId, bits: u64) -> bool {
    graph.as_const(id).is_some_and(|value| value.bits() == bits)
}

/// The value of a constant float, widened if it is not a float64.
fn as_float(graph: &Graph, id: ExprId) -> Option<f64> {
    let value = graph.as_const(id)?;
    value.get::<f64>().or_else(|| value.get::<f32>().map(f64::from))
}

fn is_float(graph: &Graph, id: ExprId, value: f64) -> bool {
    as_float(graph, id).is_some_and(|found| found.to_bits() == value.to_bits())
}

/// The exponent, if the constant is an integer power of 2 (of at least 2^0).
fn as_power_of_two(graph: &Graph, id: ExprId) -> Option<u32> {
    let value = graph.as_const(id)?;
    let dtype = value.dtype();
    let is_positive = dtype.is_unsigned_int() || (dtype.is_signed_int() && value.bits() >> (8 * dtype.size() - 1) == 0);
    (is_positive && value.bits().is_power_of_two()).then(|| value.bits().trailing_zeros())
}

fn sum(graph: &mut Graph, op: Op, args: &[ExprId]) -> Option<ExprId> {
    let [x, y] = *args else { return None };
    // x + -y and x - y round the same exact value, and wrap to the same integer.
    if let Expr::Apply(Op::Neg, [negated, ..]) = graph.expr(y) {
        let other = if op == Op::Add { Op::Sub } else { Op::Add };
        return Some(graph.apply(other, &[x, negated]));
    }
    if op == Op::Add
        && let Expr::Apply(Op::Neg, [negated, ..]) = graph.expr(x)
    {
        return Some(graph.apply(Op::Sub, &[y, negated]));
    }
    if graph.dtype(x).is_float() {
        // x + -0.0 and x - 0.0 are x for every x; x + 0.0 is not, because it makes 0.0 of -0.0.
        let neutral = if op == Op::Add { -0.0 } else { 0.0 };
        return is_float(graph, y, neutral).then_some(x);
    }
    if is_bits(graph, y, 0) {
        return Some(x);
    }
    if op == Op::Sub {
        return (x == y).then(|| graph.int_constant(graph.dtype(x), 0));
    }
    merge_constants(graph, op, args)
}

/// `(x + c) + d` is `x + (c + d)`, and the same holds for products. This is exact where they wrap.
fn merge_constants(graph: &mut Graph, op: Op, args: &[ExprId]) -> Option<ExprId> {
    graph.as_const(args[1])?;
    let Expr::Apply(inner, [x, c, _]) = graph.expr(args[0]) else { return None };
    (inner == op && graph.as_const(c).is_some()).then(|| {
        let constant = graph.apply(op, &[c, args[1]]);
        let is_neutral = op == Op::Add && graph.dtype(x).is_int() && is_bits(graph, constant, 0);
        if is_neutral { x } else { graph.apply(op, &[x, constant]) }
    })
}

fn product(graph: &mut Graph, args: &[ExprId]) -> Option<ExprId> {
    let [x, y] = *args else { return None };
    let dtype = graph.dtype(x);
    if dtype.is_float() {
        // A product with 1 or -1 is exact.
        if is_float(graph, y, 1.0) {
            return Some(x);
        }
        return is_float(graph, y, -1.0).then(|| graph.apply(Op::Neg, &[x]));
    }
    if is_bits(graph, y, 0) {
        return Some(y);
    }
    if let Some(merged) = merge_constants(graph, Op::Mul, args) {
        return Some(merged);
    }
    // Wrapping products with powers of 2 are shifts.
    match as_power_of_two(graph, y)? {
        0 => Some(x),
        shift => {
            let count = graph.int_constant(dtype, i64::from(shift));
            Some(graph.apply(Op::Shl, &[x, count]))
        }
    }
}

fn quotient(graph: &mut Graph, args: &[ExprId]) -> Option<ExprId> {
    let [x, y] = *args else { return None };
    if is_float(graph, y, 1.0) {
        return Some(x);
    }
    // Where 1/y is exact and normal, x/y and x*(1/y) round the same exact value.
    let inverse = exact_inverse(graph.as_const(y)?)?;
    let inverse = graph.constant(inverse);
    Some(graph.apply(Op::Mul, &[x, inverse]))
}

/// 1/y, if y is a power of 2 whose inverse is neither subnormal nor infinite.
fn exact_inverse(y: Scalar) -> Option<Scalar> {
    if let Some(y) = y.get::<f64>() {
        let is_power = y.is_normal() && y.to_bits() & ((1 << 52) - 1) == 0;
        return (is_power && (1.0 / y).is_normal()).then(|| Scalar::new(1.0 / y));
    }
    let y = y.get::<f32>()?;
    let is_power = y.is_normal() && y.to_bits() & ((1 << 23) - 1) == 0;
    (is_power && (1.0 / y).is_normal()).then(|| Scalar::new(1.0 / y))
}

/// A primitive that undoes itself has no effect if it is applied twice.
fn involution(graph: &mut Graph, op: Op, args: &[ExprId]) -> Option<ExprId> {
    match graph.expr(args[0]) {
        Expr::Apply(inner, [x, ..]) if inner == op => Some(x),
        // Where a NaN may be, two opposite orders are not each other's negation. Equality and
        // inequality are.
        Expr::Apply(inner, [x, y, _]) if op == Op::Not => {
            let other = match inner {
                Op::Eq => Op::Ne,
                Op::Ne => Op::Eq,
                _ if graph.dtype(x).is_float() => return None,
                Op::Lt => Op::Ge,
                Op::Le => Op::Gt,
                Op::Gt => Op::Le,
                Op::Ge => Op::Lt,
                _ => return None,
            };
            Some(graph.apply(other, &[x, y]))
        }
        _ => None,
    }
}

/// The magnitude of a value does not depend on its sign.
fn magnitude(graph: &mut Graph, args: &[ExprId]) -> Option<ExprId> {
    if graph.dtype(args[0]).is_unsigned_int() {
        return Some(args[0]);
    }
    match graph.expr(args[0]) {
        Expr::Apply(Op::Abs, _) => Some(args[0]),
        Expr::Apply(Op::Neg, [x, ..]) => Some(graph.apply(Op::Abs, &[x])),
        _ => None,
    }
}

fn bits(graph: &mut Graph, op: Op, args: &[ExprId]) -> Option<ExprId> {
    let [x, y] = *args else { return None };
    let dtype = graph.dtype(x);
    let ones = match dtype {
        DType::Bool => 1,
        _ => Scalar::from_bits(dtype, u64::MAX).bits(),
    };
    match op {
        Op::And | Op::Or if x == y => Some(x),
        Op::Xor if x == y => Some(graph.constant(Scalar::from_bits(dtype, 0))),
        Op::And if is_bits(graph, y, 0) => Some(y),
        Op::And if is_bits(graph, y, ones) => Some(x),
        Op::Or if is_bits(graph, y, 0) => Some(x),
        Op::Or if is_bits(graph, y, ones) => Some(y),
        Op::Xor if is_bits(graph, y, 0) => Some(x),
        Op::Xor if is_bits(graph, y, ones) => Some(graph.apply(Op::Not, &[x])),
        _ => None,
    }
}

pub(super) fn choice(graph: &mut Graph, args: &[ExprId]) -> Option<ExprId> {
    let [condition, x, y] = *args else { return None };
    if x == y {
        return Some(x);
    }
    if let Some(value) = graph.as_const(condition) {
        return Some(if value.bits() != 0 { x } else { y });
    }
    match graph.expr(condition) {
        Expr::Apply(Op::Not, [inverted, ..]) => Some(graph.apply(Op::Select, &[inverted, y, x])),
        _ if graph.dtype(x) == DType::Bool && is_bits(graph, x, 1) => Some(graph.apply(Op::Or, &[condition, y])),
        _ if graph.dtype(x) == DType::Bool && is_bits(graph, y, 0) => Some(graph.apply(Op::And, &[condition, x])),
        _ => None,
    }
}

/// A first conversion that loses nothing can be skipped, if the second one keeps its meaning.
fn conversion(graph: &mut Graph, args: &[ExprId], to: DType) -> Option<ExprId> {
    // The conversion of a choice between constants is a choice between converted constants.
    if let Expr::Apply(Op::Select, [condition, x, y]) = graph.expr(args[0])
        && graph.as_const(x).is_some()
        && graph.as_const(y).is_some()
        && to != DType::Bool
    {
        let (x, y) = (graph.cast(x, to), graph.cast(y, to));
        return Some(graph.apply(Op::Select, &[condition, x, y]));
    }
    let Expr::Apply(Op::Cast, [x, ..]) = graph.expr(args[0]) else { return None };
    let (from, through) = (graph.dtype(x), graph.dtype(args[0]));
    // A conversion from int to float and on to int saturates, where one from int to int wraps.
    let keeps_meaning = through.is_float() == from.is_float() || to.is_float() || to == DType::Bool;
    (is_lossless(from, through) && keeps_meaning).then(|| graph.cast(x, to))
}

fn power(graph: &mut Graph, args: &[ExprId]) -> Option<ExprId> {
    let [x, y] = *args else { return None };
    let dtype = graph.dtype(x);
    if !dtype.is_float() {
        return integer_power(graph, x, y);
    }
    let exponent = as_float(graph, y)?;
    // The square and the inverse are rounded once, which is the best that a power can be. x**0.5 is
    // the square root, as in NumPy; C's pow differs for -0.0 and -inf. The third and fourth powers
    // carry the rounding error along and stay within 1 ULP, which plain products do not.
    Some(match exponent {
        0.0 => graph.int_constant(dtype, 1),
        1.0 => x,
        2.0 => graph.apply(Op::Mul, &[x, x]),
        3.0 => graph.apply(Op::Math(MathFn::Cube), &[x]),
        4.0 => graph.apply(Op::Math(MathFn::Quart), &[x]),
        0.5 => graph.apply(Op::Sqrt, &[x]),
        -1.0 => {
            let one = graph.int_constant(dtype, 1);
            graph.apply(Op::Div, &[one, x])
        }
        _ => return None,
    })
}

/// The order of products that wrap does not matter.
fn integer_power(graph: &mut Graph, x: ExprId, y: ExprId) -> Option<ExprId> {
    // Beyond this exponent, the products cost more than the runtime's loop for powers.
    const MAX_EXPONENT: u64 = 64;
    let exponent = graph.as_const(y)?.bits();
    if exponent == 0 {
        return Some(graph.int_constant(graph.dtype(x), 1));
    }
    if exponent > MAX_EXPONENT {
        return None;
    }
    let mut result: Option<ExprId> = None;
    let mut square = x;
    let mut rest = exponent;
    loop {
        if rest & 1 == 1 {
            result = Some(match result {
                None => square,
                Some(so_far) => graph.apply(Op::Mul, &[so_far, square]),
            });
        }
        rest >>= 1;
        if rest == 0 {
            return result;
        }
        square = graph.apply(Op::Mul, &[square, square]);
    }
}

/// An integer division by a power of 2 rounds down, as a shift does. Its remainder is never
/// negative, and neither is the result of a mask. A division by 0 gives 0.
fn division(graph: &mut Graph, op: Op, args: &[ExprId]) -> Option<ExprId> {
    let [x, y] = *args else { return None };
    let dtype = graph.dtype(x);
    if !dtype.is_int() {
        return None;
    }
    if is_bits(graph, y, 0) {
        return Some(y);
    }
    let shift = as_power_of_two(graph, y)?;
    if op == Op::Math(MathFn::Remainder) {
        let mask = graph.constant(Scalar::from_bits(dtype, (1 << shift) - 1));
        return Some(graph.apply(Op::And, &[x, mask]));
    }
    if shift == 0 {
        return Some(x);
    }
    let count = graph.int_constant(dtype, i64::from(shift));
    Some(graph.apply(Op::Shr, &[x, count]))
}

/// Rewrites of floats that round differently, tried after those that do not: reciprocals, and
/// constants brought together.
fn fast(graph: &mut Graph, op: Op, args: &[ExprId]) -> Option<ExprId> {
    match op {
        Op::Div => {
            as_float(graph, args[1])?;
            let one = graph.int_constant(graph.dtype(args[0]), 1);
            let inverse = graph.apply(Op::Div, &[one, args[1]]);
            // The inverse of a subnormal is infinite, and an inverse that is subnormal has lost
            // digits.
            let inverse_value = graph.as_const(inverse)?;
            let is_normal = match inverse_value.get::<f32>() {
                Some(value) => value.is_normal(),
                None => inverse_value.get::<f64>()?.is_normal(),
            };
            is_normal.then(|| graph.apply(Op::Mul, &[args[0], inverse]))
        }
        Op::Add | Op::Mul => merge_constants(graph, op, args),
        _ => None,
    }
}

/// A whole power as plain products, each of which is rounded by itself.
fn fast_power(graph: &mut Graph, args: &[ExprId]) -> Option<ExprId> {
    let exponent = as_float(graph, args[1])?;
    let n = exponent.abs();
    if !(3.0..=64.0).contains(&n) || n.fract() != 0.0 {
        return None;
    }
    let count = graph.constant(Scalar::new(n as i64));
    let power = integer_power(graph, args[0], count)?;
    if exponent > 0.0 {
        return Some(power);
    }
    let one = graph.int_constant(graph.dtype(args[0]), 1);
    Some(graph.apply(Op::Div, &[one, power]))
}
