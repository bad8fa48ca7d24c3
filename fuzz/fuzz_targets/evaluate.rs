//! Well-typed expressions over any layouts: compiled and interpreted, no bit may differ.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/cases/mod.rs"]
mod cases;

fuzz_target!(|bytes: &[u8]| {
    let case = cases::case::Case::draw(&mut cases::source::Source::from_bytes(bytes), None);
    if let Err(why) = cases::check::check(&case) {
        let (case, why) = cases::check::shrink(case, why);
        panic!("{}", cases::check::report(&case, &why));
    }
});
