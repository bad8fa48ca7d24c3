//! The curves of sizes as a drawing: both axes logarithmic, a panel for each expression.

use crate::sizes::{Curves, Point};
use std::fmt::Write;

const PANEL: (f64, f64) = (430.0, 330.0);
/// Left of a panel and below it, for its labels.
const MARGIN: (f64, f64) = (64.0, 52.0);
const TOP: f64 = 40.0;
const GAP: f64 = 24.0;

/// A curve: its colour, and what is drawn of a point.
struct Series {
    colour: &'static str,
    ns: fn(&Point) -> f64,
}

const SERIES: [Series; 2] = [
    Series { colour: "#c2410c", ns: |point| point.ns_alone },
    Series { colour: "#1d4ed8", ns: |point| point.ns_together },
];

/// As an SVG document.
pub(crate) fn svg(curves: &[Curves]) -> String {
    let mut text = String::new();
    document(curves, &mut text).expect("a string takes everything");
    text
}

/// A logarithmic axis over whole decades.
struct Axis {
    /// Powers of ten.
    first: i32,
    last: i32,
    /// Where they are drawn.
    from: f64,
    to: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Axis {
        let first = values.clone().fold(f64::INFINITY, f64::min).log10().floor() as i32;
        let last = values.fold(f64::MIN_POSITIVE, f64::max).log10().ceil() as i32;
        Axis { first, last: last.max(first + 1), from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        self.from + part * (self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.first..=self.last).map(|exponent| 10_f64.powi(exponent))
    }
}

fn document(curves: &[Curves], text: &mut String) -> std::fmt::Result {
    let width = curves.len() as f64 * (MARGIN.0 + PANEL.0 + GAP);
    let height = TOP + PANEL.1 + MARGIN.1;
    writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">"
    )?;
    writeln!(text, "<title>Time for an element by the number of elements</title>")?;
    writeln!(text, "<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>")?;
    // The same scale in all panels.
    let points = || curves.iter().flat_map(|curves| &curves.points);
    let times = points().flat_map(|point| SERIES.map(|series| (series.ns)(point)));
    let y = Axis::new(times, TOP + PANEL.1, TOP);
    for (k, curves) in curves.iter().enumerate() {
        let left = MARGIN.0 + k as f64 * (MARGIN.0 + PANEL.0 + GAP);
        let x = Axis::new(points().map(|point| point.n as f64), left, left + PANEL.0);
        panel(curves, &x, &y, text)?;
    }
    writeln!(text, "</svg>")
}

fn panel(curves: &Curves, x: &Axis, y: &Axis, text: &mut String) -> std::fmt::Result {
    let (left, right, top, bottom) = (x.from, x.to, y.to, y.from);
    let middle = (left + right) / 2.0;
    writeln!(
        text,
        "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>",
        top - 14.0,
        curves.text
    )?;
    for n in x.decades() {
        let at = x.place(n);
        writeln!(text, "<path d=\"M{at:.1} {top:.1}V{bottom:.1}\" stroke=\"#e5e5e5\"/>")?;
        writeln!(text, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>", bottom + 18.0, label(n))?;
    }
    for ns in y.decades() {
        let at = y.place(ns);
        writeln!(text, "<path d=\"M{left:.1} {at:.1}H{right:.1}\" stroke=\"#e5e5e5\"/>")?;
        writeln!(text, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", left - 8.0, at + 4.5, label(ns))?;
    }
    writeln!(
        text,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#555\"/>",
        PANEL.0, PANEL.1
    )?;
    writeln!(text, "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">elements</text>", bottom + 40.0)?;
    let (across, along) = (left - 50.0, (top + bottom) / 2.0);
    writeln!(
        text,
        "<text x=\"{across}\" y=\"{along}\" text-anchor=\"middle\" transform=\"rotate(-90 {across} {along})\">\
         ns per element</text>"
    )?;
    let names = ["1 thread".to_owned(), format!("{} threads", curves.threads)];
    for (k, (Series { colour, ns }, name)) in SERIES.iter().zip(&names).enumerate() {
        let places: Vec<_> = curves.points.iter().map(|point| (x.place(point.n as f64), y.place(ns(point)))).collect();
        let line: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        )?;
        for (x, y) in places {
            // The line drawn first stays visible around the one drawn over it.
            writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{}\" fill=\"{colour}\"/>", 4.0 - 1.5 * k as f64)?;
        }
        let at = top + 22.0 + 20.0 * k as f64;
        writeln!(
            text,
            "<path d=\"M{:.1} {at:.1}h28\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            right - 130.0,
            right - 96.0,
            at + 4.5
        )?;
    }
    Ok(())
}

/// A power of ten in its shortest legible form.
fn label(value: f64) -> String {
    if (0.01..1e4).contains(&value) {
        return format!("{value}");
    }
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let exponent = value.log10().round() as i32;
    let sign = if exponent < 0 { "⁻" } else { "" };
    let digits = exponent.unsigned_abs().to_string();
    format!("10{sign}{}", digits.bytes().map(|digit| DIGITS[usize::from(digit - b'0')]).collect::<String>())
}
