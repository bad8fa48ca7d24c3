//! Preludes: functions that all texts of an engine can call, and what errors say of them.

use expect_test::{Expect, expect};
use ndarray::{Array1, array};
use ndexpr::{
    DType, Engine, EngineBuilder, ErrorKind, Function, FunctionOrigin, Limits, Signature, VarType, Vars, vars,
};

fn engine(preludes: &[&str]) -> Engine {
    preludes.iter().fold(Engine::builder(), |builder, &text| builder.prelude(text)).build().expect("an engine")
}

/// Texts, and the texts that they mean without preludes.
#[track_caller]
fn check_same(engine: &Engine, pairs: &[(&str, &str)]) {
    let (a, b) = (array![1.5, -2.0, 0.25, 7.0], array![2.0, 0.5, -3.0, 1.0]);
    let m = ndarray::Array2::from_shape_fn((3, 4), |(i, j)| (i * 5 + j * j) as f64);
    let vars = vars! { a, b, m, rate: 0.5, k: 3.0 };
    for (text, same) in pairs {
        let found =
            engine.evaluate::<ndexpr::DynArray>(text, &vars).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let expected: ndexpr::DynArray =
            Engine::global().evaluate(same, &vars).unwrap_or_else(|error| panic!("{same}: {error:?}"));
        assert_eq!(found, expected, "{text}");
    }
}

const PRELUDE: &str = r#"
    """Functions for tests."""

    # Defaults may be computed.
    def scaled(x, by=2, offset=half(1)):
        """Scales and moves."""
        y = x*by
        y += offset
        return y

    def half(x): return x/2

    def both(x, y): return half(x), half(y)

    def along(x, axis=None, keepdims=False):
        return x.sum(axis=axis, keepdims=keepdims)

    def part(x, n=1): return x[n:]

    def priced(x): return x*rate + (np.pi - math.pi)
"#;

#[test]
fn functions_of_a_prelude_are_those_of_the_text() {
    let engine = engine(&[PRELUDE]);
    check_same(
        &engine,
        &[
            ("half(a)", "a/2"),
            ("scaled(a)", "a*2 + 0.5"),
            ("scaled(a, offset=b)", "a*2 + b"),
            ("scaled(scaled(a), by=half(k)) - half(half(b))", "(a*2 + 0.5)*(k/2) + 0.5 - b/2/2"),
            ("x, y = both(a, y=b); x - y", "a/2 - b/2"),
            ("along(m, axis=1) + along(m)", "m.sum(axis=1) + m.sum()"),
            ("k = 0; along(m, k, keepdims=True)", "m.sum(axis=0, keepdims=True)"),
            ("part(a*b)", "(a*b)[1:]"),
            ("part(half(a), n=2)", "(a/2)[2:]"),
            ("half(a)[1:]", "(a/2)[1:]"),
            ("priced(a)", "a*rate"),
            // What the text assigns is nothing to a prelude.
            ("rate = 100; priced(a)*rate", "a*rate*100"),
            ("half = 3; half*a", "3*a"),
            // What the text defines hides functions of preludes, for the text alone.
            ("def half(x): return x*100\nhalf(a) + scaled(a)", "a*100 + (a*2 + 0.5)"),
            ("def f(x): return half(x) + 1\nf(a)", "a/2 + 1"),
            ("a + b", "a + b"),
        ],
    );
}

#[test]
fn later_preludes_hide_earlier_ones() {
    let engine = engine(&[
        "def one(): return 1\ndef twice(x): return x*2*one()\ndef one(): return 10",
        "def one(): return 7\ndef four(x): return twice(twice(x)) + one()",
    ]);
    // A function sees the last definition of its own prelude, and of those before.
    check_same(&engine, &[("one()*a", "7*a"), ("twice(a)", "a*20"), ("four(a)", "a*20*20 + 7"), ("sin(a)", "sin(a)")]);
    let names: Vec<_> =
        engine.functions().iter().rev().take(3).rev().map(|function| function.name.to_owned()).collect();
    assert_eq!(names, ["twice", "one", "four"]);
}

#[test]
fn preludes_and_functions_of_rust() {
    let build = |builder: EngineBuilder| builder.build().expect("an engine");
    let soft = || Function::scalar("soft", |x: f64| x / (1.0 + x.abs()));
    let prelude = "def softer(x, n=1): return soft(x/n)\ndef sum(x): return x + 1";
    for engine in [
        build(Engine::builder().function(soft()).prelude(prelude)),
        build(Engine::builder().prelude(prelude).function(soft())),
    ] {
        check_same(
            &engine,
            &[
                ("softer(a)", "a/(1 + abs(a))"),
                ("softer(a, n=2)", "x = a/2; x/(1 + abs(x))"),
                ("softer(a).sum()", "x = a/(1 + abs(a)); x.sum()"),
                ("sum(a)", "a + 1"),
                ("np.sum(a)", "sum(a)"),
            ],
        );
    }
    // A function of a prelude hides one of Rust, which nothing else can call then.
    let engine = build(Engine::builder().function(soft()).prelude("def soft(x): return -x"));
    check_same(&engine, &[("soft(a)", "-a")]);
    assert_eq!(engine.functions().iter().filter(|function| function.name == "soft").count(), 1);
}

#[test]
fn functions_are_listed() {
    let engine = engine(&[PRELUDE]);
    let functions = engine.functions();
    let scaled = functions.iter().find(|function| function.name == "scaled").expect("a function");
    assert_eq!(scaled.params, ["x", "by=2", "offset=half(1)"]);
    assert_eq!((scaled.doc, scaled.origin), ("Scales and moves.", FunctionOrigin::Prelude));
    let half = functions.iter().find(|function| function.name == "half").expect("a function");
    assert_eq!((half.doc, half.dtypes, half.max_ulp), ("", None, None));
    assert_eq!(
        engine.names("priced(a)").expect("a text").iter().map(|used| &used.name).collect::<Vec<_>>(),
        ["a", "rate"]
    );
}

#[test]
fn limits_count_bodies() {
    let prelude =
        "def f(x): return x + x*x + x*x*x\ndef g(x): return f(f(f(x)))\ndef unused(x): return f(x) + g(x) + f(x)";
    let build = |max_nodes: usize| {
        let limits = Limits { max_nodes, max_text_bytes: 20, ..Limits::default() };
        Engine::builder().prelude(prelude).limits(limits).build().expect("preludes have limits of their own")
    };
    let signature = Signature::new().with("a", VarType::array(DType::Float64));
    assert!(build(100).compile("g(a)", &signature).is_ok());
    let error = build(30).compile("g(a)", &signature).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Limit);
    expect![[r#"
        error: the text becomes more than 30 operations
          g(a)
          ^^^^ in this call of `g`
          in the prelude:
          1 | def f(x): return x + x*x + x*x*x
            |                              ^ one part too many
          2 | def g(x): return f(f(f(x)))
            |                    ^^^^^^^ in this call of `f`
          = what a function consists of counts each time that it is called
    "#]]
    .assert_eq(&error.render());
    assert_eq!(build(100).compile("a + a + a + a + a + a", &signature).unwrap_err().kind(), ErrorKind::Limit);
}

#[track_caller]
fn check(engine: &Engine, text: &str, expected: Expect) {
    let signature = Signature::new()
        .with("a", VarType::array(DType::Float64))
        .with("flags", VarType::array(DType::Bool))
        .with("k", VarType::scalar(DType::Float64));
    let error = engine.compile(text, &signature).expect_err(text);
    assert!(error.spans().all(|span| span.end as usize <= text.len()), "{error:?}");
    expected.assert_eq(&error.render());
}

#[test]
fn errors_show_the_text_and_the_prelude() {
    let one = engine(&["
def spread(x, y):
    low = minimum(x, y)
    return x - low

def outer(x):
    return spread(x, x > 1) + missing

def wrong(x): return sum(x, axis=1.5)
def none(x):
    y = x
def index(x): return x[1.5]
def again(x): return again(x)
def default(x=default()): return x
def unset(x):
    return y
    y = x
def calls(x): return sinn(x)
"]);
    check(
        &one,
        "1 + spread(flags, flags)",
        expect![[r#"
        error: `-` is not defined for bool and bool
          1 + spread(flags, flags)
              ^^^^^^^^^^^^^^^^^^^^ in this call of `spread`
          in the prelude:
          4 |     return x - low
            |            ^   ^^^ this is bool
            |            |
            |            this is bool
          = to tell where bools differ, use ^; to count, cast: int8(x) - int8(y)
    "#]],
    );
    check(
        &one,
        "outer(a)",
        expect![[r#"
        error: there is no variable `missing`
          outer(a)
          ^^^^^^^^ in this call of `outer`
          in the prelude:
          7 |     return spread(x, x > 1) + missing
            |                               ^^^^^^^ not found
          = the variables are `a`, `flags`, `k`
    "#]],
    );
    check(
        &one,
        "def f(x): return spread(x, y=x)\nt = a*2\nf(t > 1)",
        expect![[r#"
        error: `-` is not defined for bool and bool
          1 | def f(x): return spread(x, y=x)
            |                  ^^^^^^^^^^^^^^ in this call of `spread`
          3 | f(t > 1)
            | ^^^^^^^^ in this call of `f`
          in the prelude:
          4 |     return x - low
            |            ^   ^^^ this is bool
            |            |
            |            this is bool
          = to tell where bools differ, use ^; to count, cast: int8(x) - int8(y)
    "#]],
    );
    check(
        &one,
        "wrong(a)",
        expect![[r#"
        error: `axis` must be an integer, a tuple of integers or None, found a float
          wrong(a)
          ^^^^^^^^ in this call of `wrong`
          in the prelude:
          9 | def wrong(x): return sum(x, axis=1.5)
            |                                  ^^^ this is a float
          = write it out: axis=0, axis=-1 for the last, or axis=(0, 1) for both
    "#]],
    );
    check(
        &one,
        "a + none(a)",
        expect![[r#"
        error: the function returns nothing
          a + none(a)
              ^^^^^^^ a value is needed here
          = the function needs a `return`
    "#]],
    );
    check(
        &one,
        "index(a)",
        expect![[r#"
        error: this is no index
          index(a)
          ^^^^^^^^ in this call of `index`
          in the prelude:
          12 | def index(x): return x[1.5]
             |                        ^^^ expected an integer, a slice, `None` or `...`
          = an index is written out, or is a name that the text gives an integer
    "#]],
    );
    check(
        &one,
        "again(a)",
        expect![[r#"
        error: the function `again` calls itself
          again(a)
          ^^^^^^^^ in this call of `again`
          in the prelude:
          13 | def again(x): return again(x)
             |                      ^^^^^^^^ called here again
    "#]],
    );
    check(
        &one,
        "default()",
        expect![[r#"
        error: the function `default` calls itself
          default()
          ^^^^^^^^^ in this call of `default`
          in the prelude:
          14 | def default(x=default()): return x
             |               ^^^^^^^^^ called here again
    "#]],
    );
    check(
        &one,
        "unset(a)",
        expect![[r#"
        error: `y` is used before it has a value
          unset(a)
          ^^^^^^^^ in this call of `unset`
          in the prelude:
          16 |     return y
             |            ^ it has no value here
          = the function assigns to this name later, so it is not a name from outside
    "#]],
    );
    check(
        &one,
        "calls(a)",
        expect![[r#"
        error: there is no function `sinn`
          calls(a)
          ^^^^^^^^ in this call of `calls`
          in the prelude:
          18 | def calls(x): return sinn(x)
             |                      ^^^^ not found
          = did you mean `sign`?
    "#]],
    );
    // Errors of the call itself.
    check(
        &one,
        "spread(a)",
        expect![[r#"
        error: `spread` needs an argument for `y`
          spread(a)
          ^^^^^^^^^ in this call
          in the prelude:
          2 | def spread(x, y):
            |     ^^^^^^ defined here
          = its form is spread(x, y)
    "#]],
    );
    check(
        &one,
        "spread(a, z=1)",
        expect![[r#"
        error: `spread` has no parameter `z`
          spread(a, z=1)
                    ^ no parameter of this function
          in the prelude:
          2 | def spread(x, y):
            |     ^^^^^^ defined here
          = its form is spread(x, y)
    "#]],
    );
    check(
        &one,
        "spred(a, a)",
        expect![[r#"
        error: there is no function `spred`
          spred(a, a)
          ^^^^^ not found
          = did you mean `spread`?
    "#]],
    );
    check(
        &one,
        "spread + 1",
        expect![[r#"
        error: `spread` is a function, and no variable has this name
          spread + 1
          ^^^^^^ a value is needed here
          = to call the function, write spread(...)
    "#]],
    );
    check(
        &one,
        "spread(a, a)\ndef spread(x): return x",
        expect![[r#"
        error: `spread` is called before it is defined
          1 | spread(a, a)
            | ^^^^^^ called here
          2 | def spread(x): return x
            |     ^^^^^^ defined here
    "#]],
    );
}

#[test]
fn errors_show_several_preludes() {
    let two = engine(&["def inner(x): return x & 1", "# Second.\n\ndef outer(x):\n    return inner(x) + inner(2)\n"]);
    check(
        &two,
        "outer(a)",
        expect![[r#"
        error: `&` is not defined for float64 and float64
          outer(a)
          ^^^^^^^^ in this call of `outer`
          in prelude 1:
          1 | def inner(x): return x & 1
            |                      ^   ^ this is float64
            |                      |
            |                      this is float64
          in prelude 2:
          4 |     return inner(x) + inner(2)
            |            ^^^^^^^^ in this call of `inner`
          = conditions need brackets, as in (x > 1) & (y > 2); for bits, cast to an integer first: int64(x)
    "#]],
    );
    check(
        &two,
        "def f(x):\n    return outer(x)*2\nf(a)",
        expect![[r#"
        error: `&` is not defined for float64 and float64
          2 |     return outer(x)*2
            |            ^^^^^^^^ in this call of `outer`
          3 | f(a)
            | ^^^^ in this call of `f`
          in prelude 1:
          1 | def inner(x): return x & 1
            |                      ^   ^ this is float64
            |                      |
            |                      this is float64
          in prelude 2:
          4 |     return inner(x) + inner(2)
            |            ^^^^^^^^ in this call of `inner`
          = conditions need brackets, as in (x > 1) & (y > 2); for bits, cast to an integer first: int64(x)
    "#]],
    );
}

#[test]
fn errors_of_a_call_show_the_prelude() {
    let engine = engine(&[
        "def total(x):\n    return sum(x, axis=2)\ndef first(x): return x[5]\ndef both(x, y): return x + y\ndef rated(x): return x*rate[4]",
    ]);
    let check = |text: &str, vars: &Vars<'_>, expected: Expect| {
        let error = engine.evaluate::<ndexpr::DynArray>(text, vars).expect_err(text);
        expected.assert_eq(&error.render());
    };
    let (a, b): (Array1<f64>, Array1<f64>) = (Array1::zeros(3), Array1::zeros(4));
    check(
        "total(a)*2",
        &vars! { a },
        expect![[r#"
            error: there is no axis 2 in the shape [3]
              total(a)*2
              ^^^^^^^^ in this call of `total`
              in the prelude:
              2 |     return sum(x, axis=2)
                |                        ^ expected 0 or -1
        "#]],
    );
    check(
        "first(a)",
        &vars! { a },
        expect![[r#"
        error: there is no index 5 in axis 0 of the shape [3]
          first(a)
          ^^^^^^^^ in this call of `first`
          in the prelude:
          3 | def first(x): return x[5]
            |                      ^^^^ expected 0 to 2, or -1 to -3 from the end
    "#]],
    );
    check(
        "both(a, b)",
        &vars! { a, b },
        expect![[r#"
        error: shapes [3] and [4] do not broadcast
          both(a, b)
          ^^^^^^^^^^ in this call of `both`
          in the prelude:
          4 | def both(x, y): return x + y
            |                        ^   ^ this has shape [4]
            |                        |
            |                        this has shape [3]
          = extents, from the last axis on, must be equal or 1, found 3 and 4
    "#]],
    );
    check(
        "both(a*2, b)",
        &vars! { a, b },
        expect![[r#"
        error: shapes [3] and [4] do not broadcast
          both(a*2, b)
          ^^^^^^^^^^^^ in this call of `both`
          in the prelude:
          4 | def both(x, y): return x + y
            |                        ^   ^ this has shape [4]
            |                        |
            |                        this has shape [3]
          = extents, from the last axis on, must be equal or 1, found 3 and 4
    "#]],
    );
    // What only a prelude reads is shown where the text needs it.
    check(
        "1 + both(b, 1) + rated(b)",
        &vars! { b, rate: 1.0 },
        expect![[r#"
        error: a single value cannot be indexed
          1 + both(b, 1) + rated(b)
                           ^^^^^^^^ in this call of `rated`
          in the prelude:
          5 | def rated(x): return x*rate[4]
            |                        ^^^^^^^ this has no axes
    "#]],
    );
    let signature =
        Signature::new().with("b", VarType::array(DType::Float64)).with("rate", VarType::array(DType::Int8));
    let program = engine.compile("rated(b)", &signature).expect("a program");
    let missing = program.evaluate::<ndexpr::DynArray>(&vars! { b }).unwrap_err();
    expect![[r#"
        error: the variable `rate` was not given
          rated(b)
          ^^^^^^^^ used here
    "#]]
    .assert_eq(&missing.render());
    let wrong = program.evaluate::<ndexpr::DynArray>(&vars! { b, rate: &[1.0] }).unwrap_err();
    expect![[r#"
        error: the variable `rate` is float64, but the program was compiled for int8
          rated(b)
          ^^^^^^^^ used here
    "#]]
    .assert_eq(&wrong.render());
    let float: Result<Array1<f32>, _> = engine.evaluate("both(a, a)", &vars! { a });
    expect![[r#"
        error: the result is float64, but float32 is asked for
          both(a, a)
          ^^^^^^^^^^ this is float64
          = to convert it, write float32(both(a, a))
    "#]]
    .assert_eq(&float.unwrap_err().render());
}

#[test]
fn preludes_that_are_wrong() {
    let check = |prelude: &str, kind: ErrorKind, expected: Expect| {
        let error =
            Engine::builder().prelude("def fine(): return 1").prelude(prelude).build().map(drop).expect_err(prelude);
        assert_eq!(error.kind(), kind, "{prelude}");
        expected.assert_eq(&error.render());
    };
    check(
        "def f(x): return x\nk = 3\ndef g(x): return x*k",
        ErrorKind::Statement,
        expect![[r#"
            error: a prelude has functions and nothing else
              2 | k = 3
                | ^^^^^ expected the definition of a function
              = a prelude defines what texts can call; only texts compute something
        "#]],
    );
    check(
        "f(3)",
        ErrorKind::Statement,
        expect![[r#"
            error: a prelude has functions and nothing else
              f(3)
              ^^^^ expected the definition of a function
              = a prelude defines what texts can call; only texts compute something
        "#]],
    );
    check(
        "def f(x):\n    def g(y): return y\n    return g(x)",
        ErrorKind::Statement,
        expect![[r#"
        error: a function cannot be defined in another one
          2 |     def g(y): return y
            |         ^ inside of another function
          = define it before the other function
    "#]],
    );
    check(
        "def f(x) return x",
        ErrorKind::Syntax,
        expect![[r#"
        error: expected `:`, found the keyword `return`
          def f(x) return x
                   ^^^^^^ expected `:`
          = this begins a statement, on a line of its own
    "#]],
    );
    check(
        "# nothing",
        ErrorKind::Syntax,
        expect![[r#"
        error: the expression is empty
          = an expression looks like `a + b*2`
    "#]],
    );
    check(
        "x: 'float'",
        ErrorKind::Statement,
        expect![[r#"
        error: a prelude has functions and nothing else
          x: 'float'
          ^^^^^^^^^^ expected the definition of a function
          = a prelude defines what texts can call; only texts compute something
    "#]],
    );
    check(
        "pass",
        ErrorKind::Statement,
        expect![[r#"
            error: a prelude has functions and nothing else
              pass
              ^^^^ expected the definition of a function
              = a prelude defines what texts can call; only texts compute something
        "#]],
    );
}
