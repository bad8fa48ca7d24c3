//! Whether an input's memory meets an output's.
//!
//! `None` and `Same` are certain. `Partial` may be a false alarm, which costs a copy: deciding it
//! exactly is NP-hard in the number of axes.

use super::{RawView, View, ViewMut};
use std::ops::Range;

/// How an input and an output share memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// They share no byte.
    None,
    /// Each element of the output is exactly the input's element that belongs to it, so an
    /// elementwise loop that loads an element before it stores it may run in place.
    Same,
    /// They may share bytes in some other way.
    Partial,
}

impl Overlap {
    /// How `input`, once stretched to `output`'s shape, shares memory with `output`.
    #[must_use]
    pub fn of(input: &View<'_>, output: &ViewMut<'_>) -> Overlap {
        overlap(input.raw(), output.raw())
    }

    /// The same for an output that is not yet borrowed for writing.
    #[must_use]
    pub fn between(input: &View<'_>, output: &View<'_>) -> Overlap {
        overlap(input.raw(), output.raw())
    }
}

pub(crate) fn overlap(input: &RawView, output: &RawView) -> Overlap {
    if are_disjoint(input, output) {
        Overlap::None
    } else if are_same(input, output) {
        Overlap::Same
    } else {
        Overlap::Partial
    }
}

fn are_same(input: &RawView, output: &RawView) -> bool {
    if input.ptr != output.ptr || input.dtype.size() != output.dtype.size() {
        return false;
    }
    let Ok(input) = input.broadcast_to(&output.shape) else {
        return false;
    };
    let axes = output.shape.iter().zip(&input.strides).zip(&output.strides);
    axes.into_iter().all(|((&extent, input), output)| extent <= 1 || input == output)
}

fn are_disjoint(input: &RawView, output: &RawView) -> bool {
    if input.n_elems() == 0 || output.n_elems() == 0 {
        return true;
    }
    // How far the output's element at index 0 is above the input's.
    let distance = output.ptr.addr() as i128 - input.ptr.addr() as i128;
    let wide = |span: Range<isize>| span.start as i128..span.end as i128;
    let (input_span, output_span) = (wide(input.byte_span()), wide(output.byte_span()));
    if input_span.end <= distance + output_span.start || distance + output_span.end <= input_span.start {
        return true;
    }
    // The distance of any two elements is `distance` plus a multiple of the gcd of all strides. If
    // they shared a byte, they would be less than one element's size apart: out - in > -out_bytes
    // and < in_bytes. So look at the two candidates next to 0 in that residue class.
    let moving = |view: &RawView| -> usize {
        let axes = view.shape.iter().zip(&view.strides).filter(|&(&extent, _)| extent > 1);
        axes.fold(0, |g, (_, stride)| gcd(g, stride.unsigned_abs()))
    };
    let step = gcd(moving(input), moving(output)) as i128;
    if step == 0 {
        return false; // one element each, whose spans meet
    }
    let above = distance.rem_euclid(step);
    above >= input.dtype.size() as i128 && step - above >= output.dtype.size() as i128
}

fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
