//! Every instruction that a function can reach, found by following its branches from the first
//! byte.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The instructions of a function, in the order of their addresses.
pub(super) struct Flow {
    instructions: Vec<Instruction>,
    /// Where each branch is, and where it goes. In no order.
    branches: Vec<(u64, u64)>,
}

impl Flow {
    /// Follows the code from its first byte.
    ///
    /// # Errors
    ///
    /// If it is not known where a branch goes, or if the bytes there are no instruction, or lie
    /// within another one.
    pub(super) fn of(code: &[u8]) -> Result<Flow, String> {
        let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
        let mut is_known = vec![false; code.len()];
        let mut instructions: Vec<Instruction> = Vec::with_capacity(code.len() / 4);
        let mut branches = Vec::new();
        // The first of them is followed first, so that most instructions are found in order.
        let mut starts = BinaryHeap::from([Reverse(0_u64)]);
        while let Some(Reverse(start)) = starts.pop() {
            let mut at = start as usize;
            if is_known.get(at) == Some(&true) {
                continue;
            }
            decoder.set_position(at).map_err(|error| error.to_string())?;
            decoder.set_ip(start);
            loop {
                match is_known.get_mut(at) {
                    None => return Err("the code goes on beyond its end".to_owned()),
                    Some(true) => break,
                    Some(is_known) => *is_known = true,
                }
                let instruction = decoder.decode();
                if instruction.is_invalid() {
                    return Err("the code has bytes that are no instruction".to_owned());
                }
                instructions.push(instruction);
                let flow_control = instruction.flow_control();
                if let FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch = flow_control {
                    let target = instruction.near_branch_target();
                    branches.push((instruction.ip(), target));
                    starts.push(Reverse(target));
                }
                match flow_control {
                    FlowControl::Next
                    | FlowControl::Call
                    | FlowControl::IndirectCall
                    | FlowControl::ConditionalBranch => {}
                    FlowControl::UnconditionalBranch => break,
                    FlowControl::Return | FlowControl::Exception => break,
                    _ => return Err(format!("it is not known where `{instruction}` goes")),
                }
                at = instruction.next_ip() as usize;
            }
        }
        if !instructions.is_sorted_by_key(Instruction::ip) {
            instructions.sort_unstable_by_key(Instruction::ip);
        }
        match instructions.windows(2).any(|two| two[0].next_ip() > two[1].ip()) {
            true => Err("an instruction begins within another".to_owned()),
            false => Ok(Flow { instructions, branches }),
        }
    }

    pub(super) fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Where each branch is, and where it goes. In no order.
    pub(super) fn branches(&self) -> &[(u64, u64)] {
        &self.branches
    }

    /// Where the last instruction ends.
    pub(super) fn end(&self) -> usize {
        self.instructions.last().map_or(0, |last| last.next_ip() as usize)
    }

    /// The index of the instruction that begins at this address.
    pub(super) fn find(&self, at: u64) -> Option<usize> {
        self.instructions.binary_search_by_key(&at, Instruction::ip).ok()
    }

    /// The instructions that fill a range of bytes without a gap. `None` if no instructions do.
    pub(super) fn filling(&self, range: &Range<usize>) -> Option<&[Instruction]> {
        let first = self.find(range.start as u64)?;
        let rest = &self.instructions[first..];
        let n = rest.partition_point(|instruction| instruction.ip() < range.end as u64);
        let filling = &rest[..n];
        let has_no_gap = filling.windows(2).all(|two| two[0].next_ip() == two[1].ip());
        (has_no_gap && filling.last()?.next_ip() == range.end as u64).then_some(filling)
    }
}

/// Where a branch goes; `None` for other instructions.
pub(super) fn branch_target(instruction: &Instruction) -> Option<u64> {
    let is_branch =
        matches!(instruction.flow_control(), FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch);
    is_branch.then(|| instruction.near_branch_target())
}
