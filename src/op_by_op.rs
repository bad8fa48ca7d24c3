//! Evaluation one operation at a time, each into a fresh array: what fusing competes with, for benchmarks.

use crate::array::DynArray;
use crate::driver;
use crate::engine::Engine;
use crate::error::Error;
use crate::hir::{Expr, ExprId, Graph};
use crate::ops::table::{FUNCTIONS, Meaning};
use crate::ops::{AxisOp, Op};
use crate::program::Program;
use crate::staged::{count, reduce_array};
use crate::vars::{Signature, VarType, Vars};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::plan::output_order;
use std::sync::Arc;

/// The parameters' names in the text of a step.
const PARAMS: [&str; 3] = ["x", "y", "z"];

/// An expression compiled one operation at a time: each step is a program of its own, and its result an array. Steps run
/// on all threads of the engine, so only the fusing differs.
///
/// ```
/// use ndexpr::{Engine, OpByOp, vars};
///
/// let engine = Engine::builder().threads(1).build()?;
/// let vars = vars! { a: &[1.0, 2.0] };
/// let steps = OpByOp::compile(&engine, "a*2 + 1", &vars.signature())?;
/// assert_eq!(steps.n_steps(), 2);
/// assert_eq!(steps.evaluate(&vars)?, engine.evaluate("a*2 + 1", &vars)?);
/// # Ok::<(), ndexpr::Error>(())
/// ```
#[derive(Debug)]
pub struct OpByOp {
    text: String,
    /// The whole, fused: it knows the shapes.
    program: Arc<Program>,
    graph: Graph,
    steps: Vec<(ExprId, Step)>,
    /// The steps after which each node's array is not needed any more.
    last_use: Vec<usize>,
}

#[derive(Debug)]
enum Step {
    Apply(Arc<Program>),
    /// Along axes.
    Reduce,
}

impl OpByOp {
    /// Compiles every operation of a text for variables of these types.
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`].
    pub fn compile(engine: &Engine, text: &str, signature: &Signature) -> Result<OpByOp, Error> {
        let options = engine.options();
        let in_text = |error: Error| error.in_text(text);
        let ast = driver::parse(text, options).map_err(in_text)?;
        let graph = driver::lower(&ast, signature, options).map_err(in_text)?;
        let mut steps = Vec::new();
        let mut last_use = vec![0; graph.len()];
        for id in graph.ids() {
            let op = match graph.expr(id) {
                Expr::Apply(op, _) => op,
                Expr::Reduce(_, arg) => {
                    last_use[arg.index()] = steps.len();
                    steps.push((id, Step::Reduce));
                    continue;
                }
                Expr::Var(_) | Expr::Const(_) => continue,
            };
            let mut signature = Signature::new();
            for (arg, param) in graph.args(id).zip(PARAMS) {
                last_use[arg.index()] = steps.len();
                let ty = VarType { dtype: graph.dtype(arg), is_scalar: graph.is_scalar(arg), is_weak: false };
                signature = signature.with(param, ty);
            }
            let text = format!("{}({})", function(op, &graph, id), PARAMS[..op.arity()].join(", "));
            steps.push((id, Step::Apply(engine.compile(&text, &signature)?)));
        }
        last_use[graph.root().index()] = usize::MAX;
        Ok(OpByOp { text: text.to_owned(), program: engine.compile(text, signature)?, graph, steps, last_use })
    }

    /// How many operations there are.
    #[must_use]
    pub fn n_steps(&self) -> usize {
        self.steps.len()
    }

    /// Runs the steps; an array is dropped after its last use.
    ///
    /// # Errors
    ///
    /// As [`Program::evaluate`].
    pub fn evaluate(&self, vars: &Vars<'_>) -> Result<DynArray, Error> {
        let mut arrays: Vec<Option<DynArray>> = vec![None; self.graph.len()];
        for (k, (id, step)) in self.steps.iter().enumerate() {
            let result = match step {
                Step::Apply(program) => program.evaluate(&self.step_vars(*id, vars, &arrays)?)?,
                Step::Reduce => self.reduce(*id, vars, &arrays)?,
            };
            for arg in self.graph.args(*id) {
                if self.last_use[arg.index()] == k {
                    arrays[arg.index()] = None;
                }
            }
            arrays[id.index()] = Some(result);
        }
        match arrays[self.graph.root().index()].take() {
            Some(result) => Ok(result),
            // No operation: a variable or a constant.
            None => Engine::global().evaluate(&self.text, vars),
        }
    }

    /// The arguments of a step, by the names in its text.
    fn step_vars<'v>(&self, id: ExprId, vars: &Vars<'v>, arrays: &'v [Option<DynArray>]) -> Result<Vars<'v>, Error> {
        let mut step_vars = Vars::new();
        for (arg, param) in self.graph.args(id).zip(PARAMS) {
            step_vars = match (self.graph.expr(arg), &arrays[arg.index()]) {
                (_, Some(array)) if self.graph.is_scalar(arg) => {
                    step_vars.with(param, array.to_scalar().ok_or_else(|| Error::internal("no scalar"))?)
                }
                (_, Some(array)) => step_vars.with(param, array),
                (Expr::Const(value), _) => step_vars.with(param, value),
                (Expr::Var(var), _) => {
                    let name = &self.graph.vars()[var.0 as usize].name;
                    let var = vars.get(name).ok_or_else(|| Error::missing_variable(name, None))?;
                    step_vars.with(param, var.clone())
                }
                (Expr::Apply(..) | Expr::Reduce(..), None) => {
                    return Err(Error::internal("a step before its arguments"));
                }
            };
        }
        Ok(step_vars)
    }

    /// A step along axes: of an array, even if optimising would have spared it.
    fn reduce(&self, id: ExprId, vars: &Vars<'_>, arrays: &[Option<DynArray>]) -> Result<DynArray, Error> {
        let Expr::Reduce(reduction, _) = self.graph.expr(id) else {
            return Err(Error::internal("no step along axes"));
        };
        let op = self.graph.reduction(reduction).op;
        let shapes = self.program.shapes_of(vars)?;
        let reduced = &shapes.reductions[reduction.index()];
        let step_vars = self.step_vars(id, vars, arrays)?;
        let value = step_vars.get(PARAMS[0]).and_then(|value| value.view());
        let value = value.ok_or_else(|| Error::internal("a step without its argument"))?;
        let shape: &[usize] = if self.graph.is_scalar(id) { &[] } else { &reduced.result };
        let order = output_order(shape, std::slice::from_ref(&value));
        let mut outcome = Output::new(self.graph.dtype(id), shape, &order)?;
        if op == AxisOp::Count {
            outcome.view_mut().write(&[], Scalar::new(count(reduced)))?;
        } else {
            reduce_array(op, reduced, &value, &mut outcome.view_mut(), self.program.pool())?;
        }
        Ok(DynArray::new(outcome))
    }
}

/// The name under which the table has a primitive.
fn function(op: Op, graph: &Graph, id: ExprId) -> &'static str {
    if op == Op::Cast {
        return graph.dtype(id).name();
    }
    let is_op = |meaning: Meaning| match meaning {
        Meaning::Op(found) => found == op,
        Meaning::ByKind(_, ints, floats) => ints == op || floats == op,
        Meaning::Graph(_) | Meaning::Along(..) => false,
    };
    match op {
        // Their rows are made of several primitives for one dtype or another.
        Op::Floor => "floor",
        Op::Ceil => "ceil",
        Op::Trunc => "trunc",
        // The rows of bits come after those of truth, which would cast integers.
        Op::And => "bitwise_and",
        Op::Or => "bitwise_or",
        Op::Xor => "bitwise_xor",
        Op::Not => "invert",
        _ => FUNCTIONS.iter().find(|row| is_op(row.meaning)).map_or("positive", |row| row.name),
    }
}
