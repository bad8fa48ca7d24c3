//! Which values of a vector block are in registers, and which wait on the stack, where a body has
//! more values than there are registers.
//!
//! In: a segment's body, and how many registers each value takes. Out: [`Spills`]. A body is a
//! straight line, so every use is known ahead. When registers run out, the value whose next use is
//! furthest away gives up its registers (Belady, "A study of replacement algorithms for a
//! virtual-storage computer", 1966). A value that can be read again, such as a load or a constant,
//! is preferred, because it needs no store: its distance counts [`STORE_COST`] times.
//!
//! Always true, and checked by [`verify`]: the values in registers fit the budget after each event;
//! what an event uses is in a register, can be read again, or waits in a place that nothing else
//! has meanwhile.

use super::machine::VectorBlock;
use crate::tape::{Inst, Tape, ValueId};
use smallvec::SmallVec;

/// The next use of a value that must be stored first counts as this many times nearer.
const STORE_COST: u32 = 2;

/// The registers of a vector block over time; see the module.
#[derive(Debug)]
pub(crate) struct Spills {
    /// What the block does, in order.
    pub(crate) events: Vec<Event>,
    /// The number of places, of one register each.
    pub(crate) n_places: u32,
}

/// An instruction of the body, or a load that the second or a later store writes.
#[derive(Debug)]
pub(crate) struct Event {
    /// What is made.
    pub(crate) value: ValueId,
    /// The first of the places where the value waits from now on; `None` if it does not wait.
    pub(crate) place: Option<u32>,
    /// The values that this event drops from the registers although they are used again.
    pub(crate) leaving: SmallVec<[ValueId; 4]>,
}

/// What the registers of a block are needed for.
pub(super) struct Demand<'a> {
    pub(super) tape: &'a Tape,
    /// The instructions of a block.
    pub(super) body: &'a [ValueId],
    /// For each value, whether it is the same in all lanes of a row, as constants are. It takes one
    /// register.
    pub(super) is_uniform: &'a [bool],
    pub(super) block: VectorBlock,
    /// The registers that values may take at once.
    pub(super) budget: u32,
}

impl Demand<'_> {
    fn n_registers(&self, value: ValueId) -> u32 {
        match self.is_uniform[value.index()] {
            true => 1,
            false => self.block.n_registers(self.tape.node(value).ty),
        }
    }
}

/// The time of an event, or `NEVER`.
type Time = u32;
const NEVER: Time = Time::MAX;

impl Spills {
    pub(super) fn new(demand: &Demand<'_>) -> Spills {
        let values = events(demand);
        let mut registers = Registers::new(demand, &values);
        let mut events: Vec<Event> = (0..)
            .zip(&values)
            .map(|(now, &value)| Event { value, place: None, leaving: registers.step(now, value) })
            .collect();
        let n_places = registers.assign_places(&mut events);
        Spills { events, n_places }
    }

    /// False if all values stay in registers.
    pub(super) fn is_needed(&self) -> bool {
        self.n_leaving() > 0
    }

    /// How often a value gives up its registers although it is used again.
    pub(super) fn n_leaving(&self) -> usize {
        self.events.iter().map(|event| event.leaving.len()).sum()
    }
}

/// The instructions. Loads that the second or a later store writes come before the first store,
/// because an output may be the memory of an input.
fn events(demand: &Demand<'_>) -> Vec<ValueId> {
    let tape = demand.tape;
    let is_store = |value: &ValueId| matches!(tape.node(*value).inst, Inst::Store(_));
    let first_store = demand.body.iter().position(is_store).unwrap_or(demand.body.len());
    let (before, stores) = demand.body.split_at(first_store);
    let mut loads: Vec<ValueId> = stores.iter().skip(1).map(|store| tape.node(*store).args[0]).collect();
    loads.retain(|&arg| matches!(tape.node(arg).inst, Inst::Load(_)) && !demand.is_uniform[arg.index()]);
    loads.sort_unstable();
    loads.dedup();
    before.iter().copied().chain(loads).chain(stores.iter().copied()).collect()
}

/// The values in registers while the events go by.
struct Registers<'a> {
    demand: &'a Demand<'a>,
    /// The uses of each value, by events, one list behind the other.
    uses: Vec<Time>,
    /// For each value, its uses that are still to come.
    to_come: Vec<std::ops::Range<u32>>,
    /// When each value is made by an event.
    made_at: Vec<Time>,
    held: Vec<ValueId>,
    /// The values that wait in places.
    placed: Vec<ValueId>,
    is_placed: Vec<bool>,
}

impl<'a> Registers<'a> {
    fn new(demand: &'a Demand<'a>, values: &[ValueId]) -> Registers<'a> {
        let n_values = demand.tape.nodes.len();
        let mut made_at = vec![NEVER; n_values];
        let mut to_come = vec![0..0; n_values];
        for (now, value) in (0..).zip(values) {
            if !demand.is_uniform[value.index()] {
                made_at[value.index()] = now;
            }
            for arg in args(demand, *value) {
                to_come[arg.index()].end += 1;
            }
        }
        let mut n_uses = 0;
        for range in &mut to_come {
            let n_of_value = range.end;
            *range = n_uses..n_uses;
            n_uses += n_of_value;
        }
        let mut uses = vec![0; n_uses as usize];
        for (now, value) in (0..).zip(values) {
            for arg in args(demand, *value) {
                let range = &mut to_come[arg.index()];
                uses[range.end as usize] = now;
                range.end += 1;
            }
        }
        let (held, placed, is_placed) = (Vec::new(), Vec::new(), vec![false; n_values]);
        Registers { demand, uses, to_come, made_at, held, placed, is_placed }
    }

    fn next_use(&self, value: ValueId) -> Time {
        let range = &self.to_come[value.index()];
        if range.is_empty() { NEVER } else { self.uses[range.start as usize] }
    }

    fn n_registers(&self, value: ValueId) -> u32 {
        self.demand.n_registers(value)
    }

    fn n_held(&self) -> u32 {
        self.held.iter().map(|&value| self.n_registers(value)).sum()
    }

    /// Whether a value can be read again for its next use: from an array, from its place, or
    /// because it is the same in all blocks of a row.
    fn can_be_read(&self, now: Time, value: ValueId) -> bool {
        let made_at = self.made_at[value.index()];
        self.is_placed[value.index()] || made_at == NEVER || now < made_at
    }

    /// One event. Returns the values that leave the registers.
    fn step(&mut self, now: Time, value: ValueId) -> SmallVec<[ValueId; 4]> {
        let mut leaving = SmallVec::new();
        for arg in args(self.demand, value) {
            self.to_come[arg.index()].start += 1;
        }
        let is_store = matches!(self.demand.tape.node(value).inst, Inst::Store(_));
        let is_made = !is_store && !self.demand.is_uniform[value.index()];
        let mut held = std::mem::take(&mut self.held);
        held.retain(|&held| self.next_use(held) != NEVER && !(is_made && held == value));
        self.held = held;
        let mut n_held = self.n_held();
        if is_made {
            self.held.push(value);
            n_held += self.n_registers(value);
            while n_held > self.demand.budget {
                let victim = self.furthest(now, |_| true).expect("the budget is not 0");
                n_held -= self.give_up(now, victim, &mut leaving);
            }
            // What only waits in a slot may have left already.
            if self.next_use(value) == NEVER
                && let Some(place) = self.held.iter().position(|&held| held == value)
            {
                n_held -= self.give_up(now, place, &mut leaving);
            }
        }
        // What was read from memory stays, if there is room, or if it is used before something
        // that can be read again.
        for arg in args(self.demand, value) {
            let next = self.next_use(arg);
            if next == NEVER || (is_made && arg == value) || self.held.contains(&arg) || leaving.contains(&arg) {
                continue;
            }
            let n_registers = self.n_registers(arg);
            while n_held + n_registers > self.demand.budget {
                let is_later = |held: ValueId| self.can_be_read(now, held) && self.next_use(held) > next;
                let Some(victim) = self.furthest(now, is_later) else { break };
                n_held -= self.give_up(now, victim, &mut leaving);
            }
            if n_held + n_registers <= self.demand.budget {
                self.held.push(arg);
                n_held += n_registers;
            } else {
                leaving.push(arg);
            }
        }
        leaving
    }

    /// The index in `held` of the value that should leave first.
    fn furthest(&self, now: Time, may_leave: impl Fn(ValueId) -> bool) -> Option<usize> {
        let distance = |value: ValueId| {
            let distance = u64::from(self.next_use(value) - now);
            distance * u64::from(if self.can_be_read(now, value) { STORE_COST } else { 1 })
        };
        let candidates = self.held.iter().copied().enumerate().filter(|&(_, value)| may_leave(value));
        candidates.max_by_key(|&(_, value)| distance(value)).map(|(place, _)| place)
    }

    /// Gives up the registers of a value that is held. Returns how many they are.
    fn give_up(&mut self, now: Time, place: usize, leaving: &mut SmallVec<[ValueId; 4]>) -> u32 {
        let value = self.held.swap_remove(place);
        if self.next_use(value) != NEVER {
            if !self.can_be_read(now, value) {
                self.is_placed[value.index()] = true;
                self.placed.push(value);
            }
            leaving.push(value);
        }
        self.n_registers(value)
    }

    /// Assigns places to each waiting value, from the event that makes it to its last use. Returns
    /// how many places there are.
    fn assign_places(&self, events: &mut [Event]) -> u32 {
        let mut placed: Vec<(Time, ValueId)> =
            self.placed.iter().map(|value| (self.made_at[value.index()], *value)).collect();
        placed.sort_unstable();
        // For each number of registers, the places that nothing has any more.
        let mut free: Vec<Vec<u32>> = Vec::new();
        let mut in_use: std::collections::BinaryHeap<std::cmp::Reverse<(Time, u32, u32)>> = Default::default();
        let mut n_places = 0;
        for (made_at, value) in placed {
            while let Some(&std::cmp::Reverse((last_use, n_registers, place))) = in_use.peek()
                && last_use < made_at
            {
                in_use.pop();
                free[n_registers as usize].push(place);
            }
            let n_registers = self.n_registers(value);
            if free.len() <= n_registers as usize {
                free.resize(n_registers as usize + 1, Vec::new());
            }
            let place = free[n_registers as usize].pop().unwrap_or_else(|| {
                n_places += n_registers;
                n_places - n_registers
            });
            let last_use = self.uses[self.to_come[value.index()].end as usize - 1];
            in_use.push(std::cmp::Reverse((last_use, n_registers, place)));
            events[made_at as usize].place = Some(place);
        }
        n_places
    }
}

/// What an event uses, each once. A load or a uniform value counts as its own argument, because
/// memory or a register already holds it before the block.
fn args(demand: &Demand<'_>, value: ValueId) -> SmallVec<[ValueId; 3]> {
    let node = demand.tape.node(value);
    if matches!(node.inst, Inst::Load(_)) || demand.is_uniform[value.index()] {
        return SmallVec::from_slice(&[value]);
    }
    let mut args = SmallVec::new();
    for &arg in node.args() {
        if !args.contains(&arg) {
            args.push(arg);
        }
    }
    args
}

/// Checks the spills of a segment's body.
///
/// # Errors
///
/// The first invariant that does not hold; see the module.
pub(super) fn verify(spills: &Spills, demand: &Demand<'_>) -> Result<(), String> {
    let tape = demand.tape;
    if !spills.events.iter().map(|event| event.value).eq(events(demand)) {
        return Err("the events are not those of the body".to_owned());
    }
    let n_registers = |value| demand.n_registers(value);
    let mut last_use = vec![0; tape.nodes.len()];
    let mut made_at = vec![NEVER; tape.nodes.len()];
    let mut first_store = NEVER;
    for (now, event) in (0..).zip(&spills.events) {
        args(demand, event.value).iter().for_each(|arg| last_use[arg.index()] = now);
        if !demand.is_uniform[event.value.index()] {
            made_at[event.value.index()] = now;
        }
        if matches!(tape.node(event.value).inst, Inst::Store(_)) {
            first_store = first_store.min(now);
        }
    }
    let mut held: Vec<ValueId> = Vec::new();
    let mut places: Vec<Option<ValueId>> = vec![None; spills.n_places as usize];
    let mut place_of: Vec<Option<u32>> = vec![None; tape.nodes.len()];
    for (now, event) in (0..).zip(&spills.events) {
        let value = event.value;
        for arg in args(demand, value) {
            let is_in_array = matches!(tape.node(arg).inst, Inst::Load(_)) && !demand.is_uniform[arg.index()];
            let can_be_read = match place_of[arg.index()] {
                Some(place) => places[place as usize] == Some(arg),
                // An output may be the memory of an input.
                None => now <= made_at[arg.index()].min(if is_in_array { first_store } else { NEVER }),
            };
            if !held.contains(&arg) && !can_be_read {
                return Err(format!("{value} uses {arg}, which is nowhere"));
            }
            held.push(arg);
        }
        if let Some(place) = event.place {
            let range = place as usize..(place + n_registers(value)) as usize;
            let taken = places.get_mut(range).ok_or("a place beyond the last one")?;
            if let Some(other) = taken.iter().flatten().find(|other| last_use[other.index()] > now) {
                return Err(format!("{value} takes the place of {other}"));
            }
            taken.fill(Some(value));
            place_of[value.index()] = Some(place);
        }
        if !demand.is_uniform[value.index()] {
            held.push(value);
        }
        held.retain(|held| last_use[held.index()] > now && !event.leaving.contains(held));
        held.sort_unstable();
        held.dedup();
        let n_held: u32 = held.iter().map(|&value| n_registers(value)).sum();
        if n_held > demand.budget {
            return Err(format!("{n_held} registers are held after {value}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::{MAX_NODE_ARGS, Node, Operand, Ty};
    use ndexpr_runtime::dtype::DType;

    const BUDGET: u32 = 6;

    /// A chain of `n` square roots. A sum uses each of them early, and a product uses each again
    /// late.
    fn tape(n: u32) -> Tape {
        let ty = Ty::float(8);
        let mut nodes = vec![Node { inst: Inst::Load(0), args: [ValueId(0); MAX_NODE_ARGS], ty }];
        let mut push = |inst: Inst, a: u32, b: u32| {
            let mut args = [ValueId(a); MAX_NODE_ARGS];
            args[1] = ValueId(b);
            nodes.push(Node { inst, args, ty });
            nodes.len() as u32 - 1
        };
        let roots: Vec<u32> =
            (0..n).scan(0, |last, _| Some(std::mem::replace(last, push(Inst::Sqrt, *last, 0)))).collect();
        let first = roots.iter().fold(0, |sum, &root| push(Inst::Add, sum, root));
        let last = roots.iter().fold(first, |sum, &root| push(Inst::Mul, sum, root));
        push(Inst::Store(0), last, last);
        let n_values = nodes.len();
        let operand = |name: &str| vec![Operand { name: name.to_owned(), dtype: DType::Float64 }];
        Tape {
            nodes,
            functions: Vec::new(),
            regions: Vec::new(),
            region_code: Vec::new(),
            inputs: operand("a"),
            outputs: operand("result"),
            segment_of: vec![0; n_values],
            n_segments: 1,
            pairs: Default::default(),
            slot_of: vec![None; n_values],
            slot_bytes: 0,
            max_tile_elems: None,
            leaf: None,
            iterates: false,
        }
    }

    /// Calls `check` with the spills of a tape, for blocks of one and of two registers a value.
    fn with_spills(n: u32, check: impl Fn(Spills, &Demand<'_>)) {
        let tape = tape(n);
        let body: Vec<ValueId> = tape.values().skip(1).collect();
        let is_uniform = vec![false; tape.nodes.len()];
        for n_lanes in [4, 8] {
            let block = VectorBlock { n_lanes, width: super::super::Width::Bits256 };
            let demand = Demand { tape: &tape, body: &body, is_uniform: &is_uniform, block, budget: BUDGET };
            check(Spills::new(&demand), &demand);
        }
    }

    #[test]
    fn what_fits_is_not_spilled() {
        with_spills(2, |spills, _| assert!(!spills.is_needed(), "{spills:?}"));
        with_spills(20, |spills, _| assert!(spills.is_needed() && spills.n_places > 0));
    }

    #[test]
    fn places_are_as_few_as_values_that_wait() {
        with_spills(20, |spills, demand| {
            let n_registers = demand.block.n_lanes / 4;
            assert!(spills.n_places <= 20 * n_registers, "{}", spills.n_places);
            assert_eq!(verify(&spills, demand), Ok(()));
        });
    }

    /// Whatever is left out or changed, it is found.
    #[test]
    fn defects_are_found() {
        with_spills(20, |spills, demand| {
            let with = |change: &dyn Fn(&mut Event)| {
                let mut found = Spills::new(demand);
                found.events.iter_mut().for_each(change);
                verify(&found, demand)
            };
            let n_places = spills.n_places;
            assert!(with(&|event| event.place = None).is_err_and(|why| why.contains("which is nowhere")));
            assert!(with(&|event| event.leaving.clear()).is_err_and(|why| why.contains("registers are held")));
            assert!(
                with(&|event| event.place = event.place.map(|_| 0)).is_err_and(|why| why.contains("takes the place"))
            );
            assert!(
                with(&|event| event.place = event.place.map(|_| n_places)).is_err_and(|why| why.contains("beyond"))
            );
            let mut shorter = Spills::new(demand);
            shorter.events.pop();
            assert!(verify(&shorter, demand).is_err_and(|why| why.contains("not those of the body")));
        });
    }
}
