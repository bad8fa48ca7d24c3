//! How a plan is cut into tiles.

use super::Plan;
use crate::machine::{
    BAND_LANES, JOINED_TILE_BYTES, LANE_GRANULE, LINE_BYTES, MAX_BAND_BYTES, MIN_BAND_TOTAL_BYTES, TRANSPOSED_TILE,
};

/// A grid of tiles over rows and lanes, repeated for each index of the outer axes.
///
/// In the numbering of tiles, lane blocks run fastest, then row blocks, then the outer axes,
/// innermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// The most rows of a tile.
    pub rows_per_tile: usize,
    /// The most lanes of a tile.
    pub lanes_per_tile: usize,
    /// Tiles along the lanes.
    pub n_lane_blocks: usize,
    /// Tiles along the rows.
    pub n_row_blocks: usize,
    /// All tiles.
    pub n_tiles: usize,
    /// The tile whose elements of transposed operands should be prefetched while a tile is
    /// computed.
    pub ahead: Ahead,
}

/// A tile beside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// The tile of the next lanes.
    Lanes,
    /// The tile of the next rows.
    Rows,
}

impl Plan<'_> {
    /// Cuts the plan into tiles of at most `max_tile_elems` elements (at least 1).
    ///
    /// If the lane axis is long, a tile is a piece of one row; if it is short, a tile is as many
    /// whole rows as fit. With transposed operands, a tile is some lanes of some rows.
    #[must_use]
    pub fn tiling(&self, max_tile_elems: usize) -> Tiling {
        let nest = self.nest();
        let max_tile_elems = max_tile_elems.max(1);
        let (rows, lanes, ahead) = if self.joins_rows() {
            self.joined_tile(max_tile_elems)
        } else if nest.has_transposed() {
            self.transposed_tile(max_tile_elems)
        } else {
            let lanes = even_share(nest.n_lanes(), max_tile_elems).max(1);
            ((max_tile_elems / lanes).min(nest.n_rows()), lanes, Ahead::Lanes)
        };
        let (rows_per_tile, lanes_per_tile) = (rows.max(1), lanes.max(1));
        let (n_lane_blocks, n_row_blocks) =
            (nest.n_lanes().div_ceil(lanes_per_tile), nest.n_rows().div_ceil(rows_per_tile));
        let n_outer: usize = nest.outer_extents().iter().product();
        let n_tiles = n_outer * n_row_blocks * n_lane_blocks;
        let ahead = if n_lane_blocks == 1 { Ahead::Rows } else { ahead };
        Tiling { rows_per_tile, lanes_per_tile, n_lane_blocks, n_row_blocks, n_tiles, ahead }
    }

    /// A tile of whole rows, which the kernel sees as one.
    fn joined_tile(&self, max_tile_elems: usize) -> (usize, usize, Ahead) {
        let widest = self.packed().iter().map(|&input| self.dtypes()[input].size()).max();
        let max_tile_elems = max_tile_elems.min(JOINED_TILE_BYTES / widest.unwrap_or(1));
        let lanes = self.nest().n_lanes().min(max_tile_elems);
        let rows = (max_tile_elems / lanes.max(1)).min(self.nest().n_rows());
        (if rows >= LINE_BYTES { rows / LINE_BYTES * LINE_BYTES } else { rows }, lanes, Ahead::Rows)
    }

    /// A tile of operands of which some are transposed. It has so many rows that the output's tiles
    /// begin with whole cache lines, as streaming stores need.
    fn transposed_tile(&self, max_tile_elems: usize) -> (usize, usize, Ahead) {
        let sizes = || self.packed().iter().map(|&input| self.dtypes()[input].size());
        let band_rows = sizes().min().map_or(1, |smallest| LINE_BYTES / smallest);
        let band_bytes = self.nest().n_lanes().saturating_mul(band_rows * sizes().sum::<usize>());
        let total_bytes = self.n_elems().saturating_mul(self.bytes_per_elem());
        let is_band = (1..=MAX_BAND_BYTES).contains(&band_bytes) && total_bytes >= MIN_BAND_TOTAL_BYTES;
        let (rows, lanes) = if is_band { (band_rows, BAND_LANES) } else { TRANSPOSED_TILE };
        let lanes = lanes.min(self.nest().n_lanes()).min(max_tile_elems);
        (rows.min(max_tile_elems / lanes.max(1)), lanes, if is_band { Ahead::Rows } else { Ahead::Lanes })
    }
}

/// Splits `n` into as few pieces of at most `max` as possible. All have the same length, except
/// that the last one may be shorter.
fn even_share(n: usize, max: usize) -> usize {
    if n <= max {
        return n;
    }
    n.div_ceil(n.div_ceil(max)).next_multiple_of(LANE_GRANULE).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        assert_eq!(even_share(1000, 1024), 1000);
        assert_eq!(even_share(1025, 1024), 576);
        assert_eq!(even_share(2047, 1024), 1024);
        assert_eq!(even_share(100, 7), 7, "never more than the most");
        assert_eq!(even_share(usize::MAX / 2, 1024), 1024);
    }
}
