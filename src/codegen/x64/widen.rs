//! Registers of 256 bits. Cranelift has compiled a loop for registers of 128 bits, with addresses
//! as if each register were 32 bytes of an array. The loop gets the wide form of all its vector
//! instructions.
//!
//! Each half of a wide register then holds what the narrow register held for lanes of its own,
//! because each half of a wide instruction does what the narrow one does (see [`forms::wide`]).
//! This is right only if all of the following holds, and each point is checked on the decoded code:
//!
//! 1. The loop is all bytes from the first to the last marked one, and these are whole instructions
//!    without a gap. Every vector instruction among them is marked and has a wide form. The others
//!    are known ones on general registers.
//! 2. The loop is entered at its first instruction only.
//! 3. Its vector instructions come before its first branch, and read no vector register that the
//!    same round has not written, because the upper half of any other register is not known. They
//!    also do not read the stack, where only 128 bits were spilled.
//! 4. A branch goes to the first instruction, to another one of the loop, or out of it. The way out
//!    has no vector instruction, call or return before the marked end, where the upper halves are
//!    cleared. Some processors are slow at code without AVX as long as the upper halves hold
//!    something.
//!
//! A constant is behind the code and has 128 bits. A copy of 256 bits, which has it twice, is put
//! behind everything else.

use super::Rewriter;
use super::flow::{Flow, branch_target};
use super::forms;
use iced_x86::{Code, FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::ops::Range;

/// A marked loop.
#[derive(Clone, Debug, Default)]
pub(in crate::codegen) struct Loop {
    /// The bytes that are marked as its instructions.
    pub(in crate::codegen) body: Vec<Range<usize>>,
    /// The bytes that are marked as its end: an `mfence`, which is replaced by the instruction that
    /// clears the upper halves.
    pub(in crate::codegen) end: Vec<Range<usize>>,
}

/// Gives a loop its wide instructions.
pub(super) fn rewrite(flow: &Flow, marked: &Loop, rewriter: &mut Rewriter) -> Result<(), String> {
    let whole = whole(marked).ok_or("a loop without instructions")?;
    let instructions = flow.filling(&whole).ok_or("a loop has a gap between its instructions")?;
    let end = end(flow, marked)?;
    check_entries(flow, &whole)?;
    let mut written = Registers::default();
    let mut has_branch = false;
    for instruction in instructions {
        if !uses_vectors(instruction) {
            if !is_known_scalar(instruction) {
                return Err(format!("`{instruction}` is not known in a loop"));
            }
            has_branch |= instruction.flow_control() != FlowControl::Next;
            match branch_target(instruction) {
                Some(to) if instructions.iter().any(|other| other.ip() == to) => {}
                Some(to) => check_way_out(flow, to, &whole, end.ip())?,
                None => {}
            }
            continue;
        }
        if !marked.body.iter().any(|range| range.contains(&(instruction.ip() as usize))) {
            return Err(format!("`{instruction}` is in a loop and is not marked"));
        }
        if has_branch {
            return Err(format!("`{instruction}` comes after a branch"));
        }
        written.follow(instruction)?;
        let wide = wide(flow, &rewriter.current(instruction), rewriter)?;
        rewriter.changed.push(wide);
    }
    // After the last instruction, the code may only go on to a way out.
    if instructions.last().is_some_and(|last| last.flow_control() != FlowControl::UnconditionalBranch) {
        check_way_out(flow, whole.end as u64, &whole, end.ip())?;
    }
    let mut clearing = end;
    clearing.set_code(Code::VEX_Vzeroupper);
    rewriter.changed.push(clearing);
    Ok(())
}

/// The bytes from the first to the last marked one.
fn whole(marked: &Loop) -> Option<Range<usize>> {
    let start = marked.body.iter().map(|range| range.start).min()?;
    let end = marked.body.iter().map(|range| range.end).max()?;
    Some(start..end)
}

/// The one fence that is marked.
fn end(flow: &Flow, marked: &Loop) -> Result<Instruction, String> {
    let [range] = &marked.end[..] else { return Err("a loop has several ends".to_owned()) };
    match flow.filling(range) {
        Some([fence]) if fence.code() == Code::Mfence => Ok(*fence),
        _ => Err("the marked end of a loop is no fence".to_owned()),
    }
}

/// Checks that nothing outside of a loop goes into its middle.
fn check_entries(flow: &Flow, whole: &Range<usize>) -> Result<(), String> {
    let is_inside = |at: u64| whole.contains(&(at as usize));
    let enters = |instruction: &Instruction| {
        branch_target(instruction).is_some_and(|to| is_inside(to) && to != whole.start as u64)
    };
    match flow.instructions().iter().any(|instruction| !is_inside(instruction.ip()) && enters(instruction)) {
        true => Err("a branch goes into the middle of a loop".to_owned()),
        false => Ok(()),
    }
}

/// Checks that the code comes from `from` to the loop's end, or back to its start, by known
/// instructions on general registers.
fn check_way_out(flow: &Flow, from: u64, whole: &Range<usize>, end: u64) -> Result<(), String> {
    const MAX_STEPS: usize = 64;
    let mut at = from;
    for _ in 0..MAX_STEPS {
        if at == end || at == whole.start as u64 {
            return Ok(());
        }
        let Some(place) = flow.find(at) else { break };
        let instruction = &flow.instructions()[place];
        if uses_vectors(instruction) || !is_known_scalar(instruction) {
            return Err(format!("a branch out of a loop comes to `{instruction}`"));
        }
        at = match instruction.flow_control() {
            FlowControl::Next => instruction.next_ip(),
            FlowControl::UnconditionalBranch => instruction.near_branch_target(),
            _ => return Err(format!("a branch out of a loop comes to `{instruction}`")),
        };
    }
    Err("a branch out of a loop does not come to its end".to_owned())
}

/// The wide form of a vector instruction.
fn wide(flow: &Flow, instruction: &Instruction, rewriter: &mut Rewriter) -> Result<Instruction, String> {
    let unknown = |why: &str| format!("`{instruction}` {why}");
    let code = forms::wide(instruction.code()).ok_or_else(|| unknown("has no wide form that is known"))?;
    if instruction.op_mask() != Register::None || instruction.is_broadcast() {
        return Err(unknown("has a mask or one element for all lanes"));
    }
    let mut wide = *instruction;
    wide.set_code(code);
    for operand in 0..instruction.op_count() {
        match instruction.op_kind(operand) {
            OpKind::Register => {
                let register = instruction.op_register(operand);
                let number = vector_number(register).ok_or_else(|| unknown("has a general register"))?;
                wide.set_op_register(operand, Register::YMM0 + number);
            }
            OpKind::Memory if forms::wants_aligned(instruction.code()) => {
                return Err(unknown("wants its operand aligned"));
            }
            OpKind::Memory if instruction.is_ip_rel_memory_operand() => {
                let from = instruction.ip_rel_memory_address() as usize;
                let to = repeat_constant(flow, from, rewriter).ok_or_else(|| unknown("reads no constant"))?;
                wide.set_memory_displacement64(to as u64);
            }
            OpKind::Memory => {
                if matches!(instruction.memory_base(), Register::RSP | Register::RBP | Register::None) {
                    return Err(unknown("uses the stack"));
                }
            }
            OpKind::Immediate8 => {}
            _ => return Err(unknown("has an operand that is not known")),
        }
    }
    Ok(wide)
}

/// The place of 32 bytes that have a constant of 16 bytes twice. They are added if they are not
/// there yet.
fn repeat_constant(flow: &Flow, from: usize, rewriter: &mut Rewriter) -> Option<usize> {
    const BYTES: usize = 16;
    const ALIGNMENT: usize = 2 * BYTES;
    if let Some(&(_, to)) = rewriter.constants.iter().find(|constant| constant.0 == from) {
        return Some(to);
    }
    if from < flow.end() || from + BYTES > rewriter.n_bytes {
        return None;
    }
    let code = &mut rewriter.code;
    code.resize(code.len().next_multiple_of(ALIGNMENT), 0);
    let to = code.len();
    code.extend_from_within(from..from + BYTES);
    code.extend_from_within(from..from + BYTES);
    rewriter.constants.push((from, to));
    Some(to)
}

/// The vector registers that a round of the loop has written.
#[derive(Default)]
struct Registers(u32);

impl Registers {
    /// Checks what an instruction reads, and notes what it writes.
    fn follow(&mut self, instruction: &Instruction) -> Result<(), String> {
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
            if self.0 & 1 << source == 0 {
                return Err(format!("`{instruction}` reads a register from before the loop"));
            }
        }
        if let Some(result) = number(0) {
            self.0 |= 1 << result;
        }
        Ok(())
    }
}

/// The number of a register of 128 bits.
fn vector_number(register: Register) -> Option<u32> {
    register.is_xmm().then(|| register.number() as u32)
}

fn uses_vectors(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| {
        instruction.op_kind(operand) == OpKind::Register && instruction.op_register(operand).is_vector_register()
    })
}

/// True for the instructions on general registers that count lanes, make addresses and branch.
fn is_known_scalar(instruction: &Instruction) -> bool {
    use Mnemonic::{Add, And, Cmp, Imul, Jmp, Lea, Mov, Or, Sar, Shl, Shr, Sub, Test, Xor};
    let is_known =
        matches!(instruction.mnemonic(), Add | And | Cmp | Imul | Lea | Mov | Or | Sar | Shl | Shr | Sub | Test | Xor);
    is_known || instruction.mnemonic() == Jmp || instruction.flow_control() == FlowControl::ConditionalBranch
}
