//! Short calls that follow each other closely, for which helpers stay awake.

use ndarray::Array1;
use ndexpr::{Engine, Var, vars};

/// Consecutive calls of one thread, each too short to wake helpers for it: some run alone, some
/// with helpers, and none may differ.
#[test]
fn short_calls_in_a_row() {
    let engine = Engine::builder().threads(2).build().unwrap();
    for (n, text) in
        [(40_000, "a + b*2"), (20_001, "exp(a) - b"), (30_000, "sum(a*b) + a"), (50_000, "where(a > b, a, b)*a")]
    {
        let a = Array1::from_iter((0..n).map(|k| (k as f64 * 0.618).fract()));
        let b = Array1::from_iter((0..n).map(|k| (k as f64 * 0.414).fract()));
        let alone = Engine::builder().threads(1).build().unwrap();
        let expected: Array1<f64> = alone.evaluate(text, &vars! { a, b }).unwrap();
        let program = engine.program(text, &vars! { a, b }).unwrap();
        let mut out = Array1::<f64>::zeros(n);
        for call in 0..300 {
            out.fill(f64::NAN);
            program.run(&vars! { a, b }, &mut out).unwrap();
            assert_eq!(out, expected, "{text}, call {call}");
        }
        // By two threads at once, and in place.
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut out = Array1::<f64>::zeros(n);
                    for _ in 0..100 {
                        program.run(&vars! { a, b }, &mut out).unwrap();
                        assert_eq!(out, expected, "{text}");
                    }
                });
            }
        });
        for _ in 0..100 {
            out.assign(&a);
            engine.evaluate_into(text, &vars! { a: Var::output::<f64>(), b }, &mut out).unwrap();
            assert_eq!(out, expected, "{text}, in place");
        }
    }
}
