//! The loop nest: axes reordered, reversed and merged. None of that changes what an elementwise
//! loop computes.
//!
//! In: checked operands over a non-empty shape. Out: a [`Nest`] of at least two axes (rows, lanes)
//! that visits the same elements. Every step permutes, reverses or joins the axes of all operands
//! in the same way, so it changes the order of visits only; that is rules 1 and 2 of a
//! [plan](super).

use smallvec::SmallVec;

use super::PerOperand;
use crate::machine::{LINE_BYTES, SHORT_ROW_LANES};
use crate::view::{RawView, Shape, Strides};

/// Extents, outermost axis first, and how each operand walks over them.
#[derive(Clone)]
pub(crate) struct Nest {
    pub(crate) extents: Shape,
    pub(crate) operands: PerOperand<Walk>,
}

/// One operand's way through the nest.
#[derive(Clone)]
pub(crate) struct Walk {
    /// Bytes from the view's first element to the one at index 0 of every axis, which is another
    /// element if axes are reversed.
    pub(crate) offset: isize,
    /// Bytes to the next element along each axis.
    pub(crate) strides: Strides,
}

impl Walk {
    pub(crate) fn lane_stride(&self) -> isize {
        self.strides[self.strides.len() - 1]
    }

    pub(crate) fn row_stride(&self) -> isize {
        self.strides[self.strides.len() - 2]
    }

    /// Whether it is transposed with respect to the lanes: it moves less from row to row than from
    /// lane to lane, and so little that the next row finds the same cache lines again.
    fn is_transposed(&self, axis: usize) -> bool {
        let stride = self.strides[axis].unsigned_abs();
        stride != 0 && stride < self.lane_stride().unsigned_abs() && stride < LINE_BYTES
    }
}

impl Nest {
    /// No operands, nothing to visit.
    pub(super) fn empty() -> Nest {
        Nest { extents: SmallVec::from_slice(&[0, 0]), operands: SmallVec::new() }
    }

    /// The nest of a shape without zeros, to which all operands broadcast.
    pub(super) fn new(shape: &[usize], operands: &[&RawView], n_inputs: usize) -> Nest {
        let walk = |view: &&RawView| {
            let strides = view.strides_over(shape).zip(shape).filter(|&(_, &extent)| extent != 1);
            Walk { offset: 0, strides: strides.map(|(stride, _)| stride).collect() }
        };
        let mut nest = Nest {
            extents: shape.iter().copied().filter(|&extent| extent != 1).collect(),
            operands: operands.iter().map(walk).collect(),
        };
        nest.sort_axes(n_inputs);
        nest.make_strides_positive(n_inputs);
        nest.merge_axes();
        nest.choose_rows();
        nest.pad(operands);
        nest
    }

    /// The operands in the order in which they decide. Outputs come first, because they have no
    /// zero strides, and writes cost more than reads.
    fn by_weight(&self, n_inputs: usize) -> impl Iterator<Item = &Walk> {
        let (inputs, outputs) = self.operands.split_at(n_inputs);
        outputs.iter().chain(inputs)
    }

    /// Puts the axis with the smallest strides innermost. The first operand that moves differently
    /// along two axes decides between them; if none does, they stay in order.
    ///
    /// This is an insertion sort, because `sort_by` needs a transitive comparison, and this one is
    /// not always transitive.
    fn sort_axes(&mut self, n_inputs: usize) {
        for sorted in 1..self.extents.len() {
            for inner in (1..=sorted).rev() {
                if !self.is_smaller(inner - 1, inner, n_inputs) {
                    break;
                }
                self.extents.swap(inner - 1, inner);
                self.operands.iter_mut().for_each(|walk| walk.strides.swap(inner - 1, inner));
            }
        }
    }

    /// Whether strides are smaller along `axis` than along `other`.
    fn is_smaller(&self, axis: usize, other: usize, n_inputs: usize) -> bool {
        self.by_weight(n_inputs)
            .map(|walk| (walk.strides[axis].unsigned_abs(), walk.strides[other].unsigned_abs()))
            .find(|&(a, b)| a != 0 && b != 0 && a != b)
            .is_some_and(|(a, b)| a < b)
    }

    /// Reverses each axis along which the first operand that moves has a negative stride. Then
    /// arrays that are all reversed along an axis are contiguous.
    fn make_strides_positive(&mut self, n_inputs: usize) {
        for axis in 0..self.extents.len() {
            let deciding = self.by_weight(n_inputs).map(|walk| walk.strides[axis]).find(|&stride| stride != 0);
            if deciding.is_some_and(|stride| stride < 0) {
                let n_steps = self.extents[axis] as isize - 1;
                for walk in &mut self.operands {
                    walk.offset += n_steps * walk.strides[axis];
                    walk.strides[axis] = -walk.strides[axis];
                }
            }
        }
    }

    /// Joins neighbouring axes wherever one step along the outer axis is a whole run along the
    /// inner axis, for every operand.
    pub(super) fn merge_axes(&mut self) {
        for outer in (0..self.extents.len().saturating_sub(1)).rev() {
            let n_inner = self.extents[outer + 1] as isize;
            let is_mergeable = |walk: &Walk| walk.strides[outer + 1].checked_mul(n_inner) == Some(walk.strides[outer]);
            if self.operands.iter().all(is_mergeable) {
                self.extents[outer + 1] *= self.extents[outer];
                self.extents.remove(outer);
                for walk in &mut self.operands {
                    walk.strides.remove(outer);
                }
            }
        }
    }

    /// The row axis is the next one after the lanes. If an operand is transposed, it is the axis
    /// that follows that operand's memory, so that a tile of rows and lanes finds its cache lines
    /// again.
    fn choose_rows(&mut self) {
        let Some(lane_axis) = self.extents.len().checked_sub(1).filter(|&axis| axis >= 2) else {
            return;
        };
        let follows_memory = |walk: &Walk| {
            (0..lane_axis)
                .filter(|&axis| walk.is_transposed(axis))
                .min_by_key(|&axis| walk.strides[axis].unsigned_abs())
        };
        if let Some(row_axis) = self.operands.iter().find_map(follows_memory) {
            self.extents[row_axis..lane_axis].rotate_left(1);
            self.operands.iter_mut().for_each(|walk| walk.strides[row_axis..lane_axis].rotate_left(1));
        }
    }

    /// Gives a nest of fewer than two axes unit ones. A single element counts as contiguous.
    fn pad(&mut self, views: &[&RawView]) {
        if self.extents.is_empty() {
            self.extents.push(1);
            for (walk, view) in self.operands.iter_mut().zip(views) {
                walk.strides.push(view.dtype.size() as isize);
            }
        }
        if self.extents.len() == 1 {
            self.extents.insert(0, 1);
            self.operands.iter_mut().for_each(|walk| walk.strides.insert(0, 0));
        }
    }

    pub(crate) fn n_lanes(&self) -> usize {
        self.extents[self.extents.len() - 1]
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.extents[self.extents.len() - 2]
    }

    /// The extents of the loops around rows and lanes.
    pub(crate) fn outer_extents(&self) -> &[usize] {
        &self.extents[..self.extents.len() - 2]
    }

    /// If rows are short, and each row of every output follows the row before: the inputs whose
    /// rows do not follow one another.
    pub(crate) fn unjoined_in_short_rows<A>(&self, n_inputs: usize) -> Option<SmallVec<A>>
    where
        A: smallvec::Array<Item = usize>,
    {
        let goes_on = |operand: &usize| {
            let walk = &self.operands[*operand];
            walk.lane_stride().checked_mul(self.n_lanes() as isize) == Some(walk.row_stride())
        };
        let is_short = (2..SHORT_ROW_LANES).contains(&self.n_lanes()) && self.n_rows() > 1;
        if !is_short || !(n_inputs..self.operands.len()).all(|output| goes_on(&output)) {
            return None;
        }
        Some((0..n_inputs).filter(|input| !goes_on(input)).collect())
    }

    /// Whether an operand is transposed with respect to rows and lanes.
    pub(crate) fn is_transposed(&self, operand: usize) -> bool {
        let row_axis = self.extents.len() - 2;
        self.n_rows() > 1 && self.operands[operand].is_transposed(row_axis)
    }

    /// Whether some operand is transposed with respect to rows and lanes.
    pub(crate) fn has_transposed(&self) -> bool {
        (0..self.operands.len()).any(|operand| self.is_transposed(operand))
    }
}
