//! Contenders take turns, so that a machine that slows down slows all of them. Only turns on an
//! unshared core count. The stack is at another place in each turn, because functions that keep
//! values there are up to three times as slow at some.

use crate::gauge::Gauge;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often, and how long at a time.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Times that each contender's turn comes while the core is not shared.
    pub count: usize,
    /// About how long a turn is.
    pub turn: Duration,
    /// How long to wait for that many.
    pub patience: Duration,
}

/// The time of one call, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Of the turns that count.
    pub median: f64,
    /// A tenth of the turns were faster.
    pub fast: f64,
    /// A tenth of the turns were slower.
    pub slow: f64,
}

/// What came of it.
pub struct Timed {
    /// For each contender.
    pub times: Vec<Times>,
    /// Rounds in which the core was not shared.
    pub rounds_alone: usize,
    /// Whether these were enough. If not, the times are from the rounds in which it was shared
    /// least.
    pub is_alone: bool,
}

/// The time of a call for every contender, and the higher of the gauge's readings before and after.
struct Round {
    calls: Vec<f64>,
    reading: f64,
}

/// Times every contender. Every round is on another of the states, which are alike, and at other
/// places in memory.
pub fn in_turn<S>(states: &mut [S], contenders: &[&dyn Fn(&mut S)], wanted: Rounds, gauge: &mut Gauge) -> Timed {
    let state = &mut states[0];
    let counts: Vec<u32> = contenders.iter().map(|contender| calls_per_turn(state, contender, wanted.turn)).collect();
    let start = Instant::now();
    let mut rounds: Vec<Round> = Vec::new();
    let mut before = gauge.read();
    loop {
        let state = &mut states[rounds.len() % states.len()];
        let mut calls = Vec::with_capacity(contenders.len());
        deeper(rounds.len() % STACK_PLACES, &mut || {
            for (contender, &count) in contenders.iter().zip(&counts) {
                // Once untimed: the code and tables of the one before are still in the caches.
                contender(state);
                calls.push(time(state, contender, count).as_secs_f64() * 1e9 / f64::from(count));
            }
        });
        let after = gauge.read();
        rounds.push(Round { calls, reading: before.max(after) });
        before = after;

        // Counted anew each time, because a later reading may be better than the best so far.
        let alone = rounds.iter().filter(|round| gauge.is_alone(round.reading)).count();
        let is_late = rounds.len() >= wanted.count && start.elapsed() >= wanted.patience;
        if alone >= wanted.count || is_late {
            return Timed::of(rounds, wanted, gauge);
        }
    }
}

/// More than a page, in steps of some cache lines: where the stack starts within a page is what
/// matters, and that the system chooses anew for every process.
const STACK_PLACES: usize = 64;

/// Runs it that many frames further down the stack.
#[inline(never)]
fn deeper(frames: usize, run: &mut dyn FnMut()) {
    let room = black_box([0u8; 64]);
    if frames == 0 {
        run()
    } else {
        deeper(frames - 1, run)
    }
    black_box(room);
}

/// As many calls as fill a turn, at least one.
fn calls_per_turn<S>(state: &mut S, contender: &dyn Fn(&mut S), turn: Duration) -> u32 {
    // The first call may fault pages in. Of the next ones one is counted, the fastest: slower ones
    // were disturbed.
    contender(state);
    let call = (0..5).map(|_| time(state, contender, 1)).min().unwrap_or(turn);
    (turn.as_secs_f64() / call.as_secs_f64().max(1e-9)).round().max(1.0) as u32
}

fn time<S>(state: &mut S, contender: &dyn Fn(&mut S), calls: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..calls {
        contender(black_box(state));
    }
    start.elapsed()
}

impl Timed {
    fn of(mut rounds: Vec<Round>, wanted: Rounds, gauge: &Gauge) -> Timed {
        rounds.sort_by(|a, b| f64::total_cmp(&a.reading, &b.reading));
        let rounds_alone = rounds.partition_point(|round| gauge.is_alone(round.reading));
        let enough = (wanted.count / 4).max(1);
        rounds.truncate(rounds_alone.max(enough));
        let n_contenders = rounds.first().map_or(0, |round| round.calls.len());
        Timed {
            times: (0..n_contenders).map(|k| Times::of(rounds.iter().map(|round| round.calls[k]).collect())).collect(),
            rounds_alone,
            is_alone: rounds_alone >= enough,
        }
    }
}

impl Times {
    fn of(mut turns: Vec<f64>) -> Times {
        turns.sort_by(f64::total_cmp);
        let at = |part: f64| turns[((turns.len() - 1) as f64 * part).round() as usize];
        Times { median: at(0.5), fast: at(0.1), slow: at(0.9) }
    }

    /// The time of one of the `n` parts of a call.
    #[must_use]
    pub fn per(self, n: usize) -> Times {
        let n = n as f64;
        Times { median: self.median / n, fast: self.fast / n, slow: self.slow / n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_the_contenders_they_stand_for() {
        let short = |sum: &mut u64| *sum = (0..100).fold(*sum, |sum, i| black_box(sum ^ i));
        let long = |sum: &mut u64| *sum = (0..10_000).fold(*sum, |sum, i| black_box(sum ^ i));
        let rounds = Rounds { count: 11, turn: Duration::from_micros(50), patience: Duration::ZERO };
        let Timed { times, .. } = in_turn(&mut [0], &[&short, &long], rounds, &mut Gauge::new(None));
        assert!(times[0].median < times[1].median, "{times:?}");
        assert!(times.iter().all(|times| times.fast <= times.median && times.median <= times.slow), "{times:?}");
    }

    #[test]
    fn only_rounds_alone_count_if_there_are_enough() {
        let gauge = Gauge::new(Some(1e-9));
        let wanted = Rounds { count: 8, turn: Duration::ZERO, patience: Duration::ZERO };
        let rounds =
            |readings: &[f64]| readings.iter().map(|&reading| Round { calls: vec![reading], reading }).collect();
        let timed = Timed::of(rounds(&[2e-9, 1e-9, 1e-9, 3e-9, 1e-9]), wanted, &gauge);
        assert_eq!((timed.rounds_alone, timed.is_alone, timed.times[0].slow), (3, true, 1e-9));
        let timed = Timed::of(rounds(&[4e-9, 2e-9, 1e-9, 3e-9, 5e-9]), wanted, &gauge);
        assert_eq!((timed.rounds_alone, timed.is_alone, timed.times[0].slow), (1, false, 2e-9));
    }
}
