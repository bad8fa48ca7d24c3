//! Views of a call's variables: slices, single places and transposes that the text asks for.
//!
//! In: the values that a caller gives. Out: the same call, with a value for each variable that
//! loops read. Always true: a view reads no element that its text does not name.

use super::bind::Values;
use super::core::Core;
use crate::error::{Error, ShapedPart};
use crate::resolve::{Array, GroupId, Item, Resolved, ViewDef, ViewId, ViewOp};
use crate::shape::Shape;
use crate::vars::Var;
use ndexpr_grammar::{NameId, Span};
use ndexpr_runtime::view::{Part, View, ViewMut, broadcast_shapes};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Calls `run` with the values of all variables of the graph.
#[inline]
pub(super) fn with<R>(
    core: &Core,
    values: Values<'_>,
    run: impl FnOnce(&Core, Values<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    if core.graph().reads_what_is_given() {
        return run(core, values);
    }
    with_views(core, values, run)
}

#[inline(never)]
fn with_views<R>(
    core: &Core,
    values: Values<'_>,
    run: impl FnOnce(&Core, Values<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let graph = core.graph();
    let (n_given, n_hidden) = (graph.given_vars().len(), graph.numbers().n_derived());
    if let Values::InOrder(values) = values
        && values.len() != n_given + n_hidden
    {
        // Numbers are not computed for values of other types.
        let types = graph.given_vars().iter().zip(values).filter(|_| values.len() == n_given);
        let wrong = types.map(|(given, value)| (given, value.ty())).find(|(given, ty)| given.ty.dtype != ty.dtype);
        return Err(match wrong {
            Some((given, ty)) => Error::variable_type(&given.name, given.ty, ty.dtype, 0, core.first_use(&given.name)),
            None => Error::value_count(n_given, values.len()),
        });
    }
    let missing = |name: &str| Error::missing_variable(name, core.first_use(name));
    let mut all: SmallVec<[Var<'_>; 8]> = SmallVec::new();
    let (plain, others) = graph.vars().split_at(graph.n_plain_vars());
    for (&place, var) in graph.places().iter().zip(plain) {
        all.push(values.get(place, &var.name).ok_or_else(|| missing(&var.name))?.clone());
    }
    let mut call = Call::new(core, values);
    for &id in graph.views() {
        all.push(Var::from(call.view(id)?));
    }
    for (place, var) in others[graph.views().len()..].iter().enumerate() {
        all.push(values.get(n_given + place, &var.name).ok_or_else(|| missing(&var.name))?.clone());
    }
    run(core, Values::InOrder(&all))
}

/// The views of a call, as far as they are made.
pub(super) struct Call<'c> {
    core: &'c Core,
    values: Values<'c>,
    views: FxHashMap<ViewId, View<'c>>,
    groups: FxHashMap<GroupId, Shape>,
}

impl<'c> Call<'c> {
    /// Views of these values, which are those that a caller gives, or a phase of a procedure.
    pub(super) fn new(core: &'c Core, values: Values<'c>) -> Call<'c> {
        Call { core, values, views: FxHashMap::default(), groups: FxHashMap::default() }
    }

    pub(super) fn view(&mut self, id: ViewId) -> Result<View<'c>, Error> {
        let def = self.resolved().views().get(id);
        match def.of {
            // Most are views of variables, and used once.
            Array::Name(_) if !matches!(def.op, ViewOp::BroadcastIn(_)) => self.make(def),
            _ => self.add(id),
        }
    }

    fn resolved(&self) -> &'c Resolved {
        &self.core.compiled.resolved
    }

    /// Makes a view, and those that it is of.
    fn add(&mut self, wanted: ViewId) -> Result<View<'c>, Error> {
        let views = self.resolved().views();
        let mut pending = vec![wanted];
        while let Some(&id) = pending.last() {
            if self.views.contains_key(&id) {
                pending.pop();
                continue;
            }
            let def = views.get(id);
            let n_pending = pending.len();
            // Constants are no arrays.
            let is_given = |array: Array| self.core.places.contains_key(&views.base(array));
            let mut ask = |array: Array| match array {
                Array::View(view) if !self.views.contains_key(&view) && is_given(array) => pending.push(view),
                _ => {}
            };
            ask(def.of);
            if let ViewOp::BroadcastIn(group) = def.op
                && !self.groups.contains_key(&group)
            {
                views.group(group).iter().copied().for_each(ask);
            }
            if pending.len() == n_pending {
                let view = self.make(def)?;
                self.views.insert(id, view);
                pending.pop();
            }
        }
        Ok(self.views[&wanted].clone())
    }

    /// A view, whose array is there.
    fn make(&mut self, def: &ViewDef) -> Result<View<'c>, Error> {
        let of = self.array(def.of)?;
        let (span, site) = (def.span, def.site);
        let in_calls = |error: Error| error.called_from(&self.resolved().calls(site));
        match &def.op {
            ViewOp::Transpose => Ok(of.transposed()),
            ViewOp::Index(items) => Ok(of.select(parts(of.shape(), items, |error| in_calls(error(span)))?)),
            &ViewOp::BroadcastIn(group) => {
                if !self.groups.contains_key(&group) {
                    let shape = self.group_shape(group).map_err(in_calls)?;
                    self.groups.insert(group, shape);
                }
                Ok(of.broadcast_to(&self.groups[&group])?)
            }
        }
    }

    /// A variable's value, or a view that was made. A single value has the shape of one.
    fn array(&self, array: Array) -> Result<View<'c>, Error> {
        match array {
            Array::View(id) => Ok(self.views[&id].clone()),
            Array::Name(name) => self.given(name),
        }
    }

    fn given(&self, id: NameId) -> Result<View<'c>, Error> {
        let name = self.resolved().name(id);
        let missing = || Error::missing_variable(name, self.core.first_use(name));
        let place = *self.core.places.get(&id).ok_or_else(missing)?;
        let ty = self.core.graph().given_vars()[place].ty;
        let value = self.values.get(place, name).ok_or_else(missing)?;
        let view = value.view().ok_or_else(|| Error::part_of_output(name, self.core.first_use(name)))?;
        if view.dtype() != ty.dtype || (ty.is_scalar && view.n_axes() > 0) {
            let span = self.core.first_use(name);
            return Err(Error::variable_type(name, ty, view.dtype(), view.n_axes(), span));
        }
        Ok(view)
    }

    /// The shape that the arrays of a group have together.
    fn group_shape(&self, group: GroupId) -> Result<Shape, Error> {
        let views = self.resolved().views();
        let mut arrays: SmallVec<[(NameId, View<'c>); 8]> = SmallVec::new();
        for &array in views.group(group) {
            let base = views.base(array);
            // Constants do not change the shape.
            if self.core.places.contains_key(&base) {
                arrays.push((base, self.array(array)?));
            }
        }
        let part = |place: usize| {
            let (base, view) = &arrays[place];
            let span = self.core.first_use(self.resolved().name(*base)).unwrap_or_default();
            ShapedPart { span, shape: view.shape() }
        };
        let shapes = arrays.iter().map(|(_, view)| view.shape());
        broadcast_shapes(shapes).map_err(|error| Error::shape(part(error.lhs), part(error.rhs)))
    }
}

/// The part of an array for writing that the text names.
pub(super) fn part_of<'a>(core: &Core, whole: ViewMut<'a>, array: Array) -> Result<ViewMut<'a>, Error> {
    let resolved = &core.compiled.resolved;
    let mut chain: SmallVec<[&ViewDef; 4]> = resolved.views().chain(array).map(|(_, def)| def).collect();
    chain.reverse();
    let mut part = whole;
    for def in chain {
        part = match &def.op {
            ViewOp::Transpose => part.transposed(),
            ViewOp::Index(items) => {
                let at = |error: &dyn Fn(Span) -> Error| error(def.span).called_from(&resolved.calls(def.site));
                let parts = parts(part.shape(), items, at)?;
                part.select(parts)
            }
            ViewOp::BroadcastIn(_) => return Err(Error::internal("an update of a group of arrays")),
        };
    }
    Ok(part)
}

/// The parts of an array of a shape that an index names. `at` makes the error of what it is given.
fn parts(
    shape: &[usize],
    items: &[Item],
    at: impl Fn(&dyn Fn(Span) -> Error) -> Error,
) -> Result<SmallVec<[Part; 6]>, Error> {
    let n_axes = items.iter().filter(|item| matches!(item, Item::At(_) | Item::Slice { .. })).count();
    if n_axes > shape.len() {
        return Err(at(&|span| Error::too_many_indices(n_axes, shape, span)));
    }
    let n_whole = shape.len() - n_axes;
    let mut parts: SmallVec<[Part; 6]> = SmallVec::new();
    let mut axis = 0;
    for item in items {
        match *item {
            Item::NewAxis => parts.push(Part::New),
            Item::Ellipsis => {
                parts.extend(std::iter::repeat_n(Part::Whole, n_whole));
                axis += n_whole;
            }
            Item::At(index) => {
                let extent = shape[axis] as i64;
                let place = if index < 0 { index.saturating_add(extent) } else { index };
                if !(0..extent).contains(&place) {
                    return Err(at(&|span| Error::index_out_of_range(index, axis, shape, span)));
                }
                parts.push(Part::At(place as usize));
                axis += 1;
            }
            Item::Slice { start, stop, step } => {
                let (start, n) = slice(shape[axis] as i64, start, stop, step);
                parts.push(Part::Slice { start, n, step: step as isize });
                axis += 1;
            }
        }
    }
    Ok(parts)
}

/// The first index and the number of indices of a slice of an axis, as Python has them.
fn slice(extent: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> (usize, usize) {
    let (low, high) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
    let place = |index: i64| (if index < 0 { index.saturating_add(extent) } else { index }).clamp(low, high);
    let (first, last) = if step > 0 { (low, high) } else { (high, low) };
    let (start, stop) = (start.map_or(first, place), stop.map_or(last, place));
    let n = match step > 0 {
        true if start < stop => (stop - start - 1) / step + 1,
        false if start > stop => (start - stop - 1) / step.saturating_neg() + 1,
        _ => 0,
    };
    (start.max(0) as usize, n as usize)
}
