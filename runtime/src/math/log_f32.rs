//! Logarithms of `f32`, in `f32`, and shorter ones of `f64` for those functions of `f32` that go by way of `f64`.
//!
//! `x = 2^k (1 + f)` with `1 + f` from 0.707 to 1.414, and `log(1 + f) = f log(e) + f^2 q(f)` with a minimax polynomial
//! `q`. The first terms are added in two floats.

use super::double::Double;
use super::log::Reduced;
use super::log_table::{LN_HIGH, LOG2_HIGH};
use super::polynomial::{even_odd, horner};
use crate::arch::vector::{Bits, F32s, F64s, Mask, Vector};

/// What depends on the base `b`.
trait Base {
    /// The logarithm of 2, in two parts: the product of the first, a multiple of 2^-15, with `k` is exact.
    const OF_2: [f32; 2];
    /// That of e, in two parts.
    const OF_E: [f32; 2];
    /// `q`.
    const SERIES: [f32; 9];
}

struct Natural;

impl Base for Natural {
    const OF_2: [f32; 2] = [0.69314575, 1.4286068e-6];
    const OF_E: [f32; 2] = [1.0, 0.0];
    /// By sollya/log.sollya, off by 2^-26.7 of the logarithm.
    const SERIES: [f32; 9] =
        [-0.49999997, 0.33333325, -0.2500083, 0.2000167, -0.1662594, 0.14194824, -0.13121708, 0.12788457, -0.077738434];
}

struct Two;

impl Base for Two {
    const OF_2: [f32; 2] = [1.0, 0.0];
    const OF_E: [f32; 2] = [1.442695, 1.925963e-8];
    /// By sollya/log.sollya, off by 2^-26.6 of the logarithm.
    const SERIES: [f32; 9] =
        [-0.7213475, 0.48089826, -0.3606829, 0.28855935, -0.23992284, 0.20489433, -0.18893377, 0.18369973, -0.11204538];
}

struct Ten;

impl Base for Ten {
    const OF_2: [f32; 2] = [0.3010254, 4.605039e-6];
    const OF_E: [f32; 2] = [0.4342945, -1.010305e-8];
    /// By sollya/log.sollya, off by 2^-26.7 of the logarithm.
    const SERIES: [f32; 9] = [
        -0.21714723,
        0.1447648,
        -0.10857697,
        0.086865775,
        -0.07221116,
        0.061657697,
        -0.05695327,
        0.05546272,
        -0.03374573,
    ];
}

/// The bits of the least `1 + f`, a little below the square root of 1/2.
const LOWEST: u32 = 0x3f35_0480;

/// The bits of a float's fraction.
const FRACTION: u32 = (1 << 23) - 1;

/// The exponent field of 1.
const ONE: u32 = 127 << 23;

/// The bits of the least normal number and of infinity, between which a number is ordinary.
const ORDINARY: [u32; 2] = [1 << 23, 0xff << 23];

const SIGN: u32 = 1 << 31;

/// `x = 2^k (1 + f)`, for normal, positive `x`: the bits of `x` with the exponent field of `2^k`, and `f`, exact.
#[inline(always)]
fn reduce<V: F32s>(x: V) -> (V::Bits, V) {
    let shifted = x.to_bits() + V::Bits::splat(ONE - LOWEST);
    let m = V::from_bits((shifted & V::Bits::splat(FRACTION)) + V::Bits::splat(LOWEST));
    (shifted, m - V::splat(1.0))
}

/// The logarithm of `2^(k + offset) (1 + f)`.
#[inline(always)]
fn log_reduced<V: F32s, B: Base>(shifted: V::Bits, offset: f32, f: Double<V>) -> V {
    // In the low bits of 2^23 a whole number is itself.
    let shifted_up = V::from_bits(shifted.shr(23) | V::Bits::splat(2f32.powi(23).to_bits()));
    let k = shifted_up - V::splat(2f32.powi(23) + 127.0 - offset);
    let [high, low] = B::OF_2.map(V::splat);
    let square = f.high * f.high;
    let (head, tail) = if B::OF_E[0] == 1.0 {
        (f.high, f.low)
    } else {
        let [e, e_low] = B::OF_E.map(V::splat);
        let head = f.high * e;
        (head, f.high.mul_add(e_low, f.high.mul_sub(e, head)))
    };
    let (high, tail) = if B::OF_2[0] == 1.0 { (k, tail) } else { (k * high, k.mul_add(low, tail)) };
    let tail = square.mul_add(even_odd(f.high, square, &B::SERIES), tail);
    // `high` is the larger or 0.
    let sum = Double::fast_sum(high, head);
    sum.high + (sum.low + tail)
}

/// Of `2^offset x`, for normal, positive `x`.
#[inline(always)]
fn log_normal<V: F32s, B: Base>(x: V, offset: f32) -> V {
    let (shifted, f) = reduce(x);
    log_reduced::<V, B>(shifted, offset, Double { high: f, low: V::splat(-0.0) })
}

#[inline(always)]
fn log_to<V: F32s, B: Base>(x: V) -> V {
    let near = log_normal::<V, B>(x, 0.0);
    // Compared as signed numbers, which AVX2 can: hence the other sign.
    let above = x.to_bits() + V::Bits::splat(SIGN - ORDINARY[0]);
    let rare = V::Bits::splat((ORDINARY[1] - ORDINARY[0] - 1) ^ SIGN).lt_signed(above);
    if rare.any() {
        let of_subnormal = log_normal::<V, B>(x * V::splat(2f32.powi(24)), -24.0);
        let far = V::select(x.lt(V::splat(f32::INFINITY)), of_subnormal, x + x);
        let far = V::select(x.eq(V::splat(0.0)), V::splat(f32::NEG_INFINITY), far);
        let far = V::select(x.lt(V::splat(0.0)), V::splat(f32::NAN), far);
        V::select(rare, far, near)
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

/// ln(1 + x): that of `1 + x` in two floats.
#[inline(always)]
pub(super) fn log1p_f32<V: F32s>(x: V) -> V {
    let sum = Double::sum(V::splat(1.0), x);
    let (shifted, f) = reduce(sum.high);
    let scale = V::from_bits(V::Bits::splat(2 * ONE) - (shifted & V::Bits::splat(!FRACTION)));
    let f = Double::fast_sum(f, sum.low * scale);
    // ln(1 + f + low) = ln(1 + f) + low / (1 + f), or nearly.
    let f = Double { high: f.high, low: f.high.neg_mul_add(f.low, f.low) };
    // The sign is that of `x`; this is for zeros.
    let near = log_reduced::<V, Natural>(shifted, 0.0, f).copysign(x);
    let rare = !(x.gt(V::splat(-1.0)) & x.lt(V::splat(2f32.powi(120))));
    if rare.any() {
        let far = V::select(x.lt(V::splat(f32::INFINITY)), log_normal::<V, Natural>(x, 0.0), x + x);
        let far = V::select(x.eq(V::splat(-1.0)), V::splat(f32::NEG_INFINITY), far);
        let far = V::select(x.lt(V::splat(-1.0)), V::splat(f32::NAN), far);
        V::select(rare, far, near)
    } else {
        near
    }
}

/// About the reciprocals of the sixteen numbers of log.rs.
const RECIPROCAL: [f64; 16] = [
    1.391304347826087,
    1.3333333333333333,
    1.28,
    1.2307692307692308,
    1.1851851851851851,
    1.1428571428571428,
    1.103448275862069,
    1.0666666666666667,
    1.032258064516129,
    1.0,
    0.9411764705882353,
    0.8888888888888888,
    0.8421052631578947,
    0.8,
    0.7619047619047619,
    0.7272727272727273,
];

/// `p` with `ln(1 + t) = t p(t)` for `|t| <= 1/32`, by sollya/log.sollya. Off by 2^-31 of the logarithm.
const LN_SHORT: [f64; 5] =
    [1.000000000008328, -0.4999999502783687, 0.333333222490197, -0.25020360726988666, 0.2002443858056776];

/// ln(x) for normal, positive `x`, off by 2^-31 of it; where `x` is near 1, `x - 1` has to be as good.
#[inline(always)]
pub(super) fn log_short<V: F64s>(x: V) -> V {
    let (k, idx, t) = reduce_short(x);
    let head = k.mul_add(V::splat(std::f64::consts::LN_2), V::lookup(&LN_HIGH, idx));
    t.mul_add(horner(t, &LN_SHORT), head)
}

/// `p` with `log2(1 + t) = t p(t)` for `|t| <= 1/32`, by sollya/log.sollya. Off by 2^-37 of the logarithm.
const LOG2_SHORT: [f64; 6] = [
    1.4426950408949697,
    -0.721347520476026,
    0.480898236271768,
    -0.36067355568603365,
    0.28884117938681453,
    -0.2408017898852553,
];

/// log2(x) for normal, positive `x`, off by 2^-37 of it.
#[inline(always)]
pub(super) fn log2_short<V: F64s>(x: V) -> V {
    let (k, idx, t) = reduce_short(x);
    t.mul_add(horner(t, &LOG2_SHORT), k + V::lookup(&LOG2_HIGH, idx))
}

/// `x = 2^k c (1 + t)`: `k`, the number of `c`, and `t`.
#[inline(always)]
fn reduce_short<V: F64s>(x: V) -> (V, V::Bits, V) {
    let (k, idx, m) = Reduced::parts(x);
    (k, idx, m.mul_sub(V::lookup(&RECIPROCAL, idx), V::splat(1.0)))
}
