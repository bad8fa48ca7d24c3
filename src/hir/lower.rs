//! Lowering: a syntax tree and the dtypes of its variables become a typed graph.
//!
//! One pass over the tree in order, so no recursion. Names are resolved, literals get a dtype from what they meet
//! (see [`weak`](super::weak)), operands are promoted, and every operation becomes the primitives that its row in the
//! table names.

use super::error::{Operand, Remedy};
use super::promote::{float_of, promote};
use super::reduce::{self, axis_call};
use super::reduction::{Interner, ReductionId};
use super::weak::{self, Folded, Weak};
use super::{DTypeSet, Error, ErrorKind, Expr, ExprId, Graph, Var, VarId};
use crate::ops::Op;
use crate::ops::table::{self, Function, Meaning, Typing};
use crate::vars::VarType;
use ndexpr_grammar::Span;
use ndexpr_grammar::{self as ast, Ast, BinaryOp, CompareOp, ExprKind, NameId, UnaryOp};
use ndexpr_runtime::dtype::{DType, Scalar};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Types a syntax tree. `type_of` says what a variable is, `known` lists them all for error messages.
///
/// # Errors
///
/// Any [`ErrorKind`], at the place in the text that is to blame.
pub(crate) fn lower(
    ast: &Ast,
    type_of: &dyn Fn(&str) -> Option<VarType>,
    known: &dyn Fn() -> Vec<String>,
) -> Result<Graph, Error> {
    let mut lowerer = Lowerer {
        ast,
        type_of,
        known,
        vars: FxHashMap::default(),
        graph: Graph::default(),
        interner: Interner::default(),
        leaves: FxHashMap::default(),
        values: Vec::with_capacity(ast.len()),
    };
    let is_option = reduce::options(ast);
    for (id, expr) in ast.exprs() {
        // An option has a value of its own kind, which the call reads; here its place is filled.
        let value = if is_option[id.index()] { Value::Weak(Weak::Int(0)) } else { lowerer.expr(id, expr)? };
        lowerer.values.push(value);
    }
    let root = match lowerer.values[ast.root().index()] {
        Value::Typed(id) | Value::Untyped(id) => id,
        Value::Weak(weak) => {
            let constant = weak.to_default(ast[ast.root()].span)?;
            lowerer.graph.constant(constant)
        }
    };
    lowerer.graph.set_root(root);
    lowerer.graph.root_domain = lowerer.domain(ast.root());
    Ok(lowerer.graph)
}

/// What a part of the tree has become.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Made of literals only.
    Weak(Weak),
    /// Made of weak variables, and literals: weak too, but only known at a call. The node has the dtype that it is in
    /// where nothing else gives it one.
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
    type_of: &'a dyn Fn(&str) -> Option<VarType>,
    known: &'a dyn Fn() -> Vec<String>,
    pub(super) vars: FxHashMap<NameId, VarId>,
    pub(super) graph: Graph,
    pub(super) interner: Interner,
    /// What stands for the shape of each call along axes.
    pub(super) leaves: FxHashMap<ast::ExprId, ReductionId>,
    /// By syntax node.
    values: Vec<Value>,
}

impl Lowerer<'_> {
    fn expr(&mut self, id: ast::ExprId, expr: &ast::Expr) -> Result<Value, Error> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Int(value) => match i128::try_from(*value) {
                Ok(value) => Ok(Value::Weak(Weak::Int(value))),
                // Of no use but to floats.
                Err(_) => Ok(Value::Weak(Weak::Float(*value as f64))),
            },
            ExprKind::Float(value) => Ok(Value::Weak(Weak::Float(*value))),
            ExprKind::Imaginary(_) => Err(Error::new(ErrorKind::ComplexLiteral, span)),
            ExprKind::Bool(value) => Ok(self.bool(*value)),
            ExprKind::Name(name) => self.name(*name, span),
            ExprKind::Unary { op, arg } => {
                let function = match op {
                    UnaryOp::Neg => "negative",
                    UnaryOp::Plus => "positive",
                    UnaryOp::Invert => "invert",
                    UnaryOp::Not => "logical_not",
                };
                let arg = self.arg(*arg);
                self.apply(operator(function), &[arg], span).map_err(|error| error.of_operation(op.symbol()))
            }
            ExprKind::Binary { op, lhs, rhs } => {
                let args = [self.arg(*lhs), self.arg(*rhs)];
                let applied = self.apply(operator(binary_function(*op)), &args, span);
                applied.map_err(|error| error.of_operation(op.symbol()))
            }
            ExprKind::Compare { first, rest } => self.compare(*first, rest, span),
            ExprKind::IfElse { condition, then, otherwise } => {
                let args = [self.arg(*condition), self.arg(*then), self.arg(*otherwise)];
                self.apply(operator("where"), &args, span)
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

    fn bool(&mut self, value: bool) -> Value {
        Value::Typed(self.graph.constant(Scalar::new(value)))
    }

    fn name(&mut self, name: NameId, span: Span) -> Result<Value, Error> {
        if let Some(&var) = self.vars.get(&name) {
            return Ok(self.var(var));
        }
        let text = self.ast.name(name);
        if let Some(ty) = (self.type_of)(text) {
            let var = VarId(self.graph.vars.len() as u32);
            self.graph.vars.push(Var { name: text.to_owned(), ty, must_fit: DTypeSet::default() });
            self.vars.insert(name, var);
            return Ok(self.var(var));
        }
        if let Some(value) = named_constant(text) {
            return Ok(Value::Weak(Weak::Float(value)));
        }
        let name = text.to_owned();
        let kind = if table::find(text).is_some() {
            ErrorKind::FunctionAsValue { name }
        } else {
            let known = (self.known)();
            let similar = similar(text, known.iter().map(String::as_str));
            ErrorKind::UnknownVariable { name, similar, known }
        };
        Err(Error::new(kind, span))
    }

    fn var(&mut self, var: VarId) -> Value {
        let id = self.graph.var(var);
        // A bool promotes to whatever it meets anyway.
        match self.graph.vars[var.0 as usize].ty {
            VarType { is_weak: true, dtype, .. } if dtype != DType::Bool => Value::Untyped(id),
            _ => Value::Typed(id),
        }
    }

    fn function(&self, name: NameId, span: Span) -> Result<&'static Function, Error> {
        let text = self.ast.name(name);
        table::find(text).ok_or_else(|| {
            let names = table::all().flat_map(|row| std::iter::once(row.name).chain(row.aliases.iter().copied()));
            let kind = ErrorKind::UnknownFunction {
                name: text.to_owned(),
                similar: similar(text, names),
                is_variable: (self.type_of)(text).is_some(),
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
            let one = self.apply(operator(compare_function(op)), &[lhs, rhs], span)?;
            all = Some(match all {
                None => one,
                Some(before) => {
                    let args = [Arg { value: before, span }, Arg { value: one, span }];
                    self.apply(operator("logical_and"), &args, span)?
                }
            });
            lhs = rhs;
        }
        Ok(all.expect("a comparison has an operator"))
    }

    fn apply(&mut self, row: &'static Function, args: &[Arg], span: Span) -> Result<Value, Error> {
        let is_weak = !args.iter().any(|arg| matches!(arg.value, Value::Typed(_)));
        let mut own_args = [args[0]; 3];
        own_args[..args.len()].copy_from_slice(args);
        let args = &mut own_args[..args.len()];
        adjust_literals(&self.graph, row, args);
        let args = &*args;
        if is_weak && let Some(value) = self.fold_ints(row, args, span)? {
            return Ok(value);
        }
        let id = self.apply_typed(row, args, span)?;
        // What is made of weak values stays weak, unless a dtype was asked for.
        if is_weak && !matches!(row.typing, Typing::CastTo(_)) {
            if let Some(weak) = Weak::of_constant(&self.graph, id) {
                return Ok(Value::Weak(weak));
            }
            if self.graph.as_const(id).is_none() && self.graph.dtype(id) != DType::Bool {
                return Ok(Value::Untyped(id));
            }
        }
        Ok(Value::Typed(id))
    }

    fn fold_ints(&mut self, row: &'static Function, args: &[Arg], span: Span) -> Result<Option<Value>, Error> {
        let mut ints = [0; 3];
        for (place, arg) in ints.iter_mut().zip(args) {
            match arg.value {
                Value::Weak(Weak::Int(value)) => *place = value,
                _ => return Ok(None),
            }
        }
        match weak::fold_ints(row, &ints[..args.len()]) {
            None => Ok(None),
            Some(Folded::Int(value)) => Ok(Some(Value::Weak(Weak::Int(value)))),
            Some(Folded::Bool(value)) => Ok(Some(self.bool(value))),
            Some(Folded::Overflow) => Err(Error::new(ErrorKind::LiteralOverflow, span)),
        }
    }

    fn apply_typed(&mut self, row: &'static Function, args: &[Arg], span: Span) -> Result<ExprId, Error> {
        let mut own_args: SmallVec<[Arg; 3]> = args.into();
        if row.typing == Typing::Compare {
            self.type_compared_ints(&mut own_args);
        }
        let args = &own_args[..];
        match row.typing {
            Typing::Where => {
                let condition = self.truth(args[0])?;
                let dtype = self.common(&args[1..])?;
                let x = self.typed(args[1], dtype);
                let y = self.typed(args[2], dtype);
                return Ok(self.graph.apply(Op::Select, &[condition, x, y]));
            }
            Typing::Logical => {
                let mut ids = [ExprId(0); 3];
                for (id, &arg) in ids.iter_mut().zip(args) {
                    *id = self.truth(arg)?;
                }
                return Ok(self.build(row, &ids[..args.len()]));
            }
            Typing::CastTo(dtype) => {
                let id = self.default(args[0])?;
                return Ok(self.graph.cast(id, dtype));
            }
            Typing::Compare => {
                if let Some(known) = self.compare_out_of_range(row, args) {
                    return Ok(known);
                }
                if let Some(exact) = self.compare_across_signs(row, args) {
                    return Ok(exact);
                }
            }
            _ => {}
        }
        if row.name == "power" {
            self.reject_negative_power(args)?;
        }
        if let Typing::Float | Typing::Float64 = row.typing {
            let dtype = self.common_float(row.typing, args);
            let ids = args.iter().map(|&arg| self.typed(arg, dtype)).collect::<SmallVec<[ExprId; 3]>>();
            return Ok(self.build(row, &ids));
        }
        let common = self.common(args)?;
        let not_defined = |remedy| {
            let operands =
                args.iter().map(|arg| Operand { span: arg.span, dtype: self.dtype_of(arg.value, common) }).collect();
            Err(Error::new(ErrorKind::NotDefined { name: row.name, operands, remedy }, span))
        };
        let dtype = match row.typing {
            Typing::KeepNoBool if common == DType::Bool => {
                return not_defined(match row.name {
                    "subtract" => Remedy::SubtractBools,
                    "negative" => Remedy::NegateBool,
                    _ => Remedy::CastBool,
                });
            }
            Typing::Bits | Typing::Shift if common.is_float() => {
                return not_defined(Remedy::CastToInt);
            }
            Typing::BoolAsInt8 | Typing::Shift if common == DType::Bool => DType::Int8,
            _ => common,
        };
        let mut ids = [ExprId(0); 3];
        for (id, &arg) in ids.iter_mut().zip(args) {
            *id = self.typed(arg, dtype);
        }
        let ids = &ids[..args.len()];
        if row.typing == Typing::Compare && dtype == DType::Bool {
            return Ok(self.compare_bools(row, ids));
        }
        Ok(self.build(row, ids))
    }

    /// Makes what the row names of arguments that have their dtype.
    fn build(&mut self, row: &'static Function, ids: &[ExprId]) -> ExprId {
        match row.meaning {
            Meaning::Op(op) => self.graph.apply(op, ids),
            Meaning::Graph(build) => build(&mut self.graph, ids),
            Meaning::ByKind(bools, ints, floats) => match self.graph.dtype(ids[0]) {
                DType::Bool => bools(&mut self.graph, ids),
                dtype if dtype.is_float() => self.graph.apply(floats, ids),
                _ => self.graph.apply(ints, ids),
            },
            Meaning::Along(..) => unreachable!("lowered by itself"),
        }
    }

    /// False is less than true.
    fn compare_bools(&mut self, row: &'static Function, ids: &[ExprId]) -> ExprId {
        let (x, y) = (ids[0], ids[1]);
        let graph = &mut self.graph;
        let mut not_and = |not: ExprId, and: ExprId| {
            let inverted = graph.apply(Op::Not, &[not]);
            graph.apply(Op::And, &[inverted, and])
        };
        match row.meaning {
            Meaning::Op(Op::Lt) => not_and(x, y),
            Meaning::Op(Op::Gt) => not_and(y, x),
            Meaning::Op(Op::Le) => {
                let greater = not_and(y, x);
                graph.apply(Op::Not, &[greater])
            }
            Meaning::Op(Op::Ge) => {
                let less = not_and(x, y);
                graph.apply(Op::Not, &[less])
            }
            _ => self.build(row, ids),
        }
    }

    /// Integers of any value can be compared with those of any dtype: a weak one need not fit it.
    fn type_compared_ints(&self, args: &mut [Arg]) {
        let is_int = |id: ExprId| !self.graph.dtype(id).is_float();
        if args.iter().any(|arg| matches!(arg.value, Value::Typed(id) if is_int(id))) {
            for arg in args {
                if let Value::Untyped(id) = arg.value
                    && is_int(id)
                {
                    arg.value = Value::Typed(id);
                }
            }
        }
    }

    /// An integer operand compared with a literal that its dtype cannot hold: the answer is known.
    fn compare_out_of_range(&mut self, row: &'static Function, args: &[Arg]) -> Option<ExprId> {
        let (id, literal, literal_is_right) = match (args[0].value, args[1].value) {
            (Value::Typed(id), Value::Weak(Weak::Int(literal))) => (id, literal, true),
            (Value::Weak(Weak::Int(literal)), Value::Typed(id)) => (id, literal, false),
            _ => return None,
        };
        let dtype = self.graph.dtype(id);
        if !dtype.is_int() || weak::fits(literal, dtype) {
            return None;
        }
        // The operand is on one side of the literal, whatever it is, so 0 stands for it.
        let (x, y) = if literal_is_right { (0, literal) } else { (literal, 0) };
        let known = match weak::fold_ints(row, &[x, y]) {
            // 0 may be the literal's neighbour, but it cannot be the literal: that fits every integer dtype.
            Some(Folded::Bool(known)) => known,
            _ => return None,
        };
        Some(self.graph.constant(Scalar::new(known)))
    }

    /// `uint64` meets signed integers in float64, which does not hold them all, but comparing them needs no common
    /// dtype: what is negative is below, and the rest is `uint64` too.
    fn compare_across_signs(&mut self, row: &'static Function, args: &[Arg]) -> Option<ExprId> {
        let (Value::Typed(x), Value::Typed(y), Meaning::Op(op)) = (args[0].value, args[1].value, row.meaning) else {
            return None;
        };
        let graph = &mut self.graph;
        let (signed, unsigned, op) = match (graph.dtype(x), graph.dtype(y)) {
            (dtype, DType::UInt64) if dtype.is_signed_int() => (x, y, op),
            (DType::UInt64, dtype) if dtype.is_signed_int() => (y, x, op.swapped()),
            _ => return None,
        };
        let zero = graph.int_constant(graph.dtype(signed), 0);
        let is_negative = graph.apply(Op::Lt, &[signed, zero]);
        let as_unsigned = graph.cast(signed, DType::UInt64);
        let compared = graph.apply(op, &[as_unsigned, unsigned]);
        Some(match op {
            Op::Lt | Op::Le | Op::Ne => graph.apply(Op::Or, &[is_negative, compared]),
            _ => {
                let is_not = graph.apply(Op::Not, &[is_negative]);
                graph.apply(Op::And, &[is_not, compared])
            }
        })
    }

    /// The float that every argument is computed in: the widest of those that each would be computed in alone.
    fn common_float(&self, typing: Typing, args: &[Arg]) -> DType {
        let float = |dtype: DType| match typing {
            Typing::Float64 if !dtype.is_float() => None,
            _ => Some(float_of(dtype)),
        };
        let typed = args.iter().filter_map(|arg| match arg.value {
            Value::Typed(id) => Some(self.graph.dtype(id)),
            Value::Weak(_) | Value::Untyped(_) => None,
        });
        // A weak float has no say among floats, but makes float64 of integers, as it does elsewhere.
        let has_weak_float = args.iter().any(|arg| match arg.value {
            Value::Weak(weak) => matches!(weak, Weak::Float(_)),
            Value::Untyped(id) => self.graph.dtype(id).is_float(),
            Value::Typed(_) => false,
        });
        let all_ints = typed.clone().all(|dtype| !dtype.is_float());
        if all_ints && has_weak_float {
            return DType::Float64;
        }
        match typing {
            // An integer beside a float is promoted with it; integers alone are divided in float64.
            Typing::Float64 => typed.reduce(promote).and_then(float),
            _ => typed.filter_map(float).reduce(promote),
        }
        .unwrap_or(DType::Float64)
    }

    fn reject_negative_power(&self, args: &[Arg]) -> Result<(), Error> {
        let (Value::Typed(base), Value::Weak(Weak::Int(exponent))) = (args[0].value, args[1].value) else {
            return Ok(());
        };
        let dtype = self.graph.dtype(base);
        if exponent >= 0 || dtype.is_float() {
            return Ok(());
        }
        let base = Operand { span: args[0].span, dtype };
        Err(Error::new(ErrorKind::NegativePower { base }, args[1].span))
    }

    /// The dtype in which all arguments meet. An integer literal that it cannot hold is an error.
    fn common(&self, args: &[Arg]) -> Result<DType, Error> {
        let strong = args
            .iter()
            .filter_map(|arg| match arg.value {
                Value::Typed(id) => Some(self.graph.dtype(id)),
                Value::Weak(_) | Value::Untyped(_) => None,
            })
            .reduce(promote);
        let mut common = strong;
        for arg in args {
            let (is_float, default) = match arg.value {
                Value::Typed(_) => continue,
                Value::Weak(weak) => (matches!(weak, Weak::Float(_)), weak.default_dtype()),
                Value::Untyped(id) => (self.graph.dtype(id).is_float(), Some(self.graph.dtype(id))),
            };
            common = Some(match common {
                Some(dtype) if is_float => {
                    if dtype.is_float() {
                        dtype
                    } else {
                        DType::Float64
                    }
                }
                Some(dtype) if strong.is_none() => default.map_or(dtype, |default| promote(dtype, default)),
                Some(dtype) if dtype != DType::Bool => dtype,
                Some(_) => DType::Int64,
                None => default.ok_or_else(|| Error::new(ErrorKind::LiteralOverflow, arg.span))?,
            });
        }
        let common = common.expect("every operation has an argument");
        if common.is_int() {
            for arg in args {
                if let Value::Weak(Weak::Int(value)) = arg.value
                    && !weak::fits(value, common)
                {
                    let operand =
                        args.iter().find(|other| matches!(other.value, Value::Typed(_))).map(|other| other.span);
                    let kind = ErrorKind::LiteralOutOfRange { value, dtype: common, operand };
                    return Err(Error::new(kind, arg.span));
                }
            }
        }
        Ok(common)
    }

    fn dtype_of(&self, value: Value, common: DType) -> DType {
        match value {
            Value::Typed(id) => self.graph.dtype(id),
            Value::Weak(_) | Value::Untyped(_) => common,
        }
    }

    fn typed(&mut self, arg: Arg, dtype: DType) -> ExprId {
        match arg.value {
            Value::Typed(id) => self.graph.cast(id, dtype),
            Value::Untyped(id) => {
                if let Expr::Var(var) = self.graph.expr(id)
                    && dtype.is_int()
                {
                    self.graph.vars[var.0 as usize].must_fit.insert(dtype);
                }
                self.graph.cast(id, dtype)
            }
            Value::Weak(weak) => self.graph.constant(weak.to_scalar(dtype)),
        }
    }

    /// The argument in the dtype that it has by itself.
    pub(super) fn default(&mut self, arg: Arg) -> Result<ExprId, Error> {
        match arg.value {
            Value::Typed(id) | Value::Untyped(id) => Ok(id),
            Value::Weak(weak) => {
                let constant = weak.to_default(arg.span)?;
                Ok(self.graph.constant(constant))
            }
        }
    }

    /// The argument as a condition: what is not 0 is true.
    fn truth(&mut self, arg: Arg) -> Result<ExprId, Error> {
        let id = self.default(arg)?;
        Ok(self.graph.cast(id, DType::Bool))
    }
}

/// Literals that mean something else than their value, or can be brought into range without changing the result.
fn adjust_literals(graph: &Graph, row: &Function, args: &mut [Arg]) {
    match (row.name, &mut *args) {
        // An integer to a negative power is a fraction.
        (
            "power",
            [Arg { value: Value::Weak(Weak::Int(base)), .. }, Arg { value: Value::Weak(Weak::Int(exponent)), .. }],
        ) if *exponent < 0 => {
            let (base, exponent) = (*base as f64, *exponent as f64);
            args[0].value = Value::Weak(Weak::Float(base));
            args[1].value = Value::Weak(Weak::Float(exponent));
        }
        // A bound beyond the dtype's range does not bound.
        ("clip", [Arg { value: Value::Typed(x), .. }, low, high]) if graph.dtype(*x).is_int() => {
            let (min, max) = super::error::limits(graph.dtype(*x));
            if let Value::Weak(Weak::Int(low)) = &mut low.value {
                *low = (*low).max(min);
            }
            if let Value::Weak(Weak::Int(high)) = &mut high.value {
                *high = (*high).min(max);
            }
        }
        _ => {}
    }
}

/// The row of an operator; the names are those of the table, as a test checks.
fn operator(name: &str) -> &'static Function {
    table::find(name).expect("every operator has a row")
}

fn binary_function(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "subtract",
        BinaryOp::Mul => "multiply",
        BinaryOp::Div => "divide",
        BinaryOp::FloorDiv => "floor_divide",
        BinaryOp::Rem => "remainder",
        BinaryOp::Pow => "power",
        BinaryOp::Shl => "left_shift",
        BinaryOp::Shr => "right_shift",
        BinaryOp::BitAnd => "bitwise_and",
        BinaryOp::BitOr => "bitwise_or",
        BinaryOp::BitXor => "bitwise_xor",
        BinaryOp::And => "logical_and",
        BinaryOp::Or => "logical_or",
    }
}

fn compare_function(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Lt => "less",
        CompareOp::Le => "less_equal",
        CompareOp::Gt => "greater",
        CompareOp::Ge => "greater_equal",
        CompareOp::Eq => "equal",
        CompareOp::Ne => "not_equal",
    }
}

/// A constant of the language; a variable of the same name goes first.
pub(crate) fn named_constant(name: &str) -> Option<f64> {
    match name {
        "pi" => Some(std::f64::consts::PI),
        "e" => Some(std::f64::consts::E),
        "inf" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

/// The candidate closest to `name`, if one is close enough to have been meant.
pub(crate) fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    // Nobody misspells a longer one, and a text may be one name.
    const MOST_BYTES: usize = 256;
    if name.len() > MOST_BYTES {
        return None;
    }
    let limit = (name.chars().count() / 3).max(1);
    // Something of a short name must be left: an `x` is not a misspelt `a`, but maybe an `X`.
    let distance = |candidate: &str| match name.eq_ignore_ascii_case(candidate) {
        true => 0,
        false => strsim::osa_distance(name, candidate),
    };
    let longest = |candidate: &str| candidate.chars().count().max(name.chars().count());
    candidates
        .map(|candidate| (distance(candidate), candidate))
        .filter(|&(distance, candidate)| distance <= limit && distance < longest(candidate))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate.to_owned())
}
