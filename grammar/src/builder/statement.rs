//! Statements.
//!
//! In: expressions that are in the tree, and inner statements. Out: statements in the tree. Always
//! true: the expressions of a statement are those added since the one before it, and inner
//! statements come before the one that they are in.

use std::collections::HashMap;
use std::ops::Range;

use lalrpop_util::ParseError;

use super::{Builder, Mark, Reduced, SpannedName};
use crate::ast::{ExprId, NameId, Param, Stmt, StmtId, StmtKind};
use crate::error::Error;
use crate::operator::BinaryOp;
use crate::span::Span;

/// The parameters of a function, as far as they are read.
#[derive(Debug, Default)]
pub(crate) struct Params {
    params: Vec<Param>,
    /// Where each name is. This is a map because there may be as many as the text has room for.
    spans: HashMap<NameId, Span>,
}

/// The beginning of a definition, up to its colon.
#[derive(Debug)]
pub(crate) struct Header {
    name: SpannedName,
    params: Box<[Param]>,
    span: Span,
    exprs: Range<usize>,
    /// The number of loops around it.
    n_loops: usize,
}

impl<'s> Builder<'s> {
    pub(crate) fn expression(&mut self, value: ExprId, span: Span) -> Reduced<'s, StmtId> {
        self.simple(StmtKind::Expr(value), span)
    }

    pub(crate) fn assign(&mut self, targets: Vec<ExprId>, value: ExprId, span: Span) -> Reduced<'s, StmtId> {
        self.simple(StmtKind::Assign { targets: targets.into_boxed_slice(), value }, span)
    }

    pub(crate) fn aug_assign(
        &mut self,
        (target, op): (ExprId, BinaryOp),
        value: ExprId,
        span: Span,
    ) -> Reduced<'s, StmtId> {
        self.simple(StmtKind::AugAssign { target, op, value }, span)
    }

    pub(crate) fn returns(&mut self, value: Option<ExprId>, span: Span) -> Reduced<'s, StmtId> {
        self.simple(StmtKind::Return(value), span)
    }

    /// Adds a statement that does nothing, and forgets what it consists of.
    pub(crate) fn pass(&mut self, span: Span) -> Reduced<'s, StmtId> {
        self.forget(self.statement);
        self.simple(StmtKind::Pass, span)
    }

    /// Adds a parameter to the parameters.
    pub(crate) fn param(
        &mut self,
        mut params: Params,
        SpannedName { name, span: name_span }: SpannedName,
        default: Option<ExprId>,
    ) -> Reduced<'s, Params> {
        if let Some(first) = params.spans.insert(name, name_span) {
            let error = Error::repeated_parameter(&self.names[name.index()], first, name_span);
            return Err(ParseError::User { error });
        }
        if default.is_none()
            && let Some(earlier) = params.params.last().filter(|param| param.default.is_some())
        {
            return Err(ParseError::User { error: Error::missing_default(earlier.name_span, name_span) });
        }
        params.params.push(Param { name, name_span, default });
        Ok(params)
    }

    /// The name of a parameter or of a function, which cannot be `None`.
    pub(crate) fn defined(&mut self, name: &str, span: Span) -> Reduced<'s, SpannedName> {
        if name == "None" {
            return Err(ParseError::User { error: Error::reserved_word("None", span) });
        }
        Ok(SpannedName { name: self.intern(name)?, span })
    }

    pub(crate) fn header(&mut self, name: SpannedName, params: Params, span: Span) -> Reduced<'s, Header> {
        let (params, exprs) = (params.params.into_boxed_slice(), self.end_exprs());
        let n_loops = std::mem::take(&mut self.n_loops);
        Ok(Header { name, params, span, exprs, n_loops })
    }

    pub(crate) fn def(&mut self, header: Header, body: Vec<StmtId>) -> Reduced<'s, StmtId> {
        let Header { name: SpannedName { name, span: name_span }, params, span, exprs, n_loops } = header;
        self.n_loops = n_loops;
        let span = body.last().map_or(span, |last| span.join(self.stmts[last.index()].span));
        let body = body.into_boxed_slice();
        self.add_stmt(StmtKind::Def { name, name_span, params, body }, span, exprs)
    }

    /// Takes the statements that are in no other one.
    pub(crate) fn body(&mut self, body: Vec<StmtId>) {
        self.body = body.into_boxed_slice();
    }

    pub(super) fn simple(&mut self, kind: StmtKind, span: Span) -> Reduced<'s, StmtId> {
        let exprs = self.end_exprs();
        self.add_stmt(kind, span, exprs)
    }

    /// The expressions of the statement that ends here; the next one begins.
    pub(super) fn end_exprs(&mut self) -> Range<usize> {
        let Mark { n_exprs: start, .. } = self.statement;
        self.statement = self.mark();
        start..self.exprs.len()
    }

    pub(super) fn add_stmt(&mut self, kind: StmtKind, span: Span, exprs: Range<usize>) -> Reduced<'s, StmtId> {
        self.check_n_nodes(span)?;
        let id = StmtId::new(self.stmts.len());
        self.stmts.push(Stmt { kind, span, exprs });
        Ok(id)
    }
}
