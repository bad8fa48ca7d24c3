//! Machine code: a tape becomes a kernel through Cranelift. The only place that names Cranelift, and the only one in
//! this crate with `unsafe`.
//!
//! - [`target`]: the instruction set that code is made for.
//! - [`loops`]: the shape of a kernel: segments, rows, calls; [`call`] is what it calls, [`row`] are strips and tails.
//! - [`strip`]: the instructions of one strip; [`access`] is how it meets memory, [`convert`] how widths change.
//! - [`stream`]: stores past the caches, [`double`]: registers of 256 bits. Cranelift has neither, so finished code is changed;
//!   [`x86`] is what they know of it.
//! - [`memory`]: finishes code, and owns it.
//!
//! A kernel is specialised for the [`RunKind`] of each operand. Every value of a strip is a bundle of registers that
//! covers its lanes, of 128 bits or of 256; the tail runs the very same instructions on a strip of one lane, whose other lanes are zero
//! or repeat it, so a result cannot depend on where in an array its element is.

mod access;
mod bundle;
mod call;
mod convert;
mod double;
mod loops;
mod memory;
mod row;
mod stream;
mod strip;
mod target;
#[cfg(test)]
mod tests;
mod x86;

pub(crate) use stream::Stores;
pub(crate) use target::Target;

use crate::tape::{Inst, Tape};
use bundle::Width;
use cranelift_codegen::Context;
use cranelift_codegen::ir::Function;
use cranelift_frontend::FunctionBuilderContext;
use ndexpr_runtime::abi::{KernelFn, RunKind};
use ndexpr_runtime::exec::{Kernel, KernelSpec};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a tape did not become a kernel. The caller falls back to the interpreter.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(pub(crate) String);

thread_local! {
    /// Cranelift's working memory, reused from one compile to the next.
    static WORK: RefCell<Work> = RefCell::default();
}

#[derive(Default)]
struct Work {
    context: Option<Context>,
    builder: FunctionBuilderContext,
}

/// Longer tapes are interpreted, because untrusted text may not hold up its reader. Cranelift takes 3 to 60 us for an
/// instruction of a long tape (AMD EPYC Zen 4, 2026-11; `tests/it/hostile.rs` prints what texts take).
const MAX_NODES: usize = 20_000;

/// The same for operands: their addresses are alive all through a kernel, and register allocation is quadratic in them.
/// A sum of 400 arrays takes 0.08 s, of 800 0.3 s, of 3200 3 s (as above).
const MAX_OPERANDS: usize = 500;

/// Compiles a tape for operands of these run kinds, inputs first.
///
/// # Errors
///
/// Whatever Cranelift refuses, or panics on. What has no stores of whole registers cannot be streamed, nor what a call
/// writes that has no such stores: to take it from a slot would cost more than ordinary stores.
pub(crate) fn compile(tape: &Tape, kinds: &[RunKind], stores: Stores, target: &Target) -> Result<Kernel, Refusal> {
    if tape.nodes.len() > MAX_NODES {
        return Err(Refusal(format!("it has {} instructions, and {MAX_NODES} can be compiled soon", tape.nodes.len())));
    }
    if kinds.len() > MAX_OPERANDS {
        return Err(Refusal(format!("it has {} arrays, and {MAX_OPERANDS} can be compiled soon", kinds.len())));
    }
    let streams = |(value, _)| call::Call::at(tape, value).is_some_and(|call| call.callee.tile_fn(stores).is_some());
    if stores.is_streaming() && !loops::call_to_output(tape, kinds).is_none_or(streams) {
        return Err(Refusal("a call writes its output itself, and does not stream".to_owned()));
    }
    let compile = |width: Width| {
        let mut work = WORK.take();
        // A panic leaves nothing of `work` behind: it is dropped, and the next compile starts afresh.
        let (result, work) = catch_unwind(AssertUnwindSafe(|| {
            let result = compile_with(&mut work, tape, kinds, (stores, width), target);
            (result, work)
        }))
        .map_err(|panic| Refusal(panic_message(&*panic)))?;
        WORK.set(work);
        result
    };
    match width(tape, kinds, stores, target) {
        Width::Single => compile(Width::Single),
        Width::Double => compile(Width::Double).or_else(|_| compile(Width::Single)),
    }
}

/// The registers that a kernel is first tried with.
///
/// Streaming stores are aligned, and two outputs need not be at once. At the ends of runs, where a line is written in parts,
/// registers of both widths are slow: measured 2026-11 on 2 Zen 4 cores, f64, ns per element with single and with double ones,
/// outputs at 16 bytes after a line: `a*c` with a row `c` of 100 elements 0.36 and 0.46, of 500 0.32 and 0.34, of 1000 0.317 and
/// 0.312, of 3000 0.364 and 0.351; `exp(a) + b`, in tiles of 256, 0.58 and 0.81; 1e7 elements of `sqrt(a**2 + b**2)` 0.64 and 0.56.
fn width(tape: &Tape, kinds: &[RunKind], stores: Stores, target: &Target) -> Width {
    let can_align = match stores {
        Stores::Ordinary => true,
        Stores::Streaming => false,
        Stores::StreamingLong => tape.outputs.len() == 1 && tape.max_tile_elems.is_none(),
    };
    let is_double = can_align && target.has_double_registers() && double::suits(tape, kinds);
    if is_double { Width::Double } else { Width::Single }
}

fn compile_with(
    work: &mut Work,
    tape: &Tape,
    kinds: &[RunKind],
    (stores, width): (Stores, Width),
    target: &Target,
) -> Result<Kernel, Refusal> {
    let context = work.context.get_or_insert_with(Context::new);
    context.clear();
    let callees = call::Table::new(tape, stores);
    loops::emit(&mut context.func, &mut work.builder, tape, kinds, &callees, (stores, width), target);
    let code = memory::Code::define(context, (stores, width), target)?;
    let dtypes = tape.inputs.iter().chain(&tape.outputs).map(|operand| operand.dtype);
    let spec = KernelSpec {
        // SAFETY: `loops::emit` makes every function with the signature of `KernelFn`: one pointer argument, nothing
        // returned, the host's calling convention.
        entry: unsafe { std::mem::transmute::<*const u8, KernelFn>(code.entry()) },
        operands: dtypes.zip(kinds.iter().copied()).collect(),
        n_outputs: tape.outputs.len(),
        max_tile_elems: tape.max_tile_elems,
        slot_bytes: tape.slot_bytes,
        is_streaming: stores.is_streaming(),
        tile_fns: callees.tile_fns(),
        ns_per_elem: cost(tape, width),
        code: std::sync::Arc::new(code),
    };
    // SAFETY: the code was made by `loops::emit` from a tape that `tape::verify` found right: `driver::build_tapes`
    // lets no other through. (1) Every load and store is at an operand's element of a row below `n_rows` and a lane below
    // `n_lanes`, at a slot below `slot_bytes`, or in a place of the function's own on the stack: strips run while a whole one is
    // left, and other lanes one at a time. (2) Stores go to outputs and slots only, bools as 0 or 1, and come after the loads
    // of the same lanes: an output is stored in the last segment that reads anything, or is the result of the tile's last
    // call. (3) No instruction traps: integer division is not among them, and conversions saturate. (4) Tile functions are
    // those of `callees`, in its order, and do not unwind. (5) `code` owns the memory of the entry. (6) Stores that `stream`
    // has changed are of whole registers, at strips, which begin at lanes that fill registers; functions that stream find
    // the first aligned place themselves (`arch/tiles.rs`, `n_before_aligned`). (7) A constant that a call takes as a single
    // element is stored to its own slot right before the call, which is reserved for it up to its last user. (8) Where
    // registers are double, strips have twice the lanes and `Strip` counts addresses in 32 bytes, also on the stack, so an access
    // that `double` has widened is of its own lanes still; it leaves no vector access of a strip as it was, and constants
    // stay inside of the code.
    Ok(unsafe { Kernel::new(spec) })
}

/// Estimated nanoseconds for an element: half a cycle for an instruction on a register.
fn cost(tape: &Tape, width: Width) -> f32 {
    let instructions = tape.nodes.iter().map(|node| match node.inst {
        Inst::Call { .. } | Inst::Const(_) => 0.0,
        Inst::Div | Inst::Sqrt => 1.6 * node.ty.bytes as f32,
        _ => 0.16 * node.ty.bytes as f32,
    });
    instructions.sum::<f32>() / width.bytes() as f32 + call::ns_per_elem(tape)
}

/// The kernel's code as Cranelift's IR, and as the machine's assembly, for `explain`.
pub(crate) fn print(tape: &Tape, kinds: &[RunKind], target: &Target) -> Result<Listing, Refusal> {
    let print = |width: Width| {
        catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context::new();
            context.set_disasm(true);
            let mut builder = FunctionBuilderContext::new();
            let stores = Stores::Ordinary;
            let callees = call::Table::new(tape, stores);
            loops::emit(&mut context.func, &mut builder, tape, kinds, &callees, (stores, width), target);
            let clif = context.func.display().to_string();
            let code = memory::compile(&mut context, target)?;
            memory::finished(code, (stores, width))?;
            let asm = code.vcode.clone().unwrap_or_default();
            Ok(match width {
                Width::Single => Listing { clif, asm },
                Width::Double => {
                    Listing { clif: double::CLIF_NOTE.to_owned() + &clif, asm: double::ASM_NOTE.to_owned() + &asm }
                }
            })
        }))
        .map_err(|panic| Refusal(panic_message(&*panic)))?
    };
    match width(tape, kinds, Stores::Ordinary, target) {
        Width::Single => print(Width::Single),
        Width::Double => print(Width::Double).or_else(|_| print(Width::Single)),
    }
}

/// A kernel as text.
pub(crate) struct Listing {
    pub(crate) clif: String,
    pub(crate) asm: String,
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("Cranelift panicked: {}", text.unwrap_or("no message"))
}

/// The kernel's Cranelift function, before compilation.
type Func = Function;
