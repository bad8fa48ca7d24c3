//! Parts of arrays as they lie in them, for all arrays that have the same layout.

use super::part::{select, transposed};
use super::raw::{Layout, RawRef, RawView};
use super::{Part, View, ViewError, ViewMut};

/// A part of an array as it lies in it. To find it out takes longer than to take the part of
/// another array with the same dtype, shape and strides.
///
/// ```
/// use ndexpr_runtime::view::{Part, PartLayout, View};
///
/// let (a, b) = (ndarray::array![[1, 2], [3, 4]], ndarray::array![[5, 6], [7, 8]]);
/// let second_row = PartLayout::whole(&View::from(&a)).select([Part::At(1)]);
/// let (b, in_other_order) = (View::from(&b), View::from(b.t()));
/// assert_eq!(second_row.of(&b).unwrap().read(&[0]).unwrap().get(), Some(7));
/// assert!(second_row.of(&in_other_order).is_none());
/// ```
#[derive(Clone, Debug)]
pub struct PartLayout {
    /// The layout of the arrays.
    of: Layout,
    /// The bytes from an array's first element to the part's.
    offset: isize,
    part: Layout,
    /// Whether one element of the array may be several of the part.
    is_stretched: bool,
}

impl PartLayout {
    /// All of an array that has the layout of this one.
    #[must_use]
    pub fn whole(array: &View<'_>) -> PartLayout {
        let layout = array.raw().layout();
        PartLayout { of: layout.clone(), offset: 0, part: layout, is_stretched: false }
    }

    /// A part of the part, as [`View::select`] gives it.
    ///
    /// # Panics
    ///
    /// As [`View::select`].
    #[must_use]
    pub fn select(self, parts: impl IntoIterator<Item = Part>) -> PartLayout {
        let part = select(&self.raw(), parts);
        self.with_part(&part)
    }

    /// The part with the axes in the opposite order.
    #[must_use]
    pub fn transposed(self) -> PartLayout {
        let part = transposed(&self.raw());
        self.with_part(&part)
    }

    /// The part, stretched to a shape.
    ///
    /// # Errors
    ///
    /// As [`View::broadcast_to`].
    pub fn broadcast_to(self, shape: &[usize]) -> Result<PartLayout, ViewError> {
        let part = self.raw().broadcast_to(shape)?;
        Ok(PartLayout { is_stretched: true, ..self.with_part(&part) })
    }

    /// The extents of the part.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.part.shape()
    }

    /// Whether an array has the dtype, the shape and the strides that the part is for.
    #[must_use]
    pub fn is_for(&self, array: &View<'_>) -> bool {
        self.of.is_of(array.raw().by_ref())
    }

    /// The part of an array; `None` if the array has another layout.
    #[must_use]
    pub fn of<'a>(&self, array: &View<'a>) -> Option<View<'a>> {
        let part = self.at(array.raw())?;
        // SAFETY: its elements are some of the array's, because they are in every array of this
        // layout.
        Some(unsafe { View::wrap(part) })
    }

    /// The part of an array for writing; `None` if the array has another layout, or the part is
    /// stretched, so that elements may share memory.
    #[must_use]
    pub fn of_mut<'a>(&self, array: ViewMut<'a>) -> Option<ViewMut<'a>> {
        if self.is_stretched {
            return None;
        }
        let part = self.at(array.raw())?;
        // SAFETY: its elements are some of the array's, each once, and the array is gone.
        Some(unsafe { ViewMut::wrap(part) })
    }

    pub(crate) fn is_for_raw(&self, array: RawRef<'_>) -> bool {
        self.of.is_of(array)
    }

    /// Whether it is for arrays of the layout that another one is for.
    pub(crate) fn is_part_of(&self, whole: &PartLayout) -> bool {
        self.of == whole.of
    }

    pub(crate) fn offset(&self) -> isize {
        self.offset
    }

    pub(crate) fn is_stretched(&self) -> bool {
        self.is_stretched
    }

    fn at(&self, array: &RawView) -> Option<RawView> {
        self.of.is_of(array.by_ref()).then(|| self.part.at(array.ptr.wrapping_offset(self.offset)))
    }

    /// The part of an array that begins at address 0. Nothing is read there: `select` and others
    /// only compute where elements are.
    pub(crate) fn raw(&self) -> RawView {
        self.part.at(std::ptr::null_mut::<u8>().wrapping_offset(self.offset))
    }

    fn with_part(self, part: &RawView) -> PartLayout {
        PartLayout { offset: part.ptr.addr() as isize, part: part.layout(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn parts_of_other_arrays() {
        let (mut a, b) = (Array2::<i32>::zeros((4, 5)), Array2::from_shape_fn((4, 5), |(i, j)| (10 * i + j) as i32));
        let columns = Part::Slice { start: 4, n: 2, step: -3 };
        let part = PartLayout::whole(&View::from(&a)).select([Part::Whole, columns]).transposed();
        let part = part.select([Part::Whole, Part::Slice { start: 1, n: 3, step: 1 }]);
        let b = View::from(&b);
        let found = part.of(&b).unwrap();
        assert_eq!((found.shape(), part.shape()), (&[2, 3][..], &[2, 3][..]));
        let expected = b.select([Part::Slice { start: 1, n: 3, step: 1 }, columns]).transposed();
        for index in [[0, 0], [0, 2], [1, 0], [1, 2]] {
            assert_eq!(found.read(&index), expected.read(&index));
        }
        part.of_mut((&mut a).into()).unwrap().write(&[1, 2], crate::dtype::Scalar::new(7)).unwrap();
        assert_eq!(a[[3, 1]], 7);
    }

    #[test]
    fn only_arrays_of_the_same_layout() {
        let (a, b) = (Array2::<i32>::zeros((4, 4)), Array2::<u32>::zeros((4, 4)));
        let part = PartLayout::whole(&View::from(&a));
        assert!(part.is_for(&View::from(&a)) && part.of(&View::from(&a)).is_some());
        assert!(part.of(&View::from(&b)).is_none());
        assert!(part.of(&View::from(&a).transposed()).is_none());
        assert!(part.of(&View::from(&a).select([Part::Slice { start: 0, n: 3, step: 1 }])).is_none());
    }

    #[test]
    fn stretched_parts_are_not_written() {
        let mut a = Array2::<i32>::zeros((1, 4));
        let part = PartLayout::whole(&View::from(&a)).broadcast_to(&[3, 4]).unwrap();
        assert_eq!(part.of(&View::from(&a)).unwrap().shape(), [3, 4]);
        assert!(part.of_mut((&mut a).into()).is_none());
    }
}
