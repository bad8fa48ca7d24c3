//! Programs: compiled expressions, and how they run on a call's variables.

use crate::array::FromResult;
use crate::codegen::{self, Refusal, Target};
use crate::driver::{self, Compiled, Stage};
use crate::engine::Shared;
use crate::error::Error;
use crate::fuse::{self, Source};
use crate::hir::{self, VarId};
use crate::interp;
use crate::kernels::CompiledLoop;
use crate::options::Backend;
use crate::outputs::{OutputPool, Pooled};
use crate::shape;
use crate::staged::Recent;
use crate::vars::{Signature, Var, VarType, Vars};
use ndexpr_grammar::Span;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::exec::{self, Progress, RunOptions};
use ndexpr_runtime::memory::{self, Output, OwnedCopy};
use ndexpr_runtime::plan::{Input, Plan, output_order};
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::view::{BroadcastError, Overlap, View, ViewMut, broadcast_shapes};
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Duration;

/// The inputs of a call, without a heap for the usual number of variables. None is the output as it was.
/// Large, so it is filled where it is: a small call feels each time that it moves.
type Inputs<'a> = SmallVec<[Option<View<'a>>; 8]>;

/// Copies of some inputs, with their numbers.
type Copies = Vec<(usize, OwnedCopy)>;

/// A compiled expression: immutable, and may run on many threads at once.
///
/// ```
/// use ndexpr::{DType, Engine, Signature, VarType, vars};
///
/// let engine = Engine::builder().threads(2).build()?;
/// let signature = Signature::new()
///     .with("a", VarType::array(DType::Float64))
///     .with("b", VarType::array(DType::Float64));
/// let program = engine.compile("a + b*2", &signature)?;
///
/// let (a, b) = (ndarray::array![1.0, 2.0], ndarray::array![10.0, 20.0]);
/// let mut out = ndarray::Array1::<f64>::zeros(2);
/// program.run(&vars! { a, b }, &mut out)?;
/// assert_eq!(out, ndarray::array![21.0, 42.0]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub struct Program {
    text: Arc<str>,
    signature: Signature,
    pub(crate) compiled: Compiled,
    pub(crate) engine: Arc<Shared>,
    /// The stages of the last call, if it has reductions.
    pub(crate) recent: Recent,
}

/// What a fresh result looks like; see [`Program::result_layout`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    shape: shape::Shape,
    order: shape::Shape,
}

impl Layout {
    /// The extents, outermost axis first; none for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The axes as they should lie in memory, from outermost to innermost: that suits the inputs.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }
}

/// What runs.
pub(crate) enum Executable {
    Jit { loops: Vec<CompiledLoop> },
    Interp { reason: String },
}

impl Program {
    pub(crate) fn new(text: &str, signature: &Signature, engine: Arc<Shared>) -> Result<Program, Error> {
        let compiled = driver::compile(text, signature, &engine.options).map_err(|error| error.in_text(text))?;
        Ok(Program { text: text.into(), signature: signature.clone(), compiled, engine, recent: Recent::default() })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The types of the variables that it was compiled for.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The variables that the text uses, in the order in which it first names them.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = (&str, VarType)> {
        self.compiled.graph.vars().iter().map(|var| (var.name.as_str(), var.ty))
    }

    /// The dtype of the result.
    #[must_use]
    pub fn result_dtype(&self) -> DType {
        self.compiled.graph.dtype(self.compiled.graph.root())
    }

    /// What runs the program: the interpreter, if the engine was told to or machine code could not be made.
    #[must_use]
    pub fn backend(&self) -> Backend {
        if self.fallback_reason().is_some() { Backend::Interp } else { Backend::Jit }
    }

    /// Why the program, or a layout that it has been run with, is interpreted. None if it is not.
    #[must_use]
    pub fn fallback_reason(&self) -> Option<&str> {
        match &self.compiled.executable {
            Executable::Interp { reason } => Some(reason),
            Executable::Jit { loops } => {
                loops.iter().find_map(CompiledLoop::first_refusal).map(|refusal| refusal.0.as_str())
            }
        }
    }

    /// How long each stage took when the program was compiled. `Asm` is the code generation, `Clif` included.
    #[must_use]
    pub fn compile_times(&self) -> &[(Stage, Duration)] {
        &self.compiled.times
    }

    /// The shape of the result for these variables.
    ///
    /// # Errors
    ///
    /// If a variable is missing or of another type than compiled for, or the shapes do not broadcast.
    pub fn result_shape(&self, vars: &Vars<'_>) -> Result<Vec<usize>, Error> {
        Ok(self.fresh_layout(vars)?.shape.to_vec())
    }

    /// The memory order of a fresh result for these variables: its axes from outermost to innermost.
    ///
    /// # Errors
    ///
    /// As [`Program::result_shape`].
    pub fn result_order(&self, vars: &Vars<'_>) -> Result<Vec<usize>, Error> {
        Ok(self.fresh_layout(vars)?.order.to_vec())
    }

    fn fresh_layout(&self, vars: &Vars<'_>) -> Result<Layout, Error> {
        let mut inputs = Inputs::new();
        let layout = self.inputs(vars, None, &mut inputs).and_then(|()| self.layout_of(&inputs));
        layout.map_err(|error| error.in_text(&self.text))
    }

    fn layout_of(&self, inputs: &Inputs<'_>) -> Result<Layout, Error> {
        let shape = self.broadcast(inputs, &[])?;
        let order = order_of(&shape, inputs);
        Ok(Layout { shape, order })
    }

    /// The shape and memory order of a fresh result for these values of the variables, in the order of
    /// [`Program::variables`].
    ///
    /// # Errors
    ///
    /// As [`Program::result_shape`], and if there are more or fewer values than variables.
    pub fn result_layout(&self, values: &[Var<'_>]) -> Result<Layout, Error> {
        if let Some(layout) = self.plain_layout(values) {
            return Ok(layout);
        }
        let mut inputs = Inputs::new();
        let layout = self.inputs_in_order(values, None, &mut inputs).and_then(|()| self.layout_of(&inputs));
        layout.map_err(|error| error.in_text(&self.text))
    }

    /// The layout where it can be told at a glance, as it can in the small calls that feel it: numbers, and vectors of one
    /// length. None also if something is wrong.
    fn plain_layout(&self, values: &[Var<'_>]) -> Option<Layout> {
        let vars = self.compiled.graph.vars();
        if self.has_reductions() || values.len() != vars.len() {
            return None;
        }
        let mut shape: &[usize] = &[];
        for (var, value) in vars.iter().zip(values) {
            if value.ty().dtype != var.ty.dtype || !var.must_fit.is_empty() {
                return None;
            }
            match (value.as_view(), shape) {
                (None, _) if !value.is_output() => {}
                (Some(array), _) if var.ty.is_scalar || array.n_axes() > 1 => return None,
                (Some(array), []) => shape = array.shape(),
                (Some(array), known) if array.shape() == known => {}
                _ => return None,
            }
        }
        // No axis or one.
        let order = &[0][..shape.len()];
        Some(Layout { shape: shape::Shape::from_slice(shape), order: shape::Shape::from_slice(order) })
    }

    /// Runs into an output as [`Program::run_with`] does, on values of the variables in the order of
    /// [`Program::variables`]: for callers that have looked the names up before.
    ///
    /// ```
    /// use ndexpr::{DType, Engine, Signature, Var, VarType};
    ///
    /// let signature = Signature::new().with("a", VarType::array(DType::Float64)).with("b", VarType::array(DType::Float64));
    /// let program = Engine::global().compile("b*10 + a", &signature)?;
    /// let (a, b) = ([1.0, 2.0], [3.0, 4.0]);
    /// let values = [Var::from(&b), Var::from(&a)];                    // as the text first names them
    /// assert_eq!(program.result_layout(&values)?.shape(), [2]);
    /// let mut out = [0.0; 2];
    /// program.run_in_order(&values, &mut out[..], None)?;
    /// assert_eq!(out, [31.0, 42.0]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Program::run_with`], and if there are more or fewer values than variables.
    pub fn run_in_order<'o>(
        &self,
        values: &[Var<'_>],
        out: impl Into<ViewMut<'o>>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        let mut out = out.into();
        if progress.is_none()
            && values.len() == self.compiled.graph.vars().len()
            && let Some(done) = self.run_short(|place, _| values.get(place), &mut out)
        {
            return done.map_err(|error| error.in_text(&self.text));
        }
        let mut copies = Copies::new();
        let mut inputs = Inputs::new();
        let done = match self.inputs_in_order(values, Some(&out), &mut inputs) {
            Ok(()) => self.run_inputs(&mut inputs, &mut copies, &mut out, progress),
            Err(error) => Err(error),
        };
        done.map_err(|error| error.in_text(&self.text))
    }

    /// Runs into an output: any array or view of the result's dtype, of the result's shape or one that it broadcasts
    /// to. The output may be one of the inputs, or overlap them.
    ///
    /// With up to 8 variables and without reductions this allocates nothing once a layout has been seen, but what a thread
    /// needs when it starts. An input that overlaps the output without being it is copied first.
    ///
    /// # Errors
    ///
    /// If a variable is missing or of another type than compiled for, shapes do not broadcast, or the output does not fit.
    pub fn run<'o>(&self, vars: &Vars<'_>, out: impl Into<ViewMut<'o>>) -> Result<(), Error> {
        self.run_with(vars, out, None)
    }

    /// As [`Program::run`], telling how far it is; the progress may also stop it.
    ///
    /// # Errors
    ///
    /// As [`Program::run`], and if it is cancelled.
    pub fn run_with<'o>(
        &self,
        vars: &Vars<'_>,
        out: impl Into<ViewMut<'o>>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        self.run_into(vars, out.into(), progress).map_err(|error| error.in_text(&self.text))
    }

    fn run_into(&self, vars: &Vars<'_>, mut out: ViewMut<'_>, progress: Option<&Progress>) -> Result<(), Error> {
        if progress.is_none()
            && let Some(done) = self.run_short(|place, name| vars.get_near(name, place), &mut out)
        {
            return done;
        }
        self.run_planned(vars, &mut out, progress)
    }

    /// Apart from short calls, which would feel what this puts on the stack.
    #[inline(never)]
    fn run_planned(&self, vars: &Vars<'_>, out: &mut ViewMut<'_>, progress: Option<&Progress>) -> Result<(), Error> {
        let mut copies = Copies::new();
        let mut inputs = Inputs::new();
        self.inputs(vars, Some(out), &mut inputs)?;
        self.run_inputs(&mut inputs, &mut copies, out, progress)
    }

    /// `copies` is where copies of inputs are kept meanwhile.
    fn run_inputs<'v>(
        &self,
        inputs: &mut Inputs<'v>,
        copies: &'v mut Copies,
        out: &mut ViewMut<'_>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        if out.dtype() != self.result_dtype() {
            return Err(self.dtype_error(out.dtype()));
        }
        let shape = self.broadcast(inputs, out.shape())?;
        if !shape::broadcasts_to(&shape, out.shape()) {
            return Err(Error::output_shape(&shape, out.shape()));
        }
        copy_overlapping(inputs, out, self.has_reductions(), copies)?;
        for (input, copy) in &*copies {
            inputs[*input] = Some(copy.view());
        }
        if self.has_reductions() && shape[..] != *out.shape() {
            let mut result = Output::new(self.result_dtype(), &shape, &order_of(&shape, inputs))?;
            self.execute(inputs, &mut result.view_mut(), progress)?;
            return Ok(memory::copy_into(&result.view(), out)?);
        }
        self.execute(inputs, out, progress)
    }

    pub(crate) fn has_reductions(&self) -> bool {
        !self.compiled.graph.reductions().is_empty()
    }

    /// Runs into a fresh array, whose memory order follows the inputs'.
    ///
    /// # Errors
    ///
    /// As [`Program::run`], and if the result is not of the type asked for, or there is no memory for it.
    pub fn evaluate<R: FromResult>(&self, vars: &Vars<'_>) -> Result<R, Error> {
        self.evaluate_fresh(vars).map_err(|error| error.in_text(&self.text))
    }

    /// As [`Program::evaluate`], in memory of a pool, which gets it back when the result is dropped.
    ///
    /// # Errors
    ///
    /// As [`Program::evaluate`].
    pub fn evaluate_pooled<'p>(&self, vars: &Vars<'_>, pool: &'p OutputPool) -> Result<Pooled<'p>, Error> {
        let evaluate = || {
            let mut inputs = Inputs::new();
            self.inputs(vars, None, &mut inputs)?;
            let Layout { shape, order } = self.layout_of(&inputs)?;
            let mut result = pool.take(self.result_dtype(), &shape, &order)?;
            self.execute(&inputs, &mut result.view_mut(), None)?;
            Ok(result)
        };
        evaluate().map_err(|error: Error| error.in_text(&self.text))
    }

    fn evaluate_fresh<R: FromResult>(&self, vars: &Vars<'_>) -> Result<R, Error> {
        if let Some(expected) = R::DTYPE
            && expected != self.result_dtype()
        {
            return Err(self.dtype_error(expected));
        }
        if let Some(result) = self.evaluate_short(vars) {
            return result;
        }
        let mut inputs = Inputs::new();
        self.inputs(vars, None, &mut inputs)?;
        let Layout { shape, order } = self.layout_of(&inputs)?;
        if let Some(rank) = R::RANK
            && rank != shape.len()
        {
            return Err(Error::result_rank(rank, shape.len()));
        }
        let mut output = Output::new(self.result_dtype(), &shape, &order)?;
        self.execute(&inputs, &mut output.view_mut(), None)?;
        R::from_output(output)
    }

    fn dtype_error(&self, expected: DType) -> Error {
        let whole = self.compiled.ast[self.compiled.ast.root()].span;
        Error::result_dtype(expected, self.result_dtype(), Some((whole, &self.text)))
    }

    /// The values of the graph's variables, in order.
    fn inputs<'v>(&self, vars: &'v Vars<'_>, out: Option<&ViewMut<'_>>, inputs: &mut Inputs<'v>) -> Result<(), Error> {
        for var in self.compiled.graph.vars() {
            let Some(value) = vars.get(&var.name) else {
                return Err(Error::missing_variable(&var.name, self.first_use(&var.name)));
            };
            inputs.push(self.input(var, value, out)?);
        }
        Ok(())
    }

    /// As [`Program::inputs`], of values in the order of the variables.
    fn inputs_in_order<'v>(
        &self,
        values: &'v [Var<'_>],
        out: Option<&ViewMut<'_>>,
        inputs: &mut Inputs<'v>,
    ) -> Result<(), Error> {
        let vars = self.compiled.graph.vars();
        if values.len() != vars.len() {
            return Err(Error::value_count(vars.len(), values.len()));
        }
        for (var, value) in vars.iter().zip(values) {
            inputs.push(self.input(var, value, out)?);
        }
        Ok(())
    }

    /// The value of a variable, of the type that the program was compiled for.
    fn input<'v>(
        &self,
        var: &hir::Var,
        value: &'v Var<'_>,
        out: Option<&ViewMut<'_>>,
    ) -> Result<Option<View<'v>>, Error> {
        let span = || self.first_use(&var.name);
        let view = value.view();
        let (dtype, n_axes) = match (&view, out) {
            (Some(view), _) => (view.dtype(), view.n_axes()),
            (None, Some(out)) => (out.dtype(), out.n_axes()),
            (None, None) => return Err(Error::no_output(&var.name, span())),
        };
        if dtype != var.ty.dtype || (var.ty.is_scalar && n_axes > 0) {
            return Err(Error::variable_type(&var.name, var.ty, dtype, n_axes, span()));
        }
        if !var.must_fit.is_empty()
            && let Some(value) = view.as_ref().and_then(|view| view.read(&[])).and_then(int_value)
            && let Some(dtype) = var.must_fit.iter().find(|&dtype| !hir::fits(value, dtype))
        {
            return Err(Error::weak_out_of_range(&var.name, value, dtype, span()));
        }
        Ok(view)
    }

    fn first_use(&self, name: &str) -> Option<Span> {
        shape::first_use(&self.compiled.ast, name)
    }

    /// The shape of the result. All variables of the text take part, whatever became of them; those in reductions do so
    /// through the reductions' shapes.
    /// `out_shape` is that of variables that are the output.
    fn broadcast(&self, inputs: &[Option<View<'_>>], out_shape: &[usize]) -> Result<shape::Shape, Error> {
        if self.has_reductions() {
            if let Some(recent) = self.recent.get()
                && let Some(values) = all_views(inputs)
                && let Some(shape) = recent.shape_for(&values)
            {
                return Ok(shape.clone());
            }
            return Ok(self.shapes(inputs, out_shape)?.root);
        }
        let shapes = inputs.iter().map(|input| input.as_ref().map_or(out_shape, View::shape));
        broadcast_shapes(shapes).map_err(|error| self.conflict(inputs, out_shape, &error))
    }

    /// The shapes of the result and of all reductions for these variables.
    pub(crate) fn shapes_of(&self, vars: &Vars<'_>) -> Result<shape::Shapes, Error> {
        let mut inputs = Inputs::new();
        let shapes = self.inputs(vars, None, &mut inputs).and_then(|()| self.shapes(&inputs, &[]));
        shapes.map_err(|error| error.in_text(&self.text))
    }

    /// The threads that it runs on.
    pub(crate) fn pool(&self) -> &Pool {
        &self.engine.pool
    }

    /// The shapes of the result and of all reductions, as [`Program::broadcast`].
    fn shapes(&self, inputs: &[Option<View<'_>>], out_shape: &[usize]) -> Result<shape::Shapes, Error> {
        let shape_of = |var: VarId| inputs[var.0 as usize].as_ref().map_or(out_shape, View::shape);
        shape::infer(&self.compiled.graph, shape_of).map_err(|failure| match failure {
            shape::Failure::Broadcast(error) => self.conflict(inputs, out_shape, &error),
            shape::Failure::Reduction(error) => error,
        })
    }

    /// Which parts of the text do not broadcast.
    fn conflict(&self, inputs: &[Option<View<'_>>], out_shape: &[usize], error: &BroadcastError) -> Error {
        let shape_of = |name: &str| {
            let var = self.compiled.graph.vars().iter().position(|var| var.name == name)?;
            Some(inputs[var].as_ref().map_or(out_shape, View::shape))
        };
        shape::conflict(&self.compiled.ast, &shape_of).unwrap_or_else(|| Error::internal(error))
    }

    fn execute(
        &self,
        values: &[Option<View<'_>>],
        out: &mut ViewMut<'_>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        if let Some(progress) = progress {
            progress.set_total(out.n_elems());
        }
        if self.has_reductions() {
            return self.execute_stages(values, out, progress);
        }
        let Executable::Jit { loops } = &self.compiled.executable else {
            return interp::run(&self.compiled.graph, values, out, progress);
        };
        // One element each, as bytes.
        let mut temps: SmallVec<[[u8; 8]; 4]> = SmallVec::from_elem([0; 8], self.compiled.plan.temps.len());
        let (last, before) = loops.split_last().ok_or_else(|| Error::internal("a program without a loop"))?;
        for (compiled, group) in before.iter().zip(&self.compiled.plan.loops) {
            self.run_scalar_loop(compiled, group, values, &mut temps)?;
        }
        let group = &self.compiled.plan.loops[before.len()];
        let temps = self.temp_views(&temps)?;
        let mut inputs: SmallVec<[Input<'_, '_>; 8]> = SmallVec::new();
        for &(_, source) in &group.inputs {
            inputs.push(input_of(source, values, &temps)?);
        }
        let shape: shape::Shape = out.shape().into();
        let mut outputs = [out.reborrow()];
        let plan = Plan::in_place(&shape, &inputs, &mut outputs)?;
        match last.kernel(plan.run_kinds()) {
            Ok(kernel) => {
                let options = RunOptions { pool: &self.engine.pool, progress };
                Ok(exec::run_streaming(&plan, kernel, last.streaming_kernel(&plan), &options)?)
            }
            Err(_) => {
                drop(plan);
                interp::run(&self.compiled.graph, values, out, progress)
            }
        }
    }

    /// Runs what has reductions, into an output of the result's shape; no input is the output.
    fn execute_stages(
        &self,
        values: &[Option<View<'_>>],
        out: &mut ViewMut<'_>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        let views = all_views(values).ok_or_else(|| Error::internal("an output that is an input of a reduction"))?;
        if let Executable::Jit { loops } = &self.compiled.executable
            && let Some(done) = self.run_again(loops, &views, out, progress)
        {
            return done;
        }
        let shapes = self.shapes(values, out.shape())?;
        if let Executable::Jit { loops } = &self.compiled.executable
            && self.run_stages(loops, &views, &shapes, out, progress)?
        {
            return Ok(());
        }
        let values: SmallVec<[View<'_>; 8]> = views.into_iter().cloned().collect();
        interp::run_reductions(&self.compiled.graph, &values, &shapes, out, &self.engine.pool, progress)
    }

    /// Computes values that are the same for all elements.
    fn run_scalar_loop(
        &self,
        compiled: &CompiledLoop,
        group: &fuse::Loop,
        values: &[Option<View<'_>>],
        temps: &mut [[u8; 8]],
    ) -> Result<(), Error> {
        let mut inputs: SmallVec<[View<'_>; 8]> = SmallVec::new();
        for &(_, source) in &group.inputs {
            // Scalars all, so none is the output.
            if let Input::View(view) = input_of(source, values, &[])? {
                inputs.push(view.clone());
            }
        }
        let mut outputs: SmallVec<[ViewMut<'_>; 4]> = SmallVec::new();
        // The targets of the only loop before the last are all temporaries, in order.
        for (bytes, temp) in temps.iter_mut().zip(&self.compiled.plan.temps) {
            outputs.push(ViewMut::from_bytes_mut(bytes, temp.dtype, &[], &[], 0)?);
        }
        let plan = Plan::new(&[], &inputs, &mut outputs)?;
        match compiled.kernel(plan.run_kinds()) {
            Ok(kernel) => Ok(exec::run(&plan, kernel, &RunOptions::new(&self.engine.pool))?),
            Err(Refusal(reason)) => Err(Error::internal(reason)),
        }
    }

    fn temp_views<'v>(&self, temps: &'v [[u8; 8]]) -> Result<SmallVec<[View<'v>; 2]>, Error> {
        let views = temps.iter().zip(&self.compiled.plan.temps);
        let views = views.map(|(bytes, temp)| View::from_bytes(bytes, temp.dtype, &[], &[], 0));
        Ok(views.collect::<Result<_, _>>()?)
    }

    /// What a stage of the compiler makes of the text, as text.
    #[must_use]
    pub fn explain(&self, stage: Stage) -> String {
        self.try_explain(stage).unwrap_or_else(|error| error.render())
    }

    fn try_explain(&self, stage: Stage) -> Result<String, Error> {
        let Compiled { ast, graph, plan, .. } = &self.compiled;
        let options = &self.engine.options;
        match stage {
            Stage::Ast => return Ok(ast.dump()),
            Stage::Hir => return Ok(driver::lower(ast, &self.signature, options)?.to_string()),
            Stage::Opt => return Ok(graph.to_string()),
            Stage::Fuse => return Ok(plan.print(graph).to_string()),
            Stage::Tape | Stage::Clif | Stage::Asm => {}
        }
        let Some(target) = Target::host(options.registers) else {
            return Ok("there is no code generator for this processor\n".to_owned());
        };
        let tapes = match driver::build_tapes(graph, plan, target) {
            Ok(tapes) => tapes,
            Err(reason) => return Ok(format!("interpreted: {reason}\n")),
        };
        let mut all = String::new();
        for (i, (tape, group)) in tapes.into_iter().zip(&plan.loops).enumerate() {
            if plan.loops.len() > 1 {
                all.push_str(&format!("loop {i}\n"));
            }
            if stage == Stage::Tape {
                all.push_str(&tape.to_string());
                continue;
            }
            let compiled = CompiledLoop::new(tape, graph, group, target);
            match codegen::print(&compiled.tape, compiled.expected_kinds(), target) {
                Ok(listing) if stage == Stage::Clif => all.push_str(&listing.clif),
                Ok(listing) => all.push_str(&listing.asm),
                Err(Refusal(reason)) => all.push_str(&format!("interpreted: {reason}\n")),
            }
        }
        Ok(all)
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("text", &self.text)
            .field("signature", &format_args!("{}", self.signature))
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}

fn int_value(scalar: Scalar) -> Option<i128> {
    match scalar.dtype() {
        DType::UInt64 => scalar.get::<u64>().map(i128::from),
        _ => hir::cast_scalar(scalar, DType::Int64).get::<i64>().map(i128::from),
    }
}

/// Copies the inputs that share memory with the output without being it. With `of_same` also those that are it: several
/// loops write the output before all inputs are read.
fn copy_overlapping(
    inputs: &[Option<View<'_>>],
    out: &ViewMut<'_>,
    of_same: bool,
    copies: &mut Copies,
) -> Result<(), Error> {
    for (k, input) in inputs.iter().enumerate() {
        match input {
            Some(view) => match Overlap::of(view, out) {
                Overlap::Partial => copies.push((k, memory::copy_of(view)?)),
                Overlap::Same if of_same => copies.push((k, memory::copy_of(view)?)),
                Overlap::Same | Overlap::None => {}
            },
            None if of_same => copies.push((k, memory::copy_of(&out.as_view())?)),
            None => {}
        }
    }
    Ok(())
}

/// Where a loop that is no reduction finds an input.
fn input_of<'v, 'a>(
    source: Source,
    values: &'v [Option<View<'a>>],
    temps: &'v [View<'a>],
) -> Result<Input<'v, 'a>, Error> {
    match source {
        Source::Var(var) => Ok(values[var.0 as usize].as_ref().map_or(Input::Output(0), Input::View)),
        Source::Temp(temp) => Ok(Input::View(&temps[temp.0 as usize])),
        Source::Result | Source::Count(_) => Err(Error::internal("a reduction in a loop on its own")),
    }
}

/// The views of inputs, of which none is the output.
fn all_views<'s>(inputs: &'s [Option<View<'s>>]) -> Option<SmallVec<[&'s View<'s>; 8]>> {
    inputs.iter().map(Option::as_ref).collect()
}

/// The memory order of a fresh result.
fn order_of(shape: &[usize], inputs: &[Option<View<'_>>]) -> shape::Shape {
    output_order(shape, inputs.iter().flatten())
}
