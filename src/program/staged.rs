//! Programs with reductions: several loops that pass arrays on, run as the runtime's stages.
//!
//! In: the shapes of a call and how its arrays lie. Out: [`Staged`], which holds no pointers, so it
//! serves every later call whose arrays have the same shapes and strides.

use super::others::Which;
use crate::along::{Outcome, Outcomes, add_along, count};
use crate::codegen::Refusal;
use crate::error::Error;
use crate::fuse::Fused;
use crate::hir::Graph;
use crate::kernels::CompiledLoop;
use crate::shape::{Shape, Shapes};
use ndexpr_runtime::exec::{LoopKernels, MapLoop, MapOutput, RunOptions, Source, Stages, Value};
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;

/// The loops of a program as stages, for arrays of certain shapes and strides.
pub(super) struct Staged {
    stages: Stages,
    /// How many elements each reduction has along its axes. These counts are inputs, after the
    /// variables.
    counts: SmallVec<[i64; 4]>,
    n_elems: usize,
    /// Which of the program's loops it was made for.
    pub(super) which: Which,
    /// The results' shapes.
    shapes: SmallVec<[Shape; 1]>,
}

/// The variables' values, then the counts.
type Operands<'o> = SmallVec<[&'o View<'o>; 8]>;

fn views_of(counts: &[i64]) -> SmallVec<[View<'_>; 4]> {
    counts.iter().map(View::from_element).collect()
}

fn operands<'o>(values: &[&'o View<'o>], counts: &'o [View<'o>]) -> Operands<'o> {
    values.iter().copied().chain(counts).collect()
}

impl Staged {
    /// The stages for arrays of these shapes and strides.
    pub(super) fn new(
        graph: &Graph,
        (fused, which): (&Fused, Which),
        values: &[&View<'_>],
        shapes: &Shapes,
        outs: &[ViewMut<'_>],
    ) -> Result<Staged, Error> {
        let counts = shapes.reductions.iter().map(count).collect::<Result<SmallVec<[i64; 4]>, Error>>()?;
        let mut stages = Stages::new(&operands(values, &views_of(&counts)), outs);
        for (index, temp) in fused.temps.iter().enumerate() {
            let layout = fused.temp_layout(index, shapes, values)?;
            stages.add_temp(temp.dtype, &layout.shape, &layout.order, layout.dropped)?;
        }
        let mut n_elems = 0_usize;
        for group in &fused.loops {
            let shape = group.space.shape(shapes, values)?;
            let inputs: SmallVec<[Source; 8]> = group.inputs.iter().map(|&(_, source)| source).collect();
            let nowhere = || Error::internal("a value that goes nowhere");
            let Some(fold) = group.folds.first() else {
                let mut outputs: SmallVec<[MapOutput; 4]> = SmallVec::new();
                for &(id, dest) in &group.outputs {
                    outputs.push(MapOutput { dtype: graph.dtype(id), dest: dest.ok_or_else(nowhere)? });
                }
                stages.map(&MapLoop { shape: &shape, inputs: &inputs, outputs: &outputs })?;
                n_elems = n_elems.saturating_add(shape.iter().product());
                continue;
            };
            let axes = shapes.reductions[fold.reduction.index()].axes;
            let values = group.outputs.iter().zip(&group.origins);
            let values: SmallVec<[Value; 4]> =
                values.map(|(&(id, keep), &origin)| Value { dtype: graph.dtype(id), origin, keep }).collect();
            let mut outcomes: SmallVec<[Outcome; 4]> = SmallVec::new();
            for fold in &group.folds {
                let op = graph.reduction(fold.reduction).op;
                outcomes.push(Outcome { op, value: fold.output, dest: fold.dest });
            }
            let of = Outcomes { shape: &shape, axes, inputs: &inputs, values: &values, outcomes: &outcomes };
            add_along(&mut stages, &of)?;
            n_elems = n_elems.saturating_add(shape.iter().product());
        }
        Ok(Staged { stages, n_elems, which, shapes: shapes.roots.clone(), counts })
    }

    /// The shapes of the results, if the stages are for arrays of these shapes and strides.
    pub(super) fn shapes_for(&self, values: &[&View<'_>]) -> Option<&SmallVec<[Shape; 1]>> {
        let counts = views_of(&self.counts);
        self.stages.is_for(&operands(values, &counts)).then_some(&self.shapes)
    }

    /// Whether the stages are for these arrays and these outputs.
    pub(super) fn is_for(&self, values: &[&View<'_>], outs: &[ViewMut<'_>]) -> bool {
        self.stages.is_into(outs) && self.shapes_for(values).is_some()
    }

    /// Runs the stages into outputs of the results' shapes that no input overlaps. Returns false,
    /// and leaves the outputs as they were, if there is no machine code for the layout.
    pub(super) fn run(
        &self,
        loops: &[CompiledLoop],
        values: &[&View<'_>],
        outs: &mut [ViewMut<'_>],
        options: &RunOptions<'_>,
    ) -> Result<bool, Error> {
        if let Some(progress) = options.progress {
            progress.set_total(self.n_elems);
        }
        let mut kernels: SmallVec<[LoopKernels<'_>; 4]> = SmallVec::new();
        for (index, compiled) in loops.iter().enumerate() {
            let kinds = self.stages.run_kinds(index);
            let any = match self.stages.needs_kernel(index) {
                false => None,
                true => match compiled.kernel(kinds) {
                    Ok(kernel) => Some(kernel),
                    Err(Refusal(_)) => return Ok(false),
                },
            };
            let leaf_use = self.stages.leaf_use(index, outs);
            let leaves = leaf_use.and_then(|leaf_use| compiled.leaf_kernel(kinds, leaf_use));
            kernels.push(LoopKernels { any, leaves });
        }
        let counts = views_of(&self.counts);
        self.stages.run_with_leaves(&operands(values, &counts), outs, &kernels, options)?;
        Ok(true)
    }
}
