//! A function's frame on the stack, and how it gets room for spilled registers of 256 bits.
//!
//! Cranelift takes the frame by one subtraction from the stack's register, and gives it back before
//! each return. Everything in between counts from that register. So if more is taken and given
//! back, all these places move up, and the new room is below them.

use super::draft::{Draft, Replacement};
use super::flow::Flow;
use iced_x86::{Code, Instruction, MemoryOperand, Mnemonic, OpKind, Register};

/// The most bytes that can be added: the size of the page that guards the end of a stack.
const MAX_BYTES: u32 = 4096;

/// Gives the frame so many more bytes at its low end: at 0 and up from the stack's register.
///
/// # Errors
///
/// If the function does not treat its frame as Cranelift does, or if they are too many.
pub(super) fn grow(flow: &Flow, n_bytes: u32, draft: &mut Draft<'_>) -> Result<(), String> {
    if n_bytes > MAX_BYTES {
        return Err(format!("its registers would take {n_bytes} bytes more on the stack"));
    }
    let taken = |instruction: &Instruction| (instruction.mnemonic() == Mnemonic::Sub).then(|| resize(instruction))?;
    // Before it, a function with a large frame touches the frame's pages.
    let first = flow.instructions().iter().rposition(|instruction| taken(instruction).is_some());
    let first = first.ok_or("it has no frame")?;
    let size = taken(&flow.instructions()[first]).ok_or("it has no frame")?;
    for index in first..flow.instructions().len() {
        let mut changed: Replacement = draft.current(index).into();
        let mut has_changed = false;
        for instruction in &mut changed {
            match resize(instruction) {
                Some(found) if found == size => *instruction = resized(instruction, size + n_bytes)?,
                Some(_) => return Err("its frame changes its size".to_owned()),
                None if moves_frame(instruction) => return Err(format!("`{instruction}` moves its frame")),
                None if is_in_frame(instruction) => move_up(instruction, n_bytes)?,
                None => continue,
            }
            has_changed = true;
        }
        if index == first {
            // No page of the stack may be left out: the frame's old end is touched, and the new one
            // is at most a page below it.
            changed.push(touch(n_bytes)?);
        }
        if has_changed {
            draft.replace(index, &changed);
        }
    }
    Ok(())
}

/// True if an instruction's operand in memory is in the frame.
pub(super) fn is_in_frame(instruction: &Instruction) -> bool {
    let has_memory = (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory);
    has_memory && instruction.memory_base() == Register::RSP
}

/// A place in the frame, with the displacement as long as it has to be.
pub(super) fn set_place(instruction: &mut Instruction, place: u32) {
    instruction.set_memory_displacement64(place.into());
    // The encoder takes the shortest form for any size but 0, which stands for no displacement.
    instruction.set_memory_displ_size(if place == 0 { 0 } else { 1 });
}

fn move_up(instruction: &mut Instruction, n_bytes: u32) -> Result<(), String> {
    let place = u32::try_from(instruction.memory_displacement64() as i64);
    let place = place.map_err(|_| format!("`{instruction}` is beyond its frame"))?;
    set_place(instruction, place + n_bytes);
    Ok(())
}

/// An instruction that reads the frame at this place, and changes only flags.
fn touch(place: u32) -> Result<Instruction, String> {
    let at = MemoryOperand::with_base_displ(Register::RSP, place.into());
    Instruction::with2(Code::Test_rm32_r32, at, Register::EAX).map_err(|error| error.to_string())
}

/// The bytes that an instruction takes for a frame, or gives back.
fn resize(instruction: &Instruction) -> Option<u32> {
    use Code::{Add_rm64_imm8, Add_rm64_imm32, Sub_rm64_imm8, Sub_rm64_imm32};
    let is_resize = matches!(instruction.code(), Sub_rm64_imm8 | Sub_rm64_imm32 | Add_rm64_imm8 | Add_rm64_imm32);
    (is_resize && instruction.op0_register() == Register::RSP)
        .then(|| u32::try_from(instruction.immediate(1) as i64).ok())?
}

fn resized(instruction: &Instruction, n_bytes: u32) -> Result<Instruction, String> {
    let code = if instruction.mnemonic() == Mnemonic::Sub { Code::Sub_rm64_imm32 } else { Code::Add_rm64_imm32 };
    let n_bytes = i32::try_from(n_bytes).map_err(|error| error.to_string())?;
    let mut resized = Instruction::with2(code, Register::RSP, n_bytes).map_err(|error| error.to_string())?;
    resized.set_ip(instruction.ip());
    Ok(resized)
}

/// True if an instruction writes the stack's register otherwise than at the end of a function, when
/// the frame is gone.
fn moves_frame(instruction: &Instruction) -> bool {
    let is_written = instruction.op_count() > 0
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() == Register::RSP;
    let is_known = match instruction.mnemonic() {
        Mnemonic::Cmp | Mnemonic::Test => true,
        Mnemonic::Mov => instruction.op1_register() == Register::RBP,
        _ => false,
    };
    is_written && !is_known
}
