//! Awaiting a batch, as a task does.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use acequia_store::Lsn;
use acequia_store::disk::SimulatedDisk;
use acequia_store::journal::{AppendError, Journal, Settings};

use super::kit::{self, Folder, batch, demand};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn batches_that_are_awaited_get_each_their_own_places() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut before = Lsn::ZERO;
                for _ in 0..100 {
                    let n = next.fetch_add(1, Ordering::Relaxed) as u64;
                    let synced =
                        wait(journal.try_append_pending(batch(&journal, n..n + 2)).unwrap()).unwrap();
                    assert!(synced.start > before && synced.end == synced.start.plus(2), "{synced:?}");
                    assert!(journal.synced() >= synced.end, "acknowledged before it was synced");
                    before = synced.start;
                }
            });
        }
    });
    assert_eq!(journal.synced(), Lsn(1 + 8 * 100 * 2));
}

#[test]
fn a_batch_whose_answer_nobody_wants_any_more_is_written_all_the_same() {
    for settings in [kit::threaded(), Settings::small()] {
        let (journal, _) = Journal::open(kit::simulated(&SimulatedDisk::new(1)), settings).unwrap();
        drop(journal.try_append_pending(batch(&journal, 1..3)).unwrap());
        assert_eq!(journal.flush().unwrap(), Lsn(3));
        demand(&journal, 2);
    }
}

#[test]
fn who_awaits_a_batch_is_told_when_its_sync_fails_and_when_the_journal_is_closed() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = Journal::open(kit::simulated(&disk), kit::threaded()).unwrap();
    disk.power_off_at(0);
    let failed = wait(journal.try_append_pending(batch(&journal, 1..2)).unwrap());
    assert!(matches!(failed, Err(AppendError::Failed { .. })), "{failed:?}");
    let refused = journal.try_append_pending(batch(&journal, 1..2)).unwrap_err();
    assert!(matches!(refused.error, AppendError::Failed { .. }), "{refused:?}");

    let (journal, _) = kit::open(&SimulatedDisk::new(1));
    journal.close().unwrap();
    let refused = journal.try_append_pending(batch(&journal, 1..2)).unwrap_err();
    assert!(matches!(refused.error, AppendError::Closed) && refused.batch.n_records() == 1, "{refused:?}");
}

/// Counts the syncs by which a hundred rounds of `n` tasks are acknowledged.
fn n_groups(n: u64) -> usize {
    let folder = Folder::new();
    let (journal, _) =
        Journal::open(folder.disk(), Settings { inline: false, ..Settings::default() }).unwrap();
    let groups = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&groups);
    journal.watch(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    for _ in 0..100 {
        let all: Vec<_> =
            (0..n).map(|n| journal.try_append_pending(batch(&journal, n..n + 1)).unwrap()).collect();
        for pending in all {
            wait(pending).unwrap();
        }
    }
    groups.load(Ordering::Relaxed)
}

#[test]
fn those_who_were_acknowledged_together_are_gathered_together() {
    let n_groups = n_groups(16);
    // One each, but for those that a busy machine kept from coming in time.
    assert!(n_groups < 16 * 100 / 2, "{n_groups} groups for 100 rounds of 16");
}
