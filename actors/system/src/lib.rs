//! Acequia: an actor-based reactive dataflow engine to embed.
//!
//! Events flow `source -> accumulator -> reactor -> graph -> sink`. Accumulators turn events into
//! boundaries, a reactor decides when they fire, graphs compute, sinks receive. Each reactor,
//! accumulator, graph and package is a supervised actor; the data itself runs in place, in one *cell* a
//! reactor, fed from bounded rings.
//!
//! ```
//! use acequia::{AccumulatorDecl, Engine, GraphBuilder, Package, ReactorDecl, Sink, when_any};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut graph = GraphBuilder::new("double");
//! let number = graph.source::<u64>("numbers");
//! let doubled = graph.node("doubled", (number,), |(number,)| number * 2);
//! graph.terminal(doubled);
//!
//! let package = Package::new("arithmetic")
//!     .reactor(ReactorDecl::new("Numbers", vec![AccumulatorDecl::passthrough::<u64>("numbers")], when_any(["numbers"])))
//!     .graph(graph.on("Numbers").build()?);
//! let engine = Engine::builder()
//!     .package(package)
//!     .sink("double", "doubled", Sink::callback(|n: &u64| assert_eq!(*n, 42)))
//!     .start()
//!     .await?;
//! engine.accumulator::<u64>("numbers")?.push(21).await?;
//! let report = engine.shutdown(Duration::from_secs(5)).await;
//! assert!(report.unsettled.is_empty());
//! # Ok(())
//! # }
//! ```

// The macros name this crate by its path, from inside as from outside.
#[allow(unused_extern_crates)]
extern crate self as acequia;

mod accumulator;
mod answer;
mod bell;
mod books;
mod catalog;
mod cell;
mod children;
mod clock;
mod dead_letters;
mod directory;
mod drain;
mod engine;
mod env;
#[cfg(feature = "cel")]
pub mod filter;
mod graph;
mod handle;
mod journal;
pub mod lineage;
mod members;
mod package;
mod quarantine;
mod reactor;
mod reconciler;
pub mod replay;
mod retired;
mod root;
mod services;
mod shard;
mod shelf;
mod sink;
pub mod source;
#[cfg(feature = "testing")]
pub mod testing;
mod watchdog;
mod worker;

pub use acequia_core as core;
pub use acequia_core::cell::{Cause, FireError, FiringRecord, InHand, Outcome, SubscriberOutcome};
pub use acequia_core::durable::Guarantee;
pub use acequia_core::durable::dedupe::{Dedupe, DedupeError, EventId, Gaps, ProducerId, ProducerSequence};
pub use acequia_core::health::{Health, SourceHealth};
pub use acequia_core::ledger::{Dropped, Entry, Settled};
pub use acequia_core::package::{Release, ReleaseRange, Requirement};
pub use acequia_core::ring::PushError;
pub use acequia_host::library;
pub use acequia_host::{PublicKey, Trust};
pub use acequia_sdk::{
    Accumulator, AccumulatorDecl, AccumulatorDef, Batch, Buffered, CriteriaDecl, CronDecl, Emitter, Exported,
    Failure, FailureKind, Fate, FaultBudget, GraphBuilder, GraphDecl, GraphDef, GraphPart, GraphPlacement,
    ImportError, Incoming, InputDecl, Kind, OpenPane, OpenPanes, Overflow, Package, Passthrough, Payload,
    PollDecl, Presence, ReactorDecl, ReactorDef, Released, SourceDecl, SourceKey, SourceOut, Span,
    StateWindow, Stateful, Strategy, SubscriptionDecl, TaskDecl, TerminalDecl, Timestamp, TuneError, Tuning,
    Version, Window, WindowShape, WorkflowDecl, batch_accumulator, blocking, computation_graph, k_of,
    package, passthrough_accumulator, polling_accumulator, reactor, state_accumulator, stream_accumulator,
    time, when_all, when_any, window_accumulator,
};
pub use acequia_store as store;
pub use catalog::{
    AuditError, BootReport, CatalogHandle, DeployError, DeployPoint, FileReport, KeptError, KeptVersion,
    LeftOut, Loaded, PinTicket, Routed, Source, VersionStatus, kept_versions,
};
pub use children::Stopped;
pub use clock::Clock;
pub use dead_letters::{DeadLetters, LetterId, LetterSummary};
#[cfg(feature = "testing")]
pub use engine::Component;
pub use engine::{
    AttachError, Engine, EngineBuilder, FireInput, FiringStream, Invocation, InvokeError, Ledger,
    LookupError, OpenError, Placement, ReactorHandle, ReplayError, ShutdownReport, StartError, Terminals,
    Unsettled, UnsettledItem,
};
pub use env::{Counters, EngineState, Settings};
pub use handle::{Acceptance, AccumulatorHandle, StampedPushError};
pub use journal::{Recovery, RecoveryError};
pub use package::ChildStatus;
pub use reactor::Link;
#[cfg(feature = "testing")]
pub use reconciler::FailAction;
pub use reconciler::{
    Load, LoadError, LoadOutcome, LoadReport, PackageState, PackageStatus, StepCounters, StepEvent,
    StepEvents, StepPhase, Supplied, Unload, UnloadError, UnloadReport,
};
pub use sink::{Receiver, Sink, SinkError};
pub use watchdog::Stall;

/// What the macros expand to. Not for use by hand.
#[doc(hidden)]
pub use acequia_sdk::__private;
