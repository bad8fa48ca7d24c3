//! The phases of a text that updates arrays, and the order in which they run.

use super::views::Array;
use super::{Resolved, StepId};
use ndexpr_grammar::{NameId, Span};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a result of a phase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A later phase reads it as a variable of this name.
    Carried(NameId),
    /// It is assigned to an array.
    Update(Array),
    /// It decides which phase is next; see [`End`].
    Condition,
    /// It is a result of the text.
    Result,
}

impl Root {
    /// The name that it is carried by.
    pub(crate) fn carried(&self) -> Option<NameId> {
        match *self {
            Root::Carried(name) => Some(name),
            Root::Update(_) | Root::Condition | Root::Result => None,
        }
    }
}

/// A loop that runs once for all elements, around phases: its place among those of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhaseLoopId(pub(super) u32);

impl PhaseLoopId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which phase is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The phase behind it, or none at the end of the text.
    Next,
    Jump(usize),
    /// Another one if the condition holds.
    Branch(usize),
    /// A loop begins: the phase behind it if the range has a value, or the condition does not hold;
    /// otherwise another one.
    Begin(PhaseLoopId, usize),
    /// The first phase of the next iteration, if the range has one more value, or if the condition
    /// holds or there is none.
    Again(PhaseLoopId, usize),
}

/// What is known of a loop around phases.
#[derive(Clone, Debug)]
pub(crate) struct PhaseLoop {
    /// `None` if a condition decides.
    pub(crate) range: Option<Range>,
    pub(crate) span: Span,
}

/// The values that a loop around phases goes over.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    /// The variable that has the value of the iteration.
    pub(crate) value: NameId,
    pub(crate) start: Bound,
    pub(crate) stop: Bound,
    pub(crate) by: Bound,
}

/// A bound of a range, or its step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) value: BoundValue,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum BoundValue {
    Whole(i128),
    /// A value that is carried by this name.
    Carried(NameId),
}

/// A part of a text whose loops read memory as it was when the phase began.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) resolved: Resolved,
    /// What each of the results is for.
    pub(crate) roots: Vec<Root>,
    pub(crate) end: End,
}

/// The phases of a text, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Phases {
    pub(crate) all: Vec<Phase>,
    pub(crate) loops: Vec<PhaseLoop>,
}

impl Phases {
    /// Phases that run one after the other.
    pub(super) fn of_one(phase: Phase) -> Phases {
        Phases { all: vec![phase], loops: Vec::new() }
    }

    /// The names of what is carried and read by something that the text gives or writes.
    pub(crate) fn needed(&self) -> FxHashSet<NameId> {
        let mut carried: FxHashMap<NameId, Vec<(usize, StepId)>> = FxHashMap::default();
        let mut pending: Vec<(usize, StepId)> = Vec::new();
        for (number, phase) in self.all.iter().enumerate() {
            for (root, result) in phase.roots.iter().zip(phase.resolved.results()) {
                match root.carried() {
                    Some(name) => carried.entry(name).or_default().push((number, result.step)),
                    None => pending.push((number, result.step)),
                }
            }
        }
        let mut needed: FxHashSet<NameId> = FxHashSet::default();
        let mut need = |name: NameId, pending: &mut Vec<(usize, StepId)>| {
            if needed.insert(name) {
                pending.extend(carried.get(&name).into_iter().flatten());
            }
        };
        for range in self.loops.iter().filter_map(|the_loop| the_loop.range.as_ref()) {
            for bound in [range.start, range.stop, range.by] {
                if let BoundValue::Carried(name) = bound.value {
                    need(name, &mut pending);
                }
            }
        }
        let mut is_seen: Vec<Vec<bool>> = self.all.iter().map(|phase| vec![false; phase.resolved.len()]).collect();
        while let Some((number, id)) = pending.pop() {
            if std::mem::replace(&mut is_seen[number][id.index()], true) {
                continue;
            }
            let resolved = &self.all[number].resolved;
            let step = resolved.step(id);
            pending.extend(resolved.args(step).iter().map(|arg| (number, arg.step)));
            if let Some(array) = resolved.array(step) {
                resolved.views().bases(array).for_each(|name| need(name, &mut pending));
            }
        }
        needed
    }

    /// Drops what is carried by other names than these.
    pub(crate) fn prune(&mut self, needed: &FxHashSet<NameId>) {
        for phase in &mut self.all {
            phase.retain(|root| root.carried().is_none_or(|name| needed.contains(&name)));
        }
    }
}

impl Phase {
    /// Keeps only some of the results.
    pub(crate) fn retain(&mut self, is_kept: impl FnMut(&Root) -> bool) {
        let is_kept: Vec<bool> = self.roots.iter().map(is_kept).collect();
        let mut kept = is_kept.iter().copied();
        self.roots.retain(|_| kept.next() == Some(true));
        let mut kept = is_kept.iter().copied();
        self.resolved.results.retain(|_| kept.next() == Some(true));
    }
}
