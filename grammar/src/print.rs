//! Trees as text.
//!
//! In: an [`Ast`]. Out: source text with one statement a line and as few brackets as it can have.
//! Always true: the text parses to the same tree, up to spans; it takes linear time and a fixed
//! amount of stack.

use std::fmt;

use crate::ast::{Ast, ExprId, ExprKind, IndexItem, Keyword, NameId, Param, StmtId, StmtKind};
use crate::operator::{BinaryOp, UnaryOp};
use crate::token;

/// How tightly an expression holds together: the levels of the grammar, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Expr,
    Disjunction,
    Conjunction,
    Negation,
    Comparison,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Product,
    Signed,
    Power,
    Primary,
}

impl Level {
    fn of(kind: &ExprKind) -> Self {
        match kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Imaginary(_)
            | ExprKind::Bool(_)
            | ExprKind::Name(_)
            | ExprKind::Call { .. }
            | ExprKind::Tuple { .. }
            | ExprKind::Attribute { .. }
            | ExprKind::Method { .. }
            | ExprKind::Index { .. } => Self::Primary,
            ExprKind::Unary { op, .. } => Self::of_unary(*op),
            ExprKind::Binary { op, .. } => Self::of_binary(*op).0,
            ExprKind::Compare { .. } => Self::Comparison,
            ExprKind::IfElse { .. } => Self::Expr,
        }
    }

    /// The level of the operator, and of its operand.
    fn of_unary(op: UnaryOp) -> Self {
        match op {
            UnaryOp::Neg | UnaryOp::Plus | UnaryOp::Invert => Self::Signed,
            UnaryOp::Not => Self::Negation,
        }
    }

    /// The level of the operator, the loosest its left operand may have, and the loosest its right
    /// one may have.
    fn of_binary(op: BinaryOp) -> (Self, Self, Self) {
        match op {
            BinaryOp::Or => (Self::Disjunction, Self::Disjunction, Self::Conjunction),
            BinaryOp::And => (Self::Conjunction, Self::Conjunction, Self::Negation),
            BinaryOp::BitOr => (Self::BitOr, Self::BitOr, Self::BitXor),
            BinaryOp::BitXor => (Self::BitXor, Self::BitXor, Self::BitAnd),
            BinaryOp::BitAnd => (Self::BitAnd, Self::BitAnd, Self::Shift),
            BinaryOp::Shl | BinaryOp::Shr => (Self::Shift, Self::Shift, Self::Sum),
            BinaryOp::Add | BinaryOp::Sub => (Self::Sum, Self::Sum, Self::Product),
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Rem => {
                (Self::Product, Self::Product, Self::Signed)
            }
            BinaryOp::Pow => (Self::Power, Self::Primary, Self::Signed),
        }
    }
}

/// What remains to be written.
enum Piece {
    /// At this depth of blocks.
    Stmt(StmtId, usize),
    /// A line break and the indentation of this depth.
    Line(usize),
    /// A value that needs no brackets if it is a tuple.
    Bare(ExprId),
    Expr(ExprId, Level),
    /// An expression with a dot behind it.
    Object(ExprId),
    Text(&'static str),
    Name(NameId),
    /// With a space on both sides.
    Operator(&'static str),
}

impl Ast {
    /// The text in canonical form: one statement a line, four spaces for each block, one space
    /// around operators except `**` and signs, and no bracket that is not needed. What does nothing
    /// is `pass`.
    ///
    /// ```
    /// use ndexpr_grammar::{Limits, parse};
    ///
    /// let ast = parse("((a+b))*(c**(2))", &Limits::default())?;
    /// assert_eq!(ast.to_text(), "(a + b) * c**2");
    ///
    /// let ast = parse("def f(x,k = 2): return (x[1 :],k)", &Limits::default())?;
    /// assert_eq!(ast.to_text(), "def f(x, k=2):\n    return x[1:], k");
    /// # Ok::<(), ndexpr_grammar::Error>(())
    /// ```
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_string()
    }

    /// Writes a statement's first piece, and puts what follows it on the stack, last first.
    fn write_stmt(
        &self,
        f: &mut fmt::Formatter<'_>,
        id: StmtId,
        depth: usize,
        pending: &mut Vec<Piece>,
    ) -> fmt::Result {
        match &self[id].kind {
            StmtKind::Expr(value) => {
                pending.push(Piece::Bare(*value));
                Ok(())
            }
            StmtKind::Assign { targets, value } => {
                pending.push(Piece::Bare(*value));
                for &target in targets.iter().rev() {
                    pending.push(Piece::Operator("="));
                    pending.push(Piece::Bare(target));
                }
                Ok(())
            }
            StmtKind::AugAssign { target, op, value } => {
                pending.push(Piece::Bare(*value));
                pending.push(Piece::Operator(token::augmented(*op)));
                pending.push(Piece::Bare(*target));
                Ok(())
            }
            StmtKind::Return(None) => f.write_str("return"),
            StmtKind::Return(Some(value)) => {
                pending.push(Piece::Bare(*value));
                f.write_str("return ")
            }
            StmtKind::Def { name, params, body, .. } => {
                push_block(body, depth, pending);
                pending.push(Piece::Text("):"));
                for (idx, Param { name, default, .. }) in params.iter().enumerate().rev() {
                    if let Some(default) = *default {
                        pending.push(Piece::Expr(default, Level::Expr));
                        pending.push(Piece::Text("="));
                    }
                    pending.push(Piece::Name(*name));
                    pending.extend((idx > 0).then_some(Piece::Text(", ")));
                }
                write!(f, "def {}(", self.name(*name))
            }
            StmtKind::Pass => f.write_str("pass"),
            StmtKind::If { condition, then, otherwise } => {
                match otherwise[..] {
                    // Written as a part of this statement, so a long chain of them is no deeper.
                    [only] if matches!(self[only].kind, StmtKind::If { .. }) => {
                        pending.push(Piece::Stmt(only, depth));
                        pending.push(Piece::Text("el"));
                        pending.push(Piece::Line(depth));
                    }
                    _ => push_else(otherwise, depth, pending),
                }
                push_headed(*condition, then, depth, pending);
                f.write_str("if ")
            }
            StmtKind::While { condition, body, otherwise } => {
                push_else(otherwise, depth, pending);
                push_headed(*condition, body, depth, pending);
                f.write_str("while ")
            }
            StmtKind::For { name, range, body, otherwise, .. } => {
                push_else(otherwise, depth, pending);
                push_headed(*range, body, depth, pending);
                write!(f, "for {} in ", self.name(*name))
            }
            StmtKind::Break => f.write_str("break"),
            StmtKind::Continue => f.write_str("continue"),
        }
    }

    /// Writes an expression's first piece, and puts what follows it on the stack, last first.
    fn write_expr(&self, f: &mut fmt::Formatter<'_>, kind: &ExprKind, pending: &mut Vec<Piece>) -> fmt::Result {
        match kind {
            ExprKind::Int(value) => write!(f, "{value}"),
            ExprKind::Float(value) => write_float(f, *value),
            ExprKind::Imaginary(value) => {
                write_float(f, *value)?;
                f.write_str("j")
            }
            ExprKind::Bool(true) => f.write_str("True"),
            ExprKind::Bool(false) => f.write_str("False"),
            ExprKind::Name(name) => f.write_str(self.name(*name)),
            ExprKind::Unary { op, arg } => {
                pending.push(Piece::Expr(*arg, Level::of_unary(*op)));
                f.write_str(op.symbol())?;
                f.write_str(if *op == UnaryOp::Not { " " } else { "" })
            }
            ExprKind::Binary { op, lhs, rhs } => {
                let (_, lhs_level, rhs_level) = Level::of_binary(*op);
                pending.push(Piece::Expr(*rhs, rhs_level));
                pending.push(match op {
                    BinaryOp::Pow => Piece::Text("**"),
                    _ => Piece::Operator(op.symbol()),
                });
                pending.push(Piece::Expr(*lhs, lhs_level));
                Ok(())
            }
            ExprKind::Compare { first, rest } => {
                // In a chain, an operator on bits has brackets: see the builder.
                let loosest = if rest.len() > 1 { Level::Shift } else { Level::BitOr };
                for (op, rhs) in rest.iter().rev() {
                    pending.push(Piece::Expr(*rhs, loosest));
                    pending.push(Piece::Operator(op.symbol()));
                }
                pending.push(Piece::Expr(*first, loosest));
                Ok(())
            }
            ExprKind::IfElse { condition, then, otherwise } => {
                pending.push(Piece::Expr(*otherwise, Level::Expr));
                pending.push(Piece::Operator("else"));
                pending.push(Piece::Expr(*condition, Level::Disjunction));
                pending.push(Piece::Operator("if"));
                pending.push(Piece::Expr(*then, Level::Disjunction));
                Ok(())
            }
            ExprKind::Call { function, args, keywords, .. } => {
                push_args(args, keywords, pending);
                f.write_str(self.name(*function))
            }
            ExprKind::Attribute { object, name, .. } => {
                pending.push(Piece::Name(*name));
                pending.push(Piece::Text("."));
                pending.push(Piece::Object(*object));
                Ok(())
            }
            ExprKind::Method { object, name, args, keywords, .. } => {
                push_args(args, keywords, pending);
                pending.push(Piece::Name(*name));
                pending.push(Piece::Text("."));
                pending.push(Piece::Object(*object));
                Ok(())
            }
            ExprKind::Index { object, items } => {
                pending.push(Piece::Text("]"));
                for (idx, item) in items.iter().enumerate().rev() {
                    push_item(*item, pending);
                    pending.extend((idx > 0).then_some(Piece::Text(", ")));
                }
                pending.push(Piece::Text("["));
                pending.push(Piece::Expr(*object, Level::Primary));
                Ok(())
            }
            ExprKind::Tuple { items } => {
                pending.push(Piece::Text(")"));
                push_items(items, pending);
                f.write_str("(")
            }
        }
    }
}

/// Puts the statements of a block inside a statement of this depth on the stack, last first.
fn push_block(body: &[StmtId], depth: usize, pending: &mut Vec<Piece>) {
    for &stmt in body.iter().rev() {
        pending.push(Piece::Stmt(stmt, depth + 1));
        pending.push(Piece::Line(depth + 1));
    }
}

/// Puts a condition or a range with its colon and its block on the stack, last first.
fn push_headed(value: ExprId, body: &[StmtId], depth: usize, pending: &mut Vec<Piece>) {
    push_block(body, depth, pending);
    pending.push(Piece::Text(":"));
    pending.push(Piece::Expr(value, Level::Expr));
}

/// Puts an `else` with its block on the stack, last first, if there is one.
fn push_else(otherwise: &[StmtId], depth: usize, pending: &mut Vec<Piece>) {
    if !otherwise.is_empty() {
        push_block(otherwise, depth, pending);
        pending.push(Piece::Text("else:"));
        pending.push(Piece::Line(depth));
    }
}

/// Puts expressions with commas between them on the stack, last first.
fn push_list(exprs: &[ExprId], pending: &mut Vec<Piece>) {
    for (idx, &expr) in exprs.iter().enumerate().rev() {
        pending.push(Piece::Expr(expr, Level::Expr));
        if idx > 0 {
            pending.push(Piece::Text(", "));
        }
    }
}

/// Puts the items of a tuple on the stack, last first. One alone has a comma behind it.
fn push_items(items: &[ExprId], pending: &mut Vec<Piece>) {
    if let [_] = items {
        pending.push(Piece::Text(","));
    }
    push_list(items, pending);
}

/// Puts the brackets of a call and what is in them on the stack, last first.
fn push_args(args: &[ExprId], keywords: &[Keyword], pending: &mut Vec<Piece>) {
    pending.push(Piece::Text(")"));
    for (idx, keyword) in keywords.iter().enumerate().rev() {
        pending.push(Piece::Expr(keyword.value, Level::Expr));
        pending.push(Piece::Text("="));
        pending.push(Piece::Name(keyword.name));
        pending.extend((idx + args.len() > 0).then_some(Piece::Text(", ")));
    }
    push_list(args, pending);
    pending.push(Piece::Text("("));
}

/// Puts an item of an index on the stack, last first.
fn push_item(item: IndexItem, pending: &mut Vec<Piece>) {
    let part = |part: Option<ExprId>| part.map(|id| Piece::Expr(id, Level::Expr));
    match item {
        IndexItem::At(at) => pending.push(Piece::Expr(at, Level::Expr)),
        IndexItem::Slice { start, stop, step } => {
            if let Some(step) = part(step) {
                pending.push(step);
                pending.push(Piece::Text(":"));
            }
            pending.extend(part(stop));
            pending.push(Piece::Text(":"));
            pending.extend(part(start));
        }
        IndexItem::Ellipsis => pending.push(Piece::Text("...")),
    }
}

/// Writes a float literal with this value. An infinity as Rust formats it would not be a literal.
fn write_float(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_infinite() {
        return f.write_str("1e999");
    }
    write!(f, "{value:?}")
}

/// The text of [`Ast::to_text`].
impl fmt::Display for Ast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pending = Vec::new();
        for (idx, &stmt) in self.body().iter().enumerate().rev() {
            pending.push(Piece::Stmt(stmt, 0));
            pending.extend((idx > 0).then_some(Piece::Line(0)));
        }
        while let Some(piece) = pending.pop() {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Name(name) => f.write_str(self.name(name))?,
                Piece::Operator(symbol) => write!(f, " {symbol} ")?,
                Piece::Line(depth) => {
                    f.write_str("\n")?;
                    (0..depth).try_for_each(|_| f.write_str("    "))?;
                }
                Piece::Stmt(id, depth) => self.write_stmt(f, id, depth, &mut pending)?,
                Piece::Bare(id) => match &self[id].kind {
                    ExprKind::Tuple { items } if !items.is_empty() => push_items(items, &mut pending),
                    _ => pending.push(Piece::Expr(id, Level::Expr)),
                },
                // Directly behind an integer, the dot would be a part of the number.
                Piece::Object(id) => match self[id].kind {
                    ExprKind::Int(value) => write!(f, "({value})")?,
                    _ => pending.push(Piece::Expr(id, Level::Primary)),
                },
                Piece::Expr(id, loosest) => {
                    let kind = &self[id].kind;
                    if Level::of(kind) < loosest {
                        f.write_str("(")?;
                        pending.push(Piece::Text(")"));
                    }
                    self.write_expr(f, kind, &mut pending)?;
                }
            }
        }
        Ok(())
    }
}
