//! The names in a text that stand for variables: for callers that look values up by name.

use super::{Clock, Setting};
use crate::error::Error;
use crate::hir;
use crate::resolve::{Mode, Phase, Root};
use ndexpr_grammar::NameId;
use rustc_hash::FxHashMap;

/// A name that stands for a variable; see [`Engine::names`](crate::Engine::names).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedName {
    /// The name, as the text has it.
    pub name: String,
    /// Whether the language has a constant of this name, such as `pi`. The name means that constant
    /// unless there is a variable of this name.
    pub is_constant: bool,
    /// Whether the text updates the array of this name.
    pub is_updated: bool,
}

/// The names of a text that it assigns nothing to, and that are neither functions nor part of an
/// option such as `axis=None`, in the order in which they are first used.
pub(crate) fn names(text: &str, setting: Setting<'_>) -> Result<Vec<UsedName>, Error> {
    // A text that updates nothing means the same if it may.
    let mode = Mode::Update { is_written: &|_| true, is_careful: false };
    let phases = super::resolve(text, mode, None, setting, &mut Clock::start());
    let phases = phases.map_err(|error| error.in_text(text, setting.registry))?;
    let mut places: FxHashMap<NameId, usize> = FxHashMap::default();
    let mut used: Vec<UsedName> = Vec::new();
    for Phase { resolved, roots, .. } in &phases.all {
        for (_, step) in resolved.steps() {
            let Some(base) = resolved.array(step).map(|array| resolved.views().base(array)) else { continue };
            if resolved.is_carried_name(base) {
                continue;
            }
            places.entry(base).or_insert_with(|| {
                let name = resolved.name(base).to_owned();
                used.push(UsedName { is_constant: hir::named_constant(&name).is_some(), is_updated: false, name });
                used.len() - 1
            });
        }
        for root in roots {
            if let Root::Update(array) = root
                && let Some(&place) = places.get(&resolved.views().base(*array))
            {
                used[place].is_updated = true;
            }
        }
    }
    Ok(used)
}
