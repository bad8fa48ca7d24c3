//! The list of functions, for documentation and tools.

use crate::ops::{Accuracy, Meaning, Op, table};
use crate::resolve::Registry;
use ndexpr_runtime::dtype::DType;

/// Where a function comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FunctionOrigin {
    /// It is one of the language.
    Language,
    /// It is a [`Function`](crate::Function) of Rust.
    Rust,
    /// A [prelude](crate::EngineBuilder::prelude) defines it.
    Prelude,
}

/// What can be said of a function that texts can call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionInfo<'e> {
    /// Its name.
    pub name: &'e str,
    /// Other names for it.
    pub aliases: &'e [&'e str],
    /// The names of its parameters. Those that may be left out have their default, such as
    /// `axis=None`.
    pub params: Vec<&'e str>,
    /// Where it comes from.
    pub origin: FunctionOrigin,
    /// The dtypes of the parameters and of the result, of a function of Rust. Those of the others
    /// depend on the arguments.
    pub dtypes: Option<(&'e [DType], DType)>,
    /// The largest error in units in the last place, for `float32` and for `float64`. It is none if
    /// the result is exact or correctly rounded. It is infinite where the errors of many roundings
    /// add up, as in a sum of floats. It is also none for functions of Rust and of preludes, of
    /// which it is not known.
    pub max_ulp: Option<[f64; 2]>,
    /// One line on what it does; may be empty.
    pub doc: &'e str,
}

/// All functions of the language, grouped by kind. The operators are among them by the name of
/// their function: `+` is `add`.
///
/// ```
/// let sqrt = ndexpr::functions().into_iter().find(|function| function.name == "sqrt").unwrap();
/// assert_eq!(sqrt.params, ["x"]);
/// assert_eq!(sqrt.max_ulp, None);
/// ```
#[must_use]
pub fn functions() -> Vec<FunctionInfo<'static>> {
    let max_ulp = |meaning: Meaning| match meaning {
        Meaning::Op(Op::Math(function)) => {
            Some([DType::Float32, DType::Float64].map(|dtype| function.max_ulp(dtype).unwrap_or(0.0)))
        }
        _ => None,
    };
    table::all()
        .map(|row| FunctionInfo {
            name: row.name,
            aliases: row.aliases,
            params: row.params.to_vec(),
            origin: FunctionOrigin::Language,
            dtypes: None,
            max_ulp: match row.accuracy {
                Accuracy::Exact => None,
                Accuracy::Ulp => max_ulp(row.meaning),
                Accuracy::Rounded => Some([f64::INFINITY; 2]),
            },
            doc: row.doc,
        })
        .collect()
}

/// All functions that texts of an engine can call.
pub(crate) fn all(registry: &Registry) -> Vec<FunctionInfo<'_>> {
    let info = |name, params, origin, doc| FunctionInfo {
        name,
        aliases: &[],
        params,
        origin,
        dtypes: None,
        max_ulp: None,
        doc,
    };
    let mut all = functions();
    all.retain(|function| !registry.has(function.name));
    all.extend(registry.of_rust().map(|function| {
        let params = function.param_names().iter().map(String::as_str).collect();
        FunctionInfo {
            dtypes: Some((function.rust().args(), function.rust().result())),
            ..info(function.name(), params, FunctionOrigin::Rust, function.doc_text())
        }
    }));
    all.extend(registry.of_preludes().map(|function| {
        let params = function.params.iter().map(String::as_str).collect();
        info(&*function.name, params, FunctionOrigin::Prelude, &*function.doc)
    }));
    all
}
