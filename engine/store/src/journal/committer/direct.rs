//! A committer without a thread: whoever appends commits. For tests on paused time.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Committer, Told};
use crate::journal::append::{AppendError, Submission};

/// Commits each batch on the thread that brings it.
#[derive(Debug)]
pub(in crate::journal) struct Direct {
    committer: Mutex<Committer>,
    line: Mutex<Line>,
}

/// Who is still to be told. Nobody is called under the committer's lock, because a callback may append
/// again; and one after the other, because order is promised.
#[derive(Debug, Default)]
struct Line {
    told: VecDeque<Told>,
    is_moving: bool,
}

impl Direct {
    pub(in crate::journal) fn new(committer: Committer) -> Self {
        Self { committer: Mutex::new(committer), line: Mutex::default() }
    }

    /// Commits a batch, and calls its callback unless another one's is running.
    pub(in crate::journal) fn submit(&self, submission: Submission) {
        let mut committer = self.lock();
        let mut told = Vec::with_capacity(1);
        let made = match committer.is_holding() {
            true => Err(committer.shared().disk_full()),
            false => committer.make_room(submission.batch.n_bytes()),
        };
        match made {
            Ok(()) => committer.commit(&mut vec![submission], &mut told),
            Err(error) => committer.hold(submission, &error, &mut told),
        }
        self.tell(committer, told);
    }

    /// Calls the callbacks, unless another one's is running.
    fn tell(&self, committer: MutexGuard<'_, Committer>, told: Vec<Told>) {
        // In line before the next one can commit.
        self.line().told.extend(told);
        let shared = std::sync::Arc::clone(committer.shared());
        drop(committer);
        while let Some(told) = self.next() {
            shared.room.free(told.n_bytes());
            shared.recycle(told.tell());
            self.line().is_moving = false;
        }
    }

    /// Looks whether the disk has room again, for what waits for it first of all.
    pub(in crate::journal) fn retry(&self) -> Result<(), AppendError> {
        let (mut committer, mut told) = (self.lock(), Vec::new());
        let retried = committer.retry();
        if committer.is_holding() {
            committer.release(&mut told);
        }
        self.tell(committer, told);
        retried
    }

    /// Marks the end for good.
    pub(in crate::journal) fn close(&self) -> Result<(), AppendError> {
        let (mut committer, mut told) = (self.lock(), Vec::new());
        let full = committer.shared().disk_full();
        committer.give_up(&full, &mut told);
        let closed = committer.close();
        self.tell(committer, told);
        closed
    }

    fn next(&self) -> Option<Told> {
        let mut line = self.line();
        if line.is_moving {
            return None;
        }
        let told = line.told.pop_front();
        line.is_moving = told.is_some();
        told
    }

    fn lock(&self) -> MutexGuard<'_, Committer> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
