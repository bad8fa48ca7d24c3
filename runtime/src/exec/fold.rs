//! Short calls that reduce all elements: what [`Stages`](super::Stages) give for arrays with the
//! same strides and without gaps, but without making stages, which takes as long as summing some
//! thousand elements.
//!
//! In: inputs that are laid out alike or are one element, a kernel or none, and reducers. Out: the
//! outcomes, with the bits that stages give. Everything else is refused before anything is written.

use std::marker::PhantomData;
use std::ops::Range;

use smallvec::SmallVec;

use super::cost::{estimate_ns_per_elem, is_for_one_thread};
use super::flat::{MAX_FLAT_INPUTS, dense_elems, is_laid_out_as};
use super::stages::Origin;
use super::{ExecError, Kernel};
use crate::abi::{Operand, RunKind};
use crate::dtype::DType;
use crate::machine::FOLD_NS_PER_ELEM;
use crate::memory::with_scratch;
use crate::pool::Pool;
use crate::reduce::{LEAF, Reducer, Tree};
use crate::view::{RawView, View};

/// The most reductions of a short call.
pub const MAX_FLAT_FOLDS: usize = 8;

/// Calls on more elements run as stages, which prefetch, and whose start no longer matters.
const MAX_ELEMS: usize = 1 << 16;

/// The words of a partial, at most.
const PARTIAL_WORDS: usize = 3;

/// Words for a tree of the leaves of [`MAX_ELEMS`] elements.
const TREE_WORDS: usize = PARTIAL_WORDS * ((MAX_ELEMS / LEAF).ilog2() as usize + 2);

/// The bytes of an element, or less.
pub type Outcome = [u8; 8];

/// A value that is reduced.
#[derive(Clone, Copy, Debug)]
pub struct FoldValue {
    /// Its dtype.
    pub dtype: DType,
    /// The inputs that it is, if no kernel computes it.
    pub origin: Option<Origin>,
}

/// A short call that reduces: its inputs, one after the other.
///
/// ```
/// use ndexpr_runtime::dtype::DType;
/// use ndexpr_runtime::exec::{FlatFold, FoldValue, Origin};
/// use ndexpr_runtime::reduce::{ReduceOp, Reducer};
/// use ndexpr_runtime::{pool::Pool, view::View};
///
/// let a = [1.0, 2.0, 4.0];
/// let view = View::from_slice(&a);
/// let mut call = FlatFold::new();
/// assert!(call.push(&view));
/// let sum = Reducer::new(ReduceOp::Sum, DType::Float64).unwrap();
/// let value = FoldValue { dtype: DType::Float64, origin: Some(Origin::Input(0)) };
/// let mut outcomes = [[0; 8]];
/// call.run(None, &[value], &[(sum, 0)], &Pool::new(1)?, &mut outcomes).expect("it is short")?;
/// assert_eq!(f64::from_ne_bytes(outcomes[0]), 7.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct FlatFold<'a> {
    /// The first input that is not one element. All others are laid out alike.
    first: Option<&'a RawView>,
    n_elems: usize,
    inputs: SmallVec<[Input; MAX_FLAT_INPUTS]>,
    memory: PhantomData<&'a [u8]>,
}

#[derive(Clone, Copy)]
struct Input {
    ptr: *mut u8,
    dtype: DType,
    kind: RunKind,
}

/// Where the elements of a leaf are.
#[derive(Clone, Copy)]
enum Elems {
    Inputs(Option<Origin>),
    /// In scratch, where this value was computed.
    Fill(usize),
}

impl<'a> FlatFold<'a> {
    /// A call that has no inputs yet.
    #[must_use]
    pub fn new() -> FlatFold<'a> {
        FlatFold::default()
    }

    /// Adds an input. Returns `false`, and adds nothing, if it is neither one element of rank 0 nor
    /// without gaps and laid out as the first input that has axes, or if there are
    /// [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push(&mut self, input: &'a View<'_>) -> bool {
        let raw = input.raw();
        if self.inputs.len() == MAX_FLAT_INPUTS {
            return false;
        }
        if raw.shape.is_empty() {
            self.inputs.push(Input { ptr: raw.ptr, dtype: raw.dtype, kind: RunKind::Splat });
            return true;
        }
        match self.first {
            Some(first) if !is_laid_out_as(raw.by_ref(), first.by_ref()) => return false,
            Some(_) => {}
            None => {
                let Some(n_elems) = dense_elems(raw.by_ref()) else { return false };
                (self.first, self.n_elems) = (Some(raw), n_elems);
            }
        }
        self.inputs.push(Input { ptr: raw.ptr, dtype: raw.dtype, kind: RunKind::Contiguous });
        true
    }

    /// Adds one element as an input; it is in the first of these bytes. Returns `false`, and adds
    /// nothing, if there are [`MAX_FLAT_INPUTS`] already.
    #[must_use]
    pub fn push_scalar(&mut self, dtype: DType, bytes: &'a [u8; 8]) -> bool {
        if self.inputs.len() == MAX_FLAT_INPUTS {
            return false;
        }
        self.inputs.push(Input { ptr: bytes.as_ptr().cast_mut(), dtype, kind: RunKind::Splat });
        true
    }

    /// The elements that are reduced; 0 if all inputs are single elements.
    #[must_use]
    pub fn n_elems(&self) -> usize {
        self.n_elems
    }

    /// The bytes of an input that is one element; `None` if it is more.
    ///
    /// # Panics
    ///
    /// If there is no input of this number.
    #[must_use]
    pub fn scalar(&self, input: usize) -> Option<(DType, Outcome)> {
        let Input { ptr, dtype, kind } = self.inputs[input];
        let mut bytes = [0; 8];
        if kind != RunKind::Splat {
            return None;
        }
        // SAFETY: the element is borrowed for `'a`, and no element has more than 8 bytes.
        unsafe { ptr.copy_to_nonoverlapping(bytes.as_mut_ptr(), dtype.size()) };
        Some((dtype, bytes))
    }

    /// The same call with other inputs: this call's inputs of these numbers, in this order.
    ///
    /// # Panics
    ///
    /// If there is no input of a number.
    #[must_use]
    pub fn select(&self, inputs: impl Iterator<Item = usize>) -> FlatFold<'a> {
        let inputs = inputs.map(|input| self.inputs[input]).collect();
        FlatFold { first: self.first, n_elems: self.n_elems, inputs, memory: PhantomData }
    }

    /// Whether the values must be computed: if not, the reducers read the inputs themselves.
    ///
    /// # Panics
    ///
    /// If there is no value or input of a number.
    #[must_use]
    pub fn needs_kernel(&self, values: &[FoldValue], folds: &[(Reducer, usize)]) -> bool {
        !folds.iter().all(|(reducer, value)| self.is_read(&values[*value], reducer))
    }

    /// Whether a reducer can read the elements of a value from the inputs.
    fn is_read(&self, value: &FoldValue, reducer: &Reducer) -> bool {
        let is_elements = |input: usize| {
            let Input { dtype, kind, .. } = self.inputs[input];
            kind == RunKind::Contiguous && dtype == value.dtype
        };
        match value.origin {
            Some(Origin::Input(input)) => is_elements(input),
            Some(Origin::Product([a, b])) => is_elements(a) && is_elements(b) && reducer.takes_products(),
            None => false,
        }
    }

    /// How the operands of a kernel of so many values move: a kernel is chosen by it.
    #[must_use]
    pub fn run_kinds(&self, n_values: usize) -> SmallVec<[RunKind; MAX_FLAT_INPUTS]> {
        let kinds = self.inputs.iter().map(|input| input.kind);
        kinds.chain((0..n_values).map(|_| RunKind::Contiguous)).collect()
    }

    /// Reduces the values, each reducer the one of its number, if the work is too short for a
    /// second thread. Returns `None`, and does nothing, if it is longer, or if there are more than
    /// [`MAX_FLAT_FOLDS`].
    ///
    /// # Errors
    ///
    /// If the kernel is one for other operands, or there is none although a value is no input; if a
    /// reducer is for another dtype than its value; or if there is no memory.
    ///
    /// # Panics
    ///
    /// If there is no value or input of a number, or if there are fewer outcomes than reducers.
    pub fn run(
        &self,
        kernel: Option<&Kernel>,
        values: &[FoldValue],
        folds: &[(Reducer, usize)],
        pool: &Pool,
        outcomes: &mut [Outcome],
    ) -> Option<Result<(), ExecError>> {
        assert!(outcomes.len() >= folds.len(), "an outcome for each reducer");
        if self.n_elems == 0 || self.n_elems > MAX_ELEMS || folds.len() > MAX_FLAT_FOLDS {
            return None;
        }
        let compute = kernel.map_or(0.0, |kernel| kernel.spec().ns_per_elem);
        let bytes_per_elem: usize = self.inputs.iter().map(|input| input.dtype.size()).sum();
        let ns_per_elem = estimate_ns_per_elem(compute + FOLD_NS_PER_ELEM * folds.len() as f32, bytes_per_elem);
        if !is_for_one_thread(ns_per_elem * self.n_elems as f64, pool) {
            return None;
        }
        Some(self.check(kernel, values, folds).and_then(|()| {
            let slot_bytes = kernel.map_or(0, |kernel| kernel.spec().slot_bytes.next_multiple_of(64));
            let fill_bytes = kernel.map_or(0, |_| values.len() * FILL_BYTES);
            with_scratch(slot_bytes + fill_bytes, |scratch| {
                let fill = scratch.wrapping_add(slot_bytes);
                // SAFETY: the kernel, the values and the reducers were checked, and the scratch has
                // the kernel's slots and room for a leaf of each value.
                unsafe { self.fold(kernel, values, folds, (scratch, fill), outcomes) }
            })
            .map_err(ExecError::from)
        }))
    }

    fn check(
        &self,
        kernel: Option<&Kernel>,
        values: &[FoldValue],
        folds: &[(Reducer, usize)],
    ) -> Result<(), ExecError> {
        let dtypes: SmallVec<[DType; MAX_FLAT_INPUTS]> =
            self.inputs.iter().map(|input| input.dtype).chain(values.iter().map(|value| value.dtype)).collect();
        let kinds = self.run_kinds(values.len());
        if let Some(kernel) = kernel {
            kernel.check_operands(&dtypes, &kinds, self.inputs.len())?;
        }
        let fits = |(reducer, value): &(Reducer, usize)| {
            let value = &values[*value];
            reducer.dtype() == value.dtype
                && reducer.partial_bytes() <= PARTIAL_WORDS * size_of::<u64>()
                && (kernel.is_some() || self.is_read(value, reducer))
        };
        if folds.iter().all(fits) { Ok(()) } else { Err(ExecError::LayoutMismatch) }
    }

    /// Reduces leaf by leaf.
    ///
    /// # Safety
    ///
    /// What [`check`](FlatFold::check) checks. The first of the scratch pointers is to the kernel's
    /// slots, the second one to [`FILL_BYTES`] for each value.
    unsafe fn fold(
        &self,
        kernel: Option<&Kernel>,
        values: &[FoldValue],
        folds: &[(Reducer, usize)],
        (slots, fill): (*mut u8, *mut u8),
        outcomes: &mut [Outcome],
    ) {
        if self.n_elems <= LEAF {
            if let Some(kernel) = kernel {
                // SAFETY: the caller's contract; these are all elements.
                unsafe { self.compute(kernel, values, 0..self.n_elems, (slots, fill)) };
            }
            for (&(reducer, value), outcome) in folds.iter().zip(outcomes) {
                let mut partial = [0_u64; PARTIAL_WORDS];
                let partial: *mut u8 = partial.as_mut_ptr().cast();
                let from = if kernel.is_some() { Elems::Fill(value) } else { Elems::Inputs(values[value].origin) };
                // SAFETY: the caller's contract; there is room for a partial, which is then there,
                // and an outcome has room for one result.
                unsafe {
                    self.leaf(&reducer, from, 0..self.n_elems, fill, partial);
                    reducer.finish(1, partial, outcome.as_mut_ptr(), 0);
                }
            }
            return;
        }
        let mut memory = [[0_u64; TREE_WORDS]; MAX_FLAT_FOLDS];
        let mut trees: SmallVec<[Tree<'_>; MAX_FLAT_FOLDS]> =
            folds.iter().zip(&mut memory).map(|((reducer, _), words)| Tree::new(*reducer, 1, words)).collect();
        for first in (0..self.n_elems).step_by(LEAF) {
            let leaf = first..self.n_elems.min(first + LEAF);
            if let Some(kernel) = kernel {
                // SAFETY: the caller's contract; the leaf is inside of the elements.
                unsafe { self.compute(kernel, values, leaf.clone(), (slots, fill)) };
            }
            for (&(reducer, value), tree) in folds.iter().zip(&mut trees) {
                let from = if kernel.is_some() { Elems::Fill(value) } else { Elems::Inputs(values[value].origin) };
                // SAFETY: the caller's contract; the slot has room for a partial.
                unsafe { self.leaf(&reducer, from, leaf.clone(), fill, tree.slot().as_mut_ptr().cast()) };
                tree.push(0);
            }
        }
        for (((reducer, _), tree), outcome) in folds.iter().zip(trees).zip(outcomes) {
            let partial = tree.finish().expect("there are elements").as_ptr().cast();
            // SAFETY: this is a partial, and an outcome has room for one result.
            unsafe { reducer.finish(1, partial, outcome.as_mut_ptr(), 0) };
        }
    }

    /// Reduces a leaf.
    ///
    /// # Safety
    ///
    /// The elements must be of the reducer's dtype: those of inputs, or those that were just
    /// computed. There must be room for a partial.
    unsafe fn leaf(&self, reducer: &Reducer, from: Elems, leaf: Range<usize>, fill: *const u8, partial: *mut u8) {
        let at = |input: usize| {
            let Input { ptr, dtype, .. } = self.inputs[input];
            ptr.wrapping_add(leaf.start * dtype.size()).cast_const()
        };
        let (n, first) = (leaf.len(), leaf.start as u64);
        // SAFETY: the caller's contract.
        unsafe {
            match from {
                Elems::Inputs(Some(Origin::Product([a, b]))) => reducer.product_leaves(n, at(a), at(b), partial),
                Elems::Inputs(Some(Origin::Input(input))) => reducer.leaves(n, at(input), first, partial),
                Elems::Inputs(None) => unreachable!("a value without a kernel is an input"),
                Elems::Fill(value) => reducer.leaves(n, fill.add(value * FILL_BYTES), first, partial),
            }
        }
    }

    /// Computes the values of a leaf.
    ///
    /// # Safety
    ///
    /// That of [`fold`](FlatFold::fold); the range is inside of the elements.
    unsafe fn compute(
        &self,
        kernel: &Kernel,
        values: &[FoldValue],
        leaf: Range<usize>,
        (slots, fill): (*mut u8, *mut u8),
    ) {
        let tile = kernel.spec().max_tile_elems.unwrap_or(LEAF).max(1);
        for start in leaf.clone().step_by(tile) {
            let n = tile.min(leaf.end - start);
            let mut operands: SmallVec<[Operand; 2 * MAX_FLAT_INPUTS]> = SmallVec::new();
            for &Input { ptr, dtype, kind } in &self.inputs {
                let lane_stride = if kind == RunKind::Splat { 0 } else { dtype.size() };
                let ptr = ptr.wrapping_add(start * lane_stride);
                operands.push(Operand { ptr, lane_stride: lane_stride as isize, row_stride: 0 });
            }
            for (k, value) in values.iter().enumerate() {
                let lane_stride = value.dtype.size();
                let ptr = fill.wrapping_add(k * FILL_BYTES + (start - leaf.start) * lane_stride);
                operands.push(Operand { ptr, lane_stride: lane_stride as isize, row_stride: 0 });
            }
            // SAFETY: the caller vouches for the kernel and the scratch; the tile is no larger than
            // the kernel's, its inputs are elements of borrowed views, or single ones with stride
            // 0, and its outputs are in the scratch.
            unsafe { kernel.spec().call((1, n), &operands, slots) };
        }
    }
}

/// Bytes for the elements of a leaf.
const FILL_BYTES: usize = LEAF * size_of::<u64>();
