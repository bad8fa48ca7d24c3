//! Third and fourth powers: as calls, or as instructions of the loop.
//!
//! In: a power of the graph, or the value that is raised. Out: whether the power is a call, or the
//! value of its instructions. Always true: the instructions are the operations of the runtime's
//! functions, one by one, so both ways give the same bits.

use super::{Builder, Preferences};
use crate::hir::ExprId;
use crate::tape::{Condition, Inst, Ty, ValueId};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{LARGEST_SQUARE_OF_CUBES, LARGEST_SQUARE_OF_QUARTS};

impl Builder<'_> {
    /// Whether a third or fourth power is a call. It is one where calls are preferred, unless it is
    /// the same in all lanes. A power of float64 is also one where loops have no fused
    /// multiply-add.
    // Chosen by "power-calls" in docs/measurements.md.
    pub(super) fn is_called(&self, power: ExprId, dtype: DType) -> bool {
        match self.preferences {
            Preferences { prefers_calls: true, .. } if !self.graph.is_scalar(power) => true,
            Preferences { fuses_in_loops, .. } => !fuses_in_loops && dtype == DType::Float64,
        }
    }

    /// The third power, computed as the runtime's `Cube` does, operation by operation.
    pub(super) fn cube(&mut self, x: ValueId, dtype: DType) -> ValueId {
        if dtype == DType::Float32 {
            let wide = self.push(Inst::ResizeFloat, &[x], Ty::float(8));
            let square = self.same(Inst::Mul, &[wide, wide]);
            let cube = self.same(Inst::Mul, &[square, wide]);
            return self.push(Inst::ResizeFloat, &[cube], Ty::float(4));
        }
        let (h, l) = self.square_with_error(x);
        let c = self.same(Inst::Mul, &[l, x]);
        let c = self.if_less(h, LARGEST_SQUARE_OF_CUBES, c);
        self.same(Inst::Fma, &[h, x, c])
    }

    pub(super) fn quart(&mut self, x: ValueId, dtype: DType) -> ValueId {
        if dtype == DType::Float32 {
            let wide = self.push(Inst::ResizeFloat, &[x], Ty::float(8));
            let square = self.same(Inst::Mul, &[wide, wide]);
            let quart = self.same(Inst::Mul, &[square, square]);
            return self.push(Inst::ResizeFloat, &[quart], Ty::float(4));
        }
        let (h, l) = self.square_with_error(x);
        let twice_h = self.same(Inst::Add, &[h, h]);
        let c = self.same(Inst::Mul, &[twice_h, l]);
        let c = self.if_less(h, LARGEST_SQUARE_OF_QUARTS, c);
        self.same(Inst::Fma, &[h, h, c])
    }

    /// The square, and what rounding took from it.
    fn square_with_error(&mut self, x: ValueId) -> (ValueId, ValueId) {
        let h = self.same(Inst::Mul, &[x, x]);
        let minus_h = self.same(Inst::Neg, &[h]);
        (h, self.same(Inst::Fma, &[x, x, minus_h]))
    }

    /// A correction of a float64, or 0 where `h` is not less than the limit.
    fn if_less(&mut self, h: ValueId, limit: f64, correction: ValueId) -> ValueId {
        let limit = self.float(8, limit);
        let is_less = self.compare(Condition::Lt, false, h, limit);
        let zero = self.float(8, 0.0);
        self.select(is_less, correction, zero)
    }
}
