//! Lowering: the operations of a text and the dtypes of its variables become a typed graph.
//!
//! In: operations, and what is known of the variables. Out: a [`Graph`], or what is wrong and
//! where. Always true: one pass over the operations in order, so no recursion; and one more over
//! those that the result needs, if it does not need all.
//!
//! Names of variables and constants are resolved here, and calls are matched with their functions.
//! [`typing`](super::typing) applies a function to its arguments.

use super::domain::{Domains, Part};
use super::names::{named_constant, similar};
use super::number::{NumberId, Values};
use super::promote;
use super::reduce::{self, axis_call};
use super::reduction::{self, Interner, Leaf, ReductionId};
use super::region::RegionId;
use super::weak::Weak;
use super::{DTypeSet, Error, ErrorKind, ExprId, FunctionId, Given, Graph, Var, VarId};
use crate::ops::{Function, table};
use crate::resolve::{
    self, Action, Array, Callee, GroupId, LoopId, Registry, Resolved, RustId, Step, StepId, ViewId, ViewOp, operators,
};
use crate::vars::VarType;
use ndexpr_grammar::{self as ast, CompareOp, NameId, Span};
use ndexpr_runtime::dtype::DType;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::collections::BTreeSet;

/// Gives the value of a weak integer variable.
pub(crate) type ValueOf<'a> = &'a dyn Fn(&str) -> Option<i128>;

/// What is known of the variables that a text may use.
pub(crate) struct Scope<'a> {
    /// The type of a variable, if there is one of this name.
    pub(crate) type_of: &'a dyn Fn(&str) -> Option<VarType>,
    /// The value of a weak integer variable at the call that the graph is made for. None if the
    /// graph is not made for a call.
    pub(crate) value_of: Option<ValueOf<'a>>,
    /// The functions that the text can call besides those of the language.
    pub(crate) registry: &'a Registry,
    /// The most iterations of a loop for an element.
    pub(crate) max_iterations: u64,
    /// The names of all variables, for error messages.
    pub(crate) known: &'a dyn Fn() -> Vec<String>,
}

/// Types the operations of a text.
///
/// All operations are checked, but only what the result needs is in the graph.
///
/// # Errors
///
/// Any [`ErrorKind`], at the place in the text that is to blame.
pub(crate) fn lower(resolved: &Resolved, scope: &Scope<'_>) -> Result<Graph, Error> {
    let live = resolved.live();
    let mut graph = lower_some(resolved, scope, |_| true)?;
    if !live.iter().all(|&is_live| is_live) {
        // Other variables would take part in the shape of the result.
        graph = lower_some(resolved, scope, |id| live[id.index()])?;
    }
    graph.given = given(resolved, scope);
    let places: FxHashMap<&str, usize> =
        graph.given.iter().enumerate().map(|(place, given)| (given.name.as_str(), place)).collect();
    let plain = &graph.vars[..graph.n_plain_vars()];
    graph.places = plain.iter().map(|var| places[var.name.as_str()]).collect();
    Ok(graph)
}

/// The views that the operations read of which everything is a single value.
///
/// The text may have many more views than one of its phases reads.
fn single_views(resolved: &Resolved, scope: &Scope<'_>) -> FxHashSet<ViewId> {
    let views = resolved.views();
    let mut needed: BTreeSet<ViewId> = BTreeSet::new();
    let mut groups: FxHashSet<GroupId> = FxHashSet::default();
    let mut pending: Vec<Array> = resolved.steps().filter_map(|(_, step)| resolved.array(step)).collect();
    while let Some(array) = pending.pop() {
        let Array::View(id) = array else { continue };
        if !needed.insert(id) {
            continue;
        }
        let def = views.get(id);
        pending.push(def.of);
        if let ViewOp::BroadcastIn(group) = def.op
            && groups.insert(group)
        {
            pending.extend(views.group(group));
        }
    }
    // A view comes after those that it is of.
    let mut single: FxHashSet<ViewId> = FxHashSet::default();
    let mut is_single_group: FxHashMap<GroupId, bool> = FxHashMap::default();
    for id in needed {
        let of = |array: &Array| match *array {
            Array::Name(name) => (scope.type_of)(resolved.name(name)).is_none_or(|ty| ty.is_scalar),
            Array::View(id) => single.contains(&id),
        };
        let def = views.get(id);
        let is_single = match def.op {
            ViewOp::Index(_) | ViewOp::Transpose => of(&def.of),
            ViewOp::BroadcastIn(group) => {
                *is_single_group.entry(group).or_insert_with(|| views.group(group).iter().all(of))
            }
        };
        if is_single {
            single.insert(id);
        }
    }
    single
}

/// The variables that a caller gives, in the order in which the text first names them.
fn given(resolved: &Resolved, scope: &Scope<'_>) -> Vec<Given> {
    let mut seen = FxHashSet::default();
    let bases = resolved.steps().filter_map(|(_, step)| Some(resolved.views().base(resolved.array(step)?)));
    let given = bases.filter_map(|id| {
        let name = resolved.name(id);
        let ty = if seen.insert(id) { (scope.type_of)(name)? } else { return None };
        Some(Given { name: name.to_owned(), ty, id })
    });
    given.collect()
}

fn lower_some(resolved: &Resolved, scope: &Scope<'_>, is_wanted: impl Fn(StepId) -> bool) -> Result<Graph, Error> {
    let mut lowerer = Lowerer {
        resolved,
        scope,
        vars: FxHashMap::default(),
        graph: Graph::default(),
        interner: Interner::default(),
        leaves: FxHashMap::default(),
        domains: Domains::new(resolved.len()),
        numbers: Values::default(),
        single_views: single_views(resolved, scope),
        function_of: FxHashMap::default(),
        number_of: FxHashMap::default(),
        loops: Loops::default(),
        values: vec![Value::Weak(Weak::Int(0)); resolved.len()],
    };
    lowerer.find_loops();
    let has_merges = resolved.steps().any(|(_, step)| step.action == Action::Merge);
    let live = if has_merges { resolved.live() } else { Vec::new() };
    // A name that nothing reads behind a choice may be anything.
    let is_read = |id: StepId| live.is_empty() || live[id.index()] || resolved.step(id).action != Action::Merge;
    let is_wanted = |id: StepId| is_wanted(id) && is_read(id);
    lowerer.declare_variables(is_wanted);
    lowerer.steps(0..resolved.len(), &is_wanted)?;
    let mut roots = Vec::with_capacity(resolved.results().len());
    for &result in resolved.results() {
        let root = lowerer.arg(result);
        lowerer.graph.weak_roots.push(!matches!(root.value, Value::Typed(_)));
        roots.push(lowerer.default(root)?);
        let domain = lowerer.domain(result)?;
        lowerer.graph.root_domains.push(domain);
    }
    lowerer.graph.set_roots(roots);
    Ok(lowerer.graph)
}

/// What an operation has become.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Made of literals only.
    Weak(Weak),
    /// A weak integer variable, or computed from such variables and literals: weak too, but only
    /// known at a call.
    Number(NumberId),
    /// A weak float variable, or computed from weak values: weak too. The node has the dtype that
    /// the value gets where nothing else gives it one.
    Untyped(ExprId),
    Typed(ExprId),
}

pub(super) type Args = SmallVec<[Arg; 3]>;

/// An argument of an operation, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Arg {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// The loops of a text, while it becomes a graph.
#[derive(Default)]
pub(super) struct Loops {
    /// For each loop, its last operation.
    pub(super) ends: FxHashMap<LoopId, usize>,
    /// What the loops that are open carry, at the start of an iteration.
    pub(super) params: FxHashMap<(LoopId, u32), Value>,
    /// The region of each loop that is done.
    pub(super) regions: FxHashMap<StepId, RegionId>,
    /// How many operations were looked at for loops.
    pub(super) n_visits: usize,
}

pub(super) struct Lowerer<'a> {
    pub(super) resolved: &'a Resolved,
    pub(super) scope: &'a Scope<'a>,
    pub(super) vars: FxHashMap<Array, VarId>,
    pub(super) graph: Graph,
    pub(super) interner: Interner,
    /// For each call along axes, the reduction that stands for its shape.
    pub(super) leaves: FxHashMap<StepId, ReductionId>,
    domains: Domains,
    pub(super) numbers: Values,
    /// Which views are of single values alone.
    /// The views of single values.
    single_views: FxHashSet<ViewId>,
    /// The functions of Rust that are called so far.
    pub(super) function_of: FxHashMap<RustId, FunctionId>,
    /// The number that each weak integer variable is.
    number_of: FxHashMap<VarId, NumberId>,
    pub(super) loops: Loops,
    /// The value of each operation.
    pub(super) values: Vec<Value>,
}

impl Lowerer<'_> {
    /// Adds all variables of the text, in the order in which it first names them, then the views of
    /// variables. Others may come after them: see [`number`](super::number).
    fn declare_variables(&mut self, is_wanted: impl Fn(StepId) -> bool) {
        let resolved = self.resolved;
        let mut views: Vec<ViewId> = Vec::new();
        for (id, step) in resolved.steps() {
            let Some(array) = resolved.array(step) else { continue };
            if !is_wanted(id) || self.vars.contains_key(&array) {
                continue;
            }
            let Some((array, ty)) = self.declared(array) else { continue };
            match array {
                Array::Name(_) if self.vars.contains_key(&array) => {}
                Array::Name(_) => self.declare(array, ty),
                Array::View(view) => views.push(view),
            }
        }
        for view in views {
            let array = Array::View(view);
            let base = resolved.views().base(array);
            let Some(ty) = (self.scope.type_of)(resolved.name(base)) else { continue };
            if self.vars.contains_key(&array) {
                continue;
            }
            self.declare(array, ty);
            self.graph.views.push(view);
        }
    }

    fn declare(&mut self, array: Array, ty: VarType) {
        let var = VarId(self.graph.vars.len() as u32);
        let name = self.resolved.array_text(array);
        self.graph.vars.push(Var { name, ty, must_fit: DTypeSet::default() });
        self.vars.insert(array, var);
    }

    /// What stands for an array of the text, and its type; `None` if there is no such variable. A
    /// single value that is broadcast is itself, whatever part of it is taken.
    fn declared(&self, array: Array) -> Option<(Array, VarType)> {
        let views = self.resolved.views();
        let base = views.base(array);
        let ty = (self.scope.type_of)(self.resolved.name(base))?;
        let is_itself = ty.is_scalar && views.chain(array).all(|(_, def)| !matches!(def.op, ViewOp::Index(_)));
        let is_broadcast = views.chain(array).any(|(_, def)| matches!(def.op, ViewOp::BroadcastIn(_)));
        Some((if ty.is_scalar && (is_itself || is_broadcast) { Array::Name(base) } else { array }, ty))
    }

    pub(super) fn step(&mut self, id: StepId, step: &Step) -> Result<Value, Error> {
        let span = step.span;
        match &step.action {
            Action::Int(value) => match i128::try_from(*value) {
                Ok(value) => Ok(Value::Weak(Weak::Int(value))),
                // Such a literal is of use only to floats.
                Err(_) => Ok(Value::Weak(Weak::Float(*value as f64))),
            },
            Action::Float(value) => Ok(Value::Weak(Weak::Float(*value))),
            Action::Imaginary(_) => Err(Error::new(ErrorKind::ComplexLiteral, span)),
            Action::Bool(value) => Ok(Value::Weak(Weak::Bool(*value))),
            Action::Name(name) => self.name(*name, span),
            Action::View(view) => self.view(*view, span),
            Action::Constant(name) => self.constant(*name, span),
            Action::Unary(op) => {
                let args = self.args(step);
                self.apply(operators::unary(*op), &args, span).map_err(|error| error.of_operation(op.symbol()))
            }
            Action::Binary(op) => {
                let args = self.args(step);
                self.apply(operators::binary(*op), &args, span).map_err(|error| error.of_operation(op.symbol()))
            }
            Action::Compare(ops) => self.compare(ops, &self.args(step), span),
            Action::Begin(_) | Action::Carried { .. } | Action::Loop(_) | Action::After { .. } | Action::Undefined => {
                self.loop_step(step)
            }
            Action::IfElse | Action::Merge => {
                let [then, condition, otherwise] = self.args(step)[..] else {
                    unreachable!("a condition has three arguments");
                };
                self.apply(operators::choice(), &[condition, then, otherwise], span)
            }
            Action::Call(callee) => self.call(id, step, *callee),
            Action::Rust(function) => self.rust_call(*function, &self.args(step)),
            Action::Store(store) => self.store(step, store.is_augmented),
            Action::Convert(to) => self.apply(cast_to(*to), &self.args(step), span),
        }
    }

    /// The value of an array after an update: the new value, in the array's dtype.
    fn store(&mut self, step: &Step, is_augmented: bool) -> Result<Value, Error> {
        let [value, target] = self.args(step)[..] else { unreachable!("an update has a value and an array") };
        let Value::Typed(array) = target.value else { unreachable!("only arrays are passed for writing") };
        let to = self.graph.dtype(array);
        let from = match value.value {
            Value::Typed(id) => self.graph.dtype(id),
            _ => to,
        };
        if is_augmented && !promote::is_same_kind(from, to) {
            return Err(Error::new(ErrorKind::UpdateKind { from, to }, step.span));
        }
        self.apply(cast_to(to), &[value], value.span)
    }

    fn call(&mut self, id: StepId, step: &Step, callee: Callee) -> Result<Value, Error> {
        let row = self.function(callee)?;
        let name = row.spelling(self.resolved.name(callee.name));
        if let Some(call) = axis_call(self.resolved, step)? {
            let (value, leaf) = self.along(&call).map_err(|error| error.of_operation(name))?;
            self.leaves.insert(id, leaf);
            return Ok(value);
        }
        if let Some((keyword, span)) = self.resolved.options(step).iter().find_map(|option| option.name) {
            return Err(reduce::unknown_keyword(self.resolved, row, name, keyword, span));
        }
        let args = self.args(step);
        if args.len() != row.params.len() {
            return Err(reduce::argument_count(row, name, args.len(), step.span));
        }
        self.apply(row, &args, step.span).map_err(|error| error.of_operation(name))
    }

    /// The variables and reductions that decide the shape of an operation.
    pub(super) fn domain(&mut self, of: resolve::Arg) -> Result<Vec<Leaf>, Error> {
        let Lowerer { resolved, leaves, vars, domains, .. } = self;
        let part = |id: StepId| {
            let var = resolved.array(resolved.step(id)).and_then(|array| vars.get(&array));
            let leaf = leaves.get(&id).map(|&id| Leaf::Reduction(id)).or(var.map(|&var| Leaf::Var(var)));
            leaf.map_or(Part::OfArgs, Part::Leaf)
        };
        let leaves = domains.leaves(of, resolved, part)?;
        Ok(reduction::domain(&self.graph, leaves))
    }

    fn args(&self, step: &Step) -> Args {
        self.resolved.args(step).iter().map(|&arg| self.arg(arg)).collect()
    }

    pub(super) fn arg(&self, arg: resolve::Arg) -> Arg {
        Arg { value: self.values[arg.step.index()], span: arg.span }
    }

    fn constant(&self, name: NameId, span: Span) -> Result<Value, Error> {
        let text = self.resolved.name(name);
        if let Some(value) = named_constant(text) {
            return Ok(Value::Weak(Weak::Float(value)));
        }
        let name = text.to_owned();
        let kind = match table::find(text) {
            Some(_) => ErrorKind::FunctionAsValue { name },
            None => ErrorKind::UnknownConstant { name },
        };
        Err(Error::new(kind, span))
    }

    fn view(&mut self, view: ViewId, span: Span) -> Result<Value, Error> {
        let (array, views) = (Array::View(view), self.resolved.views());
        let is_indexed = views.chain(array).any(|(_, def)| matches!(def.op, ViewOp::Index(_)));
        if is_indexed && self.single_views.contains(&view) {
            return Err(Error::new(ErrorKind::SingleIndexed, span));
        }
        match self.declared(array) {
            // A variable that is not there, or a constant.
            None => self.name(views.base(array), span),
            Some((Array::Name(name), _)) => self.name(name, span),
            Some((array, _)) => Ok(self.var(self.vars[&array])),
        }
    }

    fn name(&mut self, name: NameId, span: Span) -> Result<Value, Error> {
        if let Some(&var) = self.vars.get(&Array::Name(name)) {
            return Ok(self.var(var));
        }
        let text = self.resolved.name(name);
        if let Some(value) = named_constant(text) {
            return Ok(Value::Weak(Weak::Float(value)));
        }
        let name = text.to_owned();
        let kind = if table::find(text).is_some() || self.scope.registry.has(text) {
            ErrorKind::FunctionAsValue { name }
        } else {
            let known = (self.scope.known)();
            let similar = similar(text, known.iter().map(String::as_str));
            ErrorKind::UnknownVariable { name, similar, known }
        };
        Err(Error::new(kind, span))
    }

    fn var(&mut self, var: VarId) -> Value {
        let Var { ty, name, .. } = &self.graph.vars[var.0 as usize];
        let dtype = ty.dtype;
        // A bool promotes to whatever it meets anyway.
        if !ty.is_weak || dtype == DType::Bool {
            return Value::Typed(self.graph.var(var));
        }
        if dtype.is_float() {
            return Value::Untyped(self.graph.var(var));
        }
        if let Some(&number) = self.number_of.get(&var) {
            return Value::Number(number);
        }
        let value = self.scope.value_of.and_then(|value_of| value_of(name));
        // A number comes as uint64 only if int64 does not hold it.
        let value = value.unwrap_or(if dtype == DType::UInt64 { 1 << 63 } else { 1 });
        let number = self.numbers.var(&mut self.graph, var, value);
        self.number_of.insert(var, number);
        Value::Number(number)
    }

    fn function(&self, callee: Callee) -> Result<&'static Function, Error> {
        let text = self.resolved.name(callee.name);
        table::find(text).ok_or_else(|| {
            let names = table::all().flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
            let names = self.scope.registry.names().chain(names);
            let kind = ErrorKind::UnknownFunction {
                name: text.to_owned(),
                similar: similar(text, names),
                is_variable: (self.scope.type_of)(text).is_some(),
            };
            Error::new(kind, callee.span)
        })
    }

    /// `a < b < c` is `(a < b) and (b < c)`.
    fn compare(&mut self, ops: &[CompareOp], args: &[Arg], span: Span) -> Result<Value, Error> {
        let mut all: Option<Value> = None;
        for (&op, pair) in ops.iter().zip(args.windows(2)) {
            let one = self.apply(operators::compare(op), pair, span)?;
            all = Some(match all {
                None => one,
                Some(before) => {
                    let args = [Arg { value: before, span }, Arg { value: one, span }];
                    self.apply(operators::binary(ast::BinaryOp::And), &args, span)?
                }
            });
        }
        Ok(all.expect("a comparison has an operator"))
    }
}

/// The function that converts to a dtype.
fn cast_to(dtype: DType) -> &'static Function {
    table::find(dtype.name()).expect("each dtype has a function that converts to it")
}
