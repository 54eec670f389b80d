//! Commands to a reactor.

use super::Engine;
use crate::cell::SharedCell;
use crate::reactor::{Link, ReactorMsg};
use acequia_core::cell::{FireError, FiringRecord, Subscription};
use acequia_core::column::{AnyColumn, Column};
use acequia_core::health::Health;
use acequia_core::id::{AccumulatorName, FiringId, GraphName, ReactorName};
use acequia_core::payload::Payload;
use ractor::RpcReplyPort;
use ractor::rpc::CallResult;
use std::sync::Arc;

/// Values to lay over the cache for one firing.
#[derive(Default)]
pub struct FireInput {
    values: Vec<(AccumulatorName, Box<dyn AnyColumn>)>,
}

impl FireInput {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of one source.
    #[must_use]
    pub fn with<T: Payload>(mut self, accumulator: impl Into<AccumulatorName>, value: T) -> Self {
        self.values.push((accumulator.into(), Box::new(Column::of(value))));
        self
    }
}

/// Commands to one reactor.
#[derive(Clone)]
pub struct ReactorHandle {
    engine: Engine,
    name: ReactorName,
}

impl ReactorHandle {
    pub(super) fn new(engine: Engine, name: ReactorName) -> Self {
        Self { engine, name }
    }

    /// Fire now, with the cache as it is, whatever the criteria say. Under `latest` this takes what is
    /// dirty with it; under `sequential` the queues stay as they are.
    ///
    /// # Errors
    /// [`FireError`], with the reason.
    pub async fn fire(&self) -> Result<FiringId, FireError> {
        self.fire_with(FireInput::new()).await
    }

    /// Fire now, with these inputs laid over the cache for this firing only.
    ///
    /// # Errors
    /// [`FireError`], with the reason.
    pub async fn fire_with(&self, inputs: FireInput) -> Result<FiringId, FireError> {
        let reactor = self.name.clone();
        let inputs = inputs.values;
        self.call(|reply| ReactorMsg::Fire { inputs, reply })
            .await
            .unwrap_or(Err(FireError::Gone { reactor }))
    }

    /// Stop firing; events are accepted and remembered. Survives a restart of the reactor.
    pub async fn pause(&self) {
        self.call(|reply| ReactorMsg::Pause { reply }).await;
    }

    /// Fire again; what is pending fires at once.
    pub async fn resume(&self) {
        self.call(|reply| ReactorMsg::Resume { reply }).await;
    }

    /// Let its batch and window accumulators flush.
    pub async fn flush(&self) {
        self.call(|reply| ReactorMsg::Flush { reply }).await;
    }

    /// Cache, flags, queues, subscribers and last firings, as JSON.
    pub async fn inspect(&self) -> serde_json::Value {
        self.call(|reply| ReactorMsg::Inspect { reply }).await.unwrap_or_default()
    }

    /// Bound graphs, and what holds each one's seat.
    pub async fn subscribers(&self) -> Vec<(GraphName, Link)> {
        self.call(|reply| ReactorMsg::Subscribers { reply }).await.unwrap_or_default()
    }

    /// Its health.
    pub async fn health(&self) -> Health {
        let gone = || Health::Quarantined { reason: "the reactor is gone".to_owned() };
        match self.cell() {
            Some(cell) => crate::package::health(&cell).await.unwrap_or_else(gone),
            None => gone(),
        }
    }

    /// The newest `n` firings, oldest first.
    pub async fn firings(&self, n: usize) -> Vec<FiringRecord> {
        let Some(cell) = self.cell() else { return Vec::new() };
        cell.ask(move |state, _| (state.log().last(n), Default::default())).await.unwrap_or_default()
    }

    /// How many firings there have been.
    pub async fn n_firings(&self) -> u64 {
        let Some(cell) = self.cell() else { return 0 };
        cell.ask(|state, _| (state.n_firings(), Default::default())).await.unwrap_or_default()
    }

    /// Follow the firing log from the next firing on. What a subscription has not read is kept; one that
    /// falls far behind makes the reactor wait.
    pub async fn follow(&self) -> Option<FiringStream> {
        let cell = self.cell()?;
        let subscription = cell
            .ask(|state, _| {
                let next = FiringId(state.n_firings());
                (state.log().subscribe(next), Default::default())
            })
            .await?;
        Some(FiringStream { cell, subscription })
    }

    pub(crate) fn cell(&self) -> Option<Arc<SharedCell>> {
        self.engine.inner.directory.reactors.get(&self.name).map(|entry| Arc::clone(&entry.cell))
    }

    async fn call<R: Send + 'static>(
        &self,
        message: impl FnOnce(RpcReplyPort<R>) -> ReactorMsg,
    ) -> Option<R> {
        let actor = self.engine.inner.directory.reactors.get(&self.name)?.actor.clone()?;
        let deadline = self.engine.inner.env.settings.call_deadline;
        match actor.call(message, Some(deadline)).await {
            Ok(CallResult::Success(answer)) => Some(answer),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Follows the firings of one reactor.
pub struct FiringStream {
    cell: Arc<SharedCell>,
    subscription: Subscription,
}

impl FiringStream {
    /// The next firings, at most `max`; empty if there are none yet.
    pub async fn read(&mut self, max: usize) -> Vec<FiringRecord> {
        let subscription = self.subscription;
        let read =
            self.cell.ask(move |state, cx| (state.log().read(subscription, max, cx.now), Default::default()));
        read.await.unwrap_or_default()
    }
}

impl Drop for FiringStream {
    fn drop(&mut self) {
        let subscription = self.subscription;
        self.cell.post(move |state, cx| {
            state.log().unsubscribe(subscription, cx.now);
            Default::default()
        });
    }
}
