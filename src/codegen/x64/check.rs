//! A check of rewritten code that knows nothing of how it was rewritten: it compares texts of
//! instructions.

use super::{Loop, Marked};
use iced_x86::{Decoder, DecoderOptions, Instruction};
use std::ops::Range;

/// Panics unless exactly what is marked has changed, and in the way that it should.
pub(super) fn assert_changed_as_marked(before: &[u8], after: &[u8], marked: &Marked, is_streaming: bool) {
    let is_in = |ranges: &[Range<usize>], at: usize| ranges.iter().any(|range| range.contains(&at));
    let is_end = |at: usize| marked.loops.iter().any(|marked| is_in(&marked.end, at));
    let is_wide = |at: usize| marked.loops.iter().any(|marked| is_in(&marked.body, at));
    let is_streamed = |at: usize| is_streaming && is_in(&marked.stores, at);
    let mut n_streamed = 0;
    let mut at = 0;
    while let Some(old) = decode(before, at) {
        if before[at..at + old.len()] != after[at..at + old.len()] || is_end(at) || is_wide(at) || is_streamed(at) {
            let new = decode(after, at).unwrap_or_else(|| panic!("no instruction in place of `{old}`"));
            assert_eq!(old.len(), new.len(), "`{old}` became `{new}`");
            let mut expected = text(&old, before);
            if is_end(at) {
                assert_eq!(expected, "mfence");
                "vzeroupper".clone_into(&mut expected);
            }
            if is_streamed(at) {
                n_streamed += 1;
                for (ordinary, streaming) in [("movups", "movntps"), ("movupd", "movntpd"), ("movdqu", "movntdq")] {
                    expected = expected.replace(ordinary, streaming);
                }
                assert!(expected.contains("movnt"), "`{old}` is marked as a store");
            }
            if is_wide(at) {
                // Cranelift writes this one without VEX.
                expected = if expected.starts_with("movdqa") { format!("v{expected}") } else { expected };
                expected = expected.replace("%xmm", "%ymm");
                if let Some((head, constant)) = expected.split_once("const ") {
                    let (bits, rest) = constant.split_at(32);
                    expected = format!("{head}const {bits}{bits}{rest}");
                }
            }
            assert_eq!(text(&new, after), expected, "in place of `{old}`");
        }
        at += old.len();
        if at >= last_instruction(marked, before) {
            break;
        }
    }
    assert_eq!(n_streamed > 0, is_streaming, "stores past the caches");
    assert_eq!(before[at..], after[at..before.len()], "behind what is marked");
}

/// Where the last marked instruction ends: what follows may be constants.
fn last_instruction(marked: &Marked, code: &[u8]) -> usize {
    let of_loop = |marked: &Loop| marked.body.iter().chain(&marked.end).map(|range| range.end).max();
    let ends = marked.loops.iter().filter_map(of_loop).chain(marked.stores.iter().map(|range| range.end));
    ends.max().unwrap_or(0).min(code.len())
}

fn decode(code: &[u8], at: usize) -> Option<Instruction> {
    let mut decoder = Decoder::with_ip(64, code.get(at..)?, at as u64, DecoderOptions::NONE);
    let instruction = decoder.decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// An instruction as text, with the bits of a constant in place of its address.
fn text(instruction: &Instruction, code: &[u8]) -> String {
    use iced_x86::{Formatter, GasFormatter};
    let mut text = String::new();
    let mut formatter = GasFormatter::new();
    formatter.options_mut().set_rip_relative_addresses(true);
    formatter.format(instruction, &mut text);
    if instruction.is_ip_rel_memory_operand() {
        let from = instruction.ip_rel_memory_address() as usize;
        let n_bytes = instruction.memory_size().size();
        let bits: String = code[from..from + n_bytes].iter().map(|byte| format!("{byte:02x}")).collect();
        let end = text.find("(%rip)").expect("a constant's address");
        let start = text[..end].rfind([' ', ',']).expect("an operand after the name") + 1;
        text.replace_range(start..end + "(%rip)".len(), &format!("const {bits}"));
    }
    text
}
