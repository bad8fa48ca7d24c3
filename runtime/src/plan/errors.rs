//! Why a plan could not be made.

use crate::dtype::DType;
use crate::view::MAX_AXES;

/// Why a plan could not be made. Inputs and outputs are counted from 0, each on their own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// More axes than [`MAX_AXES`].
    #[error("{n_axes} axes, more than {MAX_AXES}")]
    TooManyAxes {
        /// Length of the shape.
        n_axes: usize,
    },
    /// More elements than an `isize` counts.
    #[error("shape {shape:?} is larger than the address space")]
    TooLarge {
        /// The shape.
        shape: Box<[usize]>,
    },
    /// An input cannot be stretched to the iteration's shape.
    #[error("input {input} of shape {from:?} does not broadcast to {to:?}")]
    NotBroadcastable {
        /// Which input.
        input: usize,
        /// Its shape.
        from: Box<[usize]>,
        /// The iteration's shape.
        to: Box<[usize]>,
    },
    /// An output does not have the iteration's shape.
    #[error("output {output} has shape {found:?}, expected {expected:?}")]
    OutputShape {
        /// Which output.
        output: usize,
        /// The iteration's shape.
        expected: Box<[usize]>,
        /// The output's shape.
        found: Box<[usize]>,
    },
    /// An input shares memory with an output, but not element for element. It must be copied first.
    #[error("input {input} partly overlaps output {output}")]
    Overlap {
        /// Which input.
        input: usize,
        /// Which output.
        output: usize,
    },
    /// A value has another dtype than what it belongs to: the input that it is a copy of, the
    /// operation that takes it, or the memory that it goes to.
    #[error("a value or outcome of dtype {expected} meets {found}")]
    DTypeMismatch {
        /// The dtype of the value.
        expected: DType,
        /// The dtype of the other.
        found: DType,
    },
    /// An input is to come from an output that does not exist.
    #[error("input {input} names output {output}, which does not exist")]
    NoSuchOutput {
        /// Which input.
        input: usize,
        /// The output that it names.
        output: usize,
    },
    /// A loop names something that does not exist.
    #[error("there is no {what} {index}")]
    Missing {
        /// What: an array, a temporary, an axis, a value or an input.
        what: &'static str,
        /// Its number.
        index: usize,
    },
    /// A loop that reduces has no reduction.
    #[error("a loop that reduces has no reduction")]
    NoReduction,
    /// A value of a loop is neither reduced nor kept.
    #[error("value {value} is neither reduced nor kept")]
    UnusedValue {
        /// Which value.
        value: usize,
    },
    /// An output of a loop goes where another one goes.
    #[error("output {output} goes where another output goes")]
    SharedOutput {
        /// Which output.
        output: usize,
    },
}
