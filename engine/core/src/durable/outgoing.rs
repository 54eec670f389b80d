//! What a turn sends to a durable accumulator: on its way to disk, not yet in the ring.

use crate::id::{AccumulatorName, GraphName};
use std::fmt;

/// Whether what was handed to the journal is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It is: publish it.
    Synced,
    /// It never will be: give up its room.
    Lost,
}

/// Puts what is on disk into its ring, or gives up its room. Never blocks.
pub type Publish = Box<dyn FnOnce(Published) + Send>;

/// Values for a durable accumulator, with room reserved in its ring.
pub struct Outgoing {
    /// Whom they are for.
    pub accumulator: AccumulatorName,
    /// Which graph they come from.
    pub from: Option<GraphName>,
    /// The encoded values, one after another.
    pub bytes: Vec<u8>,
    /// End of each value in `bytes`.
    pub ends: Vec<usize>,
    /// To be called once the values are on disk, in the order of the journal.
    pub publish: Publish,
}

impl Outgoing {
    /// The encoded values.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.ends.iter().enumerate().map(|(at, end)| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.bytes[start..*end]
        })
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accumulator, from, ends, .. } = self;
        f.debug_struct("Outgoing")
            .field("accumulator", accumulator)
            .field("from", from)
            .field("values", &ends.len())
            .finish_non_exhaustive()
    }
}
