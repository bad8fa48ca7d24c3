//! Where the least and the greatest elements are.
//!
//! The result is the index of the first best element, or of the first NaN. It does not depend on
//! the order in which the elements are compared.

use std::marker::PhantomData;

use super::fold::{Fold, Place, Step};
use super::source::{Key, Order, Source};

/// The index of the first element that no other is better than; of the first NaN if there is one.
pub(super) struct Arg<T, O>(PhantomData<(T, O)>);

#[derive(Clone, Copy)]
pub(super) struct ArgLane<K: Key> {
    best: K,
    /// The row that it came from; 0 as long as there was no element better than the worst possible
    /// one.
    row: K::Row,
}

#[derive(Clone, Copy)]
pub(super) struct ArgLanes<K: Key, const N: usize> {
    best: [K; N],
    row: [K::Row; N],
}

/// The best element, and its index.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Found<K> {
    best: K,
    index: u64,
}

/// Whether `x` takes the place of `y`, which comes before it: if it is better, or the first NaN.
#[inline(always)]
fn beats<O: Order, K: Key>(x: K, y: K) -> bool {
    !O::is_no_better(x, y) & !y.is_nan()
}

impl<T: Source, O: Order> Step for Arg<T, O> {
    type Elem = T::Raw;
    type Lane = ArgLane<T::Key>;
    type Lanes<const N: usize> = ArgLanes<T::Key, N>;

    // A lane without elements has row 0, as if the worst possible element were there. All real
    // elements have lower indices, so this imaginary element is never the result.
    #[inline(always)]
    fn padding() -> Option<T::Raw> {
        Some(O::worst::<T>())
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &ArgLanes<T::Key, N>, lane: usize) -> ArgLane<T::Key> {
        ArgLane { best: lanes.best[lane], row: lanes.row[lane] }
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut ArgLanes<T::Key, N>, lane: usize, value: ArgLane<T::Key>) {
        (lanes.best[lane], lanes.row[lane]) = (value.best, value.row);
    }

    #[inline(always)]
    fn add(lane: ArgLane<T::Key>, x: T::Raw, row: usize) -> ArgLane<T::Key> {
        let x = T::key(x);
        let takes = beats::<O, _>(x, lane.best);
        ArgLane { best: if takes { x } else { lane.best }, row: if takes { T::Key::row(row) } else { lane.row } }
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
    fn partial(lane: ArgLane<T::Key>, place: Place, number: usize) -> Self::Partial {
        Found { best: lane.best.widen(), index: place.index(T::Key::row_index(lane.row), number) }
    }

    #[inline(always)]
    fn combine(left: Self::Partial, right: Self::Partial) -> Self::Partial {
        let is_tie = !beats::<O, _>(left.best, right.best);
        let takes = beats::<O, _>(right.best, left.best) | (is_tie & (right.index < left.index));
        Found { best: if takes { right.best } else { left.best }, index: if takes { right.index } else { left.index } }
    }

    #[inline(always)]
    fn finish(partial: Self::Partial) -> u64 {
        partial.index
    }
}
