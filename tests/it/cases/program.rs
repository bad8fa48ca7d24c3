//! Texts that mean the same as an expression, or a part of it: programs, and indices.

use super::case::Expr;
use super::language::Language;
use super::source::Source;

/// The expression as a program: some operations become local names, and some functions.
pub(crate) fn as_program(expr: &Expr, source: &mut Source<'_>) -> String {
    let mut lines = Lines { definitions: Vec::new(), statements: Vec::new(), source };
    let result = lines.value(expr);
    let Lines { definitions, mut statements, .. } = lines;
    statements.push(format!("return {result}"));
    definitions.into_iter().chain(statements).collect::<Vec<_>>().join("\n")
}

struct Lines<'a, 's> {
    definitions: Vec<String>,
    statements: Vec<String>,
    source: &'a mut Source<'s>,
}

impl Lines<'_, '_> {
    /// An expression, after the statements that it needs.
    fn value(&mut self, expr: &Expr) -> String {
        let Expr::Op(form, args) = expr else { return expr.to_string() };
        let args: Vec<String> = args.iter().map(|arg| self.value(arg)).collect();
        let text = |args: &[String]| Language::get().ops[form.op].text(args);
        let number = self.definitions.len() + self.statements.len();
        match self.source.below(5) {
            0 => {
                self.statements.push(format!("t{number} = {}", text(&args)));
                format!("t{number}")
            }
            1 => {
                let params: Vec<String> = (0..args.len()).map(|k| format!("p{k}")).collect();
                self.definitions.push(match self.source.one_in(2) {
                    true => format!("def f{number}({}): return {}", params.join(", "), text(&params)),
                    false => {
                        let body = text(&params);
                        format!(
                            "def f{number}({}):\n    '''A function.'''\n    r = {body}\n    return r",
                            params.join(", ")
                        )
                    }
                });
                // By position, then by name.
                let n = self.source.below(args.len() + 1);
                let by_name = params[n..].iter().zip(&args[n..]).map(|(param, arg)| format!("{param}={arg}"));
                let all: Vec<String> = args[..n].iter().cloned().chain(by_name).collect();
                format!("f{number}({})", all.join(", "))
            }
            _ => text(&args),
        }
    }
}

/// An index of an array of this shape as text, and the places in C order that it takes; `None` for
/// a single value.
pub(crate) fn index(shape: &[usize], source: &mut Source<'_>) -> Option<(String, Vec<usize>)> {
    if shape.is_empty() {
        return None;
    }
    let n_items = source.between(1, shape.len());
    let is_from_end = source.one_in(3);
    let mut items = Vec::new();
    let mut places = vec![0];
    for (axis, &extent) in shape.iter().enumerate() {
        let has_item = if is_from_end { axis >= shape.len() - n_items } else { axis < n_items };
        let taken: Vec<usize> = match has_item {
            false => (0..extent).collect(),
            true if extent > 0 && source.one_in(4) => {
                let at = source.below(extent);
                items.push(if source.one_in(2) { at.to_string() } else { format!("-{}", extent - at) });
                vec![at]
            }
            true => {
                let (start, step) = (source.below(extent + 1), source.between(1, 3));
                match source.one_in(3) {
                    false => {
                        let stop = start + source.below(extent + 1 - start);
                        items.push(format!("{start}:{stop}:{step}"));
                        (start..stop).step_by(step).collect()
                    }
                    true => {
                        items.push(format!("{start}::-{step}"));
                        let last = start.min(extent.max(1) - 1);
                        if extent == 0 { vec![] } else { (0..=last).rev().step_by(step).collect() }
                    }
                }
            }
        };
        places = places.iter().flat_map(|place| taken.iter().map(move |at| place * extent + at)).collect();
    }
    if is_from_end {
        items.insert(0, "...".to_owned());
    }
    Some((format!("[{}]", items.join(", ")), places))
}
