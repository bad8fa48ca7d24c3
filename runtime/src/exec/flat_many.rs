//! Short calls with several outputs: an elementwise loop over arrays with the same strides, too
//! small to wake a second thread for.
//!
//! In: outputs without gaps, and inputs that have exactly their shape and strides, or are one
//! element. Out: what [`run`](super::run) gives for a [`Plan`](crate::plan::Plan) of them, but
//! without one. Everything else is refused before anything is written. With one output,
//! [`Flat`](super::Flat) takes less time.

use std::ops::Range;

use smallvec::SmallVec;

use super::cost::{Threads, estimate_ns_per_elem};
use super::flat::{CHUNK_STEP, dense_elems, is_laid_out_as};
use super::launch::{Chunks, Shared, launch};
use super::{ExecError, Kernel, RunOptions};
use crate::abi::{Operand, RunKind};
use crate::dtype::DType;
use crate::machine::MAX_FREE_TILE_ELEMS;
use crate::memory::with_scratch;
use crate::pool::Pool;
use crate::view::{CallArray, CallArrays, RawRef, View, ViewMut};

/// An input or an output: where its first element is, and how it moves.
#[derive(Clone, Copy)]
struct Place {
    ptr: *mut u8,
    kind: RunKind,
    dtype: DType,
}

/// A short call with several outputs.
///
/// ```
/// use ndexpr_runtime::exec::FlatMany;
/// use ndexpr_runtime::view::{View, ViewMut};
///
/// let (a, mut sum, mut difference) = ([1.0, 2.0, 3.0], [0.0; 3], [0.0_f32; 3]);
/// let mut outs = [ViewMut::from_slice_mut(&mut sum), ViewMut::from_slice_mut(&mut difference)];
/// let mut flat = FlatMany::new(&mut outs).expect("outputs that lie in the same way");
/// assert!(flat.push(&View::from_slice(&a)));
/// assert!(flat.push_output(1), "an input that is updated in place");
/// assert!(!flat.push(&View::from_slice(&a[..2])), "another shape");
/// ```
pub struct FlatMany<'a> {
    outs: SmallVec<[Place; 4]>,
    /// The first output, whose layout all have.
    first: RawRef<'a>,
    n_elems: usize,
    inputs: SmallVec<[Place; 12]>,
    /// The arrays of the call, if it was made of such.
    arrays: &'a [CallArray<'a>],
}

impl<'a> FlatMany<'a> {
    /// A call that has no inputs yet. `None` if an output is empty, has gaps, is neither in C nor
    /// in F order, or does not lie as the first one does; or if two of them share memory.
    #[must_use]
    pub fn new(outs: &'a mut [ViewMut<'_>]) -> Option<FlatMany<'a>> {
        let outs: &'a [ViewMut<'a>] = outs;
        FlatMany::of_refs(outs.iter().map(|out| out.raw().by_ref()))
    }

    /// The same for outputs that are the arrays of a call at these places. `None` also if one of
    /// them is only read.
    #[must_use]
    pub fn of_arrays(arrays: &'a mut CallArrays<'_>, outs: &[usize]) -> Option<FlatMany<'a>> {
        let arrays: &'a [CallArray<'a>] = arrays.all();
        if !outs.iter().all(|&place| arrays.get(place).is_some_and(|array| array.is_written)) {
            return None;
        }
        Some(FlatMany { arrays, ..FlatMany::of_refs(outs.iter().map(|&place| arrays[place].raw))? })
    }

    fn of_refs(outs: impl Iterator<Item = RawRef<'a>> + Clone) -> Option<FlatMany<'a>> {
        let first = outs.clone().next()?;
        let n_elems = dense_elems(first)?;
        let mut flat = FlatMany { outs: SmallVec::new(), first, n_elems, inputs: SmallVec::new(), arrays: &[] };
        for raw in outs {
            let out = Place { ptr: raw.ptr, kind: RunKind::Contiguous, dtype: raw.dtype };
            if !is_laid_out_as(raw, first) || !flat.outs.iter().all(|other| is_apart(&out, n_elems, other, n_elems)) {
                return None;
            }
            flat.outs.push(out);
        }
        Some(flat)
    }

    /// Adds an input. Returns `false`, and adds nothing, if the input is neither one element nor
    /// laid out as the outputs are, or if it shares memory with an output without being it.
    #[must_use]
    pub fn push(&mut self, input: &View<'a>) -> bool {
        self.push_ref(input.raw().by_ref())
    }

    /// The same for the array of the call at this place. Returns `false` if there is none.
    #[must_use]
    pub fn push_array(&mut self, place: usize) -> bool {
        self.arrays.get(place).is_some_and(|array| self.push_ref(array.raw))
    }

    fn push_ref(&mut self, raw: RawRef<'_>) -> bool {
        let is_one = raw.shape.is_empty();
        if !is_one && !is_laid_out_as(raw, self.first) {
            return false;
        }
        // For a single element any run kind is right, and contiguous is the usual one.
        let kind = if is_one && self.n_elems > 1 { RunKind::Splat } else { RunKind::Contiguous };
        let (n, input) = (if is_one { 1 } else { self.n_elems }, Place { ptr: raw.ptr, kind, dtype: raw.dtype });
        let is_allowed = |out: &Place| {
            let is_same = !is_one && raw.ptr == out.ptr && raw.dtype.size() == out.dtype.size();
            is_same || is_apart(&input, n, out, self.n_elems)
        };
        if !self.outs.iter().all(is_allowed) {
            return false;
        }
        self.inputs.push(input);
        true
    }

    /// The dtype and the number of axes of the array of the call at this place.
    #[must_use]
    pub fn array_type(&self, place: usize) -> Option<(DType, usize)> {
        self.arrays.get(place).map(|array| (array.raw.dtype, array.raw.shape.len()))
    }

    /// The only element of the array of the call at this place, if it has rank 0.
    #[must_use]
    pub fn array_element(&self, place: usize) -> Option<Element> {
        let element = self.arrays.get(place)?.element()?;
        Some((element.dtype(), element.to_ne_bytes()))
    }

    /// The dtypes of the outputs.
    pub fn out_dtypes(&self) -> impl ExactSizeIterator<Item = DType> {
        self.outs.iter().map(|out| out.dtype)
    }

    /// Adds one element as an input; it is in the first of these bytes.
    pub fn push_scalar(&mut self, dtype: DType, bytes: &'a [u8; 8]) {
        // The bytes are borrowed, so the outputs, which are borrowed exclusively, are elsewhere.
        self.inputs.push(Place { ptr: bytes.as_ptr().cast_mut(), kind: RunKind::Splat, dtype });
    }

    /// Adds an output, as it was before the call, as an input. Returns `false`, and adds nothing,
    /// if there is no output of this number.
    #[must_use]
    pub fn push_output(&mut self, output: usize) -> bool {
        let Some(&out) = self.outs.get(output) else { return false };
        self.inputs.push(out);
        true
    }

    /// How many inputs were added.
    #[must_use]
    pub fn n_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Keeps the inputs of these numbers, in this order.
    ///
    /// # Panics
    ///
    /// If there is no input of a number.
    pub fn select(&mut self, inputs: impl ExactSizeIterator<Item = usize> + Clone) {
        if inputs.clone().eq(0..self.inputs.len()) {
            return;
        }
        let mut selected = SmallVec::new();
        inputs.for_each(|input| selected.push(self.inputs[input]));
        self.inputs = selected;
    }

    /// How the operands move, inputs first: a kernel is chosen by it.
    #[must_use]
    pub fn run_kinds(&self) -> SmallVec<[RunKind; 16]> {
        // This pushes one by one, because collecting would take longer than the rest of a short
        // call.
        let mut kinds = SmallVec::new();
        self.operands().for_each(|(_, kind)| kinds.push(kind));
        kinds
    }

    /// All operands, inputs first.
    fn operands(&self) -> impl Iterator<Item = (DType, RunKind)> + Clone {
        self.inputs.iter().chain(&self.outs).map(|place| (place.dtype, place.kind))
    }

    /// The same as [`Kernel::check_operands`].
    fn check(&self, kernel: &Kernel) -> Result<(), ExecError> {
        let spec = kernel.spec();
        let fits = |(expected, found): (&(DType, RunKind), (DType, RunKind))| {
            *expected == found || *expected == (found.0, RunKind::Strided)
        };
        let is_right = !spec.is_streaming
            && spec.leaf.is_none()
            && spec.n_outputs == self.outs.len()
            && spec.operands.len() == self.inputs.len() + self.outs.len()
            && spec.operands.iter().zip(self.operands()).all(fits);
        if is_right {
            return Ok(());
        }
        let (dtypes, kinds): (Vec<DType>, Vec<RunKind>) = self.operands().unzip();
        kernel.check_operands(&dtypes, &kinds, self.inputs.len())
    }

    /// Runs as [`Flat::run`](super::Flat::run) does.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run).
    pub fn run(&self, kernel: &Kernel, pool: &Pool) -> Option<Result<(), ExecError>> {
        let spec = kernel.spec();
        let bytes_per_elem: usize = self.operands().map(|(dtype, _)| dtype.size()).sum();
        let ns_per_elem = estimate_ns_per_elem(spec.ns_per_elem, bytes_per_elem);
        let threads = Threads::for_short_work(ns_per_elem * self.n_elems as f64, pool)?;
        if let Err(error) = self.check(kernel) {
            return Some(Err(error));
        }
        if threads.n == 1 {
            let call = |slots: *mut u8| {
                // SAFETY: the kernel was checked, these are its slots, and these are all elements.
                unsafe { self.call(kernel, slots, 0..self.n_elems) }
            };
            return Some(with_scratch(spec.slot_bytes, call).map_err(ExecError::from));
        }
        let chunk_elems = ((threads.chunk_ns / ns_per_elem) as usize).max(1).next_multiple_of(CHUNK_STEP);
        // SAFETY: only the operands' pointers are not `Sync`. Chunks are disjoint parts of the
        // elements, and one thread has each; an input that is exactly an output is read where the
        // same thread writes.
        let shared = unsafe { Shared::new((self, kernel)) };
        let n = self.n_elems.div_ceil(chunk_elems);
        let chunks = Chunks { n, n_threads: threads.n, scratch_bytes: spec.slot_bytes, is_counted: false };
        Some(launch(&RunOptions::new(pool), &chunks, |_, chunk, slots| {
            let (flat, kernel) = *shared.get();
            let start = chunk * chunk_elems;
            let elems = start..(start + chunk_elems).min(flat.n_elems);
            // SAFETY: the kernel was checked, these are its slots, and no other thread has this
            // chunk.
            unsafe { flat.call(kernel, slots, elems) };
            0
        }))
    }

    /// Calls the kernel, tile by tile.
    ///
    /// # Safety
    ///
    /// The kernel must be one for the operands, and `slots` must have its slot bytes. The range
    /// must be inside of the elements, and nobody else may use the outputs' elements there
    /// meanwhile.
    unsafe fn call(&self, kernel: &Kernel, slots: *mut u8, elems: Range<usize>) {
        let spec = kernel.spec();
        let tile = spec.max_tile_elems.unwrap_or(MAX_FREE_TILE_ELEMS).max(1);
        let at = |&Place { ptr, kind, dtype }: &Place| {
            let lane_stride = if kind == RunKind::Splat { 0 } else { dtype.size() as isize };
            Operand { ptr: ptr.wrapping_offset(elems.start as isize * lane_stride), lane_stride, row_stride: 0 }
        };
        let mut operands: SmallVec<[Operand; 16]> = SmallVec::new();
        self.inputs.iter().chain(&self.outs).for_each(|place| operands.push(at(place)));
        let mut next = elems.start;
        while next < elems.end {
            let n_lanes = tile.min(elems.end - next);
            // SAFETY: (1) the caller vouches for the kernel and the slots, and the tile is no
            // larger than the kernel's; (2) the operands' elements are those of arrays that are
            // borrowed for `'a`, the outputs exclusively: an array has `n_elems` elements one after
            // the other, of which this call uses some, or a single one with stride 0; (3) outputs
            // are apart from each other, and an input that is not apart from an output is exactly
            // it, see `new` and `push`.
            unsafe { spec.call((1, n_lanes), &operands, slots) };
            next += n_lanes;
            for operand in &mut operands {
                operand.ptr = operand.ptr.wrapping_offset(n_lanes as isize * operand.lane_stride);
            }
        }
    }
}

/// Whether two arrays of so many elements without gaps share no byte.
fn is_apart(one: &Place, n_one: usize, other: &Place, n_other: usize) -> bool {
    // Neither range wraps around, because both are inside of memory.
    let (start, other_start) = (one.ptr.addr(), other.ptr.addr());
    start + n_one * one.dtype.size() <= other_start || other_start + n_other * other.dtype.size() <= start
}

/// One element of any dtype.
pub type Element = (DType, [u8; 8]);

/// Runs a kernel on single elements. For these, operands of any run kind are right.
///
/// # Errors
///
/// If the kernel is one for other dtypes, or another number of operands, or if there is no memory.
pub fn map_elements(kernel: &Kernel, inputs: &[Element], outs: &mut [Element]) -> Result<(), ExecError> {
    let spec = kernel.spec();
    let dtypes = inputs.iter().chain(&*outs).map(|element| element.0);
    if spec.n_outputs != outs.len()
        || spec.is_streaming
        || spec.leaf.is_some()
        || !spec.operands.iter().map(|operand| operand.0).eq(dtypes)
    {
        return Err(ExecError::LayoutMismatch);
    }
    let stays = |ptr: *mut u8| Operand { ptr, lane_stride: 0, row_stride: 0 };
    let inputs = inputs.iter().map(|(_, bytes)| stays(bytes.as_ptr().cast_mut()));
    let mut operands: SmallVec<[Operand; 16]> = inputs.collect();
    operands.extend(outs.iter_mut().map(|(_, bytes)| stays(bytes.as_mut_ptr())));
    with_scratch(spec.slot_bytes, |slots| {
        // SAFETY: the kernel is one for operands of these dtypes, of one lane each, and 8 bytes
        // hold an element of any dtype. The inputs are borrowed, and the outputs exclusively; the
        // scratch has the kernel's slots.
        unsafe { spec.call((1, 1), &operands, slots) };
    })
    .map_err(ExecError::from)
}
