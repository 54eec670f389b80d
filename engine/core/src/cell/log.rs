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
    /// The subscription's filter kept it back.
    Filtered,
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

/// The firings of one turn. Their rows, bases and durations lie in the log's flat queues.
#[derive(Clone, Copy)]
struct TurnRecord {
    first: u64,
    n: u32,
    cause: Cause,
    at: Timestamp,
}

/// Names a subscription to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription(u64);

/// Turns beyond retention that a subscription may hold before the reactor waits for it.
const HELD_FACTOR: u64 = 4;

/// The log of one reactor: flat queues, so that a reactor that seldom fires costs little memory and one
/// that fires a lot costs no allocation.
pub struct FiringLog {
    turns: VecDeque<TurnRecord>,
    /// Per firing and source: index of the value in its column.
    rows: VecDeque<u32>,
    /// Per turn and source: sequence number of index 0.
    bases: VecDeque<u64>,
    /// Per turn and graph: nanoseconds that its run took.
    took: VecDeque<u32>,
    /// The graphs from this firing on.
    epochs: VecDeque<(u64, Arc<[LoggedGraph]>)>,
    n_sources: usize,
    kept: u64,
    max_firings: u64,
    max_age: Duration,
    cursors: BTreeMap<Subscription, u64>,
    next_subscription: u64,
}

impl FiringLog {
    /// An empty log of a reactor with `n_sources`.
    pub fn new(n_sources: usize, max_firings: usize, max_age: Duration) -> Self {
        Self {
            turns: VecDeque::new(),
            rows: VecDeque::new(),
            bases: VecDeque::new(),
            took: VecDeque::new(),
            epochs: VecDeque::new(),
            n_sources,
            kept: 0,
            max_firings: max_firings as u64,
            max_age,
            cursors: BTreeMap::new(),
            next_subscription: 0,
        }
    }

    /// From firing `next` on these graphs are bound.
    pub(crate) fn bound(&mut self, next: u64, graphs: Arc<[LoggedGraph]>) {
        // Graphs that came and went without a firing between leave no trace.
        while self.epochs.back().is_some_and(|(from, _)| *from >= next) {
            self.epochs.pop_back();
        }
        self.epochs.push_back((next, graphs));
    }

    /// Append the firings of one turn. How long each graph took was noted by [`FiringLog::took`].
    pub(crate) fn append(
        &mut self,
        first: u64,
        cause: Cause,
        at: Timestamp,
        rows: &[u32],
        bases: impl Iterator<Item = u64>,
    ) {
        let n = u32::try_from(rows.len() / self.n_sources.max(1)).unwrap_or(u32::MAX);
        self.kept += u64::from(n);
        self.rows.extend(rows);
        self.bases.extend(bases);
        self.turns.push_back(TurnRecord { first, n, cause, at });
        self.retain(at);
    }

    /// The next graph, in the order of binding, took this long in the turn that is being appended.
    #[inline]
    pub(crate) fn took(&mut self, took: Duration) {
        self.took.push_back(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
    }

    /// Remove what retention no longer covers and no subscription needs.
    fn retain(&mut self, now: Timestamp) {
        let needed = self.cursors.values().min().copied().unwrap_or(u64::MAX);
        while let Some(oldest) = self.turns.front().copied() {
            let n = u64::from(oldest.n);
            let over = self.kept - n >= self.max_firings || now.since(oldest.at) > self.max_age;
            if !over || needed < oldest.first + n {
                break;
            }
            let graphs = self.graphs_at(oldest.first).map_or(0, |graphs| graphs.len());
            self.turns.pop_front();
            self.kept -= n;
            self.rows.drain(..oldest.n as usize * self.n_sources);
            self.bases.drain(..self.n_sources);
            self.took.drain(..graphs.min(self.took.len()));
            let next = oldest.first + n;
            while self.epochs.get(1).is_some_and(|(from, _)| *from <= next) {
                self.epochs.pop_front();
            }
        }
    }

    /// The graphs that were bound at firing `id`.
    fn graphs_at(&self, id: u64) -> Option<&Arc<[LoggedGraph]>> {
        let after = self.epochs.partition_point(|(from, _)| *from <= id);
        after.checked_sub(1).map(|at| &self.epochs[at].1)
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
        let records = self.from(cursor, max);
        if let Some(last) = records.last() {
            self.cursors.insert(subscription, last.id.0 + 1);
        }
        self.retain(now);
        records
    }

    /// The newest `n` firings, oldest first.
    pub fn last(&self, n: usize) -> Vec<FiringRecord> {
        let end = self.turns.back().map_or(0, |record| record.first + u64::from(record.n));
        self.from(end.saturating_sub(n as u64), n)
    }

    /// How many firings it keeps.
    pub fn len(&self) -> u64 {
        self.kept
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.kept == 0
    }

    /// Firings from number `from` on, at most `max`.
    fn from(&self, from: u64, max: usize) -> Vec<FiringRecord> {
        let mut records = Vec::new();
        let (mut row, mut base, mut took) = (0, 0, 0);
        for turn in &self.turns {
            let graphs = self.graphs_at(turn.first).cloned().unwrap_or_default();
            for id in from.max(turn.first)..turn.first + u64::from(turn.n) {
                if records.len() == max {
                    return records;
                }
                let at = row + usize::try_from(id - turn.first).unwrap_or(0) * self.n_sources;
                records.push(self.record(id, turn, at, base, &graphs, took));
            }
            row += turn.n as usize * self.n_sources;
            base += self.n_sources;
            took += graphs.len();
        }
        records
    }

    fn record(
        &self,
        id: u64,
        turn: &TurnRecord,
        row: usize,
        base: usize,
        graphs: &[LoggedGraph],
        took: usize,
    ) -> FiringRecord {
        let inputs = (0..self.n_sources)
            .map(|source| {
                let index = self.rows.get(row + source).copied().filter(|index| *index != ABSENT)?;
                Some(ItemId(self.bases.get(base + source)? + u64::from(index)))
            })
            .collect();
        let outcomes = graphs
            .iter()
            .enumerate()
            .map(|(at, graph)| SubscriberOutcome {
                graph: graph.name.clone(),
                package: graph.package.clone(),
                outcome: graph.delivery.outcome(FiringId(id)),
                took: Duration::from_nanos(u64::from(self.took.get(took + at).copied().unwrap_or(0)))
                    / turn.n.max(1),
            })
            .collect();
        FiringRecord { id: FiringId(id), cause: turn.cause, at: turn.at, inputs, outcomes }
    }
}
