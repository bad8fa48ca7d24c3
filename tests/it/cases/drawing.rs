//! Expressions that are well typed by construction.

use super::case::Expr;
use super::language::{Form, Language};
use super::source::Source;
use ndexpr::DType;

/// A name, or something else that stands for a value by itself.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) text: String,
    pub(crate) dtype: DType,
}

pub(crate) struct Drawing<'d, 's> {
    /// What expressions are made of beside constants. There is one at least.
    operands: &'d [Operand],
    /// What has been made, and may be used again.
    made: Vec<(DType, Expr)>,
    /// Whether something may run along axes.
    has_axes: bool,
    source: &'d mut Source<'s>,
}

impl<'d, 's> Drawing<'d, 's> {
    pub(crate) fn new(operands: &'d [Operand], source: &'d mut Source<'s>) -> Drawing<'d, 's> {
        Drawing { operands, made: Vec::new(), has_axes: true, source }
    }

    pub(crate) fn source(&mut self) -> &mut Source<'s> {
        self.source
    }

    /// Draws nothing that runs along axes.
    pub(crate) fn without_axes(self) -> Drawing<'d, 's> {
        Drawing { has_axes: false, ..self }
    }

    /// An expression of a dtype, of about so many nodes.
    pub(crate) fn expr(&mut self, dtype: DType, budget: usize) -> Expr {
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
        if self.has_axes {
            if language.ops[form.op].is_along_axes && !self.source.one_in(4) {
                // There are many of these, and the more a text has, the less likely it is that all
                // find their axes.
                form = language.forms[self.source.pick(language.forms_of(dtype))];
            }
        } else {
            while language.ops[form.op].is_along_axes {
                form = language.forms[self.source.pick(language.forms_of(dtype))];
            }
        }
        let expr = self.form(form, budget);
        if expr.size() <= 20 {
            self.made.push((dtype, expr.clone()));
        }
        expr
    }

    /// An operation. One argument has the dtype of the form; the others may be literals, or of
    /// dtypes that give way.
    pub(crate) fn form(&mut self, form: Form, budget: usize) -> Expr {
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
    pub(crate) fn leaf(&mut self, dtype: DType) -> Expr {
        let of_dtype: Vec<&Operand> = self.operands.iter().filter(|operand| operand.dtype == dtype).collect();
        Expr::Leaf(match self.source.below(8) {
            // Beside literals, a literal bool counts as an integer.
            0 if dtype == DType::Bool => self.source.pick(&["bool(True)", "bool(False)"]).to_owned(),
            0 => format!("{dtype}({})", self.weak(dtype, false, false)),
            _ if of_dtype.is_empty() => {
                format!("{dtype}({})", self.operands[self.source.below(self.operands.len())].text)
            }
            _ => of_dtype[self.source.below(of_dtype.len())].text.clone(),
        })
    }

    /// Something made of literals that a number dtype can hold.
    pub(crate) fn weak(&mut self, dtype: DType, is_natural: bool, may_be_out_of_range: bool) -> String {
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
