//! What can be wrong with a text.
//!
//! In: the facts found by the lexer and the parser. Out: [`Error`], a kind, the place and the
//! facts. Always true: an error does not borrow the text, and what it quotes of it is clipped to a
//! few words.

use std::fmt;

use crate::foreign;
use crate::span::Span;

/// Why a text is not a program: a kind with its facts, and where.
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
    #[error("the text is nested more than {limit} levels deep")]
    TooDeep {
        /// The deepest that is allowed.
        limit: usize,
    },
    /// The tree has more expressions and statements than
    /// [`Limits::max_nodes`](crate::Limits::max_nodes).
    #[error("the text has more than {limit} parts")]
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
    #[error("this `{bracket}` is never closed")]
    UnclosedBracket {
        /// The bracket.
        bracket: &'static str,
        /// Where the text ends.
        end: Span,
    },
    /// A bracket is closed that was never opened.
    #[error("this `{bracket}` closes nothing")]
    UnopenedBracket {
        /// The bracket.
        bracket: &'static str,
    },
    /// A bracket is closed by one of another kind.
    #[error("`{bracket}` cannot close `{opener}`")]
    MismatchedBracket {
        /// The bracket that closes.
        bracket: &'static str,
        /// The bracket that is open.
        opener: &'static str,
        /// Where that is.
        opener_span: Span,
    },
    /// A string without an end.
    #[error("this string is never closed")]
    UnclosedString,
    /// A line is deeper than its block, and no `:` before it begins a block.
    #[error("unexpected indentation")]
    UnexpectedIndentation,
    /// A `:` that begins a block is followed by no deeper line.
    #[error("expected an indented block")]
    MissingBlock {
        /// The `:`.
        colon: Span,
    },
    /// A line begins at a column where no block began.
    #[error("the indentation is that of no open block")]
    UnmatchedIndentation,
    /// Which of two lines is deeper depends on how wide a tab is.
    #[error("tabs and spaces are mixed in the indentation")]
    MixedIndentation,
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
    /// Two parameters with the same name.
    #[error("the parameter `{name}` appears twice")]
    RepeatedParameter {
        /// The name, clipped.
        name: String,
        /// Where the name is first. The error's span is where it is the second time.
        first: Span,
    },
    /// A parameter without a default after one with a default.
    #[error("a parameter without a default cannot follow one with a default")]
    MissingDefault {
        /// The name of the one before it that has a default.
        earlier: Span,
    },
    /// Something is assigned to, or annotated, that is no name, no element and no tuple of such.
    #[error("{}", NotATarget(target, operator))]
    NotATarget {
        /// What it is: "a call".
        target: &'static str,
        /// What is behind it: `=`, `+=`, `:`, or the `in` of a loop.
        operator: &'static str,
    },
    /// A loop over something else than `range(...)`.
    #[error("a loop runs over `range(...)`, not over {found}")]
    NotARange {
        /// What it is: "`enumerate(...)`" or "a tuple".
        found: String,
        /// The `range` that gives the same numbers, if that is plain.
        instead: Option<String>,
    },
    /// A `range` that a loop runs over, with no argument or more than three.
    #[error("`range` takes one to three arguments, not {n_args}")]
    RangeArguments {
        /// The number of arguments.
        n_args: usize,
    },
    /// An argument by name of a `range` that a loop runs over.
    #[error("`range` takes no arguments by name")]
    RangeKeyword,
    /// `break` or `continue` that is in no loop, or in a function that is defined in one.
    #[error("`{word}` outside of a loop")]
    OutsideLoop {
        /// The word.
        word: &'static str,
    },
    /// An `elif` or `else` where none can be.
    #[error("{}", StrayBranch(word, *begins_line))]
    StrayBranch {
        /// The word.
        word: &'static str,
        /// Whether a line begins with it.
        begins_line: bool,
    },
    /// `else if` where Python has one word.
    #[error("`else if` is one word")]
    ElseIf,
    /// A word that Python reserves, used as a name.
    #[error("`{word}` is a reserved word of Python")]
    ReservedWord {
        /// The word.
        word: &'static str,
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
    /// A tuple beside an operator.
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
pub struct Expected(u16);

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
    /// A name, and nothing else that is an operand.
    Name,
    /// `(`, and nothing else that is an operand.
    OpenBracket,
    /// `,`.
    Comma,
    /// `:`.
    Colon,
    /// The `in` of a loop.
    In,
    /// `)`.
    CloseBracket,
    /// `]`.
    CloseSquare,
    /// The end of the statement: that of the line or of the text.
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
    /// A string.
    String,
    /// The end of a line that is not the last one.
    EndOfLine,
    /// The end of the text.
    End,
}

/// What other languages have and this one does not. Displays as a plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// `[1, 2]`.
    Lists,
    /// `{1, 2}`.
    Braces,
    /// `"text"`, except as a docstring or an annotation.
    Strings,
    /// `f"{x}"`.
    FStrings,
    /// `(a := b)`.
    Assignments,
    /// `a @ b`.
    MatrixProducts,
    /// `lambda x: x`.
    Lambdas,
    /// `c ? x : y`.
    QuestionMarks,
    /// `[f(v) for v in x]`.
    Comprehensions,
    /// `f(*args)`, `def f(*args)` and `a, *b = x`.
    Stars,
    /// `def f(x, *, y)` and `def f(x, /, y)`.
    ParameterMarks,
    /// `a is b`.
    IdentityTests,
    /// `a in b`.
    MembershipTests,
    /// `match x: ...`.
    MatchStatements,
    /// `import numpy`.
    Imports,
    /// `class A: ...`.
    Classes,
    /// `try`, `except`, `finally` and `raise`.
    Exceptions,
    /// `with f() as x: ...`.
    WithStatements,
    /// `global x` and `nonlocal x`.
    ScopeStatements,
    /// `yield x`.
    Generators,
    /// `async` and `await`.
    Coroutines,
    /// `del x`.
    Deletions,
    /// `assert x`.
    Assertions,
    /// `@f` before a definition.
    Decorators,
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

    pub(crate) fn unclosed_bracket(bracket: &'static str, opener: Span, end: Span) -> Self {
        Self::new(ErrorKind::UnclosedBracket { bracket, end }, opener)
    }

    pub(crate) fn unopened_bracket(bracket: &'static str, span: Span) -> Self {
        Self::new(ErrorKind::UnopenedBracket { bracket }, span)
    }

    pub(crate) fn mismatched_bracket(
        bracket: &'static str,
        opener: &'static str,
        opener_span: Span,
        span: Span,
    ) -> Self {
        Self::new(ErrorKind::MismatchedBracket { bracket, opener, opener_span }, span)
    }

    pub(crate) fn unclosed_string(span: Span) -> Self {
        Self::new(ErrorKind::UnclosedString, span)
    }

    pub(crate) fn unexpected_indentation(span: Span) -> Self {
        Self::new(ErrorKind::UnexpectedIndentation, span)
    }

    pub(crate) fn missing_block(colon: Span, span: Span) -> Self {
        Self::new(ErrorKind::MissingBlock { colon }, span)
    }

    pub(crate) fn unmatched_indentation(span: Span) -> Self {
        Self::new(ErrorKind::UnmatchedIndentation, span)
    }

    pub(crate) fn mixed_indentation(span: Span) -> Self {
        Self::new(ErrorKind::MixedIndentation, span)
    }

    pub(crate) fn repeated_parameter(name: &str, first: Span, span: Span) -> Self {
        Self::new(ErrorKind::RepeatedParameter { name: clip(name), first }, span)
    }

    pub(crate) fn missing_default(earlier: Span, span: Span) -> Self {
        Self::new(ErrorKind::MissingDefault { earlier }, span)
    }

    pub(crate) fn not_a_target(target: &'static str, operator: &'static str, span: Span) -> Self {
        Self::new(ErrorKind::NotATarget { target, operator }, span)
    }

    pub(crate) fn not_a_range(found: String, instead: Option<String>, span: Span) -> Self {
        Self::new(ErrorKind::NotARange { found, instead }, span)
    }

    pub(crate) fn range_arguments(n_args: usize, span: Span) -> Self {
        Self::new(ErrorKind::RangeArguments { n_args }, span)
    }

    pub(crate) fn range_keyword(span: Span) -> Self {
        Self::new(ErrorKind::RangeKeyword, span)
    }

    pub(crate) fn outside_loop(word: &'static str, span: Span) -> Self {
        Self::new(ErrorKind::OutsideLoop { word }, span)
    }

    pub(crate) fn stray_branch(word: &'static str, begins_line: bool, span: Span) -> Self {
        Self::new(ErrorKind::StrayBranch { word, begins_line }, span)
    }

    pub(crate) fn else_if(span: Span) -> Self {
        Self::new(ErrorKind::ElseIf, span)
    }

    pub(crate) fn reserved_word(word: &'static str, span: Span) -> Self {
        Self::new(ErrorKind::ReservedWord { word }, span)
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
            Self::Lists => "lists",
            Self::Braces => "sets, dictionaries and braces",
            Self::Strings => "strings",
            Self::FStrings => "f-strings",
            Self::Assignments => "assignments inside expressions",
            Self::MatrixProducts => "matrix products",
            Self::Lambdas => "function definitions inside expressions",
            Self::QuestionMarks => "conditions written with `?`",
            Self::Comprehensions => "comprehensions",
            Self::Stars => "starred arguments, parameters and targets",
            Self::ParameterMarks => "the marks `*` and `/` between parameters",
            Self::IdentityTests => "tests with `is`",
            Self::MembershipTests => "tests with `in`",
            Self::MatchStatements => "`match` statements",
            Self::Imports => "imports",
            Self::Classes => "classes",
            Self::Exceptions => "exceptions",
            Self::WithStatements => "`with` statements",
            Self::ScopeStatements => "`global` and `nonlocal` statements",
            Self::Generators => "generators",
            Self::Coroutines => "coroutines",
            Self::Deletions => "`del` statements",
            Self::Assertions => "`assert` statements",
            Self::Decorators => "decorators",
        })
    }
}

impl Expected {
    const ALL: [Expectation; 11] = [
        Expectation::Operand,
        Expectation::Operator,
        Expectation::Else,
        Expectation::Name,
        Expectation::OpenBracket,
        Expectation::Comma,
        Expectation::Colon,
        Expectation::In,
        Expectation::CloseBracket,
        Expectation::CloseSquare,
        Expectation::End,
    ];

    pub(crate) fn remove(&mut self, expectation: Expectation) {
        self.0 &= !expectation.bit();
    }

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
    fn bit(self) -> u16 {
        1 << self as u8
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operand => "an operand",
            Self::Operator => "an operator",
            Self::Else => "`else`",
            Self::Name => "a name",
            Self::OpenBracket => "`(`",
            Self::Comma => "`,`",
            Self::Colon => "`:`",
            Self::In => "`in`",
            Self::CloseBracket => "`)`",
            Self::CloseSquare => "`]`",
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

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "the name `{name}`"),
            Self::Number(number) => write!(f, "the number `{number}`"),
            Self::Keyword(keyword) => write!(f, "the keyword `{keyword}`"),
            Self::Symbol(symbol) => write!(f, "`{symbol}`"),
            Self::String => f.write_str("a string"),
            Self::EndOfLine => f.write_str("the end of the line"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// What cannot be a target, and what was behind it.
struct NotATarget<'e>(&'e str, &'e str);

impl fmt::Display for NotATarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            ":" => write!(f, "{} cannot have an annotation", self.0),
            "in" => write!(f, "a loop cannot assign to {}", self.0),
            "=" => write!(f, "cannot assign to {}", self.0),
            _ => write!(f, "cannot change {} in place", self.0),
        }
    }
}

/// An `elif` or `else`, and whether a line begins with it.
struct StrayBranch<'e>(&'e str, bool);

impl fmt::Display for StrayBranch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self("else", true) => f.write_str("this `else` belongs to no `if` and no loop"),
            Self(word, true) => write!(f, "this `{word}` belongs to no `if`"),
            Self(word, false) => write!(f, "`{word}` is not at the beginning of a line"),
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
