//! Hyperbolic functions, of either dtype by the same code.
//!
//! With `x = k ln 2 + r` as in exp.rs, `cosh(r) = 1 + even(r)` and `sinh(r) = r + odd(r)` by the even and the odd part
//! of the polynomial there, and
//! `sinh(x) = (2^(k-1) - 2^(-k-1)) cosh(r) + (2^(k-1) + 2^(-k-1)) sinh(r)`, the other way round for `cosh(x)`: no
//! division, and no cancellation but of the leading terms, whose sum is exact.

use super::double::Double;
use super::exp::{Exp, Parameters, divide, nearest, scale_any, scale_normal};
use super::polynomial::every_other;
use crate::arch::vector::{Bits, Float, Mask, Vector};

/// What these functions need to know of a dtype, further to exp.rs.
pub(super) trait HyperbolicParameters: Parameters {
    /// The bits of 1/2.
    const HALF_BITS: Self::Bits;
    /// Up to this magnitude, `2^(k-1)` and `2^(-k-1)` are normal, and the roundings of their sum and difference are
    /// harmless.
    const SINH_NEAR: Self;
    /// From here, the results are infinite.
    const SINH_OVERFLOW: Self;
    /// From here, `exp(-2x)` does not count any more.
    const TANH_LIMIT: Self;
    /// A bound for `k` twice of which [`scale`](Vector::scale) takes.
    const HALF_MAX_SCALE: Self;
}

impl HyperbolicParameters for f64 {
    const HALF_BITS: u64 = 0x3fe0_0000_0000_0000;
    const SINH_NEAR: f64 = 18.0;
    const SINH_OVERFLOW: f64 = 711.0;
    const TANH_LIMIT: f64 = 22.0;
    const HALF_MAX_SCALE: f64 = 500.0;
}

impl HyperbolicParameters for f32 {
    const HALF_BITS: u32 = 0x3f00_0000;
    const SINH_NEAR: f32 = 86.0;
    const SINH_OVERFLOW: f32 = 90.0;
    const TANH_LIMIT: f32 = 10.0;
    const HALF_MAX_SCALE: f32 = 60.0;
}

/// `exp(x) = 2^k exp(r)`, in parts.
struct Parts<V: Vector> {
    k: V,
    r: V,
    /// `cosh(r) - 1`.
    even: V,
    /// `sinh` less `r`.
    odd: V,
    /// `2^(k-1) + 2^(-k-1)`, near.
    sum: V,
    /// `2^(k-1) - 2^(-k-1)`, near.
    difference: V,
}

impl<V: Vector> Parts<V>
where
    V::Elem: HyperbolicParameters,
{
    #[inline(always)]
    fn of(x: V) -> Parts<V> {
        let (k, k_bits) = nearest(x, V::Elem::LOG2_E);
        let r = k.neg_mul_add(V::splat(V::Elem::LN_2_PARTS[0]), x);
        let rest = k * V::splat(V::Elem::LN_2_PARTS[1]);
        let exact = r - rest;
        let square = exact * exact;
        let even = square * every_other(square, V::Elem::EXP_TAIL, 0);
        let odd = (exact * square).mul_sub(every_other(square, V::Elem::EXP_TAIL, 1), rest);
        let shifted = k_bits.shl(V::Elem::EXPONENT_SHIFT);
        let half = V::Bits::splat(V::Elem::HALF_BITS);
        let (up, down) = (V::from_bits(half + shifted), V::from_bits(half - shifted));
        Parts { k, r, even, odd, sum: up + down, difference: up - down }
    }

    /// `(e^|x| + sign e^-|x|) / 2` where `|x|` is not near: `2^(k-1) (exp(r) + sign 2^-2k exp(-r))`.
    #[inline(always)]
    fn far(&self, x: V, sign: V) -> V {
        let limit = V::splat(V::Elem::HALF_MAX_SCALE);
        let k = self.k.abs();
        let r = self.r.xor_sign(x);
        let odd = self.odd.xor_sign(x);
        let doubled = k.min(limit) + k.min(limit);
        let one = V::splat(V::Elem::ONE);
        // That small, the first two terms of exp(-r) are enough.
        let other = sign.scale(-doubled) * (one - r);
        let power = one + (r + (odd + (self.even + other)));
        scale_any(power, k - one, x.abs(), [V::Elem::ZERO, V::Elem::SINH_OVERFLOW])
    }
}

/// `(e^x - e^-x) / 2`.
#[inline(always)]
pub(super) fn sinh<V: Vector>(x: V) -> V
where
    V::Elem: HyperbolicParameters,
{
    let parts = Parts::of(x);
    let high = parts.sum.mul_add(parts.r, parts.difference);
    let low = parts.sum.mul_add(parts.r, parts.difference - high);
    let value = high + parts.sum.mul_add(parts.odd, parts.difference.mul_add(parts.even, low));
    // The sum lost the sign of -0.0; the others have the argument's anyway.
    let near = V::from_bits(value.to_bits() | x.sign().to_bits());
    let rare = !x.abs().le(V::splat(V::Elem::SINH_NEAR));
    if rare.any() { V::select(rare, parts.far(x, -V::splat(V::Elem::ONE)).copysign(x), near) } else { near }
}

/// `(e^x + e^-x) / 2`.
#[inline(always)]
pub(super) fn cosh<V: Vector>(x: V) -> V
where
    V::Elem: HyperbolicParameters,
{
    let parts = Parts::of(x);
    let tail = parts.difference.mul_add(parts.odd, parts.sum * parts.even);
    let near = parts.sum + parts.difference.mul_add(parts.r, tail);
    let rare = !x.abs().le(V::splat(V::Elem::SINH_NEAR));
    if rare.any() { V::select(rare, parts.far(x, V::splat(V::Elem::ONE)), near) } else { near }
}

/// `(e^2x - 1) / (e^2x + 1)`, both in two floats.
#[inline(always)]
pub(super) fn tanh<V: Vector>(x: V) -> V
where
    V::Elem: HyperbolicParameters,
{
    let one = V::splat(V::Elem::ONE);
    let limited = V::splat(V::Elem::TANH_LIMIT).min(x.abs());
    let parts = Exp::of(limited + limited);
    let scale = scale_normal(one, parts.k_bits);
    let dividend = parts.scaled_plus(scale, scale - one);
    let divisor = parts.scaled_plus(scale, scale + one);
    let value = divide(dividend, divisor);
    V::from_bits(value.to_bits() | x.sign().to_bits())
}
