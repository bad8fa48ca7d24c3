//! `docs/measurements.md`: the part of each entry that is measured, between two markers.

use ndexpr_runtime::arch::CpuLevel;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::process::Command;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/measurements.md");
const END: &str = "<!-- end -->";

/// The figures that an entry has now.
pub(crate) fn read(name: &str) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(PATH)?;
    let range = figures_in(&text, name)?;
    Ok(text[range].to_owned())
}

/// Replaces the figures of an entry.
pub(crate) fn write(name: &str, figures: &str) -> Result<(), Box<dyn Error>> {
    let mut text = fs::read_to_string(PATH)?;
    let range = figures_in(&text, name)?;
    text.replace_range(range, &format!("\n{}\n", figures.trim_end()));
    fs::write(PATH, text)?;
    Ok(())
}

/// What is between the markers of an entry.
fn figures_in(text: &str, name: &str) -> Result<Range<usize>, String> {
    let marker = format!("<!-- measured: {name} -->");
    let start = text.find(&marker).ok_or_else(|| format!("{PATH} has no line `{marker}`"))? + marker.len();
    let length = text[start..].find(END).ok_or_else(|| format!("`{marker}` has no `{END}` after it"))?;
    Ok(start..start + length)
}

/// The processor, how many of it there are, and the date.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|found| found.trim() == key));
        line.and_then(|line| line.split(':').nth(1)).unwrap_or("?").trim()
    };
    let n_cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let date = Command::new("date").arg("+%F").output();
    let date = date.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    format!(
        "{}, family {} model {}, {n_cpus} CPUs, level {}; {}:",
        value("model name"),
        value("cpu family"),
        value("model"),
        CpuLevel::current().name(),
        date.trim()
    )
}
