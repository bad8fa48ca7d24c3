//! Liveness across segments: which values wait in a spill slot, and how long.

use super::{Function, Inst, Node, ValueId};

/// A value that waits in a slot, from the event that makes it to the last one that uses it.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) value: ValueId,
    pub(super) bytes: usize,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Waiting {
    /// True if the values wait at the same time. A value that ends at an event and one that begins
    /// there do not.
    fn overlaps(&self, other: &Waiting) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// The order of events in a tile: the loop of a segment, then its calls one by one, then the next
/// segment.
///
/// A call is one event: it may write over what it reads. One of Rust is two, because its elements
/// may have several widths, and its slices must not overlap. A loop is two events: its values begin
/// at its start, and it reads until its end. A vector block may write one value before it reads
/// another. If it writes wider elements than it reads, they reach into the places of blocks to
/// come.
struct Events {
    /// The start of each loop; its end is the next event.
    loop_of: Vec<u32>,
    call_of: Vec<u32>,
}

impl Events {
    fn new(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> Events {
        let mut calls_of: Vec<Vec<usize>> = vec![Vec::new(); n_segments as usize];
        for (i, _) in nodes.iter().enumerate().filter(|(_, node)| matches!(node.inst, Inst::Call { .. })) {
            calls_of[segment_of[i] as usize].push(i);
        }
        let mut events = Events { loop_of: Vec::new(), call_of: vec![0; nodes.len()] };
        let mut now = 0;
        for calls in calls_of {
            events.loop_of.push(now);
            now += 2;
            for call in calls {
                events.call_of[call] = now;
                now += 1 + u32::from(is_rust_call(&nodes[call]));
            }
        }
        events
    }
}

fn is_rust_call(node: &Node) -> bool {
    matches!(node.inst, Inst::Call { function: Function::Rust { .. } | Function::Region { .. }, .. })
}

/// The values that need a slot: results of calls, arguments of calls, and what a later segment
/// uses.
pub(super) fn waiting(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> Vec<Waiting> {
    let events = Events::new(nodes, segment_of, n_segments);
    let is_call = |value: usize| matches!(nodes[value].inst, Inst::Call { .. });
    let made = |value: usize| match is_call(value) {
        true => events.call_of[value],
        false => events.loop_of[segment_of[value] as usize],
    };
    let used = |user: usize| made(user) + u32::from(!is_call(user) || is_rust_call(&nodes[user]));
    let mut spans: Vec<Option<(u32, u32)>> = vec![None; nodes.len()];
    for (user, node) in nodes.iter().enumerate() {
        for arg in node.args().iter().map(|arg| arg.index()) {
            // A load or a constant waits for calls only, from the first segment that has one.
            let crosses = if nodes[arg].inst.is_rematerialised() {
                is_call(user)
            } else {
                is_call(user) || is_call(arg) || segment_of[arg] != segment_of[user]
            };
            if crosses {
                let span = spans[arg].get_or_insert((made(arg), used(user)));
                span.1 = span.1.max(used(user));
            }
        }
    }
    let mut found: Vec<Waiting> = spans
        .iter()
        .enumerate()
        .filter_map(|(i, span)| {
            let (from, to) = (*span)?;
            let bytes = nodes[i].ty.bytes as usize;
            Some(Waiting { value: ValueId(i as u32), bytes, from, to })
        })
        .collect();
    found.sort_by_key(|waiting| (waiting.from, waiting.value));
    found
}

/// Gives each waiting value a place, in bytes per element of the tile, and tells how many bytes
/// there are in all.
///
/// A call may write its result over an argument that it is the last to use. Places are 8 bytes
/// wide, so that any value fits any of them.
pub(super) fn assign_slots(n_values: usize, waiting: &[Waiting]) -> (Vec<Option<usize>>, usize) {
    const WIDTH: usize = 8;
    let mut offsets = vec![None; n_values];
    // The last value in each place. The values come in the order in which they are made.
    let mut places: Vec<&Waiting> = Vec::new();
    for waiting in waiting {
        debug_assert!(waiting.bytes <= WIDTH);
        let free = places.iter().position(|last| !last.overlaps(waiting));
        let place = free.unwrap_or(places.len());
        if place == places.len() {
            places.push(waiting);
        }
        places[place] = waiting;
        offsets[waiting.value.index()] = Some(place * WIDTH);
    }
    (offsets, places.len() * WIDTH)
}
