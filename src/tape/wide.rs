//! Divisions and square roots as calls: they take a register of 128 bits as long as one of twice the width, which the runtime
//! has, and backends only where all values are of one width.
//!
//! A call costs what its arguments' way through memory does, and it does not overlap with the loop around it. So it is
//! estimated which of the two is faster; the bits are the same. A difference whose exponential is called anyway goes with it.

use super::liveness::suits_double_registers;
use super::{Function, Inst, Kind, Node, ValueId};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{MathFn, WideFn};

/// Estimated nanoseconds of an instruction that is neither a load nor a store, for each byte of a lane.
///
/// This and [`SLOT_NS_PER_BYTE`] are fitted to what was measured 2026-11 on one Zen 4 core, n = 1e5, f64, ns per element as loop
/// and as loop and call: `sqrt(a**2 + b**2)` 1.17 and 0.77, `sqrt(a + b)*c` 1.19 and 0.99, `a/b + c` 0.66 and 0.56,
/// `(a - b)/(a + b)` 0.66 and 0.65, `1/(1 + a*a)` 0.68 and 0.54; f32 `sqrt(f**2 + g**2)` 0.34 and 0.28, `f/(g + f)` 0.21 and 0.24.
const NS_PER_BYTE: f32 = 0.004;

/// What a value's way to a call costs, or from one, for each byte: a store and a load.
const SLOT_NS_PER_BYTE: f32 = 0.019;

/// How much of a loop's time calls may take: the divider works while the loop waits for memory, calls do not.
///
/// Measured as above, but n = 1e7 on two threads: `sqrt(a**2 + b**2)` (0.71 of the loop's time by these estimates) 0.73 as loop,
/// 0.56 to 0.58 with a call; `a/b + c` (0.79) 0.65 to 0.91 and 0.63 to 1.12; `a/(b + c)` (0.79) 0.90 and 1.01.
const LARGEST_SHARE: f32 = 0.75;

/// Makes calls of the divisions and square roots of floats, or of the roots alone, if that is estimated to be much faster.
///
/// `is_uniform` tells of each input whether it is taken to be the same in all lanes: what follows from such alone is
/// computed once for a row, and stays as it is.
///
/// A loop that has registers of twice the width itself keeps them.
///
/// Measured 2026-11 on one Zen 4 core, n = 1e5, f64, ns per element as a loop with calls and as such a loop: `sqrt(a**2 + b**2)` 0.71
/// and 0.60; as a loop of single registers and as such a loop: `a/b + a` 0.67 and 0.33, `1/(1 + a*a)` 0.68 and 0.34, f32
/// `f/(f + 1)` 0.20 and 0.11. On two threads, n = 1e7: `sqrt(a**2 + b**2)` 0.63 and 0.57.
pub(super) fn use_calls(nodes: &mut [Node], is_uniform: &[bool], has_double_registers: bool) {
    let has_calls = || nodes.iter().any(|node| matches!(node.inst, Inst::Call { .. }));
    if has_double_registers && suits_double_registers(nodes) && !has_calls() {
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

/// Makes the exponential of a difference one call, if the difference is of arrays or a number, and used for nothing else:
/// then the call can read these where they are. What is left of the difference is dead.
///
/// Measured 2026-11, AMD EPYC Zen 4, f64 from L2, one thread: `exp(a - 0.5)` 0.80 ns per element as an instruction and a call,
/// 0.67 as one call; rows of a softmax 1.75 and 1.58.
pub(super) fn take_differences_in(nodes: &mut [Node]) {
    let mut n_uses = vec![0; nodes.len()];
    nodes.iter().flat_map(Node::args).for_each(|arg| n_uses[arg.index()] += 1);
    for i in 0..nodes.len() {
        let Inst::Call { function: Function::Math(MathFn::Exp), dtype } = nodes[i].inst else { continue };
        let difference = nodes[i].args[0].index();
        let Node { inst: Inst::Sub, args: [x, y, _], .. } = nodes[difference] else { continue };
        let is_load = |value: ValueId| matches!(nodes[value.index()].inst, Inst::Load(_));
        let is_const = matches!(nodes[y.index()].inst, Inst::Const(_));
        if n_uses[difference] == 1 && is_load(x) && (is_load(y) || is_const) {
            nodes[i].inst = Inst::Call { function: Function::Wide(WideFn::ExpDifference), dtype };
            nodes[i].args = [x, y, x];
        }
    }
}

/// What a node could call.
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

/// Estimated nanoseconds for an element, if these nodes are calls: the divider works beside the rest of a loop, calls do
/// not.
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
                // A result that is only stored goes to the output itself; loads are read where they are, and what is the
                // same in all lanes mostly too. A constant divisor is a single element.
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
