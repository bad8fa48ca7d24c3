//! Inverse hyperbolic functions, by the logarithm of log.rs of a number in two floats.
//!
//! The number, `x + sqrt(x^2 + 1)` for `asinh`, is 1 and something for small `x`; it is good to 2^-104, so that the something
//! is good enough for all `x` but those that are the result themselves.

use super::double::Double;
use super::log::log_of_sum;
use super::log_double::log_double;
use super::log_f32::log_short;
use crate::arch::vector::{F32s, F64s, Mask, Vector};

/// Below it, `asinh` and `atanh` of `x` are `x` within 2^-57 of it.
const TINY: f64 = 1.0 / (1u64 << 28) as f64;

/// Below it, the same of `f32`, within 2^-27.
const TINY_F32: f32 = 1.0 / (1 << 13) as f32;

/// From here on, `x + sqrt(x^2 + 1)` is `2x`, and squares are not far from overflow.
const LARGE: f64 = (1u128 << 100) as f64;

/// ln 2 in two parts.
const LN_2: [f64; 2] = [std::f64::consts::LN_2, 2.3190468138462996e-17];

/// ln(2x) for large `x`.
#[inline(always)]
fn log_of_twice<V: F64s>(x: V) -> V {
    log_double(x).add(Double::splat(LN_2)).round()
}

/// What `root`, the square root of the sum's first part, lacks to be that of the sum. `root` is at least 2^-30, or 0 like the
/// sum.
#[inline(always)]
fn root_low<V: F64s>(sum: Double<V>, root: V) -> V {
    (root.neg_mul_add(root, sum.high) + sum.low) * (V::splat(0.5) / root.max(V::splat(2f64.powi(-30))))
}

/// `ln(x + sqrt(x^2 + 1))`.
#[inline(always)]
pub(super) fn asinh<V: F64s>(x: V) -> V {
    let x_abs = x.abs();
    let square = Double::product(x_abs, x_abs);
    let w = Double::sum(V::splat(1.0), square.high);
    let w = Double { high: w.high, low: w.low + square.low };
    let root = w.high.sqrt();
    let sum = Double::fast_sum(root, x_abs);
    let near = log_of_sum(Double { high: sum.high, low: sum.low + root_low(w, root) });
    let near = V::select(x_abs.lt(V::splat(TINY)), x, near.copysign(x));
    let rare = !x_abs.lt(V::splat(LARGE));
    if rare.any() {
        let far = log_of_twice(x_abs).copysign(x);
        let far = V::select(x_abs.lt(V::splat(f64::INFINITY)), far, x + x);
        V::select(rare, far, near)
    } else {
        near
    }
}

/// `ln(x + sqrt(x^2 - 1))`; NaN below 1.
#[inline(always)]
pub(super) fn acosh<V: F64s>(x: V) -> V {
    let square = Double::product(x, x);
    let w = Double::fast_sum(square.high, V::splat(-1.0));
    let w = Double::fast_sum(w.high, w.low + square.low);
    let root = w.high.sqrt();
    let sum = Double::fast_sum(x, root);
    let near = log_of_sum(Double { high: sum.high, low: sum.low + root_low(w, root) });
    let rare = !(x.ge(V::splat(1.0)) & x.lt(V::splat(LARGE)));
    if rare.any() {
        let far = V::select(x.lt(V::splat(f64::INFINITY)), log_of_twice(x), x + x);
        let far = V::select(x.lt(V::splat(1.0)), V::splat(f64::NAN), far);
        V::select(rare, far, near)
    } else {
        near
    }
}

/// `ln((1 + x) / (1 - x)) / 2`; NaN beyond 1.
#[inline(always)]
pub(super) fn atanh<V: F64s>(x: V) -> V {
    let one = V::splat(1.0);
    let x_abs = x.abs();
    let below = Double::fast_sum(one, -x_abs);
    // 1 + v = (1 + x) / (1 - x)
    let twice = x_abs + x_abs;
    let reciprocal = one / below.high;
    let v = twice * reciprocal;
    let v_low = v.neg_mul_add(below.low, v.neg_mul_add(below.high, twice)) * reciprocal;
    let sum = Double::sum(one, v);
    let sum = Double { high: sum.high, low: sum.low + v_low };
    let near = (log_of_sum(sum) * V::splat(0.5)).copysign(x);
    let near = V::select(x_abs.lt(V::splat(TINY)), x, near);
    let rare = !x_abs.lt(one);
    if rare.any() {
        let far = V::select(x_abs.eq(one), V::splat(f64::INFINITY).copysign(x), V::splat(f64::NAN));
        V::select(rare, far, near)
    } else {
        near
    }
}

/// By way of `f64`.
#[inline(always)]
pub(super) fn asinh_f32<V: F32s>(x: V) -> V {
    let x_abs = x.abs();
    let [a, b] = x_abs.widen();
    let near = V::narrow([asinh_short(a), asinh_short(b)]).copysign(x);
    let near = V::select(x_abs.lt(V::splat(TINY_F32)), x, near);
    V::select(x_abs.lt(V::splat(f32::INFINITY)), near, x + x)
}

#[inline(always)]
fn asinh_short<V: F64s>(x: V) -> V {
    log_short(x + x.mul_add(x, V::splat(1.0)).sqrt())
}

/// By way of `f64`.
#[inline(always)]
pub(super) fn acosh_f32<V: F32s>(x: V) -> V {
    let [a, b] = x.widen();
    let near = V::narrow([acosh_short(a), acosh_short(b)]);
    let rare = !(x.ge(V::splat(1.0)) & x.lt(V::splat(f32::INFINITY)));
    if rare.any() {
        let far = V::select(x.lt(V::splat(1.0)), V::splat(f32::NAN), x + x);
        V::select(rare, far, near)
    } else {
        near
    }
}

#[inline(always)]
fn acosh_short<V: F64s>(x: V) -> V {
    log_short(x + x.mul_sub(x, V::splat(1.0)).sqrt())
}

/// By way of `f64`.
#[inline(always)]
pub(super) fn atanh_f32<V: F32s>(x: V) -> V {
    let x_abs = x.abs();
    let [a, b] = x_abs.widen();
    let near = V::narrow([atanh_short(a), atanh_short(b)]).copysign(x);
    let near = V::select(x_abs.lt(V::splat(TINY_F32)), x, near);
    let rare = !x_abs.lt(V::splat(1.0));
    if rare.any() {
        let far = V::select(x_abs.eq(V::splat(1.0)), V::splat(f32::INFINITY).copysign(x), V::splat(f32::NAN));
        V::select(rare, far, near)
    } else {
        near
    }
}

#[inline(always)]
fn atanh_short<V: F64s>(x: V) -> V {
    let one = V::splat(1.0);
    log_short((one + x) / (one - x)) * V::splat(0.5)
}
