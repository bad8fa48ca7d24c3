//! Random numbers that depend on the seed alone: the same arguments for any number of threads.

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    /// A different sequence for each seed.
    #[cfg(test)]
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The sequence of one part of the work.
    pub(crate) fn of(seed: u64, part: usize, chunk: usize) -> Random {
        let mut random = Random(seed);
        let mixed = random.next() ^ (part as u64) << 48 ^ chunk as u64;
        Random(Random(mixed).next())
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// One of `0..n`; `n` must not be 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// One of `lo..=hi`.
    pub(crate) fn between(&mut self, lo: i32, hi: i32) -> i32 {
        lo + self.below((hi - lo + 1) as u64) as i32
    }

    /// From `lo` to `hi`.
    pub(crate) fn uniform(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * ((self.next() >> 11) as f64 * f64::EPSILON / 2.0)
    }

    /// 1 or -1.
    pub(crate) fn sign(&mut self) -> f64 {
        if self.next() >> 63 == 1 { -1.0 } else { 1.0 }
    }

    /// Uniform in the exponent: in `[2^lo, 2^(hi + 1))`.
    pub(crate) fn of_exponents(&mut self, lo: i32, hi: i32) -> f64 {
        let exponent = self.between(lo, hi);
        self.uniform(1.0, 2.0) * crate::points::power_of_two(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_ranges() {
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            assert!(random.below(7) < 7);
            assert!((-3..=4).contains(&random.between(-3, 4)));
            assert!((-2.5..=1.5).contains(&random.uniform(-2.5, 1.5)));
            assert!((0.125..=4.0).contains(&random.of_exponents(-3, 1)));
        }
    }

    #[test]
    fn parts_and_chunks_differ() {
        let first = |part, chunk| Random::of(5, part, chunk).next();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(2, 1));
        assert_ne!(first(0, 1), first(0, 2));
    }
}
