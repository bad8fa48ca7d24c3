//! [`AxisSet`]: some of the axes of a shape.

use super::MAX_AXES;

/// Some of the axes of a shape of up to [`MAX_AXES`].
///
/// ```
/// use ndexpr_runtime::view::AxisSet;
///
/// let axes = AxisSet::of([0, 2]).expect("a shape may have so many axes");
/// assert!(axes.contains(2) && !axes.contains(1));
/// assert_eq!(axes.iter().collect::<Vec<_>>(), [0, 2]);
/// assert_eq!(AxisSet::first(3).len(), 3);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AxisSet(u32);

// One bit for each axis.
const _: () = assert!(MAX_AXES == u32::BITS as usize);

impl AxisSet {
    /// No axes.
    pub const EMPTY: AxisSet = AxisSet(0);

    /// The first `n` axes; all if there are fewer than `n`.
    #[must_use]
    pub fn first(n: usize) -> AxisSet {
        let n_others = MAX_AXES.saturating_sub(n) as u32;
        AxisSet(u32::MAX.checked_shr(n_others).unwrap_or(0))
    }

    /// These axes. `None` if one of them is [`MAX_AXES`] or more.
    #[must_use]
    pub fn of(axes: impl IntoIterator<Item = usize>) -> Option<AxisSet> {
        let mut set = AxisSet::EMPTY;
        for axis in axes {
            if axis >= MAX_AXES {
                return None;
            }
            set.insert(axis);
        }
        Some(set)
    }

    /// Whether an axis is among them.
    #[must_use]
    pub fn contains(self, axis: usize) -> bool {
        axis < MAX_AXES && self.0 >> axis & 1 == 1
    }

    /// How many axes there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there are no axes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The axes in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = usize> {
        (0..MAX_AXES).filter(move |&axis| self.contains(axis))
    }

    /// Adds an axis; false if it was there.
    ///
    /// # Panics
    ///
    /// If the axis is [`MAX_AXES`] or more.
    pub fn insert(&mut self, axis: usize) -> bool {
        assert!(axis < MAX_AXES, "axis {axis} of at most {MAX_AXES}");
        let is_new = !self.contains(axis);
        self.0 |= 1 << axis;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_of_axes() {
        for n in 0..=MAX_AXES + 1 {
            let set = AxisSet::first(n);
            assert_eq!(set.iter().collect::<Vec<_>>(), (0..n.min(MAX_AXES)).collect::<Vec<_>>());
            assert_eq!((set.len(), set.is_empty()), (n.min(MAX_AXES), n == 0));
        }
        assert_eq!(AxisSet::of([3, MAX_AXES]), None);
        let mut set = AxisSet::of([31, 5]).unwrap();
        assert!(!set.insert(31) && set.insert(0) && !set.contains(32));
        assert_eq!(set.iter().rev().collect::<Vec<_>>(), [31, 5, 0]);
    }
}
