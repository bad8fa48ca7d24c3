//! Functions of the text: what they assign to, and which arguments of a call are which parameters.

use super::error::{Error, ErrorKind, Form};
use super::value::{Names, Value};
use ndexpr_grammar::{self as ast, Ast, ExprKind, Keyword, NameId, Param, Span, StmtId, StmtKind};
use rustc_hash::FxHashSet;

/// A function of the text.
pub(super) struct Function<'a> {
    name: NameId,
    /// Where its definition has the name.
    span: Span,
    params: &'a [Param],
    /// The default of each parameter.
    defaults: Vec<Option<Value>>,
    pub(super) body: &'a [StmtId],
    /// The names that the body assigns to, which are its own everywhere in it.
    assigned: FxHashSet<NameId>,
}

impl<'a> Function<'a> {
    pub(super) fn new(
        ast: &Ast,
        (name, span): (NameId, Span),
        params: &'a [Param],
        defaults: Vec<Option<Value>>,
        body: &'a [StmtId],
    ) -> Function<'a> {
        let mut assigned = FxHashSet::default();
        body.iter().for_each(|&stmt| for_each_assigned(ast, &ast[stmt].kind, |name| _ = assigned.insert(name)));
        Function { name, span, params, defaults, body, assigned }
    }

    /// The names that its body assigns to.
    pub(super) fn assigned(&self) -> &FxHashSet<NameId> {
        &self.assigned
    }

    pub(super) fn n_params(&self) -> usize {
        self.params.len()
    }
}

/// For each name, whether the text assigns to it, defines a function of this name, or has a
/// parameter of it.
pub(super) fn assigned(ast: &Ast) -> Vec<bool> {
    let mut is_assigned = vec![false; ast.names().len()];
    for (_, stmt) in ast.stmts() {
        for_each_assigned(ast, &stmt.kind, |name| is_assigned[name.index()] = true);
        if let StmtKind::Def { params, .. } = &stmt.kind {
            params.iter().for_each(|param| is_assigned[param.name.index()] = true);
        }
    }
    is_assigned
}

fn for_each_assigned(ast: &Ast, stmt: &StmtKind, mut visit: impl FnMut(NameId)) {
    let mut pending = Vec::new();
    match stmt {
        StmtKind::Assign { targets, .. } => pending.extend(targets.iter().copied()),
        StmtKind::AugAssign { target, .. } => pending.push(*target),
        StmtKind::Def { name, .. } => visit(*name),
        StmtKind::Expr(_) | StmtKind::Return(_) | StmtKind::Pass => {}
    }
    while let Some(id) = pending.pop() {
        match &ast[id].kind {
            ExprKind::Name(name) => visit(*name),
            ExprKind::Tuple { items } => pending.extend(items.iter().copied()),
            _ => {}
        }
    }
}

/// Where the text defines a function of this name.
pub(super) fn definition(ast: &Ast, function: NameId) -> Option<Span> {
    ast.stmts().find_map(|(_, stmt)| match stmt.kind {
        StmtKind::Def { name, name_span, .. } if name == function => Some(name_span),
        _ => None,
    })
}

/// The values of a function's parameters in a call; `value` gives those of the arguments.
pub(super) fn bind(
    ast: &Ast,
    function: &Function<'_>,
    args: &[ast::ExprId],
    keywords: &[Keyword],
    value: impl Fn(ast::ExprId) -> Value,
    call: Span,
) -> Result<Names, Error> {
    let text = |name: NameId| brief_name(ast, name);
    let form = || {
        Box::new(Form {
            name: text(function.name),
            n_params: function.params.len(),
            params: function.params[..function.params.len().min(ErrorKind::MAX_NAMES)]
                .iter()
                .map(|param| (text(param.name), param.default.is_some()))
                .collect(),
            span: function.span,
        })
    };
    if args.len() > function.params.len() {
        return Err(Error::new(ErrorKind::TooManyArguments { found: args.len(), form: form() }, call));
    }
    let mut names: Names = function.params.iter().zip(args).map(|(param, &arg)| (param.name, value(arg))).collect();
    for keyword in keywords {
        let Some(place) = function.params.iter().position(|param| param.name == keyword.name) else {
            let kind = ErrorKind::UnknownParameter { found: text(keyword.name), form: form() };
            return Err(Error::new(kind, keyword.name_span));
        };
        if let Some(&first) = args.get(place) {
            let kind = ErrorKind::RepeatedParameter { name: text(keyword.name), first: ast[first].span };
            return Err(Error::new(kind, keyword.name_span));
        }
        names.insert(keyword.name, value(keyword.value));
    }
    for (param, default) in function.params.iter().zip(&function.defaults) {
        if names.contains_key(&param.name) {
            continue;
        }
        match default {
            Some(default) => names.insert(param.name, default.clone()),
            None => return Err(Error::new(ErrorKind::MissingArgument { name: text(param.name), form: form() }, call)),
        };
    }
    Ok(names)
}

/// A name for a message, cut if it is long. It may be as long as the text is allowed to be.
pub(super) fn brief_name(ast: &Ast, name: NameId) -> String {
    brief(ast.name(name))
}

/// The same, for the text of a name.
pub(super) fn brief(name: &str) -> String {
    const MOST: usize = 64;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}
