//! The graph as text: one node a line, in order.

use super::{Expr, Graph};
use crate::vars::VarType;
use std::fmt;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.ids() {
            let dtype = self.dtype(id).short_name();
            write!(f, "h{}: {dtype} = ", id.index())?;
            match self.expr(id) {
                Expr::Var(var) => {
                    let var = &self.vars[var.0 as usize];
                    let VarType { is_scalar, .. } = var.ty;
                    let role = if is_scalar { "scalar" } else { "array" };
                    write!(f, "{role} {}", var.name)?;
                }
                Expr::Const(value) => write!(f, "const {value}")?,
                Expr::Apply(op, _) => {
                    write!(f, "{op}")?;
                    for (i, arg) in self.args(id).enumerate() {
                        let comma = if i == 0 { "" } else { "," };
                        write!(f, "{comma} h{}", arg.index())?;
                    }
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "result h{}", self.root().index())
    }
}
