//! Going through the turns of an earlier life again: same events, same cuts, nothing decided anew.

use super::Cell;
use super::delivery::Batch;
use super::log::Cause;
use super::turn::{CellTurn, TurnContext};
use crate::accumulator::SlotContext;
use crate::durable::TurnMark;
use crate::graph::View;
use crate::id::{AccumulatorName, FiringId, GraphName, ReactorName};
use crate::ledger::Settled;
use crate::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;

/// A turn that cannot be gone through again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The reactor has other accumulators now.
    #[error(
        "E0345: the journal knows reactor {reactor} with {then} accumulators, it has {now}; load the version that wrote it, or give the reactor another name"
    )]
    OtherShape {
        /// The reactor.
        reactor: ReactorName,
        /// Then.
        then: usize,
        /// Now.
        now: usize,
    },
    /// An accumulator made something else of the same events.
    #[error(
        "E0346: accumulator {accumulator} made {now} boundaries and holds {now_held} events where the journal knows {then} and {then_held}; an accumulator must depend on its events only: load the version that wrote the journal, or mend it"
    )]
    Diverged {
        /// The accumulator.
        accumulator: AccumulatorName,
        /// Boundaries then.
        then: u32,
        /// Events held then.
        then_held: u64,
        /// Boundaries now.
        now: u32,
        /// Events held now.
        now_held: u64,
    },
}

/// What an earlier life left behind.
#[derive(Default)]
pub(super) struct Earlier {
    /// Length of each column after the last turn.
    kept: Vec<usize>,
    /// Firings that wait for their graphs.
    owed: Vec<Owed>,
    /// How far graphs came that ran elsewhere.
    done: Vec<Done>,
}

impl Earlier {
    /// Length of the column at `at` after the last turn.
    pub(super) fn kept_of(&self, at: usize) -> usize {
        self.kept.get(at).copied().unwrap_or(0)
    }

    /// The columns have these lengths now.
    pub(super) fn keep(&mut self, lengths: Vec<usize>) {
        self.kept = lengths;
    }
}

/// Firings of an earlier life that a graph has not ended.
struct Owed {
    graph: GraphName,
    /// What firings before this sent to durable accumulators is on disk.
    sent_before: u64,
    /// One column a source of the reactor.
    batch: Batch,
}

/// How far a graph came that ran elsewhere.
struct Done {
    graph: GraphName,
    next: u64,
    sent: u64,
}

impl Owed {
    fn learn(&mut self, done: &Done) {
        self.batch.forget_before(done.next);
        self.sent_before = self.sent_before.max(done.sent);
    }
}

/// A function that awaits something: run it to its end, then go on.
pub type ReplayPending = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Cell {
    /// Let the accumulators handle what the rings hold, which must be the events of `mark` and no others.
    /// Call it again after a future that it returns has ended, until there is none.
    pub fn replay_events(&mut self, mark: &TurnMark, cx: &TurnContext<'_>) -> Option<ReplayPending> {
        // Each life offers anew what is offered at start.
        if mark.started {
            self.start();
        }
        let now = Timestamp::from_nanos(mark.now);
        for source in 0..self.slots.len() {
            let mut turn = CellTurn::default();
            let mut slot_cx = SlotContext {
                now,
                limit: usize::MAX,
                letters: &mut turn.letters,
                failures: &mut turn.failures,
                doorbell: cx.doorbell,
            };
            let (slot, column) = (&mut self.slots[source], &mut *self.columns[source]);
            let order = &mut self.orders[source];
            let end = slot.turn(&mut slot_cx, column, order);
            if let Some(pending) = end.pending {
                return Some(pending);
            }
            if mark.flushed {
                slot.flush(&mut slot_cx, column, order);
            }
        }
        None
    }

    /// Take up what `mark` says came of them. Firings that it says are open are kept for their graphs, until
    /// a later mark says that they ended.
    ///
    /// # Errors
    /// [`ReplayError`]; the cell is of no more use.
    pub fn replay_turn(&mut self, mark: &TurnMark) -> Result<(), ReplayError> {
        self.check_replayed(mark)?;
        self.rows.clone_from(&mark.rows);
        self.keep_open(mark);
        let n = (self.rows.len() / self.columns.len().max(1)) as u64;
        if n > 0 {
            let bases = self.columns.iter().map(|column| column.first());
            let at = Timestamp::from_nanos(mark.now);
            self.log.append(mark.first_firing, Cause::Criteria, at, &self.rows, bases, self.seats.len());
        }
        let fired = mark.next_firing.saturating_sub(self.next_firing);
        self.firings.accepted += fired;
        self.firings.settle(Settled::HandedOn, fired);
        self.next_firing = mark.next_firing;
        for (at, source) in mark.sources.iter().enumerate() {
            let column = &mut self.columns[at];
            column.drop_front(column.len().saturating_sub(source.kept as usize));
            self.orders[at].clone_from(&source.unmerged);
            self.newer_than(source.unmerged.last().copied());
            self.slots[at].take_given_up();
        }
        self.policy.restore(&mark.policy);
        // An earlier life may have had several starts, each of which offered anew.
        self.started = false;
        self.rows.clear();
        let kept = self.columns.iter().map(|column| column.len()).collect();
        self.earlier.get_or_insert_default().kept = kept;
        Ok(())
    }

    /// What arrives from now on is newer than the arrival number `last`.
    pub(super) fn newer_than(&self, last: Option<u64>) {
        if let (Some(tickets), Some(last)) = (&self.tickets, last) {
            tickets.fetch_max(last + 1, Ordering::Relaxed);
        }
    }

    fn check_replayed(&self, mark: &TurnMark) -> Result<(), ReplayError> {
        let now = self.columns.len();
        if mark.sources.len() != now || mark.policy.sources.len() != now {
            let reactor = self.decl.name.clone();
            return Err(ReplayError::OtherShape { reactor, then: mark.sources.len(), now });
        }
        for (at, source) in mark.sources.iter().enumerate() {
            let before = self.earlier.as_ref().and_then(|earlier| earlier.kept.get(at)).copied().unwrap_or(0);
            let made = u32::try_from(self.columns[at].len().saturating_sub(before)).unwrap_or(u32::MAX);
            let held = self.slots[at].held();
            if made != source.made || held != source.held {
                return Err(ReplayError::Diverged {
                    accumulator: self.decl.accumulators[at].name.clone(),
                    then: source.made,
                    then_held: source.held,
                    now: made,
                    now_held: held,
                });
            }
        }
        Ok(())
    }

    /// The journal has ended: from here on turns are its own. What accumulators offer at start is offered
    /// anew.
    pub fn end_replay(&mut self) {
        self.started = false;
    }

    /// Firings of an earlier life that wait for their graphs, by graph.
    pub fn owed(&self) -> impl Iterator<Item = (&GraphName, usize)> {
        let earlier = self.earlier.iter().flat_map(|earlier| &earlier.owed);
        earlier.map(|owed| (&owed.graph, owed.batch.len()))
    }

    /// The graph is done with every firing before `next`, and what those before `sent` send to durable
    /// accumulators is on disk: a record of its own says so, where it runs elsewhere.
    pub fn replay_ended(&mut self, graph: &str, next: u64, sent: u64) {
        let earlier = self.earlier.get_or_insert_default();
        let at = earlier.done.iter().position(|done| done.graph.as_str() == graph).unwrap_or_else(|| {
            earlier.done.push(Done { graph: graph.into(), next: 0, sent: 0 });
            earlier.done.len() - 1
        });
        let done = &mut earlier.done[at];
        (done.next, done.sent) = (done.next.max(next), done.sent.max(sent));
        if let Some(owed) = earlier.owed.iter_mut().find(|owed| owed.graph.as_str() == graph) {
            owed.learn(done);
        }
    }

    fn keep_open(&mut self, mark: &TurnMark) {
        let map: Vec<usize> = (0..self.columns.len()).collect();
        let view = View::new(&self.columns, &map, &self.rows, FiringId(mark.first_firing));
        let earlier = self.earlier.get_or_insert_default();
        earlier.owed.retain(|owed| mark.open.iter().any(|open| owed.graph.as_str() == open.graph));
        for open in &mark.open {
            let known = earlier.owed.iter().position(|owed| owed.graph.as_str() == open.graph);
            let at = known.unwrap_or_else(|| {
                let batch = Batch::new(self.columns.iter().map(|column| column.fresh()).collect());
                earlier.owed.push(Owed { graph: open.graph.as_str().into(), sent_before: 0, batch });
                earlier.owed.len() - 1
            });
            let owed = &mut earlier.owed[at];
            owed.batch.forget_before(open.from);
            for firing in (0..view.len()).filter(|firing| mark.first_firing + *firing as u64 >= open.from) {
                owed.batch.copy(mark.first_firing + firing as u64, &view, firing);
            }
            // Its record may lie before the mark of the turn that it is about.
            if let Some(done) = earlier.done.iter().find(|done| done.graph == owed.graph) {
                owed.learn(done);
            }
            if open.sent {
                owed.sent_before = owed.batch.ids.last().map_or(0, |last| last + 1);
            }
        }
    }

    /// Give the graphs that have taken their seats what an earlier life owes them.
    #[cold]
    pub(super) fn deliver_owed(&mut self, now: Timestamp, turn: &mut CellTurn) {
        let Some(earlier) = &mut self.earlier else { return };
        for seat in &mut self.seats {
            let Some(at) = earlier.owed.iter().position(|owed| owed.graph == seat.name) else { continue };
            let Owed { sent_before, batch, .. } = earlier.owed.swap_remove(at);
            let stride = batch.columns.len();
            seat.delivery.set_sent_before(sent_before);
            for (id, row) in batch.ids.iter().zip(batch.rows.chunks(stride)) {
                let view = View::new(&batch.columns, &seat.map, row, FiringId(*id));
                seat.delivery.deliver(&view, *id, 0, now, &mut turn.letters);
            }
        }
        if earlier.owed.is_empty() {
            self.earlier = None;
        }
    }
}
