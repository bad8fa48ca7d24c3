//! Sums and products.
//!
//! Integers wrap around, so their order does not matter, and the lanes of a leaf are only as wide
//! as its sums get. Floats start from 0.0 and 1.0: a sum is never -0.0, as in NumPy.

use std::marker::PhantomData;

use std::ops::Mul;

use super::fold::{Fold, Place, SHORT, Step};
use super::number::{Addend, Number};
use super::{LANES, LEAF};

/// The sum of elements of dtype `T`; of `bool`, the count of those that are true.
pub(super) struct Sum<T>(PhantomData<T>);

/// The product of elements of dtype `T`; of `bool`, 1 if all are true.
pub(super) struct Prod<T>(PhantomData<T>);

impl<T: Addend> Step for Sum<T> {
    type Elem = T::Raw;
    type Lane = T::Narrow;
    type Lanes<const N: usize> = [T::Narrow; N];

    #[inline(always)]
    fn padding() -> Option<T::Raw> {
        None
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &[T::Narrow; N], lane: usize) -> T::Narrow {
        lanes[lane]
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut [T::Narrow; N], lane: usize, value: T::Narrow) {
        lanes[lane] = value;
    }

    #[inline(always)]
    fn add(lane: T::Narrow, x: T::Raw, _row: usize) -> T::Narrow {
        lane.plus(T::narrow(x))
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
    fn partial(lane: T::Narrow, _place: Place, _number: usize) -> T::Wide {
        lane.into()
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
    type Lane = T::Wide;
    type Lanes<const N: usize> = [T::Wide; N];

    #[inline(always)]
    fn padding() -> Option<T::Raw> {
        None
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &[T::Wide; N], lane: usize) -> T::Wide {
        lanes[lane]
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut [T::Wide; N], lane: usize, value: T::Wide) {
        lanes[lane] = value;
    }

    #[inline(always)]
    fn add(lane: T::Wide, x: T::Raw, _row: usize) -> T::Wide {
        lane.times(T::wide(x))
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
    fn partial(lane: T::Wide, _place: Place, _number: usize) -> T::Wide {
        lane
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

/// Rows that are added to a lane before the next lane, as in `fold`.
const GROUP: usize = 2;
const _: () = assert!(GROUP == 2, "`product_leaves` has one row after the groups");

/// Writes the sum of each leaf of products `a[i] * b[i]`, which are rounded to their dtype first.
/// They are added as [`Sum`] adds elements, in the same order.
///
/// # Safety
///
/// At `a` and at `b` are `n` elements, of any alignment. At `partials` is room for as many partials
/// as there are leaves.
#[inline(always)]
pub(super) unsafe fn product_leaves<T: Addend<Raw: Mul<Output = T::Raw>>>(
    n: usize,
    a: *const T::Raw,
    b: *const T::Raw,
    partials: *mut T::Wide,
) {
    for leaf in 0..n.div_ceil(LEAF) {
        let start = leaf * LEAF;
        let end = (start + LEAF).min(n);
        let mut lanes = [T::Narrow::ZERO; LANES];
        // SAFETY: `i < end <= n` in all calls below, and the caller vouches for `n` elements of
        // each.
        let product = |i: usize| T::narrow(unsafe { a.add(i).read_unaligned() * b.add(i).read_unaligned() });
        let mut at = start;
        while at + GROUP * LANES <= end {
            for (j, lane) in lanes.iter_mut().enumerate() {
                for row in 0..GROUP {
                    *lane = lane.plus(product(at + row * LANES + j));
                }
            }
            at += GROUP * LANES;
        }
        // One row at most, because groups have two. A loop would take a tenth longer.
        if at + LANES <= end {
            lanes.iter_mut().enumerate().for_each(|(j, lane)| *lane = lane.plus(product(at + j)));
            at += LANES;
        }
        // As `fold_rest` does.
        for group in lanes.as_chunks_mut::<SHORT>().0 {
            if at + SHORT > end {
                group.iter_mut().zip(at..end).for_each(|(lane, i)| *lane = lane.plus(product(i)));
                break;
            }
            group.iter_mut().enumerate().for_each(|(j, lane)| *lane = lane.plus(product(at + j)));
            at += SHORT;
        }
        // SAFETY: the caller's room; `leaf` counts the leaves.
        unsafe { partials.add(leaf).write(Sum::<T>::total(&lanes, Place::flat::<LANES>(start as u64))) }
    }
}
