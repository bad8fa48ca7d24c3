//! Which function of the table each operator is.

use crate::ops::{Function, table};
use ndexpr_grammar::{BinaryOp, CompareOp, UnaryOp};

/// The function of this name. The names here are those of the table, as a test checks.
fn function(name: &str) -> &'static Function {
    table::find(name).expect("every operator has a row")
}

pub(crate) fn unary(op: UnaryOp) -> &'static Function {
    function(match op {
        UnaryOp::Neg => "negative",
        UnaryOp::Plus => "positive",
        UnaryOp::Invert => "invert",
        UnaryOp::Not => "logical_not",
    })
}

pub(crate) fn binary(op: BinaryOp) -> &'static Function {
    function(match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "subtract",
        BinaryOp::Mul => "multiply",
        BinaryOp::Div => "divide",
        BinaryOp::FloorDiv => "floor_divide",
        BinaryOp::Rem => "remainder",
        BinaryOp::Pow => "power",
        BinaryOp::Shl => "left_shift",
        BinaryOp::Shr => "right_shift",
        BinaryOp::BitAnd => "bitwise_and",
        BinaryOp::BitOr => "bitwise_or",
        BinaryOp::BitXor => "bitwise_xor",
        BinaryOp::And => "logical_and",
        BinaryOp::Or => "logical_or",
    })
}

pub(crate) fn compare(op: CompareOp) -> &'static Function {
    function(match op {
        CompareOp::Lt => "less",
        CompareOp::Le => "less_equal",
        CompareOp::Gt => "greater",
        CompareOp::Ge => "greater_equal",
        CompareOp::Eq => "equal",
        CompareOp::Ne => "not_equal",
    })
}

/// `x if condition else y`.
pub(crate) fn choice() -> &'static Function {
    function("where")
}
