//! What a call needs before it runs: the shapes of its results, and loops that suit all its shapes.
//!
//! In: a program and the inputs of a call. Out: a [`Prepared`]. Always true: domains that the loops
//! take for [`Alike`] have the same shape in the call.

use super::bind::all_views;
use super::core::Core;
use super::others::{MAX_OTHERS, Which};
use super::shapes::{only_shape, shapes};
use super::staged::Staged;
use crate::compile::{Arranged, Tools};
use crate::error::Error;
use crate::fuse::Alike;
use crate::input::Input;
use crate::shape::{Shape, Shapes};
use ndexpr_runtime::exec::Progress;
use smallvec::SmallVec;
use std::sync::Arc;

/// The shapes and the loops of a call.
pub(super) struct Prepared<'c> {
    /// The shapes of the results.
    pub(super) roots: Roots,
    pub(super) loops: Loops<'c>,
}

/// The shapes of results.
pub(super) type Roots = SmallVec<[Shape; 1]>;

/// The loops of a call, and what is known of them.
pub(super) struct Loops<'c> {
    pub(super) arranged: &'c Arranged,
    pub(super) which: Which,
    /// The stages of an earlier call whose arrays have the same shapes and strides.
    pub(super) recent: Option<Arc<Staged>>,
    /// All shapes, if there is more than the shape of one result.
    pub(super) shapes: Option<Arc<Shapes>>,
}

impl<'c> Loops<'c> {
    /// The loops that were prepared for an earlier call whose arrays have the same shapes and
    /// strides.
    pub(super) fn of_earlier(core: &'c Core, which: Which, shapes: Option<Arc<Shapes>>) -> Loops<'c> {
        let arranged = core.others.get(which).unwrap_or(&core.compiled.arranged);
        let recent = if core.has_reductions() { core.recent.get() } else { None };
        Loops { arranged, which, recent, shapes }
    }

    /// Whether a result may be written before all inputs are read.
    pub(super) fn have_several_passes(&self, core: &Core) -> bool {
        core.has_reductions() || self.arranged.fused.n_result_loops() > 1
    }
}

/// Prepares a call. `out_shape` is the shape of variables that are the only output.
pub(super) fn prepare<'c>(
    core: &'c Core,
    inputs: &[Input<'_>],
    out_shape: &[usize],
    progress: Option<&Progress>,
) -> Result<Prepared<'c>, Error> {
    let own = &core.compiled.arranged;
    let loops = |arranged: &'c Arranged, which: Which| Loops { arranged, which, recent: None, shapes: None };
    if !core.has_reductions() && core.n_results() == 1 {
        let roots = SmallVec::from_iter([only_shape(core, inputs, out_shape)?]);
        return Ok(Prepared { roots, loops: loops(own, Which::Own) });
    }
    if core.has_reductions()
        && let Some(recent) = core.recent.get()
        && let Some(values) = all_views(inputs)
        && let Some(roots) = recent.shapes_for(&values)
    {
        let (roots, which) = (roots.clone(), recent.which);
        let arranged = core.others.get(which).unwrap_or(own);
        return Ok(Prepared { roots, loops: Loops { recent: Some(recent), ..loops(arranged, which) } });
    }
    let shapes = shapes(core, inputs, out_shape)?;
    let (arranged, which) = match core.compiled.is_certain {
        true => (own, Which::Own),
        false => suitable(core, &shapes, inputs, progress)?,
    };
    let roots = shapes.roots.clone();
    Ok(Prepared { roots, loops: Loops { shapes: Some(Arc::new(shapes)), ..loops(arranged, which) } })
}

/// The loops for what is alike in a call, compiled if there are none yet.
fn suitable<'c>(
    core: &'c Core,
    shapes: &Shapes,
    inputs: &[Input<'_>],
    progress: Option<&Progress>,
) -> Result<(&'c Arranged, Which), Error> {
    let (own, graph, others) = (&core.compiled.arranged, core.graph(), &core.others);
    let alike = Alike::in_call(graph, shapes, |var| inputs[var].view());
    if alike == own.alike {
        return Ok((own, Which::Own));
    }
    if let Some((number, found)) = others.known.iter().find(|(_, known)| known.alike == alike) {
        return Ok((found, Which::Other(number)));
    }
    let context = &core.context;
    let tools = Tools { backend: context.options.backend, generator: context.generator.as_ref(), progress };
    // Threads that come at the same time may each add one.
    let is_full = others.known.count() >= MAX_OTHERS;
    if is_full && let Some(certain) = others.certain.get() {
        return Ok((certain, Which::Certain));
    }
    let made = Arranged::new(graph, if is_full { Alike::certain(graph) } else { alike }, tools);
    // If it was stopped, some of its loops are not there.
    if progress.is_some_and(Progress::is_to_stop) {
        return Err(Error::compiling_cancelled());
    }
    if is_full {
        return Ok((others.certain.get_or_init(|| Box::new(made)), Which::Certain));
    }
    let number = others.known.push(made);
    Ok((&others.known[number], Which::Other(number)))
}
