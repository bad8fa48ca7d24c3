//! What was found out for one plan, for later plans of arrays that lie in the same way.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Geometry, Input, Plan, PlanError, check_memory};
use crate::view::{Layout, RawView, Shape, ViewMut};

/// The iteration of a plan without its memory: for operands of the same dtypes, shapes and strides,
/// wherever they are. To find this out again would take several times as long as a thousand
/// additions.
///
/// ```
/// use ndexpr_runtime::plan::{Input, Known, Plan};
/// use ndexpr_runtime::view::{View, ViewMut};
///
/// let (a, b) = (ndarray::Array2::<f64>::ones((3, 4)), ndarray::Array2::<f64>::zeros((3, 4)));
/// let (mut out, mut other) = (a.clone(), b.clone());
/// let mut known = None;
/// for (input, out) in [(&a, &mut out), (&b, &mut other)] {
///     let (input, mut outputs) = (View::from(input), [ViewMut::from(out)]);
///     let plan = Plan::as_known(&mut known, &[3, 4], &[Input::View(&input)], &mut outputs)?;
///     // One row of twelve elements.
///     assert_eq!(plan.extents(), [1, 12]);
/// }
/// # Ok::<(), ndexpr_runtime::plan::PlanError>(())
/// ```
pub struct Known {
    shape: Shape,
    /// The layouts of all operands, inputs first.
    layouts: SmallVec<[Layout; 4]>,
    n_inputs: usize,
    geometry: Geometry,
}

impl Known {
    fn is_for(&self, shape: &[usize], operands: &[&RawView], n_inputs: usize) -> bool {
        self.n_inputs == n_inputs
            && *self.shape == *shape
            && self.layouts.len() == operands.len()
            && self.layouts.iter().zip(operands).all(|(layout, operand)| layout.is_of(operand.by_ref()))
    }
}

impl<'a> Plan<'a> {
    /// The same as [`Plan::in_place`]. If the operands lie as those that are `known`, most of the
    /// work is spared; otherwise these become known.
    ///
    /// # Errors
    ///
    /// As [`Plan::in_place`].
    pub fn as_known(
        known: &'a mut Option<Box<Known>>,
        shape: &[usize],
        inputs: &[Input<'_, 'a>],
        outputs: &'a mut [ViewMut<'_>],
    ) -> Result<Plan<'a>, PlanError> {
        let operands = Plan::operands(inputs.iter().copied(), outputs)?;
        let n_inputs = inputs.len();
        if !known.as_ref().is_some_and(|known| known.is_for(shape, &operands, n_inputs)) {
            let geometry = Geometry::new(shape, &operands, n_inputs)?;
            let layouts = operands.iter().map(|operand| operand.layout()).collect();
            *known = Some(Box::new(Known { shape: Shape::from_slice(shape), layouts, n_inputs, geometry }));
        }
        let is_in_place = check_memory(&operands[..n_inputs], &operands[n_inputs..])?;
        let ptrs: SmallVec<[*mut u8; 8]> = operands.iter().map(|operand| operand.ptr).collect();
        let geometry = &known.as_ref().expect("it was just set").geometry;
        Ok(Plan::at(Cow::Borrowed(geometry), ptrs.into_iter(), is_in_place))
    }
}
