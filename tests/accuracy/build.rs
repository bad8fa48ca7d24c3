//! Compiles the C file that reaches the C library's `long double` functions, which Rust has no type
//! for.

fn main() {
    println!("cargo::rerun-if-changed=src/oracle/long_double.c");
    cc::Build::new().file("src/oracle/long_double.c").opt_level(2).compile("ndexpr_long_double");
    println!("cargo::rustc-link-lib=m");
}
