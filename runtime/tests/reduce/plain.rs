//! Reductions as plain loops: what a result must be.
//!
//! In: an operation and its elements. Out: the exact bits, or for the sums of deviations a check up
//! to rounding. Always true: of the code under test, only the dtypes of results and the sizes of
//! leaves are used.

use crate::support::{float, int, of_float};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::reduce::{LANES, LEAF, ReduceOp};

/// Floats in the order that the documentation promises, over a whole axis.
pub(crate) fn in_order(x: &[f64], identity: f64, op: fn(f64, f64) -> f64) -> f64 {
    if x.len() > LEAF {
        let leaves = x.len().div_ceil(LEAF);
        let (left, right) = x.split_at(LEAF * leaves.next_power_of_two() / 2);
        return op(in_order(left, identity, op), in_order(right, identity, op));
    }
    let mut lanes = [identity; LANES];
    for (i, &x) in x.iter().enumerate() {
        lanes[i % LANES] = op(lanes[i % LANES], x);
    }
    for half in [16, 8, 4, 2, 1] {
        for j in 0..half {
            lanes[j] = op(lanes[j], lanes[j + half]);
        }
    }
    lanes[0]
}

/// Whether the first is before the second: NaN first, then the least.
fn is_before(op: ReduceOp, a: Scalar, b: Scalar) -> bool {
    let is_min = matches!(op, ReduceOp::ArgMin | ReduceOp::Min | ReduceOp::NanMin);
    if !a.dtype().is_float() {
        return if is_min { int(a) < int(b) } else { int(a) > int(b) };
    }
    let (a, b) = (float(a), float(b));
    match (a.is_nan(), b.is_nan()) {
        (false, false) if is_min => a < b,
        (false, false) => a > b,
        (a, b) => a && !b,
    }
}

/// What the result must be, but for the sums of deviations; sums and products of floats are made by
/// `fold`.
pub(crate) fn expected(op: ReduceOp, x: &[Scalar], fold: impl Fn(&[f64], f64, fn(f64, f64) -> f64) -> f64) -> Scalar {
    let dtype = x[0].dtype();
    let wide = op.result_dtype(dtype).unwrap();
    let floats = || x.iter().copied().map(float).collect::<Vec<f64>>();
    match op {
        ReduceOp::Sum if dtype.is_float() => of_float(dtype, fold(&floats(), 0.0, |a, b| a + b)),
        ReduceOp::Prod if dtype.is_float() => of_float(dtype, fold(&floats(), 1.0, |a, b| a * b)),
        ReduceOp::Sum => Scalar::from_bits(wide, x.iter().map(|&x| int(x)).sum::<i128>() as u64),
        ReduceOp::Prod => Scalar::from_bits(wide, x.iter().map(|&x| int(x) as u64).fold(1, |a, b| a.wrapping_mul(b))),
        ReduceOp::Any => Scalar::new(x.iter().any(|x| x.bits() != 0)),
        ReduceOp::All => Scalar::new(x.iter().all(|x| x.bits() != 0)),
        ReduceOp::ArgMin | ReduceOp::ArgMax => {
            let best = (1..x.len()).fold(0, |best, i| if is_before(op, x[i], x[best]) { i } else { best });
            Scalar::new(best as i64)
        }
        _ if !dtype.is_float() => *x.iter().reduce(|best, x| if is_before(op, *x, *best) { x } else { best }).unwrap(),
        _ => {
            let (mut floats, n) = (floats(), x.len());
            floats.retain(|x| !x.is_nan());
            let is_nan = floats.is_empty() || (floats.len() < n && matches!(op, ReduceOp::Min | ReduceOp::Max));
            floats.sort_by(f64::total_cmp);
            let best = if matches!(op, ReduceOp::Min | ReduceOp::NanMin) { floats.first() } else { floats.last() };
            of_float(dtype, if is_nan { f64::NAN } else { *best.unwrap() })
        }
    }
}

/// Asserts that the sum of squared deviations is right up to rounding.
pub(crate) fn assert_deviations(op: ReduceOp, x: &[Scalar], actual: Scalar) {
    let mut x: Vec<f64> = x.iter().copied().map(float).collect();
    if op == ReduceOp::NanDeviations {
        x.retain(|x| !x.is_nan());
    }
    let actual = actual.get::<f64>().unwrap();
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let expected: f64 = x.iter().map(|x| (x - mean) * (x - mean)).sum();
    let is_right = (actual - expected).abs() <= 1e-13 * expected || actual.is_nan() && expected.is_nan();
    assert!(is_right, "{op:?} of {} elements: {actual}, not {expected}", x.len());
}
