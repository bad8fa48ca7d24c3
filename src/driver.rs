//! The passes, in order: from text to compiled loops.

use crate::codegen::{self, Target};
use crate::error::Error;
use crate::fuse;
use crate::hir;
use crate::kernels::CompiledLoop;
use crate::opt;
use crate::options::{Backend, CompileOptions, Unused};
use crate::program::Executable;
use crate::tape;
use crate::vars::Signature;
use ndexpr_grammar::Ast;
use std::fmt;
use std::time::{Duration, Instant};

/// A stage of the compiler, by what it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The syntax tree.
    Ast,
    /// The typed graph.
    Hir,
    /// The typed graph, optimised.
    Opt,
    /// The loops.
    Fuse,
    /// The loops as straight-line code over a strip.
    Tape,
    /// The loops in Cranelift's intermediate representation, for contiguous arrays.
    Clif,
    /// The loops in assembly, for contiguous arrays.
    Asm,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 7] = [Stage::Ast, Stage::Hir, Stage::Opt, Stage::Fuse, Stage::Tape, Stage::Clif, Stage::Asm];

    /// Its name in lower case, as the command line has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ast => "ast",
            Stage::Hir => "hir",
            Stage::Opt => "opt",
            Stage::Fuse => "fuse",
            Stage::Tape => "tape",
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

/// What the passes make of a text.
pub(crate) struct Compiled {
    pub(crate) ast: Ast,
    pub(crate) graph: hir::Graph,
    pub(crate) plan: fuse::Plan,
    pub(crate) executable: Executable,
    pub(crate) times: Vec<(Stage, Duration)>,
}

/// Compiles a text for variables of these types.
pub(crate) fn compile(text: &str, signature: &Signature, options: &CompileOptions) -> Result<Compiled, Error> {
    let mut clock = Clock::start();
    let ast = parse(text, options)?;
    clock.lap(Stage::Ast);
    let typed = lower(&ast, signature, options)?;
    clock.lap(Stage::Hir);
    let graph = optimise(&typed, options)?;
    clock.lap(Stage::Opt);
    let plan = fuse::plan(&graph);
    clock.lap(Stage::Fuse);
    let executable = match (options.backend, Target::host(options.registers)) {
        (Backend::Interp, _) => Executable::Interp { reason: "the engine was told to".to_owned() },
        (Backend::Jit, None) => {
            Executable::Interp { reason: "there is no code generator for this processor".to_owned() }
        }
        (Backend::Jit, Some(target)) => build_loops(&graph, &plan, target, &mut clock),
    };
    Ok(Compiled { ast, graph, plan, executable, times: clock.laps })
}

pub(crate) fn parse(text: &str, options: &CompileOptions) -> Result<Ast, Error> {
    ndexpr_grammar::parse(text, &options.limits).map_err(|error| Error::syntax(&error))
}

pub(crate) fn lower(ast: &Ast, signature: &Signature, options: &CompileOptions) -> Result<hir::Graph, Error> {
    let type_of = |name: &str| signature.get(name);
    let known = || signature.iter().map(|(name, _)| name.to_owned()).collect();
    let graph = hir::lower(ast, &type_of, &known).map_err(|error| Error::typing(&error))?;
    if options.unused == Unused::Deny {
        let used = || graph.vars().iter().map(|var| var.name.as_str());
        if let Some((name, _)) = signature.iter().find(|(name, _)| !used().any(|used| used == *name)) {
            return Err(Error::unused_variable(name, hir::similar(name, used())));
        }
    }
    debug_verify("lower", || hir::verify(&graph))?;
    Ok(graph)
}

pub(crate) fn optimise(graph: &hir::Graph, options: &CompileOptions) -> Result<hir::Graph, Error> {
    let graph = opt::run(graph, options.floats);
    debug_verify("opt", || hir::verify(&graph))?;
    Ok(graph)
}

/// The tapes of a plan, each verified; or why it cannot be compiled.
pub(crate) fn build_tapes(graph: &hir::Graph, plan: &fuse::Plan, target: &Target) -> Result<Vec<tape::Tape>, String> {
    let build = |group| {
        let tape = tape::build(graph, group, target.features())
            .ok_or_else(|| "its values need more scratch than a thread has".to_owned())?;
        if let Err(why) = tape::verify(&tape) {
            debug_assert!(false, "{why}");
            return Err(format!("a defect of the compiler, please report it: {why}"));
        }
        Ok(tape)
    };
    plan.loops.iter().map(build).collect()
}

fn build_loops(graph: &hir::Graph, plan: &fuse::Plan, target: &'static Target, clock: &mut Clock) -> Executable {
    let tapes = match build_tapes(graph, plan, target) {
        Ok(tapes) => tapes,
        Err(reason) => return Executable::Interp { reason },
    };
    clock.lap(Stage::Tape);
    let loops: Vec<CompiledLoop> =
        tapes.into_iter().zip(&plan.loops).map(|(tape, group)| CompiledLoop::new(tape, graph, group, target)).collect();
    // Compile now for the layout that is most likely, so that a refusal shows at once.
    for (compiled, group) in loops.iter().zip(&plan.loops) {
        // Arrays themselves are reduced without a kernel.
        if group.body.is_empty() && !group.folds.is_empty() {
            continue;
        }
        if let Err(codegen::Refusal(reason)) = compiled.kernel(compiled.expected_kinds()) {
            return Executable::Interp { reason: reason.clone() };
        }
    }
    clock.lap(Stage::Asm);
    Executable::Jit { loops }
}

fn debug_verify(pass: &str, verify: impl FnOnce() -> Result<(), String>) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        verify().map_err(|why| Error::internal(format!("{pass}: {why}")))?;
    }
    Ok(())
}

/// Times the stages.
struct Clock {
    last: Instant,
    laps: Vec<(Stage, Duration)>,
}

impl Clock {
    fn start() -> Clock {
        Clock { last: Instant::now(), laps: Vec::with_capacity(Stage::ALL.len()) }
    }

    fn lap(&mut self, stage: Stage) {
        let now = Instant::now();
        self.laps.push((stage, now - self.last));
        self.last = now;
    }
}
