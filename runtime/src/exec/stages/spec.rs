//! What the loops of [`Stages`](super::Stages) are.
//!
//! There are three kinds: [`MapLoop`], [`ReduceLoop`] and [`ScanLoop`]. Their fields cannot
//! describe a loop that cannot run: a scan goes along one axis and is alone in its loop; and all
//! that a loop computes goes to memory, unless it is reduced or scanned.

use smallvec::SmallVec;

use crate::dtype::DType;
use crate::reduce::{Reducer, Scanner};
use crate::view::AxisSet;

/// Where an input of a loop comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An array of the caller's, by its number.
    View(usize),
    /// A temporary, by its number.
    Temp(usize),
    /// A result, by its number, as far as earlier loops have written it.
    Result(usize),
}

/// Where a value of a loop goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dest {
    /// To a result, by its number.
    Result(usize),
    /// To a temporary, by its number.
    Temp(usize),
}

/// An elementwise loop.
#[derive(Clone, Copy, Debug)]
pub struct MapLoop<'s> {
    /// What it iterates over.
    pub shape: &'s [usize],
    /// What it reads, in the kernel's order.
    pub inputs: &'s [Source],
    /// What it computes, in the kernel's order.
    pub outputs: &'s [MapOutput],
}

/// What an elementwise loop computes.
#[derive(Clone, Copy, Debug)]
pub struct MapOutput {
    /// Its dtype.
    pub dtype: DType,
    /// Where it goes.
    pub dest: Dest,
}

/// A loop whose values are reduced along some axes.
#[derive(Clone, Copy, Debug)]
pub struct ReduceLoop<'s> {
    /// What it iterates over.
    pub shape: &'s [usize],
    /// The axes that it reduces.
    pub axes: AxisSet,
    /// What it reads, in the kernel's order.
    pub inputs: &'s [Source],
    /// What the kernel computes, in its order. Each value is reduced, or kept, or both.
    pub values: &'s [Value],
    /// What the values are reduced by: at least one reduction.
    pub folds: &'s [Fold],
}

/// A loop of running results along one axis.
#[derive(Clone, Copy, Debug)]
pub struct ScanLoop<'s> {
    /// What it iterates over.
    pub shape: &'s [usize],
    /// The axis along which results accumulate.
    pub axis: usize,
    /// What it reads, in the kernel's order.
    pub inputs: &'s [Source],
    /// What the kernel computes.
    pub value: Value,
    /// The operation.
    pub scanner: Scanner,
    /// Where the running results go.
    pub dest: Dest,
}

/// A value that is reduced or scanned.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// Its dtype.
    pub dtype: DType,
    /// Where the value comes from, if reductions can read it from there themselves.
    pub origin: Option<Origin>,
    /// Where its elements go too, if they are needed later.
    pub keep: Option<Dest>,
}

/// Elements that can be reduced without a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The elements of an input.
    Input(usize),
    /// Products of the elements of two inputs, which are floats of the value's dtype.
    Product([usize; 2]),
}

/// The reduction of a value.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// The operation.
    pub reducer: Reducer,
    /// Which of the loop's values.
    pub value: usize,
    /// What takes the outcome: a result, or a temporary of the loop's shape with extent 1 on
    /// reduced axes. A result may also be without these axes.
    pub dest: Dest,
}

/// A loop of any of the three kinds.
#[derive(Clone, Copy)]
pub(super) enum LoopSpec<'s> {
    Map(MapLoop<'s>),
    Reduce(ReduceLoop<'s>),
    Scan(ScanLoop<'s>),
}

/// What takes a value along the reduced axes.
pub(super) struct SinkSpec {
    pub(super) op: SinkOp,
    pub(super) value: usize,
    pub(super) dest: Dest,
}

/// What a sink does.
#[derive(Clone, Copy)]
pub(in crate::exec) enum SinkOp {
    Reduce(Reducer),
    Scan(Scanner),
}

impl SinkOp {
    /// The dtype of the elements that it reads.
    pub(super) fn dtype(&self) -> DType {
        match self {
            SinkOp::Reduce(reducer) => reducer.dtype(),
            SinkOp::Scan(scanner) => scanner.dtype(),
        }
    }

    pub(super) fn result_dtype(&self) -> DType {
        match self {
            SinkOp::Reduce(reducer) => reducer.result_dtype(),
            SinkOp::Scan(scanner) => scanner.result_dtype(),
        }
    }
}

impl<'s> LoopSpec<'s> {
    pub(super) fn shape(&self) -> &'s [usize] {
        match *self {
            LoopSpec::Map(MapLoop { shape, .. })
            | LoopSpec::Reduce(ReduceLoop { shape, .. })
            | LoopSpec::Scan(ScanLoop { shape, .. }) => shape,
        }
    }

    pub(super) fn inputs(&self) -> &'s [Source] {
        match *self {
            LoopSpec::Map(MapLoop { inputs, .. })
            | LoopSpec::Reduce(ReduceLoop { inputs, .. })
            | LoopSpec::Scan(ScanLoop { inputs, .. }) => inputs,
        }
    }

    /// The axes along which something runs. The axis of a scan must be one of the shape's.
    pub(super) fn reduced(&self) -> AxisSet {
        match *self {
            LoopSpec::Map(_) => AxisSet::EMPTY,
            LoopSpec::Reduce(ReduceLoop { axes, .. }) => axes,
            LoopSpec::Scan(ScanLoop { axis, .. }) => AxisSet::of([axis]).unwrap_or_default(),
        }
    }

    /// What the kernel computes. Values that are not kept wait in scratch for their sinks.
    pub(super) fn values(&self) -> SmallVec<[Value; 4]> {
        match self {
            LoopSpec::Map(map) => {
                let values = map.outputs.iter();
                values.map(|&MapOutput { dtype, dest }| Value { dtype, origin: None, keep: Some(dest) }).collect()
            }
            LoopSpec::Reduce(reduce) => reduce.values.iter().copied().collect(),
            LoopSpec::Scan(scan) => SmallVec::from_iter([scan.value]),
        }
    }

    pub(super) fn sinks(&self) -> SmallVec<[SinkSpec; 2]> {
        match self {
            LoopSpec::Map(_) => SmallVec::new(),
            LoopSpec::Reduce(reduce) => {
                let sink =
                    |fold: &Fold| SinkSpec { op: SinkOp::Reduce(fold.reducer), value: fold.value, dest: fold.dest };
                reduce.folds.iter().map(sink).collect()
            }
            LoopSpec::Scan(scan) => {
                SmallVec::from_iter([SinkSpec { op: SinkOp::Scan(scan.scanner), value: 0, dest: scan.dest }])
            }
        }
    }
}
