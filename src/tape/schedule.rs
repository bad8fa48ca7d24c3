//! Scheduling: which segment makes each value, and which values wait in spill slots.
//!
//! Calls divide a loop into [segments]. A loop without calls is one segment, unless it is so long
//! or reads so many arrays that it is [cut]. Instructions keep the order of the text, which keeps
//! few values alive; the backend interleaves the registers of a vector block.

use super::{Inst, Node, Operand, Slot, Tape, cut, liveness, pair, segments};

/// The most scratch that slots may take, in bytes. With room for the runtime's own use, it stays
/// below what the design promises for a thread.
const MAX_SLOT_BYTES: usize = 768 << 10;

/// A tile's slots should stay in the L1 cache with its operands: 24 KiB of the usual 32 or 48.
const TARGET_SLOT_BYTES: usize = 24 << 10;

/// Smaller tiles do not make calls faster, even if slots do not fit the cache.
const MIN_TILE_ELEMS: usize = 64;

/// The smallest tile of loops with so many slots that larger tiles would not fit the scratch.
const LEAST_TILE_ELEMS: usize = 8;

/// The largest tile of loops alone, or of calls that read and write the operands themselves. In a
/// large tile, the cost of starting a loop or a call is spread over many elements.
// Chosen by "call-tiles" in docs/measurements.md.
const MAX_TILE_ELEMS: usize = 1024;

/// The largest tile with loops between calls. A loop reads and writes memory in bursts between
/// calls, and the calls do not wait for that. The next call starts while the last stores are still
/// on their way, if the tile fits the store buffer.
// Chosen by "loop-tiles" in docs/measurements.md.
const MAX_MIXED_TILE_ELEMS: usize = 256;

/// Where the values of a tape are made and where they wait.
struct Layout {
    segment_of: Vec<u32>,
    n_segments: u32,
    /// Where each value waits, in bytes per element of the tile.
    offsets: Vec<Option<usize>>,
    bytes_per_elem: usize,
}

impl Layout {
    fn new(nodes: &[Node], (segment_of, n_segments): (Vec<u32>, u32)) -> Layout {
        let waiting = liveness::waiting(nodes, &segment_of, n_segments);
        let (offsets, bytes_per_elem) = liveness::assign_slots(nodes.len(), &waiting);
        Layout { segment_of, n_segments, offsets, bytes_per_elem }
    }
}

/// Lays out a tape. `is_uniform` tells of each input whether it is taken to be the same in all
/// lanes. None if the tape's slots do not fit a thread's scratch even with the smallest tile.
pub(super) fn schedule(
    mut nodes: Vec<Node>,
    inputs: Vec<Operand>,
    outputs: Vec<Operand>,
    is_uniform: &[bool],
) -> Option<Tape> {
    order_factors(&mut nodes);
    let layout = match segments::in_one_window(&nodes) {
        (_, 1) => Layout::new(&nodes, cut::segments(&nodes, is_uniform)),
        _ if cut::is_long(&nodes) => Layout::new(&nodes, segments::in_windows(&nodes)),
        one_window => match Layout::new(&nodes, one_window) {
            layout if layout.bytes_per_elem * MAX_MIXED_TILE_ELEMS > TARGET_SLOT_BYTES => {
                let windows = Layout::new(&nodes, segments::in_windows(&nodes));
                if windows.bytes_per_elem < layout.bytes_per_elem { windows } else { layout }
            }
            layout => layout,
        },
    };
    let Layout { segment_of, n_segments, offsets, bytes_per_elem } = layout;
    let max_tile_elems = match bytes_per_elem {
        0 => None,
        _ => Some(tile_elems(&nodes, bytes_per_elem)?),
    };
    let tile = max_tile_elems.unwrap_or(0);
    let slot_bytes = bytes_per_elem * tile;
    let slot_of = offsets.into_iter().map(|offset| offset.map(|bytes| Slot { offset: bytes * tile })).collect();
    let pairs = pair::find(&nodes, &segment_of);
    let functions = Vec::new();
    let tape = Tape {
        nodes,
        inputs,
        outputs,
        functions,
        regions: Vec::new(),
        region_code: Vec::new(),
        segment_of,
        n_segments,
        pairs,
        slot_of,
        slot_bytes,
        max_tile_elems,
        leaf: None,
        iterates: false,
    };
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
        let [a, b, ..] = node.args;
        if last_use[a.index()] > i && last_use[b.index()] == i {
            node.args.swap(0, 1);
        }
    }
}

/// The elements of a tile: a power of 2, so that slots keep the alignment of the scratch. None if
/// the slots do not fit the scratch.
fn tile_elems(nodes: &[Node], bytes_per_elem: usize) -> Option<usize> {
    let is_call = |node: &Node| matches!(node.inst, Inst::Call { .. });
    let is_of_loop = |node: &Node| !matches!(node.inst, Inst::Load(_) | Inst::Store(_)) && !is_call(node);
    let has_both = nodes.iter().any(is_call) && nodes.iter().any(is_of_loop);
    let most = if has_both { MAX_MIXED_TILE_ELEMS } else { MAX_TILE_ELEMS };
    let elems = (TARGET_SLOT_BYTES / bytes_per_elem).clamp(MIN_TILE_ELEMS, most).min(MAX_SLOT_BYTES / bytes_per_elem);
    (elems >= LEAST_TILE_ELEMS).then(|| 1 << elems.ilog2())
}
