//! The functions that a kernel calls: those of the runtime, functions of Rust, and loops.
//!
//! In: a tape. Out: each call with the values that it makes, and the table of functions that the
//! kernel is given.

use super::Stores;
use crate::tape::{Function, Inst, Tape, ValueId};
use ndexpr_runtime::abi::TileFn;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{MathFn, MathPair, WideFn};

/// How long a loop of each element takes, roughly: nobody knows how many iterations it has.
const NS_OF_LOOP: f32 = 50.0;

/// A function that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    One(MathFn, DType),
    Pair(MathPair, DType),
    Wide(WideFn, DType),
    /// The function for a second argument that is a single element.
    WideByOne(WideFn, DType),
    /// One of the tape's functions of Rust.
    Rust(u32),
    /// One of the tape's loops of each element.
    Region(u32),
}

impl Callee {
    /// The code of the function, if it is one of the runtime; `None` if it cannot write in this
    /// way. All functions can write to the caches.
    pub(crate) fn tile_fn(self, stores: Stores) -> Option<TileFn> {
        let tile_fns = match self {
            Callee::One(function, dtype) => function.tile_fns(dtype)?,
            Callee::Pair(pair, dtype) => pair.tile_fns(dtype)?,
            Callee::Wide(function, dtype) => function.tile_fns(dtype)?,
            Callee::WideByOne(function, dtype) => function.tile_fns_by_one(dtype)?,
            Callee::Rust(_) | Callee::Region(_) => return None,
        };
        if stores == Stores::Ordinary { tile_fns.ordinary() } else { tile_fns.streaming() }
    }

    pub(super) fn name(self, tape: &Tape) -> String {
        match self {
            Callee::One(function, dtype) => format!("{}.{}", function.name(), dtype.short_name()),
            Callee::Pair(pair, dtype) => format!("{}.{}", pair.name(), dtype.short_name()),
            Callee::Wide(function, dtype) => format!("{}.{}", function.name(), dtype.short_name()),
            Callee::WideByOne(function, dtype) => format!("{}.{} by one", function.name(), dtype.short_name()),
            Callee::Rust(index) => {
                let function = &tape.functions[index as usize];
                format!("{}.{}", function.name(), function.result().short_name())
            }
            Callee::Region(index) => format!("loop{index}"),
        }
    }

    fn ns_per_elem(self, tape: &Tape) -> f32 {
        match self {
            Callee::One(function, dtype) => function.ns_per_elem(dtype),
            Callee::Pair(pair, dtype) => pair.ns_per_elem(dtype),
            Callee::Wide(function, dtype) | Callee::WideByOne(function, dtype) => function.ns_per_elem(dtype),
            Callee::Rust(index) => tape.functions[index as usize].ns_per_elem(),
            Callee::Region(_) => NS_OF_LOOP,
        }
    }

    /// The function for a second argument that is a single element, if there is one.
    pub(crate) fn by_one(self) -> Option<Callee> {
        match self {
            Callee::Wide(function, dtype) if function.arity() == 2 => Some(Callee::WideByOne(function, dtype)),
            _ => None,
        }
    }
}

/// A call that a kernel makes.
pub(crate) struct Call {
    pub(crate) callee: Callee,
    /// The values that the call makes: one, two, or all that a loop leaves.
    pub(crate) results: Box<[ValueId]>,
}

impl Call {
    /// The call in the place of a value, if there is one. The call of a pair is in the place of its
    /// later value.
    pub(crate) fn at(tape: &Tape, value: ValueId) -> Option<Call> {
        let Inst::Call { function, dtype } = tape.node(value).inst else { return None };
        let callee = match function {
            Function::Math(function) => Callee::One(function, dtype),
            Function::Wide(function) => Callee::Wide(function, dtype),
            Function::Rust { index, .. } => Callee::Rust(index),
            Function::Region { index, .. } => {
                let n = tape.region_results(value)?.len() as u32;
                let results = (value.0 + 1 - n..=value.0).map(ValueId).collect();
                return Some(Call { callee: Callee::Region(index), results });
            }
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

/// The functions of the runtime that a kernel may call, each once, in the order of the table that
/// it is given.
#[derive(Debug)]
pub(crate) struct Table(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    callee: Callee,
    stores: Stores,
    tile_fn: TileFn,
}

impl Table {
    /// A table of the functions that a tape calls.
    pub(crate) fn new(tape: &Tape, stores: Stores) -> Table {
        let mut table = Table(Vec::new());
        for callee in Call::all(tape).flat_map(|call| [Some(call.callee), call.callee.by_one()]).flatten() {
            for stores in [Stores::Ordinary, stores] {
                if let (None, Some(tile_fn)) = (table.find(callee, stores), callee.tile_fn(stores)) {
                    table.0.push(Entry { callee, stores, tile_fn });
                }
            }
        }
        table
    }

    /// The place of a function that writes this way.
    pub(crate) fn find(&self, callee: Callee, stores: Stores) -> Option<usize> {
        self.0.iter().position(|entry| (entry.callee, entry.stores) == (callee, stores))
    }

    /// The function of an entry, and how it writes.
    pub(super) fn entry(&self, index: usize) -> (Callee, Stores) {
        (self.0[index].callee, self.0[index].stores)
    }

    pub(crate) fn tile_fns(&self) -> Box<[TileFn]> {
        self.0.iter().map(|entry| entry.tile_fn).collect()
    }
}

/// Estimated nanoseconds that an element spends in calls.
pub(crate) fn ns_per_elem(tape: &Tape) -> f32 {
    Call::all(tape).map(|call| call.callee.ns_per_elem(tape)).sum()
}
