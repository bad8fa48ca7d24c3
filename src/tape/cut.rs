//! Cuts loops that read many arrays into segments that read a few each.
//!
//! In: the instructions of a loop without calls. Out: the segment of each. A processor reads ahead
//! for a limited number of arrays. A segment goes over a whole tile of its arrays, and what the
//! next one needs waits in spill slots in the nearest cache. Cuts are where few values wait.

use super::{Inst, Node};

/// Loops that read more arrays than this are cut.
// Chosen by "many-streams" in docs/measurements.md.
const MAX_STREAMS: usize = 24;

/// About how many arrays a segment reads.
// Chosen by "many-streams" in docs/measurements.md.
const STREAMS: usize = 12;

/// A cut at which more values would wait is not worth it.
const MAX_WAITING: usize = 8;

/// The segment of each instruction, and their number. Stores are in the last one. What is made
/// anew in each segment has none. `is_uniform` tells of each input whether it is taken to be the
/// same in all lanes.
pub(super) fn segments(nodes: &[Node], is_uniform: &[bool]) -> (Vec<u32>, u32) {
    let is_stream: Vec<bool> =
        nodes.iter().map(|node| matches!(node.inst, Inst::Load(input) if !is_uniform[input as usize])).collect();
    let n_streams = is_stream.iter().filter(|&&is_stream| is_stream).count();
    let cuts = if n_streams > MAX_STREAMS { cuts(nodes, &is_stream) } else { Vec::new() };
    let n_segments = cuts.len() as u32 + 1;
    let segment_of = |(i, node): (usize, &Node)| match node.inst {
        Inst::Load(_) | Inst::Const(_) => u32::MAX,
        Inst::Store(_) => n_segments - 1,
        _ => cuts.partition_point(|&cut| cut <= i) as u32,
    };
    (nodes.iter().enumerate().map(segment_of).collect(), n_segments)
}

/// The instructions that begin a segment, but the first. None if some segment would still read too
/// many arrays, because then the others gain little, and values wait for nothing.
fn cuts(nodes: &[Node], is_stream: &[bool]) -> Vec<usize> {
    let waiting = waiting(nodes);
    // The last segment, by its start, that each array was read in.
    let mut read_in = vec![usize::MAX; nodes.len()];
    let mut cuts = Vec::new();
    let (mut start, mut i) = (0, 0);
    // The best place for the next cut.
    let mut best: Option<usize> = None;
    let mut n_streams = 0;
    while i < nodes.len() && !matches!(nodes[i].inst, Inst::Store(_)) {
        for arg in nodes[i].args().iter().map(|arg| arg.index()) {
            if is_stream[arg] && std::mem::replace(&mut read_in[arg], start) != start {
                n_streams += 1;
            }
        }
        i += 1;
        if n_streams > MAX_STREAMS {
            return Vec::new();
        }
        if n_streams >= STREAMS / 2 && waiting[i] <= MAX_WAITING && best.is_none_or(|best| waiting[i] <= waiting[best])
        {
            best = Some(i);
        }
        if n_streams >= STREAMS
            && let Some(cut) = best.take()
        {
            cuts.push(cut);
            (start, i, n_streams) = (cut, cut, 0);
        }
    }
    // What remains after the last cut may be the stores alone.
    cuts.retain(|&cut| {
        nodes[cut..].iter().any(|node| !node.inst.is_rematerialised() && !matches!(node.inst, Inst::Store(_)))
    });
    cuts
}

/// For each place between instructions, how many values are made before it and used behind it.
fn waiting(nodes: &[Node]) -> Vec<usize> {
    let mut last_use = vec![0; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        node.args().iter().for_each(|arg| last_use[arg.index()] = i);
    }
    let mut changes = vec![0_isize; nodes.len() + 2];
    for (i, node) in nodes.iter().enumerate() {
        if !node.inst.is_rematerialised() && last_use[i] > i {
            changes[i + 1] += 1;
            changes[last_use[i] + 1] -= 1;
        }
    }
    let mut n = 0;
    let count = |change: &isize| {
        n += change;
        n.unsigned_abs()
    };
    changes.iter().map(count).collect()
}
