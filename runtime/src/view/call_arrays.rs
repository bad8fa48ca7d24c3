//! [`CallArrays`]: the arrays of a call, whose shapes and strides somebody else keeps.
//!
//! In: views, numbers, or what a caller states. Out: the arrays by number, and [`Apart`], if those
//! that are written share no memory with others. A view has copies of its array's shape and
//! strides. Copying them for several arrays takes longer than computing a short call, so here they
//! are borrowed. Nothing is known of them: who reads or writes elements first compares an array
//! with a layout that was checked, or looks at all its extents and strides.

use smallvec::SmallVec;

use super::overlap::are_disjoint;
use super::raw::{RawRef, read_scalar};
use super::{View, ViewMut};
use crate::dtype::{DType, Scalar};

/// The arrays of a call, in an order that the caller and the user agree on.
///
/// ```
/// use ndexpr_runtime::view::{CallArrays, View, ViewMut};
///
/// let (a, mut b) = ([1.0, 2.0], [0.0; 2]);
/// let (read, mut written) = (View::from_slice(&a), ViewMut::from_slice_mut(&mut b));
/// let mut arrays = CallArrays::new();
/// arrays.push(&read);
/// arrays.push_mut(&mut written);
/// assert_eq!(arrays.n_arrays(), 2);
/// assert!(arrays.apart().is_some());
/// ```
#[derive(Default)]
pub struct CallArrays<'a> {
    all: SmallVec<[CallArray<'a>; 8]>,
}

#[derive(Clone, Copy)]
pub(crate) struct CallArray<'a> {
    pub(crate) raw: RawRef<'a>,
    /// Whether the call may write its elements.
    pub(crate) is_written: bool,
}

/// Arrays of a call, of which those that are written share no memory with any other. Made by
/// [`CallArrays::apart`].
pub struct Apart<'a>(&'a [CallArray<'a>]);

impl<'a> CallArrays<'a> {
    /// No arrays.
    #[must_use]
    pub fn new() -> CallArrays<'a> {
        CallArrays::default()
    }

    /// Adds an array to read.
    pub fn push(&mut self, view: &'a View<'_>) {
        self.all.push(CallArray { raw: view.raw().by_ref(), is_written: false });
    }

    /// Adds an array to write.
    pub fn push_mut(&mut self, view: &'a mut ViewMut<'_>) {
        self.all.push(CallArray { raw: view.raw().by_ref(), is_written: true });
    }

    /// Adds a number, as an array of rank 0; it is in the first of these bytes.
    pub fn push_number(&mut self, dtype: DType, bytes: &'a [u8; 8]) {
        let raw = RawRef { ptr: bytes.as_ptr().cast_mut(), dtype, shape: &[], strides: &[] };
        self.all.push(CallArray { raw, is_written: false });
    }

    /// Adds an array that the caller knows: the element at index 0 is at `ptr`, and the others
    /// follow by `strides` in bytes.
    ///
    /// # Safety
    ///
    /// - There must be as many strides as extents, and the number of elements must fit in an
    ///   `isize`.
    /// - Every element (none, if an extent is 0) must lie in one allocation that `ptr` points into,
    ///   and be valid for `'a` for reads, and for writes too if the array is written. It need not
    ///   be aligned. It may hold any bytes, but they must be initialised.
    /// - During `'a`, only the call may write to the elements, and only the call may read those of
    ///   an array that is written. Arrays of the same call may share memory: whoever runs on them
    ///   finds that out first.
    pub unsafe fn push_raw(
        &mut self,
        ptr: *mut u8,
        dtype: DType,
        (shape, strides): (&'a [usize], &'a [isize]),
        is_written: bool,
    ) {
        self.all.push(CallArray { raw: RawRef { ptr, dtype, shape, strides }, is_written });
    }

    /// How many arrays there are.
    #[must_use]
    pub fn n_arrays(&self) -> usize {
        self.all.len()
    }

    /// The arrays; `None` if one that is written may share memory with another one.
    pub fn apart(&mut self) -> Option<Apart<'_>> {
        // The bytes that an array spans, which is mostly enough to see that two share none.
        let span = |array: &CallArray<'_>| {
            let span = array.raw.byte_span();
            let start = array.raw.ptr.addr();
            (start.wrapping_add_signed(span.start), start.wrapping_add_signed(span.end))
        };
        let mut spans: SmallVec<[(usize, usize); 8]> = SmallVec::new();
        self.all.iter().for_each(|array| spans.push(span(array)));
        for (place, (array, (start, end))) in self.all.iter().zip(&spans).enumerate() {
            for (other, (other_start, other_end)) in self.all[..place].iter().zip(&spans) {
                let may_meet = (array.is_written || other.is_written) && start < other_end && other_start < end;
                if may_meet && !are_disjoint(other.raw, array.raw) {
                    return None;
                }
            }
        }
        Some(Apart(&self.all))
    }

    pub(crate) fn all(&self) -> &[CallArray<'a>] {
        &self.all
    }
}

impl<'a> Apart<'a> {
    pub(crate) fn get(&self, place: usize) -> Option<CallArray<'a>> {
        self.0.get(place).copied()
    }
}

impl CallArray<'_> {
    /// The only element of an array of rank 0.
    pub(crate) fn element(&self) -> Option<Scalar> {
        // SAFETY: an array of rank 0 has one element, which whoever added the array has vouched
        // for.
        self.raw.shape.is_empty().then(|| unsafe { read_scalar(self.raw.ptr, self.raw.dtype) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Part;

    #[test]
    fn arrays_that_are_written_are_apart() {
        let mut memory = [0.0; 8];
        let base = memory.as_mut_ptr().cast::<u8>();
        let is_apart = |parts: &[(usize, usize, isize, bool)]| {
            let shapes: Vec<_> = parts.iter().map(|&(_, n, step, _)| ([n], [8 * step])).collect();
            let mut arrays = CallArrays::new();
            for (&(start, _, _, is_written), (shape, strides)) in parts.iter().zip(&shapes) {
                // SAFETY: the elements are never looked at.
                unsafe { arrays.push_raw(base.wrapping_add(8 * start), DType::Float64, (shape, strides), is_written) };
            }
            arrays.apart().is_some()
        };
        assert!(is_apart(&[(0, 4, 1, true), (4, 4, 1, true)]));
        assert!(is_apart(&[(0, 4, 1, false), (2, 4, 1, false)]));
        assert!(!is_apart(&[(0, 4, 1, true), (3, 4, 1, false)]));
        assert!(!is_apart(&[(3, 4, 1, false), (0, 4, 1, true)]));
        assert!(!is_apart(&[(0, 8, 1, true), (0, 8, 1, true)]));
        // Every second element, and the others.
        assert!(is_apart(&[(0, 4, 2, true), (1, 4, 2, true)]));
        assert!(!is_apart(&[(0, 4, 2, true), (2, 2, 2, true)]));
        assert!(is_apart(&[(7, 4, -1, true), (0, 4, 1, false)]));
        assert!(is_apart(&[(0, 8, 1, true), (3, 0, 1, true)]), "no elements");
        // Strides of layouts that nothing has checked.
        assert!(!is_apart(&[(0, 3, isize::MAX / 8, true), (0, 8, 1, true)]));
    }

    #[test]
    fn elements_of_rank_0() {
        let (array, bytes) = (ndarray::array![1.0, 2.5], Scalar::new(7_i16).to_ne_bytes());
        let (whole, one) = (View::from(&array), View::from(&array).select([Part::At(1)]));
        let mut arrays = CallArrays::new();
        arrays.push(&whole);
        arrays.push(&one);
        arrays.push_number(DType::Int16, &bytes);
        let elements: Vec<_> = arrays.all().iter().map(CallArray::element).collect();
        assert_eq!(elements, [None, Some(Scalar::new(2.5)), Some(Scalar::new(7_i16))]);
    }
}
