//! What waits for room on a full disk rather than be refused, because it has happened already. Nothing that came
//! after it is written before it.

use super::{Committer, Told};
use crate::journal::append::{AppendError, Submission};

/// Batches of one group at most.
const GROUP: usize = 4096;

impl Committer {
    /// Whether something waits.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Keeps a batch for which there is no room, if it can wait for some; else it is refused.
    pub(super) fn hold(&mut self, submission: Submission, error: &AppendError, told: &mut Vec<Told>) {
        if !submission.batch.is_firm() || !matches!(error, AppendError::DiskFull { .. }) {
            return self.refuse(submission, error.clone(), told);
        }
        self.held.push_back(submission);
        self.shared.set_holding(true);
    }

    /// Writes what waits, as far as there is room.
    pub(super) fn release(&mut self, told: &mut Vec<Told>) {
        while let Some(first) = self.held.front() {
            match self.make_room(first.batch.n_bytes()) {
                Ok(()) => {}
                Err(AppendError::DiskFull { .. }) => return,
                Err(error) => return self.give_up(&error, told),
            }
            let (mut group, mut n_bytes) = (Vec::new(), 0);
            while let Some(next) = self.held.front() {
                n_bytes += next.batch.n_bytes();
                if n_bytes > self.room() || group.len() >= GROUP {
                    break;
                }
                group.extend(self.held.pop_front());
            }
            self.commit(&mut group, told);
        }
        self.shared.set_holding(false);
    }

    /// Nobody waits any more.
    pub(super) fn give_up(&mut self, error: &AppendError, told: &mut Vec<Told>) {
        for submission in std::mem::take(&mut self.held) {
            self.refuse(submission, error.clone(), told);
        }
        self.shared.set_holding(false);
    }
}
