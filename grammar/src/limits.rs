//! The bounds that keep untrusted text cheap, and the count of what is nested.
//!
//! In: [`Limits`] from the caller, tokens from the layout. Out: an error as soon as a limit is
//! passed, before the parser sees the token that passes it. Always true: the parser's stack holds
//! at most a small multiple of `max_nesting` entries, whatever the text is.

use crate::error::Error;
use crate::span::Span;
use crate::token::Token;

/// How large a text may be.
///
/// ```
/// use ndexpr_grammar::{ErrorKind, Limits, parse};
///
/// // Three expressions and the statement that they are.
/// let limits = Limits { max_nodes: 4, ..Limits::default() };
/// assert!(parse("a + b", &limits).is_ok());
/// let error = parse("a + b + c", &limits).unwrap_err();
/// assert_eq!(error.kind(), &ErrorKind::TooManyNodes { limit: 4 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The longest text, in bytes. A text of 4 GiB or more is refused whatever this is.
    pub max_text_bytes: usize,
    /// How many constructs may be open at one place: indented blocks, brackets of both kinds, and
    /// operators whose right operand has not ended and may itself be such an operator (unary ones,
    /// `not`, `**`, `... else`). What groups to the left does not nest, however long: `a + b + c`,
    /// `x.a[1].b`, `a = b = c`. Nor does an `elif`, although the tree has it in the statement
    /// before it: only [`Limits::max_nodes`] bounds how many there are.
    pub max_nesting: usize,
    /// The most expressions and statements that a tree may have, counted together.
    pub max_nodes: usize,
}

impl Default for Limits {
    /// 1 MiB of text, 256 levels, 32768 expressions and statements.
    fn default() -> Self {
        Self { max_text_bytes: 1 << 20, max_nesting: 256, max_nodes: 1 << 15 }
    }
}

/// Counts what is open while tokens go by.
#[derive(Debug)]
pub(crate) struct Nesting {
    limit: usize,
    /// The open brackets, outermost first.
    brackets: Vec<Bracket>,
    /// What is pending outside all brackets.
    outermost: Pending,
    /// The number of open brackets and blocks, and of everything pending at every level.
    n_open: usize,
}

/// A bracket that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opener {
    pub(crate) shape: Shape,
    pub(crate) span: Span,
}

/// A kind of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Round,
    Square,
}

impl Shape {
    /// The bracket that opens, and the one that closes.
    pub(crate) fn pair(self) -> (&'static str, &'static str) {
        match self {
            Self::Round => ("(", ")"),
            Self::Square => ("[", "]"),
        }
    }
}

#[derive(Debug)]
struct Bracket {
    opener: Opener,
    pending: Pending,
}

/// The operators of one bracket level that wait for the end of their right operand. They are
/// counted by what ends that operand.
#[derive(Debug, Default)]
struct Pending {
    /// Unary `+ - ~` and `**`. Any other binary operator ends their operand.
    tight: usize,
    /// `not`. One of `and`, `or`, `if` and `else` ends its operand.
    not: usize,
    /// `... else`. Only the end of the level ends its operand.
    ternary: usize,
}

impl Pending {
    fn total(&self) -> usize {
        self.tight + self.not + self.ternary
    }
}

impl Nesting {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, brackets: Vec::new(), outermost: Pending::default(), n_open: 0 }
    }

    /// The innermost open bracket.
    pub(crate) fn opener(&self) -> Option<Opener> {
        self.brackets.last().map(|bracket| bracket.opener)
    }

    /// Takes the next token into account. `previous` is the token before it.
    pub(crate) fn feed(&mut self, previous: Option<Token<'_>>, token: Token<'_>, span: Span) -> Result<(), Error> {
        match token {
            Token::OpenParen => self.open(Shape::Round, span),
            Token::OpenSquare => self.open(Shape::Square, span),
            Token::CloseParen => self.close(Shape::Round, span)?,
            Token::CloseSquare => self.close(Shape::Square, span)?,
            Token::Indent => self.n_open += 1,
            Token::Dedent => self.n_open = self.n_open.saturating_sub(1),
            _ => {
                let pending = match self.brackets.last_mut() {
                    Some(bracket) => &mut bracket.pending,
                    None => &mut self.outermost,
                };
                let n_before = pending.total();
                pending.feed(previous, token);
                self.n_open = self.n_open - n_before + pending.total();
            }
        }
        if self.n_open > self.limit {
            return Err(Error::too_deep(self.limit, span));
        }
        Ok(())
    }

    fn open(&mut self, shape: Shape, span: Span) {
        self.brackets.push(Bracket { opener: Opener { shape, span }, pending: Pending::default() });
        self.n_open += 1;
    }

    fn close(&mut self, shape: Shape, span: Span) -> Result<(), Error> {
        let (_, bracket) = shape.pair();
        let Some(Bracket { opener, pending }) = self.brackets.pop() else {
            return Err(Error::unopened_bracket(bracket, span));
        };
        if opener.shape != shape {
            return Err(Error::mismatched_bracket(bracket, opener.shape.pair().0, opener.span, span));
        }
        self.n_open -= 1 + pending.total();
        Ok(())
    }
}

impl Pending {
    fn feed(&mut self, previous: Option<Token<'_>>, token: Token<'_>) {
        let after_operand = previous.is_some_and(Token::ends_operand);
        match token {
            Token::Number(_) | Token::Name(_) | Token::String | Token::True | Token::False | Token::Dot => {}
            Token::Plus | Token::Minus | Token::Tilde if !after_operand => self.tight += 1,
            Token::StarStar => self.tight += 1,
            Token::Not => self.not += 1,
            Token::And | Token::Or | Token::If => {
                self.tight = 0;
                self.not = 0;
            }
            // That of a block: only a colon follows.
            Token::Else if matches!(previous, None | Some(Token::Newline | Token::Dedent)) => {}
            Token::Else => {
                self.tight = 0;
                self.not = 0;
                self.ternary += 1;
            }
            Token::Comma
            | Token::Colon
            | Token::Semicolon
            | Token::Newline
            | Token::Equal
            | Token::Augmented(_)
            | Token::Arrow => *self = Self::default(),
            _ => self.tight = 0,
        }
    }
}
