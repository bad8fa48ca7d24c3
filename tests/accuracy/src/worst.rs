//! The worst cases found so far, as many as are wanted.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use crate::float::Real;

/// A result and its error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<T> {
    /// The error; never NaN.
    pub(crate) ulps: f64,
    /// The first argument.
    pub(crate) x: T,
    /// The second argument, if the function has one.
    pub(crate) y: T,
    /// The result that is so far off.
    pub(crate) found: T,
}

impl<T: Real> Case<T> {
    /// By error, then by arguments, so that the order does not depend on threads.
    fn order(&self, other: &Case<T>) -> Ordering {
        self.ulps.total_cmp(&other.ulps).then_with(|| other.arguments().cmp(&self.arguments()))
    }

    pub(crate) fn is_worse_than(&self, other: &Case<T>) -> bool {
        self.order(other) == Ordering::Greater
    }

    fn arguments(&self) -> (u64, u64) {
        (self.x.bits(), self.y.bits())
    }
}

/// A case in its order.
struct Ranked<T>(Case<T>);

impl<T: Real> Ord for Ranked<T> {
    fn cmp(&self, other: &Ranked<T>) -> Ordering {
        self.0.order(&other.0)
    }
}

impl<T: Real> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Ranked<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Real> PartialEq for Ranked<T> {
    fn eq(&self, other: &Ranked<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Real> Eq for Ranked<T> {}

/// The worst cases of those that were added.
pub(crate) struct Worst<T> {
    // A set, because the same argument may be tried twice.
    cases: BTreeSet<Ranked<T>>,
    arguments: HashSet<(u64, u64)>,
    capacity: usize,
    floor: f64,
}

impl<T: Real> Worst<T> {
    /// None yet. Cases below `floor` are of no interest.
    pub(crate) fn new(capacity: usize, floor: f64) -> Worst<T> {
        Worst { cases: BTreeSet::new(), arguments: HashSet::new(), capacity, floor }
    }

    /// What a case must reach to be among them.
    pub(crate) fn threshold(&self) -> f64 {
        match self.cases.first() {
            Some(least) if self.cases.len() >= self.capacity => least.0.ulps.max(self.floor),
            _ => self.floor,
        }
    }

    /// Whether the case of these arguments is among them.
    pub(crate) fn has(&self, x: T, y: T) -> bool {
        self.arguments.contains(&(x.bits(), y.bits()))
    }

    /// Adds one, if it is among the worst.
    pub(crate) fn add(&mut self, case: Case<T>) {
        self.arguments.insert(case.arguments());
        self.cases.insert(Ranked(case));
        if self.cases.len() > self.capacity
            && let Some(least) = self.cases.pop_first()
        {
            self.arguments.remove(&least.0.arguments());
        }
    }

    /// Adds all of the other's.
    pub(crate) fn merge(&mut self, other: Worst<T>) {
        other.cases.into_iter().for_each(|ranked| self.add(ranked.0));
    }

    /// The largest error; 0 if there is none.
    pub(crate) fn largest(&self) -> f64 {
        self.cases.last().map_or(0.0, |ranked| ranked.0.ulps)
    }

    /// The cases, the worst first.
    pub(crate) fn sorted(&self) -> Vec<Case<T>> {
        self.cases.iter().rev().map(|ranked| ranked.0).collect()
    }
}

/// The worst few that are far from each other, because errors cluster: they differ in the upper
/// half of the significand.
pub(crate) fn spread<T: Real>(cases: &[Case<T>], n: usize) -> Vec<Case<T>> {
    let apart = 1u64 << (T::FORMAT.precision / 2);
    let mut found: Vec<Case<T>> = Vec::new();
    for &case in cases {
        let is_near = |other: &Case<T>| {
            case.x.place().abs_diff(other.x.place()) < apart && case.y.place().abs_diff(other.y.place()) < apart
        };
        if found.len() < n && !found.iter().any(is_near) {
            found.push(case);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(ulps: f64, x: f64) -> Case<f64> {
        Case { ulps, x, y: 0.0, found: 0.0 }
    }

    #[test]
    fn the_worst_are_kept() {
        let mut worst = Worst::new(3, 0.1);
        assert_eq!(worst.threshold(), 0.1);
        for (idx, ulps) in [0.6, 0.9, 0.2, f64::INFINITY, 0.7].into_iter().enumerate() {
            worst.add(case(ulps, idx as f64));
        }
        assert_eq!(worst.threshold(), 0.7);
        assert!(worst.has(4.0, 0.0) && !worst.has(0.0, 0.0), "0.7 is one of three, 0.6 is not");
        assert_eq!(worst.largest(), f64::INFINITY);
        assert_eq!(worst.sorted().iter().map(|case| case.ulps).collect::<Vec<_>>(), [f64::INFINITY, 0.9, 0.7]);
    }

    #[test]
    fn lists_merge_without_repeats() {
        let [mut first, second] = [[0.5, 0.8], [0.8, 0.6]].map(|errors| {
            let mut worst = Worst::new(2, 0.0);
            errors.into_iter().for_each(|ulps| worst.add(case(ulps, ulps)));
            worst
        });
        first.merge(second);
        assert_eq!(first.sorted().iter().map(|case| case.ulps).collect::<Vec<_>>(), [0.8, 0.6]);
    }

    #[test]
    fn neighbours_are_shown_once() {
        let cases = [case(0.9, 1.0), case(0.8, 1.0f64.next_up()), case(0.7, 1.5), case(0.6, 3.0)];
        let spread = spread(&cases, 2);
        assert_eq!(spread.iter().map(|case| case.x).collect::<Vec<_>>(), [1.0, 1.5]);
    }
}
