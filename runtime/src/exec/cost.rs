//! How many threads, how large tiles and chunks: all follow from estimated time. The one place that decides it.

use super::Kernel;
use super::staging::Staging;
use crate::plan::{Plan, Tiling};

/// A thread more for each so many nanoseconds of estimated work, so no second one below 60 us.
///
/// Measured 2026-11 on 2 Zen 4 cores of a shared machine, by `examples/measure_pool.rs two-against-one`: while the worker is awake
/// from a call just before, two threads are the faster from 4 us of work on (8 us: 5.0 and 2.9); while it sleeps, waking it
/// costs its caller 8-18 us, and two are the faster from 100 us on. 60 us is between: calls in a row gain half of their
/// time, and one alone loses a third of it at most. Simple loops take half as long as is estimated, and where their arrays lie in
/// the cache of the caller's core they gain late: `a + b*2` of 1e5 elements, 28 us, took 1.2 to 1.4 times as long on two threads,
/// when a call on one had left the arrays there; of 2e5 elements it takes 0.65 times as long.
const NS_PER_THREAD: f64 = 30_000.0;

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
pub(super) struct Schedule {
    pub(super) tiling: Tiling,
    pub(super) staging: Staging,
    pub(super) tiles_per_chunk: usize,
    pub(super) n_chunks: usize,
    pub(super) n_threads: usize,
}

impl Schedule {
    /// The schedule of a plan that is not empty.
    pub(super) fn new(plan: &Plan<'_>, kernel: &Kernel, max_threads: usize) -> Schedule {
        let spec = kernel.spec();
        let ns_per_elem = estimate_ns_per_elem(spec.ns_per_elem, plan.bytes_per_elem());
        let total_ns = ns_per_elem * plan.n_elems() as f64;
        let (n_threads, chunk_ns) = Schedule::threads_and_chunk(total_ns, max_threads);

        let max_tile_elems = spec
            .max_tile_elems
            .unwrap_or_else(|| (MIN_CHUNK_NS / ns_per_elem).clamp(MIN_FREE_TILE_ELEMS, MAX_FREE_TILE_ELEMS) as usize);
        let tiling = plan.tiling(max_tile_elems);
        let staging = Staging::new(plan, &tiling);
        let tile_ns = total_ns / tiling.n_tiles as f64;
        let tiles_per_chunk = ((chunk_ns / tile_ns) as usize).clamp(1, tiling.n_tiles);
        Schedule { tiling, staging, tiles_per_chunk, n_chunks: tiling.n_tiles.div_ceil(tiles_per_chunk), n_threads }
    }

    /// How many threads are worth their while, and how long a chunk should take.
    pub(super) fn threads_and_chunk(total_ns: f64, max_threads: usize) -> (usize, f64) {
        // Conversions of floats saturate; NaN cannot occur.
        let n_threads = ((total_ns / NS_PER_THREAD) as usize).clamp(1, max_threads.max(1));
        let chunk_ns = (total_ns / (n_threads as f64 * CHUNKS_PER_THREAD)).clamp(MIN_CHUNK_NS, MAX_CHUNK_NS);
        (n_threads, chunk_ns)
    }
}

/// Whether work of so many nanoseconds is worth a second thread.
pub(super) fn is_worth_threads(total_ns: f64) -> bool {
    total_ns >= 2.0 * NS_PER_THREAD
}

/// A time above 0, whatever the kernel's own estimate is.
pub(super) fn estimate_ns_per_elem(arithmetic_ns: f32, n_bytes: usize) -> f64 {
    let arithmetic_ns = f64::from(arithmetic_ns);
    let arithmetic_ns = if arithmetic_ns.is_finite() { arithmetic_ns.clamp(0.0, 1e6) } else { 0.0 };
    (arithmetic_ns + n_bytes as f64 * NS_PER_BYTE).max(1e-3)
}
