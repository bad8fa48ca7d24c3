//! Where results leave the dtype: overflow, underflow, subnormal results, and the limits 1 and 2
//! that functions reach.

use super::Points;
use crate::float::Real;
use crate::oracle::Oracle;

/// How many places around each are tried.
const AROUND: i64 = 64;

/// What kind of number a result is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Nan,
    Infinite,
    Zero,
    Subnormal,
    /// 1 or 2, the limits of tanh, erf and erfc.
    Limit,
    Normal,
}

/// Adds what is around each argument in the domain at which the kind of result changes.
///
/// They are searched for by halving, between arguments spread over the domain, evenly and evenly in
/// their exponents.
pub(super) fn push<T: Real>(oracle: &Oracle, domain: (f64, f64), out: &mut Points<T>) {
    const N_SPREAD: i64 = 512;
    let ends = [domain.0, domain.1].map(T::from_f64);
    let [lo, hi] = ends.map(Real::place);
    let mut places: Vec<_> = (0..=N_SPREAD)
        .map(|idx| (i128::from(lo) + (i128::from(hi) - i128::from(lo)) * i128::from(idx) / 512) as i64)
        .collect();
    let half_width = domain.1 / 2.0 - domain.0 / 2.0;
    places.extend((0..=N_SPREAD).map(|idx| {
        let value = domain.0 + half_width * (idx as f64 / 256.0);
        T::from_f64(value.clamp(domain.0, domain.1)).place()
    }));
    places.sort_unstable();
    places.dedup();
    let zero = T::from_f64(0.0);
    let kind = |place: i64| kind::<T>(oracle, zero.offset(place));
    for pair in places.windows(2) {
        let (mut below, mut above) = (pair[0], pair[1]);
        let (kind_below, kind_above) = (kind(below), kind(above));
        if kind_below == kind_above {
            continue;
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if kind(middle) == kind_below { below = middle } else { above = middle }
        }
        out.push_around(zero.offset(above), AROUND);
    }
    ends.into_iter().for_each(|end| out.push_around(end, AROUND));
}

fn kind<T: Real>(oracle: &Oracle, x: T) -> Kind {
    let result = T::from_f64(oracle.exact(x.to_f64(), 0.0).to_f64()).to_f64().abs();
    match result {
        _ if result.is_nan() => Kind::Nan,
        _ if result.is_infinite() => Kind::Infinite,
        0.0 => Kind::Zero,
        1.0 | 2.0 => Kind::Limit,
        _ if result < super::power_of_two(T::FORMAT.min_exponent) => Kind::Subnormal,
        _ => Kind::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<T: Real>(name: &str, domain: (f64, f64)) -> Vec<f64> {
        let mut points = Points::<T>::default();
        push(&Oracle::of(name).unwrap(), domain, &mut points);
        points.x.into_iter().map(Real::to_f64).collect()
    }

    #[test]
    fn thresholds_are_where_they_are_known_to_be() {
        let of_exp = found::<f64>("exp", (-746.0, 710.0));
        for threshold in [709.782712893384, 709.7827128933841, -745.1332191019411, -708.3964185322641] {
            assert!(of_exp.contains(&threshold), "{threshold}");
        }
        let of_exp = found::<f32>("exp", (-104.5, 89.0));
        for threshold in [88.722_83f32, -103.972_08, -87.336_55] {
            assert!(of_exp.contains(&threshold.into()), "{threshold}");
        }
        let of_tanh = found::<f64>("tanh", (-20.0, 20.0));
        assert!(of_tanh.iter().any(|&x| x > 19.0 && x < 19.1), "where it becomes 1");
    }

    #[test]
    fn the_ends_of_the_domain_are_there() {
        let of_acosh = found::<f64>("acosh", (1.0, f64::MAX));
        for end in [1.0, 1.0f64.next_down(), f64::MAX, f64::INFINITY] {
            assert!(of_acosh.contains(&end), "{end}");
        }
    }
}
