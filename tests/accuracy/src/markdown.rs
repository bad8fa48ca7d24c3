//! The table in a file: rows that are new replace those of the same function, dtype and CPU level,
//! the others stay.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use ndexpr_runtime::math::MathFn;
use tempfile::NamedTempFile;

use crate::report::Row;

const HEADER: &str = "| function | dtype | CPU | arguments | worst ULP | bound | argument | bits |";
const RULE: &str = "|---|---|---|---|---|---|---|---|";

/// Puts the rows into the file's table, which is added if it is missing. The text around the table
/// stays.
///
/// # Errors
///
/// If the file cannot be read or replaced.
pub(crate) fn merge(path: &Path, rows: &[Row]) -> io::Result<()> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // In the same directory, so that the renaming cannot fail half way.
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(merged(&text, rows).as_bytes())?;
    if let Ok(metadata) = fs::metadata(path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn merged(text: &str, new: &[Row]) -> String {
    let lines: Vec<_> = text.lines().collect();
    let start = lines.iter().position(|line| line.trim() == HEADER);
    let table_len = start.map_or(0, |start| lines[start..].iter().take_while(|line| line.starts_with('|')).count());
    let (before, table, after) = match start {
        Some(start) => (&lines[..start], &lines[start..start + table_len], &lines[start + table_len..]),
        None => (&lines[..], &[][..], &[][..]),
    };
    let mut rows: Vec<_> = table.iter().skip(2).filter_map(|line| parsed(line)).collect();
    rows.retain(|row| !new.iter().any(|other| key(row) == key(other)));
    rows.extend(new.iter().cloned());
    let place = |row: &Row| MathFn::ALL.into_iter().position(|function| function.name() == row.function);
    rows.sort_by_key(|row| (place(row).unwrap_or(usize::MAX), row.dtype.clone(), row.level.clone()));
    let mut out: Vec<String> = before.iter().map(|line| (*line).to_owned()).collect();
    if start.is_none() && !out.is_empty() {
        out.push(String::new());
    }
    out.extend([HEADER.to_owned(), RULE.to_owned()]);
    out.extend(rows.iter().map(line));
    out.extend(after.iter().map(|line| (*line).to_owned()));
    out.join("\n") + "\n"
}

fn key(row: &Row) -> (&str, &str, &str) {
    (&row.function, &row.dtype, &row.level)
}

fn line(row: &Row) -> String {
    let Row { function, dtype, level, tried, ulps, bound, decimal, bits } = row;
    format!("| {function} | {dtype} | {level} | {tried} | {ulps} | {bound} | {decimal} | {bits} |")
}

fn parsed(line: &str) -> Option<Row> {
    let cells: Vec<_> = line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let [function, dtype, level, tried, ulps, bound, decimal, bits] = <[String; 8]>::try_from(cells).ok()?;
    Some(Row { function, dtype, level, tried, ulps, bound, decimal, bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(function: &str, level: &str, ulps: &str) -> Row {
        let [dtype, tried, bound, decimal, bits] =
            ["float64", "1e7", "1", "2e0", "4000000000000000"].map(str::to_owned);
        let [function, level, ulps] = [function, level, ulps].map(str::to_owned);
        Row { function, dtype, level, tried, ulps, bound, decimal, bits }
    }

    #[test]
    fn rows_not_run_stay_and_all_are_in_order() {
        let text = merged("", &[row("log", "avx2", "0.7"), row("exp", "avx2", "0.8")]);
        let text = merged(&text, &[row("log", "avx2", "0.9"), row("log", "generic", "0.9")]);
        let expected = [row("exp", "avx2", "0.8"), row("log", "avx2", "0.9"), row("log", "generic", "0.9")];
        let lines: Vec<_> = expected.iter().map(line).collect();
        assert_eq!(text, format!("{HEADER}\n{RULE}\n{}\n", lines.join("\n")));
        assert_eq!(expected.map(|row| parsed(&line(&row))).iter().flatten().count(), 3);
    }

    #[test]
    fn text_around_the_table_stays() {
        let text = merged("# Errors\n\nMeasured.\n", &[row("exp", "avx2", "0.8")]);
        let text = merged(&format!("{text}\nThe end.\n"), &[row("exp", "avx2", "0.6")]);
        assert!(text.starts_with("# Errors\n\nMeasured.\n\n| function"), "{text}");
        assert!(text.ends_with(" |\n\nThe end.\n"), "{text}");
        assert!(text.contains("0.6") && !text.contains("0.8"));
    }

    #[test]
    fn files_are_made_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.md");
        merge(&path, &[row("exp", "avx2", "0.8")]).unwrap();
        merge(&path, &[row("sin", "avx2", "0.7")]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 4);
        assert!(merge(&directory.path().join("no/such/table.md"), &[]).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
