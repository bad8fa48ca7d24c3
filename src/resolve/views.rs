//! Views: slices, single places, new axes and transposes of variables.
//!
//! In: what a text says between brackets. Out: [`ViewDef`]s, which name a variable or another view,
//! and what is done to it. Always true: a view comes after the view that it is of, and equal views
//! are one. `x[1:-1][1:]` is the same view as `x[2:-1]`, so what is computed from both is computed
//! once. Extents are not known here, so whether an index is in an axis is for the call.

use super::SiteId;
use super::items::{Item, index_text};
use super::trims::Trims;
use ndexpr_grammar::{NameId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write as _;

/// A view: its position in the order where a view comes after the one that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ViewId(u32);

impl ViewId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A variable of the text, or a view of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Array {
    Name(NameId),
    View(ViewId),
}

/// What is done to an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ViewOp {
    /// There is one ellipsis at most.
    Index(Box<[Item]>),
    Transpose,
    /// It is broadcast to the shape that it has together with the others of a group.
    BroadcastIn(GroupId),
}

/// The most views that a view may be of, one of the other.
pub(super) const MAX_DEPTH: usize = 256;

/// A longer text of an array is cut, and its number stands for the rest.
const MAX_TEXT_BYTES: usize = 80;

/// Arrays that are broadcast to one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupId(u32);

#[derive(Clone, Debug)]
pub(crate) struct ViewDef {
    pub(crate) of: Array,
    pub(crate) op: ViewOp,
    /// Where the text has it first.
    pub(crate) span: Span,
    /// In which call that is.
    pub(crate) site: SiteId,
}

/// The views of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Views {
    defs: Vec<ViewDef>,
    /// How many views each is made of, itself included.
    depths: Vec<usize>,
    ids: FxHashMap<(Array, ViewOp), ViewId>,
    groups: Vec<Box<[Array]>>,
    group_ids: FxHashMap<Box<[Array]>, GroupId>,
}

impl Views {
    /// The view's id; `None` if it is of a view of a view, more than [`MAX_DEPTH`] in all.
    pub(super) fn intern(&mut self, def: ViewDef) -> Option<ViewId> {
        let def = self.composed(def);
        let depth = match def.of {
            Array::Name(_) => 1,
            Array::View(of) => 1 + self.depths[of.index()],
        };
        if depth > MAX_DEPTH {
            return None;
        }
        let next = ViewId(self.defs.len() as u32);
        let id = *self.ids.entry((def.of, def.op.clone())).or_insert(next);
        if id == next {
            self.defs.push(def);
            self.depths.push(depth);
        }
        Some(id)
    }

    /// The same view, of a variable if it trims a view that trims a variable.
    fn composed(&self, def: ViewDef) -> ViewDef {
        let Some((of, first)) = self.trims(def.of) else { return def };
        let ViewOp::Index(items) = &def.op else { return def };
        match Trims::of(items).and_then(|next| first.then(&next)) {
            Some(both) => ViewDef { of, op: ViewOp::Index(both.items()), ..def },
            _ => def,
        }
    }

    /// The array that a view trims, and how; `None` if an array is no such view.
    fn trims(&self, array: Array) -> Option<(Array, Trims)> {
        match array {
            Array::Name(_) => None,
            Array::View(id) => match self.get(id) {
                ViewDef { of, op: ViewOp::Index(items), .. } => Some((*of, Trims::of(items)?)),
                _ => None,
            },
        }
    }

    /// Whether arrays have one shape, whatever the call: they are trims of one array that take
    /// equally much of each axis.
    pub(super) fn have_one_shape(&self, arrays: &[Array]) -> bool {
        let mut trims = arrays.iter().map(|&array| self.trims(array));
        let Some(Some((of, first))) = trims.next() else { return false };
        trims.all(|other| other.is_some_and(|(other, trims)| other == of && trims.has_shape_of(&first)))
    }

    /// The group of some arrays, sorted.
    pub(super) fn intern_group(&mut self, arrays: &[Array]) -> GroupId {
        if let Some(&id) = self.group_ids.get(arrays) {
            return id;
        }
        let id = GroupId(self.groups.len() as u32);
        self.groups.push(arrays.into());
        self.group_ids.insert(arrays.into(), id);
        id
    }

    pub(crate) fn group(&self, id: GroupId) -> &[Array] {
        &self.groups[id.0 as usize]
    }

    pub(crate) fn get(&self, id: ViewId) -> &ViewDef {
        &self.defs[id.index()]
    }

    /// The variable that an array is, or is a view of.
    pub(crate) fn base(&self, mut array: Array) -> NameId {
        loop {
            match array {
                Array::Name(name) => return name,
                Array::View(id) => array = self.get(id).of,
            }
        }
    }

    /// The variables that an array is, or is a view of, or gets its shape from.
    pub(crate) fn bases(&self, array: Array) -> impl Iterator<Item = NameId> {
        let mut seen: FxHashSet<Array> = FxHashSet::default();
        let mut pending = vec![array];
        let mut names = Vec::new();
        while let Some(array) = pending.pop() {
            if !seen.insert(array) {
                continue;
            }
            match array {
                Array::Name(name) => names.push(name),
                Array::View(id) => {
                    let def = self.get(id);
                    pending.push(def.of);
                    if let ViewOp::BroadcastIn(group) = def.op {
                        pending.extend(self.group(group));
                    }
                }
            }
        }
        names.into_iter()
    }

    /// The views that an array is made of, itself included, from the outermost.
    pub(crate) fn chain(&self, array: Array) -> impl Iterator<Item = (ViewId, &ViewDef)> {
        let of = |array: Array| match array {
            Array::Name(_) => None,
            Array::View(id) => Some((id, self.get(id))),
        };
        std::iter::successors(of(array), move |(_, def)| of(def.of))
    }

    /// An array as text. No two arrays have the same text.
    pub(crate) fn text<'n>(&self, array: Array, name: impl Fn(NameId) -> &'n str) -> String {
        let mut text = name(self.base(array)).to_owned();
        let defs: Vec<(ViewId, &ViewDef)> = self.chain(array).collect();
        for (_, def) in defs.into_iter().rev() {
            match &def.op {
                ViewOp::Index(items) => text.push_str(&index_text(items)),
                ViewOp::Transpose => text.push_str(".T"),
                // Writing to a string cannot fail.
                ViewOp::BroadcastIn(group) => _ = write!(text, "<group {}>", group.0),
            }
            if let Array::View(id) = array
                && text.len() > MAX_TEXT_BYTES
            {
                let end = text.floor_char_boundary(MAX_TEXT_BYTES);
                text.truncate(end);
                _ = write!(text, "...<view {}>", id.0);
                break;
            }
        }
        text
    }
}
