//! One turn of a cell: draw, accumulate, decide, run, pass on, trim. At most 256 events.

use super::Cell;
use super::log::Cause;
use super::run::RunContext;
use super::seat::{Detached, SeatTurn, Seated};
use crate::accumulator::SlotContext;
use crate::column::AnyColumn;
use crate::fault::Failure;
use crate::graph::{ABSENT, View};
use crate::id::{AccumulatorName, FiringId, GraphName};
use crate::ledger::Settled;
use crate::letter::DeadLetter;
use crate::reactor::SourceSet;
use crate::ring::Doorbell;
use crate::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

/// The most events and firings of one turn.
pub const TURN_LIMIT: usize = 256;

/// Turns in a row that used little, before memory of a burst is given back.
const QUIET_TURNS: u32 = 64;

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
}

impl Cell {
    /// Run one turn.
    pub fn turn(&mut self, cx: &TurnContext<'_>) -> CellTurn {
        let mut turn = CellTurn::default();
        self.pass_on(cx, &mut turn);
        if !self.blocked {
            self.start();
            self.accumulate(cx, &mut turn);
            self.decide(cx, &mut turn);
            self.trim();
            turn.more |= self.can_go_on();
        }
        turn.blocked = self.blocked;
        turn.more &= !self.blocked;
        turn.due = self.slots.iter().filter_map(|slot| slot.due()).min();
        self.give_memory_back(&turn);
        turn
    }

    /// Outputs that found no room, and firings that queued, go before anything new.
    fn pass_on(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let mut blocked = self.log.is_held();
        for index in 0..self.seats.len() {
            let seat = &mut self.seats[index];
            let mut run_cx = RunContext {
                now: cx.now,
                waker: cx.waker,
                letters: &mut turn.letters,
                failures: &mut turn.failures,
            };
            if let Some(run) = &mut seat.run
                && self.blocked
            {
                blocked |= !run.flush(&mut run_cx);
            }
            let end = seat.run_backlog(&mut run_cx);
            blocked |= end.blocked;
            self.seat_ended(index, end, cx, turn);
        }
        self.blocked = blocked;
    }

    fn start(&mut self) {
        if !self.started {
            self.started = true;
            for ((slot, column), order) in self.slots.iter_mut().zip(&mut self.columns).zip(&mut self.orders)
            {
                slot.start(&mut **column, order);
            }
        }
    }

    /// Let each accumulator turn events into boundaries.
    fn accumulate(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let flush = std::mem::take(&mut self.flush_asked);
        self.starved = SourceSet::EMPTY;
        for source in 0..self.slots.len() {
            let room = self.room_in_column(source);
            let (slot, column) = (&mut self.slots[source], &mut self.columns[source]);
            let mut slot_cx = SlotContext {
                now: cx.now,
                limit: room.min(TURN_LIMIT),
                letters: &mut turn.letters,
                failures: &mut turn.failures,
                doorbell: cx.doorbell,
            };
            let end = slot.turn(&mut slot_cx, &mut **column, &mut self.orders[source]);
            let flushed = flush.then(|| slot.flush(&mut slot_cx, &mut **column, &mut self.orders[source]));
            if end.waits && room == 0 {
                self.starved.insert(source);
            }
            turn.events += end.handled;
            turn.more |= end.more;
            turn.pending.extend(end.pending);
            if let Some(failure) = end.quarantined.or_else(|| flushed.and_then(|end| end.quarantined)) {
                let name = self.decl.accumulators[source].name.clone();
                turn.faults.push(PartFault::AccumulatorQuarantined(name, failure));
            }
        }
    }

    /// How many boundaries a source's column still takes.
    fn room_in_column(&self, source: usize) -> usize {
        let used = self.columns[source].len().saturating_sub(1);
        self.decl.accumulators[source].capacity.saturating_sub(used)
    }

    /// Whether this turn made room for events that found none, or left boundaries that the next can merge.
    fn can_go_on(&self) -> bool {
        let unmerged = self.orders.iter().any(|order| !order.is_empty());
        self.starved.iter().any(|source| self.room_in_column(source) > 0)
            || (unmerged && !self.policy.is_paused())
    }

    /// Tell the policy what arrived, run what fires.
    fn decide(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        self.arrive();
        let limit = self.room(cx);
        self.rows.clear();
        let decided = self.policy.decide(&mut self.rows, limit);
        turn.more |= decided.more && limit > 0;
        self.blocked |= decided.more && limit == 0;
        self.filter(cx, turn);
        self.run_rows(Cause::Criteria, cx, turn);
    }

    /// Up to which arrival number boundaries can be merged, and how many of this turn may go beyond it.
    ///
    /// An event that was not handled yet may be older than what another source gave already, so the
    /// merge stops there. But a source whose column is full of boundaries that wait for partners cannot
    /// go on before those come: as long as its queue lasts, what stands behind it changes nothing.
    fn horizon(&self) -> (u64, u64, u64) {
        let (mut hard, mut soft, mut beyond) = (u64::MAX, u64::MAX, u64::MAX);
        for (source, slot) in self.slots.iter().enumerate() {
            let Some(frontier) = slot.frontier() else { continue };
            let waiting = self.policy.waiting(source);
            if waiting > 0 && self.room_in_column(source) == 0 {
                soft = soft.min(frontier);
                beyond = beyond.min(waiting);
            } else {
                hard = hard.min(frontier);
            }
        }
        (hard, soft, beyond)
    }

    /// Merge new boundaries by arrival, among what is visible.
    fn arrive(&mut self) {
        if let [column] = &self.columns[..] {
            let known = self.policy.n_arrived(0);
            self.policy.arrive(0, u32::try_from(column.len()).unwrap_or(u32::MAX) - known);
            return;
        }
        let (hard, soft, beyond) = self.horizon();
        let mut heads = vec![0; self.orders.len()];
        let mut merged = 0;
        loop {
            let next = |source: usize| self.orders[source].get(heads[source]).copied().unwrap_or(u64::MAX);
            let Some(source) = (0..self.orders.len()).min_by_key(|source| next(*source)) else { break };
            let first = next(source);
            if first >= hard || (first >= soft && merged >= beyond) {
                break;
            }
            let others =
                (0..self.orders.len()).filter(|other| *other != source).map(next).min().unwrap_or(u64::MAX);
            let stop = if first < soft { hard.min(soft) } else { hard };
            let most = if first < soft { u64::MAX } else { beyond - merged };
            let run = self.orders[source][heads[source]..]
                .iter()
                .take(usize::try_from(most).unwrap_or(usize::MAX))
                .take_while(|ticket| **ticket <= others && **ticket < stop)
                .count()
                .max(1);
            heads[source] += run;
            merged += run as u64;
            self.policy.arrive(source, u32::try_from(run).unwrap_or(u32::MAX));
        }
        for (order, head) in self.orders.iter_mut().zip(heads) {
            order.drain(..head);
        }
    }

    /// How many firings every subscriber can take.
    fn room(&self, cx: &TurnContext<'_>) -> usize {
        let out = self.seats.iter().filter(|seat| seat.seated != Seated::InPlace);
        out.map(|seat| seat.delivery.room(cx.waker)).min().unwrap_or(usize::MAX).min(TURN_LIMIT)
    }

    /// Drop the rows that the reactor's filter refuses.
    fn filter(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let Some(filter) = &self.decl.filter else { return };
        let stride = self.columns.len();
        let mut kept = Vec::with_capacity(self.rows.len());
        for row in self.rows.chunks_exact(stride) {
            let inputs: Vec<Option<(&dyn AnyColumn, usize)>> = row
                .iter()
                .zip(&self.columns)
                .map(|(index, column)| (*index != ABSENT).then_some((&**column, *index as usize)))
                .collect();
            match crate::fault::guarded(|| filter(&inputs)) {
                Ok(true) => kept.extend_from_slice(row),
                Ok(false) => self.firings.settle(Settled::Filtered, 1),
                Err(failure) => {
                    turn.failures.push(failure.clone());
                    self.firings.drop(crate::ledger::Dropped::DeadLetter, 1);
                    turn.letters.push(self.filter_letter(row, failure, cx.now));
                }
            }
        }
        self.firings.accepted += ((self.rows.len() - kept.len()) / stride) as u64;
        self.rows = kept;
    }

    fn filter_letter(&self, row: &[u32], failure: Failure, now: Timestamp) -> DeadLetter {
        let columns = row
            .iter()
            .zip(&self.columns)
            .map(|(index, column)| {
                let mut copy = column.fresh();
                if *index != ABSENT {
                    copy.push_from(&**column, *index as usize);
                }
                copy
            })
            .collect();
        DeadLetter {
            place: crate::letter::Place::Reactor(self.decl.name.clone()),
            item: crate::id::ItemId(self.firings.settled() + self.firings.dropped()),
            why: crate::ledger::Dropped::DeadLetter,
            failure: Some(failure),
            attempts: 1,
            at: now,
            letter: crate::letter::Letter::Inputs { firing: FiringId(self.next_firing), columns },
        }
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
        let mut record = self.log.blank(&self.logged);
        for index in 0..self.seats.len() {
            let (seat, rows) = (&mut self.seats[index], &self.rows);
            let map = std::mem::take(&mut seat.map);
            let view = View::new(&self.columns, &map, rows, FiringId(first));
            let mut run_cx = RunContext {
                now: cx.now,
                waker: cx.waker,
                letters: &mut turn.letters,
                failures: &mut turn.failures,
            };
            let end = seat.turn(&view, first, self.slow, cx.clock, &mut run_cx);
            seat.map = map;
            record.took.push((end.took, seat.ran_in_place));
            self.blocked |= end.blocked;
            self.seat_ended(index, end, cx, turn);
        }
        // Every subscriber has an outcome or a delivery.
        self.firings.settle(Settled::HandedOn, n as u64);
        turn.firings += n;
        record.first = first;
        record.n = n as u64;
        record.cause = cause;
        record.at = cx.now;
        record.rows.extend_from_slice(&self.rows);
        record.bases.extend(self.columns.iter().map(|column| column.first()));
        self.log.append(record);
    }

    fn seat_ended(&mut self, index: usize, end: SeatTurn, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        turn.detached.extend(end.detached);
        if let Some(failure) = end.quarantined {
            let seat = &mut self.seats[index];
            let mut run_cx = RunContext {
                now: cx.now,
                waker: cx.waker,
                letters: &mut turn.letters,
                failures: &mut turn.failures,
            };
            seat.quarantine(failure.to_string(), &mut run_cx);
            turn.faults.push(PartFault::GraphQuarantined(seat.name.clone(), failure));
        }
    }

    /// Drop the values that nobody needs any more.
    pub(super) fn trim(&mut self) {
        for (source, column) in self.columns.iter_mut().enumerate() {
            column.drop_front(self.policy.trim(source));
        }
    }

    fn give_memory_back(&mut self, turn: &CellTurn) {
        self.quiet_turns = if turn.events > TURN_LIMIT / 16 { 0 } else { self.quiet_turns.saturating_add(1) };
        if self.quiet_turns == QUIET_TURNS {
            for (slot, column) in self.slots.iter_mut().zip(&mut self.columns) {
                slot.shrink();
                column.shrink();
            }
            self.rows.shrink_to_fit();
        }
    }
}
