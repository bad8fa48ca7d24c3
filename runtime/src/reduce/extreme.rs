//! Least and greatest elements.
//!
//! Whatever the order of the elements, the result has the same bits: of equal zeros, -0.0 is the
//! lesser; and there is only one NaN.

use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr};

use super::fold::{Fold, Place, Step, halve};
use super::source::{Highest, Key, Lowest, Order, Source};

/// The best element of a dtype other than floats.
pub(super) struct Extreme<T, O>(PhantomData<(T, O)>);

impl<T: Source, O: Order> Step for Extreme<T, O> {
    type Elem = T::Raw;
    type Lane = T::Key;
    type Lanes<const N: usize> = [T::Key; N];

    #[inline(always)]
    fn padding() -> Option<T::Raw> {
        Some(O::worst::<T>())
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &[T::Key; N], lane: usize) -> T::Key {
        lanes[lane]
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut [T::Key; N], lane: usize, value: T::Key) {
        lanes[lane] = value;
    }

    #[inline(always)]
    fn add(lane: T::Key, x: T::Raw, _row: usize) -> T::Key {
        <Self as Fold>::combine(lane, T::key(x))
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
    fn partial(lane: T::Key, _place: Place, _number: usize) -> T::Key {
        lane
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
    /// From the bits of two equal floats, the bits of the better one. Zeros differ in one bit;
    /// other equal floats have the same bits.
    fn merge<F: Float>(a: F::Bits, b: F::Bits) -> F::Bits;
    /// The bits that change nothing when they are merged.
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

/// The best float. It is NaN if any element is NaN; with `IGNORE_NAN`, only if all elements are
/// NaN.
pub(super) struct FloatExtreme<T, O, const IGNORE_NAN: bool>(PhantomData<(T, O)>);

/// A lane takes a comparison, a minimum and two logical operations per element. Which zero is the
/// best, and whether the result is NaN, is determined at the end of a leaf.
#[derive(Clone, Copy)]
pub(super) struct FloatLane<F: Float> {
    /// The best element that is not NaN.
    best: F,
    /// The bits of all elements merged. If the best is 0, no element is better than a zero, so the
    /// sign is that of the best zero.
    merged: F::Bits,
    /// Not 0 if an element was NaN. If NaNs are ignored: not 0 if an element was not NaN.
    seen: F::Bits,
}

/// Laid out as [`Accumulators`](super::Accumulators) are.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct FloatLanes<F: Float, const N: usize> {
    best: [F; N],
    merged: [F::Bits; N],
    seen: [F::Bits; N],
}

impl<F: Float, O: FloatOrder, const IGNORE_NAN: bool> Step for FloatExtreme<F, O, IGNORE_NAN> {
    type Elem = F;
    type Lane = FloatLane<F>;
    type Lanes<const N: usize> = FloatLanes<F, N>;

    #[inline(always)]
    fn padding() -> Option<F> {
        Some(if IGNORE_NAN { F::NAN } else { O::worst::<F>() })
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &FloatLanes<F, N>, lane: usize) -> FloatLane<F> {
        FloatLane { best: lanes.best[lane], merged: lanes.merged[lane], seen: lanes.seen[lane] }
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut FloatLanes<F, N>, lane: usize, value: FloatLane<F>) {
        (lanes.best[lane], lanes.merged[lane], lanes.seen[lane]) = (value.best, value.merged, value.seen);
    }

    #[inline(always)]
    fn add(lane: FloatLane<F>, x: F, _row: usize) -> FloatLane<F> {
        let seen = if x.is_nan() != IGNORE_NAN { F::ALL_BITS } else { F::NO_BITS };
        let x = if IGNORE_NAN && x.is_nan() { O::worst::<F>() } else { x };
        FloatLane {
            best: if O::is_better(x, lane.best) { x } else { lane.best },
            merged: O::merge::<F>(lane.merged, x.bits()),
            seen: lane.seen | seen,
        }
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
    fn partial(lane: FloatLane<F>, _place: Place, _number: usize) -> F {
        let zero = F::from_bits(lane.merged & F::SIGN);
        let best = if lane.best.is_zero() { zero } else { lane.best };
        if (lane.seen != F::NO_BITS) == IGNORE_NAN { best } else { F::NAN }
    }

    #[inline(always)]
    fn total<const N: usize>(lanes: &FloatLanes<F, N>, place: Place) -> F {
        let best = halve(lanes.best, |a, b| if O::is_better(b, a) { b } else { a });
        let merged = halve(lanes.merged, O::merge::<F>);
        let seen = halve(lanes.seen, |a, b| a | b);
        Self::partial(FloatLane { best, merged, seen }, place, 0)
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
