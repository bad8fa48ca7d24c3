//! [`Kernel`]: a compiled loop, and what is known of it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::ExecError;
use super::elems::copy_strided;
use crate::abi::{KernelArgs, KernelFn, Operand, RunKind, TileFn};
use crate::dtype::DType;
use crate::function::{Callbacks, resume_stop};
use crate::machine::LINE_BYTES;
use crate::plan::Plan;
use crate::reduce::LANES;

/// What a [`Kernel`] is made from.
#[derive(Clone)]
pub struct KernelSpec {
    /// The machine code.
    pub entry: KernelFn,
    /// The parts of the machine code that run after `entry`, one after the other, with the same
    /// arguments.
    pub rest: Box<[KernelFn]>,
    /// Dtype and run kind of each operand, inputs first.
    pub operands: Box<[(DType, RunKind)]>,
    /// How many of the operands, the last ones, are outputs.
    pub n_outputs: usize,
    /// The most elements of a tile, if the kernel keeps values in spill slots; `None` if it works
    /// on tiles of any size.
    pub max_tile_elems: Option<usize>,
    /// Bytes of scratch for a tile of `max_tile_elems`, at most
    /// [`MAX_SCRATCH_BYTES`](crate::memory::MAX_SCRATCH_BYTES).
    pub slot_bytes: usize,
    /// Set if the code computes whole vector blocks only. The remaining lanes of a row then go
    /// through the scratch.
    pub whole_blocks: Option<WholeBlocks>,
    /// Whether it writes past the caches. It can do so only where outputs are aligned: see
    /// [`STREAM_ALIGN`](super::STREAM_ALIGN).
    pub is_streaming: bool,
    /// Set if the kernel accumulates whole leaves of reductions. Then it runs in
    /// [`Stages`](super::Stages) only.
    pub leaf: Option<LeafRows>,
    /// The kernel's table of tile functions.
    pub tile_fns: Box<[TileFn]>,
    /// The functions of the application that the kernel calls.
    pub callbacks: Callbacks,
    /// Estimate of the time for one element on one core, operands in cache. It decides on threads
    /// and chunks only.
    pub ns_per_elem: f32,
    /// The owner of the machine code.
    pub code: Arc<dyn Any + Send + Sync>,
}

/// The operands of a kernel that accumulates whole leaves, see [`Accumulators`].
///
/// A leaf has rows of [`LANES`] consecutive elements. Inputs are those of the loop, for each of
/// some rows in turn, and then all accumulators; outputs are the kept values, for each of these
/// rows in turn, and then the same accumulators. Arrays are contiguous or splat.
///
/// [`Accumulators`]: crate::reduce::Accumulators
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRows {
    /// How many rows are done at a time. A row of the kernel's tile is so many rows of the leaf.
    pub rows: usize,
    /// The inputs of a row.
    pub n_inputs: usize,
    /// The kept values of a row.
    pub n_kept: usize,
}

/// The vector blocks of code that has no loop for single lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeBlocks {
    /// The lanes of a block. The code is called for multiples of them.
    pub n_lanes: usize,
    /// Where the scratch has room for a block of each operand.
    pub scratch_offset: usize,
}

impl WholeBlocks {
    /// The bytes of scratch for a block of each of these operands.
    pub fn scratch_bytes(n_lanes: usize, dtypes: impl Iterator<Item = DType>) -> usize {
        dtypes.map(|dtype| WholeBlocks::operand_bytes(n_lanes, dtype)).sum()
    }

    /// The bytes of one operand's block, rounded up so that each block begins at a cache line.
    fn operand_bytes(n_lanes: usize, dtype: DType) -> usize {
        (n_lanes * dtype.size()).next_multiple_of(LINE_BYTES)
    }
}

/// A compiled loop for operands of fixed dtypes and run kinds. It is immutable and may run on many
/// threads at once.
pub struct Kernel {
    spec: KernelSpec,
}

impl Kernel {
    /// Takes the caller's word that the machine code is what the spec says.
    ///
    /// # Safety
    ///
    /// - `entry` and then `rest`, called in order with the same arguments, must follow
    ///   [`crate::abi`] for exactly these operands: given any valid arguments for them the code
    ///   reads and writes no memory but the operands' elements (of `n_rows` x `n_lanes`), the first
    ///   `slot_bytes` of `slots`, and its own constants, and it writes no input. If it is
    ///   streaming, valid arguments have outputs that keep to
    ///   [`STREAM_ALIGN`](super::STREAM_ALIGN).
    /// - If it is for [leaves](KernelSpec::leaf), valid arguments have [`LANES`] lanes; each row's
    ///   inputs and outputs are so many lanes after those of the row before; the accumulators
    ///   follow one another, and are the same in inputs and outputs. If it is streaming too, the
    ///   outputs of rows keep to [`LEAF_STREAM_ALIGN`](crate::machine::LEAF_STREAM_ALIGN) instead.
    ///   The number of rows divides [`LEAF`](crate::reduce::LEAF)` / `[`LANES`].
    /// - If there are [`whole_blocks`](KernelSpec::whole_blocks), this need be true of whole blocks
    ///   only, and of other numbers of lanes that may be repeated and are at least a block. Their
    ///   scratch is among the `slot_bytes` and used for nothing else, and a block has at most
    ///   `max_tile_elems`.
    /// - If no lanes are [repeatable](KernelArgs::repeatable_lanes), it computes each lane once.
    /// - It writes elements of dtype bool as 0 or 1 only, reads any byte as a bool, and does not
    ///   rely on what is in `slots`. It reads the inputs' elements of a row and lane before it
    ///   writes the outputs' elements of the same row and lane, because an input may be exactly an
    ///   output.
    /// - It may be called on several threads at once, for different tiles.
    /// - It returns, and does not unwind.
    /// - `n_outputs` is at most the number of operands; `slot_bytes` is enough for tiles of up to
    ///   `max_tile_elems`, or of any size if that is `None`.
    /// - Every entry of `tile_fns` and of `callbacks` is what the kernel takes it for.
    /// - The machine code lives as long as `code` does.
    #[must_use]
    pub unsafe fn new(spec: KernelSpec) -> Kernel {
        Kernel { spec }
    }

    /// What the kernel was made from.
    #[must_use]
    pub fn spec(&self) -> &KernelSpec {
        &self.spec
    }

    /// Checks that the kernel is one for this plan's operands, whatever their alignment: a
    /// streaming kernel is refused.
    pub(super) fn check(&self, plan: &Plan<'_>) -> Result<(), ExecError> {
        self.check_operands(plan.dtypes(), plan.run_kinds(), plan.n_inputs())
    }

    /// Checks that the kernel is one for these operands, of which the first are inputs, wherever
    /// they are.
    pub(crate) fn check_operands(&self, dtypes: &[DType], kinds: &[RunKind], n_inputs: usize) -> Result<(), ExecError> {
        if self.spec.is_streaming {
            let plan = signature(dtypes.iter().copied().zip(kinds.iter().copied()), n_inputs);
            return Err(ExecError::KernelMismatch { kernel: "aligned outputs only".into(), plan });
        }
        self.check_kinds(dtypes, kinds, n_inputs)
    }

    /// Checks that the kernel is one for operands of these dtypes and kinds. Where the kernel
    /// expects a strided operand, an operand of any kind fits, because callers pass its lane
    /// stride.
    pub(super) fn check_kinds(&self, dtypes: &[DType], kinds: &[RunKind], n_inputs: usize) -> Result<(), ExecError> {
        let expected = self.spec.operands.iter().copied();
        let found = dtypes.iter().copied().zip(kinds.iter().copied());
        // A strided operand takes any stride, so also the strides of contiguous operands and of
        // splats.
        let fits = |(expected, found): ((DType, RunKind), (DType, RunKind))| {
            expected == found || expected == (found.0, RunKind::Strided)
        };
        let is_plain = self.spec.leaf.is_none();
        let has_as_many = self.spec.operands.len() == dtypes.len() && dtypes.len() == kinds.len();
        if self.spec.n_outputs == dtypes.len() - n_inputs
            && has_as_many
            && is_plain
            && expected.clone().zip(found.clone()).all(fits)
        {
            return Ok(());
        }
        Err(ExecError::KernelMismatch {
            kernel: signature(expected, self.spec.operands.len().saturating_sub(self.spec.n_outputs)),
            plan: signature(found, n_inputs),
        })
    }
}

impl KernelSpec {
    /// Calls the code for a tile.
    ///
    /// # Safety
    ///
    /// The code must be right in the sense of [`Kernel::new`]. The operands must be a tile of its
    /// operands; `n_rows` and `n_lanes` must be at least 1, and their product at most
    /// `max_tile_elems`. Their elements must be readable, those of outputs writable, and nobody
    /// else may use these meanwhile. `slots` must have `slot_bytes`, aligned to 64.
    pub(super) unsafe fn call(&self, (n_rows, n_lanes): (usize, usize), operands: &[Operand], slots: *mut u8) {
        match self.whole_blocks {
            // SAFETY: the caller's contract.
            None => unsafe { self.enter((n_rows, n_lanes), operands, slots) },
            // SAFETY: as above.
            Some(blocks) => unsafe { self.call_in_blocks(blocks, (n_rows, n_lanes), operands, slots) },
        }
    }

    /// Calls code that accumulates leaves, for some rows of its tile.
    ///
    /// # Safety
    ///
    /// The contract of [`call`](KernelSpec::call), with [`LANES`] lanes, and what
    /// [`Kernel::new`] says of such code.
    pub(super) unsafe fn call_leaf(&self, n_rows: usize, operands: &[Operand], slots: *mut u8) {
        // SAFETY: the caller's contract. Accumulators are in place, so no lanes are repeatable.
        unsafe { self.enter_with((n_rows, LANES), 0, operands, slots) }
    }

    /// # Panics
    ///
    /// If a function of the application panics that the code calls: here, where no compiled code
    /// is left that the panic would unwind through.
    ///
    /// # Safety
    ///
    /// The contract of [`call`](KernelSpec::call), for whole blocks if the code computes no others.
    unsafe fn enter(&self, (n_rows, n_lanes): (usize, usize), operands: &[Operand], slots: *mut u8) {
        let repeatable_lanes = if self.is_in_place(operands) { 0 } else { n_lanes };
        // SAFETY: the caller's contract.
        unsafe { self.enter_with((n_rows, n_lanes), repeatable_lanes, operands, slots) }
    }

    /// The same, with so many lanes that may be repeated.
    ///
    /// # Safety
    ///
    /// The contract of [`enter`](KernelSpec::enter). Lanes may be repeated if no input is an
    /// output.
    unsafe fn enter_with(
        &self,
        (n_rows, n_lanes): (usize, usize),
        repeatable_lanes: usize,
        operands: &[Operand],
        slots: *mut u8,
    ) {
        // SAFETY: the caller's contract.
        unsafe { self.enter_quietly((n_rows, n_lanes), repeatable_lanes, operands, slots) };
        if !self.callbacks.is_empty() {
            resume_stop();
        }
    }

    /// Calls the code for whole blocks of a row, from within compiled code: what it stops for still
    /// waits afterwards.
    ///
    /// # Safety
    ///
    /// The contract of [`call`](KernelSpec::call) for one row of `n_lanes`, which are whole blocks.
    pub(crate) unsafe fn call_for_region(&self, n_lanes: usize, operands: &[Operand], slots: *mut u8) {
        // SAFETY: the caller's contract. Outputs are inputs, so no lanes are repeatable.
        unsafe { self.enter_quietly((1, n_lanes), 0, operands, slots) }
    }

    /// Calls the code, and leaves what it stops for where it waits.
    ///
    /// # Safety
    ///
    /// The contract of [`enter_with`](KernelSpec::enter_with).
    unsafe fn enter_quietly(
        &self,
        (n_rows, n_lanes): (usize, usize),
        repeatable_lanes: usize,
        operands: &[Operand],
        slots: *mut u8,
    ) {
        let (tile_fns, callbacks) = (self.tile_fns.as_ptr(), self.callbacks.table().as_ptr());
        let args =
            KernelArgs { n_lanes, n_rows, repeatable_lanes, operands: operands.as_ptr(), slots, tile_fns, callbacks };
        // SAFETY: the caller's contract.
        unsafe { (self.entry)(&args) };
        for part in &self.rest {
            // SAFETY: as above; the parts before have been called with the same arguments.
            unsafe { part(&args) };
        }
    }

    /// Whether an output may be where an input is. An input shares memory with an output only if
    /// each element of the one is the same element of the other. Of many pairs it is not found out,
    /// because that could take as long as a tile.
    fn is_in_place(&self, operands: &[Operand]) -> bool {
        const MAX_PAIRS: usize = 64;
        let (inputs, outputs) = operands.split_at(operands.len() - self.n_outputs);
        if inputs.len().saturating_mul(outputs.len()) > MAX_PAIRS {
            return true;
        }
        outputs.iter().any(|output| inputs.iter().any(|input| input.ptr == output.ptr))
    }

    /// Calls the code for all lanes, if the last block may repeat some of them. Otherwise calls it
    /// for the whole blocks of all rows. Then, row by row, it calls it for the remaining lanes,
    /// which it copies to a block in the scratch.
    ///
    /// # Safety
    ///
    /// The contract of [`call`](KernelSpec::call).
    #[inline(never)]
    unsafe fn call_in_blocks(
        &self,
        blocks: WholeBlocks,
        (n_rows, n_lanes): (usize, usize),
        operands: &[Operand],
        slots: *mut u8,
    ) {
        // The last block may begin before the last whole one ends.
        if n_lanes >= blocks.n_lanes && !self.is_in_place(operands) {
            // SAFETY: the caller's contract; there is a whole block.
            return unsafe { self.enter((n_rows, n_lanes), operands, slots) };
        }
        let n_left = n_lanes % blocks.n_lanes;
        let n_whole = n_lanes - n_left;
        if n_whole > 0 {
            // SAFETY: the caller's contract, for a part of the lanes.
            unsafe { self.enter((n_rows, n_whole), operands, slots) };
        }
        if n_left == 0 {
            return;
        }
        let first_output = operands.len() - self.n_outputs;
        let mut block: SmallVec<[Operand; 8]> = SmallVec::new();
        for row in 0..n_rows {
            let at = |operand: &Operand| {
                operand.ptr.wrapping_offset(row as isize * operand.row_stride + n_whole as isize * operand.lane_stride)
            };
            let mut place = slots.wrapping_add(blocks.scratch_offset);
            block.clear();
            for (k, (operand, &(dtype, kind))) in operands.iter().zip(&self.operands).enumerate() {
                let (size, is_input) = (dtype.size(), k < first_output);
                if is_input && kind == RunKind::Splat {
                    block.push(Operand { ptr: at(operand), lane_stride: 0, row_stride: 0 });
                    continue;
                }
                if is_input {
                    // SAFETY: the elements are of the row, and the scratch, which nobody else uses,
                    // has room for a block of this operand, with more lanes than are left.
                    unsafe {
                        copy_strided(size, n_left, at(operand), operand.lane_stride, place, size as isize);
                        place.add(n_left * size).write_bytes(0, (blocks.n_lanes - n_left) * size);
                    }
                }
                block.push(Operand { ptr: place, lane_stride: size as isize, row_stride: 0 });
                place = place.wrapping_add(WholeBlocks::operand_bytes(blocks.n_lanes, dtype));
            }
            // SAFETY: the caller's contract for the code, the splats and the slots; the other
            // operands are blocks in the scratch.
            unsafe { self.enter((1, blocks.n_lanes), &block, slots) };
            for k in first_output..operands.len() {
                let (operand, size) = (&operands[k], self.operands[k].0.size());
                // SAFETY: the elements of the row are the caller's to write; those of the block
                // have been computed.
                unsafe { copy_strided(size, n_left, block[k].ptr, size as isize, at(operand), operand.lane_stride) };
            }
        }
    }
}

/// Dtypes and run kinds, with an arrow between inputs and outputs.
fn signature(operands: impl Iterator<Item = (DType, RunKind)>, n_inputs: usize) -> Box<str> {
    let mut text = String::new();
    for (k, (dtype, kind)) in operands.enumerate() {
        let separator = match k {
            _ if k == n_inputs => " -> ",
            0 => "",
            _ => ", ",
        };
        text += &format!("{separator}{dtype} {kind}");
    }
    text.trim_start().into()
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operands = self.spec.operands.iter().copied();
        write!(f, "Kernel({})", signature(operands, self.spec.operands.len().saturating_sub(self.spec.n_outputs)))
    }
}
