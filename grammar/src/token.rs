//! The tokens.
//!
//! In: the text, through the lexer that logos derives from [`Token`]. Out: tokens that borrow names
//! from the text and own the values of numbers. Always true: nothing here knows where in an
//! expression it is; what depends on that (`a[1]` and `[1]` are different mistakes) is for the
//! lexer module.

use logos::{Lexer, Logos};

use crate::error::{Error, Found};
use crate::foreign::{self, ForeignOperator};
use crate::name;
use crate::number::{self, Number};

/// What the parser is fed.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(error = Fault)]
#[logos(skip r"[ \t\r\n\x0C]+")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
pub(crate) enum Token<'s> {
    /// The regex matches the first characters only; the callback finds where the literal ends.
    #[regex(r"[0-9]|\.[0-9]", number)]
    Number(Number),
    /// The regex matches the first character only; the callback finds where the word ends. The
    /// lexer module then tells keywords from names.
    #[regex(r"[A-Za-z_\u{80}-\u{10ffff}]", name)]
    Name(&'s str),

    And,
    Or,
    Not,
    If,
    Else,
    True,
    False,

    /// `=` behind the name of a parameter; the lexer module tells it from an assignment.
    Equal,

    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token(",")]
    Comma,

    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("~")]
    Tilde,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("//")]
    SlashSlash,
    #[token("%")]
    Percent,
    #[token("**")]
    StarStar,
    #[token("<<")]
    ShiftLeft,
    #[token(">>")]
    ShiftRight,
    #[token("&")]
    Ampersand,
    #[token("^")]
    Caret,
    #[token("|")]
    Bar,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("==")]
    EqualEqual,
    #[token("!=")]
    NotEqual,

    /// An operator of other languages that no expression of this one contains. It never reaches the
    /// parser.
    #[token("=", foreign_operator)]
    #[token("!", foreign_operator)]
    #[token("&&", foreign_operator)]
    #[token("||", foreign_operator)]
    #[token("<>", foreign_operator)]
    #[token("=<", foreign_operator)]
    #[token("=>", foreign_operator)]
    #[token("===", foreign_operator)]
    #[token("!==", foreign_operator)]
    #[token("~=", foreign_operator)]
    #[token(":=", foreign_operator)]
    #[token("+=", foreign_operator)]
    #[token("-=", foreign_operator)]
    #[token("*=", foreign_operator)]
    #[token("/=", foreign_operator)]
    #[token("//=", foreign_operator)]
    #[token("%=", foreign_operator)]
    #[token("**=", foreign_operator)]
    #[token("<<=", foreign_operator)]
    #[token(">>=", foreign_operator)]
    #[token("&=", foreign_operator)]
    #[token("|=", foreign_operator)]
    #[token("^=", foreign_operator)]
    #[token(".*", foreign_operator)]
    #[token("./", foreign_operator)]
    #[token(".^", foreign_operator)]
    Foreign(ForeignOperator),
}

/// Why there is no token at a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    /// A character that begins no token.
    #[default]
    Stray,
    /// A number that is wrong in itself.
    Number(Box<Error>),
}

/// The logos callback of [`Token::Number`]: consumes the rest of the literal.
fn number<'s>(lexer: &mut Lexer<'s, Token<'s>>) -> Result<Number, Fault> {
    let (result, n_bytes) = number::scan(lexer.source(), lexer.span().start);
    lexer.bump(n_bytes.saturating_sub(lexer.span().len()));
    result.map_err(|error| Fault::Number(Box::new(error)))
}

/// The logos callback of [`Token::Name`]: consumes the rest of the word.
fn name<'s>(lexer: &mut Lexer<'s, Token<'s>>) -> Result<&'s str, Fault> {
    if !lexer.slice().starts_with(name::begins) {
        return Err(Fault::Stray);
    }
    let n_bytes = name::n_continuing_bytes(lexer.remainder());
    lexer.bump(n_bytes);
    Ok(lexer.slice())
}

/// The logos callback of [`Token::Foreign`].
fn foreign_operator<'s>(lexer: &mut Lexer<'s, Token<'s>>) -> Option<ForeignOperator> {
    foreign::operator(lexer.slice())
}

impl<'s> Token<'s> {
    /// The keyword that a word is, else the name.
    pub(crate) fn word(word: &'s str) -> Self {
        match word {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "if" => Self::If,
            "else" => Self::Else,
            "True" | "true" => Self::True,
            "False" | "false" => Self::False,
            _ => Self::Name(word),
        }
    }
}

impl Token<'_> {
    /// Whether the token stands between two operands, and cannot begin one.
    pub(crate) fn is_infix(self) -> bool {
        matches!(
            self,
            Self::And
                | Self::Or
                | Self::Star
                | Self::Slash
                | Self::SlashSlash
                | Self::Percent
                | Self::StarStar
                | Self::ShiftLeft
                | Self::ShiftRight
                | Self::Ampersand
                | Self::Caret
                | Self::Bar
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
                | Self::EqualEqual
                | Self::NotEqual
                | Self::Plus
                | Self::Minus
                | Self::If
        )
    }

    /// Whether an operand is complete after this token.
    pub(crate) fn ends_operand(self) -> bool {
        matches!(self, Self::Number(_) | Self::Name(_) | Self::True | Self::False | Self::CloseParen)
    }

    /// The token as an error names it; `text` is its source.
    pub(crate) fn found(self, text: &str) -> Found {
        match self {
            Self::Number(_) => Found::number(text),
            Self::Name(name) => Found::name(name),
            Self::And => Found::Keyword("and"),
            Self::Or => Found::Keyword("or"),
            Self::Not => Found::Keyword("not"),
            Self::If => Found::Keyword("if"),
            Self::Else => Found::Keyword("else"),
            Self::True => Found::Keyword("True"),
            Self::False => Found::Keyword("False"),
            Self::OpenParen => Found::Symbol("("),
            Self::CloseParen => Found::Symbol(")"),
            Self::Comma => Found::Symbol(","),
            Self::Equal => Found::Symbol("="),
            Self::Plus => Found::Symbol("+"),
            Self::Minus => Found::Symbol("-"),
            Self::Tilde => Found::Symbol("~"),
            Self::Star => Found::Symbol("*"),
            Self::Slash => Found::Symbol("/"),
            Self::SlashSlash => Found::Symbol("//"),
            Self::Percent => Found::Symbol("%"),
            Self::StarStar => Found::Symbol("**"),
            Self::ShiftLeft => Found::Symbol("<<"),
            Self::ShiftRight => Found::Symbol(">>"),
            Self::Ampersand => Found::Symbol("&"),
            Self::Caret => Found::Symbol("^"),
            Self::Bar => Found::Symbol("|"),
            Self::Less => Found::Symbol("<"),
            Self::LessEqual => Found::Symbol("<="),
            Self::Greater => Found::Symbol(">"),
            Self::GreaterEqual => Found::Symbol(">="),
            Self::EqualEqual => Found::Symbol("=="),
            Self::NotEqual => Found::Symbol("!="),
            Self::Foreign(operator) => Found::Symbol(operator.found),
        }
    }
}
