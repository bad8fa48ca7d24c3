//! The natural logarithm in two floats.
//!
//! As in log.rs, `x = 2^k m`. But here `c` is the one of sixteen short numbers that is nearest to
//! `m`, and there is one division. With `f = m - c`, which is exact, and `s = f / (c + f/2)`,
//!
//! ```text
//! ln x = k ln 2 + ln c + ln(m / c),   ln(m / c) = 2 artanh(s/2) = s + s^3/12 + s^5/80 + ...
//! ```
//!
//! `|s|` is below 1/32. So all terms except the first are below 2^-13 of it, and need no more than
//! one float. What `s` lacks is computed from the remainder of the division.

use super::double::Double;
use super::log::Reduced;
use super::log_table::{LN_CENTER_HIGH, LN_CENTER_LOW};
use super::polynomial::horner;
use crate::arch::vector::{F64s, Table};

/// ln(c), less 1023 ln 2, in two parts.
const OF_CENTER: &Table<f64, 16, 2> = &Table::of_columns([LN_CENTER_HIGH, LN_CENTER_LOW]);

/// ln 2 in two parts, whose products with exponent fields are exact.
const LN_2: [f64; 2] = [0.6931471805598903, 5.49792301870721e-14];

/// `p` with `ln(m / c) = s + s^3 p(s^2)`, made by sollya/log.sollya. Its error is 2^-71 of `s`.
const ARTANH_SERIES: [f64; 4] = [0.08333333333333333, 0.01250000000005322, 0.0022321426850138316, 0.000434239759692637];

/// The natural logarithm of a normal, positive number, with an error of at most one part in 2^65.
#[inline(always)]
pub(super) fn log_double<V: F64s>(x: V) -> Double<V> {
    log_with_offset(x, 0.0)
}

/// [`log_double`] for subnormal `x`.
#[inline(always)]
pub(super) fn log_double_of_subnormal<V: F64s>(x: V) -> Double<V> {
    log_with_offset(x * x.splat(2f64.powi(54)), -54.0)
}

/// The natural logarithm of `2^offset x`.
#[inline(always)]
fn log_with_offset<V: F64s>(x: V, offset: f64) -> Double<V> {
    let reduced = Reduced::of(x);
    let (k, idx, c) = (reduced.biased(offset), reduced.idx(), reduced.center());
    let [high, low] = V::lookup_columns(OF_CENTER, idx, 0);
    let high = k.mul_add(x.splat(LN_2[0]), high);
    let low = k.mul_add(x.splat(LN_2[1]), low);

    let f = reduced.m - c;
    let half = x.splat(0.5);
    let reciprocal = x.splat(1.0) / f.mul_add(half, c);
    let s = f * reciprocal;
    // The first step of this is exact, because `c` is short.
    let rest = s.neg_mul_add(f * half, s.neg_mul_add(c, f));
    let square = s * s;
    // What `s` lacks changes the cube of `s` too.
    let s_low = rest * reciprocal * square.mul_add(x.splat(0.25), x.splat(1.0));
    let low = (s * square).mul_add(horner(square, &ARTANH_SERIES), s_low + low);
    // `high` has the larger magnitude, or is 0.
    let sum = Double::fast_sum(high, s);
    Double::fast_sum(sum.high, sum.low + low)
}
