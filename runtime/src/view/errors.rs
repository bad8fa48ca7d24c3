//! Why a view could not be made, read or written.

use super::MAX_AXES;
use crate::dtype::DType;

/// Why a view could not be made, read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// A shape and its strides differ in length.
    #[error("{n_axes} axes but {n_strides} strides")]
    StridesMismatch {
        /// Length of the shape.
        n_axes: usize,
        /// Length of the strides.
        n_strides: usize,
    },
    /// More axes than [`MAX_AXES`].
    #[error("{n_axes} axes, more than {MAX_AXES}")]
    TooManyAxes {
        /// Length of the shape.
        n_axes: usize,
    },
    /// The number of elements, or of bytes that they span, does not fit in an `isize`.
    #[error("shape {shape:?} is larger than the address space")]
    TooLarge {
        /// The shape.
        shape: Box<[usize]>,
    },
    /// Some element lies outside of the bytes that were given.
    #[error("elements lie at bytes {first_byte}..{end_byte} of a buffer of {n_bytes} bytes")]
    OutOfBounds {
        /// Where the lowest element begins, from the start of the buffer.
        first_byte: i128,
        /// Where the highest element ends, from the start of the buffer.
        end_byte: i128,
        /// Length of the buffer.
        n_bytes: usize,
    },
    /// Two elements of an output share memory.
    #[error("elements of an output overlap each other (shape {shape:?}, byte strides {strides:?})")]
    SelfOverlapping {
        /// The shape.
        shape: Box<[usize]>,
        /// The strides.
        strides: Box<[isize]>,
    },
    /// A view cannot be stretched to this shape.
    #[error("shape {from:?} does not broadcast to {to:?}")]
    NotBroadcastable {
        /// The view's shape.
        from: Box<[usize]>,
        /// The shape asked for.
        to: Box<[usize]>,
    },
    /// An index has the wrong length, or an entry that is not below its extent.
    #[error("index {index:?} is outside of shape {shape:?}")]
    IndexOutOfRange {
        /// The index.
        index: Box<[usize]>,
        /// The view's shape.
        shape: Box<[usize]>,
    },
    /// A value of one dtype was written to a view of another.
    #[error("expected {expected}, found {found}")]
    DTypeMismatch {
        /// The view's dtype.
        expected: DType,
        /// The value's dtype.
        found: DType,
    },
}

impl ViewError {
    pub(super) fn too_large(shape: &[usize]) -> ViewError {
        ViewError::TooLarge { shape: shape.into() }
    }

    pub(super) fn self_overlapping(shape: &[usize], strides: &[isize]) -> ViewError {
        ViewError::SelfOverlapping { shape: shape.into(), strides: strides.into() }
    }
}
