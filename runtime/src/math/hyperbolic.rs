//! Hyperbolic functions, in double-double arithmetic where FreeBSD's exceed 1 ULP.

use super::scalar_double::{Double, exp_m1, exp_m1_reduced, horner, reduce_by_ln_2, scale_by};

/// Below it, an odd function of derivative 1 at 0 is its argument within 2^-57 of its value.
const TINY: f64 = 1.0 / (1 << 28) as f64;

/// `(e^x - e^-x) / 2`.
pub(super) fn sinh(x: f64) -> f64 {
    /// `1/3!, 1/5!, ...`
    const SERIES: [f64; 6] =
        [1.0 / 6.0, 1.0 / 120.0, 1.0 / 5040.0, 1.0 / 362_880.0, 1.0 / 39_916_800.0, 1.0 / 6_227_020_800.0];
    let x_abs = x.abs();
    if x_abs < TINY || x.is_nan() {
        return x;
    }
    if x_abs < 0.3 {
        let square = x * x;
        return x + x * square * horner(square, &SERIES);
    }
    half_sum_of_exponentials(x_abs, -1.0).copysign(x)
}

/// `(e^x + e^-x) / 2`.
pub(super) fn cosh(x: f64) -> f64 {
    if x.is_nan() { x } else { half_sum_of_exponentials(x.abs(), 1.0) }
}

/// `(e^x + sign e^-x) / 2` for `x >= 0`; with sign -1, for `x >= 0.3`.
fn half_sum_of_exponentials(x: f64, sign: f64) -> f64 {
    if x >= 711.0 {
        return f64::INFINITY;
    }
    let (exponent, r) = reduce_by_ln_2(Double::new(x));
    let one = Double::new(1.0);
    let up = one.add(exp_m1_reduced(r));
    // Divided by 2^exponent, and e^-x is too small to matter from 2^-63 on.
    let sum = if exponent > 32 {
        up
    } else {
        let down = one.add(exp_m1_reduced(r.neg()));
        up.add(down.scale(sign * scale_by(1.0, -2 * exponent)))
    };
    scale_by(sum.round(), exponent - 1)
}

/// `(e^2x - 1) / (e^2x + 1)`.
pub(super) fn tanh(x: f64) -> f64 {
    let x_abs = x.abs();
    if x_abs < TINY || x.is_nan() {
        return x;
    }
    if x_abs > 20.0 {
        return 1.0f64.copysign(x);
    }
    let e = exp_m1(Double::new(2.0 * x_abs));
    e.div(e.add(Double::new(2.0))).round().copysign(x)
}
