//! The worker of a detached graph: takes deliveries and runs them on the work runtime, one at a time
//! and in order, at the graph's own pace.
//!
//! The run, its sinks and the delivery ring belong to the cell's surroundings, not to the graph's actor:
//! while that restarts, the worker is held and the firings queue.

mod batch;
mod ran;
mod retire;
mod room;

use crate::cell::SharedCell;
use crate::env::Env;
use acequia_core::cell::{Delivery, DetachCause, Detached, GraphRun, HandedOver, RunContext};
use acequia_core::durable::Outgoing;
use acequia_core::fault::Failure;
use acequia_core::graph::GraphPlacement;
use acequia_core::id::{GraphName, ReactorName};
use acequia_core::ledger::{Dropped, Entry};
use acequia_core::letter::{DeadLetter, Place};
use acequia_core::ring::Doorbell;
use ran::{entries, with_context};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The workers of one cell's detached graphs.
#[derive(Default)]
pub(crate) struct Workers {
    list: Mutex<Vec<Arc<Worker>>>,
    needs_runtime: AtomicBool,
}

impl Workers {
    pub(crate) fn get(&self, graph: &GraphName) -> Option<Arc<Worker>> {
        lock(&self.list).iter().find(|worker| worker.graph == *graph).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Worker>> {
        lock(&self.list).clone()
    }

    pub(crate) fn remove(&self, graph: &GraphName) -> Option<Arc<Worker>> {
        let mut list = lock(&self.list);
        let at = list.iter().position(|worker| worker.graph == *graph)?;
        Some(list.remove(at))
    }

    /// Whether user code in the cell may expect to find a runtime.
    pub(crate) fn needs_runtime(&self) -> bool {
        self.needs_runtime.load(Ordering::Relaxed)
    }

    pub(crate) fn set_needs_runtime(&self) {
        self.needs_runtime.store(true, Ordering::Relaxed);
    }
}

/// Something to do with the run between two deliveries.
type Control = Box<dyn FnOnce(&mut GraphRun, &mut RunContext<'_>) + Send>;

/// Runs one detached graph.
pub(crate) struct Worker {
    graph: GraphName,
    env: Arc<Env>,
    cell: Weak<SharedCell>,
    delivery: Arc<Delivery>,
    blocking: bool,
    /// It left the cell only because it was slow, and may come back.
    may_return: bool,
    /// Firings in a row that were fast.
    fast: AtomicUsize,
    deadline: Option<Duration>,
    state: Mutex<State>,
    outputs: Mutex<Vec<(Place, Entry)>>,
    cell_name: ReactorName,
    /// The journal knows that it ended every firing before this.
    written: AtomicU64,
    bell: OnceLock<Arc<dyn Doorbell>>,
}

struct State {
    run: Option<GraphRun>,
    hand: Option<HandedOver>,
    controls: VecDeque<Control>,
    active: bool,
    held: bool,
    /// It brought outputs along that had to wait in the cell.
    unflushed: bool,
    /// Its graph was unbound for good.
    retired: bool,
    task: Option<tokio::task::JoinHandle<()>>,
}

/// A chunk on a blocking thread that is shorter than this lets the next one double.
const FAST_CHUNK: Duration = Duration::from_micros(500);

/// How a detached graph is run.
#[derive(Clone, Copy)]
struct Manner {
    blocking: bool,
    may_return: bool,
}

/// Firings in a row that must be fast before a graph that was slow goes back to its cell.
const PROVEN_FAST: usize = 64;

/// How a step of the loop ended.
enum Step {
    Next,
    Quarantined(Failure),
}

impl Worker {
    /// Take over a graph that left `cell`.
    pub(crate) fn adopt(cell: &Arc<SharedCell>, detached: Detached) {
        let blocking = detached.run.decl().placement == GraphPlacement::Blocking
            || matches!(detached.why, DetachCause::Slow(_));
        let Detached { run, delivery, hand, .. } = detached;
        let may_return = matches!(detached.why, DetachCause::Slow(_));
        Self::start_for(cell, run, delivery, hand, Manner { blocking, may_return });
    }

    /// Run a graph that asked never to be in the cell.
    pub(crate) fn place(cell: &Arc<SharedCell>, run: GraphRun, delivery: Arc<Delivery>) -> Arc<Self> {
        let blocking = run.decl().placement == GraphPlacement::Blocking || run.decl().deadline.is_some();
        Self::start_for(cell, run, delivery, None, Manner { blocking, may_return: false })
    }

    /// Called within the turn that lets the run go, so that there is no moment without either.
    fn start_for(
        cell: &Arc<SharedCell>,
        run: GraphRun,
        delivery: Arc<Delivery>,
        hand: Option<HandedOver>,
        manner: Manner,
    ) -> Arc<Self> {
        let worker = Arc::new(Self {
            graph: run.decl().name.clone(),
            env: Arc::clone(cell.env()),
            cell: Arc::downgrade(cell),
            delivery: Arc::clone(&delivery),
            blocking: manner.blocking,
            may_return: manner.may_return,
            fast: AtomicUsize::new(0),
            cell_name: cell.name().clone(),
            written: AtomicU64::new(0),
            bell: OnceLock::new(),
            deadline: run.decl().deadline,
            outputs: Mutex::new(entries(&run)),
            state: Mutex::new(State {
                run: Some(run),
                hand,
                controls: VecDeque::new(),
                active: false,
                held: false,
                unflushed: true,
                retired: false,
                task: None,
            }),
        });
        lock(&cell.workers().list).push(Arc::clone(&worker));
        delivery.set_doorbell(Arc::new(WorkerBell(Arc::downgrade(&worker))));
        worker.wake();
        worker
    }

    /// The ledgers of its sinks: as they are, or while it works, as of its last step. What it sent by way of the
    /// disk is in its ring some time after that step.
    pub(crate) fn outputs(&self) -> Vec<(Place, Entry)> {
        let state = lock(&self.state);
        match &state.run {
            Some(run) => entries(run),
            None => lock(&self.outputs).clone(),
        }
    }

    /// Do something with the run, between two deliveries.
    pub(crate) fn post(
        self: &Arc<Self>,
        control: impl FnOnce(&mut GraphRun, &mut RunContext<'_>) + Send + 'static,
    ) {
        lock(&self.state).controls.push_back(Box::new(control));
        self.wake();
    }

    /// Take no further deliveries until [`Worker::resume`].
    pub(crate) fn hold(&self) {
        lock(&self.state).held = true;
    }

    /// Go on.
    pub(crate) fn resume(self: &Arc<Self>) {
        lock(&self.state).held = false;
        self.wake();
    }

    /// Start the loop unless it runs.
    fn wake(self: &Arc<Self>) {
        let stands_still = self.waits_for_room();
        let mut state = lock(&self.state);
        if state.active || state.retired {
            return;
        }
        let has_work = state.hand.is_some() || state.unflushed || !state.controls.is_empty();
        let work = has_work || self.delivery.has_waiting();
        if !work || ((state.held || stands_still) && state.controls.is_empty()) {
            return;
        }
        let Some(run) = state.run.take() else { return };
        state.active = true;
        let hand = state.hand.take();
        let worker = Arc::clone(self);
        // Under the lock, so that whoever retires it finds the task that has the run.
        state.task = Some(self.env.spawn(async move { worker.work(run, hand).await }));
    }

    async fn work(self: Arc<Self>, mut run: GraphRun, mut hand: Option<HandedOver>) {
        let unflushed = std::mem::take(&mut lock(&self.state).unflushed);
        if unflushed {
            self.flush(&mut run).await;
            self.brought_along_is_gone();
        }
        loop {
            self.run_controls(&mut run);
            let step = if let Some(hand) = hand.take() {
                self.finish(&mut run, hand).await
            } else if lock(&self.state).held || self.waits_for_room() {
                break;
            } else if let Some(batch) = self.delivery.take(self.env.now()) {
                let (returned, step) = self.run_batch(run, batch).await;
                run = returned;
                step
            } else {
                break;
            };
            self.flush(&mut run).await;
            run.set_again(false);
            if let Step::Quarantined(failure) = step {
                self.quarantine(&mut run, failure);
            }
        }
        let mut state = lock(&self.state);
        state.run = Some(run);
        state.active = false;
        drop(state);
        // Something may have come between the last look and now.
        self.wake();
        self.offer_back();
    }

    /// A graph that proved fast again belongs in its cell: one long wait for a processor must not exile
    /// it for good. What queued meanwhile runs there first.
    fn offer_back(self: &Arc<Self>) {
        if !self.may_return || self.fast.load(Ordering::Relaxed) < PROVEN_FAST {
            return;
        }
        let Some(cell) = self.cell.upgrade() else { return };
        let worker = Arc::clone(self);
        let doorbell = cell.doorbell();
        cell.clone().post(move |state, _| {
            let mut own = lock(&worker.state);
            // A seat that is out, or quarantined, would not take the run; it stays here until a pardon.
            let wanted = state.seat(&worker.graph).is_some_and(acequia_core::cell::Seat::is_detached);
            let idle = wanted && !own.active && !own.held && own.controls.is_empty();
            if let Some(run) = idle.then(|| own.run.take()).flatten() {
                drop(own);
                tracing::info!(graph = %worker.graph, "graph went back to its cell");
                cell.workers().remove(&worker.graph);
                state.put_back(&worker.graph, run);
                worker.delivery.set_doorbell(doorbell);
            }
            acequia_core::cell::CellTurn::default()
        });
    }

    fn run_controls(&self, run: &mut GraphRun) {
        let controls = std::mem::take(&mut lock(&self.state).controls);
        for control in controls {
            self.with_context(|cx| control(run, cx));
        }
        *lock(&self.outputs) = entries(run);
    }

    /// Call `code` with a context whose letters and failures are reported afterwards.
    fn with_context<R>(&self, code: impl FnOnce(&mut RunContext<'_>) -> R) -> R {
        with_context(self, Waker::noop(), code)
    }

    /// Keep what was given up, and count what failed.
    fn report(&self, letters: Vec<DeadLetter>, failures: &[Failure]) {
        match self.cell.upgrade() {
            Some(cell) => cell.report(letters, failures),
            None => self.env.report(letters, failures),
        }
    }

    /// Pass outputs on, waiting for room.
    async fn flush(&self, run: &mut GraphRun) {
        self.wait_for_turns().await;
        // Its cell may have kept them back until now.
        run.hold(false);
        std::future::poll_fn(|cx| {
            let gone = with_context(self, cx.waker(), |run_cx| run.flush(run_cx));
            self.write(run.take_outbox(), gone);
            *lock(&self.outputs) = entries(run);
            if gone { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Whether its cell keeps marks, by which a later process goes on.
    fn is_recorded(&self) -> bool {
        self.cell.upgrade().is_some_and(|cell| cell.journal().is_some())
    }

    /// The cell need not keep firings any more whose outputs waited as the graph left.
    fn brought_along_is_gone(&self) {
        let Some(cell) = self.cell.upgrade().filter(|cell| cell.journal().is_some()) else { return };
        let graph = self.graph.clone();
        cell.post(move |state, _| {
            state.outputs_left(&graph);
            acequia_core::cell::CellTurn::default()
        });
    }

    /// What it writes must not come before the turns that it comes from: after a crash in between it would be
    /// made again. Where outputs leave only when those turns are on disk, wait for that as well.
    async fn wait_for_turns(&self) {
        let Some(cell) = self.cell.upgrade() else { return };
        let Some(journal) = cell.journal() else { return };
        // The turn that delivered may still be under way: what is asked now is answered after it.
        let has_ended = cell.ask(|_, _| ((), acequia_core::cell::CellTurn::default())).await.is_some();
        if has_ended && journal.holds() {
            journal.all_synced().await;
        }
    }

    /// Write down what it sends on, with how far it has come.
    fn write(&self, outbox: Vec<Outgoing>, gone: bool) {
        let cell = self.cell.upgrade();
        match cell.as_ref().and_then(|cell| cell.journal()) {
            Some(journal) => {
                let sent = self.delivery.ended();
                // What waits at a sink would be lost by a crash: with that it has not come so far.
                let next = if gone { sent } else { 0 };
                let next = next.max(self.written.load(Ordering::Acquire));
                let is_news = next > self.written.swap(next, Ordering::AcqRel) || !outbox.is_empty();
                let is_written = !is_news || journal.write_ended(&self.env, &self.graph, next..sent, outbox);
                if gone && is_written {
                    // From here on a mark may take it for done: it comes behind this record.
                    self.delivery.outputs_gone();
                }
            }
            None if outbox.is_empty() => {}
            None => crate::journal::write_outbox(&self.env, &self.cell_name, outbox),
        }
    }

    fn quarantine(&self, run: &mut GraphRun, failure: Failure) {
        self.with_context(|cx| {
            run.give_up_outputs(Dropped::Quarantined, cx);
            self.delivery.quarantine(cx.now, cx.letters);
        });
        *lock(&self.outputs) = entries(run);
        let graph = self.graph.clone();
        if let Some(cell) = self.cell.upgrade() {
            cell.post(move |state, cx| {
                let mut turn = acequia_core::cell::CellTurn::default();
                let mut run_cx = turn.run_context(cx.now, cx.waker);
                state.quarantine(&graph, failure.to_string(), &mut run_cx);
                turn.faults.push(acequia_core::cell::PartFault::GraphQuarantined(graph, failure));
                turn
            });
        }
    }
}

struct WorkerBell(Weak<Worker>);

impl Doorbell for WorkerBell {
    fn ring(&self) {
        if let Some(worker) = self.0.upgrade() {
            worker.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
