//! Expressions that are timed, by turns: a slow moment of the machine then hits all of them alike.
//!
//! A variable's name says what it is. `a`, `b` and `c` are float64 of the row's shape, `f` and `g`
//! float32, `i` int8; `t` is float64 of the shape with its first and last axes' strides exchanged,
//! and `v` float64 along the last axis only.

use crate::memory::{Array, Memory};
use crate::table::{Table, figure};
use ndarray::{ArrayView, IxDyn};
use ndexpr::{DType, Engine, Error, Program, Vars, View, ViewMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Turns of every row.
const TURNS: u32 = 8;

/// The clock is read no more often.
const BATCH: Duration = Duration::from_micros(30);

/// How many threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    One,
    All,
}

/// An expression, its arrays, and how it is run.
#[derive(Clone)]
pub(crate) struct Row {
    text: String,
    shape: Vec<usize>,
    threads: Threads,
    /// Where the output starts, in bytes from the beginning of a page.
    output_offset: usize,
}

impl Row {
    /// On one thread.
    pub(crate) fn new(text: impl Into<String>, shape: &[usize]) -> Row {
        Row { text: text.into(), shape: shape.to_vec(), threads: Threads::One, output_offset: 0 }
    }

    /// On all threads.
    pub(crate) fn on_all(text: impl Into<String>, shape: &[usize]) -> Row {
        Row { threads: Threads::All, ..Row::new(text, shape) }
    }

    /// The output begins so many bytes after the beginning of a page.
    pub(crate) fn output_at(self, output_offset: usize) -> Row {
        Row { output_offset, ..self }
    }

    /// The same on arrays of a few elements.
    pub(crate) fn small(&self) -> Row {
        Row { shape: self.shape.iter().map(|&extent| extent.min(7)).collect(), ..self.clone() }
    }

    fn n_elems(&self) -> usize {
        self.shape.iter().product()
    }

    fn uses(&self, name: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        self.text.split(|c| !is_word(c)).any(|word| word == name)
    }

    fn shape_text(&self) -> String {
        let extents: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let place = if self.output_offset > 0 { format!(", output at {}", self.output_offset) } else { String::new() };
        extents.join(" x ") + &place
    }
}

/// The titles of rows: a table that lacks their times.
pub(crate) fn titles(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.push_column("expression", rows.iter().map(|row| format!("`{}`", row.text)));
    table.push_column("elements", rows.iter().map(Row::shape_text));
    let threads = |row: &Row| if row.threads == Threads::One { "1" } else { "all" }.to_owned();
    table.push_column("threads", rows.iter().map(threads));
    table
}

/// The rows with their median times.
pub(crate) fn table(rows: &[Row], per_row: Duration) -> Result<Table, Error> {
    let mut table = titles(rows);
    table.push_column("ns per element", ns_of(rows, per_row)?.into_iter().map(figure));
    Ok(table)
}

/// The median time of each row, in nanoseconds per element.
pub(crate) fn ns_of(rows: &[Row], per_row: Duration) -> Result<Vec<f64>, Error> {
    let (one, all) = (Engine::builder().threads(1).build()?, Engine::builder().build()?);
    let arrays: Vec<Arrays> = rows.iter().map(Arrays::new).collect();
    let calls = rows
        .iter()
        .zip(&arrays)
        .map(|(row, arrays)| Call::new(row, arrays, if row.threads == Threads::One { &one } else { &all }));
    let mut calls = calls.collect::<Result<Vec<Call<'_>>, Error>>()?;
    for _ in 0..TURNS {
        calls.iter_mut().for_each(|call| call.take_turn(per_row / TURNS));
    }
    Ok(calls.into_iter().zip(rows).map(|(call, row)| call.median_ns() / row.n_elems() as f64).collect())
}

/// The arrays of a row; those that its text does not use are empty.
struct Arrays {
    f64s: [Array<f64>; 5],
    f32s: [Array<f32>; 2],
    i8s: Array<i8>,
}

const F64_NAMES: [&str; 5] = ["a", "b", "c", "t", "v"];
const F32_NAMES: [&str; 2] = ["f", "g"];

impl Arrays {
    fn new(row: &Row) -> Arrays {
        // A Weyl sequence for each name: evenly spread over (0, 1), and the same on every machine.
        let uniform = |i: usize, name: &str| {
            let step = 0.618_033_988_749_895 + f64::from(name.as_bytes()[0]) * 0.013;
            ((i + 1) as f64 * step).fract()
        };
        let len = |name: &str| if row.uses(name) { row.n_elems() } else { 0 };
        Arrays {
            f64s: F64_NAMES.map(|name| Array::from_fn(len(name), |i| uniform(i, name))),
            f32s: F32_NAMES.map(|name| Array::from_fn(len(name), |i| uniform(i, name) as f32)),
            i8s: Array::from_fn(len("i"), |i| (uniform(i, "i") * 256.0 - 128.0) as i8),
        }
    }

    fn vars(&self, row: &Row) -> Vars<'_> {
        let shape = IxDyn(&row.shape);
        let mut vars = Vars::new();
        for (name, numbers) in F64_NAMES.into_iter().zip(&self.f64s).filter(|(name, _)| row.uses(name)) {
            let view = match name {
                "v" => {
                    let n = row.shape.last().copied().unwrap_or(1);
                    View::from(ArrayView::from_shape(IxDyn(&[n]), &numbers[..n]).expect("of this length"))
                }
                "t" => {
                    let reversed: Vec<usize> = row.shape.iter().rev().copied().collect();
                    let view = ArrayView::from_shape(IxDyn(&reversed), numbers).expect("of this length");
                    View::from(view.reversed_axes())
                }
                _ => View::from(ArrayView::from_shape(shape.clone(), numbers).expect("of this length")),
            };
            vars = vars.with(name, view);
        }
        for (name, numbers) in F32_NAMES.into_iter().zip(&self.f32s).filter(|(name, _)| row.uses(name)) {
            vars = vars.with(name, View::from(ArrayView::from_shape(shape.clone(), numbers).expect("of this length")));
        }
        if row.uses("i") {
            vars = vars.with("i", View::from(ArrayView::from_shape(shape, &self.i8s).expect("of this length")));
        }
        vars
    }
}

/// A row that can be run, and the times of its calls.
struct Call<'a> {
    program: Arc<Program>,
    vars: Vars<'a>,
    output: Memory,
    output_offset: usize,
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    batch: Option<u32>,
    ns: Vec<f64>,
}

impl<'a> Call<'a> {
    fn new(row: &Row, arrays: &'a Arrays, engine: &Engine) -> Result<Call<'a>, Error> {
        let vars = arrays.vars(row);
        let program = engine.program(&row.text, &vars)?;
        let (dtype, shape) = (program.result_dtype(), program.result_shape(&vars)?);
        let mut strides = vec![0; shape.len()];
        let mut stride = dtype.size() as isize;
        for &axis in program.result_order(&vars)?.iter().rev() {
            strides[axis] = stride;
            stride *= shape[axis] as isize;
        }
        let output = Memory::touched(row.output_offset + stride as usize);
        let output_offset = row.output_offset;
        Ok(Call { program, vars, output, output_offset, dtype, shape, strides, batch: None, ns: Vec::new() })
    }

    fn run(&mut self) {
        let bytes = self.output.bytes_mut();
        let out = ViewMut::from_bytes_mut(bytes, self.dtype, &self.shape, &self.strides, self.output_offset);
        self.program.run(&self.vars, out.expect("the output has room")).expect("the expression runs");
    }

    /// Calls for as long. The first ones find what the row before left in the caches, and do not
    /// count.
    fn take_turn(&mut self, time: Duration) {
        let begin = Instant::now();
        self.run();
        let batch = self.batch.unwrap_or_else(|| {
            let start = Instant::now();
            self.run();
            (BATCH.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-9)).clamp(1.0, 1e4) as u32
        });
        self.batch = Some(batch);
        loop {
            let start = Instant::now();
            (0..batch).for_each(|_| self.run());
            self.ns.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(batch));
            if begin.elapsed() >= time {
                return;
            }
        }
    }

    fn median_ns(mut self) -> f64 {
        self.ns.sort_unstable_by(f64::total_cmp);
        self.ns[self.ns.len() / 2]
    }
}
