//! What a kernel keeps in the scratch besides the slots of its tape.

use super::{Outline, Segment, SegmentCall, Width};
use ndexpr_runtime::exec::WholeBlocks;

/// The scratch of a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScratchLayout {
    /// Where kept values and spills are, if they are too many for the stack.
    pub(crate) places: Option<usize>,
    /// Where the addresses of the operands are, if they are too many for registers.
    pub(crate) addresses: Option<usize>,
    /// Where the addresses of the arguments of a callback are.
    pub(crate) call_args: Option<usize>,
    pub(crate) whole_blocks: Option<WholeBlocks>,
    pub(crate) n_bytes: usize,
}

/// The bytes of memory for a register, of any width.
pub(crate) const PLACE_BYTES: u32 = Width::Bits256.bytes();

/// More places than this are in the scratch, because a thread's stack may be small: 16 KiB.
const MAX_STACK_PLACES: u32 = 512;

/// More addresses of operands or slots than this are in memory, because there are 16 general
/// registers, and a loop needs some for counting.
pub(crate) const MAX_ADDRESSES: usize = 10;

/// The bytes of an address.
pub(crate) const WORD_BYTES: usize = size_of::<u64>();

/// The runtime aligns the scratch to this many bytes.
const SCRATCH_ALIGNMENT: usize = 64;

impl Outline<'_> {
    /// What the kernel's scratch is for, besides the tape's slots.
    pub(crate) fn scratch(&self) -> ScratchLayout {
        let mut n_bytes = self.tape.slot_bytes;
        let mut reserve = |n_more: usize| {
            let start = n_bytes.next_multiple_of(SCRATCH_ALIGNMENT);
            n_bytes = start + n_more;
            start
        };
        let n_places = self.segments.iter().map(Segment::n_places).max().unwrap_or(0);
        let places = (n_places > MAX_STACK_PLACES).then(|| reserve((n_places * PLACE_BYTES) as usize));
        let n_operands = self.kinds.len();
        let n_places_of_operands =
            (0..n_operands as u32).filter(|&operand| self.tape.source(operand).0 == operand).count();
        let addresses = (n_places_of_operands > MAX_ADDRESSES).then(|| reserve(n_operands * WORD_BYTES));
        let callbacks = self.segments.iter().flat_map(|segment| &segment.calls).filter_map(|call| match call {
            SegmentCall::Callback(call) => Some(call.args.len() + call.results.len()),
            SegmentCall::OfTable(_) => None,
        });
        let call_args = callbacks.max().map(|n| reserve(n * WORD_BYTES));
        let whole_blocks = self.whole_blocks.map(|n_lanes| {
            let operands = self.tape.inputs.iter().chain(&self.tape.outputs);
            let n_more = WholeBlocks::scratch_bytes(n_lanes as usize, operands.map(|operand| operand.dtype));
            WholeBlocks { n_lanes: n_lanes as usize, scratch_offset: reserve(n_more) }
        });
        ScratchLayout { places, addresses, call_args, whole_blocks, n_bytes }
    }
}

impl Segment {
    /// The registers of memory for kept values and spills.
    pub(crate) fn n_places(&self) -> u32 {
        let spills = [&self.spills, &self.spills_of_lanes].into_iter().flatten();
        self.kept.len() as u32 + spills.map(|spills| spills.n_places).max().unwrap_or(0)
    }
}
