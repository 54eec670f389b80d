//! All that a recording cell is at a turn boundary, as bytes: replay can begin here.

use super::Cell;
use super::kept::{Kept, KeptError};
use crate::codec::CodecError;
use crate::durable::{MarkError, PolicyMark, SourcePosition};
use crate::fault::{Failure, guarded};
use crate::ledger::Settled;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A recording cell at a turn boundary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The engine's clock, in nanoseconds.
    pub now: i64,
    /// Number of the next firing.
    pub next_firing: u64,
    /// The reactor's state machine.
    pub policy: PolicyMark,
    /// One entry a source, in declared order.
    pub sources: Vec<SourceCheckpoint>,
}

/// One source of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCheckpoint {
    /// What its accumulator keeps: the record of a [`Kept`].
    pub kept: Vec<u8>,
    /// The boundaries in its column.
    pub column: Vec<Vec<u8>>,
    /// Number of the first of them.
    pub first: u64,
    /// Arrival numbers of those that were not merged.
    pub unmerged: Vec<u64>,
    /// Figures of the edge of its events.
    pub entry: Vec<u64>,
}

impl Checkpoint {
    /// Its bytes.
    ///
    /// # Errors
    /// [`MarkError`]; this cannot happen to a checkpoint that a cell made.
    pub fn encode(&self) -> Result<Vec<u8>, MarkError> {
        postcard::to_allocvec(self).map_err(|error| MarkError { why: error.to_string() })
    }

    /// Read what [`Checkpoint::encode`] wrote.
    ///
    /// # Errors
    /// [`MarkError`] if the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, MarkError> {
        postcard::from_bytes(bytes).map_err(|error| MarkError { why: error.to_string() })
    }
}

impl Cell {
    /// The cell as it is, to be asked between two turns; none while firings are open, whose inputs are in no
    /// column any more.
    ///
    /// # Errors
    /// [`KeptError`], naming the accumulator whose state or boundaries have no bytes.
    pub fn checkpoint(&self, now: Timestamp) -> Result<Option<Checkpoint>, KeptError> {
        let open = self.earlier.is_some() || self.seats.iter().any(|seat| seat.open_firings().is_some());
        if open || self.is_uncommitted() {
            return Ok(None);
        }
        let mut sources = Vec::with_capacity(self.slots.len());
        for (at, kept) in self.kept(now)?.into_iter().enumerate() {
            let mut record = Vec::new();
            // Its newest boundary lies in the column.
            Kept { last: None, ..kept }.encode(&mut record)?;
            let column = &self.columns[at];
            let value = |index| {
                let mut bytes = Vec::new();
                guarded(|| column.encode(index, &mut bytes).map_err(Failure::error)).map(|()| bytes)
            };
            let values = (0..column.len()).map(value).collect::<Result<_, _>>();
            sources.push(SourceCheckpoint {
                kept: record,
                column: values.map_err(|reason| KeptError::Unexported {
                    accumulator: self.decl.accumulators[at].name.clone(),
                    reason,
                })?,
                first: column.first(),
                unmerged: self.orders[at].clone(),
                entry: SourcePosition::figures(&self.slots[at].entry()),
            });
        }
        let (next_firing, policy) = (self.next_firing, self.policy.mark());
        Ok(Some(Checkpoint { now: now.as_nanos(), next_firing, policy, sources }))
    }

    /// Be what `checkpoint` says, in place of beginning anew. False if that is of a reactor with other sources.
    ///
    /// # Errors
    /// [`KeptError`], naming the accumulator; the cell is of no more use.
    pub fn resume_from(&mut self, checkpoint: &Checkpoint) -> Result<bool, KeptError> {
        if checkpoint.sources.len() != self.slots.len() || !self.policy.restore(&checkpoint.policy) {
            return Ok(false);
        }
        for (at, source) in checkpoint.sources.iter().enumerate() {
            let kept = Kept::decode(&source.kept)?;
            self.restore(vec![kept], Timestamp::from_nanos(checkpoint.now))?;
            for value in &source.column {
                let pushed = self.columns[at].push_encoded(value);
                pushed.map_err(|source: CodecError| KeptError::Boundary {
                    accumulator: self.decl.accumulators[at].name.clone(),
                    source,
                })?;
            }
            self.columns[at].set_first(source.first);
            self.orders[at].clone_from(&source.unmerged);
            self.newer_than(source.unmerged.last().copied());
            self.slots[at].begin_with(SourcePosition::entry_of(&source.entry));
        }
        self.next_firing = checkpoint.next_firing;
        self.firings.accepted = checkpoint.next_firing;
        self.firings.settled_by = [0; 4];
        self.firings.settle(Settled::HandedOn, checkpoint.next_firing);
        self.earlier.get_or_insert_default().keep(self.columns.iter().map(|column| column.len()).collect());
        Ok(true)
    }
}
