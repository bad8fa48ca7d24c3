//! Measures reductions and scans of elements in L1, for every dtype and CPU level, in ns per
//! element. By hand, on an idle machine: `cargo run --release -p ndexpr-runtime --example
//! measure_reduce [name]`, where only the operations whose name contains `name` are measured.

#![allow(clippy::print_stdout, reason = "the result is a table to read")]

use std::hint::black_box;
use std::time::Instant;

use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::{COLUMN_LEAF, LEAF, ReduceOp, Reducer, ScanOp, Scanner};

/// Bytes of elements.
const BYTES: usize = 16 << 10;

/// The least time of one call in 5 ms, in nanoseconds per element.
fn ns_per_elem(elems: usize, mut f: impl FnMut()) -> f64 {
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    while begin.elapsed().as_millis() < 5 {
        let start = Instant::now();
        for _ in 0..8 {
            f();
        }
        least = least.min(start.elapsed().as_nanos() as f64);
    }
    least / 8.0 / elems as f64
}

/// Elements between 0 and 1, or 0 and 127.
fn elements(dtype: DType) -> Vec<u8> {
    let values = (0..BYTES / dtype.size()).map(|i| i * 37 % 101);
    match dtype {
        DType::Float32 => values.flat_map(|i| (i as f32 / 128.0).to_le_bytes()).collect(),
        DType::Float64 => values.flat_map(|i| (i as f64 / 128.0).to_le_bytes()).collect(),
        DType::Bool => values.map(|i| (i % 2) as u8).collect(),
        _ => values.flat_map(|i| (i as u64).to_le_bytes().into_iter().take(dtype.size())).collect(),
    }
}

fn row(name: &str, mut of_dtype: impl FnMut(DType) -> Option<f64>) {
    print!("{name:<36}");
    for dtype in DType::ALL {
        match of_dtype(dtype) {
            Some(ns) => print!("{ns:8.3}"),
            None => print!("       -"),
        }
    }
    println!();
}

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    print!("{:<36}", "ns per element");
    DType::ALL.iter().for_each(|dtype| print!("{:>8}", dtype.short_name()));
    println!();
    let sources = DType::ALL.map(elements);
    let source = |dtype: DType| &sources[dtype as usize];
    let levels = || CpuLevel::ALL.into_iter().rev().filter(|&level| level <= CpuLevel::highest());
    let mut partials = vec![0_u64; BYTES * 3];
    for op in ReduceOp::ALL.into_iter().filter(|op| format!("{op:?}").to_lowercase().contains(&wanted)) {
        for level in levels() {
            row(&format!("{op:?} {} leaves", level.name()), |dtype| {
                let (reducer, source) = (Reducer::at(op, dtype, level)?, source(dtype));
                let n = source.len() / dtype.size();
                // SAFETY: `source` is `n` elements, and `partials` is large enough for one each.
                let leaves =
                    || unsafe { reducer.leaves(n, black_box(source.as_ptr()), 0, partials.as_mut_ptr().cast()) };
                Some(ns_per_elem(n, leaves))
            });
            row(&format!("{op:?} {} columns + combine", level.name()), |dtype| {
                let (reducer, source) = (Reducer::at(op, dtype, level)?, source(dtype));
                let lanes = source.len() / dtype.size() / COLUMN_LEAF;
                let (out, sum) = partials.split_at_mut(BYTES);
                Some(ns_per_elem(lanes * COLUMN_LEAF, || {
                    // SAFETY: `source` is this many rows of `lanes` elements, and there is room for
                    // as many partials.
                    unsafe {
                        let (src, stride) = (black_box(source.as_ptr()), (lanes * dtype.size()) as isize);
                        reducer.column_leaf(COLUMN_LEAF, lanes, src, stride, 0, out.as_mut_ptr().cast());
                        reducer.combine(lanes, sum.as_mut_ptr().cast(), out.as_ptr().cast());
                    }
                }))
            });
        }
        row(&format!("{op:?} leaves of 3"), |dtype| {
            let (reducer, source) = (Reducer::new(op, dtype)?, source(dtype));
            // SAFETY: `source` is longer than that.
            let mut leaf = |i| unsafe {
                reducer.leaves(3, black_box(source.as_ptr().add(i)), 0, partials.as_mut_ptr().cast());
            };
            Some(ns_per_elem(300, || (0..100).for_each(&mut leaf)))
        });
        row(&format!("{op:?} leaves of 40"), |dtype| {
            let (reducer, source) = (Reducer::new(op, dtype)?, source(dtype));
            // SAFETY: `source` is longer than that.
            let mut leaf = |i| unsafe {
                reducer.leaves(40, black_box(source.as_ptr().add(i)), 0, partials.as_mut_ptr().cast());
            };
            Some(ns_per_elem(4000, || (0..100).for_each(&mut leaf)))
        });
    }
    let scans = [ScanOp::CumSum, ScanOp::CumProd];
    for op in scans.into_iter().filter(|op| format!("{op:?}").to_lowercase().contains(&wanted)) {
        row(&format!("{op:?}"), |dtype| {
            let (scanner, source) = (Scanner::new(op, dtype), source(dtype));
            let n = source.len() / dtype.size();
            let (out, mut carry) = (partials.as_mut_ptr().cast(), scanner.start());
            // SAFETY: `source` is `n` elements, and there is room for as many results.
            Some(ns_per_elem(n, || unsafe { scanner.scan(n, black_box(source.as_ptr()), out, &mut carry) }))
        });
        for level in levels() {
            row(&format!("{op:?} {} rows", level.name()), |dtype| {
                let (scanner, source) = (Scanner::at(op, dtype, level), source(dtype));
                let lanes = LEAF / 16;
                let rows = source.len() / dtype.size() / lanes;
                let (stride, out) = ((lanes * dtype.size()) as isize, partials.as_mut_ptr().cast());
                let out_stride = (lanes * scanner.result_dtype().size()) as isize;
                let mut carries = vec![scanner.start(); lanes];
                // SAFETY: `source` is `rows` rows, and there is room for as many of results.
                let scan = || unsafe {
                    scanner.scan_rows(rows, black_box(source.as_ptr()), stride, out, out_stride, &mut carries);
                };
                Some(ns_per_elem(rows * lanes, scan))
            });
        }
    }
}
