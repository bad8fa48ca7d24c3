//! Branches and loops.
//!
//! In: conditions and ranges that are in the tree, and the statements of blocks. Out: statements in
//! the tree, or an error that says what a loop cannot run over, or what is in no loop. Always true:
//! a chain of `elif` is built from its end without recursion; `break` and `continue` are in a loop
//! of the same function.

use std::ops::Range;

use lalrpop_util::ParseError;

use super::{Builder, Operand, Reduced, SpannedName};
use crate::ast::{Expr, ExprId, ExprKind, Keyword, StmtId, StmtKind};
use crate::error::Error;
use crate::span::Span;

/// Longer code is not written out again in an error.
const MAX_ADVICE_BYTES: usize = 40;

/// `if condition:`, or one that begins with `elif` or `while`.
#[derive(Debug)]
pub(crate) struct Condition {
    value: ExprId,
    span: Span,
    exprs: Range<usize>,
}

/// An `if` or `elif` with its block.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) condition: Condition,
    pub(crate) then: Vec<StmtId>,
}

/// What is between `for` and `in`: a name, or something with a place that is none.
#[derive(Debug)]
pub(crate) struct LoopTarget(Result<SpannedName, (&'static str, Span)>);

/// The beginning of a loop, up to its colon.
#[derive(Debug)]
pub(crate) enum LoopHeader {
    While(Condition),
    For { name: SpannedName, range: ExprId, span: Span, exprs: Range<usize> },
}

impl<'s> Builder<'s> {
    pub(crate) fn condition(&mut self, value: ExprId, span: Span) -> Condition {
        Condition { value, span, exprs: self.end_exprs() }
    }

    /// Adds an `if` with its `elif`s, each of which is the `else` of the one before it.
    pub(crate) fn branches(&mut self, branches: Vec<Branch>, otherwise: Vec<StmtId>) -> Reduced<'s, StmtId> {
        let mut otherwise = otherwise;
        for Branch { condition: Condition { value: condition, span, exprs }, then } in branches.into_iter().rev() {
            let span = self.up_to_end(span, &then, &otherwise);
            let (then, rest) = (then.into_boxed_slice(), otherwise.into_boxed_slice());
            otherwise = vec![self.add_stmt(StmtKind::If { condition, then, otherwise: rest }, span, exprs)?];
        }
        let [first] = otherwise[..] else { unreachable!("there is an `if` before any `elif`") };
        Ok(first)
    }

    pub(crate) fn begin_while(&mut self, condition: Condition) -> LoopHeader {
        self.n_loops += 1;
        LoopHeader::While(condition)
    }

    /// Takes what is between `for` and `in` out of the tree again: only a name is kept.
    pub(crate) fn loop_target(&mut self, target: Operand) -> LoopTarget {
        let Expr { kind, span } = &self.exprs[target.id.index()];
        let found = match kind {
            ExprKind::Name(name) if &*self.names[name.index()] != "None" => {
                Ok(SpannedName { name: *name, span: *span })
            }
            ExprKind::Name(_) => Err(("`None`", target.outer)),
            other => Err((what(other), target.outer)),
        };
        self.exprs.truncate(self.statement.n_exprs);
        LoopTarget(found)
    }

    /// Checks the range before the target: who unpacks `enumerate(...)` should hear of that.
    pub(crate) fn begin_for(&mut self, target: LoopTarget, range: Operand, span: Span) -> Reduced<'s, LoopHeader> {
        self.check_range(range).map_err(|error| ParseError::User { error })?;
        let LoopTarget(target) = target;
        let name =
            target.map_err(|(target, place)| ParseError::User { error: Error::not_a_target(target, "in", place) })?;
        self.n_loops += 1;
        Ok(LoopHeader::For { name, range: range.id, span, exprs: self.end_exprs() })
    }

    /// What follows is not in the loop that began last.
    pub(crate) fn end_loop(&mut self) {
        self.n_loops = self.n_loops.saturating_sub(1);
    }

    pub(crate) fn repeat(
        &mut self,
        header: LoopHeader,
        body: Vec<StmtId>,
        otherwise: Vec<StmtId>,
    ) -> Reduced<'s, StmtId> {
        let (LoopHeader::While(Condition { span, .. }) | LoopHeader::For { span, .. }) = header;
        let span = self.up_to_end(span, &body, &otherwise);
        let (body, otherwise) = (body.into_boxed_slice(), otherwise.into_boxed_slice());
        match header {
            LoopHeader::While(Condition { value: condition, exprs, .. }) => {
                self.add_stmt(StmtKind::While { condition, body, otherwise }, span, exprs)
            }
            LoopHeader::For { name: SpannedName { name, span: name_span }, range, exprs, .. } => {
                self.add_stmt(StmtKind::For { name, name_span, range, body, otherwise }, span, exprs)
            }
        }
    }

    /// Adds `break` or `continue`.
    pub(crate) fn leave(&mut self, word: &'static str, kind: StmtKind, span: Span) -> Reduced<'s, StmtId> {
        match self.n_loops {
            0 => Err(ParseError::User { error: Error::outside_loop(word, span) }),
            _ => self.simple(kind, span),
        }
    }

    /// A header's place, up to the end of the last block that there is.
    fn up_to_end(&self, header: Span, body: &[StmtId], otherwise: &[StmtId]) -> Span {
        let last = otherwise.last().or(body.last());
        last.map_or(header, |last| header.join(self.stmts[last.index()].span))
    }

    /// Refuses to loop over anything but `range` with one to three arguments by position.
    fn check_range(&self, range: Operand) -> Result<(), Error> {
        let Expr { kind, span } = &self.exprs[range.id.index()];
        match kind {
            ExprKind::Call { function, args, keywords, .. } if &*self.names[function.index()] == "range" => {
                match (&keywords[..], args.len()) {
                    ([Keyword { name_span, .. }, ..], _) => Err(Error::range_keyword(*name_span)),
                    ([], 1..=3) => Ok(()),
                    ([], n) => Err(Error::range_arguments(n, *span)),
                }
            }
            _ => Err(Error::not_a_range(self.looped_over(kind, *span), self.as_range(kind), range.outer)),
        }
    }

    /// What a loop cannot run over, in words.
    fn looped_over(&self, kind: &ExprKind, span: Span) -> String {
        let code = match *kind {
            ExprKind::Name(name) => self.names[name.index()].to_string(),
            ExprKind::Attribute { .. } => span.text(self.text).to_owned(),
            ExprKind::Call { function, .. } => format!("{}(...)", self.names[function.index()]),
            ExprKind::Method { name_span, .. } => {
                format!("{}(...)", Span::new(span.start, name_span.end).text(self.text))
            }
            ExprKind::Index { .. } => return "an indexed value".to_owned(),
            _ => return what(kind).to_owned(),
        };
        if is_short(&code) { format!("`{code}`") } else { what(kind).to_owned() }
    }

    /// The `range` with the numbers that something else would give, if that is plain.
    fn as_range(&self, kind: &ExprKind) -> Option<String> {
        let (function, args) = match kind {
            ExprKind::Int(n) => return Some(format!("range({n})")),
            ExprKind::Call { function: name, args, keywords, .. } | ExprKind::Method { name, args, keywords, .. }
                if keywords.is_empty() =>
            {
                (&*self.names[name.index()], args)
            }
            _ => return None,
        };
        let instead = match (function, &args[..]) {
            ("arange", [_] | [_, _] | [_, _, _]) => {
                let args = args.iter().map(|arg| self.exprs[arg.index()].span.text(self.text));
                format!("range({})", args.collect::<Vec<_>>().join(", "))
            }
            ("reversed", &[range]) => match &self.exprs[range.index()].kind {
                ExprKind::Call { function, args, .. } if &*self.names[function.index()] == "range" => match args[..] {
                    [n] if matches!(self.exprs[n.index()].kind, ExprKind::Name(_) | ExprKind::Int(_)) => {
                        format!("range({} - 1, -1, -1)", self.exprs[n.index()].span.text(self.text))
                    }
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        is_short(&instead).then_some(instead)
    }
}

fn is_short(code: &str) -> bool {
    code.len() <= MAX_ADVICE_BYTES && !code.contains(['\n', '\r', '#', '\\'])
}

/// What an expression is, if neither a loop can run over it nor assign to it.
fn what(kind: &ExprKind) -> &'static str {
    match kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_) => "a number",
        ExprKind::Bool(true) => "`True`",
        ExprKind::Bool(false) => "`False`",
        ExprKind::Name(_) => "a name",
        ExprKind::Unary { .. } | ExprKind::Binary { .. } => "the result of an operator",
        ExprKind::Compare { .. } => "a comparison",
        ExprKind::IfElse { .. } => "a conditional value",
        ExprKind::Call { .. } | ExprKind::Method { .. } => "a call",
        ExprKind::Tuple { .. } => "a tuple",
        ExprKind::Attribute { .. } => "an attribute",
        ExprKind::Index { .. } => "an index",
    }
}
