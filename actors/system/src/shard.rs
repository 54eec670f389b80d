//! A shard: the loop that runs ready cells, one after another.
//!
//! Owns the ready list and the timers of its cells; the loop task is owned by [`ShardActor`]. Supervised
//! by the root, permanent. Waits for nobody. A crash loses nothing: the list outlives the loop.

use crate::cell::SharedCell;
use crate::env::Env;
use acequia_core::Timestamp;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Ready list and timers.
pub struct Shard {
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
}

/// What the loop does next.
enum Next {
    Run,
    Closed,
    TimersChanged,
}

impl Shard {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default() })
    }

    /// Put a cell on the ready list.
    pub(crate) fn enqueue(&self, cell: Arc<SharedCell>) {
        let mut inner = self.lock();
        inner.ready.push(cell);
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
        let first = inner.timers.first_key_value().is_some_and(|(key, _)| *key == (due, number));
        inner.earlier |= first;
        let waker = if first { inner.waker.take() } else { None };
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_next(&self, cx: &Context<'_>, into: &mut Vec<Arc<SharedCell>>) -> Poll<Next> {
        let mut inner = self.lock();
        if inner.closed {
            return Poll::Ready(Next::Closed);
        }
        if !inner.ready.is_empty() {
            std::mem::swap(&mut inner.ready, into);
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
        drop(inner);
        for (cell, due) in fired {
            cell.timer_fired(due);
        }
        next
    }

    fn has_timers(&self) -> bool {
        !self.lock().timers.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Run ready cells until closed. With `busy`, spin instead of sleeping.
    async fn run(self: Arc<Self>, env: Arc<Env>, busy: bool) {
        let mut batch: Vec<Arc<SharedCell>> = Vec::new();
        loop {
            let next_due = if self.has_timers() { self.fire_timers(env.now()) } else { None };
            match self.wait(next_due, &env, busy, &mut batch).await {
                Next::Closed => return,
                Next::TimersChanged => continue,
                Next::Run => {}
            }
            // The clock is read once a turn: the end of one is the start of the next.
            for cell in batch.drain(..) {
                cell.try_turn(env.now());
            }
            // Whoever was woken by this pass, a producer above all, gets the thread now.
            tokio::task::yield_now().await;
        }
    }

    async fn wait(
        &self,
        next_due: Option<Timestamp>,
        env: &Env,
        busy: bool,
        batch: &mut Vec<Arc<SharedCell>>,
    ) -> Next {
        if busy {
            loop {
                if let Poll::Ready(next) = self.poll_next(&Context::from_waker(Waker::noop()), batch) {
                    return next;
                }
                if next_due.is_some_and(|due| due <= env.now()) {
                    return Next::TimersChanged;
                }
                tokio::task::yield_now().await;
            }
        }
        let ready = std::future::poll_fn(|cx| self.poll_next(cx, batch));
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
}

pub(crate) struct ShardState {
    shard: Arc<Shard>,
    abort: Option<tokio::task::AbortHandle>,
}

impl Actor for ShardActor {
    type Msg = ShardMsg;
    type State = ShardState;
    type Arguments = ShardArgs;

    async fn pre_start(&self, myself: ActorRef<ShardMsg>, args: ShardArgs) -> Result<ShardState, ActorProcessingErr> {
        let looped = LoopGuard { shard: Arc::clone(&args.shard), actor: myself };
        let (shard, env) = (Arc::clone(&args.shard), Arc::clone(&args.env));
        let abort = match args.thread {
            ShardThread::Shared => {
                let task = args.env.spawn(async move {
                    let _looped = looped;
                    shard.run(env, false).await;
                });
                Some(task.abort_handle())
            }
            ShardThread::Own { number, busy } => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
                std::thread::Builder::new().name(format!("acequia-shard-{number}")).spawn(move || {
                    let _looped = looped;
                    runtime.block_on(shard.run(env, busy));
                })?;
                None
            }
        };
        Ok(ShardState { shard: args.shard, abort })
    }

    async fn post_stop(&self, _: ActorRef<ShardMsg>, state: &mut ShardState) -> Result<(), ActorProcessingErr> {
        state.shard.close();
        if let Some(abort) = &state.abort {
            abort.abort();
        }
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
        }
    }
}

/// Tells the actor that the loop ended, however it did.
struct LoopGuard {
    shard: Arc<Shard>,
    actor: ActorRef<ShardMsg>,
}

impl Drop for LoopGuard {
    fn drop(&mut self) {
        if !self.shard.lock().closed {
            let _ = self.actor.cast(ShardMsg::LoopEnded);
        }
    }
}
