//! How many threads there should be.

/// The number of threads to use unless told otherwise, at least 1: `NDEXPR_NUM_THREADS` if that is a positive integer,
/// else the CPUs that this process may really use, by its affinity and by its cgroup's quota.
#[must_use]
pub fn default_threads() -> usize {
    let asked = std::env::var("NDEXPR_NUM_THREADS").ok().and_then(|text| parse(&text));
    asked
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
        .min(super::MAX_THREADS)
}

fn parse(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|&n_threads| n_threads > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_integers_count() {
        assert_eq!(parse("3"), Some(3));
        assert_eq!(parse(" 12\n"), Some(12));
        for text in ["", "0", "-1", "two", "1.5", "99999999999999999999999"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert!(default_threads() >= 1);
    }
}
