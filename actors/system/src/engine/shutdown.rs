//! Ordered shutdown: refuse, stop sources, flush, drain within a deadline, report, tear down in reverse.

use super::{Engine, Ledger, Unsettled};
use crate::children::Stopped;
use crate::root::RootMsg;
use std::time::Duration;

/// What a shutdown did, and what it left.
#[derive(Debug, Clone)]
pub struct ShutdownReport {
    /// Every edge, after the drain.
    pub ledger: Ledger,
    /// What was still open when the deadline came.
    pub unsettled: Unsettled,
    /// The children that were stopped, in that order: the reverse of their start.
    pub stopped: Vec<Stopped>,
    /// How long it took.
    pub took: Duration,
}

impl Engine {
    /// Stop the engine. New work is refused at once; what was accepted is worked off until `deadline`;
    /// what is then open is reported. A second call reports an empty tree.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let began = self.inner.env.now();
        let end = began.after(deadline);
        self.inner.env.begin_stopping();
        for ring in self.inner.directory.cells().iter().flat_map(|cell| cell.rings()) {
            ring.refuse();
        }
        let _one = self.inner.deploying.lock().await;
        self.ask_root(|reply| RootMsg::StopSources { reply }).await;
        self.drain(end).await;
        for cell in self.inner.directory.cells() {
            for ring in cell.rings() {
                ring.close();
            }
        }
        let (ledger, unsettled) = (self.ledger().await, self.unsettled().await);
        if !unsettled.is_empty() {
            tracing::warn!(%unsettled, "shutdown leaves work");
        }
        let patience = Duration::from_secs(1);
        let stopped = self.ask_root(|reply| RootMsg::StopPackages { deadline: patience, reply }).await;
        self.inner.root.stop(None);
        let _ = self.inner.root.wait(Some(patience)).await;
        let took = self.inner.env.now().since(began);
        ShutdownReport { ledger, unsettled, stopped: stopped.unwrap_or_default(), took }
    }

    /// Flush and wait, until a flush yields nothing new.
    async fn drain(&self, end: acequia_core::Timestamp) {
        loop {
            let before = self.progress().await;
            for cell in self.inner.directory.cells() {
                cell.post(|state, _| {
                    state.ask_flush();
                    Default::default()
                });
            }
            let left = end.since(self.inner.env.now());
            if !self.settled(left).await || self.progress().await == before {
                return;
            }
        }
    }

    /// A figure that grows with everything that happens.
    async fn progress(&self) -> u64 {
        self.ledger().await.edges.iter().map(|(_, entry)| entry.accepted + entry.settled()).sum()
    }
}
