//! The graph as text: one node a line, in order.

use super::{Axes, Expr, Graph, Leaf, Reduction, RegionUse};
use crate::ops::AxisOp;
use crate::vars::VarType;
use std::fmt;

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.numbers)?;
        let is_named = self.named_reductions();
        let mut has_node = vec![false; self.reductions.len()];
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
                Expr::Apply(..) | Expr::Call(..) => {
                    match self.expr(id) {
                        Expr::Call(function, _) => write!(f, "call {}", self.function(function).name())?,
                        Expr::Apply(op, _) => write!(f, "{op}")?,
                        _ => {}
                    }
                    for (i, arg) in self.args(id).enumerate() {
                        let comma = if i == 0 { "" } else { "," };
                        write!(f, "{comma} h{}", arg.index())?;
                    }
                }
                Expr::After(region, place) => {
                    write!(f, "loop{}.{place}", region.index())?;
                    for (i, arg) in self.args(id).enumerate() {
                        let comma = if i == 0 { "" } else { "," };
                        write!(f, "{comma} h{}", arg.index())?;
                    }
                }
                Expr::Param(number) => write!(f, "param {number}")?,
                Expr::Reduce(id, arg) => {
                    let reduction = self.reduction(id);
                    write!(f, "{}", reduction.op)?;
                    if reduction.op != AxisOp::Count {
                        write!(f, " h{}", arg.index())?;
                    }
                    self.write_reduction(f, reduction)?;
                    if is_named[id.index()] {
                        write!(f, " as r{}", id.index())?;
                    }
                    has_node[id.index()] = true;
                }
            }
            writeln!(f)?;
        }
        for (i, reduction) in self.reductions.iter().enumerate().filter(|&(i, _)| is_named[i] && !has_node[i]) {
            write!(f, "shape of {}", reduction.op)?;
            self.write_reduction(f, reduction)?;
            writeln!(f, " as r{i}")?;
        }
        for (number, RegionUse { region, .. }) in self.regions.iter().enumerate() {
            match region.limit {
                Some(limit) => writeln!(f, "loop{number}, at most {limit} times:")?,
                None => writeln!(f, "loop{number}:")?,
            }
            for line in region.body.to_string().lines() {
                writeln!(f, "    {line}")?;
            }
        }
        for (root, domain) in self.roots.iter().zip(&self.root_domains) {
            write!(f, "result h{}", root.index())?;
            if !self.reductions.is_empty() || self.roots.len() > 1 {
                self.write_domain(f, domain)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Graph {
    fn write_reduction(&self, f: &mut fmt::Formatter<'_>, reduction: &Reduction) -> fmt::Result {
        match &reduction.axes {
            Axes::All => {}
            Axes::List(axes) => match axes[..] {
                [axis] => write!(f, " axis={axis}")?,
                _ => {
                    let axes: Vec<String> = axes.iter().map(i64::to_string).collect();
                    write!(f, " axis=({})", axes.join(", "))?;
                }
            },
        }
        if reduction.keepdims {
            f.write_str(" keepdims")?;
        }
        self.write_domain(f, &reduction.domain)
    }

    fn write_domain(&self, f: &mut fmt::Formatter<'_>, domain: &[Leaf]) -> fmt::Result {
        if domain.is_empty() {
            return f.write_str(" over ()");
        }
        for (i, leaf) in domain.iter().enumerate() {
            f.write_str(if i == 0 { " over " } else { ", " })?;
            match leaf {
                Leaf::Var(var) => f.write_str(&self.vars[var.0 as usize].name)?,
                Leaf::Reduction(id) => write!(f, "r{}", id.index())?,
            }
        }
        Ok(())
    }

    /// For each reduction, whether a domain names it.
    fn named_reductions(&self) -> Vec<bool> {
        let mut is_named = vec![false; self.reductions.len()];
        let domains = self.reductions.iter().map(|reduction| &reduction.domain).chain(&self.root_domains);
        for leaf in domains.flatten() {
            if let Leaf::Reduction(id) = leaf {
                is_named[id.index()] = true;
            }
        }
        is_named
    }
}
