//! Liveness: how long values live, across segments (slots) and within one (registers).

use super::schedule::in_segment;
use super::{Inst, Kind, Node, ValueId};

/// A value that waits in a slot, from the event that makes it to the last one that uses it.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    pub(super) value: ValueId,
    pub(super) bytes: usize,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Crossing {
    /// True if the values wait at the same time. What ends at an event and what begins there do not.
    fn overlaps(&self, other: &Crossing) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// The order of events in a tile: the loop of a segment, then its calls one by one, then the next segment.
///
/// A call is one event: it may write over what it reads. A loop is two, its start, where its values begin, and its end,
/// until when it reads: a strip may write one value before it reads another, and elements that are wider than those read
/// reach into the strips to come.
struct Events {
    /// The start; the end is the next event.
    loop_of: Vec<u32>,
    call_of: Vec<u32>,
}

impl Events {
    fn new(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> Events {
        let mut events = Events { loop_of: Vec::new(), call_of: vec![0; nodes.len()] };
        let mut now = 0;
        for segment in 0..n_segments {
            events.loop_of.push(now);
            now += 2;
            for (i, node) in nodes.iter().enumerate() {
                if segment_of[i] == segment && matches!(node.inst, Inst::Call { .. }) {
                    events.call_of[i] = now;
                    now += 1;
                }
            }
        }
        events
    }
}

/// The values that need a slot: results of calls, arguments of calls, and what a later segment uses.
pub(super) fn crossings(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> Vec<Crossing> {
    let events = Events::new(nodes, segment_of, n_segments);
    let is_call = |value: usize| matches!(nodes[value].inst, Inst::Call { .. });
    let made = |value: usize| match is_call(value) {
        true => events.call_of[value],
        false => events.loop_of[segment_of[value] as usize],
    };
    let used = |user: usize| made(user) + u32::from(!is_call(user));
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
    let mut found: Vec<Crossing> = spans
        .iter()
        .enumerate()
        .filter_map(|(i, span)| {
            let (from, to) = (*span)?;
            let bytes = nodes[i].ty.bytes as usize;
            Some(Crossing { value: ValueId(i as u32), bytes, from, to })
        })
        .collect();
    found.sort_by_key(|crossing| (crossing.from, crossing.value));
    found
}

/// Gives each waiting value a place: bytes per element of the tile, and how many there are in all.
///
/// A call may write its result over an argument that it is the last to use. Places are 8 bytes wide, so that any value
/// fits any of them.
pub(super) fn assign_slots(n_values: usize, crossings: &[Crossing]) -> (Vec<Option<usize>>, usize) {
    const WIDTH: usize = 8;
    let mut offsets = vec![None; n_values];
    // The last value in each place; they come in the order in which they are made.
    let mut places: Vec<&Crossing> = Vec::new();
    for crossing in crossings {
        debug_assert!(crossing.bytes <= WIDTH);
        let free = places.iter().position(|last| !last.overlaps(crossing));
        let place = free.unwrap_or(places.len());
        if place == places.len() {
            places.push(crossing);
        }
        places[place] = crossing;
        offsets[crossing.value.index()] = Some(place * WIDTH);
    }
    (offsets, places.len() * WIDTH)
}

/// Bytes of a register that bundles are counted in: the narrowest that a backend has.
const REGISTER_BYTES: u32 = 16;

/// Bytes of the registers that a backend may have for values of one width.
const DOUBLE_BYTES: u32 = 32;

const N_REGISTERS: u32 = 16;

/// Registers that the values of a strip may take: all, less one for temporaries and one for what is hoisted.
const REGISTER_BUDGET: u32 = N_REGISTERS - 2;

/// Tapes longer than this get the narrowest strip: their loops are too large to gain by interleaving, and code size
/// and compile time grow with the strip.
const LONG_TAPE: usize = 400;

/// How many lanes a strip has, and the registers that it leaves.
pub(super) struct Strip {
    pub(super) n_lanes: u32,
    pub(super) spare_registers: u32,
}

/// Loops of at least so many instructions are long chains if few values are alive at once: what the processor sees ahead of
/// it is less than one strip and the next, and the more registers a strip has, the less it waits.
///
/// Measured 2026-11 on Zen 4, f64 polynomials by Horner's rule in L1, one thread, ns per element with 4 registers and with 7:
/// degree 6 0.82 and 0.78, 8 1.07 and 0.99, 10 1.44 and 1.20, 16 2.40 and 1.93, 32 5.73 and 4.02. Loads at
/// each use, to make room for 8, gained another 5 % there and lost 20 to 50 % in shorter loops.
const LONG_CHAIN: usize = 20;

/// The strip in which the widest values take 8, 4 or 2 registers, as many as leave the budget unspent; 7 of long chains, if
/// narrower values would not leave a register unfilled, nor tiles a rest.
pub(super) fn strip(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> Strip {
    let widest = nodes.iter().map(|node| node.ty.bytes).max().unwrap_or(8);
    let lanes = |registers: u32| registers * REGISTER_BYTES / widest;
    let most = |registers: u32| most_pressure(nodes, segment_of, n_segments, (lanes(registers), REGISTER_BYTES));
    let choices: &[u32] = match nodes.len() {
        ..=LONG_TAPE if is_one_width(nodes) && is_long_chain(nodes, segment_of, n_segments) => &[8, 7, 4, 2],
        ..=LONG_TAPE => &[8, 4, 2],
        _ => &[1],
    };
    let fitting = choices.iter().find(|&&registers| most(registers) <= REGISTER_BUDGET);
    let registers = *fitting.or(choices.last()).unwrap_or(&1);
    Strip { n_lanes: lanes(registers), spare_registers: (N_REGISTERS - 1).saturating_sub(most(registers)) }
}

/// The lanes of a strip in registers of twice the width: half as many registers as there are single ones in a short loop, so that
/// no more lanes are left over, and as many in a long chain.
///
/// Measured 2026-11 on Zen 4, f64, L1, one thread, ns per element with 4 registers and with 7: a polynomial of degree 16 1.08 and
/// 0.89, of degree 5 0.284 and 0.255; of 1000 elements, with the lanes left over, one of degree 3 0.29 and 0.32.
pub(super) fn double_lanes(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> Option<u32> {
    if nodes.len() > LONG_TAPE || !suits_double_registers(nodes) {
        return None;
    }
    let lanes = |registers: u32| registers * DOUBLE_BYTES / nodes[0].ty.bytes;
    let most = |registers: u32| most_pressure(nodes, segment_of, n_segments, (lanes(registers), DOUBLE_BYTES));
    let choices: &[u32] = if is_long_chain(nodes, segment_of, n_segments) { &[7, 4, 2] } else { &[4, 2] };
    choices.iter().copied().find(|&registers| most(registers) <= REGISTER_BUDGET).map(lanes)
}

/// True if registers of twice the width can hold the values: they have nothing that goes across their middle, so all values have
/// to take as many bytes of a lane, and what has no vector form is done lane by lane.
pub(super) fn suits_double_registers(nodes: &[Node]) -> bool {
    let has_vector_form = |node: &Node| match node.inst {
        Inst::ToInt { .. } => node.ty.bytes < 8,
        Inst::Shl | Inst::Shr { .. } => matches!(nodes[node.args[1].index()].inst, Inst::Const(_)),
        _ => true,
    };
    is_one_width(nodes) && nodes.iter().all(has_vector_form)
}

/// True if all values take as many bytes of a lane.
fn is_one_width(nodes: &[Node]) -> bool {
    nodes.windows(2).all(|two| two[0].ty.bytes == two[1].ty.bytes)
}

fn is_long_chain(nodes: &[Node], segment_of: &[u32], n_segments: u32) -> bool {
    n_segments == 1 && in_segment(nodes, segment_of, 0).count() >= LONG_CHAIN
}

/// The most registers that values take at once in any segment.
fn most_pressure(nodes: &[Node], segment_of: &[u32], n_segments: u32, strip: (u32, u32)) -> u32 {
    (0..n_segments).map(|segment| pressure(nodes, segment_of, segment, strip)).max().unwrap_or(0)
}

/// The most registers that values of a segment take at once, with strips of so many lanes in registers of so many bytes.
/// Constants take one each; a load that is used once is part of its use.
fn pressure(nodes: &[Node], segment_of: &[u32], segment: u32, (n_lanes, register_bytes): (u32, u32)) -> u32 {
    let registers = |value: ValueId| {
        let node = &nodes[value.index()];
        match node.inst {
            Inst::Const(_) => 0,
            _ => (n_lanes * node.ty.bytes).div_ceil(register_bytes),
        }
    };
    let mut uses = vec![0_u32; nodes.len()];
    for value in in_segment(nodes, segment_of, segment) {
        for arg in nodes[value.index()].args() {
            uses[arg.index()] += 1;
        }
    }
    let is_folded = |value: ValueId| {
        let node = &nodes[value.index()];
        matches!(node.inst, Inst::Load(_)) && uses[value.index()] == 1 && node.ty.kind == Kind::Float
    };
    let mut live = vec![false; nodes.len()];
    let mut now = 0;
    let mut most = 0;
    for value in in_segment(nodes, segment_of, segment).rev() {
        if live[value.index()] {
            live[value.index()] = false;
            now -= registers(value);
        }
        for &arg in nodes[value.index()].args() {
            if !live[arg.index()] && !is_folded(arg) {
                live[arg.index()] = true;
                now += registers(arg);
            }
        }
        most = most.max(now);
    }
    most
}
