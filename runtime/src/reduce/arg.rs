//! Where the least and the greatest elements are.
//!
//! The result is the index of the first of the best, or of the first NaN: it is the same in whatever order the elements
//! are looked at.

use std::marker::PhantomData;

use super::fold::{Fold, Place, Step};
use super::source::{Key, Order, Source};

/// The index of the first element that no other is better than; of the first NaN if there is one.
pub(super) struct Arg<T, O>(PhantomData<(T, O)>);

#[derive(Clone, Copy)]
pub(super) struct ArgLanes<K: Key, const N: usize> {
    best: [K; N],
    /// The row that it came from; 0 as long as there was none better than the worst.
    row: [K::Row; N],
}

/// The best element, and its index.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Found<K> {
    best: K,
    index: u64,
}

/// Whether `x` takes the place of `y`, which comes before it.
#[inline(always)]
fn beats<O: Order, K: Key>(x: K, y: K) -> bool {
    O::is_better(x, y) | (x.is_nan() & !y.is_nan())
}

impl<T: Source, O: Order> Step for Arg<T, O> {
    type Elem = T::Raw;
    type Lanes<const N: usize> = ArgLanes<T::Key, N>;

    // A lane without elements has row 0, as if it had the worst of elements there. All elements are before it, so it is
    // not found.
    #[inline(always)]
    fn neutral() -> T::Raw {
        O::worst::<T>()
    }

    #[inline(always)]
    fn add<const N: usize>(mut lanes: ArgLanes<T::Key, N>, x: [T::Raw; N], row: usize) -> ArgLanes<T::Key, N> {
        let row = T::Key::row(row);
        for j in 0..N {
            let x = T::key(x[j]);
            let takes = beats::<O, _>(x, lanes.best[j]);
            lanes.best[j] = if takes { x } else { lanes.best[j] };
            lanes.row[j] = if takes { row } else { lanes.row[j] };
        }
        lanes
    }
}

impl<T: Source, O: Order> Fold for Arg<T, O> {
    type Partial = Found<<T::Key as Key>::Wide>;
    type Output = u64;

    #[inline(always)]
    fn start<const N: usize>() -> ArgLanes<T::Key, N> {
        ArgLanes { best: [T::key(O::worst::<T>()); N], row: [T::Key::row(0); N] }
    }

    #[inline(always)]
    fn partials<const N: usize>(lanes: ArgLanes<T::Key, N>, place: Place) -> [Self::Partial; N] {
        let mut partials = [Found { best: lanes.best[0].widen(), index: 0 }; N];
        for j in 0..N {
            let index = place.index(T::Key::row_index(lanes.row[j]), j);
            partials[j] = Found { best: lanes.best[j].widen(), index };
        }
        partials
    }

    #[inline(always)]
    fn combine(left: Self::Partial, right: Self::Partial) -> Self::Partial {
        let is_tie = !beats::<O, _>(left.best, right.best);
        let takes = beats::<O, _>(right.best, left.best) | (is_tie & (right.index < left.index));
        Found {
            best: if takes { right.best } else { left.best },
            index: if takes { right.index } else { left.index },
        }
    }

    #[inline(always)]
    fn finish(partial: Self::Partial) -> u64 {
        partial.index
    }
}
