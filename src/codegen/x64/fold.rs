//! Loads become memory operands of the instructions that use them.
//!
//! Cranelift does this itself for a load that is used once, unless something that is used twice
//! depends on it: it might compute that anew for each use, and the load with it. So this is done
//! once more on the finished instructions of a wide loop.
//!
//! A load is moved to its use if, all within the straight line of a loop's vector instructions,
//!
//! - one instruction reads its register before another one writes the register,
//! - until then no memory is written, and no register of the address,
//! - that instruction can have memory in the register's place, or if it is swapped with another.

use super::draft::{Draft, Replacement};
use iced_x86::{Code, FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind, Register};
use smallvec::SmallVec;
use std::ops::Range;

/// Moves loads to their uses, in the loop of these old instructions, which has been widened.
pub(super) fn loads(indices: Range<usize>, draft: &mut Draft<'_>) {
    let line = Line::of(indices, draft);
    let mut folded: Vec<Option<Instruction>> = vec![None; line.all.len()];
    let mut is_gone = vec![false; line.all.len()];
    for (load, is_gone) in is_gone.iter_mut().enumerate() {
        // A use that has taken one load already has no place for another.
        if let Some(at) = line.only_use(load).filter(|&at| folded[at].is_none())
            && let Some(with_memory) = with_memory(&line.all[at], &line.all[load].instruction)
        {
            folded[at] = Some(with_memory);
            *is_gone = true;
        }
    }
    #[cfg(any(test, debug_assertions))]
    line.check(&folded, &is_gone);
    let mut start = 0;
    while let Some(first) = line.all.get(start) {
        let end = line.all.partition_point(|placed| placed.index <= first.index);
        if folded[start..end].iter().any(Option::is_some) || is_gone[start..end].contains(&true) {
            let kept = (start..end).filter(|&at| !is_gone[at]);
            let replacement: Replacement = kept.map(|at| folded[at].unwrap_or(line.all[at].instruction)).collect();
            draft.replace(first.index, &replacement);
        }
        start = end;
    }
}

/// An instruction of the straight line.
struct Placed {
    /// The old instruction in whose place it is.
    index: usize,
    instruction: Instruction,
    /// The registers that it uses, as wide as they are, and whether it reads and writes them.
    uses: SmallVec<[(Register, bool, bool); 5]>,
    /// Whether it reads the register that it writes, as fused multiply-adds do.
    reads_result: bool,
}

/// The instructions of a loop up to its first branch.
struct Line {
    all: Vec<Placed>,
}

impl Line {
    fn of(indices: Range<usize>, draft: &Draft<'_>) -> Line {
        let mut factory = InstructionInfoFactory::new();
        let mut all = Vec::new();
        for index in indices {
            for &instruction in draft.current(index) {
                if instruction.flow_control() != FlowControl::Next {
                    return Line { all };
                }
                let info = factory.info(&instruction);
                let reads_result = !matches!(info.op0_access(), OpAccess::Write | OpAccess::CondWrite);
                let uses = info.used_registers().iter().map(|used| {
                    let (reads, writes) = match used.access() {
                        OpAccess::Read | OpAccess::CondRead => (true, false),
                        OpAccess::Write | OpAccess::CondWrite => (false, true),
                        OpAccess::ReadWrite | OpAccess::ReadCondWrite => (true, true),
                        OpAccess::None | OpAccess::NoMemAccess => (false, false),
                    };
                    (used.register().full_register(), reads, writes)
                });
                let uses = uses.collect();
                all.push(Placed { index, instruction, uses, reads_result });
            }
        }
        Line { all }
    }

    /// The one use of what is loaded here, if the load can be moved there.
    fn only_use(&self, load: usize) -> Option<usize> {
        let loads = &self.all[load].instruction;
        if !is_load(loads) {
            return None;
        }
        let register = loads.op0_register().full_register();
        let address = [loads.memory_base(), loads.memory_index()].map(Register::full_register);
        let mut found = None;
        for (at, placed) in self.all.iter().enumerate().skip(load + 1) {
            let uses = placed.uses.iter().filter(|used| used.0 == register);
            let (reads, writes) = uses.fold((false, false), |all, used| (all.0 | used.1, all.1 | used.2));
            match (reads, found) {
                (true, Some(_)) => return None,
                (true, None) => found = Some(at),
                (false, _) => {}
            }
            if writes {
                return found;
            }
            let changes_address = placed.uses.iter().any(|used| used.2 && address.contains(&used.0));
            if found.is_none() && (changes_address || placed.instruction.op0_kind() == OpKind::Memory) {
                return None;
            }
        }
        // Nothing is known of what comes after the line.
        None
    }

    /// Checks that all stores and all general registers get the values that they got before.
    #[cfg(any(test, debug_assertions))]
    fn check(&self, folded: &[Option<Instruction>], is_gone: &[bool]) {
        let before = self.all.iter().map(|placed| placed.instruction);
        let remaining = (0..self.all.len()).filter(|&at| !is_gone[at]);
        let after = remaining.map(|at| folded[at].unwrap_or(self.all[at].instruction));
        let text = |line: &[Instruction]| line.iter().map(super::text).collect::<Vec<_>>().join("\n");
        let [before, after]: [Vec<Instruction>; 2] = [before.collect(), after.collect()];
        let is_same = values::of(before.iter().copied()) == values::of(after.iter().copied());
        assert!(is_same, "a loop\n{}\nhas become\n{}", text(&before), text(&after));
    }
}

/// A load of a whole wide register from an array or a slot.
fn is_load(instruction: &Instruction) -> bool {
    let is_move = matches!(
        instruction.code(),
        Code::VEX_Vmovups_ymm_ymmm256 | Code::VEX_Vmovupd_ymm_ymmm256 | Code::VEX_Vmovdqu_ymm_ymmm256
    );
    is_move && instruction.op1_kind() == OpKind::Memory && !instruction.is_ip_rel_memory_operand()
}

/// An instruction that reads from memory what it has read from the register of a load. `None` if it
/// cannot, or if it reads the register in two places.
fn with_memory(placed: &Placed, load: &Instruction) -> Option<Instruction> {
    let (instruction, register) = (&placed.instruction, load.op0_register());
    if placed.reads_result && instruction.op0_register() == register {
        return None;
    }
    let place = memory_place(instruction.code())?;
    let is_read_at =
        |operand: u32| instruction.op_kind(operand) == OpKind::Register && instruction.op_register(operand) == register;
    let mut changed = *instruction;
    match (1..instruction.op_count()).filter(|&operand| is_read_at(operand)).collect::<SmallVec<[u32; 3]>>()[..] {
        [found] if found == place => {}
        [1] if place == 2 && is_commutative(instruction.code()) && instruction.op2_kind() == OpKind::Register => {
            changed.set_op1_register(instruction.op2_register());
        }
        _ => return None,
    }
    changed.set_op_kind(place, OpKind::Memory);
    changed.set_memory_base(load.memory_base());
    changed.set_memory_index(load.memory_index());
    changed.set_memory_index_scale(load.memory_index_scale());
    changed.set_memory_displacement64(load.memory_displacement64());
    changed.set_memory_displ_size(load.memory_displ_size());
    changed.set_segment_prefix(load.segment_prefix());
    Some(changed)
}

/// The operand of a wide instruction that may be 32 bytes of memory, if the instruction reads it.
#[rustfmt::skip]
fn memory_place(code: Code) -> Option<u32> {
    use Code::*;
    match code {
        VEX_Vaddps_ymm_ymm_ymmm256 | VEX_Vaddpd_ymm_ymm_ymmm256 | VEX_Vsubps_ymm_ymm_ymmm256
        | VEX_Vsubpd_ymm_ymm_ymmm256 | VEX_Vmulps_ymm_ymm_ymmm256 | VEX_Vmulpd_ymm_ymm_ymmm256
        | VEX_Vdivps_ymm_ymm_ymmm256 | VEX_Vdivpd_ymm_ymm_ymmm256 | VEX_Vminps_ymm_ymm_ymmm256
        | VEX_Vminpd_ymm_ymm_ymmm256 | VEX_Vmaxps_ymm_ymm_ymmm256 | VEX_Vmaxpd_ymm_ymm_ymmm256
        | VEX_Vandps_ymm_ymm_ymmm256 | VEX_Vandpd_ymm_ymm_ymmm256 | VEX_Vandnps_ymm_ymm_ymmm256
        | VEX_Vandnpd_ymm_ymm_ymmm256 | VEX_Vorps_ymm_ymm_ymmm256 | VEX_Vorpd_ymm_ymm_ymmm256
        | VEX_Vxorps_ymm_ymm_ymmm256 | VEX_Vxorpd_ymm_ymm_ymmm256
        | VEX_Vcmpps_ymm_ymm_ymmm256_imm8 | VEX_Vcmppd_ymm_ymm_ymmm256_imm8
        | VEX_Vpaddb_ymm_ymm_ymmm256 | VEX_Vpaddw_ymm_ymm_ymmm256 | VEX_Vpaddd_ymm_ymm_ymmm256
        | VEX_Vpaddq_ymm_ymm_ymmm256 | VEX_Vpsubb_ymm_ymm_ymmm256 | VEX_Vpsubw_ymm_ymm_ymmm256
        | VEX_Vpsubd_ymm_ymm_ymmm256 | VEX_Vpsubq_ymm_ymm_ymmm256 | VEX_Vpmullw_ymm_ymm_ymmm256
        | VEX_Vpmulld_ymm_ymm_ymmm256 | VEX_Vpand_ymm_ymm_ymmm256 | VEX_Vpandn_ymm_ymm_ymmm256
        | VEX_Vpor_ymm_ymm_ymmm256 | VEX_Vpxor_ymm_ymm_ymmm256 | VEX_Vpcmpeqb_ymm_ymm_ymmm256
        | VEX_Vpcmpeqw_ymm_ymm_ymmm256 | VEX_Vpcmpeqd_ymm_ymm_ymmm256 | VEX_Vpcmpeqq_ymm_ymm_ymmm256
        | VEX_Vpcmpgtb_ymm_ymm_ymmm256 | VEX_Vpcmpgtw_ymm_ymm_ymmm256 | VEX_Vpcmpgtd_ymm_ymm_ymmm256
        | VEX_Vpcmpgtq_ymm_ymm_ymmm256
        | VEX_Vfmadd132ps_ymm_ymm_ymmm256 | VEX_Vfmadd132pd_ymm_ymm_ymmm256 | VEX_Vfmadd213ps_ymm_ymm_ymmm256
        | VEX_Vfmadd213pd_ymm_ymm_ymmm256 | VEX_Vfmadd231ps_ymm_ymm_ymmm256 | VEX_Vfmadd231pd_ymm_ymm_ymmm256
        | VEX_Vfmsub132ps_ymm_ymm_ymmm256 | VEX_Vfmsub132pd_ymm_ymm_ymmm256 | VEX_Vfmsub213ps_ymm_ymm_ymmm256
        | VEX_Vfmsub213pd_ymm_ymm_ymmm256 | VEX_Vfmsub231ps_ymm_ymm_ymmm256 | VEX_Vfmsub231pd_ymm_ymm_ymmm256
        | VEX_Vfnmadd132ps_ymm_ymm_ymmm256 | VEX_Vfnmadd132pd_ymm_ymm_ymmm256 | VEX_Vfnmadd213ps_ymm_ymm_ymmm256
        | VEX_Vfnmadd213pd_ymm_ymm_ymmm256 | VEX_Vfnmadd231ps_ymm_ymm_ymmm256 | VEX_Vfnmadd231pd_ymm_ymm_ymmm256
        | VEX_Vpblendvb_ymm_ymm_ymmm256_ymm => Some(2),
        VEX_Vsqrtps_ymm_ymmm256 | VEX_Vsqrtpd_ymm_ymmm256 | VEX_Vroundps_ymm_ymmm256_imm8
        | VEX_Vroundpd_ymm_ymmm256_imm8 | VEX_Vcvtdq2ps_ymm_ymmm256 | VEX_Vpabsb_ymm_ymmm256
        | VEX_Vpabsw_ymm_ymmm256 | VEX_Vpabsd_ymm_ymmm256 => Some(1),
        _ => None,
    }
}

/// Whether an instruction of [`memory_place`] 2 gives the same if its sources change places. NaNs
/// are one class.
#[rustfmt::skip]
fn is_commutative(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        VEX_Vaddps_ymm_ymm_ymmm256 | VEX_Vaddpd_ymm_ymm_ymmm256 | VEX_Vmulps_ymm_ymm_ymmm256
        | VEX_Vmulpd_ymm_ymm_ymmm256 | VEX_Vandps_ymm_ymm_ymmm256 | VEX_Vandpd_ymm_ymm_ymmm256
        | VEX_Vorps_ymm_ymm_ymmm256 | VEX_Vorpd_ymm_ymm_ymmm256 | VEX_Vxorps_ymm_ymm_ymmm256
        | VEX_Vxorpd_ymm_ymm_ymmm256 | VEX_Vpaddb_ymm_ymm_ymmm256 | VEX_Vpaddw_ymm_ymm_ymmm256
        | VEX_Vpaddd_ymm_ymm_ymmm256 | VEX_Vpaddq_ymm_ymm_ymmm256 | VEX_Vpmullw_ymm_ymm_ymmm256
        | VEX_Vpmulld_ymm_ymm_ymmm256 | VEX_Vpand_ymm_ymm_ymmm256 | VEX_Vpor_ymm_ymm_ymmm256
        | VEX_Vpxor_ymm_ymm_ymmm256 | VEX_Vpcmpeqb_ymm_ymm_ymmm256 | VEX_Vpcmpeqw_ymm_ymm_ymmm256
        | VEX_Vpcmpeqd_ymm_ymm_ymmm256 | VEX_Vpcmpeqq_ymm_ymm_ymmm256
    )
}

/// What a straight line of instructions computes, without regard to registers: an independent check
/// by numbering values.
#[cfg(any(test, debug_assertions))]
mod values {
    use super::is_commutative;
    use crate::codegen::x64::text;
    use iced_x86::{Instruction, OpKind, Register};
    use std::collections::BTreeMap;
    use std::hash::{DefaultHasher, Hash, Hasher};

    fn number(what: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        hasher.finish()
    }

    /// The stores in order, and the last values of the general registers.
    pub(super) fn of(line: impl Iterator<Item = Instruction>) -> (Vec<u64>, BTreeMap<usize, u64>) {
        let mut registers: BTreeMap<usize, u64> = BTreeMap::new();
        let mut stores = Vec::new();
        for instruction in line {
            let value_of = |register: Register| {
                let number_of = register.full_register() as usize;
                registers.get(&number_of).copied().unwrap_or_else(|| number(("before", number_of)))
            };
            let address = || {
                let parts = [instruction.memory_base(), instruction.memory_index()]
                    .map(|register| if register == Register::None { 0 } else { value_of(register) });
                number((parts, instruction.memory_index_scale(), instruction.memory_displacement64()))
            };
            let value = |operand: u32| match instruction.op_kind(operand) {
                OpKind::Register => value_of(instruction.op_register(operand)),
                OpKind::Memory if instruction.is_ip_rel_memory_operand() => {
                    number(("constant", instruction.ip_rel_memory_address()))
                }
                // What is in memory depends on the stores so far.
                OpKind::Memory => number(("memory", address(), stores.len())),
                _ => number(("number", instruction.immediate(operand))),
            };
            let name = text(&instruction).split(' ').next().unwrap_or_default().to_owned();
            let is_vector_move = name.starts_with("vmovup") || name.starts_with("vmovdq") || name.starts_with("vmovap");
            let mut values: Vec<u64> = (1..instruction.op_count()).map(value).collect();
            if is_commutative(instruction.code()) {
                values.sort_unstable();
            }
            // It is no use of the register then, so another value may be in it.
            let gives_zero = ["xor", "psub", "pcmpgt", "pandn"].iter().any(|op| name.contains(op));
            let is_zero = gives_zero && values.len() == 2 && values[0] == values[1];
            let result = match is_vector_move {
                _ if is_zero => number("zero"),
                true => values[0],
                // Some instructions also read what they write; others are no worse for it.
                false if name.starts_with("vf") || !name.starts_with('v') => number((&name, value(0), &values)),
                false => number((&name, &values)),
            };
            match instruction.op0_kind() {
                OpKind::Memory => stores.push(number((address(), result))),
                OpKind::Register => {
                    registers.insert(instruction.op0_register().full_register() as usize, result);
                }
                _ => {}
            }
        }
        registers.retain(|&register, _| !is_vector(register));
        (stores, registers)
    }

    fn is_vector(register: usize) -> bool {
        (Register::ZMM0 as usize..=Register::ZMM31 as usize).contains(&register)
    }
}
