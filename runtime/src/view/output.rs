//! [`ViewMut`]: an array to write.

use std::fmt;
use std::marker::PhantomData;

use super::layout::overlaps_itself;
use super::raw::{RawView, write_scalar};
use super::{Shape, View, ViewError, list};
use crate::dtype::{DType, Element, Scalar};

/// An array to write: pointer, dtype, shape, byte strides, no two elements sharing a byte. See the
/// [module](super).
///
/// ```
/// use ndexpr_runtime::{dtype::Scalar, view::ViewMut};
///
/// let mut array = ndarray::Array2::<f64>::zeros((2, 3));
/// let mut view = ViewMut::from(&mut array);
/// view.write(&[1, 2], Scalar::new(6.0))?;
/// assert_eq!(array[[1, 2]], 6.0);
/// # Ok::<(), ndexpr_runtime::view::ViewError>(())
/// ```
pub struct ViewMut<'a> {
    raw: RawView,
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: by rule 2 of the module a `ViewMut` is the only way to its plain bytes during its
// lifetime, and reads through `&ViewMut` only conflict with writes that need `&mut ViewMut`. So it
// is like `&mut [u8]`.
unsafe impl Send for ViewMut<'_> {}
// SAFETY: as above.
unsafe impl Sync for ViewMut<'_> {}

impl<'a> ViewMut<'a> {
    /// A one-dimensional view of a slice.
    #[must_use]
    pub fn from_slice_mut<T: Element>(slice: &'a mut [T]) -> ViewMut<'a> {
        let (shape, strides) = (list(&[slice.len()]), list(&[size_of::<T>() as isize]));
        // SAFETY: the elements are the slice's, which is borrowed mutably for `'a` and no longer
        // than an `isize` counts.
        unsafe { ViewMut::wrap(RawView { ptr: slice.as_mut_ptr().cast(), dtype: T::DTYPE, shape, strides }) }
    }

    /// A view of rank 0 of one element.
    #[must_use]
    pub fn from_element_mut<T: Element>(element: &'a mut T) -> ViewMut<'a> {
        let ptr = std::ptr::from_mut(element).cast();
        // SAFETY: the only element is the one that is borrowed mutably for `'a`.
        unsafe { ViewMut::wrap(RawView { ptr, dtype: T::DTYPE, shape: Shape::new(), strides: Default::default() }) }
    }

    /// A view into bytes, of any alignment: the element at index 0 is at `offset`, and the others
    /// follow by `strides` in bytes. Bools are written as 0 and 1, everything else in the machine's
    /// byte order.
    ///
    /// # Errors
    ///
    /// As [`View::from_bytes`], and if elements overlap each other.
    pub fn from_bytes_mut(
        bytes: &'a mut [u8],
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<ViewMut<'a>, ViewError> {
        let buffer = (bytes.as_mut_ptr(), bytes.len());
        let raw = RawView::in_bytes(buffer, dtype, shape, strides, offset)?;
        check_overlap(&raw)?;
        // SAFETY: (1) `in_bytes` checked that every element is inside of `bytes`, which are
        // borrowed mutably for `'a`; (2) `check_overlap` checked that they are apart.
        Ok(unsafe { ViewMut::wrap(raw) })
    }

    /// A view of memory that the caller knows: the element at index 0 is at `ptr`, and the others
    /// follow by `strides` in bytes.
    ///
    /// # Safety
    ///
    /// - Every element (none, if an extent is 0) must lie in one allocation that `ptr` points into,
    ///   and be valid for reads and writes for `'a`. It need not be aligned. It may hold any bytes,
    ///   but they must be initialised.
    /// - During `'a`, the elements may be read and written only through this view, with one
    ///   exception: a [`View`] made by [`View::from_raw_parts`] that is used only as an input of a
    ///   [`Plan`](crate::plan::Plan) of which this view is an output. The plan checks how they
    ///   overlap.
    ///
    /// # Errors
    ///
    /// As [`View::from_raw_parts`], and if elements overlap each other.
    pub unsafe fn from_raw_parts(
        ptr: *mut u8,
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<ViewMut<'a>, ViewError> {
        let raw = RawView::new(ptr, dtype, shape, strides)?;
        check_overlap(&raw)?;
        // SAFETY: (1) `RawView::new` checked the counts, and the caller vouches for the memory; (2)
        // `check_overlap` checked that the elements are apart.
        Ok(unsafe { ViewMut::wrap(raw) })
    }

    /// Takes parts that are known to be good.
    ///
    /// # Safety
    ///
    /// They must keep the rules of the [module](super), for `'a`.
    pub(crate) unsafe fn wrap(raw: RawView) -> ViewMut<'a> {
        ViewMut { raw, memory: PhantomData }
    }

    pub(crate) fn raw(&self) -> &RawView {
        &self.raw
    }

    /// The same view for a shorter time.
    #[must_use]
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        // SAFETY: the parts are this view's, which is borrowed mutably meanwhile.
        unsafe { ViewMut::wrap(self.raw.clone()) }
    }

    /// The same elements, to read.
    #[must_use]
    pub fn as_view(&self) -> View<'_> {
        // SAFETY: the parts are this view's, which is borrowed meanwhile, so nothing writes through
        // it.
        unsafe { View::wrap(self.raw.clone()) }
    }

    /// Writes the element at `index`.
    ///
    /// # Errors
    ///
    /// If there is no such element, or `value` is of another dtype.
    pub fn write(&mut self, index: &[usize], value: Scalar) -> Result<(), ViewError> {
        if value.dtype() != self.raw.dtype {
            return Err(ViewError::DTypeMismatch { expected: self.raw.dtype, found: value.dtype() });
        }
        let ptr = self.raw.element(index).ok_or_else(|| self.raw.index_out_of_range(index))?;
        // SAFETY: (1) `element` checked the index, so by rule 2 of the module this is an element of
        // the view, which is borrowed mutably; (2) the value has the view's dtype, checked above,
        // so it is as long as the element, and a `Scalar` of dtype bool is 0 or 1, so memory that
        // Rust knows as `bool` stays valid.
        unsafe { write_scalar(ptr, value) };
        Ok(())
    }
}

/// Checks rule 3 of the module.
fn check_overlap(raw: &RawView) -> Result<(), ViewError> {
    if overlaps_itself(raw.dtype.size(), &raw.shape, &raw.strides) {
        return Err(ViewError::self_overlapping(&raw.shape, &raw.strides));
    }
    Ok(())
}

impl<'a, T: Element> From<&'a mut [T]> for ViewMut<'a> {
    fn from(slice: &'a mut [T]) -> ViewMut<'a> {
        ViewMut::from_slice_mut(slice)
    }
}

impl fmt::Debug for ViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ViewMut({}{:?}, strides {:?})", self.dtype(), self.shape(), self.strides())
    }
}
