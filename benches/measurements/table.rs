//! Tables of Markdown.

/// Columns with titles. All have as many lines.
pub(crate) struct Table {
    columns: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(crate) fn new() -> Table {
        Table { columns: Vec::new() }
    }

    pub(crate) fn push_column(&mut self, title: impl Into<String>, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().collect();
        if let Some((_, first)) = self.columns.first() {
            assert_eq!(lines.len(), first.len(), "columns of a table are equally long");
        }
        self.columns.push((title.into(), lines));
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
        let titles = self.columns.iter().map(|(title, _)| title.as_str()).collect();
        let mut text = line(titles) + &line(vec!["---"; self.columns.len()]);
        for i in 0..self.columns.first().map_or(0, |(_, lines)| lines.len()) {
            text += &line(self.columns.iter().map(|(_, lines)| lines[i].as_str()).collect());
        }
        text
    }
}

/// Three digits.
pub(crate) fn figure(x: f64) -> String {
    let decimals = (2 - x.abs().max(1e-9).log10().floor() as i32).clamp(0, 4) as usize;
    format!("{x:.decimals$}")
}
