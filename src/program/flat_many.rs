//! Flat calls that are no longer so simple: several results, many variables, or single values that
//! are computed before the loop. Run without a plan, as in [`flat`](super::flat).

use super::bind::{Values, is_plain};
use super::core::Core;
use crate::error::Error;
use crate::fuse::{Dest, Loop, Source};
use crate::kernels::CompiledLoop;
use crate::vars::{Var, VarType};
use ndexpr_runtime::exec::{Element, FlatMany, MAX_FLAT_INPUTS, map_elements};
use ndexpr_runtime::view::{CallArrays, ViewMut};
use smallvec::SmallVec;

/// A program of one loop over arrays, and perhaps one over single values before it.
struct Loops<'c> {
    before: Option<(&'c CompiledLoop, &'c Loop)>,
    last: (&'c CompiledLoop, &'c Loop),
}

/// The loops of a program that may run this way. Those that [`flat`](super::flat) runs may not,
/// because that takes less time.
fn loops(core: &Core) -> Option<Loops<'_>> {
    let all = all_loops(core)?;
    let is_simple = core.n_results() == 1 && core.graph().vars().len() <= MAX_FLAT_INPUTS && all.before.is_none();
    (!is_simple).then_some(all)
}

fn all_loops(core: &Core) -> Option<Loops<'_>> {
    let arranged = &core.compiled.arranged;
    let (compiled, groups) = (arranged.executable.loops()?, &arranged.fused.loops[..]);
    if core.has_reductions() {
        return None;
    }
    match (compiled, groups) {
        ([last], [group]) => Some(Loops { before: None, last: (last, group) }),
        ([before, last], [first, group]) if arranged.fused.n_result_loops() == 1 => {
            Some(Loops { before: Some((before, first)), last: (last, group) })
        }
        _ => None,
    }
}

/// Runs a call into outputs.
pub(super) fn run(core: &Core, values: Values<'_>, outs: &mut [ViewMut<'_>]) -> Option<Result<(), Error>> {
    if !values.has_count(core.graph().vars().len()) {
        return None;
    }
    let (loops, vars) = (loops(core)?, core.graph().vars());
    let value_of = |place: usize| values.get(place, &vars[place].name).map(Value::Var);
    run_on(core, loops, value_of, FlatMany::new(outs)?)
}

/// Runs a phase of a procedure on arrays of a call. The outputs are those at the places `outs`;
/// some of the values are outputs, as they were before.
pub(super) fn run_phase<'v>(
    core: &Core,
    value_of: impl Fn(usize) -> Value<'v>,
    arrays: &'v mut CallArrays<'_>,
    outs: &[usize],
) -> Option<Result<(), Error>> {
    run_on(core, all_loops(core)?, |place| Some(value_of(place)), FlatMany::of_arrays(arrays, outs)?)
}

/// The value of a variable.
pub(super) enum Value<'v> {
    Var(&'v Var<'v>),
    /// The array of the call at a place.
    Array(usize),
    Output(usize),
}

fn run_on<'v>(
    core: &Core,
    loops: Loops<'_>,
    value_of: impl Fn(usize) -> Option<Value<'v>>,
    flat: FlatMany<'v>,
) -> Option<Result<(), Error>> {
    let Loops { before, last: (compiled, group) } = loops;
    if !flat.out_dtypes().enumerate().all(|(number, dtype)| dtype == core.result_dtype(number)) {
        return None;
    }
    let vars = core.graph().vars();
    let mut temps: SmallVec<[Element; 4]> = SmallVec::new();
    if let Some((compiled, group)) = before {
        let mut inputs: SmallVec<[Element; 8]> = SmallVec::new();
        for &(_, source) in &group.inputs {
            let Source::View(var) = source else { return None };
            inputs.push(match value_of(var)? {
                Value::Var(value) => value.element()?,
                Value::Array(place) => flat.array_element(place)?,
                Value::Output(_) => return None,
            });
        }
        temps.extend(core.compiled.arranged.fused.temps.iter().map(|temp| (temp.dtype, [0; 8])));
        let is_in_order = |(place, &(_, dest)): (usize, &(_, Option<Dest>))| dest == Some(Dest::Temp(place));
        if !group.outputs.iter().enumerate().all(is_in_order) {
            return None;
        }
        let kernel = compiled.kernel(compiled.expected_kinds()).as_ref().ok()?;
        if let Err(error) = map_elements(kernel, &inputs, &mut temps) {
            return Some(Err(error.into()));
        }
    }
    // It borrows the temporaries too.
    let mut flat: FlatMany<'_> = flat;
    // All variables of the text are looked at, whether the loop reads them or not.
    for (place, var) in vars.iter().enumerate() {
        let is_pushed = match value_of(place)? {
            Value::Var(value) => is_plain(var, value.ty()) && value.push_to_many(&mut flat),
            Value::Array(place) => {
                let (dtype, n_axes) = flat.array_type(place)?;
                let ty = if n_axes == 0 { VarType::scalar(dtype) } else { VarType::array(dtype) };
                is_plain(var, ty) && flat.push_array(place)
            }
            Value::Output(output) => var.ty.dtype == core.result_dtype(output) && flat.push_output(output),
        };
        if !is_pushed {
            return None;
        }
    }
    for (_, bytes) in &temps {
        // Temporaries come after the variables.
        flat.push_scalar(temps[flat.n_inputs() - vars.len()].0, bytes);
    }
    if group.inputs.iter().any(|&(_, source)| matches!(source, Source::Result(_))) {
        return None;
    }
    flat.select(group.inputs.iter().map(|&(_, source)| match source {
        Source::View(place) | Source::Result(place) => place,
        Source::Temp(temp) => vars.len() + temp,
    }));
    let kernel = compiled.kernel(&flat.run_kinds()).as_ref().ok()?;
    Some(flat.run(kernel, core.pool())?.map_err(Error::from))
}
