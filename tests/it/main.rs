//! The integration tests of ndexpr, as one binary.

mod golden;
