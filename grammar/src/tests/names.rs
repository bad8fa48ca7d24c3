//! Spellings of names: which are one name, and which are none.

use super::language::ast;
use crate::{Limits, parse};

/// Python stores names in Unicode's normal form NFKC: these pairs are one name there.
#[test]
fn spellings_of_a_name_are_one_name() {
    for (text, name) in [
        ("\u{b5}", "\u{3bc}"),
        ("\u{fb01}x", "fix"),
        ("\u{ff41}", "a"),
        ("e\u{301}", "\u{e9}"),
        ("\u{212b}", "\u{c5}"),
        ("\u{1d465}", "x"),
        ("\u{2168}", "IX"),
        ("\u{3bc}", "\u{3bc}"),
    ] {
        assert_eq!(ast(text).names().collect::<Vec<_>>(), [name], "{text}");
        assert_eq!(crate::normal_name(text), name);
    }
    assert_eq!(ast("\u{b5} + \u{3bc}").names().len(), 1);
}

/// Printed in its normal form, such a name would be the keyword.
#[test]
fn a_name_is_no_keyword_in_other_letters() {
    for text in ["\u{1d422}f", "\u{1d41a}nd(a)", "\u{ff34}rue", "a + fal\u{17f}e"] {
        let error = parse(text, &Limits::default()).unwrap_err();
        assert!(matches!(error.kind(), crate::ErrorKind::LookAlike { .. }), "{text}: {error}");
    }
    let error = parse("2 + \u{1d422}f", &Limits::default()).unwrap_err();
    assert_eq!(error.span().range(), 4..9);
    assert!(error.to_diagnostic().render("2 + \u{1d422}f").contains("write `if`"));
}
