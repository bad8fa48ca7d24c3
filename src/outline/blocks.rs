//! How the lanes of a row are taken: by which vector blocks, and in which order.

use super::Outline;
use super::machine::VectorBlock;
use super::pressure::Lanes;
use crate::tape::{Inst, ValueId};
use ndexpr_runtime::abi::RunKind;

/// How the lanes of a row are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) head: Option<Head>,
    pub(crate) whole: VectorBlock,
    /// Whether the last whole block may begin before the one ahead of it ends, in rows that have
    /// one and where that is [allowed](ndexpr_runtime::abi::KernelArgs::repeatable_lanes).
    pub(crate) repeats_lanes: bool,
    /// Blocks of one register, for the lanes that whole blocks leave.
    pub(crate) narrow: Option<VectorBlock>,
    /// True if the lanes that are left then go one by one; false if there are none.
    pub(crate) has_single_lanes: bool,
}

impl Default for Blocks {
    fn default() -> Blocks {
        Blocks { head: None, whole: VectorBlock::ONE_LANE, repeats_lanes: false, narrow: None, has_single_lanes: true }
    }
}

/// The lanes before the first whole block, up to where stores are aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The operand whose stores are aligned, and the bytes of its elements.
    pub(crate) operand: u32,
    pub(crate) elem_bytes: u32,
    /// The bytes that the stores are aligned to.
    pub(crate) alignment: u32,
    /// Shorter rows have no head.
    pub(crate) min_lanes: u32,
    /// True if the head goes in narrow blocks rather than lane by lane.
    pub(crate) is_narrow: bool,
}

/// The vector blocks of a tape.
pub(super) struct Shape {
    pub(super) whole: VectorBlock,
    /// The whole blocks of loops that most tiles skip.
    pub(super) skipped: VectorBlock,
    pub(super) lanes: Lanes,
}

/// Rows of fewer blocks than this have no head for ordinary stores, because going lane by lane
/// takes longer than the alignment saves.
const MIN_ALIGNED_BLOCKS: u32 = 8;

/// Whole blocks of fewer registers than this leave only a few lanes, which then go one by one at
/// once.
const MIN_REGISTERS: u32 = 8;

impl Outline<'_> {
    pub(super) fn blocks(&self, shape: &Shape, body: &[ValueId], is_skipped: bool) -> Blocks {
        let whole = if is_skipped { shape.skipped } else { shape.whole };
        // Streaming stores are aligned.
        let is_of_blocks = self.tape.leaf.is_some() || self.tape.iterates;
        let repeats_lanes = whole.n_lanes > 1 && !self.stores.is_streaming() && !is_of_blocks;
        if self.whole_blocks.is_some() {
            return Blocks { head: None, whole, repeats_lanes, narrow: None, has_single_lanes: false };
        }
        let narrow = self.narrow(whole, is_skipped);
        Blocks { head: self.head(whole, body), whole, repeats_lanes, narrow, has_single_lanes: true }
    }

    /// Blocks of one register of the widest value, if whole blocks would leave many lanes to go one
    /// by one.
    // Chosen by "narrow-blocks" in docs/measurements.md.
    fn narrow(&self, whole: VectorBlock, is_skipped: bool) -> Option<VectorBlock> {
        let width = self.machine.width;
        let widest = self.tape.nodes.iter().map(|node| node.ty.bytes).max()?;
        let n_lanes = width.bytes() / widest;
        // What is around a loop of each element takes little of the time, but long to compile.
        let is_around = !self.tape.regions.is_empty();
        let leaves_many = !is_skipped && !is_around && n_lanes > 1 && whole.n_lanes >= MIN_REGISTERS * n_lanes;
        // Streaming stores of wide registers begin after some streaming stores of narrow ones.
        let begins_so = whole.width != width && self.stores.is_streaming();
        (leaves_many || begins_so).then_some(VectorBlock { n_lanes, width })
    }

    /// Ordinary stores need not be aligned, so rows of few blocks have no head. Streaming stores of
    /// wide registers begin with a cache line. The outputs are aligned to narrow registers, which
    /// go as far as that line.
    // Chosen by "aligned-stores" in docs/measurements.md.
    fn head(&self, whole: VectorBlock, body: &[ValueId]) -> Option<Head> {
        if whole.width == self.machine.width {
            return None;
        }
        let output = body.iter().find_map(|value| match self.tape.node(*value).inst {
            Inst::Store(output) => Some(output),
            _ => None,
        })?;
        let operand = self.tape.inputs.len() as u32 + output;
        let elem_bytes = self.tape.outputs[output as usize].dtype.size() as u32;
        let is_narrow = self.stores.is_streaming();
        (self.kinds[operand as usize] == RunKind::Contiguous).then(|| Head {
            operand,
            elem_bytes,
            alignment: if is_narrow { self.machine.line_bytes } else { whole.width.bytes() },
            min_lanes: if is_narrow { 0 } else { MIN_ALIGNED_BLOCKS * whole.n_lanes },
            is_narrow,
        })
    }
}
