//! What can be wrong with a text.
//!
//! In: the facts found by the lexer and the parser. Out: [`Error`], a kind, the place and the
//! facts. Always true: an error does not borrow the text, and what it quotes of it is clipped to a
//! few words.

use std::fmt;

use crate::foreign;
use crate::span::Span;

/// Why a text is not an expression: a kind with its facts, and where.
///
/// `Display` is the message alone; [`Error::to_diagnostic`] also has the place and the advice.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    span: Span,
}

/// What is wrong, with the facts.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is longer than [`Limits::max_text_bytes`](crate::Limits::max_text_bytes).
    #[error("the text has {n_bytes} bytes, more than the limit of {limit}")]
    TextTooLong {
        /// The length of the text.
        n_bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// More is open at one place than [`Limits::max_nesting`](crate::Limits::max_nesting).
    #[error("the expression is nested more than {limit} levels deep")]
    TooDeep {
        /// The deepest that is allowed.
        limit: usize,
    },
    /// The tree has more expressions than [`Limits::max_nodes`](crate::Limits::max_nodes).
    #[error("the expression has more than {limit} parts")]
    TooManyNodes {
        /// The most that are allowed.
        limit: usize,
    },
    /// There is nothing but white space and comments.
    #[error("the expression is empty")]
    Empty,
    /// The grammar does not allow a token, or the end, where it is.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What could have been there instead.
        expected: Expected,
        /// What is there.
        found: Found,
        /// The innermost bracket that is still open.
        opener: Option<Span>,
    },
    /// The text ends before a bracket is closed.
    #[error("this `(` is never closed")]
    UnclosedBracket {
        /// Where the text ends.
        end: Span,
    },
    /// A bracket is closed that was never opened.
    #[error("this `)` closes nothing")]
    UnopenedBracket,
    /// A character that begins no token.
    #[error("unexpected character {}", Quoted(*.character))]
    UnexpectedCharacter {
        /// The character.
        character: char,
    },
    /// A character that looks like, or stands for, one of the language.
    #[error("unexpected character {}", Quoted(*.character))]
    LookAlike {
        /// The character.
        character: char,
        /// What to write instead: code, words if there is a space in it, nothing if the character
        /// is invisible.
        instead: &'static str,
    },
    /// An operator of another language.
    #[error("there is no operator `{found}`")]
    ForeignOperator {
        /// The operator.
        found: &'static str,
        /// The operator of this language with that meaning.
        instead: &'static str,
    },
    /// Something that other languages have and this one does not.
    #[error("{feature} are not supported")]
    Unsupported {
        /// What it is.
        feature: Feature,
    },
    /// An argument by position after one by name.
    #[error("an argument by position cannot follow one by name")]
    PositionalAfterKeyword {
        /// The name before it.
        keyword: Span,
    },
    /// Two arguments with the same name.
    #[error("the argument `{name}` is given twice")]
    RepeatedKeyword {
        /// The name, clipped.
        name: String,
        /// Where the name is first. The error's span is where it is the second time.
        first: Span,
    },
    /// An operator on bits, without brackets, as an operand of a chain of comparisons: `a > 5 & b >
    /// 5`.
    #[error("`{operator}` between comparisons needs brackets")]
    BitsInChain {
        /// The operator.
        operator: &'static str,
        /// The text with brackets, if it is short.
        instead: Option<String>,
    },
    /// An operator beside a tuple.
    #[error("a tuple is no operand")]
    TupleOperand {
        /// The operator.
        operator: Span,
    },
    /// An integer that does not fit 128 bits.
    #[error("the integer does not fit 128 bits")]
    IntTooLarge,
    /// An integer such as `010`, which is 8 in some languages and 10 in others.
    #[error("a decimal integer cannot begin with 0")]
    LeadingZero,
    /// An underscore that is not between two digits.
    #[error("an underscore in a number must be between two digits")]
    MisplacedUnderscore,
    /// `0x`, `0o` or `0b` alone.
    #[error("the base {radix} number has no digits")]
    MissingDigits {
        /// The base.
        radix: u32,
    },
    /// A decimal digit that the base does not have.
    #[error("base {radix} has no digit `{digit}`")]
    WrongDigit {
        /// The digit.
        digit: char,
        /// The base.
        radix: u32,
    },
    /// A number directly followed by letters.
    #[error("the number `{number}` runs into the name `{name}`")]
    NumberRunsIntoName {
        /// The number, clipped.
        number: String,
        /// The letters that follow it, clipped.
        name: String,
        /// Where the number is. The error's span is that of the name.
        number_span: Span,
    },
}

/// What a token could have been. Displays as words: "an operator, `,` or `)`".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expected(u8);

/// One class of tokens that the grammar may allow at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expectation {
    /// A number, a name, a call, `(` or a unary operator.
    Operand,
    /// An operator between two operands.
    Operator,
    /// `else`.
    Else,
    /// `,`.
    Comma,
    /// `)`.
    CloseBracket,
    /// The end of the text.
    End,
}

/// What is at a place. Displays as words: "the name `b`".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Found {
    /// A name, clipped.
    Name(String),
    /// A number, clipped.
    Number(String),
    /// A keyword.
    Keyword(&'static str),
    /// An operator or another sign.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

/// What other languages have and this one does not. Displays as a plural.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// `a[1:]`.
    Indexing,
    /// `[1, 2]`.
    Lists,
    /// `{1, 2}`.
    Braces,
    /// `a.b`, with the name after the dot, clipped.
    Attributes(String),
    /// `"text"`.
    Strings,
    /// `a = b`.
    Assignments,
    /// `a; b`.
    Statements,
    /// `a @ b`.
    MatrixProducts,
    /// `lambda x: x`.
    Lambdas,
    /// `c ? x : y`.
    QuestionMarks,
}

/// Text is quoted in messages up to this many characters.
const MAX_QUOTED_CHARS: usize = 40;

/// The beginning of a piece of the source.
fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((byte_idx, _)) => format!("{}...", &text[..byte_idx]),
        None => text.to_owned(),
    }
}

impl Error {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Where it is wrong. The span is empty and at the start if the error is about the text as a
    /// whole.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    fn new(kind: ErrorKind, span: Span) -> Self {
        Self { kind, span }
    }

    pub(crate) fn text_too_long(n_bytes: usize, limit: usize) -> Self {
        Self::new(ErrorKind::TextTooLong { n_bytes, limit }, Span::default())
    }

    pub(crate) fn too_deep(limit: usize, span: Span) -> Self {
        Self::new(ErrorKind::TooDeep { limit }, span)
    }

    pub(crate) fn too_many_nodes(limit: usize, span: Span) -> Self {
        Self::new(ErrorKind::TooManyNodes { limit }, span)
    }

    pub(crate) fn empty() -> Self {
        Self::new(ErrorKind::Empty, Span::default())
    }

    pub(crate) fn unexpected(expected: Expected, found: Found, opener: Option<Span>, span: Span) -> Self {
        Self::new(ErrorKind::Unexpected { expected, found, opener }, span)
    }

    pub(crate) fn unclosed_bracket(opener: Span, end: Span) -> Self {
        Self::new(ErrorKind::UnclosedBracket { end }, opener)
    }

    pub(crate) fn unopened_bracket(span: Span) -> Self {
        Self::new(ErrorKind::UnopenedBracket, span)
    }

    pub(crate) fn unexpected_character(character: char, span: Span) -> Self {
        match foreign::look_alike(character) {
            Some(instead) => Self::new(ErrorKind::LookAlike { character, instead }, span),
            None => Self::new(ErrorKind::UnexpectedCharacter { character }, span),
        }
    }

    /// The error for a word whose letters only look like those of `keyword`.
    pub(crate) fn disguised_keyword(word: &str, keyword: &'static str, span: Span) -> Self {
        let character = word.chars().find(|character| !character.is_ascii()).unwrap_or_default();
        Self::new(ErrorKind::LookAlike { character, instead: keyword }, span)
    }

    pub(crate) fn foreign_operator(found: &'static str, instead: &'static str, span: Span) -> Self {
        Self::new(ErrorKind::ForeignOperator { found, instead }, span)
    }

    pub(crate) fn unsupported(feature: Feature, span: Span) -> Self {
        Self::new(ErrorKind::Unsupported { feature }, span)
    }

    pub(crate) fn positional_after_keyword(keyword: Span, span: Span) -> Self {
        Self::new(ErrorKind::PositionalAfterKeyword { keyword }, span)
    }

    pub(crate) fn repeated_keyword(name: &str, first: Span, span: Span) -> Self {
        Self::new(ErrorKind::RepeatedKeyword { name: clip(name), first }, span)
    }

    pub(crate) fn bits_in_chain(operator: &'static str, instead: Option<String>, span: Span) -> Self {
        Self::new(ErrorKind::BitsInChain { operator, instead }, span)
    }

    pub(crate) fn tuple_operand(operator: Span, span: Span) -> Self {
        Self::new(ErrorKind::TupleOperand { operator }, span)
    }

    pub(crate) fn int_too_large(span: Span) -> Self {
        Self::new(ErrorKind::IntTooLarge, span)
    }

    pub(crate) fn leading_zero(span: Span) -> Self {
        Self::new(ErrorKind::LeadingZero, span)
    }

    pub(crate) fn misplaced_underscore(span: Span) -> Self {
        Self::new(ErrorKind::MisplacedUnderscore, span)
    }

    pub(crate) fn missing_digits(radix: u32, span: Span) -> Self {
        Self::new(ErrorKind::MissingDigits { radix }, span)
    }

    pub(crate) fn wrong_digit(digit: char, radix: u32, span: Span) -> Self {
        Self::new(ErrorKind::WrongDigit { digit, radix }, span)
    }

    pub(crate) fn number_runs_into_name(number: &str, name: &str, number_span: Span, span: Span) -> Self {
        let (number, name) = (clip(number), clip(name));
        Self::new(ErrorKind::NumberRunsIntoName { number, name, number_span }, span)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Indexing => "indexing and slicing",
            Self::Lists => "lists",
            Self::Braces => "sets and braces",
            Self::Attributes(_) => "attributes and methods",
            Self::Strings => "strings",
            Self::Assignments => "assignments",
            Self::Statements => "several statements",
            Self::MatrixProducts => "matrix products",
            Self::Lambdas => "function definitions",
            Self::QuestionMarks => "conditions written with `?`",
        })
    }
}

impl Expected {
    const ALL: [Expectation; 6] = [
        Expectation::Operand,
        Expectation::Operator,
        Expectation::Else,
        Expectation::Comma,
        Expectation::CloseBracket,
        Expectation::End,
    ];

    pub(crate) fn insert(&mut self, expectation: Expectation) {
        self.0 |= expectation.bit();
    }

    /// Whether the class is among those expected.
    #[must_use]
    pub fn contains(self, expectation: Expectation) -> bool {
        self.0 & expectation.bit() != 0
    }

    /// The classes expected.
    pub fn iter(self) -> impl Iterator<Item = Expectation> {
        Self::ALL.into_iter().filter(move |&expectation| self.contains(expectation))
    }
}

impl Expectation {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operand => "an operand",
            Self::Operator => "an operator",
            Self::Else => "`else`",
            Self::Comma => "`,`",
            Self::CloseBracket => "`)`",
            Self::End => "the end",
        })
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_expected = self.iter().count();
        if n_expected == 0 {
            return f.write_str("something else");
        }
        for (idx, expectation) in self.iter().enumerate() {
            let separator = match idx {
                0 => "",
                _ if idx + 1 == n_expected => " or ",
                _ => ", ",
            };
            write!(f, "{separator}{expectation}")?;
        }
        Ok(())
    }
}

impl Found {
    pub(crate) fn name(text: &str) -> Self {
        Self::Name(clip(text))
    }

    pub(crate) fn number(text: &str) -> Self {
        Self::Number(clip(text))
    }
}

impl Feature {
    pub(crate) fn attributes(name: &str) -> Self {
        Self::Attributes(clip(name))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "the name `{name}`"),
            Self::Number(number) => write!(f, "the number `{number}`"),
            Self::Keyword(keyword) => write!(f, "the keyword `{keyword}`"),
            Self::Symbol(symbol) => write!(f, "`{symbol}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// A character in a message. It is shown itself if it can be seen; its number is shown if it is not
/// ASCII or cannot be seen.
struct Quoted(char);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u32::from(self.0);
        let is_visible = unicode_width::UnicodeWidthChar::width(self.0).is_some_and(|n_columns| n_columns > 0);
        match (is_visible && !self.0.is_whitespace(), self.0.is_ascii()) {
            (true, true) => write!(f, "`{}`", self.0),
            (true, false) => write!(f, "`{}` (U+{code:04X})", self.0),
            (false, _) => write!(f, "U+{code:04X}"),
        }
    }
}
