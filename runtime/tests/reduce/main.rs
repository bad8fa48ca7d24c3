//! Reductions and scans: every operation, dtype and CPU level against plain loops, and the promise
//! that no chunking changes a bit.

mod operations;
mod plain;
mod scans;
mod sums;
mod support;
mod trees;
