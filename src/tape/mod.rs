//! The tape: one loop as straight-line code over lanes. It is all that a backend sees.
//!
//! [`build`] makes it from a fusion group; [`schedule`] cuts it into segments around tile calls.
//! Values are in static single assignment form: an instruction's index is its value, and arguments
//! come before it. A value holds one element for each lane, and has a [`Ty`]: integers have no sign
//! (operations do), floats are float32 or float64, and masks are all ones or all zeros in a lane of
//! the given width. A bool is a mask in a tape and a byte in memory. How many lanes are taken at
//! once, and in which registers, is not known here.

mod build;
mod cut;
mod leaf;
mod liveness;
mod pair;
mod print;
mod relief;
mod schedule;
mod segments;
mod verify;
mod wide;

pub(crate) use build::{Preferences, build};
pub(crate) use leaf::{Folds, LeafShape, accumulating};
pub(crate) use pair::Pair;
pub(crate) use verify::verify;

use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::function::{Callable, RustFunction};
use ndexpr_runtime::math::{MathFn, WideFn};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::sync::Arc;

/// A value of a [`Tape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ValueId(pub(crate) u32);

impl ValueId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the lanes of a value hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Int,
    Float,
    Mask,
}

/// The type of a value: a kind and the bytes of a lane (1, 2, 4 or 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ty {
    pub(crate) kind: Kind,
    pub(crate) bytes: u32,
}

impl Ty {
    pub(crate) const fn int(bytes: u32) -> Ty {
        Ty { kind: Kind::Int, bytes }
    }
    pub(crate) const fn float(bytes: u32) -> Ty {
        Ty { kind: Kind::Float, bytes }
    }
    pub(crate) const fn mask(bytes: u32) -> Ty {
        Ty { kind: Kind::Mask, bytes }
    }

    /// The type of a dtype's elements as they are in memory; bools are bytes there.
    pub(crate) fn in_memory(dtype: DType) -> Ty {
        let bytes = dtype.size() as u32;
        if dtype.is_float() { Ty::float(bytes) } else { Ty::int(bytes) }
    }
}

/// How two numbers are compared. Of floats that are in no order, only `Ne` and `Unordered` hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Condition {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// For floats only: at least one is NaN.
    Unordered,
}

/// A function of the runtime, or of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Math(MathFn),
    /// An operation that is an instruction too, but takes less time in wider registers.
    Wide(WideFn),
    /// One of the tape's functions of Rust, of so many arguments. They have its dtypes.
    Rust {
        index: u32,
        arity: u32,
    },
    /// One of the tape's loops of each element: one of its results. All results of a loop are
    /// consecutive nodes of the same arguments, which are made by one call in the place of the
    /// last.
    Region {
        index: u32,
        result: u32,
        arity: u32,
    },
}

/// The most arguments of a node.
pub(crate) const MAX_NODE_ARGS: usize = 24;

/// The dtypes of a loop of each element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegionTypes {
    pub(crate) args: Vec<DType>,
    /// What it carries, of which results are some.
    pub(crate) carried: Vec<DType>,
}

impl Function {
    pub(crate) fn arity(self) -> usize {
        match self {
            Function::Math(function) => function.arity(),
            Function::Wide(function) => function.arity(),
            Function::Rust { arity, .. } | Function::Region { arity, .. } => arity as usize,
        }
    }
}

/// What an instruction does. Unless said otherwise, arguments and result have one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inst {
    /// Loads the elements of an input.
    Load(u32),
    /// The same bits in every lane.
    Const(u64),
    Add,
    Sub,
    Mul,
    Div,
    /// A float is negated by this only beside a fused multiply-add, which includes the negation.
    /// Elsewhere an `Xor` negates it.
    Neg,
    /// For integers only.
    Abs,
    Sqrt,
    Floor,
    Ceil,
    Trunc,
    Rint,
    /// Integers: the smaller. Floats: `a` if `a < b`, else `b`.
    Min {
        signed: bool,
    },
    /// Integers: the larger. Floats: `a` if `a > b`, else `b`.
    Max {
        signed: bool,
    },
    Fma,
    /// An operation on bits, also on those of floats, like the three below.
    And,
    Or,
    Xor,
    Not,
    /// The count is below the width in every lane.
    Shl,
    Shr {
        signed: bool,
    },
    /// Compares two numbers. The result is a mask as wide as they are.
    Compare {
        condition: Condition,
        signed: bool,
    },
    /// Chooses by a mask between two values as wide as it is.
    Select,
    /// Converts an integer to a wider one.
    Extend {
        signed: bool,
    },
    /// Converts an integer to a narrower one, which has the low bits.
    Truncate,
    /// Converts an integer to a float. One of 4 bytes goes to float32 or float64, but only a signed
    /// one to float64. One of 8 bytes goes to float32.
    ToFloat {
        signed: bool,
    },
    /// Converts a float to an integer of its width, saturating; NaN becomes 0.
    ToInt {
        signed: bool,
    },
    /// Converts between float32 and float64.
    ResizeFloat,
    /// Converts a mask to another width.
    ResizeMask,
    /// Takes the same bits as another kind, of the same width.
    Reinterpret,
    /// Calls a function for the whole tile, in memory. The dtype is that of the result, and of the
    /// arguments of all functions but those of Rust.
    Call {
        function: Function,
        dtype: DType,
    },
    /// The value becomes the elements of an output. Its result is never used.
    Store(u32),
}

/// One instruction, and the value it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) inst: Inst,
    /// Places beyond the arity repeat the first argument, or are 0.
    pub(crate) args: [ValueId; MAX_NODE_ARGS],
    pub(crate) ty: Ty,
}

impl Inst {
    pub(crate) fn arity(self) -> usize {
        match self {
            Inst::Load(_) | Inst::Const(_) => 0,
            Inst::Neg
            | Inst::Abs
            | Inst::Sqrt
            | Inst::Floor
            | Inst::Ceil
            | Inst::Trunc
            | Inst::Rint
            | Inst::Not
            | Inst::Extend { .. }
            | Inst::Truncate
            | Inst::ToFloat { .. }
            | Inst::ToInt { .. }
            | Inst::ResizeFloat
            | Inst::ResizeMask
            | Inst::Reinterpret
            | Inst::Store(_) => 1,
            Inst::Fma | Inst::Select => 3,
            Inst::Call { function, .. } => function.arity(),
            _ => 2,
        }
    }

    /// True if every segment that needs the value makes it anew rather than keeping it in a slot.
    pub(crate) fn is_rematerialised(self) -> bool {
        matches!(self, Inst::Load(_) | Inst::Const(_))
    }
}

impl Node {
    pub(crate) fn args(&self) -> &[ValueId] {
        &self.args[..self.inst.arity()]
    }
}

/// An array that a loop reads or writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operand {
    /// As the text or the printed plan names it.
    pub(crate) name: String,
    pub(crate) dtype: DType,
}

/// Where a value waits in a tile's scratch: elements of the tile follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Bytes from the start of the scratch.
    pub(crate) offset: usize,
}

/// A loop's code; see the module.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<Operand>,
    pub(crate) outputs: Vec<Operand>,
    /// The functions of Rust that it may call.
    pub(crate) functions: Vec<Arc<RustFunction>>,
    /// The loops of each element that it may run.
    pub(crate) regions: Vec<RegionTypes>,
    /// Their code, once they are compiled.
    pub(crate) region_code: Vec<Arc<dyn Callable>>,
    /// The segment that makes each value; a call runs after the loop of its segment. For what is
    /// rematerialised, the segment that puts it into its slot, if it has one.
    pub(crate) segment_of: Vec<u32>,
    pub(crate) n_segments: u32,
    /// The calls that are made two at a time. Each pair is found under both of its values.
    pub(crate) pairs: FxHashMap<ValueId, Pair>,
    /// The slot of each value that outlives its segment.
    pub(crate) slot_of: Vec<Option<Slot>>,
    /// Scratch for a tile, in bytes.
    pub(crate) slot_bytes: usize,
    /// Elements of a tile, if there are slots.
    pub(crate) max_tile_elems: Option<usize>,
    /// Set if the tape accumulates whole leaves.
    pub(crate) leaf: Option<LeafShape>,
    /// True for the iterations of a loop of each element. Then tiles are one row of whole vector
    /// blocks, and each output is where the input of the same number is.
    pub(crate) iterates: bool,
}

impl Tape {
    /// The name of a function that it calls.
    pub(crate) fn name_of(&self, function: Function) -> Cow<'_, str> {
        match function {
            Function::Math(function) => function.name().into(),
            Function::Wide(function) => function.name().into(),
            Function::Rust { index, .. } => self.functions[index as usize].name().into(),
            Function::Region { index, result, .. } => format!("loop{index}.{result}").into(),
        }
    }

    /// The results of a loop of each element that are made in the place of a value; none if they
    /// are made in the place of a later one.
    pub(crate) fn region_results(&self, value: ValueId) -> Option<&[Node]> {
        let of = |at: usize| match self.nodes.get(at)?.inst {
            Inst::Call { function: Function::Region { index, .. }, .. } => Some(index),
            _ => None,
        };
        let (index, end) = (of(value.index())?, value.index() + 1);
        if of(end) == Some(index) {
            return None;
        }
        let n = (0..end).rev().take_while(|&at| of(at) == Some(index)).count();
        Some(&self.nodes[end - n..end])
    }

    pub(crate) fn node(&self, value: ValueId) -> &Node {
        &self.nodes[value.index()]
    }

    /// The loads and constants that a segment makes: for its instructions, or to put into a slot.
    pub(crate) fn rematerialised_in(&self, segment: u32) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for value in self.values() {
            let node = self.node(value);
            if node.inst.is_rematerialised() {
                needed[value.index()] |= self.segment_of[value.index()] == segment;
            } else if self.segment_of[value.index()] == segment && !matches!(node.inst, Inst::Call { .. }) {
                for arg in node.args() {
                    needed[arg.index()] |= self.node(*arg).inst.is_rematerialised();
                }
            }
        }
        needed
    }

    /// The values that each segment makes, in order.
    pub(crate) fn by_segment(&self) -> Vec<Vec<ValueId>> {
        let mut segments = vec![Vec::new(); self.n_segments as usize];
        for value in self.values() {
            // What is rematerialised and never in a slot has no segment.
            if let Some(segment) = segments.get_mut(self.segment_of[value.index()] as usize) {
                segment.push(value);
            }
        }
        segments
    }

    /// The most bytes that a value takes for a lane.
    pub(crate) fn widest(&self) -> u32 {
        self.nodes.iter().map(|node| node.ty.bytes).max().unwrap_or(8)
    }

    /// True if all values take the same number of bytes for a lane.
    pub(crate) fn is_of_one_width(&self) -> bool {
        is_of_one_width(&self.nodes)
    }

    /// True if no instruction has to be done lane by lane, because there is none for vectors.
    pub(crate) fn has_vector_forms(&self) -> bool {
        has_vector_forms(&self.nodes)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = ValueId> + use<> {
        (0..self.nodes.len() as u32).map(ValueId)
    }
}

fn is_of_one_width(nodes: &[Node]) -> bool {
    nodes.windows(2).all(|two| two[0].ty.bytes == two[1].ty.bytes)
}

fn has_vector_forms(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node.inst {
        Inst::ToInt { .. } => node.ty.bytes < 8,
        Inst::ToFloat { .. } => nodes[node.args[0].index()].ty.bytes < 8,
        Inst::Shl | Inst::Shr { .. } => matches!(nodes[node.args[1].index()].inst, Inst::Const(_)),
        _ => true,
    })
}
