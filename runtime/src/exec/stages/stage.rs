//! One loop, ready to run: how its axes are iterated over, and where its values come from and go.

use smallvec::SmallVec;

use super::spec::{Origin, SinkOp};
use crate::dtype::DType;
use crate::machine::{COLUMN_LANES, FILL_ELEMS};
use crate::plan::{AxisNest, Kinds};
use crate::reduce::{COLUMN_LEAF, Reducer};
use crate::view::{AxisSet, Shape};

/// A loop along axes, or an elementwise one that may follow it row by row.
///
/// Always true: a sink that scans is the only sink, and its stage has one reduced axis; and a value
/// that waits in scratch has a sink.
pub(super) struct Stage {
    pub(super) nest: AxisNest,
    pub(super) n_inputs: usize,
    pub(super) values: SmallVec<[StageValue; 2]>,
    pub(super) sinks: SmallVec<[Sink; 2]>,
    /// Sinks read the inputs themselves, so there is nothing to compute.
    pub(super) is_direct: bool,
    /// For each value, where it comes from if it needs no kernel.
    pub(super) origins: SmallVec<[Option<Origin>; 2]>,
    /// How the kernel's operands move along the lanes.
    pub(super) kinds: Kinds,
    pub(super) dtypes: SmallVec<[DType; 8]>,
    pub(super) shape: Shape,
    pub(super) reduced: AxisSet,
    pub(super) bytes_per_elem: usize,
    /// Whose memory the operands are. It also tells which stage reads what another one writes.
    pub(super) operands: SmallVec<[Memory; 8]>,
}

/// Whose memory an operand is. The operand begins at its first element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    View(usize),
    Temp(usize),
    Result(usize),
}

/// What the kernel of a stage computes.
pub(super) struct StageValue {
    pub(super) dtype: DType,
    pub(super) place: Place,
    /// Whether it may wait in scratch although it is kept, and go to memory past the caches.
    pub(super) may_stream: bool,
}

/// Where a value's elements are while a sink reads them.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Scratch,
    /// An operand of the nest.
    Operand(usize),
}

/// What takes a value along the reduced axes.
pub(super) struct Sink {
    pub(super) op: SinkOp,
    pub(super) value: usize,
    /// The operand of the nest that takes the outcome.
    pub(super) target: usize,
}

impl Stage {
    /// The sinks that reduce.
    pub(super) fn reductions(&self) -> impl Iterator<Item = (&Sink, Reducer)> {
        self.sinks.iter().filter_map(|sink| match sink.op {
            SinkOp::Reduce(reducer) => Some((sink, reducer)),
            SinkOp::Scan(_) => None,
        })
    }

    /// Whether a value stays in memory. Then all elements are computed, even if all reductions are
    /// decided before.
    pub(super) fn keeps_values(&self) -> bool {
        self.values.iter().any(|value| matches!(value.place, Place::Operand(_)))
    }

    /// Whether some of its values may go to memory past the caches.
    pub(super) fn may_stream(&self) -> bool {
        self.values.iter().any(|value| value.may_stream)
    }

    /// Whether its sink scans.
    pub(super) fn is_scan(&self) -> bool {
        self.sinks.iter().any(|sink| matches!(sink.op, SinkOp::Scan(_)))
    }

    /// The operand that has the elements which a sink reads, if they are in memory.
    pub(super) fn source_operand(&self, sink: &Sink) -> Option<usize> {
        match self.values[sink.value].place {
            Place::Operand(operand) => Some(operand),
            Place::Scratch => match self.origins[sink.value] {
                Some(Origin::Input(input)) if self.is_direct => Some(input),
                _ => None,
            },
        }
    }

    /// The operands whose products a sink reads.
    pub(super) fn factors(&self, sink: &Sink) -> Option<[usize; 2]> {
        match self.origins[sink.value] {
            Some(Origin::Product(factors)) if self.is_direct => Some(factors),
            _ => None,
        }
    }

    /// All elements that it iterates over.
    pub(super) fn n_elems(&self) -> usize {
        self.nest.outer.n() * self.nest.reduced.n()
    }

    /// Bytes of scratch in which values wait for their sinks.
    pub(super) fn fill_bytes(&self) -> usize {
        let has_filled = self.values.iter().any(|value| matches!(value.place, Place::Scratch));
        // A sink may also gather elements there that are in memory, but not side by side.
        match has_filled || !self.sinks.is_empty() {
            true => self.values.len() * FILL_ELEMS * size_of::<u64>(),
            false => 0,
        }
    }

    /// Lanes of a block of columns. Rows that wait in scratch wait there [`COLUMN_LEAF`] at a time.
    pub(super) fn block_lanes(&self) -> usize {
        if self.is_direct { COLUMN_LANES } else { FILL_ELEMS / COLUMN_LEAF }
    }
}
