//! Expressions that no operation is made for.

use super::AS_TYPE;
use crate::ops::table;
use ndexpr_grammar::{self as ast, Ast, ExprKind, IndexItem, StmtKind};
use rustc_hash::FxHashSet;

/// The modules whose functions and constants may be written after their name and a dot.
const MODULES: [&str; 3] = ["np", "numpy", "math"];

/// Which expressions are no operands: targets, options, indices, and names of modules.
/// `has_no_options` tells of a name that the text does not assign to whether it is a function all
/// arguments of which are operands: one of a prelude or of Rust.
pub(super) fn skipped(ast: &Ast, is_assigned: &[bool], has_no_options: impl Fn(&str) -> bool) -> Vec<bool> {
    let mut is_skipped = vec![false; ast.n_exprs()];
    let mut ranges: FxHashSet<ast::ExprId> = FxHashSet::default();
    for (_, stmt) in ast.stmts() {
        match &stmt.kind {
            StmtKind::Assign { targets, .. } => targets.iter().for_each(|target| is_skipped[target.index()] = true),
            StmtKind::AugAssign { target, .. } => is_skipped[target.index()] = true,
            // Its arguments are operands.
            StmtKind::For { range, .. } => _ = ranges.insert(*range),
            _ => {}
        }
    }
    let is_range = |id: ast::ExprId| ranges.contains(&id);
    for (id, expr) in ast.exprs().rev() {
        if is_range(id) {
            is_skipped[id.index()] = true;
            continue;
        }
        if is_skipped[id.index()] {
            expr.kind.for_each_child(|child| is_skipped[child.index()] = true);
            continue;
        }
        let mut skip = |id: ast::ExprId| is_skipped[id.index()] = true;
        match &expr.kind {
            ExprKind::Call { function, args, keywords, .. }
                if !is_assigned[function.index()] && !has_no_options(ast.name(*function)) =>
            {
                keywords.iter().for_each(|keyword| skip(keyword.value));
                if table::find(ast.name(*function)).is_some_and(|row| row.is_along_axes()) {
                    args.iter().skip(1).copied().for_each(skip);
                }
            }
            ExprKind::Attribute { object, .. } if module(ast, *object, is_assigned) => skip(*object),
            ExprKind::Index { items, .. } => items.iter().for_each(|item| match *item {
                IndexItem::At(at) => skip(at),
                IndexItem::Slice { start, stop, step } => [start, stop, step].into_iter().flatten().for_each(&mut skip),
                IndexItem::Ellipsis => {}
            }),
            ExprKind::Method { object, name, args, keywords, .. } => {
                keywords.iter().for_each(|keyword| skip(keyword.value));
                let is_along = table::find(ast.name(*name)).is_some_and(|row| row.is_along_axes());
                let n_operands = match module(ast, *object, is_assigned) {
                    true if is_along => 1,
                    false if is_along || ast.name(*name) == AS_TYPE => 0,
                    _ => args.len(),
                };
                args.iter().skip(n_operands).copied().for_each(&mut skip);
                if module(ast, *object, is_assigned) {
                    skip(*object);
                }
            }
            _ => {}
        }
    }
    is_skipped
}

/// Whether an expression is the name of a module, which the text uses for nothing else.
fn module(ast: &Ast, id: ast::ExprId, is_assigned: &[bool]) -> bool {
    match ast[id].kind {
        ExprKind::Name(name) => MODULES.contains(&ast.name(name)) && !is_assigned[name.index()],
        _ => false,
    }
}
