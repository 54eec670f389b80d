//! Telling an event that was accepted before from a new one.
//!
//! A producer numbers its events: of each producer the ranges of numbers that were accepted are kept, which is one
//! range as long as it keeps its order. Whoever has no numbers gives each event an id: the newest of them are
//! kept, for a time. Both are decided before anything is written, and are found again in what was written.

mod ids;
mod producer;
mod window;

pub use window::{Arrival, Window};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Who numbers its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProducerId(pub u128);

impl ProducerId {
    /// The producer of this name: the first sixteen bytes of BLAKE3 over it.
    pub fn named(name: &str) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..16]);
        Self(u128::from_le_bytes(first))
    }
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Number of an event among those of its producer. Numbers go on from one epoch to the next: an epoch says which of
/// two incarnations of a producer is the newer, and fences the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProducerSequence {
    /// The producer.
    pub producer: ProducerId,
    /// Its incarnation.
    pub epoch: u64,
    /// The event's number, one more than that of the event before it.
    pub sequence: u64,
}

impl ProducerSequence {
    /// The number `n` events later; saturates.
    #[must_use]
    pub fn plus(self, n: u64) -> Self {
        Self { sequence: self.sequence.saturating_add(n), ..self }
    }
}

/// The id that a producer gives an event; the event keeps it in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventId(pub u128);

/// By what an event is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stamp {
    /// Its producer's number.
    Sequence(ProducerSequence),
    /// Its id.
    Id(EventId),
}

impl Stamp {
    /// What two stamps of one event have in common: all but the epoch.
    pub fn key(self) -> Key {
        match self {
            Self::Sequence(of) => Key::Sequence(of.producer, of.sequence),
            Self::Id(id) => Key::Id(id),
        }
    }
}

/// What is the same in all stamps of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Producer and number.
    Sequence(ProducerId, u64),
    /// An id.
    Id(EventId),
}

/// What a producer may do that leaves out a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gaps {
    /// It is refused: something was lost on its way here.
    #[default]
    Refuse,
    /// It may: what it left out may still come.
    Allow,
}

/// How long and how many events of one accumulator are known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dedupe {
    /// Ids are kept for so long, by the engine's clock, ...
    pub age: Duration,
    /// ... and no more than so many.
    pub ids: usize,
    /// Producers beyond so many are refused; numbers of those that are known are kept for ever.
    pub producers: usize,
    /// What becomes of a number that skips others.
    pub gaps: Gaps,
}

impl Default for Dedupe {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 60 * 60);
        Self { age: day, ids: 1_000_000, producers: 65_536, gaps: Gaps::Refuse }
    }
}

/// An event that is neither new nor a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DedupeError {
    /// A newer incarnation of the producer has spoken.
    #[error(
        "E0181: producer {producer} pushed in epoch {epoch}, and epoch {current} has begun; end this incarnation, or let it begin a newer epoch"
    )]
    Fenced {
        /// The producer.
        producer: ProducerId,
        /// The epoch that it pushed in.
        epoch: u64,
        /// The newest.
        current: u64,
    },
    /// Numbers are missing.
    #[error(
        "E0182: producer {producer} pushed number {sequence}, and number {expected} is the next; push what lies between, or allow gaps for this accumulator"
    )]
    Gap {
        /// The producer.
        producer: ProducerId,
        /// The number that is next.
        expected: u64,
        /// The number that came.
        sequence: u64,
    },
    /// There are too many.
    #[error(
        "E0183: producer {producer} is one more than the {limit} that are kept; use fewer ids for producers, or raise `Dedupe::producers`"
    )]
    TooManyProducers {
        /// The producer.
        producer: ProducerId,
        /// The limit.
        limit: usize,
    },
}

/// A window that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "E0184: what was kept to know events again cannot be read: {why}; it was written by another release, or is damaged"
)]
pub struct WindowError {
    /// What is wrong with it.
    pub why: String,
}
