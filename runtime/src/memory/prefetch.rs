//! Asking for cache lines before they are read.

use crate::machine::LINE_BYTES;

/// Asks for the cache lines of a range of addresses. Addresses that cannot be read are ignored.
/// This is a hint, without effect on other processors than x86-64.
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

/// Asks for the cache line at an address to be in the L2 cache. In the L1 cache it would drive out
/// elements that are in use. In all other respects this is the same as [`prefetch`].
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
