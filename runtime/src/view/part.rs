//! Parts of views, and views with other axes: slices, single places, new axes, transposes. The
//! memory is the same.

use super::{RawView, View, ViewMut, list};
use smallvec::SmallVec;

/// What is taken of an axis, or put between axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole axis.
    Whole,
    /// Every `step`-th index, `n` of them, from `start` on.
    Slice {
        /// The first index; not used if there is none.
        start: usize,
        /// How many indices.
        n: usize,
        /// The distance from one to the next.
        step: isize,
    },
    /// One index; the axis is dropped.
    At(usize),
    /// No axis of the view, but a new one of extent 1.
    New,
}

impl<'a> View<'a> {
    /// The elements that the parts name, in order of the axes. Axes after the last part stay whole.
    ///
    /// ```
    /// use ndexpr_runtime::view::{Part, View};
    ///
    /// let array = ndarray::array![[0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 9.0]];
    /// let last_and_second = Part::Slice { start: 4, n: 2, step: -3 };
    /// let part = View::from(&array).select([Part::At(1), last_and_second]);
    /// assert_eq!(part.shape(), [2]);
    /// assert_eq!(part.read(&[1]).unwrap().get(), Some(6.0));
    /// ```
    ///
    /// # Panics
    ///
    /// If there are not so many axes, one of the indices is not in its axis, or a step is 0.
    #[must_use]
    pub fn select(&self, parts: impl IntoIterator<Item = Part>) -> View<'a> {
        // SAFETY: the elements are some of this view's, at other places.
        unsafe { View::wrap(select(self.raw(), parts)) }
    }

    /// The same elements with the axes in the opposite order.
    #[must_use]
    pub fn transposed(&self) -> View<'a> {
        // SAFETY: the same elements.
        unsafe { View::wrap(transposed(self.raw())) }
    }
}

impl<'a> ViewMut<'a> {
    /// The elements that the parts name, as [`View::select`] gives them.
    ///
    /// # Panics
    ///
    /// As [`View::select`].
    #[must_use]
    pub fn select(self, parts: impl IntoIterator<Item = Part>) -> ViewMut<'a> {
        // SAFETY: the elements are some of this view's, each once, and this view is gone.
        unsafe { ViewMut::wrap(select(self.raw(), parts)) }
    }

    /// The same elements with the axes in the opposite order.
    #[must_use]
    pub fn transposed(self) -> ViewMut<'a> {
        // SAFETY: the same elements, and this view is gone.
        unsafe { ViewMut::wrap(transposed(self.raw())) }
    }
}

/// Some of a view's elements, each once: all indices are checked, steps are not 0, and new axes
/// have extent 1.
pub(super) fn select(raw: &RawView, parts: impl IntoIterator<Item = Part>) -> RawView {
    let RawView { ptr, dtype, shape, strides } = raw;
    let mut ptr = *ptr;
    let (mut new_shape, mut new_strides) = (SmallVec::new(), SmallVec::new());
    let mut push = |extent: usize, stride: isize| {
        new_shape.push(extent);
        new_strides.push(stride);
    };
    let mut axis = 0;
    for part in parts {
        if part == Part::New {
            push(1, 0);
            continue;
        }
        let (extent, stride) = (shape[axis], strides[axis]);
        axis += 1;
        let is_inside = |index: i128| (0..extent as i128).contains(&index);
        match part {
            Part::New => {}
            Part::Whole => push(extent, stride),
            Part::At(index) => {
                assert!(index < extent, "the index is in the axis");
                ptr = ptr.wrapping_offset((index as isize).wrapping_mul(stride));
            }
            Part::Slice { n: 0, .. } => push(0, stride),
            Part::Slice { start, n, step } => {
                let last = start as i128 + (n - 1) as i128 * step as i128;
                assert!(is_inside(start as i128) && is_inside(last), "the indices are in the axis");
                assert!(n == 1 || step != 0, "each index once");
                // Strides of an array without elements may be of any size. Of one index the
                // stride is not used, and the step may be too large to multiply with.
                ptr = ptr.wrapping_offset((start as isize).wrapping_mul(stride));
                push(n, if n == 1 { stride } else { stride.wrapping_mul(step) });
            }
        }
    }
    (axis..shape.len()).for_each(|axis| push(shape[axis], strides[axis]));
    RawView { ptr, dtype: *dtype, shape: new_shape, strides: new_strides }
}

pub(super) fn transposed(raw: &RawView) -> RawView {
    let RawView { ptr, dtype, shape, strides } = raw;
    let (mut shape, mut strides) = (list(shape), list(strides));
    shape.reverse();
    strides.reverse();
    RawView { ptr: *ptr, dtype: *dtype, shape, strides }
}
