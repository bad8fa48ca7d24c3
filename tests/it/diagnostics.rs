//! What users read when something is wrong: the whole text, for each kind of error and each cause
//! of it.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the texts anew; read them before they are committed.

use expect_test::{Expect, expect};
use ndarray::{Array1, Array2, Array3, array};
use ndexpr::{
    DType, DynArray, Engine, Error, ErrorKind, Function, Limits, Progress, Signature, Unused, VarType, Vars, View,
    ViewMut, vars,
};

#[track_caller]
fn check(kind: ErrorKind, error: Error, expected: Expect) {
    assert_eq!(error.kind(), kind, "{}", error.render());
    expected.assert_eq(&error.render());
}

/// Every kind has an example here, except defects, for which no cause is known.
#[test]
fn every_kind_has_an_example() {
    let source = include_str!("diagnostics.rs");
    for &kind in ErrorKind::ALL {
        let has_example = source.contains(&format!("ErrorKind::{kind:?},"));
        assert_eq!(has_example, !matches!(kind, ErrorKind::Internal), "{kind:?}");
    }
}

/// The error of compiling a text for arrays of many dtypes.
fn compile(text: &str) -> Error {
    let signature = Signature::new()
        .with("flag", VarType::array(DType::Bool))
        .with("small", VarType::array(DType::Int8))
        .with("byte", VarType::array(DType::UInt8))
        .with("count", VarType::array(DType::Int64))
        .with("pressure", VarType::array(DType::Float64))
        .with("k", VarType::scalar(DType::Float32));
    Engine::global().compile(text, &signature).expect_err("the text is wrong")
}

fn run(text: &str, vars: Vars<'_>) -> Error {
    ndexpr::evaluate::<DynArray>(text, vars).expect_err("the call is wrong")
}

#[test]
fn syntax() {
    check(
        ErrorKind::Syntax,
        compile("pressure + * k"),
        expect![[r#"
        error: expected an operand, found `*`
          pressure + * k
                     ^ expected an operand
    "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("2*(pressure + k"),
        expect![[r#"
        error: this `(` is never closed
          2*(pressure + k
            ^            ^ expected `)` before the end
            |
            opened here
    "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("pressure =! k"),
        expect![[r#"
            error: there is no operator `=!`
              pressure =! k
                       ^^ write `!=`
        "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("pressure[[0, 1]]"),
        expect![[r#"
            error: lists are not supported
              pressure[[0, 1]]
                       ^ expected an operand
              = a tuple is written `(1, 2)`; pass an array in as a variable
        "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("2pressure"),
        expect![[r#"
        error: the number `2` runs into the name `pressure`
          2pressure
          ^^^^^^^^^ expected an operator between them
          = write `2*pressure` to multiply
    "#]],
    );
    check(
        ErrorKind::Syntax,
        compile(""),
        expect![[r#"
        error: the expression is empty
          = an expression looks like `a + b*2`
    "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("pressure &&\n  flag"),
        expect![[r#"
        error: there is no operator `&&`
          1 | pressure &&
            |          ^^ write `and`
          = `&`, `|` and `~` work on bits and on booleans
    "#]],
    );
}

#[test]
fn arguments_along_axes() {
    for (text, expected) in [
        (
            "sum(pressure, axes=1)",
            expect![[r#"
            error: `sum` has no option `axes`
              sum(pressure, axes=1)
                            ^^^^ no option of this function
              = did you mean `axis`?
              = its form is sum(x, axis=None, keepdims=False)
        "#]],
        ),
        (
            "mean(pressure, ddof=1)",
            expect![[r#"
            error: `mean` has no option `ddof`
              mean(pressure, ddof=1)
                             ^^^^ no option of this function
              = its form is mean(x, axis=None, keepdims=False)
        "#]],
        ),
        (
            "sin(pressure, axis=1)",
            expect![[r#"
            error: `sin` takes no arguments by name, found `axis`
              sin(pressure, axis=1)
                            ^^^^ no option of this function
              = its form is sin(x)
              = to compare, write `==`
        "#]],
        ),
        (
            "where(flag = True)",
            expect![[r#"
            error: `where` takes no arguments by name, found `flag`
              where(flag = True)
                    ^^^^ no option of this function
              = its form is where(condition, x, y)
              = to compare, write `==`
        "#]],
        ),
        (
            "sum(pressure, 1, axis=1)",
            expect![[r#"
            error: the argument `axis` is given twice
              sum(pressure, 1, axis=1)
                            ^       ^ again here
                            |
                            first here, by position
        "#]],
        ),
        (
            "sum(pressure, axis=1.5)",
            expect![[r#"
                error: `axis` must be an integer, a tuple of integers or None, found a float
                  sum(pressure, axis=1.5)
                                     ^^^ this is a float
                  = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
            "#]],
        ),
        (
            "sum(pressure, axis=k)",
            expect![[r#"
                error: `axis` must be an integer, a tuple of integers or None, found a name
                  sum(pressure, axis=k)
                                     ^ this is a name
                  = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
            "#]],
        ),
        (
            "sum(pressure, (0, k))",
            expect![[r#"
                error: `axis` must be an integer, a tuple of integers or None, found a name
                  sum(pressure, (0, k))
                                    ^ this is a name
                  = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
            "#]],
        ),
        (
            "argmax(pressure, axis=(0, 1))",
            expect![[r#"
                error: `axis` must be an integer or None, found a tuple
                  argmax(pressure, axis=(0, 1))
                                        ^^^^^^ this is a tuple
                  = write it out: axis=0, or axis=-1 for the last
            "#]],
        ),
        (
            "cumsum(pressure, True)",
            expect![[r#"
                error: `axis` must be an integer or None, found a bool
                  cumsum(pressure, True)
                                   ^^^^ this is a bool
                  = write it out: axis=0, or axis=-1 for the last
            "#]],
        ),
        (
            "sum(pressure, keepdims=3)",
            expect![[r#"
                error: `keepdims` must be True or False, found an integer
                  sum(pressure, keepdims=3)
                                         ^ this is an integer
                  = write keepdims=True or keepdims=False
            "#]],
        ),
        (
            "var(pressure, ddof=k)",
            expect![[r#"
                error: `ddof` must be a number, found a name
                  var(pressure, ddof=k)
                                     ^ this is a name
                  = write it out: ddof=1
            "#]],
        ),
        (
            "max(pressure, count)",
            expect![[r#"
            error: `axis` must be an integer, a tuple of integers or None, found a name
              max(pressure, count)
                            ^^^^^ this is a name
              = for the larger of two values, write maximum(pressure, count)
        "#]],
        ),
        (
            "min(pressure, 2.5)",
            expect![[r#"
            error: `axis` must be an integer, a tuple of integers or None, found a float
              min(pressure, 2.5)
                            ^^^ this is a float
              = for the smaller of two values, write minimum(pressure, 2.5)
        "#]],
        ),
        (
            "sum(pressure, axis=-99999999999999999999)",
            expect![[r#"
            error: no array has so many axes
              sum(pressure, axis=-99999999999999999999)
                                 ^^^^^^^^^^^^^^^^^^^^^ this does not fit 64 bits
              = axes are counted from 0, or from the last, which is -1
        "#]],
        ),
        (
            "sin((1, 2))",
            expect![[r#"
            error: a tuple is no value
              sin((1, 2))
                  ^^^^^^ this is a tuple
              = only the axis may be one, as in sum(a, axis=(0, 1))
        "#]],
        ),
        (
            "sum((pressure, k))",
            expect![[r#"
            error: a tuple is no value
              sum((pressure, k))
                  ^^^^^^^^^^^^^ this is a tuple
              = only the axis may be one, as in sum(a, axis=(0, 1))
        "#]],
        ),
    ] {
        check(ErrorKind::Argument, compile(text), expected);
    }
    check(
        ErrorKind::ArgumentCount,
        compile("sum(pressure, 0, True)"),
        expect![[r#"
        error: `sum` takes 1 or 2 arguments by position, found 3
          sum(pressure, 0, True)
          ^^^^^^^^^^^^^^^^^^^^^^ in this call
          = its form is sum(x, axis=None, keepdims=False)
          = what comes after the axis is given by name
    "#]],
    );
    check(
        ErrorKind::ArgumentCount,
        compile("sum()"),
        expect![[r#"
        error: `sum` takes 1 or 2 arguments by position, found 0
          sum()
          ^^^^^ in this call
          = its form is sum(x, axis=None, keepdims=False)
    "#]],
    );
    check(
        ErrorKind::UnknownVariable,
        compile("pressure + None"),
        expect![[r#"
        error: there is no variable `None`
          pressure + None
                     ^^^^ a value is needed here
          = only an axis may be `None`
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("ptp(flag)"),
        expect![[r#"
        error: `ptp` is not defined for bool
          ptp(flag)
              ^^^^ this is bool
          = cast to a number first, for example int8(x)
    "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("sum(axis=1, pressure)"),
        expect![[r#"
        error: an argument by position cannot follow one by name
          sum(axis=1, pressure)
              ^^^^    ^^^^^^^^ this has no name
              |
              this is the name of an argument
          = arguments by name come last; to compare, write `==`
    "#]],
    );
    check(
        ErrorKind::Syntax,
        compile("sum(pressure, axis=1, axis=0)"),
        expect![[r#"
        error: the argument `axis` is given twice
          sum(pressure, axis=1, axis=0)
                        ^^^^    ^^^^ again here
                        |
                        first here
    "#]],
    );
}

#[test]
fn shapes_along_axes() {
    let a = Array2::<f64>::zeros((3, 4));
    let row = Array1::<f64>::zeros(4);
    let empty = Array2::<f64>::zeros((3, 0));
    let vars = || vars! { a: &a, row: &row, empty: &empty, one: 1.0 };
    for (text, expected) in [
        (
            "sum(a, axis=2)",
            expect![[r#"
            error: there is no axis 2 in the shape [3, 4]
              sum(a, axis=2)
                          ^ expected 0 to 1, or -1 to -2 from the last
        "#]],
        ),
        (
            "2*mean(row, -2)",
            expect![[r#"
            error: there is no axis -2 in the shape [4]
              2*mean(row, -2)
                          ^^ expected 0 or -1
        "#]],
        ),
        (
            "std(one, axis=0)",
            expect![[r#"
            error: there is no axis 0 in the shape []
              std(one, axis=0)
                            ^ a single value has no axes
              = leave the axis out to take all there are
        "#]],
        ),
        (
            "sum(a, axis=(1, -1))",
            expect![[r#"
            error: axis 1 of the shape [3, 4] is named twice
              sum(a, axis=(1, -1))
                          ^^^^^^^ each axis at most once
              = -1 and 1 are the same axis here
        "#]],
        ),
        (
            "row + cumsum(a)",
            expect![[r#"
            error: an axis is needed to accumulate over the shape [3, 4]
              row + cumsum(a)
                    ^^^^^^^^^ which axis?
              = give it an axis, such as axis=-1 for the last
        "#]],
        ),
    ] {
        check(ErrorKind::Axis, run(text, vars()), expected);
    }
    check(
        ErrorKind::EmptyInput,
        run("max(empty*2, axis=1)", vars()),
        expect![[r#"
            error: there is no largest of no elements
              max(empty*2, axis=1)
              ^^^^^^^^^^^^^^^^^^^^ this runs over the shape [3, 0]
              = expected at least one element along each axis that it runs along
        "#]],
    );
    check(
        ErrorKind::EmptyInput,
        run("1 + argmin(empty)", vars()),
        expect![[r#"
            error: there is no smallest of no elements
              1 + argmin(empty)
                  ^^^^^^^^^^^^^ this runs over the shape [3, 0]
              = expected at least one element along each axis that it runs along
        "#]],
    );
    check(
        ErrorKind::Shape,
        run("sum(a + empty, axis=1)", vars()),
        expect![[r#"
        error: shapes [3, 4] and [3, 0] do not broadcast
          sum(a + empty, axis=1)
              ^   ^^^^^ this has shape [3, 0]
              |
              this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 0
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("2*sum(a, axis=1) - row", vars()),
        expect![[r#"
        error: shapes [3] and [4] do not broadcast
          2*sum(a, axis=1) - row
          ^^^^^^^^^^^^^^^^   ^^^ this has shape [4]
          |
          this has shape [3]
          = extents, from the last axis on, must be equal or 1, found 3 and 4
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("a*max(a, 1, keepdims=True) - sum(a, 1)", vars()),
        expect![[r#"
        error: shapes [3, 4] and [3] do not broadcast
          a*max(a, 1, keepdims=True) - sum(a, 1)
          ^^^^^^^^^^^^^^^^^^^^^^^^^^   ^^^^^^^^^ this has shape [3]
          |
          this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 3
    "#]],
    );
}

#[test]
fn limits() {
    let limited = |limits: Limits, text: &str| {
        let engine = Engine::builder().limits(limits).build().expect("an engine");
        engine.compile(text, &Signature::new()).expect_err("a limit is passed")
    };
    let limits = Limits::default();
    check(
        ErrorKind::Limit,
        limited(Limits { max_nesting: 2, ..limits }, "1 + (2 * (3 + (4)))"),
        expect![[r#"
            error: the text is nested more than 2 levels deep
              1 + (2 * (3 + (4)))
                            ^ one level too many
              = brackets, blocks, unary operators, `not`, `**` and `else` count, each until what it applies to ends
        "#]],
    );
    check(
        ErrorKind::Limit,
        limited(Limits { max_nodes: 4, ..limits }, "1 + 2 + 3"),
        expect![[r#"
            error: the text has more than 4 parts
              1 + 2 + 3
                       ^ one part too many
              = every number, name, operator, call and statement counts
        "#]],
    );
    check(
        ErrorKind::Limit,
        limited(Limits { max_text_bytes: 8, ..limits }, "1 + 2 + 3"),
        expect![[r#"
        error: the text has 9 bytes, more than the limit of 8
    "#]],
    );
}

#[test]
fn unknown_variable() {
    check(
        ErrorKind::UnknownVariable,
        compile("2 * presure"),
        expect![[r#"
        error: there is no variable `presure`
          2 * presure
              ^^^^^^^ not found
          = did you mean `pressure`?
    "#]],
    );
    check(
        ErrorKind::UnknownVariable,
        compile("2 * volume"),
        expect![[r#"
        error: there is no variable `volume`
          2 * volume
              ^^^^^^ not found
          = the variables are `flag`, `small`, `byte`, `count`, `pressure`, `k`
    "#]],
    );
    check(
        ErrorKind::UnknownVariable,
        run("2 * x", vars! {}),
        expect![[r#"
        error: there is no variable `x`
          2 * x
              ^ not found
          = no variables were given
    "#]],
    );
    check(
        ErrorKind::UnknownVariable,
        run("2 * weight", vars! { a: 1.0 }),
        expect![[r#"
        error: there is no variable `weight`
          2 * weight
              ^^^^^^ not found
          = the only variable is `a`
    "#]],
    );
    check(
        ErrorKind::UnknownVariable,
        run("2 * A", vars! { a: 1.0, b: 2.0 }),
        expect![[r#"
        error: there is no variable `A`
          2 * A
              ^ not found
          = did you mean `a`?
    "#]],
    );
    check(
        ErrorKind::UnknownVariable,
        compile("2 * sin"),
        expect![[r#"
        error: `sin` is a function, and no variable has this name
          2 * sin
              ^^^ a value is needed here
          = to call the function, write sin(...)
    "#]],
    );
}

#[test]
fn many_variables_are_not_all_listed() {
    let names: Vec<String> = (0..20).map(|i| format!("column_{i}")).collect();
    let vars = names.iter().fold(Vars::new(), |vars, name| vars.with(name, 1.0));
    check(
        ErrorKind::UnknownVariable,
        run("total", vars),
        expect![[r#"
        error: there is no variable `total`
          total
          ^^^^^ not found
          = the variables are `column_0`, `column_1`, `column_2`, `column_3`, `column_4`, `column_5`, `column_6`, `column_7`, `column_8`, `column_9`, `column_10`, `column_11` and 8 more
    "#]],
    );
}

#[test]
fn unknown_function() {
    check(
        ErrorKind::UnknownFunction,
        compile("1 + sqr(pressure)"),
        expect![[r#"
        error: there is no function `sqr`
          1 + sqr(pressure)
              ^^^ not found
          = did you mean `sqrt`?
    "#]],
    );
    check(
        ErrorKind::UnknownFunction,
        compile("zeta(pressure)"),
        expect![[r#"
        error: there is no function `zeta`
          zeta(pressure)
          ^^^^ not found
          = `ndexpr functions` lists all functions
    "#]],
    );
    check(
        ErrorKind::UnknownFunction,
        compile("k(pressure)"),
        expect![[r#"
        error: `k` is a variable, not a function
          k(pressure)
          ^ this is a variable
          = to multiply, write k*(...)
    "#]],
    );
}

#[test]
fn argument_count() {
    check(
        ErrorKind::ArgumentCount,
        compile("1 + sin(pressure, 2)"),
        expect![[r#"
        error: `sin` takes 1 argument, found 2
          1 + sin(pressure, 2)
              ^^^^^^^^^^^^^^^^ in this call
          = its form is sin(x)
    "#]],
    );
    check(
        ErrorKind::ArgumentCount,
        compile("where(flag, pressure)"),
        expect![[r#"
        error: `where` takes 3 arguments, found 2
          where(flag, pressure)
          ^^^^^^^^^^^^^^^^^^^^^ in this call
          = its form is where(condition, x, y)
    "#]],
    );
    check(
        ErrorKind::ArgumentCount,
        compile("arctan2()"),
        expect![[r#"
        error: `arctan2` takes 2 arguments, found 0
          arctan2()
          ^^^^^^^^^ in this call
          = its form is arctan2(y, x)
    "#]],
    );
}

#[test]
fn not_defined() {
    check(
        ErrorKind::NotDefined,
        compile("1 + (pressure & count)"),
        expect![[r#"
        error: `&` is not defined for float64 and int64
          1 + (pressure & count)
               ^^^^^^^^   ^^^^^ this is int64
               |
               this is float64
          = conditions need brackets, as in (x > 1) & (y > 2); for bits, cast to an integer first: int64(x)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("~pressure"),
        expect![[r#"
        error: `~` is not defined for float64
          ~pressure
           ^^^^^^^^ this is float64
          = cast to an integer first, for example int64(x)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("bitwise_or(count, 1.5)"),
        expect![[r#"
        error: `bitwise_or` is not defined for int64 and float64
          bitwise_or(count, 1.5)
                     ^^^^^  ^^^ this is float64
                     |
                     this is int64
          = cast to an integer first, for example int64(x)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("bitwise_not(k)"),
        expect![[r#"
        error: `bitwise_not` is not defined for float32
          bitwise_not(k)
                      ^ this is float32
          = cast to an integer first, for example int64(x)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("count << 2.0"),
        expect![[r#"
        error: `<<` is not defined for int64 and float64
          count << 2.0
          ^^^^^    ^^^ this is float64
          |
          this is int64
          = cast to an integer first, for example int64(x)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("flag - (pressure > 1)"),
        expect![[r#"
        error: `-` is not defined for bool and bool
          flag - (pressure > 1)
          ^^^^    ^^^^^^^^^^^^ this is bool
          |
          this is bool
          = to tell where bools differ, use ^; to count, cast: int8(x) - int8(y)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("-flag"),
        expect![[r#"
        error: `-` is not defined for bool
          -flag
           ^^^^ this is bool
          = to negate a bool, use ~ or not; to count, cast: -int8(x)
    "#]],
    );
    check(
        ErrorKind::NotDefined,
        compile("sign(flag)"),
        expect![[r#"
        error: `sign` is not defined for bool
          sign(flag)
               ^^^^ this is bool
          = cast to a number first, for example int8(x)
    "#]],
    );
}

#[test]
fn literal_range() {
    check(
        ErrorKind::LiteralRange,
        compile("small * 1000"),
        expect![[r#"
        error: the integer 1000 does not fit int8
          small * 1000
          ^^^^^   ^^^^ this does not fit int8
          |
          this is int8
          = int8 holds -128 to 127
          = cast the other operand, for example int16(x)
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("byte + -1"),
        expect![[r#"
        error: the integer -1 does not fit uint8
          byte + -1
          ^^^^   ^^ this does not fit uint8
          |
          this is uint8
          = uint8 holds 0 to 255
          = cast the other operand, for example int16(x)
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("count * 2**63"),
        expect![[r#"
        error: the integer 9223372036854775808 does not fit int64
          count * 2**63
          ^^^^^   ^^^^^ this does not fit int64
          |
          this is int64
          = int64 holds -9223372036854775808 to 9223372036854775807
          = cast the other operand, for example float64(x)
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("2**40 * maximum(byte, 3)"),
        expect![[r#"
        error: the integer 1099511627776 does not fit uint8
          2**40 * maximum(byte, 3)
          ^^^^^   ^^^^^^^^^^^^^^^^ this is uint8
          |
          this does not fit uint8
          = uint8 holds 0 to 255
          = cast the other operand, for example int64(x)
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("small if flag else 128"),
        expect![[r#"
        error: the integer 128 does not fit int8
          small if flag else 128
          ^^^^^              ^^^ this does not fit int8
          |
          this is int8
          = int8 holds -128 to 127
          = cast the other operand, for example int16(x)
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("2**64"),
        expect![[r#"
        error: the integer is too large
          2**64
          ^^^^^ no integer dtype holds this
          = write a float for an approximate value, for example 2.0**100
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("pressure * 2**127"),
        expect![[r#"
        error: the integer is too large
          pressure * 2**127
                     ^^^^^^ no integer dtype holds this
          = write a float for an approximate value, for example 2.0**100
    "#]],
    );
    check(
        ErrorKind::LiteralRange,
        compile("byte % 2**64"),
        expect![[r#"
            error: the integer 18446744073709551616 does not fit uint8
              byte % 2**64
              ^^^^   ^^^^^ this does not fit uint8
              |
              this is uint8
              = uint8 holds 0 to 255
              = cast the other operand, for example float64(x)
        "#]],
    );
}

#[test]
fn negative_power() {
    check(
        ErrorKind::NegativePower,
        compile("1 + count**-2"),
        expect![[r#"
        error: an integer cannot be raised to a negative power
          1 + count**-2
              ^^^^^  ^^ negative
              |
              this is int64
          = cast the base to a float first, for example float64(x)
    "#]],
    );
}

#[test]
fn statement() {
    check(
        ErrorKind::Statement,
        compile("t = pressure*2"),
        expect![[r#"
        error: the text has no result
          t = pressure*2
          ^^^^^^^^^^^^^^ the last statement
          = end with an expression, or with `return` and one
    "#]],
    );
    check(
        ErrorKind::Statement,
        compile("pressure\n- 1"),
        expect![[r#"
        error: nothing uses this value
          1 | pressure
            | ^^^^^^^^ this has no effect
          = to continue an expression on the next line, put it in brackets
    "#]],
    );
}

#[test]
fn index() {
    check(
        ErrorKind::Index,
        compile("pressure[::0]"),
        expect![[r#"
        error: the step of a slice cannot be 0
          pressure[::0]
                     ^ expected another integer
    "#]],
    );
}

#[test]
fn unsupported() {
    check(
        ErrorKind::Unsupported,
        compile("pressure * 2.5j"),
        expect![[r#"
        error: complex numbers are not supported
          pressure * 2.5j
                     ^^^^ imaginary
          = the dtypes are bool, the integers, float32 and float64
    "#]],
    );
}

#[test]
fn missing_variable() {
    let signature = vars! { a: 1.0, b: 2.0 }.signature();
    let program = Engine::global().compile("a + 2*b", &signature).expect("a program");
    let error = program.evaluate::<f64>(&vars! { a: 1.0 }).expect_err("b is missing");
    check(
        ErrorKind::MissingVariable,
        error,
        expect![[r#"
        error: the variable `b` was not given
          a + 2*b
                ^ used here
    "#]],
    );
}

#[test]
fn unused_variable() {
    let engine = Engine::builder().unused(Unused::Deny).build().expect("an engine");
    let of = |vars: &Vars<'_>| engine.evaluate::<f64>("a + value", vars).expect_err("one is not used");
    check(
        ErrorKind::UnusedVariable,
        of(&vars! { a: 1.0, value: 2.0, k: 3.0 }),
        expect![[r#"
        error: the expression does not use the variable `k`
    "#]],
    );
    check(
        ErrorKind::UnusedVariable,
        of(&vars! { a: 1.0, value: 2.0, values: 3.0 }),
        expect![[r#"
        error: the expression does not use the variable `values`
          = it uses `value`
    "#]],
    );
}

#[test]
fn variable_type() {
    let signature = vars! { a: &[1.0], k: 2.0 }.signature();
    let program = Engine::global().compile("a*k", &signature).expect("a program");
    let of = |vars: &Vars<'_>| program.evaluate::<DynArray>(vars).expect_err("a type is wrong");
    check(
        ErrorKind::VariableType,
        of(&vars! { a: &[1_i32], k: 2.0 }),
        expect![[r#"
        error: the variable `a` is int32, but the program was compiled for float64
          a*k
          ^ used here
    "#]],
    );
    check(
        ErrorKind::VariableType,
        of(&vars! { a: &[1.0], k: &[1.0, 2.0] }),
        expect![[r#"
        error: the variable `k` is an array of rank 1, but the program was compiled for a scalar
          a*k
            ^ used here
    "#]],
    );
}

#[test]
fn shapes() {
    let (a, b) = (Array2::<f64>::zeros((3, 4)), Array1::<f64>::zeros(5));
    check(
        ErrorKind::Shape,
        run("a*2 + b", vars! { a, b }),
        expect![[r#"
        error: shapes [3, 4] and [5] do not broadcast
          a*2 + b
          ^^^   ^ this has shape [5]
          |
          this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 5
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("sqrt(a) * (1 + where(b > 0, b, 2) / 3)", vars! { a, b }),
        expect![[r#"
        error: shapes [3, 4] and [5] do not broadcast
          sqrt(a) * (1 + where(b > 0, b, 2) / 3)
          ^^^^^^^    ^^^^^^^^^^^^^^^^^^^^^^^^^^ this has shape [5]
          |
          this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 5
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("where(a > 0, 1, b)", vars! { a, b }),
        expect![[r#"
        error: shapes [3, 4] and [5] do not broadcast
          where(a > 0, 1, b)
                ^^^^^     ^ this has shape [5]
                |
                this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 5
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("0 < a < b", vars! { a, b }),
        expect![[r#"
        error: shapes [3, 4] and [5] do not broadcast
          0 < a < b
              ^   ^ this has shape [5]
              |
              this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 5
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("a if b > 1 else 0", vars! { a, b }),
        expect![[r#"
        error: shapes [3, 4] and [5] do not broadcast
          a if b > 1 else 0
          ^    ^^^^^ this has shape [5]
          |
          this has shape [3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 5
    "#]],
    );
}

#[test]
fn shapes_of_several_operands() {
    let (a, b, c) = (Array3::<f64>::zeros((2, 1, 4)), Array2::<f64>::zeros((3, 1)), Array1::<f64>::zeros(7));
    check(
        ErrorKind::Shape,
        run("a + b + c", vars! { a, b, c }),
        expect![[r#"
        error: shapes [2, 3, 4] and [7] do not broadcast
          a + b + c
          ^^^^^   ^ this has shape [7]
          |
          this has shape [2, 3, 4]
          = extents, from the last axis on, must be equal or 1, found 4 and 7
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("clip(b, c, a)", vars! { a, b, c }),
        expect![[r#"
        error: shapes [7] and [2, 1, 4] do not broadcast
          clip(b, c, a)
                  ^  ^ this has shape [2, 1, 4]
                  |
                  this has shape [7]
          = extents, from the last axis on, must be equal or 1, found 7 and 4
    "#]],
    );
    check(
        ErrorKind::Shape,
        run("(a +\n b) # all\n * 2\n - c", vars! { a, b, c }),
        expect![[r#"
        error: shapes [2, 3, 4] and [7] do not broadcast
          1 | (a +
            | ^^^^
          3 |  * 2
            |  ^^^ this has shape [2, 3, 4]
          4 |  - c
            |    ^ this has shape [7]
          = extents, from the last axis on, must be equal or 1, found 4 and 7
    "#]],
    );
    let (x, y) = (array![[1.0], [2.0]], Array1::<f64>::zeros(0));
    check(
        ErrorKind::Shape,
        run("k*x - (x + y) * z", vars! { x, y, k: 2.0, z: &[1.0, 2.0] }),
        expect![[r#"
        error: shapes [2, 0] and [2] do not broadcast
          k*x - (x + y) * z
                 ^^^^^    ^ this has shape [2]
                 |
                 this has shape [2, 0]
          = extents, from the last axis on, must be equal or 1, found 0 and 2
    "#]],
    );
}

#[test]
fn output_shape() {
    let a = Array2::<f64>::zeros((2, 3));
    let mut out = Array1::<f64>::zeros(3);
    let error = ndexpr::evaluate_into("a*2", vars! { a }, &mut out).expect_err("it does not fit");
    check(
        ErrorKind::OutputShape,
        error,
        expect![[r#"
        error: a result of shape [2, 3] does not fit an output of shape [3]
    "#]],
    );
}

#[test]
fn result_dtype() {
    let a = array![1.0, 2.0];
    let error = ndexpr::evaluate::<Array1<f32>>(" a*2 # twice", vars! { a }).expect_err("it is float64");
    check(
        ErrorKind::ResultDType,
        error,
        expect![[r#"
        error: the result is float64, but float32 is asked for
           a*2 # twice
           ^^^ this is float64
          = to convert it, write float32(a*2)
    "#]],
    );
    let error = ndexpr::evaluate::<Array1<i32>>("a*2 + a*3 + a*4 + a*5 + a*6 + a*7 + a*8", vars! { a });
    check(
        ErrorKind::ResultDType,
        error.expect_err("it is float64"),
        expect![[r#"
        error: the result is float64, but int32 is asked for
          a*2 + a*3 + a*4 + a*5 + a*6 + a*7 + a*8
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ this is float64
          = to convert it, write int32(a*2 + a*3 + a*4 + a*5 + a*6 + a*7 + a*8)
    "#]],
    );
    let mut out = Array1::<bool>::default(2);
    let error = ndexpr::evaluate_into("a*2", vars! { a }, &mut out).expect_err("it is float64");
    check(
        ErrorKind::ResultDType,
        error,
        expect![[r#"
        error: the result is float64, but bool is asked for
          a*2
          ^^^ this is float64
          = to convert it, write bool(a*2)
    "#]],
    );
}

#[test]
fn result_rank() {
    let a = Array2::<f64>::zeros((2, 3));
    let error = ndexpr::evaluate::<Array1<f64>>("a*2", vars! { a }).expect_err("it has rank 2");
    check(
        ErrorKind::ResultRank,
        error,
        expect![[r#"
        error: the result is an array of rank 2, but an array of rank 1 is asked for
    "#]],
    );
    let error = ndexpr::evaluate::<f64>("a*2", vars! { a }).expect_err("it has rank 2");
    check(
        ErrorKind::ResultRank,
        error,
        expect![[r#"
        error: the result is an array of rank 2, but a single value is asked for
    "#]],
    );
    let error = ndexpr::evaluate::<Array1<f64>>("2*k", vars! { k: 1.0 }).expect_err("it has rank 0");
    check(
        ErrorKind::ResultRank,
        error,
        expect![[r#"
        error: the result is a single value, but an array of rank 1 is asked for
    "#]],
    );
}

#[test]
fn result_count() {
    let error = ndexpr::evaluate::<f64>("a = 2; a, a + 1", vars! {}).expect_err("there are two");
    check(
        ErrorKind::ResultCount,
        error,
        expect![[r#"
        error: the text has 2 results, but 1 is asked for
          a = 2; a, a + 1
                 ^^^^^^^^ 2 results
    "#]],
    );
    let error = ndexpr::evaluate::<(f64, f64)>("k", vars! { k: 1.0 }).expect_err("there is one");
    check(
        ErrorKind::ResultCount,
        error,
        expect![[r#"
        error: the text has 1 result, but 2 are asked for
          k
          ^ 1 result
    "#]],
    );
}

#[test]
fn output() {
    let mut bytes = [0; 16];
    let error = ViewMut::from_bytes_mut(&mut bytes, DType::Float64, &[3], &[4], 0).expect_err("elements overlap");
    check(
        ErrorKind::Output,
        error.into(),
        expect![[r#"
        error: elements of an output overlap each other (shape [3], byte strides [4])
    "#]],
    );
    let error = View::from_bytes(&bytes, DType::Float64, &[3], &[8], 0).expect_err("it is too short");
    check(
        ErrorKind::Output,
        error.into(),
        expect![[r#"
        error: elements lie at bytes 0..24 of a buffer of 16 bytes
    "#]],
    );
}

#[test]
fn memory() {
    let bytes = [0; 8];
    let view = View::from_bytes(&bytes, DType::Float64, &[1 << 57], &[0], 0).expect("a view");
    check(
        ErrorKind::Memory,
        run("a + 1", Vars::new().with("a", view)),
        expect![[r#"
        error: out of memory: cannot allocate 1152921504606846976 bytes
    "#]],
    );
}

#[test]
fn cancelled() {
    let progress = Progress::new(10);
    progress.cancel();
    let a = Array1::<f64>::zeros(10);
    let program = Engine::global().compile("a + 1", &vars! { a }.signature()).expect("a program");
    let mut out = Array1::<f64>::zeros(10);
    let error = program.run_with(&vars! { a }, &mut out, Some(&progress)).expect_err("it was cancelled");
    check(
        ErrorKind::Cancelled,
        error,
        expect![[r#"
        error: the run was cancelled
    "#]],
    );
}

#[test]
fn functions_of_rust() {
    let shift = Function::scalar("shift", |x: f64| x).params(&["x", "by"]);
    let error = Engine::builder().function(shift).build().expect_err("a name too many");
    check(
        ErrorKind::Function,
        error,
        expect![[r#"
        error: `shift` has 1 argument, but 2 names were given
          = expected a name for each argument; the results need none
    "#]],
    );
    let root =
        Function::scalar(
            "root",
            |x: f64| if x < 0.0 { std::panic::resume_unwind(Box::new("no root")) } else { x.sqrt() },
        );
    let engine = Engine::builder().function(root).build().expect("an engine");
    let pressure = array![1.0, -1.0];
    let error = engine.evaluate::<Array1<f64>>("2*root(pressure)", &vars! { pressure }).expect_err("no root");
    check(
        ErrorKind::Panic,
        error,
        expect![[r#"
        error: the function `root` panicked: no root
          2*root(pressure)
            ^^^^^^^^^^^^^^ called here
    "#]],
    );
}

#[test]
fn loops_that_do_not_end() {
    let pressure = array![1.0, -1.0];
    let engine = Engine::builder().max_iterations(100).build().expect("an engine");
    let text = "while pressure > 0:\n    pressure += 1\nreturn pressure";
    let error = engine.evaluate::<Array1<f64>>(text, &vars! { pressure }).expect_err("it does not end");
    check(
        ErrorKind::Iterations,
        error,
        expect![[r#"
        error: a loop has not ended after 100 iterations
          1 | while pressure > 0:
            |       ^^^^^^^^^^^^ in this loop
          = the limit is an option of the engine
    "#]],
    );
}

#[test]
fn threads() {
    let error = Engine::builder().threads(0).build().expect_err("no thread");
    check(
        ErrorKind::Threads,
        error,
        expect![[r#"
        error: a pool has 1 to 1024 threads, not 0
    "#]],
    );
}

/// `min` and `max` of two values are other functions: an axis that is not there says so, whatever
/// is written in its place.
#[test]
fn two_operands_of_min_and_max() {
    let a = ndarray::array![1.0, 2.0];
    let check = |text: &str, note: &str| {
        let error = ndexpr::evaluate::<ndexpr::DynArray>(text, ndexpr::vars! { a: &a, k: 2.0 }).unwrap_err();
        assert!(error.diagnostic().notes.iter().any(|found| found == note), "{text}: {}", error.render());
    };
    for (text, call) in
        [("min(a, 2)", "minimum(a, 2)"), ("min(a, -3)", "minimum(a, -3)"), ("min(a, k)", "minimum(a, k)")]
    {
        check(text, &format!("for the smaller of two values, write {call}"));
    }
    for (text, call) in
        [("max(a, 2)", "maximum(a, 2)"), ("amax(a - 1, 10)", "maximum(x, 10)"), ("max(a, 0.5)", "maximum(a, 0.5)")]
    {
        check(text, &format!("for the larger of two values, write {call}"));
    }
    check("nanmax(a, 2)", "for the larger of two values, write fmax(a, 2)");
    check("a ^ 2", "to raise to a power, write x**y; for bits, cast to an integer first: int64(x)");
}
