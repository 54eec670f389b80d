//! Opening again: what was closed, killed, or cut off.

use acequia_store::disk::{Cut, LockError, SimulatedDisk};
use acequia_store::journal::{Journal, OpenError, Settings};
use acequia_store::{Lsn, disk::Disk};

use super::kit::{self, Folder, batch, demand};

#[test]
fn a_closed_journal_goes_on_where_it_was() {
    let folder = Folder::new();
    for round in 0..5 {
        let (journal, opened) = Journal::open(folder.disk(), kit::threaded()).unwrap();
        assert_eq!((opened.next, opened.n_records), (Lsn(round * 200 + 1), round * 200));
        assert_eq!((opened.torn, opened.was_closed), (None, true));
        for n in round * 200 + 1..round * 200 + 201 {
            journal.append(batch(&journal, n..n + 1), Box::new(|_| ())).unwrap();
        }
        journal.flush().unwrap();
        demand(&journal, (round + 1) * 200);
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let mut disk = SimulatedDisk::new(1);
    for round in 0..5 {
        let (journal, opened) = kit::open(&disk);
        assert_eq!((opened.n_records, opened.torn), (round * 200, None));
        assert_eq!(opened.was_closed, round == 0);
        for n in round * 200 + 1..round * 200 + 201 {
            journal.append_and_wait(batch(&journal, n..n + 1)).unwrap();
        }
        disk = disk.kill();
    }
}

#[test]
fn records_are_shown_while_they_are_recovered() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    journal.append_and_wait(batch(&journal, 1..30)).unwrap();
    journal.append_and_wait(batch(&journal, 30..60)).unwrap();
    let disk = disk.power_cut(Cut::Nothing);
    let mut shown = Vec::new();
    let (_, opened) =
        Journal::recover(kit::simulated(&disk), Settings::small(), |record| shown.push(record.to_record()))
            .unwrap();
    let expected: Vec<_> = (1..60).map(|n| kit::record(n, Lsn(n))).collect();
    assert_eq!((shown, opened.n_records), (expected, 59));
}

#[test]
fn a_second_engine_is_refused() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    let second = Journal::open(folder.disk(), kit::threaded()).unwrap_err();
    assert!(matches!(second, OpenError::Lock(LockError::Held { .. })), "{second}");
    drop(journal);
    assert!(Journal::open(folder.disk(), kit::threaded()).is_ok());
}

#[test]
fn a_folder_with_segments_and_without_their_mark_is_refused() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    journal.append_and_wait(batch(&journal, 1..30)).unwrap();
    drop(journal);
    disk.lose("mark");
    let refused = Journal::open(kit::simulated(&disk), Settings::small()).unwrap_err();
    assert!(matches!(refused, OpenError::MarkLost));
    assert!(disk.list().unwrap().iter().any(|name| name.starts_with("segment-")));
}
