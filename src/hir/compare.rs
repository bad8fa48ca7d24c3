//! Comparisons of integers with integers that have another dtype or none. They are exact for all
//! values.

use super::ExprId;
use super::lower::{Arg, Lowerer, Value};
use super::weak::{self, Weak};
use crate::ops::exact::Outcome;
use crate::ops::{Function, Meaning, Op};
use ndexpr_runtime::dtype::{DType, Scalar};

impl Lowerer<'_> {
    /// The comparison as a node, if promotion would get it wrong. Otherwise there is none, but the
    /// arguments may have changed.
    pub(super) fn compare_ints(&mut self, row: &Function, args: &mut [Arg]) -> Option<ExprId> {
        self.type_compared_numbers(args);
        if let Some(known) = self.compare_out_of_range(row, args) {
            return Some(known);
        }
        self.compare_across_signs(row, args)
    }

    /// Gives numbers a dtype of their own if they are compared with integers of some dtype.
    /// Integers of any value can be compared with those of any dtype, so a number need not fit it.
    fn type_compared_numbers(&mut self, args: &mut [Arg]) {
        let is_int = |value: Value| matches!(value, Value::Typed(id) if self.graph.dtype(id).is_int());
        if !args.iter().any(|arg| is_int(arg.value)) {
            return;
        }
        for arg in args {
            if let Value::Number(id) = arg.value {
                arg.value = match self.default_of(id) {
                    Some(dtype) => Value::Typed(self.graph.number_as(id, dtype)),
                    None => Value::Weak(Weak::Int(self.numbers.get(id))),
                };
            }
        }
    }

    /// Compares an integer operand with a literal that its dtype cannot hold. The answer is known.
    fn compare_out_of_range(&mut self, row: &Function, args: &[Arg]) -> Option<ExprId> {
        let (id, literal, literal_is_right) = match (args[0].value, args[1].value) {
            (Value::Typed(id), Value::Weak(Weak::Int(literal))) => (id, literal, true),
            (Value::Weak(Weak::Int(literal)), Value::Typed(id)) => (id, literal, false),
            _ => return None,
        };
        let dtype = self.graph.dtype(id);
        if !dtype.is_int() || weak::fits(literal, dtype) {
            return None;
        }
        // The operand is on one side of the literal, whatever its value is, so 0 stands for it. The
        // literal is not 0 itself, because 0 fits every integer dtype.
        let (x, y) = if literal_is_right { (0, literal) } else { (literal, 0) };
        match row.exact?(&[x, y, 0]) {
            Outcome::Bool(known) => Some(self.graph.constant(Scalar::new(known))),
            _ => None,
        }
    }

    /// `uint64` meets signed integers in float64, which does not hold them all. But comparing them
    /// needs no common dtype: a negative integer is less than any `uint64`, and all others fit
    /// `uint64` too.
    fn compare_across_signs(&mut self, row: &Function, args: &[Arg]) -> Option<ExprId> {
        let (Value::Typed(x), Value::Typed(y), Meaning::Op(op)) = (args[0].value, args[1].value, row.meaning) else {
            return None;
        };
        let graph = &mut self.graph;
        let (signed, unsigned, op) = match (graph.dtype(x), graph.dtype(y)) {
            (dtype, DType::UInt64) if dtype.is_signed_int() => (x, y, op),
            (DType::UInt64, dtype) if dtype.is_signed_int() => (y, x, op.swapped()),
            _ => return None,
        };
        let zero = graph.int_constant(graph.dtype(signed), 0);
        let is_negative = graph.apply(Op::Lt, &[signed, zero]);
        let as_unsigned = graph.cast(signed, DType::UInt64);
        let compared = graph.apply(op, &[as_unsigned, unsigned]);
        Some(match op {
            Op::Lt | Op::Le | Op::Ne => graph.apply(Op::Or, &[is_negative, compared]),
            _ => {
                let is_not = graph.apply(Op::Not, &[is_negative]);
                graph.apply(Op::And, &[is_not, compared])
            }
        })
    }
}
