//! Which phase of a call is next.
//!
//! In: the branches and loops around phases, and what phases have left for them. Out: the place of
//! the next phase. Always true: a loop does no more iterations than the engine's limit, and may be
//! stopped between any two.

use super::phase::Call;
use crate::error::Error;
use crate::program::bind::int_value;
use crate::resolve::{BoundValue, End, PhaseLoop, PhaseRange};
use crate::vars::Var;
use ndexpr_grammar::{NameId, Span};
use smallvec::SmallVec;

/// A loop around phases.
pub(super) struct Loop {
    range: Option<Range>,
    span: Span,
}

/// The values that a loop goes over.
struct Range {
    /// The place of the value among those that phases leave.
    value: usize,
    start: Bound,
    stop: Bound,
    by: Bound,
}

struct Bound {
    value: BoundAt,
    span: Span,
}

enum BoundAt {
    Whole(i128),
    /// A place among what phases leave.
    Carried(usize),
}

impl Loop {
    /// `place` tells where the value of a name is among those that phases leave.
    pub(super) fn new(the_loop: &PhaseLoop, place: &dyn Fn(NameId) -> Option<usize>) -> Option<Loop> {
        let bound = |bound: crate::resolve::Bound| {
            let value = match bound.value {
                BoundValue::Whole(value) => BoundAt::Whole(value),
                BoundValue::Carried(name) => BoundAt::Carried(place(name)?),
            };
            Some(Bound { value, span: bound.span })
        };
        let range = match &the_loop.range {
            Some(PhaseRange { value, start, stop, by }) => {
                Some(Range { value: place(*value)?, start: bound(*start)?, stop: bound(*stop)?, by: bound(*by)? })
            }
            None => None,
        };
        Some(Loop { range, span: the_loop.span })
    }
}

impl Bound {
    fn read(&self, call: &Call<'_, '_>) -> Result<i128, Error> {
        match self.value {
            BoundAt::Whole(value) => Ok(value),
            BoundAt::Carried(place) => {
                let value = call.carried_number(place, self.span)?;
                int_value(value).ok_or_else(|| Error::internal("a bound that is no number"))
            }
        }
    }
}

/// How far the loops of a call are.
#[derive(Default)]
pub(super) struct Control {
    open: SmallVec<[Open; 4]>,
}

/// A loop that has begun.
#[derive(Clone, Copy, Default)]
struct Open {
    n_iterations: u64,
    value: i128,
    stop: i128,
    by: i128,
}

impl Open {
    fn is_in_range(&self) -> bool {
        if self.by > 0 { self.value < self.stop } else { self.value > self.stop }
    }
}

impl Control {
    /// The place of the phase that follows the one at `at`.
    pub(super) fn next(
        &mut self,
        (loops, max_iterations): (&[Loop], u64),
        (at, end): (usize, End),
        call: &mut Call<'_, '_>,
    ) -> Result<usize, Error> {
        let follows = at + 1;
        Ok(match end {
            End::Next => follows,
            End::Jump(to) => to,
            End::Branch(to) => match call.condition()? {
                Some(true) => to,
                _ => follows,
            },
            End::Begin(id, past) => {
                let the_loop = &loops[id.index()];
                self.open.resize(loops.len().max(self.open.len()), Open::default());
                let open = &mut self.open[id.index()];
                *open = Open::default();
                let Some(range) = &the_loop.range else {
                    return Ok(if call.condition()? == Some(true) { past } else { follows });
                };
                (open.value, open.stop, open.by) =
                    (range.start.read(call)?, range.stop.read(call)?, range.by.read(call)?);
                if open.by == 0 {
                    return Err(Error::range_step(range.by.span));
                }
                match open.is_in_range() {
                    true => {
                        set_value(call, range, open.value)?;
                        follows
                    }
                    false => past,
                }
            }
            End::Again(id, first) => {
                let the_loop = &loops[id.index()];
                let open = &mut self.open[id.index()];
                let goes_on = match &the_loop.range {
                    Some(range) => {
                        open.value = open.value.saturating_add(open.by);
                        let goes_on = open.is_in_range();
                        if goes_on {
                            set_value(call, range, open.value)?;
                        }
                        goes_on
                    }
                    None => call.condition()? != Some(false),
                };
                if !goes_on {
                    return Ok(follows);
                }
                open.n_iterations += 1;
                if open.n_iterations >= max_iterations {
                    return Err(Error::too_many_iterations(max_iterations, None, the_loop.span));
                }
                call.check_cancelled()?;
                first
            }
        })
    }
}

fn set_value(call: &mut Call<'_, '_>, range: &Range, value: i128) -> Result<(), Error> {
    let value = i64::try_from(value).map_err(|_| Error::range_value(value, range.start.span))?;
    call.set_number(range.value, Var::weak(value));
    Ok(())
}
