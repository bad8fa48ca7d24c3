//! What a call along axes becomes: primitives along the axes and elementwise ones around them.
//!
//! In: an [`AxisCall`] and its argument. Out: the result, and the reduction that stands for its
//! shape. Always true: all primitives that one call makes run along the same axes of the same
//! shape.

use super::error::Operand;
use super::lower::{Lowerer, Value};
use super::reduce::AxisCall;
use super::reduction::{Interner, Leaf, Reduction, ReductionId};
use super::{Error, ErrorKind, ExprId, Graph};
use crate::ops::{Accept, Along, AxisOp, Op, Typing};
use ndexpr_grammar::Span;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::ReduceOp;

impl Lowerer<'_> {
    /// What a call along axes becomes, and the reduction that stands for its shape.
    pub(super) fn along(&mut self, call: &AxisCall) -> Result<(Value, ReductionId), Error> {
        let arg = self.arg(call.arg);
        let x = self.default(arg)?;
        reject_bools(&self.graph, call, x, arg.span)?;
        let domain = self.domain(call.arg)?;
        let mut builder =
            Builder { graph: &mut self.graph, interner: &mut self.interner, call, domain: &domain, leaf: None };
        let built = builder.build(call.along, x);
        let leaf = builder.leaf.expect("every function along axes has a primitive that is");
        Ok((Value::Typed(built), leaf))
    }
}

fn reject_bools(graph: &Graph, call: &AxisCall, x: ExprId, span: Span) -> Result<(), Error> {
    let dtype = graph.dtype(x);
    match call.function.typing {
        Typing::Along { bools: Accept::No(remedy) } if dtype == DType::Bool => {
            let operands = vec![Operand { span, dtype }];
            Err(Error::new(ErrorKind::NotDefined { name: call.function.name, operands, remedy }, call.span))
        }
        _ => Ok(()),
    }
}

struct Builder<'g> {
    graph: &'g mut Graph,
    interner: &'g mut Interner,
    call: &'g AxisCall,
    domain: &'g [Leaf],
    /// The reduction that stands for the shape of the result.
    leaf: Option<ReductionId>,
}

impl Builder<'_> {
    fn build(&mut self, along: Along, x: ExprId) -> ExprId {
        let is_float = self.graph.dtype(x).is_float();
        match along {
            Along::Op(op) => self.along(op, x),
            Along::OfTruth(op) => {
                let x = self.graph.cast(x, DType::Bool);
                self.reduce(op, x)
            }
            Along::ByKind { floats, others } => self.reduce(if is_float { floats } else { others }, x),
            Along::WithoutNan { op, instead } => {
                let x = self.without_nan(x, instead);
                self.reduce(op, x)
            }
            Along::NanMean if is_float => self.nan_mean(x),
            Along::Mean | Along::NanMean => self.mean(x),
            Along::NanVariance if is_float => self.nan_variance(x),
            Along::Variance | Along::NanVariance => self.variance(x),
            Along::StandardDeviation => {
                let variance = self.build(Along::Variance, x);
                self.sqrt(variance)
            }
            Along::NanStandardDeviation => {
                let variance = self.build(Along::NanVariance, x);
                self.sqrt(variance)
            }
            Along::PeakToPeak => {
                let max = self.reduce(ReduceOp::Max, x);
                let min = self.reduce(ReduceOp::Min, x);
                self.graph.apply(Op::Sub, &[max, min])
            }
            Along::Norm => {
                let x = self.float(x);
                let square = self.graph.apply(Op::Mul, &[x, x]);
                let sum = self.reduce(ReduceOp::Sum, square);
                self.sqrt(sum)
            }
        }
    }

    /// Applies a primitive along the axes, to an argument of a dtype that it is defined for.
    fn along(&mut self, op: AxisOp, arg: ExprId) -> ExprId {
        let reduction = Reduction {
            op,
            axes: self.call.axes.clone(),
            keepdims: self.call.keepdims,
            domain: self.domain.to_vec(),
            span: self.call.span,
            site: self.call.site,
            axis_span: self.call.axis_span,
            instead: self.call.instead.clone(),
        };
        let (id, first) = self.interner.intern(self.graph, reduction);
        self.leaf = Some(first);
        self.graph.reduce(id, arg)
    }

    fn reduce(&mut self, op: ReduceOp, arg: ExprId) -> ExprId {
        self.along(AxisOp::Reduce(op), arg)
    }

    /// The number of elements along the axes.
    fn count(&mut self) -> ExprId {
        let any = self.graph.constant(Scalar::new(true));
        self.along(AxisOp::Count, any)
    }

    /// Converts bools and integers to float64.
    fn float(&mut self, x: ExprId) -> ExprId {
        if self.graph.dtype(x).is_float() { x } else { self.graph.cast(x, DType::Float64) }
    }

    fn sqrt(&mut self, x: ExprId) -> ExprId {
        self.graph.apply(Op::Sqrt, &[x])
    }

    fn mean(&mut self, x: ExprId) -> ExprId {
        let x = self.float(x);
        let sum = self.reduce(ReduceOp::Sum, x);
        let count = self.count();
        let count = self.graph.cast(count, self.graph.dtype(x));
        self.graph.apply(Op::Div, &[sum, count])
    }

    fn variance(&mut self, x: ExprId) -> ExprId {
        let x = self.float(x);
        let deviations = self.reduce(ReduceOp::Deviations, x);
        let count = self.count();
        let freedom = self.degrees_of_freedom(count, true);
        let variance = self.graph.apply(Op::Div, &[deviations, freedom]);
        self.graph.cast(variance, self.graph.dtype(x))
    }

    /// `count - ddof` as float64; 0 if that is negative and `is_clipped`.
    fn degrees_of_freedom(&mut self, count: ExprId, is_clipped: bool) -> ExprId {
        let count = self.graph.cast(count, DType::Float64);
        if self.call.ddof == 0.0 {
            return count;
        }
        let ddof = self.graph.constant(Scalar::new(self.call.ddof));
        let freedom = self.graph.apply(Op::Sub, &[count, ddof]);
        if !is_clipped {
            return freedom;
        }
        let zero = self.graph.float_constant(DType::Float64, 0.0);
        self.graph.apply(Op::Max, &[freedom, zero])
    }

    /// `x` with every NaN replaced by another value. Only floats have a NaN.
    fn without_nan(&mut self, x: ExprId, instead: i64) -> ExprId {
        let dtype = self.graph.dtype(x);
        if !dtype.is_float() {
            return x;
        }
        let is_nan = self.graph.apply(Op::Ne, &[x, x]);
        let instead = self.graph.int_constant(dtype, instead);
        self.graph.apply(Op::Select, &[is_nan, instead, x])
    }

    /// The number of elements that are not NaN.
    fn count_not_nan(&mut self, x: ExprId) -> ExprId {
        let is_number = self.graph.apply(Op::Eq, &[x, x]);
        self.reduce(ReduceOp::Sum, is_number)
    }

    fn nan_mean(&mut self, x: ExprId) -> ExprId {
        let clean = self.without_nan(x, 0);
        let sum = self.reduce(ReduceOp::Sum, clean);
        let count = self.count_not_nan(x);
        let count = self.graph.cast(count, self.graph.dtype(x));
        self.graph.apply(Op::Div, &[sum, count])
    }

    fn nan_variance(&mut self, x: ExprId) -> ExprId {
        let dtype = self.graph.dtype(x);
        let deviations = self.reduce(ReduceOp::NanDeviations, x);
        let count = self.count_not_nan(x);
        let freedom = self.degrees_of_freedom(count, false);
        let variance = self.graph.apply(Op::Div, &[deviations, freedom]);
        let zero = self.graph.int_constant(DType::Float64, 0);
        let nan = self.graph.float_constant(DType::Float64, f64::NAN);
        let is_enough = self.graph.apply(Op::Gt, &[freedom, zero]);
        let variance = self.graph.apply(Op::Select, &[is_enough, variance, nan]);
        self.graph.cast(variance, dtype)
    }
}
