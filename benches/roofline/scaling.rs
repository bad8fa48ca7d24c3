//! Work that keeps the processor busy: what more threads gain, and what wider vectors would.

use crate::contest::{Contest, Way};
use crate::data::{Data, Outputs};
use crate::polynomial::{self, COEFFICIENTS, Loop};
use crate::simd::Level;
use ndarray::Array1;
use ndexpr::{Engine, FloatMode, Vars};

const FUNCTIONS: &str = "exp(sin(a)*b)";

/// Inputs and outputs fit the innermost cache. The number is a multiple of the block size of every
/// loop by hand, because these loops are slow on an incomplete block.
const IN_L1: usize = 960;

/// All threads against one, in the caches and beyond.
pub(crate) fn threads<'a>(
    data: &'a Data,
    outputs: &'a Outputs,
    engine: &'a Engine,
    alone: &'a Engine,
) -> Vec<Contest<'a>> {
    let contest = |n: usize| {
        let way = |engine: &Engine| {
            let vars = Vars::new().with("a", &data.a[..n]).with("b", &data.b[..n]);
            let program = engine.program(FUNCTIONS, &vars).expect("it is an expression");
            Way::new(move || program.run(&vars, &mut outputs.f64.borrow_mut()[..n]).expect("shapes fit"))
        };
        Contest::new(format!("{FUNCTIONS}, n = {n:e}"), n, way(engine)).against("1 thread", vec![way(alone)])
    };
    [20_000, 100_000, 10_000_000].into_iter().filter(|&n| n <= data.n).map(contest).collect()
}

/// A polynomial on one thread against loops with wider vectors, once with every operation rounded
/// and once fused.
pub(crate) fn vectors<'a>(data: &'a Data, outputs: &'a Outputs) -> Vec<Contest<'a>> {
    let contest = |title: &str, mode: FloatMode, is_fused: bool| {
        let engine = Engine::builder().threads(1).float_mode(mode).build().expect("one thread");
        let vars = Vars::new().with("x", &data.a[..IN_L1]);
        let program = engine.program(&text(), &vars).expect("it is an expression");
        let ours = move || program.run(&vars, &mut outputs.f64.borrow_mut()[..IN_L1]).expect("shapes fit");
        let ways = |level: Level| {
            let by_hand = move |by_hand: Loop| {
                Way::new(move || by_hand(&data.a[..IN_L1], &mut outputs.f64.borrow_mut()[..IN_L1]))
            };
            polynomial::loops(level, is_fused).into_iter().map(by_hand).collect()
        };
        Contest::new(format!("degree 16, {title}"), IN_L1, Way::new(ours))
            .against("256 bits by hand", ways(Level::Avx2))
            .against("512 bits by hand", ways(Level::Avx512))
    };
    vec![contest("strict", FloatMode::Strict, false), contest("fast", FloatMode::Fast, true)]
}

/// Horner's rule.
fn text() -> String {
    let first = format!("{:?}", COEFFICIENTS[0]);
    COEFFICIENTS[1..].iter().fold(first, |value, coefficient| format!("({value}*x + {coefficient:?})"))
}

/// Panics unless the unfused loops give exactly the strict expression's results, and the fused
/// loops come within 1e-14 of them.
pub(crate) fn check(data: &Data) {
    let x = &data.a[..IN_L1];
    let expected: Array1<f64> = ndexpr::evaluate(&text(), ndexpr::vars! { x }).expect("it is an expression");
    let mut out = vec![0.0; IN_L1];
    for (level, is_fused) in Level::available().flat_map(|level| [(level, false), (level, true)]) {
        for by_hand in polynomial::loops(level, is_fused) {
            out.fill(0.0);
            by_hand(x, &mut out);
            let is_good = |x: f64, y: f64| if is_fused { (x - y).abs() < 1e-14 } else { x == y };
            assert!(out.iter().zip(&expected).all(|(&x, &y)| is_good(x, y)), "{}, fused: {is_fused}", level.name());
        }
    }
}
