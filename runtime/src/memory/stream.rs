//! Copying past the caches.

use crate::machine::STREAM_ALIGN;

/// Copies bytes to a place that nobody reads soon, past the caches where the processor can. A
/// [`fence`](super::fence) must follow before another thread may read them.
///
/// # Safety
///
/// There must be so many bytes to read at `from` and to write at `to`, and the two must not
/// overlap.
pub(crate) unsafe fn copy_past_caches(from: *const u8, to: *mut u8, n_bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
        let head = to.align_offset(STREAM_ALIGN).min(n_bytes);
        let (n_vectors, tail) = ((n_bytes - head) / STREAM_ALIGN, (n_bytes - head) % STREAM_ALIGN);
        // SAFETY: every x86-64 has SSE2; the head, the vectors and the tail are the caller's bytes,
        // and the vectors begin where streaming stores may.
        unsafe {
            to.copy_from_nonoverlapping(from, head);
            let (from, to) = (from.add(head), to.add(head));
            for k in 0..n_vectors {
                let vector = _mm_loadu_si128(from.cast::<__m128i>().add(k));
                _mm_stream_si128(to.cast::<__m128i>().add(k), vector);
            }
            let done = n_vectors * STREAM_ALIGN;
            to.add(done).copy_from_nonoverlapping(from.add(done), tail);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's contract.
    unsafe {
        to.copy_from_nonoverlapping(from, n_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::fence;

    #[test]
    fn all_bytes_arrive_and_no_others() {
        let from: Vec<u8> = (0..200).map(|k| k as u8 + 1).collect();
        for start in 0..32 {
            for n in (0..40).chain([64, 100, 150]) {
                let mut to = [0_u8; 200];
                // SAFETY: both have more bytes, and they are different arrays.
                unsafe { copy_past_caches(from.as_ptr().add(start / 3), to.as_mut_ptr().add(start), n) };
                fence();
                assert_eq!(to[start..start + n], from[start / 3..start / 3 + n], "{start} {n}");
                assert!(to[..start].iter().chain(&to[start + n..]).all(|&byte| byte == 0), "{start} {n}");
            }
        }
    }
}
