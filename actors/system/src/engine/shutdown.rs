//! Ordered shutdown: refuse, stop sources, flush, drain within a deadline, report, tear down in reverse.

use super::{Engine, Ledger, Unsettled};
use crate::children::Stopped;
use crate::reconciler::request::{Request, Stop};
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
        self.inner.env.begin_stopping();
        self.inner.register.shut_down();
        for ring in self.inner.directory.cells().iter().flat_map(|cell| cell.rings()) {
            ring.refuse();
        }
        let (reply, answered) = tokio::sync::oneshot::channel();
        self.inner.desk.ask(Request::Shutdown { deadline, reply });
        let stop = match answered.await {
            Ok(stop) => stop,
            // Nobody is left to stop things in order: what there is, is told.
            Err(_) => {
                Stop { ledger: self.ledger().await, unsettled: self.unsettled().await, stopped: Vec::new() }
            }
        };
        self.inner.root.stop(None);
        let _ = self.inner.root.wait(Some(Duration::from_secs(1))).await;
        self.close_journal().await;
        let took = self.inner.env.now().since(began);
        ShutdownReport { ledger: stop.ledger, unsettled: stop.unsettled, stopped: stop.stopped, took }
    }

    /// Everything that was written is on disk, and the next start knows that nothing was cut off.
    async fn close_journal(&self) {
        let Some(journal) = self.inner.env.journal().map(|journal| journal.journal().clone()) else { return };
        let closed = self.inner.env.spawn_blocking(move || journal.close());
        if let Ok(Err(error)) = closed.await {
            tracing::error!(%error, "the journal was not closed in good order");
        }
    }
}
