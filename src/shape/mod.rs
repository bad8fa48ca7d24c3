//! Shapes of a call: the result's, and which parts of the text disagree when there is none.

mod infer;
#[cfg(test)]
mod tests;

pub(crate) use infer::{Failure, Reduced, Shapes, infer};

use crate::error::{Error, ShapedPart};
use crate::hir::axis_call;
use crate::resolve::{Arg, Resolved, Step};
use ndexpr_runtime::view::broadcast_shapes;

pub(crate) use ndexpr_runtime::view::{AxisSet, Shape, is_broadcastable as broadcasts_to};

/// The smallest part of the text whose operands do not broadcast, as an error that points at both.
/// If a call before it has no shape, the error is about that call.
///
/// Runs only where some shapes do not broadcast. Operations are looked at in order, arguments
/// first.
pub(crate) fn conflict<'s>(resolved: &Resolved, shape_of: &dyn Fn(&str) -> Option<&'s [usize]>) -> Option<Error> {
    let mut shapes: Vec<Shape> = Vec::with_capacity(resolved.len());
    let live = resolved.live();
    for (id, step) in resolved.steps() {
        let shape = match live[id.index()] {
            true => shape_of_step(resolved, step, &shapes, shape_of),
            false => Ok(Shape::default()),
        };
        match shape {
            Ok(shape) => shapes.push(shape),
            Err(None) => return None,
            Err(Some(error)) => {
                return Some(error.called_from(&resolved.calls(step.site)));
            }
        }
    }
    None
}

/// The shape of an operation, from the shapes of those before it; the error is missing if its
/// operands disagree only together.
fn shape_of_step<'s>(
    resolved: &Resolved,
    step: &Step,
    shapes: &[Shape],
    shape_of: &dyn Fn(&str) -> Option<&'s [usize]>,
) -> Result<Shape, Option<Error>> {
    if let Some(array) = resolved.array(step) {
        return Ok(shape_of(&resolved.array_text(array)).map(Shape::from).unwrap_or_default());
    }
    if let Ok(Some(call)) = axis_call(resolved, step) {
        let domain = shapes[call.arg.step.index()].clone();
        let along = infer::Along {
            axes: &call.axes,
            keepdims: call.keepdims,
            is_cumulative: call.is_cumulative(),
            span: call.span,
            axis_span: call.axis_span,
            instead: call.instead.as_ref(),
        };
        return infer::reduce(domain, &along).map(|reduced| reduced.result).map_err(Some);
    }
    let mut shape = Shape::default();
    let args = resolved.args(step);
    for (i, arg) in args.iter().enumerate() {
        let rhs = &shapes[arg.step.index()];
        shape = broadcast_shapes([&shape[..], &rhs[..]]).map_err(|_| {
            // The first operand that alone disagrees with this one. There may be none, because
            // several operands may disagree with it only together.
            let lhs =
                args[..i].iter().find(|lhs| broadcast_shapes([&shapes[lhs.step.index()][..], &rhs[..]]).is_err())?;
            let part = |arg: &Arg| ShapedPart { span: arg.span, shape: &shapes[arg.step.index()] };
            Some(Error::shape(part(lhs), part(arg)))
        })?;
    }
    Ok(shape)
}
