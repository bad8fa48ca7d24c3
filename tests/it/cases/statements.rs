//! Programs as trees of statements, so that they can be made smaller and gone through.

use super::case::Expr;
use std::fmt::{self, Write as _};

/// A program.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Program {
    pub(crate) functions: Vec<Definition>,
    pub(crate) body: Vec<Stmt>,
}

/// A `def`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) params: Vec<String>,
    pub(crate) body: Vec<Stmt>,
}

/// A statement: one clause, or the clauses of an `if` or of a loop with its `else`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stmt {
    pub(crate) clauses: Vec<Clause>,
}

/// The head of a statement or of a part of it, and the statements in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clause {
    pub(crate) head: Head,
    pub(crate) body: Vec<Stmt>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Head {
    /// `x, y = a, b`
    Assign {
        targets: Vec<String>,
        values: Vec<Expr>,
    },
    /// `x += a`
    Change {
        target: String,
        op: &'static str,
        value: Expr,
    },
    /// `x, y = f(a)`, or `f(a)` without targets.
    Call {
        targets: Vec<String>,
        function: String,
        args: Vec<Expr>,
    },
    If(Expr),
    Elif(Expr),
    Else,
    /// A condition, and another one that ends the loop at some time. One of both is enough.
    While {
        condition: Option<Expr>,
        guard: Option<String>,
    },
    For {
        name: String,
        range: Vec<Expr>,
    },
    Break,
    Continue,
    Pass,
    Return(Vec<Expr>),
}

impl Head {
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        match self {
            Head::Assign { values: exprs, .. }
            | Head::Call { args: exprs, .. }
            | Head::For { range: exprs, .. }
            | Head::Return(exprs) => exprs.iter().collect(),
            Head::Change { value: expr, .. } | Head::If(expr) | Head::Elif(expr) => vec![expr],
            Head::While { condition, .. } => condition.iter().collect(),
            Head::Else | Head::Break | Head::Continue | Head::Pass => Vec::new(),
        }
    }

    fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Head::Assign { values: exprs, .. }
            | Head::Call { args: exprs, .. }
            | Head::For { range: exprs, .. }
            | Head::Return(exprs) => exprs.iter_mut().collect(),
            Head::Change { value: expr, .. } | Head::If(expr) | Head::Elif(expr) => vec![expr],
            Head::While { condition, .. } => condition.iter_mut().collect(),
            Head::Else | Head::Break | Head::Continue | Head::Pass => Vec::new(),
        }
    }

    /// Whether statements follow it.
    fn is_block(&self) -> bool {
        matches!(self, Head::If(_) | Head::Elif(_) | Head::Else | Head::While { .. } | Head::For { .. })
    }
}

/// Texts with commas between them.
fn joined<T: ToString>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Head::Assign { targets, values } => write!(f, "{} = {}", joined(targets), joined(values)),
            Head::Change { target, op, value } => write!(f, "{target} {op}= {value}"),
            Head::Call { targets, function, args } if targets.is_empty() => write!(f, "{function}({})", joined(args)),
            Head::Call { targets, function, args } => write!(f, "{} = {function}({})", joined(targets), joined(args)),
            Head::If(condition) => write!(f, "if {condition}:"),
            Head::Elif(condition) => write!(f, "elif {condition}:"),
            Head::Else => f.write_str("else:"),
            Head::While { condition: Some(condition), guard: Some(guard) } => {
                write!(f, "while ({condition}) and {guard}:")
            }
            Head::While { condition: Some(condition), guard: None } => write!(f, "while {condition}:"),
            Head::While { condition: None, guard } => {
                write!(f, "while {}:", guard.as_deref().unwrap_or("True"))
            }
            Head::For { name, range } => write!(f, "for {name} in range({}):", joined(range)),
            Head::Break => f.write_str("break"),
            Head::Continue => f.write_str("continue"),
            Head::Pass => f.write_str("pass"),
            Head::Return(values) => write!(f, "return {}", joined(values)),
        }
    }
}

impl Stmt {
    /// A statement that contains no others.
    pub(crate) fn simple(head: Head) -> Stmt {
        Stmt { clauses: vec![Clause { head, body: Vec::new() }] }
    }

    pub(crate) fn head(&self) -> &Head {
        &self.clauses[0].head
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        write_block(&mut text, std::slice::from_ref(self), 0);
        text
    }

    /// This statement and those in it.
    pub(crate) fn each(&self, f: &mut impl FnMut(&Clause)) {
        for clause in &self.clauses {
            f(clause);
            clause.body.iter().for_each(|stmt| stmt.each(f));
        }
    }

    fn size(&self) -> usize {
        let exprs = |clause: &Clause| clause.head.exprs().into_iter().map(Expr::size).sum::<usize>();
        self.clauses.iter().map(|clause| 2 + exprs(clause) + size(&clause.body)).sum()
    }
}

fn size(block: &[Stmt]) -> usize {
    block.iter().map(Stmt::size).sum()
}

fn write_block(text: &mut String, block: &[Stmt], depth: usize) {
    let indent = "    ".repeat(depth);
    for clause in block.iter().flat_map(|stmt| &stmt.clauses) {
        writeln!(text, "{indent}{}", clause.head).expect("writing to a string");
        if clause.head.is_block() && clause.body.is_empty() {
            writeln!(text, "{indent}    pass").expect("writing to a string");
        }
        write_block(text, &clause.body, depth + 1);
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for Definition { name, params, body } in &self.functions {
            writeln!(text, "def {name}({}):", params.join(", "))?;
            write_block(&mut text, body, 1);
            if body.is_empty() {
                text.push_str("    pass\n");
            }
        }
        write_block(&mut text, &self.body, 0);
        f.write_str(text.trim_end())
    }
}

impl Program {
    pub(crate) fn size(&self) -> usize {
        self.functions.iter().map(|function| size(&function.body)).sum::<usize>() + size(&self.body)
    }

    /// All statements.
    pub(crate) fn each(&self, f: &mut impl FnMut(&Clause)) {
        let functions = self.functions.iter().flat_map(|function| &function.body);
        functions.chain(&self.body).for_each(|stmt| stmt.each(f));
    }

    /// Programs that are smaller by one thing each, smallest first. Many of them mean nothing.
    pub(crate) fn simpler(&self) -> Vec<Program> {
        let mut all = Vec::new();
        for place in 0..self.functions.len() {
            let mut other = self.clone();
            other.functions.remove(place);
            all.push(other);
            for body in simpler_blocks(&self.functions[place].body) {
                let mut other = self.clone();
                other.functions[place].body = body;
                all.push(other);
            }
        }
        all.extend(simpler_blocks(&self.body).into_iter().map(|body| Program { body, ..self.clone() }));
        all.sort_by_key(Program::size);
        all
    }
}

fn simpler_blocks(block: &[Stmt]) -> Vec<Vec<Stmt>> {
    let mut all = Vec::new();
    for (place, stmt) in block.iter().enumerate() {
        let with = |stmts: &[Stmt]| [&block[..place], stmts, &block[place + 1..]].concat();
        all.push(with(&[]));
        all.extend(simpler_stmts(stmt).iter().map(|stmts| with(stmts)));
    }
    all
}

/// What may stand in the place of a statement.
fn simpler_stmts(stmt: &Stmt) -> Vec<Vec<Stmt>> {
    let mut all: Vec<Vec<Stmt>> = Vec::new();
    for (place, Clause { head, body }) in stmt.clauses.iter().enumerate() {
        if head.is_block() {
            all.push(body.clone());
        }
        if place > 0 {
            let mut other = stmt.clone();
            other.clauses.remove(place);
            all.push(vec![other]);
        }
        let mut with = |clause: Clause| {
            let mut other = stmt.clone();
            other.clauses[place] = clause;
            all.push(vec![other]);
        };
        for body in simpler_blocks(body) {
            with(Clause { head: head.clone(), body });
        }
        for (number, expr) in head.exprs().into_iter().enumerate() {
            for expr in simpler_exprs(expr) {
                let mut head = head.clone();
                *head.exprs_mut()[number] = expr;
                with(Clause { head, body: body.clone() });
            }
        }
        let mut head = head.clone();
        let is_simpler = match &mut head {
            Head::Return(values) if values.len() > 1 => values.pop().is_some(),
            Head::Assign { targets, values } if values.len() > 1 => targets.pop().is_some() && values.pop().is_some(),
            Head::While { condition, guard: Some(_) } => condition.take().is_some(),
            _ => false,
        };
        if is_simpler {
            with(Clause { head, body: body.clone() });
        }
    }
    all
}

/// The expression with one operation replaced by one of its arguments.
pub(crate) fn simpler_exprs(expr: &Expr) -> Vec<Expr> {
    let Expr::Op(form, args) = expr else { return Vec::new() };
    let mut simpler = args.clone();
    for (i, arg) in args.iter().enumerate() {
        for other in simpler_exprs(arg) {
            let mut args = args.clone();
            args[i] = other;
            simpler.push(Expr::Op(*form, args));
        }
    }
    simpler
}
