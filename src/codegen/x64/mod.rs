//! Finished machine code of x86-64: decoded, checked, changed and encoded anew. Cranelift has
//! neither registers of 256 bits nor stores past the caches, so its code is rewritten, and nothing
//! about that code is assumed.
//!
//! - [`flow`]: every instruction that the code can reach.
//! - [`draft`]: the instructions while they are changed, and how they are encoded.
//! - [`stream`]: marked stores become stores past the caches.
//! - [`widen`]: marked loops get registers of 256 bits. The module says what is checked.
//! - [`contents`]: what their registers hold.
//! - [`fold`]: loads in wide loops become memory operands of what uses them.
//! - [`frame`]: room on the stack for spilled registers of 256 bits.
//! - [`forms`]: which instructions may become which.
//! - [`listing`]: finished code as text.
//!
//! In: code, and what [`marks`](super::marks) has marked in it. Out: other code, or the reason why
//! it cannot be changed. Always true: an instruction that is neither marked nor in the frame stays
//! what it is. In builds with debug assertions, `check` compares the text of all instructions
//! before and after, and `fold` what loops store.

#[cfg(any(test, debug_assertions))]
mod check;
mod contents;
mod draft;
mod flow;
mod fold;
mod forms;
mod frame;
mod listing;
mod stream;
#[cfg(test)]
mod tests;
mod widen;

pub(super) use listing::listing;

use draft::Draft;
use flow::Flow;
use iced_x86::Encoder;
#[cfg(any(test, debug_assertions))]
use iced_x86::Instruction;
use std::ops::Range;

/// Makes the decoder and the encoder fill their tables. They do so once in a process, and other
/// threads wait meanwhile. In a child that is forked at that moment, the wait would never end.
pub(super) fn prepare() {
    const NOP: &[u8] = &[0x90];
    let instruction = iced_x86::Decoder::new(64, NOP, iced_x86::DecoderOptions::NONE).decode();
    // A `nop` can be encoded. If it cannot, nothing else can either, and the error is reported
    // then.
    let _ = Encoder::new(64).encode(&instruction, 0);
}

/// What an instruction of a loop that gets registers of 256 bits is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Works on wide registers.
    Wide,
    /// A store of a wide register that goes past the caches.
    Streamed,
    /// Works on the first half of a register. The other half of its result is zero.
    Narrow,
    /// A shuffle that stands for a permutation of a register's quarters: 0 2 1 3. Two halves whose
    /// quarters come from memory in turns get their own quarters, or give them back.
    Interleave,
    /// A shuffle that stands for a permutation from a narrow register to a wide one: the quarters
    /// of the first half become the first quarters of both halves.
    Spread,
    /// A shuffle that stands for the reverse: the first quarters of both halves become the first
    /// half.
    Gather,
    /// The same for the second quarters.
    GatherHigh,
    /// A load of lanes in the order of the memory that converts them, into a wide register. The
    /// instruction that is marked stands for any of these.
    Convert(Conversion),
    /// The same into a narrow register.
    ConvertNarrow(Conversion),
    /// A conversion of all lanes of a narrow register to lanes of twice the width.
    Widen,
}

/// How a load converts lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Integers become wider.
    Extend { from: u32, to: u32, signed: bool },
    /// Signed integers of 4 bytes become floats of 8.
    IntToFloat,
    /// Floats of 4 bytes become floats of 8.
    FloatToFloat,
}

/// What is marked in a function's code.
#[derive(Debug, Default)]
pub(super) struct Marked {
    /// Stores that should go past the caches, outside of wide loops.
    pub(super) stores: Vec<Range<usize>>,
    /// The instructions of loops that should get registers of 256 bits: the bytes, the number of
    /// the loop, and what they are for. In the order of the bytes.
    pub(super) steps: Vec<(Range<usize>, u32, Step)>,
}

impl Marked {
    /// What the instruction at an address is for, if it is in a wide loop.
    fn step(&self, at: usize) -> Option<Step> {
        let after = self.steps.partition_point(|(bytes, ..)| bytes.start <= at);
        let (bytes, _, step) = self.steps.get(after.checked_sub(1)?)?;
        bytes.contains(&at).then_some(*step)
    }

    /// The bytes of each wide loop, from the first to the last marked one.
    fn loops(&self) -> Vec<Range<usize>> {
        let mut numbers: Vec<u32> = self.steps.iter().map(|&(_, number, _)| number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let bytes_of = |number| self.steps.iter().filter(move |step| step.1 == number).map(|(bytes, ..)| bytes);
        let whole = |number: u32| {
            let start = bytes_of(number).map(|bytes| bytes.start).min()?;
            let end = bytes_of(number).map(|bytes| bytes.end).max()?;
            Some(start..end)
        };
        numbers.into_iter().filter_map(whole).collect()
    }
}

/// Rewrites what is marked.
///
/// # Errors
///
/// The reason why it cannot be done.
pub(super) fn rewrite(code: &[u8], marked: &Marked, is_streaming: bool) -> Result<Vec<u8>, String> {
    let flow = Flow::of(code)?;
    let mut draft = Draft::new(&flow, code);
    if is_streaming {
        stream::rewrite(marked, &mut draft)?;
    }
    let loops = marked.loops();
    let mut spills = contents::Spills::default();
    loops.iter().for_each(|range| spills.add(&flow, range));
    if spills.n_bytes() > 0 {
        frame::grow(&flow, spills.n_bytes(), &mut draft)?;
    }
    for range in &loops {
        widen::rewrite(marked, range, &spills, &mut draft)?;
    }
    #[cfg(any(test, debug_assertions))]
    check::assert_changed_as_marked(code, &draft.encode()?, marked, spills.n_bytes());
    for range in &loops {
        if let Some(first) = flow.find(range.start as u64) {
            let n = flow.filling(range).map_or(0, <[_]>::len);
            fold::loads(first..first + n, &mut draft);
        }
    }
    draft.encode()
}

/// The text of an instruction, for messages and tests.
#[cfg(any(test, debug_assertions))]
fn text(instruction: &Instruction) -> String {
    use iced_x86::{Formatter, GasFormatter};
    let mut text = String::new();
    let mut formatter = GasFormatter::new();
    formatter.options_mut().set_uppercase_hex(false);
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_rip_relative_addresses(true);
    formatter.format(instruction, &mut text);
    text
}
