//! `10^x`, of either dtype by the same code: as `exp`, see exp.rs, with `x = k log10(2) + r`, and with a table for whole
//! `x`, where anything but the nearest float would surprise.

use super::exp::{Parameters, nearest_biased, scale_any, scale_normal};
use super::polynomial::even_odd;
use super::powers_of_ten::{POWERS_OF_TEN, POWERS_OF_TEN_F32};
use crate::arch::vector::{Float, Mask, Vector};

/// What this function needs to know of a dtype, further to exp.rs; all by sollya/exp.sollya.
pub(super) trait Exp10Parameters: Parameters {
    const LOG2_10: Self;
    /// log10(2); the product of the first part with any `k` is exact.
    const LOG10_2_PARTS: [Self; 2];
    /// The second part of these times ln 10.
    const LOG10_2_REST: Self;
    const LN_10_PARTS: [Self; 2];
    /// `p` of `10^r = 1 + r ln 10 + r^2 p(r)`, for `3/4 <= 10^r <= 3/2`. Off by one part in 2^55 of `10^r - 1`,
    /// in `f32` 2^26.
    const EXP10_TAIL: &'static [Self];
    /// Up to this magnitude, `10^x` is normal.
    const EXP10_NORMAL: Self;
    /// From here, `10^x` is infinite.
    const EXP10_OVERFLOW: Self;
    /// Until here, `10^x` is 0.
    const EXP10_UNDERFLOW: Self;

    /// The float nearest to `10^k` for whole `k` below [`EXP10_OVERFLOW`](Exp10Parameters::EXP10_OVERFLOW) in magnitude.
    fn power_of_ten<V: Vector<Elem = Self>>(k: V) -> V;
}

impl Exp10Parameters for f64 {
    const LOG2_10: f64 = std::f64::consts::LOG2_10;
    const LOG10_2_PARTS: [f64; 2] = [0.30102999566395283, 2.8363394551044964e-14];
    const LOG10_2_REST: f64 = 6.530912947994468e-14;
    const LN_10_PARTS: [f64; 2] = [std::f64::consts::LN_10, -2.1707562233822494e-16];
    const EXP10_TAIL: &'static [f64] = &[
        2.6509490552391983,
        2.0346785922935564,
        1.1712551489129452,
        0.5393829291515977,
        0.20699584858261666,
        0.0680893727947529,
        0.0195976928188469,
        0.0050133796012120126,
        0.001155641743294469,
        0.0002555602858008658,
    ];
    const EXP10_NORMAL: f64 = 307.0;
    const EXP10_OVERFLOW: f64 = 330.0;
    const EXP10_UNDERFLOW: f64 = -330.0;

    #[inline(always)]
    fn power_of_ten<V: Vector<Elem = f64>>(k: V) -> V {
        V::lookup(&POWERS_OF_TEN, (k + V::splat(f64::TO_INT)).to_bits())
    }
}

impl Exp10Parameters for f32 {
    const LOG2_10: f32 = std::f32::consts::LOG2_10;
    const LOG10_2_PARTS: [f32; 2] = [0.3010254, 4.605039e-6];
    const LOG10_2_REST: f32 = 1.0603494e-5;
    const LN_10_PARTS: [f32; 2] = [std::f32::consts::LN_10, -3.1975436e-8];
    const EXP10_TAIL: &'static [f32] = &[2.65095, 2.0346704, 1.1710196, 0.540897, 0.21903406];
    const EXP10_NORMAL: f32 = 37.0;
    const EXP10_OVERFLOW: f32 = 50.0;
    const EXP10_UNDERFLOW: f32 = -50.0;

    #[inline(always)]
    fn power_of_ten<V: Vector<Elem = f32>>(k: V) -> V {
        V::lookup(&POWERS_OF_TEN_F32, (k + V::splat(f32::TO_INT)).to_bits())
    }
}

/// 10^x.
#[inline(always)]
pub(super) fn exp10<V: Vector>(x: V) -> V
where
    V::Elem: Exp10Parameters,
{
    let (k, k_bits) = nearest_biased(x, V::Elem::LOG2_10);
    let r = k.neg_mul_add(V::splat(V::Elem::LOG10_2_PARTS[0]), x);
    let rounded = k.neg_mul_add(V::splat(V::Elem::LOG10_2_PARTS[1]), r);
    let rest = k * V::splat(V::Elem::LOG10_2_REST);
    let low = r.mul_sub(V::splat(V::Elem::LN_10_PARTS[1]), rest);
    let square = rounded * rounded;
    let tail = square.mul_add(even_odd(rounded, square, V::Elem::EXP10_TAIL), low);
    let power = V::splat(V::Elem::ONE) + r.mul_add(V::splat(V::Elem::LN_10_PARTS[0]), tail);
    let near = scale_normal(power, k_bits);
    let rare = !x.abs().le(V::splat(V::Elem::EXP10_NORMAL));
    let value = if rare.any() {
        V::select(rare, scale_any(power, k, x, [V::Elem::EXP10_UNDERFLOW, V::Elem::EXP10_OVERFLOW]), near)
    } else {
        near
    };
    let is_whole = x.round().eq(x) & x.abs().lt(V::splat(V::Elem::EXP10_OVERFLOW));
    if is_whole.any() { V::select(is_whole, V::Elem::power_of_ten(x), value) } else { value }
}
