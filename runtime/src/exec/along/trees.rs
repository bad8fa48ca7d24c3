//! What leaves have come to: the trees above them, and how these end.

use smallvec::SmallVec;

use super::{Outcome, Worker};
use crate::exec::stages::{Sink, Stage};
use crate::reduce::{Reducer, Tree};

/// Words of the largest partial.
pub(super) const MAX_PARTIAL_WORDS: usize = 3;

pub(super) type Trees<'m> = SmallVec<[Tree<'m>; 2]>;

/// The memory of a part's trees, one for each sink.
pub(super) struct TreeMemory {
    reducers: SmallVec<[Reducer; 2]>,
    width: usize,
    words: Vec<Vec<u64>>,
}

impl TreeMemory {
    /// For trees of up to so many nodes, each of `width` partials.
    pub(super) fn new(stage: &Stage, width: usize, n_nodes: usize) -> TreeMemory {
        let reducers: SmallVec<[Reducer; 2]> = stage.reductions().map(|(_, reducer)| reducer).collect();
        let words = reducers.iter().map(|reducer| vec![0; Tree::scratch_words(reducer, width, n_nodes as u64)]);
        TreeMemory { words: words.collect(), reducers, width }
    }

    /// New trees, in the same memory.
    pub(super) fn trees(&mut self) -> Trees<'_> {
        let trees = self.reducers.iter().zip(&mut self.words);
        trees.map(|(reducer, words)| Tree::new(*reducer, self.width, words)).collect()
    }
}

impl Worker<'_> {
    /// Where a sink's result of a kept index is.
    pub(super) fn target(&self, sink: &Sink, kept: usize) -> *mut u8 {
        self.ptrs[sink.target].wrapping_offset(self.stage.nest.kept.offset(sink.target, kept))
    }

    /// Ends the trees of `n` results from `kept` on: as results, or as nodes for later.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    pub(super) unsafe fn conclude(&self, trees: Trees<'_>, kept: usize, n: usize, outcome: Outcome) {
        let mut n_words = 0;
        for ((sink, reducer), tree) in self.stage.reductions().zip(trees) {
            // Without leaves the answer was known elsewhere, and whatever this part says is left out.
            let Some(partials) = tree.finish() else { continue };
            // SAFETY: the caller's contract: results are this thread's to write; nodes have room for every sink's.
            unsafe {
                match outcome {
                    Outcome::Results => {
                        let stride = self.stage.nest.kept.inner_stride(sink.target);
                        reducer.finish(n, partials.as_ptr().cast(), self.target(sink, kept), stride);
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
/// `nodes` are what [`Worker::run`] has left for the kept indices `kept..kept + n` of the stage, part after part, each of
/// `stride` words; this thread alone may write these results.
pub(in crate::exec) unsafe fn combine_nodes(
    (stage, ptrs): (&Stage, &[*mut u8]),
    kept: usize,
    n: usize,
    nodes: &[u64],
    stride: usize,
    level: u32,
) {
    let mut memory = TreeMemory::new(stage, n, nodes.len() / stride);
    let mut trees = memory.trees();
    for node in nodes.chunks_exact(stride) {
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
        let target = ptrs[sink.target].wrapping_offset(nest.kept.offset(sink.target, kept));
        // SAFETY: the caller vouches for the results' memory; these are as many partials.
        unsafe { reducer.finish(n, partials.as_ptr().cast(), target, nest.kept.inner_stride(sink.target)) };
    }
}
