//! The journal, as producers and a recovery use it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use acequia_core::Timestamp;
use acequia_store::disk::FolderDisk;
use acequia_store::journal::{Head, Journal, RecordId, RecordKind, Settings, StreamId, TenantId};

use crate::error::BenchError;

fn open(folder: &Path) -> Result<Journal, BenchError> {
    let disk = FolderDisk::open(folder).map_err(start)?;
    Ok(Journal::open(Arc::new(disk), Settings::default()).map_err(start)?.0)
}

fn start(source: impl std::error::Error + Send + Sync + 'static) -> BenchError {
    BenchError::Start { variant: "journal", source: Box::new(source) }
}

fn head(sequence: u64) -> Head<'static> {
    Head {
        kind: RecordKind::Event,
        tenant: TenantId(1),
        stream: StreamId(1),
        id: RecordId(u128::from(sequence)),
        time: Timestamp::from_nanos(sequence as i64),
        parents: &[],
    }
}

/// An open journal, before events go in.
pub(crate) struct Producers {
    journal: Journal,
}

impl Producers {
    /// Begins a journal in a new folder.
    pub(crate) fn start(folder: &Path) -> Result<Self, BenchError> {
        Ok(Self { journal: open(folder)? })
    }

    /// Each of `n_producers` tasks of one runtime appends an event, awaits that it is synced, and appends the
    /// next.
    pub(crate) fn tasks(&self, n_producers: u64, payload: &[u8], n_events: u64) -> Result<(), BenchError> {
        let each = n_events / n_producers;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(start)?;
        let producers: Vec<_> = (0..n_producers)
            .map(|_| runtime.spawn(produce(self.journal.clone(), payload.into(), each)))
            .collect();
        let stopped = |_| Err(BenchError::Stopped { variant: "journal" });
        for producer in producers {
            runtime.block_on(producer).unwrap_or_else(stopped)?;
        }
        self.verify(each * n_producers)
    }

    /// The same with a thread for each, which costs a switch between threads for each event.
    pub(crate) fn threads(&self, n_producers: u64, payload: &[u8], n_events: u64) -> Result<(), BenchError> {
        let each = n_events / n_producers;
        self.all(n_producers, |journal| {
            for sequence in 0..each {
                let mut batch = journal.batch();
                batch.push(&head(sequence), payload).map_err(start)?;
                journal.append_and_wait(batch).map_err(start)?;
            }
            Ok(())
        })?;
        self.verify(each * n_producers)
    }

    /// Each of `n_producers` appends batches as fast as the journal takes them; ends when all is synced.
    pub(crate) fn batched(
        &self,
        n_producers: u64,
        payload: &[u8],
        n_events: u64,
        size: u64,
    ) -> Result<(), BenchError> {
        let n_batches = n_events / size / n_producers;
        let n_synced = Arc::new(AtomicU64::new(0));
        self.all(n_producers, |journal| {
            for _ in 0..n_batches {
                let mut batch = journal.batch();
                for sequence in 0..size {
                    batch.push(&head(sequence), payload).map_err(start)?;
                }
                let n_synced = Arc::clone(&n_synced);
                let on_synced = Box::new(move |synced: Result<_, _>| {
                    n_synced.fetch_add(if synced.is_ok() { size } else { 0 }, Ordering::Relaxed);
                });
                journal.append(batch, on_synced).map_err(|refused| start(refused.error))?;
            }
            Ok(())
        })?;
        self.journal.flush().map_err(start)?;
        self.verify(n_synced.load(Ordering::Relaxed))?;
        self.verify(n_batches * size * n_producers)
    }

    fn all(
        &self,
        n_producers: u64,
        produce: impl Fn(&Journal) -> Result<(), BenchError> + Sync,
    ) -> Result<(), BenchError> {
        thread::scope(|scope| {
            let producers: Vec<_> =
                (0..n_producers).map(|_| scope.spawn(|| produce(&self.journal))).collect();
            let stopped = |_| Err(BenchError::Stopped { variant: "journal" });
            producers.into_iter().try_for_each(|producer| producer.join().unwrap_or_else(stopped))
        })
    }

    fn verify(&self, expected: u64) -> Result<(), BenchError> {
        let found = self.journal.synced().0 - 1;
        if found == expected {
            Ok(())
        } else {
            Err(BenchError::WrongRecords { variant: "journal", found, expected })
        }
    }
}

/// One producer of [`Producers::tasks`].
async fn produce(journal: Journal, payload: Box<[u8]>, n_events: u64) -> Result<(), BenchError> {
    for sequence in 0..n_events {
        let mut batch = journal.batch();
        batch.push(&head(sequence), &payload).map_err(start)?;
        let pending = journal.try_append_pending(batch).map_err(|refused| start(refused.error))?;
        pending.await.map_err(start)?;
    }
    Ok(())
}

/// Writes a journal for [`recover`], and closes it.
pub(crate) fn fill(folder: &Path, payload: &[u8], n_events: u64) -> Result<(), BenchError> {
    Producers::start(folder)?.batched(1, payload, n_events, 1_000)
}

/// Opens a journal and looks at each record.
pub(crate) fn recover(folder: &Path, n_events: u64) -> Result<(), BenchError> {
    let disk = FolderDisk::open(folder).map_err(start)?;
    let (mut n_seen, mut sum) = (0, 0);
    let recovered = Journal::recover(Arc::new(disk), Settings::default(), |record| {
        n_seen += u64::from(record.lsn.0 == n_seen + 1);
        sum += record.payload.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>();
    });
    recovered.map_err(start)?;
    std::hint::black_box(sum);
    let wrong = BenchError::WrongRecords { variant: "recovery", found: n_seen, expected: n_events };
    if n_seen == n_events { Ok(()) } else { Err(wrong) }
}
