//! The committer's thread: gathers what waits, commits it, tells everybody, and begins again.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Instant;

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendError, Sender, TrySendError, after, bounded, select,
};

use super::{Committer, Told};
use crate::journal::append::{AppendError, Failure, Submission};
use crate::journal::shared::Shared;

/// Batches of one group at most.
const GROUP: usize = 4096;

/// How often the others are let on before a group is thought to be whole.
const YIELDS: u32 = 4;

/// What the thread is told.
enum Command {
    Commit(Submission),
    /// Nothing comes behind this.
    Close,
}

/// A committer on a thread of its own.
#[derive(Debug)]
pub(in crate::journal) struct Thread {
    queue: Sender<Command>,
    thread: Mutex<Option<JoinHandle<Result<(), AppendError>>>>,
    id: ThreadId,
}

impl Thread {
    pub(in crate::journal) fn start(committer: Committer) -> io::Result<Self> {
        let (queue, commands) = bounded(committer.shared().settings.queue);
        let shared = Arc::clone(committer.shared());
        let gathering = Gathering {
            committer,
            shared,
            commands,
            held: None,
            group: Vec::new(),
            told: Vec::new(),
            n_told: 0,
            is_closing: false,
        };
        let thread =
            thread::Builder::new().name("acequia-journal".to_owned()).spawn(move || gathering.run())?;
        let id = thread.thread().id();
        Ok(Self { queue, thread: Mutex::new(Some(thread)), id })
    }

    /// Hands a batch over, and waits for a place in the queue. Gives it back if the thread has ended.
    pub(in crate::journal) fn submit(&self, submission: Submission) -> Result<(), Submission> {
        self.queue.send(Command::Commit(submission)).map_err(|SendError(command)| back(command))
    }

    /// Hands a batch over if there is a place in the queue.
    pub(in crate::journal) fn try_submit(&self, submission: Submission) -> Result<(), Submission> {
        self.queue.try_send(Command::Commit(submission)).map_err(|error| match error {
            TrySendError::Full(command) | TrySendError::Disconnected(command) => back(command),
        })
    }

    /// Whether the caller is the thread.
    pub(in crate::journal) fn is_current(&self) -> bool {
        thread::current().id() == self.id
    }

    /// Has the thread work off what waits and mark the end, and waits for it.
    pub(in crate::journal) fn close(&self) -> Result<(), AppendError> {
        if self.is_current() {
            // The last handle went with a callback. If the queue is full, it ends when all handles are gone.
            let _ = self.queue.try_send(Command::Close);
            return Ok(());
        }
        // If the thread has ended, there is nothing to work off.
        let _ = self.queue.send(Command::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| thread.join().unwrap_or(Err(AppendError::Closed)))
    }
}

fn back(command: Command) -> Submission {
    match command {
        Command::Commit(submission) => submission,
        Command::Close => unreachable!("only batches are handed over here"),
    }
}

struct Gathering {
    committer: Committer,
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    /// What did not go into the last group's segment any more.
    held: Option<Submission>,
    group: Vec<Submission>,
    told: Vec<Told>,
    /// How many were told last: as many may be about to append again.
    n_told: usize,
    is_closing: bool,
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if thread::panicking() {
            let source = io::Error::other("the committer's thread panicked");
            self.shared.fail(Failure { doing: "committing to", segment: self.committer.segment(), source });
        }
        // Who waits for room would wait for good.
        self.shared.room.shut();
    }
}

impl Gathering {
    fn run(mut self) -> Result<(), AppendError> {
        while let Some(first) = self.first() {
            match self.committer.make_room(first.batch.n_bytes()) {
                Ok(()) => {
                    self.gather(first);
                    self.committer.commit(&mut self.group, &mut self.told);
                }
                Err(error) => self.committer.refuse(first, error, &mut self.told),
            }
            self.n_told = self.told.len();
            for told in self.told.drain(..) {
                told.tell(&self.shared);
            }
        }
        self.committer.close()
    }

    /// The next batch; while none comes, the end is marked.
    fn first(&mut self) -> Option<Submission> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        if self.is_closing {
            return None;
        }
        if !self.committer.is_marked() {
            match self.commands.recv_timeout(self.shared.settings.mark) {
                Ok(command) => return self.opened(command),
                Err(RecvTimeoutError::Disconnected) => return None,
                // If this fails, the next batch is told.
                Err(RecvTimeoutError::Timeout) => drop(self.committer.write_mark()),
            }
        }
        let command = self.commands.recv().ok()?;
        self.opened(command)
    }

    fn opened(&mut self, command: Command) -> Option<Submission> {
        match command {
            Command::Commit(submission) => Some(submission),
            Command::Close => {
                self.is_closing = true;
                None
            }
        }
    }

    /// Adds what waits, as much as makes a group.
    fn gather(&mut self, first: Submission) {
        let room = self.committer.room();
        let target = self.shared.settings.group_bytes;
        let mut n_bytes = first.batch.n_bytes();
        let mut is_awaited = !first.ack.is_nobody();
        let mut patience = None;
        let mut n_yields = 0;
        self.group.push(first);
        while n_bytes < target && self.group.len() < GROUP {
            let command = match self.commands.try_recv() {
                Ok(command) => command,
                // They were told a moment ago; without them, groups would be small and large in turn.
                Err(_) if is_awaited && self.group.len() < self.n_told && n_yields < YIELDS => {
                    n_yields += 1;
                    thread::yield_now();
                    continue;
                }
                Err(_) if is_awaited => return,
                Err(_) => match self.ride(&mut patience) {
                    Some(command) => command,
                    None => return,
                },
            };
            let Some(submission) = self.opened(command) else { return };
            if n_bytes + submission.batch.n_bytes() > room {
                self.held = Some(submission);
                return;
            }
            n_bytes += submission.batch.n_bytes();
            is_awaited |= !submission.ack.is_nobody();
            self.group.push(submission);
        }
    }

    /// Nobody waits for this group, so it waits a little for one who does.
    fn ride(&self, patience: &mut Option<Receiver<Instant>>) -> Option<Command> {
        let patience = patience.get_or_insert_with(|| after(self.shared.settings.ride));
        select! {
            recv(self.commands) -> command => command.ok(),
            recv(patience) -> _ => None,
        }
    }
}
