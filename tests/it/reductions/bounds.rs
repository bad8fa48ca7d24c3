//! Domains larger than any memory, and long runs that are cancelled: an answer or an error, soon.

use ndarray::{Array1, Array2, array};
use ndexpr::{DType, DynArray, Engine, ErrorKind, Progress, Vars, View, vars};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One int8 zero, repeated to a shape of any size.
fn zeros(shape: &[usize]) -> View<'static> {
    View::from_bytes(&[0], DType::Int8, shape, &vec![0; shape.len()], 0).expect("a view")
}

/// Stops a run when it is asked for the so manieth time. With this period, it is asked each time.
fn stopping_at(n_questions: usize) -> Progress {
    let n_asked = AtomicUsize::new(0);
    Progress::default().asking(Duration::ZERO, move || n_asked.fetch_add(1, Ordering::Relaxed) + 1 < n_questions)
}

#[test]
fn the_first_element_decides_domains_of_any_size() {
    let start = Instant::now();
    for n in [1 << 46, 1 << 54] {
        let h = zeros(&[n]);
        let any: bool = ndexpr::evaluate("any(h == 0)", vars! { h: h.clone() }).expect("an answer");
        let all: bool = ndexpr::evaluate("all(h == 1)", vars! { h }).expect("an answer");
        assert_eq!((any, all), (true, false));
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

/// The counts of means are checked before they are multiplied.
#[test]
fn domains_that_nobody_can_count_are_an_error() {
    let (a, b) = (zeros(&[1 << 33, 1]), zeros(&[1, 1 << 33]));
    for text in ["mean(a + b)", "sum(a + b)", "var(float64(a) + b)"] {
        let error = ndexpr::evaluate::<DynArray>(text, vars! { a: a.clone(), b: b.clone() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{text}: {error}");
    }
}

#[test]
fn gigantic_sums_can_be_cancelled() {
    let engine = Engine::builder().threads(2).build().expect("an engine");
    for text in ["float64(sum(h))", "mean(h)", "float64(max(h + 1))", "float64(argmax(h))"] {
        let vars = Vars::new().with("h", zeros(&[1 << 54]));
        let program = engine.program(text, &vars).expect("it compiles");
        let mut out = array![0.0];
        let error = program.run_with(&vars, &mut out, Some(&stopping_at(4))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{text}: {error}");
    }
}

/// A scan is one long chunk.
#[test]
fn scans_report_and_can_be_cancelled() {
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let a = Array1::<f64>::ones(1 << 20);
    let mut out = Array1::<f64>::zeros(a.len());
    let program = engine.program("cumsum(a)", &vars! { a }).expect("it compiles");
    let progress = stopping_at(3);
    let error = program.run_with(&vars! { a }, &mut out, Some(&progress)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!((1..a.len()).contains(&progress.done()), "{}", progress.done());
    let progress = Progress::default();
    program.run_with(&vars! { a }, &mut out, Some(&progress)).expect("it runs");
    assert_eq!((progress.done(), progress.total()), (a.len(), a.len()));
    assert_eq!(out[a.len() - 1], a.len() as f64);
}

/// Repeating a reduction into a larger output counts, and can be cancelled, as what comes before.
#[test]
fn a_reduction_is_repeated_with_progress() {
    let engine = Engine::builder().threads(2).build().expect("an engine");
    let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let mut out = Array2::<f64>::zeros((100_000, 3));
    let program = engine.program("sum(a, axis=0)", &vars! { a }).expect("it compiles");
    let progress = Progress::default();
    program.run_with(&vars! { a }, &mut out, Some(&progress)).expect("it runs");
    assert_eq!((progress.done(), progress.total()), (300_006, 300_006));
    assert!(out.rows().into_iter().all(|row| row == array![5.0, 7.0, 9.0]));
    // With one thread, the one that asks computes all chunks.
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let program = engine.program("sum(a, axis=0)", &vars! { a }).expect("it compiles");
    let progress = stopping_at(3);
    let error = program.run_with(&vars! { a }, &mut out, Some(&progress)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!((a.len()..out.len()).contains(&progress.done()), "{}", progress.done());
}
