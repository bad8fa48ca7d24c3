//! Rewriting, on code written by hand. The encodings are those of GNU's assembler.

use super::{Loop, Marked, rewrite};
use std::ops::Range;

/// `vmovupd (%rsi), %xmm0`, `vaddpd %xmm0, %xmm0, %xmm1`, `vmovupd %xmm1, (%rdi)`.
const LOAD: &[u8] = &[0xc5, 0xf9, 0x10, 0x06];
const ADD: &[u8] = &[0xc5, 0xf9, 0x58, 0xc8];
const STORE: &[u8] = &[0xc5, 0xf9, 0x11, 0x0f];
/// `add $0x20, %rsi`, `cmp %rax, %rsi`.
const STEP: &[u8] = &[0x48, 0x83, 0xc6, 0x20];
const COMPARE: &[u8] = &[0x48, 0x39, 0xc6];
const FENCE: &[u8] = &[0x0f, 0xae, 0xf0];
const RETURN: &[u8] = &[0xc3];

fn one(range: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(range).collect()
}

/// `jle` from the end of what comes before to `to`.
fn jump_if_not_above(code: &mut Vec<u8>, to: usize) {
    let from = code.len() + 2;
    code.extend([0x7e, (to as i64 - from as i64) as i8 as u8]);
}

/// `mov %rdx, %rcx`, then a loop of these instructions, then its end. Everything of the loop is
/// marked.
fn a_loop(body: &[&[u8]]) -> (Vec<u8>, Marked) {
    let mut code = vec![0x48, 0x89, 0xd1];
    let start = code.len();
    body.iter().for_each(|instruction| code.extend_from_slice(instruction));
    code.extend_from_slice(STEP);
    code.extend_from_slice(COMPARE);
    jump_if_not_above(&mut code, start);
    let end = code.len();
    code.extend_from_slice(FENCE);
    code.extend_from_slice(RETURN);
    let marked = Loop { body: one(start..end), end: one(end..end + FENCE.len()) };
    (code, Marked { stores: Vec::new(), loops: vec![marked] })
}

fn widened(body: &[&[u8]]) -> Result<Vec<u8>, String> {
    let (code, marked) = a_loop(body);
    rewrite(&code, &marked, false)
}

/// What the body of a loop becomes.
fn wide_body(body: &[&[u8]]) -> Result<Vec<u8>, String> {
    let n_bytes: usize = body.iter().map(|instruction| instruction.len()).sum();
    widened(body).map(|code| code[3..3 + n_bytes].to_vec())
}

#[track_caller]
fn assert_refused(found: Result<Vec<u8>, String>, why: &str) {
    let reason = found.expect_err("a refusal");
    assert!(reason.contains(why), "{reason}");
}

#[test]
fn a_loop_gets_wide_registers() {
    let code = widened(&[LOAD, ADD, STORE]).expect("a loop of known instructions");
    let (before, _) = a_loop(&[LOAD, ADD, STORE]);
    let mut expected = before.clone();
    for vector in [3, 7, 11] {
        expected[vector + 1] |= 0b100;
    }
    let end = before.len() - RETURN.len() - FENCE.len();
    expected[end..end + 3].copy_from_slice(&[0xc5, 0xf8, 0x77]);
    assert_eq!(code, expected);
}

/// All encodings, each after instructions that write what it reads.
#[test]
fn vectors_of_every_encoding() {
    // vpxor of each register with itself: what it held before does not matter.
    let mut written: Vec<u8> = Vec::new();
    for register in 0..16_u8 {
        let (r, b) = (u8::from(register < 8), u8::from(register < 8));
        let prefix = [0xc4, r << 7 | 0x40 | b << 5 | 1, (!register & 0xf) << 3 | 1];
        written.extend(prefix);
        written.extend([0xef, 0xc0 | (register & 7) << 3 | register & 7]);
    }
    for (narrow, wide) in [
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
        // vpmullq %xmm1, %xmm2, %xmm3
        (&[0x62, 0xf2, 0xed, 0x08, 0x40, 0xd9], &[0x62, 0xf2, 0xed, 0x28, 0x40, 0xd9]),
        // vpsraq $5, 0x40(%rdx), %xmm2: the displacement is in registers
        (&[0x62, 0xf1, 0xed, 0x08, 0x72, 0x62, 0x04, 0x05], &[0x62, 0xf1, 0xed, 0x28, 0x72, 0x62, 0x02, 0x05]),
        // vcvtudq2ps 0x12345678(%rdx), %xmm4
        (
            &[0x62, 0xf1, 0x7f, 0x08, 0x7a, 0xa2, 0x78, 0x56, 0x34, 0x12],
            &[0x62, 0xf1, 0x7f, 0x28, 0x7a, 0xa2, 0x78, 0x56, 0x34, 0x12],
        ),
        // movdqa %xmm4, %xmm7, which becomes vmovdqa %ymm4, %ymm7; the same for %xmm12, %xmm15
        (&[0x66, 0x0f, 0x6f, 0xfc], &[0xc5, 0xfd, 0x6f, 0xfc]),
        (&[0x66, 0x45, 0x0f, 0x6f, 0xfc], &[0xc4, 0x41, 0x7d, 0x6f, 0xfc]),
    ] {
        let found = wide_body(&[&written, narrow]);
        assert_eq!(found.as_ref().map(|code| &code[written.len()..]), Ok(wide), "{narrow:x?}");
    }
}

#[test]
fn anything_else_is_refused() {
    for (instruction, why) in [
        // vmovupd (%rsp), %xmm0; vmovupd 0x8(%rbp), %xmm0
        (&[0xc5, 0xf9, 0x10, 0x04, 0x24][..], "uses the stack"),
        (&[0xc5, 0xf9, 0x10, 0x45, 0x08], "uses the stack"),
        // vmovsd (%rax), %xmm0; vmovaps (%rax), %xmm0
        (&[0xc5, 0xfb, 0x10, 0x00], "no wide form"),
        (&[0xc5, 0xf8, 0x28, 0x00], "aligned"),
        // vpsrld %xmm1, %xmm2, %xmm3: the count is a register of 128 bits. vpermilpd $1, (%rax),
        // %xmm1: not known.
        (&[0xc5, 0xe9, 0xd2, 0xd9], ""),
        (&[0xc4, 0xe3, 0x79, 0x05, 0x08, 0x01], "no wide form"),
        // vpsraq $5, 0x30(%rdx), %xmm2: the displacement is an odd number of registers
        (&[0x62, 0xf1, 0xed, 0x08, 0x72, 0x62, 0x03, 0x05], "another length"),
        // vaddpd %ymm1, %ymm2, %ymm3; movaps %xmm1, %xmm2; movdqa (%rax), %xmm0
        (&[0xc5, 0xed, 0x58, 0xd9], ""),
        (&[0x0f, 0x28, 0xd1], ""),
        (&[0x66, 0x0f, 0x6f, 0x00], "aligned"),
        // nop; call *%rax; ret
        (&[0x90], "not known in a loop"),
        (&[0xff, 0xd0], "not known in a loop"),
        // vaddpd %xmm0, %xmm0, %xmm1: from before the loop
        (ADD, "from before the loop"),
    ] {
        assert_refused(wide_body(&[instruction]), why);
    }
}

/// Cranelift reports no place for some moves that the register allocator makes.
#[test]
fn a_vector_instruction_in_a_gap_is_refused() {
    let (code, mut marked) = a_loop(&[LOAD, ADD, STORE]);
    let Range { start, end } = marked.loops[0].body[0];
    marked.loops[0].body = vec![start..start + 4, start + 8..end];
    assert_refused(rewrite(&code, &marked, false), "not marked");
    // Instructions without vectors may be in a gap, because gaps are read as well.
    marked.loops[0].body = vec![start..start + 12, end - 2..end];
    assert!(rewrite(&code, &marked, false).is_ok());
}

#[test]
fn bytes_that_are_no_instruction_are_refused() {
    // A jump over two bytes that nothing reaches.
    let (code, marked) = a_loop(&[LOAD, ADD, STORE, &[0xeb, 0x02, 0x06, 0x06]]);
    assert_refused(rewrite(&code, &marked, false), "gap");
}

#[test]
fn branches_must_stay_inside_or_come_to_the_end() {
    // jne to a return behind the loop: after the store come 4 + 3 + 2 bytes and the fence.
    let out = |distance: u8| [0x75, distance];
    assert_refused(widened(&[LOAD, ADD, STORE, &out(12)]), "`ret`");
    assert!(widened(&[LOAD, ADD, STORE, &out(9)]).is_ok(), "to the end");
    // A branch out to vector code: a load comes again after the return, unmarked.
    let (mut code, marked) = a_loop(&[LOAD, ADD, STORE, &out(13)]);
    code.extend(LOAD);
    code.extend(RETURN);
    assert_refused(rewrite(&code, &marked, false), "vmovupd");
}

#[test]
fn a_branch_into_the_middle_is_refused() {
    let (code, mut marked) = a_loop(&[LOAD, ADD, STORE]);
    // jne before all other instructions, to the addition: 3 bytes and the load are between.
    let code = [&[0x75, 7][..], &code].concat();
    let moved = |range: &Range<usize>| range.start + 2..range.end + 2;
    marked.loops[0] = Loop {
        body: marked.loops[0].body.iter().map(moved).collect(),
        end: marked.loops[0].end.iter().map(moved).collect(),
    };
    assert_refused(rewrite(&code, &marked, false), "into the middle");
}

#[test]
fn vectors_after_a_branch_are_refused() {
    // jne to the next instruction.
    assert_refused(widened(&[LOAD, &[0x75, 0x00], ADD, STORE]), "after a branch");
}

#[test]
fn a_loop_needs_its_end() {
    let (code, mut marked) = a_loop(&[LOAD, ADD, STORE]);
    marked.loops[0].end.clear();
    assert_refused(rewrite(&code, &marked, false), "end");
    let (mut code, marked) = a_loop(&[LOAD, ADD, STORE]);
    let end = marked.loops[0].end[0].clone();
    // lfence
    code[end].copy_from_slice(&[0x0f, 0xae, 0xe8]);
    assert_refused(rewrite(&code, &marked, false), "no fence");
}

#[test]
fn constants_are_repeated_behind_the_code() {
    // Two times vaddpd 0x..(%rip), %xmm0, %xmm1: the constant follows the return.
    let add = |displacement: u8| [0xc5, 0xf9, 0x58, 0x0d, displacement, 0, 0, 0];
    let [first, second] = [add(21), add(13)];
    let (mut code, marked) = a_loop(&[LOAD, &first, &second]);
    let from = code.len();
    assert_eq!(from, 3 + 4 + 16 + 9 + 4);
    code.extend(1..=16);
    let wide = rewrite(&code, &marked, false).expect("a constant behind the code");
    assert_eq!(wide[from..from + 16], (1..=16).collect::<Vec<u8>>(), "where others read it");
    assert_eq!(wide.len(), 96);
    assert_eq!(wide[64..], (1..=16).chain(1..=16).collect::<Vec<u8>>());
    // Only a part of the constant is there.
    code.pop();
    assert_refused(rewrite(&code, &marked, false), "reads no constant");
}

fn streamed(code: &[u8]) -> Result<Vec<u8>, String> {
    let marked = Marked { stores: one(0..code.len()), loops: Vec::new() };
    let with_return = [code, RETURN].concat();
    rewrite(&with_return, &marked, true).map(|mut code| {
        code.pop();
        code
    })
}

#[test]
fn stores_of_every_encoding() {
    for (store, streaming) in [
        // vmovupd %xmm0, (%rax)
        (&[0xc5, 0xf9, 0x11, 0x00][..], &[0xc5, 0xf9, 0x2b, 0x00][..]),
        // vmovups %xmm9, 0x10(%rsi)
        (&[0xc5, 0x78, 0x11, 0x4e, 0x10], &[0xc5, 0x78, 0x2b, 0x4e, 0x10]),
        // vmovdqu %xmm3, 0x100(%r8,%rcx,1)
        (&[0xc4, 0xc1, 0x7a, 0x7f, 0x9c, 0x08, 0, 1, 0, 0], &[0xc4, 0xc1, 0x79, 0xe7, 0x9c, 0x08, 0, 1, 0, 0]),
        // movupd %xmm1, 0x20(%rdx); movdqu %xmm8, (%r9); movups %xmm0, (%rax); movups %xmm1, (%r8)
        (&[0x66, 0x0f, 0x11, 0x4a, 0x20], &[0x66, 0x0f, 0x2b, 0x4a, 0x20]),
        (&[0xf3, 0x45, 0x0f, 0x7f, 0x01], &[0x66, 0x45, 0x0f, 0xe7, 0x01]),
        (&[0x0f, 0x11, 0x00], &[0x0f, 0x2b, 0x00]),
        (&[0x41, 0x0f, 0x11, 0x08], &[0x41, 0x0f, 0x2b, 0x08]),
        // Two in a row.
        (
            &[0xc5, 0xf9, 0x11, 0x00, 0xc5, 0x78, 0x11, 0x4e, 0x10],
            &[0xc5, 0xf9, 0x2b, 0x00, 0xc5, 0x78, 0x2b, 0x4e, 0x10],
        ),
    ] {
        assert_eq!(streamed(store).as_deref(), Ok(streaming), "{store:x?}");
    }
}

#[test]
fn other_stores_are_refused() {
    for code in [
        // vmovupd %ymm0, (%rax): 256 bits; vmovsd %xmm0, (%rax): a part of a register
        &[0xc5, 0xfd, 0x11, 0x00][..],
        &[0xc5, 0xfb, 0x11, 0x00],
        // vmovupd (%rax), %xmm0: a load; vmovupd between registers
        &[0xc5, 0xf9, 0x10, 0x00],
        &[0xc5, 0xf9, 0x11, 0xc1],
        // movss %xmm0, (%rax); mov %rcx, (%rax)
        &[0xf3, 0x0f, 0x11, 0x00],
        &[0x48, 0x89, 0x08],
        // A store and something else
        &[0xc5, 0xf9, 0x11, 0x00, 0x90],
    ] {
        assert!(streamed(code).is_err(), "{code:x?}");
    }
    let nothing = Marked::default();
    assert!(rewrite(RETURN, &nothing, true).is_err(), "no stores at all");
    let half = Marked { stores: one(0..3), loops: Vec::new() };
    assert!(rewrite(&[STORE, RETURN].concat(), &half, true).is_err(), "a part of a store");
    let beyond = Marked { stores: one(0..9), loops: Vec::new() };
    assert!(rewrite(&[STORE, RETURN].concat(), &beyond, true).is_err(), "beyond the code");
}
