//! [`Kernel`]: a compiled loop, and what is known of it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::ExecError;
use crate::abi::{KernelFn, RunKind, TileFn};
use crate::dtype::DType;
use crate::plan::Plan;

/// What a [`Kernel`] is made from.
#[derive(Clone)]
pub struct KernelSpec {
    /// The machine code.
    pub entry: KernelFn,
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
    /// Whether it writes past the caches. It can do so only where outputs are aligned: see
    /// [`STREAM_ALIGN`](super::STREAM_ALIGN).
    pub is_streaming: bool,
    /// The kernel's table of tile functions.
    pub tile_fns: Box<[TileFn]>,
    /// Estimate of the time for one element on one core, operands in cache. It decides on threads
    /// and chunks only.
    pub ns_per_elem: f32,
    /// The owner of the machine code.
    pub code: Arc<dyn Any + Send + Sync>,
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
    /// - `entry` must follow [`crate::abi`] for exactly these operands: given any valid arguments
    ///   for them it reads and writes no memory but the operands' elements (of `n_rows` x
    ///   `n_lanes`), the first `slot_bytes` of `slots`, and its own constants, and it writes no
    ///   input. If it is streaming, valid arguments have outputs that keep to
    ///   [`STREAM_ALIGN`](super::STREAM_ALIGN).
    /// - It writes elements of dtype bool as 0 or 1 only, reads any byte as a bool, and does not
    ///   rely on what is in `slots`. It reads the inputs' elements of a row and lane before it
    ///   writes the outputs' elements of the same row and lane, because an input may be exactly an
    ///   output.
    /// - It may be called on several threads at once, for different tiles.
    /// - It returns, and does not unwind.
    /// - `n_outputs` is at most the number of operands; `slot_bytes` is enough for tiles of up to
    ///   `max_tile_elems`, or of any size if that is `None`.
    /// - Every entry of `tile_fns` is what the kernel takes it for.
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

    /// Checks that the kernel is one for this plan's operands, wherever they are.
    pub(super) fn check(&self, plan: &Plan<'_>) -> Result<(), ExecError> {
        self.check_operands(plan.dtypes(), plan.run_kinds(), plan.n_inputs())
    }

    /// Checks that the kernel is one for these operands, of which the first are inputs, wherever
    /// they are.
    pub(super) fn check_operands(&self, dtypes: &[DType], kinds: &[RunKind], n_inputs: usize) -> Result<(), ExecError> {
        if self.spec.is_streaming {
            let plan = signature(dtypes.iter().copied().zip(kinds.iter().copied()), n_inputs);
            return Err(ExecError::KernelMismatch { kernel: "aligned outputs only".into(), plan });
        }
        self.check_kinds(dtypes, kinds, n_inputs)
    }

    /// Checks that the kernel is one for operands of these dtypes and kinds. A strided operand of
    /// the kernel may have any kind: callers give each operand its lane stride.
    pub(super) fn check_kinds(&self, dtypes: &[DType], kinds: &[RunKind], n_inputs: usize) -> Result<(), ExecError> {
        let expected = self.spec.operands.iter().copied();
        let found = dtypes.iter().copied().zip(kinds.iter().copied());
        // A strided operand takes any stride, so also the strides of contiguous operands and of
        // splats.
        let fits = |(expected, found): ((DType, RunKind), (DType, RunKind))| {
            expected == found || expected == (found.0, RunKind::Strided)
        };
        let has_as_many = self.spec.operands.len() == dtypes.len() && dtypes.len() == kinds.len();
        if self.spec.n_outputs == dtypes.len() - n_inputs
            && has_as_many
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
