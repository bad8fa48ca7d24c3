//! Options of calls: arguments that must be known without a call, because they decide shapes and
//! dtypes.
//!
//! In: an argument's expression, and what local names stand for. Out: a [`Choice`]. Always true: an
//! option is no operand, so no operation is made for it.

use super::calls;
use super::value::{Env, Value};
use super::{Action, Resolved, StepId};
use ndexpr_grammar::{self as ast, Ast, ExprKind, NameId, Span, UnaryOp};
use ndexpr_runtime::view::MAX_AXES;

/// An option of a call.
#[derive(Clone, Debug)]
pub(crate) struct OptionArg {
    /// Its name and where that is, unless it is given by position.
    pub(crate) name: Option<(NameId, Span)>,
    pub(crate) choice: Choice,
    /// An option by position in few words, for advice: a name or a number of the text. None if it
    /// is longer.
    pub(crate) brief: Option<String>,
}

/// What an option is, and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) kind: ChoiceKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum ChoiceKind {
    /// An integer beyond 127 bits counts as the largest one.
    Int(i128),
    Float(f64),
    Bool(bool),
    None,
    /// Tuples in a tuple are not looked into.
    Tuple(Box<[Choice]>),
    /// Something else, in words.
    Other(&'static str),
}

/// What an option's expression stands for. `so_far` has the operations that local names stand for.
pub(super) fn choice(ast: &Ast, env: &Env<'_>, so_far: &Resolved, id: ast::ExprId) -> Choice {
    let ExprKind::Tuple { items } = &ast[id].kind else { return single(ast, env, so_far, id) };
    // An axis more than any array has is wrong for certain.
    let items = items.iter().take(MAX_AXES + 1).map(|&item| single(ast, env, so_far, item)).collect();
    Choice { kind: ChoiceKind::Tuple(items), span: ast[id].span }
}

/// The same, where a tuple that is written out is not looked into.
fn single(ast: &Ast, env: &Env<'_>, so_far: &Resolved, id: ast::ExprId) -> Choice {
    let (is_negative, inner) = unsigned(ast, id);
    let span = ast[id].span;
    let kind = match &ast[inner].kind {
        ExprKind::Name(name) => match (env.get(*name), ast.name(*name)) {
            (Some(value), _) => of_value(value, so_far, span),
            (None, "None") => ChoiceKind::None,
            (None, _) => ChoiceKind::Other("a name"),
        },
        ExprKind::Int(value) => int(*value),
        ExprKind::Float(value) => ChoiceKind::Float(*value),
        ExprKind::Bool(value) => ChoiceKind::Bool(*value),
        ExprKind::Imaginary(_) => ChoiceKind::Other("an imaginary number"),
        ExprKind::Tuple { .. } => ChoiceKind::Other("a tuple"),
        _ => ChoiceKind::Other("an expression"),
    };
    Choice { kind: if inner == id { kind } else { signed(kind, is_negative) }, span }
}

fn int(value: u128) -> ChoiceKind {
    ChoiceKind::Int(i128::try_from(value).unwrap_or(i128::MAX))
}

/// Only numbers have signs.
fn signed(kind: ChoiceKind, is_negative: bool) -> ChoiceKind {
    match kind {
        ChoiceKind::Int(value) => ChoiceKind::Int(if is_negative { -value } else { value }),
        ChoiceKind::Float(value) => ChoiceKind::Float(if is_negative { -value } else { value }),
        _ => ChoiceKind::Other("an expression"),
    }
}

/// What a local name stands for.
fn of_value(value: &Value, so_far: &Resolved, span: Span) -> ChoiceKind {
    match value {
        Value::None => ChoiceKind::None,
        Value::Step(id) => of_step(*id, so_far),
        Value::Tuple(tuple) => {
            let item = |item: &Value| match item {
                Value::Tuple(_) => ChoiceKind::Other("a tuple"),
                Value::Step(id) => of_step(*id, so_far),
                Value::None => ChoiceKind::None,
            };
            ChoiceKind::Tuple(
                tuple.items().iter().take(MAX_AXES + 1).map(|value| Choice { kind: item(value), span }).collect(),
            )
        }
    }
}

/// A number of the text, maybe with a sign.
fn of_step(id: StepId, so_far: &Resolved) -> ChoiceKind {
    let literal = |id: StepId| match so_far.step(id).action {
        Action::Int(value) => int(value),
        Action::Float(value) => ChoiceKind::Float(value),
        Action::Bool(value) => ChoiceKind::Bool(value),
        _ => ChoiceKind::Other("a computed value"),
    };
    let step = so_far.step(id);
    match (&step.action, so_far.args(step)) {
        (Action::Unary(op @ (UnaryOp::Neg | UnaryOp::Plus)), [arg]) => signed(literal(arg.step), *op == UnaryOp::Neg),
        _ => literal(id),
    }
}

/// An expression without its signs, and whether they make it negative.
fn unsigned(ast: &Ast, mut id: ast::ExprId) -> (bool, ast::ExprId) {
    let mut is_negative = false;
    loop {
        match &ast[id].kind {
            ExprKind::Unary { op: UnaryOp::Neg, arg } => (is_negative, id) = (!is_negative, *arg),
            ExprKind::Unary { op: UnaryOp::Plus, arg } => id = *arg,
            _ => return (is_negative, id),
        }
    }
}

/// An expression in few words: a name or a number of the text.
pub(super) fn brief(ast: &Ast, id: ast::ExprId) -> Option<String> {
    let (is_negative, id) = unsigned(ast, id);
    let text = match &ast[id].kind {
        ExprKind::Name(name) => calls::brief_name(ast, *name),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => value.to_string(),
        _ => return None,
    };
    Some(if is_negative { format!("-{text}") } else { text })
}
