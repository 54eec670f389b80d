//! The segment that is kept ready, so that an append never waits for room, nor meets a full disk.
//!
//! It is also the ballast: if none can be made, the disk counts as full, ordinary batches are refused, and
//! what is left of the current segment is there for batches that help to free space.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};

use super::segment;
use super::shared::Shared;
use crate::disk::{Disk, DiskFile};

/// What a segment is lengthened by at once.
const ZEROS: u64 = 64 * 1024;

/// Why there is no segment.
#[derive(Debug)]
pub(super) enum Unmade {
    /// No room.
    Full,
    /// The disk refused.
    Io(io::Error),
}

/// Brings a segment that was made to the length that a batch beyond the usual ones needs.
pub(super) fn lengthen(file: &dyn DiskFile, wanted: u64, shared: &Shared) -> Result<(), Unmade> {
    let made = file.n_bytes().map_err(Unmade::Io)?;
    if wanted <= made {
        return Ok(());
    }
    let wanted = wanted.next_multiple_of(ZEROS);
    let free = shared.disk.free_bytes().map_err(Unmade::Io)?;
    if free < (wanted - made).saturating_add(shared.settings.keep_free) {
        return Err(Unmade::Full);
    }
    let zeros = vec![0; usize::try_from(ZEROS).unwrap_or(usize::MAX)];
    let mut at = made;
    // Written rather than reserved, so that writing there again cannot meet a full disk.
    let written = loop {
        if at >= wanted {
            break file.sync_data();
        }
        let n = usize::try_from((wanted - at).min(ZEROS)).unwrap_or(usize::MAX);
        if let Err(error) = file.write_at(at, &[IoSlice::new(&zeros[..n])]) {
            break Err(error);
        }
        at += n as u64;
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            // If it cannot be shortened it stays longer than it must be, which does no harm.
            let _ = file.truncate(made);
            Unmade::Full
        }
        _ => Unmade::Io(error),
    })
}

/// Makes segments: all zeros, of full length, and durable in contents and name.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) capacity: u64,
    pub(super) keep_free: u64,
    pub(super) is_full: Arc<AtomicBool>,
}

impl Maker {
    fn make(&self, number: u64) -> Result<Arc<dyn DiskFile>, Unmade> {
        let made = self.attempt(number);
        let is_full = matches!(made, Err(Unmade::Full));
        if is_full != self.is_full.swap(is_full, Ordering::SeqCst) {
            if is_full {
                tracing::warn!(
                    segment = number,
                    "the disk is full; the journal takes nothing but what is urgent"
                );
            } else {
                tracing::info!(segment = number, "the disk has room again");
            }
        }
        made
    }

    fn attempt(&self, number: u64) -> Result<Arc<dyn DiskFile>, Unmade> {
        let wanted = self.capacity.saturating_add(self.keep_free);
        if self.disk.free_bytes().map_err(Unmade::Io)? < wanted {
            return Err(Unmade::Full);
        }
        self.create(number).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Unmade::Full,
            _ => Unmade::Io(error),
        })
    }

    fn create(&self, number: u64) -> io::Result<Arc<dyn DiskFile>> {
        let name = segment::name(number);
        let made = self.disk.create(&name, self.capacity).and_then(|file| {
            file.sync_data()?;
            self.disk.sync_directory()?;
            Ok(file)
        });
        if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            // Not durable, so not used; the next attempt needs the name.
            let _ = self.disk.remove(&name);
        }
        made
    }
}

/// Where the committer gets its segments from.
#[derive(Debug)]
pub(super) enum Spares {
    /// Made by the committer itself.
    Own {
        /// Makes them.
        maker: Maker,
        /// The one that is ready.
        ready: Option<Arc<dyn DiskFile>>,
        /// Its number, or that of the next to be made.
        number: u64,
    },
    /// Made by a thread, ahead of time.
    Thread(Keeper),
}

impl Spares {
    /// Without a thread. One is made ready at once.
    pub(super) fn own(
        maker: Maker,
        number: u64,
        ready: Option<Arc<dyn DiskFile>>,
    ) -> Result<Self, io::Error> {
        let mut spares = Self::Own { maker, ready, number };
        match spares.retry() {
            Err(Unmade::Io(error)) => Err(error),
            _ => Ok(spares),
        }
    }

    /// The next segment.
    pub(super) fn take(&mut self) -> Result<Arc<dyn DiskFile>, Unmade> {
        if let Self::Thread(keeper) = self {
            return keeper.take();
        }
        self.retry()?;
        let Self::Own { ready, number, .. } = self else { return Err(Unmade::Full) };
        let taken = ready.take().ok_or(Unmade::Full)?;
        *number += 1;
        match self.retry() {
            Err(Unmade::Io(error)) => Err(Unmade::Io(error)),
            // That the next one cannot be made does not take this one away.
            _ => Ok(taken),
        }
    }

    /// Makes one ready, if the committer has to do that itself and has none.
    pub(super) fn retry(&mut self) -> Result<(), Unmade> {
        if let Self::Own { maker, ready: ready @ None, number } = self {
            *ready = Some(maker.make(*number)?);
        }
        Ok(())
    }
}

/// A thread that always has one segment ready.
#[derive(Debug)]
pub(super) struct Keeper {
    ready: Receiver<io::Result<Arc<dyn DiskFile>>>,
    /// Says that the disk became full while the committer waited.
    full: Receiver<()>,
    is_full: Arc<AtomicBool>,
    /// Dropped, it ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.take();
        // Waited for, because the folder may have another engine right after this.
        if let Some(thread) = self.thread.take() {
            // If it panicked, there is nothing left to end.
            let _ = thread.join();
        }
    }
}

/// The thread's ends.
struct Duty {
    maker: Maker,
    ready: Sender<io::Result<Arc<dyn DiskFile>>>,
    full: Sender<()>,
    kicked: Receiver<()>,
    stop: Receiver<()>,
    retry_after: Duration,
}

impl Keeper {
    pub(super) fn start(
        maker: Maker,
        number: u64,
        spare: Option<Arc<dyn DiskFile>>,
        kicked: Receiver<()>,
        retry_after: Duration,
    ) -> io::Result<Self> {
        // Without a buffer: one segment is ready, and no second one.
        let (ready_to, ready) = bounded(0);
        let (full_to, full) = bounded(1);
        let (stop_to, stop) = bounded(0);
        let is_full = Arc::clone(&maker.is_full);
        let duty = Duty { maker, ready: ready_to, full: full_to, kicked, stop, retry_after };
        let named = thread::Builder::new().name("acequia-segments".to_owned());
        let thread = Some(named.spawn(move || duty.run(number, spare))?);
        Ok(Self { ready, full, is_full, stop: Some(stop_to), thread })
    }

    fn take(&self) -> Result<Arc<dyn DiskFile>, Unmade> {
        loop {
            if let Ok(made) = self.ready.try_recv() {
                return made.map_err(Unmade::Io);
            }
            if self.is_full.load(Ordering::SeqCst) {
                return Err(Unmade::Full);
            }
            select! {
                recv(self.ready) -> made => return match made {
                    Ok(made) => made.map_err(Unmade::Io),
                    Err(_) => Err(Unmade::Io(io::Error::other("the thread that makes segments ended"))),
                },
                recv(self.full) -> _ => {}
            }
        }
    }
}

impl Duty {
    fn run(self, mut number: u64, mut spare: Option<Arc<dyn DiskFile>>) {
        loop {
            let made = match spare.take() {
                Some(file) => Ok(file),
                None => self.maker.make(number),
            };
            let goes_on = match made {
                Ok(file) => {
                    number += 1;
                    self.hand_over(Ok(file))
                }
                Err(Unmade::Full) => {
                    // If a word of it waits already, that is enough.
                    let _ = self.full.try_send(());
                    self.wait()
                }
                Err(Unmade::Io(error)) => {
                    self.hand_over(Err(error));
                    false
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Waits until the committer takes it; `false` at the end.
    fn hand_over(&self, made: io::Result<Arc<dyn DiskFile>>) -> bool {
        select! {
            send(self.ready, made) -> sent => sent.is_ok(),
            recv(self.stop) -> _ => false,
        }
    }

    /// Waits until it is worth another attempt; `false` at the end.
    fn wait(&self) -> bool {
        select! {
            recv(self.stop) -> _ => false,
            recv(self.kicked) -> kick => kick.is_ok(),
            default(self.retry_after) => true,
        }
    }
}
