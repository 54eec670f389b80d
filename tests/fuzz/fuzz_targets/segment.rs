//! A segment of any bytes: opening refuses it or reads it, reading stays within it, and what was closed is all
//! there or reported.
//!
//! The input is laid over the segment of a journal that was written whole. Its first bytes say where.

#![no_main]

use std::sync::Arc;

use acequia_core::Timestamp;
use acequia_store::Lsn;
use acequia_store::disk::SimulatedDisk;
use acequia_store::journal::{Head, Journal, RecordId, RecordKind, Settings, StreamId, TenantId, verify};
use libfuzzer_sys::fuzz_target;

const RECORDS: u64 = 40;

fn written() -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = Journal::open(Arc::new(disk.clone()), settings()).expect("an empty disk");
    for n in 0..RECORDS {
        let mut batch = journal.batch();
        let parents = [RecordId(u128::from(n))];
        let (kind, tenant, stream) = (RecordKind::Event, TenantId(1), StreamId(n % 3));
        let time = Timestamp::from_millis(n as i64);
        let head = Head { kind, tenant, stream, id: RecordId(u128::from(n)), time, parents: &parents };
        batch.push(&head, &vec![n as u8; n as usize * 9]).expect("it is small");
        journal.append_and_wait(batch).expect("the disk works");
    }
    disk
}

fn settings() -> Settings {
    Settings { segment_bytes: 8192, payload_bytes: 1024, batch_bytes: 4096, ..Settings::small() }
}

fuzz_target!(|input: &[u8]| {
    let Some((place, noise)) = input.split_first_chunk::<4>() else { return };
    let [file, at @ .., _] = place;
    let disk = written();
    let names = disk.names();
    let name = &names[usize::from(*file) % names.len()];
    disk.damage(name, |bytes| {
        if !bytes.is_empty() {
            let at = usize::from(u16::from_le_bytes(*at)) % bytes.len();
            let end = bytes.len().min(at + noise.len());
            bytes[at..end].copy_from_slice(&noise[..end - at]);
        }
    });
    // A report never fails on bytes.
    drop(verify(&disk));
    let Ok((journal, opened)) = Journal::open(Arc::new(disk), settings()) else { return };
    assert_eq!(opened.next, Lsn(RECORDS + 1), "a silent loss");
    assert_eq!(journal.cursor(Lsn::FIRST).visit(usize::MAX, |_| ()).expect("it was checked"), RECORDS as usize);
});
