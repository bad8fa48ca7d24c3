//! Stores past the caches: a marked store gets the opcode of one.
//!
//! A marked range must consist of stores of whole registers that are known here. Nothing else is
//! touched.

use super::Rewriter;
use super::flow::Flow;
use super::forms;
use std::ops::Range;

/// Changes the stores in these ranges.
pub(super) fn rewrite(flow: &Flow, ranges: &[Range<usize>], rewriter: &mut Rewriter) -> Result<(), String> {
    if ranges.is_empty() {
        return Err("it has no stores of whole registers".to_owned());
    }
    for range in ranges {
        let stores = flow.filling(range).ok_or("a marked store is no whole instruction")?;
        for store in stores {
            let is_in_memory = store.op0_kind() == iced_x86::OpKind::Memory;
            let code = forms::streaming(store.code()).filter(|_| is_in_memory);
            let code = code.ok_or_else(|| format!("`{store}` has no form that goes past the caches"))?;
            let mut streaming = *store;
            streaming.set_code(code);
            rewriter.changed.push(streaming);
        }
    }
    rewriter.changed.sort_unstable_by_key(iced_x86::Instruction::ip);
    rewriter.n_streamed = rewriter.changed.len();
    Ok(())
}
