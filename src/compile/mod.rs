//! The passes, in order: from text to compiled loops.
//!
//! In: a text, the types of its variables, options. Out: [`Compiled`]. This page is the pipeline;
//! `arranged` and `executable` make the loops and their machine code, `explain` prints what each
//! stage made, `names` lists the variables of a text.

mod arranged;
mod executable;
mod explain;
mod headroom;
mod names;
mod regions;
mod stage;

pub(crate) use arranged::{Arranged, Tools};
pub(crate) use explain::explain;
pub(crate) use names::names;
pub(crate) use stage::Clock;

#[cfg(test)]
pub(crate) use executable::build_tapes;
pub use names::UsedName;
pub use stage::Stage;

use crate::error::Error;
use crate::fuse::Alike;
use crate::hir;
use crate::opt;
use crate::options::CompileOptions;
use crate::resolve::{self, Mode, Phases, Registry, Resolved};
use crate::vars::Signature;
use ndexpr_grammar::Ast;
use ndexpr_runtime::exec::Progress;
use std::time::Duration;

/// The weak integers of the call that a text is compiled for, by name; `None` if it is compiled for
/// no particular call.
pub(crate) type WeakInts = Option<Vec<(String, i128)>>;

/// What the passes make of a text.
pub(crate) struct Compiled {
    pub(crate) resolved: Resolved,
    pub(crate) graph: hir::Graph,
    /// The loops for most calls.
    pub(crate) arranged: Arranged,
    /// Whether these loops are right for all calls.
    pub(crate) is_certain: bool,
    pub(crate) times: Vec<(Stage, Duration)>,
    /// What it was compiled for.
    pub(crate) weak: WeakInts,
}

impl Compiled {
    /// About how many bytes of memory it takes, its machine code included.
    pub(crate) fn n_bytes(&self) -> usize {
        /// The bytes that a node takes in hash tables and lists, in addition to its own.
        const BESIDE: usize = 48;

        let nodes = self.graph.len() * (size_of::<hir::Expr>() + BESIDE);
        self.resolved.n_bytes() + nodes + self.arranged.n_bytes()
    }
}

/// What texts are compiled with.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'s> {
    pub(crate) options: &'s CompileOptions,
    /// The functions that texts can call besides those of the language.
    pub(crate) registry: &'s Registry,
}

/// Compiles the operations of a text for variables of these types. The progress may stop it.
pub(crate) fn compile(
    resolved: Resolved,
    signature: &Signature,
    weak: WeakInts,
    setting: Setting<'_>,
    tools: Tools<'_>,
    mut clock: Clock,
) -> Result<Compiled, Error> {
    let Tools { progress, .. } = tools;
    let goes_on = || match progress.is_some_and(Progress::is_to_stop) {
        true => Err(Error::compiling_cancelled()),
        false => Ok(()),
    };
    goes_on()?;
    let typed = lower(&resolved, signature, &weak, setting)?;
    clock.lap(Stage::Hir);
    goes_on()?;
    let graph = optimise(&typed, setting.options)?;
    clock.lap(Stage::Opt);
    let likely = Alike::likely(&graph);
    let is_certain = likely == Alike::certain(&graph);
    let arranged = Arranged::timed(&graph, likely, tools, &mut clock);
    // If it was stopped, some of its loops are not there.
    goes_on()?;
    Ok(Compiled { resolved, graph, arranged, is_certain, times: clock.laps, weak })
}

pub(crate) fn parse(text: &str, setting: Setting<'_>) -> Result<Ast, Error> {
    let limits = setting.registry.limits(&setting.options.limits);
    ndexpr_grammar::parse(text, &limits).map_err(|error| Error::syntax(&error))
}

/// The operations of a text, in phases: one phase if it only evaluates. The signature is given if
/// it is known.
pub(crate) fn resolve(
    text: &str,
    mode: Mode<'_>,
    signature: Option<&Signature>,
    setting: Setting<'_>,
    clock: &mut Clock,
) -> Result<Phases, Error> {
    let ast = parse(text, setting)?;
    clock.lap(Stage::Ast);
    let phases = resolve_ast(&ast, mode, signature, setting)?;
    let n_steps = phases.all.iter().map(|phase| phase.resolved.len()).sum();
    headroom::check(text.len(), ast.n_exprs().max(n_steps))?;
    Ok(phases)
}

fn resolve_ast(
    ast: &Ast,
    mode: Mode<'_>,
    signature: Option<&Signature>,
    setting: Setting<'_>,
) -> Result<Phases, Error> {
    let is_variable = |name: &str| signature.is_some_and(|signature| signature.get(name).is_some());
    let variables = signature.is_some().then_some(&is_variable as &dyn Fn(&str) -> bool);
    resolve::resolve(ast, setting.registry, setting.options.limits.max_nodes, mode, variables)
        .map_err(|error| Error::resolving(&error))
}

/// The operations of a text that evaluates.
pub(crate) fn resolve_evaluation(
    text: &str,
    signature: &Signature,
    setting: Setting<'_>,
    clock: &mut Clock,
) -> Result<Resolved, Error> {
    let phases = resolve(text, Mode::Evaluate, Some(signature), setting, clock)?;
    let only = phases.all.into_iter().next().map(|phase| phase.resolved);
    only.ok_or_else(|| Error::internal("a text without a phase"))
}

pub(crate) fn lower(
    resolved: &Resolved,
    signature: &Signature,
    weak: &WeakInts,
    setting: Setting<'_>,
) -> Result<hir::Graph, Error> {
    let registry = setting.registry;
    let type_of = |name: &str| signature.get(name);
    let known = || signature.iter().map(|(name, _)| name.to_owned()).collect();
    let values = weak.as_deref().unwrap_or_default();
    let value_of = |name: &str| values.iter().find(|(known, _)| known == name).map(|&(_, value)| value);
    let value_of = weak.is_some().then_some(&value_of as hir::ValueOf<'_>);
    let max_iterations = setting.options.max_iterations.0;
    let scope = hir::Scope { type_of: &type_of, value_of, registry, max_iterations, known: &known };
    let graph =
        hir::lower(resolved, &scope).map_err(|error| Error::typing(&error).called_from(&resolved.calls(error.site)))?;
    debug_verify("lower", || hir::verify(&graph))?;
    Ok(graph)
}

/// Checks that a text uses all variables. `graphs` are those of its phases.
pub(crate) fn check_all_used<'g>(
    graphs: impl Iterator<Item = &'g hir::Graph> + Clone,
    signature: &Signature,
) -> Result<(), Error> {
    let used = || graphs.clone().flat_map(hir::Graph::given_vars).map(|var| var.name.as_str());
    match signature.iter().find(|(name, _)| !used().any(|used| used == *name)) {
        Some((name, _)) => Err(Error::unused_variable(name, hir::similar(name, used()))),
        None => Ok(()),
    }
}

pub(crate) fn optimise(graph: &hir::Graph, options: &CompileOptions) -> Result<hir::Graph, Error> {
    let graph = opt::run(graph, options.floats);
    debug_verify("opt", || hir::verify(&graph))?;
    Ok(graph)
}

fn debug_verify(pass: &str, verify: impl FnOnce() -> Result<(), String>) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        verify().map_err(|why| Error::internal(format!("{pass}: {why}")))?;
    }
    Ok(())
}
