//! [`run`]: runs a kernel over a plan, chunk by chunk, tile by tile.

use std::ops::Range;

use smallvec::SmallVec;

use super::cost::{Threads, estimate_ns_per_elem};
use super::launch::{Chunks, Shared, launch};
use super::staging::{Held, Staging};
use super::{ExecError, Kernel, KernelSpec, Progress, RunOptions};
use crate::abi::Operand;
use crate::machine::{MAX_FREE_TILE_ELEMS, MIN_CHUNK_NS, MIN_FREE_TILE_ELEMS, STREAM_ALIGN};
use crate::memory::fence;
use crate::plan::{Plan, Tiling};
use crate::pool::Pool;

/// Computes all outputs of `plan` by `kernel`.
///
/// This allocates nothing, except scratch when a thread needs more than ever before, and what a new
/// thread needs to start.
///
/// # Errors
///
/// If the kernel is for other dtypes or run kinds than the plan's, there is no memory for scratch,
/// or the run is cancelled. In the latter two cases some elements of the outputs may have been
/// written.
pub fn run(plan: &Plan<'_>, kernel: &Kernel, options: &RunOptions<'_>) -> Result<(), ExecError> {
    run_streaming(plan, kernel, None, options)
}

/// The same as [`run`] with a second kernel, which writes past the caches. That kernel is called
/// wherever the outputs are aligned for it; see [`Plan::is_worth_streaming`].
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
    run_counted(plan, kernel, streaming, options, true)
}

/// The same as [`run`], but the elements do not count as progress.
pub(super) fn run_uncounted(plan: &Plan<'_>, kernel: &Kernel, options: &RunOptions<'_>) -> Result<(), ExecError> {
    run_counted(plan, kernel, None, options, false)
}

fn run_counted(
    plan: &Plan<'_>,
    kernel: &Kernel,
    streaming: Option<&Kernel>,
    options: &RunOptions<'_>,
    is_counted: bool,
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
    let Schedule { tiling, staging, tiles_per_chunk, n_chunks, threads } = &schedule;
    // If the two have tiles of different sizes, only one of them can be right.
    let fits =
        |(a, b): (&KernelSpec, &KernelSpec)| a.max_tile_elems == b.max_tile_elems && a.slot_bytes <= b.slot_bytes;
    let streaming = streaming.filter(|streaming| fits((streaming.spec(), kernel.spec())) && plan.can_stream(tiling));
    let streaming = streaming.map(Kernel::spec);
    let spec = kernel.spec();
    // Rounded up so that what comes after is aligned to 64.
    let slot_bytes = spec.slot_bytes.next_multiple_of(64);
    let scratch_bytes = slot_bytes + staging.n_bytes();
    let chunks = Chunks { n: *n_chunks, n_threads: threads.n, scratch_bytes, is_counted };
    // SAFETY: only the plan is not `Sync`: two threads must not write through its pointers at once.
    // They are written through for the tiles of a chunk only, by the one thread that has the chunk,
    // and tiles are disjoint in every output (rules 2 and 4 of `plan`, rule 3 of `view`). Inputs
    // are only read, and what they share with an output is read in the very tile that writes it
    // (rule 3 of `plan`).
    let shared = unsafe { Shared::new(plan) };
    launch(options, &chunks, |_, chunk, slots| {
        let first = chunk * tiles_per_chunk;
        let tiles = first..(first + tiles_per_chunk).min(tiling.n_tiles);
        let scratch = slots.wrapping_add(slot_bytes);
        let call = Call { spec, streaming, slots, staging, scratch };
        // SAFETY: (1) it was checked above that the kernels are ones for the plan's operands, and
        // with that the caller of `Kernel::new` vouches for the code; (2) the tiling's tiles are no
        // larger than the kernel's `max_tile_elems`, for which `slot_bytes` is enough; (3) `launch`
        // gives each chunk to one thread, once; (4) the range is cut off at `n_tiles`; (5) the
        // staging was made for this tiling, and gets its bytes.
        unsafe { call.for_tiles(shared.get(), tiling, tiles) }
    })
}

/// How a plan is run.
struct Schedule<'p> {
    tiling: Tiling,
    staging: Staging,
    tiles_per_chunk: usize,
    n_chunks: usize,
    threads: Threads<'p>,
}

impl<'p> Schedule<'p> {
    /// The schedule of a plan that is not empty.
    fn new(plan: &Plan<'_>, kernel: &Kernel, pool: &'p Pool) -> Schedule<'p> {
        let spec = kernel.spec();
        let ns_per_elem = estimate_ns_per_elem(spec.ns_per_elem, plan.bytes_per_elem());
        let total_ns = ns_per_elem * plan.n_elems() as f64;
        let threads = Threads::for_work(total_ns, pool);

        let max_tile_elems = spec.max_tile_elems.unwrap_or_else(|| {
            let elems = (threads.chunk_ns.min(MIN_CHUNK_NS) / ns_per_elem) as usize;
            elems.clamp(MIN_FREE_TILE_ELEMS, MAX_FREE_TILE_ELEMS)
        });
        let tiling = plan.tiling(max_tile_elems);
        let staging = Staging::new(plan, &tiling);
        let tile_ns = total_ns / tiling.n_tiles as f64;
        let tiles_per_chunk = ((threads.chunk_ns / tile_ns) as usize).clamp(1, tiling.n_tiles);
        Schedule { tiling, staging, tiles_per_chunk, n_chunks: tiling.n_tiles.div_ceil(tiles_per_chunk), threads }
    }
}

/// What stays the same from tile to tile.
struct Call<'s> {
    spec: &'s KernelSpec,
    streaming: Option<&'s KernelSpec>,
    slots: *mut u8,
    staging: &'s Staging,
    /// The staging's bytes.
    scratch: *mut u8,
}

impl Call<'_> {
    /// Calls the kernel for each tile of a range; returns the number of elements.
    ///
    /// # Safety
    ///
    /// - The kernels must be right, in the sense of [`Kernel::new`], for the plan's operands, for
    ///   tiles of `tiling`, and for `slots`. The staging must be one for the plan and the tiling,
    ///   with its scratch.
    /// - Nobody else may run tiles of this range of the plan at the same time.
    /// - `tiles` must be inside of `0..tiling.n_tiles`.
    unsafe fn for_tiles(&self, plan: &Plan<'_>, tiling: &Tiling, tiles: Range<usize>) -> usize {
        let mut n_elems = 0;
        let mut staged: SmallVec<[Operand; 8]> = SmallVec::new();
        let mut held = Held::new();
        plan.for_each_tile(tiling, tiles, |n_rows, n_lanes, operands| {
            n_elems += n_rows * n_lanes;
            // SAFETY: in all: (1) the caller vouches for the code and for the staging; (2)
            // `for_each_tile` gives operands whose elements lie inside of the plan's views, which
            // the plan borrows, outputs exclusively; (3) no other thread has this tile.
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
    unsafe fn kernel(&self, spec: &KernelSpec, size: (usize, usize), operands: &[Operand]) {
        // SAFETY: the caller's contract.
        unsafe { spec.call(size, operands, self.slots) };
    }

    /// Calls the streaming kernel where the outputs are aligned, and the other for the lanes of a
    /// row before that.
    ///
    /// # Safety
    ///
    /// The contract of [`kernel`](Call::kernel), for both kernels.
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
            // SAFETY: the caller's contract, for a part of a row; the outputs are aligned where the
            // second part begins.
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

/// The number of lanes after which all these outputs are aligned for a streaming kernel; `None` if
/// there is no lane at which all of them are.
fn lanes_to_alignment(outputs: &[Operand]) -> Option<usize> {
    (0..STREAM_ALIGN).find(|&lane| {
        let at = |output: &Operand| output.ptr.addr() + lane * output.lane_stride as usize;
        outputs.iter().all(|output| at(output).is_multiple_of(STREAM_ALIGN))
    })
}
