//! [`ExecError`]: why a run did not finish.

use crate::memory::AllocError;
use crate::plan::PlanError;

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
    /// [`Progress::cancel`](super::Progress::cancel) was called. The outputs hold a mixture of old
    /// and new elements.
    #[error("cancelled")]
    Cancelled,
    /// The arrays have other dtypes, shapes or strides than those that the
    /// [`Stages`](super::Stages) were made for.
    #[error("the arrays have other layouts than those that the loops were made for")]
    LayoutMismatch,
    /// An array shares memory with a result of the [`Stages`](super::Stages).
    #[error("input {input} overlaps a result")]
    Overlap {
        /// Which array.
        input: usize,
    },
    /// A result of the [`Stages`](super::Stages) shares memory with an earlier one.
    #[error("output {output} overlaps another output")]
    SharedOutput {
        /// Which result.
        output: usize,
    },
    /// There is no memory for scratch or a temporary.
    #[error(transparent)]
    Alloc(#[from] AllocError),
    /// An array that is copied cannot be iterated over, or does not fit the one that it is copied
    /// to.
    #[error(transparent)]
    Plan(#[from] PlanError),
}
