//! Every function along axes, of every dtype, along every choice of axes, over every layout:
//! against NumPy's answers.
//!
//! In: `tests/data/golden/every_axis.txt`, made by `make_golden.py` there, which describes the
//! format. A record says what a call gives for some elements, wherever they are in memory; here
//! they are laid out in every way. Exact results have the bits of the record; others are as near to
//! the exact result as the record asks, and have the same bits in both backends, on any number of
//! threads, and in all layouts whose axes have one order in memory.

mod check;
mod places;
mod records;

pub(crate) use check::for_each_record;

use check::{check, engine};
use ndexpr::{Backend, DType};
use records::{Golden, Input};
use std::collections::HashSet;

fn small(dtype: DType) {
    let engines = [(Backend::Jit, 1), (Backend::Interp, 1), (Backend::Jit, 2), (Backend::Interp, 2)];
    let engines = engines.map(|(backend, threads)| engine(backend, threads));
    let n_runs = check(|_, input| input.dtype == dtype && input.bits.len() < 1000, Input::places, &engines);
    assert!(n_runs > 10_000, "only {n_runs}");
}

fn many(name: &str) {
    let engines = [(Backend::Jit, 1), (Backend::Jit, 2), (Backend::Jit, 3), (Backend::Interp, 1), (Backend::Interp, 2)];
    let engines = engines.map(|(backend, threads)| engine(backend, threads));
    let n_runs = check(|input, _| input == name, Input::few_places, &engines);
    assert!(n_runs > 400, "only {n_runs}");
}

macro_rules! tests {
    ($f:ident, $($name:ident: $of:expr),* $(,)?) => {
        $(#[test]
        fn $name() {
            $f($of);
        })*
    };
}

tests! {
    small,
    bools: DType::Bool,
    int8: DType::Int8,
    int16: DType::Int16,
    int32: DType::Int32,
    int64: DType::Int64,
    uint8: DType::UInt8,
    uint16: DType::UInt16,
    uint32: DType::UInt32,
    uint64: DType::UInt64,
    float32: DType::Float32,
    float64: DType::Float64,
}

// Enough elements for several leaves, chunks and threads.
tests! {
    many,
    many_bools_of_which_few_are_true: "bool_rare",
    many_bools_of_which_most_are_true: "bool_common",
    many_int8: "i8_bits",
    many_uint16: "u16_bits",
    many_int64: "i64_bits",
    many_float32_that_add_up_exactly: "f32_eighths",
    many_float64_that_add_up_exactly: "f64_eighths",
    many_float32_with_nans: "f32_gaps",
    many_float64_with_nans: "f64_gaps",
    many_float32: "f32_wide",
    many_float64: "f64_wide",
}

/// Every combination of function, dtype, axes and `ddof` that NumPy accepts has a record: all but
/// `ptp` of bools.
#[test]
fn nothing_is_missing() {
    let golden = Golden::get();
    let known: HashSet<(&str, DType)> =
        golden.records.iter().map(|record| (record.text.as_str(), golden.inputs[&record.input].dtype)).collect();
    let one = [None, Some("0"), Some("1"), Some("2"), Some("-1")];
    let several = ["(0, 1)", "(0, 2)", "(1, 2)", "(0, 1, 2)"].map(Some);
    for function in ndexpr::functions().iter().filter(|function| function.params.contains(&"axis=None")) {
        let name = function.name;
        let axes = match name {
            "cumsum" | "cumprod" => one[1..].to_vec(),
            "argmin" | "argmax" => one.to_vec(),
            _ => [&one[..], &several].concat(),
        };
        let ddofs: &[&str] = if function.params.contains(&"ddof=0") { &["", ", ddof=1", ", ddof=2.5"] } else { &[""] };
        for (dtype, ddof) in DType::ALL.into_iter().flat_map(|dtype| ddofs.iter().map(move |ddof| (dtype, ddof))) {
            for axis in &axes {
                let axis = axis.map(|axis| format!(", axis={axis}")).unwrap_or_default();
                let text = format!("{name}(a{axis}{ddof})");
                let is_there = known.contains(&(text.as_str(), dtype));
                assert_eq!(is_there, (name, dtype) != ("ptp", DType::Bool), "{text} of {dtype}");
            }
        }
    }
}
