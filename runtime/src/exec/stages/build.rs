//! From what a loop is to how it runs: checks a loop and makes its stage.
//!
//! In: a loop, and the layouts of the arrays that it names. Out: a [`Step`], or a [`PlanError`].
//! Always true of a step: its operands have the loop's shape, or broadcast to it if they are
//! inputs; dtypes agree; no memory takes two outputs; an input is also an output only if both are
//! one result, element for element; and the step keeps what a [`Stage`] promises.

use smallvec::SmallVec;

use super::spec::{Dest, LoopSpec, Origin, SinkOp, Source, Value};
use super::stage::{Memory, Place, Sink, Stage, StageValue};
use super::{Map, Stages, Step};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::machine::{MAX_CHAIN_ROW_BYTES, MIN_CHAIN_ROWS, is_worth_streaming};
use crate::plan::{AxisNest, Geometry, Kinds, Lanes, PlanError, run_kind};
use crate::reduce::{COLUMN_LEAF, LEAF, ReduceOp, Reducer};
use crate::view::{AxisSet, MAX_AXES, RawView, count_elems, is_broadcastable};

/// The operands of a loop: inputs, values that are in memory, targets of sinks. They have no
/// pointers.
#[derive(Default)]
struct Operands {
    raw: SmallVec<[RawView; 8]>,
    memory: SmallVec<[Memory; 8]>,
}

impl Operands {
    fn push(&mut self, raw: RawView, memory: Memory) {
        self.raw.push(raw);
        self.memory.push(memory);
    }
}

/// What goes to memory, and along which axes it has extent 1.
struct OutputSpec {
    dtype: DType,
    dest: Dest,
    reduced: AxisSet,
}

impl Stages {
    /// The step of a loop that is to run after the steps that there are.
    pub(super) fn step(&self, spec: &LoopSpec<'_>) -> Result<Step, PlanError> {
        let n_elems = check_shape(spec.shape())?;
        check_parts(spec)?;
        let operands = self.operands(spec)?;
        if n_elems == 0 {
            return Ok(empty(spec));
        }
        if !matches!(spec, LoopSpec::Map(_)) {
            return Ok(Step::Along(Box::new(stage(spec, &operands, spec.reduced()))));
        }
        if let Some(stage) = self.following(spec, &operands) {
            return Ok(Step::Along(Box::new(stage)));
        }
        let raw: SmallVec<[&RawView; 8]> = operands.raw.iter().collect();
        let geometry = Geometry::new(spec.shape(), &raw, spec.inputs().len())?;
        let (read, written) = operands.memory.split_at(spec.inputs().len());
        let is_in_place = read.iter().any(|memory| written.contains(memory));
        Ok(Step::Map(Box::new(Map { geometry, operands: operands.memory, is_in_place })))
    }

    /// The operands of a loop's nest, checked.
    fn operands(&self, spec: &LoopSpec<'_>) -> Result<Operands, PlanError> {
        // Only dtypes, shapes and strides matter.
        let nowhere = std::ptr::null_mut();
        let (shape, n_inputs) = (spec.shape(), spec.inputs().len());
        let mut operands = Operands::default();
        for (input, &source) in spec.inputs().iter().enumerate() {
            let (raw, memory) = match source {
                Source::View(view) => {
                    let layout = self.views.get(view).ok_or_else(|| missing("array", view))?;
                    (layout.at(nowhere), Memory::View(view))
                }
                Source::Temp(temp) => {
                    let found = self.temps.get(temp).ok_or_else(|| missing("temporary", temp))?;
                    (without_axes(found.layout.at(nowhere), found.hidden), Memory::Temp(temp))
                }
                Source::Result(result) => {
                    let layout = self.results.get(result).ok_or_else(|| missing("result", result))?;
                    (layout.at(nowhere), Memory::Result(result))
                }
            };
            if !is_broadcastable(&raw.shape, shape) {
                let (from, to) = (raw.shape[..].into(), shape.into());
                return Err(PlanError::NotBroadcastable { input, from, to });
            }
            operands.push(raw, memory);
        }
        check_dtypes(spec, &operands.raw)?;
        for (output, OutputSpec { dtype, dest, reduced }) in outputs(spec).into_iter().enumerate() {
            let (raw, memory) = match dest {
                Dest::Result(number) => {
                    let result = self.results.get(number).ok_or_else(|| missing("result", number))?.at(nowhere);
                    let has_all_axes = result.shape.len() == shape.len();
                    (if has_all_axes { result } else { with_axes(&result, reduced) }, Memory::Result(number))
                }
                Dest::Temp(temp) => {
                    let found = self.temps.get(temp).ok_or_else(|| missing("temporary", temp))?;
                    (found.layout.at(nowhere), Memory::Temp(temp))
                }
            };
            same_dtype(dtype, raw.dtype)?;
            let expected = shape.iter().enumerate();
            let expected = expected.map(|(axis, &extent)| if reduced.contains(axis) { 1 } else { extent });
            if !raw.shape.iter().copied().eq(expected.clone()) {
                let (expected, found) = (expected.collect(), raw.shape[..].into());
                return Err(PlanError::OutputShape { output, expected, found });
            }
            if operands.memory[n_inputs..].contains(&memory) {
                return Err(PlanError::SharedOutput { output });
            }
            // A result may be updated in place, element for element; no other memory is both read
            // and written by one loop.
            let is_updated = matches!(memory, Memory::Result(_)) && reduced.is_empty();
            let is_clash = |input: &Memory| *input == memory && !is_updated;
            if let Some(input) = operands.memory[..n_inputs].iter().position(is_clash) {
                return Err(PlanError::Overlap { input, output });
            }
            operands.push(raw, memory);
        }
        Ok(operands)
    }

    /// The elementwise loop as a stage that can run row by row after the loop before it. The loop
    /// before must have the same shape, or this loop must have one element for each result of the
    /// loop before. There must be enough rows, and they must be short enough, to run one block of
    /// rows after the other.
    fn following(&self, spec: &LoopSpec<'_>, operands: &Operands) -> Option<Stage> {
        let Some(Step::Along(before)) = self.steps.last() else { return None };
        let is_following = |(axis, &extent): (usize, &usize)| {
            extent == before.shape[axis] || (extent == 1 && before.reduced.contains(axis))
        };
        let shape = spec.shape();
        if shape.len() != before.shape.len() || !shape.iter().enumerate().all(is_following) {
            return None;
        }
        let stage = stage(spec, operands, before.reduced);
        let (nest, rows) = (&stage.nest, &before.nest);
        let is_same_rows = nest.outer.extents == rows.outer.extents
            && match nest.lanes {
                Lanes::Reduced => rows.lanes == Lanes::Reduced && nest.reduced.extents == rows.reduced.extents,
                Lanes::Outer => nest.reduced.n() == 1,
            };
        let row_bytes = nest.reduced.n().saturating_mul(stage.bytes_per_elem);
        let is_block = nest.outer.n() >= MIN_CHAIN_ROWS && row_bytes <= MAX_CHAIN_ROW_BYTES;
        (is_same_rows && is_block).then_some(stage)
    }
}

/// Checks that all parts of a loop are there and have a use.
fn check_parts(spec: &LoopSpec<'_>) -> Result<(), PlanError> {
    let n_axes = spec.shape().len();
    if let LoopSpec::Scan(scan) = spec
        && scan.axis >= n_axes
    {
        return Err(missing("axis", scan.axis));
    }
    if let Some(axis) = spec.reduced().iter().find(|&axis| axis >= n_axes) {
        return Err(missing("axis", axis));
    }
    if let LoopSpec::Reduce(reduce) = spec {
        if reduce.folds.is_empty() {
            return Err(PlanError::NoReduction);
        }
        if let Some(fold) = reduce.folds.iter().find(|fold| fold.value >= reduce.values.len()) {
            return Err(missing("value", fold.value));
        }
        let is_unused =
            |value: usize| reduce.values[value].keep.is_none() && reduce.folds.iter().all(|fold| fold.value != value);
        if let Some(value) = (0..reduce.values.len()).find(|&value| is_unused(value)) {
            return Err(PlanError::UnusedValue { value });
        }
    }
    for value in spec.values() {
        let inputs = match value.origin {
            None => SmallVec::<[usize; 2]>::new(),
            Some(Origin::Input(input)) => SmallVec::from_iter([input]),
            Some(Origin::Product(factors)) => SmallVec::from_iter(factors),
        };
        if let Some(input) = inputs.into_iter().find(|&input| input >= spec.inputs().len()) {
            return Err(missing("input", input));
        }
    }
    Ok(())
}

/// Checks that a value has the dtype of the inputs that it is read from, if it has an origin, and
/// the dtype that its sinks read.
fn check_dtypes(spec: &LoopSpec<'_>, inputs: &[RawView]) -> Result<(), PlanError> {
    let values = spec.values();
    for value in &values {
        match value.origin {
            None => {}
            Some(Origin::Input(input)) => same_dtype(value.dtype, inputs[input].dtype)?,
            Some(Origin::Product(factors)) => {
                factors.iter().try_for_each(|&input| same_dtype(value.dtype, inputs[input].dtype))?;
            }
        }
    }
    spec.sinks().iter().try_for_each(|sink| same_dtype(values[sink.value].dtype, sink.op.dtype()))
}

/// What a loop writes to memory: values, then the outcomes of sinks.
fn outputs(spec: &LoopSpec<'_>) -> SmallVec<[OutputSpec; 4]> {
    let written = |value: Value| {
        let dtype = value.dtype;
        value.keep.map(|dest| OutputSpec { dtype, dest, reduced: AxisSet::EMPTY })
    };
    let mut outputs: SmallVec<[OutputSpec; 4]> = spec.values().into_iter().filter_map(written).collect();
    outputs.extend(spec.sinks().iter().map(|sink| {
        let reduced = match sink.op {
            SinkOp::Reduce(_) => spec.reduced(),
            SinkOp::Scan(_) => AxisSet::EMPTY,
        };
        OutputSpec { dtype: sink.op.result_dtype(), dest: sink.dest, reduced }
    }));
    outputs
}

/// The step of a loop without elements. Its reductions still have results: those of no elements.
fn empty(spec: &LoopSpec<'_>) -> Step {
    let fill = |sink: &super::spec::SinkSpec| match sink.op {
        SinkOp::Reduce(reducer) => Some((sink.dest, reducer)),
        SinkOp::Scan(_) => None,
    };
    let fills: Vec<(Dest, Reducer)> = spec.sinks().iter().filter_map(fill).collect();
    let n_operands = spec.inputs().len() + spec.values().len();
    Step::Empty { fills, kinds: (0..n_operands).map(|_| RunKind::Contiguous).collect() }
}

/// The stage of a loop that has elements, and whose operands were checked.
fn stage(spec: &LoopSpec<'_>, operands: &Operands, reduced: AxisSet) -> Stage {
    let n_inputs = spec.inputs().len();
    let raw: SmallVec<[&RawView; 8]> = operands.raw.iter().collect();
    let sinks = spec.sinks();
    let is_ordered = sinks.iter().any(|sink| match sink.op {
        SinkOp::Reduce(reducer) => matches!(reducer.op(), ReduceOp::ArgMin | ReduceOp::ArgMax),
        SinkOp::Scan(_) => false,
    });
    let nest = AxisNest::new(spec.shape(), &raw, n_inputs, reduced, is_ordered);
    let mut next = n_inputs;
    let mut values: SmallVec<[StageValue; 2]> = SmallVec::new();
    let mut origins: SmallVec<[Option<Origin>; 2]> = SmallVec::new();
    for value in spec.values() {
        let place = if value.keep.is_none() { Place::Scratch } else { Place::Operand(next) };
        next += usize::from(value.keep.is_some());
        values.push(StageValue { dtype: value.dtype, place, may_stream: false });
        origins.push(value.origin);
    }
    let sinks = sinks.iter().enumerate();
    let sinks: SmallVec<[Sink; 2]> =
        sinks.map(|(k, sink)| Sink { op: sink.op, value: sink.value, target: next + k }).collect();
    let lanes = nest.lane_group();
    let kind = |operand: usize, dtype: DType| match lanes.n() {
        // A row of one element counts as contiguous.
        1 => RunKind::Contiguous,
        _ => run_kind(lanes.inner_stride(operand), dtype.size()),
    };
    let mut dtypes: SmallVec<[DType; 8]> = raw[..n_inputs].iter().map(|raw| raw.dtype).collect();
    let mut kinds: Kinds = (0..n_inputs).map(|input| kind(input, dtypes[input])).collect();
    dtypes.extend(values.iter().map(|value| value.dtype));
    kinds.extend(values.iter().map(|value| match value.place {
        Place::Operand(operand) => kind(operand, value.dtype),
        Place::Scratch => RunKind::Contiguous,
    }));
    let is_contiguous = |input: usize| lanes.inner_stride(input) == raw[input].dtype.size() as isize;
    let is_read_in_place = |sink: &Sink| match origins[sink.value] {
        Some(Origin::Input(input)) => is_contiguous(input) || (lanes.n() == 1 && lanes.extents.len() == 1),
        Some(Origin::Product(factors)) => {
            nest.lanes == Lanes::Reduced
                && matches!(sink.op, SinkOp::Reduce(reducer) if reducer.takes_products())
                && factors.into_iter().all(is_contiguous)
        }
        None => false,
    };
    let is_direct = !sinks.is_empty()
        && values.iter().all(|value| matches!(value.place, Place::Scratch))
        && sinks.iter().all(is_read_in_place)
        && match nest.lanes {
            Lanes::Reduced => nest.reduced.extents.len() == 1,
            Lanes::Outer => nest.reduced.extents.len() == 1 || nest.reduced.inner().is_multiple_of(COLUMN_LEAF),
        };
    let moving = kinds.iter().zip(&dtypes).filter(|&(&kind, _)| kind != RunKind::Splat);
    let bytes_per_elem = moving.map(|(_, dtype)| dtype.size()).sum();
    let may_stream = nest.lanes == Lanes::Reduced
        && nest.reduced.extents.len() == 1
        && nest.reduced.n() > LEAF
        && is_worth_streaming(nest.outer.n().saturating_mul(nest.reduced.n()).saturating_mul(bytes_per_elem));
    for value in &mut values {
        value.may_stream = match value.place {
            Place::Scratch => false,
            Place::Operand(operand) => {
                let is_updated = operands.memory[..n_inputs].contains(&operands.memory[operand]);
                may_stream && !is_updated && kind(operand, value.dtype) == RunKind::Contiguous
            }
        };
    }
    Stage {
        sinks,
        nest,
        n_inputs,
        values,
        is_direct,
        origins,
        kinds,
        dtypes,
        shape: spec.shape().into(),
        reduced,
        bytes_per_elem,
        operands: operands.memory.clone(),
    }
}

fn missing(what: &'static str, index: usize) -> PlanError {
    PlanError::Missing { what, index }
}

fn same_dtype(expected: DType, found: DType) -> Result<(), PlanError> {
    if expected == found { Ok(()) } else { Err(PlanError::DTypeMismatch { expected, found }) }
}

/// Checks that a shape can be iterated over. Returns its number of elements.
fn check_shape(shape: &[usize]) -> Result<usize, PlanError> {
    if shape.len() > MAX_AXES {
        return Err(PlanError::TooManyAxes { n_axes: shape.len() });
    }
    count_elems(shape).ok_or_else(|| PlanError::TooLarge { shape: shape.into() })
}

/// The array without some of its axes, which have extent 1.
fn without_axes(raw: RawView, hidden: AxisSet) -> RawView {
    let is_left = |axis: usize| !hidden.contains(axis) || raw.shape[axis] != 1;
    let axes = || (0..raw.shape.len()).filter(|&axis| is_left(axis));
    RawView {
        ptr: raw.ptr,
        dtype: raw.dtype,
        shape: axes().map(|axis| raw.shape[axis]).collect(),
        strides: axes().map(|axis| raw.strides[axis]).collect(),
    }
}

/// The array with a unit axis inserted for each axis of the outcome that is reduced.
fn with_axes(raw: &RawView, inserted: AxisSet) -> RawView {
    let (mut shape, mut strides) = (raw.shape.clone(), raw.strides.clone());
    for axis in inserted.iter() {
        if axis <= shape.len() {
            shape.insert(axis, 1);
            strides.insert(axis, 0);
        }
    }
    RawView { ptr: raw.ptr, dtype: raw.dtype, shape, strides }
}
