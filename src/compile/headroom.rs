//! Checks how much memory is left, before code runs that aborts the process if there is none.
//!
//! Cranelift, like most code, cannot report that an allocation failed. So where the process may
//! have only so much address space (`RLIMIT_AS`), the compiler first asks the system for as much as
//! it may need, and gives it back. If that fails, the caller gets an error.

use crate::error::Error;
use ndexpr_runtime::memory::AllocError;

/// What a short text takes, with a wide margin. It is above the largest size up to which glibc's
/// allocator adapts itself to the blocks that are freed (32 MiB), so that asking changes nothing.
const BASE_BYTES: usize = 40 << 20;

/// What an expression of the syntax tree takes in all stages together, with a wide margin.
const BYTES_PER_EXPR: usize = 16 << 10;

/// # Errors
///
/// If there is not enough memory to compile a text of so many bytes, or of so many expressions.
pub(super) fn check(n_text_bytes: usize, n_exprs: usize) -> Result<(), Error> {
    let n_bytes = BASE_BYTES + n_text_bytes.saturating_mul(16) + n_exprs.saturating_mul(BYTES_PER_EXPR);
    if !is_limited() {
        return Ok(());
    }
    let mut room = Vec::<u8>::new();
    let found = room.try_reserve_exact(n_bytes);
    // Otherwise the optimiser may leave out memory that nothing is written to.
    std::hint::black_box(&mut room);
    found.map_err(|_| AllocError::OutOfMemory { n_bytes }.into())
}

/// Whether the process may have only so much address space. The look costs a tenth of a
/// microsecond, and asking for memory twenty.
fn is_limited() -> bool {
    #[cfg(unix)]
    let is_limited = rustix::process::getrlimit(rustix::process::Resource::As).current.is_some();
    #[cfg(not(unix))]
    let is_limited = false;
    is_limited
}
