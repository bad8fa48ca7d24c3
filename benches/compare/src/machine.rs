//! What to say of the machine next to a measurement.

use std::fs;

/// The CPU's name, as the kernel knows it.
#[must_use]
pub fn cpu_name() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |wanted: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == wanted))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    match (field("model name"), field("cpu family"), field("model")) {
        // Virtual machines often hide all but these two numbers.
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        (Some(name), ..) => name,
        _ => "unknown CPU".to_owned(),
    }
}

/// Processes that wanted to run, averaged over the last minute. It lags behind: a run of seconds
/// hardly shows.
#[must_use]
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
