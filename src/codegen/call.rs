//! The runtime's functions that a kernel calls.

use crate::tape::{Inst, Tape, ValueId};
use ndexpr_runtime::abi::TileFn;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{MathFn, MathPair};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    One(MathFn, DType),
    Pair(MathPair, DType),
}

impl Callee {
    pub(super) fn tile_fn(self) -> TileFn {
        let tile = match self {
            Callee::One(function, dtype) => function.tile_fn(dtype),
            Callee::Pair(pair, dtype) => pair.tile_fn(dtype),
        };
        tile.expect("the graph holds functions of their dtypes only")
    }

    fn ns_per_elem(self) -> f32 {
        match self {
            Callee::One(function, dtype) => function.ns_per_elem(dtype),
            Callee::Pair(pair, dtype) => pair.ns_per_elem(dtype),
        }
    }
}

/// A call of a kernel.
pub(super) struct Call {
    pub(super) callee: Callee,
    /// The values that it makes: one, or two.
    pub(super) results: Box<[ValueId]>,
}

impl Call {
    /// The call in the place of a value, if there is one: that of a pair is in the place of its later value.
    pub(super) fn at(tape: &Tape, value: ValueId) -> Option<Call> {
        let Inst::Call { function, dtype } = tape.node(value).inst else { return None };
        match tape.pairs.get(&value) {
            None => Some(Call { callee: Callee::One(function, dtype), results: [value].into() }),
            Some(pair) if pair.later() == value => {
                Some(Call { callee: Callee::Pair(pair.pair, dtype), results: pair.results.into() })
            }
            Some(_) => None,
        }
    }

    /// All calls of a tape, in order.
    fn all(tape: &Tape) -> impl Iterator<Item = Call> {
        tape.values().filter_map(|value| Call::at(tape, value))
    }
}

/// What a tape calls, each once: the kernel's table.
pub(super) fn callees(tape: &Tape) -> Vec<Callee> {
    let mut callees = Vec::new();
    for call in Call::all(tape) {
        if !callees.contains(&call.callee) {
            callees.push(call.callee);
        }
    }
    callees
}

/// Estimated nanoseconds that an element spends in calls.
pub(super) fn ns_per_elem(tape: &Tape) -> f32 {
    Call::all(tape).map(|call| call.callee.ns_per_elem()).sum()
}
