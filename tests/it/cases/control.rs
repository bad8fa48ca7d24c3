//! Random programs with branches and loops of each element.
//!
//! Each name has one dtype: what is assigned to it has that dtype, or one that gives way to it. All
//! loops end, because each has a counter of its own; how often its body runs is bounded by how
//! many elements there are.

use super::case::Expr;
use super::drawing::{Drawing, Operand};
use super::language::{Form, Language};
use super::source::Source;
use super::statements::{Clause, Definition, Head, Program, Stmt};
use ndexpr::DType;

/// A loop around a statement.
pub(super) struct OpenLoop {
    /// Whether `break` and `continue` may be drawn.
    pub(super) has_exits: bool,
}

/// Makes statements.
pub(crate) struct Maker<'m, 's> {
    pub(crate) source: &'m mut Source<'s>,
    /// What values are made of, beside names of the program.
    pub(crate) operands: Vec<Operand>,
    /// Names that surely have a value, and may get another one.
    pub(crate) locals: Vec<Operand>,
    /// Names of loops, as texts that have a dtype.
    pub(crate) counters: Vec<Operand>,
    pub(super) loops: Vec<OpenLoop>,
    /// What `return` gives, where it may stand.
    pub(crate) returns: Option<Vec<DType>>,
    pub(crate) functions: Vec<Definition>,
    pub(super) is_in_function: bool,
    /// Whether functions may be made.
    pub(crate) may_call: bool,
    pub(crate) n_names: usize,
    /// Statements that may still be made.
    pub(crate) n_left: usize,
    /// How often a statement that is made now may run.
    pub(crate) n_runs: usize,
    /// Whether bodies may change the names of their loops.
    pub(crate) changes_counters: bool,
    /// Whether each name has exactly its dtype wherever it is read.
    pub(crate) is_plain: bool,
}

/// Statements, and whether control reaches their end.
pub(crate) struct Block {
    pub(crate) stmts: Vec<Stmt>,
    pub(crate) is_left: bool,
}

const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"];

pub(super) const INTS: [DType; 8] =
    [DType::Int8, DType::Int16, DType::Int32, DType::Int64, DType::UInt8, DType::UInt16, DType::UInt32, DType::UInt64];

pub(crate) fn leaf(text: impl Into<String>) -> Expr {
    Expr::Leaf(text.into())
}

/// Draws a program whose statements run at most so often each. Its results are of the shape that
/// the operands have.
pub(crate) fn draw(source: &mut Source<'_>, operands: Vec<Operand>, n_runs: usize) -> (Program, bool) {
    let mut maker = Maker::new(source, operands, n_runs);
    let n_results = maker.source.pick(&[1, 1, 2, 3]);
    let returns: Vec<DType> = (0..n_results).map(|_| maker.source.pick(&DType::ALL)).collect();
    let mut body = Vec::new();
    for &dtype in &returns {
        body.push(maker.new_local(dtype, true));
    }
    let results = maker.locals.clone();
    for _ in 0..maker.source.below(3) {
        let dtype = maker.source.pick(&DType::ALL);
        body.push(maker.new_local(dtype, true));
    }
    maker.returns = Some(returns.clone());
    let Block { stmts, is_left } = maker.block(maker.n_left);
    body.extend(stmts);
    if !is_left {
        let values = results
            .iter()
            .map(|result| if maker.source.one_in(4) { maker.expr(result.dtype) } else { leaf(&result.text) });
        let values: Vec<Expr> = values.collect();
        body.push(Stmt::simple(Head::Return(values)));
    }
    let is_plain = maker.is_plain;
    (Program { functions: maker.functions, body }, is_plain)
}

impl<'m, 's> Maker<'m, 's> {
    pub(crate) fn new(source: &'m mut Source<'s>, operands: Vec<Operand>, n_runs: usize) -> Maker<'m, 's> {
        let n_left = source.pick(&[2, 3, 4, 5, 6, 8, 10, 14]);
        let is_plain = source.one_in(2);
        Maker {
            source,
            operands,
            locals: Vec::new(),
            counters: Vec::new(),
            loops: Vec::new(),
            returns: None,
            functions: Vec::new(),
            is_in_function: false,
            may_call: true,
            n_names: 0,
            n_left,
            n_runs,
            changes_counters: true,
            is_plain,
        }
    }

    pub(crate) fn new_name(&mut self, prefix: &str) -> String {
        self.n_names += 1;
        format!("{prefix}{}", self.n_names)
    }

    /// An expression of a dtype.
    pub(crate) fn expr(&mut self, dtype: DType) -> Expr {
        let size = self.source.pick(&[1, 2, 2, 3, 3, 4, 5, 7, 10]);
        self.expr_of_size(dtype, size)
    }

    pub(super) fn expr_of_size(&mut self, dtype: DType, size: usize) -> Expr {
        let operands = self.all_operands();
        Drawing::new(&operands, self.source).without_axes().expr(dtype, size)
    }

    /// Local names twice, so that results depend on them.
    fn all_operands(&self) -> Vec<Operand> {
        [&self.operands[..], &self.locals, &self.locals, &self.counters].concat()
    }

    /// A value for a name of a dtype.
    fn value(&mut self, dtype: DType) -> Expr {
        if self.is_plain || !self.source.one_in(6) {
            return self.expr(dtype);
        }
        let operands = self.all_operands();
        let mut drawing = Drawing::new(&operands, self.source).without_axes();
        if dtype != DType::Bool && drawing.source().one_in(2) {
            return leaf(drawing.weak(dtype, false, false));
        }
        let language = Language::get();
        let absorbed: Vec<DType> = DType::ALL.into_iter().filter(|&other| language.is_absorbed(other, dtype)).collect();
        let other = drawing.source().pick(&absorbed);
        drawing.expr(other, 3)
    }

    pub(crate) fn condition(&mut self) -> Expr {
        if self.source.one_in(24) {
            return leaf(self.source.pick(&["True", "False"]));
        }
        let dtype = if self.source.one_in(4) { self.source.pick(&DType::ALL) } else { DType::Bool };
        let size = self.source.pick(&[2, 3, 3, 4, 6]);
        self.expr_of_size(dtype, size)
    }

    /// An assignment to a new name.
    pub(crate) fn new_local(&mut self, dtype: DType, may_have_axes: bool) -> Stmt {
        let value = match may_have_axes && self.source.one_in(12) {
            true => {
                let operands = self.all_operands();
                let size = self.source.between(2, 5);
                Drawing::new(&operands, self.source).expr(dtype, size)
            }
            false => self.value(dtype),
        };
        let name = self.new_name("x");
        self.locals.push(Operand { text: name.clone(), dtype });
        Stmt::simple(Head::Assign { targets: vec![name], values: vec![value] })
    }

    /// Statements, and the names that they define for statements behind them are forgotten.
    pub(crate) fn block(&mut self, n_stmts: usize) -> Block {
        let (n_locals, n_counters) = (self.locals.len(), self.counters.len());
        let mut stmts = Vec::new();
        let mut is_left = false;
        for _ in 0..n_stmts.max(1) {
            if self.n_left == 0 && !stmts.is_empty() {
                break;
            }
            self.n_left = self.n_left.saturating_sub(1);
            is_left |= self.stmt(&mut stmts);
            // What follows is never reached. It is allowed.
            if is_left && !self.source.one_in(8) {
                break;
            }
        }
        self.locals.truncate(n_locals);
        self.counters.truncate(n_counters);
        Block { stmts, is_left }
    }

    /// A few statements of each element, which assign to local names only.
    pub(crate) fn each_element(&mut self) -> Vec<Stmt> {
        self.is_in_function = true;
        let mut out = Vec::new();
        match self.source.below(4) {
            0 | 1 => _ = self.branch(&mut out),
            2 => self.while_loop(&mut out),
            _ => self.for_loop(&mut out),
        }
        self.is_in_function = false;
        out
    }

    /// Adds a statement. True if control does not get behind it.
    fn stmt(&mut self, out: &mut Vec<Stmt>) -> bool {
        let has_exits = self.loops.last().is_some_and(|open| open.has_exits);
        if (has_exits || self.returns.is_some() && self.is_in_function) && self.source.one_in(4) {
            return self.exit(out);
        }
        match self.source.below(18) {
            _ if self.n_left == 0 => out.push(self.assign()),
            0..=4 => out.push(self.assign()),
            5 | 6 => {
                let dtype = self.source.pick(&DType::ALL);
                let may_have_axes = self.loops.is_empty() && !self.is_in_function;
                out.push(self.new_local(dtype, may_have_axes));
            }
            7 => out.push(self.swap()),
            8..=10 => return self.branch(out),
            11..=13 => self.while_loop(out),
            14..=15 => self.for_loop(out),
            16 if self.functions.len() < 3 && self.may_call => self.call(out),
            16 => out.push(self.assign()),
            _ if self.source.one_in(4) => return self.exit(out),
            _ => out.push(Stmt::simple(Head::Pass)),
        }
        false
    }

    /// An assignment to a name that has a value.
    pub(crate) fn assign(&mut self) -> Stmt {
        let n_operands = if self.is_in_function { 0 } else { self.operands.len() };
        let is_outer = self.locals.is_empty() || n_operands > 0 && self.source.one_in(12);
        let Operand { text, dtype } = match is_outer && n_operands > 0 {
            true => self.operands[self.source.below(n_operands)].clone(),
            false if self.locals.is_empty() => return Stmt::simple(Head::Pass),
            false => self.locals[self.source.below(self.locals.len())].clone(),
        };
        // Names from outside are not names of the text before it assigns to them.
        if self.source.one_in(2) && !is_outer {
            let op = self.source.pick(&OPERATORS);
            if form_of(op, dtype).is_some() {
                let value = match dtype != DType::Bool && self.source.one_in(3) {
                    true => {
                        let operands = self.all_operands();
                        leaf(Drawing::new(&operands, self.source).weak(dtype, op == "**", false))
                    }
                    false => self.expr(dtype),
                };
                return Stmt::simple(Head::Change { target: text, op, value });
            }
        }
        let value = self.value(dtype);
        Stmt::simple(Head::Assign { targets: vec![text], values: vec![value] })
    }

    /// Two names at once, whose old values the right side has.
    fn swap(&mut self) -> Stmt {
        let Some(first) = self.local() else { return Stmt::simple(Head::Pass) };
        let alike: Vec<Operand> = self
            .locals
            .iter()
            .filter(|local| local.dtype == first.dtype && local.text != first.text)
            .cloned()
            .collect();
        if alike.is_empty() {
            return self.assign();
        }
        let second = alike[self.source.below(alike.len())].text.clone();
        let values = match self.source.one_in(2) {
            true => vec![leaf(&second), leaf(&first.text)],
            false => vec![self.expr(first.dtype), leaf(&first.text)],
        };
        Stmt::simple(Head::Assign { targets: vec![first.text, second], values })
    }

    fn local(&mut self) -> Option<Operand> {
        let n_locals = self.locals.len();
        (n_locals > 0).then(|| self.locals[self.source.below(n_locals)].clone())
    }

    /// Leaves a loop, an iteration of it, or the function; mostly for some elements only.
    fn exit(&mut self, out: &mut Vec<Stmt>) -> bool {
        let mut heads = Vec::new();
        if self.loops.last().is_some_and(|open| open.has_exits) {
            heads.extend([Head::Break, Head::Continue, Head::Break]);
        }
        if let Some(returns) = self.returns.clone() {
            let values = returns.iter().map(|&dtype| self.value(dtype)).collect();
            heads.push(Head::Return(values));
        }
        if heads.is_empty() {
            out.push(self.assign());
            return false;
        }
        let exit = Stmt::simple(heads.swap_remove(self.source.below(heads.len())));
        if self.source.one_in(12) {
            out.push(exit);
            return true;
        }
        let head = Head::If(self.condition());
        let mut body = if self.source.one_in(3) { vec![self.assign()] } else { Vec::new() };
        body.push(exit);
        out.push(Stmt { clauses: vec![Clause { head, body }] });
        false
    }

    /// An `if`. A name may get its first value in all of its branches.
    fn branch(&mut self, out: &mut Vec<Stmt>) -> bool {
        let has_else = self.source.one_in(2);
        let given = (has_else && self.source.one_in(3)).then(|| {
            let dtype = self.source.pick(&DType::ALL);
            Operand { text: self.new_name("y"), dtype }
        });
        let mut clauses = Vec::new();
        let n_clauses = self.source.pick(&[1, 1, 1, 2, 3]) + usize::from(has_else);
        let mut is_left = has_else;
        for place in 0..n_clauses {
            let head = match place {
                0 => Head::If(self.condition()),
                _ if has_else && place + 1 == n_clauses => Head::Else,
                _ => Head::Elif(self.condition()),
            };
            let n_stmts = self.source.between(1, 3);
            let mut block = self.block(n_stmts);
            if let Some(given) = &given
                && !block.is_left
            {
                let value = self.value(given.dtype);
                block.stmts.push(Stmt::simple(Head::Assign { targets: vec![given.text.clone()], values: vec![value] }));
            }
            is_left &= block.is_left;
            clauses.push(Clause { head, body: block.stmts });
        }
        out.push(Stmt { clauses });
        self.locals.extend(given.filter(|_| !is_left));
        is_left
    }
}

/// The form of an operator of two arguments that gives the dtype that it takes.
pub(crate) fn form_of(op: &str, dtype: DType) -> Option<Form> {
    let language = Language::get();
    let template = format!("($ {op} $)");
    let is_it = |form: &&Form| form.args == dtype && form.result == dtype && language.ops[form.op].template == template;
    language.forms.iter().find(is_it).copied()
}
