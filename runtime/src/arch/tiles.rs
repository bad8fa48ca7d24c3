//! From a function of vectors to a [`TileFn`] for each CPU level: the loops, compiled once per instruction set.
//!
//! A tile is whole vectors and a rest, and the rest goes through the same code, padded with ones. Every function of a
//! loop is inlined into it, which is what gives it the loop's instruction set: hence `#[inline(always)]` on each.

use super::CpuLevel;
use super::generic::{F32x4, F64x2};
use super::vector::{F32s, F64s, Float, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86_64::{
    avx2::{F32x8, F64x4},
    avx512::{F32x16, F64x8},
};
use crate::abi::TileFn;

/// A function of one float of either dtype, over any vectors.
pub(crate) trait Unary {
    fn of_f64<V: F64s>(x: V) -> V;
    fn of_f32<V: F32s>(x: V) -> V;
}

/// A function of two floats of either dtype, over any vectors.
pub(crate) trait Binary {
    fn of_f64<V: F64s>(x: V, y: V) -> V;
    fn of_f32<V: F32s>(x: V, y: V) -> V;
}

/// Two functions of one float of either dtype, computed together.
pub(crate) trait Pair {
    fn of_f64<V: F64s>(x: V) -> [V; 2];
    fn of_f32<V: F32s>(x: V) -> [V; 2];
}

/// One function's code for one dtype.
#[derive(Clone, Copy)]
pub(crate) struct Tiles {
    /// For each [`CpuLevel`], in their order.
    tiles: [TileFn; CpuLevel::ALL.len()],
    uses_vectors: bool,
}

impl Tiles {
    /// The same code at every level.
    pub(crate) const fn same(tile: TileFn) -> Tiles {
        Tiles { tiles: [tile; CpuLevel::ALL.len()], uses_vectors: false }
    }

    /// The code for a level that the CPU has.
    pub(crate) fn at(&self, level: CpuLevel) -> TileFn {
        self.tiles[level as usize]
    }

    /// Roughly how many times longer the code takes at a level than at the highest there is.
    ///
    /// Of all functions, the geometric mean of AVX2 over AVX-512 is 1.6 to 1.7; without an FMA instruction, `exp` takes 60
    /// times as long as with AVX-512 (AMD EPYC Zen 4, 2026-11, benches/compare).
    pub(crate) fn slowdown(&self, level: CpuLevel) -> f32 {
        match level {
            _ if !self.uses_vectors => 1.0,
            #[cfg(target_arch = "x86_64")]
            CpuLevel::Avx512 => 1.0,
            #[cfg(target_arch = "x86_64")]
            CpuLevel::Avx2 => 1.6,
            CpuLevel::Generic if cfg!(target_arch = "x86_64") => 60.0,
            // Vectors of 128 bits, with FMA.
            CpuLevel::Generic => 4.0,
        }
    }
}

/// A function in the form that the loops call: not a closure or a function pointer, whose calls might stay calls.
trait Apply<V, const ARGS: usize, const RESULTS: usize> {
    fn apply(args: [V; ARGS]) -> [V; RESULTS];
}

/// `F` for `f64`.
struct OfF64<F>(F);

/// `F` for `f32`.
struct OfF32<F>(F);

macro_rules! apply {
    ($($wrapper:ident, $vector:ident, $method:ident;)*) => {$(
        impl<V: $vector, F: Unary> Apply<V, 1, 1> for $wrapper<F> {
            #[inline(always)]
            fn apply([x]: [V; 1]) -> [V; 1] {
                [F::$method(x)]
            }
        }

        impl<V: $vector, F: Binary> Apply<V, 2, 1> for $wrapper<F> {
            #[inline(always)]
            fn apply([x, y]: [V; 2]) -> [V; 1] {
                [F::$method(x, y)]
            }
        }

        impl<V: $vector, F: Pair> Apply<V, 1, 2> for $wrapper<F> {
            #[inline(always)]
            fn apply([x]: [V; 1]) -> [V; 2] {
                F::$method(x)
            }
        }
    )*};
}

apply! {
    OfF64, F64s, of_f64;
    OfF32, F32s, of_f32;
}

/// Writes `F(args[..][i])` to `results[..][i]` for `i < n`.
///
/// # Safety
///
/// The contract of [`TileFn`], over elements of `V`, for each argument and result.
#[inline(always)]
unsafe fn run<V: Vector, F: Apply<V, ARGS, RESULTS>, const ARGS: usize, const RESULTS: usize>(
    n: usize,
    results: [*mut u8; RESULTS],
    args: [*const u8; ARGS],
) {
    let mut start = 0;
    while n - start >= V::LANES {
        let mut values = [V::splat(V::Elem::ONE); ARGS];
        for idx in 0..ARGS {
            // SAFETY: by the caller's contract `n` elements are there, of which these end at `start + LANES <= n`.
            values[idx] = unsafe { V::load(args[idx].cast::<V::Elem>().add(start)) };
        }
        let values = F::apply(values);
        for idx in 0..RESULTS {
            // SAFETY: as above. Every argument's elements were read before, so a result may be where an argument is.
            unsafe { values[idx].store(results[idx].cast::<V::Elem>().add(start)) }
        }
        start += V::LANES;
    }
    if start < n {
        let mut values = [V::splat(V::Elem::ONE); ARGS];
        for idx in 0..ARGS {
            // SAFETY: as above; `n - start` elements are left.
            values[idx] = unsafe { V::load_first(args[idx].cast::<V::Elem>().add(start), n - start) };
        }
        let values = F::apply(values);
        for idx in 0..RESULTS {
            // SAFETY: as above.
            unsafe { values[idx].store_first(results[idx].cast::<V::Elem>().add(start), n - start) }
        }
    }
}

/// Writes `F(a[i], b[0])` to `out[i]` for `i < n`.
///
/// # Safety
///
/// The contract of [`TileFn`], over elements of `V`, but that at `b` there is one element only.
#[inline(always)]
unsafe fn run_by_one<V: Vector, F: Apply<V, 2, 1>>(n: usize, out: *mut u8, a: *const u8, b: *const u8) {
    let (out, a) = (out.cast::<V::Elem>(), a.cast::<V::Elem>());
    // SAFETY: the caller vouches for the element.
    let second = V::splat(unsafe { b.cast::<V::Elem>().read_unaligned() });
    let whole = n - n % V::LANES;
    for start in (0..whole).step_by(V::LANES) {
        // SAFETY: by the caller's contract `n` elements are there, of which these end at `start + LANES <= n`. The argument's
        // were read before the result's are written.
        unsafe {
            let [value] = F::apply([V::load(a.add(start)), second]);
            value.store(out.add(start));
        }
    }
    if whole < n {
        // SAFETY: as above; `n - whole` elements are left.
        unsafe {
            let [value] = F::apply([V::load_first(a.add(whole), n - whole), second]);
            value.store_first(out.add(whole), n - whole);
        }
    }
}

/// The loops of one level. A level's own instructions are enabled in them alone.
macro_rules! level {
    ($module:ident, $f64:ident, $f32:ident $(, $features:literal)?) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn unary_f64<F: Unary>(n: usize, out: *mut u8, a: *const u8, _b: *mut u8) {
                // SAFETY: the caller keeps `TileFn`'s contract, which is all that `run` asks for.
                unsafe { run::<$f64, OfF64<F>, 1, 1>(n, [out], [a]) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn unary_f32<F: Unary>(n: usize, out: *mut u8, a: *const u8, _b: *mut u8) {
                // SAFETY: as above.
                unsafe { run::<$f32, OfF32<F>, 1, 1>(n, [out], [a]) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn binary_f64<F: Binary>(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
                // SAFETY: as above.
                unsafe { run::<$f64, OfF64<F>, 2, 1>(n, [out], [a, b]) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn binary_f32<F: Binary>(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
                // SAFETY: as above.
                unsafe { run::<$f32, OfF32<F>, 2, 1>(n, [out], [a, b]) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn binary_by_one_f64<F: Binary>(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
                // SAFETY: the caller keeps the contract of `run_by_one`.
                unsafe { run_by_one::<$f64, OfF64<F>>(n, out, a, b) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn binary_by_one_f32<F: Binary>(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
                // SAFETY: as above.
                unsafe { run_by_one::<$f32, OfF32<F>>(n, out, a, b) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn pair_f64<F: Pair>(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
                // SAFETY: as above.
                unsafe { run::<$f64, OfF64<F>, 1, 2>(n, [out, b], [a]) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn pair_f32<F: Pair>(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
                // SAFETY: as above.
                unsafe { run::<$f32, OfF32<F>, 1, 2>(n, [out, b], [a]) }
            }
        }
    };
}

level!(generic, F64x2, F32x4);
#[cfg(target_arch = "x86_64")]
level!(avx2, F64x4, F32x8, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx512, F64x8, F32x16, "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw");

/// The loop of this name at each level.
macro_rules! tiles {
    ($name:ident::<$function:ident>) => {
        Tiles {
            tiles: [
                generic::$name::<$function>,
                #[cfg(target_arch = "x86_64")]
                avx2::$name::<$function>,
                #[cfg(target_arch = "x86_64")]
                avx512::$name::<$function>,
            ],
            uses_vectors: true,
        }
    };
}

pub(crate) const fn unary_f64<F: Unary>() -> Tiles {
    tiles!(unary_f64::<F>)
}

pub(crate) const fn unary_f32<F: Unary>() -> Tiles {
    tiles!(unary_f32::<F>)
}

pub(crate) const fn binary_f64<F: Binary>() -> Tiles {
    tiles!(binary_f64::<F>)
}

pub(crate) const fn binary_f32<F: Binary>() -> Tiles {
    tiles!(binary_f32::<F>)
}

/// The second argument is a single element.
pub(crate) const fn binary_by_one_f64<F: Binary>() -> Tiles {
    tiles!(binary_by_one_f64::<F>)
}

/// The second argument is a single element.
pub(crate) const fn binary_by_one_f32<F: Binary>() -> Tiles {
    tiles!(binary_by_one_f32::<F>)
}

pub(crate) const fn pair_f64<F: Pair>() -> Tiles {
    tiles!(pair_f64::<F>)
}

pub(crate) const fn pair_f32<F: Pair>() -> Tiles {
    tiles!(pair_f32::<F>)
}
