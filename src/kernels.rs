//! The kernels of a loop: one for each layout that has come up, compiled when first asked for and found without a lock.

use crate::codegen::{self, Refusal, Stores, Target};
use crate::fuse;
use crate::hir::Graph;
use crate::tape::Tape;
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::exec::Kernel;
use smallvec::SmallVec;
use std::sync::OnceLock;

/// A loop, and its kernels for the layouts that have come up.
pub(crate) struct CompiledLoop {
    pub(crate) tape: Tape,
    target: &'static Target,
    /// The run kinds of the most likely layout.
    expected: SmallVec<[RunKind; 8]>,
    kernels: OnceLock<Box<KernelNode>>,
}

/// A list that only grows, so that finding a kernel takes no lock.
struct KernelNode {
    kinds: SmallVec<[RunKind; 8]>,
    kernel: Result<Kernel, Refusal>,
    /// The same with stores past the caches, if there is such a thing; made when first asked for.
    streaming: OnceLock<Option<Kernel>>,
    next: OnceLock<Box<KernelNode>>,
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
        CompiledLoop { tape, target, expected, kernels: OnceLock::new() }
    }

    /// Contiguous arrays and scalars.
    pub(crate) fn expected_kinds(&self) -> &[RunKind] {
        &self.expected
    }

    /// The kernel for operands of these run kinds, compiled when first asked for.
    pub(crate) fn kernel(&self, kinds: &[RunKind]) -> &Result<Kernel, Refusal> {
        &self.node(kinds).kernel
    }

    /// The kernel that writes past the caches, if there is one.
    pub(crate) fn streaming_kernel(&self, kinds: &[RunKind]) -> Option<&Kernel> {
        let make = || codegen::compile(&self.tape, kinds, Stores::Streaming, self.target).ok();
        made_before(&self.node(kinds).streaming, make).as_ref()
    }

    fn node(&self, kinds: &[RunKind]) -> &KernelNode {
        let mut place = &self.kernels;
        loop {
            let node = made_before(place, || {
                Box::new(KernelNode {
                    kinds: SmallVec::from_slice(kinds),
                    kernel: codegen::compile(&self.tape, kinds, Stores::Ordinary, self.target),
                    streaming: OnceLock::new(),
                    next: OnceLock::new(),
                })
            });
            if *node.kinds == *kinds {
                return node;
            }
            place = &node.next;
        }
    }

    pub(crate) fn first_refusal(&self) -> Option<&Refusal> {
        let mut place = &self.kernels;
        while let Some(node) = place.get() {
            if let Err(refusal) = &node.kernel {
                return Some(refusal);
            }
            place = &node.next;
        }
        None
    }
}

/// What is in a place; if nothing is, what is made now, or what another thread has put there meanwhile.
///
/// Nobody waits while another makes it, as with `OnceLock::get_or_init`: in a child that is forked meanwhile that thread is
/// not there, and it would be for ever.
fn made_before<T>(place: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    match place.get() {
        Some(found) => found,
        None => {
            let made = make();
            place.get_or_init(|| made)
        }
    }
}

impl Drop for KernelNode {
    /// One by one: the list may be longer than the stack is deep.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}
