//! Ordered shutdown: refuse, stop sources, flush, drain within a deadline, report, tear down in reverse.

use super::{Engine, Ledger, Unsettled};
use crate::cell::SharedCell;
use crate::children::Stopped;
use crate::root::RootMsg;
use acequia_core::Timestamp;
use acequia_core::cell::{EdgeKind, Open};
use acequia_core::id::ReactorName;
use std::collections::HashSet;
use std::sync::Arc;
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

    /// Let everything come to rest, then flush what is held, the first in the flow first. A window that
    /// is flushed before its last events have come would close twice.
    async fn drain(&self, end: Timestamp) {
        let mut stuck: HashSet<ReactorName> = HashSet::new();
        while self.at_rest(end).await {
            let mut holders = self.holders().await;
            holders.retain(|cell| !stuck.contains(cell.name()));
            let feeds = |from: &Arc<SharedCell>, to: &Arc<SharedCell>| {
                from.name() != to.name() && self.path(from.name(), to.name()).is_some()
            };
            let first = holders.iter().filter(|to| !holders.iter().any(|from| feeds(from, to)));
            let first: Vec<_> = first.cloned().collect();
            if first.is_empty() {
                return;
            }
            let before = self.progress().await;
            for cell in &first {
                cell.post(|state, _| {
                    state.ask_flush();
                    Default::default()
                });
            }
            if !self.at_rest(end).await {
                return;
            }
            if self.progress().await == before {
                stuck.extend(first.iter().map(|cell| cell.name().clone()));
            }
        }
    }

    /// Cells whose accumulators hold something until a flush.
    async fn holders(&self) -> Vec<Arc<SharedCell>> {
        let mut holders = Vec::new();
        for cell in self.inner.directory.cells() {
            let held =
                cell.ask(|state, _| (state.open().iter().any(|open| open.held > 0), Default::default()));
            if held.await.unwrap_or(false) {
                holders.push(cell);
            }
        }
        holders
    }

    /// Wait until nothing moves without a flush; false if that was not before `end`.
    async fn at_rest(&self, end: Timestamp) -> bool {
        let mut pause = Duration::from_micros(100);
        loop {
            // What passes from one cell to another between two looks shows in the figures.
            let before = self.progress().await;
            let mut flushing = false;
            for cell in self.inner.directory.cells() {
                let asked = cell.ask(|state, _| (state.is_flush_asked(), Default::default()));
                flushing |= asked.await.unwrap_or(false);
            }
            let rests =
                |open: &Open| matches!(open.edge.kind, EdgeKind::Boundaries(_)) || open.n == open.held;
            if !flushing && self.open().await.iter().all(rests) && self.progress().await == before {
                return true;
            }
            if self.inner.env.now() >= end {
                return false;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// A figure that grows with everything that happens.
    async fn progress(&self) -> u64 {
        self.ledger().await.edges.iter().map(|(_, entry)| entry.accepted + entry.settled()).sum()
    }
}
