//! Shapes against those that NumPy gives.

use super::*;
use crate::hir::{self, Graph};
use crate::resolve::Registry;
use crate::vars::VarType;
use ndexpr_grammar::Limits;
use ndexpr_runtime::dtype::DType;

/// The graph of a text over float64 arrays, and the scalar `k`.
fn graph(text: &str) -> Graph {
    let ast = ndexpr_grammar::parse(text, &Limits::default()).expect("a text");
    let registry = &Registry::empty();
    let phases = crate::resolve::resolve(&ast, registry, usize::MAX, crate::resolve::Mode::Evaluate, None)
        .expect("an expression");
    let resolved = &phases.all[0].resolved;
    let type_of = |name: &str| match name {
        "k" => Some(VarType::scalar(DType::Float64)),
        _ if name.len() == 1 && name != "e" => Some(VarType::array(DType::Float64)),
        _ => None,
    };
    let scope = hir::Scope { type_of: &type_of, value_of: None, registry, max_iterations: 0, known: &Vec::new };
    let graph = hir::lower(resolved, &scope).expect("a typed text");
    hir::verify(&graph).expect("a graph");
    graph
}

/// `a` is (3, 4), `b` (4,), `c` (2, 3, 4), `s` a single value, `n` (0, 3), `m` (3, 0), `z` (0, 0).
fn shape_of(graph: &Graph, var: hir::VarId) -> &'static [usize] {
    match graph.vars()[var.0 as usize].name.as_str() {
        "a" => &[3, 4],
        "b" => &[4],
        "c" => &[2, 3, 4],
        "n" => &[0, 3],
        "m" => &[3, 0],
        "z" => &[0, 0],
        _ => &[],
    }
}

fn shapes(text: &str) -> Result<Shapes, Failure> {
    let graph = graph(text);
    infer(&graph, |var| shape_of(&graph, var))
}

#[track_caller]
fn check(text: &str, expected: &[usize]) {
    match shapes(text) {
        Ok(shapes) => assert_eq!(shapes.roots[0][..], *expected, "{text}"),
        Err(failure) => panic!("{text}: {failure:?}"),
    }
}

#[test]
fn results() {
    check("sum(a)", &[]);
    check("sum(a, axis=0)", &[4]);
    check("sum(a, -1)", &[3]);
    check("sum(a, None)", &[]);
    check("sum(a, axis=(0, -1), keepdims=True)", &[1, 1]);
    check("sum(a, keepdims=True)", &[1, 1]);
    check("sum(a, axis=())", &[3, 4]);
    check("mean(c, axis=(0, 2))", &[3]);
    check("std(c, (2, 0), keepdims=True)", &[1, 3, 1]);
    check("a - max(a, axis=1, keepdims=True)", &[3, 4]);
    check("exp(a - max(a, 1, keepdims=True)) / sum(exp(a - max(a, 1, keepdims=True)), 1, keepdims=True)", &[3, 4]);
    check("sum(a*b, axis=0)*b", &[4]);
    check("sum(c + a, axis=1)", &[2, 4]);
    check("sum(sum(c, axis=0), axis=0)", &[4]);
    check("c - mean(c, axis=0) + mean(b)", &[2, 3, 4]);
    check("argmin(c, axis=-1, keepdims=True)", &[2, 3, 1]);
    check("argmax(c)", &[]);
    check("sum(2)", &[]);
    check("mean(k) + sum(k*2)", &[]);
    check("sum(s, axis=())", &[]);
    check("sum(b*k)", &[]);
    // A variable takes part in the shape even if optimising drops it.
    check("sum(a*0 + b, axis=0)", &[4]);
    check("b if True else sum(c, axis=0)", &[3, 4]);
}

#[test]
fn running_totals() {
    check("cumsum(b)", &[4]);
    check("cumsum(c, axis=1)", &[2, 3, 4]);
    check("cumprod(c, -1) + b", &[2, 3, 4]);
    // NumPy makes an array of one of a single value.
    check("cumsum(k)", &[1]);
    check("cumsum(s) + s", &[1]);
    assert!(matches!(shapes("cumsum(a)"), Err(Failure::Reduction(..))));
}

#[test]
fn empty_arrays() {
    check("min(n, axis=1)", &[0]);
    check("min(m, axis=0)", &[0]);
    check("min(m, axis=())", &[3, 0]);
    check("argmin(n, axis=1)", &[0]);
    check("sum(m, axis=1)", &[3]);
    check("mean(m, axis=1)", &[3]);
    check("any(n)", &[]);
    for text in ["min(n)", "min(n, 0)", "ptp(m, 1)", "argmax(m, axis=1)", "nanmax(z, 0)", "argmin(z, axis=0)", "max(z)"]
    {
        assert!(matches!(shapes(text), Err(Failure::Reduction(..))), "{text}");
    }
}

#[test]
fn axes_are_checked() {
    for text in
        ["sum(a, 2)", "sum(a, -3)", "sum(a, (0, 0))", "sum(a, (1, -1))", "sum(s, 0)", "sum(2, -1)", "sum(b, 99)"]
    {
        assert!(matches!(shapes(text), Err(Failure::Reduction(..))), "{text}");
    }
    let lowest = format!("sum(a, {})", i64::MIN);
    assert!(matches!(shapes(&lowest), Err(Failure::Reduction(..))));
    assert!(matches!(shapes("sum(a, 1) + b"), Err(Failure::Broadcast(_))));
    assert!(matches!(shapes("sum(a + n)"), Err(Failure::Broadcast(_))));
}

#[test]
fn each_reduction_has_its_shapes() {
    let shapes = shapes("sum(c - max(c, axis=(-1, 0), keepdims=True), axis=-2)").expect("shapes");
    let [max, sum] = &shapes.reductions[..] else { panic!("{shapes:?}") };
    assert_eq!((&max.domain[..], &max.kept[..], &max.result[..]), (&[2, 3, 4][..], &[1, 3, 1][..], &[1, 3, 1][..]));
    assert_eq!(max.axes.iter().collect::<Vec<_>>(), [0, 2]);
    assert_eq!((&sum.domain[..], &sum.kept[..], &sum.result[..]), (&[2, 3, 4][..], &[2, 1, 4][..], &[2, 4][..]));
    assert_eq!(sum.axes.iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn usual_shapes_take_no_heap() {
    let shapes = shapes("mean(c, axis=(0, 2)) - var(c, axis=(0, 2))").expect("shapes");
    assert!(!shapes.roots[0].spilled() && !shapes.reductions.spilled());
}

#[test]
fn equal_reductions_are_one() {
    let n_reductions = |text: &str| graph(text).reductions().len();
    let n_nodes = |text: &str| {
        let graph = graph(text);
        graph.ids().filter(|&id| matches!(graph.expr(id), hir::Expr::Reduce(..))).count()
    };
    assert_eq!((n_reductions("sum(a) - sum(a)"), n_nodes("sum(a) - sum(a)")), (1, 1));
    assert_eq!((n_reductions("sum(a) - sum(a*a)"), n_nodes("sum(a) - sum(a*a)")), (1, 2));
    assert_eq!(n_reductions("sum(a) - sum(a, 0)"), 2);
    assert_eq!(n_reductions("sum(a, 0) - sum(b, 0)"), 2);
    assert_eq!(n_reductions("mean(a) + std(a) + sum(a)"), 3, "sum, count, deviations");
}

#[test]
fn domains_name_what_matters() {
    let domain = |text: &str| {
        let text = graph(text).to_string();
        text.lines().last().and_then(|line| line.split_once(" over ")).map(|(_, domain)| domain.to_owned())
    };
    assert_eq!(domain("b + a + k + sum(c)").as_deref(), Some("b, a"));
    assert_eq!(domain("a - mean(a, 1, keepdims=True)").as_deref(), Some("a"));
    assert_eq!(domain("a - mean(a*b, 1, keepdims=True)").as_deref(), Some("a, r0"));
    assert_eq!(domain("mean(a, 0) - std(a, 0)").as_deref(), Some("r0"), "one stands for the shape of both");
    assert_eq!(
        domain("sum(a, 0, keepdims=True) + sum(sum(a, 0, keepdims=True), 1, keepdims=True)").as_deref(),
        Some("r0")
    );
    assert_eq!(domain("sum(k)").as_deref(), Some("()"));
    assert_eq!(domain("cumsum(a, 0) + a").as_deref(), Some("a"));
    assert_eq!(domain("cumsum(b) + b").as_deref(), Some("b, r0"));
}
