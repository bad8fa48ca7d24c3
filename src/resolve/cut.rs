//! Cuts the operations of a text that updates arrays into phases.
//!
//! In: all operations, and in which phase each was made. Out: the operations of each phase by
//! themselves. Always true: a phase has its own operations, and those of earlier phases that it
//! needs and that give the same in it. What runs along axes is computed in one phase only, and
//! carried to the others.

use super::phases::{Phase, Phases, Root};
use super::run::Run;
use super::{Action, Arg, Resolved, Step, StepId};
use crate::ops::table;
use rustc_hash::FxHashMap;
use std::sync::Arc;

impl Run<'_> {
    /// The phases of the text; `results` are the operations whose values it gives.
    pub(super) fn into_phases(mut self, results: &[Arg]) -> Phases {
        self.updates.finish();
        let drafts = std::mem::take(&mut self.updates.phases);
        let ends = drafts.iter().skip(1).map(|draft| draft.start).chain([self.out.len()]);
        let ends: Vec<usize> = ends.collect();
        let mut carried: Vec<Vec<StepId>> = vec![Vec::new(); drafts.len()];
        let mut all: Vec<StepId> = self.updates.carried.keys().copied().collect();
        all.sort_unstable();
        all.into_iter().for_each(|step| carried[self.updates.phase_of(step)].push(step));
        let mut phases = Vec::with_capacity(drafts.len());
        for (number, draft) in drafts.iter().enumerate().rev() {
            let mut roots: Vec<(Root, Arg)> = Vec::new();
            for step in std::mem::take(&mut carried[number]) {
                let root = Root::Carried(self.updates.carried[&step]);
                roots.push((root, Arg { step, span: self.out.step(step).span }));
            }
            roots.extend(draft.given.iter().map(|&(name, arg)| (Root::Carried(name), arg)));
            roots.extend(draft.condition.map(|condition| (Root::Condition, condition)));
            for update in &draft.updates {
                roots.push((Root::Update(update.target), Arg { step: update.store, span: update.span }));
            }
            if number + 1 == drafts.len() {
                roots.extend(results.iter().map(|&result| (Root::Result, result)));
            }
            let (resolved, more) = self.cut_out(draft.start..ends[number], &roots);
            for step in more {
                let phase = &mut carried[self.updates.phase_of(step)];
                if !phase.contains(&step) {
                    phase.push(step);
                }
            }
            phases.push(Phase { resolved, roots: roots.into_iter().map(|(root, _)| root).collect(), end: draft.end });
        }
        phases.reverse();
        for phase in &mut phases {
            phase.resolved.shared = Arc::clone(&self.out.shared);
        }
        Phases { all: phases, loops: std::mem::take(&mut self.updates.loops) }
    }

    /// The operations of a phase, and those of earlier phases that must be carried to it.
    fn cut_out(&mut self, own: std::ops::Range<usize>, roots: &[(Root, Arg)]) -> (Resolved, Vec<StepId>) {
        let mut carried: Vec<StepId> = Vec::new();
        let mut is_needed: FxHashMap<StepId, bool> = FxHashMap::default();
        let mut pending: Vec<StepId> = own.clone().map(|index| StepId(index as u32)).collect();
        pending.extend(roots.iter().map(|(_, arg)| arg.step));
        while let Some(id) = pending.pop() {
            if is_needed.contains_key(&id) {
                continue;
            }
            let step = self.out.step(id);
            let is_carried = id.index() < own.start && self.runs_along_axes(step);
            is_needed.insert(id, is_carried);
            match is_carried {
                true => carried.push(id),
                false => pending.extend(self.out.args(step).iter().map(|arg| arg.step)),
            }
        }
        let mut needed: Vec<StepId> = is_needed.keys().copied().collect();
        needed.sort_unstable();
        let mut new_of: FxHashMap<StepId, StepId> = FxHashMap::default();
        // What the phases have in common may still get names.
        let mut out = Resolved { is_tuple: self.out.is_tuple, ..Resolved::default() };
        for id in needed {
            let new = match is_needed[&id] {
                true => {
                    let name = self.carry(id);
                    out.copy_step(&Step { action: Action::Name(name), ..self.out.step(id).clone() }, &[], &[])
                }
                false => {
                    let step = self.out.step(id);
                    let args = self.out.args(step).iter();
                    let args: Vec<Arg> = args.map(|arg| Arg { step: new_of[&arg.step], ..*arg }).collect();
                    out.copy_step(step, &args, self.out.options(step))
                }
            };
            new_of.insert(id, new);
        }
        out.results = roots.iter().map(|(_, arg)| Arg { step: new_of[&arg.step], ..*arg }).collect();
        (out, carried)
    }

    /// Whether an operation is done in one phase only, and in memory for later ones.
    pub(super) fn runs_along_axes(&self, step: &Step) -> bool {
        match step.action {
            // It is not run again.
            Action::After { .. } => true,
            Action::Call(callee) => table::find(self.out.name(callee.name)).is_some_and(|row| row.is_along_axes()),
            _ => false,
        }
    }
}
