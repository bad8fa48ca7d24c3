//! `ndexpr explain`: what an expression is compiled to.

use std::io::Write;

use ndexpr::Signature;

use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::names::check_distinct;

/// Compiles and prints the stages.
pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<(), Failure> {
    check_distinct(args.types.iter().map(|typed| typed.name.as_str()))?;
    let signature =
        args.types.iter().fold(Signature::new(), |signature, typed| signature.with(&typed.name, typed.var_type()));
    let program = args.engine.build()?.compile(&args.text, &signature)?;
    let stages = args.stage.stages();
    for (idx, stage) in stages.iter().enumerate() {
        if stages.len() > 1 {
            let gap = if idx > 0 { "\n" } else { "" };
            writeln!(out, "{gap}== {} ==", stage)?;
        }
        writeln!(out, "{}", program.explain(*stage).trim_end())?;
    }
    Ok(())
}
