//! What became of many events that a part handled in one call, as one in a library does.

use super::{PendingBoundary, Released};
use crate::fault::Failure;
use crate::ledger::{Dropped, Settled};

/// The account of one call, for the events from the front of the queue on.
pub struct Many<B> {
    /// What became of each event that was handled, in order.
    pub fates: Vec<EventFate>,
    /// How the call failed, after the events that have a fate. What was emitted beyond theirs is void.
    pub failure: Option<ManyFailure>,
    /// The event after those that have a fate awaits something; its boundary comes later.
    pub pending: Option<PendingBoundary<B>>,
}

impl<B> Default for Many<B> {
    fn default() -> Self {
        Self { fates: Vec::new(), failure: None, pending: None }
    }
}

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFate {
    /// What became of it.
    pub became: Became,
    /// How many boundaries came of it, and of what its time let go.
    pub emitted: usize,
    /// Held events that settled before the next event, since their time had come.
    pub released: Released,
}

/// What became of an event, once its part has handled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It settled.
    Settled(Settled),
    /// It is kept.
    Held,
    /// It was given up.
    Dropped(Dropped),
}

/// How a call for many events failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManyFailure {
    /// How.
    pub failure: Failure,
    /// What the part was doing.
    pub step: FailedStep,
}

/// What a part was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedStep {
    /// It handled the event after those that have a fate; that one is still there.
    Accept,
    /// It had taken that event: its value went with the failure.
    AcceptTaken,
    /// It let go of what it holds.
    Tick,
}
