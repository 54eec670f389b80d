//! The slot of an accumulator in a cell: ring, part and what is in hand, behind one virtual call a turn.

mod typed;

pub use typed::Slot;

use super::any_ring::AnyRing;
use super::{Exported, ImportError};
use crate::column::AnyColumn;
use crate::fault::{Failure, FaultBudget};
use crate::ledger::{Dropped, Entry};
use crate::letter::{DeadLetter, Place};
use crate::overflow::Overflow;
use crate::payload::PayloadType;
use crate::ring::Doorbell;
use crate::time::Timestamp;
use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What a slot is made from.
pub struct SlotArgs {
    /// Where items are given up.
    pub(crate) place: Place,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) budget: FaultBudget,
    pub(crate) tickets: Option<Arc<AtomicU64>>,
    pub(crate) event: PayloadType,
    pub(crate) boundary: PayloadType,
}

/// What a slot is told and where it reports, for one turn.
pub struct SlotContext<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// The most events to handle.
    pub limit: usize,
    /// Items given up.
    pub letters: &'a mut Vec<DeadLetter>,
    /// Failures, whether or not the item was given up.
    pub failures: &'a mut Vec<Failure>,
    /// Rung when something awaited has come.
    pub doorbell: &'a Arc<dyn Doorbell>,
}

/// What a slot did in one turn.
#[derive(Default)]
pub struct SlotTurn {
    /// Events handled.
    pub handled: usize,
    /// Whether events wait that could be handled now.
    pub more: bool,
    /// Whether events wait to be handled, with or without room for what comes of them.
    pub waits: bool,
    /// The part failed too much and is out from now on.
    pub quarantined: Option<Failure>,
    /// A function that pends: run this to its end on the work runtime.
    pub pending: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// A slot whose types are known to the reader only.
pub trait AnySlot: Send {
    /// Handle what waits, up to the limit; boundaries go to `column`, their arrival numbers to `order`.
    fn turn(
        &mut self,
        cx: &mut SlotContext<'_>,
        column: &mut dyn AnyColumn,
        order: &mut Vec<u64>,
    ) -> SlotTurn;
    /// Offer what the part offers at start.
    fn start(&mut self, column: &mut dyn AnyColumn, order: &mut Vec<u64>);
    /// Ask the part to let go of what it holds.
    fn flush(
        &mut self,
        cx: &mut SlotContext<'_>,
        column: &mut dyn AnyColumn,
        order: &mut Vec<u64>,
    ) -> SlotTurn;
    /// Room in its ring, and for boundaries that wait in its column.
    fn capacity(&self) -> usize;
    /// When it wants a turn, by the clock.
    fn due(&self) -> Option<Timestamp>;
    /// The event edge's ledger, with everything open counted where it is.
    fn entry(&self) -> Entry;
    /// Events drawn, held or awaited, that have not settled.
    fn in_hand(&self) -> u64;
    /// How many of them the part holds until a flush, or until their time has come.
    fn held(&self) -> u64;
    /// Events that have left ring and queue for good.
    fn consumed(&self) -> u64;
    /// Which of them were given up since the last call, counted from the first that left since then. Only
    /// where events are written to disk first.
    fn take_given_up(&mut self) -> Vec<u64>;
    /// Go on with the figures of an earlier life, in which everything was settled or dropped but what the part
    /// holds.
    fn begin_with(&mut self, entry: Entry);
    /// Arrival number of the oldest event that waits to be handled; none if it only waits for something
    /// awaited.
    fn frontier(&self) -> Option<u64>;
    /// Give up everything open, counted under `why`.
    fn give_up(&mut self, why: Dropped, cx: &mut SlotContext<'_>);
    /// Put a fresh part in, after quarantine was lifted.
    fn reinstall(&mut self);
    /// Whether it is out of service.
    fn is_quarantined(&self) -> bool;
    /// An empty column of the boundary type.
    fn column(&self) -> Box<dyn AnyColumn>;
    /// The ring.
    fn ring(&self) -> Arc<dyn AnyRing>;
    /// Give memory back that a burst left behind.
    fn shrink(&mut self);
    /// Read a little of what a turn needs ([`crate::cell::Cell::touch`]).
    #[doc(hidden)]
    fn touch(&self) -> usize {
        0
    }
    /// A copy of the part's state, for another version of it.
    ///
    /// # Errors
    /// What kept the state from leaving.
    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure>;
    /// Take in the state of the part that this one is to replace.
    ///
    /// # Errors
    /// [`ImportError`], if it is no state that this part keeps.
    fn import(&mut self, state: Exported, now: Timestamp) -> Result<(), ImportError>;
    /// Take over ring, events in hand and figures of the slot that this one replaces; false, and nothing
    /// done, if that is for other events.
    fn succeed(&mut self, old: &mut dyn AnySlot) -> bool;
    /// Give up ring, events in hand and figures to a successor.
    fn hand_over(&mut self) -> Box<dyn Any + Send>;
    /// Move one open event out of every place that is counted, so that a test can see the ledger fail.
    #[doc(hidden)]
    fn hide_one(&mut self) -> bool;
}
