//! Evaluation one operation at a time, each into a fresh array. The fused evaluation is compared
//! with this.
//!
//! In: a text. Out: one program for each operation of its syntax tree that variables take part in.
//! The text of a step is the operation's own, in which a name stands for the result of each
//! operation below it. Steps run on all threads of the engine, so only the fusing differs.

use std::sync::Arc;

use ndexpr::{DynArray, Engine, Error, Program, Signature, VarType, Vars};
use ndexpr_grammar::{Ast, ExprId, ExprKind, Limits};

/// A text as programs that run one after the other.
pub(crate) enum OpByOp {
    Steps(Vec<Step>),
    /// A text with several statements, or without operations on variables, as one step.
    Whole(Arc<Program>),
}

pub(crate) struct Step {
    /// The name of its result in the texts of later steps.
    name: String,
    program: Arc<Program>,
    /// The earlier steps whose results are not needed after it.
    done_with: Vec<usize>,
}

impl OpByOp {
    /// Compiles every operation of a text for variables of these types.
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`].
    pub(crate) fn compile(engine: &Engine, text: &str, signature: &Signature) -> Result<OpByOp, Error> {
        // The engine has its own limits, and says in its own words what is wrong.
        let whole = engine.compile(text, signature)?;
        let no_limits = Limits { max_text_bytes: usize::MAX, max_nesting: usize::MAX, max_nodes: usize::MAX };
        let Ok(ast) = ndexpr_grammar::parse(text, &no_limits) else {
            return Ok(OpByOp::Whole(whole));
        };
        if ast.expression().is_none() {
            return Ok(OpByOp::Whole(whole));
        }
        let is_step = operations(&ast, signature);
        let prefix = unused_prefix(&ast);
        let mut steps: Vec<Step> = Vec::new();
        let mut signature = signature.clone();
        // For each expression, the step that computes it.
        let mut step_of: Vec<Option<usize>> = vec![None; ast.n_exprs()];
        for (id, expr) in ast.exprs().filter(|(id, _)| is_step[id.index()]) {
            let mut step_text = String::new();
            let mut done_with = Vec::new();
            let mut next = expr.span.start as usize;
            for below in operations_below(&ast, id, &is_step) {
                let step = step_of[below.index()].expect("children come before their parent");
                let span = ast[below].span;
                step_text.push_str(&text[next..span.start as usize]);
                step_text.push_str(&steps[step].name);
                next = span.end as usize;
                done_with.push(step);
            }
            step_text.push_str(&text[next..expr.span.end as usize]);
            let program = engine.compile(&step_text, &used_by(engine, &step_text, &signature)?)?;
            let name = format!("{prefix}{}", steps.len());
            signature = signature.with(&name, VarType::array(program.result_dtype()));
            step_of[id.index()] = Some(steps.len());
            steps.push(Step { name, program, done_with });
        }
        Ok(if steps.is_empty() { OpByOp::Whole(whole) } else { OpByOp::Steps(steps) })
    }

    /// Runs the steps; an array is dropped after its last use. Gives the results, except those of a
    /// tuple that are no operations on variables.
    ///
    /// # Errors
    ///
    /// As [`Program::evaluate`].
    pub(crate) fn evaluate(&self, vars: &Vars<'_>) -> Result<Vec<DynArray>, Error> {
        let steps = match self {
            OpByOp::Steps(steps) => steps,
            OpByOp::Whole(program) => return program.evaluate(vars),
        };
        let mut results: Vec<Option<DynArray>> = Vec::with_capacity(steps.len());
        for step in steps {
            let mut all = vars.clone();
            for &used in &step.done_with {
                if let Some(result) = &results[used] {
                    all = all.with(&steps[used].name, result);
                }
            }
            let result = step.program.evaluate(&all)?;
            for &used in &step.done_with {
                results[used] = None;
            }
            results.push(Some(result));
        }
        Ok(results.into_iter().flatten().collect())
    }
}

/// For each expression, whether it is an operation that variables take part in. Weak numbers stay
/// in the text of the operation that they are used in, and so does every operation on weak numbers
/// alone.
fn operations(ast: &Ast, signature: &Signature) -> Vec<bool> {
    let mut has_variable = vec![false; ast.n_exprs()];
    let mut is_operation = vec![false; ast.n_exprs()];
    for (id, expr) in ast.exprs() {
        let mut has = match &expr.kind {
            ExprKind::Name(name) => signature.get(ast.name(*name)).is_some_and(|ty| !ty.is_weak),
            _ => false,
        };
        expr.kind.for_each_child(|child| has |= has_variable[child.index()]);
        has_variable[id.index()] = has;
        let is_leaf = matches!(expr.kind, ExprKind::Name(_) | ExprKind::Tuple { .. });
        is_operation[id.index()] = has && !is_leaf;
    }
    is_operation
}

/// The nearest operations below an expression, in the order of the text.
fn operations_below(ast: &Ast, id: ExprId, is_operation: &[bool]) -> Vec<ExprId> {
    let children = |id: ExprId, pending: &mut Vec<ExprId>| {
        let start = pending.len();
        ast[id].kind.for_each_child(|child| pending.push(child));
        pending[start..].reverse();
    };
    let (mut found, mut pending) = (Vec::new(), Vec::new());
    children(id, &mut pending);
    while let Some(id) = pending.pop() {
        match is_operation[id.index()] {
            true => found.push(id),
            false => children(id, &mut pending),
        }
    }
    found
}

/// The types of the variables that a text uses: the engine may deny others.
fn used_by(engine: &Engine, text: &str, signature: &Signature) -> Result<Signature, Error> {
    let names = engine.names(text)?;
    let used = names.iter().filter_map(|used| Some((&used.name, signature.get(&used.name)?)));
    Ok(used.fold(Signature::new(), |signature, (name, ty)| signature.with(name, ty)))
}

/// A beginning that no name in the text has.
fn unused_prefix(ast: &Ast) -> String {
    let mut prefix = String::from("step");
    while ast.names().any(|name| name.starts_with(&prefix)) {
        prefix.push('_');
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndexpr::vars;

    #[test]
    fn steps_give_what_the_whole_gives() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let strict = Engine::builder().threads(1).unused(ndexpr::Unused::Deny).build().unwrap();
        let a = ndarray::array![[1.0_f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let vars = vars! { a, b: &[1_i32, 2, 3], step0: 2.0_f64 };
        let cases = [
            ("a*2 + 1", 2),
            ("(a + b) * (a - step0) / sqrt(a)", 5),
            ("sum(a*b, axis=-1, keepdims=True) - a", 3),
            ("where(0 < a <= 3, -a, b if step0 > 1 else a)", 5),
            ("a*2 + 1, -a", 3),
            ("a", 0),
            ("1 + 2", 0),
            ("b = a*2; return a, b", 0),
        ];
        for (text, n_steps) in cases {
            let steps = OpByOp::compile(&engine, text, &vars.signature()).unwrap();
            let found = if let OpByOp::Steps(steps) = &steps { steps.len() } else { 0 };
            assert_eq!(found, n_steps, "{text}");
            let whole: Vec<DynArray> = engine.evaluate(text, &vars).unwrap();
            assert_eq!(steps.evaluate(&vars).unwrap(), whole, "{text}");
            let used = used_by(&engine, text, &vars.signature()).unwrap();
            let steps = OpByOp::compile(&strict, text, &used).unwrap();
            assert_eq!(steps.evaluate(&vars).unwrap(), whole, "{text}");
        }
    }

    #[test]
    fn errors_are_those_of_the_whole() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let error = OpByOp::compile(&engine, "a + sqr(a)", &vars! { a: 1.0 }.signature()).err().unwrap();
        assert!(error.render().contains("a + sqr(a)"), "{}", error.render());
    }
}
