//! Slices that take some indices away at both ends of axes, such as `[1:-1, :-2]`.
//!
//! In: the items of an index. Out: [`Trims`], for indices of this kind. Always true: what can be
//! said of trims is true for arrays of any extents. An axis of `n` indices keeps the larger of
//! `n - start - end` and 0, so trims that follow one another add up, and two trims of one array
//! that take equally much of each axis give the same shape.

use super::items::Item;
use smallvec::SmallVec;

/// How many indices an index takes away, for each of its axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trims {
    /// Whether the axes are the last ones of the array, after `...`, and not the first ones.
    is_of_last: bool,
    /// At the start and at the end. The axes are counted from the side that they are on.
    axes: SmallVec<[(i64, i64); 4]>,
}

impl Trims {
    /// The trims of an index; `None` if it does anything else.
    pub(super) fn of(items: &[Item]) -> Option<Trims> {
        let (is_of_last, slices) = match items {
            [Item::Ellipsis, slices @ ..] => (true, slices),
            slices => (false, slices),
        };
        let mut axes: SmallVec<[(i64, i64); 4]> = slices.iter().map(trim).collect::<Option<_>>()?;
        if is_of_last {
            axes.reverse();
        }
        Some(Trims { is_of_last, axes })
    }

    /// Both trims, one after the other; `None` if they count axes from different sides.
    pub(super) fn then(&self, next: &Trims) -> Option<Trims> {
        if self.is_of_last != next.is_of_last {
            return match (self.axes.is_empty(), next.axes.is_empty()) {
                (true, _) => Some(next.clone()),
                (_, true) => Some(self.clone()),
                _ => None,
            };
        }
        let n_axes = self.axes.len().max(next.axes.len());
        let both = |axis: usize| {
            let ((start, end), (next_start, next_end)) = (self.axis(axis), next.axis(axis));
            Some((start.checked_add(next_start)?, end.checked_add(next_end)?))
        };
        let axes = (0..n_axes).map(both).collect::<Option<_>>()?;
        Some(Trims { is_of_last: self.is_of_last, axes })
    }

    /// Whether both give the same shape if they are of the same array.
    pub(super) fn has_shape_of(&self, other: &Trims) -> bool {
        let n_taken = |(start, end): (i64, i64)| start.checked_add(end);
        let is_same = |axis: usize| {
            let n = n_taken(self.axis(axis));
            n.is_some() && n == n_taken(other.axis(axis))
        };
        self.is_of_last == other.is_of_last && (0..self.axes.len().max(other.axes.len())).all(is_same)
    }

    /// The index.
    pub(super) fn items(&self) -> Box<[Item]> {
        let slice = |&(start, end): &(i64, i64)| {
            let (start, stop) = ((start > 0).then_some(start), (end > 0).then_some(-end));
            Item::Slice { start, stop, step: 1 }
        };
        let mut items: Vec<Item> = self.axes.iter().map(slice).collect();
        if self.is_of_last {
            items.push(Item::Ellipsis);
            items.reverse();
        }
        items.into()
    }

    fn axis(&self, axis: usize) -> (i64, i64) {
        self.axes.get(axis).copied().unwrap_or_default()
    }
}

fn trim(item: &Item) -> Option<(i64, i64)> {
    match *item {
        Item::Slice { start, stop, step: 1 } => {
            let start = start.unwrap_or(0);
            // The end is negated, which the least integer cannot be.
            let end = stop.map_or(Some(0), |stop| if stop < 0 { stop.checked_neg() } else { None })?;
            (start >= 0).then_some((start, end))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(start: i64, end: i64) -> Item {
        Item::Slice { start: (start > 0).then_some(start), stop: (end > 0).then_some(-end), step: 1 }
    }

    fn trims(items: &[Item]) -> Trims {
        Trims::of(items).expect("an index that trims")
    }

    #[test]
    fn what_trims() {
        assert_eq!(*trims(&[slice(1, 2), slice(0, 0)]).items(), [slice(1, 2), slice(0, 0)]);
        assert_eq!(
            *trims(&[Item::Ellipsis, slice(1, 0), slice(0, 2)]).items(),
            [Item::Ellipsis, slice(1, 0), slice(0, 2)]
        );
        let slices = [(Some(-1), None, 1), (None, Some(3), 1), (None, None, 2), (None, None, -1), (None, Some(0), 1)];
        for (start, stop, step) in slices.into_iter().chain([(None, Some(i64::MIN), 1)]) {
            assert_eq!(Trims::of(&[Item::Slice { start, stop, step }]), None);
        }
        assert_eq!(Trims::of(&[slice(1, 1), Item::Ellipsis]), None);
        assert_eq!(Trims::of(&[Item::At(0)]), None);
        assert_eq!(Trims::of(&[Item::NewAxis]), None);
    }

    #[test]
    fn trims_add_up() {
        let both = trims(&[slice(1, 1)]).then(&trims(&[slice(0, 2), slice(3, 0)])).expect("both of the first axes");
        assert_eq!(*both.items(), [slice(1, 3), slice(3, 0)]);
        let last = trims(&[Item::Ellipsis, slice(1, 1), slice(2, 2)]);
        let both = last.then(&trims(&[Item::Ellipsis, slice(4, 0)])).expect("both of the last axes");
        assert_eq!(*both.items(), [Item::Ellipsis, slice(1, 1), slice(6, 2)]);
        assert_eq!(last.then(&trims(&[slice(4, 0)])), None);
        assert_eq!(last.then(&trims(&[])), Some(last.clone()));
        assert_eq!(trims(&[Item::Ellipsis]).then(&trims(&[slice(4, 0)])), Some(trims(&[slice(4, 0)])));
        assert_eq!(trims(&[slice(i64::MAX, 0)]).then(&trims(&[slice(1, 0)])), None);
    }

    #[test]
    fn shapes() {
        let inner = trims(&[slice(1, 1), slice(1, 1)]);
        assert!(inner.has_shape_of(&trims(&[slice(2, 0), slice(0, 2)])));
        assert!(!inner.has_shape_of(&trims(&[slice(1, 1)])));
        assert!(trims(&[slice(1, 1), slice(0, 0)]).has_shape_of(&trims(&[slice(0, 2)])));
        assert!(!inner.has_shape_of(&trims(&[Item::Ellipsis, slice(1, 1), slice(1, 1)])));
        assert!(!trims(&[slice(i64::MAX, 1)]).has_shape_of(&trims(&[slice(1, i64::MAX)])));
    }

    /// What Python makes of a slice of this kind.
    fn indices(n: i64, start: i64, end: i64) -> Vec<i64> {
        (start.min(n)..(n - end).max(0)).collect()
    }

    #[test]
    fn for_all_extents() {
        for n in 0..8 {
            for (a, b, c, d) in (0..256).map(|k| (k & 3, k >> 2 & 3, k >> 4 & 3, k >> 6)) {
                let first = indices(n, a, b);
                let second = indices(first.len() as i64, c, d).into_iter().map(|index| first[index as usize]);
                assert_eq!(indices(n, a + c, b + d), second.collect::<Vec<_>>(), "{n}: {a} {b} {c} {d}");
                if a + b == c + d {
                    assert_eq!(first.len(), indices(n, c, d).len());
                }
            }
        }
    }
}
