//! Parts of views, and views with other axes: slices, single places, new axes, transposes. The
//! memory is the same.

use super::{RawView, View};

impl<'a> View<'a> {
    /// Every `step`-th index of an axis, `n` of them, from `start` on.
    ///
    /// ```
    /// use ndexpr_runtime::view::View;
    ///
    /// let array = [0.0, 1.0, 2.0, 3.0, 4.0];
    /// let part = View::from_slice(&array).slice_axis(0, 4, 2, -3);
    /// assert_eq!(part.shape(), [2]);
    /// assert_eq!(part.read(&[1]).unwrap().get(), Some(1.0));
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no such axis, or one of these indices is not in it.
    #[must_use]
    pub fn slice_axis(&self, axis: usize, start: usize, n: usize, step: isize) -> View<'a> {
        let mut raw = self.raw().clone();
        let extent = raw.shape[axis];
        let last = n.checked_sub(1).map(|steps| start as i128 + steps as i128 * step as i128);
        let is_inside = |index: i128| (0..extent as i128).contains(&index);
        assert!(last.is_none_or(|last| is_inside(start as i128) && is_inside(last)), "the indices are in the axis");
        raw.shape[axis] = n;
        match n {
            0 => {}
            // The stride is not used, and the step may be too large to multiply with.
            1 => raw.ptr = raw.ptr.wrapping_offset(start as isize * raw.strides[axis]),
            _ => {
                raw.ptr = raw.ptr.wrapping_offset(start as isize * raw.strides[axis]);
                raw.strides[axis] *= step;
            }
        }
        // SAFETY: the elements are some of this view's, at other places: all indices were checked.
        unsafe { View::wrap(raw) }
    }

    /// The elements at one index of an axis, without that axis.
    ///
    /// # Panics
    ///
    /// If there is no such axis, or the index is not in it.
    #[must_use]
    pub fn index_axis(&self, axis: usize, index: usize) -> View<'a> {
        let part = self.slice_axis(axis, index, 1, 1);
        let RawView { ptr, dtype, mut shape, mut strides } = part.raw().clone();
        shape.remove(axis);
        strides.remove(axis);
        // SAFETY: the same elements as those of the part, whose axis had extent 1.
        unsafe { View::wrap(RawView { ptr, dtype, shape, strides }) }
    }

    /// The same elements with one more axis of extent 1, before axis `axis`, or after the last.
    ///
    /// # Panics
    ///
    /// If there are fewer axes than `axis`.
    #[must_use]
    pub fn with_axis(&self, axis: usize) -> View<'a> {
        let mut raw = self.raw().clone();
        raw.shape.insert(axis, 1);
        raw.strides.insert(axis, 0);
        // SAFETY: the same elements; an extent of 1 does not change their number.
        unsafe { View::wrap(raw) }
    }

    /// The same elements with the axes in the opposite order.
    #[must_use]
    pub fn transposed(&self) -> View<'a> {
        let mut raw = self.raw().clone();
        raw.shape.reverse();
        raw.strides.reverse();
        // SAFETY: the same elements.
        unsafe { View::wrap(raw) }
    }
}
