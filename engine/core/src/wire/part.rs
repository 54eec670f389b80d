//! The part of an accumulator over bytes, as it crosses to its host.

use super::Values;
use crate::accumulator::{Eviction, Exported, ImportError, Many, Released};
use crate::fault::Failure;
use crate::payload::Encoded;
use crate::time::Timestamp;

/// An accumulator's part whose events and boundaries are bytes. No panic leaves it, and after a failure
/// it has recovered already.
pub trait AnyPart: Send {
    /// Handle `events` in order, ticks between them included, until one fails or pends. Boundaries go to
    /// `out`; those beyond what the fates account for are void.
    fn accept(&mut self, events: &[&[u8]], now: Timestamp, out: &mut Values) -> Many<Vec<u8>>;

    /// What it offers as it starts, before any event.
    ///
    /// # Errors
    /// How it failed; nothing is offered.
    fn start(&mut self, out: &mut Values) -> Result<(), Failure>;

    /// The due time has come.
    ///
    /// # Errors
    /// How it failed; what was held stays held.
    fn tick(&mut self, now: Timestamp, out: &mut Values) -> Result<Released, Failure>;

    /// Let go of what is held.
    ///
    /// # Errors
    /// How it failed; what was held stays held.
    fn flush(&mut self, out: &mut Values) -> Result<Released, Failure>;

    /// When [`AnyPart::tick`] wants to be called next.
    fn due(&self) -> Option<Timestamp>;

    /// How many events it holds that have not settled.
    fn held(&self) -> u64;

    /// Give up what it holds, or the part of it that fails: the events go to `out`. One that its own
    /// serialisation refuses goes there as no bytes at all, so that the count is right.
    fn evict(&mut self, what: Eviction, out: &mut Values);

    /// Go back to the last sound state.
    fn recover(&mut self);

    /// A copy of what it keeps, as bytes; none if it keeps nothing.
    ///
    /// # Errors
    /// What kept it from leaving.
    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure>;

    /// Go on with what another version or an earlier process exported, migrated where that is declared.
    ///
    /// # Errors
    /// [`ImportError`], if it is no state that this part keeps; the part is not used after that.
    fn import(&mut self, state: &Encoded, now: Timestamp) -> Result<(), ImportError>;
}
