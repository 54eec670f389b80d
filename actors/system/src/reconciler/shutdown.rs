//! Shutdown: sources stop, everything drains, what is left is reported, packages go in reverse.

use super::Reconciler;
use super::request::Stop;
use crate::drain::Drain;
use crate::engine::{Ledger, Unsettled};
use crate::package::PackageMsg;
use crate::root::RootMsg;
use std::sync::Arc;
use std::time::Duration;

/// How long a child may take to stop.
const PATIENCE: Duration = Duration::from_secs(1);

impl Reconciler {
    /// Handles refuse already. What was accepted is worked off until `deadline`.
    pub(super) async fn shutdown(&self, deadline: Duration) -> Stop {
        let end = self.args.env.now().after(deadline);
        let members = self.args.desk.all_members();
        for members in &members {
            self.ask_package(members.name(), |reply| PackageMsg::StopSources { reply }).await;
        }
        let actual = self.args.desk.actual();
        let drain = Drain {
            cells: self.args.directory.cells(),
            feeds: (*actual.feeds).clone(),
            shares: (*actual.shares).clone(),
            env: Arc::clone(&self.args.env),
        };
        drain.run(end).await;
        // The next start has nothing to go through again.
        for cell in &drain.cells {
            let own = Arc::clone(cell);
            let written = cell.ask(move |state, cx| {
                own.checkpoint(state, cx.now);
                ((), Default::default())
            });
            let _ = tokio::time::timeout(PATIENCE, written).await;
        }
        for ring in drain.cells.iter().flat_map(|cell| cell.rings()) {
            ring.close();
        }
        let ledger = Ledger { edges: self.args.directory.ledger().await };
        let unsettled = Unsettled::of(self.args.directory.open().await, self.args.env.now());
        if !unsettled.is_empty() {
            tracing::warn!(%unsettled, "shutdown leaves work");
        }
        let stopped = self.ask_root(|reply| RootMsg::StopPackages { deadline: PATIENCE, reply }).await;
        members.iter().for_each(|members| members.package().stop());
        self.args.directory.forget(&members);
        Stop { ledger, unsettled, stopped: stopped.unwrap_or_default() }
    }
}
