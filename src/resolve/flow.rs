//! Control flow: branches, and `break`, `continue` and `return`; [`loops`](super::loops) has loops.
//!
//! In: statements that contain others. Out: choices among the operations, each of which every
//! element makes for itself. Always true: both sides of a choice are computed, and the condition
//! decides which value a name has behind it.
//!
//! A [path](Path) is the condition under which a place is reached, within the innermost loop or
//! function. `break`, `continue` and `return` are [exits](Exit): each keeps its path and the values
//! that names have there. Where paths meet again, names are merged by their conditions.

use super::blocks::{Block, Exit, ExitKind, If, Kind, Path};
use super::error::{Error, ErrorKind};
use super::run::Run;
use super::value::{Names, Tuple, Unset, Value, Why};
use super::{Action, Arg, StepId};
use ndexpr_grammar::{self as ast, BinaryOp, CompareOp, NameId, Span, StmtId, UnaryOp};
use std::rc::Rc;

impl<'a> Run<'a> {
    /// Whether control may not reach the next statement of the block.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self.frame().path, Path::Never)
    }

    /// Begins an `if`.
    pub(super) fn enter_if(
        &mut self,
        condition: ast::ExprId,
        then: &'a [StmtId],
        otherwise: &'a [StmtId],
    ) -> Result<(), Error> {
        let value = self.value(condition);
        if let Some(is_true) = self.known_truth(&value) {
            self.enter(if is_true { then } else { otherwise }, Kind::Plain);
            return Ok(());
        }
        let around = self.around_branch([then, otherwise], self.exits());
        let condition = self.operand(value, condition)?;
        match around.is_needed {
            true => self.enter_phase_if(condition, (then, otherwise)),
            false => self.enter_choice(condition, then, otherwise),
        }
    }

    pub(super) fn enter_choice(
        &mut self,
        condition: Arg,
        then: &'a [StmtId],
        otherwise: &'a [StmtId],
    ) -> Result<(), Error> {
        let (path, names) = (self.frame().path, self.frame().names.clone());
        self.count(names.len(), condition.span)?;
        let entry = self.and(path, condition);
        self.frame_mut().path = entry;
        let span = condition.span;
        self.enter(then, Kind::If(Box::new(If { condition, path, names, otherwise, entry, then: None, span })));
        Ok(())
    }

    /// Leaves the innermost loop, an iteration of it, or the function.
    pub(super) fn leave_block(&mut self, kind: ExitKind, value: Value, span: Span) -> Result<(), Error> {
        if !self.exit_phases(kind, &value, span)? {
            self.exit(kind, value, span);
        }
        Ok(())
    }

    /// The same for some of the elements.
    fn exit(&mut self, kind: ExitKind, value: Value, span: Span) {
        let frame = self.frame_mut();
        let path = std::mem::replace(&mut frame.path, Path::Never);
        let in_loop = frame.blocks.iter_mut().rev().find_map(|block| match &mut block.kind {
            Kind::Loop(the_loop) => Some(&mut the_loop.exits),
            _ => None,
        });
        let names = if in_loop.is_some() { frame.names.clone() } else { Names::default() };
        let exit = Exit { kind, path, names, value, span };
        match in_loop {
            Some(exits) => exits.push(exit),
            None => frame.returns.push(exit),
        }
    }

    /// What a function or a text returns, if its end is reached with this value, or is not reached.
    /// `span` is the place of the end.
    pub(super) fn returned(&mut self, end: Value, span: Span) -> Result<Value, Error> {
        let mut returns = std::mem::take(&mut self.frame_mut().returns);
        let mut all = match self.is_unreachable() {
            true => returns.pop().map_or(end, |exit| exit.value),
            false => end,
        };
        while let Some(Exit { path, value, span: at, .. }) = returns.pop() {
            let Path::If(condition) = path else {
                all = value;
                continue;
            };
            all = match self.merged(condition, &value, &all)? {
                Some(value) => value,
                None => return Err(Error::new(ErrorKind::ReturnsDiffer { other: span }, at)),
            };
        }
        Ok(all)
    }

    /// Ends the statements of the innermost block.
    pub(super) fn end_block(&mut self) -> Result<(), Error> {
        let Some(Block { body, stmt, kind }) = self.frame_mut().blocks.pop() else { return Ok(()) };
        match kind {
            Kind::Plain => self.leave(body, stmt),
            Kind::If(mut choice) => {
                let frame = self.frame_mut();
                let is_whole = frame.path.is_same(choice.entry);
                let Some((then_names, then_path, is_then_whole)) = choice.then.take() else {
                    let names = std::mem::replace(&mut frame.names, choice.names.clone());
                    choice.then = Some((names, frame.path, is_whole));
                    let not = self.not(choice.condition);
                    choice.entry = self.and(choice.path, not);
                    self.frame_mut().path = choice.entry;
                    let otherwise = choice.otherwise;
                    self.frame_mut().blocks.push(Block { body, stmt, kind: Kind::If(choice) });
                    self.set_body(otherwise);
                    return Ok(());
                };
                let (names, path) = (std::mem::take(&mut frame.names), frame.path);
                let (names, path) = match (then_path, path) {
                    (Path::Never, path) => (names, path),
                    (path, Path::Never) => (then_names, path),
                    (then_path, path) => {
                        let names = self.merged_names(choice.condition, &then_names, &names, choice.span)?;
                        let path = match (is_then_whole && is_whole, then_path, path) {
                            (false, Path::If(x), Path::If(y)) => Path::If(self.binary(BinaryOp::Or, x, y)),
                            _ => choice.path,
                        };
                        (names, path)
                    }
                };
                let frame = self.frame_mut();
                (frame.names, frame.path) = (names, path);
                self.leave(body, stmt);
            }
            Kind::Unrolled(unrolled) => self.repeat(body, stmt, unrolled)?,
            Kind::PhaseIf(choice) => self.end_phase_if((body, stmt), choice)?,
            Kind::PhaseLoop(the_loop) => self.end_phase_body((body, stmt), the_loop)?,
            Kind::Loop(the_loop) => {
                self.frame_mut().blocks.push(Block { body, stmt, kind: Kind::Loop(the_loop) });
                self.end_iteration()?;
            }
        }
        Ok(())
    }

    /// One of several paths.
    pub(super) fn any(&mut self, paths: impl Iterator<Item = Path>, span: Span) -> Path {
        let mut all = Path::Never;
        for path in paths {
            all = match (all, path) {
                (Path::Never, path) | (path, Path::Never) => path,
                (Path::Always, _) | (_, Path::Always) => Path::Always,
                (Path::If(x), Path::If(y)) => Path::If(Arg { span, ..self.binary(BinaryOp::Or, x, y) }),
            };
        }
        all
    }

    /// Adds the values of a tuple, or the one value, as arguments. False if the structure is not
    /// the expected one.
    pub(super) fn flatten(&mut self, expected: &Value, value: &Value, out: &mut Vec<Arg>) -> Result<bool, Error> {
        Ok(match (expected, value) {
            (Value::Step(_), Value::Step(step)) => {
                let span = self.out.step(*step).span;
                out.push(Arg { step: self.read(*step, span)?, span });
                true
            }
            (Value::Tuple(expected), Value::Tuple(tuple)) if expected.items().len() == tuple.items().len() => {
                for (expected, item) in expected.items().iter().zip(tuple.items()) {
                    if !self.flatten(expected, item, out)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::None, Value::None) => true,
            _ => false,
        })
    }

    /// A value of the same structure, of other operations.
    pub(super) fn rebuilt(&mut self, value: &Value, step: &mut dyn FnMut(&mut Run<'a>, StepId) -> StepId) -> Value {
        match value {
            Value::Step(old) => Value::Step(step(self, *old)),
            Value::Tuple(tuple) => {
                let items = tuple.items().iter().map(|item| self.rebuilt(item, step)).collect();
                Value::Tuple(Rc::new(Tuple::new(items).expect("as deep as before")))
            }
            other => other.clone(),
        }
    }

    /// The values of names behind a choice.
    pub(super) fn merged_names(
        &mut self,
        condition: Arg,
        then: &Names,
        otherwise: &Names,
        span: Span,
    ) -> Result<Names, Error> {
        let mut all: Vec<NameId> = then.keys().chain(otherwise.keys()).copied().collect();
        all.sort_unstable();
        all.dedup();
        self.count(all.len(), span)?;
        let mut names = Names::default();
        for name in all {
            let values = (then.get(&name).cloned(), otherwise.get(&name).cloned());
            let value = match values {
                (Some(x), Some(y)) => match self.merged(condition, &x, &y)? {
                    Some(value) => value,
                    None => Value::Unset(Unset { set: span, unless: span, why: Why::Structure }),
                },
                (Some(value), None) | (None, Some(value)) => {
                    let is_then = then.contains_key(&name);
                    match self.outside(name, span) {
                        Some(outside) => {
                            let (x, y) = if is_then { (value, outside) } else { (outside, value) };
                            self.merged(condition, &x, &y)?.unwrap_or(Value::Unset(Unset {
                                set: span,
                                unless: span,
                                why: Why::Structure,
                            }))
                        }
                        None => {
                            let set = match value {
                                Value::Step(step) => self.out.step(step).span,
                                Value::Unset(unset) => unset.set,
                                _ => span,
                            };
                            Value::Unset(Unset { set, unless: span, why: Why::NoValue })
                        }
                    }
                }
                (None, None) => continue,
            };
            names.insert(name, value);
        }
        Ok(names)
    }

    /// The variable of a name that the text gives no value on one of two ways.
    fn outside(&mut self, name: NameId, span: Span) -> Option<Value> {
        if self.frames.len() > 1 || self.is_variable(self.ast().name(name)) != Some(true) {
            return None;
        }
        let name = self.out_name(name);
        Some(Value::Step(self.push_step(Action::Name(name), span, &[])))
    }

    /// The one value where a condition holds, and the other elsewhere. None if one is a tuple and
    /// the other is not, or is one of another length.
    pub(super) fn merged(&mut self, condition: Arg, then: &Value, otherwise: &Value) -> Result<Option<Value>, Error> {
        Ok(Some(match (then, otherwise) {
            (Value::Step(x), Value::Step(y)) if x == y => then.clone(),
            (Value::Step(x), Value::Step(y)) => {
                let spans = [self.out.step(*x).span, self.out.step(*y).span];
                let x = Arg { step: self.read(*x, spans[0])?, span: spans[0] };
                let y = Arg { step: self.read(*y, spans[1])?, span: spans[1] };
                let args = [x, condition, y].map(|arg| self.settled(arg));
                self.step(Action::Merge, condition.span, &args)
            }
            (Value::Tuple(x), Value::Tuple(y)) if x.items().len() == y.items().len() => {
                let mut items = Vec::with_capacity(x.items().len());
                for (x, y) in x.items().iter().zip(y.items()) {
                    match self.merged(condition, x, y)? {
                        Some(item) => items.push(item),
                        None => return Ok(None),
                    }
                }
                Value::Tuple(Rc::new(Tuple::new(items).expect("as deep as before")))
            }
            (Value::None, Value::None) => Value::None,
            (Value::Unset(unset), _) | (_, Value::Unset(unset)) => Value::Unset(*unset),
            _ => return Ok(None),
        }))
    }

    pub(super) fn known_truth(&self, value: &Value) -> Option<bool> {
        let Value::Step(step) = value else { return None };
        match self.out.step(*step).action {
            Action::Bool(value) => Some(value),
            _ => self.whole(*step).map(|value| value != 0),
        }
    }

    /// When this place is reached, within the innermost loop around it and around the calls.
    pub(super) fn guard(&mut self) -> Path {
        let (path, guard) = (self.frame().path, self.frame().guard);
        match path {
            Path::If(condition) => self.and(guard, condition),
            _ => guard,
        }
    }

    pub(super) fn and(&mut self, path: Path, condition: Arg) -> Path {
        match path {
            Path::Always => Path::If(condition),
            Path::Never => Path::Never,
            Path::If(path) => Path::If(self.binary(BinaryOp::And, path, condition)),
        }
    }

    pub(super) fn not(&mut self, condition: Arg) -> Arg {
        self.flow_step(Action::Unary(UnaryOp::Not), condition.span, &[condition])
    }

    pub(super) fn binary(&mut self, op: BinaryOp, x: Arg, y: Arg) -> Arg {
        self.flow_step(Action::Binary(op), y.span, &[x, y])
    }

    pub(super) fn compare(&mut self, op: CompareOp, x: Arg, y: Arg) -> Arg {
        self.flow_step(Action::Compare([op].into()), x.span, &[x, y])
    }

    /// An operation on conditions or numbers of the flow. They may be from before a phase.
    fn flow_step(&mut self, action: Action, span: Span, args: &[Arg]) -> Arg {
        let args: Vec<Arg> = args.iter().map(|&arg| self.settled(arg)).collect();
        Arg { step: self.push_step(action, span, &args), span }
    }

    /// A value that may be from before a phase, as it is now.
    pub(super) fn settled(&mut self, arg: Arg) -> Arg {
        Arg { step: self.settle(arg.step, arg.span), ..arg }
    }

    /// Goes on with the statements of a block.
    pub(super) fn enter(&mut self, statements: &'a [StmtId], kind: Kind<'a>) {
        let frame = self.frame_mut();
        let block = Block { body: frame.body, stmt: frame.stmt, kind };
        frame.blocks.push(block);
        self.set_body(statements);
    }

    pub(super) fn set_body(&mut self, statements: &'a [StmtId]) {
        let frame = self.frame_mut();
        (frame.body, frame.stmt) = (statements, 0);
        self.begin_stmt();
    }

    /// Goes on behind a statement with blocks.
    pub(super) fn leave(&mut self, body: &'a [StmtId], stmt: usize) {
        let frame = self.frame_mut();
        (frame.body, frame.stmt) = (body, stmt);
        self.next_stmt();
    }
}
