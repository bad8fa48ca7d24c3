//! Exponentials.
//!
//! `exp(x) = 2^k exp(r)` with `k` the whole number nearest to `x / ln 2` and `|r| <= ln(2)/2` (Cody and Waite's
//! reduction: `ln 2` in two parts, the product of the first with `k` being exact), and `exp(r) = 1 + r + r^2 p(r)` with a
//! minimax polynomial `p`. What `r` lacks is carried along, so that the errors left are the roundings of `r + ...` and
//! of the last sum.

use super::double::Double;
use super::polynomial::even_odd;
use crate::arch::vector::{Bits, F32s, F64s, Mask, Vector};

pub(super) use libm::{exp2, expm1};

/// ln 2 in two parts; the product of the first, of 42 bits, with a whole number below 2^11 is exact.
const LN_2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];

/// For `r` in `-ln(2)/2 ..= ln(2)/2`, by sollya/exp.sollya. Off by 2^-62.
const EXP_TAIL: [f64; 11] = [
    0.5,
    0.1666666666666667,
    0.04166666666666668,
    0.008333333333325896,
    0.0013888888888876985,
    0.00019841269875410617,
    2.480158734242216e-05,
    2.755725482386539e-06,
    2.755725700570477e-07,
    2.510541135510159e-08,
    2.092034996864975e-09,
];

/// Added to a number of magnitude below 2^51, leaves the nearest whole one in the low bits.
const TO_INT: f64 = 6755399441055744.0;

/// `2^k power`, in parts.
pub(super) struct Exp<V: Vector> {
    /// Whole.
    pub(super) k: V,
    /// In the low bits, `k`.
    pub(super) k_bits: V::Bits,
    /// Its logarithm, in parts: at most `ln(2)/2` in magnitude.
    pub(super) r: V,
    /// `exp(r) - 1 - r`, and what `r` lacks.
    pub(super) tail: V,
}

impl<V: F64s> Exp<V> {
    /// Of `x`, below 2^40 in magnitude.
    #[inline(always)]
    pub(super) fn of(x: V) -> Exp<V> {
        let (k, k_bits, r, r_low) = Self::reduce(x);
        let square = r * r;
        let tail = square.mul_add(even_odd(r, square, &EXP_TAIL), r_low);
        Exp { k, k_bits, r, tail }
    }

    /// Of `x`, below 2^40 in magnitude, and what it lacks, below 2^-30.
    #[inline(always)]
    pub(super) fn of_double(x: Double<V>) -> Exp<V> {
        let (k, k_bits, r, r_low) = Self::reduce(x.high);
        let low = r_low + x.low;
        let square = r * r;
        let tail = square * even_odd(r, square, &EXP_TAIL);
        // exp(r + low) = exp(r) (1 + low), up to low^2.
        let tail = tail + low.mul_add(r + tail, low);
        Exp { k, k_bits, r, tail }
    }

    /// `x = k ln 2 + r + r_low`: `k`, its bits, `r`, `r_low`.
    #[inline(always)]
    fn reduce(x: V) -> (V, V::Bits, V, V) {
        let shifted = x.mul_add(V::splat(std::f64::consts::LOG2_E), V::splat(TO_INT));
        let k = shifted - V::splat(TO_INT);
        let head = k.neg_mul_add(V::splat(LN_2[0]), x);
        let r = k.neg_mul_add(V::splat(LN_2[1]), head);
        (k, shifted.to_bits(), r, k.neg_mul_add(V::splat(LN_2[1]), head - r))
    }

    /// The power in one float, off by at most 0.8 ULP.
    #[inline(always)]
    pub(super) fn power(&self) -> V {
        V::splat(1.0) + (self.r + self.tail)
    }

    /// The power in two floats, off by one part in 2^56 or so.
    #[inline(always)]
    pub(super) fn power_double(&self) -> Double<V> {
        let head = Double::fast_sum(V::splat(1.0), self.r);
        Double::fast_sum(head.high, head.low + self.tail)
    }
}

/// e^x.
#[inline(always)]
pub(super) fn exp<V: F64s>(x: V) -> V {
    let parts = Exp::of(x);
    let power = parts.power();
    // Where the result is normal, `k` goes into the exponent.
    let near = V::from_bits(power.to_bits() + parts.k_bits.shl(52));
    let rare = !x.abs().le(V::splat(708.0));
    if rare.any() {
        let k = parts.k.max(V::splat(-1100.0)).min(V::splat(1100.0));
        let far = V::select(x.gt(V::splat(709.8)), V::splat(f64::INFINITY), power.scale(k));
        let far = V::select(x.lt(V::splat(-746.0)), V::splat(0.0), far);
        V::select(rare, far, near)
    } else {
        near
    }
}

/// ln 2 in two parts; the product of the first, of 15 bits, with a whole number below 2^9 is exact.
const LN_2_F32: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];

/// For `r` in `-ln(2)/2 ..= ln(2)/2`, by sollya/exp.sollya. Off by 2^-32.
const EXP_TAIL_F32: [f32; 6] = [0.5, 0.16666667, 0.04166651, 0.008333177, 0.0013930502, 0.00019972329];

/// Added to a number of magnitude below 2^22, leaves the nearest whole one in the low bits.
const TO_INT_F32: f32 = 12_582_912.0;

/// e^x.
#[inline(always)]
pub(super) fn exp_f32<V: F32s>(x: V) -> V {
    let shifted = x.mul_add(V::splat(std::f32::consts::LOG2_E), V::splat(TO_INT_F32));
    let k = shifted - V::splat(TO_INT_F32);
    let head = k.neg_mul_add(V::splat(LN_2_F32[0]), x);
    let r = k.neg_mul_add(V::splat(LN_2_F32[1]), head);
    let r_low = k.neg_mul_add(V::splat(LN_2_F32[1]), head - r);
    let square = r * r;
    let tail = square.mul_add(even_odd(r, square, &EXP_TAIL_F32), r_low);
    let power = V::splat(1.0) + (r + tail);
    let near = V::from_bits(power.to_bits() + shifted.to_bits().shl(23));
    let rare = !x.abs().le(V::splat(87.0));
    if rare.any() {
        let k = k.max(V::splat(-160.0)).min(V::splat(160.0));
        let far = V::select(x.gt(V::splat(88.8)), V::splat(f32::INFINITY), power.scale(k));
        let far = V::select(x.lt(V::splat(-104.0)), V::splat(0.0), far);
        V::select(rare, far, near)
    } else {
        near
    }
}

/// `10^x`. Exact for whole `x` from 0 to 22, because `pow` is.
pub(super) fn exp10(x: f64) -> f64 {
    libm::pow(10.0, x)
}
