//! Calls of functions along axes: what their options say.
//!
//! In: a call of the text. Out: an [`AxisCall`], or what is wrong with an option. Always true: an
//! option (`axis`, `keepdims`, `ddof`) is no operand. It is read as the text has it.

use super::error::{Expects, Instead};
use super::names::similar;
use super::reduction::Axes;
use super::{Error, ErrorKind};
use crate::ops::{Along, AxisParam, Function, Meaning, table};
use crate::resolve::{Action, Arg, Choice, ChoiceKind, Resolved, SiteId, Step};
use ndexpr_grammar::{NameId, Span, UnaryOp};
use smallvec::SmallVec;

/// A call of a function along axes, with its options read.
pub(crate) struct AxisCall {
    pub(super) function: &'static Function,
    pub(super) along: Along,
    param: AxisParam,
    /// The argument that it runs over.
    pub(crate) arg: Arg,
    pub(crate) axes: Axes,
    pub(crate) axis_span: Option<Span>,
    pub(crate) keepdims: bool,
    /// The number that is subtracted from the number of elements.
    pub(super) ddof: f64,
    /// The call that may have been meant, if the axis is given by position.
    pub(crate) instead: Option<Instead>,
    pub(crate) span: Span,
    /// The call of a function of the text that it was made for.
    pub(super) site: SiteId,
}

impl AxisCall {
    /// True if the axis keeps its extent.
    pub(crate) fn is_cumulative(&self) -> bool {
        self.param == AxisParam::Running
    }
}

/// The operation as a call along axes, if it is one.
///
/// # Errors
///
/// If the function does not have an argument of that name, if an argument is given twice, or if it
/// is not what the function takes there.
pub(crate) fn axis_call(resolved: &Resolved, step: &Step) -> Result<Option<AxisCall>, Error> {
    let Action::Call(callee) = step.action else { return Ok(None) };
    let Some(row) = table::find(resolved.name(callee.name)) else { return Ok(None) };
    let Meaning::Along(param, along) = row.meaning else { return Ok(None) };
    let name = row.spelling(resolved.name(callee.name));
    let options = resolved.options(step);
    let n_positional = options.iter().filter(|option| option.name.is_none()).count();
    let &[arg] = resolved.args(step) else {
        return Err(argument_count(row, name, 0, step.span));
    };
    if n_positional > 1 {
        return Err(argument_count(row, name, 1 + n_positional, step.span));
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
        span: step.span,
        site: step.site,
    };
    for option in options {
        let choice = &option.choice;
        let Some((keyword, keyword_span)) = option.name else {
            let y = option.brief.as_deref().unwrap_or("y");
            call.instead = row.of_two.map(|of_two| Instead::new(of_two, operand(resolved, arg), y.to_owned()));
            call.axes = axes(choice, param).map_err(|error| error.instead(call.instead.clone()))?;
            call.axis_span = Some(choice.span);
            continue;
        };
        let text = resolved.name(keyword);
        match row.options().find(|option| *option == text) {
            Some("axis") if let Some(first) = call.axis_span => {
                return Err(Error::new(ErrorKind::RepeatedArgument { name: "axis", first }, choice.span));
            }
            Some("axis") => {
                call.axes = axes(choice, param)?;
                call.axis_span = Some(choice.span);
            }
            Some("keepdims") => match choice.kind {
                ChoiceKind::Bool(keepdims) => call.keepdims = keepdims,
                _ => return Err(wrong_argument("keepdims", Expects::Bool, choice)),
            },
            Some("ddof") => {
                call.ddof = match choice.kind {
                    ChoiceKind::Int(value) => value as f64,
                    ChoiceKind::Float(value) => value,
                    _ => return Err(wrong_argument("ddof", Expects::Number, choice)),
                }
            }
            _ => return Err(unknown_keyword(resolved, row, name, keyword, keyword_span)),
        }
    }
    Ok(Some(call))
}

pub(super) fn argument_count(row: &Function, name: &'static str, found: usize, span: Span) -> Error {
    Error::new(ErrorKind::ArgumentCount { name, params: row.params, takes: row.n_args(), found }, span)
}

pub(super) fn unknown_keyword(
    resolved: &Resolved,
    row: &'static Function,
    name: &'static str,
    found: NameId,
    span: Span,
) -> Error {
    let found = resolved.name(found);
    let similar = similar(found, row.options());
    let kind = ErrorKind::UnknownKeyword { name, params: row.params, found: found.to_owned(), similar };
    Error::new(kind, span)
}

fn wrong_argument(param: &'static str, expects: Expects, found: &Choice) -> Error {
    let found_is = match found.kind {
        ChoiceKind::Int(_) => "an integer",
        ChoiceKind::Float(_) => "a float",
        ChoiceKind::Bool(_) => "a bool",
        ChoiceKind::None => "None",
        ChoiceKind::Tuple(_) => "a tuple",
        ChoiceKind::Other(what) => what,
    };
    Error::new(ErrorKind::WrongArgument { param, expects, found: found_is, instead: None }, found.span)
}

/// An argument in few words: a name or a number of the text, or `x` for anything longer.
fn operand(resolved: &Resolved, arg: Arg) -> String {
    let word = |step: &Step| match &step.action {
        Action::Name(name) => Some(resolved.name(*name).to_owned()),
        Action::Int(value) => Some(value.to_string()),
        Action::Float(value) => Some(value.to_string()),
        _ => None,
    };
    let step = resolved.step(arg.step);
    let text = match (&step.action, resolved.args(step)) {
        (Action::Unary(UnaryOp::Neg), [arg]) => word(resolved.step(arg.step)).map(|word| format!("-{word}")),
        _ => word(step),
    };
    // The step of a local name is elsewhere.
    text.filter(|_| step.span == arg.span).unwrap_or_else(|| "x".to_owned())
}

fn axes(choice: &Choice, param: AxisParam) -> Result<Axes, Error> {
    let expects = match param {
        AxisParam::Any => Expects::Axes,
        AxisParam::One | AxisParam::Running => Expects::Axis,
    };
    let axis = |choice: &Choice| match choice.kind {
        ChoiceKind::Int(axis) => i64::try_from(axis).map_err(|_| Error::new(ErrorKind::AxisOverflow, choice.span)),
        _ => Err(wrong_argument("axis", expects, choice)),
    };
    match &choice.kind {
        ChoiceKind::None => Ok(Axes::All),
        ChoiceKind::Tuple(items) if param == AxisParam::Any => {
            items.iter().map(axis).collect::<Result<_, _>>().map(Axes::List)
        }
        _ => axis(choice).map(|axis| Axes::List(SmallVec::from_slice(&[axis]))),
    }
}
