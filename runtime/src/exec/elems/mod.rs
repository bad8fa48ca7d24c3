//! Moves elements between places with strides.
//!
//! In: pointers, sizes and strides. Out: the same elements elsewhere. Always true: elements are
//! moved by their bits, in any alignment. No function here checks what its caller vouches for.

mod repeat;
mod strided;
mod transpose;

pub(super) use repeat::{repeat_lanes, repeat_row};
pub(super) use strided::copy_strided;
pub(super) use transpose::copy_transposed;
