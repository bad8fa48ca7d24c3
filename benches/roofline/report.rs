//! The result, as Markdown that is readable as it is, and as JSON.

use crate::contest::{Against, Row as SectionRow, Section};
use crate::line::{Kind, Line, Mix};
use crate::simd::Level;
use crate::sizes::{self, Curves};
use serde::Serialize;
use std::fmt::Write;

/// All that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    n: usize,
    threads: usize,
    vectors: &'static str,
    limits: Vec<Row>,
    by_hand: Vec<Row>,
    expressions: Vec<Row>,
    pub(crate) sections: Vec<Section>,
    /// The processor time, in nanoseconds, of threads that have nothing to do, in 100 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idle_cpu_ns: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sizes: Vec<Curves>,
}

/// A line's numbers.
#[derive(Serialize)]
struct Row {
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shape: Vec<usize>,
    elements: usize,
    bytes_read: usize,
    bytes_written: usize,
    calls: usize,
    ns_per_element: Option<f64>,
    ns_per_element_at_best: Option<f64>,
    gb_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beside: Option<Ratio>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// How near a line comes to a limit.
#[derive(Serialize)]
struct Share {
    mix: &'static str,
    /// From median times; 1 is the limit.
    share: f64,
    /// From the shortest times.
    share_at_best: f64,
}

/// A line's time for an element, divided by that of another line.
#[derive(Serialize)]
struct Ratio {
    to: &'static str,
    ratio: f64,
}

/// A line with less memory traffic for an element does not wait for memory.
const MIN_BYTES_PER_ELEMENT: f64 = 0.1;

impl Report {
    pub(crate) fn new(n: usize, threads: usize, lines: &[Line<'_>]) -> Report {
        let rows = |is_wanted: fn(&Kind) -> bool| {
            lines.iter().filter(|line| is_wanted(&line.kind)).map(|line| Row::new(line, lines)).collect()
        };
        Report {
            n,
            threads,
            vectors: Level::detected().name(),
            limits: rows(|kind| matches!(kind, Kind::Limit(..) | Kind::Arithmetic)),
            by_hand: rows(|kind| matches!(kind, Kind::ByHand(_))),
            expressions: rows(|kind| *kind == Kind::Expression),
            sections: Vec::new(),
            idle_cpu_ns: None,
            sizes: Vec::new(),
        }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Report { n, threads, vectors, .. } = self;
        let s = if *threads == 1 { "" } else { "s" };
        writeln!(text, "ns per element, medians of interleaved calls; n = {n:e}, {threads} thread{s}, {vectors}")?;
        if !self.expressions.is_empty() {
            self.write_lines(text)?;
        }
        for section in &self.sections {
            section.write(text)?;
        }
        if let Some(time) = self.idle_cpu_ns {
            writeln!(text, "\nprocessor time of the other threads in 100 ms, from 5 ms after a call on: {time} ns")?;
        }
        sizes::write(&self.sizes, text)
    }

    /// The tables of what memory can do, and of the expressions beside it.
    fn write_lines(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text)?;
        writeln!(text, "| {:29} | {:9} | {:>7} | {:>7} | {:>6} |", "by hand", "stores", "ns", "at best", "GB/s")?;
        writeln!(text, "|{:-<31}|{:-<11}|{:->9}|{:->9}|{:->8}|", "", "", ":", ":", ":")?;
        for row in self.limits.iter().chain(&self.by_hand) {
            let (ns, best) = (number(row.ns_per_element, 3), number(row.ns_per_element_at_best, 3));
            let (stores, gb) = (row.stores.unwrap_or_default(), number(row.gb_per_second, 1));
            writeln!(text, "| {:29} | {stores:9} | {ns:>7} | {best:>7} | {gb:>6} |", row.title)?;
        }

        let titles = ["expression", "shape", "ns", "at best", "GB/s", "of limit", "at best", "limit", "compared"];
        let [title, shape, ns, best, gb, share, share_at_best, limit, compared] = titles;
        writeln!(
            text,
            "\n| {title:40} | {shape:11} | {ns:>7} | {best:>7} | {gb:>6} | {share:>8} | {share_at_best:>7} | {limit:5} \
             | {compared:22} |"
        )?;
        writeln!(
            text,
            "|{:-<42}|{:-<13}|{:->9}|{:->9}|{:->8}|{:->10}|{:->9}|{:-<7}|{:-<24}|",
            "", "", ":", ":", ":", ":", ":", "", ""
        )?;
        for row in &self.expressions {
            let (ns, best) = (number(row.ns_per_element, 3), number(row.ns_per_element_at_best, 3));
            let gb = number(row.gb_per_second, 1);
            let limit = row.limit.as_ref().map_or("", |limit| limit.mix);
            let share = percent(row.limit.as_ref().map(|limit| limit.share));
            let share_at_best = percent(row.limit.as_ref().map(|limit| limit.share_at_best));
            let beside = row.beside.as_ref().map(|beside| format!("{:.2}x {}", beside.ratio, beside.to));
            let notes: Vec<String> = row.trouble.iter().cloned().chain(beside).collect();
            let (title, shape, notes) = (format!("`{}`", row.title), shape_text(&row.shape), notes.join(", "));
            writeln!(
                text,
                "| {title:40} | {shape:11} | {ns:>7} | {best:>7} | {gb:>6} | {share:>8} | {share_at_best:>7} | {limit:5} \
                 | {notes:22} |"
            )?;
        }
        Ok(())
    }
}

impl Section {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Section { title, per, rows } = self;
        let titles = ["ns", "at best", "against", "ns", "ratio", "at best", "goal"];
        let [ns, best, against, ns_against, ratio, ratio_at_best, goal] = titles;
        writeln!(text, "\n{title}, ns per {per}\n")?;
        writeln!(
            text,
            "| {:32} | {ns:>8} | {best:>8} | {against:19} | {ns_against:>8} | {ratio:>6} | {ratio_at_best:>7} | {goal:>5} |",
            ""
        )?;
        writeln!(
            text,
            "|{:-<34}|{:->10}|{:->10}|{:-<21}|{:->10}|{:->8}|{:->9}|{:->7}|",
            "", ":", ":", "", ":", ":", ":", ":"
        )?;
        for SectionRow { title, ns, ns_at_best, against } in rows {
            let title = format!("`{title}`");
            let name = against.as_ref().map_or("", |against| against.name);
            let [ns, ns_at_best] = [ns, ns_at_best].map(|ns| short(Some(*ns)));
            let of = |value: fn(&Against) -> f64| against.as_ref().map(value);
            let (ns_against, ratio) = (short(of(|against| against.ns)), number(of(|against| against.ratio), 2));
            let ratio_at_best = number(of(|against| against.ratio_at_best), 2);
            let goal = number(against.as_ref().and_then(|against| against.goal), 2);
            writeln!(
                text,
                "| {title:32} | {ns:>8} | {ns_at_best:>8} | {name:19} | {ns_against:>8} | {ratio:>6} | {ratio_at_best:>7} \
                 | {goal:>5} |"
            )?;
        }
        Ok(())
    }
}

impl Row {
    fn new(line: &Line<'_>, lines: &[Line<'_>]) -> Row {
        let ns = |seconds: f64| seconds * 1e9 / line.elements as f64;
        let has_traffic = line.traffic.bytes() as f64 >= line.elements as f64 * MIN_BYTES_PER_ELEMENT;
        let is_expression = line.kind == Kind::Expression;
        Row {
            title: line.title,
            stores: match line.kind {
                Kind::Limit(_, stores) | Kind::ByHand(stores) => Some(stores.name()),
                Kind::Arithmetic | Kind::Expression => None,
            },
            shape: line.shape.clone(),
            elements: line.elements,
            bytes_read: line.traffic.read,
            bytes_written: line.traffic.written,
            calls: line.calls(),
            ns_per_element: line.median().map(ns),
            ns_per_element_at_best: line.minimum().map(ns),
            gb_per_second: line.median().filter(|_| has_traffic).map(|time| line.traffic.bytes() as f64 / time / 1e9),
            limit: if is_expression && has_traffic { Share::new(line, lines) } else { None },
            beside: if is_expression { Ratio::new(line, lines) } else { None },
            trouble: line.trouble(),
        }
    }
}

impl Share {
    fn new(line: &Line<'_>, lines: &[Line<'_>]) -> Option<Share> {
        let mix = Mix::nearest(line.traffic);
        let limits = || lines.iter().filter(|limit| matches!(limit.kind, Kind::Limit(of, _) if of == mix));
        let share = |time: fn(&Line<'_>) -> Option<f64>| {
            let rate = |line: &Line<'_>| Some(line.traffic.bytes() as f64 / time(line)?);
            Some(rate(line)? / limits().filter_map(rate).max_by(f64::total_cmp)?)
        };
        Some(Share {
            mix: mix.name(),
            share: share(|line| line.median())?,
            share_at_best: share(|line| line.minimum())?,
        })
    }
}

impl Ratio {
    /// To the better loop by hand, or to the expression that the line names.
    fn new(line: &Line<'_>, lines: &[Line<'_>]) -> Option<Ratio> {
        let time = |line: &Line<'_>| Some(line.median()? / line.elements as f64);
        let by_hand = lines.iter().filter(|other| matches!(other.kind, Kind::ByHand(_)) && other.title == line.title);
        let (to, reference) = match line.beside {
            Some(title) => (title, time(lines.iter().find(|other| other.title == title)?)?),
            None => ("by hand", by_hand.filter_map(time).min_by(f64::total_cmp)?),
        };
        Some(Ratio { to, ratio: time(line)? / reference })
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}

/// With three digits at least.
fn short(value: Option<f64>) -> String {
    number(value, if value.is_some_and(|value| value >= 100.0) { 0 } else { 3 })
}

fn percent(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("{:.0}%", share * 100.0))
}

fn shape_text(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}
