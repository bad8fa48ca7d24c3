//! Calls of functions along axes: what their options say, and what they become.
//!
//! An option (`axis`, `keepdims`, `ddof`) is no operand: it is read from the tree as it is written, and never lowered.

use super::error::{Expects, Operand, Remedy};
use super::lower::{Lowerer, Value};
use super::reduction::{self, Axes, Interner, Leaf, Reduction, ReductionId};
use super::{Error, ErrorKind, ExprId, Graph, similar};
use crate::ops::AxisOp;
use crate::ops::table::{self, AxisParam, Build, Function, Meaning};
use ndexpr_grammar::{self as ast, Ast, ExprKind, NameId, Span, UnaryOp};
use ndexpr_runtime::dtype::Scalar;
use smallvec::SmallVec;

/// A call of a function along axes, its options read.
pub(crate) struct AxisCall {
    build: Build,
    param: AxisParam,
    /// What it runs over.
    pub(crate) arg: ast::ExprId,
    pub(crate) axes: Axes,
    pub(crate) axis_span: Option<Span>,
    pub(crate) keepdims: bool,
    ddof: f64,
    pub(crate) span: Span,
}

impl AxisCall {
    /// True if the axis keeps its extent.
    pub(crate) fn is_cumulative(&self) -> bool {
        self.param == AxisParam::Running
    }
}

/// Which parts of the tree are options of a call, or in one: none of them is an operand.
pub(crate) fn options(ast: &Ast) -> Vec<bool> {
    let mut is_option = vec![false; ast.len()];
    for (id, expr) in ast.exprs().rev() {
        if is_option[id.index()] {
            expr.kind.for_each_child(|child| is_option[child.index()] = true);
        } else if let ExprKind::Call { function, args, keywords, .. } = &expr.kind {
            keywords.iter().for_each(|keyword| is_option[keyword.value.index()] = true);
            if table::find(ast.name(*function)).is_some_and(Function::is_along_axes) {
                args.iter().skip(1).for_each(|arg| is_option[arg.index()] = true);
            }
        }
    }
    is_option
}

/// The expression as a call along axes, if it is one.
///
/// # Errors
///
/// If an argument is none of the function's, is given twice, or is not what the function takes there.
pub(crate) fn axis_call(ast: &Ast, expr: &ast::Expr) -> Result<Option<AxisCall>, Error> {
    let ExprKind::Call { function, args, keywords, .. } = &expr.kind else { return Ok(None) };
    let Some(row) = table::find(ast.name(*function)) else { return Ok(None) };
    let Meaning::Along(param, build) = row.meaning else { return Ok(None) };
    let name = row.spelling(ast.name(*function));
    let &[arg, ref positional @ ..] = &args[..] else {
        return Err(argument_count(row, name, 0, expr.span));
    };
    if positional.len() > 1 {
        return Err(argument_count(row, name, args.len(), expr.span));
    }
    let mut call =
        AxisCall { build, param, arg, axes: Axes::All, axis_span: None, keepdims: false, ddof: 0.0, span: expr.span };
    if let [axis] = *positional {
        let elementwise = elementwise_of(row).map(|other| (other, operands(ast, arg, axis)));
        call.axes = axes(ast, axis, param).map_err(|error| error.of_two(elementwise))?;
        call.axis_span = Some(ast[axis].span);
    }
    for keyword in keywords {
        let text = ast.name(keyword.name);
        let value = &ast[keyword.value];
        match row.options().find(|option| *option == text) {
            Some("axis") if let Some(first) = call.axis_span => {
                return Err(Error::new(ErrorKind::RepeatedArgument { name: "axis", first }, value.span));
            }
            Some("axis") => {
                call.axes = axes(ast, keyword.value, param)?;
                call.axis_span = Some(value.span);
            }
            Some("keepdims") => match value.kind {
                ExprKind::Bool(keepdims) => call.keepdims = keepdims,
                _ => return Err(wrong_argument("keepdims", Expects::Bool, value)),
            },
            Some("ddof") => {
                call.ddof = number(ast, keyword.value).ok_or_else(|| wrong_argument("ddof", Expects::Number, value))?
            }
            _ => return Err(unknown_keyword(ast, row, name, keyword.name, keyword.name_span)),
        }
    }
    Ok(Some(call))
}

pub(super) fn argument_count(row: &Function, name: &'static str, found: usize, span: Span) -> Error {
    Error::new(ErrorKind::ArgumentCount { name, params: row.params, takes: row.n_args(), found }, span)
}

pub(super) fn unknown_keyword(
    ast: &Ast,
    row: &'static Function,
    name: &'static str,
    found: NameId,
    span: Span,
) -> Error {
    let found = ast.name(found);
    let similar = similar(found, row.options());
    let kind = ErrorKind::UnknownKeyword { name, params: row.params, found: found.to_owned(), similar };
    Error::new(kind, span)
}

fn wrong_argument(param: &'static str, expects: Expects, found: &ast::Expr) -> Error {
    let found_is = match &found.kind {
        ExprKind::Int(_) => "an integer",
        ExprKind::Float(_) => "a float",
        ExprKind::Imaginary(_) => "an imaginary number",
        ExprKind::Bool(_) => "a bool",
        ExprKind::Name(_) => "a name",
        ExprKind::Tuple { .. } => "a tuple",
        _ => "an expression",
    };
    Error::new(ErrorKind::WrongArgument { param, expects, found: found_is, instead: None }, found.span)
}

/// The elementwise function that someone may have meant who gives two arrays.
fn elementwise_of(row: &Function) -> Option<&'static str> {
    match row.name {
        "min" => Some("minimum"),
        "max" => Some("maximum"),
        _ => None,
    }
}

/// Two arguments by name, as far as they have one.
fn operands(ast: &Ast, x: ast::ExprId, y: ast::ExprId) -> [&str; 2] {
    let name = |id: ast::ExprId, otherwise| match ast[id].kind {
        ExprKind::Name(name) => ast.name(name),
        _ => otherwise,
    };
    [name(x, "x"), name(y, "y")]
}

fn axes(ast: &Ast, id: ast::ExprId, param: AxisParam) -> Result<Axes, Error> {
    let expects = match param {
        AxisParam::Any => Expects::Axes,
        AxisParam::One | AxisParam::Running => Expects::Axis,
    };
    let axis = |id: ast::ExprId| match integer(ast, id) {
        None => Err(wrong_argument("axis", expects, &ast[id])),
        Some(axis) => i64::try_from(axis).map_err(|_| Error::new(ErrorKind::AxisOverflow, ast[id].span)),
    };
    match &ast[id].kind {
        ExprKind::Name(name) if ast.name(*name) == "None" => Ok(Axes::All),
        ExprKind::Tuple { items } if param == AxisParam::Any => {
            items.iter().map(|&item| axis(item)).collect::<Result<_, _>>().map(Axes::List)
        }
        _ => axis(id).map(|axis| Axes::List(SmallVec::from_slice(&[axis]))),
    }
}

/// What a literal is without its signs, and whether they make it negative.
fn unsigned(ast: &Ast, mut id: ast::ExprId) -> (bool, &ExprKind) {
    let mut is_negative = false;
    loop {
        match &ast[id].kind {
            ExprKind::Unary { op: UnaryOp::Neg, arg } => (is_negative, id) = (!is_negative, *arg),
            ExprKind::Unary { op: UnaryOp::Plus, arg } => id = *arg,
            kind => return (is_negative, kind),
        }
    }
}

/// An integer literal; one beyond 127 bits is as good as the largest.
fn integer(ast: &Ast, id: ast::ExprId) -> Option<i128> {
    let (is_negative, ExprKind::Int(value)) = unsigned(ast, id) else { return None };
    let value = i128::try_from(*value).unwrap_or(i128::MAX);
    Some(if is_negative { -value } else { value })
}

/// A number literal.
fn number(ast: &Ast, id: ast::ExprId) -> Option<f64> {
    let (is_negative, value) = match unsigned(ast, id) {
        (is_negative, ExprKind::Int(value)) => (is_negative, *value as f64),
        (is_negative, ExprKind::Float(value)) => (is_negative, *value),
        _ => return None,
    };
    Some(if is_negative { -value } else { value })
}

/// What a row's function builds with: the primitives it makes along axes all run along those of one call.
pub(crate) struct Along<'g> {
    pub(crate) graph: &'g mut Graph,
    interner: &'g mut Interner,
    call: &'g AxisCall,
    domain: &'g [Leaf],
    arg_span: Span,
    /// What stands for the shape of the result.
    leaf: Option<ReductionId>,
}

impl Along<'_> {
    /// Applies a primitive along the axes, to an argument of a dtype that it is defined for.
    pub(crate) fn reduce(&mut self, op: AxisOp, arg: ExprId) -> ExprId {
        let reduction = Reduction {
            op,
            axes: self.call.axes.clone(),
            keepdims: self.call.keepdims,
            domain: self.domain.to_vec(),
            span: self.call.span,
            axis_span: self.call.axis_span,
        };
        let (id, first) = self.interner.intern(self.graph, reduction);
        self.leaf = Some(first);
        self.graph.reduce(id, arg)
    }

    /// How many elements there are along the axes.
    pub(crate) fn count(&mut self) -> ExprId {
        let any = self.graph.constant(Scalar::new(true));
        self.reduce(AxisOp::Count, any)
    }

    /// What is subtracted from the number of elements.
    pub(crate) fn ddof(&self) -> f64 {
        self.call.ddof
    }

    pub(crate) fn not_defined(&self, name: &'static str, arg: ExprId, remedy: Remedy) -> ErrorKind {
        let operand = Operand { span: self.arg_span, dtype: self.graph.dtype(arg) };
        ErrorKind::NotDefined { name, operands: vec![operand], remedy }
    }
}

impl Lowerer<'_> {
    /// A call along axes: what it becomes, and what stands for its shape.
    pub(super) fn along(&mut self, call: &AxisCall) -> Result<(Value, ReductionId), Error> {
        let arg = self.arg(call.arg);
        let x = self.default(arg)?;
        let domain = self.domain(call.arg);
        let arg_span = arg.span;
        let mut along =
            Along { graph: &mut self.graph, interner: &mut self.interner, call, domain: &domain, arg_span, leaf: None };
        let built = (call.build)(&mut along, x).map_err(|kind| Error::new(kind, call.span))?;
        let leaf = along.leaf.expect("every function along axes has a primitive that is");
        Ok((Value::Typed(built), leaf))
    }

    /// What decides the shape of a part of the tree. A part is looked at once, for the innermost call around it.
    pub(super) fn domain(&self, root: ast::ExprId) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        let mut pending = vec![root];
        while let Some(id) = pending.pop() {
            if let Some(&leaf) = self.leaves.get(&id) {
                leaves.push(Leaf::Reduction(leaf));
                continue;
            }
            match &self.ast[id].kind {
                ExprKind::Name(name) => leaves.extend(self.vars.get(name).map(|&var| Leaf::Var(var))),
                kind => kind.for_each_child(|child| pending.push(child)),
            }
        }
        reduction::domain(&self.graph, leaves)
    }
}
