//! Registers of 256 bits. Cranelift has compiled a loop for registers of 128 bits, with addresses
//! as if each register were 32 bytes of an array. The loop gets the wide form of all its vector
//! instructions.
//!
//! Each half of a wide register then holds what the narrow register held for lanes of its own,
//! because each half of a wide instruction does what the narrow one does (see [`forms::wide`]). For
//! the few instructions that do not, there is a short sequence (see [`forms::crossing`]).
//!
//! In memory, the elements of the widest type are in the order of the halves. Narrower elements are
//! not: [`Step`] has the instructions that bring them into that order.
//!
//! All of the following is checked on the decoded code:
//!
//! 1. The loop is all bytes from the first to the last marked one, and these are whole instructions
//!    without a gap. Every vector instruction among them is marked and has a form that is known
//!    here. The others are known ones on general registers.
//! 2. The loop is entered at its first instruction only.
//! 3. Its vector instructions come before its first branch, and read only registers and spill slots
//!    that the same round has written: in both halves, or in the first one for instructions that
//!    stay narrow.
//! 4. Where a branch leaves the loop, the upper halves are cleared. Some processors are slow at
//!    code
//!    without AVX as long as the upper halves hold something.
//!
//! A constant is behind the code and has 128 bits. A copy of 256 bits, which has it twice, is put
//! behind everything else. A spilled register gets a place of 32 bytes in a larger frame.

use super::contents::{Content, Contents, Spills, uses_vectors, vector_number};
use super::draft::{Draft, Replacement};
use super::flow::{Flow, branch_target};
use super::forms::{self, Crossing};
use super::frame;
use super::{Conversion, Marked, Step};
use iced_x86::{Code, FlowControl, Instruction, Mnemonic, OpKind, Register};
use smallvec::smallvec;
use std::ops::Range;

/// Gives the loop of these bytes its wide instructions. The frame has room for the spills.
///
/// # Errors
///
/// The reason why it cannot be done.
pub(super) fn rewrite(
    marked: &Marked,
    range: &Range<usize>,
    spills: &Spills,
    draft: &mut Draft<'_>,
) -> Result<(), String> {
    let flow = draft.flow();
    let instructions = flow.filling(range).ok_or("a loop has a gap between its instructions")?;
    let first = flow.find(range.start as u64).ok_or("a loop without instructions")?;
    check_entries(flow, range)?;
    let mut contents = Contents::new(spills);
    let mut has_branch = false;
    for (index, instruction) in (first..).zip(instructions) {
        if !uses_vectors(instruction) {
            if !is_known_scalar(instruction) || spills.are_used_by(instruction) {
                return Err(format!("`{instruction}` is not known in a loop"));
            }
            has_branch |= instruction.flow_control() != FlowControl::Next;
            if let Some(to) = branch_target(instruction)
                && leaves(flow, to, range)?
            {
                leave(index, instruction, to, draft);
            }
            continue;
        }
        if has_branch {
            return Err(format!("`{instruction}` comes after a branch"));
        }
        let step = marked.step(instruction.ip() as usize);
        let step = step.ok_or_else(|| format!("`{instruction}` is in a loop and is not marked"))?;
        let replacement = widened(instruction, step, &mut contents, draft)?;
        draft.replace(index, &replacement);
    }
    // After the last instruction, the code goes on behind the loop.
    let last = instructions.len() - 1;
    if instructions[last].flow_control() != FlowControl::UnconditionalBranch && leaves(flow, range.end as u64, range)? {
        let mut replacement: Replacement = draft.current(first + last).into();
        replacement.push(clearing());
        draft.replace(first + last, &replacement);
    }
    Ok(())
}

/// The instruction that clears the upper halves of all registers.
fn clearing() -> Instruction {
    Instruction::with(Code::VEX_Vzeroupper)
}

/// Puts the instruction that clears the upper halves between a branch and where it goes.
fn leave(index: usize, branch: &Instruction, to: u64, draft: &mut Draft<'_>) {
    if branch.flow_control() == FlowControl::UnconditionalBranch {
        draft.replace(index, &[clearing(), *branch]);
        return;
    }
    let mut jump = *branch;
    jump.set_code(Code::Jmp_rel32_64);
    jump.set_near_branch64(to);
    let label = draft.append([clearing(), jump]);
    let mut branch = *branch;
    branch.set_near_branch64(label);
    draft.replace(index, &[branch]);
}

/// Checks that nothing outside of a loop goes into its middle.
fn check_entries(flow: &Flow, range: &Range<usize>) -> Result<(), String> {
    let is_inside = |at: u64| range.contains(&(at as usize));
    let enters = |&(at, to): &(u64, u64)| !is_inside(at) && is_inside(to) && to != range.start as u64;
    match flow.branches().iter().any(enters) {
        true => Err("a branch goes into the middle of a loop".to_owned()),
        false => Ok(()),
    }
}

/// Whether the code that goes on at `to` leaves a loop. It does not if it comes back to the loop's
/// start by instructions on general registers alone.
///
/// # Errors
///
/// If it goes to no instruction.
fn leaves(flow: &Flow, to: u64, range: &Range<usize>) -> Result<bool, String> {
    const MAX_STEPS: usize = 64;
    let mut at = to;
    for _ in 0..MAX_STEPS {
        if range.contains(&(at as usize)) {
            return Ok(false);
        }
        let place = flow.find(at).ok_or("a branch goes to no instruction")?;
        let instruction = &flow.instructions()[place];
        if uses_vectors(instruction) || !is_known_scalar(instruction) {
            break;
        }
        at = match instruction.flow_control() {
            FlowControl::Next => instruction.next_ip(),
            FlowControl::UnconditionalBranch => instruction.near_branch_target(),
            _ => break,
        };
    }
    Ok(true)
}

/// What comes in the place of a vector instruction.
fn widened(
    instruction: &Instruction,
    step: Step,
    contents: &mut Contents<'_>,
    draft: &mut Draft<'_>,
) -> Result<Replacement, String> {
    let unknown = |why: &str| format!("`{instruction}` {why}");
    if instruction.op_mask() != Register::None || instruction.is_broadcast() {
        return Err(unknown("has a mask or one element for all lanes"));
    }
    // The register allocator's moves and spills have the mark of what is beside them.
    let is_between_registers = (0..2).all(|operand| instruction.op_kind(operand) == OpKind::Register);
    if forms::is_move(instruction.code()) && (is_between_registers || frame::is_in_frame(instruction)) {
        return contents.copy(instruction).map(|copy| smallvec![copy]);
    }
    if matches!(instruction.memory_base(), Register::RSP | Register::RBP) {
        return Err(unknown("uses the stack"));
    }
    match step {
        Step::Wide => {
            contents.follow(instruction, Content::Wide, Content::Wide)?;
            match forms::crossing(instruction.code()) {
                Some(crossing) => crossed(instruction, crossing, draft),
                None => Ok(smallvec![wide(instruction, forms::wide(instruction.code()), draft)?]),
            }
        }
        Step::Streamed => {
            contents.follow(instruction, Content::Wide, Content::Wide)?;
            let is_in_memory = instruction.op0_kind() == OpKind::Memory;
            let code = forms::streaming(instruction.code()).filter(|_| is_in_memory);
            let code = code.ok_or_else(|| unknown("has no form that goes past the caches"))?;
            Ok(smallvec![wide(instruction, forms::wide(code), draft)?])
        }
        Step::Narrow => {
            contents.follow(instruction, Content::Narrow, Content::Narrow)?;
            match forms::stays_narrow(instruction.code()) {
                true => Ok(smallvec![*instruction]),
                false => Err(unknown("cannot stay narrow")),
            }
        }
        Step::Interleave => {
            contents.follow(instruction, Content::Wide, Content::Wide)?;
            Ok(smallvec![permuted(instruction, INTERLEAVE, draft)?])
        }
        Step::Spread => {
            contents.follow(instruction, Content::Narrow, Content::Wide)?;
            if instruction.op1_kind() == OpKind::Register {
                return Ok(smallvec![permuted(instruction, SPREAD, draft)?]);
            }
            // The wide instruction would read 32 bytes.
            check_shuffle(instruction)?;
            let target = wide_register(instruction, 0)?;
            let mut load = *instruction;
            load.set_code(Code::VEX_Vbroadcasti128_ymm_m128);
            load.set_op0_register(target);
            Ok(smallvec![load, permutation(target, target, SPREAD)?])
        }
        Step::Gather => {
            contents.follow(instruction, Content::Wide, Content::Narrow)?;
            Ok(smallvec![permuted(instruction, GATHER, draft)?])
        }
        Step::GatherHigh => {
            contents.follow(instruction, Content::Wide, Content::Narrow)?;
            Ok(smallvec![permuted(instruction, GATHER_HIGH, draft)?])
        }
        Step::Convert(conversion) => {
            contents.follow(instruction, Content::Nothing, Content::Wide)?;
            let mut converting = converting(instruction, conversion, 0)?;
            converting.set_op0_register(wide_register(instruction, 0)?);
            Ok(smallvec![converting])
        }
        Step::ConvertNarrow(conversion) => {
            contents.follow(instruction, Content::Nothing, Content::Narrow)?;
            Ok(smallvec![converting(instruction, conversion, 1)?])
        }
        Step::Widen => {
            contents.follow(instruction, Content::Narrow, Content::Wide)?;
            match (forms::crossing(instruction.code()), instruction.op1_kind()) {
                (Some(Crossing::Widening(code)), OpKind::Register) => {
                    let mut wide = *instruction;
                    wide.set_code(code);
                    wide.set_op0_register(wide_register(instruction, 0)?);
                    Ok(smallvec![wide])
                }
                _ => Err(unknown("does not widen lanes of a register")),
            }
        }
    }
}

/// The quarters of a register in the order 0 2 1 3.
const INTERLEAVE: i32 = 0b11_01_10_00;
/// The quarters in the order 0 0 1 1: the quarters of the first half go to the first quarters of
/// both halves.
const SPREAD: i32 = 0b01_01_00_00;
/// The quarters in the order 0 2 0 0: the reverse of that.
const GATHER: i32 = 0b00_00_10_00;
/// The quarters in the order 1 3 0 0.
const GATHER_HIGH: i32 = 0b00_00_11_01;
/// The order 0 2 1 3 of lanes of 4 bytes, which stands for all of these.
const MARKED_SHUFFLE: u64 = 0b11_01_10_00;

/// The wide form of an instruction, by the code of that form.
fn wide(instruction: &Instruction, code: Option<Code>, draft: &mut Draft<'_>) -> Result<Instruction, String> {
    let unknown = |why: &str| format!("`{instruction}` {why}");
    let code = code.ok_or_else(|| unknown("has no wide form that is known"))?;
    let mut wide = *instruction;
    wide.set_code(code);
    for operand in 0..instruction.op_count() {
        match instruction.op_kind(operand) {
            OpKind::Register => wide.set_op_register(operand, wide_register(instruction, operand)?),
            OpKind::Memory if forms::wants_aligned(instruction.code()) => {
                return Err(unknown("wants its operand aligned"));
            }
            OpKind::Memory => repeat_constant(&mut wide, draft)?,
            OpKind::Immediate8 => {}
            _ => return Err(unknown("has an operand that is not known")),
        }
    }
    Ok(wide)
}

fn wide_register(instruction: &Instruction, operand: u32) -> Result<Register, String> {
    let number = vector_number(instruction.op_register(operand));
    let number = number.ok_or_else(|| format!("`{instruction}` has a general register"))?;
    Ok(Register::YMM0 + number)
}

/// If the operand in memory is a constant, makes it one of 256 bits.
fn repeat_constant(instruction: &mut Instruction, draft: &mut Draft<'_>) -> Result<(), String> {
    if instruction.is_ip_rel_memory_operand() {
        let to = draft.repeat_constant(instruction.ip_rel_memory_address() as usize);
        let to = to.ok_or_else(|| format!("`{instruction}` reads no constant"))?;
        instruction.set_memory_displacement64(to as u64);
    }
    Ok(())
}

/// The sequence for an instruction whose halves are not independent.
fn crossed(instruction: &Instruction, crossing: Crossing, draft: &mut Draft<'_>) -> Result<Replacement, String> {
    let target = wide_register(instruction, 0)?;
    let narrow = instruction.op0_register();
    match crossing {
        Crossing::Widening(code) => {
            let mut gathered = *instruction;
            gathered.set_code(Code::VEX_Vpermq_ymm_ymmm256_imm8);
            gathered.set_op0_register(target);
            match instruction.op1_kind() {
                OpKind::Register => gathered.set_op1_register(wide_register(instruction, 1)?),
                _ => repeat_constant(&mut gathered, draft)?,
            }
            gathered.set_op2_kind(OpKind::Immediate8);
            gathered.set_immediate_i32(2, GATHER);
            let wide = Instruction::with2(code, target, narrow).map_err(|error| error.to_string())?;
            Ok(smallvec![gathered, wide])
        }
        Crossing::Narrowing(code) => {
            let mut wide = *instruction;
            wide.set_code(code);
            match instruction.op1_kind() {
                OpKind::Register => wide.set_op1_register(wide_register(instruction, 1)?),
                _ => repeat_constant(&mut wide, draft)?,
            }
            Ok(smallvec![wide, permutation(target, target, INTERLEAVE)?])
        }
    }
}

/// The permutation of quarters in the place of a marked shuffle.
fn permuted(instruction: &Instruction, order: i32, draft: &mut Draft<'_>) -> Result<Instruction, String> {
    check_shuffle(instruction)?;
    let mut permuted = wide(instruction, Some(Code::VEX_Vpermq_ymm_ymmm256_imm8), draft)?;
    permuted.set_immediate_i32(2, order);
    Ok(permuted)
}

/// The load in the place of the one that stands for it: of two forms, the one that is asked for.
fn converting(instruction: &Instruction, conversion: Conversion, form: usize) -> Result<Instruction, String> {
    let is_it = instruction.code() == forms::MARKED_LOAD
        && instruction.op1_kind() == OpKind::Memory
        && !instruction.is_ip_rel_memory_operand();
    let codes = forms::converting(conversion).filter(|_| is_it);
    let codes = codes.ok_or_else(|| format!("`{instruction}` is not the load that stands for a conversion"))?;
    let mut converting = *instruction;
    converting.set_code(codes[form]);
    Ok(converting)
}

fn check_shuffle(instruction: &Instruction) -> Result<(), String> {
    let is_it = instruction.code() == Code::VEX_Vpshufd_xmm_xmmm128_imm8 && instruction.immediate(2) == MARKED_SHUFFLE;
    match is_it && !instruction.is_ip_rel_memory_operand() {
        true => Ok(()),
        false => Err(format!("`{instruction}` is not the shuffle that stands for a permutation")),
    }
}

fn permutation(to: Register, from: Register, order: i32) -> Result<Instruction, String> {
    Instruction::with3(Code::VEX_Vpermq_ymm_ymmm256_imm8, to, from, order).map_err(|error| error.to_string())
}

/// True for the instructions on general registers that count lanes, make addresses, move elements
/// to memory and branch.
fn is_known_scalar(instruction: &Instruction) -> bool {
    use Mnemonic::{Add, And, Cmp, Imul, Jmp, Lea, Mov, Movsx, Movsxd, Movzx, Or, Sar, Shl, Shr, Sub, Test, Xor};
    let is_known = matches!(
        instruction.mnemonic(),
        Add | And | Cmp | Imul | Lea | Mov | Movsx | Movsxd | Movzx | Or | Sar | Shl | Shr | Sub | Test | Xor
    );
    is_known || instruction.mnemonic() == Jmp || instruction.flow_control() == FlowControl::ConditionalBranch
}
