//! Marks on instructions: Cranelift carries a number with each instruction to the bytes that it
//! becomes.
//!
//! In: the emitter marks instructions that [`x64`](super::x64) should rewrite. Out: the bytes of
//! each.

use super::x64::{Conversion, Marked, Step};
use cranelift_codegen::CompiledCode;
use cranelift_codegen::ir::SourceLoc;

/// What a marked instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A store of whole registers that should go past the caches, outside of wide loops.
    Store,
    /// An instruction of a loop that gets registers of 256 bits. Loops have numbers from 0.
    Loop(u32, Step),
}

/// The steps, in the order of their numbers.
const STEPS: [Step; 8] = [
    Step::Wide,
    Step::Streamed,
    Step::Narrow,
    Step::Interleave,
    Step::Spread,
    Step::Gather,
    Step::GatherHigh,
    Step::Widen,
];

/// The conversions, in the order of their numbers.
const CONVERSIONS: [Conversion; 14] = {
    const fn extend(from: u32, to: u32, signed: bool) -> Conversion {
        Conversion::Extend { from, to, signed }
    }
    [
        extend(1, 2, false),
        extend(1, 4, false),
        extend(1, 8, false),
        extend(2, 4, false),
        extend(2, 8, false),
        extend(4, 8, false),
        extend(1, 2, true),
        extend(1, 4, true),
        extend(1, 8, true),
        extend(2, 4, true),
        extend(2, 8, true),
        extend(4, 8, true),
        Conversion::IntToFloat,
        Conversion::FloatToFloat,
    ]
};

/// How many numbers a loop's steps have: the steps, then all conversions, wide and narrow.
const N_STEPS: u32 = (STEPS.len() + 2 * CONVERSIONS.len()) as u32;

fn number(step: Step) -> u32 {
    let conversion = |conversion: Conversion| CONVERSIONS.iter().position(|&known| known == conversion);
    let number = match step {
        Step::Convert(found) => conversion(found).map(|place| STEPS.len() + 2 * place),
        Step::ConvertNarrow(found) => conversion(found).map(|place| STEPS.len() + 2 * place + 1),
        step => STEPS.iter().position(|&known| known == step),
    };
    number.expect("all steps are listed") as u32
}

fn step(number: u32) -> Step {
    let number = number as usize;
    match number.checked_sub(STEPS.len()) {
        None => STEPS[number],
        Some(place) if place % 2 == 0 => Step::Convert(CONVERSIONS[place / 2]),
        Some(place) => Step::ConvertNarrow(CONVERSIONS[place / 2]),
    }
}

impl Mark {
    /// The number that Cranelift carries.
    ///
    /// It is even: Cranelift keeps the difference to the first mark of the function, and a
    /// difference of -1 would mean that there is no mark.
    pub(super) fn loc(self) -> SourceLoc {
        SourceLoc::new(match self {
            Mark::Store => 0,
            Mark::Loop(index, step) => 2 + 2 * (N_STEPS * index + number(step)),
        })
    }

    fn of(loc: SourceLoc) -> Option<Mark> {
        if loc.is_default() {
            return None;
        }
        let Some(bits) = loc.bits().checked_sub(2) else { return Some(Mark::Store) };
        Some(Mark::Loop(bits / 2 / N_STEPS, step(bits / 2 % N_STEPS)))
    }
}

/// What is marked in a function.
pub(super) fn marked(code: &CompiledCode) -> Marked {
    let mut marked = Marked::default();
    for range in code.buffer.get_srclocs_sorted() {
        let bytes = range.start as usize..range.end as usize;
        match Mark::of(range.loc) {
            Some(Mark::Store) => marked.stores.push(bytes),
            Some(Mark::Loop(index, step)) => marked.steps.push((bytes, index, step)),
            None => {}
        }
    }
    marked.steps.sort_by_key(|(bytes, ..)| bytes.start);
    marked
}
