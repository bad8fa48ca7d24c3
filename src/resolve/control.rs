//! Branches and loops that run once for all elements, around phases.
//!
//! In: their statements. Out: phases, and which phase is next at the [`End`] of each. Always true:
//! where control comes together from several phases, a name that may differ there is a variable of
//! its own, to which each of these phases assigns what the name is for it.
//!
//! Which of these names are read is not known here: each name that the statements assign to gets a
//! variable, and [`Phases::prune`](super::Phases::prune) drops those of no use.

use super::around::{Around, Exits, Updated, plainly_assigned};
use super::assigned::{assigned_names, first_assignment};
use super::blocks::{Block, ExitKind, Kind, MAX_LOOPS, Path};
use super::error::{Error, ErrorKind};
use super::phases::{Bound, BoundValue, End, PhaseLoop, PhaseLoopId, Range};
use super::places::{LoopKind, PhaseBody, PhaseIf, Place, Places, Returned, Unsets, add_unset};
use super::run::Run;
use super::value::{Unset, Value, Why};
use super::{Action, Arg, StepId};
use ndexpr_grammar::{self as ast, ExprKind, NameId, Span, Stmt, StmtId};

/// The most blocks around phases in each other.
const MAX_DEPTH: usize = 64;

/// How a loop begins.
pub(super) enum Start {
    /// By its condition, which always holds if it is none.
    While(Option<Arg>),
    For {
        name: NameId,
        bounds: [Arg; 3],
        is_sure_to_run: bool,
    },
}

impl<'a> Run<'a> {
    /// What leaves the blocks around phases in which the statement is.
    pub(super) fn exits(&self) -> Exits {
        let blocks = &self.frame().blocks;
        let innermost =
            blocks.iter().rev().find(|block| !matches!(block.kind, Kind::Plain | Kind::If(_) | Kind::PhaseIf(_)));
        Exits {
            leave_loop: innermost.is_some_and(|block| matches!(block.kind, Kind::PhaseLoop(_))),
            leave_function: blocks.iter().any(|block| block.kind.is_around_phases()),
        }
    }

    /// Checks that all elements get here, and that there are not too many blocks around.
    fn check_once(&self, span: Span) -> Result<(), Error> {
        if self.is_in_flow() {
            return Err(Error::new(ErrorKind::OnceInFlow, span));
        }
        let blocks = self.frames.iter().flat_map(|frame| &frame.blocks);
        match blocks.filter(|block| block.kind.is_around_phases()).count() >= MAX_DEPTH {
            true => Err(Error::new(ErrorKind::LoopsTooDeep { limit: MAX_DEPTH }, span)),
            false => Ok(()),
        }
    }

    /// Begins an `if` that is decided once for all.
    pub(super) fn enter_phase_if(
        &mut self,
        condition: Arg,
        (then, otherwise): (&'a [StmtId], &'a [StmtId]),
    ) -> Result<(), Error> {
        let span = condition.span;
        self.check_once(span)?;
        let places = self.places([then, otherwise], None, span)?;
        let not = self.not(condition);
        let from = self.end_with(Vec::new(), Some(not), End::Next);
        let names = self.frame().names.clone();
        let unset = vec![None; places.all.len()];
        let choice = PhaseIf { second: Some((otherwise, names)), from, places, unset, ends: Vec::new(), span };
        self.enter(then, Kind::PhaseIf(Box::new(choice)));
        Ok(())
    }

    /// Ends a block of such an `if`.
    pub(super) fn end_phase_if(
        &mut self,
        (body, stmt): (&'a [StmtId], usize),
        mut choice: Box<PhaseIf<'a>>,
    ) -> Result<(), Error> {
        match self.is_unreachable() {
            true => self.end_phase(),
            false => {
                let (end, unset) = self.give_places(&mut choice.places, choice.span)?;
                choice.ends.push(end);
                add_unset(&mut choice.unset, unset);
            }
        }
        let next = self.updates.n_phases();
        if let Some((otherwise, names)) = choice.second.take() {
            self.updates.phases[choice.from].end = End::Branch(next);
            let frame = self.frame_mut();
            (frame.names, frame.path) = (names, Path::Always);
            frame.blocks.push(Block { body, stmt, kind: Kind::PhaseIf(choice) });
            self.set_body(otherwise);
            return Ok(());
        }
        self.go_on_from(&choice.ends, next);
        self.frame_mut().path = if choice.ends.is_empty() { Path::Never } else { Path::Always };
        self.take_places(&choice.places, &choice.unset, choice.span);
        self.leave(body, stmt);
        Ok(())
    }

    /// Whether a condition is the same whenever it is looked at, because it has no names.
    fn is_fixed(&self, stmt: &Stmt) -> bool {
        let ast = self.ast();
        !stmt.exprs.clone().any(|index| matches!(ast[ast.expr_id(index)].kind, ExprKind::Name(_)))
    }

    /// Begins a loop that runs once for all.
    pub(super) fn enter_phase_loop(
        &mut self,
        (the_stmt, start): (&Stmt, Start),
        (body, otherwise): (&'a [StmtId], &'a [StmtId]),
        (around, span): (&Around, Span),
    ) -> Result<(), Error> {
        self.check_once(span)?;
        if self.n_loops == MAX_LOOPS {
            return Err(Error::new(ErrorKind::TooManyLoops { limit: MAX_LOOPS }, span));
        }
        self.n_loops += 1;
        let id = PhaseLoopId(self.updates.loops.len() as u32);
        let mut given = Vec::new();
        let (mut condition, mut counter) = (None, None);
        let (kind, is_sure_to_run) = match start {
            Start::While(None) if self.is_fixed(the_stmt) => (LoopKind::Endless, true),
            Start::While(None) => (LoopKind::While, true),
            Start::While(Some(holds)) => {
                condition = Some(self.not(holds));
                (LoopKind::While, false)
            }
            Start::For { name, bounds, is_sure_to_run } => {
                let value = self.new_name();
                let [start, stop, by] = bounds.map(|arg| self.bound(arg, &mut given));
                counter = Some((name, Range { value, start, stop, by }));
                (LoopKind::Range, is_sure_to_run)
            }
        };
        let mut places = self.places([body, otherwise], counter.as_ref().map(|(name, _)| *name), span)?;
        let (from, unset) = self.give_places_and(&mut places, (given, condition, End::Next), span)?;
        let first = self.updates.n_phases();
        // Where control goes past the loop is known once its end is.
        self.updates.phases[from].end = End::Begin(id, first);
        self.updates.loops.push(PhaseLoop { range: counter.as_ref().map(|(_, range)| range.clone()), span });
        self.forget(&around.updated);
        self.take_places(&places, &unset, span);
        if let Some((name, Range { value, .. })) = counter {
            let value = self.step(Action::Name(value), span, &[]);
            self.frame_mut().names.insert(name, value);
        }
        let unset_at_breaks = vec![None; places.all.len()];
        let skip = (!is_sure_to_run).then(|| {
            let with_place = unset.into_iter().zip(&places.all).map(|(unset, place)| {
                let set = first_assignment(self.ast(), body, place.name);
                unset.map(|unset| Unset { set: set.unwrap_or(unset.set), ..unset })
            });
            (from, with_place.collect())
        });
        let the_loop = PhaseBody {
            id,
            places,
            first,
            skip,
            breaks: Vec::new(),
            unset_at_breaks,
            continues: Vec::new(),
            otherwise,
            kind,
            is_testing: false,
            span,
        };
        self.updates.open_loops.push(first);
        self.enter(body, Kind::PhaseLoop(Box::new(the_loop)));
        Ok(())
    }

    /// A bound of a range, which is known or carried.
    fn bound(&mut self, arg: Arg, given: &mut Vec<(NameId, Arg)>) -> Bound {
        let value = match self.whole(arg.step) {
            Some(whole) => BoundValue::Whole(whole),
            None => {
                let name = self.new_name();
                given.push((name, arg));
                BoundValue::Carried(name)
            }
        };
        Bound { value, span: arg.span }
    }

    /// Ends the body of a loop around phases, which is the innermost block.
    pub(super) fn end_phase_body(
        &mut self,
        (body, stmt): (&'a [StmtId], usize),
        mut the_loop: Box<PhaseBody<'a>>,
    ) -> Result<(), Error> {
        let is_reached = !self.is_unreachable();
        if !the_loop.continues.is_empty() {
            // All of them come together, and then the loop is tested.
            match is_reached {
                true => {
                    let end = self.give_next(&mut the_loop)?;
                    the_loop.continues.push(end);
                }
                false => self.end_phase(),
            }
            self.go_on_from(&the_loop.continues, self.updates.n_phases());
            let unset = vec![None; the_loop.places.all.len()];
            self.take_places(&the_loop.places, &unset, the_loop.span);
            self.frame_mut().path = Path::Always;
        } else if !is_reached {
            self.end_phase();
            return self.end_phase_loop((body, stmt), *the_loop, None);
        }
        if the_loop.kind == LoopKind::Range {
            return self.end_iterations((body, stmt), *the_loop, None);
        }
        the_loop.is_testing = true;
        let frame = self.frame_mut();
        frame.blocks.push(Block { body, stmt, kind: Kind::PhaseLoop(the_loop) });
        (frame.body, frame.stmt) = (body, stmt);
        self.begin_stmt();
        Ok(())
    }

    /// Ends an iteration of a `while` around phases, whose condition is known again.
    pub(super) fn test_phase_loop(&mut self, holds: Option<Arg>) -> Result<(), Error> {
        let Some(Block { body, stmt, kind: Kind::PhaseLoop(the_loop) }) = self.frame_mut().blocks.pop() else {
            unreachable!("asked of loops around phases only");
        };
        // What decides must be a bool, whatever the text's condition is.
        let holds = holds.map(|holds| {
            let not = self.not(holds);
            self.not(not)
        });
        self.end_iterations((body, stmt), *the_loop, holds)
    }

    /// The last phase of an iteration.
    fn end_iterations(
        &mut self,
        at: (&'a [StmtId], usize),
        mut the_loop: PhaseBody<'a>,
        condition: Option<Arg>,
    ) -> Result<(), Error> {
        let end = End::Again(the_loop.id, the_loop.first);
        let (_, unset) = self.give_places_and(&mut the_loop.places, (Vec::new(), condition, end), the_loop.span)?;
        self.check_next(&the_loop.places, &unset)?;
        self.end_phase_loop(at, the_loop, Some(unset))
    }

    /// Ends a phase that goes on with the next iteration.
    fn give_next(&mut self, the_loop: &mut PhaseBody<'a>) -> Result<usize, Error> {
        let (end, unset) = self.give_places(&mut the_loop.places, the_loop.span)?;
        self.check_next(&the_loop.places, &unset)?;
        Ok(end)
    }

    /// Checks that a name that the loop begins with has a value in the next iteration too.
    fn check_next(&self, places: &Places, unset: &Unsets) -> Result<(), Error> {
        let lost = places.all.iter().zip(unset).find_map(|(place, unset)| {
            let unset = (*unset)?;
            (place.values.is_some() && unset.why != Why::NoValue).then_some((place.name, unset))
        });
        match lost {
            Some((name, unset)) => Err(self.maybe_unset(name, unset, unset.unless)),
            None => Ok(()),
        }
    }

    /// Goes on behind a loop around phases, or with its `else`. `unset` is of its last phase, if
    /// control gets there.
    fn end_phase_loop(
        &mut self,
        (body, stmt): (&'a [StmtId], usize),
        the_loop: PhaseBody<'a>,
        unset: Option<Unsets>,
    ) -> Result<(), Error> {
        let PhaseBody { id, places, skip, breaks, unset_at_breaks, otherwise, kind, span, .. } = the_loop;
        self.updates.open_loops.pop();
        let next = self.updates.n_phases();
        let mut unset_at_end: Unsets = vec![None; places.all.len()];
        let mut is_ended = false;
        if let Some(unset) = unset.filter(|_| kind != LoopKind::Endless) {
            add_unset(&mut unset_at_end, unset);
            is_ended = true;
        }
        if let Some((from, unset)) = skip {
            self.updates.phases[from].end = End::Begin(id, next);
            add_unset(&mut unset_at_end, unset);
            is_ended = true;
        }
        // Those that break do not do the `else`.
        let choice = PhaseIf { second: None, from: next, places, unset: unset_at_breaks, ends: breaks, span };
        if is_ended {
            self.take_places(&choice.places, &unset_at_end, span);
        }
        self.frame_mut().path = if is_ended { Path::Always } else { Path::Never };
        self.frame_mut().blocks.push(Block { body, stmt, kind: Kind::PhaseIf(Box::new(choice)) });
        self.set_body(if is_ended { otherwise } else { &[] });
        Ok(())
    }

    /// Leaves a block around phases: the innermost loop, an iteration of it, or the function. False
    /// if the statement is in no such block.
    pub(super) fn exit_phases(&mut self, kind: ExitKind, value: &Value, span: Span) -> Result<bool, Error> {
        let exits = self.exits();
        let leaves = if kind == ExitKind::Return { exits.leave_function } else { exits.leave_loop };
        if !leaves {
            return Ok(false);
        }
        if self.is_in_flow() {
            return Err(Error::new(ErrorKind::OnceInFlow, span));
        }
        if kind == ExitKind::Return {
            let mut returned = self.frame_mut().returned.take().unwrap_or_default();
            self.give_returned(&mut returned, value, span)?;
            self.frame_mut().returned = Some(returned);
        } else {
            let blocks = &mut self.frame_mut().blocks;
            let place = blocks.iter().rposition(|block| matches!(block.kind, Kind::PhaseLoop(_)));
            let place = place.expect("it leaves a loop");
            let outer = std::mem::replace(&mut blocks[place].kind, Kind::Plain);
            let Kind::PhaseLoop(mut the_loop) = outer else { unreachable!("just found") };
            match kind {
                ExitKind::Continue => {
                    let end = self.give_next(&mut the_loop)?;
                    the_loop.continues.push(end);
                }
                _ => {
                    let (end, unset) = self.give_places(&mut the_loop.places, span)?;
                    the_loop.breaks.push(end);
                    add_unset(&mut the_loop.unset_at_breaks, unset);
                }
            }
            self.frame_mut().blocks[place].kind = Kind::PhaseLoop(the_loop);
        }
        self.frame_mut().path = Path::Never;
        Ok(true)
    }

    /// Ends a function, or the text, that has returned from blocks around phases before. `value` is
    /// what its end gives.
    pub(super) fn returned_from_phases(&mut self, value: Value, span: Span) -> Result<Value, Error> {
        let Some(mut returned) = self.frame_mut().returned.take() else { return Ok(value) };
        match self.is_unreachable() {
            true => self.end_phase(),
            false => self.give_returned(&mut returned, &value, span)?,
        }
        self.go_on_from(&returned.ends, self.updates.n_phases());
        self.frame_mut().path = Path::Always;
        Ok(match returned.places.all.first() {
            Some(Place { values: Some((like, names)), .. }) => self.values_of(like, names, span),
            _ => Value::None,
        })
    }

    fn give_returned(&mut self, returned: &mut Returned, value: &Value, span: Span) -> Result<(), Error> {
        let differ = || Error::new(ErrorKind::ReturnsDiffer { other: span }, span);
        let mut given = Vec::new();
        match (value, returned.ends.is_empty()) {
            (Value::None, true) => {}
            (Value::None, false) if returned.places.all.is_empty() => {}
            (_, false) if returned.places.all.is_empty() => return Err(differ()),
            (Value::None, false) => return Err(differ()),
            (value, is_first) => {
                if is_first {
                    // No name of the text has it.
                    returned.places.all.push(Place { name: NameId::new(0), values: None });
                }
                if self.give_place(&mut returned.places.all[0], value, &mut given, span)?.is_some() {
                    return Err(differ());
                }
            }
        }
        let end = self.end_with(given, None, End::Next);
        returned.ends.push(end);
        Ok(())
    }

    /// The names that some blocks assign to, and maybe another one.
    fn places(&mut self, blocks: [&[StmtId]; 2], more: Option<NameId>, span: Span) -> Result<Places, Error> {
        let mut names: Vec<NameId> = blocks.iter().flat_map(|block| assigned_names(self.ast(), block)).collect();
        // An augmented assignment to anything but a local name is an update.
        let plainly = plainly_assigned(self.ast(), blocks.into_iter().flatten().copied());
        names.retain(|name| plainly.contains(name) || self.is_local(*name));
        names.extend(more);
        names.sort_unstable();
        names.dedup();
        self.count(names.len(), span)?;
        Ok(Places { all: names.into_iter().map(|name| Place { name, values: None }).collect() })
    }

    /// Whether the text gives a name a value that is not an array of the caller.
    fn is_local(&self, name: NameId) -> bool {
        match self.frame().names.get(&name) {
            Some(Value::Step(step)) => self.given_array(*step).is_none(),
            Some(_) => true,
            None => false,
        }
    }

    /// Ends a phase, which gives places the values that names have there.
    fn give_places(&mut self, places: &mut Places, span: Span) -> Result<(usize, Unsets), Error> {
        self.give_places_and(places, (Vec::new(), None, End::Next), span)
    }

    /// The same, if the phase gives values to other names too, and decides which one is next.
    fn give_places_and(
        &mut self,
        places: &mut Places,
        (mut given, condition, end): (Vec<(NameId, Arg)>, Option<Arg>, End),
        span: Span,
    ) -> Result<(usize, Unsets), Error> {
        self.count(places.all.len(), span)?;
        let mut unsets = Vec::with_capacity(places.all.len());
        for place in &mut places.all {
            let value = self.frame().names.get(&place.name).cloned();
            let is_outside = || self.frames.len() == 1 && self.is_variable(self.ast().name(place.name)) == Some(true);
            let value = match value {
                Some(value) => value,
                None if is_outside() => {
                    let id = self.out_name(place.name);
                    self.step(Action::Name(id), span, &[])
                }
                None => Value::Unset(Unset { set: span, unless: span, why: Why::NoValue }),
            };
            unsets.push(match value {
                Value::Unset(unset) => Some(unset),
                value => self.give_place(place, &value, &mut given, span)?,
            });
        }
        Ok((self.end_with(given, condition, end), unsets))
    }

    /// Adds what gives a place a value at the end of the phase, or gives the reason why there is
    /// none.
    fn give_place(
        &mut self,
        place: &mut Place,
        value: &Value,
        given: &mut Vec<(NameId, Arg)>,
        span: Span,
    ) -> Result<Option<Unset>, Error> {
        let mut steps: Vec<StepId> = Vec::new();
        self.rebuilt(value, &mut |_, step| {
            steps.push(step);
            step
        });
        if let Some(&step) = steps.iter().find(|&&step| self.is_array_for_writing(step)) {
            return Ok(Some(Unset { set: self.out.step(step).span, unless: span, why: Why::Array }));
        }
        let (like, names) = match &place.values {
            Some((like, names)) => (like.clone(), names.clone()),
            None => {
                let names: Vec<NameId> = steps.iter().map(|_| self.new_name()).collect();
                place.values = Some((value.clone(), names.clone()));
                (value.clone(), names)
            }
        };
        let mut args = Vec::with_capacity(names.len());
        if !self.flatten(&like, value, &mut args)? {
            return Ok(Some(Unset { set: span, unless: span, why: Why::Structure }));
        }
        // A variable that is the value already keeps it.
        let is_other = |(name, arg): &(NameId, Arg)| self.out.step(arg.step).action != Action::Name(*name);
        given.extend(names.into_iter().zip(args).filter(is_other));
        Ok(None)
    }

    /// Whether an operation is an array that may be updated, or a part of one.
    fn is_array_for_writing(&self, step: StepId) -> bool {
        // Who asks for the names of a text only does not know which arrays that are.
        let is_known = self.knows_variables();
        is_known && self.given_array(step).is_some_and(|array| self.is_written(self.out.views().base(array)))
    }

    /// Ends the phase. `given` are the values that it gives to names of variables.
    fn end_with(&mut self, given: Vec<(NameId, Arg)>, condition: Option<Arg>, end: End) -> usize {
        // Reading one of them may have begun a new phase.
        let given: Vec<(NameId, Arg)> = given.into_iter().map(|(name, arg)| (name, self.settled(arg))).collect();
        let condition = condition.map(|condition| self.settled(condition));
        let phase = self.updates.n_phases();
        self.end_phase();
        let draft = &mut self.updates.phases[phase];
        (draft.given, draft.condition, draft.end) = (given, condition, end);
        phase
    }

    /// Lets control go from some phases to the next one.
    fn go_on_from(&mut self, ends: &[usize], next: usize) {
        for &end in ends {
            self.updates.phases[end].end = if end + 1 == next { End::Next } else { End::Jump(next) };
        }
    }

    /// Lets names have the values of their places.
    fn take_places(&mut self, places: &Places, unset: &Unsets, span: Span) {
        for (place, unset) in places.all.iter().zip(unset) {
            let value = match (&place.values, unset) {
                (_, Some(unset)) => Value::Unset(*unset),
                (Some((like, names)), None) => self.values_of(like, names, span),
                (None, None) => {
                    self.frame_mut().names.remove(&place.name);
                    continue;
                }
            };
            self.frame_mut().names.insert(place.name, value);
        }
    }

    fn values_of(&mut self, like: &Value, names: &[NameId], span: Span) -> Value {
        let mut names = names.iter().copied();
        self.rebuilt(like, &mut |run, _| {
            let name = names.next().expect("a name for each value");
            run.push_step(Action::Name(name), span, &[])
        })
    }

    /// Takes arrays as changed, because the statements that follow may change them before they run
    /// again.
    fn forget(&mut self, updated: &Updated) {
        let now = self.push_step(Action::Bool(true), Span::default(), &[]);
        let names: Option<Vec<NameId>> = match updated {
            Updated::All => None,
            Updated::Some(names) => Some(names.clone()),
        };
        self.updates.forget(names.as_deref(), now);
    }

    /// The condition of a `while` as an argument, unless it is known to hold.
    pub(super) fn condition(&mut self, condition: ast::ExprId) -> Result<Option<Arg>, Error> {
        let value = self.value(condition);
        match self.known_truth(&value) {
            Some(true) => Ok(None),
            _ => self.operand(value, condition).map(Some),
        }
    }
}
