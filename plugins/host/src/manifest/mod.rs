//! `package.toml`: what a package says of itself before any of its code runs.
//!
//! ```toml
//! [package]
//! name = "pricing-subscriber"         # letters, digits, `-` and `_`
//! version = "1.2.0"                   # semver
//! description = "…"                   # optional, as all that follows
//! authors = ["…"]
//! license = "MIT"
//! language = "rust"                   # the default, and the only one so far
//! runtime = "engine"                  # or "own": its futures run on a thread of its own, with a tokio on it
//!
//! [requires]
//! engine = ">=0.1, <0.3"              # a semver range
//!
//! [[requires.reactors]]               # one for each reactor of another package
//! reactor = "PriceReactor"
//! package = "pricing-publisher"
//! version = "^1"                      # of that package
//!
//! [accumulators.raw_prices]           # overrides of what the library declares
//! kind = "batch"                      # passthrough, stream, polling, batch, state, window
//! capacity = 1024                     # of its ring; for a state say ring_capacity or window_capacity
//! overflow = "drop_oldest"            # block, drop_newest, drop_oldest, coalesce, dead_letter
//! attempts = 5
//! delivery = "durable"                # fast, durable, effectively_once; what is not fast needs a journal
//! flush_interval = "250ms"            # batch: also max_buffer_size; polling: interval
//!                                     # window: tumbling, or sliding and slide, or session; lateness
//! [limits]                            # of every part that says nothing else
//! ring_capacity = 512
//! delivery_capacity = 512
//! attempts = 3
//! faults = 10                         # within fault_window, then quarantine
//! dead_letters = 3
//! fault_window = "60s"
//! ```
//!
//! Durations are a whole number with `ms`, `s`, `m` or `h`; a bare number is seconds. An unknown key is an
//! error; all errors are reported at once, each with its line and column.

mod accumulator;
mod canonical;
mod document;
mod duration;
mod error;
mod limits;
mod moved;
mod name;
mod package;
mod requires;
mod section;

pub use accumulator::{Misfit, Override};
pub use error::{Flaw, FlawKind, ManifestError};
pub use limits::PartLimits;
pub use package::{Language, Package, Runtime};
pub use requires::{RequiredReactor, Requires};

use crate::version::Digest;
use acequia_core::accumulator::Kind;
use acequia_core::id::AccumulatorName;
use std::collections::BTreeMap;

/// A manifest that was read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Who it is.
    pub package: Package,
    /// What it needs.
    pub requires: Requires,
    /// What it changes about accumulators that its library declares.
    pub accumulators: BTreeMap<AccumulatorName, Override>,
    /// Limits of its parts.
    pub limits: PartLimits,
    digest: Digest,
}

impl Manifest {
    /// Read the text of a `package.toml`.
    ///
    /// # Errors
    /// With every flaw that was found.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        document::parse(text)
    }

    /// The hash of its keys and values. Comments, order and layout do not count.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether its overrides fit the accumulators that the library declares.
    ///
    /// # Errors
    /// At the first that does not.
    pub fn fits(&self, declared: &[(AccumulatorName, Kind)]) -> Result<(), Misfit> {
        accumulator::fit(&self.accumulators, declared)
    }

    /// The name of the archive that it belongs in.
    pub fn archive_name(&self) -> String {
        format!("{}-{}.acequia", self.package.name, self.package.version)
    }
}
