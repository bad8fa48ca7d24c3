//! Tables that are not made of running expressions alone.

use crate::memory::{Array, typed_mut};
use crate::rows::Row;
use crate::table::{Table, figure};
use memmap2::MmapMut;
use ndexpr::{DType, DynArray, Engine, Limits, Signature, VarType, Vars, vars};
use ndexpr_runtime::arch::CpuLevel;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The levels that this CPU has, the lowest first.
pub(crate) fn levels() -> impl Iterator<Item = CpuLevel> {
    CpuLevel::ALL.iter().copied().filter(|level| *level <= CpuLevel::current())
}

/// The median of at least three times, in seconds.
fn median(time: Duration, mut call: impl FnMut() -> Result<f64, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || begin.elapsed() < time {
        times.push(call()?);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// A loop by hand into memory that the system has not given yet, in small pages and in huge ones.
pub(crate) fn huge_pages(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    const N: usize = 10_000_000;
    let [a, b] = [0.25, 0.75].map(|x| Array::from_fn(N, |i| x + i as f64));
    let time_with = |advice: memmap2::Advice| {
        median(per_line, || {
            let start = Instant::now();
            let mut map = MmapMut::map_anon(N * size_of::<f64>())?;
            map.advise(advice)?;
            for ((out, a), b) in typed_mut::<f64>(&mut map).iter_mut().zip(&*a).zip(&*b) {
                *out = a + b * 2.0;
            }
            black_box(&mut map);
            Ok(start.elapsed().as_secs_f64() * 1e9 / N as f64)
        })
    };
    let (small, huge) = (time_with(memmap2::Advice::NoHugePage)?, time_with(memmap2::Advice::HugePage)?);
    let mut table = Table::new();
    table.push_column("fresh memory for `a + b*2`, 1e7, 1 thread", ["small pages", "huge pages"].map(str::to_owned));
    table.push_column("ns per element", [small, huge].map(figure));
    Ok(table)
}

/// How long texts take to compile.
fn compile_times(
    per_line: Duration,
    what: &str,
    sizes: &[usize],
    text: impl Fn(usize) -> String,
    n_vars: impl Fn(usize) -> usize,
) -> Result<Table, Box<dyn Error>> {
    let engine = Engine::builder().threads(1).limits(Limits::default()).build()?;
    let mut table = Table::new();
    let mut seconds = Vec::new();
    for &size in sizes {
        let names = (0..n_vars(size)).map(|k| format!("v{k}"));
        let signature =
            names.fold(Signature::new(), |signature, name| signature.with(&name, VarType::array(DType::Float64)));
        let text = text(size);
        seconds.push(median(per_line, || {
            let start = Instant::now();
            black_box(engine.compile(&text, &signature)?);
            Ok(start.elapsed().as_secs_f64())
        })?);
    }
    table.push_column(what, sizes.iter().map(usize::to_string));
    table.push_column("ms", seconds.iter().map(|&seconds| figure(seconds * 1e3)));
    let each = seconds.iter().zip(sizes).map(|(&seconds, &size)| figure(seconds * 1e6 / size as f64));
    table.push_column("us for each", each);
    Ok(table)
}

/// Chains of additions and multiplications.
pub(crate) fn long_tapes(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    let text = |size: usize| {
        (0..size / 2).fold("v0".to_owned(), |text, k| if k % 2 == 0 { text + " + v0*1.5" } else { text + " - v0*0.5" })
    };
    compile_times(per_line, "operations", &[10, 100, 1000, 4000], text, |_| 1)
}

/// Values that are used early and late, so that more of them are alive at once than there are
/// registers: what an element takes, and compiling.
pub(crate) fn long_loops(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    const N: usize = 4000;
    let value = |k: usize| format!("(a*{k} + b)");
    let text = |n_values: usize| {
        let all: Vec<String> = (1..=n_values).map(value).collect();
        let late: Vec<String> = (1..=n_values).map(|k| format!("{}*b - {k}", value(n_values + 1 - k))).collect();
        format!("({})*({})", all.join(" + "), late.join(" + "))
    };
    let engine = Engine::builder().threads(1).build()?;
    let [a, b] = [0.25, 0.75].map(|x| (0..N).map(|i| x + i as f64).collect::<Vec<f64>>());
    let vars = vars! { a, b };
    let sizes = [10, 20, 40, 80, 160, 320];
    let mut columns = [(); 2].map(|()| Vec::new());
    for n_values in sizes {
        let text = text(n_values);
        let program = engine.program(&text, &vars)?;
        let mut out = vec![0.0; N];
        let running = median(per_line, || {
            let start = Instant::now();
            program.run(&vars, &mut out[..])?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        let compiling = seconds_to_compile(per_line, &engine, &text, program.signature())?;
        columns[0].push(figure(running * 1e9 / (N * n_values) as f64));
        columns[1].push(figure(compiling * 1e3));
    }
    let [running, compiling] = columns;
    let mut table = Table::new();
    table.push_column("values alive", sizes.iter().map(usize::to_string));
    table.push_column("ns per element and value", running);
    table.push_column("ms to compile", compiling);
    Ok(table)
}

/// Sums of arrays.
pub(crate) fn many_operands(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    let text = |size: usize| (0..size).map(|k| format!("v{k}")).collect::<Vec<_>>().join(" + ");
    compile_times(per_line, "arrays", &[10, 100, 500, 2000, 4000], text, |size| size)
}

/// Sums of arrays: as one expression, and by loops by hand that add one array after the other.
pub(crate) fn many_streams(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    let engine = Engine::builder().threads(1).build()?;
    let mut table = Table::new();
    let cases: Vec<[usize; 2]> = [16, 24, 32, 100, 500].into_iter().flat_map(|m| [[m, 1000], [m, 10_000]]).collect();
    let mut columns = [(); 2].map(|()| Vec::new());
    for &[n_arrays, n] in &cases {
        let arrays: Vec<Vec<f64>> = (0..n_arrays).map(|k| vec![k as f64; n]).collect();
        let names: Vec<String> = (0..n_arrays).map(|k| format!("v{k}")).collect();
        let vars = names.iter().zip(&arrays).fold(Vars::new(), |vars, (name, array)| vars.with(name, array));
        let program = engine.program(&names.join(" + "), &vars)?;
        let mut out = vec![0.0; n];
        let per_elem = |start: Instant| start.elapsed().as_secs_f64() * 1e9 / (n * n_arrays) as f64;
        columns[0].push(figure(median(per_line, || {
            let start = Instant::now();
            program.run(&vars, &mut out[..])?;
            Ok(per_elem(start))
        })?));
        columns[1].push(figure(median(per_line, || {
            let start = Instant::now();
            out.copy_from_slice(&arrays[0]);
            for array in &arrays[1..] {
                out.iter_mut().zip(array).for_each(|(sum, x)| *sum += x);
            }
            black_box(&out);
            Ok(per_elem(start))
        })?));
    }
    let [ours, by_hand] = columns;
    table.push_column("arrays", cases.iter().map(|case| case[0].to_string()));
    table.push_column("elements", cases.iter().map(|case| case[1].to_string()));
    table.push_column("ns per element and array", ours);
    table.push_column("by hand, array by array", by_hand);
    Ok(table)
}

/// Sums of sines, and sines in one another, by their number.
pub(crate) fn many_calls(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    by_number(per_line, "sines", &[10, 30, 100, 300, 3000], |n| {
        (0..n).map(|k| format!("sin(a + {k})")).collect::<Vec<_>>().join(" + ")
    })
}

/// Sums of sums, by their number.
pub(crate) fn many_sums(per_line: Duration) -> Result<Table, Box<dyn Error>> {
    by_number(per_line, "sums", &[1, 4, 8, 16, 100, 1000], |n| {
        (1..=n).map(|k| format!("sum(a*{k})")).collect::<Vec<_>>().join(" + ")
    })
}

/// What compiling a text takes.
fn seconds_to_compile(
    per_line: Duration,
    engine: &Engine,
    text: &str,
    signature: &Signature,
) -> Result<f64, Box<dyn Error>> {
    median(per_line, || {
        let start = Instant::now();
        black_box(engine.compile(text, signature)?);
        Ok(start.elapsed().as_secs_f64())
    })
}

/// What texts with so many parts take for each part: to run on 10,000 elements, and to compile.
fn by_number(
    per_line: Duration,
    what: &str,
    numbers: &[usize],
    text: impl Fn(usize) -> String,
) -> Result<Table, Box<dyn Error>> {
    const N: usize = 10_000;
    let engine = Engine::builder().threads(1).build()?;
    let a: Vec<f64> = (0..N).map(|i| 0.5 + i as f64 / N as f64).collect();
    let vars = vars! { a };
    let mut columns = [(); 2].map(|()| Vec::new());
    for &number in numbers {
        let text = text(number);
        let program = engine.program(&text, &vars)?;
        let running = median(per_line, || {
            let start = Instant::now();
            black_box(program.evaluate::<DynArray>(&vars)?);
            Ok(start.elapsed().as_secs_f64())
        })?;
        let compiling = seconds_to_compile(per_line, &engine, &text, program.signature())?;
        columns[0].push(figure(running * 1e9 / (N * number) as f64));
        columns[1].push(figure(compiling * 1e6 / number as f64));
    }
    let [running, compiling] = columns;
    let mut table = Table::new();
    table.push_column(what, numbers.iter().map(usize::to_string));
    table.push_column("ns per element for each", running);
    table.push_column("us to compile each", compiling);
    Ok(table)
}

/// Every function of floats that has an accuracy, in both dtypes.
pub(crate) fn functions_of_floats() -> Vec<Row> {
    let mut rows = Vec::new();
    for function in ndexpr::functions().iter().filter(|function| function.max_ulp.is_some_and(|[ulp, _]| ulp < 10.0)) {
        for [x, y] in [["f", "g"], ["a", "b"]] {
            match function.params.len() {
                1 => rows.push(Row::new(format!("{}({x})", function.name), &[2048])),
                2 => rows.push(Row::new(format!("{}({x}, {y})", function.name), &[2048])),
                _ => {}
            }
        }
    }
    rows
}
