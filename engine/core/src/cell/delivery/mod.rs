//! The bounded delivery ring between a reactor and a graph that does not run in its cell, or is out.
//!
//! Firings wait as rows over columns of their own, so that whoever takes them runs them exactly as a
//! cell would. A value that several firings share is kept once.

mod batch;
mod inner;
mod overdue;
mod owing;
mod retire;

pub use batch::Batch;

use crate::cell::inputs::inputs_of;
use crate::cell::log::Outcome;
use crate::column::AnyColumn;
use crate::graph::{ABSENT, InputDecl, View};
use crate::id::{FiringId, GraphName, ItemId};
use crate::ledger::{Dropped, Entry};
use crate::letter::{DeadLetter, Letter, Place};
use crate::overflow::Overflow;
use crate::ring::Doorbell;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The delivery ring of one graph. What every turn touches lies together.
#[repr(C)]
pub struct Delivery {
    // Firings below this ran in the cell, unless something else is known of them.
    ran_in_place: AtomicU64,
    // Looked at every turn; the lock is taken only where it says yes.
    has_waiting: AtomicBool,
    overflow: Overflow,
    capacity: usize,
    graph: GraphName,
    inner: Mutex<Inner>,
}

struct Inner {
    waiting: Batch,
    spare: Option<Batch>,
    // Deliveries taken by a worker that have no outcome yet.
    in_hand: u64,
    in_hand_since: Timestamp,
    // Reported as timed out; the thread that runs it has not come back.
    overdue: bool,
    // It has come back: the next conclusion counts it once too often.
    concluded_early: bool,
    waiting_since: Timestamp,
    entry: Entry,
    // What was settled or dropped by the runner of the graph.
    run: Entry,
    concluded: u64,
    exceptions: VecDeque<(FiringId, Outcome)>,
    quarantined: bool,
    waiters: Vec<Waker>,
    doorbell: Option<Arc<dyn Doorbell>>,
    // Firings from here on have ended, and their outputs may be with the worker still.
    kept_open: Option<u64>,
    // What firings before this sent is on disk, from an earlier life.
    sent_before: u64,
}

/// The outcomes that the log can still ask for.
const EXCEPTIONS_KEPT: usize = 4096;

impl Delivery {
    /// An empty ring for `capacity` firings of `graph`.
    pub fn new(graph: GraphName, inputs: &[InputDecl], capacity: usize, overflow: Overflow) -> Self {
        Self::over(graph, inputs.iter().map(InputDecl::column).collect(), capacity, overflow)
    }

    /// The same over these columns, which are empty: one an input, of the type that its source yields.
    pub fn over(
        graph: GraphName,
        columns: Vec<Box<dyn AnyColumn>>,
        capacity: usize,
        overflow: Overflow,
    ) -> Self {
        let inner = Inner {
            waiting: Batch::new(columns),
            spare: None,
            in_hand: 0,
            in_hand_since: Timestamp::ZERO,
            overdue: false,
            concluded_early: false,
            waiting_since: Timestamp::ZERO,
            entry: Entry::default(),
            run: Entry::default(),
            concluded: 0,
            exceptions: VecDeque::new(),
            quarantined: false,
            waiters: Vec::new(),
            doorbell: None,
            kept_open: None,
            sent_before: 0,
        };
        let inner = Mutex::new(inner);
        Self {
            graph,
            capacity: capacity.max(1),
            overflow,
            inner,
            has_waiting: AtomicBool::new(false),
            ran_in_place: AtomicU64::new(0),
        }
    }

    /// Set who is told that there is something to take: the cell, or the worker.
    pub fn set_doorbell(&self, doorbell: Arc<dyn Doorbell>) {
        self.lock().doorbell = Some(doorbell);
        self.announce();
    }

    /// Ring the doorbell if something waits.
    fn announce(&self) {
        let doorbell = {
            let inner = self.lock();
            let waiting = !inner.waiting.is_empty();
            self.has_waiting.store(waiting, Ordering::Release);
            inner.doorbell.clone().filter(|_| waiting)
        };
        if let Some(doorbell) = doorbell {
            doorbell.ring();
        }
    }

    /// Whether something waits.
    pub fn has_waiting(&self) -> bool {
        self.has_waiting.load(Ordering::Acquire)
    }

    /// How many firings could be delivered without blocking; no limit unless the policy is to block.
    /// With `waiter`, it is woken when there is room, if there is none now.
    pub fn room(&self, waiter: &Waker) -> usize {
        if self.overflow != Overflow::Block {
            return usize::MAX;
        }
        let mut inner = self.lock();
        let room = self.capacity.saturating_sub(inner.waiting.len());
        if room == 0 && !inner.waiters.iter().any(|waiting| waiting.will_wake(waiter)) {
            inner.waiters.push(waiter.clone());
        }
        room
    }

    /// Deliver the firings `from..` of `view`, the first of which has the number `first`.
    pub fn deliver(
        &self,
        view: &View<'_>,
        first: u64,
        from: usize,
        now: Timestamp,
        letters: &mut Vec<DeadLetter>,
    ) {
        let mut inner = self.lock();
        let mut last = vec![(ABSENT, ABSENT); view.n_inputs()];
        for firing in from..view.len() {
            let id = first + firing as u64;
            inner.entry.accepted += 1;
            if inner.quarantined {
                let columns = inputs_of(view, firing);
                self.bury(&mut inner, id, Dropped::Quarantined, columns, now, letters);
                continue;
            }
            let full = inner.waiting.len() >= self.capacity;
            match self.overflow {
                Overflow::Coalesce if !inner.waiting.is_empty() => {
                    inner.supersede();
                    last.fill((ABSENT, ABSENT));
                }
                Overflow::DropOldest if full => {
                    inner.drop_oldest();
                    last.fill((ABSENT, ABSENT));
                }
                Overflow::DropNewest if full => {
                    inner.entry.drop(Dropped::Overflow, 1);
                    inner.except(FiringId(id), Outcome::Dropped(Dropped::Overflow));
                    continue;
                }
                Overflow::DeadLetter if full => {
                    let columns = inputs_of(view, firing);
                    self.bury(&mut inner, id, Dropped::Overflow, columns, now, letters);
                    continue;
                }
                _ => {}
            }
            if inner.waiting.is_empty() {
                inner.waiting_since = now;
            }
            inner.waiting.push(id, view, firing, &mut last);
        }
        drop(inner);
        self.announce();
    }

    /// Put the firings `from..` of a taken batch back, before anything that came since: a worker could
    /// not run them. They count as in hand until now.
    pub fn deliver_back(&self, batch: &Batch, from: usize, now: Timestamp) {
        let mut inner = self.lock();
        let mut restored = batch.fresh();
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let mut last = vec![(ABSENT, ABSENT); map.len()];
        let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
        for firing in from..batch.len() {
            restored.push(batch.ids[firing], &view, firing, &mut last);
        }
        last.fill((ABSENT, ABSENT));
        let view = View::new(&inner.waiting.columns, &map, &inner.waiting.rows, FiringId(0));
        for firing in 0..inner.waiting.len() {
            restored.push(inner.waiting.ids[firing], &view, firing, &mut last);
        }
        inner.in_hand -= ((batch.len() - from) as u64).min(inner.in_hand);
        if batch.is_sent {
            inner.sent_before = batch.ids.last().map_or(0, |last| last + 1);
        }
        inner.waiting_since = now;
        inner.waiting = restored;
        drop(inner);
        self.announce();
    }

    /// Deliver one dead letter again: a new acceptance.
    pub fn redeliver(&self, firing: FiringId, columns: &[Box<dyn AnyColumn>], now: Timestamp) {
        let mut inner = self.lock();
        inner.entry.accepted += 1;
        if inner.waiting.is_empty() {
            inner.waiting_since = now;
        }
        inner.waiting.push_columns(firing.0, columns);
        drop(inner);
        self.announce();
    }

    /// One firing that began in the cell goes on with a worker.
    pub fn hand_over(&self, now: Timestamp) {
        let mut inner = self.lock();
        inner.in_hand += 1;
        inner.in_hand_since = now;
    }

    /// Remember outcomes other than completion, for the log.
    pub fn note(&self, exceptions: Vec<(FiringId, Outcome)>) {
        let mut inner = self.lock();
        for (firing, outcome) in exceptions {
            inner.except(firing, outcome);
        }
    }

    /// Take everything that waits; it counts as in hand until [`Delivery::conclude`].
    pub fn take(&self, now: Timestamp) -> Option<Batch> {
        let mut inner = self.lock();
        self.has_waiting.store(false, Ordering::Release);
        if inner.waiting.is_empty() {
            return None;
        }
        let fresh = inner.spare.take().unwrap_or_else(|| inner.waiting.fresh());
        let batch = std::mem::replace(&mut inner.waiting, fresh);
        inner.in_hand += batch.len() as u64;
        inner.in_hand_since = now;
        let waiters = std::mem::take(&mut inner.waiters);
        let sent_before = std::mem::take(&mut inner.sent_before);
        drop(inner);
        for waiter in waiters {
            waiter.wake();
        }
        Some(if sent_before > 0 { self.part(batch, sent_before, now) } else { batch })
    }

    /// `n` deliveries in hand ended; `run` is what the runner has settled and dropped so far.
    pub fn conclude(&self, n: u64, upto: Option<FiringId>, run: Entry, exceptions: Vec<(FiringId, Outcome)>) {
        let mut inner = self.lock();
        // What timed out has left the hand already, and must not be seen in it again.
        let n = n - n.min(u64::from(std::mem::take(&mut inner.concluded_early)));
        inner.in_hand -= n.min(inner.in_hand);
        inner.run = run;
        inner.concluded = inner.concluded.max(upto.map_or(0, |upto| upto.0 + 1));
        for (firing, outcome) in exceptions {
            inner.except(firing, outcome);
        }
    }

    /// Give a taken batch's memory back.
    pub fn recycle(&self, mut batch: Batch) {
        for column in &mut batch.columns {
            column.truncate(0);
            column.shrink();
        }
        batch.rows.clear();
        batch.ids.clear();
        batch.is_sent = false;
        self.lock().spare = Some(batch);
    }

    /// Refuse deliveries from now on, and drop what waits: the graph is quarantined.
    pub fn quarantine(&self, now: Timestamp, letters: &mut Vec<DeadLetter>) {
        self.lock().quarantined = true;
        self.give_up(Dropped::Quarantined, now, letters);
    }

    /// Accept deliveries again.
    pub fn pardon(&self) {
        self.lock().quarantined = false;
    }

    /// Drop what waits, counted under `why`, as dead letters.
    pub fn give_up(&self, why: Dropped, now: Timestamp, letters: &mut Vec<DeadLetter>) {
        let mut inner = self.lock();
        self.has_waiting.store(false, Ordering::Release);
        let fresh = inner.waiting.fresh();
        let batch = std::mem::replace(&mut inner.waiting, fresh);
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
        for (firing, id) in batch.ids.iter().enumerate() {
            self.bury(&mut inner, *id, why, inputs_of(&view, firing), now, letters);
        }
    }

    /// Firings that wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Firings that a worker has in hand.
    pub fn in_hand(&self) -> u64 {
        self.lock().in_hand
    }

    /// Since when the oldest waiting and the oldest in-hand firing have been there.
    pub fn since(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let inner = self.lock();
        let waiting = (!inner.waiting.is_empty()).then_some(inner.waiting_since);
        (waiting, (inner.in_hand > 0).then_some(inner.in_hand_since))
    }

    /// The delivery edge's ledger. What the runner settled and dropped comes from the runner itself where
    /// the caller has it, else from its last report.
    pub fn entry(&self, run: Option<Entry>) -> Entry {
        let inner = self.lock();
        let mut entry = inner.entry;
        entry += run.unwrap_or(inner.run);
        entry.unsettled = inner.waiting.len() as u64 + inner.in_hand;
        entry
    }

    /// Firings below `upto` ran in the cell.
    pub fn ran_in_place(&self, upto: u64) {
        self.ran_in_place.store(upto, Ordering::Relaxed);
    }

    /// Outcome of one firing for this graph, as far as it is known.
    pub fn outcome(&self, firing: FiringId) -> Outcome {
        let ran_in_place = self.ran_in_place.load(Ordering::Relaxed);
        let inner = self.lock();
        match inner.exceptions.iter().rev().find(|(id, _)| *id == firing) {
            Some((_, outcome)) => outcome.clone(),
            None if firing.0 < inner.concluded.max(ran_in_place) => Outcome::Completed,
            None => Outcome::Delivered,
        }
    }

    fn bury(
        &self,
        inner: &mut Inner,
        id: u64,
        why: Dropped,
        columns: Vec<Box<dyn AnyColumn>>,
        now: Timestamp,
        letters: &mut Vec<DeadLetter>,
    ) {
        inner.entry.drop(why, 1);
        inner.except(FiringId(id), Outcome::Dropped(why));
        letters.push(DeadLetter {
            place: Place::Graph(self.graph.clone()),
            item: ItemId(id),
            why,
            failure: None,
            attempts: 0,
            at: now,
            letter: Letter::Inputs { firing: FiringId(id), columns },
        });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
