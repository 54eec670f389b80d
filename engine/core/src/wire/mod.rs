//! Parts whose values cross as bytes: both halves of a library's boundary, without the boundary.
//!
//! [`AnyPart`] and [`AnyGraph`] are what crosses. A library implements them by [`TypedPart`] and
//! [`GraphRunner`] over its real parts; its host puts what it loaded behind them, and [`RemotePart`] and
//! [`RemoteGraph`] make ordinary parts of that. Without a library between, the two halves fit directly.

mod graph;
mod part;
mod remote_graph;
mod remote_part;
mod runner;
mod shadow;
mod typed_part;
mod values;

pub use graph::{AnyGraph, GraphEnd, GraphOutputs, GraphTurn, InputWindow, PendingGraph};
pub use part::AnyPart;
pub use remote_graph::RemoteGraph;
pub use remote_part::RemotePart;
pub use runner::GraphRunner;
pub use shadow::Shadows;
pub use typed_part::TypedPart;
pub use values::Values;
