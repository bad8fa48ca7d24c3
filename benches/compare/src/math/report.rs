//! The result as a Markdown table, which is aligned enough to be read as it is, and as JSON.

use super::functions::Range;
use super::measure::Row;
use super::{Contender, Level};
use ndexpr_runtime::dtype::DType;
use serde_json::{Value, json};

/// A quotient of two columns.
struct Ratio {
    title: &'static str,
    key: &'static str,
    of: Contender,
    to: Contender,
}

const RATIOS: [Ratio; 4] = [
    Ratio {
        title: "/SVML AVX-512",
        key: "ndexpr_to_svml_avx512",
        of: Contender::Ours(Level::Avx512),
        to: Contender::Svml(Level::Avx512),
    },
    Ratio {
        title: "/SVML AVX2",
        key: "ndexpr_to_svml_avx2",
        of: Contender::Ours(Level::Avx2),
        to: Contender::Svml(Level::Avx2),
    },
    Ratio {
        title: "AVX2/AVX-512",
        key: "avx2_to_avx512",
        of: Contender::Ours(Level::Avx2),
        to: Contender::Ours(Level::Avx512),
    },
    Ratio { title: "std/ndexpr", key: "scalar_to_ndexpr", of: Contender::Scalar, to: Contender::Ours(Level::Avx512) },
];

impl Ratio {
    fn value(&self, row: &Row) -> Option<f64> {
        // On a CPU without AVX-512 the next best is what std is compared with.
        let or_less = |contender| match contender {
            Contender::Ours(Level::Avx512) if self.of == Contender::Scalar => {
                [Level::Avx512, Level::Avx2, Level::Generic]
                    .into_iter()
                    .find_map(|level| row.ns(Contender::Ours(level)))
            }
            _ => row.ns(contender),
        };
        Some(row.ns(self.of)? / or_less(self.to)?)
    }
}

/// The columns of a table: lines of the same width can be made before all rows are there.
pub struct Table {
    contenders: Vec<Contender>,
}

impl Table {
    /// With a column for ndexpr's generic code, or without.
    #[must_use]
    pub fn new(with_generic: bool) -> Table {
        let is_wanted = |contender: &Contender| with_generic || *contender != Contender::Ours(Level::Generic);
        Table { contenders: Contender::ALL.into_iter().filter(is_wanted).collect() }
    }

    /// The two lines above the rows.
    #[must_use]
    pub fn head(&self) -> String {
        let titles = self.contenders.iter().map(|contender| contender.title());
        let titles: Vec<_> = titles.chain(RATIOS.iter().map(|ratio| ratio.title)).collect();
        let rule = titles.iter().map(|title| format!("{}:|", "-".repeat(title.len() + 1)));
        format!(
            "| {:9} | dtype | {} | alone | arguments |\n|-----------|-------|{}------:|---|",
            "function",
            titles.join(" | "),
            rule.collect::<String>()
        )
    }

    /// A row's line.
    #[must_use]
    pub fn line(&self, row: &Row) -> String {
        let times = self.contenders.iter().map(|contender| cell(row.ns(*contender), 3, contender.title()));
        let ratios = RATIOS.iter().map(|ratio| cell(ratio.value(row), 2, ratio.title));
        let cells: Vec<_> = times.chain(ratios).collect();
        format!(
            "| {:9} | {:5} | {} | {} | {} |",
            row.name,
            dtype_name(row.dtype),
            cells.join(" | "),
            alone(row),
            arguments(row)
        )
    }

    /// Means of the ratios of a dtype's rows, geometric ones, in a line like a row's.
    #[must_use]
    pub fn means(&self, rows: &[Row], dtype: DType) -> Option<String> {
        let rows: Vec<_> = rows.iter().filter(|row| row.dtype == dtype).collect();
        if rows.len() < 2 {
            return None;
        }
        let blanks = self.contenders.iter().map(|contender| cell(None, 0, contender.title()));
        let means = RATIOS.iter().map(|ratio| {
            let logs: Vec<_> = rows.iter().filter_map(|row| Some(ratio.value(row)?.ln())).collect();
            let mean = (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp());
            cell(mean, 2, ratio.title)
        });
        let cells: Vec<_> = blanks.chain(means).collect();
        Some(format!("| {:9} | {:5} | {} |       | geometric mean |", "mean", dtype_name(dtype), cells.join(" | ")))
    }
}

fn cell(value: Option<f64>, digits: usize, title: &str) -> String {
    let text = value.map_or(String::new(), |value| format!("{value:.digits$}"));
    format!("{text:>width$}", width = title.len())
}

/// Rounds on an unshared core; marked if there were too few, so that the times are from other
/// rounds.
fn alone(row: &Row) -> String {
    format!("{:>5}", format!("{}{}", row.rounds_alone, if row.is_alone { "" } else { "!" }))
}

fn arguments(row: &Row) -> String {
    let text = |Range { low, high }: Range| format!("({low}, {high}]");
    match row.b {
        Some(b) => format!("{}, {}", text(row.a), text(b)),
        None => text(row.a),
    }
}

/// What `--dtype` calls it.
#[must_use]
pub fn dtype_name(dtype: DType) -> &'static str {
    if dtype == DType::Float32 { "f32" } else { "f64" }
}

/// Everything there is to know of a row.
#[must_use]
pub fn json(row: &Row) -> Value {
    let times = row.times.iter().map(|(contender, times)| {
        (contender.key().to_owned(), json!({ "median": times.median, "fast": times.fast, "slow": times.slow }))
    });
    let ratios = RATIOS.iter().filter_map(|ratio| Some((ratio.key.to_owned(), ratio.value(row)?.into())));
    json!({
        "function": row.name,
        "dtype": dtype_name(row.dtype),
        "arguments": arguments(row),
        "rounds_alone": row.rounds_alone,
        "is_alone": row.is_alone,
        "ns": times.collect::<serde_json::Map<_, _>>(),
        "ratios": ratios.collect::<serde_json::Map<String, Value>>(),
    })
}
