//! What a turn sends to a durable accumulator: on its way to disk, not yet in the ring.

use crate::id::{AccumulatorName, FiringId};
use crate::letter::Place;
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
    /// The sink that they leave by.
    pub place: Place,
    /// The firing that each comes from; none where it is not known, or where there was none.
    pub firings: Vec<Option<FiringId>>,
    /// The encoded values, one after another.
    pub bytes: Vec<u8>,
    /// End of each value in `bytes`.
    pub ends: Vec<usize>,
    /// To be called once the values are on disk, in the order of the journal.
    pub publish: Publish,
}

impl Outgoing {
    /// Of which firing each value is, and which of that firing's values here, from zero.
    pub fn origins(&self) -> impl Iterator<Item = Option<(FiringId, u64)>> {
        let (mut last, mut nth) = (None, 0);
        self.firings.iter().map(move |firing| {
            nth = if *firing == last { nth + 1 } else { 0 };
            last = *firing;
            firing.map(|firing| (firing, nth))
        })
    }

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
        let Self { accumulator, place, ends, .. } = self;
        f.debug_struct("Outgoing")
            .field("accumulator", accumulator)
            .field("place", place)
            .field("values", &ends.len())
            .finish_non_exhaustive()
    }
}
