//! An accumulator's ring, for callers who do not know its type.

use super::outlet::{AnyOutlet, Outlet};
use crate::column::{AnyColumn, Column};
use crate::fault::Failure;
use crate::id::{AccumulatorName, ItemId};
use crate::ledger::Dropped;
use crate::letter::{BYTES_KEPT, Place};
use crate::payload::{Payload, PayloadError, PayloadType};
use crate::ring::{Doorbell, Intake, NoRoom, NotWritten, Note, PushError, PushManyError, Ring};
use crate::sink::{AnySink, JournaledSink, RingSink};
use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

/// A ring whose type is known to the reader only.
pub trait AnyRing: Send + Sync {
    /// The ring for a checked downcast to `Ring<E>`.
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    /// How many items wait.
    fn len(&self) -> usize;
    /// Whether none waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Room, in items.
    fn capacity(&self) -> usize;
    /// Set who is told that there is something to draw.
    fn set_doorbell(&self, doorbell: Arc<dyn Doorbell>);
    /// Refuse further items.
    fn close(&self);
    /// Have handles refuse from now on.
    fn refuse(&self);
    /// Take items again.
    fn open(&self);
    /// Publish an item read from JSON. Bytes of another type are counted as dropped(undecodable) and
    /// come back as a dead letter.
    ///
    /// # Errors
    /// [`JsonPushError`].
    fn push_json(&self, bytes: &[u8]) -> Result<ItemId, JsonPushError>;
    /// The same, waiting for room, and for the disk where items are written there first.
    ///
    /// # Errors
    /// [`JsonPushError::Undecodable`] at once.
    fn push_json_waiting(self: Arc<Self>, bytes: &[u8]) -> Result<Waiting, JsonPushError>;
    /// The type of the items.
    fn payload_type(&self) -> PayloadType;
    /// Publish a copy of the first value of `column`, if it fits the ring's type and there is room.
    fn push_column(&self, column: &dyn AnyColumn) -> bool;
    /// The same by way of the disk, waiting for room, with a note; none if the value does not fit.
    fn push_column_noted(self: Arc<Self>, column: &dyn AnyColumn, note: Option<Note>) -> Option<Waiting>;
    /// A sink that publishes into this ring whatever fits its type.
    fn sink(self: Arc<Self>) -> Box<dyn AnySink>;
    /// A way into this ring for the boundaries of a shared accumulator, given up at `place`.
    fn outlet(self: Arc<Self>, place: Place) -> Box<dyn AnyOutlet>;
    /// Give up what finds no room, under this reason, or wait for room again.
    fn shed(&self, why: Option<Dropped>);
    /// Tell senders how long room takes to appear.
    fn set_drain_interval(&self, interval: std::time::Duration);
    /// From now on whatever comes in is written to disk first, by `intake`, as an event of `accumulator`.
    fn set_journaled(self: Arc<Self>, accumulator: AccumulatorName, intake: Arc<dyn Intake>);
    /// Whose events they are, if whatever comes in is written to disk first.
    fn journaled(&self) -> Option<&AccumulatorName>;
    /// Publish an item that was read from disk, if there is room now; if not, `waker` is woken when there is.
    ///
    /// # Errors
    /// [`JsonPushError::Closed`]; bytes of another type are counted as dropped(undecodable), and come back.
    fn offer_again(&self, bytes: &[u8], waker: &Waker) -> Result<bool, JsonPushError>;
    /// The same for an item that the part had handled before a crash: there is room for it in any case.
    ///
    /// # Errors
    /// [`JsonPushError::Undecodable`]: it is counted.
    fn replay_encoded(&self, bytes: &[u8]) -> Result<(), JsonPushError>;
    /// Count an item that was read from disk, and was given up there already.
    fn push_given_up(&self);
    /// Items of an earlier life are still to come: newer ones wait behind them.
    fn hold_late(&self);
    /// They have come.
    fn let_late_in(&self);
}

/// A push that waits.
pub type Waiting = Pin<Box<dyn Future<Output = Result<ItemId, JsonPushError>> + Send>>;

/// A push of JSON that was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonPushError {
    /// Counted and kept as a dead letter.
    #[error("E0122: the event went to the dead letters; mend its JSON and push it again")]
    Undecodable {
        /// Which item of the edge it was.
        item: ItemId,
        /// The bytes, at most [`BYTES_KEPT`].
        bytes: Vec<u8>,
        /// What is wrong with them.
        source: PayloadError,
    },
    /// No room at this moment; nothing was counted.
    #[error("E0123: the edge is full; push again in {retry_after:?}")]
    Full {
        /// When room is to be expected.
        retry_after: std::time::Duration,
    },
    /// The edge's items are written to disk first, which takes its time.
    #[error(
        "E0126: events of a durable accumulator are accepted when they are on disk; await `push`, or call `push_blocking`"
    )]
    MustWait,
    /// The edge's items are written to disk first, and that failed.
    #[error("E0125: the event was not accepted: {0}")]
    NotWritten(NotWritten),
    /// The edge takes no more items.
    #[error("E0121: the edge is closed because its engine or package is stopping; push to a running one")]
    Closed,
}

impl<T: Payload> AnyRing for Ring<T> {
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn set_doorbell(&self, doorbell: Arc<dyn Doorbell>) {
        self.set_doorbell(doorbell);
    }

    fn close(&self) {
        self.close();
    }

    fn refuse(&self) {
        self.refuse();
    }

    fn open(&self) {
        self.open();
    }

    fn push_json(&self, bytes: &[u8]) -> Result<ItemId, JsonPushError> {
        self.try_push(read_json(self, bytes)?).map_err(refused)
    }

    fn push_json_waiting(self: Arc<Self>, bytes: &[u8]) -> Result<Waiting, JsonPushError> {
        let event = read_json(&self, bytes)?;
        Ok(waiting(self, event, None))
    }

    fn payload_type(&self) -> PayloadType {
        self.item_type()
    }

    fn push_column(&self, column: &dyn AnyColumn) -> bool {
        first_of(self, column).is_some_and(|value| self.try_push(value).is_ok())
    }

    fn push_column_noted(self: Arc<Self>, column: &dyn AnyColumn, note: Option<Note>) -> Option<Waiting> {
        let value = first_of(&self, column)?;
        Some(waiting(self, value, note))
    }

    fn sink(self: Arc<Self>) -> Box<dyn AnySink> {
        if self.journaled().is_some() {
            Box::new(JournaledSink::new(self))
        } else {
            Box::new(RingSink::new(self))
        }
    }

    fn outlet(self: Arc<Self>, place: Place) -> Box<dyn AnyOutlet> {
        Box::new(Outlet::new(self, place))
    }

    fn shed(&self, why: Option<Dropped>) {
        self.shed(why);
    }

    fn set_drain_interval(&self, interval: std::time::Duration) {
        self.set_drain_interval(interval);
    }

    fn set_journaled(self: Arc<Self>, accumulator: AccumulatorName, intake: Arc<dyn Intake>) {
        Ring::set_journaled(&self, accumulator, intake);
    }

    fn journaled(&self) -> Option<&AccumulatorName> {
        self.journaled()
    }

    fn offer_again(&self, bytes: &[u8], waker: &Waker) -> Result<bool, JsonPushError> {
        match self.reserve(1, Some(waker)) {
            Ok(_) => {}
            Err(NoRoom::Full(_)) => return Ok(false),
            Err(NoRoom::Closed) => return Err(JsonPushError::Closed),
        }
        match decoded(self, bytes) {
            Ok(item) => {
                self.fill_first(std::iter::once(item));
                Ok(true)
            }
            Err(error) => {
                self.release(1);
                Err(error)
            }
        }
    }

    fn replay_encoded(&self, bytes: &[u8]) -> Result<(), JsonPushError> {
        self.fill_first(std::iter::once(decoded(self, bytes)?));
        Ok(())
    }

    fn push_given_up(&self) {
        self.reject(Dropped::DeadLetter);
    }

    fn hold_late(&self) {
        self.hold_late();
    }

    fn let_late_in(&self) {
        self.let_late_in();
    }
}

/// Read an item from JSON; bytes of another type are counted as dropped.
fn read_json<T: Payload>(ring: &Ring<T>, bytes: &[u8]) -> Result<T, JsonPushError> {
    T::from_json_as(bytes, ring.item_type()).map_err(|source| {
        let item = ring.reject(Dropped::Undecodable);
        JsonPushError::Undecodable { item, bytes: bytes[..bytes.len().min(BYTES_KEPT)].to_vec(), source }
    })
}

/// The first value of `column`, if it fits the ring's type.
fn first_of<T: Payload>(ring: &Ring<T>, column: &dyn AnyColumn) -> Option<T> {
    if !ring.item_type().fits(column.payload_type()) {
        return None;
    }
    let mut own = Column::<T>::of_type(ring.item_type());
    let copied = (&mut own as &mut dyn AnyColumn).push_converted(column, 0).is_ok();
    own.as_slice().first().filter(|_| copied).cloned()
}

fn waiting<T: Payload>(ring: Arc<Ring<T>>, item: T, note: Option<Note>) -> Waiting {
    Box::pin(async move {
        if ring.journaled().is_none() {
            return ring.push(item).await.map_err(refused);
        }
        let mut items = VecDeque::from([item]);
        let pushed = ring.push_many_noted(&mut items, note.map(|note| (0, note))).await;
        match pushed {
            // Its own number is not told; the last one accepted is close to it.
            Ok(_) => Ok(ItemId(ring.entry().accepted.saturating_sub(1))),
            Err(PushManyError::NotWritten(why)) => Err(JsonPushError::NotWritten(why)),
            Err(_) => Err(JsonPushError::Closed),
        }
    })
}

/// Read an item from disk; bytes of another type are counted as dropped.
fn decoded<T: Payload>(ring: &Ring<T>, bytes: &[u8]) -> Result<T, JsonPushError> {
    T::decode_as(bytes, ring.item_type()).map_err(|error| {
        let item = ring.reject(Dropped::Undecodable);
        let type_name = ring.item_type().name();
        let source = PayloadError::Wire { type_name, source: Failure::error(error) };
        JsonPushError::Undecodable { item, bytes: bytes[..bytes.len().min(BYTES_KEPT)].to_vec(), source }
    })
}

fn refused<T>(error: PushError<T>) -> JsonPushError {
    match error {
        PushError::Full { retry_after, .. } => JsonPushError::Full { retry_after },
        // The ring takes what is of its type as it is: nothing is encoded on the way.
        PushError::MustWait { .. } => JsonPushError::MustWait,
        _ => JsonPushError::Closed,
    }
}
