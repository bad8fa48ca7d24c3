//! Views of a call's variables: slices, single places and transposes that the text asks for.
//!
//! In: the values that a caller gives. Out: the same call, with a value for each variable that
//! loops read. Always true: a view reads no element that its text does not name.

use super::bind::Values;
use super::core::Core;
use super::parts::{Parts, ValueAt, Views};
use crate::error::{Error, ShapedPart};
use crate::resolve::{Array, GroupId, Item, Resolved, ViewDef, ViewId, ViewOp};
use crate::shape::Shape;
use crate::vars::Var;
use ndexpr_grammar::{NameId, Span};
use ndexpr_runtime::view::{Part, PartLayout, View, broadcast_shapes};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::hash_map::Entry;
use std::sync::Arc;

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
    let value_at = |place: usize| values.get(place, &graph.given_vars()[place].name);
    all.extend(all_views(core, &value_at)?.into_iter().map(Var::from));
    for (place, var) in others[graph.views().len()..].iter().enumerate() {
        all.push(values.get(n_given + place, &var.name).ok_or_else(|| missing(&var.name))?.clone());
    }
    run(core, Values::InOrder(&all))
}

/// The views of a call. If its arrays lie as those of the last call, nothing is found out anew.
fn all_views<'v>(core: &Core, value_at: ValueAt<'_, 'v>) -> Result<Views<'v>, Error> {
    if let Some(parts) = core.recent_parts.get()
        && let Some(views) = parts.views(value_at)
    {
        return Ok(views);
    }
    let mut maker = Maker::new(core, value_at);
    let mut parts = Parts::default();
    let mut index_of: FxHashMap<usize, usize> = FxHashMap::default();
    for &id in core.graph().views() {
        let (place, part) = maker.part(id)?;
        parts.views.push((place, part));
    }
    // Shapes of groups may follow from other arrays than the views are of.
    for (place, array) in maker.arrays {
        index_of.insert(place, parts.arrays.len());
        parts.arrays.push((place, PartLayout::whole(&array)));
    }
    parts.views.iter_mut().for_each(|(place, _)| *place = index_of[place]);
    let parts = Arc::new(parts);
    core.recent_parts.set(Arc::clone(&parts));
    parts.views(value_at).ok_or_else(|| Error::internal("parts of other arrays"))
}

/// Finds out how views lie in the arrays of a call.
pub(super) struct Maker<'m, 'v> {
    core: &'m Core,
    value_at: ValueAt<'m, 'v>,
    /// The arrays that were looked at, by the places of their variables.
    arrays: FxHashMap<usize, View<'v>>,
    /// The views that were made, each with the place of the variable that it is of.
    made: FxHashMap<ViewId, (usize, PartLayout)>,
    groups: FxHashMap<GroupId, Shape>,
}

impl<'m, 'v> Maker<'m, 'v> {
    pub(super) fn new(core: &'m Core, value_at: ValueAt<'m, 'v>) -> Maker<'m, 'v> {
        Maker { core, value_at, arrays: FxHashMap::default(), made: FxHashMap::default(), groups: FxHashMap::default() }
    }

    /// How a view lies in the array that it is of: the place of that variable, and the part.
    pub(super) fn part(&mut self, wanted: ViewId) -> Result<(usize, PartLayout), Error> {
        let views = self.resolved().views();
        let mut pending = vec![wanted];
        while let Some(&id) = pending.last() {
            if self.made.contains_key(&id) {
                pending.pop();
                continue;
            }
            let def = views.get(id);
            let n_pending = pending.len();
            // Constants are no arrays.
            let is_given = |array: Array| self.core.places.contains_key(&views.base(array));
            let mut ask = |array: Array| match array {
                Array::View(view) if !self.made.contains_key(&view) && is_given(array) => pending.push(view),
                _ => {}
            };
            ask(def.of);
            if let ViewOp::BroadcastIn(group) = def.op
                && !self.groups.contains_key(&group)
            {
                views.group(group).iter().copied().for_each(ask);
            }
            if pending.len() == n_pending {
                let made = self.make(def)?;
                self.made.insert(id, made);
                pending.pop();
            }
        }
        Ok(self.made[&wanted].clone())
    }

    fn resolved(&self) -> &'m Resolved {
        &self.core.compiled.resolved
    }

    /// A view, whose array is there.
    fn make(&mut self, def: &ViewDef) -> Result<(usize, PartLayout), Error> {
        let (place, of) = self.array(def.of)?;
        let (span, site, resolved) = (def.span, def.site, self.resolved());
        let in_calls = |error: Error| error.called_from(&resolved.calls(site));
        let part = match &def.op {
            ViewOp::Transpose => of.transposed(),
            ViewOp::Index(items) => {
                let parts = parts(of.shape(), items, |error| in_calls(error(span)))?;
                of.select(parts)
            }
            &ViewOp::BroadcastIn(group) => {
                if !self.groups.contains_key(&group) {
                    let shape = self.group_shape(group).map_err(in_calls)?;
                    self.groups.insert(group, shape);
                }
                of.broadcast_to(&self.groups[&group])?
            }
        };
        Ok((place, part))
    }

    /// A variable's value, or a view that was made. A single value has the shape of one.
    fn array(&mut self, array: Array) -> Result<(usize, PartLayout), Error> {
        match array {
            Array::View(id) => Ok(self.made[&id].clone()),
            Array::Name(name) => self.given(name),
        }
    }

    fn given(&mut self, id: NameId) -> Result<(usize, PartLayout), Error> {
        let name = self.resolved().name(id);
        let missing = || Error::missing_variable(name, self.core.first_use(name));
        let place = *self.core.places.get(&id).ok_or_else(missing)?;
        let view = match self.arrays.entry(place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(entry) => {
                let ty = self.core.graph().given_vars()[place].ty;
                let value = (self.value_at)(place).ok_or_else(missing)?;
                let view = value.view().ok_or_else(|| Error::part_of_output(name, self.core.first_use(name)))?;
                if view.dtype() != ty.dtype || (ty.is_scalar && view.n_axes() > 0) {
                    let span = self.core.first_use(name);
                    return Err(Error::variable_type(name, ty, view.dtype(), view.n_axes(), span));
                }
                entry.insert(view)
            }
        };
        Ok((place, PartLayout::whole(view)))
    }

    /// The shape that the arrays of a group have together.
    fn group_shape(&mut self, group: GroupId) -> Result<Shape, Error> {
        let views = self.resolved().views();
        let mut arrays: SmallVec<[(NameId, PartLayout); 8]> = SmallVec::new();
        for &array in views.group(group) {
            let base = views.base(array);
            // Constants do not change the shape.
            if self.core.places.contains_key(&base) {
                arrays.push((base, self.array(array)?.1));
            }
        }
        let part = |place: usize| {
            let (base, part) = &arrays[place];
            let span = self.core.first_use(self.resolved().name(*base)).unwrap_or_default();
            ShapedPart { span, shape: part.shape() }
        };
        let shapes = arrays.iter().map(|(_, part)| part.shape());
        broadcast_shapes(shapes).map_err(|error| Error::shape(part(error.lhs), part(error.rhs)))
    }
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
