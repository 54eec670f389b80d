//! The model of Acequia and every *decision* it takes: values in, values out.
//!
//! Nothing here does I/O, awaits, or reads a clock; time arrives as a [`Timestamp`]. The modules
//! read in the order of the data, then of control:
//!
//! ```text
//! event -> accumulator -> column (boundaries) -> reactor (criteria, strategy) -> graph -> sink edge
//! ledger (what became of each item) · fault (attempts, budget) · health · supervision
//! package (what is deployed as one) -> reconcile (from what is to what is wanted, as a plan)
//! -> catalog (versions, routes, and the pins that hold versions)
//! ```

pub mod codec;
pub mod id;
pub mod payload;
pub mod time;

pub mod accumulator;
pub mod column;
pub mod reactor;

pub mod graph;

pub mod cell;
pub mod durable;
pub mod fault;
pub mod health;
pub mod ledger;
pub mod letter;
pub mod overflow;
pub mod ring;
pub mod sink;
pub mod source;
pub mod supervision;
pub mod unpolled;
pub mod wire;

pub mod package;
pub mod reconcile;

pub mod catalog;

pub use durable::Guarantee;
pub use id::{
    AccumulatorName, FiringId, GraphName, ItemId, PackageName, ReactorName, TaskName, TerminalName,
    TriggerName, WorkflowName,
};
pub use overflow::Overflow;
pub use payload::{Encoded, Payload, PayloadError, PayloadType, WireType};
pub use time::Timestamp;
