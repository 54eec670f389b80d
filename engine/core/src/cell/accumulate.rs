//! The first half of a turn: each accumulator turns events into boundaries.

use super::Cell;
use super::turn::{CellTurn, PartFault, TURN_LIMIT, TurnContext};
use crate::accumulator::SlotContext;
use crate::fault::Failure;
use crate::reactor::SourceSet;

impl Cell {
    /// Let each accumulator turn events into boundaries.
    pub(super) fn accumulate(&mut self, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let flush = std::mem::take(&mut self.flush_asked);
        self.starved = SourceSet::EMPTY;
        for source in 0..self.slots.len() {
            let (slot, column) = (&mut self.slots[source], &mut self.columns[source]);
            cx.crumb.accumulator(source);
            let room = slot.capacity().saturating_sub(column.len().saturating_sub(1));
            let mut slot_cx = SlotContext {
                now: cx.now,
                limit: room.min(TURN_LIMIT),
                letters: &mut turn.letters,
                failures: &mut turn.failures,
                doorbell: cx.doorbell,
            };
            let end = slot.turn(&mut slot_cx, &mut **column, &mut self.orders[source]);
            if end.waits && room == 0 {
                self.starved.insert(source);
            }
            turn.events += end.handled;
            turn.more |= end.more;
            if end.pending.is_some() {
                turn.pending.extend(end.pending);
            }
            if let Some(failure) = end.quarantined {
                self.slot_ended(source, failure, turn);
            }
            if flush {
                self.flush_slot(source, cx, turn);
            }
        }
    }

    #[cold]
    fn flush_slot(&mut self, source: usize, cx: &TurnContext<'_>, turn: &mut CellTurn) {
        let mut slot_cx = SlotContext {
            now: cx.now,
            limit: TURN_LIMIT,
            letters: &mut turn.letters,
            failures: &mut turn.failures,
            doorbell: cx.doorbell,
        };
        let column = &mut *self.columns[source];
        let flushed = self.slots[source].flush(&mut slot_cx, column, &mut self.orders[source]);
        if let Some(failure) = flushed.quarantined {
            self.slot_ended(source, failure, turn);
        }
    }

    #[cold]
    fn slot_ended(&self, source: usize, failure: Failure, turn: &mut CellTurn) {
        let name = self.decl.accumulators[source].name.clone();
        turn.faults.push(PartFault::AccumulatorQuarantined(name, failure));
    }

    /// How many boundaries a source's column still takes.
    pub(super) fn room_in_column(&self, source: usize) -> usize {
        let used = self.columns[source].len().saturating_sub(1);
        self.slots[source].capacity().saturating_sub(used)
    }

    /// Whether this turn made room for events that found none, or left boundaries that the next can merge.
    pub(super) fn can_go_on(&self) -> bool {
        let unmerged = || self.orders.iter().any(|order| !order.is_empty());
        (!self.starved.is_empty() && self.starved.iter().any(|source| self.room_in_column(source) > 0))
            || (self.policy.needs_order() && unmerged() && !self.policy.is_paused())
    }
}
