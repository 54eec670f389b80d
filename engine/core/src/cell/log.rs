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
    /// Boundary of each source that it saw: its position in the source's edge; none for a value that was
    /// given by hand.
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

/// The firings of one turn. In the log's queue these words are followed by the rows, two indices a word,
/// and by one word a graph: the nanoseconds that its run took.
#[derive(Clone, Copy)]
struct TurnRecord {
    first: u64,
    at: Timestamp,
    n: u32,
    n_graphs: u32,
    cause: Cause,
}

/// Words of a record before the sequence numbers of index 0, one a source.
const HEADER: usize = 3;

impl TurnRecord {
    fn words(self) -> [u64; HEADER] {
        let cause = self.cause as u64;
        let counts = u64::from(self.n) << 32 | u64::from(self.n_graphs) << 2 | cause;
        [self.first, self.at.as_nanos().cast_unsigned(), counts]
    }

    fn from_words([first, at, counts]: [u64; HEADER]) -> Self {
        let cause = match counts & 3 {
            0 => Cause::Criteria,
            1 => Cause::Fire,
            _ => Cause::FireWith,
        };
        let low = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self {
            first,
            at: Timestamp::from_nanos(at.cast_signed()),
            n: low(counts >> 32),
            n_graphs: low(counts) >> 2,
            cause,
        }
    }

    /// Words of its rows.
    fn row_words(self, n_sources: usize) -> usize {
        (self.n as usize * n_sources).div_ceil(2)
    }

    /// Words in all.
    fn len(self, n_sources: usize) -> usize {
        HEADER + n_sources + self.row_words(n_sources) + self.n_graphs as usize
    }
}

/// Names a subscription to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription(u64);

/// Turns beyond retention that a subscription may hold before the reactor waits for it.
const HELD_FACTOR: u64 = 4;

/// The log of one reactor: one flat queue, so that a reactor that seldom fires costs little memory, one
/// that fires a lot costs no allocation, and a turn touches one place.
pub struct FiringLog {
    words: VecDeque<u64>,
    /// The graphs from this firing on.
    epochs: VecDeque<(u64, Arc<[LoggedGraph]>)>,
    n_sources: usize,
    kept: u64,
    /// When the oldest record was made.
    oldest: Timestamp,
    /// End of the firings that were logged.
    next: u64,
    max_firings: u64,
    max_age: Duration,
    cursors: BTreeMap<Subscription, u64>,
    next_subscription: u64,
}

impl FiringLog {
    /// An empty log of a reactor with `n_sources`.
    pub fn new(n_sources: usize, max_firings: usize, max_age: Duration) -> Self {
        Self {
            words: VecDeque::new(),
            epochs: VecDeque::new(),
            n_sources,
            kept: 0,
            oldest: Timestamp::MAX,
            next: 0,
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

    /// Read a little of what a turn needs.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let words = self.words.front().copied().unwrap_or(0) ^ self.words.back().copied().unwrap_or(0);
        words ^ self.kept ^ self.max_firings
    }

    /// Append the firings of one turn. How long each graph takes is noted by [`FiringLog::took`].
    pub(crate) fn append(
        &mut self,
        first: u64,
        cause: Cause,
        at: Timestamp,
        rows: &[u32],
        bases: impl Iterator<Item = u64>,
        n_graphs: usize,
    ) {
        let n = u32::try_from(rows.len() / self.n_sources.max(1)).unwrap_or(u32::MAX);
        let n_graphs = u32::try_from(n_graphs).unwrap_or(u32::MAX);
        self.kept += u64::from(n);
        self.next = first + u64::from(n);
        let record = TurnRecord { first, at, n, n_graphs, cause };
        self.words.reserve(record.len(self.n_sources));
        self.words.extend(record.words());
        self.words.extend(bases);
        match rows {
            [only] => self.words.push_back(u64::from(*only)),
            _ => self.words.extend(
                rows.chunks(2)
                    .map(|pair| u64::from(pair[0]) | pair.get(1).map_or(0, |index| u64::from(*index) << 32)),
            ),
        }
        for _ in 0..n_graphs {
            self.words.push_back(0);
        }
        self.oldest = self.oldest.min(at);
        self.retain(at);
    }

    /// The last record, which is of one firing, did not see a boundary of `source`, but a value that somebody
    /// gave. `n_graphs` are bound.
    pub(crate) fn forget_input(&mut self, source: usize, n_graphs: usize) {
        let Some(row) = self.words.len().checked_sub(n_graphs + self.n_sources.div_ceil(2)) else { return };
        if let Some(word) = self.words.get_mut(row + source / 2) {
            *word |= u64::from(ABSENT) << (32 * (source % 2));
        }
    }

    /// The graph at `graph` in the order of binding took this long in the turn that was appended last.
    #[inline]
    pub(crate) fn took(&mut self, graph: usize, took: Duration) {
        let Some(last) = self.words.len().checked_sub(graph + 1) else { return };
        if let Some(word) = self.words.get_mut(last) {
            *word = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        }
    }

    /// The record that begins at `at` among the words.
    #[inline]
    fn record_at(&self, at: usize) -> Option<TurnRecord> {
        let first = *self.words.get(at)?;
        Some(TurnRecord::from_words([first, *self.words.get(at + 1)?, *self.words.get(at + 2)?]))
    }

    /// Remove what retention no longer covers and no subscription needs.
    fn retain(&mut self, now: Timestamp) {
        // The words themselves are looked at only where there may be something to forget.
        if self.kept <= self.max_firings && now.since(self.oldest) <= self.max_age {
            return;
        }
        while let Some(oldest) = self.record_at(0) {
            let n = u64::from(oldest.n);
            let over = self.kept - n >= self.max_firings || now.since(oldest.at) > self.max_age;
            if !over || self.cursors.values().any(|cursor| *cursor < oldest.first + n) {
                break;
            }
            match oldest.len(self.n_sources) {
                // One by one is cheaper for the record of a small turn.
                few @ ..=16 => (0..few).for_each(|_| _ = self.words.pop_front()),
                many => drop(self.words.drain(..many.min(self.words.len()))),
            }
            self.kept -= n;
            self.oldest = self.record_at(0).map_or(Timestamp::MAX, |next| next.at);
            let next = oldest.first + n;
            while self.epochs.len() > 1 && self.epochs[1].0 <= next {
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
        self.from(self.next.saturating_sub(n as u64), n)
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
        let mut at = 0;
        while let Some(turn) = self.record_at(at) {
            let graphs = self.graphs_at(turn.first).cloned().unwrap_or_default();
            for id in from.max(turn.first)..turn.first + u64::from(turn.n) {
                if records.len() == max {
                    return records;
                }
                records.push(self.record(id, turn, at, &graphs));
            }
            at += turn.len(self.n_sources);
        }
        records
    }

    /// Firing `id` of the turn whose record begins at `at`.
    fn record(&self, id: u64, turn: TurnRecord, at: usize, graphs: &[LoggedGraph]) -> FiringRecord {
        let (bases, rows) = (at + HEADER, at + HEADER + self.n_sources);
        let row = usize::try_from(id - turn.first).unwrap_or(0) * self.n_sources;
        let inputs = (0..self.n_sources)
            .map(|source| {
                let pair = self.words.get(rows + (row + source) / 2)? >> (32 * ((row + source) % 2));
                let index =
                    u32::try_from(pair & u64::from(u32::MAX)).ok().filter(|index| *index != ABSENT)?;
                Some(ItemId(self.words.get(bases + source)? + u64::from(index)))
            })
            .collect();
        let end = at + turn.len(self.n_sources);
        let took = |graph: usize| end.checked_sub(graph + 1).and_then(|word| self.words.get(word).copied());
        let outcomes = graphs
            .iter()
            .enumerate()
            .map(|(index, graph)| SubscriberOutcome {
                graph: graph.name.clone(),
                package: graph.package.clone(),
                outcome: graph.delivery.outcome(FiringId(id)),
                took: Duration::from_nanos(took(index).unwrap_or(0)) / turn.n.max(1),
            })
            .collect();
        FiringRecord { id: FiringId(id), cause: turn.cause, at: turn.at, inputs, outcomes }
    }
}
