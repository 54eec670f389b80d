//! Publication of one item: the future that waits for room, and the refusals.

use super::Ring;
use super::journaled::{NotWritten, Writing};
use crate::codec::CodecError;
use crate::id::ItemId;
use crate::payload::Encoded;
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
    /// The edge takes bytes, and the item's own `Serialize` refuses it.
    #[error("E0124: the item could not be encoded for an edge that takes bytes; check its Serialize")]
    Unencodable {
        /// The item.
        item: T,
        /// What is wrong with it.
        source: CodecError,
    },
    /// The edge's items are written to disk first, and that failed.
    #[error("E0125: the event was not accepted: {0}", source)]
    NotWritten {
        /// The item.
        item: T,
        /// What the journal says.
        source: NotWritten,
    },
    /// The edge's items are written to disk first, which takes its time.
    #[error(
        "E0126: events of a durable accumulator are accepted when they are on disk; await `push`, or call `push_blocking`"
    )]
    MustWait {
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
    /// The same refusal of the item in another form.
    pub(super) fn with<U>(self, item: U) -> PushError<U> {
        match self {
            Self::Full { retry_after, .. } => PushError::Full { item, retry_after },
            Self::Closed { .. } => PushError::Closed { item },
            Self::Unencodable { source, .. } => PushError::Unencodable { item, source },
            Self::NotWritten { source, .. } => PushError::NotWritten { item, source },
            Self::MustWait { .. } => PushError::MustWait { item },
        }
    }

    /// The same refusal of what `change` makes of the item.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> PushError<U> {
        match self {
            Self::Full { item, retry_after } => PushError::Full { item: change(item), retry_after },
            Self::Closed { item } => PushError::Closed { item: change(item) },
            Self::Unencodable { item, source } => PushError::Unencodable { item: change(item), source },
            Self::NotWritten { item, source } => PushError::NotWritten { item: change(item), source },
            Self::MustWait { item } => PushError::MustWait { item: change(item) },
        }
    }

    /// The item that was not taken.
    pub fn into_item(self) -> T {
        match self {
            Self::Full { item, .. }
            | Self::Closed { item }
            | Self::Unencodable { item, .. }
            | Self::NotWritten { item, .. }
            | Self::MustWait { item } => item,
        }
    }
}

/// Publication of one item, waiting for room. Dropping it before it is ready publishes nothing.
#[must_use = "nothing is published before this is awaited"]
pub struct Push<'a, T> {
    pub(super) ring: &'a Ring<T>,
    pub(super) item: Option<T>,
    /// Anything but a publication in `ring`; none on the way that most items go.
    pub(super) detour: Option<Box<Detour<'a, T>>>,
}

/// Where an item goes that is not published in its ring.
pub(super) enum Detour<'a, T> {
    /// Back: the edge is closed to handles.
    Refused,
    /// Into a ring for bytes, encoded.
    Encoded { ring: &'a Ring<Encoded>, item: Option<Encoded> },
    /// The same by way of the disk.
    EncodedJournaled(Box<Push<'a, Encoded>>),
    /// By way of the disk.
    Journaled(Writing<T>),
    /// Back: it could not be encoded.
    Unencodable(Option<CodecError>),
}

// The item is moved out, never pinned.
impl<T> Unpin for Push<'_, T> {}

impl<T> Future for Push<'_, T> {
    type Output = Result<ItemId, PushError<T>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ring = self.ring;
        if self.detour.is_some() {
            return self.poll_detour(cx);
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
            Err(closed @ (Refusal::Closed | Refusal::MustWait)) => {
                Poll::Ready(Err(closed.with(self.item.take())))
            }
        }
    }
}

impl<T> Push<'_, T> {
    #[cold]
    fn poll_detour(&mut self, cx: &mut Context<'_>) -> Poll<Result<ItemId, PushError<T>>> {
        match self.detour.as_deref_mut() {
            None | Some(Detour::Refused) => Poll::Ready(Err(Refusal::Closed.with(self.item.take()))),
            Some(Detour::Unencodable(source)) => match (self.item.take(), source.take()) {
                (Some(item), Some(source)) => Poll::Ready(Err(PushError::Unencodable { item, source })),
                (item, _) => Poll::Ready(Err(Refusal::Closed.with(item))),
            },
            Some(Detour::Journaled(_)) => self.poll_journaled(cx),
            Some(Detour::EncodedJournaled(push)) => {
                let Poll::Ready(ended) = Pin::new(&mut **push).poll(cx) else { return Poll::Pending };
                let Some(item) = self.item.take() else {
                    unreachable!("a publication ends once, and its item stays here until then")
                };
                Poll::Ready(ended.map_err(|error| error.with(item)))
            }
            Some(Detour::Encoded { ring, item }) => match ring.publish_from(item, Some(cx.waker())) {
                Ok((id, first)) => {
                    self.item = None;
                    if first {
                        ring.announce();
                    }
                    Poll::Ready(Ok(id))
                }
                Err(Refusal::Full(_)) => Poll::Pending,
                Err(closed @ (Refusal::Closed | Refusal::MustWait)) => {
                    Poll::Ready(Err(closed.with(self.item.take())))
                }
            },
        }
    }
}

/// Why an item stayed with its sender.
pub(super) enum Refusal {
    Full(Duration),
    Closed,
    MustWait,
}

impl Refusal {
    pub(super) fn with<T>(self, item: Option<T>) -> PushError<T> {
        let Some(item) = item else { unreachable!("a refused item stays with its sender") };
        match self {
            Self::Full(retry_after) => PushError::Full { item, retry_after },
            Self::Closed => PushError::Closed { item },
            Self::MustWait => PushError::MustWait { item },
        }
    }
}
