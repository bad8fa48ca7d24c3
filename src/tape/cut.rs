//! Cuts long loops, and loops that read many arrays, into segments.
//!
//! In: the instructions of a loop. Out: the segment of each, if it has no calls, or places to cut
//! at (for [`segments`](super::segments), if it has). A processor reads ahead for a limited number
//! of arrays, and fetches instructions fast only while they fit its caches. A segment goes over a
//! whole tile, and what the next one needs waits in spill slots in the nearest cache. Cuts are
//! where few values wait.

use super::{Inst, Node};

/// Loops that read more arrays than this are cut.
// Chosen by "many-streams" in docs/measurements.md.
const MAX_STREAMS: usize = 24;

/// About how many arrays a segment reads.
// Chosen by "many-streams" in docs/measurements.md.
const STREAMS: usize = 12;

/// Loops of more instructions are cut into segments of at most so many.
// Chosen by "long-loops" in docs/measurements.md.
pub(super) const MAX_BODY: usize = 800;

/// A cut between arrays at which more values would wait is not worth it.
const MAX_WAITING: usize = 8;

/// The segment of each instruction, and their number. Stores are in the last one. What is made
/// anew in each segment has none. `is_uniform` tells of each input whether it is taken to be the
/// same in all lanes.
pub(super) fn segments(nodes: &[Node], is_uniform: &[bool]) -> (Vec<u32>, u32) {
    let is_stream: Vec<bool> =
        nodes.iter().map(|node| matches!(node.inst, Inst::Load(input) if !is_uniform[input as usize])).collect();
    let n_streams = is_stream.iter().filter(|&&is_stream| is_stream).count();
    let computes = |node: &Node| usize::from(!node.inst.is_rematerialised());
    let mut cuts = if n_streams > MAX_STREAMS { cuts_between_streams(nodes, &is_stream) } else { Vec::new() };
    let ends = cuts.iter().copied().chain([nodes.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let mut parts = starts.zip(ends).map(|(start, end)| nodes[start..end].iter().map(computes).sum::<usize>());
    if parts.any(|n_computed| n_computed > MAX_BODY) {
        cuts = evenly(nodes, computes, MAX_BODY);
    }
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
fn cuts_between_streams(nodes: &[Node], is_stream: &[bool]) -> Vec<usize> {
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

/// True if the loop should be cut because of its length.
pub(super) fn is_long(nodes: &[Node]) -> bool {
    nodes.iter().filter(|node| !node.inst.is_rematerialised()).count() > MAX_BODY
}

/// The starts of parts, all but the first, that weigh at most `most` each. A part ends where the
/// fewest values wait, once it weighs half of that.
pub(super) fn evenly(nodes: &[Node], weight: impl Fn(&Node) -> usize, most: usize) -> Vec<usize> {
    let waiting = waiting(nodes);
    let mut starts = Vec::new();
    let mut best: Option<usize> = None;
    let (mut i, mut weight_so_far) = (0, 0);
    while i < nodes.len() && !matches!(nodes[i].inst, Inst::Store(_)) {
        weight_so_far += weight(&nodes[i]);
        i += 1;
        if weight_so_far >= most / 2 && best.is_none_or(|best| waiting[i] <= waiting[best]) {
            best = Some(i);
        }
        if weight_so_far >= most
            && let Some(start) = best.take()
        {
            starts.push(start);
            (i, weight_so_far) = (start, 0);
        }
    }
    starts
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
