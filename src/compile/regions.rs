//! Loops of each element become code: a kernel that does some iterations at once, and what calls it
//! until no element goes on.
//!
//! In: a graph. Out: the code of each of its regions, or why there is none. Always true: the code
//! of loops within a loop is made first.

use crate::codegen::{self, Generator};
use crate::fuse;
use crate::hir::{Expr, ExprId, Graph, Region, RegionUse};
use crate::opt;
use crate::options::FloatMode;
use crate::outline::{Stores, Variant};
use crate::tape::{self, Inst, Preferences, Tape};
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::function::Callable;
use ndexpr_runtime::region::{self, RegionSpec};
use std::sync::Arc;

/// A kernel does so many iterations at once as have about so many operations.
// Chosen by "iterations-at-once" in docs/measurements.md.
const BODY: usize = 64;

/// The most iterations at once. Elements that have stopped wait for the last one.
const MAX_STEPS: u32 = 8;

/// The code of all regions of a graph.
pub(super) fn compile(
    graph: &Graph,
    generator: &Generator,
    progress: Option<&Progress>,
) -> Result<Vec<Arc<dyn Callable>>, String> {
    let results = graph.region_results();
    let one = |(used, is_result): (&RegionUse, &Vec<bool>)| compile_one(&used.region, is_result, generator, progress);
    graph.regions().iter().zip(&results).map(one).collect()
}

fn compile_one(
    region: &Region,
    is_result: &[bool],
    generator: &Generator,
    progress: Option<&Progress>,
) -> Result<Arc<dyn Callable>, String> {
    let steps = steps_of(region);
    let (mut steps, mut graph, mut tape) = (steps, repeated(region, steps, is_result), None);
    if steps > 1 {
        let built = tape_of(&mut graph, generator)?;
        let has_calls = built.nodes.iter().any(|node| matches!(node.inst, Inst::Call { .. }));
        // What looks like an instruction may be a call on this machine.
        match has_calls {
            true => (steps, graph) = (1, repeated(region, 1, is_result)),
            false => tape = Some(built),
        }
    }
    let mut tape = match tape {
        Some(tape) => tape,
        None => tape_of(&mut graph, generator)?,
    };
    tape.region_code = compile(&graph, generator, progress)?;
    let tells_end = region.ends_within(steps).is_some();
    let mut kinds = vec![RunKind::Contiguous; tape.inputs.len() + tape.outputs.len()];
    if tells_end {
        kinds[tape.inputs.len() - 1] = RunKind::Splat;
    }
    let variant = Variant { kinds: &kinds, stores: Stores::Ordinary };
    let body = codegen::compile(&tape, variant, generator, progress).map_err(|refusal| refusal.0)?;
    let vars = region.body.vars().iter().map(|var| var.ty.dtype);
    let spec = RegionSpec {
        body: Arc::new(body),
        carried: vars.clone().take(region.n_carried).collect(),
        invariants: vars.skip(region.n_carried).collect(),
        steps,
        max_iterations: region.max_iterations,
        limit: region.limit,
        tells_end,
        label: region.span.start,
    };
    let code = region::Region::new(spec).map_err(|error| format!("a loop of each element: {error}"))?;
    Ok(Arc::new(code))
}

/// How many iterations a kernel does at once. Calls take so long that it does one.
fn steps_of(region: &Region) -> u32 {
    let body = &region.body;
    let live = body.live();
    let is_done = |id: &ExprId| live[id.index()] && !matches!(body.expr(*id), Expr::Var(_) | Expr::Const(_));
    if body.ids().filter(is_done).any(|id| body.is_call(id)) {
        return 1;
    }
    let n_operations = body.ids().filter(is_done).count().max(1);
    let steps = (BODY / n_operations).clamp(1, MAX_STEPS as usize) as u32;
    // Best the limit is reached between calls.
    let divides = |steps: &u32| region.ends_within(*steps).is_none();
    (steps.div_ceil(2)..=steps).rev().find(divides).unwrap_or(steps)
}

/// Some iterations of a region. Its body has been optimised as the caller asks for it.
fn repeated(region: &Region, steps: u32, is_result: &[bool]) -> Graph {
    opt::run(&region.repeated(steps, is_result), FloatMode::Strict)
}

/// The tape of iterations, whose operands are all variables and all roots.
fn tape_of(graph: &mut Graph, generator: &Generator) -> Result<Tape, String> {
    let group = fuse::whole(graph);
    let preferences = Preferences { iterates: true, ..generator.target().machine().preferences() };
    let tape = tape::build(graph, &group, preferences)
        .ok_or_else(|| "a loop of each element needs more scratch than a thread has".to_owned())?;
    match tape::verify(&tape) {
        Ok(()) => Ok(tape),
        Err(why) => {
            debug_assert!(false, "{why}");
            Err(format!("a defect of the compiler, please report it: {why}"))
        }
    }
}
