//! Calls of functions of Rust: their arguments get the dtypes of the parameters.
//!
//! In: a function of the registry, and what its arguments have become. Out: a call in the graph.
//! Always true: an array is converted only where NumPy's casting `"safe"` does it, and a value
//! without a dtype takes that of the parameter if it is of the same kind.

use super::lower::{Arg, Lowerer, Value};
use super::promote::promote;
use super::weak::{self, Weak};
use super::{Error, ErrorKind, ExprId, FunctionId};
use crate::resolve::RustId;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::function::MAX_ARGS;
use smallvec::SmallVec;
use std::sync::Arc;

impl Lowerer<'_> {
    pub(super) fn rust_call(&mut self, function: RustId, args: &[Arg]) -> Result<Value, Error> {
        let code = self.scope.registry.code(function);
        let mut ids: SmallVec<[ExprId; MAX_ARGS]> = SmallVec::new();
        for (place, (arg, &dtype)) in args.iter().zip(code.args()).enumerate() {
            ids.push(self.converted(*arg, dtype).map_err(|error| self.of_param(error, function, place))?);
        }
        let next = FunctionId(self.graph.functions.len() as u32);
        let id = *self.function_of.entry(function).or_insert(next);
        if id == next {
            self.graph.functions.push(Arc::clone(code));
        }
        Ok(Value::Typed(self.graph.call(id, &ids)))
    }

    /// An argument in the dtype of its parameter.
    fn converted(&mut self, arg: Arg, to: DType) -> Result<ExprId, Mismatch> {
        let of_kind = |is_float: bool| if is_float { to.is_float() } else { to != DType::Bool };
        match arg.value {
            Value::Typed(id) => {
                let found = self.graph.dtype(id);
                if promote(found, to) == to { Ok(self.graph.cast(id, to)) } else { Err(arg.mismatch(found)) }
            }
            Value::Weak(Weak::Bool(value)) => Ok(self.graph.constant(Weak::Bool(value).to_scalar(to))),
            Value::Weak(Weak::Int(value)) if to.is_int() && !weak::fits(value, to) => {
                Err(Mismatch::Literal(out_of_range(arg, value, to)))
            }
            Value::Weak(weak) if of_kind(matches!(weak, Weak::Float(_))) => Ok(self.graph.constant(weak.to_scalar(to))),
            Value::Weak(weak) => Err(arg.mismatch(weak.default_dtype().unwrap_or(DType::Int64))),
            Value::Number(id) if self.numbers.is_bool(id) => {
                let node = self.numbers.bool_node(&mut self.graph, id);
                Ok(self.graph.cast(node, to))
            }
            Value::Number(_) if !of_kind(false) => Err(arg.mismatch(DType::Int64)),
            Value::Number(id) => {
                // For a variable, the call checks this.
                let value = self.numbers.get(id);
                let is_known = self.graph.as_var(id).is_none() && self.scope.value_of.is_some();
                if is_known && to.is_int() && !weak::fits(value, to) {
                    return Err(Mismatch::Literal(out_of_range(arg, value, to)));
                }
                Ok(self.graph.number_as(id, to))
            }
            Value::Untyped(id) if of_kind(self.graph.dtype(id).is_float()) => Ok(self.graph.cast(id, to)),
            Value::Untyped(id) => Err(arg.mismatch(self.graph.dtype(id))),
        }
    }

    fn of_param(&self, mismatch: Mismatch, function: RustId, place: usize) -> Error {
        match mismatch {
            Mismatch::Literal(error) => error,
            Mismatch::Unsafe { found, arg } => {
                let function = self.scope.registry.function(function);
                let kind = ErrorKind::UnsafeArgument {
                    function: function.name().to_owned(),
                    param: function.param_names()[place].clone(),
                    takes: function.rust().args()[place],
                    found,
                };
                Error::new(kind, arg.span)
            }
        }
    }
}

/// Why an argument does not get the dtype of its parameter.
enum Mismatch {
    Literal(Error),
    Unsafe { found: DType, arg: Arg },
}

impl Arg {
    fn mismatch(self, found: DType) -> Mismatch {
        Mismatch::Unsafe { found, arg: self }
    }
}

fn out_of_range(arg: Arg, value: i128, dtype: DType) -> Error {
    Error::new(ErrorKind::LiteralOutOfRange { value, dtype, operand: None }, arg.span)
}
