//! Makes a [`TileFn`](crate::abi::TileFn) from a function of one element. It calls the function
//! directly, with no pointer between.

use crate::dtype::Element;

/// Writes `function(a[i], b[i])` to `out[i]` for `i < n`.
///
/// # Safety
///
/// The contract of [`TileFn`](crate::abi::TileFn) for a function of two arguments over `T`.
#[inline(always)]
pub(super) unsafe fn zip<T: Element>(n: usize, out: *mut u8, a: *const u8, b: *const u8, function: impl Fn(T, T) -> T) {
    let (out, a, b) = (out.cast::<T>(), a.cast::<T>(), b.cast::<T>());
    for i in 0..n {
        // SAFETY: `i < n`, and by the caller's contract `a`, `b` and `out` have `n` elements each,
        // and those of `a` and `b` are initialised; no alignment is asked for. Both elements `i`
        // are read before that of `out` is written, so `out` may be the same memory as `a` or `b`.
        // No value of `T` read is invalid: `T` is an integer or float here, see the uses.
        unsafe { out.add(i).write_unaligned(function(a.add(i).read_unaligned(), b.add(i).read_unaligned())) }
    }
}

/// The tile function of a function of two elements of this type. The function never panics, see the
/// module above.
macro_rules! binary {
    ($ty:ty, $function:expr) => {{
        unsafe extern "C" fn tile(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
            // SAFETY: the caller keeps `TileFn`'s contract, which is all that `zip` asks for; the
            // type is a number's.
            unsafe { $crate::math::tile::zip::<$ty>(n, out, a, b, $function) }
        }
        tile as $crate::abi::TileFn
    }};
}
pub(super) use binary;
