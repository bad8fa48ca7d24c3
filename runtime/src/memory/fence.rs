//! The fence that must follow stores past the caches.

/// Orders what this thread has streamed before whatever it writes afterwards. Ordinary stores are
/// ordered by themselves.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}
