//! Does parts of the work of a stage: fills tiles with the values of a loop, and reduces or scans
//! them.
//!
//! In: a [`Stage`], a kernel for it, and a part of its work: a range of results (outer indices),
//! and a range of the leaves that each result is made of. Out: the results of that part, or the
//! nodes of the tree above the leaves, which are combined when all parts are there. Always true:
//! what is computed for a leaf depends neither on the part that it is in nor on the thread; see
//! [`crate::reduce`] for the order of the additions.
//!
//! | module    | job |
//! |-----------|-----|
//! | `rows`    | reduces rows, each to a result |
//! | `leaves`  | whole leaves of rows, in the loop that computes their elements |
//! | `columns` | reduces rows into one another: results side by side |
//! | `trees`   | combines the partials of leaves, and writes the results |
//! | `scans`   | running results |
//! | `maps`    | elementwise loops between reductions |

mod columns;
mod leaves;
mod maps;
mod rows;
mod scans;
mod trees;

pub(super) use self::trees::combine_nodes;

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use smallvec::SmallVec;

use super::LoopKernels;
use super::spec::SinkOp;
use super::stage::{Place, Sink, Stage};
use crate::abi::Operand;
use crate::exec::Kernel;
use crate::exec::launch::Run;
use crate::machine::{FILL_ELEMS, REPORT_ELEMS};
use crate::memory::fence;
use crate::plan::Lanes;
use crate::reduce::LEAF;

/// Words of scratch beside slots and values, for parts of at most so many outer indices and leaves.
pub(super) fn words_beside(stage: &Stage, n_outer: usize, n_leaves: usize) -> usize {
    match (stage.is_scan(), stage.nest.lanes) {
        (true, lanes) => scans::words(lanes, n_outer),
        (false, Lanes::Outer) => trees::words(stage, n_outer, n_leaves),
        (false, Lanes::Reduced) => trees::words(stage, 1, n_leaves),
    }
}

/// A part of a stage's work.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Results, by their outer index.
    pub(super) outer: Range<usize>,
    /// Leaves of each result: all of them, unless the reduced axes are split between threads.
    pub(super) leaves: Range<usize>,
}

/// Where the outcome of a part goes.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// All leaves were in the part, so the results go to the stage's targets.
    Results,
    /// Only some leaves were in the part, so the partials go to this memory, those of each sink in
    /// turn.
    Nodes(*mut u64),
}

/// Does parts of a stage's work on one thread.
pub(super) struct Worker<'s> {
    stage: &'s Stage,
    /// Where the stage's operands are, at index 0 of every axis.
    ptrs: &'s [*mut u8],
    kernel: Option<&'s Kernel>,
    /// The kernel that accumulates whole leaves.
    leaf_kernel: Option<&'s Kernel>,
    /// Whether values that may be streamed are: then they wait in scratch until all sinks have
    /// read them.
    streams: bool,
    /// The kernels' slots.
    slots: *mut u8,
    /// The accumulators of a leaf.
    accumulators: *mut u8,
    /// Room for values that wait for their sinks.
    fill: *mut u8,
    /// Room for [`words_beside`].
    words: *mut u64,
    run: &'s Run<'s>,
    /// Set once the only result is known, whatever the remaining elements are.
    is_decided: &'s AtomicBool,
    /// Elements of the part that were computed and not reported yet.
    n_unreported: Cell<usize>,
    /// Elements of the part that were reported.
    n_reported: Cell<usize>,
}

/// Where each operand of the stage is, at the first element of a tile.
type Starts = SmallVec<[*mut u8; 8]>;

impl<'s> Worker<'s> {
    /// A worker of a stage. `scratch` has the kernels' slots, the accumulators, then the values
    /// that wait, then [`words_beside`]. `streams` says whether values that may be streamed are.
    pub(super) fn new(
        (stage, kernels, streams): (&'s Stage, LoopKernels<'s>, bool),
        ptrs: &'s [*mut u8],
        scratch: *mut u8,
        run: &'s Run<'s>,
        is_decided: &'s AtomicBool,
    ) -> Worker<'s> {
        let accumulators = scratch.wrapping_add(kernels.slot_bytes());
        let fill = accumulators.wrapping_add(kernels.accumulator_bytes(stage));
        Worker {
            stage,
            ptrs,
            kernel: kernels.any,
            leaf_kernel: kernels.leaves,
            streams: streams && stage.may_stream(),
            slots: scratch,
            accumulators,
            fill,
            words: fill.wrapping_add(stage.fill_bytes()).cast(),
            run,
            is_decided,
            n_unreported: Cell::new(0),
            n_reported: Cell::new(0),
        }
    }

    /// Does one part. Returns how many of its elements it has not reported.
    ///
    /// # Safety
    ///
    /// - The kernel must be one for the stage's operands, in the sense of [`Kernel::new`]; none if
    ///   the stage is direct.
    /// - The scratch must have the bytes of slots and values, and [`words_beside`] for parts of
    ///   this size; it must be aligned to 64, and no other thread may use it.
    /// - The part must be inside of the stage's outer indices and leaves. If it is not of all
    ///   leaves, `Outcome::Nodes` has room for the partials of each sink, each sink's rounded up to
    ///   words.
    /// - Nobody else may do a part with the same results, or read or write the stage's targets, at
    ///   the same time.
    pub(super) unsafe fn run(&self, part: &Part, outcome: Outcome) -> usize {
        let stage = self.stage;
        // SAFETY: in all arms, the caller's contract.
        unsafe {
            match (&stage.sinks[..], stage.nest.lanes) {
                ([Sink { op: SinkOp::Scan(scanner), .. }], Lanes::Reduced) => self.scan_rows(*scanner, part),
                ([Sink { op: SinkOp::Scan(scanner), .. }], Lanes::Outer) => self.scan_columns(*scanner, part),
                ([], Lanes::Reduced) => self.map_rows(part),
                ([], Lanes::Outer) => self.map_lanes(part),
                (_, Lanes::Outer) => self.columns(part, outcome),
                (_, Lanes::Reduced) if stage.nest.reduced.n() <= LEAF => self.short_rows(part, outcome),
                (_, Lanes::Reduced) => self.long_rows(part, outcome),
            }
        }
        if self.streams {
            fence();
        }
        stage.part_elems(part).saturating_sub(self.n_reported.get())
    }

    /// Reports that so many more elements of the part were computed. Returns false if the part must
    /// end early.
    fn goes_on_after(&self, n_elems: usize) -> bool {
        let n_unreported = self.n_unreported.get() + n_elems;
        if n_unreported < REPORT_ELEMS {
            self.n_unreported.set(n_unreported);
            return true;
        }
        self.n_unreported.set(0);
        let goes_on = self.run.report(n_unreported);
        // A part that ends early has nothing more to report.
        self.n_reported.set(if goes_on { self.n_reported.get() + n_unreported } else { usize::MAX });
        goes_on
    }

    /// Where the operands are at an outer and a reduced index.
    fn starts(&self, outer: usize, reduced: usize) -> Starts {
        let nest = &self.stage.nest;
        let start = |(operand, ptr): (usize, &*mut u8)| {
            ptr.wrapping_offset(nest.outer.offset(operand, outer) + nest.reduced.offset(operand, reduced))
        };
        self.ptrs.iter().enumerate().map(start).collect()
    }

    /// Computes the stage's values over a tile. Values that wait in scratch follow one another
    /// there, from element `at` on; `row_stride` says how operands move from row to row.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); the tile must be inside of the operands, and fit the
    /// scratch.
    unsafe fn compute(
        &self,
        starts: &[*mut u8],
        (n_rows, n_lanes): (usize, usize),
        row_stride: impl Fn(usize) -> isize,
        at: usize,
    ) {
        let (Some(kernel), stage) = (self.kernel, self.stage) else { return };
        let lanes = stage.nest.lane_group();
        let spec = kernel.spec();
        let in_memory = |operand: usize| Operand {
            ptr: starts[operand],
            lane_stride: lanes.inner_stride(operand),
            row_stride: row_stride(operand),
        };
        // Pushed one by one: collecting would cost more than a short tile.
        let mut tile: SmallVec<[Operand; 8]> = SmallVec::new();
        for input in 0..stage.n_inputs {
            tile.push(in_memory(input));
        }
        for (k, value) in stage.values.iter().enumerate() {
            tile.push(match value.place {
                Place::Operand(operand) if !self.streams(k) => in_memory(operand),
                Place::Operand(_) | Place::Scratch => {
                    let size = value.dtype.size();
                    let ptr = self.value_scratch(k).wrapping_add(at * size);
                    Operand { ptr, lane_stride: size as isize, row_stride: (n_lanes * size) as isize }
                }
            });
        }
        let most = spec.max_tile_elems.unwrap_or(usize::MAX);
        let lanes_per_tile = n_lanes.min(most);
        let rows_per_tile = (most / lanes_per_tile).max(1);
        let advance = |tile: &mut [Operand], rows: isize, lanes: isize| {
            for operand in tile {
                operand.ptr = operand.ptr.wrapping_offset(rows * operand.row_stride + lanes * operand.lane_stride);
            }
        };
        for row in (0..n_rows).step_by(rows_per_tile) {
            let n_tile_rows = rows_per_tile.min(n_rows - row);
            let mut lane = 0;
            loop {
                let n_tile_lanes = lanes_per_tile.min(n_lanes - lane);
                // SAFETY: the caller vouches for the kernel, the tile and the scratch; the tile has
                // at most as many elements as the kernel has slots for.
                unsafe { spec.call((n_tile_rows, n_tile_lanes), &tile, self.slots) };
                if lane + n_tile_lanes == n_lanes {
                    break;
                }
                lane += n_tile_lanes;
                advance(&mut tile, 0, n_tile_lanes as isize);
            }
            advance(&mut tile, n_tile_rows as isize, -(lane as isize));
        }
    }

    /// Whether a value waits in scratch before it goes to memory past the caches.
    fn streams(&self, value: usize) -> bool {
        self.streams && self.stage.values[value].may_stream
    }

    /// Where a value waits.
    fn value_scratch(&self, value: usize) -> *mut u8 {
        self.fill.wrapping_add(value * FILL_ELEMS * size_of::<u64>())
    }
}
