//! The first ten lines: arrays in, an expression as text, an array out.
//!
//! `cargo run --release --example evaluate`

#![allow(clippy::print_stdout, reason = "it is there to print")]

use ndarray::{Array1, Array2};
use ndexpr::{DynArray, evaluate, evaluate_into, vars};

fn main() -> Result<(), ndexpr::Error> {
    let a = Array1::linspace(0.0, 1.0, 1_000_000);
    let b = a.mapv(|x| 1.0 - x);

    let c: Array1<f64> = evaluate("a + b*2", vars! { a, b })?;
    println!("a + b*2 begins with {} and ends with {}", c[0], c[c.len() - 1]);

    // Names of your own, numbers, and slices of any strides.
    let every_other = a.slice(ndarray::s![..;2]);
    let scaled: Array1<f64> = evaluate("sqrt(x) * k", vars! { x: every_other, k: 10.0 })?;
    println!("{} square roots", scaled.len());

    // Into an existing array: nothing is allocated.
    let mut out = Array1::<f64>::zeros(a.len());
    evaluate_into("where(a > 0.5, a, b)", vars! { a, b }, &mut out)?;

    // Shapes broadcast, dtypes promote; a result of any dtype is a `DynArray`.
    let rows = Array2::<f32>::ones((3, 4));
    let table: DynArray = evaluate("rows * 2 > row", vars! { rows, row: &[1_i16, 2, 3, 4] })?;
    println!("{} of shape {:?}", table.dtype(), table.shape());
    Ok(())
}
