//! The firing log: what fired, from which inputs, with which outcome per subscriber.
//!
//! Written once a turn, after execution; read lazily. Retention is by count and by age, and never
//! removes what an unfinished subscription still needs: rather than that, the reactor waits.

use super::delivery::Delivery;
use crate::fault::Failure;
use crate::graph::ABSENT;
use crate::id::{FiringId, GraphName, ItemId, PackageName};
use crate::ledger::Dropped;
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How a firing ended for one subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every node ran.
    Completed,
    /// It was delivered and has not ended.
    Delivered,
    /// It failed as often as allowed.
    Failed(Failure),
    /// Its deadline passed.
    TimedOut,
    /// A newer firing took its place on the way.
    Superseded,
    /// It was given up.
    Dropped(Dropped),
}

/// Why a firing took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its criteria were met.
    Criteria,
    /// Somebody said `fire`.
    Fire,
    /// Somebody said `fire_with`.
    FireWith,
}

/// One subscriber's share in one firing.
#[derive(Debug, Clone)]
pub struct SubscriberOutcome {
    /// The graph.
    pub graph: GraphName,
    /// Its package.
    pub package: PackageName,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took in the cell, averaged over its turn; zero where it ran elsewhere.
    pub took: Duration,
}

/// One firing, as the log tells it.
#[derive(Debug, Clone)]
pub struct FiringRecord {
    /// Its number.
    pub id: FiringId,
    /// Why it took place.
    pub cause: Cause,
    /// When its turn began, by the engine's clock.
    pub at: Timestamp,
    /// Boundary of each source that it saw: its position in the source's edge.
    pub inputs: Vec<Option<ItemId>>,
    /// One entry a subscriber.
    pub outcomes: Vec<SubscriberOutcome>,
}

/// A subscriber as the log remembers it.
#[derive(Clone)]
pub(crate) struct LoggedGraph {
    pub(crate) name: GraphName,
    pub(crate) package: PackageName,
    pub(crate) delivery: Arc<Delivery>,
}

/// The firings of one turn.
pub(crate) struct TurnRecord {
    pub(crate) first: u64,
    pub(crate) n: u64,
    pub(crate) cause: Cause,
    pub(crate) at: Timestamp,
    pub(crate) rows: Vec<u32>,
    pub(crate) bases: Vec<u64>,
    pub(crate) graphs: Arc<[LoggedGraph]>,
    /// Per graph: how long its run took, and up to which firing it ran in the cell.
    pub(crate) took: Vec<(Duration, u64)>,
}

/// Names a subscription to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription(u64);

/// Turns beyond retention that a subscription may hold before the reactor waits for it.
const HELD_FACTOR: u64 = 4;

/// The log of one reactor.
pub struct FiringLog {
    turns: VecDeque<TurnRecord>,
    kept: u64,
    max_firings: u64,
    max_age: Duration,
    cursors: BTreeMap<Subscription, u64>,
    next_subscription: u64,
    spare: Vec<TurnRecord>,
}

impl FiringLog {
    /// An empty log.
    pub fn new(max_firings: usize, max_age: Duration) -> Self {
        Self {
            turns: VecDeque::new(),
            kept: 0,
            max_firings: max_firings as u64,
            max_age,
            cursors: BTreeMap::new(),
            next_subscription: 0,
            spare: Vec::new(),
        }
    }

    /// An empty record with buffers that were used before.
    pub(crate) fn blank(&mut self, graphs: &Arc<[LoggedGraph]>) -> TurnRecord {
        let (mut rows, mut bases, mut took) = match self.spare.pop() {
            Some(record) => (record.rows, record.bases, record.took),
            None => Default::default(),
        };
        rows.clear();
        bases.clear();
        took.clear();
        let graphs = Arc::clone(graphs);
        TurnRecord { first: 0, n: 0, cause: Cause::Criteria, at: Timestamp::ZERO, rows, bases, graphs, took }
    }

    /// Append the firings of one turn.
    pub(crate) fn append(&mut self, record: TurnRecord) {
        self.kept += record.n;
        let now = record.at;
        self.turns.push_back(record);
        self.retain(now);
    }

    /// Remove what retention no longer covers and no subscription needs.
    fn retain(&mut self, now: Timestamp) {
        let needed = self.cursors.values().min().copied().unwrap_or(u64::MAX);
        while let Some(oldest) = self.turns.front() {
            let over = self.kept - oldest.n >= self.max_firings || now.since(oldest.at) > self.max_age;
            if !over || needed < oldest.first + oldest.n {
                break;
            }
            if let Some(record) = self.turns.pop_front() {
                self.kept -= record.n;
                if self.spare.len() < 2 {
                    self.spare.push(record);
                }
            }
        }
    }

    /// Whether a subscription is so far behind that the reactor must wait for it.
    pub fn is_held(&self) -> bool {
        !self.cursors.is_empty() && self.kept > HELD_FACTOR * self.max_firings.max(1024)
    }

    /// Follow the log from the next firing on.
    pub fn subscribe(&mut self, next: FiringId) -> Subscription {
        let subscription = Subscription(self.next_subscription);
        self.next_subscription += 1;
        self.cursors.insert(subscription, next.0);
        subscription
    }

    /// Stop following.
    pub fn unsubscribe(&mut self, subscription: Subscription, now: Timestamp) {
        self.cursors.remove(&subscription);
        self.retain(now);
    }

    /// The next firings of a subscription, at most `max`; they count as seen.
    pub fn read(&mut self, subscription: Subscription, max: usize, now: Timestamp) -> Vec<FiringRecord> {
        let Some(cursor) = self.cursors.get(&subscription).copied() else { return Vec::new() };
        let records: Vec<FiringRecord> = self.iter_from(cursor).take(max).collect();
        if let Some(last) = records.last() {
            self.cursors.insert(subscription, last.id.0 + 1);
        }
        self.retain(now);
        records
    }

    /// The newest `n` firings, oldest first.
    pub fn last(&self, n: usize) -> Vec<FiringRecord> {
        let end = self.turns.back().map_or(0, |record| record.first + record.n);
        self.iter_from(end.saturating_sub(n as u64)).collect()
    }

    /// How many firings it keeps.
    pub fn len(&self) -> u64 {
        self.kept
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.kept == 0
    }

    fn iter_from(&self, from: u64) -> impl Iterator<Item = FiringRecord> {
        let start = self.turns.partition_point(|record| record.first + record.n <= from);
        self.turns.iter().skip(start).flat_map(move |record| {
            (from.max(record.first)..record.first + record.n).map(|id| record.firing(id))
        })
    }
}

impl TurnRecord {
    fn firing(&self, id: u64) -> FiringRecord {
        let stride = self.bases.len();
        let at = usize::try_from(id - self.first).unwrap_or(0) * stride;
        let row = self.rows.get(at..at + stride).unwrap_or_default();
        let inputs = row
            .iter()
            .zip(&self.bases)
            .map(|(index, base)| (*index != ABSENT).then(|| ItemId(base + u64::from(*index))))
            .collect();
        let outcomes = self
            .graphs
            .iter()
            .zip(&self.took)
            .map(|(graph, (took, ran))| SubscriberOutcome {
                graph: graph.name.clone(),
                package: graph.package.clone(),
                outcome: graph.delivery.outcome(FiringId(id), *ran),
                took: *took / u32::try_from(self.n.max(1)).unwrap_or(u32::MAX),
            })
            .collect();
        FiringRecord { id: FiringId(id), cause: self.cause, at: self.at, inputs, outcomes }
    }
}
