//! The error function and its complement.
//!
//! `erf(x) = x f(x)`, and `erfc(x) = exp(-x^2) g(x)` for `x >= 0`, where `f` and `g` are smooth and change slowly. Both are
//! in a table, by pieces: a value of many bits at the piece's centre, and a polynomial for the difference from it, which
//! is small, so that its roundings hardly count. The exponential is computed in two floats, of the exact square.
//!
//! `f` and `g` as factors are an old idea (Cody, "Rational Chebyshev approximations for the error function", Math. Comp.
//! 23, 1969).

use super::double::Double;
use super::erf_tables::{ERF, ERF_F32, ERFC, ERFC_F32};
use super::exp::Parameters;
use super::exp_square::{ExpOfSquare, SquareParameters};
use crate::arch::vector::{Bits, F32s, F64s, Mask, Table, Vector};

/// The function of this table in the two parts that a row gives: the value at the centre, and the rest.
#[inline(always)]
pub(super) fn look_up<V: Vector, const COLUMNS: usize>(
    table: &Table<V::Elem, 16, COLUMNS>,
    idx: V::Bits,
    x: V,
) -> [V; 2] {
    let row = V::lookup_row(table, idx);
    let distance = x - row[0];
    [row[1], distance * polynomial_of_row(distance, distance * distance, &row[2..])]
}

/// As [`look_up`], in two floats.
#[inline(always)]
pub(super) fn look_up_double<V: Vector, const COLUMNS: usize>(
    table: &Table<V::Elem, 16, COLUMNS>,
    idx: V::Bits,
    x: V,
) -> Double<V> {
    let row = V::lookup_row(table, idx);
    let distance = x - row[0];
    // Not 0 where the centre is far more than `x`.
    let distance_low = x - (distance + row[0]);
    let linear = Double::product(distance, row[2]);
    let head = Double::fast_sum(row[1], linear.high);
    let square = distance * distance;
    let rest = distance_low.mul_add(row[2], linear.low);
    let rest = square.mul_add(polynomial_of_row(distance, square, &row[3..]), rest);
    Double { high: head.high, low: head.low + rest }
}

/// As [`even_odd`](super::polynomial::even_odd), each lane having its own coefficients.
#[inline(always)]
fn polynomial_of_row<V: Vector>(x: V, square: V, coefficients: &[V]) -> V {
    every_other_of_row(square, coefficients, 1).mul_add(x, every_other_of_row(square, coefficients, 0))
}

/// The polynomial of `square` with every other coefficient, from `start` on.
#[inline(always)]
fn every_other_of_row<V: Vector>(square: V, coefficients: &[V], start: usize) -> V {
    let mut idx = coefficients.len() - 1 - (coefficients.len() - 1 - start) % 2;
    let mut sum = coefficients[idx];
    while idx > start {
        idx -= 2;
        sum = sum.mul_add(square, coefficients[idx]);
    }
    sum
}

/// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `x`.
#[inline(always)]
pub(super) fn erf<V: F64s>(x: V) -> V {
    // From 5.93 on the nearest float is 1. In this order a NaN stays one.
    let magnitude = V::splat(5.95).min(x.abs());
    let number = magnitude.mul_add(V::splat(2.6), V::splat(f64::TO_INT));
    let [factor, rest] = look_up(&ERF, number.to_bits(), magnitude);
    let near = magnitude.mul_add(factor, magnitude * rest);
    let rare = magnitude.lt(V::splat(1e-290));
    let value = if rare.any() {
        // The second product would have its own rounding if it is subnormal.
        let scaled = magnitude * V::splat(TWO_TO_200);
        let far = scaled.mul_add(factor, scaled * rest) * V::splat(1.0 / TWO_TO_200);
        V::select(rare, far, near)
    } else {
        near
    };
    value.copysign(x)
}

const TWO_TO_200: f64 = f64::from_bits((1023 + 200) << 52);

/// As [`erf`].
#[inline(always)]
pub(super) fn erf_f32<V: F32s>(x: V) -> V {
    let magnitude = V::splat(3.95).min(x.abs());
    let number = magnitude.mul_add(V::splat(3.9), V::splat(f32::TO_INT));
    let [factor, rest] = look_up(&ERF_F32, number.to_bits(), magnitude);
    let near = magnitude.mul_add(factor, magnitude * rest);
    let rare = magnitude.lt(V::splat(1e-30));
    let value = if rare.any() {
        let scaled = magnitude * V::splat(TWO_TO_60);
        let far = scaled.mul_add(factor, scaled * rest) * V::splat(1.0 / TWO_TO_60);
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
    // From 27.3 on the nearest float is 0.
    let magnitude = V::splat(27.5).min(x.abs());
    let factor = look_up_double(&ERFC, (magnitude + V::splat(2.0)).to_bits().shr(50), magnitude);
    erfc_of(x, magnitude, factor, 26.0)
}

/// As [`erfc`].
#[inline(always)]
pub(super) fn erfc_f32<V: F32s>(x: V) -> V {
    // From 10.06 on the nearest float is 0.
    let magnitude = V::splat(10.5).min(x.abs());
    let factor = look_up_double(&ERFC_F32, (magnitude + V::splat(1.0)).to_bits().shr(21), magnitude);
    erfc_of(x, magnitude, factor, 9.0)
}

/// `exp(-x^2) factor`, or right of 0 that less 2; subnormal only beyond `normal`.
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
    let rare = !magnitude.le(V::splat(normal));
    let right = if rare.any() { V::select(rare, exp.scale(value), right) } else { right };
    V::select(x.lt(V::splat(V::Elem::ZERO)), V::splat(V::Elem::TWO) - right, right)
}
