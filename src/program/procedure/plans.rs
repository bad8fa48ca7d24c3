//! Plans of a phase, for calls whose arrays lie as they did.
//!
//! In: where the operands of a phase's loops lie in the given arrays. Out: [`Plans`], by
//! which the loops run on other arrays of the same layouts without views of these.

use super::super::core::Core;
use super::super::elementwise;
use super::super::prepared::Loops;
use crate::compile::Arranged;
use crate::error::Error;
use crate::fuse;
use crate::kernels::CompiledLoop;
use ndexpr_runtime::plan::PartsPlan;
use ndexpr_runtime::view::{Apart, PartLayout};

/// A plan for each loop of a phase whose results are all written directly.
pub(super) struct Plans(Vec<PartsPlan>);

impl Plans {
    /// The plans of loops over arrays of these layouts. `part` tells which of the arrays a variable
    /// of the graph is a part of, and `written` the same of each result. `None` if a loop reads
    /// anything else, or has no machine code for the layout, or if there are reductions.
    pub(super) fn new(
        core: &Core,
        loops: &Loops<'_>,
        arrays: Vec<PartLayout>,
        part: &dyn Fn(usize) -> Option<(usize, PartLayout)>,
        written: &[(usize, PartLayout)],
    ) -> Option<Plans> {
        let fused = &loops.arranged.fused;
        if core.has_reductions() || fused.loops.len() != fused.n_result_loops() {
            return None;
        }
        let input = |source: fuse::Source| match source {
            fuse::Source::View(var) => part(var),
            fuse::Source::Temp(_) | fuse::Source::Result(_) => None,
        };
        let plan = |(compiled, group): (&CompiledLoop, &fuse::Loop)| {
            let inputs: Vec<_> = group.inputs.iter().map(|&(_, source)| input(source)).collect::<Option<_>>()?;
            // The outputs of a loop are in the order of the results.
            let outputs = written.iter().enumerate().filter(|(number, _)| group.writes(*number));
            let outputs: Vec<_> = outputs.map(|(_, part)| part.clone()).collect();
            let plan = PartsPlan::new(outputs.first()?.1.shape(), arrays.clone(), &inputs, &outputs).ok()?;
            compiled.kernel(plan.run_kinds()).is_ok().then_some(plan)
        };
        let compiled = loops.arranged.executable.loops()?;
        compiled.iter().zip(&fused.loops).map(plan).collect::<Option<_>>().map(Plans)
    }

    /// Whether the loops can run on these arrays of a call; `places` are those of the given ones
    /// among them.
    pub(super) fn are_for(&self, arrays: &Apart<'_>, places: &[usize]) -> bool {
        // All plans are for the same arrays, so what is true of one is true of all.
        self.0.first().is_some_and(|plan| plan.is_for(arrays, places))
    }

    /// Runs the loops on arrays of a call. Does nothing if these have other layouts.
    pub(super) fn run(
        &self,
        core: &Core,
        arranged: &Arranged,
        (arrays, places): (&Apart<'_>, &[usize]),
    ) -> Option<Result<(), Error>> {
        for (plan, compiled) in self.0.iter().zip(arranged.executable.loops()?) {
            // If there is none, it is the first one that is missing.
            let plan = plan.at(arrays, places)?;
            match elementwise::run_plan(core, compiled, &plan, None) {
                Ok(true) => {}
                Ok(false) => return Some(Err(Error::internal("a loop that is not compiled any more"))),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(()))
    }
}
