//! The instances of the vector traits for x86-64's instruction sets.

pub(crate) mod avx2;
pub(crate) mod avx512;

use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};

/// Copies bytes past the caches, 16 at a time. What is left is copied ordinarily, and so is
/// everything if `dst` is not aligned to 16 bytes.
///
/// # Safety
///
/// There are `n` bytes at `src` and `n` at `dst`, which do not overlap.
#[inline(always)]
unsafe fn stream_bytes(src: *const u8, dst: *mut u8, n: usize) {
    let streamed = if dst.addr().is_multiple_of(16) { n - n % 16 } else { 0 };
    // SAFETY: each piece ends at `streamed <= n`, and is aligned; what is left is from there to
    // `n`. Every x86-64 has SSE.
    unsafe {
        for at in (0..streamed).step_by(16) {
            _mm_stream_ps(dst.add(at).cast(), _mm_loadu_ps(src.add(at).cast()));
        }
        src.add(streamed).copy_to_nonoverlapping(dst.add(streamed), n - streamed);
    }
}

/// Binary operators of a type with one field, by functions of the fields.
macro_rules! operators {
    ($ty:ident: $($trait:ident $method:ident |$a:ident, $b:ident| $result:expr),*) => {$(
        impl std::ops::$trait for $ty {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self.0, other.0);
                $result
            }
        }
    )*};
}
use operators;
