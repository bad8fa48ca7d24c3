//! Runs compiled kernels over strided arrays.
//!
//! This crate is the run-time half of ndexpr and knows nothing of text, trees or Cranelift. What
//! comes in is a kernel (machine code for one loop, see [`abi`]) and views of arrays; what goes out
//! is the outputs, filled. The path of a call:
//!
//! ```text
//! view -> plan -> chunks -> tiles -> kernel -> output
//! ```
//!
//! A module uses only modules above it in this list:
//!
//! | module     | job |
//! |------------|-----|
//! | [`dtype`]  | the element types, and one value of any of them |
//! | [`abi`]    | the contract with compiled code |
//! | `machine`  | what is assumed of caches and costs: constants |
//! | [`arch`]   | the instruction set in use; vectors |
//! | [`math`]   | vector math functions, called once per tile |
//! | [`function`] | functions of the application: closures, called once per tile |
//! | [`view`]   | pointer + dtype + shape + byte strides, checked once where it is made; axes, broadcasting, overlap |
//! | [`memory`] | fresh outputs and scratch |
//! | [`reduce`] | reductions and scans of contiguous elements, in a fixed order |
//! | [`plan`]   | one call's iteration: axes ordered and merged, runs classified, cut into tiles |
//! | [`pool`]   | the threads |
//! | [`exec`]   | calls a kernel for every tile of a plan, several loops as one call; copies; progress and cancelling |
//!
//! Every function is safe to call, except those that must trust the caller because something cannot
//! be checked:
//!
//! | where | what | the caller's word |
//! |-------|------|-------------------|
//! | [`view`]   | [`View::from_raw_parts`](view::View::from_raw_parts), [`ViewMut::from_raw_parts`](view::ViewMut::from_raw_parts) | the memory is there, and nobody else uses it meanwhile |
//! | [`exec`]   | [`Kernel::new`](exec::Kernel::new) | the machine code keeps to [`abi`] |
//! |            | [`Flat::dense`](exec::Flat::dense), [`Flat::push_dense`](exec::Flat::push_dense) | the same as for views |
//! | [`reduce`] | [`Reducer::leaves`](reduce::Reducer::leaves), [`product_leaves`](reduce::Reducer::product_leaves), [`column_leaf`](reduce::Reducer::column_leaf), [`combine`](reduce::Reducer::combine), [`node`](reduce::Reducer::node), [`finish`](reduce::Reducer::finish) | elements, partials and room for them are there |
//! |            | [`Scanner::scan`](reduce::Scanner::scan) | the same |
//! |            | [`Scanner::scan_side_by_side`](reduce::Scanner::scan_side_by_side) | the same |
//! |            | [`Scanner::scan_rows`](reduce::Scanner::scan_rows) | the same |
//! | [`abi`]    | any [`KernelFn`](abi::KernelFn), [`TileFn`](abi::TileFn) and [`CallbackFn`](abi::CallbackFn), such as those of [`math`] | arguments are as [`abi`] says |
//!
//! The rest of the crate relies on the checks that are made where views, plans and
//! [`Stages`](exec::Stages) are made: nothing is checked again afterwards.
//!
//! A kernel is usually machine code from a JIT. Any `extern "C"` function that keeps the contract
//! will do:
//!
//! ```
//! use ndexpr_runtime::{abi::KernelArgs, dtype::DType, exec, memory::Output, plan::Plan, pool::Pool, view::View};
//!
//! /// out = in + 1, whatever the strides.
//! unsafe extern "C" fn add_one(args: *const KernelArgs) {
//!     // SAFETY: called by `exec::run` only, which passes valid arguments for two operands of dtype float64.
//!     unsafe {
//!         let (args, ops) = (&*args, std::slice::from_raw_parts((*args).operands, 2));
//!         for (row, lane) in (0..args.n_rows).flat_map(|row| (0..args.n_lanes).map(move |lane| (row, lane))) {
//!             let at = |k: usize| {
//!                 let offset = row as isize * ops[k].row_stride + lane as isize * ops[k].lane_stride;
//!                 ops[k].ptr.offset(offset).cast::<f64>()
//!             };
//!             at(1).write_unaligned(at(0).read_unaligned() + 1.0);
//!         }
//!     }
//! }
//!
//! let input = ndarray::array![[1.0, 2.0], [3.0, 4.0]];
//! let mut output = Output::new(DType::Float64, &[2, 2], &[0, 1])?;
//! let inputs = [View::from(&input)];
//! let mut outputs = [output.view_mut()];
//! let plan = Plan::new(&[2, 2], &inputs, &mut outputs)?;
//! let kernel = exec::KernelSpec {
//!     entry: add_one,
//!     rest: Box::default(),
//!     operands: plan.dtypes().iter().copied().zip(plan.run_kinds().iter().copied()).collect(),
//!     n_outputs: 1,
//!     max_tile_elems: None,
//!     whole_blocks: None,
//!     is_streaming: false,
//!     leaf: None,
//!     slot_bytes: 0,
//!     tile_fns: Box::default(),
//!     callbacks: Default::default(),
//!     ns_per_elem: 0.2,
//!     code: std::sync::Arc::new(()),
//! };
//! // SAFETY: `add_one` is right for any strides of two float64 operands, and is not freed.
//! let kernel = unsafe { exec::Kernel::new(kernel) };
//! exec::run(&plan, &kernel, &exec::RunOptions::new(&Pool::new(1)?))?;
//! assert_eq!(output.into_array::<f64>().unwrap(), ndarray::array![[2.0, 3.0], [4.0, 5.0]].into_dyn());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod abi;
pub mod arch;
pub mod dtype;
pub mod exec;
pub mod function;
mod machine;
pub mod math;
pub mod memory;
pub mod plan;
pub mod pool;
pub mod reduce;
pub mod region;
pub mod view;
