//! What can be asked and set besides evaluating: the compiler's stages, the functions, the threads.

use crate::engines::{self, Floats};
use crate::errors;
use crate::evaluate::bind;
use crate::scope::{CALLER, Scope};
use crate::signature;
use crate::text::{Compiled, Text};
use crate::values::Operands;
use ndexpr::Stage;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Show what a stage of the compiler makes of an expression.
///
/// Parameters
/// ----------
/// ex : str
///     The expression.
/// stage : {'ast', 'hir', 'opt', 'fuse', 'tape', 'clif', 'asm', 'all'}
///     The syntax tree, the typed graph, the optimised one, the loops, the loops as straight-line
///     code, in Cranelift's intermediate representation, in assembly; or all of them.
/// signature : mapping, optional
///     The names' types, as `compile` takes them. Unless given, names are looked up as `evaluate`
///     does. A text that updates arrays needs it.
/// local_dict, global_dict : mapping, optional
///     Where names are looked up.
///
/// Examples
/// --------
/// >>> import ndexpr
/// >>> print(ndexpr.explain("a + b*2", "opt", {"a": "float32", "b": "float32"}))
/// h0: f32 = array a
/// h1: f32 = array b
/// h2: f32 = const 2.0
/// h3: f32 = mul h1, h2
/// h4: f32 = add h0, h3
/// result h4
/// <BLANKLINE>
#[pyfunction]
#[pyo3(
    signature = (ex, stage="tape", signature=None, local_dict=None, global_dict=None),
    text_signature = "(ex, stage='tape', signature=None, local_dict=None, global_dict=None)"
)]
pub(crate) fn explain<'py>(
    py: Python<'py>,
    ex: &Bound<'py, PyAny>,
    stage: &str,
    signature: Option<&Bound<'py, PyAny>>,
    local_dict: Option<&Bound<'py, PyAny>>,
    global_dict: Option<&Bound<'py, PyAny>>,
) -> PyResult<String> {
    let text = Text::get(ex)?;
    let text = text.get();
    let compiled = match signature {
        Some(signature) => {
            let types = signature::types(text, &signature::inputs(py, text, Some(signature))?);
            let engine = engines::current(Floats::Strict).map_err(|error| errors::without_text(&error))?;
            text.compiled_of(py, engine, &types)?
        }
        None => {
            let scope = Scope::new(py, local_dict, global_dict, CALLER)?;
            Compiled::Program(bind(py, text, scope, Floats::Strict, &mut Operands::default())?)
        }
    };
    stages(&compiled, stage)
}

/// One stage or all of them, as text.
pub(crate) fn stages(compiled: &Compiled, stage: &str) -> PyResult<String> {
    let explain = |stage: Stage| match compiled {
        Compiled::Program(program) => program.explain(stage),
        Compiled::Procedure(procedure) => procedure.explain(stage),
    };
    if stage == "all" {
        let stages = Stage::ALL.iter().map(|&stage| format!("== {stage}\n{}", explain(stage)));
        return Ok(stages.collect::<Vec<_>>().join("\n"));
    }
    match Stage::ALL.iter().copied().find(|known| known.name() == stage) {
        Some(stage) => Ok(explain(stage)),
        None => {
            let known = Stage::ALL.iter().map(|stage| stage.name()).collect::<Vec<_>>().join("', '");
            Err(PyValueError::new_err(format!("there is no stage '{stage}'; there are '{known}' and 'all'")))
        }
    }
}

/// List the functions of the language.
///
/// Returns
/// -------
/// list of dict
///     For each its `name`, `aliases`, `params`, `doc`, and `max_ulp`: the largest errors in units
///     in the last place, of float32 and of float64, or None if the result is exact or correctly
///     rounded.
///
/// Examples
/// --------
/// >>> import ndexpr
/// >>> next(function for function in ndexpr.functions() if function["name"] == "sqrt")["params"]
/// ['x']
#[pyfunction]
pub(crate) fn functions(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let all = PyList::empty(py);
    for function in ndexpr::functions() {
        let entry = PyDict::new(py);
        entry.set_item("name", function.name)?;
        entry.set_item("aliases", function.aliases)?;
        entry.set_item("params", function.params)?;
        entry.set_item("doc", function.doc)?;
        entry.set_item("max_ulp", function.max_ulp.map(|[single, double]| (single, double)))?;
        all.append(entry)?;
    }
    Ok(all)
}

/// Set how many threads may take part in one evaluation, the caller's included, and return how many
/// there were before.
///
/// Parameters
/// ----------
/// nthreads : int
///     From 1 to 1024.
///
/// Examples
/// --------
/// >>> import ndexpr
/// >>> before = ndexpr.set_num_threads(2)
/// >>> ndexpr.set_num_threads(before)
/// 2
#[pyfunction]
pub(crate) fn set_num_threads(nthreads: i64) -> PyResult<usize> {
    let before = get_num_threads()?;
    // The engine says which numbers there may be, and no negative one is among them.
    let wanted = usize::try_from(nthreads).unwrap_or(0);
    engines::set_threads(wanted).map_err(|error| errors::without_text(&error))?;
    Ok(before)
}

/// Return how many threads may take part in one evaluation, the caller's included.
///
/// Unless `set_num_threads` was called it is NDEXPR_NUM_THREADS, or else as many as
/// `detect_number_of_cores` says.
#[pyfunction]
pub(crate) fn get_num_threads() -> PyResult<usize> {
    engines::threads().map_err(|error| errors::without_text(&error))
}

/// Return how many processors this process may use, by its affinity and by its control group's
/// quota.
#[pyfunction]
pub(crate) fn detect_number_of_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
