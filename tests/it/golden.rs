//! Golden values from outside: what NumPy answers, against what the engine answers, bit for bit.
//!
//! In: `tests/data/golden/*.txt`, written by `make_golden.py` there, which describes the format and
//! asks NumPy; what is left out, and why, is in `DIFFERENCES.md` beside it. Every record of every
//! file runs on both backends with one and two threads, over memory laid out as the file says. A
//! test reports all its mismatches, the first ones in full.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::golden_format::{
    Array, Errors, Input, difference, directory, dtype_name, engine, fail_with, files_in, golden, parse_bindings,
    parse_bits, parse_errors, parse_input_bits, parse_list, parse_shape, stated_count,
};
use ndexpr::{Backend, DType, Engine, Vars, View};

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
    let mut tested = [FILES, &["every_axis"]].concat();
    tested.sort_unstable();
    assert_eq!(files_in(&directory()), tested, "every golden file has its tests");
}

// --- The engine's API, in one place --------------------------------------------------------------

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
    Ok(Array::from(&result))
}

// --- The records ---------------------------------------------------------------------------------

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

impl Golden {
    fn read(file: &str) -> Golden {
        let path = directory().join(format!("{file}.txt"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut golden = Golden { inputs: HashMap::new(), records: Vec::new() };
        for (line_idx, line) in text.lines().enumerate() {
            let line_no = line_idx + 1;
            if line.starts_with('#') {
                continue;
            }
            golden
                .line(line_no, line)
                .unwrap_or_else(|| panic!("{}:{line_no}: not understood: {line}", path.display()));
        }
        assert_eq!(
            Some(golden.records.len()),
            stated_count(&text),
            "{}: the number of records is not the header's",
            path.display()
        );
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
            let bound: Vec<String> = record.bindings.iter().map(|(name, input)| format!("{name}={input}")).collect();
            mismatches.push(format!("{file}.txt:{}: `{}` {}: {problem}", record.line, record.text, bound.join(" ")));
        }
    }
    fail_with(file, golden.records.len(), &mismatches);
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
