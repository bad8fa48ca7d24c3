//! The arrays that calls read or write where they are, without a spill slot between.
//!
//! In: a tape and the run kinds of its operands. Out: the values that have an array as their place
//! if a tile is one row. The elements of such a tile follow one another in a contiguous operand, or
//! are one and the same in a splat one.

use super::calls::Call;
use crate::tape::{Inst, Tape, ValueId};
use ndexpr_runtime::abi::RunKind;

/// Operands that calls use directly.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    /// For each segment, whether it is skipped in a tile of one row because its loop only copies
    /// between arrays and slots.
    pub(super) skips: Vec<bool>,
    /// For each value, the operand that has it or takes it in a tile of one row.
    pub(crate) operand_of: Vec<Option<u32>>,
    /// For each value, whether it is a constant that calls take as a single element in every tile.
    /// Its slot has the first element only.
    pub(crate) is_one: Vec<bool>,
}

impl Direct {
    pub(super) fn new(tape: &Tape, kinds: &[RunKind], segments: &[Vec<ValueId>]) -> Direct {
        let mut direct = Direct {
            skips: vec![false; segments.len()],
            operand_of: vec![None; tape.nodes.len()],
            is_one: vec![false; tape.nodes.len()],
        };
        if segments.len() == 1 {
            return direct;
        }
        // Whether all calls that use a value can take it as a single element.
        let mut is_taken_as_one = vec![true; tape.nodes.len()];
        for user in tape.values() {
            let Some(call) = Call::at(tape, user) else { continue };
            for (place, arg) in tape.node(user).args().iter().enumerate() {
                is_taken_as_one[arg.index()] &=
                    place > 0 && call.callee.by_one().is_some() && tape.node(user).args[0] != *arg;
            }
        }
        for value in tape.values() {
            let is_const = matches!(tape.node(value).inst, Inst::Const(_)) && tape.slot_of[value.index()].is_some();
            direct.is_one[value.index()] = is_const && is_taken_as_one[value.index()];
        }
        let direct_input = |value: ValueId| match tape.node(value).inst {
            Inst::Load(operand) => match kinds[operand as usize] {
                RunKind::Contiguous => Some(operand),
                RunKind::Splat => is_taken_as_one[value.index()].then_some(operand),
                RunKind::Strided => None,
            },
            _ => None,
        };
        for (segment, values) in segments.iter().enumerate() {
            // The loop can be skipped if it has nothing but loads that wait for calls.
            let is_one = &direct.is_one;
            let loop_values =
                || values.iter().copied().filter(|&value| !is_call(tape, value) && !is_one[value.index()]);
            if loop_values().next().is_some() && loop_values().all(|value| direct_input(value).is_some()) {
                direct.skips[segment] = true;
                for value in loop_values() {
                    direct.operand_of[value.index()] = direct_input(value);
                }
            }
        }
        // The output may be an array that calls read from, so no call may come after the one that
        // writes there.
        if let Some((call, output)) = call_to_output(tape, kinds, segments) {
            direct.skips[segments.len() - 1] = true;
            direct.operand_of[call.index()] = Some(output);
        }
        direct
    }
}

fn is_call(tape: &Tape, value: ValueId) -> bool {
    matches!(tape.node(value).inst, Inst::Call { .. })
}

/// The last call of all and the contiguous output that takes its result, if nothing is left to do
/// after the call.
pub(super) fn call_to_output(tape: &Tape, kinds: &[RunKind], segments: &[Vec<ValueId>]) -> Option<(ValueId, u32)> {
    let [.., before, last] = segments else { return None };
    let [store] = last[..] else { return None };
    let Inst::Store(output) = tape.node(store).inst else { return None };
    let call = before.iter().copied().rfind(|&value| is_call(tape, value))?;
    let operand = tape.inputs.len() as u32 + output;
    let is_direct = tape.node(store).args() == [call] && kinds[operand as usize] == RunKind::Contiguous;
    is_direct.then_some((call, operand))
}
