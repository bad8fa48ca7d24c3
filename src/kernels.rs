//! The kernels of a loop: one for each layout that has come up, compiled when first asked for and
//! found without a lock.
//!
//! Nobody waits while another thread compiles, as with `OnceLock`: in a child that is forked
//! meanwhile that thread is not there, and it would be for ever. Should two compile the same, both
//! are right.

use crate::codegen::{self, Refusal, Stores, Target};
use crate::fuse;
use crate::hir::Graph;
use crate::tape::{Node, Tape};
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::exec::Kernel;
use ndexpr_runtime::plan::Plan;
use once_cell::race::OnceBox;
use smallvec::SmallVec;

/// A loop, and its kernels for the layouts that have come up.
pub(crate) struct CompiledLoop {
    pub(crate) tape: Tape,
    target: &'static Target,
    /// The run kinds of the most likely layout.
    expected: SmallVec<[RunKind; 8]>,
    first: OnceBox<OfLayout>,
    others: boxcar::Vec<OfLayout>,
}

/// The kernel for one layout.
struct OfLayout {
    kinds: SmallVec<[RunKind; 8]>,
    kernel: Result<Kernel, Refusal>,
    /// The same with stores past the caches, made when first asked for; the second is for long runs.
    streaming: [OnceBox<Result<Kernel, Refusal>>; 2],
}

impl CompiledLoop {
    pub(crate) fn new(tape: Tape, graph: &Graph, group: &fuse::Loop, target: &'static Target) -> CompiledLoop {
        let is_scalar = group.outputs.iter().all(|&(id, _)| graph.is_scalar(id));
        let inputs = group.inputs.iter().map(|&(id, _)| match graph.is_scalar(id) && !is_scalar {
            true => RunKind::Splat,
            false => RunKind::Contiguous,
        });
        let outputs = group.outputs.iter().map(|_| RunKind::Contiguous);
        let expected = inputs.chain(outputs).collect();
        CompiledLoop { tape, target, expected, first: OnceBox::new(), others: boxcar::Vec::new() }
    }

    /// Contiguous arrays and scalars.
    pub(crate) fn expected_kinds(&self) -> &[RunKind] {
        &self.expected
    }

    /// The kernel for operands of these run kinds, compiled when first asked for.
    pub(crate) fn kernel(&self, kinds: &[RunKind]) -> &Result<Kernel, Refusal> {
        &self.of_layout(kinds).kernel
    }

    /// The kernel that writes a plan's results past the caches, if that is worth it and there is
    /// one.
    pub(crate) fn streaming_kernel(&self, plan: &Plan<'_>) -> Option<&Kernel> {
        if !plan.is_worth_streaming() {
            return None;
        }
        let (kinds, has_long_runs) = (plan.run_kinds(), plan.has_long_runs());
        let stores = if has_long_runs { Stores::StreamingLong } else { Stores::Streaming };
        let make = || Box::new(codegen::compile(&self.tape, kinds, stores, self.target));
        self.of_layout(kinds).streaming[usize::from(has_long_runs)].get_or_init(make).as_ref().ok()
    }

    fn of_layout(&self, kinds: &[RunKind]) -> &OfLayout {
        let first = self.first.get_or_init(|| Box::new(self.compile(kinds)));
        match *first.kinds == *kinds {
            true => first,
            false => self.of_other_layout(kinds),
        }
    }

    #[cold]
    fn of_other_layout(&self, kinds: &[RunKind]) -> &OfLayout {
        let found = self.others.iter().map(|(_, other)| other).find(|other| *other.kinds == *kinds);
        found.unwrap_or_else(|| &self.others[self.others.push(self.compile(kinds))])
    }

    fn compile(&self, kinds: &[RunKind]) -> OfLayout {
        let kernel = codegen::compile(&self.tape, kinds, Stores::Ordinary, self.target);
        OfLayout { kinds: SmallVec::from_slice(kinds), kernel, streaming: [OnceBox::new(), OnceBox::new()] }
    }

    /// About how many bytes of memory it takes, with the machine code of all layouts.
    pub(crate) fn n_bytes(&self) -> usize {
        /// A kernel takes whole pages, for code and for what Cranelift keeps of it.
        const PAGES: usize = 2 * 4096;
        const CODE_PER_NODE: usize = 128;

        let n_nodes = self.tape.nodes.len();
        let n_layouts = usize::from(self.first.get().is_some()) + self.others.count();
        n_nodes * size_of::<Node>() + n_layouts * (PAGES + n_nodes * CODE_PER_NODE)
    }

    pub(crate) fn first_refusal(&self) -> Option<&Refusal> {
        let others = self.others.iter().map(|(_, other)| other);
        self.first.get().into_iter().chain(others).find_map(|layout| layout.kernel.as_ref().err())
    }
}
