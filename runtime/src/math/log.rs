//! Logarithms.
//!
//! `x = 2^k m` with `m` from 0.703 to 1.406, and `r` is one of sixteen numbers of 7 bits, near
//! `1/m` (Tang, "Table-driven implementation of the logarithm function", 1990). Then `t = m r - 1`
//! is exact and at most 1/30, and
//!
//! ```text
//! log x = k log 2 - log r + log(1 + t),   log(1 + t) = t log e + t^2 p(t)
//! ```
//!
//! with a minimax polynomial `p`. The first terms are added in two floats. Where `x` is near 1, `k`
//! is 0 and `r` is 1: only `t` is left, and nothing cancels.

use super::double::Double;
use super::exp::Parameters;
use super::log_table::{LN_HIGH, LN_LOW, LOG2_HIGH, LOG2_LOW, LOG10_HIGH, LOG10_LOW, RECIPROCAL};
use super::polynomial::even_odd;
use crate::arch::vector::{Bits, F64s, Mask, Table, Vector};

/// What depends on the base `b`.
trait Base {
    /// `-log(r)` less 1023 times the logarithm of 2, in two parts.
    const OF_RECIPROCAL: &'static Table<f64, 16, 2>;
    /// The logarithm of 2, in two parts, whose products with exponent fields are exact.
    const OF_2: [f64; 2];
    /// The logarithm of e, in two parts.
    const OF_E: [f64; 2];
    /// The coefficients of `p`, made by sollya/log.sollya. The error is 2^-60 of the logarithm.
    const SERIES: [f64; 9];
}

struct Natural;

impl Base for Natural {
    const OF_RECIPROCAL: &'static Table<f64, 16, 2> = &Table::of_columns([LN_HIGH, LN_LOW]);
    const OF_2: [f64; 2] = [0.6931471805598903, 5.49792301870721e-14];
    const OF_E: [f64; 2] = [1.0, 0.0];
    const SERIES: [f64; 9] = [
        -0.5,
        0.3333333333333286,
        -0.24999999999998665,
        0.20000000005724813,
        -0.16666666676816205,
        0.14285695600731055,
        -0.12499975250527302,
        0.11133695378287756,
        -0.10024286866870331,
    ];
}

struct Two;

impl Base for Two {
    const OF_RECIPROCAL: &'static Table<f64, 16, 2> = &Table::of_columns([LOG2_HIGH, LOG2_LOW]);
    const OF_2: [f64; 2] = [1.0, 0.0];
    const OF_E: [f64; 2] = [std::f64::consts::LOG2_E, 2.0355273740931033e-17];
    const SERIES: [f64; 9] = [
        -0.7213475204444817,
        0.48089834696298095,
        -0.3606737602223447,
        0.28853900826048867,
        -0.24044917322584494,
        0.20609902182592654,
        -0.18033700936652836,
        0.16062534742760226,
        -0.14442382590394473,
    ];
}

struct Ten;

impl Base for Ten {
    const OF_RECIPROCAL: &'static Table<f64, 16, 2> = &Table::of_columns([LOG10_HIGH, LOG10_LOW]);
    const OF_2: [f64; 2] = [0.3010299956640665, -8.532344317061254e-14];
    const OF_E: [f64; 2] = [std::f64::consts::LOG10_E, 1.098319650216765e-17];
    const SERIES: [f64; 9] = [
        -0.2171472409516259,
        0.1447648273010819,
        -0.10857362047587359,
        0.08685889640546443,
        -0.07238241347768845,
        0.062041987770853235,
        -0.0542869651291624,
        0.04835298920726596,
        -0.043429145840246375,
    ];
}

/// The bits of 23/32. The least `m` is half a step below this number.
const LOWEST: u64 = 0x3fe7 << 48;

/// Half the distance between the bits of two neighbours among 23/32, 24/32, ..., 1, 17/16, ...
const HALF_STEP: u64 = 1 << 47;

/// The bits of a float's fraction.
const FRACTION: u64 = (1 << 52) - 1;

/// The exponent field of 1.
const ONE: u64 = 1023 << 52;

/// The bits of the least normal number and of infinity, between which a number is ordinary.
const ORDINARY: [u64; 2] = [1 << 52, 0x7ff << 52];

const SIGN: u64 = 1 << 63;

/// `x = 2^k m`.
pub(super) struct Reduced<V: Vector> {
    /// From the top: the exponent field of `2^k`, the number of `r` in four bits, and lower bits.
    shifted: V::Bits,
    pub(super) m: V,
}

impl<V: F64s> Reduced<V> {
    /// Reduces a normal, positive number.
    #[inline(always)]
    pub(super) fn of(x: V) -> Reduced<V> {
        let shifted = x.to_bits() + x.splat_bits(ONE + HALF_STEP - LOWEST);
        let m = V::from_bits((shifted & x.splat_bits(FRACTION)) + x.splat_bits(LOWEST - HALF_STEP));
        Reduced { shifted, m }
    }

    /// `1023 + k + offset`.
    #[inline(always)]
    pub(super) fn biased(&self, offset: f64) -> V {
        let biased = V::from_int(self.shifted.shr(52));
        if offset == 0.0 { biased } else { biased + biased.splat(offset) }
    }

    /// The number of `r`, in the low four bits.
    #[inline(always)]
    pub(super) fn idx(&self) -> V::Bits {
        self.shifted.shr(48)
    }

    /// The number among 23/32, 24/32, ..., 1, 17/16, ... that is nearest to `m`.
    #[inline(always)]
    pub(super) fn center(&self) -> V {
        V::from_bits((self.shifted & self.shifted.splat(0xf << 48)) + self.shifted.splat(LOWEST))
    }

    /// `r`.
    #[inline(always)]
    pub(super) fn reciprocal(&self) -> V {
        V::lookup(&RECIPROCAL, self.idx())
    }

    /// `2^-k`, for `x` below 2^1022.
    #[inline(always)]
    fn scale(&self) -> V {
        V::from_bits(self.shifted.splat(2 * ONE) - (self.shifted & self.shifted.splat(!FRACTION)))
    }

    /// The logarithm of `2^(k + offset) (1 + t) / r`. In the natural logarithm, `1 + t + rest`
    /// takes the place of `1 + t`.
    #[inline(always)]
    fn log<B: Base>(&self, offset: f64, t: V, rest: V) -> V {
        let [high, low] = V::lookup_columns(B::OF_RECIPROCAL, self.idx(), 0);
        let k = self.biased(offset);
        let (high, low) = if B::OF_2[0] == 1.0 {
            (k + high, low)
        } else {
            (k.mul_add(t.splat(B::OF_2[0]), high), k.mul_add(t.splat(B::OF_2[1]), low))
        };
        let (head, low) = if B::OF_E[0] == 1.0 {
            (t, low + rest)
        } else {
            let Double { high: e, low: e_low } = Double::splat(t, B::OF_E);
            let head = t * e;
            (head, t.mul_add(e_low, t.mul_sub(e, head)) + low)
        };
        let t = t + rest;
        let square = t * t;
        let low = square.mul_add(even_odd(t, square, &B::SERIES), low);
        // `high` has the larger magnitude, or is 0.
        let sum = Double::fast_sum(high, head);
        sum.high + (sum.low + low)
    }
}

/// The logarithm of `2^offset x`, for normal, positive `x`.
#[inline(always)]
fn log_normal<V: F64s, B: Base>(x: V, offset: f64) -> V {
    let reduced = Reduced::of(x);
    let t = reduced.m.mul_sub(reduced.reciprocal(), x.splat(1.0));
    reduced.log::<B>(offset, t, x.splat(-0.0))
}

/// The natural logarithm of a sum that is normal, positive and below 2^1022, and whose second part
/// is no more than the last place of the first. Where the sum is near 1, the result is as precise
/// as the sum less 1 is.
#[inline(always)]
pub(super) fn log_of_sum<V: F64s>(x: Double<V>) -> V {
    let reduced = Reduced::of(x.high);
    let reciprocal = reduced.reciprocal();
    let t = reduced.m.mul_sub(reciprocal, x.high.splat(1.0));
    reduced.log::<Natural>(0.0, t, x.low * reduced.scale() * reciprocal)
}

/// The natural logarithm of `2x`, for normal, positive `x`.
#[inline(always)]
pub(super) fn log_of_twice<V: F64s>(x: V) -> V {
    log_normal::<V, Natural>(x, 1.0)
}

/// True where `x` is not a normal, positive, finite number.
#[inline(always)]
pub(super) fn is_extraordinary<V: F64s>(x: V) -> V::Mask {
    // The numbers are compared as signed ones, which AVX2 can do. For this, the sign bits of both
    // are flipped.
    let above = x.to_bits() + x.splat_bits(SIGN - ORDINARY[0]);
    x.splat_bits((ORDINARY[1] - ORDINARY[0] - 1) ^ SIGN).lt_signed(above)
}

/// A logarithm whose pole is at `pole`, for any `x`, given its `value` where it is finite. The same
/// code serves both dtypes.
#[inline(always)]
pub(super) fn extended<V: Vector>(x: V, pole: V::Elem, value: V) -> V
where
    V::Elem: Parameters,
{
    let (pole, infinity) = (x.splat(pole), x.splat(V::Elem::INFINITY));
    let value = V::select(x.lt(infinity), value, x + x);
    let value = V::select(x.eq(pole), -infinity, value);
    V::select(x.lt(pole), x.splat(V::Elem::NAN), value)
}

#[inline(always)]
fn log_to<V: F64s, B: Base>(x: V) -> V {
    let near = log_normal::<V, B>(x, 0.0);
    let rare = is_extraordinary(x);
    if rare.any() {
        let of_subnormal = log_normal::<V, B>(x * x.splat(2f64.powi(54)), -54.0);
        V::select(rare, extended(x, 0.0, of_subnormal), near)
    } else {
        near
    }
}

/// ln(x).
#[inline(always)]
pub(super) fn log<V: F64s>(x: V) -> V {
    log_to::<V, Natural>(x)
}

/// log2(x).
#[inline(always)]
pub(super) fn log2<V: F64s>(x: V) -> V {
    log_to::<V, Two>(x)
}

/// log10(x).
#[inline(always)]
pub(super) fn log10<V: F64s>(x: V) -> V {
    log_to::<V, Ten>(x)
}

/// ln(1 + x): the logarithm of `1 + x` in two floats.
#[inline(always)]
pub(super) fn log1p<V: F64s>(x: V) -> V {
    // The sign is that of `x` already, except for zeros, so `copysign` is for them.
    let near = log_of_sum(Double::sum(x.splat(1.0), x)).copysign(x);
    let rare = !(x.gt(x.splat(-1.0)) & x.lt(x.splat(2f64.powi(1000))));
    if rare.any() { V::select(rare, extended(x, -1.0, log_normal::<V, Natural>(x, 0.0)), near) } else { near }
}
