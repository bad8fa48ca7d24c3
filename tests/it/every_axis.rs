//! Every function along axes, of every dtype, along every choice of axes, over every layout: against NumPy's answers.
//!
//! In: `tests/data/golden/every_axis.txt`, made by `make_golden.py` there, which describes the format. A record says what
//! a call gives for some elements, wherever they are in memory; here they are laid out in every way. Exact results have
//! the bits of the record; others are as near to the exact result as the record asks, and have the same bits in both
//! backends, on any number of threads, and in all layouts whose axes have one order in memory.

use super::golden::{directory, dtype_name, is_nan, is_near, parse_bits, parse_errors, parse_input_bits, parse_shape};
use crate::cases::arrays::{Array, Layout};
use crate::cases::source::Source;
use ndexpr::{Backend, DType, DynArray, Vars};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

/// Failures shown; the others are counted.
const SHOWN: usize = 20;

// --- The records --------------------------------------------------------------------------------------------------

struct Input {
    dtype: DType,
    shape: Vec<usize>,
    bits: Vec<u64>,
}

struct Record {
    line: usize,
    text: String,
    input: String,
    dtype: DType,
    shape: Vec<usize>,
    /// The shape with `keepdims=True`, if the function takes that.
    kept: Option<Vec<usize>>,
    expected: Expected,
}

#[derive(Clone)]
enum Expected {
    /// Every so many-th element, and how far each may be off; nothing is, if that is empty.
    Elements { step: usize, bits: Vec<Option<u64>>, errors: Vec<f64> },
    /// The digest of all elements.
    Digest(u64),
}

struct Golden {
    inputs: BTreeMap<String, Input>,
    records: Vec<Record>,
}

impl Golden {
    fn get() -> &'static Golden {
        static GOLDEN: LazyLock<Golden> = LazyLock::new(Golden::read);
        &GOLDEN
    }

    fn read() -> Golden {
        let path = directory().join("every_axis.txt");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut golden = Golden { inputs: BTreeMap::new(), records: Vec::new() };
        let mut stated = None;
        for (idx, line) in text.lines().enumerate() {
            match line.strip_prefix('#') {
                Some(comment) => stated = stated.or(comment.split_whitespace().next().and_then(|n| n.parse().ok())),
                None => golden.line(idx + 1, line).unwrap_or_else(|| panic!("line {}: {line}", idx + 1)),
            }
        }
        assert_eq!(Some(golden.records.len()), stated, "the number of records is not the header's");
        golden
    }

    fn line(&mut self, line: usize, content: &str) -> Option<()> {
        let (kind, rest) = content.split_once(' ')?;
        let fields: Vec<&str> = rest.split(" ; ").collect();
        let hex = |digits| u64::from_str_radix(digits, 16).ok();
        let (&[text, input, dtype, shape, kept], expected) = (match (kind, &*fields) {
            ("input", &[name, dtype, shape, "C", values]) => {
                return self.input(name, dtype, shape, |_, _| parse_input_bits(values));
            }
            ("made", &[name, dtype, shape, kind, seed, digest]) => {
                let seed = seed.parse().ok()?;
                self.input(name, dtype, shape, |dtype, n| made(dtype, kind, n, seed))?;
                let input = &self.inputs[name];
                let found = digest_of(input.dtype, input.bits.iter().copied());
                assert_eq!(Some(found), hex(digest), "{name} is made otherwise than by make_golden.py");
                return Some(());
            }
            ("along", [first @ .., values, errors]) => {
                let first: &[&str; 5] = first.try_into().ok()?;
                let expected = match values.strip_prefix('=') {
                    Some(call) => {
                        let is_same = |record: &&Record| record.text == call && record.input == first[1];
                        self.records.iter().rev().find(is_same)?.expected.clone()
                    }
                    None => elements("1", values, errors)?,
                };
                Some((first, expected))
            }
            ("some", [first @ .., step, values, errors]) => {
                Some((first.try_into().ok()?, elements(step, values, errors)?))
            }
            ("all", [first @ .., digest]) => Some((first.try_into().ok()?, Expected::Digest(hex(digest)?))),
            _ => None,
        })?;
        let record = Record {
            line,
            text: text.to_owned(),
            input: input.to_owned(),
            dtype: DType::from_name(dtype_name(dtype)?)?,
            shape: parse_shape(shape)?,
            kept: if kept == "-" { None } else { Some(parse_shape(kept)?) },
            expected,
        };
        let n_elems: usize = record.shape.iter().product();
        let is_whole = match &record.expected {
            Expected::Elements { step, bits, errors } => {
                bits.len() == n_elems.div_ceil(*step) && (errors.is_empty() || errors.len() == bits.len())
            }
            Expected::Digest(_) => true,
        };
        (is_whole && self.inputs.contains_key(input)).then(|| self.records.push(record))
    }

    fn input(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &str,
        bits: impl FnOnce(DType, usize) -> Option<Vec<u64>>,
    ) -> Option<()> {
        let (dtype, shape) = (DType::from_name(dtype_name(dtype)?)?, parse_shape(shape)?);
        let bits = bits(dtype, shape.iter().product())?;
        self.inputs.insert(name.to_owned(), Input { dtype, shape, bits }).is_none().then_some(())
    }

    /// The records about an input that fits, by text: each text is compiled once.
    fn of(&self, is_wanted: impl Fn(&str, &Input) -> bool) -> BTreeMap<&str, Vec<&Record>> {
        let mut by_text: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for record in &self.records {
            if is_wanted(&record.input, &self.inputs[&record.input]) {
                by_text.entry(&record.text).or_default().push(record);
            }
        }
        by_text
    }
}

fn elements(step: &str, values: &str, errors: &str) -> Option<Expected> {
    let errors = if errors == "-" { Vec::new() } else { parse_errors(errors)? };
    Some(Expected::Elements { step: step.parse().ok()?, bits: parse_bits(values)?, errors })
}

/// The elements of a kind that follow from a seed, as `made` in make_golden.py has them.
fn made(dtype: DType, kind: &str, n: usize, seed: u64) -> Option<Vec<u64>> {
    let mut source = Source::from_seed(seed);
    let float = |x: f64| if dtype == DType::Float32 { u64::from((x as f32).to_bits()) } else { x.to_bits() };
    let eighths = |z: u64| ((z >> 11) % 1601) as f64 / 8.0 - 100.0;
    let element = |z: u64| match kind {
        "rare" => Some(u64::from(z.is_multiple_of(900))),
        "common" => Some(u64::from(!z.is_multiple_of(900))),
        "bits" => Some(z & u64::MAX >> (64 - 8 * dtype.size())),
        "eighths" => Some(float(eighths(z))),
        "gaps" => Some(float(if z.is_multiple_of(97) { f64::NAN } else { eighths(z) })),
        "wide" => {
            let n_bits = if dtype == DType::Float64 { 53 } else { 24 };
            let signed = (z >> (64 - n_bits)) as f64 - 2.0_f64.powi(n_bits - 1);
            Some(float(signed * 2.0_f64.powi(25 - n_bits - (z % 32) as i32)))
        }
        _ => None,
    };
    (0..n).map(|_| element(source.bits())).collect()
}

/// FNV-1a over whole elements; all NaNs are one.
fn digest_of(dtype: DType, bits: impl Iterator<Item = u64>) -> u64 {
    let key = |bits| if is_nan(dtype.short_name(), bits) { u64::MAX } else { bits };
    bits.fold(0xcbf2_9ce4_8422_2325, |state, bits| (state ^ key(bits)).wrapping_mul(0x100_0000_01b3))
}

// --- Layouts ------------------------------------------------------------------------------------------------------

/// Elements somewhere in memory.
struct Place {
    name: String,
    /// The order of its axes, if they have one: where it is the same, so are the bits.
    order: Option<Vec<usize>>,
    array: Array,
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

fn in_order(shape: &[usize], order: [usize; 3]) -> Layout {
    let mut layout = Layout::dense(shape);
    layout.order = order.to_vec();
    layout
}

impl Input {
    fn place(&self, name: String, layout: &Layout) -> Place {
        // Bools may be any byte that is not 0.
        let bits = |i: usize| match self.dtype {
            DType::Bool => self.bits[i] * (1 + i as u64 % 255),
            _ => self.bits[i],
        };
        let order = layout.is_apart().then(|| layout.order.clone());
        Place { name, order, array: Array::new(self.dtype, layout, bits) }
    }

    /// The elements in every order of axes, and in each of them in one other way or all.
    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (i, order) in ORDERS.into_iter().enumerate() {
            let dense = || in_order(&self.shape, order);
            let (mut half_reversed, mut apart) = (dense(), dense());
            half_reversed.steps[order[1]] = -1;
            apart.gap = 3;
            let mut others = vec![
                ("every second", dense().step(2)),
                ("reversed", dense().step(-1)),
                ("unaligned", dense().misaligned(1)),
                ("one axis reversed", half_reversed),
                ("odd strides", apart),
                ("every third reversed, unaligned", dense().step(-3).misaligned(3)),
            ];
            if i > 0 {
                others = vec![others.swap_remove(i)];
            }
            places.push(self.place(format!("{order:?}"), &dense()));
            places.extend(others.iter().map(|(how, layout)| self.place(format!("{order:?} {how}"), layout)));
        }
        places.extend(self.splats());
        places
    }

    /// Layouts in which what is the same along some axes is there once.
    fn splats(&self) -> Vec<Place> {
        let is_same = |&axis: &usize| {
            let (extent, step) = (self.shape[axis], self.shape[axis + 1..].iter().product::<usize>());
            self.bits.iter().enumerate().all(|(i, &bits)| bits == self.bits[i - i / step % extent * step])
        };
        let same: Vec<usize> = (0..3).filter(is_same).collect();
        let mut places = Vec::new();
        let mut add = |order, axes: &[usize], step: isize| {
            let mut layout = in_order(&self.shape, order).step(step).misaligned(usize::from(step < 0));
            axes.iter().for_each(|&axis| layout.steps[axis] = 0);
            places.push(self.place(format!("{order:?} with steps of {step}, and of 0 along {axes:?}"), &layout));
        };
        if !same.is_empty() {
            ORDERS.iter().for_each(|&order| add(order, &same, 1));
            same.iter().for_each(|&axis| add(ORDERS[axis], &[axis], -2));
        }
        places
    }

    /// Some of the places, for there are many elements.
    fn few_places(&self) -> Vec<Place> {
        let shape = &self.shape;
        [
            ("dense", in_order(shape, [0, 1, 2])),
            ("reversed, unaligned", in_order(shape, [0, 1, 2]).step(-1).misaligned(1)),
            ("Fortran order", in_order(shape, [2, 1, 0])),
            ("every second of [1, 0, 2]", in_order(shape, [1, 0, 2]).step(2)),
        ]
        .map(|(name, layout)| self.place(name.to_owned(), &layout))
        .into()
    }
}

// --- Checking -----------------------------------------------------------------------------------------------------

/// An engine, and how it was made.
struct Engine {
    backend: Backend,
    threads: usize,
    engine: ndexpr::Engine,
}

fn engine(backend: Backend, threads: usize) -> Engine {
    let engine = ndexpr::Engine::builder().backend(backend).threads(threads).build().expect("an engine");
    Engine { backend, threads, engine }
}

struct Found {
    shape: Vec<usize>,
    dtype: DType,
    bits: Vec<u64>,
}

fn evaluate(engine: &Engine, text: &str, array: &Array) -> Result<Found, String> {
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
struct Run<'a> {
    record: &'a Record,
    place: &'a Place,
    engines: &'a [Engine],
}

/// What went wrong, and how many evaluations there were.
#[derive(Default)]
struct Report {
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

/// Runs the records of some inputs over some places of theirs: each place with two of the engines, one with all.
fn check(is_wanted: impl Fn(&str, &Input) -> bool, places: fn(&Input) -> Vec<Place>, engines: &[Engine]) -> usize {
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

/// Calls `f` for each record with elements in C order, and in another one if there are many: with what it is, its number
/// of elements, its text and its variables.
pub(super) fn for_each_record(mut f: impl FnMut(&str, usize, &str, &Vars<'_>)) {
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

fn small(dtype: DType) {
    let engines = [(Backend::Jit, 1), (Backend::Interp, 1), (Backend::Jit, 2), (Backend::Interp, 2)];
    let engines = engines.map(|(backend, threads)| engine(backend, threads));
    let n_runs = check(|_, input| input.dtype == dtype && input.bits.len() < 1000, Input::places, &engines);
    assert!(n_runs > 10_000, "only {n_runs}");
}

fn many(name: &str) {
    let engines = [(Backend::Jit, 1), (Backend::Jit, 2), (Backend::Jit, 3), (Backend::Interp, 1), (Backend::Interp, 2)];
    let engines = engines.map(|(backend, threads)| engine(backend, threads));
    let n_runs = check(|input, _| input == name, Input::few_places, &engines);
    assert!(n_runs > 400, "only {n_runs}");
}

macro_rules! tests {
    ($f:ident, $($name:ident: $of:expr),* $(,)?) => {
        $(#[test]
        fn $name() {
            $f($of);
        })*
    };
}

tests! {
    small,
    bools: DType::Bool,
    int8: DType::Int8,
    int16: DType::Int16,
    int32: DType::Int32,
    int64: DType::Int64,
    uint8: DType::UInt8,
    uint16: DType::UInt16,
    uint32: DType::UInt32,
    uint64: DType::UInt64,
    float32: DType::Float32,
    float64: DType::Float64,
}

// Enough elements for several leaves, chunks and threads.
tests! {
    many,
    many_bools_of_which_few_are_true: "bool_rare",
    many_bools_of_which_most_are_true: "bool_common",
    many_int8: "i8_bits",
    many_uint16: "u16_bits",
    many_int64: "i64_bits",
    many_float32_that_add_up_exactly: "f32_eighths",
    many_float64_that_add_up_exactly: "f64_eighths",
    many_float32_with_nans: "f32_gaps",
    many_float64_with_nans: "f64_gaps",
    many_float32: "f32_wide",
    many_float64: "f64_wide",
}

/// The product of functions, dtypes, axes and `ddof` is full.
#[test]
fn nothing_is_missing() {
    let golden = Golden::get();
    let known: HashSet<(&str, DType)> =
        golden.records.iter().map(|record| (record.text.as_str(), golden.inputs[&record.input].dtype)).collect();
    let one = [None, Some("0"), Some("1"), Some("2"), Some("-1")];
    let several = ["(0, 1)", "(0, 2)", "(1, 2)", "(0, 1, 2)"].map(Some);
    for function in ndexpr::functions().iter().filter(|function| function.params.contains(&"axis=None")) {
        let name = function.name;
        let axes = match name {
            "cumsum" | "cumprod" => one[1..].to_vec(),
            "argmin" | "argmax" => one.to_vec(),
            _ => [&one[..], &several].concat(),
        };
        let ddofs: &[&str] = if function.params.contains(&"ddof=0") { &["", ", ddof=1", ", ddof=2.5"] } else { &[""] };
        for (dtype, ddof) in DType::ALL.into_iter().flat_map(|dtype| ddofs.iter().map(move |ddof| (dtype, ddof))) {
            for axis in &axes {
                let axis = axis.map(|axis| format!(", axis={axis}")).unwrap_or_default();
                let text = format!("{name}(a{axis}{ddof})");
                let is_there = known.contains(&(text.as_str(), dtype));
                assert_eq!(is_there, (name, dtype) != ("ptp", DType::Bool), "{text} of {dtype}");
            }
        }
    }
}
