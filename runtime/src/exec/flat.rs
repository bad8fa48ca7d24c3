//! Short calls: an elementwise loop over arrays that lie alike, too small for a second thread.
//!
//! In: an output without gaps, and inputs that either have its very shape and strides or are one element. Out: the same as
//! [`run`](super::run) of a [`Plan`](crate::plan::Plan) of them, without the price of making one, which is several times
//! that of a thousand additions. Whatever is not so simple is refused, before anything is written.

use std::marker::PhantomData;

use smallvec::SmallVec;

use super::cost::{MAX_FREE_TILE_ELEMS, estimate_ns_per_elem, is_worth_threads};
use super::{ExecError, Kernel};
use crate::abi::{KernelArgs, Operand, RunKind};
use crate::dtype::DType;
use crate::memory::with_scratch;
use crate::view::{MAX_AXES, RawView, View, ViewMut};

/// The most inputs of a short call.
pub const MAX_FLAT_INPUTS: usize = 8;

const MAX_OPERANDS: usize = MAX_FLAT_INPUTS + 1;

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
    out: &'a RawView,
    n_elems: usize,
    n_bytes: usize,
    n_inputs: usize,
    /// Inputs, in order, and all that follow are the output.
    ptrs: [*mut u8; MAX_OPERANDS],
    kinds: [RunKind; MAX_OPERANDS],
    dtypes: [DType; MAX_OPERANDS],
    /// It reads inputs for as long, and writes the output.
    memory: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl<'a> Flat<'a> {
    /// A call without inputs yet. `None` if the output is empty, or has gaps, or axes in an order that is neither C nor F.
    #[must_use]
    pub fn new(out: &'a mut ViewMut<'_>) -> Option<Flat<'a>> {
        let out: &'a RawView = out.raw();
        let n_elems = dense_elems(out)?;
        Some(Flat {
            out,
            n_elems,
            n_bytes: n_elems * out.dtype.size(),
            n_inputs: 0,
            ptrs: [out.ptr; MAX_OPERANDS],
            kinds: [RunKind::Contiguous; MAX_OPERANDS],
            dtypes: [out.dtype; MAX_OPERANDS],
            memory: PhantomData,
        })
    }

    /// Adds an input. `false`, and nothing is added, if it is neither one element nor laid out as the output is, if it
    /// partly overlaps the output, or if there are [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push(&mut self, input: &View<'a>) -> bool {
        let raw = input.raw();
        let size = raw.dtype.size();
        let is_one = raw.shape.is_empty();
        if self.n_inputs == MAX_FLAT_INPUTS || !(is_one || is_laid_out_as(raw, self.out)) {
            return false;
        }
        let n_bytes = if is_one { size } else { self.n_elems * size };
        // Neither range wraps around, for both are inside of memory.
        let (start, out_start) = (raw.ptr.addr(), self.out.ptr.addr());
        let is_apart = start + n_bytes <= out_start || out_start + self.n_bytes <= start;
        let is_output = !is_one && start == out_start && size == self.out.dtype.size();
        if !is_apart && !is_output {
            return false;
        }
        // Where there is one element only, any kind is right, and this the usual one.
        match is_one && self.n_elems > 1 {
            true => self.add(raw.ptr, raw.dtype, RunKind::Splat),
            false => self.add(raw.ptr, raw.dtype, RunKind::Contiguous),
        }
        true
    }

    /// Adds one element, in its first bytes, as an input. `false`, and nothing is added, if there are
    /// [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push_scalar(&mut self, dtype: DType, bytes: &'a [u8; 8]) -> bool {
        if self.n_inputs == MAX_FLAT_INPUTS {
            return false;
        }
        // The bytes are borrowed, so the output, which is borrowed exclusively, is elsewhere.
        self.add(bytes.as_ptr().cast_mut(), dtype, RunKind::Splat);
        true
    }

    /// Adds the output, as it was, as an input. `false`, and nothing is added, if it is not of this dtype, or if there are
    /// [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push_output(&mut self, dtype: DType) -> bool {
        if self.n_inputs == MAX_FLAT_INPUTS || dtype != self.out.dtype {
            return false;
        }
        self.add(self.out.ptr, dtype, RunKind::Contiguous);
        true
    }

    fn add(&mut self, ptr: *mut u8, dtype: DType, kind: RunKind) {
        self.ptrs[self.n_inputs] = ptr;
        self.kinds[self.n_inputs] = kind;
        self.dtypes[self.n_inputs] = dtype;
        self.n_inputs += 1;
    }

    /// The same call with other inputs: those of these numbers, in this order. `None` if they are more than
    /// [`MAX_FLAT_INPUTS`].
    ///
    /// # Panics
    ///
    /// If there is no input of a number.
    #[must_use]
    pub fn select(&self, inputs: impl Iterator<Item = usize>) -> Option<Flat<'a>> {
        let mut flat = Flat {
            n_inputs: 0,
            ptrs: [self.out.ptr; MAX_OPERANDS],
            kinds: [RunKind::Contiguous; MAX_OPERANDS],
            dtypes: [self.out.dtype; MAX_OPERANDS],
            ..*self
        };
        for input in inputs {
            if flat.n_inputs == MAX_FLAT_INPUTS {
                return None;
            }
            assert!(input < self.n_inputs, "an input that was pushed");
            flat.add(self.ptrs[input], self.dtypes[input], self.kinds[input]);
        }
        Some(flat)
    }

    /// How the operands move, inputs first, the output last: a kernel is chosen by it.
    #[must_use]
    pub fn run_kinds(&self) -> &[RunKind] {
        &self.kinds[..=self.n_inputs]
    }

    /// Runs on the caller's thread. `None`, and nothing is done, if the work is worth a second thread.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run).
    pub fn run(self, kernel: &Kernel, max_threads: usize) -> Option<Result<(), ExecError>> {
        let spec = kernel.spec();
        let n_operands = self.n_inputs + 1;
        let bytes_per_elem: usize = self.dtypes[..n_operands].iter().map(|dtype| dtype.size()).sum();
        let ns = estimate_ns_per_elem(spec.ns_per_elem, bytes_per_elem) * self.n_elems as f64;
        if max_threads > 1 && is_worth_threads(ns) {
            return None;
        }
        if let Err(error) = kernel.check_operands(&self.dtypes[..n_operands], &self.kinds[..n_operands], self.n_inputs)
        {
            return Some(Err(error));
        }
        if spec.slot_bytes == 0 {
            // SAFETY: the kernel was checked, and takes no slots.
            unsafe { self.call(kernel, std::ptr::null_mut()) };
            return Some(Ok(()));
        }
        // SAFETY: the kernel was checked, and gets the slots that it takes.
        let done = with_scratch(spec.slot_bytes, |slots| unsafe { self.call(kernel, slots) });
        Some(done.map_err(ExecError::from))
    }

    /// Calls the kernel, tile by tile.
    ///
    /// # Safety
    ///
    /// The kernel must be one for the operands, and `slots` have its slot bytes.
    unsafe fn call(&self, kernel: &Kernel, slots: *mut u8) {
        let spec = kernel.spec();
        let tile = spec.max_tile_elems.unwrap_or(MAX_FREE_TILE_ELEMS as usize).max(1);
        let moving = self.ptrs.iter().zip(&self.kinds).zip(&self.dtypes).take(self.n_inputs + 1);
        let mut operands: SmallVec<[Operand; MAX_OPERANDS]> = SmallVec::new();
        for ((&ptr, &kind), dtype) in moving {
            let lane_stride = if kind == RunKind::Splat { 0 } else { dtype.size() as isize };
            operands.push(Operand { ptr, lane_stride, row_stride: 0 });
        }
        let mut done = 0;
        while done < self.n_elems {
            let n_lanes = tile.min(self.n_elems - done);
            let args =
                KernelArgs { n_lanes, n_rows: 1, operands: operands.as_ptr(), slots, tile_fns: spec.tile_fns.as_ptr() };
            // SAFETY: (1) the caller vouches for the kernel and the slots, and the tile is no larger than the kernel's; (2)
            // the operands' elements are those of views that are borrowed for `'a`, the output exclusively: `n_elems` of
            // them one after the other, or a single one with stride 0; (3) an input that is not apart from the output
            // is exactly it, see `push`.
            unsafe { (spec.entry)(&args) };
            done += n_lanes;
            for operand in &mut operands {
                operand.ptr = operand.ptr.wrapping_offset(n_lanes as isize * operand.lane_stride);
            }
        }
    }
}

/// The number of elements of an array that has some, without gaps, in C or F order.
fn dense_elems(raw: &RawView) -> Option<usize> {
    if raw.shape.len() > MAX_AXES {
        return None;
    }
    let size = raw.dtype.size();
    let n_elems = match raw.shape[..] {
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
            let mut axes = raw.shape.iter().zip(&raw.strides);
            if !is_dense(&mut axes.clone().rev()) && !is_dense(&mut axes) {
                return None;
            }
            raw.n_elems()
        }
    };
    (n_elems > 0).then_some(n_elems)
}

/// Whether an array has the output's shape, and its elements the same order without gaps.
fn is_laid_out_as(raw: &RawView, out: &RawView) -> bool {
    let (size, out_size) = (raw.dtype.size() as isize, out.dtype.size() as isize);
    raw.shape == out.shape
        && raw.shape.iter().zip(&raw.strides).zip(&out.strides).all(|((&extent, &stride), &out_stride)| {
            // Both are a number of elements times the size of one.
            extent == 1 || stride.wrapping_mul(out_size) == out_stride.wrapping_mul(size)
        })
}
