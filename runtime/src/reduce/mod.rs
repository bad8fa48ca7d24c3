//! Reductions and scans of contiguous elements: accumulators for every dtype, in an order that is
//! fixed.
//!
//! The order of additions changes the last bits of a float sum, so it is part of what a reduction
//! is: the same bits come out whatever the threads, the chunks and the CPU. There are two steps,
//! each in the order of the elements:
//!
//! - **Leaves.** [`LEAF`] consecutive elements (the last leaf may have fewer) are accumulated in
//!   [`LANES`] lanes, element `i` in lane `i % LANES`, and lanes are combined by halving: `j` with
//!   `j + 16`, then with `j + 8`, and so on. Where many reductions run side by side, along rows of
//!   memory, a leaf is [`COLUMN_LEAF`] rows instead, one after the other, with a partial for each
//!   of the columns.
//! - **The tree.** [`Tree`] combines the partials of leaves, in pairs of pairs: 2^k leaves from a
//!   multiple of 2^k on are always one node. So a chunk of that size can be reduced on its own, by
//!   any thread.
//!
//! Integers wrap around, and least and greatest elements are the same in any order: for these, how
//! a leaf is folded changes only the speed. A result never depends on which NaN an element was:
//! results have one NaN.
//!
//! | module     | job |
//! |------------|-----|
//! | `source`   | the dtypes: elements in memory, and what they are compared as |
//! | `number`   | what they are added and multiplied as |
//! | `fold`     | the loops over leaves, rows and lanes |
//! | `sum`, `extreme`, `arg`, `deviations` | the accumulators |
//! | `accumulators` | leaves that kernels accumulate |
//! | `code`     | the loops with accumulators, compiled for each CPU level |
//! | `tree`     | combines partials in a fixed order |
//! | `scan`     | running sums and products |

mod accumulators;
mod arg;
mod code;
mod deviations;
mod extreme;
mod fold;
mod number;
mod scan;
mod source;
mod sum;
mod tree;

pub use accumulators::Accumulators;
pub use scan::{SIDE_BY_SIDE, ScanOp, Scanner};
pub use tree::Tree;

use crate::arch::CpuLevel;
use crate::dtype::{DType, Scalar};

/// Elements of a leaf.
pub const LEAF: usize = 1024;
/// Lanes of a leaf in which floats are added, multiplied, and their deviations summed.
pub const LANES: usize = 32;
/// Rows of a leaf of columns.
pub const COLUMN_LEAF: usize = 16;

// The narrowest lanes of sums are wide enough for so many elements, see `number::Addend::Narrow`.
const _: () = assert!(LEAF / LANES <= 32 && COLUMN_LEAF <= 32);

/// An operation that reduces an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// The sum. `bool` and signed integers give int64 and unsigned integers uint64, wrapped around;
    /// floats are summed in float64 and rounded to their dtype at the end. Never -0.0, as in NumPy.
    Sum,
    /// The product, with the dtypes of [`ReduceOp::Sum`].
    Prod,
    /// The least element; NaN if any is. -0.0 is less than 0.0.
    Min,
    /// The greatest element; NaN if any is. 0.0 is greater than -0.0.
    Max,
    /// The least element that is not NaN; NaN if all are.
    NanMin,
    /// The greatest element that is not NaN; NaN if all are.
    NanMax,
    /// Whether any element is true; for `bool` only.
    Any,
    /// Whether every element is true; for `bool` only.
    All,
    /// The index of the first least element, or of the first NaN if there is one, as int64. Zeros
    /// are equal.
    ArgMin,
    /// The index of the first greatest element, or of the first NaN if there is one, as int64.
    /// Zeros are equal.
    ArgMax,
    /// The sum of squared deviations from the mean, as float64; for floats only. NaN if an element
    /// is NaN or infinite.
    Deviations,
    /// The same for the elements that are not NaN.
    NanDeviations,
}

impl ReduceOp {
    /// Every reduction, in declaration order.
    pub const ALL: [ReduceOp; 12] = [
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Min,
        ReduceOp::Max,
        ReduceOp::NanMin,
        ReduceOp::NanMax,
        ReduceOp::Any,
        ReduceOp::All,
        ReduceOp::ArgMin,
        ReduceOp::ArgMax,
        ReduceOp::Deviations,
        ReduceOp::NanDeviations,
    ];

    /// The dtype of the result, if it is defined for elements of this dtype.
    #[must_use]
    pub fn result_dtype(self, dtype: DType) -> Option<DType> {
        match self {
            ReduceOp::Sum | ReduceOp::Prod => Some(number::wide_dtype(dtype)),
            ReduceOp::Min | ReduceOp::Max | ReduceOp::NanMin | ReduceOp::NanMax => Some(dtype),
            ReduceOp::Any | ReduceOp::All => (dtype == DType::Bool).then_some(DType::Bool),
            ReduceOp::ArgMin | ReduceOp::ArgMax => Some(DType::Int64),
            ReduceOp::Deviations | ReduceOp::NanDeviations => dtype.is_float().then_some(DType::Float64),
        }
    }
}

/// An operation along axes, which gives one result, or as many results as there are elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlongOp {
    /// One result for all elements along the axes.
    Reduce(ReduceOp),
    /// A result for each element along one axis.
    Scan(ScanOp),
}

impl AlongOp {
    /// The dtype of the result, if it is defined for elements of this dtype.
    #[must_use]
    pub fn result_dtype(self, dtype: DType) -> Option<DType> {
        match self {
            AlongOp::Reduce(op) => op.result_dtype(dtype),
            AlongOp::Scan(op) => Some(op.result_dtype(dtype)),
        }
    }

    /// Whether it has as many results as elements.
    #[must_use]
    pub fn is_scan(self) -> bool {
        matches!(self, AlongOp::Scan(_))
    }
}

/// The code of a reduction of elements of one dtype.
///
/// Elements become *partials*: a group of consecutive elements is represented by
/// [`Reducer::partial_bytes`] bytes, which are valid whatever they are. [`Reducer::combine`] makes
/// one partial of two groups that follow each other, and [`Reducer::finish`] makes a result of a
/// partial.
#[derive(Clone, Copy, Debug)]
pub struct Reducer {
    op: ReduceOp,
    dtype: DType,
    result_dtype: DType,
    code: code::Code,
}

impl Reducer {
    /// The reduction of elements of `dtype`, for this process's CPU; `None` if there is none.
    #[must_use]
    pub fn new(op: ReduceOp, dtype: DType) -> Option<Reducer> {
        Reducer::at(op, dtype, CpuLevel::current())
    }

    /// The same for a level, or for the highest that the CPU has if that is lower.
    #[must_use]
    pub fn at(op: ReduceOp, dtype: DType, level: CpuLevel) -> Option<Reducer> {
        let code = code::of(op, dtype, level.min(CpuLevel::highest()))?;
        Some(Reducer { op, dtype, result_dtype: op.result_dtype(dtype)?, code })
    }

    /// What it reduces by.
    #[must_use]
    pub fn op(&self) -> ReduceOp {
        self.op
    }

    /// The dtype of elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dtype of results.
    #[must_use]
    pub fn result_dtype(&self) -> DType {
        self.result_dtype
    }

    /// Bytes of a partial: 1, 2, 4, or a multiple of 8. The first of an array of partials is
    /// aligned to 8 bytes.
    #[must_use]
    pub fn partial_bytes(&self) -> usize {
        self.code.partial_bytes
    }

    /// The result for no elements; `None` if there is no result without elements.
    #[must_use]
    pub fn empty(&self) -> Option<Scalar> {
        match self.op {
            ReduceOp::Sum => Some(number::small(self.result_dtype, 0)),
            ReduceOp::Prod => Some(number::small(self.result_dtype, 1)),
            ReduceOp::Any => Some(Scalar::new(false)),
            ReduceOp::All => Some(Scalar::new(true)),
            ReduceOp::Deviations | ReduceOp::NanDeviations => Some(Scalar::new(0.0)),
            ReduceOp::Min | ReduceOp::Max | ReduceOp::NanMin | ReduceOp::NanMax => None,
            ReduceOp::ArgMin | ReduceOp::ArgMax => None,
        }
    }

    /// Whether no more elements can change the result of any of these partials: for
    /// [`ReduceOp::Any`] if all are true, for [`ReduceOp::All`] if all are false. Returns false for
    /// other reductions.
    #[must_use]
    pub fn is_decided(&self, partials: &[u8]) -> bool {
        match self.op {
            ReduceOp::Any => partials.iter().all(|&partial| partial != 0),
            ReduceOp::All => partials.iter().all(|&partial| partial == 0),
            _ => false,
        }
    }

    /// Reduces each leaf of `n` consecutive elements to a partial. The first leaf begins at a
    /// multiple of [`LEAF`] among all elements. Each leaf has [`LEAF`] elements; the last may have
    /// fewer. `first` is the index of the first element.
    ///
    /// # Safety
    ///
    /// At `src` are `n` elements of the reducer's dtype, of any alignment. At `partials`, aligned
    /// to 8 bytes, is room for `n.div_ceil(LEAF)` partials.
    pub unsafe fn leaves(&self, n: usize, src: *const u8, first: u64, partials: *mut u8) {
        // SAFETY: the caller's contract; the code is for a level that the CPU has, see `at`.
        unsafe { (self.code.leaves)(n, src, first, partials) }
    }

    /// What a kernel can accumulate the elements of a whole leaf in; `None` if kernels cannot.
    #[must_use]
    pub fn accumulators(&self) -> Option<Accumulators> {
        self.code.in_lanes.map(|code| code.accumulators)
    }

    /// Writes the accumulators of a leaf without elements.
    ///
    /// # Panics
    ///
    /// If there are no [accumulators](Reducer::accumulators).
    ///
    /// # Safety
    ///
    /// At `accumulators`, aligned to 64 bytes, is room for [`Accumulators::n_bytes`].
    pub unsafe fn start_leaf(&self, accumulators: *mut u8) {
        let code = self.code.in_lanes.expect("a reducer with accumulators");
        // SAFETY: the caller's contract.
        unsafe { (code.start)(accumulators) }
    }

    /// Writes the partial of a leaf of [`LEAF`] elements: of element `i`, for each `i` in order,
    /// lane `i %` [`LANES`] has accumulated what [`Accumulators`] says.
    ///
    /// # Panics
    ///
    /// If there are no [accumulators](Reducer::accumulators).
    ///
    /// # Safety
    ///
    /// At `accumulators` are these lanes, aligned to 64 bytes. At `partial`, aligned to 8 bytes, is
    /// room for a partial.
    pub unsafe fn end_leaf(&self, accumulators: *const u8, partial: *mut u8) {
        let code = self.code.in_lanes.expect("a reducer with accumulators");
        // SAFETY: as in `leaves`.
        unsafe { (code.end)(accumulators, partial) }
    }

    /// Whether it has [`product_leaves`](Reducer::product_leaves), as sums of floats have.
    #[must_use]
    pub fn takes_products(&self) -> bool {
        self.code.product_leaves.is_some()
    }

    /// The same as [`leaves`](Reducer::leaves), for elements that are each the product of two
    /// others, rounded to their dtype.
    ///
    /// # Panics
    ///
    /// If the reducer does not [take products](Reducer::takes_products).
    ///
    /// # Safety
    ///
    /// The contract of [`leaves`](Reducer::leaves), for the elements at `a` and those at `b`.
    pub unsafe fn product_leaves(&self, n: usize, a: *const u8, b: *const u8, partials: *mut u8) {
        let code = self.code.product_leaves.expect("a reducer that takes products");
        // SAFETY: as above.
        unsafe { code(n, a, b, partials) }
    }

    /// Reduces each of `lanes` columns of up to [`COLUMN_LEAF`] rows, at least 1, to a partial. The
    /// first row is at a multiple of [`COLUMN_LEAF`] among all rows, and only the last leaf of
    /// columns may have fewer rows. `first` is the index of the first row.
    ///
    /// # Safety
    ///
    /// At `src`, and every `row_stride` bytes from there, are `rows` rows of `lanes` consecutive
    /// elements of the reducer's dtype, of any alignment. At `partials`, aligned to 8 bytes, is
    /// room for `lanes` partials.
    pub unsafe fn column_leaf(
        &self,
        rows: usize,
        lanes: usize,
        src: *const u8,
        row_stride: isize,
        first: u64,
        partials: *mut u8,
    ) {
        debug_assert!((1..=COLUMN_LEAF).contains(&rows));
        // SAFETY: as in `leaves`.
        unsafe { (self.code.column_leaf)(rows, lanes, src, row_stride, first, partials) }
    }

    /// Combines each of `n` partials at `left`, in place, with the partial at `right`, which stands
    /// for the elements that follow.
    ///
    /// # Safety
    ///
    /// At `left` and at `right` are `n` partials, aligned as in an array of them, and no byte of
    /// one is the other's.
    pub unsafe fn combine(&self, n: usize, left: *mut u8, right: *const u8) {
        // SAFETY: as in `leaves`.
        unsafe { (self.code.combine)(n, left, right) }
    }

    /// Combines the partials of `n` neighbouring leaves into the first, in the order of a [`Tree`].
    /// If they are 2^level leaves, or the last of all, that is a node of this level, to be pushed
    /// to the tree.
    ///
    /// # Safety
    ///
    /// At `partials` are `n` partials, aligned as in an array of them.
    pub unsafe fn node(&self, n: usize, partials: *mut u8) {
        // SAFETY: as in `leaves`.
        unsafe { (self.code.node)(n, partials) }
    }

    /// Writes the result of each of `n` partials, `out_stride` bytes from one to the next.
    ///
    /// # Safety
    ///
    /// At `partials` are `n` partials, aligned as in an array of them; at `out`, and every
    /// `out_stride` bytes from there, is room for `n` results, of any alignment.
    pub unsafe fn finish(&self, n: usize, partials: *const u8, out: *mut u8, out_stride: isize) {
        // SAFETY: the caller's contract.
        unsafe { (self.code.finish)(n, partials, out, out_stride) }
    }
}
