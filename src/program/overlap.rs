//! Inputs that share memory with outputs.

use crate::error::Error;
use crate::input::Input;
use ndexpr_runtime::exec::{OwnedCopy, RunOptions, copy_of};
use ndexpr_runtime::view::{Overlap, ViewMut};

/// Copies of some inputs, with their numbers.
pub(super) type Copies = Vec<(usize, OwnedCopy)>;

/// Checks that no two outputs share memory.
pub(super) fn check_apart(outs: &[ViewMut<'_>]) -> Result<(), Error> {
    for (number, out) in outs.iter().enumerate() {
        let is_shared = |other: &ViewMut<'_>| Overlap::of(&other.as_view(), out) != Overlap::None;
        if let Some(earlier) = outs[..number].iter().position(is_shared) {
            return Err(Error::shared_output(earlier, number));
        }
    }
    Ok(())
}

/// Copies the inputs that share memory with an output without being it. With `of_same`, inputs that
/// are an output are copied too, because several loops write outputs before all inputs are read.
pub(super) fn copy_overlapping(
    inputs: &[Input<'_>],
    outs: &[ViewMut<'_>],
    of_same: bool,
    copies: &mut Copies,
    options: &RunOptions<'_>,
) -> Result<(), Error> {
    for (k, input) in inputs.iter().enumerate() {
        match input {
            Input::View(view) => {
                let is_hazard = |out: &ViewMut<'_>| match Overlap::of(view, out) {
                    Overlap::Partial => true,
                    Overlap::Same => of_same,
                    Overlap::None => false,
                };
                if outs.iter().any(is_hazard) {
                    copies.push((k, copy_of(view, options)?));
                }
            }
            Input::Output(output) if of_same => copies.push((k, copy_of(&outs[*output].as_view(), options)?)),
            Input::Output(_) => {}
        }
    }
    Ok(())
}
