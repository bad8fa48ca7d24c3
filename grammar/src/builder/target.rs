//! What may be assigned to, annotated or changed.
//!
//! In: the expression before an `=`, a `:` or the like. Out: nothing, or an error that says what it
//! is instead. Always true: the time taken is linear in the expression.

use lalrpop_util::ParseError;

use super::{Builder, Operand, Reduced};
use crate::ast::{Expr, ExprId, ExprKind};
use crate::error::Error;
use crate::operator::BinaryOp;
use crate::span::Span;
use crate::token;

impl<'s> Builder<'s> {
    /// Checks what is before an `=`: a name, an index, an attribute, or a tuple of such.
    pub(crate) fn target(&self, target: Operand) -> Reduced<'s, ExprId> {
        // Only the whole target may have brackets around it that its span lacks.
        self.check_target(target.id, "=", target.outer)?;
        let mut pending = vec![target.id];
        while let Some(id) = pending.pop() {
            match &self.exprs[id.index()] {
                Expr { kind: ExprKind::Tuple { items }, .. } => pending.extend(items.iter().rev()),
                Expr { span, .. } => self.check_target(id, "=", *span)?,
            }
        }
        Ok(target.id)
    }

    /// Checks what is before a `+=` or the like: a name or an index.
    pub(crate) fn changed(&self, target: Operand, op: BinaryOp) -> Reduced<'s, (ExprId, BinaryOp)> {
        let operator = token::augmented(op);
        let what = match self.exprs[target.id.index()].kind {
            ExprKind::Tuple { .. } => "a tuple",
            ExprKind::Attribute { .. } => "an attribute",
            _ => {
                self.check_target(target.id, operator, target.outer)?;
                return Ok((target.id, op));
            }
        };
        Err(ParseError::User { error: Error::not_a_target(what, operator, target.outer) })
    }

    /// Checks what is before a `:`: a name, an index or an attribute.
    pub(crate) fn annotated(&self, target: Operand) -> Reduced<'s, ExprId> {
        if let ExprKind::Tuple { .. } = self.exprs[target.id.index()].kind {
            return Err(ParseError::User { error: Error::not_a_target("a tuple", ":", target.outer) });
        }
        self.check_target(target.id, ":", target.outer)?;
        Ok(target.id)
    }

    /// `span` is the place that an error has.
    fn check_target(&self, target: ExprId, operator: &'static str, span: Span) -> Reduced<'s, ()> {
        let what = match &self.exprs[target.index()].kind {
            ExprKind::Name(name) if &*self.names[name.index()] == "None" => "`None`",
            ExprKind::Name(_) | ExprKind::Index { .. } | ExprKind::Attribute { .. } | ExprKind::Tuple { .. } => {
                return Ok(());
            }
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Imaginary(_) => "a number",
            ExprKind::Bool(true) => "`True`",
            ExprKind::Bool(false) => "`False`",
            ExprKind::Unary { .. } | ExprKind::Binary { .. } => "the result of an operator",
            ExprKind::Compare { .. } => "a comparison",
            ExprKind::IfElse { .. } => "a conditional value",
            ExprKind::Call { .. } | ExprKind::Method { .. } => "a call",
        };
        Err(ParseError::User { error: Error::not_a_target(what, operator, span) })
    }
}
