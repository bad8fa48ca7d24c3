//! Machine code: a tape becomes a kernel through Cranelift. The only place that names Cranelift,
//! and the only one in this crate with `unsafe`.
//!
//! - [`target`]: the instruction set that code is made for.
//! - [`loops`]: segments, rows and calls, as the [outline](crate::outline) has them; [`row`]: the
//!   loops of a row.
//! - [`block`]: the instructions of one vector block; [`access`] is how it meets memory,
//!   [`convert`] how widths change, [`order`] where lanes are in wide registers.
//! - [`word`]: the addresses and strides that loops need.
//! - [`marks`], [`x64`]: stores past the caches, and registers of 256 bits. Cranelift has neither,
//!   so finished code is checked and rewritten.
//! - [`memory`]: finishes code, and owns it; [`arena`] is where it is.
//!
//! A kernel is specialised for the [`RunKind`] of each operand. Every value of a vector block is a
//! bundle of registers that covers its lanes. The tail runs the very same instructions on a block
//! of one lane; the other lanes of its registers hold zeros or the same lane again. So a result
//! cannot depend on where in an array its element is.

mod access;
mod arena;
mod block;
mod bundle;
mod convert;
mod loops;
mod marks;
mod memory;
mod order;
mod row;
mod target;
#[cfg(test)]
mod tests;
mod word;
mod x64;

pub(crate) use target::Target;

use crate::options::Registers;
use crate::outline::{self, Machine, Outline, Stores, Variant};
use crate::tape::Tape;
use arena::Arena;
use cranelift_codegen::Context;
use cranelift_codegen::ir::Function;
use cranelift_frontend::FunctionBuilderContext;
use memory::{Code, Rewriting};
use ndexpr_runtime::abi::{KernelFn, RunKind};
use ndexpr_runtime::exec::{Kernel, KernelSpec, LeafRows, Progress};
use ndexpr_runtime::function::Callbacks;
use ndexpr_runtime::memory::MAX_SCRATCH_BYTES;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Why a tape did not become a kernel. The caller falls back to the interpreter.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(pub(crate) String);

/// Makes the kernels of an engine.
#[derive(Clone)]
pub(crate) struct Generator {
    target: &'static Target,
    arena: Arc<Arena>,
}

impl Generator {
    /// The generator for the host. None if Cranelift has no back end for it.
    pub(crate) fn for_host(registers: Registers) -> Option<Generator> {
        x64::prepare();
        Some(Generator { target: Target::host(registers)?, arena: Arena::new() })
    }

    pub(crate) fn target(&self) -> &'static Target {
        self.target
    }

    /// The bytes of the pages that hold machine code of the engine.
    pub(crate) fn code_bytes(&self) -> usize {
        self.arena.used_bytes()
    }
}

thread_local! {
    /// Cranelift's working memory, reused from one compile to the next.
    static WORK: RefCell<Work> = RefCell::default();
}

#[derive(Default)]
struct Work {
    context: Option<Context>,
    builder: FunctionBuilderContext,
}

/// Longer tapes are interpreted, because untrusted text must not keep its reader waiting.
// Chosen by "long-tapes" in docs/measurements.md.
const MAX_NODES: usize = 200_000;

/// Tapes with more operands are interpreted, for the same reason.
// Chosen by "many-operands" in docs/measurements.md.
const MAX_OPERANDS: usize = 5000;

/// Compiles a tape for operands of these run kinds, inputs first. The progress may stop it between
/// functions.
///
/// # Errors
///
/// Whatever Cranelift refuses, or panics on. A kernel that should stream is refused if it has no
/// stores of whole registers. A kernel that was stopped is refused, too.
pub(crate) fn compile(
    tape: &Tape,
    variant: Variant<'_>,
    generator: &Generator,
    progress: Option<&Progress>,
) -> Result<Kernel, Refusal> {
    if tape.nodes.len() > MAX_NODES {
        return Err(Refusal(format!("it has {} instructions, and {MAX_NODES} can be compiled soon", tape.nodes.len())));
    }
    let n_operands = variant.kinds.len();
    if n_operands > MAX_OPERANDS {
        return Err(Refusal(format!("it has {n_operands} arrays, and {MAX_OPERANDS} can be compiled soon")));
    }
    let machine = generator.target.machine();
    let outlined = outlined(tape, variant, machine)?;
    let is_stopped = || progress.is_some_and(Progress::is_to_stop);
    match compile_outline(&outlined, generator, progress) {
        Err(_) if outlined.width != machine.width && !is_stopped() => {
            compile_outline(&self::outlined(tape, variant, &machine.narrow())?, generator, progress)
        }
        kernel => kernel,
    }
}

/// The outline of a kernel, checked.
fn outlined<'l>(tape: &'l Tape, variant: Variant<'l>, machine: &Machine) -> Result<Outline<'l>, Refusal> {
    let outline = Outline::new(tape, variant, machine).map_err(Refusal)?;
    match outline::verify(&outline) {
        Ok(()) => Ok(outline),
        Err(why) => {
            debug_assert!(false, "{why}");
            Err(Refusal(format!("a defect of the compiler, please report it: {why}")))
        }
    }
}

fn compile_outline(
    outline: &Outline<'_>,
    generator: &Generator,
    progress: Option<&Progress>,
) -> Result<Kernel, Refusal> {
    let mut work = WORK.take();
    // After a panic, `work` is dropped, and the next compile starts with a new one.
    let (result, work) = catch_unwind(AssertUnwindSafe(|| {
        let result = compile_with(&mut work, outline, generator, progress);
        (result, work)
    }))
    .map_err(refusal_of)?;
    WORK.set(work);
    result
}

/// The refusal for a panic. In builds with debug assertions, the checks of rewritten code panic
/// too, and tests must see that.
fn refusal_of(panic: Box<dyn std::any::Any + Send>) -> Refusal {
    if cfg!(debug_assertions) {
        std::panic::resume_unwind(panic);
    }
    Refusal(panic_message(&*panic))
}

fn compile_with(
    work: &mut Work,
    outline: &Outline<'_>,
    generator: &Generator,
    progress: Option<&Progress>,
) -> Result<Kernel, Refusal> {
    let scratch = outline.scratch();
    if scratch.n_bytes > MAX_SCRATCH_BYTES {
        return Err(Refusal(format!("it would need {} bytes of scratch for each thread", scratch.n_bytes)));
    }
    let context = work.context.get_or_insert_with(Context::new);
    let mut code: Vec<Code> = Vec::new();
    for part in outline.parts() {
        if progress.is_some_and(Progress::is_to_stop) {
            return Err(Refusal("compiling was cancelled".to_owned()));
        }
        context.clear();
        let rewriting = Rewriting::of(outline, &part);
        loops::emit(&mut context.func, &mut work.builder, outline, part, generator.target);
        code.push(Code::define(context, rewriting, generator)?);
    }
    // SAFETY: `loops::emit` makes every function with the signature of `KernelFn`: one pointer
    // argument, nothing returned, the host's calling convention.
    let function = |code: &Code| unsafe { std::mem::transmute::<*const u8, KernelFn>(code.entry()) };
    let [entry, rest @ ..] = &code[..] else { return Err(Refusal("it has nothing to do".to_owned())) };
    let tape = outline.tape;
    let dtypes = tape.inputs.iter().chain(&tape.outputs).map(|operand| operand.dtype);
    let spec = KernelSpec {
        entry: function(entry),
        rest: rest.iter().map(function).collect(),
        operands: dtypes.zip(outline.kinds.iter().copied()).collect(),
        n_outputs: tape.outputs.len(),
        max_tile_elems: tape.max_tile_elems,
        slot_bytes: scratch.n_bytes,
        whole_blocks: scratch.whole_blocks,
        is_streaming: outline.stores.is_streaming(),
        leaf: tape.leaf.map(|leaf| LeafRows { rows: leaf.rows, n_inputs: leaf.n_inputs, n_kept: leaf.n_kept }),
        tile_fns: outline.table.tile_fns(),
        callbacks: Callbacks::new(&tape.functions, &tape.region_code),
        ns_per_elem: outline.ns_per_elem(),
        code: Arc::new(code),
    };
    // SAFETY: the code was made by `loops::emit` from an outline that `outline::verify` found
    // right, of a tape that `tape::verify` found right: nothing else is compiled. (1) Every load
    // and store is at an operand's element of a row below `n_rows` and a lane below `n_lanes`, at a
    // spill slot or a place in the scratch below `slot_bytes`, or in a place of the function's own
    // on the stack: vector blocks run while a whole one is left, or end where the row ends if it
    // has one at all, and other lanes go one at a time, if the kernel is called for any others. A
    // block computes lanes again only if they are repeatable: then it reads what it read before,
    // because a loop writes no slot that it reads. (2) Stores go to outputs and slots only, bools
    // as 0 or 1, and come after the loads of the same lanes: `tape::verify` checks that no load
    // comes after the first store, and `BlockCode` makes the loads that only stores use before it.
    // A call that writes an output itself is the last of the tile. (3) No instruction traps:
    // integer division is not among them, and conversions saturate. (4) Tile functions are those of
    // the outline's table, in its order, and do not unwind; callbacks are those of the tape's
    // functions, whose arguments and results `tape::verify` has found to be of their dtypes, bools
    // 0 or 1, and in slots apart. (5) `code` owns the memory of all parts, which
    // together are all segments in order. (6) Stores that `x64` has changed to go past the caches
    // are of whole registers, in blocks that begin at lanes that fill registers; functions that
    // stream find the first aligned place themselves (`arch/tiles.rs`, `n_before_aligned`). (7) A
    // constant that a call takes as a single element is stored to its own slot right before the
    // call, which is reserved for it up to its last user. (8) Where registers have 256 bits,
    // `BlockCode` counts addresses in 32 bytes, also on the stack, so an access that `x64::widen`
    // has widened is still of its own lanes. Accesses of narrower elements are of as many bytes as
    // the block's lanes have: `order` emits them, marked with what they become. `x64::widen` checks
    // on the decoded code that every instruction of such a loop becomes what its mark says, that no
    // narrow register is read as a wide one, and that nothing else changes. Constants stay inside
    // of the code. Spilled registers have places of their own, in a part of the frame that nothing
    // else uses. `x64::fold` moves a load to its use past instructions that write no memory and no
    // part of its address, so the load reads what it read before. (9) In a tape for leaves
    // `tape::verify` checks the shape: an operand of another's memory is whole rows of lanes after
    // it, or the accumulator that many places on, where `KernelSpec::leaf` says that it is. (10) In
    // iterations each output is stored where the input of the same number is, which has its dtype
    // (`tape::verify`), and only whole blocks of one row are computed: a region, and nothing else,
    // calls them, for such operands and such tiles.
    Ok(unsafe { Kernel::new(spec) })
}

/// A kernel's code as Cranelift's IR, and as the machine's assembly, for `explain`.
pub(crate) fn print(tape: &Tape, kinds: &[RunKind], target: &Target) -> Result<Listing, Refusal> {
    let print = |stores: Stores, machine: &Machine| {
        let outline = outlined(tape, Variant { kinds, stores }, machine)?;
        let listing = catch_unwind(AssertUnwindSafe(|| print_with(&outline, target)))
            .map_err(|panic| Refusal(panic_message(&*panic)))??;
        Ok::<_, Refusal>((listing, outline.not_wide))
    };
    let (mut listing, not_wide) = match print(Stores::Ordinary, target.machine()) {
        Ok(printed) => printed,
        Err(Refusal(why)) => (print(Stores::Ordinary, &target.machine().narrow())?.0, Some(why)),
    };
    let width = match not_wide {
        None => "; registers of 256 bits\n".to_owned(),
        Some(why) => format!("; registers of 128 bits, because {why}\n"),
    };
    let stores = match print(Stores::Streaming, &target.machine().narrow()) {
        Ok(_) => "; large results are written past the caches\n".to_owned(),
        Err(Refusal(why)) => format!("; large results are not written past the caches, because {why}\n"),
    };
    listing.asm.insert_str(0, &(width + &stores));
    Ok(listing)
}

/// The outline of a kernel, for `explain`.
pub(crate) fn print_outline(tape: &Tape, kinds: &[RunKind], target: &Target) -> Result<String, Refusal> {
    Ok(outlined(tape, Variant { kinds, stores: Stores::Ordinary }, target.machine())?.to_string())
}

fn print_with(outline: &Outline<'_>, target: &Target) -> Result<Listing, Refusal> {
    let mut context = Context::new();
    let mut builder = FunctionBuilderContext::new();
    let mut listing = Listing { clif: String::new(), asm: String::new() };
    if outline.width != outline.machine.width {
        listing.clif += "; the vectors of loops that are marked with @ get 256 bits afterwards\n";
    }
    for part in outline.parts() {
        context.clear();
        context.set_disasm(!target.is_x86());
        let rewriting = Rewriting::of(outline, &part);
        loops::emit(&mut context.func, &mut builder, outline, part, target);
        listing.clif += &context.func.display().to_string();
        let code = memory::compile(&mut context, target)?;
        let bytes = memory::finished(code, rewriting)?;
        match target.is_x86() {
            true => listing.asm += &x64::listing(&bytes).map_err(Refusal)?,
            false => listing.asm += code.vcode.as_deref().unwrap_or_default(),
        }
    }
    Ok(listing)
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
