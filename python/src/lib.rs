//! The Python module `ndexpr._ndexpr`: the engine over NumPy's arrays, where they are.
//!
//! The path of a call:
//!
//! ```text
//! text -> names -> scope -> operands -> values -> types -> program -> run -> NumPy array
//! text.rs         scope.rs  values.rs                      text.rs    run.rs arrays.rs
//! ```
//!
//! Until the operands are there, the caller's Python code may run. Then arrays are read, and no
//! such code runs until the call is over, except finalizers, other threads, and handlers of
//! signals.
//!
//! Only ndexpr's public interface and `ndexpr::raw` are used. `unsafe` is used to read NumPy's
//! structs and to make views of its memory (`arrays`, `values`, `run`). It is also used where the
//! interpreter lends its frame (`scope`), where the interpreter's functions are called as ones that
//! may unwind (`calls`), for the engines, which are never freed (`engines`), and for a lock that
//! outlives a fork (`lock`).

mod arrays;
mod calls;
mod compiled;
mod engines;
mod errors;
mod evaluate;
mod inspect;
mod lock;
mod run;
mod scope;
mod signals;
mod signature;
mod text;
mod tuples;
mod update;
mod values;

use pyo3::prelude::*;

/// The compiled part of ndexpr; import `ndexpr` instead.
#[pymodule(gil_used = false)]
fn _ndexpr(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // What is made once is made now: a NumPy that cannot be imported is an `ImportError` here, and
    // a forked child finds nothing half made by a thread that it does not have.
    calls::prepare(module.py())?;
    errors::prepare(module.py())?;
    arrays::prepare(module.py());
    scope::prepare(module.py());
    text::prepare(module.py());
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<compiled::Program>()?;
    module.add_function(wrap_pyfunction!(evaluate::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(update::execute, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::re_evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate::validate, module)?)?;
    module.add_function(wrap_pyfunction!(compiled::compile, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::explain, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::functions, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::get_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(inspect::detect_number_of_cores, module)?)?;
    Ok(())
}
