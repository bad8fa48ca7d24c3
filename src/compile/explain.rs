//! What each stage makes of a text, as text.

use super::executable::build_tapes;
use super::{Compiled, Setting, Stage, lower, parse};
use crate::codegen::{self, Refusal, Target};
use crate::error::Error;
use crate::kernels::expected_kinds;
use crate::vars::Signature;

/// What a stage made of a compiled text.
///
/// # Errors
///
/// There are none for a text that was compiled with this signature and these options. But what is
/// made anew for printing is checked again.
pub(crate) fn explain(
    text: &str,
    compiled: &Compiled,
    signature: &Signature,
    setting: Setting<'_>,
    stage: Stage,
) -> Result<String, Error> {
    let Compiled { resolved, graph, .. } = compiled;
    let fused = &compiled.arranged.fused;
    match stage {
        Stage::Ast => return Ok(parse(text, setting)?.dump()),
        Stage::Hir => return Ok(lower(resolved, signature, &compiled.weak, setting)?.to_string()),
        Stage::Opt => return Ok(graph.to_string()),
        Stage::Fuse => return Ok(fused.print(graph).to_string()),
        Stage::Tape | Stage::Outline | Stage::Clif | Stage::Asm => {}
    }
    let Some(target) = Target::host(setting.options.registers) else {
        return Ok("there is no code generator for this processor\n".to_owned());
    };
    let tapes = match build_tapes(graph, fused, target) {
        Ok(tapes) => tapes,
        Err(reason) => return Ok(format!("interpreted: {reason}\n")),
    };
    let mut all = String::new();
    for (i, (tape, group)) in tapes.into_iter().zip(&fused.loops).enumerate() {
        if fused.loops.len() > 1 {
            all.push_str(&format!("loop {i}\n"));
        }
        if stage == Stage::Tape {
            all.push_str(&tape.to_string());
            continue;
        }
        let (tape, kinds) = (&tape, &expected_kinds(graph, group)[..]);
        let text = match stage {
            Stage::Outline => codegen::print_outline(tape, kinds, target),
            Stage::Clif => codegen::print(tape, kinds, target).map(|listing| listing.clif),
            _ => codegen::print(tape, kinds, target).map(|listing| listing.asm),
        };
        match text {
            Ok(text) => all.push_str(&text),
            Err(Refusal(reason)) => all.push_str(&format!("interpreted: {reason}\n")),
        }
    }
    Ok(all)
}
