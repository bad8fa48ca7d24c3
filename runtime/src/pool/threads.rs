//! How many threads there should be: the limit, and what the environment asks for.

use super::PoolError;

/// The most threads that a pool may have. The largest machines have some hundred processors.
pub const MAX_THREADS: usize = 1024;

const VARIABLE: &str = "NDEXPR_NUM_THREADS";

/// The number of threads to use unless told otherwise, from 1 to [`MAX_THREADS`]: the value of the
/// environment variable `NDEXPR_NUM_THREADS` if it is set and not empty, else
/// [`available_threads`].
///
/// A larger value counts as [`MAX_THREADS`].
///
/// # Errors
///
/// If the variable's value is not a positive integer.
pub fn default_threads() -> Result<usize, PoolError> {
    match std::env::var_os(VARIABLE) {
        Some(value) if !value.is_empty() => parse(&value.to_string_lossy()),
        _ => Ok(available_threads()),
    }
}

/// The processors that this process may really use, by its affinity and by its cgroup's quota, but
/// at least 1 and at most [`MAX_THREADS`].
#[must_use]
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MAX_THREADS)
}

fn parse(value: &str) -> Result<usize, PoolError> {
    use std::num::IntErrorKind::PosOverflow;

    match value.trim().parse::<usize>() {
        Ok(n_threads) if n_threads > 0 => Ok(n_threads.min(MAX_THREADS)),
        Err(error) if *error.kind() == PosOverflow => Ok(MAX_THREADS),
        _ => Err(PoolError::BadEnvironment { value: value.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_integers_count_and_are_limited() {
        assert_eq!(parse("3"), Ok(3));
        assert_eq!(parse(" 12\n"), Ok(12));
        for text in ["1025", "4096", "99999999999999999999999"] {
            assert_eq!(parse(text), Ok(MAX_THREADS), "{text:?}");
        }
        for text in [" ", "0", "-1", "two", "abc", "1.5", "3 4"] {
            assert_eq!(parse(text), Err(PoolError::BadEnvironment { value: text.to_owned() }), "{text:?}");
        }
        assert!((1..=MAX_THREADS).contains(&available_threads()));
    }
}
