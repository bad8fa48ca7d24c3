//! Random texts: bytes, tokens, expressions with small changes, and calls along axes with absurd
//! options.

use crate::cases::case::Case;
use crate::cases::source::Source;
use std::sync::LazyLock;

const TOKENS: [&str; 82] = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "<<",
    ">>",
    "&",
    "|",
    "^",
    "~",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "(",
    ")",
    ",",
    "and",
    "or",
    "not",
    "if",
    "else",
    "True",
    "False",
    "a",
    "b",
    "c",
    "x",
    "k",
    "v0",
    "v1",
    "v2",
    "v4",
    "v8",
    "v9",
    "0",
    "1",
    "2",
    "63",
    "1e400",
    "0x1F",
    "1_000",
    "2.5j",
    ".5",
    "5.",
    "1e-320",
    "99999999999999999999",
    "nan",
    "inf",
    "pi",
    "sin(",
    "where(",
    "int8(",
    "uint64(",
    "power(",
    "clip(",
    "=",
    "[",
    "lambda",
    "sum(",
    "mean(",
    "nanstd(",
    "argmax(",
    "cumsum(",
    "any(",
    "axis=",
    "keepdims=",
    "ddof=",
    "None",
    "m",
    "w",
    "axis=1",
    "axis=(1, 0)",
    "axis=(0, -1)",
    "axis=-1",
    "keepdims=True",
    "(0,)",
];

/// A random text, most often almost an expression.
pub(super) fn draw(source: &mut Source<'_>) -> String {
    match source.below(20) {
        16..=19 => {
            let text = calls_along_axes(source);
            if source.one_in(2) {
                return text;
            }
            let mut tokens = split(&text);
            mutate(source, &mut tokens, |source| source.pick(&TOKENS).to_owned());
            tokens.concat()
        }
        0 => {
            let bytes: Vec<u8> = (0..source.below(60)).map(|_| source.bits() as u8).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        1 => (0..source.below(40))
            .map(|_| char::from_u32(source.bits() as u32 % 0x11_0000).unwrap_or('\u{202e}'))
            .collect(),
        2 => (0..source.below(60)).map(|_| char::from(source.between(32, 126) as u8)).collect(),
        3..=5 => {
            let tokens: Vec<&str> = (0..source.between(1, 24)).map(|_| source.pick(&TOKENS)).collect();
            tokens.join(source.pick(&["", " ", "\n", "\t ", " "]))
        }
        6..=10 => {
            let mut tokens = split(&Case::draw(source, None).text());
            for _ in 0..source.between(0, 3) {
                mutate(source, &mut tokens, |source| source.pick(&TOKENS).to_owned());
            }
            tokens.concat()
        }
        _ => {
            let mut bytes = Case::draw(source, None).text().into_bytes();
            for _ in 0..source.between(1, 3) {
                mutate(source, &mut bytes, |source| match source.below(3) {
                    0 => source.bits() as u8,
                    _ => source.pick(b"0123456789.eE_+-*/()<>=!&|^~% abckx,#\n\\"),
                });
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// Nested calls along axes, with options that are right, almost right, and absurd.
fn calls_along_axes(source: &mut Source<'_>) -> String {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let functions = ndexpr::functions().into_iter();
        functions.filter(|function| function.params.contains(&"axis=None")).map(|function| function.name).collect()
    });
    let args = [
        "a",
        "b",
        "v0",
        "v1",
        "v4",
        "v9",
        "x",
        "k",
        "m",
        "w",
        "m*w",
        "w - a",
        "1",
        "nan",
        "a*b",
        "where(a > b, a, x)",
        "a if v0 else b",
        "",
    ];
    let mut text = source.pick(&args).to_owned();
    let depth = if source.one_in(8) { source.between(20, 280) } else { source.between(1, 5) };
    // A deep text with many different options is always refused.
    let n_options = if depth <= 5 || source.one_in(8) { source.below(4) } else { 0 };
    for _ in 0..depth {
        let mut call = format!("{}({text}", source.pick(&NAMES));
        for _ in 0..n_options {
            call += source.pick(&[",", ", ", ", ", " "]);
            call += &option(source);
        }
        call.push(')');
        text = match source.below(8) {
            0 if text.len() < 2000 => format!("{text} - {call}"),
            1 => format!("{} + {call}", source.pick(&args)),
            2 => format!("{call}*{}", source.below(100)),
            _ => call,
        };
    }
    text
}

/// An option as it might be written.
fn option(source: &mut Source<'_>) -> String {
    const NAMES: [&str; 12] = [
        "",
        "axis=",
        "axis=",
        "axis=",
        "axis = ",
        "keepdims=",
        "keepdims=",
        "ddof=",
        "ddof=",
        "axes=",
        "out=",
        "axis=axis=",
    ];
    const PLAIN: [&str; 16] = [
        "1", "-2", "(0, 1)", "(-1, -2)", "0", "-1", "None", "(0,)", "()", "(-1,)", "True", "False", "0.5", "2", "-0",
        "+0",
    ];
    const ABSURD: [&str; 38] = [
        "(1, -1)",
        "(0, 1, 2)",
        "32",
        "-33",
        "99999999999",
        "-99999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "170141183460469231731687303715884105728",
        "-340282366920938463463374607431768211456",
        "1e9",
        "1e400",
        "-1e400",
        "-1e308",
        "5e-324",
        "-3",
        "nan",
        "inf",
        "pi",
        "1j",
        "--0",
        "-+-+1",
        "~0",
        "not True",
        "True + True",
        "a",
        "sum(a)",
        "a=0",
        "(0, None)",
        "((0,),)",
        "(0, 0)",
        "(0, -1)",
        "(a, b)",
        "(0 1)",
        "[0]",
        "\"0\"",
        "(",
    ];
    let value = match source.below(10) {
        0..=5 => source.pick(&PLAIN).to_owned(),
        6..=8 => source.pick(&ABSURD).to_owned(),
        _ => {
            let n = source.pick(&[2, 10, 70, 2000]);
            let axes: Vec<String> = (0..n).map(|i| [i, 0, usize::MAX][source.below(3)].to_string()).collect();
            format!("({})", axes.join(", "))
        }
    };
    format!("{}{value}", source.pick(&NAMES))
}

/// Changes, inserts, repeats, swaps or removes some items, or cuts off the end.
fn mutate<T: Clone>(source: &mut Source<'_>, items: &mut Vec<T>, new: impl FnOnce(&mut Source<'_>) -> T) {
    if items.is_empty() {
        return;
    }
    let (i, j) = (source.below(items.len()), source.below(items.len()));
    match source.below(6) {
        0 => items[i] = new(source),
        1 => items.insert(i, new(source)),
        2 => {
            let repeated = items[i.min(j)..=i.max(j)].to_vec();
            items.splice(j..j, repeated.into_iter().take(200));
        }
        3 => items.swap(i, j),
        4 => _ = items.remove(i),
        _ => items.truncate(i + 1),
    }
}

/// Words and single characters.
fn split(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    for c in text.chars() {
        match tokens.last_mut() {
            Some(last) if is_word(c) && last.chars().all(is_word) => last.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}
