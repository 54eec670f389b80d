//! The reference interpreters: one event at a time, plain vectors.

use super::harness::Row;
use proptest::prelude::*;
use std::collections::VecDeque;

/// Criteria over sources by position.
#[derive(Debug, Clone)]
pub struct Shape {
    pub n: usize,
    pub named: Vec<usize>,
    pub needed: usize,
}

/// Any, all, or k of a random subset of one to four sources.
pub fn shapes() -> impl Strategy<Value = Shape> {
    (1..=4_usize).prop_flat_map(|n| {
        let subset = proptest::sample::subsequence((0..n).collect::<Vec<_>>(), 1..=n);
        (Just(n), subset, 0..3_usize, any::<proptest::sample::Index>()).prop_map(|(n, named, kind, k)| {
            let needed = match kind {
                0 => 1,
                1 => named.len(),
                _ => 1 + k.index(named.len()),
            };
            Shape { n, named, needed }
        })
    })
}

/// `sequential`: each boundary fires once, heads together.
pub struct Sequential {
    shape: Shape,
    queues: Vec<VecDeque<u64>>,
    cache: Row,
    pub firings: Vec<Row>,
}

impl Sequential {
    pub fn new(shape: Shape) -> Self {
        let n = shape.n;
        Self { shape, queues: vec![VecDeque::new(); n], cache: vec![None; n], firings: Vec::new() }
    }

    pub fn event(&mut self, source: usize, value: u64) {
        if !self.shape.named.contains(&source) {
            self.cache[source] = Some(value);
            return;
        }
        self.queues[source].push_back(value);
        let ready: Vec<usize> =
            self.shape.named.iter().copied().filter(|source| !self.queues[*source].is_empty()).collect();
        if ready.len() >= self.shape.needed {
            for source in ready {
                self.cache[source] = self.queues[source].pop_front();
            }
            self.firings.push(self.cache.clone());
        }
    }
}

/// `latest`, a turn at a time.
pub struct Latest {
    shape: Shape,
    pub cache: Row,
    dirty: Vec<bool>,
    pub firings: Vec<Row>,
    pub paused: bool,
}

impl Latest {
    pub fn new(shape: Shape) -> Self {
        let n = shape.n;
        Self { shape, cache: vec![None; n], dirty: vec![false; n], firings: Vec::new(), paused: false }
    }

    /// The newest of what came since the last turn, per source.
    pub fn turn(&mut self, newest: &[Option<u64>]) {
        for (source, value) in newest.iter().enumerate() {
            if value.is_some() {
                self.cache[source] = *value;
                self.dirty[source] = true;
            }
        }
        let dirty = self.shape.named.iter().filter(|source| self.dirty[**source]).count();
        if !self.paused && dirty >= self.shape.needed {
            self.fire();
        }
    }

    /// A firing takes the snapshot and clears every flag.
    pub fn fire(&mut self) {
        self.dirty.fill(false);
        self.firings.push(self.cache.clone());
    }
}
