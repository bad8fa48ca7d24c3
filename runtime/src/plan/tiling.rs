//! How a plan is cut into tiles.

use super::Plan;

/// Lanes of a tile are a multiple of this, so that only the last tile of a row has a strip that is not full.
const LANE_GRANULE: usize = 64;

/// The side of a tile whose operands disagree on the fastest axis: enough rows to use up the cache lines of the
/// transposed ones, enough lanes to use up those of the others, few enough of both for the L1 cache and its TLB.
///
/// Reckoned, not measured: sides from 32 to 128 were within the noise of a busy machine. `examples/measure.rs` has the
/// case (`a + b.T*2`).
const TRANSPOSED_SIDE: usize = 64;

/// A grid of tiles over rows and lanes, repeated for each index of the outer axes.
///
/// Tiles are numbered lane blocks fastest, then row blocks, then outer axes, innermost first.
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
}

impl Plan<'_> {
    /// Cuts the plan into tiles of at most `max_tile_elems` elements (at least 1).
    ///
    /// If the lane axis is long, a tile is a piece of one row; if it is short, as many whole rows as fit.
    #[must_use]
    pub fn tiling(&self, max_tile_elems: usize) -> Tiling {
        let nest = self.nest();
        let max_tile_elems = max_tile_elems.max(1);
        let (n_lanes, n_rows) = (nest.n_lanes(), nest.n_rows());
        let lanes_per_tile = if nest.has_transposed() {
            n_lanes.min(TRANSPOSED_SIDE).min(max_tile_elems)
        } else {
            even_share(n_lanes, max_tile_elems)
        }
        .max(1);
        let max_rows = if nest.has_transposed() { TRANSPOSED_SIDE } else { n_rows };
        let rows_per_tile = (max_tile_elems / lanes_per_tile).min(max_rows).max(1);
        let (n_lane_blocks, n_row_blocks) = (n_lanes.div_ceil(lanes_per_tile), n_rows.div_ceil(rows_per_tile));
        let n_outer: usize = nest.outer_extents().iter().product();
        let n_tiles = n_outer * n_row_blocks * n_lane_blocks;
        Tiling { rows_per_tile, lanes_per_tile, n_lane_blocks, n_row_blocks, n_tiles }
    }
}

/// Splits `n` into as few pieces of at most `max` as possible, alike but for the last, which may be shorter.
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
