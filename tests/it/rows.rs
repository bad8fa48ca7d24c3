//! Parts of larger arrays: rows without gaps, and gaps between them, in short calls.

use crate::cases::arrays::{Array, Layout, pool, same};
use ndexpr::{Backend, DType, DynArray, Engine, Scalar, View, ViewMut, vars};

/// Elements of an array, in C order.
fn scalars(array: &DynArray) -> Vec<Scalar> {
    let (n_rows, n_lanes) = (array.shape()[0], array.shape()[1]);
    let read = |i: usize, j: usize| array.view().read(&[i, j]).expect("an element");
    (0..n_rows).flat_map(|i| (0..n_lanes).map(move |j| read(i, j))).collect()
}

/// A part of an array of so many more rows and columns.
fn part<'a>(array: &'a Array, [n_rows, n_lanes]: [usize; 2], first: [usize; 2]) -> View<'a> {
    let whole = array.view();
    let (size, strides) = (array.dtype.size() as isize, array.strides.clone());
    let offset = first[0] as isize * strides[0] + first[1] as isize * strides[1];
    assert_eq!(strides[1], size);
    // SAFETY: the part is inside of the array, which stays borrowed.
    unsafe { View::from_raw_parts(whole.as_ptr().wrapping_offset(offset), array.dtype, &[n_rows, n_lanes], &strides) }
        .expect("a part")
}

#[test]
fn parts_of_larger_arrays() {
    let texts = ["x + y", "where(x > y, x, y*k) - x", "x", "exp(x) - y", "(x*3 - y)*(x - k) + y/2", "x*y + whole"];
    let engines = [(Backend::Interp, 1), (Backend::Jit, 1), (Backend::Jit, 2)]
        .map(|(backend, threads)| Engine::builder().backend(backend).threads(threads).build().expect("an engine"));
    for dtypes in [[DType::Float64; 3], [DType::Float32, DType::Int16, DType::Float64], [DType::UInt8; 3]] {
        for shape in [[1, 40], [2, 31], [3, 32], [5, 33], [40, 98], [3, 1500], [200, 130]] {
            let array = |i: usize, more: [usize; 2]| {
                let values = pool(50 + i as u64, dtypes[i], 1000);
                Array::new(dtypes[i], &Layout::dense(&[shape[0] + more[0], shape[1] + more[1]]), |k| values[k % 1000])
            };
            let (x, y, whole) = (array(0, [2, 3]), array(1, [0, 5]), array(2, [0, 0]));
            let vars =
                vars! { x: part(&x, shape, [1, 2]), y: part(&y, shape, [0, 0]), whole: whole.view(), k: 2.5_f32 };
            for text in texts {
                let [expected, one, two] = [0, 1, 2].map(|k| {
                    let program = engines[k].program(text, &vars).expect("it compiles");
                    let fresh = program.evaluate::<DynArray>(&vars).expect("a result");
                    let mut bytes = vec![0_u8; shape[0] * shape[1] * program.result_dtype().size()];
                    let out = ViewMut::from_bytes_mut(
                        &mut bytes,
                        program.result_dtype(),
                        &shape,
                        &[(shape[1] * program.result_dtype().size()) as isize, program.result_dtype().size() as isize],
                        0,
                    );
                    program.run(&vars, out.expect("an output")).expect("a result");
                    let size = program.result_dtype().size();
                    let filled: Vec<Scalar> = bytes
                        .chunks_exact(size)
                        .map(|element| {
                            let mut bits = [0; 8];
                            bits[..size].copy_from_slice(element);
                            Scalar::from_bits(program.result_dtype(), u64::from_le_bytes(bits))
                        })
                        .collect();
                    (scalars(&fresh), filled)
                });
                for found in [&one.0, &one.1, &two.0, &two.1, &expected.1] {
                    let differs = (0..found.len()).find(|&i| !same(expected.0[i], found[i]));
                    assert_eq!(differs, None, "{text} of {shape:?}, {dtypes:?}");
                }
            }
        }
    }
}

/// Where the output is among the rows of an input, the input is read first.
#[test]
fn outputs_between_the_rows_of_an_input() {
    const SHAPE: [usize; 2] = [4, 40];
    let engine = Engine::builder().threads(1).build().expect("an engine");
    for first in [0, 1, 39, 40, 160, 170, 200] {
        let mut memory: Vec<f64> = (0..600).map(f64::from).collect();
        let start = memory.as_mut_ptr();
        let expected: Vec<f64> = (0..4).flat_map(|i| (0..40).map(move |j| f64::from(i * 100 + j) * 2.0)).collect();
        // SAFETY: both are inside of the memory, which nobody else uses meanwhile, and the run
        // checks how they overlap.
        let (x, out) = unsafe {
            let out = start.add(first).cast();
            (
                View::from_raw_parts(start.cast(), DType::Float64, &SHAPE, &[800, 8]).expect("an input"),
                ViewMut::from_raw_parts(out, DType::Float64, &SHAPE, &[320, 8]).expect("an output"),
            )
        };
        engine.program("x*2", &vars! { x: x.clone() }).expect("it compiles").run(&vars! { x }, out).expect("a result");
        assert_eq!(memory[first..first + 160], expected, "from {first}");
    }
}
