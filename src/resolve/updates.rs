//! What is known of the updates of a text so far: its phases, and what has changed in each.
//!
//! All loops of a *phase* read memory as it was when the phase began, and its updates are written
//! by them. [`effects`](super::effects) decides where a phase ends.

use super::phases::{End, PhaseLoop};
use super::views::Array;
use super::{Arg, StepId};
use ndexpr_grammar::{NameId, Span};
use rustc_hash::FxHashMap;

/// What a text may do.
#[derive(Clone, Copy)]
pub(crate) enum Mode<'m> {
    /// It gives results, and changes nothing.
    Evaluate,
    Update {
        /// Whether an array of this name is handed over for writing.
        is_written: &'m dyn Fn(&str) -> bool,
        /// Whether arrays of different names may share memory. Then each update ends its phase.
        is_careful: bool,
    },
}

/// How an array gets a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Store {
    /// Set for `+=` and its kind, which do not convert the value to any dtype.
    pub(crate) is_augmented: bool,
    /// Whether what changes was named before, and is an element if its array has few axes. In
    /// Python such a name gets another number.
    pub(crate) is_by_name: bool,
}

/// An update of a phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    pub(super) target: Array,
    /// The operation that gives the new value.
    pub(super) store: StepId,
    pub(super) span: Span,
}

/// A phase that is over, but for what later phases need of it.
#[derive(Debug)]
pub(super) struct Draft {
    /// The first operation that was made in it.
    pub(super) start: usize,
    pub(super) updates: Vec<Update>,
    /// What it leaves for later phases by names of its own, besides values that are carried.
    pub(super) given: Vec<(NameId, Arg)>,
    /// What decides which phase is next.
    pub(super) condition: Option<Arg>,
    pub(super) end: End,
}

/// What is known of the updates so far.
pub(super) struct Updates<'m> {
    pub(super) mode: Mode<'m>,
    pub(super) phases: Vec<Draft>,
    /// The first operation of the current phase, and its updates, one for each array.
    start: usize,
    pub(super) current: FxHashMap<NameId, usize>,
    pub(super) updates: Vec<Update>,
    /// For each operation, its phase, and the arrays for writing that it follows from.
    pub(super) origins: Vec<Origin>,
    bits: FxHashMap<NameId, u32>,
    /// For each bit, the last phase in which such an array was changed.
    changed: [Option<u32>; 64],
    /// For each array, the operation of its last update.
    pub(super) last: FxHashMap<NameId, StepId>,
    /// For each update of an earlier phase, the array that holds what the operation gave.
    pub(super) stored: FxHashMap<StepId, Array>,
    /// The names of values that are carried.
    pub(super) carried: FxHashMap<StepId, NameId>,
    /// How many names were made that the text does not have.
    pub(super) n_names: usize,
    /// The loops around phases, and for those that are open the first phase of an iteration.
    pub(super) loops: Vec<PhaseLoop>,
    pub(super) open_loops: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) phase: u32,
    pub(super) arrays: u64,
}

impl<'m> Updates<'m> {
    pub(super) fn new(mode: Mode<'m>) -> Updates<'m> {
        Updates {
            mode,
            phases: Vec::new(),
            start: 0,
            current: FxHashMap::default(),
            updates: Vec::new(),
            origins: Vec::new(),
            bits: FxHashMap::default(),
            changed: [None; 64],
            last: FxHashMap::default(),
            stored: FxHashMap::default(),
            carried: FxHashMap::default(),
            n_names: 0,
            loops: Vec::new(),
            open_loops: Vec::new(),
        }
    }

    pub(super) fn is_evaluating(&self) -> bool {
        matches!(self.mode, Mode::Evaluate)
    }

    pub(super) fn is_careful(&self) -> bool {
        matches!(self.mode, Mode::Update { is_careful: true, .. })
    }

    pub(super) fn phase(&self) -> u32 {
        self.phases.len() as u32
    }

    /// The phase that an operation was made in.
    pub(super) fn phase_of(&self, step: StepId) -> usize {
        self.origins[step.index()].phase as usize
    }

    /// The bit of an array. Beyond the last bit arrays share one, so that more is carried than must
    /// be.
    pub(super) fn bit(&mut self, base: NameId) -> u64 {
        let next = self.bits.len().min(63) as u32;
        1 << *self.bits.entry(base).or_insert(next)
    }

    /// Whether memory has changed since the operation was made that it follows from.
    pub(super) fn is_stale(&self, step: StepId) -> bool {
        let Origin { phase, arrays } = self.origins[step.index()];
        let is_changed = |bit: usize| arrays >> bit & 1 == 1 && self.changed[bit].is_some_and(|last| last >= phase);
        phase < self.phase() && (0..64).any(is_changed)
    }

    /// The last phase that is over in which an array was changed, or another one that it shares a
    /// bit with.
    pub(super) fn last_change(&mut self, base: NameId) -> Option<u32> {
        let bit = self.bit(base);
        self.changed[bit.trailing_zeros() as usize]
    }

    /// How many phases are over.
    pub(super) fn n_phases(&self) -> usize {
        self.phases.len()
    }

    pub(super) fn cut(&mut self, n_steps: usize) {
        let phase = self.phase();
        let bases: Vec<NameId> = self.current.keys().copied().collect();
        for base in bases {
            let bit = self.bit(base);
            let is_of_all = self.is_careful();
            for (place, changed) in self.changed.iter_mut().enumerate() {
                if is_of_all || bit >> place & 1 == 1 {
                    *changed = Some(phase);
                }
            }
        }
        self.stored.extend(self.updates.iter().map(|update| (update.store, update.target)));
        self.current.clear();
        let start = std::mem::replace(&mut self.start, n_steps);
        let updates = std::mem::take(&mut self.updates);
        self.phases.push(Draft { start, updates, given: Vec::new(), condition: None, end: End::Next });
    }

    /// Takes arrays as changed in the phase before this one; all arrays if there are no names.
    /// `now` is the last operation.
    pub(super) fn forget(&mut self, names: Option<&[NameId]>, now: StepId) {
        let before = self.phase().saturating_sub(1);
        let of_all = if self.is_careful() { None } else { names };
        match of_all {
            None => {
                self.changed.fill(Some(before));
                let bases: Vec<NameId> = self.bits.keys().copied().collect();
                bases.into_iter().for_each(|base| _ = self.last.insert(base, now));
            }
            Some(names) => {
                for &base in names {
                    let bit = self.bit(base).trailing_zeros() as usize;
                    self.changed[bit] = Some(before);
                    self.last.insert(base, now);
                }
            }
        }
    }

    /// Whether a loop around phases has begun since the operation was made.
    pub(super) fn is_before_loop(&self, step: StepId) -> bool {
        self.open_loops.last().is_some_and(|&first| self.phase_of(step) < first)
    }

    /// Ends the last phase, even if it updates nothing.
    pub(super) fn finish(&mut self) {
        self.cut(self.start);
    }

    pub(super) fn has_updates(&self) -> bool {
        !self.updates.is_empty() || !self.phases.is_empty()
    }
}
