//! Sources: who may emit into an accumulator on its own account.
//!
//! A source is a function that makes a future. The engine runs that future under an actor, notices its
//! end at once, and starts it again with backoff if it died.

use crate::fault::Failure;
use crate::ring::{PushError, Ring};
use std::any::Any;
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
}

/// Where a source puts its events.
pub struct SourceOut<E> {
    ring: Arc<Ring<E>>,
    offset: Arc<SourceOffset>,
}

impl<E> Clone for SourceOut<E> {
    fn clone(&self) -> Self {
        Self { ring: Arc::clone(&self.ring), offset: Arc::clone(&self.offset) }
    }
}

impl<E: Send + 'static> SourceOut<E> {
    /// Publish one event, waiting for room.
    ///
    /// # Errors
    /// If the accumulator takes no more events; the source should end.
    pub async fn push(&self, event: E) -> Result<(), Failure> {
        match self.ring.push(event).await {
            Ok(_) => Ok(()),
            Err(PushError::Closed { .. } | PushError::Full { .. } | PushError::Unencodable { .. }) => {
                Err(Failure::error("the accumulator is closed"))
            }
        }
    }

    /// Publish one event that stands at `offset` in what the source reads. After a restart the source
    /// finds it in [`SourceOut::resume_after`].
    ///
    /// # Errors
    /// As [`SourceOut::push`].
    pub async fn push_at(&self, offset: u64, event: E) -> Result<(), Failure> {
        self.push(event).await?;
        self.offset.0.store(offset, Ordering::Release);
        Ok(())
    }

    /// Offset of the last event that an earlier run of this source published.
    pub fn resume_after(&self) -> Option<u64> {
        self.offset.get()
    }

    /// The ring behind it, for publishing without waiting.
    pub fn ring(&self) -> &Ring<E> {
        &self.ring
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

type MakeDrive =
    Arc<dyn Fn(&Arc<dyn Any + Send + Sync>, &Arc<SourceOffset>) -> Option<SourceDrive> + Send + Sync>;

/// A source, declared.
#[derive(Clone)]
pub struct SourceDecl {
    make: MakeDrive,
}

impl SourceDecl {
    /// A source that runs `run` until it ends.
    pub fn run<E, F, Fut>(run: F) -> Self
    where
        E: Send + 'static,
        F: Fn(SourceOut<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let make = move |ring: &Arc<dyn Any + Send + Sync>, offset: &Arc<SourceOffset>| {
            let ring = Arc::clone(ring).downcast::<Ring<E>>().ok()?;
            Some(SourceDrive::Run(Box::pin(run(SourceOut { ring, offset: Arc::clone(offset) }))))
        };
        Self { make: Arc::new(make) }
    }

    /// A source that asks `poll` each `interval`; `None` means unchanged.
    pub fn poll<E, F, Fut>(interval: Duration, poll: F) -> Self
    where
        E: Send + 'static,
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<E>, Failure>> + Send + 'static,
    {
        let poll = Arc::new(poll);
        let make = move |ring: &Arc<dyn Any + Send + Sync>, offset: &Arc<SourceOffset>| {
            let ring = Arc::clone(ring).downcast::<Ring<E>>().ok()?;
            let out = SourceOut { ring, offset: Arc::clone(offset) };
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
        };
        Self { make: Arc::new(make) }
    }

    /// Set it in motion over the accumulator's ring; `None` if the ring carries another type.
    pub fn drive(
        &self,
        ring: &Arc<dyn Any + Send + Sync>,
        offset: &Arc<SourceOffset>,
    ) -> Option<SourceDrive> {
        (self.make)(ring, offset)
    }
}
