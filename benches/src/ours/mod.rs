//! The engine's side of every workload. Each function here is one place to plug a path of the engine in;
//! an empty answer leaves the `ours` column empty.
//!
//! A variant calls the nodes in [`crate::nodes`], records into a [`crate::tally::Tally`] in its last node
//! and takes its events from [`crate::event::Source`].

use crate::harness::{Start, Variant};
use crate::workload::{flights, latency, wide};

/// `lin`, sequential first, then latest.
pub(crate) fn lin() -> Vec<Variant> {
    Vec::new()
}

/// `join`, sequential first, then latest.
pub(crate) fn join() -> Vec<Variant> {
    Vec::new()
}

/// `fan8`, sequential first, then latest.
pub(crate) fn fan8() -> Vec<Variant> {
    Vec::new()
}

/// `chain4`, sequential first, then latest.
pub(crate) fn chain4() -> Vec<Variant> {
    Vec::new()
}

/// The ways to push one event: `in`, `out-woken`, `out-inline`, `out-busy`.
pub(crate) fn latency() -> Vec<latency::Way> {
    Vec::new()
}

/// The departures, from the file.
pub(crate) fn flights() -> Option<flights::Sum> {
    None
}

/// Starts so many reactors.
pub(crate) fn wide() -> Option<wide::Start> {
    None
}

/// What `memory` watches.
pub(crate) fn memory() -> Option<Start> {
    lin().first().map(|variant| variant.start)
}
