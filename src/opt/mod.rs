//! The optimiser: from a typed graph to a cheaper one with the same bits.
//!
//! One pass in order rebuilds the graph through [`algebra`], whose rewrites are exact unless the
//! caller asked for fast floats. Folding and common subexpressions come with the graph's
//! constructors, canonical argument order makes `a + b` and `b + a` one, and what no root needs
//! is dropped at the end.

mod algebra;
mod choices;

use crate::hir::{Counted, Expr, ExprId, Graph, Region, RegionId, RegionUse};
use crate::ops::Op;
use crate::options::FloatMode;
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::function::MAX_ARGS;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// Optimises a graph.
pub(crate) fn run(graph: &Graph, floats: FloatMode) -> Graph {
    let mut out = graph.without_nodes();
    let simplify = |out: &mut Graph, op, args: &[ExprId], dtype| {
        let new = algebra::simplify(out, floats, op, args, dtype);
        choices::shortened(out, new).unwrap_or(new)
    };
    let map = rebuild(graph, &mut out, Regions { floats: Some(floats), ..Regions::default() }, simplify);
    set_roots(&mut out, graph, &map);
    if floats == FloatMode::Fast {
        out = contract(&out);
    }
    without_dead_nodes(&out)
}

/// Rebuilds the live nodes of `graph` in `out`, each through `apply`; gives the new node of each
/// old one.
fn rebuild(
    graph: &Graph,
    out: &mut Graph,
    mut regions: Regions,
    mut apply: impl FnMut(&mut Graph, crate::ops::Op, &[ExprId], ndexpr_runtime::dtype::DType) -> ExprId,
) -> Vec<Option<ExprId>> {
    let live = graph.live();
    let mut map: Vec<Option<ExprId>> = vec![None; graph.len()];
    for id in graph.ids().filter(|id| live[id.index()]) {
        let new = match graph.expr(id) {
            Expr::Var(var) => out.var(var),
            Expr::Const(value) => out.constant(value),
            Expr::Apply(op, args) => {
                let args = args.map(|arg| map[arg.index()].unwrap_or(arg));
                apply(out, op, &args[..op.arity()], graph.dtype(id))
            }
            Expr::Call(function, _) => out.call(function, &mapped(graph, id, &map)),
            Expr::Reduce(reduction, arg) => out.reduce(reduction, map[arg.index()].unwrap_or(arg)),
            Expr::After(region, place) => regions.after(graph, out, &map, (region, place)),
            Expr::Param(_) => unreachable!("no node needs a parameter once its region is made"),
        };
        map[id.index()] = Some(new);
    }
    map
}

/// The regions that are in the new graph already.
#[derive(Default)]
struct Regions {
    new_of: FxHashMap<RegionId, NewRegion>,
    /// Which values of each old region something needs, once that is asked for.
    results: Option<Vec<Vec<bool>>>,
    /// Set if their bodies are still to be optimised.
    floats: Option<FloatMode>,
}

/// A region in the new graph.
struct NewRegion {
    id: RegionId,
    /// For each value that it carried, which of those that it carries now.
    places: Vec<usize>,
    /// The values that are numbers of iterations now, by the new places, and what they were before
    /// the loop.
    counted: Vec<(Counted, ExprId)>,
}

impl Regions {
    /// What a loop leaves, in the new graph.
    fn after(
        &mut self,
        graph: &Graph,
        out: &mut Graph,
        map: &[Option<ExprId>],
        (region, place): (RegionId, u32),
    ) -> ExprId {
        let floats = self.floats;
        let results = self.results.get_or_insert_with(|| graph.region_results());
        let NewRegion { id, places, counted } = self.new_of.entry(region).or_insert_with(|| {
            let RegionUse { region: old, args } = graph.region(region);
            let args = args.iter().map(|arg| map[arg.index()].unwrap_or(*arg));
            let Some(floats) = floats else {
                let id = out.add_region(Arc::clone(old), args.collect());
                return NewRegion { id, places: (0..old.n_carried).collect(), counted: Vec::new() };
            };
            let body = run(&old.body, floats);
            let new = Region { body, ..(**old).clone() };
            let inits: Vec<Option<Scalar>> = args.clone().take(new.n_carried).map(|arg| out.as_const(arg)).collect();
            let new = new.limited(&inits).unwrap_or(new);
            let (new, is_left) = new.pruned(&results[region.index()]).unwrap_or_else(|| {
                let all = vec![true; args.len()];
                (new, all)
            });
            let before = |place: usize| is_left[..place].iter().filter(|is_left| **is_left).count();
            let places = (0..old.n_carried).map(before).collect();
            let mut args: Vec<ExprId> =
                args.zip(&is_left).filter(|(_, is_left)| **is_left).map(|(arg, _)| arg).collect();
            let (new, counted) = new.narrowed().unwrap_or_else(|| (new, Default::default()));
            let counted = counted.into_iter().map(|counted| {
                let zero = out.int_constant(new.body.vars()[counted.place].ty.dtype, 0);
                (counted, std::mem::replace(&mut args[counted.place], zero))
            });
            let counted = counted.collect();
            NewRegion { id: out.add_region(Arc::new(new), args.into()), places, counted }
        });
        let place = places[place as usize];
        let after = out.after(*id, place);
        match counted.iter().find(|(counted, _)| counted.place == place) {
            Some(&(Counted { step, .. }, init)) => {
                let dtype = step.dtype();
                let (n_done, step) = (out.cast(after, dtype), out.constant(step));
                let sum = algebra::simplify(out, FloatMode::Strict, Op::Mul, &[n_done, step], dtype);
                algebra::simplify(out, FloatMode::Strict, Op::Add, &[sum, init], dtype)
            }
            None => after,
        }
    }
}

/// Gives `out` the roots of `graph`, by the new node of each old one.
fn set_roots(out: &mut Graph, graph: &Graph, map: &[Option<ExprId>]) {
    let new = |root: &ExprId| map[root.index()].expect("a root is live");
    out.set_roots(graph.roots().iter().map(new).collect());
}

/// The new nodes of the arguments of a node.
fn mapped(graph: &Graph, id: ExprId, map: &[Option<ExprId>]) -> SmallVec<[ExprId; MAX_ARGS]> {
    graph.args(id).map(|arg| map[arg.index()].unwrap_or(arg)).collect()
}

fn without_dead_nodes(graph: &Graph) -> Graph {
    if graph.live().iter().all(|&live| live) {
        return graph.clone();
    }
    let mut out = graph.without_nodes();
    let map = rebuild(graph, &mut out, Regions::default(), algebra::apply);
    set_roots(&mut out, graph, &map);
    out
}

/// Makes `a * b + c` an operation that rounds once, where the product has no other use. This is not
/// exact, so it is done in fast mode only.
fn contract(graph: &Graph) -> Graph {
    let live = graph.live();
    let mut uses = vec![0_u32; graph.len()];
    graph.roots().iter().for_each(|root| uses[root.index()] += 1);
    for id in graph.ids().filter(|id| live[id.index()]) {
        for arg in graph.args(id) {
            uses[arg.index()] += 1;
        }
    }
    let mut out = graph.without_nodes();
    let mut map: Vec<Option<ExprId>> = vec![None; graph.len()];
    let mut regions = Regions::default();
    let product = |id: ExprId| match graph.expr(id) {
        Expr::Apply(Op::Mul, [x, y, _]) if uses[id.index()] == 1 && graph.dtype(id).is_float() => Some((x, y)),
        _ => None,
    };
    for id in graph.ids().filter(|id| live[id.index()]) {
        let of = |old: ExprId| map[old.index()].expect("arguments come first");
        let new = match graph.expr(id) {
            Expr::Var(var) => out.var(var),
            Expr::Const(value) => out.constant(value),
            Expr::Apply(Op::Add, [x, y, _]) if let Some((a, b)) = product(x) => {
                out.apply(Op::Fma, &[of(a), of(b), of(y)])
            }
            Expr::Apply(Op::Add, [x, y, _]) if let Some((a, b)) = product(y) => {
                out.apply(Op::Fma, &[of(a), of(b), of(x)])
            }
            Expr::Apply(Op::Sub, [x, y, _]) if let Some((a, b)) = product(x) => {
                let negative = algebra::apply(&mut out, Op::Neg, &[of(y)], graph.dtype(id));
                out.apply(Op::Fma, &[of(a), of(b), negative])
            }
            Expr::Apply(Op::Sub, [x, y, _]) if let Some((a, b)) = product(y) => {
                let negative = algebra::apply(&mut out, Op::Neg, &[of(a)], graph.dtype(id));
                out.apply(Op::Fma, &[negative, of(b), of(x)])
            }
            Expr::Reduce(reduction, arg) => out.reduce(reduction, of(arg)),
            Expr::Call(function, _) => out.call(function, &mapped(graph, id, &map)),
            Expr::After(region, place) => regions.after(graph, &mut out, &map, (region, place)),
            Expr::Param(_) => unreachable!("no node needs a parameter once its region is made"),
            Expr::Apply(op, args) => {
                let args = args.map(|arg| map[arg.index()].unwrap_or(arg));
                algebra::apply(&mut out, op, &args[..op.arity()], graph.dtype(id))
            }
        };
        map[id.index()] = Some(new);
    }
    set_roots(&mut out, graph, &map);
    out
}
