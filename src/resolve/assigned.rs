//! Which names statements assign to, and whether they read them first.
//!
//! In: statements, with those in them. Out: names and places. Always true: nothing here recurses.

use ndexpr_grammar::{Ast, ExprId, ExprKind, NameId, Span, Stmt, StmtId, StmtKind};
use rustc_hash::FxHashSet;

/// The statements in another one, in the order of the text, but not those of a function.
fn inner(stmt: &StmtKind) -> impl DoubleEndedIterator<Item = StmtId> {
    let (first, second): (&[StmtId], &[StmtId]) = match stmt {
        StmtKind::If { then, otherwise, .. } => (then, otherwise),
        StmtKind::While { body, otherwise, .. } | StmtKind::For { body, otherwise, .. } => (body, otherwise),
        _ => (&[], &[]),
    };
    first.iter().chain(second).copied()
}

/// Calls `visit` with each of the statements and those in them, in the order of the text, until it
/// gives something.
fn find_stmt<'a, R>(
    ast: &'a Ast,
    stmts: impl DoubleEndedIterator<Item = StmtId>,
    mut visit: impl FnMut(&'a Stmt) -> Option<R>,
) -> Option<R> {
    let mut pending: Vec<StmtId> = stmts.rev().collect();
    while let Some(id) = pending.pop() {
        let stmt = &ast[id];
        if let Some(found) = visit(stmt) {
            return Some(found);
        }
        pending.extend(inner(&stmt.kind).rev());
    }
    None
}

/// Calls `visit` with each name that a statement itself assigns to, and the place of the name.
pub(super) fn for_each_assigned(ast: &Ast, stmt: &StmtKind, mut visit: impl FnMut(NameId, Span)) {
    let mut pending: Vec<ExprId> = Vec::new();
    match stmt {
        StmtKind::Assign { targets, .. } => pending.extend(targets.iter().copied()),
        StmtKind::AugAssign { target, .. } => pending.push(*target),
        StmtKind::Def { name, name_span, .. } | StmtKind::For { name, name_span, .. } => visit(*name, *name_span),
        _ => {}
    }
    while let Some(id) = pending.pop() {
        match &ast[id].kind {
            ExprKind::Name(name) => visit(*name, ast[id].span),
            ExprKind::Tuple { items } => pending.extend(items.iter().copied()),
            _ => {}
        }
    }
}

/// The names that these statements and those in them assign to, in the order of [`NameId`]s.
pub(super) fn assigned_names(ast: &Ast, stmts: &[StmtId]) -> Vec<NameId> {
    let mut names = FxHashSet::default();
    find_stmt(ast, stmts.iter().copied(), |stmt| {
        for_each_assigned(ast, &stmt.kind, |name, _| _ = names.insert(name));
        None::<()>
    });
    let mut names: Vec<NameId> = names.into_iter().collect();
    names.sort_unstable();
    names
}

/// The first place where these statements assign to a name.
pub(super) fn first_assignment(ast: &Ast, stmts: &[StmtId], name: NameId) -> Option<Span> {
    find_stmt(ast, stmts.iter().copied(), |stmt| {
        let mut found = None;
        for_each_assigned(ast, &stmt.kind, |assigned, span| {
            if assigned == name {
                found = Some(span);
            }
        });
        found
    })
}

/// Whether these statements read a name before they assign to it, as far as the order of the text
/// tells.
pub(super) fn is_read_first(ast: &Ast, stmts: &[StmtId], name: NameId) -> bool {
    let is_read = find_stmt(ast, stmts.iter().copied(), |stmt| {
        let mut targets = FxHashSet::default();
        if let StmtKind::Assign { targets: all, .. } = &stmt.kind {
            let mut pending: Vec<ExprId> = all.to_vec();
            while let Some(id) = pending.pop() {
                targets.insert(id);
                if let ExprKind::Tuple { items } = &ast[id].kind {
                    pending.extend(items.iter().copied());
                }
            }
        }
        let mut own = stmt.exprs.clone().map(|index| ast.expr_id(index)).filter(|id| !targets.contains(id));
        if own.any(|id| ast[id].kind == ExprKind::Name(name)) {
            return Some(true);
        }
        let mut is_assigned = None;
        for_each_assigned(ast, &stmt.kind, |assigned, _| {
            if assigned == name {
                is_assigned = Some(false);
            }
        });
        is_assigned
    });
    is_read == Some(true)
}

/// How many expressions these statements and those in them have.
pub(super) fn n_exprs(ast: &Ast, stmts: &[StmtId]) -> usize {
    let mut n = 0;
    find_stmt(ast, stmts.iter().copied(), |stmt| {
        n += stmt.exprs.len();
        None::<()>
    });
    n
}

/// Whether something in the body of a loop leaves the loop, or an iteration, before its end.
pub(super) fn has_exits(ast: &Ast, body: &[StmtId]) -> bool {
    // Whether each statement is in an inner loop.
    let mut pending: Vec<(StmtId, bool)> = body.iter().map(|&stmt| (stmt, false)).collect();
    while let Some((id, is_inner)) = pending.pop() {
        match &ast[id].kind {
            StmtKind::Return(_) => return true,
            StmtKind::Break | StmtKind::Continue if !is_inner => return true,
            StmtKind::While { body, otherwise, .. } | StmtKind::For { body, otherwise, .. } => {
                pending.extend(body.iter().map(|&stmt| (stmt, true)));
                pending.extend(otherwise.iter().map(|&stmt| (stmt, is_inner)));
            }
            kind => pending.extend(inner(kind).map(|stmt| (stmt, is_inner))),
        }
    }
    false
}
