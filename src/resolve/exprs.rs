//! What each kind of expression becomes.
//!
//! In: an expression whose parts have become values. Out: a value, or the frame of a call of a
//! function of the text or of a prelude.

use super::calls::{self, Given};
use super::error::{Error, ErrorKind};
use super::items::Item;
use super::options::{self, OptionArg};
use super::registry::{Found, RustId};
use super::run::{Eval, Frame, FunctionId, Role, Run, Source};
use super::value::{MAX_TUPLE_DEPTH, Names, Tuple, Value};
use super::views::ViewOp;
use super::{AS_TYPE, Action, Callee, NEW_AXIS, TRANSPOSE};
use crate::ops::{METHODS, table};
use ndexpr_grammar::{self as ast, ExprKind, NameId, Span, StmtKind};
use std::rc::Rc;

impl<'a> Run<'a> {
    pub(super) fn expr(&mut self, id: ast::ExprId) -> Result<Eval<'a>, Error> {
        let ast = self.ast();
        let ast::Expr { kind, span } = &ast[id];
        let span = *span;
        self.count(1, span)?;
        if self.is_skipped(id) {
            return Ok(Eval::Is(Value::None));
        }
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
            ExprKind::Attribute { object, name, name_span } => match self.is_skipped(*object) {
                true if NEW_AXIS == ast.name(*name) => Value::None,
                true => {
                    let name = self.out_name(*name);
                    self.step(Action::Constant(name), span, &[])
                }
                false if TRANSPOSE == ast.name(*name) => {
                    let object = self.reference(self.value(*object), *object)?;
                    self.view(object, &ViewOp::Transpose, span)?
                }
                false => {
                    return Err(Error::new(ErrorKind::UnknownAttribute { name: self.text_of(*name) }, *name_span));
                }
            },
            ExprKind::Index { object, items } => {
                let items = self.items(items, span)?;
                match (self.value(*object), &items[..]) {
                    (Value::Tuple(tuple), &[Item::At(at)]) => {
                        let n = tuple.items().len();
                        let place = if at < 0 { at.checked_add(n as i64) } else { Some(at) };
                        let item = place.and_then(|place| tuple.items().get(usize::try_from(place).ok()?));
                        item.cloned().ok_or_else(|| Error::new(ErrorKind::TupleIndex { at, n }, span))?
                    }
                    (value, _) => {
                        let object = self.reference(value, *object)?;
                        self.view(object, &ViewOp::Index(items.into()), span)?
                    }
                }
            }
            ExprKind::Call { function, function_span, args, keywords } => {
                return self.call(*function, *function_span, Given { ast, args, keywords, span });
            }
            ExprKind::Method { object, name, name_span, args, keywords } => {
                let given = Given { ast, args, keywords, span };
                match self.is_skipped(*object) {
                    true => self.table_call(*name, *name_span, None, given)?,
                    false => self.method(*name, *name_span, *object, given)?,
                }
            }
        };
        Ok(Eval::Is(value))
    }

    fn name(&mut self, name: NameId, span: Span) -> Result<Value, Error> {
        match self.env().get(name) {
            Some(&Value::Unset(unset))
                if self.frames.len() > 1 || self.is_variable(self.ast().name(name)).is_some() =>
            {
                return Err(self.maybe_unset(name, unset, span));
            }
            // Whether there is a variable is not known.
            Some(Value::Unset(_)) | None => {}
            Some(value) => return Ok(value.clone()),
        }
        if self.env().is_own(name) {
            return Err(Error::new(ErrorKind::Unset { name: self.text_of(name) }, span));
        }
        let is_of_text = self.frame().source.prelude.is_none();
        if is_of_text && self.functions.contains_key(&FunctionId { prelude: None, name }) {
            return Err(Error::new(ErrorKind::FunctionAsValue { name: self.text_of(name) }, span));
        }
        if self.ast().name(name) == "None" {
            return Ok(Value::None);
        }
        let name = self.out_name(name);
        Ok(self.step(Action::Name(name), span, &[]))
    }

    fn tuple(&mut self, items: &[ast::ExprId], span: Span) -> Result<Value, Error> {
        let items = items.iter().map(|&item| self.value(item)).collect();
        let tuple =
            Tuple::new(items).ok_or_else(|| Error::new(ErrorKind::TupleTooDeep { limit: MAX_TUPLE_DEPTH }, span))?;
        Ok(Value::Tuple(Rc::new(tuple)))
    }

    /// A call by a name: of a function of the text, of a prelude, of Rust, or of the language.
    fn call(&mut self, name: NameId, name_span: Span, given: Given<'a>) -> Result<Eval<'a>, Error> {
        if self.env().get(name).is_some() {
            return Err(Error::new(ErrorKind::ValueAsFunction { name: self.text_of(name) }, name_span));
        }
        if self.env().is_own(name) {
            return Err(Error::new(ErrorKind::Unset { name: self.text_of(name) }, name_span));
        }
        let source = self.frame().source;
        let found = match source.prelude {
            Some(prelude) => self.registry.find_from(prelude, source.ast.name(name)),
            None if self.functions.contains_key(&FunctionId { prelude: None, name }) => {
                return self.call_function(FunctionId { prelude: None, name }, source, name, given);
            }
            None => {
                if source.scan.is_assigned[name.index()]
                    && let Some(later) = calls::definition(source.ast, name)
                {
                    return Err(Error::new(ErrorKind::NotYetDefined { name: self.text_of(name), later }, name_span));
                }
                self.registry.find(source.ast.name(name))
            }
        };
        match found {
            Some(Found::Prelude(id, place)) => {
                let prelude = self.registry.prelude(id);
                let source = Source { prelude: Some(id), ast: &prelude.ast, scan: &prelude.scan };
                let definition = &source.ast.body()[place..=place];
                let StmtKind::Def { name: own_name, .. } = source.ast[definition[0]].kind else {
                    unreachable!("a prelude is made of definitions");
                };
                let function = FunctionId { prelude: Some(id), name: own_name };
                if self.functions.contains_key(&function) || self.is_open(function) {
                    return self.call_function(function, source, name, given);
                }
                let site = self.add_site(name, given.span);
                Ok(Eval::Calls(Box::new(Frame::new(
                    source,
                    definition,
                    Names::default(),
                    site,
                    Role::Definition(function),
                ))))
            }
            Some(Found::Rust(id)) => self.rust_call(id, given).map(Eval::Is),
            None => self.table_call(name, name_span, None, given).map(Eval::Is),
        }
    }

    /// Whether a call of a function is open.
    fn is_open(&self, function: FunctionId) -> bool {
        self.frames.iter().any(|frame| frame.role.function() == Some(function))
    }

    /// A call of a function of the text or of a prelude, which is in the given tree. `name` is its
    /// name in the tree of the call.
    fn call_function(
        &mut self,
        id: FunctionId,
        source: Source<'a>,
        name: NameId,
        given: Given<'a>,
    ) -> Result<Eval<'a>, Error> {
        if self.is_open(id) {
            let open = self.frames.iter().filter_map(|frame| frame.role.function());
            let names = open.skip_while(|&open| open != id).chain([id]).take(ErrorKind::MAX_NAMES);
            let cycle = names.map(|function| self.name_of(function)).collect();
            return Err(Error::new(ErrorKind::Recursion { cycle }, given.span));
        }
        let Some(function) = self.functions.get(&id) else { unreachable!("it is defined, or open") };
        let bound = calls::bind(function, given)?;
        let values = bound.iter().zip(&function.defaults).map(|(arg, default)| match arg {
            Some(arg) => self.value(*arg),
            None => default.clone().unwrap_or(Value::None),
        });
        let names: Names = function.params.iter().map(|param| param.name).zip(values).collect();
        let (body, n_params) = (function.body, function.params.len());
        self.count(n_params, given.span)?;
        let site = self.add_site(name, given.span);
        let guard = self.guard();
        Ok(Eval::Calls(Box::new(Frame::new(source, body, names, site, Role::Body(id)).guarded(guard))))
    }

    /// The name of a function for a message.
    fn name_of(&self, function: FunctionId) -> String {
        let ast = match function.prelude {
            Some(prelude) => &self.registry.prelude(prelude).ast,
            None => self.frames[0].source.ast,
        };
        calls::brief_name(ast, function.name)
    }

    /// A call of a function of Rust.
    fn rust_call(&mut self, id: RustId, given: Given<'a>) -> Result<Value, Error> {
        let bound = calls::bind(self.registry.function(id), given)?;
        let args: Vec<ast::ExprId> = bound.into_iter().flatten().collect();
        let operands = self.operands(&args)?;
        Ok(self.step(Action::Rust(id), given.span, &operands))
    }

    fn method(&mut self, name: NameId, name_span: Span, object: ast::ExprId, given: Given<'a>) -> Result<Value, Error> {
        let Given { ast, args, keywords, span } = given;
        let text = ast.name(name);
        if text == AS_TYPE {
            let ([dtype], []) = (args, keywords) else {
                return Err(Error::new(ErrorKind::AsTypeArguments, span));
            };
            let name = match ast[*dtype].kind {
                ExprKind::Name(name) if self.env().get(name).is_some() => {
                    return Err(Error::new(ErrorKind::AsTypeArguments, ast[*dtype].span));
                }
                ExprKind::Name(name) | ExprKind::Attribute { name, .. }
                    if table::find(ast.name(name)).is_some_and(|row| row.is_cast()) =>
                {
                    name
                }
                _ => return Err(Error::new(ErrorKind::AsTypeArguments, ast[*dtype].span)),
            };
            let given = Given { args: &[], keywords: &[], ..given };
            return self.table_call(name, ast[*dtype].span, Some(object), given);
        }
        if !METHODS.contains(&text) {
            return Err(Error::new(ErrorKind::UnknownMethod { name: self.text_of(name) }, name_span));
        }
        self.table_call(name, name_span, Some(object), given)
    }

    /// A call of a function of the language. Whether there is one of this name is not asked here.
    fn table_call(
        &mut self,
        name: NameId,
        name_span: Span,
        object: Option<ast::ExprId>,
        given: Given<'a>,
    ) -> Result<Value, Error> {
        let Given { ast, args, keywords, span } = given;
        let by_position: Vec<ast::ExprId> = object.into_iter().chain(args.iter().copied()).collect();
        let is_along = table::find(ast.name(name)).is_some_and(|row| row.is_along_axes());
        let n_operands = if is_along { by_position.len().min(1) } else { by_position.len() };
        let operands = self.operands(&by_position[..n_operands])?;
        if is_along && operands.iter().any(|arg| self.depends_on_loop(arg.step)) {
            return Err(Error::new(ErrorKind::ReductionInLoop, span));
        }
        let mut options = Vec::new();
        for &id in &by_position[n_operands..] {
            options.push(self.option(None, id));
        }
        for keyword in keywords {
            let name = self.out_name(keyword.name);
            options.push(self.option(Some((name, keyword.name_span)), keyword.value));
        }
        let callee = Callee { name: self.out_name(name), span: name_span };
        let id = self.push_step(Action::Call(callee), span, &operands);
        let start = self.out.options.len();
        self.out.options.extend(options);
        self.out.steps[id.index()].options = start..self.out.options.len();
        Ok(Value::Step(id))
    }

    fn option(&self, name: Option<(NameId, Span)>, id: ast::ExprId) -> OptionArg {
        let brief = if name.is_none() { options::brief(self.ast(), id) } else { None };
        OptionArg { name, choice: self.known().choice(id), brief }
    }
}
