//! Combines the partials of leaves in an order that no chunking changes.

use super::Reducer;

/// A binary counter of partials, or of rows of them: leaves are combined in pairs, pairs in pairs
/// of pairs, and so on.
///
/// Nodes are pushed in order. A node of level `k` is 2^k leaves, and starts at a multiple of 2^k
/// leaves; only the last may have fewer. A tree of up to 2^k leaves [finishes](Tree::finish) with
/// such a node. So a chunk of 2^k leaves can have a separate tree: the bits are those of one tree
/// for all leaves.
///
/// ```
/// use ndexpr_runtime::{dtype::DType, reduce::{LEAF, ReduceOp, Reducer, Tree}};
///
/// let reducer = Reducer::new(ReduceOp::Sum, DType::Float64).unwrap();
/// let elements: Vec<f64> = (0..10_000).map(f64::from).collect();
/// let mut scratch = vec![0; Tree::scratch_words(&reducer, 1, elements.len().div_ceil(LEAF) as u64)];
/// let mut tree = Tree::new(reducer, 1, &mut scratch);
/// for leaf in elements.chunks(LEAF) {
///     // SAFETY: these are elements, and a slot has room for the partial of one leaf.
///     unsafe { reducer.leaves(leaf.len(), leaf.as_ptr().cast(), 0, tree.slot().as_mut_ptr().cast()) }
///     tree.push(0);
/// }
/// let mut sum = 0.0_f64;
/// // SAFETY: this is a partial, and there is room for one result.
/// unsafe { reducer.finish(1, tree.finish().unwrap().as_ptr().cast(), (&raw mut sum).cast(), 0) }
/// assert_eq!(sum, 49_995_000.0);
/// ```
#[derive(Debug)]
pub struct Tree<'s> {
    reducer: Reducer,
    width: usize,
    /// The nodes from the left, with decreasing levels. Each takes as many words as a row. After
    /// them there is room for the next node.
    scratch: &'s mut [u64],
    /// Leaves so far, the last node counted as if it were whole: bit `k` is set if there is a node
    /// of level `k`.
    leaves: u64,
}

impl<'s> Tree<'s> {
    /// Words of scratch that a tree of rows of `width` partials needs, for up to `leaves` leaves.
    ///
    /// If all nodes that are pushed are of one level, `leaves` may count these nodes.
    #[must_use]
    pub fn scratch_words(reducer: &Reducer, width: usize, leaves: u64) -> usize {
        // A row for each bit of the count, and the next.
        row_words(reducer, width) * (u64::BITS - leaves.leading_zeros() + 1) as usize
    }

    /// A tree without leaves.
    #[must_use]
    pub fn new(reducer: Reducer, width: usize, scratch: &'s mut [u64]) -> Tree<'s> {
        Tree { reducer, width, scratch, leaves: 0 }
    }

    /// Where the partials of the next node go.
    ///
    /// # Panics
    ///
    /// If the scratch is too small for the leaves pushed.
    pub fn slot(&mut self) -> &mut [u64] {
        let words = row_words(&self.reducer, self.width);
        let start = self.depth() * words;
        &mut self.scratch[start..start + words]
    }

    /// Takes what is in the slot as the next node, of this level.
    ///
    /// # Panics
    ///
    /// If the leaves so far are no multiple of 2^`level`, or if the slot is not in the scratch.
    pub fn push(&mut self, level: u32) {
        assert!(level < u64::BITS && level <= self.leaves.trailing_zeros(), "a node is aligned to its size");
        let mut depth = self.depth();
        self.slot();
        let mut carry = 1_u64 << level;
        while self.leaves & carry != 0 {
            self.fold(depth);
            depth -= 1;
            self.leaves ^= carry;
            carry <<= 1;
        }
        self.leaves |= carry;
    }

    /// The partials of all leaves, the most recent nodes combined first; `None` if there were none.
    #[must_use]
    pub fn finish(mut self) -> Option<&'s mut [u64]> {
        if self.leaves == 0 {
            return None;
        }
        for depth in (1..self.depth()).rev() {
            self.fold(depth);
        }
        let words = row_words(&self.reducer, self.width);
        Some(&mut self.scratch[..words])
    }

    /// How many nodes there are.
    fn depth(&self) -> usize {
        self.leaves.count_ones() as usize
    }

    /// Combines the node at `depth` into the one before.
    fn fold(&mut self, depth: usize) {
        let words = row_words(&self.reducer, self.width);
        let (before, after) = self.scratch[(depth - 1) * words..(depth + 1) * words].split_at_mut(words);
        // SAFETY: each has the words of a row of `width` partials, aligned, and any bits are valid
        // ones.
        unsafe { self.reducer.combine(self.width, before.as_mut_ptr().cast(), after.as_ptr().cast()) }
    }
}

/// Words that a row of partials takes.
fn row_words(reducer: &Reducer, width: usize) -> usize {
    (width * reducer.partial_bytes()).div_ceil(8)
}
