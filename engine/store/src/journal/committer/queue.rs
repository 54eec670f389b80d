//! What waits for the committer.
//!
//! One short lock, under which a whole group changes hands. A channel that hands over one by one has the
//! committer's looks and the producers' sends take turns at the same memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::thread::now;
use crate::journal::append::Submission;

/// Batches in the order in which they came, and at most so many.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    line: Mutex<Line>,
    /// As many as wait, to be looked at without the lock.
    n: AtomicUsize,
    came: Condvar,
    went: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    submissions: VecDeque<Submission>,
    is_closed: bool,
    /// How many the committer sleeps for; 0 while it does not.
    wanted: usize,
    /// How many wait for a place.
    n_waiting: usize,
}

/// Why a wait for batches ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// As many are there.
    Came,
    /// The time is up.
    Late,
    /// What is there is all that comes.
    Closed,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let (came, went) = (Condvar::new(), Condvar::new());
        Self { capacity, line: Mutex::default(), n: AtomicUsize::new(0), came, went }
    }

    /// Adds a batch, and waits for a place. Gives it back if the queue is closed.
    pub(super) fn push(&self, submission: Submission) -> Result<(), Submission> {
        let mut line = self.lock();
        while line.submissions.len() >= self.capacity && !line.is_closed {
            line.n_waiting += 1;
            line = self.went.wait(line).unwrap_or_else(PoisonError::into_inner);
            line.n_waiting -= 1;
        }
        self.add(line, submission)
    }

    /// Adds a batch if there is a place.
    pub(super) fn try_push(&self, submission: Submission) -> Result<(), Submission> {
        let line = self.lock();
        if line.submissions.len() >= self.capacity { Err(submission) } else { self.add(line, submission) }
    }

    fn add(&self, mut line: MutexGuard<'_, Line>, submission: Submission) -> Result<(), Submission> {
        if line.is_closed {
            return Err(submission);
        }
        line.submissions.push_back(submission);
        self.n.store(line.submissions.len(), Ordering::Release);
        let is_wanted = line.wanted > 0 && line.submissions.len() >= line.wanted;
        drop(line);
        if is_wanted {
            self.came.notify_one();
        }
        Ok(())
    }

    /// Takes from the front as long as `takes` says so.
    pub(super) fn take_while(&self, group: &mut Vec<Submission>, mut takes: impl FnMut(&Submission) -> bool) {
        if self.n() == 0 {
            return;
        }
        let mut line = self.lock();
        while line.submissions.front().is_some_and(&mut takes) {
            group.extend(line.submissions.pop_front());
        }
        self.n.store(line.submissions.len(), Ordering::Release);
        let n_waiting = line.n_waiting;
        drop(line);
        if n_waiting > 0 {
            self.went.notify_all();
        }
    }

    /// How many wait, as seen a moment ago.
    pub(super) fn n(&self) -> usize {
        self.n.load(Ordering::Acquire)
    }

    /// Sleeps until `n` are there, the queue is closed and fewer are left, or the time is up.
    pub(super) fn wait(&self, n: usize, until: Option<Instant>) -> Woken {
        let mut line = self.lock();
        loop {
            if line.submissions.len() >= n {
                return Woken::Came;
            }
            if line.is_closed {
                return Woken::Closed;
            }
            let left = until.map(|until| until.saturating_duration_since(now()));
            if left == Some(Duration::ZERO) {
                return Woken::Late;
            }
            line.wanted = n;
            line = match left {
                None => self.came.wait(line).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.came.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner).0,
            };
            line.wanted = 0;
        }
    }

    /// Takes nothing more; what is there is still to be taken.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.came.notify_one();
        self.went.notify_all();
    }

    /// Closes, for nobody will take anything any more: who waits in it is told so.
    pub(super) fn end(&self) {
        self.close();
        let left = std::mem::take(&mut self.lock().submissions);
        // Dropped without the lock, because whoever is told may append.
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::append::{Ack, AppendError};
    use crate::journal::batch::{Batch, Limits};
    use std::sync::Arc;
    use std::thread;

    fn submission() -> Submission {
        Submission {
            batch: Batch::new(Vec::new(), Limits { payload: 1, batch: 1, whole: 1 }),
            ack: Ack::nobody(),
        }
    }

    #[test]
    fn who_finds_no_place_waits_for_one_or_gets_it_back() {
        let queue = Queue::new(2);
        queue.push(submission()).unwrap();
        queue.push(submission()).unwrap();
        assert!(queue.try_push(submission()).is_err());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.push(submission()));
            let mut group = Vec::new();
            while group.len() < 3 {
                queue.wait(1, None);
                queue.take_while(&mut group, |_| true);
            }
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(queue.n(), 0);
    }

    #[test]
    fn a_wait_for_several_ends_with_the_last_of_them_or_with_its_time() {
        let queue = Queue::new(8);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.wait(3, None));
            (0..3).for_each(|_| queue.push(submission()).unwrap());
            assert_eq!(waiting.join().unwrap(), Woken::Came);
        });
        assert_eq!(queue.wait(4, Some(now())), Woken::Late);
        queue.close();
        assert_eq!((queue.wait(3, None), queue.wait(4, None)), (Woken::Came, Woken::Closed));
    }

    #[test]
    fn at_the_end_all_who_are_left_are_told_and_nobody_comes_any_more() {
        let queue = Queue::new(8);
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let on_synced = Box::new(move |result: Result<_, _>| telling.lock().unwrap().push(result));
        queue.push(Submission { ack: Ack::new(on_synced), ..submission() }).unwrap();
        queue.end();
        assert!(matches!(told.lock().unwrap()[..], [Err(AppendError::Closed)]));
        assert!(queue.push(submission()).is_err() && queue.try_push(submission()).is_err());
    }
}
