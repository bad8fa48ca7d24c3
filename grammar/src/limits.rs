//! The bounds that keep untrusted text cheap, and the count of what is nested.
//!
//! In: [`Limits`] from the caller, tokens from the lexer. Out: an error as soon as a limit is
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
/// let limits = Limits { max_nodes: 3, ..Limits::default() };
/// assert!(parse("a + b", &limits).is_ok());
/// assert_eq!(parse("a + b + c", &limits).unwrap_err().kind(), &ErrorKind::TooManyNodes { limit: 3 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The longest text, in bytes. A text of 4 GiB or more is refused whatever this is.
    pub max_text_bytes: usize,
    /// How many constructs may be open at one place: brackets, and operators whose right operand
    /// has not ended and may itself be such an operator (unary ones, `not`, `**`, `... else`).
    /// Chains that group to the left (`a + b + c`) do not nest, however long.
    pub max_nesting: usize,
    /// The most expressions a tree may have.
    pub max_nodes: usize,
}

impl Default for Limits {
    /// 1 MiB of text, 256 levels, 32768 expressions.
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
    /// The number of open brackets and everything pending at every level.
    n_open: usize,
    /// The brackets closed last, with what they enclose.
    closed: Option<Span>,
}

#[derive(Debug)]
struct Bracket {
    span: Span,
    is_call: bool,
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
        Self { limit, brackets: Vec::new(), outermost: Pending::default(), n_open: 0, closed: None }
    }

    /// The innermost open bracket.
    pub(crate) fn opener(&self) -> Option<Span> {
        self.brackets.last().map(|bracket| bracket.span)
    }

    /// The brackets closed last, with what they enclose.
    pub(crate) fn closed(&self) -> Option<Span> {
        self.closed
    }

    /// Whether the innermost open bracket is that of a call.
    pub(crate) fn in_call(&self) -> bool {
        self.brackets.last().is_some_and(|bracket| bracket.is_call)
    }

    /// Takes the next token into account. `previous` is the token before it.
    pub(crate) fn feed(&mut self, previous: Option<Token<'_>>, token: Token<'_>, span: Span) -> Result<(), Error> {
        let after_operand = previous.is_some_and(Token::ends_operand);
        match token {
            Token::OpenParen => {
                self.brackets.push(Bracket {
                    span,
                    is_call: matches!(previous, Some(Token::Name(_))),
                    pending: Pending::default(),
                });
                self.n_open += 1;
            }
            Token::CloseParen => {
                let Some(bracket) = self.brackets.pop() else {
                    return Err(Error::unopened_bracket(span));
                };
                self.n_open -= 1 + bracket.pending.total();
                self.closed = Some(bracket.span.join(span));
            }
            _ => {
                let pending = match self.brackets.last_mut() {
                    Some(bracket) => &mut bracket.pending,
                    None => &mut self.outermost,
                };
                let n_before = pending.total();
                pending.feed(token, after_operand);
                self.n_open = self.n_open - n_before + pending.total();
            }
        }
        if self.n_open > self.limit {
            return Err(Error::too_deep(self.limit, span));
        }
        Ok(())
    }
}

impl Pending {
    fn feed(&mut self, token: Token<'_>, after_operand: bool) {
        match token {
            Token::Number(_) | Token::Name(_) | Token::True | Token::False => {}
            Token::OpenParen | Token::CloseParen => {}
            Token::Plus | Token::Minus | Token::Tilde if !after_operand => self.tight += 1,
            Token::StarStar => self.tight += 1,
            Token::Not => self.not += 1,
            Token::And | Token::Or | Token::If => {
                self.tight = 0;
                self.not = 0;
            }
            Token::Else => {
                self.tight = 0;
                self.not = 0;
                self.ternary += 1;
            }
            Token::Comma => *self = Self::default(),
            _ => self.tight = 0,
        }
    }
}
