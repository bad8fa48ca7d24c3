//! One result everywhere: every CPU level that this machine has and every number of threads give
//! the same bits.
//!
//! The level is decided once for a process, so [`digests`] runs in a child for each. What it
//! evaluates is all golden records, the expressions of the differential fuzz, in strict mode, and
//! the reductions that are hardest to get right. `NDEXPR_FUZZ_CASES` and `NDEXPR_FUZZ_SEED` choose
//! the expressions, as there.

use crate::cases::arrays::{Array, Layout};
use crate::cases::case::Case;
use crate::cases::language::Language;
use crate::cases::source::Source;
use crate::golden_format::is_nan;
use crate::{every_axis, golden, reductions};
use ndexpr::{Backend, DType, DynArray, Engine, Error, FloatMode, Vars};
use ndexpr_runtime::arch::CpuLevel;
use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

/// Where a child writes what it found: lines of a digest, a number of threads, and what was
/// evaluated.
const FILE: &str = "NDEXPR_DIGESTS";

const THREADS: [usize; 4] = [1, 2, 3, 8];

/// The number of differences that are shown.
const SHOWN: usize = 20;

/// Below this many elements any number of threads is one thread.
const FEW: usize = 1000;

fn start_child(level: CpuLevel, file: &Path) -> Child {
    let tests = std::env::current_exe().expect("the tests");
    Command::new(tests)
        .args(["levels::digests", "--exact", "--ignored", "--test-threads=1"])
        .env("NDEXPR_CPU", level.name())
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tests start")
}

/// At a level that `NDEXPR_CPU` has lowered, the levels above are left to other runs.
#[test]
fn the_same_bits_at_every_level_on_any_number_of_threads() {
    let start = Instant::now();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let levels: Vec<CpuLevel> = CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::current()).collect();
    let file_of = |level: CpuLevel| directory.path().join(level.name());
    let children: Vec<Child> = levels.iter().map(|&level| start_child(level, &file_of(level))).collect();
    let outputs: Vec<Output> =
        children.into_iter().map(|child| child.wait_with_output().expect("the tests end")).collect();
    for (level, output) in levels.iter().zip(outputs) {
        let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "at level {}:\n{}", level.name(), printed.join("\n"));
    }

    let files: Vec<String> =
        levels.iter().map(|&level| std::fs::read_to_string(file_of(level)).expect("what the child found")).collect();
    let mut known: HashMap<&str, (&str, String)> = HashMap::new();
    let (mut different, mut n_digests) = (Vec::new(), 0);
    for (level, found) in levels.iter().zip(&files) {
        assert_eq!(found.lines().next(), Some(level.name()), "the level of the child");
        for line in found.lines().skip(1) {
            let [digest, threads, what] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            n_digests += 1;
            let how = || format!("{} on {threads} threads", level.name());
            let (expected, first) = known.entry(what).or_insert_with(|| (digest, how()));
            if digest != *expected {
                different.push(format!("{what}: {expected} at {first}, {digest} at {}", how()));
            }
        }
    }
    eprintln!("{} results, {n_digests} digests, {:.1} s", known.len(), start.elapsed().as_secs_f64());
    let n = different.len();
    assert!(n == 0, "{n} of {n_digests} differ:\n{}", different[..n.min(SHOWN)].join("\n"));
    assert!(known.len() > 25_000, "only {} results", known.len());
    for level in &files[1..] {
        assert_eq!(level.lines().count(), files[0].lines().count(), "some results are missing at a level");
    }
}

/// FNV-1a over dtype, shape and elements, with all NaNs the same; of an error, over its text.
fn digest(result: Result<DynArray, Error>) -> u64 {
    let fold = |words: &mut dyn Iterator<Item = u64>| {
        words.fold(0xcbf2_9ce4_8422_2325, |state: u64, word| (state ^ word).wrapping_mul(0x100_0000_01b3))
    };
    match result {
        Ok(array) => {
            let (name, shape) = (array.dtype().short_name(), array.shape().iter().map(|&extent| extent as u64));
            let bits = array.scalars().map(|x| if is_nan(name, x.bits()) { u64::MAX } else { x.bits() });
            fold(&mut [array.dtype() as u64].into_iter().chain(shape).chain(bits))
        }
        Err(error) => fold(&mut error.render().bytes().map(u64::from)),
    }
}

/// What a child finds.
struct Found {
    engines: [Engine; THREADS.len()],
    out: Box<dyn Write>,
}

impl Found {
    /// Evaluates with one thread, or with every number of them if there are elements enough for
    /// several.
    fn add(&mut self, what: &str, n_elems: usize, text: &str, vars: &Vars<'_>) {
        let n_engines = if n_elems < FEW { 1 } else { self.engines.len() };
        self.add_with(what, 0..n_engines, text, vars);
    }

    fn add_with(&mut self, what: &str, engines: impl IntoIterator<Item = usize>, text: &str, vars: &Vars<'_>) {
        for engine in engines.into_iter().map(|i| &self.engines[i]) {
            let result = catch_unwind(AssertUnwindSafe(|| engine.evaluate(text, vars)));
            let digest = digest(result.unwrap_or_else(|_| panic!("{what} panics")));
            writeln!(self.out, "{digest:016x} {} {what}", engine.threads()).expect("the file can be written");
        }
    }
}

#[test]
#[ignore = "a part of the test above, which runs it at every level"]
fn digests() {
    let out: Box<dyn Write> = match std::env::var_os(FILE) {
        Some(path) => Box::new(BufWriter::new(std::fs::File::create(path).expect("a file"))),
        None => Box::new(std::io::sink()),
    };
    let engines = THREADS.map(|threads| {
        Engine::builder()
            .backend(Backend::Jit)
            .threads(threads)
            .float_mode(FloatMode::Strict)
            .build()
            .expect("an engine")
    });
    let mut found = Found { engines, out };
    writeln!(found.out, "{}", CpuLevel::current().name()).expect("the file can be written");
    let mut n_seconds = Vec::new();
    for (name, part) in [
        ("golden records", golden_records as fn(&mut Found)),
        ("every axis", every_axis_records),
        ("random expressions", random_expressions),
        ("worst cases", worst_cases),
    ] {
        let start = Instant::now();
        part(&mut found);
        n_seconds.push((name, start.elapsed().as_secs_f64()));
    }
    eprintln!("{}: {n_seconds:.1?} s", CpuLevel::current().name());
    found.out.flush().expect("the file can be written");
}

fn golden_records(found: &mut Found) {
    golden::for_each_record(|what, n_elems, text, vars| found.add(what, n_elems, text, vars));
}

fn every_axis_records(found: &mut Found) {
    every_axis::for_each_record(|what, n_elems, text, vars| found.add(what, n_elems, text, vars));
}

fn random_expressions(found: &mut Found) {
    let variable = |name| std::env::var(name).ok().and_then(|n: String| n.parse::<u64>().ok());
    let first = variable("NDEXPR_FUZZ_SEED").unwrap_or(0);
    let n_cases = variable("NDEXPR_FUZZ_CASES").unwrap_or(if cfg!(debug_assertions) { 1000 } else { 5000 });
    let forms = &Language::get().forms;
    for seed in first..first + n_cases {
        // There may be fewer cases than forms, so they jump.
        let root = forms[(seed * 7919 % forms.len() as u64) as usize];
        let case = Case::draw(&mut Source::from_seed(seed), Some(root));
        let arrays = case.arrays();
        let other = case.on_threads.then_some(1 + seed as usize % (THREADS.len() - 1));
        let what = format!("seed {seed}, {}", case.text().replace('\n', " "));
        found.add_with(&what, [0].into_iter().chain(other), &case.text(), &case.bind(&arrays));
    }
}

/// Sums that cancel, of sorted elements and of one sign, over several leaves, chunks and layouts.
fn worst_cases(found: &mut Found) {
    const TEXTS: [&str; 14] = [
        "sum(x)",
        "mean(x)",
        "var(x)",
        "std(x, ddof=1)",
        "norm(x)",
        "nansum(x)",
        "nanvar(x)",
        "prod(x / 1e3)",
        "max(x) - min(x)",
        "sum(x, axis=0)",
        "var(x, axis=0)",
        "mean(x, axis=1)",
        "(x - mean(x, axis=1, keepdims=True)) / std(x, axis=1, keepdims=True)",
        "cumsum(x, axis=0)",
    ];
    for (case, values) in reductions::worst_cases(60_000) {
        for dtype in [DType::Float32, DType::Float64] {
            let bits = |i: usize| match dtype {
                DType::Float32 => u64::from((values[i] as f32).to_bits()),
                _ => values[i].to_bits(),
            };
            for (how, layout) in [
                ("", Layout::dense(&[150, 400])),
                (", columns", Layout::dense(&[6000, 10])),
                (", Fortran order", Layout::dense(&[150, 400]).fortran()),
                (", every second", Layout::dense(&[400, 150]).step(2)),
            ] {
                let x = Array::new(dtype, &layout, bits);
                let vars = Vars::new().with("x", x.view());
                for text in TEXTS {
                    found.add(&format!("{text} of {case} {dtype}{how}"), values.len(), text, &vars);
                }
            }
        }
    }
}
