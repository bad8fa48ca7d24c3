//! Hostile texts: each gives a result or an error, within seconds, on a small stack. None panics.
//!
//! `NDEXPR_FUZZ_TEXTS=1000000 cargo test --release hostile` is the long run.

mod texts;

use crate::cases::source::Source;
use ndexpr::{Backend, DType, DynArray, Engine, ErrorKind, Limits, Scalar, Vars};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The stack that a text may use.
const STACK_BYTES: usize = 512 << 10;

/// How long a text may take, with optimisation: ten times what the slowest takes on an idle
/// machine, because the machine may be busy. A text whose time is out of proportion to its length
/// takes minutes.
const SOON: Duration = Duration::from_secs(10);

/// How a text ended that did not fail the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Compiled,
    Interpreted,
    Refused(ErrorKind),
}

/// The variables that texts find: all dtypes, arrays and scalars, three elements each, and two
/// matrices.
struct World {
    names: Vec<(String, DType)>,
}

impl World {
    fn get() -> &'static World {
        static WORLD: LazyLock<World> = LazyLock::new(|| {
            let mut names: Vec<(String, DType)> =
                DType::ALL.into_iter().enumerate().map(|(i, dtype)| (format!("v{i}"), dtype)).collect();
            names.extend(["a", "b", "c"].map(|name| (name.to_owned(), DType::Float64)));
            names.push(("x".to_owned(), DType::Int32));
            names.push(("k".to_owned(), DType::UInt8));
            World { names }
        });
        &WORLD
    }

    fn vars(&self) -> Vars<'_> {
        static BYTES: [u8; 24] = [7, 0, 1, 255, 128, 3, 63, 200, 0, 0, 0, 0, 0, 0, 240, 127, 1, 2, 3, 4, 5, 6, 7, 192];
        let matrices = [("m", DType::Int16, [6, 2]), ("w", DType::Float32, [4, 8])];
        let matrices = matrices.into_iter().fold(Vars::new(), |vars, (name, dtype, strides)| {
            vars.with(name, ndexpr::View::from_bytes(&BYTES, dtype, &[2, 3], &strides, 0).expect("six elements"))
        });
        self.names.iter().enumerate().fold(matrices, |vars, (i, (name, dtype))| {
            if i % 5 == 4 {
                return vars.with(name, Scalar::from_bits(*dtype, 0x4045_1234_5678_9abc));
            }
            let view = ndexpr::View::from_bytes(&BYTES, *dtype, &[3], &[dtype.size() as isize], 0);
            vars.with(name, view.expect("three elements"))
        })
    }
}

fn engines(limits: Limits) -> [Engine; 2] {
    [Backend::Jit, Backend::Interp]
        .map(|backend| Engine::builder().backend(backend).threads(1).limits(limits).cache_capacity(0).build().unwrap())
}

/// Compiles, runs, and renders the error if there is one.
fn end(engine: &Engine, text: &str, vars: &Vars<'_>) -> Ending {
    let done = engine.program(text, vars).and_then(|program| {
        program.evaluate::<DynArray>(vars)?;
        if let Some(reason) = program.fallback_reason() {
            assert!(!reason.contains("panic"), "{reason}: {text}");
        }
        Ok(program.backend())
    });
    match done {
        Ok(Backend::Jit) => Ending::Compiled,
        Ok(_) => Ending::Interpreted,
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::Internal, "{error}: {text}");
            for span in error.spans() {
                assert!(text.get(span.range()).is_some(), "{span:?}: {text}");
            }
            let drawing = error.render();
            assert!(drawing.len() < 4000, "{} bytes drawn: {text}", drawing.len());
            Ending::Refused(error.kind())
        }
    }
}

/// Runs on a stack of [`STACK_BYTES`].
fn on_small_stack<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, f);
        thread.expect("a thread starts").join().expect("the text does no harm")
    })
}

/// The CPU time of this thread: the other tests share the processors.
fn thread_time() -> Duration {
    let from_linux = || {
        let nanoseconds = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(Duration::from_nanos(nanoseconds.split(' ').next()?.parse().ok()?))
    };
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    from_linux().unwrap_or_else(|| START.elapsed())
}

/// Runs a text to its end, and adds it to `slow` if it took long.
fn timed(name: &str, text: &str, vars: &Vars<'_>, slow: &mut Vec<String>) -> Ending {
    let [engine, _] = engines(Limits::default());
    let (ending, took) = on_small_stack(|| {
        let start = thread_time();
        let ending = end(&engine, text, vars);
        (ending, thread_time() - start)
    });
    eprintln!("{name:<40} {:>9} bytes {:>8.1} ms  {ending:?}", text.len(), took.as_secs_f64() * 1e3);
    if took > SOON && !cfg!(debug_assertions) {
        slow.push(format!("{name} takes {took:?}"));
    }
    ending
}

#[test]
fn texts_beyond_the_limits() {
    const MEGABYTE: usize = 1 << 20;
    let vars = World::get().vars();
    let numbered = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let mut slow = Vec::new();
    let mut refused = |name: &str, text: String| match timed(name, &text, &vars, &mut slow) {
        Ending::Refused(_) => {}
        other => panic!("{name}: {other:?}"),
    };
    refused("a megabyte of (", "(".repeat(MEGABYTE));
    refused("a megabyte of -", "-".repeat(MEGABYTE));
    refused("a megabyte of sin(", "sin(".repeat(MEGABYTE / 4));
    refused("a megabyte of 9", "9".repeat(MEGABYTE));
    refused("a megabyte of names", "q".repeat(MEGABYTE));
    refused("a megabyte of bytes beyond ASCII", "é".repeat(MEGABYTE / 2));
    refused("100,000 terms", vec!["a"; 100_000].join("+"));
    refused("100,000 comparisons", vec!["a"; 100_000].join("<"));
    refused("2**2**2**...", format!("{}2", "2**".repeat(100_000)));
    refused("2**2**2**... that fits", format!("{}2", "2**".repeat(200)));
    refused("a huge literal", format!("a + {}", "9".repeat(1000)));
    refused("a huge shift", "1 << 1000000000000".to_owned());
    refused("a huge power", "9**9**9**9".to_owned());
    refused("100,000 arguments", format!("where({})", vec!["a"; 100_000].join(",")));
    refused("not not not ...", format!("{}a", "not ".repeat(100_000)));
    refused("an if-else for each word", format!("{}a", "a if b else ".repeat(50_000)));
    refused("a megabyte of sum(", "sum(".repeat(MEGABYTE / 4));
    refused("257 sums in one another", format!("{}a{}", "sum(".repeat(257), ")".repeat(257)));
    refused("100,000 axes", format!("sum(a, axis=({}))", vec!["0"; 100_000].join(",")));
    refused("8,000 axes, all the same", format!("sum(a, axis=({}))", vec!["0"; 8000].join(",")));
    refused("8,000 axes, all other ones", format!("sum(a, axis=({}))", numbered(8000)));
    refused("100,000 options", format!("sum(a{})", ", axis=0".repeat(100_000)));
    refused("5,000 unknown options", format!("sum(a{})", ", axes=0".repeat(5000)));
    refused("a megabyte of signs before an axis", format!("sum(a, axis={}0)", "-".repeat(MEGABYTE)));
    refused("an axis of a megabyte", format!("sum(a, axis={})", "9".repeat(MEGABYTE)));
    refused("a tuple in a tuple in a tuple", format!("sum(a, axis={}{})", "(".repeat(250), ",)".repeat(250)));
    refused("2,000 sums along an axis that is not there", vec!["sum(a, axis=1)"; 2000].join("+"));
    assert!(slow.is_empty(), "{slow:?}");
}

/// Texts of about the largest size that the limits allow, in all forms that some stage finds
/// expensive.
#[test]
fn texts_just_within_the_limits() {
    let vars = World::get().vars();
    let numbered = |n: usize, f: &dyn Fn(usize) -> String, with: &str| (0..n).map(f).collect::<Vec<_>>().join(with);
    let mut slow = Vec::new();
    let nested = |n: usize, open: &str, close: &str| format!("{}a{}", open.repeat(n), close.repeat(n));
    let texts = [
        ("one variable", "a".to_owned()),
        ("16,000 terms", vec!["a"; 16000].join("+")),
        ("16,000 terms of int32", vec!["x"; 16000].join("+")),
        ("16,000 factors", vec!["a"; 16000].join("*")),
        ("16,000 terms in turn", ["a", "b", "c", "a-b"].repeat(3200).join("+")),
        ("8,000 products with constants", numbered(8000, &|i| format!("a*{i}.5"), "+")),
        ("8,000 products of int8", numbered(8000, &|i| format!("(v1*{})", i % 127), "^")),
        ("4,000 casts", numbered(4000, &|i| format!("int{}(a*{i})", 8 << (i % 4)), "+")),
        ("5,400 divisions of integers", numbered(5400, &|i| format!("x//(x+{i})"), "+")),
        ("5,400 shifts by variables", numbered(5400, &|i| format!("(v4<<(v4+{i}))"), "^")),
        ("5,400 powers", numbered(5400, &|i| format!("a**{}.3", i), "+")),
        ("6,000 sines", numbered(6000, &|i| format!("sin(a+{i})"), "+")),
        ("6,000 sines one after another", numbered(6000, &|_| "1".to_owned(), "+") + "+" + &nested(250, "sin(1+", ")")),
        ("250 sines in one another", nested(250, "sin(", ")")),
        ("250 sines of sums in one another", nested(250, "a+sin(", ")")),
        ("120 chains of 60 sines", numbered(120, &|i| nested(60, "sin(", &format!("+{i})")), "+")),
        ("250 wheres in one another", nested(250, "where(b > c, a, ", ")")),
        ("250 conditions", format!("{}c", "a if b > c else ".repeat(250))),
        ("4,000 wheres", numbered(4000, &|i| format!("where(a>{i},b,c)"), "+")),
        ("16,000 comparisons", vec!["a"; 16000].join("<")),
        ("16,000 bools", vec!["v0"; 16000].join(" and ")),
        ("8,000 comparisons of all widths", numbered(8000, &|i| format!("(v{}>{i})", i % 11), "|")),
        ("10,000 unknown names", numbered(10000, &|i| format!("q{i}"), "+")),
        ("10,000 calls of unknown functions", numbered(10000, &|i| format!("q{i}(a)"), "+")),
        ("32,000 literals", vec!["1"; 16000].join("+")),
        ("4,600 roots and quotients", numbered(4600, &|i| format!("sqrt(a)/(b+{i})"), "+")),
        ("5,400 roundings to uint64", numbered(5400, &|i| format!("uint64(a*{i})"), "^")),
        ("5,400 cubes", numbered(5400, &|i| format!("(a+{i})**3"), "+")),
        ("5,400 powers of integers", numbered(5400, &|i| format!("(x+{i})**63"), "+")),
        ("5,400 remainders", numbered(5400, &|i| format!("(a % (b+{i}))"), "+")),
        ("5,400 minima", numbered(5400, &|i| format!("minimum(a+{i}, b)"), "+")),
        ("2,000 sums", numbered(2000, &|i| format!("sum(a*{i})"), "+")),
        ("6,000 sums of the same", vec!["sum(a*b)"; 6000].join("+")),
        ("2,000 sums of their own variables", numbered(2000, &|i| format!("sum(v{}*{i}.5, axis=0)", i % 11), "+")),
        ("2,000 sums over two shapes", numbered(2000, &|i| format!("sum({}*{i})", ["a", "v4"][i % 2]), "+")),
        ("2,000 variances", numbered(2000, &|i| format!("var(a*{i}, ddof=1)"), "+")),
        ("2,000 running sums", numbered(2000, &|i| format!("cumsum(a*{i})"), "+")),
        ("2,000 places of what is smallest", numbered(2000, &|i| format!("argmin(a-{i})"), "+")),
        (
            "2,000 sums along all choices of axes",
            numbered(
                2000,
                &|i| {
                    let axes = ["0", "1", "-1", "-2", "(0, 1)", "(-1, 0)", "(1,)", "()", "None"][i % 9];
                    format!("sum({}*{i}, axis={axes}, keepdims=True)", ["m", "w"][i % 2])
                },
                "+",
            ),
        ),
        (
            "250 sums along either axis in one another",
            nested(125, "sum(w+sum(m+", ", axis=0, keepdims=True), axis=1, keepdims=True)"),
        ),
        ("1400 standardisations", numbered(1400, &|i| format!("(a*{i}-mean(a*{i}))/std(a*{i})"), "+")),
        ("250 sums in one another", nested(250, "sum(", ")")),
        ("250 sums with all options in one another", nested(250, "sum(a+", ", axis=(0,), keepdims=True)")),
        ("250 means in one another", nested(250, "a-mean(", ")")),
        ("250 running sums in one another", nested(250, "cumsum(", ", axis=0)")),
        ("250 variances in one another", nested(250, "nanvar(a*", ", ddof=0.5)")),
        ("10 chains of 100 means", numbered(10, &|i| nested(100, "a-mean(", &format!("+{i})")), "+")),
    ];
    for (name, text) in texts {
        timed(name, &text, &vars, &mut slow);
    }
    let element = 1.5;
    let names: Vec<String> = (0..16_000).map(|i| format!("n{i}")).collect();
    let many = names.iter().fold(Vars::new(), |vars, name| vars.with(name, element));
    timed("16,000 scalar variables", &names.join("+"), &many, &mut slow);
    let array = [1.0, 2.0];
    let many = names.iter().fold(Vars::new(), |vars, name| vars.with(name, &array));
    timed("16,000 array variables", &names.join("+"), &many, &mut slow);
    assert!(slow.is_empty(), "{slow:?}");
}

/// Random bytes, random tokens, and expressions with small changes.
#[test]
fn random_texts() {
    let n_texts: u64 = std::env::var("NDEXPR_FUZZ_TEXTS").ok().and_then(|n| n.parse().ok()).unwrap_or(4000);
    let first: u64 = std::env::var("NDEXPR_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let (next, n_compiled, n_interpreted) = (AtomicU64::new(first), AtomicU64::new(0), AtomicU64::new(0));
    let slowest = AtomicU64::new(0);
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..n_workers {
            let worker = || {
                let vars = World::get().vars();
                let [jit, interp] = engines(Limits::default());
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - first >= n_texts {
                        return;
                    }
                    let text = texts::draw(&mut Source::from_seed(seed));
                    // What comes before code generation is the same for both, and takes a hundredth
                    // of the time.
                    let engine = if seed % 4 == 0 { &jit } else { &interp };
                    let start = Instant::now();
                    let ending = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| end(engine, &text, &vars)))
                        .unwrap_or_else(|_| panic!("NDEXPR_FUZZ_SEED={seed} panics: {text:?}"));
                    slowest.fetch_max(start.elapsed().as_micros() as u64, Ordering::Relaxed);
                    match ending {
                        Ending::Compiled => _ = n_compiled.fetch_add(1, Ordering::Relaxed),
                        Ending::Interpreted => _ = n_interpreted.fetch_add(1, Ordering::Relaxed),
                        Ending::Refused(_) => {}
                    }
                }
            };
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, worker);
            thread.expect("a thread starts");
        }
    });
    let (n_compiled, n_interpreted) = (n_compiled.into_inner(), n_interpreted.into_inner());
    let slowest = Duration::from_micros(slowest.into_inner());
    eprintln!(
        "{n_texts} texts: {n_compiled} compiled, {n_interpreted} interpreted, slowest {slowest:?}, {:.1} s",
        start.elapsed().as_secs_f64()
    );
    assert!(cfg!(debug_assertions) || slowest < SOON, "one takes {slowest:?}");
    assert!((n_compiled + n_interpreted) * 50 > n_texts, "hardly any text is an expression");
    assert!((n_compiled + n_interpreted) < n_texts / 2, "hardly any text is hostile");
}
