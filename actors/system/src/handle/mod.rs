//! Handles for pushing events.

mod stamped;

pub use stamped::{Acceptance, StampedPushError};

use crate::cell::SharedCell;
use acequia_core::id::ItemId;
use acequia_core::payload::Payload;
use acequia_core::ring::{Note, Push, PushError, PushManyError, Ring};
use acequia_core::wire::Values;
use acequia_core::{Encoded, Overflow};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Pushes events of type `T` into one accumulator. Cheap to clone; order is kept per handle.
pub struct AccumulatorHandle<T> {
    /// Beside `encoded`, a ring that takes nothing: the look whether it refuses, which every push takes
    /// anyway, leads to the other.
    ring: Arc<Ring<T>>,
    cell: Arc<SharedCell>,
    /// The accumulator's ring, where it takes bytes.
    encoded: Option<Arc<Ring<Encoded>>>,
}

impl<T> Clone for AccumulatorHandle<T> {
    fn clone(&self) -> Self {
        let (ring, cell) = (Arc::clone(&self.ring), Arc::clone(&self.cell));
        Self { ring, cell, encoded: self.encoded.clone() }
    }
}

impl<T: Payload> AccumulatorHandle<T> {
    pub(crate) fn new(ring: Arc<Ring<T>>, cell: Arc<SharedCell>) -> Self {
        Self { ring, cell, encoded: None }
    }

    /// A handle that encodes at the push.
    pub(crate) fn encoding(ring: Arc<Ring<Encoded>>, cell: Arc<SharedCell>) -> Self {
        let nowhere = Ring::new(1, Overflow::Block, None);
        nowhere.refuse();
        Self { ring: Arc::new(nowhere), cell, encoded: Some(ring) }
    }

    /// The ring for bytes, while it takes any.
    fn open_encoded(&self) -> Option<&Ring<Encoded>> {
        self.encoded.as_deref().filter(|ring| !ring.is_refusing())
    }

    /// Publish one event, waiting for room. Dropping the future before it is ready publishes nothing.
    ///
    /// # Errors
    /// [`PushError::Closed`], with the event, once the engine stops; [`PushError::Unencodable`] if the
    /// accumulator takes bytes and the event's own `Serialize` refuses it.
    #[inline]
    pub fn push(&self, event: T) -> Push<'_, T> {
        // One look and one future: nothing lies between the caller and the ring.
        self.cell.expect_ring();
        if self.ring.is_refusing() { self.push_elsewhere(event) } else { self.ring.push(event) }
    }

    #[cold]
    fn push_elsewhere(&self, event: T) -> Push<'_, T> {
        match self.open_encoded() {
            Some(ring) => self.ring.push_encoded(event, ring),
            None => self.ring.refuse_push(event),
        }
    }

    /// Publish one event if there is room now.
    ///
    /// # Errors
    /// [`PushError::Full`] with a hint when to try again, or [`PushError::Closed`]; both with the event.
    pub fn try_push(&self, event: T) -> Result<ItemId, PushError<T>> {
        if self.ring.is_refusing() {
            let Some(ring) = self.open_encoded() else { return Err(PushError::Closed { item: event }) };
            return ring.publish_encoded(event, Ring::try_push);
        }
        self.ring.try_push(event)
    }

    /// Publish many events in order, waiting for room; one lock and at most one wake-up a portion.
    ///
    /// # Errors
    /// [`PushError::Closed`], or [`PushError::NotWritten`] where they are written to disk first, with the events
    /// that were not published. [`PushError::Unencodable`] likewise, if the accumulator takes bytes and the
    /// `Serialize` of the first of those refuses it.
    pub async fn push_batch(&self, events: impl IntoIterator<Item = T>) -> Result<usize, PushError<Vec<T>>> {
        if self.ring.is_refusing() {
            // As many as have room are encoded as they come; the others are kept here until they have.
            let (published, left) = self.publish_elsewhere(events.into_iter())?;
            return self.push_left_elsewhere(published, left).await;
        }
        self.push_noted(events.into_iter().collect(), Vec::new()).await
    }

    /// The same, with what is written to disk of some of them, by position.
    async fn push_noted(
        &self,
        events: Vec<T>,
        notes: Vec<(usize, Note)>,
    ) -> Result<usize, PushError<Vec<T>>> {
        if self.ring.is_refusing() {
            return self.push_noted_elsewhere(events, notes).await;
        }
        let mut events: VecDeque<T> = events.into();
        match self.ring.push_many_noted(&mut events, notes).await {
            Ok(n) => Ok(n),
            Err(error) => Err(not_pushed(error, events.into())),
        }
    }

    fn publish_elsewhere(
        &self,
        events: impl Iterator<Item = T>,
    ) -> Result<(usize, VecDeque<T>), PushError<Vec<T>>> {
        match self.open_encoded() {
            Some(ring) => ring.publish_now(events),
            None => Err(PushError::Closed { item: events.collect() }),
        }
    }

    async fn push_left_elsewhere(
        &self,
        published: usize,
        mut events: VecDeque<T>,
    ) -> Result<usize, PushError<Vec<T>>> {
        if events.is_empty() {
            return Ok(published);
        }
        let Some(ring) = self.open_encoded() else { return Err(PushError::Closed { item: events.into() }) };
        match ring.push_all_encoded(&mut events).await {
            Ok(n) => Ok(published + n),
            Err(error) => Err(not_pushed(error, events.into())),
        }
    }

    async fn push_noted_elsewhere(
        &self,
        mut events: Vec<T>,
        notes: Vec<(usize, Note)>,
    ) -> Result<usize, PushError<Vec<T>>> {
        let Some(ring) = self.open_encoded() else { return Err(PushError::Closed { item: events }) };
        let Some(wire) = ring.item_type().wire() else { return Err(PushError::Closed { item: events }) };
        // One buffer for all of them.
        let mut values = Values::default();
        if let Err(source) = values.push_all(&events) {
            return Err(PushError::Unencodable { item: events, source });
        }
        let mut encoded: VecDeque<Encoded> = values.take(wire).collect();
        match ring.push_many_noted(&mut encoded, notes).await {
            Ok(n) => Ok(n),
            Err(error) => {
                let published = events.len() - encoded.len();
                Err(not_pushed(error, events.split_off(published)))
            }
        }
    }

    /// Publish one event, and run the cell on this thread if nobody else does: the shortest way from a
    /// push to its effect. Sinks are called on this thread.
    ///
    /// # Errors
    /// As [`AccumulatorHandle::try_push`].
    pub fn push_inline(&self, event: T) -> Result<ItemId, PushError<T>> {
        let id = if self.ring.is_refusing() {
            let Some(ring) = self.open_encoded() else { return Err(PushError::Closed { item: event }) };
            ring.publish_encoded(event, Ring::push_quietly)?
        } else {
            self.ring.push_quietly(event)?
        };
        if !self.cell.try_inline() {
            self.cell.schedule();
        }
        Ok(id)
    }

    /// Publish one event from a thread without a runtime, parking it while there is no room.
    ///
    /// # Errors
    /// [`PushError::Closed`], with the event, once the engine stops.
    pub fn push_blocking(&self, event: T) -> Result<ItemId, PushError<T>> {
        let mut push = std::pin::pin!(self.push(event));
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match push.as_mut().poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// How many events wait in the ring.
    pub fn len(&self) -> usize {
        self.encoded.as_ref().map_or_else(|| self.ring.len(), |ring| ring.len())
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rest of a push of many, with why it was not taken.
fn not_pushed<T>(error: PushManyError, item: Vec<T>) -> PushError<Vec<T>> {
    match error {
        PushManyError::NotWritten(source) => PushError::NotWritten { item, source },
        PushManyError::Unencodable(source) => PushError::Unencodable { item, source },
        _ => PushError::Closed { item },
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
