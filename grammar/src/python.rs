//! The constructs of Python that are not part of the language.
//!
//! In: a token that the grammar does not allow, and what is around it. Out: the error that names
//! the construct which it begins, if it begins one. Always true: nothing is looked for before the
//! grammar has refused the token, so a program without mistakes never gets here; the time taken is
//! linear in what follows.

use crate::error::{Error, Expectation, Expected, Feature, Found};
use crate::layout::{Given, Layout};
use crate::span::Span;
use crate::token::Token;

/// The error for the construct that a misplaced token begins or belongs to.
pub(crate) fn construct<'s>(token: Token<'s>, span: Span, expected: Expected, layout: &Layout<'s>) -> Option<Error> {
    let place = Place::new(layout);
    let is_operand_expected = expected.contains(Expectation::Operand);
    let feature = match token {
        Token::Reserved(word) => match place.reserved(word) {
            Some(feature) => feature,
            None => return Some(Error::reserved_word(word, span)),
        },
        Token::In if place.after_operand() => Feature::MembershipTests,
        Token::For if place.is_in_brackets && place.next().is_some_and(Token::begins_operand) => {
            Feature::Comprehensions
        }
        Token::If if place.previous == Some(Token::Else) && !expected.contains(Expectation::Operand) => {
            return place.previous_given.map(|given| Error::else_if(given.span.join(span)));
        }
        Token::Elif | Token::Else if place.is_branch(token) => {
            let Found::Keyword(word) = token.found("") else { return None };
            return Some(Error::stray_branch(word, place.begins_line(), span));
        }
        Token::Name(_) | Token::Newline if place.is_match() => {
            return layout.statement().map(|(_, span)| Error::unsupported(Feature::MatchStatements, span));
        }
        Token::String => Feature::Strings,
        _ if place.previous == Some(Token::String) => return place.at_previous(Feature::Strings),
        Token::Walrus => Feature::Assignments,
        Token::Augmented(_) if layout.opener().is_some() => Feature::Assignments,
        Token::At if place.begins_statement => Feature::Decorators,
        Token::At if place.after_operand() => Feature::MatrixProducts,
        Token::At => return Some(Error::unexpected_character('@', span)),
        Token::OpenSquare if is_operand_expected && place.is_comprehension() => Feature::Comprehensions,
        Token::OpenSquare if is_operand_expected => Feature::Lists,
        Token::Star | Token::StarStar if place.is_mark() => Feature::ParameterMarks,
        Token::Star | Token::StarStar if place.is_starred() => Feature::Stars,
        Token::Slash if place.is_mark() => Feature::ParameterMarks,
        Token::Not if place.after_operand() && place.next() == Some(Token::In) => Feature::MembershipTests,
        _ => return place.keyword_as_name(token, expected),
    };
    Some(Error::unsupported(feature, span))
}

/// What is around a token.
struct Place<'l, 's> {
    layout: &'l Layout<'s>,
    begins_statement: bool,
    is_in_brackets: bool,
    previous: Option<Token<'s>>,
    previous_given: Option<Given<'s>>,
}

impl<'l, 's> Place<'l, 's> {
    fn new(layout: &'l Layout<'s>) -> Self {
        let previous_given = layout.second_to_last();
        Self {
            layout,
            begins_statement: layout.last().is_some_and(|given| given.begins_statement),
            is_in_brackets: layout.opener().is_some(),
            previous: previous_given.map(|given| given.token),
            previous_given,
        }
    }

    fn after_operand(&self) -> bool {
        self.previous.is_some_and(Token::ends_operand)
    }

    /// The token after this one on its line.
    fn next(&self) -> Option<Token<'s>> {
        self.layout.rest_of_line().next().map(|(token, _)| token)
    }

    /// The feature at the token before this one.
    fn at_previous(&self, feature: Feature) -> Option<Error> {
        self.previous_given.map(|given| Error::unsupported(feature, given.span))
    }

    /// The construct that a reserved word begins, none if it is used as a name.
    fn reserved(&self, word: &str) -> Option<Feature> {
        let next = self.next();
        let before_operand = next.is_some_and(Token::begins_operand);
        let is_statement = self.begins_statement && (before_operand || next.is_none());
        Some(match word {
            "lambda" if matches!(next, Some(Token::Name(_) | Token::Colon)) => Feature::Lambdas,
            "is" if self.after_operand() => Feature::IdentityTests,
            "import" if matches!(next, Some(Token::Name(_))) => Feature::Imports,
            "from" if self.begins_statement && matches!(next, Some(Token::Name(_) | Token::Dot)) => Feature::Imports,
            "class" if matches!(next, Some(Token::Name(_))) => Feature::Classes,
            "try" | "finally" if next == Some(Token::Colon) => Feature::Exceptions,
            "except" if next == Some(Token::Colon) || before_operand => Feature::Exceptions,
            "raise" if is_statement => Feature::Exceptions,
            "with" if is_statement => Feature::WithStatements,
            "global" | "nonlocal" if is_statement => Feature::ScopeStatements,
            "yield" if before_operand || next == Some(Token::Reserved("from")) => Feature::Generators,
            "yield" if next.is_none() => Feature::Generators,
            "async" if matches!(next, Some(Token::Def | Token::For | Token::Reserved("with"))) => Feature::Coroutines,
            "await" if before_operand => Feature::Coroutines,
            "del" if is_statement => Feature::Deletions,
            "assert" if is_statement => Feature::Assertions,
            _ => return None,
        })
    }

    /// Whether the token is on a line that begins with `match` and ends with a colon. It is behind
    /// that word, or behind the colon: `match (x):` could have been an annotation.
    fn is_match(&self) -> bool {
        self.layout.statement().is_some_and(|(first, _)| first == Token::Name("match"))
            && match self.previous {
                Some(Token::Name("match")) => self.layout.rest_of_line().last() == Some((Token::Colon, 0)),
                previous => {
                    previous == Some(Token::Colon)
                        && self.layout.last().is_some_and(|given| given.token == Token::Newline)
                }
            }
    }

    /// Whether there is a `for` before the bracket that this token opens is closed.
    fn is_comprehension(&self) -> bool {
        let mut depth = 1_usize;
        let inside = self.layout.rest().take_while(|token| {
            match token {
                Token::OpenParen | Token::OpenSquare => depth += 1,
                Token::CloseParen | Token::CloseSquare => depth -= 1,
                _ => {}
            }
            depth > 0
        });
        inside.into_iter().any(|token| token == Token::For)
    }

    /// Whether the token is an `elif` or `else` as of a block: what follows is no use as a name.
    fn is_branch(&self, token: Token<'s>) -> bool {
        let next = self.next();
        match token {
            _ if self.is_in_brackets => false,
            Token::Else if !self.begins_statement => next == Some(Token::Colon),
            Token::Elif if !self.begins_statement => next.is_some_and(Token::begins_operand),
            _ => matches!(next, Some(Token::Colon | Token::If)) || next.is_none_or(Token::begins_operand),
        }
    }

    /// Whether a line begins with the token.
    fn begins_line(&self) -> bool {
        matches!(self.previous, None | Some(Token::Newline | Token::Indent | Token::Dedent))
    }

    /// Whether the token is a `*` or a `/` that stands for a parameter.
    fn is_mark(&self) -> bool {
        let is_last = matches!(self.next(), Some(Token::Comma | Token::CloseParen));
        is_last && matches!(self.previous, Some(Token::Comma | Token::OpenParen))
    }

    /// Whether the token is a `*` before a value, not between two.
    fn is_starred(&self) -> bool {
        if !self.next().is_some_and(Token::begins_operand) {
            return false;
        }
        match self.previous {
            Some(
                Token::OpenParen
                | Token::OpenSquare
                | Token::Comma
                | Token::Equal
                | Token::Return
                | Token::For
                | Token::In,
            ) => true,
            _ => {
                let is_item_or_target = |&token: &Token<'_>| self.layout.line_has(token);
                self.begins_statement && [Token::Comma, Token::Equal].iter().any(is_item_or_target)
            }
        }
    }

    /// The error for a word of the grammar where only a name could make sense.
    fn keyword_as_name(&self, token: Token<'s>, expected: Expected) -> Option<Error> {
        let span = self.layout.last()?.span;
        if let Found::Keyword(word) = token.found("")
            && (expected.contains(Expectation::Name)
                || self.next() == Some(Token::Equal)
                || self.previous == Some(Token::For) && self.next() == Some(Token::In))
        {
            return Some(Error::reserved_word(word, span));
        }
        if token == Token::Equal && self.previous == Some(Token::Not) {
            return self.previous_given.map(|given| Error::reserved_word("not", given.span));
        }
        let word = |token: Token<'s>| match token {
            Token::Def
            | Token::Return
            | Token::Pass
            | Token::While
            | Token::For
            | Token::In
            | Token::Elif
            | Token::Break
            | Token::Continue => match token.found("") {
                Found::Keyword(word) => Some(word),
                _ => None,
            },
            _ => None,
        };
        // An operator alone may be there by mistake; one with an operand behind it is applied to
        // the word.
        let is_applied = |token: Token<'s>| token.is_infix() && token != Token::If;
        let is_used = |token: Token<'s>| {
            matches!(token, Token::Equal | Token::Augmented(_) | Token::CloseParen | Token::CloseSquare | Token::Comma)
        };
        if let Some(given) = self.previous_given
            && let Some(word) =
                word(given.token).or((given.token == Token::If && given.begins_statement).then_some("if"))
            && (is_used(token) || is_applied(token) && self.next().is_some_and(Token::begins_operand))
        {
            return Some(Error::reserved_word(word, given.span));
        }
        // Behind an operand, no name could be either.
        let word = word(token).filter(|_| expected.contains(Expectation::Operand))?;
        self.next().is_none_or(|next| is_used(next) || is_applied(next)).then(|| Error::reserved_word(word, span))
    }
}
