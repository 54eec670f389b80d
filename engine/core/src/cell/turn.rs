//! One turn of a cell: draw, accumulate, decide, run, pass on, trim. At most 256 events.

use super::Cell;
use super::crumb::Crumb;
use super::detached::Detached;
use super::log::Cause;
use super::marking::TurnWrite;
use super::run::RunContext;
use super::seat::{Seat, SeatEnd, Seated, Watch};
use crate::fault::Failure;
use crate::graph::View;
use crate::id::{AccumulatorName, FiringId, GraphName};
use crate::ledger::Settled;
use crate::letter::DeadLetter;
use crate::ring::Doorbell;
use crate::time::Timestamp;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The most events and firings of one turn.
pub const TURN_LIMIT: usize = 256;

/// What a turn is told.
pub struct TurnContext<'a> {
    /// The engine's clock at the start of the turn.
    pub now: Timestamp,
    /// The engine's clock, for what takes long.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Rung when something awaited has come.
    pub doorbell: &'a Arc<dyn Doorbell>,
    /// Woken when a full edge has room again.
    pub waker: &'a Waker,
    /// Told whose code runs.
    pub crumb: &'a Crumb,
}

/// A part that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartFault {
    /// An accumulator is out of service.
    AccumulatorQuarantined(AccumulatorName, Failure),
    /// A graph is out of service.
    GraphQuarantined(GraphName, Failure),
}

/// What a turn did, and what it leaves to others.
#[derive(Default)]
pub struct CellTurn {
    /// Events handled.
    pub events: usize,
    /// Firings decided.
    pub firings: usize,
    /// Whether there is more to do at once.
    pub more: bool,
    /// Whether it waits for room at an edge, or for a subscription; somebody will ring.
    pub blocked: bool,
    /// When it wants a turn by the clock.
    pub due: Option<Timestamp>,
    /// Items given up.
    pub letters: Vec<DeadLetter>,
    /// Failures of user code, in order.
    pub failures: Vec<Failure>,
    /// Parts out of service from now on.
    pub faults: Vec<PartFault>,
    /// Graphs that left the cell.
    pub detached: Vec<Box<Detached>>,
    /// Futures to run on the work runtime; each rings the doorbell.
    pub pending: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What it wants on disk.
    pub write: Option<Box<TurnWrite>>,
}

impl CellTurn {
    /// Where a run of this turn reports.
    #[inline]
    pub fn run_context<'a>(&'a mut self, now: Timestamp, waker: &'a Waker) -> RunContext<'a> {
        RunContext { now, waker, letters: &mut self.letters, failures: &mut self.failures }
    }

    /// Whether there is anything for others to do.
    #[inline]
    pub fn leaves_work(&self) -> bool {
        let given_up = !self.letters.is_empty() || !self.failures.is_empty() || !self.faults.is_empty();
        given_up || !self.detached.is_empty() || !self.pending.is_empty() || self.write.is_some()
    }
}

impl Cell {
    /// Run one turn.
    pub fn turn(&mut self, cx: &TurnContext<'_>) -> CellTurn {
        let mut turn = CellTurn::default();
        cx.crumb.begin_turn();
        if self.marking.is_some() || self.earlier.is_some() {
            self.deliver_owed(cx.now, &mut turn);
            self.begin_mark(cx.now);
        }
        self.pass_on(cx, &mut turn);
        if !self.blocked {
            let (starts, flushes) = (!self.started, self.flush_asked);
            if starts {
                self.start();
            }
            self.accumulate(cx, &mut turn);
            self.decide(cx, &mut turn);
            if self.marking.is_some() {
                self.note_turn(starts, flushes);
            }
            self.trim();
            turn.more |= self.can_go_on();
        } else if self.absorbs {
            self.absorb(cx, &mut turn);
        }
        self.write_down(&mut turn);
        turn.blocked = self.blocked;
        turn.more &= !self.blocked || self.absorbs;
        cx.crumb.nothing();
        turn.due = self.slots.iter().filter_map(|slot| slot.due()).min();
        self.give_memory_back(&turn);
        turn
    }

    /// Outputs that found no room, and firings that queued, go before anything new.
    #[inline]
    fn pass_on(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let blocked = self.log.is_held();
        if !self.blocked && !self.seats.iter().any(Seat::has_backlog) {
            self.blocked = blocked;
            return;
        }
        self.pass_on_all(blocked, cx, turn);
    }

    #[cold]
    fn pass_on_all(&mut self, mut blocked: bool, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        if self.is_uncommitted() {
            self.blocked = true;
            return;
        }
        let holds = self.holds_outputs();
        for index in 0..self.seats.len() {
            let seat = &mut self.seats[index];
            let mut run_cx = turn.run_context(cx.now, cx.waker);
            if self.blocked {
                blocked |= !seat.flush(holds, &mut run_cx);
            }
            cx.crumb.graph(index);
            let end = seat.run_backlog(&mut run_cx);
            blocked |= end.blocked;
            if let Some(ended) = end.ended {
                self.seat_ended(index, *ended, cx, turn);
            }
        }
        self.blocked = blocked;
    }

    #[cold]
    pub(super) fn start(&mut self) {
        self.started = true;
        for ((slot, column), order) in self.slots.iter_mut().zip(&mut self.columns).zip(&mut self.orders) {
            slot.start(&mut **column, order);
        }
    }

    /// Tell the policy what arrived, run what fires.
    fn decide(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        self.arrive();
        if self.readers.is_some() {
            return self.send_on(cx, turn);
        }
        let limit = self.room(cx);
        if self.marking.is_some() {
            self.note_limit(limit);
        }
        self.rows.clear();
        let decided = self.policy.decide(&mut self.rows, limit);
        turn.more |= decided.more && limit > 0;
        self.blocked |= decided.more && limit == 0;
        self.filter(cx, turn);
        self.run_rows(Cause::Criteria, cx, turn);
    }

    /// How many firings every subscriber can take.
    pub(super) fn room(&self, cx: &TurnContext<'_>) -> usize {
        let out = self.seats.iter().filter(|seat| !matches!(seat.seated, Seated::InPlace));
        out.map(|seat| seat.delivery.room(cx.waker)).min().unwrap_or(usize::MAX).min(TURN_LIMIT)
    }

    /// Run the rows of this turn through every seat, and log them.
    pub(super) fn run_rows(&mut self, cause: Cause, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let n = self.rows.len() / self.columns.len();
        if n == 0 {
            return;
        }
        let first = self.next_firing;
        self.next_firing += n as u64;
        self.firings.accepted += n as u64;
        let bases = self.columns.iter().map(|column| column.first());
        self.log.append(first, cause, cx.now, &self.rows, bases, self.seats.len());
        let mut read = None;
        for index in 0..self.seats.len() {
            let took = self.run_seat(index, first, &mut read, cx, turn);
            if !took.is_zero() {
                self.log.took(index, took);
            }
        }
        // Every subscriber has an outcome or a delivery.
        self.firings.settle(Settled::HandedOn, n as u64);
        turn.firings += n;
    }

    /// Run the rows of this turn through one seat: all at once, or those that its filter admits. Returns
    /// how long it took. `read` is the last reading of the clock, if nothing has run since.
    fn run_seat(
        &mut self,
        index: usize,
        first: u64,
        read: &mut Option<Timestamp>,
        cx: &TurnContext<'_>,
        turn: &mut CellTurn,
    ) -> Duration {
        cx.crumb.graph(index);
        if self.seats[index].is_filtered {
            return self.run_admitted(index, first, read, cx, turn);
        }
        self.run_span(index, 0..self.rows.len(), FiringId(first), read, cx, turn)
    }

    /// The same for a subscription with a filter.
    #[inline(never)]
    fn run_admitted(
        &mut self,
        index: usize,
        first: u64,
        read: &mut Option<Timestamp>,
        cx: &TurnContext<'_>,
        turn: &mut CellTurn,
    ) -> Duration {
        let stride = self.columns.len();
        let n = self.rows.len() / stride;
        let (mut took, mut from) = (Duration::ZERO, 0);
        while from < n {
            *read = None;
            let to = self.admitted(index, from, first, cx, turn);
            if to == from {
                from += 1;
                continue;
            }
            let id = FiringId(first + from as u64);
            took += self.run_span(index, from * stride..to * stride, id, read, cx, turn);
            from = to;
        }
        took
    }

    /// Run the firings in `rows`, the first of which is `id`, through one seat.
    fn run_span(
        &mut self,
        index: usize,
        rows: Range<usize>,
        id: FiringId,
        read: &mut Option<Timestamp>,
        cx: &TurnContext<'_>,
        turn: &mut CellTurn,
    ) -> Duration {
        let seat = &mut self.seats[index];
        let map = std::mem::take(&mut seat.map);
        let view = View::new(&self.columns, &map, &self.rows[rows], id);
        let mut run_cx = turn.run_context(cx.now, cx.waker);
        let watch = Watch { clock: cx.clock, read: &mut *read, slow: self.slow };
        let end = seat.turn(&view, id.0, watch, &mut run_cx);
        seat.map = map;
        self.blocked |= end.blocked;
        if let Some(ended) = end.ended {
            *read = None;
            self.seat_ended(index, *ended, cx, turn);
        }
        end.took
    }

    #[cold]
    fn seat_ended(&mut self, index: usize, end: SeatEnd, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        turn.detached.extend(end.detached);
        if let Some(failure) = end.quarantined {
            let seat = &mut self.seats[index];
            let mut run_cx = turn.run_context(cx.now, cx.waker);
            seat.quarantine(failure.to_string(), &mut run_cx);
            turn.faults.push(PartFault::GraphQuarantined(seat.name.clone(), failure));
        }
    }

    /// Drop the values that nobody needs any more.
    pub(super) fn trim(&mut self) {
        let mut dropped = 0;
        for (source, column) in self.columns.iter_mut().enumerate() {
            let spent = self.policy.trim(source);
            if spent > 0 {
                column.drop_front(spent);
                dropped = spent;
            }
        }
        if self.readers.is_some() {
            self.follow_trim(dropped);
        }
    }
}
