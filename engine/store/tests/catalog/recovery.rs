//! Journal, state store and catalog together: lives that end in crashes, with damage between them.
//!
//! The journal lies on a simulated disk, whose power is cut; the state store in `sled`, which is found as a
//! killed process leaves it, or damaged.

use super::history::{Dice, step};
use acequia_core::Timestamp;
use acequia_core::catalog::{Catalog, Command, Load, Operation, Record};
use acequia_store::Lsn;
use acequia_store::catalog::{decode, encode, is_of_catalog, kind, load, rows};
use acequia_store::disk::{Cut, SimulatedDisk};
use acequia_store::journal::{AppendError, Head, Journal, RecordId, Settings, StreamId, TenantId};
use acequia_store::state::{Guarded, Opened, Place, RebuildError, SledBackend, StateStore, Truth, open};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("acequia-catalog-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One life of an engine's catalog.
struct Life {
    journal: Journal,
    store: Guarded,
    catalog: Catalog,
    opened: Opened,
}

impl Life {
    fn begin(disk: &SimulatedDisk, folder: &Path) -> Self {
        let (journal, _) = Journal::open(Arc::new(disk.clone()), Settings::small()).unwrap();
        let place = Place::new(folder).unwrap();
        let mut rebuild = |store: &mut dyn StateStore| follow(&journal, store).map(|(_, lsn)| lsn);
        let (mut store, opened) = open(&place, &SledBackend, Truth::from(&journal), &mut rebuild).unwrap();
        let (catalog, _) = follow(&journal, &mut store).unwrap();
        assert_eq!(load(&store).unwrap(), catalog, "the rows are those of the catalog");
        Self { journal, store, catalog, opened }
    }

    /// Journal a record, and only then let it count.
    fn record(&mut self, record: &Record) -> Result<(), AppendError> {
        let lsn = append(&self.journal, record)?;
        self.catalog.apply(record).unwrap();
        let batch = rows(&self.store, &self.catalog, record).unwrap();
        self.store.apply(&batch, lsn).unwrap();
        Ok(())
    }
}

fn append(journal: &Journal, record: &Record) -> Result<Lsn, AppendError> {
    let head = Head {
        kind: kind(record),
        tenant: TenantId(1),
        stream: StreamId(0),
        id: RecordId(1),
        time: Timestamp::ZERO,
        parents: &[],
    };
    let mut batch = journal.batch();
    batch.push(&head, &encode(record).unwrap()).unwrap();
    Ok(journal.append_and_wait(batch)?.start)
}

/// Take in what the journal has and the store has not.
fn follow(journal: &Journal, store: &mut dyn StateStore) -> Result<(Catalog, Lsn), RebuildError> {
    let mut catalog = load(store)?;
    let mut cursor = journal.cursor(store.at().next());
    while let Some(found) = cursor.next_record()? {
        if is_of_catalog(found.kind) {
            let record = decode(&found.payload)?;
            catalog.apply(&record)?;
            let batch = rows(store, &catalog, &record)?;
            store.apply(&batch, found.lsn)?;
        }
    }
    let at = store.at();
    Ok((catalog, at))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Damage the state store, or leave it; says whether it must be noticed.
fn damage(folder: &Path, dice: &mut Dice) -> bool {
    let db = folder.join("state/db");
    match dice.next() % 5 {
        0 => fs::remove_dir_all(folder.join("state")).unwrap(),
        1 => fs::remove_file(folder.join("state.anchor")).unwrap(),
        2 => fs::write(&db, "").unwrap(),
        _ => return false,
    }
    true
}

#[test]
fn the_catalog_is_what_was_journaled_whatever_happened_to_the_store() {
    let (mut n_rebuilt, mut n_taken) = (0, 0);
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let mut disk = SimulatedDisk::new(seed);
        let mut folder = Folder::new();
        let mut expected = Catalog::default();
        let mut must_be_noticed = false;
        for _ in 0..5 {
            let mut life = Life::begin(&disk, &folder.0);
            assert_eq!(life.catalog, expected);
            assert!(!must_be_noticed || life.opened.rebuilt.is_some(), "{:?}", life.opened);
            n_rebuilt += u64::from(life.opened.rebuilt.is_some());
            n_taken += u64::from(life.opened.rebuilt.is_none());
            for n in 0..25 {
                let mut shadow = Catalog::fold(&expected.condensed()).unwrap();
                let record = step(&mut dice, &mut shadow);
                life.record(&record).unwrap();
                expected = shadow;
                if n % 9 == 8 {
                    life.store.checkpoint().unwrap();
                }
            }
            // The power goes, and with it the process.
            disk = disk.power_cut(Cut::Torn);
            let left = Folder::new();
            copy(&folder.0, &left.0);
            drop(life);
            folder = left;
            must_be_noticed = damage(&folder.0, &mut dice);
        }
    }
    assert!(n_rebuilt > 3 && n_taken > 10, "both ways are taken: {n_rebuilt} rebuilt, {n_taken} taken");
}

#[test]
fn a_route_that_could_not_be_journaled_is_not_visible() {
    for call in 0..6 {
        let (disk, folder) = (SimulatedDisk::new(call), Folder::new());
        let mut life = Life::begin(&disk, &folder.0);
        let command =
            |version: &str| Command::new("alice", Timestamp::ZERO, Operation::Load(Load::new("p", version)));
        let routed = |catalog: &Catalog| catalog.snapshot().routed(&"p".into()).map(ToString::to_string);
        let first = life.catalog.decide(&command("v1")).unwrap();
        life.record(&first.record).unwrap();
        let second = life.catalog.decide(&command("v2")).unwrap();
        disk.power_off_at(call);
        let outcome = life.record(&second.record);
        drop(second);
        if outcome.is_ok() {
            assert!(call > 0, "an append makes calls");
            return;
        }
        assert_eq!(routed(&life.catalog).as_deref(), Some("v1"));
        assert_eq!(life.catalog.versions().len(), 1);
        drop(life);

        // Nobody was told, so it may be there or not; in either case it is one or the other.
        let life = Life::begin(&disk.power_cut(Cut::Torn), &folder.0);
        assert!(matches!(routed(&life.catalog).as_deref(), Some("v1" | "v2")));
        assert_eq!(
            life.catalog.versions().len(),
            if routed(&life.catalog).as_deref() == Some("v1") { 1 } else { 2 }
        );
    }
    unreachable!("an append makes fewer calls than six");
}
