//! The engine's side of every workload. Each function here is one place where a path of the engine is
//! plugged in; an empty answer leaves the `ours` column empty.
//!
//! A variant calls the nodes in [`crate::nodes`], records into a [`crate::tally::Tally`] in its last node
//! and takes its events from [`crate::event::Source`].

mod chain4;
mod deploy;
pub(crate) mod durable;
mod flights;
mod host;
mod join;
mod kept;
mod latency;
mod library;
mod lin;
mod pins;
mod wide;

use crate::harness::{Mode, Start, Variant};
use crate::workload::{flights as flights_load, latency::Way, wide as wide_load};
use host::Feed;

pub(crate) use deploy::{Held, Place, recovery};
pub(crate) use kept::Kept;
pub(crate) use pins::Pinned;

/// `lin`, sequential first.
pub(crate) fn lin() -> Vec<Variant> {
    variants(|| lin::lin(Feed::Sequential), || lin::lin(Feed::Batched), || lin::lin(Feed::Latest))
}

/// `join`, sequential first.
pub(crate) fn join() -> Vec<Variant> {
    variants(|| join::join(Feed::Sequential), || join::join(Feed::Batched), || join::join(Feed::Latest))
}

/// `fan8`, sequential first.
pub(crate) fn fan8() -> Vec<Variant> {
    variants(|| lin::fan8(Feed::Sequential), || lin::fan8(Feed::Batched), || lin::fan8(Feed::Latest))
}

/// `chain4`, sequential first.
pub(crate) fn chain4() -> Vec<Variant> {
    variants(
        || chain4::chain4(Feed::Sequential),
        || chain4::chain4(Feed::Batched),
        || chain4::chain4(Feed::Latest),
    )
}

/// The ways to push one event.
pub(crate) fn latency() -> Vec<Way> {
    vec![
        Way { mode: "in", measure: latency::woken },
        Way { mode: "out-woken", measure: latency::woken },
        Way { mode: "out-inline", measure: latency::inline },
        Way { mode: "out-busy", measure: latency::busy },
    ]
}

/// The departures, from the file.
pub(crate) fn flights() -> Option<flights_load::Sum> {
    Some(flights::sum)
}

/// `lin` in process, ending in a sink.
pub(crate) fn in_process() -> Start {
    library::in_process
}

/// The same in a native library.
pub(crate) fn in_library() -> Start {
    library::in_library
}

/// How long a library takes to load, once it is mapped.
pub(crate) fn load_time() -> Result<std::time::Duration, crate::error::BenchError> {
    library::load_time()
}

/// Starts so many reactors.
pub(crate) fn wide() -> Option<wide_load::Start> {
    Some(wide::start)
}

/// What `memory` watches.
pub(crate) fn memory() -> Option<Start> {
    lin().first().map(|variant| variant.start)
}

fn variants(sequential: Start, batched: Start, latest: Start) -> Vec<Variant> {
    let variant = |mode, start| Variant { name: "ours", mode, start };
    vec![
        variant(Mode::Sequential, sequential),
        variant(Mode::Batched, batched),
        variant(Mode::Latest, latest),
    ]
}
