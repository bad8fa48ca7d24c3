//! [`run`]: chunk, tile, kernel call.

use std::ops::Range;
use std::sync::OnceLock;

use smallvec::SmallVec;

use super::cost::Schedule;
use super::staging::Staging;
use super::{ExecError, Kernel, Progress};
use crate::abi::{KernelArgs, KernelFn, Operand};
use crate::memory::with_scratch;
use crate::plan::{Plan, Tiling};
use crate::pool::Pool;

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions<'a> {
    /// The threads that may take part.
    pub pool: &'a Pool,
    /// Told how far the run is; may cancel it.
    pub progress: Option<&'a Progress>,
}

impl<'a> RunOptions<'a> {
    /// With this pool, without progress.
    #[must_use]
    pub fn new(pool: &'a Pool) -> RunOptions<'a> {
        RunOptions { pool, progress: None }
    }
}

/// Computes all outputs of `plan` by `kernel`.
///
/// On the caller's thread alone this allocates nothing, but for scratch when a thread needs more than ever before. Each
/// helper that is called in costs one small allocation.
///
/// # Errors
///
/// If the kernel is for other dtypes or run kinds than the plan's, there is no memory for scratch, or the run is
/// cancelled. In the latter two cases some elements of the outputs may have been written.
pub fn run(plan: &Plan<'_>, kernel: &Kernel, options: &RunOptions<'_>) -> Result<(), ExecError> {
    kernel.check(plan)?;
    if options.progress.is_some_and(Progress::is_cancelled) {
        return Err(ExecError::Cancelled);
    }
    if plan.n_elems() == 0 {
        return Ok(());
    }
    let schedule = Schedule::new(plan, kernel, options.pool.n_threads());
    let shared = Shared { plan, kernel, schedule, progress: options.progress, error: OnceLock::new() };
    options.pool.run(shared.schedule.n_chunks, shared.schedule.n_threads, |_, chunk| shared.run_chunk(chunk));
    shared.error.into_inner().map_or(Ok(()), Err)
}

/// What the threads of one run share.
struct Shared<'r, 'p> {
    plan: &'r Plan<'p>,
    kernel: &'r Kernel,
    schedule: Schedule,
    progress: Option<&'r Progress>,
    error: OnceLock<ExecError>,
}

// SAFETY: what is not `Sync` by itself is the plan, whose pointers must not be written through from two threads at once.
// They are written through for the tiles of a chunk only, by the one thread that has claimed the chunk, and tiles are
// disjoint in every output (rules 2 and 4 of `plan`, rule 3 of `view`). Inputs are only read, and what they share with
// an output is read in the very tile that writes it (rule 3 of `plan`).
unsafe impl Sync for Shared<'_, '_> {}

impl Shared<'_, '_> {
    fn run_chunk(&self, chunk: usize) {
        if self.error.get().is_some() {
            return;
        }
        if self.progress.is_some_and(Progress::is_cancelled) {
            let _ = self.error.set(ExecError::Cancelled);
            return;
        }
        let Schedule { ref tiling, ref staging, tiles_per_chunk, .. } = self.schedule;
        let first = chunk * tiles_per_chunk;
        let tiles = first..(first + tiles_per_chunk).min(tiling.n_tiles);
        let spec = self.kernel.spec();
        let mut n_elems = 0;
        // Rounded up so that what comes after is aligned to 64.
        let slot_bytes = spec.slot_bytes.next_multiple_of(64);
        let done = with_scratch(slot_bytes + staging.n_bytes(), |slots| {
            let scratch = slots.wrapping_add(slot_bytes);
            let call = Call { entry: spec.entry, slots, tile_fns: spec.tile_fns.as_ptr(), staging, scratch };
            // SAFETY: (1) `run` has checked that the kernel is one for the plan's operands, and with that
            // `Kernel::new`'s caller vouches for the code; (2) the tiling's tiles are no larger than the kernel's
            // `max_tile_elems`, for which `slot_bytes` is enough; (3) `pool.run` gives each chunk to one thread, once;
            // (4) the range is cut off at `n_tiles`, above; (5) the staging was made for this tiling, and gets its bytes.
            n_elems = unsafe { call.for_tiles(self.plan, tiling, tiles) };
        });
        match done {
            Ok(()) => self.progress.into_iter().for_each(|progress| progress.add_done(n_elems)),
            Err(error) => drop(self.error.set(error.into())),
        }
    }
}

/// The parts of [`KernelArgs`] that stay the same from tile to tile.
struct Call<'s> {
    entry: KernelFn,
    slots: *mut u8,
    tile_fns: *const crate::abi::TileFn,
    staging: &'s Staging,
    /// What the staging needs.
    scratch: *mut u8,
}

impl Call<'_> {
    /// Calls the kernel for each tile of a range; returns the number of elements.
    ///
    /// # Safety
    ///
    /// - `entry` must be right, in the sense of [`Kernel::new`], for the plan's operands, for tiles of `tiling`, for
    ///   `slots` and for `tile_fns`. The staging must be one for the plan and the tiling, with its scratch.
    /// - Nobody else may run tiles of this range of the plan at the same time.
    /// - `tiles` must be inside of `0..tiling.n_tiles`.
    unsafe fn for_tiles(&self, plan: &Plan<'_>, tiling: &Tiling, tiles: Range<usize>) -> usize {
        let mut n_elems = 0;
        let mut staged: SmallVec<[Operand; 8]> = SmallVec::new();
        plan.for_each_tile(tiling, tiles, |n_rows, n_lanes, operands| {
            let mut args =
                KernelArgs { n_lanes, n_rows, operands: operands.as_ptr(), slots: self.slots, tile_fns: self.tile_fns };
            n_elems += n_rows * n_lanes;
            // SAFETY: in all three: (1) the caller vouches for the code and for the staging; (2) `for_each_tile` gives
            // operands whose elements lie inside of the plan's views, which the plan borrows, outputs exclusively; (3) no
            // other thread has this tile.
            unsafe {
                if self.staging.is_none() {
                    return (self.entry)(&args);
                }
                staged.clear();
                staged.extend_from_slice(operands);
                self.staging.enter(self.scratch, (n_rows, n_lanes), &mut staged);
                args.operands = staged.as_ptr();
                (self.entry)(&args);
                self.staging.leave(self.scratch, (n_rows, n_lanes), operands);
            }
        });
        self.staging.finish();
        n_elems
    }
}

/// Computes all outputs of `plan` on this thread, without scratch or tile functions.
///
/// # Safety
///
/// `entry` must be right, in the sense of [`Kernel::new`], for the plan's operands with the strides that they have: none is
/// packed.
pub(crate) unsafe fn run_on_caller(plan: &Plan<'_>, entry: KernelFn) {
    if plan.n_elems() == 0 {
        return;
    }
    let tiling = plan.tiling(usize::MAX);
    let (slots, scratch) = (std::ptr::null_mut(), std::ptr::null_mut());
    let call = Call { entry, slots, tile_fns: std::ptr::null(), staging: &Staging::none(), scratch };
    // SAFETY: the caller vouches for `entry`, which needs neither slots nor tile functions, and nothing is staged; a `Plan` is not `Sync`, so
    // only this thread runs it; the range is all tiles.
    unsafe { call.for_tiles(plan, &tiling, 0..tiling.n_tiles) };
}
