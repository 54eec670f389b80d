//! The mark of one turn: all that a fresh cell needs, besides the events, to stand where that turn ended.

use super::check::TurnCheck;
use crate::ledger::Entry;
use serde::{Deserialize, Serialize};

/// Behind a mark: a check in its first form follows.
const CHECK: u8 = 1;

/// What one turn of a recording cell did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TurnMark {
    /// The engine's clock at its start, in nanoseconds.
    pub now: i64,
    /// Whether accumulators offered what they offer at start.
    pub started: bool,
    /// Whether they were asked to flush.
    pub flushed: bool,
    /// One entry a source, in declared order.
    pub sources: Vec<SourceMark>,
    /// The reactor's state machine after it.
    pub policy: PolicyMark,
    /// Number of the first firing in `rows`.
    pub first_firing: u64,
    /// Number of the next firing after it.
    pub next_firing: u64,
    /// The firings: per firing the index of each source's value, in the columns as they were before they
    /// were trimmed.
    pub rows: Vec<u32>,
    /// Graphs of which firings are open after it.
    pub open: Vec<OpenFirings>,
    /// What came of it; marks of earlier releases have none.
    #[serde(skip)]
    pub check: Option<TurnCheck>,
}

/// Firings that one graph has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFirings {
    /// The graph.
    pub graph: String,
    /// The first of them.
    pub from: u64,
    /// They ran, and what they sent to durable accumulators was written with their turns; what they gave
    /// to other sinks may not have left.
    pub sent: bool,
}

/// What one turn did with one source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceMark {
    /// Events that left the ring for good.
    pub consumed: u64,
    /// Which of them the accumulator gave up, counted from 0; their letters were written.
    pub given_up: Vec<u64>,
    /// Boundaries that it made.
    pub made: u32,
    /// Boundaries in its column after the turn.
    pub kept: u32,
    /// Arrival numbers of boundaries that were not merged yet.
    pub unmerged: Vec<u64>,
    /// Events that the accumulator holds.
    pub held: u64,
}

/// Positions of a reactor's state machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyMark {
    /// Whether it is paused.
    pub paused: bool,
    /// Sources with a boundary that has not fired, as bits.
    pub dirty: u64,
    /// One entry a source.
    pub sources: Vec<SourcePosition>,
    /// Arrivals that were not looked at, as runs of one source.
    pub arrivals: Vec<(u8, u32)>,
}

/// Where the state machine stands in one column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourcePosition {
    /// Index of the value in the cache.
    pub current: Option<u32>,
    /// End of the boundaries that it was told of.
    pub arrived: u32,
    /// The next boundary to fire.
    pub next: u32,
    /// End of those looked at.
    pub looked: u32,
    /// Accepted, then settled by way, then dropped by reason.
    pub entry: Vec<u64>,
}

impl SourcePosition {
    /// The figures of an edge, without trailing zeros.
    pub(crate) fn figures(entry: &Entry) -> Vec<u64> {
        let figures = std::iter::once(entry.accepted).chain(entry.settled_by).chain(entry.dropped_by);
        let mut figures: Vec<u64> = figures.collect();
        figures.truncate(figures.iter().rposition(|figure| *figure != 0).map_or(0, |last| last + 1));
        figures
    }

    /// The edge with these figures.
    pub(crate) fn entry(&self) -> Entry {
        Self::entry_of(&self.entry)
    }

    /// The edge with the figures that [`SourcePosition::figures`] gave.
    pub(crate) fn entry_of(figures: &[u64]) -> Entry {
        let mut figures = figures.iter().copied().chain(std::iter::repeat(0));
        let mut next = || figures.next().unwrap_or_default();
        let mut entry = Entry { accepted: next(), ..Entry::default() };
        entry.settled_by.fill_with(&mut next);
        entry.dropped_by.fill_with(&mut next);
        entry
    }
}

/// A mark that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("E0348: a turn's mark cannot be read: {why}; it was written by another release, or is damaged")]
pub struct MarkError {
    /// What is wrong with it.
    pub why: String,
}

impl TurnMark {
    /// Append its bytes to `out`.
    ///
    /// # Errors
    /// [`MarkError`]; this cannot happen to a mark that a cell made.
    pub fn encode(&self, out: Vec<u8>) -> Result<Vec<u8>, MarkError> {
        let failed = |error: postcard::Error| MarkError { why: error.to_string() };
        let mut out = postcard::to_extend(self, out).map_err(failed)?;
        if let Some(check) = &self.check {
            out.push(CHECK);
            out = postcard::to_extend(check, out).map_err(failed)?;
        }
        Ok(out)
    }

    /// Read what [`TurnMark::encode`] wrote.
    ///
    /// # Errors
    /// [`MarkError`] if the bytes are no mark.
    pub fn decode(bytes: &[u8]) -> Result<Self, MarkError> {
        let (mut mark, behind) =
            postcard::take_from_bytes::<Self>(bytes).map_err(|error| MarkError { why: error.to_string() })?;
        // Recovery needs nothing of what lies behind, so a form of a later release is no reason to fail.
        if let Some((&CHECK, check)) = behind.split_first() {
            mark.check = postcard::from_bytes(check).ok();
        }
        Ok(mark)
    }

    /// Whether nothing would be different without it.
    pub fn is_idle(&self) -> bool {
        let idle = |source: &SourceMark| source.consumed == 0 && source.made == 0;
        !self.started && self.rows.is_empty() && self.sources.iter().all(idle)
    }
}

#[cfg(test)]
mod tests {
    use super::TurnMark;
    use crate::durable::{Digest, GraphCheck, TerminalCheck, TurnCheck};

    fn mark(check: Option<TurnCheck>) -> TurnMark {
        TurnMark { now: -5, rows: vec![0, 7, 300], next_firing: 3, check, ..TurnMark::default() }
    }

    #[test]
    fn marks_with_and_without_a_check_come_back_and_one_of_a_later_form_is_a_mark_all_the_same() {
        let terminals = vec![TerminalCheck { terminal: "out".into(), n: 2, digest: Digest(u64::MAX) }];
        let graph = GraphCheck { graph: "g".into(), from: 1, to: 3, failed: 1, terminals };
        let check = TurnCheck { limit: Some(256), graphs: vec![graph] };
        for mark in [mark(None), mark(Some(TurnCheck::default())), mark(Some(check))] {
            assert_eq!(TurnMark::decode(&mark.encode(Vec::new()).unwrap()), Ok(mark));
        }
        let mut later = mark(None).encode(Vec::new()).unwrap();
        later.extend([2, 9, 9]);
        assert_eq!(TurnMark::decode(&later), Ok(mark(None)));
    }
}
