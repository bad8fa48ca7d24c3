//! What registers and spill slots hold in a round of a loop that gets registers of 256 bits.
//!
//! In: the loop's vector instructions in their order. Out: an error for the first one that reads
//! what the round has not written, or not as wide as it is read; and copies between registers and
//! spill slots, which are copies of whole registers whatever these hold.

use super::flow::Flow;
use super::{forms, frame};
use iced_x86::{Code, Instruction, OpKind, Register};
use std::ops::Range;

/// The bytes of a wide register.
const WIDE_BYTES: u32 = 32;

/// The spilled registers of all wide loops.
#[derive(Default)]
pub(super) struct Spills {
    /// The places where Cranelift has spilled registers of 128 bits, by bytes from the stack's
    /// register.
    narrow: Vec<u32>,
}

impl Spills {
    /// Finds those of a loop.
    pub(super) fn add(&mut self, flow: &Flow, range: &Range<usize>) {
        let instructions = flow.filling(range).unwrap_or_default();
        for spill in instructions.iter().filter(|instruction| is_spill(instruction)) {
            let place = spill.memory_displacement32();
            if !self.narrow.contains(&place) {
                self.narrow.push(place);
            }
        }
    }

    /// The bytes that they take in wide registers.
    pub(super) fn n_bytes(&self) -> u32 {
        self.narrow.len() as u32 * WIDE_BYTES
    }

    /// Which one a spilled register is.
    fn number(&self, spill: &Instruction) -> Option<usize> {
        self.narrow.iter().position(|&place| place == spill.memory_displacement32())
    }

    /// True if an instruction on general registers, of up to 8 bytes, uses a place of one.
    pub(super) fn are_used_by(&self, instruction: &Instruction) -> bool {
        let place = instruction.memory_displacement32();
        let overlaps = |&narrow: &u32| place < narrow + 16 && narrow < place + 8;
        frame::is_in_frame(instruction) && self.narrow.iter().any(overlaps)
    }
}

/// A copy of a register to the stack, or from there.
fn is_spill(instruction: &Instruction) -> bool {
    uses_vectors(instruction) && frame::is_in_frame(instruction) && forms::is_move(instruction.code())
}

/// What a round of a loop has written to a register or a spill slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    #[default]
    Nothing,
    /// The first half. The rest is zero or not known.
    Narrow,
    Wide,
}

/// What a round of a loop has written so far.
pub(super) struct Contents<'s> {
    registers: [Content; 16],
    slots: Vec<Content>,
    spills: &'s Spills,
}

impl<'s> Contents<'s> {
    pub(super) fn new(spills: &'s Spills) -> Contents<'s> {
        Contents { registers: Default::default(), slots: vec![Content::Nothing; spills.narrow.len()], spills }
    }

    /// Checks that an instruction reads registers with this content, and notes what it writes.
    pub(super) fn follow(&mut self, instruction: &Instruction, read: Content, written: Content) -> Result<(), String> {
        let number = |operand: u32| match instruction.op_kind(operand) {
            OpKind::Register => vector_number(instruction.op_register(operand)),
            _ => None,
        };
        let [first, second] = [1, 2].map(number);
        let is_the_same = forms::is_the_same_for_any(instruction.code()) && first.is_some() && first == second;
        let n_operands = if is_the_same { 0 } else { instruction.op_count() };
        let first_source = if forms::reads_result(instruction.code()) { 0 } else { 1 };
        // A store reads its only register, which is not the first operand.
        for source in (first_source..n_operands).filter_map(number) {
            match self.registers[source as usize] {
                Content::Nothing => return Err(format!("`{instruction}` reads a register from before the loop")),
                found if found != read => return Err(format!("`{instruction}` reads a register of another width")),
                _ => {}
            }
        }
        if let Some(result) = number(0) {
            self.registers[result as usize] = written;
        }
        Ok(())
    }

    /// The wide form of a copy between registers and spill slots, whatever they hold.
    pub(super) fn copy(&mut self, instruction: &Instruction) -> Result<Instruction, String> {
        let unknown = || format!("`{instruction}` copies something else than a register");
        let slot = match frame::is_in_frame(instruction) {
            true => Some(self.spills.number(instruction).ok_or_else(unknown)?),
            false => None,
        };
        let register = |operand: u32| {
            let is_register = instruction.op_kind(operand) == OpKind::Register;
            is_register.then(|| vector_number(instruction.op_register(operand)))?
        };
        let content = match (register(1), slot) {
            (Some(from), _) => self.registers[from as usize],
            (None, Some(slot)) => self.slots[slot],
            (None, None) => return Err(unknown()),
        };
        if content == Content::Nothing {
            return Err(format!("`{instruction}` reads a register from before the loop"));
        }
        match (register(0), slot) {
            (Some(to), _) => self.registers[to as usize] = content,
            (None, Some(slot)) => self.slots[slot] = content,
            (None, None) => return Err(unknown()),
        }
        let mut wide = *instruction;
        // A spilled register need not be aligned.
        let (load, store) = (Code::VEX_Vmovups_ymm_ymmm256, Code::VEX_Vmovups_ymmm256_ymm);
        wide.set_code(match (slot, instruction.op0_kind()) {
            (None, _) => forms::wide(instruction.code()).ok_or_else(unknown)?,
            (Some(_), OpKind::Register) => load,
            (Some(_), _) => store,
        });
        for operand in 0..2 {
            if let Some(number) = register(operand) {
                wide.set_op_register(operand, Register::YMM0 + number);
            }
        }
        if let Some(slot) = slot {
            frame::set_place(&mut wide, slot as u32 * WIDE_BYTES);
        }
        Ok(wide)
    }
}

/// The number of a register of 128 bits.
pub(super) fn vector_number(register: Register) -> Option<u32> {
    register.is_xmm().then(|| register.number() as u32)
}

pub(super) fn uses_vectors(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| {
        instruction.op_kind(operand) == OpKind::Register && instruction.op_register(operand).is_vector_register()
    })
}
