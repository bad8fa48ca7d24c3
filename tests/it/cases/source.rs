//! Where choices come from: a seed, or the bytes of a fuzzer.

/// A stream of choices. Once the bytes have run out every choice is the first one, which is always
/// the simplest.
pub(crate) struct Source<'a> {
    kind: Kind<'a>,
}

enum Kind<'a> {
    Bytes(&'a [u8]),
    Random(u64),
}

impl Source<'static> {
    /// Endless choices that follow from a seed (SplitMix64).
    pub(crate) fn from_seed(seed: u64) -> Source<'static> {
        Source { kind: Kind::Random(seed.wrapping_mul(0xd134_2543_de82_ef95)) }
    }
}

impl<'a> Source<'a> {
    /// Choices that are read from bytes.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Source<'a> {
        Source { kind: Kind::Bytes(bytes) }
    }

    /// So many random bytes, as the low bytes of a number.
    fn take(&mut self, n_bytes: usize) -> u64 {
        match &mut self.kind {
            Kind::Bytes(bytes) => {
                let (now, rest) = bytes.split_at(n_bytes.min(bytes.len()));
                *bytes = rest;
                now.iter().fold(0, |so_far, &byte| so_far << 8 | u64::from(byte))
            }
            Kind::Random(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (z ^ (z >> 31)) >> (64 - 8 * n_bytes as u32)
            }
        }
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.take(8)
    }

    /// A small seed for a separate source. It takes few bytes, however much is drawn from that
    /// source.
    pub(crate) fn seed(&mut self) -> u64 {
        self.take(2)
    }

    /// One of `0..n`; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let n_bytes = match n {
            0..=1 => return 0,
            2..=0x40 => 1,
            0x41..=0x4000 => 2,
            _ => 8,
        };
        (self.take(n_bytes) % n as u64) as usize
    }

    /// One of `from..=to`.
    pub(crate) fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
