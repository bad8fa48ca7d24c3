//! Domains larger than any memory, little memory, and long runs that are cancelled: answers or errors, soon.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{
    Dest, ExecError, Fold, Origin, Progress, ReduceLoop, RunOptions, ScanLoop, Source, Stages, Value, copy_kernel,
};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::reduce::{ReduceOp, Reducer, ScanOp, Scanner};
use ndexpr_runtime::view::{AxisSet, View, ViewMut};

/// One element, repeated to a shape of any size.
fn repeated<'a>(bytes: &'a [u8], dtype: DType, shape: &[usize]) -> View<'a> {
    View::from_bytes(bytes, dtype, &[], &[], 0).and_then(|one| one.broadcast_to(shape)).expect("a view")
}

fn value(dtype: DType) -> Value {
    Value { dtype, origin: Some(Origin::Input(0)), keep: None }
}

fn run(stages: &Stages, view: &View<'_>, result: &mut ViewMut<'_>, options: &RunOptions<'_>) -> Result<(), ExecError> {
    let kernel = stages.needs_kernel(0).then(|| copy_kernel(view.dtype(), stages.run_kinds(0)[0]));
    stages.run(&[view], std::slice::from_mut(result), &[kernel.as_ref()], options)
}

/// Reduces a view along its first axis.
fn reduce(op: ReduceOp, view: &View<'_>, result: &mut ViewMut<'_>, options: &RunOptions<'_>) -> Result<(), ExecError> {
    let reducer = Reducer::new(op, view.dtype()).expect("a reduction");
    let mut stages = Stages::new(&[view], std::slice::from_ref(result));
    stages.reduce(&ReduceLoop {
        shape: view.shape(),
        axes: AxisSet::of([0]).expect("an axis"),
        inputs: &[Source::View(0)],
        values: &[value(view.dtype())],
        folds: &[Fold { reducer, value: 0, dest: Dest::Result(0) }],
    })?;
    run(&stages, view, result, options)
}

/// Stops a run when it is asked for the so manieth time. A period of nothing has it asked each time.
fn stopping_at(n_questions: usize) -> Progress {
    let n_asked = AtomicUsize::new(0);
    Progress::default().asking(Duration::ZERO, move || n_asked.fetch_add(1, Ordering::Relaxed) + 1 < n_questions)
}

#[test]
fn what_the_first_element_decides_takes_no_time() {
    let pool = Pool::new(2).expect("threads");
    for n in [1_usize << 46, 1 << 54, 1 << 62] {
        for (op, byte) in [(ReduceOp::Any, 1), (ReduceOp::All, 0)] {
            let start = Instant::now();
            let mut out = [byte == 0];
            let mut result = ViewMut::from_element_mut(&mut out[0]);
            reduce(op, &repeated(&[byte], DType::Bool, &[n]), &mut result, &RunOptions::new(&pool)).expect("it runs");
            assert_eq!(out, [byte != 0]);
            // Columns are decided one block after the other.
            let mut out = [byte == 0; 5];
            let bytes = [byte];
            let columns = repeated(&bytes, DType::Bool, &[n >> 4, 5]);
            let mut result = ViewMut::from_slice_mut(&mut out);
            reduce(op, &columns, &mut result, &RunOptions::new(&pool)).expect("it runs");
            assert_eq!(out, [byte != 0; 5]);
            assert!(start.elapsed() < Duration::from_secs(2), "{n} elements: {:?}", start.elapsed());
        }
    }
}

#[test]
fn gigantic_reductions_can_be_cancelled() {
    let pool = Pool::new(2).expect("threads");
    for shape in [&[1_usize << 54][..], &[1 << 50, 7], &[1 << 40, 1 << 12]] {
        let start = Instant::now();
        let progress = stopping_at(4);
        let options = RunOptions { pool: &pool, progress: Some(&progress) };
        let mut out =
            Output::new(DType::Int64, &shape[1..], &(0..shape.len() - 1).collect::<Vec<_>>()).expect("memory");
        let cancelled = reduce(ReduceOp::Sum, &repeated(&[1], DType::Int8, shape), &mut out.view_mut(), &options);
        assert_eq!(cancelled, Err(ExecError::Cancelled), "{shape:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{shape:?}: {:?}", start.elapsed());
    }
}

/// A scan is one long chunk: of a vector, and of columns.
#[test]
fn scans_report_and_can_be_cancelled() {
    let pool = Pool::new(1).expect("a thread");
    for (shape, order) in [(&[1_usize << 20][..], &[0][..]), (&[1 << 18, 3], &[0, 1])] {
        let n: usize = shape.iter().product();
        let one = 1.0_f64.to_ne_bytes();
        let view = repeated(&one, DType::Float64, shape);
        let mut out = Output::new(DType::Float64, shape, order).expect("memory");
        let mut stages = Stages::new(&[&view], &[out.view_mut()]);
        let scanner = Scanner::new(ScanOp::CumSum, DType::Float64);
        let (inputs, value) = (&[Source::View(0)], value(DType::Float64));
        stages.scan(&ScanLoop { shape, axis: 0, inputs, value, scanner, dest: Dest::Result(0) }).expect("it fits");

        let progress = stopping_at(3);
        let options = RunOptions { pool: &pool, progress: Some(&progress) };
        assert_eq!(run(&stages, &view, &mut out.view_mut(), &options), Err(ExecError::Cancelled));
        assert!((1..n).contains(&progress.done()), "{} of {n}", progress.done());

        let progress = Progress::new(n);
        let options = RunOptions { pool: &pool, progress: Some(&progress) };
        run(&stages, &view, &mut out.view_mut(), &options).expect("it runs");
        assert_eq!(progress.done(), n, "each element is counted once");
        let last: Vec<usize> = shape.iter().map(|extent| extent - 1).collect();
        assert_eq!(out.view().read(&last).and_then(|x| x.get()), Some(shape[0] as f64));
    }
}

/// All elements are counted once, whether parts report on their own or not.
#[test]
fn reductions_count_each_element_once() {
    let pool = Pool::new(2).expect("threads");
    for shape in [&[3_000_000_usize][..], &[100_000, 30], &[30, 100_000], &[5000, 2000]] {
        let n: usize = shape.iter().product();
        let progress = Progress::new(n);
        let options = RunOptions { pool: &pool, progress: Some(&progress) };
        let mut out =
            Output::new(DType::Int64, &shape[1..], &(0..shape.len() - 1).collect::<Vec<_>>()).expect("memory");
        reduce(ReduceOp::Sum, &repeated(&[1], DType::Int8, shape), &mut out.view_mut(), &options).expect("it runs");
        assert_eq!(progress.done(), n, "{shape:?}");
        assert!(out.view().scalars().all(|sum| sum.get() == Some(shape[0] as i64)));
    }
}

/// Without memory for the sums of its leaves, a reduction is an error. In a process of its own, which has little.
#[cfg(target_os = "linux")]
#[test]
fn without_memory_there_is_an_error() {
    const IS_CHILD: &str = "NDEXPR_TEST_WITHOUT_MEMORY";
    if std::env::var_os(IS_CHILD).is_none() {
        let test = std::env::current_exe().expect("this program");
        let mut child = std::process::Command::new(test);
        child.args(["--exact", "without_memory_there_is_an_error", "--nocapture"]).env(IS_CHILD, "1");
        let output = child.output().expect("it starts");
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let pool = Pool::new(1).expect("a thread");
    let zeros = vec![0_u8; 8 * 1500];
    let columns = View::from_bytes(&zeros, DType::Float64, &[1 << 40, 1500], &[0, 8], 0).expect("a view");
    let mut out = vec![0.0_f64; 1500];
    let progress = stopping_at(1000);
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    let limit = libc::rlimit { rlim_cur: pages * 4096 + (64 << 10), rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the limit is one, and belongs to this process, which is there for it.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    // What the allocator has in reserve.
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(4096);
    loop {
        let mut block = Vec::new();
        if block.try_reserve_exact(1 << 20).is_err() || blocks.len() == blocks.capacity() {
            break;
        }
        blocks.push(block);
    }
    let options = RunOptions { pool: &pool, progress: Some(&progress) };
    let outcome = reduce(ReduceOp::Deviations, &columns, &mut ViewMut::from_slice_mut(&mut out), &options);
    assert!(matches!(outcome, Err(ExecError::Alloc(_))), "{outcome:?}");
}
