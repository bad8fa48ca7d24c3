//! Finished code and the memory that it is in.

use super::arena::Pages;
use super::marks;
use super::x64;
use super::{Generator, Refusal, Target};
use crate::outline::Outline;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::{CompiledCode, Context};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, ModuleReloc, default_libcall_names};
use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::sync::Mutex;

/// The code of one function of a kernel, in pages of its own. Dropping it frees the memory, so
/// every function pointer to it must be gone by then: a [`Kernel`](ndexpr_runtime::exec::Kernel)
/// keeps it as long as its entry.
pub(super) enum Code {
    /// Code in the engine's arena.
    Pages(Pages),
    /// Code in memory of Cranelift's own.
    Module(Box<ModuleCode>),
}

impl Code {
    /// Compiles the function in `context`, rewrites what is marked, and makes the code executable.
    pub(super) fn define(context: &mut Context, rewriting: Rewriting, generator: &Generator) -> Result<Code, Refusal> {
        let compiled = compile(context, generator.target)?;
        let bytes = finished(compiled, rewriting)?;
        // Other processors than x86's do not see new instructions at once, and code that names
        // functions must be linked. Cranelift does both.
        if cfg!(target_arch = "x86_64") && compiled.buffer.relocs().is_empty() {
            let pages = Pages::new(&generator.arena, &bytes);
            return pages.map(Code::Pages).map_err(|error| Refusal(error.to_string()));
        }
        let bytes = bytes.into_owned();
        Ok(Code::Module(Box::new(ModuleCode::define(context, &bytes, generator.target)?)))
    }

    /// The first instruction.
    pub(super) fn entry(&self) -> *const u8 {
        match self {
            Code::Pages(pages) => pages.start(),
            Code::Module(code) => std::ptr::with_exposed_provenance(code.entry),
        }
    }
}

/// Code that Cranelift has linked, and owns.
pub(super) struct ModuleCode {
    /// Never locked: the mutex only makes it `Sync`, which the module is not.
    module: Mutex<ManuallyDrop<JITModule>>,
    entry: usize,
}

impl ModuleCode {
    /// Links the code that the function in `context` has become.
    fn define(context: &Context, bytes: &[u8], target: &Target) -> Result<ModuleCode, Refusal> {
        let refuse = |error: cranelift_module::ModuleError| Refusal(error.to_string());
        let mut builder = JITBuilder::with_isa(target.shared_isa(), default_libcall_names());
        // Cranelift calls these, lane by lane, for the one operation that a processor may lack.
        // Only kernels that the caller allowed to fuse have it.
        builder.symbol("fma", fused_f64 as *const u8).symbol("fmaf", fused_f32 as *const u8);
        let mut code = ModuleCode { module: Mutex::new(ManuallyDrop::new(JITModule::new(builder))), entry: 0 };
        let module = code.module.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let id = module.declare_anonymous_function(&context.func.signature).map_err(refuse)?;
        let buffer = &context.compiled_code().expect("it is compiled").buffer;
        let reloc = |reloc| ModuleReloc::from_mach_reloc(reloc, &context.func, id);
        let relocs: Vec<ModuleReloc> = buffer.relocs().iter().map(reloc).collect();
        module.define_function_bytes(id, u64::from(buffer.alignment), bytes, &relocs).map_err(refuse)?;
        module.finalize_definitions().map_err(refuse)?;
        code.entry = module.get_finalized_function(id).expose_provenance();
        Ok(code)
    }
}

/// Compiles the function in `context`.
pub(super) fn compile<'c>(context: &'c mut Context, target: &Target) -> Result<&'c CompiledCode, Refusal> {
    context.compile(target.isa(), &mut ControlPlane::default()).map_err(|error| Refusal(error.inner.to_string()))
}

/// What the code of a function needs that Cranelift alone cannot make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewriting {
    streams: bool,
    has_wide_registers: bool,
}

impl Rewriting {
    /// What a part of an outline needs. All outputs are stored in the last part.
    pub(super) fn of(outline: &Outline<'_>, part: &Range<usize>) -> Rewriting {
        Rewriting {
            streams: outline.stores.is_streaming() && part.end == outline.segments.len(),
            has_wide_registers: outline.width != outline.machine.width,
        }
    }
}

/// The machine code, with what is marked rewritten.
pub(super) fn finished(code: &CompiledCode, rewriting: Rewriting) -> Result<Cow<'_, [u8]>, Refusal> {
    let bytes = code.code_buffer();
    let Rewriting { streams, has_wide_registers } = rewriting;
    if !streams && !has_wide_registers {
        return Ok(Cow::Borrowed(bytes));
    }
    x64::rewrite(bytes, &marks::marked(code), streams).map(Cow::Owned).map_err(Refusal)
}

impl Drop for ModuleCode {
    fn drop(&mut self) {
        let module = self.module.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        // SAFETY: (1) the module is taken once, here, and not touched again; (2) nobody can call
        // its functions any more: only a kernel has the entry, and it holds this until it is
        // dropped itself.
        unsafe { ManuallyDrop::take(module).free_memory() };
    }
}

extern "C" fn fused_f64(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

extern "C" fn fused_f32(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}
