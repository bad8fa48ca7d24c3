//! Errors that name constructs of Python, reserved words, and what cannot be assigned to.

use expect_test::{Expect, expect};

use crate::{ErrorKind, Feature, Limits, parse};

/// A table of texts and their errors, with the part of the text that each points at.
fn check(texts: &[&str], expected: Expect) {
    let table: String = texts
        .iter()
        .map(|text| {
            let error = parse(text, &Limits::default()).map(|ast| ast.to_text()).expect_err(text);
            let what = match error.kind() {
                ErrorKind::Unsupported { feature } => format!("{feature:?}"),
                _ => error.to_string(),
            };
            format!("{text:<36?} {what}: {} {:?}\n", error.span(), error.span().text(text))
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
fn constructs() {
    check(
        &[
            "f = lambda x: x",
            "f(lambda: 1)",
            "[x for x in y]",
            "f([g(x) for x in y if x])",
            "(x for x in y)",
            "f(x for x in y)",
            "x[[i for i in y]]",
            "{x for x in y}",
            "{k: v for k, v in y}",
            "import a",
            "from a import b",
            "from .a import b",
            "x = 1; import a",
            "def f(x):\n  import a",
            "class A:\n  x = 1",
            "class A(B): pass",
            "try:\n  x = 1\nexcept: pass",
            "except E as e: pass",
            "finally: pass",
            "raise",
            "raise E",
            "raise E(x) from y",
            "with a: pass",
            "f(*x)",
            "f(a, *x)",
            "f(**x)",
            "f(a, k=1, **x)",
            "def f(*x): pass",
            "def f(a, **x): pass",
            "def f(a, *, b): pass",
            "def f(a, /, b): pass",
            "def f(*, a): pass",
            "def f(a, /): pass",
            "*x, y = z",
            "x, *y = z",
            "(x, *y) = z",
            "x = *y, z",
            "x[*y]",
            "return *x, y",
            "(x := 1)",
            "x := 1",
            "f(x := 1)",
            "(x += 1)",
            "f(x += 1)",
            "f''",
            "x = F'{y}'",
            "rf'{y}'",
            "f(fR\"\"\"{y}\"\"\")",
            "x = 'a'",
            "f('a')",
            "a + 'b'",
            "'a' + b",
            "'a' 'b'",
            "'a'.b",
            "'a'[0]",
            "return 'a'",
            "x['a']",
            "x: A['b'] = 1",
            "x = b''",
            "global x",
            "nonlocal x, y",
            "yield",
            "yield x",
            "x = yield y",
            "yield from x",
            "async def f(): pass",
            "async with a: pass",
            "await x",
            "x = await y",
            "del x",
            "del x[0], y",
            "assert x",
            "assert(x)",
            "@f\ndef g(x): return x",
            "@f(x)",
            "def f(x):\n  @g\n  def h(y): return y",
            "[1, 2]",
            "f([1])",
            "x = []",
            "a + [1]",
            "[a, b] = c",
            "{}",
            "x = {1: 2}",
            "x @ y",
            "x @= y",
            "f(x)@y",
            "x is None",
            "x is not None",
            "x in y",
            "x not in (1, 2)",
            "f(x in y)",
            "match x:\n  case 1: pass",
            "match (x):\n  case 1: pass",
            "match x, y:\n  case _: pass",
            "match -x:\n  case _: pass",
            "async for x in range(2): pass",
            "x = (y for z in range(2))",
            "if [x for x in y]: pass",
            "if x in y: pass",
            "while x not in y: pass",
            "for x in y in z: pass",
            "for x in [1, 2]: pass",
            "for x in 'ab': pass",
            "for *x, y in z: pass",
            "for x in *y, z: pass",
            "if (x := y): pass",
            "while x := y: pass",
            "if x is None: pass",
            "if x: yield y",
            "if x: raise y",
            "while x:\n  try:\n    y\n  except: pass",
            "for x in range(2):\n  with x: pass",
            "for x in range(2):\n  match x:\n    case 1: pass",
            "if x: import y",
            "if x: del y",
            "if x: assert y",
            "if x: global y",
            "if x:\n  @f\n  def g(): pass",
            "if lambda: x: pass",
        ],
        expect![[r#"
            "f = lambda x: x" Lambdas: 4..10 "lambda"
            "f(lambda: 1)" Lambdas: 2..8 "lambda"
            "[x for x in y]" Comprehensions: 0..1 "["
            "f([g(x) for x in y if x])" Comprehensions: 2..3 "["
            "(x for x in y)" Comprehensions: 3..6 "for"
            "f(x for x in y)" Comprehensions: 4..7 "for"
            "x[[i for i in y]]" Comprehensions: 2..3 "["
            "{x for x in y}" Comprehensions: 0..1 "{"
            "{k: v for k, v in y}" Comprehensions: 0..1 "{"
            "import a" Imports: 0..6 "import"
            "from a import b" Imports: 0..4 "from"
            "from .a import b" Imports: 0..4 "from"
            "x = 1; import a" Imports: 7..13 "import"
            "def f(x):\n  import a" Imports: 12..18 "import"
            "class A:\n  x = 1" Classes: 0..5 "class"
            "class A(B): pass" Classes: 0..5 "class"
            "try:\n  x = 1\nexcept: pass" Exceptions: 0..3 "try"
            "except E as e: pass" Exceptions: 0..6 "except"
            "finally: pass" Exceptions: 0..7 "finally"
            "raise" Exceptions: 0..5 "raise"
            "raise E" Exceptions: 0..5 "raise"
            "raise E(x) from y" Exceptions: 0..5 "raise"
            "with a: pass" WithStatements: 0..4 "with"
            "f(*x)" Stars: 2..3 "*"
            "f(a, *x)" Stars: 5..6 "*"
            "f(**x)" Stars: 2..4 "**"
            "f(a, k=1, **x)" Stars: 10..12 "**"
            "def f(*x): pass" Stars: 6..7 "*"
            "def f(a, **x): pass" Stars: 9..11 "**"
            "def f(a, *, b): pass" ParameterMarks: 9..10 "*"
            "def f(a, /, b): pass" ParameterMarks: 9..10 "/"
            "def f(*, a): pass" ParameterMarks: 6..7 "*"
            "def f(a, /): pass" ParameterMarks: 9..10 "/"
            "*x, y = z" Stars: 0..1 "*"
            "x, *y = z" Stars: 3..4 "*"
            "(x, *y) = z" Stars: 4..5 "*"
            "x = *y, z" Stars: 4..5 "*"
            "x[*y]" Stars: 2..3 "*"
            "return *x, y" Stars: 7..8 "*"
            "(x := 1)" Assignments: 3..5 ":="
            "x := 1" Assignments: 2..4 ":="
            "f(x := 1)" Assignments: 4..6 ":="
            "(x += 1)" Assignments: 3..5 "+="
            "f(x += 1)" Assignments: 4..6 "+="
            "f''" FStrings: 0..3 "f''"
            "x = F'{y}'" FStrings: 4..10 "F'{y}'"
            "rf'{y}'" FStrings: 0..7 "rf'{y}'"
            "f(fR\"\"\"{y}\"\"\")" FStrings: 2..13 "fR\"\"\"{y}\"\"\""
            "x = 'a'" Strings: 4..7 "'a'"
            "f('a')" Strings: 2..5 "'a'"
            "a + 'b'" Strings: 4..7 "'b'"
            "'a' + b" Strings: 0..3 "'a'"
            "'a' 'b'" Strings: 4..7 "'b'"
            "'a'.b" Strings: 0..3 "'a'"
            "'a'[0]" Strings: 0..3 "'a'"
            "return 'a'" Strings: 7..10 "'a'"
            "x['a']" Strings: 2..5 "'a'"
            "x: A['b'] = 1" Strings: 5..8 "'b'"
            "x = b''" Strings: 4..7 "b''"
            "global x" ScopeStatements: 0..6 "global"
            "nonlocal x, y" ScopeStatements: 0..8 "nonlocal"
            "yield" Generators: 0..5 "yield"
            "yield x" Generators: 0..5 "yield"
            "x = yield y" Generators: 4..9 "yield"
            "yield from x" Generators: 0..5 "yield"
            "async def f(): pass" Coroutines: 0..5 "async"
            "async with a: pass" Coroutines: 0..5 "async"
            "await x" Coroutines: 0..5 "await"
            "x = await y" Coroutines: 4..9 "await"
            "del x" Deletions: 0..3 "del"
            "del x[0], y" Deletions: 0..3 "del"
            "assert x" Assertions: 0..6 "assert"
            "assert(x)" Assertions: 0..6 "assert"
            "@f\ndef g(x): return x" Decorators: 0..1 "@"
            "@f(x)" Decorators: 0..1 "@"
            "def f(x):\n  @g\n  def h(y): return y" Decorators: 12..13 "@"
            "[1, 2]" Lists: 0..1 "["
            "f([1])" Lists: 2..3 "["
            "x = []" Lists: 4..5 "["
            "a + [1]" Lists: 4..5 "["
            "[a, b] = c" Lists: 0..1 "["
            "{}" Braces: 0..1 "{"
            "x = {1: 2}" Braces: 4..5 "{"
            "x @ y" MatrixProducts: 2..3 "@"
            "x @= y" MatrixProducts: 2..4 "@="
            "f(x)@y" MatrixProducts: 4..5 "@"
            "x is None" IdentityTests: 2..4 "is"
            "x is not None" IdentityTests: 2..4 "is"
            "x in y" MembershipTests: 2..4 "in"
            "x not in (1, 2)" MembershipTests: 2..5 "not"
            "f(x in y)" MembershipTests: 4..6 "in"
            "match x:\n  case 1: pass" MatchStatements: 0..5 "match"
            "match (x):\n  case 1: pass" MatchStatements: 0..5 "match"
            "match x, y:\n  case _: pass" MatchStatements: 0..5 "match"
            "match -x:\n  case _: pass" MatchStatements: 0..5 "match"
            "async for x in range(2): pass" Coroutines: 0..5 "async"
            "x = (y for z in range(2))" Comprehensions: 7..10 "for"
            "if [x for x in y]: pass" Comprehensions: 3..4 "["
            "if x in y: pass" MembershipTests: 5..7 "in"
            "while x not in y: pass" MembershipTests: 8..11 "not"
            "for x in y in z: pass" MembershipTests: 11..13 "in"
            "for x in [1, 2]: pass" Lists: 9..10 "["
            "for x in 'ab': pass" Strings: 9..13 "'ab'"
            "for *x, y in z: pass" Stars: 4..5 "*"
            "for x in *y, z: pass" Stars: 9..10 "*"
            "if (x := y): pass" Assignments: 6..8 ":="
            "while x := y: pass" Assignments: 8..10 ":="
            "if x is None: pass" IdentityTests: 5..7 "is"
            "if x: yield y" Generators: 6..11 "yield"
            "if x: raise y" Exceptions: 6..11 "raise"
            "while x:\n  try:\n    y\n  except: pass" Exceptions: 11..14 "try"
            "for x in range(2):\n  with x: pass" WithStatements: 21..25 "with"
            "for x in range(2):\n  match x:\n    case 1: pass" MatchStatements: 21..26 "match"
            "if x: import y" Imports: 6..12 "import"
            "if x: del y" Deletions: 6..9 "del"
            "if x: assert y" Assertions: 6..12 "assert"
            "if x: global y" ScopeStatements: 6..12 "global"
            "if x:\n  @f\n  def g(): pass" Decorators: 8..9 "@"
            "if lambda: x: pass" Lambdas: 3..9 "lambda"
        "#]],
    );
}

#[test]
fn reserved_words() {
    check(
        &[
            "class + 1",
            "lambda",
            "lambda*2",
            "lambda = 1",
            "x + lambda",
            "x.class",
            "x.in",
            "f(from=1)",
            "f(x, is=1)",
            "import",
            "import = 1",
            "from + 1",
            "in",
            "in - as",
            "is",
            "x + is",
            "as",
            "x as y",
            "def f(in): pass",
            "def f(x, class=1): pass",
            "def class(x): pass",
            "def f(None): pass",
            "def None(): pass",
            "def",
            "def = 1",
            "def + 1",
            "x = def",
            "x = pass",
            "pass = 1",
            "pass + 1",
            "return = 1",
            "return * 2",
            "return, 1",
            "(return)",
            "f(pass, 1)",
            "x = return y",
            "x = def f(): pass",
            "pass x",
            "while = 1",
            "(while)",
            "try",
            "async",
            "await",
            "yield = 1",
            "del + 1",
            "assert = 1",
            "global",
            "with = 1",
            "for = 1",
            "(for)",
            "except",
            "finally + 1",
            "elif",
            "not = 1",
            "if = 1",
            "x = 2; else = 1",
            "f(or=1)",
            "x.if",
            "x.True",
            "def not(x): pass",
            "True = 1",
            "def f(True): pass",
        ],
        expect![[r#"
            "class + 1" `class` is a reserved word of Python: 0..5 "class"
            "lambda" `lambda` is a reserved word of Python: 0..6 "lambda"
            "lambda*2" `lambda` is a reserved word of Python: 0..6 "lambda"
            "lambda = 1" `lambda` is a reserved word of Python: 0..6 "lambda"
            "x + lambda" `lambda` is a reserved word of Python: 4..10 "lambda"
            "x.class" `class` is a reserved word of Python: 2..7 "class"
            "x.in" `in` is a reserved word of Python: 2..4 "in"
            "f(from=1)" `from` is a reserved word of Python: 2..6 "from"
            "f(x, is=1)" `is` is a reserved word of Python: 5..7 "is"
            "import" `import` is a reserved word of Python: 0..6 "import"
            "import = 1" `import` is a reserved word of Python: 0..6 "import"
            "from + 1" `from` is a reserved word of Python: 0..4 "from"
            "in" `in` is a reserved word of Python: 0..2 "in"
            "in - as" `in` is a reserved word of Python: 0..2 "in"
            "is" `is` is a reserved word of Python: 0..2 "is"
            "x + is" `is` is a reserved word of Python: 4..6 "is"
            "as" `as` is a reserved word of Python: 0..2 "as"
            "x as y" `as` is a reserved word of Python: 2..4 "as"
            "def f(in): pass" `in` is a reserved word of Python: 6..8 "in"
            "def f(x, class=1): pass" `class` is a reserved word of Python: 9..14 "class"
            "def class(x): pass" `class` is a reserved word of Python: 4..9 "class"
            "def f(None): pass" `None` is a reserved word of Python: 6..10 "None"
            "def None(): pass" `None` is a reserved word of Python: 4..8 "None"
            "def" expected a name, found the end: 3..3 ""
            "def = 1" `def` is a reserved word of Python: 0..3 "def"
            "def + 1" `def` is a reserved word of Python: 0..3 "def"
            "x = def" `def` is a reserved word of Python: 4..7 "def"
            "x = pass" `pass` is a reserved word of Python: 4..8 "pass"
            "pass = 1" `pass` is a reserved word of Python: 0..4 "pass"
            "pass + 1" `pass` is a reserved word of Python: 0..4 "pass"
            "return = 1" `return` is a reserved word of Python: 0..6 "return"
            "return * 2" Stars: 7..8 "*"
            "return, 1" `return` is a reserved word of Python: 0..6 "return"
            "(return)" `return` is a reserved word of Python: 1..7 "return"
            "f(pass, 1)" `pass` is a reserved word of Python: 2..6 "pass"
            "x = return y" expected an operand, found the keyword `return`: 4..10 "return"
            "x = def f(): pass" expected an operand, found the keyword `def`: 4..7 "def"
            "pass x" expected the end, found the name `x`: 5..6 "x"
            "while = 1" `while` is a reserved word of Python: 0..5 "while"
            "(while)" `while` is a reserved word of Python: 1..6 "while"
            "try" `try` is a reserved word of Python: 0..3 "try"
            "async" `async` is a reserved word of Python: 0..5 "async"
            "await" `await` is a reserved word of Python: 0..5 "await"
            "yield = 1" `yield` is a reserved word of Python: 0..5 "yield"
            "del + 1" Deletions: 0..3 "del"
            "assert = 1" `assert` is a reserved word of Python: 0..6 "assert"
            "global" ScopeStatements: 0..6 "global"
            "with = 1" `with` is a reserved word of Python: 0..4 "with"
            "for = 1" `for` is a reserved word of Python: 0..3 "for"
            "(for)" `for` is a reserved word of Python: 1..4 "for"
            "except" `except` is a reserved word of Python: 0..6 "except"
            "finally + 1" `finally` is a reserved word of Python: 0..7 "finally"
            "elif" this `elif` belongs to no `if`: 0..4 "elif"
            "not = 1" `not` is a reserved word of Python: 0..3 "not"
            "if = 1" `if` is a reserved word of Python: 0..2 "if"
            "x = 2; else = 1" `else` is a reserved word of Python: 7..11 "else"
            "f(or=1)" `or` is a reserved word of Python: 2..4 "or"
            "x.if" `if` is a reserved word of Python: 2..4 "if"
            "x.True" `True` is a reserved word of Python: 2..6 "True"
            "def not(x): pass" `not` is a reserved word of Python: 4..7 "not"
            "True = 1" cannot assign to `True`: 0..4 "True"
            "def f(True): pass" `True` is a reserved word of Python: 6..10 "True"
        "#]],
    );
}

#[test]
fn no_targets() {
    check(
        &[
            "f(x) = 1",
            "f(x).g(y) = 1",
            "a + b = c",
            "-a = b",
            "not a = b",
            "1 = x",
            "x = 1 = y",
            "(1) = x",
            "(a, 1) = b",
            "a, (b, c + 1), d = e",
            "a, f(b) = c",
            "a == b = c",
            "a < b = c",
            "a if b else c = d",
            "True = a",
            "false = a",
            "None = a",
            "a, None = b",
            "2.5j = a",
            "(a + b) = c",
            "f(x) += 1",
            "a, b += 1",
            "(a, b) -= 1",
            "a.b += 1",
            "1 += a",
            "() += a",
            "a + b **= c",
            "f(x): int",
            "a, b: int",
            "(a, b): int = c",
            "1: int",
            "None: int",
            "a + b: int = c",
            "x += y = z",
            "x += y += z",
            "x = y += z",
            "x: int = y = z",
            "x: int += y",
            "return x = y",
            "(a = b)",
            "(a == b = c)",
            "f(a + b = c)",
            "f(a.b = c)",
            "f(a = b = c)",
            "x[a = b]",
            "a if b = c else d",
            "'a' = b",
            "... = a",
            "x = ...",
        ],
        expect![[r#"
            "f(x) = 1" cannot assign to a call: 0..4 "f(x)"
            "f(x).g(y) = 1" cannot assign to a call: 0..9 "f(x).g(y)"
            "a + b = c" cannot assign to the result of an operator: 0..5 "a + b"
            "-a = b" cannot assign to the result of an operator: 0..2 "-a"
            "not a = b" cannot assign to the result of an operator: 0..5 "not a"
            "1 = x" cannot assign to a number: 0..1 "1"
            "x = 1 = y" cannot assign to a number: 4..5 "1"
            "(1) = x" cannot assign to a number: 0..3 "(1)"
            "(a, 1) = b" cannot assign to a number: 4..5 "1"
            "a, (b, c + 1), d = e" cannot assign to the result of an operator: 7..12 "c + 1"
            "a, f(b) = c" cannot assign to a call: 3..7 "f(b)"
            "a == b = c" cannot assign to a comparison: 0..6 "a == b"
            "a < b = c" cannot assign to a comparison: 0..5 "a < b"
            "a if b else c = d" cannot assign to a conditional value: 0..13 "a if b else c"
            "True = a" cannot assign to `True`: 0..4 "True"
            "false = a" cannot assign to `False`: 0..5 "false"
            "None = a" cannot assign to `None`: 0..4 "None"
            "a, None = b" cannot assign to `None`: 3..7 "None"
            "2.5j = a" cannot assign to a number: 0..4 "2.5j"
            "(a + b) = c" cannot assign to the result of an operator: 0..7 "(a + b)"
            "f(x) += 1" cannot change a call in place: 0..4 "f(x)"
            "a, b += 1" cannot change a tuple in place: 0..4 "a, b"
            "(a, b) -= 1" cannot change a tuple in place: 0..6 "(a, b)"
            "a.b += 1" cannot change an attribute in place: 0..3 "a.b"
            "1 += a" cannot change a number in place: 0..1 "1"
            "() += a" cannot change a tuple in place: 0..2 "()"
            "a + b **= c" cannot change the result of an operator in place: 0..5 "a + b"
            "f(x): int" a call cannot have an annotation: 0..4 "f(x)"
            "a, b: int" a tuple cannot have an annotation: 0..4 "a, b"
            "(a, b): int = c" a tuple cannot have an annotation: 0..6 "(a, b)"
            "1: int" a number cannot have an annotation: 0..1 "1"
            "None: int" `None` cannot have an annotation: 0..4 "None"
            "a + b: int = c" the result of an operator cannot have an annotation: 0..5 "a + b"
            "x += y = z" expected an operator or the end, found `=`: 7..8 "="
            "x += y += z" expected an operator or the end, found `+=`: 7..9 "+="
            "x = y += z" expected an operator or the end, found `+=`: 6..8 "+="
            "x: int = y = z" expected an operator or the end, found `=`: 11..12 "="
            "x: int += y" expected an operator or the end, found `+=`: 7..9 "+="
            "return x = y" expected an operator or the end, found `=`: 9..10 "="
            "(a = b)" expected an operator, `,` or `)`, found `=`: 3..4 "="
            "(a == b = c)" expected an operator, `,` or `)`, found `=`: 8..9 "="
            "f(a + b = c)" expected an operator, `,` or `)`, found `=`: 8..9 "="
            "f(a.b = c)" expected an operator, `,` or `)`, found `=`: 6..7 "="
            "f(a = b = c)" expected an operator, `,` or `)`, found `=`: 8..9 "="
            "x[a = b]" expected an operator, `,`, `:` or `]`, found `=`: 4..5 "="
            "a if b = c else d" expected `else`, found `=`: 7..8 "="
            "'a' = b" Strings: 0..3 "'a'"
            "... = a" expected an operand, found `...`: 0..3 "..."
            "x = ..." expected an operand, found `...`: 4..7 "..."
        "#]],
    );
}

#[test]
fn tuples_are_no_operands() {
    check(
        &[
            "(a, b) + c",
            "a * (b, c)",
            "-(a, b)",
            "not (a,)",
            "() == a",
            "a < (b, c) < d",
            "(a, b) and c",
            "(a, b) if c else d",
            "a if (b, c) else d",
            "a if b else (c, d)",
            "2**(a, b)",
            "x = (a, b) * 2",
        ],
        expect![[r#"
            "(a, b) + c" a tuple is no operand: 0..6 "(a, b)"
            "a * (b, c)" a tuple is no operand: 4..10 "(b, c)"
            "-(a, b)" a tuple is no operand: 1..7 "(a, b)"
            "not (a,)" a tuple is no operand: 4..8 "(a,)"
            "() == a" a tuple is no operand: 0..2 "()"
            "a < (b, c) < d" a tuple is no operand: 4..10 "(b, c)"
            "(a, b) and c" a tuple is no operand: 0..6 "(a, b)"
            "(a, b) if c else d" a tuple is no operand: 0..6 "(a, b)"
            "a if (b, c) else d" a tuple is no operand: 5..11 "(b, c)"
            "a if b else (c, d)" a tuple is no operand: 12..18 "(c, d)"
            "2**(a, b)" a tuple is no operand: 3..9 "(a, b)"
            "x = (a, b) * 2" a tuple is no operand: 4..10 "(a, b)"
        "#]],
    );
}

#[test]
fn drawn() {
    check_drawn(
        &[
            "x = a\nfor i in y:\n    x += i",
            "def f(x)\n    return x",
            "def f(x:\n    return x",
            "f(a)(b)",
            "a[0](b)",
            "(f)(x)",
            "x = a\n  y = b\n  z = c\nw = d",
            "a + b = c",
            "a == b = c",
            "a, b += c",
            "f(x): int",
            "if a = b: c",
            "x = (a = b)",
            "f(a + b = c)",
            "return a = b",
            "x = ...",
            "x = a + pass",
            "a ? b : c",
            "x = f(a, b]",
            "x = a b\ny = c",
            "x = 'it''s'\n",
            "x = it's\n",
            "def f(x, lambda): return x",
            "x = a \\ # why\n  + b",
            "(a, b) + 1, c",
        ],
        expect![[r#"
            error: a loop runs over `range(...)`, not over `y`
              2 | for i in y:
                |          ^ expected `range(...)`
              = write `for i in range(n):`, and `x[i]` for an element of `x`

            error: expected `:`, found the end of the line
              1 | def f(x)
                |         ^ expected `:`

            error: expected an operand, found the keyword `return`
              1 | def f(x:
                |      ^ inside this bracket
              2 |     return x
                |     ^^^^^^ expected an operand
              = this begins a statement, on a line of its own

            error: expected an operator or the end, found `(`
              f(a)(b)
                  ^ expected an operator or the end
              = only a name can be called; write `*` to multiply

            error: expected an operator or the end, found `(`
              a[0](b)
                  ^ expected an operator or the end
              = only a name can be called; write `*` to multiply

            error: expected an operator or the end, found `(`
              (f)(x)
                 ^ expected an operator or the end
              = only a name can be called; write `*` to multiply

            error: the indentation is that of no open block
              4 | w = d
                | ^ no block began at this column
              = all lines of a block are indented alike

            error: cannot assign to the result of an operator
              a + b = c
              ^^^^^ expected a name, `x[...]`, or several with commas between them
              = to compare, write `==`

            error: cannot assign to a comparison
              a == b = c
              ^^^^^^ expected a name, `x[...]`, or several with commas between them
              = to compare, write `==`

            error: cannot change a tuple in place
              a, b += c
              ^^^^ expected a name or `x[...]`

            error: a call cannot have an annotation
              f(x): int
              ^^^^ expected a name or `x[...]`

            error: expected an operator or `:`, found `=`
              if a = b: c
                   ^ expected an operator or `:`
              = to compare, write `==`

            error: expected an operator, `,` or `)`, found `=`
              x = (a = b)
                  ^  ^ expected an operator, `,` or `)`
                  |
                  inside this bracket
              = to compare, write `==`; in a call, `=` stands behind the name of an argument

            error: expected an operator, `,` or `)`, found `=`
              f(a + b = c)
               ^      ^ expected an operator, `,` or `)`
               |
               inside this bracket
              = to compare, write `==`; in a call, `=` stands behind the name of an argument

            error: expected an operator or the end, found `=`
              return a = b
                       ^ expected an operator or the end
              = to compare, write `==`

            error: expected an operand, found `...`
              x = ...
                  ^^^ expected an operand
              = `...` stands only in an index, as in `x[..., 0]`

            error: `pass` is a reserved word of Python
              x = a + pass
                      ^^^^ this is no name
              = write another name, such as `pass_`

            error: conditions written with `?` are not supported
              a ? b : c
                ^ expected an operator
              = a condition is written `x if condition else y`

            error: `]` cannot close `(`
              x = f(a, b]
                   ^    ^ expected `)`
                   |
                   opened here

            error: expected an operator or the end, found the name `b`
              1 | x = a b
                |       ^ expected an operator or the end

            error: strings are not supported
              x = 'it''s'
                  ^^^^ not a number
              = a string can only be a docstring or an annotation; pass a value in as a variable

            error: this string is never closed
              x = it's
                    ^^ its quotes must be there again at its end
              = text over several lines stands between three quotes

            error: `lambda` is a reserved word of Python
              def f(x, lambda): return x
                       ^^^^^^ this is no name
              = write another name, such as `lambda_`

            error: unexpected character `\`
              1 | x = a \ # why
                |       ^ not part of any expression
              = a `\` joins two lines if nothing follows it on its own

            error: a tuple is no operand
              (a, b) + 1, c
              ^^^^^^ ^ an operator works on values
              |
              this is a tuple
              = a tuple is an argument, an item or a value by itself, as in `sum(a, axis=(0, 1))`
        "#]],
    );
}

/// A word that is reserved only at the start of certain lines is a name elsewhere.
#[test]
fn soft_keywords_are_names() {
    for text in
        ["match", "match = 1", "match(x)", "match[x]", "match.x", "match - x", "f(match)", "case, type = 1, 2", "_"]
    {
        assert!(parse(text, &Limits::default()).is_ok(), "{text}");
    }
    for text in ["match x", "match x y:", "x = match y:"] {
        let error = parse(text, &Limits::default()).map(|ast| ast.to_text()).expect_err(text);
        let is_match = *error.kind() == ErrorKind::Unsupported { feature: Feature::MatchStatements };
        assert_eq!(is_match, text.ends_with("y:") && !text.starts_with('x'), "{text}");
    }
}
