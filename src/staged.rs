//! Running a program of several loops that pass arrays on: what has reductions.

use crate::codegen::Refusal;
use crate::error::Error;
use crate::fuse::{self, Source, Space, Target, TempShape};
use crate::hir::{Expr, Leaf, ReductionId};
use crate::kernels::CompiledLoop;
use crate::ops::{AxisOp, Op};
use crate::program::Program;
use crate::shape::{Reduced, Shape, Shapes};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{
    AlongOp, Dest, Fold, Kernel, Loop, Origin, Progress, RunOptions, Source as Operand, Stages,
};
use ndexpr_runtime::memory::copy_kernel;
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::reduce::{ReduceOp, Reducer, ScanOp, Scanner};
use ndexpr_runtime::view::{View, ViewMut, broadcast_shapes};
use smallvec::SmallVec;
use std::sync::{Arc, Mutex};

/// What an operation along axes is to the runtime; none for one that needs no elements.
pub(crate) fn along_op(op: AxisOp, dtype: DType) -> Option<AlongOp> {
    let reduce = |op| Reducer::new(op, dtype).map(AlongOp::Reduce);
    match op {
        AxisOp::Sum => reduce(ReduceOp::Sum),
        AxisOp::Prod => reduce(ReduceOp::Prod),
        AxisOp::Min => reduce(ReduceOp::Min),
        AxisOp::Max => reduce(ReduceOp::Max),
        AxisOp::NanMin => reduce(ReduceOp::NanMin),
        AxisOp::NanMax => reduce(ReduceOp::NanMax),
        AxisOp::Any => reduce(ReduceOp::Any),
        AxisOp::All => reduce(ReduceOp::All),
        AxisOp::ArgMin => reduce(ReduceOp::ArgMin),
        AxisOp::ArgMax => reduce(ReduceOp::ArgMax),
        AxisOp::Deviations => reduce(ReduceOp::Deviations),
        AxisOp::NanDeviations => reduce(ReduceOp::NanDeviations),
        AxisOp::CumSum => Some(AlongOp::Scan(Scanner::new(ScanOp::CumSum, dtype))),
        AxisOp::CumProd => Some(AlongOp::Scan(Scanner::new(ScanOp::CumProd, dtype))),
        AxisOp::Count => None,
    }
}

/// How many elements a reduction has along its axes.
pub(crate) fn count(reduced: &Reduced) -> i64 {
    reduced.axes.iter().map(|axis| reduced.domain[axis] as i64).product()
}

/// The loops of a program as stages, for arrays that lie in a certain way.
pub(crate) struct Staged {
    stages: Stages,
    /// How many elements each reduction has along its axes: inputs, after the variables.
    counts: SmallVec<[i64; 4]>,
    n_elems: usize,
    /// The result's shape.
    shape: Shape,
}

/// The variables' values, then the counts.
type Operands<'o> = SmallVec<[&'o View<'o>; 8]>;

impl Staged {
    /// The shape of the result, if the loops are for arrays that lie like these.
    pub(crate) fn shape_for(&self, values: &[&View<'_>]) -> Option<&Shape> {
        let counts = views_of(&self.counts);
        self.stages.is_for(&operands(values, &counts)).then_some(&self.shape)
    }
}

fn views_of(counts: &[i64]) -> SmallVec<[View<'_>; 4]> {
    counts.iter().map(View::from_element).collect()
}

fn operands<'o>(values: &[&'o View<'o>], counts: &'o [View<'o>]) -> Operands<'o> {
    values.iter().copied().chain(counts).collect()
}

/// What was made for the arrays of the last call. Not waited for: who finds it taken does without.
#[derive(Default)]
pub(crate) struct Recent(Mutex<Option<Arc<Staged>>>);

impl Recent {
    pub(crate) fn get(&self) -> Option<Arc<Staged>> {
        self.0.try_lock().ok()?.clone()
    }

    fn set(&self, staged: Arc<Staged>) {
        if let Ok(mut place) = self.0.try_lock() {
            *place = Some(staged);
        }
    }
}

impl Program {
    /// Runs all loops into an output of the result's shape, which no input overlaps. False if there is no machine code for
    /// the layout.
    pub(crate) fn run_stages(
        &self,
        loops: &[CompiledLoop],
        values: &[&View<'_>],
        shapes: &Shapes,
        out: &mut ViewMut<'_>,
        progress: Option<&Progress>,
    ) -> Result<bool, Error> {
        let staged = Arc::new(self.stage(values, shapes, out)?);
        self.recent.set(Arc::clone(&staged));
        self.run_staged(loops, &staged, values, out, progress)
    }

    /// Runs as the last call did, if its arrays lay like these and there is machine code. None otherwise, and nothing is done.
    pub(crate) fn run_again(
        &self,
        loops: &[CompiledLoop],
        values: &[&View<'_>],
        out: &mut ViewMut<'_>,
        progress: Option<&Progress>,
    ) -> Option<Result<(), Error>> {
        let staged = self.recent.get()?;
        if !staged.stages.is_into(out) || staged.shape_for(values).is_none() {
            return None;
        }
        match self.run_staged(loops, &staged, values, out, progress) {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The loops for arrays that lie like these.
    fn stage(&self, values: &[&View<'_>], shapes: &Shapes, out: &ViewMut<'_>) -> Result<Staged, Error> {
        let (graph, plan) = (&self.compiled.graph, &self.compiled.plan);
        let counts: SmallVec<[i64; 4]> = shapes.reductions.iter().map(count).collect();
        let space = |space: &Space| shape_of(space, shapes, values);
        let mut stages = Stages::new(&operands(values, &views_of(&counts)), out);
        for temp in &plan.temps {
            let shape = match &temp.shape {
                TempShape::Of(of) => space(of)?,
                TempShape::Reduced(id) => shapes.reductions[id.index()].kept.clone(),
            };
            // As the inputs are, where they have that shape.
            stages.add_temp(temp.dtype, &shape, &output_order(&shape, values.iter().copied()))?;
        }
        let mut n_elems = 0_usize;
        for group in &plan.loops {
            let shape = match &group.space {
                // An output of more elements is filled by repeating.
                Space::Result => shapes.root.clone(),
                other => space(other)?,
            };
            let inputs: SmallVec<[Operand; 8]> = group
                .inputs
                .iter()
                .map(|&(_, source)| match source {
                    Source::Var(var) => Operand::View(var.0 as usize),
                    Source::Temp(temp) => Operand::Temp(temp.0 as usize, dropped(plan, temp, shapes)),
                    Source::Result => Operand::Result,
                    Source::Count(id) => Operand::View(values.len() + id.index()),
                })
                .collect();
            let dest = |target: Target| match target {
                Target::Result => Dest::Result,
                Target::Temp(temp) => Dest::Temp(temp.0 as usize),
                Target::Folded => Dest::Scratch,
            };
            let outputs: SmallVec<[(DType, Dest); 4]> =
                group.outputs.iter().map(|&(id, target)| (graph.dtype(id), dest(target))).collect();
            let input = |id| group.inputs.iter().position(|&(input, _)| input == id);
            let origin = |id| match (input(id), graph.expr(id)) {
                (Some(input), _) => Some(Origin::Input(input)),
                (None, Expr::Apply(Op::Mul, [a, b, _])) if graph.dtype(id).is_float() => {
                    Some(Origin::Product([input(a)?, input(b)?]))
                }
                _ => None,
            };
            let origins: SmallVec<[Option<Origin>; 4]> = group.outputs.iter().map(|&(id, _)| origin(id)).collect();
            let mut folds: SmallVec<[Fold; 4]> = SmallVec::new();
            for fold in &group.folds {
                let dtype = graph.dtype(group.outputs[fold.output].0);
                let op = along_op(graph.reduction(fold.reduction).op, dtype)
                    .ok_or_else(|| Error::internal("a reduction that does not exist"))?;
                folds.push(Fold { op, value: fold.output, dest: dest(fold.target) });
            }
            let reduced = group.folds.first().map_or(0, |fold| shapes.reductions[fold.reduction.index()].axes.bits());
            let spec =
                Loop { shape: &shape, reduced, inputs: &inputs, values: &outputs, origins: &origins, folds: &folds };
            stages.push(&spec)?;
            n_elems = n_elems.saturating_add(shape.iter().product());
        }
        Ok(Staged { stages, n_elems, shape: shapes.root.clone(), counts })
    }

    fn run_staged(
        &self,
        loops: &[CompiledLoop],
        staged: &Staged,
        values: &[&View<'_>],
        out: &mut ViewMut<'_>,
        progress: Option<&Progress>,
    ) -> Result<bool, Error> {
        if let Some(progress) = progress {
            progress.set_total(staged.n_elems);
        }
        let stages = &staged.stages;
        let mut kernels: SmallVec<[Option<&Kernel>; 4]> = SmallVec::new();
        for (index, compiled) in loops.iter().enumerate() {
            kernels.push(match stages.needs_kernel(index) {
                false => None,
                true => match compiled.kernel(stages.run_kinds(index)) {
                    Ok(kernel) => Some(kernel),
                    Err(Refusal(_)) => return Ok(false),
                },
            });
        }
        let counts = views_of(&staged.counts);
        stages.run(&operands(values, &counts), out, &kernels, &RunOptions { pool: &self.engine.pool, progress })?;
        Ok(true)
    }
}

/// The shape of what a loop iterates over.
fn shape_of(space: &Space, shapes: &Shapes, values: &[&View<'_>]) -> Result<Shape, Error> {
    match space {
        Space::Result => Ok(shapes.root.clone()),
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

/// The axes of a temporary that the text does not see.
fn dropped(plan: &fuse::Plan, temp: fuse::TempId, shapes: &Shapes) -> u32 {
    let of = |id: ReductionId| {
        let reduced = &shapes.reductions[id.index()];
        if reduced.result.len() < reduced.kept.len() { reduced.axes.bits() } else { 0 }
    };
    match plan.temps[temp.0 as usize].shape {
        TempShape::Reduced(id) => of(id),
        TempShape::Of(_) => 0,
    }
}

/// Runs an operation along axes of an array, on its own.
pub(crate) fn reduce_array(
    op: AxisOp,
    reduced: &Reduced,
    values: &View<'_>,
    outcome: &mut ViewMut<'_>,
    pool: &Pool,
) -> Result<(), Error> {
    let dtype = values.dtype();
    let op = along_op(op, dtype).ok_or_else(|| Error::internal("a reduction that does not exist"))?;
    let mut stages = Stages::new(&[values], outcome);
    stages.push(&Loop {
        shape: &reduced.domain,
        reduced: reduced.axes.bits(),
        inputs: &[Operand::View(0)],
        values: &[(dtype, Dest::Scratch)],
        origins: &[Some(Origin::Input(0))],
        folds: &[Fold { op, value: 0, dest: Dest::Result }],
    })?;
    let kernel: Option<Kernel> = stages.needs_kernel(0).then(|| copy_kernel(dtype, stages.run_kinds(0)[0]));
    Ok(stages.run(&[values], outcome, &[kernel.as_ref()], &RunOptions::new(pool))?)
}
