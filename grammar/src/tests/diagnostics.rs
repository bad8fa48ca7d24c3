//! Errors as users see them: the whole rendered text, for every kind.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};

use crate::{Error, ErrorKind, Feature, Limits, parse};

fn error(text: &str) -> Error {
    let limits = Limits { max_text_bytes: 200, max_nesting: 8, max_nodes: 20 };
    match parse(text, &limits) {
        Ok(ast) => panic!("`{text}` parses as `{ast}`"),
        Err(error) => error,
    }
}

fn check(texts: &[&str], expected: Expect) {
    let rendered: Vec<_> = texts.iter().map(|text| error(text).to_diagnostic().render(text)).collect();
    expected.assert_eq(&rendered.join("\n"));
}

/// Every kind with its example. If a kind is not listed, this does not compile. If a listed kind
/// has no example, the test fails.
macro_rules! examples {
    ($name:ident, $type:ident: $($variant:ident $example:expr,)*) => {
        mod $name {
            use super::*;

            pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($variant), $example)),*];

            pub(super) fn name(value: &$type) -> &'static str {
                match value {
                    $($type::$variant { .. } => stringify!($variant),)*
                }
            }
        }
    };
}

const LONG: &str = "a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + \
                    a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a";

examples! {
    kinds, ErrorKind:
    TextTooLong LONG,
    TooDeep "((((((((-a))))))))",
    TooManyNodes "a + b + c + d + e + f + g + h + i + j + k + l",
    Empty "  # nothing but a comment",
    Unexpected "a + * b",
    UnclosedBracket "2*(a + b",
    UnopenedBracket "a + b)*2",
    MismatchedBracket "f(a[1)",
    UnclosedString "x = 'abc",
    UnexpectedIndentation "x = a\ny = b\n    z = c",
    MissingBlock "def f(x):\nreturn x",
    UnmatchedIndentation "\ndef f(x):\n    y = x\n  return y",
    MixedIndentation "def f(x):\n        y = x\n\treturn y",
    UnexpectedCharacter "a $ b",
    LookAlike "2 × a",
    ForeignOperator "a && b",
    Unsupported "a is b",
    PositionalAfterKeyword "sum(axis=1, a)",
    RepeatedKeyword "sum(a, axis=1, axis=2)",
    RepeatedParameter "def f(x, y, x): return x",
    MissingDefault "def f(x=1, y): return x",
    NotATarget "f(x) = x**2",
    NotARange "for i in x: y += i",
    RangeArguments "for i in range(): pass",
    RangeKeyword "for i in range(stop=3): pass",
    OutsideLoop "if a: break",
    StrayBranch "x = a\nelse: y = b",
    ElseIf "if a: b\nelse if c: d",
    ReservedWord "class + 1",
    BitsInChain "a > 5 & b > 5",
    TupleOperand "sum(a, (0, 1) + 1)",
    IntTooLarge "340282366920938463463374607431768211456",
    LeadingZero "a + 0777",
    MisplacedUnderscore "1__000",
    MissingDigits "0x + 1",
    WrongDigit "0b1021",
    NumberRunsIntoName "2x + 1",
}

examples! {
    features, Feature:
    Lists "sum([1, 2])",
    Braces "2*{a + b}",
    Strings "a == 'it'",
    FStrings "f'{a}'",
    Assignments "(a := b)",
    MatrixProducts "a @ b",
    Lambdas "lambda x: x",
    QuestionMarks "c ? x : y",
    Comprehensions "sum(v**2 for v in x)",
    Stars "f(*args)",
    ParameterMarks "def f(x, *, y): return x",
    IdentityTests "a is b",
    MembershipTests "a not in b",
    MatchStatements "match x:\n    case 1: y = 2",
    Imports "import numpy as np",
    Classes "class A: pass",
    Exceptions "try:\n    x = 1",
    WithStatements "with f(x) as y:\n    y",
    ScopeStatements "global x",
    Generators "yield x",
    Coroutines "async def f(x): return x",
    Deletions "del x",
    Assertions "assert x > 0",
    Decorators "@jit\ndef f(x): return x",
}

#[test]
fn every_kind() {
    let mut seen = BTreeSet::new();
    for &(name, text) in kinds::ALL {
        assert_eq!(kinds::name(error(text).kind()), name, "`{text}`");
        assert!(seen.insert(name), "{name} twice");
    }
    let texts: Vec<_> = kinds::ALL.iter().map(|&(_, text)| text).collect();
    check(
        &texts,
        expect![[r#"
            error: the text has 205 bytes, more than the limit of 200

            error: the text is nested more than 8 levels deep
              ((((((((-a))))))))
                      ^ one level too many
              = brackets, blocks, unary operators, `not`, `**` and `else` count, each until what it applies to ends

            error: the text has more than 20 parts
              a + b + c + d + e + f + g + h + i + j + k + l
                                                       ^ one part too many
              = every number, name, operator, call and statement counts

            error: the expression is empty
              = an expression looks like `a + b*2`

            error: expected an operand, found `*`
              a + * b
                  ^ expected an operand

            error: this `(` is never closed
              2*(a + b
                ^     ^ expected `)` before the end
                |
                opened here

            error: this `)` closes nothing
              a + b)*2
                   ^ no `(` is open here

            error: `)` cannot close `[`
              f(a[1)
                 ^ ^ expected `]`
                 |
                 opened here

            error: this string is never closed
              x = 'abc
                  ^^^^ its quotes must be there again at its end
              = text over several lines stands between three quotes

            error: unexpected indentation
              3 |     z = c
                | ^^^^ deeper than the lines before it
              = a block is deeper than the line before it, and that line ends with `:`

            error: expected an indented block
              1 | def f(x):
                |         ^ this begins a block
              2 | return x
                | ^^^^^^ not deeper than the line of the `:`
              = a block that does nothing is `pass`

            error: the indentation is that of no open block
              4 |   return y
                | ^^ no block began at this column
              = all lines of a block are indented alike

            error: tabs and spaces are mixed in the indentation
              3 |     return y
                | ^^^^ deeper or not, depending on the width of a tab
              = indent all lines with spaces, or all with tabs

            error: unexpected character `$`
              a $ b
                ^ not part of any expression

            error: unexpected character `×` (U+00D7)
              2 × a
                ^ write `*`

            error: there is no operator `&&`
              a && b
                ^^ write `and`
              = `&`, `|` and `~` work on bits and on booleans

            error: tests with `is` are not supported
              a is b
                ^^ only values are compared
              = write `==`, or `!=` instead of `is not`

            error: an argument by position cannot follow one by name
              sum(axis=1, a)
                  ^^^^    ^ this has no name
                  |
                  this is the name of an argument
              = arguments by name come last; to compare, write `==`

            error: the argument `axis` is given twice
              sum(a, axis=1, axis=2)
                     ^^^^    ^^^^ again here
                     |
                     first here

            error: the parameter `x` appears twice
              def f(x, y, x): return x
                    ^     ^ again here
                    |
                    first here

            error: a parameter without a default cannot follow one with a default
              def f(x=1, y): return x
                    ^    ^ this has none
                    |
                    this has a default
              = parameters with a default come last

            error: cannot assign to a call
              f(x) = x**2
              ^^^^ expected a name, `x[...]`, or several with commas between them
              = to compare, write `==`; to define a function, write `def f(x): return ...`

            error: a loop runs over `range(...)`, not over `x`
              for i in x: y += i
                       ^ expected `range(...)`
              = write `for i in range(n):`, and `x[i]` for an element of `x`

            error: `range` takes one to three arguments, not 0
              for i in range(): pass
                       ^^^^^^^ expected one to three numbers by position
              = write `range(stop)`, `range(start, stop)` or `range(start, stop, step)`

            error: `range` takes no arguments by name
              for i in range(stop=3): pass
                             ^^^^ expected one to three numbers by position
              = write `range(stop)`, `range(start, stop)` or `range(start, stop, step)`

            error: `break` outside of a loop
              if a: break
                    ^^^^^ no loop is around this
              = a loop is around its body only: not around its `else`, nor around a function's statements

            error: this `else` belongs to no `if` and no loop
              2 | else: y = b
                | ^^^^ no block that it could belong to ends here
              = `else:` follows the block of an `if`, `elif`, `while` or `for`, and is indented like it

            error: `else if` is one word
              2 | else if c: d
                | ^^^^^^^ write `elif`

            error: `class` is a reserved word of Python
              class + 1
              ^^^^^ this is no name
              = write another name, such as `class_`

            error: `&` between comparisons needs brackets
              a > 5 & b > 5
                  ^^^^^ `&` is applied before any comparison, so this is one operand
              = write (a > 5) & (b > 5)

            error: a tuple is no operand
              sum(a, (0, 1) + 1)
                     ^^^^^^ ^ an operator works on values
                     |
                     this is a tuple
              = a tuple is an argument, an item or a value by itself, as in `sum(a, axis=(0, 1))`

            error: the integer does not fit 128 bits
              340282366920938463463374607431768211456
              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the largest is 340282366920938463463374607431768211455
              = with a point it is a float: `1.`

            error: a decimal integer cannot begin with 0
              a + 0777
                  ^^^^ decimal or octal?
              = write `0o` before the digits if they are octal, and no zeros if they are decimal

            error: an underscore in a number must be between two digits
              1__000
               ^ not between two digits

            error: the base 16 number has no digits
              0x + 1
              ^^ expected digits of base 16

            error: base 2 has no digit `2`
              0b1021
                  ^ the digits of base 2 are 0 to 1

            error: the number `2` runs into the name `x`
              2x + 1
              ^^ expected an operator between them
              = write `2*x` to multiply
        "#]],
    );
}

#[test]
fn every_feature() {
    for &(name, text) in features::ALL {
        match error(text).kind() {
            ErrorKind::Unsupported { feature } => {
                assert_eq!(features::name(feature), name, "`{text}`")
            }
            kind => panic!("`{text}` gives {kind:?}"),
        }
    }
    let texts: Vec<_> = features::ALL.iter().map(|&(_, text)| text).collect();
    check(
        &texts,
        expect![[r#"
            error: lists are not supported
              sum([1, 2])
                  ^ expected an operand
              = a tuple is written `(1, 2)`; pass an array in as a variable

            error: sets, dictionaries and braces are not supported
              2*{a + b}
                ^ expected an operand
              = group with `(` and `)`; pass an array in as a variable

            error: strings are not supported
              a == 'it'
                   ^^^^ not a number
              = a string can only be a docstring or an annotation; pass a value in as a variable

            error: f-strings are not supported
              f'{a}'
              ^^^^^^ not a number
              = a string can only be a docstring or an annotation; pass a value in as a variable

            error: assignments inside expressions are not supported
              (a := b)
                 ^^ an expression has a value and changes nothing
              = assign in a statement of its own, as in `x = value`

            error: matrix products are not supported
              a @ b
                ^ operators work element by element
              = write `*` to multiply the elements, and `sum` to add the products along an axis

            error: function definitions inside expressions are not supported
              lambda x: x
              ^^^^^^ an expression cannot define functions
              = write `def f(x): return ...` on a line of its own

            error: conditions written with `?` are not supported
              c ? x : y
                ^ expected an operator
              = a condition is written `x if condition else y`

            error: comprehensions are not supported
              sum(v**2 for v in x)
                       ^^^ an expression works on whole arrays
              = write `x**2` instead of `[v**2 for v in x]`, and `sum(x)` instead of a loop's sum

            error: starred arguments, parameters and targets are not supported
              f(*args)
                ^ nothing is unpacked here
              = write each item out, as in `f(a, b)`, `def f(a, b):` and `a, b = x`

            error: the marks `*` and `/` between parameters are not supported
              def f(x, *, y): return x
                       ^ every argument may be given by position or by name
              = leave the mark out

            error: tests with `is` are not supported
              a is b
                ^^ only values are compared
              = write `==`, or `!=` instead of `is not`

            error: tests with `in` are not supported
              a not in b
                ^^^ only values are compared
              = write `(x == 1) | (x == 2)`, or `(x != 1) & (x != 2)` instead of `not in`

            error: `match` statements are not supported
              1 | match x:
                | ^^^^^ nothing is matched with patterns
              = write `if x == 1:` and `elif x == 2:`

            error: imports are not supported
              import numpy as np
              ^^^^^^ functions and constants are there without it
              = leave the import out

            error: classes are not supported
              class A: pass
              ^^^^^ only functions can be defined
              = write `def f(x): return ...`

            error: exceptions are not supported
              1 | try:
                | ^^^ no statement raises or catches any
              = choose between values with `where(condition, x, y)`

            error: `with` statements are not supported
              1 | with f(x) as y:
                | ^^^^ there is nothing to open or close
              = leave the line out, and indent its block less

            error: `global` and `nonlocal` statements are not supported
              global x
              ^^^^^^ a function changes only names of its own
              = return the value, and assign it where the function is called

            error: generators are not supported
              yield x
              ^^^^^ a function gives all of its value at once
              = write `return`

            error: coroutines are not supported
              async def f(x): return x
              ^^^^^ no statement waits for another
              = leave the word out

            error: `del` statements are not supported
              del x
              ^^^ names end with their function
              = leave the statement out

            error: `assert` statements are not supported
              assert x > 0
              ^^^^^^ no statement stops a program
              = check the result, or choose with `where(condition, x, y)`

            error: decorators are not supported
              1 | @jit
                | ^ nothing changes a function
              = leave the decorator out
        "#]],
    );
}

#[test]
fn expected_and_found() {
    let texts = [
        "a b",
        "a 2",
        "2 3",
        "a +",
        "*a",
        "f(,)",
        "f(a b)",
        "f(a,",
        "f(a",
        "f(",
        "(a b)",
        "(a, b",
        "(a +",
        "(a + ) b",
        "2(a)",
        "(a)(b)",
        "a if b",
        "a if b c",
        "a if",
        "a else b",
        "if a else b",
        "(a if b)",
        "a if b if c else d else e",
        "a * not b",
        "a not b",
        "a < not b",
        "not",
        "a is b",
        "a AND b",
        "a mod b",
        "1.2.3",
        "a <",
        "a < < b",
        "True False",
        "f)",
        "f(a))",
        "a ~ b",
        "a**",
    ];
    let table: String = texts.iter().map(|text| format!("{text:<28} {}\n", error(text))).collect();
    expect![[r#"
        a b                          expected an operator or the end, found the name `b`
        a 2                          expected an operator or the end, found the number `2`
        2 3                          expected an operator or the end, found the number `3`
        a +                          expected an operand, found the end
        *a                           expected an operand, found `*`
        f(,)                         expected an operand or `)`, found `,`
        f(a b)                       expected an operator, `,` or `)`, found the name `b`
        f(a,                         this `(` is never closed
        f(a                          this `(` is never closed
        f(                           this `(` is never closed
        (a b)                        expected an operator, `,` or `)`, found the name `b`
        (a, b                        this `(` is never closed
        (a +                         expected an operand, found the end
        (a + ) b                     expected an operand, found `)`
        2(a)                         expected an operator or the end, found `(`
        (a)(b)                       expected an operator or the end, found `(`
        a if b                       expected `else`, found the end
        a if b c                     expected an operator or `else`, found the name `c`
        a if                         expected an operand, found the end
        a else b                     expected an operator or the end, found the keyword `else`
        if a else b                  expected an operator or `:`, found the keyword `else`
        (a if b)                     expected `else`, found `)`
        a if b if c else d else e    expected `else`, found the keyword `if`
        a * not b                    expected an operand, found the keyword `not`
        a not b                      expected an operator or the end, found the keyword `not`
        a < not b                    expected an operand, found the keyword `not`
        not                          expected an operand, found the end
        a is b                       tests with `is` are not supported
        a AND b                      expected an operator or the end, found the name `AND`
        a mod b                      expected an operator or the end, found the name `mod`
        1.2.3                        expected an operator or the end, found the number `.3`
        a <                          expected an operand, found the end
        a < < b                      expected an operand, found `<`
        True False                   expected an operator or the end, found the keyword `False`
        f)                           this `)` closes nothing
        f(a))                        this `)` closes nothing
        a ~ b                        expected an operator or the end, found `~`
        a**                          expected an operand, found the end
    "#]]
    .assert_eq(&table);
}

#[test]
fn syntax_errors_drawn() {
    check(
        &[
            "a b",
            "f(a b)",
            "(a +",
            "2(a)",
            "if a = b: c",
            "a else b",
            "a * not b",
            "a is b",
            "a +\nb *\n/ c",
            "f(a,\n  2*(b + c,\n  d)",
            "",
        ],
        expect![[r#"
            error: expected an operator or the end, found the name `b`
              a b
                ^ expected an operator or the end

            error: expected an operator, `,` or `)`, found the name `b`
              f(a b)
               ^  ^ expected an operator, `,` or `)`
               |
               inside this bracket

            error: expected an operand, found the end
              (a +
              ^   ^ expected an operand
              |
              inside this bracket

            error: expected an operator or the end, found `(`
              2(a)
               ^ expected an operator or the end
              = only a name can be called; write `*` to multiply

            error: expected an operator or `:`, found `=`
              if a = b: c
                   ^ expected an operator or `:`
              = to compare, write `==`

            error: expected an operator or the end, found the keyword `else`
              a else b
                ^^^^ expected an operator or the end
              = a condition is written `x if condition else y`

            error: expected an operand, found the keyword `not`
              a * not b
                  ^^^ expected an operand
              = `not` binds looser than this operator; put it in brackets: `(not x)`

            error: tests with `is` are not supported
              a is b
                ^^ only values are compared
              = write `==`, or `!=` instead of `is not`

            error: expected an operand, found `/`
              3 | / c
                | ^ expected an operand

            error: this `(` is never closed
              1 | f(a,
                |  ^ opened here
              3 |   d)
                |     ^ expected `)` before the end

            error: the expression is empty
              = an expression looks like `a + b*2`
        "#]],
    );
}

#[test]
fn foreign_spellings() {
    let texts = [
        "(a = b)",
        "!a",
        "a || b",
        "a <> b",
        "a =< b",
        "a => b",
        "a === b",
        "a !== b",
        "a ~= b",
        "a .* b",
        "a ./ b",
        "a.^b",
        "a := b",
        "(a **= b)",
        "a!",
        "5!",
        "a − b",
        "a·b",
        "2·b",
        "a ÷ b",
        "a ≤ b",
        "a ≥ b",
        "a ≠ b",
        "a²",
        "√a",
        "∞",
        "½",
        "a ∧ b",
        "¬a",
        "a\u{a0}+ b",
        "a\u{200b}+ b",
        "\u{feff}a",
        "\u{ff08}a\u{ff09}",
        "a \u{ff0a} 2",
        "a = 1; = b",
        "“a”",
        "\"a",
        "a;;",
        "a + @a",
        "a ? b",
        "a.",
        ".",
        "a : b : c",
        "lambda: 1",
        "lambda x, y: x",
        "[a]",
        "[v**2 for v in a]",
        "a]",
        "{a}",
        "`a`",
        "\\",
        "a\0",
        "2²",
        "€",
    ];
    let table: String = texts
        .iter()
        .map(|text| {
            let diagnostic = error(text).to_diagnostic();
            let place = diagnostic.labels.first().map_or("", |label| label.text.as_str());
            format!("{:<18} {}: {place}\n", text.escape_debug().to_string(), diagnostic.message)
        })
        .collect();
    expect![[r#"
        (a = b)            expected an operator, `,` or `)`, found `=`: expected an operator, `,` or `)`
        !a                 there is no operator `!`: write `not`
        a || b             there is no operator `||`: write `or`
        a <> b             there is no operator `<>`: write `!=`
        a =< b             there is no operator `=<`: write `<=`
        a => b             there is no operator `=>`: write `>=`
        a === b            there is no operator `===`: write `==`
        a !== b            there is no operator `!==`: write `!=`
        a ~= b             there is no operator `~=`: write `!=`
        a .* b             there is no operator `.*`: write `*`
        a ./ b             there is no operator `./`: write `/`
        a.^b               there is no operator `.^`: write `**`
        a := b             assignments inside expressions are not supported: an expression has a value and changes nothing
        (a **= b)          assignments inside expressions are not supported: an expression has a value and changes nothing
        a!                 unexpected character `!`: not part of any expression
        5!                 unexpected character `!`: not part of any expression
        a − b              unexpected character `−` (U+2212): write `-`
        a·b                unexpected character `·` (U+00B7): write `*`
        2·b                unexpected character `·` (U+00B7): write `*`
        a ÷ b              unexpected character `÷` (U+00F7): write `/`
        a ≤ b              unexpected character `≤` (U+2264): write `<=`
        a ≥ b              unexpected character `≥` (U+2265): write `>=`
        a ≠ b              unexpected character `≠` (U+2260): write `!=`
        a²                 unexpected character `²` (U+00B2): write `**2`
        √a                 unexpected character `√` (U+221A): write `sqrt(x)`
        ∞                  unexpected character `∞` (U+221E): write `inf`
        ½                  unexpected character `½` (U+00BD): write `0.5`
        a ∧ b              unexpected character `∧` (U+2227): write `and`
        ¬a                 unexpected character `¬` (U+00AC): write `not`
        a\u{a0}+ b         unexpected character U+00A0: write an ordinary space
        a\u{200b}+ b       unexpected character U+200B: remove it
        \u{feff}a          unexpected character U+FEFF: remove it
        （a）                unexpected character `（` (U+FF08): write `(`
        a ＊ 2              unexpected character `＊` (U+FF0A): write `*`
        a = 1; = b         expected an operand, found `=`: expected an operand
        “a”                strings are not supported: not a number
        \"a                this string is never closed: its quotes must be there again at its end
        a;;                expected an operand, found `;`: expected an operand
        a + @a             unexpected character `@`: not part of any expression
        a ? b              conditions written with `?` are not supported: expected an operator
        a.                 expected a name, found the end: expected a name
        .                  expected an operand, found `.`: expected an operand
        a : b : c          expected an operator or the end, found `:`: expected an operator or the end
        lambda: 1          function definitions inside expressions are not supported: an expression cannot define functions
        lambda x, y: x     function definitions inside expressions are not supported: an expression cannot define functions
        [a]                lists are not supported: expected an operand
        [v**2 for v in a]  comprehensions are not supported: an expression works on whole arrays
        a]                 this `]` closes nothing: no `[` is open here
        {a}                sets, dictionaries and braces are not supported: expected an operand
        `a`                unexpected character ```: not part of any expression
        \\                 unexpected character `\`: not part of any expression
        a\0                unexpected character U+0000: not part of any expression
        2²                 unexpected character `²` (U+00B2): write `**2`
        €                  unexpected character `€` (U+20AC): not part of any expression
    "#]]
    .assert_eq(&table);
}

#[test]
fn numbers() {
    let texts = [
        "1_",
        "1_a",
        "_1_ 2",
        "1_.5",
        "1._5",
        "1e_5",
        "1e5_",
        "0x_ff",
        "0xfg",
        "0b",
        "0b2",
        "0o8",
        "0o",
        "01",
        "0_1",
        "1if a else b",
        "1e",
        "1ex",
        "2pi",
        "1e+",
        "1jx",
        "0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_f",
        "2é",
    ];
    let table: String = texts.iter().map(|text| format!("{text:<14} {}\n", error(text))).collect();
    expect![[r#"
        1_             an underscore in a number must be between two digits
        1_a            an underscore in a number must be between two digits
        _1_ 2          expected an operator or the end, found the number `2`
        1_.5           an underscore in a number must be between two digits
        1._5           an underscore in a number must be between two digits
        1e_5           the number `1` runs into the name `e_5`
        1e5_           an underscore in a number must be between two digits
        0x_ff          an underscore in a number must be between two digits
        0xfg           the number `0xf` runs into the name `g`
        0b             the base 2 number has no digits
        0b2            base 2 has no digit `2`
        0o8            base 8 has no digit `8`
        0o             the base 8 number has no digits
        01             a decimal integer cannot begin with 0
        0_1            a decimal integer cannot begin with 0
        1if a else b   the number `1` runs into the name `if`
        1e             the number `1` runs into the name `e`
        1ex            the number `1` runs into the name `ex`
        2pi            the number `2` runs into the name `pi`
        1e+            the number `1` runs into the name `e`
        1jx            the number `1j` runs into the name `x`
        0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_f the integer does not fit 128 bits
        2é             the number `2` runs into the name `é`
    "#]]
    .assert_eq(&table);
}

#[test]
fn long_words_are_clipped() {
    let name = "x".repeat(100);
    assert_eq!(
        error(&format!("a {name}")).to_string(),
        format!("expected an operator or the end, found the name `{}...`", "x".repeat(40)),
    );
}

#[test]
fn errors_are_small_and_can_be_sent() {
    fn assert_error<T: std::error::Error + Send + Sync + Clone + 'static>() {}
    assert_error::<Error>();
    assert!(size_of::<Error>() <= 96, "{} bytes", size_of::<Error>());
}

#[test]
fn bits_between_comparisons() {
    check(
        &[
            "D > 5 & E > 5",
            "a < 1 | b >= 2 ^ c == 3 & d",
            "2*(a == 1 & f & b == 2)",
            "a < b < c & d",
            "a & b < c < d",
            "(a) > (5) & (b) > 5",
            "0 < a & b # and\n < 5",
            "a > 5 & b > 5 if c > 5 | d > 5 else e",
        ],
        expect![[r#"
            error: `&` between comparisons needs brackets
              D > 5 & E > 5
                  ^^^^^ `&` is applied before any comparison, so this is one operand
              = write (D > 5) & (E > 5)

            error: `|` between comparisons needs brackets
              a < 1 | b >= 2 ^ c == 3 & d
                  ^^^^^ `|` is applied before any comparison, so this is one operand
              = write (a < 1) | (b >= 2) ^ (c == 3) & d

            error: `&` between comparisons needs brackets
              2*(a == 1 & f & b == 2)
                      ^^^^^^^^^ `&` is applied before any comparison, so this is one operand
              = write (a == 1) & f & (b == 2)

            error: `&` between comparisons needs brackets
              a < b < c & d
                      ^^^^^ `&` is applied before any comparison, so this is one operand
              = write (a < b < c) & d

            error: `&` between comparisons needs brackets
              a & b < c < d
              ^^^^^ `&` is applied before any comparison, so this is one operand
              = write a & (b < c < d)

            error: `&` between comparisons needs brackets
              (a) > (5) & (b) > 5
                    ^^^^^^^^^ `&` is applied before any comparison, so this is one operand
              = write ((a) > (5)) & ((b) > 5)

            error: `&` between comparisons needs brackets
              1 | 0 < a & b # and
                |     ^^^^^ `&` is applied before any comparison, so this is one operand
              = write (a < b) & (c < d)

            error: `&` between comparisons needs brackets
              a > 5 & b > 5 if c > 5 | d > 5 else e
                  ^^^^^ `&` is applied before any comparison, so this is one operand
              = write (a > 5) & (b > 5)
        "#]],
    );
}

#[test]
fn bits_in_one_comparison_or_in_brackets_are_fine() {
    for text in
        ["a & b == 0", "0 != a | b", "0 < (a & b) < 5", "(a > 5) & (b > 5)", "a > 5 and b > 5 & c", "a < b << 2 < c"]
    {
        let ast = parse(text, &Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parse(&ast.to_text(), &Limits::default()).map(|ast| ast.to_text()), Ok(ast.to_text()));
    }
}
