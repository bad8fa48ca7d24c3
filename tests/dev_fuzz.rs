#[path = "it/cases/mod.rs"]
mod cases;
#[path = "it/differential.rs"]
mod differential;
