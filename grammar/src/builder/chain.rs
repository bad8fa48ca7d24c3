//! Chains of comparisons with operators on bits in them, which seldom mean what they say.
//!
//! In: the operands of a chain, and the text. Out: an error with the text as it was probably meant,
//! or none. Always true: the time taken is linear in the chain.

use super::{Builder, Operand};
use crate::ast::{Expr, ExprId, ExprKind};
use crate::error::Error;
use crate::operator::BinaryOp;
use crate::span::Span;

/// A longer text is not written out again in advice.
const MAX_ADVICE_BYTES: usize = 80;

impl Builder<'_> {
    /// `a > 5 & b > 5` is `a > (5 & b) > 5` in Python, but whoever writes it means something else.
    /// A single comparison with such an operand is in use, however: `flags & 4 == 0`.
    pub(super) fn check_chain(&self, comparands: &[Operand], span: Span) -> Result<(), Error> {
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
}

/// A chain of comparisons, cut into conditions with brackets around each. `None` if it is long.
fn in_brackets(text: &str, span: Span, cuts: &[(usize, BinaryOp)], comparands: &[Operand]) -> Option<String> {
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
