//! The engines behind the module: one for each number of threads and each [`FloatMode`] that was asked for.
//!
//! An engine keeps its number of threads for life, so choosing another number means choosing another engine. Those that
//! were made stay, with their programs: they are as few as the numbers of threads a process ever asks for, at most
//! [`MAX_THREADS`].

use ndexpr::{Engine, Error, FloatMode};
use std::collections::HashMap;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most threads that may be asked for.
pub(crate) const MAX_THREADS: usize = 256;

/// How freely floats are computed: an index into [`CURRENT`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

/// By [`Floats`]: null until first asked for.
static CURRENT: [AtomicPtr<Engine>; 2] = [AtomicPtr::new(std::ptr::null_mut()), AtomicPtr::new(std::ptr::null_mut())];

struct Made {
    engines: HashMap<(usize, Floats), &'static Engine>,
    /// What was asked for; 0 for the engine's own choice.
    n_threads: usize,
}

static MADE: Mutex<Option<Made>> = Mutex::new(None);

/// The engine to use now. It lives as long as the process.
pub(crate) fn current(floats: Floats) -> Result<&'static Engine, Error> {
    let engine = CURRENT[floats as usize].load(Ordering::Acquire);
    // SAFETY: the pointer is null or that of an engine that `make` has leaked.
    match unsafe { engine.as_ref() } {
        Some(engine) => Ok(engine),
        None => with_made(|made| make(made, floats)),
    }
}

/// The number of threads that may take part in an evaluation.
pub(crate) fn threads() -> Result<usize, Error> {
    current(Floats::Strict).map(Engine::threads)
}

/// Chooses the number of threads, from 1 to [`MAX_THREADS`], for every evaluation that begins later.
pub(crate) fn set_threads(n_threads: usize) -> Result<(), Error> {
    with_made(|made| {
        made.n_threads = n_threads;
        make(made, Floats::Strict)?;
        make(made, Floats::Fast)?;
        Ok(())
    })
}

fn with_made<T>(work: impl FnOnce(&mut Made) -> T) -> T {
    let mut made: MutexGuard<'_, Option<Made>> = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    work(made.get_or_insert_with(|| Made { engines: HashMap::new(), n_threads: 0 }))
}

fn make(made: &mut Made, floats: Floats) -> Result<&'static Engine, Error> {
    let engine = match made.engines.get(&(made.n_threads, floats)) {
        Some(engine) => *engine,
        None => {
            let mode = match floats {
                Floats::Strict => FloatMode::Strict,
                Floats::Fast => FloatMode::Fast,
            };
            // Programs are kept by text here, so the engine need not.
            let builder = Engine::builder().float_mode(mode).cache_capacity(0);
            let builder = if made.n_threads == 0 { builder } else { builder.threads(made.n_threads) };
            let engine: &'static Engine = Box::leak(Box::new(builder.build()?));
            made.engines.insert((made.n_threads, floats), engine);
            engine
        }
    };
    CURRENT[floats as usize].store(std::ptr::from_ref(engine).cast_mut(), Ordering::Release);
    Ok(engine)
}
