//! Appending: order, acknowledgement, refusals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use acequia_store::Lsn;
use acequia_store::disk::SimulatedDisk;
use acequia_store::journal::{AppendError, CrashPoint, EncodeError, Journal, OnCrashPoint, Settings, Status};
use crossbeam_channel::bounded;

use super::kit::{self, Folder, batch, demand, payload};

#[test]
fn what_is_appended_is_read_in_order_over_many_segments() {
    let disk = SimulatedDisk::new(1);
    let (journal, opened) = kit::open(&disk);
    assert_eq!((opened.first, opened.next, opened.n_records, opened.torn), (Lsn(1), Lsn(1), 0, None));
    for n in 0..200 {
        let synced = journal.append_and_wait(batch(&journal, n * 5 + 1..n * 5 + 6)).unwrap();
        assert_eq!(synced, Lsn(n * 5 + 1)..Lsn(n * 5 + 6));
    }
    assert!(journal.verify().unwrap().segments.len() > 3);
    demand(&journal, 1000);
}

#[test]
fn many_producers_get_each_their_own_places_and_callbacks_come_in_order() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..200 {
                    let told = Arc::clone(&told);
                    let on_synced = Box::new(move |synced: Result<_, AppendError>| {
                        told.lock().unwrap().push(synced.unwrap())
                    });
                    journal.append(batch(&journal, n..n + 1 + n % 3), on_synced).unwrap();
                }
            });
        }
    });
    let next = journal.flush().unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1600);
    let mut expected = Lsn::FIRST;
    for range in told.iter() {
        assert_eq!(range.start, expected);
        expected = range.end;
    }
    assert_eq!(expected, next);
}

#[test]
fn a_batch_for_which_nobody_waits_is_there_soon_and_at_the_latest_with_the_next() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    journal.ride(batch(&journal, 1..3)).unwrap();
    assert_eq!(journal.append_and_wait(batch(&journal, 3..4)).unwrap(), Lsn(3)..Lsn(4));
    journal.ride(batch(&journal, 4..5)).unwrap();
    while journal.wait_past(Lsn(4), std::time::Duration::from_secs(60)) < Lsn(5) {}
    demand(&journal, 4);
}

#[test]
fn a_batch_that_is_patient_is_synced_with_the_next_and_its_callback_is_told() {
    let folder = Folder::new();
    let n_syncs = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&n_syncs);
    let count = move |point| {
        counted.fetch_add(u64::from(point == CrashPoint::AfterSync), Ordering::Relaxed);
    };
    let ride = Duration::from_secs(3_600);
    let settings = Settings { ride, on_crash_point: Some(OnCrashPoint::new(count)), ..kit::threaded() };
    let (journal, _) = Journal::open(folder.disk(), settings).unwrap();
    let told = Arc::<Mutex<Vec<_>>>::default();
    for n in 1..4 {
        let mut patient = batch(&journal, n..n + 1);
        patient.set_patient();
        let told = Arc::clone(&told);
        journal.append(patient, Box::new(move |range| told.lock().unwrap().push(range.unwrap()))).unwrap();
    }
    assert_eq!(journal.append_and_wait(batch(&journal, 4..5)).unwrap(), Lsn(4)..Lsn(5));
    assert_eq!(*told.lock().unwrap(), [Lsn(1)..Lsn(2), Lsn(2)..Lsn(3), Lsn(3)..Lsn(4)]);
    assert_eq!(n_syncs.load(Ordering::Relaxed), 1);
    demand(&journal, 4);
}

#[test]
fn a_full_queue_gives_the_batch_back_and_takes_it_later() {
    let disk = SimulatedDisk::new(1);
    let settings = acequia_store::journal::Settings { queue: 1, ..kit::threaded() };
    let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
    // The committer stands in the first callback, the second batch has the only place.
    let (entered, wait_entered) = bounded(0);
    let (leave, wait_leave) = bounded::<()>(0);
    let hold = Box::new(move |_: Result<_, _>| {
        entered.send(()).unwrap();
        wait_leave.recv().unwrap();
    });
    journal.append(batch(&journal, 1..2), hold).unwrap();
    wait_entered.recv().unwrap();
    journal.append(batch(&journal, 2..3), Box::new(|_| ())).unwrap();

    let refused = journal.try_append(batch(&journal, 3..5), Box::new(|_| ())).unwrap_err();

    assert!(matches!(refused.error, AppendError::Busy));
    leave.send(()).unwrap();
    let mut again = refused.batch;
    kit::push(&mut again, 5);
    journal.append_and_wait(again).unwrap();
    demand(&journal, 5);
}

#[test]
fn a_callback_may_append_again_and_one_that_panics_harms_nobody() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    let again = journal.clone();
    let on_synced = Box::new(move |_: Result<_, _>| {
        again.append(batch(&again, 2..3), Box::new(|_| panic!("a callback's own"))).unwrap();
    });
    journal.append(batch(&journal, 1..2), on_synced).unwrap();
    journal.append_and_wait(batch(&journal, 3..4)).unwrap();
    demand(&journal, 3);
}

#[test]
fn a_payload_beyond_the_limit_is_refused_by_its_size() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    let mut batch = journal.batch();
    let refused = batch.push(&kit::head(1, &[]), &vec![0; 8 * 1024 + 1]).unwrap_err();
    assert_eq!(refused, EncodeError::PayloadTooLarge { bytes: 8 * 1024 + 1, limit: 8 * 1024 });
    batch.push(&kit::head(1, &[]), &vec![0; 8 * 1024]).unwrap();
    journal.append_and_wait(batch).unwrap();
}

#[test]
fn closed_the_journal_refuses_and_is_still_read() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    journal.append(batch(&journal, 1..4), Box::new(|_| ())).unwrap();
    journal.close().unwrap();
    assert!(matches!(journal.append_and_wait(batch(&journal, 4..5)), Err(AppendError::Closed)));
    assert!(matches!(journal.status(), Status::Closed));
    demand(&journal, 3);
    assert_eq!(payload(1).len(), 45);
}

#[test]
fn a_callback_that_appends_to_a_full_queue_is_told_so_and_does_not_wait_for_itself() {
    let disk = SimulatedDisk::new(1);
    let settings = acequia_store::journal::Settings { queue: 1, ..kit::threaded() };
    let (journal, _) = Journal::open(kit::simulated(&disk), settings).unwrap();
    let again = journal.clone();
    let (told, wait_told) = bounded(1);
    let on_synced = Box::new(move |_: Result<_, _>| {
        let taken: Vec<bool> = (0..3).map(|n| again.ride(batch(&again, n + 2..n + 3)).is_ok()).collect();
        told.send(taken).unwrap();
    });
    journal.append(batch(&journal, 1..2), on_synced).unwrap();
    assert_eq!(wait_told.recv().unwrap(), [true, false, false]);
    journal.flush().unwrap();
    demand(&journal, 2);
}

#[test]
fn the_last_handle_may_go_with_a_callback() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    let (told, wait_told) = bounded(1);
    let (go, wait_go) = bounded::<()>(0);
    let last = journal.clone();
    let first = batch(&journal, 1..2);
    let on_synced = Box::new(move |_: Result<_, _>| {
        wait_go.recv().unwrap();
        drop(last);
        told.send(()).unwrap();
    });
    journal.append(first, on_synced).unwrap();
    drop(journal);
    go.send(()).unwrap();
    wait_told.recv().unwrap();
    // The folder is free once the thread has ended.
    let (journal, opened) = loop {
        match Journal::open(folder.disk(), kit::threaded()) {
            Ok(opened) => break opened,
            Err(_) => thread::yield_now(),
        }
    };
    assert!(opened.was_closed);
    demand(&journal, 1);
}

#[test]
fn watchers_see_each_step_and_one_that_panics_harms_nobody() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    journal.watch(|_| panic!("a watcher's own"));
    let watched = Arc::clone(&seen);
    journal.watch(move |next| watched.lock().unwrap().push(next));
    for n in 1..=5 {
        journal.append_and_wait(batch(&journal, n..n + 1)).unwrap();
    }
    assert_eq!(*seen.lock().unwrap(), [Lsn(2), Lsn(3), Lsn(4), Lsn(5), Lsn(6)]);
}
