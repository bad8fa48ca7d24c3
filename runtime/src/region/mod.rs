//! Regions: loops that each element of a tile runs for itself, such as `while abs(z) < 2: z = z*z +
//! c`.
//!
//! In: what a loop carries at its start, which elements begin it, and what is the same in all
//! iterations. Out: what it carries at its end. A kernel does some iterations for all lanes at once
//! and keeps the values of lanes that have ended; the region calls it again until none is left.
//! Lanes that have ended leave: those that go on are *compacted*, so no lane waits for the slowest
//! one. Always true: what a lane gets does not depend on the others, and no region runs for ever.

mod lanes;
#[cfg(test)]
mod tests;

use crate::abi::{CallbackFn, Operand, RunKind};
use crate::dtype::DType;
use crate::exec::{ExecError, Kernel, has_current_ended};
use crate::function::{Callable, Endless, Stopped, has_stopped, stop, stop_with};
use crate::memory::with_scratch;
use lanes::Lanes;
use std::fmt;
use std::panic::catch_unwind;
use std::sync::Arc;

/// Arrays of lanes begin at multiples of so many bytes: a cache line.
const ALIGN: usize = 64;

/// The most lanes that are worked on at once. What they carry should stay in the nearest cache.
const MAX_LANES: usize = 1024;

/// What kernels read that are told whether lanes go on behind the limit.
static TRUE: u8 = 1;
static FALSE: u8 = 0;

/// What a [`Region`] is made from.
#[derive(Clone)]
pub struct RegionSpec {
    /// The kernel of some iterations. Its inputs are the carried values, then whether each lane is
    /// active (bool), then the invariants; its outputs are the carried values and whether each lane
    /// is active. All are contiguous, except that one more input may [tell](RegionSpec::tells_end)
    /// whether lanes go on behind the limit. Outputs are where the inputs of the same numbers are.
    pub body: Arc<Kernel>,
    /// The dtypes of the carried values.
    pub carried: Box<[DType]>,
    /// The dtypes of the invariants.
    pub invariants: Box<[DType]>,
    /// How many iterations a call of the kernel does.
    pub steps: u32,
    /// The most iterations of an element; a call of the kernel may do some more.
    pub max_iterations: u64,
    /// After so many iterations no element goes on, whatever the kernel says.
    pub limit: Option<u64>,
    /// Whether the kernel has one more input, a single bool that is the same for all lanes: false
    /// in the call that reaches the limit. Without it, a call must end with the limit.
    pub tells_end: bool,
    /// Tells regions of a program apart.
    pub label: u32,
}

/// A loop that each element runs for itself.
pub struct Region {
    spec: RegionSpec,
    /// How many lanes are worked on at once.
    max_lanes: usize,
    /// The kernel is called for multiples of so many lanes. Those at the end that are none of the
    /// tile are not active.
    pad: usize,
}

impl Region {
    /// A region of a kernel.
    ///
    /// # Errors
    ///
    /// If the kernel is for other operands than those that the spec says, or cannot be called for
    /// as many lanes as regions call kernels for.
    pub fn new(spec: RegionSpec) -> Result<Region, ExecError> {
        let kernel = spec.body.spec();
        let outputs = spec.carried.iter().chain(&[DType::Bool]);
        let end: &[DType] = if spec.tells_end { &[DType::Bool] } else { &[] };
        let dtypes: Vec<DType> = outputs.clone().chain(&spec.invariants).chain(end).chain(outputs).copied().collect();
        let n_arrays = spec.carried.len() + 1 + spec.invariants.len();
        let mut kinds = vec![RunKind::Contiguous; dtypes.len()];
        if spec.tells_end {
            kinds[n_arrays] = RunKind::Splat;
        }
        spec.body.check_operands(&dtypes, &kinds, n_arrays + end.len())?;
        let steps = u64::from(spec.steps);
        if steps == 0 || (!spec.tells_end && spec.limit.is_some_and(|limit| !limit.is_multiple_of(steps))) {
            let plan = format!("{:?} iterations", spec.limit).into();
            return Err(ExecError::KernelMismatch { kernel: format!("{steps} iterations").into(), plan });
        }
        let of_kernel = kernel.max_tile_elems.unwrap_or(MAX_LANES);
        let pad = kernel.whole_blocks.map_or(1, |blocks| blocks.n_lanes);
        let max_lanes = of_kernel.min(MAX_LANES) / pad * pad;
        if max_lanes == 0 {
            let kernel = format!("{of_kernel} elements in blocks of {pad}").into();
            return Err(ExecError::KernelMismatch { kernel, plan: "whole blocks".into() });
        }
        Ok(Region { spec, max_lanes, pad })
    }

    /// The dtypes of the arguments of a call: carried values, whether each lane is active, and
    /// invariants.
    fn args(&self) -> impl Iterator<Item = DType> {
        let RegionSpec { carried, invariants, .. } = &self.spec;
        carried.iter().chain(&[DType::Bool]).chain(invariants).copied()
    }

    /// Runs the loop for `n` elements.
    ///
    /// # Safety
    ///
    /// `args` are addresses of `n` contiguous elements each: of the carried values before the loop,
    /// of whether each element begins it, and of the invariants; then for each carried value an
    /// address of room for `n` elements after the loop, or null. A result may be exactly where an
    /// argument of the same size is, and overlaps nothing otherwise.
    unsafe fn run(&self, n: usize, args: &[*const u8]) -> Result<(), Stopped> {
        let sizes: Vec<usize> = self.args().map(DType::size).collect();
        let n_args = sizes.len();
        let capacity = n.next_multiple_of(self.pad).min(self.max_lanes);
        let slot_bytes = self.spec.body.spec().slot_bytes.next_multiple_of(ALIGN);
        let n_bytes = slot_bytes + Lanes::n_bytes(capacity, &sizes);
        let outcome: Result<Result<(), Stopped>, _> = with_scratch(n_bytes, |scratch| {
            for start in (0..n).step_by(capacity) {
                let n = capacity.min(n - start);
                let arg = |place: usize| args[place].wrapping_add(start * sizes[place]);
                let result = |k: usize| match args[n_args + k].cast_mut() {
                    null if null.is_null() => null,
                    ptr => ptr.wrapping_add(start * sizes[k]),
                };
                // SAFETY: the places are those of a piece of the elements that the caller vouches
                // for; the scratch has room for the lanes behind the slots, and is aligned to 64.
                unsafe {
                    let lanes = Lanes::new(scratch.add(slot_bytes), capacity, self.pad, &sizes);
                    self.run_piece(lanes, n, (&arg, &result), scratch)?;
                }
            }
            Ok(())
        });
        outcome.unwrap_or(Err(Stopped::OutOfMemory { n_bytes }))
    }

    /// # Safety
    ///
    /// The contract of [`run`](Region::run) for `n` elements, which the lanes have room for. `arg`
    /// and `result` give the addresses of arguments and results; `slots` is scratch for the kernel.
    unsafe fn run_piece(
        &self,
        mut lanes: Lanes<'_>,
        n: usize,
        (arg, result): (&dyn Fn(usize) -> *const u8, &dyn Fn(usize) -> *mut u8),
        slots: *mut u8,
    ) -> Result<(), Stopped> {
        let RegionSpec { body, carried, steps, max_iterations, limit, tells_end, label, .. } = &self.spec;
        let (steps, limit) = (u64::from(*steps), limit.unwrap_or(u64::MAX));
        let n_own = carried.len() + 1;
        let active = carried.len();
        // SAFETY: the caller's contract.
        unsafe { lanes.load(n, n_own, arg) };
        let fills_padding = !body.spec().callbacks.is_empty();
        if fills_padding {
            lanes.fill_padding(active);
        }
        let mut n_done: u64 = 0;
        let mut operands: Vec<Operand> = lanes.operands(n_own, *tells_end);
        let results: Vec<*mut u8> = (0..active).map(result).collect();
        loop {
            let n_active = lanes.n_active(active);
            if n_active == 0 || n_done >= limit {
                break;
            }
            if n_done >= *max_iterations {
                return Err(Stopped::Endless(Endless { label: *label, limit: *max_iterations }));
            }
            // A panic of the caller's question must not unwind through compiled code.
            match catch_unwind(has_current_ended) {
                Ok(false) => {}
                Ok(true) => return Err(Stopped::Already),
                Err(payload) => {
                    stop_with(payload);
                    return Err(Stopped::Already);
                }
            }
            if lanes.is_worth_compacting(n_active) {
                let was_whole = !lanes.has_left();
                // SAFETY: the caller's contract.
                unsafe { lanes.compact(active, &results) };
                if fills_padding {
                    lanes.fill_padding(active);
                }
                // From the first time on, all arrays are in memory of the lanes.
                if was_whole {
                    operands = lanes.operands(n_own, *tells_end);
                }
            }
            if *tells_end && n_done + steps >= limit {
                operands[lanes.n_arrays()].ptr = (&raw const FALSE).cast_mut().cast();
            }
            // SAFETY: `new` has checked that these are the operands of the kernel. The lanes are a
            // multiple of its blocks, at most `max_lanes`, and initialised. Outputs are exactly
            // inputs.
            unsafe { body.spec().call_for_region(lanes.n_padded(), &operands, slots) };
            if has_stopped() {
                return Err(Stopped::Already);
            }
            n_done += steps;
        }
        for (of, &result) in results.iter().enumerate() {
            // SAFETY: the caller's contract.
            unsafe { lanes.store(of, result) };
        }
        Ok(())
    }
}

// SAFETY: `call` takes its context for the address of a region.
unsafe impl Callable for Region {
    fn code(&self) -> CallbackFn {
        call
    }
}

/// Calls the [`Region`] at `context` for compiled code. `out` is not used: the results are behind
/// the arguments.
///
/// # Safety
///
/// The contract of [`CallbackFn`] for a region, and of [`Region::run`].
unsafe extern "C" fn call(context: *const (), n: usize, _: *mut u8, args: *const *const u8) {
    // SAFETY: the caller has the context from `Callbacks`, which keeps the region alive, and gives
    // an address for each argument and result.
    let (region, args) = unsafe {
        let region = &*context.cast::<Region>();
        let n_args = region.spec.carried.len() + 1 + region.spec.invariants.len();
        (region, std::slice::from_raw_parts(args, n_args + region.spec.carried.len()))
    };
    let outcome = match has_stopped() {
        true => Err(Stopped::Already),
        // SAFETY: the caller's contract.
        false => unsafe { region.run(n, args) },
    };
    if let Err(stopped) = outcome {
        // Compiled code goes on with what is there: zeros are elements of every dtype.
        let results = &args[args.len() - region.spec.carried.len()..];
        for (&dtype, &ptr) in region.spec.carried.iter().zip(results) {
            if !ptr.is_null() {
                // SAFETY: the caller vouches for the room.
                unsafe { ptr.cast_mut().write_bytes(0, n * dtype.size()) };
            }
        }
        if stopped != Stopped::Already {
            stop(stopped);
        }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RegionSpec { carried, invariants, label, .. } = &self.spec;
        f.debug_struct("Region")
            .field("label", label)
            .field("carried", carried)
            .field("invariants", invariants)
            .finish_non_exhaustive()
    }
}
