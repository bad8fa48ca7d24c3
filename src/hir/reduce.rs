//! Calls of functions along axes: what their options say.
//!
//! In: a call in the syntax tree. Out: an [`AxisCall`], or what is wrong with an option. Always
//! true: an option (`axis`, `keepdims`, `ddof`) is no operand. It is read from the tree as it is
//! written, and never lowered.

use super::error::{Expects, Instead};
use super::names::similar;
use super::reduction::Axes;
use super::{Error, ErrorKind};
use crate::ops::{Along, AxisParam, Function, Meaning, table};
use ndexpr_grammar::{self as ast, Ast, ExprKind, NameId, Span, UnaryOp};
use smallvec::SmallVec;

/// A call of a function along axes, with its options read.
pub(crate) struct AxisCall {
    pub(super) function: &'static Function,
    pub(super) along: Along,
    param: AxisParam,
    /// The argument that it runs over.
    pub(crate) arg: ast::ExprId,
    pub(crate) axes: Axes,
    pub(crate) axis_span: Option<Span>,
    pub(crate) keepdims: bool,
    /// The number that is subtracted from the number of elements.
    pub(super) ddof: f64,
    /// The call that may have been meant, if the axis is given by position.
    pub(crate) instead: Option<Instead>,
    pub(crate) span: Span,
}

impl AxisCall {
    /// True if the axis keeps its extent.
    pub(crate) fn is_cumulative(&self) -> bool {
        self.param == AxisParam::Running
    }
}

/// Which parts of the tree are options of a call, or inside of one. None of them is an operand.
pub(crate) fn options(ast: &Ast) -> Vec<bool> {
    let mut is_option = vec![false; ast.len()];
    for (id, expr) in ast.exprs().rev() {
        if is_option[id.index()] {
            expr.kind.for_each_child(|child| is_option[child.index()] = true);
        } else if let ExprKind::Call { function, args, keywords, .. } = &expr.kind {
            keywords.iter().for_each(|keyword| is_option[keyword.value.index()] = true);
            if table::find(ast.name(*function)).is_some_and(Function::is_along_axes) {
                args.iter().skip(1).for_each(|arg| is_option[arg.index()] = true);
            }
        }
    }
    is_option
}

/// The expression as a call along axes, if it is one.
///
/// # Errors
///
/// If the function does not have an argument of that name, if an argument is given twice, or if it
/// is not what the function takes there.
pub(crate) fn axis_call(ast: &Ast, expr: &ast::Expr) -> Result<Option<AxisCall>, Error> {
    let ExprKind::Call { function, args, keywords, .. } = &expr.kind else { return Ok(None) };
    let Some(row) = table::find(ast.name(*function)) else { return Ok(None) };
    let Meaning::Along(param, along) = row.meaning else { return Ok(None) };
    let name = row.spelling(ast.name(*function));
    let &[arg, ref positional @ ..] = &args[..] else {
        return Err(argument_count(row, name, 0, expr.span));
    };
    if positional.len() > 1 {
        return Err(argument_count(row, name, args.len(), expr.span));
    }
    let mut call = AxisCall {
        function: row,
        along,
        param,
        arg,
        axes: Axes::All,
        axis_span: None,
        keepdims: false,
        ddof: 0.0,
        instead: None,
        span: expr.span,
    };
    if let [axis] = *positional {
        call.instead = row.of_two.map(|of_two| Instead::new(of_two, operand(ast, arg, "x"), operand(ast, axis, "y")));
        call.axes = axes(ast, axis, param).map_err(|error| error.instead(call.instead.clone()))?;
        call.axis_span = Some(ast[axis].span);
    }
    for keyword in keywords {
        let text = ast.name(keyword.name);
        let value = &ast[keyword.value];
        match row.options().find(|option| *option == text) {
            Some("axis") if let Some(first) = call.axis_span => {
                return Err(Error::new(ErrorKind::RepeatedArgument { name: "axis", first }, value.span));
            }
            Some("axis") => {
                call.axes = axes(ast, keyword.value, param)?;
                call.axis_span = Some(value.span);
            }
            Some("keepdims") => match value.kind {
                ExprKind::Bool(keepdims) => call.keepdims = keepdims,
                _ => return Err(wrong_argument("keepdims", Expects::Bool, value)),
            },
            Some("ddof") => {
                call.ddof = number(ast, keyword.value).ok_or_else(|| wrong_argument("ddof", Expects::Number, value))?
            }
            _ => return Err(unknown_keyword(ast, row, name, keyword.name, keyword.name_span)),
        }
    }
    Ok(Some(call))
}

pub(super) fn argument_count(row: &Function, name: &'static str, found: usize, span: Span) -> Error {
    Error::new(ErrorKind::ArgumentCount { name, params: row.params, takes: row.n_args(), found }, span)
}

pub(super) fn unknown_keyword(
    ast: &Ast,
    row: &'static Function,
    name: &'static str,
    found: NameId,
    span: Span,
) -> Error {
    let found = ast.name(found);
    let similar = similar(found, row.options());
    let kind = ErrorKind::UnknownKeyword { name, params: row.params, found: found.to_owned(), similar };
    Error::new(kind, span)
}

fn wrong_argument(param: &'static str, expects: Expects, found: &ast::Expr) -> Error {
    let found_is = match &found.kind {
        ExprKind::Int(_) => "an integer",
        ExprKind::Float(_) => "a float",
        ExprKind::Imaginary(_) => "an imaginary number",
        ExprKind::Bool(_) => "a bool",
        ExprKind::Name(_) => "a name",
        ExprKind::Tuple { .. } => "a tuple",
        _ => "an expression",
    };
    Error::new(ErrorKind::WrongArgument { param, expects, found: found_is, instead: None }, found.span)
}

/// An argument in few words: a name or a number of the text, or the parameter's name for anything
/// longer.
fn operand(ast: &Ast, id: ast::ExprId, param: &'static str) -> String {
    let (is_negative, kind) = unsigned(ast, id);
    let text = match kind {
        ExprKind::Name(name) => ast.name(*name).to_owned(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => value.to_string(),
        _ => return param.to_owned(),
    };
    if is_negative { format!("-{text}") } else { text }
}

fn axes(ast: &Ast, id: ast::ExprId, param: AxisParam) -> Result<Axes, Error> {
    let expects = match param {
        AxisParam::Any => Expects::Axes,
        AxisParam::One | AxisParam::Running => Expects::Axis,
    };
    let axis = |id: ast::ExprId| match integer(ast, id) {
        None => Err(wrong_argument("axis", expects, &ast[id])),
        Some(axis) => i64::try_from(axis).map_err(|_| Error::new(ErrorKind::AxisOverflow, ast[id].span)),
    };
    match &ast[id].kind {
        ExprKind::Name(name) if ast.name(*name) == "None" => Ok(Axes::All),
        ExprKind::Tuple { items } if param == AxisParam::Any => {
            items.iter().map(|&item| axis(item)).collect::<Result<_, _>>().map(Axes::List)
        }
        _ => axis(id).map(|axis| Axes::List(SmallVec::from_slice(&[axis]))),
    }
}

/// What a literal is without its signs, and whether they make it negative.
fn unsigned(ast: &Ast, mut id: ast::ExprId) -> (bool, &ExprKind) {
    let mut is_negative = false;
    loop {
        match &ast[id].kind {
            ExprKind::Unary { op: UnaryOp::Neg, arg } => (is_negative, id) = (!is_negative, *arg),
            ExprKind::Unary { op: UnaryOp::Plus, arg } => id = *arg,
            kind => return (is_negative, kind),
        }
    }
}

/// An integer literal. One beyond 127 bits counts as the largest one.
fn integer(ast: &Ast, id: ast::ExprId) -> Option<i128> {
    let (is_negative, ExprKind::Int(value)) = unsigned(ast, id) else { return None };
    let value = i128::try_from(*value).unwrap_or(i128::MAX);
    Some(if is_negative { -value } else { value })
}

/// A number literal.
fn number(ast: &Ast, id: ast::ExprId) -> Option<f64> {
    let (is_negative, value) = match unsigned(ast, id) {
        (is_negative, ExprKind::Int(value)) => (is_negative, *value as f64),
        (is_negative, ExprKind::Float(value)) => (is_negative, *value),
        _ => return None,
    };
    Some(if is_negative { -value } else { value })
}
