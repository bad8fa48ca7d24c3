//! Random programs that update arrays, with branches and loops around the updates that run once for
//! all elements, and now and then ones of each element among them.

use super::case::{Expr, Value, Var};
use super::control::{Block, Maker, form_of, leaf};
use super::drawing::{Drawing, Operand};
use super::parts::{Part, index, random_part, reductions};
use super::setting::Setting;
use super::source::Source;
use super::statements::{Head, Program, Stmt};
use ndexpr::DType;

/// A name of a part of an array.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) operand: Operand,
    pub(super) part: Part,
    /// Whether it is what the caller has given, and not a view with a name of the text's own.
    pub(super) is_whole: bool,
}

/// What a result is.
#[derive(Clone, Copy)]
pub(super) struct ResultKind {
    pub(super) dtype: DType,
    pub(super) is_array: bool,
}

pub(super) struct Phases<'m, 's> {
    /// Its operands and local names are set for each statement.
    pub(super) maker: Maker<'m, 's>,
    pub(super) shape: Vec<usize>,
    /// Arrays that may be updated, and views of them.
    pub(super) targets: Vec<Target>,
    /// Arrays of the whole shape that are only read.
    pub(super) inputs: Vec<Operand>,
    /// Local names of values of the whole shape, and of single values.
    pub(super) arrays: Vec<Operand>,
    pub(super) numbers: Vec<Operand>,
    /// Single values that no statement assigns to.
    pub(super) constants: Vec<Operand>,
    pub(super) results: Vec<ResultKind>,
    /// For each loop around, whether it has exits.
    pub(super) loops: Vec<bool>,
    pub(super) is_in_function: bool,
}

pub(crate) fn draw(source: &mut Source<'_>, setting: &Setting, n_runs: usize) -> (Program, bool) {
    let mut maker = Maker::new(source, Vec::new(), n_runs);
    (maker.changes_counters, maker.may_call) = (false, false);
    let whole: Part = setting.shape.iter().copied().map(Some).collect();
    let (written, others) = setting.vars.split_at(setting.n_written);
    let is_array = |var: &&Var| matches!(var.value, Value::Array { .. });
    let target = |var: &Var| Target { operand: var.operand(), part: whole.clone(), is_whole: true };
    let mut phases = Phases {
        maker,
        shape: setting.shape.clone(),
        targets: written.iter().map(target).collect(),
        inputs: others.iter().filter(is_array).map(Var::operand).collect(),
        constants: others.iter().filter(|var| !is_array(var)).map(Var::operand).collect(),
        arrays: Vec::new(),
        numbers: Vec::new(),
        results: Vec::new(),
        loops: Vec::new(),
        is_in_function: false,
    };
    let mut body = Vec::new();
    for _ in 0..phases.maker.source.below(4) {
        let is_array = phases.maker.source.one_in(3);
        let dtype = phases.maker.source.pick(&DType::ALL);
        body.push(phases.new_local(dtype, is_array));
        phases.results.push(ResultKind { dtype, is_array });
    }
    let results = [phases.arrays.clone(), phases.numbers.clone()].concat();
    let n_left = phases.maker.n_left;
    let Block { stmts, is_left } = phases.block(n_left);
    body.extend(stmts);
    if !is_left && !results.is_empty() {
        let mut left = results;
        let values = phases.results.clone().into_iter().map(|kind| {
            let is_it =
                |operand: &Operand| operand.dtype == kind.dtype && is_array_name(&operand.text) == kind.is_array;
            let place = left.iter().position(is_it).expect("each result has a name");
            leaf(left.remove(place).text)
        });
        let values = values.collect();
        body.push(Stmt::simple(Head::Return(values)));
    }
    let is_plain = phases.maker.is_plain;
    (Program { functions: phases.maker.functions, body }, is_plain)
}

/// Names of values of the whole shape begin with another letter than those of single values.
pub(super) fn is_array_name(name: &str) -> bool {
    name.starts_with('t')
}

impl Phases<'_, '_> {
    fn new_local(&mut self, dtype: DType, is_array: bool) -> Stmt {
        let value = self.value(dtype, is_array);
        let name = self.maker.new_name(if is_array { "t" } else { "s" });
        let all = if is_array { &mut self.arrays } else { &mut self.numbers };
        all.push(Operand { text: name.clone(), dtype });
        Stmt::simple(Head::Assign { targets: vec![name], values: vec![value] })
    }

    /// A value of the whole shape, or a single one.
    pub(super) fn value(&mut self, dtype: DType, is_array: bool) -> Expr {
        match is_array {
            true => {
                let whole: Part = self.shape.iter().copied().map(Some).collect();
                let value = self.expr(dtype, &whole);
                // A value of the shape, whatever the expression is made of, and no name of an
                // array.
                let all = [&self.inputs[..], &self.arrays].concat();
                let all = if all.is_empty() { vec![self.targets[0].operand.clone()] } else { all };
                let shape = &all[self.maker.source.below(all.len())].text;
                leaf(format!("where({shape} == {shape}, {value}, {dtype}(1))"))
            }
            false => self.number(dtype),
        }
    }

    /// A single value.
    pub(super) fn number(&mut self, dtype: DType) -> Expr {
        let size = self.maker.source.pick(&[1, 2, 3, 4]);
        let operands = self.single_operands();
        Drawing::new(&operands, self.maker.source).without_axes().expr(dtype, size)
    }

    pub(super) fn condition(&mut self) -> Expr {
        let source = &mut *self.maker.source;
        if source.one_in(24) {
            return leaf(source.pick(&["True", "False"]));
        }
        let dtype = if source.one_in(6) { source.pick(&DType::ALL) } else { DType::Bool };
        let size = source.pick(&[2, 3, 3, 4]);
        let operands = self.single_operands();
        Drawing::new(&operands, self.maker.source).without_axes().expr(dtype, size)
    }

    /// An expression of the elements of a part.
    fn expr(&mut self, dtype: DType, part: &Part) -> Expr {
        let size = self.maker.source.pick(&[1, 2, 3, 3, 4, 6, 8]);
        let mut operands = self.single_operands();
        operands.truncate(3);
        for _ in 0..3 {
            if let Some(operand) = self.part_operand(part) {
                operands.push(operand);
            }
        }
        operands.extend(self.targets.iter().filter(|target| target.part == *part).map(|target| target.operand.clone()));
        if part.len() > 1 && part.iter().zip(&self.shape).all(|(part, &extent)| *part == Some(extent)) {
            let name = self.whole_array();
            let reductions = reductions(name.dtype);
            let (function, dtype) = reductions[self.maker.source.below(reductions.len())];
            let options = self.maker.source.pick(&["axis=0", "axis=-1, keepdims=True"]);
            operands.push(Operand { text: format!("{function}({}, {options})", name.text), dtype });
        }
        Drawing::new(&operands, self.maker.source).without_axes().expr(dtype, size)
    }

    /// An array or a value of the whole shape.
    fn whole_array(&mut self) -> Operand {
        let targets = self.targets.iter().filter(|target| target.is_whole).map(|target| &target.operand);
        let all: Vec<&Operand> = targets.chain(&self.inputs).chain(&self.arrays).collect();
        let mut array = all[self.maker.source.below(all.len())].clone();
        if let [rows, columns] = self.shape[..]
            && rows == columns
            && self.maker.source.one_in(4)
        {
            array.text.push_str(".T");
        }
        array
    }

    /// Some elements of an array, as many as a part has.
    fn part_operand(&mut self, part: &Part) -> Option<Operand> {
        let Operand { text, dtype } = self.whole_array();
        // In a function, arrays of other shapes are seen too.
        let index = index(self.maker.source, &self.shape, part)?;
        Some(Operand { text: format!("{text}{index}"), dtype })
    }

    /// Names of single values, elements of arrays, and what arrays are reduced to.
    fn single_operands(&mut self) -> Vec<Operand> {
        let mut all = [&self.numbers[..], &self.maker.counters, &self.constants].concat();
        for i in (1..all.len()).rev() {
            let other = self.maker.source.below(i + 1);
            all.swap(i, other);
        }
        all.truncate(4);
        for _ in 0..2 {
            let array = self.whole_array();
            if self.maker.source.one_in(3) {
                let part = vec![None; self.shape.len()];
                let index = index(self.maker.source, &self.shape, &part).expect("each axis has elements");
                all.insert(0, Operand { text: format!("{}{index}", array.text), dtype: array.dtype });
                continue;
            }
            // Of an array, or of something that follows from arrays.
            let (text, dtype) = match self.maker.source.one_in(3) {
                true => {
                    let arrays = [array, self.whole_array()];
                    let dtype = self.maker.source.pick(&DType::ALL);
                    let expr = Drawing::new(&arrays, self.maker.source).without_axes().expr(dtype, 3);
                    // A constant has no axes.
                    (format!("where({0} == {0}, {expr}, {expr})", arrays[0].text), dtype)
                }
                false => (array.text, array.dtype),
            };
            let reductions = reductions(dtype);
            let (function, dtype) = reductions[self.maker.source.below(reductions.len())];
            all.insert(0, Operand { text: format!("{function}({text})"), dtype });
        }
        all
    }

    pub(super) fn block(&mut self, n_stmts: usize) -> Block {
        let n_before = (self.targets.len(), self.arrays.len(), self.numbers.len(), self.maker.counters.len());
        let mut stmts = Vec::new();
        let mut is_left = false;
        for _ in 0..n_stmts.max(1) {
            if self.maker.n_left == 0 && !stmts.is_empty() {
                break;
            }
            self.maker.n_left = self.maker.n_left.saturating_sub(1);
            is_left = self.stmt(&mut stmts);
            if is_left {
                break;
            }
        }
        self.targets.truncate(n_before.0);
        self.arrays.truncate(n_before.1);
        self.numbers.truncate(n_before.2);
        self.maker.counters.truncate(n_before.3);
        Block { stmts, is_left }
    }

    /// Adds a statement. True if control does not get behind it.
    fn stmt(&mut self, out: &mut Vec<Stmt>) -> bool {
        if self.loops.last() == Some(&true) && self.maker.source.one_in(4) {
            return self.exit(out);
        }
        match self.maker.source.below(22) {
            _ if self.maker.n_left == 0 => out.push(self.update()),
            0..=5 => out.push(self.update()),
            6 | 7 => {
                let dtype = self.maker.source.pick(&DType::ALL);
                let is_array = self.maker.source.one_in(2);
                out.push(self.new_local(dtype, is_array));
            }
            8..=10 => out.push(self.assign()),
            11 => out.push(self.view()),
            12..=14 => return self.branch(out),
            15 | 16 => self.while_loop(out),
            17 | 18 => self.for_loop(out),
            19 if !self.is_in_function && self.maker.functions.len() < 2 => self.call(out),
            20 if self.maker.source.one_in(4) => return self.exit(out),
            _ => self.of_each_element(out),
        }
        false
    }

    /// Statements of each element.
    fn of_each_element(&mut self, out: &mut Vec<Stmt>) {
        let Some(_) = self.arrays.first() else { return out.push(self.update()) };
        let n_arrays = self.arrays.len();
        let operands: Vec<Operand> = [self.single_names(), self.inputs.clone()].concat();
        let targets = self.targets.iter().filter(|target| target.is_whole).map(|target| target.operand.clone());
        self.maker.operands = operands.into_iter().chain(targets).collect();
        self.maker.locals = self.arrays.clone();
        let n_runs = std::mem::replace(&mut self.maker.n_runs, 20);
        self.maker.n_left += 3;
        let stmts = self.maker.each_element();
        self.maker.n_left = self.maker.n_left.saturating_sub(3);
        self.maker.n_runs = n_runs;
        self.maker.locals.truncate(n_arrays);
        out.extend(stmts);
    }

    fn single_names(&self) -> Vec<Operand> {
        [&self.numbers[..], &self.constants].concat()
    }

    /// Changes an array or a part of it.
    pub(super) fn update(&mut self) -> Stmt {
        let target = self.targets[self.maker.source.below(self.targets.len())].clone();
        let Operand { text, dtype } = target.operand;
        let (text, part) = match target.is_whole && self.maker.source.one_in(2) {
            true => {
                let part = random_part(self.maker.source, &self.shape);
                let index = index(self.maker.source, &self.shape, &part).expect("the part fits");
                (format!("{text}{index}"), part)
            }
            false => (text, target.part),
        };
        let is_name = !text.contains('[');
        let op = self.maker.source.pick(&["+", "-", "*", "/", "//", "%", "&", "|", "^", "<<"]);
        if self.maker.source.one_in(2) && form_of(op, dtype).is_some() {
            let text = if is_name && self.maker.source.one_in(3) { format!("{text}[...]") } else { text };
            let value = match dtype != DType::Bool && self.maker.source.one_in(3) {
                true => {
                    let operands = self.single_operands();
                    leaf(Drawing::new(&operands, self.maker.source).weak(dtype, false, false))
                }
                false => self.expr(dtype, &part),
            };
            return Stmt::simple(Head::Change { target: text, op, value });
        }
        let of = if self.maker.source.one_in(4) { self.maker.source.pick(&DType::ALL) } else { dtype };
        let value = self.expr(of, &part);
        let text = if is_name { format!("{text}[...]") } else { text };
        Stmt::simple(Head::Assign { targets: vec![text], values: vec![value] })
    }

    /// Another value for a local name.
    fn assign(&mut self) -> Stmt {
        let all = [&self.arrays[..], &self.numbers].concat();
        if all.is_empty() {
            return self.update();
        }
        let Operand { text, dtype } = all[self.maker.source.below(all.len())].clone();
        let is_array = is_array_name(&text);
        let op = self.maker.source.pick(&["+", "-", "*", "/", "%", "&", "|", "^"]);
        if self.maker.source.one_in(3) && form_of(op, dtype).is_some() {
            let value = self.number(dtype);
            return Stmt::simple(Head::Change { target: text, op, value });
        }
        let value = self.value(dtype, is_array);
        Stmt::simple(Head::Assign { targets: vec![text], values: vec![value] })
    }

    /// A name for a part of an array.
    fn view(&mut self) -> Stmt {
        let whole: Vec<Target> = self.targets.iter().filter(|target| target.is_whole).cloned().collect();
        let target = &whole[self.maker.source.below(whole.len())];
        let mut part = random_part(self.maker.source, &self.shape);
        // What is left without axes is a number.
        part[0] = part[0].or(Some(2));
        let index = index(self.maker.source, &self.shape, &part).expect("the part fits");
        let value = leaf(format!("{}{index}", target.operand.text));
        let name = self.maker.new_name("w");
        let operand = Operand { text: name.clone(), dtype: target.operand.dtype };
        self.targets.push(Target { operand, part, is_whole: false });
        Stmt::simple(Head::Assign { targets: vec![name], values: vec![value] })
    }
}
