//! Logarithms of `f32`, computed in `f32`, and a less precise logarithm of `f64` for `pow`.
//!
//! The method is that of log.rs, with eight numbers `r` of 6 bits; `t` is at most 1/14.

use super::double::Double;
use super::log::{Reduced, extended};
use super::log_table::{
    LN_HIGH_F32, LN_LOW_F32, LOG2_HIGH, LOG2_HIGH_F32, LOG2_LOW_F32, LOG10_HIGH_F32, LOG10_LOW_F32, RECIPROCAL,
    RECIPROCAL_F32,
};
use super::polynomial::even_odd;
use crate::arch::vector::{Bits, F32s, F64s, Mask, Table, Vector};

/// What depends on the base `b`.
trait Base {
    /// `-log(r)` less 127 times the logarithm of 2, in two parts: `HIGH` and `LOW`.
    const HIGH: [f32; 8];
    const LOW: [f32; 8];
    /// The logarithm of 2, in two parts, whose products with exponent fields are exact.
    const OF_2: [f32; 2];
    /// The logarithm of e, in two parts. The product of the first part with `t` is exact, and the
    /// second part is not too large.
    const OF_E: [f32; 2];
    /// `p` with `log(1 + t) = t log(e) + t^2 p(t)`, made by sollya/log.sollya. Its error is 2^-29
    /// of the logarithm, and 2^-27 where `OF_E` is not exact.
    const SERIES: [f32; 5];
}

struct Natural;

impl Base for Natural {
    const HIGH: [f32; 8] = LN_HIGH_F32;
    const LOW: [f32; 8] = LN_LOW_F32;
    const OF_2: [f32; 2] = [0.69314575, 1.4286197e-6];
    const OF_E: [f32; 2] = [1.0, 0.0];
    const SERIES: [f32; 5] = [-0.5, 0.33333236, -0.24999514, 0.200834, -0.16871144];
}

struct Two;

impl Base for Two {
    const HIGH: [f32; 8] = LOG2_HIGH_F32;
    const LOW: [f32; 8] = LOG2_LOW_F32;
    const OF_2: [f32; 2] = [1.0, 0.0];
    const OF_E: [f32; 2] = [1.0, 0.44269505];
    const SERIES: [f32; 5] = [-0.7213475, 0.48088726, -0.36068493, 0.2914684, -0.23865575];
}

struct Ten;

impl Base for Ten {
    const HIGH: [f32; 8] = LOG10_HIGH_F32;
    const LOW: [f32; 8] = LOG10_LOW_F32;
    const OF_2: [f32; 2] = [0.3010254, 4.605041e-6];
    const OF_E: [f32; 2] = [0.5, -0.065705515];
    const SERIES: [f32; 5] = [-0.21714725, 0.14476195, -0.10857096, 0.087659374, -0.07285362];
}

/// The bits of 12/16. The least `m` is half a step below this number.
pub(super) const LOWEST: u32 = 0x3f40 << 16;

/// Half the distance between the bits of two neighbours among 12/16, ..., 15/16, 1, 9/8, ...
pub(super) const HALF_STEP: u32 = 1 << 19;

/// The bits of a float's fraction.
pub(super) const FRACTION: u32 = (1 << 23) - 1;

/// The exponent field of 1.
pub(super) const ONE: u32 = 127 << 23;

/// The bits of the least normal number and of infinity, between which a number is ordinary.
pub(super) const ORDINARY: [u32; 2] = [1 << 23, 0xff << 23];

pub(super) const SIGN: u32 = 1 << 31;

/// `x = 2^k (1 + t) / r`.
struct ReducedF32<V: Vector> {
    /// From the top: a sign of 0, the exponent field of `2^k`, the number of `r` in three bits, and
    /// lower bits.
    shifted: V::Bits,
    r: V,
    t: V,
}

impl<V: F32s> ReducedF32<V> {
    /// Reduces a normal, positive number.
    #[inline(always)]
    fn of(x: V) -> ReducedF32<V> {
        let shifted = x.to_bits() + x.splat_bits(ONE + HALF_STEP - LOWEST);
        let m = V::from_bits((shifted & x.splat_bits(FRACTION)) + x.splat_bits(LOWEST - HALF_STEP));
        let r = V::lookup(&RECIPROCAL_F32, shifted.shr(20));
        ReducedF32 { shifted, r, t: m.mul_sub(r, x.splat(1.0)) }
    }

    /// `2^-k`, for `x` below 2^126.
    #[inline(always)]
    fn scale(&self) -> V {
        V::from_bits(self.shifted.splat(2 * ONE) - (self.shifted & self.shifted.splat(!FRACTION)))
    }

    /// The logarithm of `2^(k + offset) (1 + t) / r`. In the natural logarithm, `1 + t + rest`
    /// takes the place of `1 + t`.
    #[inline(always)]
    fn log<B: Base>(&self, offset: f32, rest: V) -> V {
        let idx = self.shifted.shr(20);
        let (high, low) = (V::lookup(&B::HIGH, idx), V::lookup(&B::LOW, idx));
        let biased = V::from_int(self.shifted.shr(23));
        let k = if offset == 0.0 { biased } else { biased + rest.splat(offset) };
        let (high, low) = if B::OF_2[0] == 1.0 {
            (k + high, low)
        } else {
            (k.mul_add(rest.splat(B::OF_2[0]), high), k.mul_add(rest.splat(B::OF_2[1]), low))
        };
        let head = if B::OF_E[0] == 1.0 { self.t } else { self.t * rest.splat(B::OF_E[0]) };
        let low = low + rest;
        let t = self.t + rest;
        let square = t * t;
        let low = square.mul_add(even_odd(t, square, &B::SERIES), low);
        let low = if B::OF_E[1] == 0.0 { low } else { t.mul_add(rest.splat(B::OF_E[1]), low) };
        // `high` has the larger magnitude, or is 0.
        let sum = Double::fast_sum(high, head);
        sum.high + (sum.low + low)
    }
}

/// The logarithm of `2^offset x`, for normal, positive `x`.
#[inline(always)]
fn log_normal<V: F32s, B: Base>(x: V, offset: f32) -> V {
    ReducedF32::of(x).log::<B>(offset, x.splat(-0.0))
}

/// The same as `log_of_sum` in log.rs, for a sum below 2^126.
#[inline(always)]
pub(super) fn log_of_sum_f32<V: F32s>(x: Double<V>) -> V {
    let reduced = ReducedF32::of(x.high);
    reduced.log::<Natural>(0.0, x.low * reduced.scale() * reduced.r)
}

/// The natural logarithm of `2x`, for normal, positive `x`.
#[inline(always)]
pub(super) fn log_of_twice_f32<V: F32s>(x: V) -> V {
    log_normal::<V, Natural>(x, 1.0)
}

#[inline(always)]
fn log_to<V: F32s, B: Base>(x: V) -> V {
    let near = log_normal::<V, B>(x, 0.0);
    // The numbers are compared as signed ones, which AVX2 can do. For this, the sign bits of both
    // are flipped.
    let above = x.to_bits() + x.splat_bits(SIGN - ORDINARY[0]);
    let rare = x.splat_bits((ORDINARY[1] - ORDINARY[0] - 1) ^ SIGN).lt_signed(above);
    if rare.any() {
        let of_subnormal = log_normal::<V, B>(x * x.splat(2f32.powi(24)), -24.0);
        V::select(rare, extended(x, 0.0, of_subnormal), near)
    } else {
        near
    }
}

/// ln(x).
#[inline(always)]
pub(super) fn log_f32<V: F32s>(x: V) -> V {
    log_to::<V, Natural>(x)
}

/// log2(x).
#[inline(always)]
pub(super) fn log2_f32<V: F32s>(x: V) -> V {
    log_to::<V, Two>(x)
}

/// log10(x).
#[inline(always)]
pub(super) fn log10_f32<V: F32s>(x: V) -> V {
    log_to::<V, Ten>(x)
}

/// ln(1 + x): the logarithm of `1 + x` in two floats.
#[inline(always)]
pub(super) fn log1p_f32<V: F32s>(x: V) -> V {
    // The sign is that of `x` already, except for zeros, so `copysign` is for them.
    let near = log_of_sum_f32(Double::sum(x.splat(1.0), x)).copysign(x);
    let rare = !(x.gt(x.splat(-1.0)) & x.lt(x.splat(2f32.powi(120))));
    if rare.any() { V::select(rare, extended(x, -1.0, log_normal::<V, Natural>(x, 0.0)), near) } else { near }
}

/// The `r` of log.rs and `-log2(r)`, less 1023.
const SHORT_TABLE: &Table<f64, 16, 2> = &Table::of_columns([RECIPROCAL, LOG2_HIGH]);

/// `p` with `log2(1 + t) = t p(t)` for the `t` of log.rs, made by sollya/log.sollya. Its error is
/// 2^-37 of the logarithm.
const LOG2_SHORT: [f64; 6] = [
    1.4426950408976063,
    -0.7213475204898747,
    0.48089820587315285,
    -0.36067349950498884,
    0.2888801702920361,
    -0.24084730192385564,
];

/// log2(x) for normal, positive `x`, with an error of 2^-37 of the result.
#[inline(always)]
pub(super) fn log2_short<V: F64s>(x: V) -> V {
    let reduced = Reduced::of(x);
    let [r, log2] = V::lookup_columns(SHORT_TABLE, reduced.idx(), 0);
    let t = reduced.m.mul_sub(r, x.splat(1.0));
    t.mul_add(even_odd(t, t * t, &LOG2_SHORT), reduced.biased(0.0) + log2)
}
