//! Code for the processors that the tests do not run on: it must at least lower.

#[path = "../../tests/filetests/format.rs"]
#[expect(dead_code, reason = "the filetests use all of it")]
mod format;

use super::{Refusal, Target, print};
use crate::options::{CompileOptions, FloatMode};
use crate::vars::{Signature, VarType};
use crate::{driver, fuse};
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
                // An output is no splat.
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
    let signature = file.signature.iter().fold(Signature::new(), |signature, variable| {
        let dtype = DType::from_name(&variable.dtype).expect("a dtype");
        let ty = if variable.is_scalar { VarType::scalar(dtype) } else { VarType::array(dtype) };
        signature.with(&variable.name, ty)
    });
    let ast = driver::parse(&file.expression, &options).ok()?;
    let typed = driver::lower(&ast, &signature, &options).ok()?;
    let graph = driver::optimise(&typed, &options).expect("what is typed can be optimised");
    let plan = fuse::plan(&graph);
    driver::build_tapes(&graph, &plan, target).ok()
}

/// The one tape of an expression of arrays `a` and `b`.
#[cfg(target_arch = "x86_64")]
fn tape(text: &str, dtype: DType, target: &Target) -> crate::tape::Tape {
    let options = CompileOptions::default();
    let signature = Signature::new().with("a", VarType::array(dtype)).with("b", VarType::array(dtype));
    let ast = driver::parse(text, &options).expect("an expression");
    let typed = driver::lower(&ast, &signature, &options).expect("an expression of arrays");
    let graph = driver::optimise(&typed, &options).expect("what is typed can be optimised");
    let mut tapes = driver::build_tapes(&graph, &fuse::plan(&graph), target).expect("a tape");
    assert_eq!(tapes.len(), 1);
    tapes.remove(0)
}

/// What has registers of twice the width on processors with AVX2: the arithmetic of every type whose values have one width.
#[test]
#[cfg(target_arch = "x86_64")]
fn double_kernels_can_be_made() {
    use super::bundle::Width;
    use super::{Stores, Work, compile_with, width};
    const FLOATS: &[DType] = &[DType::Float32, DType::Float64];
    let integers: Vec<DType> = DType::ALL.into_iter().filter(|dtype| dtype.is_int()).collect();
    let integers = &integers[..];
    let target = Target::host().expect("a code generator for this processor");
    if !target.has_double_registers() {
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
                    assert_eq!(width(&tape, &kinds, stores, target), Width::Double, "{text}, {dtype}");
                    let kernel = compile_with(&mut Work::default(), &tape, &kinds, (stores, Width::Double), target);
                    let refusal = kernel.err().map(|refusal| refusal.0);
                    assert_eq!(refusal, None, "{text}, {dtype}, {input:?}, {stores:?}");
                }
            }
        }
    }
}

/// What is streamed on this processor: large results of simple loops.
#[test]
#[cfg(target_arch = "x86_64")]
fn streaming_kernels_can_be_made() {
    use super::{Stores, compile};
    let target = Target::host().expect("a code generator for this processor");
    for (text, dtype) in [
        ("a + b*2", DType::Float64),
        ("a*b + a", DType::Float32),
        ("a + b", DType::UInt8),
        ("exp(a) - b", DType::Float64),
        ("exp(a - b)", DType::Float64),
        ("atan2(a, b)", DType::Float32),
    ] {
        let tape = tape(text, dtype, target);
        let kernel = compile(&tape, &[RunKind::Contiguous; 3], Stores::Streaming, target);
        assert!(kernel.is_ok(), "{text}: {}", kernel.unwrap_err().0);
    }
}
