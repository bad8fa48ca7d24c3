//! The outline as text.

use super::{Blocks, Outline, Segment, SegmentCall, Spills, Stores, VectorBlock};
use crate::tape::ValueId;
use std::fmt;

/// Numbers or names with a space before each.
struct List<'v, T>(&'v [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|value| write!(f, " {value}"))
    }
}

impl fmt::Display for Outline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_inputs = self.tape.inputs.len();
        let operand = |operand: usize| format!("{} {}", self.operand(operand as u32), self.kinds[operand]);
        let names: Vec<String> = (0..self.kinds.len()).map(operand).collect();
        writeln!(f, "outline ({}) -> ({})", names[..n_inputs].join(", "), names[n_inputs..].join(", "))?;
        write!(f, "  registers of {} bits", self.width.bits())?;
        if let Some(why) = &self.not_wide {
            write!(f, ", because {why}")?;
        }
        let stores = match self.stores {
            Stores::Ordinary => "",
            Stores::Streaming => ", stores past the caches",
            Stores::StreamingLong => ", stores past the caches in long runs",
            Stores::StreamingLeaves => ", kept values past the caches",
        };
        writeln!(f, "{stores}")?;
        for (index, segment) in self.segments.iter().enumerate() {
            if self.segments.len() > 1 {
                writeln!(f, "segment {index}")?;
            }
            self.print_segment(f, segment)?;
        }
        Ok(())
    }
}

impl Outline<'_> {
    fn operand(&self, operand: u32) -> String {
        let n_inputs = self.tape.inputs.len() as u32;
        match operand.checked_sub(n_inputs) {
            None => format!("in{operand}"),
            Some(output) => format!("out{output}"),
        }
    }

    fn print_segment(&self, f: &mut fmt::Formatter<'_>, segment: &Segment) -> fmt::Result {
        let mut list = |name: &str, values: &[ValueId]| match values {
            [] => Ok(()),
            values => writeln!(f, "  {name}:{}", List(values)),
        };
        if segment.has_loop() {
            list("in registers", &segment.hoisted)?;
            list("once a row", &segment.uniform)?;
            if segment.spills.is_some() || segment.blocks.whole.width != self.machine.width {
                list("waiting in memory", &segment.kept)?;
            }
            list("to slots", &segment.to_slots)?;
            list("body", &segment.body)?;
            if let Some(spills) = &segment.spills {
                self.print_spills(f, spills)?;
            }
            let operands: Vec<String> = segment.operands.iter().map(|&operand| self.operand(operand)).collect();
            writeln!(f, "  operands:{}", List(&operands))?;
            self.print_blocks(f, &segment.blocks)?;
            if segment.is_skipped {
                writeln!(f, "  not in tiles of one row")?;
            }
        }
        for call in &segment.calls {
            self.print_call(f, call)?;
        }
        Ok(())
    }

    fn print_call(&self, f: &mut fmt::Formatter<'_>, call: &SegmentCall) -> fmt::Result {
        let operand = |value: ValueId| match self.direct.operand_of[value.index()] {
            Some(operand) => format!(" {value} ({} in one row)", self.operand(operand)),
            None => format!(" {value}"),
        };
        match call {
            SegmentCall::Callback(call) => {
                let results = call.result.iter().chain(call.results.iter().flatten());
                let places: String = results.chain(&call.args).map(|&value| operand(value)).collect();
                writeln!(f, "  call {}:{places}", call.callee.name(self.tape))
            }
            SegmentCall::OfTable(call) => {
                let place = |value: ValueId| match call.single == Some(value) {
                    true => format!(" {value} (one element)"),
                    false => operand(value),
                };
                let places: String = call.places.iter().flatten().map(|&value| place(value)).collect();
                write!(f, "  call {}:{places}", self.table.entry(call.entry).0.name(self.tape))?;
                let (callee, stores) = self.table.entry(call.direct_entry);
                if call.direct_entry != call.entry {
                    write!(f, "; in one row {}", callee.name(self.tape))?;
                }
                writeln!(f, "{}", if stores.is_streaming() { ", past the caches" } else { "" })
            }
        }
    }

    fn print_spills(&self, f: &mut fmt::Formatter<'_>, spills: &Spills) -> fmt::Result {
        let place = if self.scratch().places.is_some() { "in the scratch" } else { "on the stack" };
        write!(f, "  registers {place}: {}", spills.n_places)?;
        for event in &spills.events {
            if let Some(place) = event.place {
                write!(f, ", {} at {place}", event.value)?;
            }
        }
        writeln!(f)?;
        for event in spills.events.iter().filter(|event| !event.leaving.is_empty()) {
            writeln!(f, "  read again after {}:{}", event.value, List(&event.leaving))?;
        }
        Ok(())
    }

    fn print_blocks(&self, f: &mut fmt::Formatter<'_>, blocks: &Blocks) -> fmt::Result {
        let block = |block: VectorBlock| format!("{} lanes in {} bits", block.n_lanes, block.width.bits());
        write!(f, "  blocks:")?;
        if let Some(head) = blocks.head {
            let by = if head.is_narrow { "block" } else { "lane" };
            write!(f, " {by} by {by} to {} bytes of {}", head.alignment, self.operand(head.operand))?;
            if head.min_lanes > 0 {
                write!(f, " in rows of {} lanes", head.min_lanes)?;
            }
            write!(f, ",")?;
        }
        write!(f, " {}", block(blocks.whole))?;
        if blocks.repeats_lanes {
            write!(f, ", the last one where the row ends")?;
        }
        if let Some(narrow) = blocks.narrow {
            write!(f, ", {}", block(narrow))?;
        }
        writeln!(f, "{}", if blocks.has_single_lanes { ", single lanes" } else { ", no others" })
    }
}
