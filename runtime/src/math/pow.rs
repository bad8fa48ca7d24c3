//! Powers of floats: `x^y = exp(y ln |x|)`, in two floats up to the last sum.
//!
//! The logarithm is off by one part in 2^66, of which at most 745 are raised: by 2^-57 of the result.

use super::double::Double;
use super::exp::Exp;
use super::log::is_extraordinary;
use super::log_double::{log_double, log_double_of_subnormal};
use super::log_f32::log2_short;
use super::polynomial::horner;
use crate::arch::vector::{Bits, F32s, F64s, Float, Mask, Vector};

/// x^y.
#[inline(always)]
pub(super) fn pow<V: F64s>(x: V, y: V) -> V {
    let x_abs = x.abs();
    let exponent = log_double(x_abs).mul_one(y);
    let parts = Exp::of_double(exponent);
    let power = parts.power_double().round();
    let near = V::from_bits(power.to_bits() + parts.k_bits.shl(52));
    let far = is_extraordinary(x_abs) | !exponent.high.abs().le(V::splat(708.0));
    let negative = x.to_bits().lt_signed(V::Bits::splat(0));
    if (far | negative).any() {
        let near = if far.any() { V::select(far, pow_far(x_abs, y), near) } else { near };
        signed_and_special(x, y, near, V::splat(0.0), V::splat(f64::INFINITY), V::splat(0.5))
    } else {
        near
    }
}

/// x^y for positive, finite `x`, where the result or `x` may be subnormal or the result overflow.
#[inline(always)]
fn pow_far<V: F64s>(x: V, y: V) -> V {
    let is_subnormal = x.lt(V::splat(f64::MIN_POSITIVE));
    let log = log_double(x);
    let log_subnormal = log_double_of_subnormal(x);
    let log = Double {
        high: V::select(is_subnormal, log_subnormal.high, log.high),
        low: V::select(is_subnormal, log_subnormal.low, log.low),
    };
    let exponent = log.mul_one(y);
    // Overflow would make it NaN.
    let limited = (log.high * y).max(V::splat(-760.0)).min(V::splat(760.0));
    let is_near = exponent.high.abs().lt(V::splat(760.0));
    let high = V::select(is_near, exponent.high, limited);
    let low = V::select(is_near, exponent.low, V::splat(0.0));
    let parts = Exp::of_double(Double { high, low });
    let (power, k) = (parts.power_double(), parts.k);
    let result = power.round().scale(k);
    // Where it is subnormal it was rounded twice. Added to a number whose last place is that of the subnormal numbers,
    // divided by 2^k, the sum is rounded once.
    let bias = V::splat(1.0).scale(V::splat(-1022.0) - k);
    let sum = Double::fast_sum(bias, power.high);
    let subnormal = ((sum.high + (sum.low + power.low)) - bias).scale(k);
    V::select(result.lt(V::splat(f64::MIN_POSITIVE)), subnormal, result)
}

/// From `|x|^y`, good for finite `x` and `y` but `x = 0`: `x^y`, by Annex F.
#[inline(always)]
fn signed_and_special<V: Vector>(x: V, y: V, power: V, zero: V, infinity: V, half: V) -> V {
    let one = V::splat(V::Elem::ONE);
    let x_abs = x.abs();
    let y_infinite = y.abs().eq(infinity);
    let extreme = x_abs.eq(zero) | x_abs.eq(infinity) | y_infinite;
    let (is_large, is_up) = (x_abs.gt(one), y.gt(zero));
    let grows = (is_large & is_up) | !(is_large | is_up);
    let power = V::select(extreme, V::select(grows, infinity, zero), power);
    let power = V::select(x_abs.eq(one), one, power);
    // Of negative numbers, that is with the sign bit set: whole powers only, odd ones negative.
    let is_whole = y.round().eq(y);
    let is_odd = is_whole & !(y * half).round().eq(y * half);
    let power = V::select(is_odd, power.xor_sign(x), power);
    let power = V::select(x.lt(zero) & !is_whole & !extreme, zero / zero, power);
    let power = V::select(x.is_nan() | y.is_nan(), x + y, power);
    V::select(y.eq(zero) | x.eq(one), one, power)
}

/// Added to a number of magnitude below 2^51, leaves the nearest whole one in the low bits.
const TO_INT: f64 = 6755399441055744.0;

/// 2^r for `|r| <= 1/2`, by sollya/log.sollya. Off by 2^-28.
const EXP2_SHORT: [f64; 7] = [
    1.0,
    0.6931472067096455,
    0.24022651246028676,
    0.05550327215768057,
    0.009618015238231588,
    0.0013400431666684793,
    0.00015473285053275486,
];

/// x^y, by way of `f64`.
#[inline(always)]
pub(super) fn pow_f32<V: F32s>(x: V, y: V) -> V {
    let x_abs = x.abs();
    let ([x_a, x_b], [y_a, y_b]) = (x_abs.widen(), y.widen());
    let near = V::narrow([pow_short(x_a, y_a), pow_short(x_b, y_b)]);
    let ordinary = x.gt(V::splat(0.0)) & x.lt(V::splat(f32::INFINITY)) & y.abs().lt(V::splat(f32::INFINITY));
    if (!ordinary).any() {
        signed_and_special(x, y, near, V::splat(0.0), V::splat(f32::INFINITY), V::splat(0.5))
    } else {
        near
    }
}

/// x^y for positive `x`, off by 2^-28, if it is a normal `f32`; else below or above these.
#[inline(always)]
fn pow_short<V: F64s>(x: V, y: V) -> V {
    let exponent = (log2_short(x) * y).max(V::splat(-200.0)).min(V::splat(200.0));
    let shifted = exponent + V::splat(TO_INT);
    let r = exponent - (shifted - V::splat(TO_INT));
    V::from_bits(horner(r, &EXP2_SHORT).to_bits() + shifted.to_bits().shl(52))
}
