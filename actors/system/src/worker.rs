//! The worker of a detached graph: takes deliveries and runs them on the work runtime, one at a time
//! and in order, at the graph's own pace.
//!
//! The run, its sinks and the delivery ring belong to the cell's surroundings, not to the graph's actor:
//! while that restarts, the worker is held and the firings queue.

use crate::cell::SharedCell;
use crate::env::Env;
use acequia_core::cell::{
    Batch, Delivery, DetachCause, Detached, FiringIds, GraphRun, HandedOver, RunContext,
};
use acequia_core::fault::{Failure, Verdict, guarded, guarded_future};
use acequia_core::graph::{GraphPlacement, View};
use acequia_core::id::{FiringId, GraphName};
use acequia_core::ledger::{Dropped, Entry};
use acequia_core::letter::{DeadLetter, Place};
use acequia_core::ring::Doorbell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
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
    deadline: Option<Duration>,
    state: Mutex<State>,
    outputs: Mutex<Vec<(Place, Entry)>>,
}

struct State {
    run: Option<GraphRun>,
    hand: Option<HandedOver>,
    controls: VecDeque<Control>,
    active: bool,
    held: bool,
}

/// A chunk on a blocking thread that is shorter than this lets the next one double.
const FAST_CHUNK: Duration = Duration::from_micros(500);

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
        Self::start_for(cell, run, delivery, hand, blocking);
    }

    /// Run a graph that asked never to be in the cell.
    pub(crate) fn place(cell: &Arc<SharedCell>, run: GraphRun, delivery: Arc<Delivery>) {
        let blocking = run.decl().placement == GraphPlacement::Blocking || run.decl().deadline.is_some();
        Self::start_for(cell, run, delivery, None, blocking);
    }

    /// Called within the turn that lets the run go, so that there is no moment without either.
    fn start_for(
        cell: &Arc<SharedCell>,
        run: GraphRun,
        delivery: Arc<Delivery>,
        hand: Option<HandedOver>,
        blocking: bool,
    ) {
        let worker = Arc::new(Self {
            graph: run.decl().name.clone(),
            env: Arc::clone(cell.env()),
            cell: Arc::downgrade(cell),
            delivery: Arc::clone(&delivery),
            blocking,
            deadline: run.decl().deadline,
            outputs: Mutex::new(entries(&run)),
            state: Mutex::new(State {
                run: Some(run),
                hand,
                controls: VecDeque::new(),
                active: false,
                held: false,
            }),
        });
        lock(&cell.workers().list).push(Arc::clone(&worker));
        delivery.set_doorbell(Arc::new(WorkerBell(Arc::downgrade(&worker))));
        worker.wake();
    }

    pub(crate) fn graph(&self) -> &GraphName {
        &self.graph
    }

    /// The ledgers of its sinks, as of its last step.
    pub(crate) fn outputs(&self) -> Vec<(Place, Entry)> {
        lock(&self.outputs).clone()
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
        let mut state = lock(&self.state);
        if state.active {
            return;
        }
        let work = state.hand.is_some() || !state.controls.is_empty() || self.delivery.has_waiting();
        if !work || (state.held && state.controls.is_empty()) {
            return;
        }
        let Some(run) = state.run.take() else { return };
        state.active = true;
        let hand = state.hand.take();
        drop(state);
        let worker = Arc::clone(self);
        self.env.spawn(async move { worker.work(run, hand).await });
    }

    async fn work(self: Arc<Self>, mut run: GraphRun, mut hand: Option<HandedOver>) {
        loop {
            self.run_controls(&mut run);
            let step = if let Some(hand) = hand.take() {
                self.finish(&mut run, hand).await
            } else if lock(&self.state).held {
                break;
            } else if let Some(batch) = self.delivery.take(self.env.now()) {
                let (returned, step) = self.run_batch(run, batch).await;
                run = returned;
                step
            } else {
                break;
            };
            self.flush(&mut run).await;
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
        with_context(&self.env, Waker::noop(), code)
    }

    /// Run one batch, firing by firing where there is a deadline.
    async fn run_batch(&self, mut run: GraphRun, batch: Batch) -> (GraphRun, Step) {
        let (mut batch, mut from, mut quota) = (batch, 0, if self.blocking { 1 } else { usize::MAX });
        while from < batch.len() {
            if from > 0 && lock(&self.state).held {
                self.delivery.deliver_back(&batch, from, self.env.now());
                return (run, Step::Next);
            }
            let (to, began) = (batch.len().min(from.saturating_add(quota)), self.env.now());
            let ended = self.run_some(run, batch, from, to).await;
            (run, batch) = (ended.run, ended.batch);
            if let Some(failure) = ended.quarantined {
                self.with_context(|cx| {
                    let map: Vec<usize> = (0..batch.columns.len()).collect();
                    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
                    run.give_up(&view, FiringIds::Listed(&batch.ids), ended.done, Dropped::Quarantined, cx);
                });
                self.conclude(&mut run, batch.len() - from, batch.ids.last().copied());
                return (run, Step::Quarantined(failure));
            }
            let ran = ended.done - from;
            self.conclude(&mut run, ran, ended.done.checked_sub(1).map(|last| batch.ids[last]));
            from = ended.done;
            if let Some(hand) = ended.hand {
                match self.finish(&mut run, hand).await {
                    Step::Next => from += 1,
                    quarantined @ Step::Quarantined(_) => {
                        self.give_up_rest(&mut run, &batch, from + 1);
                        return (run, quarantined);
                    }
                }
            }
            self.flush(&mut run).await;
            if self.blocking && self.deadline.is_none() {
                // A graph that turns out to be fast need not change threads once a firing.
                let fast = self.env.now().since(began) < FAST_CHUNK;
                quota = if fast { (quota * 2).min(256) } else { 1 };
            }
        }
        self.delivery.recycle(batch);
        (run, Step::Next)
    }

    fn give_up_rest(&self, run: &mut GraphRun, batch: &Batch, from: usize) {
        self.with_context(|cx| {
            let map: Vec<usize> = (0..batch.columns.len()).collect();
            let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
            run.give_up(&view, FiringIds::Listed(&batch.ids), from, Dropped::Quarantined, cx);
        });
        self.conclude(run, batch.len().saturating_sub(from), batch.ids.last().copied());
    }

    fn conclude(&self, run: &mut GraphRun, n: usize, upto: Option<u64>) {
        let exceptions = run.take_exceptions();
        self.delivery.conclude(n as u64, upto.map(FiringId), run.entry(), exceptions);
    }

    /// Run firings `from..to`, on a blocking thread where the graph is slow.
    async fn run_some(&self, run: GraphRun, batch: Batch, from: usize, to: usize) -> Ran {
        let now = self.env.now();
        if !self.blocking {
            return self.reported(run_view(now, run, batch, from, to));
        }
        let id = batch.ids[from];
        let before = run.entry();
        let mut thread = self.env.spawn_blocking(move || run_view(now, run, batch, from, to));
        let late = match self.deadline {
            None => false,
            Some(deadline) => tokio::time::timeout(deadline, &mut thread).await.is_err(),
        };
        if late {
            // Reported now; the thread cannot be stopped, and what it yields is not wanted.
            self.delivery.time_out(FiringId(id));
        }
        match joined(thread).await {
            Ok(mut ran) if late => {
                let failure = Failure::timed_out(self.deadline.unwrap_or_default());
                let over = ran.run.overran(before, self.env.now());
                // Its rest is dropped with care: it is user code as well.
                let _ = guarded(|| Ok(drop(ran.hand.take())));
                ran.done = to;
                let letter = timed_out_letter(&self.graph, &ran.batch, from, self.env.now());
                (ran.letters, ran.failures) = (vec![letter], vec![failure.clone()]);
                ran.quarantined = over.then_some(failure);
                self.delivery.timed_out_returned();
                self.reported(ran)
            }
            Ok(ran) => self.reported(ran),
            Err(impossible) => unreachable!("user code is caught inside the blocking thread: {impossible}"),
        }
    }

    /// Report what a run left, once it is known to count.
    fn reported(&self, mut ran: Ran) -> Ran {
        self.env.report(std::mem::take(&mut ran.letters), &ran.failures);
        ran
    }

    /// Await the rest of the firing in hand; try it again as often as allowed.
    async fn finish(&self, run: &mut GraphRun, hand: HandedOver) -> Step {
        let HandedOver { id, mut rest, inputs } = hand;
        loop {
            let awaited = guarded_future(async { Ok(rest.await) });
            let ended = match self.deadline {
                None => awaited.await,
                Some(deadline) => tokio::time::timeout(deadline, awaited)
                    .await
                    .unwrap_or_else(|_| Err(Failure::timed_out(deadline))),
            };
            let failure = match &ended {
                Ok((_, failure)) => failure.clone(),
                Err(failure) => Some(failure.clone()),
            };
            let verdict = self.with_context(|cx| run.resolve(id, ended, cx, &mut |_| copy(&inputs)));
            match (verdict, failure) {
                (Verdict::Retry, _) => match self.again(run, id, &inputs) {
                    Ok(pending) => rest = pending,
                    Err(step) => return step,
                },
                (Verdict::Quarantine, Some(failure)) => {
                    self.conclude(run, 1, Some(id.0));
                    return Step::Quarantined(failure);
                }
                _ => {
                    self.conclude(run, 1, Some(id.0));
                    return Step::Next;
                }
            }
        }
    }

    /// Run one firing from its inputs once more; its rest, if it pends again.
    fn again(
        &self,
        run: &mut GraphRun,
        id: FiringId,
        inputs: &[Box<dyn acequia_core::column::AnyColumn>],
    ) -> Result<acequia_core::graph::PendingFiring, Step> {
        let batch = Batch::single(id, inputs);
        let map: Vec<usize> = (0..batch.columns.len()).collect();
        let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
        let end = self.with_context(|cx| run.run(&view, FiringIds::Listed(&batch.ids), 0, cx));
        if let Some((_, rest)) = end.pending {
            return Ok(rest);
        }
        self.conclude(run, 1, Some(id.0));
        Err(end.quarantined.map_or(Step::Next, |(_, failure)| Step::Quarantined(failure)))
    }

    /// Pass outputs on, waiting for room.
    async fn flush(&self, run: &mut GraphRun) {
        std::future::poll_fn(|cx| {
            let gone = with_context(&self.env, cx.waker(), |run_cx| run.flush(run_cx));
            *lock(&self.outputs) = entries(run);
            if gone { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
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
                let mut run_cx = RunContext {
                    now: cx.now,
                    waker: cx.waker,
                    letters: &mut turn.letters,
                    failures: &mut turn.failures,
                };
                state.quarantine(&graph, failure.to_string(), &mut run_cx);
                turn.faults.push(acequia_core::cell::PartFault::GraphQuarantined(graph, failure));
                turn
            });
        }
    }
}

/// What a run over some firings of a batch came to.
struct Ran {
    run: GraphRun,
    batch: Batch,
    done: usize,
    hand: Option<HandedOver>,
    quarantined: Option<Failure>,
    letters: Vec<DeadLetter>,
    failures: Vec<Failure>,
}

fn run_view(
    now: acequia_core::Timestamp,
    mut run: GraphRun,
    batch: Batch,
    from: usize,
    to: usize,
) -> Ran {
    let map: Vec<usize> = (0..batch.columns.len()).collect();
    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0)).prefix(to);
    let (mut letters, mut failures): (Vec<DeadLetter>, Vec<Failure>) = Default::default();
    let mut cx =
        RunContext { now, waker: Waker::noop(), letters: &mut letters, failures: &mut failures };
    let end = run.run(&view, FiringIds::Listed(&batch.ids), from, &mut cx);
    let (mut done, mut hand, mut quarantined) = (to, None, None);
    if let Some((at, rest)) = end.pending {
        done = at;
        let inputs = acequia_core::cell::run::inputs_of(&view, at);
        hand = Some(HandedOver { id: FiringId(batch.ids[at]), rest, inputs });
    }
    if let Some((next, failure)) = end.quarantined {
        done = next;
        quarantined = Some(failure);
    }
    Ran { run, batch, done, hand, quarantined, letters, failures }
}

fn with_context<R>(env: &Env, waker: &Waker, code: impl FnOnce(&mut RunContext<'_>) -> R) -> R {
    let (mut letters, mut failures): (Vec<DeadLetter>, Vec<Failure>) = Default::default();
    let mut cx = RunContext { now: env.now(), waker, letters: &mut letters, failures: &mut failures };
    let result = code(&mut cx);
    env.report(letters, &failures);
    result
}

async fn joined<R>(thread: tokio::task::JoinHandle<R>) -> Result<R, tokio::task::JoinError> {
    thread.await
}

fn copy(
    inputs: &[Box<dyn acequia_core::column::AnyColumn>],
) -> Vec<Box<dyn acequia_core::column::AnyColumn>> {
    inputs
        .iter()
        .map(|from| {
            let mut copy = from.fresh();
            copy.push_from(&**from, 0);
            copy
        })
        .collect()
}

fn timed_out_letter(
    graph: &GraphName,
    batch: &Batch,
    firing: usize,
    at: acequia_core::Timestamp,
) -> DeadLetter {
    let map: Vec<usize> = (0..batch.columns.len()).collect();
    let view = View::new(&batch.columns, &map, &batch.rows, FiringId(0));
    let id = FiringId(batch.ids[firing]);
    DeadLetter {
        place: Place::Graph(graph.clone()),
        item: acequia_core::ItemId(id.0),
        why: Dropped::TimedOut,
        failure: None,
        attempts: 1,
        at,
        letter: acequia_core::letter::Letter::Inputs {
            firing: id,
            columns: acequia_core::cell::run::inputs_of(&view, firing),
        },
    }
}

fn entries(run: &GraphRun) -> Vec<(Place, Entry)> {
    run.sink_entries().map(|(place, entry)| (place.clone(), entry)).collect()
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
