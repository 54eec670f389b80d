//! What the tests of the journal share.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use acequia_core::Timestamp;
use acequia_store::Lsn;
use acequia_store::disk::{Disk, FolderDisk, SimulatedDisk};
use acequia_store::journal::{
    Batch, Head, Journal, Opened, Record, RecordId, RecordKind, Settings, StreamId, TenantId,
};
use proptest::prelude::ProptestConfig;

/// A folder of its own, gone with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("acequia-journal-{}-{number}", std::process::id())))
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(FolderDisk::open(&self.0).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// As a server has it, but in segments of 64 KiB.
pub(crate) fn threaded() -> Settings {
    Settings { inline: false, ..Settings::small() }
}

pub(crate) fn simulated(disk: &SimulatedDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

pub(crate) fn open(disk: &SimulatedDisk) -> (Journal, Opened) {
    Journal::open(simulated(disk), Settings::small()).unwrap()
}

/// What the `n`th record of a test says besides its payload.
pub(crate) fn head(n: u64, parents: &[RecordId]) -> Head<'_> {
    Head {
        kind: if n.is_multiple_of(3) { RecordKind::Turn } else { RecordKind::Event },
        tenant: TenantId((n % 2) as u32),
        stream: StreamId(n % 5),
        id: RecordId(u128::from(n) << 64 | 1),
        time: Timestamp::from_nanos(n as i64 * 1_000),
        parents,
    }
}

/// The payload of the `n`th record: it tells its number, and differs in length.
pub(crate) fn payload(n: u64) -> Vec<u8> {
    let mut payload = n.to_le_bytes().to_vec();
    payload.resize(8 + (n as usize * 37) % 500, n as u8);
    payload
}

pub(crate) fn parents(n: u64) -> Vec<RecordId> {
    (0..n % 4).map(|k| RecordId(u128::from(n - k))).collect()
}

pub(crate) fn push(batch: &mut Batch, n: u64) {
    batch.push(&head(n, &parents(n)), &payload(n)).unwrap();
}

/// A batch with the records of these numbers, however long.
pub(crate) fn batch(journal: &Journal, numbers: std::ops::Range<u64>) -> Batch {
    let mut batch = journal.batch();
    batch.set_whole();
    for n in numbers {
        push(&mut batch, n);
    }
    batch
}

/// The record of a number, at its place.
pub(crate) fn record(n: u64, lsn: Lsn) -> Record {
    let parents = parents(n);
    let Head { kind, tenant, stream, id, time, .. } = head(n, &[]);
    Record { lsn, kind, tenant, stream, id, time, parents, payload: payload(n).into() }
}

/// All records from `from` on.
pub(crate) fn all(journal: &Journal, from: Lsn) -> Vec<Record> {
    let mut records = Vec::new();
    journal.cursor(from).visit(usize::MAX, |record| records.push(record.to_record())).unwrap();
    records
}

/// Demands that the records `1..=n` lie at the places `1..=n`.
#[track_caller]
pub(crate) fn demand(journal: &Journal, n: u64) {
    assert_eq!(journal.synced(), Lsn(n + 1));
    let expected: Vec<_> = (journal.first().0..=n).map(|n| record(n, Lsn(n))).collect();
    assert!(all(journal, journal.first()) == expected, "the journal holds other records than were appended");
}

/// So small that a few batches fill a segment.
pub(crate) fn tiny() -> Settings {
    Settings {
        segment_bytes: 8192,
        payload_bytes: 1024,
        batch_bytes: 4096,
        group_bytes: 8192,
        ..Settings::small()
    }
}

/// `cases` a property, unless `PROPTEST_CASES` asks for more; no regression files.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

/// Numbers that follow from a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 32)) % n as u64) as usize
    }
}
