//! Asking for huge pages under large fresh outputs.

use crate::machine::MIN_HUGE_PAGE_BYTES;

/// Advises huge pages for the part of fresh memory that consists of whole ones. This is a hint: a
/// failure is ignored.
///
/// # Safety
///
/// The `n_bytes` bytes at `ptr` must be one live allocation.
#[cfg(target_os = "linux")]
pub(super) unsafe fn advise(ptr: *mut u8, n_bytes: usize) {
    const HUGE_PAGE_BYTES: usize = 2 << 20;
    if n_bytes < MIN_HUGE_PAGE_BYTES {
        return;
    }
    let skipped = ptr.addr().wrapping_neg() % HUGE_PAGE_BYTES;
    let n_whole_bytes = (n_bytes - skipped) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    // SAFETY: `skipped` is less than one huge page, so less than `MIN_HUGE_PAGE_BYTES`. So the
    // range is inside the allocation that the caller vouches for, and this advice changes no
    // contents.
    unsafe { libc::madvise(ptr.add(skipped).cast(), n_whole_bytes, libc::MADV_HUGEPAGE) };
}

/// Other systems choose page sizes themselves.
///
/// # Safety
///
/// None; the signature is that of the Linux version.
#[cfg(not(target_os = "linux"))]
pub(super) unsafe fn advise(_ptr: *mut u8, _n_bytes: usize) {}
