//! Loops of a program for calls whose shapes the usual ones do not suit.

use crate::compile::Arranged;
use once_cell::race::OnceBox;

/// Which domains are alike differs little between the calls of a program.
pub(super) const MAX_OTHERS: usize = 8;

/// Loops for calls in which other domains are alike than usual.
#[derive(Default)]
pub(super) struct Others {
    pub(super) known: boxcar::Vec<Arranged>,
    /// Those that are right for all calls. They are for whatever comes when there are many.
    pub(super) certain: OnceBox<Arranged>,
}

impl Others {
    fn all(&self) -> impl Iterator<Item = &Arranged> {
        self.known.iter().map(|(_, known)| known).chain(self.certain.get())
    }

    /// About how many bytes of memory they take.
    pub(super) fn n_bytes(&self) -> usize {
        self.all().map(Arranged::n_bytes).sum()
    }

    /// Why one of them is interpreted. None if none is.
    pub(super) fn fallback_reason(&self) -> Option<&str> {
        self.all().find_map(|known| known.executable.fallback_reason())
    }

    pub(super) fn get(&self, which: Which) -> Option<&Arranged> {
        match which {
            Which::Own => None,
            Which::Other(number) => self.known.get(number),
            Which::Certain => self.certain.get(),
        }
    }
}

/// Which loops of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that it was compiled with.
    Own,
    Other(usize),
    Certain,
}
