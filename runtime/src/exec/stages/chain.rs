//! Which loops run together, block by block of rows.

use super::stage::{Memory, Stage};
use super::{Stages, Step};
use crate::exec::{Kernel, RunOptions};
use crate::plan::Lanes;

/// Rows of a chain are not longer than this: a block of them has to stay in the L2 cache.
const MAX_CHAIN_ROW_BYTES: usize = 512 << 10;

/// Rows of a chain for each thread, so that all threads have blocks.
const MIN_CHAIN_ROWS: usize = 4;

impl Stages {
    /// The end of the loops from `at` on that run together: block by block of rows, so that what one loop has read or
    /// written is still in the cache for the next.
    ///
    /// They have the same kept axes, and what one uses of another is in the rows of the block.
    pub(super) fn chain_end(&self, at: usize, kernels: &[Option<&Kernel>], options: &RunOptions<'_>) -> usize {
        let Step::Along(first) = &self.steps[at] else { return at + 1 };
        let is_reduction = |stage: &Stage| stage.nest.lanes == Lanes::Reduced && stage.reductions().next().is_some();
        let row_bytes = first.nest.reduced.n().saturating_mul(first.bytes_per_elem);
        let n_threads = options.pool.n_threads();
        if !is_reduction(first) || row_bytes > MAX_CHAIN_ROW_BYTES || first.nest.kept.n() < MIN_CHAIN_ROWS * n_threads {
            return at + 1;
        }
        let mut end = at + 1;
        while let Some(Step::Along(stage)) = self.steps.get(end) {
            let (nest, rows) = (&stage.nest, &first.nest);
            let is_same_rows = nest.kept.extents == rows.kept.extents
                && match nest.lanes {
                    Lanes::Reduced => nest.reduced.extents == rows.reduced.extents,
                    Lanes::Kept => nest.reduced.n() == 1 && stage.sinks.is_empty(),
                };
            let earlier = self.steps[at..end].iter().filter_map(|step| match step {
                Step::Along(stage) => Some(&**stage),
                _ => None,
            });
            let is_scan = stage.sinks.iter().any(|sink| sink.scanner.is_some());
            let needs = stage.is_direct || kernels.get(end).copied().flatten().is_some();
            if !is_same_rows || is_scan || !needs || !earlier.into_iter().all(|earlier| shares_rows(stage, earlier)) {
                break;
            }
            end += 1;
        }
        end
    }
}

/// Whether what both stages use and one of them writes is used in the same rows by both: then blocks of rows may run in any
/// order.
fn shares_rows(stage: &Stage, earlier: &Stage) -> bool {
    let is_still = |strides: &[isize]| strides.iter().all(|&stride| stride == 0);
    let is_unit = |stage: &Stage| stage.nest.reduced.n() == 1;
    let in_same_rows = |operand: usize, other: usize| {
        let (here, there) = (&stage.nest, &earlier.nest);
        here.kept.strides(operand) == there.kept.strides(other)
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
