//! [`run`]: chunk, tile, kernel call.

use std::ops::Range;
use std::sync::OnceLock;

use smallvec::SmallVec;

use super::cost::Schedule;
use super::staging::{Held, Staging};
use super::{ExecError, Kernel, KernelSpec, Progress};
use crate::abi::{KernelArgs, Operand};
use crate::memory::{STREAM_ALIGN, fence, with_scratch};
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
/// This allocates nothing, but for scratch when a thread needs more than ever before, and for a thread that starts.
///
/// # Errors
///
/// If the kernel is for other dtypes or run kinds than the plan's, there is no memory for scratch, or the run is
/// cancelled. In the latter two cases some elements of the outputs may have been written.
pub fn run(plan: &Plan<'_>, kernel: &Kernel, options: &RunOptions<'_>) -> Result<(), ExecError> {
    run_streaming(plan, kernel, None, options)
}

/// As [`run`], by a second kernel that writes past the caches, wherever outputs are aligned for it; see
/// [`Plan::is_worth_streaming`].
///
/// # Errors
///
/// As [`run`].
pub fn run_streaming(
    plan: &Plan<'_>,
    kernel: &Kernel,
    streaming: Option<&Kernel>,
    options: &RunOptions<'_>,
) -> Result<(), ExecError> {
    kernel.check(plan)?;
    if let Some(streaming) = streaming {
        streaming.check_kinds(plan.dtypes(), plan.run_kinds(), plan.n_inputs())?;
    }
    if options.progress.is_some_and(Progress::is_to_stop) {
        return Err(ExecError::Cancelled);
    }
    if plan.n_elems() == 0 {
        return Ok(());
    }
    let schedule = Schedule::new(plan, kernel, options.pool);
    // Should the two have other tiles, only one of them can be right.
    let fits =
        |(a, b): (&KernelSpec, &KernelSpec)| a.max_tile_elems == b.max_tile_elems && a.slot_bytes <= b.slot_bytes;
    let streaming =
        streaming.filter(|streaming| fits((streaming.spec(), kernel.spec())) && plan.can_stream(&schedule.tiling));
    let shared = Shared { plan, kernel, streaming, schedule, progress: options.progress, error: OnceLock::new() };
    options.pool.run(shared.schedule.n_chunks, shared.schedule.threads.n, |_, chunk| shared.run_chunk(chunk));
    shared.error.into_inner().map_or(Ok(()), Err)
}

/// What the threads of one run share.
struct Shared<'r, 'p> {
    plan: &'r Plan<'p>,
    kernel: &'r Kernel,
    streaming: Option<&'r Kernel>,
    schedule: Schedule<'r>,
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
        if self.progress.is_some_and(Progress::is_to_stop) {
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
            let streaming = self.streaming.map(Kernel::spec);
            let call = Call { spec, streaming, slots, staging, scratch };
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
    spec: &'s KernelSpec,
    streaming: Option<&'s KernelSpec>,
    slots: *mut u8,
    staging: &'s Staging,
    /// What the staging needs.
    scratch: *mut u8,
}

impl Call<'_> {
    /// Calls the kernel for each tile of a range; returns the number of elements.
    ///
    /// # Safety
    ///
    /// - The kernels must be right, in the sense of [`Kernel::new`], for the plan's operands, for tiles of `tiling`, and for
    ///   `slots`. The staging must be one for the plan and the tiling, with its scratch.
    /// - Nobody else may run tiles of this range of the plan at the same time.
    /// - `tiles` must be inside of `0..tiling.n_tiles`.
    unsafe fn for_tiles(&self, plan: &Plan<'_>, tiling: &Tiling, tiles: Range<usize>) -> usize {
        let mut n_elems = 0;
        let mut staged: SmallVec<[Operand; 8]> = SmallVec::new();
        let mut held = Held::new();
        plan.for_each_tile(tiling, tiles, |n_rows, n_lanes, operands| {
            n_elems += n_rows * n_lanes;
            // SAFETY: in all: (1) the caller vouches for the code and for the staging; (2) `for_each_tile` gives operands
            // whose elements lie inside of the plan's views, which the plan borrows, outputs exclusively; (3) no other
            // thread has this tile.
            unsafe {
                if self.staging.is_none() && self.streaming.is_none() {
                    return self.kernel(self.spec, (n_rows, n_lanes), operands);
                }
                staged.clear();
                staged.extend_from_slice(operands);
                self.staging.enter(self.scratch, (n_rows, n_lanes), &mut staged, &mut held);
                let size = self.staging.seen((n_rows, n_lanes));
                match self.streaming {
                    None => self.kernel(self.spec, size, &staged),
                    Some(streaming) => self.stream(streaming, size, &mut staged),
                }
            }
        });
        if self.streaming.is_some() {
            fence();
        }
        n_elems
    }

    /// # Safety
    ///
    /// The kernel must be one for these operands, of so many rows and lanes.
    unsafe fn kernel(&self, spec: &KernelSpec, (n_rows, n_lanes): (usize, usize), operands: &[Operand]) {
        let (slots, tile_fns) = (self.slots, spec.tile_fns.as_ptr());
        let args = KernelArgs { n_lanes, n_rows, operands: operands.as_ptr(), slots, tile_fns };
        // SAFETY: the caller's contract.
        unsafe { (spec.entry)(&args) };
    }

    /// Calls the streaming kernel where the outputs are aligned, and the other for the lanes of a row before that.
    ///
    /// # Safety
    ///
    /// As of [`kernel`](Call::kernel), of both kernels.
    unsafe fn stream(&self, streaming: &KernelSpec, (n_rows, n_lanes): (usize, usize), operands: &mut [Operand]) {
        let first_output = operands.len() - streaming.n_outputs;
        let step_bytes = |operand: &Operand| operand.ptr.addr() | operand.row_stride as usize;
        let is_aligned = operands[first_output..].iter().all(|output| match n_rows {
            1 => output.ptr.addr().is_multiple_of(STREAM_ALIGN),
            _ => step_bytes(output).is_multiple_of(STREAM_ALIGN),
        });
        if is_aligned {
            // SAFETY: the caller's contract, and all rows of the outputs are aligned.
            return unsafe { self.kernel(streaming, (n_rows, n_lanes), operands) };
        }
        for _ in 0..n_rows {
            let head = lanes_to_alignment(&operands[first_output..]).map_or(n_lanes, |head| head.min(n_lanes));
            // SAFETY: the caller's contract, for a part of a row; the outputs are aligned where the second part begins.
            unsafe {
                if head > 0 {
                    self.kernel(self.spec, (1, head), operands);
                }
                if head < n_lanes {
                    let mut rest: SmallVec<[Operand; 8]> = SmallVec::from_slice(operands);
                    rest.iter_mut().for_each(|operand| advance(operand, head as isize * operand.lane_stride));
                    self.kernel(streaming, (1, n_lanes - head), &rest);
                }
            }
            operands.iter_mut().for_each(|operand| advance(operand, operand.row_stride));
        }
    }
}

fn advance(operand: &mut Operand, n_bytes: isize) {
    operand.ptr = operand.ptr.wrapping_offset(n_bytes);
}

/// After how many lanes all these outputs are aligned for a streaming kernel; `None` if they never are at once.
fn lanes_to_alignment(outputs: &[Operand]) -> Option<usize> {
    (0..STREAM_ALIGN).find(|&lane| {
        let at = |output: &Operand| output.ptr.addr() + lane * output.lane_stride as usize;
        outputs.iter().all(|output| at(output).is_multiple_of(STREAM_ALIGN))
    })
}

/// Computes all outputs of `plan` on this thread, by a kernel without slots.
///
/// # Safety
///
/// The kernel must be right, in the sense of [`Kernel::new`], for the plan's operands with the strides that they have: none
/// is packed.
pub(crate) unsafe fn run_on_caller(plan: &Plan<'_>, kernel: &Kernel) {
    if plan.n_elems() == 0 {
        return;
    }
    let tiling = plan.tiling(usize::MAX);
    let (slots, scratch) = (std::ptr::null_mut(), std::ptr::null_mut());
    let call = Call { spec: kernel.spec(), streaming: None, slots, staging: &Staging::none(), scratch };
    // SAFETY: the caller vouches for the kernel, which needs no slots, and nothing is staged; a `Plan` is not `Sync`, so
    // only this thread runs it; the range is all tiles.
    unsafe { call.for_tiles(plan, &tiling, 0..tiling.n_tiles) };
}
