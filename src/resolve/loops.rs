//! Loops: `while` and `for`, each of which every element runs for itself.
//!
//! In: a loop's statements. Out: its operations, between where it begins and the loop itself, which
//! has what it carries before it and after an iteration. Always true: what a loop carries are the
//! names that its body assigns to, and what its exits leave; a loop of known length that is short
//! becomes as many copies of its body.

use super::assigned::{assigned_names, first_assignment, has_exits, is_read_first, n_exprs};
use super::blocks::{Block, Counter, Exit, ExitKind, Kind, Loop, MAX_LOOPS, Path, Slot, Unrolled};
use super::control::Start;
use super::error::{Error, ErrorKind};
use super::run::Run;
use super::value::{Names, Unset, Value, Why};
use super::{Action, Arg, LoopId};
use ndexpr_grammar::{self as ast, BinaryOp, CompareOp, ExprKind, NameId, Span, Stmt, StmtId, UnaryOp};

/// The most loops in each other.
const MAX_LOOP_DEPTH: usize = 16;

/// The most expressions that a loop of known length may become when its body is repeated.
const MAX_UNROLLED: usize = 256;

/// The beginning of a loop.
struct Header {
    /// Which elements begin it, if not all that get there.
    starts: Option<Arg>,
    /// The name that a range's values are given to, and the range.
    counter: Option<(NameId, Counter)>,
    /// Whether all that get there do an iteration.
    is_sure_to_run: bool,
    span: Span,
}

/// How many values a range has.
fn range_len(start: i128, stop: i128, by: i128) -> u128 {
    let (low, high) = if by > 0 { (start, stop) } else { (stop, start) };
    match high > low {
        true => high.abs_diff(low).div_ceil(by.unsigned_abs()),
        false => 0,
    }
}

/// A name that has a value behind a loop, although it has none before it.
struct SetName {
    name: NameId,
    value: Value,
    /// The places of its values among those that the loop carries.
    places: Vec<u32>,
}

impl<'a> Run<'a> {
    /// Begins a `while`, or ends an iteration of it once its condition is known again.
    pub(super) fn enter_while(
        &mut self,
        stmt: &'a Stmt,
        condition: ast::ExprId,
        (body, otherwise): (&'a [StmtId], &'a [StmtId]),
    ) -> Result<(), Error> {
        if let Some(Block { kind: Kind::PhaseLoop(the_loop), .. }) = self.frame().blocks.last()
            && the_loop.is_testing
        {
            let holds = self.condition(condition)?;
            return self.test_phase_loop(holds);
        }
        let value = self.value(condition);
        let is_testing = match self.frame().blocks.last() {
            Some(Block { kind: Kind::Loop(the_loop), .. }) => the_loop.is_testing,
            _ => false,
        };
        if is_testing {
            let goes_on = match self.known_truth(&value) {
                Some(true) => None,
                _ => Some(self.operand(value, condition)?),
            };
            return self.finish_loop(goes_on);
        }
        let span = self.ast()[condition].span;
        let starts = match self.known_truth(&value) {
            Some(false) => {
                self.enter(otherwise, Kind::Plain);
                return Ok(());
            }
            Some(true) => None,
            None => Some(self.operand(value, condition)?),
        };
        let around = self.around_loop(stmt, (body, otherwise), self.exits());
        if around.is_needed {
            return self.enter_phase_loop((stmt, Start::While(starts)), (body, otherwise), (&around, span));
        }
        self.enter_loop(Header { starts, counter: None, is_sure_to_run: starts.is_none(), span }, body, otherwise)
    }

    /// Begins a `for`.
    pub(super) fn enter_for(
        &mut self,
        stmt: &'a Stmt,
        (name, range): (NameId, ast::ExprId),
        (body, otherwise): (&'a [StmtId], &'a [StmtId]),
    ) -> Result<(), Error> {
        let ast = self.ast();
        let (ExprKind::Call { args, .. }, span) = (&ast[range].kind, ast[range].span) else {
            unreachable!("a loop goes over a range");
        };
        let mut values = self.operands(args)?;
        if values.len() == 1 {
            values.insert(0, Arg { step: self.push_step(Action::Int(0), span, &[]), span });
        }
        if values.len() == 2 {
            values.push(Arg { step: self.push_step(Action::Int(1), span, &[]), span });
        }
        let [start, stop, by] = values[..] else { unreachable!("a range has at most three arguments") };
        let whole = |arg: Arg| self.whole(arg.step);
        if whole(by) == Some(0) {
            return Err(Error::new(ErrorKind::RangeStepOfZero, by.span));
        }
        let length = match (whole(start), whole(stop), whole(by)) {
            (Some(start), Some(stop), Some(by)) => Some((start, by, range_len(start, stop, by))),
            _ => None,
        };
        if let Some((next, by, n)) = length {
            let n_exprs = n_exprs(ast, body);
            let is_short = n.saturating_mul(n_exprs as u128 + 1) <= MAX_UNROLLED as u128;
            if n == 0 || is_short && !has_exits(ast, body) {
                let unrolled = Unrolled { name, next, by, n_left: n as usize, body, otherwise, span };
                self.enter(&[], Kind::Unrolled(unrolled));
                return Ok(());
            }
        }
        let is_sure_to_run = length.is_some();
        let around = self.around_loop(stmt, (body, otherwise), self.exits());
        if around.is_needed {
            let start = Start::For { name, bounds: [start, stop, by], is_sure_to_run };
            return self.enter_phase_loop((stmt, start), (body, otherwise), (&around, span));
        }
        let counter = Counter { value: start, stop, by };
        let starts = if is_sure_to_run { None } else { Some(self.in_range(counter)) };
        let header = Header { starts, counter: Some((name, counter)), is_sure_to_run, span };
        self.enter_loop(header, body, otherwise)
    }

    /// Whether a counter has not passed the end of its range.
    fn in_range(&mut self, Counter { value, stop, by }: Counter) -> Arg {
        let span = value.span;
        match self.whole(by.step) {
            Some(1..) => return self.compare(CompareOp::Lt, value, stop),
            Some(_) => return self.compare(CompareOp::Gt, value, stop),
            None => {}
        }
        let below = self.compare(CompareOp::Lt, value, stop);
        let above = self.compare(CompareOp::Gt, value, stop);
        let zero = Arg { step: self.push_step(Action::Int(0), span, &[]), span };
        let is_up = self.compare(CompareOp::Gt, by, zero);
        let is_down = self.compare(CompareOp::Lt, by, zero);
        let up = self.binary(BinaryOp::And, is_up, below);
        let down = self.binary(BinaryOp::And, is_down, above);
        self.binary(BinaryOp::Or, up, down)
    }

    /// The next iteration of a loop whose body is repeated.
    pub(super) fn repeat(&mut self, body: &'a [StmtId], stmt: usize, mut unrolled: Unrolled<'a>) -> Result<(), Error> {
        if unrolled.n_left == 0 || self.is_unreachable() {
            let otherwise = unrolled.otherwise;
            self.set_body(otherwise);
            self.frame_mut().blocks.push(Block { body, stmt, kind: Kind::Plain });
            return Ok(());
        }
        let Unrolled { name, next, span, .. } = unrolled;
        let magnitude = self.push_step(Action::Int(next.unsigned_abs()), span, &[]);
        let value = match next < 0 {
            true => self.push_step(Action::Unary(UnaryOp::Neg), span, &[Arg { step: magnitude, span }]),
            false => magnitude,
        };
        self.frame_mut().names.insert(name, Value::Step(value));
        unrolled.next = next.saturating_add(unrolled.by);
        unrolled.n_left -= 1;
        let inner = unrolled.body;
        self.set_body(inner);
        self.frame_mut().blocks.push(Block { body, stmt, kind: Kind::Unrolled(unrolled) });
        Ok(())
    }

    fn enter_loop(&mut self, header: Header, body: &'a [StmtId], otherwise: &'a [StmtId]) -> Result<(), Error> {
        let Header { starts, counter, is_sure_to_run, span } = header;
        if self.loops.len() == MAX_LOOP_DEPTH {
            return Err(Error::new(ErrorKind::LoopsTooDeep { limit: MAX_LOOP_DEPTH }, span));
        }
        if self.n_loops == MAX_LOOPS {
            return Err(Error::new(ErrorKind::TooManyLoops { limit: MAX_LOOPS }, span));
        }
        // What loops read is memory as it is before the first of them.
        self.cut();
        let (path, names) = (self.frame().path, self.frame().names.clone());
        let guard = self.frame().guard;
        let mut starts = starts.map(|starts| self.settled(starts));
        let counter = counter.map(|(name, Counter { value, stop, by })| {
            let [value, stop, by] = [value, stop, by].map(|arg| self.settled(arg));
            (name, Counter { value, stop, by })
        });
        for path in [path, guard] {
            if let Path::If(path) = path {
                starts = Some(match starts {
                    Some(starts) => self.binary(BinaryOp::And, path, starts),
                    None => self.settled(path),
                });
            }
        }
        let starts = match starts {
            Some(starts) => starts,
            None => Arg { step: self.push_step(Action::Bool(true), span, &[]), span },
        };
        // What is known before the loop comes before its beginning.
        let mut changed = assigned_names(self.ast(), body);
        changed.extend(counter.map(|(name, _)| name));
        changed.sort_unstable();
        changed.dedup();
        self.count(changed.len(), span)?;
        let is_counter = |name: NameId| counter.is_some_and(|(its, _)| its == name);
        let mut before = Vec::with_capacity(changed.len());
        for name in changed {
            let init = match self.frame().names.get(&name).cloned() {
                Some(value) => Some(self.read_all(&value, span)?),
                None if self.is_outside(name, if is_counter(name) { &[] } else { body }) => {
                    let id = self.out_name(name);
                    let step = self.push_step(Action::Name(id), span, &[]);
                    Some(Value::Step(self.read(step, span)?))
                }
                None => None,
            };
            before.push((name, init));
        }
        let id = LoopId(self.n_loops);
        self.n_loops += 1;
        let begin = Arg { step: self.push_step(Action::Begin(id), span, &[]), span };
        self.loops.push(id);
        let mut the_loop = Loop {
            id,
            begin,
            starts,
            is_sure_to_run,
            path,
            names,
            slots: Vec::new(),
            inits: Vec::new(),
            counter: None,
            exits: Vec::new(),
            otherwise,
            is_testing: false,
            span,
        };
        for (name, init) in before {
            let value = match init {
                Some(Value::Unset(_)) | None => {
                    self.frame_mut().names.remove(&name);
                    None
                }
                Some(init) => {
                    let value = self.carried(&mut the_loop, &init, false);
                    self.frame_mut().names.insert(name, value.clone());
                    Some(value)
                }
            };
            the_loop.slots.push(Slot { name, value });
        }
        if let Some((name, counter)) = counter {
            let Value::Step(value) = self.carried(&mut the_loop, &Value::Step(counter.value.step), true) else {
                unreachable!("a single value stays one");
            };
            the_loop.counter = Some(Counter { value: Arg { step: value, span }, ..counter });
            self.frame_mut().names.insert(name, Value::Step(value));
        }
        self.frame_mut().path = Path::Always;
        self.enter(body, Kind::Loop(Box::new(the_loop)));
        Ok(())
    }

    /// What a value is at the start of an iteration. Each value of a tuple is carried by itself.
    fn carried(&mut self, the_loop: &mut Loop<'a>, init: &Value, is_counter: bool) -> Value {
        let (of, begin, span) = (the_loop.id, the_loop.begin, the_loop.span);
        self.rebuilt(init, &mut |run, step| {
            the_loop.inits.push(Some(Arg { step, span }));
            let place = the_loop.inits.len() as u32 - 1;
            run.push_step(Action::Carried { of, place, is_counter }, span, &[begin])
        })
    }

    /// A value as it is now, even if arrays change later.
    fn read_all(&mut self, value: &Value, span: Span) -> Result<Value, Error> {
        let mut failed = None;
        let read = self.rebuilt(value, &mut |run, step| {
            run.read(step, span).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                step
            })
        });
        failed.map_or(Ok(read), Err)
    }

    /// Whether a name that the text gives no value before a loop has one from outside: the loop
    /// reads it before it assigns to it, or there is such a variable.
    fn is_outside(&self, name: NameId, body: &[StmtId]) -> bool {
        let ast = self.ast();
        self.frames.len() == 1 && (self.is_variable(ast.name(name)) == Some(true) || is_read_first(ast, body, name))
    }

    /// Ends an iteration: the condition of a `while` is gone through again, with the values that
    /// names have by then.
    pub(super) fn end_iteration(&mut self) -> Result<(), Error> {
        let frame = self.frame_mut();
        let Some(Block { body, stmt, kind: Kind::Loop(the_loop) }) = frame.blocks.last_mut() else {
            unreachable!("asked of loops only");
        };
        if !matches!(frame.path, Path::Never) {
            let (names, path) = (std::mem::take(&mut frame.names), frame.path);
            let span = the_loop.span;
            the_loop.exits.push(Exit { kind: ExitKind::Continue, path, names, value: Value::None, span });
        }
        let (body, stmt, span) = (*body, *stmt, the_loop.span);
        let goes_on: Vec<Exit> =
            the_loop.exits.iter().filter(|exit| exit.kind == ExitKind::Continue).cloned().collect();
        let is_while = the_loop.counter.is_none();
        the_loop.is_testing = true;
        let names = self.names_of_exits(&goes_on, span)?;
        let path = self.any(goes_on.iter().map(|exit| exit.path), span);
        let frame = self.frame_mut();
        (frame.names, frame.path) = (names, path);
        match is_while && !goes_on.is_empty() {
            true => {
                let frame = self.frame_mut();
                (frame.body, frame.stmt) = (body, stmt);
                self.begin_stmt();
                Ok(())
            }
            false => self.finish_loop(None),
        }
    }

    /// The values of names where some exits meet.
    fn names_of_exits(&mut self, exits: &[Exit], span: Span) -> Result<Names, Error> {
        let Some((last, before)) = exits.split_last() else { return Ok(Names::default()) };
        let mut names = last.names.clone();
        for exit in before.iter().rev() {
            let Path::If(condition) = exit.path else { unreachable!("nothing follows what always happens") };
            names = self.merged_names(condition, &exit.names, &names, span)?;
        }
        Ok(names)
    }

    /// Lets a loop carry the values of names that are set in it before they are read.
    fn set_names(
        &mut self,
        the_loop: &mut Loop<'a>,
        nexts: &mut Vec<Arg>,
        names: &Names,
    ) -> Result<Vec<SetName>, Error> {
        let without_value = the_loop.slots.iter().filter(|slot| slot.value.is_none()).map(|slot| slot.name);
        let mut set = Vec::new();
        for name in without_value.collect::<Vec<_>>() {
            let Some(value @ (Value::Step(_) | Value::Tuple(_))) = names.get(&name).cloned() else { continue };
            let mut leaves = Vec::new();
            if self.flatten(&value, &value, &mut leaves)? {
                let places = leaves.into_iter().map(|next| self.also_carried(the_loop, nexts, None, next)).collect();
                set.push(SetName { name, value, places });
            }
        }
        Ok(set)
    }

    /// Lets a loop carry one value more, which the body does not read. Gives its place.
    fn also_carried(&mut self, the_loop: &mut Loop<'a>, nexts: &mut Vec<Arg>, init: Option<Arg>, next: Arg) -> u32 {
        the_loop.inits.push(init);
        nexts.push(self.settled(next));
        the_loop.inits.len() as u32 - 1
    }

    /// Ends a loop. `goes_on` is its condition after an iteration, if it has one.
    fn finish_loop(&mut self, goes_on: Option<Arg>) -> Result<(), Error> {
        let Some(Block { body, stmt, kind: Kind::Loop(the_loop) }) = self.frame_mut().blocks.pop() else {
            unreachable!("asked of loops only");
        };
        let mut the_loop = *the_loop;
        let span = the_loop.span;
        let exits = std::mem::take(&mut the_loop.exits);
        let of_kind = |kind: ExitKind| exits.iter().filter(move |exit| exit.kind == kind);
        let names = self.names_of_exits(&exits, span)?;
        let mut nexts: Vec<Arg> = Vec::new();
        for slot in &the_loop.slots {
            let Some(value) = &slot.value else { continue };
            let next = names.get(&slot.name).cloned().unwrap_or(Value::None);
            if !self.flatten(value, &next, &mut nexts)? {
                let name = self.text_of(slot.name);
                return Err(Error::new(ErrorKind::ChangesStructure { name }, span));
            }
        }
        let breaks = self.any(of_kind(ExitKind::Break).map(|exit| exit.path), span);
        let returns = self.any(of_kind(ExitKind::Return).map(|exit| exit.path), span);
        let mut goes_on = goes_on;
        if let Some(counter) = &the_loop.counter {
            let next = self.binary(BinaryOp::Add, counter.value, counter.by);
            nexts.push(next);
            if of_kind(ExitKind::Continue).next().is_some() {
                goes_on = Some(self.in_range(Counter { value: next, ..*counter }));
            }
        }
        // Those that do not go on have left by a break or a return.
        let goes_on = match (goes_on, self.any(of_kind(ExitKind::Continue).map(|exit| exit.path), span)) {
            (_, Path::Never) => Arg { step: self.push_step(Action::Bool(false), span, &[]), span },
            (None, Path::Always) => Arg { step: self.push_step(Action::Bool(true), span, &[]), span },
            (Some(goes_on), Path::Always) => goes_on,
            (None, Path::If(stays)) => stays,
            (Some(goes_on), Path::If(stays)) => self.binary(BinaryOp::And, stays, goes_on),
        };
        // Names that each iteration sets, or each `break` finds with a value.
        let mut set: Vec<SetName> = Vec::new();
        let mut set_at_breaks: Vec<SetName> = Vec::new();
        if the_loop.is_sure_to_run {
            set = self.set_names(&mut the_loop, &mut nexts, &names)?;
        } else if !the_loop.otherwise.is_empty() {
            let at_breaks: Vec<Exit> = of_kind(ExitKind::Break).cloned().collect();
            let at_breaks = self.names_of_exits(&at_breaks, span)?;
            set_at_breaks = self.set_names(&mut the_loop, &mut nexts, &at_breaks)?;
        }
        let flag = |run: &mut Run<'a>, path: Path| -> Option<(Arg, Arg)> {
            let Path::If(next) = path else { return None };
            Some((Arg { step: run.push_step(Action::Bool(false), span, &[]), span }, next))
        };
        let broke = match the_loop.otherwise.is_empty() {
            true => None,
            false => {
                flag(self, breaks).map(|(init, next)| self.also_carried(&mut the_loop, &mut nexts, Some(init), next))
            }
        };
        let returned =
            flag(self, returns).map(|(init, next)| self.also_carried(&mut the_loop, &mut nexts, Some(init), next));
        let return_exits: Vec<Exit> = of_kind(ExitKind::Return).cloned().collect();
        let mut return_value = Value::None;
        let mut return_places = Vec::new();
        if let Some((last, before)) = return_exits.split_last() {
            return_value = last.value.clone();
            for exit in before.iter().rev() {
                let Path::If(condition) = exit.path else { unreachable!("nothing follows what always happens") };
                return_value = match self.merged(condition, &exit.value, &return_value)? {
                    Some(value) => value,
                    None => return Err(Error::new(ErrorKind::ReturnsDiffer { other: last.span }, exit.span)),
                };
            }
            let mut leaves = Vec::new();
            let value = return_value.clone();
            self.flatten(&value, &value, &mut leaves)?;
            let carried = leaves.into_iter().map(|next| self.also_carried(&mut the_loop, &mut nexts, None, next));
            return_places = carried.collect();
        }
        // The loop, and what it leaves.
        let mut args = vec![the_loop.begin, the_loop.starts, goes_on];
        let inits = std::mem::take(&mut the_loop.inits);
        for (init, next) in inits.iter().zip(&nexts) {
            args.push(match init {
                Some(init) => *init,
                None => Arg { step: self.push_step(Action::Undefined, span, &[]), span },
            });
            args.push(*next);
        }
        let the_step = Arg { step: self.push_step(Action::Loop(the_loop.id), span, &args), span };
        self.loops.pop();
        let after = |run: &mut Run<'a>, place: u32| run.push_step(Action::After { place }, span, &[the_step]);
        let mut names_after = std::mem::take(&mut the_loop.names);
        let mut place = 0;
        for slot in &the_loop.slots {
            let value = match &slot.value {
                Some(value) => self.rebuilt(value, &mut |run, _| {
                    place += 1;
                    after(run, place - 1)
                }),
                None => match set.iter().find(|set| set.name == slot.name) {
                    Some(SetName { value, places, .. }) => {
                        let mut places = places.iter().copied();
                        self.rebuilt(value, &mut |run, _| after(run, places.next().unwrap_or_default()))
                    }
                    None => {
                        let ast = self.ast();
                        let set = body.get(stmt).and_then(|&stmt| first_assignment(ast, &[stmt], slot.name));
                        Value::Unset(Unset { set: set.unwrap_or(span), unless: span, why: Why::NoValue })
                    }
                },
            };
            names_after.insert(slot.name, value);
        }
        let mut path = the_loop.path;
        let broke = broke.map(|place| Arg { step: after(self, place), span });
        let return_flag = match (returned, returns) {
            (Some(place), _) => Some(Arg { step: after(self, place), span }),
            // Each iteration returns: all that start do.
            (None, Path::Always) => Some(the_loop.starts),
            _ => None,
        };
        if let Some(flag) = return_flag {
            let mut places = return_places.into_iter();
            let value = self.rebuilt(&return_value, &mut |run, _| after(run, places.next().unwrap_or_default()));
            let outer_path = self.and(path, flag);
            let not = self.not(flag);
            path = self.and(path, not);
            let frame = self.frame_mut();
            frame.names.clone_from(&names_after);
            frame.path = outer_path;
            self.leave_block(ExitKind::Return, value, return_exits.last().map_or(span, |exit| exit.span))?;
        }
        let frame = self.frame_mut();
        (frame.names, frame.path) = (names_after, path);
        (frame.body, frame.stmt) = (body, stmt);
        let otherwise = the_loop.otherwise;
        let broke = match breaks {
            // Each iteration breaks: only those that do not start get to the else.
            Path::Always if !otherwise.is_empty() => Some(the_loop.starts),
            _ => broke,
        };
        match broke {
            Some(broke) => {
                let not = self.not(broke);
                self.enter_choice(not, otherwise, &[])?;
                for SetName { name, value, places } in set_at_breaks {
                    let mut places = places.into_iter();
                    let value = self.rebuilt(&value, &mut |run, _| after(run, places.next().unwrap_or_default()));
                    if let Some(Block { kind: Kind::If(choice), .. }) = self.frame_mut().blocks.last_mut() {
                        choice.names.insert(name, value);
                    }
                }
                Ok(())
            }
            None => {
                self.enter(otherwise, Kind::Plain);
                Ok(())
            }
        }
    }
}
