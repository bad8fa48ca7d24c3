//! The list of functions, for documentation and tools.

use crate::ops::{Accuracy, Meaning, Op, table};
use ndexpr_runtime::dtype::DType;

/// What can be said of a function of the language.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The names of its parameters. Those that may be left out have their default, such as
    /// `axis=None`.
    pub params: &'static [&'static str],
    /// The largest error in units in the last place, for `float32` and for `float64`. It is none if
    /// the result is exact or correctly rounded. It is infinite where the errors of many roundings
    /// add up, as in a sum of floats.
    pub max_ulp: Option<[f64; 2]>,
    /// One line on what it does.
    pub doc: &'static str,
}

/// All functions, grouped by kind. The operators are among them by the name of their function: `+`
/// is `add`.
///
/// ```
/// let sqrt = ndexpr::functions().into_iter().find(|function| function.name == "sqrt").unwrap();
/// assert_eq!(sqrt.params, ["x"]);
/// assert_eq!(sqrt.max_ulp, None);
/// ```
#[must_use]
pub fn functions() -> Vec<FunctionInfo> {
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
            params: row.params,
            max_ulp: match row.accuracy {
                Accuracy::Exact => None,
                Accuracy::Ulp => max_ulp(row.meaning),
                Accuracy::Rounded => Some([f64::INFINITY; 2]),
            },
            doc: row.doc,
        })
        .collect()
}
