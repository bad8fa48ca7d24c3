//! What users read when a statement of a program is wrong: the whole text, for each cause.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the texts anew; read them before they are committed.

use expect_test::{Expect, expect};
use ndarray::array;
use ndexpr::{DType, DynArray, Engine, Error, Signature, VarType, vars};

#[track_caller]
fn check(text: &str, expected: Expect) {
    let signature =
        Signature::new().with("pressure", VarType::array(DType::Float64)).with("k", VarType::scalar(DType::Float32));
    let error: Error = Engine::global().compile(text, &signature).expect_err("the text is wrong");
    expected.assert_eq(&error.render());
}

#[test]
fn no_result() {
    check(
        "t = pressure*2",
        expect![[r#"
        error: the text has no result
          t = pressure*2
          ^^^^^^^^^^^^^^ the last statement
          = end with an expression, or with `return` and one
    "#]],
    );
    check(
        "def f(x): return x",
        expect![[r#"
        error: the text has no result
          def f(x): return x
          ^^^^^^^^^^^^^^^^^^ the last statement
          = end with an expression, or with `return` and one
    "#]],
    );
    check(
        "pass",
        expect![[r#"
        error: the text has no result
          pass
          ^^^^ the last statement
          = end with an expression, or with `return` and one
    "#]],
    );
    check(
        "return",
        expect![[r#"
        error: the text has no result
          return
          ^^^^^^ the last statement
          = end with an expression, or with `return` and one
    "#]],
    );
}

#[test]
fn several_results() {
    check(
        "pressure, (k, k)",
        expect![[r#"
        error: a result cannot be a tuple in a tuple
          pressure, (k, k)
                    ^^^^^^ this is a tuple
          = give all values in one tuple: `return a, b, c`
    "#]],
    );
    check(
        "return pressure, None",
        expect![[r#"
        error: a result cannot be None
          return pressure, None
                           ^^^^ this is None
    "#]],
    );
}

#[test]
fn updates_in_a_text_that_is_evaluated() {
    check(
        "pressure[0] = 1; return pressure",
        expect![[r#"
        error: evaluating does not update `pressure`
          pressure[0] = 1; return pressure
          ^^^^^^^^^^^ this would change the array
          = evaluating a text changes no array that is passed in; to update arrays, use `execute`
    "#]],
    );
}

#[test]
fn values_without_use() {
    check(
        "pressure\npressure + 1",
        expect![[r#"
        error: nothing uses this value
          1 | pressure
            | ^^^^^^^^ this has no effect
          = to continue an expression on the next line, put it in brackets
    "#]],
    );
    check(
        "def f(x):\n    x*2\n    return x\nf(k)",
        expect![[r#"
        error: nothing uses this value
          2 |     x*2
            |     ^^^ this has no effect
          4 | f(k)
            | ^^^^ in this call of `f`
          = to give it as the function's result, write `return` before it
    "#]],
    );
}

#[test]
fn names_without_values() {
    check(
        "def f(x):\n    y = t + x\n    t = 1\n    return y\nf(k)",
        expect![[r#"
        error: `t` is used before it has a value
          2 |     y = t + x
            |         ^ it has no value here
          5 | f(k)
            | ^^^^ in this call of `f`
          = the function assigns to this name later, so it is not a name from outside
    "#]],
    );
    check(
        "t = pressure\ndef f(x):\n    y = t + x\n    t = 1\n    return y\nf(k)",
        expect![[r#"
        error: `t` is used before it has a value
          3 |     y = t + x
            |         ^ it has no value here
          6 | f(k)
            | ^^^^ in this call of `f`
          = the function assigns to this name later, so it is not a name from outside
    "#]],
    );
    check(
        "n = 0\ndef f(x):\n    y = sum(x, axis=n)\n    n = 1\n    return y\nf(pressure)",
        expect![[r#"
        error: `axis` must be an integer, a tuple of integers or None, found a name
          3 |     y = sum(x, axis=n)
            |                     ^ this is a name
          6 | f(pressure)
            | ^^^^^^^^^^^ in this call of `f`
          = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
    "#]],
    );
    check(
        "t += 1; t",
        expect![[r#"
        error: `t` is used before it has a value
          t += 1; t
          ^ it has no value that the text gave it
          = for a new value of this name, write `t = t + ...`
    "#]],
    );
    check(
        "pressure += 1\npressure",
        expect![[r#"
        error: `pressure` is used before it has a value
          1 | pressure += 1
            | ^^^^^^^^ it has no value that the text gave it
          = for a new value of this name, write `pressure = pressure + ...`
    "#]],
    );
}

#[test]
fn targets() {
    check(
        "k[0] = 1; k",
        expect![[r#"
            error: evaluating does not update `k`
              k[0] = 1; k
              ^^^^ this would change the array
              = evaluating a text changes no array that is passed in; to update arrays, use `execute`
        "#]],
    );
    check(
        "k.x = 1; k",
        expect![[r#"
            error: this is neither a name nor an array
              k.x = 1; k
              ^^^ this cannot be assigned to
              = assign to a name, or to an array or a part of it: u[1:-1] = ...
        "#]],
    );
    check(
        "x, y = pressure; x",
        expect![[r#"
        error: only a tuple can be taken apart
          x, y = pressure; x
          ^^^^   ^^^^^^^^ one value
          |
          several names
    "#]],
    );
    check(
        "x, y = k, k, k; x",
        expect![[r#"
        error: 3 values cannot be assigned to 2 names
          x, y = k, k, k; x
          ^^^^   ^^^^^^^ 3 values
          |
          2 names
    "#]],
    );
    check(
        "(x, y), z = k, k; x",
        expect![[r#"
        error: only a tuple can be taken apart
          (x, y), z = k, k; x
          ^^^^^^      ^^^^ one value
          |
          several names
    "#]],
    );
}

#[test]
fn tuples_as_values() {
    check(
        "sqrt((k, k))",
        expect![[r#"
        error: a tuple is no value
          sqrt((k, k))
               ^^^^^^ this is a tuple
          = only the axis may be one, as in sum(a, axis=(0, 1))
    "#]],
    );
    check(
        "t = (k, k)\nt + 1",
        expect![[r#"
        error: a tuple is no value
          2 | t + 1
            | ^ this is a tuple
          = only the axis may be one, as in sum(a, axis=(0, 1))
    "#]],
    );
    check(
        "def f(x): return x, x\nf(k)*2",
        expect![[r#"
        error: a tuple is no value
          2 | f(k)*2
            | ^^^^ this is a tuple
          = only the axis may be one, as in sum(a, axis=(0, 1))
    "#]],
    );
}

#[test]
fn nothing_as_a_value() {
    check(
        "def f(x): pass\nf(k) + 1",
        expect![[r#"
        error: the function returns nothing
          2 | f(k) + 1
            | ^^^^ a value is needed here
          = the function needs a `return`
    "#]],
    );
    check(
        "n = None\nk + n",
        expect![[r#"
        error: `n` is None
          2 | k + n
            |     ^ a value is needed here
          = only an axis may be `None`
    "#]],
    );
    check(
        "k + None",
        expect![[r#"
        error: there is no variable `None`
          k + None
              ^^^^ a value is needed here
          = only an axis may be `None`
    "#]],
    );
}

#[test]
fn functions_as_values() {
    check(
        "def f(x): return x\nk + f",
        expect![[r#"
        error: `f` is a function, and no value has this name
          2 | k + f
            |     ^ a value is needed here
          = to call the function, write f(...)
    "#]],
    );
    check(
        "k(2)",
        expect![[r#"
        error: `k` is a variable, not a function
          k(2)
          ^ this is a variable
          = to multiply, write k*(...)
    "#]],
    );
    check(
        "t = k\nt(2)",
        expect![[r#"
        error: `t` is a value, not a function
          2 | t(2)
            | ^ this is a value
          = to multiply, write t*(...)
    "#]],
    );
    check(
        "f(k)\ndef f(x): return x",
        expect![[r#"
        error: `f` is called before it is defined
          1 | f(k)
            | ^ called here
          2 | def f(x): return x
            |     ^ defined here
    "#]],
    );
}

#[test]
fn recursion() {
    check(
        "def f(x): return f(x - 1)\nf(k)",
        expect![[r#"
        error: the function `f` calls itself
          1 | def f(x): return f(x - 1)
            |                  ^^^^^^^^ called here again
          2 | f(k)
            | ^^^^ in this call of `f`
    "#]],
    );
    check(
        "def f(x): return g(x)\ndef g(x): return f(x)\nf(k)",
        expect![[r#"
        error: the function `f` calls itself
          1 | def f(x): return g(x)
            |                  ^^^^ in this call of `g`
          2 | def g(x): return f(x)
            |                  ^^^^ called here again
          3 | f(k)
            | ^^^^ in this call of `f`
          = `f`, `g`, `f` call each other
    "#]],
    );
}

#[test]
fn nested_functions() {
    check(
        "def f(x):\n    def g(y): return y\n    return g(x)\nf(k)",
        expect![[r#"
        error: a function cannot be defined in another one
          2 |     def g(y): return y
            |         ^ inside of another function
          4 | f(k)
            | ^^^^ in this call of `f`
          = define it before the other function
    "#]],
    );
}

#[test]
fn arguments() {
    check(
        "def f(x, y, n=1): return x*y\nf(k)",
        expect![[r#"
        error: `f` needs an argument for `y`
          1 | def f(x, y, n=1): return x*y
            |     ^ defined here
          2 | f(k)
            | ^^^^ in this call
          = its form is f(x, y, n=...)
    "#]],
    );
    check(
        "def f(x): return x\nf(k, 2)",
        expect![[r#"
        error: `f` takes 1 argument, found 2
          1 | def f(x): return x
            |     ^ defined here
          2 | f(k, 2)
            | ^^^^^^^ in this call
          = its form is f(x)
    "#]],
    );
    check(
        "def f(x): return x\nf(y=k)",
        expect![[r#"
        error: `f` has no parameter `y`
          1 | def f(x): return x
            |     ^ defined here
          2 | f(y=k)
            |   ^ no parameter of this function
          = its form is f(x)
    "#]],
    );
    check(
        "def f(x): return x\nf(k, x=k)",
        expect![[r#"
        error: the argument `x` is given twice
          2 | f(k, x=k)
            |   ^  ^ again here
            |   |
            |   first here, by position
    "#]],
    );
}

#[test]
fn attributes_and_methods() {
    check(
        "pressure.real",
        expect![[r#"
        error: there is no attribute `real`
          pressure.real
                   ^^^^ not found
          = constants have no prefix but `np.`, `numpy.` and `math.`
    "#]],
    );
    check(
        "pressure.sum",
        expect![[r#"
        error: there is no attribute `sum`
          pressure.sum
                   ^^^ not found
          = to call the method, write `.sum()`
    "#]],
    );
    check(
        "pressure.sin()",
        expect![[r#"
        error: there is no method `sin`
          pressure.sin()
                   ^^^ not found
          = the methods are astype, all, any, argmax, argmin, clip, cumprod, cumsum, max, mean, min, prod, round, std, sum, var
          = to call a function, write sin(...)
    "#]],
    );
    check(
        "pressure.astype(int)",
        expect![[r#"
        error: `astype` takes the name of a dtype
          pressure.astype(int)
                          ^^^ expected the name of a dtype
          = write it out: `.astype(float32)`
    "#]],
    );
    check(
        "pressure.astype()",
        expect![[r#"
        error: `astype` takes the name of a dtype
          pressure.astype()
          ^^^^^^^^^^^^^^^^^ expected the name of a dtype
          = write it out: `.astype(float32)`
    "#]],
    );
    check(
        "np.tau*k",
        expect![[r#"
        error: there is no constant `tau`
          np.tau*k
          ^^^^^^ not found
          = the constants are pi, e, inf and nan
    "#]],
    );
    check(
        "np.sinus(k)",
        expect![[r#"
        error: there is no function `sinus`
          np.sinus(k)
             ^^^^^ not found
          = `ndexpr functions` lists all functions
    "#]],
    );
}

#[test]
fn options_that_names_stand_for() {
    check(
        "n = pressure*2\nsum(pressure, axis=n)",
        expect![[r#"
        error: `axis` must be an integer, a tuple of integers or None, found a computed value
          2 | sum(pressure, axis=n)
            |                    ^ this is a computed value
          = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
    "#]],
    );
    check(
        "n = 1.5\nsum(pressure, axis=n)",
        expect![[r#"
        error: `axis` must be an integer, a tuple of integers or None, found a float
          2 | sum(pressure, axis=n)
            |                    ^ this is a float
          = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
    "#]],
    );
}

#[test]
fn calls_around_an_error() {
    check(
        "def inner(x):\n    return x & 1\ndef outer(x):\n    return inner(x + 1)\nouter(pressure)*2",
        expect![[r#"
        error: `&` is not defined for float64 and float64
          2 |     return x & 1
            |            ^   ^ this is float64
            |            |
            |            this is float64
          4 |     return inner(x + 1)
            |            ^^^^^^^^^^^^ in this call of `inner`
          5 | outer(pressure)*2
            | ^^^^^^^^^^^^^^^ in this call of `outer`
          = conditions need brackets, as in (x > 1) & (y > 2); for bits, cast to an integer first: int64(x)
    "#]],
    );
    check(
        "def f(x):\n    return y + x\nf(k)",
        expect![[r#"
        error: there is no variable `y`
          2 |     return y + x
            |            ^ not found
          3 | f(k)
            | ^^^^ in this call of `f`
          = the variables are `pressure`, `k`
    "#]],
    );
}

/// Shapes are known at a call only.
#[test]
fn shapes_in_a_function() {
    let text = "def f(x, y):\n    t = x*2\n    return t + y\nf(a, b)";
    let (a, b) = (array![1.0, 2.0], array![1.0, 2.0, 3.0]);
    let error = ndexpr::evaluate::<DynArray>(text, vars! { a, b }).expect_err("the shapes do not fit");
    expect![[r#"
        error: shapes [2] and [3] do not broadcast
          3 |     return t + y
            |            ^   ^ this has shape [3]
            |            |
            |            this has shape [2]
          4 | f(a, b)
            | ^^^^^^^ in this call of `f`
          = extents, from the last axis on, must be equal or 1, found 2 and 3
    "#]]
    .assert_eq(&error.render());
}

#[test]
fn indices() {
    check(
        "pressure[k]",
        expect![[r#"
        error: this is no index
          pressure[k]
                   ^ expected an integer, a slice, `None` or `...`
          = an index is written out, or is a name that the text gives an integer
    "#]],
    );
    check(
        "pressure[1.5:]",
        expect![[r#"
        error: this is no index
          pressure[1.5:]
                   ^^^ expected an integer, a slice, `None` or `...`
          = an index is written out, or is a name that the text gives an integer
    "#]],
    );
    check(
        "n = 0\npressure[::n]",
        expect![[r#"
        error: the step of a slice cannot be 0
          2 | pressure[::n]
            |            ^ expected another integer
    "#]],
    );
    check(
        "pressure[..., 0, ...]",
        expect![[r#"
        error: there are two `...` in one index
          pressure[..., 0, ...]
          ^^^^^^^^^^^^^^^^^^^^^ one `...` stands for all axes that are left
    "#]],
    );
    check(
        "k[0]",
        expect![[r#"
        error: a single value cannot be indexed
          k[0]
          ^^^^ this has no axes
    "#]],
    );
    check(
        "(pi + 2)[0]",
        expect![[r#"
        error: a single value cannot be indexed
          (pi + 2)[0]
          ^^^^^^^^^^^ this has no axes
    "#]],
    );
    check(
        "(k*k + k)[0]",
        expect![[r#"
        error: a single value cannot be indexed
          (k*k + k)[0]
          ^^^^^^^^^^^^ this has no axes
    "#]],
    );
    check(
        "t = k*pi + k\nt[0][1:]",
        expect![[r#"
        error: a single value cannot be indexed
          2 | t[0][1:]
            | ^^^^ this has no axes
    "#]],
    );
    check(
        &format!("pressure[{}]", ":,".repeat(66)),
        expect![[r#"
        error: the index has more than 65 items
          pressure[:,:,:,:,:,:,:,:,:,:,:,...:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,]
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ no array has so many axes
    "#]],
    );
    check(
        &format!("x = pressure\n{}x", "x = x[::2]\n".repeat(257)),
        expect![[r#"
        error: a part is taken of a part more than 256 times
          258 | x = x[::2]
              |     ^^^^^^ one part of a part too many
    "#]],
    );
    check(
        "pressure + np.newaxis",
        expect![[r#"
            error: this is None
              pressure + np.newaxis
                         ^^^^^^^^^^ a value is needed here
              = only an axis may be `None`
        "#]],
    );
    check(
        "(2 + 3)[0]",
        expect![[r#"
        error: a number cannot be indexed
          (2 + 3)[0]
          ^^^^^^^^^^ there is no array here
    "#]],
    );
    check(
        "sum(pressure, axis=0)[1:]",
        expect![[r#"
        error: the result of a function along axes cannot be indexed in the same text
          sum(pressure, axis=0)[1:]
          ^^^^^^^^^^^^^^^^^^^^^ this runs along axes
          ^^^^^^^^^^^^^^^^^^^^^^^^^ indexed here
          = index what it runs over, or the array that it was computed to
    "#]],
    );
    check(
        "t = (k, pressure)\nt[2]",
        expect![[r#"
        error: there is no place 2 in the tuple
          2 | t[2]
            | ^^^^ the tuple has 2 values
    "#]],
    );
    check(
        "k[0] = 1\nk",
        expect![[r#"
            error: evaluating does not update `k`
              1 | k[0] = 1
                | ^^^^ this would change the array
              = evaluating a text changes no array that is passed in; to update arrays, use `execute`
        "#]],
    );
}

/// Whether an index is in its axis is known at a call only.
#[test]
fn indices_of_a_call() {
    let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let (b, empty) = (array![1.0, 2.0], ndarray::Array2::<f64>::zeros((3, 0)));
    let error = |text: &str| {
        let vars = vars! { a: a.view(), b: b.view(), empty: empty.view() };
        ndexpr::evaluate::<DynArray>(text, vars).expect_err("the index does not fit").render()
    };
    expect![[r#"
        error: there is no index 2 in axis 0 of the shape [2, 3]
          a[2]
          ^^^^ expected 0 to 1, or -1 to -2 from the end
    "#]]
    .assert_eq(&error("a[2]"));
    expect![[r#"
        error: there is no index -4 in axis 1 of the shape [2, 3]
          a[:, -4]
          ^^^^^^^^ expected 0 to 2, or -1 to -3 from the end
    "#]]
    .assert_eq(&error("a[:, -4]"));
    expect![[r#"
        error: 2 indices do not fit the shape [2]
          b[0, 1]
          ^^^^^^^ this has 1 axis
    "#]]
    .assert_eq(&error("b[0, 1]"));
    expect![[r#"
        error: there is no index 0 in axis 1 of the shape [3, 0]
          empty[..., 0]
          ^^^^^^^^^^^^^ the axis is empty
    "#]]
    .assert_eq(&error("empty[..., 0]"));
    expect![[r#"
        error: shapes [2, 3] and [2] do not broadcast
          (a + b)[1:]
           ^   ^ this has shape [2]
           |
           this has shape [2, 3]
          = extents, from the last axis on, must be equal or 1, found 3 and 2
    "#]]
    .assert_eq(&error("(a + b)[1:]"));
    expect![[r#"
        error: there is no index 2 in axis 0 of the shape [2, 3]
          2 |     return x[i]
            |            ^^^^ expected 0 to 1, or -1 to -2 from the end
          3 | row(a, 0) + row(a, 2)
            |             ^^^^^^^^^ in this call of `row`
    "#]]
    .assert_eq(&error("def row(x, i):\n    return x[i]\nrow(a, 0) + row(a, 2)"));
    expect![[r#"
        error: shapes [1, 3] and [2, 2] do not broadcast
          a[1:] + a[:, 1:]
          ^^^^^   ^^^^^^^^ this has shape [2, 2]
          |
          this has shape [1, 3]
          = extents, from the last axis on, must be equal or 1, found 3 and 2
    "#]]
    .assert_eq(&error("a[1:] + a[:, 1:]"));
}

/// Compiles a text that updates `pressure`, and runs it on `[1, 2, 3]`.
#[track_caller]
fn check_update(text: &str, expected: Expect) {
    let signature =
        Signature::new().with("pressure", VarType::array(DType::Float64)).with("k", VarType::scalar(DType::Float32));
    let mut pressure = array![1.0, 2.0, 3.0];
    let result = Engine::global().procedure(text, &signature, &["pressure"]).and_then(|procedure| {
        procedure.call::<Vec<DynArray>>(&vars! { k: 2.5_f32 }, &mut ndexpr::targets! { pressure })
    });
    expected.assert_eq(&result.expect_err("the text is wrong").render());
}

#[test]
fn changes_of_what_may_be_an_element() {
    check_update(
        "s = pressure[1]; s += 1",
        expect![[r#"
            error: an element of `pressure` is changed by another name
              s = pressure[1]; s += 1
                               ^^^^^^ in NumPy this name gets a new value, and the array stays as it is
              = to change the array, index it here, as in u[0] += 1; for a new value, write s = s + 1
        "#]],
    );
    check_update(
        "s = pressure[1]; pressure[...] = 0; pressure += s",
        expect![[r#"
        error: `pressure` has changed since this place of it was named
          s = pressure[1]; pressure[...] = 0; pressure += s
                                                          ^ of an array of one axis this is the old element, of others the new row
          = for the old values, copy them before the update, as in t = u[0] + 0; for the new ones, index again
    "#]],
    );
}

#[test]
fn loops_around_whole_arrays() {
    check_update(
        "if pressure > 2: pressure[...] = 0",
        expect![[r#"
        error: one value decides here, found an array of shape [3]
          if pressure > 2: pressure[...] = 0
             ^^^^^^^^^^^^ this decides for all elements
          = reduce it to one value, as in any(u > 1) or max(u)
    "#]],
    );
    check_update(
        "while pressure[0:2] < 9: pressure += 1",
        expect![[r#"
        error: one value decides here, found an array of shape [2]
          while pressure[0:2] < 9: pressure += 1
                ^^^^^^^^^^^^^^^^^ this decides for all elements
          = reduce it to one value, as in any(u > 1) or max(u)
    "#]],
    );
    check_update(
        "for i in range(k): pressure += i",
        expect![[r#"
        error: a range needs integers, found float32
          for i in range(k): pressure += i
                         ^ this is none
    "#]],
    );
    check_update(
        "for i in range(0, 9, int32(k) - 2): pressure += i",
        expect![[r#"
        error: a range with a step of 0
          for i in range(0, 9, int32(k) - 2): pressure += i
                               ^^^^^^^^^^^^ the step must not be 0
    "#]],
    );
    check_update(
        "for i in range(int32(k)): t = pressure*i; pressure += 1\nreturn t",
        expect![[r#"
        error: `t` may have no value
          1 | for i in range(int32(k)): t = pressure*i; pressure += 1
            |          ^^^^^^^^^^^^^^^  ^ it gets one here
            |          |
            |          but not always, because of this
          2 | return t
            |        ^ it may have no value here
          = give it a value before, or in each branch
    "#]],
    );
    check_update(
        "def f():\n    for i in range(3): pressure += 1\n    return 1\nreturn f() + 1",
        expect![[r#"
        error: `pressure` is used before it has a value
          2 |     for i in range(3): pressure += 1
            |                        ^^^^^^^^ it has no value here
          4 | return f() + 1
            |        ^^^ in this call of `f`
          = the function assigns to this name later, so it is not a name from outside
    "#]],
    );
    check_update(
        "x = pressure*1\nwhile x < 5:\n    x += 1\n    if sum(pressure) > 1: pressure += 1",
        expect![[r#"
        error: one value decides here, found an array of shape [3]
          2 | while x < 5:
            |       ^^^^^ this decides for all elements
          = reduce it to one value, as in any(u > 1) or max(u)
    "#]],
    );
}
