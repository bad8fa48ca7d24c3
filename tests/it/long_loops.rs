//! Loops with more values than there are registers: compiled and interpreted, no bit may differ.

use crate::cases::arrays::{Array, Layout, pool, same};
use ndexpr::{Backend, DType, DynArray, Engine, Program, Scalar, Signature, Stage, VarType, Vars, View, ViewMut, vars};
use std::sync::Arc;

/// The numbers of values that are alive at once: for blocks of several registers, and for long
/// loops, whose blocks have one.
const SIZES: [usize; 3] = [14, 60, 230];

const DTYPES: [(DType, DType); 10] = [
    (DType::Float64, DType::Float64),
    (DType::Float32, DType::Float32),
    (DType::Int64, DType::Int64),
    (DType::Int16, DType::Int16),
    (DType::UInt8, DType::UInt8),
    (DType::Float32, DType::Float64),
    (DType::Int32, DType::Float64),
    (DType::UInt8, DType::Float32),
    (DType::Bool, DType::Float64),
    (DType::Bool, DType::Int16),
];

/// A text in which this many values are used early and late, of `x` and `y`.
fn text(n_values: usize, (x, y): (DType, DType)) -> String {
    let value = |i: usize| {
        let (k, j) = (i % 100 + 1, i / 100 + 1);
        match (x, i % 4) {
            (DType::Bool, 0) => format!("where(x, y*{k}, y - {j})"),
            (DType::Bool, 1) => format!("where(x ^ (y > {k}), y, y + {j})"),
            (DType::Bool, _) => format!("(y*{k} + {j})"),
            (_, 0) => format!("(x*{k} + y*{j})"),
            (_, 1) => format!("minimum(x + {k}, y*{j})"),
            (_, 2) => format!("where(x > {k}, y*{j}, x)"),
            _ if y.is_float() => format!("sqrt(abs(y*{j} + {k}))"),
            _ => format!("((y | {k}) - x*{j})"),
        }
    };
    let early: Vec<String> = (0..n_values).map(value).collect();
    let late: Vec<String> = (0..n_values).map(|i| format!("{}*{}", value(i), value((7 * i + 3) % n_values))).collect();
    format!("({}) + ({})", early.join(" - "), late.join(" + "))
}

fn signature((x, y): (DType, DType), x_type: fn(DType) -> VarType) -> Signature {
    Signature::new().with("x", x_type(x)).with("y", VarType::array(y))
}

/// The text interpreted and compiled, and what it is called.
fn programs(n_values: usize, dtypes: (DType, DType), x_type: fn(DType) -> VarType) -> ([Arc<Program>; 2], String) {
    let programs = [Backend::Interp, Backend::Jit].map(|backend| {
        let engine = Engine::builder().backend(backend).threads(1).cache_capacity(0).build().expect("an engine");
        engine.compile(&text(n_values, dtypes), &signature(dtypes, x_type)).expect("it compiles")
    });
    assert_eq!(programs[1].fallback_reason(), None);
    (programs, format!("{n_values} values of {dtypes:?}"))
}

fn scalars(program: &Program, vars: &Vars<'_>) -> Vec<Scalar> {
    program.evaluate::<DynArray>(vars).expect("a result").scalars().collect()
}

fn check(what: &str, expected: &[Scalar], found: &[Scalar]) {
    assert_eq!(expected.len(), found.len(), "{what}");
    let differs = (0..expected.len()).find(|&i| !same(expected[i], found[i]));
    assert_eq!(differs.map(|i| (i, expected[i], found[i])), None, "{what}");
}

/// Compares the text interpreted and compiled, on two threads.
fn check_text(what: &str, text: &str, vars: &Vars<'_>) {
    let [expected, found] = [Backend::Interp, Backend::Jit].map(|backend| {
        let engine = Engine::builder().backend(backend).threads(2).build().expect("an engine");
        let program = engine.program(text, vars).expect("it compiles");
        assert_eq!(program.backend(), backend, "{what}");
        scalars(&program, vars)
    });
    check(what, &expected, &found);
}

#[test]
fn values_on_the_stack_are_what_they_were() {
    for dtypes in DTYPES {
        let widest = dtypes.0.size().max(dtypes.1.size());
        for n_values in SIZES {
            let (programs, what) = programs(n_values, dtypes, VarType::array);
            assert!(programs[1].explain(Stage::Outline).contains("registers on the stack: "), "{what}");
            // Up to two blocks of four registers of 256 bits, and a lane.
            let most = 2 * 128 / widest + 1;
            let values = [pool(1, dtypes.0, most), pool(2, dtypes.1, most)];
            let array = |layout: &Layout, i: usize| {
                let dtype = [dtypes.0, dtypes.1][i];
                Array::new(dtype, layout, |k| values[i][k % most])
            };
            let layouts = [(1, 1), (2, 1), (1, 2)].map(|(x, y)| {
                let rows = Layout::dense(&[5, 9]);
                (rows.clone().step(x), rows.step(y))
            });
            let lengths = (0..=most).map(|n| (Layout::dense(&[n]), Layout::dense(&[n])));
            let row = (Layout::dense(&[1]), Layout::dense(&[most]));
            for (x, y) in lengths.chain(layouts).chain([row]) {
                let (x, y) = (array(&x, 0), array(&y, 1));
                let vars = vars! { x: x.view(), y: y.view() };
                let [expected, found] = [0, 1].map(|i| scalars(&programs[i], &vars));
                check(&format!("{what}, {:?} and {:?}", x.strides, y.strides), &expected, &found);
            }
        }
    }
}

/// A thread's stack may be small, so many scalars wait in the scratch.
#[test]
fn many_values_wait_in_the_scratch() {
    for (n_scalars, place) in [(300, "on the stack"), (600, "in the scratch")] {
        let names: Vec<String> = (0..n_scalars).map(|k| format!("c{k}")).collect();
        let scalars = names.iter().enumerate().fold(Vars::new(), |vars, (k, name)| vars.with(name, k as f64 / 7.0));
        let text = names.iter().fold(text_of(14), |text, name| format!("{text} - {name}"));
        for n in [3, 8, 9, 100, 30_000] {
            let array =
                |seed| Array::new(DType::Float64, &Layout::dense(&[n]), |i| pool(seed, DType::Float64, 100)[i % 100]);
            let (x, y) = (array(9), array(10));
            let vars = scalars.clone().with("x", x.view()).with("y", y.view());
            check_text(&format!("{n_scalars} scalars, {n} elements"), &text, &vars);
            let engine = Engine::builder().threads(1).build().expect("an engine");
            let outline = engine.program(&text, &vars).expect("it compiles").explain(Stage::Outline);
            assert!(outline.contains(&format!("registers {place}: ")), "{outline}");
        }
    }
}

/// Long loops are cut into segments of at most 800 instructions, also between calls.
#[test]
fn long_loops_are_cut() {
    let array = |seed| Array::new(DType::Float64, &Layout::dense(&[99]), |i| pool(seed, DType::Float64, 99)[i]);
    let (x, y) = (array(20), array(21));
    let vars = vars! { x: x.view(), y: y.view() };
    let segments = |text: &str| {
        let engine = Engine::builder().threads(1).build().expect("an engine");
        let tape = engine.program(text, &vars).expect("it compiles").explain(Stage::Tape);
        tape.matches("segment ").count().max(1)
    };
    let chain = |n: usize| (0..n).fold("y".to_owned(), |text, k| format!("{text} - {}", ["x", "y"][k % 2]));
    // One instruction stores the result.
    for (n, n_segments) in [(799, 1), (800, 2), (2000, 3)] {
        check_text(&format!("{n} differences"), &chain(n), &vars);
        assert_eq!(segments(&chain(n)), n_segments, "{n} differences");
    }
    let text = format!("sin({})*({})", chain(1000), chain(1100));
    check_text("differences and a call", &text, &vars);
    assert!(segments(&text) >= 3, "differences and a call");
    for n_values in [400, 900] {
        let text = text_of(n_values);
        check_text(&format!("{n_values} values"), &text, &vars);
        check_text(&format!("{n_values} values and a call"), &format!("cos({text})"), &vars);
    }
}

/// A text in which this many float64 values are used early and late.
fn text_of(n_values: usize) -> String {
    text(n_values, (DType::Float64, DType::Float64))
}

/// Each of many calls is made, whatever segment it is in: sums of sines and cosines, which are
/// called in pairs, and functions in one another.
#[test]
fn many_calls_share_few_slots() {
    let x = Array::new(DType::Float64, &Layout::dense(&[3, 70]), |i| pool(22, DType::Float64, 210)[i]);
    let vars = vars! { x: x.view() };
    let sum = |n: usize, term: &dyn Fn(usize) -> String| (0..n).map(term).collect::<Vec<_>>().join(" + ");
    let texts = [
        sum(9, &|k| format!("sin(x + {k})")),
        sum(40, &|k| format!("sin(x + {})*cos(x + {})", k / 2, k.div_ceil(2))),
        sum(40, &|k| format!("sin(x*{})", k % 13)) + "*" + &sum(40, &|k| format!("cos(x*{})", (k * 5) % 13)),
        sum(30, &|k| format!("exp(-sqrt(abs(sin(x + {k}))))**1.5")),
        (0..60).fold("x".to_owned(), |text, k| format!("sin({text} + {k})*cos(x + {})", k % 7)),
        sum(3000, &|k| format!("tanh(x + {k})")),
    ];
    for text in texts {
        check_text(&text[..40], &text, &vars);
    }
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let tape = engine.program(&sum(3000, &|k| format!("tanh(x + {k})")), &vars).expect("it compiles");
    assert!(tape.explain(Stage::Tape).contains("tile of 256 elements"));
}

/// What is the same in all lanes waits in memory beside them.
#[test]
fn scalars_wait_beside_them() {
    for dtypes in DTYPES {
        for n_values in SIZES {
            let (programs, what) = programs(n_values, dtypes, VarType::scalar);
            let y = Array::new(dtypes.1, &Layout::dense(&[99]), |i| pool(3, dtypes.1, 99)[i]);
            for bits in pool(4, dtypes.0, 3) {
                let vars = vars! { x: Scalar::from_bits(dtypes.0, bits), y: y.view() };
                let [expected, found] = [0, 1].map(|i| scalars(&programs[i], &vars));
                check(&what, &expected, &found);
            }
        }
    }
}

/// Values that wait for calls are in the scratch, and are used before and after.
#[test]
fn loops_before_and_after_calls() {
    let y = pool(7, DType::Float64, 99);
    let x = pool(8, DType::Float64, 99);
    let array = |values: &[u64], step| Array::new(DType::Float64, &Layout::dense(&[99]).step(step), |i| values[i]);
    let y = array(&y, 1);
    // Of one that is the same in all lanes, calls take what was made ahead of the loop.
    for (n_values, x) in [(14, array(&x, 1)), (60, array(&x, 1)), (14, array(&x, 0)), (60, array(&x, 0))] {
        let inner = text(n_values, (DType::Float64, DType::Float64));
        let text = format!("cos({inner}) - sin({inner})*({inner}) + sin(x*2 + 1)");
        check_text(&format!("{n_values} values and calls"), &text, &vars! { x: x.view(), y: y.view() });
    }
}

/// The result is where an argument was.
#[test]
fn results_in_place_of_an_argument() {
    const N: usize = 77;
    for dtypes in DTYPES {
        for n_values in SIZES {
            let (programs, what) = programs(n_values, dtypes, VarType::array);
            let dtype = programs[1].result_dtype();
            if dtype != dtypes.1 {
                continue;
            }
            let x = Array::new(dtypes.0, &Layout::dense(&[N]), |i| pool(5, dtypes.0, N)[i]);
            let mut y = Array::new(dtype, &Layout::dense(&[N]), |i| pool(6, dtype, N)[i]);
            let expected = scalars(&programs[0], &vars! { x: x.view(), y: y.view() });
            let (place, strides) = (y.offset, y.strides.clone());
            // SAFETY: the elements are inside of the array's memory, whose bytes are initialised.
            // Nobody but the run below uses them while the views are there, and it checks how its
            // input and output overlap.
            let (input, output) = unsafe {
                let start = y.memory.as_mut_ptr().add(place);
                (
                    View::from_raw_parts(start, dtype, &[N], &strides).expect("a view"),
                    ViewMut::from_raw_parts(start, dtype, &[N], &strides).expect("a view"),
                )
            };
            programs[1].run(&vars! { x: x.view(), y: input }, output).expect("a result");
            check(&what, &expected, &y.scalars());
        }
    }
}

/// The addresses of more arrays than there are registers are in memory.
#[test]
fn any_number_of_arrays() {
    for (n_arrays, n_values) in [(10, 100), (11, 100), (40, 100), (700, 20), (1500, 5)] {
        // Contiguous, the same in all lanes, reversed, and rows of a transposed array.
        let layout = |k: usize| match k % 5 {
            3 => Layout::dense(&[4, n_values]).step(0),
            4 if k.is_multiple_of(2) => Layout::dense(&[4, n_values]).step(-1),
            4 => Layout::dense(&[4, n_values]).fortran(),
            _ => Layout::dense(&[4, n_values]),
        };
        let dtype = |k: usize| [DType::Float64, DType::Float32, DType::Int16][k % 3];
        let arrays: Vec<Array> = (0..n_arrays)
            .map(|k| {
                let values = pool(k as u64, dtype(k), 4 * n_values);
                Array::new(dtype(k), &layout(k), |i| values[i])
            })
            .collect();
        let text: Vec<String> = (1..=n_arrays).map(|k| format!("v{}*{}", k - 1, k % 7 + 1)).collect();
        let names: Vec<String> = (0..n_arrays).map(|k| format!("v{k}")).collect();
        let vars = names.iter().zip(&arrays).fold(Vars::new(), |vars, (name, array)| vars.with(name, array.view()));
        check_text(&format!("{n_arrays} arrays"), &text.join(" + "), &vars);
    }
}

/// The dtypes of arrays in turn, and a text of their names.
type TextOf<'t> = (&'t [DType], &'t dyn Fn(&[String]) -> String);

/// More than 24 arrays are read some at a time. What the next ones need waits in slots: sums, masks
/// and values of narrow dtypes.
#[test]
fn many_arrays_are_read_in_parts() {
    const SHAPE: [usize; 2] = [3, 700];
    const NARROW: [DType; 4] = [DType::Float64, DType::Float32, DType::UInt8, DType::Int16];
    let terms = |names: &[String]| names.iter().map(|name| format!("({name} > 0)")).collect::<Vec<_>>();
    let texts: [TextOf<'_>; 4] = [
        (&[DType::Float64], &|names| format!("({})*v0", names.join(" - "))),
        (&NARROW, &|names| terms(names).join(" ^ ")),
        (&NARROW, &|names| {
            names[2..].iter().fold("v0".to_owned(), |text, name| format!("where({text} > {name}, {name}, v1)"))
        }),
        (&[DType::Bool], &|names| names.join(" ^ ")),
    ];
    // Strided arrays keep a loop in narrow registers.
    for (n_arrays, is_strided) in [24, 25, 90].into_iter().flat_map(|n| [(n, false), (n, true)]) {
        for (dtypes, text) in texts {
            let arrays: Vec<Array> = (0..n_arrays)
                .map(|k| {
                    let dtype = dtypes[k % dtypes.len()];
                    let values = pool(40 + k as u64, dtype, 2100);
                    let layout = Layout::dense(&SHAPE);
                    let layout = if is_strided && k % 11 == 5 { layout.step(2) } else { layout };
                    Array::new(dtype, &layout, |i| values[i])
                })
                .collect();
            let names: Vec<String> = (0..n_arrays).map(|k| format!("v{k}")).collect();
            let text = text(&names);
            let vars = names.iter().zip(&arrays).fold(Vars::new(), |vars, (name, array)| vars.with(name, array.view()));
            let what = format!("{n_arrays} arrays of {dtypes:?}");
            check_text(&what, &text, &vars);
            check_text(&what, &format!("sum({text}, axis=1)"), &vars);
            let engine = Engine::builder().threads(1).build().expect("an engine");
            let tape = engine.program(&text, &vars).expect("it compiles").explain(Stage::Tape);
            assert_eq!(tape.contains("; slot "), n_arrays > 24, "{what}: {tape}");
        }
    }
}

/// Scalars are no arrays to read ahead.
#[test]
fn many_scalars_are_read_at_once() {
    let names: Vec<String> = (0..60).map(|k| format!("c{k}")).collect();
    let x = Array::new(DType::Float64, &Layout::dense(&[99]), |i| pool(12, DType::Float64, 99)[i]);
    let scalars = names.iter().enumerate().fold(Vars::new(), |vars, (k, name)| vars.with(name, k as f64));
    let vars = scalars.with("x", x.view());
    let text = names.iter().fold("x".to_owned(), |text, name| format!("({text})*x + {name}"));
    check_text("60 scalars", &text, &vars);
    let engine = Engine::builder().threads(1).build().expect("an engine");
    assert!(!engine.program(&text, &vars).expect("it compiles").explain(Stage::Tape).contains("; slot "));
}

/// The addresses of more slots than there are registers are in memory, too.
#[test]
fn any_number_of_slots() {
    let x = Array::new(DType::Float64, &Layout::dense(&[3, 70]), |i| pool(11, DType::Float64, 210)[i]);
    for n_calls in [3, 30, 300] {
        let text: Vec<String> = (1..=n_calls).map(|k| format!("sin(x*{k})*cos(x + {k})")).collect();
        let vars = vars! { x: x.view() };
        check_text(&format!("{n_calls} calls"), &text.join(" - "), &vars);
    }
}

/// Values that only calls use take registers for a moment, where all are taken.
#[test]
fn calls_of_many_arrays_of_two_dtypes() {
    let dtype = |k: usize| [DType::Float64, DType::Float32][k % 2];
    let arrays: Vec<Array> = (0..10)
        .map(|k| {
            let values = pool(20 + k as u64, dtype(k), 50);
            Array::new(dtype(k), &Layout::dense(&[50]), |i| values[i])
        })
        .collect();
    let names: Vec<String> = (0..10).map(|k| format!("x{k}")).collect();
    let vars = names.iter().zip(&arrays).fold(Vars::new(), |vars, (name, array)| vars.with(name, array.view()));
    let text: Vec<String> = (0..300).map(|k| format!("sin(x{}*{k})", k % 10)).collect();
    check_text("300 calls of 10 arrays", &text.join(" + "), &vars);
}
