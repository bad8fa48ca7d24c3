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
use std::mem::ManuallyDrop;
use std::sync::Mutex;

/// One kernel's code. Dropping it frees the memory, so every function pointer to it must be gone by
/// then: a [`Kernel`](ndexpr_runtime::exec::Kernel) keeps it as long as its entry.
pub(super) struct Code {
    /// Never locked: the mutex only makes it `Sync`, which the module is not.
    module: Mutex<ManuallyDrop<JITModule>>,
    entry: usize,
}

impl Code {
    /// Compiles the function in `context`, rewrites what is marked, and makes the code executable.
    pub(super) fn define(context: &mut Context, outline: &Outline<'_>, generator: &Generator) -> Result<Code, Refusal> {
        let target = generator.target;
        let refuse = |error: cranelift_module::ModuleError| Refusal(error.to_string());
        let mut builder = JITBuilder::with_isa(target.shared_isa(), default_libcall_names());
        if cfg!(target_arch = "x86_64") {
            builder.memory_provider(Box::new(Pages::new(&generator.arena)));
        }
        // Cranelift calls these, lane by lane, for the one operation that a processor may lack.
        // Only kernels that the caller allowed to fuse have it.
        builder.symbol("fma", fused_f64 as *const u8).symbol("fmaf", fused_f32 as *const u8);
        let mut code = Code { module: Mutex::new(ManuallyDrop::new(JITModule::new(builder))), entry: 0 };
        let module = code.module.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let id = module.declare_anonymous_function(&context.func.signature).map_err(refuse)?;
        match is_rewritten(outline) {
            false => module.define_function(id, context).map_err(refuse)?,
            true => {
                let compiled = compile(context, target)?;
                let bytes = finished(compiled, outline)?;
                let alignment = u64::from(compiled.buffer.alignment);
                let relocs = compiled.buffer.relocs().to_vec();
                let relocs: Vec<ModuleReloc> =
                    relocs.iter().map(|reloc| ModuleReloc::from_mach_reloc(reloc, &context.func, id)).collect();
                module.define_function_bytes(id, alignment, &bytes, &relocs).map_err(refuse)?;
            }
        }
        module.finalize_definitions().map_err(refuse)?;
        code.entry = module.get_finalized_function(id) as usize;
        Ok(code)
    }

    /// The first instruction.
    pub(super) fn entry(&self) -> *const u8 {
        self.entry as *const u8
    }
}

/// Compiles the function in `context`.
pub(super) fn compile<'c>(context: &'c mut Context, target: &Target) -> Result<&'c CompiledCode, Refusal> {
    context.compile(target.isa(), &mut ControlPlane::default()).map_err(|error| Refusal(error.inner.to_string()))
}

/// True if Cranelift alone cannot make the code of the outline.
fn is_rewritten(outline: &Outline<'_>) -> bool {
    outline.stores.is_streaming() || outline.width != outline.machine.width
}

/// The machine code, with what is marked rewritten.
pub(super) fn finished(code: &CompiledCode, outline: &Outline<'_>) -> Result<Vec<u8>, Refusal> {
    let bytes = code.code_buffer();
    if !is_rewritten(outline) {
        return Ok(bytes.to_vec());
    }
    x64::rewrite(bytes, &marks::marked(code), outline.stores.is_streaming()).map_err(Refusal)
}

impl Drop for Code {
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
