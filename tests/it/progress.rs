//! Progress: of runs and of compiling, and how it stops them.

use ndarray::Array1;
use ndexpr::{Backend, DType, Engine, ErrorKind, Progress, Signature, VarType, vars};
use std::sync::Arc;

/// Compiling asks between the functions of a kernel, between loops and between passes.
#[test]
fn compiling_may_be_cancelled() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let engine = Engine::builder().threads(1).build().unwrap();
    let signature = Signature::new().with("a", VarType::array(DType::Float64));
    let sum = |n: usize, part: &str| (0..n).map(|k| part.replace('#', &k.to_string())).collect::<Vec<_>>().join(" + ");
    for (text, least) in [(sum(800, "sin(a + #)"), 3), (sum(5000, "a*#"), 3), (sum(40, "argmin(a - #)"), 40)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let compile = |n_answers: usize| {
            asked.store(0, Ordering::Relaxed);
            let counter = Arc::clone(&asked);
            let may_go_on = move || counter.fetch_add(1, Ordering::Relaxed) < n_answers;
            let progress = Progress::default().asking(std::time::Duration::ZERO, may_go_on);
            engine.compile_with(&text, &signature, Some(&progress))
        };
        let program = compile(usize::MAX).unwrap();
        assert_eq!(program.backend(), Backend::Jit);
        let n_questions = asked.load(Ordering::Relaxed);
        assert!(n_questions >= least, "{n_questions} questions");
        for n_answers in [0, 1, 2, n_questions / 2, n_questions - 1] {
            let error = compile(n_answers).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{n_answers} answers");
            assert_eq!(error.to_string(), "compiling was cancelled");
            assert!(asked.load(Ordering::Relaxed) <= n_answers + 3, "{n_answers} answers");
        }
    }
}

#[test]
fn progress_is_told_and_may_cancel() {
    let engine = Engine::builder().threads(2).build().unwrap();
    let a = Array1::<f64>::ones(1_000_000);
    let mut out = Array1::<f64>::zeros(a.len());
    let program = engine.program("a + 1", &vars! { a }).unwrap();
    let progress = Progress::default();
    program.run_with(&vars! { a }, &mut out, Some(&progress)).unwrap();
    assert_eq!((progress.done(), progress.total()), (a.len(), a.len()));
    progress.cancel();
    let error = program.run_with(&vars! { a }, &mut out, Some(&progress)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
