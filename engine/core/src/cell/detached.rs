//! A graph that left the cell, with the firing in hand.

use super::delivery::Delivery;
use super::run::GraphRun;
use crate::column::AnyColumn;
use crate::graph::PendingFiring;
use crate::id::{FiringId, GraphName};
use std::sync::Arc;
use std::time::Duration;

/// One firing that began in the cell and goes on elsewhere.
pub struct HandedOver {
    /// Which.
    pub id: FiringId,
    /// The rest of it.
    pub rest: PendingFiring,
    /// Its inputs, in case it fails.
    pub inputs: Vec<Box<dyn AnyColumn>>,
}

/// A graph that left the cell.
pub struct Detached {
    /// Its name.
    pub graph: GraphName,
    /// The run, to go on with.
    pub run: GraphRun,
    /// Its delivery ring, which stays the seat's.
    pub delivery: Arc<Delivery>,
    /// The firing in hand, if it pends.
    pub hand: Option<HandedOver>,
    /// Why it left.
    pub why: DetachCause,
}

/// Why a graph left the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetachCause {
    /// A node awaits something.
    Pended,
    /// A firing took this long.
    Slow(Duration),
}
