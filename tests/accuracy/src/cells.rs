//! The worst case of each small part of the number line, so that climbs start from many maxima, not
//! from the highest alone.

use crate::float::Real;
use crate::worst::Case;

/// The bits of a significand that tell cells apart, besides the exponent. The cells of x and -x are
/// the same.
const SIGNIFICAND_BITS: i32 = 5;
/// As many as there are exponents and such bits of float64. Pairs of arguments are distributed over
/// them by a hash.
const N_CELLS: usize = 1 << 16;

/// One case for each cell. Their errors may be estimates.
pub(crate) struct Cells<T>(Vec<Option<Case<T>>>);

impl<T: Real> Cells<T> {
    pub(crate) fn new() -> Cells<T> {
        Cells(vec![None; N_CELLS])
    }

    /// Adds a case, if it is the worst of its cell.
    pub(crate) fn add(&mut self, case: Case<T>) {
        let cell = &mut self.0[index(case.x, case.y)];
        if cell.is_none_or(|other| case.is_worse_than(&other)) {
            *cell = Some(case);
        }
    }

    /// Adds all of the other's.
    pub(crate) fn merge(&mut self, other: Cells<T>) {
        other.0.into_iter().flatten().for_each(|case| self.add(case));
    }

    /// The worst `n`, the worst first.
    pub(crate) fn worst(&self, n: usize) -> Vec<Case<T>> {
        let mut cases: Vec<_> = self.0.iter().flatten().copied().collect();
        cases.sort_unstable_by(
            |a, b| if a.is_worse_than(b) { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater },
        );
        cases.truncate(n);
        cases
    }
}

fn index<T: Real>(x: T, y: T) -> usize {
    let [x, y] = [x, y].map(|value| value.bits() >> (T::FORMAT.precision - 1 - SIGNIFICAND_BITS));
    (x.wrapping_add(y.wrapping_mul(40503)) % N_CELLS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(ulps: f64, x: f64) -> Case<f64> {
        Case { ulps, x, y: 0.0, found: 0.0 }
    }

    #[test]
    fn each_cell_keeps_its_worst() {
        let (mut cells, mut others) = (Cells::new(), Cells::new());
        for (ulps, x) in [(0.6, 1.0), (0.9, 1.01), (0.8, 1.02), (0.7, 1.1)] {
            cells.add(case(ulps, x));
        }
        others.add(case(0.95, -1.11));
        cells.merge(others);
        assert_eq!(cells.worst(10).iter().map(|case| case.x).collect::<Vec<_>>(), [-1.11, 1.01]);
        assert_eq!(cells.worst(1).len(), 1);
    }

    #[test]
    fn every_binade_of_float64_has_its_own() {
        let mut found: Vec<_> = (0..2046).map(|exponent| index(f64::from_bits(exponent << 52), 0.0)).collect();
        found.dedup();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 2046);
    }
}
