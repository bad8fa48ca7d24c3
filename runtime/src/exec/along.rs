//! Operations along axes: fills tiles with the values of a loop, and reduces or scans them.
//!
//! In: a [`Stage`], a kernel for it, and a part of its work: a range of results (*kept* indices) and a range of leaves of
//! the elements that each is made of. Out: the results of that part, or the nodes of the tree above the leaves, which
//! are combined when all parts are there. Always true: what is computed for a leaf depends neither on the part that it
//! is in nor on the thread; see [`crate::reduce`] for the order of the additions.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;

use super::Kernel;
use super::stages::{Place, Sink, Stage};
use crate::abi::{KernelArgs, Operand};
use crate::memory::{copy_strided, prefetch};
use crate::plan::Lanes;
use crate::reduce::{COLUMN_LEAF, LEAF, Reducer, Scanner, Tree};

/// Elements of a tile that waits in scratch for its reduction: 32 KiB of float64, which the L2 cache hands over as fast
/// as it is read. A multiple of [`LEAF`].
const FILL_ELEMS: usize = 4 * LEAF;

/// Leaves that are read from an array in one go, and become one node of the tree: a power of 2.
///
/// Measured 2026-11 on Zen 4, one thread, n = 1e5 in the caches, ns per element with their node pushed and with each leaf pushed:
/// float64 `sum(a)` 0.164 and 0.180, `sum(a*b)` 0.267 and 0.282, int8 `sum(i)` 0.060 and 0.072.
const DIRECT_LEAVES: usize = 16;
const _: () = assert!(DIRECT_LEAVES.is_power_of_two());

/// Leaves that are computed in one go: they stay in the L1 cache.
const FILLED_LEAVES: usize = 1;

/// Lanes of a block of columns: its rows are long enough for the prefetcher, and the sums of its leaves fit the L2 cache.
///
/// Measured 2026-11 on 2 Zen 4 cores, ns per element with 512 and with 1536, axis 0 of 3000 x 3000 (10000 x 1000): float64 sum
/// 0.303 and 0.261 (0.260 and 0.232), max 0.386 and 0.313, var 0.462 and 0.408, float32 sum 0.201 and 0.145; with 3072 no more.
pub(super) const COLUMN_LANES: usize = 1536;

/// As many, of columns whose rows wait in scratch, [`COLUMN_LEAF`] at a time.
const FILLED_COLUMN_LANES: usize = FILL_ELEMS / COLUMN_LEAF;

/// Rows shorter than a leaf that are computed together.
const BATCH_ROWS: usize = 64;

/// What is asked for of each input's next elements before those at hand are reduced: the reduction does not touch memory,
/// which would rest meanwhile.
///
/// Measured 2026-11 on 2 Zen 4 cores, f64 `sum(a*b)`, n = 1e7, interleaved runs with and without: one thread 1.56 and 1.71 ns,
/// two 0.99 and 1.07 (medians), 0.73 and 0.88 (best). Softmax gained nothing by asking for whole rows ahead.
const PREFETCHED_BYTES: usize = 512;

/// Bytes of scratch that a stage's values take.
pub(super) fn fill_bytes(stage: &Stage) -> usize {
    stage.values.len() * FILL_ELEMS * size_of::<u64>()
}

/// Lanes of a block of columns of a stage.
pub(super) fn block_lanes(stage: &Stage) -> usize {
    if stage.is_direct { COLUMN_LANES } else { FILLED_COLUMN_LANES }
}

/// A part of a stage's work.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Results, by their kept index.
    pub(super) kept: Range<usize>,
    /// Leaves of each; all of them, but where the reduced axes are split between threads.
    pub(super) leaves: Range<usize>,
}

/// Where the outcome of a part goes.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// All leaves were in the part: to the stage's targets.
    Results,
    /// Only some: the partials, for each sink in turn, to this memory.
    Nodes(*mut u64),
}

/// Does parts of a stage's work on one thread.
pub(super) struct Worker<'s> {
    pub(super) stage: &'s Stage,
    pub(super) kernel: Option<&'s Kernel>,
    /// The kernel's slots.
    pub(super) slots: *mut u8,
    /// Room for [`fill_bytes`].
    pub(super) fill: *mut u8,
    /// Set once the only result is known, whatever the remaining elements are.
    pub(super) is_decided: &'s AtomicBool,
}

/// Where each operand of the stage is, at the first element of a tile.
type Starts = SmallVec<[*mut u8; 8]>;

/// The elements that are reduced: those at one place, or the products of those at two.
#[derive(Clone, Copy)]
enum Elems {
    At(*const u8),
    Products([*const u8; 2]),
}

impl Elems {
    /// Reduces `n` of them, of which the first has this index.
    ///
    /// # Safety
    ///
    /// As [`Reducer::leaves`]; the reducer of products takes them.
    unsafe fn reduce(self, reducer: Reducer, n: usize, first: u64, partials: *mut u8) {
        // SAFETY: the caller's contract.
        unsafe {
            match self {
                Elems::At(source) => reducer.leaves(n, source, first, partials),
                Elems::Products([a, b]) => reducer.product_leaves(n, a, b, partials),
            }
        }
    }
}

impl Worker<'_> {
    /// Does one part.
    ///
    /// # Safety
    ///
    /// - The kernel must be one for the stage's operands, in the sense of [`Kernel::new`]; none if the stage is direct.
    /// - `slots` must have the kernel's slot bytes, `fill` [`fill_bytes`], both aligned to 64; no other thread may use them.
    /// - The part must be inside of the stage's kept indices and leaves. If it is not of all leaves, `Outcome::Nodes` has
    ///   room for the partials of each sink, each sink's rounded up to words.
    /// - Nobody else may do a part with the same results, nor read or write the stage's targets, at the same time.
    pub(super) unsafe fn run(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        // SAFETY: in all arms, the caller's contract.
        unsafe {
            match (&stage.sinks[..], stage.nest.lanes) {
                ([Sink { scanner: Some(scanner), .. }], Lanes::Reduced) => self.scan_rows(*scanner, part),
                ([Sink { scanner: Some(scanner), .. }], Lanes::Kept) => self.scan_columns(*scanner, part),
                ([], Lanes::Reduced) => self.map_rows(part),
                ([], Lanes::Kept) => self.map_lanes(part),
                (_, Lanes::Kept) => self.columns(part, outcome),
                (_, Lanes::Reduced) if stage.nest.reduced.n() <= LEAF => self.short_rows(part, outcome),
                (_, Lanes::Reduced) => self.long_rows(part, outcome),
            }
        }
    }

    /// Where the operands are at a kept and a reduced index.
    fn starts(&self, kept: usize, reduced: usize) -> Starts {
        let nest = &self.stage.nest;
        let start = |(operand, ptr): (usize, &*mut u8)| {
            ptr.wrapping_offset(nest.kept.offset(operand, kept) + nest.reduced.offset(operand, reduced))
        };
        nest.ptrs.iter().enumerate().map(start).collect()
    }

    /// Computes the stage's values over a tile. Values that wait in scratch follow one another there, from element `at`
    /// on; `row_stride` says how operands move from row to row.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); the tile must be inside of the operands, and fit the scratch.
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
        // Pushed one by one: collecting costs more than many a tile.
        let mut tile: SmallVec<[Operand; 8]> = SmallVec::new();
        for input in 0..stage.n_inputs {
            tile.push(in_memory(input));
        }
        for (k, value) in stage.values.iter().enumerate() {
            tile.push(match value.place {
                Place::Operand(operand) => in_memory(operand),
                Place::Scratch => {
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
                let args = KernelArgs {
                    n_lanes: n_tile_lanes,
                    n_rows: n_tile_rows,
                    operands: tile.as_ptr(),
                    slots: self.slots,
                    tile_fns: spec.tile_fns.as_ptr(),
                };
                // SAFETY: the caller vouches for the kernel, the tile and the scratch; the tile has at most as many
                // elements as the kernel has slots for.
                unsafe { (spec.entry)(&args) };
                if lane + n_tile_lanes == n_lanes {
                    break;
                }
                lane += n_tile_lanes;
                advance(&mut tile, 0, n_tile_lanes as isize);
            }
            advance(&mut tile, n_tile_rows as isize, -(lane as isize));
        }
    }

    /// Where a value waits.
    fn value_scratch(&self, value: usize) -> *mut u8 {
        self.fill.wrapping_add(value * FILL_ELEMS * size_of::<u64>())
    }

    /// Computes elements `range` of those that result `kept` is made of: at most [`FILL_ELEMS`], into scratch. In a direct
    /// stage there is nothing to compute.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); the lanes must be reduced.
    unsafe fn fill_row(&self, kept: usize, range: Range<usize>) {
        let reduced = &self.stage.nest.reduced;
        if self.kernel.is_none() {
            return;
        }
        if reduced.extents.len() == 1 {
            // SAFETY: the caller's contract.
            return unsafe { self.compute(&self.starts(kept, range.start), (1, range.len()), |_| 0, 0) };
        }
        let inner = reduced.inner();
        let n_rows_of_axis = reduced.extents[reduced.extents.len() - 2];
        let row_stride = |operand: usize| {
            let strides = reduced.strides(operand);
            strides[strides.len() - 2]
        };
        let mut at = range.start;
        while at < range.end {
            let (lane, left) = (at % inner, range.end - at);
            // Whole rows if a row begins here, up to the end of their axis; else the rest of this one.
            let (n_rows, n_lanes) = match lane {
                0 if left >= inner => ((left / inner).min(n_rows_of_axis - at / inner % n_rows_of_axis), inner),
                _ => (1, left.min(inner - lane)),
            };
            // SAFETY: the caller's contract; the rectangle ends where its axes or the range do.
            unsafe { self.compute(&self.starts(kept, at), (n_rows, n_lanes), row_stride, at - range.start) };
            at += n_rows * n_lanes;
        }
    }

    /// Asks for what will be computed with next, after element `end` of those that result `kept` is made of.
    fn prefetch_after(&self, kept: usize, end: usize) {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        if self.kernel.is_none() || reduced.extents.len() > 1 || end >= reduced.n() {
            return;
        }
        for input in (0..stage.n_inputs).filter(|&input| reduced.inner_stride(input) != 0) {
            let offset = stage.nest.kept.offset(input, kept) + reduced.offset(input, end);
            prefetch(stage.nest.ptrs[input].wrapping_offset(offset), PREFETCHED_BYTES);
        }
    }

    /// Where a sink reads the elements that were just computed, consecutive: `range` of those that result `kept` is made
    /// of.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); the lanes must be reduced, and the elements be computed.
    unsafe fn row_source(&self, sink: &Sink, kept: usize, range: Range<usize>) -> *const u8 {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let scratch = self.value_scratch(sink.value);
        let Some(operand) = stage.source_operand(sink) else { return scratch };
        let size = stage.values[sink.value].dtype.size();
        let start = stage.nest.ptrs[operand].wrapping_offset(stage.nest.kept.offset(operand, kept));
        let stride = reduced.inner_stride(operand);
        if stride == size as isize && reduced.extents.len() == 1 {
            return start.wrapping_offset(range.start as isize * stride);
        }
        let mut at = range.start;
        while at < range.end {
            let n = (range.end - at).min(reduced.inner() - at % reduced.inner());
            let source = start.wrapping_offset(reduced.offset(operand, at));
            // SAFETY: the scratch of a value that is in memory is free, and has room for as many elements as are
            // computed at a time; these are elements of the operand, along its innermost axis.
            unsafe { copy_strided(size, n, source, stride, scratch.add((at - range.start) * size), size as isize) };
            at += n;
        }
        scratch
    }

    /// Results of more than one leaf each, one after the other.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn long_rows(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let n = stage.nest.reduced.n();
        let mut memory = TreeMemory::new(stage, 1, part.leaves.len());
        let group = if stage.is_direct { DIRECT_LEAVES } else { FILLED_LEAVES };
        for kept in part.kept.clone() {
            let mut trees = memory.trees();
            for leaf in part.leaves.clone().step_by(group) {
                if self.is_decided.load(Ordering::Relaxed) {
                    break;
                }
                let first = leaf * LEAF;
                let end = ((leaf + group).min(part.leaves.end) * LEAF).min(n);
                // SAFETY: the caller's contract.
                unsafe { self.fill_row(kept, first..end) };
                self.prefetch_after(kept, end);
                let mut is_decided = true;
                for ((sink, reducer), tree) in stage.reductions().zip(&mut trees) {
                    // SAFETY: the elements were computed, or are the array's; they are a group of leaves.
                    is_decided &= unsafe {
                        let elems = self.row_elems(sink, kept, first..end);
                        self.push_leaves(reducer, elems, first..end, tree)
                    };
                }
                if is_decided {
                    if stage.nest.kept.n() == 1 {
                        self.is_decided.store(true, Ordering::Relaxed);
                    }
                    break;
                }
            }
            // SAFETY: the caller's contract.
            unsafe { self.conclude(trees, kept, 1, outcome) };
        }
    }

    /// What a sink reduces of the elements that were just computed, as [`row_source`](Worker::row_source).
    ///
    /// # Safety
    ///
    /// As [`row_source`](Worker::row_source).
    unsafe fn row_elems(&self, sink: &Sink, kept: usize, range: Range<usize>) -> Elems {
        let nest = &self.stage.nest;
        let start = |operand: usize| {
            let offset = nest.kept.offset(operand, kept) + nest.reduced.offset(operand, range.start);
            nest.ptrs[operand].wrapping_offset(offset).cast_const()
        };
        match self.stage.factors(sink) {
            Some(factors) => Elems::Products(factors.map(start)),
            // SAFETY: the caller's contract.
            None => Elems::At(unsafe { self.row_source(sink, kept, range) }),
        }
    }

    /// Reduces the leaves of elements `range`, which are these, into a tree. Whether they decide the result.
    ///
    /// # Safety
    ///
    /// There must be as many elements of the reducer's dtype; more than [`DIRECT_LEAVES`] leaves are too many.
    unsafe fn push_leaves(&self, reducer: Reducer, elems: Elems, range: Range<usize>, tree: &mut Tree<'_>) -> bool {
        let (n, bytes) = (range.len(), reducer.partial_bytes());
        if n <= LEAF {
            let partial: *mut u8 = tree.slot().as_mut_ptr().cast();
            // SAFETY: the caller's contract; the tree's slot has room for a partial, which is then there.
            let is_decided = unsafe {
                elems.reduce(reducer, n, range.start as u64, partial);
                reducer.is_decided(std::slice::from_raw_parts(partial, bytes))
            };
            tree.push(0);
            return is_decided;
        }
        let mut partials = [0_u64; DIRECT_LEAVES * MAX_PARTIAL_WORDS];
        let partials: *mut u8 = partials.as_mut_ptr().cast();
        // SAFETY: the caller's contract; there is room for the partials of a group of leaves, and in the slot for one.
        let is_decided = unsafe {
            elems.reduce(reducer, n, range.start as u64, partials);
            reducer.node(n.div_ceil(LEAF), partials);
            tree.slot().as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(partials, bytes);
            reducer.is_decided(std::slice::from_raw_parts(partials, bytes))
        };
        tree.push(DIRECT_LEAVES.ilog2());
        is_decided
    }

    /// Results of one leaf each, many at a time.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn short_rows(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let (kept, reduced) = (&stage.nest.kept, &stage.nest.reduced);
        let n = reduced.n();
        let is_one_axis = reduced.extents.len() == 1;
        let most = if is_one_axis { (FILL_ELEMS / n).clamp(1, BATCH_ROWS) } else { 1 };
        let mut at = part.kept.start;
        while at < part.kept.end {
            let n_rows = most.min(part.kept.end - at).min(kept.inner() - at % kept.inner());
            // SAFETY: the caller's contract; the rows are along the innermost kept axis, and fit the scratch.
            unsafe {
                if is_one_axis {
                    self.compute(&self.starts(at, 0), (n_rows, n), |operand| kept.inner_stride(operand), 0);
                } else {
                    self.fill_row(at, 0..n);
                }
            }
            for (sink, reducer) in stage.reductions() {
                let mut partials = [0_u64; BATCH_ROWS * MAX_PARTIAL_WORDS];
                let partials: *mut u8 = partials.as_mut_ptr().cast();
                let size = stage.values[sink.value].dtype.size();
                let is_in_scratch = stage.source_operand(sink).is_none() && stage.factors(sink).is_none();
                for row in 0..n_rows {
                    // SAFETY: the elements were computed, or are the array's; there is room for a batch of partials.
                    unsafe {
                        let elems = match is_in_scratch {
                            true => Elems::At(self.value_scratch(sink.value).wrapping_add(row * n * size)),
                            false => self.row_elems(sink, at + row, 0..n),
                        };
                        // Partials of one byte or two are wherever they come to be.
                        let mut partial = [0_u64; MAX_PARTIAL_WORDS];
                        elems.reduce(reducer, n, 0, partial.as_mut_ptr().cast());
                        let bytes = reducer.partial_bytes();
                        partials.add(row * bytes).copy_from_nonoverlapping(partial.as_ptr().cast(), bytes);
                    }
                }
                debug_assert!(matches!(outcome, Outcome::Results), "one leaf is not split");
                let target = self.target(sink, at);
                // SAFETY: there are as many partials, and this thread alone writes these results.
                unsafe { reducer.finish(n_rows, partials, target, kept.inner_stride(sink.target)) };
            }
            at += n_rows;
        }
    }

    /// Where a sink's result of a kept index is.
    fn target(&self, sink: &Sink, kept: usize) -> *mut u8 {
        self.stage.nest.ptrs[sink.target].wrapping_offset(self.stage.nest.kept.offset(sink.target, kept))
    }

    /// Results side by side: a block of lanes, within one run of the innermost kept axis.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn columns(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let reduced = &stage.nest.reduced;
        let (n, n_lanes) = (reduced.n(), part.kept.len());
        let mut memory = TreeMemory::new(stage, n_lanes, part.leaves.len());
        let mut trees = memory.trees();
        for leaf in part.leaves.clone() {
            let first = leaf * COLUMN_LEAF;
            let n_rows = COLUMN_LEAF.min(n - first);
            // SAFETY: the caller's contract.
            unsafe {
                let starts = self.fill_columns(part.kept.start, first, n_rows, n_lanes);
                for ((sink, reducer), tree) in stage.reductions().zip(&mut trees) {
                    let (source, row_stride) = self.column_source(sink, &starts, first, n_rows, n_lanes);
                    reducer.column_leaf(
                        n_rows,
                        n_lanes,
                        source,
                        row_stride,
                        first as u64,
                        tree.slot().as_mut_ptr().cast(),
                    );
                    tree.push(0);
                }
            }
        }
        // SAFETY: the caller's contract.
        unsafe { self.conclude(trees, part.kept.start, n_lanes, outcome) };
    }

    /// Computes rows `first..first + n_rows` of a block of lanes into scratch; gives where the operands are at the first.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); the lanes must be kept, and the tile fit the scratch.
    unsafe fn fill_columns(&self, kept: usize, first: usize, n_rows: usize, n_lanes: usize) -> Starts {
        let reduced = &self.stage.nest.reduced;
        let starts = self.starts(kept, first);
        let mut row = 0;
        while row < n_rows && self.kernel.is_some() {
            let n = (n_rows - row).min(reduced.inner() - (first + row) % reduced.inner());
            let starts = self.starts(kept, first + row);
            // SAFETY: the caller's contract; the rows are along the innermost reduced axis.
            unsafe { self.compute(&starts, (n, n_lanes), |operand| reduced.inner_stride(operand), row * n_lanes) };
            row += n;
        }
        starts
    }

    /// Where a sink reads a tile of columns: lanes consecutive, rows so many bytes apart.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); `starts` is where the operands are at the first element of the tile.
    unsafe fn column_source(
        &self,
        sink: &Sink,
        starts: &[*mut u8],
        first: usize,
        n_rows: usize,
        n_lanes: usize,
    ) -> (*const u8, isize) {
        let stage = self.stage;
        let size = stage.values[sink.value].dtype.size();
        let scratch = self.value_scratch(sink.value);
        let in_scratch = (scratch.cast_const(), (n_lanes * size) as isize);
        let Some(operand) = stage.source_operand(sink) else { return in_scratch };
        let (kept, reduced) = (&stage.nest.kept, &stage.nest.reduced);
        let is_one_run = reduced.extents.len() == 1 || first % reduced.inner() + n_rows <= reduced.inner();
        if kept.inner_stride(operand) == size as isize && is_one_run {
            return (starts[operand], reduced.inner_stride(operand));
        }
        for row in 0..n_rows {
            let offset = reduced.offset(operand, first + row) - reduced.offset(operand, first);
            let source = starts[operand].wrapping_offset(offset);
            // SAFETY: the elements are the operand's. The scratch of a value that is in memory is free. The tile fits it:
            // `block_lanes` keeps to that, but in a direct stage, which only comes here with a single lane (`is_direct` in
            // `stages::stage`).
            unsafe {
                let row = scratch.add(row * n_lanes * size);
                copy_strided(size, n_lanes, source, kept.inner_stride(operand), row, size as isize);
            }
        }
        in_scratch
    }

    /// Ends the trees of `n` results from `kept` on: as results, or as nodes for later.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn conclude(&self, trees: Trees<'_>, kept: usize, n: usize, outcome: Outcome) {
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

    /// Elementwise, a row at a time or several.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn map_rows(&self, part: &Part) {
        let (kept, reduced) = (&self.stage.nest.kept, &self.stage.nest.reduced);
        let inner = reduced.inner();
        let mut at = part.kept.start;
        while at < part.kept.end {
            let n_rows = (part.kept.end - at).min(kept.inner() - at % kept.inner());
            for outer in (0..reduced.n()).step_by(inner) {
                // SAFETY: the caller's contract; the rows are along the innermost kept axis.
                unsafe {
                    self.compute(&self.starts(at, outer), (n_rows, inner), |operand| kept.inner_stride(operand), 0)
                };
            }
            at += n_rows;
        }
    }

    /// Elementwise over one axis of kept indices.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn map_lanes(&self, part: &Part) {
        let kept = &self.stage.nest.kept;
        let mut at = part.kept.start;
        while at < part.kept.end {
            let n_lanes = (part.kept.end - at).min(kept.inner() - at % kept.inner());
            // SAFETY: the caller's contract; the lanes are along the innermost kept axis.
            unsafe { self.compute(&self.starts(at, 0), (1, n_lanes), |_| 0, 0) };
            at += n_lanes;
        }
    }

    /// Running results, a row after the other.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn scan_rows(&self, scanner: Scanner, part: &Part) {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let sink = &stage.sinks[0];
        let size = scanner.result_dtype().size();
        for kept in part.kept.clone() {
            let mut carry = scanner.start();
            for first in (0..reduced.n()).step_by(FILL_ELEMS) {
                let n = FILL_ELEMS.min(reduced.n() - first);
                let mut results = [0_u64; FILL_ELEMS];
                // SAFETY: the elements were computed, or are the array's; there is room for as many results, which are
                // elements of the target that this thread alone writes.
                unsafe {
                    self.fill_row(kept, first..first + n);
                    let source = self.row_source(sink, kept, first..first + n);
                    scanner.scan(n, source, results.as_mut_ptr().cast(), &mut carry);
                    let stride = reduced.inner_stride(sink.target);
                    let target = self.starts(kept, first)[sink.target];
                    copy_strided(size, n, results.as_ptr().cast(), size as isize, target, stride);
                }
            }
        }
    }

    /// Running results, down the rows of a block of lanes.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    unsafe fn scan_columns(&self, scanner: Scanner, part: &Part) {
        let (stage, nest) = (self.stage, &self.stage.nest);
        let (sink, n_lanes) = (&stage.sinks[0], part.kept.len());
        let size = scanner.result_dtype().size();
        let mut carries = vec![scanner.start(); n_lanes];
        let mut results = vec![0_u64; COLUMN_LEAF * n_lanes];
        for first in (0..nest.reduced.n()).step_by(COLUMN_LEAF) {
            let n_rows = COLUMN_LEAF.min(nest.reduced.n() - first);
            let result_stride = (n_lanes * size) as isize;
            // SAFETY: as in `scan_rows`.
            unsafe {
                let starts = self.fill_columns(part.kept.start, first, n_rows, n_lanes);
                let (source, row_stride) = self.column_source(sink, &starts, first, n_rows, n_lanes);
                let out: *mut u8 = results.as_mut_ptr().cast();
                scanner.scan_rows(n_rows, source, row_stride, out, result_stride, &mut carries);
                for row in 0..n_rows {
                    let offset =
                        nest.reduced.offset(sink.target, first + row) - nest.reduced.offset(sink.target, first);
                    let target = starts[sink.target].wrapping_offset(offset);
                    let source = out.offset(row as isize * result_stride);
                    copy_strided(size, n_lanes, source, size as isize, target, nest.kept.inner_stride(sink.target));
                }
            }
        }
    }
}

/// Words of the largest partial.
const MAX_PARTIAL_WORDS: usize = 3;

type Trees<'m> = SmallVec<[Tree<'m>; 2]>;

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

/// Combines the nodes of parts of `1 << level` leaves, and writes the results.
///
/// # Safety
///
/// `nodes` are what [`Worker::run`] has left for the kept indices `kept..kept + n` of the stage, part after part, each of
/// `stride` words; this thread alone may write these results.
pub(super) unsafe fn combine_nodes(stage: &Stage, kept: usize, n: usize, nodes: &[u64], stride: usize, level: u32) {
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
        let target = nest.ptrs[sink.target].wrapping_offset(nest.kept.offset(sink.target, kept));
        // SAFETY: the caller vouches for the results' memory; these are as many partials.
        unsafe { reducer.finish(n, partials.as_ptr().cast(), target, nest.kept.inner_stride(sink.target)) };
    }
}
