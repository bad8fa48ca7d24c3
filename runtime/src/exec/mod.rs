//! Runs a kernel over a plan.
//!
//! In: a [`Plan`](crate::plan::Plan) and a [`Kernel`]. Out: the plan's outputs, filled. Always true: a kernel is only called for operands of
//! the dtypes and run kinds that it was compiled for; each element of the outputs is computed by exactly one call; and
//! what is computed depends neither on the number of threads nor on where tiles and chunks begin.

mod along;
mod cost;
mod flat;
mod kernel;
mod progress;
mod run;
mod stages;
mod staging;

pub use flat::{Flat, MAX_FLAT_INPUTS};
pub use kernel::{Kernel, KernelSpec};
pub use progress::Progress;
pub use run::{RunOptions, run, run_streaming};
pub use stages::{AlongOp, AxisSet, Dest, Fold, Loop, Origin, Source, Stages};

pub(crate) use run::run_on_caller;

use crate::memory::AllocError;

/// Why a run did not finish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// The kernel was compiled for other operands than the plan has.
    #[error("kernel for ({kernel}) cannot run a plan for ({plan})")]
    KernelMismatch {
        /// The kernel's operands, inputs `->` outputs.
        kernel: Box<str>,
        /// The plan's operands, inputs `->` outputs.
        plan: Box<str>,
    },
    /// [`Progress::cancel`] was called. The outputs hold a mixture of old and new elements.
    #[error("cancelled")]
    Cancelled,
    /// Arrays lie otherwise than those that [`Stages`] were made for.
    #[error("the arrays lie otherwise than those that the loops were made for")]
    LayoutMismatch,
    /// An array shares memory with the result of [`Stages`].
    #[error("input {input} overlaps the result")]
    Overlap {
        /// Which array.
        input: usize,
    },
    /// There is no memory for scratch or a temporary.
    #[error(transparent)]
    Alloc(#[from] AllocError),
}
