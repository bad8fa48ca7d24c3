//! The error function and its complement.
//!
//! `erf(x) = x f(x)`, and `erfc(x) = exp(-x^2) g(x)` for `x >= 0`, where `f` and `g` are smooth and
//! change slowly. Both are in tables, in pieces. Each piece has the function's value at the centre,
//! to many bits, and a polynomial for the difference from this value. The difference is small, so
//! that its roundings hardly count. The exponential is that of exp_square.rs.
//!
//! `f` and `g` as factors are an old idea (Cody, "Rational Chebyshev approximations for the error
//! function", Math. Comp. 23, 1969).

use super::double::Double;
use super::erf_tables::{ERF, ERF_F32, ERFC, ERFC_F32};
use super::exp::Parameters;
use super::exp_square::{ExpOfSquare, SquareParameters};
use crate::arch::vector::{Bits, F32s, F64s, Mask, Table, Vector};
use std::hint::black_box;

/// The function of this table at `x`, as the sum of two parts: the value at the centre of the
/// piece, and the difference from it.
#[inline(always)]
pub(super) fn look_up<V: Vector, const COLUMNS: usize>(
    table: &Table<V::Elem, 16, COLUMNS>,
    idx: V::Bits,
    x: V,
) -> [V; 2] {
    let [center, value] = V::lookup_columns(table, idx, 0);
    let distance = x - center;
    [value, distance * polynomial_of_row(table, idx, 2, distance, distance * distance)]
}

/// The same as [`look_up`], in two floats. Where the centre is more than twice `x`, the difference
/// of the two is not exact. If `IS_EXACT`, the rounding error of this difference is taken into
/// account; otherwise the difference counts as exact anyway.
#[inline(always)]
pub(super) fn look_up_double<V: Vector, const COLUMNS: usize, const IS_EXACT: bool>(
    table: &Table<V::Elem, 16, COLUMNS>,
    idx: V::Bits,
    x: V,
) -> Double<V> {
    let table = in_memory(table);
    let [center, value, slope] = V::lookup_columns(table, idx, 0);
    let distance = x - center;
    let linear = Double::product(distance, slope);
    let head = Double::fast_sum(value, linear.high);
    let square = distance * distance;
    let rest = if IS_EXACT { (x - (distance + center)).mul_add(slope, linear.low) } else { linear.low };
    let rest = square.mul_add(polynomial_of_row(table, idx, 3, distance, square), rest);
    Double { high: head.high, low: head.low + rest }
}

/// Returns the same table, but hides from the compiler that it is the same every time. Otherwise
/// the compiler would load a large table only once: to fewer registers than there are columns, and
/// from there to the stack, where the table is not as well aligned.
#[inline(always)]
fn in_memory<T, const COLUMNS: usize>(table: &Table<T, 16, COLUMNS>) -> &Table<T, 16, COLUMNS> {
    if COLUMNS > 14 { black_box(table) } else { table }
}

/// The same as [`even_odd`](super::polynomial::even_odd), with the coefficients of each lane's row,
/// from column `first` on. They are looked up where they are needed, because there are fewer
/// registers than coefficients.
#[inline(always)]
fn polynomial_of_row<V: Vector, const COLUMNS: usize>(
    table: &Table<V::Elem, 16, COLUMNS>,
    idx: V::Bits,
    first: usize,
    x: V,
    square: V,
) -> V {
    let mut column = COLUMNS - 4;
    let [a, b, c, d]: [V; 4] = V::lookup_columns(table, idx, column);
    let (mut lower, mut upper) = (c.mul_add(square, a), d.mul_add(square, b));
    while column >= first + 4 {
        column -= 4;
        let [a, b, c, d]: [V; 4] = V::lookup_columns(table, idx, column);
        lower = lower.mul_add(square, c).mul_add(square, a);
        upper = upper.mul_add(square, d).mul_add(square, b);
    }
    if column >= first + 2 {
        column -= 2;
        let [a, b]: [V; 2] = V::lookup_columns(table, idx, column);
        lower = lower.mul_add(square, a);
        upper = upper.mul_add(square, b);
    }
    // If no coefficient is left, `lower` has those of the even powers; otherwise it has those of
    // the odd ones.
    if column == first {
        upper.mul_add(x, lower)
    } else {
        let [constant] = V::lookup_columns(table, idx, first);
        lower.mul_add(x, upper.mul_add(square, constant))
    }
}

/// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `x`.
#[inline(always)]
pub(super) fn erf<V: F64s>(x: V) -> V {
    // From 5.93 on, the float nearest to the result is 1. With the arguments in this order, a NaN
    // stays a NaN.
    let magnitude = x.splat(5.95).min(x.abs());
    let number = magnitude.mul_add(x.splat(2.6), x.splat(f64::TO_INT));
    let [factor, rest] = look_up(&ERF, number.to_bits(), magnitude);
    let near = magnitude.mul_add(factor, magnitude * rest);
    let rare = magnitude.lt(x.splat(1e-290));
    let value = if rare.any() {
        // If the second product, `magnitude * rest`, is subnormal, it would have its own rounding.
        let scaled = magnitude * x.splat(TWO_TO_200);
        let far = scaled.mul_add(factor, scaled * rest) * x.splat(1.0 / TWO_TO_200);
        V::select(rare, far, near)
    } else {
        near
    };
    value.copysign(x)
}

const TWO_TO_200: f64 = f64::from_bits((1023 + 200) << 52);

/// The same as [`erf`], for `f32`.
#[inline(always)]
pub(super) fn erf_f32<V: F32s>(x: V) -> V {
    let magnitude = x.splat(3.95).min(x.abs());
    let number = magnitude.mul_add(x.splat(3.9), x.splat(f32::TO_INT));
    let [factor, rest] = look_up(&ERF_F32, number.to_bits(), magnitude);
    let near = magnitude.mul_add(factor, magnitude * rest);
    let rare = magnitude.lt(x.splat(1e-30));
    let value = if rare.any() {
        let scaled = magnitude * x.splat(TWO_TO_60);
        let far = scaled.mul_add(factor, scaled * rest) * x.splat(1.0 / TWO_TO_60);
        V::select(rare, far, near)
    } else {
        near
    };
    value.copysign(x)
}

const TWO_TO_60: f32 = f32::from_bits((127 + 60) << 23);

/// `1 - erf(x)`, without the cancellation.
#[inline(always)]
pub(super) fn erfc<V: F64s>(x: V) -> V {
    // From 27.3 on, the float nearest to the result is 0.
    let magnitude = x.splat(27.3).min(x.abs());
    let number = magnitude.mul_add(x.splat(1.0975), x.splat(2.0));
    let factor = look_up_double::<_, _, false>(&ERFC, number.to_bits().shr(50), magnitude);
    erfc_of(x, magnitude, factor, 26.0)
}

/// The same as [`erfc`], for `f32`.
#[inline(always)]
pub(super) fn erfc_f32<V: F32s>(x: V) -> V {
    // From 10.06 on, the float nearest to the result is 0.
    let magnitude = x.splat(10.5).min(x.abs());
    let factor = look_up_double::<_, _, false>(&ERFC_F32, (magnitude + x.splat(1.0)).to_bits().shr(21), magnitude);
    erfc_of(x, magnitude, factor, 9.0)
}

/// `exp(-x^2) factor` from 0 on, and 2 less that product left of 0. The product is normal up to a
/// `magnitude` of `normal`.
#[inline(always)]
fn erfc_of<V: Vector>(x: V, magnitude: V, factor: Double<V>, normal: V::Elem) -> V
where
    V::Elem: SquareParameters,
{
    let exp = ExpOfSquare::of(magnitude);
    let product = Double::product(exp.power, factor.high);
    let low = exp.power.mul_add(factor.low, product.low);
    let value = product.high + (product.high + low).mul_add(exp.rest, low);
    let right = exp.scale_normal(value);
    let rare = !magnitude.le(x.splat(normal));
    let right = if rare.any() { V::select(rare, exp.scale(value), right) } else { right };
    V::select(x.lt(x.splat(V::Elem::ZERO)), x.splat(V::Elem::TWO) - right, right)
}
