//! Finished code as text: the bytes that run, read back.

use super::flow::{Flow, branch_target};
use iced_x86::{Formatter, GasFormatter};
use std::fmt::Write as _;

/// The instructions of a function in the syntax of GNU's assembler, with labels where branches go
/// and constants last.
///
/// # Errors
///
/// If the code cannot be read.
pub(in crate::codegen) fn listing(code: &[u8]) -> Result<String, String> {
    let flow = Flow::of(code)?;
    let instructions = flow.instructions();
    let mut targets: Vec<u64> = instructions.iter().filter_map(branch_target).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut constants: Vec<(usize, usize)> = instructions
        .iter()
        .filter(|instruction| instruction.is_ip_rel_memory_operand())
        .map(|instruction| (instruction.ip_rel_memory_address() as usize, instruction.memory_size().size()))
        .collect();
    constants.sort_unstable();
    constants.dedup();
    let mut formatter = GasFormatter::new();
    formatter.options_mut().set_uppercase_hex(false);
    formatter.options_mut().set_rip_relative_addresses(true);
    formatter.options_mut().set_space_after_operand_separator(true);
    let mut text = String::new();
    for instruction in instructions {
        if let Ok(label) = targets.binary_search(&instruction.ip()) {
            let _ = writeln!(text, "block{label}:");
        }
        let mut line = String::new();
        formatter.format(instruction, &mut line);
        if let Some(label) = branch_target(instruction).and_then(|target| targets.binary_search(&target).ok()) {
            let name = line.split_whitespace().next().unwrap_or("jmp");
            line = format!("{name} block{label}");
        } else if instruction.is_ip_rel_memory_operand() {
            let address = instruction.ip_rel_memory_address() as usize;
            let end = line.find("(%rip)").unwrap_or(line.len());
            let start = line[..end].rfind([' ', ',']).map_or(0, |before| before + 1);
            let place = constants.iter().position(|constant| constant.0 == address).unwrap_or(0);
            line.replace_range(start..end, &format!("constant{place}"));
        }
        let _ = writeln!(text, "  {line}");
    }
    for (i, &(from, n_bytes)) in constants.iter().enumerate() {
        let bytes = code.get(from..from + n_bytes).ok_or("a constant beyond the code")?;
        let bits: String = bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(text, "constant{i}: 0x{bits}");
    }
    Ok(text)
}
