//! What plans look like: axes, run kinds, tiles, and the memory order of fresh outputs.

use ndarray::{Array1, Array2, Array3, s};
use ndexpr_runtime::abi::RunKind::{self, Contiguous, Splat, Strided};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::plan::{Plan, Tiling, output_order};
use ndexpr_runtime::view::{View, ViewMut};

/// Extents and run kinds of a plan into a fresh output in the order of its inputs.
fn planned(shape: &[usize], inputs: &[View<'_>]) -> (Vec<usize>, Vec<RunKind>) {
    let mut output = Output::new(DType::Float64, shape, &output_order(shape, inputs)).unwrap();
    let mut outputs = [output.view_mut()];
    let plan = Plan::new(shape, inputs, &mut outputs).unwrap();
    (plan.extents().to_vec(), plan.run_kinds().to_vec())
}

#[test]
fn axes_and_runs() {
    let (cube, plane) = (Array3::<f64>::zeros((20, 30, 40)), Array2::<f64>::zeros((30, 40)));
    let (line, scalar) = (Array1::<f64>::zeros(40), 1f64);
    let cube = cube.view();
    let view = |array| View::from(array);
    let c = [20, 30, 40];
    assert_eq!(planned(&c, &[view(cube), view(cube)]), (vec![1, 24_000], vec![Contiguous; 3]));
    assert_eq!(
        planned(&c, &[view(cube), View::from_element(&scalar)]),
        (vec![1, 24_000], vec![Contiguous, Splat, Contiguous])
    );
    assert_eq!(planned(&c, &[view(cube), View::from(&line)]), (vec![600, 40], vec![Contiguous; 3]));
    assert_eq!(planned(&c, &[view(cube), View::from(&plane)]), (vec![20, 1200], vec![Contiguous; 3]));
    let column = Array2::<f64>::zeros((30, 1));
    let expected = (vec![20, 30, 40], vec![Contiguous, Splat, Contiguous]);
    assert_eq!(planned(&c, &[view(cube), View::from(&column)]), expected);
    // All reversed alike, or all permuted alike, is as good as contiguous.
    let reversed = cube.slice(s![..;-1, ..;-1, ..;-1]);
    assert_eq!(planned(&c, &[view(reversed)]), (vec![1, 24_000], vec![Strided, Contiguous]));
    let permuted = cube.permuted_axes([2, 0, 1]);
    assert_eq!(planned(&[40, 20, 30], &[view(permuted), view(permuted)]), (vec![1, 24_000], vec![Contiguous; 3]));
    let mut out = Array3::<f64>::zeros((20, 30, 40));
    let mut outputs = [ViewMut::from(out.slice_mut(s![..;-1, ..;-1, ..;-1]))];
    let inputs = [view(reversed)];
    let plan = Plan::new(&c, &inputs, &mut outputs).unwrap();
    assert_eq!((plan.extents(), plan.run_kinds()), (&[1, 24_000][..], &[Contiguous; 2][..]));
    // Steps along the lanes.
    assert_eq!(
        planned(&[20, 30, 20], &[view(cube.slice(s![.., .., ..;2]))]),
        (vec![1, 12_000], vec![Strided, Contiguous])
    );
    // One element, or none.
    assert_eq!(planned(&[], &[View::from_element(&scalar)]), (vec![1, 1], vec![Contiguous; 2]));
    assert_eq!(planned(&[1, 1], &[View::from_element(&scalar)]), (vec![1, 1], vec![Contiguous; 2]));
    assert_eq!(planned(&[0, 3], &[View::from_element(&scalar)]), (vec![0, 0], vec![Contiguous; 2]));
    // The row axis follows a transposed operand, wherever its fastest axis is.
    let turned = Array3::<f64>::zeros((40, 30, 20));
    let turned = turned.view().permuted_axes([2, 1, 0]);
    let (extents, kinds) = planned(&c, &[view(cube), view(turned)]);
    assert_eq!((extents, kinds), (vec![30, 20, 40], vec![Contiguous; 3]), "packed tile by tile");
}

#[test]
fn tilings() {
    let tiling = |input: View<'_>, max_tile_elems| {
        let shape = input.shape().to_vec();
        let mut output = Output::new(DType::Float64, &shape, &(0..shape.len()).collect::<Vec<_>>()).unwrap();
        let mut outputs = [output.view_mut()];
        let inputs = [input];
        let Tiling { rows_per_tile, lanes_per_tile, n_row_blocks, n_lane_blocks, n_tiles, .. } =
            Plan::new(&shape, &inputs, &mut outputs).unwrap().tiling(max_tile_elems);
        (rows_per_tile, lanes_per_tile, n_row_blocks, n_lane_blocks, n_tiles)
    };
    let long = Array1::<f64>::zeros(10_000);
    assert_eq!(tiling(View::from(&long), 1024), (1, 1024, 1, 10, 10));
    assert_eq!(tiling(View::from(&long), usize::MAX), (1, 10_000, 1, 1, 1));
    assert_eq!(tiling(View::from(&long), 0).4, 10_000, "at least one element");
    let rows = Array2::<f64>::zeros((1000, 3));
    let repeated = View::from(rows.slice(s![..1, ..])).broadcast_to(&[1000, 3]).unwrap();
    assert_eq!(tiling(repeated, 1024), (320, 3, 4, 1, 4), "short rows are joined, whole cache lines of them");
    let square = Array2::<f64>::zeros((300, 200));
    assert_eq!(tiling(View::from(square.t()), 4096), (64, 64, 4, 5, 20), "transposed");
    assert_eq!(tiling(View::from(square.t()), 256), (4, 64, 50, 5, 250), "transposed, small");
    let square = Array2::<f64>::zeros((600, 600));
    assert_eq!(tiling(View::from(square.t()), 4096), (8, 128, 75, 5, 375), "bands");
    let square = Array2::<u8>::zeros((700, 700));
    assert_eq!(tiling(View::from(square.t()), 8192), (64, 128, 11, 6, 66), "bands of bytes");
    assert_eq!(tiling(View::from(square.t()), 256), (2, 128, 350, 6, 2100), "bands, small");
    let long = Array2::<f64>::zeros((10_000, 30));
    assert_eq!(tiling(View::from(long.t()), 8192), (128, 64, 1, 157, 157), "too long for bands");
    let empty = Array1::<f64>::zeros(0);
    assert_eq!(tiling(View::from(&empty), 1024).4, 0);
}

/// NumPy's own answers, written by `data/k_order.py`.
#[test]
fn output_order_is_numpys_k_order() {
    let ints = |text: &str| text.split_whitespace().map(|n| n.parse::<isize>().unwrap()).collect::<Vec<_>>();
    let bytes = vec![0u8; 1 << 20];
    let mut n_cases = 0;
    for line in include_str!("data/k_order.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('|').map(ints);
        let shape: Vec<usize> = fields.next().unwrap().into_iter().map(|n| n as usize).collect();
        let mut all: Vec<_> = fields.collect();
        let expected = all.pop().unwrap();
        let inputs: Vec<View<'_>> = all
            .iter()
            .map(|strides| View::from_bytes(&bytes, DType::Float64, &shape, strides, bytes.len() / 2).unwrap())
            .collect();
        let order = output_order(&shape, &inputs);
        let mut output = Output::new(DType::Float64, &shape, &order).unwrap();
        let strides = output.view_mut().strides().to_vec();
        for axis in 0..shape.len() {
            assert!(shape[axis] == 1 || strides[axis] == expected[axis], "{line}: {strides:?}");
        }
        n_cases += 1;
    }
    assert!(n_cases > 300);
}
