//! What [`View`](super::View) and [`ViewMut`](super::ViewMut) have in common: the parts, without
//! lifetime or access.
//!
//! A `RawView` that exists keeps rule 1 of the [module](super), and its elements span less than
//! `isize::MAX` bytes. Whether memory may be read or written is what the two wrappers promise.

use super::layout::{broadcast_strides, byte_span, count_elems, is_broadcastable};
use super::{MAX_AXES, Shape, Strides, ViewError, list};
use crate::dtype::{DType, Scalar};
use std::ops::Range;

#[derive(Debug)]
pub(crate) struct RawView {
    /// The element at index 0 of every axis; dangling if there are no elements.
    pub(crate) ptr: *mut u8,
    pub(crate) dtype: DType,
    pub(crate) shape: Shape,
    pub(crate) strides: Strides,
}

/// The parts of a [`RawView`], where somebody else keeps the shape and the strides. Nothing is known
/// of them but that there are as many of both, and that the number of elements fits in an `isize`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawRef<'a> {
    pub(crate) ptr: *mut u8,
    pub(crate) dtype: DType,
    pub(crate) shape: &'a [usize],
    pub(crate) strides: &'a [isize],
}

/// A view's dtype, shape and strides, wherever its memory is.
#[derive(Debug, PartialEq)]
pub(crate) struct Layout {
    dtype: DType,
    shape: Shape,
    strides: Strides,
}

impl Layout {
    /// Whether a view has this layout. Then all that is known about offsets from the first element
    /// of one view is true for the other view too.
    pub(crate) fn is_of(&self, view: RawRef<'_>) -> bool {
        // This compares one by one: comparing slices is a call, which takes longer than so few
        // extents.
        self.dtype == view.dtype
            && self.shape.len() == view.shape.len()
            && self.shape.iter().zip(view.shape).all(|(known, extent)| known == extent)
            && self.strides.iter().zip(view.strides).all(|(known, stride)| known == stride)
    }

    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// A view of this layout.
    pub(crate) fn at(&self, ptr: *mut u8) -> RawView {
        RawView { ptr, dtype: self.dtype, shape: list(&self.shape), strides: list(&self.strides) }
    }
}

/// This is not derived for the same reason as [`RawView`]'s.
impl Clone for Layout {
    fn clone(&self) -> Layout {
        Layout { dtype: self.dtype, shape: list(&self.shape), strides: list(&self.strides) }
    }
}

/// This is not derived, because `clone` of a `SmallVec` copies element by element, which would slow
/// down short calls.
impl Clone for RawView {
    fn clone(&self) -> RawView {
        let (shape, strides) = (list(&self.shape), list(&self.strides));
        RawView { ptr: self.ptr, dtype: self.dtype, shape, strides }
    }
}

impl RawView {
    /// Checks the lengths, the number of axes, and that counts and spans fit in an `isize`.
    pub(super) fn new(ptr: *mut u8, dtype: DType, shape: &[usize], strides: &[isize]) -> Result<RawView, ViewError> {
        // Vectors and single values are checked first, because looking at more axes would slow down
        // small calls.
        match (shape, strides) {
            ([], []) => return Ok(RawView { ptr, dtype, shape: Shape::new(), strides: Strides::new() }),
            (&[extent], &[stride]) if is_short_vector(extent, stride) => {
                let (shape, strides) = (list(&[extent]), list(&[stride]));
                return Ok(RawView { ptr, dtype, shape, strides });
            }
            _ => {}
        }
        if shape.len() != strides.len() {
            return Err(ViewError::StridesMismatch { n_axes: shape.len(), n_strides: strides.len() });
        }
        if shape.len() > MAX_AXES {
            return Err(ViewError::TooManyAxes { n_axes: shape.len() });
        }
        count_elems(shape).ok_or_else(|| ViewError::too_large(shape))?;
        byte_span(dtype.size(), shape, strides)
            .filter(|span| span.end - span.start <= isize::MAX as i128)
            .ok_or_else(|| ViewError::too_large(shape))?;
        Ok(RawView { ptr, dtype, shape: list(shape), strides: list(strides) })
    }

    /// Also checks that every element lies inside a buffer of `n_bytes` bytes at `buffer`, the
    /// first at `offset`.
    pub(super) fn in_bytes(
        (buffer, n_bytes): (*mut u8, usize),
        dtype: DType,
        shape: &[usize],
        strides: &[isize],
        offset: usize,
    ) -> Result<RawView, ViewError> {
        let view = RawView::new(buffer.wrapping_add(offset), dtype, shape, strides)?;
        let span = view.byte_span();
        let (first_byte, end_byte) = (offset as i128 + span.start as i128, offset as i128 + span.end as i128);
        if first_byte < 0 || end_byte > n_bytes as i128 {
            return Err(ViewError::OutOfBounds { first_byte, end_byte, n_bytes });
        }
        Ok(view)
    }

    pub(crate) fn by_ref(&self) -> RawRef<'_> {
        RawRef { ptr: self.ptr, dtype: self.dtype, shape: &self.shape, strides: &self.strides }
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout { dtype: self.dtype, shape: list(&self.shape), strides: list(&self.strides) }
    }

    pub(crate) fn n_elems(&self) -> usize {
        if self.shape.contains(&0) { 0 } else { self.shape.iter().product() }
    }

    /// See [`RawRef::byte_span`].
    pub(super) fn byte_span(&self) -> Range<isize> {
        self.by_ref().byte_span()
    }

    /// The same elements, stretched.
    pub(super) fn broadcast_to(&self, shape: &[usize]) -> Result<RawView, ViewError> {
        if !is_broadcastable(&self.shape, shape) {
            return Err(ViewError::NotBroadcastable { from: self.shape[..].into(), to: shape.into() });
        }
        count_elems(shape).ok_or_else(|| ViewError::too_large(shape))?;
        let strides = broadcast_strides(&self.shape, &self.strides, shape).collect();
        Ok(RawView { ptr: self.ptr, dtype: self.dtype, shape: shape.into(), strides })
    }

    /// The strides over a shape to which this view is broadcastable.
    pub(crate) fn strides_over<'s>(&'s self, shape: &'s [usize]) -> impl Iterator<Item = isize> + 's {
        broadcast_strides(&self.shape, &self.strides, shape)
    }

    /// Where the element is; inside the view's memory, by rule 2.
    pub(super) fn element(&self, index: &[usize]) -> Option<*mut u8> {
        if index.len() != self.shape.len() || index.iter().zip(&self.shape).any(|(i, extent)| i >= extent) {
            return None;
        }
        let offset: isize = index.iter().zip(&self.strides).map(|(&i, &s)| (i as isize).wrapping_mul(s)).sum();
        Some(self.ptr.wrapping_offset(offset))
    }

    pub(super) fn index_out_of_range(&self, index: &[usize]) -> ViewError {
        ViewError::IndexOutOfRange { index: index.into(), shape: self.shape[..].into() }
    }
}

impl RawRef<'_> {
    pub(super) fn is_empty(self) -> bool {
        self.shape.contains(&0)
    }

    /// Bytes from `ptr` to the lowest element's start and to the highest element's end. Nothing
    /// overflows if the parts are those of a view, because that was checked when it was made.
    pub(super) fn byte_span(self) -> Range<isize> {
        if self.is_empty() {
            return 0..0;
        }
        let mut span = 0..self.dtype.size() as isize;
        for (&extent, &stride) in self.shape.iter().zip(self.strides) {
            let reach = (extent as isize - 1).wrapping_mul(stride);
            if reach < 0 {
                span.start = span.start.wrapping_add(reach);
            } else {
                span.end = span.end.wrapping_add(reach);
            }
        }
        span
    }
}

/// Whether a vector's count and span are certain to fit in an `isize`, whatever its dtype.
fn is_short_vector(extent: usize, stride: isize) -> bool {
    // The last element's bytes are added to this.
    const LONGEST: usize = isize::MAX as usize / 2;
    extent <= LONGEST && extent.checked_mul(stride.unsigned_abs()).is_some_and(|span| span <= LONGEST)
}

/// Reads one element.
///
/// # Safety
///
/// `ptr` must be valid for reads of `dtype.size()` bytes.
pub(super) unsafe fn read_scalar(ptr: *const u8, dtype: DType) -> Scalar {
    // SAFETY: as many bytes are read as the dtype has, which the caller vouches for; no alignment
    // is assumed.
    let bits = unsafe {
        match dtype.size() {
            1 => u64::from(ptr.read()),
            2 => u64::from(ptr.cast::<u16>().read_unaligned()),
            4 => u64::from(ptr.cast::<u32>().read_unaligned()),
            _ => ptr.cast::<u64>().read_unaligned(),
        }
    };
    Scalar::from_bits(dtype, bits)
}

/// Writes one element of the scalar's own dtype.
///
/// # Safety
///
/// `ptr` must be valid for writes of `value.dtype().size()` bytes.
pub(super) unsafe fn write_scalar(ptr: *mut u8, value: Scalar) {
    let bits = value.bits();
    // SAFETY: as many bytes are written as the dtype has, which the caller vouches for; no
    // alignment is assumed.
    unsafe {
        match value.dtype().size() {
            1 => ptr.write(bits as u8),
            2 => ptr.cast::<u16>().write_unaligned(bits as u16),
            4 => ptr.cast::<u32>().write_unaligned(bits as u32),
            _ => ptr.cast::<u64>().write_unaligned(bits),
        }
    }
}
