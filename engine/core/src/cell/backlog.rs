//! What a graph in its seat still owes: firings that queued while it was elsewhere, outputs that wait.

use super::Cell;
use super::detached::{DetachCause, HandedOver};
use super::ids::FiringIds;
use super::run::RunContext;
use super::seat::{Seat, SeatTurn, Seated};
use crate::durable::OpenFirings;
use crate::graph::View;
use crate::id::{FiringId, GraphName};
use crate::ledger::Dropped;

impl Seat {
    /// Run in place what queued while the graph was elsewhere, before anything newer.
    pub(crate) fn run_backlog(&mut self, cx: &mut RunContext<'_>) -> SeatTurn {
        let mut turn = SeatTurn::default();
        if !self.has_backlog() {
            return turn;
        }
        let Some(run) = &mut self.run else { return turn };
        let Some(batch) = self.delivery.take(cx.now) else { return turn };
        if let Some(checking) = &mut run.checking {
            checking.mix();
        }
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
        let end = run.run(&view, FiringIds::Listed(&batch.ids), 0, cx);
        let (mut done, mut hand) = (batch.len(), None);
        if let Some((at, rest)) = end.pending {
            done = at;
            let id = FiringId(batch.ids[at]);
            self.delivery.deliver_back(&batch, at + 1, cx.now);
            hand = Some(HandedOver { id, rest, inputs: super::run::inputs_of(&view, at) });
        }
        if let Some((next, failure)) = end.quarantined {
            run.give_up(&view, FiringIds::Listed(&batch.ids), next, Dropped::Quarantined, cx);
            turn.end().quarantined = Some(failure);
        }
        let upto = done.checked_sub(1).map(|last| FiringId(batch.ids[last]));
        let (entry, exceptions) = (run.entry(), run.take_exceptions());
        // What queued came out of turns that are on disk.
        run.hold(false);
        run.set_again(batch.is_sent);
        turn.blocked = !run.flush(cx);
        run.set_again(false);
        self.unflushed = if turn.blocked { Some(batch.ids[0]) } else { None };
        self.delivery.conclude(done as u64, upto, entry, exceptions);
        self.delivery.recycle(batch);
        if hand.is_some() {
            turn.end().detached = self.detach(hand, DetachCause::Pended);
        }
        turn
    }

    /// Let outputs that found no room, or waited for the disk, go on; false if some must wait.
    pub(super) fn flush(&mut self, holds: bool, cx: &mut RunContext<'_>) -> bool {
        let Some(run) = &mut self.run else { return true };
        run.hold(false);
        let gone = run.flush(cx);
        run.hold(holds);
        if gone {
            self.unflushed = None;
        }
        gone
    }

    /// The outputs that waited as the graph left have gone on elsewhere.
    fn outputs_left(&mut self) {
        if self.run.is_none() {
            self.unflushed = None;
        }
    }

    /// Which of its firings are open, if any are.
    pub(super) fn open_firings(&self) -> Option<OpenFirings> {
        let open = |from, sent| OpenFirings { graph: self.name.as_str().to_owned(), from, sent };
        match self.unflushed {
            Some(from) => Some(open(from, true)),
            None => self.delivery.first_open().map(|from| open(from, false)),
        }
    }

    /// Whether firings wait that can run in place.
    #[inline]
    pub(crate) fn has_backlog(&self) -> bool {
        matches!(self.seated, Seated::InPlace) && self.delivery.has_waiting()
    }
}

impl Cell {
    /// The outputs that waited in the seat of `graph` as it left the cell have gone on.
    pub fn outputs_left(&mut self, graph: &GraphName) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.name == *graph) {
            seat.outputs_left();
        }
    }
}
