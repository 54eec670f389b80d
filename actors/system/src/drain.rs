//! Draining: what was accepted is worked off, and what is held is flushed, the first in the flow first.

use crate::books::{ledger_of, open_of};
use crate::cell::SharedCell;
use crate::env::Env;
use acequia_core::Timestamp;
use acequia_core::cell::{EdgeKind, Open};
use acequia_core::id::ReactorName;
use acequia_core::reconcile::{Feed, Shares, path};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Some cells that take in nothing new, and are to come to rest.
pub(crate) struct Drain {
    pub(crate) cells: Vec<Arc<SharedCell>>,
    pub(crate) feeds: BTreeSet<Feed>,
    pub(crate) shares: Shares,
    pub(crate) env: Arc<Env>,
}

impl Drain {
    /// Let everything come to rest before `end`. A window that is flushed before its last events have come
    /// would close twice.
    pub(crate) async fn run(&self, end: Timestamp) {
        let mut stuck: HashSet<ReactorName> = HashSet::new();
        while self.at_rest(end).await {
            let mut holders = self.holders().await;
            holders.retain(|cell| !stuck.contains(cell.name()));
            let feeds = |from: &Arc<SharedCell>, to: &Arc<SharedCell>| {
                from.name() != to.name() && path(&self.feeds, &self.shares, from.name(), to.name()).is_some()
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
        for cell in &self.cells {
            let held =
                cell.ask(|state, _| (state.open().iter().any(|open| open.held > 0), Default::default()));
            if held.await.unwrap_or(false) {
                holders.push(Arc::clone(cell));
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
            let (mut flushing, mut rests) = (false, true);
            for cell in &self.cells {
                let asked = cell.ask(|state, _| (state.is_flush_asked(), Default::default()));
                flushing |= asked.await.unwrap_or(false);
                rests &= open_of(cell).await.iter().all(is_at_rest);
            }
            if !flushing && rests && self.progress().await == before {
                return true;
            }
            if self.env.now() >= end {
                return false;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// A figure that grows with everything that happens.
    async fn progress(&self) -> u64 {
        let mut sum = 0;
        for cell in &self.cells {
            sum +=
                ledger_of(cell).await.iter().map(|(_, entry)| entry.accepted + entry.settled()).sum::<u64>();
        }
        sum
    }
}

/// Boundaries wait for partners, and what is held waits for a flush; all else moves by itself.
fn is_at_rest(open: &Open) -> bool {
    matches!(open.edge.kind, EdgeKind::Boundaries(_)) || open.n == open.held
}
