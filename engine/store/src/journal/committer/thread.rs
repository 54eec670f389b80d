//! The committer's thread: gathers what waits, commits it, tells everybody, and begins again.

use std::hint;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use super::queue::{Queue, Woken};
use super::{Committer, Told};
use crate::journal::append::{AppendError, Failure, Submission};
use crate::journal::batch::Batch;
use crate::journal::shared::Shared;

/// Batches of one group at most.
const GROUP: usize = 4096;

/// As long as this it is cheaper to look again and again than to sleep and be woken.
const LOOKS: Duration = Duration::from_micros(30);

/// As long as this a look is cheaper than to let others run.
const SPINS: Duration = Duration::from_micros(5);

/// As many times its patience it looks at most, while somebody comes all the time.
const LONGEST: u32 = 4;

/// A committer on a thread of its own.
#[derive(Debug)]
pub(in crate::journal) struct Thread {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<Result<(), AppendError>>>>,
    id: ThreadId,
}

impl Thread {
    pub(in crate::journal) fn start(committer: Committer) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(committer.shared().settings.queue));
        let shared = Arc::clone(committer.shared());
        let gathering = Gathering {
            committer,
            shared,
            queue: Arc::clone(&queue),
            group: Vec::new(),
            told: Vec::new(),
            spent: Vec::new(),
            n_told: 0,
            took: Duration::ZERO,
        };
        let thread =
            thread::Builder::new().name("acequia-journal".to_owned()).spawn(move || gathering.run())?;
        let id = thread.thread().id();
        Ok(Self { queue, thread: Mutex::new(Some(thread)), id })
    }

    /// Hands a batch over, and waits for a place in the queue. Gives it back if the thread has ended.
    pub(in crate::journal) fn submit(&self, submission: Submission) -> Result<(), Submission> {
        self.queue.push(submission)
    }

    /// Hands a batch over if there is a place in the queue.
    pub(in crate::journal) fn try_submit(&self, submission: Submission) -> Result<(), Submission> {
        self.queue.try_push(submission)
    }

    /// Whether the caller is the thread.
    pub(in crate::journal) fn is_current(&self) -> bool {
        thread::current().id() == self.id
    }

    /// Has the thread work off what waits and mark the end, and waits for it.
    pub(in crate::journal) fn close(&self) -> Result<(), AppendError> {
        self.queue.close();
        if self.is_current() {
            // The last handle went with a callback.
            return Ok(());
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(Ok(()), |thread| thread.join().unwrap_or(Err(AppendError::Closed)))
    }
}

struct Gathering {
    committer: Committer,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    group: Vec<Submission>,
    told: Vec<Told>,
    /// Batches whose buffers are to be used again.
    spent: Vec<Batch>,
    /// How many who waited were told last: as many may be about to append again.
    n_told: usize,
    /// How long the last group took to be written and synced.
    took: Duration,
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if thread::panicking() {
            let source = io::Error::other("the committer's thread panicked");
            self.shared.fail(Failure { doing: "committing to", segment: self.committer.segment(), source });
        }
        self.queue.end();
        // Who waits for room would wait for good.
        self.shared.room.shut();
    }
}

impl Gathering {
    fn run(mut self) -> Result<(), AppendError> {
        while let Some(n_bytes) = self.first() {
            match self.committer.make_room(n_bytes) {
                Ok(()) => {
                    self.gather(n_bytes);
                    let start = now();
                    self.committer.commit(&mut self.group, &mut self.told);
                    self.took = start.elapsed();
                }
                Err(error) => {
                    for submission in self.group.drain(..) {
                        self.committer.hold(submission, &error, &mut self.told);
                    }
                }
            }
            self.tell();
            self.wait_for_room();
        }
        self.committer.close()
    }

    /// As long as something waits for room on the disk: what comes waits behind it, or is refused.
    fn wait_for_room(&mut self) {
        while self.committer.is_holding() {
            let woken = self.queue.wait(1, Some(now() + self.shared.settings.retry_after));
            self.queue.take_while(&mut self.group, |_| true);
            let full = self.shared.disk_full();
            for submission in self.group.drain(..) {
                self.committer.hold(submission, &full, &mut self.told);
            }
            match woken {
                Woken::Closed => self.committer.give_up(&full, &mut self.told),
                Woken::Came | Woken::Late => self.committer.release(&mut self.told),
            }
            self.tell();
        }
    }

    /// Tells everybody. Who waits longest is told first; what only the next batches need comes last.
    fn tell(&mut self) {
        self.shared.room.free(self.told.iter().map(Told::n_bytes).sum());
        self.n_told = self.told.iter().filter(|told| told.is_awaited()).count();
        self.spent.extend(self.told.drain(..).map(Told::tell));
        self.spent.drain(..).for_each(|batch| self.shared.recycle(batch));
    }

    /// Waits for the first batch of a group, and tells its length; while none comes, the end is marked.
    fn first(&mut self) -> Option<usize> {
        self.look(1, self.took / 2);
        let mark = (!self.committer.is_marked()).then(|| now() + self.shared.settings.mark);
        let mut woken = self.queue.wait(1, mark);
        if woken == Woken::Late {
            // If this fails, the next batch is told.
            let _ = self.committer.write_mark();
            woken = self.queue.wait(1, None);
        }
        if woken == Woken::Closed {
            return None;
        }
        let mut n_bytes = None;
        self.queue.take_while(&mut self.group, |first| {
            n_bytes.is_none() && n_bytes.replace(first.batch.n_bytes()).is_none()
        });
        n_bytes
    }

    /// Adds what waits, as much as makes a group.
    fn gather(&mut self, mut n_bytes: usize) {
        let (room, target) = (self.committer.room(), self.shared.settings.group_bytes);
        let mut n = 1;
        let mut n_awaited = self.group.iter().filter(|first| first.is_awaited()).count();
        let (mut ride, mut has_looked, mut is_whole) = (None, false, false);
        loop {
            self.queue.take_while(&mut self.group, |next| {
                let sum = n_bytes + next.batch.n_bytes();
                is_whole = n_bytes >= target || n >= GROUP || sum > room;
                if !is_whole {
                    (n_bytes, n) = (sum, n + 1);
                    n_awaited += usize::from(next.is_awaited());
                }
                !is_whole
            });
            if is_whole || n_bytes >= target || n >= GROUP {
                return;
            }
            if n_awaited > 0 {
                if has_looked || n_awaited >= self.n_told {
                    return;
                }
                // They were told a moment ago; who is too late waits for a whole sync. So it is worth a part of one.
                self.look(self.n_told - n_awaited, self.took / 2);
                has_looked = true;
            } else {
                // Nobody waits for this group, so it waits a little for one who does.
                let until = *ride.get_or_insert_with(|| now() + self.shared.settings.ride);
                if self.queue.wait(1, Some(until)) != Woken::Came {
                    return;
                }
            }
        }
    }

    /// Looks until `n` wait, or nobody has come for as long as `patience`: first without sleeping. Those who were
    /// told together come one after the other, and as long as they do, the next one is worth waiting for.
    fn look(&self, n: usize, patience: Duration) {
        let (start, mut there) = (now(), self.queue.n());
        let mut since = start;
        while there < n {
            let time = now();
            let came = self.queue.n();
            if came > there && time - start < patience * LONGEST {
                (there, since) = (came, time);
                continue;
            }
            let passed = time - since;
            if passed >= patience {
                return;
            }
            if passed < SPINS {
                hint::spin_loop();
            } else if passed < LOOKS {
                // Whoever is to come may need this very processor.
                thread::yield_now();
            } else if self.queue.wait(n, Some(since + patience)) != Woken::Late {
                return;
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a sync takes is a matter of the disk, not of the clock"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
