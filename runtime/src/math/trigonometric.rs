//! Sine, cosine, tangent and their inverses. `libm`'s (FreeBSD's, with Payne and Hanek's reduction of large
//! arguments), all below 1 ULP, but for `atan2`.

use super::scalar_double::{Double, fma, horner, power_of_two};

pub(super) use libm::{acos, asin, atan, cos, sin, tan};

/// `atan(k/8)`, rounded and what the rounding lost; made by tests/data/math/make_constants.py.
const ATAN_EIGHTHS: [Double; 9] = [
    Double { hi: 0.0, lo: 0.0 },
    Double { hi: 0.12435499454676144, lo: -3.1253241424539383e-18 },
    Double { hi: 0.24497866312686414, lo: 1.0698755618734451e-17 },
    Double { hi: 0.35877067027057225, lo: -2.4623815582638635e-17 },
    Double { hi: 0.4636476090008061, lo: 2.2698777452961687e-17 },
    Double { hi: 0.5585993153435624, lo: -5.4556305485916264e-18 },
    Double { hi: 0.6435011087932844, lo: 1.5834785051444286e-17 },
    Double { hi: 0.7188299996216245, lo: -2.1478388444456983e-17 },
    Double { hi: std::f64::consts::FRAC_PI_4, lo: 3.061616997868383e-17 },
];

/// The angle of the point `(x, y)`, from -pi to pi.
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    let (x_exponent, y_exponent) = (exponent(x), exponent(y));
    let is_extreme = x == 0.0 || y == 0.0 || !x.is_finite() || !y.is_finite();
    if is_extreme || (x_exponent - y_exponent).abs() > 65 {
        // Special values, and quotients so large or small that one term gives the nearest double.
        return libm::atan2(y, x);
    }
    let (x_abs, y_abs) = (scaled(x.abs(), x_exponent), scaled(y.abs(), x_exponent));
    let is_steep = y_abs > x_abs;
    let (small, large) = if is_steep { (x_abs, y_abs) } else { (y_abs, x_abs) };
    let mut angle = atan_of_quotient(small, large);
    if is_steep {
        angle = Double::FRAC_PI_2.sub(angle);
    }
    if x < 0.0 {
        angle = Double::PI.sub(angle);
    }
    angle.round().copysign(y)
}

/// The exponent field; that of subnormals is 0.
fn exponent(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32
}

/// `x * 2^(1023 - exponent_field)`, exactly: both coordinates come near 1, so that no product under- or overflows.
fn scaled(x: f64, exponent_field: i32) -> f64 {
    // Two steps: 2^1023 and 2^-1023 are beyond what one normal factor can be.
    let shift = 1023 - exponent_field;
    let half = shift / 2;
    x * power_of_two(half) * power_of_two(shift - half)
}

/// `atan(y / x)` for `0 < y <= x`: with `c = k/8` near the quotient, `atan(c) + atan((y - c x) / (x + c y))`.
fn atan_of_quotient(y: f64, x: f64) -> Double {
    /// `-1/3, 1/5, ...`
    const SERIES: [f64; 7] = [-1.0 / 3.0, 1.0 / 5.0, -1.0 / 7.0, 1.0 / 9.0, -1.0 / 11.0, 1.0 / 13.0, -1.0 / 15.0];
    // At most 8, for `y <= x`; the bound is for the index alone.
    let k = ((8.0 * y / x).round_ties_even() as usize).min(8);
    let c = k as f64 / 8.0;
    let (down, up) = (Double::product(c, x), Double::product(c, y));
    let numerator = Double::sum(y, -down.hi);
    let numerator = Double::fast_sum(numerator.hi, numerator.lo - down.lo);
    let denominator = Double::fast_sum(x, up.hi);
    let denominator = Double::fast_sum(denominator.hi, denominator.lo + up.lo);
    let z = numerator.div(denominator);
    let square = z.hi * z.hi;
    let tail = z.hi * square * horner(square, &SERIES);
    let table = ATAN_EIGHTHS[k];
    let head = Double::fast_sum(table.hi, z.hi);
    Double::fast_sum(head.hi, head.lo + (fma(-square, z.lo, z.lo) + tail + table.lo))
}
