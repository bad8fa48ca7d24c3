//! Scheduling: which segment makes each value, and which values wait in spill slots.
//!
//! A tile call needs its arguments for the whole tile in memory, so it ends a segment. A value is
//! made in the last segment that still serves its users: then the fewest values cross. Loads and
//! constants are made anew in each segment. A loop without calls is one segment, unless it reads so
//! many arrays that it is [cut](cut). Instructions keep the order of the text, which keeps
//! few values alive; the backend interleaves the registers of a vector block.

use super::{Inst, Node, Operand, Tape, cut, liveness, pair};

/// The most scratch that slots may take, in bytes. With room for the runtime's own use, it stays
/// below what the design promises for a thread.
const MAX_SLOT_BYTES: usize = 768 << 10;

/// A tile's slots should stay in the L1 cache with its operands: 24 KiB of the usual 32 or 48.
const TARGET_SLOT_BYTES: usize = 24 << 10;

const MIN_TILE_ELEMS: usize = 64;

/// The largest tile of loops alone, or of calls that read and write the operands themselves. In a
/// large tile, the cost of starting a loop or a call is spread over many elements.
// Chosen by "call-tiles" in docs/measurements.md.
const MAX_TILE_ELEMS: usize = 1024;

/// The largest tile with loops between calls. A loop reads and writes memory in bursts between
/// calls, and the calls do not wait for that. The next call starts while the last stores are still
/// on their way, if the tile fits the store buffer.
// Chosen by "loop-tiles" in docs/measurements.md.
const MAX_MIXED_TILE_ELEMS: usize = 256;

/// Lays out a tape. `is_uniform` tells of each input whether it is taken to be the same in all
/// lanes. None if the tape's slots do not fit a thread's scratch even with the smallest tile.
pub(super) fn schedule(
    mut nodes: Vec<Node>,
    inputs: Vec<Operand>,
    outputs: Vec<Operand>,
    is_uniform: &[bool],
) -> Option<Tape> {
    order_factors(&mut nodes);
    let (segment_of, n_segments) = match segments(&nodes) {
        (_, 1) => cut::segments(&nodes, is_uniform),
        by_calls => by_calls,
    };
    let waiting = liveness::waiting(&nodes, &segment_of, n_segments);
    let (offsets, bytes_per_elem) = liveness::assign_slots(nodes.len(), &waiting);
    let max_tile_elems = (bytes_per_elem > 0).then(|| tile_elems(&nodes, bytes_per_elem));
    let tile = max_tile_elems.unwrap_or(0);
    let slot_bytes = bytes_per_elem * tile;
    if slot_bytes > MAX_SLOT_BYTES {
        return None;
    }
    let slot_of = offsets.into_iter().map(|offset| offset.map(|bytes| super::Slot { offset: bytes * tile })).collect();
    let pairs = pair::find(&nodes);
    let tape = Tape { nodes, inputs, outputs, segment_of, n_segments, pairs, slot_of, slot_bytes, max_tile_elems };
    Some(tape)
}

/// Puts the factor first that nothing uses after the fused multiply-add. On x86 the result takes
/// the register of the first factor, so that must be copied before if it is still needed.
fn order_factors(nodes: &mut [Node]) {
    let mut last_use = vec![0; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        node.args().iter().for_each(|arg| last_use[arg.index()] = i);
    }
    for (i, node) in nodes.iter_mut().enumerate().filter(|(_, node)| node.inst == Inst::Fma) {
        let [a, b, c] = node.args;
        if last_use[a.index()] > i && last_use[b.index()] == i {
            node.args = [b, a, c];
        }
    }
}

/// The elements of a tile: a power of 2, so that slots keep the alignment of the scratch.
fn tile_elems(nodes: &[Node], bytes_per_elem: usize) -> usize {
    let is_call = |node: &Node| matches!(node.inst, Inst::Call { .. });
    let is_of_loop = |node: &Node| !matches!(node.inst, Inst::Load(_) | Inst::Store(_)) && !is_call(node);
    let has_both = nodes.iter().any(is_call) && nodes.iter().any(is_of_loop);
    let most = if has_both { MAX_MIXED_TILE_ELEMS } else { MAX_TILE_ELEMS };
    let elems = (TARGET_SLOT_BYTES / bytes_per_elem).clamp(MIN_TILE_ELEMS, most);
    1 << elems.ilog2()
}

/// The segment of every value, and their number.
fn segments(nodes: &[Node]) -> (Vec<u32>, u32) {
    // The first segment in which a value can be made: after every call that it needs.
    let mut earliest = vec![0_u32; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        earliest[i] = node
            .args()
            .iter()
            .map(|arg| {
                let is_call = matches!(nodes[arg.index()].inst, Inst::Call { .. });
                earliest[arg.index()] + u32::from(is_call)
            })
            .max()
            .unwrap_or(0);
    }
    let n_segments = 1 + earliest.iter().copied().max().unwrap_or(0);
    // The last segment that serves every user; calls stay as early as they can. Stores are in the
    // last segment of all, because an output may be an array that an earlier segment still has to
    // read.
    let mut segment_of = vec![n_segments - 1; nodes.len()];
    for (i, node) in nodes.iter().enumerate().rev() {
        if matches!(node.inst, Inst::Call { .. }) {
            segment_of[i] = earliest[i];
        }
        for arg in node.args() {
            segment_of[arg.index()] = segment_of[arg.index()].min(segment_of[i]);
        }
    }
    // Loads and constants are made wherever they are used, but wait in a slot only for calls.
    for (i, node) in nodes.iter().enumerate() {
        if node.inst.is_rematerialised() {
            segment_of[i] = u32::MAX;
        }
        if matches!(node.inst, Inst::Call { .. }) {
            for arg in node.args() {
                if nodes[arg.index()].inst.is_rematerialised() {
                    segment_of[arg.index()] = segment_of[arg.index()].min(segment_of[i]);
                }
            }
        }
    }
    (segment_of, n_segments)
}
