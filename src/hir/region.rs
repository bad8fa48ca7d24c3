//! Regions: loops that each element runs for itself.
//!
//! In: the nodes of one iteration, which follow from parameters and from nodes outside. Out: a
//! [`Region`], whose body is a graph of its own, and the nodes of what it leaves. Always true: what
//! is the same in all iterations is outside of the body.

use super::{Expr, ExprId, Given, Graph, Var, VarId};
use crate::ops::Op;
use crate::vars::VarType;
use ndexpr_grammar::Span;
use ndexpr_runtime::dtype::{DType, Scalar};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A loop that each element runs for itself.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// One iteration. Its variables are the carried values and then the *invariants*, which are the
    /// same in all iterations. Its roots are the carried values after the iteration, and then
    /// whether another one follows.
    pub(crate) body: Graph,
    pub(crate) n_carried: usize,
    /// The loop in the text.
    pub(crate) span: Span,
    /// The most iterations of an element; more are an error.
    pub(crate) max_iterations: u64,
    /// After so many iterations the loop ends for every element that is left, at least one.
    pub(crate) limit: Option<u64>,
}

impl Region {
    /// Some iterations one after the other, as a kernel does them for many elements. The variables
    /// are the carried values, then whether an element is *active*, which is whether it goes on,
    /// then the invariants; the roots are the carried values and whether it is active after the
    /// iterations. What is a result keeps the value that it has when the element stops being
    /// active.
    ///
    /// If the [limit](Region::limit) is not reached between calls, there is one more variable: a
    /// scalar that tells whether elements may go on behind the iteration of the last call that
    /// reaches it.
    pub(crate) fn repeated(&self, steps: u32, is_result: &[bool]) -> Graph {
        let body = &self.body;
        let mut out = Graph { functions: body.functions.clone(), ..Graph::default() };
        let dtypes: Vec<DType> = body.vars.iter().map(|var| var.ty.dtype).collect();
        let (carried, same) = dtypes.split_at(self.n_carried);
        let name = |k: usize| body.vars[k].name.clone();
        let mut values: Vec<ExprId> = Vec::with_capacity(dtypes.len());
        values.extend(carried.iter().enumerate().map(|(k, &dtype)| out.declare(name(k), dtype, false)));
        let mut active = out.declare("active".to_owned(), DType::Bool, false);
        values.extend(same.iter().enumerate().map(|(k, &dtype)| out.declare(name(self.n_carried + k), dtype, false)));
        // A function of Rust must see only values that the loop has for certain.
        let keeps_all = !body.functions.is_empty();
        let last = self.ends_within(steps).map(|last| (last, out.declare("more".to_owned(), DType::Bool, true)));
        for step in 0..steps {
            let next = out.copied(body, &body.roots, &values, Some(active));
            let (&goes_on, next) = next.split_last().expect("a body tells whether it goes on");
            for (k, &next) in next.iter().enumerate() {
                values[k] = match is_result[k] || keeps_all {
                    true if next != values[k] => out.apply(Op::Select, &[active, next, values[k]]),
                    _ => next,
                };
            }
            active = out.apply(Op::And, &[active, goes_on]);
            if let Some((_, more)) = last.filter(|&(last, _)| last == step) {
                active = out.apply(Op::And, &[active, more]);
            }
        }
        let mut roots = values[..self.n_carried].to_vec();
        roots.push(active);
        out.root_domains = vec![Vec::new(); roots.len()];
        out.set_roots(roots);
        out
    }

    /// The iteration, of so many that a call does, behind which the limit ends all elements; `None`
    /// if it is the last one of the call.
    pub(crate) fn ends_within(&self, steps: u32) -> Option<u32> {
        let last = (self.limit?.checked_sub(1)? % u64::from(steps)) as u32;
        (last + 1 < steps).then_some(last)
    }

    /// The region without what neither a result nor the condition needs, and which of its arguments
    /// are left; `None` if all are needed.
    pub(crate) fn pruned(&self, is_result: &[bool]) -> Option<(Region, Vec<bool>)> {
        let (body, n) = (&self.body, self.n_carried);
        let (&goes_on, nexts) = body.roots.split_last().expect("a body tells whether it goes on");
        // For each variable, whether it is needed. What a needed value follows from is needed too.
        let mut is_needed = is_result.to_vec();
        is_needed.resize(body.vars.len(), false);
        loop {
            let mut roots = vec![goes_on];
            roots.extend(nexts.iter().zip(&is_needed).filter(|(_, is_needed)| **is_needed).map(|(next, _)| *next));
            let live = body.live_from(&roots);
            let before = is_needed.clone();
            for id in body.ids().filter(|id| live[id.index()]) {
                if let Expr::Var(var) = body.expr(id) {
                    is_needed[var.0 as usize] = true;
                }
            }
            if is_needed == before {
                break;
            }
        }
        if is_needed.iter().all(|&is_needed| is_needed) {
            return None;
        }
        let mut out = Graph { functions: body.functions.clone(), ..Graph::default() };
        let nothing = out.constant(Scalar::new(false));
        let declared = |out: &mut Graph, (var, is_needed): (&Var, &bool)| match is_needed {
            true => out.declare(var.name.clone(), var.ty.dtype, var.ty.is_scalar),
            false => nothing,
        };
        let values: Vec<ExprId> = body.vars.iter().zip(&is_needed).map(|pair| declared(&mut out, pair)).collect();
        let kept = nexts.iter().zip(&is_needed).filter(|(_, is_needed)| **is_needed).map(|(next, _)| *next);
        let roots: Vec<ExprId> = kept.chain([goes_on]).collect();
        let new_roots = out.copied(body, &roots, &values, None);
        out.root_domains = vec![Vec::new(); new_roots.len()];
        out.set_roots(new_roots);
        let n_carried = is_needed[..n].iter().filter(|is_needed| **is_needed).count();
        let mut is_left = is_needed;
        is_left.insert(n, true);
        Some((Region { body: out, n_carried, ..self.clone() }, is_left))
    }

    /// Whether there is one element only.
    pub(crate) fn is_scalar(&self) -> bool {
        self.body.vars().iter().all(|var| var.ty.is_scalar)
    }
}

/// A region of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RegionId(u32);

impl RegionId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A region where it is used.
#[derive(Clone, Debug)]
pub(crate) struct RegionUse {
    pub(crate) region: Arc<Region>,
    /// The carried values before the loop, then whether there is a first iteration, then the
    /// invariants.
    pub(crate) args: Box<[ExprId]>,
}

/// A value that a loop carries.
pub(super) struct Carried {
    /// What it is at the start of an iteration, among the nodes of the iteration.
    pub(super) param: ExprId,
    pub(super) init: ExprId,
    /// What it is after the iteration.
    pub(super) next: ExprId,
}

impl Graph {
    /// A new parameter: the place of a carried value while a region is made.
    pub(super) fn param(&mut self, dtype: DType, is_scalar: bool) -> ExprId {
        let number = self.n_params;
        self.n_params += 1;
        self.add(Expr::Param(number), dtype, is_scalar)
    }

    /// The region of a loop.
    pub(crate) fn region(&self, id: RegionId) -> &RegionUse {
        &self.regions[id.index()]
    }

    /// For each region and each value that it carries, whether a root needs that behind the loop.
    pub(crate) fn region_results(&self) -> Vec<Vec<bool>> {
        let mut results: Vec<Vec<bool>> = self.regions.iter().map(|used| vec![false; used.region.n_carried]).collect();
        let live = self.live();
        for id in self.ids().filter(|id| live[id.index()]) {
            if let Expr::After(region, place) = self.expr(id) {
                results[region.index()][place as usize] = true;
            }
        }
        results
    }

    /// All regions, even where no node needs one any more.
    pub(crate) fn regions(&self) -> &[RegionUse] {
        &self.regions
    }

    /// The place of the loop that begins at a byte of the text.
    pub(crate) fn loop_at(&self, start: u32) -> Span {
        let mut pending: Vec<&RegionUse> = self.regions.iter().collect();
        while let Some(RegionUse { region, .. }) = pending.pop() {
            if region.span.start == start {
                return region.span;
            }
            pending.extend(&region.body.regions);
        }
        Span::default()
    }

    /// Adds a region with these arguments.
    pub(crate) fn add_region(&mut self, region: Arc<Region>, args: Box<[ExprId]>) -> RegionId {
        self.regions.push(RegionUse { region, args });
        RegionId(self.regions.len() as u32 - 1)
    }

    /// What a carried value is after the loop.
    pub(crate) fn after(&mut self, id: RegionId, place: usize) -> ExprId {
        let body = &self.regions[id.index()].region.body;
        let (dtype, is_scalar) = (body.vars[place].ty.dtype, self.regions[id.index()].region.is_scalar());
        self.add(Expr::After(id, place as u32), dtype, is_scalar)
    }

    /// Makes a region of an iteration. The nodes that follow from its parameters become its body.
    pub(super) fn close_region(
        &mut self,
        carried: &[Carried],
        starts: ExprId,
        goes_on: ExprId,
        (span, max_iterations): (Span, u64),
    ) -> RegionId {
        let mut is_inside = vec![false; self.len()];
        carried.iter().for_each(|value| is_inside[value.param.index()] = true);
        let first = carried.iter().map(|value| value.param.index()).min().unwrap_or(self.len());
        for id in self.ids().skip(first) {
            is_inside[id.index()] |= self.args(id).any(|arg| is_inside[arg.index()]);
        }
        let roots = || carried.iter().map(|value| value.next).chain([goes_on]);
        let mut is_needed = vec![false; self.len()];
        roots().for_each(|root| is_needed[root.index()] = true);
        let mut invariants = Vec::new();
        for id in self.ids().rev().filter(|id| self.as_const(*id).is_none()) {
            match (is_needed[id.index()], is_inside[id.index()]) {
                (true, true) => self.args(id).for_each(|arg| is_needed[arg.index()] = true),
                (true, false) => invariants.push(id),
                (false, _) => {}
            }
        }
        invariants.reverse();
        let mut body = Graph { functions: self.functions.clone(), ..Graph::default() };
        let mut new_of: FxHashMap<ExprId, ExprId> = FxHashMap::default();
        let named = |prefix: &str, place: usize| format!("{prefix}{place}");
        let params = carried.iter().map(|value| value.param).enumerate().map(|(k, id)| (named("carried", k), id));
        let outside = invariants.iter().copied().enumerate().map(|(k, id)| (named("same", k), id));
        for (name, id) in params.chain(outside) {
            let new = body.declare(name, self.dtype(id), self.is_scalar(id));
            new_of.insert(id, new);
        }
        let mut regions: FxHashMap<RegionId, RegionId> = FxHashMap::default();
        for id in self.ids().filter(|id| is_needed[id.index()]) {
            if new_of.contains_key(&id) {
                continue;
            }
            let of = |arg: ExprId| new_of[&arg];
            let expr = match self.expr(id) {
                Expr::Apply(op, args) => Expr::Apply(op, args.map(|arg| new_of.get(&arg).copied().unwrap_or(arg))),
                Expr::Call(function, args) => Expr::Call(function, args.map(of)),
                Expr::After(region, place) => {
                    let new = *regions.entry(region).or_insert_with(|| {
                        let RegionUse { region, args } = &self.regions[region.index()];
                        body.add_region(Arc::clone(region), args.iter().map(|&arg| of(arg)).collect())
                    });
                    Expr::After(new, place)
                }
                other => other,
            };
            let new = body.add(expr, self.dtype(id), self.is_scalar(id));
            new_of.insert(id, new);
        }
        let new_roots: Vec<ExprId> = roots().map(|root| new_of[&root]).collect();
        body.root_domains = vec![Vec::new(); new_roots.len()];
        body.set_roots(new_roots);
        let args = carried.iter().map(|value| value.init).chain([starts]).chain(invariants);
        let args = args.collect();
        let region = Region { body, n_carried: carried.len(), span, max_iterations, limit: None };
        self.add_region(Arc::new(region), args)
    }

    /// Adds some nodes of a body, for these values of its variables. Loops in it run for elements
    /// that are active. Gives the new nodes.
    pub(super) fn copied(
        &mut self,
        body: &Graph,
        roots: &[ExprId],
        values: &[ExprId],
        active: Option<ExprId>,
    ) -> Vec<ExprId> {
        let live = body.live_from(roots);
        let mut new_of: Vec<ExprId> = vec![ExprId(0); body.len()];
        let mut regions: FxHashMap<RegionId, RegionId> = FxHashMap::default();
        for id in body.ids().filter(|id| live[id.index()]) {
            let of = |arg: ExprId| new_of[arg.index()];
            new_of[id.index()] = match body.expr(id) {
                Expr::Var(var) => values[var.0 as usize],
                Expr::Const(value) => self.constant(value),
                Expr::Apply(Op::Cast, [arg, ..]) => self.cast(of(arg), body.dtype(id)),
                Expr::Apply(op, args) => self.apply(op, &args.map(of)[..op.arity()]),
                Expr::Call(function, args) => {
                    let n = body.function(function).args().len();
                    self.call(function, &args.map(of)[..n])
                }
                Expr::After(region, place) => {
                    let new = *regions.entry(region).or_insert_with(|| {
                        let RegionUse { region, args } = body.region(region);
                        let mut args: Vec<ExprId> = args.iter().map(|&arg| of(arg)).collect();
                        if let Some(active) = active {
                            args[region.n_carried] = self.apply(Op::And, &[active, args[region.n_carried]]);
                        }
                        self.add_region(Arc::clone(region), args.into())
                    });
                    self.after(new, place as usize)
                }
                Expr::Reduce(..) | Expr::Param(_) => unreachable!("a body has neither"),
            };
        }
        roots.iter().map(|root| new_of[root.index()]).collect()
    }

    /// Adds a variable that is a value of the text around a body.
    pub(super) fn declare(&mut self, name: String, dtype: DType, is_scalar: bool) -> ExprId {
        let ty = if is_scalar { VarType::scalar(dtype) } else { VarType::array(dtype) };
        let (place, id) = (self.vars.len(), ndexpr_grammar::NameId::new(self.vars.len()));
        self.given.push(Given { name: name.clone(), ty, id });
        self.vars.push(Var { name, ty, must_fit: super::DTypeSet::default() });
        self.places.push(place);
        self.var(VarId(place as u32))
    }

    /// A zero: what a carried value is before the loop if nothing is known of it.
    pub(super) fn zero(&mut self, dtype: DType) -> ExprId {
        self.constant(Scalar::from_bits(dtype, 0))
    }
}
