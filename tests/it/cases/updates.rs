//! The same expression among several results, and assigned to arrays: the bits must be those of the
//! expression by itself.

use super::arrays::{Array, Layout, same};
use super::case::{Case, Expr, Value};
use super::program::index;
use super::source::Source;
use ndexpr::{DType, DynArray, Engine, ErrorKind, FloatMode, Scalar, Targets, Vars};

/// The expression beside its parts: each must have the bits that it has by itself.
pub(crate) fn check_tuple(case: &Case, jit: &Engine, vars: &Vars<'_>, expected: &[Scalar]) -> Result<(), String> {
    let Expr::Op(_, args) = &case.expr else { return Ok(()) };
    // In fast mode it depends on the other uses of a product whether it is contracted.
    if case.floats == FloatMode::Fast {
        return Ok(());
    }
    let mut texts = vec![case.text()];
    texts.extend(args.iter().map(Expr::to_string));
    let mut all: Vec<Vec<Scalar>> = vec![expected.to_vec()];
    for text in &texts[1..] {
        let alone = jit.compile(text, &case.signature()).and_then(|program| program.evaluate::<DynArray>(vars));
        // A part may be an option, such as an axis, or mean nothing by itself.
        let Ok(alone) = alone else { return Ok(()) };
        all.push(alone.scalars().collect());
    }
    let text = format!("return {}", texts.join(", "));
    let found = jit.compile(&text, &case.signature()).and_then(|program| program.evaluate::<Vec<DynArray>>(vars));
    let found = found.map_err(|error| format!("several results fail: {error:?}\n{text}"))?;
    for (number, (found, expected)) in found.iter().zip(&all).enumerate() {
        let found: Vec<Scalar> = found.scalars().collect();
        let differs = |&place: &usize| !same(expected[place], found[place]);
        if found.len() != expected.len() {
            return Err(format!("result {number} of\n{text}\nhas {} elements", found.len()));
        }
        if let Some(place) = (0..found.len()).find(differs) {
            let (found, alone) = (found[place], expected[place]);
            return Err(format!("result {number} of\n{text}\nis {found:?} at {place}, alone it is {alone:?}"));
        }
    }
    Ok(())
}

/// The expression assigned to arrays: to one of its own variables, whole or in part, and used again
/// afterwards.
pub(crate) fn check_updates(
    case: &Case,
    engines: &[&Engine],
    arrays: &[Option<Array>],
    (dtype, shape, expected): (DType, &[usize], &[Scalar]),
    source: &mut Source<'_>,
) -> Result<(), String> {
    // An array of the result's dtype and shape that the expression does not have.
    let layout = Layout::random_apart(source, shape);
    let fresh = Array::garbage(dtype, &layout);
    let text = case.text();
    for engine in engines {
        let mut target = fresh.clone();
        let result = update(engine, case, arrays, ("target", &mut target), &format!("target[...] = {text}"))?;
        if result.is_some() || !is_same(&target, expected) {
            return Err(format!("target[...] = {text} leaves {}", first_difference(&target, expected)));
        }
    }
    let is_target = |var: usize| match &case.vars[var].value {
        Value::Array { layout, .. } => {
            case.vars[var].dtype == dtype && layout.shape == shape && layout.is_apart() && layout.n_elems() > 0
        }
        Value::Scalar(_) => false,
    };
    let Some(var) = (0..case.vars.len()).find(|&var| is_target(var)) else { return Ok(()) };
    let name = &case.vars[var].name;
    let places = index(shape, source);
    let mut texts = vec![(format!("{name}[...] = {text}"), (0..expected.len()).collect::<Vec<_>>())];
    if let Some((index, places)) = places {
        // The result is indexed; or the value before, which is then carried.
        texts.push((format!("t = {text}; {name}{index} = t{index}"), places.clone()));
        let nothing = if dtype == DType::Bool { "|= False" } else { "+= 0" };
        texts.push((format!("t = {text}\n{name}[...] {nothing}\n{name}{index} = t{index}"), places));
    }
    for (text, places) in texts {
        let again = format!("{text}; return {name}, {}", case.text());
        let mut outcomes: Vec<(Array, Vec<DynArray>)> = Vec::new();
        for engine in engines {
            let mut target = arrays[var].clone().expect("the variable is an array");
            let mut after: Vec<Scalar> = target.scalars();
            let is_changed_first = text.contains("[...] +=");
            let Some(results) = update(engine, case, arrays, (name, &mut target), &again)? else { return Ok(()) };
            for &place in &places {
                after[place] = expected[place];
            }
            // Adding 0 turns -0.0 into 0.0.
            if !is_changed_first && !is_same(&target, &after) {
                return Err(format!("{again}\nleaves {}", first_difference(&target, &after)));
            }
            outcomes.push((target, results));
        }
        let (target, results) = &outcomes[0];
        for (engine, (other, others)) in engines.iter().zip(&outcomes).skip(1) {
            let scalars = |results: &[DynArray]| results.iter().flat_map(DynArray::scalars).collect::<Vec<_>>();
            let (found, wanted) = (scalars(others), scalars(results));
            if !is_same(other, &target.scalars()) {
                let difference = first_difference(other, &target.scalars());
                return Err(format!("{again}\non {} threads leaves {difference}", engine.threads()));
            }
            if let Some(place) = (0..found.len()).find(|&place| !same(wanted[place], found[place])) {
                let (found, wanted) = (found[place], wanted[place]);
                return Err(format!("{again}\non {} threads gives {found:?}, not {wanted:?}", engine.threads()));
            }
        }
    }
    Ok(())
}

fn first_difference(array: &Array, expected: &[Scalar]) -> String {
    let found = array.scalars();
    let place = (0..found.len()).find(|&place| !same(expected[place], found[place]));
    place.map_or_else(String::new, |place| format!("{:?} at {place}, not {:?}", found[place], expected[place]))
}

fn is_same(array: &Array, expected: &[Scalar]) -> bool {
    array.scalars().iter().zip(expected).all(|(found, one)| same(*one, *found))
}

/// Runs an update of one array. Gives the results, if there are some; `None` if the text is refused
/// because of what it indexes.
fn update(
    engine: &Engine,
    case: &Case,
    arrays: &[Option<Array>],
    (name, target): (&str, &mut Array),
    text: &str,
) -> Result<Option<Vec<DynArray>>, String> {
    let mut vars = Vars::new();
    for (var, array) in case.vars.iter().zip(arrays).filter(|(var, _)| var.name != name) {
        vars = match (&var.value, array) {
            (Value::Scalar(bits), _) => vars.with(&var.name, Scalar::from_bits(var.dtype, *bits)),
            (_, Some(array)) => vars.with(&var.name, array.view()),
            (_, None) => unreachable!("every array variable has an array"),
        };
    }
    let mut targets = Targets::new().with(name, target.view_mut());
    let procedure = match engine.procedure_for(text, &vars, &targets) {
        Ok(procedure) => procedure,
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
        Err(error) => return Err(format!("compiling an update fails: {error:?}\n{text}")),
    };
    let results: Vec<DynArray> =
        procedure.call(&vars, &mut targets).map_err(|error| format!("an update fails: {error:?}\n{text}"))?;
    if engine.threads() > 0
        && let Some(reason) = procedure.fallback_reason()
        && reason != "the engine was told to"
    {
        return Err(format!("an update is interpreted: {reason}\n{text}"));
    }
    Ok((!results.is_empty()).then_some(results))
}
