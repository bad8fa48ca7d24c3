//! The part of a plan that follows from the operands' dtypes, shapes and strides. It may be made
//! once for many calls on different memory.
//!
//! In: a shape, and operands to iterate over it. Out: their nest, how each moves along the lanes,
//! and which of them must be packed.

use std::ops::Range;

use smallvec::SmallVec;

use super::nest::Nest;
use super::{PerOperand, PlanError};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::machine::LONG_RUN_BYTES;
use crate::view::{MAX_AXES, RawView, count_elems, is_broadcastable};

/// The most inputs that are packed, so that their tiles fit a thread's scratch. Others are read
/// with their strides.
const MAX_PACKED: usize = 4;

/// What a plan is, wherever the operands' memory is.
#[derive(Clone)]
pub(crate) struct Geometry {
    pub(super) n_elems: usize,
    pub(super) n_inputs: usize,
    pub(super) nest: Nest,
    pub(super) dtypes: PerOperand<DType>,
    pub(super) run_kinds: PerOperand<RunKind>,
    /// Inputs that are packed tile by tile: those that are transposed with respect to the lanes. If
    /// rows are joined, these are the inputs whose rows do not follow one another.
    pub(super) packed: SmallVec<[usize; MAX_PACKED]>,
    /// Whether a kernel sees the rows of a tile as one row, because single rows would be too short
    /// for it.
    pub(super) joins_rows: bool,
}

impl Geometry {
    /// The geometry of operands that must fit the shape, inputs first.
    pub(crate) fn new(shape: &[usize], operands: &[&RawView], n_inputs: usize) -> Result<Geometry, PlanError> {
        let n_elems = check_shapes(shape, &operands[..n_inputs], &operands[n_inputs..])?;
        let dtypes: PerOperand<DType> = operands.iter().map(|operand| operand.dtype).collect();
        let nest = if n_elems == 0 { Nest::empty() } else { Nest::new(shape, operands, n_inputs) };
        let mut run_kinds: PerOperand<RunKind> = match n_elems {
            0 => operands.iter().map(|_| RunKind::Contiguous).collect(), // no loop, so no need of another kernel
            _ => nest
                .operands
                .iter()
                .zip(&dtypes)
                .map(|(walk, dtype)| run_kind(walk.lane_stride(), dtype.size()))
                .collect(),
        };
        let unjoined = if n_elems == 0 { None } else { nest.unjoined_in_short_rows(n_inputs) };
        let (packed, joins_rows) = match unjoined.filter(|unjoined| unjoined.len() <= MAX_PACKED) {
            Some(unjoined) => (unjoined, true),
            None => ((0..n_inputs).filter(|&input| nest.is_transposed(input)).take(MAX_PACKED).collect(), false),
        };
        for &input in &packed {
            run_kinds[input] = RunKind::Contiguous;
        }
        Ok(Geometry { n_elems, n_inputs, nest, dtypes, run_kinds, packed, joins_rows })
    }

    /// See [`Plan::run_kinds`](super::Plan::run_kinds).
    pub(crate) fn run_kinds(&self) -> &[RunKind] {
        &self.run_kinds
    }

    /// The numbers of the outputs among the operands.
    pub(super) fn outputs(&self) -> Range<usize> {
        self.n_inputs..self.dtypes.len()
    }

    /// Bytes of memory that one element of the iteration touches in all operands that advance along
    /// the lanes.
    pub(super) fn bytes_per_elem(&self) -> usize {
        let moving = self.run_kinds.iter().zip(&self.dtypes).filter(|&(&kind, _)| kind != RunKind::Splat);
        moving.map(|(_, dtype)| dtype.size()).sum()
    }

    /// Whether the outputs are written in long runs, of so many bytes at least.
    pub(super) fn writes_runs_of(&self, n_bytes: usize) -> bool {
        let n_lanes = if self.joins_rows { usize::MAX } else { self.nest.n_lanes() };
        self.outputs().all(|output| {
            let run_bytes = n_lanes.saturating_mul(self.dtypes[output].size());
            self.run_kinds[output] == RunKind::Contiguous && run_bytes >= n_bytes
        })
    }

    /// Whether a tile's outputs are whole rows of so many bytes, or long parts of rows.
    pub(super) fn has_long_runs(&self) -> bool {
        let is_long = |output: usize| self.nest.n_lanes().saturating_mul(self.dtypes[output].size()) >= LONG_RUN_BYTES;
        !self.joins_rows && !self.nest.has_transposed() && self.outputs().all(is_long)
    }
}

/// Checks that the operands fit the shape. Returns the number of elements.
fn check_shapes(shape: &[usize], inputs: &[&RawView], outputs: &[&RawView]) -> Result<usize, PlanError> {
    if shape.len() > MAX_AXES {
        return Err(PlanError::TooManyAxes { n_axes: shape.len() });
    }
    let n_elems = count_elems(shape).ok_or_else(|| PlanError::TooLarge { shape: shape.into() })?;
    for (input, view) in inputs.iter().enumerate() {
        if !is_broadcastable(&view.shape, shape) {
            return Err(PlanError::NotBroadcastable { input, from: view.shape[..].into(), to: shape.into() });
        }
    }
    for (output, view) in outputs.iter().enumerate() {
        if view.shape[..] != *shape {
            return Err(PlanError::OutputShape { output, expected: shape.into(), found: view.shape[..].into() });
        }
    }
    Ok(n_elems)
}

/// How an operand of this stride moves along the lanes.
pub(crate) fn run_kind(lane_stride: isize, elem_bytes: usize) -> RunKind {
    match lane_stride {
        0 => RunKind::Splat,
        stride if stride == elem_bytes as isize => RunKind::Contiguous,
        _ => RunKind::Strided,
    }
}
