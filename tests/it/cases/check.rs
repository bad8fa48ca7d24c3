//! The check: compiled code and the interpreter must give the same bits. Compiled code is run
//! twice, with the widest registers of the processor and with those of 128 bits.

use super::arrays::{Array, Layout, same};
use super::case::{Case, Expr, Out, Value};
use super::program::{as_program, index};
use super::source::Source;
use super::statements::simpler_exprs;
use super::updates::{check_tuple, check_updates};
use ndexpr::{Backend, DType, DynArray, Engine, Error, ErrorKind, FloatMode, Program, Scalar, View, ViewMut};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

/// What became of a case that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Both gave the same bits, of so many elements.
    Same(usize),
    /// Both refused it.
    Rejected,
    /// Both compiled it, and neither could run it: an axis does not exist, or there is no smallest
    /// element.
    Failed,
}

/// How the report of a result of an unexpected dtype starts.
const WRONG_TYPE: &str = "the result is";

/// The engines of all cases.
struct Engines {
    strict: [Engine; 4],
    fast: [Engine; 4],
}

impl Engines {
    /// Interpreter, compiled code on one thread, with registers of 128 bits, and on four threads.
    fn of(floats: FloatMode) -> &'static [Engine; 4] {
        static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
            let build = |floats| {
                let kinds = [
                    (Backend::Interp, 1, false),
                    (Backend::Jit, 1, false),
                    (Backend::Jit, 1, true),
                    (Backend::Jit, 4, false),
                ];
                kinds.map(|(backend, threads, is_narrow)| {
                    let builder = Engine::builder().backend(backend).threads(threads).float_mode(floats);
                    let builder = if is_narrow { builder.narrow_registers() } else { builder };
                    builder.cache_capacity(0).build().expect("an engine")
                })
            };
            Engines { strict: build(FloatMode::Strict), fast: build(FloatMode::Fast) }
        });
        if floats == FloatMode::Strict { &ENGINES.strict } else { &ENGINES.fast }
    }
}

/// Evaluates a case in all ways.
///
/// # Errors
///
/// What differs, for a person to read.
pub(crate) fn check(case: &Case) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(|| check_unguarded(case))).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", message.unwrap_or_default()))
    })
}

fn check_unguarded(case: &Case) -> Result<Outcome, String> {
    let (text, signature) = (case.text(), case.signature());
    let [interp, jit, narrow, jit_on_threads] = Engines::of(case.floats);
    let oracle = match interp.compile(&text, &signature) {
        Ok(oracle) => oracle,
        Err(error) => {
            return match jit.compile(&text, &signature) {
                Err(other) if other.render() == error.render() => Ok(Outcome::Rejected),
                other => Err(format!("the interpreter says {error}, the compiler {other:?}")),
            };
        }
    };
    if let Expr::Op(form, _) = &case.expr
        && oracle.result_dtype() != form.result
    {
        return Err(format!("{WRONG_TYPE} {}, not {}", oracle.result_dtype(), form.result));
    }
    let arrays = case.arrays();
    let vars = case.bind(&arrays);
    let expected: DynArray = match oracle.evaluate(&vars) {
        Ok(expected) => expected,
        Err(error) => return fails_too(case, jit, &error),
    };
    let shape = expected.shape().to_vec();
    let expected: Vec<Scalar> = expected.scalars().collect();
    for engine in [jit, narrow, jit_on_threads] {
        if engine.threads() > 1 && !case.on_threads {
            continue;
        }
        let program = engine.compile(&text, &signature).map_err(|error| format!("compiling fails: {error}"))?;
        let found = run(case, &program, &arrays, &shape)?;
        if let Some(reason) = program.fallback_reason() {
            return Err(format!("it is interpreted: {reason}"));
        }
        if let Some(i) = (0..expected.len()).find(|&i| !same(expected[i], found[i])) {
            let how = if std::ptr::eq(engine, narrow) { ", registers of 128 bits" } else { "" };
            let how = format!("{} threads{how}", engine.threads());
            return Err(difference(case, &arrays, &shape, i, (expected[i], found[i]), &how));
        }
    }
    check_programs(case, jit, &vars, (&shape, &expected))?;
    // Each takes as long as the rest of the check together.
    let mut source = source_of(case);
    if source.one_in(4) {
        check_tuple(case, jit, &vars, &expected)?;
    }
    if !source.one_in(4) {
        return Ok(Outcome::Same(expected.len()));
    }
    let engines = [interp, jit, if case.on_threads { jit_on_threads } else { narrow }];
    let result = (oracle.result_dtype(), &shape[..], &expected[..]);
    check_updates(case, &engines, &arrays, result, &mut source)?;
    Ok(Outcome::Same(expected.len()))
}

/// What is chosen beside the case: it follows from the text.
fn source_of(case: &Case) -> Source<'static> {
    Source::from_seed(case.text().bytes().fold(1, |hash: u64, byte| hash.wrapping_mul(31) ^ u64::from(byte)))
}

/// The case as a program, and a part of the result that the text itself takes. Both are compiled,
/// and must have the bits of the expression.
fn check_programs(
    case: &Case,
    jit: &Engine,
    vars: &ndexpr::Vars<'_>,
    (shape, expected): (&[usize], &[Scalar]),
) -> Result<(), String> {
    let mut source = source_of(case);
    let all: Vec<usize> = (0..expected.len()).collect();
    let mut texts = vec![(as_program(&case.expr, &mut source), all)];
    if let Some((index, places)) = index(shape, &mut source) {
        texts.push((format!("({}){index}", case.text()), places));
    }
    for (text, places) in texts {
        let program = match jit.compile(&text, &case.signature()) {
            Ok(program) => program,
            // What runs along axes is not indexed.
            Err(error) if error.kind() == ErrorKind::Unsupported => continue,
            Err(error) => return Err(format!("compiling fails: {error:?}")),
        };
        let found: DynArray = program.evaluate(vars).map_err(|error| format!("running fails: {error:?}"))?;
        let found: Vec<Scalar> = found.scalars().collect();
        if found.len() != places.len() || !found.iter().zip(&places).all(|(found, &at)| same(expected[at], *found)) {
            return Err(format!("another result of\n{text}\n{found:?} instead of those at {places:?}"));
        }
    }
    Ok(())
}

/// If the shapes keep the interpreter from running a program, compiled code must refuse it as well.
pub(crate) fn fails_too(case: &Case, jit: &Engine, error: &Error) -> Result<Outcome, String> {
    let is_of_shapes = matches!(error.kind(), ErrorKind::Axis | ErrorKind::EmptyInput);
    let arrays = case.arrays();
    let program = jit.compile(&case.text(), &case.signature()).map_err(|error| format!("compiling fails: {error}"))?;
    match program.evaluate::<DynArray>(&case.bind(&arrays)) {
        Err(other) if is_of_shapes && other.render() == error.render() => Ok(Outcome::Failed),
        other => Err(format!("the interpreter fails: {error}, compiled code: {other:?}")),
    }
}

/// Runs compiled code and reads the result, in C order.
pub(crate) fn run(
    case: &Case,
    program: &Arc<Program>,
    arrays: &[Option<Array>],
    shape: &[usize],
) -> Result<Vec<Scalar>, String> {
    let dtype = program.result_dtype();
    let fails = |error: ndexpr::Error| format!("running fails: {error}");
    match case.out {
        Out::Into { seed } => {
            let layout = Layout::random_apart(&mut Source::from_seed(seed), shape);
            let mut out = Array::garbage(dtype, &layout);
            program.run(&case.bind(arrays), out.view_mut()).map_err(fails)?;
            let found = out.scalars();
            // Only the elements may have been written.
            let mut only_elements = Array::garbage(dtype, &layout);
            only_elements.offset = out.offset;
            only_elements.memory.resize(out.memory.len(), 0xa5);
            for (i, scalar) in found.iter().enumerate() {
                only_elements.put(i, scalar.bits());
            }
            if only_elements.memory != out.memory {
                return Err("bytes beside the output's elements were written, or a bool is neither 0 nor 1".to_owned());
            }
            Ok(found)
        }
        Out::InPlace { var, shift } if can_run_in_place(case, var, dtype, shape) => {
            Ok(run_in_place(case, program, arrays, (var, shift)).map_err(fails)?)
        }
        Out::Fresh | Out::InPlace { .. } => {
            let found: DynArray = program.evaluate(&case.bind(arrays)).map_err(fails)?;
            Ok(found.scalars().collect())
        }
    }
}

fn can_run_in_place(case: &Case, var: usize, dtype: DType, shape: &[usize]) -> bool {
    let var = &case.vars[var];
    matches!(&var.value, Value::Array { layout, .. }
        if var.dtype == dtype && layout.shape == *shape && layout.is_apart())
}

/// Runs with an output that is the memory of an input, or overlaps it partly.
fn run_in_place(
    case: &Case,
    program: &Arc<Program>,
    arrays: &[Option<Array>],
    (var, shift): (usize, isize),
) -> Result<Vec<Scalar>, ndexpr::Error> {
    let mut arrays = arrays.to_vec();
    let mut array = arrays[var].clone().expect("the variable is an array");
    // The clone has other memory: the array itself is bound to a view that does not borrow it.
    let (dtype, shape, strides) = (array.dtype, array.shape.clone(), array.strides.clone());
    let start = array.memory.as_mut_ptr();
    let place = array.offset.checked_add_signed(shift).expect("the margin is wider than the shift");
    arrays[var] = None;
    let mut vars = ndexpr::Vars::new();
    for (i, (known, other)) in case.vars.iter().zip(&arrays).enumerate() {
        vars = match (&known.value, other) {
            (Value::Scalar(bits), _) => vars.with(&known.name, Scalar::from_bits(known.dtype, *bits)),
            (_, Some(other)) => vars.with(&known.name, other.view()),
            (_, None) => {
                assert_eq!(i, var);
                // SAFETY: every element is inside of the array's memory, as its own view was. It is
                // initialised, and nobody writes to it but the run below, which checks how input
                // and output overlap.
                let view = unsafe { View::from_raw_parts(start.add(array.offset), dtype, &shape, &strides) }?;
                vars.with(&known.name, view)
            }
        };
    }
    // SAFETY: the elements are at most the shift, which is less than the margin, away from those of
    // the array. They are used by nobody else meanwhile but the input above, which was made by
    // `View::from_raw_parts`.
    let out = unsafe { ViewMut::from_raw_parts(start.add(place), dtype, &shape, &strides) }?;
    program.run(&vars, out)?;
    drop(vars);
    array.offset = place;
    Ok(array.scalars())
}

pub(crate) fn difference(
    case: &Case,
    arrays: &[Option<Array>],
    shape: &[usize],
    i: usize,
    (expected, found): (Scalar, Scalar),
    how: &str,
) -> String {
    let mut index = vec![0; shape.len()];
    let mut rest = i;
    for (place, &extent) in index.iter_mut().zip(shape).rev() {
        (*place, rest) = (rest % extent, rest / extent);
    }
    let mut report = format!(
        "at {index:?} of {shape:?}, {how}: interpreted {expected:?} ({:#x}), compiled {found:?} ({:#x}), where",
        expected.bits(),
        found.bits()
    );
    for (var, array) in case.vars.iter().zip(arrays) {
        let value = match (&var.value, array) {
            (Value::Scalar(bits), _) => Some(Scalar::from_bits(var.dtype, *bits)),
            (_, Some(array)) => array.at(&index),
            _ => None,
        };
        if let Some(value) = value {
            write!(report, " {}={value:?} ({:#x})", var.name, value.bits()).expect("writing to a string");
        }
    }
    report
}

/// The smallest case found that fails as well, and how. Tries each part of the expression in the
/// place of what it is a part of, then simpler layouts.
pub(crate) fn shrink(mut case: Case, mut failure: String) -> (Case, String) {
    let mut n_tries = 0;
    'again: loop {
        let mut smaller: Vec<Case> =
            simpler_exprs(&case.expr).into_iter().map(|expr| Case { expr, ..case.clone() }).collect();
        smaller.sort_by_key(|case| case.expr.size());
        smaller.extend(simpler_layouts(&case));
        for candidate in smaller {
            n_tries += 1;
            if n_tries > 3000 {
                break 'again;
            }
            // An argument instead of an operation may change how the rest is typed.
            if let Err(why) = check(&candidate)
                && !why.starts_with(WRONG_TYPE)
            {
                (case, failure) = (candidate, why);
                continue 'again;
            }
        }
        break;
    }
    (case, failure)
}

pub(crate) fn simpler_layouts(case: &Case) -> Vec<Case> {
    let mut simpler = Vec::new();
    if case.out != Out::Fresh {
        simpler.push(Case { out: Out::Fresh, ..case.clone() });
    }
    if case.on_threads {
        simpler.push(Case { on_threads: false, ..case.clone() });
    }
    if case.floats == FloatMode::Fast {
        simpler.push(Case { floats: FloatMode::Strict, ..case.clone() });
    }
    let mut with_layouts = |f: &dyn Fn(&Layout) -> Layout| {
        let mut other = case.clone();
        let mut is_other = false;
        for var in &mut other.vars {
            if let Value::Array { layout, .. } = &mut var.value {
                let new = f(layout);
                is_other |= new != *layout;
                *layout = new;
            }
        }
        if is_other {
            simpler.push(other);
        }
    };
    with_layouts(&|layout| Layout::dense(&layout.shape));
    with_layouts(&|layout| {
        let mut layout = layout.clone();
        layout.shape.iter_mut().filter(|extent| **extent > 1).for_each(|extent| *extent = extent.div_ceil(2));
        layout
    });
    with_layouts(&|layout| Layout { gap: 0, misalign: 0, ..layout.clone() });
    simpler
}

/// Everything that is needed to reproduce a failure.
pub(crate) fn report(case: &Case, failure: &str) -> String {
    let mut text = format!("{failure}\n  text       {}\n  signature  {}\n", case.text(), case.signature());
    let out = match case.out {
        Out::Into { seed } => format!("into Layout::random_apart(seed {seed})"),
        _ => format!("{:?}", case.out),
    };
    let _ = writeln!(text, "  floats     {:?}\n  out        {out}", case.floats);
    for var in &case.vars {
        let value = match &var.value {
            Value::Scalar(bits) => format!("{:?}", Scalar::from_bits(var.dtype, *bits)),
            Value::Array { layout, seed } => format!(
                "shape {:?} strides {:?} misaligned by {} values pool({seed})",
                layout.shape,
                layout.strides(var.dtype),
                layout.misalign
            ),
        };
        let _ = writeln!(text, "  {:<10} {} {value}", var.name, var.dtype);
    }
    text
}
