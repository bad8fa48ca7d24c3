//! What this crate assumes of the machine: caches, costs, and the sizes of pieces that follow from
//! them. Every such constant of `plan`, `memory` and `exec` is here.
//!
//! In: nothing, except what the processor states about its last-level cache. Out: constants. Always
//! true: they decide on speed alone. No result depends on them.

use std::num::NonZeroUsize;

use once_cell::race::OnceNonZeroUsize;

// Caches.

/// Bytes of a cache line.
pub(crate) const LINE_BYTES: usize = 64;

/// Bytes of the vectors that streaming stores write: in every output, the first element of each row
/// of a tile must be at a multiple of this for a streaming kernel. Other threads see its stores
/// after a store fence of the thread that made them.
pub const STREAM_ALIGN: usize = 16;

/// The same for kernels that accumulate leaves: the kept values of each leaf must begin at a
/// multiple of this for a streaming kernel.
pub const LEAF_STREAM_ALIGN: usize = 32;

/// Arrays whose results have fewer leaves than this are reduced by way of memory: the kernel would
/// take longer to compile than it saves.
///
/// Chosen by "leaf-rows" in docs/measurements.md.
pub(crate) const MIN_ACCUMULATED_LEAVES: usize = 64;

/// A block of rows that several loops use one after the other: half of the usual L2 cache.
pub(crate) const CHAIN_BLOCK_BYTES: usize = 256 << 10;

/// Loops over longer rows do not run block by block: a block of such rows would leave the L2 cache.
pub(crate) const MAX_CHAIN_ROW_BYTES: usize = 512 << 10;

/// The most bytes of the lines that a band reads: they wait in the L2 cache for the next band.
///
/// Chosen by "band-bytes" in docs/measurements.md.
pub(crate) const MAX_BAND_BYTES: usize = 384 << 10;

/// Arrays with fewer bytes are in the caches anyway, so bands would only cost time.
///
/// Chosen by "band-bytes" in docs/measurements.md.
pub(crate) const MIN_BAND_TOTAL_BYTES: usize = 4 << 20;

/// The most bytes of the packed elements of short rows: each tile reads them again, from the L1
/// cache.
///
/// Chosen by "joined-tile" in docs/measurements.md.
pub(crate) const JOINED_TILE_BYTES: usize = 12 << 10;

/// How many bytes ahead a reduction prefetches each input. Otherwise memory would be idle while the
/// reduction computes from registers.
///
/// Chosen by "reduction-prefetch" in docs/measurements.md.
pub(crate) const PREFETCHED_BYTES: usize = 512;

/// Fresh buffers of at least this many bytes ask for huge pages before they are touched.
///
/// Chosen by "huge-pages" in docs/measurements.md.
pub(crate) const MIN_HUGE_PAGE_BYTES: usize = 4 << 20;

/// Whether a loop should stream its outputs: it does so if all that it reads and writes is more
/// than the last-level cache holds, because then nothing of it would be there afterwards.
///
/// Chosen by "streaming" in docs/measurements.md.
pub(crate) fn is_worth_streaming(n_bytes: usize) -> bool {
    cfg!(target_arch = "x86_64") && n_bytes > last_level_bytes()
}

/// Outputs are streamed in runs of at least so many bytes. In shorter runs, many cache lines are
/// not written as a whole.
pub(crate) const MIN_STREAMED_RUN_BYTES: usize = 512;

/// Runs that do not begin where streaming stores may begin are streamed only if they have at least
/// this length. Their ends are written by ordinary stores, which are slow in a line that also has
/// streaming stores.
///
/// Chosen by "unaligned-streaming" in docs/measurements.md.
pub(crate) const MIN_UNALIGNED_RUN_BYTES: usize = 3 << 10;

/// In runs of at least this length, streaming stores of 256 bits are faster.
///
/// Chosen by "register-width" in docs/measurements.md.
pub(crate) const LONG_RUN_BYTES: usize = 8 << 10;

// Costs.

/// There is one more thread for each so many nanoseconds of estimated work, so below 60 us no
/// second thread is woken.
///
/// Chosen by "thread-work" in docs/measurements.md.
pub(crate) const NS_PER_THREAD: f64 = 30_000.0;

/// The same limit when helpers are awake because short calls follow one another
/// (`pool/short_calls.rs`).
///
/// Chosen by "awake-thread-work" in docs/measurements.md.
pub(crate) const NS_PER_AWAKE_THREAD: f64 = 4_000.0;

/// Chunks for each awake thread. With one chunk, a thread that is done early has nothing to do;
/// more than two gain nothing.
pub(crate) const CHUNKS_PER_AWAKE_THREAD: f64 = 2.0;

/// The nanoseconds that a byte of operands in the L2 or L3 cache costs one core, in addition to the
/// arithmetic.
///
/// Chosen by "cached-byte" in docs/measurements.md.
pub(crate) const NS_PER_BYTE: f64 = 0.008;

/// A chunk is not shorter than this, so that taking a chunk costs almost nothing compared to its
/// work.
pub(crate) const MIN_CHUNK_NS: f64 = 5_000.0;

/// A chunk is not longer than this, so that progress moves, cancelling is prompt, and threads end
/// together.
pub(crate) const MAX_CHUNK_NS: f64 = 1_000_000.0;

/// Chunks for each thread, within these limits: enough to balance the work if something slows some
/// threads down.
pub(crate) const CHUNKS_PER_THREAD: f64 = 8.0;

/// What reducing an element costs beside computing it.
pub(crate) const FOLD_NS_PER_ELEM: f32 = 0.1;

/// What copying an element costs.
pub(crate) const COPY_NS_PER_ELEM: f32 = 0.5;

// Sizes of pieces.

/// The most elements of a tile of a kernel without spill slots. If so many take longer than a short
/// chunk, the limit is lower.
pub(crate) const MAX_FREE_TILE_ELEMS: usize = 16_384;

/// The limit on such a tile is never lower than this, even if so many elements take longer than a
/// short chunk.
pub(crate) const MIN_FREE_TILE_ELEMS: usize = 512;

/// The lanes of a tile are a multiple of this, so that only the last tile of a row has lanes that
/// do not fill a vector block.
pub(crate) const LANE_GRANULE: usize = 64;

/// Lanes of a tile of a *band*. A band has as many rows as a cache line has elements of the
/// transposed operands, whose cache lines extend along the row axis. The lines of the next band are
/// prefetched meanwhile.
///
/// Chosen by "band-lanes" in docs/measurements.md.
pub(crate) const BAND_LANES: usize = 128;

/// Rows and lanes of a tile of transposed operands without bands: enough rows for the processor to
/// notice a run of lines and read ahead.
///
/// Chosen by "transposed-tile" in docs/measurements.md.
pub(crate) const TRANSPOSED_TILE: (usize, usize) = (128, 64);

/// Rows that are shorter than this are joined where they can be. Otherwise a kernel would spend its
/// time between rows, and in the lanes that do not fill a vector block.
pub(crate) const SHORT_ROW_LANES: usize = 16;

/// If each result has fewer elements than this, and there are more results than elements of each,
/// then the lanes are results, because a row of one result's elements would be too short for
/// vectors. A leaf costs 10 ns beside its elements; to gather an element costs 0.3 ns.
pub(crate) const SHORT_REDUCTION: usize = 32;

/// Elements of a tile that waits in scratch for its reduction: 32 KiB of float64, which the L2
/// cache delivers as fast as they are read. A multiple of [`LEAF`](crate::reduce::LEAF).
pub(crate) const FILL_ELEMS: usize = 4096;

/// Lanes of a block of columns: rows long enough for the prefetcher, and sums of leaves that fit
/// the L2 cache.
///
/// Chosen by "column-lanes" in docs/measurements.md.
pub(crate) const COLUMN_LANES: usize = 1536;

/// Leaves that are read from an array in one go, and become one node of the tree: a power of 2.
///
/// Chosen by "direct-leaves" in docs/measurements.md.
pub(crate) const DIRECT_LEAVES: usize = 16;
const _: () = assert!(DIRECT_LEAVES.is_power_of_two());

/// Leaves that are computed in one go: they stay in the L1 cache.
pub(crate) const FILLED_LEAVES: usize = 1;

/// Rows shorter than a leaf that are computed together.
pub(crate) const BATCH_ROWS: usize = 64;

/// Rows of a chain of loops for each thread, so that all threads have blocks.
pub(crate) const MIN_CHAIN_ROWS: usize = 4;

/// Parts into which the reduced axes are split between threads: enough for any number of threads.
pub(crate) const MAX_PARTS: usize = 4096;

/// Words of the memory in which these parts leave their partials: 8 MiB.
pub(crate) const MAX_NODE_WORDS: usize = 1 << 20;

/// A thread that works on one long chunk reports its progress, and asks whether to stop, every so
/// many elements: several times in a millisecond.
pub(crate) const REPORT_ELEMS: usize = 1 << 16;

/// Pieces of a run that are handed to threads one by one. A run of more chunks hands out several
/// together, so that a cancelled run does not go on handing out chunks.
pub(crate) const MAX_HANDOUTS: usize = 1 << 14;

/// The bytes that the last-level cache holds, as the processor states them; 32 MiB if it does not.
fn last_level_bytes() -> usize {
    const USUAL_BYTES: NonZeroUsize = NonZeroUsize::new(32 << 20).unwrap();
    static BYTES: OnceNonZeroUsize = OnceNonZeroUsize::new();
    BYTES.get_or_init(|| largest_cache_bytes().and_then(NonZeroUsize::new).unwrap_or(USUAL_BYTES)).get()
}

/// The largest cache that the processor's *deterministic cache parameters* list.
#[cfg(target_arch = "x86_64")]
fn largest_cache_bytes() -> Option<usize> {
    use std::arch::x86_64::{__cpuid, __cpuid_count};

    /// The CPUID leaf on Intel's processors.
    const CACHES: u32 = 4;
    /// The leaf on AMD's processors, which has the same form. It exists if `TOPOLOGY` is set in
    /// `FEATURES`.
    const EXTENDED_CACHES: u32 = 0x8000_001d;
    const FEATURES: u32 = 0x8000_0001;
    const TOPOLOGY: u32 = 1 << 22;
    /// More levels than any processor has.
    const MAX_CACHES: u32 = 16;

    let has_extended = __cpuid(0x8000_0000).eax >= EXTENDED_CACHES && __cpuid(FEATURES).ecx & TOPOLOGY != 0;
    let leaf = match (has_extended, __cpuid(0).eax >= CACHES) {
        (true, _) => EXTENDED_CACHES,
        (false, true) => CACHES,
        (false, false) => return None,
    };
    let caches = (0..MAX_CACHES).map(|k| __cpuid_count(leaf, k)).take_while(|cache| cache.eax & 0x1f != 0);
    // Each field is one less than the number that it states: ways, partitions, bytes of a line,
    // sets.
    let bytes = caches.map(|cache| {
        let field = |low: u32, n_bits: u32| (cache.ebx >> low & ((1 << n_bits) - 1)) as usize + 1;
        field(22, 10) * field(12, 10) * field(0, 12) * (cache.ecx as usize + 1)
    });
    bytes.max()
}

#[cfg(not(target_arch = "x86_64"))]
fn largest_cache_bytes() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_have_sizes() {
        assert!((64 << 10..1 << 34).contains(&last_level_bytes()), "{}", last_level_bytes());
        assert!(!is_worth_streaming(1000));
    }

    #[test]
    fn tiles_of_values_are_whole_leaves() {
        assert!(FILL_ELEMS.is_multiple_of(crate::reduce::LEAF));
    }
}
