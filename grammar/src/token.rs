//! The tokens.
//!
//! In: the text, through the lexer that logos derives from [`Token`]. Out: tokens that borrow names
//! from the text and own the values of numbers. Always true: nothing here knows where in a program
//! it is; what depends on that (`a[1]` is an index, `[1]` is a mistake) is for later modules.

use logos::{Lexer, Logos};

use crate::error::{Error, Found};
use crate::foreign::{self, ForeignOperator};
use crate::name;
use crate::number::{self, Number};
use crate::operator::BinaryOp;

/// What the parser is fed.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(error = Fault)]
#[logos(skip r"[ \t\r\n\x0C]+")]
// Outside of comments, a backslash at the end of a line joins it with the next one.
#[logos(skip r"\\(\r\n|\r|\n)")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
pub(crate) enum Token<'s> {
    /// The regex matches the first characters only; the callback finds where the literal ends.
    #[regex(r"[0-9]|\.[0-9]", number)]
    Number(Number),
    /// The regex matches the first character only; the callback finds where the word ends. The
    /// lexer module then tells keywords from names.
    #[regex(r"[A-Za-z_\u{80}-\u{10ffff}]", name)]
    Name(&'s str),
    /// The regex matches the first quote only; the lexer module finds where the literal ends. The
    /// value is of no use.
    #[regex("[\"']")]
    String,

    And,
    Or,
    Not,
    If,
    Else,
    True,
    False,
    Def,
    Return,
    Pass,
    Elif,
    While,
    For,
    In,
    Break,
    Continue,
    /// A word of Python that the grammar has no use for, and that is no name.
    Reserved(&'static str),

    /// The end of a line that ends a statement. This and the next two are from the layout module.
    Newline,
    /// The beginning of a block.
    Indent,
    /// The end of a block.
    Dedent,

    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token("[")]
    OpenSquare,
    #[token("]")]
    CloseSquare,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(";")]
    Semicolon,
    #[token(".")]
    Dot,
    #[token("...")]
    Ellipsis,
    #[token("->")]
    Arrow,
    #[token("=")]
    Equal,
    /// `+=` and the like.
    #[token("+=", |_| BinaryOp::Add)]
    #[token("-=", |_| BinaryOp::Sub)]
    #[token("*=", |_| BinaryOp::Mul)]
    #[token("/=", |_| BinaryOp::Div)]
    #[token("//=", |_| BinaryOp::FloorDiv)]
    #[token("%=", |_| BinaryOp::Rem)]
    #[token("**=", |_| BinaryOp::Pow)]
    #[token("<<=", |_| BinaryOp::Shl)]
    #[token(">>=", |_| BinaryOp::Shr)]
    #[token("&=", |_| BinaryOp::BitAnd)]
    #[token("|=", |_| BinaryOp::BitOr)]
    #[token("^=", |_| BinaryOp::BitXor)]
    Augmented(BinaryOp),
    /// A sign of Python that the grammar has no use for: matrix products and decorators.
    #[token("@")]
    #[token("@=")]
    At,
    /// A sign of Python that the grammar has no use for: an assignment inside an expression.
    #[token(":=")]
    Walrus,

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

    /// An operator of other languages that no program of this one contains. It never reaches the
    /// parser.
    #[token("!", foreign_operator)]
    #[token("&&", foreign_operator)]
    #[token("||", foreign_operator)]
    #[token("<>", foreign_operator)]
    #[token("=<", foreign_operator)]
    #[token("=!", foreign_operator)]
    #[token("=>", foreign_operator)]
    #[token("===", foreign_operator)]
    #[token("!==", foreign_operator)]
    #[token("~=", foreign_operator)]
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
            "def" => Self::Def,
            "return" => Self::Return,
            "pass" => Self::Pass,
            "elif" => Self::Elif,
            "while" => Self::While,
            "for" => Self::For,
            "in" => Self::In,
            "break" => Self::Break,
            "continue" => Self::Continue,
            _ => match RESERVED.into_iter().find(|&reserved| reserved == word) {
                Some(reserved) => Self::Reserved(reserved),
                None => Self::Name(word),
            },
        }
    }
}

/// The words of Python that are no names, without those that the grammar has a use for.
const RESERVED: [&str; 18] = [
    "as", "assert", "async", "await", "class", "del", "except", "finally", "from", "global", "import", "is", "lambda",
    "nonlocal", "raise", "try", "with", "yield",
];

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

    /// Whether the token can only continue what was before it: no statement begins with it.
    pub(crate) fn only_continues(self) -> bool {
        let is_sign = matches!(self, Self::Plus | Self::Minus);
        self.is_infix() && !is_sign
            || matches!(
                self,
                Self::Else
                    | Self::In
                    | Self::Reserved("is")
                    | Self::CloseParen
                    | Self::CloseSquare
                    | Self::Comma
                    | Self::Equal
                    | Self::Augmented(_)
            )
    }

    /// Whether the token can continue an operand that is complete.
    pub(crate) fn can_continue(self) -> bool {
        self.only_continues()
            || matches!(
                self,
                Self::Plus | Self::Minus | Self::OpenParen | Self::OpenSquare | Self::Dot | Self::At | Self::Walrus
            )
    }

    /// Whether no statement ends with this token. A comma does end one: `x = a,` is a tuple.
    pub(crate) fn needs_more(self) -> bool {
        self.is_infix()
            || matches!(self, Self::Else | Self::Not | Self::Tilde | Self::Equal | Self::Augmented(_) | Self::Dot)
    }

    /// Whether a statement that begins with this token has a block behind its first colon.
    pub(crate) fn has_block(self) -> bool {
        matches!(self, Self::Def | Self::If | Self::Elif | Self::Else | Self::While | Self::For)
    }

    /// Whether an operand is complete after this token.
    pub(crate) fn ends_operand(self) -> bool {
        matches!(
            self,
            Self::Number(_)
                | Self::Name(_)
                | Self::String
                | Self::True
                | Self::False
                | Self::CloseParen
                | Self::CloseSquare
        )
    }

    /// Whether the token can begin an operand.
    pub(crate) fn begins_operand(self) -> bool {
        matches!(
            self,
            Self::Number(_)
                | Self::Name(_)
                | Self::String
                | Self::True
                | Self::False
                | Self::OpenParen
                | Self::OpenSquare
                | Self::Plus
                | Self::Minus
                | Self::Tilde
                | Self::Not
        )
    }

    /// The token as an error names it; `text` is its source.
    pub(crate) fn found(self, text: &str) -> Found {
        match self {
            Self::Number(_) => Found::number(text),
            Self::Name(name) => Found::name(name),
            Self::String => Found::String,
            Self::And => Found::Keyword("and"),
            Self::Or => Found::Keyword("or"),
            Self::Not => Found::Keyword("not"),
            Self::If => Found::Keyword("if"),
            Self::Else => Found::Keyword("else"),
            Self::True => Found::Keyword("True"),
            Self::False => Found::Keyword("False"),
            Self::Def => Found::Keyword("def"),
            Self::Return => Found::Keyword("return"),
            Self::Pass => Found::Keyword("pass"),
            Self::Elif => Found::Keyword("elif"),
            Self::While => Found::Keyword("while"),
            Self::For => Found::Keyword("for"),
            Self::In => Found::Keyword("in"),
            Self::Break => Found::Keyword("break"),
            Self::Continue => Found::Keyword("continue"),
            Self::Reserved(word) => Found::Keyword(word),
            Self::Newline | Self::Indent | Self::Dedent => Found::EndOfLine,
            Self::OpenParen => Found::Symbol("("),
            Self::CloseParen => Found::Symbol(")"),
            Self::OpenSquare => Found::Symbol("["),
            Self::CloseSquare => Found::Symbol("]"),
            Self::Comma => Found::Symbol(","),
            Self::Colon => Found::Symbol(":"),
            Self::Semicolon => Found::Symbol(";"),
            Self::Dot => Found::Symbol("."),
            Self::Ellipsis => Found::Symbol("..."),
            Self::Arrow => Found::Symbol("->"),
            Self::Equal => Found::Symbol("="),
            Self::Augmented(op) => Found::Symbol(augmented(op)),
            Self::At => Found::Symbol("@"),
            Self::Walrus => Found::Symbol(":="),
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

/// The sign that assigns what an operator gives.
pub(crate) fn augmented(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+=",
        BinaryOp::Sub => "-=",
        BinaryOp::Mul => "*=",
        BinaryOp::Div => "/=",
        BinaryOp::FloorDiv => "//=",
        BinaryOp::Rem => "%=",
        BinaryOp::Pow => "**=",
        BinaryOp::Shl => "<<=",
        BinaryOp::Shr => ">>=",
        BinaryOp::BitAnd => "&=",
        BinaryOp::BitOr => "|=",
        BinaryOp::BitXor => "^=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}
