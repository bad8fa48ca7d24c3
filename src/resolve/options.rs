//! Options of calls: arguments that must be known without a call, because they decide shapes and
//! dtypes.
//!
//! In: an argument's expression, and what local names stand for. Out: a [`Choice`]. Always true: an
//! option is no operand, so no operation is made for it.

use super::calls;
use super::value::{Env, Value};
use super::{Action, Resolved, StepId, operators};
use crate::ops::exact::{Exact, Outcome};
use ndexpr_grammar::{self as ast, Ast, ExprKind, NameId, Span, UnaryOp};
use ndexpr_runtime::view::MAX_AXES;
use rustc_hash::FxHashMap;

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

/// The values of operations that are whole numbers of the text, or computed from such numbers.
pub(super) type Wholes = FxHashMap<StepId, i128>;

/// What is known at a place of a text.
pub(super) struct Known<'a> {
    pub(super) ast: &'a Ast,
    pub(super) env: Env<'a>,
    /// The operations that local names stand for.
    pub(super) so_far: &'a Resolved,
    pub(super) wholes: &'a Wholes,
}

impl Known<'_> {
    /// What an option's expression stands for.
    pub(super) fn choice(&self, id: ast::ExprId) -> Choice {
        let ExprKind::Tuple { items } = &self.ast[id].kind else { return self.single(id) };
        // An axis more than any array has is wrong for certain.
        let items = items.iter().take(MAX_AXES + 1).map(|&item| self.single(item)).collect();
        Choice { kind: ChoiceKind::Tuple(items), span: self.ast[id].span }
    }

    /// The same, where a tuple that is written out is not looked into.
    fn single(&self, id: ast::ExprId) -> Choice {
        let ast = self.ast;
        let (is_negative, inner) = unsigned(ast, id);
        let span = ast[id].span;
        let kind = match &ast[inner].kind {
            ExprKind::Name(name) => match (self.env.get(*name), ast.name(*name)) {
                (Some(value), _) => self.of_value(value, span),
                (None, "None") => ChoiceKind::None,
                (None, _) => ChoiceKind::Other("a name"),
            },
            ExprKind::Int(value) => int(*value),
            ExprKind::Float(value) => ChoiceKind::Float(*value),
            ExprKind::Bool(value) => ChoiceKind::Bool(*value),
            ExprKind::Imaginary(_) => ChoiceKind::Other("an imaginary number"),
            ExprKind::Tuple { .. } => ChoiceKind::Other("a tuple"),
            _ => self.whole(inner).map_or(ChoiceKind::Other("an expression"), ChoiceKind::Int),
        };
        Choice { kind: if inner == id { kind } else { signed(kind, is_negative) }, span }
    }

    /// An expression that is computed from whole numbers alone.
    fn whole(&self, id: ast::ExprId) -> Option<i128> {
        let first_child = |id: &ast::ExprId| match self.ast[*id].kind {
            ExprKind::Unary { arg, .. } => Some(arg),
            ExprKind::Binary { lhs, .. } => Some(lhs),
            _ => None,
        };
        // All parts of an expression are between its first leaf and itself, in postorder.
        let leaf = std::iter::successors(Some(id), first_child).last()?;
        let mut values = Vec::new();
        for index in leaf.index()..=id.index() {
            let value = match &self.ast[self.ast.expr_id(index)].kind {
                ExprKind::Int(value) => i128::try_from(*value).ok()?,
                ExprKind::Name(name) => match self.env.get(*name)? {
                    Value::Step(step) => *self.wholes.get(step)?,
                    _ => return None,
                },
                ExprKind::Unary { op, .. } => apply(operators::unary(*op).exact, [values.pop()?, 0, 0])?,
                ExprKind::Binary { op, .. } => {
                    let rhs = values.pop()?;
                    apply(operators::binary(*op).exact, [values.pop()?, rhs, 0])?
                }
                _ => return None,
            };
            values.push(value);
        }
        values.pop()
    }

    /// What a local name stands for.
    fn of_value(&self, value: &Value, span: Span) -> ChoiceKind {
        match value {
            Value::None => ChoiceKind::None,
            Value::Unset(_) => ChoiceKind::Other("a name"),
            Value::Step(id) => self.of_step(*id),
            Value::Tuple(tuple) => {
                let item = |item: &Value| match item {
                    Value::Tuple(_) => ChoiceKind::Other("a tuple"),
                    Value::Unset(_) => ChoiceKind::Other("a name"),
                    Value::Step(id) => self.of_step(*id),
                    Value::None => ChoiceKind::None,
                };
                ChoiceKind::Tuple(
                    tuple.items().iter().take(MAX_AXES + 1).map(|value| Choice { kind: item(value), span }).collect(),
                )
            }
        }
    }

    /// A number of the text, maybe with a sign, or one that is computed from whole numbers.
    fn of_step(&self, id: StepId) -> ChoiceKind {
        let literal = |id: StepId| match self.so_far.step(id).action {
            Action::Int(value) => int(value),
            Action::Float(value) => ChoiceKind::Float(value),
            Action::Bool(value) => ChoiceKind::Bool(value),
            _ => self.wholes.get(&id).map_or(ChoiceKind::Other("a computed value"), |&value| ChoiceKind::Int(value)),
        };
        let step = self.so_far.step(id);
        match (&step.action, self.so_far.args(step)) {
            (Action::Unary(op @ (UnaryOp::Neg | UnaryOp::Plus)), [arg]) => {
                signed(literal(arg.step), *op == UnaryOp::Neg)
            }
            _ => literal(id),
        }
    }
}

/// The value of an operation, if it is a whole number that is computed from such numbers.
pub(super) fn whole_of_step(id: StepId, so_far: &Resolved, wholes: &Wholes) -> Option<i128> {
    let step = so_far.step(id);
    let arg = |place: usize| wholes.get(&so_far.args(step)[place].step).copied();
    match &step.action {
        Action::Int(value) => i128::try_from(*value).ok(),
        Action::Unary(op) => apply(operators::unary(*op).exact, [arg(0)?, 0, 0]),
        Action::Binary(op) => apply(operators::binary(*op).exact, [arg(0)?, arg(1)?, 0]),
        _ => None,
    }
}

fn apply(exact: Option<Exact>, args: [i128; 3]) -> Option<i128> {
    match exact?(&args) {
        Outcome::Int(value) => Some(value),
        Outcome::Bool(_) | Outcome::TooLarge | Outcome::Fraction => None,
    }
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
