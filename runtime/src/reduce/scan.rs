//! Running sums and products: one element after the other, so the bits are those of a plain loop.

use super::number::{Addend, Number, wide_dtype};
use crate::arch::CpuLevel;
use crate::dtype::{DType, Element};

/// An operation that gives a running result for each element along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanOp {
    /// The sum of the elements so far, with the dtypes of [`ReduceOp::Sum`](super::ReduceOp::Sum):
    /// floats are summed in float64 and each result is rounded. The sum of nothing but -0.0 is
    /// -0.0, as in NumPy.
    CumSum,
    /// The product of the elements so far.
    CumProd,
}

impl ScanOp {
    /// Every scan, in declaration order.
    pub const ALL: &'static [ScanOp] = &[ScanOp::CumSum, ScanOp::CumProd];

    /// The dtype of the result.
    #[must_use]
    pub fn result_dtype(self, dtype: DType) -> DType {
        wide_dtype(dtype)
    }
}

/// The code of a scan of elements of one dtype.
///
/// A *carry* stands for the elements so far. It has eight bytes, which are valid whatever they are,
/// and begins as [`Scanner::start`].
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    dtype: DType,
    result_dtype: DType,
    start: u64,
    scan: Scan,
    scan_side_by_side: SideBySide,
    scan_rows: ScanRows,
}

/// The scans that [`Scanner::scan_side_by_side`] does at once: enough to hide that each result
/// waits for the one before. With as many rows of results, the rows fit the ways of an L1 cache
/// even where all begin at multiples of 4 KiB.
// Chosen by "scans-side-by-side" in docs/measurements.md.
pub const SIDE_BY_SIDE: usize = 4;

type SideBySide = unsafe fn(
    n: usize,
    src: *const u8,
    src_stride: isize,
    out: *mut u8,
    out_stride: isize,
    carries: &mut [u64; SIDE_BY_SIDE],
);
type Scan = unsafe fn(n: usize, src: *const u8, out: *mut u8, carry: &mut u64);
type ScanRows =
    unsafe fn(rows: usize, src: *const u8, src_stride: isize, out: *mut u8, out_stride: isize, carries: &mut [u64]);

impl Scanner {
    /// The scan of elements of `dtype`, for this process's CPU.
    #[must_use]
    pub fn new(op: ScanOp, dtype: DType) -> Scanner {
        Scanner::at(op, dtype, CpuLevel::current())
    }

    /// The same for a level, or for the highest that the CPU has if that is lower.
    #[must_use]
    pub fn at(op: ScanOp, dtype: DType, level: CpuLevel) -> Scanner {
        let level = level.min(CpuLevel::highest());
        match op {
            ScanOp::CumSum => of::<Plus>(dtype, level),
            ScanOp::CumProd => of::<Times>(dtype, level),
        }
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

    /// The carry before the first element.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Writes the result at each of `n` elements, and leaves the carry for the next in place.
    ///
    /// # Safety
    ///
    /// At `src` are `n` elements of the scanner's dtype, at `out` is room for `n` results, both of
    /// any alignment. They are apart, or the same memory if elements and results are of the same
    /// size.
    pub unsafe fn scan(&self, n: usize, src: *const u8, out: *mut u8, carry: &mut u64) {
        // SAFETY: the caller's contract; the code is for a level that the CPU has, see `at`.
        unsafe { (self.scan)(n, src, out, carry) }
    }

    /// The same as [`scan`](Scanner::scan) for rows of `n` elements, one for each carry.
    ///
    /// # Safety
    ///
    /// At `src`, and every `src_stride` bytes from there, are rows of `n` consecutive elements. At
    /// `out` there is room for results in the same way. No alignment is asked for. No row of
    /// results shares memory with another row, and with its elements only as in [`Scanner::scan`].
    pub unsafe fn scan_side_by_side(
        &self,
        n: usize,
        src: *const u8,
        src_stride: isize,
        out: *mut u8,
        out_stride: isize,
        carries: &mut [u64; SIDE_BY_SIDE],
    ) {
        // SAFETY: as in `scan`.
        unsafe { (self.scan_side_by_side)(n, src, src_stride, out, out_stride, carries) }
    }

    /// Scans columns side by side, as many as there are carries: down `rows` rows.
    ///
    /// # Safety
    ///
    /// At `src`, and every `src_stride` bytes from there, are `rows` rows of consecutive elements,
    /// one for each carry. At `out` there is room for results in the same way. No alignment is
    /// asked for; memory is shared as in [`Scanner::scan`] or not at all.
    pub unsafe fn scan_rows(
        &self,
        rows: usize,
        src: *const u8,
        src_stride: isize,
        out: *mut u8,
        out_stride: isize,
        carries: &mut [u64],
    ) {
        // SAFETY: as in `scan`.
        unsafe { (self.scan_rows)(rows, src, src_stride, out, out_stride, carries) }
    }
}

/// What a scan does with an element and the carry before it.
trait Operation {
    /// A carry that changes no element.
    fn start<W: Number>() -> W;
    fn apply<W: Number>(carry: W, x: W) -> W;
}

struct Plus;

impl Operation for Plus {
    #[inline(always)]
    fn start<W: Number>() -> W {
        W::NEUTRAL
    }

    #[inline(always)]
    fn apply<W: Number>(carry: W, x: W) -> W {
        carry.plus(x)
    }
}

struct Times;

impl Operation for Times {
    #[inline(always)]
    fn start<W: Number>() -> W {
        W::ONE
    }

    #[inline(always)]
    fn apply<W: Number>(carry: W, x: W) -> W {
        carry.times(x)
    }
}

/// Scans `N` columns down `rows` rows.
///
/// # Safety
///
/// The contract of [`Scanner::scan_rows`] for `N` columns.
#[inline(always)]
unsafe fn columns<T: Addend, O: Operation, const N: usize>(
    rows: usize,
    src: *const u8,
    src_stride: isize,
    out: *mut u8,
    out_stride: isize,
    carries: &mut [u64; N],
) {
    let mut sums = carries.map(T::Wide::from_bits);
    for row in 0..rows as isize {
        // SAFETY: by the caller's contract there is a row of `N` elements, and room for as many
        // results. The elements are read before results are written, so results may be in their
        // place.
        unsafe {
            let x = src.offset(row * src_stride).cast::<[T::Raw; N]>().read_unaligned();
            for j in 0..N {
                sums[j] = O::apply(sums[j], T::wide(x[j]));
            }
            let results = sums.map(T::output);
            out.offset(row * out_stride).cast::<[T::Output; N]>().write_unaligned(results);
        }
    }
    *carries = sums.map(T::Wide::to_bits);
}

/// Scans one column for each carry, `N` at a time while there are so many.
///
/// # Safety
///
/// The contract of [`Scanner::scan_rows`].
#[inline(always)]
unsafe fn blocks<T: Addend, O: Operation, const N: usize>(
    rows: usize,
    src: *const u8,
    src_stride: isize,
    out: *mut u8,
    out_stride: isize,
    carries: &mut [u64],
) -> usize {
    let (blocks, _) = carries.as_chunks_mut::<N>();
    for (block, carries) in blocks.iter_mut().enumerate() {
        // SAFETY: these `N` columns of the caller's.
        unsafe {
            let src = src.cast::<T::Raw>().add(block * N).cast();
            let out = out.cast::<T::Output>().add(block * N).cast();
            columns::<T, O, N>(rows, src, src_stride, out, out_stride, carries);
        }
    }
    blocks.len() * N
}

/// The loops of one level. Only in them are the instructions of the level enabled.
macro_rules! level {
    ($module:ident $(, $features:literal)?) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe fn scan_rows<T: Addend, O: Operation>(
                rows: usize,
                src: *const u8,
                src_stride: isize,
                out: *mut u8,
                out_stride: isize,
                carries: &mut [u64],
            ) {
                // SAFETY: the caller's contract, for the columns in blocks and then for those that
                // are left.
                unsafe {
                    let done = blocks::<T, O, 16>(rows, src, src_stride, out, out_stride, carries);
                    let src = src.cast::<T::Raw>().add(done).cast();
                    let out = out.cast::<T::Output>().add(done).cast();
                    blocks::<T, O, 1>(rows, src, src_stride, out, out_stride, &mut carries[done..]);
                }
            }
        }
    };
}

level!(generic);
#[cfg(target_arch = "x86_64")]
level!(avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx512, "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw");

/// One column, whose rows are single elements. Every level is as fast, because each result waits
/// for the one before.
unsafe fn scan<T: Addend, O: Operation>(n: usize, src: *const u8, out: *mut u8, carry: &mut u64) {
    let (src_stride, out_stride) = (size_of::<T::Raw>() as isize, size_of::<T::Output>() as isize);
    // SAFETY: the caller's contract.
    unsafe { columns::<T, O, 1>(n, src, src_stride, out, out_stride, std::array::from_mut(carry)) }
}

/// Rows of `n` elements, in turn at each element: results of different rows do not wait for one
/// another.
///
/// # Safety
///
/// The contract of [`Scanner::scan_side_by_side`].
unsafe fn scan_side_by_side<T: Addend, O: Operation>(
    n: usize,
    src: *const u8,
    src_stride: isize,
    out: *mut u8,
    out_stride: isize,
    carries: &mut [u64; SIDE_BY_SIDE],
) {
    let mut sums = carries.map(T::Wide::from_bits);
    for i in 0..n {
        for (row, sum) in sums.iter_mut().enumerate() {
            let row = row as isize;
            // SAFETY: by the caller's contract there is element `i` of the row, and room for its
            // result. The element is read before the result is written, in its place or in memory
            // that no other element has.
            unsafe {
                let x = src.offset(row * src_stride).cast::<T::Raw>().add(i).read_unaligned();
                *sum = O::apply(*sum, T::wide(x));
                out.offset(row * out_stride).cast::<T::Output>().add(i).write_unaligned(T::output(*sum));
            }
        }
    }
    *carries = sums.map(T::Wide::to_bits);
}

fn scanner<T: Addend, O: Operation>(dtype: DType, level: CpuLevel) -> Scanner {
    let scan_rows: ScanRows = match level {
        CpuLevel::Generic => generic::scan_rows::<T, O>,
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx2 => avx2::scan_rows::<T, O>,
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx512 => avx512::scan_rows::<T, O>,
    };
    let start = O::start::<T::Wide>().to_bits();
    Scanner {
        dtype,
        result_dtype: wide_dtype(dtype),
        start,
        scan: scan::<T, O>,
        scan_side_by_side: scan_side_by_side::<T, O>,
        scan_rows,
    }
}

fn of<O: Operation>(dtype: DType, level: CpuLevel) -> Scanner {
    match dtype {
        DType::Bool => scanner::<bool, O>(dtype, level),
        DType::Int8 => scanner::<i8, O>(dtype, level),
        DType::Int16 => scanner::<i16, O>(dtype, level),
        DType::Int32 => scanner::<i32, O>(dtype, level),
        DType::Int64 => scanner::<i64, O>(dtype, level),
        DType::UInt8 => scanner::<u8, O>(dtype, level),
        DType::UInt16 => scanner::<u16, O>(dtype, level),
        DType::UInt32 => scanner::<u32, O>(dtype, level),
        DType::UInt64 => scanner::<u64, O>(dtype, level),
        DType::Float32 => scanner::<f32, O>(dtype, level),
        DType::Float64 => scanner::<f64, O>(dtype, level),
    }
}
