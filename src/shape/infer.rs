//! The shapes of one call: what each reduction of a graph runs over, along which axes, and what
//! comes out.
//!
//! In: a graph and the shapes of its variables. Out: [`Shapes`], or the first thing that is wrong.
//! Always true of what comes out: a [`Reduced`] has axes that its domain has, each once, and enough
//! elements for its primitive. Up to six axes and four reductions take no heap.

use super::{AxisSet, Shape};
use crate::error::Error;
use crate::hir::{Axes, Graph, Instead, Leaf, Reduction, VarId};
use crate::resolve::SiteId;
use ndexpr_grammar::Span;
use ndexpr_runtime::plan::PlanError;
use ndexpr_runtime::view::{BroadcastError, MAX_AXES, broadcast_shapes};
use smallvec::SmallVec;

/// All shapes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shapes {
    /// The shapes of the results.
    pub(crate) roots: SmallVec<[Shape; 1]>,
    /// The shapes of each reduction.
    pub(crate) reductions: SmallVec<[Reduced; 4]>,
}

/// The shapes of a reduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reduced {
    /// The shape that it runs over: its argument is broadcast to it.
    pub(crate) domain: Shape,
    /// The axes of the domain that it runs along.
    pub(crate) axes: AxisSet,
    /// The shape of the result with all axes of the domain. An axis that it runs along has extent 1
    /// there, unless it accumulates.
    pub(crate) kept: Shape,
    /// The shape of the result as the text has it.
    pub(crate) result: Shape,
}

/// Why there are no shapes.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Shapes do not broadcast; which parts of the text they are is left to
    /// [`conflict`](super::conflict).
    Broadcast(BroadcastError),
    /// A reduction cannot run over the shape that it has.
    /// The error is about a call of the text, maybe in calls of functions of the text.
    Reduction(Error, SiteId),
}

/// The shapes for a call with variables of these shapes.
///
/// # Errors
///
/// The first reduction in order that has no shape, or that cannot run; otherwise the first result
/// that has no shape.
pub(crate) fn infer<'s>(graph: &Graph, shape_of: impl Fn(VarId) -> &'s [usize]) -> Result<Shapes, Failure> {
    let mut reductions: SmallVec<[Reduced; 4]> = SmallVec::new();
    let broadcast = |domain: &[Leaf], reductions: &[Reduced]| {
        let shapes = domain.iter().map(|leaf| match *leaf {
            Leaf::Var(var) => shape_of(var),
            Leaf::Reduction(id) => &reductions[id.index()].result[..],
        });
        broadcast_shapes(shapes).map_err(Failure::Broadcast)
    };
    for reduction in graph.reductions() {
        let domain = broadcast(&reduction.domain, &reductions)?;
        let reduced = run_over(reduction, domain).map_err(|error| Failure::Reduction(error, reduction.site))?;
        reductions.push(reduced);
    }
    let mut roots: SmallVec<[Shape; 1]> = SmallVec::new();
    for domain in graph.root_domains() {
        roots.push(broadcast(domain, &reductions)?);
    }
    Ok(Shapes { roots, reductions })
}

fn run_over(reduction: &Reduction, domain: Shape) -> Result<Reduced, Error> {
    let Reduction { op, keepdims, span, axis_span, ref axes, ref instead, .. } = *reduction;
    let along = Along { axes, keepdims, is_cumulative: op.is_cumulative(), span, axis_span, instead: instead.as_ref() };
    let reduced = reduce(domain, &along)?;
    // As in NumPy, this is an error even where the result has no elements either.
    if let Some(wanted) = op.wanted()
        && reduced.axes.iter().any(|axis| reduced.domain[axis] == 0)
    {
        return Err(Error::empty_input(wanted, &reduced.domain, span));
    }
    Ok(reduced)
}

/// What runs along axes, as far as it matters to shapes and to errors about them.
pub(super) struct Along<'a> {
    pub(super) axes: &'a Axes,
    pub(super) keepdims: bool,
    pub(super) is_cumulative: bool,
    /// The span of the call.
    pub(super) span: Span,
    pub(super) axis_span: Option<Span>,
    /// The call that may have been meant instead.
    pub(super) instead: Option<&'a Instead>,
}

/// The shapes of something that runs along axes of a shape.
pub(super) fn reduce(mut domain: Shape, along: &Along<'_>) -> Result<Reduced, Error> {
    let &Along { axes, keepdims, is_cumulative, span, axis_span, instead } = along;
    let n_axes = domain.len();
    if n_axes > MAX_AXES {
        return Err(PlanError::TooManyAxes { n_axes }.into());
    }
    let axes = match axes {
        Axes::List(axes) => normalise(axes, &domain, axis_span.unwrap_or(span), instead)?,
        Axes::All if !is_cumulative => AxisSet::first(n_axes),
        Axes::All if n_axes > 1 => return Err(Error::missing_axis(&domain, span)),
        Axes::All => {
            // A single value accumulates to an array of one, as in NumPy.
            domain.resize(1, 1);
            AxisSet::first(1)
        }
    };
    let extents = || domain.iter().enumerate();
    let kept: Shape = match is_cumulative {
        true => domain.clone(),
        false => extents().map(|(axis, &extent)| if axes.contains(axis) { 1 } else { extent }).collect(),
    };
    let result = match keepdims || is_cumulative {
        true => kept.clone(),
        false => extents().filter(|&(axis, _)| !axes.contains(axis)).map(|(_, &extent)| extent).collect(),
    };
    Ok(Reduced { domain, axes, kept, result })
}

/// The axes as written, as axes of the shape.
fn normalise(axes: &[i64], shape: &[usize], span: Span, instead: Option<&Instead>) -> Result<AxisSet, Error> {
    let rank = shape.len() as i64;
    let mut set = AxisSet::default();
    for &written in axes {
        let axis = if written < 0 { written.wrapping_add(rank) } else { written };
        if !(0..rank).contains(&axis) {
            return Err(Error::axis_out_of_range(written, shape, span, instead));
        }
        if !set.insert(axis as usize) {
            return Err(Error::repeated_axis(axis as usize, shape, span));
        }
    }
    Ok(set)
}
