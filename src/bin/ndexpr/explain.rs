//! `ndexpr explain`: what a text is compiled to.

use std::io::Write;
use std::sync::Arc;

use ndexpr::{Engine, Procedure, Program, Signature, Stage};

use crate::args::ExplainArgs;
use crate::exec::updated_names;
use crate::failure::Failure;
use crate::names::check_distinct;
use crate::typed_name::TypedName;

/// Compiles and prints the stages.
pub(crate) fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<(), Failure> {
    check_distinct(args.types.iter().map(|typed| typed.name.as_str()))?;
    let compiled = Compiled::new(&args.engine.build()?, &args.text, &args.types)?;
    let stages = args.stage.stages();
    for (idx, stage) in stages.iter().enumerate() {
        if stages.len() > 1 {
            let gap = if idx > 0 { "\n" } else { "" };
            writeln!(out, "{gap}== {} ==", stage)?;
        }
        writeln!(out, "{}", compiled.explain(*stage).trim_end())?;
    }
    Ok(())
}

/// A text that gives results, or one that updates arrays.
enum Compiled {
    Program(Arc<Program>),
    Procedure(Arc<Procedure>),
}

impl Compiled {
    fn new(engine: &Engine, text: &str, types: &[TypedName]) -> Result<Compiled, Failure> {
        let typed = types.iter().map(|typed| (typed.name.as_str(), typed.var_type()));
        let signature = typed.fold(Signature::new(), |signature, (name, ty)| signature.with(name, ty));
        let updated = updated_names(engine, text)?;
        if updated.is_empty() {
            return Ok(Compiled::Program(engine.compile(text, &signature)?));
        }
        for name in &updated {
            let what = match signature.get(name) {
                None => "has no type",
                Some(ty) if ty.is_scalar => "is a scalar",
                Some(_) => continue,
            };
            return Err(Failure::Usage(format!(
                "the text updates `{name}`, which {what}; give it an array's, such as {name}=f64[1000]"
            )));
        }
        let updated: Vec<&str> = updated.iter().map(String::as_str).collect();
        Ok(Compiled::Procedure(engine.procedure(text, &signature, &updated)?))
    }

    fn explain(&self, stage: Stage) -> String {
        match self {
            Compiled::Program(program) => program.explain(stage),
            Compiled::Procedure(procedure) => procedure.explain(stage),
        }
    }
}
