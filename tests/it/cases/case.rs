//! One case: an expression that is well typed by construction, its variables, and where the result
//! goes.

use super::arrays::{Array, Layout, pool, random_bits};
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

const NAMES: [&str; 5] = ["a", "b", "c", "x", "k"];

impl Case {
    /// Draws a case whose root is the given form, if there is one.
    pub(crate) fn draw(source: &mut Source<'_>, root: Option<Form>) -> Case {
        let shape = draw_shape(source);
        let n_vars = source.between(1, NAMES.len());
        let vars: Vec<Var> = NAMES[..n_vars]
            .iter()
            .map(|name| {
                let dtype = source.pick(&DType::ALL);
                let value = if source.one_in(6) {
                    Value::Scalar(random_bits(source, dtype))
                } else {
                    Value::Array { layout: Layout::random_input(source, &shape), seed: source.seed() }
                };
                Var { name: (*name).to_owned(), dtype, value }
            })
            .collect();
        let budget = source.pick(&[1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40]);
        let mut drawing = Drawing { vars: &vars, made: Vec::new(), source };
        let expr = match root {
            Some(form) => drawing.form(form, budget),
            None => {
                let dtype = drawing.source.pick(&DType::ALL);
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
fn draw_shape(source: &mut Source<'_>) -> Vec<usize> {
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

struct Drawing<'d, 's> {
    vars: &'d [Var],
    /// What has been made, and may be used again.
    made: Vec<(DType, Expr)>,
    source: &'d mut Source<'s>,
}

impl Drawing<'_, '_> {
    /// An expression of a dtype, of about so many nodes.
    fn expr(&mut self, dtype: DType, budget: usize) -> Expr {
        if budget <= 1 {
            return self.leaf(dtype);
        }
        if self.source.one_in(12) {
            let known: Vec<usize> = (0..self.made.len()).filter(|&i| self.made[i].0 == dtype).collect();
            if !known.is_empty() {
                return self.made[self.source.pick(&known)].1.clone();
            }
        }
        let language = Language::get();
        let mut form = language.forms[self.source.pick(language.forms_of(dtype))];
        if language.ops[form.op].is_along_axes && !self.source.one_in(4) {
            // There are many of these, and the more a text has, the less likely it is that all find
            // their axes.
            form = language.forms[self.source.pick(language.forms_of(dtype))];
        }
        let expr = self.form(form, budget);
        if expr.size() <= 20 {
            self.made.push((dtype, expr.clone()));
        }
        expr
    }

    /// An operation. One argument has the dtype of the form; the others may be literals, or of
    /// dtypes that give way.
    fn form(&mut self, form: Form, budget: usize) -> Expr {
        let language = Language::get();
        let op = &language.ops[form.op];
        let strong = loop {
            let i = self.source.below(op.arity);
            if op.condition != Some(i) {
                break i;
            }
            if op.condition == Some(0) {
                break 1;
            }
        };
        let mut rest = budget.saturating_sub(1);
        let args = (0..op.arity)
            .map(|i| {
                let share = if i + 1 == op.arity { rest } else { self.source.below(rest + 1) };
                rest -= share;
                if op.condition == Some(i) {
                    let any = self.source.pick(&DType::ALL);
                    let dtype = if self.source.one_in(3) { any } else { DType::Bool };
                    return self.expr(dtype, share);
                }
                if i == strong {
                    return self.expr(form.args, share);
                }
                if self.source.one_in(4) {
                    if form.args == DType::Bool {
                        return Expr::Leaf(self.source.pick(&["True", "False"]).to_owned());
                    }
                    let is_natural = op.is_power && i == 1;
                    return Expr::Leaf(self.weak(form.args, is_natural, op.is_comparison));
                }
                let dtype = if self.source.one_in(3) {
                    let absorbed: Vec<DType> =
                        DType::ALL.into_iter().filter(|&other| language.is_absorbed(other, form.args)).collect();
                    self.source.pick(&absorbed)
                } else {
                    form.args
                };
                self.expr(dtype, share)
            })
            .collect();
        Expr::Op(form, args)
    }

    /// A variable or a constant of a dtype.
    fn leaf(&mut self, dtype: DType) -> Expr {
        let of_dtype: Vec<&Var> = self.vars.iter().filter(|var| var.dtype == dtype).collect();
        Expr::Leaf(match self.source.below(8) {
            // Beside literals, a literal bool counts as an integer.
            0 if dtype == DType::Bool => self.source.pick(&["bool(True)", "bool(False)"]).to_owned(),
            0 => format!("{dtype}({})", self.weak(dtype, false, false)),
            _ if of_dtype.is_empty() => format!("{dtype}({})", self.vars[self.source.below(self.vars.len())].name),
            _ => of_dtype[self.source.below(of_dtype.len())].name.clone(),
        })
    }

    /// Something made of literals that a number dtype can hold.
    fn weak(&mut self, dtype: DType, is_natural: bool, may_be_out_of_range: bool) -> String {
        const FLOATS: [&str; 34] = [
            "0.0",
            "(-0.0)",
            "1.0",
            "(-1.0)",
            "0.5",
            "2.0",
            "3.0",
            "4.0",
            "(-2.0)",
            "1.5",
            "0.1",
            "1e300",
            "(-1e-310)",
            "5e-324",
            "1e39",
            "1e-46",
            "inf",
            "(-inf)",
            "nan",
            "pi",
            "e",
            "(1/3)",
            "(2*pi)",
            "1e16",
            "8.0",
            "0.25",
            "2147483648.0",
            "(0*inf)",
            "7.0",
            "64.0",
            "(-3.0)",
            "(10**-3)",
            "sin(0.5)",
            "sqrt(2)",
        ];
        const SMALL: [&str; 14] =
            ["0", "1", "2", "3", "4", "5", "7", "8", "10", "64", "(7 // 2)", "(2**5)", "(-7 % 5)", "100"];
        if dtype.is_float() && !self.source.one_in(4) {
            return self.source.pick(&FLOATS).to_owned();
        }
        let bits = 8 * dtype.size() as u32;
        let (low, high): (i128, i128) = match dtype {
            _ if dtype.is_unsigned_int() => (0, (1 << bits) - 1),
            _ => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        };
        let value = match self.source.below(8) {
            0 => low,
            1 => high,
            2 if low < 0 => -1,
            3 if low < 0 => -i128::from(self.source.below(20) as u32),
            4 => 1 << self.source.below(bits as usize - 1),
            5 if may_be_out_of_range && !dtype.is_float() => {
                return self.source.pick(&["1000", "(-1)", "(-129)", "70000", "5000000000", "(2**64)"]).to_owned();
            }
            5 => i128::from(self.source.bits()) % (high + 1),
            _ => return self.source.pick(&SMALL).to_owned(),
        };
        let value = if is_natural && !dtype.is_float() { value.unsigned_abs() as i128 % (high + 1) } else { value };
        if value < 0 { format!("({value})") } else { value.to_string() }
    }
}
