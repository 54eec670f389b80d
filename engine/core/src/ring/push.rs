//! Publication of one item: the future that waits for room, and the refusals.

use super::Ring;
use crate::id::ItemId;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Why an item was not taken, with the item.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum PushError<T> {
    /// No room at this moment.
    #[error("E0120: the edge is full; try again in {retry_after:?}, or await `push`")]
    Full {
        /// The item.
        item: T,
        /// When room is to be expected.
        retry_after: Duration,
    },
    /// The edge takes no more items.
    #[error("E0121: the edge is closed because its engine or package is stopping; push to a running one")]
    Closed {
        /// The item.
        item: T,
    },
}

impl<T> std::fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl<T> PushError<T> {
    /// The item that was not taken.
    pub fn into_item(self) -> T {
        match self {
            Self::Full { item, .. } | Self::Closed { item } => item,
        }
    }
}

/// Publication of one item, waiting for room. Dropping it before it is ready publishes nothing.
#[must_use = "nothing is published before this is awaited"]
pub struct Push<'a, T> {
    pub(super) ring: &'a Ring<T>,
    pub(super) item: Option<T>,
    pub(super) refused: bool,
}

// The item is moved out, never pinned.
impl<T> Unpin for Push<'_, T> {}

impl<T> Future for Push<'_, T> {
    type Output = Result<ItemId, PushError<T>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ring = self.ring;
        if self.refused {
            return Poll::Ready(Err(Refusal::Closed.with(self.item.take())));
        }
        // The refusal and the registration of the waiter are one step under the ring's lock.
        match ring.publish_from(&mut self.item, Some(cx.waker())) {
            Ok((id, first)) => {
                if first {
                    ring.announce();
                }
                Poll::Ready(Ok(id))
            }
            Err(Refusal::Full(_)) => Poll::Pending,
            Err(closed @ Refusal::Closed) => Poll::Ready(Err(closed.with(self.item.take()))),
        }
    }
}

/// Why an item stayed with its sender.
pub(super) enum Refusal {
    Full(Duration),
    Closed,
}

impl Refusal {
    pub(super) fn with<T>(self, item: Option<T>) -> PushError<T> {
        let Some(item) = item else { unreachable!("a refused item stays with its sender") };
        match self {
            Self::Full(retry_after) => PushError::Full { item, retry_after },
            Self::Closed => PushError::Closed { item },
        }
    }
}
