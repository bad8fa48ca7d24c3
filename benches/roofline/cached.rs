//! Arrays that fit the caches, with an output that is reused: what threads cost and gain when calls
//! are short.

use crate::contest::{Contest, Way};
use crate::data::{Data, Outputs};
use crate::kernels;
use crate::memory::{Array, Number};
use crate::simd::{Level, Stores::Ordinary};
use ndexpr::{Element, Engine, Vars};
use std::cell::RefCell;

/// Elements of the arrays.
pub(crate) const N: usize = 100_000;

/// The goal: an expression's time, divided by that of the best loop, at most.
const GOAL: f64 = 1.05;

/// Against the loop of one thread, and against ourselves on one.
pub(crate) fn contests<'a>(
    data: &'a Data,
    outputs: &'a Outputs,
    engine: &'a Engine,
    alone: &'a Engine,
) -> Vec<Contest<'a>> {
    let engines = [engine, alone];
    let n = N.min(data.n);
    let a = || Vars::new().with("a", &data.a[..n]);
    let both = || a().with("b", &data.b[..n]);
    let bytes = || Vars::new().with("x", &data.x[..n]).with("y", &data.y[..n]);
    vec![
        contest(engines, "a + b*2", both(), &outputs.f64, n, |level, out| {
            kernels::triad(level, &data.a, &data.b, out, Ordinary)
        }),
        contest(engines, "((.25*a + .75)*a - 1.5)*a - 2", a(), &outputs.f64, n, |level, out| {
            kernels::horner(level, &data.a, out, Ordinary)
        }),
        contest(engines, "where(a > 0.5, a*2, b + 1)", both(), &outputs.f64, n, |level, out| {
            kernels::select(level, &data.a, &data.b, out, Ordinary)
        }),
        contest(engines, "sqrt(a**2 + b**2)", both(), &outputs.f64, n, |level, out| {
            kernels::hypotenuse(level, &data.a, &data.b, out, Ordinary)
        }),
        contest(engines, "x*x + x", Vars::new().with("x", &data.f[..n]), &outputs.f32, n, |level, out| {
            kernels::square_plus_f32(level, &data.f, out, Ordinary)
        }),
        contest(engines, "x + y", bytes(), &outputs.u8, n, |level, out| {
            kernels::add_u8(level, &data.x, &data.y, out, Ordinary)
        }),
    ]
}

/// All ways write the same output: which addresses it has makes a difference.
fn contest<'a, T: Number + Element>(
    [engine, alone]: [&Engine; 2],
    text: &'static str,
    vars: Vars<'a>,
    out: &'a RefCell<Array<T>>,
    n: usize,
    by_hand: impl Fn(Level, &mut [T]) + Copy + 'a,
) -> Contest<'a> {
    let ours = |engine: &Engine| {
        let (program, vars) = (engine.program(text, &vars).expect("it is an expression"), vars.clone());
        Way::new(move || program.run(&vars, &mut out.borrow_mut()[..n]).expect("shapes fit"))
    };
    let by_hand = |level| Way::new(move || by_hand(level, &mut out.borrow_mut()[..n]));
    Contest::new(text, n, ours(engine))
        .against("by hand, 1 thread", Level::available().map(by_hand).collect())
        .goal(GOAL)
        .against("ndexpr, 1 thread", vec![ours(alone)])
}
