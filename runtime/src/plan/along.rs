//! The loop nest of operations along axes: kept axes around reduced ones, or beside them.
//!
//! In: operands over a shape, and which of its axes are reduced. Out: an [`AxisNest`], in which the kept axes and the
//! reduced axes are sorted and merged each for itself, so that the elements that belong to one result keep an order
//! that follows from the shape and the order of the axes in memory alone. No axis is reversed.

use smallvec::SmallVec;

use super::PerOperand;
use super::nest::{Nest, Walk};
use crate::view::{RawView, Shape};

/// With so few elements for each result, the lanes are results: a row would be too short for vectors.
///
/// Reckoned: what a leaf costs beside its elements (10 ns) against gathering (0.3 ns an element).
const SHORT_REDUCTION: usize = 32;

/// Which group of axes the lanes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// A row is what one result is made of, or a piece of that.
    Reduced,
    /// A row has one element of each of many results.
    Kept,
}

/// A shape's axes in two groups, and how each operand moves along them.
pub(crate) struct AxisNest {
    pub(crate) kept: Group,
    pub(crate) reduced: Group,
    pub(crate) lanes: Lanes,
    /// Each operand's element at index 0 of every axis.
    pub(crate) ptrs: PerOperand<*mut u8>,
}

/// Some axes, outermost first.
pub(crate) struct Group {
    /// At least one.
    pub(crate) extents: Shape,
    operands: PerOperand<Walk>,
}

impl Group {
    fn new(shape: &[usize], operands: &[&RawView], axes: impl Fn(usize) -> bool) -> Group {
        let is_moving = |axis: usize| axes(axis) && shape[axis] != 1;
        let extents = (0..shape.len()).filter(|&axis| is_moving(axis)).map(|axis| shape[axis]).collect();
        let walk = |view: &&RawView| {
            let strides = view.strides_over(shape).enumerate().filter(|&(axis, _)| is_moving(axis));
            Walk { ptr: view.ptr, strides: strides.map(|(_, stride)| stride).collect() }
        };
        let mut nest = Nest { extents, operands: operands.iter().map(walk).collect() };
        nest.sort_axes(operands.len());
        nest.merge_axes();
        Group { extents: nest.extents, operands: nest.operands }
    }

    /// Gives a group without axes a unit one.
    fn pad(&mut self) {
        if self.extents.is_empty() {
            self.extents.push(1);
            self.operands.iter_mut().for_each(|walk| walk.strides.push(0));
        }
    }

    /// The number of index tuples.
    pub(crate) fn n(&self) -> usize {
        self.extents.iter().product()
    }

    /// The extent of the innermost axis.
    pub(crate) fn inner(&self) -> usize {
        self.extents[self.extents.len() - 1]
    }

    /// An operand's bytes from one step along the innermost axis to the next.
    pub(crate) fn inner_stride(&self, operand: usize) -> isize {
        self.operands[operand].lane_stride()
    }

    /// An operand's strides, outermost first.
    pub(crate) fn strides(&self, operand: usize) -> &[isize] {
        &self.operands[operand].strides
    }

    /// How far an operand is from its start at an index, counted with the innermost axis fastest.
    pub(crate) fn offset(&self, operand: usize, index: usize) -> isize {
        let strides = &self.operands[operand].strides;
        if let [stride] = strides[..] {
            return index as isize * stride;
        }
        let mut rest = index;
        let steps = self.extents.iter().zip(strides).rev().map(|(&extent, &stride)| {
            let step = (rest % extent) as isize * stride;
            rest /= extent;
            step
        });
        steps.sum()
    }
}

impl AxisNest {
    /// The nest of a shape without zeros, to which all operands broadcast; `is_reduced` tells the groups apart.
    pub(crate) fn new(shape: &[usize], operands: &[&RawView], is_reduced: impl Fn(usize) -> bool) -> AxisNest {
        let mut kept = Group::new(shape, operands, |axis| !is_reduced(axis));
        let mut reduced = Group::new(shape, operands, is_reduced);
        let lanes = lanes(&kept, &reduced);
        kept.pad();
        reduced.pad();
        AxisNest { kept, reduced, lanes, ptrs: operands.iter().map(|view| view.ptr).collect() }
    }

    /// The group that the lanes belong to.
    pub(crate) fn lane_group(&self) -> &Group {
        match self.lanes {
            Lanes::Reduced => &self.reduced,
            Lanes::Kept => &self.kept,
        }
    }
}

/// The lanes follow memory, unless rows would be short.
fn lanes(kept: &Group, reduced: &Group) -> Lanes {
    let (Some(&n_kept), Some(&n_reduced)) = (kept.extents.last(), reduced.extents.last()) else {
        return if reduced.extents.is_empty() && !kept.extents.is_empty() { Lanes::Kept } else { Lanes::Reduced };
    };
    if reduced.n() < SHORT_REDUCTION && n_kept > n_reduced {
        return Lanes::Kept;
    }
    let strides = kept.operands.iter().zip(&reduced.operands);
    let deciding = strides
        .map(|(kept, reduced)| (kept.lane_stride().unsigned_abs(), reduced.lane_stride().unsigned_abs()))
        .find(|&(kept, reduced)| kept != 0 && reduced != 0 && kept != reduced);
    match deciding {
        Some((kept, reduced)) if kept < reduced => Lanes::Kept,
        Some(_) => Lanes::Reduced,
        // Each operand moves along one group only, or not at all: `x[:, None] - c`. Long rows spare the most.
        None => Lanes::Reduced,
    }
}

/// What moves along the lanes, as a kernel is told.
pub(crate) type Kinds = SmallVec<[crate::abi::RunKind; 8]>;
