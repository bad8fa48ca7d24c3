//! Stores past the caches: a marked store gets the opcode of one.
//!
//! A marked range must consist of stores of whole registers that are known here. Nothing else is
//! touched. Stores in loops with wide registers are for [`widen`](super::widen).

use super::draft::Draft;
use super::{Marked, Step, forms};

/// Changes the marked stores.
pub(super) fn rewrite(marked: &Marked, draft: &mut Draft<'_>) -> Result<(), String> {
    if marked.stores.is_empty() && !marked.steps.iter().any(|(.., step)| *step == Step::Streamed) {
        return Err("it has no stores of whole registers".to_owned());
    }
    let flow = draft.flow();
    for range in &marked.stores {
        let stores = flow.filling(range).ok_or("a marked store is no whole instruction")?;
        let first = flow.find(range.start as u64).ok_or("a marked store is no whole instruction")?;
        for (index, store) in (first..).zip(stores) {
            let is_in_memory = store.op0_kind() == iced_x86::OpKind::Memory;
            let code = forms::streaming(store.code()).filter(|_| is_in_memory);
            let code = code.ok_or_else(|| format!("`{store}` has no form that goes past the caches"))?;
            let mut streaming = *store;
            streaming.set_code(code);
            draft.replace(index, &[streaming]);
        }
    }
    Ok(())
}
