//! Where variables come from: `name=SOURCE` as text, and the array or scalar it stands for.
//!
//! There are two steps: parsing looks at nothing but the text, loading opens files and makes
//! arrays. So a mistake in the fifth source is reported before the first gigabyte is read.

pub(crate) mod generator;
pub(crate) mod literal;
pub(crate) mod npy;
pub(crate) mod npz;
pub(crate) mod parse;

use std::io;
use std::path::{Path, PathBuf};

use ndexpr::{Program, Scalar, Vars};

use crate::array::{Array, element_count};
use crate::failure::Failure;
use crate::names::{check_distinct, split_name};
use generator::Generator;

/// A variable, and where its value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) source: Source,
}

/// What a variable's value is read or made from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// A .npy file.
    Npy(PathBuf),
    /// An array in a .npz file: the one with this key, or the only one.
    Npz { path: PathBuf, key: Option<String> },
    /// An array that is generated.
    Generator(Generator),
    /// One value.
    Scalar(Scalar),
}

/// A variable with its value at hand.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// A variable's value.
#[derive(Debug)]
pub(crate) enum Value {
    Array(Array),
    Scalar(Scalar),
}

impl Binding {
    /// Parses `name=SOURCE`. The error is one line.
    pub(crate) fn parse(text: &str) -> Result<Binding, String> {
        let (name, source) = split_name(text, "NAME=SOURCE")?;
        let source = Source::parse(source, &name)?;
        Ok(Binding { name, source })
    }

    /// Reads or makes the value.
    pub(crate) fn load(&self) -> Result<Variable, Failure> {
        let value = match &self.source {
            Source::Npy(path) => Value::Array(npy::load(path).map_err(|failure| self.explain_missing(failure))?),
            Source::Npz { path, key } => Value::Array(npz::load(path, key.as_deref())?),
            Source::Generator(generator) => Value::Array(generator.generate()?),
            Source::Scalar(scalar) => Value::Scalar(*scalar),
        };
        Ok(Variable { name: self.name.clone(), value })
    }

    /// A path that is not there may have been meant as something else.
    pub(crate) fn explain_missing(&self, failure: Failure) -> Failure {
        match failure {
            Failure::File { action, path, error, .. } if error.kind() == io::ErrorKind::NotFound => {
                let hint = if path.extension().is_none_or(|extension| extension != "npy") {
                    format!(
                        "\n  = `{}` is neither a number nor a generator, so it was taken for a file\n  = {}",
                        path.display(),
                        possible_sources()
                    )
                } else {
                    String::new()
                };
                Failure::File { action, path, error, hint }
            }
            other => other,
        }
    }
}

impl Source {
    /// The file that it is read from.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Source::Npy(path) | Source::Npz { path, .. } => Some(path),
            Source::Generator(_) | Source::Scalar(_) => None,
        }
    }

    fn parse(text: &str, name: &str) -> Result<Source, String> {
        if let Some(literal) = literal::parse(text) {
            return literal.map(Source::Scalar);
        }
        if let Some(call) = generator::Call::parse(text) {
            return Generator::from_call(&call?, name).map(Source::Generator);
        }
        if let Some(at) = text.rfind(".npz:") {
            let (path, key) = (&text[..at + 4], &text[at + 5..]);
            if key.is_empty() {
                return Err(format!("`{text}` has no key after the `:`"));
            }
            return Ok(Source::Npz { path: PathBuf::from(path), key: Some(key.to_owned()) });
        }
        if text.ends_with(".npz") {
            return Ok(Source::Npz { path: PathBuf::from(text), key: None });
        }
        Ok(Source::Npy(PathBuf::from(text)))
    }
}

/// What a source can be, in one line.
pub(crate) fn possible_sources() -> String {
    format!("a source is file.npy, file.npz:key, a number such as 2.5, 3 or 7u8, or one of: {}", generator::usages())
}

/// Checks that no name is given twice.
pub(crate) fn check_names(bindings: &[Binding]) -> Result<(), Failure> {
    check_distinct(bindings.iter().map(|binding| binding.name.as_str()))
}

/// Reads or makes every variable, in order.
pub(crate) fn load_all(bindings: &[Binding]) -> Result<Vec<Variable>, Failure> {
    check_names(bindings)?;
    bindings.iter().map(Binding::load).collect()
}

/// The library's variables, borrowing from these.
pub(crate) fn vars(variables: &[Variable]) -> Result<Vars<'_>, Failure> {
    let mut vars = Vars::new();
    for Variable { name, value } in variables {
        vars = match value {
            Value::Array(array) => vars.with(name, array.view()?),
            Value::Scalar(scalar) => vars.with(name, *scalar),
        };
    }
    Ok(vars)
}

/// The bytes of the arrays that a program uses: what a run has to read.
pub(crate) fn n_bytes(variables: &[Variable], program: &Program) -> usize {
    used_arrays(variables, program).map(Array::n_bytes).sum()
}

/// The elements of the largest array that a program uses.
pub(crate) fn most_elements(variables: &[Variable], program: &Program) -> usize {
    used_arrays(variables, program).map(|array| element_count(array.shape())).max().unwrap_or(0)
}

fn used_arrays<'v>(variables: &'v [Variable], program: &Program) -> impl Iterator<Item = &'v Array> {
    let is_used = |variable: &&Variable| program.variables().any(|(name, _)| name == variable.name);
    variables.iter().filter(is_used).filter_map(|variable| match &variable.value {
        Value::Array(array) => Some(array),
        Value::Scalar(_) => None,
    })
}

/// ``; did you mean `x`?`` if one of the candidates is close to `word`, else nothing.
pub(crate) fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|&(distance, candidate)| distance <= 1 + candidate.len().min(word.len()) / 4)
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Binding::parse(text).unwrap().source
    }

    #[test]
    fn kinds_of_source() {
        assert_eq!(source("a=x/y.npy"), Source::Npy("x/y.npy".into()));
        assert_eq!(source("a=2024-01.npy"), Source::Npy("2024-01.npy".into()));
        assert_eq!(source("a=d.npz"), Source::Npz { path: "d.npz".into(), key: None });
        assert_eq!(source("a=d.npz:k:1"), Source::Npz { path: "d.npz".into(), key: Some("k:1".into()) });
        assert_eq!(source("a = 3"), Source::Scalar(Scalar::new(3_i64)));
        assert_eq!(source("a=./zeros(3)"), Source::Npy("./zeros(3)".into()));
        assert_eq!(source("a=odd(name).npy"), Source::Npy("odd(name).npy".into()));
        assert!(matches!(source("a=zeros(3)"), Source::Generator(_)));
    }

    #[test]
    fn mistakes_say_what_is_possible() {
        let error = Binding::parse("a=linspce(0,1,10)").unwrap_err();
        assert!(error.contains("did you mean `linspace`?"), "{error}");
        assert!(error.contains("zeros(shape[, dtype])"), "{error}");
        let error = Binding::parse("a=sqrt(4)").unwrap_err();
        assert!(!error.contains("did you mean"), "{error}");
        assert!(Binding::parse("a=d.npz:").is_err());
    }

    #[test]
    fn missing_files_are_named() {
        let error = Binding::parse("a=/nonexistent/a.npy").unwrap().load().unwrap_err();
        assert!(error.to_string().contains("cannot open `/nonexistent/a.npy`"), "{error}");
        assert!(!error.to_string().contains("a source is"), "{error}");
        let error = Binding::parse("a=2.5x").unwrap().load().unwrap_err();
        assert!(error.to_string().contains("a source is"), "{error}");
        let error = Binding::parse("a=/nonexistent/a.npz:k").unwrap().load().unwrap_err();
        assert!(error.to_string().contains("cannot open `/nonexistent/a.npz`"), "{error}");
    }
}
