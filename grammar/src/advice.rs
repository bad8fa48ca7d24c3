//! Errors in more words: what to say at which place, and what to write instead.
//!
//! In: an [`Error`]. Out: its [`Diagnostic`]. Always true: every error has a label, except those
//! about the text as a whole; every label has a remark; the source text is not needed.

use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Expectation, Expected, Feature, Found};
use crate::foreign;

impl Error {
    /// The error with labels and advice, ready to be drawn over the source text.
    #[must_use]
    pub fn to_diagnostic(&self) -> Diagnostic {
        let span = self.span();
        let diagnostic = Diagnostic::new(self.to_string());
        match self.kind() {
            ErrorKind::TextTooLong { .. } => diagnostic,
            ErrorKind::TooDeep { .. } => diagnostic
                .label(span, "one level too many")
                .note("brackets, unary operators, `not`, `**` and `else` count, each until what it applies to ends"),
            ErrorKind::TooManyNodes { .. } => {
                diagnostic.label(span, "one part too many").note("every number, name, operator and call counts")
            }
            ErrorKind::Empty => diagnostic.note("an expression looks like `a + b*2`"),
            ErrorKind::Unexpected { expected, found, opener } => {
                let mut diagnostic = diagnostic.label(span, format!("expected {expected}"));
                if let Some(opener) = opener {
                    diagnostic = diagnostic.label(*opener, "inside this bracket");
                }
                match advice(*expected, found, opener.is_some()) {
                    Some(note) => diagnostic.note(note),
                    None => diagnostic,
                }
            }
            ErrorKind::UnclosedBracket { end } => {
                diagnostic.label(span, "opened here").label(*end, "expected `)` before the end")
            }
            ErrorKind::UnopenedBracket => diagnostic.label(span, "no `(` is open here"),
            ErrorKind::UnexpectedCharacter { character } => {
                let diagnostic = diagnostic.label(span, "not part of any expression");
                match character {
                    ':' => diagnostic.note("there are no slices; a condition is written `x if condition else y`"),
                    '.' => diagnostic.note("a number needs a digit on one side of its point at least"),
                    _ => diagnostic,
                }
            }
            ErrorKind::LookAlike { instead, .. } => {
                let text = match *instead {
                    "" => "remove it".to_owned(),
                    words if words.contains(' ') => format!("write {words}"),
                    code => format!("write `{code}`"),
                };
                diagnostic.label(span, text)
            }
            ErrorKind::ForeignOperator { found, instead } => {
                let text = match *found {
                    "=" => format!("write `{instead}` to compare"),
                    _ => format!("write `{instead}`"),
                };
                let diagnostic = diagnostic.label(span, text);
                match *found {
                    "&&" | "||" | "!" => diagnostic.note("`&`, `|` and `~` work on bits and on booleans"),
                    _ => diagnostic,
                }
            }
            ErrorKind::Unsupported { feature } => {
                let diagnostic = diagnostic.label(span, feature.label());
                match feature.advice() {
                    Some(note) => diagnostic.note(note),
                    None => diagnostic,
                }
            }
            ErrorKind::PositionalAfterKeyword { keyword } => diagnostic
                .label(span, "this has no name")
                .label(*keyword, "this is the name of an argument")
                .note("arguments by name come last; to compare, write `==`"),
            ErrorKind::RepeatedKeyword { first, .. } => {
                diagnostic.label(*first, "first here").label(span, "again here")
            }
            ErrorKind::BitsInChain { operator, instead } => {
                let instead = instead.clone().unwrap_or_else(|| format!("(a < b) {operator} (c < d)"));
                diagnostic
                    .label(span, format!("`{operator}` is applied before any comparison, so this is one operand"))
                    .note(format!("write {instead}"))
            }
            ErrorKind::TupleOperand { operator } => diagnostic
                .label(*operator, "an operator works on values")
                .label(span, "this is a tuple")
                .note("a tuple can only be an argument by itself, as in `sum(a, axis=(0, 1))`"),
            ErrorKind::IntTooLarge => {
                diagnostic.label(span, format!("the largest is {}", u128::MAX)).note("with a point it is a float: `1.`")
            }
            ErrorKind::LeadingZero => diagnostic
                .label(span, "decimal or octal?")
                .note("write `0o` before the digits if they are octal, and no zeros if they are decimal"),
            ErrorKind::MisplacedUnderscore => diagnostic.label(span, "not between two digits"),
            ErrorKind::MissingDigits { radix } => diagnostic.label(span, format!("expected digits of base {radix}")),
            ErrorKind::WrongDigit { radix, .. } => {
                diagnostic.label(span, format!("the digits of base {radix} are 0 to {}", radix - 1))
            }
            ErrorKind::NumberRunsIntoName { number, name, number_span } => {
                let is_keyword = matches!(name.as_str(), "and" | "or" | "not" | "if" | "else");
                let note = if is_keyword {
                    format!("write `{number} {name}`")
                } else {
                    format!("write `{number}*{name}` to multiply")
                };
                let label =
                    if is_keyword { "expected a space between them" } else { "expected an operator between them" };
                diagnostic.label(number_span.join(span), label).note(note)
            }
        }
    }
}

/// What the writer of a misplaced token may have meant.
fn advice(expected: Expected, found: &Found, is_open: bool) -> Option<String> {
    let after_operand = expected.contains(Expectation::Operator);
    Some(match found {
        Found::Name(name) if after_operand => match foreign::word(name) {
            Some(instead) => format!("write `{instead}`"),
            None => return None,
        },
        Found::Symbol("(") if after_operand => "only a name can be called; write `*` to multiply".to_owned(),
        Found::Symbol(",") if after_operand => {
            let place = if is_open { "in a call" } else { "inside the brackets of a call" };
            format!("`,` separates arguments {place} only; a tuple can only be an argument by itself")
        }
        Found::Keyword("if" | "else") => "a condition is written `x if condition else y`".to_owned(),
        Found::Keyword("not") if after_operand => "`not` stands before its operand".to_owned(),
        Found::Keyword("not") => "`not` binds looser than this operator; put it in brackets: `(not x)`".to_owned(),
        _ => return None,
    })
}

impl Feature {
    fn label(&self) -> String {
        match self {
            Self::Indexing => "expected an operator".to_owned(),
            Self::Lists | Self::Braces => "expected an operand".to_owned(),
            Self::Attributes(name) if !name.is_empty() => {
                format!("`.{name}` cannot follow an operand")
            }
            Self::Attributes(_) => "this cannot follow an operand".to_owned(),
            Self::Strings => "not a number".to_owned(),
            Self::Assignments => "an expression has a value and changes nothing".to_owned(),
            Self::Statements => "the expression must end here".to_owned(),
            Self::MatrixProducts => "operators work element by element".to_owned(),
            Self::Lambdas => "an expression cannot define functions".to_owned(),
            Self::QuestionMarks => "expected an operator".to_owned(),
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Indexing => "slice the array before it is passed in".to_owned(),
            Self::Lists => "pass the array in as a variable".to_owned(),
            Self::Braces => "group with `(` and `)`".to_owned(),
            Self::Attributes(name) if !name.is_empty() => {
                format!("functions and constants have no prefix: write `{name}` alone if it is one")
            }
            Self::Statements => "evaluate one expression at a time".to_owned(),
            Self::QuestionMarks => "a condition is written `x if condition else y`".to_owned(),
            Self::Attributes(_) | Self::Strings | Self::Assignments | Self::MatrixProducts | Self::Lambdas => {
                return None;
            }
        })
    }
}
