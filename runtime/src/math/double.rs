//! Double-double arithmetic: a value is the unevaluated sum of two floats, where one float is not
//! enough.
//!
//! The algorithms are Dekker's and Knuth's, with FMA for the exact product. `high` is the sum
//! rounded to one float, or nearly so, and `low` is the rest of the sum. Nothing here is meant for
//! arguments whose products underflow or overflow; the callers exclude those.

use crate::arch::vector::Vector;

/// `high + low`.
#[derive(Clone, Copy)]
pub(super) struct Double<V> {
    pub(super) high: V,
    pub(super) low: V,
}

impl<V: Vector> Double<V> {
    /// The same two-part constant in every lane; `like` is any vector, as for [`Vector::splat`].
    #[inline(always)]
    pub(super) fn splat(like: V, [high, low]: [V::Elem; 2]) -> Double<V> {
        Double { high: like.splat(high), low: like.splat(low) }
    }

    /// Exactly `a + b`, where `|a| >= |b|` or `a` is 0.
    #[inline(always)]
    pub(super) fn fast_sum(a: V, b: V) -> Double<V> {
        let high = a + b;
        Double { high, low: b - (high - a) }
    }

    /// Exactly `a + b`.
    #[inline(always)]
    pub(super) fn sum(a: V, b: V) -> Double<V> {
        let high = a + b;
        let b_part = high - a;
        Double { high, low: (a - (high - b_part)) + (b - b_part) }
    }

    /// Exactly `a * b`.
    #[inline(always)]
    pub(super) fn product(a: V, b: V) -> Double<V> {
        let high = a * b;
        Double { high, low: a.mul_sub(b, high) }
    }

    /// The product, off by a few parts in 2^105.
    #[inline(always)]
    pub(super) fn mul(self, other: Double<V>) -> Double<V> {
        let product = Double::product(self.high, other.high);
        let cross = self.high.mul_add(other.low, self.low * other.high);
        Double::fast_sum(product.high, product.low + cross)
    }

    /// The product with one float, off by a few parts in 2^105.
    #[inline(always)]
    pub(super) fn mul_one(self, other: V) -> Double<V> {
        let product = Double::product(self.high, other);
        Double::fast_sum(product.high, self.low.mul_add(other, product.low))
    }

    /// The nearest float.
    #[inline(always)]
    pub(super) fn round(self) -> V {
        self.high + self.low
    }
}
