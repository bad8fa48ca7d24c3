//! The invariants of a tape, checked for every tape before it is compiled. Machine code is only
//! safe if they are true.
//!
//! - Arguments come before what uses them, and are not stores.
//! - Types fit the instruction. Functions of Rust get bools that are 0 or 1, and write no slot that
//!   they read.
//! - A value has a slot if it is used in another segment or by a call, or if a call makes it. The
//!   slot holds it until its last use.
//! - A value is made no later than it is used; a call's result is used after its segment.
//! - Loads name inputs, stores name outputs, and every output is stored once.
//! - Stores are in the last segment.
//! - An output may be exactly the memory of an input, so no element is stored before every read of
//!   the same element is done:
//!   - no call in the last segment takes a load, because calls may read arrays where they are;
//!   - in a segment the stores come after all other instructions. Backends make the loads that only
//!     stores use before the first store.
//! - A tape for leaves has the operands that its shape says. The outputs of iterations have the
//!   dtypes of the first inputs.
//! - The calls of a pair are those of its functions, of one argument in one segment; no call is in
//!   two.

use super::{Function, Inst, Kind, LeafShape, Node, Operand, Tape, Ty, ValueId};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::{LANES, LEAF};
use rustc_hash::FxHashMap;

/// Checks a tape.
///
/// # Errors
///
/// A description of the first invariant that does not hold: a defect of the compiler, never of its
/// input.
pub(crate) fn verify(tape: &Tape) -> Result<(), String> {
    let mut stored = vec![0; tape.outputs.len()];
    for value in tape.values() {
        let node = tape.node(value);
        verify_node(tape, value, node).map_err(|why| format!("{value}: {why}, in\n{tape}"))?;
        if let Inst::Store(operand) = node.inst {
            stored[operand as usize] += 1;
        }
    }
    if stored.iter().any(|&n| n != 1) {
        return Err(format!("an output that is not stored once, in\n{tape}"));
    }
    verify_leaf(tape).map_err(|why| format!("{why}, in\n{tape}"))?;
    verify_iterations(tape).map_err(|why| format!("{why}, in\n{tape}"))?;
    verify_stores(tape).map_err(|why| format!("{why}, in\n{tape}"))?;
    verify_pairs(tape).map_err(|why| format!("{why}, in\n{tape}"))?;
    verify_slots(tape).map_err(|why| format!("{why}, in\n{tape}"))
}

/// Checks that the outputs of iterations can be where the inputs are.
fn verify_iterations(tape: &Tape) -> Result<(), &'static str> {
    if !tape.iterates {
        return Ok(());
    }
    let dtypes = |operands: &[Operand]| operands.iter().map(|operand| operand.dtype).collect::<Vec<_>>();
    check(tape.leaf.is_none(), "iterations of leaves")?;
    check(dtypes(&tape.inputs).starts_with(&dtypes(&tape.outputs)), "outputs of other dtypes than the first inputs")
}

/// Checks that the operands of a tape for leaves are what its shape says.
fn verify_leaf(tape: &Tape) -> Result<(), &'static str> {
    let Some(LeafShape { rows, n_inputs, n_kept, n_accumulators }) = tape.leaf else { return Ok(()) };
    let counts = (tape.inputs.len(), tape.outputs.len());
    check(rows >= 1 && (LEAF / LANES).is_multiple_of(rows), "rows that do not fill a leaf")?;
    check(
        counts == (rows * n_inputs + n_accumulators, rows * n_kept + n_accumulators),
        "other operands than those of rows and accumulators",
    )?;
    check(tape.n_segments == 1 && tape.slot_bytes == 0 && tape.is_of_one_width(), "more than a loop of one width")?;
    let dtype_of = |operand: u32| tape.inputs.iter().chain(&tape.outputs).nth(operand as usize).map(|of| of.dtype);
    let is_accumulator = |operand: u32| match operand.checked_sub(counts.0 as u32) {
        None => operand as usize >= rows * n_inputs,
        Some(output) => output as usize >= rows * n_kept,
    };
    let is_alike = |operand: u32| {
        let (dtype, source) = (dtype_of(operand), dtype_of(tape.source(operand).0));
        // Accumulators are in one array, and may have dtypes of one size.
        dtype == source || (is_accumulator(operand) && dtype.map(DType::size) == source.map(DType::size))
    };
    let mut operands = 0..(counts.0 + counts.1) as u32;
    check(operands.all(is_alike), "operands of different dtypes in one array")
}

/// Checks that stores come after all loads that they may overwrite.
fn verify_stores(tape: &Tape) -> Result<(), String> {
    let is_load = |value: ValueId| matches!(tape.node(value).inst, Inst::Load(_));
    let mut first_store: Option<(ValueId, u32)> = None;
    for value in tape.values().filter(|&value| matches!(tape.node(value).inst, Inst::Store(_))) {
        let segment = tape.segment_of[value.index()];
        first_store = Some(first_store.filter(|first| first.1 <= segment).unwrap_or((value, segment)));
    }
    let Some((first, segment)) = first_store else { return Ok(()) };
    if segment + 1 != tape.n_segments {
        return Err(format!("the store {first} is not in the last segment"));
    }
    for value in tape.values().filter(|&value| tape.segment_of[value.index()] >= segment) {
        let node = tape.node(value);
        let is_call = matches!(node.inst, Inst::Call { .. });
        if is_call && node.args().iter().any(|&arg| is_load(arg)) {
            return Err(format!("{value} reads an array after the store {first}"));
        }
        let is_other = !is_call && !node.inst.is_rematerialised() && !matches!(node.inst, Inst::Store(_));
        if is_other && value > first && tape.segment_of[value.index()] == segment {
            return Err(format!("{value} comes after the store {first}"));
        }
    }
    Ok(())
}

fn verify_pairs(tape: &Tape) -> Result<(), String> {
    for (&value, pair) in &tape.pairs {
        let [first, second] = pair.results;
        let calls_its_function = pair.results.into_iter().zip(pair.pair.functions()).all(|(result, function)| {
            matches!(tape.node(result).inst, Inst::Call { function: found, .. } if found == Function::Math(function))
        });
        let is_pair = calls_its_function
            && pair.results.contains(&value)
            && pair.results.iter().all(|result| tape.pairs.get(result) == Some(pair))
            && tape.node(first).args() == tape.node(second).args()
            && tape.node(first).ty == tape.node(second).ty
            && tape.segment_of[first.index()] == tape.segment_of[second.index()];
        if !is_pair {
            return Err(format!("{first} and {second} are no pair"));
        }
    }
    Ok(())
}

/// Runs through a tile's events and keeps account of what each slot holds.
fn verify_slots(tape: &Tape) -> Result<(), String> {
    let mut holds: FxHashMap<usize, ValueId> = FxHashMap::default();
    let offset = |value: ValueId| tape.slot_of[value.index()].map(|slot| slot.offset);
    let is_call = |value: ValueId| matches!(tape.node(value).inst, Inst::Call { .. });
    let is_made_anew = |value: ValueId| tape.node(value).inst.is_rematerialised();
    for (segment, here) in tape.by_segment().iter().enumerate() {
        let segment = segment as u32;
        // All that the loop reads must be there, and stay until it ends.
        let body = || here.iter().copied().filter(|&value| !is_call(value));
        let mut kept: FxHashMap<usize, ValueId> = FxHashMap::default();
        for arg in body().filter(|&value| !is_made_anew(value)).flat_map(|value| tape.node(value).args()) {
            if is_made_anew(*arg) || (tape.segment_of[arg.index()] == segment && !is_call(*arg)) {
                continue;
            }
            if let Some(offset) = offset(*arg) {
                if holds.get(&offset) != Some(arg) {
                    return Err(format!("segment {segment} reads {arg} from a slot that does not hold it"));
                }
                kept.insert(offset, *arg);
            }
        }
        for value in body() {
            if let Some(offset) = offset(value) {
                if let Some(other) = kept.insert(offset, value) {
                    return Err(format!("segment {segment} writes {value} over {other}"));
                }
                holds.insert(offset, value);
            }
        }
        for call in here.iter().copied().filter(|&value| is_call(value)) {
            for arg in tape.node(call).args() {
                if offset(*arg).is_none_or(|offset| holds.get(&offset) != Some(arg)) {
                    return Err(format!("{call} reads {arg} from a slot that does not hold it"));
                }
            }
            let offset = offset(call).ok_or_else(|| format!("{call} has no slot to write to"))?;
            let is_rust = matches!(
                tape.node(call).inst,
                Inst::Call { function: Function::Rust { .. } | Function::Region { .. }, .. }
            );
            if is_rust
                && tape
                    .node(call)
                    .args()
                    .iter()
                    .any(|arg| tape.slot_of[arg.index()].is_some_and(|slot| slot.offset == offset))
            {
                return Err(format!("{call} writes over what it reads"));
            }
            holds.insert(offset, call);
        }
    }
    Ok(())
}

fn verify_node(tape: &Tape, value: ValueId, node: &Node) -> Result<(), &'static str> {
    for &arg in node.args() {
        check(arg < value, "an argument that comes later")?;
        check(!matches!(tape.node(arg).inst, Inst::Store(_)), "a store as an argument")?;
        verify_crossing(tape, value, arg)?;
    }
    let ty = node.ty;
    let arg = |i: usize| tape.node(node.args[i]).ty;
    let all_same = node.args().iter().all(|&arg| tape.node(arg).ty == ty);
    let is_number = ty.kind != Kind::Mask;
    let fits = match node.inst {
        Inst::Load(operand) => {
            return check(
                tape.inputs.get(operand as usize).map(|o| Ty::in_memory(o.dtype)) == Some(ty),
                "a load of another type",
            );
        }
        Inst::Const(_) => true,
        Inst::Add | Inst::Sub | Inst::Mul | Inst::Neg => all_same && is_number,
        Inst::Abs => all_same && ty.kind == Kind::Int,
        Inst::Min { .. } | Inst::Max { .. } => all_same && is_number,
        Inst::Div | Inst::Sqrt | Inst::Floor | Inst::Ceil | Inst::Trunc | Inst::Rint | Inst::Fma => {
            all_same && ty.kind == Kind::Float
        }
        Inst::And | Inst::Or | Inst::Xor | Inst::Not => all_same,
        Inst::Shl | Inst::Shr { .. } => all_same && ty.kind == Kind::Int,
        Inst::Compare { .. } => arg(0) == arg(1) && arg(0).kind != Kind::Mask && ty == Ty::mask(arg(0).bytes),
        Inst::Select => arg(0) == Ty::mask(ty.bytes) && arg(1) == ty && arg(2) == ty,
        Inst::Extend { .. } => arg(0).kind == Kind::Int && ty.kind == Kind::Int && arg(0).bytes < ty.bytes,
        Inst::Truncate => arg(0).kind == Kind::Int && ty.kind == Kind::Int && arg(0).bytes > ty.bytes,
        Inst::ToFloat { signed } => {
            arg(0).kind == Kind::Int
                && ty.kind == Kind::Float
                && match (arg(0).bytes, ty.bytes) {
                    (4, 4) | (8, 4) => true,
                    (4, 8) => signed,
                    _ => false,
                }
        }
        Inst::ToInt { .. } => arg(0) == Ty::float(ty.bytes) && ty.kind == Kind::Int,
        Inst::ResizeFloat => arg(0).kind == Kind::Float && ty.kind == Kind::Float && arg(0).bytes != ty.bytes,
        Inst::ResizeMask => arg(0).kind == Kind::Mask && ty.kind == Kind::Mask && arg(0).bytes != ty.bytes,
        Inst::Reinterpret => arg(0).bytes == ty.bytes && arg(0).kind != ty.kind,
        Inst::Call { function: Function::Rust { index, .. }, dtype } => {
            let Some(function) = tape.functions.get(index as usize) else {
                return Err("a function that is not listed");
            };
            let types = function.args().iter().map(|&dtype| Ty::in_memory(dtype));
            let are_bools = node.args().iter().zip(function.args());
            let mut are_bools = are_bools.filter(|(_, dtype)| **dtype == DType::Bool);
            are_bools.all(|(&arg, _)| is_zero_or_one(tape, arg))
                && types.eq(node.args().iter().map(|&arg| tape.node(arg).ty))
                && (dtype, ty) == (function.result(), Ty::in_memory(dtype))
        }
        Inst::Call { function: Function::Region { index, result, .. }, dtype } => {
            let Some(region) = tape.regions.get(index as usize) else {
                return Err("a loop that is not listed");
            };
            let types = region.args.iter().map(|&dtype| Ty::in_memory(dtype));
            let mut bools = node.args().iter().zip(&region.args).filter(|(_, dtype)| **dtype == DType::Bool);
            // The next result of the loop is made by the same call.
            let next = ValueId(value.0 + 1);
            let is_with_next = match tape.nodes.get(next.index()) {
                Some(Node { inst: Inst::Call { function: Function::Region { index: its, .. }, .. }, args, .. }) => {
                    *its != index
                        || (*args == node.args && tape.segment_of[next.index()] == tape.segment_of[value.index()])
                }
                _ => true,
            };
            bools.all(|(&arg, _)| is_zero_or_one(tape, arg))
                && types.eq(node.args().iter().map(|&arg| tape.node(arg).ty))
                && region.carried.get(result as usize) == Some(&dtype)
                && ty == Ty::in_memory(dtype)
                && is_with_next
        }
        Inst::Call { dtype, .. } => all_same && ty == Ty::in_memory(dtype),
        Inst::Store(operand) => {
            all_same && tape.outputs.get(operand as usize).map(|o| Ty::in_memory(o.dtype)) == Some(ty)
        }
    };
    check(fits, "types that do not fit the instruction")
}

/// Whether a byte is 0 or 1 for certain, as functions of Rust take bools: it has only the lowest
/// bit of something, or it is the bool that such a function gives.
fn is_zero_or_one(tape: &Tape, value: ValueId) -> bool {
    let node = tape.node(value);
    match node.inst {
        Inst::Const(bits) => bits <= 1,
        Inst::And => node.args().iter().any(|&arg| tape.node(arg).inst == Inst::Const(1)),
        Inst::Call { function: Function::Rust { .. } | Function::Region { .. }, dtype } => dtype == DType::Bool,
        _ => false,
    }
}

fn verify_crossing(tape: &Tape, user: ValueId, arg: ValueId) -> Result<(), &'static str> {
    let is_call = |value: ValueId| matches!(tape.node(value).inst, Inst::Call { .. });
    let (made, used) = (tape.segment_of[arg.index()], tape.segment_of[user.index()]);
    if tape.node(arg).inst.is_rematerialised() {
        return check(!is_call(user) || tape.slot_of[arg.index()].is_some(), "an argument of a call without a slot");
    }
    check(made <= used, "a use before the value is made")?;
    check(!is_call(arg) || made < used, "a use of a call in its own segment")?;
    check(
        (made == used && !is_call(user)) || tape.slot_of[arg.index()].is_some(),
        "a value that leaves its segment without a slot",
    )
}

fn check(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}
