//! The loop nest of operations along axes: outer axes and reduced axes.
//!
//! In: operands over a shape, and which of its axes are reduced. Out: an [`AxisNest`], in which the
//! outer axes are merged with one another, and so are the reduced axes. Axes are in the memory
//! order of the inputs, as [`output_order`](super::output_order) finds it, and no axis is reversed.
//! So the order of the elements that belong to one result follows from the shape, the axes and that
//! memory order alone. It does not depend on the strides, or on what else is read.

use smallvec::SmallVec;

use super::PerOperand;
use super::nest::{Nest, Walk};
use super::order::order_of;
use crate::machine::SHORT_REDUCTION;
use crate::view::{AxisSet, RawView, Shape, Strides};

/// Which group of axes the lanes belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// A row holds the elements that one result is made of, or some of them.
    Reduced,
    /// A row has one element of each of many results.
    Outer,
}

/// A shape's axes in two groups, and how each operand moves along them.
pub(crate) struct AxisNest {
    pub(crate) outer: Group,
    pub(crate) reduced: Group,
    pub(crate) lanes: Lanes,
}

/// Some axes, outermost first.
pub(crate) struct Group {
    /// At least one.
    pub(crate) extents: Shape,
    operands: PerOperand<Walk>,
}

impl Group {
    /// A group of some axes, outermost first.
    fn new(shape: &[usize], operands: &[&RawView], axes: impl Iterator<Item = usize> + Clone) -> Group {
        let axes = axes.filter(|&axis| shape[axis] != 1);
        let walk = |view: &&RawView| {
            let strides: Strides = view.strides_over(shape).collect();
            Walk { offset: 0, strides: axes.clone().map(|axis| strides[axis]).collect() }
        };
        let extents = axes.clone().map(|axis| shape[axis]).collect();
        let mut nest = Nest { extents, operands: operands.iter().map(walk).collect() };
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

    /// How far an operand's element at an index is from its first one. Indices are counted with the
    /// innermost axis fastest.
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
    /// The nest of a shape without zeros, to which all operands broadcast; the first of them are
    /// inputs. If `is_ordered`, the reduced axes stay in the order of the shape: then the number of
    /// an element is its place.
    pub(crate) fn new(
        shape: &[usize],
        operands: &[&RawView],
        n_inputs: usize,
        axes: AxisSet,
        is_ordered: bool,
    ) -> AxisNest {
        let order = order_of(shape, operands[..n_inputs].iter().copied());
        let mut outer = Group::new(shape, operands, order.iter().copied().filter(|&axis| !axes.contains(axis)));
        let mut reduced = match is_ordered {
            true => Group::new(shape, operands, (0..shape.len()).filter(|&axis| axes.contains(axis))),
            false => Group::new(shape, operands, order.iter().copied().filter(|&axis| axes.contains(axis))),
        };
        let innermost = order.iter().copied().rfind(|&axis| shape[axis] != 1);
        let is_short = reduced.n() < SHORT_REDUCTION && outer.n() > reduced.n();
        let lanes = match innermost {
            _ if is_short => Lanes::Outer,
            Some(axis) if !axes.contains(axis) => Lanes::Outer,
            _ => Lanes::Reduced,
        };
        outer.pad();
        reduced.pad();
        AxisNest { outer, reduced, lanes }
    }

    /// The group that the lanes belong to.
    pub(crate) fn lane_group(&self) -> &Group {
        match self.lanes {
            Lanes::Reduced => &self.reduced,
            Lanes::Outer => &self.outer,
        }
    }
}

/// How each operand moves along the lanes, as a kernel is told.
pub(crate) type Kinds = SmallVec<[crate::abi::RunKind; 8]>;
