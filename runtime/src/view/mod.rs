//! Views: arrays that belong to someone else.
//!
//! In: slices, ndarrays, bytes, raw parts. Out: [`View`] (an input) and [`ViewMut`] (an output),
//! each a pointer, a dtype, a shape and signed byte strides. Always true of a view that exists:
//!
//! 1. it has as many strides as axes, and its number of elements fits in an `isize`;
//! 2. every element lies inside memory that is valid for the view's lifetime: shared for a
//!    [`View`], exclusive for a [`ViewMut`];
//! 3. no two elements of a [`ViewMut`] share a byte.
//!
//! That is checked where a view is made and nowhere else. Strides may be negative, zero (inputs),
//! or no multiple of the element's size, and elements need no alignment. The stride of an axis of
//! extent 0 or 1 means nothing.

mod access;
mod arrays;
mod axes;
mod broadcast;
mod call_arrays;
mod errors;
mod input;
mod layout;
mod odometer;
mod output;
mod overlap;
mod part;
mod part_layout;
mod raw;

pub use axes::AxisSet;
pub use broadcast::{BroadcastError, broadcast_shapes};
pub use call_arrays::{Apart, CallArrays};
pub use errors::ViewError;
pub use input::{Scalars, View};
pub use layout::is_broadcastable;
pub use output::ViewMut;
pub use overlap::Overlap;
pub use part::Part;
pub use part_layout::PartLayout;

pub(crate) use call_arrays::CallArray;
pub(crate) use layout::count_elems;
pub(crate) use odometer::step;
pub(crate) use overlap::overlap;
pub(crate) use raw::{Layout, RawRef, RawView};

use smallvec::SmallVec;

/// Extents, outermost first. Up to 6 are stored without the heap.
pub type Shape = SmallVec<[usize; 6]>;

/// Bytes from one element to the next along each axis. Up to 6 are stored without the heap.
pub type Strides = SmallVec<[isize; 6]>;

/// A list of entries. Up to two are copied without a call, which would slow down small calls.
pub(crate) fn list<T: Copy + Default>(entries: &[T]) -> SmallVec<[T; 6]> {
    let mut list = [T::default(); 6];
    match *entries {
        [] => {}
        [a] => list[0] = a,
        [a, b] => (list[0], list[1]) = (a, b),
        _ => return SmallVec::from_slice(entries),
    }
    SmallVec::from_buf_and_len(list, entries.len())
}

/// The most axes that an iteration may have. A view made from an ndarray or by [`View::select`] may
/// have more; a plan refuses it.
pub const MAX_AXES: usize = 32;
