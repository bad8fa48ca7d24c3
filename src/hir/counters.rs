//! Counters of loops that each element runs for itself: what is known of them ahead.
//!
//! In: a [`Region`], and what it carries before the loop. Out: a region that does less. All
//! elements do the same iterations, each as long as it goes on. So a comparison of a counter that
//! begins with a constant is the number of iterations after which all end, a
//! [*limit*](Region::limit). And a sum that nothing in the loop looks at follows from the number of
//! iterations that an element has done, which a narrower value can hold. Always true: integers are
//! the same to the bit, because their sums wrap.

use super::{Expr, ExprId, Graph, Region};
use crate::ops::Op;
use ndexpr_runtime::dtype::{DType, Scalar};
use smallvec::SmallVec;

/// Numbers of iterations are counted in this dtype where it is narrower than what it replaces.
const NARROW: DType = DType::Int32;

/// A loop of more iterations does not count them in [`NARROW`]. A kernel may do some more.
const MAX_NARROW: u64 = 1 << 30;

/// A carried value that became a number of iterations: it was the sum of what it was before the
/// loop and that number times `step`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) place: usize,
    pub(crate) step: Scalar,
}

impl Region {
    /// The region with a limit in place of comparisons of counters with constants. `inits` are the
    /// carried values before the loop, as far as they are constants.
    pub(crate) fn limited(&self, inits: &[Option<Scalar>]) -> Option<Region> {
        let body = &self.body;
        let (&goes_on, nexts) = body.roots.split_last().expect("a body tells whether it goes on");
        let mut limit = self.limit;
        let mut kept: Vec<ExprId> = Vec::new();
        let mut pending = vec![goes_on];
        while let Some(condition) = pending.pop() {
            match body.expr(condition) {
                Expr::Apply(Op::And, [a, b, _]) => pending.extend([b, a]),
                _ => match self.last_iteration(condition, inits) {
                    Some(last) => limit = Some(limit.map_or(last, |limit| limit.min(last))),
                    None => kept.push(condition),
                },
            }
        }
        if limit == self.limit {
            return None;
        }
        let mut out = Graph { functions: body.functions.clone(), ..Graph::default() };
        let declared = body.vars.iter().map(|var| (var.name.clone(), var.ty));
        let values: Vec<ExprId> = declared.map(|(name, ty)| out.declare(name, ty.dtype, ty.is_scalar)).collect();
        let roots: Vec<ExprId> = nexts.iter().chain(&kept).copied().collect();
        let mut roots = out.copied(body, &roots, &values, None);
        let conditions = roots.split_off(nexts.len());
        let goes_on = conditions.into_iter().reduce(|all, condition| out.apply(Op::And, &[all, condition]));
        roots.push(goes_on.unwrap_or_else(|| out.constant(Scalar::new(true))));
        out.root_domains = vec![Vec::new(); roots.len()];
        out.set_roots(roots);
        Some(Region { body: out, limit, ..self.clone() })
    }

    /// The number of the first iteration, from 1 on, behind which a condition does not hold, if
    /// that is the same for all elements.
    fn last_iteration(&self, condition: ExprId, inits: &[Option<Scalar>]) -> Option<u64> {
        let body = &self.body;
        let Expr::Apply(op, [x, y, _]) = body.expr(condition) else { return None };
        let (op, x, bound) = match (body.as_const(x), body.as_const(y)) {
            (None, Some(bound)) => (op, x, bound),
            (Some(bound), None) => (mirrored(op)?, y, bound),
            _ => return None,
        };
        let dtype = body.dtype(x);
        if !dtype.is_int() {
            return None;
        }
        let (var, offset) = body.sum_with_constant(x)?;
        let place = var.0 as usize;
        let (counter, step) = body.sum_with_constant(*body.roots.get(place).filter(|_| place < self.n_carried)?)?;
        if counter != var || step == 0 {
            return None;
        }
        let (low, high) = range(dtype);
        let first = as_int((*inits.get(place)?)?) + offset;
        let bound = as_int(bound);
        // Down is up with all signs changed.
        let (sign, op) = match op {
            Op::Ne => (step.signum(), Op::Ne),
            Op::Lt | Op::Le => (1, op),
            Op::Gt => (-1, Op::Lt),
            Op::Ge => (-1, Op::Le),
            _ => return None,
        };
        let (start, by) = (sign * first, sign * step);
        let end = sign * bound + i128::from(op == Op::Le);
        if by < 0 || (op == Op::Ne && (end < start || (end - start) % by != 0)) {
            return None;
        }
        let n = if end <= start { 0 } else { (end - start + by - 1) / by };
        // No value before has wrapped.
        let is_in = |value: i128| low <= value && value <= high;
        (is_in(first) && is_in(first + n * step)).then(|| u64::try_from(n + 1).ok()).flatten()
    }

    /// The region with numbers of iterations in place of wide sums that nothing in it looks at, if
    /// all else is narrower.
    pub(crate) fn narrowed(&self) -> Option<(Region, SmallVec<[Counted; 2]>)> {
        if self.limit.map_or(self.max_iterations, |limit| limit.min(self.max_iterations)) > MAX_NARROW {
            return None;
        }
        let body = &self.body;
        let nexts = &body.roots[..self.n_carried];
        let live = body.live();
        let mut n_uses = vec![0_u32; body.len()];
        let args = body.ids().filter(|id| live[id.index()]).flat_map(|id| body.args(id));
        args.chain(body.roots.iter().copied()).for_each(|id| n_uses[id.index()] += 1);
        let mut counted: SmallVec<[Counted; 2]> = SmallVec::new();
        let mut is_of_counter = vec![false; body.len()];
        for (place, &next) in nexts.iter().enumerate() {
            let dtype = body.dtype(next);
            let Some((var, step)) = body.sum_with_constant(next) else { continue };
            let Some(of_var) = body.args(next).find(|&arg| matches!(body.expr(arg), Expr::Var(_))) else { continue };
            let is_alone = n_uses[next.index()] == 1 && n_uses[of_var.index()] == 1;
            if dtype.size() > NARROW.size() && var.0 as usize == place && is_alone {
                counted.push(Counted { place, step: Scalar::from_bits(dtype, step as u64) });
                is_of_counter[next.index()] = true;
                is_of_counter[of_var.index()] = true;
            }
        }
        let is_wide = |id: ExprId| {
            let is_other = live[id.index()] && !is_of_counter[id.index()] && body.as_const(id).is_none();
            is_other && body.dtype(id).size() > NARROW.size()
        };
        if counted.is_empty() || body.ids().any(is_wide) {
            return None;
        }
        let is_counted = |place: usize| counted.iter().any(|counted| counted.place == place);
        let mut out = Graph { functions: body.functions.clone(), ..Graph::default() };
        let dtype_of = |k: usize| if is_counted(k) { NARROW } else { body.vars[k].ty.dtype };
        let values: Vec<ExprId> = (0..body.vars.len())
            .map(|k| out.declare(body.vars[k].name.clone(), dtype_of(k), body.vars[k].ty.is_scalar))
            .collect();
        let others: Vec<ExprId> =
            body.roots.iter().enumerate().filter(|&(place, _)| !is_counted(place)).map(|(_, &root)| root).collect();
        let mut others = out.copied(body, &others, &values, None).into_iter();
        let one = out.int_constant(NARROW, 1);
        let root = |place: usize| match is_counted(place) {
            true => out.apply(Op::Add, &[values[place], one]),
            false => others.next().expect("one for each other root"),
        };
        let roots: Vec<ExprId> = (0..body.roots.len()).map(root).collect();
        out.root_domains = vec![Vec::new(); roots.len()];
        out.set_roots(roots);
        Some((Region { body: out, ..self.clone() }, counted))
    }
}

impl Graph {
    /// The variable and the constant whose sum a node is, if it is one of integers.
    fn sum_with_constant(&self, id: ExprId) -> Option<(super::VarId, i128)> {
        let dtype = self.dtype(id);
        if !dtype.is_int() {
            return None;
        }
        match self.expr(id) {
            Expr::Var(var) => Some((var, 0)),
            Expr::Apply(op @ (Op::Add | Op::Sub), [x, y, _]) => {
                let (x, y) = if op == Op::Add && self.as_const(x).is_some() { (y, x) } else { (x, y) };
                let (Expr::Var(var), Some(by)) = (self.expr(x), self.as_const(y)) else { return None };
                Some((var, if op == Op::Add { as_int(by) } else { -as_int(by) }))
            }
            _ => None,
        }
    }
}

/// The comparison of the same operands in the other order.
fn mirrored(op: Op) -> Option<Op> {
    Some(match op {
        Op::Ne => Op::Ne,
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        _ => return None,
    })
}

fn as_int(value: Scalar) -> i128 {
    let (dtype, bits) = (value.dtype(), value.bits());
    let n_unused = 64 - 8 * dtype.size() as u32;
    match dtype.is_signed_int() {
        true => i128::from(((bits << n_unused) as i64) >> n_unused),
        false => i128::from((bits << n_unused) >> n_unused),
    }
}

/// The least and the largest integer of a dtype.
fn range(dtype: DType) -> (i128, i128) {
    let n_bits = 8 * dtype.size() as u32;
    match dtype.is_signed_int() {
        true => (-(1 << (n_bits - 1)), (1 << (n_bits - 1)) - 1),
        false => (0, (1 << n_bits) - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndexpr_grammar::Span;

    /// A loop that counts from 0 in steps, and goes on as a comparison tells.
    fn counting(dtype: DType, step: i64, op: Op, bound: i64) -> Region {
        let mut body = Graph::default();
        let counter = body.declare("counter".to_owned(), dtype, false);
        let (step, bound) = (body.int_constant(dtype, step), body.int_constant(dtype, bound));
        let next = body.apply(Op::Add, &[counter, step]);
        let goes_on = body.apply(op, &[next, bound]);
        body.root_domains = vec![Vec::new(); 2];
        body.set_roots(vec![next, goes_on]);
        Region { body, n_carried: 1, span: Span::default(), max_iterations: 1000, limit: None }
    }

    fn limit(region: &Region, dtype: DType, init: i64) -> Option<u64> {
        let init = Some(super::super::cast_scalar(Scalar::new(init), dtype));
        region.limited(&[init]).and_then(|region| region.limit)
    }

    /// Counts as elements do; `None` if the counter wraps.
    fn counted(dtype: DType, init: i64, step: i64, holds: impl Fn(i64) -> bool) -> Option<u64> {
        let (mut value, mut n) = (init, 0);
        loop {
            value += step;
            n += 1;
            let (low, high) = range(dtype);
            if !(low..=high).contains(&i128::from(value)) {
                return None;
            }
            if !holds(value) {
                return Some(n);
            }
        }
    }

    #[test]
    fn limits_are_what_counting_gives() {
        for dtype in [DType::Int8, DType::Int32, DType::Int64, DType::UInt8] {
            for init in [0, 1, 7, 30] {
                for (step, bound) in [(1, 20), (3, 20), (3, 21), (7, 8), (1, 0), (50, 90)] {
                    let of = |op: Op, step: i64| limit(&counting(dtype, step, op, bound), dtype, init);
                    let counted = |step: i64, holds: &dyn Fn(i64) -> bool| counted(dtype, init, step, holds);
                    assert_eq!(of(Op::Lt, step), counted(step, &|v| v < bound), "{init} {step} {bound}");
                    assert_eq!(of(Op::Le, step), counted(step, &|v| v <= bound), "{init} {step} {bound}");
                    assert_eq!(of(Op::Gt, step), None, "until it wraps");
                    if dtype.is_signed_int() {
                        assert_eq!(of(Op::Gt, -step), counted(-step, &|v| v > bound));
                        assert_eq!(of(Op::Ge, -step), counted(-step, &|v| v >= bound));
                        assert_eq!(of(Op::Lt, -step), None, "until it wraps");
                    }
                    let meets = bound > init && (bound - init) % step == 0;
                    let expected = meets.then(|| counted(step, &|v| v != bound)).flatten();
                    assert_eq!(of(Op::Ne, step), expected, "{init} {step} {bound}");
                }
            }
        }
        assert_eq!(limit(&counting(DType::Int8, 50, Op::Lt, 120), DType::Int8, 0), None, "it wraps before");
        assert_eq!(limit(&counting(DType::Int8, 40, Op::Lt, 120), DType::Int8, 0), Some(3));
    }
}
