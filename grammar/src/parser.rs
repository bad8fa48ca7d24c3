//! Text to tree: runs the generated parser over the lexer and puts its errors into words.
//!
//! In: any text. Out: an [`Ast`] or the first [`Error`]. Always true: time and memory are linear in
//! the text, and the stack used does not depend on it. What an error names as expected is what the
//! grammar allows at that place.

use lalrpop_util::ParseError;

use crate::ast::Ast;
use crate::builder::Builder;
use crate::error::{Error, Expectation, Expected, Found};
use crate::lexer::Lexer;
use crate::limits::Limits;
use crate::span::Span;
use crate::token::Token;

/// The parser that lalrpop generates from `expr.lalrpop`.
mod generated {
    #![allow(clippy::all, clippy::pedantic, clippy::restriction, clippy::nursery, warnings, reason = "generated code")]

    lalrpop_util::lalrpop_mod!(pub(super) expr);
}

/// Parses one expression.
///
/// # Errors
///
/// The first thing that is wrong with the text, see [`ErrorKind`](crate::ErrorKind).
///
/// ```
/// use ndexpr_grammar::{Limits, parse};
///
/// let ast = parse("a + b*2", &Limits::default())?;
/// assert_eq!(ast.names().collect::<Vec<_>>(), ["a", "b"]);
/// # Ok::<(), ndexpr_grammar::Error>(())
/// ```
pub fn parse(text: &str, limits: &Limits) -> Result<Ast, Error> {
    let max_text_bytes = limits.max_text_bytes.min(u32::MAX as usize);
    if text.len() > max_text_bytes {
        return Err(Error::text_too_long(text.len(), max_text_bytes));
    }
    let mut lexer = Lexer::new(text, limits.max_nesting);
    let mut builder = Builder::new(text, limits.max_nodes);
    generated::expr::RootParser::new().parse(&mut builder, &mut lexer).map_err(|error| explain(error, &lexer, text))?;
    builder.finish().ok_or_else(Error::empty)
}

/// The parser's error as this crate's.
fn explain(error: ParseError<u32, Token<'_>, Error>, lexer: &Lexer<'_>, text: &str) -> Error {
    match error {
        ParseError::User { error } => error,
        ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
            unexpected_token(token, Span::new(start, end), classify(&expected, lexer.opener()), lexer, text)
        }
        ParseError::ExtraToken { token: (start, token, end) } => {
            unexpected_token(token, Span::new(start, end), classify(&[], None), lexer, text)
        }
        ParseError::UnrecognizedEof { location, expected } => {
            unexpected_end(Span::new(location, location), classify(&expected, lexer.unclosed()), lexer)
        }
        // Only lalrpop's own lexer finds invalid tokens.
        ParseError::InvalidToken { location } => {
            unexpected_end(Span::new(location, location), Expected::default(), lexer)
        }
    }
}

fn unexpected_token(token: Token<'_>, span: Span, mut expected: Expected, lexer: &Lexer<'_>, text: &str) -> Error {
    let previous = lexer.second_to_last();
    if previous == Some(Token::Name("lambda"))
        && let Some(error) = lexer.lambda()
    {
        return error;
    }
    // An operator may follow every operand except a tuple.
    if previous == Some(Token::CloseParen) && token.is_infix() && expected.contains(Expectation::CloseBracket) {
        return Error::tuple_operand(span, lexer.closed().unwrap_or(span));
    }
    // The parser may have ended some operand before it finds that the token fits nowhere. An
    // operator could have followed that operand anyway.
    if previous.is_some_and(Token::ends_operand) && !expected.contains(Expectation::Else) {
        expected.insert(Expectation::Operator);
    }
    Error::unexpected(expected, token.found(span.text(text)), lexer.opener(), span)
}

fn unexpected_end(end: Span, expected: Expected, lexer: &Lexer<'_>) -> Error {
    match lexer.unclosed() {
        _ if lexer.last().is_none() => Error::empty(),
        Some(opener) if expected.contains(Expectation::CloseBracket) => Error::unclosed_bracket(opener, end),
        opener => Error::unexpected(expected, Found::End, opener, end),
    }
}

/// The classes of the terminals that lalrpop lists. It puts each of them in quotes.
fn classify(terminals: &[String], opener: Option<Span>) -> Expected {
    let mut expected = Expected::default();
    for terminal in terminals {
        match terminal.trim_matches('"') {
            "number" => expected.insert(Expectation::Operand),
            "*" => expected.insert(Expectation::Operator),
            "else" => expected.insert(Expectation::Else),
            "," => expected.insert(Expectation::Comma),
            ")" => expected.insert(Expectation::CloseBracket),
            // The terminals above stand for the rest: each is allowed wherever another one of its
            // class is.
            _ => {}
        }
    }
    // lalrpop does not list the end. It is allowed after an operand unless something is open.
    let is_operand_needed = expected.contains(Expectation::Operand) || expected.contains(Expectation::Else);
    if opener.is_none() && !is_operand_needed {
        expected.insert(Expectation::End);
    }
    expected
}
