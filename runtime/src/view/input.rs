//! [`View`]: an array to read.

use std::fmt;
use std::marker::PhantomData;

use super::raw::RawView;
use super::{Shape, ViewError, list, step};
use crate::dtype::{DType, Element, Scalar};

/// An array to read: pointer, dtype, shape, byte strides. See the [module](super) for what is
/// always true of it.
///
/// Made from slices, single elements, ndarrays (`View::from(&array)`) and bytes without copying.
///
/// ```
/// use ndexpr_runtime::view::View;
///
/// let array = ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let view = View::from(&array);
/// assert_eq!(view.shape(), [2, 3]);
/// assert_eq!(view.strides(), [24, 8]);
/// assert_eq!(view.read(&[1, 2]).unwrap().get(), Some(6.0));
/// ```
#[derive(Clone)]
pub struct View<'a> {
    raw: RawView,
    memory: PhantomData<&'a [u8]>,
}

// SAFETY: a view only reads plain bytes (every dtype is `Copy + Send + Sync`) that nobody writes
// during its lifetime, by rule 2 of the module, so it is as shareable as `&[u8]`.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    /// A one-dimensional view of a slice.
    #[must_use]
    pub fn from_slice<T: Element>(slice: &'a [T]) -> View<'a> {
        let (shape, strides) = (list(&[slice.len()]), list(&[size_of::<T>() as isize]));
        // SAFETY: the elements are the slice's, which is borrowed for `'a` and no longer than an
        // `isize` counts.
        unsafe { View::wrap(RawView { ptr: slice.as_ptr().cast_mut().cast(), dtype: T::DTYPE, shape, strides }) }
    }

    /// A view of rank 0 of one element.
    #[must_use]
    pub fn from_element<T: Element>(element: &'a T) -> View<'a> {
        let ptr = std::ptr::from_ref(element).cast_mut().cast();
        // SAFETY: the only element is the one that is borrowed for `'a`.
        unsafe { View::wrap(RawView { ptr, dtype: T::DTYPE, shape: Shape::new(), strides: Default::default() }) }
    }

    /// A view into bytes, of any alignment: the element at index 0 is at `offset`, and the others
    /// follow by `strides` in bytes. The bytes are in the machine's order; a bool is true unless
    /// its byte is 0.
    ///
    /// # Errors
    ///
    /// If shape and strides differ in length, there are more than [`MAX_AXES`](super::MAX_AXES)
    /// axes, or some element would lie outside of `bytes`.
    pub fn from_bytes(
        bytes: &'a [u8],
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<View<'a>, ViewError> {
        let buffer = (bytes.as_ptr().cast_mut(), bytes.len());
        let raw = RawView::in_bytes(buffer, dtype, shape, strides, offset)?;
        // SAFETY: `in_bytes` checked that every element is inside of `bytes`, which are borrowed
        // for `'a`.
        Ok(unsafe { View::wrap(raw) })
    }

    /// A view of memory that the caller knows: the element at index 0 is at `ptr`, and the others
    /// follow by `strides` in bytes.
    ///
    /// # Safety
    ///
    /// - Every element (none, if an extent is 0) must lie in one allocation that `ptr` points into,
    ///   and be valid for reads for `'a`. It need not be aligned. It may hold any bytes, but they
    ///   must be initialised.
    /// - Nobody may write to the elements during `'a`, with one exception:
    ///   [`exec::run`](crate::exec::run) on a plan of which this view is an input, which checks how
    ///   its inputs and outputs overlap.
    ///
    /// # Errors
    ///
    /// If shape and strides differ in length, there are more than [`MAX_AXES`](super::MAX_AXES)
    /// axes, or counts or spans overflow.
    pub unsafe fn from_raw_parts(
        ptr: *const u8,
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
    ) -> Result<View<'a>, ViewError> {
        let raw = RawView::new(ptr.cast_mut(), dtype, shape, strides)?;
        // SAFETY: `RawView::new` checked the counts, and the caller vouches for the memory.
        Ok(unsafe { View::wrap(raw) })
    }

    /// Takes parts that are known to be good.
    ///
    /// # Safety
    ///
    /// They must keep rules 1 and 2 of the [module](super), for `'a`.
    pub(crate) unsafe fn wrap(raw: RawView) -> View<'a> {
        View { raw, memory: PhantomData }
    }

    pub(crate) fn raw(&self) -> &RawView {
        &self.raw
    }

    /// Whether the elements follow one another without gaps, the last axis fastest.
    #[must_use]
    pub fn is_c_order(&self) -> bool {
        let mut next = self.dtype().size() as isize;
        self.shape().iter().zip(self.strides()).rev().all(|(&extent, &stride)| {
            let is_next = extent <= 1 || stride == next;
            next = next.wrapping_mul(extent as isize);
            is_next
        }) || self.n_elems() == 0
    }

    /// All elements in C order (last index fastest), whatever the memory order.
    #[must_use]
    pub fn scalars(&self) -> Scalars<'_> {
        Scalars { view: self, index: self.shape().iter().map(|_| 0).collect(), n_left: self.n_elems() }
    }

    /// The same elements, stretched to `shape` by NumPy's rules: missing and unit axes repeat
    /// (stride 0).
    ///
    /// # Errors
    ///
    /// If an extent is neither 1 nor `shape`'s, or the result has more elements than an `isize` can
    /// count.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<View<'a>, ViewError> {
        let raw = self.raw.broadcast_to(shape)?;
        // SAFETY: the elements are this view's, repeated; `broadcast_to` counted them.
        Ok(unsafe { View::wrap(raw) })
    }

    /// The view without repetition: axes of stride 0 get extent 1, unless they are empty.
    pub(crate) fn distinct(&self) -> View<'a> {
        let mut raw = self.raw.clone();
        for (extent, &stride) in raw.shape.iter_mut().zip(&raw.strides) {
            if stride == 0 {
                *extent = (*extent).min(1);
            }
        }
        // SAFETY: the elements are some of this view's, over extents that are no larger.
        unsafe { View::wrap(raw) }
    }
}

impl<'a, T: Element> From<&'a [T]> for View<'a> {
    fn from(slice: &'a [T]) -> View<'a> {
        View::from_slice(slice)
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({}{:?}, strides {:?})", self.dtype(), self.shape(), self.strides())
    }
}

/// The elements of a [`View`] in C order. Made by [`View::scalars`].
#[derive(Clone, Debug)]
pub struct Scalars<'v> {
    view: &'v View<'v>,
    index: Shape,
    n_left: usize,
}

impl Iterator for Scalars<'_> {
    type Item = Scalar;

    fn next(&mut self) -> Option<Scalar> {
        self.n_left = self.n_left.checked_sub(1)?;
        let scalar = self.view.read(&self.index);
        step(&mut self.index, self.view.shape(), |_, _| {});
        scalar
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left, Some(self.n_left))
    }
}

impl ExactSizeIterator for Scalars<'_> {}
