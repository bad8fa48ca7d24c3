//! How diagnostics are drawn.

use expect_test::{Expect, expect};

use crate::{Diagnostic, Span};

fn check(source: &str, labels: &[(u32, u32, &str)], expected: Expect) {
    let diagnostic = labels.iter().fold(Diagnostic::new("message"), |diagnostic, &(start, end, text)| {
        diagnostic.label(Span::new(start, end), text)
    });
    expected.assert_eq(&diagnostic.render(source));
}

#[test]
fn one_label() {
    check(
        "a + b",
        &[(4, 5, "here")],
        expect![[r#"
        error: message
          a + b
              ^ here
    "#]],
    );
}

#[test]
fn no_label() {
    expect![[r#"
        error: message
          = first
          = second line
    "#]]
    .assert_eq(&Diagnostic::new("message").note("first").note("second\nline").render("a + b"));
}

#[test]
fn three_labels_in_any_order() {
    check(
        "aa + bb + cc",
        &[(5, 7, "second"), (10, 12, "third"), (0, 2, "first")],
        expect![[r#"
        error: message
          aa + bb + cc
          ^^   ^^   ^^ third
          |    |
          |    second
          first
    "#]],
    );
}

#[test]
fn nested_touching_and_equal_labels() {
    check(
        "a + b*2",
        &[(0, 7, "whole"), (4, 7, "part"), (4, 7, "again"), (0, 1, "left")],
        expect![[r#"
        error: message
          a + b*2
          ^   ^^^ part
          |
          left
          ^^^^^^^ whole
              ^^^ again
    "#]],
    );
    check(
        "-a",
        &[(0, 1, "sign"), (1, 2, "name")],
        expect![[r#"
        error: message
          -a
          ^ sign
           ^ name
    "#]],
    );
}

#[test]
fn labels_without_text() {
    check(
        "a + b + c",
        &[(0, 1, ""), (4, 5, "middle"), (8, 9, "")],
        expect![[r#"
        error: message
          a + b + c
          ^   ^   ^
              |
              middle
    "#]],
    );
}

#[test]
fn at_the_end_and_empty() {
    check(
        "a +",
        &[(3, 3, "end")],
        expect![[r#"
        error: message
          a +
             ^ end
    "#]],
    );
    check(
        "a +\n",
        &[(4, 4, "end")],
        expect![[r#"
        error: message
          2 |
            | ^ end
    "#]],
    );
    check(
        "",
        &[(0, 0, "nothing")],
        expect![[r#"
        error: message

          ^ nothing
    "#]],
    );
    check(
        "a + b",
        &[(2, 2, "between")],
        expect![[r#"
        error: message
          a + b
            ^ between
    "#]],
    );
}

#[test]
fn outside_the_text_and_between_bytes() {
    check(
        "é + b",
        &[(1, 1, "inside é")],
        expect![[r#"
        error: message
          é + b
          ^ inside é
    "#]],
    );
    check(
        "a",
        &[(7, 900, "far away")],
        expect![[r#"
        error: message
          a
           ^ far away
    "#]],
    );
    check(
        "abc",
        &[(2, 1, "backwards")],
        expect![[r#"
        error: message
          abc
            ^ backwards
    "#]],
    );
}

#[test]
fn several_lines() {
    check(
        "a +\nb *\nc\n",
        &[(0, 1, "first"), (8, 9, "third")],
        expect![[r#"
        error: message
          1 | a +
            | ^ first
          3 | c
            | ^ third
    "#]],
    );
    check(
        "a +* b\r\n# comment\r\n- c",
        &[(3, 4, "one"), (21, 22, "three")],
        expect![[r#"
        error: message
          1 | a +* b
            |    ^ one
          3 | - c
            |   ^ three
    "#]],
    );
    let tall = format!("{}a", "\n".repeat(99));
    check(
        &tall,
        &[(99, 100, "line 100"), (0, 0, "line 1")],
        expect![[r#"
        error: message
            1 |
              | ^ line 1
          100 | a
              | ^ line 100
    "#]],
    );
}

#[test]
fn a_label_over_several_lines() {
    check(
        "1 + f(a,\n      b,\n      c) + 2",
        &[(4, 26, "this call")],
        expect![[r#"
        error: message
          1 | 1 + f(a,
            |     ^^^^
          3 |       c) + 2
            |       ^^ this call
    "#]],
    );
    check(
        "a\n\n",
        &[(0, 3, "with blank lines")],
        expect![[r#"
        error: message
          a
          ^ with blank lines
    "#]],
    );
}

#[test]
fn wide_and_invisible_characters() {
    check(
        "数据 + b",
        &[(0, 6, "wide"), (9, 10, "narrow")],
        expect![[r#"
        error: message
          数据 + b
          ^^^^   ^ narrow
          |
          wide
    "#]],
    );
    check(
        "e\u{301}x + b",
        &[(3, 4, "after a combining accent")],
        expect![[r#"
        error: message
          éx + b
           ^ after a combining accent
    "#]],
    );
    check(
        "a\t+\tb",
        &[(4, 5, "after tabs")],
        expect![[r#"
        error: message
          a   +   b
                  ^ after tabs
    "#]],
    );
    check(
        "a\0\u{1b}[31m\u{202e}b",
        &[(10, 11, "no control character is shown")],
        expect![[r#"
        error: message
          a␀␛[31m�b
                  ^ no control character is shown
    "#]],
    );
}

#[test]
fn long_lines_are_clipped() {
    let line = format!("{}b{}", "a + ".repeat(100), " + c".repeat(100));
    check(
        &line,
        &[(400, 401, "in the middle")],
        expect![[r#"
        error: message
          ... a + a + a + a + a + a + a + a + a + a + a + a + b + c + c + c + c + c + c + c + c + c + c + c + c ...
                                                              ^ in the middle
    "#]],
    );
    check(
        &line,
        &[(0, 1, "at the start")],
        expect![[r#"
        error: message
          a + a + a + a + a + a + a + a + a + a + a + a + a ...
          ^ at the start
    "#]],
    );
    check(
        &line,
        &[(800, 801, "at the end")],
        expect![[r#"
        error: message
          ... c + c + c + c + c + c + c + c + c + c + c + c + c
                                                              ^ at the end
    "#]],
    );
    check(
        &line,
        &[(0, 1, "one end"), (400, 401, "the middle"), (800, 801, "the other")],
        expect![[r#"
        error: message
          a + a + a + a + a...a + a + a + a + b + c + c + c + c...c + c + c + c + c
          ^                                   ^                                   ^ the other
          |                                   |
          |                                   the middle
          one end
    "#]],
    );
    check(
        &line,
        &[(100, 700, "a long label")],
        expect![[r#"
        error: message
          ... + a + a + a + a + a + a + a + a + a + a + a + a +... + c + c + c + c + c + c + c + c + c + c + c + c +...
                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a long label
    "#]],
    );
}
