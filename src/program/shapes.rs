//! The shapes of a call, and the layouts of fresh results.

use super::bind::{Inputs, Values};
use super::core::Core;
use crate::error::Error;
use crate::hir::VarId;
use crate::input::Input;
use crate::shape::{self, Shape};
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::view::{BroadcastError, View, broadcast_shapes};
use smallvec::SmallVec;

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

/// The layouts of fresh results for these inputs.
pub(super) fn layouts(core: &Core, inputs: &Inputs<'_>) -> Result<SmallVec<[Layout; 1]>, Error> {
    let shapes = match core.has_reductions() || core.n_results() > 1 {
        true => shapes(core, inputs, &[])?.roots,
        false => SmallVec::from_iter([only_shape(core, inputs, &[])?]),
    };
    let layout = |shape: Shape| {
        let order = order_of(&shape, inputs);
        Layout { shape, order }
    };
    Ok(shapes.into_iter().map(layout).collect())
}

/// The layout of the only result in the cases in which it is found quickly: numbers, and vectors of
/// one length. `None` in all other cases, also if something is wrong. The smallest calls need the
/// layout this quickly.
pub(super) fn plain_layout(core: &Core, values: Values<'_>) -> Option<Layout> {
    let vars = core.graph().vars();
    if core.has_reductions() || core.n_results() > 1 || !values.has_count(vars.len()) {
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
pub(super) fn order_of(shape: &[usize], inputs: &[Input<'_>]) -> Shape {
    output_order(shape, inputs.iter().filter_map(Input::view))
}

/// The shape of the result of a program without reductions. All variables of the text take part,
/// even if optimising has dropped them. `out_shape` is that of variables that are the output.
pub(super) fn only_shape(core: &Core, inputs: &[Input<'_>], out_shape: &[usize]) -> Result<Shape, Error> {
    let shapes = inputs.iter().map(|input| input.view().map_or(out_shape, View::shape));
    broadcast_shapes(shapes).map_err(|error| conflict(core, inputs, out_shape, &error))
}

/// The shapes of the results and of all reductions; `out_shape` as for [`only_shape`].
pub(super) fn shapes(core: &Core, inputs: &[Input<'_>], out_shape: &[usize]) -> Result<shape::Shapes, Error> {
    let shape_of = |var: VarId| inputs[var.0 as usize].view().map_or(out_shape, View::shape);
    shape::infer(core.graph(), shape_of).map_err(|failure| match failure {
        shape::Failure::Broadcast(error) => conflict(core, inputs, out_shape, &error),
        shape::Failure::Reduction(error, site) => error.called_from(&core.compiled.resolved.calls(site)),
    })
}

/// Which parts of the text do not broadcast.
fn conflict(core: &Core, inputs: &[Input<'_>], out_shape: &[usize], error: &BroadcastError) -> Error {
    let shape_of = |name: &str| {
        let var = core.graph().vars().iter().position(|var| var.name == name)?;
        Some(inputs[var].view().map_or(out_shape, View::shape))
    };
    shape::conflict(&core.compiled.resolved, &shape_of).unwrap_or_else(|| Error::internal(error))
}
