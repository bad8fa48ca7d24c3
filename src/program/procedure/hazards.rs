//! Which updates of a phase may be written while the phase reads.
//!
//! In: the inputs of a phase, and the parts of arrays that it assigns to, all as they lie in
//! memory. Out: for each of these parts whether loops may write it directly. If not, the new values
//! go to memory of their own first, as in NumPy.

use crate::input::Input;
use ndexpr_runtime::view::{Overlap, View};
use smallvec::SmallVec;

/// What is known of an input of a phase.
pub(super) struct Read<'r, 'v> {
    pub(super) input: &'r Input<'v>,
    pub(super) readers: Readers,
    /// Which of the arrays for writing it is of.
    pub(super) target: Option<usize>,
    /// Whether it must be there as a view.
    pub(super) is_grouped: bool,
}

/// Which loops read the elements of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Only its shape matters.
    None,
    One(usize),
    Several,
}

/// A part of an array that a phase assigns to.
pub(super) struct Write<'v> {
    pub(super) part: View<'v>,
    /// The loop that computes the new elements, if that can read old ones where it writes.
    pub(super) in_place: Option<usize>,
    /// Which of the arrays for writing it is of.
    pub(super) target: usize,
}

/// For each write, whether loops may write it directly: every input that shares memory with it is
/// the same part of the same array, read and written by one loop.
pub(super) fn direct(reads: &[Read<'_, '_>], writes: &[Write<'_>]) -> SmallVec<[bool; 4]> {
    let is_direct = |number: usize, write: &Write<'_>| {
        let is_apart = |other: &Write<'_>| overlap(&other.part, &write.part) == Overlap::None;
        let is_harmless = |read: &Read<'_, '_>| {
            let (is_of_target, is_needed) = (read.target == Some(write.target), read.readers != Readers::None);
            let Some(view) = read.input.view() else { return true };
            match overlap(view, &write.part) {
                Overlap::None => !is_of_target || (!is_needed && !read.is_grouped),
                _ if !is_needed => is_of_target && !read.is_grouped,
                Overlap::Same => {
                    let is_read_in_place = write.in_place.is_some_and(|index| read.readers == Readers::One(index));
                    is_of_target && !read.is_grouped && is_read_in_place
                }
                Overlap::Partial => false,
            }
        };
        writes.iter().enumerate().all(|(other, write)| other == number || is_apart(write))
            && reads.iter().all(is_harmless)
    };
    writes.iter().enumerate().map(|(number, write)| is_direct(number, write)).collect()
}

fn overlap(input: &View<'_>, output: &View<'_>) -> Overlap {
    Overlap::between(input, output)
}
