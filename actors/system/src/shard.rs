//! A shard: the loop that runs ready cells, one after another.
//!
//! Owns the ready list and the timers of its cells; the loop task is owned by [`ShardActor`]. Supervised
//! by the root, permanent. Waits for nobody. A crash loses nothing: the list outlives the loop.

use crate::cell::{GROUP, SharedCell, touch_group};
use crate::env::Env;
use acequia_core::Timestamp;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Turns of one pass that begin, by the clock, at the same time.
const TURNS_A_READING: usize = 4;

/// Ready list and timers.
pub(crate) struct Shard {
    // Written under the lock; the loop looks at them without it.
    has_ready: AtomicBool,
    has_timers: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    ready: Vec<Arc<SharedCell>>,
    timers: BTreeMap<(Timestamp, u64), Weak<SharedCell>>,
    next_timer: u64,
    waker: Option<Waker>,
    // A timer earlier than the one the loop sleeps for was set.
    earlier: bool,
    closed: bool,
    // Which loop may run: a restarted actor's takes the list over from that of its predecessor.
    generation: u64,
}

/// What the loop does next.
enum Next {
    Run,
    Closed,
    TimersChanged,
}

impl Shard {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            has_ready: AtomicBool::new(false),
            has_timers: AtomicBool::new(false),
            inner: Mutex::default(),
        })
    }

    /// Put a cell on the ready list.
    pub(crate) fn enqueue(&self, cell: Arc<SharedCell>) {
        let mut inner = self.lock();
        if inner.closed {
            drop(inner);
            return cell.abandon();
        }
        inner.ready.push(cell);
        self.has_ready.store(true, Ordering::Relaxed);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Have a cell scheduled at `due`.
    pub(crate) fn set_timer(&self, due: Timestamp, cell: Arc<SharedCell>) {
        let mut inner = self.lock();
        let number = inner.next_timer;
        inner.next_timer += 1;
        inner.timers.insert((due, number), Arc::downgrade(&cell));
        self.has_timers.store(true, Ordering::Relaxed);
        let first = inner.timers.first_key_value().is_some_and(|(key, _)| *key == (due, number));
        inner.earlier |= first;
        let waker = if first { inner.waker.take() } else { None };
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Run nothing any more; who asks a cell of it learns that there is no answer.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let (waker, ready) = (inner.waker.take(), std::mem::take(&mut inner.ready));
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        for cell in ready {
            cell.abandon();
        }
    }

    /// The number of the loop that runs from now on; any other one ends.
    fn succeed(&self) -> u64 {
        let mut inner = self.lock();
        inner.generation += 1;
        let (generation, waker) = (inner.generation, inner.waker.take());
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        generation
    }

    /// End loop `generation`, unless another has taken its place.
    fn end(&self, generation: u64) {
        if self.lock().generation == generation {
            self.succeed();
        }
    }

    fn poll_next(&self, generation: u64, cx: &Context<'_>, into: &mut Vec<Arc<SharedCell>>) -> Poll<Next> {
        let mut inner = self.lock();
        if inner.closed || inner.generation != generation {
            return Poll::Ready(Next::Closed);
        }
        if !inner.ready.is_empty() {
            std::mem::swap(&mut inner.ready, into);
            self.has_ready.store(false, Ordering::Relaxed);
            return Poll::Ready(Next::Run);
        }
        if std::mem::take(&mut inner.earlier) {
            return Poll::Ready(Next::TimersChanged);
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Schedule the cells whose time has come; when the next one wants its turn.
    fn fire_timers(&self, now: Timestamp) -> Option<Timestamp> {
        let mut fired = Vec::new();
        let mut inner = self.lock();
        inner.earlier = false;
        while let Some(entry) = inner.timers.first_entry() {
            let (due, _) = *entry.key();
            if due > now {
                break;
            }
            fired.extend(entry.remove().upgrade().map(|cell| (cell, due)));
        }
        let next = inner.timers.first_key_value().map(|((due, _), _)| *due);
        self.has_timers.store(next.is_some(), Ordering::Relaxed);
        drop(inner);
        for (cell, due) in fired {
            cell.timer_fired(due);
        }
        next
    }

    fn has_ready(&self) -> bool {
        self.has_ready.load(Ordering::Relaxed)
    }

    fn has_timers(&self) -> bool {
        self.has_timers.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Run ready cells until closed. With `busy`, spin instead of sleeping.
    async fn run(self: Arc<Self>, env: Arc<Env>, busy: bool, generation: u64) {
        let mut batch = Pass { shard: &self, cells: Vec::new() };
        loop {
            let next_due = if self.has_timers() { self.fire_timers(env.now()) } else { None };
            match self.wait(next_due, &env, busy, generation, &mut batch.cells).await {
                Next::Closed => return,
                Next::TimersChanged => continue,
                Next::Run => {}
            }
            batch.run(&env);
            // Whoever was woken by this pass, a producer above all, gets the thread now. With nothing left
            // to run, waiting does that by itself.
            if self.has_ready() {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn wait(
        &self,
        next_due: Option<Timestamp>,
        env: &Env,
        busy: bool,
        generation: u64,
        batch: &mut Vec<Arc<SharedCell>>,
    ) -> Next {
        if busy {
            loop {
                if let Poll::Ready(next) =
                    self.poll_next(generation, &Context::from_waker(Waker::noop()), batch)
                {
                    return next;
                }
                if next_due.is_some_and(|due| due <= env.now()) {
                    return Next::TimersChanged;
                }
                tokio::task::yield_now().await;
            }
        }
        let ready = std::future::poll_fn(|cx| self.poll_next(generation, cx, batch));
        match next_due {
            None => ready.await,
            Some(due) => {
                let wait = due.since(env.now()).max(std::time::Duration::from_millis(1));
                tokio::select! {
                    biased;
                    next = ready => next,
                    () = tokio::time::sleep(wait) => Next::TimersChanged,
                }
            }
        }
    }
}

/// Cells of one pass that are still to run. If the pass ends early, by a panic above all, they go back
/// on the list: nobody else would put them there.
struct Pass<'a> {
    shard: &'a Shard,
    cells: Vec<Arc<SharedCell>>,
}

impl Pass<'_> {
    /// Run a turn of each cell.
    fn run(&mut self, env: &Env) {
        self.cells.reverse();
        let (mut now, mut turns, mut touched) = (Timestamp::ZERO, 0, 0);
        loop {
            if touched == 0 && self.cells.len() > 1 {
                touched = self.cells.len().min(GROUP);
                touch_group(&self.cells[self.cells.len() - touched..]);
            }
            let Some(cell) = self.cells.pop() else { return };
            touched = touched.saturating_sub(1);
            // A reading costs as much as a small turn: a few of one pass share it.
            if turns % TURNS_A_READING == 0 {
                now = env.now();
            }
            turns += 1;
            cell.try_turn(now);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        for cell in self.cells.drain(..).rev() {
            self.shard.enqueue(cell);
        }
    }
}

/// Owns the loop of one shard.
pub(crate) struct ShardActor;

/// What a shard is made from.
pub(crate) struct ShardArgs {
    pub(crate) shard: Arc<Shard>,
    pub(crate) env: Arc<Env>,
    pub(crate) thread: ShardThread,
}

/// Where the loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShardThread {
    /// On the engine's own runtime.
    Shared,
    /// On a thread with a runtime of its own.
    Own { number: usize, busy: bool },
}

pub(crate) enum ShardMsg {
    /// The loop ended, and was not asked to.
    LoopEnded,
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

pub(crate) struct ShardState {
    shard: Arc<Shard>,
    generation: u64,
}

// Not `post_stop`: after a panic or a kill, too, the loop must not go on without its actor.
impl Drop for ShardState {
    fn drop(&mut self) {
        self.shard.end(self.generation);
    }
}

impl Actor for ShardActor {
    type Msg = ShardMsg;
    type State = ShardState;
    type Arguments = ShardArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ShardMsg>,
        args: ShardArgs,
    ) -> Result<ShardState, ActorProcessingErr> {
        let generation = args.shard.succeed();
        let looped = LoopGuard { shard: Arc::clone(&args.shard), generation, actor: myself };
        let (shard, env) = (Arc::clone(&args.shard), Arc::clone(&args.env));
        match args.thread {
            ShardThread::Shared => {
                args.env.spawn(async move {
                    let _looped = looped;
                    shard.run(env, false, generation).await;
                });
            }
            ShardThread::Own { number, busy } => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
                std::thread::Builder::new().name(format!("acequia-shard-{number}")).spawn(move || {
                    let _looped = looped;
                    runtime.block_on(shard.run(env, busy, generation));
                })?;
            }
        }
        Ok(ShardState { shard: args.shard, generation })
    }

    async fn post_stop(
        &self,
        _: ActorRef<ShardMsg>,
        state: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        state.shard.close();
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<ShardMsg>,
        message: ShardMsg,
        _: &mut ShardState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // The supervisor starts a fresh loop over the same list.
            ShardMsg::LoopEnded => Err("the shard's loop ended".into()),
            #[cfg(feature = "testing")]
            ShardMsg::Fail { reason } => Err(reason.into()),
        }
    }
}

/// Tells the actor that the loop ended, however it did.
struct LoopGuard {
    shard: Arc<Shard>,
    generation: u64,
    actor: ActorRef<ShardMsg>,
}

impl Drop for LoopGuard {
    fn drop(&mut self) {
        let inner = self.shard.lock();
        let asked = inner.closed || inner.generation != self.generation;
        drop(inner);
        if !asked {
            let _ = self.actor.cast(ShardMsg::LoopEnded);
        }
    }
}
