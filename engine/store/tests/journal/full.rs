//! A full disk: what was acknowledged is safe, what comes is refused, and room brings it back.

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
