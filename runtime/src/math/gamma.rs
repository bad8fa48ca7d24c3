//! The gamma function and its logarithm.
//!
//! For `y >= 0`, with `b = y + a` and `w = 1/b`,
//!
//! ```text
//! gamma(1 + y) = b^(y + 1/2) exp(-b) t(w),
//! ```
//!
//! where `t` is between 2.47 and 2.51. The shift `a` is chosen such that Stirling's formula, in
//! which `t` is constant, nearly holds from 0 on (the idea of Lanczos, "A precision approximation
//! of the gamma function", SIAM J. Numer. Anal. B 1, 1964). `t` is looked up in the same way as the
//! functions of erf.rs, and the exponent `(y + 1/2) ln b - b` is computed in two floats. With
//! `y = |x|`, the result is then found by
//!
//! ```text
//! gamma(x) = gamma(1 + x) / x,   gamma(-y) = -1 / (gamma(1 + y) sin(pi y)/pi).
//! ```
//!
//! `lgamma` is computed without an exponential. From `z = 8` on, it is Stirling's series. Below, it
//! is `u (u - 1) r(u)` with `u = z - 1` and a smooth `r` that is looked up; the two factors are
//! there because `z = 1` and `z = 2` are zeros. Left of 1/2, it is computed by the same
//! reflections, as a difference of two logarithms in two floats. At the zeros between the poles the
//! two logarithms cancel, and an error of up to 2^-53 is left. In ULP this may be any number, but
//! it does not show in `f32` results.

use super::double::Double;
use super::erf::{look_up, look_up_double};
use super::exp::{Exp, Parameters, divide};
use super::gamma_tables::{
    HALF_LN_TAU_LESS_1, LN_RATIO, LN_RATIO_F32, RATIO, RATIO_F32, SINC, SINC_F32, SINC_FIRST, STIRLING, STIRLING_F32,
};
use super::log_double::{log_double, log_double_of_subnormal};
use super::log_f32::log2_short;
use super::polynomial::{even_odd, horner};
use super::pow::exp2_short;
use crate::arch::vector::{Bits, F32s, F64s, Mask, Vector};

/// The shift `a`, a number of seven bits.
const SHIFT: f64 = 101.0 / 128.0;

/// The gamma function.
#[inline(always)]
pub(super) fn tgamma<V: F64s>(x: V) -> V {
    // From 171.7 on the result is infinite; below -184.1 it is a zero of either sign. With the
    // arguments in this order, a NaN stays a NaN.
    let y = x.splat(190.0).min(x.abs());
    let base = Double::sum(y, x.splat(SHIFT));
    let inverse = x.splat(1.0) / base.high;
    let log = log_double(base.high);
    let log_low = base.low.mul_add(inverse, log.low);
    // y + 1/2; the first difference is exact.
    let power = Double { high: base.high - x.splat(SHIFT - 0.5), low: base.low };
    let product = Double::product(power.high, log.high);
    let low = power.high.mul_add(log_low, power.low.mul_add(log.high, product.low));
    let exponent = Double::sum(product.high, -base.high);
    let exp = Exp::of_double(Double { high: exponent.high, low: exponent.low + (low - base.low) });
    let [ratio, rest] = look_up(&RATIO, inverse.mul_add(x.splat(12.2), x.splat(f64::TO_INT)).to_bits(), inverse);
    let power = exp.power_double();
    let next = Double::product(power.high, ratio);
    // gamma(1 + y) / 2^k.
    let next = Double::fast_sum(next.high, next.low + power.high.mul_add(rest, power.low * ratio));

    let is_left = x.lt(x.splat(0.0));
    let value = if is_left.any() {
        let sine = sine_over_pi(x.abs());
        let one = Double::splat(x, [-1.0, 0.0]);
        let divisor = next.mul(sine);
        let dividend =
            Double { high: V::select(is_left, one.high, next.high), low: V::select(is_left, one.low, next.low) };
        let divisor =
            Double { high: V::select(is_left, divisor.high, y), low: V::select(is_left, divisor.low, x.splat(0.0)) };
        divide(dividend, divisor).scale(V::select(is_left, -exp.k, exp.k))
    } else {
        divide(next, Double { high: y, low: x.splat(0.0) }).scale(exp.k)
    };
    let rare = y.lt(x.splat(1e-17));
    if rare.any() { V::select(rare, x.splat(1.0) / x, value) } else { value }
}

/// `sin(pi y) / pi` for `y >= 0`, in two floats; 0 where `y` is whole.
#[inline(always)]
fn sine_over_pi<V: F64s>(y: V) -> Double<V> {
    let whole = y.round();
    let part = (y - whole).xor_sign(odd_sign(whole));
    let square = Double::product(part, part);
    let rest = square.high * even_odd(square.high, square.high * square.high, &SINC);
    let first = Double::fast_sum(y.splat(SINC_FIRST[0]), rest);
    let product = square.mul(Double { high: first.high, low: first.low + y.splat(SINC_FIRST[1]) });
    let quotient = Double::fast_sum(y.splat(1.0), product.high);
    Double { high: quotient.high, low: quotient.low + product.low }.mul_one(part)
}

/// The sign bit alone: -0.0 where the whole number is odd, 0.0 elsewhere.
#[inline(always)]
fn odd_sign<V: Vector>(whole: V) -> V
where
    V::Elem: Parameters,
{
    let half = whole * whole.splat(V::Elem::HALF);
    V::select(half.round().eq(half), whole.splat(V::Elem::ZERO), -whole.splat(V::Elem::ZERO))
}

/// The gamma function of `f32`, computed in `f64`.
#[inline(always)]
pub(super) fn tgamma_f32<V: F32s>(x: V) -> V {
    let [low, high] = x.widen();
    V::narrow([tgamma_short(low), tgamma_short(high)])
}

/// The gamma function of an `f32`, with an error of one part in 2^28.
#[inline(always)]
fn tgamma_short<V: F64s>(x: V) -> V {
    let y = x.splat(50.0).min(x.abs());
    let base = y + x.splat(SHIFT);
    let inverse = x.splat(1.0) / base;
    let exponent = (y + x.splat(0.5)).mul_sub(log2_short(base), base * x.splat(std::f64::consts::LOG2_E));
    let next = exp2_short(exponent) * horner(inverse, &RATIO_F32);
    let is_left = x.lt(x.splat(0.0));
    if is_left.any() {
        let whole = x.abs().round();
        let part = (x.abs() - whole).xor_sign(odd_sign(whole));
        let square = part * part;
        let sine = part * square.mul_add(horner(square, &SINC_F32), x.splat(1.0));
        // Poles are only at negative whole numbers. At zeros, the quotient is infinite.
        let pole = is_left & part.eq(x.splat(0.0));
        let dividend = V::select(is_left, x.splat(-1.0), next);
        let quotient = dividend / V::select(is_left, next * sine, y.copysign(x));
        V::select(pole, x.splat(f64::NAN), quotient)
    } else {
        next / y.copysign(x)
    }
}

/// `ln |gamma(x)|`. Its error is less than 0.8 ULP, except left of -2 where the result is below
/// 1/2: there it is less than 2^-53.
#[inline(always)]
pub(super) fn lgamma<V: F64s>(x: V) -> V {
    let zero = x.splat(0.0);
    let y = x.abs();
    let is_small = y.lt(x.splat(0.5));
    let one = x.splat(1.0);
    let (z, u) = (V::select(is_small, y + one, y), V::select(is_small, y, y - one));
    let less = u - one;
    let product = Double::product(u, less);
    let product = Double { high: product.high, low: u.mul_add(u - (less + one), product.low) };
    let near = product.mul(look_up_double::<_, _, true>(&LN_RATIO, z.to_bits().shr(50), u));
    let is_far = z.ge(x.splat(8.0));
    let right = if is_far.any() {
        let far = stirling(z);
        Double { high: V::select(is_far, far.high, near.high), low: V::select(is_far, far.low, near.low) }
    } else {
        near
    };
    let is_reflected = x.lt(x.splat(0.5));
    let value = if is_reflected.any() {
        let is_left = x.lt(zero);
        // |sin(pi y)|/pi, which is multiplied by y where `u` is y - 1.
        let sine = sine_over_pi(y);
        let sine = Double { high: sine.high.abs(), low: sine.low.xor_sign(sine.high) };
        let factor = V::select(is_small, one, y);
        let head = Double::product(sine.high, factor);
        let factor = Double {
            high: V::select(is_left, head.high, y),
            low: V::select(is_left, sine.low.mul_add(factor, head.low), zero),
        };
        let log = log_double(factor.high);
        let is_subnormal = factor.high.lt(x.splat(f64::MIN_POSITIVE));
        let log = if is_subnormal.any() {
            let other = log_double_of_subnormal(factor.high);
            Double {
                high: V::select(is_subnormal, other.high, log.high),
                low: V::select(is_subnormal, other.low, log.low),
            }
        } else {
            log
        };
        let log_low = log.low + factor.low / factor.high;
        let right_high = V::select(is_left, -right.high, right.high);
        let right_low = V::select(is_left, -right.low, right.low);
        let sum = Double::sum(right_high, -log.high);
        let left = sum.high + (sum.low + (right_low - log_low));
        let left = V::select(factor.high.eq(zero), x.splat(f64::INFINITY), left);
        V::select(is_reflected, left, right.round())
    } else {
        right.round()
    };
    // For larger numbers, where the first product in `stirling` is infinite, its second part has no
    // meaning.
    let rare = !y.lt(x.splat(1e300));
    if rare.any() {
        let scale = x.splat(f64::from_bits((1023 - 64) << 52));
        let scaled = y * scale;
        let log = log_double(y);
        let product = Double::product(scaled, log.high - one);
        let far = (product.high + scaled.mul_add(log.low, product.low)) / scale;
        let far = V::select(y.lt(x.splat(f64::INFINITY)), far, y);
        // A negative number of this size is whole, so it is a pole.
        V::select(rare, V::select(x.lt(zero), y + x.splat(f64::INFINITY), far), value)
    } else {
        value
    }
}

/// `ln gamma(z)` for `z` from 8 to 1e300.
#[inline(always)]
fn stirling<V: F64s>(z: V) -> Double<V> {
    let log = log_double(z);
    let power = z - z.splat(0.5);
    let product = Double::product(power, log.high - z.splat(1.0));
    let inverse = z.splat(1.0) / z;
    let square = inverse * inverse;
    let series = even_odd(square, square * square, &STIRLING);
    let head = Double::fast_sum(product.high, z.splat(HALF_LN_TAU_LESS_1[0]));
    // The rounding error of `power`: the part of the 1/2 that a large number loses.
    let power_low = (z - power) - z.splat(0.5);
    let low = power_low.mul_add(log.high, product.low) + (head.low + z.splat(HALF_LN_TAU_LESS_1[1]));
    Double { high: head.high, low: power.mul_add(log.low, low) + inverse * series }
}

/// `ln |gamma(x)|` of `f32`, computed in `f64`.
#[inline(always)]
pub(super) fn lgamma_f32<V: F32s>(x: V) -> V {
    let [low, high] = x.widen();
    let value = V::narrow([lgamma_short(low), lgamma_short(high)]);
    let is_reflected = !x.ge(x.splat(0.5));
    if is_reflected.any() { V::select(is_reflected, V::narrow([lgamma(low), lgamma(high)]), value) } else { value }
}

/// `ln gamma(x)` for an `f32` of 1/2 or more, with an error of one part in 2^28.
#[inline(always)]
fn lgamma_short<V: F64s>(x: V) -> V {
    let one = x.splat(1.0);
    let u = x - one;
    let [ratio, rest] = look_up(&LN_RATIO_F32, x.to_bits().shr(50), u);
    // The addition of 0.0 makes zeros positive.
    let near = (u * (u - one)).mul_add(ratio + rest, x.splat(0.0));
    let is_far = x.ge(x.splat(8.0));
    if is_far.any() {
        let inverse = one / x;
        let square = inverse * inverse;
        let rest = inverse.mul_add(horner(square, &STIRLING_F32), x.splat(HALF_LN_TAU_LESS_1[0]));
        let log = log2_short(x).mul_sub(x.splat(std::f64::consts::LN_2), one);
        V::select(is_far, (x - x.splat(0.5)).mul_add(log, rest), near)
    } else {
        near
    }
}
