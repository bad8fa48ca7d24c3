//! Golden programs: what Python and NumPy make of whole texts, against what the engine makes of
//! them, bit for bit.
//!
//! In: `tests/data/golden_programs/*.txt`, written by `make_programs.py` there, which describes the
//! format. A program that gives results only is evaluated, and run into outputs of the test. One
//! that updates arrays is called as a procedure, over memory that its names share if they do in the
//! file: once as it is first seen, again with what the first call left behind, and by `execute`.
//! What is compared: all results, all elements of each array, and the bytes around them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::golden_format::{
    Array, Input, difference, digest_of, dtype_name, engine, fail_with, files_in, golden, made, parse_bindings,
    parse_bits, parse_input_bits, parse_list, parse_shape, stated_count,
};
use ndexpr::{Backend, DType, DynArray, Engine, Scalar, Targets, Var, Vars, View, ViewMut};

golden! {
    statements, functions, several_results, slices, dtypes, reductions, methods, updates, control, aliasing, stencils,
    large,
}

/// All files are here and complete, and have as many different texts as there should be.
#[test]
fn nothing_is_missing() {
    let mut texts = HashSet::new();
    for file in FILES {
        texts.extend(Golden::read(file).records.into_iter().map(|record| record.text));
    }
    assert!(texts.len() >= 600, "only {} texts", texts.len());
    let mut tested = FILES.to_vec();
    tested.sort_unstable();
    assert_eq!(files_in(&directory()), tested, "every file has its tests");
}

// --- The records ---------------------------------------------------------------------------------

/// What a name may be bound to.
enum Value {
    Array(Input),
    /// A part of the memory of an array. Strides and the offset from its first element are in
    /// bytes.
    View {
        of: String,
        shape: Vec<usize>,
        strides: Vec<isize>,
        offset: isize,
    },
    Scalar(Scalar),
    /// A number of Python's, which has no dtype of its own.
    Number(Scalar),
}

/// What an array must have in it.
enum Contents {
    Elements(Vec<Option<u64>>),
    Digest(u64),
}

struct Expected {
    dtype: &'static str,
    shape: Vec<usize>,
    contents: Contents,
}

#[derive(PartialEq)]
enum ResultKind {
    None,
    One,
    Tuple,
}

struct Record {
    line: usize,
    text: String,
    /// Variable and key of `Golden::values`.
    bindings: Vec<(String, String)>,
    updated: Vec<String>,
    kind: ResultKind,
    results: Vec<Expected>,
    /// For each input whose memory is updated, what it has afterwards.
    after: BTreeMap<String, Expected>,
}

struct Golden {
    values: HashMap<String, Value>,
    records: Vec<Record>,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden_programs")
}

impl Golden {
    fn read(file: &str) -> Golden {
        let path = directory().join(format!("{file}.txt"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut golden = Golden { values: HashMap::new(), records: Vec::new() };
        for (line_idx, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let line_no = line_idx + 1;
            golden
                .line(line_no, line)
                .unwrap_or_else(|| panic!("{}:{line_no}: not understood: {line}", path.display()));
        }
        assert_eq!(Some(golden.records.len()), stated_count(&text), "{}: the number of records", path.display());
        golden
    }

    fn line(&mut self, line: usize, content: &str) -> Option<()> {
        if let Some(of_text) = content.strip_prefix('|') {
            let text = &mut self.records.last_mut()?.text;
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(of_text.strip_prefix(' ').unwrap_or(of_text));
            return Some(());
        }
        let (kind, rest) = content.split_once(' ')?;
        let fields: Vec<&str> = rest.split(" ; ").collect();
        match (kind, fields.as_slice()) {
            ("input", &[name, dtype, shape, layout, values]) => {
                let bits = match values.strip_prefix('=') {
                    Some(other) => self.array(other)?.bits.clone(),
                    None => parse_input_bits(values)?,
                };
                self.value(name, Value::Array(Input::new(dtype_name(dtype)?, parse_shape(shape)?, layout, bits)?))
            }
            ("made", &[name, dtype, shape, kind, seed, digest]) => {
                let (dtype, shape) = (DType::from_name(dtype_name(dtype)?)?, parse_shape(shape)?);
                let bits = made(dtype, kind, shape.iter().product(), seed.parse().ok()?)?;
                let found = digest_of(dtype, bits.iter().copied());
                assert_eq!(Some(found), parse_digest(digest), "{name} is made otherwise than by make_programs.py");
                self.value(name, Value::Array(Input::new(dtype.short_name(), shape, "C", bits)?))
            }
            ("view", &[name, of, shape, strides, offset]) => {
                self.array(of)?;
                let (shape, strides) = (parse_shape(shape)?, parse_list(strides)?);
                self.value(name, Value::View { of: of.to_owned(), shape, strides, offset: offset.parse().ok()? })
            }
            ("scalar", &[name, dtype, value]) => self.value(name, Value::Scalar(parse_scalar(dtype, value)?)),
            ("number", &[name, dtype, value]) => self.value(name, Value::Number(parse_scalar(dtype, value)?)),
            ("program", &[bindings, updated, kind]) => {
                let bindings = parse_bindings(bindings)?;
                let updated = if updated == "-" { "" } else { updated };
                let is_known = bindings.iter().all(|(_, value)| self.values.contains_key(value));
                let record = Record {
                    line,
                    text: String::new(),
                    bindings,
                    updated: updated.split_whitespace().map(str::to_owned).collect(),
                    kind: match kind {
                        "none" => ResultKind::None,
                        "one" => ResultKind::One,
                        "tuple" => ResultKind::Tuple,
                        _ => return None,
                    },
                    results: Vec::new(),
                    after: BTreeMap::new(),
                };
                is_known.then(|| self.records.push(record))
            }
            ("result", &[dtype, shape, contents]) => {
                let expected = Expected::new(dtype_name(dtype)?, parse_shape(shape)?, contents)?;
                self.records.last_mut()?.results.push(expected);
                Some(())
            }
            ("after", &[name, contents]) => {
                let input = self.array(name)?;
                let expected = Expected::new(input.dtype, input.shape.clone(), contents)?;
                self.records.last_mut()?.after.insert(name.to_owned(), expected).is_none().then_some(())
            }
            _ => None,
        }
    }

    fn array(&self, name: &str) -> Option<&Input> {
        match self.values.get(name)? {
            Value::Array(input) => Some(input),
            Value::View { .. } | Value::Scalar(_) | Value::Number(_) => None,
        }
    }

    fn value(&mut self, name: &str, value: Value) -> Option<()> {
        self.values.insert(name.to_owned(), value).is_none().then_some(())
    }
}

impl Expected {
    fn new(dtype: &'static str, shape: Vec<usize>, contents: &str) -> Option<Expected> {
        let contents = match contents.strip_prefix('#') {
            Some(digest) => Contents::Digest(parse_digest(digest)?),
            None => Contents::Elements(parse_bits(contents)?),
        };
        Some(Expected { dtype, shape, contents })
    }

    /// What is wrong with `found`, in a line.
    fn difference(&self, found: &Array) -> Option<String> {
        // Of all elements, only their digest may be known.
        let (bits, found_bits) = match &self.contents {
            Contents::Elements(bits) => (bits.clone(), found.bits.clone()),
            Contents::Digest(_) => (Vec::new(), Vec::new()),
        };
        let array = |dtype, shape: &[usize], bits| Array { dtype, shape: shape.to_vec(), strides: None, bits };
        let found_array = array(found.dtype, &found.shape, found_bits);
        let different = difference(&found_array, &array(self.dtype, &self.shape, bits), &[], &[]);
        different.or_else(|| match self.contents {
            Contents::Elements(_) => None,
            Contents::Digest(digest) => {
                let dtype = DType::from_name(found.dtype).expect("a dtype's short name");
                let found = digest_of(dtype, found.bits.iter().map(|bits| bits.expect("it has bits")));
                (found != digest).then(|| format!("the digest is {found:x}, expected {digest:x}"))
            }
        })
    }
}

fn parse_digest(digest: &str) -> Option<u64> {
    u64::from_str_radix(digest, 16).ok()
}

fn parse_scalar(dtype: &str, value: &str) -> Option<Scalar> {
    match parse_input_bits(value)?[..] {
        [bits] => Some(Scalar::from_bits(DType::from_name(dtype_name(dtype)?)?, bits)),
        _ => None,
    }
}

// --- The engine's API, in one place --------------------------------------------------------------

/// Fresh memory of the arrays that a record has to do with.
struct Memory<'g> {
    arrays: BTreeMap<&'g str, Input>,
}

impl<'g> Memory<'g> {
    fn new(golden: &'g Golden, record: &'g Record) -> Memory<'g> {
        let mut arrays = BTreeMap::new();
        for (_, value) in &record.bindings {
            let name = match &golden.values[value] {
                Value::Array(_) => value,
                Value::View { of, .. } => of,
                Value::Scalar(_) | Value::Number(_) => continue,
            };
            arrays.entry(name.as_str()).or_insert_with(|| golden.array(name).expect("an array").again());
        }
        Memory { arrays }
    }

    /// The variables of a record, and the arrays that it updates. They may share memory, and are
    /// used together in one call.
    fn bind<'a>(&'a mut self, golden: &'a Golden, record: &'a Record) -> (Vars<'a>, Targets<'a>) {
        // From here on the memory is used through these pointers only.
        let starts: BTreeMap<&str, (*mut u8, DType)> = (self.arrays.iter_mut())
            .map(|(&name, input)| {
                let dtype = DType::from_name(input.dtype).expect("a dtype's short name");
                (name, (input.memory[input.offset..].as_mut_ptr(), dtype))
            })
            .collect();
        let (mut vars, mut targets) = (Vars::new(), Targets::new());
        for (name, value) in &record.bindings {
            let (of, shape, strides, offset) = match &golden.values[value] {
                Value::Array(input) => (value, &input.shape, &input.strides, 0),
                Value::View { of, shape, strides, offset } => (of, shape, strides, *offset),
                Value::Scalar(scalar) => {
                    vars = vars.with(name, *scalar);
                    continue;
                }
                Value::Number(scalar) => {
                    vars = vars.with(name, weak(*scalar));
                    continue;
                }
            };
            let (start, dtype) = starts[of.as_str()];
            let start = start.wrapping_offset(offset);
            // SAFETY: all elements are inside of the memory of the array, because it was laid out
            // for these strides, or because NumPy made the view of it. The memory is borrowed for
            // `'a` and initialised. While the views live, only calls that get all of them use it.
            // Such a call finds out which of them overlap, as it does for bindings to other
            // languages.
            unsafe {
                if record.updated.contains(name) {
                    let view = ViewMut::from_raw_parts(start, dtype, shape, strides);
                    targets = targets.with(name, view.unwrap_or_else(|error| panic!("the view of {name}: {error}")));
                } else {
                    let view = View::from_raw_parts(start, dtype, shape, strides);
                    vars = vars.with(name, view.unwrap_or_else(|error| panic!("the view of {name}: {error}")));
                }
            }
        }
        (vars, targets)
    }

    /// What is wrong with the arrays after a run.
    fn difference(&self, record: &Record) -> Option<String> {
        self.arrays.iter().find_map(|(&name, input)| {
            let (now, is_around_intact) = input.now();
            if !is_around_intact {
                return Some(format!("something was written around {name}"));
            }
            let problem = match record.after.get(name) {
                Some(expected) => expected.difference(&now),
                None => {
                    let is_changed = !now.bits.iter().copied().eq(input.bits.iter().map(|&bits| Some(bits)));
                    is_changed.then(|| "it has changed".to_owned())
                }
            };
            problem.map(|problem| format!("afterwards, {name}: {problem}"))
        })
    }
}

fn weak(value: Scalar) -> Var<'static> {
    let number = (value.get::<i64>().map(Var::weak)).or_else(|| value.get::<f64>().map(Var::weak));
    number.or_else(|| value.get::<bool>().map(Var::weak)).expect("a number of Python's")
}

fn message(error: ndexpr::Error) -> String {
    format!("error: {}", error.to_string().lines().next().unwrap_or_default())
}

/// What is wrong with the results of a record.
fn results_difference<'a>(record: &Record, results: impl ExactSizeIterator<Item = Array> + 'a) -> Option<String> {
    if results.len() != record.results.len() {
        return Some(format!("{} results, expected {}", results.len(), record.results.len()));
    }
    let mut pairs = results.zip(&record.results).enumerate();
    pairs.find_map(|(number, (found, expected))| {
        expected.difference(&found).map(|problem| format!("result {number}: {problem}"))
    })
}

/// Machine code must have been made for all of a text.
fn fallback_difference(backend: Backend, reason: Option<&str>) -> Option<String> {
    let reason = reason.filter(|_| backend == Backend::Jit)?;
    Some(format!("it is interpreted: {reason}"))
}

/// Evaluates a program that updates nothing, into fresh results and into outputs.
fn check_results(golden: &Golden, record: &Record, engine: &Engine, backend: Backend) -> Result<(), String> {
    let mut memory = Memory::new(golden, record);
    let (vars, _) = memory.bind(golden, record);
    let results: Vec<DynArray> = engine.evaluate(&record.text, &vars).map_err(message)?;
    fail(results_difference(record, results.iter().map(Array::from)))?;

    let program = engine.program(&record.text, &vars).map_err(message)?;
    fail(fallback_difference(backend, program.fallback_reason()))?;
    if program.is_tuple() != (record.kind == ResultKind::Tuple) {
        return Err(format!("is_tuple is {}", program.is_tuple()));
    }
    let mut outputs: Vec<Input> = (record.results.iter())
        .map(|expected| {
            let zeros = vec![0; expected.shape.iter().product()];
            Input::new(expected.dtype, expected.shape.clone(), "C", zeros).expect("an output")
        })
        .collect();
    let mut views: Vec<ViewMut<'_>> = (outputs.iter_mut())
        .map(|output| {
            let dtype = DType::from_name(output.dtype).expect("a dtype's short name");
            let (shape, strides) = (&output.shape, &output.strides);
            ViewMut::from_bytes_mut(&mut output.memory, dtype, shape, strides, output.offset).expect("an output")
        })
        .collect();
    program.run_all(&vars, &mut views, None).map_err(message)?;
    drop((views, vars));
    let problem = results_difference(record, outputs.iter().map(|output| output.now().0));
    fail(problem.map(|problem| format!("into outputs: {problem}")))?;
    let is_around_intact = outputs.iter().all(|output| output.now().1);
    fail((!is_around_intact).then(|| "something was written around an output".to_owned()))?;
    fail(memory.difference(record))
}

/// Calls a program that updates arrays: twice as one procedure, and once by `execute`.
fn check_updates(golden: &Golden, record: &Record, engine: &Engine, backend: Backend) -> Result<(), String> {
    let procedure = {
        let mut memory = Memory::new(golden, record);
        let (vars, targets) = memory.bind(golden, record);
        engine.procedure_for(&record.text, &vars, &targets).map_err(message)?
    };
    if procedure.is_tuple() != (record.kind == ResultKind::Tuple) {
        return Err(format!("is_tuple is {}", procedure.is_tuple()));
    }
    for call in ["the first call", "the second call"] {
        let mut memory = Memory::new(golden, record);
        let (vars, mut targets) = memory.bind(golden, record);
        let results: Vec<DynArray> = procedure.call(&vars, &mut targets).map_err(message)?;
        drop((vars, targets));
        let problem = results_difference(record, results.iter().map(Array::from));
        let problem = problem.or_else(|| memory.difference(record));
        fail(problem.map(|problem| format!("{call}: {problem}")))?;
    }
    fail(fallback_difference(backend, procedure.fallback_reason()))?;
    if record.kind == ResultKind::None {
        let mut memory = Memory::new(golden, record);
        let (vars, mut targets) = memory.bind(golden, record);
        engine.execute(&record.text, &vars, &mut targets).map_err(message)?;
        drop((vars, targets));
        fail(memory.difference(record).map(|problem| format!("execute: {problem}")))?;
    }
    Ok(())
}

fn fail(problem: Option<String>) -> Result<(), String> {
    problem.map_or(Ok(()), Err)
}

// --- Checking ------------------------------------------------------------------------------------

/// Runs every record of a file and fails with all that went wrong.
fn check(file: &str, backend: Backend, n_threads: usize) {
    let golden = Golden::read(file);
    let engine = engine(backend, n_threads);
    let mut mismatches = Vec::new();
    for record in &golden.records {
        // What runs phase by phase is called as a procedure.
        let is_procedure = !record.updated.is_empty() || file == "control";
        let check = if is_procedure { check_updates } else { check_results };
        let found = catch_unwind(AssertUnwindSafe(|| check(&golden, record, &engine, backend)));
        if let Err(problem) = found.unwrap_or_else(|_| Err("panicked".to_owned())) {
            let bound: Vec<String> = record.bindings.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let text = record.text.replace('\n', "\n      ");
            let (line, bound) = (record.line, bound.join(" "));
            mismatches.push(format!("{file}.txt:{line}: {bound}: {problem}\n      {text}"));
        }
    }
    fail_with(file, golden.records.len(), &mismatches);
}
