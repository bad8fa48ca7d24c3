//! What all modules that run a program work on.

use super::folds::Folded;
use super::others::Others;
use super::parts::Parts;
use super::recent::Recent;
use super::staged::Staged;
use crate::compile::{self, Clock, Compiled, Tools, WeakInts};
use crate::context::Context;
use crate::error::Error;
use crate::hir::Graph;
use crate::options::Unused;
use crate::resolve::Resolved;
use crate::vars::Signature;
use ndexpr_grammar::{NameId, Span};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::pool::Pool;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A compiled text, the threads that it runs on, and what was made for its last call.
pub(super) struct Core {
    pub(super) text: Arc<str>,
    pub(super) signature: Signature,
    pub(super) compiled: Compiled,
    pub(super) context: Arc<Context>,
    pub(super) recent: Recent<Staged>,
    /// The parts of the last call's arrays.
    pub(super) recent_parts: Recent<Parts>,
    /// Loops for calls whose shapes the compiled ones do not suit.
    pub(super) others: Others,
    /// The place of each variable that a caller gives, if there are views of variables.
    pub(super) places: FxHashMap<NameId, usize>,
    /// How short calls that reduce run, if the program is simple enough.
    pub(super) folded: Option<Folded>,
}

impl Core {
    pub(super) fn new(
        text: &str,
        signature: &Signature,
        context: Arc<Context>,
        progress: Option<&Progress>,
    ) -> Result<Core, Error> {
        let mut clock = Clock::start();
        let resolved = compile::resolve_evaluation(text, signature, context.setting(), &mut clock);
        let resolved = resolved.map_err(|error| error.in_text(text, &context.registry))?;
        let core = Core::of_resolved((&text.into(), resolved), signature, None, context, progress, clock)?;
        if core.context.options.unused == Unused::Deny {
            let used = compile::check_all_used([core.graph()].into_iter(), signature);
            used.map_err(|error| error.in_text(text, &core.context.registry))?;
        }
        Ok(core)
    }

    /// Compiles operations of a text.
    pub(super) fn of_resolved(
        (text, resolved): (&Arc<str>, Resolved),
        signature: &Signature,
        weak: WeakInts,
        context: Arc<Context>,
        progress: Option<&Progress>,
        clock: Clock,
    ) -> Result<Core, Error> {
        let tools = Tools { backend: context.options.backend, generator: context.generator.as_ref(), progress };
        let compiled = compile::compile(resolved, signature, weak, context.setting(), tools, clock)
            .map_err(|error| error.in_text(text, &context.registry))?;
        let folded = Folded::of(&compiled);
        let places = match compiled.graph.views().is_empty() {
            true => FxHashMap::default(),
            false => compiled.graph.given_vars().iter().enumerate().map(|(place, given)| (given.id, place)).collect(),
        };
        Ok(Core {
            text: Arc::clone(text),
            signature: signature.clone(),
            compiled,
            context,
            recent: Recent::default(),
            recent_parts: Recent::default(),
            others: Others::default(),
            places,
            folded,
        })
    }

    /// About how many bytes of memory it takes.
    pub(super) fn n_bytes(&self) -> usize {
        self.text.len() + self.signature.n_bytes() + self.compiled.n_bytes() + self.others.n_bytes()
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.compiled.graph
    }

    /// The dtype of a result.
    #[inline]
    pub(super) fn result_dtype(&self, result: usize) -> DType {
        self.graph().dtype(self.graph().roots()[result])
    }

    #[inline]
    pub(super) fn n_results(&self) -> usize {
        self.graph().roots().len()
    }

    pub(super) fn has_reductions(&self) -> bool {
        !self.graph().reductions().is_empty()
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.context.pool
    }

    /// Where the text first names a variable.
    pub(super) fn first_use(&self, name: &str) -> Option<Span> {
        self.compiled.resolved.first_use(name)
    }

    /// The error for a result that does not have the dtype that the caller has a place for.
    pub(super) fn dtype_error(&self, result: usize, expected: DType) -> Error {
        let whole = self.compiled.resolved.results()[result].span;
        Error::result_dtype(expected, self.result_dtype(result), Some((whole, &self.text)))
    }

    /// The error for more or fewer results than the caller has places for.
    #[cold]
    pub(super) fn count_error(&self, expected: usize) -> Error {
        let n_results = self.n_results();
        let all: Vec<usize> = (0..n_results).collect();
        Error::result_count(expected, n_results, self.results_span(&all))
    }

    /// Where the text has some of the results.
    pub(super) fn results_span(&self, which: &[usize]) -> Span {
        let results = self.compiled.resolved.results();
        let spans = which.iter().map(|&result| results[result].span);
        let all = spans.reduce(|all, one| Span::new(all.start.min(one.start), all.end.max(one.end)));
        all.unwrap_or_default()
    }
}
