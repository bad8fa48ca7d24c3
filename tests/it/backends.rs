//! One suite over backends: every operation on every dtype that it is defined for, in every layout,
//! compiled and interpreted. No bit may differ.
//!
//! The operations are found by asking the compiler (see `cases::language`), so a new function is
//! tested without more work.

use crate::cases::arrays::{Array, Layout, edges, pool, same};
use crate::cases::language::{Form, Language};
use ndexpr::{Backend, DType, DynArray, Engine, Program, Scalar, Signature, VarType, Vars, View, ViewMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Failures shown.
const SHOWN: usize = 20;

const NAMES: [&str; 4] = ["x", "y", "z", "w"];

/// Elements of the run on four threads: as many as make some operations worth a second thread.
const N_ON_THREADS: usize = 40_000;

/// Bytes of the widest values in the largest vector block: 8 registers of 256 bits.
const BLOCK_BYTES: usize = 256;

/// The layouts of the arguments of one run, and where its result goes.
struct Arrangement {
    name: &'static str,
    /// By argument; the last one also holds for all that follow.
    inputs: Vec<Layout>,
    /// None for a fresh one.
    output: Option<Layout>,
}

fn arrangements() -> Vec<Arrangement> {
    let dense = |shape: &[usize]| Layout::dense(shape);
    let fresh = |name, inputs| Arrangement { name, inputs, output: None };
    let into = |name, output: Layout| Arrangement { name, inputs: vec![dense(&output.shape)], output: Some(output) };
    let mut rows = dense(&[31, 3]);
    rows.steps = vec![2, 1];
    let mut wide = dense(&[77]);
    wide.gap = 1;
    vec![
        fresh("contiguous", vec![dense(&[900])]),
        fresh("strided", vec![dense(&[77]).step(2)]),
        fresh("strided by odd bytes", vec![wide]),
        fresh("reversed", vec![dense(&[77]).step(-1)]),
        fresh("unaligned", vec![dense(&[300]).misaligned(1)]),
        fresh("unaligned by others", vec![dense(&[77]).misaligned(3), dense(&[77]).misaligned(7)]),
        fresh("contiguous with strided", vec![dense(&[77]), dense(&[77]).step(-2)]),
        fresh("broadcast by a stride of 0", vec![dense(&[77]), dense(&[77]).step(0)]),
        fresh("broadcast by an extent of 1", vec![dense(&[1]), dense(&[77])]),
        fresh("broadcast from rank 0", vec![dense(&[77]), dense(&[])]),
        fresh("a column with a row", vec![dense(&[9, 1]), dense(&[1, 13])]),
        fresh("all broadcast", vec![dense(&[5, 7]).step(0)]),
        fresh("rank 0", vec![dense(&[])]),
        fresh("empty", vec![dense(&[0])]),
        fresh("empty rows", vec![dense(&[3, 0]), dense(&[1])]),
        fresh("Fortran order", vec![dense(&[7, 11]).fortran()]),
        fresh("transposed", vec![dense(&[70, 9]), dense(&[70, 9]).fortran()]),
        fresh("rank 3", vec![dense(&[3, 5, 7]).step(2), dense(&[5, 1])]),
        fresh("short rows", vec![rows.clone()]),
        fresh("short rows with one row", vec![rows.clone(), dense(&[3])]),
        into("into strided", dense(&[77]).step(3)),
        into("into reversed and unaligned", dense(&[77]).step(-1).misaligned(5)),
        into("into Fortran order", dense(&[7, 11]).fortran()),
        into("into short rows", rows),
    ]
}

#[test]
fn every_operation_on_every_dtype_in_every_layout() {
    let language = Language::get();
    let forms: Vec<Form> = language.forms.iter().copied().filter(|form| !language.ops[form.op].is_along_axes).collect();
    let arrangements = arrangements();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..n_workers {
            scope.spawn(|| {
                let engines = [(Backend::Interp, 1), (Backend::Jit, 1), (Backend::Jit, 4)].map(engine);
                while let Some(&form) = forms.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut suite = Suite::new(form, &engines);
                    suite.lengths_and_threads();
                    suite.in_place();
                    suite.scalars();
                    for arrangement in &arrangements {
                        suite.arrangement(arrangement);
                    }
                    failures.lock().unwrap().extend(suite.failures);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let shown = failures[..failures.len().min(SHOWN)].join("\n");
    assert!(failures.is_empty(), "{} failures:\n{shown}", failures.len());
    assert!(forms.len() > 1000, "only {} operations on dtypes", forms.len());
}

fn engine((backend, threads): (Backend, usize)) -> Engine {
    Engine::builder().backend(backend).threads(threads).cache_capacity(0).build().expect("an engine")
}

/// One operation on one dtype.
struct Suite<'e> {
    form: Form,
    arity: usize,
    dtypes: Vec<DType>,
    text: String,
    engines: &'e [Engine; 3],
    /// Interpreted, compiled, and compiled for four threads.
    programs: [Arc<Program>; 3],
    /// By argument: all pairs of edges, then others.
    values: Vec<Vec<u64>>,
    failures: Vec<String>,
}

impl Suite<'_> {
    fn new(form: Form, engines: &[Engine; 3]) -> Suite<'_> {
        let op = &Language::get().ops[form.op];
        let dtypes: Vec<DType> =
            (0..op.arity).map(|i| if op.condition == Some(i) { DType::Bool } else { form.args }).collect();
        let names: Vec<String> = NAMES[..op.arity].iter().map(|name| (*name).to_owned()).collect();
        let text = op.text(&names);
        let signature = types(&dtypes, false);
        let programs = [0, 1, 2].map(|i| engines[i].compile(&text, &signature).expect("the operation is defined"));
        let values = values(&dtypes);
        Suite { form, arity: op.arity, dtypes, text, engines, programs, values, failures: Vec::new() }
    }

    fn fail(&mut self, what: &str, why: impl std::fmt::Display) {
        self.failures.push(format!("{}, {what}: {why}", Language::get().form_name(self.form)));
    }

    fn array(&self, arg: usize, layout: &Layout) -> Array {
        let values = &self.values[arg];
        Array::new(self.dtypes[arg], layout, |i| values[i % values.len()])
    }

    fn dense(&self, n: usize) -> Vec<Array> {
        (0..self.arity).map(|arg| self.array(arg, &Layout::dense(&[n]))).collect()
    }

    /// Every number of lanes up to two vector blocks and one lane, and enough for more than one
    /// thread.
    fn lengths_and_threads(&mut self) {
        let n = self.values[0].len();
        let Some(reference) = self.evaluate(0, "the interpreter", &bind(&self.dense(n))) else { return };
        let widest = self.dtypes.iter().chain([&self.form.result]).map(|dtype| dtype.size()).max().unwrap_or(1);
        for n_lanes in 0..=2 * BLOCK_BYTES / widest + 1 {
            // The last values, so that the edges at their start are in vector blocks and in tails.
            let start = if n_lanes % 2 == 0 { 0 } else { n - n_lanes };
            let views: Vec<Array> = (0..self.arity)
                .map(|arg| {
                    let values = &self.values[arg][start..];
                    Array::new(self.dtypes[arg], &Layout::dense(&[n_lanes]), |i| values[i])
                })
                .collect();
            let what = format!("{n_lanes} lanes");
            let Some(found) = self.evaluate(1, &what, &bind(&views)) else { return };
            self.compare(&what, &reference[start..start + n_lanes], &found, &views);
        }
        let arrays = self.dense(N_ON_THREADS);
        let repeated: Vec<Scalar> = (0..N_ON_THREADS).map(|i| reference[i % n]).collect();
        for (program, what) in [(1, "many elements"), (2, "four threads")] {
            let Some(found) = self.evaluate(program, what, &bind(&arrays)) else { return };
            self.compare(what, &repeated, &found, &arrays);
        }
    }

    fn arrangement(&mut self, arrangement: &Arrangement) {
        let what = arrangement.name;
        let layouts = &arrangement.inputs;
        let arrays: Vec<Array> = (0..self.arity)
            .map(|arg| self.array(arg, layouts.get(arg).unwrap_or(&layouts[layouts.len() - 1])))
            .collect();
        let vars = bind(&arrays);
        let Some(expected) = self.evaluate(0, what, &vars) else { return };
        let found = match &arrangement.output {
            None => self.evaluate(1, what, &vars),
            Some(layout) => {
                let mut output = Array::garbage(self.form.result, layout);
                match self.programs[1].run(&vars, output.view_mut()) {
                    Ok(()) => Some(output.scalars()),
                    Err(error) => {
                        self.fail(what, error);
                        None
                    }
                }
            }
        };
        if let Some(found) = found {
            self.compare(what, &expected, &found, &arrays);
        }
        if let Some(reason) = self.programs[1].fallback_reason() {
            let reason = reason.to_owned();
            self.fail(what, format_args!("interpreted: {reason}"));
        }
    }

    /// The output is the memory of each argument in turn, then half of it.
    fn in_place(&mut self) {
        const N: usize = 90;
        let result = self.form.result;
        let targets: Vec<usize> = (0..self.arity).filter(|&arg| self.dtypes[arg] == result).collect();
        for target in targets {
            for shift in [0, 1, 2 * result.size() as isize] {
                let what = format!("in place of argument {target}, shifted by {shift} bytes");
                let arrays = self.dense(N);
                let Some(expected) = self.evaluate(0, &what, &bind(&arrays)) else { return };
                let mut memory = arrays[target].clone();
                let (dtype, strides) = (memory.dtype, memory.strides.clone());
                let start = memory.memory.as_mut_ptr();
                let place = memory.offset.checked_add_signed(shift).expect("shifted forwards");
                let mut vars = Vars::new();
                for (arg, array) in arrays.iter().enumerate() {
                    vars = if arg == target {
                        // SAFETY: the elements are inside of `memory`, whose bytes are initialised,
                        // and nobody writes to them but the run below, which checks how its input
                        // and output overlap.
                        let view = unsafe { View::from_raw_parts(start.add(memory.offset), dtype, &[N], &strides) };
                        vars.with(NAMES[arg], view.expect("a view"))
                    } else {
                        vars.with(NAMES[arg], array.view())
                    };
                }
                // SAFETY: an array has a margin of more bytes than the shift, so the elements are
                // inside of `memory`. Nobody else uses them but the view above, made by
                // `View::from_raw_parts`, as an input of the run.
                let output = unsafe { ViewMut::from_raw_parts(start.add(place), dtype, &[N], &strides) };
                let done = self.programs[1].run(&vars, output.expect("a view"));
                drop(vars);
                memory.offset = place;
                match done {
                    Ok(()) => self.compare(&what, &expected, &memory.scalars(), &arrays),
                    Err(error) => self.fail(&what, error),
                }
            }
        }
    }

    /// Scalar variables: all, and all but the first.
    fn scalars(&mut self) {
        let is_scalar = types(&self.dtypes, true);
        let mixed = self.dtypes.iter().enumerate().fold(Signature::new(), |signature, (arg, &dtype)| {
            let ty = if arg == 0 { VarType::array(dtype) } else { VarType::scalar(dtype) };
            signature.with(NAMES[arg], ty)
        });
        let array = self.dense(50).swap_remove(0);
        for (what, signature) in [("scalars", is_scalar), ("an array with scalars", mixed)] {
            let compile = |i: usize| self.engines[i].compile(&self.text, &signature).expect("it is defined");
            let programs = [compile(0), compile(1)];
            for k in 0..8 {
                let mut vars = Vars::new();
                for (arg, &dtype) in self.dtypes.iter().enumerate() {
                    let values = &self.values[arg];
                    vars = if arg == 0 && what != "scalars" {
                        vars.with(NAMES[arg], array.view())
                    } else {
                        vars.with(NAMES[arg], Scalar::from_bits(dtype, values[(k * 37 + arg * 11) % values.len()]))
                    };
                }
                let [expected, found] = [0, 1].map(|i| programs[i].evaluate::<DynArray>(&vars));
                match (expected, found) {
                    (Ok(expected), Ok(found)) => {
                        let (expected, found): (Vec<_>, Vec<_>) =
                            (expected.scalars().collect(), found.scalars().collect());
                        let what = format!("{what} {vars:?}");
                        self.compare(&what, &expected, &found, &[]);
                    }
                    (expected, found) => self.fail(what, format_args!("{:?} {:?}", expected.err(), found.err())),
                }
            }
        }
    }

    fn evaluate(&mut self, program: usize, what: &str, vars: &Vars<'_>) -> Option<Vec<Scalar>> {
        match self.programs[program].evaluate::<DynArray>(vars) {
            Ok(array) => Some(array.scalars().collect()),
            Err(error) => {
                self.fail(what, error);
                None
            }
        }
    }

    fn compare(&mut self, what: &str, expected: &[Scalar], found: &[Scalar], arrays: &[Array]) {
        if expected.len() != found.len() {
            return self.fail(what, format_args!("{} elements, not {}", found.len(), expected.len()));
        }
        let Some(i) = (0..expected.len()).find(|&i| !same(expected[i], found[i])) else { return };
        // If all have one shape, the arguments of the element can be shown.
        let args: Vec<Scalar> = arrays
            .iter()
            .filter(|array| array.shape.iter().product::<usize>() == expected.len())
            .map(|array| array.scalars()[i])
            .collect();
        let why = format!("element {i} is {:?} interpreted, {:?} compiled, of {args:?}", expected[i], found[i]);
        self.fail(what, why);
    }
}

fn types(dtypes: &[DType], are_scalars: bool) -> Signature {
    let ty = if are_scalars { VarType::scalar } else { VarType::array };
    dtypes.iter().zip(NAMES).fold(Signature::new(), |signature, (&dtype, name)| signature.with(name, ty(dtype)))
}

fn bind(arrays: &[Array]) -> Vars<'_> {
    arrays.iter().zip(NAMES).fold(Vars::new(), |vars, (array, name)| vars.with(name, array.view()))
}

/// All pairs of edges of the first two arguments, then random values: a few more than two vector
/// blocks of any dtype.
fn values(dtypes: &[DType]) -> Vec<Vec<u64>> {
    let edges: Vec<Vec<u64>> = dtypes.iter().map(|&dtype| edges(dtype)).collect();
    let n_pairs = edges[0].len() * edges.get(1).map_or(1, Vec::len);
    let n = n_pairs + 2 * BLOCK_BYTES + 2;
    (0..dtypes.len())
        .map(|arg| {
            let mut values = pool(arg as u64, dtypes[arg], n);
            for (i, value) in values.iter_mut().enumerate().take(n_pairs) {
                match arg {
                    0 => *value = edges[0][i % edges[0].len()],
                    1 => *value = edges[1][i / edges[0].len()],
                    _ => {}
                }
            }
            values
        })
        .collect()
}
