//! Which participant does which chunk: each has a share of neighbouring chunks, and steals from the
//! other shares when its own is done.
//!
//! In: a number of chunks and of participants. Out: for each participant, chunks to do. Always
//! true: each chunk is given out at most once, and when a participant finds no chunk left, all have
//! been given out.
//!
//! There are shares, and not one counter for all, because in repeated calls over the same arrays a
//! thread then finds its part in its own cache, and because it touches new memory in one piece.
//! "shares" in docs/measurements.md compares both.

use super::sync::{AtomicUsize, Ordering, Padded};

/// Participants beyond this number begin in the shares of the first ones. A job is on the caller's
/// stack, so it has a fixed size: the shares take 2 KiB.
const MAX_SHARES: usize = if cfg!(all(loom, test)) { 2 } else { 16 };

pub(super) struct Shares {
    /// For each share, how many of its chunks have been given out, or a larger number.
    n_given: [Padded<AtomicUsize>; MAX_SHARES],
    n_shares: usize,
    n_chunks: usize,
}

impl Shares {
    pub(super) fn new(n_chunks: usize, n_participants: usize) -> Shares {
        Shares {
            n_given: std::array::from_fn(|_| Padded(AtomicUsize::new(0))),
            n_shares: n_participants.clamp(1, MAX_SHARES),
            n_chunks,
        }
    }

    /// Calls `work` with chunks, each given to this call alone, until there are none left.
    pub(super) fn for_each(&self, participant: usize, mut work: impl FnMut(usize)) {
        for turn in 0..self.n_shares {
            let share = (participant + turn) % self.n_shares;
            let (start, len) = self.bounds(share);
            let n_given = &self.n_given[share];
            // Because of this load, shares that are done cause no traffic by writes. It also keeps
            // the counter from overflowing: it exceeds `len` by at most one for each participant,
            // and if there are two participants, `len` is at most half of all chunks.
            while n_given.load(Ordering::Relaxed) < len {
                let chunk = n_given.fetch_add(1, Ordering::Relaxed);
                if chunk >= len {
                    break;
                }
                work(start + chunk);
            }
        }
    }

    /// Gives out no more chunks.
    pub(super) fn abandon(&self) {
        for share in 0..self.n_shares {
            self.n_given[share].store(self.bounds(share).1, Ordering::Relaxed);
        }
    }

    /// The first chunk of a share, and how many there are.
    fn bounds(&self, share: usize) -> (usize, usize) {
        let (len, n_longer) = (self.n_chunks / self.n_shares, self.n_chunks % self.n_shares);
        (share * len + share.min(n_longer), len + usize::from(share < n_longer))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn own_share_first_and_every_chunk_once() {
        for n_participants in [1, 2, 3, 16, 40] {
            for n_chunks in [0, 1, 2, 15, 16, 17, 1000] {
                let shares = Shares::new(n_chunks, n_participants);
                let mut chunks = Vec::new();
                shares.for_each(n_participants - 1, |chunk| chunks.push(chunk));
                if let Some(&first) = chunks.first().filter(|_| n_chunks >= MAX_SHARES) {
                    assert_eq!(first, shares.bounds((n_participants - 1) % shares.n_shares).0);
                }
                shares.for_each(0, |_| panic!("there is none left"));
                chunks.sort_unstable();
                assert_eq!(chunks, (0..n_chunks).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn nothing_overflows() {
        let shares = Shares::new(usize::MAX, 3);
        let mut chunks = (0..3).map(|share| shares.bounds(share));
        assert_eq!(chunks.next(), Some((0, usize::MAX / 3)));
        assert_eq!(chunks.next_back(), Some((usize::MAX / 3 * 2, usize::MAX / 3)));
        shares.abandon();
        for participant in 0..3 {
            shares.for_each(participant, |_| panic!("abandoned"));
        }
    }
}
