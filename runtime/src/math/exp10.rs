//! `10^x`. The same code serves both dtypes. The method is that of `exp`, see exp.rs, with
//! `x = k log10(2) + r`. For whole `x` there is a table, because any result other than the nearest
//! float would surprise there.

use super::exp::{Parameters, nearest_biased, scale_any, scale_normal};
use super::polynomial::even_odd;
use super::powers_of_ten::{POWERS_OF_TEN, POWERS_OF_TEN_F32};
use crate::arch::vector::{Float, Mask, Vector};

/// What this function needs to know of a dtype, in addition to exp.rs. All of it is made by
/// sollya/exp.sollya.
pub(super) trait Exp10Parameters: Parameters {
    const LOG2_10: Self;
    /// log10(2) in two parts; the product of the first part with any `k` is exact.
    const LOG10_2_PARTS: [Self; 2];
    const LN_10: Self;
    /// What `LN_10` lacks of ln 10, as a fraction of it.
    const LN_10_REST: Self;
    /// `p` of `10^r = 1 + ln 10 (r + r^2 p(r))`, for `3/4 <= 10^r <= 3/2`. Its error is one part in
    /// 2^55 of `10^r - 1`, in `f32` one part in 2^26.
    const EXP10_TAIL: &'static [Self];
    /// Up to this magnitude, `10^x` is normal.
    const EXP10_NORMAL: Self;
    /// From here on, `10^x` is infinite.
    const EXP10_OVERFLOW: Self;
    /// Up to here, `10^x` is 0.
    const EXP10_UNDERFLOW: Self;

    /// The float nearest to `10^k` for whole `k` below
    /// [`EXP10_OVERFLOW`](Exp10Parameters::EXP10_OVERFLOW) in magnitude.
    fn power_of_ten<V: Vector<Elem = Self>>(k: V) -> V;
}

impl Exp10Parameters for f64 {
    const LOG2_10: f64 = std::f64::consts::LOG2_10;
    const LOG10_2_PARTS: [f64; 2] = [0.30102999566395283, 2.8363394551044964e-14];
    const LN_10: f64 = std::f64::consts::LN_10;
    const LN_10_REST: f64 = -9.427474493720535e-17;
    const EXP10_TAIL: &'static [f64] = &[
        1.1512925464970225,
        0.8836496850797677,
        0.5086696480736854,
        0.23425102976336706,
        0.08989715481256282,
        0.029570838885244415,
        0.008511170110723793,
        0.002177282422481425,
        0.0005018823969407613,
        0.00011101227866472826,
    ];
    const EXP10_NORMAL: f64 = 307.0;
    const EXP10_OVERFLOW: f64 = 330.0;
    const EXP10_UNDERFLOW: f64 = -330.0;

    #[inline(always)]
    fn power_of_ten<V: Vector<Elem = f64>>(k: V) -> V {
        V::lookup(&POWERS_OF_TEN, (k + k.splat(f64::TO_INT)).to_bits())
    }
}

impl Exp10Parameters for f32 {
    const LOG2_10: f32 = std::f32::consts::LOG2_10;
    const LOG10_2_PARTS: [f32; 2] = [0.3010254, 4.605039e-6];
    const LN_10: f32 = std::f32::consts::LN_10;
    const LN_10_REST: f32 = -1.3886756e-8;
    const EXP10_TAIL: &'static [f32] = &[1.1512929, 0.8836461, 0.50856936, 0.23491088, 0.09506926];
    const EXP10_NORMAL: f32 = 37.0;
    const EXP10_OVERFLOW: f32 = 50.0;
    const EXP10_UNDERFLOW: f32 = -50.0;

    #[inline(always)]
    fn power_of_ten<V: Vector<Elem = f32>>(k: V) -> V {
        V::lookup(&POWERS_OF_TEN_F32, (k + k.splat(f32::TO_INT)).to_bits())
    }
}

/// 10^x.
#[inline(always)]
pub(super) fn exp10<V: Vector>(x: V) -> V
where
    V::Elem: Exp10Parameters,
{
    let (k, k_bits) = nearest_biased(x, V::Elem::LOG2_10);
    let r = k.neg_mul_add(x.splat(V::Elem::LOG10_2_PARTS[0]), x);
    let rest = k * x.splat(V::Elem::LOG10_2_PARTS[1]);
    let rounded = r - rest;
    let square = rounded * rounded;
    let low = r.mul_sub(x.splat(V::Elem::LN_10_REST), rest);
    let tail = square.mul_add(even_odd(rounded, square, V::Elem::EXP10_TAIL), low);
    let power = x.splat(V::Elem::LN_10).mul_add(r + tail, x.splat(V::Elem::ONE));
    let near = scale_normal(power, k_bits);
    let rare = !x.abs().le(x.splat(V::Elem::EXP10_NORMAL));
    let is_whole = x.round().eq(x);
    if (rare | is_whole).any() {
        let value = if rare.any() {
            V::select(rare, scale_any(power, k, x, [V::Elem::EXP10_UNDERFLOW, V::Elem::EXP10_OVERFLOW]), near)
        } else {
            near
        };
        let is_in_table = is_whole & x.abs().lt(x.splat(V::Elem::EXP10_OVERFLOW));
        if is_in_table.any() { V::select(is_in_table, V::Elem::power_of_ten(x), value) } else { value }
    } else {
        near
    }
}
