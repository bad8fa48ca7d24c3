//! Hyperbolic functions. The same code serves both dtypes, except in `tanh`.
//!
//! `|x| = k ln 2 + r` as in exp.rs. The even and the odd part of the polynomial there give
//! `cosh(r) = 1 + even` and `sinh(r) = r + odd`. Then `cosh(x) = 2^(k-1) exp(r) + 2^(-k-1) exp(-r)`
//! is a sum of products of these, and so is `sinh(x)`. There is no division, and the leading terms
//! are summed without an error. `tanh` is a quotient, in double-double arithmetic.

use super::double::Double;
use super::exp::{Exp, Parameters, divide, nearest, reduce, scale_any, scale_normal};
use super::polynomial::{even_odd, every_other};
use crate::arch::vector::{Bits, F32s, Float, Mask, Vector};

/// What these functions need to know of a dtype, in addition to exp.rs.
pub(super) trait HyperbolicParameters: Parameters {
    /// From here on, `sinh(x)` and `cosh(x)` are infinite.
    const SINH_OVERFLOW: Self;
    /// From here on, `tanh(x)` is 1.
    const TANH_LIMIT: Self;
}

impl HyperbolicParameters for f64 {
    const SINH_OVERFLOW: f64 = 711.0;
    const TANH_LIMIT: f64 = 22.0;
}

impl HyperbolicParameters for f32 {
    const SINH_OVERFLOW: f32 = 90.0;
    const TANH_LIMIT: f32 = 10.0;
}

/// `exp(|x|) = 2^k exp(r)`, in parts.
struct Parts<V: Vector> {
    k: V,
    r: V,
    /// `cosh(r) - 1`.
    even: V,
    /// `sinh(r)` less `r`.
    odd: V,
    /// `2^(k-1)`.
    up: V,
    /// `2^(-k-1)`.
    down: V,
}

impl<V: Vector> Parts<V>
where
    V::Elem: HyperbolicParameters,
{
    #[inline(always)]
    fn of(x_abs: V) -> Parts<V> {
        let (k, k_bits) = nearest(x_abs, V::Elem::LOG2_E);
        let (r, rest, rounded) = reduce(x_abs, k);
        let square = rounded * rounded;
        let even = square * every_other(square, V::Elem::EXP_TAIL, 0);
        let odd = (rounded * square).mul_sub(every_other(square, V::Elem::EXP_TAIL, 1), rest);
        let shifted = k_bits.shl(V::Elem::EXPONENT_SHIFT);
        let half = x_abs.splat(V::Elem::HALF).to_bits();
        Parts { k, r, even, odd, up: V::from_bits(half + shifted), down: V::from_bits(half - shifted) }
    }

    /// `e^|x| / 2` where it may overflow.
    #[inline(always)]
    fn far(&self, x_abs: V) -> V {
        let one = x_abs.splat(V::Elem::ONE);
        let power = one + (self.r + (self.odd + self.even));
        scale_any(power, self.k - one, x_abs, [V::Elem::ZERO, V::Elem::SINH_OVERFLOW])
    }
}

/// `(e^x - e^-x) / 2 = (2^(k-1) - 2^(-k-1)) cosh(r) + (2^(k-1) + 2^(-k-1)) sinh(r)`.
#[inline(always)]
pub(super) fn sinh<V: Vector>(x: V) -> V
where
    V::Elem: HyperbolicParameters,
{
    let x_abs = x.abs();
    let parts = Parts::of(x_abs);
    let Parts { r, even, odd, up, down, .. } = parts;
    let (sum, difference) = (up + down, up - down);
    let lost_by_sum = down - (sum - up);
    let lost_by_difference = (up - difference) - down;
    let high = sum.mul_add(r, difference);
    let low = sum.mul_add(r, difference - high);
    let low = lost_by_sum.mul_add(r, low + lost_by_difference);
    let near = high + sum.mul_add(odd, difference.mul_add(even, low));
    let rare = !x_abs.le(x.splat(V::Elem::EXP_NORMAL));
    let value = if rare.any() { V::select(rare, parts.far(x_abs), near) } else { near };
    V::from_bits(value.to_bits() | x.sign().to_bits())
}

/// `(e^x + e^-x) / 2 = (2^(k-1) + 2^(-k-1)) cosh(r) + (2^(k-1) - 2^(-k-1)) sinh(r)`.
#[inline(always)]
pub(super) fn cosh<V: Vector>(x: V) -> V
where
    V::Elem: HyperbolicParameters,
{
    let x_abs = x.abs();
    let parts = Parts::of(x_abs);
    let Parts { r, even, odd, up, down, .. } = parts;
    let difference = up - down;
    let high = difference.mul_add(r, up);
    let low = difference.mul_add(r, up - high);
    let near = high + (difference.mul_add(odd, (up + down).mul_add(even, low)) + down);
    let rare = !x_abs.le(x.splat(V::Elem::EXP_NORMAL));
    if rare.any() { V::select(rare, parts.far(x_abs), near) } else { near }
}

/// `(e^2x - 1) / (e^2x + 1)`. The dividend and the divisor are in two floats each.
#[inline(always)]
pub(super) fn tanh<V: Vector>(x: V) -> V
where
    V::Elem: HyperbolicParameters,
{
    let one = x.splat(V::Elem::ONE);
    let limited = x.splat(V::Elem::TANH_LIMIT).min(x.abs());
    let parts = Exp::of_biased(limited + limited);
    let power = parts.power_double();
    let scale = scale_normal(one, parts.k_bits);
    let (high, low) = (power.high * scale, power.low * scale);
    let (less, more) = (Double::fast_sum(high, -one), Double::fast_sum(high, one));
    let dividend = Double { high: less.high, low: less.low + low };
    let divisor = Double { high: more.high, low: more.low + low };
    let value = divide(dividend, divisor);
    V::from_bits(value.to_bits() | x.sign().to_bits())
}

/// From here on, `tanh_f32` uses the exponential.
const TANH_FAR_F32: f32 = 0.92;

/// `p` of `tanh(x) = x + x^3 p(x^2)` for magnitudes below [`TANH_FAR_F32`], made by
/// sollya/hyperbolic.sollya. Its error is one part in 2^27 of `tanh(x)`.
const TANH_TAIL_F32: [f32; 7] =
    [-0.33333296, 0.13332348, -0.05387999, 0.021487197, -0.007946886, 0.00230192, -0.00035860704];

/// ln(2)/2 in two parts. The first has 17 bits, so its product with a whole number below 2^7 is
/// exact.
const HALF_LN_2_F32: [f32; 2] = [0.34657288, 7.143034e-7];

/// `p` of `exp(2r) = 1 + 2r + r^2 p(r)` for `|2r| <= ln(2)/2`, made by sollya/hyperbolic.sollya.
/// Its error is one part in 2^25 of `exp(2r) - 1`.
const EXP_TWICE_TAIL_F32: [f32; 5] = [2.0, 1.3333235, 0.66666317, 0.26772913, 0.089193836];

/// `1 - 2 / (e^2|x| + 1)`, or a polynomial where that would lose digits.
#[inline(always)]
pub(super) fn tanh_f32<V: F32s>(x: V) -> V {
    let x_abs = x.abs();
    let limited = x.splat(f32::TANH_LIMIT).min(x_abs);
    let (k, k_bits) = nearest(limited, 2.0 * f32::LOG2_E);
    let r = k.neg_mul_add(x.splat(HALF_LN_2_F32[0]), limited);
    let r = k.neg_mul_add(x.splat(HALF_LN_2_F32[1]), r);
    let square = r * r;
    let less_1 = square.mul_add(even_odd(r, square, &EXP_TWICE_TAIL_F32), r + r);
    let scale = scale_normal(x.splat(1.0), k_bits);
    let far = x.splat(1.0) - x.splat(2.0) / scale.mul_add(less_1, scale + x.splat(1.0));
    let square = x_abs * x_abs;
    // The constant coefficient is added last and by itself, so that only one rounding is as large
    // as that of the value.
    let [first, rest @ ..] = &TANH_TAIL_F32;
    let tail = even_odd(square, square * square, rest).mul_add(square, x.splat(*first));
    let near = (x_abs * square).mul_add(tail, x_abs);
    let value = V::select(x_abs.lt(x.splat(TANH_FAR_F32)), near, far);
    V::from_bits(value.to_bits() | x.sign().to_bits())
}
