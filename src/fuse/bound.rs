//! The shapes and memory orders of loops and temporaries in one call.
//!
//! In: the loops of a program, the shapes of the call, the values of its variables. Compiled code
//! and the interpreter both ask here, because the order in which a sum adds its elements follows
//! from these memory orders.

use super::{Fused, Space, TempShape};
use crate::error::Error;
use crate::hir::Leaf;
use crate::shape::{AxisSet, Shape, Shapes};
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::view::{View, broadcast_shapes};

/// The shape and memory order of a temporary.
pub(crate) struct TempLayout {
    pub(crate) shape: Shape,
    /// The axes from outermost to innermost.
    pub(crate) order: Shape,
    /// The axes of extent 1 that the text does not see.
    pub(crate) dropped: AxisSet,
}

impl Space {
    /// The shape of what a loop iterates over.
    pub(crate) fn shape(&self, shapes: &Shapes, values: &[&View<'_>]) -> Result<Shape, Error> {
        match self {
            // An output of more elements is filled by repeating.
            Space::Result(root) => Ok(shapes.roots[*root].clone()),
            Space::One => Ok(Shape::new()),
            Space::Domain(id) => Ok(shapes.reductions[id.index()].domain.clone()),
            Space::Leaves(leaves) => {
                let leaves = leaves.iter().map(|leaf| match *leaf {
                    Leaf::Var(var) => values[var.0 as usize].shape(),
                    Leaf::Reduction(id) => &shapes.reductions[id.index()].result[..],
                });
                broadcast_shapes(leaves).map_err(Error::internal)
            }
        }
    }
}

impl Fused {
    /// The layout of a temporary: its memory order is that of the variables of its shape.
    pub(crate) fn temp_layout(&self, temp: usize, shapes: &Shapes, values: &[&View<'_>]) -> Result<TempLayout, Error> {
        let (shape, dropped) = match &self.temps[temp].shape {
            TempShape::Of(space) => (space.shape(shapes, values)?, AxisSet::default()),
            TempShape::Reduced(id) => {
                let reduced = &shapes.reductions[id.index()];
                let is_dropped = reduced.result.len() < reduced.kept.len();
                (reduced.kept.clone(), if is_dropped { reduced.axes } else { AxisSet::default() })
            }
        };
        let order = output_order(&shape, values.iter().copied());
        Ok(TempLayout { shape, order, dropped })
    }
}

impl TempLayout {
    /// The shape and memory order as the text sees them.
    pub(crate) fn seen(&self) -> (Shape, Shape) {
        let is_seen = |axis: &usize| !self.dropped.contains(*axis);
        let shape = (0..self.shape.len()).filter(is_seen).map(|axis| self.shape[axis]).collect();
        let place = |axis: usize| (0..axis).filter(is_seen).count();
        let order = self.order.iter().copied().filter(is_seen).map(place).collect();
        (shape, order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_axes_are_not_seen() {
        let layout = TempLayout {
            shape: Shape::from_slice(&[5, 1, 7, 1]),
            order: Shape::from_slice(&[3, 2, 1, 0]),
            dropped: AxisSet::first(4),
        };
        assert_eq!(layout.seen(), (Shape::new(), Shape::new()));
        let layout = TempLayout { dropped: AxisSet::first(1), ..layout };
        assert_eq!(layout.seen(), (Shape::from_slice(&[1, 7, 1]), Shape::from_slice(&[2, 1, 0])));
    }
}
