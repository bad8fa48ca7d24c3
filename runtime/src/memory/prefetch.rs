//! Asking for cache lines before they are read.

/// Bytes of a cache line.
pub(crate) const LINE_BYTES: usize = 64;

/// Asks for the lines of a range, wherever it is: what cannot be read is ignored. A hint, without effect on other
/// processors than x86-64.
pub(crate) fn prefetch(from: *const u8, n_bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..n_bytes).step_by(LINE_BYTES) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has SSE, and a prefetch faults for no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, n_bytes);
}

/// Asks for the line at an address to be in the L2 cache, where it does not drive out what is worked on; else as
/// [`prefetch`].
pub(crate) fn prefetch_to_l2(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 has SSE, and a prefetch faults for no address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
