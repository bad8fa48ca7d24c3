//! Trees as text.
//!
//! In: an [`Ast`]. Out: source text with as few brackets as it can have, or a dump with one
//! expression a line. Always true: the text parses to the same tree, up to spans; both take linear
//! time and a fixed amount of stack.

use std::fmt::{self, Write as _};

use crate::ast::{Ast, BinaryOp, ExprId, ExprKind, NameId, UnaryOp};

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
    Expr(ExprId, Level),
    Text(&'static str),
    Name(NameId),
    /// With a space on both sides.
    Operator(&'static str),
}

impl Ast {
    /// The expression in canonical form: one space around operators except `**` and signs, and no
    /// bracket that is not needed.
    ///
    /// ```
    /// use ndexpr_grammar::{Limits, parse};
    ///
    /// let ast = parse("((a+b))*(c**(2))", &Limits::default())?;
    /// assert_eq!(ast.to_text(), "(a + b) * c**2");
    /// # Ok::<(), ndexpr_grammar::Error>(())
    /// ```
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_string()
    }

    /// The tree, one expression a line, each with its span and, if it is an argument by name, the
    /// name before it.
    ///
    /// A line deeper than 64 levels is indented by 64 and begins with its depth.
    ///
    /// ```
    /// use ndexpr_grammar::{Limits, parse};
    ///
    /// let ast = parse("a + b*2", &Limits::default())?;
    /// assert_eq!(
    ///     ast.dump(),
    ///     "\
    /// add @0..7
    ///   name a @0..1
    ///   mul @4..7
    ///     name b @4..5
    ///     int 2 @6..7
    /// ",
    /// );
    /// # Ok::<(), ndexpr_grammar::Error>(())
    /// ```
    #[must_use]
    pub fn dump(&self) -> String {
        let mut dump = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_dump(&mut dump);
        dump
    }

    fn write_dump(&self, out: &mut String) -> fmt::Result {
        let mut pending = vec![(self.expression().expect("one"), 0_usize, None)];
        while let Some((id, depth, keyword)) = pending.pop() {
            if depth <= MAX_INDENT_LEVELS {
                write!(out, "{:1$}", "", 2 * depth)?;
            } else {
                write!(out, "{:1$}{depth}: ", "", 2 * MAX_INDENT_LEVELS)?;
            }
            if let Some(name) = keyword {
                write!(out, "{}=", self.name(name))?;
            }
            let expr = &self[id];
            self.write_head(out, &expr.kind)?;
            writeln!(out, " @{}", expr.span)?;
            let n_pending = pending.len();
            expr.kind.for_each_child(|child| pending.push((child, depth + 1, None)));
            if let ExprKind::Call { args, keywords, .. } = &expr.kind {
                let named = &mut pending[n_pending + args.len()..];
                named.iter_mut().zip(keywords).for_each(|(child, keyword)| child.2 = Some(keyword.name));
            }
            pending[n_pending..].reverse();
        }
        Ok(())
    }

    /// What the dump says of an expression apart from its children and its span.
    fn write_head(&self, out: &mut String, kind: &ExprKind) -> fmt::Result {
        match kind {
            ExprKind::Int(value) => write!(out, "int {value}"),
            ExprKind::Float(value) => write!(out, "float {value:?}"),
            ExprKind::Imaginary(value) => write!(out, "imaginary {value:?}"),
            ExprKind::Bool(value) => write!(out, "bool {value}"),
            ExprKind::Name(name) => write!(out, "name {}", self.name(*name)),
            ExprKind::Unary { op, .. } => out.write_str(op.name()),
            ExprKind::Binary { op, .. } => out.write_str(op.name()),
            ExprKind::Compare { rest, .. } => {
                out.write_str("compare")?;
                rest.iter().try_for_each(|(op, _)| write!(out, " {}", op.name()))
            }
            ExprKind::IfElse { .. } => out.write_str("if_else"),
            ExprKind::Call { function, .. } => write!(out, "call {}", self.name(*function)),
            ExprKind::Tuple { .. } => out.write_str("tuple"),
            _ => Ok(()),
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
                pending.push(Piece::Text(")"));
                for (keyword_idx, keyword) in keywords.iter().enumerate().rev() {
                    pending.push(Piece::Expr(keyword.value, Level::Expr));
                    pending.push(Piece::Text("="));
                    pending.push(Piece::Name(keyword.name));
                    if keyword_idx + args.len() > 0 {
                        pending.push(Piece::Text(", "));
                    }
                }
                push_list(args, pending);
                write!(f, "{}(", self.name(*function))
            }
            ExprKind::Tuple { items } => {
                pending.push(Piece::Text(if items.len() == 1 { ",)" } else { ")" }));
                push_list(items, pending);
                f.write_str("(")
            }
            _ => Ok(()),
        }
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

/// How deep the dump indents: without a bound, a sum of n terms would take n^2 spaces.
const MAX_INDENT_LEVELS: usize = 64;

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
        let mut pending = vec![Piece::Expr(self.expression().expect("one"), Level::Expr)];
        while let Some(piece) = pending.pop() {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Name(name) => f.write_str(self.name(name))?,
                Piece::Operator(symbol) => write!(f, " {symbol} ")?,
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
