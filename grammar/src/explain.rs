//! The errors of the generated parser as this crate's.
//!
//! In: what the parser did not expect, the terminals that it did, and the layout at that place.
//! Out: an [`Error`]. Always true: what an error names as expected is what the grammar allows at
//! that place.

use lalrpop_util::ParseError;

use crate::error::{Error, Expectation, Expected, Found};
use crate::layout::Layout;
use crate::python;
use crate::span::Span;
use crate::token::Token;

/// The parser's error in words.
pub(crate) fn explain<'s>(error: ParseError<u32, Token<'s>, Error>, layout: &Layout<'s>, text: &str) -> Error {
    match error {
        ParseError::User { error } => error,
        ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
            unexpected_token(token, Span::new(start, end), &expected, layout, text)
        }
        ParseError::ExtraToken { token: (start, token, end) } => {
            unexpected_token(token, Span::new(start, end), &[], layout, text)
        }
        ParseError::UnrecognizedEof { location, expected } => {
            unexpected_end(Span::new(location, location), classify(&expected), layout)
        }
        // Only lalrpop's own lexer finds invalid tokens.
        ParseError::InvalidToken { location } => {
            unexpected_end(Span::new(location, location), Expected::default(), layout)
        }
    }
}

fn unexpected_token<'s>(token: Token<'s>, span: Span, terminals: &[String], layout: &Layout<'s>, text: &str) -> Error {
    let mut expected = classify(terminals);
    if let Some(error) = python::construct(token, span, expected, layout) {
        return error;
    }
    // The parser may have ended some operand before it finds that the token fits nowhere. An
    // operator could have followed that operand anyway.
    let previous = layout.second_to_last().map(|given| given.token);
    let is_condition = expected.contains(Expectation::Colon)
        && layout.statement().is_some_and(|(first, _)| first.has_block() && first != Token::Def);
    let may_follow = is_condition || may_follow_operand(expected) && !is_after_parameter(terminals);
    if previous.is_some_and(Token::ends_operand) && may_follow {
        expected.insert(Expectation::Operator);
    }
    if is_condition {
        expected.remove(Expectation::Comma);
    }
    if previous == Some(Token::For) {
        expected.remove(Expectation::Operand);
        expected.insert(Expectation::Name);
    }
    let found = match token {
        Token::Newline if layout.is_at_end() => Found::End,
        _ => token.found(span.text(text)),
    };
    Error::unexpected(expected, found, layout.opener(), span)
}

fn unexpected_end(end: Span, expected: Expected, layout: &Layout<'_>) -> Error {
    let closes = expected.contains(Expectation::CloseBracket) || expected.contains(Expectation::CloseSquare);
    match layout.unclosed() {
        _ if layout.last().is_none() => Error::empty(),
        Some(opener) if closes => Error::unclosed_bracket(opener.shape.pair().0, opener.span, end),
        opener => Error::unexpected(expected, Found::End, opener.map(|opener| opener.span), end),
    }
}

/// Whether what is expected is what may come after an operand, apart from operators.
fn may_follow_operand(expected: Expected) -> bool {
    let follows = [Expectation::Comma, Expectation::CloseBracket, Expectation::CloseSquare, Expectation::End];
    follows.into_iter().any(|follows| expected.contains(follows)) && !expected.contains(Expectation::Else)
}

/// Whether the name of a parameter is complete.
fn is_after_parameter(terminals: &[String]) -> bool {
    let lists = |terminal: &str| terminals.iter().any(|listed| listed.trim_matches('"') == terminal);
    lists("=") && lists(")") && !lists("*")
}

/// The classes of the terminals that lalrpop lists. It puts each of them in quotes.
fn classify(terminals: &[String]) -> Expected {
    let mut expected = Expected::default();
    for terminal in terminals {
        match terminal.trim_matches('"') {
            "number" => expected.insert(Expectation::Operand),
            "name" => expected.insert(Expectation::Name),
            "*" => expected.insert(Expectation::Operator),
            "else" => expected.insert(Expectation::Else),
            "(" => expected.insert(Expectation::OpenBracket),
            "," => expected.insert(Expectation::Comma),
            ":" => expected.insert(Expectation::Colon),
            "in" => expected.insert(Expectation::In),
            ")" => expected.insert(Expectation::CloseBracket),
            "]" => expected.insert(Expectation::CloseSquare),
            "newline" => expected.insert(Expectation::End),
            // The terminals above stand for the rest: each is allowed wherever another one of its
            // class is.
            _ => {}
        }
    }
    let is_after_operand = expected.contains(Expectation::Operator);
    if expected.contains(Expectation::Operand) {
        expected.remove(Expectation::Name);
    }
    if expected.contains(Expectation::Operand) || is_after_operand {
        expected.remove(Expectation::OpenBracket);
    }
    // A statement may go on in many ways, and a parameter too: the rarer ones are left out.
    if expected.contains(Expectation::End) {
        expected.remove(Expectation::Comma);
        expected.remove(Expectation::Colon);
    }
    if expected.contains(Expectation::CloseBracket) {
        expected.remove(Expectation::Colon);
    }
    // What a loop assigns to is read as an expression, but can only be a name.
    if expected.contains(Expectation::In) {
        expected.remove(Expectation::Operator);
        expected.remove(Expectation::Comma);
    }
    // A block begins after a colon: the end of that line is no end. The `else` of a block may be
    // where any statement may be.
    if terminals.iter().any(|listed| listed.trim_matches('"') == "pass") {
        expected.remove(Expectation::End);
        expected.remove(Expectation::Else);
    }
    expected
}
