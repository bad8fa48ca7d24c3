//! Sums and products.
//!
//! Integers wrap around, so their order is of no matter, and the lanes of a leaf are only as wide as its sums get.
//! Floats start from 0.0 and 1.0: a sum is never -0.0, as NumPy's is not.

use std::marker::PhantomData;

use super::fold::{Fold, Place, Step};
use super::number::{Addend, Number};

/// The sum of elements of dtype `T`; of `bool`, the count of those that are true.
pub(super) struct Sum<T>(PhantomData<T>);

/// The product of elements of dtype `T`; of `bool`, 1 if all are true.
pub(super) struct Prod<T>(PhantomData<T>);

impl<T: Addend> Step for Sum<T> {
    type Elem = T::Raw;
    type Lanes<const N: usize> = [T::Narrow; N];

    #[inline(always)]
    fn neutral() -> T::Raw {
        T::ZERO
    }

    #[inline(always)]
    fn add<const N: usize>(mut lanes: [T::Narrow; N], x: [T::Raw; N], _row: usize) -> [T::Narrow; N] {
        for j in 0..N {
            lanes[j] = lanes[j].plus(T::narrow(x[j]));
        }
        lanes
    }
}

impl<T: Addend> Fold for Sum<T> {
    type Partial = T::Wide;
    type Output = T::Output;

    #[inline(always)]
    fn start<const N: usize>() -> [T::Narrow; N] {
        [T::Narrow::ZERO; N]
    }

    #[inline(always)]
    fn partials<const N: usize>(lanes: [T::Narrow; N], _place: Place) -> [T::Wide; N] {
        let mut partials = [T::Wide::ZERO; N];
        for j in 0..N {
            partials[j] = lanes[j].into();
        }
        partials
    }

    #[inline(always)]
    fn combine(left: T::Wide, right: T::Wide) -> T::Wide {
        left.plus(right)
    }

    #[inline(always)]
    fn finish(partial: T::Wide) -> T::Output {
        T::output(partial)
    }
}

impl<T: Addend> Step for Prod<T> {
    type Elem = T::Raw;
    type Lanes<const N: usize> = [T::Wide; N];

    #[inline(always)]
    fn neutral() -> T::Raw {
        T::ONE
    }

    #[inline(always)]
    fn add<const N: usize>(mut lanes: [T::Wide; N], x: [T::Raw; N], _row: usize) -> [T::Wide; N] {
        for j in 0..N {
            lanes[j] = lanes[j].times(T::wide(x[j]));
        }
        lanes
    }
}

impl<T: Addend> Fold for Prod<T> {
    type Partial = T::Wide;
    type Output = T::Output;

    #[inline(always)]
    fn start<const N: usize>() -> [T::Wide; N] {
        [T::Wide::ONE; N]
    }

    #[inline(always)]
    fn partials<const N: usize>(lanes: [T::Wide; N], _place: Place) -> [T::Wide; N] {
        lanes
    }

    #[inline(always)]
    fn combine(left: T::Wide, right: T::Wide) -> T::Wide {
        left.times(right)
    }

    #[inline(always)]
    fn finish(partial: T::Wide) -> T::Output {
        T::output(partial)
    }
}
