//! The journal: nothing acknowledged is lost, and nothing is there in halves.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use acequia_core::Timestamp;
use acequia_store::Lsn;
use acequia_store::disk::FolderDisk;
use acequia_store::journal::{Batch, Head, Journal, RecordId, RecordKind, Settings, StreamId, TenantId};

use super::mounted::{Dice, Mounted, let_work, n_cuts, seed};

/// What was acknowledged: the first number, the ids from which on its records count up, and how many.
type Acknowledged = Vec<(Lsn, u64, u64)>;

fn settings() -> Settings {
    let (segment_bytes, batch_bytes, payload_bytes) = (1024 * 1024, 128 * 1024, 64 * 1024);
    let group_bytes = 256 * 1024;
    Settings { segment_bytes, batch_bytes, payload_bytes, group_bytes, keep_free: 0, ..Settings::default() }
}

fn open(folder: &Path) -> Journal {
    let disk = Arc::new(FolderDisk::open(folder.join("journal")).unwrap());
    Journal::open(disk, settings()).unwrap_or_else(|error| panic!("{error}: {error:?}")).0
}

fn payload(id: u64) -> Vec<u8> {
    vec![id as u8; 8 + (id as usize * 2_654_435_761) % 5_000]
}

fn batch(journal: &Journal, first: u64, n: u64) -> Batch {
    let mut batch = journal.batch();
    for id in first..first + n {
        let (kind, tenant, stream) = (RecordKind::Event, TenantId(1), StreamId(n));
        let (id_of, time) = (RecordId(u128::from(id)), Timestamp::ZERO);
        batch.push(&Head { kind, tenant, stream, id: id_of, time, parents: &[] }, &payload(id)).unwrap();
    }
    batch
}

/// One life, up to the cut; what it acknowledged is added.
fn live(disk: &Mounted, next: &AtomicU64, dice: &mut Dice) -> Acknowledged {
    let journal = open(&disk.root());
    let acknowledged = Mutex::new(Vec::new());
    let power = disk.armed().unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (journal, acknowledged, power) = (&journal, &acknowledged, &power);
            let mut dice = Dice(dice.below(u64::MAX) ^ thread);
            scope.spawn(move || {
                loop {
                    let n = 1 + dice.below(12);
                    let first = next.fetch_add(n, Ordering::Relaxed);
                    let Ok(synced) = journal.append_and_wait(batch(journal, first, n)) else { return };
                    if power.counts() {
                        acknowledged.lock().unwrap().push((synced.start, first, n));
                    }
                    if dice.below(40) == 0 {
                        // Whether it fails for the power or not, it takes nothing that is needed.
                        let _ = journal.trim(Lsn(synced.start.0.saturating_sub(4_000)));
                    }
                }
            });
        }
        let_work(dice);
        power.cut().unwrap();
    });
    power.wait().unwrap();
    acknowledged.into_inner().unwrap()
}

/// Demands that all is there that was acknowledged and not trimmed; the answer is how many records that are.
fn demand(disk: &Mounted, acknowledged: &mut Acknowledged, cut: u64) -> u64 {
    let journal = open(&disk.root());
    let (first, mut n) = (journal.first(), 0);
    acknowledged.retain(|(start, ..)| *start >= first);
    for &(start, ids, n_records) in acknowledged.iter() {
        let mut cursor = journal.cursor(start);
        for at in 0..n_records {
            let record = cursor.next_record().unwrap_or_else(|error| panic!("cut {cut}: {error}"));
            let record = record.unwrap_or_else(|| panic!("cut {cut}: {start} was acknowledged and is lost"));
            assert_eq!(
                (record.lsn, record.id),
                (start.plus(at), RecordId(u128::from(ids + at))),
                "cut {cut}"
            );
            assert!(record.payload == payload(ids + at), "cut {cut}: the contents of {start} differ");
            n += 1;
        }
    }
    assert!(journal.verify().unwrap().is_whole());
    n
}

#[test]
fn power_cuts_of_a_real_file_system_take_nothing_acknowledged_from_the_journal() {
    let Some(mut disk) = Mounted::try_new("power_cut::journal", 128) else { return };
    let mut dice = Dice(seed("journal"));
    let next = AtomicU64::new(0);
    let (mut acknowledged, mut n_acknowledged, mut n_read) = (Acknowledged::new(), 0, 0);
    for cut in 0..n_cuts() {
        let lived = live(&disk, &next, &mut dice);
        n_acknowledged += lived.iter().map(|(.., n)| n).sum::<u64>();
        acknowledged.extend(lived);
        disk.again();
        n_read += demand(&disk, &mut acknowledged, cut);
    }
    println!(
        "journal: {} cuts, {n_acknowledged} records acknowledged, {n_read} read again, 0 lost",
        n_cuts()
    );
    assert!(n_acknowledged > 0);
}
