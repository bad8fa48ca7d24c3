//! The kernels of a loop: one for each layout that has come up, compiled when first asked for and
//! found without a lock.
//!
//! No thread waits while another one compiles. With `OnceLock` it would wait: in a child that is
//! forked meanwhile, the other thread does not exist, and the wait would never end. If two threads
//! compile the same kernel, both results are right.

use crate::along::along_op;
use crate::codegen::{self, Generator, Refusal};
use crate::fuse;
use crate::hir::Graph;
use crate::outline::{Stores, Variant};
use crate::tape::{self, Folds, Node, Tape};
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::exec::{Kernel, LeafUse, Progress};
use ndexpr_runtime::plan::{Input, Known, Plan, PlanError};
use ndexpr_runtime::reduce::{AlongOp, Reducer};
use ndexpr_runtime::view::ViewMut;
use once_cell::race::OnceBox;
use smallvec::SmallVec;
use std::sync::Mutex;

/// The number of layouts that have a kernel of their own, in one program. All further layouts run a
/// kernel for any strides, so neither memory nor the search for a kernel grows without a bound.
const MAX_LAYOUTS: usize = 64;

/// A loop, and its kernels for the layouts that have come up.
pub(crate) struct CompiledLoop {
    pub(crate) tape: Tape,
    generator: Generator,
    /// What becomes of the outputs, if they are reduced.
    folds: Option<Folds>,
    /// The run kinds of the most likely layout, and its kernel.
    expected: SmallVec<[RunKind; 8]>,
    of_expected: OnceBox<OfLayout>,
    /// As in [`OfLayout`].
    leaves_of_expected: [OnceBox<Result<Kernel, Refusal>>; 2],
    others: boxcar::Vec<OfLayout>,
    max_layouts: usize,
    /// The kernel for any strides.
    of_any: OnceBox<OfLayout>,
    /// How the operands of the last plan lay.
    recent: Mutex<Option<Box<Known>>>,
}

/// The kernel for one layout.
struct OfLayout {
    kinds: SmallVec<[RunKind; 8]>,
    kernel: Result<Kernel, Refusal>,
    /// The same kernel with stores past the caches, made when first asked for. The second one is
    /// for long runs.
    streaming: [OnceBox<Result<Kernel, Refusal>>; 2],
    /// The kernel that accumulates whole leaves, with ordinary stores and with stores past the
    /// caches, made when first asked for.
    leaves: [OnceBox<Result<Kernel, Refusal>>; 2],
}

/// The run kinds of contiguous arrays and scalars, the most likely layout of a loop's operands.
pub(crate) fn expected_kinds(graph: &Graph, group: &fuse::Loop) -> SmallVec<[RunKind; 8]> {
    let is_scalar = group.outputs.iter().all(|&(id, _)| graph.is_scalar(id));
    let inputs = group.inputs.iter().map(|&(id, _)| match graph.is_scalar(id) && !is_scalar {
        true => RunKind::Splat,
        false => RunKind::Contiguous,
    });
    let outputs = group.outputs.iter().map(|_| RunKind::Contiguous);
    inputs.chain(outputs).collect()
}

/// What becomes of the outputs of a loop; `None` if none is reduced, or one is scanned.
fn folds_of(graph: &Graph, group: &fuse::Loop) -> Option<Folds> {
    let reducer = |fold: &fuse::Fold| match along_op(graph.reduction(fold.reduction).op)? {
        AlongOp::Reduce(op) => Some((Reducer::new(op, graph.dtype(group.outputs[fold.output].0))?, fold.output)),
        AlongOp::Scan(_) => None,
    };
    let reducers: Vec<(Reducer, usize)> = group.folds.iter().map(reducer).collect::<Option<_>>()?;
    let is_kept = group.outputs.iter().map(|(_, dest)| dest.is_some()).collect();
    (!reducers.is_empty()).then_some(Folds { reducers, is_kept })
}

impl CompiledLoop {
    pub(crate) fn new(tape: Tape, graph: &Graph, group: &fuse::Loop, generator: &Generator) -> CompiledLoop {
        let expected = expected_kinds(graph, group);
        CompiledLoop {
            tape,
            generator: generator.clone(),
            folds: folds_of(graph, group),
            expected,
            of_expected: OnceBox::new(),
            leaves_of_expected: Default::default(),
            others: boxcar::Vec::new(),
            max_layouts: MAX_LAYOUTS,
            of_any: OnceBox::new(),
            recent: Mutex::new(None),
        }
    }

    /// Runs a plan, which is made quickly if its operands lie as those of the last one. `run` gets
    /// the plan.
    pub(crate) fn with_plan<R>(
        &self,
        shape: &[usize],
        inputs: &[Input<'_, '_>],
        outputs: &mut [ViewMut<'_>],
        run: impl FnOnce(&Plan<'_>) -> R,
    ) -> Result<R, PlanError> {
        // Nobody waits for it: a thread that finds it in use makes its own.
        let mut known = self.recent.try_lock().ok().and_then(|mut recent| recent.take());
        let done = Plan::as_known(&mut known, shape, inputs, outputs).map(|plan| run(&plan));
        if let Ok(mut recent) = self.recent.try_lock() {
            *recent = known;
        }
        done
    }

    /// The run kinds of contiguous arrays and scalars.
    pub(crate) fn expected_kinds(&self) -> &[RunKind] {
        &self.expected
    }

    /// Compiles the loop for contiguous arrays and scalars, unless the progress stops it.
    ///
    /// # Errors
    ///
    /// As [`codegen::compile`].
    pub(crate) fn prepare(&self, progress: Option<&Progress>) -> Result<(), Refusal> {
        let layout = self.of_expected.get_or_init(|| Box::new(self.compile(&self.expected, progress)));
        layout.kernel.as_ref().map(|_| ()).map_err(Refusal::clone)
    }

    /// The kernel for operands of these run kinds, compiled when first asked for.
    pub(crate) fn kernel(&self, kinds: &[RunKind]) -> &Result<Kernel, Refusal> {
        &self.of_layout(kinds).kernel
    }

    /// The kernel that writes a plan's results past the caches, if that is worth it and there is
    /// one.
    pub(crate) fn streaming_kernel(&self, plan: &Plan<'_>) -> Option<&Kernel> {
        if !plan.is_worth_streaming() {
            return None;
        }
        let (kinds, has_long_runs) = (plan.run_kinds(), plan.has_long_runs());
        let stores = if has_long_runs { Stores::StreamingLong } else { Stores::Streaming };
        let layout = self.of_layout(kinds);
        // The kernel for any strides is not for this layout alone.
        if *layout.kinds != *kinds {
            return None;
        }
        let make = || Box::new(codegen::compile(&self.tape, Variant { kinds, stores }, &self.generator, None));
        layout.streaming[usize::from(has_long_runs)].get_or_init(make).as_ref().ok()
    }

    /// The kernel that accumulates whole leaves of what the loop reduces, if there is one for
    /// operands of these run kinds.
    pub(crate) fn leaf_kernel(&self, kinds: &[RunKind], leaf_use: LeafUse) -> Option<&Kernel> {
        let folds = self.folds.as_ref()?;
        let layout = match *kinds == *self.expected {
            // The loop itself may run without a kernel.
            true => &self.leaves_of_expected,
            false => &self.of_other_layout(kinds).leaves,
        };
        let make = || {
            let refused = || Refusal("its leaves are reduced by way of memory".to_owned());
            let made = tape::accumulating(&self.tape, folds, kinds).ok_or_else(refused);
            let compile = |(tape, kinds): (Tape, Vec<RunKind>)| {
                tape::verify(&tape).map_err(Refusal)?;
                let stores = if leaf_use.streams { Stores::StreamingLeaves } else { Stores::Ordinary };
                codegen::compile(&tape, Variant { kinds: &kinds, stores }, &self.generator, None)
            };
            Box::new(made.and_then(compile))
        };
        layout[usize::from(leaf_use.streams)].get_or_init(make).as_ref().ok()
    }

    fn of_layout(&self, kinds: &[RunKind]) -> &OfLayout {
        match *kinds == *self.expected {
            true => self.of_expected.get_or_init(|| Box::new(self.compile(kinds, None))),
            false => self.of_other_layout(kinds),
        }
    }

    #[cold]
    fn of_other_layout(&self, kinds: &[RunKind]) -> &OfLayout {
        if let Some((_, found)) = self.others.iter().find(|(_, other)| *other.kinds == *kinds) {
            return found;
        }
        // Threads that come at the same time may each add one.
        if self.others.count() + 1 < self.max_layouts {
            return &self.others[self.others.push(self.compile(kinds, None))];
        }
        let any: SmallVec<[RunKind; 8]> = kinds.iter().map(|_| RunKind::Strided).collect();
        self.of_any.get_or_init(|| Box::new(self.compile(&any, None)))
    }

    fn compile(&self, kinds: &[RunKind], progress: Option<&Progress>) -> OfLayout {
        let variant = Variant { kinds, stores: Stores::Ordinary };
        let kernel = codegen::compile(&self.tape, variant, &self.generator, progress);
        let [streaming, leaves] = Default::default();
        OfLayout { kinds: SmallVec::from_slice(kinds), kernel, streaming, leaves }
    }

    /// About how many bytes of memory the loop takes, with the machine code of all layouts.
    pub(crate) fn n_bytes(&self) -> usize {
        /// A kernel takes whole pages, for code and for what Cranelift keeps of it.
        const PAGES: usize = 2 * 4096;
        const CODE_PER_NODE: usize = 128;

        let n_nodes = self.tape.nodes.len();
        let of_leaves = self.layouts().flat_map(|layout| &layout.leaves).chain(&self.leaves_of_expected);
        let n_kernels = self.layouts().count() + of_leaves.filter(|kernel| kernel.get().is_some()).count();
        n_nodes * size_of::<Node>() + n_kernels * (PAGES + n_nodes * CODE_PER_NODE)
    }

    /// The layouts that there are kernels for.
    fn layouts(&self) -> impl Iterator<Item = &OfLayout> {
        let others = self.others.iter().map(|(_, other)| other);
        self.of_expected.get().into_iter().chain(others).chain(self.of_any.get())
    }

    pub(crate) fn first_refusal(&self) -> Option<&Refusal> {
        self.layouts().find_map(|layout| layout.kernel.as_ref().err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{self, Setting};
    use crate::options::{CompileOptions, Registers};
    use crate::resolve::Registry;
    use crate::vars::{Signature, VarType};
    use ndarray::{Array1, ArrayView1, s};
    use ndexpr_runtime::dtype::DType;
    use ndexpr_runtime::exec::{self, RunOptions};
    use ndexpr_runtime::pool::Pool;
    use ndexpr_runtime::view::View;

    const N: usize = 100;

    /// Every `step`th element. With step 0, the first one stands for all.
    fn every(memory: &Array1<f64>, step: usize) -> ArrayView1<'_, f64> {
        match step {
            0 => memory.slice(s![..1]),
            1 => memory.slice(s![..N]),
            _ => memory.slice(s![..;2]),
        }
    }

    #[test]
    fn more_layouts_than_are_kept_share_a_kernel() {
        let Some(generator) = Generator::for_host(Registers::Widest) else { return };
        let options = CompileOptions::default();
        let setting = Setting { options: &options, registry: &Registry::empty() };
        let names = ["a", "b", "c", "d"];
        let array = VarType::array(DType::Float64);
        let signature = names.iter().fold(Signature::new(), |signature, &name| signature.with(name, array));
        let resolved =
            compile::resolve_evaluation("a*b + sin(c) - d", &signature, setting, &mut compile::Clock::start())
                .expect("an expression");
        let graph = compile::lower(&resolved, &signature, &None, setting).expect("an expression of arrays");
        let fused = fuse::fuse(&graph, &fuse::Alike::certain(&graph));
        let tape = compile::build_tapes(&graph, &fused, generator.target()).expect("a tape").remove(0);
        let compiled = CompiledLoop { max_layouts: 4, ..CompiledLoop::new(tape, &graph, &fused.loops[0], &generator) };
        let memory: [Array1<f64>; 4] =
            std::array::from_fn(|k| (0..2 * N).map(|i| ((i * (k + 3)) % 17) as f64 / 4.0).collect());
        let pool = Pool::new(1).expect("one thread");
        for round in 0..2 {
            for layout in 0..81_usize {
                let steps: [usize; 4] = std::array::from_fn(|k| layout / 3_usize.pow(k as u32) % 3);
                let of_variable = |name: &str| names.iter().position(|known| *known == name).expect("a variable");
                let arrays: Vec<ArrayView1<'_, f64>> = (compiled.tape.inputs.iter())
                    .map(|input| of_variable(&input.name))
                    .map(|k| every(&memory[k], steps[k]))
                    .collect();
                let inputs: Vec<View<'_>> = arrays.iter().map(View::from).collect();
                let mut found = vec![0.0; N];
                let mut outputs = [ViewMut::from(&mut found[..])];
                let plan = Plan::new(&[N], &inputs, &mut outputs).expect("a plan");
                let kernel = compiled.kernel(plan.run_kinds()).as_ref().expect("a kernel");
                exec::run(&plan, kernel, &RunOptions::new(&pool)).expect("a run");
                drop(plan);
                for (i, &found) in found.iter().enumerate() {
                    let [a, b, c, d] = std::array::from_fn(|k| memory[k][i * steps[k]]);
                    let expected = a * b + c.sin() - d;
                    assert!((found - expected).abs() < 1e-14, "round {round}, steps {steps:?}, element {i}");
                }
            }
            // There are as many layouts as are kept, and the one for any strides.
            assert_eq!(compiled.layouts().count(), 5);
        }
    }
}
