//! Random programs, run statement by statement: this module does branches and loops as Python does
//! them, and asks an engine for the values of expressions only. So it finds what compiler and
//! interpreter do wrong in the same way.
//!
//! It needs programs whose names have one dtype each, because a statement by itself does not know
//! what a name becomes later.

use super::arrays::{Array, same};
use super::case::{Expr, Value, Var};
use super::language::Language;
use super::program_case::ProgramCase;
use super::program_check::{Left, compare};
use super::statements::{Clause, Definition, Head, Stmt};
use ndexpr::{Backend, DynArray, Engine, Scalar, Targets, Vars};
use std::sync::LazyLock;

/// Programs of more statements than this are not gone through to the end.
const MAX_STATEMENTS: usize = 4000;

enum Known {
    Single(Scalar),
    Array(DynArray),
}

/// Where control goes behind a statement.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Vec<DynArray>),
}

/// Why a program was not gone through to the end.
enum Stop {
    /// It takes too long.
    Long,
    Wrong(String),
}

struct Walk<'a> {
    functions: &'a [Definition],
    /// Names with values that no caller sees.
    names: Vec<(String, Known)>,
    /// Arrays that are updated.
    written: Vec<(String, Array)>,
    /// Statements that give views their names.
    views: Vec<String>,
    n_left: usize,
}

fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::builder().backend(Backend::Interp).threads(1).build().expect("an engine"));
    &ENGINE
}

/// Goes through a program for each element. False if that is not possible.
pub(crate) fn elements(this: &ProgramCase, arrays: &[Option<Array>], expected: &[DynArray]) -> Result<bool, String> {
    let mut has_axes = false;
    this.program.each(&mut |clause| has_axes |= clause.head.exprs().into_iter().any(runs_along_axes));
    if has_axes {
        return Ok(false);
    }
    let Some(shape) = expected.iter().map(DynArray::shape).max_by_key(|shape| shape.iter().product::<usize>()) else {
        return Ok(false);
    };
    let shapes = expected.iter().map(DynArray::shape).chain(arrays.iter().flatten().map(|array| &array.shape[..]));
    if shapes.into_iter().any(|other| other.len() > shape.len() || other.contains(&0)) {
        return Ok(false);
    }
    let mut n_left = MAX_STATEMENTS;
    for i in 0..shape.iter().product() {
        let mut index = vec![0; shape.len()];
        let mut rest = i;
        for (place, &extent) in index.iter_mut().zip(shape).rev() {
            (*place, rest) = (rest % extent, rest / extent);
        }
        let names = this.case.vars.iter().zip(arrays).map(|(var, array)| {
            let scalar = match (&var.value, array) {
                (Value::Scalar(bits), _) => Some(Scalar::from_bits(var.dtype, *bits)),
                (_, Some(array)) => array.at(&index),
                _ => None,
            };
            Some((var.name.clone(), Known::Single(scalar?)))
        });
        // A result may have no axis that a variable has.
        let Some(names) = names.collect::<Option<Vec<_>>>() else { return Ok(false) };
        let mut walk =
            Walk { functions: &this.program.functions, names, written: Vec::new(), views: Vec::new(), n_left };
        let found = match walk.block(&this.program.body) {
            Ok(Flow::Return(found)) => found,
            Ok(_) => return Err("one by one, nothing is returned".to_owned()),
            Err(Stop::Long) => return Ok(false),
            Err(Stop::Wrong(why)) => return Err(format!("one by one: {why}")),
        };
        n_left = walk.n_left;
        for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
            let place = &index[index.len() - expected.shape().len()..];
            let place: Vec<usize> =
                place.iter().zip(expected.shape()).map(|(&i, &extent)| if extent == 1 { 0 } else { i }).collect();
            let (found, expected) = (found.to_scalar().expect("one value"), expected.view().read(&place));
            let expected = expected.expect("the index is in the result");
            if !same(expected, found) {
                return Err(format!("result {number} at {index:?} is {expected:?}, but {found:?} one by one"));
            }
        }
    }
    Ok(true)
}

/// Goes through a program that updates arrays. False if that takes too long, or if arrays are not
/// in C order: the order in which a sum adds follows from all arrays of a text.
pub(crate) fn phases(this: &ProgramCase, expected: &Left) -> Result<bool, String> {
    let is_c_order = |var: &Var| match &var.value {
        Value::Scalar(_) => true,
        Value::Array { layout, .. } => layout.order.is_sorted(),
    };
    if !this.case.vars.iter().all(is_c_order) {
        return Ok(false);
    }
    let mut walk = Walk {
        functions: &this.program.functions,
        names: Vec::new(),
        written: Vec::new(),
        views: Vec::new(),
        n_left: MAX_STATEMENTS / 20,
    };
    let mut others = Vec::new();
    for (number, (var, array)) in this.case.vars.iter().zip(this.case.arrays()).enumerate() {
        match (&var.value, array) {
            (_, Some(array)) if number < this.n_written => walk.written.push((var.name.clone(), array)),
            (_, Some(array)) => {
                let copy =
                    engine().evaluate(&format!("{} | {0}", var.name), &Vars::new().with(&var.name, array.view()));
                // Not all dtypes have `|`, but all have this.
                let copy = copy.or_else(|_| {
                    engine().evaluate(
                        &format!("where(True, {}, {0})", var.name),
                        &Vars::new().with(&var.name, array.view()),
                    )
                });
                let copy = copy.map_err(|error| format!("a copy fails: {error}"))?;
                walk.names.push((var.name.clone(), Known::Array(copy)));
                others.push(array.scalars());
            }
            (Value::Scalar(bits), _) => {
                walk.names.push((var.name.clone(), Known::Single(Scalar::from_bits(var.dtype, *bits))));
            }
            _ => unreachable!("every array variable has an array"),
        }
    }
    let results = match walk.block(&this.program.body) {
        Ok(Flow::Return(results)) => results,
        Ok(_) => Vec::new(),
        Err(Stop::Long) => return Ok(false),
        Err(Stop::Wrong(why)) => return Err(format!("one by one: {why}")),
    };
    let results = results.iter().zip(&expected.1).map(|(result, (shape, elements))| {
        // A loop of each element gives single values the shape of its other names.
        match (result.to_scalar(), shape.len()) {
            (Some(scalar), 1..) => (shape.clone(), vec![scalar; elements.len()]),
            _ => (result.shape().to_vec(), result.scalars().collect()),
        }
    });
    let results = results.collect();
    let left = walk.written.iter().map(|(_, array)| array.scalars()).chain(others).collect();
    compare(expected, &(left, results)).map_err(|what| format!("{what} one by one; first at once"))?;
    Ok(true)
}

/// A statement that makes a name from outside one of the text.
fn own(name: &str) -> String {
    format!("{name} = where(True, {name}, {name})\n")
}

fn runs_along_axes(expr: &Expr) -> bool {
    let mut found = false;
    expr.each_form(&mut |form| found |= Language::get().ops[form.op].is_along_axes);
    found
}

/// Names that are assigned to in a statement, if each element may run it by itself.
fn assigned_by_elements(stmt: &Stmt) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut is_it = matches!(stmt.head(), Head::If(_) | Head::While { .. } | Head::For { .. }) && !leaves(stmt, false);
    stmt.each(&mut |Clause { head, .. }| {
        let texts = head.exprs().into_iter().map(Expr::to_string);
        // Indices and reductions are of whole arrays.
        is_it &= texts.into_iter().all(|text| !text.contains('[') && !has_reduction(&text));
        match head {
            Head::Assign { targets, .. } => names.extend(targets.iter().cloned()),
            Head::Change { target, .. } => names.push(target.clone()),
            Head::Call { .. } | Head::Return(_) => is_it = false,
            _ => {}
        }
    });
    (is_it && names.iter().all(|name| !name.contains('[') && !"uvwp".contains(&name[..1]))).then_some(names)
}

fn has_reduction(text: &str) -> bool {
    let ops = &Language::get().ops;
    let names = ops.iter().filter(|op| op.is_along_axes).filter_map(|op| op.template.split_once('('));
    let is_word = |at: usize| !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    names.into_iter().any(|(name, _)| text.match_indices(&format!("{name}(")).any(|(at, _)| is_word(at)))
}

/// Whether a statement has a `break` or `continue` of a loop around it.
fn leaves(stmt: &Stmt, is_in_loop: bool) -> bool {
    stmt.clauses.iter().any(|Clause { head, body }| match head {
        Head::Break | Head::Continue => !is_in_loop,
        Head::While { .. } | Head::For { .. } => body.iter().any(|stmt| leaves(stmt, true)),
        _ => body.iter().any(|stmt| leaves(stmt, is_in_loop)),
    })
}

impl Walk<'_> {
    fn vars(&self) -> Vars<'_> {
        self.names.iter().fold(Vars::new(), |vars, (name, known)| match known {
            Known::Single(scalar) => vars.with(name, *scalar),
            Known::Array(array) => vars.with(name, array),
        })
    }

    /// The values of some expressions.
    fn values(&self, statements: &str, exprs: &str) -> Result<Vec<DynArray>, Stop> {
        let text = format!("{}{statements}return {exprs}", self.views.concat());
        let vars = self.written.iter().fold(self.vars(), |vars, (name, array)| vars.with(name, array.view()));
        engine().evaluate(&text, &vars).map_err(|error| Stop::Wrong(format!("{error}\n{text}")))
    }

    fn truth(&self, condition: &str) -> Result<bool, Stop> {
        let value = self.values("", &format!("bool({condition})"))?;
        match value[0].to_scalar() {
            Some(scalar) => Ok(scalar.bits() != 0),
            None => Err(Stop::Wrong(format!("`{condition}` has no one value"))),
        }
    }

    fn whole(&self, expr: &Expr) -> Result<i64, Stop> {
        let value = self.values("", &format!("int64({expr})"))?;
        value[0].to_scalar().and_then(|scalar| scalar.get()).ok_or_else(|| Stop::Wrong(format!("{expr} is no number")))
    }

    fn give(&mut self, name: &str, value: DynArray) {
        let known = value.to_scalar().map_or_else(|| Known::Array(value), Known::Single);
        match self.names.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = known,
            None => self.names.push((name.to_owned(), known)),
        }
    }

    fn update(&mut self, stmt: &Stmt) -> Result<(), Stop> {
        let text = format!("{}{}", self.views.concat(), stmt.text());
        let mut written = std::mem::take(&mut self.written);
        let targets =
            written.iter_mut().fold(Targets::new(), |targets, (name, array)| targets.with(name, array.view_mut()));
        let mut targets = targets;
        let done = engine().execute(&text, &self.vars(), &mut targets);
        drop(targets);
        self.written = written;
        done.map_err(|error| Stop::Wrong(format!("{error}\n{text}")))
    }

    fn block(&mut self, block: &[Stmt]) -> Result<Flow, Stop> {
        for stmt in block {
            self.n_left = self.n_left.checked_sub(1).ok_or(Stop::Long)?;
            let flow = self.stmt(stmt)?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<Flow, Stop> {
        if !self.written.is_empty()
            && let Some(mut names) = assigned_by_elements(stmt)
        {
            names.retain(|name| self.names.iter().any(|(known, _)| known == name));
            names.sort();
            names.dedup();
            if !names.is_empty() {
                let before: String = names.iter().map(|name| own(name)).collect();
                let values = self.values(&format!("{before}{}", stmt.text()), &names.join(", "))?;
                names.iter().zip(values).for_each(|(name, value)| self.give(name, value));
            }
            return Ok(Flow::Next);
        }
        let is_target = |name: &str| name.contains('[') || !self.names.iter().any(|(known, _)| known == name);
        match stmt.head() {
            Head::Assign { targets, .. } if targets[0].contains('[') => self.update(stmt)?,
            Head::Change { target, .. } if is_target(target) => self.update(stmt)?,
            Head::Assign { targets, .. } if targets[0].starts_with('w') => self.views.push(stmt.text()),
            Head::Assign { targets, values } => {
                let exprs: Vec<String> = values.iter().map(Expr::to_string).collect();
                let values = self.values("", &exprs.join(", "))?;
                targets.iter().zip(values).for_each(|(name, value)| self.give(name, value));
            }
            Head::Change { target, .. } => {
                let value = self.values(&format!("{}{}", own(target), stmt.text()), target)?.swap_remove(0);
                self.give(target, value);
            }
            Head::Call { targets, function, args } => return self.call(targets, function, args),
            Head::If(_) => {
                for Clause { head, body } in &stmt.clauses {
                    let holds = match head {
                        Head::If(condition) | Head::Elif(condition) => self.truth(&condition.to_string())?,
                        _ => true,
                    };
                    if holds {
                        return self.block(body);
                    }
                }
            }
            Head::While { condition, guard } => {
                let condition = condition.as_ref().map(Expr::to_string);
                let mut n_done = 0;
                loop {
                    for condition in [&condition, guard].into_iter().flatten() {
                        if !self.truth(condition)? {
                            return self.otherwise(stmt);
                        }
                    }
                    match self.block(&stmt.clauses[0].body)? {
                        Flow::Break => return Ok(Flow::Next),
                        Flow::Return(values) => return Ok(Flow::Return(values)),
                        Flow::Next | Flow::Continue => {}
                    }
                    n_done += 1;
                    if n_done > MAX_STATEMENTS {
                        return Err(Stop::Long);
                    }
                }
            }
            Head::For { name, range } => {
                let bounds = range.iter().map(|expr| self.whole(expr)).collect::<Result<Vec<_>, _>>()?;
                let (mut next, stop, by) = match bounds[..] {
                    [stop] => (0, stop, 1),
                    [start, stop] => (start, stop, 1),
                    _ => (bounds[0], bounds[1], bounds[2]),
                };
                while by > 0 && next < stop || by < 0 && next > stop {
                    let value = engine().evaluate(&format!("int64({next})"), &Vars::new());
                    self.give(name, value.map_err(|error| Stop::Wrong(error.to_string()))?);
                    next += by;
                    match self.block(&stmt.clauses[0].body)? {
                        Flow::Break => return Ok(Flow::Next),
                        Flow::Return(values) => return Ok(Flow::Return(values)),
                        Flow::Next | Flow::Continue => {}
                    }
                }
                return self.otherwise(stmt);
            }
            Head::Break => return Ok(Flow::Break),
            Head::Continue => return Ok(Flow::Continue),
            Head::Return(values) => {
                let exprs: Vec<String> = values.iter().map(Expr::to_string).collect();
                return Ok(Flow::Return(self.values("", &exprs.join(", "))?));
            }
            Head::Pass | Head::Elif(_) | Head::Else => {}
        }
        Ok(Flow::Next)
    }

    /// The `else` of a loop.
    fn otherwise(&mut self, stmt: &Stmt) -> Result<Flow, Stop> {
        stmt.clauses.get(1).map_or(Ok(Flow::Next), |clause| self.block(&clause.body))
    }

    /// Names are of one function each, so those of all functions are together.
    fn call(&mut self, targets: &[String], function: &str, args: &[Expr]) -> Result<Flow, Stop> {
        let functions = self.functions;
        let function = functions.iter().find(|other| other.name == function);
        let function = function.ok_or_else(|| Stop::Wrong("no such function".to_owned()))?;
        for (param, arg) in function.params.iter().zip(args) {
            let text = arg.to_string();
            match self.written.iter().any(|(name, _)| *name == text) {
                true => self.views.push(format!("{param} = {text}\n")),
                false => {
                    let value = self.values("", &text)?.swap_remove(0);
                    self.give(param, value);
                }
            }
        }
        if let Flow::Return(values) = self.block(&function.body)? {
            targets.iter().zip(values).for_each(|(name, value)| self.give(name, value));
        }
        Ok(Flow::Next)
    }
}
