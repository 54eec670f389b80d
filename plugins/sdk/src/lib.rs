//! What the author of a package writes against: macros, declarations, and a builder for those who
//! dislike macros.
//!
//! A [`Package`] is a set of declarations. The macros make them from plain functions and modules; the
//! constructors of [`AccumulatorDecl`], [`ReactorDecl`] and [`GraphBuilder`] make the same by hand.
//!
//! # Where async code runs
//!
//! Futures of nodes, accumulators, sources and polls are polled by the engine. Use [`time::sleep`] and [`blocking()`] there: they
//! work in process and in a library. A library has a tokio of its own, which is not running; code that needs one says so:
//!
//! ```toml
//! # package.toml
//! [package]
//! runtime = "own"
//!
//! # Cargo.toml
//! [dependencies]
//! acequia-sdk = { version = "…", features = ["own-runtime"] }
//! tokio = { version = "1", features = ["time", "net", "sync"] }
//! ```
//!
//! Then the package has one thread with a current-thread tokio on it, from before its `init` hook until it is unloaded. Its
//! futures are polled there and nowhere else; sync code and the hook find the runtime, and may spawn. What still runs at an unload
//! is dropped. Code that blocks in a future blocks this package only; code that never returns keeps the thread, which `mapped()`
//! of the engine shows. In process the key means nothing: there the engine's own tokio polls the same source.

pub mod blocking;
mod export;
pub mod library;

pub mod services;
pub mod time;

pub use acequia_core::accumulator::{
    Accumulator, AccumulatorDecl, Batch, Buffered, Emitter, Exported, Fate, ImportError, Incoming, Kind,
    OpenPane, OpenPanes, Passthrough, Released, Span, StateWindow, Stateful, TuneError, Tuning, Window,
    WindowShape,
};
pub use acequia_core::fault::{Failure, FailureKind, FaultBudget};
pub use acequia_core::graph::{
    GraphBuilder, GraphDecl, GraphPart, GraphPlacement, InputDecl, Presence, TerminalDecl,
};
pub use acequia_core::package::{
    AccumulatorDef, CronDecl, GraphDef, Package, PollDecl, ReactorDef, SourceKey, SubscriptionDecl, TaskDecl,
    Version, WorkflowDecl,
};
pub use acequia_core::reactor::{CriteriaDecl, ReactorDecl, Strategy, k_of, when_all, when_any};
pub use acequia_core::source::{SourceDecl, SourceOut};
pub use acequia_core::{Overflow, Payload, Timestamp};
pub use acequia_macros::{
    batch_accumulator, computation_graph, passthrough_accumulator, polling_accumulator, reactor,
    state_accumulator, stream_accumulator, window_accumulator,
};
pub use blocking::blocking;

/// What the macros expand to. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use acequia_abi as abi;
    pub use acequia_core as core;
    pub use acequia_core::package::{AccumulatorDef, GraphDef, ReactorDef, SourceKey};
}
