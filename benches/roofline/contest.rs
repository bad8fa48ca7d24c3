//! A subject and its rivals, which do the same work in other ways. They are timed in turns, so that
//! a slow moment of the machine hits all of them.

use crate::team::repeat;
use serde::Serialize;
use std::time::{Duration, Instant};

/// A way to do it.
pub(crate) struct Way<'a> {
    /// Runs calls for a given time, and returns the time of each in seconds.
    turn: Box<dyn FnMut(Duration) -> Vec<f64> + 'a>,
    times: Vec<f64>,
}

/// The shortest time between two readings of the clock: reading it takes some 30 ns.
const BATCH: Duration = Duration::from_micros(30);

impl<'a> Way<'a> {
    pub(crate) fn new(mut call: impl FnMut() + 'a) -> Way<'a> {
        let mut batch = None;
        Way::of_turns(move |time| {
            let batch = *batch.get_or_insert_with(|| batch_of(BATCH, &mut call));
            let times = repeat(time, || (0..batch).for_each(|_| call()));
            times.iter().map(|time| time.as_secs_f64() / batch as f64).collect()
        })
    }

    /// A way that fills its turns itself.
    pub(crate) fn of_turns(turn: impl FnMut(Duration) -> Vec<f64> + 'a) -> Way<'a> {
        Way { turn: Box::new(turn), times: Vec::new() }
    }

    fn take_turn(&mut self, time: Duration) {
        let mut times = (self.turn)(time);
        // The first call finds the caches as the way before left them, so it does not count.
        if times.len() > 1 {
            times.remove(0);
        }
        self.times.append(&mut times);
    }

    /// The median, and the shortest, in nanoseconds.
    fn summary(mut self, elements: usize) -> Summary {
        self.times.sort_unstable_by(f64::total_cmp);
        let ns = |k: usize| self.times[k] * 1e9 / elements as f64;
        Summary { ns: ns(self.times.len() / 2), ns_at_best: ns(0) }
    }
}

/// How many calls last as long as `time`, at least one.
pub(crate) fn batch_of(time: Duration, call: &mut impl FnMut()) -> usize {
    let mut batch = 1;
    loop {
        let start = Instant::now();
        (0..batch).for_each(|_| call());
        if start.elapsed() >= time {
            return batch;
        }
        // Doubling never overshoots by much, even if the first call was a slow one.
        batch *= 2;
    }
}

#[derive(Clone, Copy)]
struct Summary {
    ns: f64,
    ns_at_best: f64,
}

/// The same work by other means. The fastest of them counts.
struct Rival<'a> {
    name: &'static str,
    goal: Option<f64>,
    ways: Vec<Way<'a>>,
}

/// Something of ours, and what it is compared with.
pub(crate) struct Contest<'a> {
    pub(crate) title: String,
    /// What times are divided by.
    elements: usize,
    ours: Way<'a>,
    rivals: Vec<Rival<'a>>,
}

impl<'a> Contest<'a> {
    pub(crate) fn new(title: impl Into<String>, elements: usize, ours: Way<'a>) -> Contest<'a> {
        Contest { title: title.into(), elements, ours, rivals: Vec::new() }
    }

    /// Adds a rival, if there is a way.
    pub(crate) fn against(mut self, name: &'static str, ways: Vec<Way<'a>>) -> Contest<'a> {
        if !ways.is_empty() {
            self.rivals.push(Rival { name, goal: None, ways });
        }
        self
    }

    /// What the ratio to the last rival should be at most.
    pub(crate) fn goal(mut self, ratio: f64) -> Contest<'a> {
        if let Some(rival) = self.rivals.last_mut() {
            rival.goal = Some(ratio);
        }
        self
    }

    fn take_turns(&mut self, time: Duration) {
        self.ours.take_turn(time);
        for rival in &mut self.rivals {
            let time = time / rival.ways.len() as u32;
            rival.ways.iter_mut().for_each(|way| way.take_turn(time));
        }
    }

    fn rows(self) -> Vec<Row> {
        let (title, elements) = (self.title, self.elements);
        let ours = self.ours.summary(elements);
        let row =
            |against: Option<Against>| Row { title: title.clone(), ns: ours.ns, ns_at_best: ours.ns_at_best, against };
        if self.rivals.is_empty() {
            return vec![row(None)];
        }
        let against = |rival: Rival<'_>| {
            let ways = rival.ways.into_iter().map(|way| way.summary(elements));
            let best = ways.reduce(|x, y| if y.ns < x.ns { y } else { x })?;
            Some(Against {
                name: rival.name,
                ns: best.ns,
                ns_at_best: best.ns_at_best,
                ratio: ours.ns / best.ns,
                ratio_at_best: ours.ns_at_best / best.ns_at_best,
                goal: rival.goal,
            })
        };
        self.rivals.into_iter().map(|rival| row(against(rival))).collect()
    }
}

/// Turns of every way.
const ROUNDS: u32 = 8;

/// A table of the report.
#[derive(Serialize)]
pub(crate) struct Section {
    pub(crate) title: String,
    /// What times are for.
    pub(crate) per: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// A subject and a rival.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) ns: f64,
    pub(crate) ns_at_best: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) against: Option<Against>,
}

/// A rival's times, and ours by them.
#[derive(Serialize)]
pub(crate) struct Against {
    pub(crate) name: &'static str,
    pub(crate) ns: f64,
    pub(crate) ns_at_best: f64,
    pub(crate) ratio: f64,
    pub(crate) ratio_at_best: f64,
    /// The largest ratio that is good enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) goal: Option<f64>,
}

impl Section {
    /// Runs the contests one after the other, so that each has the caches to itself. Every subject
    /// and rival gets this time.
    pub(crate) fn measure(
        title: impl Into<String>,
        per: &'static str,
        contests: Vec<Contest<'_>>,
        time: Duration,
    ) -> Section {
        let run = |mut contest: Contest<'_>| {
            (0..ROUNDS).for_each(|_| contest.take_turns(time / ROUNDS));
            contest.rows()
        };
        Section { title: title.into(), per, rows: contests.into_iter().flat_map(run).collect() }
    }
}
