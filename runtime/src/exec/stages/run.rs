//! Runs stages: cuts their work into parts for the threads, alone or several together.
//!
//! In: stages with their kernels and the places of their operands. Out: the targets of the stages,
//! filled. Always true: what is computed does not depend on how the work is cut.

use std::sync::atomic::AtomicBool;

use smallvec::SmallVec;

use super::stage::{Memory, Stage};
use super::worker::{Outcome, Part, Worker, combine_nodes, words_beside};
use super::{LoopKernels, missing_kernel};
use crate::exec::cost::{Threads, estimate_ns_per_elem};
use crate::exec::launch::{Chunks, Shared, launch};
use crate::exec::{ExecError, RunOptions};
use crate::machine::{CHAIN_BLOCK_BYTES, FOLD_NS_PER_ELEM, MAX_NODE_WORDS, MAX_PARTS};
use crate::memory::{with_scratch, zeroed_words};
use crate::plan::Lanes;
use crate::pool::Pool;
use crate::reduce::{COLUMN_LEAF, LEAF};

/// A stage and its kernel, which fit each other.
pub(super) struct Bound<'s> {
    stage: &'s Stage,
    kernels: LoopKernels<'s>,
    /// Where the stage's operands are.
    ptrs: SmallVec<[*mut u8; 8]>,
}

/// How the work of a stage is cut into parts: first into blocks of outer indices, and then each
/// block into pieces of the leaves that its results are made of.
struct Cut<'p> {
    /// Outer indices of a block.
    block: usize,
    /// The number of outer indices in a run. Blocks do not reach from one run into the next.
    run: usize,
    blocks_per_run: usize,
    n_blocks: usize,
    /// Leaves of a part, if a block is more than one part: `1 << level`.
    level: Option<u32>,
    n_leaves: usize,
    parts_per_block: usize,
    threads: Threads<'p>,
}

impl Cut<'_> {
    fn n_parts(&self) -> usize {
        self.n_blocks * self.parts_per_block
    }

    fn leaves_per_part(&self) -> usize {
        self.level.map_or(self.n_leaves, |level| 1 << level)
    }

    fn part(&self, number: usize) -> Part {
        let (block, piece) = (number / self.parts_per_block, number % self.parts_per_block);
        let first = block / self.blocks_per_run * self.run;
        let start = block % self.blocks_per_run * self.block;
        let end = (start + self.block).min(self.run);
        let leaf = piece * self.leaves_per_part();
        let end_leaf = (leaf + self.leaves_per_part()).min(self.n_leaves);
        Part { outer: first + start..first + end, leaves: leaf..end_leaf }
    }
}

impl<'s> Bound<'s> {
    pub(super) fn new(
        stage: &'s Stage,
        kernels: LoopKernels<'s>,
        place: impl Fn(Memory) -> *mut u8,
    ) -> Result<Bound<'s>, ExecError> {
        let ptrs: SmallVec<[*mut u8; 8]> = stage.operands.iter().map(|&memory| place(memory)).collect();
        let leaves = kernels.leaves.filter(|kernel| stage.takes_leaves_of(kernel, &ptrs));
        if stage.is_direct {
            return Ok(Bound { stage, kernels: LoopKernels { any: None, leaves }, ptrs });
        }
        let kernel = kernels.any.ok_or_else(|| missing_kernel(&stage.dtypes))?;
        kernel.check_operands(&stage.dtypes, &stage.kinds, stage.n_inputs)?;
        Ok(Bound { stage, kernels: LoopKernels { any: Some(kernel), leaves }, ptrs })
    }

    fn ns_per_elem(&self) -> f64 {
        let compute = self.kernels.any.map_or(0.0, |kernel| kernel.spec().ns_per_elem);
        let fold = FOLD_NS_PER_ELEM * self.stage.sinks.len() as f32;
        estimate_ns_per_elem(compute + fold, self.stage.bytes_per_elem)
    }

    /// Bytes of scratch for a worker whose parts have at most so many outer indices and leaves.
    fn scratch_bytes(&self, n_outer: usize, n_leaves: usize) -> usize {
        let words = words_beside(self.stage, n_outer, n_leaves);
        let of_kernels = self.kernels.slot_bytes() + self.kernels.accumulator_bytes(self.stage);
        of_kernels + self.stage.fill_bytes() + words * size_of::<u64>()
    }

    /// Words in which a part of a block leaves its partials.
    fn node_words(&self, block: usize) -> usize {
        self.stage.reductions().map(|(_, reducer)| (block * reducer.partial_bytes()).div_ceil(8)).sum()
    }

    fn cut<'p>(&self, pool: &'p Pool) -> Cut<'p> {
        let (nest, ns_per_elem) = (&self.stage.nest, self.ns_per_elem());
        let (n_outer, n_reduced) = (nest.outer.n(), nest.reduced.n());
        let threads = Threads::for_work(ns_per_elem * self.stage.n_elems() as f64, pool);
        let chunk_ns = threads.chunk_ns;
        let leaf_elems = self.stage.leaf_elems();
        let n_leaves = n_reduced.div_ceil(leaf_elems);
        let is_columns = nest.lanes == Lanes::Outer && !self.stage.sinks.is_empty();
        let block = if is_columns {
            self.stage.block_lanes().min(nest.outer.inner())
        } else {
            ((chunk_ns / (ns_per_elem * n_reduced as f64)) as usize).clamp(1, n_outer)
        };
        // The lanes or nodes of a block must be in one run of the innermost outer axis.
        let run = if nest.lanes == Lanes::Outer { nest.outer.inner() } else { n_outer };
        let blocks_per_run = run.div_ceil(block);
        let n_blocks = n_outer / run * blocks_per_run;
        let mut cut = Cut { block, run, blocks_per_run, n_blocks, level: None, n_leaves, parts_per_block: 1, threads };
        let part_ns = ns_per_elem * block as f64 * n_reduced as f64;
        let is_splittable = self.stage.reductions().next().is_some() && n_leaves > 1 && (is_columns || block == 1);
        if is_splittable && part_ns > chunk_ns {
            let leaf_ns = ns_per_elem * (leaf_elems * if is_columns { block } else { 1 }) as f64;
            let mut level = ((chunk_ns / leaf_ns).max(1.0) as u64).ilog2();
            // If there would be too many parts, they are longer than a chunk. Then they report
            // progress and ask whether to stop on their own.
            let words = self.node_words(block);
            let is_too_many = |n_parts: usize| n_parts > MAX_PARTS || n_parts.saturating_mul(words) > MAX_NODE_WORDS;
            loop {
                cut.level = Some(level);
                cut.parts_per_block = n_leaves.div_ceil(1 << level);
                if cut.parts_per_block == 1 || !is_too_many(n_blocks.saturating_mul(cut.parts_per_block)) {
                    break;
                }
                level += 1;
            }
        }
        cut
    }

    /// Runs the stage on its own.
    ///
    /// # Safety
    ///
    /// Nobody else may use the stage's operands, except to read its inputs.
    pub(super) unsafe fn run(&self, options: &RunOptions<'_>) -> Result<(), ExecError> {
        let cut = self.cut(options.pool);
        let is_split = cut.parts_per_block > 1;
        let words = if is_split { self.node_words(cut.block) } else { 0 };
        let mut nodes = zeroed_words(cut.n_parts() * words)?;
        let is_decided = AtomicBool::new(false);
        // SAFETY: only the pointers are not `Sync`. One thread has each part, and parts have
        // different results or different nodes; the caller vouches for the operands.
        let shared = unsafe { Shared::new((self, nodes.as_mut_ptr())) };
        let scratch_bytes = self.scratch_bytes(cut.block, cut.leaves_per_part());
        let chunks = Chunks { n: cut.n_parts(), n_threads: cut.threads.n, scratch_bytes, is_counted: true };
        launch(options, &chunks, |run, number, scratch| {
            let &(bound, nodes) = shared.get();
            let part = cut.part(number);
            let outcome = match is_split {
                false => Outcome::Results,
                true => Outcome::Nodes(nodes.wrapping_add(number * words)),
            };
            let worker = Worker::new((bound.stage, bound.kernels, true), &bound.ptrs, scratch, run, &is_decided);
            // SAFETY: the kernel was checked against the stage in `new`; the scratch has the bytes
            // that a part of this size needs; and as above.
            unsafe { worker.run(&part, outcome) }
        })?;
        if is_split {
            self.combine(&cut, &nodes, words)?;
        }
        Ok(())
    }

    /// Combines the partials that the parts of each block have left, and writes the results.
    fn combine(&self, cut: &Cut<'_>, nodes: &[u64], words: usize) -> Result<(), ExecError> {
        let scratch_bytes = words_beside(self.stage, cut.block, cut.parts_per_block) * size_of::<u64>();
        let per_block = cut.parts_per_block * words;
        with_scratch(scratch_bytes, |scratch| {
            for (block, nodes) in nodes.chunks_exact(per_block).enumerate() {
                let Part { outer, .. } = cut.part(block * cut.parts_per_block);
                // Parts at the end of a run are narrower than `words` has room for.
                let level = cut.level.unwrap_or(0);
                // SAFETY: these are the nodes of the block's parts, all threads are done, and the
                // scratch has room for trees of as many nodes.
                unsafe { combine_nodes((self.stage, &self.ptrs), outer, (nodes, words), level, scratch) };
            }
        })?;
        Ok(())
    }
}

/// Runs stages of the same rows together, block by block.
///
/// # Safety
///
/// The contract of [`Bound::run`], for all stages; and each [shares rows](super::chain) with all
/// stages before it.
pub(super) unsafe fn run_chain(stages: &[Bound<'_>], options: &RunOptions<'_>) -> Result<(), ExecError> {
    let (n_outer, n_reduced) = (stages[0].stage.nest.outer.n(), stages[0].stage.nest.reduced.n());
    let bytes: usize = stages.iter().map(|bound| bound.stage.bytes_per_elem).sum();
    let ns: f64 = stages.iter().map(Bound::ns_per_elem).sum();
    let threads = Threads::for_work(ns * n_outer as f64 * n_reduced as f64, options.pool);
    let chunk_rows = ((threads.chunk_ns / (ns * n_reduced as f64)) as usize).clamp(1, n_outer);
    let block_rows = (CHAIN_BLOCK_BYTES / (bytes * n_reduced).max(1)).clamp(1, chunk_rows);
    let n_leaves = |bound: &Bound<'_>| bound.stage.nest.reduced.n().div_ceil(LEAF);
    let scratch_bytes = stages.iter().map(|bound| bound.scratch_bytes(block_rows, n_leaves(bound))).max();
    let chunks = Chunks {
        n: n_outer.div_ceil(chunk_rows),
        n_threads: threads.n,
        scratch_bytes: scratch_bytes.unwrap_or(0),
        is_counted: true,
    };
    // SAFETY: only the pointers are not `Sync`. Blocks have different rows, so whatever a thread
    // reads of another stage was written by that same thread; the caller vouches for the rest.
    let shared = unsafe { Shared::new(stages) };
    launch(options, &chunks, |run, chunk, scratch| {
        let rows = chunk * chunk_rows..((chunk + 1) * chunk_rows).min(n_outer);
        let mut n_elems = 0;
        for first in rows.clone().step_by(block_rows) {
            let outer = first..(first + block_rows).min(rows.end);
            for bound in *shared.get() {
                let part = Part { outer: outer.clone(), leaves: 0..n_leaves(bound) };
                let is_decided = AtomicBool::new(false);
                // What one stage stores, the next one reads from the cache.
                let leaves = bound.kernels.leaves.filter(|kernel| !kernel.spec().is_streaming);
                let kernels = LoopKernels { leaves, ..bound.kernels };
                let worker = Worker::new((bound.stage, kernels, false), &bound.ptrs, scratch, run, &is_decided);
                // SAFETY: kernels and scratch as in `Bound::run`; and as above.
                n_elems += unsafe { worker.run(&part, Outcome::Results) };
            }
        }
        n_elems
    })
}

impl Stage {
    /// Elements that one leaf takes of each result.
    fn leaf_elems(&self) -> usize {
        if self.nest.lanes == Lanes::Outer { COLUMN_LEAF } else { LEAF }
    }

    /// The elements of a part.
    pub(super) fn part_elems(&self, part: &Part) -> usize {
        let index = |leaf: usize| (leaf * self.leaf_elems()).min(self.nest.reduced.n());
        part.outer.len() * (index(part.leaves.end) - index(part.leaves.start))
    }
}
