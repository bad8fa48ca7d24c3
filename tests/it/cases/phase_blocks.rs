//! Branches and loops around updates, and functions that update, in random programs.

use super::control::leaf;
use super::control_loops::push_loop;
use super::drawing::Operand;
use super::phases::{Phases, Target, is_array_name};
use super::statements::{Clause, Definition, Head, Stmt};
use ndexpr::DType;

impl Phases<'_, '_> {
    /// Leaves a loop, an iteration of it, or the text.
    pub(super) fn exit(&mut self, out: &mut Vec<Stmt>) -> bool {
        let mut heads = Vec::new();
        if self.loops.last() == Some(&true) {
            heads.extend([Head::Break, Head::Continue, Head::Break]);
        }
        if !self.is_in_function {
            let results = self.results.clone();
            if !results.is_empty() {
                let values = results.into_iter().map(|kind| self.value(kind.dtype, kind.is_array)).collect();
                heads.push(Head::Return(values));
            }
        }
        if heads.is_empty() {
            out.push(self.update());
            return false;
        }
        let exit = Stmt::simple(heads.swap_remove(self.maker.source.below(heads.len())));
        if self.maker.source.one_in(16) {
            out.push(exit);
            return true;
        }
        let head = Head::If(self.condition());
        let mut body = if self.maker.source.one_in(2) { vec![self.update()] } else { Vec::new() };
        body.push(exit);
        out.push(Stmt { clauses: vec![Clause { head, body }] });
        false
    }

    pub(super) fn branch(&mut self, out: &mut Vec<Stmt>) -> bool {
        let has_else = self.maker.source.one_in(2);
        let given = (has_else && self.maker.source.one_in(3)).then(|| {
            let is_array = self.maker.source.one_in(2);
            let dtype = self.maker.source.pick(&DType::ALL);
            Operand { text: self.maker.new_name(if is_array { "t" } else { "s" }), dtype }
        });
        let n_clauses = self.maker.source.pick(&[1, 1, 1, 2]) + usize::from(has_else);
        let mut clauses = Vec::new();
        let mut is_left = has_else;
        for place in 0..n_clauses {
            let head = match place {
                0 => Head::If(self.condition()),
                _ if has_else && place + 1 == n_clauses => Head::Else,
                _ => Head::Elif(self.condition()),
            };
            let n_stmts = self.maker.source.between(1, 2);
            let mut block = self.block(n_stmts);
            if let Some(given) = &given
                && !block.is_left
            {
                let value = self.value(given.dtype, is_array_name(&given.text));
                block.stmts.push(Stmt::simple(Head::Assign { targets: vec![given.text.clone()], values: vec![value] }));
            }
            is_left &= block.is_left;
            clauses.push(Clause { head, body: block.stmts });
        }
        out.push(Stmt { clauses });
        if let Some(given) = given.filter(|_| !is_left) {
            let all = if is_array_name(&given.text) { &mut self.arrays } else { &mut self.numbers };
            all.push(given);
        }
        is_left
    }

    fn n_iterations(&mut self) -> usize {
        self.maker.source.pick(&[0, 1, 2, 3, 5, 9, 20, 33, 60]).min(self.maker.n_runs)
    }

    fn loop_body(
        &mut self,
        n_iterations: usize,
        n_counters: usize,
        mut first: Vec<Stmt>,
    ) -> (Vec<Stmt>, Option<Vec<Stmt>>) {
        let n_runs = self.maker.n_runs;
        self.maker.n_runs = (n_runs / n_iterations.max(1)).max(1);
        self.loops.push(self.maker.source.one_in(2));
        let n_stmts = self.maker.source.between(1, 4);
        first.extend(self.block(n_stmts).stmts);
        self.loops.pop();
        self.maker.n_runs = n_runs;
        self.maker.counters.truncate(n_counters);
        let otherwise = self.maker.source.one_in(5).then(|| self.block(1).stmts);
        (first, otherwise)
    }

    pub(super) fn while_loop(&mut self, out: &mut Vec<Stmt>) {
        let name = self.maker.new_name("i");
        let n_iterations = self.n_iterations();
        let start = if self.maker.is_plain { "int64(0)" } else { "0" };
        out.push(Stmt::simple(Head::Assign { targets: vec![name.clone()], values: vec![leaf(start)] }));
        let condition = (!self.maker.source.one_in(4)).then(|| self.condition());
        let n_counters = self.maker.counters.len();
        self.maker.counters.push(Operand { text: format!("int64({name})"), dtype: DType::Int64 });
        let mut first = vec![Stmt::simple(Head::Change { target: name.clone(), op: "+", value: leaf("1") })];
        let mut guard = Some(format!("{name} < {n_iterations}"));
        if self.maker.source.one_in(4) {
            guard = None;
            let body = vec![Stmt::simple(Head::Break)];
            let ends = leaf(format!("{name} > {n_iterations}"));
            first.push(Stmt { clauses: vec![Clause { head: Head::If(ends), body }] });
        }
        let (body, otherwise) = self.loop_body(n_iterations, n_counters, first);
        push_loop(out, Head::While { condition, guard }, body, otherwise);
    }

    pub(super) fn for_loop(&mut self, out: &mut Vec<Stmt>) {
        let name = self.maker.new_name("n");
        let mut n_iterations = self.n_iterations();
        let range: Vec<String> = match self.maker.source.below(5) {
            0 | 1 => vec![n_iterations.to_string()],
            2 => vec!["3".to_owned(), (3 + n_iterations).to_string()],
            3 => vec![(2 * n_iterations).to_string(), "0".to_owned(), "-2".to_owned()],
            _ => {
                n_iterations = n_iterations.min(15);
                let mask = (n_iterations + 1).next_power_of_two() - 1;
                let dtype = self.maker.source.pick(&[DType::Int64, DType::Int32, DType::UInt8, DType::Int16]);
                vec![format!("({} & {mask})", self.number(dtype))]
            }
        };
        let range = range.into_iter().map(leaf).collect();
        let n_counters = self.maker.counters.len();
        let dtype = self.maker.source.pick(&DType::ALL);
        self.maker.counters.push(Operand { text: format!("{dtype}({name})"), dtype });
        if !self.maker.is_plain {
            self.maker.counters.push(Operand { text: name.clone(), dtype: DType::Int64 });
        }
        let (body, otherwise) = self.loop_body(n_iterations, n_counters, Vec::new());
        push_loop(out, Head::For { name, range }, body, otherwise);
    }

    /// A call of a function that updates its argument.
    pub(super) fn call(&mut self, out: &mut Vec<Stmt>) {
        let whole: Vec<Target> = self.targets.iter().filter(|target| target.is_whole).cloned().collect();
        let target = whole[self.maker.source.below(whole.len())].clone();
        let name = self.maker.new_name("g");
        let (param, number) = (self.maker.new_name("p"), self.maker.new_name("p"));
        let dtype = self.maker.source.pick(&DType::ALL);
        let args = vec![leaf(&target.operand.text), self.number(dtype)];
        let operand = Operand { text: param.clone(), dtype: target.operand.dtype };
        let inner = (vec![Target { operand, ..target }], vec![Operand { text: number.clone(), dtype }]);
        let outer = (
            std::mem::replace(&mut self.targets, inner.0),
            std::mem::replace(&mut self.constants, inner.1),
            (std::mem::take(&mut self.arrays), std::mem::take(&mut self.numbers), std::mem::take(&mut self.inputs)),
            std::mem::take(&mut self.maker.counters),
            std::mem::take(&mut self.loops),
        );
        self.is_in_function = true;
        let n_stmts = self.maker.source.between(1, 4);
        let body = self.block(n_stmts).stmts;
        self.is_in_function = false;
        (self.targets, self.constants) = (outer.0, outer.1);
        ((self.arrays, self.numbers, self.inputs), self.maker.counters, self.loops) = (outer.2, outer.3, outer.4);
        self.maker.functions.push(Definition { name: name.clone(), params: vec![param, number], body });
        out.push(Stmt::simple(Head::Call { targets: Vec::new(), function: name, args }));
    }
}
