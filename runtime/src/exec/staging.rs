//! Inputs that a kernel reads from scratch instead of from where they are.
//!
//! In: a plan and its tiling. Out: before each call of the kernel, the tile's elements of the
//! inputs that the plan calls *packed* are in scratch, lane after lane and row after row.

use smallvec::SmallVec;

use super::elems::{copy_transposed, repeat_lanes, repeat_row};
use crate::abi::{Operand, RunKind};
use crate::machine::LINE_BYTES;
use crate::memory::prefetch_to_l2;
use crate::plan::{Ahead, Plan, Tiling};

/// The operands of a plan that wait in scratch.
pub(super) struct Staging {
    packed: SmallVec<[Staged; 2]>,
    n_bytes: usize,
    /// The tile whose packed inputs are prefetched.
    ahead: Ahead,
    /// Inputs that are contiguous along the lanes, in a plan that also has packed inputs. Their
    /// runs are too short for the processor to notice them and read ahead.
    along: SmallVec<[Along; 4]>,
    /// See [`Plan::joins_rows`].
    joins_rows: bool,
}

/// What a scratch holds of each packed input: where the elements come from, and how many there are.
/// Rows that repeat are packed once for many tiles.
pub(super) type Held = SmallVec<[(*const u8, usize); 2]>;

/// An operand whose next lanes are prefetched.
struct Along {
    operand: usize,
    elem_bytes: usize,
}

/// An operand that waits in scratch.
struct Staged {
    operand: usize,
    elem_bytes: usize,
    /// Where the operand is in the scratch.
    offset: usize,
}

impl Staging {
    /// A staging in which nothing waits.
    pub(super) fn none() -> Staging {
        Staging { packed: SmallVec::new(), n_bytes: 0, ahead: Ahead::Lanes, along: SmallVec::new(), joins_rows: false }
    }

    /// The staging of tiles of this tiling.
    pub(super) fn new(plan: &Plan<'_>, tiling: &Tiling) -> Staging {
        let mut staging = Staging { ahead: tiling.ahead, joins_rows: plan.joins_rows(), ..Staging::none() };
        let tile_elems = tiling.rows_per_tile * tiling.lanes_per_tile;
        let mut place = |operand: usize| {
            let elem_bytes = plan.dtypes()[operand].size();
            let staged = Staged { operand, elem_bytes, offset: staging.n_bytes };
            staging.n_bytes += (tile_elems * elem_bytes).next_multiple_of(64);
            staged
        };
        staging.packed = plan.packed().iter().map(|&operand| place(operand)).collect();
        if tiling.n_lane_blocks > 1 && !staging.packed.is_empty() {
            let goes_along = |input: &usize| {
                let repeats = plan.nest().operands[*input].row_stride() == 0;
                !repeats && plan.run_kinds()[*input] == RunKind::Contiguous && !plan.packed().contains(input)
            };
            let along = |operand: usize| Along { operand, elem_bytes: plan.dtypes()[operand].size() };
            staging.along = (0..plan.n_inputs()).filter(goes_along).map(along).collect();
        }
        staging
    }

    /// Bytes of scratch that it needs.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Whether kernels get tiles as they are.
    pub(super) fn is_none(&self) -> bool {
        self.n_bytes == 0 && !self.joins_rows
    }

    /// The rows and lanes of a tile as the kernel sees them.
    pub(super) fn seen(&self, (n_rows, n_lanes): (usize, usize)) -> (usize, usize) {
        if self.joins_rows { (1, n_rows * n_lanes) } else { (n_rows, n_lanes) }
    }

    /// Packs a tile's inputs, and changes `operands` so that the kernel finds them in scratch.
    ///
    /// # Safety
    ///
    /// `operands` must be a tile of the plan and the tiling that the staging was made for, and
    /// `scratch` have [`n_bytes`](Staging::n_bytes) bytes that no one else uses. `held` must be
    /// empty, or what an earlier tile of the same plan has left in the same scratch.
    pub(super) unsafe fn enter(
        &self,
        scratch: *mut u8,
        (n_rows, n_lanes): (usize, usize),
        operands: &mut [Operand],
        held: &mut Held,
    ) {
        for along in &self.along {
            along.ask_for_next((n_rows, n_lanes), &operands[along.operand]);
        }
        held.resize(self.packed.len(), (std::ptr::null(), 0));
        for (staged, held) in self.packed.iter().zip(held) {
            let (operand, to) = (&mut operands[staged.operand], scratch.wrapping_add(staged.offset));
            let is_held = operand.row_stride == 0 && held.0 == operand.ptr && held.1 >= n_rows * n_lanes;
            if !is_held {
                // SAFETY: the caller vouches for the tile's elements, and for the scratch, which
                // has room for a tile.
                unsafe { self.pack(staged.elem_bytes, (n_rows, n_lanes), operand, to) };
                *held = (operand.ptr, n_rows * n_lanes);
            }
            *operand = staged.in_scratch(to, n_lanes);
        }
    }

    /// # Safety
    ///
    /// The operand's elements must be readable, and there must be room for as many at `to`.
    unsafe fn pack(&self, elem_bytes: usize, (n_rows, n_lanes): (usize, usize), operand: &Operand, to: *mut u8) {
        let strides = (operand.row_stride, operand.lane_stride);
        // SAFETY: the caller's contract, for the first row or for all.
        unsafe {
            if operand.lane_stride == 0 {
                return repeat_lanes(elem_bytes, (n_rows, n_lanes), operand.ptr, operand.row_stride, to);
            }
            if operand.row_stride == 0 {
                copy_transposed(elem_bytes, (1, n_lanes), operand.ptr, strides, to, 0);
                return repeat_row(n_lanes * elem_bytes, n_rows, to);
            }
            let ahead = match self.ahead {
                Ahead::Lanes => n_lanes as isize * strides.1,
                Ahead::Rows => n_rows as isize * strides.0,
            };
            copy_transposed(elem_bytes, (n_rows, n_lanes), operand.ptr, strides, to, ahead);
        }
    }
}

impl Along {
    fn ask_for_next(&self, (n_rows, n_lanes): (usize, usize), operand: &Operand) {
        let n_bytes = n_lanes * self.elem_bytes;
        for row in 0..n_rows as isize {
            let next = operand.ptr.wrapping_offset(row * operand.row_stride).wrapping_add(n_bytes);
            // The last byte of each line: the processor already has the line in which the run
            // begins, but not the one in which it ends.
            (LINE_BYTES - 1..n_bytes + LINE_BYTES - 1)
                .step_by(LINE_BYTES)
                .for_each(|at| prefetch_to_l2(next.wrapping_add(at)));
        }
    }
}

impl Staged {
    /// The operand that the kernel is given.
    fn in_scratch(&self, ptr: *mut u8, n_lanes: usize) -> Operand {
        Operand { ptr, lane_stride: self.elem_bytes as isize, row_stride: (n_lanes * self.elem_bytes) as isize }
    }
}
