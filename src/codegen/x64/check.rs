//! A check of rewritten code that knows nothing of how it was rewritten: it compares texts of
//! instructions.

use super::flow::{Flow, branch_target};
use super::{Conversion, Marked, Step, text};
use iced_x86::{FlowControl, Instruction};

/// What stands for a copy of a wide register to its place in the frame, or from there. Which place
/// that is is not known here.
const SPILL: &str = "a spill";

/// Panics unless exactly what is marked has changed, and in the way that it should. `n_more` is how
/// many bytes the frame is larger.
pub(super) fn assert_changed_as_marked(before: &[u8], after: &[u8], marked: &Marked, n_more: u32) {
    let old = Flow::of(before).expect("code that was decoded before");
    let new = Flow::of(after).expect("code that was encoded");
    let mut found = new.instructions().iter();
    // For each old instruction, the address of what came in its place.
    let mut new_ips = Vec::new();
    let mut branches = Vec::new();
    let makes_frame = |instruction: &&Instruction| {
        let text = text(instruction);
        text.starts_with("sub $") && text.ends_with(",%rsp")
    };
    let frame = old.instructions().iter().rfind(makes_frame).map_or(u64::MAX, Instruction::ip);
    for instruction in old.instructions() {
        let expected = expected(instruction, before, marked, (n_more, instruction.ip() >= frame));
        for (i, expected) in expected.iter().enumerate() {
            let mut next = found.next().unwrap_or_else(|| panic!("nothing in the place of `{instruction}`"));
            // The upper halves may be cleared where a loop is left.
            while text(next) == "vzeroupper" || is_touch(next, n_more) {
                next = found.next().expect("an instruction after `vzeroupper`");
            }
            if i == 0 {
                new_ips.push(next.ip());
            }
            match branch_target(next) {
                Some(to) => {
                    assert_eq!(next.mnemonic(), instruction.mnemonic());
                    branches.push((branch_target(instruction).expect("a branch"), to));
                }
                None if expected == SPILL => {
                    let text = text(next);
                    assert!(text.starts_with("vmovups ") && text.contains("%ymm") && text.contains("(%rsp)"), "{text}");
                    assert!(next.memory_displacement32() < n_more, "{text} is below {n_more}");
                }
                None => assert_eq!(text_with_constants(next, after), *expected, "in place of `{instruction}`"),
            }
        }
    }
    let rest: Vec<&Instruction> =
        found.filter(|instruction| text(instruction) != "vzeroupper" && !is_touch(instruction, n_more)).collect();
    assert!(rest.iter().all(|rest| rest.flow_control() == FlowControl::UnconditionalBranch), "{rest:?}");
    for (old_target, target) in branches {
        let place = old.find(old_target).expect("an old instruction");
        // A branch out of a loop may clear the upper halves on its way.
        let reached = new.find(target).map(|at| &new.instructions()[at..]).unwrap_or_default();
        let to = match reached {
            [clear, jump, ..] if text(clear) == "vzeroupper" && jump.ip() != new_ips[place] => {
                branch_target(jump).expect("a jump after `vzeroupper`")
            }
            [clear, next, ..] if text(clear) == "vzeroupper" => next.ip(),
            _ => target,
        };
        assert_eq!(to, new_ips[place], "where a branch goes");
    }
}

/// The instruction that touches the old end of a frame.
fn is_touch(instruction: &Instruction, n_more: u32) -> bool {
    n_more > 0 && text(instruction) == format!("test %eax,{n_more:#x}(%rsp)")
}

/// The texts that should be found in the place of an instruction.
///
/// `is_in_body` tells whether the instruction comes after the frame is made.
fn expected(instruction: &Instruction, code: &[u8], marked: &Marked, (n_more, is_in_body): (u32, bool)) -> Vec<String> {
    let narrow = text_with_constants(instruction, code);
    let is_streamed = |bytes: &std::ops::Range<usize>| bytes.contains(&(instruction.ip() as usize));
    if marked.stores.iter().any(is_streamed) {
        return vec![streamed(&narrow)];
    }
    let is_vector = narrow.contains("%xmm");
    let Some(step) = marked.step(instruction.ip() as usize).filter(|_| is_vector) else {
        return vec![if is_in_body { in_frame(&narrow, n_more) } else { narrow }];
    };
    let wide = wide(&narrow);
    let is_move = ["movups", "movupd", "movdqu", "movdqa", "movaps", "movapd"].iter().any(|name| narrow.contains(name));
    if is_move && narrow.contains("(%rsp)") {
        return vec![SPILL.to_owned()];
    }
    // Cranelift may copy an operand of a marked instruction to another register first.
    if is_move && narrow.matches("%xmm").count() == 2 {
        return vec![wide];
    }
    let (name, operands) = wide.split_once(' ').expect("an instruction with operands");
    let target = operands.rsplit(',').next().expect("a target");
    let narrow_target = target.replace("%ymm", "%xmm");
    let permuted = |order: &str| format!("vpermq ${order},{}", operands.split_once(',').map_or("", |all| all.1));
    match step {
        Step::Narrow => vec![narrow],
        Step::Streamed => vec![streamed(&wide)],
        Step::Interleave => vec![permuted("0xd8")],
        Step::Gather => vec![permuted("8")],
        Step::GatherHigh => vec![permuted("0xd")],
        Step::Convert(_) | Step::ConvertNarrow(_) => {
            let from = operands.rsplit_once(',').expect("two operands").0;
            let target = if matches!(step, Step::Convert(_)) { target } else { &narrow_target };
            vec![format!("{} {from},{target}", converting(step))]
        }
        Step::Widen => {
            let from = operands.rsplit_once(',').expect("two operands").0;
            vec![format!("{name} {},{target}", from.replace("%ymm", "%xmm"))]
        }
        Step::Spread if narrow.contains('(') => {
            let from = operands.split_once(',').and_then(|all| all.1.rsplit_once(',')).expect("two operands").0;
            vec![format!("vbroadcasti128 {from},{target}"), format!("vpermq $0x50,{target},{target}")]
        }
        Step::Spread => vec![permuted("0x50")],
        _ => match name {
            "vpmovsxbw" | "vpmovsxwd" | "vpmovsxdq" | "vpmovzxbw" | "vpmovzxwd" | "vpmovzxdq" | "vcvtdq2pd"
            | "vcvtps2pd" => {
                vec![format!("vpermq $8,{operands}"), format!("{name} {narrow_target},{target}")]
            }
            "vcvtpd2ps" | "vcvtpd2dq" | "vcvttpd2dq" => {
                let from = operands.rsplit_once(',').expect("two operands").0;
                let name = name.trim_end_matches('x');
                vec![format!("{name} {from},{narrow_target}"), format!("vpermq $0xd8,{target},{target}")]
            }
            _ => vec![wide],
        },
    }
}

/// The name of an instruction that loads and converts.
fn converting(step: Step) -> String {
    let (Step::Convert(conversion) | Step::ConvertNarrow(conversion)) = step else { unreachable!("{step:?}") };
    let letter = |bytes: u32| ["b", "w", "d", "q"][bytes.ilog2() as usize];
    match conversion {
        Conversion::Extend { from, to, signed } => {
            format!("vpmov{}x{}{}", if signed { "s" } else { "z" }, letter(from), letter(to))
        }
        Conversion::IntToFloat => "vcvtdq2pd".to_owned(),
        Conversion::FloatToFloat => "vcvtps2pd".to_owned(),
    }
}

/// The text of the wide form.
fn wide(narrow: &str) -> String {
    // Cranelift writes this one without VEX.
    let narrow = if narrow.starts_with("movdqa") { format!("v{narrow}") } else { narrow.to_owned() };
    let wide = narrow.replace("%xmm", "%ymm");
    match wide.split_once("const ") {
        Some((head, constant)) => {
            let (bits, rest) = constant.split_at(constant.find(',').unwrap_or(constant.len()));
            format!("{head}const {bits}{bits}{rest}")
        }
        None => wide,
    }
}

/// The text of the store past the caches.
fn streamed(text: &str) -> String {
    let mut streamed = text.to_owned();
    for (ordinary, streaming) in [("movups", "movntps"), ("movupd", "movntpd"), ("movdqu", "movntdq")] {
        streamed = streamed.replace(ordinary, streaming);
    }
    assert!(streamed.contains("movnt"), "`{text}` is marked as a store");
    streamed
}

/// The text of an instruction in the frame, when that is so much larger.
fn in_frame(text: &str, n_more: u32) -> String {
    if n_more == 0 {
        return text.to_owned();
    }
    let moved = |number: &str| {
        let old = match number.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).expect("digits"),
            None if number.is_empty() => 0,
            None => number.parse().expect("a number"),
        };
        match old + n_more {
            new @ ..=9 => new.to_string(),
            new => format!("{new:#x}"),
        }
    };
    let start = match (text.find("(%rsp"), text.ends_with(",%rsp")) {
        (Some(base), _) => text[..base].rfind([' ', ',']).expect("a space") + 1,
        (None, true) if text.starts_with("add $") || text.starts_with("sub $") => text.find('$').expect("a number") + 1,
        _ => return text.to_owned(),
    };
    let end = start + text[start..].find(['(', ',']).expect("more");
    format!("{}{}{}", &text[..start], moved(&text[start..end]), &text[end..])
}

/// An instruction as text, with the bits of a constant in place of its address.
fn text_with_constants(instruction: &Instruction, code: &[u8]) -> String {
    let mut text = text(instruction);
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
