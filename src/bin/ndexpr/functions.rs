//! `ndexpr functions`: what expressions can call.

use std::io::Write;

use ndexpr::FunctionInfo;
use serde::Serialize;

use crate::args::FunctionsArgs;
use crate::failure::Failure;

/// A function as `--json` shows it.
#[derive(Serialize)]
struct Entry<'f> {
    name: &'f str,
    aliases: Vec<&'f str>,
    signature: String,
    /// Largest error in units in the last place; `null` where every result is exact or correctly
    /// rounded, and where the errors of many roundings add up.
    max_ulp_float32: Option<f64>,
    max_ulp_float64: Option<f64>,
    doc: &'f str,
}

impl<'f> Entry<'f> {
    fn new(function: &'f FunctionInfo<'_>) -> Entry<'f> {
        Entry {
            name: function.name,
            aliases: function.aliases.to_vec(),
            signature: format!("{}({})", function.name, function.params.join(", ")),
            max_ulp_float32: function.max_ulp.map(|[ulp, _]| ulp),
            max_ulp_float64: function.max_ulp.map(|[_, ulp]| ulp),
            doc: function.doc,
        }
    }

    /// Largest errors, of float32 and of float64.
    fn accuracy(&self) -> String {
        match self.max_ulp_float32.zip(self.max_ulp_float64) {
            Some((float32, _)) if float32.is_infinite() => "adds up".to_owned(),
            Some((float32, float64)) => format!("{float32:.2}, {float64:.2} ULP"),
            None => "exact".to_owned(),
        }
    }

    fn matches(&self, pattern: &str) -> bool {
        let contains = |text: &str| text.to_lowercase().contains(pattern);
        contains(self.name) || self.aliases.iter().any(|alias| contains(alias)) || contains(self.doc)
    }
}

/// Prints the table, or the part of it that matches the pattern.
pub(crate) fn run(args: &FunctionsArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let pattern = args.pattern.as_deref().unwrap_or("").to_lowercase();
    let functions = ndexpr::functions();
    let entries: Vec<Entry<'_>> = functions.iter().map(Entry::new).filter(|entry| entry.matches(&pattern)).collect();
    if args.json {
        let json = serde_json::to_string_pretty(&entries).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
        return Ok(());
    }
    if entries.is_empty() {
        return Err(Failure::Usage(format!("no function matches `{pattern}`; `ndexpr functions` lists them all")));
    }
    let rows: Vec<[String; 4]> = entries
        .iter()
        .map(|entry| [entry.signature.clone(), entry.aliases.join(", "), entry.accuracy(), entry.doc.to_owned()])
        .collect();
    let head = ["FUNCTION", "ALIASES", "ERROR (f32, f64)", "MEANING"].map(str::to_owned);
    write_table(out, &head, &rows)?;
    Ok(())
}

/// Columns as wide as their widest cell, two blanks apart; the last is not padded.
fn write_table<const N: usize>(out: &mut dyn Write, head: &[String; N], rows: &[[String; N]]) -> std::io::Result<()> {
    let width =
        |column: usize| std::iter::once(head).chain(rows).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in std::iter::once(head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let mut out = Vec::new();
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        write_table(&mut out, &row(["A", "B"]), &[row(["long", "x"]), row(["é", ""])]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A     B\nlong  x\né\n");
    }
}
