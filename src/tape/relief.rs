//! The order of instructions where registers are few.
//!
//! In: the nodes of a loop. Out: the same ones, so that values are alive for shorter. Always true:
//! arguments come before what uses them, and stores keep their order.
//!
//! In the iterations of a loop of each element nearly all registers are taken, and each value that
//! gives one up is written and read again between two iterations, which wait for each other. So an
//! instruction that ends two values and begins one goes first.
//!
//! Where a text has many branches, all their values would wait for the choice among them, because
//! the last branch is chosen from first. Then the operand that takes most registers is computed
//! first, and each value right before it is used. Elsewhere, and between calls, the order of the
//! text is good enough.

use super::{Inst, Node, ValueId};
use smallvec::SmallVec;

/// Puts instructions that leave fewer values alive as early as they can be.
pub(super) fn end_values_early(nodes: Vec<Node>) -> Vec<Node> {
    if nodes.iter().any(|node| matches!(node.inst, Inst::Call { .. })) {
        return nodes;
    }
    let n = nodes.len();
    let mut users: Vec<Vec<u32>> = vec![Vec::new(); n];
    let mut uses_left = vec![0_u32; n];
    for (i, node) in nodes.iter().enumerate() {
        for arg in distinct(node) {
            users[arg.index()].push(i as u32);
            uses_left[arg.index()] += 1;
        }
    }
    let mut new_of: Vec<Option<ValueId>> = vec![None; n];
    let mut ordered: Vec<Node> = Vec::with_capacity(n);
    for first in 0..n {
        let mut pending = vec![first];
        while let Some(next) = pending.pop() {
            if new_of[next].is_some() {
                continue;
            }
            let node = renamed(&nodes[next], |arg| new_of[arg.index()].expect("arguments come first"));
            new_of[next] = Some(ValueId(ordered.len() as u32));
            ordered.push(node);
            for arg in distinct(&nodes[next]) {
                uses_left[arg.index()] -= 1;
            }
            let is_constant = |value: ValueId| matches!(nodes[value.index()].inst, Inst::Const(_));
            let relieves = |user: usize| {
                let node = &nodes[user];
                let is_free = !matches!(node.inst, Inst::Store(_));
                let is_ready = node.args().iter().all(|arg| new_of[arg.index()].is_some());
                let n_ended = distinct(node).filter(|&arg| !is_constant(arg) && uses_left[arg.index()] == 1).count();
                is_free && new_of[user].is_none() && is_ready && n_ended >= 2
            };
            // What has become the only user of its arguments is one of theirs.
            let args = distinct(&nodes[next]).chain([ValueId(next as u32)]);
            let relief =
                args.flat_map(|value| &users[value.index()]).map(|&user| user as usize).filter(|&user| relieves(user));
            pending.extend(relief);
        }
    }
    ordered
}

/// Computes values right before they are used, if more of them than `most` are alive at once, and
/// fewer are so.
pub(super) fn compute_late(nodes: Vec<Node>, most: usize) -> Vec<Node> {
    if nodes.iter().any(|node| matches!(node.inst, Inst::Call { .. })) {
        return nodes;
    }
    let in_order: Vec<u32> = (0..nodes.len() as u32).collect();
    let before = most_alive(&nodes, &in_order);
    if before <= most {
        return nodes;
    }
    // The registers that a value takes to compute, if nothing is used twice.
    let mut needs: Vec<u32> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let mut of_args: SmallVec<[u32; 4]> = distinct(node).map(|arg| needs[arg.index()]).collect();
        of_args.sort_unstable_by(|a, b| b.cmp(a));
        let of_args = of_args.iter().zip(0..).map(|(need, k)| need + k).max();
        needs.push(match node.inst {
            Inst::Const(_) => 0,
            _ => of_args.unwrap_or(0).max(1),
        });
    }
    let mut is_made = vec![false; nodes.len()];
    let mut order: Vec<u32> = Vec::with_capacity(nodes.len());
    let is_store = |index: &usize| matches!(nodes[*index].inst, Inst::Store(_));
    for store in (0..nodes.len()).filter(is_store) {
        // Each value is looked at once for its arguments, and once when these are made.
        let mut pending: Vec<(usize, bool)> = vec![(nodes[store].args[0].index(), false)];
        while let Some((index, is_ready)) = pending.pop() {
            if is_made[index] {
                continue;
            }
            if is_ready {
                is_made[index] = true;
                order.push(index as u32);
                continue;
            }
            pending.push((index, true));
            let mut args: SmallVec<[usize; 4]> = distinct(&nodes[index]).map(ValueId::index).collect();
            // The last one that is pushed is made first.
            args.sort_by_key(|&arg| needs[arg]);
            pending.extend(args.into_iter().map(|arg| (arg, false)));
        }
    }
    order.extend((0..nodes.len()).filter(is_store).map(|store| store as u32));
    if order.len() < nodes.len() || most_alive(&nodes, &order) >= before {
        return nodes;
    }
    let mut new_of = vec![ValueId(0); nodes.len()];
    order.iter().zip(0..).for_each(|(&old, new)| new_of[old as usize] = ValueId(new));
    order.iter().map(|&old| renamed(&nodes[old as usize], |arg| new_of[arg.index()])).collect()
}

/// The most values that are alive at once in an order, without constants.
fn most_alive(nodes: &[Node], order: &[u32]) -> usize {
    let mut is_alive = vec![false; nodes.len()];
    let (mut n_alive, mut most) = (0, 0);
    for &index in order.iter().rev() {
        let node = &nodes[index as usize];
        n_alive -= usize::from(std::mem::take(&mut is_alive[index as usize]));
        for arg in node.args() {
            if !matches!(nodes[arg.index()].inst, Inst::Const(_))
                && !std::mem::replace(&mut is_alive[arg.index()], true)
            {
                n_alive += 1;
            }
        }
        most = most.max(n_alive);
    }
    most
}

/// A node with other names for its arguments. Those beyond the arity repeat the first one.
fn renamed(node: &Node, of: impl Fn(ValueId) -> ValueId) -> Node {
    let arity = node.inst.arity();
    let args = std::array::from_fn(|k| match k < arity {
        true => of(node.args[k]),
        false if arity > 0 => of(node.args[0]),
        false => ValueId(0),
    });
    Node { args, ..*node }
}

/// The arguments of a node, each once.
fn distinct(node: &Node) -> impl Iterator<Item = ValueId> {
    let args = node.args();
    args.iter().enumerate().filter(|&(k, arg)| !args[..k].contains(arg)).map(|(_, &arg)| arg)
}
