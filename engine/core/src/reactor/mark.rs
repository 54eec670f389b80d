//! The state machine's positions, to be written down and to be taken up again.

use super::criteria::SourceSet;
use super::policy::{Policy, Source};
use crate::durable::{PolicyMark, SourcePosition};

impl Policy {
    /// Where it stands.
    pub fn mark(&self) -> PolicyMark {
        let sources = self.sources.iter().map(|source| SourcePosition {
            current: source.current,
            arrived: source.arrived,
            next: source.next,
            looked: source.looked,
            entry: SourcePosition::figures(&source.entry),
        });
        PolicyMark {
            paused: self.paused,
            dirty: self.dirty.bits(),
            sources: sources.collect(),
            arrivals: self.arrivals.iter().copied().collect(),
        }
    }

    /// Stand where `mark` says; false, and nothing done, if that is of a reactor with other sources.
    pub fn restore(&mut self, mark: &PolicyMark) -> bool {
        let n = self.sources.len();
        if mark.sources.len() != n || mark.arrivals.iter().any(|(source, _)| usize::from(*source) >= n) {
            return false;
        }
        let sources = mark.sources.iter().map(|position| Source {
            current: position.current,
            arrived: position.arrived,
            next: position.next,
            looked: position.looked,
            entry: position.entry(),
        });
        self.sources = sources.collect();
        self.dirty = SourceSet::from_bits(mark.dirty).and(SourceSet::first(n));
        self.arrivals = mark.arrivals.iter().copied().collect();
        self.paused = mark.paused;
        true
    }
}
