//! Short calls: an elementwise loop over arrays with the same strides, or over rows, too small to
//! wake a second thread for.
//!
//! In: an output without gaps, and inputs that have exactly its shape and strides, or have two axes
//! and rows without gaps as parts of larger arrays do, or are one element. Out: what
//! [`run`](super::run) gives for a [`Plan`](crate::plan::Plan) of them. But no plan is made,
//! because making one takes several times as long as a thousand additions. Everything else is
//! refused before anything is written.

use std::marker::PhantomData;
use std::ops::Range;

use smallvec::SmallVec;

use super::cost::{Threads, estimate_ns_per_elem};
use super::launch::{Chunks, Shared, launch};
use super::{ExecError, Kernel, RunOptions};
use crate::abi::{Operand, RunKind};
use crate::dtype::DType;
use crate::machine::MAX_FREE_TILE_ELEMS;
use crate::memory::with_scratch;
use crate::pool::Pool;
use crate::view::{MAX_AXES, RawRef, RawView, View, ViewMut};

/// The most inputs of a short call.
pub const MAX_FLAT_INPUTS: usize = 8;

const MAX_OPERANDS: usize = MAX_FLAT_INPUTS + 1;

/// Shorter rows are for plans, which join them.
const MIN_ROW_LANES: usize = 32;

/// Threads take multiples of so many elements, so that each part of an output of any dtype begins
/// at the same place of a cache line.
pub(super) const CHUNK_STEP: usize = 64;

/// A short call: its output and, one after the other, its inputs.
///
/// ```
/// use ndexpr_runtime::exec::Flat;
/// use ndexpr_runtime::view::{View, ViewMut};
///
/// let (a, mut out) = ([1.0, 2.0, 3.0], [0.0; 3]);
/// let mut out = ViewMut::from_slice_mut(&mut out);
/// let mut flat = Flat::new(&mut out).expect("the output has no gaps");
/// assert!(flat.push(&View::from_slice(&a)));
/// assert!(flat.push(&View::from_element(&2.0)), "one element is repeated");
/// assert!(!flat.push(&View::from_slice(&a[..2])), "another shape");
/// ```
pub struct Flat<'a> {
    /// The output's layout; `None` if the caller promises that the inputs have the same layout.
    out: Option<&'a RawView>,
    n_elems: usize,
    n_bytes: usize,
    n_inputs: usize,
    /// Inputs, in order. All places behind them hold the output, so the output always comes right
    /// after the last input.
    ptrs: [*mut u8; MAX_OPERANDS],
    kinds: [RunKind; MAX_OPERANDS],
    dtypes: [DType; MAX_OPERANDS],
    /// The elements of a row, if some input has gaps between its rows. The output has none.
    n_lanes: Option<usize>,
    /// The bytes from one row to the next, if there are rows.
    row_strides: [isize; MAX_OPERANDS],
    /// The call borrows the inputs, and it borrows the output exclusively.
    memory: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl<'a> Flat<'a> {
    /// A call that has no inputs yet. `None` if the output is empty, has gaps, or is neither in C
    /// nor in F order.
    #[must_use]
    pub fn new(out: &'a mut ViewMut<'_>) -> Option<Flat<'a>> {
        let out: &'a RawView = out.raw();
        let n_elems = dense_elems(out.by_ref())?;
        Some(Flat { out: Some(out), ..Flat::of(out.ptr, out.dtype, n_elems) })
    }

    /// The same as [`Flat::new`], with parts instead of a view: the output is `n_elems` elements
    /// one after the other. They may be an array of several axes, whose order in memory all inputs
    /// share.
    ///
    /// # Safety
    ///
    /// For `'a` the elements must be valid for writes, and no one else may access them.
    #[must_use]
    pub unsafe fn dense(out: *mut u8, dtype: DType, n_elems: usize) -> Flat<'a> {
        Flat::of(out, dtype, n_elems)
    }

    fn of(out: *mut u8, dtype: DType, n_elems: usize) -> Flat<'a> {
        Flat {
            out: None,
            n_elems,
            n_bytes: n_elems.saturating_mul(dtype.size()),
            n_inputs: 0,
            ptrs: [out; MAX_OPERANDS],
            kinds: [RunKind::Contiguous; MAX_OPERANDS],
            dtypes: [dtype; MAX_OPERANDS],
            n_lanes: None,
            row_strides: [0; MAX_OPERANDS],
            memory: PhantomData,
        }
    }

    /// Adds an input. Returns `false`, and adds nothing, if the input is neither one element, nor
    /// laid out as the output is, nor of its two axes with rows without gaps; if it partly overlaps
    /// the output; or if there are [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push(&mut self, input: &View<'a>) -> bool {
        let raw = input.raw();
        let size = raw.dtype.size();
        let is_one = raw.shape.is_empty();
        let is_alike = || self.out.is_some_and(|out| is_laid_out_as(raw.by_ref(), out.by_ref()));
        if self.n_inputs == MAX_FLAT_INPUTS {
            return false;
        }
        if !(is_one || is_alike()) {
            return self.push_rows(raw);
        }
        let is_allowed = match is_one {
            true => self.is_apart(raw.ptr, size),
            false => self.is_apart_or_output(raw.ptr, raw.dtype),
        };
        if !is_allowed {
            return false;
        }
        // For a single element any run kind is right, and contiguous is the usual one.
        match is_one && self.n_elems > 1 {
            true => self.add(raw.ptr, raw.dtype, RunKind::Splat),
            false => self.add(raw.ptr, raw.dtype, RunKind::Contiguous),
        }
        true
    }

    /// Adds an input of two axes whose rows have no gaps.
    fn push_rows(&mut self, raw: &RawView) -> bool {
        let Some(out) = self.out else { return false };
        let (&[n_rows, n_lanes], &[row_stride, lane_stride]) = (&raw.shape[..], &raw.strides[..]) else { return false };
        let (size, out_size) = (raw.dtype.size(), out.dtype.size());
        let is_in_rows = out.shape[..] == [n_rows, n_lanes]
            && out.strides[..] == [(n_lanes * out_size) as isize, out_size as isize]
            && lane_stride == size as isize;
        if !is_in_rows || n_lanes < MIN_ROW_LANES {
            return false;
        }
        // The rows are inside of memory, so none of this wraps around.
        let Some(stride) = usize::try_from(row_stride).ok().filter(|&stride| stride > 0) else { return false };
        if !self.is_apart(raw.ptr, (n_rows - 1) * stride + n_lanes * size) {
            return false;
        }
        self.n_lanes = Some(n_lanes);
        self.row_strides[self.n_inputs] = row_stride;
        self.add(raw.ptr, raw.dtype, RunKind::Contiguous);
        true
    }

    /// The bytes from one row of an operand to the next.
    fn row_stride(&self, operand: usize, n_lanes: usize) -> isize {
        match (self.kinds[operand], self.row_strides[operand]) {
            (RunKind::Splat, _) => 0,
            (_, 0) => (n_lanes * self.dtypes[operand].size()) as isize,
            (_, stride) => stride,
        }
    }

    /// Adds an input that is given by its parts: as many elements as the output has, one after the
    /// other. Returns `false`, and adds nothing, if it partly overlaps the output, or if there are
    /// [`MAX_FLAT_INPUTS`] already.
    ///
    /// # Safety
    ///
    /// For `'a` the elements must be valid for reads, and only this call may write to them.
    #[must_use]
    pub unsafe fn push_dense(&mut self, ptr: *const u8, dtype: DType) -> bool {
        if self.n_inputs == MAX_FLAT_INPUTS || !self.is_apart_or_output(ptr, dtype) {
            return false;
        }
        self.add(ptr.cast_mut(), dtype, RunKind::Contiguous);
        true
    }

    /// Adds one element as an input; it is in the first of these bytes. Returns `false`, and adds
    /// nothing, if there are [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push_scalar(&mut self, dtype: DType, bytes: &'a [u8; 8]) -> bool {
        if self.n_inputs == MAX_FLAT_INPUTS {
            return false;
        }
        // The bytes are borrowed, so the output, which is borrowed exclusively, is elsewhere.
        self.add(bytes.as_ptr().cast_mut(), dtype, RunKind::Splat);
        true
    }

    /// Adds the output, as it was before the call, as an input. Returns `false`, and adds nothing,
    /// if it is not of this dtype, or if there are [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push_output(&mut self, dtype: DType) -> bool {
        let (out_ptr, out_dtype) = self.output();
        if self.n_inputs == MAX_FLAT_INPUTS || dtype != out_dtype {
            return false;
        }
        self.add(out_ptr, dtype, RunKind::Contiguous);
        true
    }

    fn output(&self) -> (*mut u8, DType) {
        (self.ptrs[self.n_inputs], self.dtypes[self.n_inputs])
    }

    /// Whether these bytes share no byte with the output.
    fn is_apart(&self, ptr: *const u8, n_bytes: usize) -> bool {
        // Neither range wraps around, because both are inside of memory.
        let (start, out_start) = (ptr.addr(), self.output().0.addr());
        start + n_bytes <= out_start || out_start + self.n_bytes <= start
    }

    /// Looks at as many elements as the output has: whether they share no byte with it, or each
    /// lies exactly where the output's element lies.
    fn is_apart_or_output(&self, ptr: *const u8, dtype: DType) -> bool {
        let (out_ptr, out_dtype) = self.output();
        let is_output = ptr.addr() == out_ptr.addr() && dtype.size() == out_dtype.size();
        is_output || self.is_apart(ptr, self.n_elems * dtype.size())
    }

    fn add(&mut self, ptr: *mut u8, dtype: DType, kind: RunKind) {
        self.ptrs[self.n_inputs] = ptr;
        self.kinds[self.n_inputs] = kind;
        self.dtypes[self.n_inputs] = dtype;
        self.n_inputs += 1;
    }

    /// The same call with other inputs: this call's inputs of these numbers, in this order. `None`
    /// if there are more than [`MAX_FLAT_INPUTS`].
    ///
    /// # Panics
    ///
    /// If there is no input of a number.
    #[must_use]
    pub fn select(&self, inputs: impl Iterator<Item = usize>) -> Option<Flat<'a>> {
        let (out_ptr, out_dtype) = self.output();
        let mut flat = Flat { out: self.out, ..Flat::of(out_ptr, out_dtype, self.n_elems) };
        flat.n_lanes = self.n_lanes;
        for input in inputs {
            if flat.n_inputs == MAX_FLAT_INPUTS {
                return None;
            }
            assert!(input < self.n_inputs, "an input that was pushed");
            flat.row_strides[flat.n_inputs] = self.row_strides[input];
            flat.add(self.ptrs[input], self.dtypes[input], self.kinds[input]);
        }
        Some(flat)
    }

    /// The dtypes and run kinds of the inputs, in order.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = (DType, RunKind)> {
        let inputs = self.dtypes[..self.n_inputs].iter().zip(&self.kinds);
        inputs.map(|(&dtype, &kind)| (dtype, kind))
    }

    /// The output's dtype.
    #[must_use]
    pub fn result_dtype(&self) -> DType {
        self.output().1
    }

    /// How the operands move, inputs first, the output last: a kernel is chosen by it.
    #[must_use]
    pub fn run_kinds(&self) -> &[RunKind] {
        &self.kinds[..=self.n_inputs]
    }

    /// Runs, if the work is too short to wake a second thread for. Helpers take part only if they
    /// are awake because short calls follow one another. Returns `None`, and does nothing, if the
    /// work is longer.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run).
    pub fn run(&self, kernel: &Kernel, pool: &Pool) -> Option<Result<(), ExecError>> {
        let spec = kernel.spec();
        let n_operands = self.n_inputs + 1;
        let bytes_per_elem: usize = self.dtypes[..n_operands].iter().map(|dtype| dtype.size()).sum();
        let ns_per_elem = estimate_ns_per_elem(spec.ns_per_elem, bytes_per_elem);
        let threads = Threads::for_short_work(ns_per_elem * self.n_elems as f64, pool)?;
        if let Err(error) = kernel.check_operands(&self.dtypes[..n_operands], &self.kinds[..n_operands], self.n_inputs)
        {
            return Some(Err(error));
        }
        if threads.n == 1 {
            if spec.slot_bytes > 0 {
                // SAFETY: the kernel was checked.
                return Some(unsafe { self.call_with_slots(kernel) });
            }
            // SAFETY: as above, and the kernel takes no slots.
            unsafe { self.call(kernel, std::ptr::null_mut(), 0..self.n_elems) };
            return Some(Ok(()));
        }
        let chunk_elems = ((threads.chunk_ns / ns_per_elem) as usize).max(1);
        let chunk_elems = chunk_elems.next_multiple_of(self.n_lanes.unwrap_or(CHUNK_STEP));
        // SAFETY: the kernel was checked.
        Some(unsafe { self.run_in_chunks(kernel, chunk_elems, threads.n, pool) })
    }

    /// Calls the kernel on this thread, for all elements. This is a separate function so that
    /// kernels without slots do not have its variables on the stack.
    ///
    /// # Safety
    ///
    /// The kernel must be one for the operands.
    #[inline(never)]
    unsafe fn call_with_slots(&self, kernel: &Kernel) -> Result<(), ExecError> {
        let call = |slots: *mut u8| {
            // SAFETY: the caller vouches for the kernel, whose slots these are; these are all
            // elements.
            unsafe { self.call(kernel, slots, 0..self.n_elems) }
        };
        with_scratch(kernel.spec().slot_bytes, call).map_err(ExecError::from)
    }

    /// Runs on several threads. This is a separate function so that calls on one thread do not
    /// have its variables on the stack.
    ///
    /// # Safety
    ///
    /// The kernel must be one for the operands.
    #[inline(never)]
    unsafe fn run_in_chunks(
        &self,
        kernel: &Kernel,
        chunk_elems: usize,
        n_threads: usize,
        pool: &Pool,
    ) -> Result<(), ExecError> {
        let n_elems = self.n_elems;
        // SAFETY: only the operands' pointers are not `Sync`. Chunks are disjoint parts of the
        // elements, and one thread has each; an input that is exactly the output is read where the
        // same thread writes.
        let shared = unsafe { Shared::new((self, kernel)) };
        let scratch_bytes = kernel.spec().slot_bytes;
        let chunks = Chunks { n: n_elems.div_ceil(chunk_elems), n_threads, scratch_bytes, is_counted: false };
        launch(&RunOptions::new(pool), &chunks, |_, chunk, slots| {
            let (flat, kernel) = *shared.get();
            let start = chunk * chunk_elems;
            let elems = start..(start + chunk_elems).min(n_elems);
            // SAFETY: the caller vouches for the kernel, whose slots these are; no other thread has
            // this chunk.
            unsafe { flat.call(kernel, slots, elems) };
            0
        })
    }

    /// Calls the kernel, tile by tile.
    ///
    /// # Safety
    ///
    /// The kernel must be one for the operands, and `slots` must have its slot bytes. The range
    /// must be inside of the elements, whole rows if there are rows, and nobody else may use the
    /// output's elements there meanwhile.
    unsafe fn call(&self, kernel: &Kernel, slots: *mut u8, elems: Range<usize>) {
        let spec = kernel.spec();
        if let Some(n_lanes) = self.n_lanes {
            // SAFETY: the caller's contract.
            return unsafe { self.call_rows(kernel, slots, elems.start / n_lanes..elems.end / n_lanes, n_lanes) };
        }
        let tile = spec.max_tile_elems.unwrap_or(MAX_FREE_TILE_ELEMS).max(1);
        let moving = self.ptrs.iter().zip(&self.kinds).zip(&self.dtypes).take(self.n_inputs + 1);
        let mut operands: SmallVec<[Operand; MAX_OPERANDS]> = SmallVec::new();
        let advance = |operand: &mut Operand, n_lanes: usize| {
            operand.ptr = operand.ptr.wrapping_offset(n_lanes as isize * operand.lane_stride);
        };
        for ((&ptr, &kind), dtype) in moving {
            let lane_stride = if kind == RunKind::Splat { 0 } else { dtype.size() as isize };
            let mut operand = Operand { ptr, lane_stride, row_stride: 0 };
            advance(&mut operand, elems.start);
            operands.push(operand);
        }
        let mut next = elems.start;
        while next < elems.end {
            let n_lanes = tile.min(elems.end - next);
            // SAFETY: (1) the caller vouches for the kernel and the slots, and the tile is no
            // larger than the kernel's; (2) the operands' elements are those of views that are
            // borrowed for `'a`, the output exclusively: a view has `n_elems` elements one after
            // the other, of which this call uses some, or a single one with stride 0; (3) an input
            // that is not apart from the output is exactly it, see `push`.
            unsafe { spec.call((1, n_lanes), &operands, slots) };
            next += n_lanes;
            operands.iter_mut().for_each(|operand| advance(operand, n_lanes));
        }
    }
}

impl Flat<'_> {
    /// Calls the kernel for these rows, tile by tile.
    ///
    /// # Safety
    ///
    /// That of [`call`](Flat::call), for the elements of the rows.
    #[inline(never)]
    unsafe fn call_rows(&self, kernel: &Kernel, slots: *mut u8, rows: Range<usize>, n_lanes: usize) {
        let spec = kernel.spec();
        let most = spec.max_tile_elems.unwrap_or(MAX_FREE_TILE_ELEMS).max(1);
        let lanes_per_tile = n_lanes.min(most);
        let rows_per_tile = (most / lanes_per_tile).max(1);
        for row in rows.clone().step_by(rows_per_tile) {
            let n_rows = rows_per_tile.min(rows.end - row);
            for lane in (0..n_lanes).step_by(lanes_per_tile) {
                let mut operands: SmallVec<[Operand; MAX_OPERANDS]> = SmallVec::new();
                for operand in 0..=self.n_inputs {
                    let row_stride = self.row_stride(operand, n_lanes);
                    let lane_stride = match self.kinds[operand] {
                        RunKind::Splat => 0,
                        _ => self.dtypes[operand].size() as isize,
                    };
                    let offset = row as isize * row_stride + lane as isize * lane_stride;
                    let ptr = self.ptrs[operand].wrapping_offset(offset);
                    operands.push(Operand { ptr, lane_stride, row_stride });
                }
                let n_tile_lanes = lanes_per_tile.min(n_lanes - lane);
                // SAFETY: as in `call`: the caller vouches for the kernel, the slots and the rows,
                // and the tile is no larger than the kernel's. The operands' elements are those of
                // borrowed views, which have these rows of so many lanes without gaps, or a single
                // one with strides 0; and inputs with gaps between rows are apart from the output.
                unsafe { spec.call((n_rows, n_tile_lanes), &operands, slots) };
            }
        }
    }
}

/// The number of elements of an array that has some, without gaps, in C or F order.
pub(super) fn dense_elems(raw: RawRef<'_>) -> Option<usize> {
    if raw.shape.len() > MAX_AXES {
        return None;
    }
    let size = raw.dtype.size();
    let n_elems = match *raw.shape {
        [] => 1,
        [n] => {
            if n > 1 && raw.strides[0] != size as isize {
                return None;
            }
            n
        }
        _ => {
            let is_dense = |axes: &mut dyn Iterator<Item = (&usize, &isize)>| {
                let mut next = size as isize;
                axes.filter(|&(&extent, _)| extent != 1).all(|(&extent, &stride)| {
                    let is_next = stride == next;
                    next = next.wrapping_mul(extent as isize);
                    is_next
                })
            };
            let mut axes = raw.shape.iter().zip(raw.strides);
            if !is_dense(&mut axes.clone().rev()) && !is_dense(&mut axes) {
                return None;
            }
            raw.shape.iter().product()
        }
    };
    (n_elems > 0).then_some(n_elems)
}

/// Whether an array has the output's shape, and its elements lie in the same order without gaps.
pub(super) fn is_laid_out_as(raw: RawRef<'_>, out: RawRef<'_>) -> bool {
    let (size, out_size) = (raw.dtype.size() as isize, out.dtype.size() as isize);
    let is_alike = |((&extent, &out_extent), (&stride, &out_stride)): ((&usize, &usize), (&isize, &isize))| {
        // Both strides are a number of elements times the size of one.
        extent == out_extent && (extent == 1 || stride.wrapping_mul(out_size) == out_stride.wrapping_mul(size))
    };
    // This compares one by one: comparing slices is a call, which takes longer than so few extents.
    raw.shape.len() == out.shape.len()
        && raw.shape.iter().zip(out.shape).zip(raw.strides.iter().zip(out.strides)).all(is_alike)
}
