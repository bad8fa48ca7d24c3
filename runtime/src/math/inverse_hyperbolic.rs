//! Inverse hyperbolic functions. They are computed from the logarithm of a number in two floats, in
//! `f64` and in `f32` in the same way.
//!
//! For `asinh` this number is `x + sqrt(x^2 + 1)`. For small `x` it is a little more than 1. It has
//! twice the precision of a float, so that its difference from 1 is precise enough for all `x`,
//! except for those so small that `x` itself is the result.

use super::double::Double;
use super::{log, log_f32};
use crate::arch::vector::{F32s, F64s, Mask, Vector};

/// What depends on the precision.
trait Precision<V: Vector> {
    const ONE: V::Elem;
    const HALF: V::Elem;
    const INFINITY: V::Elem;
    const NAN: V::Elem;
    /// Below this magnitude, `asinh` and `atanh` of `x` are `x`, within a tenth of its last place.
    const TINY: V::Elem;
    /// From here on, `x + sqrt(x^2 + 1)` is `2x`, and squares are not far from overflow.
    const LARGE: V::Elem;
    /// A number below all square roots that are not 0.
    const LEAST_ROOT: V::Elem;

    fn log_of_sum(x: Double<V>) -> V;
    fn log_of_twice(x: V) -> V;
}

struct OfF64;

impl<V: F64s> Precision<V> for OfF64 {
    const ONE: f64 = 1.0;
    const HALF: f64 = 0.5;
    const INFINITY: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const TINY: f64 = 1.0 / (1u64 << 28) as f64;
    const LARGE: f64 = (1u128 << 100) as f64;
    const LEAST_ROOT: f64 = 1.0 / (1u64 << 30) as f64;

    #[inline(always)]
    fn log_of_sum(x: Double<V>) -> V {
        log::log_of_sum(x)
    }

    #[inline(always)]
    fn log_of_twice(x: V) -> V {
        log::log_of_twice(x)
    }
}

struct OfF32;

impl<V: F32s> Precision<V> for OfF32 {
    const ONE: f32 = 1.0;
    const HALF: f32 = 0.5;
    const INFINITY: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;
    const TINY: f32 = 1.0 / (1u64 << 13) as f32;
    const LARGE: f32 = (1u64 << 50) as f32;
    const LEAST_ROOT: f32 = 1.0 / (1u64 << 30) as f32;

    #[inline(always)]
    fn log_of_sum(x: Double<V>) -> V {
        log_f32::log_of_sum_f32(x)
    }

    #[inline(always)]
    fn log_of_twice(x: V) -> V {
        log_f32::log_of_twice_f32(x)
    }
}

/// ln(x + sqrt(w)), given `root = sqrt(w.high)` and its sum with `x`.
#[inline(always)]
fn log_of_sum<V: Vector, P: Precision<V>>(w: Double<V>, root: V, sum: Double<V>) -> V {
    // The error of the root. If the root is 0, so is `w`.
    let rest = root.neg_mul_add(root, w.high) + w.low;
    let low = rest * (root.splat(P::HALF) / root.max(root.splat(P::LEAST_ROOT)));
    P::log_of_sum(Double { high: sum.high, low: sum.low + low })
}

#[inline(always)]
fn asinh_to<V: Vector, P: Precision<V>>(x: V) -> V {
    let x_abs = x.abs();
    let square = Double::product(x_abs, x_abs);
    let w = Double::sum(x.splat(P::ONE), square.high);
    let w = Double { high: w.high, low: w.low + square.low };
    let root = w.high.sqrt();
    let near = log_of_sum::<V, P>(w, root, Double::fast_sum(root, x_abs)).copysign(x);
    let near = V::select(x_abs.lt(x.splat(P::TINY)), x, near);
    let rare = !x_abs.lt(x.splat(P::LARGE));
    if rare.any() {
        let far = P::log_of_twice(x_abs).copysign(x);
        let far = V::select(x_abs.lt(x.splat(P::INFINITY)), far, x + x);
        V::select(rare, far, near)
    } else {
        near
    }
}

#[inline(always)]
fn acosh_to<V: Vector, P: Precision<V>>(x: V) -> V {
    let one = x.splat(P::ONE);
    let square = Double::product(x, x);
    let w = Double::fast_sum(square.high, -one);
    let w = Double::fast_sum(w.high, w.low + square.low);
    let root = w.high.sqrt();
    let near = log_of_sum::<V, P>(w, root, Double::fast_sum(x, root));
    let rare = !(x.ge(one) & x.lt(x.splat(P::LARGE)));
    if rare.any() {
        let far = V::select(x.lt(x.splat(P::INFINITY)), P::log_of_twice(x), x + x);
        let far = V::select(x.lt(one), x.splat(P::NAN), far);
        V::select(rare, far, near)
    } else {
        near
    }
}

#[inline(always)]
fn atanh_to<V: Vector, P: Precision<V>>(x: V) -> V {
    let one = x.splat(P::ONE);
    let x_abs = x.abs();
    let below = Double::fast_sum(one, -x_abs);
    let above = Double::fast_sum(one, x_abs);
    // (1 + x) / (1 - x)
    let reciprocal = one / below.high;
    let quotient = above.high * reciprocal;
    let rest = quotient.neg_mul_add(below.high, above.high) + quotient.neg_mul_add(below.low, above.low);
    let log = P::log_of_sum(Double { high: quotient, low: rest * reciprocal });
    let near = (log * x.splat(P::HALF)).copysign(x);
    let near = V::select(x_abs.lt(x.splat(P::TINY)), x, near);
    let rare = !x_abs.lt(one);
    if rare.any() {
        let far = V::select(x_abs.eq(one), x.splat(P::INFINITY).copysign(x), x.splat(P::NAN));
        V::select(rare, far, near)
    } else {
        near
    }
}

/// `ln(x + sqrt(x^2 + 1))`.
#[inline(always)]
pub(super) fn asinh<V: F64s>(x: V) -> V {
    asinh_to::<V, OfF64>(x)
}

/// `ln(x + sqrt(x^2 - 1))`; NaN below 1.
#[inline(always)]
pub(super) fn acosh<V: F64s>(x: V) -> V {
    acosh_to::<V, OfF64>(x)
}

/// `ln((1 + x) / (1 - x)) / 2`; NaN beyond 1.
#[inline(always)]
pub(super) fn atanh<V: F64s>(x: V) -> V {
    atanh_to::<V, OfF64>(x)
}

#[inline(always)]
pub(super) fn asinh_f32<V: F32s>(x: V) -> V {
    asinh_to::<V, OfF32>(x)
}

#[inline(always)]
pub(super) fn acosh_f32<V: F32s>(x: V) -> V {
    acosh_to::<V, OfF32>(x)
}

#[inline(always)]
pub(super) fn atanh_f32<V: F32s>(x: V) -> V {
    atanh_to::<V, OfF32>(x)
}
