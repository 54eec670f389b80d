//! A cell behind its claim: whoever claims it owns it for one turn; a loser only leaves a mark.

mod claim;
mod control;
mod group;
mod journaled;
mod timer;

pub(crate) use group::{GROUP, touch_group};

use claim::READY;

use crate::bell::Bell;
use crate::env::Env;
use crate::journal::CellJournal;
use crate::shard::Shard;
use crate::worker::{Worker, Workers};
use acequia_core::Timestamp;
use acequia_core::accumulator::AnyRing;
use acequia_core::cell::{Cell, CellTurn, Crumb, InHand, PartNames, TurnContext};
use acequia_core::health::SourceHealth;
use acequia_core::id::ReactorName;
use acequia_core::ledger::Dropped;
use acequia_core::ring::Doorbell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;

/// Something to do with the cell at the start of its next turn.
type Control = Box<dyn FnOnce(&mut Cell, &TurnContext<'_>) -> CellTurn + Send>;

/// A cell that many threads know, and one at a time runs.
#[repr(C)]
pub(crate) struct SharedCell {
    // What every turn touches comes first and lies together.
    claim: AtomicU8,
    has_control: AtomicBool,
    armed: AtomicBool,
    /// It stands still, armed or not.
    pub(crate) frozen: AtomicBool,
    due: AtomicI64,
    crumb: Crumb,
    env: Arc<Env>,
    me: Weak<Self>,
    // Made once: a turn hands them on without counting references.
    doorbell: Arc<dyn Doorbell>,
    waker: Waker,
    cell: Mutex<Cell>,
    shard: Arc<Shard>,
    name: ReactorName,
    parts: Arc<PartNames>,
    control: Mutex<VecDeque<Control>>,
    rings: Vec<Arc<dyn AnyRing>>,
    workers: Workers,
    sources: Vec<Mutex<SourceHealth>>,
    /// Held by the run of a source from before its first look at the offset until its future is gone,
    /// so that two incarnations never publish at once.
    leases: Vec<Arc<tokio::sync::Mutex<()>>>,
    quarantined: Mutex<Option<String>>,
    /// Sources that were ready once.
    were_ready: Vec<AtomicBool>,
    /// For each source the cell that sends it on, if it is a share.
    upstream: Vec<OnceLock<Arc<Self>>>,
    /// Its way to the journal, if it has one.
    journal: Option<CellJournal>,
}

impl SharedCell {
    /// Put `cell` on `shard`.
    pub(crate) fn new(
        cell: Cell,
        journal: Option<CellJournal>,
        env: Arc<Env>,
        shard: Arc<Shard>,
    ) -> Arc<Self> {
        let shared = Arc::new_cyclic(|me: &Weak<Self>| {
            let bell = Arc::new(Bell::new(me.clone(), Arc::clone(&shard)));
            Self {
                name: cell.decl().name.clone(),
                crumb: Crumb::default(),
                parts: Arc::clone(cell.parts()),
                env,
                shard,
                claim: AtomicU8::new(0),
                rings: cell.slots().iter().map(|slot| slot.ring()).collect(),
                sources: cell.slots().iter().map(|_| Mutex::default()).collect(),
                were_ready: cell.slots().iter().map(|_| AtomicBool::new(false)).collect(),
                upstream: cell.slots().iter().map(|_| OnceLock::new()).collect(),
                leases: cell.slots().iter().map(|_| Arc::default()).collect(),
                quarantined: Mutex::default(),
                cell: Mutex::new(cell),
                control: Mutex::default(),
                has_control: AtomicBool::new(false),
                workers: Workers::default(),
                armed: AtomicBool::new(false),
                frozen: AtomicBool::new(false),
                due: AtomicI64::new(i64::MAX),
                doorbell: Arc::clone(&bell) as Arc<dyn Doorbell>,
                waker: Waker::from(bell),
                me: me.clone(),
                journal,
            }
        });
        for ring in &shared.rings {
            ring.set_doorbell(Arc::clone(&shared.doorbell));
        }
        shared
    }

    /// The reactor's name.
    pub(crate) fn name(&self) -> &ReactorName {
        &self.name
    }

    /// Number of the turn that runs, or that ran last, and whose part has it.
    pub(crate) fn in_hand(&self) -> (u64, InHand) {
        (self.crumb.turn(), self.parts.in_hand(&self.crumb))
    }

    pub(crate) fn env(&self) -> &Arc<Env> {
        &self.env
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Rings for this cell, without keeping it alive.
    pub(crate) fn doorbell(&self) -> Arc<dyn Doorbell> {
        Arc::clone(&self.doorbell)
    }

    /// Ring of the source at `source`.
    pub(crate) fn ring(&self, source: usize) -> &Arc<dyn AnyRing> {
        &self.rings[source]
    }

    pub(crate) fn rings(&self) -> &[Arc<dyn AnyRing>] {
        &self.rings
    }

    /// Let it run: everything that belongs to it is installed.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::Release);
        self.schedule();
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Acquire)
    }

    /// The source at `source` is a share in what `upstream` sends on.
    pub(crate) fn share_in(&self, source: usize, upstream: Arc<Self>) {
        let _ = self.upstream[source].set(upstream);
    }

    /// The cell that sends the source at `source` on, if that is a share.
    pub(crate) fn upstream(&self, source: usize) -> Option<&Arc<Self>> {
        self.upstream[source].get()
    }

    pub(crate) fn source_health(&self, source: usize) -> SourceHealth {
        if let Some(upstream) = self.upstream(source) {
            return upstream.source_health(0);
        }
        lock(&self.sources[source]).clone()
    }

    pub(crate) fn set_source_health(&self, source: usize, health: SourceHealth) {
        if health.is_ready() {
            self.were_ready[source].store(true, Ordering::Release);
        }
        *lock(&self.sources[source]) = health;
    }

    /// The right to publish as the source at `source`.
    pub(crate) fn lease(&self, source: usize) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.leases[source])
    }

    /// Take the reactor out of service: events are accepted until its rings are full, nothing fires.
    pub(crate) fn quarantine(&self, reason: String) {
        *lock(&self.quarantined) = Some(reason);
        self.armed.store(false, Ordering::Release);
        // Those that it shares with go on.
        self.shed(Some(Dropped::Quarantined));
    }

    fn shed(&self, why: Option<Dropped>) {
        let shares = self.rings.iter().zip(&self.upstream).filter(|(_, upstream)| upstream.get().is_some());
        shares.for_each(|(ring, _)| ring.shed(why));
    }

    /// Lift its quarantine; false if there was none.
    pub(crate) fn pardon(&self) -> bool {
        let was = lock(&self.quarantined).take().is_some();
        if was {
            self.shed(None);
            self.arm();
        }
        was
    }

    /// Why the reactor is out of service, if it is.
    pub(crate) fn quarantined(&self) -> Option<String> {
        lock(&self.quarantined).clone()
    }

    /// Nobody will run it any more: whoever asked learns that there is no answer.
    pub(crate) fn abandon(&self) {
        // In this order: who leaves a control after this looks at the claim after it, and comes again.
        self.claim.fetch_and(!READY, Ordering::AcqRel);
        let controls = std::mem::take(&mut *lock(&self.control));
        drop(controls);
    }

    /// For each source, whether it is ready or was once.
    pub(crate) fn were_ready(&self) -> Vec<bool> {
        let were = |source: usize| match self.upstream(source) {
            Some(upstream) => upstream.were_ready().first().copied().unwrap_or_default(),
            None => self.were_ready[source].load(Ordering::Acquire) || self.source_health(source).is_ready(),
        };
        (0..self.sources.len()).map(were).collect()
    }

    /// One turn under the claim; true if there is more to do at once.
    fn turn(&self, now: Timestamp) -> bool {
        let clock = || self.env.now();
        let (doorbell, waker, crumb) = (&self.doorbell, &self.waker, &self.crumb);
        let cx = TurnContext { now, clock: &clock, doorbell, waker, crumb };
        let mut cell = lock(&self.cell);
        if self.has_control.load(Ordering::Acquire) && self.has_control.swap(false, Ordering::AcqRel) {
            let controls = std::mem::take(&mut *lock(&self.control));
            for control in controls {
                self.conclude(&mut control(&mut cell, &cx));
            }
        }
        if !self.is_armed() || self.frozen.load(Ordering::Acquire) {
            return false;
        }
        if self.journal.as_ref().is_some_and(|journal| journal.waits_for_room(doorbell)) {
            return false;
        }
        let span = tracing::trace_span!("turn", reactor = %self.name);
        let mut turn = span.in_scope(|| cell.turn(&cx));
        let (more, due) = (turn.more, turn.due);
        drop(cell);
        self.env.counters.turns.fetch_add(1, Ordering::Relaxed);
        self.conclude(&mut turn);
        self.checkpoint_if_due(now);
        self.set_timer(due);
        more
    }

    /// Carry out what a turn leaves to others.
    #[inline]
    fn conclude(&self, turn: &mut CellTurn) {
        if turn.firings > 0 {
            self.env.counters.firings.fetch_add(turn.firings as u64, Ordering::Relaxed);
        }
        if turn.leaves_work() {
            self.conclude_work(std::mem::take(turn));
        }
    }

    #[cold]
    fn conclude_work(&self, mut turn: CellTurn) {
        // Before anything that the turn leaves to others can be done.
        if turn.write.is_some() || !turn.letters.is_empty() || !turn.failures.is_empty() {
            let letters = std::mem::take(&mut turn.letters);
            match turn.write.take() {
                Some(write) => self.write(*write, letters, &turn.failures),
                None => self.report(letters, &turn.failures),
            }
        }
        for pending in turn.pending {
            self.workers.set_needs_runtime();
            self.env.spawn(pending);
        }
        for detached in turn.detached {
            tracing::info!(graph = %detached.graph, why = ?detached.why, "graph left the cell");
            self.workers.set_needs_runtime();
            if let Some(me) = self.me.upgrade() {
                Worker::adopt(&me, *detached);
            }
        }
        for fault in turn.faults {
            self.env.counters.quarantines.fetch_add(1, Ordering::Relaxed);
            tracing::error!(reactor = %self.name, ?fault, "part quarantined");
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // User code is caught before it can unwind through these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
