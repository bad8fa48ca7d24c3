//! One case: an expression that is well typed by construction, its variables, and where the result
//! goes.

use super::arrays::{Array, Layout, pool, random_bits};
use super::drawing::{Drawing, Operand};
use super::language::{Form, Language};
use super::source::Source;
use ndexpr::{DType, FloatMode, Scalar, Signature, VarType, Vars};
use std::fmt;

/// An expression as a tree of texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Leaf(String),
    Op(Form, Vec<Expr>),
}

impl Expr {
    pub(crate) fn size(&self) -> usize {
        match self {
            Expr::Leaf(_) => 1,
            Expr::Op(_, args) => 1 + args.iter().map(Expr::size).sum::<usize>(),
        }
    }

    /// Calls `f` for every operation.
    pub(crate) fn each_form(&self, f: &mut impl FnMut(Form)) {
        if let Expr::Op(form, args) = self {
            f(*form);
            args.iter().for_each(|arg| arg.each_form(f));
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Leaf(text) => f.write_str(text),
            Expr::Op(form, args) => {
                let args: Vec<String> = args.iter().map(Expr::to_string).collect();
                f.write_str(&Language::get().ops[form.op].text(&args))
            }
        }
    }
}

/// A variable.
#[derive(Clone, Debug)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(u64),
    /// An array of values drawn from a seed.
    Array {
        layout: Layout,
        seed: u64,
    },
}

impl Var {
    /// A number, or an array whose shape broadcasts to this one.
    pub(crate) fn draw(source: &mut Source<'_>, name: &str, shape: &[usize]) -> Var {
        let dtype = source.pick(&DType::ALL);
        let value = if source.one_in(6) {
            Value::Scalar(random_bits(source, dtype))
        } else {
            Value::Array { layout: Layout::random_input(source, shape), seed: source.seed() }
        };
        Var { name: name.to_owned(), dtype, value }
    }

    pub(crate) fn operand(&self) -> Operand {
        Operand { text: self.name.clone(), dtype: self.dtype }
    }

    pub(crate) fn ty(&self) -> VarType {
        match self.value {
            Value::Scalar(_) => VarType::scalar(self.dtype),
            Value::Array { .. } => VarType::array(self.dtype),
        }
    }
}

/// Where the result goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Out {
    Fresh,
    /// An array of a layout that follows from a seed.
    Into {
        seed: u64,
    },
    /// The memory of a variable, shifted by so many bytes so that they overlap. As `Fresh` unless
    /// the variable is an array of the result's dtype and shape in which no two elements share
    /// memory.
    InPlace {
        var: usize,
        shift: isize,
    },
}

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) expr: Expr,
    pub(crate) floats: FloatMode,
    pub(crate) vars: Vec<Var>,
    pub(crate) out: Out,
    /// Whether to run on four threads too.
    pub(crate) on_threads: bool,
}

pub(crate) const NAMES: [&str; 5] = ["a", "b", "c", "x", "k"];

impl Case {
    /// Draws a case whose root is the given form, if there is one.
    pub(crate) fn draw(source: &mut Source<'_>, root: Option<Form>) -> Case {
        let shape = draw_shape(source);
        let n_vars = source.between(1, NAMES.len());
        let vars: Vec<Var> = NAMES[..n_vars].iter().map(|name| Var::draw(source, name, &shape)).collect();
        let budget = source.pick(&[1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40]);
        let operands: Vec<Operand> = vars.iter().map(Var::operand).collect();
        let mut drawing = Drawing::new(&operands, source);
        let expr = match root {
            Some(form) => drawing.form(form, budget),
            None => {
                let dtype = drawing.source().pick(&DType::ALL);
                drawing.expr(dtype, budget)
            }
        };
        let floats = if source.one_in(4) { FloatMode::Fast } else { FloatMode::Strict };
        let out = match source.below(8) {
            0..=4 => Out::Fresh,
            5 | 6 => Out::Into { seed: source.seed() },
            _ => Out::InPlace { var: source.below(vars.len()), shift: source.pick(&[0, 0, 1, -3, 8, -16]) },
        };
        let on_threads = shape.iter().product::<usize>() > 2000 || source.one_in(8);
        Case { expr, floats, vars, out, on_threads }
    }

    pub(crate) fn text(&self) -> String {
        self.expr.to_string()
    }

    pub(crate) fn signature(&self) -> Signature {
        self.vars.iter().fold(Signature::new(), |signature, var| signature.with(&var.name, var.ty()))
    }

    /// The arrays of the variables; none for a scalar.
    pub(crate) fn arrays(&self) -> Vec<Option<Array>> {
        self.vars
            .iter()
            .map(|var| match &var.value {
                Value::Scalar(_) => None,
                Value::Array { layout, seed } => {
                    // Arrays repeat a pool of values whose size has no factor in common with
                    // theirs.
                    let values = pool(*seed, var.dtype, layout.n_elems().min(1009));
                    Some(Array::new(var.dtype, layout, |i| values[i % values.len()]))
                }
            })
            .collect()
    }

    /// The variables with these values.
    pub(crate) fn bind<'a>(&'a self, arrays: &'a [Option<Array>]) -> Vars<'a> {
        self.vars.iter().zip(arrays).fold(Vars::new(), |vars, (var, array)| match (&var.value, array) {
            (Value::Scalar(bits), _) => vars.with(&var.name, Scalar::from_bits(var.dtype, *bits)),
            (_, Some(array)) => vars.with(&var.name, array.view()),
            (_, None) => unreachable!("every array variable has an array"),
        })
    }
}

/// Shapes that lead to single vector blocks, tails, short rows, transposed tiles, many tiles, and
/// many chunks.
pub(crate) fn draw_shape(source: &mut Source<'_>) -> Vec<usize> {
    let mut shape = match source.below(12) {
        0 => vec![],
        1 => vec![source.between(0, 8)],
        2 | 3 => vec![source.between(0, 140)],
        4 => vec![source.between(1, 60), source.between(1, 5)],
        5 => vec![source.between(1, 5), source.between(1, 60)],
        6 => vec![source.between(1, 20), source.between(1, 20)],
        7 => (0..3).map(|_| source.between(1, 8)).collect(),
        8 => (0..4).map(|_| source.between(1, 5)).collect(),
        9 => vec![source.between(1000, 6000)],
        10 => vec![source.between(60, 80), source.between(60, 130)],
        _ => match source.below(8) {
            0 => vec![source.between(100_000, 160_000)],
            1 => vec![source.between(200, 400), source.between(300, 400)],
            _ => vec![source.between(2, 40), source.between(1, 3), source.between(1, 33)],
        },
    };
    if source.one_in(24) && !shape.is_empty() {
        let axis = source.below(shape.len());
        shape[axis] = 0;
    }
    shape
}
