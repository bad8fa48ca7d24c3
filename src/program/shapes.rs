//! The shapes of a call, and the layout of a fresh result.

use super::bind::{Inputs, Values, all_views};
use super::core::Core;
use crate::error::Error;
use crate::hir::VarId;
use crate::shape::{self, Shape};
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::view::{BroadcastError, View, broadcast_shapes};

/// The shape and the memory order of a fresh result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) shape: Shape,
    pub(super) order: Shape,
}

impl Layout {
    /// The extents, outermost axis first; none for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The axes from outermost to innermost as they should lie in memory, to match the inputs.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }
}

/// The layout of a fresh result for these inputs.
pub(super) fn layout(core: &Core, inputs: &Inputs<'_>) -> Result<Layout, Error> {
    let shape = result_shape(core, inputs, &[])?;
    let order = order_of(&shape, inputs);
    Ok(Layout { shape, order })
}

/// The layout in the cases in which it is found quickly: numbers, and vectors of one length. `None`
/// in all other cases, also if something is wrong. The smallest calls need the layout this quickly.
pub(super) fn plain_layout(core: &Core, values: Values<'_>) -> Option<Layout> {
    let vars = core.graph().vars();
    if core.has_reductions() || !values.has_count(vars.len()) {
        return None;
    }
    let mut shape: &[usize] = &[];
    for (place, var) in vars.iter().enumerate() {
        let value = values.get(place, &var.name)?;
        if value.ty().dtype != var.ty.dtype || !var.must_fit.is_empty() {
            return None;
        }
        match (value.as_view(), shape) {
            (None, _) if !value.is_output() => {}
            (Some(array), _) if var.ty.is_scalar || array.n_axes() > 1 => return None,
            (Some(array), []) => shape = array.shape(),
            (Some(array), known) if array.shape() == known => {}
            _ => return None,
        }
    }
    // At most one axis.
    let order = &[0][..shape.len()];
    Some(Layout { shape: Shape::from_slice(shape), order: Shape::from_slice(order) })
}

/// The memory order of a fresh result.
pub(super) fn order_of(shape: &[usize], inputs: &[Option<View<'_>>]) -> Shape {
    output_order(shape, inputs.iter().flatten())
}

/// The shape of the result. All variables of the text take part, even if optimising has dropped
/// them. Those in reductions take part through the reductions' shapes. `out_shape` is that of
/// variables that are the output.
pub(super) fn result_shape(core: &Core, inputs: &[Option<View<'_>>], out_shape: &[usize]) -> Result<Shape, Error> {
    if core.has_reductions() {
        if let Some(recent) = core.recent.get()
            && let Some(values) = all_views(inputs)
            && let Some(shape) = recent.shape_for(&values)
        {
            return Ok(shape.clone());
        }
        return Ok(shapes(core, inputs, out_shape)?.root);
    }
    let shapes = inputs.iter().map(|input| input.as_ref().map_or(out_shape, View::shape));
    broadcast_shapes(shapes).map_err(|error| conflict(core, inputs, out_shape, &error))
}

/// The shapes of the result and of all reductions; `out_shape` as for [`result_shape`].
pub(super) fn shapes(core: &Core, inputs: &[Option<View<'_>>], out_shape: &[usize]) -> Result<shape::Shapes, Error> {
    let shape_of = |var: VarId| inputs[var.0 as usize].as_ref().map_or(out_shape, View::shape);
    shape::infer(core.graph(), shape_of).map_err(|failure| match failure {
        shape::Failure::Broadcast(error) => conflict(core, inputs, out_shape, &error),
        shape::Failure::Reduction(error) => error,
    })
}

/// Which parts of the text do not broadcast.
fn conflict(core: &Core, inputs: &[Option<View<'_>>], out_shape: &[usize], error: &BroadcastError) -> Error {
    let shape_of = |name: &str| {
        let var = core.graph().vars().iter().position(|var| var.name == name)?;
        Some(inputs[var].as_ref().map_or(out_shape, View::shape))
    };
    shape::conflict(&core.compiled.resolved, &shape_of).unwrap_or_else(|| Error::internal(error))
}
