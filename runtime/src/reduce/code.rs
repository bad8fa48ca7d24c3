//! From a reduction to its machine code for a CPU level.
//!
//! In: an operation, a dtype and a level. Out: the loops, compiled once per instruction set, with
//! their types erased.

use std::ops::Mul;

use super::accumulators::{self, Accumulated, LanesOf};
use super::arg::Arg;
use super::deviations::Deviations;
use super::extreme::{Extreme, FloatExtreme};
use super::fold::{self, Place, Reduce};
use super::number::Addend;
use super::source::{Highest, Lowest};
use super::sum::{self, Prod, Sum};
use super::{LANES, ReduceOp};
use crate::arch::CpuLevel;
use crate::dtype::DType;

pub(super) type Leaves = unsafe fn(n: usize, src: *const u8, first: u64, partials: *mut u8);
pub(super) type ProductLeaves = unsafe fn(n: usize, a: *const u8, b: *const u8, partials: *mut u8);
pub(super) type ColumnLeaf =
    unsafe fn(rows: usize, lanes: usize, src: *const u8, row_stride: isize, first: u64, partials: *mut u8);
pub(super) type Combine = unsafe fn(n: usize, left: *mut u8, right: *const u8);
pub(super) type Node = unsafe fn(n: usize, partials: *mut u8);
pub(super) type Finish = unsafe fn(n: usize, partials: *const u8, out: *mut u8, out_stride: isize);

/// One reduction's code for one dtype and level. The contracts are those of
/// [`Reducer`](super::Reducer)'s methods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) leaves: Leaves,
    /// `Some` for sums of floats only.
    pub(super) product_leaves: Option<ProductLeaves>,
    pub(super) column_leaf: ColumnLeaf,
    pub(super) combine: Combine,
    pub(super) node: Node,
    pub(super) finish: Finish,
    /// `Some` if kernels can accumulate its leaves.
    pub(super) in_lanes: Option<accumulators::Code>,
    pub(super) partial_bytes: usize,
}

/// The loops of one level. Only in them are the instructions of the level enabled.
macro_rules! level {
    ($module:ident $(, $features:literal)?) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $features)])?
            unsafe fn leaves<R: Reduce, const N: usize>(n: usize, src: *const u8, first: u64, partials: *mut u8) {
                // SAFETY: the caller's contract, with types.
                unsafe { fold::leaves::<R, N>(n, src.cast(), first, partials.cast()) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn column_leaf<R: Reduce, const N: usize>(
                rows: usize,
                lanes: usize,
                src: *const u8,
                row_stride: isize,
                first: u64,
                partials: *mut u8,
            ) {
                // SAFETY: as above.
                unsafe { fold::columns::<R, N>(rows, lanes, src.cast(), row_stride, first, partials.cast()) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn combine<R: Reduce>(n: usize, left: *mut u8, right: *const u8) {
                // SAFETY: by the caller's contract both are `n` partials, aligned, and apart from
                // each other.
                let (left, right) = unsafe {
                    (std::slice::from_raw_parts_mut(left.cast(), n), std::slice::from_raw_parts(right.cast(), n))
                };
                fold::combine::<R>(left, right);
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn node<R: Reduce>(n: usize, partials: *mut u8) {
                // SAFETY: by the caller's contract there are `n` partials, aligned.
                fold::node::<R>(unsafe { std::slice::from_raw_parts_mut(partials.cast(), n) });
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn product_leaves<T: Addend<Raw: Mul<Output = T::Raw>>>(
                n: usize,
                a: *const u8,
                b: *const u8,
                partials: *mut u8,
            ) {
                // SAFETY: as above.
                unsafe { sum::product_leaves::<T>(n, a.cast(), b.cast(), partials.cast()) }
            }

            pub(super) fn sums<T: Addend<Raw: Mul<Output = T::Raw>>>() -> Code {
                Code { product_leaves: Some(product_leaves::<T>), ..code::<Sum<T>, LANES>() }
            }

            pub(super) fn code<R: Reduce, const N: usize>() -> Code {
                Code {
                    leaves: leaves::<R, N>,
                    product_leaves: None,
                    column_leaf: column_leaf::<R, N>,
                    combine: combine::<R>,
                    node: node::<R>,
                    finish: finish::<R>,
                    in_lanes: None,
                    partial_bytes: size_of::<R::Partial>(),
                }
            }
        }
    };
}

/// What is around leaves that kernels accumulate. AVX-512 has none of its own: kernels have at most
/// 256 bits.
macro_rules! lanes {
    ($module:ident $(, $features:literal)?) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $features)])?
            unsafe fn start<R: Accumulated>(lanes: *mut u8) {
                // SAFETY: the caller's contract.
                unsafe { accumulators::start::<R>(lanes) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn end<R: Accumulated>(lanes: *const u8, partial: *mut u8) {
                // SAFETY: by the caller's contract these are lanes, and there is room for a
                // partial, both aligned.
                unsafe {
                    let lanes = lanes.cast::<LanesOf<R>>().read();
                    // Only the elements' order would need a place, and no kernel folds by that.
                    partial.cast::<R::Partial>().write(R::total(&lanes, Place::flat::<LANES>(0)));
                }
            }

            pub(super) fn in_lanes<R: Accumulated>() -> accumulators::Code {
                let (start, end) = (start::<R>, end::<R>);
                accumulators::Code { accumulators: R::ACCUMULATORS, start, end }
            }
        }
    };
}

level!(generic);
lanes!(generic_lanes);
#[cfg(target_arch = "x86_64")]
lanes!(avx2_lanes, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx512, "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw");

unsafe fn finish<R: Reduce>(n: usize, partials: *const u8, out: *mut u8, out_stride: isize) {
    for i in 0..n {
        // SAFETY: by the caller's contract there are `n` partials, aligned, and room for as many
        // results.
        unsafe {
            let result = R::finish(partials.cast::<R::Partial>().add(i).read());
            out.offset(i as isize * out_stride).cast::<R::Output>().write_unaligned(result);
        }
    }
}

/// The code of `R`, with `N` lanes at a time.
fn code<R: Reduce, const N: usize>(level: CpuLevel) -> Code {
    match level {
        CpuLevel::Generic => generic::code::<R, N>(),
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx2 => avx2::code::<R, N>(),
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx512 => avx512::code::<R, N>(),
    }
}

/// The code around leaves of `R` that kernels accumulate. It loads and stores as many bytes at a
/// time as kernels do: otherwise loads would wait until the stores before them have left the store
/// buffer.
fn in_lanes<R: Accumulated>(level: CpuLevel) -> accumulators::Code {
    match level {
        CpuLevel::Generic => generic_lanes::in_lanes::<R>(),
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx2 | CpuLevel::Avx512 => avx2_lanes::in_lanes::<R>(),
    }
}

/// Sums of floats, and of products of them.
///
/// Products of float64 are read 32 bytes at a time with AVX-512 too, which is faster for these
/// products only. Chosen by "float64-products" in docs/measurements.md.
fn sums<T: Addend<Raw: Mul<Output = T::Raw>>>(level: CpuLevel) -> Code {
    match level {
        CpuLevel::Generic => generic::sums::<T>(),
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx2 => avx2::sums::<T>(),
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx512 if size_of::<T>() == 8 => {
            Code { product_leaves: avx2::sums::<T>().product_leaves, ..avx512::sums::<T>() }
        }
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx512 => avx512::sums::<T>(),
    }
}

/// `$code` for integers and `bool`, with `$T` the type that stands for the dtype.
macro_rules! exact {
    ($dtype:ident, $T:ident => $code:expr) => {
        exact!(@match $dtype, $T, $code;
            Bool bool, Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64)
    };
    (@match $dtype:ident, $T:ident, $code:expr; $($name:ident $ty:ty),*) => {
        match $dtype {
            $(DType::$name => {
                type $T = $ty;
                Some($code)
            })*
            DType::Float32 | DType::Float64 => None,
        }
    };
}

/// `$code` for floats.
macro_rules! float {
    ($dtype:ident, $T:ident => $code:expr) => {
        match $dtype {
            DType::Float32 => {
                type $T = f32;
                Some($code)
            }
            DType::Float64 => {
                type $T = f64;
                Some($code)
            }
            _ => None,
        }
    };
}

/// The code around leaves that kernels accumulate, if they can.
fn leaves_in_lanes(op: ReduceOp, dtype: DType, level: CpuLevel) -> Option<accumulators::Code> {
    use DType::{Float64, Int64, UInt64};
    use ReduceOp as Op;
    match (op, dtype) {
        (Op::Sum, Float64) => Some(in_lanes::<Sum<f64>>(level)),
        (Op::Sum, Int64) => Some(in_lanes::<Sum<i64>>(level)),
        (Op::Sum, UInt64) => Some(in_lanes::<Sum<u64>>(level)),
        (Op::Prod, Float64) => Some(in_lanes::<Prod<f64>>(level)),
        (Op::Min, _) => float!(dtype, T => in_lanes::<FloatExtreme<T, Lowest, false>>(level)),
        (Op::Max, _) => float!(dtype, T => in_lanes::<FloatExtreme<T, Highest, false>>(level)),
        (Op::NanMin, _) => float!(dtype, T => in_lanes::<FloatExtreme<T, Lowest, true>>(level)),
        (Op::NanMax, _) => float!(dtype, T => in_lanes::<FloatExtreme<T, Highest, true>>(level)),
        _ => None,
    }
}

/// The number of lanes where their order does not change the result. It is so large that loops over
/// lanes are never unrolled, because the compiler does not vectorise unrolled loops. It is no
/// larger, so that a row is short in memory.
const fn lanes<T>() -> usize {
    if size_of::<T>() < 4 { 128 / size_of::<T>() } else { 256 / size_of::<T>() }
}

/// The code of a reduction, if it is defined for the dtype.
pub(super) fn of(op: ReduceOp, dtype: DType, level: CpuLevel) -> Option<Code> {
    Some(Code { in_lanes: leaves_in_lanes(op, dtype, level), ..by_elements(op, dtype, level)? })
}

/// The same for elements in memory only.
fn by_elements(op: ReduceOp, dtype: DType, level: CpuLevel) -> Option<Code> {
    use ReduceOp as Op;
    match op {
        Op::Sum if dtype.is_float() => float!(dtype, T => sums::<T>(level)),
        Op::Prod if dtype.is_float() => float!(dtype, T => code::<Prod<T>, LANES>(level)),
        Op::Min if dtype.is_float() => {
            float!(dtype, T => code::<FloatExtreme<T, Lowest, false>, { lanes::<T>() }>(level))
        }
        Op::Max if dtype.is_float() => {
            float!(dtype, T => code::<FloatExtreme<T, Highest, false>, { lanes::<T>() }>(level))
        }
        Op::NanMin if dtype.is_float() => {
            float!(dtype, T => code::<FloatExtreme<T, Lowest, true>, { lanes::<T>() }>(level))
        }
        Op::NanMax if dtype.is_float() => {
            float!(dtype, T => code::<FloatExtreme<T, Highest, true>, { lanes::<T>() }>(level))
        }
        Op::ArgMin if dtype.is_float() => float!(dtype, T => code::<Arg<T, Lowest>, { lanes::<T>() }>(level)),
        Op::ArgMax if dtype.is_float() => float!(dtype, T => code::<Arg<T, Highest>, { lanes::<T>() }>(level)),
        Op::Sum => exact!(dtype, T => code::<Sum<T>, { lanes::<T>() }>(level)),
        Op::Prod => exact!(dtype, T => code::<Prod<T>, { lanes::<T>() }>(level)),
        Op::Min | Op::NanMin => exact!(dtype, T => code::<Extreme<T, Lowest>, { lanes::<T>() }>(level)),
        Op::Max | Op::NanMax => exact!(dtype, T => code::<Extreme<T, Highest>, { lanes::<T>() }>(level)),
        Op::ArgMin => exact!(dtype, T => code::<Arg<T, Lowest>, { lanes::<T>() }>(level)),
        Op::ArgMax => exact!(dtype, T => code::<Arg<T, Highest>, { lanes::<T>() }>(level)),
        Op::Any if dtype == DType::Bool => Some(code::<Extreme<bool, Highest>, { lanes::<bool>() }>(level)),
        Op::All if dtype == DType::Bool => Some(code::<Extreme<bool, Lowest>, { lanes::<bool>() }>(level)),
        Op::Any | Op::All => None,
        // This is for blocks of columns. A leaf of consecutive elements has `LANES` lanes anyway.
        Op::Deviations => float!(dtype, T => code::<Deviations<T, false>, 16>(level)),
        Op::NanDeviations => float!(dtype, T => code::<Deviations<T, true>, 16>(level)),
    }
}
