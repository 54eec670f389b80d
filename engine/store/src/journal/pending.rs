//! Awaiting one's own batch.

use std::future::Future;
use std::mem;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::append::AppendError;
use crate::Lsn;

type Answer = Result<Range<Lsn>, AppendError>;

/// A batch on its way: ready with its numbers when it is synced, or with why it is not. Dropped, the batch
/// goes on all the same.
#[derive(Debug)]
#[must_use = "the batch is acknowledged when this is ready"]
pub struct Pending(Arc<Seat>);

/// Where the committer leaves the answer.
#[derive(Debug, Default)]
pub(super) struct Seat(Mutex<Stage>);

#[derive(Debug, Default)]
enum Stage {
    /// Nobody has looked yet.
    #[default]
    Fresh,
    Awaited(Waker),
    Told(Answer),
    /// The answer was given out.
    Taken,
}

impl Pending {
    /// One that waits, and where its answer goes.
    pub(super) fn new() -> (Self, Arc<Seat>) {
        let seat = Arc::<Seat>::default();
        (Self(Arc::clone(&seat)), seat)
    }
}

impl Future for Pending {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut stage = self.0.lock();
        match &mut *stage {
            Stage::Awaited(waker) => waker.clone_from(cx.waker()),
            Stage::Fresh => *stage = Stage::Awaited(cx.waker().clone()),
            Stage::Told(_) | Stage::Taken => match mem::replace(&mut *stage, Stage::Taken) {
                Stage::Told(answer) => return Poll::Ready(answer),
                // Polled again after its answer, which a future need not survive.
                _ => return Poll::Ready(Err(AppendError::Closed)),
            },
        }
        Poll::Pending
    }
}

impl Seat {
    pub(super) fn tell(&self, answer: Answer) {
        let before = mem::replace(&mut *self.lock(), Stage::Told(answer));
        if let Stage::Awaited(waker) = before {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
