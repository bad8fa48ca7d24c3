//! A progress bar on stderr for runs that take long, if somebody is there to see it.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ndexpr::Progress;

/// Shorter runs show nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const REFRESH: Duration = Duration::from_millis(100);
const N_STEPS: u64 = 1000;

/// Does `work` while a bar follows its progress.
pub(crate) fn with_bar<R>(progress: &Progress, work: impl FnOnce() -> R) -> R {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        // Nothing is ever sent through this channel. The end of the work is told by dropping the
        // sender, which also happens if `work` panics.
        let (is_running, until_done) = mpsc::channel::<()>();
        // Without a thread there is no bar.
        let _ = thread::Builder::new().spawn_scoped(scope, move || follow(progress, &until_done));
        let result = work();
        drop(is_running);
        result
    })
}

fn follow(progress: &Progress, until_done: &mpsc::Receiver<()>) {
    if until_done.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar = ProgressBar::with_draw_target(Some(N_STEPS), ProgressDrawTarget::stderr()).with_elapsed(PATIENCE);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {elapsed} (about {eta} left)") {
        bar.set_style(style);
    }
    loop {
        let fraction = progress.done() as f64 / progress.total().max(1) as f64;
        bar.set_position((fraction.min(1.0) * N_STEPS as f64) as u64);
        if until_done.recv_timeout(REFRESH) != Err(RecvTimeoutError::Timeout) {
            bar.finish_and_clear();
            return;
        }
    }
}
