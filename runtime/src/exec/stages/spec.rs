//! What a loop of [`Stages`](super::Stages) is.

use crate::dtype::DType;
use crate::reduce::{Reducer, Scanner};

/// Where an input of a loop comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// An array of the caller's, by its number.
    View(usize),
    /// A temporary, without those of its axes whose bit is set; they have extent 1.
    Temp(usize, AxisSet),
    /// The result, as far as earlier loops have written it.
    Result,
}

/// A set of axes: bit `k` for axis `k`.
pub type AxisSet = u32;

/// Where a value of a loop goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dest {
    /// To the result.
    Result,
    /// To a temporary.
    Temp(usize),
    /// Nowhere: it is reduced or scanned.
    Scratch,
}

/// What becomes of a value along the reduced axes.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// The operation.
    pub op: AlongOp,
    /// Which of the loop's values.
    pub value: usize,
    /// What takes the outcome: the result, or a temporary of the loop's shape, with extent 1 on reduced axes unless it is
    /// a scan. The result may also be without these axes.
    pub dest: Dest,
}

/// An operation along axes.
#[derive(Clone, Copy, Debug)]
pub enum AlongOp {
    /// To one result.
    Reduce(Reducer),
    /// To as many results as elements; the only fold of its loop, along one axis.
    Scan(Scanner),
}

impl AlongOp {
    pub(super) fn dtype(&self) -> DType {
        match self {
            AlongOp::Reduce(reducer) => reducer.dtype(),
            AlongOp::Scan(scanner) => scanner.dtype(),
        }
    }
}

/// What needs no kernel to be reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The elements of an input.
    Input(usize),
    /// Products of the elements of two inputs, which are floats of the value's dtype.
    Product([usize; 2]),
}

/// One loop.
#[derive(Clone, Copy, Debug)]
pub struct Loop<'s> {
    /// What it iterates over.
    pub shape: &'s [usize],
    /// The axes that folds are along; none for an elementwise loop.
    pub reduced: AxisSet,
    /// What it reads, in the kernel's order.
    pub inputs: &'s [Source],
    /// What the kernel computes, in its order.
    pub values: &'s [(DType, Dest)],
    /// By value: where it is from, if reductions can read that themselves.
    pub origins: &'s [Option<Origin>],
    /// What becomes of the values.
    pub folds: &'s [Fold],
}
