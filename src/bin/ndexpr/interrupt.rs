//! Ctrl-C while a command has something to end in order.

use std::sync::Arc;

use ndexpr::Progress;

use crate::failure::INTERRUPTED;

/// Makes Ctrl-C cancel the run, which then ends as usual and removes temporary files. A second
/// Ctrl-C ends the process at once.
pub(crate) fn cancel_on_interrupt(progress: &Arc<Progress>) {
    let progress = Arc::clone(progress);
    // Without a handler Ctrl-C still ends the process.
    let _ = ctrlc::set_handler(move || {
        if progress.is_cancelled() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        progress.cancel();
    });
}
