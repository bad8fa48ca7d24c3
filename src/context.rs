//! What programs keep of their engine: the options that they were compiled with, and the threads
//! that they run on.

use crate::options::CompileOptions;
use ndexpr_runtime::pool::Pool;

pub(crate) struct Context {
    pub(crate) options: CompileOptions,
    pub(crate) pool: Pool,
}
