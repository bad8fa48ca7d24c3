//! The tape as text.

use super::{Condition, Inst, Kind, Node, Tape, Ty, ValueId};
use std::fmt;

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Int => 'i',
            Kind::Float => 'f',
            Kind::Mask => 'm',
        };
        write!(f, "{kind}{}", 8 * self.bytes)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Condition::Eq => "eq",
            Condition::Ne => "ne",
            Condition::Lt => "lt",
            Condition::Le => "le",
            Condition::Gt => "gt",
            Condition::Ge => "ge",
            Condition::Unordered => "uno",
        })
    }
}

fn sign(signed: bool) -> char {
    if signed { 's' } else { 'u' }
}

impl Node {
    /// The instruction's name, without its arguments; `arg_kind` is the kind of the first.
    fn name(&self, arg_kind: Kind, tape: &Tape) -> String {
        let is_float = arg_kind == Kind::Float;
        match self.inst {
            Inst::Load(operand) => format!("load in{operand}"),
            Inst::Const(bits) => format!("const {}", constant(self.ty, bits)),
            Inst::Min { .. } if is_float => "min".to_owned(),
            Inst::Max { .. } if is_float => "max".to_owned(),
            Inst::Min { signed } => format!("min.{}", sign(signed)),
            Inst::Max { signed } => format!("max.{}", sign(signed)),
            Inst::Shr { signed } => format!("shr.{}", sign(signed)),
            // Equality has no sign, and a float always has.
            Inst::Compare { condition, .. } if is_float || matches!(condition, Condition::Eq | Condition::Ne) => {
                format!("compare.{condition}")
            }
            Inst::Compare { condition, signed } => format!("compare.{condition}.{}", sign(signed)),
            Inst::Extend { signed } => format!("extend.{}", sign(signed)),
            Inst::ToFloat { signed } => format!("to_float.{}", sign(signed)),
            Inst::ToInt { signed } => format!("to_int.{}", sign(signed)),
            Inst::Call { function, dtype } => {
                format!("call {}.{}", tape.name_of(function), dtype.short_name())
            }
            Inst::Store(operand) => format!("store out{operand}"),
            Inst::ResizeFloat => "resize_float".to_owned(),
            Inst::ResizeMask => "resize_mask".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

fn constant(ty: Ty, bits: u64) -> String {
    match (ty.kind, ty.bytes) {
        // This is not a number but a mask, of the magnitude or of the sign.
        (Kind::Float, 4) if f32::from_bits(bits as u32).is_nan() => format!("bits {bits:#x}"),
        (Kind::Float, _) if ty.bytes == 8 && f64::from_bits(bits).is_nan() => format!("bits {bits:#x}"),
        (Kind::Float, 4) => format!("{:?}", f32::from_bits(bits as u32)),
        (Kind::Float, _) => format!("{:?}", f64::from_bits(bits)),
        (Kind::Mask, _) => (bits != 0).to_string(),
        (Kind::Int, _) => format!("{bits:#x}"),
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operands = |prefix: &str, all: &[super::Operand]| {
            all.iter()
                .enumerate()
                .map(|(i, operand)| format!("{prefix}{i} {}: {}", operand.name, operand.dtype.short_name()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        write!(f, "tape ({})", operands("in", &self.inputs))?;
        writeln!(f, " -> ({})", operands("out", &self.outputs))?;
        match self.max_tile_elems {
            Some(elems) => {
                writeln!(f, "  tile of {elems} elements, {} bytes of slots", self.slot_bytes)?;
            }
            None => writeln!(f, "  no slots")?,
        }
        for segment in 0..self.n_segments {
            if self.n_segments > 1 {
                writeln!(f, "segment {segment}")?;
            }
            let needed = self.rematerialised_in(segment);
            for value in self.values() {
                let node = self.node(value);
                let here = if node.inst.is_rematerialised() {
                    needed[value.index()]
                } else {
                    self.segment_of[value.index()] == segment && !matches!(node.inst, Inst::Call { .. })
                };
                if here {
                    self.line(f, value)?;
                }
            }
            for value in self.values() {
                let is_call = matches!(self.node(value).inst, Inst::Call { .. });
                if is_call && self.segment_of[value.index()] == segment {
                    self.line(f, value)?;
                }
            }
        }
        Ok(())
    }
}

impl Tape {
    fn line(&self, f: &mut fmt::Formatter<'_>, value: ValueId) -> fmt::Result {
        let node = self.node(value);
        write!(f, "  ")?;
        if !matches!(node.inst, Inst::Store(_)) {
            write!(f, "{value}: {} = ", node.ty)?;
        }
        let arg_kind = node.args().first().map_or(node.ty.kind, |&arg| self.node(arg).ty.kind);
        write!(f, "{}", node.name(arg_kind, self))?;
        for (i, arg) in node.args().iter().enumerate() {
            write!(f, "{} {arg}", if i == 0 { "" } else { "," })?;
        }
        if let Some(slot) = self.slot_of[value.index()] {
            write!(f, "  ; slot {}", slot.offset)?;
        }
        if let Some(pair) = self.pairs.get(&value) {
            let other = pair.results.into_iter().find(|&result| result != value).unwrap_or(value);
            write!(f, ", {} with {other}", pair.pair.name())?;
        }
        writeln!(f)
    }
}
