//! Random programs: compiled code against the interpreter, with several threads.

use super::arrays::{Array, same};
use super::case::Value;
use super::check::{difference, run};
use super::program_case::{ProgramCase, THREADS};
use super::walk;
use ndexpr::{Backend, DynArray, Engine, Error, ErrorKind, FloatMode, Procedure, Scalar, Targets, View, ViewMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

/// What became of a program that did not fail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// All ways gave the same bits.
    Same {
        n_elems: usize,
        /// Why it was interpreted, although it should be compiled.
        fallback: Option<String>,
        /// Whether its statements, run one by one, gave the same bits too.
        is_walked: bool,
    },
    /// Compiler and interpreter refused it for the same reason.
    Rejected(String),
    /// Both compiled it, and neither could run it.
    Failed(String),
}

/// Iterations after which a loop is taken to be endless. Loops that are drawn have fewer.
const MAX_ITERATIONS: u64 = 5000;

/// What programs that update arrays still get wrong. Such a program counts as refused. In the last
/// two a loop of each element gives all its names one shape.
const KNOWN: [&str; 4] = [
    "a single value cannot be indexed",
    "has changed since this place of it was named",
    "do not broadcast",
    "one value decides here",
];

fn is_known(error: &Error) -> bool {
    let message = error.to_string();
    KNOWN.iter().any(|known| message.contains(known))
}

struct Engines {
    interp: Engine,
    /// By threads: 1, 2, 4, 8.
    jit: [Engine; 4],
    narrow: Engine,
}

impl Engines {
    fn of(floats: FloatMode) -> &'static Engines {
        static ENGINES: LazyLock<[Engines; 2]> = LazyLock::new(|| {
            [FloatMode::Strict, FloatMode::Fast].map(|floats| {
                let builder = |threads| {
                    let builder = Engine::builder().threads(threads).float_mode(floats).cache_capacity(0);
                    builder.max_iterations(MAX_ITERATIONS)
                };
                Engines {
                    interp: builder(1).backend(Backend::Interp).build().expect("an engine"),
                    jit: THREADS.map(|threads| builder(threads).build().expect("an engine")),
                    narrow: builder(1).narrow_registers().build().expect("an engine"),
                }
            })
        });
        &ENGINES[usize::from(floats != FloatMode::Strict)]
    }
}

/// Runs a program in all ways.
///
/// # Errors
///
/// What differs, for a person to read.
pub(crate) fn check_program(case: &ProgramCase) -> Result<Outcome, String> {
    let check = || if case.n_written == 0 { check_evaluated(case) } else { check_updated(case) };
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", message.unwrap_or_default()))
    })
}

/// The engines that compile a case.
fn compilers(case: &ProgramCase) -> Vec<&'static Engine> {
    let engines = Engines::of(case.case.floats);
    let place = THREADS.iter().position(|&threads| threads == case.threads).expect("one of these");
    let mut all = vec![if case.is_narrow { &engines.narrow } else { &engines.jit[0] }];
    all.extend((place > 0).then(|| &engines.jit[place]));
    all
}

/// Both must refuse a program for the same reason.
fn refused<T>(error: &Error, compiled: Result<T, Error>) -> Result<Outcome, String> {
    match compiled {
        Err(other) if other.render() == error.render() => {
            // What the generator does not look at: constants and dtypes on the way to a name's
            // own dtype, names that have no value on some ways, and conditions of arrays.
            let is_expected = matches!(
                error.kind(),
                ErrorKind::LiteralRange
                    | ErrorKind::NotDefined
                    | ErrorKind::NegativePower
                    | ErrorKind::Statement
                    | ErrorKind::Unsupported
                    | ErrorKind::Limit
            );
            // A name of the whole shape may be a literal for a while.
            let is_expected = is_expected || error.to_string() == "a number cannot be indexed";
            if !is_expected && !is_known(error) {
                return Err(format!("it is refused: {error}"));
            }
            Ok(Outcome::Rejected(format!("{:?}: {}", error.kind(), error)))
        }
        Err(other) => Err(format!("the interpreter says {error}, the compiler {other}")),
        Ok(_) => Err(format!("the interpreter says {error}, the compiler takes it")),
    }
}

/// Both must fail in the same way.
fn failed<T>(error: &Error, run: Result<T, Error>) -> Result<Outcome, String> {
    let is_expected = matches!(
        error.kind(),
        ErrorKind::Axis
            | ErrorKind::EmptyInput
            | ErrorKind::Iterations
            | ErrorKind::LiteralRange
            // An element changed by a name.
            | ErrorKind::Statement
    );
    let is_expected = is_expected || is_known(error);
    match run {
        Err(other) if is_expected && other.kind() == error.kind() => Ok(Outcome::Failed(format!("{:?}", error.kind()))),
        Err(other) => Err(format!("the interpreter fails: {error}, compiled code: {other}")),
        Ok(_) => Err(format!("the interpreter fails: {error}, compiled code does not")),
    }
}

/// Why a program is not compiled, if that is known to happen.
fn fallback(reason: Option<&str>) -> Result<Option<String>, String> {
    match reason {
        None => Ok(None),
        Some(reason) if reason.contains("can be compiled") || reason.contains("scratch than a thread has") => {
            Ok(Some(reason.to_owned()))
        }
        Some(reason) => Err(format!("it is interpreted: {reason}")),
    }
}

fn check_evaluated(this: &ProgramCase) -> Result<Outcome, String> {
    let case = &this.case;
    let (text, signature) = (case.text(), case.signature());
    let interp = &Engines::of(case.floats).interp;
    let engines = compilers(this);
    let oracle = match interp.compile(&text, &signature) {
        Ok(oracle) => oracle,
        Err(error) => return refused(&error, engines[0].compile(&text, &signature)),
    };
    let arrays = case.arrays();
    let vars = case.bind(&arrays);
    let expected: Vec<DynArray> = match oracle.evaluate(&vars) {
        Ok(expected) => expected,
        Err(error) => {
            let program = engines[0].compile(&text, &signature).map_err(|error| format!("compiling fails: {error}"))?;
            return failed(&error, program.evaluate::<Vec<DynArray>>(&vars));
        }
    };
    let scalars: Vec<Vec<Scalar>> = expected.iter().map(|result| result.scalars().collect()).collect();
    let mut reason = None;
    for engine in engines {
        let program = engine.compile(&text, &signature).map_err(|error| format!("compiling fails: {error}"))?;
        reason = fallback(program.fallback_reason())?;
        let how = format!("{} threads", engine.threads());
        let found: Vec<Vec<Scalar>> = match &expected[..] {
            [one] => vec![run(case, &program, &arrays, one.shape())?],
            _ => {
                let found =
                    program.evaluate::<Vec<DynArray>>(&vars).map_err(|error| format!("running fails: {error}"))?;
                if !found.iter().map(DynArray::shape).eq(expected.iter().map(DynArray::shape)) {
                    return Err(format!("other shapes, {how}"));
                }
                found.iter().map(|result| result.scalars().collect()).collect()
            }
        };
        for (number, (expected, result)) in scalars.iter().zip(&expected).enumerate() {
            let found = &found[number];
            if let Some(i) = (0..expected.len()).find(|&i| !same(expected[i], found[i])) {
                let how = format!("result {number}, {how}");
                return Err(difference(case, &arrays, result.shape(), i, (expected[i], found[i]), &how));
            }
        }
    }
    let n_elems = scalars.iter().map(Vec::len).sum();
    let is_walked = this.is_plain
        && case.floats == FloatMode::Strict
        && n_elems <= 40 * expected.len()
        && walk::elements(this, &arrays, &expected)?;
    Ok(Outcome::Same { n_elems, fallback: reason, is_walked })
}

/// What a call leaves: the elements of each array, and of the results.
pub(crate) type Left = (Vec<Vec<Scalar>>, Vec<(Vec<usize>, Vec<Scalar>)>);

fn check_updated(this: &ProgramCase) -> Result<Outcome, String> {
    let case = &this.case;
    let text = case.text();
    let procedure = |engine: &Engine| engine.procedure(&text, &case.signature(), &this.written());
    let interp = &Engines::of(case.floats).interp;
    let engines = compilers(this);
    let oracle = match procedure(interp) {
        Ok(oracle) => oracle,
        Err(error) => return refused(&error, procedure(engines[0])),
    };
    let expected = match call(this, &oracle)? {
        Ok(expected) => expected,
        Err(error) => {
            let compiled = procedure(engines[0]).map_err(|error| format!("compiling fails: {error}"))?;
            return failed(&error, call(this, &compiled)?);
        }
    };
    let mut reason = None;
    for engine in engines {
        let compiled = procedure(engine).map_err(|error| format!("compiling fails: {error}"))?;
        reason = fallback(compiled.fallback_reason())?;
        let how = format!("{} threads", engine.threads());
        let found = call(this, &compiled)?.map_err(|error| format!("running fails, {how}: {error}"))?;
        compare(&expected, &found).map_err(|what| format!("{what} compiled, {how}; first interpreted"))?;
    }
    let is_walked = this.is_plain && this.shared.is_empty() && case.floats == FloatMode::Strict;
    let is_walked = is_walked && walk::phases(this, &expected)?;
    let n_elems = expected.0.iter().map(Vec::len).sum();
    Ok(Outcome::Same { n_elems, fallback: reason, is_walked })
}

/// What differs between what two calls leave.
pub(crate) fn compare(expected: &Left, found: &Left) -> Result<(), String> {
    let differs = |what: String, expected: &[Scalar], found: &[Scalar]| {
        if expected.len() != found.len() {
            return Err(format!("{what} has {} elements, not {}:", found.len(), expected.len()));
        }
        match (0..expected.len()).find(|&i| !same(expected[i], found[i])) {
            Some(i) => Err(format!("{what} at {i}: {:?}, then {:?}", expected[i], found[i])),
            None => Ok(()),
        }
    };
    for (place, (expected, found)) in expected.0.iter().zip(&found.0).enumerate() {
        differs(format!("array {place}"), expected, found)?;
    }
    if expected.1.len() != found.1.len() {
        return Err(format!("{} results, not {}:", found.1.len(), expected.1.len()));
    }
    for (place, (expected, found)) in expected.1.iter().zip(&found.1).enumerate() {
        if expected.0 != found.0 {
            return Err(format!("result {place} has shape {:?}, not {:?}:", found.0, expected.0));
        }
        differs(format!("result {place}"), &expected.1, &found.1)?;
    }
    Ok(())
}

/// Calls a procedure on arrays of its own. The first error is a finding, the second one is the
/// call's.
fn call(this: &ProgramCase, procedure: &Procedure) -> Result<Result<Left, Error>, String> {
    let case = &this.case;
    let mut arrays: Vec<Option<Array>> = case.arrays();
    let before = arrays.clone();
    let starts: Vec<*mut u8> = arrays
        .iter_mut()
        .map(|array| array.as_mut().map_or(std::ptr::null_mut(), |array| array.memory.as_mut_ptr()))
        .collect();
    let place_of = |var: usize| match this.shared.iter().find(|shared| shared.var == var) {
        Some(shared) => (shared.of, shared.shift),
        None => (var, 0),
    };
    let mut vars = ndexpr::Vars::new();
    let mut targets = Targets::new();
    for (number, var) in case.vars.iter().enumerate() {
        let (of, shift) = place_of(number);
        let Some(array) = &arrays[of] else {
            let Value::Scalar(bits) = var.value else { unreachable!("every array variable has an array") };
            vars = vars.with(&var.name, Scalar::from_bits(var.dtype, bits));
            continue;
        };
        let place = array.offset.checked_add_signed(shift).expect("the margin is wider than the shift");
        // SAFETY: the elements are in the memory of the array or of its margins, which is
        // initialised and lives until the call is over. Nothing but the call uses it meanwhile,
        // and a procedure looks at what its arrays share.
        unsafe {
            let start = starts[of].add(place);
            match number < this.n_written {
                true => {
                    let view = ViewMut::from_raw_parts(start, array.dtype, &array.shape, &array.strides);
                    targets = targets.with(&var.name, view.map_err(|error| format!("no view: {error}"))?);
                }
                false => {
                    let view = View::from_raw_parts(start, array.dtype, &array.shape, &array.strides);
                    vars = vars.with(&var.name, view.map_err(|error| format!("no view: {error}"))?);
                }
            }
        }
    }
    let results: Vec<DynArray> = match procedure.call(&vars, &mut targets) {
        Ok(results) => results,
        Err(error) => return Ok(Err(error)),
    };
    drop((vars, targets));
    let results = results.iter().map(|result| (result.shape().to_vec(), result.scalars().collect())).collect();
    // Only elements of arrays that are updated may have changed.
    let mut left = Vec::new();
    let mut allowed = before;
    for number in 0..case.vars.len() {
        let (of, shift) = place_of(number);
        let Some(mut array) = arrays[of].clone() else { continue };
        array.offset = array.offset.checked_add_signed(shift).expect("as above");
        let elements = array.scalars();
        if number < this.n_written {
            let allowed = allowed[of].as_mut().expect("an array");
            for i in 0..elements.len() {
                let (position, size) = (array.position(i), array.dtype.size());
                allowed.memory[position..position + size].copy_from_slice(&array.memory[position..position + size]);
            }
        }
        left.push(elements);
    }
    for (found, allowed) in arrays.iter().zip(&allowed) {
        if found.as_ref().map(|array| &array.memory) != allowed.as_ref().map(|array| &array.memory) {
            return Err("bytes beside the elements of arrays were written".to_owned());
        }
    }
    Ok(Ok((left, results)))
}
