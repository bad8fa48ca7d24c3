//! A program's loops and their machine code.

use super::executable::Executable;
use super::stage::{Clock, Stage};
use crate::codegen::Generator;
use crate::fuse::{self, Alike, Fused};
use crate::hir::Graph;
use crate::kernels::CompiledLoop;
use crate::options::Backend;
use ndexpr_runtime::exec::Progress;

/// Loops, and what runs them, for calls in which certain domains are alike.
pub(crate) struct Arranged {
    pub(crate) alike: Alike,
    pub(crate) fused: Fused,
    pub(crate) executable: Executable,
}

/// What code is made with.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'t> {
    pub(crate) backend: Backend,
    pub(crate) generator: Option<&'t Generator>,
    pub(crate) progress: Option<&'t Progress>,
}

impl Arranged {
    pub(super) fn timed(graph: &Graph, alike: Alike, tools: Tools<'_>, clock: &mut Clock) -> Arranged {
        let fused = fuse::fuse(graph, &alike);
        clock.lap(Stage::Fuse);
        let Tools { backend, generator, progress } = tools;
        let executable = Executable::new(graph, &fused, backend, generator, progress, clock);
        Arranged { alike, fused, executable }
    }

    pub(crate) fn new(graph: &Graph, alike: Alike, tools: Tools<'_>) -> Arranged {
        Arranged::timed(graph, alike, tools, &mut Clock::start())
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.executable.loops().unwrap_or_default().iter().map(CompiledLoop::n_bytes).sum()
    }
}
