//! Inputs that share memory with the output.

use crate::error::Error;
use ndexpr_runtime::exec::{OwnedCopy, RunOptions, copy_of};
use ndexpr_runtime::view::{Overlap, View, ViewMut};

/// Copies of some inputs, with their numbers.
pub(super) type Copies = Vec<(usize, OwnedCopy)>;

/// Copies the inputs that share memory with the output without being it. With `of_same`, inputs
/// that are the output are copied too, because several loops write the output before all inputs are
/// read.
pub(super) fn copy_overlapping(
    inputs: &[Option<View<'_>>],
    out: &ViewMut<'_>,
    of_same: bool,
    copies: &mut Copies,
    options: &RunOptions<'_>,
) -> Result<(), Error> {
    for (k, input) in inputs.iter().enumerate() {
        match input {
            Some(view) => match Overlap::of(view, out) {
                Overlap::Partial => copies.push((k, copy_of(view, options)?)),
                Overlap::Same if of_same => copies.push((k, copy_of(view, options)?)),
                Overlap::Same | Overlap::None => {}
            },
            None if of_same => copies.push((k, copy_of(&out.as_view(), options)?)),
            None => {}
        }
    }
    Ok(())
}
