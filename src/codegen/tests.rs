//! Code for processors that the tests do not run on: it must at least lower.

#[path = "../../tests/filetests/format.rs"]
#[expect(dead_code, reason = "the filetests use all of it")]
mod format;

use super::{Generator, Refusal, Target, print};
use crate::compile::Setting;
use crate::options::{CompileOptions, FloatMode, Registers};
use crate::resolve::Registry;
use crate::vars::{Signature, VarType};
use crate::{compile, fuse};
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::dtype::DType;

/// Every filetest lowers for 64-bit Arm, whatever the layout of its operands.
#[test]
fn filetests_lower_for_aarch64() {
    let target = Target::aarch64().expect("the dependencies enable the arm64 back end");
    let mut n_tapes = 0;
    let mut refused = Vec::new();
    for (name, path) in format::all() {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let file = format::File::parse(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        let Some(tapes) = tapes(&file, &target) else { continue };
        for tape in tapes {
            n_tapes += 1;
            for kind in [RunKind::Contiguous, RunKind::Strided, RunKind::Splat] {
                // An output cannot be a splat.
                let inputs = tape.inputs.iter().map(|_| kind);
                let outputs = tape.outputs.iter().map(|_| match kind {
                    RunKind::Splat => RunKind::Contiguous,
                    _ => kind,
                });
                let kinds: Vec<RunKind> = inputs.chain(outputs).collect();
                if let Err(Refusal(reason)) = print(&tape, &kinds, &target) {
                    refused.push(format!("{name}, {kind}: {reason}"));
                }
            }
        }
    }
    assert!(n_tapes >= 100, "only {n_tapes} tapes");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The tapes of a file; none if its text is wrong, as it should be in some.
fn tapes(file: &format::File, target: &Target) -> Option<Vec<crate::tape::Tape>> {
    let floats = if file.is_fast { FloatMode::Fast } else { FloatMode::Strict };
    let options = CompileOptions { floats, ..CompileOptions::default() };
    let setting = Setting { options: &options, registry: &Registry::empty() };
    let signature = file.signature.iter().fold(Signature::new(), |signature, variable| {
        let dtype = DType::from_name(&variable.dtype).expect("a dtype");
        let ty = if variable.is_scalar { VarType::scalar(dtype) } else { VarType::array(dtype) };
        signature.with(&variable.name, ty)
    });
    let resolved =
        compile::resolve_evaluation(&file.expression, &signature, setting, &mut compile::Clock::start()).ok()?;
    let typed = compile::lower(&resolved, &signature, &None, setting).ok()?;
    let graph = compile::optimise(&typed, &options).expect("what is typed can be optimised");
    let plan = fuse::fuse(&graph, &fuse::Alike::likely(&graph));
    compile::build_tapes(&graph, &plan, target).ok()
}

/// The one tape of an expression of arrays `a` and `b`.
#[cfg(target_arch = "x86_64")]
fn tape(text: &str, dtype: DType, target: &Target) -> crate::tape::Tape {
    let options = CompileOptions::default();
    let setting = Setting { options: &options, registry: &Registry::empty() };
    let signature = Signature::new().with("a", VarType::array(dtype)).with("b", VarType::array(dtype));
    let resolved =
        compile::resolve_evaluation(text, &signature, setting, &mut compile::Clock::start()).expect("an expression");
    let typed = compile::lower(&resolved, &signature, &None, setting).expect("an expression of arrays");
    let graph = compile::optimise(&typed, &options).expect("what is typed can be optimised");
    let mut tapes =
        compile::build_tapes(&graph, &fuse::fuse(&graph, &fuse::Alike::likely(&graph)), target).expect("a tape");
    assert_eq!(tapes.len(), 1);
    tapes.remove(0)
}

/// The loops that have registers of 256 bits on processors with AVX2: the arithmetic of every type
/// whose values have one width.
#[test]
#[cfg(target_arch = "x86_64")]
fn wide_kernels_can_be_made() {
    use super::{Stores, Variant, Work, compile_with, outlined};
    const FLOATS: &[DType] = &[DType::Float32, DType::Float64];
    let integers: Vec<DType> = DType::ALL.into_iter().filter(|dtype| dtype.is_int()).collect();
    let integers = &integers[..];
    let generator = Generator::for_host(Registers::Widest).expect("a code generator for this processor");
    let target = generator.target();
    if target.machine().wide.is_none() {
        return;
    }
    for (text, dtypes) in [
        ("a + b*2 - 1", FLOATS),
        ("((.25*a + .75)*a - 1.5)*a - 2", FLOATS),
        ("where(a > 0.5, a*2, b + 1)", FLOATS),
        ("sqrt(a**2 + b**2)/(1 - b)", FLOATS),
        ("floor(a) + ceil(b) - abs(a)*-b", FLOATS),
        ("minimum(a, b) + maximum(a, 1)", FLOATS),
        ("(a*2 + b)*(a - b) + a/3 - sqrt(b) + abs(a)*0.5", FLOATS),
        ("((((((((((a - 1)*a + 2)*a - 3)*a + 4)*a - 5)*a + 6)*a - 7)*a + 8)*a - 9)*a + b)", FLOATS),
        ("a*b + a - 3", integers),
        ("where(a < b, a & 5, b | a ^ 3)", integers),
        ("minimum(a, b) + abs(~a)", integers),
        ("(a << 3) + (b >> 2)", integers),
    ] {
        for &dtype in dtypes {
            let tape = tape(text, dtype, target);
            for input in [RunKind::Contiguous, RunKind::Splat] {
                let inputs = tape.inputs.iter().map(|_| input);
                let kinds: Vec<RunKind> = inputs.chain([RunKind::Contiguous]).collect();
                for stores in [Stores::Ordinary, Stores::StreamingLong] {
                    let outline = outlined(&tape, Variant { kinds: &kinds, stores }, target.machine());
                    let outline = outline.unwrap_or_else(|why| panic!("{text}, {dtype}: {}", why.0));
                    assert_eq!(outline.not_wide, None, "{text}, {dtype}");
                    let kernel = compile_with(&mut Work::default(), &outline, &generator, None);
                    let refusal = kernel.err().map(|refusal| refusal.0);
                    assert_eq!(refusal, None, "{text}, {dtype}, {input:?}, {stores:?}");
                }
            }
        }
    }
}

/// The loops whose results are streamed on this processor: simple ones with large results.
#[test]
#[cfg(target_arch = "x86_64")]
fn streaming_kernels_can_be_made() {
    use super::{Stores, Variant, compile};
    let generator = Generator::for_host(Registers::Widest).expect("a code generator for this processor");
    let target = generator.target();
    for (text, dtype) in [
        ("a + b*2", DType::Float64),
        ("a*b + a", DType::Float32),
        ("a + b", DType::UInt8),
        ("exp(a) - b", DType::Float64),
        ("exp(a - b)", DType::Float64),
        ("atan2(a, b)", DType::Float32),
    ] {
        let tape = tape(text, dtype, target);
        let kernel =
            compile(&tape, Variant { kinds: &[RunKind::Contiguous; 3], stores: Stores::Streaming }, &generator, None);
        assert!(kernel.is_ok(), "{text}: {}", kernel.unwrap_err().0);
    }
}

/// The tape of a loop with these nodes of a graph as outputs.
fn tape_of_outputs(text: &str, outputs: &[&str], target: &Target) -> crate::tape::Tape {
    let options = CompileOptions::default();
    let setting = Setting { options: &options, registry: &Registry::empty() };
    let ty = VarType::array(DType::Float64);
    let signature = Signature::new().with("a", ty).with("b", ty);
    let resolved =
        compile::resolve_evaluation(text, &signature, setting, &mut compile::Clock::start()).expect("an expression");
    let typed = compile::lower(&resolved, &signature, &None, setting).expect("an expression of arrays");
    let graph = compile::optimise(&typed, &options).expect("what is typed can be optimised");
    let mut group = fuse::fuse(&graph, &fuse::Alike::likely(&graph)).loops.remove(0);
    let root = group.outputs[0];
    let named = |name: &&str| match *name {
        "root" => root,
        "first" => (group.body[0], root.1),
        name => {
            let is_named = |&&(_, source): &&(crate::hir::ExprId, fuse::Source)| fuse::name_of(source, &graph) == name;
            (group.inputs.iter().find(is_named).expect("a variable").0, root.1)
        }
    };
    group.outputs = outputs.iter().map(named).collect();
    let tape = crate::tape::build(&graph, &group, target.machine().preferences()).expect("a tape");
    crate::tape::verify(&tape).expect("a tape that is right");
    tape
}

/// Runs a kernel of two inputs `a` and `b` and two outputs. Each output may be the memory of an
/// input.
fn run_in_place(tape: &crate::tape::Tape, [a, b]: [&[f64]; 2], is_in_place: [Option<usize>; 2]) -> [Vec<f64>; 2] {
    use ndexpr_runtime::plan::{Input, Plan};
    use ndexpr_runtime::view::{View, ViewMut};
    let generator = Generator::for_host(Registers::Widest).expect("a code generator for this processor");
    let mut memory = [vec![0.0; a.len()], vec![0.0; a.len()]];
    for (input, output) in [a, b].into_iter().zip(is_in_place) {
        if let Some(output) = output {
            memory[output].copy_from_slice(input);
        }
    }
    let views = [View::from(a), View::from(b)];
    // In the order of the tape.
    let inputs: Vec<Input<'_, '_>> = tape
        .inputs
        .iter()
        .map(|input| {
            let i = usize::from(input.name == "b");
            is_in_place[i].map_or(Input::View(&views[i]), Input::Output)
        })
        .collect();
    let mut outputs: Vec<ViewMut<'_>> = memory.iter_mut().map(|memory| ViewMut::from(&mut memory[..])).collect();
    let plan = Plan::in_place(&[a.len()], &inputs, &mut outputs).expect("a plan");
    let kernel = super::compile(
        tape,
        super::Variant { kinds: plan.run_kinds(), stores: super::Stores::Ordinary },
        &generator,
        None,
    )
    .expect("a kernel");
    let pool = ndexpr_runtime::pool::Pool::new(1).expect("one thread");
    ndexpr_runtime::exec::run(&plan, &kernel, &ndexpr_runtime::exec::RunOptions::new(&pool)).expect("a run");
    drop(plan);
    drop(outputs);
    memory
}

/// An output that is an input too is written when nothing has to read the input any more.
#[test]
fn outputs_of_one_loop_may_be_its_inputs() {
    let generator = Generator::for_host(Registers::Widest).expect("a code generator for this processor");
    let target = generator.target();
    let a: Vec<f64> = (0..1000).map(|i| f64::from(i) / 999.0).collect();
    let b: Vec<f64> = (0..1000).map(|i| f64::from(i % 7) - 2.0).collect();
    // The first output is computed before the call of the second, which still needs `b` after the
    // call.
    let tape = tape_of_outputs("sin(a + b)*b", &["first", "root"], target);
    for is_in_place in [[None, None], [None, Some(0)], [Some(0), None], [Some(1), None], [Some(1), Some(0)]] {
        let [sums, results] = run_in_place(&tape, [&a, &b], is_in_place);
        for i in 0..a.len() {
            assert_eq!(sums[i], a[i] + b[i], "{is_in_place:?}, {i}");
            let expected = (a[i] + b[i]).sin() * b[i];
            assert!((results[i] - expected).abs() <= 1e-15, "{is_in_place:?}, {i}: {} {expected}", results[i]);
        }
    }
    // Two arrays change places, beside something that is computed.
    let tape = tape_of_outputs("a + b", &["b", "a"], target);
    let [first, second] = run_in_place(&tape, [&a, &b], [Some(0), Some(1)]);
    assert_eq!((first, second), (b.clone(), a.clone()));
    // The second output only copies an input that the first output is written to.
    let tape = tape_of_outputs("a + b", &["root", "a"], target);
    let [sums, copied] = run_in_place(&tape, [&a, &b], [Some(0), None]);
    assert_eq!(copied, a);
    assert!((0..a.len()).all(|i| sums[i] == a[i] + b[i]));
}
