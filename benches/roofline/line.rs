//! Lines of the report: what runs, what it moves, and the times of its turns.

use crate::cases::Case;
use crate::data::Data;
use crate::memory::Memory;
use crate::simd::Stores;
use crate::team::{Chunked, repeat, repeat_together};
use ndexpr::{Backend, DType, Engine, Error, Program, Vars, ViewMut};
use std::sync::Arc;
use std::time::Duration;

/// What a line is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the memory can do.
    Limit(Mix, Stores),
    /// What one core can do.
    Arithmetic,
    /// The loop of the expression of the same title.
    ByHand(Stores),
    Expression,
}

/// Kinds of traffic that limits are measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    Read,
    Fill,
    Copy,
    Triad,
}

impl Mix {
    const ALL: [Mix; 4] = [Mix::Read, Mix::Triad, Mix::Copy, Mix::Fill];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Mix::Read => "read",
            Mix::Fill => "fill",
            Mix::Copy => "copy",
            Mix::Triad => "triad",
        }
    }

    pub(crate) fn arrays_read(self) -> usize {
        match self {
            Mix::Fill => 0,
            Mix::Read | Mix::Copy => 1,
            Mix::Triad => 2,
        }
    }

    pub(crate) fn arrays_written(self) -> usize {
        usize::from(self != Mix::Read)
    }

    /// The mix whose written part of all traffic is nearest to this one's.
    pub(crate) fn nearest(traffic: Traffic) -> Mix {
        let part = |read: usize, written: usize| written as f64 / (read + written) as f64;
        let wanted = part(traffic.read, traffic.written);
        let distance = |mix: &Mix| (part(mix.arrays_read(), mix.arrays_written()) - wanted).abs();
        Mix::ALL.into_iter().min_by(|x, y| distance(x).total_cmp(&distance(y))).unwrap_or(Mix::Read)
    }
}

/// The bytes that have to be moved at least.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) read: usize,
    pub(crate) written: usize,
}

impl Traffic {
    pub(crate) fn bytes(self) -> usize {
        self.read + self.written
    }
}

/// A loop for several threads.
#[derive(Clone, Copy)]
pub(crate) struct ByHand<'d> {
    pub(crate) data: &'d Data,
    pub(crate) stores: Stores,
    /// The chunks, of the inputs and the output's bytes.
    pub(crate) chunks: for<'a> fn(&'a Data, Stores, &'a mut [u8]) -> Chunked<'a>,
}

impl ByHand<'_> {
    fn chunked<'a>(&'a self, output: &'a mut Memory) -> Chunked<'a> {
        (self.chunks)(self.data, self.stores, output.bytes_mut())
    }
}

/// A compiled expression, its variables, and where its result goes.
struct Compiled<'d> {
    program: Arc<Program>,
    vars: Vars<'d>,
    dtype: DType,
    shape: Vec<usize>,
    /// In bytes, for the memory order that a fresh result would have.
    strides: Vec<isize>,
}

enum Work<'d> {
    ByHand(ByHand<'d>),
    Compiled(Compiled<'d>),
    Failed(String),
}

/// A line.
pub(crate) struct Line<'d> {
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// What times are divided by.
    pub(crate) elements: usize,
    pub(crate) traffic: Traffic,
    /// The elements' shape, if it is an expression.
    pub(crate) shape: Vec<usize>,
    /// The title of the expression to compare it with.
    pub(crate) beside: Option<&'static str>,
    work: Work<'d>,
    times: Vec<Duration>,
}

impl<'d> Line<'d> {
    pub(crate) fn by_hand(
        title: &'static str,
        kind: Kind,
        elements: usize,
        traffic: Traffic,
        by_hand: ByHand<'d>,
    ) -> Line<'d> {
        let work = Work::ByHand(by_hand);
        Line { title, kind, elements, traffic, shape: Vec::new(), beside: None, work, times: Vec::new() }
    }

    /// Compiles it and runs it once, so that the kernels are there.
    pub(crate) fn expression(case: Case<'d>, engine: &Engine, output: &mut Memory) -> Line<'d> {
        let (work, written) = match Compiled::new(&case, engine) {
            Ok(compiled) => match compiled.run(output) {
                Ok(()) => {
                    let written = compiled.shape.iter().product::<usize>() * compiled.dtype.size();
                    (Work::Compiled(compiled), written)
                }
                Err(error) => (Work::Failed(error.to_string()), 0),
            },
            Err(error) => (Work::Failed(error.to_string()), 0),
        };
        Line {
            title: case.title,
            kind: Kind::Expression,
            elements: case.shape().iter().product(),
            traffic: Traffic { read: case.bytes_read(), written },
            shape: case.shape(),
            beside: case.beside,
            work,
            times: Vec::new(),
        }
    }

    /// Runs it once, a loop by hand on this thread.
    pub(crate) fn run(&self, output: &mut Memory) -> Result<(), Error> {
        match &self.work {
            Work::ByHand(work) => {
                let Chunked { n_chunks, run } = work.chunked(output);
                (0..n_chunks).for_each(run);
                Ok(())
            }
            Work::Compiled(compiled) => compiled.run(output),
            Work::Failed(_) => Ok(()),
        }
    }

    /// One of its turns, unless all of its time is spent.
    pub(crate) fn take_turn(&mut self, all: Duration, turn: Duration, threads: usize, output: &mut Memory) {
        let spent: Duration = self.times.iter().sum();
        if !self.times.is_empty() && spent >= all {
            return;
        }
        let mut times = match &self.work {
            Work::ByHand(work) => repeat_together(turn, threads, &work.chunked(output)),
            Work::Compiled(compiled) => repeat(turn, || compiled.run(output).expect("it ran before")),
            Work::Failed(_) => return,
        };
        // The first call finds the caches as the line before left them, so it does not count.
        if times.len() > 1 {
            times.remove(0);
        }
        self.times.append(&mut times);
    }

    pub(crate) fn calls(&self) -> usize {
        self.times.len()
    }

    /// The median time of a call, in seconds; none if it never ran.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).map(Duration::as_secs_f64)
    }

    /// The shortest time of a call, in seconds.
    pub(crate) fn minimum(&self) -> Option<f64> {
        self.times.iter().min().map(Duration::as_secs_f64)
    }

    /// Why it never ran, or not as machine code.
    pub(crate) fn trouble(&self) -> Option<String> {
        match &self.work {
            Work::Failed(error) => Some(error.lines().next().unwrap_or_default().to_owned()),
            Work::Compiled(compiled) if compiled.program.backend() == Backend::Interp => Some("interpreted".to_owned()),
            Work::Compiled(_) | Work::ByHand(_) => None,
        }
    }
}

impl<'d> Compiled<'d> {
    fn new(case: &Case<'d>, engine: &Engine) -> Result<Compiled<'d>, Error> {
        let vars = case.inputs.iter().fold(Vars::new(), |vars, (name, view)| vars.with(name, view.clone()));
        let program = engine.program(case.text, &vars)?;
        let (dtype, shape) = (program.result_dtype(), program.result_shape(&vars)?);
        let mut strides = vec![0; shape.len()];
        let mut stride = dtype.size() as isize;
        for &axis in program.result_order(&vars)?.iter().rev() {
            strides[axis] = stride;
            stride *= shape[axis] as isize;
        }
        Ok(Compiled { program, vars, dtype, shape, strides })
    }

    fn run(&self, output: &mut Memory) -> Result<(), Error> {
        let out = ViewMut::from_bytes_mut(output.bytes_mut(), self.dtype, &self.shape, &self.strides, 0)?;
        self.program.run(&self.vars, out)
    }
}
