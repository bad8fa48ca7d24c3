//! Divisions and square roots as calls: in wide registers they take as long as in narrow ones. The
//! runtime's functions have wide registers, and loops do not have them on every machine.
//!
//! A call costs the time that its arguments take on their way through memory, and it does not
//! overlap with the loop around it. So the time of both forms is estimated; the bits are the same.
//! A difference whose exponential is called anyway becomes part of that call.

use super::{Function, Inst, Kind, MAX_NODE_ARGS, Node, ValueId, has_vector_forms};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{MathFn, WideFn};

/// Estimated nanoseconds of an instruction that is neither a load nor a store, for each byte of a
/// lane.
// Chosen by "division-calls" in docs/measurements.md.
const NS_PER_BYTE: f32 = 0.004;

/// Estimated nanoseconds for each byte of a value that goes to a call or comes from one: a store
/// and a load.
const SLOT_NS_PER_BYTE: f32 = 0.019;

/// The largest share of a loop's time that calls may take: the divider works while the loop waits
/// for memory, and calls do not.
// Chosen by "division-call-share" in docs/measurements.md.
const LARGEST_SHARE: f32 = 0.75;

/// Makes calls of the divisions and square roots of floats, or of the roots alone, if that is
/// estimated to be much faster.
///
/// `is_uniform` tells of each input whether it is taken to be the same in all lanes. What follows
/// from such inputs alone is computed once for a row, and does not become a call.
///
/// Loops that have wide registers keep their divisions.
// Chosen by "wide-loops" in docs/measurements.md.
pub(super) fn use_calls(nodes: &mut [Node], is_uniform: &[bool], divides_in_wide_loops: bool) {
    let has_calls = || nodes.iter().any(|node| matches!(node.inst, Inst::Call { .. }));
    if divides_in_wide_loops && has_vector_forms(nodes) && !has_calls() {
        return;
    }
    let is_uniform = uniform(nodes, is_uniform);
    let candidate = |i: usize| function(&nodes[i]).filter(|_| !is_uniform[i]);
    let none: fn(WideFn) -> bool = |_| false;
    let roots: fn(WideFn) -> bool = |function| function == WideFn::Sqrt;
    let all: fn(WideFn) -> bool = |_| true;
    let time = |is_call: fn(WideFn) -> bool| estimate(nodes, &is_uniform, |i| candidate(i).is_some_and(is_call));
    let longest = LARGEST_SHARE * time(none);
    let best = [roots, all].into_iter().filter(|&is_call| time(is_call) <= longest);
    let Some(best) = best.min_by(|&a, &b| time(a).total_cmp(&time(b))) else { return };
    let calls: Vec<(usize, WideFn)> =
        (0..nodes.len()).filter_map(|i| Some((i, candidate(i).filter(|&function| best(function))?))).collect();
    for (i, function) in calls {
        nodes[i].inst = Inst::Call { function: Function::Wide(function), dtype: dtype(&nodes[i]) };
    }
}

/// Makes one call of the exponential of a difference. The difference must be between arrays, or
/// between an array and a number, and must not be used elsewhere. Then the call can read these
/// where they are, and what is left of the difference is dead.
// Chosen by "exp-of-difference" in docs/measurements.md.
pub(super) fn take_differences_in(nodes: &mut [Node]) {
    let mut n_uses = vec![0; nodes.len()];
    nodes.iter().flat_map(Node::args).for_each(|arg| n_uses[arg.index()] += 1);
    for i in 0..nodes.len() {
        let Inst::Call { function: Function::Math(MathFn::Exp), dtype } = nodes[i].inst else { continue };
        let difference = nodes[i].args[0].index();
        let Node { inst: Inst::Sub, args: [x, y, ..], .. } = nodes[difference] else { continue };
        let is_load = |value: ValueId| matches!(nodes[value.index()].inst, Inst::Load(_));
        let is_const = matches!(nodes[y.index()].inst, Inst::Const(_));
        if n_uses[difference] == 1 && is_load(x) && (is_load(y) || is_const) {
            nodes[i].inst = Inst::Call { function: Function::Wide(WideFn::ExpDifference), dtype };
            (nodes[i].args, nodes[i].args[1]) = ([x; MAX_NODE_ARGS], y);
        }
    }
}

/// The function that a node could call.
fn function(node: &Node) -> Option<WideFn> {
    match node.inst {
        Inst::Div if node.ty.kind == Kind::Float => Some(WideFn::Divide),
        Inst::Sqrt => Some(WideFn::Sqrt),
        _ => None,
    }
}

fn dtype(node: &Node) -> DType {
    if node.ty.bytes == 4 { DType::Float32 } else { DType::Float64 }
}

/// The values that are the same in all lanes.
fn uniform(nodes: &[Node], inputs: &[bool]) -> Vec<bool> {
    let mut is_uniform = vec![false; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        is_uniform[i] = match node.inst {
            Inst::Load(input) => inputs[input as usize],
            Inst::Call { .. } => false,
            _ => node.args().iter().all(|arg| is_uniform[arg.index()]),
        };
    }
    is_uniform
}

/// Estimated nanoseconds for an element, if these nodes are calls: the divider works beside the
/// rest of a loop, calls do not.
fn estimate(nodes: &[Node], is_uniform: &[bool], is_call: impl Fn(usize) -> bool) -> f32 {
    let (mut divider, mut others, mut calls) = (0.0_f32, 0.0_f32, 0.0_f32);
    let mut is_only_stored = vec![true; nodes.len()];
    for node in nodes.iter().filter(|node| !matches!(node.inst, Inst::Store(_))) {
        node.args().iter().for_each(|arg| is_only_stored[arg.index()] = false);
    }
    let mut is_in_slot = vec![false; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        let bytes = node.ty.bytes as f32;
        match (function(node), node.inst) {
            _ if is_uniform[i] => {}
            (Some(function), _) if is_call(i) => {
                calls += function.ns_per_elem(dtype(node));
                // A result that is only stored goes to the output itself. Loads are read where they
                // are, and so is, mostly, what is the same in all lanes. A constant divisor is a
                // single element.
                is_in_slot[i] |= !is_only_stored[i];
                for (place, arg) in node.args().iter().map(|arg| arg.index()).enumerate() {
                    let is_there = match nodes[arg].inst {
                        Inst::Load(_) | Inst::Call { .. } => true,
                        Inst::Const(_) => place == 1,
                        _ => is_call(arg),
                    };
                    is_in_slot[arg] |= !is_there;
                }
            }
            (Some(function), _) => divider += 2.0 * function.ns_per_elem(dtype(node)),
            (None, Inst::Call { .. } | Inst::Const(_) | Inst::Load(_) | Inst::Store(_)) => {}
            (None, _) => others += NS_PER_BYTE * bytes,
        }
    }
    let slots: f32 = nodes.iter().zip(&is_in_slot).filter(|&(_, &is)| is).map(|(node, _)| node.ty.bytes as f32).sum();
    divider.max(others) + calls + SLOT_NS_PER_BYTE * slots
}
