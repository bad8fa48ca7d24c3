//! Differential fuzzing: random well-typed expressions over random layouts, compiled and
//! interpreted, with one thread and four, strict and fast. No bit may differ.
//!
//! `NDEXPR_FUZZ_CASES=100000 cargo test --release differential` is the long run. `NDEXPR_FUZZ_SEED`
//! is the first seed: with one case and the seed of a report, it repeats a failure. `cargo fuzz run
//! evaluate` is the same check, guided by coverage.

use crate::cases::case::Case;
use crate::cases::check::{Outcome, check, report, shrink};
use crate::cases::language::{Form, Language};
use crate::cases::source::Source;
use crate::seeds::for_each_seed;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// What a run has seen.
#[derive(Default)]
struct Seen {
    forms: HashMap<Form, u64>,
    n_rejected: u64,
    n_failed: u64,
    n_elems: usize,
    n_nodes: usize,
    failures: Vec<String>,
}

#[test]
fn random_expressions() {
    let n_forms = Language::get().forms.len() as u64;
    let (start, seen) = (Instant::now(), Mutex::new(Seen::default()));
    let n_failures = || seen.lock().unwrap().failures.len();
    let seeds = for_each_seed(n_forms, n_failures, |seed| one(seed, &seen));
    let n_cases = seeds.end - seeds.start;
    let seen = seen.into_inner().unwrap();
    eprintln!(
        "{n_cases} cases ({} rejected, {} not run), {} nodes, {} elements, {} of {n_forms} forms, {:.1} s",
        seen.n_rejected,
        seen.n_failed,
        seen.n_nodes,
        seen.n_elems,
        seen.forms.len(),
        start.elapsed().as_secs_f64(),
    );
    assert!(seen.failures.is_empty(), "{} failures:\n\n{}", seen.failures.len(), seen.failures.join("\n"));
    if n_cases >= n_forms {
        let missed: Vec<String> = Language::get()
            .forms
            .iter()
            .filter(|form| !seen.forms.contains_key(form))
            .map(|&form| Language::get().form_name(form))
            .collect();
        assert!(missed.is_empty(), "never compiled: {missed:?}");
        assert!(seen.n_rejected * 50 < n_cases, "{} of {n_cases} cases are not well typed", seen.n_rejected);
        assert!(seen.n_failed * 3 < n_cases, "{} of {n_cases} cases do not run", seen.n_failed);
    }
}

/// The case of a seed. Its root goes through all forms in turn, so that none is missed.
fn one(seed: u64, seen: &Mutex<Seen>) {
    let forms = &Language::get().forms;
    let root = forms[(seed % forms.len() as u64) as usize];
    let case = Case::draw(&mut Source::from_seed(seed), Some(root));
    let outcome = check(&case);
    let failure = outcome.clone().err().map(|why| {
        let original = report(&case, &why);
        let (case, why) = shrink(case.clone(), why);
        let again = format!("NDEXPR_FUZZ_SEED={seed} NDEXPR_FUZZ_CASES=1");
        format!("{}  again with {again}\n  shrunk from\n{original}", report(&case, &why))
    });
    let mut seen = seen.lock().unwrap();
    match outcome {
        Ok(Outcome::Same(n_elems)) => {
            seen.n_elems += n_elems;
            seen.n_nodes += case.expr.size();
            case.expr.each_form(&mut |form| *seen.forms.entry(form).or_default() += 1);
        }
        Ok(Outcome::Rejected) => seen.n_rejected += 1,
        Ok(Outcome::Failed) => {
            seen.n_failed += 1;
            case.expr.each_form(&mut |form| *seen.forms.entry(form).or_default() += 1);
        }
        Err(_) => {}
    }
    seen.failures.extend(failure);
}
