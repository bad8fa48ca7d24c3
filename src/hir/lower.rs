//! Lowering: a syntax tree and the dtypes of its variables become a typed graph.
//!
//! In: a tree, and what is known of its variables. Out: a [`Graph`], or what is wrong and where.
//! Always true: one pass over the tree in order, so no recursion.
//!
//! Names are resolved here, and calls are matched with their functions. [`typing`](super::typing)
//! applies a function to its arguments.

use super::names::{named_constant, similar};
use super::number::{NumberId, Values};
use super::reduce::{self, axis_call};
use super::reduction::{Interner, ReductionId};
use super::weak::Weak;
use super::{DTypeSet, Error, ErrorKind, ExprId, Graph, Var, VarId, operators};
use crate::ops::{Function, table};
use crate::vars::VarType;
use ndexpr_grammar::Span;
use ndexpr_grammar::{self as ast, Ast, CompareOp, ExprKind, NameId};
use ndexpr_runtime::dtype::DType;
use rustc_hash::FxHashMap;

/// Gives the value of a weak integer variable.
pub(crate) type ValueOf<'a> = &'a dyn Fn(&str) -> Option<i128>;

/// What is known of the variables that a text may use.
pub(crate) struct Scope<'a> {
    /// The type of a variable, if there is one of this name.
    pub(crate) type_of: &'a dyn Fn(&str) -> Option<VarType>,
    /// The value of a weak integer variable at the call that the graph is made for. None if the
    /// graph is not made for a call.
    pub(crate) value_of: Option<ValueOf<'a>>,
    /// The names of all variables, for error messages.
    pub(crate) known: &'a dyn Fn() -> Vec<String>,
}

/// Types a syntax tree.
///
/// # Errors
///
/// Any [`ErrorKind`], at the place in the text that is to blame.
pub(crate) fn lower(ast: &Ast, scope: &Scope<'_>) -> Result<Graph, Error> {
    let mut lowerer = Lowerer {
        ast,
        scope,
        vars: FxHashMap::default(),
        graph: Graph::default(),
        interner: Interner::default(),
        leaves: FxHashMap::default(),
        numbers: Values::default(),
        number_of: FxHashMap::default(),
        values: Vec::with_capacity(ast.len()),
    };
    let is_option = reduce::options(ast);
    lowerer.declare_variables(&is_option);
    for (id, expr) in ast.exprs() {
        // The call reads its options itself. Here a value that nothing uses takes the place of an
        // option.
        let value = if is_option[id.index()] { Value::Weak(Weak::Int(0)) } else { lowerer.expr(id, expr)? };
        lowerer.values.push(value);
    }
    let root = lowerer.arg(ast.root());
    let root = lowerer.default(root)?;
    lowerer.graph.set_root(root);
    lowerer.graph.root_domain = lowerer.domain(ast.root());
    Ok(lowerer.graph)
}

/// What a part of the tree has become.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Made of literals only.
    Weak(Weak),
    /// A weak integer variable, or computed from such variables and literals: weak too, but only
    /// known at a call.
    Number(NumberId),
    /// A weak float variable, or computed from weak values: weak too. The node has the dtype that
    /// the value gets where nothing else gives it one.
    Untyped(ExprId),
    Typed(ExprId),
}

/// An argument of an operation, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Arg {
    pub(super) value: Value,
    pub(super) span: Span,
}

pub(super) struct Lowerer<'a> {
    pub(super) ast: &'a Ast,
    pub(super) scope: &'a Scope<'a>,
    pub(super) vars: FxHashMap<NameId, VarId>,
    pub(super) graph: Graph,
    pub(super) interner: Interner,
    /// For each call along axes, the reduction that stands for its shape.
    pub(super) leaves: FxHashMap<ast::ExprId, ReductionId>,
    pub(super) numbers: Values,
    /// The number that each weak integer variable is.
    number_of: FxHashMap<VarId, NumberId>,
    /// The value of each syntax node.
    values: Vec<Value>,
}

impl Lowerer<'_> {
    /// Adds all variables of the text, in the order in which it first names them. Others may come
    /// after them: see [`number`](super::number).
    fn declare_variables(&mut self, is_option: &[bool]) {
        for (id, expr) in self.ast.exprs() {
            let ExprKind::Name(name) = expr.kind else { continue };
            if is_option[id.index()] || self.vars.contains_key(&name) {
                continue;
            }
            let text = self.ast.name(name);
            if let Some(ty) = (self.scope.type_of)(text) {
                let var = VarId(self.graph.vars.len() as u32);
                self.graph.vars.push(Var { name: text.to_owned(), ty, must_fit: DTypeSet::default() });
                self.vars.insert(name, var);
            }
        }
    }

    fn expr(&mut self, id: ast::ExprId, expr: &ast::Expr) -> Result<Value, Error> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Int(value) => match i128::try_from(*value) {
                Ok(value) => Ok(Value::Weak(Weak::Int(value))),
                // Such a literal is of use only to floats.
                Err(_) => Ok(Value::Weak(Weak::Float(*value as f64))),
            },
            ExprKind::Float(value) => Ok(Value::Weak(Weak::Float(*value))),
            ExprKind::Imaginary(_) => Err(Error::new(ErrorKind::ComplexLiteral, span)),
            ExprKind::Bool(value) => Ok(Value::Weak(Weak::Bool(*value))),
            ExprKind::Name(name) => self.name(*name, span),
            ExprKind::Unary { op, arg } => {
                let arg = self.arg(*arg);
                self.apply(operators::unary(*op), &[arg], span).map_err(|error| error.of_operation(op.symbol()))
            }
            ExprKind::Binary { op, lhs, rhs } => {
                let args = [self.arg(*lhs), self.arg(*rhs)];
                let applied = self.apply(operators::binary(*op), &args, span);
                applied.map_err(|error| error.of_operation(op.symbol()))
            }
            ExprKind::Compare { first, rest } => self.compare(*first, rest, span),
            ExprKind::IfElse { condition, then, otherwise } => {
                let args = [self.arg(*condition), self.arg(*then), self.arg(*otherwise)];
                self.apply(operators::choice(), &args, span)
            }
            ExprKind::Tuple { .. } => Err(Error::new(ErrorKind::TupleAsValue, span)),
            ExprKind::Call { function, function_span, args, keywords } => {
                let row = self.function(*function, *function_span)?;
                let name = row.spelling(self.ast.name(*function));
                if let Some(call) = axis_call(self.ast, expr)? {
                    let (value, leaf) = self.along(&call).map_err(|error| error.of_operation(name))?;
                    self.leaves.insert(id, leaf);
                    return Ok(value);
                }
                if let Some(keyword) = keywords.first() {
                    return Err(reduce::unknown_keyword(self.ast, row, name, keyword.name, keyword.name_span));
                }
                if args.len() != row.params.len() {
                    return Err(reduce::argument_count(row, name, args.len(), span));
                }
                let mut all = [Arg { value: Value::Weak(Weak::Int(0)), span }; 3];
                for (place, &arg) in all.iter_mut().zip(args) {
                    *place = self.arg(arg);
                }
                self.apply(row, &all[..args.len()], span).map_err(|error| error.of_operation(name))
            }
        }
    }

    pub(super) fn arg(&self, id: ast::ExprId) -> Arg {
        Arg { value: self.values[id.index()], span: self.ast[id].span }
    }

    fn name(&mut self, name: NameId, span: Span) -> Result<Value, Error> {
        if let Some(&var) = self.vars.get(&name) {
            return Ok(self.var(var));
        }
        let text = self.ast.name(name);
        if let Some(value) = named_constant(text) {
            return Ok(Value::Weak(Weak::Float(value)));
        }
        let name = text.to_owned();
        let kind = if table::find(text).is_some() {
            ErrorKind::FunctionAsValue { name }
        } else {
            let known = (self.scope.known)();
            let similar = similar(text, known.iter().map(String::as_str));
            ErrorKind::UnknownVariable { name, similar, known }
        };
        Err(Error::new(kind, span))
    }

    fn var(&mut self, var: VarId) -> Value {
        let Var { ty, name, .. } = &self.graph.vars[var.0 as usize];
        let dtype = ty.dtype;
        // A bool promotes to whatever it meets anyway.
        if !ty.is_weak || dtype == DType::Bool {
            return Value::Typed(self.graph.var(var));
        }
        if dtype.is_float() {
            return Value::Untyped(self.graph.var(var));
        }
        if let Some(&number) = self.number_of.get(&var) {
            return Value::Number(number);
        }
        let value = self.scope.value_of.and_then(|value_of| value_of(name));
        // A number comes as uint64 only if int64 does not hold it.
        let value = value.unwrap_or(if dtype == DType::UInt64 { 1 << 63 } else { 1 });
        let number = self.numbers.var(&mut self.graph, var, value);
        self.number_of.insert(var, number);
        Value::Number(number)
    }

    fn function(&self, name: NameId, span: Span) -> Result<&'static Function, Error> {
        let text = self.ast.name(name);
        table::find(text).ok_or_else(|| {
            let names = table::all().flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
            let kind = ErrorKind::UnknownFunction {
                name: text.to_owned(),
                similar: similar(text, names),
                is_variable: (self.scope.type_of)(text).is_some(),
            };
            Error::new(kind, span)
        })
    }

    /// `a < b < c` is `(a < b) and (b < c)`.
    fn compare(&mut self, first: ast::ExprId, rest: &[(CompareOp, ast::ExprId)], span: Span) -> Result<Value, Error> {
        let mut lhs = self.arg(first);
        let mut all: Option<Value> = None;
        for &(op, rhs) in rest {
            let rhs = self.arg(rhs);
            let one = self.apply(operators::compare(op), &[lhs, rhs], span)?;
            all = Some(match all {
                None => one,
                Some(before) => {
                    let args = [Arg { value: before, span }, Arg { value: one, span }];
                    self.apply(operators::binary(ast::BinaryOp::And), &args, span)?
                }
            });
            lhs = rhs;
        }
        Ok(all.expect("a comparison has an operator"))
    }
}
