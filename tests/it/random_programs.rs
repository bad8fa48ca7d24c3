//! Differential fuzzing of control flow: random programs with branches and loops, compiled and
//! interpreted, and many of them statement by statement as well. No bit may differ.
//!
//! `NDEXPR_FUZZ_CASES=50000 cargo test --test it random_programs` is the long run, with
//! `NDEXPR_FUZZ_SEED` as in the [differential](super::differential) test of expressions, and
//! `NDEXPR_FUZZ_WORKERS` threads.

use crate::cases::program_case::{ProgramCase, shrink_program};
use crate::cases::program_check::{Outcome, check_program};
use crate::cases::source::Source;
use crate::seeds::for_each_seed;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

/// Programs without a wish for more.
const DEFAULT_CASES: u64 = 300;

/// How often something was said, and the first seed.
type Counts = BTreeMap<String, (u64, u64)>;

fn count(counts: &mut Counts, what: &str, seed: u64) {
    // Whatever the numbers and names of a message are.
    let what = what.replace(|c: char| c.is_ascii_digit(), "");
    counts.entry(what).or_insert((0, seed)).0 += 1;
}

#[derive(Default)]
struct Seen {
    n_elems: usize,
    n_walked: u64,
    refusals: Counts,
    failed: Counts,
    fallbacks: Counts,
    failures: Vec<String>,
}

#[test]
fn branches_and_loops_of_each_element() {
    random("elements", ProgramCase::of_elements);
}

#[test]
fn branches_and_loops_around_updates() {
    random("phases", ProgramCase::of_phases);
}

fn random(what: &str, draw: fn(&mut Source<'_>) -> ProgramCase) {
    let (start, seen) = (Instant::now(), Mutex::new(Seen::default()));
    let n_failures = || seen.lock().unwrap().failures.len();
    let seeds = for_each_seed(DEFAULT_CASES, n_failures, |seed| one(seed, draw, &seen));
    let n_cases = seeds.end - seeds.start;
    let seen = seen.into_inner().unwrap();
    let sum = |counts: &Counts| counts.values().map(|(n, _)| n).sum::<u64>();
    let (n_refused, n_failed) = (sum(&seen.refusals), sum(&seen.failed));
    eprintln!(
        "{what}: {n_cases} programs ({n_refused} refused, {n_failed} not run, {} interpreted, {} one by one), {} elements, {:.1} s",
        sum(&seen.fallbacks),
        seen.n_walked,
        seen.n_elems,
        start.elapsed().as_secs_f64(),
    );
    if n_cases == 1 {
        let case = draw(&mut Source::from_seed(seeds.start));
        eprintln!("{}", case.report(&format!("{:?}", check_program(&case))));
    }
    if n_cases > DEFAULT_CASES {
        eprintln!("{:#?}", (&seen.refusals, &seen.failed, &seen.fallbacks));
    }
    assert!(seen.failures.is_empty(), "{} failures:\n\n{}", seen.failures.len(), seen.failures.join("\n"));
    if n_cases >= DEFAULT_CASES {
        assert!(n_refused * 10 < n_cases, "{n_refused} of {n_cases} programs are refused: {:#?}", seen.refusals);
        assert!(n_failed * 10 < n_cases, "{n_failed} of {n_cases} programs do not run: {:#?}", seen.failed);
        assert!(seen.n_walked * 10 > n_cases, "{} of {n_cases} programs are run one by one", seen.n_walked);
    }
}

fn one(seed: u64, draw: fn(&mut Source<'_>) -> ProgramCase, seen: &Mutex<Seen>) {
    let case = draw(&mut Source::from_seed(seed));
    let outcome = check_program(&case);
    let failure = outcome.as_ref().err().map(|why| {
        let original = case.report(why);
        let (case, why) = shrink_program(case.clone(), why.clone());
        let again = format!("NDEXPR_FUZZ_SEED={seed} NDEXPR_FUZZ_CASES=1");
        format!("{}  again with {again}\n  shrunk from\n{original}", case.report(&why))
    });
    let mut seen = seen.lock().unwrap();
    match outcome {
        Ok(Outcome::Same { n_elems, fallback, is_walked }) => {
            seen.n_elems += n_elems;
            seen.n_walked += u64::from(is_walked);
            if let Some(reason) = fallback {
                count(&mut seen.fallbacks, &reason, seed);
            }
        }
        Ok(Outcome::Rejected(why)) => count(&mut seen.refusals, &why, seed),
        Ok(Outcome::Failed(why)) => count(&mut seen.failed, &why, seed),
        Err(_) => {}
    }
    seen.failures.extend(failure);
}
