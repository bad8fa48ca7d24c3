//! Tokens with their places, checked for what is no token of the language at all.
//!
//! In: the text, shorter than 4 GiB. Out: tokens, or what is wrong where there is none. Always
//! true: spans are in order, do not overlap and lie on `char` boundaries; no [`Token::Foreign`]
//! gets out.

use logos::Logos;
use std::borrow::Cow;

use crate::error::{Error, Feature, Found};
use crate::foreign::ForeignOperator;
use crate::name;
use crate::span::Span;
use crate::string::{self, Prefix};
use crate::token::{Fault, Token};

/// Reads tokens, and line breaks as white space.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'s> {
    text: &'s str,
    tokens: logos::Lexer<'s, Token<'s>>,
    /// The token read last.
    previous: Option<Token<'s>>,
}

impl<'s> Lexer<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        Self { text, tokens: Token::lexer(text), previous: None }
    }

    fn token(&mut self, token: Result<Token<'s>, Fault>) -> Result<Token<'s>, Error> {
        let range = self.tokens.span();
        match token {
            Ok(Token::Foreign(operator)) => Err(self.foreign(operator, self.span(range.start, range.end))),
            Ok(Token::String) => self.string(range.start, range.start),
            Ok(Token::Name(word)) => match string::prefix(word) {
                Some(prefix) if self.tokens.remainder().starts_with(['"', '\'']) => {
                    let token = self.string(range.start, range.end)?;
                    let span = self.span(range.start, self.tokens.span().end);
                    match prefix {
                        Prefix::Plain => Ok(token),
                        Prefix::Formatted => Err(Error::unsupported(Feature::FStrings, span)),
                    }
                }
                _ => word_token(word, self.span(range.start, range.end)),
            },
            Ok(token) => Ok(token),
            Err(Fault::Number(error)) => Err(*error),
            Err(Fault::Stray) => Err(self.stray(range.start)),
        }
    }

    /// Reads the string literal that begins at `start` and whose quotes begin at `quotes`.
    fn string(&mut self, start: usize, quotes: usize) -> Result<Token<'s>, Error> {
        let end = self.tokens.span().end;
        let (n_bytes, is_closed) = match string::n_bytes(&self.text[quotes..]) {
            Ok(n_bytes) => (n_bytes, true),
            Err(n_bytes) => (n_bytes, false),
        };
        self.tokens.bump((quotes + n_bytes).saturating_sub(end));
        match is_closed {
            true => Ok(Token::String),
            false => Err(Error::unclosed_string(self.span(start, quotes + n_bytes))),
        }
    }

    fn after_operand(&self) -> bool {
        self.previous.is_some_and(Token::ends_operand)
    }

    fn foreign(&self, operator: ForeignOperator, span: Span) -> Error {
        match operator.found {
            "!" if self.after_operand() => Error::unexpected_character('!', span),
            found => Error::foreign_operator(found, operator.instead, span),
        }
    }

    /// The error for a place where no token begins.
    fn stray(&self, start: usize) -> Error {
        let rest = &self.text[start..];
        let Some(character) = rest.chars().next() else {
            return Error::empty();
        };
        let span = self.span(start, start + character.len_utf8());
        match character {
            '{' if self.has_for_before_brace() => Error::unsupported(Feature::Comprehensions, span),
            '{' | '}' => Error::unsupported(Feature::Braces, span),
            '“' | '”' | '„' | '‘' | '’' => {
                let n_bytes = n_quoted_bytes(rest, character);
                Error::unsupported(Feature::Strings, self.span(start, start + n_bytes))
            }
            '?' if self.after_operand() => Error::unsupported(Feature::QuestionMarks, span),
            _ => Error::unexpected_character(character, span),
        }
    }

    /// Whether there is a `for` before the next brace.
    fn has_for_before_brace(&self) -> bool {
        self.clone().map_while(|(_, token)| token.ok()).any(|token| token == Token::For)
    }

    /// The span of a range of the text, whose offsets fit because the text's length does.
    fn span(&self, start: usize, end: usize) -> Span {
        let offset = |byte_idx| u32::try_from(byte_idx).unwrap_or(u32::MAX);
        Span::new(offset(start), offset(end))
    }
}

/// The keyword that a word is, else the name. A name whose normal form is a keyword is refused,
/// because printed in its normal form it would no longer be a name.
fn word_token(word: &str, span: Span) -> Result<Token<'_>, Error> {
    let Cow::Owned(normal) = name::normal_name(word) else { return Ok(Token::word(word)) };
    match Token::word(&normal).found(&normal) {
        Found::Keyword(keyword) => Err(Error::disguised_keyword(word, keyword, span)),
        _ => Ok(Token::Name(word)),
    }
}

/// The length of a text in typographic quotes: up to its closing quote, or the end of the line.
fn n_quoted_bytes(text: &str, opening: char) -> usize {
    let closing = match opening {
        '“' | '„' => '”',
        '‘' => '’',
        _ => opening,
    };
    let n_opening_bytes = opening.len_utf8();
    let content = &text[n_opening_bytes..];
    match content.find([closing, '\n', '\r']) {
        Some(n_bytes) if content[n_bytes..].starts_with(closing) => n_opening_bytes + n_bytes + closing.len_utf8(),
        Some(n_bytes) => n_opening_bytes + n_bytes,
        None => text.len(),
    }
}

/// The tokens, or what is wrong instead, and where they are. A mistake is where the token would
/// have been.
impl<'s> Iterator for Lexer<'s> {
    type Item = (Span, Result<Token<'s>, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        let token = self.tokens.next()?;
        let start = self.tokens.span().start;
        let token = self.token(token);
        self.previous = token.as_ref().ok().copied();
        Some((self.span(start, self.tokens.span().end), token))
    }
}
