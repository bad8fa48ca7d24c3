//! Draws diagnostics.
//!
//! In: a [`Diagnostic`] and the source that it is about. Out: plain text. Always true: any spans
//! and any text are drawn, in linear time. The output has no control character of the source, and
//! no character that would reorder it.
//!
//! The steps: labels become marks, each within one line. The marks of a line choose which stretches
//! of it are shown. The stretches give every mark its columns. Marks that would touch go to
//! separate rows.

use std::collections::BTreeMap;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::diagnostic::{Diagnostic, Label};

/// Lines longer than this are shown in part.
const MAX_LINE_COLUMNS: usize = 100;
/// Marks longer than this may be shown in part.
const MAX_MARK_CHARS: usize = 40;
/// The characters that are shown at each end of a mark that is shown in part.
const MARK_END_CHARS: usize = 12;
/// What stands for the rest of a line.
const ELISION: &str = "...";
const TAB_COLUMNS: usize = 4;

/// The part of a label within one line, in bytes from the start of the line.
struct Mark {
    bytes: Range<usize>,
    text: String,
}

/// The marks of a line, and the line.
struct MarkedLine<'s> {
    number: usize,
    text: &'s str,
    marks: Vec<Mark>,
}

impl Diagnostic {
    /// Draws the diagnostic as plain text; every line, the last too, ends with a line break.
    ///
    /// Only lines of the source with a label are shown. They have their numbers if the source has
    /// several lines. Of a long line, only the text around its labels is shown. Lines of other
    /// texts follow, with their numbers.
    ///
    /// ```
    /// use ndexpr_grammar::{Diagnostic, Span};
    ///
    /// let diagnostic = Diagnostic::new("shapes [3, 4] and [5] do not broadcast")
    ///     .label(Span::new(0, 3), "this has shape [3, 4]")
    ///     .label(Span::new(6, 7), "this has shape [5]")
    ///     .note("trailing extents must be equal or 1, found 4 and 5");
    /// assert_eq!(
    ///     diagnostic.render("a*2 + b"),
    ///     "\
    /// error: shapes [3, 4] and [5] do not broadcast
    ///   a*2 + b
    ///   ^^^   ^ this has shape [5]
    ///   |
    ///   this has shape [3, 4]
    ///   = trailing extents must be equal or 1, found 4 and 5
    /// ",
    /// );
    /// ```
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        draw(self, source)
    }
}

fn draw(diagnostic: &Diagnostic, source: &str) -> String {
    let mut out = format!("error: {}\n", clean(&diagnostic.message));
    let lines = marked_lines(&diagnostic.labels, source);
    let is_numbered = lines.iter().any(|line| line.number > 1) || source.trim_end().contains(is_line_break);
    push_lines(&mut out, &lines, is_numbered);
    for excerpt in &diagnostic.elsewhere {
        push_row(&mut out, "  ", &format!("{}:", clean(&excerpt.title)));
        push_lines(&mut out, &marked_lines(&excerpt.labels, &excerpt.text), true);
    }
    for note in &diagnostic.notes {
        push_row(&mut out, "  = ", &clean(note));
    }
    out
}

/// Draws lines with their marks.
fn push_lines(out: &mut String, lines: &[MarkedLine<'_>], is_numbered: bool) {
    let n_digits = match lines.last() {
        Some(line) if is_numbered => line.number.to_string().len(),
        _ => 0,
    };
    for line in lines {
        let (number, margin) = if is_numbered {
            (format!("  {:>n_digits$} | ", line.number), format!("  {:>n_digits$} | ", ""))
        } else {
            ("  ".to_owned(), "  ".to_owned())
        };
        let view = View::new(line);
        push_row(out, &number, &view.text);
        for row in rows(&line.marks, &view) {
            push_row(out, &margin, &row);
        }
    }
}

fn push_row(out: &mut String, margin: &str, row: &str) {
    let n_bytes = out.len();
    out.push_str(margin);
    out.push_str(row);
    let n_kept_bytes = out[n_bytes..].trim_end().len();
    out.truncate(n_bytes + n_kept_bytes);
    out.push('\n');
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

/// The lines that have labels, in order.
fn marked_lines<'s>(labels: &[Label], source: &'s str) -> Vec<MarkedLine<'s>> {
    let mut lines = BTreeMap::new();
    let mut add = |start: usize, end: usize, text: &str| {
        let line_start = line_start(source, start);
        let line = lines.entry(line_start).or_insert_with(|| MarkedLine {
            number: 1 + n_line_breaks(&source[..line_start]),
            text: &source[line_start..line_end(source, start)],
            marks: Vec::new(),
        });
        line.marks.push(Mark { bytes: start - line_start..end - line_start, text: clean(text) });
    };
    for label in labels {
        let bytes = within(source, label.span.range());
        let (first_end, last_start) = (line_end(source, bytes.start), line_start(source, bytes.end));
        if bytes.end <= first_end {
            add(bytes.start, bytes.end, &label.text);
        } else {
            // The ends of the label are marked, and the remark is at the second.
            add(bytes.start, first_end, "");
            let last_line = &source[last_start..bytes.end];
            let n_indent_bytes = last_line.len() - last_line.trim_start().len();
            add(last_start + n_indent_bytes, bytes.end, &label.text);
        }
    }
    lines.into_values().collect()
}

/// The part of a span inside the source, on `char` boundaries. If it has line breaks, white space
/// at its ends is left out, so that it begins and ends with something to mark.
fn within(source: &str, bytes: Range<usize>) -> Range<usize> {
    let mut start = source.floor_char_boundary(bytes.start.min(source.len()));
    let mut end = source.ceil_char_boundary(bytes.end.clamp(start, source.len()));
    if source[start..end].contains(is_line_break) {
        end = start + source[start..end].trim_end().len();
        start = end - source[start..end].trim_start().len();
    }
    // A place between the two characters of a line break is moved to the end of the line before it.
    if start == end && source[..start].ends_with('\r') && source[start..].starts_with('\n') {
        start -= 1;
        end -= 1;
    }
    start..end
}

fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind(is_line_break).map_or(0, |byte_idx| byte_idx + 1)
}

fn line_end(source: &str, at: usize) -> usize {
    source[at..].find(is_line_break).map_or(source.len(), |byte_idx| at + byte_idx)
}

fn n_line_breaks(text: &str) -> usize {
    let n_pairs = text.matches("\r\n").count();
    text.matches(is_line_break).count() - n_pairs
}

/// A line as it is shown.
struct View {
    text: String,
    /// Byte offsets of the line with their columns, ascending: every `char` shown, and the end of
    /// every stretch shown.
    columns: Vec<(usize, usize)>,
}

impl View {
    fn new(line: &MarkedLine<'_>) -> Self {
        let mut view = Self { text: String::new(), columns: Vec::new() };
        let mut column = 0;
        let mut n_bytes_done = 0;
        for stretch in stretches(line) {
            if stretch.start > n_bytes_done {
                view.text.push_str(ELISION);
                column += ELISION.len();
            }
            for (byte_idx, character) in line.text[stretch.clone()].char_indices() {
                view.columns.push((stretch.start + byte_idx, column));
                column += push_visible(&mut view.text, character, column);
            }
            view.columns.push((stretch.end, column));
            n_bytes_done = stretch.end;
        }
        if n_bytes_done < line.text.len() {
            view.text.push_str(ELISION);
        }
        view
    }

    fn column(&self, byte_idx: usize) -> usize {
        let n_before = self.columns.partition_point(|&(other, _)| other <= byte_idx);
        n_before.checked_sub(1).map_or(0, |idx| self.columns[idx].1)
    }

    /// The columns of a mark, at least one.
    fn columns(&self, mark: &Mark) -> Range<usize> {
        let start = self.column(mark.bytes.start);
        start..self.column(mark.bytes.end).max(start + 1)
    }
}

/// The stretches of a line to show: all of it if it is short, else the surroundings of its marks.
fn stretches(line: &MarkedLine<'_>) -> Vec<Range<usize>> {
    let whole = 0..line.text.len();
    let is_short = line.text.len() <= 4 * MAX_LINE_COLUMNS && {
        let mut columns = 0;
        let mut scratch = String::new();
        for character in line.text.chars() {
            columns += push_visible(&mut scratch, character, columns);
        }
        columns <= MAX_LINE_COLUMNS
    };
    if is_short {
        return vec![whole];
    }
    let mut cores = Vec::new();
    for mark in &line.marks {
        let bytes = mark.bytes.clone();
        if line.text[bytes.clone()].chars().nth(MAX_MARK_CHARS).is_none() {
            cores.push(bytes);
        } else {
            cores.push(bytes.start..forward(line.text, bytes.start, MARK_END_CHARS));
            cores.push(backward(line.text, bytes.end, MARK_END_CHARS)..bytes.end);
        }
    }
    let n_core_chars: usize = cores.iter().map(|core| line.text[core.clone()].chars().count()).sum();
    let n_context_chars =
        (MAX_LINE_COLUMNS.saturating_sub(n_core_chars) / (2 * cores.len().max(1))).max(MARK_END_CHARS);
    cores.sort_by_key(|core| core.start);
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for core in cores {
        let mut start = backward(line.text, core.start, n_context_chars);
        let mut end = forward(line.text, core.end, n_context_chars);
        // Text that is no longer than the elision is shown instead of it.
        if start <= ELISION.len() {
            start = whole.start;
        }
        if whole.end - end <= ELISION.len() {
            end = whole.end;
        }
        match stretches.last_mut() {
            Some(last) if start <= last.end + ELISION.len() => last.end = last.end.max(end),
            _ => stretches.push(start..end),
        }
    }
    stretches
}

/// The offset `n_chars` characters after `at`, or the end.
fn forward(text: &str, at: usize, n_chars: usize) -> usize {
    text[at..].char_indices().nth(n_chars).map_or(text.len(), |(byte_idx, _)| at + byte_idx)
}

/// The offset `n_chars` characters before `at`, or the start.
fn backward(text: &str, at: usize, n_chars: usize) -> usize {
    match n_chars.checked_sub(1) {
        Some(n_skipped) => text[..at].char_indices().rev().nth(n_skipped).map_or(0, |(byte_idx, _)| byte_idx),
        None => at,
    }
}

/// Adds what is shown for a character of the source in a column; returns how many columns it takes.
fn push_visible(out: &mut String, character: char, column: usize) -> usize {
    let shown = match character {
        '\t' => {
            let n_columns = TAB_COLUMNS - column % TAB_COLUMNS;
            out.extend(std::iter::repeat_n(' ', n_columns));
            return n_columns;
        }
        // Unicode has a picture of every ASCII control character.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        _ if is_invisible(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    out.push(shown);
    shown.width().unwrap_or(1)
}

/// Whether a character shows nothing itself, and may change how others show.
fn is_invisible(character: char) -> bool {
    let is_format = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    );
    is_format || character.width().is_none()
}

/// One line of text for the output.
fn clean(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\t' | '\n' | '\r' => out.push(' '),
            _ => {
                push_visible(&mut out, character, 0);
            }
        }
    }
    out
}

/// What is drawn below a line.
fn rows(marks: &[Mark], view: &View) -> Vec<String> {
    let mut placed: Vec<_> = marks.iter().map(|mark| (view.columns(mark), mark.text.as_str())).collect();
    placed.sort_by_key(|(columns, _)| (columns.start, columns.end));
    // Each layer has the marks of one row, left to right.
    let mut layers: Vec<Vec<(Range<usize>, &str)>> = Vec::new();
    for (columns, text) in placed {
        let free = layers.iter_mut().find(|layer| layer.last().is_none_or(|(last, _)| last.end < columns.start));
        match free {
            Some(layer) => layer.push((columns, text)),
            None => layers.push(vec![(columns, text)]),
        }
    }
    let mut rows = Vec::new();
    for layer in &layers {
        push_layer(&mut rows, layer);
    }
    rows
}

/// Draws marks that do not touch. The remark of the last one is beside it, and those of the others
/// hang below.
fn push_layer(rows: &mut Vec<String>, layer: &[(Range<usize>, &str)]) {
    let mut row = String::new();
    for (columns, _) in layer {
        pad(&mut row, columns.start);
        row.extend(std::iter::repeat_n('^', columns.len()));
    }
    let Some(((_, last_text), others)) = layer.split_last() else {
        return;
    };
    row.push(' ');
    row.push_str(last_text);
    rows.push(row);

    let mut hanging: Vec<_> = others.iter().filter(|(_, text)| !text.is_empty()).collect();
    if !hanging.is_empty() {
        rows.push(connectors(&hanging));
    }
    while let Some((columns, text)) = hanging.pop() {
        let mut row = connectors(&hanging);
        pad(&mut row, columns.start);
        row.push_str(text);
        rows.push(row);
    }
}

fn connectors(marks: &[&(Range<usize>, &str)]) -> String {
    let mut row = String::new();
    for (columns, _) in marks {
        pad(&mut row, columns.start);
        row.push('|');
    }
    row
}

/// Adds spaces up to a column; what is drawn below a line has one column a byte up to there.
fn pad(row: &mut String, column: usize) {
    let n_missing = column.saturating_sub(row.len());
    row.extend(std::iter::repeat_n(' ', n_missing));
}
