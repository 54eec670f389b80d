//! The reactor's state machine: arrivals in, rows out.
//!
//! Each source's boundaries lie in a column. Index 0 is the cached value if the source has one; what
//! follows has not fired yet. The policy keeps positions in those columns, never values.

use super::criteria::{Criteria, SourceSet};
use super::decl::Strategy;
use crate::graph::ABSENT;
use crate::ledger::{Dropped, Entry, Settled};
use std::collections::VecDeque;

/// What one decision yielded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decided {
    /// Rows appended.
    pub firings: usize,
    /// Whether more could be decided now, beyond the limit.
    pub more: bool,
}

/// Positions and boundary edge of one source, side by side: a turn touches both.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Source {
    /// Index of the value in the cache; `None` before the first.
    pub(super) current: Option<u32>,
    /// Boundaries that have arrived, as the end of their range in the column.
    pub(super) arrived: u32,
    /// Under `sequential`: the next boundary to fire. Never beyond `looked`.
    pub(super) next: u32,
    /// Under `sequential`: the end of those looked at; `next..looked` wait for other sources.
    pub(super) looked: u32,
    /// What became of each boundary.
    pub(super) entry: Entry,
}

/// Decides which boundaries fire together.
#[derive(Debug)]
pub struct Policy {
    criteria: Criteria,
    strategy: Strategy,
    pub(super) sources: Vec<Source>,
    pub(super) dirty: SourceSet,
    pub(super) paused: bool,
    // The k-th boundaries of all sources fire together: in which order they came changes nothing.
    pairs: bool,
    // Sequential, unless `pairs`: arrivals not looked at yet, as runs in arrival order.
    pub(super) arrivals: VecDeque<(u8, u32)>,
}

impl Policy {
    /// A policy that has seen nothing.
    pub fn new(criteria: Criteria, strategy: Strategy, n_sources: usize) -> Self {
        let pairs = strategy == Strategy::Sequential && criteria.needed() == n_sources;
        Self {
            criteria,
            strategy,
            sources: vec![Source::default(); n_sources],
            dirty: SourceSet::EMPTY,
            paused: false,
            pairs,
            arrivals: VecDeque::new(),
        }
    }

    /// Read a little of what a turn needs.
    #[inline]
    pub fn touch(&self) -> usize {
        self.sources.first().map_or(0, |source| source.arrived as usize ^ source.entry.settled_by[0] as usize)
    }

    /// Whether it must be told of arrivals in their order over all sources.
    pub fn needs_order(&self) -> bool {
        self.sources.len() > 1 && !self.pairs
    }

    /// `n` boundaries of `source` were appended to its column. Calls are in arrival order.
    pub fn arrive(&mut self, source: usize, n: u32) {
        if n == 0 {
            return;
        }
        self.sources[source].entry.accepted += u64::from(n);
        self.sources[source].arrived += n;
        match self.strategy {
            Strategy::Latest => self.arrive_latest(source, n),
            Strategy::Sequential if self.pairs => {}
            Strategy::Sequential => match self.arrivals.back_mut() {
                Some((last, run)) if usize::from(*last) == source => *run += n,
                _ => self.arrivals.push_back((u8::try_from(source).unwrap_or(u8::MAX), n)),
            },
        }
    }

    fn arrive_latest(&mut self, source: usize, n: u32) {
        let waiting = u64::from(self.dirty.contains(source) && self.criteria.named().contains(source));
        let state = &mut self.sources[source];
        state.entry.settle(Settled::Superseded, waiting + u64::from(n) - 1);
        state.current = Some(state.arrived - 1);
        state.next = state.arrived;
        state.looked = state.arrived;
        if !self.criteria.named().contains(source) {
            // Nothing waits for it to fire: it is state from here on.
            state.entry.settle(Settled::Absorbed, 1);
        }
        self.dirty.insert(source);
    }

    /// Append the rows that fire now, at most `limit` of them.
    pub fn decide(&mut self, rows: &mut Vec<u32>, limit: usize) -> Decided {
        if self.paused {
            return Decided::default();
        }
        match self.strategy {
            Strategy::Latest => self.decide_latest(rows, limit),
            Strategy::Sequential if self.pairs => self.decide_pairs(rows, limit),
            Strategy::Sequential => self.decide_sequential(rows, limit),
        }
    }

    fn decide_latest(&mut self, rows: &mut Vec<u32>, limit: usize) -> Decided {
        if !self.criteria.is_met(self.dirty) {
            return Decided::default();
        }
        if limit == 0 {
            return Decided { firings: 0, more: true };
        }
        self.settle_dirty();
        self.push_row(rows);
        Decided { firings: 1, more: false }
    }

    /// A firing takes the snapshot and clears the flags.
    fn settle_dirty(&mut self) {
        for source in self.dirty.and(self.criteria.named()).iter() {
            self.sources[source].entry.settle(Settled::HandedOn, 1);
        }
        self.dirty = SourceSet::EMPTY;
    }

    /// As many rows as the shortest queue has boundaries.
    fn decide_pairs(&mut self, rows: &mut Vec<u32>, limit: usize) -> Decided {
        let there = self.sources.iter().map(|source| source.arrived - source.next).min().unwrap_or(0);
        let n = there.min(u32::try_from(limit).unwrap_or(u32::MAX));
        if n > 0 {
            if let [only] = &self.sources[..] {
                rows.extend(only.next..only.next + n);
            } else {
                for k in 0..n {
                    rows.extend(self.sources.iter().map(|source| source.next + k));
                }
            }
            for source in &mut self.sources {
                source.current = Some(source.next + n - 1);
                source.next += n;
                source.looked = source.next;
                source.entry.settle(Settled::HandedOn, u64::from(n));
            }
        }
        Decided { firings: n as usize, more: n < there }
    }

    fn decide_sequential(&mut self, rows: &mut Vec<u32>, limit: usize) -> Decided {
        let mut firings = 0;
        while let Some((source, run)) = self.arrivals.front_mut() {
            let source = usize::from(*source);
            let named = self.criteria.named().contains(source);
            if named && firings >= limit {
                return Decided { firings, more: true };
            }
            if named && self.criteria.needed() == 1 {
                // The common case: each boundary fires by itself.
                let n = (*run).min(u32::try_from(limit - firings).unwrap_or(u32::MAX));
                *run -= n;
                if *run == 0 {
                    self.arrivals.pop_front();
                }
                self.fire_run(source, n, rows);
                firings += n as usize;
                continue;
            }
            *run -= 1;
            if *run == 0 {
                self.arrivals.pop_front();
            }
            self.sources[source].looked += 1;
            if named {
                self.dirty.insert(source);
                if self.dirty.and(self.criteria.named()).len() >= self.criteria.needed() {
                    self.fire_heads(rows);
                    firings += 1;
                }
            } else {
                self.absorb(source);
            }
        }
        Decided { firings, more: false }
    }

    /// `n` boundaries of `source` fire one after another over the cumulative cache.
    fn fire_run(&mut self, source: usize, n: u32, rows: &mut Vec<u32>) {
        self.sources[source].entry.settle(Settled::HandedOn, u64::from(n));
        let first = self.sources[source].next;
        self.sources[source].next += n;
        self.sources[source].looked += n;
        for index in first..first + n {
            self.sources[source].current = Some(index);
            self.push_row(rows);
        }
    }

    /// A boundary of a source that the criteria do not name only enters the cache.
    fn absorb(&mut self, source: usize) {
        let state = &mut self.sources[source];
        state.current = Some(state.next);
        state.next += 1;
        self.sources[source].entry.settle(Settled::Absorbed, 1);
    }

    /// The heads of all queues that have one fire together.
    fn fire_heads(&mut self, rows: &mut Vec<u32>) {
        for source in self.dirty.and(self.criteria.named()).iter() {
            let state = &mut self.sources[source];
            state.current = Some(state.next);
            state.next += 1;
            if state.next == state.looked {
                self.dirty.remove(source);
            }
            self.sources[source].entry.settle(Settled::HandedOn, 1);
        }
        self.push_row(rows);
    }

    fn push_row(&self, rows: &mut Vec<u32>) {
        rows.extend(self.sources.iter().map(|source| source.current.unwrap_or(ABSENT)));
    }

    /// Under `sequential` over one source: the boundaries before index `upto` have gone on to all that
    /// share them.
    pub fn hand_on(&mut self, source: usize, upto: u32) {
        let state = &mut self.sources[source];
        let n = upto.saturating_sub(state.next);
        if n > 0 {
            state.next += n;
            state.looked = state.next;
            state.current = Some(state.next - 1);
            state.entry.settle(Settled::HandedOn, u64::from(n));
        }
    }

    /// Fire now with the cache as it is, whatever the criteria say. Under `latest` this takes what is
    /// dirty with it; under `sequential` the queues stay as they are.
    pub fn fire(&mut self, rows: &mut Vec<u32>) {
        if self.strategy == Strategy::Latest {
            self.settle_dirty();
        }
        self.push_row(rows);
    }

    /// The value at the front of `source`'s column is in the cache again, as an earlier process had it: it has
    /// fired there. To be called before anything arrives.
    pub fn recall(&mut self, source: usize) {
        let entry = self.sources[source].entry;
        self.sources[source] = Source { current: Some(0), arrived: 1, next: 1, looked: 1, entry };
    }

    /// The cache as a row, without firing.
    pub fn cache(&self) -> Vec<u32> {
        let mut row = Vec::with_capacity(self.sources.len());
        self.push_row(&mut row);
        row
    }

    /// How many of the values now in `source`'s column it was told of.
    pub fn n_arrived(&self, source: usize) -> u32 {
        self.sources[source].arrived
    }

    /// How many values at the front of `source`'s column nobody needs any more. The caller drops them;
    /// the policy's positions move along.
    pub fn trim(&mut self, source: usize) -> usize {
        let state = &mut self.sources[source];
        let spent = state.current.unwrap_or(0);
        if spent > 0 {
            state.current = Some(0);
            state.arrived -= spent;
            state.next -= spent;
            state.looked -= spent;
        }
        spent as usize
    }

    /// Boundaries of `source` that have neither fired nor entered the cache for good.
    pub fn pending(&self, source: usize) -> u64 {
        match self.strategy {
            Strategy::Latest => {
                u64::from(self.dirty.contains(source) && self.criteria.named().contains(source))
            }
            Strategy::Sequential => u64::from(self.sources[source].arrived - self.sources[source].next),
        }
    }

    /// Boundaries of `source` that wait for partners from other sources; none while there are arrivals to
    /// be decided, or nothing is decided.
    pub fn waiting(&self, source: usize) -> u64 {
        let pairs = self.strategy == Strategy::Sequential && self.criteria.needed() > 1;
        if pairs && !self.paused && self.arrivals.is_empty() && self.criteria.named().contains(source) {
            self.pending(source)
        } else {
            0
        }
    }

    /// Forget everything of `source`, which is taken down: what is pending, and `unmerged` boundaries that
    /// it was not told of, are counted under `why`.
    pub fn give_up(&mut self, source: usize, unmerged: u64, why: Dropped) {
        let pending = self.pending(source);
        let mut entry = self.sources[source].entry;
        entry.accepted += unmerged;
        entry.drop(why, pending + unmerged);
        self.dirty.remove(source);
        self.arrivals.retain(|(of, _)| usize::from(*of) != source);
        self.sources[source] = Source { entry, ..Source::default() };
    }

    /// The boundary edge of `source`, with what is pending counted as unsettled.
    pub fn entry(&self, source: usize) -> Entry {
        Entry { unsettled: self.pending(source), ..self.sources[source].entry }
    }

    /// Stop firing; arrivals are remembered.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Fire again; what is pending is decided by the next [`Policy::decide`].
    pub fn resume(&mut self) {
        self.paused = false;
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Sources with a boundary that has not fired.
    pub fn dirty(&self) -> SourceSet {
        match self.strategy {
            Strategy::Latest => self.dirty,
            Strategy::Sequential => {
                (0..self.sources.len()).filter(|source| self.pending(*source) > 0).collect()
            }
        }
    }

    /// Whether a source has been seen.
    pub fn is_seen(&self, source: usize) -> bool {
        self.sources[source].current.is_some() || self.sources[source].arrived > 0
    }

    /// The criteria.
    pub fn criteria(&self) -> Criteria {
        self.criteria
    }

    /// The strategy.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }
}
