//! Compile latency: from text to something that can be called, and the share of each stage.
//!
//! ```text
//! cargo bench --bench compile              the table, and criterion's reports
//! cargo bench --bench compile -- --test    each once
//! ```

#![allow(clippy::print_stdout, reason = "it is there to print")]

use criterion::Criterion;
use ndexpr::{DType, Engine, Signature, Stage, VarType, vars};
use std::time::{Duration, Instant};

/// Name and text; the second has ten operations.
const CASES: &[(&str, &str)] = &[
    ("a + b*2", "a + b*2"),
    ("10 operations", "(a*2 + b)*(a - b) + a/3 - sqrt(b) + abs(a)*0.5"),
    ("one call", "where(a > 0.5, sin(a)*2, b + 1)"),
    ("4 calls", "sin(a)*cos(b) + exp(a)*log(b)"),
];

fn signature() -> Signature {
    Signature::new().with("a", VarType::array(DType::Float64)).with("b", VarType::array(DType::Float64))
}

fn main() {
    let engine = Engine::builder().threads(1).build().expect("an engine");
    if std::env::args().any(|arg| arg == "--test") {
        for (name, text) in CASES {
            let program = engine.compile(text, &signature()).expect(name);
            assert_eq!(program.backend(), ndexpr::Backend::Jit, "{name}");
        }
        println!("{} expressions compile", CASES.len());
        return;
    }
    table(&engine);
    let mut criterion = Criterion::default().configure_from_args();
    for (name, text) in CASES {
        criterion.bench_function(&format!("compile/{name}"), |bencher| {
            bencher.iter(|| engine.compile(text, &signature()).expect("it compiled before"));
        });
    }
    let (a, b) = (vec![1.0; 4], vec![2.0; 4]);
    criterion.bench_function("find in the cache", |bencher| {
        bencher.iter(|| engine.program("a + b*2", &vars! { a, b }).expect("it compiled before"));
    });
    criterion.final_summary();
}

fn table(engine: &Engine) {
    const ROUNDS: usize = 301;
    println!("us, median of {ROUNDS} compiles of a text into a program, then dropped");
    let shown = [Stage::Ast, Stage::Hir, Stage::Opt, Stage::Fuse, Stage::Tape, Stage::Asm];
    println!("\n| expression | all | {} |", shown.map(Stage::name).join(" | "));
    println!("|---|---|{}", "---|".repeat(shown.len()));
    for (name, text) in CASES {
        let mut all = Vec::new();
        let mut stages = vec![Vec::new(); shown.len()];
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let program = engine.compile(text, &signature()).expect("it compiles");
            all.push(start.elapsed());
            for (stage, times) in shown.iter().zip(&mut stages) {
                times.extend(program.compile_times().iter().filter(|(at, _)| at == stage).map(|(_, time)| *time));
            }
        }
        let stages: Vec<String> = stages.into_iter().map(median).collect();
        println!("| {name} | {} | {} |", median(all), stages.join(" | "));
    }
    println!();
}

fn median(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    times.get(times.len() / 2).map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1e6))
}
