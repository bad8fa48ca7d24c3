//! Leaves that are accumulated elsewhere: by kernels, in the loop that computes the elements.
//!
//! In: a reduction. Out: what each of the [`LANES`] lanes of a leaf accumulates in, if kernels can
//! do that. The lanes begin as [`Fold::start`] has them and end in a partial by [`Fold::total`], so
//! such a leaf has the bits of any other leaf.

use super::extreme::{Float, FloatExtreme, FloatOrder};
use super::fold::{Fold, Step};
use super::number::Addend;
use super::sum::{Prod, Sum};
use super::{LANES, LEAF};
use crate::dtype::DType;

/// What the lanes of a leaf accumulate in: arrays of [`LANES`] elements, one after the other, one
/// element for each lane.
///
/// Sums and products have one: the sum or product of the elements so far. Least and greatest
/// elements of floats have three, for which `x` is the element, and what is called bits is one of
/// the same width:
///
/// 1. the best element so far: `x` if it is better, which no NaN is;
/// 2. merged bits: for the least element this ORs the bits of `x`, for the greatest element this
///    ANDs them. NaNs that are ignored change nothing;
/// 3. seen bits: all are set once there was a NaN; if NaNs are ignored, once there was another
///    element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulators {
    /// The dtype of the elements of these arrays; of bits it is the float dtype as well.
    pub dtype: DType,
    /// How many such arrays there are.
    pub count: usize,
}

impl Accumulators {
    /// The bytes of all arrays.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.count * LANES * self.dtype.size()
    }
}

/// A fold that kernels can do.
pub(super) trait Accumulated: Fold {
    const ACCUMULATORS: Accumulators;
}

/// The code around leaves that are accumulated elsewhere. The contracts are those of
/// [`Reducer`](super::Reducer)'s methods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) accumulators: Accumulators,
    pub(super) start: unsafe fn(lanes: *mut u8),
    pub(super) end: unsafe fn(lanes: *const u8, partial: *mut u8),
}

/// A dtype whose sums have the lanes of the dtype itself.
trait SameWidth: Addend {
    const DTYPE: DType;
}

impl SameWidth for f64 {
    const DTYPE: DType = DType::Float64;
}

impl SameWidth for i64 {
    const DTYPE: DType = DType::Int64;
}

impl SameWidth for u64 {
    const DTYPE: DType = DType::UInt64;
}

impl<T: SameWidth> Accumulated for Sum<T> {
    const ACCUMULATORS: Accumulators = Accumulators { dtype: T::DTYPE, count: 1 };
}

impl<T: SameWidth> Accumulated for Prod<T> {
    const ACCUMULATORS: Accumulators = Accumulators { dtype: T::DTYPE, count: 1 };
}

impl<F: Float, O: FloatOrder, const IGNORE_NAN: bool> Accumulated for FloatExtreme<F, O, IGNORE_NAN> {
    const ACCUMULATORS: Accumulators =
        Accumulators { dtype: if size_of::<F>() == 4 { DType::Float32 } else { DType::Float64 }, count: 3 };
}

/// Writes lanes without elements.
///
/// # Safety
///
/// At `lanes` is room for the accumulators of all lanes, aligned to 64 bytes.
#[inline(always)]
pub(super) unsafe fn start<R: Accumulated>(lanes: *mut u8) {
    const { assert!(size_of::<R::Lanes<LANES>>() == bytes::<R>() && align_of::<R::Lanes<LANES>>() <= 64) };
    // SAFETY: the lanes are as large as the accumulators, see above.
    unsafe { lanes.cast::<R::Lanes<LANES>>().write(R::start()) };
}

/// The bytes of the accumulators of all lanes.
const fn bytes<R: Accumulated>() -> usize {
    let Accumulators { dtype, count } = R::ACCUMULATORS;
    let size = match dtype {
        DType::Float32 => 4,
        _ => 8,
    };
    count * LANES * size
}

// A kernel goes over whole rows of lanes.
const _: () = assert!(LEAF.is_multiple_of(LANES));

/// The lanes of a step, wherever they were accumulated.
pub(super) type LanesOf<R> = <R as Step>::Lanes<LANES>;
