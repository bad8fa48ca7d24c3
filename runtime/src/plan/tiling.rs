//! How a plan is cut into tiles.

use super::Plan;
use crate::memory::LINE_BYTES;

/// Lanes of a tile are a multiple of this, so that only the last tile of a row has a strip that is not full.
const LANE_GRANULE: usize = 64;

/// Lanes of a tile of a *band*: of as many rows as a cache line has elements of the transposed operands, which are read
/// along the rows. The lines of the next band are asked for meanwhile.
///
/// Measured 2026-11 on 2 Zen 4 cores, f64 `a + b.T` on two threads, medians of one run, ns per element, for tiles of
/// [`TRANSPOSED_TILE`] and for bands of 64, 128 and 256 lanes: 3000 x 3000 1.21, 1.13, 1.01 and 1.08 (`a + b` 0.48); 4096 x
/// 4096 1.50, 1.17, 1.22 and 1.18; 1000 x 1000 1.37, 1.05, 1.10 and 1.10.
const BAND_LANES: usize = 128;

/// The most bytes of a band's lines, which have to wait in the L2 cache for the next band.
///
/// Measured as above, tiles against bands of 128 lanes: 6000 x 6000 1.12 and 1.05; 8000 x 8000, with bands of 500 KiB, 1.32 and
/// 1.43; 12000 x 12000 1.46 and 1.77.
const MAX_BAND_BYTES: usize = 384 << 10;

/// Below, nobody needs to ask: in bands 64 x 64 takes 1.12 times as long and 316 x 316, of 2.4 MB in all, 1.04 times.
const MIN_BAND_TOTAL_BYTES: usize = 4 << 20;

/// Rows and lanes of a tile of transposed operands without bands: of the former so many that the processor notices a run of
/// lines and reads ahead.
///
/// Measured as above: 1.65 ns per element for 128 rows x 64 lanes, 1.67 for 512 x 64, 1.70 for 256 x 64, 1.76 for 128 x 128,
/// 1.84 for 512 x 32; of another run 1.82 for 128 x 128, 1.93 for 64 x 64, 2.06 for 16 x 256.
const TRANSPOSED_TILE: (usize, usize) = (128, 64);

/// The most bytes of short rows' packed elements: they are read again for each tile, from the L1 cache. A tile has a multiple of 64
/// rows then, so that all tiles begin with a cache line of the output if the first one does, as streaming asks for.
///
/// Measured 2026-11 on 2 Zen 4 cores, f64 `a*c` of 1e6 x 3 elements with a row `c`, two threads, medians of one run, ns per
/// element: with tiles of 128 KiB 0.54, of 24 KiB 0.49, of 12 KiB 0.47 (`a*2` 0.45); of 16 KiB, and not of whole cache lines, 0.61.
/// Of 1e4 x 3 elements, where most of the time goes into packing them: 1.8 with 128 KiB, 0.73 with 8.
const JOINED_TILE_BYTES: usize = 12 << 10;

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
    /// Which tile's elements of transposed operands should be asked for while a tile is computed.
    pub ahead: Ahead,
}

/// A tile beside another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// That of the next lanes.
    Lanes,
    /// That of the next rows.
    Rows,
}

impl Plan<'_> {
    /// Cuts the plan into tiles of at most `max_tile_elems` elements (at least 1).
    ///
    /// If the lane axis is long, a tile is a piece of one row; if it is short, as many whole rows as fit. With transposed
    /// operands it is of some rows and some lanes.
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

    /// Whole rows, which the kernel sees as one.
    fn joined_tile(&self, max_tile_elems: usize) -> (usize, usize, Ahead) {
        let widest = self.packed().iter().map(|&input| self.dtypes()[input].size()).max();
        let max_tile_elems = max_tile_elems.min(JOINED_TILE_BYTES / widest.unwrap_or(1));
        let lanes = self.nest().n_lanes().min(max_tile_elems);
        let rows = (max_tile_elems / lanes.max(1)).min(self.nest().n_rows());
        (if rows >= LINE_BYTES { rows / LINE_BYTES * LINE_BYTES } else { rows }, lanes, Ahead::Rows)
    }

    /// Rows and lanes of operands of which some are transposed.
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
