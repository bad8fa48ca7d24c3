//! Which branches and loops run once for all elements, around phases.
//!
//! In: the statements of a branch or a loop. Out: whether control must go through them once for
//! all, and which arrays they update. Always true: if not, each element may run the statements for
//! itself. They update nothing, run nothing along axes that differs between iterations, and leave
//! no loop around phases.

use super::assigned::for_each_assigned;
use super::calls::Function;
use super::registry::{Found, PreludeId};
use super::run::{FunctionId, Run};
use super::value::Value;
use super::{Array, StepId, TRANSPOSE};
use crate::ops::table;
use ndexpr_grammar::{Ast, ExprId, ExprKind, NameId, Stmt, StmtId, StmtKind};
use rustc_hash::FxHashSet;

/// Names are followed through so many assignments against the order of the text. Beyond that, all
/// names that a loop assigns to are taken to differ between iterations.
const MAX_PASSES: usize = 8;

/// What some statements do.
#[derive(Default)]
pub(super) struct Around {
    /// Whether control goes through them once for all.
    pub(super) is_needed: bool,
    /// The arrays that they update.
    pub(super) updated: Updated,
}

/// Arrays that some statements update.
pub(super) enum Updated {
    Some(Vec<NameId>),
    /// Which ones is not known.
    All,
}

impl Default for Updated {
    fn default() -> Updated {
        Updated::Some(Vec::new())
    }
}

impl Updated {
    fn add(&mut self, name: NameId) {
        if let Updated::Some(names) = self
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
}

/// Which statements leave the blocks around some statements.
#[derive(Clone, Copy, Default)]
pub(super) struct Exits {
    /// Whether `break` and `continue` leave a loop around phases.
    pub(super) leave_loop: bool,
    /// Whether `return` leaves a block around phases.
    pub(super) leave_function: bool,
}

/// Statements, and how many loops of their own each is in.
type Pending = Vec<(StmtId, usize)>;

impl<'a> Run<'a> {
    /// Whether the blocks of a branch run once for all.
    pub(super) fn around_branch(&self, blocks: [&[StmtId]; 2], exits: Exits) -> Around {
        let mut around = Around::default();
        if self.updates.is_evaluating() {
            return around;
        }
        let ast = self.ast();
        let mut pending: Pending = blocks.iter().flat_map(|block| block.iter().map(|&stmt| (stmt, 0))).collect();
        let locals = plainly_assigned(ast, pending.iter().map(|&(stmt, _)| stmt));
        while let Some((id, depth)) = pending.pop() {
            let stmt = &ast[id];
            match &stmt.kind {
                StmtKind::Break | StmtKind::Continue if depth == 0 && exits.leave_loop => around.is_needed = true,
                StmtKind::Return(_) if exits.leave_function => around.is_needed = true,
                StmtKind::While { body, .. } | StmtKind::For { body, .. } => {
                    around.is_needed |= self.differs_along_axes(stmt, body);
                }
                _ => {}
            }
            self.note_updates(stmt, &locals, &mut around);
            push_inner(&stmt.kind, depth, &mut pending);
        }
        around
    }

    /// Whether a loop runs once for all.
    pub(super) fn around_loop(&self, stmt: &Stmt, (body, otherwise): (&[StmtId], &[StmtId]), exits: Exits) -> Around {
        let mut around = Around::default();
        if self.updates.is_evaluating() {
            return around;
        }
        let ast = self.ast();
        around.is_needed = self.differs_along_axes(stmt, body);
        let mut pending: Pending = body.iter().chain(otherwise).map(|&stmt| (stmt, 0)).collect();
        let locals = plainly_assigned(ast, pending.iter().map(|&(stmt, _)| stmt));
        self.note_calls(ast, stmt, &mut around);
        while let Some((id, depth)) = pending.pop() {
            let stmt = &ast[id];
            around.is_needed |= exits.leave_function && matches!(stmt.kind, StmtKind::Return(_));
            self.note_updates(stmt, &locals, &mut around);
            push_inner(&stmt.kind, depth, &mut pending);
        }
        around
    }

    /// Notes what a statement itself updates, and what the functions do that it calls.
    fn note_updates(&self, stmt: &Stmt, locals: &FxHashSet<NameId>, around: &mut Around) {
        let ast = self.ast();
        let mut targets: Vec<ExprId> = Vec::new();
        match &stmt.kind {
            StmtKind::Assign { targets: all, .. } => targets.extend(all),
            StmtKind::AugAssign { target, .. } => {
                if let ExprKind::Name(name) = ast[*target].kind {
                    let is_local = match self.env().get(name) {
                        Some(Value::Step(step)) => self.given_array(*step).is_none(),
                        Some(_) => true,
                        None => locals.contains(&name),
                    };
                    if !is_local {
                        around.is_needed = true;
                        self.note_target(name, around);
                    }
                }
                targets.push(*target);
            }
            _ => {}
        }
        while let Some(id) = targets.pop() {
            match &ast[id].kind {
                ExprKind::Tuple { items } => targets.extend(items),
                ExprKind::Index { .. } | ExprKind::Attribute { .. } => {
                    around.is_needed = true;
                    match root_name(ast, id) {
                        Some(name) => self.note_target(name, around),
                        None => around.updated = Updated::All,
                    }
                }
                _ => {}
            }
        }
        self.note_calls(ast, stmt, around);
    }

    fn note_target(&self, name: NameId, around: &mut Around) {
        match self.env().get(name) {
            Some(Value::Step(step)) => match self.out.array(self.out.step(*step)) {
                Some(array) => around.updated.add(self.out.views().base(array)),
                None => around.updated = Updated::All,
            },
            // A name of the text's own, which may be that of any array.
            Some(_) => around.updated = Updated::All,
            None if self.frames.len() > 1 => around.updated = Updated::All,
            None => around.updated.add(name),
        }
    }

    fn note_calls(&self, ast: &Ast, stmt: &Stmt, around: &mut Around) {
        for index in stmt.exprs.clone() {
            if let ExprKind::Call { function, .. } = ast[ast.expr_id(index)].kind
                && self.does_of_function(function).updates
            {
                around.is_needed = true;
                around.updated = Updated::All;
            }
        }
    }

    /// Whether a loop, or one in it, has something along axes that differs between its iterations.
    fn differs_along_axes(&self, stmt: &Stmt, body: &[StmtId]) -> bool {
        let ast = self.ast();
        let mut pending: Pending = body.iter().map(|&stmt| (stmt, 0)).collect();
        let mut all: Vec<&Stmt> = vec![stmt];
        while let Some((id, depth)) = pending.pop() {
            all.push(&ast[id]);
            push_inner(&ast[id].kind, depth, &mut pending);
        }
        let differing = self.differing(&all);
        let mut differs: Vec<bool> = Vec::new();
        for stmt in all {
            let start = stmt.exprs.start;
            differs.clear();
            for index in stmt.exprs.clone() {
                let id = ast.expr_id(index);
                let kind = &ast[id].kind;
                let mut has_differing = false;
                let mut is_object_differing = None;
                kind.for_each_child(|child| {
                    let differs = child.index().checked_sub(start).and_then(|place| differs.get(place));
                    let differs = differs.copied().unwrap_or(false);
                    is_object_differing.get_or_insert(differs);
                    has_differing |= differs;
                });
                if let ExprKind::Name(name) = kind {
                    has_differing = differing.contains(name);
                }
                differs.push(has_differing);
                let is_along = match kind {
                    ExprKind::Call { function, .. } => {
                        has_differing
                            && (is_along_axes(ast.name(*function)) || self.does_of_function(*function).runs_along_axes)
                    }
                    ExprKind::Method { name, .. } => has_differing && is_along_axes(ast.name(*name)),
                    ExprKind::Attribute { name, .. } => has_differing && ast.name(*name) == TRANSPOSE,
                    // Whether the object differs is what matters: it is the first child.
                    ExprKind::Index { .. } => is_object_differing == Some(true) && !self.is_skipped(id),
                    _ => false,
                };
                if is_along {
                    return true;
                }
            }
        }
        false
    }

    /// The names whose values differ between the iterations of a loop that these statements are, or
    /// of one of the loops among them.
    fn differing(&self, stmts: &[&Stmt]) -> FxHashSet<NameId> {
        let ast = self.ast();
        let mut differing: FxHashSet<NameId> = FxHashSet::default();
        let mut assigned: FxHashSet<NameId> = FxHashSet::default();
        for stmt in stmts {
            match &stmt.kind {
                StmtKind::For { name, body, .. } => {
                    differing.insert(*name);
                    differing.extend(self.read_first(stmt, body));
                }
                StmtKind::While { body, .. } => differing.extend(self.read_first(stmt, body)),
                _ => {}
            }
            for_each_assigned(ast, &stmt.kind, |name, _| _ = assigned.insert(name));
        }
        differing.retain(|name| assigned.contains(name));
        for pass in 0.. {
            let n_before = differing.len();
            for stmt in stmts {
                let (StmtKind::Assign { .. } | StmtKind::AugAssign { .. }) = stmt.kind else { continue };
                let reads = |index: usize| matches!(ast[ast.expr_id(index)].kind, ExprKind::Name(name) if differing.contains(&name));
                if stmt.exprs.clone().any(reads) {
                    for_each_assigned(ast, &stmt.kind, |name, _| _ = differing.insert(name));
                }
            }
            if differing.len() == n_before {
                break;
            }
            if pass == MAX_PASSES {
                return assigned;
            }
        }
        differing
    }

    /// The names that an iteration of a loop may read before it assigns to them.
    fn read_first(&self, the_loop: &Stmt, body: &[StmtId]) -> FxHashSet<NameId> {
        let ast = self.ast();
        let mut read: FxHashSet<NameId> = FxHashSet::default();
        let mut assigned: FxHashSet<NameId> = FxHashSet::default();
        let mut read_in = |stmt: &Stmt, assigned: &FxHashSet<NameId>| {
            let is_augmented = matches!(stmt.kind, StmtKind::AugAssign { .. });
            for id in stmt.exprs.clone().map(|index| ast.expr_id(index)) {
                if let ExprKind::Name(name) = ast[id].kind
                    && (is_augmented || !self.is_skipped(id))
                    && !assigned.contains(&name)
                {
                    read.insert(name);
                }
            }
        };
        if let StmtKind::While { .. } = the_loop.kind {
            read_in(the_loop, &assigned);
        }
        for &stmt in body {
            let mut pending: Pending = vec![(stmt, 0)];
            while let Some((id, depth)) = pending.pop() {
                read_in(&ast[id], &assigned);
                push_inner(&ast[id].kind, depth, &mut pending);
            }
            // What a block in the body assigns to may be assigned to in some iterations only.
            for_each_assigned(ast, &ast[stmt].kind, |name, _| _ = assigned.insert(name));
        }
        read
    }

    /// What the body of a function does that is called by this name.
    fn does_of_function(&self, name: NameId) -> Does {
        let source = self.frame().source;
        let mut does = Does::default();
        let mut seen: FxHashSet<(Option<PreludeId>, NameId)> = FxHashSet::default();
        let mut pending = vec![(source.prelude, name, source.ast)];
        while let Some((prelude, name, ast)) = pending.pop() {
            if !seen.insert((prelude, name)) {
                continue;
            }
            let own = self.functions.get(&FunctionId { prelude, name }).map(|function: &Function<'a>| function.body);
            let (prelude, ast, body): (_, &Ast, &[StmtId]) = match own {
                Some(body) => (prelude, ast, body),
                None => {
                    let found = match prelude {
                        Some(prelude) => self.registry.find_from(prelude, ast.name(name)),
                        None => self.registry.find(ast.name(name)),
                    };
                    let Some(Found::Prelude(id, place)) = found else { continue };
                    let ast = &self.registry.prelude(id).ast;
                    let StmtKind::Def { body, .. } = &ast[ast.body()[place]].kind else { continue };
                    (Some(id), ast, body)
                }
            };
            let mut stmts: Pending = body.iter().map(|&stmt| (stmt, 0)).collect();
            let locals = plainly_assigned(ast, stmts.iter().map(|&(stmt, _)| stmt));
            while let Some((id, depth)) = stmts.pop() {
                let stmt = &ast[id];
                does.updates |= match &stmt.kind {
                    StmtKind::Assign { targets, .. } => targets.iter().any(|&target| has_part(ast, target)),
                    StmtKind::AugAssign { target, .. } => match ast[*target].kind {
                        // A parameter may be an array for writing.
                        ExprKind::Name(name) => !locals.contains(&name),
                        _ => true,
                    },
                    _ => false,
                };
                for index in stmt.exprs.clone() {
                    match ast[ast.expr_id(index)].kind {
                        ExprKind::Call { function, .. } => {
                            does.runs_along_axes |= is_along_axes(ast.name(function));
                            pending.push((prelude, function, ast));
                        }
                        ExprKind::Method { name, .. } => does.runs_along_axes |= is_along_axes(ast.name(name)),
                        ExprKind::Index { .. } => does.runs_along_axes = true,
                        ExprKind::Attribute { name, .. } => does.runs_along_axes |= ast.name(name) == TRANSPOSE,
                        _ => {}
                    }
                }
                push_inner(&stmt.kind, depth, &mut stmts);
            }
        }
        does
    }

    /// The array of the caller that an operation is, or is a part of.
    pub(super) fn given_array(&self, step: StepId) -> Option<Array> {
        let array = self.out.array(self.out.step(step))?;
        (!self.out.is_carried_name(self.out.views().base(array))).then_some(array)
    }
}

/// What a function does.
#[derive(Default)]
struct Does {
    updates: bool,
    /// Whether it knows several elements, so that an element cannot run it for itself in a loop.
    runs_along_axes: bool,
}

fn is_along_axes(name: &str) -> bool {
    table::find(name).is_some_and(|row| row.is_along_axes())
}

/// The statements in another one.
fn push_inner(stmt: &StmtKind, depth: usize, pending: &mut Pending) {
    let (first, second, inner_depth): (&[StmtId], &[StmtId], usize) = match stmt {
        StmtKind::If { then, otherwise, .. } => (then, otherwise, depth),
        StmtKind::While { body, otherwise, .. } | StmtKind::For { body, otherwise, .. } => (body, otherwise, depth + 1),
        _ => return,
    };
    pending.extend(first.iter().map(|&stmt| (stmt, inner_depth)));
    pending.extend(second.iter().map(|&stmt| (stmt, depth)));
}

/// The names that statements, or those in them, assign to other than by `+=` and its like.
pub(super) fn plainly_assigned(ast: &Ast, stmts: impl Iterator<Item = StmtId>) -> FxHashSet<NameId> {
    let mut names = FxHashSet::default();
    let mut pending: Pending = stmts.map(|stmt| (stmt, 0)).collect();
    while let Some((id, depth)) = pending.pop() {
        let kind = &ast[id].kind;
        if !matches!(kind, StmtKind::AugAssign { .. }) {
            for_each_assigned(ast, kind, |name, _| _ = names.insert(name));
        }
        push_inner(kind, depth, &mut pending);
    }
    names
}

/// Whether a target is a part of something, or has one among its items.
fn has_part(ast: &Ast, target: ExprId) -> bool {
    let mut pending = vec![target];
    while let Some(id) = pending.pop() {
        match &ast[id].kind {
            ExprKind::Tuple { items } => pending.extend(items),
            ExprKind::Index { .. } | ExprKind::Attribute { .. } => return true,
            _ => {}
        }
    }
    false
}

/// The name that a target is a part of.
fn root_name(ast: &Ast, mut target: ExprId) -> Option<NameId> {
    loop {
        match ast[target].kind {
            ExprKind::Index { object, .. } | ExprKind::Attribute { object, .. } => target = object,
            ExprKind::Name(name) => return Some(name),
            _ => return None,
        }
    }
}
