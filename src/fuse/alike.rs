//! Which reductions and results run over the same elements.
//!
//! Domains of the same variables have one shape for certain. Others may have one shape in a call:
//! in `return x + 1, sum(x*y)` both are as large if `y` is no larger than `x`. Then they can share a
//! loop, which reads `x` once.

use crate::hir::{Graph, Leaf, ReductionId};
use crate::shape::{Shape, Shapes};
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::view::View;
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// A class of domains that have the same shape and the same memory order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class(u32);

/// The class of each domain of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alike {
    roots: Vec<Class>,
    reductions: Vec<Class>,
}

/// What a domain is known by.
#[derive(PartialEq, Eq, Hash)]
enum Key<'g, K> {
    /// A domain of array variables, and what is known of them.
    Arrays(K),
    /// Any other domain: only an equal one is alike.
    Exact(&'g [Leaf]),
}

impl Alike {
    /// What is alike in all calls: domains of the same variables and reductions.
    pub(crate) fn certain(graph: &Graph) -> Alike {
        let class = |domain| Key::<()>::Exact(domain);
        Alike::by(graph, |_, domain| class(domain), |_, domain| class(domain))
    }

    /// What is alike if all arrays have the same shape and memory order: so it is in most calls.
    pub(crate) fn likely(graph: &Graph) -> Alike {
        let class = |domain| if is_of_arrays(domain) { Key::Arrays(()) } else { Key::Exact(domain) };
        Alike::by(graph, |_, domain| class(domain), |_, domain| class(domain))
    }

    /// What is alike in a call.
    pub(crate) fn in_call<'v>(graph: &Graph, shapes: &Shapes, value: impl Fn(usize) -> Option<&'v View<'v>>) -> Alike {
        let class = |shape: &Shape, domain| match is_of_arrays(domain) {
            false => Key::Exact(domain),
            true => {
                let arrays = domain.iter().filter_map(|leaf| match leaf {
                    Leaf::Var(var) => value(var.0 as usize),
                    Leaf::Reduction(_) => None,
                });
                Key::Arrays((shape.clone(), output_order(shape, arrays)))
            }
        };
        let root = |root: usize, domain| class(&shapes.roots[root], domain);
        Alike::by(graph, root, |reduction, domain| class(&shapes.reductions[reduction].domain, domain))
    }

    /// Domains with equal keys are alike.
    fn by<'g, K: Eq + Hash>(
        graph: &'g Graph,
        of_root: impl Fn(usize, &'g [Leaf]) -> Key<'g, K>,
        of_reduction: impl Fn(usize, &'g [Leaf]) -> Key<'g, K>,
    ) -> Alike {
        let mut classes: FxHashMap<Key<'g, K>, Class> = FxHashMap::default();
        let mut class = |key: Key<'g, K>| {
            let next = Class(classes.len() as u32);
            *classes.entry(key).or_insert(next)
        };
        let roots = graph.root_domains().iter().enumerate();
        let reductions = graph.reductions().iter().enumerate();
        Alike {
            roots: roots.map(|(root, domain)| class(of_root(root, domain))).collect(),
            reductions: reductions.map(|(id, reduction)| class(of_reduction(id, &reduction.domain))).collect(),
        }
    }

    pub(super) fn root(&self, root: usize) -> Class {
        self.roots[root]
    }

    pub(super) fn reduction(&self, id: ReductionId) -> Class {
        self.reductions[id.index()]
    }
}

fn is_of_arrays(domain: &[Leaf]) -> bool {
    !domain.is_empty() && domain.iter().all(|leaf| matches!(leaf, Leaf::Var(_)))
}
