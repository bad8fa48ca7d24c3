//! Filetests: what every stage of the compiler makes of a text, and what comes out, one named test
//! for each file of `tests/data/file`. The format is described in [`format`].
//!
//! `NDEXPR_BLESS=1 cargo test --test filetests` writes what the compiler prints into the files. The
//! results of runs are never blessed: they come from NumPy or by hand.

mod format;
mod values;

use format::{File, Section};
use libtest_mimic::{Arguments, Trial};
use ndexpr::{
    Backend, DType, DynArray, Engine, FloatMode, Function, Program, Signature, Stage, VarType, Vars, View, ViewMut,
};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use values::{Array, Layout, Memory};

fn main() {
    let tests = format::all()
        .into_iter()
        .map(|(name, path)| Trial::test(name, move || check(&path).map_err(Into::into)))
        .chain([Trial::test("nothing_is_missing", || nothing_is_missing().map_err(Into::into))])
        .collect();
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// Functions that files may call. Their names begin as no other's do, so that no error suggests
/// them.
const PRELUDE: &str = "def test_scaled(x, by=2):\n    return -(x*by)";

fn soft() -> Function {
    Function::scalar("test_soft", |x: f64| x / (1.0 + x.abs()))
}

fn pick() -> Function {
    Function::tiles("test_pick", |c: &[bool], x: &[i32], y: &[f64], out: &mut [f32]| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = if c[i] { x[i] as f32 } else { y[i] as f32 };
        }
    })
}

const THREADS: [usize; 4] = [1, 2, 3, 8];

/// An engine of each kind.
fn engine(floats: FloatMode, backend: Backend, n_threads: usize) -> &'static Engine {
    static ENGINES: LazyLock<HashMap<(FloatMode, Backend, usize), Engine>> = LazyLock::new(|| {
        let mut engines = HashMap::new();
        for floats in [FloatMode::Strict, FloatMode::Fast] {
            for backend in [Backend::Jit, Backend::Interp] {
                for n_threads in THREADS {
                    let builder = Engine::builder().float_mode(floats).backend(backend).threads(n_threads);
                    let builder = builder.function(soft()).function(pick()).prelude(PRELUDE);
                    engines.insert((floats, backend, n_threads), builder.build().expect("an engine"));
                }
            }
        }
        engines
    });
    &ENGINES[&(floats, backend, n_threads)]
}

fn is_blessing() -> bool {
    std::env::var_os("NDEXPR_BLESS").is_some_and(|value| value != "0")
}

/// Checks, or blesses, one file.
fn check(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut file = File::parse(&text)?;
    let floats = if file.is_fast { FloatMode::Fast } else { FloatMode::Strict };
    let signature = signature(&file)?;
    let compiled = engine(floats, Backend::Jit, 1).compile(&file.expression, &signature);
    let mut error = compiled.as_ref().err().map(ndexpr::Error::render);
    let mut problems = Vec::new();
    if let Ok(program) = &compiled {
        if let Some(reason) = program.fallback_reason() {
            problems.push(format!("it is not compiled: {reason}"));
        }
        for section in file.sections.iter().filter(|section| section.name == "run") {
            for case in Case::parse_all(&section.body)? {
                match case.check(&file, floats, &signature) {
                    Ok(None) => {}
                    Ok(found) => error = found,
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    let is_level = file.cpu.is_none() || file.cpu == std::env::var("NDEXPR_CPU").ok();
    for section in &mut file.sections {
        let found = match &*section.name {
            "run" => continue,
            "error" => error.take().unwrap_or_else(|| "none\n".to_owned()),
            "tape" | "outline" | "clif" | "asm" if !is_level => continue,
            name => match &compiled {
                Ok(program) => explain(program, name),
                Err(error) => error.render(),
            },
        };
        compare(section, found, &mut problems);
    }
    if let Some(error) = error {
        problems.push(error);
    }
    if is_blessing() {
        let blessed = file.print();
        if blessed != text {
            std::fs::write(path, blessed).map_err(|error| error.to_string())?;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

fn explain(program: &Program, stage: &str) -> String {
    let stage = Stage::ALL.iter().copied().find(|known| known.name() == stage).expect("the format knows its sections");
    program.explain(stage)
}

/// Compares a section with what was found, without empty lines at the end; or replaces it.
fn compare(section: &mut Section, found: String, problems: &mut Vec<String>) {
    let end = section.body.len() - section.body.trim_end().len();
    if section.body.trim_end() == found.trim_end() {
        return;
    }
    if is_blessing() {
        let is_spaced =
            section.body[section.body.len() - end..].matches('\n').count() > 1 || section.body.trim().is_empty();
        section.body = format!("{}\n{}", found.trim_end(), if is_spaced { "\n" } else { "" });
    } else {
        problems.push(format!("section {}: expected\n{}found\n{found}", section.name, section.body));
    }
}

fn signature(file: &File) -> Result<Signature, String> {
    file.signature.iter().try_fold(Signature::new(), |signature, variable| {
        let dtype =
            DType::from_name(&variable.dtype).ok_or_else(|| format!("there is no dtype `{}`", variable.dtype))?;
        let ty = if variable.is_scalar { VarType::scalar(dtype) } else { VarType::array(dtype) };
        Ok(signature.with(&variable.name, ty))
    })
}

/// A case of a `run` section.
struct Case {
    values: Vec<(String, Array)>,
    expected: Expected,
}

enum Expected {
    Result { array: Array, max_ulp: u64 },
    Error,
}

impl Case {
    fn parse_all(body: &str) -> Result<Vec<Case>, String> {
        let mut lines: Vec<String> = Vec::new();
        for line in body.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            match lines.last_mut() {
                Some(last) if line.starts_with(' ') => last.push_str(line),
                _ => lines.push(line.to_owned()),
            }
        }
        let (mut cases, mut values) = (Vec::new(), Vec::new());
        for line in lines {
            if let Some(result) = line.strip_prefix("=> ") {
                cases.push(Case { values: std::mem::take(&mut values), expected: Expected::parse(result)? });
            } else {
                let (name, array) = line.split_once(" = ").ok_or_else(|| format!("`{line}` is no value"))?;
                values.push((name.to_owned(), Array::parse(array)?));
            }
        }
        if !values.is_empty() || cases.is_empty() {
            return Err("a case of the section run lacks its `=>`".to_owned());
        }
        Ok(cases)
    }

    /// Runs the case in every way. Returns the rendered error, if one was expected.
    fn check(&self, file: &File, floats: FloatMode, signature: &Signature) -> Result<Option<String>, String> {
        let mut programs = Vec::new();
        for backend in [Backend::Jit, Backend::Interp] {
            for n_threads in THREADS {
                let program = engine(floats, backend, n_threads).compile(&file.expression, signature);
                programs.push((backend, n_threads, program.map_err(|error| error.render())?));
            }
        }
        let run = Run { case: self, signature, programs };
        let contiguous = vec![Layout::Contiguous; self.values.len()];
        let found = run.evaluate(run.program(Backend::Interp, 1), &run.memories(&self.values, &contiguous, 0));
        let result = match (found, &self.expected) {
            (Err(error), Expected::Error) => return Ok(Some(error)),
            (Err(error), Expected::Result { .. }) => return Err(error),
            (Ok(result), Expected::Error) => return Err(format!("expected an error, found {result}")),
            (Ok(result), Expected::Result { array, max_ulp }) => {
                if !result.equals(array, *max_ulp) {
                    return Err(format!("the result is\n  {result}\nexpected\n  {array}"));
                }
                result
            }
        };
        run.layouts(&result)?;
        run.outputs(&result)?;
        run.large(&result)?;
        Ok(None)
    }
}

impl Expected {
    fn parse(text: &str) -> Result<Expected, String> {
        if text.trim() == "error" {
            return Ok(Expected::Error);
        }
        let (max_ulp, array) = match text.split_once("ulp ") {
            Some((ulp, array)) => (ulp.parse().map_err(|_| format!("`{ulp}` is no number of ulp"))?, array),
            None => (0, text),
        };
        Ok(Expected::Result { array: Array::parse(array)?, max_ulp })
    }
}

/// A case, and what is needed to run it.
struct Run<'a> {
    case: &'a Case,
    signature: &'a Signature,
    programs: Vec<(Backend, usize, Arc<Program>)>,
}

impl Run<'_> {
    fn program(&self, backend: Backend, n_threads: usize) -> &Program {
        let is_wanted = |program: &&(Backend, usize, Arc<Program>)| (program.0, program.1) == (backend, n_threads);
        &self.programs.iter().find(is_wanted).expect("every program was compiled").2
    }

    fn evaluate(&self, program: &Program, memories: &[(&str, Memory)]) -> Result<Array, String> {
        let result: DynArray = program.evaluate(&self.vars(memories)).map_err(|error| error.render())?;
        match program.fallback_reason() {
            Some(reason) if !reason.contains("the engine was told to") => Err(format!("it is not compiled: {reason}")),
            _ => Ok(Array::of(&result)),
        }
    }

    /// Variables in memory, each in its own layout. `n_axes` is the rank of the result.
    fn memories<'v>(&self, values: &'v [(String, Array)], layouts: &[Layout], n_axes: usize) -> Vec<(&'v str, Memory)> {
        let memory = |((name, array), &layout): (&'v (String, Array), &Layout)| {
            (name.as_str(), Memory::new(array, if self.takes_part(name) { layout } else { Layout::Contiguous }, n_axes))
        };
        values.iter().zip(layouts).map(memory).collect()
    }

    fn vars<'v>(&self, memories: &'v [(&'v str, Memory)]) -> Vars<'v> {
        memories.iter().fold(Vars::new(), |vars, (name, memory)| vars.with(name, memory.var(self.is_scalar(name))))
    }

    fn is_scalar(&self, name: &str) -> bool {
        self.signature.get(name).is_some_and(|ty| ty.is_scalar)
    }

    /// True for arrays that the text names: they decide the shape.
    fn takes_part(&self, name: &str) -> bool {
        !self.is_scalar(name) && self.program(Backend::Interp, 1).variables().any(|(used, _)| used == name)
    }

    /// True if something runs along axes: a new axis would change what that is.
    fn is_along_axes(&self) -> bool {
        self.program(Backend::Interp, 1).explain(Stage::Hir).contains(" over ")
    }

    fn has_arrays(&self) -> bool {
        self.case.values.iter().any(|(name, _)| self.takes_part(name))
    }

    /// Every layout of the inputs, the same for all and different ones together, with every engine.
    fn layouts(&self, expected: &Array) -> Result<(), String> {
        let n_axes = expected.shape.len();
        let n_values = self.case.values.len();
        for (i, layout) in Layout::ALL.into_iter().enumerate() {
            let by_turns: Vec<Layout> = (0..n_values).map(|value| Layout::ALL[(i + value) % 6]).collect();
            for layouts in [vec![layout; n_values], by_turns] {
                if self.is_along_axes() && layouts.contains(&Layout::Stretched) {
                    continue;
                }
                let is_stretched = self
                    .case
                    .values
                    .iter()
                    .zip(&layouts)
                    .any(|((name, _), &layout)| layout == Layout::Stretched && self.takes_part(name));
                let stretched = is_stretched.then(|| expected.repeated_outside(n_axes, 3));
                let expected = stretched.as_ref().unwrap_or(expected);
                let memories = self.memories(&self.case.values, &layouts, n_axes);
                for (backend, n_threads, program) in &self.programs {
                    let found = self.evaluate(program, &memories)?;
                    same(&found, expected, &format!("{backend}, {n_threads} threads, layouts {layouts:?}"))?;
                }
            }
        }
        Ok(())
    }

    /// Outputs that run backwards, and outputs that the result is broadcast to.
    fn outputs(&self, expected: &Array) -> Result<(), String> {
        let mut shape = vec![2];
        shape.extend(&expected.shape);
        let expected = expected.broadcast_to(&shape);
        let size = expected.dtype.size();
        let n_bytes = size * expected.bits.len();
        let strides: Vec<isize> =
            (0..shape.len()).map(|axis| -((size * shape[axis + 1..].iter().product::<usize>()) as isize)).collect();
        let offset = n_bytes.saturating_sub(size);
        let memories = self.memories(&self.case.values, &vec![Layout::Contiguous; self.case.values.len()], 0);
        let vars = self.vars(&memories);
        for backend in [Backend::Jit, Backend::Interp] {
            let program = self.program(backend, 2);
            let mut bytes = vec![0xa5; n_bytes];
            let out = ViewMut::from_bytes_mut(&mut bytes, expected.dtype, &shape, &strides, offset)
                .map_err(|error| error.to_string())?;
            program.run(&vars, out).map_err(|error| error.render())?;
            let view = View::from_bytes(&bytes, expected.dtype, &shape, &strides, offset).expect("as above");
            let bits = view.scalars().map(ndexpr::Scalar::bits).collect();
            let found = Array { dtype: expected.dtype, shape: shape.clone(), bits };
            same(&found, &expected, &format!("{backend}, an output that runs backwards"))?;
        }
        Ok(())
    }

    /// The same values many times over, so that there are chunks for all threads. Compiled code
    /// only: the interpreter has one thread.
    fn large(&self, expected: &Array) -> Result<(), String> {
        const N_ELEMS: usize = 250_000;
        const N_ELEMS_INTERP: usize = 11_000;
        if expected.bits.is_empty() || !self.has_arrays() || self.is_along_axes() {
            return Ok(());
        }
        let n_axes = expected.shape.len();
        let check = |is_outside: bool, backend: Backend, threads: &[usize], n_elems: usize| {
            let n = n_elems.div_ceil(expected.bits.len());
            let repeat = |array: &Array| match is_outside {
                true => array.repeated_outside(n_axes, n),
                false => array.repeated_inside(n),
            };
            let large: Vec<(String, Array)> = (self.case.values.iter())
                .map(|(name, array)| {
                    let array = if self.takes_part(name) { repeat(array) } else { array.clone() };
                    (name.clone(), array)
                })
                .collect();
            let expected = repeat(expected);
            let memories = self.memories(&large, &vec![Layout::Contiguous; large.len()], 0);
            threads.iter().try_for_each(|&n_threads| {
                let found = self.evaluate(self.program(backend, n_threads), &memories)?;
                same(&found, &expected, &format!("{backend}, {n_threads} threads, {} elements", expected.bits.len()))
            })
        };
        check(true, Backend::Jit, &THREADS, N_ELEMS)?;
        check(false, Backend::Jit, &THREADS, N_ELEMS)?;
        check(true, Backend::Interp, &[3], N_ELEMS_INTERP)
    }
}

fn same(found: &Array, expected: &Array, how: &str) -> Result<(), String> {
    if found.equals(expected, 0) {
        return Ok(());
    }
    Err(format!("{how}: {}", found.first_difference(expected)))
}

/// Every operation, operator and stage is in some file.
fn nothing_is_missing() -> Result<(), String> {
    let mut n_files = 0;
    let mut n_runs = 0;
    let mut dumps = String::new();
    let mut texts = String::new();
    for (name, path) in format::all() {
        let file = File::parse(&std::fs::read_to_string(path).map_err(|error| error.to_string())?)?;
        n_files += 1;
        for section in &file.sections {
            if section.name == "run" {
                n_runs += Case::parse_all(&section.body).map_err(|error| format!("{name}: {error}"))?.len();
            } else {
                dumps.push_str(&format!("--- {}\n{}", section.name, section.body));
            }
        }
        if file.section("run").is_some() {
            texts.push_str(&format!("{}\n", file.expression));
        }
    }
    if n_files < 60 || n_runs < 80 {
        return Err(format!("only {n_files} files with {n_runs} runs"));
    }
    let without_dump: Vec<&str> = (format::SECTIONS.into_iter())
        .filter(|name| *name != "run" && !dumps.contains(&format!("--- {name}\n")))
        .collect();
    // Every function is called, or is an operator's.
    const OPERATORS: [&str; 31] = [
        "add",
        "subtract",
        "multiply",
        "divide",
        "floor_divide",
        "remainder",
        "power",
        "negative",
        "positive",
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "logical_and",
        "logical_or",
        "logical_not",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "invert",
        "left_shift",
        "right_shift",
        "where",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
    ];
    let not_called: Vec<&str> = ndexpr::functions()
        .iter()
        .map(|function| function.name)
        .filter(|name| !OPERATORS.contains(name) && !texts.contains(&format!("{name}(")))
        .collect();
    if without_dump.is_empty() && not_called.is_empty() {
        return Ok(());
    }
    Err(format!("no file has the sections {without_dump:?}, and none runs {not_called:?}"))
}
