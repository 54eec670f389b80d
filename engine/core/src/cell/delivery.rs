//! The bounded delivery ring between a reactor and a graph that does not run in its cell, or is out.
//!
//! Firings wait as rows over columns of their own, so that whoever takes them runs them exactly as a
//! cell would. A value that several firings share is kept once.

use super::log::Outcome;
use super::run::inputs_of;
use crate::column::AnyColumn;
use crate::graph::{ABSENT, InputDecl, View};
use crate::id::{FiringId, GraphName, ItemId};
use crate::ledger::{Dropped, Entry, Settled};
use crate::letter::{DeadLetter, Letter, Place};
use crate::overflow::Overflow;
use crate::ring::Doorbell;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Firings on their way.
pub struct Batch {
    /// One column an input of the graph.
    pub columns: Vec<Box<dyn AnyColumn>>,
    /// One row a firing.
    pub rows: Vec<u32>,
    /// Number of each firing.
    pub ids: Vec<u64>,
}

impl Batch {
    fn new(inputs: &[InputDecl]) -> Self {
        Self { columns: inputs.iter().map(InputDecl::column).collect(), rows: Vec::new(), ids: Vec::new() }
    }

    fn fresh(&self) -> Self {
        Self {
            columns: self.columns.iter().map(|column| column.fresh()).collect(),
            rows: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// One firing from its inputs, as a dead letter or a retry keeps them.
    pub fn single(firing: FiringId, inputs: &[Box<dyn AnyColumn>]) -> Self {
        let columns = inputs.iter().map(|column| column.fresh()).collect();
        let mut batch = Self { columns, rows: Vec::new(), ids: Vec::new() };
        batch.push_columns(firing.0, inputs);
        batch
    }

    /// How many firings it holds.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Append a copy of firing `firing` of `view`; values equal by position to the last firing's are
    /// shared. `last` remembers positions between calls over one view.
    fn push(&mut self, id: u64, view: &View<'_>, firing: usize, last: &mut [(u32, u32)]) {
        for (input, column) in self.columns.iter_mut().enumerate() {
            let Some(index) = view.index(firing, input) else {
                self.rows.push(ABSENT);
                continue;
            };
            let position = u32::try_from(index).unwrap_or(ABSENT);
            if last[input].0 != position {
                column.push_from(view.column(input), index);
                last[input] = (position, u32::try_from(column.len() - 1).unwrap_or(ABSENT));
            }
            self.rows.push(last[input].1);
        }
        self.ids.push(id);
    }

    /// Drop values at the front of a column that no row uses any more, once they are many.
    fn compact(&mut self) {
        let stride = self.columns.len();
        for (input, column) in self.columns.iter_mut().enumerate() {
            if column.len() < 2 * self.ids.len() + 64 {
                continue;
            }
            let used = self.rows.iter().skip(input).step_by(stride).filter(|index| **index != ABSENT);
            let spent = used.clone().min().copied().unwrap_or(0);
            column.drop_front(spent as usize);
            for index in self.rows.iter_mut().skip(input).step_by(stride).filter(|index| **index != ABSENT) {
                *index -= spent;
            }
        }
    }

    /// Append a firing from single-value columns, as a dead letter keeps them.
    fn push_columns(&mut self, id: u64, columns: &[Box<dyn AnyColumn>]) {
        for (own, from) in self.columns.iter_mut().zip(columns) {
            let copied = own.push_from(&**from, 0);
            self.rows.push(if copied { u32::try_from(own.len() - 1).unwrap_or(ABSENT) } else { ABSENT });
        }
        self.ids.push(id);
    }
}

/// The delivery ring of one graph.
pub struct Delivery {
    graph: GraphName,
    capacity: usize,
    overflow: Overflow,
    inner: Mutex<Inner>,
    // Looked at every turn; the lock is taken only where it says yes.
    has_waiting: AtomicBool,
}

struct Inner {
    waiting: Batch,
    spare: Option<Batch>,
    // Deliveries taken by a worker that have no outcome yet.
    in_hand: u64,
    in_hand_since: Timestamp,
    // Reported as timed out; the thread that runs it has not come back.
    overdue: bool,
    waiting_since: Timestamp,
    entry: Entry,
    // What was settled or dropped by the runner of the graph.
    run: Entry,
    concluded: u64,
    exceptions: VecDeque<(FiringId, Outcome)>,
    quarantined: bool,
    waiters: Vec<Waker>,
    doorbell: Option<Arc<dyn Doorbell>>,
}

/// The outcomes that the log can still ask for.
const EXCEPTIONS_KEPT: usize = 4096;

impl Delivery {
    /// An empty ring for `capacity` firings of `graph`.
    pub fn new(graph: GraphName, inputs: &[InputDecl], capacity: usize, overflow: Overflow) -> Self {
        let inner = Inner {
            waiting: Batch::new(inputs),
            spare: None,
            in_hand: 0,
            in_hand_since: Timestamp::ZERO,
            overdue: false,
            waiting_since: Timestamp::ZERO,
            entry: Entry::default(),
            run: Entry::default(),
            concluded: 0,
            exceptions: VecDeque::new(),
            quarantined: false,
            waiters: Vec::new(),
            doorbell: None,
        };
        let inner = Mutex::new(inner);
        Self { graph, capacity: capacity.max(1), overflow, inner, has_waiting: AtomicBool::new(false) }
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
        drop(inner);
        for waiter in waiters {
            waiter.wake();
        }
        Some(batch)
    }

    /// `n` deliveries in hand ended; `run` is what the runner has settled and dropped so far.
    pub fn conclude(&self, n: u64, upto: Option<FiringId>, run: Entry, exceptions: Vec<(FiringId, Outcome)>) {
        let mut inner = self.lock();
        inner.in_hand -= n.min(inner.in_hand);
        inner.run = run;
        inner.concluded = inner.concluded.max(upto.map_or(0, |upto| upto.0 + 1));
        for (firing, outcome) in exceptions {
            inner.except(firing, outcome);
        }
    }

    /// The firing in hand passed its deadline: it is reported at once, wherever its thread is.
    pub fn time_out(&self, firing: FiringId) {
        let mut inner = self.lock();
        inner.entry.drop(Dropped::TimedOut, 1);
        inner.in_hand -= inner.in_hand.min(1);
        inner.overdue = true;
        inner.except(firing, Outcome::TimedOut);
    }

    /// The thread of the firing that timed out came back: its conclusion must not count again.
    pub fn timed_out_returned(&self) {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.overdue) {
            inner.in_hand += 1;
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

    /// Outcome of one firing for this graph, as far as it is known. Those below `ran_in_place` ran in the
    /// cell.
    pub fn outcome(&self, firing: FiringId, ran_in_place: u64) -> Outcome {
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

impl Inner {
    fn except(&mut self, firing: FiringId, outcome: Outcome) {
        if self.exceptions.len() >= EXCEPTIONS_KEPT {
            self.exceptions.pop_front();
        }
        self.exceptions.push_back((firing, outcome));
    }

    /// A newer firing takes the place of those that wait.
    fn supersede(&mut self) {
        self.entry.settle(Settled::Superseded, self.waiting.len() as u64);
        let ids = std::mem::take(&mut self.waiting.ids);
        for id in ids {
            self.except(FiringId(id), Outcome::Superseded);
        }
        self.waiting.rows.clear();
        for column in &mut self.waiting.columns {
            column.truncate(0);
        }
    }

    fn drop_oldest(&mut self) {
        let id = self.waiting.ids.remove(0);
        let stride = self.waiting.columns.len();
        self.waiting.rows.drain(..stride);
        self.waiting.compact();
        self.entry.drop(Dropped::Overflow, 1);
        self.except(FiringId(id), Outcome::Dropped(Dropped::Overflow));
    }
}
