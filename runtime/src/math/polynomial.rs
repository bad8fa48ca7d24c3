//! Polynomials of vectors. The coefficients are given with the constant first.

use crate::arch::vector::Vector;

/// Horner's rule: the fewest operations, but each waits for the one before.
#[inline(always)]
pub(super) fn horner<V: Vector, const N: usize>(x: V, coefficients: &[V::Elem; N]) -> V {
    let mut sum = x.splat(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        sum = sum.mul_add(x, x.splat(coefficient));
    }
    sum
}

/// The even and the odd powers, each by Horner's rule, side by side: this halves the waiting and
/// costs one operation more. `square` is `x * x`.
#[inline(always)]
pub(super) fn even_odd<V: Vector>(x: V, square: V, coefficients: &[V::Elem]) -> V {
    every_other(square, coefficients, 1).mul_add(x, every_other(square, coefficients, 0))
}

/// The polynomial of `square` with every other coefficient, from `start` on.
#[inline(always)]
pub(super) fn every_other<V: Vector>(square: V, coefficients: &[V::Elem], start: usize) -> V {
    let mut idx = coefficients.len() - 1 - (coefficients.len() - 1 - start) % 2;
    let mut sum = square.splat(coefficients[idx]);
    while idx > start {
        idx -= 2;
        sum = sum.mul_add(square, square.splat(coefficients[idx]));
    }
    sum
}
