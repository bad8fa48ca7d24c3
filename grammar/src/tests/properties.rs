//! What holds for every text and every tree.

use std::ops::Range;

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::programs::{expression, program};
use crate::{
    Ast, Diagnostic, Error, ExprId, ExprKind, Keyword, Limits, Span, Stmt, StmtId, StmtKind, normal_name, parse,
};

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

/// Texts that the layout and the parser read further than they read arbitrary characters.
fn near_program() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "a", "x = ", "y += ", "def f(x, k=2):", "def g():", "return ", "pass", "x, y = ", "x: float = ", "1", "z[1:] = ",
        ]),
        3 => prop::sample::select(vec![
            "if a:", "elif b:", "else:", "while a:", "for x in range(3):", "for x in y:", "break", "continue", "\nelse:",
            "\n    if a:", "if a", "else", "in", "range(",
        ]),
        4 => prop::sample::select(vec![
            "\n", "\n", "\n    ", "\n    ", "\n        ", "\n  ", "\n\t", "\n        \t", ";", ":", "\\\n", "\r\n", "# x\n",
        ]),
        3 => prop::sample::select(vec![
            "+", "-", " if ", " else ", "not ", "(", ")", "[", "]", ",", ".", ".T", ".sum()", "[", "[...]", "::", "=", " ",
            "->", "**",
        ]),
        1 => prop::sample::select(vec![
            "'doc'", "\"\"\"doc\n  string\"\"\"", "f'x'", "'", "lambda x: ", "for x in ", "import a", "class A", "match x:",
            "@",
            "async for x in y:", ":=", "*", "...", "{", "in ", " is ", "yield ", "async ", "None",
        ]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The statements of a tree, by their ids.
fn stmts(ast: &Ast) -> Vec<(StmtId, &Stmt)> {
    let mut found = Vec::new();
    let mut pending = ast.body().to_vec();
    while let Some(id) = pending.pop() {
        found.push((id, &ast[id]));
        pending.extend(blocks(&ast[id]).into_iter().flatten());
    }
    found.sort_by_key(|&(id, _)| id);
    found
}

/// The blocks of a statement.
fn blocks(stmt: &Stmt) -> [&[StmtId]; 2] {
    match &stmt.kind {
        StmtKind::Def { body, .. } => [body, &[]],
        StmtKind::If { then: body, otherwise, .. }
        | StmtKind::While { body, otherwise, .. }
        | StmtKind::For { body, otherwise, .. } => [body, otherwise],
        _ => [&[], &[]],
    }
}

/// The expressions that a statement consists of.
fn parts(stmt: &Stmt) -> Vec<ExprId> {
    match &stmt.kind {
        StmtKind::Expr(value) => vec![*value],
        StmtKind::Assign { targets, value } => targets.iter().copied().chain([*value]).collect(),
        StmtKind::AugAssign { target, value, .. } => vec![*target, *value],
        StmtKind::Return(value) => value.iter().copied().collect(),
        StmtKind::Def { params, .. } => params.iter().filter_map(|param| param.default).collect(),
        StmtKind::If { condition: value, .. }
        | StmtKind::While { condition: value, .. }
        | StmtKind::For { range: value, .. } => vec![*value],
        StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Vec::new(),
    }
}

type Shape = (Vec<ExprKind>, Vec<(StmtKind, Range<usize>)>, Vec<StmtId>);

/// The tree without its spans.
fn shape(ast: &Ast) -> Shape {
    let clear = |keywords: &mut [Keyword]| keywords.iter_mut().for_each(|keyword| keyword.name_span = Span::default());
    let exprs = ast.exprs().map(|(_, expr)| {
        let mut kind = expr.kind.clone();
        match &mut kind {
            ExprKind::Call { function_span: span, keywords, .. }
            | ExprKind::Method { name_span: span, keywords, .. } => {
                *span = Span::default();
                clear(keywords);
            }
            ExprKind::Attribute { name_span, .. } => *name_span = Span::default(),
            _ => {}
        }
        kind
    });
    let stmts = stmts(ast).into_iter().map(|(_, stmt)| {
        let mut kind = stmt.kind.clone();
        match &mut kind {
            StmtKind::Def { name_span, params, .. } => {
                *name_span = Span::default();
                params.iter_mut().for_each(|param| param.name_span = Span::default());
            }
            StmtKind::For { name_span, .. } => *name_span = Span::default(),
            _ => {}
        }
        (kind, stmt.exprs.clone())
    });
    (exprs.collect(), stmts.collect(), ast.body().to_vec())
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
        match &expr.kind {
            ExprKind::Call { function: name, function_span: name_span, keywords, .. }
            | ExprKind::Method { name, name_span, keywords, .. } => {
                prop_assert!(spells(name_span.text(text), ast.name(*name)));
                for keyword in keywords {
                    prop_assert!(spells(keyword.name_span.text(text), ast.name(keyword.name)));
                    prop_assert!(keyword.name_span.end < ast[keyword.value].span.start);
                }
            }
            ExprKind::Attribute { name, name_span, object } => {
                prop_assert!(spells(name_span.text(text), ast.name(*name)));
                prop_assert!(ast[*object].span.end < name_span.start);
                prop_assert_eq!(name_span.end, expr.span.end);
            }
            ExprKind::Index { items, .. } => prop_assert!(!items.is_empty()),
            ExprKind::Unary { arg, .. } => prop_assert!(!is_tuple(ast, *arg)),
            ExprKind::Binary { lhs, rhs, .. } => prop_assert!(!is_tuple(ast, *lhs) && !is_tuple(ast, *rhs)),
            ExprKind::Name(name) => prop_assert!(spells(expr.span.text(text), ast.name(*name))),
            _ => {}
        }
    }
    check_stmts(text, ast, &mut n_parents)?;
    prop_assert!(n_parents.iter().all(|&n| n == 1));
    let n_lines = ast.n_exprs() + if ast.expression().is_some() { 0 } else { stmts(ast).len() };
    // The line of an `else` is none of either.
    prop_assert_eq!(ast.dump().lines().filter(|line| !line.ends_with("else")).count(), n_lines);
    Ok(())
}

fn is_tuple(ast: &Ast, id: ExprId) -> bool {
    matches!(ast[id].kind, ExprKind::Tuple { .. })
}

/// Checks the statements, and counts them as parents of what they consist of.
fn check_stmts(text: &str, ast: &Ast, n_parents: &mut [usize]) -> Result<(), TestCaseError> {
    let all = stmts(ast);
    let mut n_outer = vec![0; all.len()];
    prop_assert!(!ast.body().is_empty());
    check_body(ast, ast.body(), &mut n_outer)?;
    let mut ranges = Vec::new();
    for (idx, &(id, stmt)) in all.iter().enumerate() {
        prop_assert_eq!(id.index(), idx);
        prop_assert!(is_inside(text, stmt.span) && !stmt.span.is_empty());
        let mut end_of_previous = stmt.span.start;
        for part in parts(stmt) {
            prop_assert!(stmt.exprs.contains(&part.index()));
            prop_assert!(ast[part].span.start >= end_of_previous && ast[part].span.end <= stmt.span.end);
            end_of_previous = ast[part].span.end;
            n_parents[part.index()] += 1;
        }
        for idx in stmt.exprs.clone() {
            let span = ast.exprs().nth(idx).map(|(_, expr)| expr.span);
            prop_assert!(span.is_some_and(|span| stmt.span.join(span) == stmt.span));
        }
        let [body, otherwise] = blocks(stmt);
        prop_assert!(body.iter().chain(otherwise).all(|&inner| inner < id));
        check_body(ast, body, &mut n_outer)?;
        check_body(ast, otherwise, &mut n_outer)?;
        if let Some(&last) = otherwise.last().or(body.last()) {
            prop_assert!(!body.is_empty() && ast[body[0]].span.start >= end_of_previous);
            prop_assert_eq!(ast[last].span.end, stmt.span.end);
        }
        if let (Some(&last), Some(&first)) = (body.last(), otherwise.first()) {
            prop_assert!(ast[last].span.end <= ast[first].span.start);
        }
        if let StmtKind::For { name, name_span, range, .. } = &stmt.kind {
            prop_assert!(spells(name_span.text(text), ast.name(*name)));
            prop_assert!(name_span.end < ast[*range].span.start);
            let ExprKind::Call { args, keywords, .. } = &ast[*range].kind else { panic!("the call of `range`") };
            prop_assert!((1..=3).contains(&args.len()) && keywords.is_empty());
        }
        if let StmtKind::Def { name, name_span, params, .. } = &stmt.kind {
            prop_assert!(spells(name_span.text(text), ast.name(*name)));
            prop_assert!(!body.is_empty());
            prop_assert!(params.is_sorted_by_key(|param| param.default.is_some()));
            let mut names: Vec<_> = params.iter().map(|param| param.name).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), params.len());
        }
        ranges.push(stmt.exprs.clone());
    }
    prop_assert!(n_outer.iter().all(|&n| n == 1));
    // The ranges cover all expressions, each once.
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in ranges {
        prop_assert_eq!(range.start, end);
        end = range.end;
    }
    prop_assert_eq!(end, ast.n_exprs());
    Ok(())
}

/// Checks that the statements of a block are in the order of the text, and counts them.
fn check_body(ast: &Ast, body: &[StmtId], n_outer: &mut [usize]) -> Result<(), TestCaseError> {
    body.iter().for_each(|id| n_outer[id.index()] += 1);
    prop_assert!(body.windows(2).all(|pair| pair[0] < pair[1] && ast[pair[0]].span.end <= ast[pair[1]].span.start));
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
    fn nearly_a_program_is_a_tree_or_an_error(text in near_program()) {
        check_text(&text)?;
    }

    #[test]
    fn printing_a_program_is_undone_by_parsing(text in program()) {
        let ast = parse(&text, &Limits::default());
        prop_assert!(ast.is_ok(), "{}", ast.map_err(|error| error.to_diagnostic().render(&text)).unwrap_err());
        if let Ok(ast) = ast {
            check_tree(&text, &ast)?;
            check_printing(&ast)?;
        }
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
            // White space could stand between an integer and a dot, but nobody writes that.
            if printed[closing..].starts_with(").") {
                continue;
            }
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
