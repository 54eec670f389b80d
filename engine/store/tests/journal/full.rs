//! A full disk: what was acknowledged is safe, what comes is refused, and room brings it back.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use acequia_store::Lsn;
use acequia_store::disk::SimulatedDisk;
use acequia_store::journal::{AppendError, Journal, Settings, Status};

use super::kit::{self, batch, demand};

/// The mark's file and five segments.
const ROOM: u64 = 8192 * 6;

fn full(settings: Settings) -> (SimulatedDisk, Journal, u64) {
    let disk = SimulatedDisk::new(1);
    disk.set_capacity(ROOM);
    let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
    let mut n = 0;
    loop {
        match journal.append_and_wait(batch(&journal, n + 1..n + 6)) {
            Ok(_) => n += 5,
            Err(AppendError::DiskFull { retry_after }) => {
                assert!(retry_after > Duration::ZERO);
                return (disk, journal, n);
            }
            Err(error) => panic!("{error}"),
        }
        assert!(n < 1000, "the disk never became full");
    }
}

fn threaded() -> Settings {
    Settings { inline: false, retry_after: Duration::from_millis(2), ..kit::tiny() }
}

/// Tries until the journal has noticed that there is room.
fn append_again(journal: &Journal, n: u64) {
    loop {
        match journal.append_and_wait(batch(journal, n + 1..n + 6)) {
            Ok(range) => return assert_eq!(range, Lsn(n + 1)..Lsn(n + 6)),
            Err(AppendError::DiskFull { .. }) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn on_a_full_disk_what_was_acknowledged_is_read_and_room_brings_appending_back() {
    for settings in [kit::tiny(), threaded()] {
        let (disk, journal, n) = full(settings);
        assert!(matches!(journal.status(), Status::Full));
        demand(&journal, n);
        assert!(journal.verify().unwrap().is_whole());
        assert!(matches!(journal.append_and_wait(batch(&journal, 1..2)), Err(AppendError::DiskFull { .. })));

        disk.set_capacity(2 * ROOM);

        append_again(&journal, n);
        demand(&journal, n + 5);
        assert!(matches!(journal.status(), Status::Open));
    }
}

#[test]
fn trimming_a_full_journal_brings_appending_back() {
    for settings in [kit::tiny(), threaded()] {
        let (_, journal, n) = full(settings);
        assert!(journal.trim(Lsn(n)).unwrap().n_segments > 1);
        append_again(&journal, n);
        demand(&journal, n + 5);
    }
}

#[test]
fn what_is_urgent_still_goes_in_until_the_ballast_is_used_up() {
    // With threads, so small a segment may be full before the disk is known to be.
    for (settings, n_at_least) in [(kit::tiny(), 5), (threaded(), 0)] {
        let (disk, journal, mut n) = full(settings);
        let before = n;
        let refused = loop {
            let mut urgent = batch(&journal, n + 1..n + 6);
            urgent.set_urgent();
            match journal.append_and_wait(urgent) {
                Ok(_) => n += 5,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, AppendError::DiskFull { .. }), "{refused}");
        assert!(n >= before + n_at_least);
        demand(&journal, n);
        disk.set_capacity(2 * ROOM);
        append_again(&journal, n);
    }
}

/// What became of batches, by the number of their first record.
type Told = Arc<Mutex<Vec<(u64, Result<Lsn, AppendError>)>>>;

/// Append what waits for room, of so many records, until something does; the number of the last record.
fn append_until_it_waits(journal: &Journal, mut n: u64, each: u64, told: &Told) -> u64 {
    while !journal.is_holding() {
        let mut firm = batch(journal, n + 1..n + 1 + each);
        firm.set_firm();
        let (first, told) = (n + 1, Arc::clone(told));
        let note = move |result: Result<std::ops::Range<Lsn>, _>| {
            told.lock().unwrap().push((first, result.map(|range| range.start)));
        };
        journal.append(firm, Box::new(note)).unwrap();
        n += each;
    }
    n
}

#[test]
fn what_has_happened_waits_for_room_and_comes_before_all_else() {
    for settings in [kit::tiny(), threaded()] {
        for each in [5, 60] {
            let (disk, journal, n) = full(settings.clone());
            let told = Told::default();
            let last = append_until_it_waits(&journal, n, each, &told);

            assert!(matches!(journal.status(), Status::Full));
            let mut urgent = batch(&journal, 1..2);
            urgent.set_urgent();
            assert!(matches!(journal.append_and_wait(urgent), Err(AppendError::DiskFull { .. })));
            assert!(matches!(journal.flush(), Err(AppendError::DiskFull { .. })));
            assert!(journal.synced() < Lsn(last + 1), "the last of them waits");

            disk.set_capacity(u64::MAX);

            append_again(&journal, last);
            demand(&journal, last + 5);
            let told = std::mem::take(&mut *told.lock().unwrap());
            let firsts: Vec<u64> = (n + 1..=last).step_by(usize::try_from(each).unwrap()).collect();
            assert_eq!(told.iter().map(|(first, _)| *first).collect::<Vec<_>>(), firsts, "in their order");
            assert!(told.iter().all(|(first, at)| matches!(at, Ok(at) if at.0 == *first)));
            assert!(!journal.is_holding() && matches!(journal.status(), Status::Open));
        }
    }
}

#[test]
fn what_waits_for_room_as_the_journal_is_closed_is_told_that_there_is_none() {
    for settings in [kit::tiny(), threaded()] {
        let (disk, journal, n) = full(settings.clone());
        let told = Told::default();
        append_until_it_waits(&journal, n, 5, &told);
        let synced = journal.synced();
        journal.close().unwrap();
        drop(journal);

        let told = std::mem::take(&mut *told.lock().unwrap());
        for (first, result) in told {
            match result {
                Ok(at) => assert!(at < synced && at.0 == first),
                Err(error) => assert!(matches!(error, AppendError::DiskFull { .. }) && first >= synced.0),
            }
        }
        disk.set_capacity(2 * ROOM);
        let (journal, opened) = Journal::open(kit::simulated(&disk), settings).unwrap();
        assert_eq!((opened.next, opened.was_closed), (synced, true));
        demand(&journal, synced.0 - 1);
    }
}

#[test]
fn a_batch_for_which_no_segment_can_be_long_enough_is_refused_and_smaller_ones_are_not() {
    for settings in [kit::tiny(), threaded()] {
        let disk = SimulatedDisk::new(1);
        disk.set_capacity(ROOM);
        let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
        journal.append_and_wait(batch(&journal, 1..6)).unwrap();
        let refused = journal.append_and_wait(batch(&journal, 6..400)).unwrap_err();
        assert!(matches!(refused, AppendError::DiskFull { .. }), "{refused}");
        append_again(&journal, 5);
        demand(&journal, 10);
        disk.set_capacity(u64::MAX);
        journal.append_and_wait(batch(&journal, 11..400)).unwrap();
        demand(&journal, 399);
    }
}

#[test]
fn a_journal_on_a_full_disk_opens_and_is_read() {
    let (disk, journal, n) = full(kit::tiny());
    drop(journal);
    disk.set_capacity(0);
    for settings in [kit::tiny(), threaded()] {
        let (journal, opened) = Journal::open(kit::simulated(&disk), settings).unwrap();
        assert_eq!(opened.next, Lsn(n + 1));
        demand(&journal, n);
    }
}

#[test]
fn the_journal_leaves_to_others_what_it_was_told_to() {
    let disk = SimulatedDisk::new(1);
    disk.set_capacity(ROOM);
    let settings = Settings { keep_free: 3 * 8192, ..kit::tiny() };
    let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
    let mut n = 0;
    while journal.append_and_wait(batch(&journal, n + 1..n + 6)).is_ok() {
        n += 5;
    }
    assert!(matches!(journal.status(), Status::Full));
    assert_eq!(ROOM - disk.used_bytes(), 3 * 8192);
}
