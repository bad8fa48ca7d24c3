//! Which line breaks end statements, and which indentation begins and ends blocks.

use expect_test::{Expect, expect};

use super::language::check;
use crate::{ErrorKind, Limits, parse};

/// A table of texts and their errors, with the part of the text that each points at.
fn check_errors(texts: &[&str], expected: Expect) {
    let table: String = texts
        .iter()
        .map(|text| {
            let error = parse(text, &Limits::default()).map(|ast| ast.to_text()).expect_err(text);
            let place = error.span().text(text).escape_debug().to_string();
            format!("{:<40} {error}: {} `{place}`\n", text.escape_debug().to_string(), error.span())
        })
        .collect();
    expected.assert_eq(&table);
}

#[test]
fn lines_and_semicolons() {
    check(
        &[
            "a\nb",
            "a\r\nb\rc",
            "a; b",
            "a;",
            "a ; b ;\nc;",
            "\n\n  \n# first\n\na\n   # second, deeper\n\nb # third\n # fourth",
            "x = a\ny = b\nx + y",
            "a\n+b",
            "a\n-b",
            "a\n(b)",
            "a\nnot b",
            "a\n~b",
            "return\na",
            "pass\npass",
            "x = a,\ny",
            "a,\n(b, c)",
            "a\n\u{c}b",
        ],
        expect![[r#"
            a\nb                         a; b
            a\r\nb\rc                    a; b; c
            a; b                         a; b
            a;                           a
            a ; b ;\nc;                  a; b; c
            \n\n  \n# first\n\na\n   # second, deeper\n\nb # third\n # fourth a; b
            x = a\ny = b\nx + y          x = a; y = b; (x + y)
            a\n+b                        a; (+b)
            a\n-b                        a; (-b)
            a\n(b)                       a; b
            a\nnot b                     a; (not b)
            a\n~b                        a; (~b)
            return\na                    return; a
            pass\npass                   pass; pass
            x = a,\ny                    x = <a>; y
            a,\n(b, c)                   <a>; <b, c>
            a\n\u{c}b                    a; b
        "#]],
    );
}

#[test]
fn brackets_join_lines() {
    check(
        &[
            "f(\na\n,\nb\n)",
            "(\n  a\n+\nb) + c\nd",
            "x[\n1\n:\n2\n]",
            "x = (a,\n b\n)\ny",
            "def f(\nx,\n  k\n=\n2\n): return x",
            "def f(x):\n    y = (x\n+ 1)\n    return y",
        ],
        expect![[r#"
            f(\na\n,\nb\n)               f(a, b)
            (\n  a\n+\nb) + c\nd         ((a + b) + c); d
            x[\n1\n:\n2\n]               (x[1:2:])
            x = (a,\n b\n)\ny            x = <a, b>; y
            def f(\nx,\n  k\n=\n2\n): return x def f(x, k=2) {return x}
            def f(x):\n    y = (x\n+ 1)\n    return y def f(x) {y = (x + 1); return y}
        "#]],
    );
}

#[test]
fn backslashes_join_lines() {
    check(
        &[
            "a \\\n+ b",
            "a \\\r\n+ b",
            "x = \\\n  a\ny",
            "a\\\n\\\n+ b",
            "\\\na\nb",
            "def f(x): \\\nreturn x\na",
            "a \\\n",
            "a # \\\nb",
            "x = a \\\n\n-b",
        ],
        expect![[r#"
            a \\\n+ b                    (a + b)
            a \\\r\n+ b                  (a + b)
            x = \\\n  a\ny               x = a; y
            a\\\n\\\n+ b                 (a + b)
            \\\na\nb                     a; b
            def f(x): \\\nreturn x\na    def f(x) {return x}; a
            a \\\n                       a
            a # \\\nb                    a; b
            x = a \\\n\n-b               x = a; (-b)
        "#]],
    );
}

#[test]
fn unfinished_statements_go_on() {
    check(
        &[
            "a +\nb",
            "a *\n\n  # why\nb",
            "a and\nb",
            "not\na",
            "-\na",
            "~\n~\na",
            "a if\nb else\nc",
            "x =\na",
            "x +=\na",
            "x = y =\na",
            "a ==\nb",
            "a.\nT",
            "x = a,\n  b,\n  c",
            "a\n* b",
            "a\nand b\nor c",
            "a\nif b\nelse c",
            "a\n< b\n< c",
            "a\n, b",
            "x\n= a",
            "x\n+= a",
            "a\n  + b\n  - c",
            "a\n  (b)",
            "a\n  [1]",
            "a\n  .T\n  .sum()",
            "  a\n* b",
            "def f(x):\n  return x\n  * 2",
            "def f(x): return x\n  * 2",
            "def f(x):\n  return x\n    - 2\n  pass",
        ],
        expect![[r#"
            a +\nb                       (a + b)
            a *\n\n  # why\nb            (a * b)
            a and\nb                     (a and b)
            not\na                       (not a)
            -\na                         (-a)
            ~\n~\na                      (~(~a))
            a if\nb else\nc              (a if b else c)
            x =\na                       x = a
            x +=\na                      x += a
            x = y =\na                   x = y = a
            a ==\nb                      (a == b)
            a.\nT                        (a.T)
            x = a,\n  b,\n  c            x = <a, b, c>
            a\n* b                       (a * b)
            a\nand b\nor c               ((a and b) or c)
            a\nif b\nelse c              (a if b else c)
            a\n< b\n< c                  (a < b < c)
            a\n, b                       <a, b>
            x\n= a                       x = a
            x\n+= a                      x += a
            a\n  + b\n  - c              ((a + b) - c)
            a\n  (b)                     a(b)
            a\n  [1]                     (a[1])
            a\n  .T\n  .sum()            ((a.T).sum())
              a\n* b                     (a * b)
            def f(x):\n  return x\n  * 2 def f(x) {return (x * 2)}
            def f(x): return x\n  * 2    def f(x) {return (x * 2)}
            def f(x):\n  return x\n    - 2\n  pass def f(x) {return (x - 2); pass}
        "#]],
    );
}

#[test]
fn blocks() {
    check(
        &[
            "def f(x): return x",
            "def f(x): y = x; return y;",
            "def f(x):\n    return x",
            "def f(x):\n y = x\n return y\na",
            "def f(x):\n\n  # why\n\n    y = x\n  # less deep\n    return y\n\na",
            "def f(x): # why\n  return x\na",
            "def f(x):\n\treturn x\na",
            "def f(x):\n  def g(y):\n    return y\n  return g(x)\na",
            "def f(x):\n  def g(y):\n    return y\na",
            "def f(x):\n  def g(y): return y\n  return g(x)",
            "def f(x): return x\ndef g(x): return x",
            "def f(x):\n    'doc'",
            "def f(x):\n  return x\n\n",
            "def f(x):\n  return x\n        # deeper\n\n      ",
            "def f(x):\n  return x;\n",
            "def f(x: float = 1,\n  k=2) -> float: return x",
        ],
        expect![[r#"
            def f(x): return x           def f(x) {return x}
            def f(x): y = x; return y;   def f(x) {y = x; return y}
            def f(x):\n    return x      def f(x) {return x}
            def f(x):\n y = x\n return y\na def f(x) {y = x; return y}; a
            def f(x):\n\n  # why\n\n    y = x\n  # less deep\n    return y\n\na def f(x) {y = x; return y}; a
            def f(x): # why\n  return x\na def f(x) {return x}; a
            def f(x):\n\treturn x\na     def f(x) {return x}; a
            def f(x):\n  def g(y):\n    return y\n  return g(x)\na def f(x) {def g(y) {return y}; return g(x)}; a
            def f(x):\n  def g(y):\n    return y\na def f(x) {def g(y) {return y}}; a
            def f(x):\n  def g(y): return y\n  return g(x) def f(x) {def g(y) {return y}; return g(x)}
            def f(x): return x\ndef g(x): return x def f(x) {return x}; def g(x) {return x}
            def f(x):\n    \'doc\'       def f(x) {pass}
            def f(x):\n  return x\n\n    def f(x) {return x}
            def f(x):\n  return x\n        # deeper\n\n       def f(x) {return x}
            def f(x):\n  return x;\n     def f(x) {return x}
            def f(x: float = 1,\n  k=2) -> float: return x def f(x=1, k=2) {return x}
        "#]],
    );
}

#[test]
fn the_first_line_sets_the_indentation() {
    check(
        &[
            "\n    x = a\n    y = b\n    x",
            "    x = a\n    y = b",
            "\n  def f(x):\n    return x\n  f(a)\n",
            "x = a\n       return x",
            "x = a\n       y = b\n       return x",
            "x = a # why\n\n       # more\n       return x",
            "def f(x):\n           return x\n       return f(a)",
            "def f(x):\n      def g(y):\n         return y\n      return g(x)\n   f(a)\n   f(b)",
            "def f(x): return x\n    f(a)\n    f(b)",
            "x = f(a,\n      b)\n   return x",
            "\\\n    x = a\n    y",
            "def f(x):\n\\\n  y = x\n  return y",
            "def f(x):\n  \\\n    y = x\n  return y",
            "x = a\n    -b",
        ],
        expect![[r#"
            \n    x = a\n    y = b\n    x x = a; y = b; x
                x = a\n    y = b         x = a; y = b
            \n  def f(x):\n    return x\n  f(a)\n def f(x) {return x}; f(a)
            x = a\n       return x       x = a; return x
            x = a\n       y = b\n       return x x = a; y = b; return x
            x = a # why\n\n       # more\n       return x x = a; return x
            def f(x):\n           return x\n       return f(a) def f(x) {return x}; return f(a)
            def f(x):\n      def g(y):\n         return y\n      return g(x)\n   f(a)\n   f(b) def f(x) {def g(y) {return y}; return g(x)}; f(a); f(b)
            def f(x): return x\n    f(a)\n    f(b) def f(x) {return x}; f(a); f(b)
            x = f(a,\n      b)\n   return x x = f(a, b); return x
            \\\n    x = a\n    y         x = a; y
            def f(x):\n\\\n  y = x\n  return y def f(x) {y = x; return y}
            def f(x):\n  \\\n    y = x\n  return y def f(x) {y = x; return y}
            x = a\n    -b                x = (a - b)
        "#]],
    );
}

#[test]
fn tabs() {
    check(
        &[
            "def f(x):\n\ty = x\n\treturn y\na",
            "def f(x):\n  \ty = x\n  \treturn y",
            "def f(x):\n \t def g(y):\n \t \treturn y\n \t return x",
            "def f(x):\n\t# why\n        y = x\n        return y",
            "def f(x):\n\ty = (\n        x)\n\treturn y",
        ],
        expect![[r#"
            def f(x):\n\ty = x\n\treturn y\na def f(x) {y = x; return y}; a
            def f(x):\n  \ty = x\n  \treturn y def f(x) {y = x; return y}
            def f(x):\n \t def g(y):\n \t \treturn y\n \t return x def f(x) {def g(y) {return y}; return x}
            def f(x):\n\t# why\n        y = x\n        return y def f(x) {y = x; return y}
            def f(x):\n\ty = (\n        x)\n\treturn y def f(x) {y = x; return y}
        "#]],
    );
}

#[test]
fn wrong_indentation() {
    check_errors(
        &[
            "\na\n  b",
            "a\nb\n  c",
            "\nx = a\n    y = b\n",
            "\ndef f(x):\n  y = x\n    return y",
            "\na\n  not b",
            "\na\n  1",
            "\na\n  .5",
            "\na;\n  -b",
            "\nreturn\n  -b",
            "\n  a\nb",
            "  a\n b",
            "x = a\n    y = b\n  z = c",
            "\ndef f(x):\n    y = x\n  return y",
            "\n  def f(x):\n    y = x\n return y",
            "def f(x):\nreturn x",
            "def f(x):\n",
            "def f(x):",
            "def f(x): # why\n\n# more\n",
            "def f(x):\n  def g(x):\n  return x",
            "def f(x):\n  def g(x):\nreturn x",
            "def f(x): def g(y): return y",
            "\ndef f(x):\n        y = x\n\treturn y",
            "\ndef f(x):\n\ty = x\n        return y",
            "\n        a\n\tb",
            "\ndef f(x):\n\tdef g(x):\n    return x",
            "def f(x):\n  return x +\ny = 2",
        ],
        expect![[r#"
            \na\n  b                                 unexpected indentation: 3..5 `  `
            a\nb\n  c                                unexpected indentation: 4..6 `  `
            \nx = a\n    y = b\n                     unexpected indentation: 7..11 `    `
            \ndef f(x):\n  y = x\n    return y       unexpected indentation: 19..23 `    `
            \na\n  not b                             unexpected indentation: 3..5 `  `
            \na\n  1                                 unexpected indentation: 3..5 `  `
            \na\n  .5                                unexpected indentation: 3..5 `  `
            \na;\n  -b                               unexpected indentation: 4..6 `  `
            \nreturn\n  -b                           unexpected indentation: 8..10 `  `
            \n  a\nb                                 the indentation is that of no open block: 5..6 `b`
              a\n b                                  the indentation is that of no open block: 4..5 ` `
            x = a\n    y = b\n  z = c                the indentation is that of no open block: 16..18 `  `
            \ndef f(x):\n    y = x\n  return y       the indentation is that of no open block: 21..23 `  `
            \n  def f(x):\n    y = x\n return y      the indentation is that of no open block: 23..24 ` `
            def f(x):\nreturn x                      expected an indented block: 10..16 `return`
            def f(x):\n                              expected an indented block: 9..9 ``
            def f(x):                                expected an indented block: 9..9 ``
            def f(x): # why\n\n# more\n              expected an indented block: 9..9 ``
            def f(x):\n  def g(x):\n  return x       expected an indented block: 24..30 `return`
            def f(x):\n  def g(x):\nreturn x         expected an indented block: 22..28 `return`
            def f(x): def g(y): return y             expected an operand, found the keyword `def`: 10..13 `def`
            \ndef f(x):\n        y = x\n\treturn y   tabs and spaces are mixed in the indentation: 25..26 `\t`
            \ndef f(x):\n\ty = x\n        return y   tabs and spaces are mixed in the indentation: 18..26 `        `
            \n        a\n\tb                         tabs and spaces are mixed in the indentation: 11..12 `\t`
            \ndef f(x):\n\tdef g(x):\n    return x   tabs and spaces are mixed in the indentation: 22..26 `    `
            def f(x):\n  return x +\ny = 2           expected an operand, found the end of the line: 22..22 ``
        "#]],
    );
}

#[test]
fn misplaced_ends() {
    check_errors(
        &[
            ";",
            "a;;b",
            "; a",
            "a\n;b",
            "a b\nc",
            "a if b\nc",
            "a +",
            "a +\n",
            "x =",
            "x = ;",
            "return *",
            "return * 2",
            "pass = 1",
            "def f(x)",
            "def f(x)\n  return x",
            "def f(x) return x",
            "def f(x) -> float\n  return x",
            "def f\n",
            "def f:",
            "def\nf(x): return x",
            "def f(x",
            "def f(x y): return x",
            "def f(1): return x",
            "def f(x=): return x",
            "x:",
            "x:\ny",
            "x: float y",
            "x: float:",
            "f(a,\nb\nx = 2",
            "a[1\nb = 2",
            "(a, b",
            "a[1",
            "a[1:",
            "a[",
            "(a]",
            "f(a[1)",
            "a[(1]",
            "a[]",
            "a[1 2]",
            "a[1:2:3:4]",
            "a[,]",
            "a[1,,2]",
            "a.1",
            "a.(b)",
            "a..b",
            "a b \\ c",
            "a \\ \nb",
            "'doc",
            "'''doc\n\n",
            "'doc\n'",
            "x = r'\\'",
        ],
        expect![[r#"
            ;                                        expected an operand, found `;`: 0..1 `;`
            a;;b                                     expected an operand, found `;`: 2..3 `;`
            ; a                                      expected an operand, found `;`: 0..1 `;`
            a\n;b                                    expected an operand, found `;`: 2..3 `;`
            a b\nc                                   expected an operator or the end, found the name `b`: 2..3 `b`
            a if b\nc                                expected `else`, found the end of the line: 6..6 ``
            a +                                      expected an operand, found the end: 3..3 ``
            a +\n                                    expected an operand, found the end: 3..3 ``
            x =                                      expected an operand, found the end: 3..3 ``
            x = ;                                    expected an operand, found `;`: 4..5 `;`
            return *                                 expected an operand or the end, found `*`: 7..8 `*`
            return * 2                               starred arguments, parameters and targets are not supported: 7..8 `*`
            pass = 1                                 `pass` is a reserved word of Python: 0..4 `pass`
            def f(x)                                 expected `:`, found the end: 8..8 ``
            def f(x)\n  return x                     expected `:`, found the end of the line: 8..8 ``
            def f(x) return x                        expected `:`, found the keyword `return`: 9..15 `return`
            def f(x) -> float\n  return x            expected `:`, found the end of the line: 17..17 ``
            def f\n                                  expected `(`, found the end: 5..5 ``
            def f:                                   expected `(`, found `:`: 5..6 `:`
            def\nf(x): return x                      expected a name, found the end of the line: 3..3 ``
            def f(x                                  this `(` is never closed: 5..6 `(`
            def f(x y): return x                     expected `,` or `)`, found the name `y`: 8..9 `y`
            def f(1): return x                       expected a name or `)`, found the number `1`: 6..7 `1`
            def f(x=): return x                      expected an operand, found `)`: 8..9 `)`
            x:                                       expected an operand, found the end: 2..2 ``
            x:\ny                                    expected an operand, found the end of the line: 2..2 ``
            x: float y                               expected an operator or the end, found the name `y`: 9..10 `y`
            x: float:                                expected an operator or the end, found `:`: 8..9 `:`
            f(a,\nb\nx = 2                           expected an operator, `,` or `)`, found the name `x`: 7..8 `x`
            a[1\nb = 2                               expected an operator, `,`, `:` or `]`, found the name `b`: 4..5 `b`
            (a, b                                    this `(` is never closed: 0..1 `(`
            a[1                                      this `[` is never closed: 1..2 `[`
            a[1:                                     this `[` is never closed: 1..2 `[`
            a[                                       expected an operand or `:`, found the end: 2..2 ``
            (a]                                      `]` cannot close `(`: 2..3 `]`
            f(a[1)                                   `)` cannot close `[`: 5..6 `)`
            a[(1]                                    `]` cannot close `(`: 4..5 `]`
            a[]                                      expected an operand or `:`, found `]`: 2..3 `]`
            a[1 2]                                   expected an operator, `,`, `:` or `]`, found the number `2`: 4..5 `2`
            a[1:2:3:4]                               expected an operator, `,` or `]`, found `:`: 7..8 `:`
            a[,]                                     expected an operand or `:`, found `,`: 2..3 `,`
            a[1,,2]                                  expected an operand, `:` or `]`, found `,`: 4..5 `,`
            a.1                                      expected an operator or the end, found the number `.1`: 1..3 `.1`
            a.(b)                                    expected a name, found `(`: 2..3 `(`
            a..b                                     expected a name, found `.`: 2..3 `.`
            a b \\ c                                 expected an operator or the end, found the name `b`: 2..3 `b`
            a \\ \nb                                 unexpected character `\`: 2..3 `\\`
            \'doc                                    this string is never closed: 0..4 `\'doc`
            \'\'\'doc\n\n                            this string is never closed: 0..8 `\'\'\'doc\n\n`
            \'doc\n\'                                this string is never closed: 0..4 `\'doc`
            x = r\'\\\'                              this string is never closed: 4..8 `r\'\\\'`
        "#]],
    );
}

#[test]
fn blocks_count_as_nesting() {
    let limits = Limits { max_nesting: 3, ..Limits::default() };
    let nested = |n: usize, statement: &str| {
        let headers: String = (0..n).map(|depth| format!("{:depth$}def f(x):\n", "")).collect();
        format!("{headers}{:n$}{statement}", "")
    };
    assert!(parse(&nested(3, "x"), &limits).is_ok());
    assert!(parse(&nested(2, "-x; -x; (x)\n- - -x"), &limits).is_ok());
    for (n, statement) in [(4, "x"), (3, "-x"), (3, "(x)"), (2, "x[(x)]"), (2, "- - x"), (1, "x[y[z[1]]]")] {
        let error = parse(&nested(n, statement), &limits).map(|ast| ast.to_text()).expect_err(statement);
        assert_eq!(error.kind(), &ErrorKind::TooDeep { limit: 3 }, "{statement}");
    }
}

#[test]
fn statements_that_seem_to_go_on() {
    check_errors(
        &[
            "x = a\n*y, z = b",
            "x = a\n@f\ndef g(x): return x",
            "x = a\nin b",
            "x = a if b\nelse c: d",
            "x = a if b\nelse: d",
            "x = a\nelse:\n    y = 2",
            "x = a\nelif b:\n    y = 2",
            "x = a\nelse if b:\n    y = 2",
            "x = a\nelse y",
            "x = a\nif b",
            "x = a\nif b\ny = 2",
            "x = a\nif b\n(c) + d",
            "x = a\nif b c else d",
            "x = a\nif b\nif c\nelse d",
            "\nx = a\n  if b: c",
        ],
        expect![[r#"
            x = a\n*y, z = b                         starred arguments, parameters and targets are not supported: 6..7 `*`
            x = a\n@f\ndef g(x): return x            decorators are not supported: 6..7 `@`
            x = a\nin b                              tests with `in` are not supported: 6..8 `in`
            x = a if b\nelse c: d                    expected an operator or the end, found `:`: 17..18 `:`
            x = a if b\nelse: d                      expected `else`, found the end of the line: 10..10 ``
            x = a\nelse:\n    y = 2                  this `else` belongs to no `if` and no loop: 6..10 `else`
            x = a\nelif b:\n    y = 2                this `elif` belongs to no `if`: 6..10 `elif`
            x = a\nelse if b:\n    y = 2             this `else` belongs to no `if` and no loop: 6..10 `else`
            x = a\nelse y                            this `else` belongs to no `if` and no loop: 6..10 `else`
            x = a\nif b                              expected an operator or `:`, found the end: 10..10 ``
            x = a\nif b\ny = 2                       expected an operator or `:`, found the end of the line: 10..10 ``
            x = a\nif b\n(c) + d                     expected an operator or `:`, found the end of the line: 10..10 ``
            x = a\nif b c else d                     expected an operator or `else`, found the name `c`: 11..12 `c`
            x = a\nif b\nif c\nelse d                expected an operator or `:`, found the end: 22..22 ``
            \nx = a\n  if b: c                       unexpected indentation: 7..9 `  `
        "#]],
    );
}
