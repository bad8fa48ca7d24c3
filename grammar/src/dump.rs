//! Trees as lists.
//!
//! In: an [`Ast`]. Out: a text with one expression or statement a line. Always true: it takes
//! linear time and a fixed amount of stack.

use std::fmt::{self, Write as _};

use crate::ast::{Ast, ExprId, ExprKind, IndexItem, Keyword, NameId, Stmt, StmtId, StmtKind};

/// How deep the dump indents: without a bound, a sum of n terms would take n^2 spaces.
const MAX_INDENT_LEVELS: usize = 64;

/// What is written on a line.
enum Node {
    Stmt(StmtId),
    /// The line between a block and that of its `else`.
    Else,
    /// With the name of the argument or parameter that it is for.
    Expr(ExprId, Option<NameId>),
}

impl Ast {
    /// The tree, one expression or statement a line, each with its span and, if it is an argument
    /// by name or a default, the name before it. What a statement or an expression consists of is
    /// indented below it, and so is what follows an `else`, which has a line without a span. If the
    /// text is an expression, there is no line for the statement that it is.
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
    ///
    /// let ast = parse("x = a[1:, None]; return x", &Limits::default())?;
    /// assert_eq!(
    ///     ast.dump(),
    ///     "\
    /// assign @0..15
    ///   name x @0..1
    ///   index [_:, _] @4..15
    ///     name a @4..5
    ///     int 1 @6..7
    ///     name None @10..14
    /// return @17..25
    ///   name x @24..25
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
        let mut pending: Vec<(Node, usize)> = match self.expression() {
            Some(id) => vec![(Node::Expr(id, None), 0)],
            None => self.body().iter().rev().map(|&stmt| (Node::Stmt(stmt), 0)).collect(),
        };
        while let Some((node, depth)) = pending.pop() {
            if depth <= MAX_INDENT_LEVELS {
                write!(out, "{:1$}", "", 2 * depth)?;
            } else {
                write!(out, "{:1$}{depth}: ", "", 2 * MAX_INDENT_LEVELS)?;
            }
            let n_pending = pending.len();
            let mut push = |node| match node {
                Node::Else => pending.push((node, depth)),
                _ => pending.push((node, depth + 1)),
            };
            match node {
                Node::Else => writeln!(out, "else")?,
                Node::Stmt(id) => {
                    let Stmt { kind, span, .. } = &self[id];
                    self.write_stmt_head(out, kind)?;
                    writeln!(out, " @{span}")?;
                    push_parts(kind, &mut push);
                }
                Node::Expr(id, name) => {
                    if let Some(name) = name {
                        write!(out, "{}=", self.name(name))?;
                    }
                    let expr = &self[id];
                    self.write_expr_head(out, &expr.kind)?;
                    writeln!(out, " @{}", expr.span)?;
                    push_children(&expr.kind, &mut push);
                }
            }
            pending[n_pending..].reverse();
        }
        Ok(())
    }

    /// What the dump says of a statement apart from what it consists of and its span.
    fn write_stmt_head(&self, out: &mut String, kind: &StmtKind) -> fmt::Result {
        match kind {
            StmtKind::Expr(_) => out.write_str("expr"),
            StmtKind::Assign { .. } => out.write_str("assign"),
            StmtKind::AugAssign { op, .. } => write!(out, "aug_assign {}", op.name()),
            StmtKind::Return(_) => out.write_str("return"),
            StmtKind::Def { name, params, .. } => {
                write!(out, "def {}(", self.name(*name))?;
                for (idx, param) in params.iter().enumerate() {
                    write!(out, "{}{}", if idx > 0 { ", " } else { "" }, self.name(param.name))?;
                }
                out.write_str(")")
            }
            StmtKind::Pass => out.write_str("pass"),
            StmtKind::If { .. } => out.write_str("if"),
            StmtKind::While { .. } => out.write_str("while"),
            StmtKind::For { name, .. } => write!(out, "for {}", self.name(*name)),
            StmtKind::Break => out.write_str("break"),
            StmtKind::Continue => out.write_str("continue"),
        }
    }

    /// What the dump says of an expression apart from its children and its span.
    fn write_expr_head(&self, out: &mut String, kind: &ExprKind) -> fmt::Result {
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
            ExprKind::Attribute { name, .. } => write!(out, "attribute {}", self.name(*name)),
            ExprKind::Method { name, .. } => write!(out, "method {}", self.name(*name)),
            ExprKind::Index { items, .. } => {
                out.write_str("index [")?;
                for (idx, item) in items.iter().enumerate() {
                    out.write_str(if idx > 0 { ", " } else { "" })?;
                    write_item(out, *item)?;
                }
                out.write_str("]")
            }
        }
    }
}

/// Writes the form of an item, with `_` for each child.
fn write_item(out: &mut String, item: IndexItem) -> fmt::Result {
    match item {
        IndexItem::At(_) => out.write_str("_"),
        IndexItem::Slice { start, stop, step } => {
            let part = |part: Option<ExprId>| if part.is_some() { "_" } else { "" };
            let colon = if step.is_some() { ":" } else { "" };
            write!(out, "{}:{}{colon}{}", part(start), part(stop), part(step))
        }
        IndexItem::Ellipsis => out.write_str("..."),
    }
}

/// Calls `push` with what a statement consists of, in order.
fn push_parts(kind: &StmtKind, push: &mut impl FnMut(Node)) {
    match kind {
        StmtKind::Expr(value) => push(Node::Expr(*value, None)),
        StmtKind::Assign { targets, value } => {
            targets.iter().chain([value]).for_each(|&part| push(Node::Expr(part, None)));
        }
        StmtKind::AugAssign { target, value, .. } => {
            [target, value].into_iter().for_each(|&part| push(Node::Expr(part, None)));
        }
        StmtKind::Return(value) => value.iter().for_each(|&value| push(Node::Expr(value, None))),
        StmtKind::Def { params, body, .. } => {
            for param in params {
                param.default.iter().for_each(|&default| push(Node::Expr(default, Some(param.name))));
            }
            body.iter().for_each(|&stmt| push(Node::Stmt(stmt)));
        }
        StmtKind::If { condition: value, then: body, otherwise }
        | StmtKind::While { condition: value, body, otherwise }
        | StmtKind::For { range: value, body, otherwise, .. } => {
            push(Node::Expr(*value, None));
            body.iter().for_each(|&stmt| push(Node::Stmt(stmt)));
            if !otherwise.is_empty() {
                push(Node::Else);
                otherwise.iter().for_each(|&stmt| push(Node::Stmt(stmt)));
            }
        }
        StmtKind::Pass | StmtKind::Break | StmtKind::Continue => {}
    }
}

/// Calls `push` with the children of an expression, in order.
fn push_children(kind: &ExprKind, push: &mut impl FnMut(Node)) {
    let keywords: &[Keyword] = match kind {
        ExprKind::Call { keywords, .. } | ExprKind::Method { keywords, .. } => keywords,
        _ => &[],
    };
    let mut n_children = 0_usize;
    kind.for_each_child(|_| n_children += 1);
    let n_unnamed = n_children.saturating_sub(keywords.len());
    let names = std::iter::repeat_n(None, n_unnamed).chain(keywords.iter().map(|keyword| Some(keyword.name)));
    let mut names = names.into_iter();
    kind.for_each_child(|child| push(Node::Expr(child, names.next().flatten())));
}
