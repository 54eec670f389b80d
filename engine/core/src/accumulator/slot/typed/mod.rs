//! The typed slot: runs one kind's part over its ring, and accounts for every event.

mod faults;
mod many;
mod successor;

use super::{AnySlot, SlotArgs, SlotContext, SlotTurn};
use crate::accumulator::any_ring::AnyRing;
use crate::accumulator::{
    Accumulator, Emitter, Eviction, Exported, Fate, ImportError, Incoming, PendingBoundary, Released,
};
use crate::column::{AnyColumn, Column};
use crate::fault::{Failure, FaultBudget, FaultMeter, guarded};
use crate::ledger::{Dropped, Entry, Settled};
use crate::letter::{Letter, Place};
use crate::payload::{Payload, PayloadType};
use crate::ring::{Drawn, Ring};
use crate::time::Timestamp;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// The slot of one accumulator. What every turn touches comes first and lies together.
#[repr(C)]
pub struct Slot<A: Accumulator> {
    ring: Arc<Ring<A::Event>>,
    capacity: usize,
    awaited: Option<Awaited<A::Boundary>>,
    // Length of the column after the last item that passed: what lies beyond is half-done.
    mark: usize,
    quarantined: bool,
    events_only: bool,
    taken: bool,
    phase: Phase,
    input: VecDeque<A::Event>,
    entry: Entry,
    part: A,
    tickets: VecDeque<u64>,
    ticket: u64,
    meter: FaultMeter,
    budget: FaultBudget,
    boundary: PayloadType,
    place: Place,
    make: Box<dyn Fn() -> A + Send>,
    // Where events are written to disk first: those given up since they were last asked for.
    given_up: Vec<u64>,
    given_up_since: u64,
}

/// What the part was doing, if it fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Accept,
    Tick,
    Flush,
}

type Awaited<B> = Arc<Mutex<Option<Result<Option<B>, Failure>>>>;

impl<A: Accumulator> Slot<A> {
    /// A slot with a fresh part.
    pub(crate) fn new(args: SlotArgs, make: Box<dyn Fn() -> A + Send>) -> Self {
        Self {
            part: make(),
            make,
            ring: Arc::new(Ring::new(args.capacity, args.overflow, args.tickets.clone()).of_type(args.event)),
            place: args.place,
            input: VecDeque::new(),
            tickets: VecDeque::new(),
            ticket: 0,
            meter: FaultMeter::new(args.budget),
            budget: args.budget,
            entry: Entry::default(),
            taken: false,
            mark: 0,
            phase: Phase::Accept,
            awaited: None,
            quarantined: false,
            events_only: args.tickets.is_none(),
            boundary: args.boundary,
            capacity: args.capacity,
            given_up: Vec::new(),
            given_up_since: 0,
        }
    }

    /// Handle events until the limit, a failure, or one that pends.
    fn run(
        &mut self,
        now: Timestamp,
        left: &mut usize,
        items: &mut Vec<A::Boundary>,
        order: &mut Vec<u64>,
    ) -> Result<Option<PendingBoundary<A::Boundary>>, Failure> {
        self.tick(now, items, order)?;
        if let Some(ended) = self.run_many(now, left, items, order) {
            return ended;
        }
        while *left > 0 && !self.input.is_empty() {
            self.phase = Phase::Accept;
            self.taken = false;
            let before = items.len();
            let incoming = Incoming::new(&mut self.input, &mut self.taken, now);
            match self.part.accept(incoming, &mut Emitter::new(items))? {
                Fate::Settled(how) => self.entry.settle(how, 1),
                Fate::Dropped(why) => self.entry.drop(why, 1),
                Fate::Held => {}
                Fate::Pending(rest) => return Ok(Some(rest)),
            }
            self.leave_front();
            self.number(before, items, order);
            self.meter.passed();
            *left -= 1;
            self.tick(now, items, order)?;
        }
        Ok(None)
    }

    /// Let the part act on the time, as often as it is due.
    fn tick(
        &mut self,
        now: Timestamp,
        items: &mut Vec<A::Boundary>,
        order: &mut Vec<u64>,
    ) -> Result<(), Failure> {
        while self.part.due().is_some_and(|due| due <= now) {
            self.phase = Phase::Tick;
            let (before, due) = (items.len(), self.part.due());
            let released = self.part.tick(now, &mut Emitter::new(items))?;
            self.release(released);
            self.number(before, items, order);
            if released == Released::default() && self.part.due() == due {
                break;
            }
        }
        Ok(())
    }

    fn release(&mut self, released: Released) {
        self.entry.settle(Settled::HandedOn, released.handed_on);
        self.entry.settle(Settled::Filtered, released.filtered);
        self.meter.passed();
    }

    /// The front event is done with; take it off unless the part did.
    fn leave_front(&mut self) {
        if !self.taken {
            self.input.pop_front();
        }
        if let Some(ticket) = self.tickets.pop_front() {
            self.ticket = ticket;
        }
    }

    /// Give boundaries from `before` on the arrival number of the event that caused them.
    fn number(&mut self, before: usize, items: &[A::Boundary], order: &mut Vec<u64>) {
        if !self.events_only {
            order.extend((before..items.len()).map(|_| self.ticket));
        }
        self.mark = items.len();
    }

    /// Let the events that wait pass straight into the column, if the part only hands them on and none
    /// is here already.
    #[inline]
    fn hand_on(&mut self, limit: usize, items: &mut Vec<A::Boundary>, order: &mut Vec<u64>) -> Option<Drawn> {
        if !self.input.is_empty() {
            return None;
        }
        let drawn = self.part.hand_on(&self.ring, &mut self.input, limit, &mut Emitter::new(items), order)?;
        self.entry.settle(Settled::HandedOn, drawn.moved as u64);
        Some(drawn)
    }

    fn draw(&mut self) {
        if self.input.is_empty() {
            self.ring.draw(&mut self.input, &mut self.tickets);
        }
    }
}

fn event_letter<E: Payload>(event: E) -> Letter {
    Letter::Event(Box::new(Column::of(event)))
}

/// The typed column behind `column`; a mismatch cannot happen, the slot made it.
fn typed<B: Payload>(column: &mut dyn AnyColumn) -> &mut Vec<B> {
    match column.as_any_mut().downcast_mut::<Column<B>>() {
        Some(column) => column.items_mut(),
        None => unreachable!("a slot is given the column that it made"),
    }
}

impl<A: Accumulator> AnySlot for Slot<A> {
    fn turn(
        &mut self,
        cx: &mut SlotContext<'_>,
        column: &mut dyn AnyColumn,
        order: &mut Vec<u64>,
    ) -> SlotTurn {
        let mut turn = SlotTurn::default();
        self.bury_turned_away(cx);
        let items = typed::<A::Boundary>(column);
        self.mark = items.len();
        if self.quarantined {
            self.give_up(Dropped::Quarantined, cx);
            return turn;
        }
        if !self.settle_awaited(cx, items, order, &mut turn) {
            return turn;
        }
        if let Some(drawn) = self.hand_on(cx.limit, items, order) {
            turn.handled += drawn.moved;
            turn.waits = drawn.left > 0;
            turn.more = turn.waits && cx.limit > 0;
            return turn;
        }
        self.draw();
        let mut left = cx.limit;
        while !self.quarantined {
            match guarded(|| self.run(cx.now, &mut left, items, order)) {
                Ok(None) => break,
                Ok(Some(rest)) => {
                    turn.pending = Some(self.await_rest(rest, cx.doorbell));
                    break;
                }
                Err(failure) => {
                    items.truncate(self.mark);
                    self.failed(failure, cx, &mut turn);
                }
            }
        }
        turn.handled += cx.limit - left;
        turn.waits = self.awaited.is_none() && (!self.input.is_empty() || !self.ring.is_empty());
        turn.more = turn.waits && cx.limit > 0;
        turn
    }

    fn start(&mut self, column: &mut dyn AnyColumn, order: &mut Vec<u64>) {
        let items = typed::<A::Boundary>(column);
        let before = items.len();
        self.part.start(&mut Emitter::new(items));
        self.number(before, items, order);
    }

    fn flush(
        &mut self,
        cx: &mut SlotContext<'_>,
        column: &mut dyn AnyColumn,
        order: &mut Vec<u64>,
    ) -> SlotTurn {
        let mut turn = SlotTurn::default();
        let items = typed::<A::Boundary>(column);
        self.mark = items.len();
        while !self.quarantined && self.part.held() > 0 {
            self.phase = Phase::Flush;
            let before = items.len();
            match guarded(|| self.part.flush(&mut Emitter::new(items))) {
                Ok(released) => {
                    self.release(released);
                    self.number(before, items, order);
                    if released == Released::default() {
                        break;
                    }
                }
                Err(failure) => {
                    items.truncate(self.mark);
                    self.failed(failure, cx, &mut turn);
                }
            }
        }
        turn
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn due(&self) -> Option<Timestamp> {
        self.part.due()
    }

    fn entry(&self) -> Entry {
        let mut entry = self.ring.entry();
        entry.unsettled += self.in_hand();
        entry += self.entry;
        entry
    }

    fn in_hand(&self) -> u64 {
        self.input.len() as u64 + self.part.held()
    }

    fn held(&self) -> u64 {
        self.part.held()
    }

    fn consumed(&self) -> u64 {
        self.ring.drawn() - self.input.len() as u64
    }

    fn take_given_up(&mut self) -> Vec<u64> {
        let consumed = self.consumed();
        let since = std::mem::replace(&mut self.given_up_since, consumed);
        let given_up = std::mem::take(&mut self.given_up);
        given_up.into_iter().map(|event| event - since).collect()
    }

    fn begin_with(&mut self, entry: Entry) {
        let accepted = entry.settled() + entry.dropped() + self.part.held();
        self.entry = Entry { accepted, unsettled: 0, ..entry };
    }

    fn frontier(&self) -> Option<u64> {
        if self.awaited.is_some() {
            return None;
        }
        self.tickets.front().copied().or_else(|| self.ring.front_ticket())
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SlotContext<'_>) {
        for event in self.part.evict(Eviction::All) {
            self.bury(why, event_letter(event), None, 0, cx);
        }
        loop {
            self.draw();
            let Some(event) = self.input.pop_front() else { break };
            self.note_given_up();
            self.bury(why, event_letter(event), None, 0, cx);
        }
        self.tickets.clear();
        self.awaited = None;
    }

    fn reinstall(&mut self) {
        self.part = (self.make)();
        self.meter = FaultMeter::new(self.budget);
        self.quarantined = false;
    }

    fn is_quarantined(&self) -> bool {
        self.quarantined
    }

    fn column(&self) -> Box<dyn AnyColumn> {
        Box::new(Column::<A::Boundary>::of_type(self.boundary))
    }

    fn ring(&self) -> Arc<dyn AnyRing> {
        Arc::clone(&self.ring) as Arc<dyn AnyRing>
    }

    fn shrink(&mut self) {
        self.ring.shrink();
        if self.input.capacity() > 2 * self.input.len() + 8 {
            self.input.shrink_to_fit();
            self.tickets.shrink_to_fit();
        }
    }

    fn touch(&self) -> usize {
        self.mark ^ self.entry.accepted as usize ^ self.tickets.len() ^ self.ring.capacity()
    }

    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure> {
        self.part.export(now)
    }

    fn import(&mut self, state: Exported, now: Timestamp) -> Result<(), ImportError> {
        let before = self.part.held();
        self.part.import(state, now)?;
        // What it holds was accepted elsewhere; who takes the place of that part takes over its figures instead.
        self.entry.accepted += self.part.held().saturating_sub(before);
        Ok(())
    }

    fn succeed(&mut self, old: &mut dyn AnySlot) -> bool {
        self.take_over(old)
    }

    fn hand_over(&mut self) -> Box<dyn Any + Send> {
        self.body()
    }

    fn hide_one(&mut self) -> bool {
        self.draw();
        self.input.pop_back().is_some()
    }
}
