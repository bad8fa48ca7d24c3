//! How many threads take part, and in how long chunks: both follow from the estimated time.

use std::time::Duration;

use crate::machine::{
    CHUNKS_PER_AWAKE_THREAD, CHUNKS_PER_THREAD, MAX_CHUNK_NS, MIN_CHUNK_NS, NS_PER_AWAKE_THREAD, NS_PER_BYTE,
    NS_PER_THREAD,
};
use crate::pool::{Pool, ShortCall};

/// How many threads take part, and in how long chunks.
pub(super) struct Threads<'p> {
    pub(super) n: usize,
    pub(super) chunk_ns: f64,
    /// Keeps helpers awake until the call is over.
    _short: Option<ShortCall<'p>>,
}

/// True if the work is so short that no second thread takes part, even if one is awake; or if there
/// is none.
#[inline]
pub(super) fn is_for_one_thread(total_ns: f64, pool: &Pool) -> bool {
    total_ns < 2.0 * NS_PER_AWAKE_THREAD || pool.n_threads() == 1
}

impl<'p> Threads<'p> {
    /// As many threads as work of this length is worth.
    pub(super) fn for_work(total_ns: f64, pool: &'p Pool) -> Threads<'p> {
        Threads::for_short_work(total_ns, pool).unwrap_or_else(|| {
            // Conversions of floats saturate; NaN cannot occur.
            let n = ((total_ns / NS_PER_THREAD) as usize).clamp(1, pool.n_threads());
            let chunk_ns = (total_ns / (n as f64 * CHUNKS_PER_THREAD)).clamp(MIN_CHUNK_NS, MAX_CHUNK_NS);
            Threads { n, chunk_ns, _short: None }
        })
    }

    /// The same for work that is too short to wake a second thread for: it has helpers only if
    /// short calls follow one another. `None` for longer work.
    #[inline]
    pub(super) fn for_short_work(total_ns: f64, pool: &'p Pool) -> Option<Threads<'p>> {
        if total_ns >= 2.0 * NS_PER_THREAD {
            return None;
        }
        let alone = |short| Some(Threads { n: 1, chunk_ns: total_ns, _short: short });
        // This comes first: a division would slow down the shortest calls.
        if is_for_one_thread(total_ns, pool) {
            return alone(None);
        }
        let n = ((total_ns / NS_PER_AWAKE_THREAD) as usize).min(pool.n_threads());
        let gain_ns = total_ns - total_ns / n as f64;
        let short = pool.short_call(Duration::from_nanos(gain_ns as u64));
        if !short.as_ref().is_some_and(ShortCall::has_helpers) {
            return alone(short);
        }
        Some(Threads { n, chunk_ns: total_ns / (n as f64 * CHUNKS_PER_AWAKE_THREAD), _short: short })
    }
}

/// The estimated time for an element, above 0 whatever the kernel's own estimate is.
pub(super) fn estimate_ns_per_elem(arithmetic_ns: f32, n_bytes: usize) -> f64 {
    let arithmetic_ns = f64::from(arithmetic_ns);
    let arithmetic_ns = if arithmetic_ns.is_finite() { arithmetic_ns.clamp(0.0, 1e6) } else { 0.0 };
    (arithmetic_ns + n_bytes as f64 * NS_PER_BYTE).max(1e-3)
}
