//! Finished machine code of x86-64: decoded, checked and rewritten. Cranelift has neither registers
//! of 256 bits nor stores past the caches, so its code is changed afterwards, and nothing about
//! that code is assumed.
//!
//! - [`flow`]: every instruction that the code can reach.
//! - [`stream`]: marked stores become stores past the caches.
//! - [`widen`]: marked loops get registers of 256 bits. The module says what is checked.
//! - [`forms`]: which instructions may become which.
//! - [`listing`]: finished code as text.
//!
//! In: code, and the byte ranges that [`marks`](super::marks) has marked. Out: code of the same
//! length, perhaps with constants behind it, or the reason why it cannot be changed.
//!
//! Always true: an instruction is replaced by one of the same length, so no address in the code
//! changes. In builds with debug assertions, `check` compares the text of all instructions before
//! and after.

#[cfg(any(test, debug_assertions))]
mod check;
mod flow;
mod forms;
mod listing;
mod stream;
#[cfg(test)]
mod tests;
mod widen;

pub(super) use listing::listing;
pub(super) use widen::Loop;

use flow::Flow;
use iced_x86::{Encoder, Instruction};
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

/// What is marked in a function's code.
#[derive(Debug, Default)]
pub(super) struct Marked {
    /// Stores that should go past the caches.
    pub(super) stores: Vec<Range<usize>>,
    /// Loops that should get registers of 256 bits.
    pub(super) loops: Vec<Loop>,
}

/// Rewrites what is marked.
///
/// # Errors
///
/// The reason why it cannot be done.
pub(super) fn rewrite(code: &[u8], marked: &Marked, is_streaming: bool) -> Result<Vec<u8>, String> {
    let flow = Flow::of(code)?;
    let mut rewriter = Rewriter::new(code);
    if is_streaming {
        stream::rewrite(&flow, &marked.stores, &mut rewriter)?;
    }
    for marked in &marked.loops {
        widen::rewrite(&flow, marked, &mut rewriter)?;
    }
    let rewritten = rewriter.finish()?;
    #[cfg(any(test, debug_assertions))]
    check::assert_changed_as_marked(code, &rewritten, marked, is_streaming);
    Ok(rewritten)
}

/// Code, and the instructions that will replace some of it.
struct Rewriter {
    code: Vec<u8>,
    /// The changed instructions. If several have one address, the last one counts.
    changed: Vec<Instruction>,
    /// How many of them are stores past the caches: the first ones, in the order of addresses.
    n_streamed: usize,
    /// The length of the original code.
    n_bytes: usize,
    /// The constants that were repeated behind the code: the old place of each, and the new one.
    constants: Vec<(usize, usize)>,
}

impl Rewriter {
    fn new(code: &[u8]) -> Rewriter {
        Rewriter { code: code.to_vec(), changed: Vec::new(), n_streamed: 0, n_bytes: code.len(), constants: Vec::new() }
    }

    /// An instruction as it is after stores have been changed.
    fn current(&self, instruction: &Instruction) -> Instruction {
        let streamed = &self.changed[..self.n_streamed];
        match streamed.binary_search_by_key(&instruction.ip(), Instruction::ip) {
            Ok(place) => streamed[place],
            Err(_) => *instruction,
        }
    }

    /// The code with the changed instructions, each as long as before.
    fn finish(self) -> Result<Vec<u8>, String> {
        let Rewriter { mut code, changed, .. } = self;
        let mut encoder = Encoder::new(64);
        for instruction in &changed {
            let (at, n_bytes) = (instruction.ip() as usize, instruction.len());
            let mut encode = |has_long_prefix: bool| {
                encoder.set_prevent_vex2(has_long_prefix);
                encoder.encode(instruction, instruction.ip()).map_err(|error| error.to_string())?;
                Ok::<Vec<u8>, String>(encoder.take_buffer())
            };
            // Cranelift does not always take the shorter prefix, so the longer one is tried too.
            let mut bytes = encode(false)?;
            if bytes.len() < n_bytes {
                bytes = encode(true)?;
            }
            if bytes.len() != n_bytes {
                return Err(format!("the instruction `{instruction}` would have another length"));
            }
            code.get_mut(at..at + n_bytes).ok_or("an instruction beyond the code")?.copy_from_slice(&bytes);
        }
        Ok(code)
    }
}
