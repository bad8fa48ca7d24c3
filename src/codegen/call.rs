//! The runtime's functions that a kernel calls.

use crate::tape::{Function, Inst, Tape, ValueId};
use ndexpr_runtime::abi::TileFn;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{MathFn, MathPair, WideFn};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    One(MathFn, DType),
    Pair(MathPair, DType),
    Wide(WideFn, DType),
    /// The second argument is a single element.
    WideByOne(WideFn, DType),
}

impl Callee {
    pub(super) fn tile_fn(self) -> TileFn {
        let tile = match self {
            Callee::One(function, dtype) => function.tile_fn(dtype),
            Callee::Pair(pair, dtype) => pair.tile_fn(dtype),
            Callee::Wide(function, dtype) => function.tile_fn(dtype),
            Callee::WideByOne(function, dtype) => function.tile_fn_by_one(dtype),
        };
        tile.expect("the graph holds functions of their dtypes only")
    }

    fn ns_per_elem(self) -> f32 {
        match self {
            Callee::One(function, dtype) => function.ns_per_elem(dtype),
            Callee::Pair(pair, dtype) => pair.ns_per_elem(dtype),
            Callee::Wide(function, dtype) | Callee::WideByOne(function, dtype) => function.ns_per_elem(dtype),
        }
    }

    /// What is called instead where the second argument is a single element, if there is such a thing.
    pub(super) fn by_one(self) -> Option<Callee> {
        match self {
            Callee::Wide(function @ WideFn::Divide, dtype) => Some(Callee::WideByOne(function, dtype)),
            _ => None,
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
        let callee = match function {
            Function::Math(function) => Callee::One(function, dtype),
            Function::Wide(function) => Callee::Wide(function, dtype),
        };
        match tape.pairs.get(&value) {
            None => Some(Call { callee, results: [value].into() }),
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
    for callee in Call::all(tape).flat_map(|call| [Some(call.callee), call.callee.by_one()]).flatten() {
        if !callees.contains(&callee) {
            callees.push(callee);
        }
    }
    callees
}

/// Estimated nanoseconds that an element spends in calls.
pub(super) fn ns_per_elem(tape: &Tape) -> f32 {
    Call::all(tape).map(|call| call.callee.ns_per_elem()).sum()
}
