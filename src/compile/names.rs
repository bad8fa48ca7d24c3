//! The names in a text that stand for variables: for callers that look values up by name.

use crate::error::Error;
use crate::hir;
use crate::options::CompileOptions;
use rustc_hash::FxHashSet;

/// A name that stands for a variable; see [`Engine::names`](crate::Engine::names).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedName {
    /// The name, as the text has it.
    pub name: String,
    /// Whether the language has a constant of this name, such as `pi`. The name means that constant
    /// unless there is a variable of this name.
    pub is_constant: bool,
}

/// The names of a text that it assigns nothing to, and that are neither functions nor part of an
/// option such as `axis=None`, in the order in which they are first used.
pub(crate) fn names(text: &str, options: &CompileOptions) -> Result<Vec<UsedName>, Error> {
    let ast = super::parse(text, options).map_err(|error| error.in_text(text))?;
    let resolved = super::resolve(&ast, options).map_err(|error| error.in_text(text))?;
    let mut seen = FxHashSet::default();
    let mut used = Vec::new();
    for (_, step) in resolved.steps() {
        let Some(name) = resolved.array(step).map(|array| resolved.views().base(array)) else { continue };
        if !seen.insert(name) {
            continue;
        }
        let name = resolved.name(name).to_owned();
        used.push(UsedName { is_constant: hir::named_constant(&name).is_some(), name });
    }
    Ok(used)
}
