//! Any text: a result or an error, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ndexpr::{Backend, DynArray, Engine, ErrorKind, Limits, vars};
use std::sync::LazyLock;

/// Compiled code for texts of some size, the interpreter for all.
static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    [(Backend::Jit, 200), (Backend::Interp, 2000)].map(|(backend, max_nodes)| {
        let limits = Limits { max_nodes, ..Limits::default() };
        let builder = Engine::builder().backend(backend).threads(1).limits(limits).cache_capacity(0);
        builder.build().expect("an engine")
    })
});

fuzz_target!(|text: &str| {
    let (a, b, c) = ([1.5, -0.0, f64::NAN], [7.0_f32, 1e30, -2.0], [true, false, true]);
    let (i, u, x, k) = ([i64::MIN, -1, 3], [255_u8, 0, 9], [-7_i16, 5, 100], 3_i32);
    let vars = vars! { a: &a, b: &b, c: &c, i: &i, u: &u, x: &x, k };
    let [compiled, interpreted] = ENGINES.each_ref().map(|engine| engine.evaluate::<DynArray>(text, &vars));
    for result in [&compiled, &interpreted] {
        if let Err(error) = result {
            assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
            assert!(!error.render().is_empty());
        }
    }
    if let (Ok(compiled), Ok(interpreted)) = (compiled, interpreted) {
        assert_eq!(compiled.dtype(), interpreted.dtype());
        assert_eq!(compiled.shape(), interpreted.shape());
    }
});
