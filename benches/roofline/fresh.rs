//! Results in fresh memory, which the system has to find and clear.

use crate::contest::{Contest, Way};
use crate::data::Data;
use crate::kernels;
use crate::memory::{Memory, typed_mut};
use crate::simd::{Level, Stores};
use crate::team::{Chunked, repeat_around};
use ndarray::Array1;
use ndexpr::{Engine, Vars};
use std::hint::black_box;
use std::slice;
use std::sync::atomic::{AtomicPtr, Ordering};

const TEXT: &str = "a + b*2";

/// Against a loop into memory that asks for huge pages, and against one that collects into a `Vec`.
pub(crate) fn contests<'a>(data: &'a Data, engine: &'a Engine) -> Vec<Contest<'a>> {
    let vars = Vars::new().with("a", &data.a[..]).with("b", &data.b[..]);
    let threads = engine.threads();
    let mapped = |&stores: &Stores| {
        Way::of_turns(move |time| {
            let fresh = AtomicPtr::new(std::ptr::null_mut());
            let times = repeat_around(time, threads, &chunks(data, stores, &fresh), |all| {
                black_box(map(data.n, &fresh, all));
            });
            times.iter().map(std::time::Duration::as_secs_f64).collect()
        })
    };
    let ours = Way::new(move || _ = black_box(evaluate(engine, &vars)));
    let collected = |level| Way::new(move || _ = black_box(kernels::triad_collected(level, &data.a, &data.b)));
    vec![
        Contest::new(TEXT, data.n, ours)
            .against("mapped, huge pages", Stores::available().iter().map(mapped).collect())
            .against("collected, 1 thread", Level::available().map(collected).collect()),
    ]
}

fn evaluate(engine: &Engine, vars: &Vars<'_>) -> Array1<f64> {
    engine.evaluate(TEXT, vars).expect("it is an expression")
}

/// Panics unless the loops give the expression's results.
pub(crate) fn check(data: &Data, engine: &Engine) {
    let expected = evaluate(engine, &Vars::new().with("a", &data.a[..]).with("b", &data.b[..]));
    let expected = expected.as_slice().expect("fresh results are contiguous");
    assert!(kernels::triad_collected(Level::detected(), &data.a, &data.b) == expected);
    for &stores in Stores::available() {
        let fresh = AtomicPtr::new(std::ptr::null_mut());
        let Chunked { n_chunks, run } = chunks(data, stores, &fresh);
        let mut memory = map(data.n, &fresh, &|| (0..n_chunks).for_each(&run));
        assert!(typed_mut::<f64>(memory.bytes_mut()) == expected);
    }
}

/// Memory for `n` numbers, known to the chunks while all of them run.
fn map(n: usize, fresh: &AtomicPtr<f64>, all: &dyn Fn()) -> Memory {
    let mut memory = Memory::untouched(n * size_of::<f64>());
    fresh.store(typed_mut::<f64>(memory.bytes_mut()).as_mut_ptr(), Ordering::Release);
    all();
    memory
}

/// The size of a huge page: each is cleared by the thread that writes it, and is then in its
/// caches.
const CHUNK: usize = (2 << 20) / size_of::<f64>();

/// The loop on chunks of the memory of the call.
fn chunks<'a>(data: &'a Data, stores: Stores, fresh: &'a AtomicPtr<f64>) -> Chunked<'a> {
    let run = move |k: usize| {
        let range = k * CHUNK..data.n.min((k + 1) * CHUNK);
        // SAFETY: (1) `map` put memory for `n` numbers there, of which any bytes are one, and has
        // exclusive use of it; (2) it is there until all chunks are done; (3) the range is within
        // it; (4) each chunk is run once a call, and their ranges do not overlap.
        let out = unsafe { slice::from_raw_parts_mut(fresh.load(Ordering::Acquire).add(range.start), range.len()) };
        kernels::triad(Level::detected(), &data.a[range.clone()], &data.b[range], out, stores);
    };
    Chunked { n_chunks: data.n.div_ceil(CHUNK), run: Box::new(run) }
}
