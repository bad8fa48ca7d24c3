//! What happens when the system cannot deliver a page of a mapped file: a message and an exit code,
//! not a bare SIGBUS.
//!
//! In: maps of files, and what to say about each. Out: nothing, unless a thread touches a page that
//! is gone. Then the process removes all temporary files, writes the file's message to stderr and
//! exits with 1.
//!
//! A page is gone when another program truncates the file, when its disk fails, or when an output's
//! disk is full and its file system could not reserve the room. No check before the access can
//! exclude any of these, and a read of memory has no way to return an error, so a signal handler is
//! the only place left to report it.

use std::path::Path;

/// What to say about a mapped file, and what to remove.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// The sentence after `error: `.
    pub(crate) message: String,
    /// A temporary file that would stay otherwise.
    pub(crate) temporary: Option<&'a Path>,
}

impl Report<'_> {
    /// The report for a file that is read.
    pub(crate) fn input(path: &Path) -> Report<'static> {
        let message = format!(
            "cannot read `{}`: a part of it has disappeared while it was being read (was the file truncated?)",
            path.display()
        );
        Report { message, temporary: None }
    }

    /// The report for a file that is updated in place.
    pub(crate) fn update(path: &Path) -> Report<'static> {
        let message = format!(
            "cannot update `{}`: a part of it has disappeared (was the file truncated?), or its disk is full or has \
             failed; the file has what was written before",
            path.display()
        );
        Report { message, temporary: None }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use self::on_linux::watch;

/// On other systems, the system ends the process in its own way.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch(_map: &[u8], _report: Report<'_>) {}

#[cfg(target_os = "linux")]
mod on_linux {
    use std::ffi::{CString, c_int, c_void};
    use std::io::{self, IsTerminal};
    use std::ops::Range;
    use std::os::unix::ffi::OsStrExt;
    use std::ptr;
    use std::sync::Once;

    use super::Report;

    /// A map that is watched.
    struct Watched {
        addresses: Range<usize>,
        message: String,
        temporary: Option<CString>,
    }

    /// All maps that were ever watched. A list without locks, because a signal handler reads it.
    ///
    /// A later map may have the addresses of an earlier one that is gone, so the last entry counts.
    static WATCHED: boxcar::Vec<Watched> = boxcar::Vec::new();

    /// From now on, an access to a missing page of this map ends the process with this report.
    pub(crate) fn watch(map: &[u8], report: Report<'_>) {
        // A progress bar leaves the cursor in its line.
        let newline = if io::stderr().is_terminal() { "\n" } else { "" };
        let start = map.as_ptr().addr();
        WATCHED.push(Watched {
            addresses: start..start + map.len(),
            message: format!("{newline}error: {}\n", report.message),
            temporary: report.temporary.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok()),
        });
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
    }

    /// Makes [`on_bus_error`] the handler of SIGBUS. If the system refuses, faults end the process
    /// without a message.
    fn install() {
        // SAFETY: a zeroed `sigaction` is a valid value of it (no flags, an empty mask), and the
        // fields that matter are set before it is used. The handler has the signature that
        // SA_SIGINFO asks for and does only what a signal handler may: it reads a list without
        // locks, and calls `unlink`, `write`, `signal` and `_exit`.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_bus_error;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut());
        }
    }

    extern "C" fn on_bus_error(_signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
        // SAFETY: the kernel calls this with a valid `siginfo_t`, and SIGBUS comes with an address.
        let address = unsafe { (*info).si_addr() }.addr();
        let watched = WATCHED.iter().map(|(_, watched)| watched);
        let Some(watched) = watched.filter(|watched| watched.addresses.contains(&address)).last() else {
            // Not a mapped file: after the handler, the instruction faults again and ends the
            // process as usual.
            // SAFETY: a handler may call `signal`, and the default action is a valid one.
            unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
            return;
        };
        let message = watched.message.as_bytes();
        // SAFETY: a handler may call these functions. The paths end with a 0, and the message has
        // the length that is passed. If stderr is closed, the message is lost.
        unsafe {
            for temporary in WATCHED.iter().filter_map(|(_, watched)| watched.temporary.as_ref()) {
                libc::unlink(temporary.as_ptr());
            }
            let _ = libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
            libc::_exit(1);
        }
    }
}
