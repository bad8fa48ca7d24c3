//! Marks on instructions: Cranelift carries a number with each instruction to the bytes that it
//! becomes.
//!
//! In: the emitter marks instructions that [`x64`](super::x64) should rewrite. Out: the bytes of
//! each.

use super::x64::{Loop, Marked};
use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::SourceLoc;

/// What a marked instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A store of whole registers that should go past the caches.
    Store,
    /// An instruction of a loop that gets registers of 256 bits. Loops have numbers from 0.
    Loop(u32),
    /// A store that should go past the caches, in a loop that gets registers of 256 bits.
    LoopStore(u32),
    /// The fence after a loop that gets registers of 256 bits.
    End(u32),
}

impl Mark {
    /// The number that Cranelift carries.
    ///
    /// It is even: Cranelift keeps the difference to the first mark of the function, and a
    /// difference of -1 would mean that there is no mark.
    pub(super) fn loc(self) -> SourceLoc {
        SourceLoc::new(match self {
            Mark::Store => 0,
            Mark::Loop(index) => 8 * index + 2,
            Mark::LoopStore(index) => 8 * index + 4,
            Mark::End(index) => 8 * index + 6,
        })
    }

    fn of(loc: SourceLoc) -> Option<Mark> {
        if loc.is_default() {
            return None;
        }
        let (index, kind) = (loc.bits() / 8, loc.bits() % 8 / 2);
        Some([Mark::Store, Mark::Loop(index), Mark::LoopStore(index), Mark::End(index)][kind as usize])
    }
}

/// The bytes that are marked in a function.
pub(super) fn marked(code: &CompiledCode) -> Marked {
    let mut marked = Marked::default();
    for range in code.buffer.get_srclocs_sorted() {
        let Some(mark) = Mark::of(range.loc) else { continue };
        let bytes = range.start as usize..range.end as usize;
        if matches!(mark, Mark::Store | Mark::LoopStore(_)) {
            marked.stores.push(bytes.clone());
        }
        if let Mark::Loop(index) | Mark::LoopStore(index) | Mark::End(index) = mark {
            let index = index as usize;
            if marked.loops.len() <= index {
                marked.loops.resize(index + 1, Loop::default());
            }
            let of_loop = &mut marked.loops[index];
            if let Mark::End(_) = mark { &mut of_loop.end } else { &mut of_loop.body }.push(bytes);
        }
    }
    // A segment without a loop has no bytes.
    marked.loops.retain(|marked| !marked.body.is_empty() || !marked.end.is_empty());
    marked
}
