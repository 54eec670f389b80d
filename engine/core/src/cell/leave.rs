//! Leaving: a graph gives up its seat for good, a reactor its cell. What cannot be worked off any more
//! is dropped(unbound), so that the last ledger balances.

use super::Cell;
use super::run::{GraphRun, RunContext};
use super::seat::{Seat, Seated};
use crate::accumulator::SlotContext;
use crate::id::{GraphName, PackageName};
use crate::ledger::{Dropped, Entry};
use crate::ring::Doorbell;
use std::sync::Arc;

impl Cell {
    /// Take a graph out for good; firings from now on do not concern it. Its seat, with the delivery
    /// ring, and its run, if that was in the cell, are the caller's: what queued is to be worked off.
    pub fn leave(&mut self, graph: &GraphName) -> Option<(Seat, Option<GraphRun>)> {
        let index = self.seats.iter().position(|seat| seat.name == *graph)?;
        let mut seat = self.seats.remove(index);
        let mut run = seat.run.take();
        if let Some(run) = &mut run {
            // From here on the delivery edge knows of the run only what it is told.
            seat.delivery.conclude(0, None, run.entry(), run.take_exceptions());
            seat.seated = Seated::Detached;
        }
        self.relog();
        Some((seat, run))
    }

    /// Give up everything that is open, counted under `why`: the reactor is taken down.
    pub fn give_up(&mut self, why: Dropped, doorbell: &Arc<dyn Doorbell>, cx: &mut RunContext<'_>) {
        for source in 0..self.slots.len() {
            let known = u64::from(self.policy.n_arrived(source));
            let unmerged = (self.columns[source].len() as u64).saturating_sub(known);
            self.policy.give_up(source, unmerged, why);
            self.orders[source].clear();
            self.columns[source].truncate(0);
            let mut slot_cx = SlotContext {
                now: cx.now,
                limit: 0,
                letters: &mut *cx.letters,
                failures: &mut *cx.failures,
                doorbell,
            };
            self.slots[source].give_up(why, &mut slot_cx);
        }
    }
}

impl Seat {
    /// The graph's package.
    pub fn package(&self) -> &PackageName {
        &self.package
    }

    /// The graph's delivery ring.
    pub fn delivery(&self) -> &Arc<super::Delivery> {
        &self.delivery
    }

    /// The delivery edge's ledger, where the run is elsewhere.
    pub fn delivered(&self) -> Entry {
        self.entry()
    }
}
