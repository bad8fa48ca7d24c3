//! Where the views of a program lie in the arrays of a call.
//!
//! In: the values of a call. Out: its views. A [`Parts`] holds no pointers, so it serves every
//! later call whose arrays have the same shapes and strides.

use crate::vars::Var;
use ndexpr_runtime::view::{PartLayout, View};
use smallvec::SmallVec;

/// The value of the variable of a place, which a caller gives, or a phase of a procedure.
pub(super) type ValueAt<'m, 'v> = &'m dyn Fn(usize) -> Option<&'v Var<'v>>;

pub(super) type Views<'v> = SmallVec<[View<'v>; 8]>;

/// How the views of a program lie in the arrays of a call.
#[derive(Default)]
pub(super) struct Parts {
    /// The arrays that they follow from, each with the place of its variable.
    pub(super) arrays: SmallVec<[(usize, PartLayout); 4]>,
    /// For each view of the graph, which of the arrays it is of, and where it lies in that.
    pub(super) views: SmallVec<[(usize, PartLayout); 8]>,
}

impl Parts {
    /// The views of a call; `None` if its arrays lie in another way.
    pub(super) fn views<'v>(&self, value_at: ValueAt<'_, 'v>) -> Option<Views<'v>> {
        let array = |(place, whole): &(usize, PartLayout)| value_at(*place)?.view().filter(|array| whole.is_for(array));
        let arrays: Views<'v> = self.arrays.iter().map(array).collect::<Option<_>>()?;
        self.views.iter().map(|(index, part)| part.of(&arrays[*index])).collect()
    }
}
