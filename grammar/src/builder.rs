//! Builds the tree while the parser reduces.
//!
//! In: one call per expression and statement, children first. Out: an [`Ast`]. Always true: an
//! expression is added once and its children are there before it, names are stored once in the
//! order they were first read, and there are never more expressions and statements than the limit.

use std::collections::HashMap;

use lalrpop_util::ParseError;

use crate::ast::{Ast, Expr, ExprId, ExprKind, IndexItem, Keyword, NameId, Stmt, StmtId};
use crate::error::Error;
use crate::name::normal_name;
use crate::number::Number;
use crate::operator::{BinaryOp, CompareOp, UnaryOp};
use crate::span::Span;
use crate::token::Token;

mod chain;
mod control;
mod statement;
mod target;

pub(crate) use control::{Branch, Condition, LoopHeader, LoopTarget};
pub(crate) use statement::{Header, Params};

/// What a fallible action of the grammar returns.
pub(crate) type Reduced<'s, T> = Result<T, ParseError<u32, Token<'s>, Error>>;

/// A name and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpannedName {
    pub(crate) name: NameId,
    pub(crate) span: Span,
}

/// An argument of a call.
#[derive(Debug)]
pub(crate) enum Arg {
    Positional(ExprId, Span),
    Keyword(SpannedName, ExprId),
}

/// The arguments of a call, as far as they are read.
#[derive(Debug, Default)]
pub(crate) struct Args {
    positional: Vec<ExprId>,
    keywords: Vec<Keyword>,
    /// Where each keyword is. This is a map because a call may have as many keywords as the text
    /// has room for.
    keyword_spans: HashMap<NameId, Span>,
}

/// An operand and its place, including the brackets around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) id: ExprId,
    pub(crate) outer: Span,
}

/// How far a tree has grown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    n_exprs: usize,
    n_names: usize,
}

/// A tree that grows.
#[derive(Debug)]
pub(crate) struct Builder<'s> {
    text: &'s str,
    max_nodes: usize,
    exprs: Vec<Expr>,
    stmts: Vec<Stmt>,
    body: Box<[StmtId]>,
    names: Vec<Box<str>>,
    name_ids: HashMap<Box<str>, NameId>,
    /// How far the tree had grown when the current statement began.
    statement: Mark,
    /// The number of loops around the current statement, inside the same function.
    n_loops: usize,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(text: &'s str, max_nodes: usize) -> Self {
        Self {
            text,
            max_nodes,
            exprs: Vec::new(),
            stmts: Vec::new(),
            body: Box::default(),
            names: Vec::new(),
            name_ids: HashMap::new(),
            statement: Mark::default(),
            n_loops: 0,
        }
    }

    /// The tree. `None` if it has no statement.
    pub(crate) fn finish(self) -> Option<Ast> {
        Ast::new(self.exprs, self.stmts, self.body, self.names)
    }

    /// The id of a name. All spellings of one name have the same id.
    pub(crate) fn intern(&mut self, name: &str) -> Reduced<'s, NameId> {
        let name = &*normal_name(name);
        if let Some(&id) = self.name_ids.get(name) {
            return Ok(id);
        }
        let id = NameId::new(self.names.len());
        self.names.push(name.into());
        self.name_ids.insert(name.into(), id);
        Ok(id)
    }

    /// How far the tree has grown.
    pub(crate) fn mark(&self) -> Mark {
        Mark { n_exprs: self.exprs.len(), n_names: self.names.len() }
    }

    /// Removes the expressions that were added since, and the names that were first read since.
    pub(crate) fn forget(&mut self, since: Mark) {
        self.exprs.truncate(since.n_exprs);
        for name in self.names.drain(since.n_names..) {
            self.name_ids.remove(&name);
        }
    }

    pub(crate) fn number(&mut self, number: Number, span: Span) -> Reduced<'s, ExprId> {
        let kind = match number {
            Number::Int(value) => ExprKind::Int(value),
            Number::Float(value) => ExprKind::Float(value),
            Number::Imaginary(value) => ExprKind::Imaginary(value),
        };
        self.add(kind, span)
    }

    pub(crate) fn bool(&mut self, value: bool, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Bool(value), span)
    }

    pub(crate) fn name(&mut self, name: NameId, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Name(name), span)
    }

    pub(crate) fn unary(&mut self, op: UnaryOp, op_span: Span, arg: ExprId, span: Span) -> Reduced<'s, ExprId> {
        self.check_operand(arg, op_span)?;
        self.add(ExprKind::Unary { op, arg }, span)
    }

    pub(crate) fn binary(
        &mut self,
        (op, op_span): (BinaryOp, Span),
        lhs: ExprId,
        rhs: ExprId,
        span: Span,
    ) -> Reduced<'s, ExprId> {
        self.check_operand(lhs, op_span)?;
        self.check_operand(rhs, op_span)?;
        self.add(ExprKind::Binary { op, lhs, rhs }, span)
    }

    pub(crate) fn compare(&mut self, first: Operand, rest: Vec<(CompareOp, Span, Operand)>) -> Reduced<'s, ExprId> {
        let mut lhs = first;
        for &(_, op_span, rhs) in &rest {
            self.check_operand(lhs.id, op_span)?;
            self.check_operand(rhs.id, op_span)?;
            lhs = rhs;
        }
        let span = first.outer.join(lhs.outer);
        if rest.len() > 1 {
            let comparands: Vec<Operand> = [first].into_iter().chain(rest.iter().map(|&(_, _, rhs)| rhs)).collect();
            self.check_chain(&comparands, span).map_err(|error| ParseError::User { error })?;
        }
        let rest = rest.into_iter().map(|(op, _, rhs)| (op, rhs.id)).collect();
        self.add(ExprKind::Compare { first: first.id, rest }, span)
    }

    /// `keyword` is where the `if` is.
    pub(crate) fn if_else(
        &mut self,
        keyword: Span,
        condition: ExprId,
        then: ExprId,
        otherwise: ExprId,
        span: Span,
    ) -> Reduced<'s, ExprId> {
        for operand in [then, condition, otherwise] {
            self.check_operand(operand, keyword)?;
        }
        self.add(ExprKind::IfElse { condition, then, otherwise }, span)
    }

    pub(crate) fn tuple(&mut self, items: Vec<ExprId>, span: Span) -> Reduced<'s, ExprId> {
        let items = items.into_boxed_slice();
        self.add(ExprKind::Tuple { items }, span)
    }

    /// Adds an argument to the arguments.
    pub(crate) fn arg(&mut self, mut args: Args, arg: Arg) -> Reduced<'s, Args> {
        let error = match arg {
            Arg::Positional(value, span) => match args.keywords.last() {
                None => {
                    args.positional.push(value);
                    return Ok(args);
                }
                Some(keyword) => Error::positional_after_keyword(keyword.name_span, span),
            },
            Arg::Keyword(SpannedName { name, span: name_span }, value) => {
                match args.keyword_spans.insert(name, name_span) {
                    None => {
                        args.keywords.push(Keyword { name, name_span, value });
                        return Ok(args);
                    }
                    Some(first) => Error::repeated_keyword(&self.names[name.index()], first, name_span),
                }
            }
        };
        Err(ParseError::User { error })
    }

    pub(crate) fn call(&mut self, function: SpannedName, args: Args, span: Span) -> Reduced<'s, ExprId> {
        let SpannedName { name: function, span: function_span } = function;
        let keywords = args.keywords.into_boxed_slice();
        let args = args.positional.into_boxed_slice();
        self.add(ExprKind::Call { function, function_span, args, keywords }, span)
    }

    pub(crate) fn attribute(&mut self, object: ExprId, name: SpannedName, span: Span) -> Reduced<'s, ExprId> {
        let SpannedName { name, span: name_span } = name;
        self.add(ExprKind::Attribute { object, name, name_span }, span)
    }

    pub(crate) fn method(&mut self, object: ExprId, name: SpannedName, args: Args, span: Span) -> Reduced<'s, ExprId> {
        let SpannedName { name, span: name_span } = name;
        let keywords = args.keywords.into_boxed_slice();
        let args = args.positional.into_boxed_slice();
        self.add(ExprKind::Method { object, name, name_span, args, keywords }, span)
    }

    pub(crate) fn index(&mut self, object: ExprId, items: Vec<IndexItem>, span: Span) -> Reduced<'s, ExprId> {
        let items = items.into_boxed_slice();
        self.add(ExprKind::Index { object, items }, span)
    }

    /// Refuses a tuple beside an operator.
    fn check_operand(&self, operand: ExprId, operator: Span) -> Reduced<'s, ()> {
        let Expr { kind, span } = &self.exprs[operand.index()];
        match kind {
            ExprKind::Tuple { .. } => Err(ParseError::User { error: Error::tuple_operand(operator, *span) }),
            _ => Ok(()),
        }
    }

    fn add(&mut self, kind: ExprKind, span: Span) -> Reduced<'s, ExprId> {
        self.check_n_nodes(span)?;
        let id = ExprId::new(self.exprs.len());
        self.exprs.push(Expr { kind, span });
        Ok(id)
    }

    /// Refuses to grow beyond the limit.
    fn check_n_nodes(&self, span: Span) -> Reduced<'s, ()> {
        if self.exprs.len() + self.stmts.len() < self.max_nodes {
            return Ok(());
        }
        // The error points at the end, because the start may be the start of the text.
        let end = Span::new(span.end, span.end);
        Err(ParseError::User { error: Error::too_many_nodes(self.max_nodes, end) })
    }
}
