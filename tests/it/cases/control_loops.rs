//! Loops of each element, and functions with control flow, in random programs.

use super::case::Expr;
use super::control::{Block, INTS, Maker, OpenLoop, leaf};
use super::drawing::Operand;
use super::statements::{Clause, Definition, Head, Stmt};
use ndexpr::DType;

impl Maker<'_, '_> {
    /// How often a loop runs at most, and its body may run within it.
    fn n_iterations(&mut self) -> usize {
        self.source.pick(&[0, 1, 2, 3, 5, 8, 9, 20, 60, 300, 1000]).min(self.n_runs)
    }

    /// The body of a loop that begins with some statements, and its `else`. So many counters may
    /// have no value behind the body.
    fn loop_body(
        &mut self,
        n_iterations: usize,
        n_inside: usize,
        mut first: Vec<Stmt>,
    ) -> (Vec<Stmt>, Option<Vec<Stmt>>) {
        let n_runs = self.n_runs;
        self.n_runs = (n_runs / n_iterations.max(1)).max(1);
        self.loops.push(OpenLoop { has_exits: self.source.one_in(2) });
        let n_stmts = self.source.between(1, 4);
        let stmts = self.block(n_stmts).stmts;
        self.loops.pop();
        self.n_runs = n_runs;
        self.counters.truncate(self.counters.len() - n_inside);
        first.extend(stmts);
        let otherwise = self.source.one_in(5).then(|| {
            let n_stmts = self.source.between(1, 2);
            self.block(n_stmts).stmts
        });
        (first, otherwise)
    }

    pub(super) fn while_loop(&mut self, out: &mut Vec<Stmt>) {
        let name = self.new_name("i");
        let n_counters = self.counters.len();
        // It counts up to a number, or down from a number of each element.
        let is_up = self.source.one_in(2);
        let mut n_iterations = self.n_iterations();
        let dtype = self.source.pick(&INTS);
        let (start, guard, op) = match is_up {
            true => {
                n_iterations = n_iterations.min(if dtype.size() == 1 { 100 } else { 10_000 });
                let start = if self.is_plain || self.source.one_in(2) { format!("{dtype}(0)") } else { "0".to_owned() };
                (leaf(start), format!("{name} < {n_iterations}"), "+")
            }
            false => {
                let mask = Self::mask(n_iterations);
                n_iterations = mask;
                let value = self.expr_of_size(dtype, 2);
                (leaf(format!("({value} & {mask})")), format!("{name} > 0"), "-")
            }
        };
        out.push(Stmt::simple(Head::Assign { targets: vec![name.clone()], values: vec![start] }));
        let condition = (!self.source.one_in(4)).then(|| self.condition());
        self.counters.push(Operand { text: format!("{dtype}({name})"), dtype });
        let step = Stmt::simple(Head::Change { target: name.clone(), op, value: leaf("1") });
        let is_guarded = !self.source.one_in(4);
        let (guard, mut first) = match is_guarded {
            true => (Some(guard), Vec::new()),
            false => {
                let ends = if is_up { format!("{name} > {n_iterations}") } else { format!("{name} <= 0") };
                let body = vec![Stmt::simple(Head::Break)];
                let stop = Stmt { clauses: vec![Clause { head: Head::If(leaf(ends)), body }] };
                (None, vec![stop])
            }
        };
        let place = if is_up { 0 } else { first.len() };
        first.insert(place, step.clone());
        let n_first = first.len();
        let (mut body, otherwise) = self.loop_body(n_iterations, 0, first);
        if is_guarded && self.source.one_in(2) && !continues(&body) {
            body.remove(n_first - 1);
            body.push(step);
        }
        self.counters.truncate(n_counters);
        push_loop(out, Head::While { condition, guard }, body, otherwise);
    }

    /// The bits that a number of iterations may have, each of which may be set.
    fn mask(n_iterations: usize) -> usize {
        (n_iterations.min(100) + 1).next_power_of_two() - 1
    }

    pub(super) fn for_loop(&mut self, out: &mut Vec<Stmt>) {
        let name = self.new_name("k");
        let n_counters = self.counters.len();
        let mut n_iterations = self.n_iterations();
        let is_known = self.source.one_in(2);
        let range: Vec<String> = if is_known {
            let (start, by) = (self.source.below(9) as i64 - 4, self.source.pick(&[1, 1, 2, 3, -1, -2]));
            let stop = start + by * n_iterations as i64;
            match self.source.below(3) {
                0 => vec![n_iterations.to_string()],
                1 => vec![start.to_string(), (start + n_iterations as i64).to_string()],
                _ => vec![start.to_string(), stop.to_string(), by.to_string()],
            }
        } else {
            n_iterations = Self::mask(n_iterations);
            let dtype = self.source.pick(&INTS);
            let part = |maker: &mut Self, mask: usize| {
                let value = maker.expr_of_size(dtype, 2);
                format!("({value} & {mask})")
            };
            match self.source.below(5) {
                0 | 1 => vec![part(self, n_iterations)],
                2 => vec![part(self, 3), part(self, n_iterations)],
                3 => vec!["0".to_owned(), part(self, n_iterations), format!("({} + 1)", part(self, 3))],
                _ => vec![part(self, n_iterations), "0".to_owned(), "-1".to_owned()],
            }
        };
        let range = range.into_iter().map(leaf).collect();
        for _ in 0..2 {
            let dtype = self.source.pick(&DType::ALL);
            self.counters.push(Operand { text: format!("{dtype}({name})"), dtype });
        }
        if is_known && !self.is_plain {
            self.counters.push(Operand { text: name.clone(), dtype: DType::Int64 });
        }
        let mut first = Vec::new();
        if self.changes_counters && self.source.one_in(12) {
            first.push(Stmt::simple(Head::Change { target: name.clone(), op: "+", value: leaf("1") }));
        }
        // It has a value behind the loop if the body surely runs.
        let is_sure = is_known && n_iterations > 0 && !self.is_plain;
        let n_inside = if is_sure { 0 } else { self.counters.len() - n_counters };
        let (body, otherwise) = self.loop_body(n_iterations, n_inside, first);
        push_loop(out, Head::For { name, range }, body, otherwise);
    }

    /// A call of a function that is made for it.
    pub(super) fn call(&mut self, out: &mut Vec<Stmt>) {
        let name = self.new_name("f");
        let n_params = self.source.between(1, 3);
        let params: Vec<Operand> =
            (0..n_params).map(|_| Operand { text: self.new_name("p"), dtype: self.source.pick(&DType::ALL) }).collect();
        let n_results = self.source.pick(&[1, 1, 2]);
        let results: Vec<DType> = (0..n_results).map(|_| self.source.pick(&DType::ALL)).collect();
        let args: Vec<Expr> = params.iter().map(|param| self.expr_of_size(param.dtype, 2)).collect();
        let outer = (
            std::mem::replace(&mut self.locals, params.clone()),
            std::mem::take(&mut self.counters),
            std::mem::take(&mut self.loops),
            self.returns.replace(results.clone()),
        );
        let was_in_function = std::mem::replace(&mut self.is_in_function, true);
        let mut body: Vec<Stmt> = results.iter().map(|&dtype| self.new_local(dtype, false)).collect();
        let given: Vec<Operand> = self.locals[params.len()..].to_vec();
        let n_stmts = self.source.between(1, 5);
        let Block { stmts, is_left } = self.block(n_stmts);
        body.extend(stmts);
        if !is_left {
            body.push(Stmt::simple(Head::Return(given.iter().map(|result| leaf(&result.text)).collect())));
        }
        self.is_in_function = was_in_function;
        (self.locals, self.counters, self.loops, self.returns) = outer;
        let params = params.into_iter().map(|param| param.text).collect();
        self.functions.push(Definition { name: name.clone(), params, body });
        let targets: Vec<Operand> = results.iter().map(|&dtype| Operand { text: self.new_name("x"), dtype }).collect();
        let texts = targets.iter().map(|target| target.text.clone()).collect();
        out.push(Stmt::simple(Head::Call { targets: texts, function: name, args }));
        self.locals.extend(targets);
    }
}

pub(crate) fn push_loop(out: &mut Vec<Stmt>, head: Head, body: Vec<Stmt>, otherwise: Option<Vec<Stmt>>) {
    let mut clauses = vec![Clause { head, body }];
    clauses.extend(otherwise.map(|body| Clause { head: Head::Else, body }));
    out.push(Stmt { clauses });
}

/// Whether statements have a `continue` of the loop that they are in.
fn continues(block: &[Stmt]) -> bool {
    block.iter().any(|stmt| match stmt.head() {
        Head::Continue => true,
        Head::If(_) => stmt.clauses.iter().any(|clause| continues(&clause.body)),
        Head::While { .. } | Head::For { .. } => stmt.clauses[1..].iter().any(|clause| continues(&clause.body)),
        _ => false,
    })
}
