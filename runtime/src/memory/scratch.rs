//! Scratch: one block of memory per thread, kept from call to call.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::ptr::NonNull;

use super::AllocError;
use crate::machine::LINE_BYTES;

/// A cache line, which is also the widest vector of any CPU.
const ALIGN: usize = LINE_BYTES;

/// Memory aligned to [`ALIGN`]. It is initialised, with any bytes.
struct Scratch {
    ptr: NonNull<u8>,
    n_bytes: usize,
}

impl Scratch {
    const EMPTY: Scratch =
        Scratch { ptr: NonNull::without_provenance(std::num::NonZero::new(ALIGN).unwrap()), n_bytes: 0 };

    fn layout(n_bytes: usize) -> Option<Layout> {
        Layout::from_size_align(n_bytes, ALIGN).ok()
    }

    /// Makes it at least this large; the contents are lost.
    fn grow(&mut self, n_bytes: usize) -> Result<(), AllocError> {
        if n_bytes <= self.n_bytes {
            return Ok(());
        }
        let out_of_memory = AllocError::OutOfMemory { n_bytes };
        let Some(layout) = n_bytes.checked_next_power_of_two().and_then(Scratch::layout) else {
            return Err(out_of_memory);
        };
        // SAFETY: the size is at least 1, because `n_bytes` is more than `self.n_bytes`.
        let Some(ptr) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
            return Err(out_of_memory);
        };
        *self = Scratch { ptr, n_bytes: layout.size() };
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let (1.., Some(layout)) = (self.n_bytes, Scratch::layout(self.n_bytes)) {
            // SAFETY: `n_bytes` is not 0, so `grow` allocated `ptr` with this very layout.
            unsafe { dealloc(self.ptr.as_ptr(), layout) };
        }
    }
}

thread_local! {
    static SCRATCH: Cell<Scratch> = const { Cell::new(Scratch::EMPTY) };
}

/// Calls `f` with `n_bytes` bytes of this thread's scratch, aligned to 64. They are initialised:
/// with zeros, or with what an earlier call has left there. Allocates only when a thread needs more
/// than ever before. A call inside of `f` gets other memory.
#[inline]
pub(crate) fn with_scratch<R>(n_bytes: usize, f: impl FnOnce(*mut u8) -> R) -> Result<R, AllocError> {
    let mut scratch = SCRATCH.try_with(|cell| cell.replace(Scratch::EMPTY)).unwrap_or(Scratch::EMPTY);
    let result = scratch.grow(n_bytes).map(|()| f(scratch.ptr.as_ptr()));
    // A thread that is ending has nowhere to keep it. Then it is freed here.
    let _ = SCRATCH.try_with(|cell| cell.set(scratch));
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_kept_and_nested() {
        let first = with_scratch(1000, |ptr| ptr.addr()).unwrap();
        assert_eq!(first % ALIGN, 0);
        assert_eq!(with_scratch(500, |ptr| ptr.addr()).unwrap(), first, "kept");
        with_scratch(1000, |outer| {
            let inner = with_scratch(1000, |inner| inner.addr()).unwrap();
            assert_ne!(outer.addr(), inner, "nested calls do not share");
        })
        .unwrap();
        assert_eq!(with_scratch(0, |ptr| ptr.addr()).unwrap() % ALIGN, 0);
        assert!(with_scratch(usize::MAX, |_| ()).is_err());
        assert!(with_scratch(isize::MAX as usize / 2, |_| ()).is_err());
        assert!(with_scratch(2000, |_| ()).is_ok());
    }
}
