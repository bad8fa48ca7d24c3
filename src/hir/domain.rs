//! Which variables and reductions decide the shape of an operation.
//!
//! In: an operation of the text, after those before it are lowered. Out: its domain. Always true:
//! the work is bounded, however often operations are shared.

use super::lower::Lowerer;
use super::reduction::{self, Leaf};
use super::{Error, ErrorKind};
use crate::resolve::{Arg, StepId};

/// The most operations that are looked at for all domains of a text. Reductions of values that share
/// nothing need fewer than the text has operations.
const MAX_VISITS: usize = 1 << 22;

/// What finding domains needs in between.
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
}

impl Lowerer<'_> {
    /// The variables and reductions that decide the shape of an operation.
    pub(super) fn domain(&mut self, of: Arg) -> Result<Vec<Leaf>, Error> {
        self.domains.n_domains += 1;
        let number = self.domains.n_domains;
        let mut leaves = Vec::new();
        let mut pending: Vec<StepId> = vec![of.step];
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut self.domains.seen[id.index()], number) == number {
                continue;
            }
            self.domains.n_visits += 1;
            if let Some(&leaf) = self.leaves.get(&id) {
                leaves.push(Leaf::Reduction(leaf));
                continue;
            }
            let step = self.resolved.step(id);
            match self.resolved.array(step) {
                Some(array) => leaves.extend(self.vars.get(&array).map(|&var| Leaf::Var(var))),
                None => pending.extend(self.resolved.args(step).iter().map(|arg| arg.step)),
            }
        }
        match self.domains.n_visits > MAX_VISITS {
            true => Err(Error::new(ErrorKind::TooManyShapes, of.span)),
            false => Ok(reduction::domain(&self.graph, leaves)),
        }
    }
}
