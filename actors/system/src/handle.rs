//! Handles for pushing events.

use crate::cell::SharedCell;
use acequia_core::id::ItemId;
use acequia_core::payload::Payload;
use acequia_core::ring::{Push, PushError, Ring};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Pushes events of type `T` into one accumulator. Cheap to clone; order is kept per handle.
pub struct AccumulatorHandle<T> {
    ring: Arc<Ring<T>>,
    cell: Arc<SharedCell>,
}

impl<T> Clone for AccumulatorHandle<T> {
    fn clone(&self) -> Self {
        Self { ring: Arc::clone(&self.ring), cell: Arc::clone(&self.cell) }
    }
}

impl<T: Payload> AccumulatorHandle<T> {
    pub(crate) fn new(ring: Arc<Ring<T>>, cell: Arc<SharedCell>) -> Self {
        Self { ring, cell }
    }

    /// Publish one event, waiting for room. Dropping the future before it is ready publishes nothing.
    ///
    /// # Errors
    /// [`PushError::Closed`], with the event, once the engine stops.
    #[inline]
    pub fn push(&self, event: T) -> Push<'_, T> {
        // One look and one future: nothing lies between the caller and the ring.
        if self.ring.is_refusing() { self.ring.refuse_push(event) } else { self.ring.push(event) }
    }

    /// Publish one event if there is room now.
    ///
    /// # Errors
    /// [`PushError::Full`] with a hint when to try again, or [`PushError::Closed`]; both with the event.
    pub fn try_push(&self, event: T) -> Result<ItemId, PushError<T>> {
        if self.ring.is_refusing() {
            return Err(PushError::Closed { item: event });
        }
        self.ring.try_push(event)
    }

    /// Publish many events in order, waiting for room; one lock and at most one wake-up a portion.
    ///
    /// # Errors
    /// [`PushError::Closed`] with the events that were not published.
    pub async fn push_batch(&self, events: impl IntoIterator<Item = T>) -> Result<usize, PushError<Vec<T>>> {
        let mut events: VecDeque<T> = events.into_iter().collect();
        if self.ring.is_refusing() {
            return Err(PushError::Closed { item: events.into() });
        }
        match self.ring.push_many(&mut events).await {
            Ok(n) => Ok(n),
            Err(_) => Err(PushError::Closed { item: events.into() }),
        }
    }

    /// Publish one event, and run the cell on this thread if nobody else does: the shortest way from a
    /// push to its effect. Sinks are called on this thread.
    ///
    /// # Errors
    /// As [`AccumulatorHandle::try_push`].
    pub fn push_inline(&self, event: T) -> Result<ItemId, PushError<T>> {
        if self.ring.is_refusing() {
            return Err(PushError::Closed { item: event });
        }
        let id = self.ring.push_quietly(event)?;
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
        if self.ring.is_refusing() {
            return Err(PushError::Closed { item: event });
        }
        let mut push = std::pin::pin!(self.ring.push(event));
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
        self.ring.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
