//! Whether an input's memory meets an output's.
//!
//! `None` and `Same` are certain. `Partial` may be a false alarm, which costs a copy: deciding it
//! exactly is NP-hard in the number of axes.

use super::{RawRef, RawView, View, ViewMut};
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

    /// How far apart along an axis of `output` elements lie at the most that share memory: one of
    /// `input`, once stretched to `output`'s shape, and one of `output`. `None` if the two do not
    /// move together along that axis, or `input` cannot be stretched.
    ///
    /// ```
    /// use ndexpr_runtime::view::{Overlap, Part, View};
    ///
    /// let array = ndarray::Array2::<f64>::zeros((10, 4));
    /// let rows = |start: usize| View::from(&array).select([Part::Slice { start, n: 8, step: 1 }]);
    /// assert_eq!(Overlap::reach(&rows(2), &rows(1), 0), Some(1));
    /// ```
    #[must_use]
    pub fn reach(input: &View<'_>, output: &View<'_>, axis: usize) -> Option<usize> {
        reach(input.raw(), output.raw(), axis)
    }
}

pub(crate) fn overlap(input: &RawView, output: &RawView) -> Overlap {
    if are_disjoint(input.by_ref(), output.by_ref()) {
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

/// Whether they are certain to share no byte.
pub(super) fn are_disjoint(input: RawRef<'_>, output: RawRef<'_>) -> bool {
    if input.is_empty() || output.is_empty() {
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
    let moving = |view: RawRef<'_>| -> usize {
        let axes = view.shape.iter().zip(view.strides).filter(|&(&extent, _)| extent > 1);
        axes.fold(0, |g, (_, stride)| gcd(g, stride.unsigned_abs()))
    };
    let step = gcd(moving(input), moving(output)) as i128;
    if step == 0 {
        return false; // one element each, whose spans meet
    }
    let above = distance.rem_euclid(step);
    above >= input.dtype.size() as i128 && step - above >= output.dtype.size() as i128
}

fn reach(input: &RawView, output: &RawView, axis: usize) -> Option<usize> {
    let input = input.broadcast_to(&output.shape).ok()?;
    let stride = *output.strides.get(axis)?;
    if stride == 0 || input.strides[axis] != stride {
        return None;
    }
    // Where the elements of one index lie, from the first of them.
    let span_of_index = |view: &RawView| {
        let mut one = view.clone();
        one.shape[axis] = one.shape[axis].min(1);
        let span = one.byte_span();
        span.start as i128..span.end as i128
    };
    let (of_input, of_output) = (span_of_index(&input), span_of_index(output));
    let distance = input.ptr.addr() as i128 - output.ptr.addr() as i128;
    // If index `i` of the input and index `o` of the output share memory, `(o - i) * stride` is
    // between these two, and neither of them.
    let (low, high) = (distance + of_input.start - of_output.end, distance + of_input.end - of_output.start);
    let most = (low.abs().max(high.abs()) - 1).max(0);
    usize::try_from(most / stride.unsigned_abs() as i128).ok()
}

fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Part;
    use ndarray::Array3;

    fn part<'a>(of: &View<'a>, starts: [usize; 3], extents: [usize; 3], step: isize) -> View<'a> {
        let slice = |axis: usize, step: isize| {
            let (start, n) = (starts[axis], extents[axis]);
            let start = if step < 0 { start + n - 1 } else { start };
            Part::Slice { start, n, step }
        };
        of.select([slice(0, step), slice(1, 1), slice(2, 1)])
    }

    /// The largest distance along an axis of indices that share an element.
    fn slow_reach(input: &View<'_>, output: &View<'_>, axis: usize) -> usize {
        let places = |view: &View<'_>| {
            let (shape, strides) = (view.shape().to_vec(), view.strides().to_vec());
            let start = view.raw().ptr.addr() as isize;
            let indices = ndarray::indices(ndarray::IxDyn(&shape));
            let place = |index: ndarray::IxDyn| {
                let offset: isize = ndarray::Dimension::slice(&index)
                    .iter()
                    .zip(&strides)
                    .map(|(&i, stride)| i as isize * stride)
                    .sum();
                (index[axis], start + offset)
            };
            indices.into_iter().map(place).collect::<Vec<_>>()
        };
        let (ins, outs) = (places(input), places(output));
        let meeting = ins
            .iter()
            .flat_map(|(i, at)| outs.iter().filter(move |(_, other)| at == other).map(move |(o, _)| i.abs_diff(*o)));
        meeting.max().unwrap_or(0)
    }

    #[test]
    fn elements_that_meet_are_within_reach() {
        let array = Array3::<f64>::zeros((6, 5, 4));
        let all = View::from(&array);
        let (extents, output) = ([4, 3, 2], [1, 1, 1]);
        for k in 0..27 {
            let input = part(&all, [k % 3, k / 3 % 3, k / 9], extents, 1);
            let output = part(&all, output, extents, 1);
            let reach = Overlap::reach(&input, &output, 0).unwrap();
            let slow = slow_reach(&input, &output, 0);
            assert!((slow..=slow + 1).contains(&reach), "{k}: {reach}, {slow}");
            // Rows of the next index lie in between.
            assert!(Overlap::reach(&input, &output, 2).unwrap() >= slow_reach(&input, &output, 2));
        }
        let (back, forth) = (part(&all, [2, 1, 1], extents, -1), part(&all, output, extents, -1));
        assert_eq!(Overlap::reach(&back, &forth, 0), Some(1));
        assert_eq!(Overlap::reach(&back, &part(&all, output, extents, 1), 0), None);
        assert_eq!(Overlap::reach(&all.select([Part::At(1)]), &part(&all, [1, 0, 0], [4, 5, 4], 1), 0), None);
    }
}
