//! `--stats`: what a command has computed, and how fast.

use std::io::{self, Write};
use std::time::Duration;

use ndexpr::{Backend, Stage};

use crate::failure::human_bytes;

/// What `--stats` shows.
pub(crate) struct Stats<'a> {
    /// What each array is, its type and its shape.
    pub(crate) arrays: Vec<(&'static str, String)>,
    pub(crate) backend: Backend,
    pub(crate) fallback_reason: Option<&'a str>,
    pub(crate) threads: usize,
    pub(crate) compile_time: Duration,
    /// How long stages of the compiler took, if that is known.
    pub(crate) stages: &'a [(Stage, Duration)],
    pub(crate) run_time: Duration,
    /// Elements of the largest array that was computed.
    pub(crate) n_elements: usize,
    /// Bytes that were read and written.
    pub(crate) n_bytes: usize,
}

impl Stats<'_> {
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (what, array) in &self.arrays {
            writeln!(out, "{what:<9} {array}")?;
        }
        let reason = self.fallback_reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        writeln!(out, "backend   {}{reason}", self.backend)?;
        writeln!(out, "threads   {}", self.threads)?;
        let stages: Vec<String> =
            self.stages.iter().map(|(stage, time)| format!("{stage} {}", human_time(*time))).collect();
        let stages = if stages.is_empty() { String::new() } else { format!(" ({})", stages.join(", ")) };
        writeln!(out, "compile   {}{stages}", human_time(self.compile_time))?;
        let (seconds, n_bytes) = (self.run_time.as_secs_f64().max(1e-9), self.n_bytes as f64);
        let each = if self.n_elements > 0 {
            format!(", {:.3} ns per element", seconds * 1e9 / self.n_elements as f64)
        } else {
            String::new()
        };
        writeln!(out, "run       {}{each}", human_time(self.run_time))?;
        writeln!(out, "moved     {}, {:.2} GB/s", human_bytes(n_bytes), n_bytes / seconds / 1e9)
    }
}

/// Three digits and a unit.
fn human_time(time: Duration) -> String {
    let ns = time.as_secs_f64() * 1e9;
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.3} us", ns / 1e3),
        _ if ns < 1e9 => format!("{:.3} ms", ns / 1e6),
        _ => format!("{:.3} s", ns / 1e9),
    }
}
