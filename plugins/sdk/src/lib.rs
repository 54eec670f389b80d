//! What the author of a package writes against: macros, declarations, and a builder for those who
//! dislike macros.
//!
//! A [`Package`] is a set of declarations. The macros make them from plain functions and modules; the
//! constructors of [`AccumulatorDecl`], [`ReactorDecl`] and [`GraphBuilder`] make the same by hand.

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
