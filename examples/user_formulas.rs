//! An application that lets its users type formulas: compile once, run on many batches, and explain
//! what is wrong. It gives formulas functions of its own, of which one is of Rust and one is a
//! text.
//!
//! `cargo run --release --example user_formulas -- 'net(price * amount) + shipping(amount)'`

#![allow(clippy::print_stdout, reason = "it is there to print")]

use ndarray::Array1;
use ndexpr::{Backend, DType, Engine, Function, Limits, Signature, VarType, vars};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let formula = std::env::args().nth(1).unwrap_or_else(|| "net(price * amount) + shipping(amount)".to_owned());

    // A stranger's text may not be longer or deeper than this. A text beyond the limits is an
    // error.
    let limits = Limits { max_text_bytes: 4096, max_nodes: 500, ..Limits::default() };
    let shipping = Function::scalar("shipping", |amount: i32| -> f64 {
        match amount {
            0 => 0.0,
            1..=3 => 4.5,
            more => 4.5 + 0.5 * f64::from(more - 3),
        }
    });
    let engine = Engine::builder()
        .limits(limits)
        .function(shipping.params(&["amount"]).doc("What it costs to send so many."))
        .prelude("def net(x, less=discount): return x*(1 - less)")
        .build()?;

    // What the formula may use, beside the functions. Nothing else can be reached through it.
    let signature = Signature::new()
        .with("price", VarType::array(DType::Float64))
        .with("amount", VarType::array(DType::Int32))
        .with("discount", VarType::scalar(DType::Float64));

    let program = match engine.compile(&formula, &signature) {
        Ok(program) => program,
        Err(error) => {
            eprint!("{}", error.render());
            std::process::exit(1);
        }
    };
    println!("{program:?} gives {}", program.result_dtype());
    if program.backend() == Backend::Interp {
        println!("interpreted: {}", program.fallback_reason().unwrap_or_default());
    }

    // A program is shared between threads as it is.
    std::thread::scope(|scope| {
        for batch in 0..3 {
            let program = &program;
            scope.spawn(move || {
                let price = Array1::linspace(1.0, 2.0, 5) + f64::from(batch);
                let amount = Array1::from_vec(vec![1_i32, 2, 3, 4, 5]);
                match program.evaluate::<ndexpr::DynArray>(&vars! { price, amount, discount: 0.1 }) {
                    Ok(result) => println!("batch {batch}: {:?}", result.scalars().collect::<Vec<_>>()),
                    Err(error) => eprint!("batch {batch}: {}", error.render()),
                }
            });
        }
    });
    Ok(())
}
