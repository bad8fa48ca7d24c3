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
    check("t = pressure*2", expect![[""]]);
    check("def f(x): return x", expect![[""]]);
    check("pass", expect![[""]]);
    check("return", expect![[""]]);
}

#[test]
fn several_results() {
    check("pressure, k", expect![[""]]);
    check("return pressure, k", expect![[""]]);
}

#[test]
fn values_without_use() {
    check("pressure\npressure + 1", expect![[""]]);
    check("def f(x):\n    x*2\n    return x\nf(k)", expect![[""]]);
}

#[test]
fn names_without_values() {
    check("def f(x):\n    y = t + x\n    t = 1\n    return y\nf(k)", expect![[""]]);
    check("t += 1; t", expect![[""]]);
    check("pressure += 1\npressure", expect![[""]]);
}

#[test]
fn targets() {
    check("k[0] = 1; k", expect![[""]]);
    check("k.x = 1; k", expect![[""]]);
    check("x, y = pressure; x", expect![[""]]);
    check("x, y = k, k, k; x", expect![[""]]);
    check("(x, y), z = k, k; x", expect![[""]]);
}

#[test]
fn tuples_as_values() {
    check("sqrt((k, k))", expect![[""]]);
    check("t = (k, k)\nt + 1", expect![[""]]);
    check("def f(x): return x, x\nf(k)*2", expect![[""]]);
}

#[test]
fn nothing_as_a_value() {
    check("def f(x): pass\nf(k) + 1", expect![[""]]);
    check("n = None\nk + n", expect![[""]]);
    check("k + None", expect![[""]]);
}

#[test]
fn functions_as_values() {
    check("def f(x): return x\nk + f", expect![[""]]);
    check("k(2)", expect![[""]]);
    check("t = k\nt(2)", expect![[""]]);
    check("f(k)\ndef f(x): return x", expect![[""]]);
}

#[test]
fn recursion() {
    check("def f(x): return f(x - 1)\nf(k)", expect![[""]]);
    check("def f(x): return g(x)\ndef g(x): return f(x)\nf(k)", expect![[""]]);
}

#[test]
fn nested_functions() {
    check("def f(x):\n    def g(y): return y\n    return g(x)\nf(k)", expect![[""]]);
}

#[test]
fn arguments() {
    check("def f(x, y, n=1): return x*y\nf(k)", expect![[""]]);
    check("def f(x): return x\nf(k, 2)", expect![[""]]);
    check("def f(x): return x\nf(y=k)", expect![[""]]);
    check("def f(x): return x\nf(k, x=k)", expect![[""]]);
}

#[test]
fn attributes_and_methods() {
    check("pressure.real", expect![[""]]);
    check("pressure.sum", expect![[""]]);
    check("pressure.sin()", expect![[""]]);
    check("pressure.astype(int)", expect![[""]]);
    check("pressure.astype()", expect![[""]]);
    check("np.tau*k", expect![[""]]);
    check("np.sinus(k)", expect![[""]]);
}

#[test]
fn options_that_names_stand_for() {
    check("n = pressure*2\nsum(pressure, axis=n)", expect![[""]]);
    check("n = 1.5\nsum(pressure, axis=n)", expect![[""]]);
}

#[test]
fn calls_around_an_error() {
    check("def inner(x):\n    return x & 1\ndef outer(x):\n    return inner(x + 1)\nouter(pressure)*2", expect![[""]]);
    check("def f(x):\n    return y + x\nf(k)", expect![[""]]);
}

/// Shapes are known at a call only.
#[test]
fn shapes_in_a_function() {
    let text = "def f(x, y):\n    t = x*2\n    return t + y\nf(a, b)";
    let (a, b) = (array![1.0, 2.0], array![1.0, 2.0, 3.0]);
    let error = ndexpr::evaluate::<DynArray>(text, vars! { a, b }).expect_err("the shapes do not fit");
    expect![[""]].assert_eq(&error.render());
}

#[test]
fn indices() {
    check("pressure[k]", expect![[""]]);
    check("pressure[1.5:]", expect![[""]]);
    check("n = 0\npressure[::n]", expect![[""]]);
    check("pressure[..., 0, ...]", expect![[""]]);
    check("k[0]", expect![[""]]);
    check("(pi + 2)[0]", expect![[""]]);
    check("(2 + 3)[0]", expect![[""]]);
    check("sum(pressure, axis=0)[1:]", expect![[""]]);
    check("t = (k, pressure)\nt[2]", expect![[""]]);
    check("k[0] = 1\nk", expect![[""]]);
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
    expect![[""]].assert_eq(&error("a[2]"));
    expect![[""]].assert_eq(&error("a[:, -4]"));
    expect![[""]].assert_eq(&error("b[0, 1]"));
    expect![[""]].assert_eq(&error("empty[..., 0]"));
    expect![[""]].assert_eq(&error("(a + b)[1:]"));
    expect![[""]].assert_eq(&error("def row(x, i):\n    return x[i]\nrow(a, 0) + row(a, 2)"));
    expect![[""]].assert_eq(&error("a[1:] + a[:, 1:]"));
}
