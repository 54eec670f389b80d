//! What the reconciler did, step by step: to the log, to counters, and to whoever subscribed.

use acequia_core::id::PackageName;
use acequia_core::package::Version;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

/// What happened to a step, or to a whole package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepPhase {
    /// It is part of a plan.
    Planned,
    /// It is there, and dormant.
    Prepared,
    /// Its package is loaded, or unloaded, from here on.
    Committed,
    /// It works.
    Activated,
    /// It is gone.
    Dropped,
    /// The plan was refused, or failed before it was committed.
    Refused,
}

/// One event of a load or an unload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEvent {
    /// Number of the transaction; events with the same number belong together.
    pub transaction: u64,
    /// The package.
    pub package: PackageName,
    /// Its version, where known.
    pub version: Option<Version>,
    /// What it is about, as `reactor PriceReactor`; none for the package as a whole.
    pub step: Option<String>,
    /// What happened.
    pub phase: StepPhase,
    /// Why, or with what result.
    pub detail: Option<String>,
}

impl fmt::Display for StepEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step.as_deref().map(|step| format!("{step} of ")).unwrap_or_default();
        write!(f, "{step}package {} {:?}", self.package, self.phase)?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

/// How many events of each phase there have been.
#[derive(Debug, Default)]
pub struct StepCounters {
    counts: [AtomicU64; 6],
}

impl StepCounters {
    /// How many events of `phase` there have been.
    pub fn get(&self, phase: StepPhase) -> u64 {
        self.counts[phase as usize].load(Ordering::Relaxed)
    }
}

/// Follows the events of an engine's reconciler.
pub struct StepEvents {
    receiver: broadcast::Receiver<StepEvent>,
    missed: u64,
}

impl StepEvents {
    /// The next event; `None` once the engine is gone. Whoever reads slowly misses events, which
    /// [`StepEvents::missed`] counts.
    pub async fn next(&mut self) -> Option<StepEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(n)) => self.missed += n,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// The next event, if one waits.
    pub fn try_next(&mut self) -> Option<StepEvent> {
        loop {
            match self.receiver.try_recv() {
                Ok(event) => return Some(event),
                Err(broadcast::error::TryRecvError::Lagged(n)) => self.missed += n,
                Err(_) => return None,
            }
        }
    }

    /// How many events this subscription has missed.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

/// Events kept for a subscriber that reads slowly.
const KEPT: usize = 4096;

/// Where events go.
pub(crate) struct EventSink {
    sender: broadcast::Sender<StepEvent>,
    counters: StepCounters,
}

impl Default for EventSink {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(KEPT), counters: StepCounters::default() }
    }
}

impl EventSink {
    pub(crate) fn subscribe(&self) -> StepEvents {
        StepEvents { receiver: self.sender.subscribe(), missed: 0 }
    }

    pub(crate) fn counters(&self) -> &StepCounters {
        &self.counters
    }

    pub(crate) fn send(&self, event: StepEvent) {
        self.counters.counts[event.phase as usize].fetch_add(1, Ordering::Relaxed);
        let (package, transaction) = (&event.package, event.transaction);
        let (step, detail) = (event.step.as_deref(), event.detail.as_deref());
        tracing::info!(%package, transaction, step, phase = ?event.phase, detail, "reconciler step");
        // Nobody may listen.
        let _ = self.sender.send(event);
    }
}
