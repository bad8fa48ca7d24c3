//! Number literals, by hand.
//!
//! In: the text from the first character of a literal on. Out: its value, or an error that points
//! into it. Always true: the literal is consumed to its end, and no letter, digit or underscore
//! follows there. The time taken is linear.

use std::borrow::Cow;

use crate::error::Error;
use crate::name;
use crate::span::Span;

/// The value of a number literal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(u128),
    Float(f64),
    Imaginary(f64),
}

/// The literal that begins at byte `start` of the source: its value or what is wrong with it, and
/// its length in bytes.
pub(crate) fn scan(source: &str, start: usize) -> (Result<Number, Error>, usize) {
    Scanner::new(&source[start..], start).number()
}

struct Scanner<'s> {
    /// The source from the literal on.
    text: &'s str,
    /// Where `text` is in the source.
    offset: usize,
    /// How much of `text` is scanned.
    position: usize,
}

impl<'s> Scanner<'s> {
    fn new(text: &'s str, offset: usize) -> Self {
        Self { text, offset, position: 0 }
    }

    fn number(mut self) -> (Result<Number, Error>, usize) {
        let result = self.value().and_then(|number| self.end().map(|()| number));
        (result, self.position)
    }

    fn value(&mut self) -> Result<Number, Error> {
        let radix = match self.text.as_bytes() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'b' | b'B', ..] => 2,
            _ => return self.decimal(),
        };
        self.position = 2;
        self.digits(radix)?;
        if let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let at = self.span(self.position, self.position + 1);
            return Err(Error::wrong_digit(char::from(digit), radix, at));
        }
        if self.position == 2 {
            return Err(Error::missing_digits(radix, self.span(0, 2)));
        }
        self.int(2, radix)
    }

    fn decimal(&mut self) -> Result<Number, Error> {
        self.digits(10)?;
        let n_int_bytes = self.position;
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits(10)?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            // Without digits, the letter does not begin an exponent; `end` then reports the letter.
            let n_sign_bytes = usize::from(matches!(self.peek_at(1), Some(b'+' | b'-')));
            if self.peek_at(1 + n_sign_bytes).is_some_and(|byte| byte.is_ascii_digit()) {
                self.position += 1 + n_sign_bytes;
                self.digits(10)?;
            }
        }
        let literal = &self.text[..self.position];
        if let Some(b'j' | b'J') = self.peek() {
            self.position += 1;
            return Ok(Number::Imaginary(float(literal)));
        }
        if self.position > n_int_bytes {
            return Ok(Number::Float(float(literal)));
        }
        if literal.starts_with('0') && literal.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
            return Err(Error::leading_zero(self.span(0, self.position)));
        }
        self.int(0, 10)
    }

    /// Skips digits, with single underscores between them.
    fn digits(&mut self, radix: u32) -> Result<(), Error> {
        let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| char::from(byte).is_digit(radix));
        let mut after_digit = false;
        while let Some(byte) = self.peek() {
            if is_digit(Some(byte)) {
                after_digit = true;
            } else if byte != b'_' {
                break;
            } else if !after_digit || !is_digit(self.peek_at(1)) {
                return Err(Error::misplaced_underscore(self.span(self.position, self.position + 1)));
            } else {
                after_digit = false;
            }
            self.position += 1;
        }
        Ok(())
    }

    /// The integer whose digits are scanned from `start` on.
    fn int(&self, start: usize, radix: u32) -> Result<Number, Error> {
        let mut value = 0_u128;
        for digit in self.text[start..self.position].chars().filter_map(|c| c.to_digit(radix)) {
            value = value
                .checked_mul(u128::from(radix))
                .and_then(|value| value.checked_add(u128::from(digit)))
                .ok_or_else(|| Error::int_too_large(self.span(0, self.position)))?;
        }
        Ok(Number::Int(value))
    }

    /// Checks that no name begins where the literal ends.
    fn end(&mut self) -> Result<(), Error> {
        let rest = &self.text[self.position..];
        let n_bytes = name::n_continuing_bytes(rest);
        if n_bytes == 0 {
            return Ok(());
        }
        let number = self.span(0, self.position);
        let name = self.span(self.position, self.position + n_bytes);
        let error = Error::number_runs_into_name(&self.text[..self.position], &rest[..n_bytes], number, name);
        self.position += n_bytes;
        Err(error)
    }

    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, n_ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + n_ahead).copied()
    }

    /// The source span of a part of `text`.
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(offset(self.offset + start), offset(self.offset + end))
    }
}

/// A byte offset as spans hold it; texts of 4 GiB are refused before they are scanned.
fn offset(byte_idx: usize) -> u32 {
    u32::try_from(byte_idx).unwrap_or(u32::MAX)
}

/// The value nearest to a decimal literal. It is infinite if the literal is beyond the largest
/// float.
fn float(literal: &str) -> f64 {
    let digits = if literal.contains('_') { Cow::Owned(literal.replace('_', "")) } else { Cow::Borrowed(literal) };
    // The scanned text follows Rust's own syntax of floats, so there is always a value.
    digits.parse().unwrap_or(f64::NAN)
}
