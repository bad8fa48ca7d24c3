//! The engines behind the module: a pair for each number of threads that was asked for.
//!
//! In: a number of threads. Out: the engine to use now, for each way to compute floats. Always
//! true: nobody waits here, since a forked child would wait for ever for a thread that it does not
//! have.
//!
//! An engine keeps its number of threads for life, so choosing another number means choosing other
//! engines. Engines that were made stay, with their programs, because a process asks for only a few
//! numbers of threads. The engine decides how many threads there may be.

use ndexpr::{Engine, Error, FloatMode};
use std::sync::atomic::{AtomicPtr, Ordering};

/// How freely floats are computed: an index into [`Made::engines`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Floats {
    #[default]
    Strict,
    Fast,
}

impl Floats {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Floats::Strict => "strict",
            Floats::Fast => "fast",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Floats> {
        [Floats::Strict, Floats::Fast].into_iter().find(|floats| floats.name() == name)
    }
}

/// The engines for a number of threads. Never freed.
struct Made {
    /// The number of threads that was asked for; `None` for the engine's own choice.
    n_threads: Option<usize>,
    engines: [Engine; 2],
    /// The engines that were made before these.
    older: Option<&'static Made>,
}

/// The engines that are used now; null until they are first asked for.
static CURRENT: AtomicPtr<Made> = AtomicPtr::new(std::ptr::null_mut());

/// The engines that were made last: the head of a list.
static NEWEST: AtomicPtr<Made> = AtomicPtr::new(std::ptr::null_mut());

/// The engine to use now. It lives as long as the process.
pub(crate) fn current(floats: Floats) -> Result<&'static Engine, Error> {
    let made = match loaded(&CURRENT) {
        Some(made) => made,
        None => {
            let made = engines_for(None)?;
            let (null, ours) = (std::ptr::null_mut(), std::ptr::from_ref(made).cast_mut());
            // Another thread may have chosen meanwhile.
            match CURRENT.compare_exchange(null, ours, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => made,
                Err(theirs) => leaked(theirs).unwrap_or(made),
            }
        }
    };
    Ok(&made.engines[floats as usize])
}

/// The number of threads that may take part in an evaluation.
pub(crate) fn threads() -> Result<usize, Error> {
    current(Floats::Strict).map(Engine::threads)
}

/// Chooses the number of threads for every evaluation that begins later.
pub(crate) fn set_threads(n_threads: usize) -> Result<(), Error> {
    let made = engines_for(Some(n_threads))?;
    CURRENT.store(std::ptr::from_ref(made).cast_mut(), Ordering::Release);
    Ok(())
}

fn engines_for(n_threads: Option<usize>) -> Result<&'static Made, Error> {
    let mut all = std::iter::successors(loaded(&NEWEST), |made| made.older);
    match all.find(|made| made.n_threads == n_threads) {
        Some(made) => Ok(made),
        None => make(n_threads),
    }
}

/// Makes engines and puts them at the head of the list. If two threads make engines for the same
/// number at once, both pairs stay.
fn make(n_threads: Option<usize>) -> Result<&'static Made, Error> {
    let engine = |mode| {
        // Programs are kept by text here, so the engine need not.
        let builder = Engine::builder().float_mode(mode).cache_capacity(0);
        n_threads.into_iter().fold(builder, |builder, n| builder.threads(n)).build()
    };
    let engines = [engine(FloatMode::Strict)?, engine(FloatMode::Fast)?];
    let made = Box::leak(Box::new(Made { n_threads, engines, older: None }));
    loop {
        let newest = NEWEST.load(Ordering::Acquire);
        made.older = leaked(newest);
        let head: *mut Made = made;
        if NEWEST.compare_exchange(newest, head, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return Ok(made);
        }
    }
}

fn loaded(place: &AtomicPtr<Made>) -> Option<&'static Made> {
    leaked(place.load(Ordering::Acquire))
}

fn leaked(made: *const Made) -> Option<&'static Made> {
    // SAFETY: the pointers here are null, or those of a box that `make` has leaked and that nobody
    // changes once it is in the list.
    unsafe { made.as_ref() }
}
