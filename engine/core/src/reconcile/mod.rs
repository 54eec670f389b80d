//! From what is loaded to what is wanted: plans, refusals, and the guard, as values.
//!
//! [`Actual`] says what is loaded, a [`Plan`] which steps lead elsewhere. Nothing here does anything: the
//! reconciler of the engine carries a plan out, and tells [`Actual`] what was done.

pub mod actual;
pub mod contract;
pub mod feed;
pub mod guard;
mod index;
pub mod load;
pub mod plan;
pub mod problem;
mod requirement;
pub mod share;
mod shared;
pub mod upgrade;

pub use actual::{Actual, Hold, Loaded, Owned, Pin, Quarantine};
pub use contract::{Contract, Offer, Read};
pub use feed::{Feed, SinkDecl, SinkError, check_sink, path};
pub use guard::{Holding, UnloadRefusal, dependants, plan_unload};
pub use load::{Desired, plan_load};
pub use plan::{Direction, GraphRecord, Plan, Record, Step, Upgrade, WorkflowRecord};
pub use problem::{Problem, Refusal, StatedRelease};
pub use share::{ShareRecord, Shares};
pub use shared::Shared;
