//! The trees above leaves: they combine the partials of leaves, and end as results.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::stage::{Sink, Stage};
use super::{Outcome, Worker};
use crate::reduce::{Reducer, Tree};

/// Words of the largest partial.
pub(super) const MAX_PARTIAL_WORDS: usize = 3;

pub(super) type Trees<'m> = SmallVec<[Tree<'m>; 2]>;

/// Words of the memory of a stage's trees of up to so many nodes, each of `width` partials.
pub(super) fn words(stage: &Stage, width: usize, n_nodes: usize) -> usize {
    stage.reductions().map(|(_, reducer)| Tree::scratch_words(&reducer, width, n_nodes as u64)).sum()
}

/// The memory of a part's trees, one for each sink.
pub(super) struct TreeMemory<'m> {
    reducers: SmallVec<[Reducer; 2]>,
    width: usize,
    n_nodes: usize,
    words: &'m mut [u64],
}

impl<'m> TreeMemory<'m> {
    /// Memory for trees of up to so many nodes, each of `width` partials.
    ///
    /// # Safety
    ///
    /// At `memory` are as many initialised [`words`], aligned, that nobody else uses during `'m`.
    pub(super) unsafe fn new(stage: &Stage, width: usize, n_nodes: usize, memory: *mut u64) -> TreeMemory<'m> {
        let reducers = stage.reductions().map(|(_, reducer)| reducer).collect();
        // SAFETY: the caller's contract.
        let words = unsafe { std::slice::from_raw_parts_mut(memory, words(stage, width, n_nodes)) };
        TreeMemory { reducers, width, n_nodes, words }
    }

    /// New trees, in the same memory.
    pub(super) fn trees(&mut self) -> Trees<'_> {
        let mut rest = &mut *self.words;
        let mut trees = Trees::new();
        for reducer in &self.reducers {
            let n_words = Tree::scratch_words(reducer, self.width, self.n_nodes as u64);
            let (words, after) = rest.split_at_mut(n_words);
            trees.push(Tree::new(*reducer, self.width, words));
            rest = after;
        }
        trees
    }
}

impl Worker<'_> {
    /// Where a sink's result of an outer index is.
    pub(super) fn target(&self, sink: &Sink, outer: usize) -> *mut u8 {
        self.ptrs[sink.target].wrapping_offset(self.stage.nest.outer.offset(sink.target, outer))
    }

    /// Ends the trees of `n` results from `outer` on: as results, or as nodes that are combined
    /// later.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn conclude(&self, trees: Trees<'_>, outer: usize, n: usize, outcome: Outcome) {
        let mut n_words = 0;
        for ((sink, reducer), tree) in self.stage.reductions().zip(trees) {
            // The tree has no leaves if another part had already decided the result. Then this part
            // adds nothing to it.
            let Some(partials) = tree.finish() else { continue };
            // SAFETY: the caller's contract: results are this thread's to write; nodes have room
            // for every sink's.
            unsafe {
                match outcome {
                    Outcome::Results => {
                        let stride = self.stage.nest.outer.inner_stride(sink.target);
                        reducer.finish(n, partials.as_ptr().cast(), self.target(sink, outer), stride);
                    }
                    Outcome::Nodes(nodes) => {
                        let nodes = nodes.add(n_words);
                        nodes.copy_from_nonoverlapping(partials.as_ptr(), partials.len());
                        n_words += partials.len();
                    }
                }
            }
        }
    }
}

/// Combines the nodes of parts of `1 << level` leaves, and writes the results.
///
/// # Safety
///
/// - `nodes` are what [`Worker::run`] has left for these outer indices of the stage, part after
///   part, each of `part_words` words; this thread alone may write these results.
/// - At `scratch`, aligned to 8 bytes, are [`words`] for trees of as many nodes as there are parts,
///   which are initialised, and which nobody else uses.
pub(in crate::exec::stages) unsafe fn combine_nodes(
    (stage, ptrs): (&Stage, &[*mut u8]),
    outer: Range<usize>,
    (nodes, part_words): (&[u64], usize),
    level: u32,
    scratch: *mut u8,
) {
    let n = outer.len();
    // SAFETY: the caller's contract.
    let mut memory = unsafe { TreeMemory::new(stage, n, nodes.len() / part_words, scratch.cast()) };
    let mut trees = memory.trees();
    for node in nodes.chunks_exact(part_words) {
        let mut rest = node;
        for ((_, reducer), tree) in stage.reductions().zip(&mut trees) {
            let (words, after) = rest.split_at((n * reducer.partial_bytes()).div_ceil(8));
            tree.slot().copy_from_slice(words);
            tree.push(level);
            rest = after;
        }
    }
    for ((sink, reducer), tree) in stage.reductions().zip(trees) {
        let Some(partials) = tree.finish() else { continue };
        let nest = &stage.nest;
        let target = ptrs[sink.target].wrapping_offset(nest.outer.offset(sink.target, outer.start));
        // SAFETY: the caller vouches for the results' memory; these are as many partials.
        unsafe { reducer.finish(n, partials.as_ptr().cast(), target, nest.outer.inner_stride(sink.target)) };
    }
}
