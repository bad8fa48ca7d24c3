//! Memory that the runtime allocates: outputs and scratch. It runs nothing.
//!
//! In: dtypes, shapes, numbers of bytes. Out: [`Output`]s, scratch of a thread, lists of words.
//! Always true: when memory runs out, nothing here aborts the process, but an [`AllocError`] is
//! returned; and no memory is ever uninitialised. It starts out zeroed, which is a valid value of
//! every dtype, and costs nothing where the system hands out zero pages anyway.

mod buffer;
mod fence;
mod huge_pages;
mod output;
mod prefetch;
mod scratch;
mod stream;

pub use output::Output;

pub(crate) use buffer::zeroed_words;
pub(crate) use fence::fence;
pub(crate) use prefetch::{prefetch, prefetch_to_l2};
pub(crate) use scratch::with_scratch;
pub(crate) use stream::copy_past_caches;

/// The most scratch that a kernel may ask for, per thread. The thread keeps it for the next kernel.
pub const MAX_SCRATCH_BYTES: usize = 1 << 20;

/// Why memory could not be allocated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocError {
    /// The system has no such amount of memory.
    #[error("out of memory: cannot allocate {n_bytes} bytes")]
    OutOfMemory {
        /// What was asked for.
        n_bytes: usize,
    },
    /// An array of this shape is larger than the address space.
    #[error("shape {shape:?} is larger than the address space")]
    TooLarge {
        /// The shape.
        shape: Box<[usize]>,
    },
    /// More axes than [`MAX_AXES`](crate::view::MAX_AXES).
    #[error("{n_axes} axes, more than {}", crate::view::MAX_AXES)]
    TooManyAxes {
        /// Length of the shape.
        n_axes: usize,
    },
    /// Memory of so many elements cannot have this shape.
    #[error("an array of {n_elems} elements cannot have shape {shape:?}")]
    OtherSize {
        /// The number of elements that the memory has.
        n_elems: usize,
        /// The shape.
        shape: Box<[usize]>,
    },
    /// The axis order does not name each axis once.
    #[error("{order:?} is not an order of {n_axes} axes")]
    BadOrder {
        /// What was given.
        order: Box<[usize]>,
        /// The number of axes to order.
        n_axes: usize,
    },
}
