//! What bindings to other languages need to call programs and procedures as cheaply as Rust does.
//! This is no part of the public interface, and may change with any version.

pub use crate::program::Layout;
pub use ndexpr_runtime::exec::Flat;
pub use ndexpr_runtime::view::CallArrays;

use crate::engine::Engine;
use crate::error::Error;
use crate::program::{Procedure, Program};
use crate::vars::Var;
use smallvec::SmallVec;
use std::sync::Arc;

/// The shape and memory order of a fresh result for these values of the variables, in the order of
/// [`Program::variables`].
///
/// # Errors
///
/// As [`Program::result_shape`], and if there are more or fewer values than variables.
///
/// ```
/// use ndexpr::{DType, Engine, Signature, Var, VarType, raw};
///
/// let signature = Signature::new().with("a", VarType::array(DType::Float64));
/// let program = Engine::global().compile("a*a + 1", &signature)?;
/// assert_eq!(raw::result_layout(&program, &[Var::from(&[1.0, 2.0])])?.shape(), [2]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub fn result_layout(program: &Program, values: &[Var<'_>]) -> Result<Layout, Error> {
    program.result_layout(values)
}

/// The shapes and memory orders of fresh results for these values of the variables, in the order of
/// [`Program::variables`].
///
/// # Errors
///
/// As [`result_layout`].
///
/// ```
/// use ndexpr::{DType, Engine, Signature, Var, VarType, raw};
///
/// let signature = Signature::new().with("a", VarType::array(DType::Float64));
/// let program = Engine::global().compile("a + 1, sum(a)", &signature)?;
/// let layouts = raw::result_layouts(&program, &[Var::from(&[1.0, 2.0])])?;
/// assert_eq!((layouts[0].shape(), layouts[1].shape()), (&[2][..], &[][..]));
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub fn result_layouts(program: &Program, values: &[Var<'_>]) -> Result<SmallVec<[Layout; 1]>, Error> {
    program.result_layouts(values)
}

/// True if calls with some values of weak integers are run by another program: see [`variant`].
#[must_use]
pub fn has_variants(program: &Program) -> bool {
    program.has_variants()
}

/// The program that runs a call with these values of the variables, in the order of
/// [`Program::variables`]; `None` if it is this program itself. The result of the other program may
/// have another dtype.
///
/// ```
/// use ndexpr::{DType, Engine, Signature, Var, VarType, raw};
///
/// let program = Engine::global().compile("2**k", &Signature::new().with("k", VarType::weak(DType::Int64)))?;
/// assert_eq!(program.result_dtype(), DType::Int64);
/// assert!(raw::variant(&program, &[Var::weak(3_i64)])?.is_none());
/// let variant = raw::variant(&program, &[Var::weak(-3_i64)])?.expect("a fraction");
/// assert_eq!(variant.result_dtype(), DType::Float64);
/// # Ok::<(), ndexpr::Error>(())
/// ```
///
/// # Errors
///
/// If the text has no meaning for these values, or there are more or fewer values than variables.
pub fn variant(program: &Program, values: &[Var<'_>]) -> Result<Option<Arc<Program>>, Error> {
    program.variant_in_order(values)
}

/// True if short calls need no plan: the program is machine code of one loop, without reductions.
/// [`run_flat`] runs no other.
#[must_use]
pub fn is_one_loop(program: &Program) -> bool {
    program.is_one_loop()
}

/// True if a call may take long however few elements it has, because its text has loops.
#[must_use]
pub fn has_loops(program: &Program) -> bool {
    program.has_loops()
}

/// The same of a procedure.
#[must_use]
pub fn procedure_has_loops(procedure: &Procedure) -> bool {
    procedure.has_loops()
}

/// Runs a short call whose inputs are the values of the variables, in the order of
/// [`Program::variables`]: for callers that know how their arrays lie, and whose calls are so short
/// that describing the arrays by views would slow them down. Returns `None`, and does nothing, if
/// [`is_one_loop`] is false, if an input or the output is not of the type compiled for, or if the
/// work is worth waking a second thread for. Then [`Program::run_in_order`] is the function to
/// call.
///
/// ```
/// use ndexpr::{DType, Engine, Signature, VarType, raw};
///
/// let signature = Signature::new().with("a", VarType::array(DType::Float64));
/// let program = Engine::global().compile("a*a + 1", &signature)?;
/// let (a, mut out) = ([1.0, 2.0, 3.0], [0.0; 3]);
/// // SAFETY: both have three elements, which are borrowed until the call is over.
/// let mut flat = unsafe { raw::Flat::dense(out.as_mut_ptr().cast(), DType::Float64, 3) };
/// assert!(unsafe { flat.push_dense(a.as_ptr().cast(), DType::Float64) });
/// if raw::is_one_loop(&program) {
///     raw::run_flat(&program, &flat).expect("so little work is done at once")?;
///     assert_eq!(out, [2.0, 5.0, 10.0]);
/// }
/// # Ok::<(), ndexpr::Error>(())
/// ```
///
/// # Errors
///
/// As [`Program::run_with`].
pub fn run_flat(program: &Program, flat: &Flat<'_>) -> Option<Result<(), Error>> {
    program.run_flat(flat)
}

/// Runs a short call of a procedure whose arrays lie as those of the last call did, or all in one
/// way without gaps: for callers that know how their arrays lie, and whose calls are so short that
/// describing the arrays by views would slow them down. The arrays are the values of
/// [`Procedure::variables`], then those of [`Procedure::written`], for writing.
///
/// Returns `None`, and does nothing, in all other cases: if the arrays lie in another way, are not
/// of the types compiled for, or share memory, or if the text gives results. Then
/// [`Procedure::call_in_order`] is the function to call, which finds out how the arrays lie, or
/// what is wrong.
///
/// ```
/// use ndexpr::{DType, Engine, Signature, Var, VarType, ViewMut, raw};
///
/// let array = VarType::array(DType::Float64);
/// let signature = Signature::new().with("u", array).with("v", array);
/// let step = Engine::global().procedure("u[1:] += v[:-1]", &signature, &["u"])?;
/// let (mut u, v) = ([1.0, 2.0], [10.0, 20.0]);
/// step.call_in_order::<()>(&[Var::from(&v)], &mut [ViewMut::from(&mut u[..])], None)?;
/// let (shape, strides) = ([2], [8]);
/// let mut arrays = raw::CallArrays::new();
/// // SAFETY: both have two elements, which are borrowed until the call is over.
/// unsafe {
///     arrays.push_raw(v.as_ptr().cast_mut().cast(), DType::Float64, (&shape, &strides), false);
///     arrays.push_raw(u.as_mut_ptr().cast(), DType::Float64, (&shape, &strides), true);
/// }
/// if let Some(done) = raw::run_procedure(&step, &mut arrays) {
///     done?;
///     assert_eq!(u, [1.0, 22.0]);
/// }
/// # Ok::<(), ndexpr::Error>(())
/// ```
///
/// # Errors
///
/// As [`Procedure::call_in_order`].
pub fn run_procedure(procedure: &Procedure, arrays: &mut CallArrays<'_>) -> Option<Result<(), Error>> {
    procedure.run_arrays(arrays)
}

/// The bytes of the pages that hold machine code of an engine's programs; 0 where code has memory
/// of its own for each kernel (other processors than x86).
#[must_use]
pub fn code_bytes(engine: &Engine) -> usize {
    engine.code_bytes()
}
