//! Sums of squared deviations from the mean: what variances are made of.
//!
//! A leaf takes two passes while it is in cache: the mean, and the deviations from it. The second
//! also corrects the mean and the squares for the error of the first. Leaves are combined by the
//! method of Chan, Golub and LeVeque.

use std::marker::PhantomData;

use super::LANES;
use super::extreme::Float;
use super::fold::{COLUMN_GROUP, Reduce, SHORT, Step, fold_flat, fold_rows, halve};
use super::number::{Addend, f64_of};
use super::sum::Sum;

/// The sum of squared deviations. It is NaN if an element is NaN. With `IGNORE_NAN`, it is the sum
/// for the elements that are not NaN.
pub(super) struct Deviations<T, const IGNORE_NAN: bool>(PhantomData<T>);

/// The partial of some elements. Everything is 0 if there are none.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Spread {
    /// The number of elements. It is a float because vectors of spreads have float parts only; it
    /// is exact, because more elements than a float counts exactly do not fit in memory.
    count: f64,
    mean: f64,
    /// The sum of squared deviations.
    squares: f64,
}

impl Spread {
    const NONE: Spread = Spread { count: 0.0, mean: 0.0, squares: 0.0 };

    /// Makes a spread from an approximate mean, and the sums of the deviations from it and of their
    /// squares.
    #[inline(always)]
    fn new(count: f64, mean: f64, sum: f64, squares: f64) -> Spread {
        let exact = squares - sum * sum / count;
        // If the deviations are only rounding errors, the result is as small as these errors, and
        // may be negative.
        let exact = if exact < 0.0 { 0.0 } else { exact };
        // The elements are finite, but their sum or their squares overflow. Infinite elements would
        // make the result NaN.
        let exact = if squares == f64::INFINITY { squares } else { exact };
        let exact = if mean.is_nan() { mean } else { exact };
        if count == 0.0 { Spread::NONE } else { Spread { count, mean: mean + sum / count, squares: exact } }
    }

    #[inline(always)]
    fn combine(left: Spread, right: Spread) -> Spread {
        let count = left.count + right.count;
        let delta = right.mean - left.mean;
        let share = right.count / count;
        let within = left.squares + right.squares;
        let between = delta * delta * (left.count * share);
        let both = Spread {
            count,
            mean: left.mean + delta * share,
            // There is no mean after an overflow.
            squares: if within == f64::INFINITY { within } else { within + between },
        };
        let both = if right.count == 0.0 { left } else { both };
        if left.count == 0.0 { right } else { both }
    }
}

/// A dtype of elements with a mean.
pub(super) trait Real: Float + Addend<Narrow = f64, Wide = f64> {}

impl<T: Float + Addend<Narrow = f64, Wide = f64>> Real for T {}

/// Counts and sums what is not NaN.
struct Numbers<T>(PhantomData<T>);

#[derive(Clone, Copy)]
struct NumberLanes<const N: usize> {
    count: [f64; N],
    sum: [f64; N],
}

impl<const N: usize> NumberLanes<N> {
    const START: NumberLanes<N> = NumberLanes { count: [0.0; N], sum: [0.0; N] };
}

impl<T: Real> Step for Numbers<T> {
    type Elem = T;
    type Lane = [f64; 2];
    type Lanes<const N: usize> = NumberLanes<N>;

    #[inline(always)]
    fn padding() -> Option<T> {
        Some(T::NAN)
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &NumberLanes<N>, lane: usize) -> [f64; 2] {
        [lanes.count[lane], lanes.sum[lane]]
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut NumberLanes<N>, lane: usize, value: [f64; 2]) {
        [lanes.count[lane], lanes.sum[lane]] = value;
    }

    #[inline(always)]
    fn add([count, sum]: [f64; 2], x: T, _row: usize) -> [f64; 2] {
        let x = T::wide(x);
        if x.is_nan() { [count, sum] } else { [count + 1.0, sum + x] }
    }
}

/// Sums the deviations of what is not NaN, and their squares.
struct FromMean<T>(PhantomData<T>);

#[derive(Clone, Copy)]
struct FromMeanLanes<const N: usize> {
    mean: [f64; N],
    sum: [f64; N],
    squares: [f64; N],
}

impl<const N: usize> FromMeanLanes<N> {
    #[inline(always)]
    fn new(mean: [f64; N]) -> FromMeanLanes<N> {
        FromMeanLanes { mean, sum: [0.0; N], squares: [0.0; N] }
    }
}

impl<T: Real> Step for FromMean<T> {
    type Elem = T;
    type Lane = [f64; 3];
    type Lanes<const N: usize> = FromMeanLanes<N>;

    #[inline(always)]
    fn padding() -> Option<T> {
        Some(T::NAN)
    }

    #[inline(always)]
    fn get<const N: usize>(lanes: &FromMeanLanes<N>, lane: usize) -> [f64; 3] {
        [lanes.mean[lane], lanes.sum[lane], lanes.squares[lane]]
    }

    #[inline(always)]
    fn set<const N: usize>(lanes: &mut FromMeanLanes<N>, lane: usize, [_, sum, squares]: [f64; 3]) {
        [lanes.sum[lane], lanes.squares[lane]] = [sum, squares];
    }

    #[inline(always)]
    fn add([mean, sum, squares]: [f64; 3], x: T, _row: usize) -> [f64; 3] {
        let x = T::wide(x);
        let deviation = if x.is_nan() { 0.0 } else { x - mean };
        [mean, sum + deviation, squares + deviation * deviation]
    }
}

impl<T: Real, const IGNORE_NAN: bool> Deviations<T, IGNORE_NAN> {
    /// The leaf of `n` elements in `N` lanes.
    ///
    /// # Safety
    ///
    /// At `src` are `n` elements; no alignment is asked for.
    #[inline(always)]
    unsafe fn leaf_of<const N: usize>(n: usize, src: *const T) -> Spread {
        // SAFETY: the caller's elements.
        unsafe {
            let (count, sum) = if IGNORE_NAN {
                let lanes = fold_flat::<Numbers<T>, N>(NumberLanes::START, n, src);
                (halve(lanes.count, plus), halve(lanes.sum, plus))
            } else {
                (n as f64, halve(fold_flat::<Sum<T>, N>([0.0; N], n, src), plus))
            };
            let mean = sum / count;
            let lanes = fold_flat::<FromMean<T>, N>(FromMeanLanes::new([mean; N]), n, src);
            Spread::new(count, mean, halve(lanes.sum, plus), halve(lanes.squares, plus))
        }
    }
}

impl<T: Real, const IGNORE_NAN: bool> Reduce for Deviations<T, IGNORE_NAN> {
    type Elem = T;
    type Partial = Spread;
    type Output = f64;

    #[inline(always)]
    unsafe fn leaf<const N: usize>(n: usize, src: *const T, _first: u64) -> Spread {
        // SAFETY: the caller's elements.
        unsafe { if n <= SHORT { Self::leaf_of::<SHORT>(n, src) } else { Self::leaf_of::<LANES>(n, src) } }
    }

    #[inline(always)]
    unsafe fn columns<const N: usize>(rows: usize, src: *const T, row_stride: isize, _first: u64) -> [Spread; N] {
        // SAFETY: the caller's elements, each time.
        let numbers = unsafe {
            if IGNORE_NAN {
                fold_rows::<Numbers<T>, N, COLUMN_GROUP>(NumberLanes::START, rows, src, row_stride)
            } else {
                let sum = fold_rows::<Sum<T>, N, COLUMN_GROUP>([0.0; N], rows, src, row_stride);
                NumberLanes { count: [rows as f64; N], sum }
            }
        };
        let mut mean = numbers.sum;
        for (mean, count) in mean.iter_mut().zip(numbers.count) {
            *mean /= count;
        }
        // SAFETY: as above.
        let lanes =
            unsafe { fold_rows::<FromMean<T>, N, COLUMN_GROUP>(FromMeanLanes::new(mean), rows, src, row_stride) };
        let mut spreads = [Spread::NONE; N];
        for (j, spread) in spreads.iter_mut().enumerate() {
            *spread = Spread::new(numbers.count[j], mean[j], lanes.sum[j], lanes.squares[j]);
        }
        spreads
    }

    #[inline(always)]
    fn combine(left: Spread, right: Spread) -> Spread {
        Spread::combine(left, right)
    }

    #[inline(always)]
    fn finish(partial: Spread) -> f64 {
        f64_of(partial.squares)
    }
}

#[inline(always)]
fn plus(a: f64, b: f64) -> f64 {
    a + b
}
