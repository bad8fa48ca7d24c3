//! Names: the constants of the language, and what a misspelt name may have been meant to be.

/// A constant of the language. A variable of the same name takes precedence.
pub(crate) fn named_constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "e" => Some(std::f64::consts::E),
        "inf" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

/// The candidate closest to `name`, if one is close enough to have been meant.
pub(crate) fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // Nobody misspells a longer name, and a whole text may be one name.
    const MOST_BYTES: usize = 256;
    if name.len() > MOST_BYTES {
        return None;
    }
    let limit = (name.chars().count() / 3).max(1);
    // Some of a short name must stay the same: an `x` is not a misspelt `a`, but maybe an `X`.
    let distance = |candidate: &str| match name.eq_ignore_ascii_case(candidate) {
        true => 0,
        false => strsim::osa_distance(name, candidate),
    };
    let longest = |candidate: &str| candidate.chars().count().max(name.chars().count());
    candidates
        .map(|candidate| (distance(candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < longest(candidate))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate.to_owned())
}
