//! Loops as text.

use super::{Fold, Fused, Source, Space, Target, TempId};
use crate::hir::{Expr, Graph, Leaf};
use std::fmt;

impl Fused {
    /// The loops as text.
    pub(crate) fn print(&self, graph: &Graph) -> impl fmt::Display {
        let mut text = String::new();
        for (i, group) in self.loops.iter().enumerate() {
            let inputs = group.inputs.iter().map(|&(id, source)| format!("h{} = {}", id.index(), name(graph, source)));
            let body = group.body.iter().map(|&id| match graph.expr(id) {
                Expr::Apply(op, _) => format!("h{} {op}", id.index()),
                _ => format!("h{}", id.index()),
            });
            let outputs = group.outputs.iter().filter(|(_, target)| *target != Target::Folded);
            let outputs = outputs.map(|&(id, target)| format!("{} = h{}", place(target), id.index()));
            let folds = group.folds.iter().map(|fold| {
                let Fold { reduction, output, target } = *fold;
                let (id, _) = group.outputs[output];
                format!("{} = {} h{}", place(target), graph.reduction(reduction).op, id.index())
            });
            let over = match &group.space {
                Space::Domain(_) | Space::Leaves(_) => format!(" over {}", space(graph, &group.space)),
                Space::Result | Space::One => String::new(),
            };
            text.push_str(&format!(
                "loop {i}{over}\n  reads    {}\n  computes {}\n  writes   {}\n",
                list(inputs),
                list(body),
                list(outputs.chain(folds)),
            ));
        }
        text
    }
}

fn temp(TempId(temp): TempId) -> String {
    format!("temp{temp}")
}

fn name(graph: &Graph, source: Source) -> String {
    match source {
        Source::Var(var) => graph.vars()[var.0 as usize].name.clone(),
        Source::Temp(id) => temp(id),
        Source::Result => "result".to_owned(),
        Source::Count(id) => format!("count of r{}", id.index()),
    }
}

fn place(target: Target) -> String {
    match target {
        Target::Result => "result".to_owned(),
        Target::Temp(id) => temp(id),
        Target::Folded => "none".to_owned(),
    }
}

fn space(graph: &Graph, space: &Space) -> String {
    let leaves = match space {
        Space::Domain(id) => &graph.reduction(*id).domain,
        Space::Leaves(leaves) => leaves,
        Space::Result | Space::One => return "none".to_owned(),
    };
    list(leaves.iter().map(|leaf| match *leaf {
        Leaf::Var(var) => graph.vars()[var.0 as usize].name.clone(),
        Leaf::Reduction(id) => format!("r{}", id.index()),
    }))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
