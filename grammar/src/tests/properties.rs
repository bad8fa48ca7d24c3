//! What holds for every text and every tree.

use proptest::num::f64;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use crate::{Ast, Diagnostic, Error, ExprKind, Limits, Span, normal_name, parse};

/// Texts that the parser reads further than it reads arbitrary characters.
fn near_expression() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "xyz", "π", "1", "2.5", "0x1f", "1e3", "3j", "True", "f(", "sin(", "f(a, b="]),
        6 => prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "~", "<", "<=", "==", "!=", " and ", " or ",
            " not ", " if ", " else ", "(", ")", ",", " ",
        ]),
        1 => prop::sample::select(vec![
            "=", "!", "&&", "[", "]", ".", "\"", "'", ";", ":", "?", "@", "#", "\n", "\r\n", "\r", "\t", "\0", "×", "−", "²",
            "\u{301}", "\u{feff}", "_", "1_", "0b", "lambda ", "数", "·", "\u{1d422}f",
        ]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// A text of a well-formed expression, with brackets wherever they may be needed and sometimes
/// elsewhere.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "c_1", "é", "pi", "\u{b5}", "\u{1d43}", "True", "False", "1_0", "0xff"])
            .prop_map(str::to_owned),
        any::<u128>().prop_map(|value| value.to_string()),
        (f64::POSITIVE | f64::NORMAL | f64::SUBNORMAL | f64::ZERO).prop_map(|value| format!("{value:e}")),
        (0.0..1e30).prop_map(|value| format!("{value:?}j")),
    ];
    leaf.prop_recursive(8, 64, 4, |inner| {
        let operators = vec![
            "+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "and", "or", "<", "<=", ">", ">=", "==",
            "!=",
        ];
        prop_oneof![
            4 => (inner.clone(), prop::sample::select(operators.clone()), inner.clone())
                .prop_map(|(lhs, op, rhs)| format!("({lhs}) {op} ({rhs})")),
            2 => (prop::sample::select(vec!["-", "+", "~", "not "]), inner.clone())
                .prop_map(|(op, arg)| format!("{op}({arg})")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) if ({b}) else ({c})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) < ({b})\n!= ({c})")),
            1 => (prop::collection::vec(argument(inner.clone()), 0..4), prop::collection::vec(argument(inner), 0..3))
                .prop_map(|(args, named)| {
                    let named = named.into_iter().zip(["axis", "f"]).map(|(value, name)| format!("{name} = {value}"));
                    format!("f({})", args.into_iter().chain(named).collect::<Vec<_>>().join(", "))
                }),
        ]
    })
}

/// An operand, or a tuple of operands.
fn argument(operand: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => operand.clone(),
        1 => prop::collection::vec(operand, 0..3).prop_map(|items| match &items[..] {
            [only] => format!("({only},)"),
            _ => format!("({})", items.join(", ")),
        }),
    ]
}

/// The tree without its spans.
fn shape(ast: &Ast) -> Vec<ExprKind> {
    ast.exprs()
        .map(|(_, expr)| {
            let mut kind = expr.kind.clone();
            if let ExprKind::Call { function_span, keywords, .. } = &mut kind {
                *function_span = Span::default();
                keywords.iter_mut().for_each(|keyword| keyword.name_span = Span::default());
            }
            kind
        })
        .collect()
}

fn is_inside(text: &str, span: Span) -> bool {
    span.start <= span.end && text.get(span.range()).is_some()
}

/// Whether a piece of the text is a spelling of `name`: Python stores names in Unicode's form NFKC.
fn spells(spelling: &str, name: &str) -> bool {
    spelling.nfkc().eq(name.chars())
}

fn check_tree(text: &str, ast: &Ast) -> Result<(), TestCaseError> {
    let mut n_parents = vec![0; ast.n_exprs()];
    for (id, expr) in ast.exprs() {
        prop_assert!(is_inside(text, expr.span));
        let mut end_of_previous = expr.span.start;
        let mut children = Vec::new();
        expr.kind.for_each_child(|child| children.push(child));
        for child in children {
            prop_assert!(child < id);
            prop_assert!(ast[child].span.start >= end_of_previous && ast[child].span.end <= expr.span.end);
            end_of_previous = ast[child].span.end;
            n_parents[child.index()] += 1;
        }
        if let ExprKind::Call { function, function_span, keywords, .. } = &expr.kind {
            prop_assert!(spells(function_span.text(text), ast.name(*function)));
            for keyword in keywords {
                prop_assert!(spells(keyword.name_span.text(text), ast.name(keyword.name)));
                prop_assert!(keyword.name_span.end < ast[keyword.value].span.start);
            }
        }
        if let ExprKind::Name(name) = &expr.kind {
            prop_assert!(spells(expr.span.text(text), ast.name(*name)));
        }
    }
    let root = n_parents.pop();
    prop_assert_eq!(root, Some(0));
    prop_assert!(n_parents.iter().all(|&n| n == 1));
    prop_assert_eq!(ast.dump().lines().count(), ast.n_exprs());
    Ok(())
}

fn check_error(text: &str, error: &Error) -> Result<(), TestCaseError> {
    prop_assert!(is_inside(text, error.span()));
    let diagnostic = error.to_diagnostic();
    for label in &diagnostic.labels {
        prop_assert!(is_inside(text, label.span));
        prop_assert!(!label.text.is_empty());
    }
    let first = diagnostic.message.chars().next();
    prop_assert!(first.is_some_and(|c| !c.is_uppercase()) && !diagnostic.message.ends_with('.'));
    let drawing = diagnostic.render(text);
    prop_assert!(drawing.chars().all(|c| c == '\n' || !c.is_control()));
    Ok(())
}

fn check_text(text: &str) -> Result<(), TestCaseError> {
    match parse(text, &Limits::default()) {
        Ok(ast) => {
            check_tree(text, &ast)?;
            check_printing(&ast)
        }
        Err(error) => check_error(text, &error),
    }
}

fn check_printing(ast: &Ast) -> Result<(), TestCaseError> {
    let printed = ast.to_text();
    match parse(&printed, &Limits::default()) {
        Ok(again) => {
            prop_assert_eq!(shape(&again), shape(ast));
            prop_assert!(again.names().eq(ast.names()));
            prop_assert_eq!(again.to_text(), printed);
        }
        Err(error) => prop_assert!(false, "{}", error.to_diagnostic().render(&printed)),
    }
    Ok(())
}

#[test]
fn every_character_of_a_name_stays_one_in_the_normal_form() {
    for character in '\0'..=char::MAX {
        for text in [character.to_string(), format!("a{character}"), format!("a{character}\u{301}b")] {
            let Ok(ast) = parse(&text, &Limits::default()) else { continue };
            let Some(name) = ast.names().next() else { continue };
            let again = parse(name, &Limits::default());
            assert!(again.is_ok_and(|again| again.names().eq([name])), "{text:?}: {name:?}");
            assert_eq!(normal_name(name), name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_tree_or_an_error(text in ".{0,40}") {
        check_text(&text)?;
    }

    #[test]
    fn any_characters_are_a_tree_or_an_error(text in prop::collection::vec(any::<char>(), 0..20)) {
        check_text(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn nearly_an_expression_is_a_tree_or_an_error(text in near_expression()) {
        check_text(&text)?;
    }

    #[test]
    fn printing_is_undone_by_parsing(text in expression()) {
        let ast = parse(&text, &Limits::default());
        prop_assert!(ast.is_ok(), "{}", text);
        if let Ok(ast) = ast {
            check_tree(&text, &ast)?;
            check_printing(&ast)?;
        }
    }

    #[test]
    fn printing_adds_no_bracket_without_need(text in expression()) {
        let Ok(ast) = parse(&text, &Limits::default()) else { return Ok(()) };
        let printed = ast.to_text();
        for (opening, _) in printed.match_indices('(') {
            if printed[..opening].ends_with('f') {
                continue;
            }
            let closing = matching(&printed, opening);
            let fewer = format!("{} {} {}", &printed[..opening], &printed[opening + 1..closing], &printed[closing + 1..]);
            if let Ok(other) = parse(&fewer, &Limits::default()) {
                prop_assert_ne!(shape(&other), shape(&ast), "{}", printed);
            }
        }
    }

    #[test]
    fn any_labels_can_be_drawn(
        text in "[ab\u{301}数\t\r\n\0 ]{0,300}",
        labels in prop::collection::vec((0..400_u32, 0..400_u32, "[a-z\n]{0,5}"), 0..6),
    ) {
        let diagnostic = labels.iter().fold(Diagnostic::new("message"), |diagnostic, (start, end, text)| {
            diagnostic.label(Span::new(*start, *end), text)
        });
        let drawing = diagnostic.render(&text);
        prop_assert!(drawing.chars().all(|c| c == '\n' || !c.is_control()));
        prop_assert!(labels.iter().all(|(_, _, text)| drawing.contains(text.replace('\n', " ").trim_end())));
    }
}

/// Where the bracket at `opening` is closed.
fn matching(text: &str, opening: usize) -> usize {
    let mut depth = 0;
    for (byte_idx, byte) in text.bytes().enumerate().skip(opening) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return byte_idx;
        }
    }
    text.len()
}
