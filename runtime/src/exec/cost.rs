//! How many threads, how large tiles and chunks: all follow from estimated time. The one place that decides it.

use std::time::Duration;

use super::Kernel;
use super::staging::Staging;
use crate::plan::{Plan, Tiling};
use crate::pool::{Pool, ShortCall};

/// A thread more for each so many nanoseconds of estimated work, so no second one is woken below 60 us.
///
/// Measured 2026-11 on 2 Zen 4 cores of a shared machine, by `examples/measure_pool.rs two-against-one`: waking a worker costs its
/// caller 8-18 us, and two threads are the faster from 100 us on. Below that one call alone loses a third of its time at
/// most, and calls that follow it gain half of theirs.
const NS_PER_THREAD: f64 = 30_000.0;

/// The same where helpers are awake, because calls of less work come in a row (`pool/row.rs`).
///
/// Measured 2026-11 as above, time on two threads against that on one, the same call again and again, and by turns with one on one
/// thread, which leaves all arrays in its own core's cache: float64 `a + b*2` of 2e4 elements (4 us) 0.72 and 1.1, of 5e4 0.56
/// and 0.63; float32 `f*f + f` of 5e4 (4 us) 0.90 and 1.2, of 1e5 0.72 and 0.95; `exp(a)` of 5e3 (3 us) 0.80 and 1.03, of 1e4 0.65 and
/// 0.84, of 1e5 0.55 and 0.60.
const NS_PER_AWAKE_THREAD: f64 = 4_000.0;

/// Chunks per thread then. One, two and four differ by less than runs do; one leaves nothing to a thread that is done early.
const CHUNKS_PER_AWAKE_THREAD: f64 = 2.0;

/// What a byte of operands costs one core beside the arithmetic, in the L2 and L3 caches.
///
/// Measured as above: f64 `a+b*2` takes 0.24-0.26 ns per element for n=1e4 to 3e5, 24 bytes each, against 0.10-0.14 in
/// L1. From main memory it is 0.03-0.05, but there the threads are long since worth their while.
const NS_PER_BYTE: f64 = 0.008;

/// A chunk is not shorter, so that taking one costs nothing beside it, ...
const MIN_CHUNK_NS: f64 = 5_000.0;

/// ... and not longer, so that progress moves, cancelling is prompt, and threads end together.
const MAX_CHUNK_NS: f64 = 1_000_000.0;

/// Chunks per thread, if they keep to the limits above: enough to even out threads that are slowed down by others.
const CHUNKS_PER_THREAD: f64 = 8.0;

/// Tiles of a kernel without slots: as many elements as this, ...
pub(super) const MAX_FREE_TILE_ELEMS: f64 = 16_384.0;

/// ... or fewer if they take longer than a short chunk, down to this.
const MIN_FREE_TILE_ELEMS: f64 = 512.0;

/// How a plan is run.
pub(super) struct Schedule<'p> {
    pub(super) tiling: Tiling,
    pub(super) staging: Staging,
    pub(super) tiles_per_chunk: usize,
    pub(super) n_chunks: usize,
    pub(super) threads: Threads<'p>,
}

impl<'p> Schedule<'p> {
    /// The schedule of a plan that is not empty.
    pub(super) fn new(plan: &Plan<'_>, kernel: &Kernel, pool: &'p Pool) -> Schedule<'p> {
        let spec = kernel.spec();
        let ns_per_elem = estimate_ns_per_elem(spec.ns_per_elem, plan.bytes_per_elem());
        let total_ns = ns_per_elem * plan.n_elems() as f64;
        let threads = Threads::for_work(total_ns, pool);

        let max_tile_elems = spec.max_tile_elems.unwrap_or_else(|| {
            (threads.chunk_ns.min(MIN_CHUNK_NS) / ns_per_elem).clamp(MIN_FREE_TILE_ELEMS, MAX_FREE_TILE_ELEMS) as usize
        });
        let tiling = plan.tiling(max_tile_elems);
        let staging = Staging::new(plan, &tiling);
        let tile_ns = total_ns / tiling.n_tiles as f64;
        let tiles_per_chunk = ((threads.chunk_ns / tile_ns) as usize).clamp(1, tiling.n_tiles);
        Schedule { tiling, staging, tiles_per_chunk, n_chunks: tiling.n_tiles.div_ceil(tiles_per_chunk), threads }
    }
}

/// How many threads take part, and in how long chunks.
pub(super) struct Threads<'p> {
    pub(super) n: usize,
    pub(super) chunk_ns: f64,
    /// Until the call is over.
    _short: Option<ShortCall<'p>>,
}

impl<'p> Threads<'p> {
    /// Those that are worth their while for work that takes so long.
    pub(super) fn for_work(total_ns: f64, pool: &'p Pool) -> Threads<'p> {
        Threads::for_short_work(total_ns, pool).unwrap_or_else(|| {
            // Conversions of floats saturate; NaN cannot occur.
            let n = ((total_ns / NS_PER_THREAD) as usize).clamp(1, pool.n_threads());
            let chunk_ns = (total_ns / (n as f64 * CHUNKS_PER_THREAD)).clamp(MIN_CHUNK_NS, MAX_CHUNK_NS);
            Threads { n, chunk_ns, _short: None }
        })
    }

    /// The same for work that is too short to wake a second thread for: only calls in a row have helpers. `None` for longer
    /// work.
    pub(super) fn for_short_work(total_ns: f64, pool: &'p Pool) -> Option<Threads<'p>> {
        if total_ns >= 2.0 * NS_PER_THREAD {
            return None;
        }
        let alone = |short| Some(Threads { n: 1, chunk_ns: total_ns, _short: short });
        // First of all, for the shortest calls feel a division.
        if total_ns < 2.0 * NS_PER_AWAKE_THREAD || pool.n_threads() == 1 {
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

/// A time above 0, whatever the kernel's own estimate is.
pub(super) fn estimate_ns_per_elem(arithmetic_ns: f32, n_bytes: usize) -> f64 {
    let arithmetic_ns = f64::from(arithmetic_ns);
    let arithmetic_ns = if arithmetic_ns.is_finite() { arithmetic_ns.clamp(0.0, 1e6) } else { 0.0 };
    (arithmetic_ns + n_bytes as f64 * NS_PER_BYTE).max(1e-3)
}
