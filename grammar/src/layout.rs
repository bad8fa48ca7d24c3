//! Lines and blocks: which line breaks end statements, and which indentation begins and ends
//! blocks.
//!
//! In: tokens from the lexer, and the white space between them. Out: the triples that lalrpop
//! reads, with [`Token::Newline`], [`Token::Indent`] and [`Token::Dedent`] among them, or the first
//! error. Always true: spans are in order and do not overlap; nesting stays within the limit; every
//! block that is opened is closed, unless there is an error.
//!
//! A text comes from within another program, often from a string over several lines. So its first
//! line may be indented in any way, and a text that begins behind the quotes of a string has an
//! indentation only from the second line on.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::error::Error;
use crate::lexer::Lexer;
use crate::limits::{Nesting, Opener};
use crate::span::Span;
use crate::token::Token;

/// Feeds the parser, and remembers what explains its errors.
#[derive(Debug)]
pub(crate) struct Layout<'s> {
    text: &'s str,
    lexer: Lexer<'s>,
    nesting: Nesting,
    /// The indentation of each open block, that of the whole text first.
    blocks: Vec<Indentation>,
    /// Whether the text began without a line break, and no later line has begun a statement
    /// outside of all blocks.
    is_base_open: bool,
    /// What is given out before the next token is read.
    queue: VecDeque<(Span, Result<Token<'s>, Error>)>,
    /// Where the last token that was read ends.
    end: u32,
    is_at_end: bool,
    /// The two tokens given out last, the latest first.
    recent: [Option<Given<'s>>; 2],
    /// The first token of the current statement.
    statement: Option<(Token<'s>, Span)>,
    /// The `:` given out last, if it begins a block.
    block_colon: Option<Span>,
    /// How many conditional values of the current statement wait for their `else`, outside of
    /// brackets.
    n_open_ifs: usize,
}

/// A token given out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'s> {
    pub(crate) token: Token<'s>,
    pub(crate) span: Span,
    /// Whether a statement begins with it.
    pub(crate) begins_statement: bool,
}

/// How deep a line is indented, for tabs of two widths.
#[derive(Clone, Copy, Debug, Default)]
struct Indentation {
    /// With tabs up to the next multiple of 8.
    wide: usize,
    /// With tabs of 1.
    narrow: usize,
}

impl Indentation {
    fn advance(&mut self, byte: u8) {
        match byte {
            b'\t' => {
                self.wide = (self.wide / 8 + 1) * 8;
                self.narrow += 1;
            }
            b'\x0c' => *self = Self::default(),
            _ => {
                self.wide += 1;
                self.narrow += 1;
            }
        }
    }

    /// The order by depth, none if it depends on the width of tabs.
    fn compare(self, other: Self) -> Option<Ordering> {
        let order = self.wide.cmp(&other.wide);
        (order == self.narrow.cmp(&other.narrow)).then_some(order)
    }
}

/// What is between two tokens: white space, comments and joined lines.
struct Space {
    has_line_break: bool,
    /// That of the line which the second token is on, as far as the space reaches back.
    indentation: Indentation,
}

impl Space {
    fn new(space: &str) -> Self {
        let mut has_line_break = false;
        let mut indentation = Indentation::default();
        // The indentation of joined lines is that of the first one that has some.
        let mut is_complete = false;
        let mut bytes = space.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\n' | b'\r' => {
                    has_line_break = true;
                    indentation = Indentation::default();
                    is_complete = false;
                }
                b'#' => while bytes.next_if(|&byte| byte != b'\n' && byte != b'\r').is_some() {},
                b'\\' => {
                    is_complete = indentation.wide > 0;
                    if bytes.next() == Some(b'\r') {
                        bytes.next_if_eq(&b'\n');
                    }
                }
                _ if is_complete => {}
                _ => indentation.advance(byte),
            }
        }
        Self { has_line_break, indentation }
    }
}

impl<'s> Layout<'s> {
    pub(crate) fn new(text: &'s str, max_nesting: usize) -> Self {
        Self {
            text,
            lexer: Lexer::new(text),
            nesting: Nesting::new(max_nesting),
            blocks: Vec::new(),
            is_base_open: false,
            queue: VecDeque::new(),
            end: 0,
            is_at_end: false,
            recent: [None; 2],
            statement: None,
            block_colon: None,
            n_open_ifs: 0,
        }
    }

    /// The innermost bracket that was open before the last token given out.
    pub(crate) fn opener(&self) -> Option<Span> {
        let last = self.recent[0].map(|given| given.span);
        self.nesting.opener().map(|opener| opener.span).filter(|&opener| Some(opener) != last)
    }

    /// The innermost bracket that is open after the last token given out.
    pub(crate) fn unclosed(&self) -> Option<Opener> {
        self.nesting.opener()
    }

    /// The last token given out.
    pub(crate) fn last(&self) -> Option<Given<'s>> {
        self.recent[0]
    }

    /// The token before the last one given out.
    pub(crate) fn second_to_last(&self) -> Option<Given<'s>> {
        self.recent[1]
    }

    /// The first token of the statement that the last token given out is in.
    pub(crate) fn statement(&self) -> Option<(Token<'s>, Span)> {
        self.statement
    }

    /// Whether all of the text is read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// The tokens after the last one that was read, each with the number of brackets around it that
    /// are opened after that one. They reach to the end of the line, or to a mistake.
    pub(crate) fn rest_of_line(&self) -> impl Iterator<Item = (Token<'s>, usize)> {
        let text = self.text;
        let mut end = self.end;
        let mut depth = 0_usize;
        self.lexer.clone().map_while(move |(span, token)| {
            let space = &text[end as usize..span.start as usize];
            if depth == 0 && Space::new(space).has_line_break {
                return None;
            }
            end = span.end;
            let token = token.ok()?;
            match token {
                Token::OpenParen | Token::OpenSquare => depth += 1,
                Token::CloseParen | Token::CloseSquare => depth = depth.saturating_sub(1),
                _ => {}
            }
            Some((token, depth))
        })
    }

    /// Whether a token is in the rest of the line, outside of brackets.
    pub(crate) fn line_has(&self, looked_for: Token<'_>) -> bool {
        self.rest_of_line().any(|(token, depth)| depth == 0 && token == looked_for)
    }

    /// Whether a line that begins with `if` or `else`, which was read last, begins a statement.
    /// Otherwise it may go on with a conditional value of the line before it.
    fn begins_branch(&self, previous: Token<'s>, token: Token<'s>) -> bool {
        match token {
            Token::If => !previous.ends_operand() || !self.is_conditional_value(),
            Token::Else => self.n_open_ifs == 0 || matches!(self.rest_of_line().next(), Some((Token::Colon, _))),
            _ => false,
        }
    }

    /// Whether the `if` at the beginning of a line that was read last has an `else` in its
    /// statement, and no colon. All such searches together are linear in the text, because none
    /// goes beyond the next line that begins with `if`.
    fn is_conditional_value(&self) -> bool {
        let mut end = self.end;
        let mut depth = 0_usize;
        let mut previous = Token::If;
        let mut has_else = false;
        for (span, token) in self.lexer.clone() {
            let Ok(token) = token else { break };
            let space = &self.text[end as usize..span.start as usize];
            if depth == 0 && Space::new(space).has_line_break {
                // What may be a line of its own is taken for a part of the condition, which only
                // ends with `else`.
                let may_go_on = !has_else && token.can_continue() && token != Token::If;
                if !previous.needs_more() && !may_go_on {
                    break;
                }
            }
            match token {
                Token::OpenParen | Token::OpenSquare => depth += 1,
                Token::CloseParen | Token::CloseSquare => depth = depth.saturating_sub(1),
                Token::Colon if depth == 0 => return false,
                Token::Else if depth == 0 => has_else = true,
                Token::Semicolon => break,
                _ => {}
            }
            (end, previous) = (span.end, token);
        }
        has_else
    }

    /// Whether a token that seems to continue the line before it begins a statement of Python that
    /// is not part of the language. Then the error should be about that.
    fn begins_foreign_statement(&self, token: Token<'s>) -> bool {
        token == Token::Star && self.line_has(Token::Equal)
    }

    /// The tokens after the last one given out, up to a mistake.
    pub(crate) fn rest(&self) -> impl Iterator<Item = Token<'s>> {
        self.lexer.clone().map_while(|(_, token)| token.ok())
    }

    /// Puts a token, and what is to be given out before it, into the queue.
    fn arrange(&mut self, span: Span, token: Result<Token<'s>, Error>) {
        let space = Space::new(&self.text[self.end as usize..span.start as usize]);
        let before = Span::new(self.end, self.end);
        self.end = span.end;
        match self.recent[0] {
            None => {
                self.is_base_open = !space.has_line_break;
                self.blocks.push(space.indentation);
            }
            Some(previous) if space.has_line_break && self.nesting.opener().is_none() => {
                let first = token.as_ref().ok().copied();
                if let Err(error) = self.begin_line(previous.token, first, space.indentation, before, span) {
                    self.queue.push_back((span, Err(error)));
                    return;
                }
            }
            Some(_) => {}
        }
        self.queue.push_back((span, token));
    }

    /// Puts what ends statements and begins and ends blocks into the queue, before the first token
    /// of a line. That token is none if there is a mistake in its place.
    fn begin_line(
        &mut self,
        previous: Token<'s>,
        token: Option<Token<'s>>,
        indentation: Indentation,
        before: Span,
        span: Span,
    ) -> Result<(), Error> {
        let start = Span::new(span.start, span.start);
        let block = self.blocks.last().copied().unwrap_or_default();
        let order = indentation.compare(block);
        if let Some(colon) = self.block_colon {
            self.queue.push_back((before, Ok(Token::Newline)));
            return match order {
                _ if token.is_none() => Ok(()),
                Some(Ordering::Greater) => {
                    self.blocks.push(indentation);
                    self.queue.push_back((start, Ok(Token::Indent)));
                    Ok(())
                }
                Some(_) => Err(Error::missing_block(colon, span)),
                None => Err(Error::mixed_indentation(self.indentation_span(span))),
            };
        }
        // The end of an inner block ends its statements whatever follows.
        let ends_block = self.blocks.len() > 1 && indentation.wide < block.wide;
        // An `if` or `else` that begins a statement is no operator.
        let is_begun = self.recent[0].is_some_and(|given| given.begins_statement && given.token.has_block());
        if !ends_block && previous.needs_more() && !is_begun {
            return Ok(());
        }
        let begins_branch = token.is_some_and(|token| self.begins_branch(previous, token));
        let only_continues = token.is_some_and(|token| token.only_continues() && !self.begins_foreign_statement(token));
        if !ends_block && only_continues && !begins_branch {
            return Ok(());
        }
        let can_continue = previous.ends_operand() && token.is_some_and(Token::can_continue) && !begins_branch;
        if order == Some(Ordering::Greater) && (previous == Token::Comma || can_continue) {
            return Ok(());
        }
        self.queue.push_back((before, Ok(Token::Newline)));
        if token.is_none() {
            return Ok(());
        }
        let indentation_span = self.indentation_span(span);
        loop {
            let block = self.blocks.last().copied().unwrap_or_default();
            let is_base = self.blocks.len() <= 1;
            match indentation.compare(block) {
                None => return Err(Error::mixed_indentation(indentation_span)),
                Some(Ordering::Equal) => {
                    self.is_base_open &= !is_base;
                    return Ok(());
                }
                Some(Ordering::Less) if !is_base => {
                    self.blocks.pop();
                    self.queue.push_back((start, Ok(Token::Dedent)));
                }
                Some(Ordering::Greater) if is_base && self.is_base_open => {
                    self.is_base_open = false;
                    self.blocks.clear();
                    self.blocks.push(indentation);
                    return Ok(());
                }
                Some(Ordering::Greater) if self.queue.len() == 1 => {
                    return Err(Error::unexpected_indentation(indentation_span));
                }
                Some(_) => return Err(Error::unmatched_indentation(indentation_span)),
            }
        }
    }

    /// The white space before the first token of a line, or that token if there is none.
    fn indentation_span(&self, token: Span) -> Span {
        let before = &self.text[..token.start as usize];
        let start = before.rfind(['\n', '\r']).map_or(0, |byte_idx| byte_idx + 1);
        if start == before.len() { token } else { Span::new(start as u32, token.start) }
    }

    /// Puts what ends the text into the queue.
    fn finish(&mut self) {
        self.is_at_end = true;
        let end = Span::new(self.end, self.end);
        // Without a token the text is empty; in brackets, it is not complete.
        if self.recent[0].is_none() || self.nesting.opener().is_some() {
            return;
        }
        self.queue.push_back((end, Ok(Token::Newline)));
        if let Some(colon) = self.block_colon {
            self.queue.push_back((end, Err(Error::missing_block(colon, end))));
        }
        let n_dedents = self.blocks.len().saturating_sub(1);
        self.queue.extend((0..n_dedents).map(|_| (end, Ok(Token::Dedent))));
    }

    /// Gives a token out.
    fn give(&mut self, token: Token<'s>, span: Span) -> Result<(u32, Token<'s>, u32), Error> {
        let previous = self.recent[0].map(|given| given.token);
        let begins_statement = match previous {
            None | Some(Token::Newline | Token::Indent | Token::Dedent | Token::Semicolon) => true,
            Some(_) => self.block_colon.is_some(),
        };
        if begins_statement {
            self.statement = Some((token, span));
            self.n_open_ifs = 0;
        }
        self.nesting.feed(previous, token, span)?;
        let is_outside = self.nesting.opener().is_none();
        match token {
            Token::If if is_outside && !begins_statement => self.n_open_ifs += 1,
            Token::Else if is_outside => self.n_open_ifs = self.n_open_ifs.saturating_sub(1),
            _ => {}
        }
        let begins_block =
            token == Token::Colon && is_outside && self.statement.is_some_and(|(first, _)| first.has_block());
        self.block_colon = begins_block.then_some(span);
        self.recent = [Some(Given { token, span, begins_statement }), self.recent[0]];
        Ok((span.start, token, span.end))
    }
}

impl<'s> Iterator for Layout<'s> {
    type Item = Result<(u32, Token<'s>, u32), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((span, token)) = self.queue.pop_front() {
                return Some(token.and_then(|token| self.give(token, span)));
            }
            match self.lexer.next() {
                Some((span, token)) => self.arrange(span, token),
                None if self.is_at_end => return None,
                None => self.finish(),
            }
        }
    }
}
