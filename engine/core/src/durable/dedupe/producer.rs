//! What is known of one producer.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Ranges that are told apart. More would need a producer that leaves out a number again and again, and pushes
/// it later or never: what the lowest two leave out then counts as accepted.
const RANGES: usize = 1024;

/// Runs of which it is known where they lie.
const RUNS: usize = 64;

/// Events that were accepted one after another and lie one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    sequence: u64,
    n: u64,
    lsn: u64,
}

/// What is known of one producer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Producer {
    pub(super) epoch: u64,
    /// Numbers that were accepted: first, and last.
    seen: BTreeMap<u64, u64>,
    /// Where the newest of them lie.
    runs: VecDeque<Run>,
    /// Numbers on their way to disk.
    #[serde(skip)]
    flying: BTreeSet<u64>,
}

impl Producer {
    /// Whether the number was accepted.
    pub(super) fn has_seen(&self, sequence: u64) -> bool {
        self.seen.range(..=sequence).next_back().is_some_and(|(_, last)| sequence <= *last)
    }

    /// Where it lies, if that is known still.
    pub(super) fn lsn(&self, sequence: u64) -> Option<u64> {
        let run =
            self.runs.iter().rev().find(|run| (run.sequence..run.sequence + run.n).contains(&sequence))?;
        Some(run.lsn + (sequence - run.sequence))
    }

    /// The number that comes next: none after the last of all, and none before the first.
    pub(super) fn expected(&self) -> Option<u64> {
        let seen = self.seen.last_key_value().map(|(_, last)| *last);
        seen.max(self.flying.last().copied()).map(|last| last.saturating_add(1))
    }

    /// It is on its way.
    pub(super) fn fly(&mut self, sequence: u64) {
        self.flying.insert(sequence);
    }

    /// It did not arrive.
    pub(super) fn lose(&mut self, sequence: u64) {
        self.flying.remove(&sequence);
    }

    /// It arrived, and lies there.
    pub(super) fn land(&mut self, sequence: u64, lsn: u64) {
        self.flying.remove(&sequence);
        if self.has_seen(sequence) {
            return;
        }
        self.see(sequence);
        match self.runs.back_mut() {
            Some(run) if run.sequence + run.n == sequence && run.lsn + run.n == lsn => run.n += 1,
            _ => self.runs.push_back(Run { sequence, n: 1, lsn }),
        }
        if self.runs.len() > RUNS {
            self.runs.pop_front();
        }
    }

    fn see(&mut self, sequence: u64) {
        let next = sequence.checked_add(1).and_then(|next| self.seen.remove(&next));
        let last = next.unwrap_or(sequence);
        match self.seen.range_mut(..sequence).next_back() {
            Some((_, before)) if *before + 1 == sequence => *before = last,
            _ => {
                self.seen.insert(sequence, last);
            }
        }
        if self.seen.len() > RANGES
            && let Some((first, _)) = self.seen.pop_first()
            && let Some((_, last)) = self.seen.pop_first()
        {
            self.seen.insert(first, last);
        }
    }
}
