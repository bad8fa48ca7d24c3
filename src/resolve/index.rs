//! Indices and transposes: what is between brackets, and what it is taken of.

use super::error::{Error, ErrorKind};
use super::items::Item;
use super::options::ChoiceKind;
use super::run::Run;
use super::value::Value;
use super::views::{Array, MAX_DEPTH, ViewDef, ViewId, ViewOp};
use super::{Action, Arg, NEW_AXIS, Step, StepId};
use ndexpr_grammar::{self as ast, ExprKind, IndexItem, Span};
use ndexpr_runtime::view::MAX_AXES;
use rustc_hash::{FxHashMap, FxHashSet};

/// The most items that an index may have: more axes than any array has, and as many new ones.
const MAX_ITEMS: usize = 2 * MAX_AXES + 1;

impl Run<'_> {
    /// What is between brackets.
    pub(super) fn items(&self, items: &[IndexItem], span: Span) -> Result<Vec<Item>, Error> {
        if items.len() > MAX_ITEMS {
            return Err(Error::new(ErrorKind::TooManyItems { limit: MAX_ITEMS }, span));
        }
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            all.push(match *item {
                IndexItem::At(id) => match self.index(id)? {
                    Some(at) => Item::At(at),
                    None => Item::NewAxis,
                },
                IndexItem::Slice { start, stop, step } => {
                    let index = |id: Option<ast::ExprId>| id.map_or(Ok(None), |id| self.index(id));
                    let by = index(step)?.unwrap_or(1);
                    if let (0, Some(step)) = (by, step) {
                        return Err(Error::new(ErrorKind::StepOfZero, self.ast()[step].span));
                    }
                    Item::Slice { start: index(start)?, stop: index(stop)?, step: by }
                }
                IndexItem::Ellipsis => Item::Ellipsis,
            });
        }
        Ok(all)
    }

    /// An integer between brackets; `None` if it is `None`. One beyond 64 bits counts as the
    /// largest one.
    fn index(&self, id: ast::ExprId) -> Result<Option<i64>, Error> {
        match self.known().choice(id).kind {
            ChoiceKind::Int(value) => Ok(Some(value.clamp(i64::MIN.into(), i64::MAX.into()) as i64)),
            ChoiceKind::None => Ok(None),
            _ => match self.ast()[id].kind {
                ExprKind::Attribute { name, object, .. }
                    if self.is_skipped(object) && self.ast().name(name) == NEW_AXIS =>
                {
                    Ok(None)
                }
                _ => Err(Error::new(ErrorKind::WrongIndex, self.ast()[id].span)),
            },
        }
    }

    /// A view of an operation. It becomes the same operation of views of the variables below it,
    /// each of which is first broadcast to the shape that all of them have together.
    pub(super) fn view(&mut self, of: Arg, op: &ViewOp, span: Span) -> Result<Value, Error> {
        if let ViewOp::Index(items) = op
            && items.iter().filter(|&&item| item == Item::Ellipsis).count() > 1
        {
            return Err(Error::new(ErrorKind::TwoEllipses, span));
        }
        let mut of = of;
        if self.out.array(self.out.step(of.step)).is_none() && self.ends_phase(of, span)? {
            of.step = self.settle(of.step, of.span);
        }
        if let Some(array) = self.out.array(self.out.step(of.step)) {
            return self.view_step(array, op.clone(), span);
        }
        let below = self.below(of, span)?;
        if below.iter().any(|&id| self.depends_on_loop(id)) {
            return Err(Error::new(ErrorKind::IndexInLoop, span));
        }
        let mut array_of: FxHashMap<StepId, Array> = FxHashMap::default();
        for &id in &below {
            if self.runs_along_axes(self.out.step(id)) {
                array_of.insert(id, Array::Name(self.carry(id)));
            } else if let Some(array) = self.out.array(self.out.step(id)) {
                array_of.insert(id, array);
            }
        }
        let mut arrays: Vec<Array> = array_of.values().copied().collect();
        arrays.sort_unstable();
        arrays.dedup();
        if arrays.is_empty() {
            return Err(Error::new(ErrorKind::NumberIndexed, span));
        }
        let is_broadcast = arrays.len() > 1 && !self.out.views().have_one_shape(&arrays);
        let group = is_broadcast.then(|| self.out.shared_mut().views.intern_group(&arrays));
        let mut view_of: FxHashMap<StepId, StepId> = FxHashMap::default();
        for id in below {
            let Step { action, span: own_span, .. } = self.out.step(id).clone();
            let args: Vec<Arg> = self.out.args(self.out.step(id)).to_vec();
            let viewed = match (array_of.get(&id).copied(), group) {
                (Some(array), None) => self.view_step(array, op.clone(), span)?,
                (Some(of), Some(group)) => {
                    let def = ViewDef { of, op: ViewOp::BroadcastIn(group), span, site: self.frame().site };
                    let whole = Array::View(self.intern(def)?);
                    self.view_step(whole, op.clone(), span)?
                }
                (None, _) if args.is_empty() => Value::Step(id),
                (None, _) => {
                    let args: Vec<Arg> = args.iter().map(|arg| Arg { step: view_of[&arg.step], ..*arg }).collect();
                    self.step(action, own_span, &args)
                }
            };
            if let Value::Step(viewed) = viewed {
                view_of.insert(id, viewed);
            }
        }
        Ok(Value::Step(view_of[&of.step]))
    }

    fn view_step(&mut self, of: Array, op: ViewOp, span: Span) -> Result<Value, Error> {
        let def = ViewDef { of, op, span, site: self.frame().site };
        let view = self.intern(def)?;
        Ok(self.step(Action::View(view), span, &[]))
    }

    pub(super) fn intern(&mut self, def: ViewDef) -> Result<ViewId, Error> {
        let span = def.span;
        self.out
            .shared_mut()
            .views
            .intern(def)
            .ok_or_else(|| Error::new(ErrorKind::ViewTooDeep { limit: MAX_DEPTH }, span))
    }

    /// Ends the phase if something runs along axes in a value that is indexed: its result is then
    /// in memory, as variables are. An error in a text that has only one phase.
    fn ends_phase(&mut self, of: Arg, span: Span) -> Result<bool, Error> {
        let below = self.below(of, span)?;
        let Some(&along) = below.iter().find(|&&id| self.runs_along_axes(self.out.step(id))) else { return Ok(false) };
        let call = self.out.step(along).span;
        if self.updates.is_evaluating() {
            let is_loop = matches!(self.out.step(along).action, Action::After { .. });
            return Err(Error::new(ErrorKind::ReductionIndexed { call, is_loop }, span));
        }
        if !self.loops.is_empty() {
            return Err(Error::new(ErrorKind::IndexInLoop, span));
        }
        let in_this_phase = |&&id: &&StepId| self.updates.phase_of(id) == self.updates.n_phases();
        if below.iter().filter(|&&id| self.runs_along_axes(self.out.step(id))).any(|id| in_this_phase(&id)) {
            self.end_phase();
        }
        Ok(true)
    }

    /// The operations that one is made of, itself included, in order, but not what is below one
    /// that runs along axes. Each counts as an expression.
    fn below(&mut self, of: Arg, span: Span) -> Result<Vec<StepId>, Error> {
        let mut seen = FxHashSet::default();
        let mut pending = vec![of.step];
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            self.count(1, span)?;
            let step = self.out.step(id);
            if self.runs_along_axes(step) {
                continue;
            }
            pending.extend(self.out.args(step).iter().map(|arg| arg.step));
        }
        let mut below: Vec<StepId> = seen.into_iter().collect();
        below.sort_unstable();
        Ok(below)
    }
}
