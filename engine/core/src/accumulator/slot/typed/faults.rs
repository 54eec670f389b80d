//! What becomes of items that fail, and of those whose function awaits something.

use super::{Awaited, Phase, Slot, event_letter};
use crate::accumulator::slot::{AnySlot, SlotContext, SlotTurn};
use crate::accumulator::{Accumulator, Eviction, PendingBoundary};
use crate::fault::{Failure, FailureKind, Verdict, guarded_future};
use crate::id::ItemId;
use crate::ledger::{Dropped, Settled};
use crate::letter::{DeadLetter, Letter};
use crate::ring::Doorbell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

impl<A: Accumulator> Slot<A> {
    /// What becomes of the item in hand after `failure`.
    pub(super) fn failed(&mut self, failure: Failure, cx: &mut SlotContext<'_>, turn: &mut SlotTurn) {
        if failure.kind == FailureKind::Undecodable && self.phase == Phase::Accept {
            return self.undecodable(failure, cx);
        }
        self.part.recover();
        let attempts = self.meter.attempts() + 1;
        let verdict = self.meter.fault(cx.now);
        cx.failures.push(failure.clone());
        let gone = self.phase == Phase::Accept && self.taken;
        if verdict == Verdict::Retry && !gone {
            return;
        }
        match self.phase {
            Phase::Accept => {
                let letter = match (gone, self.input.pop_front()) {
                    (false, Some(event)) => event_letter(event),
                    (_, front) => {
                        if let Some(front) = front {
                            self.input.push_front(front);
                        }
                        Letter::Consumed
                    }
                };
                self.tickets.pop_front();
                self.note_given_up();
                self.bury(Dropped::DeadLetter, letter, Some(failure.clone()), attempts, cx);
            }
            Phase::Tick | Phase::Flush => {
                for event in self.part.evict(Eviction::Failing) {
                    self.bury(Dropped::DeadLetter, event_letter(event), Some(failure.clone()), attempts, cx);
                }
            }
        }
        if verdict == Verdict::Quarantine {
            self.quarantined = true;
            turn.quarantined = Some(failure);
            self.give_up(Dropped::Quarantined, cx);
        }
    }

    /// The event in hand is no value of its type: that is no fault of the part, and no second try helps.
    fn undecodable(&mut self, failure: Failure, cx: &mut SlotContext<'_>) {
        cx.failures.push(failure.clone());
        let Some(event) = self.input.pop_front() else { return };
        self.tickets.pop_front();
        self.note_given_up();
        self.meter.passed();
        self.bury(Dropped::Undecodable, event_letter(event), Some(failure), 1, cx);
    }

    /// The event that left last was given up: whoever goes through the journal again must know.
    pub(super) fn note_given_up(&mut self) {
        if self.ring.journaled().is_some() {
            self.given_up.push(self.consumed() - 1);
        }
    }

    pub(super) fn bury(
        &mut self,
        why: Dropped,
        letter: Letter,
        failure: Option<Failure>,
        attempts: u32,
        cx: &mut SlotContext<'_>,
    ) {
        let item = ItemId(self.entry.settled() + self.entry.dropped());
        self.entry.drop(why, 1);
        let place = self.place.clone();
        cx.letters.push(DeadLetter { place, item, why, failure, attempts, at: cx.now, letter });
    }

    /// Write the letters of events that found the ring full; the ring has counted them.
    pub(super) fn bury_turned_away(&self, cx: &mut SlotContext<'_>) {
        for (item, event) in self.ring.take_turned_away() {
            cx.letters.push(DeadLetter {
                place: self.place.clone(),
                item,
                why: Dropped::Overflow,
                failure: None,
                attempts: 0,
                at: cx.now,
                letter: event_letter(event),
            });
        }
    }

    /// Look whether what was awaited has come; false while it has not.
    pub(super) fn settle_awaited(
        &mut self,
        cx: &mut SlotContext<'_>,
        items: &mut Vec<A::Boundary>,
        order: &mut Vec<u64>,
        turn: &mut SlotTurn,
    ) -> bool {
        let Some(awaited) = &self.awaited else { return true };
        let Some(result) = awaited.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return false;
        };
        self.awaited = None;
        self.phase = Phase::Accept;
        self.taken = false;
        match result {
            Ok(boundary) => {
                let before = items.len();
                self.entry.settle(if boundary.is_some() { Settled::HandedOn } else { Settled::Filtered }, 1);
                items.extend(boundary);
                self.leave_front();
                self.number(before, items, order);
                self.meter.passed();
                turn.handled += 1;
            }
            Err(failure) => self.failed(failure, cx, turn),
        }
        true
    }

    /// Wrap what pends so that its result finds its way back.
    pub(super) fn await_rest(
        &mut self,
        rest: PendingBoundary<A::Boundary>,
        doorbell: &Arc<dyn Doorbell>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let awaited: Awaited<A::Boundary> = Arc::default();
        self.awaited = Some(Arc::clone(&awaited));
        let doorbell = Arc::clone(doorbell);
        Box::pin(async move {
            let result = guarded_future(rest).await;
            *awaited.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            doorbell.ring();
        })
    }
}
