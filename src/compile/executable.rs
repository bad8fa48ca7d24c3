//! The machine code of a program's loops.
//!
//! In: an optimised graph and its loops. Out: an [`Executable`]: compiled loops, or the reason why
//! the program is interpreted. Always true: every tape passed `tape::verify` before code was made
//! of it.

use super::regions;
use super::stage::{Clock, Stage};
use crate::codegen::{Generator, Refusal, Target};
use crate::fuse;
use crate::hir::{Graph, RegionUse};
use crate::kernels::CompiledLoop;
use crate::options::Backend;
use crate::tape::{self, MAX_NODE_ARGS, Tape};
use ndexpr_runtime::exec::Progress;

/// What runs.
pub(crate) enum Executable {
    /// Machine code, one for each of the fused loops.
    Jit { loops: Vec<CompiledLoop> },
    /// The interpreter, and why.
    Interp { reason: String },
}

impl Executable {
    pub(super) fn new(
        graph: &Graph,
        fused: &fuse::Fused,
        backend: Backend,
        generator: Option<&Generator>,
        progress: Option<&Progress>,
        clock: &mut Clock,
    ) -> Executable {
        let made = match (backend, generator) {
            (Backend::Interp, _) => Err("the engine was told to".to_owned()),
            (Backend::Jit, None) => Err("there is no code generator for this processor".to_owned()),
            (Backend::Jit, Some(generator)) => compile_loops(graph, fused, generator, progress, clock),
        };
        match made {
            Ok(loops) => Executable::Jit { loops },
            Err(reason) => Executable::Interp { reason },
        }
    }

    /// The loops, if they are machine code.
    pub(crate) fn loops(&self) -> Option<&[CompiledLoop]> {
        match self {
            Executable::Jit { loops } => Some(loops),
            Executable::Interp { .. } => None,
        }
    }

    /// Why the program, or a layout that it has been run with, is interpreted. None if it is not.
    pub(crate) fn fallback_reason(&self) -> Option<&str> {
        match self {
            Executable::Interp { reason } => Some(reason),
            Executable::Jit { loops } => {
                loops.iter().find_map(CompiledLoop::first_refusal).map(|refusal| refusal.0.as_str())
            }
        }
    }
}

/// The tapes of fused loops, each verified; or why it cannot be compiled.
pub(crate) fn build_tapes(graph: &Graph, fused: &fuse::Fused, target: &Target) -> Result<Vec<Tape>, String> {
    let args = |used: &RegionUse| used.args.len();
    if let Some(n) = graph.regions().iter().map(args).max().filter(|&n| n > MAX_NODE_ARGS) {
        return Err(format!("a loop of each element has {n} values, and {MAX_NODE_ARGS} can be compiled"));
    }
    let build = |group| {
        let tape = tape::build(graph, group, target.machine().preferences())
            .ok_or_else(|| "its values need more scratch than a thread has".to_owned())?;
        if let Err(why) = tape::verify(&tape) {
            debug_assert!(false, "{why}");
            return Err(format!("a defect of the compiler, please report it: {why}"));
        }
        Ok(tape)
    };
    fused.loops.iter().map(build).collect()
}

/// Compiles every loop for the layout that is most likely, so that a refusal shows at once.
fn compile_loops(
    graph: &Graph,
    fused: &fuse::Fused,
    generator: &Generator,
    progress: Option<&Progress>,
    clock: &mut Clock,
) -> Result<Vec<CompiledLoop>, String> {
    let mut tapes = build_tapes(graph, fused, generator.target())?;
    clock.lap(Stage::Tape);
    let regions = regions::compile(graph, generator, progress)?;
    tapes.iter_mut().for_each(|tape| tape.region_code.clone_from(&regions));
    let loops: Vec<CompiledLoop> = tapes
        .into_iter()
        .zip(&fused.loops)
        .map(|(tape, group)| CompiledLoop::new(tape, graph, group, generator))
        .collect();
    for (compiled, group) in loops.iter().zip(&fused.loops) {
        // Arrays themselves are reduced without a kernel.
        if group.body.is_empty() && !group.folds.is_empty() {
            continue;
        }
        compiled.prepare(progress).map_err(|Refusal(reason)| reason)?;
    }
    clock.lap(Stage::Asm);
    Ok(loops)
}
