//! Sources: who may emit into an accumulator on its own account.
//!
//! A source is a function that makes a future. The engine runs that future under an actor, notices its
//! end at once, and starts it again with backoff if it died.

use crate::fault::Failure;
use crate::payload::Payload;
use crate::ring::Ring;
use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A boxed future of a source.
pub type SourceFuture<R> = Pin<Box<dyn Future<Output = Result<R, Failure>> + Send>>;

/// Offset of a source that has not published one.
const NO_OFFSET: u64 = u64::MAX;

/// What survives the source: the offset of the last event that was accepted.
#[derive(Debug)]
pub struct SourceOffset(AtomicU64);

impl Default for SourceOffset {
    fn default() -> Self {
        Self(AtomicU64::new(NO_OFFSET))
    }
}

impl SourceOffset {
    /// The last accepted event's offset.
    pub fn get(&self) -> Option<u64> {
        match self.0.load(Ordering::Acquire) {
            NO_OFFSET => None,
            offset => Some(offset),
        }
    }

    /// Remember the last accepted event's offset.
    pub fn set(&self, offset: u64) {
        self.0.store(offset, Ordering::Release);
    }
}

/// The accumulator's ring as a source in a library sees it: events leave as bytes.
pub trait WireOut: Send + Sync {
    /// Publish encoded events in order; once they are in, `offset` is where the source goes on after a
    /// restart. The future, if any, ends when there was room for all.
    ///
    /// # Errors
    /// If the accumulator takes no more events.
    fn push(&self, events: &[Vec<u8>], offset: Option<u64>) -> Result<Option<SourceFuture<()>>, Failure>;
}

/// What [`SourceDecl::drive`] is given for a ring on the other side of a library boundary.
pub struct WireRing(pub Arc<dyn WireOut>);

/// Where a source puts its events.
pub struct SourceOut<E> {
    to: Target<E>,
    offset: Arc<SourceOffset>,
}

enum Target<E> {
    Ring(Arc<Ring<E>>),
    Wire(Arc<dyn WireOut>),
}

impl<E> Clone for SourceOut<E> {
    fn clone(&self) -> Self {
        let to = match &self.to {
            Target::Ring(ring) => Target::Ring(Arc::clone(ring)),
            Target::Wire(wire) => Target::Wire(Arc::clone(wire)),
        };
        Self { to, offset: Arc::clone(&self.offset) }
    }
}

impl<E: Payload> SourceOut<E> {
    /// Publishes into `ring`; `None` if that carries another type.
    fn new(ring: &DynRing, offset: &Arc<SourceOffset>) -> Option<Self> {
        let to = match Arc::clone(ring).downcast::<Ring<E>>() {
            Ok(ring) => Target::Ring(ring),
            Err(other) => Target::Wire(Arc::clone(&other.downcast::<WireRing>().ok()?.0)),
        };
        Some(Self { to, offset: Arc::clone(offset) })
    }

    /// Publish one event, waiting for room.
    ///
    /// # Errors
    /// If the accumulator takes no more events; the source should end.
    pub async fn push(&self, event: E) -> Result<(), Failure> {
        self.publish(event, None).await
    }

    /// Publish one event that stands at `offset` in what the source reads. After a restart the source
    /// finds it in [`SourceOut::resume_after`].
    ///
    /// # Errors
    /// As [`SourceOut::push`].
    pub async fn push_at(&self, offset: u64, event: E) -> Result<(), Failure> {
        self.publish(event, Some(offset)).await?;
        self.offset.set(offset);
        Ok(())
    }

    /// Publish all of `events`, in order, waiting for room.
    ///
    /// # Errors
    /// As [`SourceOut::push`]; what was not published stays in `events`.
    pub async fn push_many(&self, events: &mut VecDeque<E>) -> Result<(), Failure> {
        match &self.to {
            Target::Ring(ring) => ring.push_many(events).await.map(|_| ()).map_err(Failure::error),
            Target::Wire(wire) => {
                send(&**wire, &encoded(events.iter())?, None).await?;
                events.clear();
                Ok(())
            }
        }
    }

    /// Publish all of `events`, in order, each with its offset in what the source reads, waiting for room.
    /// In a durable accumulator each offset is on disk with its event: after a crash
    /// [`SourceOut::resume_after`] says exactly how far the events had come.
    ///
    /// # Errors
    /// As [`SourceOut::push`].
    pub async fn push_many_at(&self, events: Vec<(u64, E)>) -> Result<(), Failure> {
        let Some((last, _)) = events.last() else { return Ok(()) };
        let last = *last;
        match &self.to {
            Target::Ring(ring) => {
                let offsets: Vec<_> =
                    events.iter().enumerate().map(|(at, (offset, _))| (at, *offset)).collect();
                let mut events: VecDeque<E> = events.into_iter().map(|(_, event)| event).collect();
                ring.push_many_at(&mut events, offsets).await.map_err(Failure::error)?;
            }
            Target::Wire(wire) => {
                send(&**wire, &encoded(events.iter().map(|(_, event)| event))?, Some(last)).await?;
            }
        }
        self.offset.set(last);
        Ok(())
    }

    async fn publish(&self, event: E, offset: Option<u64>) -> Result<(), Failure> {
        match &self.to {
            Target::Ring(ring) => ring.push_at(event, offset).await.map(|_| ()).map_err(Failure::error),
            Target::Wire(wire) => send(&**wire, &encoded([&event])?, offset).await,
        }
    }

    /// Offset of the last event that an earlier run of this source published.
    pub fn resume_after(&self) -> Option<u64> {
        self.offset.get()
    }
}

fn encoded<'e, E: Payload>(events: impl IntoIterator<Item = &'e E>) -> Result<Vec<Vec<u8>>, Failure> {
    let encoded = |event: &E| {
        let mut bytes = Vec::new();
        event.encode(&mut bytes).map_err(Failure::error).map(|()| bytes)
    };
    events.into_iter().map(encoded).collect()
}

async fn send(wire: &dyn WireOut, events: &[Vec<u8>], offset: Option<u64>) -> Result<(), Failure> {
    match wire.push(events, offset)? {
        Some(room) => room.await,
        None => Ok(()),
    }
}

/// A source set in motion.
pub enum SourceDrive {
    /// Runs until it ends: `Ok` is the end of the stream, an error is a death.
    Run(SourceFuture<()>),
    /// Is polled at start and then each interval; true if there was something new.
    Poll {
        /// Time between two polls.
        interval: Duration,
        /// Makes one poll.
        poll: Box<dyn FnMut() -> SourceFuture<bool> + Send>,
    },
}

/// A ring, as a source is given it.
pub type DynRing = Arc<dyn Any + Send + Sync>;

type MakeDrive = Arc<dyn Fn(&DynRing, &Arc<SourceOffset>) -> Option<SourceDrive> + Send + Sync>;

/// A source, declared.
#[derive(Clone)]
pub struct SourceDecl {
    make: MakeDrive,
    interval: Option<Duration>,
}

impl SourceDecl {
    /// A source that `make` sets in motion over a ring; `None` if the ring carries another type.
    pub fn driven(
        make: impl Fn(&DynRing, &Arc<SourceOffset>) -> Option<SourceDrive> + Send + Sync + 'static,
    ) -> Self {
        Self { make: Arc::new(make), interval: None }
    }

    /// If it is polled, poll it each `interval`, whatever it says itself.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// A source that runs `run` until it ends.
    pub fn run<E, F, Fut>(run: F) -> Self
    where
        E: Payload,
        F: Fn(SourceOut<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        Self::driven(move |ring, offset| Some(SourceDrive::Run(Box::pin(run(SourceOut::new(ring, offset)?)))))
    }

    /// A source that asks `poll` each `interval`; `None` means unchanged.
    pub fn poll<E, F, Fut>(interval: Duration, poll: F) -> Self
    where
        E: Payload,
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<E>, Failure>> + Send + 'static,
    {
        let poll = Arc::new(poll);
        Self::driven(move |ring, offset| {
            let out = SourceOut::<E>::new(ring, offset)?;
            let poll = Arc::clone(&poll);
            let once = move || -> SourceFuture<bool> {
                let (out, asked) = (out.clone(), poll());
                Box::pin(async move {
                    match asked.await? {
                        Some(event) => out.push(event).await.map(|()| true),
                        None => Ok(false),
                    }
                })
            };
            Some(SourceDrive::Poll { interval, poll: Box::new(once) })
        })
    }

    /// Set it in motion over the accumulator's ring; `None` if the ring carries another type.
    pub fn drive(&self, ring: &DynRing, offset: &Arc<SourceOffset>) -> Option<SourceDrive> {
        match ((self.make)(ring, offset)?, self.interval) {
            (SourceDrive::Poll { poll, .. }, Some(interval)) => Some(SourceDrive::Poll { interval, poll }),
            (drive, _) => Some(drive),
        }
    }
}
