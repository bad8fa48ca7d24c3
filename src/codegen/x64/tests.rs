//! Rewriting, on code written by hand. The encodings are those of GNU's assembler.

use super::flow::Flow;
use super::{Conversion, Marked, Step, rewrite, text};
use std::ops::Range;

/// `vmovupd (%rsi), %xmm0`, `vaddpd %xmm0, %xmm0, %xmm1`, `vmovupd %xmm1, (%rdi)`.
const LOAD: &[u8] = &[0xc5, 0xf9, 0x10, 0x06];
const ADD: &[u8] = &[0xc5, 0xf9, 0x58, 0xc8];
const STORE: &[u8] = &[0xc5, 0xf9, 0x11, 0x0f];
/// `mov %rdx, %rcx`.
const MOVE: &[u8] = &[0x48, 0x89, 0xd1];
/// `add $0x20, %rsi`, `cmp %rax, %rsi`.
const STEP: &[u8] = &[0x48, 0x83, 0xc6, 0x20];
const COMPARE: &[u8] = &[0x48, 0x39, 0xc6];
const CLEAR: &[u8] = &[0xc5, 0xf8, 0x77];
const RETURN: &[u8] = &[0xc3];
/// `push %rbp`, `mov %rsp, %rbp`, `sub $0x20, %rsp`, and `add $0x20, %rsp`, `pop %rbp`.
const FRAME: &[u8] = &[0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20];
const END_OF_FRAME: &[u8] = &[0x48, 0x83, 0xc4, 0x20, 0x5d];
/// `vpshufd $0xd8, %xmm0, %xmm1`, `vpshufd $0xd8, (%rsi), %xmm0`.
const SHUFFLE: &[u8] = &[0xc5, 0xf9, 0x70, 0xc8, 0xd8];
const SHUFFLE_LOADED: &[u8] = &[0xc5, 0xf9, 0x70, 0x06, 0xd8];
/// `vpmovsxdq 0x10(%rsi), %xmm0`.
const CONVERT: &[u8] = &[0xc4, 0xe2, 0x79, 0x25, 0x46, 0x10];
/// `vmovq (%rsi), %xmm0`, `vmovq %xmm1, (%rdi)`.
const LOAD_PART: &[u8] = &[0xc5, 0xfa, 0x7e, 0x06];
const STORE_PART: &[u8] = &[0xc5, 0xf9, 0xd6, 0x0f];

/// `jle` from the end of what comes before to `to`.
fn jump_if_not_above(code: &mut Vec<u8>, to: usize) {
    let from = code.len() + 2;
    code.extend([0x7e, (to as i64 - from as i64) as i8 as u8]);
}

/// `mov %rdx, %rcx`, then a loop of these instructions. Everything of the loop is marked.
fn loop_of_steps(body: &[(&[u8], Step)]) -> (Vec<u8>, Marked) {
    let mut code = MOVE.to_vec();
    let start = code.len();
    let mut marked = Marked::default();
    for &(instruction, step) in body {
        marked.steps.push((code.len()..code.len() + instruction.len(), 0, step));
        code.extend_from_slice(instruction);
    }
    let end_of_body = code.len();
    code.extend_from_slice(STEP);
    code.extend_from_slice(COMPARE);
    jump_if_not_above(&mut code, start);
    marked.steps.push((end_of_body..code.len(), 0, Step::Wide));
    code.extend_from_slice(RETURN);
    (code, marked)
}

fn a_loop(body: &[&[u8]]) -> (Vec<u8>, Marked) {
    let body: Vec<(&[u8], Step)> = body.iter().map(|&instruction| (instruction, Step::Wide)).collect();
    loop_of_steps(&body)
}

fn widened(body: &[&[u8]]) -> Result<Vec<u8>, String> {
    let (code, marked) = a_loop(body);
    rewrite(&code, &marked, false)
}

/// What the body of a loop becomes.
fn wide_body(body: &[&[u8]]) -> Result<Vec<u8>, String> {
    let n_more = STEP.len() + COMPARE.len() + 2 + CLEAR.len() + RETURN.len();
    widened(body).map(|code| code[MOVE.len()..code.len() - n_more].to_vec())
}

/// The instructions of code as text.
fn texts(code: &[u8]) -> Vec<String> {
    Flow::of(code).expect("code").instructions().iter().map(text).collect()
}

/// What the body of a loop becomes, as text.
fn wide_steps(body: &[(&[u8], Step)]) -> Result<Vec<String>, String> {
    let (code, marked) = loop_of_steps(body);
    let texts = texts(&rewrite(&code, &marked, false)?);
    Ok(texts[1..texts.len() - 5].to_vec())
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(found: Result<T, String>, why: &str) {
    let reason = found.expect_err("a refusal");
    assert!(reason.contains(why), "{reason}");
}

#[test]
fn a_loop_gets_wide_registers() {
    let code = widened(&[LOAD, ADD, STORE]).expect("a loop of known instructions");
    let (mut expected, _) = a_loop(&[LOAD, ADD, STORE]);
    for vector in [3, 7, 11] {
        expected[vector + 1] |= 0b100;
    }
    expected.pop();
    expected.extend_from_slice(CLEAR);
    expected.extend_from_slice(RETURN);
    assert_eq!(code, expected);
}

/// All encodings, each after instructions that write what it reads.
#[test]
fn vectors_of_every_encoding() {
    // vpxor of each register with itself: what it held before does not matter.
    let mut written: Vec<u8> = Vec::new();
    for register in 0..8_u8 {
        written.extend([0xc5, (!register & 0xf) << 3 | 0x81, 0xef, 0xc0 | register << 3 | register]);
    }
    for register in 8..16_u8 {
        written.extend([0xc4, 0x41, (!register & 0xf) << 3 | 1, 0xef, 0xc0 | (register & 7) << 3 | register & 7]);
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
        // vpsraq $5, 0x40(%rdx), %xmm2: the displacement is in registers; 0x30(%rdx): in bytes now
        (&[0x62, 0xf1, 0xed, 0x08, 0x72, 0x62, 0x04, 0x05], &[0x62, 0xf1, 0xed, 0x28, 0x72, 0x62, 0x02, 0x05]),
        (&[0x62, 0xf1, 0xed, 0x08, 0x72, 0x62, 0x03, 0x05], &[0x62, 0xf1, 0xed, 0x28, 0x72, 0xa2, 0x30, 0, 0, 0, 0x05]),
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
        // vmovupd (%rsp), %xmm0; vaddpd (%rsp), %xmm0, %xmm1; vmovupd 0x8(%rbp), %xmm0
        (&[0xc5, 0xf9, 0x10, 0x04, 0x24][..], "frame"),
        (&[0xc5, 0xf9, 0x58, 0x0c, 0x24], "uses the stack"),
        (&[0xc5, 0xf9, 0x10, 0x45, 0x08], "uses the stack"),
        // vmovsd (%rax), %xmm0; vmovaps (%rax), %xmm0
        (&[0xc5, 0xfb, 0x10, 0x00], "no wide form"),
        (&[0xc5, 0xf8, 0x28, 0x00], "aligned"),
        // vpsrld %xmm1, %xmm2, %xmm3: the count is a register of 128 bits. vpermilpd $1, (%rax),
        // %xmm1: not known.
        (&[0xc5, 0xe9, 0xd2, 0xd9], ""),
        (&[0xc4, 0xe3, 0x79, 0x05, 0x08, 0x01], "no wide form"),
        // vaddpd %ymm1, %ymm2, %ymm3; movaps %xmm1, %xmm2; movdqa (%rax), %xmm0
        (&[0xc5, 0xed, 0x58, 0xd9], ""),
        (&[0x0f, 0x28, 0xd1], "from before the loop"),
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
    let addition = marked.steps.remove(1);
    assert_refused(rewrite(&code, &marked, false), "not marked");
    // Instructions without vectors may be in a gap, because gaps are read as well.
    marked.steps.insert(1, addition);
    let Range { end, .. } = marked.steps[3].0;
    marked.steps[3].0.start = end - 2;
    assert!(rewrite(&code, &marked, false).is_ok());
}

#[test]
fn bytes_that_are_no_instruction_are_refused() {
    // A jump over two bytes that nothing reaches.
    let (code, marked) = a_loop(&[LOAD, ADD, STORE, &[0xeb, 0x02, 0x06, 0x06]]);
    assert_refused(rewrite(&code, &marked, false), "gap");
}

#[test]
fn every_way_out_clears_the_upper_halves() {
    // jne to the return behind the loop: after the store come 4 + 3 + 2 bytes.
    let code = widened(&[LOAD, ADD, STORE, &[0x75, 9]]).expect("a loop with a way out");
    assert_eq!(
        texts(&code),
        [
            "mov %rdx,%rcx",
            "vmovupd (%rsi),%ymm0",
            "vaddpd %ymm0,%ymm0,%ymm1",
            "vmovupd %ymm1,(%rdi)",
            "jne 0x1e",
            "add $0x20,%rsi",
            "cmp %rax,%rsi",
            "jle 3",
            "vzeroupper",
            "ret",
            "vzeroupper",
            "jmp 0x1d",
        ]
    );
}

#[test]
fn a_branch_into_the_middle_is_refused() {
    let (code, mut marked) = a_loop(&[LOAD, ADD, STORE]);
    // jne before all other instructions, to the addition: 3 bytes and the load are between.
    let code = [&[0x75, 7][..], &code].concat();
    marked.steps.iter_mut().for_each(|(bytes, ..)| *bytes = bytes.start + 2..bytes.end + 2);
    assert_refused(rewrite(&code, &marked, false), "into the middle");
}

#[test]
fn vectors_after_a_branch_are_refused() {
    // jne to the next instruction.
    assert_refused(widened(&[LOAD, &[0x75, 0x00], ADD, STORE]), "after a branch");
}

#[test]
fn constants_are_repeated_behind_the_code() {
    // Two times vaddpd 0x..(%rip), %xmm0, %xmm1: the constant follows the return.
    let add = |displacement: u8| [0xc5, 0xf9, 0x58, 0x0d, displacement, 0, 0, 0];
    let [first, second] = [add(18), add(10)];
    let (mut code, marked) = a_loop(&[LOAD, &first, &second]);
    assert_eq!(code.len(), 3 + 4 + 16 + 9 + 1);
    code.extend(1..=16);
    let wide = rewrite(&code, &marked, false).expect("a constant behind the code");
    let flow = Flow::of(&wide).expect("code");
    let read: Vec<usize> = flow
        .instructions()
        .iter()
        .filter(|instruction| instruction.is_ip_rel_memory_operand())
        .map(|instruction| instruction.ip_rel_memory_address() as usize)
        .collect();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0], read[1]);
    assert_eq!(wide[read[0]..read[0] + 32], (1..=16).chain(1..=16).collect::<Vec<u8>>());
    assert_eq!(read[0] % 32, 0);
    // Only a part of the constant is there.
    code.pop();
    assert_refused(rewrite(&code, &marked, false), "reads no constant");
}

/// `vmovdqu %xmm0, 0x10(%rsp)`, or the same without VEX, and `vmovdqu 0x10(%rsp), %xmm1`.
const SPILL: &[u8] = &[0xc5, 0xfa, 0x7f, 0x44, 0x24, 0x10];
const SPILL_WITHOUT_VEX: &[u8] = &[0xf3, 0x0f, 0x7f, 0x44, 0x24, 0x10];
const RELOAD: &[u8] = &[0xc5, 0xfa, 0x6f, 0x4c, 0x24, 0x10];

/// A loop in a function with a frame, in which `mov %rsi, 0x8(%rsp)` comes first.
fn in_frame(body: &[&[u8]]) -> (Vec<u8>, Marked) {
    let (code, mut marked) = a_loop(body);
    let before = [FRAME, &[0x48, 0x89, 0x74, 0x24, 0x08]].concat();
    let code = [&before, &code[..code.len() - RETURN.len()], END_OF_FRAME, RETURN].concat();
    marked.steps.iter_mut().for_each(|(bytes, ..)| *bytes = bytes.start + before.len()..bytes.end + before.len());
    (code, marked)
}

#[test]
fn spilled_registers_get_wide_places() {
    for spill in [SPILL, SPILL_WITHOUT_VEX] {
        let (code, marked) = in_frame(&[LOAD, spill, RELOAD, STORE]);
        let code = rewrite(&code, &marked, false).expect("a loop that spills");
        assert_eq!(
            texts(&code),
            [
                "push %rbp",
                "mov %rsp,%rbp",
                "sub $0x40,%rsp",
                "test %eax,0x20(%rsp)",
                "mov %rsi,0x28(%rsp)",
                "mov %rdx,%rcx",
                "vmovupd (%rsi),%ymm0",
                "vmovups %ymm0,(%rsp)",
                "vmovups (%rsp),%ymm1",
                "vmovupd %ymm1,(%rdi)",
                "add $0x20,%rsi",
                "cmp %rax,%rsi",
                "jle 0x17",
                "vzeroupper",
                "add $0x40,%rsp",
                "pop %rbp",
                "ret",
            ]
        );
    }
    // From before the loop; a general register in the place of a spilled one.
    let (code, marked) = in_frame(&[RELOAD, STORE]);
    assert_refused(rewrite(&code, &marked, false), "from before the loop");
    // mov %rsi, 0x18(%rsp)
    let (code, marked) = in_frame(&[LOAD, SPILL, &[0x48, 0x89, 0x74, 0x24, 0x18], RELOAD, STORE]);
    assert_refused(rewrite(&code, &marked, false), "not known in a loop");
}

#[test]
fn halves_are_brought_together_for_conversions() {
    for (narrow, wide) in [
        (&[0xc5, 0xf8, 0x5a, 0xc8][..], ["vpermq $8,%ymm0,%ymm1", "vcvtps2pd %xmm1,%ymm1"]),
        (&[0xc5, 0xfa, 0xe6, 0xc8], ["vpermq $8,%ymm0,%ymm1", "vcvtdq2pd %xmm1,%ymm1"]),
        (&[0xc4, 0xe2, 0x79, 0x20, 0xc8], ["vpermq $8,%ymm0,%ymm1", "vpmovsxbw %xmm1,%ymm1"]),
        (&[0xc4, 0xe2, 0x79, 0x33, 0x0e], ["vpermq $8,(%rsi),%ymm1", "vpmovzxwd %xmm1,%ymm1"]),
        (&[0xc5, 0xf9, 0x5a, 0xc8], ["vcvtpd2ps %ymm0,%xmm1", "vpermq $0xd8,%ymm1,%ymm1"]),
        (&[0xc5, 0xf9, 0xe6, 0xc8], ["vcvttpd2dq %ymm0,%xmm1", "vpermq $0xd8,%ymm1,%ymm1"]),
    ] {
        let found = wide_steps(&[(LOAD, Step::Wide), (narrow, Step::Wide)]).expect("a conversion");
        assert_eq!(found[1..], wide);
    }
}

#[test]
fn marked_shuffles_become_permutations() {
    let wide = |shuffle, step| wide_steps(&[(LOAD, Step::Wide), (shuffle, step)]).map(|texts| texts[1..].to_vec());
    assert_eq!(wide(SHUFFLE, Step::Interleave), Ok(vec!["vpermq $0xd8,%ymm0,%ymm1".to_owned()]));
    assert_eq!(wide(SHUFFLE, Step::Gather), Ok(vec!["vpermq $8,%ymm0,%ymm1".to_owned()]));
    assert_eq!(wide(SHUFFLE, Step::GatherHigh), Ok(vec!["vpermq $0xd,%ymm0,%ymm1".to_owned()]));
    assert_eq!(wide(SHUFFLE_LOADED, Step::Interleave), Ok(vec!["vpermq $0xd8,(%rsi),%ymm0".to_owned()]));
    // A narrow register, or 16 bytes of memory, spread over both halves.
    let found = wide_steps(&[(LOAD_PART, Step::Narrow), (SHUFFLE, Step::Spread), (STORE, Step::Wide)]);
    let expected = ["vmovq (%rsi),%xmm0", "vpermq $0x50,%ymm0,%ymm1", "vmovupd %ymm1,(%rdi)"];
    assert_eq!(found.expect("a spread"), expected);
    let found = wide_steps(&[(SHUFFLE_LOADED, Step::Spread)]);
    assert_eq!(found.expect("a spread"), ["vbroadcasti128 (%rsi),%ymm0", "vpermq $0x50,%ymm0,%ymm0"]);
    // And back.
    let found = wide_steps(&[(LOAD, Step::Wide), (SHUFFLE, Step::Gather), (STORE_PART, Step::Narrow)]);
    assert_eq!(found.expect("a part"), ["vmovupd (%rsi),%ymm0", "vpermq $8,%ymm0,%ymm1", "vmovq %xmm1,(%rdi)"]);
    // Other shuffles do not stand for anything.
    let other = &[0xc5, 0xf9, 0x70, 0xc8, 0xd9];
    assert_refused(wide(other, Step::Interleave), "not the shuffle");
    assert_refused(wide(ADD, Step::Gather), "not the shuffle");
}

#[test]
fn marked_loads_become_conversions() {
    let extend = |from, to, signed| Conversion::Extend { from, to, signed };
    for (conversion, wide, narrow) in [
        (extend(1, 4, false), "vpmovzxbd 0x10(%rsi),%ymm0", "vpmovzxbd 0x10(%rsi),%xmm0"),
        (extend(2, 8, true), "vpmovsxwq 0x10(%rsi),%ymm0", "vpmovsxwq 0x10(%rsi),%xmm0"),
        (Conversion::IntToFloat, "vcvtdq2pd 0x10(%rsi),%ymm0", "vcvtdq2pd 0x10(%rsi),%xmm0"),
        (Conversion::FloatToFloat, "vcvtps2pd 0x10(%rsi),%ymm0", "vcvtps2pd 0x10(%rsi),%xmm0"),
    ] {
        assert_eq!(wide_steps(&[(CONVERT, Step::Convert(conversion))]).expect("a load"), [wide]);
        assert_eq!(wide_steps(&[(CONVERT, Step::ConvertNarrow(conversion))]).expect("a load"), [narrow]);
    }
    assert_refused(wide_steps(&[(LOAD, Step::Convert(Conversion::IntToFloat))]), "not the load");
    assert_refused(wide_steps(&[(CONVERT, Step::Convert(extend(4, 4, true)))]), "not the load");
}

#[test]
fn narrow_registers_are_not_taken_for_wide_ones() {
    assert_refused(wide_steps(&[(LOAD_PART, Step::Narrow), (ADD, Step::Wide)]), "another width");
    assert_refused(wide_steps(&[(LOAD, Step::Wide), (ADD, Step::Wide), (STORE_PART, Step::Narrow)]), "another width");
    assert_refused(wide_steps(&[(LOAD, Step::Wide), (ADD, Step::Narrow)]), "another width");
    assert_refused(wide_steps(&[(LOAD, Step::Narrow), (ADD, Step::Narrow)]), "cannot stay narrow");
    // vcvtdq2pd %xmm0, %xmm1 of a narrow register has one instruction.
    let widen = &[0xc5, 0xfa, 0xe6, 0xc8];
    let found = wide_steps(&[(LOAD_PART, Step::Narrow), (widen, Step::Widen)]);
    assert_eq!(found.expect("a conversion"), ["vmovq (%rsi),%xmm0", "vcvtdq2pd %xmm0,%ymm1"]);
    assert_refused(wide_steps(&[(LOAD, Step::Wide), (widen, Step::Widen)]), "another width");
}

fn one(range: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(range).collect()
}

fn streamed(code: &[u8]) -> Result<Vec<u8>, String> {
    let marked = Marked { stores: one(0..code.len()), ..Marked::default() };
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
    let half = Marked { stores: one(0..3), ..Marked::default() };
    assert!(rewrite(&[STORE, RETURN].concat(), &half, true).is_err(), "a part of a store");
    let beyond = Marked { stores: one(0..9), ..Marked::default() };
    assert!(rewrite(&[STORE, RETURN].concat(), &beyond, true).is_err(), "beyond the code");
}

#[test]
fn loads_move_to_their_only_use() {
    /// `vmovupd 0x20(%rsi), %xmm2`.
    const OTHER: &[u8] = &[0xc5, 0xf9, 0x10, 0x56, 0x20];
    /// `vaddpd %xmm2, %xmm0, %xmm1`.
    const SUM: &[u8] = &[0xc5, 0xf9, 0x58, 0xca];
    /// `vsubpd %xmm2, %xmm0, %xmm1`, `vsubpd %xmm0, %xmm2, %xmm1`.
    const MINUS_OTHER: &[u8] = &[0xc5, 0xf9, 0x5c, 0xca];
    const OTHER_MINUS: &[u8] = &[0xc5, 0xe9, 0x5c, 0xc8];
    /// `vmulpd %xmm2, %xmm2, %xmm1`.
    const SQUARE: &[u8] = &[0xc5, 0xe9, 0x59, 0xca];
    /// `vpxor %xmm2, %xmm2, %xmm2` and the same for %xmm0, which write what the body has loaded.
    const END_OF_OTHER: &[u8] = &[0xc5, 0xe9, 0xef, 0xd2];
    const END_OF_FIRST: &[u8] = &[0xc5, 0xf9, 0xef, 0xc0];

    let steps = |body: &[&[u8]]| {
        let marked: Vec<(&[u8], Step)> = body.iter().map(|&instruction| (instruction, Step::Wide)).collect();
        wide_steps(&marked).expect("a loop of known instructions")
    };
    let [load, other] = ["vmovupd (%rsi),%ymm0", "vmovupd 0x20(%rsi),%ymm2"];
    let [store, end, end_of_first] = ["vmovupd %ymm1,(%rdi)", "vpxor %ymm2,%ymm2,%ymm2", "vpxor %ymm0,%ymm0,%ymm0"];
    let folded = |use_of_it: &str| [load, use_of_it, store, end].map(str::to_owned).to_vec();
    // The second source may be in memory, whatever the first one is.
    for (use_of_it, expected) in
        [(SUM, "vaddpd 0x20(%rsi),%ymm0,%ymm1"), (MINUS_OTHER, "vsubpd 0x20(%rsi),%ymm0,%ymm1")]
    {
        assert_eq!(steps(&[LOAD, OTHER, use_of_it, STORE, END_OF_OTHER]), folded(expected));
        assert_eq!(steps(&[OTHER, LOAD, use_of_it, STORE, END_OF_OTHER]), folded(expected));
    }
    // The first one may be if a sum's terms change places, but only one of the two.
    let expected = [other, "vaddpd (%rsi),%ymm2,%ymm1", store, end_of_first].map(str::to_owned);
    assert_eq!(steps(&[OTHER, LOAD, SUM, STORE, END_OF_FIRST]), expected);
    let n_loads =
        |steps: &[String]| steps.iter().filter(|step| step.contains("(%rsi)") && step.contains("movupd")).count();
    assert_eq!(n_loads(&steps(&[OTHER, LOAD, SUM, STORE, END_OF_FIRST, END_OF_OTHER])), 1);
    for body in [
        // A difference's terms cannot change places.
        &[OTHER, LOAD, OTHER_MINUS, STORE, END_OF_OTHER][..],
        // Two uses, or one use twice.
        &[OTHER, LOAD, SUM, MINUS_OTHER, STORE, END_OF_OTHER],
        &[OTHER, LOAD, SQUARE, STORE, END_OF_OTHER],
        // Memory is written between.
        &[OTHER, LOAD, ADD, STORE, SUM, END_OF_OTHER],
        // What the register holds after the loop is not known.
        &[OTHER, LOAD, SUM, STORE],
    ] {
        assert!(steps(body).contains(&other.to_owned()), "{:?}", steps(body));
    } // What is the same whatever a register holds is no use of it: a value minus itself, above
    // itself, or without itself. `vpaddd %xmm2, %xmm1, %xmm1` is one.
    const ADD_OTHER: &[u8] = &[0xc5, 0xf1, 0xfe, 0xca];
    for (code, name) in [(0xfa, "vpsubd"), (0xfb, "vpsubq"), (0x66, "vpcmpgtd"), (0xdf, "vpandn"), (0x76, "vpcmpeqd")] {
        let itself: &[u8] = &[0xc5, 0xe9, code, 0xca];
        let found = steps(&[OTHER, itself, ADD_OTHER, STORE, END_OF_OTHER]);
        let itself = format!("{name} %ymm2,%ymm2,%ymm1");
        let folded = [&itself, "vpaddd 0x20(%rsi),%ymm1,%ymm1", store, end];
        let left = [other, &itself, "vpaddd %ymm2,%ymm1,%ymm1", store, end];
        assert!(found == folded || found == left, "{found:?}");
        assert_eq!(found == folded, name.starts_with("vpsub"), "{found:?}");
    }
}
