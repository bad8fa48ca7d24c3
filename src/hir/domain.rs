//! Which variables and reductions decide the shape of an operation.
//!
//! In: operations, and what those that have a shape of their own are. Out: the leaves below one.
//! Always true: the work is bounded, however often operations are shared.

use super::reduction::Leaf;
use super::{Error, ErrorKind};
use crate::resolve::{Arg, Resolved, StepId};

/// The most operations that are looked at for all domains of a text. Reductions of values that
/// share nothing need fewer than the text has operations.
const MAX_VISITS: usize = 1 << 22;

/// What an operation does for the shapes of those that use it.
pub(super) enum Part {
    /// It has a shape of its own.
    Leaf(Leaf),
    /// Its shape is that of its arguments.
    OfArgs,
}

/// Finds domains.
pub(super) struct Domains {
    /// For each operation, the number of the domain that it was last looked at for.
    seen: Vec<u32>,
    /// How many domains there were.
    n_domains: u32,
    n_visits: usize,
}

impl Domains {
    pub(super) fn new(n_steps: usize) -> Domains {
        Domains { seen: vec![0; n_steps], n_domains: 0, n_visits: 0 }
    }

    /// The variables and reductions that decide the shape of an operation, in any order.
    pub(super) fn leaves(
        &mut self,
        of: Arg,
        resolved: &Resolved,
        part: impl Fn(StepId) -> Part,
    ) -> Result<Vec<Leaf>, Error> {
        self.n_domains += 1;
        let mut leaves = Vec::new();
        let mut pending: Vec<StepId> = vec![of.step];
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut self.seen[id.index()], self.n_domains) == self.n_domains {
                continue;
            }
            self.n_visits += 1;
            match part(id) {
                Part::Leaf(leaf) => leaves.push(leaf),
                Part::OfArgs => pending.extend(resolved.args(resolved.step(id)).iter().map(|arg| arg.step)),
            }
        }
        match self.n_visits > MAX_VISITS {
            true => Err(Error::new(ErrorKind::TooManyShapes, of.span)),
            false => Ok(leaves),
        }
    }
}
