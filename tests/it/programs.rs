//! Programs: texts of several statements. Each means what an expression without them means.

use ndarray::{Array1, Array2, array};
use ndexpr::{DType, DynArray, Engine, ErrorKind, Signature, Stage, VarType, Vars, vars};
use std::fmt::Write as _;

/// The result of a text, as its dtype, shape and bytes.
fn result(text: &str, vars: &Vars<'_>) -> (DType, Vec<usize>, String) {
    let result: DynArray = Engine::global().evaluate(text, vars).unwrap_or_else(|error| panic!("{error:?}"));
    (result.dtype(), result.shape().to_vec(), format!("{result:?}"))
}

/// Texts, and the expressions that they mean.
const SAME: &[(&str, &str)] = &[
    ("t = a*b\nreturn t + t", "a*b + a*b"),
    ("t = a*b; t + t", "a*b + a*b"),
    ("t = a*b\nt", "a*b"),
    ("return a", "a"),
    // A name may get other values, and what it had stays with those that used it.
    ("x = a; y = x; x = x + 1; x*y", "(a + 1)*a"),
    ("a = a + 1; a*a", "(a + 1)*(a + 1)"),
    ("x = y = a - b; x*y", "(a - b)*(a - b)"),
    ("x, y = a, b; x, y = y, x; x - y", "b - a"),
    ("(x, (y, z)), w = (a, (b, 2)), 3; x*y*z*w", "a*b*2*3"),
    ("t = (a, b); x, y = t; x - y", "a - b"),
    ("x = a; x += b; x", "a + b"),
    ("x = a; x -= b; x", "a - b"),
    ("x = a; x *= b; x", "a*b"),
    ("x = a; x /= b; x", "a/b"),
    ("x = a; x //= b; x", "a//b"),
    ("x = a; x %= b; x", "a % b"),
    ("x = a; x **= b; x", "a**b"),
    ("x = i; x <<= 2; x", "i << 2"),
    ("x = i; x >>= 2; x", "i >> 2"),
    ("x = i; x &= 6; x", "i & 6"),
    ("x = i; x |= 6; x", "i | 6"),
    ("x = i; x ^= 6; x", "i ^ 6"),
    // Literals stay weak under a name.
    ("n = 0; n += 1; i8 + n", "i8 + 1"),
    ("k = 2; s = 0.5; f32*k + s", "f32*2 + 0.5"),
    ("half = 1/2; f32*half", "f32*0.5"),
    // Functions.
    ("def f(x): return x*2\nf(a) + f(b)", "a*2 + b*2"),
    ("def f(x, k=2):\n    y = x*k\n    return y + k\nf(a) - f(b, 3) - f(a, k=b)", "(a*2 + 2) - (b*3 + 3) - (a*b + b)"),
    ("def f(x, y): return x, y\np, q = f(b, y=a)\np - q", "b - a"),
    ("def g(x): return x + 1\ndef f(x): return g(x)*g(2)\nf(a)", "(a + 1)*3"),
    ("def f(x): return x + offset\noffset = b\nf(a)", "a + b"),
    ("offset = a\ndef f(x): return x + offset\noffset = b\nf(a)", "a + b"),
    ("k = b\ndef f(x, k=k): return x*k\nk = 3\nf(a)", "a*b"),
    ("def f(x): return x + 1\ndef f(x): return x + 2\nf(a)", "a + 2"),
    ("def f(x):\n    x = x + 1\n    return x\nx = b\nf(a)*x", "(a + 1)*b"),
    ("def f(x):\n    '''Twice.'''\n    pass\n    return 2*x\nf(a)", "2*a"),
    ("def f(x: float, k: int = 2) -> float:\n    y: float = x*k\n    return y\nf(a)", "a*2"),
    ("def clip(x): return x + 1\nclip(a)", "a + 1"),
    ("def f(): return 2\nf()*a", "2*a"),
    // Layout.
    ("\n    x = a*b\n\n    # half of it\n    return x/2\n", "a*b/2"),
    ("x = (a +\n  b)\nx", "a + b"),
    ("x = a + \\\n  b\nx", "a + b"),
    ("x = where(a > 0,\n   a, b)\nx;", "where(a > 0, a, b)"),
    // Methods, and names of modules.
    ("a.sum() + a.min()*a.max()", "sum(a) + min(a)*max(a)"),
    ("(m*2).sum(axis=1)", "sum(m*2, axis=1)"),
    ("m.mean(0, keepdims=True)", "mean(m, 0, keepdims=True)"),
    ("m.std(axis=-1, ddof=1)", "std(m, axis=-1, ddof=1)"),
    ("a.clip(-1, 1).round()", "round(clip(a, -1, 1))"),
    ("a.astype(float32) + i.astype(np.int8).sum()", "float32(a) + sum(int8(i))"),
    ("np.sin(a) + numpy.cos(b) + math.sqrt(2) + np.pi + math.e", "sin(a) + cos(b) + sqrt(2) + pi + e"),
    ("np.sum(m, axis=1) + np.float64(i8).max()", "sum(m, axis=1) + max(float64(i8))"),
    // Options that a name stands for.
    ("def f(x, axis=None): return sum(x, axis=axis)\nf(m, 1) + f(m)", "sum(m, axis=1) + sum(m)"),
    ("k = -1; d = True; f = 1.0\nvar(m, axis=k, keepdims=d, ddof=f)", "var(m, axis=-1, keepdims=True, ddof=1.0)"),
    ("both = (0, 1); sum(m, axis=both)", "sum(m, axis=(0, 1))"),
    ("k = 1; sum(m, axis=(0, k)) + sum(m, axis=-k)", "sum(m, axis=(0, 1)) + sum(m, axis=-1)"),
];

#[test]
fn statements_mean_what_an_expression_means() {
    let (a, b) = (array![1.5, -2.0, 0.25, 7.0], array![2.0, 0.5, -3.0, 1.0]);
    let (i, i8) = (array![5_i64, -7, 0, 12], array![1_i8, 2, 3, -4]);
    let f32 = array![0.5_f32, 1.0, -2.0, 3.5];
    let m = Array2::from_shape_fn((4, 4), |(r, c)| r as f64 * 1.5 - (c * c) as f64);
    let vars = vars! { a: a.view(), b: b.view(), i: i.view(), i8: i8.view(), f32: f32.view(), m: m.view() };
    for (text, expression) in SAME {
        assert_eq!(result(text, &vars), result(expression, &vars), "{text}");
    }
}

/// What the result does not need takes no part in its shape, and need not be given.
#[test]
fn values_without_use_leave_no_trace() {
    let (a, m) = (array![1.0, 2.0], Array2::<f64>::zeros((3, 3)));
    let vars = vars! { a: a.view(), m: m.view() };
    assert_eq!(result("t = m*2; return a + 1", &vars), result("a + 1", &vars));
    let signature =
        ["a", "m"].iter().fold(Signature::new(), |all, &name| all.with(name, VarType::array(DType::Float64)));
    let program = Engine::global().compile("t = m*2; return a + 1", &signature).expect("a program");
    assert_eq!(program.variables().map(|(name, _)| name).collect::<Vec<_>>(), ["m", "a"]);
    assert_eq!(program.evaluate::<Array1<f64>>(&vars! { a: a.view() }).unwrap(), array![2.0, 3.0]);
    let with_weak = signature.clone().with("n", VarType::weak(DType::Int64)).with("k", VarType::weak(DType::Int64));
    let with_numbers = Engine::global().compile("d = n*2\na*(k*3)", &with_weak).expect("a program");
    let only_read = Vars::new().with("a", &a).with("k", ndexpr::Var::weak(2_i64));
    assert_eq!(with_numbers.evaluate::<Array1<f64>>(&only_read).unwrap(), array![6.0, 12.0]);
    let in_order = [ndexpr::Var::from(&m), ndexpr::Var::from(&a)];
    let mut out = Array1::<f64>::zeros(2);
    program.run_in_order(&in_order, &mut out, None).unwrap();
    assert_eq!(out, array![2.0, 3.0]);
    let error =
        Engine::global().compile("t = m & 2; return a + 1", &signature).expect_err("it is checked nevertheless");
    assert_eq!(error.kind(), ErrorKind::NotDefined);
}

/// Names of variables are those that the text assigns nothing to.
#[test]
fn names_are_those_from_outside() {
    let names = |text: &str| -> Vec<String> {
        Engine::global().names(text).expect("a program").into_iter().map(|used| used.name).collect()
    };
    assert_eq!(names("t = a*b; u = t + c; u"), ["a", "b", "c"]);
    assert_eq!(names("a = a + 1; a*a"), ["a"]);
    assert_eq!(names("def f(x, k=w): return x*k + z\nz = y\nf(a)"), ["w", "y", "a"]);
    assert_eq!(names("def f(x): return x + z\nf(a)"), ["a", "z"]);
    assert_eq!(names("np.sin(x) + x.sum(axis=axis) + x.astype(float32)"), ["x"]);
    assert_eq!(names("np.sin(x)*np.pi + pi"), ["x", "pi"]);
}

/// A program is the same graph as its expression, so it is as fast.
#[test]
fn a_program_compiles_to_its_expression() {
    let signature =
        ["a", "b"].iter().fold(Signature::new(), |all, &name| all.with(name, VarType::array(DType::Float64)));
    // Nodes are numbered in the order in which the text first has them, so only the last one is
    // compared.
    let opt = |text: &str| {
        let graph = Engine::global().compile(text, &signature).expect("a text").explain(Stage::Opt);
        graph.lines().last().map(str::to_owned)
    };
    let text = "def f(x, y):\n    t = x*x\n    u = t + y\n    return u/t\np = f(a, b)\nq = p + a\nreturn q*b";
    assert_eq!(opt(text), opt("(((a*a) + b)/(a*a) + a)*b"));
}

/// Functions that call each other twice would be 2^40 operations.
#[test]
fn programs_that_grow_are_refused_soon() {
    let mut text = "def f0(x): return x + 1\n".to_owned();
    for k in 1..=40 {
        writeln!(text, "def f{k}(x): return f{}(f{}(x))", k - 1, k - 1).unwrap();
    }
    text.push_str("f40(a)");
    let a = array![1.0];
    let error = ndexpr::evaluate::<DynArray>(&text, vars! { a: a.view() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");

    // Values that are shared are no operations again.
    let mut text = "x = a\n".to_owned();
    (0..2000).for_each(|_| text.push_str("x = x + x\n"));
    text.push_str("x*0.0 + 1");
    assert_eq!(ndexpr::evaluate::<Array1<f64>>(&text, vars! { a: array![0.0].view() }).unwrap(), array![1.0]);

    let mut text = "x = a\n".to_owned();
    (0..40).for_each(|_| text.push_str("x = (x, x)\n"));
    text.push('a');
    let error = ndexpr::evaluate::<DynArray>(&text, vars! { a: a.view() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");

    // A reduction of each sum of more and more arrays: what each reads is looked at anew.
    let mut text = "x = a\n".to_owned();
    (0..4000).for_each(|k| writeln!(text, "x = x + sum(x*a + {k})").unwrap());
    text.push('x');
    let error = ndexpr::evaluate::<DynArray>(&text, vars! { a: a.view() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");
}

/// What calls repeat is bounded, whether it computes something or not.
#[test]
fn calls_of_long_functions_are_refused_soon() {
    let a = array![1.0, 2.0];
    let repeated = |body: &str| {
        let mut text = format!("def f(x):\n{body}    return x[:]\nb = a\n");
        (0..3000).for_each(|_| text.push_str("b = f(b)\n"));
        text + "b"
    };
    let long_name = "n".repeat(100_000);
    for body in [
        "    pass\n".repeat(5000),
        format!("    y = sum(x, axis=({}))\n", "0,".repeat(9000)),
        format!("    y = sum(x, {long_name})\n"),
        format!("    y = x[{}]\n", ":,".repeat(60)),
    ] {
        let error = ndexpr::evaluate::<DynArray>(&repeated(&body), vars! { a: a.view() }).unwrap_err();
        assert!(error.to_string().len() < 300, "{error}");
    }
}

/// A thousand functions, each of which calls the one before it.
#[test]
fn calls_may_be_deep() {
    let mut text = "def f0(x): return x + 1\n".to_owned();
    for k in 1..=1000 {
        writeln!(text, "def f{k}(x): return f{}(x)*1.0", k - 1).unwrap();
    }
    text.push_str("f1000(a)");
    assert_eq!(ndexpr::evaluate::<Array1<f64>>(&text, vars! { a: array![1.0].view() }).unwrap(), array![2.0]);
}
