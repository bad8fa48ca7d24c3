//! Exponentials. The same code serves both dtypes.
//!
//! `exp(x) = 2^k exp(r)`, where `k` is the whole number nearest to `x / ln 2` and `|r| <= ln(2)/2`.
//! This reduction is by Cody and Waite (Software Manual for the Elementary Functions, 1980): `ln 2`
//! is in two parts, and the product of the first with `k` is exact. `exp(r) = 1 + r + r^2 p(r)`
//! with a minimax polynomial `p`. What the float `r` lacks is added too, so that the only errors
//! left are the roundings of `r + ...` and of the last sum.

use super::double::Double;
use super::polynomial::even_odd;
use crate::arch::vector::{Bits, F64s, Float, Mask, Vector};

/// What the functions of this family need to know of a dtype. The constants of more than a few
/// digits are made by sollya/exp.sollya.
pub(super) trait Parameters: Float + 'static {
    const ZERO: Self;
    const HALF: Self;
    const INFINITY: Self;
    const NAN: Self;
    /// The place of the exponent's lowest bit.
    const EXPONENT_SHIFT: u32;
    /// Adding this to a number whose magnitude is below a quarter of it leaves the nearest whole
    /// number in the low bits.
    const TO_INT: Self;
    const LOG2_E: Self;
    const LN_2: Self;
    /// ln 2 in two parts; the product of the first part with any `k` is exact.
    const LN_2_PARTS: [Self; 2];
    /// `p` of `exp(r) = 1 + r + r^2 p(r)`, for `|r| <= ln(2)/2`. Its error is one part in 2^55 of
    /// `exp(r) - 1`, in `f32` one part in 2^26.
    const EXP_TAIL: &'static [Self];
    /// `p` of `2^r = 1 + r ln 2 + r^2 p(r)`, for `|r| <= 1/2`. Its error is one part in 2^54 of
    /// `2^r - 1`, in `f32` one part in 2^26.
    const EXP2_TAIL: &'static [Self];
    /// `p` of `exp(r) = 1 + r + r^2/2 + r^3 p(r)`, for `3/4 <= exp(r) <= 3/2`. Its error is one
    /// part in 2^61 of `exp(r) - 1`, in `f32` one part in 2^31.
    const EXPM1_TAIL: &'static [Self];
    /// `log2(3/2) - 1/2`. Subtracting this before rounding moves the power from
    /// `1/sqrt(2) ..= sqrt(2)` to `3/4 ..= 3/2`.
    const BIAS: Self;
    /// Up to this magnitude, `exp(x)` is normal.
    const EXP_NORMAL: Self;
    /// From here on, `exp(x)` is infinite.
    const EXP_OVERFLOW: Self;
    /// Up to here, `exp(x)` is 0.
    const EXP_UNDERFLOW: Self;
    /// This and the next two are the same three bounds for `2^x`.
    const EXP2_NORMAL: Self;
    const EXP2_OVERFLOW: Self;
    const EXP2_UNDERFLOW: Self;
    /// A bound for the magnitude of `k`. [`scale`](Vector::scale) can take it, and a `k` beyond it
    /// gives infinity or 0.
    const MAX_SCALE: Self;
    /// Up to here, `exp(x) - 1` is computed as `(2^k - 1) + ...`, whose first term is exact.
    const EXPM1_NEAR: Self;
}

impl Parameters for f64 {
    const ZERO: f64 = 0.0;
    const HALF: f64 = 0.5;
    const INFINITY: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const EXPONENT_SHIFT: u32 = 52;
    const TO_INT: f64 = 6755399441055744.0;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2: f64 = std::f64::consts::LN_2;
    const LN_2_PARTS: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
    const EXP_TAIL: &'static [f64] = &[
        0.5000000000000006,
        0.16666666666666685,
        0.04166666666657364,
        0.008333333333315145,
        0.0013888888932367884,
        0.0001984126990179993,
        2.4801504463556125e-05,
        2.755722907387819e-06,
        2.762631817244842e-07,
        2.5114113854504425e-08,
    ];
    const EXP2_TAIL: &'static [f64] = &[
        0.24022650695910072,
        0.05550410866482439,
        0.009618129107621247,
        0.0013333558145786069,
        0.00015403530421475545,
        1.5252734375630266e-05,
        1.3215453129690438e-06,
        1.0177858444628317e-07,
        7.070753171391165e-09,
        4.482683820454909e-10,
    ];
    const EXPM1_TAIL: &'static [f64] = &[
        0.16666666666666663,
        0.04166666666666747,
        0.00833333333333792,
        0.0013888888888188297,
        0.00019841269827726587,
        2.480158939772269e-05,
        2.755732530935408e-06,
        2.755468778358518e-07,
        2.5070515939940293e-08,
        2.207305998286437e-09,
    ];
    const BIAS: f64 = 0.08496250072115619;
    const EXP_NORMAL: f64 = 708.0;
    const EXP_OVERFLOW: f64 = 709.8;
    const EXP_UNDERFLOW: f64 = -746.0;
    const EXP2_NORMAL: f64 = 1021.5;
    const EXP2_OVERFLOW: f64 = 1024.0;
    const EXP2_UNDERFLOW: f64 = -1080.0;
    const MAX_SCALE: f64 = 1100.0;
    const EXPM1_NEAR: f64 = 37.0;
}

impl Parameters for f32 {
    const ZERO: f32 = 0.0;
    const HALF: f32 = 0.5;
    const INFINITY: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    const EXPONENT_SHIFT: u32 = 23;
    const TO_INT: f32 = 12_582_912.0;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2: f32 = std::f32::consts::LN_2;
    const LN_2_PARTS: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
    const EXP_TAIL: &'static [f32] = &[0.5, 0.16666543, 0.041666448, 0.008366535, 0.0013936537];
    const EXP2_TAIL: &'static [f32] = &[0.2402265, 0.055503663, 0.009618076, 0.0013387899, 0.00015457276];
    const EXPM1_TAIL: &'static [f32] = &[0.1666667, 0.041666582, 0.008332, 0.0013918151, 0.00020974358];
    const BIAS: f32 = 0.0849625;
    const EXP_NORMAL: f32 = 87.0;
    const EXP_OVERFLOW: f32 = 88.8;
    const EXP_UNDERFLOW: f32 = -104.0;
    const EXP2_NORMAL: f32 = 125.5;
    const EXP2_OVERFLOW: f32 = 128.0;
    const EXP2_UNDERFLOW: f32 = -151.0;
    const MAX_SCALE: f32 = 160.0;
    const EXPM1_NEAR: f32 = 16.5;
}

/// The whole number nearest to `x * factor`, as a float and in the low bits of an integer.
#[inline(always)]
pub(super) fn nearest<V: Vector>(x: V, factor: V::Elem) -> (V, V::Bits)
where
    V::Elem: Parameters,
{
    let shifted = x.mul_add(x.splat(factor), x.splat(V::Elem::TO_INT));
    (shifted - x.splat(V::Elem::TO_INT), shifted.to_bits())
}

/// The same as [`nearest`], for `x * factor` less [`BIAS`](Parameters::BIAS).
///
/// Where `power` is less than 1, the last sum of `1 + (r + tail)` rounds to units half as large.
/// Measured in these units, the roundings before count twice. The bias makes those roundings
/// smaller there.
#[inline(always)]
pub(super) fn nearest_biased<V: Vector>(x: V, factor: V::Elem) -> (V, V::Bits)
where
    V::Elem: Parameters,
{
    let shifted = x.mul_sub(x.splat(factor), x.splat(V::Elem::BIAS)) + x.splat(V::Elem::TO_INT);
    (shifted - x.splat(V::Elem::TO_INT), shifted.to_bits())
}

/// `x - k ln 2` as three numbers: `x` less `k` times the first part of `ln 2`, which is exact; what
/// is left to subtract from that; and the difference of these two, rounded.
#[inline(always)]
pub(super) fn reduce<V: Vector>(x: V, k: V) -> (V, V, V)
where
    V::Elem: Parameters,
{
    let r = k.neg_mul_add(x.splat(V::Elem::LN_2_PARTS[0]), x);
    let rest = k * x.splat(V::Elem::LN_2_PARTS[1]);
    (r, rest, r - rest)
}

/// `power * 2^k`, for a normal result.
#[inline(always)]
pub(super) fn scale_normal<V: Vector>(power: V, k_bits: V::Bits) -> V
where
    V::Elem: Parameters,
{
    V::from_bits(power.to_bits() + k_bits.shl(V::Elem::EXPONENT_SHIFT))
}

/// `power * 2^k`; infinite where `x` is above `overflow`, 0 where it is below `underflow`.
#[inline(always)]
pub(super) fn scale_any<V: Vector>(power: V, k: V, x: V, [underflow, overflow]: [V::Elem; 2]) -> V
where
    V::Elem: Parameters,
{
    let limit = power.splat(V::Elem::MAX_SCALE);
    let scaled = power.scale(k.max(-limit).min(limit));
    let scaled = V::select(x.gt(power.splat(overflow)), power.splat(V::Elem::INFINITY), scaled);
    V::select(x.lt(power.splat(underflow)), power.splat(V::Elem::ZERO), scaled)
}

/// `2^k power`, in parts.
pub(super) struct Exp<V: Vector> {
    /// A whole number.
    pub(super) k: V,
    /// `k`, in the low bits.
    pub(super) k_bits: V::Bits,
    /// Nearly the logarithm of the power; at most `ln(2)/2` in magnitude.
    pub(super) r: V,
    /// The power less `1 + r`.
    pub(super) tail: V,
}

impl<V: Vector> Exp<V>
where
    V::Elem: Parameters,
{
    /// The parts of `2^k power`, for `x` of magnitude below 2^40, in `f32` below 2^20.
    #[inline(always)]
    pub(super) fn of(x: V) -> Exp<V> {
        let (k, k_bits) = nearest(x, V::Elem::LOG2_E);
        let (r, rest, rounded) = reduce(x, k);
        let square = rounded * rounded;
        let tail = square.mul_sub(even_odd(rounded, square, V::Elem::EXP_TAIL), rest);
        Exp { k, k_bits, r, tail }
    }

    /// The same as [`Exp::of`], but `power` is in `3/4 ..= 3/2`, and the error of `tail` is
    /// smaller, for results in which `exp(r) - 1` counts.
    #[inline(always)]
    pub(super) fn of_biased(x: V) -> Exp<V> {
        let (k, k_bits) = nearest_biased(x, V::Elem::LOG2_E);
        let (r, rest, rounded) = reduce(x, k);
        let square = rounded * rounded;
        // r^2/2 is added by itself, so that the polynomial's rounding does not count.
        let quadratic = square.mul_sub(x.splat(V::Elem::HALF), rest);
        let tail = (rounded * square).mul_add(even_odd(rounded, square, V::Elem::EXPM1_TAIL), quadratic);
        Exp { k, k_bits, r, tail }
    }

    /// The power in one float, off by less than 1 ULP.
    #[inline(always)]
    pub(super) fn power(&self) -> V {
        self.r.splat(V::Elem::ONE) + (self.r + self.tail)
    }

    /// The power in two floats. From the parts that [`Exp::of`] gives, its error is about one part
    /// in 2^56, in `f32` one part in 2^27.
    #[inline(always)]
    pub(super) fn power_double(&self) -> Double<V> {
        let head = Double::fast_sum(self.r.splat(V::Elem::ONE), self.r);
        Double::fast_sum(head.high, head.low + self.tail)
    }
}

/// The same polynomial as [`EXP_TAIL`](Parameters::EXP_TAIL) of `f64`, for powers in two floats.
/// Its error is one part in 2^61 of `exp(r) - 1`.
const EXP_TAIL_DOUBLE: [f64; 11] = [
    0.5,
    0.16666666666666677,
    0.041666666666666685,
    0.008333333333321457,
    0.001388888888887293,
    0.00019841269886502132,
    2.4801587350483756e-05,
    2.755724387675762e-06,
    2.7557250347360015e-07,
    2.5109140524925496e-08,
    2.0922312274630096e-09,
];

impl<V: F64s> Exp<V> {
    /// The same as [`Exp::of`], for an `x` in two floats: the first below 2^40 in magnitude, the
    /// second below 2^-30. The error of the power in two floats is about one part in 2^57.
    #[inline(always)]
    pub(super) fn of_double(x: Double<V>) -> Exp<V> {
        let (k, k_bits) = nearest(x.high, f64::LOG2_E);
        let head = k.neg_mul_add(x.high.splat(f64::LN_2_PARTS[0]), x.high);
        let r = k.neg_mul_add(x.high.splat(f64::LN_2_PARTS[1]), head);
        let low = k.neg_mul_add(x.high.splat(f64::LN_2_PARTS[1]), head - r) + x.low;
        let square = r * r;
        let tail = square * even_odd(r, square, &EXP_TAIL_DOUBLE);
        // exp(r + low) = exp(r) (1 + low), except for terms of the size of low^2.
        let tail = tail + low.mul_add(r + tail, low);
        Exp { k, k_bits, r, tail }
    }
}

/// e^x.
#[inline(always)]
pub(super) fn exp<V: Vector>(x: V) -> V
where
    V::Elem: Parameters,
{
    let parts = Exp::of(x);
    let power = parts.power();
    let near = scale_normal(power, parts.k_bits);
    let rare = !x.abs().le(x.splat(V::Elem::EXP_NORMAL));
    if rare.any() {
        V::select(rare, scale_any(power, parts.k, x, [V::Elem::EXP_UNDERFLOW, V::Elem::EXP_OVERFLOW]), near)
    } else {
        near
    }
}

/// 2^x: `k` is the nearest whole number, and `r` is exact.
#[inline(always)]
pub(super) fn exp2<V: Vector>(x: V) -> V
where
    V::Elem: Parameters,
{
    let shifted = x + x.splat(V::Elem::TO_INT);
    let k = shifted - x.splat(V::Elem::TO_INT);
    let r = x - k;
    let square = r * r;
    let tail = square * even_odd(r, square, V::Elem::EXP2_TAIL);
    let power = x.splat(V::Elem::ONE) + r.mul_add(x.splat(V::Elem::LN_2), tail);
    let near = scale_normal(power, shifted.to_bits());
    let rare = !x.abs().le(x.splat(V::Elem::EXP2_NORMAL));
    if rare.any() {
        V::select(rare, scale_any(power, k, x, [V::Elem::EXP2_UNDERFLOW, V::Elem::EXP2_OVERFLOW]), near)
    } else {
        near
    }
}

/// e^x - 1 = (2^k - 1) + 2^k (r + tail). The sum of `2^k - 1` and `2^k r` is computed without an
/// error.
#[inline(always)]
pub(super) fn expm1<V: Vector>(x: V) -> V
where
    V::Elem: Parameters,
{
    let one = x.splat(V::Elem::ONE);
    let parts = Exp::of_biased(x);
    let scale = scale_normal(one, parts.k_bits);
    let whole = scale - one;
    let high = scale.mul_add(parts.r, whole);
    let low = scale.mul_add(parts.r, whole - high);
    let value = high + scale.mul_add(parts.tail, low);
    // The sum lost the sign of -0.0. All other results have the argument's sign already.
    let near = V::from_bits(value.to_bits() | x.sign().to_bits());
    let rare = !x.abs().le(x.splat(V::Elem::EXPM1_NEAR));
    if rare.any() {
        // For larger `x`, the 1 still counts a little: the result is (power - 2^-k) 2^k. Far below
        // 0, the result is -1.
        let limit = x.splat(V::Elem::MAX_SCALE);
        let tail = parts.tail - one.scale(-parts.k.max(-limit).min(limit));
        let power = one + (parts.r + tail);
        let far = scale_any(power, parts.k, x, [V::Elem::EXP_UNDERFLOW, V::Elem::EXP_OVERFLOW]);
        let below = V::select(x.lt(-x.splat(V::Elem::EXP_NORMAL)), -one, near);
        V::select(rare, V::select(x.lt(x.splat(V::Elem::ZERO)), below, far), near)
    } else {
        near
    }
}

/// `1 / (1 + exp(-x))`, computed as `n / (1 + exp(-|x|))`, where `n` is `exp(-|x|)` left of 0 and 1
/// elsewhere. The quotient gets one Newton step.
#[inline(always)]
pub(super) fn sigmoid<V: Vector>(x: V) -> V
where
    V::Elem: Parameters,
{
    let (zero, one) = (x.splat(V::Elem::ZERO), x.splat(V::Elem::ONE));
    let minus_abs = -x.abs();
    let parts = Exp::of(minus_abs);
    let power = parts.power_double();
    let scale = scale_normal(one, parts.k_bits);
    let sum = Double::fast_sum(one, scale * power.high);
    let divisor = Double { high: sum.high, low: scale.mul_add(power.low, sum.low) };
    let is_left = x.lt(zero);
    let dividend = Double { high: V::select(is_left, power.high, one), low: V::select(is_left, power.low, zero) };
    let quotient = divide(dividend, divisor);
    let near = V::select(is_left, scale_normal(quotient, parts.k_bits), quotient);
    let rare = !minus_abs.ge(-x.splat(V::Elem::EXP_NORMAL));
    if rare.any() {
        let left = scale_any(parts.power(), parts.k, x, [V::Elem::EXP_UNDERFLOW, V::Elem::EXP_OVERFLOW]);
        V::select(rare, V::select(x.gt(zero), one, left), near)
    } else {
        near
    }
}

/// Nearly the rounded quotient, for divisors of ordinary magnitude.
#[inline(always)]
pub(super) fn divide<V: Vector>(dividend: Double<V>, divisor: Double<V>) -> V {
    let reciprocal = dividend.high.splat(V::Elem::ONE) / divisor.high;
    let quotient = dividend.high * reciprocal;
    let rest = quotient.neg_mul_add(divisor.high, dividend.high) + quotient.neg_mul_add(divisor.low, dividend.low);
    rest.mul_add(reciprocal, quotient)
}
