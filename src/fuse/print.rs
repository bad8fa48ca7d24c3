//! Loops as text.

use super::{CallArray, Dest, Fold, Fused, Source, Space, name_of, source_of};
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
                Expr::Call(function, _) => format!("h{} call {}", id.index(), graph.function(function).name()),
                _ => format!("h{}", id.index()),
            });
            let outputs = group.outputs.iter().filter_map(|&(id, dest)| Some((id, dest?)));
            let outputs = outputs.map(|(id, dest)| format!("{} = h{}", place(graph, dest), id.index()));
            let folds = group.folds.iter().map(|fold| {
                let Fold { reduction, output, dest } = *fold;
                let (id, _) = group.outputs[output];
                format!("{} = {} h{}", place(graph, dest), graph.reduction(reduction).op, id.index())
            });
            let over = match &group.space {
                Space::Domain(_) | Space::Leaves(_) => format!(" over {}", space(graph, &group.space)),
                Space::Result(_) | Space::One => String::new(),
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

/// The name of what a loop reads. A count is followed by the reduction that it belongs to.
fn name(graph: &Graph, source: Source) -> String {
    let name = name_of(source, graph);
    match source {
        Source::View(number) => match CallArray::of_number(number, graph) {
            CallArray::Count(id) => format!("{name} of r{}", id.index()),
            CallArray::Var(_) => name,
        },
        Source::Temp(_) | Source::Result(_) => name,
    }
}

fn place(graph: &Graph, dest: Dest) -> String {
    name_of(source_of(dest), graph)
}

fn space(graph: &Graph, space: &Space) -> String {
    let leaves = match space {
        Space::Domain(id) => &graph.reduction(*id).domain,
        Space::Leaves(leaves) => leaves,
        Space::Result(_) | Space::One => return "none".to_owned(),
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
