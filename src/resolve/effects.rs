//! Updates: statements that change an array of the caller, and what later statements then read.
//!
//! In: assignments to arrays that the caller hands over for writing, and reads of arrays. Out:
//! phases. Always true: what a statement reads of an array is what the statements before it have
//! left there.
//!
//! A value that was assigned to an array is read again as a value, if exactly the same part of the
//! array is read. Any other read of a changed array begins a new phase. There the value is read
//! from the array, as long as it is in it. Another value that was computed from memory that has
//! changed since is *carried*: the phase that computes it leaves it in a temporary, and later
//! phases read that as a variable.

use super::blocks::Path;
use super::calls;
use super::error::{Error, ErrorKind};
use super::items::Item;
use super::run::Run;
use super::updates::{Mode, Origin, Store, Update};
use super::value::Value;
use super::views::{Array, ViewDef, ViewOp};
use super::{Action, Arg, StepId};
use ndexpr_grammar::{self as ast, BinaryOp, ExprKind, NameId, Span};
use rustc_hash::FxHashMap;

/// The most operations that are done again in a later phase instead of carrying their result.
const MAX_COMPUTED_ANEW: usize = 8;

impl Run<'_> {
    /// Notes where an operation comes from, which was just made.
    pub(super) fn note_origin(&mut self, id: StepId) {
        if self.updates.is_evaluating() {
            return;
        }
        let step = self.out.step(id);
        let mut arrays = 0;
        for arg in self.out.args(step) {
            arrays |= self.updates.origins[arg.step.index()].arrays;
        }
        if let Some(array) = self.out.array(step) {
            let base = self.out.views().base(array);
            if self.updates.is_careful() || self.is_written(base) {
                arrays |= self.updates.bit(base);
            }
        }
        let phase = self.updates.phase();
        self.updates.origins.push(Origin { phase, arrays });
    }

    pub(super) fn is_written(&self, name: NameId) -> bool {
        match self.updates.mode {
            Mode::Evaluate => false,
            Mode::Update { is_written, .. } => !self.out.is_carried_name(name) && is_written(self.out.name(name)),
        }
    }

    /// Whether only some elements get to this place.
    pub(super) fn is_in_flow(&self) -> bool {
        let frame = self.frame();
        !matches!((frame.path, frame.guard), (Path::Always, Path::Always)) || !self.loops.is_empty()
    }

    /// The value that an operation has at this place of the text: if it is an array, what is in it
    /// now.
    pub(super) fn read(&mut self, step: StepId, span: Span) -> Result<StepId, Error> {
        if self.updates.is_evaluating() {
            return Ok(step);
        }
        let Some(array) = self.out.array(self.out.step(step)) else { return Ok(self.settle(step, span)) };
        let base = self.out.views().base(array);
        if let Some(&last) = self.updates.last.get(&base)
            && step < last
            && self.may_be_element(array)
        {
            return Err(Error::new(ErrorKind::ElementOrView { name: calls::brief(self.out.name(base)) }, span));
        }
        let update = self.updates.current.get(&base).map(|&place| self.updates.updates[place]);
        match update {
            Some(update) if self.part(update.target) == self.part(array) => return Ok(update.store),
            Some(_) => self.cut(),
            None => {}
        }
        match self.updates.phase_of(step) == self.updates.phase() as usize {
            true => Ok(step),
            false => Ok(self.push_step(self.out.step(step).action.clone(), span, &[])),
        }
    }

    /// An array, without indices that take all of it.
    fn part(&self, array: Array) -> Array {
        let is_whole = |item: &Item| match *item {
            Item::Ellipsis => true,
            Item::Slice { start, stop, step } => (start, stop, step) == (None, None, 1),
            Item::At(_) | Item::NewAxis => false,
        };
        let views = self.out.views();
        let mut array = array;
        while let Array::View(id) = array
            && let ViewDef { of, op: ViewOp::Index(items), .. } = views.get(id)
            && items.iter().all(is_whole)
        {
            array = *of;
        }
        array
    }

    /// Whether an array is one element of an array of one axis. NumPy copies such an element, and
    /// makes a view of a row.
    pub(super) fn may_be_element(&self, array: Array) -> bool {
        let is_of_places = |op: &ViewOp| match op {
            ViewOp::Index(items) => items.iter().all(|item| matches!(item, Item::At(_))),
            _ => false,
        };
        self.out.views().chain(array).any(|(_, def)| is_of_places(&def.op))
    }

    /// A computed value, the same one from the arrays that it or its parts were assigned to and
    /// still are in, or the variable that it is carried in.
    pub(super) fn settle(&mut self, step: StepId, span: Span) -> StepId {
        if self.updates.is_evaluating() {
            return step;
        }
        if !self.updates.is_stale(step) {
            if !self.updates.is_before_loop(step) || self.is_cheap(step) {
                return step;
            }
            let name = self.carry(step);
            return self.push_step(Action::Name(name), span, &[]);
        }
        if let Some(again) = self.computed_anew(step, span) {
            return again;
        }
        let name = self.carry(step);
        self.push_step(Action::Name(name), span, &[])
    }

    /// Whether it takes no longer to compute a value in each iteration of a loop around phases than
    /// to read it.
    fn is_cheap(&self, step: StepId) -> bool {
        let mut seen: Vec<StepId> = Vec::new();
        let mut pending = vec![step];
        while let Some(id) = pending.pop() {
            let step = self.out.step(id);
            if seen.contains(&id) || self.out.array(step).is_some() || self.whole(id).is_some() {
                continue;
            }
            if seen.len() == MAX_COMPUTED_ANEW {
                return false;
            }
            seen.push(id);
            match step.action {
                Action::Call(_) | Action::Rust(_) | Action::After { .. } => return false,
                // A power may be a call of a function.
                Action::Binary(BinaryOp::Pow) => return false,
                _ => pending.extend(self.out.args(step).iter().map(|arg| arg.step)),
            }
        }
        true
    }

    /// A stale value, computed anew from arrays that hold what it was computed from. `None` if some
    /// of that is gone, or to compute it takes longer than to carry it.
    fn computed_anew(&mut self, step: StepId, span: Span) -> Option<StepId> {
        let mut below: Vec<StepId> = Vec::new();
        let mut pending = vec![step];
        while let Some(id) = pending.pop() {
            if below.contains(&id) || !self.updates.is_stale(id) {
                continue;
            }
            if below.len() == MAX_COMPUTED_ANEW {
                return None;
            }
            below.push(id);
            match self.out.step(id).action {
                Action::Store(_) => _ = self.stored_in(id)?,
                Action::Unary(_) | Action::Binary(_) | Action::Compare(_) | Action::IfElse => {
                    pending.extend(self.out.args(self.out.step(id)).iter().map(|arg| arg.step));
                }
                _ => return None,
            }
        }
        below.sort_unstable();
        let mut again: FxHashMap<StepId, StepId> = FxHashMap::default();
        for id in below {
            let new = match self.stored_in(id) {
                Some(array) => self.push_step(action_of(array), span, &[]),
                None => {
                    let step = self.out.step(id).clone();
                    let args = self.out.args(&step).iter();
                    let args: Vec<Arg> = args
                        .map(|arg| Arg { step: again.get(&arg.step).copied().unwrap_or(arg.step), ..*arg })
                        .collect();
                    self.push_step(step.action, step.span, &args)
                }
            };
            again.insert(id, new);
        }
        again.get(&step).copied()
    }

    /// The array that holds what an update has given, if it has not changed since.
    fn stored_in(&mut self, store: StepId) -> Option<Array> {
        let array = *self.updates.stored.get(&store)?;
        let last = self.updates.last_change(self.out.views().base(array));
        last.is_none_or(|last| last as usize <= self.updates.phase_of(store)).then_some(array)
    }

    /// The name of a value that is carried to later phases.
    pub(super) fn carry(&mut self, step: StepId) -> NameId {
        if let Some(&name) = self.updates.carried.get(&step) {
            return name;
        }
        let name = self.new_name();
        self.updates.carried.insert(step, name);
        name
    }

    /// A name for a value that phases leave for others.
    pub(super) fn new_name(&mut self) -> NameId {
        self.updates.n_names += 1;
        self.out.add_name(format!("value {}", self.updates.n_names - 1))
    }

    /// Ends the phase, if it has an update.
    pub(super) fn cut(&mut self) {
        if !self.updates.updates.is_empty() {
            self.end_phase();
        }
    }

    pub(super) fn end_phase(&mut self) {
        self.updates.cut(self.out.len());
    }

    /// The array that a target is, if it is one that the caller may hand over: a name that the text
    /// gives no value, a part of it, or a local name of either.
    pub(super) fn target_array(&mut self, target: ast::ExprId) -> Result<Array, Error> {
        let ast = self.ast();
        let span = ast[target].span;
        let mut parts = Vec::new();
        let mut at = target;
        let mut array = loop {
            match &ast[at].kind {
                ExprKind::Index { object, items } => {
                    parts.push((ViewOp::Index(self.items(items, span)?.into()), ast[at].span));
                    at = *object;
                }
                ExprKind::Attribute { object, name, .. } if ast.name(*name) == super::TRANSPOSE => {
                    parts.push((ViewOp::Transpose, ast[at].span));
                    at = *object;
                }
                ExprKind::Name(name) => break self.named_array(*name, ast[at].span)?,
                _ => return Err(Error::new(ErrorKind::PartAssigned, span)),
            }
        };
        for (op, span) in parts.into_iter().rev() {
            // The whole array, whatever its rank.
            if matches!(&op, ViewOp::Index(items) if items[..] == [Item::Ellipsis]) {
                continue;
            }
            let def = ViewDef { of: array, op, span, site: self.frame().site };
            array = Array::View(self.intern(def)?);
        }
        Ok(array)
    }

    fn named_array(&mut self, name: NameId, span: Span) -> Result<Array, Error> {
        match self.env().get(name) {
            None if self.env().is_own(name) => Err(Error::new(ErrorKind::Unset { name: self.text_of(name) }, span)),
            None => Ok(Array::Name(self.out_name(name))),
            Some(&Value::Step(step)) => {
                let array = self.given_array(step);
                array.ok_or_else(|| Error::new(ErrorKind::LocalUpdated { name: self.text_of(name) }, span))
            }
            Some(&Value::Unset(unset)) => match self.is_variable(self.ast().name(name)) {
                None => Ok(Array::Name(self.out_name(name))),
                Some(_) => Err(self.maybe_unset(name, unset, span)),
            },
            Some(_) => Err(Error::new(ErrorKind::LocalUpdated { name: self.text_of(name) }, span)),
        }
    }

    /// Assigns a value to an array.
    pub(super) fn update(
        &mut self,
        target: Array,
        value: Arg,
        mut how: Store,
        (target_span, span): (Span, Span),
    ) -> Result<(), Error> {
        let base = self.out.views().base(target);
        if self.is_in_flow() && !self.updates.is_evaluating() {
            return Err(Error::new(ErrorKind::UpdateInFlow, span));
        }
        if self.updates.is_evaluating() {
            return Err(Error::new(
                ErrorKind::UpdateInEvaluation { name: calls::brief(self.out.name(base)) },
                target_span,
            ));
        }
        if !self.is_written(base) {
            return Err(Error::new(ErrorKind::NotForWriting { name: calls::brief(self.out.name(base)) }, target_span));
        }
        let updated = self.updates.current.get(&base).map(|&place| self.updates.updates[place].target);
        if updated.is_some_and(|updated| self.part(updated) != self.part(target)) {
            self.cut();
        }
        let value = Arg { step: self.settle(value.step, value.span), ..value };
        let array = Arg { step: self.push_step(action_of(target), target_span, &[]), span: target_span };
        if let Some(&place) = self.updates.current.get(&base)
            && let Action::Store(before) = self.out.step(self.updates.updates[place].store).action
        {
            how.is_by_name |= before.is_by_name;
        }
        let store = self.push_step(Action::Store(how), span, &[value, array]);
        let update = Update { target, store, span };
        match self.updates.current.get(&base) {
            Some(&place) => self.updates.updates[place] = update,
            None => {
                self.updates.current.insert(base, self.updates.updates.len());
                self.updates.updates.push(update);
            }
        }
        self.updates.last.insert(base, store);
        if self.updates.is_careful() {
            self.cut();
        }
        Ok(())
    }
}

/// The operation that reads an array.
fn action_of(array: Array) -> Action {
    match array {
        Array::Name(name) => Action::Name(name),
        Array::View(view) => Action::View(view),
    }
}
