//! Loops that each element runs for itself: which dtypes the values have that they carry.
//!
//! In: the operations of a loop. Out: a region. Always true: a carried value has the dtype to which
//! what it is before the loop and what it becomes promote. A value that has no dtype before the
//! loop, such as a literal, gets one from what it becomes: so the body is gone through again until
//! no dtype changes.

use super::lower::{Arg, Lowerer, Value};
use super::region::Carried;
use super::weak::Weak;
use super::{Error, ErrorKind, ExprId};
use crate::resolve::{Action, LoopId, Step, StepId};
use ndexpr_runtime::dtype::DType;
use std::ops::Range;

/// The most operations that are looked at for loops, each as often as it is.
const MAX_VISITS: usize = 1 << 22;

/// A value that a loop carries, as the operations have it.
struct Slot {
    /// What it is before the loop, if that is known.
    init: Option<Arg>,
    next: crate::resolve::Arg,
    /// Whether it stays without a dtype, if nothing in the loop gives it one.
    is_counter: bool,
    /// Its dtype, as far as it is decided.
    dtype: Option<DType>,
}

impl Lowerer<'_> {
    /// Notes where loops end.
    pub(super) fn find_loops(&mut self) {
        let ends = self.resolved.steps().filter_map(|(id, step)| match step.action {
            Action::Loop(of) => Some((of, id.index())),
            _ => None,
        });
        self.loops.ends = ends.collect();
    }

    /// Goes through some operations, and gives each its value.
    pub(super) fn steps(&mut self, range: Range<usize>, is_wanted: &dyn Fn(StepId) -> bool) -> Result<(), Error> {
        let mut index = range.start;
        while index < range.end {
            let (id, step) = self.resolved.step_at(index);
            index += 1;
            if !is_wanted(id) {
                continue;
            }
            let value = match step.action {
                Action::Begin(of) => {
                    let end = self.loops.ends.get(&of).copied().unwrap_or(range.end);
                    self.region(of, index..end, is_wanted)?;
                    index = end + 1;
                    continue;
                }
                _ => self.step(id, step).map_err(|error| error.in_site(step.site))?,
            };
            self.values[id.index()] = value;
        }
        Ok(())
    }

    /// A step of a loop that is not the loop itself.
    pub(super) fn loop_step(&mut self, step: &Step) -> Result<Value, Error> {
        match step.action {
            Action::Carried { of, place, .. } => Ok(self.loops.params[&(of, place)]),
            Action::After { place } => {
                let [the_loop] = *self.resolved.args(step) else { unreachable!("it has the loop as its argument") };
                let region = self.loops.regions[&the_loop.step];
                Ok(Value::Typed(self.graph.after(region, place as usize)))
            }
            // It is only what a loop starts with.
            _ => Ok(Value::Weak(Weak::Int(0))),
        }
    }

    /// Makes the region of a loop, whose body are the operations of a range.
    fn region(&mut self, of: LoopId, body: Range<usize>, is_wanted: &dyn Fn(StepId) -> bool) -> Result<(), Error> {
        let (id, step) = self.resolved.step_at(body.end);
        let span = step.span;
        let in_site = |error: Error| error.in_site(step.site);
        let [_, starts, goes_on, ref pairs @ ..] = *self.resolved.args(step) else {
            unreachable!("a loop has a beginning and conditions");
        };
        let counters =
            body.clone().map(|index| self.resolved.step_at(index)).filter_map(|(_, step)| match step.action {
                Action::Carried { of: its, place, is_counter: true } if its == of => Some(place as usize),
                _ => None,
            });
        let counters: Vec<usize> = counters.collect();
        let mut slots = Vec::with_capacity(pairs.len() / 2);
        for (place, pair) in pairs.chunks_exact(2).enumerate() {
            let is_known = !matches!(self.resolved.step(pair[0].step).action, Action::Undefined);
            let init = is_known.then(|| self.arg(pair[0]));
            let dtype = match init.map(|init| init.value) {
                Some(Value::Typed(id)) => Some(self.graph.dtype(id)),
                Some(Value::Weak(Weak::Bool(_))) => Some(DType::Bool),
                Some(Value::Number(id)) if self.numbers.is_bool(id) => Some(DType::Bool),
                _ => None,
            };
            slots.push(Slot { init, next: pair[1], is_counter: counters.contains(&place), dtype });
        }
        let starts_at = self.arg(starts);
        let starts = self.truth(starts_at).map_err(in_site)?;
        let mut is_scalar = self.graph.is_scalar(starts);
        loop {
            self.loops.n_visits += body.len();
            if self.loops.n_visits > MAX_VISITS {
                return Err(in_site(Error::new(ErrorKind::LoopsUnsettled, span)));
            }
            let mut params = Vec::with_capacity(slots.len());
            for (place, slot) in slots.iter().enumerate() {
                let (param, value) = match (slot.dtype, slot.init) {
                    (Some(dtype), _) => {
                        let param = self.graph.param(dtype, is_scalar);
                        (param, Value::Typed(param))
                    }
                    (None, Some(init)) => {
                        let id = self.default(init).map_err(in_site)?;
                        let param = self.graph.param(self.graph.dtype(id), is_scalar);
                        (param, Value::Untyped(param))
                    }
                    (None, None) => (self.graph.param(DType::Bool, is_scalar), Value::Weak(Weak::Int(0))),
                };
                params.push(param);
                self.loops.params.insert((of, place as u32), value);
            }
            self.steps(body.clone(), is_wanted)?;
            let mut is_settled = true;
            for slot in &mut slots {
                let next = self.arg(slot.next);
                let before = match (slot.dtype, slot.init) {
                    // A value of the dtype that was taken for it.
                    (Some(dtype), _) => Some(Arg { value: Value::Typed(self.graph.zero(dtype)), span }),
                    (None, init) => init,
                };
                let is_weak = !matches!(next.value, Value::Typed(_));
                let args: Vec<Arg> = before.into_iter().chain([next]).collect();
                let dtype = self.common(&args).map_err(in_site)?;
                if slot.dtype != Some(dtype) && !(slot.is_counter && slot.dtype.is_none() && is_weak) {
                    (slot.dtype, is_settled) = (Some(dtype), false);
                }
            }
            let goes_on_arg = self.arg(goes_on);
            let goes_on = self.truth(goes_on_arg).map_err(in_site)?;
            let mut ids: Vec<(ExprId, ExprId)> = Vec::with_capacity(slots.len());
            for (slot, &param) in slots.iter().zip(&params) {
                let dtype = slot.dtype.unwrap_or(self.graph.dtype(param));
                let next = self.typed(self.arg(slot.next), dtype);
                let init = match slot.init {
                    Some(init) => self.typed(init, dtype),
                    None => self.graph.zero(dtype),
                };
                ids.push((init, next));
            }
            let are_scalars = ids.iter().flat_map(|&(init, next)| [init, next]).all(|id| self.graph.is_scalar(id))
                && self.graph.is_scalar(goes_on);
            if is_scalar && !are_scalars {
                (is_scalar, is_settled) = (false, false);
            }
            if is_settled {
                let carried: Vec<Carried> =
                    params.iter().zip(ids).map(|(&param, (init, next))| Carried { param, init, next }).collect();
                let region = self.graph.close_region(&carried, starts, goes_on, (span, self.scope.max_iterations));
                self.loops.regions.insert(id, region);
                return Ok(());
            }
        }
    }
}
