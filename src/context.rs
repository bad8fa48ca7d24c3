//! What programs keep of their engine: the options that they were compiled with, the functions that
//! they may call, the threads that they run on, and the code generator that compiles them for
//! further layouts.

use crate::codegen::Generator;
use crate::compile::Setting;
use crate::options::CompileOptions;
use crate::resolve::Registry;
use ndexpr_runtime::pool::Pool;

pub(crate) struct Context {
    pub(crate) options: CompileOptions,
    pub(crate) registry: Registry,
    pub(crate) pool: Pool,
    /// None where there is no code generator for the processor.
    pub(crate) generator: Option<Generator>,
}

impl Context {
    /// What texts are compiled with.
    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting { options: &self.options, registry: &self.registry }
    }
}
