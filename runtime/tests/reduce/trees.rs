//! Trees of partial results: however leaves are cut into nodes, the bits are the same. What makes
//! a whole node from its leaves gives the tree's result at every CPU level.

use crate::support::{Kind, Memory, Random, element, finish, levels, pairs};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::{COLUMN_LEAF, LEAF, ReduceOp, Reducer, Tree};

/// A tree of rows of partials of `leaves`, cut into aligned nodes at random; each node but single
/// leaves has a tree of its own, cut again.
fn grow(reducer: Reducer, width: usize, leaves: &[Vec<u64>], random: &mut Random) -> Vec<u64> {
    let mut scratch = vec![0; Tree::scratch_words(&reducer, width, leaves.len() as u64)];
    let mut tree = Tree::new(reducer, width, &mut scratch);
    let mut start = 0_usize;
    while start < leaves.len() {
        let highest = (start.trailing_zeros()).min(leaves.len().ilog2());
        let level = random.below(u64::from(highest) + 1) as u32;
        let node = &leaves[start..leaves.len().min(start + (1 << level))];
        let node = if level == 0 { node[0].clone() } else { grow(reducer, width, node, random) };
        tree.slot().copy_from_slice(&node);
        tree.push(level);
        start += 1 << level;
    }
    tree.finish().unwrap().to_vec()
}

#[test]
fn no_chunking_changes_a_bit() {
    let mut random = Random(7);
    for op in [ReduceOp::Sum, ReduceOp::Deviations, ReduceOp::NanDeviations, ReduceOp::ArgMax, ReduceOp::Min] {
        let (reducer, width) = (Reducer::new(op, DType::Float32).unwrap(), 5);
        for n_leaves in (1..=20).chain([31, 32, 33, 100]) {
            let leaves: Vec<Vec<u64>> = (0..n_leaves)
                .map(|leaf| {
                    let rows = (0..COLUMN_LEAF * width).map(|_| element(Kind::Any, DType::Float32, &mut random));
                    let memory = Memory::new(&rows.collect::<Vec<_>>(), 0);
                    let mut partials = vec![0; (width * reducer.partial_bytes()).div_ceil(8)];
                    let (first, stride) = ((leaf * COLUMN_LEAF) as u64, 4 * width as isize);
                    // SAFETY: this is memory of as many rows, and there is room for `width`
                    // partials.
                    unsafe {
                        let partials = partials.as_mut_ptr().cast();
                        reducer.column_leaf(COLUMN_LEAF, width, memory.ptr(), stride, first, partials);
                    }
                    partials
                })
                .collect();
            let mut scratch = vec![0; Tree::scratch_words(&reducer, width, n_leaves as u64)];
            let mut tree = Tree::new(reducer, width, &mut scratch);
            for leaf in &leaves {
                tree.slot().copy_from_slice(leaf);
                tree.push(0);
            }
            let whole = tree.finish().unwrap().to_vec();
            for _ in 0..20 {
                let cut = grow(reducer, width, &leaves, &mut random);
                assert_eq!(cut, whole, "{op:?} of {n_leaves} leaves");
            }
        }
    }
}

#[test]
fn nodes_are_trees_of_their_leaves_at_every_level() {
    let mut random = Random(8);
    for (op, dtype) in pairs() {
        for (level, n_leaves) in levels().flat_map(|level| (1..=16).map(move |n| (level, n))) {
            let reducer = Reducer::at(op, dtype, level).unwrap();
            let bytes = reducer.partial_bytes();
            let elements: Vec<Scalar> = (0..n_leaves * LEAF).map(|_| element(Kind::Any, dtype, &mut random)).collect();
            let memory = Memory::new(&elements, 0);
            let mut node = vec![0_u64; n_leaves * bytes.div_ceil(8)];
            let mut scratch = vec![0; Tree::scratch_words(&reducer, 1, n_leaves as u64)];
            let mut tree = Tree::new(reducer, 1, &mut scratch);
            // SAFETY: this is memory of as many elements; there is room for a partial of each leaf,
            // and in a slot for one.
            unsafe {
                reducer.leaves(elements.len(), memory.ptr(), 0, node.as_mut_ptr().cast());
                for leaf in 0..n_leaves {
                    let partial = node.as_ptr().cast::<u8>().add(leaf * bytes);
                    partial.copy_to_nonoverlapping(tree.slot().as_mut_ptr().cast(), bytes);
                    tree.push(0);
                }
                reducer.node(n_leaves, node.as_mut_ptr().cast());
            }
            let expected = finish(&reducer, 1, tree.finish().unwrap());
            assert_eq!(finish(&reducer, 1, &node), expected, "{op:?} of {n_leaves} leaves of {dtype:?}");
        }
    }
}

#[test]
fn a_tree_without_leaves_has_no_partial() {
    let reducer = Reducer::new(ReduceOp::Sum, DType::Int8).unwrap();
    assert_eq!(Tree::new(reducer, 3, &mut []).finish(), None);
}

#[test]
#[should_panic(expected = "aligned")]
fn a_node_is_aligned_to_its_size() {
    let reducer = Reducer::new(ReduceOp::Sum, DType::Int8).unwrap();
    let mut scratch = [0; 8];
    let mut tree = Tree::new(reducer, 1, &mut scratch);
    tree.push(1);
    tree.push(2);
}
