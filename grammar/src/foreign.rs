//! What people type that belongs to other languages or to typeset text, and what to write here
//! instead.
//!
//! In: an operator or a character that is not part of the language. Out: the spelling that is.
//! Always true: a suggestion is a spelling that the lexer accepts, or says in words that there is
//! none.

/// An operator of another language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ForeignOperator {
    pub(crate) found: &'static str,
    /// The operator with the same meaning.
    pub(crate) instead: &'static str,
}

const fn means(found: &'static str, instead: &'static str) -> ForeignOperator {
    ForeignOperator { found, instead }
}

const OPERATORS: [ForeignOperator; 13] = [
    means("!", "not"),
    means("&&", "and"),
    means("||", "or"),
    means("<>", "!="),
    means("~=", "!="),
    means("=<", "<="),
    means("=!", "!="),
    means("=>", ">="),
    means("===", "=="),
    means("!==", "!="),
    means(".*", "*"),
    means("./", "/"),
    means(".^", "**"),
];

/// The row of the table for an operator as the text has it.
pub(crate) fn operator(found: &str) -> Option<ForeignOperator> {
    OPERATORS.into_iter().find(|operator| operator.found == found)
}

/// What to write instead of a character that looks like, or stands for, one of the language;
/// nothing if it is invisible.
pub(crate) fn look_alike(character: char) -> Option<&'static str> {
    Some(match character {
        '×' | '·' | '\u{387}' | '⋅' | '∙' | '∗' | '⨯' | '✕' | '✖' | '•' | '\u{ff0a}' => "*",
        '÷' | '∕' | '⁄' | '\u{ff0f}' => "/",
        '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' | '\u{2014}' | '\u{2015}' | '\u{fe63}'
        | '\u{ff0d}' => "-",
        '\u{ff0b}' | '➕' | '\u{fe62}' => "+",
        '≤' | '⩽' | '≦' => "<=",
        '≥' | '⩾' | '≧' => ">=",
        '≠' => "!=",
        '≡' | '\u{ff1d}' => "==",
        '\u{ff1c}' | '‹' => "<",
        '\u{ff1e}' | '›' => ">",
        '«' => "<<",
        '»' => ">>",
        '∧' => "and",
        '∨' => "or",
        '¬' | '\u{ff01}' => "not",
        '⊕' | '⊻' | '\u{ff3e}' => "^",
        '\u{ff06}' => "&",
        '\u{ff5c}' | '∣' => "|",
        '\u{ff5e}' | '∼' => "~",
        '\u{ff05}' | '\u{66a}' => "%",
        '\u{ff08}' | '⁽' => "(",
        '\u{ff09}' | '⁾' => ")",
        '\u{ff0c}' | '\u{60c}' | '、' | '\u{201a}' => ",",
        '\u{ff0e}' | '\u{66b}' => ".",
        '²' => "**2",
        '³' => "**3",
        '√' => "sqrt(x)",
        '∛' => "cbrt(x)",
        '∞' => "inf",
        '½' => "0.5",
        '¼' => "0.25",
        '¾' => "0.75",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => "an ordinary space",
        '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' => "an ordinary line break",
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{202a}'..='\u{202e}' => "",
        '\u{ff10}'..='\u{ff19}' => "an ordinary digit",
        _ => return None,
    })
}

/// What to write instead of a name that is an operator elsewhere.
pub(crate) fn word(name: &str) -> Option<&'static str> {
    Some(match name {
        "eq" => "==",
        "ne" => "!=",
        "AND" | "And" => "and",
        "OR" | "Or" => "or",
        "NOT" | "Not" => "not",
        "IF" | "If" => "if",
        "ELSE" | "Else" => "else",
        "xor" | "XOR" => "^",
        "mod" | "MOD" => "%",
        "div" | "DIV" => "//",
        "then" => "x if condition else y",
        _ => return None,
    })
}
