//! A disk whose calls fail, each in turn.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use acequia_store::Lsn;
use acequia_store::disk::{Cut, SimulatedDisk};
use acequia_store::journal::{AppendError, Journal, OpenError, Settings, Status};

use super::kit::{self, batch, record};

/// What one life of a journal acknowledged.
#[derive(Debug, Default)]
struct Life {
    acknowledged: u64,
    /// Ends of what was handed over.
    ends: Vec<u64>,
}

impl Life {
    /// Appends, trims and closes; stops at a failure that is for good.
    fn live(&mut self, disk: &SimulatedDisk) {
        let opened = Journal::open(kit::simulated(disk), kit::tiny());
        let journal = match opened {
            Ok((journal, _)) => journal,
            Err(OpenError::Io { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        for round in 0..14 {
            let next = self.ends.last().copied().unwrap_or(journal.synced().0 - 1) + 1;
            let end = next + 4 + round % 3;
            match journal.append_and_wait(batch(&journal, next..end + 1)) {
                Ok(range) => {
                    assert_eq!(range, Lsn(next)..Lsn(end + 1));
                    self.ends.push(end);
                    self.acknowledged = end;
                }
                Err(AppendError::DiskFull { .. }) => {}
                Err(AppendError::Failed { .. }) => {
                    self.ends.push(end);
                    return demand_closed(&journal, self.acknowledged);
                }
                Err(error) => panic!("{error}"),
            }
            if round == 8 {
                // Whether it fails or not, it takes nothing that is needed.
                let _ = journal.trim(Lsn(self.acknowledged.saturating_sub(10)));
            }
        }
        let _ = journal.close();
    }

    /// Demands that what is found holds all that was acknowledged.
    fn demand(&self, disk: &SimulatedDisk, what: &str) {
        let (journal, opened) = Journal::open(kit::simulated(disk), kit::tiny())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let last = opened.next.0 - 1;
        assert!(
            last >= self.acknowledged && (last == 0 || self.ends.contains(&last)),
            "{what}: {last} of {self:?}"
        );
        let mut expected = opened.first.0;
        let read = journal.cursor(opened.first).visit(usize::MAX, |found| {
            assert_eq!(found.to_record(), record(expected, Lsn(expected)), "{what}");
            expected += 1;
        });
        read.unwrap();
        assert_eq!(expected, last + 1, "{what}");
    }
}

/// A journal that failed refuses everything, for the same reason, and is still read.
fn demand_closed(journal: &Journal, acknowledged: u64) {
    for _ in 0..3 {
        let refused = journal.append_and_wait(batch(journal, 1..2));
        assert!(matches!(refused, Err(AppendError::Failed { .. })), "{refused:?}");
    }
    assert!(matches!(journal.status(), Status::Failed { .. }));
    assert_eq!(journal.synced(), Lsn(acknowledged + 1));
    let n_kept = usize::try_from(acknowledged + 1 - journal.first().0).unwrap();
    assert_eq!(kit::all(journal, journal.first()).len(), n_kept);
}

#[test]
fn whichever_call_fails_nothing_acknowledged_is_lost() {
    let whole = SimulatedDisk::new(1);
    Life::default().live(&whole);
    for kind in [io::ErrorKind::Other, io::ErrorKind::StorageFull] {
        for call in 0..whole.n_calls() {
            let disk = SimulatedDisk::new(call);
            disk.fail_call(call, kind);
            let mut life = Life::default();
            life.live(&disk);
            let what = format!("{kind} at call {call}");
            for cut in [Cut::Nothing, Cut::Torn, Cut::Everything] {
                life.demand(&disk.copy().power_cut(cut), &what);
            }
            life.demand(&disk.kill(), &what);
        }
    }
}

#[test]
fn a_failed_sync_is_told_to_all_who_wait_and_never_tried_again() {
    let disk = SimulatedDisk::new(1);
    let settings = Settings { inline: false, ..kit::tiny() };
    let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
    journal.append_and_wait(batch(&journal, 1..5)).unwrap();
    disk.fail_sync_of("segment-0000000000000001", io::ErrorKind::Other);
    let told = Arc::new(Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let told = Arc::clone(&told);
                let on_synced =
                    Box::new(move |result: Result<_, AppendError>| told.lock().unwrap().push(result));
                // It may have failed before this one came.
                let _ = journal.append(batch(&journal, 5..6), on_synced);
            });
        }
    });
    assert!(matches!(journal.append_and_wait(batch(&journal, 5..6)), Err(AppendError::Failed { .. })));
    assert!(matches!(journal.close(), Err(AppendError::Failed { .. })));
    let told = told.lock().unwrap();
    assert!(!told.is_empty() && told.iter().all(|result| matches!(result, Err(AppendError::Failed { .. }))));
    // What the failed sync dropped is gone; what was acknowledged is not.
    let found = disk.power_cut(Cut::Everything);
    let (journal, opened) = Journal::open(kit::simulated(&found), kit::tiny()).unwrap();
    assert_eq!(opened.next, Lsn(5));
    kit::demand(&journal, 4);
}
