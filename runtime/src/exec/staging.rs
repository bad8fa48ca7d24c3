//! Operands that a tile does not meet where they are, but in scratch.
//!
//! In: a plan, its tiling, and whether outputs are streamed. Out: before each call of the kernel the *packed* inputs of
//! the tile, which the plan has found to be transposed with respect to the lanes, are in scratch, lanes one after the
//! other; and what the kernel writes to scratch for the *streamed* outputs goes from there past the caches.

use smallvec::SmallVec;

use crate::abi::Operand;
use crate::memory::{copy_transposed, fence, stream_copy};
use crate::plan::{Plan, Tiling};

/// Bytes of a tile of all streamed outputs: they wait in the L1 cache with the kernel's operands.
pub(super) const STREAMED_TILE_BYTES: usize = 16 << 10;

/// Parts of rows that are streamed are not shorter: of less than some cache lines too much is not streamed.
const MIN_STREAMED_RUN_BYTES: usize = 1 << 10;

/// Where a plan's operands wait.
pub(super) struct Staging {
    packed: SmallVec<[Staged; 2]>,
    streamed: SmallVec<[Staged; 1]>,
    n_bytes: usize,
}

/// An operand that waits in scratch.
struct Staged {
    operand: usize,
    elem_bytes: usize,
    /// Where in the scratch.
    offset: usize,
}

impl Staging {
    /// Nothing waits.
    pub(super) fn none() -> Staging {
        Staging { packed: SmallVec::new(), streamed: SmallVec::new(), n_bytes: 0 }
    }

    /// The staging of tiles of this tiling.
    pub(super) fn new(plan: &Plan<'_>, tiling: &Tiling, is_streaming: bool) -> Staging {
        let mut staging = Staging::none();
        let tile_elems = tiling.rows_per_tile * tiling.lanes_per_tile;
        let mut place = |operand: usize| {
            let elem_bytes = plan.dtypes()[operand].size();
            let staged = Staged { operand, elem_bytes, offset: staging.n_bytes };
            staging.n_bytes += (tile_elems * elem_bytes).next_multiple_of(64);
            staged
        };
        staging.packed = plan.packed().iter().map(|&operand| place(operand)).collect();
        if is_streaming {
            staging.streamed = (plan.n_inputs()..plan.dtypes().len()).map(place).collect();
        }
        staging
    }

    /// Whether the outputs of a tiling are in runs that can be streamed.
    pub(super) fn can_stream(plan: &Plan<'_>, tiling: &Tiling) -> bool {
        let nest = plan.nest();
        (plan.n_inputs()..plan.dtypes().len()).all(|output| {
            let (walk, size) = (&nest.operands[output], plan.dtypes()[output].size());
            let run_bytes = tiling.lanes_per_tile * size;
            let is_whole_rows = tiling.n_lane_blocks == 1 && walk.row_stride() == run_bytes as isize;
            walk.lane_stride() == size as isize && (run_bytes >= MIN_STREAMED_RUN_BYTES || is_whole_rows)
        })
    }

    /// Bytes of scratch that it needs.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    pub(super) fn is_none(&self) -> bool {
        self.n_bytes == 0
    }

    /// Packs a tile's inputs, and has the kernel find and leave in scratch what waits there.
    ///
    /// # Safety
    ///
    /// `operands` must be a tile of the plan and the tiling that the staging was made for, and `scratch` have
    /// [`n_bytes`](Staging::n_bytes) bytes that no one else uses.
    pub(super) unsafe fn enter(&self, scratch: *mut u8, (n_rows, n_lanes): (usize, usize), operands: &mut [Operand]) {
        for staged in &self.packed {
            let (operand, to) = (&mut operands[staged.operand], scratch.wrapping_add(staged.offset));
            // SAFETY: the caller vouches for the tile's elements, and for the scratch, which has room for a tile of them.
            unsafe {
                let strides = (operand.row_stride, operand.lane_stride);
                copy_transposed(staged.elem_bytes, (n_rows, n_lanes), operand.ptr, strides, to);
            }
            *operand = staged.in_scratch(to, n_lanes);
        }
        for staged in &self.streamed {
            operands[staged.operand] = staged.in_scratch(scratch.wrapping_add(staged.offset), n_lanes);
        }
    }

    /// Streams what the kernel has left in scratch to where `operands` really are.
    ///
    /// # Safety
    ///
    /// As of [`enter`](Staging::enter), and the kernel must have run on what that has made of the operands.
    pub(super) unsafe fn leave(&self, scratch: *mut u8, (n_rows, n_lanes): (usize, usize), operands: &[Operand]) {
        for staged in &self.streamed {
            let operand = &operands[staged.operand];
            let run_bytes = n_lanes * staged.elem_bytes;
            let from = scratch.wrapping_add(staged.offset);
            let (n_runs, run_bytes) = match operand.row_stride == run_bytes as isize {
                true => (1, n_rows * run_bytes),
                false => (n_rows, run_bytes),
            };
            for run in 0..n_runs {
                let to = operand.ptr.wrapping_offset(run as isize * operand.row_stride);
                // SAFETY: the run is of the tile's elements, which `can_stream` has found to be one after the other; the
                // kernel has written as many to scratch.
                unsafe { stream_copy(to, from.wrapping_add(run * run_bytes), run_bytes) };
            }
        }
    }

    /// What must come after the last tile, before others are told of it.
    pub(super) fn finish(&self) {
        if !self.streamed.is_empty() {
            fence();
        }
    }
}

impl Staged {
    /// The operand that the kernel is given.
    fn in_scratch(&self, ptr: *mut u8, n_lanes: usize) -> Operand {
        Operand { ptr, lane_stride: self.elem_bytes as isize, row_stride: (n_lanes * self.elem_bytes) as isize }
    }
}
