//! Typing: a function applied to arguments becomes primitives of arguments that have one dtype.
//!
//! In: a row of the tables, and what its arguments have become. Out: a value, or why there is none.
//! Always true: what is decided follows from the fields of the row and from the arguments. Literals
//! and weak numbers get their dtype here.

use super::compose::{compare_bools, compose};
use super::error::{Operand, limits};
use super::lower::{Arg, Args, Lowerer, Value};
use super::number::{Claim, NumberId};
use super::promote::{common_of, float_of, promote};
use super::weak::{self, Weak};
use super::{Error, ErrorKind, ExprId};
use crate::ops::exact::{Exact, Outcome};
use crate::ops::{Accept, Function, LiteralRule, Meaning, Op, Remedy, Typing, exact};
use ndexpr_grammar::Span;
use ndexpr_runtime::dtype::{DType, Scalar};
use smallvec::SmallVec;

impl Lowerer<'_> {
    pub(super) fn apply(&mut self, row: &'static Function, args: &[Arg], span: Span) -> Result<Value, Error> {
        let is_weak = |args: &[Arg]| !args.iter().any(|arg| matches!(arg.value, Value::Typed(_)));
        let mut own_args: Args = args.into();
        let was_weak = is_weak(args);
        self.settle_bools(&mut own_args, row.counts_bools && was_weak);
        let is_weak = is_weak(&own_args);
        if row.literals == LiteralRule::Bounds {
            self.clip_bounds(&mut own_args);
        }
        if is_weak
            && let Some(exact) = row.exact
            && let Some(value) = self.apply_exact(row, exact, &mut own_args, span)?
        {
            return Ok(value);
        }
        let id = self.apply_typed(row, &own_args, span)?;
        // The text asks for this dtype.
        if matches!(row.typing, Typing::CastTo(_)) {
            return Ok(Value::Typed(id));
        }
        // A result of weak values stays weak.
        Ok(match Weak::of_constant(&self.graph, id) {
            Some(weak @ Weak::Bool(_)) if was_weak => Value::Weak(weak),
            Some(weak) if is_weak => Value::Weak(weak),
            None if is_weak && self.graph.as_const(id).is_none() && self.graph.dtype(id) != DType::Bool => {
                Value::Untyped(id)
            }
            _ => Value::Typed(id),
        })
    }

    /// Bools without a dtype count as integers in arithmetic among weak values. Elsewhere they are
    /// bools.
    fn settle_bools(&mut self, args: &mut [Arg], are_counted: bool) {
        for arg in args {
            arg.value = match arg.value {
                Value::Weak(Weak::Bool(value)) if are_counted => Value::Weak(Weak::Int(value.into())),
                Value::Weak(Weak::Bool(value)) => Value::Typed(self.graph.constant(Scalar::new(value))),
                Value::Number(id) if self.numbers.is_bool(id) && !are_counted => {
                    Value::Typed(self.numbers.bool_node(&mut self.graph, id))
                }
                other => other,
            };
        }
    }

    /// Applies an operation to integers without a dtype. None if it is not such an operation; the
    /// arguments may have changed then.
    fn apply_exact(
        &mut self,
        row: &'static Function,
        exact: Exact,
        args: &mut [Arg],
        span: Span,
    ) -> Result<Option<Value>, Error> {
        let mut ints = [0; 3];
        for (place, arg) in ints.iter_mut().zip(&*args) {
            *place = match arg.value {
                Value::Weak(Weak::Int(value)) => value,
                Value::Number(id) => self.numbers.get(id),
                _ => return Ok(None),
            };
        }
        let is_literal = !args.iter().any(|arg| matches!(arg.value, Value::Number(_)));
        let value = match exact(&ints) {
            Outcome::Int(value) if is_literal => return Ok(Some(Value::Weak(Weak::Int(value)))),
            Outcome::Bool(value) if is_literal => return Ok(Some(Value::Weak(Weak::Bool(value)))),
            Outcome::TooLarge if is_literal || self.scope.value_of.is_some() => {
                return Err(Error::new(ErrorKind::LiteralOverflow, span));
            }
            Outcome::Fraction => {
                if let Some(Value::Number(id)) = args.get(1).map(|arg| arg.value) {
                    self.graph.numbers.assume(id, Claim::Negative(true));
                }
                self.make_floats(args);
                return Ok(None);
            }
            Outcome::Int(value) => value,
            Outcome::Bool(value) => value.into(),
            // The value is only guessed, and the guess is too large. Another guess is as good.
            Outcome::TooLarge => 1,
        };
        let is_bool = matches!(exact(&ints), Outcome::Bool(_));
        let numbers: SmallVec<[NumberId; 3]> = args.iter().map(|arg| self.number(arg.value)).collect();
        let place = |k: usize| numbers.get(k).copied().unwrap_or(numbers[0]);
        let id = self.numbers.apply(&mut self.graph, row.name, exact, [place(0), place(1), place(2)], value);
        if is_bool {
            let node = self.compare_in_graph(row, &numbers);
            self.numbers.set_bool(id, node);
        }
        Ok(Some(Value::Number(id)))
    }

    /// Turns integers without a dtype into floats without a dtype.
    fn make_floats(&mut self, args: &mut [Arg]) {
        for arg in args {
            arg.value = match arg.value {
                Value::Weak(Weak::Int(value)) => Value::Weak(Weak::Float(value as f64)),
                Value::Number(id) => Value::Untyped(self.graph.number_as(id, DType::Float64)),
                other => other,
            };
        }
    }

    /// Turns an integer without a dtype into a number.
    fn number(&mut self, value: Value) -> NumberId {
        match value {
            Value::Number(id) => id,
            Value::Weak(Weak::Int(value)) => self.numbers.literal(&mut self.graph, value),
            _ => unreachable!("asked of integers only"),
        }
    }

    /// A comparison of numbers as a node of the graph, which spares the call from making it. None
    /// if int64 does not hold both numbers for all values.
    fn compare_in_graph(&mut self, row: &Function, numbers: &[NumberId]) -> Option<ExprId> {
        let Meaning::Op(op) = row.meaning else { return None };
        if !numbers.iter().all(|&id| self.graph.always_fits(id, DType::Int64)) {
            return None;
        }
        let ids: SmallVec<[ExprId; 3]> = numbers.iter().map(|&id| self.graph.number_as(id, DType::Int64)).collect();
        Some(self.graph.apply(op, &ids))
    }

    /// A bound beyond the range of the first argument's dtype has no effect, so it is moved into
    /// the range.
    fn clip_bounds(&mut self, args: &mut [Arg]) {
        let [Arg { value: Value::Typed(x), .. }, low, high] = args else { return };
        let dtype = self.graph.dtype(*x);
        if !dtype.is_int() {
            return;
        }
        let (min, max) = limits(dtype);
        for (arg, limit, op) in [(low, min, exact::maximum as Exact), (high, max, exact::minimum as Exact)] {
            let moved = |value: i128| match op(&[value, limit, 0]) {
                Outcome::Int(value) => value,
                _ => value,
            };
            arg.value = match arg.value {
                Value::Weak(Weak::Int(value)) => Value::Weak(Weak::Int(moved(value))),
                Value::Number(id) if !self.graph.always_fits(id, dtype) => {
                    let value = moved(self.numbers.get(id));
                    let limit = self.numbers.literal(&mut self.graph, limit);
                    Value::Number(self.numbers.apply(&mut self.graph, "clip", op, [id, limit, limit], value))
                }
                other => other,
            };
        }
    }

    fn apply_typed(&mut self, row: &'static Function, args: &[Arg], span: Span) -> Result<ExprId, Error> {
        let mut own_args: Args = args.into();
        match row.typing {
            Typing::Where => {
                let condition = self.truth(args[0])?;
                let dtype = self.common(&args[1..])?;
                let x = self.typed(args[1], dtype);
                let y = self.typed(args[2], dtype);
                return Ok(self.graph.apply(Op::Select, &[condition, x, y]));
            }
            Typing::Logical => {
                let ids = args.iter().map(|&arg| self.truth(arg)).collect::<Result<SmallVec<[ExprId; 3]>, _>>()?;
                return Ok(self.build(row, &ids));
            }
            Typing::CastTo(dtype) => {
                let id = self.default(args[0])?;
                return Ok(self.graph.cast(id, dtype));
            }
            Typing::Compare => {
                if let Some(known) = self.compare_ints(row, &mut own_args) {
                    return Ok(known);
                }
            }
            Typing::Float | Typing::Float64 => {
                let dtype = self.common_float(row.typing, args);
                return Ok(self.build_as(row, args, dtype));
            }
            Typing::Common { .. } | Typing::Along { .. } => {}
        }
        let args = &own_args[..];
        if row.literals == LiteralRule::Exponent {
            self.reject_negative_exponent(args)?;
        }
        let common = self.common(args)?;
        let accept = match row.typing {
            Typing::Common { bools, .. } if common == DType::Bool => bools,
            Typing::Common { floats, .. } if common.is_float() => floats,
            _ => Accept::Yes,
        };
        match accept {
            Accept::Yes => Ok(self.build_as(row, args, common)),
            Accept::AsInt8 => Ok(self.build_as(row, args, DType::Int8)),
            Accept::No(remedy) => Err(self.not_defined(row, args, common, remedy, span)),
        }
    }

    fn not_defined(&self, row: &Function, args: &[Arg], common: DType, remedy: Remedy, span: Span) -> Error {
        let operand = |arg: &Arg| {
            let dtype = match arg.value {
                Value::Typed(id) => self.graph.dtype(id),
                _ => common,
            };
            Operand { span: arg.span, dtype }
        };
        let operands = args.iter().map(operand).collect();
        Error::new(ErrorKind::NotDefined { name: row.name, operands, remedy }, span)
    }

    /// Builds what the row says from arguments in this dtype.
    fn build_as(&mut self, row: &Function, args: &[Arg], dtype: DType) -> ExprId {
        let ids: SmallVec<[ExprId; 3]> = args.iter().map(|&arg| self.typed(arg, dtype)).collect();
        self.build(row, &ids)
    }

    /// Builds what the row says from arguments that have their dtype.
    fn build(&mut self, row: &Function, ids: &[ExprId]) -> ExprId {
        let is_bool = self.graph.dtype(ids[0]) == DType::Bool;
        match row.meaning {
            Meaning::Op(op) if row.typing == Typing::Compare && is_bool => {
                compare_bools(&mut self.graph, op, ids[0], ids[1])
            }
            Meaning::Op(op) => self.graph.apply(op, ids),
            Meaning::ByKind { bools, numbers } => self.graph.apply(if is_bool { bools } else { numbers }, ids),
            Meaning::Composed(composed) => compose(&mut self.graph, composed, ids),
            Meaning::Along(..) => unreachable!("lowered as a call along axes"),
        }
    }

    /// An integer to a negative power is an error if the base has an integer dtype, because the
    /// result is a fraction.
    fn reject_negative_exponent(&mut self, args: &[Arg]) -> Result<(), Error> {
        let Value::Typed(base) = args[0].value else { return Ok(()) };
        let dtype = self.graph.dtype(base);
        if dtype.is_float() {
            return Ok(());
        }
        let is_negative = match args[1].value {
            Value::Weak(Weak::Int(exponent)) => exponent < 0,
            Value::Number(id) => {
                self.graph.numbers.assume(id, Claim::Negative(false));
                self.numbers.get(id) < 0 && self.scope.value_of.is_some()
            }
            _ => false,
        };
        if !is_negative {
            return Ok(());
        }
        let base = Operand { span: args[0].span, dtype };
        Err(Error::new(ErrorKind::NegativePower { base }, args[1].span))
    }

    /// The float dtype that every argument is computed in: the widest of those that each argument
    /// would be computed in alone.
    fn common_float(&self, typing: Typing, args: &[Arg]) -> DType {
        let float = |dtype: DType| match typing {
            Typing::Float64 if !dtype.is_float() => None,
            _ => Some(float_of(dtype)),
        };
        let typed = args.iter().filter_map(|arg| match arg.value {
            Value::Typed(id) => Some(self.graph.dtype(id)),
            Value::Weak(_) | Value::Number(_) | Value::Untyped(_) => None,
        });
        // A weak float does not change the dtype of floats. But it makes float64 of integers, as it
        // does elsewhere.
        let has_weak_float = args.iter().any(|arg| match arg.value {
            Value::Weak(weak) => matches!(weak, Weak::Float(_)),
            Value::Untyped(id) => self.graph.dtype(id).is_float(),
            Value::Number(_) | Value::Typed(_) => false,
        });
        // A weak integer makes int64 of bools.
        let has_weak_int = args.iter().any(|arg| matches!(arg.value, Value::Number(_) | Value::Weak(Weak::Int(_))));
        let all_ints = typed.clone().all(|dtype| !dtype.is_float());
        let all_bools = typed.clone().all(|dtype| dtype == DType::Bool);
        if all_ints && has_weak_float || all_bools && has_weak_int {
            return DType::Float64;
        }
        match typing {
            // An integer beside a float is promoted with it; integers alone are divided in float64.
            Typing::Float64 => typed.reduce(promote).and_then(float),
            _ => typed.filter_map(float).reduce(promote),
        }
        .unwrap_or(DType::Float64)
    }

    /// The dtype in which all arguments meet. It is an error if that dtype cannot hold an integer
    /// without a dtype.
    pub(super) fn common(&mut self, args: &[Arg]) -> Result<DType, Error> {
        let strong = common_of(args.iter().filter_map(|arg| match arg.value {
            Value::Typed(id) => Some(self.graph.dtype(id)),
            Value::Weak(_) | Value::Number(_) | Value::Untyped(_) => None,
        }));
        let mut common = strong;
        for arg in args {
            let (is_float, default) = match arg.value {
                Value::Typed(_) => continue,
                Value::Weak(weak) => (matches!(weak, Weak::Float(_)), weak.default_dtype()),
                Value::Untyped(id) => (self.graph.dtype(id).is_float(), Some(self.graph.dtype(id))),
                Value::Number(id) if strong.is_none() => (false, self.default_of(id)),
                Value::Number(_) => (false, None),
            };
            common = Some(match common {
                Some(dtype) if is_float && dtype.is_float() => dtype,
                Some(_) if is_float => DType::Float64,
                Some(dtype) if strong.is_none() => default.map_or(dtype, |default| promote(dtype, default)),
                Some(DType::Bool) => DType::Int64,
                Some(dtype) => dtype,
                None => default.ok_or_else(|| Error::new(ErrorKind::LiteralOverflow, arg.span))?,
            });
        }
        let common = common.expect("every operation has an argument");
        if !common.is_int() {
            return Ok(common);
        }
        for arg in args {
            let value = match arg.value {
                Value::Weak(Weak::Int(value)) => value,
                // For a variable, the call checks this: see `must_fit`.
                Value::Number(id) if self.graph.as_var(id).is_none() && self.scope.value_of.is_some() => {
                    self.numbers.get(id)
                }
                _ => continue,
            };
            if !weak::fits(value, common) {
                let operand = args.iter().find(|other| matches!(other.value, Value::Typed(_))).map(|other| other.span);
                let kind = ErrorKind::LiteralOutOfRange { value, dtype: common, operand };
                return Err(Error::new(kind, arg.span));
            }
        }
        Ok(common)
    }

    /// The dtype that a number has where nothing else gives it one. None if no dtype holds it.
    pub(super) fn default_of(&mut self, id: NumberId) -> Option<DType> {
        if let Some(var) = self.graph.as_var(id) {
            return Some(self.graph.vars[var.0 as usize].ty.dtype);
        }
        let mut dtype = weak::default_int(self.numbers.get(id));
        if dtype.is_none() && self.scope.value_of.is_none() {
            dtype = Some(DType::Int64);
        }
        self.graph.numbers.assume(id, Claim::Default(dtype));
        dtype
    }

    pub(super) fn typed(&mut self, arg: Arg, dtype: DType) -> ExprId {
        match arg.value {
            Value::Typed(id) | Value::Untyped(id) => self.graph.cast(id, dtype),
            Value::Number(id) => self.graph.number_as(id, dtype),
            Value::Weak(weak) => self.graph.constant(weak.to_scalar(dtype)),
        }
    }

    /// The argument in the dtype that it has by itself.
    pub(super) fn default(&mut self, arg: Arg) -> Result<ExprId, Error> {
        match arg.value {
            Value::Typed(id) | Value::Untyped(id) => Ok(id),
            Value::Number(id) if self.numbers.is_bool(id) => Ok(self.numbers.bool_node(&mut self.graph, id)),
            Value::Number(id) => {
                let dtype = self.default_of(id).ok_or_else(|| Error::new(ErrorKind::LiteralOverflow, arg.span))?;
                Ok(self.graph.number_as(id, dtype))
            }
            Value::Weak(weak) => {
                let constant = weak.to_default(arg.span)?;
                Ok(self.graph.constant(constant))
            }
        }
    }

    /// The argument as a condition: every value except 0 is true.
    pub(super) fn truth(&mut self, arg: Arg) -> Result<ExprId, Error> {
        let id = self.default(arg)?;
        Ok(self.graph.cast(id, DType::Bool))
    }
}
