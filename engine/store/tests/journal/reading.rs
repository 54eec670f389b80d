//! Cursors: filters, following, and where they may begin.

use std::time::Duration;

use acequia_store::Lsn;
use acequia_store::disk::SimulatedDisk;
use acequia_store::journal::{CursorError, Filter, Journal, RecordKind, StreamId, TenantId};

use super::kit::{self, Folder, batch, record};

#[test]
fn a_cursor_begins_at_any_record_also_within_a_batch() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    for n in 0..60 {
        journal.append_and_wait(batch(&journal, n * 10 + 1..n * 10 + 11)).unwrap();
    }
    for from in 0..=601 {
        let found = journal.cursor(Lsn(from)).next_record().unwrap();
        let expected = from.max(1);
        assert_eq!(found, (expected <= 600).then(|| record(expected, Lsn(expected))), "from {from}");
    }
}

#[test]
fn a_filter_gives_out_what_it_accepts_and_nothing_else() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    journal.append_and_wait(batch(&journal, 1..100)).unwrap();
    let filter = Filter {
        kinds: vec![RecordKind::Turn, RecordKind::Audit],
        tenant: Some(TenantId(1)),
        streams: vec![StreamId(0), StreamId(4)],
    };
    let mut cursor = journal.cursor_with(Lsn::FIRST, filter);
    let mut found = Vec::new();
    while let Some(record) = cursor.next_record().unwrap() {
        found.push(record.lsn.0);
    }
    let expected: Vec<u64> =
        (1..100).filter(|n| n % 3 == 0 && n % 2 == 1 && [0, 4].contains(&(n % 5))).collect();
    assert_eq!(found, expected);
    assert_eq!(cursor.position(), Lsn(100));
}

#[test]
fn a_cursor_follows_what_is_appended_over_segments() {
    let folder = Folder::new();
    let (journal, _) = Journal::open(folder.disk(), kit::threaded()).unwrap();
    let writer = journal.clone();
    let thread = std::thread::spawn(move || {
        for n in 1..=2000 {
            writer.append(batch(&writer, n..n + 1), Box::new(|_| ())).unwrap();
        }
    });
    let mut cursor = journal.cursor(Lsn::FIRST);
    let mut expected = 1;
    while expected <= 2000 {
        journal.wait_past(cursor.position(), Duration::from_secs(60));
        while let Some(found) = cursor.next_record().unwrap() {
            assert_eq!(found, record(expected, Lsn(expected)));
            expected += 1;
        }
    }
    thread.join().unwrap();
}

#[test]
fn a_cursor_whose_records_were_trimmed_says_so() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = kit::open(&disk);
    for n in 1..=1000 {
        journal.append_and_wait(batch(&journal, n..n + 1)).unwrap();
    }
    let mut early = journal.cursor(Lsn::FIRST);
    assert_eq!(early.next_record().unwrap(), Some(record(1, Lsn(1))));
    let first = journal.trim(Lsn(900)).unwrap().first;
    assert!(first > Lsn(100) && first <= Lsn(900));
    let late = journal.cursor(Lsn(1)).next_record();
    assert!(matches!(late, Err(CursorError::Trimmed { wanted: Lsn(1), first: kept }) if kept == first));
    // What a cursor has in hand it reads to the end; behind that it finds out.
    let ended = loop {
        match early.next_record() {
            Ok(record) => assert!(record.unwrap().lsn < first),
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, CursorError::Trimmed { .. }));
}
