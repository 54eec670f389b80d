//! The ledger of the whole engine, and what is open.

use super::Engine;
use acequia_core::Timestamp;
use acequia_core::cell::{EdgeKind, EdgeName, Open};
use acequia_core::ledger::{Entry, Imbalance};
use std::time::Duration;

/// Times that nothing is found open while something moves.
const LOOKS: usize = 8;

/// Every edge with its figures, at a turn boundary of its cell.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// One entry an edge, cell by cell.
    pub edges: Vec<(EdgeName, Entry)>,
}

impl Ledger {
    /// Check every edge.
    ///
    /// # Errors
    /// The first edge that does not balance, with its figures.
    pub fn check(&self) -> Result<(), (EdgeName, Imbalance)> {
        for (edge, entry) in &self.edges {
            entry.check().map_err(|imbalance| (edge.clone(), imbalance))?;
        }
        Ok(())
    }

    /// The sum over the event edges: what users pushed, and what became of it.
    pub fn events(&self) -> Entry {
        self.sum(|kind| matches!(kind, EdgeKind::Events(_)))
    }

    /// The sum over the edges that `which` names.
    pub fn sum(&self, which: impl Fn(&EdgeKind) -> bool) -> Entry {
        let mut sum = Entry::default();
        for (_, entry) in self.edges.iter().filter(|(edge, _)| which(&edge.kind)) {
            sum += *entry;
        }
        sum
    }

    /// The entry of one edge, by its printed name.
    pub fn edge(&self, name: &str) -> Option<Entry> {
        self.edges.iter().find(|(edge, _)| edge.to_string() == name).map(|(_, entry)| *entry)
    }
}

impl std::fmt::Display for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (edge, entry) in &self.edges {
            writeln!(f, "{edge}: {entry}")?;
        }
        Ok(())
    }
}

/// Items open at one place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UnsettledItem {
    /// Place and first item: stable while it is open.
    pub id: String,
    /// The edge.
    pub source: String,
    /// How many items.
    pub n: u64,
    /// Whether somebody works on them.
    pub claimed: bool,
    /// Since when the oldest is there: milliseconds since the engine's start, where known.
    pub queued_at_ms: Option<i64>,
    /// How long that is, where known.
    pub age_ms: Option<u64>,
}

/// What is open, by section.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Unsettled {
    /// Firings that somebody works on.
    pub in_flight: Vec<UnsettledItem>,
    /// Items that wait in rings, buffers and queues.
    pub pending: Vec<UnsettledItem>,
}

impl Unsettled {
    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty() && self.pending.is_empty()
    }

    /// How many items are open.
    pub fn n(&self) -> u64 {
        self.in_flight.iter().chain(&self.pending).map(|item| item.n).sum()
    }

    /// What is open at `now`.
    pub(crate) fn of(open: Vec<Open>, now: Timestamp) -> Self {
        let mut unsettled = Self::default();
        for open in open {
            unsettled.add(open, now);
        }
        unsettled
    }

    fn add(&mut self, open: Open, now: Timestamp) {
        let claimed_firing = open.claimed && matches!(open.edge.kind, EdgeKind::Deliveries(_));
        let item = UnsettledItem {
            id: format!("{}{}", open.edge, if open.claimed { "/in hand" } else { "" }),
            source: open.edge.to_string(),
            n: open.n,
            claimed: open.claimed,
            queued_at_ms: open.since.map(Timestamp::as_millis),
            age_ms: open.since.map(|since| u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX)),
        };
        if claimed_firing { self.in_flight.push(item) } else { self.pending.push(item) }
    }
}

impl std::fmt::Display for Unsettled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("no unsettled work");
        }
        let count = |items: &[UnsettledItem]| items.iter().map(|item| item.n).sum::<u64>();
        write!(f, "in flight {}, pending {}", count(&self.in_flight), count(&self.pending))
    }
}

impl Engine {
    /// The ledger, each cell read at a turn boundary of its own. What was unloaded is still in it.
    pub async fn ledger(&self) -> Ledger {
        Ledger { edges: self.inner.directory.ledger().await }
    }

    /// What is open, place by place.
    pub async fn unsettled(&self) -> Unsettled {
        Unsettled::of(self.open_items().await, self.inner.env.now())
    }

    /// Cells are read one after the other: an item that passes between two of them meanwhile is in neither, but
    /// was accepted anew. So where nothing is found, and something was accepted, they are read again: a few times, since
    /// under load that is handled as fast as it comes there is always something.
    pub(crate) async fn open_items(&self) -> Vec<Open> {
        let mut before = self.accepted().await;
        let mut open = Vec::new();
        for _ in 0..LOOKS {
            open = self.inner.directory.open().await;
            let after = self.accepted().await;
            if !open.is_empty() || after == before {
                break;
            }
            before = after;
        }
        open
    }

    /// Wait until nothing is open that could still move, or `limit` has passed; true if so.
    ///
    /// Boundaries that wait for a partner which never came cannot move by themselves.
    pub async fn settled(&self, limit: Duration) -> bool {
        let deadline = self.inner.env.now().after(limit);
        let mut pause = Duration::from_micros(100);
        loop {
            let before = self.accepted().await;
            let open = self.inner.directory.open().await;
            let at_rest = open.iter().all(|open| matches!(open.edge.kind, EdgeKind::Boundaries(_)));
            // As in `open_items`; what waits for a partner does not hide what passes.
            if at_rest && self.accepted().await == before {
                return true;
            }
            if self.inner.env.now() >= deadline {
                return false;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// Items accepted at all edges.
    async fn accepted(&self) -> u64 {
        self.ledger().await.edges.iter().map(|(_, entry)| entry.accepted).sum()
    }
}
