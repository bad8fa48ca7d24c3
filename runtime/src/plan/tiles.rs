//! Walking over the tiles of a plan.
//!
//! In: a tiling and a range of tile numbers. Out: for each tile its rows, its lanes, and where its
//! operands are. The first tile is found by division, and each following one by a step from the
//! tile before it.

use std::ops::Range;

use super::{PerOperand, Plan, Tiling};
use crate::abi::Operand;
use crate::view::{Shape, step};

impl Plan<'_> {
    /// Calls `f(n_rows, n_lanes, operands)` for each tile of the range. All pointers stay inside of
    /// the operands' views, by rules 1 and 4 of a [plan](super), if `tiles` is inside of
    /// `0..tiling.n_tiles`.
    pub(crate) fn for_each_tile(
        &self,
        tiling: &Tiling,
        tiles: Range<usize>,
        mut f: impl FnMut(usize, usize, &[Operand]),
    ) {
        let nest = self.nest();
        let outer_extents = nest.outer_extents();

        let (mut lane_block, rest) = (tiles.start % tiling.n_lane_blocks, tiles.start / tiling.n_lane_blocks);
        let (mut row_block, mut rest) = (rest % tiling.n_row_blocks, rest / tiling.n_row_blocks);
        let mut outer_index: Shape = outer_extents.iter().map(|_| 0).collect();
        for (index, &extent) in outer_index.iter_mut().zip(outer_extents).rev() {
            (*index, rest) = (rest % extent, rest / extent);
        }
        // Where each operand is at row 0, lane 0 of the current outer index.
        let walks = || nest.operands.iter().zip(&self.starts);
        let mut starts: PerOperand<*mut u8> = walks()
            .map(|(walk, &start)| {
                let steps = outer_index.iter().zip(&walk.strides);
                steps.fold(start, |ptr, (&index, &stride)| ptr.wrapping_offset(index as isize * stride))
            })
            .collect();
        let mut operands: PerOperand<Operand> = walks()
            .map(|(walk, &ptr)| Operand { ptr, lane_stride: walk.lane_stride(), row_stride: walk.row_stride() })
            .collect();

        for _ in tiles {
            let (row, lane) = (row_block * tiling.rows_per_tile, lane_block * tiling.lanes_per_tile);
            for (operand, start) in operands.iter_mut().zip(&starts) {
                let offset = row as isize * operand.row_stride + lane as isize * operand.lane_stride;
                operand.ptr = start.wrapping_offset(offset);
            }
            let n_rows = tiling.rows_per_tile.min(nest.n_rows() - row);
            let n_lanes = tiling.lanes_per_tile.min(nest.n_lanes() - lane);
            f(n_rows, n_lanes, &operands);

            lane_block += 1;
            if lane_block < tiling.n_lane_blocks {
                continue;
            }
            lane_block = 0;
            row_block += 1;
            if row_block < tiling.n_row_blocks {
                continue;
            }
            row_block = 0;
            step(&mut outer_index, outer_extents, |axis, n_steps| {
                for (start, walk) in starts.iter_mut().zip(&nest.operands) {
                    *start = start.wrapping_offset(n_steps * walk.strides[axis]);
                }
            });
        }
    }
}
