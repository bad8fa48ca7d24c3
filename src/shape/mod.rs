//! Shapes of a call: the result's, and which parts of the text disagree when there is none.

mod infer;
#[cfg(test)]
mod tests;

pub(crate) use infer::{Failure, Reduced, Shapes, infer};

use crate::error::{Error, ShapedPart};
use crate::hir::axis_call;
use ndexpr_grammar::Span;
use ndexpr_grammar::{Ast, ExprKind};
use ndexpr_runtime::view::broadcast_shapes;

pub(crate) use ndexpr_runtime::view::{AxisSet, Shape, is_broadcastable as broadcasts_to};

/// The smallest part of the text whose operands do not broadcast, as an error that points at both.
/// If a call before it has no shape, the error is about that call.
///
/// Runs only where some shapes do not broadcast. The tree is walked in order, arguments first.
pub(crate) fn conflict<'s>(ast: &Ast, shape_of: &dyn Fn(&str) -> Option<&'s [usize]>) -> Option<Error> {
    let mut shapes: Vec<Shape> = Vec::with_capacity(ast.len());
    for (_, expr) in ast.exprs() {
        let mut shape = match &expr.kind {
            ExprKind::Name(name) => shape_of(ast.name(*name)).map(Shape::from).unwrap_or_default(),
            _ => Shape::default(),
        };
        if let Ok(Some(call)) = axis_call(ast, expr) {
            let domain = shapes[call.arg.index()].clone();
            let along = infer::Along {
                axes: &call.axes,
                keepdims: call.keepdims,
                is_cumulative: call.is_cumulative(),
                span: call.span,
                axis_span: call.axis_span,
                instead: call.instead.as_ref(),
            };
            match infer::reduce(domain, &along) {
                Ok(reduced) => shapes.push(reduced.result),
                Err(error) => return Some(error),
            }
            continue;
        }
        let mut children = Vec::new();
        expr.kind.for_each_child(|child| children.push(child));
        for (i, &child) in children.iter().enumerate() {
            let rhs = &shapes[child.index()];
            match broadcast_shapes([&shape[..], &rhs[..]]) {
                Ok(joint) => shape = joint,
                Err(_) => {
                    // The first operand that alone disagrees with this one. There may be none,
                    // because several operands may disagree with it only together.
                    let lhs = children[..i]
                        .iter()
                        .find(|&&lhs| broadcast_shapes([&shapes[lhs.index()][..], &rhs[..]]).is_err())?;
                    let lhs = ShapedPart { span: ast[*lhs].span, shape: &shapes[lhs.index()] };
                    return Some(Error::shape(lhs, ShapedPart { span: ast[child].span, shape: rhs }));
                }
            }
        }
        shapes.push(shape);
    }
    None
}

/// Where the text first names a variable.
pub(crate) fn first_use(ast: &Ast, name: &str) -> Option<Span> {
    ast.exprs().find_map(|(_, expr)| match &expr.kind {
        ExprKind::Name(id) if ast.name(*id) == name => Some(expr.span),
        _ => None,
    })
}
