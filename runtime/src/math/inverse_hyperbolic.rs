//! Inverse hyperbolic functions, in double-double arithmetic where FreeBSD's exceed 1 ULP.

use super::scalar_double::{Double, ln, ln_1p};

/// Below it, an odd function of derivative 1 at 0 is its argument within 2^-57 of its value.
const TINY: f64 = 1.0 / (1 << 28) as f64;

/// From here, `x*x + 1` is `x*x`, in the logarithms.
const LARGE: f64 = (1 << 28) as f64;

/// `ln(x + sqrt(x^2 + 1))`.
pub(super) fn asinh(x: f64) -> f64 {
    let x_abs = x.abs();
    if x_abs < TINY || !x.is_finite() {
        return x;
    }
    if x_abs > LARGE {
        return ln(x_abs).add(Double::LN_2).round().copysign(x);
    }
    // 1 + v = x + sqrt(x^2 + 1), without the cancellation: v = x + x^2 / (1 + sqrt(x^2 + 1))
    let square = Double::product(x_abs, x_abs);
    let one = Double::new(1.0);
    let v = Double::new(x_abs).add(square.div(one.add(one.add(square).sqrt())));
    ln_1p(v).round().copysign(x)
}

/// `ln(x + sqrt(x^2 - 1))`; NaN below 1.
pub(super) fn acosh(x: f64) -> f64 {
    if x.is_nan() || x < 1.0 {
        return if x.is_nan() { x } else { f64::NAN };
    }
    if x == 1.0 {
        return 0.0;
    }
    if x > LARGE {
        return if x.is_finite() { ln(x).add(Double::LN_2).round() } else { x };
    }
    // 1 + v = x + sqrt(x^2 - 1): v = t + sqrt(t (t + 2)), t = x - 1
    let t = Double::sum(x, -1.0);
    let v = t.add(t.mul(Double::sum(x, 1.0)).sqrt());
    ln_1p(v).round()
}

/// `ln((1 + x) / (1 - x)) / 2`; NaN beyond 1.
pub(super) fn atanh(x: f64) -> f64 {
    let x_abs = x.abs();
    if x_abs < TINY || x.is_nan() {
        return x;
    }
    if x_abs >= 1.0 {
        return if x_abs == 1.0 { f64::INFINITY.copysign(x) } else { f64::NAN };
    }
    let v = Double::new(2.0 * x_abs).div(Double::sum(1.0, -x_abs));
    (0.5 * ln_1p(v).round()).copysign(x)
}
