//! Where the elements of a record may be in memory.

use super::records::Input;
use crate::cases::arrays::{Array, Layout};
use ndexpr::DType;

/// Elements somewhere in memory.
pub(super) struct Place {
    pub(super) name: String,
    /// The order of its axes, if they have one. Results are the same bits for places of the same
    /// order.
    pub(super) order: Option<Vec<usize>>,
    pub(super) array: Array,
}

pub(super) const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

pub(super) fn in_order(shape: &[usize], order: [usize; 3]) -> Layout {
    let mut layout = Layout::dense(shape);
    layout.order = order.to_vec();
    layout
}

impl Input {
    pub(super) fn place(&self, name: String, layout: &Layout) -> Place {
        // A true bool may be any byte that is not 0.
        let bits = |i: usize| match self.dtype {
            DType::Bool => self.bits[i] * (1 + i as u64 % 255),
            _ => self.bits[i],
        };
        let order = layout.is_apart().then(|| layout.order.clone());
        Place { name, order, array: Array::new(self.dtype, layout, bits) }
    }

    /// The elements in every order of axes; in each of them dense, and in one other way or all
    /// others.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (i, order) in ORDERS.into_iter().enumerate() {
            let dense = || in_order(&self.shape, order);
            let (mut half_reversed, mut apart) = (dense(), dense());
            half_reversed.steps[order[1]] = -1;
            apart.gap = 3;
            let mut others = vec![
                ("every second", dense().step(2)),
                ("reversed", dense().step(-1)),
                ("unaligned", dense().misaligned(1)),
                ("one axis reversed", half_reversed),
                ("odd strides", apart),
                ("every third reversed, unaligned", dense().step(-3).misaligned(3)),
            ];
            if i > 0 {
                others = vec![others.swap_remove(i)];
            }
            places.push(self.place(format!("{order:?}"), &dense()));
            places.extend(others.iter().map(|(how, layout)| self.place(format!("{order:?} {how}"), layout)));
        }
        places.extend(self.splats());
        places
    }

    /// Layouts with a stride of 0 along axes where all elements are the same.
    fn splats(&self) -> Vec<Place> {
        let is_same = |&axis: &usize| {
            let (extent, step) = (self.shape[axis], self.shape[axis + 1..].iter().product::<usize>());
            self.bits.iter().enumerate().all(|(i, &bits)| bits == self.bits[i - i / step % extent * step])
        };
        let same: Vec<usize> = (0..3).filter(is_same).collect();
        let mut places = Vec::new();
        let mut add = |order, axes: &[usize], step: isize| {
            let mut layout = in_order(&self.shape, order).step(step).misaligned(usize::from(step < 0));
            axes.iter().for_each(|&axis| layout.steps[axis] = 0);
            places.push(self.place(format!("{order:?} with steps of {step}, and of 0 along {axes:?}"), &layout));
        };
        if !same.is_empty() {
            ORDERS.iter().for_each(|&order| add(order, &same, 1));
            same.iter().for_each(|&axis| add(ORDERS[axis], &[axis], -2));
        }
        places
    }

    /// A few of the places, for inputs of many elements.
    pub(super) fn few_places(&self) -> Vec<Place> {
        let shape = &self.shape;
        [
            ("dense", in_order(shape, [0, 1, 2])),
            ("reversed, unaligned", in_order(shape, [0, 1, 2]).step(-1).misaligned(1)),
            ("Fortran order", in_order(shape, [2, 1, 0])),
            ("every second of [1, 0, 2]", in_order(shape, [1, 0, 2]).step(2)),
        ]
        .map(|(name, layout)| self.place(name.to_owned(), &layout))
        .into()
    }
}
