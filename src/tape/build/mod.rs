//! From a fusion group to a tape: the primitives become instructions on lanes.
//!
//! In: a graph, a loop of it, and the [`Preferences`] of the machine. Out: the scheduled tape.
//!
//! Here bools become masks, and operations whose edge cases no instruction has (shifts by any
//! count, minimum with NaN) become several. Conversions are in [`casts`], powers in [`powers`].
//!
//! Always true: equal instructions on equal arguments are one value, all values come before the
//! first store, and every value is needed by a store.

mod casts;
mod powers;

use super::{
    Condition, Function, Inst, Kind, MAX_NODE_ARGS, Node, Operand, RegionTypes, Tape, Ty, ValueId, relief, schedule,
    wide,
};
use crate::fuse::{self, Loop, Source};
use crate::hir::{Expr, ExprId, FunctionId, Graph, Region, RegionId};
use crate::ops::Op;
use ndexpr_runtime::dtype::{DType, Element};
use ndexpr_runtime::math::MathFn;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Which of several forms of the same code is best on the machine where it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preferences {
    /// True if loops have fused multiply-adds, so a power that takes some need not be a call.
    pub(crate) fuses_in_loops: bool,
    /// True if functions over a tile do divisions, square roots and powers faster than most loops
    /// do.
    pub(crate) prefers_calls: bool,
    /// True if loops without lane-by-lane instructions do these as fast as functions.
    pub(crate) divides_in_wide_loops: bool,
    /// True for [iterations](Tape::iterates) of a loop of each element. The same mask meets others
    /// again and again there, so masks become as wide as the widest of them, and not as the
    /// narrowest.
    pub(crate) iterates: bool,
}

/// If more values are alive at once in a loop, the order of its instructions is changed, because
/// there is hardly room for two registers of each.
// Chosen by "branches-in-registers" in docs/measurements.md.
const MANY_VALUES: usize = 6;

/// Builds and schedules the tape of a loop. None if its values need more scratch than a thread has.
pub(crate) fn build(graph: &Graph, group: &Loop, preferences: Preferences) -> Option<Tape> {
    let is_too_large =
        |id: &ExprId| matches!(graph.expr(*id), Expr::After(..)) && graph.args(*id).count() > MAX_NODE_ARGS;
    if group.body.iter().any(is_too_large) {
        return None;
    }
    let mut builder = Builder {
        graph,
        group,
        preferences,
        nodes: Vec::with_capacity(2 * group.body.len() + 8),
        ids: FxHashMap::default(),
        value_of: vec![None; graph.len()],
    };
    let mut inputs = Vec::with_capacity(group.inputs.len());
    for (i, &(id, source)) in group.inputs.iter().enumerate() {
        let dtype = graph.dtype(id);
        let value = builder.push(Inst::Load(i as u32), &[], Ty::in_memory(dtype));
        builder.value_of[id.index()] = Some(value);
        inputs.push(Operand { name: fuse::name_of(source, graph), dtype });
    }
    for &id in &group.body {
        let value = builder.expr(id);
        builder.value_of[id.index()] = Some(value);
    }
    // All values come before the first store.
    let stored: Vec<ValueId> = group.outputs.iter().map(|&(id, _)| builder.in_memory(id)).collect();
    let mut outputs = Vec::with_capacity(group.outputs.len());
    for (i, (&(id, dest), &value)) in group.outputs.iter().zip(&stored).enumerate() {
        let dtype = graph.dtype(id);
        builder.same(Inst::Store(i as u32), &[value]);
        let name = dest.map_or_else(|| "folded".to_owned(), |dest| fuse::name_of(fuse::source_of(dest), graph));
        outputs.push(Operand { name, dtype });
    }
    wide::take_differences_in(&mut builder.nodes);
    let mut nodes = without_dead(builder.nodes);
    nodes = match preferences.iterates {
        true => relief::end_values_early(nodes),
        false => relief::compute_late(nodes, MANY_VALUES),
    };
    // Scalars, and what was reduced, are mostly the same in all lanes.
    let is_uniform = |&(id, source): &(ExprId, Source)| graph.is_scalar(id) || matches!(source, Source::Temp(_));
    let is_uniform: Vec<bool> = group.inputs.iter().map(is_uniform).collect();
    if preferences.prefers_calls {
        wide::use_calls(&mut nodes, &is_uniform, preferences.divides_in_wide_loops);
    }
    let tape = schedule::schedule(nodes, inputs, outputs, &is_uniform)?;
    let regions = graph.regions().iter().map(|used| types_of(&used.region)).collect();
    Some(Tape { functions: graph.functions().to_vec(), regions, iterates: preferences.iterates, ..tape })
}

/// The dtypes of a loop of each element.
fn types_of(region: &Region) -> RegionTypes {
    let mut args: Vec<DType> = region.body.vars().iter().map(|var| var.ty.dtype).collect();
    let carried = args[..region.n_carried].to_vec();
    args.insert(region.n_carried, DType::Bool);
    RegionTypes { args, carried }
}

/// Leaves out what no store needs. A shift by a constant beyond the width, for example, does not
/// need what it shifts. A call that no store needs would have no slot to write to.
fn without_dead(nodes: Vec<Node>) -> Vec<Node> {
    let mut live: Vec<bool> = nodes.iter().map(|node| matches!(node.inst, Inst::Store(_))).collect();
    for (i, node) in nodes.iter().enumerate().rev() {
        if live[i] {
            for arg in node.args() {
                live[arg.index()] = true;
            }
        }
    }
    if live.iter().all(|&live| live) {
        return nodes;
    }
    let mut new_ids = vec![ValueId(0); nodes.len()];
    let mut kept = Vec::with_capacity(nodes.len());
    for (i, mut node) in nodes.into_iter().enumerate() {
        if live[i] {
            let arity = node.inst.arity();
            // Arguments beyond the arity repeat the first one.
            node.args = std::array::from_fn(|k| match k < arity {
                true => new_ids[node.args[k].index()],
                false if arity > 0 => new_ids[node.args[0].index()],
                false => ValueId(0),
            });
            new_ids[i] = ValueId(kept.len() as u32);
            kept.push(node);
        }
    }
    kept
}

struct Builder<'a> {
    graph: &'a Graph,
    group: &'a Loop,
    preferences: Preferences,
    nodes: Vec<Node>,
    ids: FxHashMap<Node, ValueId>,
    /// The value of each node of the graph.
    value_of: Vec<Option<ValueId>>,
}

impl Builder<'_> {
    fn push(&mut self, inst: Inst, args: &[ValueId], ty: Ty) -> ValueId {
        let mut all = [args.first().copied().unwrap_or(ValueId(0)); MAX_NODE_ARGS];
        all[..args.len()].copy_from_slice(args);
        let node = Node { inst, args: all, ty };
        let next = ValueId(self.nodes.len() as u32);
        let id = *self.ids.entry(node).or_insert(next);
        if id == next {
            self.nodes.push(node);
        }
        id
    }

    fn ty(&self, value: ValueId) -> Ty {
        self.nodes[value.index()].ty
    }

    /// An instruction whose result has the type of its last argument.
    fn same(&mut self, inst: Inst, args: &[ValueId]) -> ValueId {
        let ty = self.ty(args[args.len() - 1]);
        self.push(inst, args, ty)
    }

    fn constant(&mut self, ty: Ty, bits: u64) -> ValueId {
        self.push(Inst::Const(bits), &[], ty)
    }

    fn float(&mut self, bytes: u32, value: f64) -> ValueId {
        let bits = if bytes == 4 { Element::to_bits(value as f32) } else { value.to_bits() };
        self.constant(Ty::float(bytes), bits)
    }

    /// The value of a node of the graph as it is in memory.
    fn in_memory(&mut self, id: ExprId) -> ValueId {
        // A bool that a function of Rust gives is 0 or 1 already.
        if let Some(value) = self.value_of[id.index()]
            && matches!(self.nodes[value.index()].inst, Inst::Call { .. })
        {
            return value;
        }
        let value = self.value(id);
        if self.ty(value).kind == Kind::Mask { self.mask_to_int(value, 1) } else { value }
    }

    /// A constant with only the sign bit of a float set.
    fn sign_bit(&mut self, float: ValueId) -> ValueId {
        let ty = self.ty(float);
        self.constant(ty, 1 << (8 * ty.bytes - 1))
    }

    fn magnitude(&mut self, float: ValueId) -> ValueId {
        let ty = self.ty(float);
        let mask = self.constant(ty, u64::MAX >> (65 - 8 * ty.bytes));
        self.same(Inst::And, &[float, mask])
    }

    fn is_not_zero(&mut self, value: ValueId, signed: bool) -> ValueId {
        let ty = self.ty(value);
        let zero = self.constant(ty, 0);
        self.compare(Condition::Ne, signed, value, zero)
    }

    fn compare(&mut self, condition: Condition, signed: bool, a: ValueId, b: ValueId) -> ValueId {
        let ty = Ty::mask(self.ty(a).bytes);
        self.push(Inst::Compare { condition, signed }, &[a, b], ty)
    }

    fn select(&mut self, mask: ValueId, a: ValueId, b: ValueId) -> ValueId {
        let mask = self.resize_mask(mask, self.ty(a).bytes);
        if self.is_successor(a, b) {
            // Where a mask is true, it is -1.
            let minus_one = self.push(Inst::Reinterpret, &[mask], self.ty(a));
            return self.same(Inst::Sub, &[b, minus_one]);
        }
        self.same(Inst::Select, &[mask, a, b])
    }

    /// Whether an integer is one more than another.
    fn is_successor(&self, a: ValueId, b: ValueId) -> bool {
        let Node { inst: Inst::Add, ty: Ty { kind: Kind::Int, .. }, args: [x, y, ..] } = self.nodes[a.index()] else {
            return false;
        };
        let is_one = |value: ValueId| self.nodes[value.index()].inst == Inst::Const(1);
        x == b && is_one(y) || y == b && is_one(x)
    }

    fn resize_mask(&mut self, mask: ValueId, bytes: u32) -> ValueId {
        if self.ty(mask).bytes == bytes {
            return mask;
        }
        match self.nodes[mask.index()].inst {
            Inst::Const(bits) => {
                let ones = if bits == 0 { 0 } else { u64::MAX >> (64 - 8 * bytes) };
                self.constant(Ty::mask(bytes), ones)
            }
            _ => self.push(Inst::ResizeMask, &[mask], Ty::mask(bytes)),
        }
    }

    /// True as 1, false as 0.
    fn mask_to_int(&mut self, mask: ValueId, bytes: u32) -> ValueId {
        let mask = self.resize_mask(mask, bytes);
        let bits = self.push(Inst::Reinterpret, &[mask], Ty::int(bytes));
        let one = self.constant(Ty::int(bytes), 1);
        self.same(Inst::And, &[bits, one])
    }

    /// The value of a node of the graph; constants are made where they are used, and so are the
    /// masks of bools from memory.
    fn value(&mut self, id: ExprId) -> ValueId {
        if let Some(value) = self.value_of[id.index()] {
            let is_loaded_bool = self.ty(value).kind != Kind::Mask && self.graph.dtype(id) == DType::Bool;
            return if is_loaded_bool { self.is_not_zero(value, false) } else { value };
        }
        let Expr::Const(value) = self.graph.expr(id) else {
            unreachable!("a loop's body is in order, and its inputs are complete");
        };
        if value.dtype() == DType::Bool {
            let bits = if value.bits() == 0 { 0 } else { 0xff };
            return self.constant(Ty::mask(1), bits);
        }
        self.constant(Ty::in_memory(value.dtype()), value.bits())
    }

    fn expr(&mut self, id: ExprId) -> ValueId {
        let op = match self.graph.expr(id) {
            Expr::Apply(op, _) => op,
            Expr::Call(function, _) => return self.rust_call(id, function),
            Expr::After(region, place) => return self.after(id, region, place),
            _ => unreachable!("a loop's body is made of operations"),
        };
        let mut args = [ValueId(0); 3];
        let mut ids = [id; 3];
        for (i, arg) in self.graph.args(id).enumerate() {
            args[i] = self.value(arg);
            ids[i] = arg;
        }
        let [a, b, c] = args;
        let from = self.graph.dtype(ids[op.arity() - 1]);
        let signed = from.is_signed_int();
        if from == DType::Bool && op != Op::Cast {
            return self.bools(op, &mut args[..op.arity()]);
        }
        match op {
            Op::Add => self.same(Inst::Add, &[a, b]),
            Op::Sub => self.same(Inst::Sub, &[a, b]),
            // A sum needs no constant, and is rounded as the product is.
            Op::Mul if self.as_float(b) == Some(2.0) => self.same(Inst::Add, &[a, a]),
            Op::Mul => self.same(Inst::Mul, &[a, b]),
            Op::Div => self.same(Inst::Div, &[a, b]),
            Op::Neg if from.is_float() => {
                let sign = self.sign_bit(a);
                self.same(Inst::Xor, &[a, sign])
            }
            Op::Neg => self.same(Inst::Neg, &[a]),
            Op::Abs if from.is_unsigned_int() => a,
            Op::Abs if from.is_float() => self.magnitude(a),
            Op::Abs => self.same(Inst::Abs, &[a]),
            Op::Sqrt => self.same(Inst::Sqrt, &[a]),
            Op::Floor => self.same(Inst::Floor, &[a]),
            Op::Ceil => self.same(Inst::Ceil, &[a]),
            Op::Trunc => self.same(Inst::Trunc, &[a]),
            Op::Rint => self.same(Inst::Rint, &[a]),
            Op::Min => self.extremum(Inst::Min { signed }, a, b),
            Op::Max => self.extremum(Inst::Max { signed }, a, b),
            Op::Copysign => {
                let magnitude = self.magnitude(a);
                let sign = self.sign_bit(b);
                let sign = self.same(Inst::And, &[b, sign]);
                self.same(Inst::Or, &[magnitude, sign])
            }
            Op::Fma => self.same(Inst::Fma, &[a, b, c]),
            Op::And => self.same(Inst::And, &[a, b]),
            Op::Or => self.same(Inst::Or, &[a, b]),
            Op::Xor => self.same(Inst::Xor, &[a, b]),
            Op::Not => self.same(Inst::Not, &[a]),
            Op::Shl => self.shift(Inst::Shl, a, b, false),
            Op::Shr => self.shift(Inst::Shr { signed }, a, b, signed),
            Op::Eq => self.compare(Condition::Eq, signed, a, b),
            // Vectors of integers have no such comparison, and a mask is often inverted for free.
            Op::Ne if !from.is_float() => {
                let equal = self.compare(Condition::Eq, signed, a, b);
                self.same(Inst::Not, &[equal])
            }
            Op::Ne => self.compare(Condition::Ne, signed, a, b),
            Op::Lt => self.compare(Condition::Lt, signed, a, b),
            Op::Le => self.compare(Condition::Le, signed, a, b),
            Op::Gt => self.compare(Condition::Gt, signed, a, b),
            Op::Ge => self.compare(Condition::Ge, signed, a, b),
            Op::Select => self.select(a, b, c),
            Op::Cast => self.cast(a, from, self.graph.dtype(id)),
            Op::Math(MathFn::Cube) if !self.is_called(id, from) => self.cube(a, from),
            Op::Math(MathFn::Quart) if !self.is_called(id, from) => self.quart(a, from),
            Op::Math(function) => self.call(function, from, &args[..op.arity()]),
        }
    }

    fn call(&mut self, function: MathFn, dtype: DType, args: &[ValueId]) -> ValueId {
        self.push(Inst::Call { function: Function::Math(function), dtype }, args, Ty::in_memory(dtype))
    }

    /// A call of a function of Rust. It takes bools as bytes that are 0 or 1.
    fn rust_call(&mut self, id: ExprId, function: FunctionId) -> ValueId {
        let args: SmallVec<[ValueId; MAX_NODE_ARGS]> = self.graph.args(id).map(|arg| self.in_memory(arg)).collect();
        let (dtype, arity) = (self.graph.dtype(id), args.len() as u32);
        let function = Function::Rust { index: function.0, arity };
        self.push(Inst::Call { function, dtype }, &args, Ty::in_memory(dtype))
    }

    /// What a loop of each element leaves. All that it leaves for this loop is made at once.
    fn after(&mut self, id: ExprId, region: RegionId, place: u32) -> ValueId {
        let args: SmallVec<[ValueId; MAX_NODE_ARGS]> = self.graph.args(id).map(|arg| self.in_memory(arg)).collect();
        let (index, arity) = (region.index() as u32, args.len() as u32);
        let mut made = ValueId(0);
        for &other in &self.group.body {
            let Expr::After(its, result) = self.graph.expr(other) else { continue };
            if its == region {
                let dtype = self.graph.dtype(other);
                let function = Function::Region { index, result, arity };
                let value = self.push(Inst::Call { function, dtype }, &args, Ty::in_memory(dtype));
                made = if result == place { value } else { made };
            }
        }
        made
    }

    /// Operations on masks, all brought to the narrowest width among them, or the widest.
    fn bools(&mut self, op: Op, args: &mut [ValueId]) -> ValueId {
        let widths = args.iter().map(|&arg| self.ty(arg).bytes);
        let bytes = if self.preferences.iterates { widths.max() } else { widths.min() }.unwrap_or(1);
        for arg in &mut *args {
            *arg = self.resize_mask(*arg, bytes);
        }
        match op {
            Op::And => self.same(Inst::And, args),
            Op::Or => self.same(Inst::Or, args),
            Op::Xor | Op::Ne => self.same(Inst::Xor, args),
            Op::Eq => {
                let differ = self.same(Inst::Xor, args);
                self.same(Inst::Not, &[differ])
            }
            Op::Not => self.same(Inst::Not, args),
            Op::Select => self.same(Inst::Select, args),
            _ => unreachable!("the graph has no {op} of bools"),
        }
    }

    /// If the first argument is NaN, it must win. If the second argument is NaN, it wins already.
    fn extremum(&mut self, inst: Inst, a: ValueId, b: ValueId) -> ValueId {
        if self.ty(a).kind != Kind::Float {
            return self.same(inst, &[a, b]);
        }
        if self.as_float(a).is_some_and(|value| !value.is_nan()) {
            return self.same(inst, &[a, b]);
        }
        // The order of the arguments decides only between -0.0 and 0.0, so a constant that is
        // neither may go first.
        if self.as_float(b).is_some_and(|value| !value.is_nan() && value != 0.0) {
            return self.same(inst, &[b, a]);
        }
        let value = self.same(inst, &[a, b]);
        let is_nan = self.compare(Condition::Unordered, false, a, a);
        self.select(is_nan, a, value)
    }

    fn as_float(&self, value: ValueId) -> Option<f64> {
        let node = &self.nodes[value.index()];
        match (node.inst, node.ty.bytes) {
            (Inst::Const(bits), 4) => Some(<f32 as Element>::from_bits(bits).into()),
            (Inst::Const(bits), _) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn shift(&mut self, inst: Inst, a: ValueId, count: ValueId, signed: bool) -> ValueId {
        let ty = self.ty(a);
        let bits = 8 * u64::from(ty.bytes);
        if let Inst::Const(count_bits) = self.nodes[count.index()].inst {
            if count_bits < bits {
                return self.same(inst, &[a, count]);
            }
            if !signed {
                return self.constant(ty, 0);
            }
        }
        let most = self.constant(ty, bits - 1);
        if signed && matches!(self.nodes[count.index()].inst, Inst::Const(_)) {
            return self.same(inst, &[a, most]);
        }
        // A negative count, taken without a sign, is a large one.
        let clamped = self.same(Inst::Min { signed: false }, &[count, most]);
        let shifted = self.same(inst, &[a, clamped]);
        if signed {
            return shifted;
        }
        let in_range = self.compare(Condition::Le, false, count, most);
        let zero = self.constant(ty, 0);
        self.select(in_range, shifted, zero)
    }
}
