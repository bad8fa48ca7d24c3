//! Goes through the statements of a text, and through the bodies of the functions that it calls.
//!
//! In: a syntax tree. Out: the operations that are done, or what is wrong with a statement. Always
//! true: a frame for each call that is open, and no recursion; the number of expressions looked at
//! is bounded, however often functions call each other.

use super::calls::{self, Function};
use super::error::{Error, ErrorKind};
use super::options::{self, ChoiceKind, OptionArg};
use super::value::{Env, MAX_TUPLE_DEPTH, Names, Tuple, Value};
use super::views::{Array, Item, ViewDef, ViewOp, Views};
use super::{Action, Arg, Callee, MODULES, Resolved, Site, SiteId, Step, StepId};
use crate::ops::{METHODS, table};
use ndexpr_grammar::{self as ast, Ast, ExprKind, IndexItem, Keyword, NameId, Span, Stmt, StmtId, StmtKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// The operations of a text, whose result is a value.
///
/// No more than `max_exprs` expressions are looked at, each as often as it is computed.
///
/// # Errors
///
/// Any [`ErrorKind`], at the place in the text that is to blame.
pub(crate) fn resolve(ast: &Ast, max_exprs: usize) -> Result<Resolved, Error> {
    let is_assigned = calls::assigned(ast);
    let mut run = Run {
        ast,
        is_skipped: skipped(ast, &is_assigned),
        is_assigned,
        max_exprs,
        n_exprs: 0,
        out: Resolved {
            steps: Vec::with_capacity(ast.n_exprs()),
            args: Vec::with_capacity(ast.n_exprs()),
            options: Vec::new(),
            sites: Vec::new(),
            views: Views::default(),
            names: ast.names().map(Box::from).collect(),
            result: Arg { step: StepId(0), span: Span::default() },
        },
        functions: FxHashMap::default(),
        frames: Vec::new(),
    };
    run.frames.push(Frame::new(ast, ast.body(), Names::default(), SiteId::default(), None));
    run.out.result = run.body()?;
    Ok(run.out)
}

/// Which expressions are no operands: targets, options, indices, and names of modules.
fn skipped(ast: &Ast, is_assigned: &[bool]) -> Vec<bool> {
    let mut is_skipped = vec![false; ast.n_exprs()];
    for (_, stmt) in ast.stmts() {
        match &stmt.kind {
            StmtKind::Assign { targets, .. } => targets.iter().for_each(|target| is_skipped[target.index()] = true),
            StmtKind::AugAssign { target, .. } => is_skipped[target.index()] = true,
            _ => {}
        }
    }
    for (id, expr) in ast.exprs().rev() {
        if is_skipped[id.index()] {
            expr.kind.for_each_child(|child| is_skipped[child.index()] = true);
            continue;
        }
        let mut skip = |id: ast::ExprId| is_skipped[id.index()] = true;
        match &expr.kind {
            ExprKind::Call { function, args, keywords, .. } if !is_assigned[function.index()] => {
                keywords.iter().for_each(|keyword| skip(keyword.value));
                if table::find(ast.name(*function)).is_some_and(|row| row.is_along_axes()) {
                    args.iter().skip(1).copied().for_each(skip);
                }
            }
            ExprKind::Attribute { object, .. } if module(ast, *object, is_assigned) => skip(*object),
            ExprKind::Index { items, .. } => items.iter().for_each(|item| match *item {
                IndexItem::At(at) => skip(at),
                IndexItem::Slice { start, stop, step } => [start, stop, step].into_iter().flatten().for_each(&mut skip),
                IndexItem::Ellipsis => {}
            }),
            ExprKind::Method { object, name, args, keywords, .. } => {
                keywords.iter().for_each(|keyword| skip(keyword.value));
                let is_along = table::find(ast.name(*name)).is_some_and(|row| row.is_along_axes());
                let n_operands = match module(ast, *object, is_assigned) {
                    true if is_along => 1,
                    false if is_along || ast.name(*name) == AS_TYPE => 0,
                    _ => args.len(),
                };
                args.iter().skip(n_operands).copied().for_each(&mut skip);
                if module(ast, *object, is_assigned) {
                    skip(*object);
                }
            }
            _ => {}
        }
    }
    is_skipped
}

/// Whether an expression is the name of a module, which the text uses for nothing else.
fn module(ast: &Ast, id: ast::ExprId, is_assigned: &[bool]) -> bool {
    match ast[id].kind {
        ExprKind::Name(name) => MODULES.contains(&ast.name(name)) && !is_assigned[name.index()],
        _ => false,
    }
}

/// The attribute that is an array with its axes in the opposite order.
const TRANSPOSE: &str = "T";

/// What a module calls `None` between brackets.
const NEW_AXIS: &str = "newaxis";

/// The method that is called with a dtype.
const AS_TYPE: &str = "astype";

struct Run<'a> {
    ast: &'a Ast,
    is_skipped: Vec<bool>,
    /// Which names the text assigns to, anywhere.
    is_assigned: Vec<bool>,
    max_exprs: usize,
    n_exprs: usize,
    out: Resolved,
    functions: FxHashMap<NameId, Function<'a>>,
    /// The text, and the calls that are open, the innermost last.
    frames: Vec<Frame<'a>>,
}

/// The statements of a text or of a function, as far as they are done.
struct Frame<'a> {
    body: &'a [StmtId],
    /// The statement that is done.
    stmt: usize,
    /// The next of its expressions.
    next_expr: usize,
    /// What the expressions before it have become.
    values: Vec<Value>,
    names: Names,
    site: SiteId,
    /// The function that is called.
    function: Option<NameId>,
}

impl<'a> Frame<'a> {
    fn new(ast: &'a Ast, body: &'a [StmtId], names: Names, site: SiteId, function: Option<NameId>) -> Frame<'a> {
        let next_expr = body.first().map_or(0, |&stmt| ast[stmt].exprs.start);
        Frame { body, stmt: 0, next_expr, values: Vec::new(), names, site, function }
    }
}

/// What follows a statement.
enum Then {
    Next,
    Return(Value, Span),
}

/// What an expression needs.
enum Eval<'a> {
    Is(Value),
    Calls(Frame<'a>),
}

impl<'a> Run<'a> {
    /// Does all statements, and gives the result of the text.
    fn body(&mut self) -> Result<Arg, Error> {
        loop {
            let (is_text, frame) = (self.frames.len() == 1, self.frame());
            let Some(&stmt) = frame.body.get(frame.stmt) else {
                if is_text {
                    return Err(self.no_result());
                }
                self.end_call(Value::None);
                continue;
            };
            let stmt = &self.ast[stmt];
            if frame.next_expr < stmt.exprs.end {
                let id = self.ast.expr_id(frame.next_expr);
                match self.expr(id).map_err(|error| self.in_calls(error))? {
                    Eval::Is(value) => self.push(value),
                    Eval::Calls(frame) => self.frames.push(frame),
                }
                continue;
            }
            match self.stmt(stmt).map_err(|error| self.in_calls(error))? {
                Then::Next => self.next_stmt(),
                Then::Return(value, span) if is_text => return self.result(value, span),
                Then::Return(value, _) => self.end_call(value),
            }
        }
    }

    fn in_calls(&self, error: Error) -> Error {
        error.in_calls(self.out.calls(self.frame().site))
    }

    fn frame(&self) -> &Frame<'a> {
        self.frames.last().expect("the text has a frame until its end")
    }

    fn frame_mut(&mut self) -> &mut Frame<'a> {
        self.frames.last_mut().expect("the text has a frame until its end")
    }

    /// The value of the next expression.
    fn push(&mut self, value: Value) {
        let frame = self.frame_mut();
        frame.values.push(value);
        frame.next_expr += 1;
    }

    fn next_stmt(&mut self) {
        let ast = self.ast;
        let frame = self.frame_mut();
        frame.values.clear();
        frame.stmt += 1;
        if let Some(&stmt) = frame.body.get(frame.stmt) {
            frame.next_expr = ast[stmt].exprs.start;
        }
    }

    fn end_call(&mut self, value: Value) {
        self.frames.pop();
        self.push(value);
    }

    fn result(&self, value: Value, span: Span) -> Result<Arg, Error> {
        match value {
            Value::Step(step) => Ok(Arg { step, span }),
            Value::None => Err(Error::new(ErrorKind::NoResult, span)),
            Value::Tuple(_) => Err(Error::new(ErrorKind::SeveralResults, span)),
        }
    }

    /// The error for a text that ends without a result.
    fn no_result(&self) -> Error {
        let last = self.ast.body().last().map(|&stmt| self.ast[stmt].span);
        Error::new(ErrorKind::NoResult, last.unwrap_or_default())
    }

    fn env(&self) -> Env<'_> {
        let [text, ..] = &self.frames[..] else { unreachable!("the text has a frame until its end") };
        Env { local: &self.frame().names, outer: (self.frames.len() > 1).then_some(&text.names) }
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Result<Then, Error> {
        match &stmt.kind {
            StmtKind::Pass => {}
            StmtKind::Expr(id) => {
                let span = self.ast[*id].span;
                let is_last = self.frame().stmt + 1 == self.frame().body.len();
                if self.frames.len() > 1 || !is_last {
                    let in_function = self.frames.len() > 1;
                    return Err(Error::new(ErrorKind::UnusedValue { in_function }, span));
                }
                return Ok(Then::Return(self.value(*id), span));
            }
            StmtKind::Return(None) => return Ok(Then::Return(Value::None, stmt.span)),
            StmtKind::Return(Some(id)) => return Ok(Then::Return(self.value(*id), self.ast[*id].span)),
            StmtKind::Assign { targets, value } => {
                let (value, span) = (self.value(*value), self.ast[*value].span);
                for &target in targets {
                    self.assign(target, value.clone(), span)?;
                }
            }
            StmtKind::AugAssign { target, op, value } => {
                let name = match self.ast[*target].kind {
                    ExprKind::Name(name) => name,
                    _ => return Err(Error::new(ErrorKind::PartAssigned, self.ast[*target].span)),
                };
                let span = self.ast[*target].span;
                let Some(old) = self.frame().names.get(&name).cloned() else {
                    return Err(Error::new(ErrorKind::NothingToChange { name: self.text_of(name) }, span));
                };
                let old = self.operand(old, *target)?;
                let new = self.operand(self.value(*value), *value)?;
                let value = self.step(Action::Binary(*op), stmt.span, &[old, new]);
                self.bind(name, value);
            }
            StmtKind::Def { name, name_span, params, body } => {
                if self.frames.len() > 1 {
                    return Err(Error::new(ErrorKind::NestedFunction, *name_span));
                }
                let defaults = params.iter().map(|param| param.default.map(|id| self.value(id))).collect();
                self.frame_mut().names.remove(name);
                self.functions.insert(*name, Function::new(self.ast, (*name, *name_span), params, defaults, body));
            }
        }
        Ok(Then::Next)
    }

    /// Gives the targets of an assignment their values.
    fn assign(&mut self, target: ast::ExprId, value: Value, value_span: Span) -> Result<(), Error> {
        let mut pending = vec![(target, value)];
        while let Some((target, value)) = pending.pop() {
            let span = self.ast[target].span;
            match (&self.ast[target].kind, value) {
                (ExprKind::Name(name), value) => self.bind(*name, value),
                (ExprKind::Tuple { items }, Value::Tuple(tuple)) => {
                    if items.len() != tuple.items().len() {
                        let kind =
                            ErrorKind::UnpackCount { names: items.len(), values: tuple.items().len(), value_span };
                        return Err(Error::new(kind, span));
                    }
                    pending.extend(items.iter().copied().zip(tuple.items().iter().cloned()).rev());
                }
                (ExprKind::Tuple { .. }, _) => return Err(Error::new(ErrorKind::UnpackValue { value_span }, span)),
                _ => return Err(Error::new(ErrorKind::PartAssigned, span)),
            }
        }
        Ok(())
    }

    fn bind(&mut self, name: NameId, value: Value) {
        if self.frames.len() == 1 {
            self.functions.remove(&name);
        }
        self.frame_mut().names.insert(name, value);
    }

    fn text_of(&self, name: NameId) -> String {
        calls::brief_name(self.ast, name)
    }

    /// What an expression of the current statement has become.
    fn value(&self, id: ast::ExprId) -> Value {
        let frame = self.frame();
        let start = self.ast[frame.body[frame.stmt]].exprs.start;
        frame.values[id.index() - start].clone()
    }

    /// A value as an argument of an operation.
    fn operand(&mut self, value: Value, id: ast::ExprId) -> Result<Arg, Error> {
        let span = self.ast[id].span;
        match (value, &self.ast[id].kind) {
            (Value::Step(step), _) => Ok(Arg { step, span }),
            (Value::Tuple(_), _) => Err(Error::new(ErrorKind::TupleAsValue, span)),
            (Value::None, ExprKind::Name(name)) if self.ast.name(*name) != "None" => {
                Err(Error::new(ErrorKind::NoneAsValue { name: self.text_of(*name) }, span))
            }
            // There is no variable of this name.
            (Value::None, ExprKind::Name(name)) => {
                Ok(Arg { step: self.push_step(Action::Name(*name), span, &[]), span })
            }
            (Value::None, _) => Err(Error::new(ErrorKind::NothingReturned, span)),
        }
    }

    fn operands(&mut self, ids: &[ast::ExprId]) -> Result<Vec<Arg>, Error> {
        ids.iter().map(|&id| self.operand(self.value(id), id)).collect()
    }

    fn step(&mut self, action: Action, span: Span, args: &[Arg]) -> Value {
        Value::Step(self.push_step(action, span, args))
    }

    fn push_step(&mut self, action: Action, span: Span, args: &[Arg]) -> StepId {
        let start = self.out.args.len();
        self.out.args.extend_from_slice(args);
        let options = self.out.options.len();
        let (site, id) = (self.frame().site, StepId(self.out.steps.len() as u32));
        self.out.steps.push(Step { action, span, site, args: start..self.out.args.len(), options: options..options });
        id
    }

    fn expr(&mut self, id: ast::ExprId) -> Result<Eval<'a>, Error> {
        let ast::Expr { kind, span } = &self.ast[id];
        let span = *span;
        if self.is_skipped[id.index()] {
            return Ok(Eval::Is(Value::None));
        }
        if self.n_exprs == self.max_exprs {
            return Err(Error::new(ErrorKind::TooLarge { limit: self.max_exprs }, span));
        }
        self.n_exprs += 1;
        let value = match kind {
            ExprKind::Int(value) => self.step(Action::Int(*value), span, &[]),
            ExprKind::Float(value) => self.step(Action::Float(*value), span, &[]),
            ExprKind::Imaginary(value) => self.step(Action::Imaginary(*value), span, &[]),
            ExprKind::Bool(value) => self.step(Action::Bool(*value), span, &[]),
            ExprKind::Name(name) => self.name(*name, span)?,
            ExprKind::Unary { op, arg } => {
                let args = self.operands(&[*arg])?;
                self.step(Action::Unary(*op), span, &args)
            }
            ExprKind::Binary { op, lhs, rhs } => {
                let args = self.operands(&[*lhs, *rhs])?;
                self.step(Action::Binary(*op), span, &args)
            }
            ExprKind::Compare { first, rest } => {
                let ids: Vec<_> = [*first].into_iter().chain(rest.iter().map(|&(_, rhs)| rhs)).collect();
                let args = self.operands(&ids)?;
                self.step(Action::Compare(rest.iter().map(|&(op, _)| op).collect()), span, &args)
            }
            ExprKind::IfElse { condition, then, otherwise } => {
                let args = self.operands(&[*then, *condition, *otherwise])?;
                self.step(Action::IfElse, span, &args)
            }
            ExprKind::Tuple { items } => self.tuple(items, span)?,
            ExprKind::Attribute { object, name, name_span } => match self.is_skipped[object.index()] {
                true if NEW_AXIS == self.ast.name(*name) => Value::None,
                true => self.step(Action::Constant(*name), span, &[]),
                false if TRANSPOSE == self.ast.name(*name) => {
                    let object = self.operand(self.value(*object), *object)?;
                    self.view(object, &ViewOp::Transpose, span)?
                }
                false => {
                    return Err(Error::new(ErrorKind::UnknownAttribute { name: self.text_of(*name) }, *name_span));
                }
            },
            ExprKind::Index { object, items } => {
                let items = self.items(items)?;
                match (self.value(*object), &items[..]) {
                    (Value::Tuple(tuple), &[Item::At(at)]) => {
                        let n = tuple.items().len();
                        let place = if at < 0 { at.checked_add(n as i64) } else { Some(at) };
                        let item = place.and_then(|place| tuple.items().get(usize::try_from(place).ok()?));
                        item.cloned().ok_or_else(|| Error::new(ErrorKind::TupleIndex { at, n }, span))?
                    }
                    (value, _) => {
                        let object = self.operand(value, *object)?;
                        self.view(object, &ViewOp::Index(items.into()), span)?
                    }
                }
            }
            ExprKind::Call { function, function_span, args, keywords } => {
                return self.call(*function, *function_span, args, keywords, span);
            }
            ExprKind::Method { object, name, name_span, args, keywords } => {
                let callee = Callee { name: *name, span: *name_span };
                match self.is_skipped[object.index()] {
                    true => self.table_call(callee, None, args, keywords, span)?,
                    false => self.method(callee, *object, args, keywords, span)?,
                }
            }
        };
        Ok(Eval::Is(value))
    }

    fn name(&mut self, name: NameId, span: Span) -> Result<Value, Error> {
        if let Some(value) = self.env().get(name) {
            return Ok(value.clone());
        }
        if self.functions.contains_key(&name) {
            return Err(Error::new(ErrorKind::FunctionAsValue { name: self.text_of(name) }, span));
        }
        if self.ast.name(name) == "None" {
            return Ok(Value::None);
        }
        if let Some(function) = self.frame().function
            && self.functions.get(&function).is_some_and(|function| function.assigns(name))
        {
            return Err(Error::new(ErrorKind::Unset { name: self.text_of(name) }, span));
        }
        Ok(self.step(Action::Name(name), span, &[]))
    }

    fn tuple(&mut self, items: &[ast::ExprId], span: Span) -> Result<Value, Error> {
        let items = items.iter().map(|&item| self.value(item)).collect();
        let tuple =
            Tuple::new(items).ok_or_else(|| Error::new(ErrorKind::TupleTooDeep { limit: MAX_TUPLE_DEPTH }, span))?;
        Ok(Value::Tuple(Rc::new(tuple)))
    }

    /// What is between brackets.
    fn items(&self, items: &[IndexItem]) -> Result<Vec<Item>, Error> {
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
                        return Err(Error::new(ErrorKind::StepOfZero, self.ast[step].span));
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
        match options::choice(self.ast, &self.env(), &self.out, id).kind {
            ChoiceKind::Int(value) => Ok(Some(value.clamp(i64::MIN.into(), i64::MAX.into()) as i64)),
            ChoiceKind::None => Ok(None),
            _ => match self.ast[id].kind {
                ExprKind::Attribute { name, object, .. }
                    if self.is_skipped[object.index()] && self.ast.name(name) == NEW_AXIS =>
                {
                    Ok(None)
                }
                _ => Err(Error::new(ErrorKind::WrongIndex, self.ast[id].span)),
            },
        }
    }

    /// A view of an operation. It becomes the same operation of views of the variables below it,
    /// each of which is first broadcast to the shape that all of them have together.
    fn view(&mut self, of: Arg, op: &ViewOp, span: Span) -> Result<Value, Error> {
        if let ViewOp::Index(items) = op
            && items.iter().filter(|&&item| item == Item::Ellipsis).count() > 1
        {
            return Err(Error::new(ErrorKind::TwoEllipses, span));
        }
        if let Some(array) = self.out.array(self.out.step(of.step)) {
            return Ok(self.view_step(array, op.clone(), span));
        }
        let below = self.below(of, span)?;
        let mut arrays: Vec<Array> = below.iter().filter_map(|&id| self.out.array(self.out.step(id))).collect();
        arrays.sort_unstable();
        arrays.dedup();
        if arrays.is_empty() {
            return Err(Error::new(ErrorKind::NumberIndexed, span));
        }
        let group = (arrays.len() > 1).then(|| self.out.views.intern_group(&arrays));
        let mut view_of: FxHashMap<StepId, StepId> = FxHashMap::default();
        for id in below {
            let Step { action, span: own_span, .. } = self.out.step(id).clone();
            let args: Vec<Arg> = self.out.args(self.out.step(id)).to_vec();
            let viewed = match (self.out.array(self.out.step(id)), group) {
                (Some(array), None) => self.view_step(array, op.clone(), span),
                (Some(of), Some(group)) => {
                    let def = ViewDef { of, op: ViewOp::BroadcastIn(group), span, site: self.frame().site };
                    let whole = Array::View(self.out.views.intern(def));
                    self.view_step(whole, op.clone(), span)
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

    fn view_step(&mut self, of: Array, op: ViewOp, span: Span) -> Value {
        let def = ViewDef { of, op, span, site: self.frame().site };
        let view = self.out.views.intern(def);
        self.step(Action::View(view), span, &[])
    }

    /// The operations that one is made of, itself included, in order. Each counts as an expression.
    fn below(&mut self, of: Arg, span: Span) -> Result<Vec<StepId>, Error> {
        let mut seen = FxHashSet::default();
        let mut pending = vec![of.step];
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            if self.n_exprs == self.max_exprs {
                return Err(Error::new(ErrorKind::TooLarge { limit: self.max_exprs }, span));
            }
            self.n_exprs += 1;
            let step = self.out.step(id);
            if let Action::Call(callee) = step.action
                && table::find(self.ast.name(callee.name)).is_some_and(|row| row.is_along_axes())
            {
                let call = step.span;
                return Err(Error::new(ErrorKind::ReductionIndexed { call }, span));
            }
            pending.extend(self.out.args(step).iter().map(|arg| arg.step));
        }
        let mut below: Vec<StepId> = seen.into_iter().collect();
        below.sort_unstable();
        Ok(below)
    }

    /// A call by a name: of a function of the text, or of the table.
    fn call(
        &mut self,
        name: NameId,
        name_span: Span,
        args: &'a [ast::ExprId],
        keywords: &'a [Keyword],
        span: Span,
    ) -> Result<Eval<'a>, Error> {
        if self.env().get(name).is_some() {
            return Err(Error::new(ErrorKind::ValueAsFunction { name: self.text_of(name) }, name_span));
        }
        let Some(function) = self.functions.get(&name) else {
            if self.is_assigned[name.index()]
                && let Some(later) = calls::definition(self.ast, name)
            {
                return Err(Error::new(ErrorKind::NotYetDefined { name: self.text_of(name), later }, name_span));
            }
            return Ok(Eval::Is(self.table_call(Callee { name, span: name_span }, None, args, keywords, span)?));
        };
        let open = self.frames.iter().filter_map(|frame| frame.function);
        if let Some(start) = open.clone().position(|open| open == name) {
            let cycle = open.skip(start).chain([name]).map(|name| self.text_of(name)).collect();
            return Err(Error::new(ErrorKind::Recursion { cycle }, span));
        }
        let of = |id: ast::ExprId| self.value(id);
        let names = calls::bind(self.ast, function, args, keywords, of, span)?;
        let body = function.body;
        let site = SiteId(self.out.sites.len() as u32 + 1);
        self.out.sites.push(Site { function: name, call: span, parent: self.frame().site });
        Ok(Eval::Calls(Frame::new(self.ast, body, names, site, Some(name))))
    }

    fn method(
        &mut self,
        callee: Callee,
        object: ast::ExprId,
        args: &[ast::ExprId],
        keywords: &[Keyword],
        span: Span,
    ) -> Result<Value, Error> {
        let name = self.ast.name(callee.name);
        if name == AS_TYPE {
            let ([dtype], []) = (args, keywords) else {
                return Err(Error::new(ErrorKind::AsTypeArguments, span));
            };
            let name = match self.ast[*dtype].kind {
                ExprKind::Name(name) | ExprKind::Attribute { name, .. }
                    if table::find(self.ast.name(name)).is_some_and(|row| row.is_cast()) =>
                {
                    name
                }
                _ => return Err(Error::new(ErrorKind::AsTypeArguments, self.ast[*dtype].span)),
            };
            let callee = Callee { name, span: self.ast[*dtype].span };
            return self.table_call(callee, Some(object), &[], &[], span);
        }
        if !METHODS.contains(&name) {
            return Err(Error::new(ErrorKind::UnknownMethod { name: self.text_of(callee.name) }, callee.span));
        }
        self.table_call(callee, Some(object), args, keywords, span)
    }

    /// A call of a function of the table. Whether there is one of this name is not asked here.
    fn table_call(
        &mut self,
        callee: Callee,
        object: Option<ast::ExprId>,
        args: &[ast::ExprId],
        keywords: &[Keyword],
        span: Span,
    ) -> Result<Value, Error> {
        let by_position: Vec<ast::ExprId> = object.into_iter().chain(args.iter().copied()).collect();
        let is_along = table::find(self.ast.name(callee.name)).is_some_and(|row| row.is_along_axes());
        let n_operands = if is_along { by_position.len().min(1) } else { by_position.len() };
        let operands = self.operands(&by_position[..n_operands])?;
        let mut options = Vec::new();
        for &id in &by_position[n_operands..] {
            options.push(self.option(None, id));
        }
        for keyword in keywords {
            options.push(self.option(Some((keyword.name, keyword.name_span)), keyword.value));
        }
        let id = self.push_step(Action::Call(callee), span, &operands);
        let start = self.out.options.len();
        self.out.options.extend(options);
        self.out.steps[id.index()].options = start..self.out.options.len();
        Ok(Value::Step(id))
    }

    fn option(&self, name: Option<(NameId, Span)>, id: ast::ExprId) -> OptionArg {
        let brief = if name.is_none() { options::brief(self.ast, id) } else { None };
        OptionArg { name, choice: options::choice(self.ast, &self.env(), &self.out, id), brief }
    }
}
