//! The shape of a leaf: what accumulates elements and how, and the loops over lanes and rows that
//! every accumulator shares.
//!
//! Elements are folded a row of `N` at a time into `N` lanes. The loops over lanes are innermost,
//! have a constant count and no branch, so the compiler makes vectors of them, of whatever width
//! the CPU has. Everything is `#[inline(always)]`, so that it is compiled in the functions of
//! `code`, for their instruction set.

use super::{LANES, LEAF};

/// What is done with an element.
pub(super) trait Step {
    /// An element as it is in memory: any bits are valid.
    type Elem: Copy;
    /// What a lane accumulates in.
    type Lane: Copy;
    /// `N` lanes; each of their parts has a separate array.
    type Lanes<const N: usize>: Copy;

    /// The element that pads the last row of a leaf, unless its elements are added [`SHORT`] lanes
    /// at a time. It changes no lane, and does not matter in a lane that has no other. `None` if
    /// the compiler makes vectors of so few lanes.
    fn padding() -> Option<Self::Elem>;

    fn get<const N: usize>(lanes: &Self::Lanes<N>, lane: usize) -> Self::Lane;

    fn set<const N: usize>(lanes: &mut Self::Lanes<N>, lane: usize, value: Self::Lane);

    /// Adds the element of a row to a lane. Rows are counted from 0, and there are no more than
    /// [`LEAF`] / [`LANES`] of them.
    fn add(lane: Self::Lane, x: Self::Elem, row: usize) -> Self::Lane;
}

/// What folds a leaf in one pass.
pub(super) trait Fold: Step {
    type Partial: Copy;
    type Output: Copy;

    /// Lanes without elements.
    fn start<const N: usize>() -> Self::Lanes<N>;

    /// The partial of lane number `number`.
    fn partial(lane: Self::Lane, place: Place, number: usize) -> Self::Partial;

    /// The partial of each lane.
    #[inline(always)]
    fn partials<const N: usize>(lanes: &Self::Lanes<N>, place: Place) -> [Self::Partial; N] {
        // Not `array::from_fn`, which measured slower for partials of several parts.
        let mut partials = [Self::partial(Self::get(lanes, 0), place, 0); N];
        for (j, partial) in partials.iter_mut().enumerate() {
            *partial = Self::partial(Self::get(lanes, j), place, j);
        }
        partials
    }

    /// The partial of all lanes. They are combined by halving, or in any other way if their order
    /// does not change the result.
    #[inline(always)]
    fn total<const N: usize>(lanes: &Self::Lanes<N>, place: Place) -> Self::Partial {
        halve(Self::partials(lanes, place), Self::combine)
    }

    /// The partial of two groups of elements, those of `left` first unless they are the lanes of a
    /// leaf.
    fn combine(left: Self::Partial, right: Self::Partial) -> Self::Partial;

    fn finish(partial: Self::Partial) -> Self::Output;
}

/// What reduces leaves to partials, and partials to a result, in any number of passes.
pub(super) trait Reduce {
    type Elem: Copy;
    /// Eight-byte words or one element: no padding, and any bits are valid.
    type Partial: Copy;
    type Output: Copy;

    /// The partial of a leaf, `N` lanes at a time unless the order of the elements changes the
    /// result.
    ///
    /// # Safety
    ///
    /// At `src` are `n` elements, 1 to [`LEAF`]; no alignment is asked for.
    unsafe fn leaf<const N: usize>(n: usize, src: *const Self::Elem, first: u64) -> Self::Partial;

    /// The partial of each of `N` lanes.
    ///
    /// # Safety
    ///
    /// At `src`, and every `row_stride` bytes from there, are `rows` rows of `N` elements; no
    /// alignment is asked for.
    unsafe fn columns<const N: usize>(
        rows: usize,
        src: *const Self::Elem,
        row_stride: isize,
        first: u64,
    ) -> [Self::Partial; N];

    fn combine(left: Self::Partial, right: Self::Partial) -> Self::Partial;

    fn finish(partial: Self::Partial) -> Self::Output;
}

impl<F: Fold> Reduce for F {
    type Elem = F::Elem;
    type Partial = F::Partial;
    type Output = F::Output;

    #[inline(always)]
    unsafe fn leaf<const N: usize>(n: usize, src: *const F::Elem, first: u64) -> F::Partial {
        if n <= SHORT {
            // SAFETY: the caller's elements.
            let lanes = unsafe { fold_flat::<F, SHORT>(F::start(), n, src) };
            return F::total(&lanes, Place::flat::<SHORT>(first));
        }
        // SAFETY: as above.
        let lanes = unsafe { fold_flat::<F, N>(F::start(), n, src) };
        F::total(&lanes, Place::flat::<N>(first))
    }

    #[inline(always)]
    unsafe fn columns<const N: usize>(
        rows: usize,
        src: *const F::Elem,
        row_stride: isize,
        first: u64,
    ) -> [F::Partial; N] {
        // SAFETY: the caller's elements.
        let lanes = unsafe { fold_rows::<F, N, COLUMN_GROUP>(F::start(), rows, src, row_stride) };
        F::partials(&lanes, Place { first, row_step: 1, lane_step: 0 })
    }

    #[inline(always)]
    fn combine(left: F::Partial, right: F::Partial) -> F::Partial {
        <F as Fold>::combine(left, right)
    }

    #[inline(always)]
    fn finish(partial: F::Partial) -> F::Output {
        <F as Fold>::finish(partial)
    }
}

/// Leaves of no more than this many elements take a shorter way, with the same result: they are a
/// row of this many lanes. That is the tree of [`LANES`] lanes without those that have no element.
pub(super) const SHORT: usize = 8;
const _: () = assert!(SHORT.is_power_of_two() && SHORT <= LANES);

/// Where the elements that lanes have accumulated are: in lane `j`, row `r` has index
/// `first + r * row_step + j * lane_step`.
#[derive(Clone, Copy)]
pub(super) struct Place {
    first: u64,
    row_step: u64,
    lane_step: u64,
}

impl Place {
    /// Rows of `N` elements, one after the other.
    #[inline(always)]
    pub(super) fn flat<const N: usize>(first: u64) -> Place {
        Place { first, row_step: N as u64, lane_step: 1 }
    }

    #[inline(always)]
    pub(super) fn index(self, row: u64, lane: usize) -> u64 {
        self.first.wrapping_add(row * self.row_step).wrapping_add(lane as u64 * self.lane_step)
    }
}

/// Adds `n` consecutive elements to `N` lanes, element `i` to lane `i % N`.
///
/// # Safety
///
/// At `src` are `n` elements; no alignment is asked for.
#[inline(always)]
pub(super) unsafe fn fold_flat<S: Step, const N: usize>(
    lanes: S::Lanes<N>,
    n: usize,
    src: *const S::Elem,
) -> S::Lanes<N> {
    let (rows, rest) = (n / N, n % N);
    // SAFETY: `rows * N <= n` elements, in consecutive rows.
    let mut lanes = unsafe { fold_rows::<S, N, GROUP>(lanes, rows, src, size_of::<[S::Elem; N]>() as isize) };
    if rest > 0 {
        // SAFETY: the `rest < N` elements after those; or as many bytes of them, since they may be
        // unaligned, and then the padded row.
        unsafe {
            let src = src.add(rows * N);
            match S::padding() {
                None => fold_rest::<S, N>(&mut lanes, rows, rest, src),
                Some(padding) => {
                    let mut last = [padding; N];
                    let (from, to) = (src.cast::<u8>(), last.as_mut_ptr().cast::<u8>());
                    from.copy_to_nonoverlapping(to, rest * size_of::<S::Elem>());
                    fold_group::<S, N, 1>(&mut lanes, rows, last.as_ptr(), 0);
                }
            }
        }
    }
    lanes
}

/// Adds `n < N` elements of row `row` to the first lanes: [`SHORT`] lanes at a time, then one by
/// one. Lanes without an element stay as they are.
///
/// # Safety
///
/// At `src` are `n` elements; no alignment is asked for.
#[inline(always)]
unsafe fn fold_rest<S: Step, const N: usize>(lanes: &mut S::Lanes<N>, row: usize, n: usize, src: *const S::Elem) {
    let mut add = |j: usize| {
        // SAFETY: `j < n` in all calls below.
        let x = unsafe { src.add(j).read_unaligned() };
        let lane = S::add(S::get(lanes, j), x, row);
        S::set(lanes, j, lane);
    };
    // The count is a constant, so that the compiler unrolls the loop and knows every lane.
    for group in 0..N / SHORT {
        if (group + 1) * SHORT > n {
            break;
        }
        (group * SHORT..(group + 1) * SHORT).for_each(&mut add);
    }
    (n / SHORT * SHORT..n).for_each(&mut add);
}

/// Adds `rows` rows of `N` elements to `N` lanes, `GROUP` rows to a lane before it goes on to the
/// next lane. So an accumulator is loaded and stored once for so many rows.
///
/// # Safety
///
/// The contract of [`Reduce::columns`].
#[inline(always)]
pub(super) unsafe fn fold_rows<S: Step, const N: usize, const GROUP: usize>(
    mut lanes: S::Lanes<N>,
    rows: usize,
    src: *const S::Elem,
    row_stride: isize,
) -> S::Lanes<N> {
    let mut row = 0;
    while row + GROUP <= rows {
        let src = src.wrapping_byte_offset(row as isize * row_stride);
        // SAFETY: by the caller's contract these rows are there.
        unsafe { fold_group::<S, N, GROUP>(&mut lanes, row, src, row_stride) }
        row += GROUP;
    }
    while row < rows {
        let src = src.wrapping_byte_offset(row as isize * row_stride);
        // SAFETY: as above.
        unsafe { fold_group::<S, N, 1>(&mut lanes, row, src, row_stride) }
        row += 1;
    }
    lanes
}

/// Rows of a group where they follow one another in memory. With more rows, the CPU does not see
/// that it reads a stream.
///
/// Chosen by "row-group" in docs/measurements.md.
const GROUP: usize = 2;

/// Rows of a group where they are apart: each is a separate stream, so more are better.
///
/// Chosen by "column-group" in docs/measurements.md.
pub(super) const COLUMN_GROUP: usize = 8;

/// Adds `ROWS` rows of `N` elements, `row` the first of them, to `N` lanes.
///
/// # Safety
///
/// At `src`, and every `row_stride` bytes from there, are `ROWS` rows of `N` elements; no alignment
/// is asked for.
#[inline(always)]
unsafe fn fold_group<S: Step, const N: usize, const ROWS: usize>(
    lanes: &mut S::Lanes<N>,
    row: usize,
    src: *const S::Elem,
    row_stride: isize,
) {
    for j in 0..N {
        let mut lane = S::get(lanes, j);
        for i in 0..ROWS {
            // SAFETY: element `j < N` of row `i < ROWS`, by the caller's contract.
            let x = unsafe { src.byte_offset(i as isize * row_stride).add(j).read_unaligned() };
            lane = S::add(lane, x, row + i);
        }
        S::set(lanes, j, lane);
    }
}

/// Combines lanes by halving: `j` with `j + N/2`, then `j + N/4`, and so on. `N` is a power of two.
#[inline(always)]
pub(super) fn halve<P: Copy, const N: usize>(mut partials: [P; N], combine: impl Fn(P, P) -> P) -> P {
    let mut half = N / 2;
    while half > 0 {
        for lane in 0..half {
            partials[lane] = combine(partials[lane], partials[lane + half]);
        }
        half /= 2;
    }
    partials[0]
}

/// Writes the partial of each leaf of `n` elements. Leaves have [`LEAF`] elements; the last may
/// have fewer.
///
/// # Safety
///
/// At `src` are `n` elements, of any alignment. At `partials` is room for as many partials as there
/// are leaves.
#[inline(always)]
pub(super) unsafe fn leaves<R: Reduce, const N: usize>(
    n: usize,
    src: *const R::Elem,
    first: u64,
    partials: *mut R::Partial,
) {
    for leaf in 0..n.div_ceil(LEAF) {
        let start = leaf * LEAF;
        // SAFETY: the elements from `start < n` on, as many as a leaf has or are left; `leaf`
        // counts the leaves.
        unsafe {
            let partial = R::leaf::<N>((n - start).min(LEAF), src.add(start), first.wrapping_add(start as u64));
            partials.add(leaf).write(partial);
        }
    }
}

/// Writes the partial of each of `lanes` lanes of `rows` rows.
///
/// # Safety
///
/// At `src`, and every `row_stride` bytes from there, are `rows` rows of `lanes` elements, of any
/// alignment. At `partials` is room for `lanes` partials.
#[inline(always)]
pub(super) unsafe fn columns<R: Reduce, const N: usize>(
    rows: usize,
    lanes: usize,
    src: *const R::Elem,
    row_stride: isize,
    first: u64,
    partials: *mut R::Partial,
) {
    // SAFETY: the caller's contract, and each has as many lanes at least as its blocks.
    unsafe {
        if lanes >= N {
            blocks::<R, N>(rows, lanes, src, row_stride, first, partials);
        } else if lanes >= SHORT {
            blocks::<R, SHORT>(rows, lanes, src, row_stride, first, partials);
        } else {
            blocks::<R, 1>(rows, lanes, src, row_stride, first, partials);
        }
    }
}

/// [`columns`], `N` lanes at a time. The last block overlaps the one before it if it must.
///
/// # Safety
///
/// That of [`columns`]; `lanes` is 0 or at least `N`.
#[inline(always)]
unsafe fn blocks<R: Reduce, const N: usize>(
    rows: usize,
    lanes: usize,
    src: *const R::Elem,
    row_stride: isize,
    first: u64,
    partials: *mut R::Partial,
) {
    for block in 0..lanes.div_ceil(N) {
        let start = (block * N).min(lanes - N);
        // SAFETY: these lanes end at `start + N <= lanes`.
        unsafe {
            let block = R::columns::<N>(rows, src.add(start), row_stride, first);
            partials.add(start).cast::<[R::Partial; N]>().write(block);
        }
    }
}

/// Combines each partial of `right` into that of `left`.
#[inline(always)]
pub(super) fn combine<R: Reduce>(left: &mut [R::Partial], right: &[R::Partial]) {
    for (left, &right) in left.iter_mut().zip(right) {
        *left = R::combine(*left, right);
    }
}

/// Combines partials of neighbouring nodes in pairs, the pairs in pairs, and so on, into the first
/// one. This is the order of a [`Tree`](super::Tree).
#[inline(always)]
pub(super) fn node<R: Reduce>(partials: &mut [R::Partial]) {
    let mut n = partials.len();
    while n > 1 {
        for pair in 0..n / 2 {
            partials[pair] = R::combine(partials[2 * pair], partials[2 * pair + 1]);
        }
        if n % 2 == 1 {
            partials[n / 2] = partials[n - 1];
        }
        n = n.div_ceil(2);
    }
}
