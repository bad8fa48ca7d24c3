//! One loop, ready to run: how its axes are iterated over, and where its values come from and go.

use smallvec::SmallVec;

use super::spec::{AlongOp, AxisSet, Dest, Loop, Origin};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::plan::{AxisNest, Kinds, Lanes, run_kind};
use crate::reduce::{COLUMN_LEAF, ReduceOp, Reducer, Scanner};
use crate::view::{RawView, Shape};

/// A loop along axes, or an elementwise one that may follow it row by row.
pub(in crate::exec) struct Stage {
    pub(in crate::exec) nest: AxisNest,
    pub(in crate::exec) n_inputs: usize,
    pub(in crate::exec) values: SmallVec<[Value; 2]>,
    pub(in crate::exec) sinks: SmallVec<[Sink; 2]>,
    /// Folds read the inputs themselves, so there is nothing to compute.
    pub(in crate::exec) is_direct: bool,
    /// By value.
    pub(super) origins: SmallVec<[Option<Origin>; 2]>,
    /// Of the kernel's operands.
    pub(super) kinds: Kinds,
    pub(super) dtypes: SmallVec<[DType; 8]>,
    pub(super) shape: Shape,
    pub(super) reduced: AxisSet,
    pub(super) bytes_per_elem: usize,
    /// What the operands are: where to find them, and to tell who reads what another stage writes.
    pub(super) operands: SmallVec<[Memory; 8]>,
}

/// Whose memory an operand is, from its first element on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    View(usize),
    Temp(usize),
    Result,
}

pub(in crate::exec) struct Value {
    pub(in crate::exec) dtype: DType,
    pub(in crate::exec) place: Place,
}

/// Where a value's elements are while it is folded.
#[derive(Clone, Copy)]
pub(in crate::exec) enum Place {
    Scratch,
    /// An operand of the nest.
    Operand(usize),
}

pub(in crate::exec) struct Sink {
    pub(super) reducer: Option<Reducer>,
    pub(in crate::exec) scanner: Option<Scanner>,
    pub(in crate::exec) value: usize,
    /// The operand of the nest that takes the outcome.
    pub(in crate::exec) target: usize,
}

impl Stage {
    /// The sinks that reduce.
    pub(in crate::exec) fn reductions(&self) -> impl Iterator<Item = (&Sink, Reducer)> {
        self.sinks.iter().filter_map(|sink| sink.reducer.map(|reducer| (sink, reducer)))
    }

    /// The operand that has the elements which a sink reads, if they are in memory.
    pub(in crate::exec) fn source_operand(&self, sink: &Sink) -> Option<usize> {
        match self.values[sink.value].place {
            Place::Operand(operand) => Some(operand),
            Place::Scratch => match self.origins[sink.value] {
                Some(Origin::Input(input)) if self.is_direct => Some(input),
                _ => None,
            },
        }
    }

    /// The operands whose products a sink reads.
    pub(in crate::exec) fn factors(&self, sink: &Sink) -> Option<[usize; 2]> {
        match self.origins[sink.value] {
            Some(Origin::Product(factors)) if self.is_direct => Some(factors),
            _ => None,
        }
    }

    pub(super) fn n_elems(&self) -> usize {
        self.nest.kept.n() * self.nest.reduced.n()
    }
}

/// The stage of a loop that has elements.
pub(super) fn stage(spec: &Loop<'_>, operands: &[RawView], memory: &[Memory], reduced: AxisSet) -> Stage {
    let n_inputs = spec.inputs.len();
    let raw: SmallVec<[&RawView; 8]> = operands.iter().collect();
    let is_ordered = spec.folds.iter().any(|fold| match fold.op {
        AlongOp::Reduce(reducer) => matches!(reducer.op(), ReduceOp::ArgMin | ReduceOp::ArgMax),
        AlongOp::Scan(_) => false,
    });
    let nest = AxisNest::new(spec.shape, &raw, n_inputs, |axis| reduced >> axis & 1 == 1, is_ordered);
    let mut next = n_inputs;
    let values: SmallVec<[Value; 2]> = spec
        .values
        .iter()
        .map(|&(dtype, dest)| {
            let place = if dest == Dest::Scratch { Place::Scratch } else { Place::Operand(next) };
            next += usize::from(dest != Dest::Scratch);
            Value { dtype, place }
        })
        .collect();
    let sinks = spec.folds.iter().filter(|fold| fold.dest != Dest::Scratch).enumerate();
    let sinks = sinks.map(|(k, fold)| {
        let (reducer, scanner) = match fold.op {
            AlongOp::Reduce(reducer) => (Some(reducer), None),
            AlongOp::Scan(scanner) => (None, Some(scanner)),
        };
        Sink { reducer, scanner, value: fold.value, target: next + k }
    });
    let sinks: SmallVec<[Sink; 2]> = sinks.collect();
    let lanes = nest.lane_group();
    let kind = |operand: usize, dtype: DType| match nest.lane_group().n() {
        // A row of one element counts as contiguous.
        1 => RunKind::Contiguous,
        _ => run_kind(lanes.inner_stride(operand), dtype.size()),
    };
    let dtypes: SmallVec<[DType; 8]> =
        operands[..n_inputs].iter().map(|raw| raw.dtype).chain(values.iter().map(|value| value.dtype)).collect();
    let mut kinds: Kinds = (0..n_inputs).map(|input| kind(input, dtypes[input])).collect();
    kinds.extend(values.iter().map(|value| match value.place {
        Place::Operand(operand) => kind(operand, value.dtype),
        Place::Scratch => RunKind::Contiguous,
    }));
    let origins: SmallVec<[Option<Origin>; 2]> = SmallVec::from_slice(spec.origins);
    let is_contiguous = |input: usize| lanes.inner_stride(input) == operands[input].dtype.size() as isize;
    let is_read_in_place = |sink: &Sink| {
        matches!(values[sink.value].place, Place::Scratch)
            && match origins[sink.value] {
                Some(Origin::Input(input)) => is_contiguous(input) || (lanes.n() == 1 && lanes.extents.len() == 1),
                Some(Origin::Product(factors)) => {
                    nest.lanes == Lanes::Reduced
                        && sink.reducer.is_some_and(|reducer| reducer.takes_products())
                        && factors.into_iter().all(is_contiguous)
                }
                None => false,
            }
    };
    let is_direct = !spec.folds.is_empty()
        && values.iter().all(|value| matches!(value.place, Place::Scratch))
        && sinks.iter().all(is_read_in_place)
        && match nest.lanes {
            Lanes::Reduced => nest.reduced.extents.len() == 1,
            Lanes::Kept => nest.reduced.extents.len() == 1 || nest.reduced.inner().is_multiple_of(COLUMN_LEAF),
        };
    let moving = kinds.iter().zip(&dtypes).filter(|&(&kind, _)| kind != RunKind::Splat);
    let bytes_per_elem = moving.map(|(_, dtype)| dtype.size()).sum();
    Stage {
        sinks,
        nest,
        n_inputs,
        values,
        is_direct,
        origins,
        kinds,
        dtypes,
        shape: spec.shape.into(),
        reduced,
        bytes_per_elem,
        operands: SmallVec::from_slice(memory),
    }
}
