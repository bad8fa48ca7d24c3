//! Builds the tree while the parser reduces.
//!
//! In: one call per expression, children first. Out: an [`Ast`]. Always true: an expression is
//! added once and its children are there before it, names are stored once in the order they were
//! first read, and there are never more expressions than the limit.

use std::collections::HashMap;

use lalrpop_util::ParseError;

use crate::ast::{Ast, BinaryOp, CompareOp, Expr, ExprId, ExprKind, Keyword, NameId, Stmt, StmtId, StmtKind, UnaryOp};
use crate::error::Error;
use crate::name::normal_name;
use crate::number::Number;
use crate::span::Span;
use crate::token::Token;

/// A longer text is not written out again in advice.
const MAX_ADVICE_BYTES: usize = 80;

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
    /// Where each keyword is. This is a map because a call may have as many keywords as the text
    /// has room for.
    keyword_spans: HashMap<NameId, Span>,
}

/// An operand of a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparand {
    pub(crate) id: ExprId,
    /// Its place, including the brackets around it.
    pub(crate) outer: Span,
}

/// A tree that grows.
#[derive(Debug)]
pub(crate) struct Builder<'s> {
    text: &'s str,
    max_nodes: usize,
    exprs: Vec<Expr>,
    names: Vec<Box<str>>,
    name_ids: HashMap<Box<str>, NameId>,
}

impl<'s> Builder<'s> {
    pub(crate) fn new(text: &'s str, max_nodes: usize) -> Self {
        Self { text, max_nodes, exprs: Vec::new(), names: Vec::new(), name_ids: HashMap::new() }
    }

    /// The tree, whose root is the last expression added. `None` if no expression was added.
    pub(crate) fn finish(self) -> Option<Ast> {
        let id = ExprId::new(self.exprs.len().checked_sub(1)?);
        let stmt = Stmt { kind: StmtKind::Expr(id), span: self.exprs[id.index()].span, exprs: 0..self.exprs.len() };
        Ast::new(self.exprs, vec![stmt], Box::new([StmtId::new(0)]), self.names)
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

    pub(crate) fn unary(&mut self, op: UnaryOp, arg: ExprId, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Unary { op, arg }, span)
    }

    pub(crate) fn binary(&mut self, op: BinaryOp, lhs: ExprId, rhs: ExprId, span: Span) -> Reduced<'s, ExprId> {
        self.add(ExprKind::Binary { op, lhs, rhs }, span)
    }

    pub(crate) fn compare(&mut self, first: Comparand, rest: Vec<(CompareOp, Comparand)>) -> Reduced<'s, ExprId> {
        let span = rest.iter().fold(first.outer, |span, (_, rhs)| span.join(rhs.outer));
        if rest.len() > 1 {
            let comparands: Vec<Comparand> = [first].into_iter().chain(rest.iter().map(|&(_, rhs)| rhs)).collect();
            self.check_chain(&comparands, span).map_err(|error| ParseError::User { error })?;
        }
        let rest = rest.into_iter().map(|(op, rhs)| (op, rhs.id)).collect();
        self.add(ExprKind::Compare { first: first.id, rest }, span)
    }

    /// `a > 5 & b > 5` is `a > (5 & b) > 5` in Python, but whoever writes it means something else.
    /// A single comparison with such an operand is in use, however: `flags & 4 == 0`.
    fn check_chain(&self, comparands: &[Comparand], span: Span) -> Result<(), Error> {
        let mut first: Option<(BinaryOp, Span)> = None;
        // The places where the text would be cut into conditions. `None` if they cannot be told.
        let mut cuts: Option<Vec<(usize, BinaryOp)>> = Some(Vec::new());
        let mut pending: Vec<ExprId> = Vec::new();
        for comparand in comparands {
            if self.exprs[comparand.id.index()].span == comparand.outer {
                pending.push(comparand.id);
            }
            while let Some(id) = pending.pop() {
                let Expr { kind, span } = &self.exprs[id.index()];
                let ExprKind::Binary { op: op @ (BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor), lhs, rhs } =
                    *kind
                else {
                    continue;
                };
                first.get_or_insert((op, *span));
                let (lhs_span, rhs_span) = (self.exprs[lhs.index()].span, self.exprs[rhs.index()].span);
                // Between an operand and the operator there may be brackets and comments. A comment
                // may hold anything.
                let start = lhs_span.end as usize;
                let between = &self.text[start..rhs_span.start as usize];
                match between.find(op.symbol()).filter(|_| !between.contains('#')) {
                    Some(n_bytes) => cuts.iter_mut().for_each(|cuts| cuts.push((start + n_bytes, op))),
                    None => cuts = None,
                }
                // An operand in brackets does not end where the text of this expression ends.
                pending.extend((rhs_span.end == span.end).then_some(rhs));
                pending.extend((lhs_span.start == span.start).then_some(lhs));
            }
        }
        let Some((op, operand)) = first else { return Ok(()) };
        let instead = cuts.and_then(|mut cuts| {
            cuts.sort_unstable_by_key(|&(place, _)| place);
            in_brackets(self.text, span, &cuts, comparands)
        });
        Err(Error::bits_in_chain(op.symbol(), instead, operand))
    }

    pub(crate) fn if_else(
        &mut self,
        condition: ExprId,
        then: ExprId,
        otherwise: ExprId,
        span: Span,
    ) -> Reduced<'s, ExprId> {
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

    pub(crate) fn call(
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

    fn add(&mut self, kind: ExprKind, span: Span) -> Reduced<'s, ExprId> {
        if self.exprs.len() >= self.max_nodes {
            // The error points at the end of the expression, because its start may be the start of
            // the text.
            let end = Span::new(span.end, span.end);
            let error = Error::too_many_nodes(self.max_nodes, end);
            return Err(ParseError::User { error });
        }
        let id = ExprId::new(self.exprs.len());
        self.exprs.push(Expr { kind, span });
        Ok(id)
    }
}

/// A chain of comparisons, cut into conditions with brackets around each. `None` if it is long.
fn in_brackets(text: &str, span: Span, cuts: &[(usize, BinaryOp)], comparands: &[Comparand]) -> Option<String> {
    if span.len() as usize > MAX_ADVICE_BYTES || span.text(text).contains(['\n', '\r']) {
        return None;
    }
    let end = span.end as usize;
    let mut advice = String::new();
    let mut start = span.start as usize;
    for (cut, symbol) in cuts.iter().map(|&(cut, op)| (cut, op.symbol())).chain([(end, "")]) {
        let condition = text[start..cut].trim();
        // A single operand is not a comparison, so it needs no brackets.
        let n_operands = comparands.iter().filter(|c| (c.outer.start as usize) < cut && start < c.outer.end as usize);
        match n_operands.count() {
            1 => advice.push_str(condition),
            _ => advice.push_str(&format!("({condition})")),
        }
        if cut < end {
            advice.push_str(&format!(" {symbol} "));
        }
        start = cut + symbol.len();
    }
    Some(advice)
}
