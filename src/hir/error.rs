//! What can be wrong with an expression whose syntax is right.

use crate::ops::{OfTwo, Remedy};
use crate::resolve::SiteId;
use ndexpr_grammar::{Diagnostic, Span};
use ndexpr_runtime::dtype::DType;
use std::borrow::Cow;
use std::fmt;

/// A typing error: its kind, where it is, and in which call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) span: Span,
    /// The call that the operation was made for.
    pub(crate) site: SiteId,
}

/// What an operand of a failed operation was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand {
    pub(crate) span: Span,
    pub(crate) dtype: DType,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ErrorKind {
    /// A name that is neither a variable nor a constant.
    UnknownVariable { name: String, similar: Option<String>, known: Vec<String> },
    /// The name of a function where a value should be.
    FunctionAsValue { name: String },
    /// A call of something that is not a function.
    UnknownFunction { name: String, similar: Option<String>, is_variable: bool },
    /// Too few or too many arguments. `takes` has the smallest and the largest number by position.
    ArgumentCount { name: &'static str, params: &'static [&'static str], takes: (usize, usize), found: usize },
    /// An argument by a name that the function has no option of.
    UnknownKeyword { name: &'static str, params: &'static [&'static str], found: String, similar: Option<String> },
    /// An argument given by position and by name.
    RepeatedArgument { name: &'static str, first: Span },
    /// An option that is not what it must be. `instead` is the call that may have been meant.
    WrongArgument { param: &'static str, expects: Expects, found: &'static str, instead: Option<Instead> },
    /// An axis that no array has.
    AxisOverflow,
    /// A name after that of a module that is no constant.
    UnknownConstant { name: String },
    /// An index of a single value.
    SingleIndexed,
    /// Reductions of values that share more than is looked through.
    TooManyShapes,
    /// Nested loops whose dtypes take too long to settle.
    LoopsUnsettled,
    /// The operation does not exist for these dtypes.
    NotDefined { name: &'static str, operands: Vec<Operand>, remedy: Remedy },
    /// An argument of a function of Rust that casting by `"safe"` does not convert to the dtype of
    /// the parameter.
    UnsafeArgument { function: String, param: String, takes: DType, found: DType },
    /// A literal that its dtype, given by the operand beside it, cannot hold.
    LiteralOutOfRange { value: i128, dtype: DType, operand: Option<Span> },
    /// Arithmetic on literals beyond 128 bits, or a result beyond 64.
    LiteralOverflow,
    /// An integer to a negative literal power.
    NegativePower { base: Operand },
    /// `2j`.
    ComplexLiteral,
    /// `+=` with a value of a kind that the array cannot hold.
    UpdateKind { from: DType, to: DType },
}

/// What an option must be: a literal, because it decides the shape or the dtype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expects {
    /// None, an integer or a tuple of integers.
    Axes,
    /// None or an integer.
    Axis,
    /// True or False.
    Bool,
    /// An integer or a float.
    Number,
}

/// A call that may have been meant instead.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instead {
    call: String,
    /// What it gives: "smaller" or "larger".
    which: &'static str,
}

impl Instead {
    pub(super) fn new(of_two: OfTwo, x: String, y: String) -> Instead {
        Instead { call: format!("{}({}, {})", of_two.name, brief(&x), brief(&y)), which: of_two.which }
    }

    /// The advice in words.
    pub(crate) fn note(&self) -> String {
        format!("for the {} of two values, write {}", self.which, self.call)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, span: Span) -> Error {
        Error { kind, span, site: SiteId::default() }
    }

    pub(super) fn in_site(self, site: SiteId) -> Error {
        Error { site, ..self }
    }

    /// Gives the operation the name that the text calls it by.
    pub(crate) fn of_operation(mut self, called: &'static str) -> Error {
        if let ErrorKind::NotDefined { name, remedy, .. } = &mut self.kind {
            *name = called;
            // A function is written with brackets, so it is not mistaken for another operation.
            let is_operator = !called.starts_with(|character: char| character.is_alphabetic());
            if matches!(remedy, Remedy::BracketConditions | Remedy::RaiseToPower) && !is_operator {
                *remedy = Remedy::CastToInt;
            }
        }
        self
    }

    /// Adds the call that may have been meant, if an operand is where the axis should be.
    pub(super) fn instead(mut self, call: Option<Instead>) -> Error {
        if let ErrorKind::WrongArgument { instead, .. } = &mut self.kind {
            *instead = call;
        }
        self
    }

    /// The error as a drawing of it needs it.
    pub(crate) fn to_diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.to_string());
        match &self.kind {
            ErrorKind::UnknownVariable { name, .. } if name == "None" => {
                diagnostic.label(self.span, "a value is needed here").note("only an axis may be `None`")
            }
            ErrorKind::UnknownVariable { similar: Some(similar), .. } => {
                diagnostic.label(self.span, "not found").note(format!("did you mean `{similar}`?"))
            }
            ErrorKind::UnknownVariable { known, .. } if known.is_empty() => {
                diagnostic.label(self.span, "not found").note("no variables were given")
            }
            ErrorKind::UnknownVariable { known, .. } => {
                diagnostic.label(self.span, "not found").note(match &known[..] {
                    [only] => format!("the only variable is `{only}`"),
                    _ => format!("the variables are {}", list(known)),
                })
            }
            ErrorKind::FunctionAsValue { name } => diagnostic
                .label(self.span, "a value is needed here")
                .note(format!("to call the function, write {name}(...)")),
            ErrorKind::UnknownFunction { similar: Some(similar), .. } => {
                diagnostic.label(self.span, "not found").note(format!("did you mean `{similar}`?"))
            }
            ErrorKind::UnknownFunction { name, is_variable: true, .. } => {
                diagnostic.label(self.span, "this is a variable").note(format!("to multiply, write {name}*(...)"))
            }
            ErrorKind::UnknownFunction { .. } => {
                diagnostic.label(self.span, "not found").note("`ndexpr functions` lists all functions")
            }
            ErrorKind::ArgumentCount { name, params, takes, found } => {
                let diagnostic = diagnostic.label(self.span, "in this call").note(form(name, params));
                match takes.0 < takes.1 && *found > takes.1 {
                    true => diagnostic.note("what comes after the axis is given by name"),
                    false => diagnostic,
                }
            }
            ErrorKind::UnknownKeyword { name, params, similar, .. } => {
                let diagnostic = diagnostic.label(self.span, "no option of this function");
                let diagnostic = match similar {
                    Some(similar) => diagnostic.note(format!("did you mean `{similar}`?")),
                    None => diagnostic,
                };
                let diagnostic = diagnostic.note(form(name, params));
                match params.iter().any(|param| param.contains('=')) {
                    true => diagnostic,
                    false => diagnostic.note("to compare, write `==`"),
                }
            }
            ErrorKind::RepeatedArgument { first, .. } => {
                diagnostic.label(*first, "first here, by position").label(self.span, "again here")
            }
            ErrorKind::WrongArgument { param, expects, found, instead } => {
                let diagnostic = diagnostic.label(self.span, format!("this is {found}"));
                match (instead, expects) {
                    (Some(instead), _) => diagnostic.note(instead.note()),
                    (None, Expects::Axes) => {
                        diagnostic.note("write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both")
                    }
                    (None, Expects::Axis) => diagnostic.note("write it out: axis=0, or axis=-1 for the last"),
                    (None, Expects::Bool) => diagnostic.note(format!("write {param}=True or {param}=False")),
                    (None, Expects::Number) => diagnostic.note(format!("write it out: {param}=1")),
                }
            }
            ErrorKind::AxisOverflow => diagnostic
                .label(self.span, "this does not fit 64 bits")
                .note("axes are counted from 0, or from the last, which is -1"),
            ErrorKind::UnknownConstant { .. } => {
                diagnostic.label(self.span, "not found").note("the constants are pi, e, inf and nan")
            }
            ErrorKind::SingleIndexed => diagnostic.label(self.span, "this has no axes"),
            ErrorKind::LoopsUnsettled => diagnostic
                .label(self.span, "in this loop")
                .note("start with numbers that have a dtype, as in x = float64(0)"),
            ErrorKind::TooManyShapes => diagnostic
                .label(self.span, "one reduction too many")
                .note("each reduction counts all parts of the text that its argument is made of"),
            ErrorKind::NotDefined { operands, remedy, .. } => {
                let diagnostic = operands.iter().fold(diagnostic, |diagnostic, operand| {
                    diagnostic.label(operand.span, format!("this is {}", operand.dtype))
                });
                diagnostic.note(match remedy {
                    Remedy::SubtractBools => "to tell where bools differ, use ^; to count, cast: int8(x) - int8(y)",
                    Remedy::NegateBool => "to negate a bool, use ~ or not; to count, cast: -int8(x)",
                    Remedy::CastToInt => "cast to an integer first, for example int64(x)",
                    Remedy::BracketConditions => {
                        "conditions need brackets, as in (x > 1) & (y > 2); for bits, cast to an integer first: int64(x)"
                    }
                    Remedy::RaiseToPower => {
                        "to raise to a power, write x**y; for bits, cast to an integer first: int64(x)"
                    }
                    Remedy::CastBool => "cast to a number first, for example int8(x)",
                })
            }
            ErrorKind::UnsafeArgument { takes, found, .. } => diagnostic
                .label(self.span, format!("this is {found}"))
                .note(format!("some values would change; to convert it nevertheless, write x.astype({takes})")),
            ErrorKind::LiteralOutOfRange { value, dtype, operand } => {
                let diagnostic = diagnostic.label(self.span, format!("this does not fit {dtype}"));
                let diagnostic = match operand {
                    Some(span) => diagnostic.label(*span, format!("this is {dtype}")),
                    None => diagnostic,
                };
                let diagnostic = diagnostic.note(format!("{dtype} holds {}", range(*dtype)));
                let wider = wider(*value, *dtype).unwrap_or(DType::Float64);
                match operand {
                    Some(_) => diagnostic.note(format!("cast the other operand, for example {wider}(x)")),
                    None => diagnostic,
                }
            }
            ErrorKind::LiteralOverflow => diagnostic
                .label(self.span, "no integer dtype holds this")
                .note("write a float for an approximate value, for example 2.0**100"),
            ErrorKind::NegativePower { base } => diagnostic
                .label(base.span, format!("this is {}", base.dtype))
                .label(self.span, "negative")
                .note("cast the base to a float first, for example float64(x)"),
            ErrorKind::ComplexLiteral => {
                diagnostic.label(self.span, "imaginary").note("the dtypes are bool, the integers, float32 and float64")
            }
            ErrorKind::UpdateKind { from, to } => diagnostic
                .label(self.span, format!("the new value is {from}"))
                .note(format!("to convert it, write {to}(...), or assign with = to a part: u[...] = u + ...")),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::UnknownVariable { name, .. } => write!(f, "there is no variable `{}`", brief(name)),
            ErrorKind::FunctionAsValue { name } => {
                write!(f, "`{name}` is a function, and no variable has this name")
            }
            ErrorKind::UnknownFunction { name, is_variable: true, .. } => {
                write!(f, "`{name}` is a variable, not a function")
            }
            ErrorKind::UnknownFunction { name, .. } => write!(f, "there is no function `{}`", brief(name)),
            ErrorKind::ArgumentCount { name, takes: (least, most), found, .. } if least < most => {
                write!(f, "`{name}` takes {least} or {most} arguments by position, found {found}")
            }
            ErrorKind::ArgumentCount { name, takes: (n, _), found, .. } => {
                let s = if *n == 1 { "" } else { "s" };
                write!(f, "`{name}` takes {n} argument{s}, found {found}")
            }
            ErrorKind::UnknownKeyword { name, params, found, .. } => {
                match params.iter().any(|param| param.contains('=')) {
                    true => write!(f, "`{name}` has no option `{}`", brief(found)),
                    false => write!(f, "`{name}` takes no arguments by name, found `{}`", brief(found)),
                }
            }
            ErrorKind::RepeatedArgument { name, .. } => write!(f, "the argument `{name}` is given twice"),
            ErrorKind::WrongArgument { param, expects, found, .. } => {
                let expects = match expects {
                    Expects::Axes => "an integer, a tuple of integers or None",
                    Expects::Axis => "an integer or None",
                    Expects::Bool => "True or False",
                    Expects::Number => "a number",
                };
                write!(f, "`{param}` must be {expects}, found {found}")
            }
            ErrorKind::AxisOverflow => f.write_str("no array has so many axes"),
            ErrorKind::UnknownConstant { name } => write!(f, "there is no constant `{}`", brief(name)),
            ErrorKind::SingleIndexed => f.write_str("a single value cannot be indexed"),
            ErrorKind::LoopsUnsettled => f.write_str("the dtypes of nested loops take too long to settle"),
            ErrorKind::TooManyShapes => f.write_str("the reductions of this text are made of too many parts"),
            ErrorKind::NotDefined { name, operands, .. } => {
                let dtypes: Vec<&str> = operands.iter().map(|o| o.dtype.name()).collect();
                write!(f, "`{name}` is not defined for {}", dtypes.join(" and "))
            }
            ErrorKind::UnsafeArgument { function, param, takes, found } => {
                write!(f, "`{function}` takes {takes} for `{param}`, found {found}")
            }
            ErrorKind::LiteralOutOfRange { value, dtype, .. } => {
                write!(f, "the integer {value} does not fit {dtype}")
            }
            ErrorKind::LiteralOverflow => f.write_str("the integer is too large"),
            ErrorKind::NegativePower { .. } => f.write_str("an integer cannot be raised to a negative power"),
            ErrorKind::ComplexLiteral => f.write_str("complex numbers are not supported"),
            ErrorKind::UpdateKind { from, to } => write!(f, "an array of {to} cannot be updated to {from} values"),
        }
    }
}

impl std::error::Error for Error {}

fn form(name: &str, params: &[&str]) -> String {
    format!("its form is {name}({})", params.join(", "))
}

/// A name of the text, cut if it is long. It may be as long as the text is allowed to be.
fn brief(name: &str) -> Cow<'_, str> {
    const MOST: usize = 64;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &name[..end]).into(),
        None => name.into(),
    }
}

fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut text = names.iter().take(MOST).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}

/// The smallest and largest value of an integer dtype.
pub(super) fn limits(dtype: DType) -> (i128, i128) {
    let bits = 8 * dtype.size() as u32;
    if dtype.is_signed_int() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}

fn range(dtype: DType) -> String {
    let (low, high) = limits(dtype);
    format!("{low} to {high}")
}

/// The next dtype that holds both the value and what `dtype` holds.
fn wider(value: i128, dtype: DType) -> Option<DType> {
    use DType::{Int16, Int32, Int64};
    [Int16, Int32, Int64].into_iter().find(|&wide| {
        let (low, high) = limits(wide);
        (low..=high).contains(&value) && super::is_lossless(dtype, wide)
    })
}
