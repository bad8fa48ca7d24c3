//! A function's instructions while they are being changed, and how they become code again.
//!
//! In: the decoded instructions, and what replaces some of them. Out: code in which branches and
//! constants are where they were meant to be, whatever the lengths of the new instructions.
//! Always true: an instruction that is not replaced is encoded anew without a change.

use super::flow::{Flow, branch_target};
use iced_x86::{Code, Encoder, Instruction};
use smallvec::SmallVec;

/// Constants keep their place relative to lines of this many bytes.
const ALIGNMENT: usize = 64;

/// The instructions that come in the place of one.
pub(super) type Replacement = SmallVec<[Instruction; 2]>;

/// A function that is being changed; see the module.
///
/// A *label* names the place of an instruction: for one of the old code its address there. Branches
/// name labels, and operands name constants by addresses too, in the old code or behind it.
pub(super) struct Draft<'f> {
    flow: &'f Flow,
    code: &'f [u8],
    /// For each old instruction, the part of `new` that comes in its place, if it is changed.
    changed: Vec<Option<(u32, u32)>>,
    new: Vec<Instruction>,
    /// Instructions that come behind all others.
    appended: Vec<Instruction>,
    /// The next label that no instruction has.
    next_label: u64,
    constants: Constants,
}

/// The constants of a function.
struct Constants {
    /// The address in the old code of the first byte of `bytes`.
    start: usize,
    bytes: Vec<u8>,
    /// The constants of 128 bits that are there twice in a row, by their first addresses.
    repeated: Vec<(usize, usize)>,
}

impl<'f> Draft<'f> {
    pub(super) fn new(flow: &'f Flow, code: &'f [u8]) -> Draft<'f> {
        let start = flow.end() / ALIGNMENT * ALIGNMENT;
        let mut bytes = code.get(start..).unwrap_or_default().to_vec();
        // What is left of the instructions is not needed here.
        let n_code = (flow.end() - start).min(bytes.len());
        bytes[..n_code].fill(0);
        Draft {
            flow,
            code,
            changed: vec![None; flow.instructions().len()],
            new: Vec::with_capacity(flow.instructions().len()),
            appended: Vec::new(),
            next_label: 1 << 40,
            constants: Constants { start, bytes, repeated: Vec::new() },
        }
    }

    pub(super) fn flow(&self) -> &'f Flow {
        self.flow
    }

    /// Replaces an instruction of the old code.
    pub(super) fn replace(&mut self, index: usize, replacement: &[Instruction]) {
        let start = self.new.len();
        self.new.extend_from_slice(replacement);
        self.changed[index] = Some((start as u32, self.new.len() as u32));
    }

    /// What an instruction has become so far.
    pub(super) fn current(&self, index: usize) -> &[Instruction] {
        match self.changed[index] {
            Some((start, end)) => &self.new[start as usize..end as usize],
            None => &self.flow.instructions()[index..=index],
        }
    }

    /// Appends instructions behind all others. Returns the label of the first one.
    pub(super) fn append(&mut self, instructions: impl IntoIterator<Item = Instruction>) -> u64 {
        let label = self.next_label;
        for mut instruction in instructions {
            instruction.set_ip(self.next_label);
            self.next_label += 1;
            self.appended.push(instruction);
        }
        label
    }

    /// The address of 32 bytes that have a constant of 16 bytes twice. They are added if they are
    /// not there yet. `None` if there is no constant at the address.
    pub(super) fn repeat_constant(&mut self, address: usize) -> Option<usize> {
        const BYTES: usize = 16;
        let Constants { start, bytes, repeated } = &mut self.constants;
        if let Some(&(_, to)) = repeated.iter().find(|constant| constant.0 == address) {
            return Some(to);
        }
        let from = address.checked_sub(*start)?;
        if address < self.flow.end() || from + BYTES > bytes.len() {
            return None;
        }
        bytes.resize(bytes.len().next_multiple_of(2 * BYTES), 0);
        let to = *start + bytes.len();
        bytes.extend_from_within(from..from + BYTES);
        bytes.extend_from_within(from..from + BYTES);
        repeated.push((address, to));
        Some(to)
    }

    /// The new code.
    ///
    /// # Errors
    ///
    /// If an instruction cannot be encoded.
    pub(super) fn encode(&self) -> Result<Vec<u8>, String> {
        let n_new = self.flow.instructions().len() + self.new.len() + self.appended.len();
        let mut layout = Layout { placed: Vec::with_capacity(n_new), labels: Vec::with_capacity(n_new) };
        for (index, old) in self.flow.instructions().iter().enumerate() {
            let start = old.ip() as usize;
            let unchanged = match self.changed[index] {
                None => self.code.get(start..start + old.len()),
                Some(_) => None,
            };
            // The first one has the label of the old one.
            layout.labels.push((old.ip(), layout.placed.len()));
            for instruction in self.current(index) {
                layout.push(instruction, unchanged);
            }
        }
        for instruction in &self.appended {
            layout.labels.push((instruction.ip(), layout.placed.len()));
            layout.push(instruction, None);
        }
        layout.encode(&self.constants)
    }
}

/// Instructions in the order in which they run down the code.
struct Layout<'d> {
    placed: Vec<Placed<'d>>,
    /// Labels in ascending order, and the instruction that each names.
    labels: Vec<(u64, usize)>,
}

/// An instruction in its place.
struct Placed<'d> {
    instruction: &'d Instruction,
    kind: PlacedKind<'d>,
}

enum PlacedKind<'d> {
    /// Its bytes in the old code, which are what they were.
    Unchanged(&'d [u8]),
    /// It names a constant by the distance to it.
    NamesConstant(usize),
    /// The label that it goes to.
    Branch(u64),
    Other,
}

/// How long an instruction is, and whether its bytes depend on where it is.
#[derive(Clone, Copy)]
enum Size {
    Fixed(usize),
    ShortBranch,
    NearBranch(usize),
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Size::Fixed(n_bytes) | Size::NearBranch(n_bytes) => n_bytes,
            Size::ShortBranch => 2,
        }
    }
}

impl<'d> Layout<'d> {
    fn push(&mut self, instruction: &'d Instruction, unchanged: Option<&'d [u8]>) {
        let kind = match (branch_target(instruction), unchanged) {
            (Some(label), _) => PlacedKind::Branch(label),
            (None, _) if instruction.is_ip_rel_memory_operand() => {
                PlacedKind::NamesConstant(instruction.ip_rel_memory_address() as usize)
            }
            (None, Some(bytes)) => PlacedKind::Unchanged(bytes),
            (None, None) => PlacedKind::Other,
        };
        self.placed.push(Placed { instruction, kind });
    }

    fn find(&self, label: u64) -> Result<usize, String> {
        let found = self.labels.binary_search_by_key(&label, |&(label, _)| label);
        found.map(|place| self.labels[place].1).map_err(|_| "a branch goes to no instruction".to_owned())
    }

    fn encode(&self, constants: &Constants) -> Result<Vec<u8>, String> {
        let mut encoder = Encoder::new(64);
        let mut sizes = Vec::with_capacity(self.placed.len());
        // What is encoded anew, one behind the other. Most of it does not depend on where it is.
        let mut encoded = Vec::with_capacity(8 * self.placed.len());
        // Where the distance to a constant is, in each instruction that has one.
        let mut distances = Vec::new();
        for Placed { instruction, kind } in &self.placed {
            sizes.push(match kind {
                PlacedKind::Branch(_) => Size::ShortBranch,
                PlacedKind::Unchanged(bytes) => Size::Fixed(bytes.len()),
                PlacedKind::NamesConstant(_) | PlacedKind::Other => {
                    Size::Fixed(encode(&mut encoder, instruction, 0, &mut encoded)?)
                }
            });
            if let PlacedKind::NamesConstant(_) = kind {
                distances.push(encoder.get_constant_offsets().displacement_offset());
            }
        }
        let starts = loop {
            let starts = starts(&sizes);
            if !self.lengthen(&starts, &mut sizes)? {
                break starts;
            }
        };
        let n_bytes = starts.last().zip(sizes.last()).map_or(0, |(start, size)| start + size.bytes());
        let new_start = n_bytes.next_multiple_of(ALIGNMENT);
        let mut code = Vec::with_capacity(new_start + constants.bytes.len());
        let mut encoded = &encoded[..];
        let names_constants = !distances.is_empty();
        let mut distances = distances.into_iter();
        for ((Placed { instruction, kind }, size), &start) in self.placed.iter().zip(&sizes).zip(&starts) {
            match kind {
                PlacedKind::Unchanged(bytes) => code.extend_from_slice(bytes),
                PlacedKind::Other | PlacedKind::NamesConstant(_) => {
                    let (bytes, rest) = encoded.split_at(size.bytes());
                    encoded = rest;
                    code.extend_from_slice(bytes);
                }
                PlacedKind::Branch(label) => {
                    let mut placed = **instruction;
                    match size {
                        Size::ShortBranch => placed.as_short_branch(),
                        _ => placed.as_near_branch(),
                    }
                    placed.set_near_branch64(starts[self.find(*label)?] as u64);
                    let n_encoded = encode(&mut encoder, &placed, start, &mut code)?;
                    if n_encoded != size.bytes() {
                        return Err(format!("`{instruction}` has another length than before"));
                    }
                }
            }
            if let PlacedKind::NamesConstant(old) = kind {
                let at = old.checked_sub(constants.start).ok_or("a constant among the instructions")?;
                // It counts from the end of the instruction.
                let distance = (new_start + at).checked_sub(start + size.bytes());
                let distance = distance.and_then(|distance| i32::try_from(distance).ok());
                let distance = distance.ok_or("a constant that is too far away")?;
                let place = start + distances.next().unwrap_or_default();
                let place = code.get_mut(place..place + 4).ok_or("an instruction without a distance")?;
                place.copy_from_slice(&distance.to_le_bytes());
            }
        }
        if names_constants {
            code.resize(new_start, 0);
            code.extend_from_slice(&constants.bytes);
        }
        Ok(code)
    }

    /// Makes branches near that are too far for short ones. True if there was one.
    fn lengthen(&self, starts: &[usize], sizes: &mut [Size]) -> Result<bool, String> {
        let mut has_changed = false;
        for (index, Placed { instruction, kind }) in self.placed.iter().enumerate() {
            let (PlacedKind::Branch(label), Size::ShortBranch) = (kind, sizes[index]) else { continue };
            let distance = starts[self.find(*label)?] as i64 - (starts[index] + 2) as i64;
            if i8::try_from(distance).is_err() {
                let is_jump = matches!(instruction.code(), Code::Jmp_rel8_64 | Code::Jmp_rel32_64);
                sizes[index] = Size::NearBranch(if is_jump { 5 } else { 6 });
                has_changed = true;
            }
        }
        Ok(has_changed)
    }
}

/// Where instructions of these sizes start.
fn starts(sizes: &[Size]) -> Vec<usize> {
    let mut end = 0;
    let start = |size: &Size| {
        let start = end;
        end += size.bytes();
        start
    };
    sizes.iter().map(start).collect()
}

/// Appends an instruction's bytes, as if it were at `ip`. Returns how many they are.
fn encode(encoder: &mut Encoder, instruction: &Instruction, ip: usize, bytes: &mut Vec<u8>) -> Result<usize, String> {
    // The encoder appends to its buffer.
    encoder.set_buffer(std::mem::take(bytes));
    let n_bytes = encoder.encode(instruction, ip as u64);
    *bytes = encoder.take_buffer();
    n_bytes.map_err(|error| format!("`{instruction}`: {error}"))
}
