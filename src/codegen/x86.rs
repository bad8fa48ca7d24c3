//! As much of x86-64's encoding as is needed to change finished code: where an instruction ends, and what its operand is.

/// The operand that a ModRM byte tells of, with all that follows it but immediates.
pub(super) struct Operand {
    /// The ModRM byte, the SIB byte and the displacement.
    pub(super) n_bytes: usize,
    pub(super) place: Place,
}

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Register,
    /// In memory, at the address in a register of general purpose, and whatever is added to it.
    Memory,
    /// In memory, so many bytes after the instruction, which ends with immediates: a constant.
    Relative,
    /// In memory, by the registers of the stack, or by none.
    Stack,
}

impl Operand {
    /// Of the ModRM byte that these bytes begin with. `is_base_extended` tells whether the prefix makes the base one of the
    /// registers from r8 on.
    pub(super) fn parse(bytes: &[u8], is_base_extended: bool) -> Option<Operand> {
        const RSP: u8 = 0b100;
        const RBP: u8 = 0b101;
        let mod_rm = *bytes.first()?;
        let (mode, rm) = (mod_rm >> 6, mod_rm & 0b111);
        if mode == 0b11 {
            return Some(Operand { n_bytes: 1, place: Place::Register });
        }
        // In a ModRM byte the number of RSP means that a SIB byte follows.
        let has_sib = rm == RSP;
        let base = if has_sib { bytes.get(1)? & 0b111 } else { rm };
        // Without a displacement the number of RBP means that there is one, but no base.
        let has_base = mode != 0b00 || base != RBP;
        let n_displacement = match mode {
            0b01 => 1,
            0b10 => 4,
            _ if has_base => 0,
            _ => 4,
        };
        let place = match base {
            _ if !has_base && !has_sib => Place::Relative,
            _ if !has_base => Place::Stack,
            RSP | RBP if !is_base_extended => Place::Stack,
            _ => Place::Memory,
        };
        let n_bytes = 1 + usize::from(has_sib) + n_displacement;
        (bytes.len() >= n_bytes).then_some(Operand { n_bytes, place })
    }
}
