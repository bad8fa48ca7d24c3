//! The stages of the compiler by name, and a clock that times them.

use std::fmt;
use std::time::{Duration, Instant};

/// A stage of the compiler, by what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The syntax tree.
    Ast,
    /// The typed graph.
    Hir,
    /// The typed graph, optimised.
    Opt,
    /// The loops.
    Fuse,
    /// The loops as straight-line code over lanes.
    Tape,
    /// What is decided of the loops before instructions are chosen, for contiguous arrays: vector
    /// blocks, registers, calls.
    Outline,
    /// The loops in Cranelift's intermediate representation, for contiguous arrays.
    Clif,
    /// The loops in assembly, for contiguous arrays.
    Asm,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: &[Stage] =
        &[Stage::Ast, Stage::Hir, Stage::Opt, Stage::Fuse, Stage::Tape, Stage::Outline, Stage::Clif, Stage::Asm];

    /// Its name in lower case, as the command line has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ast => "ast",
            Stage::Hir => "hir",
            Stage::Opt => "opt",
            Stage::Fuse => "fuse",
            Stage::Tape => "tape",
            Stage::Outline => "outline",
            Stage::Clif => "clif",
            Stage::Asm => "asm",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Times the stages of one compilation.
pub(crate) struct Clock {
    last: Instant,
    pub(super) laps: Vec<(Stage, Duration)>,
}

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock { last: Instant::now(), laps: Vec::with_capacity(Stage::ALL.len()) }
    }

    /// Ends a stage.
    pub(super) fn lap(&mut self, stage: Stage) {
        let now = Instant::now();
        self.laps.push((stage, now - self.last));
        self.last = now;
    }
}
