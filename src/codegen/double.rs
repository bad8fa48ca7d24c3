//! Registers of 256 bits. Cranelift's vectors have 128, so a loop over strips is compiled for these, as if each register were
//! 32 bytes of an array, and then its machine code is changed in place: with AVX2 the two differ in one bit of a prefix.
//!
//! That is right because an instruction of 256 bits does to each half of its registers what that of 128 bits does to a
//! whole one: this holds for every instruction that is known here, those included that move bytes about, which stay within
//! halves. So both halves compute what Cranelift was told to, each with its own lanes. All values have to be of one width, or
//! halves would not hold the same lanes throughout.
//!
//! Two things are not in halves. Constants, which follow the code, are repeated behind it. And values that are the same in
//! all strips wait on the stack, twice (`Kept`), so that no vector lives from one block to the next, and nothing but the
//! loop's own block has to be changed. Every instruction of it is decoded. What is not known, or spills a vector, is a
//! reason to refuse, and then the kernel has registers of 128 bits.

use super::x86::{Operand, Place};
use crate::tape::Tape;
use cranelift_codegen::ir::SourceLoc;
use ndexpr_runtime::abi::RunKind;
use std::ops::Range;

/// Marks all instructions of a loop over strips.
pub(super) fn mark() -> SourceLoc {
    SourceLoc::new(2)
}

/// Marks stores past the caches in such a loop.
pub(super) fn mark_streaming() -> SourceLoc {
    SourceLoc::new(4)
}

/// Marks the fence after the loop. Its place is taken by the instruction that clears the upper halves, for some processors are
/// slow at code without AVX as long as there is something in them.
pub(super) fn mark_end() -> SourceLoc {
    SourceLoc::new(3)
}

/// What `explain` says of code that is changed after it was printed.
pub(super) const CLIF_NOTE: &str = "; the vectors of what is marked @0002 get twice the width\n";
pub(super) const ASM_NOTE: &str =
    "; in each loop before an mfence the machine has %ymm for %xmm, and vzeroupper for the mfence\n";

/// True if the loops of a tape may have such registers, as far as one can tell before they are compiled.
pub(super) fn suits(tape: &Tape, kinds: &[RunKind]) -> bool {
    tape.double_lanes.is_some() && !kinds.contains(&RunKind::Strided)
}

/// Doubles the width of all vector instructions in these ranges, each the code of a loop, and clears upper halves in place of
/// the fences in the other ranges. None, and the code of no use any more, if anything is not known.
pub(super) fn patch(
    code: &mut Vec<u8>,
    loops: impl Iterator<Item = Range<usize>>,
    ends: impl Iterator<Item = Range<usize>>,
) -> Option<()> {
    const FENCE: [u8; 3] = [0x0f, 0xae, 0xf0];
    const CLEAR_UPPER_HALVES: [u8; 3] = [0xc5, 0xf8, 0x77];
    let mut constants = Constants { end: code.len(), known: Vec::new() };
    for Range { start, end } in loops {
        let mut at = start;
        while at < end {
            let n_bytes = match *code.get(at..end)? {
                [0xc4 | 0xc5 | 0x62, ..] => double(code, at, &mut constants)?,
                [0x66, ..] => double_move(&mut code[at..end])?,
                ref scalars => scalar(scalars)?,
            };
            at += n_bytes;
        }
        if at != end {
            return None;
        }
    }
    for range in ends {
        let fence = code.get_mut(range).filter(|fence| **fence == FENCE)?;
        fence.copy_from_slice(&CLEAR_UPPER_HALVES);
    }
    Some(())
}

/// The constants of 16 bytes that are repeated behind the code.
struct Constants {
    /// Where the code ended.
    end: usize,
    /// Where each was, and is.
    known: Vec<(usize, usize)>,
}

impl Constants {
    /// Where the constant is of which the first 16 bytes are there.
    fn repeat(&mut self, code: &mut Vec<u8>, from: usize) -> Option<usize> {
        const BYTES: usize = 16;
        if let Some(&(_, to)) = self.known.iter().find(|known| known.0 == from) {
            return Some(to);
        }
        if from + BYTES > self.end {
            return None;
        }
        code.resize(code.len().next_multiple_of(2 * BYTES), 0);
        let to = code.len();
        code.extend_from_within(from..from + BYTES);
        code.extend_from_within(from..from + BYTES);
        self.known.push((from, to));
        Some(to)
    }
}

/// A vector instruction's place in the tables of opcodes.
struct Opcode {
    /// 0F, 0F38 or 0F3A: 1, 2, 3.
    map: u8,
    /// None, 66, F3 or F2: 0, 1, 2, 3.
    prefix: u8,
    byte: u8,
}

/// Doubles the width of the vector instruction that begins there, and gives its length.
fn double(code: &mut Vec<u8>, start: usize, constants: &mut Constants) -> Option<usize> {
    let instruction = &mut code[start..];
    // The opcode and its place, the byte with the length of vectors, the bits of it and the bit for 256.
    let (opcode, at, (length_at, lengths, length), is_base_extended) = match *instruction {
        [0xc5, p, byte, ..] => (Opcode { map: 1, prefix: p & 0b11, byte }, 2, (1, 0b100, 0b100), false),
        [0xc4, m, p, byte, ..] => {
            let opcode = Opcode { map: m & 0x1f, prefix: p & 0b11, byte };
            (opcode, 3, (2, 0b100, 0b100), m & 0b10_0000 == 0)
        }
        // Neither with a mask, nor with one element for all lanes.
        [0x62, m, p, l, byte, ..] if l & 0b1001_0111 == 0 => {
            let opcode = Opcode { map: m & 0b111, prefix: p & 0b11, byte };
            (opcode, 4, (3, 0b110_0000, 0b10_0000), m & 0b10_0000 == 0)
        }
        _ => return None,
    };
    let is_evex = at == 4;
    if instruction[length_at] & lengths != 0 {
        return None;
    }
    let operand = Operand::parse(&instruction[at + 1..], is_base_extended)?;
    let mode = instruction[at + 1] >> 6;
    let n_immediate = if is_evex { known_evex(&opcode)? } else { known_vex(&opcode, operand.place)? };
    let end = at + 1 + operand.n_bytes;
    instruction[length_at] |= length;
    match operand.place {
        Place::Stack => return None,
        // A displacement of one byte counts registers in instructions of AVX-512.
        Place::Memory if is_evex && mode == 0b01 => {
            let displacement = instruction[end - 1].cast_signed();
            if displacement % 2 != 0 {
                return None;
            }
            instruction[end - 1] = (displacement / 2).cast_unsigned();
        }
        Place::Relative => {
            let displacement = instruction.get(end - 4..end)?.try_into().ok()?;
            let next = start + end + n_immediate;
            let from = next.checked_add_signed(i32::from_le_bytes(displacement) as isize)?;
            let to = constants.repeat(code, from)?;
            let displacement = i32::try_from(to - next).ok()?.to_le_bytes();
            code[start + end - 4..start + end].copy_from_slice(&displacement);
        }
        Place::Memory | Place::Register => {}
    }
    Some(end + n_immediate)
}

/// The number of bytes of immediates of an instruction, if it is one of those that may be doubled.
fn known_vex(opcode: &Opcode, place: Place) -> Option<usize> {
    let is_register = place == Place::Register;
    let n_immediate = match (opcode.map, opcode.prefix, opcode.byte) {
        // Loads and stores of any alignment: MOVUPS, MOVUPD, MOVDQU.
        (1, 0 | 1, 0x10 | 0x11) | (1, 2, 0x6f | 0x7f) => 0,
        // Stores past the caches: MOVNTPS, MOVNTPD, MOVNTDQ.
        (1, 0 | 1, 0x2b) | (1, 1, 0xe7) if !is_register => 0,
        // Moves between registers; in memory they want alignment: MOVAPS, MOVAPD, MOVDQA.
        (1, 0 | 1, 0x28 | 0x29) | (1, 1, 0x6f | 0x7f) if is_register => 0,
        // Floats: SQRT; AND, ANDN, OR, XOR, ADD, MUL; SUB, MIN, DIV, MAX; comparisons.
        (1, 0 | 1, 0x51 | 0x54..=0x59 | 0x5c..=0x5f) => 0,
        (1, 0 | 1, 0xc2) => 1,
        // Between int32 and float32.
        (1, 0..=2, 0x5b) => 0,
        // Integers: additions, subtractions, products; AND, ANDN, OR, XOR; comparisons; the smaller and the larger.
        (1, 1, 0xd4 | 0xfc..=0xfe | 0xf8..=0xfb | 0xd5 | 0xf4) => 0,
        (1, 1, 0xdb | 0xdf | 0xeb | 0xef) => 0,
        (1, 1, 0x64..=0x66 | 0x74..=0x76) => 0,
        (1, 1, 0xda | 0xde | 0xea | 0xee) => 0,
        (2, 1, 0x29 | 0x37 | 0x38..=0x3f | 0x40) => 0,
        // Absolute values of integers.
        (2, 1, 0x1c..=0x1e) => 0,
        // Shifts by an immediate.
        (1, 1, 0x71..=0x73) if is_register => 1,
        // Within halves: PUNPCK, PACK, PSHUFB; PSHUFD, PSHUFHW, PSHUFLW.
        (1, 1, 0x60..=0x63 | 0x67..=0x6d) | (2, 1, 0x00 | 0x2b) => 0,
        (1, 1..=3, 0x70) => 1,
        // Fused multiply-adds and -subtractions, the product negated or not, in all three orders.
        (2, 1, 0x98 | 0x9a | 0x9c | 0x9e | 0xa8 | 0xaa | 0xac | 0xae | 0xb8 | 0xba | 0xbc | 0xbe) => 0,
        // Rounding; blends.
        (3, 1, 0x08 | 0x09 | 0x4a..=0x4c) => 1,
        _ => return None,
    };
    Some(n_immediate)
}

/// The same for instructions of AVX-512.
fn known_evex(opcode: &Opcode) -> Option<usize> {
    match (opcode.map, opcode.prefix, opcode.byte) {
        // VPMULLQ, VPABSQ; VCVTUDQ2PS.
        (2, 1, 0x40 | 0x1f) | (1, 3, 0x7a) => Some(0),
        // VPSRAQ and others by an immediate.
        (1, 1, 0x72) => Some(1),
        _ => None,
    }
}

/// The same for MOVDQA from register to register, which Cranelift writes without VEX; with it, the length is the same.
fn double_move(code: &mut [u8]) -> Option<usize> {
    match *code {
        [0x66, 0x0f, 0x6f, mod_rm @ 0xc0..=0xff, ..] => {
            code[..4].copy_from_slice(&[0xc5, 0b1111_1101, 0x6f, mod_rm]);
            Some(4)
        }
        [0x66, rex @ 0x40..=0x4f, 0x0f, 0x6f, mod_rm @ 0xc0..=0xff, ..] => {
            // The bits R, X and B of the prefix, inverted.
            code[..5].copy_from_slice(&[0xc4, (!rex & 0b111) << 5 | 1, 0b0111_1101, 0x6f, mod_rm]);
            Some(5)
        }
        _ => None,
    }
}

/// The length of an instruction on registers of general purpose, if it is one of those that count lanes and make addresses.
fn scalar(code: &[u8]) -> Option<usize> {
    let rex = code.first().copied().filter(|byte| byte & 0xf0 == 0x40);
    let start = usize::from(rex.is_some());
    let is_long = rex.is_some_and(|rex| rex & 0b1000 != 0);
    let with_operand = |at: usize, n_immediate: usize| {
        let operand = Operand::parse(code.get(at..)?, false)?;
        Some(at + operand.n_bytes + n_immediate)
    };
    match *code.get(start..)? {
        // ADD, OR, AND, SUB, XOR, CMP; TEST, MOV, LEA.
        [0x01 | 0x03 | 0x09 | 0x0b | 0x21 | 0x23 | 0x29 | 0x2b | 0x31 | 0x33 | 0x39 | 0x3b, ..]
        | [0x85 | 0x89 | 0x8b | 0x8d, ..] => with_operand(start + 1, 0),
        // The same, and shifts, with an immediate.
        [0x83 | 0xc1, ..] => with_operand(start + 1, 1),
        [0x81 | 0xc7, ..] => with_operand(start + 1, 4),
        [0xb8..=0xbf, ..] => Some(start + 1 + if is_long { 8 } else { 4 }),
        // Jumps; IMUL.
        [0x70..=0x7f | 0xeb, ..] => Some(start + 2),
        [0xe9, ..] => Some(start + 5),
        [0x0f, 0x80..=0x8f, ..] => Some(start + 6),
        [0x0f, 0xaf, ..] => with_operand(start + 2, 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(code: &[u8]) -> Option<Vec<u8>> {
        let mut code = code.to_vec();
        let all = 0..code.len();
        patch(&mut code, std::iter::once(all), std::iter::empty()).map(|()| code)
    }

    /// Encodings of both widths as GNU's assembler writes them.
    #[test]
    fn vectors_of_every_encoding() {
        for (single, double) in [
            // vmovupd (%rax), %xmm0
            (&[0xc5, 0xf9, 0x10, 0x00][..], &[0xc5, 0xfd, 0x10, 0x00][..]),
            // vmovups %xmm9, 0x10(%rsi)
            (&[0xc5, 0x78, 0x11, 0x4e, 0x10], &[0xc5, 0x7c, 0x11, 0x4e, 0x10]),
            // vmovdqu 0x100(%r8,%rcx,1), %xmm3
            (
                &[0xc4, 0xc1, 0x7a, 0x6f, 0x9c, 0x08, 0x00, 0x01, 0x00, 0x00],
                &[0xc4, 0xc1, 0x7e, 0x6f, 0x9c, 0x08, 0x00, 0x01, 0x00, 0x00],
            ),
            // vaddpd 0x20(%r12,%rdi,8), %xmm12, %xmm12
            (&[0xc4, 0x41, 0x19, 0x58, 0x64, 0xfc, 0x20], &[0xc4, 0x41, 0x1d, 0x58, 0x64, 0xfc, 0x20]),
            // vmulps %xmm1, %xmm2, %xmm3
            (&[0xc5, 0xe8, 0x59, 0xd9], &[0xc5, 0xec, 0x59, 0xd9]),
            // vfmadd213pd (%rbx), %xmm4, %xmm5
            (&[0xc4, 0xe2, 0xd9, 0xa8, 0x2b], &[0xc4, 0xe2, 0xdd, 0xa8, 0x2b]),
            // vcmpltpd %xmm6, %xmm5, %xmm2
            (&[0xc5, 0xd1, 0xc2, 0xd6, 0x01], &[0xc5, 0xd5, 0xc2, 0xd6, 0x01]),
            // vpblendvb %xmm2, %xmm6, %xmm10, %xmm3
            (&[0xc4, 0xe3, 0x29, 0x4c, 0xde, 0x20], &[0xc4, 0xe3, 0x2d, 0x4c, 0xde, 0x20]),
            // vroundpd $9, %xmm1, %xmm2
            (&[0xc4, 0xe3, 0x79, 0x09, 0xd1, 0x09], &[0xc4, 0xe3, 0x7d, 0x09, 0xd1, 0x09]),
            // vpsrld $3, %xmm7, %xmm8
            (&[0xc5, 0xb9, 0x72, 0xd7, 0x03], &[0xc5, 0xbd, 0x72, 0xd7, 0x03]),
            // vpmulld %xmm1, %xmm2, %xmm3
            (&[0xc4, 0xe2, 0x69, 0x40, 0xd9], &[0xc4, 0xe2, 0x6d, 0x40, 0xd9]),
            // vpshufd $0x50, %xmm1, %xmm2
            (&[0xc5, 0xf9, 0x70, 0xd1, 0x50], &[0xc5, 0xfd, 0x70, 0xd1, 0x50]),
            // vmovntpd %xmm1, (%rdx)
            (&[0xc5, 0xf9, 0x2b, 0x0a], &[0xc5, 0xfd, 0x2b, 0x0a]),
            // vmovntdq %xmm10, 0x40(%rdx,%rcx,2)
            (&[0xc5, 0x79, 0xe7, 0x54, 0x4a, 0x40], &[0xc5, 0x7d, 0xe7, 0x54, 0x4a, 0x40]),
            // vpmullq %xmm1, %xmm2, %xmm3
            (&[0x62, 0xf2, 0xed, 0x08, 0x40, 0xd9], &[0x62, 0xf2, 0xed, 0x28, 0x40, 0xd9]),
            // vpsraq $5, 0x40(%rdx), %xmm2: the displacement is in registers
            (&[0x62, 0xf1, 0xed, 0x08, 0x72, 0x62, 0x04, 0x05], &[0x62, 0xf1, 0xed, 0x28, 0x72, 0x62, 0x02, 0x05]),
            // vcvtudq2ps 0x12345678(%rdx), %xmm4
            (
                &[0x62, 0xf1, 0x7f, 0x08, 0x7a, 0xa2, 0x78, 0x56, 0x34, 0x12],
                &[0x62, 0xf1, 0x7f, 0x28, 0x7a, 0xa2, 0x78, 0x56, 0x34, 0x12],
            ),
            // movdqa %xmm4, %xmm7, which becomes vmovdqa %ymm4, %ymm7; and %xmm12, %xmm15
            (&[0x66, 0x0f, 0x6f, 0xfc], &[0xc5, 0xfd, 0x6f, 0xfc]),
            (&[0x66, 0x45, 0x0f, 0x6f, 0xfc], &[0xc4, 0x41, 0x7d, 0x6f, 0xfc]),
        ] {
            assert_eq!(patched(single).as_deref(), Some(double), "{single:x?}");
        }
    }

    #[test]
    fn a_loop_with_its_counter_and_its_jump() {
        // vmovupd (%rax), %xmm0; lea 0x10(%rdi), %rdi; cmp %r14, %rdi; add $0x100, %r9; mov 0x8(%rsp), %rax; jle, both lengths
        let before = [0xc5, 0xf9, 0x10, 0x00];
        let rest = [
            0x48, 0x8d, 0x7f, 0x10, 0x4c, 0x39, 0xf7, 0x49, 0x81, 0xc1, 0x00, 0x01, 0x00, 0x00, 0x48, 0x8b, 0x44, 0x24,
            0x08, 0x7e, 0x1e, 0x0f, 0x8e, 0xfa, 0x0f, 0x00, 0x00,
        ];
        let code = [&before[..], &rest].concat();
        assert_eq!(patched(&code), Some([&[0xc5, 0xfd, 0x10, 0x00][..], &rest].concat()));
    }

    #[test]
    fn constants_are_repeated_behind_the_code() {
        // Twice vaddpd 0x..(%rip), %xmm2, %xmm3, and the constant of both.
        let mut code = vec![0xc5, 0xe9, 0x58, 0x1d, 8, 0, 0, 0, 0xc5, 0xe9, 0x58, 0x1d, 0, 0, 0, 0];
        code.extend(1..=16);
        assert_eq!(patch(&mut code, std::iter::once(0..16), std::iter::empty()), Some(()));
        assert_eq!(code[..8], [0xc5, 0xed, 0x58, 0x1d, 24, 0, 0, 0]);
        assert_eq!(code[8..16], [0xc5, 0xed, 0x58, 0x1d, 16, 0, 0, 0]);
        assert_eq!(code[16..32], (1..=16).collect::<Vec<u8>>(), "where others read it");
        assert_eq!(code[32..], (1..=16).chain(1..=16).collect::<Vec<u8>>());
        // Not the whole of it is there.
        let mut cut = vec![0xc5, 0xe9, 0x58, 0x1d, 0, 0, 0, 0, 1, 2, 3];
        assert_eq!(patch(&mut cut, std::iter::once(0..8), std::iter::empty()), None);
    }

    #[test]
    fn fences_clear_upper_halves() {
        let mut code = vec![0x90, 0x0f, 0xae, 0xf0];
        assert_eq!(patch(&mut code, std::iter::empty(), std::iter::once(1..4)), Some(()));
        assert_eq!(code, [0x90, 0xc5, 0xf8, 0x77]);
        assert_eq!(patch(&mut code, std::iter::empty(), std::iter::once(1..4)), None, "no fence");
    }

    #[test]
    fn anything_else_is_refused() {
        for code in [
            // vmovupd (%rsp), %xmm0; vmovupd 0x8(%rbp), %xmm0: from the stack
            &[0xc5, 0xf9, 0x10, 0x04, 0x24][..],
            &[0xc5, 0xf9, 0x10, 0x45, 0x08],
            // vmovsd (%rax), %xmm0: a part of a register; vmovaps (%rax), %xmm0: aligned to 16
            &[0xc5, 0xfb, 0x10, 0x00],
            &[0xc5, 0xf8, 0x28, 0x00],
            // vpsrld %xmm1, %xmm2, %xmm3: the count is a register of 128 bits
            &[0xc5, 0xe9, 0xd2, 0xd9],
            // vpermilpd $1, (%rax), %xmm1: not known
            &[0xc4, 0xe3, 0x79, 0x05, 0x08, 0x01],
            // vpsraq $5, 0x30(%rdx), %xmm2: the displacement is an odd number of registers
            &[0x62, 0xf1, 0xed, 0x08, 0x72, 0x62, 0x03, 0x05],
            // vaddpd %ymm1, %ymm2, %ymm3: of 256 bits already
            &[0xc5, 0xed, 0x58, 0xd9],
            // movaps %xmm1, %xmm2; movdqa (%rax), %xmm0; nop
            &[0x0f, 0x28, 0xd1],
            &[0x66, 0x0f, 0x6f, 0x00],
            &[0x90],
            // Half of vmovups %xmm9, 0x10(%rsi), and of lea 0x10(%rdi), %rdi
            &[0xc5, 0x78, 0x11, 0x4e],
            &[0x48, 0x8d, 0x7f],
        ] {
            assert_eq!(patched(code), None, "{code:x?}");
        }
        assert_eq!(patch(&mut vec![0x90], std::iter::once(0..9), std::iter::empty()), None, "beyond the code");
    }
}
