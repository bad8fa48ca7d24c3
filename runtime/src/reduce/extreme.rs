//! Least and greatest elements.
//!
//! Whatever the order of the elements, the result has the same bits: of equal zeros, -0.0 is the lesser; and of NaNs
//! there is one.

use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr};

use super::fold::{Fold, Place, Step};
use super::source::{Highest, Key, Lowest, Order, Source};

/// The best element of a dtype other than floats.
pub(super) struct Extreme<T, O>(PhantomData<(T, O)>);

impl<T: Source, O: Order> Step for Extreme<T, O> {
    type Elem = T::Raw;
    type Lanes<const N: usize> = [T::Key; N];

    #[inline(always)]
    fn neutral() -> T::Raw {
        O::worst::<T>()
    }

    #[inline(always)]
    fn add<const N: usize>(mut lanes: [T::Key; N], x: [T::Raw; N], _row: usize) -> [T::Key; N] {
        for j in 0..N {
            lanes[j] = <Self as Fold>::combine(lanes[j], T::key(x[j]));
        }
        lanes
    }
}

impl<T: Source, O: Order> Fold for Extreme<T, O> {
    type Partial = T::Key;
    type Output = T::Key;

    #[inline(always)]
    fn start<const N: usize>() -> [T::Key; N] {
        [T::key(O::worst::<T>()); N]
    }

    #[inline(always)]
    fn partials<const N: usize>(lanes: [T::Key; N], _place: Place) -> [T::Key; N] {
        lanes
    }

    #[inline(always)]
    fn combine(left: T::Key, right: T::Key) -> T::Key {
        if O::is_better(right, left) { right } else { left }
    }

    #[inline(always)]
    fn finish(partial: T::Key) -> T::Key {
        partial
    }
}

/// A float dtype.
pub(super) trait Float: Source<Raw = Self, Key = Self> + Key {
    type Bits: Copy + PartialEq + BitAnd<Output = Self::Bits> + BitOr<Output = Self::Bits>;
    const NAN: Self;
    const SIGN: Self::Bits;
    const NO_BITS: Self::Bits;
    const ALL_BITS: Self::Bits;

    fn bits(self) -> Self::Bits;
    fn from_bits(bits: Self::Bits) -> Self;
    fn is_zero(self) -> bool;
}

macro_rules! floats {
    ($($ty:ident, $bits:ident;)*) => {$(
        impl Float for $ty {
            type Bits = $bits;
            const NAN: $ty = $ty::NAN;
            const SIGN: $bits = 1 << ($bits::BITS - 1);
            const NO_BITS: $bits = 0;
            const ALL_BITS: $bits = $bits::MAX;

            #[inline(always)]
            fn bits(self) -> $bits {
                self.to_bits()
            }

            #[inline(always)]
            fn from_bits(bits: $bits) -> $ty {
                $ty::from_bits(bits)
            }

            #[inline(always)]
            fn is_zero(self) -> bool {
                self == 0.0
            }
        }
    )*};
}

floats! {
    f32, u32;
    f64, u64;
}

/// An order that says which zero is better.
pub(super) trait FloatOrder: Order {
    /// The bits of two equal floats to those of the better, for zeros differ in one bit and others in none.
    fn merge<F: Float>(a: F::Bits, b: F::Bits) -> F::Bits;
    /// What changes nothing that it is merged with.
    fn start<F: Float>() -> F::Bits;
}

impl FloatOrder for Lowest {
    #[inline(always)]
    fn merge<F: Float>(a: F::Bits, b: F::Bits) -> F::Bits {
        a | b
    }

    #[inline(always)]
    fn start<F: Float>() -> F::Bits {
        F::NO_BITS
    }
}

impl FloatOrder for Highest {
    #[inline(always)]
    fn merge<F: Float>(a: F::Bits, b: F::Bits) -> F::Bits {
        a & b
    }

    #[inline(always)]
    fn start<F: Float>() -> F::Bits {
        F::ALL_BITS
    }
}

/// The best float: NaN if any is, or if `IGNORE_NAN`, only if all are.
pub(super) struct FloatExtreme<T, O, const IGNORE_NAN: bool>(PhantomData<(T, O)>);

/// A lane takes a comparison, a minimum and two logical operations per element: which zero is the best, and whether the
/// result is NaN, is settled at the end of a leaf.
#[derive(Clone, Copy)]
pub(super) struct FloatLanes<F: Float, const N: usize> {
    /// The best element that is not NaN.
    best: [F; N],
    /// The bits of all elements merged. If the best is 0, no element is better than a zero, so the sign is that of the
    /// best zero.
    merged: [F::Bits; N],
    /// Not 0 if an element was NaN; if NaN is ignored, if one was not.
    seen: [F::Bits; N],
}

impl<F: Float, O: FloatOrder, const IGNORE_NAN: bool> Step for FloatExtreme<F, O, IGNORE_NAN> {
    type Elem = F;
    type Lanes<const N: usize> = FloatLanes<F, N>;

    #[inline(always)]
    fn neutral() -> F {
        if IGNORE_NAN { F::NAN } else { O::worst::<F>() }
    }

    #[inline(always)]
    fn add<const N: usize>(mut lanes: FloatLanes<F, N>, x: [F; N], _row: usize) -> FloatLanes<F, N> {
        for j in 0..N {
            let seen = if x[j].is_nan() != IGNORE_NAN { F::ALL_BITS } else { F::NO_BITS };
            lanes.seen[j] = lanes.seen[j] | seen;
            let x = if IGNORE_NAN && x[j].is_nan() { O::worst::<F>() } else { x[j] };
            lanes.best[j] = if O::is_better(x, lanes.best[j]) { x } else { lanes.best[j] };
            lanes.merged[j] = O::merge::<F>(lanes.merged[j], x.bits());
        }
        lanes
    }
}

impl<F: Float, O: FloatOrder, const IGNORE_NAN: bool> Fold for FloatExtreme<F, O, IGNORE_NAN> {
    type Partial = F;
    type Output = F;

    #[inline(always)]
    fn start<const N: usize>() -> FloatLanes<F, N> {
        FloatLanes { best: [O::worst::<F>(); N], merged: [O::start::<F>(); N], seen: [F::NO_BITS; N] }
    }

    #[inline(always)]
    fn partials<const N: usize>(lanes: FloatLanes<F, N>, _place: Place) -> [F; N] {
        let mut partials = lanes.best;
        for j in 0..N {
            let zero = F::from_bits(lanes.merged[j] & F::SIGN);
            let best = if partials[j].is_zero() { zero } else { partials[j] };
            partials[j] = if (lanes.seen[j] != F::NO_BITS) == IGNORE_NAN { best } else { F::NAN };
        }
        partials
    }

    #[inline(always)]
    fn combine(left: F, right: F) -> F {
        let merged = F::from_bits(O::merge::<F>(left.bits(), right.bits()));
        let best = if O::is_better(left, right) { left } else { right };
        let best = if left == right { merged } else { best };
        match IGNORE_NAN {
            true if right.is_nan() => left,
            true => best,
            false if left.is_nan() || right.is_nan() => F::NAN,
            false => best,
        }
    }

    #[inline(always)]
    fn finish(partial: F) -> F {
        partial
    }
}
