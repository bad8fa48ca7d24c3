//! The values of a graph's nodes for one element; loops run one iteration after the other.

use crate::error::Error;
use crate::hir::{Expr, ExprId, Graph, Region};
use crate::ops::{Op, scalar};
use ndexpr_runtime::exec::{ExecError, Progress};
use ndexpr_runtime::function::{MAX_ARGS, Stopped};
use smallvec::SmallVec;
use std::panic::resume_unwind;

/// Iterations between two looks at the progress.
const PROGRESS_EVERY: u64 = 4096;

/// The nodes that are computed, in order, and those of each region's body.
pub(super) struct Order {
    nodes: Vec<ExprId>,
    /// For each variable, its node.
    variables: Vec<Option<ExprId>>,
    regions: Vec<Order>,
}

/// The values of an element.
pub(super) struct Values {
    /// For each node.
    pub(super) bits: Vec<u64>,
    /// For each region, what it has left, once it has been run for the element.
    left: Vec<Option<Vec<u64>>>,
}

impl Order {
    /// The order of these nodes.
    pub(super) fn new(graph: &Graph, nodes: Vec<ExprId>) -> Order {
        Order { nodes, variables: Vec::new(), regions: orders(graph) }
    }

    /// The order of all nodes of a body but its variables.
    pub(super) fn of_body(body: &Graph) -> Order {
        let mut variables = vec![None; body.vars().len()];
        let live = body.live();
        let mut nodes = Vec::new();
        for id in body.ids().filter(|id| live[id.index()]) {
            match body.expr(id) {
                Expr::Var(var) => variables[var.0 as usize] = Some(id),
                _ => nodes.push(id),
            }
        }
        Order { nodes, variables, regions: orders(body) }
    }

    pub(super) fn nodes(&self) -> &[ExprId] {
        &self.nodes
    }

    /// Room for the values of an element.
    pub(super) fn values(&self, graph: &Graph) -> Values {
        Values { bits: vec![0; graph.len()], left: vec![None; self.regions.len()] }
    }

    /// Gives a body's variables their values, in order.
    pub(super) fn set_variables(&self, body: &Graph, vars: impl Iterator<Item = u64>, values: &mut Values) {
        debug_assert_eq!(self.variables.len(), body.vars().len());
        values.next_element();
        for (id, bits) in self.variables.iter().zip(vars) {
            if let Some(id) = id {
                values.bits[id.index()] = bits;
            }
        }
    }
}

impl Values {
    /// Forgets what loops have left for the element before.
    pub(super) fn next_element(&mut self) {
        self.left.fill(None);
    }
}

/// The value of a node for one element, from those of its arguments.
pub(super) fn apply(
    graph: &Graph,
    id: ExprId,
    order: &Order,
    values: &mut Values,
    element: usize,
    progress: Option<&Progress>,
) -> Result<u64, Error> {
    match graph.expr(id) {
        Expr::Const(value) => Ok(value.bits()),
        Expr::Apply(op, args) => {
            let n = op.arity();
            let mut bits = [0; 3];
            for (place, arg) in bits.iter_mut().zip(&args[..n]) {
                *place = values.bits[arg.index()];
            }
            let from = graph.dtype(args[if op == Op::Select { 1 } else { 0 }]);
            Ok(scalar::apply(op, from, graph.dtype(id), bits))
        }
        Expr::Call(function, args) => {
            let function = graph.function(function);
            let bits: SmallVec<[u64; MAX_ARGS]> = args.iter().map(|arg| values.bits[arg.index()]).collect();
            let result = function.apply(&bits[..function.args().len()]);
            // As below compiled code, the caller of the program makes an error of it.
            Ok(result.unwrap_or_else(|panic| resume_unwind(Box::new(Stopped::Panicked(panic)))))
        }
        Expr::After(number, place) => {
            let used = graph.region(number);
            if values.left[number.index()].is_none() {
                let args: Vec<u64> = used.args.iter().map(|arg| values.bits[arg.index()]).collect();
                let left = run_loop(&used.region, &order.regions[number.index()], &args, element, progress)?;
                values.left[number.index()] = Some(left);
            }
            let left = values.left[number.index()].as_ref();
            left.map(|left| left[place as usize]).ok_or_else(|| Error::internal("a loop that has not been run"))
        }
        Expr::Var(_) | Expr::Param(_) | Expr::Reduce(..) => Err(Error::internal("a value that nothing was given for")),
    }
}

/// What a loop leaves for one element: its carried values. `args` are those of the region.
fn run_loop(
    region: &Region,
    order: &Order,
    args: &[u64],
    element: usize,
    progress: Option<&Progress>,
) -> Result<Vec<u64>, Error> {
    let Region { body, n_carried, span, max_iterations, limit } = region;
    let mut carried = args[..*n_carried].to_vec();
    let (mut goes_on, same) = (args[*n_carried] != 0, &args[n_carried + 1..]);
    let mut values = order.values(body);
    let mut n_done = 0;
    while goes_on {
        if n_done == *max_iterations {
            return Err(Error::too_many_iterations(n_done, Some(element), *span));
        }
        n_done += 1;
        if n_done.is_multiple_of(PROGRESS_EVERY) && progress.is_some_and(Progress::is_to_stop) {
            return Err(ExecError::Cancelled.into());
        }
        let vars = carried.iter().chain(same);
        order.set_variables(body, vars.copied(), &mut values);
        for &id in order.nodes() {
            values.bits[id.index()] = apply(body, id, order, &mut values, element, progress)?;
        }
        let mut roots = body.roots().iter().map(|root| values.bits[root.index()]);
        carried.iter_mut().zip(&mut roots).for_each(|(value, next)| *value = next);
        goes_on = roots.next().is_some_and(|bits| bits != 0) && *limit != Some(n_done);
    }
    Ok(carried)
}

/// The orders of the regions of a graph.
fn orders(graph: &Graph) -> Vec<Order> {
    graph.regions().iter().map(|used| Order::of_body(&used.region.body)).collect()
}
