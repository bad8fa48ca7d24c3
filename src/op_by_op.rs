//! Evaluation one operation at a time, each into a fresh array: what fusing competes with, for benchmarks.

use crate::array::DynArray;
use crate::driver;
use crate::engine::Engine;
use crate::error::Error;
use crate::hir::{Expr, ExprId, Graph};
use crate::ops::Op;
use crate::ops::table::{FUNCTIONS, Meaning};
use crate::program::Program;
use crate::vars::{Signature, VarType, Vars};
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
    graph: Graph,
    steps: Vec<(ExprId, Arc<Program>)>,
    /// The steps after which each node's array is not needed any more.
    last_use: Vec<usize>,
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
        if !graph.reductions().is_empty() {
            return Err(in_text(Error::not_run("reductions")));
        }
        let mut steps = Vec::new();
        let mut last_use = vec![0; graph.len()];
        for id in graph.ids() {
            let Expr::Apply(op, _) = graph.expr(id) else { continue };
            let mut signature = Signature::new();
            for (arg, param) in graph.args(id).zip(PARAMS) {
                last_use[arg.index()] = steps.len();
                let ty = VarType { dtype: graph.dtype(arg), is_scalar: graph.is_scalar(arg) };
                signature = signature.with(param, ty);
            }
            let text = format!("{}({})", function(op, &graph, id), PARAMS[..op.arity()].join(", "));
            steps.push((id, engine.compile(&text, &signature)?));
        }
        last_use[graph.root().index()] = usize::MAX;
        Ok(OpByOp { text: text.to_owned(), graph, steps, last_use })
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
        for (k, (id, program)) in self.steps.iter().enumerate() {
            let mut step_vars = Vars::new();
            for (arg, param) in self.graph.args(*id).zip(PARAMS) {
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
            let result = program.evaluate(&step_vars)?;
            drop(step_vars);
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
