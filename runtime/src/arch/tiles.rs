//! Makes a [`TileFn`] for each CPU level from a function of vectors. This file has the loops, which
//! are compiled once per instruction set.
//!
//! A tile is whole vectors and a tail. The tail goes through the same code, padded with ones. Every
//! function that a loop calls is `#[inline(always)]`: only inlined code gets the loop's instruction
//! set.

use super::generic::{AnyCpu, F32x4, F64x2};
use super::tile_fns::TileFns;
use super::vector::{F32s, F64s, Float, Level, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86_64::{
    avx2::{Avx2, F32x8, F64x4},
    avx512::{Avx512, F32x16, F64x8},
};
use crate::abi::TileFn;
use crate::dtype::Element;
use std::marker::PhantomData;

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

/// A function of two elements that the compiler can make vectors of.
pub(crate) trait OfElements<T> {
    /// The function, for elements that it [takes](OfElements::takes).
    fn apply(a: T, b: T) -> T;

    /// Whether `apply` is right for these elements.
    fn takes(a: T, b: T) -> bool;

    /// The function for any elements, one by one.
    fn of_any(a: T, b: T) -> T;
}

/// Two functions of one float of either dtype, computed together.
pub(crate) trait Pair {
    fn of_f64<V: F64s>(x: V) -> [V; 2];
    fn of_f32<V: F32s>(x: V) -> [V; 2];
}

/// A function in the form that the loops call. It is not a closure or a function pointer, because
/// their calls may not be inlined.
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

/// A loop over a tile, compiled for the vectors that it names.
trait TileLoop {
    type Level: Level;
    type Vector: Vector<Level = Self::Level>;
    /// How many elements it is from one element at `b` to the next.
    const SECOND_STEP: usize;

    /// Does what a [`TileFn`] does.
    ///
    /// # Safety
    ///
    /// The contract of [`TileFn`], over elements of the vector, where the loop says what is at `b`.
    /// If `streams`, `out` is aligned to the vector's size, or `n` is less than the vector's lanes.
    unsafe fn run(level: Self::Level, n: usize, out: *mut u8, a: *const u8, b: *mut u8, streams: bool);
}

/// Writes `F(a[i])` to `out[i]`.
struct OfOne<V, F>(PhantomData<(V, F)>);

/// Writes `F(a[i], b[i])` to `out[i]`.
struct OfTwo<V, F>(PhantomData<(V, F)>);

/// Writes `F(a[i], b[0])` to `out[i]`: there is only one element at `b`.
struct ByOne<V, F>(PhantomData<(V, F)>);

/// Writes the two results of `F(a[i])` to `out[i]` and `b[i]`.
struct ToTwo<V, F>(PhantomData<(V, F)>);

impl<V: Vector, F: Apply<V, 1, 1>> TileLoop for OfOne<V, F> {
    type Level = V::Level;
    type Vector = V;
    const SECOND_STEP: usize = 0;

    #[inline(always)]
    unsafe fn run(level: V::Level, n: usize, out: *mut u8, a: *const u8, _b: *mut u8, streams: bool) {
        // SAFETY: the caller keeps `TileFn`'s contract, which is all that `run` asks for, and
        // aligns the results that are streamed.
        unsafe { run::<V, F, 1, 1>(level, n, [out], [a], streams) }
    }
}

impl<V: Vector, F: Apply<V, 2, 1>> TileLoop for OfTwo<V, F> {
    type Level = V::Level;
    type Vector = V;
    const SECOND_STEP: usize = 1;

    #[inline(always)]
    unsafe fn run(level: V::Level, n: usize, out: *mut u8, a: *const u8, b: *mut u8, streams: bool) {
        // SAFETY: as above.
        unsafe { run::<V, F, 2, 1>(level, n, [out], [a, b], streams) }
    }
}

impl<V: Vector, F: Apply<V, 1, 2>> TileLoop for ToTwo<V, F> {
    type Level = V::Level;
    type Vector = V;
    const SECOND_STEP: usize = 1;

    #[inline(always)]
    unsafe fn run(level: V::Level, n: usize, out: *mut u8, a: *const u8, b: *mut u8, _streams: bool) {
        // SAFETY: as above.
        unsafe { run::<V, F, 1, 2>(level, n, [out, b], [a], false) }
    }
}

impl<V: Vector, F: Apply<V, 2, 1>> TileLoop for ByOne<V, F> {
    type Level = V::Level;
    type Vector = V;
    const SECOND_STEP: usize = 0;

    #[inline(always)]
    unsafe fn run(level: V::Level, n: usize, out: *mut u8, a: *const u8, b: *mut u8, streams: bool) {
        let (out, a) = (out.cast::<V::Elem>(), a.cast::<V::Elem>());
        // SAFETY: the caller vouches for the element.
        let second = V::splat_at(level, unsafe { b.cast::<V::Elem>().read_unaligned() });
        let whole = n - n % V::LANES;
        for start in (0..whole).step_by(V::LANES) {
            // SAFETY: by the caller's contract `n` elements are there, of which these end at
            // `start + LANES <= n`. The argument's elements were read before the result's are
            // written. Whole vectors from an aligned place on are aligned.
            unsafe {
                let [value] = F::apply([V::load(level, a.add(start)), second]);
                store(value, out.add(start), streams);
            }
        }
        if whole < n {
            // SAFETY: as above; `n - whole` elements are left.
            unsafe {
                let [value] = F::apply([V::load_first(level, a.add(whole), n - whole), second]);
                store_first(value, out.add(whole), n - whole, streams);
            }
        }
    }
}

/// Writes `F(args[..][i])` to `results[..][i]` for `i < n`.
///
/// # Safety
///
/// The contract of [`TileFn`], over elements of `V`, for each argument and result. If `streams`,
/// the results are aligned to the vector's size, or `n` is less than the vector's lanes.
#[inline(always)]
unsafe fn run<V: Vector, F: Apply<V, ARGS, RESULTS>, const ARGS: usize, const RESULTS: usize>(
    level: V::Level,
    n: usize,
    results: [*mut u8; RESULTS],
    args: [*const u8; ARGS],
    streams: bool,
) {
    let mut start = 0;
    while n - start >= V::LANES {
        let mut values = [V::splat_at(level, V::Elem::ONE); ARGS];
        for idx in 0..ARGS {
            // SAFETY: by the caller's contract `n` elements are there, of which these end at `start
            // + LANES <= n`.
            values[idx] = unsafe { V::load(level, args[idx].cast::<V::Elem>().add(start)) };
        }
        let values = F::apply(values);
        for idx in 0..RESULTS {
            // SAFETY: as above, and whole vectors from an aligned place on are aligned. Every
            // argument's elements were read before, so a result may be where an argument is.
            unsafe { store(values[idx], results[idx].cast::<V::Elem>().add(start), streams) }
        }
        start += V::LANES;
    }
    if start < n {
        let mut values = [V::splat_at(level, V::Elem::ONE); ARGS];
        for idx in 0..ARGS {
            // SAFETY: as above; `n - start` elements are left.
            values[idx] = unsafe { V::load_first(level, args[idx].cast::<V::Elem>().add(start), n - start) };
        }
        let values = F::apply(values);
        for idx in 0..RESULTS {
            // SAFETY: as above.
            unsafe { store_first(values[idx], results[idx].cast::<V::Elem>().add(start), n - start, streams) }
        }
    }
}

/// Writes a vector. `streams` is tested for each vector, but the processor predicts this. A second
/// loop instead would double the code of all functions.
///
/// # Safety
///
/// The same as for [`Vector::store`], or for [`Vector::stream`] if `streams`.
#[inline(always)]
unsafe fn store<V: Vector>(value: V, dst: *mut V::Elem, streams: bool) {
    // SAFETY: the caller's contract.
    unsafe {
        if streams {
            value.stream(dst);
        } else {
            value.store(dst);
        }
    }
}

/// Writes the first `n` lanes of a vector.
///
/// # Safety
///
/// The same as for [`Vector::store_first`].
#[inline(always)]
unsafe fn store_first<V: Vector>(value: V, dst: *mut V::Elem, n: usize, streams: bool) {
    // SAFETY: the caller's contract.
    unsafe {
        if streams {
            value.stream_first(dst, n);
        } else {
            value.store_first(dst, n);
        }
    }
}

/// How many elements come before the first place that a vector can be streamed to; `None` if
/// elements are not aligned.
fn n_before_aligned<V: Vector>(out: *const u8) -> Option<usize> {
    let (bytes, size) = (out.align_offset(size_of::<V>()), size_of::<V::Elem>());
    bytes.is_multiple_of(size).then_some(bytes / size)
}

/// Writes `function(a[i], b[i])` to `out[i]` for `i < n`.
///
/// # Safety
///
/// The contract of [`TileFn`](crate::abi::TileFn) for a function of two arguments over `T`.
#[inline(always)]
pub(crate) unsafe fn zip<T: Element>(n: usize, out: *mut u8, a: *const u8, b: *const u8, function: impl Fn(T, T) -> T) {
    let (out, a, b) = (out.cast::<T>(), a.cast::<T>(), b.cast::<T>());
    for i in 0..n {
        // SAFETY: `i < n`, and by the caller's contract `a`, `b` and `out` have `n` elements each,
        // and those of `a` and `b` are initialised; no alignment is asked for. Both elements `i`
        // are read before that of `out` is written, so `out` may be the same memory as `a` or `b`.
        // No value of `T` read is invalid: `T` is an integer or float here, see the uses.
        unsafe { out.add(i).write_unaligned(function(a.add(i).read_unaligned(), b.add(i).read_unaligned())) }
    }
}

/// The same as [`zip`], in blocks. All elements of a block are read before its results are written,
/// so the compiler makes vectors even where `out` is the memory of `a` or `b`.
///
/// # Safety
///
/// The contract of [`zip`].
#[inline(always)]
unsafe fn zip_in_blocks<T: Element, F: OfElements<T>>(n: usize, out: *mut u8, a: *const u8, b: *const u8) {
    const N: usize = 32;
    let whole = n - n % N;
    for start in (0..whole).step_by(N) {
        let bytes = start * size_of::<T>();
        // SAFETY: by the caller's contract there are `n` elements at each place, of which these end
        // at `start + N <= n`; an array of elements has no padding, and needs no alignment here.
        unsafe {
            let mut results = a.add(bytes).cast::<[T; N]>().read_unaligned();
            let seconds = b.add(bytes).cast::<[T; N]>().read_unaligned();
            // All are tested, because a loop that ends early has no vectors.
            let takes_all = results.iter().zip(seconds).fold(true, |takes, (&a, b)| takes & F::takes(a, b));
            if takes_all {
                results.iter_mut().zip(seconds).for_each(|(a, b)| *a = F::apply(*a, b));
            } else {
                results.iter_mut().zip(seconds).for_each(|(a, b)| *a = F::of_any(*a, b));
            }
            out.add(bytes).cast::<[T; N]>().write_unaligned(results);
        }
    }
    let bytes = whole * size_of::<T>();
    // SAFETY: the elements that remain.
    unsafe { zip::<T>(n - whole, out.add(bytes), a.add(bytes), b.add(bytes), F::of_any) }
}

/// The loops of one level. Only in them may the compiler use the level's instructions.
macro_rules! level {
    ($module:ident, $level:ty $(, $features:literal)?) => {
        mod $module {
            use super::*;

            /// Not inlined, so that both functions below share its code.
            ///
            /// # Safety
            ///
            /// The same as for [`TileLoop::run`].
            #[inline(never)]
            $(#[target_feature(enable = $features)])?
            unsafe fn run<L: TileLoop<Level = $level>>(
                level: $level,
                n: usize,
                out: *mut u8,
                a: *const u8,
                b: *mut u8,
                streams: bool,
            ) {
                // SAFETY: the caller's contract.
                unsafe { L::run(level, n, out, a, b, streams) }
            }

            /// # Safety
            ///
            /// The contract of [`TileFn`], and the CPU has the level.
            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn ordinary<L: TileLoop<Level = $level>>(
                n: usize,
                out: *mut u8,
                a: *const u8,
                b: *mut u8,
            ) {
                // SAFETY: the caller's contract, both parts.
                unsafe { run::<L>(<$level>::assume(), n, out, a, b, false) }
            }

            /// # Safety
            ///
            /// The contract of [`TileFn`], and the CPU has the level.
            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn elements<T: Element, F: OfElements<T>>(
                n: usize,
                out: *mut u8,
                a: *const u8,
                b: *mut u8,
            ) {
                // SAFETY: the caller's contract.
                unsafe { zip_in_blocks::<T, F>(n, out, a, b) }
            }

            /// # Safety
            ///
            /// The contract of [`TileFn`], and the CPU has the level.
            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn streaming<L: TileLoop<Level = $level>>(
                n: usize,
                out: *mut u8,
                a: *const u8,
                b: *mut u8,
            ) {
                // SAFETY: the caller's contract.
                let level = unsafe { <$level>::assume() };
                let Some(head) = n_before_aligned::<L::Vector>(out) else {
                    // SAFETY: the caller's contract.
                    return unsafe { run::<L>(level, n, out, a, b, false) };
                };
                let head = head.min(n);
                let bytes = head * size_of::<<L::Vector as Vector>::Elem>();
                // SAFETY: the caller's contract. The first elements are fewer than a vector's
                // lanes, and the others begin at an aligned place.
                unsafe {
                    run::<L>(level, head, out, a, b, true);
                    run::<L>(level, n - head, out.add(bytes), a.add(bytes), b.wrapping_add(bytes * L::SECOND_STEP), true);
                }
            }
        }
    };
}

level!(generic, AnyCpu);
#[cfg(target_arch = "x86_64")]
level!(avx2, Avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
level!(avx512, Avx512, "avx2,fma,avx512f,avx512dq,avx512vl,avx512bw");

/// A loop for the vectors of each level. `$store` is the name of the loop's function in the modules
/// of the levels.
macro_rules! at_levels {
    ($store:ident, $loop:ident, $function:ty; $generic:ident $avx2:ident $avx512:ident) => {
        [
            generic::$store::<$loop<$generic, $function>>,
            #[cfg(target_arch = "x86_64")]
            avx2::$store::<$loop<$avx2, $function>>,
            #[cfg(target_arch = "x86_64")]
            avx512::$store::<$loop<$avx512, $function>>,
        ]
    };
}

macro_rules! tiles {
    ($($(#[$docs:meta])* $f64:ident $f32:ident: $function:ident in $loop:ident;)*) => {$(
        $(#[$docs])*
        pub(crate) const fn $f64<F: $function>() -> TileFns {
            TileFns::of_vectors(at_levels!(ordinary, $loop, OfF64<F>; F64x2 F64x4 F64x8), Some(at_levels!(streaming, $loop, OfF64<F>; F64x2 F64x4 F64x8)))
        }

        $(#[$docs])*
        pub(crate) const fn $f32<F: $function>() -> TileFns {
            TileFns::of_vectors(at_levels!(ordinary, $loop, OfF32<F>; F32x4 F32x8 F32x16), Some(at_levels!(streaming, $loop, OfF32<F>; F32x4 F32x8 F32x16)))
        }
    )*};
}

/// A loop over elements at each level, and this code for a CPU of x86 of which nothing is known.
pub(crate) const fn elements<T: Element, F: OfElements<T>>(scalar: TileFn) -> TileFns {
    let ordinary = [
        generic::elements::<T, F>,
        #[cfg(target_arch = "x86_64")]
        avx2::elements::<T, F>,
        #[cfg(target_arch = "x86_64")]
        avx512::elements::<T, F>,
    ];
    TileFns::of_vectors(ordinary, None).with_scalar(scalar)
}

tiles! {
    unary_f64 unary_f32: Unary in OfOne;
    binary_f64 binary_f32: Binary in OfTwo;
    /// The second argument is a single element.
    binary_by_one_f64 binary_by_one_f32: Binary in ByOne;
}

pub(crate) const fn pair_f64<F: Pair>() -> TileFns {
    let ordinary = at_levels!(ordinary, ToTwo, OfF64<F>; F64x2 F64x4 F64x8);
    TileFns::of_vectors(ordinary, None)
}

pub(crate) const fn pair_f32<F: Pair>() -> TileFns {
    let ordinary = at_levels!(ordinary, ToTwo, OfF32<F>; F32x4 F32x8 F32x16);
    TileFns::of_vectors(ordinary, None)
}
