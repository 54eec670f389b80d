//! Waiting for one's own batch.

use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::append::{AppendError, OnSynced};
use crate::Lsn;

type Answer = Result<Range<Lsn>, AppendError>;

/// A place for an answer. Each thread has one and uses it again.
#[derive(Debug, Default)]
struct Slot {
    answer: Mutex<Option<Answer>>,
    given: Condvar,
}

/// One wait of the thread that made it.
#[derive(Debug)]
pub(super) struct Waiting(Arc<Slot>);

thread_local! {
    static SLOT: Arc<Slot> = Arc::default();
}

impl Waiting {
    pub(super) fn new() -> Self {
        let slot = SLOT.with(Arc::clone);
        // A callback that was refused was dropped uncalled, so nobody else holds this thread's slot.
        slot.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        Self(slot)
    }

    pub(super) fn callback(&self) -> OnSynced {
        let slot = Arc::clone(&self.0);
        Box::new(move |answer| {
            *slot.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            slot.given.notify_one();
        })
    }

    pub(super) fn wait(self) -> Answer {
        let answer = self.0.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let given = self.0.given.wait_while(answer, |answer| answer.is_none());
        given.unwrap_or_else(PoisonError::into_inner).take().unwrap_or(Err(AppendError::Closed))
    }
}
