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
            ErrorKind::TooDeep { .. } => diagnostic.label(span, "one level too many").note(
                "brackets, blocks, unary operators, `not`, `**` and `else` count, each until what it applies to ends",
            ),
            ErrorKind::TooManyNodes { .. } => diagnostic
                .label(span, "one part too many")
                .note("every number, name, operator, call and statement counts"),
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
            ErrorKind::UnclosedBracket { bracket, end } => {
                let closing = if *bracket == "[" { "]" } else { ")" };
                diagnostic.label(span, "opened here").label(*end, format!("expected `{closing}` before the end"))
            }
            ErrorKind::UnopenedBracket { bracket } => {
                let opening = if *bracket == "]" { "[" } else { "(" };
                diagnostic.label(span, format!("no `{opening}` is open here"))
            }
            ErrorKind::MismatchedBracket { opener, opener_span, .. } => {
                let closing = if *opener == "[" { "]" } else { ")" };
                diagnostic.label(*opener_span, "opened here").label(span, format!("expected `{closing}`"))
            }
            ErrorKind::UnclosedString => diagnostic
                .label(span, "its quotes must be there again at its end")
                .note("text over several lines stands between three quotes"),
            ErrorKind::UnexpectedIndentation => diagnostic
                .label(span, "deeper than the lines before it")
                .note("a block is deeper than the line before it, and that line ends with `:`"),
            ErrorKind::MissingBlock { colon } => diagnostic
                .label(*colon, "this begins a block")
                .label(span, "not deeper than the line of the `:`")
                .note("a block that does nothing is `pass`"),
            ErrorKind::UnmatchedIndentation => {
                diagnostic.label(span, "no block began at this column").note("all lines of a block are indented alike")
            }
            ErrorKind::MixedIndentation => diagnostic
                .label(span, "deeper or not, depending on the width of a tab")
                .note("indent all lines with spaces, or all with tabs"),
            ErrorKind::UnexpectedCharacter { character } => {
                let diagnostic = diagnostic.label(span, "not part of any expression");
                match character {
                    '\\' => diagnostic.note("a `\\` joins two lines if nothing follows it on its own"),
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
                let diagnostic = diagnostic.label(span, format!("write `{instead}`"));
                match *found {
                    "&&" | "||" | "!" => diagnostic.note("`&`, `|` and `~` work on bits and on booleans"),
                    _ => diagnostic,
                }
            }
            ErrorKind::Unsupported { feature } => diagnostic.label(span, feature.label()).note(feature.advice()),
            ErrorKind::PositionalAfterKeyword { keyword } => diagnostic
                .label(span, "this has no name")
                .label(*keyword, "this is the name of an argument")
                .note("arguments by name come last; to compare, write `==`"),
            ErrorKind::RepeatedKeyword { first, .. } | ErrorKind::RepeatedParameter { first, .. } => {
                diagnostic.label(*first, "first here").label(span, "again here")
            }
            ErrorKind::MissingDefault { earlier } => diagnostic
                .label(*earlier, "this has a default")
                .label(span, "this has none")
                .note("parameters with a default come last"),
            ErrorKind::NotATarget { target, operator } => {
                let diagnostic = diagnostic.label(span, format!("expected {}", targets(operator)));
                match (*operator, *target) {
                    ("=", "a call") => {
                        diagnostic.note("to compare, write `==`; to define a function, write `def f(x): return ...`")
                    }
                    ("=", _) => diagnostic.note("to compare, write `==`"),
                    _ => diagnostic,
                }
            }
            ErrorKind::NotARange { instead, .. } => {
                let diagnostic = diagnostic.label(span, "expected `range(...)`");
                match instead {
                    Some(instead) => diagnostic.note(format!("write `{instead}`")),
                    None => diagnostic.note("write `for i in range(n):`, and `x[i]` for an element of `x`"),
                }
            }
            ErrorKind::RangeArguments { .. } | ErrorKind::RangeKeyword => diagnostic
                .label(span, "expected one to three numbers by position")
                .note("write `range(stop)`, `range(start, stop)` or `range(start, stop, step)`"),
            ErrorKind::OutsideLoop { .. } => diagnostic
                .label(span, "no loop is around this")
                .note("a loop is around its body only: not around its `else`, nor around a function's statements"),
            ErrorKind::StrayBranch { word, begins_line } => {
                let diagnostic = diagnostic.label(
                    span,
                    if *begins_line {
                        "no block that it could belong to ends here"
                    } else {
                        "expected on a line of its own"
                    },
                );
                diagnostic.note(match *word {
                    "elif" => "`elif` follows the block of an `if` or `elif`, and is indented like it",
                    _ => "`else:` follows the block of an `if`, `elif`, `while` or `for`, and is indented like it",
                })
            }
            ErrorKind::ElseIf => diagnostic.label(span, "write `elif`"),
            ErrorKind::ReservedWord { word } => {
                diagnostic.label(span, "this is no name").note(format!("write another name, such as `{word}_`"))
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
                .note("a tuple is an argument, an item or a value by itself, as in `sum(a, axis=(0, 1))`"),
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
                let is_keyword = matches!(name.as_str(), "and" | "or" | "not" | "if" | "else" | "is" | "in");
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
        _ if expected.contains(Expectation::In) => "a loop begins with `for i in range(n):`".to_owned(),
        Found::Name(name) if after_operand => match foreign::word(name) {
            Some(instead) => format!("write `{instead}`"),
            None => return None,
        },
        Found::Symbol("(") if after_operand => "only a name can be called; write `*` to multiply".to_owned(),
        Found::Symbol("=") if after_operand && is_open => {
            "to compare, write `==`; in a call, `=` stands behind the name of an argument".to_owned()
        }
        Found::Symbol("=") if after_operand => "to compare, write `==`".to_owned(),
        Found::Symbol("...") => "`...` stands only in an index, as in `x[..., 0]`".to_owned(),
        Found::Symbol(":") if after_operand => "a condition is written `x if condition else y`".to_owned(),
        Found::Symbol(".") => "a number needs a digit on one side of its point at least".to_owned(),
        Found::Keyword("if") if expected.contains(Expectation::Operand) => {
            "an `if` statement begins a line; a conditional value is written `x if condition else y`".to_owned()
        }
        Found::Keyword("def" | "return" | "pass" | "elif" | "while" | "for" | "break" | "continue") => {
            "this begins a statement, on a line of its own".to_owned()
        }
        Found::Keyword("if" | "else") => "a condition is written `x if condition else y`".to_owned(),
        Found::Keyword("not") if after_operand => "`not` stands before its operand".to_owned(),
        Found::Keyword("not") => "`not` binds looser than this operator; put it in brackets: `(not x)`".to_owned(),
        _ => return None,
    })
}

/// What can be before an operator that assigns.
fn targets(operator: &str) -> &'static str {
    match operator {
        "=" => "a name, `x[...]`, or several with commas between them",
        "in" => "a name",
        _ => "a name or `x[...]`",
    }
}

impl Feature {
    fn label(self) -> &'static str {
        match self {
            Self::Lists | Self::Braces => "expected an operand",
            Self::Strings | Self::FStrings => "not a number",
            Self::Assignments => "an expression has a value and changes nothing",
            Self::MatrixProducts => "operators work element by element",
            Self::Lambdas => "an expression cannot define functions",
            Self::QuestionMarks => "expected an operator",
            Self::Comprehensions => "an expression works on whole arrays",
            Self::Stars => "nothing is unpacked here",
            Self::ParameterMarks => "every argument may be given by position or by name",
            Self::IdentityTests | Self::MembershipTests => "only values are compared",
            Self::MatchStatements => "nothing is matched with patterns",
            Self::Imports => "functions and constants are there without it",
            Self::Classes => "only functions can be defined",
            Self::Exceptions => "no statement raises or catches any",
            Self::WithStatements => "there is nothing to open or close",
            Self::ScopeStatements => "a function changes only names of its own",
            Self::Generators => "a function gives all of its value at once",
            Self::Coroutines => "no statement waits for another",
            Self::Deletions => "names end with their function",
            Self::Assertions => "no statement stops a program",
            Self::Decorators => "nothing changes a function",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Lists => "a tuple is written `(1, 2)`; pass an array in as a variable",
            Self::Braces => "group with `(` and `)`; pass an array in as a variable",
            Self::Strings | Self::FStrings => {
                "a string can only be a docstring or an annotation; pass a value in as a variable"
            }
            Self::Assignments => "assign in a statement of its own, as in `x = value`",
            Self::MatrixProducts => "write `*` to multiply the elements, and `sum` to add the products along an axis",
            Self::Lambdas => "write `def f(x): return ...` on a line of its own",
            Self::QuestionMarks => "a condition is written `x if condition else y`",
            Self::Comprehensions => "write `x**2` instead of `[v**2 for v in x]`, and `sum(x)` instead of a loop's sum",
            Self::Stars => "write each item out, as in `f(a, b)`, `def f(a, b):` and `a, b = x`",
            Self::ParameterMarks => "leave the mark out",
            Self::IdentityTests => "write `==`, or `!=` instead of `is not`",
            Self::MembershipTests => "write `(x == 1) | (x == 2)`, or `(x != 1) & (x != 2)` instead of `not in`",
            Self::MatchStatements => "write `if x == 1:` and `elif x == 2:`",
            Self::Imports => "leave the import out",
            Self::Classes => "write `def f(x): return ...`",
            Self::Exceptions => "choose between values with `where(condition, x, y)`",
            Self::WithStatements => "leave the line out, and indent its block less",
            Self::ScopeStatements => "return the value, and assign it where the function is called",
            Self::Generators => "write `return`",
            Self::Coroutines => "leave the word out",
            Self::Deletions => "leave the statement out",
            Self::Assertions => "check the result, or choose with `where(condition, x, y)`",
            Self::Decorators => "leave the decorator out",
        }
    }
}
