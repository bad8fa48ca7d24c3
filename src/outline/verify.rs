//! The invariants of an outline: emitters rely on them.
//!
//! - The bodies of the segments have every instruction of the tape once, apart from calls, loads
//!   and constants.
//! - What an instruction uses is made before it in the same body, made anew by its segment, or in a
//!   listed spill slot.
//! - The operands and slots that a segment uses are listed.
//! - Where values do not fit the registers, what [`spills`](super::spills) says of itself.
//! - Where only whole blocks are computed, the kernel is only called for multiples of them.
//! - Values fill the registers of whole blocks, or a part of one register that is a power of two.
//!   No operand of a segment with wide registers is strided.

use super::{Outline, Segment, VectorBlock};
use crate::tape::{Inst, ValueId};
use ndexpr_runtime::abi::RunKind;

/// Checks an outline.
///
/// # Errors
///
/// The first invariant that does not hold: a defect of the compiler, never of its input.
pub(crate) fn verify(outline: &Outline<'_>) -> Result<(), String> {
    let tape = outline.tape;
    let mut is_in_body = vec![false; tape.nodes.len()];
    let mut is_made = vec![false; tape.nodes.len()];
    for (index, segment) in outline.segments.iter().enumerate() {
        check_segment(outline, segment, &mut is_made)
            .map_err(|why| format!("segment {index}: {why}, in\n{outline}"))?;
        for value in &segment.body {
            if std::mem::replace(&mut is_in_body[value.index()], true) {
                return Err(format!("{value} is in two segments, in\n{outline}"));
            }
        }
    }
    let is_missing = |value: &ValueId| {
        let inst = tape.node(*value).inst;
        !is_in_body[value.index()] && !inst.is_rematerialised() && !matches!(inst, Inst::Call { .. })
    };
    match tape.values().find(is_missing) {
        Some(value) => Err(format!("{value} is in no segment, in\n{outline}")),
        None => Ok(()),
    }
}

/// `is_made` is all false before and after.
fn check_segment(outline: &Outline<'_>, segment: &Segment, is_made: &mut [bool]) -> Result<(), String> {
    let tape = outline.tape;
    let all = segment.made_anew.iter().chain(&segment.slots).chain(&segment.body);
    let check = |is_made: &mut [bool]| {
        for value in segment.made_anew.iter().chain(&segment.slots) {
            is_made[value.index()] = true;
        }
        // Values with a slot are made here too.
        segment.body.iter().for_each(|value| is_made[value.index()] = false);
        for &value in &segment.body {
            let node = tape.node(value);
            if let Some(arg) = node.args().iter().find(|arg| !is_made[arg.index()]) {
                return Err(format!("{value} uses {arg} before it is made"));
            }
            is_made[value.index()] = true;
        }
        Ok(())
    };
    let done = check(is_made);
    all.clone().for_each(|value| is_made[value.index()] = false);
    done?;
    let uses = |operand: u32| segment.operands.binary_search(&operand).is_ok();
    for &value in segment.made_anew.iter().chain(&segment.body) {
        let operand = match tape.node(value).inst {
            Inst::Load(operand) => operand,
            Inst::Store(output) => tape.inputs.len() as u32 + output,
            _ => continue,
        };
        if !uses(operand) {
            return Err(format!("{value} uses an operand that is not listed"));
        }
    }
    if let Some(value) = segment.to_slots.iter().find(|value| segment.slots.binary_search(value).is_err()) {
        return Err(format!("{value} goes to a slot that is not listed"));
    }
    for block in [segment.blocks.whole, VectorBlock::ONE_LANE] {
        if let Some(spills) = segment.spills_of(block) {
            let is_uniform = outline.is_uniform(&segment.uniform);
            super::spills::verify(spills, &outline.demand(&segment.in_blocks, &is_uniform, block))?;
        }
    }
    let n_lanes = segment.blocks.whole.n_lanes;
    if segment.has_loop() && !segment.blocks.has_single_lanes {
        let is_multiple = |all: u32| all.is_multiple_of(n_lanes);
        if !outline.whole_blocks.is_some_and(is_multiple) {
            return Err("blocks that leave lanes which nothing computes".to_owned());
        }
    }
    for block in [Some(segment.blocks.whole), segment.blocks.narrow].into_iter().flatten() {
        let is_wide = block.width != outline.machine.width;
        let of = |value: &ValueId| tape.node(*value).ty.bytes;
        if let Some(value) = all.clone().find(|value| !is_filled(block, of(value), is_wide)) {
            return Err(format!("{value} does not fill its registers"));
        }
        let is_strided = |operand: &&u32| outline.kinds[**operand as usize] == RunKind::Strided;
        if is_wide && segment.operands.iter().any(|operand| is_strided(&operand)) {
            return Err("a strided operand in wide registers".to_owned());
        }
    }
    Ok(())
}

fn is_filled(block: VectorBlock, lane_bytes: u32, is_wide: bool) -> bool {
    let bytes = block.n_lanes * lane_bytes;
    let is_part = bytes < block.width.bytes() && bytes.is_power_of_two();
    bytes.is_multiple_of(block.width.bytes()) || (is_part && (!is_wide || bytes >= 2))
}
