//! What each kind of expression becomes.
//!
//! In: an expression whose parts have become values. Out: a value, or the frame of a call of a
//! function of the text.

use super::calls;
use super::error::{Error, ErrorKind};
use super::options::{self, OptionArg};
use super::run::{Eval, Frame, Run};
use super::value::{MAX_TUPLE_DEPTH, Tuple, Value};
use super::views::{Item, ViewOp};
use super::{AS_TYPE, Action, Callee, NEW_AXIS, Site, SiteId, TRANSPOSE};
use crate::ops::{METHODS, table};
use ndexpr_grammar::{self as ast, ExprKind, Keyword, NameId, Span};
use std::rc::Rc;

impl<'a> Run<'a> {
    pub(super) fn expr(&mut self, id: ast::ExprId) -> Result<Eval<'a>, Error> {
        let ast::Expr { kind, span } = &self.ast[id];
        let span = *span;
        self.count(1, span)?;
        if self.is_skipped[id.index()] {
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
            ExprKind::Attribute { object, name, name_span } => match self.is_skipped[object.index()] {
                true if NEW_AXIS == self.ast.name(*name) => Value::None,
                true => self.step(Action::Constant(*name), span, &[]),
                false if TRANSPOSE == self.ast.name(*name) => {
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
        if self.env().is_own(name) {
            return Err(Error::new(ErrorKind::Unset { name: self.text_of(name) }, span));
        }
        if self.functions.contains_key(&name) {
            return Err(Error::new(ErrorKind::FunctionAsValue { name: self.text_of(name) }, span));
        }
        if self.ast.name(name) == "None" {
            return Ok(Value::None);
        }
        Ok(self.step(Action::Name(name), span, &[]))
    }

    fn tuple(&mut self, items: &[ast::ExprId], span: Span) -> Result<Value, Error> {
        let items = items.iter().map(|&item| self.value(item)).collect();
        let tuple =
            Tuple::new(items).ok_or_else(|| Error::new(ErrorKind::TupleTooDeep { limit: MAX_TUPLE_DEPTH }, span))?;
        Ok(Value::Tuple(Rc::new(tuple)))
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
        if self.env().is_own(name) {
            return Err(Error::new(ErrorKind::Unset { name: self.text_of(name) }, name_span));
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
            let names = open.skip(start).chain([name]);
            let cycle = names.take(ErrorKind::MAX_NAMES).map(|name| self.text_of(name)).collect();
            return Err(Error::new(ErrorKind::Recursion { cycle }, span));
        }
        let of = |id: ast::ExprId| self.value(id);
        let names = calls::bind(self.ast, function, args, keywords, of, span)?;
        let (body, n_params) = (function.body, function.n_params());
        self.count(n_params, span)?;
        let site = SiteId(self.out.shared.sites.len() as u32 + 1);
        let parent = self.frame().site;
        self.out.shared_mut().sites.push(Site { function: name, call: span, parent });
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
                ExprKind::Name(name) if self.env().get(name).is_some() => {
                    return Err(Error::new(ErrorKind::AsTypeArguments, self.ast[*dtype].span));
                }
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
