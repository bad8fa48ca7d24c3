//! Evaluates the records at their places, with several engines.

use super::places::{Place, in_order};
use super::records::{Expected, Golden, Input, Record};
use crate::cases::arrays::Array;
use crate::golden_format::{digest_of, is_nan, is_near};
use ndexpr::{Backend, DType, DynArray, Vars};
use std::collections::HashMap;

/// Failures shown; the others are counted.
const SHOWN: usize = 20;

/// An engine, and how it was made.
pub(super) struct Engine {
    backend: Backend,
    threads: usize,
    engine: ndexpr::Engine,
}

pub(super) fn engine(backend: Backend, threads: usize) -> Engine {
    let engine = ndexpr::Engine::builder().backend(backend).threads(threads).build().expect("an engine");
    Engine { backend, threads, engine }
}

pub(super) struct Found {
    shape: Vec<usize>,
    dtype: DType,
    bits: Vec<u64>,
}

pub(super) fn evaluate(engine: &Engine, text: &str, array: &Array) -> Result<Found, String> {
    let result: DynArray =
        engine.engine.evaluate(text, &Vars::new().with("a", array.view())).map_err(|error| error.to_string())?;
    let bits = result.scalars().map(|scalar| scalar.bits()).collect();
    Ok(Found { shape: result.shape().to_vec(), dtype: result.dtype(), bits })
}

impl Found {
    fn is_same(&self, other: &Found) -> bool {
        let is_nan = |bits| is_nan(self.dtype.short_name(), bits);
        let same = |(&x, &y): (&u64, &u64)| x == y || is_nan(x) && is_nan(y);
        self.dtype == other.dtype && self.bits.len() == other.bits.len() && self.bits.iter().zip(&other.bits).all(same)
    }

    /// What is wrong with it.
    fn problem(&self, record: &Record) -> Option<String> {
        if self.dtype != record.dtype || self.shape != record.shape {
            return Some(format!(
                "gives {} {:?}, expected {} {:?}",
                self.dtype, self.shape, record.dtype, record.shape
            ));
        }
        let name = self.dtype.short_name();
        match &record.expected {
            Expected::Digest(expected) => {
                let found = digest_of(self.dtype, self.bits.iter().copied());
                (found != *expected).then(|| format!("has the digest {found:x}, not {expected:x}"))
            }
            Expected::Elements { step, bits, errors } => {
                let is_right = |i: usize, found: u64, expected: Option<u64>| match expected {
                    None => is_nan(name, found),
                    Some(expected) if found == expected => true,
                    Some(expected) => errors.get(i).is_some_and(|&error| is_near(name, found, expected, error)),
                };
                let pairs = self.bits.iter().copied().step_by(*step).zip(bits.iter().copied());
                let (i, (found, expected)) =
                    pairs.enumerate().find(|&(i, (found, expected))| !is_right(i, found, expected))?;
                let expected = expected.map_or("NaN".to_owned(), |bits| format!("{bits:x}"));
                let error = errors.get(i).copied().unwrap_or_default();
                Some(format!("{name} element {} is {found:x}, expected {expected} within {error:e}", i * step))
            }
        }
    }
}

/// One record over one place.
pub(super) struct Run<'a> {
    record: &'a Record,
    place: &'a Place,
    engines: &'a [Engine],
}

/// What went wrong, and how many evaluations there were.
#[derive(Default)]
pub(super) struct Report {
    failures: Vec<String>,
    n_runs: usize,
}

impl Report {
    fn evaluate(&mut self, run: &Run<'_>, engine: &Engine, text: &str) -> Option<Found> {
        self.n_runs += 1;
        evaluate(engine, text, &run.place.array)
            .inspect_err(|error| self.fail(run, engine, text, &format!("fails: {error}")))
            .ok()
    }

    fn fail(&mut self, run: &Run<'_>, engine: &Engine, text: &str, problem: &str) {
        let Run { record, place, .. } = run;
        let line = format!("every_axis.txt:{}: `{text}` of {}, {}", record.line, record.input, place.name);
        self.failures.push(format!("{line}, {:?} on {} threads: {problem}", engine.backend, engine.threads));
    }

    /// Runs a record with all engines, which must agree.
    fn check(&mut self, run: &Run<'_>) -> Option<Found> {
        let Run { record, engines, .. } = *run;
        let text = &record.text;
        let first = self.evaluate(run, &engines[0], text)?;
        if let Some(problem) = first.problem(record) {
            self.fail(run, &engines[0], text, &problem);
        }
        for engine in &engines[1..] {
            let found = self.evaluate(run, engine, text)?;
            if !found.is_same(&first) {
                self.fail(run, engine, text, "is not as the first engine has it");
            }
        }
        Some(first)
    }

    /// With `keepdims=True` the elements are the same, and the shape is the record's other one.
    fn check_kept(&mut self, run: &Run<'_>, plain: &Found) {
        let Some(kept) = &run.record.kept else { return };
        let open = run.record.text.strip_suffix(')').expect("a call");
        let text = format!("{open}, keepdims=True)");
        for engine in &run.engines[..2] {
            if let Some(found) = self.evaluate(run, engine, &text)
                && !(found.is_same(plain) && found.shape == *kept)
            {
                self.fail(
                    run,
                    engine,
                    &text,
                    &format!("has shape {:?}, expected {kept:?}, or other bits", found.shape),
                );
            }
        }
    }

    /// The number of evaluations, if nothing went wrong.
    fn finish(self) -> usize {
        let n = self.failures.len();
        assert!(n == 0, "{n} failures:\n{}", self.failures[..n.min(SHOWN)].join("\n"));
        self.n_runs
    }
}

/// Runs the records of some inputs at some of their places: each place with two of the engines, one
/// place with all.
pub(super) fn check(
    is_wanted: impl Fn(&str, &Input) -> bool,
    places: fn(&Input) -> Vec<Place>,
    engines: &[Engine],
) -> usize {
    let golden = Golden::get();
    let mut report = Report::default();
    let mut all_places = HashMap::new();
    for record in golden.of(is_wanted).into_values().flatten() {
        let input = &golden.inputs[&record.input];
        let places = all_places.entry(&record.input).or_insert_with(|| places(input));
        let mut by_order: HashMap<&[usize], (&str, Found)> = HashMap::new();
        for (i, place) in places.iter().enumerate() {
            let is_chosen = i == record.line % places.len();
            let n_engines = if is_chosen { engines.len() } else { 2 };
            let run = Run { record, place, engines: &engines[..n_engines] };
            let Some(found) = report.check(&run) else { continue };
            if is_chosen {
                report.check_kept(&run, &found);
            }
            let Some(order) = &place.order else { continue };
            match by_order.get(&order[..]) {
                Some((other, expected)) if !found.is_same(expected) => {
                    report.fail(&run, &engines[0], &record.text, &format!("is not as {other}"));
                }
                Some(_) => {}
                None => _ = by_order.insert(order, (&place.name, found)),
            }
        }
    }
    report.finish()
}

/// Calls `f` for each record with elements in C order, and in another order if there are many. `f`
/// gets a description of the record, its number of elements, its text and its variables.
pub(crate) fn for_each_record(mut f: impl FnMut(&str, usize, &str, &Vars<'_>)) {
    let golden = Golden::get();
    for (name, input) in &golden.inputs {
        let mut places = vec![input.place("dense".to_owned(), &in_order(&input.shape, [0, 1, 2]))];
        if input.bits.len() > 1000 {
            places.push(input.place("[1, 2, 0]".to_owned(), &in_order(&input.shape, [1, 2, 0])));
        }
        for (record, place) in golden.records.iter().flat_map(|record| places.iter().map(move |place| (record, place)))
        {
            if record.input == *name {
                let what = format!("every_axis.txt:{}: {} of {name}, {}", record.line, record.text, place.name);
                f(&what, input.bits.len(), &record.text, &Vars::new().with("a", place.array.view()));
            }
        }
    }
}
