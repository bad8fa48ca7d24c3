//! The typed graph: what an expression means, with every dtype decided.
//!
//! [`lower`] makes it from the operations of a text. A [`Graph`] is hash-consed, so equal
//! subexpressions are one node, and in order, so arguments come before the nodes that use them. Its
//! constructors keep what [`verify`] checks: every primitive has the dtypes it is defined for, and
//! nothing is left to promote.
//!
//! [`lower`](lower()) goes through the operations and finds names. `typing` and `compare` apply a
//! function to its arguments and decide dtypes, and `rust_calls` those of functions of Rust, with
//! `weak` and `number` for what has no dtype. `compose` and `along` build what the rows of `ops`
//! name. `reduce` reads the options of calls along axes. `loops` settles
//! the dtypes of what loops of each element carry, and `region` is what they become.

mod along;
mod compare;
mod compose;
mod counters;
mod domain;
mod error;
mod loops;
mod lower;
mod names;
mod number;
mod print;
mod promote;
mod reduce;
mod reduction;
mod region;
mod rust_calls;
mod typing;
mod verify;
mod weak;

pub(crate) use counters::Counted;
pub(crate) use error::{Error, ErrorKind, Instead};
pub(crate) use lower::{Scope, ValueOf, lower};
pub(crate) use names::{named_constant, similar};
pub(crate) use number::Numbers;
pub(crate) use promote::{is_lossless, promote};
pub(crate) use reduce::axis_call;
pub(crate) use reduction::{Axes, Leaf, Reduction, ReductionId};
pub(crate) use region::{Region, RegionId, RegionUse};
pub(crate) use verify::verify;
pub(crate) use weak::fits;

use crate::ops::{AxisOp, Op, scalar};
use crate::resolve::ViewId;
use crate::vars::VarType;
use ndexpr_grammar::NameId;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::function::{MAX_ARGS, RustFunction};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// A node of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ExprId(u32);

impl ExprId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A variable of a [`Graph`], in the order in which the text first names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VarId(pub(crate) u32);

/// The arguments of a primitive. Places beyond its arity repeat the first argument.
pub(crate) type Args = [ExprId; 3];

/// A function of Rust of a [`Graph`], in the order in which the text first calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FunctionId(pub(crate) u32);

impl FunctionId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The arguments of a function of Rust. Places beyond those that it has repeat the first argument.
pub(crate) type CallArgs = [ExprId; MAX_ARGS];

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Expr {
    Var(VarId),
    Const(Scalar),
    Apply(Op, Args),
    /// A function of Rust, of arguments that have its dtypes.
    Call(FunctionId, CallArgs),
    /// A primitive along axes. Its result may have fewer elements than the argument, at other
    /// places.
    Reduce(ReductionId, ExprId),
    /// What a loop of each element leaves: one of the values that it carries.
    After(RegionId, u32),
    /// What a loop carries, at the start of an iteration: only while its region is made.
    Param(u32),
}

#[derive(Clone, Copy, Debug)]
struct Node {
    expr: Expr,
    dtype: DType,
    /// True if there is one value for all elements: it is made only from constants, scalar
    /// variables and whole arrays that are reduced to one value.
    is_scalar: bool,
}

/// A variable that a caller gives a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) ty: VarType,
    /// Its name in the text.
    pub(crate) id: NameId,
}

/// A variable that loops read: a given one, a view of one, or a computed number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) ty: VarType,
    /// The integer dtypes that a weak variable meets, and must fit.
    pub(crate) must_fit: DTypeSet,
}

/// A set of dtypes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DTypeSet(u16);

impl DTypeSet {
    pub(crate) fn insert(&mut self, dtype: DType) {
        self.0 |= 1 << dtype as u16;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = DType> {
        DType::ALL.into_iter().filter(move |&dtype| self.0 >> dtype as u16 & 1 == 1)
    }
}

/// A typed expression; see the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    ids: FxHashMap<(Expr, DType), ExprId>,
    /// The variables that the text uses as they are, then views of variables, then those that stand
    /// for computed numbers.
    vars: Vec<Var>,
    /// What a caller gives, in the order in which the text first names it.
    given: Vec<Given>,
    /// For each of the variables that are used as they are, the place among those given.
    places: Vec<usize>,
    /// The views among `vars`.
    views: Vec<ViewId>,
    numbers: Numbers,
    reductions: Vec<Reduction>,
    functions: Vec<Arc<RustFunction>>,
    regions: Vec<RegionUse>,
    /// How many parameters were made.
    n_params: u32,
    roots: Vec<ExprId>,
    /// For each root, the variables and reductions whose shapes broadcast to its shape.
    root_domains: Vec<Vec<Leaf>>,
    /// Which roots had no dtype of their own, as literals. Known of graphs that are not optimised.
    weak_roots: Vec<bool>,
}

impl Graph {
    /// A graph without nodes and regions, of the same variables, reductions, functions and shapes.
    pub(crate) fn without_nodes(&self) -> Graph {
        Graph {
            vars: self.vars.clone(),
            given: self.given.clone(),
            places: self.places.clone(),
            views: self.views.clone(),
            numbers: self.numbers.clone(),
            reductions: self.reductions.clone(),
            functions: self.functions.clone(),
            root_domains: self.root_domains.clone(),
            weak_roots: Vec::new(),
            ..Graph::default()
        }
    }

    /// The variables that the text uses. Those that no node needs any more are among them, because
    /// they take part in the shape. After them come the [views](Graph::views), and then the
    /// variables that stand for numbers that a call computes; see [`Numbers`].
    pub(crate) fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// The variables that a caller gives values, in the order in which the text first names them.
    /// Of some of them only views may be read, or nothing.
    pub(crate) fn given_vars(&self) -> &[Given] {
        &self.given
    }

    /// For each variable that is neither a view nor a computed number, its place among those given.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Whether what is read is what a caller gives, in the same order.
    pub(crate) fn reads_what_is_given(&self) -> bool {
        // A text may name a variable before the one that it reads first.
        self.views.is_empty() && self.places.iter().copied().eq(0..self.given.len())
    }

    /// The views among the variables.
    pub(crate) fn views(&self) -> &[ViewId] {
        &self.views
    }

    /// How many variables are neither views nor computed numbers.
    pub(crate) fn n_plain_vars(&self) -> usize {
        self.vars.len() - self.views.len() - self.numbers.n_derived()
    }

    /// All that runs along axes in the text, even where no node needs it any more. Inner ones come
    /// before outer ones, and several nodes may share one.
    pub(crate) fn reductions(&self) -> &[Reduction] {
        &self.reductions
    }

    pub(crate) fn reduction(&self, id: ReductionId) -> &Reduction {
        &self.reductions[id.index()]
    }

    /// The functions of Rust that the text calls, even where no node needs a call any more.
    pub(crate) fn functions(&self) -> &[Arc<RustFunction>] {
        &self.functions
    }

    pub(crate) fn function(&self, id: FunctionId) -> &RustFunction {
        &self.functions[id.index()]
    }

    /// For each root, the variables and reductions whose shapes broadcast to its shape.
    /// The type of a variable that gets the value of a root, in a graph that is not optimised.
    pub(crate) fn root_type(&self, number: usize) -> VarType {
        let root = self.roots[number];
        let is_scalar = self.is_scalar(root) && self.root_domains[number].is_empty();
        let is_weak = is_scalar && self.weak_roots.get(number) == Some(&true);
        VarType { dtype: self.dtype(root), is_scalar, is_weak }
    }

    pub(crate) fn root_domains(&self) -> &[Vec<Leaf>] {
        &self.root_domains
    }

    /// The nodes that are the results, in order; some may be the same. Set by [`lower`]. Only a
    /// phase of updates may have none.
    #[inline]
    pub(crate) fn roots(&self) -> &[ExprId] {
        &self.roots
    }

    /// The root, if there is only one.
    #[inline]
    pub(crate) fn only_root(&self) -> Option<ExprId> {
        match self.roots[..] {
            [root] => Some(root),
            _ => None,
        }
    }

    pub(crate) fn set_roots(&mut self, roots: Vec<ExprId>) {
        self.roots = roots;
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = ExprId> + use<> {
        (0..self.nodes.len() as u32).map(ExprId)
    }

    pub(crate) fn expr(&self, id: ExprId) -> Expr {
        self.nodes[id.index()].expr
    }

    pub(crate) fn dtype(&self, id: ExprId) -> DType {
        self.nodes[id.index()].dtype
    }

    /// For each node, whether a root needs it.
    pub(crate) fn live(&self) -> Vec<bool> {
        self.live_from(&self.roots)
    }

    /// For each node, whether one of some nodes needs it.
    fn live_from(&self, roots: &[ExprId]) -> Vec<bool> {
        let mut live = vec![false; self.len()];
        roots.iter().for_each(|root| live[root.index()] = true);
        for id in self.ids().rev() {
            if live[id.index()] {
                self.args(id).for_each(|arg| live[arg.index()] = true);
            }
        }
        live
    }

    /// True if the node has one value for all elements.
    pub(crate) fn is_scalar(&self, id: ExprId) -> bool {
        self.nodes[id.index()].is_scalar
    }

    /// The arguments of a node, none for a leaf.
    pub(crate) fn args(&self, id: ExprId) -> impl Iterator<Item = ExprId> + use<> {
        let args: SmallVec<[ExprId; MAX_ARGS]> = match self.expr(id) {
            Expr::Apply(op, args) => SmallVec::from_slice(&args[..op.arity()]),
            Expr::Call(function, args) => SmallVec::from_slice(&args[..self.function(function).args().len()]),
            Expr::Reduce(_, arg) => SmallVec::from_slice(&[arg]),
            Expr::After(region, _) => SmallVec::from_slice(&self.regions[region.index()].args),
            Expr::Var(_) | Expr::Const(_) | Expr::Param(_) => SmallVec::new(),
        };
        args.into_iter()
    }

    pub(crate) fn as_const(&self, id: ExprId) -> Option<Scalar> {
        match self.expr(id) {
            Expr::Const(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn add(&mut self, expr: Expr, dtype: DType, is_scalar: bool) -> ExprId {
        let next = ExprId(self.nodes.len() as u32);
        let id = *self.ids.entry((expr, dtype)).or_insert(next);
        if id == next {
            self.nodes.push(Node { expr, dtype, is_scalar });
        }
        id
    }

    pub(crate) fn var(&mut self, var: VarId) -> ExprId {
        let VarType { dtype, is_scalar, .. } = self.vars[var.0 as usize].ty;
        self.add(Expr::Var(var), dtype, is_scalar)
    }

    pub(crate) fn constant(&mut self, value: Scalar) -> ExprId {
        self.add(Expr::Const(value), value.dtype(), true)
    }

    /// A small integer as a constant of any dtype except bool.
    pub(crate) fn int_constant(&mut self, dtype: DType, value: i64) -> ExprId {
        self.constant(cast_scalar(Scalar::new(value), dtype))
    }

    pub(crate) fn float_constant(&mut self, dtype: DType, value: f64) -> ExprId {
        self.constant(cast_scalar(Scalar::new(value), dtype))
    }

    /// Applies a primitive other than a cast, to arguments of the dtypes that it is defined for.
    /// Constants fold.
    pub(crate) fn apply(&mut self, op: Op, args: &[ExprId]) -> ExprId {
        debug_assert_eq!(args.len(), op.arity());
        let from = self.dtype(*args.last().expect("every primitive has an argument"));
        let to = if op.is_comparison() { DType::Bool } else { from };
        self.make(op, args, from, to)
    }

    /// Converts to `dtype`. Gives the argument itself if it has that dtype already.
    pub(crate) fn cast(&mut self, arg: ExprId, to: DType) -> ExprId {
        let from = self.dtype(arg);
        if from == to { arg } else { self.make(Op::Cast, &[arg], from, to) }
    }

    /// Calls a function of Rust, with arguments of its dtypes. A call of constants is not folded,
    /// because the function may take any time.
    pub(crate) fn call(&mut self, id: FunctionId, args: &[ExprId]) -> ExprId {
        debug_assert_eq!(args.len(), self.function(id).args().len());
        let (dtype, is_scalar) = (self.function(id).result(), args.iter().all(|&arg| self.is_scalar(arg)));
        let mut all = [args[0]; MAX_ARGS];
        all[..args.len()].copy_from_slice(args);
        self.add(Expr::Call(id, all), dtype, is_scalar)
    }

    /// True if a function is called for the node, of the runtime or of Rust, or a loop is run.
    pub(crate) fn is_call(&self, id: ExprId) -> bool {
        matches!(self.expr(id), Expr::Apply(Op::Math(_), _) | Expr::Call(..) | Expr::After(..))
    }

    /// Applies a reduction to an argument of a dtype that it is defined for. A result that follows
    /// from constants alone is not folded, because it may depend on the shape.
    pub(crate) fn reduce(&mut self, id: ReductionId, arg: ExprId) -> ExprId {
        let reduction = self.reduction(id);
        let dtype = reduction.op.result(self.dtype(arg)).expect("the primitive is defined for the dtype");
        let is_scalar = reduction.is_total() || reduction.op == AxisOp::Count;
        self.add(Expr::Reduce(id, arg), dtype, is_scalar)
    }

    fn make(&mut self, op: Op, args: &[ExprId], from: DType, to: DType) -> ExprId {
        let constant = |id: &ExprId| self.as_const(*id).map(Scalar::bits);
        if let Some(values) = args.iter().map(constant).collect::<Option<Args3>>() {
            let bits = scalar::apply(op, from, to, values.0);
            return self.constant(Scalar::from_bits(to, bits));
        }
        let is_scalar = args.iter().all(|&arg| self.is_scalar(arg));
        let mut all = [args[0]; 3];
        all[..args.len()].copy_from_slice(args);
        self.add(Expr::Apply(op, all), to, is_scalar)
    }
}

/// Up to three values, collected without a heap.
struct Args3([u64; 3]);

impl FromIterator<u64> for Args3 {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Args3 {
        let mut all = [0; 3];
        for (place, value) in all.iter_mut().zip(values) {
            *place = value;
        }
        Args3(all)
    }
}

/// A scalar converted as [`Op::Cast`] does.
pub(crate) fn cast_scalar(value: Scalar, to: DType) -> Scalar {
    Scalar::from_bits(to, scalar::cast(value.dtype(), to, value.bits()))
}
