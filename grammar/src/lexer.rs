//! Tokens with their places, checked for what the grammar alone would report badly.
//!
//! In: the text, shorter than 4 GiB. Out: the triples that lalrpop reads, or the first error.
//! Always true: spans are in order, do not overlap and lie on `char` boundaries; nesting stays
//! within the limit; no [`Token::Foreign`] gets out.

use logos::Logos;
use std::borrow::Cow;

use crate::error::{Error, Feature, Found};
use crate::foreign::ForeignOperator;
use crate::limits::Nesting;
use crate::name;
use crate::span::Span;
use crate::token::{Fault, Token};

/// Feeds the parser, and remembers what explains its errors.
#[derive(Debug)]
pub(crate) struct Lexer<'s> {
    text: &'s str,
    tokens: logos::Lexer<'s, Token<'s>>,
    nesting: Nesting,
    /// The two tokens given out last, the latest first.
    recent: [Option<(Token<'s>, Span)>; 2],
}

impl<'s> Lexer<'s> {
    pub(crate) fn new(text: &'s str, max_nesting: usize) -> Self {
        Self { text, tokens: Token::lexer(text), nesting: Nesting::new(max_nesting), recent: [None; 2] }
    }

    /// The innermost bracket that was open before the last token given out.
    pub(crate) fn opener(&self) -> Option<Span> {
        let last = self.recent[0].map(|(_, span)| span);
        self.nesting.opener().filter(|&opener| Some(opener) != last)
    }

    /// The innermost bracket that is open after the last token given out.
    pub(crate) fn unclosed(&self) -> Option<Span> {
        self.nesting.opener()
    }

    /// The brackets closed last, with what they enclose.
    pub(crate) fn closed(&self) -> Option<Span> {
        self.nesting.closed()
    }

    /// The last token given out.
    pub(crate) fn last(&self) -> Option<(Token<'s>, Span)> {
        self.recent[0]
    }

    /// The token before the last one given out.
    pub(crate) fn second_to_last(&self) -> Option<Token<'s>> {
        self.recent[1].map(|(token, _)| token)
    }

    fn token(&mut self, token: Result<Token<'s>, Fault>) -> Result<(u32, Token<'s>, u32), Error> {
        let range = self.tokens.span();
        let token = match token {
            Ok(Token::Foreign(operator)) if operator.found == "=" && self.after_keyword() => Token::Equal,
            Ok(Token::Foreign(operator)) => {
                return Err(self.foreign(operator, self.span(range.start, range.end)));
            }
            Ok(Token::Name(word)) => word_token(word, self.span(range.start, range.end))?,
            Ok(token) => token,
            Err(Fault::Number(error)) => return Err(*error),
            Err(Fault::Stray) => return Err(self.stray(range.start)),
        };
        let span = self.span(range.start, range.end);
        let previous = self.recent[0].map(|(token, _)| token);
        self.nesting.feed(previous, token, span)?;
        self.recent = [Some((token, span)), self.recent[0]];
        Ok((span.start, token, span.end))
    }

    fn after_operand(&self) -> bool {
        self.recent[0].is_some_and(|(token, _)| token.ends_operand())
    }

    /// Whether the last token is a name that begins an argument of a call.
    fn after_keyword(&self) -> bool {
        let is_name = matches!(self.recent, [Some((Token::Name(_), _)), Some((Token::OpenParen | Token::Comma, _))]);
        is_name && self.nesting.in_call()
    }

    fn foreign(&self, operator: ForeignOperator, span: Span) -> Error {
        match (operator.found, operator.instead) {
            ("!", _) if self.after_operand() => Error::unexpected_character('!', span),
            (found, Some(instead)) => Error::foreign_operator(found, instead, span),
            (_, None) => Error::unsupported(Feature::Assignments, span),
        }
    }

    /// The error for a place where no token begins.
    fn stray(&self, start: usize) -> Error {
        let rest = &self.text[start..];
        let Some(character) = rest.chars().next() else {
            return Error::empty();
        };
        let span = self.span(start, start + character.len_utf8());
        let last_name = match self.recent[0] {
            Some((Token::Name(name), _)) => Some(name),
            _ => None,
        };
        match character {
            '[' if self.after_operand() => Error::unsupported(Feature::Indexing, span),
            '[' => Error::unsupported(Feature::Lists, span),
            '{' | '}' => Error::unsupported(Feature::Braces, span),
            '.' if self.after_operand() => {
                let name = &rest[1..];
                let n_bytes = name::n_continuing_bytes(name);
                let span = self.span(start, start + 1 + n_bytes);
                Error::unsupported(Feature::attributes(&name[..n_bytes]), span)
            }
            '"' | '\'' | '“' | '”' | '„' | '‘' | '’' => {
                let n_bytes = n_string_bytes(rest, character);
                Error::unsupported(Feature::Strings, self.span(start, start + n_bytes))
            }
            ';' => Error::unsupported(Feature::Statements, span),
            '@' if self.after_operand() => Error::unsupported(Feature::MatrixProducts, span),
            '?' if self.after_operand() => Error::unsupported(Feature::QuestionMarks, span),
            ':' if last_name == Some("lambda") => {
                self.lambda().unwrap_or_else(|| Error::unexpected_character(':', span))
            }
            _ => Error::unexpected_character(character, span),
        }
    }

    /// The error for a function definition, if one of the last tokens begins it.
    pub(crate) fn lambda(&self) -> Option<Error> {
        self.recent
            .iter()
            .flatten()
            .find(|(token, _)| *token == Token::Name("lambda"))
            .map(|&(_, span)| Error::unsupported(Feature::Lambdas, span))
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

/// The length of the string literal at the start of `text`: up to its closing quote, or the end of
/// the line.
fn n_string_bytes(text: &str, opening: char) -> usize {
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

impl<'s> Iterator for Lexer<'s> {
    type Item = Result<(u32, Token<'s>, u32), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let token = self.tokens.next()?;
        Some(self.token(token))
    }
}
