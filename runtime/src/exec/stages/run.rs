//! Runs stages: cuts their work into parts for the threads, alone or several together.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use smallvec::SmallVec;

use super::stage::Memory;
use super::{Stage, missing_kernel};
use crate::exec::along::{self, Outcome, Part, Worker};
use crate::exec::cost::{self, Threads};
use crate::exec::{ExecError, Kernel, Progress, RunOptions};
use crate::memory::with_scratch;
use crate::plan::Lanes;
use crate::pool::Pool;
use crate::reduce::{COLUMN_LEAF, LEAF};

/// The operands of a block of rows, half of the usual L2 cache.
const CHAIN_BLOCK_BYTES: usize = 256 << 10;

/// A stage and its kernel, which fit each other.
pub(super) struct Bound<'s> {
    stage: &'s Stage,
    kernel: Option<&'s Kernel>,
    /// Where the stage's operands are.
    ptrs: SmallVec<[*mut u8; 8]>,
}

// SAFETY: what is not `Sync` by itself are the operands' pointers. They are used by `Worker::run` only, whose callers
// answer for which thread has which part.
unsafe impl Sync for Bound<'_> {}

/// How the work of a stage is cut.
struct Cut<'p> {
    /// Kept indices of a part.
    kept: usize,
    /// Leaves of a part: `1 << level`, or all.
    level: Option<u32>,
    n_leaves: usize,
    threads: Threads<'p>,
}

impl<'s> Bound<'s> {
    pub(super) fn new(
        stage: &'s Stage,
        kernel: Option<&'s Kernel>,
        place: impl Fn(Memory) -> *mut u8,
    ) -> Result<Bound<'s>, ExecError> {
        let ptrs = stage.operands.iter().map(|&memory| place(memory)).collect();
        if stage.is_direct {
            return Ok(Bound { stage, kernel: None, ptrs });
        }
        let kernel = kernel.ok_or_else(|| missing_kernel(&stage.dtypes))?;
        kernel.check_operands(&stage.dtypes, &stage.kinds, stage.n_inputs)?;
        Ok(Bound { stage, kernel: Some(kernel), ptrs })
    }

    fn ns_per_elem(&self) -> f64 {
        let compute = self.kernel.map_or(0.0, |kernel| kernel.spec().ns_per_elem);
        let fold = 0.1 * self.stage.sinks.len() as f32;
        cost::estimate_ns_per_elem(compute + fold, self.stage.bytes_per_elem)
    }

    fn scratch_bytes(&self) -> usize {
        self.slot_bytes() + if self.stage.sinks.is_empty() { 0 } else { along::fill_bytes(self.stage) }
    }

    /// Rounded up so that what comes after is aligned to 64.
    fn slot_bytes(&self) -> usize {
        self.kernel.map_or(0, |kernel| kernel.spec().slot_bytes.next_multiple_of(64))
    }

    fn worker<'w>(&'w self, scratch: *mut u8, is_decided: &'w AtomicBool) -> Worker<'w> {
        let fill = scratch.wrapping_add(self.slot_bytes());
        Worker { stage: self.stage, ptrs: &self.ptrs, kernel: self.kernel, slots: scratch, fill, is_decided }
    }

    fn cut<'p>(&self, pool: &'p Pool) -> Cut<'p> {
        let (nest, ns_per_elem) = (&self.stage.nest, self.ns_per_elem());
        let (n_kept, n_reduced) = (nest.kept.n(), nest.reduced.n());
        let threads = Threads::for_work(ns_per_elem * self.stage.n_elems() as f64, pool);
        let chunk_ns = threads.chunk_ns;
        let leaf_elems = if nest.lanes == Lanes::Kept { COLUMN_LEAF } else { LEAF };
        let n_leaves = n_reduced.div_ceil(leaf_elems);
        let is_blocks = nest.lanes == Lanes::Kept && !self.stage.sinks.is_empty();
        let kept = if is_blocks {
            along::block_lanes(self.stage).min(nest.kept.inner())
        } else {
            ((chunk_ns / (ns_per_elem * n_reduced as f64)) as usize).clamp(1, n_kept)
        };
        let part_ns = ns_per_elem * kept as f64 * n_reduced as f64;
        let is_splittable = self.stage.reductions().next().is_some() && n_leaves > 1 && (is_blocks || kept == 1);
        let leaf_ns = ns_per_elem * (leaf_elems * if is_blocks { kept } else { 1 }) as f64;
        let level = (is_splittable && part_ns > chunk_ns).then(|| ((chunk_ns / leaf_ns).max(1.0) as u64).ilog2());
        Cut { kept, level, n_leaves, threads }
    }

    /// Runs the stage on its own.
    ///
    /// # Safety
    ///
    /// Nobody else may use the stage's operands, but to read its inputs.
    pub(super) unsafe fn run(&self, options: &RunOptions<'_>) -> Result<(), ExecError> {
        let nest = &self.stage.nest;
        let cut = self.cut(options.pool);
        // Blocks do not reach across runs of the innermost kept axis, where the lanes or nodes are to be in one run.
        let run = if nest.lanes == Lanes::Kept { nest.kept.inner() } else { nest.kept.n() };
        let blocks_per_run = run.div_ceil(cut.kept);
        let n_blocks = nest.kept.n() / run * blocks_per_run;
        let leaves_per_part = cut.level.map_or(cut.n_leaves, |level| 1 << level);
        let parts_per_block = cut.n_leaves.div_ceil(leaves_per_part);
        let part_of = |chunk: usize| {
            let (block, piece) = (chunk / parts_per_block, chunk % parts_per_block);
            let start = block % blocks_per_run * cut.kept;
            let kept = block / blocks_per_run * run + start..block / blocks_per_run * run + (start + cut.kept).min(run);
            let leaves = piece * leaves_per_part..((piece + 1) * leaves_per_part).min(cut.n_leaves);
            Part { kept, leaves }
        };
        let words: usize = self.stage.reductions().map(|(_, r)| (cut.kept * r.partial_bytes()).div_ceil(8)).sum();
        let n_chunks = n_blocks * parts_per_block;
        let mut nodes = vec![0_u64; if parts_per_block > 1 { n_chunks * words } else { 0 }];
        let node_memory = SharedNodes(nodes.as_mut_ptr());
        let shared = Shared::new(options.progress);
        options.pool.run(n_chunks, cut.threads.n, |_, chunk| {
            let part = part_of(chunk);
            shared.run_chunk(self.part_elems(&part), self.scratch_bytes(), |scratch| {
                let outcome = match parts_per_block {
                    1 => Outcome::Results,
                    _ => Outcome::Nodes(node_memory.at(chunk * words)),
                };
                // SAFETY: the kernel was checked against the stage in `new`; the scratch has the bytes that it needs; the
                // pool hands each chunk to one thread, and parts have different results or different nodes; the caller
                // vouches for the operands.
                unsafe { self.worker(scratch, &shared.is_decided).run(&part, outcome) };
            });
        });
        shared.finish()?;
        if parts_per_block > 1 {
            for block in 0..n_blocks {
                let Part { kept, .. } = part_of(block * parts_per_block);
                let nodes = &nodes[block * parts_per_block * words..][..parts_per_block * words];
                // Parts at the end of a run are narrower than `words` has room for.
                let level = cut.level.unwrap_or(0);
                // SAFETY: these are the nodes of the block's parts, and all threads are done.
                unsafe { along::combine_nodes((self.stage, &self.ptrs), kept.start, kept.len(), nodes, words, level) };
            }
        }
        Ok(())
    }

    fn part_elems(&self, part: &Part) -> usize {
        let leaf = if self.stage.nest.lanes == Lanes::Kept { COLUMN_LEAF } else { LEAF };
        part.kept.len() * (part.leaves.len() * leaf).min(self.stage.nest.reduced.n())
    }
}

/// Where parts leave their nodes: each in its own place.
struct SharedNodes(*mut u64);

// SAFETY: threads write to disjoint places, by the number of their chunk.
unsafe impl Sync for SharedNodes {}

impl SharedNodes {
    fn at(&self, word: usize) -> *mut u64 {
        self.0.wrapping_add(word)
    }
}

/// Runs stages of the same rows together, block by block.
///
/// # Safety
///
/// As [`Bound::run`], for all stages; they have [`shares_rows`], each with all before it.
pub(super) unsafe fn run_chain(stages: &[Bound<'_>], options: &RunOptions<'_>) -> Result<(), ExecError> {
    let (n_kept, n_reduced) = (stages[0].stage.nest.kept.n(), stages[0].stage.nest.reduced.n());
    let bytes: usize = stages.iter().map(|bound| bound.stage.bytes_per_elem).sum();
    let ns: f64 = stages.iter().map(Bound::ns_per_elem).sum();
    let threads = Threads::for_work(ns * n_kept as f64 * n_reduced as f64, options.pool);
    let chunk_rows = ((threads.chunk_ns / (ns * n_reduced as f64)) as usize).clamp(1, n_kept);
    let block_rows = (CHAIN_BLOCK_BYTES / (bytes * n_reduced).max(1)).clamp(1, chunk_rows);
    let scratch_bytes = stages.iter().map(Bound::scratch_bytes).max().unwrap_or(0);
    // Progress counts the elements of all loops.
    let row_elems: usize = stages.iter().map(|bound| bound.stage.nest.reduced.n()).sum();
    let shared = Shared::new(options.progress);
    options.pool.run(n_kept.div_ceil(chunk_rows), threads.n, |_, chunk| {
        let chunk = chunk * chunk_rows..((chunk + 1) * chunk_rows).min(n_kept);
        shared.run_chunk(chunk.len() * row_elems, scratch_bytes, |scratch| {
            for first in chunk.clone().step_by(block_rows) {
                let kept = first..(first + block_rows).min(chunk.end);
                for bound in stages {
                    let part = Part { kept: kept.clone(), leaves: 0..bound.stage.nest.reduced.n().div_ceil(LEAF) };
                    let is_decided = AtomicBool::new(false);
                    // SAFETY: kernels and scratch as in `Bound::run`; the blocks have different rows, so what a thread
                    // reads of another stage it has written itself; the caller vouches for the rest.
                    unsafe { bound.worker(scratch, &is_decided).run(&part, Outcome::Results) };
                }
            }
        });
    });
    shared.finish()
}

/// What the threads of a run share.
struct Shared<'p> {
    progress: Option<&'p Progress>,
    error: OnceLock<ExecError>,
    is_decided: AtomicBool,
}

impl<'p> Shared<'p> {
    fn new(progress: Option<&'p Progress>) -> Shared<'p> {
        Shared { progress, error: OnceLock::new(), is_decided: AtomicBool::new(false) }
    }

    fn run_chunk(&self, n_elems: usize, scratch_bytes: usize, work: impl FnOnce(*mut u8)) {
        if self.error.get().is_some() {
            return;
        }
        if self.progress.is_some_and(Progress::is_to_stop) {
            let _ = self.error.set(ExecError::Cancelled);
            return;
        }
        match with_scratch(scratch_bytes, work) {
            Ok(()) => self.progress.into_iter().for_each(|progress| progress.add_done(n_elems)),
            Err(error) => drop(self.error.set(error.into())),
        }
    }

    fn finish(self) -> Result<(), ExecError> {
        self.error.into_inner().map_or(Ok(()), Err)
    }
}
