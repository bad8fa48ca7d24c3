//! What programs keep of their engine: the options that they were compiled with, the threads that
//! they run on, and the code generator that compiles them for further layouts.

use crate::codegen::Generator;
use crate::options::CompileOptions;
use ndexpr_runtime::pool::Pool;

pub(crate) struct Context {
    pub(crate) options: CompileOptions,
    pub(crate) pool: Pool,
    /// None where there is no code generator for the processor.
    pub(crate) generator: Option<Generator>,
}
