//! Logarithms.
//!
//! `x = 2^k m` with `m` from 0.703 to 1.406, and `c` the nearest to `m` of sixteen short numbers, whose logarithms are in
//! a table (Tang, "Table-driven implementation of the logarithm function", 1990). With `f = m - c`, which is exact, and
//! `s = f / (c + f/2)`,
//!
//! ```text
//! ln x = k ln 2 + ln c + ln(m / c),   ln(m / c) = 2 artanh(s/2) = s + s^3/12 + s^5/80 + ...
//! ```
//!
//! `|s|` is below 1/32, so that four terms of the series are enough, and they are so much smaller than `s` that they need
//! no more than one float; what `s` lacks is found from the remainder of the division. Where `x` is near 1, `k` is 0 and
//! `c` is 1: `s` alone is left, and nothing cancels. The sum of it all is good to 2^-66, in two floats.

use super::double::Double;
use super::log_table::{LN_HIGH, LN_LOW, LOG2_HIGH, LOG2_LOW, LOG10_HIGH, LOG10_LOW};
use super::polynomial::horner;
use crate::arch::vector::{Bits, F64s, Mask, Vector};

/// What depends on the base `b`.
trait Base {
    /// The logarithms of the sixteen numbers, in two parts.
    const HIGH: [f64; 16];
    const LOW: [f64; 16];
    /// That of 2, in two parts: the product of the first, a multiple of 2^-42, with `k` is exact.
    const OF_2: [f64; 2];
    /// That of e, in two parts.
    const OF_E: [f64; 2];
    /// `p` with `log(m / c) = s log(e) + s^3 p(s^2)`.
    const SERIES: [f64; 4];
}

struct Natural;

impl Base for Natural {
    const HIGH: [f64; 16] = LN_HIGH;
    const LOW: [f64; 16] = LN_LOW;
    const OF_2: [f64; 2] = [0.6931471805598903, 5.497923018708371e-14];
    const OF_E: [f64; 2] = [1.0, 0.0];
    /// By sollya/log.sollya, off by 2^-71 of `s`.
    const SERIES: [f64; 4] = [0.08333333333333333, 0.01250000000005322, 0.0022321426850138316, 0.000434239759692637];
}

struct Two;

impl Base for Two {
    const HIGH: [f64; 16] = LOG2_HIGH;
    const LOW: [f64; 16] = LOG2_LOW;
    const OF_2: [f64; 2] = [1.0, 0.0];
    const OF_E: [f64; 2] = [1.4426950408889634, 2.0355273740931033e-17];
    /// By sollya/log.sollya, off by 2^-71 of `s`.
    const SERIES: [f64; 4] = [0.12022458674074694, 0.018033688011185853, 0.003220301188498553, 0.0006264717623378972];
}

struct Ten;

impl Base for Ten {
    const HIGH: [f64; 16] = LOG10_HIGH;
    const LOW: [f64; 16] = LOG10_LOW;
    const OF_2: [f64; 2] = [0.3010299956640665, -8.532344317057107e-14];
    const OF_E: [f64; 2] = [0.4342944819032518, 1.098319650216765e-17];
    /// By sollya/log.sollya, off by 2^-70 of `s`.
    const SERIES: [f64; 4] = [0.03619120682527099, 0.005428681023784975, 0.0009694073117317624, 0.00018855122884138602];
}

/// The bits of the least of the sixteen numbers, 23/32.
const LOWEST: u64 = 0x3fe7 << 48;

/// The distance of the bits of two neighbours among them.
const STEP: u64 = 1 << 48;

/// The bits of a float's fraction.
const FRACTION: u64 = (1 << 52) - 1;

/// The exponent field of 1.
const ONE: u64 = 1023 << 52;

/// The bits of the least normal number and of infinity, between which a number is ordinary.
const ORDINARY: [u64; 2] = [1 << 52, 0x7ff << 52];

const SIGN: u64 = 1 << 63;

/// `x = 2^k (c + f)`.
pub(super) struct Reduced<V: Vector> {
    /// From the top: the exponent field of `2^k`, the number of `c`, and the distance from the place halfway to the number
    /// before it.
    shifted: V::Bits,
    /// `c + f`.
    m: V,
    pub(super) c: V,
    /// Exact.
    pub(super) f: V,
}

impl<V: F64s> Reduced<V> {
    /// Of a normal, positive number.
    #[inline(always)]
    pub(super) fn of(x: V) -> Reduced<V> {
        let shifted = x.to_bits() + V::Bits::splat(ONE + STEP / 2 - LOWEST);
        let m = V::from_bits((shifted & V::Bits::splat(FRACTION)) + V::Bits::splat(LOWEST - STEP / 2));
        let c = V::from_bits((shifted & V::Bits::splat(FRACTION & !(STEP - 1))) + V::Bits::splat(LOWEST));
        Reduced { shifted, m, c, f: m - c }
    }

    /// `x = 2^k m`: `k`, the number of `c`, and `m`.
    #[inline(always)]
    pub(super) fn parts(x: V) -> (V, V::Bits, V) {
        let reduced = Reduced::of(x);
        (reduced.k(0.0), reduced.shifted.shr(48), reduced.m)
    }

    /// `k + offset`.
    #[inline(always)]
    fn k(&self, offset: f64) -> V {
        // In the low bits of 2^52 a whole number is itself.
        let shifted_up = V::from_bits(self.shifted.shr(52) | V::Bits::splat(2f64.powi(52).to_bits()));
        shifted_up - V::splat(2f64.powi(52) + 1023.0 - offset)
    }

    /// `2^-k`, for `x` below 2^1022.
    #[inline(always)]
    pub(super) fn scale(&self) -> V {
        V::from_bits(V::Bits::splat(2 * ONE) - (self.shifted & V::Bits::splat(!FRACTION)))
    }

    /// The divisor of `s`.
    #[inline(always)]
    pub(super) fn divisor(&self) -> V {
        self.f.mul_add(V::splat(0.5), self.c)
    }

    /// The logarithm of `2^(k + offset) (c + f + f_low)`, `f` being another than at first by one part in 2^50 of `c`, given
    /// `1 / divisor()` within one part in 2^50. The second part of the result is up to 2^-14 of the first.
    #[inline(always)]
    fn log<B: Base>(&self, offset: f64, f: Double<V>, reciprocal: V) -> Double<V> {
        let idx = self.shifted.shr(48);
        let (high, low) = (V::lookup(&B::HIGH, idx), V::lookup(&B::LOW, idx));
        let k = self.k(offset);
        let (high, low) = if B::OF_2[0] == 1.0 {
            (k + high, low)
        } else {
            (k.mul_add(V::splat(B::OF_2[0]), high), k.mul_add(V::splat(B::OF_2[1]), low))
        };

        let s = f.high * reciprocal;
        let rest = s.neg_mul_add(f.high * V::splat(0.5), s.neg_mul_add(self.c, f.high)) + f.low;
        let square = s * s;
        let (head, low) = if B::OF_E[0] == 1.0 {
            (s, rest.mul_add(reciprocal, low))
        } else {
            let [e, e_low] = B::OF_E.map(V::splat);
            let head = s * e;
            (head, (rest * reciprocal).mul_add(e, s.mul_add(e_low, s.mul_sub(e, head) + low)))
        };
        let low = (s * square).mul_add(horner(square, &B::SERIES), low);
        // `high` is the larger or 0.
        let sum = Double::fast_sum(high, head);
        Double { high: sum.high, low: sum.low + low }
    }

    /// The natural logarithm of `2^k (c + f + f_low)`, as [`log`](Reduced::log).
    #[inline(always)]
    pub(super) fn ln(&self, f: Double<V>, reciprocal: V) -> Double<V> {
        self.log::<Natural>(0.0, f, reciprocal)
    }
}

/// Of `2^offset x`, for normal, positive `x`; the second part is up to 2^-14 of the first.
#[inline(always)]
fn log_parts<V: F64s, B: Base>(x: V, offset: f64) -> Double<V> {
    let reduced = Reduced::of(x);
    let reciprocal = V::splat(1.0) / reduced.divisor();
    reduced.log::<B>(offset, Double { high: reduced.f, low: V::splat(-0.0) }, reciprocal)
}

/// The natural logarithm of a normal, positive number, off by at most one part in 2^66.
#[inline(always)]
pub(super) fn log_double<V: F64s>(x: V) -> Double<V> {
    let parts = log_parts::<V, Natural>(x, 0.0);
    Double::fast_sum(parts.high, parts.low)
}

/// [`log_double`] for subnormal `x`.
#[inline(always)]
pub(super) fn log_double_of_subnormal<V: F64s>(x: V) -> Double<V> {
    let parts = log_parts::<V, Natural>(x * V::splat(2f64.powi(54)), -54.0);
    Double::fast_sum(parts.high, parts.low)
}

/// True where `x` is not a normal, positive, finite number.
#[inline(always)]
pub(super) fn is_extraordinary<V: F64s>(x: V) -> V::Mask {
    // Compared as signed numbers, which AVX2 can: hence the other sign.
    let above = x.to_bits() + V::Bits::splat(SIGN - ORDINARY[0]);
    V::Bits::splat((ORDINARY[1] - ORDINARY[0] - 1) ^ SIGN).lt_signed(above)
}

#[inline(always)]
fn log_to<V: F64s, B: Base>(x: V) -> V {
    let near = log_parts::<V, B>(x, 0.0).round();
    let rare = is_extraordinary(x);
    if rare.any() {
        let of_subnormal = log_parts::<V, B>(x * V::splat(2f64.powi(54)), -54.0).round();
        let far = V::select(x.lt(V::splat(f64::INFINITY)), of_subnormal, x + x);
        let far = V::select(x.eq(V::splat(0.0)), V::splat(f64::NEG_INFINITY), far);
        let far = V::select(x.lt(V::splat(0.0)), V::splat(f64::NAN), far);
        V::select(rare, far, near)
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

/// ln(1 + x): that of `1 + x` in two floats.
#[inline(always)]
pub(super) fn log1p<V: F64s>(x: V) -> V {
    let sum = Double::sum(V::splat(1.0), x);
    let reduced = Reduced::of(sum.high);
    let f = Double::fast_sum(reduced.f, sum.low * reduced.scale());
    let reciprocal = V::splat(1.0) / f.high.mul_add(V::splat(0.5), reduced.c);
    // The sign is that of `x`; this is for zeros.
    let near = reduced.ln(f, reciprocal).round().copysign(x);
    let rare = !(x.gt(V::splat(-1.0)) & x.lt(V::splat(2f64.powi(1000))));
    if rare.any() {
        let far = V::select(x.lt(V::splat(f64::INFINITY)), log_parts::<V, Natural>(x, 0.0).round(), x + x);
        let far = V::select(x.eq(V::splat(-1.0)), V::splat(f64::NEG_INFINITY), far);
        let far = V::select(x.lt(V::splat(-1.0)), V::splat(f64::NAN), far);
        V::select(rare, far, near)
    } else {
        near
    }
}
