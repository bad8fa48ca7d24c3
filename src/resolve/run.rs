//! Goes through the statements of a text, and through the bodies of the functions that it calls.
//!
//! In: a syntax tree, and the functions that every text can call. Out: the operations that are
//! done, in phases, or what is wrong with a statement. Always true: a frame for each call that is
//! open, and no recursion; the number of expressions looked at is bounded, however often functions
//! call each other.
//!
//! A prelude is a tree of its own, with names of its own. Its functions see each other, those of
//! preludes before, and variables, but nothing that the text assigns or defines.

use super::blocks::{Block, Exit, ExitKind, Path};
use super::calls::{self, Function};
use super::error::{Error, ErrorKind};
use super::options::{self, Known, Wholes};
use super::phases::{End, Phase, Phases, Root};
use super::places::Returned;
use super::registry::{PreludeId, Registry, Scan};
use super::updates::{Mode, Store, Updates};
use super::value::{Env, Names, Unset, Value};
use super::views::{Array, Views};
use super::{Action, Arg, LoopId, Resolved, Shared, Site, SiteId, Step, StepId};
use ndexpr_grammar::{self as ast, Ast, ExprKind, NameId, Span, Stmt, StmtId, StmtKind};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The operations of a text, in phases. A text that only evaluates has one phase.
///
/// `variables` tells of a name whether there is a variable of it, if that is known. It decides only
/// about names that the text assigns to in some branches or iterations. No more than `max_exprs`
/// expressions and statements are looked at, each as often as it is
/// computed.
///
/// # Errors
///
/// Any [`ErrorKind`], at the place in the text that is to blame.
pub(crate) fn resolve(
    ast: &Ast,
    registry: &Registry,
    max_exprs: usize,
    mode: Mode<'_>,
    variables: Option<&dyn Fn(&str) -> bool>,
) -> Result<Phases, Error> {
    let scan = &Scan::of_text(ast, registry);
    let mut run = Run {
        registry,
        max_exprs,
        n_exprs: 0,
        out: Resolved {
            steps: Vec::with_capacity(ast.n_exprs()),
            args: Vec::with_capacity(ast.n_exprs()),
            options: Vec::new(),
            shared: Arc::new(Shared {
                sites: Vec::new(),
                views: Views::default(),
                names: ast.names().map(Box::from).collect(),
                text_end: registry.start(),
            }),
            results: Vec::new(),
            is_tuple: false,
        },
        wholes: Wholes::default(),
        depends: Vec::new(),
        loops: Vec::new(),
        n_loops: 0,
        variables,
        functions: FxHashMap::default(),
        names_of_preludes: FxHashMap::default(),
        name_ids: FxHashMap::default(),
        frames: Vec::new(),
        updates: Updates::new(mode),
    };
    let source = Source { prelude: None, ast, scan };
    run.frames.push(Frame::new(source, ast.body(), Names::default(), SiteId::default(), Role::Text));
    run.body()?;
    let results = std::mem::take(&mut run.out.results);
    match run.updates.is_evaluating() {
        true => {
            let roots = vec![Root::Result; results.len()];
            Ok(Phases::of_one(Phase { resolved: Resolved { results, ..run.out }, roots, end: End::Next }))
        }
        false => Ok(run.into_phases(&results)),
    }
}

/// Where a text is, and what it has become so far.
pub(super) struct Run<'a> {
    pub(super) registry: &'a Registry,
    pub(super) max_exprs: usize,
    pub(super) n_exprs: usize,
    pub(super) out: Resolved,
    wholes: Wholes,
    /// For each operation, the open loops that it depends on what they carry: a bit for each.
    depends: Vec<u16>,
    /// The loops that are open, the innermost last.
    pub(super) loops: Vec<LoopId>,
    pub(super) n_loops: u32,
    /// Tells of a name whether there is a variable of it, if that is known.
    variables: Option<&'a dyn Fn(&str) -> bool>,
    /// The functions that are defined so far, in the text and in preludes.
    pub(super) functions: FxHashMap<FunctionId, Function<'a>>,
    /// The names of preludes among those of the operations, as far as they were needed.
    names_of_preludes: FxHashMap<(PreludeId, NameId), NameId>,
    /// All names of the operations, once a name of a prelude is needed.
    name_ids: FxHashMap<Box<str>, NameId>,
    /// The text, and the calls that are open, the innermost last.
    pub(super) frames: Vec<Frame<'a>>,
    pub(super) updates: Updates<'a>,
}

/// A tree that statements are in: that of the text, or that of a prelude.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// `None` for the text.
    pub(super) prelude: Option<PreludeId>,
    pub(super) ast: &'a Ast,
    pub(super) scan: &'a Scan,
}

/// A function of the text or of a prelude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FunctionId {
    pub(super) prelude: Option<PreludeId>,
    pub(super) name: NameId,
}

/// What a frame's statements are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The text.
    Text,
    /// The body of a function.
    Body(FunctionId),
    /// The definition of a function of a prelude, which the text is the first time about to call.
    Definition(FunctionId),
}

impl Role {
    /// The function that is called.
    pub(super) fn function(self) -> Option<FunctionId> {
        match self {
            Role::Text => None,
            Role::Body(function) | Role::Definition(function) => Some(function),
        }
    }
}

/// The statements of a text or of a function, as far as they are done.
pub(super) struct Frame<'a> {
    pub(super) source: Source<'a>,
    pub(super) body: &'a [StmtId],
    /// The statement that is done.
    pub(super) stmt: usize,
    /// The next of its expressions.
    next_expr: usize,
    /// What the expressions before it have become.
    values: Vec<Value>,
    /// The blocks around the statement, the innermost last.
    pub(super) blocks: Vec<Block<'a>>,
    /// Where it has returned before its end.
    pub(super) returns: Vec<Exit>,
    /// The same for returns from blocks around phases.
    pub(super) returned: Option<Returned>,
    /// When this place is reached, within the innermost loop or the function.
    pub(super) path: Path,
    /// When the call is made, within the innermost loop around it.
    pub(super) guard: Path,
    pub(super) names: Names,
    pub(super) site: SiteId,
    pub(super) role: Role,
}

impl<'a> Frame<'a> {
    pub(super) fn new(source: Source<'a>, body: &'a [StmtId], names: Names, site: SiteId, role: Role) -> Frame<'a> {
        let next_expr = body.first().map_or(0, |&stmt| source.ast[stmt].exprs.start);
        Frame {
            source,
            body,
            stmt: 0,
            next_expr,
            values: Vec::new(),
            blocks: Vec::new(),
            returns: Vec::new(),
            returned: None,
            path: Path::Always,
            guard: Path::Always,
            names,
            site,
            role,
        }
    }

    /// The same, if the call is made only under a condition.
    pub(super) fn guarded(self, guard: Path) -> Frame<'a> {
        Frame { guard, ..self }
    }
}

/// What follows a statement.
enum Then {
    Next,
    /// Goes on with what has been set.
    Block,
    /// Ends the function, or the text, with the value of an expression.
    Return(Value, Option<ast::ExprId>),
}

/// What an expression needs.
pub(super) enum Eval<'a> {
    Is(Value),
    Calls(Box<Frame<'a>>),
}

impl<'a> Run<'a> {
    /// Does all statements, up to the result of the text.
    fn body(&mut self) -> Result<(), Error> {
        loop {
            let (is_text, frame) = (self.frames.len() == 1, self.frame());
            let Some(&stmt) = frame.body.get(frame.stmt) else {
                if !frame.blocks.is_empty() {
                    self.end_block().map_err(|error| self.in_calls(error))?;
                    continue;
                }
                if is_text && frame.returns.is_empty() && frame.returned.is_none() {
                    return if self.updates.has_updates() { Ok(()) } else { Err(self.no_result()) };
                }
                let span = self.last_span();
                match self.frame().role {
                    Role::Text => {
                        let value = self.returned(Value::None, span)?;
                        let value = self.returned_from_phases(value, span)?;
                        return self.end(&value, None, span);
                    }
                    // The call that needed it is looked at again.
                    Role::Definition(_) => _ = self.frames.pop(),
                    Role::Body(_) => {
                        let value = self.returned(Value::None, span);
                        let value = value.and_then(|value| self.returned_from_phases(value, span));
                        let value = value.map_err(|error| self.in_calls(error))?;
                        self.end_call(value);
                    }
                }
                continue;
            };
            let ast = self.ast();
            let stmt = &ast[stmt];
            if frame.next_expr < stmt.exprs.end {
                let id = ast.expr_id(frame.next_expr);
                match self.expr(id).map_err(|error| self.in_calls(error))? {
                    Eval::Is(value) => self.push(value),
                    Eval::Calls(frame) => self.frames.push(*frame),
                }
                continue;
            }
            self.count(1, stmt.span).map_err(|error| self.in_calls(error))?;
            match self.stmt(stmt).map_err(|error| self.in_calls(error))? {
                Then::Next => self.next_stmt(),
                Then::Block => {}
                Then::Return(value, _) if !self.frame().blocks.is_empty() => {
                    self.leave_block(ExitKind::Return, value, stmt.span).map_err(|error| self.in_calls(error))?;
                    self.next_stmt();
                }
                Then::Return(value, id) => {
                    let id = id.filter(|_| self.frame().returns.is_empty() && self.frame().returned.is_none());
                    let value = self.returned(value, stmt.span);
                    let value = value.and_then(|value| self.returned_from_phases(value, stmt.span));
                    let value = value.map_err(|error| self.in_calls(error))?;
                    match is_text {
                        true => return self.end(&value, id, stmt.span),
                        false => self.end_call(value),
                    }
                }
            }
        }
    }

    fn in_calls(&self, error: Error) -> Error {
        error.in_calls(self.out.calls(self.frame().site))
    }

    pub(super) fn frame(&self) -> &Frame<'a> {
        self.frames.last().expect("the text has a frame until its end")
    }

    /// The tree of the innermost frame.
    pub(super) fn ast(&self) -> &'a Ast {
        self.frame().source.ast
    }

    /// Whether an expression of that tree is no operand.
    pub(super) fn is_skipped(&self, id: ast::ExprId) -> bool {
        self.frame().source.scan.is_skipped[id.index()]
    }

    /// A name of that tree among those of the operations.
    pub(super) fn out_name(&mut self, name: NameId) -> NameId {
        let source = self.frame().source;
        let Some(prelude) = source.prelude else { return name };
        if let Some(&known) = self.names_of_preludes.get(&(prelude, name)) {
            return known;
        }
        if self.name_ids.is_empty() {
            let names = self.out.shared.names.iter().cloned();
            self.name_ids = names.zip((0..).map(NameId::new)).collect();
        }
        let text = source.ast.name(name);
        let id = *self.name_ids.entry(text.into()).or_insert_with(|| self.out.add_name(text.to_owned()));
        self.names_of_preludes.insert((prelude, name), id);
        id
    }

    /// Adds a call of a function to those that errors show.
    pub(super) fn add_site(&mut self, name: NameId, call: Span) -> SiteId {
        let (function, parent) = (self.out_name(name), self.frame().site);
        let sites = &mut self.out.shared_mut().sites;
        sites.push(Site { function, call, parent });
        SiteId(sites.len() as u32)
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame<'a> {
        self.frames.last_mut().expect("the text has a frame until its end")
    }

    /// The value of the next expression.
    fn push(&mut self, value: Value) {
        let frame = self.frame_mut();
        frame.values.push(value);
        frame.next_expr += 1;
    }

    /// Counts expressions, statements and parameters of calls, each as often as it is looked at.
    pub(super) fn count(&mut self, n: usize, span: Span) -> Result<(), Error> {
        self.n_exprs += n;
        match self.n_exprs > self.max_exprs {
            true => Err(Error::new(ErrorKind::TooLarge { limit: self.max_exprs }, span)),
            false => Ok(()),
        }
    }

    pub(super) fn next_stmt(&mut self) {
        let is_unreachable = self.is_unreachable();
        let frame = self.frame_mut();
        frame.stmt = if is_unreachable { frame.body.len() } else { frame.stmt + 1 };
        self.begin_stmt();
    }

    /// Begins with the first expression of the statement.
    pub(super) fn begin_stmt(&mut self) {
        let ast = self.ast();
        let frame = self.frame_mut();
        frame.values.clear();
        if let Some(&stmt) = frame.body.get(frame.stmt) {
            frame.next_expr = ast[stmt].exprs.start;
        }
    }

    fn end_call(&mut self, value: Value) {
        self.frames.pop();
        self.push(value);
    }

    /// Ends the text with a value, which may be that of an expression.
    fn end(&mut self, value: &Value, id: Option<ast::ExprId>, stmt: Span) -> Result<(), Error> {
        let ast = self.ast();
        let span = id.map_or(stmt, |id| ast[id].span);
        let items = match value {
            Value::Tuple(tuple) => tuple.items(),
            one => std::slice::from_ref(one),
        };
        self.out.is_tuple = matches!(value, Value::Tuple(_));
        // A tuple that is written here has its values written here too.
        let written = match id.map(|id| &ast[id].kind) {
            Some(ExprKind::Tuple { items }) => &items[..],
            _ => &[],
        };
        for (place, item) in items.iter().enumerate() {
            let span = written.get(place).map_or(span, |&id| ast[id].span);
            let kind = match item {
                Value::Step(step) => {
                    let step = self.read(*step, span)?;
                    self.out.results.push(Arg { step, span });
                    continue;
                }
                Value::None if !self.out.is_tuple && self.updates.has_updates() => continue,
                Value::Tuple(_) => ErrorKind::TupleInResult,
                Value::None if self.out.is_tuple => ErrorKind::NoneInResult,
                Value::Unset(_) => unreachable!("a name without a value is an error where it is read"),
                Value::None => ErrorKind::NoResult,
            };
            return Err(Error::new(kind, span));
        }
        // Reading a later one may have begun a new phase.
        for place in 0..self.out.results.len() {
            let Arg { step, span } = self.out.results[place];
            self.out.results[place].step = self.settle(step, span);
        }
        match self.out.results.is_empty() && !self.updates.has_updates() {
            true => Err(Error::new(ErrorKind::NoResult, span)),
            false => Ok(()),
        }
    }

    /// The last statement of the text or the function.
    fn last_span(&self) -> Span {
        let ast = self.ast();
        self.frame().body.last().map(|&stmt| ast[stmt].span).unwrap_or_default()
    }

    /// The error for a text that ends without a result.
    fn no_result(&self) -> Error {
        Error::new(ErrorKind::NoResult, self.last_span())
    }

    pub(super) fn env(&self) -> Env<'_> {
        let [text, ..] = &self.frames[..] else { unreachable!("the text has a frame until its end") };
        let frame = self.frame();
        let function = frame.role.function().and_then(|function| self.functions.get(&function));
        // What the text assigns is nothing to a prelude.
        let outer = (self.frames.len() > 1 && frame.source.prelude.is_none()).then_some(&text.names);
        Env { local: &frame.names, outer, own: function.map(Function::assigned) }
    }

    /// What is known at this place of the text.
    pub(super) fn known(&self) -> Known<'_> {
        Known { ast: self.ast(), env: self.env(), so_far: &self.out, wholes: &self.wholes }
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Result<Then, Error> {
        let ast = self.ast();
        match &stmt.kind {
            StmtKind::Pass => {}
            StmtKind::Expr(id) => {
                let frame = self.frame();
                let is_last = frame.blocks.is_empty() && frame.stmt + 1 == frame.body.len();
                let in_function = self.frames.len() > 1;
                if is_last && !in_function {
                    return Ok(Then::Return(self.value(*id), Some(*id)));
                }
                // A call without a result is there for its updates.
                if !matches!((self.value(*id), &ast[*id].kind), (Value::None, ExprKind::Call { .. })) {
                    return Err(Error::new(ErrorKind::UnusedValue { in_function }, ast[*id].span));
                }
            }
            StmtKind::If { condition, then, otherwise } => {
                self.enter_if(*condition, then, otherwise)?;
                return Ok(Then::Block);
            }
            StmtKind::While { condition, body, otherwise } => {
                self.enter_while(stmt, *condition, (body, otherwise))?;
                return Ok(Then::Block);
            }
            StmtKind::For { name, range, body, otherwise, .. } => {
                self.enter_for(stmt, (*name, *range), (body, otherwise))?;
                return Ok(Then::Block);
            }
            StmtKind::Break => self.leave_block(ExitKind::Break, Value::None, stmt.span)?,
            StmtKind::Continue => self.leave_block(ExitKind::Continue, Value::None, stmt.span)?,
            StmtKind::Return(None) => return Ok(Then::Return(Value::None, None)),
            StmtKind::Return(Some(id)) => return Ok(Then::Return(self.value(*id), Some(*id))),
            StmtKind::Assign { targets, value } => {
                let (value, span) = (self.value(*value), ast[*value].span);
                for &target in targets {
                    self.assign(target, value.clone(), span)?;
                }
            }
            StmtKind::AugAssign { target, op, value } => {
                self.augment(*target, *op, *value, stmt.span)?;
            }
            StmtKind::Def { name, name_span, params, body } => {
                if matches!(self.frame().role, Role::Body(_)) || !self.frame().blocks.is_empty() {
                    return Err(Error::new(ErrorKind::NestedFunction, *name_span));
                }
                let defaults = params.iter().map(|param| param.default.map(|id| self.value(id))).collect();
                self.frame_mut().names.remove(name);
                let id = FunctionId { prelude: self.frame().source.prelude, name: *name };
                self.functions.insert(id, Function::new(ast, (*name, *name_span), params, defaults, body));
            }
        }
        Ok(Then::Next)
    }

    /// Gives the targets of an assignment their values.
    fn assign(&mut self, target: ast::ExprId, value: Value, value_span: Span) -> Result<(), Error> {
        let mut pending = vec![(target, value)];
        while let Some((target, value)) = pending.pop() {
            let ast::Expr { kind, span } = &self.ast()[target];
            let span = *span;
            match (kind, &value) {
                (ExprKind::Name(name), _) => self.bind(*name, value),
                (ExprKind::Tuple { items }, Value::Tuple(tuple)) => {
                    if items.len() != tuple.items().len() {
                        let kind =
                            ErrorKind::UnpackCount { names: items.len(), values: tuple.items().len(), value_span };
                        return Err(Error::new(kind, span));
                    }
                    pending.extend(items.iter().copied().zip(tuple.items().iter().cloned()).rev());
                }
                (ExprKind::Tuple { .. }, _) => return Err(Error::new(ErrorKind::UnpackValue { value_span }, span)),
                _ => {
                    let step = match value {
                        Value::Step(step) => self.read(step, value_span)?,
                        Value::Tuple(_) => return Err(Error::new(ErrorKind::TupleAssigned, value_span)),
                        Value::None | Value::Unset(_) => {
                            return Err(Error::new(ErrorKind::NoneAsValue { name: None }, value_span));
                        }
                    };
                    let array = self.target_array(target)?;
                    let spans = (span, Span::new(span.start, value_span.end.max(span.end)));
                    self.update(array, Arg { step, span: value_span }, Store::default(), spans)?;
                }
            }
        }
        Ok(())
    }

    /// An augmented assignment: to a local name, or to an array.
    fn augment(&mut self, target: ast::ExprId, op: ast::BinaryOp, value: ast::ExprId, stmt: Span) -> Result<(), Error> {
        let span = self.ast()[target].span;
        let new = self.operand(self.value(value), value)?;
        if let ExprKind::Name(name) = self.ast()[target].kind {
            let old = self.frame().names.get(&name).cloned();
            if let Some(Value::Unset(unset)) = old
                && self.is_variable(self.ast().name(name)).is_some()
            {
                return Err(self.maybe_unset(name, unset, span));
            }
            if old.is_none() && self.updates.is_evaluating() {
                return Err(Error::new(ErrorKind::NothingToChange { name: self.text_of(name) }, span));
            }
            let is_array = |step: &StepId| self.given_array(*step).is_some();
            let is_updated = match &old {
                None => true,
                Some(Value::Step(step)) => !self.updates.is_evaluating() && is_array(step),
                Some(_) => false,
            };
            if let Some(old) = old
                && !is_updated
            {
                let old = self.operand(old, target)?;
                let value = self.step(Action::Binary(op), stmt, &[old, new]);
                self.bind(name, value);
                return Ok(());
            }
        }
        let array = self.target_array(target)?;
        let action = match array {
            Array::Name(name) => Action::Name(name),
            Array::View(view) => Action::View(view),
        };
        let old = self.push_step(action, span, &[]);
        let old = Arg { step: self.read(old, span)?, span };
        // Reading the array may have begun a new phase.
        let new = Arg { step: self.settle(new.step, new.span), ..new };
        let value = self.push_step(Action::Binary(op), stmt, &[old, new]);
        let is_by_name = matches!(self.ast()[target].kind, ExprKind::Name(_)) && self.may_be_element(array);
        let how = Store { is_augmented: true, is_by_name };
        self.update(array, Arg { step: value, span: stmt }, how, (span, stmt))
    }

    fn bind(&mut self, name: NameId, value: Value) {
        if self.frames.len() == 1 {
            self.functions.remove(&FunctionId { prelude: None, name });
        }
        self.frame_mut().names.insert(name, value);
    }

    pub(super) fn text_of(&self, name: NameId) -> String {
        calls::brief_name(self.ast(), name)
    }

    /// What an expression of the current statement has become.
    pub(super) fn value(&self, id: ast::ExprId) -> Value {
        let frame = self.frame();
        let start = frame.source.ast[frame.body[frame.stmt]].exprs.start;
        frame.values[id.index() - start].clone()
    }

    /// A value as an argument of an operation.
    pub(super) fn operand(&mut self, value: Value, id: ast::ExprId) -> Result<Arg, Error> {
        let ast::Expr { kind, span } = &self.ast()[id];
        let span = *span;
        match (value, kind) {
            (Value::Step(step), _) => Ok(Arg { step: self.read(step, span)?, span }),
            (Value::Tuple(_), _) => Err(Error::new(ErrorKind::TupleAsValue, span)),
            (Value::Unset(_), _) => unreachable!("a name without a value is an error where it is read"),
            (Value::None, ExprKind::Name(name)) if self.ast().name(*name) != "None" => {
                Err(Error::new(ErrorKind::NoneAsValue { name: Some(self.text_of(*name)) }, span))
            }
            // There is no variable of this name.
            (Value::None, ExprKind::Name(name)) => {
                let name = self.out_name(*name);
                Ok(Arg { step: self.push_step(Action::Name(name), span, &[]), span })
            }
            (Value::None, ExprKind::Call { .. }) => Err(Error::new(ErrorKind::NothingReturned, span)),
            (Value::None, _) => Err(Error::new(ErrorKind::NoneAsValue { name: None }, span)),
        }
    }

    /// The same for a value that is indexed or transposed: an array is not read by that.
    pub(super) fn reference(&mut self, value: Value, id: ast::ExprId) -> Result<Arg, Error> {
        match value {
            Value::Step(step) => {
                let span = self.ast()[id].span;
                let is_array = self.out.array(self.out.step(step)).is_some();
                Ok(Arg { step: if is_array { step } else { self.settle(step, span) }, span })
            }
            other => self.operand(other, id),
        }
    }

    pub(super) fn operands(&mut self, ids: &[ast::ExprId]) -> Result<Vec<Arg>, Error> {
        let mut args = Vec::with_capacity(ids.len());
        for &id in ids {
            args.push(self.operand(self.value(id), id)?);
        }
        // Reading one of them may have begun a new phase.
        for arg in &mut args {
            arg.step = self.settle(arg.step, arg.span);
        }
        Ok(args)
    }

    /// The error for a name that has a value only on some ways to a place.
    pub(super) fn maybe_unset(&self, name: NameId, unset: Unset, span: Span) -> Error {
        Error::new(ErrorKind::MaybeUnset { name: self.text_of(name), unset }, span)
    }

    /// Whether it is known of names whether there are variables of them.
    pub(super) fn knows_variables(&self) -> bool {
        self.variables.is_some()
    }

    /// Whether there is a variable of a name; `None` if that is not known.
    pub(super) fn is_variable(&self, name: &str) -> Option<bool> {
        self.variables.map(|is_variable| is_variable(name))
    }

    /// The value of an operation that is computed from whole numbers of the text alone.
    pub(super) fn whole(&self, step: StepId) -> Option<i128> {
        self.wholes.get(&step).copied()
    }

    /// Whether an operation depends on what an open loop carries.
    pub(super) fn depends_on_loop(&self, step: StepId) -> bool {
        self.depends[step.index()] != 0
    }

    pub(super) fn step(&mut self, action: Action, span: Span, args: &[Arg]) -> Value {
        Value::Step(self.push_step(action, span, args))
    }

    pub(super) fn push_step(&mut self, action: Action, span: Span, args: &[Arg]) -> StepId {
        let start = self.out.args.len();
        self.out.args.extend_from_slice(args);
        let options = self.out.options.len();
        let (site, id) = (self.frame().site, StepId(self.out.steps.len() as u32));
        self.out.steps.push(Step { action, span, site, args: start..self.out.args.len(), options: options..options });
        let level = |of: LoopId| self.loops.iter().position(|&open| open == of).map_or(0, |place| 1 << place);
        let of_args = args.iter().fold(0, |all, arg| all | self.depends[arg.step.index()]);
        self.depends.push(match self.out.step(id).action {
            Action::Carried { of, .. } => of_args | level(of),
            Action::Loop(of) => of_args & !level(of),
            _ => of_args,
        });
        if let Some(value) = options::whole_of_step(id, &self.out, &self.wholes) {
            self.wholes.insert(id, value);
        }
        self.note_origin(id);
        id
    }
}
