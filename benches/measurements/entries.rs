//! The entries of `docs/measurements.md` whose figures can be measured, in the document's order.

use crate::rows::Row;
use crate::special;
use crate::table::Table;
use std::error::Error;
use std::time::Duration;

pub(crate) struct Entry {
    /// As in the document, and in the code that goes by it.
    pub(crate) name: &'static str,
    pub(crate) figures: Figures,
}

/// Where an entry's figures come from.
pub(crate) enum Figures {
    /// Times of expressions.
    Rows(fn() -> Vec<Row>),
    /// Times of expressions at each level that the CPU has.
    ByLevel(fn() -> Vec<Row>),
    /// A measurement of its own, which gets this time for each line.
    Table(fn(Duration) -> Result<Table, Box<dyn Error>>),
    /// What an example of the runtime prints.
    Example { name: &'static str, args: &'static [&'static str] },
}

impl Entry {
    const fn rows_of(name: &'static str, rows: fn() -> Vec<Row>) -> Entry {
        Entry { name, figures: Figures::Rows(rows) }
    }

    const fn example(name: &'static str, example: &'static str, args: &'static [&'static str]) -> Entry {
        Entry { name, figures: Figures::Example { name: example, args } }
    }

    /// The expressions that are run for it.
    pub(crate) fn rows(&self) -> Vec<Row> {
        match self.figures {
            Figures::Rows(rows) | Figures::ByLevel(rows) => rows(),
            Figures::Table(_) | Figures::Example { .. } => Vec::new(),
        }
    }
}

const E5: &[usize] = &[100_000];
const E7: &[usize] = &[10_000_000];
const SQUARE: &[usize] = &[3000, 3000];

pub(crate) const ENTRIES: &[Entry] = &[
    Entry::example("thread-work", "measure_pool", &["two-against-one"]),
    Entry::rows_of("awake-thread-work", || {
        let on_both = |text, n| [Row::new(text, &[n]), Row::on_all(text, &[n])];
        [("a + b*2", 20_000), ("a + b*2", 50_000), ("f*f + f", 50_000), ("f*f + f", 100_000)]
            .into_iter()
            .chain([("exp(a)", 5_000), ("exp(a)", 10_000), ("exp(a)", 100_000)])
            .flat_map(|(text, n)| on_both(text, n))
            .collect()
    }),
    Entry::rows_of("cached-byte", || {
        [1_000, 10_000, 100_000, 300_000, 10_000_000].map(|n| Row::new("a + b*2", &[n])).to_vec()
    }),
    Entry::example("waking", "measure_pool", &["two-against-one"]),
    Entry::example("spin", "measure_pool", &["fork-join"]),
    Entry::example("shares", "measure_pool", &["throughput"]),
    Entry { name: "huge-pages", figures: Figures::Table(special::huge_pages) },
    Entry::rows_of("streaming", || {
        vec![
            Row::on_all("a + b*2", E7),
            Row::on_all("where(a > 0.5, a*2, b + 1)", E7),
            Row::on_all("a + b", SQUARE),
            Row::on_all("f*f + f", E7),
        ]
    }),
    Entry::rows_of("unaligned-streaming", || {
        [100, 101, 251, 501, 1001].map(|n| Row::on_all("a*v", &[10_000_000 / n, n])).to_vec()
    }),
    Entry::rows_of("band-lanes", || {
        let mut rows = [1000, 3000, 4096].map(|n| Row::on_all("a + t", &[n, n])).to_vec();
        rows.push(Row::on_all("a + b", SQUARE));
        rows
    }),
    Entry::rows_of("band-bytes", || [64, 316, 6000].map(|n| Row::on_all("a + t", &[n, n])).to_vec()),
    Entry::rows_of("transposed-tile", || [512, 2048].map(|n| Row::on_all("a + t", &[n, n])).to_vec()),
    Entry::rows_of("joined-tile", || {
        vec![Row::on_all("a*v", &[1_000_000, 3]), Row::on_all("a*2", &[1_000_000, 3]), Row::on_all("a*v", &[10_000, 3])]
    }),
    Entry::rows_of("column-lanes", || {
        vec![
            Row::on_all("sum(a, axis=0)", SQUARE),
            Row::on_all("sum(a, axis=0)", &[10_000, 1000]),
            Row::on_all("max(a, axis=0)", SQUARE),
            Row::on_all("var(a, axis=0)", SQUARE),
            Row::on_all("sum(f, axis=0)", SQUARE),
        ]
    }),
    Entry::rows_of("column-group", || vec![Row::on_all("sum(a, axis=0)", SQUARE), Row::new("sum(a, axis=0)", SQUARE)]),
    Entry::rows_of("row-group", || {
        let texts = ["sum(a)", "max(a)"];
        texts.into_iter().flat_map(|text| [Row::new(text, E7), Row::new(text, &[30_000])]).collect()
    }),
    Entry::rows_of("scans-side-by-side", || {
        let shapes: [&[usize]; 4] = [&[100, 100], &[1000, 1016], &[1000, 1024], &[3, 30_000]];
        let texts = |shape| ["cumsum(a, axis=1)", "cumsum(a + 1, axis=1)"].map(|text| Row::new(text, shape));
        shapes.into_iter().flat_map(texts).collect()
    }),
    Entry::rows_of("direct-leaves", || ["sum(a)", "sum(a*b)", "sum(i)"].map(|text| Row::new(text, E5)).to_vec()),
    Entry::rows_of("reduction-prefetch", || vec![Row::new("sum(a*b)", E7), Row::on_all("sum(a*b)", E7)]),
    Entry::rows_of("float64-products", || {
        vec![Row::new("sum(a*b)", E5), Row::on_all("sum(a*b)", E7), Row::new("sum(a)", E5), Row::new("sum(f*g)", E5)]
    }),
    Entry {
        name: "wide-functions",
        figures: Figures::ByLevel(|| ["a/b", "sqrt(a)", "f/g", "sqrt(f)"].map(|text| Row::new(text, &[2048])).to_vec()),
    },
    Entry::rows_of("math-functions", special::functions_of_floats),
    Entry {
        name: "level-slowdown",
        figures: Figures::ByLevel(|| {
            ["exp(a)", "log(a)", "sin(a)", "tanh(a)", "a**b", "exp(f)"].map(|text| Row::new(text, &[2048])).to_vec()
        }),
    },
    Entry::rows_of("register-width", || {
        let mut rows = [100, 500, 1000, 3000].map(|n| Row::new("a*v", &[1_000_000 / n, n]).output_at(16)).to_vec();
        rows.push(Row::new("exp(a) + b", E5).output_at(16));
        rows.push(Row::on_all("sqrt(a**2 + b**2)", E7));
        rows
    }),
    Entry::rows_of("narrow-blocks", || {
        vec![Row::new("i*i + i", &[100]), Row::new("i*i + i", &[1000]), Row::new("f*f + f", &[30])]
    }),
    Entry::rows_of("aligned-stores", || {
        let texts = [("where(a > 0.5, a*2, b + 1)", 10_000), ("where(a > 0.5, a*2, b + 1)", 100_000)];
        let all = texts.into_iter().chain([(CUBIC, 10_000)]);
        all.flat_map(|(text, n)| [Row::new(text, &[n]).output_at(16), Row::new(text, &[n])]).collect()
    }),
    Entry { name: "long-tapes", figures: Figures::Table(special::long_tapes) },
    Entry { name: "many-operands", figures: Figures::Table(special::many_operands) },
    Entry { name: "many-streams", figures: Figures::Table(special::many_streams) },
    Entry { name: "many-calls", figures: Figures::Table(special::many_calls) },
    Entry { name: "many-sums", figures: Figures::Table(special::many_sums) },
    Entry::rows_of("cranelift-optimiser", || vec![horner(16, 1000)]),
    Entry::rows_of("power-calls", || {
        ["a**3", ".25*a**3 + .75*a**2 - 1.5*a - 2", "a**4", "a**3 + b**3", "f**3"]
            .map(|text| Row::new(text, &[4000]))
            .to_vec()
    }),
    Entry::rows_of("long-chains", || [6, 8, 10, 16, 32].map(|degree| horner(degree, 1000)).to_vec()),
    Entry::rows_of("wide-block-registers", || [3, 5, 16].map(|degree| horner(degree, 1000)).to_vec()),
    Entry { name: "long-loops", figures: Figures::Table(special::long_loops) },
    Entry::rows_of("call-tiles", || vec![Row::new("exp(a)", &[20_000])]),
    Entry::rows_of("loop-tiles", || {
        vec![Row::on_all("sin(a)**2 + cos(a)**2", E7), Row::on_all("tanh(a) + sin(b)", E7)]
    }),
    Entry::rows_of("division-calls", || {
        [
            "sqrt(a**2 + b**2)",
            "sqrt(a + b)*c",
            "a/b + c",
            "(a - b)/(a + b)",
            "1/(1 + a*a)",
            "sqrt(f**2 + g**2)",
            "f/(g + f)",
        ]
        .map(|text| Row::new(text, E5))
        .to_vec()
    }),
    Entry::rows_of("division-call-share", || {
        ["sqrt(a**2 + b**2)", "a/b + c", "a/(b + c)"].map(|text| Row::on_all(text, E7)).to_vec()
    }),
    Entry::rows_of("wide-loops", || {
        let mut rows =
            ["sqrt(a**2 + b**2)", "a/b + a", "1/(1 + a*a)", "f/(f + 1)"].map(|text| Row::new(text, E5)).to_vec();
        rows.push(Row::on_all("sqrt(a**2 + b**2)", E7));
        rows
    }),
    Entry::rows_of("exp-of-difference", || {
        let softmax = "exp(a - max(a, axis=1, keepdims=True)) / \
                       sum(exp(a - max(a, axis=1, keepdims=True)), axis=1, keepdims=True)";
        vec![Row::new("exp(a - 0.5)", &[20_000]), Row::new(softmax, &[1000, 1000])]
    }),
];

/// A cubic polynomial.
const CUBIC: &str = "((.25*a + .75)*a - 1.5)*a - 2";

/// A polynomial of this degree by Horner's rule.
fn horner(degree: usize, n: usize) -> Row {
    let text = (0..degree).fold("0.5".to_owned(), |inner, k| {
        let sign = if k % 2 == 0 { '-' } else { '+' };
        format!("({inner})*a {sign} 0.{}", k + 1)
    });
    Row::new(text, &[n])
}
