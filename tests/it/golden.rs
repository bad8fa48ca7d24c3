//! Golden values from outside: what NumPy answers, against what the engine answers, bit for bit.
//!
//! In: `tests/data/golden/*.txt`, written by `make_golden.py` there, which describes the format and
//! asks NumPy; what is left out, and why, is in `DIFFERENCES.md` beside it. Every record of every
//! file runs on both backends with one and two threads, over memory laid out as the file says. A
//! test reports all its mismatches, the first ones in full.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use ndexpr::{Backend, DType, Engine, Vars, View};

/// Mismatches shown in full; the others are counted.
const SHOWN: usize = 20;

macro_rules! golden {
    ($($file:ident),* $(,)?) => {
        const FILES: &[&str] = &[$(stringify!($file)),*];

        $(mod $file {
            use ndexpr::Backend;

            #[test]
            fn jit_1_thread() {
                super::check(stringify!($file), Backend::Jit, 1);
            }

            #[test]
            fn jit_2_threads() {
                super::check(stringify!($file), Backend::Jit, 2);
            }

            #[test]
            fn interp_1_thread() {
                super::check(stringify!($file), Backend::Interp, 1);
            }

            #[test]
            fn interp_2_threads() {
                super::check(stringify!($file), Backend::Interp, 2);
            }
        })*
    };
}

golden! {
    operators, comparisons, functions, promotion, casts, integers, floats, layouts, literals, compound, errors, reductions,
    reductions_of_floats, reductions_in_expressions,
}

/// All files are here and complete, and there are as many as there should be.
#[test]
fn nothing_is_missing() {
    let mut n_cases = 0;
    for file in FILES {
        let golden = Golden::read(file);
        n_cases += golden.records.iter().filter(|record| matches!(record.expected, Expected::Array(..))).count();
    }
    assert!(n_cases >= 3000, "only {n_cases} cases");
    let mut on_disk: Vec<String> = std::fs::read_dir(directory())
        .expect("the golden directory")
        .filter_map(|entry| entry.expect("a directory entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    on_disk.sort();
    let mut tested = [FILES, &["every_axis"]].concat();
    tested.sort_unstable();
    assert_eq!(on_disk, tested, "every golden file has its tests");
}

// --- The engine's API, in one place --------------------------------------------------------------

fn engine(backend: Backend, n_threads: usize) -> Engine {
    Engine::builder().threads(n_threads).backend(backend).build().expect("an engine")
}

/// Each name with a view of its input.
fn bind<'a>(bindings: &[(&'a str, &'a Input)]) -> Vars<'a> {
    bindings.iter().fold(Vars::new(), |vars, (name, input)| {
        let dtype = DType::from_name(input.dtype).expect("a dtype's short name");
        let view = View::from_bytes(&input.memory, dtype, &input.shape, &input.strides, input.offset);
        vars.with(name, view.unwrap_or_else(|error| panic!("the view of {name}: {error}")))
    })
}

/// Evaluates `text` with each name bound to its input, and takes the result apart.
fn evaluate_case(engine: &Engine, text: &str, bindings: &[(&str, &Input)]) -> Result<Array, String> {
    let vars = bind(bindings);
    let result: ndexpr::DynArray = engine.evaluate(text, &vars).map_err(|error| error.to_string())?;
    Ok(Array {
        dtype: result.dtype().short_name(),
        shape: result.shape().to_vec(),
        strides: Some(result.strides().to_vec()),
        bits: result.scalars().map(|scalar| Some(scalar.bits())).collect(),
    })
}

// --- The records ---------------------------------------------------------------------------------

/// A result, expected or found.
struct Array {
    dtype: &'static str,
    shape: Vec<usize>,
    /// In elements, if stated.
    strides: Option<Vec<isize>>,
    /// In logical C order; `None` is any NaN.
    bits: Vec<Option<u64>>,
}

/// How far each element of a result may be from the exact one; none if it has to be exact.
pub(super) type Errors = Vec<f64>;

/// An input in separate memory, with the layout that the file says.
struct Input {
    dtype: &'static str,
    shape: Vec<usize>,
    /// In bytes.
    strides: Vec<isize>,
    memory: Vec<u8>,
    /// The place of the element with index 0 on every axis, in bytes.
    offset: usize,
    bits: Vec<u64>,
}

enum Expected {
    Array(Array, Errors),
    /// Any error; this is Python's.
    Error(String),
}

struct Record {
    line: usize,
    text: String,
    /// Variable and key of `Golden::inputs`.
    bindings: Vec<(String, String)>,
    expected: Expected,
}

struct Golden {
    inputs: HashMap<String, Input>,
    records: Vec<Record>,
}

pub(super) fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

impl Golden {
    fn read(file: &str) -> Golden {
        let path = directory().join(format!("{file}.txt"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut golden = Golden { inputs: HashMap::new(), records: Vec::new() };
        let mut stated = None;
        for (line_idx, line) in text.lines().enumerate() {
            let line_no = line_idx + 1;
            if let Some(comment) = line.strip_prefix('#') {
                let first = comment.split_whitespace().next();
                stated = stated.or(first.and_then(|word| word.parse::<usize>().ok()));
                continue;
            }
            golden
                .line(line_no, line)
                .unwrap_or_else(|| panic!("{}:{line_no}: not understood: {line}", path.display()));
        }
        assert_eq!(Some(golden.records.len()), stated, "{}: the number of records is not the header's", path.display());
        golden
    }

    fn line(&mut self, line: usize, content: &str) -> Option<()> {
        let (kind, rest) = content.split_once(' ')?;
        let fields: Vec<&str> = rest.split(" ; ").collect();
        match (kind, fields.as_slice()) {
            ("input", &[name, dtype, shape, layout, values]) => {
                let bits = match values.strip_prefix('=') {
                    Some(other) => self.inputs.get(other)?.bits.clone(),
                    None => parse_input_bits(values)?,
                };
                let input = Input::new(dtype_name(dtype)?, parse_shape(shape)?, layout, bits)?;
                self.inputs.insert(name.to_owned(), input).is_none().then_some(())
            }
            ("case", &[text, bindings, dtype, shape, strides, values]) => {
                let strides = if strides == "-" { None } else { Some(parse_list(strides)?) };
                let array =
                    Array { dtype: dtype_name(dtype)?, shape: parse_shape(shape)?, strides, bits: parse_bits(values)? };
                self.array(line, (text, bindings), array, Vec::new())
            }
            ("near", &[text, bindings, dtype, shape, values, errors]) => {
                let bits = parse_bits(values)?;
                let array = Array { dtype: dtype_name(dtype)?, shape: parse_shape(shape)?, strides: None, bits };
                let errors = parse_errors(errors)?;
                if errors.len() != array.bits.len() {
                    return None;
                }
                self.array(line, (text, bindings), array, errors)
            }
            ("error", &[text, bindings, exception]) => {
                let bindings = parse_bindings(bindings)?;
                for (_, dtype) in bindings.iter().filter(|(_, to)| dtype_name(to).is_some()) {
                    let one = match dtype.as_str() {
                        "f32" => u64::from(1f32.to_bits()),
                        "f64" => 1f64.to_bits(),
                        _ => 1,
                    };
                    let input = Input::new(dtype_name(dtype)?, vec![3], "C", vec![one; 3])?;
                    self.inputs.entry(dtype.clone()).or_insert(input);
                }
                let expected = Expected::Error(exception.to_owned());
                self.record(Record { line, text: text.to_owned(), bindings, expected })
            }
            _ => None,
        }
    }

    fn array(&mut self, line: usize, (text, bindings): (&str, &str), array: Array, errors: Errors) -> Option<()> {
        if array.bits.len() != array.shape.iter().product::<usize>() {
            return None;
        }
        let bindings = parse_bindings(bindings)?;
        self.record(Record { line, text: text.to_owned(), bindings, expected: Expected::Array(array, errors) })
    }

    fn bindings<'a>(&'a self, record: &'a Record) -> Vec<(&'a str, &'a Input)> {
        record.bindings.iter().map(|(name, input)| (name.as_str(), &self.inputs[input])).collect()
    }

    fn record(&mut self, record: Record) -> Option<()> {
        let is_bound = record.bindings.iter().all(|(_, input)| self.inputs.contains_key(input));
        is_bound.then(|| self.records.push(record))
    }
}

impl Input {
    /// Lays `bits` out in fresh memory as `layout` says.
    fn new(dtype: &'static str, shape: Vec<usize>, layout: &str, bits: Vec<u64>) -> Option<Input> {
        let size = dtype_size(dtype);
        let mut strides = None;
        let mut misalign = 0;
        for word in layout.split(' ') {
            if let Some(list) = word.strip_prefix("strides=") {
                strides = Some(parse_list::<isize>(list)?);
            } else if let Some(n) = word.strip_prefix("misalign=") {
                misalign = n.parse().ok()?;
            } else if word != "C" {
                return None;
            }
        }
        let strides = strides.unwrap_or_else(|| c_strides(&shape, size));
        if strides.len() != shape.len() || bits.len() != shape.iter().product::<usize>() {
            return None;
        }

        // The bytes before and after the first element that the others reach.
        let (mut before, mut after) = (0usize, size);
        if !bits.is_empty() {
            for (&extent, &stride) in shape.iter().zip(&strides) {
                let reach = (extent - 1) * stride.unsigned_abs();
                *(if stride < 0 { &mut before } else { &mut after }) += reach;
            }
        }
        // Padding is not zero, so that reading it would show.
        let mut memory = vec![0xa5; before + after + 8 + misalign];
        let to_aligned = memory.as_ptr().wrapping_add(before).align_offset(8);
        let offset = before + to_aligned + misalign;
        for (element_idx, &value) in bits.iter().enumerate() {
            let position = offset.checked_add_signed(position_of(element_idx, &shape, &strides))?;
            memory[position..position + size].copy_from_slice(&value.to_le_bytes()[..size]);
        }
        Some(Input { dtype, shape, strides, memory, offset, bits })
    }
}

/// The distance in bytes from the first element to the one at `element_idx` in logical C order.
fn position_of(mut element_idx: usize, shape: &[usize], strides: &[isize]) -> isize {
    let mut position = 0;
    for (&extent, &stride) in shape.iter().zip(strides).rev() {
        position += (element_idx % extent).cast_signed() * stride;
        element_idx /= extent;
    }
    position
}

fn c_strides(shape: &[usize], size: usize) -> Vec<isize> {
    let mut stride = size.cast_signed();
    let mut strides = vec![0; shape.len()];
    for (out, &extent) in strides.iter_mut().zip(shape).rev() {
        *out = stride;
        stride *= extent.max(1).cast_signed();
    }
    strides
}

pub(super) fn dtype_name(name: &str) -> Option<&'static str> {
    ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"]
        .into_iter()
        .find(|&known| known == name)
}

fn dtype_size(name: &str) -> usize {
    match name {
        "i16" | "u16" => 2,
        "i32" | "u32" | "f32" => 4,
        "i64" | "u64" | "f64" => 8,
        _ => 1,
    }
}

pub(super) fn is_nan(dtype: &str, bits: u64) -> bool {
    match dtype {
        "f32" => u32::try_from(bits).is_ok_and(|bits| f32::from_bits(bits).is_nan()),
        "f64" => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// True if two floats differ by at most this much. Zeros of different signs differ, and an infinity
/// is near nothing else.
pub(super) fn is_near(dtype: &str, found: u64, expected: u64, error: f64) -> bool {
    let float = |bits: u64| match dtype {
        "f32" => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    };
    let (found, expected) = (float(found), float(expected));
    (found != 0.0 || expected != 0.0) && expected.is_finite() && (found - expected).abs() <= error
}

fn parse_list<T: std::str::FromStr>(list: &str) -> Option<Vec<T>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    list.split(',').map(|word| word.parse().ok()).collect()
}

pub(super) fn parse_shape(shape: &str) -> Option<Vec<usize>> {
    parse_list(shape.strip_prefix('[')?.strip_suffix(']')?)
}

fn parse_bindings(bindings: &str) -> Option<Vec<(String, String)>> {
    if bindings == "-" {
        return Some(Vec::new());
    }
    bindings.split(' ').map(|pair| pair.split_once('=').map(|(name, to)| (name.to_owned(), to.to_owned()))).collect()
}

/// `"ff 0*3 nan"` is `[255, 0, 0, 0, any NaN]`.
pub(super) fn parse_bits(values: &str) -> Option<Vec<Option<u64>>> {
    let mut bits = Vec::new();
    if values == "-" {
        return Some(bits);
    }
    for word in values.split(' ') {
        let (value, count) = match word.split_once('*') {
            Some((value, count)) => (value, count.parse().ok()?),
            None => (word, 1),
        };
        let value = if value == "nan" { None } else { Some(u64::from_str_radix(value, 16).ok()?) };
        bits.extend(std::iter::repeat_n(value, count));
    }
    Some(bits)
}

pub(super) fn parse_input_bits(values: &str) -> Option<Vec<u64>> {
    parse_bits(values)?.into_iter().collect()
}

/// `"1e-9 0*2"` is `[1e-9, 0.0, 0.0]`.
pub(super) fn parse_errors(errors: &str) -> Option<Errors> {
    let mut all = Vec::new();
    for word in errors.split(' ') {
        let (error, count) = word.split_once('*').unwrap_or((word, "1"));
        all.extend(std::iter::repeat_n(error.parse::<f64>().ok()?, count.parse().ok()?));
    }
    Some(all)
}

// --- Checking ------------------------------------------------------------------------------------

/// Runs every record of a file and fails with all that went wrong.
fn check(file: &str, backend: Backend, n_threads: usize) {
    let golden = Golden::read(file);
    let engine = engine(backend, n_threads);
    let mut mismatches = Vec::new();
    for record in &golden.records {
        let bindings = golden.bindings(record);
        let found = catch_unwind(AssertUnwindSafe(|| evaluate_case(&engine, &record.text, &bindings)));
        let problem = match (found, &record.expected) {
            (Err(_), _) => Some("panicked".to_owned()),
            (Ok(Ok(found)), Expected::Array(expected, errors)) => difference(&found, expected, errors, &bindings),
            (Ok(Err(error)), Expected::Array(..)) => {
                Some(format!("error: {}", error.lines().next().unwrap_or_default()))
            }
            (Ok(Ok(found)), Expected::Error(exception)) => {
                Some(format!("gave {} {:?}, expected an error ({exception})", found.dtype, found.shape))
            }
            (Ok(Err(_)), Expected::Error(_)) => None,
        };
        if let Some(problem) = problem {
            mismatches.push((record, problem));
        }
    }
    if mismatches.is_empty() {
        return;
    }
    let mut report = format!("{} of {} records of {file}.txt differ:", mismatches.len(), golden.records.len());
    for (record, problem) in mismatches.iter().take(SHOWN) {
        let bound: Vec<String> = record.bindings.iter().map(|(name, input)| format!("{name}={input}")).collect();
        let _ = write!(report, "\n  {file}.txt:{}: `{}` {}: {problem}", record.line, record.text, bound.join(" "));
    }
    if mismatches.len() > SHOWN {
        let _ = write!(report, "\n  and {} more", mismatches.len() - SHOWN);
    }
    panic!("{report}");
}

/// Calls `f` for each record of all files: with what it is, its largest number of elements, its
/// text and its variables.
pub(super) fn for_each_record(mut f: impl FnMut(&str, usize, &str, &Vars<'_>)) {
    for file in FILES {
        let golden = Golden::read(file);
        for record in &golden.records {
            let bindings = golden.bindings(record);
            let n_elems = bindings.iter().map(|(_, input)| input.bits.len()).max().unwrap_or(0);
            let what = format!("{file}.txt:{}: {}", record.line, record.text);
            f(&what, n_elems, &record.text, &bind(&bindings));
        }
    }
}

/// What is wrong with `found`, in a line.
fn difference(found: &Array, expected: &Array, errors: &[f64], bindings: &[(&str, &Input)]) -> Option<String> {
    if found.dtype != expected.dtype {
        return Some(format!("dtype {}, expected {}", found.dtype, expected.dtype));
    }
    if found.shape != expected.shape {
        return Some(format!("shape {:?}, expected {:?}", found.shape, expected.shape));
    }
    if found.bits.len() != expected.bits.len() {
        return Some(format!("{} elements, expected {}", found.bits.len(), expected.bits.len()));
    }
    let differs = |element_idx: &usize| match (found.bits[*element_idx], expected.bits[*element_idx]) {
        (Some(bits), None) => !is_nan(found.dtype, bits),
        (Some(bits), Some(expected)) if bits != expected => {
            errors.get(*element_idx).is_none_or(|&error| !is_near(found.dtype, bits, expected, error))
        }
        (found_bits, expected_bits) => found_bits != expected_bits,
    };
    let mut different = (0..found.bits.len()).filter(differs);
    if let Some(element_idx) = different.next() {
        let n_different = 1 + different.count();
        return Some(element_difference(element_idx, n_different, found, expected, bindings));
    }
    strides_difference(found, expected)
}

fn element_difference(
    element_idx: usize,
    n_different: usize,
    found: &Array,
    expected: &Array,
    bindings: &[(&str, &Input)],
) -> String {
    let show = |bits: Option<u64>| bits.map_or("nan".to_owned(), |bits| format!("{bits:x}"));
    let mut problem = format!(
        "{} element {element_idx} is {}, expected {}",
        found.dtype,
        show(found.bits[element_idx]),
        show(expected.bits[element_idx])
    );
    for (name, input) in bindings.iter().filter(|(_, input)| input.shape == expected.shape) {
        let _ = write!(problem, ", {name} {}", show(Some(input.bits[element_idx])));
    }
    let _ = write!(problem, " ({n_different} of {} differ)", expected.bits.len());
    problem
}

/// Whether two strides are the same. Along an axis of one element all are.
fn strides_difference(found: &Array, expected: &Array) -> Option<String> {
    let (found_strides, expected_strides) = (found.strides.as_ref()?, expected.strides.as_ref()?);
    let agree = found_strides.len() == expected_strides.len()
        && expected
            .shape
            .iter()
            .zip(found_strides.iter().zip(expected_strides))
            .all(|(&extent, (f, e))| extent == 1 || f == e);
    (!agree).then(|| format!("strides {found_strides:?}, expected {expected_strides:?} (shape {:?})", expected.shape))
}
