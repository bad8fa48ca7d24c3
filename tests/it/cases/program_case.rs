//! A random program with its variables, and smaller ones that are wrong in the same way.

use super::case::{Case, Expr, NAMES, Out, Value, Var, draw_shape};
use super::check::{report, simpler_layouts};
use super::program_check::check_program;
use super::setting::{Setting, Shared};
use super::source::Source;
use super::statements::Program;
use super::{control, phases};
use ndexpr::FloatMode;

/// How many threads a case may have.
pub(crate) const THREADS: [usize; 4] = [1, 2, 4, 8];

/// A program with its variables.
#[derive(Clone, Debug)]
pub(crate) struct ProgramCase {
    pub(crate) program: Program,
    /// The variables and what else is chosen. The expression is the program's text.
    pub(crate) case: Case,
    /// So many of the first variables are updated.
    pub(crate) n_written: usize,
    pub(crate) shared: Vec<Shared>,
    /// Whether each name has one dtype, so that statements can be run one by one.
    pub(crate) is_plain: bool,
    pub(crate) threads: usize,
    pub(crate) is_narrow: bool,
}

impl ProgramCase {
    /// A program whose elements branch and loop by themselves.
    pub(crate) fn of_elements(source: &mut Source<'_>) -> ProgramCase {
        let mut shape = draw_shape(source);
        if shape.iter().product::<usize>() > 3000 && !source.one_in(6) {
            shape = vec![source.between(1, 300)];
        }
        let n_elems = shape.iter().product::<usize>();
        let n_vars = source.between(1, NAMES.len());
        let vars: Vec<Var> = NAMES[..n_vars].iter().map(|name| Var::draw(source, name, &shape)).collect();
        let n_runs = (10_000 / n_elems.max(1)).clamp(2, 1000);
        let operands = vars.iter().map(Var::operand).collect();
        let (program, is_plain) = control::draw(source, operands, n_runs);
        let out = match source.below(8) {
            0..=4 => Out::Fresh,
            5 | 6 => Out::Into { seed: source.seed() },
            _ => Out::InPlace { var: source.below(vars.len()), shift: source.pick(&[0, 0, 1, -3, 8, -16]) },
        };
        let case = Case { expr: Expr::Leaf(program.to_string()), floats: floats(source), vars, out, on_threads: false };
        ProgramCase::new(source, program, case, is_plain)
    }

    /// A program that updates arrays.
    pub(crate) fn of_phases(source: &mut Source<'_>) -> ProgramCase {
        let setting = Setting::draw(source);
        let n_elems = setting.shape.iter().product::<usize>();
        let (program, is_plain) = phases::draw(source, &setting, (20_000 / n_elems).clamp(8, 150));
        let Setting { vars, n_written, shared, .. } = setting;
        let expr = Expr::Leaf(program.to_string());
        let case = Case { expr, floats: floats(source), vars, out: Out::Fresh, on_threads: false };
        ProgramCase { n_written, shared, ..ProgramCase::new(source, program, case, is_plain) }
    }

    fn new(source: &mut Source<'_>, program: Program, case: Case, is_plain: bool) -> ProgramCase {
        let threads = source.pick(&[1, 1, 2, 4, 4, 8]);
        let is_narrow = source.one_in(3);
        ProgramCase { program, case, n_written: 0, shared: Vec::new(), is_plain, threads, is_narrow }
    }

    fn with_program(&self, program: Program) -> ProgramCase {
        let case = Case { expr: Expr::Leaf(program.to_string()), ..self.case.clone() };
        ProgramCase { program, case, ..self.clone() }
    }

    pub(super) fn written(&self) -> Vec<&str> {
        self.case.vars[..self.n_written].iter().map(|var| var.name.as_str()).collect()
    }

    pub(crate) fn report(&self, failure: &str) -> String {
        let how = format!("threads {}, narrow {}, shared {:?}", self.threads, self.is_narrow, self.shared);
        let case = report(&self.case, failure);
        format!("{case}  how        {how}\n  written    {:?}\n", self.written())
    }
}

fn floats(source: &mut Source<'_>) -> FloatMode {
    if source.one_in(4) { FloatMode::Fast } else { FloatMode::Strict }
}

/// The smallest case found that fails as well, and how.
pub(crate) fn shrink_program(mut this: ProgramCase, mut failure: String) -> (ProgramCase, String) {
    let mut n_tries = 0;
    // A failure of another kind is another one. Values and places differ.
    let kind = |failure: &str| match failure.starts_with("at [") {
        true => "at".to_owned(),
        false => failure
            .lines()
            .next()
            .unwrap_or_default()
            .split(" at ")
            .next()
            .unwrap_or_default()
            .replace(|c: char| c.is_ascii_digit(), ""),
    };
    'again: loop {
        let programs = this.program.simpler().into_iter().map(|program| this.with_program(program));
        let mut smaller: Vec<ProgramCase> = programs.collect();
        if !this.shared.is_empty() {
            smaller.insert(0, ProgramCase { shared: Vec::new(), ..this.clone() });
        }
        if this.threads > 1 {
            smaller.insert(0, ProgramCase { threads: 1, ..this.clone() });
        }
        smaller.extend(
            simpler_layouts(&this.case)
                .into_iter()
                // Indices are of the shape that an update has.
                .filter(|case| this.n_written == 0 || shapes(case) == shapes(&this.case))
                .map(|case| ProgramCase { case, ..this.clone() }),
        );
        for candidate in smaller {
            n_tries += 1;
            if n_tries > 4000 {
                break 'again;
            }
            if let Err(why) = check_program(&candidate)
                && kind(&why) == kind(&failure)
            {
                (this, failure) = (candidate, why);
                continue 'again;
            }
        }
        break;
    }
    (this, failure)
}

fn shapes(case: &Case) -> Vec<&[usize]> {
    let arrays = case.vars.iter().filter_map(|var| match &var.value {
        Value::Array { layout, .. } => Some(&layout.shape[..]),
        Value::Scalar(_) => None,
    });
    arrays.collect()
}
