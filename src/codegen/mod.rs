//! Machine code: a tape becomes a kernel through Cranelift. The only place that names Cranelift, and the only one in
//! this crate with `unsafe`.
//!
//! - [`target`]: the instruction set that code is made for.
//! - [`loops`]: the shape of a kernel: segments, rows, calls; [`call`] is what it calls, [`row`] are strips and tails.
//! - [`strip`]: the instructions of one strip; [`access`] is how it meets memory, [`convert`] how widths change.
//! - [`marks`], [`x64`]: stores past the caches, and registers of 256 bits. Cranelift has neither, so finished code is checked
//!   and rewritten.
//! - [`memory`]: finishes code, and owns it.
//!
//! A kernel is specialised for the [`RunKind`] of each operand. Every value of a strip is a bundle of registers that
//! covers its lanes, of 128 bits or of 256; the tail runs the very same instructions on a strip of one lane, whose other lanes are zero
//! or repeat it, so a result cannot depend on where in an array its element is.

mod access;
mod bundle;
mod call;
mod convert;
mod loops;
mod marks;
mod memory;
mod row;
mod strip;
mod target;
#[cfg(test)]
mod tests;
mod x64;

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

/// How a kernel writes its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    Ordinary,
    /// Past the caches, in runs of which some are short. The kernel may only run where vector blocks begin at multiples of
    /// 16 bytes in every output.
    Streaming,
    /// The same in long runs, as [`Plan::has_long_runs`](ndexpr_runtime::plan::Plan::has_long_runs) tells.
    StreamingLong,
}

impl Stores {
    fn is_streaming(self) -> bool {
        self != Stores::Ordinary
    }
}

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
    check_stores(tape, kinds, stores)?;
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
    match check_width(tape, kinds, stores, target) {
        Ok(()) => compile(Width::Bits256).or_else(|_| compile(Width::Bits128)),
        Err(Refusal(_)) => compile(Width::Bits128),
    }
}

/// Refuses what cannot be written past the caches: what a function writes that has no such stores itself.
fn check_stores(tape: &Tape, kinds: &[RunKind], stores: Stores) -> Result<(), Refusal> {
    let streams = |(value, _)| call::Call::at(tape, value).is_some_and(|call| call.callee.tile_fn(stores).is_some());
    if stores.is_streaming() && !loops::call_to_output(tape, kinds).is_none_or(streams) {
        return Err(Refusal("a call writes the output itself, and has no stores past the caches".to_owned()));
    }
    Ok(())
}

/// Refuses what is not tried with registers of 256 bits.
///
/// Streaming stores are aligned, and two outputs need not be at once. At the ends of runs, where a line is written in parts,
/// kernels of both widths are slow.
// Chosen by "register-width" in docs/measurements.md.
fn check_width(tape: &Tape, kinds: &[RunKind], stores: Stores, target: &Target) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal(why.to_owned()));
    if !target.has_wide_registers() {
        return refuse("the processor has no wider ones, or they were not asked for");
    }
    if tape.double_lanes.is_none() {
        return refuse("its values are of several widths, or too many, or something is done lane by lane");
    }
    if kinds.contains(&RunKind::Strided) {
        return refuse("an operand is strided");
    }
    match stores {
        Stores::Ordinary => Ok(()),
        Stores::Streaming => refuse("runs past the caches may be short"),
        Stores::StreamingLong if tape.outputs.len() != 1 => refuse("several outputs cannot all be aligned"),
        Stores::StreamingLong if tape.max_tile_elems.is_some() => refuse("tiles between calls are short"),
        Stores::StreamingLong => Ok(()),
    }
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
    // SAFETY: the code was made by `loops::emit` from a tape that `tape::verify` found right: `compile::build_tapes`
    // lets no other through. (1) Every load and store is at an operand's element of a row below `n_rows` and a lane below
    // `n_lanes`, at a slot below `slot_bytes`, or in a place of the function's own on the stack: strips run while a whole one is
    // left, and other lanes one at a time. (2) Stores go to outputs and slots only, bools as 0 or 1, and come after the loads
    // of the same lanes: an output is stored in the last segment that reads anything, or is the result of the tile's last
    // call. (3) No instruction traps: integer division is not among them, and conversions saturate. (4) Tile functions are
    // those of `callees`, in its order, and do not unwind. (5) `code` owns the memory of the entry. (6) Stores that `x64`
    // has changed to go past the caches are of whole registers, at strips, which begin at lanes that fill registers; functions that stream find
    // the first aligned place themselves (`arch/tiles.rs`, `n_before_aligned`). (7) A constant that a call takes as a single
    // element is stored to its own slot right before the call, which is reserved for it up to its last user. (8) Where
    // registers have 256 bits, `Strip` counts addresses in 32 bytes, also on the stack, so an access that `x64::widen` has widened
    // is still of its own lanes. That every access of such a loop is widened, and that nothing else is, `x64::widen` checks on
    // the decoded code. Constants stay inside of the code.
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
    let print = |stores: Stores, width: Width| {
        catch_unwind(AssertUnwindSafe(|| print_with(tape, kinds, (stores, width), target)))
            .map_err(|panic| Refusal(panic_message(&*panic)))?
    };
    let wide =
        check_width(tape, kinds, Stores::Ordinary, target).and_then(|()| print(Stores::Ordinary, Width::Bits256));
    let (mut listing, width) = match wide {
        Ok(listing) => (listing, "; registers of 256 bits\n".to_owned()),
        Err(Refusal(why)) => {
            (print(Stores::Ordinary, Width::Bits128)?, format!("; registers of 128 bits, because {why}\n"))
        }
    };
    let streaming =
        check_stores(tape, kinds, Stores::Streaming).and_then(|()| print(Stores::Streaming, Width::Bits128));
    let stores = match streaming {
        Ok(_) => "; large results are written past the caches\n".to_owned(),
        Err(Refusal(why)) => format!("; large results are not written past the caches, because {why}\n"),
    };
    listing.asm.insert_str(0, &(width + &stores));
    Ok(listing)
}

fn print_with(
    tape: &Tape,
    kinds: &[RunKind],
    (stores, width): (Stores, Width),
    target: &Target,
) -> Result<Listing, Refusal> {
    let mut context = Context::new();
    context.set_disasm(!target.is_x86());
    let mut builder = FunctionBuilderContext::new();
    let callees = call::Table::new(tape, stores);
    loops::emit(&mut context.func, &mut builder, tape, kinds, &callees, (stores, width), target);
    let mut clif = context.func.display().to_string();
    if width == Width::Bits256 {
        clif.insert_str(0, "; the vectors of loops that are marked with @ get 256 bits afterwards\n");
    }
    let code = memory::compile(&mut context, target)?;
    let bytes = memory::finished(code, (stores, width))?;
    let asm = match target.is_x86() {
        true => x64::listing(&bytes).map_err(Refusal)?,
        false => code.vcode.clone().unwrap_or_default(),
    };
    Ok(Listing { clif, asm })
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
