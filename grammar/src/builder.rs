//! Builds the tree while the parser reduces.
//!
//! In: one call per expression, children first. Out: an [`Ast`]. Always true: an expression is added once and its
//! children are there before it, names are stored once in the order they were first read, and there are never more
//! expressions than the limit.

use std::collections::HashMap;

use lalrpop_util::ParseError;

use crate::ast::{Ast, BinaryOp, CompareOp, Expr, ExprId, ExprKind, Keyword, NameId, UnaryOp};
use crate::error::Error;
use crate::number::Number;
use crate::span::Span;
use crate::token::Token;

/// What a fallible action of the grammar returns.
pub(crate) type Reduced<'s, T> = Result<T, ParseError<u32, Token<'s>, Error>>;

/// An argument of a call.
#[derive(Debug)]
pub(crate) enum Arg {
    Positional(ExprId, Span),
    Keyword(Keyword),
}

/// The arguments of a call, as far as they are read.
#[derive(Debug, Default)]
pub(crate) struct Args {
    positional: Vec<ExprId>,
    keywords: Vec<Keyword>,
    /// Where each keyword is: a call may have as many as the text has room for.
    keyword_spans: HashMap<NameId, Span>,
}

/// A tree that grows.
#[derive(Debug)]
pub(crate) struct Builder {
    max_nodes: usize,
    exprs: Vec<Expr>,
    names: Vec<Box<str>>,
    name_ids: HashMap<Box<str>, NameId>,
}

impl Builder {
    pub(crate) fn new(max_nodes: usize) -> Self {
        Self { max_nodes, exprs: Vec::new(), names: Vec::new(), name_ids: HashMap::new() }
    }

    /// The tree, whose root is the last expression added; none if there is not one.
    pub(crate) fn finish(self) -> Option<Ast> {
        Ast::new(self.exprs, self.names)
    }

    pub(crate) fn intern<'s>(&mut self, name: &str) -> Reduced<'s, NameId> {
        if let Some(&id) = self.name_ids.get(name) {
            return Ok(id);
        }
        let id = NameId::new(self.names.len());
        self.names.push(name.into());
        self.name_ids.insert(name.into(), id);
        Ok(id)
    }

    pub(crate) fn number<'s>(&mut self, number: Number, span: Span) -> Reduced<'s, ExprId> {
        let kind = match number {
            Number::Int(value) => ExprKind::Int(value),
            Number::Float(value) => ExprKind::Float(value),
            Number::Imaginary(value) => ExprKind::Imaginary(value),
        };
        self.add(kind, span)
    }

    pub(crate) fn bool<'s>(&mut self, value: bool, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Bool(value), span)
    }

    pub(crate) fn name<'s>(&mut self, name: NameId, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Name(name), span)
    }

    pub(crate) fn unary<'s>(&mut self, op: UnaryOp, arg: ExprId, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Unary { op, arg }, span)
    }

    pub(crate) fn binary<'s>(&mut self, op: BinaryOp, lhs: ExprId, rhs: ExprId, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Binary { op, lhs, rhs }, span)
    }

    pub(crate) fn compare<'s>(
        &mut self,
        first: ExprId,
        rest: Vec<(CompareOp, ExprId)>,
        span: Span,
    ) -> Reduced<'s, ExprId> {
        let rest = rest.into_boxed_slice();
        self.add(ExprKind::Compare { first, rest }, span)
    }

    pub(crate) fn if_else<'s>(
        &mut self,
        condition: ExprId,
        then: ExprId,
        otherwise: ExprId,
        span: Span,
    ) -> Reduced<'s, ExprId> {
        self.add(ExprKind::IfElse { condition, then, otherwise }, span)
    }

    pub(crate) fn tuple<'s>(&mut self, items: Vec<ExprId>, span: Span) -> Reduced<'s, ExprId> {
        let items = items.into_boxed_slice();
        self.add(ExprKind::Tuple { items }, span)
    }

    /// The arguments with one more.
    pub(crate) fn arg<'s>(&mut self, mut args: Args, arg: Arg) -> Reduced<'s, Args> {
        let error = match arg {
            Arg::Positional(value, span) => match args.keywords.last() {
                None => {
                    args.positional.push(value);
                    return Ok(args);
                }
                Some(keyword) => Error::positional_after_keyword(keyword.name_span, span),
            },
            Arg::Keyword(keyword) => match args.keyword_spans.insert(keyword.name, keyword.name_span) {
                None => {
                    args.keywords.push(keyword);
                    return Ok(args);
                }
                Some(first) => Error::repeated_keyword(&self.names[keyword.name.index()], first, keyword.name_span),
            },
        };
        Err(ParseError::User { error })
    }

    pub(crate) fn call<'s>(
        &mut self,
        function: NameId,
        function_span: Span,
        args: Args,
        span: Span,
    ) -> Reduced<'s, ExprId> {
        let keywords = args.keywords.into_boxed_slice();
        let args = args.positional.into_boxed_slice();
        self.add(ExprKind::Call { function, function_span, args, keywords }, span)
    }

    fn add<'s>(&mut self, kind: ExprKind, span: Span) -> Reduced<'s, ExprId> {
        if self.exprs.len() >= self.max_nodes {
            // What passes the limit is where the expression ends: it may begin with the text.
            let end = Span::new(span.end, span.end);
            let error = Error::too_many_nodes(self.max_nodes, end);
            return Err(ParseError::User { error });
        }
        let id = ExprId::new(self.exprs.len());
        self.exprs.push(Expr { kind, span });
        Ok(id)
    }
}
