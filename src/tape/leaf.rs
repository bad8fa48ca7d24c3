//! Tapes that accumulate what they compute: the values of a loop that reduces go from registers to
//! the accumulators of a leaf, and not through memory.
//!
//! In: the tape of a loop, what becomes of its outputs, and how its inputs lie. Out: a tape for
//! whole leaves. A leaf is [`LANES`] lanes wide, element `i` in lane `i % LANES`. So it has rows of
//! so many lanes, one after the other in memory, which all go to the same accumulators. The tape
//! does the work of [`LeafShape::rows`] of them, so that an accumulator is loaded and stored once
//! for as many elements. Always true: the accumulators are those of
//! [`Accumulators`](ndexpr_runtime::reduce::Accumulators), and get the elements in order.

use super::{Condition, Inst, MAX_NODE_ARGS, Node, Operand, Tape, Ty, ValueId};
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::{LANES, ReduceOp, Reducer};
use rustc_hash::FxHashMap;

/// A longer loop takes so long for an element that its values may as well go through memory.
const MAX_BODY: usize = 200;

/// The rows of a leaf that a loop does at a time: at most so many, and as many as keep it this
/// short. Each row is a place in memory where the loop reads and writes; if it does so in several
/// arrays, the processor recognises fewer of them as streams.
// Chosen by "leaf-rows" in docs/measurements.md.
const MAX_UNROLLED: usize = 96;
const MAX_ROWS: usize = 4;
const MAX_ROWS_OF_ARRAYS: usize = 2;

/// What a loop reduces and keeps.
#[derive(Clone, Debug)]
pub(crate) struct Folds {
    /// Which output each reduction takes, in order.
    pub(crate) reducers: Vec<(Reducer, usize)>,
    /// Whether each output is kept.
    pub(crate) is_kept: Vec<bool>,
}

/// The operands of a tape for leaves. The inputs are those of the loop for each row in turn, then
/// the accumulators; the outputs are the kept ones for each row in turn, then the accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeafShape {
    /// The rows that are done at a time.
    pub(crate) rows: usize,
    /// The inputs of one row.
    pub(crate) n_inputs: usize,
    /// The kept outputs of one row.
    pub(crate) n_kept: usize,
    pub(crate) n_accumulators: usize,
}

impl LeafShape {
    /// The operand in whose memory an operand is, and the lanes from the one to the other.
    pub(crate) fn source(self, operand: u32) -> (u32, u32) {
        let LeafShape { rows, n_inputs, n_kept, n_accumulators } = self;
        let operand = operand as usize;
        let (first_accumulator, first_output) = (rows * n_inputs, rows * n_inputs + n_accumulators);
        let (source, row) = if operand < first_accumulator {
            (operand % n_inputs, operand / n_inputs)
        } else if operand < first_output {
            (first_accumulator, operand - first_accumulator)
        } else if operand < first_output + rows * n_kept {
            let output = operand - first_output;
            (first_output + output % n_kept, output / n_kept)
        } else {
            (first_accumulator, operand - first_output - rows * n_kept)
        };
        (source as u32, (row * LANES) as u32)
    }

    /// Whether an output is kept. If not, it is an accumulator.
    pub(crate) fn is_kept(self, output: u32) -> bool {
        (output as usize) < self.rows * self.n_kept
    }
}

impl Tape {
    /// The operand in whose memory an operand is, and the lanes from the one to the other.
    pub(crate) fn source(&self, operand: u32) -> (u32, u32) {
        match self.leaf {
            Some(leaf) => leaf.source(operand),
            None if self.iterates => (operand.checked_sub(self.inputs.len() as u32).unwrap_or(operand), 0),
            None => (operand, 0),
        }
    }

    /// Whether an output is stored past the caches if outputs are.
    pub(crate) fn streams(&self, output: u32) -> bool {
        self.leaf.is_none_or(|leaf| leaf.is_kept(output))
    }
}

/// The tape that accumulates whole leaves of a loop, and the run kinds of its operands. `kinds` are
/// those of the loop's. `None` if the loop is not one that gains by it.
pub(crate) fn accumulating(tape: &Tape, folds: &Folds, kinds: &[RunKind]) -> Option<(Tape, Vec<RunKind>)> {
    let is_simple = tape.n_segments == 1 && tape.is_of_one_width() && tape.has_vector_forms();
    let (of_inputs, of_outputs) = kinds.split_at(tape.inputs.len());
    let is_contiguous = |(output, kind): (usize, &RunKind)| !folds.is_kept[output] || *kind == RunKind::Contiguous;
    if !is_simple || of_inputs.contains(&RunKind::Strided) || !of_outputs.iter().enumerate().all(is_contiguous) {
        return None;
    }
    let mut accumulators: Vec<DType> = Vec::new();
    for (reducer, _) in &folds.reducers {
        let of_lane = reducer.accumulators()?;
        (of_lane.dtype.size() == tape.widest() as usize).then_some(())?;
        accumulators.extend(std::iter::repeat_n(of_lane.dtype, of_lane.count));
    }
    let is_computed = |node: &&Node| !node.inst.is_rematerialised() && !matches!(node.inst, Inst::Store(_));
    let n_body = tape.nodes.iter().filter(is_computed).count() + accumulators.len();
    if n_body > MAX_BODY {
        return None;
    }
    let n_kept = folds.is_kept.iter().filter(|&&is_kept| is_kept).count();
    let n_arrays = n_kept + of_inputs.iter().filter(|&&kind| kind == RunKind::Contiguous).count();
    let most = if n_arrays > 1 { MAX_ROWS_OF_ARRAYS } else { MAX_ROWS };
    let rows = (MAX_UNROLLED / n_body).clamp(1, most);
    // A power of two, so that rows fill a leaf.
    let rows = 1 << rows.ilog2();
    let leaf = LeafShape { rows, n_inputs: tape.inputs.len(), n_kept, n_accumulators: accumulators.len() };
    let builder = Builder { tape, folds, of_inputs, leaf, nodes: Vec::new(), ids: FxHashMap::default() };
    let nodes = builder.build(&accumulators);

    let accumulator = |(k, &dtype): (usize, &DType)| Operand { name: format!("accumulator{k}"), dtype };
    let accumulators: Vec<Operand> = accumulators.iter().enumerate().map(accumulator).collect();
    let kept = || tape.outputs.iter().zip(&folds.is_kept).filter(|&(_, &is_kept)| is_kept);
    let kept: Vec<Operand> = kept().map(|(output, _)| output.clone()).collect();
    let inputs: Vec<Operand> = repeated(&tape.inputs, rows).chain(accumulators.iter().cloned()).collect();
    let outputs: Vec<Operand> = repeated(&kept, rows).chain(accumulators.iter().cloned()).collect();
    let mut kinds: Vec<RunKind> = repeated(of_inputs, rows).collect();
    kinds.resize(inputs.len() + outputs.len(), RunKind::Contiguous);
    let segment_of = nodes.iter().map(|node| if node.inst.is_rematerialised() { u32::MAX } else { 0 }).collect();
    let slot_of = vec![None; nodes.len()];
    let leaf = Some(leaf);
    let functions = Vec::new();
    let pairs = FxHashMap::default();
    let (n_segments, slot_bytes, max_tile_elems) = (1, 0, None);
    let tape = Tape {
        nodes,
        inputs,
        outputs,
        functions,
        regions: Vec::new(),
        region_code: Vec::new(),
        segment_of,
        n_segments,
        pairs,
        slot_of,
        slot_bytes,
        max_tile_elems,
        leaf,
        iterates: false,
    };
    Some((tape, kinds))
}

fn repeated<T: Clone>(list: &[T], times: usize) -> impl Iterator<Item = T> {
    std::iter::repeat_n(list, times).flatten().cloned()
}

struct Builder<'t> {
    tape: &'t Tape,
    folds: &'t Folds,
    /// The run kinds of the loop's inputs.
    of_inputs: &'t [RunKind],
    leaf: LeafShape,
    nodes: Vec<Node>,
    ids: FxHashMap<Node, ValueId>,
}

impl Builder<'_> {
    /// The instructions for all rows, with accumulators of these dtypes.
    fn build(mut self, accumulators: &[DType]) -> Vec<Node> {
        let LeafShape { rows, n_inputs, n_kept, .. } = self.leaf;
        let tape = self.tape;
        let load = |(k, &dtype): (usize, &DType)| (Inst::Load((rows * n_inputs + k) as u32), Ty::in_memory(dtype));
        let loads: Vec<(Inst, Ty)> = accumulators.iter().enumerate().map(load).collect();
        let mut lanes: Vec<ValueId> = loads.into_iter().map(|(inst, ty)| self.push(inst, &[], ty)).collect();
        // What the loop stores to each output.
        let mut stored = vec![ValueId(0); tape.outputs.len()];
        for node in &tape.nodes {
            if let Inst::Store(output) = node.inst {
                stored[output as usize] = node.args[0];
            }
        }
        let mut kept: Vec<ValueId> = Vec::with_capacity(rows * n_kept);
        for row in 0..rows {
            let values = self.row(row);
            let value = |output: usize| values[stored[output].index()];
            let mut first = 0;
            for &(reducer, output) in &self.folds.reducers {
                let count = reducer.accumulators().map_or(0, |accumulators| accumulators.count);
                self.accumulate(reducer.op(), &mut lanes[first..first + count], value(output));
                first += count;
            }
            kept.extend((0..stored.len()).filter(|&output| self.folds.is_kept[output]).map(value));
        }
        for (output, &value) in kept.iter().chain(&lanes).enumerate() {
            self.same(Inst::Store(output as u32), &[value]);
        }
        self.nodes
    }

    /// The loop's values for a row. What is the same in all lanes is the same in all rows.
    fn row(&mut self, row: usize) -> Vec<ValueId> {
        let mut values: Vec<ValueId> = Vec::with_capacity(self.tape.nodes.len());
        for node in &self.tape.nodes {
            let args: Vec<ValueId> = node.args().iter().map(|arg| values[arg.index()]).collect();
            values.push(match node.inst {
                Inst::Load(input) if self.of_inputs[input as usize] == RunKind::Splat => {
                    self.push(node.inst, &[], node.ty)
                }
                Inst::Load(input) => {
                    let operand = row * self.leaf.n_inputs + input as usize;
                    self.push(Inst::Load(operand as u32), &[], node.ty)
                }
                // All stores come last.
                Inst::Store(_) => args[0],
                inst => self.push(inst, &args, node.ty),
            });
        }
        values
    }

    /// Adds an element to the accumulators of its lane, as
    /// [`Accumulators`](ndexpr_runtime::reduce::Accumulators) says.
    fn accumulate(&mut self, op: ReduceOp, lane: &mut [ValueId], x: ValueId) {
        let signed = true;
        match (op, lane) {
            (ReduceOp::Prod, [product]) => *product = self.same(Inst::Mul, &[*product, x]),
            (ReduceOp::Min | ReduceOp::NanMin, [best, merged, seen]) => {
                *best = self.same(Inst::Min { signed }, &[x, *best]);
                let bits = if op == ReduceOp::Min { x } else { self.with_mask(Inst::And, x, Condition::Eq) };
                *merged = self.same(Inst::Or, &[*merged, bits]);
                let condition = if op == ReduceOp::Min { Condition::Unordered } else { Condition::Eq };
                *seen = self.seen(*seen, x, condition);
            }
            (ReduceOp::Max | ReduceOp::NanMax, [best, merged, seen]) => {
                *best = self.same(Inst::Max { signed }, &[x, *best]);
                let bits = if op == ReduceOp::Max { x } else { self.with_mask(Inst::Or, x, Condition::Unordered) };
                *merged = self.same(Inst::And, &[*merged, bits]);
                let condition = if op == ReduceOp::Max { Condition::Unordered } else { Condition::Eq };
                *seen = self.seen(*seen, x, condition);
            }
            (ReduceOp::Sum, [sum]) => *sum = self.same(Inst::Add, &[*sum, x]),
            (op, lane) => unreachable!("{op:?} has no {} accumulators", lane.len()),
        }
    }

    /// The bits that are set if the condition holds of an element and itself.
    fn bits_if(&mut self, x: ValueId, condition: Condition) -> ValueId {
        let ty = self.nodes[x.index()].ty;
        let mask = self.push(Inst::Compare { condition, signed: true }, &[x, x], Ty::mask(ty.bytes));
        self.push(Inst::Reinterpret, &[mask], ty)
    }

    fn with_mask(&mut self, inst: Inst, x: ValueId, condition: Condition) -> ValueId {
        let bits = self.bits_if(x, condition);
        self.same(inst, &[x, bits])
    }

    fn seen(&mut self, seen: ValueId, x: ValueId, condition: Condition) -> ValueId {
        let bits = self.bits_if(x, condition);
        self.same(Inst::Or, &[seen, bits])
    }

    /// An instruction whose result has the type of its arguments.
    fn same(&mut self, inst: Inst, args: &[ValueId]) -> ValueId {
        let ty = self.nodes[args[0].index()].ty;
        self.push(inst, args, ty)
    }

    /// An instruction; the one that there is, if it is there already.
    fn push(&mut self, inst: Inst, args: &[ValueId], ty: Ty) -> ValueId {
        let mut all = [args.first().copied().unwrap_or(ValueId(0)); MAX_NODE_ARGS];
        all[..args.len()].copy_from_slice(args);
        let next = ValueId(self.nodes.len() as u32);
        let node = Node { inst, args: all, ty };
        let id = *self.ids.entry(node).or_insert(next);
        if id == next {
            self.nodes.push(node);
        }
        id
    }
}
