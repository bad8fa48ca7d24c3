//! Branches and loops: what they consist of, which block an `else` belongs to, and what is wrong.

use expect_test::{Expect, expect};

use super::language::{ast, check, grouped};
use crate::{ErrorKind, ExprKind, Limits, StmtKind, parse};

/// A table of texts and their errors, with the part of the text that each points at.
fn check_errors(texts: &[&str], expected: Expect) {
    let table: String = texts
        .iter()
        .map(|text| {
            let error = parse(text, &Limits::default()).map(|ast| ast.to_text()).expect_err(text);
            let place = error.span().text(text).escape_debug().to_string();
            format!("{:<44} {error}: {} `{place}`\n", text.escape_debug().to_string(), error.span())
        })
        .collect();
    expected.assert_eq(&table);
}

fn check_drawn(texts: &[&str], expected: Expect) {
    let drawn: Vec<_> = texts
        .iter()
        .map(|text| {
            let error = parse(text, &Limits::default()).map(|ast| ast.to_text()).expect_err(text);
            error.to_diagnostic().render(text)
        })
        .collect();
    expected.assert_eq(&drawn.join("\n"));
}

#[test]
fn branches() {
    check(
        &[
            "if a: b",
            "if a: x = b; y = c",
            "if a: x = b;\n",
            "if a:\n  b",
            "if a:\n  x = b\n  y = c\nz",
            "if a: b\nelse: c",
            "if a:\n  b\nelse:\n  c\nd",
            "if a: b\nelse:\n  c",
            "if a:\n  b\nelse: c",
            "if a: b\nelif c: d",
            "if a: b\nelif c: d\nelse: e",
            "if a:\n  b\nelif c:\n  d\nelif e:\n  f\nelse:\n  g\nh",
            "if a: b\nelse:\n  if c: d",
            "if a: b\nelse:\n  if c: d\n  e",
            "if a: b\nif c: d\nelse: e",
            "if a: pass",
            "if a: return b",
            "if a:\n  \'doc\'",
            "if a: x: float",
            "if a: x: float = b",
            "if (a, b): c",
            "if not a: b",
            "if -a: b",
            "if(a):b\nelse:c",
            "if a[1:2] > (0): b",
            "if 0 < a <= 1 and b or c: d",
            "if a:\n  def f(x): return x\n  f(b)",
        ],
        expect![[r#"
            if a: b                      if a {b}
            if a: x = b; y = c           if a {x = b; y = c}
            if a: x = b;\n               if a {x = b}
            if a:\n  b                   if a {b}
            if a:\n  x = b\n  y = c\nz   if a {x = b; y = c}; z
            if a: b\nelse: c             if a {b} else {c}
            if a:\n  b\nelse:\n  c\nd    if a {b} else {c}; d
            if a: b\nelse:\n  c          if a {b} else {c}
            if a:\n  b\nelse: c          if a {b} else {c}
            if a: b\nelif c: d           if a {b} else {if c {d}}
            if a: b\nelif c: d\nelse: e  if a {b} else {if c {d} else {e}}
            if a:\n  b\nelif c:\n  d\nelif e:\n  f\nelse:\n  g\nh if a {b} else {if c {d} else {if e {f} else {g}}}; h
            if a: b\nelse:\n  if c: d    if a {b} else {if c {d}}
            if a: b\nelse:\n  if c: d\n  e if a {b} else {if c {d}; e}
            if a: b\nif c: d\nelse: e    if a {b}; if c {d} else {e}
            if a: pass                   if a {pass}
            if a: return b               if a {return b}
            if a:\n  \'doc\'             if a {pass}
            if a: x: float               if a {pass}
            if a: x: float = b           if a {x = b}
            if (a, b): c                 if <a, b> {c}
            if not a: b                  if (not a) {b}
            if -a: b                     if (-a) {b}
            if(a):b\nelse:c              if a {b} else {c}
            if a[1:2] > (0): b           if ((a[1:2:]) > 0) {b}
            if 0 < a <= 1 and b or c: d  if (((0 < a <= 1) and b) or c) {d}
            if a:\n  def f(x): return x\n  f(b) if a {def f(x) {return x}; f(b)}
        "#]],
    );
}

#[test]
fn loops() {
    check(
        &[
            "while a: b",
            "while True: pass",
            "while 1:\n  x += 1\n  if x > 9: break",
            "while a:\n  b\nelse:\n  c\nd",
            "for i in range(3): x += i",
            "for i in range(a, b):\n  x\n  y",
            "for i in range(a, -1, -1,):\n  continue\nelse: y",
            "for (i) in (range(n)): pass",
            "for ((i)) in range(n): pass",
            "for i in range(n.m[0], f(a), b if c else d): pass",
            "for i in range(\n  3\n): pass",
            "for range in range(3): pass",
            "for é in range(3): é",
            "for i in range(3):\n  for j in range(i):\n    if j: break\n    else: continue\n  else: pass\nelse: k",
            "while a:\n  while b: break\n  else: break",
            "while a:\n  if b: continue\n  elif c: break; d\n  else:\n    break",
            "while a:\n  def f(x):\n    while x: break\n    return x\n  break",
            "def f(x):\n  while x:\n    if x: return 1\n  return 2",
        ],
        expect![[r#"
            while a: b                   while a {b}
            while True: pass             while true {pass}
            while 1:\n  x += 1\n  if x > 9: break while 1 {x += 1; if (x > 9) {break}}
            while a:\n  b\nelse:\n  c\nd while a {b} else {c}; d
            for i in range(3): x += i    for i in range(3) {x += i}
            for i in range(a, b):\n  x\n  y for i in range(a, b) {x; y}
            for i in range(a, -1, -1,):\n  continue\nelse: y for i in range(a, (-1), (-1)) {continue} else {y}
            for (i) in (range(n)): pass  for i in range(n) {pass}
            for ((i)) in range(n): pass  for i in range(n) {pass}
            for i in range(n.m[0], f(a), b if c else d): pass for i in range(((n.m)[0]), f(a), (b if c else d)) {pass}
            for i in range(\n  3\n): pass for i in range(3) {pass}
            for range in range(3): pass  for range in range(3) {pass}
            for é in range(3): é         for é in range(3) {é}
            for i in range(3):\n  for j in range(i):\n    if j: break\n    else: continue\n  else: pass\nelse: k for i in range(3) {for j in range(i) {if j {break} else {continue}} else {pass}} else {k}
            while a:\n  while b: break\n  else: break while a {while b {break} else {break}}
            while a:\n  if b: continue\n  elif c: break; d\n  else:\n    break while a {if b {continue} else {if c {break; d} else {break}}}
            while a:\n  def f(x):\n    while x: break\n    return x\n  break while a {def f(x) {while x {break}; return x}; break}
            def f(x):\n  while x:\n    if x: return 1\n  return 2 def f(x) {while x {if x {return 1}}; return 2}
        "#]],
    );
}

/// The word is an operator in an expression, and begins a statement.
#[test]
fn conditional_values_beside_branches() {
    check(
        &[
            "if a if b else c: d",
            "if a: x = b if c else d\nelse: e if f else g",
            "while a if b else c: x = d if e else f",
            "x = a\nif a if b else c: d",
            "x = a\nif b: c",
            "x = a\nif b[1:]: c",
            "x = a\nif (b\n if c else d): e",
            "x = a\nif b and\\\n  c: d",
            "x = a\nif b and\n  c: d",
            "x = a\nif b == (\n  c): d",
            "x = a\nif b\nelse c",
            "x = a\nif b else c",
            "x = a\nif b else\nc",
            "x = a\nif b and\nc\nelse d",
            "x = a\nif b\n  .c\n  [1]\nelse d",
            "x = a\n  if b\n  else c\ny",
            "x = a if b\nelse c\nif d: e",
            "x = a\nif b else c; y: float = d",
            "x = a\nif b\nelse c if d\nelse e",
            "x = a\nif b else c\nif d else e",
            "if a:\n  x = b\n  if c else d\nelse: e",
            "if a:\n  x = b\n  if c: d\nelse: e",
            "if a:\n  x = b\n  if c: d\n  else: e",
            "if a: x = b\n  if c else d",
            "if a: x = b if c\n  else d\nelse: e",
            "pass\nif a: b",
            "return\nif a: b",
            "x,\nif a: b",
            "x;\nif a: b",
            "\'doc\'\nif a: b",
            "x = (a\nif b\nelse c)\nif d: e",
            "f(a)\nif b:\n  c",
            "if a: b\nif c: d",
        ],
        expect![[r#"
            if a if b else c: d          if (a if b else c) {d}
            if a: x = b if c else d\nelse: e if f else g if a {x = (b if c else d)} else {(e if f else g)}
            while a if b else c: x = d if e else f while (a if b else c) {x = (d if e else f)}
            x = a\nif a if b else c: d   x = a; if (a if b else c) {d}
            x = a\nif b: c               x = a; if b {c}
            x = a\nif b[1:]: c           x = a; if (b[1::]) {c}
            x = a\nif (b\n if c else d): e x = a; if (b if c else d) {e}
            x = a\nif b and\\\n  c: d    x = a; if (b and c) {d}
            x = a\nif b and\n  c: d      x = a; if (b and c) {d}
            x = a\nif b == (\n  c): d    x = a; if (b == c) {d}
            x = a\nif b\nelse c          x = (a if b else c)
            x = a\nif b else c           x = (a if b else c)
            x = a\nif b else\nc          x = (a if b else c)
            x = a\nif b and\nc\nelse d   x = (a if (b and c) else d)
            x = a\nif b\n  .c\n  [1]\nelse d x = (a if ((b.c)[1]) else d)
            x = a\n  if b\n  else c\ny   x = (a if b else c); y
            x = a if b\nelse c\nif d: e  x = (a if b else c); if d {e}
            x = a\nif b else c; y: float = d x = (a if b else c); y = d
            x = a\nif b\nelse c if d\nelse e x = (a if b else (c if d else e))
            x = a\nif b else c\nif d else e x = (a if b else (c if d else e))
            if a:\n  x = b\n  if c else d\nelse: e if a {x = (b if c else d)} else {e}
            if a:\n  x = b\n  if c: d\nelse: e if a {x = b; if c {d}} else {e}
            if a:\n  x = b\n  if c: d\n  else: e if a {x = b; if c {d} else {e}}
            if a: x = b\n  if c else d   if a {x = (b if c else d)}
            if a: x = b if c\n  else d\nelse: e if a {x = (b if c else d)} else {e}
            pass\nif a: b                pass; if a {b}
            return\nif a: b              return; if a {b}
            x,\nif a: b                  <x>; if a {b}
            x;\nif a: b                  x; if a {b}
            \'doc\'\nif a: b             pass; if a {b}
            x = (a\nif b\nelse c)\nif d: e x = (a if b else c); if d {e}
            f(a)\nif b:\n  c             f(a); if b {c}
            if a: b\nif c: d             if a {b}; if c {d}
        "#]],
    );
}

#[test]
fn blocks() {
    check(
        &[
            "if a: # why\n  # deeper\n\n  b\n # less deep\n\n# more\nelse: # why not\n\n  c",
            "if a:\n\tb\nelse:\n\tc",
            "\n    if a:\n        b\n    else:\n        c\n    d\n",
            "if a:\n       b\n    else:\n       c\n    d",
            "if a: b\n    else: c\n    d",
            "x = a\n    if b:\n      c\n    elif d: e",
            "while a:\n      b\n   else:\n      c",
            "if a:\n  if b:\n    c\nelse:\n  d",
            "if a:\n  if b:\n    c\n  else:\n    d",
            "if a:\n  for i in range(2):\n    b\nelse:\n  c",
            "if a:\n  while b:\n    if c:\n      d\ne",
            "for i in range(2):\n    b\n\n\nelse:\n    c\n\n",
            "if \\\n  a \\\n  : \\\n  b",
            "if a: \\\n  b",
            "if (a\n  and b): c",
            "if a\nand b: c",
            "if a and\nb: c",
            "for i\nin range(2): a",
            "if a:\n  b\n-c",
            "if a:\n  b;\n  c; d;\nelse: e;",
            "if a: pass\nelse: pass\nif b: pass\nelse: pass",
            "if a: x = b,\nelse: x = c,",
        ],
        expect![[r#"
            if a: # why\n  # deeper\n\n  b\n # less deep\n\n# more\nelse: # why not\n\n  c if a {b} else {c}
            if a:\n\tb\nelse:\n\tc       if a {b} else {c}
            \n    if a:\n        b\n    else:\n        c\n    d\n if a {b} else {c}; d
            if a:\n       b\n    else:\n       c\n    d if a {b} else {c}; d
            if a: b\n    else: c\n    d  if a {b} else {c}; d
            x = a\n    if b:\n      c\n    elif d: e x = a; if b {c} else {if d {e}}
            while a:\n      b\n   else:\n      c while a {b} else {c}
            if a:\n  if b:\n    c\nelse:\n  d if a {if b {c}} else {d}
            if a:\n  if b:\n    c\n  else:\n    d if a {if b {c} else {d}}
            if a:\n  for i in range(2):\n    b\nelse:\n  c if a {for i in range(2) {b}} else {c}
            if a:\n  while b:\n    if c:\n      d\ne if a {while b {if c {d}}}; e
            for i in range(2):\n    b\n\n\nelse:\n    c\n\n for i in range(2) {b} else {c}
            if \\\n  a \\\n  : \\\n  b   if a {b}
            if a: \\\n  b                if a {b}
            if (a\n  and b): c           if (a and b) {c}
            if a\nand b: c               if (a and b) {c}
            if a and\nb: c               if (a and b) {c}
            for i\nin range(2): a        for i in range(2) {a}
            if a:\n  b\n-c               if a {b}; (-c)
            if a:\n  b;\n  c; d;\nelse: e; if a {b; c; d} else {e}
            if a: pass\nelse: pass\nif b: pass\nelse: pass if a {pass} else {pass}; if b {pass} else {pass}
            if a: x = b,\nelse: x = c,   if a {x = <b>} else {x = <c>}
        "#]],
    );
}

#[test]
fn dump() {
    let text =
        "if a > 0:\n  b\nelif c: pass\nelse:\n  for i in range(3, n):\n    continue\n  else: d\nwhile True: break";
    expect![[r#"
        if @0..79
          compare gt @3..8
            name a @3..4
            int 0 @7..8
          expr @12..13
            name b @12..13
        else
          if @14..79
            name c @19..20
            pass @22..26
          else
            for i @35..79
              call range @44..55
                int 3 @50..51
                name n @53..54
              continue @61..69
            else
              expr @78..79
                name d @78..79
        while @80..97
          bool true @86..90
          break @92..97
    "#]]
    .assert_eq(&ast(text).dump());
}

#[test]
fn spans() {
    let text = "\nif (a): # why\n  x = b ;\nelif c:\n  for ( i ) in (range(2)):\n    break ; # why\n  else: y\nelse:\n  pass ; z\n# end\n";
    let ast = ast(text);
    let stmts: Vec<_> = ast.stmts().map(|(_, stmt)| (stmt.span.text(text), stmt.exprs.clone())).collect();
    let elif = "elif c:\n  for ( i ) in (range(2)):\n    break ; # why\n  else: y\nelse:\n  pass ; z";
    assert_eq!(
        stmts,
        [
            ("x = b", 1..3),
            ("break", 6..6),
            ("y", 6..7),
            ("for ( i ) in (range(2)):\n    break ; # why\n  else: y", 4..6),
            ("pass", 7..7),
            ("z", 7..8),
            (elif, 3..4),
            (text[1..].trim_end_matches("\n# end\n"), 0..1),
        ],
    );
    let Some(StmtKind::For { name, name_span, range, .. }) =
        ast.stmts().map(|(_, stmt)| &stmt.kind).find(|kind| matches!(kind, StmtKind::For { .. }))
    else {
        panic!("a loop")
    };
    assert_eq!((ast.name(*name), name_span.text(text), ast[*range].span.text(text)), ("i", "i", "range(2)"));
    assert_eq!(ast.names().collect::<Vec<_>>(), ["a", "x", "b", "c", "i", "range", "y", "z"]);
    let n_moved = 7;
    let moved = ast.clone().moved(n_moved);
    for ((_, stmt), (_, other)) in ast.stmts().zip(moved.stmts()) {
        assert_eq!(stmt.span.moved(n_moved), other.span);
        if let (StmtKind::For { name_span, .. }, StmtKind::For { name_span: other, .. }) = (&stmt.kind, &other.kind) {
            assert_eq!(name_span.moved(n_moved), *other);
        }
    }
}

/// What is between `for` and `in` is read as an expression first.
#[test]
fn the_target_of_a_loop_is_no_expression() {
    let ast = ast("x = a\nfor i in range(x): i");
    let exprs: Vec<_> = ast.exprs().map(|(_, expr)| expr.kind.clone()).collect();
    assert!(matches!(
        exprs[..],
        [ExprKind::Name(_), ExprKind::Name(_), ExprKind::Name(_), ExprKind::Call { .. }, ExprKind::Name(_)]
    ));
}

#[test]
fn printing() {
    let texts = [
        "if a:b",
        "if(a,):b;c",
        "if a:b\nelse:c",
        "if a:b\nelif c:d\nelse:e",
        "if a:b\nelse:\n if c:d",
        "if a:b\nelse:\n if c:d\n e",
        "while(True):\n x+=1;break",
        "while a:\n if b:continue\n else:\n  for i in range(1,2):pass\n  else:d\nelse:e\nf",
        "for(i)in(range(3)):\'doc\'",
        "if a if b else c:d",
    ];
    let table: String = texts.iter().map(|text| format!("{text:?}\n{}\n\n", ast(text).to_text())).collect();
    expect![[r#"
        "if a:b"
        if a:
            b

        "if(a,):b;c"
        if (a,):
            b
            c

        "if a:b\nelse:c"
        if a:
            b
        else:
            c

        "if a:b\nelif c:d\nelse:e"
        if a:
            b
        elif c:
            d
        else:
            e

        "if a:b\nelse:\n if c:d"
        if a:
            b
        elif c:
            d

        "if a:b\nelse:\n if c:d\n e"
        if a:
            b
        else:
            if c:
                d
            e

        "while(True):\n x+=1;break"
        while True:
            x += 1
            break

        "while a:\n if b:continue\n else:\n  for i in range(1,2):pass\n  else:d\nelse:e\nf"
        while a:
            if b:
                continue
            else:
                for i in range(1, 2):
                    pass
                else:
                    d
        else:
            e
        f

        "for(i)in(range(3)):'doc'"
        for i in range(3):
            pass

        "if a if b else c:d"
        if a if b else c:
            d

    "#]]
    .assert_eq(&table);
}

/// An `elif` and an `if` alone in an `else` are one.
#[test]
fn elif_is_else_if() {
    assert_eq!(
        grouped("if a: b\nelif c: d\nelif e: f\nelse: g"),
        grouped("if a: b\nelse:\n  if c: d\n  else:\n    if e: f\n    else: g"),
    );
}

#[test]
fn wrong_branches() {
    check_errors(
        &[
            "if",
            "if:",
            "if :\n  a",
            "if a",
            "if a\n  b",
            "if a b: c",
            "if a = b: c",
            "if a += b: c",
            "if a, b: c",
            "if a then: b",
            "if a; b",
            "if a:",
            "if a:\n",
            "if a:\nb",
            "if a:\n  if b:\n  c",
            "if a: b\nelse:",
            "if a: b\nelse:\nc",
            "if a: b\nelse",
            "if a: b\nelse\n  c",
            "if a: b\nelse c",
            "if a: b\nelse if c: d",
            "while a: b\nelse if c: d",
            "def f() if a: b",
            "a if b else if c else d",
            "a if b else\nif c: d",
            "x[if a]",
            "if a:\n  b\nelse if c:\n  d",
            "if a: b\nelse c: d",
            "if a: b\nelif",
            "if a: b\nelif:",
            "if a: b\nelif c",
            "if a: b\nelif c\n  d",
            "if a: b else: c",
            "if a: b; else: c",
            "if a: b elif c: d",
            "if a: if b: c",
            "if a: while b: c",
            "if a: for i in range(2): c",
            "if a: def f(): pass",
            "if a: else: b",
            "x; if a: b",
            "x = if a: b",
            "else: a",
            "else",
            "elif a: b",
            "x = a\nelse: b",
            "x = a\nelif b: c",
            "def f(): a\nelse: b",
            "while a: b\nelif c: d",
            "for i in range(2): b\nelif c: d",
            "if a: b\nelse: c\nelse: d",
            "if a: b\nelse: c\nelif d: e",
            "if a: b\nc\nelse: d",
            "\nif a:\n  b\n  else: c",
            "\nif a:\n  b\n    else: c",
            "\nif a:\n    b\n  else: c",
            "\n  if a:\n    b\nelse: c",
            "if a:\n  if b: c\n    else: d",
            "if a:\n\tb\n        c",
            "if a: b\n)",
            "if\na: b",
            "if a\n: b",
            "if (a: b",
            "(if a: b)",
            "x + if",
            "if = 1",
            "elif = 1",
            "else = 1",
        ],
        expect![[r#"
            if                                           expected an operand, found the end: 2..2 ``
            if:                                          expected an operand, found `:`: 2..3 `:`
            if :\n  a                                    expected an operand, found `:`: 3..4 `:`
            if a                                         expected an operator or `:`, found the end: 4..4 ``
            if a\n  b                                    expected an operator or `:`, found the end of the line: 4..4 ``
            if a b: c                                    expected an operator or `:`, found the name `b`: 5..6 `b`
            if a = b: c                                  expected an operator or `:`, found `=`: 5..6 `=`
            if a += b: c                                 expected an operator or `:`, found `+=`: 5..7 `+=`
            if a, b: c                                   expected an operator or `:`, found `,`: 4..5 `,`
            if a then: b                                 expected an operator or `:`, found the name `then`: 5..9 `then`
            if a; b                                      expected an operator or `:`, found `;`: 4..5 `;`
            if a:                                        expected an indented block: 5..5 ``
            if a:\n                                      expected an indented block: 5..5 ``
            if a:\nb                                     expected an indented block: 6..7 `b`
            if a:\n  if b:\n  c                          expected an indented block: 16..17 `c`
            if a: b\nelse:                               expected an indented block: 13..13 ``
            if a: b\nelse:\nc                            expected an indented block: 14..15 `c`
            if a: b\nelse                                expected `:`, found the end: 12..12 ``
            if a: b\nelse\n  c                           expected `:`, found the end of the line: 12..12 ``
            if a: b\nelse c                              expected `:`, found the name `c`: 13..14 `c`
            if a: b\nelse if c: d                        `else if` is one word: 8..15 `else if`
            while a: b\nelse if c: d                     `else if` is one word: 11..18 `else if`
            def f() if a: b                              expected `:`, found the keyword `if`: 8..10 `if`
            a if b else if c else d                      expected an operand, found the keyword `if`: 12..14 `if`
            a if b else\nif c: d                         expected an operand, found the keyword `if`: 12..14 `if`
            x[if a]                                      expected an operand or `:`, found the keyword `if`: 2..4 `if`
            if a:\n  b\nelse if c:\n  d                  `else if` is one word: 10..17 `else if`
            if a: b\nelse c: d                           expected `:`, found the name `c`: 13..14 `c`
            if a: b\nelif                                expected an operand, found the end: 12..12 ``
            if a: b\nelif:                               expected an operand, found `:`: 12..13 `:`
            if a: b\nelif c                              expected an operator or `:`, found the end: 14..14 ``
            if a: b\nelif c\n  d                         expected an operator or `:`, found the end of the line: 14..14 ``
            if a: b else: c                              `else` is not at the beginning of a line: 8..12 `else`
            if a: b; else: c                             `else` is not at the beginning of a line: 9..13 `else`
            if a: b elif c: d                            `elif` is not at the beginning of a line: 8..12 `elif`
            if a: if b: c                                expected an operand, found the keyword `if`: 6..8 `if`
            if a: while b: c                             expected an operand, found the keyword `while`: 6..11 `while`
            if a: for i in range(2): c                   expected an operand, found the keyword `for`: 6..9 `for`
            if a: def f(): pass                          expected an operand, found the keyword `def`: 6..9 `def`
            if a: else: b                                `else` is not at the beginning of a line: 6..10 `else`
            x; if a: b                                   expected an operand, found the keyword `if`: 3..5 `if`
            x = if a: b                                  expected an operand, found the keyword `if`: 4..6 `if`
            else: a                                      this `else` belongs to no `if` and no loop: 0..4 `else`
            else                                         this `else` belongs to no `if` and no loop: 0..4 `else`
            elif a: b                                    this `elif` belongs to no `if`: 0..4 `elif`
            x = a\nelse: b                               this `else` belongs to no `if` and no loop: 6..10 `else`
            x = a\nelif b: c                             this `elif` belongs to no `if`: 6..10 `elif`
            def f(): a\nelse: b                          this `else` belongs to no `if` and no loop: 11..15 `else`
            while a: b\nelif c: d                        this `elif` belongs to no `if`: 11..15 `elif`
            for i in range(2): b\nelif c: d              this `elif` belongs to no `if`: 21..25 `elif`
            if a: b\nelse: c\nelse: d                    this `else` belongs to no `if` and no loop: 16..20 `else`
            if a: b\nelse: c\nelif d: e                  this `elif` belongs to no `if`: 16..20 `elif`
            if a: b\nc\nelse: d                          this `else` belongs to no `if` and no loop: 10..14 `else`
            \nif a:\n  b\n  else: c                      this `else` belongs to no `if` and no loop: 13..17 `else`
            \nif a:\n  b\n    else: c                    unexpected indentation: 11..15 `    `
            \nif a:\n    b\n  else: c                    the indentation is that of no open block: 13..15 `  `
            \n  if a:\n    b\nelse: c                    the indentation is that of no open block: 15..19 `else`
            if a:\n  if b: c\n    else: d                unexpected indentation: 16..20 `    `
            if a:\n\tb\n        c                        tabs and spaces are mixed in the indentation: 9..17 `        `
            if a: b\n)                                   this `)` closes nothing: 8..9 `)`
            if\na: b                                     expected an operand, found the end of the line: 2..2 ``
            if a\n: b                                    expected an operator or `:`, found the end of the line: 4..4 ``
            if (a: b                                     expected an operator, `,` or `)`, found `:`: 5..6 `:`
            (if a: b)                                    expected an operand or `)`, found the keyword `if`: 1..3 `if`
            x + if                                       expected an operand, found the keyword `if`: 4..6 `if`
            if = 1                                       `if` is a reserved word of Python: 0..2 `if`
            elif = 1                                     `elif` is a reserved word of Python: 0..4 `elif`
            else = 1                                     `else` is a reserved word of Python: 0..4 `else`
        "#]],
    );
}

#[test]
fn wrong_loops() {
    check_errors(
        &[
            "while",
            "while:",
            "while a",
            "while a\n  b",
            "while a:",
            "while a:\nb",
            "while a = b: c",
            "while a: b; else: c",
            "for",
            "for i",
            "for i:",
            "for i in",
            "for i in:",
            "for i in range(2)",
            "for i in range(2)\n  a",
            "for i in range(2):",
            "for i in range(2):\na",
            "for i range(2): a",
            "for i = range(2): a",
            "for i, in range(2): a",
            "for i, j in range(2): a",
            "for (i, j) in range(2): a",
            "for () in range(2): a",
            "for x[0] in range(2): a",
            "for x.y in range(2): a",
            "for f(x) in range(2): a",
            "for None in range(2): a",
            "for True in range(2): a",
            "for 1 in range(2): a",
            "for -i in range(2): a",
            "for i + j in range(2): a",
            "for i < j in range(2): a",
            "for i if j else k in range(2): a",
            "for while in range(2): a",
            "for in range(2): a",
            "for in in range(2): a",
            "for i in x: a",
            "for i in x[0]: a",
            "for i in x.y: a",
            "for i in x.T.a: a",
            "for i in (x): a",
            "for i in x, y: a",
            "for i in (1, 2, 3): a",
            "for i in 10: a",
            "for i in 1.5: a",
            "for i in -x: a",
            "for i in True: a",
            "for i in a < b: a",
            "for i in a if b else c: a",
            "for i in range: a",
            "for i in enumerate(x): a",
            "for i, v in enumerate(x): a",
            "for v, w in zip(x, y): a",
            "for i in np.arange(3): a",
            "for i in arange(1, n + 1): a",
            "for i in np.arange(3, dtype=int64): a",
            "for i in np.arange(): a",
            "for i in reversed(range(n)): a",
            "for i in reversed(range(n, m)): a",
            "for i in reversed(x): a",
            "for i in len(x): a",
            "for i in np.range(3): a",
            "for i in range(3)[0]: a",
            "for i in range(): a",
            "for i in range(1, 2, 3, 4): a",
            "for i in range(stop=3): a",
            "for i in range(1, step=3): a",
            "for i in range(*x): a",
            "for i in range(3) in range(2): a",
            "break",
            "continue",
            "x = a; break",
            "if a: break",
            "if a:\n  b\nelse:\n  continue",
            "def f(): break",
            "while a:\n  def f(): break",
            "while a:\n  def f():\n    if b:\n      continue\n  break",
            "while a: b\nelse: break",
            "for i in range(2): b\nelse:\n  continue",
            "while a: b\nbreak",
            "while a: break b",
            "while a: continue = 1",
            "while a: b break",
            "while a: b continue; c",
            "for (while) in range(2): a",
            "for [i, j] in range(2): a",
            "for (i in range(2): a",
            "for + in range(2): a",
            "x = (a else: b)",
            "x = (elif a: b)",
            "while a: if b: break",
            "while = 1",
            "for = 1",
            "break = 1",
            "break + 1",
            "continue(1)",
            "x = break",
            "x = while",
            "f(for)",
            "x.for",
            "x.while",
            "f(in=1)",
            "def break(): pass",
            "def f(while): pass",
        ],
        expect![[r#"
            while                                        expected an operand, found the end: 5..5 ``
            while:                                       expected an operand, found `:`: 5..6 `:`
            while a                                      expected an operator or `:`, found the end: 7..7 ``
            while a\n  b                                 expected an operator or `:`, found the end of the line: 7..7 ``
            while a:                                     expected an indented block: 8..8 ``
            while a:\nb                                  expected an indented block: 9..10 `b`
            while a = b: c                               expected an operator or `:`, found `=`: 8..9 `=`
            while a: b; else: c                          `else` is not at the beginning of a line: 12..16 `else`
            for                                          expected a name, found the end: 3..3 ``
            for i                                        expected `in`, found the end: 5..5 ``
            for i:                                       expected `in`, found `:`: 5..6 `:`
            for i in                                     expected an operand, found the end: 8..8 ``
            for i in:                                    expected an operand, found `:`: 8..9 `:`
            for i in range(2)                            expected an operator or `:`, found the end: 17..17 ``
            for i in range(2)\n  a                       expected an operator or `:`, found the end of the line: 17..17 ``
            for i in range(2):                           expected an indented block: 18..18 ``
            for i in range(2):\na                        expected an indented block: 19..20 `a`
            for i range(2): a                            expected `in`, found the name `range`: 6..11 `range`
            for i = range(2): a                          expected `in`, found `=`: 6..7 `=`
            for i, in range(2): a                        a loop cannot assign to a tuple: 4..6 `i,`
            for i, j in range(2): a                      a loop cannot assign to a tuple: 4..8 `i, j`
            for (i, j) in range(2): a                    a loop cannot assign to a tuple: 4..10 `(i, j)`
            for () in range(2): a                        a loop cannot assign to a tuple: 4..6 `()`
            for x[0] in range(2): a                      a loop cannot assign to an index: 4..8 `x[0]`
            for x.y in range(2): a                       a loop cannot assign to an attribute: 4..7 `x.y`
            for f(x) in range(2): a                      a loop cannot assign to a call: 4..8 `f(x)`
            for None in range(2): a                      a loop cannot assign to `None`: 4..8 `None`
            for True in range(2): a                      a loop cannot assign to `True`: 4..8 `True`
            for 1 in range(2): a                         a loop cannot assign to a number: 4..5 `1`
            for -i in range(2): a                        a loop cannot assign to the result of an operator: 4..6 `-i`
            for i + j in range(2): a                     a loop cannot assign to the result of an operator: 4..9 `i + j`
            for i < j in range(2): a                     a loop cannot assign to a comparison: 4..9 `i < j`
            for i if j else k in range(2): a             a loop cannot assign to a conditional value: 4..17 `i if j else k`
            for while in range(2): a                     `while` is a reserved word of Python: 4..9 `while`
            for in range(2): a                           expected a name, found the keyword `in`: 4..6 `in`
            for in in range(2): a                        `in` is a reserved word of Python: 4..6 `in`
            for i in x: a                                a loop runs over `range(...)`, not over `x`: 9..10 `x`
            for i in x[0]: a                             a loop runs over `range(...)`, not over an indexed value: 9..13 `x[0]`
            for i in x.y: a                              a loop runs over `range(...)`, not over `x.y`: 9..12 `x.y`
            for i in x.T.a: a                            a loop runs over `range(...)`, not over `x.T.a`: 9..14 `x.T.a`
            for i in (x): a                              a loop runs over `range(...)`, not over `x`: 9..12 `(x)`
            for i in x, y: a                             a loop runs over `range(...)`, not over a tuple: 9..13 `x, y`
            for i in (1, 2, 3): a                        a loop runs over `range(...)`, not over a tuple: 9..18 `(1, 2, 3)`
            for i in 10: a                               a loop runs over `range(...)`, not over a number: 9..11 `10`
            for i in 1.5: a                              a loop runs over `range(...)`, not over a number: 9..12 `1.5`
            for i in -x: a                               a loop runs over `range(...)`, not over the result of an operator: 9..11 `-x`
            for i in True: a                             a loop runs over `range(...)`, not over `True`: 9..13 `True`
            for i in a < b: a                            a loop runs over `range(...)`, not over a comparison: 9..14 `a < b`
            for i in a if b else c: a                    a loop runs over `range(...)`, not over a conditional value: 9..22 `a if b else c`
            for i in range: a                            a loop runs over `range(...)`, not over `range`: 9..14 `range`
            for i in enumerate(x): a                     a loop runs over `range(...)`, not over `enumerate(...)`: 9..21 `enumerate(x)`
            for i, v in enumerate(x): a                  a loop runs over `range(...)`, not over `enumerate(...)`: 12..24 `enumerate(x)`
            for v, w in zip(x, y): a                     a loop runs over `range(...)`, not over `zip(...)`: 12..21 `zip(x, y)`
            for i in np.arange(3): a                     a loop runs over `range(...)`, not over `np.arange(...)`: 9..21 `np.arange(3)`
            for i in arange(1, n + 1): a                 a loop runs over `range(...)`, not over `arange(...)`: 9..25 `arange(1, n + 1)`
            for i in np.arange(3, dtype=int64): a        a loop runs over `range(...)`, not over `np.arange(...)`: 9..34 `np.arange(3, dtype=int64)`
            for i in np.arange(): a                      a loop runs over `range(...)`, not over `np.arange(...)`: 9..20 `np.arange()`
            for i in reversed(range(n)): a               a loop runs over `range(...)`, not over `reversed(...)`: 9..27 `reversed(range(n))`
            for i in reversed(range(n, m)): a            a loop runs over `range(...)`, not over `reversed(...)`: 9..30 `reversed(range(n, m))`
            for i in reversed(x): a                      a loop runs over `range(...)`, not over `reversed(...)`: 9..20 `reversed(x)`
            for i in len(x): a                           a loop runs over `range(...)`, not over `len(...)`: 9..15 `len(x)`
            for i in np.range(3): a                      a loop runs over `range(...)`, not over `np.range(...)`: 9..20 `np.range(3)`
            for i in range(3)[0]: a                      a loop runs over `range(...)`, not over an indexed value: 9..20 `range(3)[0]`
            for i in range(): a                          `range` takes one to three arguments, not 0: 9..16 `range()`
            for i in range(1, 2, 3, 4): a                `range` takes one to three arguments, not 4: 9..26 `range(1, 2, 3, 4)`
            for i in range(stop=3): a                    `range` takes no arguments by name: 15..19 `stop`
            for i in range(1, step=3): a                 `range` takes no arguments by name: 18..22 `step`
            for i in range(*x): a                        starred arguments, parameters and targets are not supported: 15..16 `*`
            for i in range(3) in range(2): a             tests with `in` are not supported: 18..20 `in`
            break                                        `break` outside of a loop: 0..5 `break`
            continue                                     `continue` outside of a loop: 0..8 `continue`
            x = a; break                                 `break` outside of a loop: 7..12 `break`
            if a: break                                  `break` outside of a loop: 6..11 `break`
            if a:\n  b\nelse:\n  continue                `continue` outside of a loop: 18..26 `continue`
            def f(): break                               `break` outside of a loop: 9..14 `break`
            while a:\n  def f(): break                   `break` outside of a loop: 20..25 `break`
            while a:\n  def f():\n    if b:\n      continue\n  break `continue` outside of a loop: 36..44 `continue`
            while a: b\nelse: break                      `break` outside of a loop: 17..22 `break`
            for i in range(2): b\nelse:\n  continue      `continue` outside of a loop: 29..37 `continue`
            while a: b\nbreak                            `break` outside of a loop: 11..16 `break`
            while a: break b                             expected the end, found the name `b`: 15..16 `b`
            while a: continue = 1                        `continue` is a reserved word of Python: 9..17 `continue`
            while a: b break                             expected an operator or the end, found the keyword `break`: 11..16 `break`
            while a: b continue; c                       expected an operator or the end, found the keyword `continue`: 11..19 `continue`
            for (while) in range(2): a                   `while` is a reserved word of Python: 5..10 `while`
            for [i, j] in range(2): a                    lists are not supported: 4..5 `[`
            for (i in range(2): a                        tests with `in` are not supported: 7..9 `in`
            for + in range(2): a                         expected an operand, found the keyword `in`: 6..8 `in`
            x = (a else: b)                              expected an operator, `,` or `)`, found the keyword `else`: 7..11 `else`
            x = (elif a: b)                              expected an operand or `)`, found the keyword `elif`: 5..9 `elif`
            while a: if b: break                         expected an operand, found the keyword `if`: 9..11 `if`
            while = 1                                    `while` is a reserved word of Python: 0..5 `while`
            for = 1                                      `for` is a reserved word of Python: 0..3 `for`
            break = 1                                    `break` is a reserved word of Python: 0..5 `break`
            break + 1                                    `break` is a reserved word of Python: 0..5 `break`
            continue(1)                                  expected the end, found `(`: 8..9 `(`
            x = break                                    `break` is a reserved word of Python: 4..9 `break`
            x = while                                    `while` is a reserved word of Python: 4..9 `while`
            f(for)                                       `for` is a reserved word of Python: 2..5 `for`
            x.for                                        `for` is a reserved word of Python: 2..5 `for`
            x.while                                      `while` is a reserved word of Python: 2..7 `while`
            f(in=1)                                      `in` is a reserved word of Python: 2..4 `in`
            def break(): pass                            `break` is a reserved word of Python: 4..9 `break`
            def f(while): pass                           `while` is a reserved word of Python: 6..11 `while`
        "#]],
    );
}

#[test]
fn drawn() {
    check_drawn(
        &[
            "if a > 0\n    b = 1",
            "if a == 0:\n    b = 1\nelse if a == 1:\n    b = 2",
            "if a: b else: c",
            "x = a\nfor i in np.arange(3):\n    x += i",
            "for i, v in enumerate(a):\n    x += v",
            "for i in reversed(range(n)): x += i",
            "for (i, j) in range(3): x += i",
            "for i in range(0, 2, 3, 4): pass",
            "while a:\n    def f(x):\n        break",
            "while a: b\nelif c: d",
            "if a: while b: c",
            "for i range(3): x",
            "x = y for y in z",
            "if x = 1: y",
            "while a:\nb",
        ],
        expect![[r#"
            error: expected an operator or `:`, found the end of the line
              1 | if a > 0
                |         ^ expected an operator or `:`

            error: `else if` is one word
              3 | else if a == 1:
                | ^^^^^^^ write `elif`

            error: `else` is not at the beginning of a line
              if a: b else: c
                      ^^^^ expected on a line of its own
              = `else:` follows the block of an `if`, `elif`, `while` or `for`, and is indented like it

            error: a loop runs over `range(...)`, not over `np.arange(...)`
              2 | for i in np.arange(3):
                |          ^^^^^^^^^^^^ expected `range(...)`
              = write `range(3)`

            error: a loop runs over `range(...)`, not over `enumerate(...)`
              1 | for i, v in enumerate(a):
                |             ^^^^^^^^^^^^ expected `range(...)`
              = write `for i in range(n):`, and `x[i]` for an element of `x`

            error: a loop runs over `range(...)`, not over `reversed(...)`
              for i in reversed(range(n)): x += i
                       ^^^^^^^^^^^^^^^^^^ expected `range(...)`
              = write `range(n - 1, -1, -1)`

            error: a loop cannot assign to a tuple
              for (i, j) in range(3): x += i
                  ^^^^^^ expected a name

            error: `range` takes one to three arguments, not 4
              for i in range(0, 2, 3, 4): pass
                       ^^^^^^^^^^^^^^^^^ expected one to three numbers by position
              = write `range(stop)`, `range(start, stop)` or `range(start, stop, step)`

            error: `break` outside of a loop
              3 |         break
                |         ^^^^^ no loop is around this
              = a loop is around its body only: not around its `else`, nor around a function's statements

            error: this `elif` belongs to no `if`
              2 | elif c: d
                | ^^^^ no block that it could belong to ends here
              = `elif` follows the block of an `if` or `elif`, and is indented like it

            error: expected an operand, found the keyword `while`
              if a: while b: c
                    ^^^^^ expected an operand
              = this begins a statement, on a line of its own

            error: expected `in`, found the name `range`
              for i range(3): x
                    ^^^^^ expected `in`
              = a loop begins with `for i in range(n):`

            error: expected an operator or the end, found the keyword `for`
              x = y for y in z
                    ^^^ expected an operator or the end
              = this begins a statement, on a line of its own

            error: expected an operator or `:`, found `=`
              if x = 1: y
                   ^ expected an operator or `:`
              = to compare, write `==`

            error: expected an indented block
              1 | while a:
                |        ^ this begins a block
              2 | b
                | ^ not deeper than the line of the `:`
              = a block that does nothing is `pass`
        "#]],
    );
}

#[test]
fn blocks_count_as_nesting() {
    let limits = Limits { max_nesting: 2, ..Limits::default() };
    for text in [
        "if a:\n if b:\n  c\n else: d\nelse:\n if b: c\n elif d:\n  e",
        "while a:\n for i in range(2):\n  b\n else: c\nelse: - -d",
        "if a:\n if b:\n  if c: d\n  elif e: f\n  else: g",
        "if (-a): b\nelif (-a): b\nelif (-a): b\nelse: - -c",
        "if a if b else c if d else e: f",
    ] {
        assert!(parse(text, &limits).is_ok(), "{text}");
    }
    for text in [
        "if a:\n if b:\n  if c:\n   d",
        "if a:\n if b:\n  -c",
        "if a: b\nelse:\n while b:\n  for i in range(2):\n   d",
        "if ((-a)): b",
        "if a: b\nelif ((-a)): b",
        "for i in range((-a)): b",
    ] {
        let error = parse(text, &limits).map(|ast| ast.to_text()).expect_err(text);
        assert_eq!(error.kind(), &ErrorKind::TooDeep { limit: 2 }, "{text}");
    }
}

#[test]
fn statements_count_as_nodes() {
    let limits = |max_nodes| Limits { max_nodes, ..Limits::default() };
    for (text, n_nodes) in [
        ("if a: pass", 3),
        ("if a: pass\nelif b: pass\nelse: pass", 7),
        ("while a: break", 3),
        ("for i in range(2): pass", 4),
    ] {
        assert!(parse(text, &limits(n_nodes)).is_ok(), "{text}");
        let error = parse(text, &limits(n_nodes - 1)).expect_err(text);
        assert_eq!(error.kind(), &ErrorKind::TooManyNodes { limit: n_nodes - 1 }, "{text}");
    }
}
