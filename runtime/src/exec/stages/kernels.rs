//! The kernels of a loop: one for any part of it, and perhaps one that accumulates whole leaves.

use smallvec::SmallVec;

use super::spec::SinkOp;
use super::stage::{Place, Stage};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::exec::Kernel;
use crate::machine::{LEAF_STREAM_ALIGN, MIN_ACCUMULATED_LEAVES};
use crate::plan::Lanes;
use crate::reduce::{LANES, LEAF};

/// The kernels of a loop of [`Stages`](super::Stages).
#[derive(Clone, Copy, Default)]
pub struct LoopKernels<'k> {
    /// The kernel for any part of the loop, if it computes anything.
    pub any: Option<&'k Kernel>,
    /// The kernel that accumulates whole leaves of what the loop reduces, see
    /// [`KernelSpec::leaf`](crate::exec::KernelSpec::leaf). Without it, values go through memory.
    pub leaves: Option<&'k Kernel>,
}

/// What a kernel for leaves should be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafUse {
    /// Whether it should keep values past the caches.
    pub streams: bool,
}

impl LoopKernels<'_> {
    /// Bytes of scratch for the slots of any of them, rounded up so that what comes after is
    /// aligned to 64.
    pub(super) fn slot_bytes(self) -> usize {
        let kernels = self.any.into_iter().chain(self.leaves);
        kernels.map(|kernel| kernel.spec().slot_bytes.next_multiple_of(64)).max().unwrap_or(0)
    }

    /// Bytes of scratch for the accumulators of a leaf.
    pub(super) fn accumulator_bytes(self, stage: &Stage) -> usize {
        let accumulators = || stage.reductions().filter_map(|(_, reducer)| reducer.accumulators());
        self.leaves.map_or(0, |_| accumulators().map(|accumulators| accumulators.n_bytes()).sum())
    }
}

impl Stage {
    /// Which kernel for leaves suits the stage with its operands at these addresses.
    pub(super) fn leaf_use(&self, ptrs: &[*mut u8]) -> Option<LeafUse> {
        let nest = &self.nest;
        // What is read where it is takes no kernel, unless several reductions read it.
        let is_suitable = nest.lanes == Lanes::Reduced
            && nest.reduced.extents.len() == 1
            && nest.reduced.n() >= MIN_ACCUMULATED_LEAVES * LEAF
            && self.sinks.len() > usize::from(self.is_direct)
            && !self.kinds[..self.n_inputs].contains(&RunKind::Strided)
            && self.kept().all(|(_, operand)| nest.reduced.inner_stride(operand) == self.size_of(operand))
            && self.sinks.iter().all(|sink| match sink.op {
                SinkOp::Reduce(reducer) => reducer.accumulators().is_some(),
                SinkOp::Scan(_) => false,
            });
        let streams = self.may_stream()
            && self.kept().all(|(value, operand)| {
                let steps = nest.outer.strides(operand).iter().map(|stride| stride.unsigned_abs());
                let mut starts = steps.chain([ptrs[operand].addr()]);
                self.values[value].may_stream && starts.all(|start| start.is_multiple_of(LEAF_STREAM_ALIGN))
            });
        is_suitable.then_some(LeafUse { streams })
    }

    /// Whether a kernel accumulates the leaves of this stage, with its operands at these addresses.
    pub(super) fn takes_leaves_of(&self, kernel: &Kernel, ptrs: &[*mut u8]) -> bool {
        let (spec, Some(leaf_use)) = (kernel.spec(), self.leaf_use(ptrs)) else { return false };
        let Some(rows) = spec.leaf else { return false };
        let accumulators: SmallVec<[DType; 8]> = self
            .reductions()
            .filter_map(|(_, reducer)| reducer.accumulators())
            .flat_map(|accumulators| std::iter::repeat_n(accumulators.dtype, accumulators.count))
            .collect();
        let inputs = || self.dtypes.iter().copied().zip(self.kinds.iter().copied()).take(self.n_inputs);
        let kept = || self.kept().map(|(value, _)| (self.values[value].dtype, RunKind::Contiguous));
        let accumulated = || accumulators.iter().map(|&dtype| (dtype, RunKind::Contiguous));
        let of_inputs = (0..rows.rows).flat_map(|_| inputs()).chain(accumulated());
        let expected = of_inputs.chain((0..rows.rows).flat_map(|_| kept())).chain(accumulated());
        (rows.n_inputs, rows.n_kept) == (self.n_inputs, self.kept().count())
            && (LEAF / LANES).is_multiple_of(rows.rows)
            && spec.n_outputs == rows.rows * rows.n_kept + accumulators.len()
            && spec.operands.iter().copied().eq(expected)
            && (!spec.is_streaming || leaf_use.streams)
    }

    /// The values that stay in memory, and their operands.
    fn kept(&self) -> impl Iterator<Item = (usize, usize)> {
        self.values.iter().enumerate().filter_map(|(value, of)| match of.place {
            Place::Operand(operand) => Some((value, operand)),
            Place::Scratch => None,
        })
    }

    /// The bytes of an element of a value's operand.
    fn size_of(&self, operand: usize) -> isize {
        let value = self.kept().find(|&(_, kept)| kept == operand).map(|(value, _)| value);
        value.map_or(0, |value| self.values[value].dtype.size() as isize)
    }
}
