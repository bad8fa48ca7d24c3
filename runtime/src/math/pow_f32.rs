//! Powers of `f32`: `x^y = 2^(y log2 |x|)`, in two floats up to the last sum.
//!
//! `|x| = 2^k m` with `m` from 0.719 to 1.437, and `c` is the one of eight short numbers that is
//! next to `m`. Then
//!
//! ```text
//! log2 |x| = k + log2 c + h + h^3 p(h^2),   h = 2 log2(e) (m - c)/(m + c)
//! ```
//!
//! with `h` in two floats. The error is about 2^-33, which becomes 2^-26 if the result is the
//! largest of all. The power is `2^(n/16) (1 + r p(r))` with `|r| <= 1/32`, as in pow.rs. What is
//! out of the ordinary is computed in `f64`.

use super::double::Double;
use super::log_f32::{FRACTION, HALF_STEP, LOWEST, ONE, ORDINARY, SIGN, log2_short};
use super::polynomial::{even_odd, horner};
use super::pow::{POWERS_LESS_IDX, TO_INT, signed_and_special};
use crate::arch::vector::{Bits, F32s, F64s, Mask};

/// The logarithm of `c`, less 127; the first parts, with 16 bits behind the point. They and all
/// tables that follow are made by sollya/pow.sollya.
const LOG2_HIGH: [f32; 8] =
    [-127.41504, -127.29956, -127.19264, -127.09311, -127.0, -126.83008, -126.67807, -126.54057];

/// The second parts of these logarithms.
const LOG2_LOW: [f32; 8] =
    [1.5632212e-6, 2.650161e-7, -2.8660284e-6, -2.735321e-7, 0.0, 3.1264424e-6, -1.8367533e-6, 4.7387543e-6];

/// `2 log2(e)` in two parts.
const TWO_LOG2_E: [f32; 2] = [2.88539, 3.851926e-8];

/// `p` with `log2(m/c) = h + h^3 p(h^2)`. Its error is 2^-35 of the logarithm.
const SERIES: [f32; 2] = [0.04003775, 0.0028870103];

/// `2^(idx/16)`.
const POWERS: [f32; 16] = [
    1.0,
    1.0442737,
    1.0905077,
    1.1387886,
    1.1892071,
    1.2418578,
    1.2968396,
    1.3542556,
    std::f32::consts::SQRT_2,
    1.4768262,
    1.5422108,
    1.6104903,
    1.6817929,
    1.7562522,
    1.8340081,
    1.9152066,
];

/// What each element of [`POWERS`] lacks, as a fraction of it.
const POWERS_LOW: [f32; 16] = [
    0.0,
    4.628547e-8,
    -1.19921575e-8,
    4.7297824e-8,
    3.193418e-8,
    3.6210572e-8,
    -3.099072e-8,
    -7.475213e-9,
    1.7114271e-8,
    -3.0476834e-8,
    5.233334e-9,
    6.1075918e-9,
    -1.4719605e-8,
    -5.258795e-9,
    -6.1282597e-9,
    5.1406093e-9,
];

/// The bits of [`POWERS`], less `idx` shifted left by 19 bits. Adding `n` shifted left by 19 bits
/// gives the bits of `2^(n/16)`.
const POWERS_LESS_IDX_F32: [f32; 16] = {
    let mut table = POWERS;
    let mut idx = 0;
    while idx < table.len() {
        table[idx] = f32::from_bits(table[idx].to_bits() - ((idx as u32) << 19));
        idx += 1;
    }
    table
};

/// `p` with `2^r = 1 + r p(r)` for `|r| <= 1/32`. Its error is 2^-28.
const EXP2: [f32; 3] = [std::f32::consts::LN_2, 0.24023356, 0.055502705];

/// Adding this to a number of magnitude below 2^18 rounds it to the nearest sixteenth, and leaves
/// the number of sixteenths in the low bits.
const TO_SIXTEENTHS: f32 = 786432.0;

/// log2(x) for normal, positive `x`. The second part is up to 2^-11 of the first.
#[inline(always)]
fn log2_double<V: F32s>(x: V) -> Double<V> {
    let shifted = x.to_bits() + x.splat_bits(ONE + HALF_STEP - LOWEST);
    let m = V::from_bits((shifted & x.splat_bits(FRACTION)) + x.splat_bits(LOWEST - HALF_STEP));
    let c = V::from_bits((shifted & x.splat_bits(7 << 20)) + x.splat_bits(LOWEST));
    // The first part of the dividend is a constant times `m - c`, which is exact. The exponent of
    // `c` is that of `m` or larger.
    let difference = m - c;
    let sum = Double::fast_sum(c, m);
    let Double { high: scale, low: scale_low } = Double::splat(x, TWO_LOG2_E);
    let dividend = difference * scale;
    let dividend_low = difference.mul_add(scale_low, difference.mul_sub(scale, dividend));
    let reciprocal = x.splat(1.0) / sum.high;
    let head = dividend * reciprocal;
    let rest = head.neg_mul_add(sum.high, dividend) + head.neg_mul_add(sum.low, dividend_low);

    let idx = shifted.shr(20);
    let whole = V::from_int(shifted.shr(23)) + V::lookup(&LOG2_HIGH, idx);
    let low = rest.mul_add(reciprocal, V::lookup(&LOG2_LOW, idx));
    let square = head * head;
    let low = (head * square).mul_add(horner(square, &SERIES), low);
    let sum = Double::fast_sum(whole, head);
    Double { high: sum.high, low: sum.low + low }
}

/// x^y.
#[inline(always)]
pub(super) fn pow_f32<V: F32s>(x: V, y: V) -> V {
    let x_abs = x.abs();
    let log = log2_double(x_abs);
    let exponent = Double::product(log.high, y);
    let low = log.low.mul_add(y, exponent.low);
    let shifted = (exponent.high + low) + x.splat(TO_SIXTEENTHS);
    let r = (exponent.high - (shifted - x.splat(TO_SIXTEENTHS))) + low;
    let n = shifted.to_bits();
    let power = V::from_bits(V::lookup(&POWERS_LESS_IDX_F32, n).to_bits() + n.shl(19));
    let rest = r.mul_add(horner(r, &EXP2), V::lookup(&POWERS_LOW, n));
    let near = power.mul_add(rest, power);

    // The numbers are compared as signed ones, which AVX2 can do. For this, the sign bits of both
    // are flipped.
    let above = x.to_bits() + x.splat_bits(SIGN - ORDINARY[0]);
    let rare = x.splat_bits((ORDINARY[1] - ORDINARY[0] - 1) ^ SIGN).lt_signed(above);
    let far = !exponent.high.abs().lt(x.splat(125.0));
    if (rare | far).any() {
        let far = far | x_abs.lt(x.splat(f32::MIN_POSITIVE));
        let near = if far.any() { V::select(far, pow_far(x_abs, y), near) } else { near };
        signed_and_special(x, y, near, x.splat(0.0), x.splat(f32::INFINITY), x.splat(0.5))
    } else {
        near
    }
}

/// x^y for positive, finite `x` and finite `y`, computed in `f64`.
#[inline(always)]
fn pow_far<V: F32s>(x: V, y: V) -> V {
    let ([x_a, x_b], [y_a, y_b]) = (x.widen(), y.widen());
    V::narrow([pow_short(x_a, y_a), pow_short(x_b, y_b)])
}

/// The polynomial of 2^r for `|r| <= 1/32`, made by sollya/pow.sollya. Its error is 2^-29.
const EXP2_SHORT: [f64; 4] = [1.0, 0.6931471798844021, 0.24023433431983132, 0.05550611610480504];

/// x^y for positive `x`, with an error of 2^-28 if the power is a normal `f32`. Otherwise the
/// result is below or above the normal numbers.
#[inline(always)]
fn pow_short<V: F64s>(x: V, y: V) -> V {
    let exponent = (log2_short(x) * y).max(x.splat(-200.0)).min(x.splat(200.0));
    // This rounds to the nearest sixteenth.
    let shifted = exponent + x.splat(TO_INT / 16.0);
    let r = exponent - (shifted - x.splat(TO_INT / 16.0));
    let less_idx = V::lookup(&POWERS_LESS_IDX, shifted.to_bits());
    V::from_bits(less_idx.to_bits() + shifted.to_bits().shl(48)) * even_odd(r, r * r, &EXP2_SHORT)
}
