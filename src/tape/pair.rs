//! Calls that are cheaper together: two functions of the same argument whose work the runtime
//! shares.

use super::{Function, Inst, Node, ValueId};
use ndexpr_runtime::math::MathPair;
use rustc_hash::FxHashMap;

/// Two calls of one segment that are made as one, in the place of the later.
///
/// The argument stays where it is until then. The earlier result exists only after the place of the
/// later call. This is early enough, because no call of a segment uses the result of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) pair: MathPair,
    /// The calls, in the order of the pair's results.
    pub(crate) results: [ValueId; 2],
}

impl Pair {
    pub(crate) fn later(&self) -> ValueId {
        self.results[0].max(self.results[1])
    }
}

/// The pairs among the calls. Each pair is found under both of its calls.
pub(super) fn find(nodes: &[Node], segment_of: &[u32]) -> FxHashMap<ValueId, Pair> {
    let is_call = |node: &Node| matches!(node.inst, Inst::Call { .. });
    let calls: FxHashMap<&Node, ValueId> =
        (0..).map(ValueId).zip(nodes).filter(|(_, node)| is_call(node)).map(|(value, node)| (node, value)).collect();
    let mut pairs = FxHashMap::default();
    for (&node, &value) in &calls {
        let Inst::Call { function: Function::Math(function), dtype } = node.inst else { continue };
        for pair in MathPair::ALL {
            let [first, second] = pair.functions();
            let other = Node { inst: Inst::Call { function: Function::Math(second), dtype }, ..*node };
            if function == first
                && let Some(&other) = calls.get(&other)
                && segment_of[value.index()] == segment_of[other.index()]
            {
                let results = [value, other];
                pairs.extend(results.map(|result| (result, Pair { pair, results })));
            }
        }
    }
    pairs
}
