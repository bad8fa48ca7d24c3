//! Calls of generators as text, split into their parts.

/// A call's parts, still text.
#[derive(Debug)]
pub(crate) struct Call<'t> {
    pub(super) text: &'t str,
    pub(super) name: &'t str,
    pub(super) positional: Vec<&'t str>,
    pub(super) keywords: Vec<(&'t str, &'t str)>,
}

impl<'t> Call<'t> {
    /// Splits `name(x, key=y)`; `None` if `text` does not have that form.
    pub(crate) fn parse(text: &'t str) -> Option<Result<Call<'t>, String>> {
        let (name, rest) = text.split_once('(')?;
        let name = name.trim_end();
        let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_word {
            return None;
        }
        let inner = rest.strip_suffix(')')?;
        Some(Call::split(text, name, inner))
    }

    fn split(text: &'t str, name: &'t str, inner: &'t str) -> Result<Call<'t>, String> {
        let mut call = Call { text, name, positional: Vec::new(), keywords: Vec::new() };
        if inner.trim().is_empty() {
            return Ok(call);
        }
        for argument in split_commas(inner).ok_or_else(|| format!("the brackets of `{text}` do not match"))? {
            let argument = argument.trim();
            match argument.split_once('=') {
                _ if argument.is_empty() => return Err(format!("`{text}` has an empty argument")),
                Some((keyword, value)) => call.keywords.push((keyword.trim(), value.trim())),
                None if !call.keywords.is_empty() => {
                    return Err(format!("in `{text}`, `{argument}` without a name follows one with a name"));
                }
                None => call.positional.push(argument),
            }
        }
        Ok(call)
    }
}

/// The parts between commas that are not inside brackets; `None` if the brackets do not match.
fn split_commas(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (depth == 0).then_some(parts)
}
