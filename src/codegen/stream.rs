//! Stores that go past the caches: Cranelift has none, so it is told to mark those that should, and their machine code is
//! changed in place. On x86-64 the two differ in an opcode.
//!
//! Nothing else is touched: every marked range must be exactly one store of a whole register that is known here, or the
//! kernel is refused, and its like with ordinary stores runs instead.

use super::x86::{Operand, Place};
use cranelift_codegen::ir::SourceLoc;
use std::ops::Range;

/// How a kernel writes its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    Ordinary,
    /// Past the caches, in runs of which some are short. The kernel may only run where strips begin at multiples of 16 bytes in
    /// every output.
    Streaming,
    /// The same in long runs, as [`Plan::has_long_runs`](ndexpr_runtime::plan::Plan::has_long_runs) tells.
    StreamingLong,
}

impl Stores {
    pub(super) fn is_streaming(self) -> bool {
        self != Stores::Ordinary
    }
}

/// Marks the stores.
pub(super) fn mark() -> SourceLoc {
    SourceLoc::new(1)
}

/// Changes the stores in these ranges, which consist of nothing else. False if there are none, or something else is there.
pub(super) fn patch(code: &mut [u8], ranges: impl Iterator<Item = Range<usize>>) -> bool {
    let mut n_patched = 0;
    for range in ranges {
        let Some(mut rest) = code.get_mut(range) else { return false };
        while !rest.is_empty() {
            let Some((prefix, opcode, n_bytes)) = parts(rest) else { return false };
            // MOVNTPS and MOVNTPD are 2B; MOVNTDQ is E7 with the prefix 66 where MOVDQU has F3.
            match (rest[prefix.at] & prefix.mask, rest[opcode]) {
                (bits, 0x11 | 0x29) if bits == prefix.none || bits == prefix.p66 => rest[opcode] = 0x2b,
                (bits, 0x7f) if bits == prefix.f3 || bits == prefix.p66 => {
                    rest[opcode] = 0xe7;
                    rest[prefix.at] = rest[prefix.at] & !prefix.mask | prefix.p66;
                }
                _ => return false,
            }
            rest = &mut rest[n_bytes..];
            n_patched += 1;
        }
    }
    n_patched > 0
}

/// Where an instruction says which of the mandatory prefixes it has, and by which bits.
struct Prefix {
    at: usize,
    mask: u8,
    none: u8,
    p66: u8,
    f3: u8,
}

/// The prefix, the place of the opcode and the length of the first instruction, if it is one of the 0F map, without
/// immediate, that accesses memory.
fn parts(instruction: &[u8]) -> Option<(Prefix, usize, usize)> {
    let vex = |at: usize| Prefix { at, mask: 0b11, none: 0b00, p66: 0b01, f3: 0b10 };
    let (prefix, opcode) = match *instruction {
        // VEX in two bytes, and in three.
        [0xc5, second, ..] if second & 0b100 == 0 => (vex(1), 2),
        [0xc4, second, third, ..] if second & 0x1f == 1 && third & 0b100 == 0 => (vex(2), 3),
        // Without VEX: an optional REX between the prefix and 0F. MOVUPS, which has none, is no one's here but SSE's.
        [0x66 | 0xf3, ..] => {
            let rex = usize::from(instruction.get(1)? & 0xf0 == 0x40);
            (*instruction.get(1 + rex)? == 0x0f).then_some(())?;
            (Prefix { at: 0, mask: 0xff, none: 0x00, p66: 0x66, f3: 0xf3 }, 2 + rex)
        }
        [0x0f, ..] => (Prefix { at: 0, mask: 0, none: 0, p66: 0xff, f3: 0xff }, 1),
        [rex, 0x0f, ..] if rex & 0xf0 == 0x40 => (Prefix { at: 0, mask: 0, none: 0, p66: 0xff, f3: 0xff }, 2),
        _ => return None,
    };
    // The operand is in memory, and the instruction ends with its address. Where that is does not matter.
    let operand = Operand::parse(instruction.get(opcode + 1..)?, false)?;
    (operand.place != Place::Register).then_some((prefix, opcode, opcode + 1 + operand.n_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(code: &[u8]) -> Option<Vec<u8>> {
        let mut code = code.to_vec();
        let all = 0..code.len();
        patch(&mut code, std::iter::once(all)).then_some(code)
    }

    /// Encodings as GNU's assembler writes them.
    #[test]
    fn stores_of_every_encoding() {
        for (store, streaming) in [
            // vmovupd [rax], xmm0
            (&[0xc5, 0xf9, 0x11, 0x00][..], &[0xc5, 0xf9, 0x2b, 0x00][..]),
            // vmovups [rsi+0x10], xmm9
            (&[0xc5, 0x78, 0x11, 0x4e, 0x10], &[0xc5, 0x78, 0x2b, 0x4e, 0x10]),
            // vmovdqu [r8+rcx*1+0x100], xmm3
            (&[0xc4, 0xc1, 0x7a, 0x7f, 0x9c, 0x08, 0, 1, 0, 0], &[0xc4, 0xc1, 0x79, 0xe7, 0x9c, 0x08, 0, 1, 0, 0]),
            // movupd [rdx+0x20], xmm1
            (&[0x66, 0x0f, 0x11, 0x4a, 0x20], &[0x66, 0x0f, 0x2b, 0x4a, 0x20]),
            // movdqu [r9], xmm8
            (&[0xf3, 0x45, 0x0f, 0x7f, 0x01], &[0x66, 0x45, 0x0f, 0xe7, 0x01]),
            // movups [rax], xmm0; movups [r8], xmm1
            (&[0x0f, 0x11, 0x00], &[0x0f, 0x2b, 0x00]),
            (&[0x41, 0x0f, 0x11, 0x08], &[0x41, 0x0f, 0x2b, 0x08]),
        ] {
            assert_eq!(patched(store).as_deref(), Some(streaming), "{store:x?}");
        }
    }

    #[test]
    fn stores_in_a_row() {
        let row = [0xc5, 0xf9, 0x11, 0x00, 0xc5, 0x78, 0x11, 0x4e, 0x10];
        assert_eq!(patched(&row).as_deref(), Some(&[0xc5, 0xf9, 0x2b, 0x00, 0xc5, 0x78, 0x2b, 0x4e, 0x10][..]));
    }

    #[test]
    fn anything_else_is_refused() {
        for code in [
            &[][..],
            // vmovupd ymm: 256 bits; vmovsd [rax], xmm0: a part of a register
            &[0xc5, 0xfd, 0x11, 0x00],
            &[0xc5, 0xfb, 0x11, 0x00],
            // vmovupd xmm0, [rax]: a load; vmovupd between registers
            &[0xc5, 0xf9, 0x10, 0x00],
            &[0xc5, 0xf9, 0x11, 0xc1],
            // movss [rax], xmm0; mov [rax], rcx
            &[0xf3, 0x0f, 0x11, 0x00],
            &[0x48, 0x89, 0x08],
            // A store and something else, and half of a store
            &[0xc5, 0xf9, 0x11, 0x00, 0x90],
            &[0xc5, 0xf9, 0x11, 0x40],
        ] {
            assert_eq!(patched(code), None, "{code:x?}");
        }
        assert!(!patch(&mut [], std::iter::empty()), "no stores at all");
        assert!(!patch(&mut [0xc5], std::iter::once(0..9)), "beyond the code");
    }
}
