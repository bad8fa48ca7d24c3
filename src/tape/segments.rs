//! Which segment makes each value of a loop with calls.
//!
//! A tile call needs its arguments for the whole tile in memory, so it ends a segment. A value is
//! made in the last segment that still serves its users: then the fewest values cross. Loads and
//! constants are made anew in each segment.
//!
//! Calls that do not need each other's results share a segment, because each segment costs a loop.
//! But all arguments of these calls wait in spill slots at once. So many calls are shared out to
//! *windows*, which are consecutive instructions, and only calls of one window share a segment.

use super::cut::{self, MAX_BODY};
use super::{Function, Inst, Node, ValueId};

/// The calls of a window.
// Chosen by "many-calls" in docs/measurements.md.
const WINDOW_CALLS: usize = 8;

/// The segment of every value, and their number, if all calls are in one window.
pub(super) fn in_one_window(nodes: &[Node]) -> (Vec<u32>, u32) {
    segments(nodes, &[], false)
}

/// The segment of every value, and their number, with few calls and few other instructions in each
/// window. In long loops, windows do not share segments.
pub(super) fn in_windows(nodes: &[Node]) -> (Vec<u32>, u32) {
    let weight = |node: &Node| match node.inst {
        Inst::Call { .. } => MAX_BODY / WINDOW_CALLS,
        inst => usize::from(!inst.is_rematerialised()),
    };
    segments(nodes, &cut::evenly(nodes, weight, MAX_BODY), cut::is_long(nodes))
}

fn is_call(node: &Node) -> bool {
    matches!(node.inst, Inst::Call { .. })
}

/// Whether two nodes are results of the same loop of each element.
fn is_of_one_loop(before: &Node, node: &Node) -> bool {
    let index = |node: &Node| match node.inst {
        Inst::Call { function: Function::Region { index, .. }, .. } => Some(index),
        _ => None,
    };
    index(node).is_some() && index(before) == index(node)
}

/// The segment of every value, and their number. The windows after the first one start at
/// `starts`. If they are not apart, the last segment of a window is the first one of the next.
fn segments(nodes: &[Node], starts: &[usize], are_apart: bool) -> (Vec<u32>, u32) {
    // The first segment in which a value can be made: after every call that it needs, and no
    // earlier than the first one of its window.
    let mut earliest = vec![0_u32; nodes.len()];
    // The last segment of each window.
    let mut last_of = vec![0; starts.len() + 1];
    let (mut window, mut first, mut last) = (0, 0, 0);
    for (i, node) in nodes.iter().enumerate() {
        if starts.get(window) == Some(&i) {
            window += 1;
            last += u32::from(are_apart);
            first = last;
        }
        let after = |arg: &ValueId| earliest[arg.index()] + u32::from(is_call(&nodes[arg.index()]));
        let segment = match i.checked_sub(1) {
            // All results of a loop of each element are made by one call.
            Some(before) if is_of_one_loop(&nodes[before], node) => earliest[before],
            _ => node.args().iter().map(after).fold(first, u32::max),
        };
        earliest[i] = segment;
        last = last.max(segment + u32::from(is_call(node)));
        last_of[window] = last;
    }
    let n_segments = last + 1;
    // The last segment of the window that serves every user; calls stay as early as they can.
    // Stores are in the last segment of all, because an output may be an array that an earlier
    // segment still has to read.
    let mut segment_of = Vec::with_capacity(nodes.len());
    for (window, &last) in last_of.iter().enumerate() {
        let end = starts.get(window).copied().unwrap_or(nodes.len());
        segment_of.resize(end, last);
    }
    for (i, node) in nodes.iter().enumerate().rev() {
        if is_call(node) {
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
        if is_call(node) {
            for arg in node.args().iter().filter(|arg| nodes[arg.index()].inst.is_rematerialised()) {
                segment_of[arg.index()] = segment_of[arg.index()].min(segment_of[i]);
            }
        }
    }
    (segment_of, n_segments)
}
