//! Reduces rows of consecutive elements, each to a result: leaves one after the other, or rows that
//! are shorter than a leaf.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::super::stage::{Place, Sink};
use super::trees::{MAX_PARTIAL_WORDS, TreeMemory};
use super::{FILL_ELEMS, Outcome, Part, Worker};
use crate::exec::elems::copy_strided;
use crate::machine::{BATCH_ROWS, DIRECT_LEAVES, FILLED_LEAVES, LINE_BYTES, PREFETCHED_BYTES};
use crate::memory::{copy_past_caches, prefetch};
use crate::reduce::{LEAF, Reducer, Tree};

/// Of inputs whose elements lie further apart, only so much is prefetched.
const MAX_SHARED_PREFETCH: usize = 16 << 10;

/// The elements that are reduced: those at one place, or the products of those at two.
#[derive(Clone, Copy)]
enum Elems {
    At(*const u8),
    Products([*const u8; 2]),
}

impl Elems {
    /// The elements that are so many bytes further, in each of the places.
    fn further(self, n_bytes: [isize; 2]) -> Elems {
        match self {
            Elems::At(source) => Elems::At(source.wrapping_offset(n_bytes[0])),
            Elems::Products([a, b]) => Elems::Products([a.wrapping_offset(n_bytes[0]), b.wrapping_offset(n_bytes[1])]),
        }
    }

    /// Reduces `n` elements. `first` is the index of the first one.
    ///
    /// # Safety
    ///
    /// The contract of [`Reducer::leaves`]. If the elements are products, the reducer must take
    /// products.
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
    /// Computes elements `range` of those that result `outer` is made of: at most [`FILL_ELEMS`],
    /// into scratch. In a direct stage there is nothing to compute.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); the lanes must be reduced.
    pub(super) unsafe fn fill_row(&self, outer: usize, range: Range<usize>) {
        let reduced = &self.stage.nest.reduced;
        if self.kernel.is_none() {
            return;
        }
        if reduced.extents.len() == 1 {
            // SAFETY: the caller's contract.
            return unsafe { self.compute(&self.starts(outer, range.start), (1, range.len()), |_| 0, 0) };
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
            // Whole rows if a row begins here, up to the end of their axis; else the rest of the
            // row.
            let (n_rows, n_lanes) = match lane {
                0 if left >= inner => ((left / inner).min(n_rows_of_axis - at / inner % n_rows_of_axis), inner),
                _ => (1, left.min(inner - lane)),
            };
            // SAFETY: the caller's contract; the rectangle ends where its axes or the range do.
            unsafe { self.compute(&self.starts(outer, at), (n_rows, n_lanes), row_stride, at - range.start) };
            at += n_rows * n_lanes;
        }
    }

    /// Prefetches the elements of inputs that are needed next: those after element `end` of the
    /// ones that result `outer` is made of.
    fn prefetch_after(&self, outer: usize, end: usize) {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        if self.kernel.is_none() || reduced.extents.len() > 1 || end >= reduced.n() {
            return;
        }
        for input in (0..stage.n_inputs).filter(|&input| reduced.inner_stride(input) != 0) {
            let offset = stage.nest.outer.offset(input, outer) + reduced.offset(input, end);
            prefetch(self.ptrs[input].wrapping_offset(offset), PREFETCHED_BYTES);
        }
    }

    /// Prefetches a share of the elements of inputs that are needed next, those of the next leaf:
    /// one of `n` shares, so that memory is not idle while several sinks reduce what is in the
    /// cache.
    fn prefetch_share(&self, outer: usize, end: usize, (share, n): (usize, usize)) {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        if reduced.extents.len() > 1 || end >= reduced.n() {
            return;
        }
        for input in (0..stage.n_inputs).filter(|&input| reduced.inner_stride(input) != 0) {
            let stride = reduced.inner_stride(input);
            let n_bytes = (stride.unsigned_abs() * LEAF).min(MAX_SHARED_PREFETCH);
            let lines = n_bytes.div_ceil(LINE_BYTES);
            let (from, to) = (lines * share / n, lines * (share + 1) / n);
            let offset = stage.nest.outer.offset(input, outer) + reduced.offset(input, end);
            let start = self.ptrs[input].wrapping_offset(offset + stride.signum() * (from * LINE_BYTES) as isize);
            prefetch(start, (to - from) * LINE_BYTES);
        }
    }

    /// Where a sink reads the elements that were just computed, one after the other. They have the
    /// numbers `range` among the elements that result `outer` is made of.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); the lanes must be reduced, and the elements be
    /// computed.
    pub(super) unsafe fn row_source(&self, sink: &Sink, outer: usize, range: Range<usize>) -> *const u8 {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let scratch = self.value_scratch(sink.value);
        if self.streams(sink.value) {
            return scratch;
        }
        let Some(operand) = stage.source_operand(sink) else { return scratch };
        let size = stage.values[sink.value].dtype.size();
        let start = self.ptrs[operand].wrapping_offset(stage.nest.outer.offset(operand, outer));
        let stride = reduced.inner_stride(operand);
        if stride == size as isize && reduced.extents.len() == 1 {
            return start.wrapping_offset(range.start as isize * stride);
        }
        let mut at = range.start;
        while at < range.end {
            let n = (range.end - at).min(reduced.inner() - at % reduced.inner());
            let source = start.wrapping_offset(reduced.offset(operand, at));
            // SAFETY: the scratch of a value that is in memory is free, and has room for as many
            // elements as are computed at a time; these are elements of the operand, along its
            // innermost axis.
            unsafe { copy_strided(size, n, source, stride, scratch.add((at - range.start) * size), size as isize) };
            at += n;
        }
        scratch
    }

    /// Computes results of more than one leaf each, one after the other.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn long_rows(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let n = stage.nest.reduced.n();
        // SAFETY: the caller's contract.
        let mut memory = unsafe { TreeMemory::new(stage, 1, part.leaves.len(), self.words) };
        let n_sinks = stage.reductions().count();
        // What several sinks read should be in the L1 cache for all but the first of them. If
        // values are kept too, the stores fill the time in which memory would be idle.
        let is_shared = n_sinks > 1 && !stage.keeps_values();
        let is_grouped = stage.is_direct && !is_shared && self.leaf_kernel.is_none();
        let group = if is_grouped { DIRECT_LEAVES } else { FILLED_LEAVES };
        for outer in part.outer.clone() {
            let mut trees = memory.trees();
            let mut leaves = self.leaves(outer, part.leaves.start);
            for leaf in part.leaves.clone().step_by(group) {
                if self.is_decided.load(Ordering::Relaxed) {
                    break;
                }
                let first = leaf * LEAF;
                let end = ((leaf + group).min(part.leaves.end) * LEAF).min(n);
                if let Some(leaves) = leaves.as_mut().filter(|_| end - first == LEAF) {
                    // SAFETY: the caller's contract; there is a whole leaf.
                    unsafe {
                        self.accumulate(leaves, &mut trees);
                        if !leaves.streams() {
                            self.stream_row(outer, first..end);
                        }
                    }
                    if !self.goes_on_after(LEAF) {
                        return;
                    }
                    continue;
                }
                // SAFETY: the caller's contract.
                unsafe { self.fill_row(outer, first..end) };
                let mut is_decided = !stage.keeps_values();
                for (place, ((sink, reducer), tree)) in stage.reductions().zip(&mut trees).enumerate() {
                    if is_shared {
                        self.prefetch_share(outer, end, (place, n_sinks));
                    } else {
                        self.prefetch_after(outer, end);
                    }
                    // SAFETY: the elements were computed, or are the array's; they are a group of
                    // leaves.
                    is_decided &= unsafe {
                        let elems = self.row_elems(sink, outer, first..end);
                        self.push_leaves(reducer, elems, first..end, tree)
                    };
                }
                // SAFETY: the caller's contract; the values of this range were computed.
                unsafe { self.stream_row(outer, first..end) };
                if is_decided {
                    if stage.nest.outer.n() == 1 {
                        self.is_decided.store(true, Ordering::Relaxed);
                    }
                    break;
                }
                if !self.goes_on_after(end - first) {
                    return;
                }
            }
            // SAFETY: the caller's contract.
            unsafe { self.conclude(trees, outer, 1, outcome) };
        }
    }

    /// Writes values that wait in scratch to memory, past the caches: elements `range` of those
    /// that result `outer` is made of.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); the lanes must be reduced, and the elements be
    /// computed.
    unsafe fn stream_row(&self, outer: usize, range: Range<usize>) {
        if !self.streams {
            return;
        }
        let nest = &self.stage.nest;
        for (k, value) in self.stage.values.iter().enumerate().filter(|&(k, _)| self.streams(k)) {
            let Place::Operand(operand) = value.place else { continue };
            let offset = nest.outer.offset(operand, outer) + nest.reduced.offset(operand, range.start);
            let to = self.ptrs[operand].wrapping_offset(offset);
            // SAFETY: the scratch has these elements; a value that is streamed is contiguous along
            // its only reduced axis, and this thread alone writes this part of it.
            unsafe { copy_past_caches(self.value_scratch(k), to, range.len() * value.dtype.size()) };
        }
    }

    /// The elements that a sink reduces, of those that were just computed. It finds them as
    /// [`row_source`](Worker::row_source) does.
    ///
    /// # Safety
    ///
    /// The contract of [`row_source`](Worker::row_source).
    unsafe fn row_elems(&self, sink: &Sink, outer: usize, range: Range<usize>) -> Elems {
        let nest = &self.stage.nest;
        let start = |operand: usize| {
            let offset = nest.outer.offset(operand, outer) + nest.reduced.offset(operand, range.start);
            self.ptrs[operand].wrapping_offset(offset).cast_const()
        };
        match self.stage.factors(sink) {
            Some(factors) => Elems::Products(factors.map(start)),
            // SAFETY: the caller's contract.
            None => Elems::At(unsafe { self.row_source(sink, outer, range) }),
        }
    }

    /// Reduces elements, which have the numbers `range`, into a tree. True if they decide the
    /// result.
    ///
    /// # Safety
    ///
    /// There must be as many elements of the reducer's dtype, in at most [`DIRECT_LEAVES`] leaves.
    unsafe fn push_leaves(&self, reducer: Reducer, elems: Elems, range: Range<usize>, tree: &mut Tree<'_>) -> bool {
        let (n, bytes) = (range.len(), reducer.partial_bytes());
        if n <= LEAF {
            let partial: *mut u8 = tree.slot().as_mut_ptr().cast();
            // SAFETY: the caller's contract; the tree's slot has room for a partial, which is then
            // there.
            let is_decided = unsafe {
                elems.reduce(reducer, n, range.start as u64, partial);
                reducer.is_decided(std::slice::from_raw_parts(partial, bytes))
            };
            tree.push(0);
            return is_decided;
        }
        // Counted from the part's first leaf, a group starts at a multiple of its size, and only
        // the last group has fewer leaves.
        let mut partials = [0_u64; DIRECT_LEAVES * MAX_PARTIAL_WORDS];
        let partials: *mut u8 = partials.as_mut_ptr().cast();
        // SAFETY: the caller's contract; there is room for the partials of a group of leaves, and
        // in the slot for one.
        let is_decided = unsafe {
            elems.reduce(reducer, n, range.start as u64, partials);
            reducer.node(n.div_ceil(LEAF), partials);
            tree.slot().as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(partials, bytes);
            reducer.is_decided(std::slice::from_raw_parts(partials, bytes))
        };
        tree.push(DIRECT_LEAVES.ilog2());
        is_decided
    }

    /// The bytes from the elements of a row to those of the next row in a batch, where they have
    /// one place or two; `None` if each row is found anew.
    fn row_bytes(&self, sink: &Sink) -> Option<[isize; 2]> {
        let (stage, nest) = (self.stage, &self.stage.nest);
        let size = stage.values[sink.value].dtype.size();
        if let Some(factors) = stage.factors(sink) {
            return Some(factors.map(|operand| nest.outer.inner_stride(operand)));
        }
        let follow =
            |operand: usize| nest.reduced.extents.len() == 1 && nest.reduced.inner_stride(operand) == size as isize;
        match stage.source_operand(sink) {
            None => Some([(nest.reduced.n() * size) as isize, 0]),
            Some(operand) => follow(operand).then(|| [nest.outer.inner_stride(operand), 0]),
        }
    }

    /// Computes results of one leaf each, many at a time.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn short_rows(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let (outer, reduced) = (&stage.nest.outer, &stage.nest.reduced);
        let n = reduced.n();
        let is_one_axis = reduced.extents.len() == 1;
        let most = if is_one_axis { (FILL_ELEMS / n).clamp(1, BATCH_ROWS) } else { 1 };
        let mut at = part.outer.start;
        while at < part.outer.end {
            let n_rows = most.min(part.outer.end - at).min(outer.inner() - at % outer.inner());
            // SAFETY: the caller's contract; the rows are along the innermost outer axis, and fit
            // the scratch.
            unsafe {
                if is_one_axis {
                    self.compute(&self.starts(at, 0), (n_rows, n), |operand| outer.inner_stride(operand), 0);
                } else {
                    self.fill_row(at, 0..n);
                }
            }
            for (sink, reducer) in stage.reductions() {
                let mut partials = [0_u64; BATCH_ROWS * MAX_PARTIAL_WORDS];
                let partials: *mut u8 = partials.as_mut_ptr().cast();
                let bytes = reducer.partial_bytes();
                let row_bytes = self.row_bytes(sink);
                // SAFETY: the elements were computed, or are the array's.
                let mut elems = unsafe { self.row_elems(sink, at, 0..n) };
                for row in 0..n_rows {
                    // SAFETY: as above; the rows of a batch are along one axis. There is room for a
                    // batch of partials.
                    unsafe {
                        if row > 0 {
                            elems = match row_bytes {
                                Some(n_bytes) => elems.further(n_bytes),
                                None => self.row_elems(sink, at + row, 0..n),
                            };
                        }
                        if bytes.is_multiple_of(size_of::<u64>()) {
                            elems.reduce(reducer, n, 0, partials.add(row * bytes));
                            continue;
                        }
                        // In the batch, partials of one or two bytes are not aligned. So each
                        // partial is made elsewhere first.
                        let mut partial = [0_u64; MAX_PARTIAL_WORDS];
                        elems.reduce(reducer, n, 0, partial.as_mut_ptr().cast());
                        partials.add(row * bytes).copy_from_nonoverlapping(partial.as_ptr().cast(), bytes);
                    }
                }
                debug_assert!(matches!(outcome, Outcome::Results), "one leaf is not split");
                let target = self.target(sink, at);
                // SAFETY: there are as many partials, and this thread alone writes these results.
                unsafe { reducer.finish(n_rows, partials, target, outer.inner_stride(sink.target)) };
            }
            at += n_rows;
        }
    }
}
