//! Which loops run together, block by block of rows.

use super::stage::{Memory, Stage};
use super::{LoopKernels, Stages, Step};
use crate::exec::RunOptions;
use crate::machine::{MAX_CHAIN_ROW_BYTES, MIN_CHAIN_ROWS};
use crate::plan::Lanes;

impl Stages {
    /// The end of the loops from `at` on that run together, one block of rows after the other. What
    /// one loop has read or written is then still in the cache for the next loop.
    ///
    /// They have the same outer axes, and what one uses of another is in the rows of the block.
    pub(super) fn chain_end(&self, at: usize, kernels: &[LoopKernels<'_>], options: &RunOptions<'_>) -> usize {
        let Step::Along(first) = &self.steps[at] else { return at + 1 };
        let is_reduction = |stage: &Stage| stage.nest.lanes == Lanes::Reduced && stage.reductions().next().is_some();
        let row_bytes = first.nest.reduced.n().saturating_mul(first.bytes_per_elem);
        let n_threads = options.pool.n_threads();
        if !is_reduction(first) || row_bytes > MAX_CHAIN_ROW_BYTES || first.nest.outer.n() < MIN_CHAIN_ROWS * n_threads
        {
            return at + 1;
        }
        let mut end = at + 1;
        while let Some(Step::Along(stage)) = self.steps.get(end) {
            let (nest, rows) = (&stage.nest, &first.nest);
            let is_same_rows = nest.outer.extents == rows.outer.extents
                && match nest.lanes {
                    Lanes::Reduced => nest.reduced.extents == rows.reduced.extents,
                    Lanes::Outer => nest.reduced.n() == 1 && stage.sinks.is_empty(),
                };
            let earlier = self.steps[at..end].iter().filter_map(|step| match step {
                Step::Along(stage) => Some(&**stage),
                _ => None,
            });
            let has_kernel = stage.is_direct || kernels.get(end).is_some_and(|kernels| kernels.any.is_some());
            if !is_same_rows
                || stage.is_scan()
                || !has_kernel
                || !earlier.into_iter().all(|earlier| shares_rows(stage, earlier))
            {
                break;
            }
            end += 1;
        }
        end
    }
}

/// Whether all that one of the two stages writes and the other uses is in the same rows for both.
/// Then blocks of rows may run in any order.
fn shares_rows(stage: &Stage, earlier: &Stage) -> bool {
    let is_still = |strides: &[isize]| strides.iter().all(|&stride| stride == 0);
    let is_unit = |stage: &Stage| stage.nest.reduced.n() == 1;
    let in_same_rows = |operand: usize, other: usize| {
        let (here, there) = (&stage.nest, &earlier.nest);
        here.outer.strides(operand) == there.outer.strides(other)
            && match (is_unit(stage), is_unit(earlier)) {
                (false, false) => here.reduced.strides(operand) == there.reduced.strides(other),
                (false, true) => is_still(here.reduced.strides(operand)),
                (true, _) => is_still(there.reduced.strides(other)),
            }
    };
    stage.operands.iter().enumerate().filter(|(_, memory)| !matches!(memory, Memory::View(_))).all(
        |(operand, memory)| {
            let others = earlier.operands.iter().enumerate().filter(|(_, other)| *other == memory);
            let is_written = |other: usize| operand >= stage.n_inputs || other >= earlier.n_inputs;
            others.filter(|&(other, _)| is_written(other)).all(|(other, _)| in_same_rows(operand, other))
        },
    )
}
