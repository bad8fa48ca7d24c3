//! Operands that a tile does not meet where they are, but in scratch.
//!
//! In: a plan and its tiling. Out: before each call of the kernel the *packed* inputs of the tile, which the plan has named,
//! are in scratch, lane after lane and row after row.

use smallvec::SmallVec;

use crate::abi::Operand;
use crate::memory::copy_transposed;
use crate::plan::{Plan, Tiling};

/// Where a plan's operands wait.
pub(super) struct Staging {
    packed: SmallVec<[Staged; 2]>,
    n_bytes: usize,
    /// See [`Plan::joins_rows`].
    joins_rows: bool,
}

/// What a scratch holds of the packed inputs: where from, and how many elements. Rows that repeat are packed once for many
/// tiles.
pub(super) type Held = SmallVec<[(*const u8, usize); 2]>;

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
        Staging { packed: SmallVec::new(), n_bytes: 0, joins_rows: false }
    }

    /// The staging of tiles of this tiling.
    pub(super) fn new(plan: &Plan<'_>, tiling: &Tiling) -> Staging {
        let mut staging = Staging { joins_rows: plan.joins_rows(), ..Staging::none() };
        let tile_elems = tiling.rows_per_tile * tiling.lanes_per_tile;
        let mut place = |operand: usize| {
            let elem_bytes = plan.dtypes()[operand].size();
            let staged = Staged { operand, elem_bytes, offset: staging.n_bytes };
            staging.n_bytes += (tile_elems * elem_bytes).next_multiple_of(64);
            staged
        };
        staging.packed = plan.packed().iter().map(|&operand| place(operand)).collect();
        staging
    }

    /// Bytes of scratch that it needs.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Kernels get tiles as they are.
    pub(super) fn is_none(&self) -> bool {
        self.n_bytes == 0 && !self.joins_rows
    }

    /// The rows and lanes of a tile as the kernel sees them.
    pub(super) fn seen(&self, (n_rows, n_lanes): (usize, usize)) -> (usize, usize) {
        if self.joins_rows { (1, n_rows * n_lanes) } else { (n_rows, n_lanes) }
    }

    /// Packs a tile's inputs, and has the kernel find them in scratch.
    ///
    /// # Safety
    ///
    /// `operands` must be a tile of the plan and the tiling that the staging was made for, and `scratch` have
    /// [`n_bytes`](Staging::n_bytes) bytes that no one else uses. `held` must be empty, or what an earlier tile of the same
    /// plan has left in the same scratch.
    pub(super) unsafe fn enter(
        &self,
        scratch: *mut u8,
        (n_rows, n_lanes): (usize, usize),
        operands: &mut [Operand],
        held: &mut Held,
    ) {
        held.resize(self.packed.len(), (std::ptr::null(), 0));
        for (staged, held) in self.packed.iter().zip(held) {
            let (operand, to) = (&mut operands[staged.operand], scratch.wrapping_add(staged.offset));
            let is_held = operand.row_stride == 0 && held.0 == operand.ptr && held.1 >= n_rows * n_lanes;
            if !is_held {
                // SAFETY: the caller vouches for the tile's elements, and for the scratch, which has room for a tile.
                unsafe {
                    let strides = (operand.row_stride, operand.lane_stride);
                    copy_transposed(staged.elem_bytes, (n_rows, n_lanes), operand.ptr, strides, to);
                }
                *held = (operand.ptr, n_rows * n_lanes);
            }
            *operand = staged.in_scratch(to, n_lanes);
        }
    }
}

impl Staged {
    /// The operand that the kernel is given.
    fn in_scratch(&self, ptr: *mut u8, n_lanes: usize) -> Operand {
        Operand { ptr, lane_stride: self.elem_bytes as isize, row_stride: (n_lanes * self.elem_bytes) as isize }
    }
}
