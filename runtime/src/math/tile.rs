//! Makes a [`TileFn`](crate::abi::TileFn) from a function of one element. It calls the function
//! directly, with no pointer between.

/// The tile function of a function of two elements of this type. The function never panics, see the
/// module above.
macro_rules! binary {
    ($ty:ty, $function:expr) => {{
        unsafe extern "C" fn tile(n: usize, out: *mut u8, a: *const u8, b: *mut u8) {
            // SAFETY: the caller keeps `TileFn`'s contract, which is all that `zip` asks for; the
            // type is a number's.
            unsafe { $crate::arch::tiles::zip::<$ty>(n, out, a, b, $function) }
        }
        tile as $crate::abi::TileFn
    }};
}
pub(super) use binary;
