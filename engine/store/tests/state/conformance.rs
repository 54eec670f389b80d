//! What every back end promises, checked on each of them: alone, and behind the guard.

use super::folder::Folder;
use super::killed;
use acequia_store::Lsn;
use acequia_store::state::{
    Backend, Batch, MAX_KEY, MAX_VALUE, MemoryStore, Place, Reason, Row, SledBackend, StateError, StateStore,
    Table, Truth, open,
};
use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;

/// A store that can be opened again, unless it lives in memory.
pub trait Kind {
    const SURVIVES: bool;
    fn open(folder: &Path, journal: Lsn) -> Box<dyn StateStore>;
}

pub struct Memory;
pub struct Sled;
pub struct GuardedSled;

impl Kind for Memory {
    const SURVIVES: bool = false;
    fn open(_: &Path, _: Lsn) -> Box<dyn StateStore> {
        Box::new(MemoryStore::default())
    }
}

impl Kind for Sled {
    const SURVIVES: bool = true;
    fn open(folder: &Path, _: Lsn) -> Box<dyn StateStore> {
        SledBackend.open(&folder.join("store")).unwrap()
    }
}

fn guarded(backend: &dyn Backend, folder: &Path, journal: Lsn) -> Box<dyn StateStore> {
    let place = Place::new(folder).unwrap();
    // The journal of these tests holds nothing that would have to be brought back.
    let (store, opened) =
        open(&place, backend, Truth { journal: Uuid::nil(), last: journal }, &mut |_| Ok(Lsn::ZERO)).unwrap();
    assert!(matches!(opened.rebuilt, None | Some(Reason::Absent)), "{:?}", opened.rebuilt);
    Box::new(store)
}

impl Kind for GuardedSled {
    const SURVIVES: bool = true;
    fn open(folder: &Path, journal: Lsn) -> Box<dyn StateStore> {
        guarded(&SledBackend, folder, journal)
    }
}

#[cfg(feature = "redb")]
pub struct Redb;

#[cfg(feature = "redb")]
impl Kind for Redb {
    const SURVIVES: bool = true;
    fn open(folder: &Path, _: Lsn) -> Box<dyn StateStore> {
        acequia_store::state::RedbBackend.open(&folder.join("store")).unwrap()
    }
}

#[cfg(feature = "redb")]
pub struct GuardedRedb;

#[cfg(feature = "redb")]
impl Kind for GuardedRedb {
    const SURVIVES: bool = true;
    fn open(folder: &Path, journal: Lsn) -> Box<dyn StateStore> {
        guarded(&acequia_store::state::RedbBackend, folder, journal)
    }
}

macro_rules! conforms {
    ($name:ident, $kind:ty $(, $on_disk:ident)?) => {
        mod $name {
            use super::*;

            #[test]
            fn behaves_as_a_sorted_map_does() {
                super::behaves_as_a_sorted_map_does::<$kind>();
            }

            #[test]
            fn a_refused_batch_changes_nothing() {
                super::a_refused_batch_changes_nothing::<$kind>();
            }

            #[test]
            fn tables_are_apart_and_prefixes_end_where_they_end() {
                super::tables_are_apart_and_prefixes_end_where_they_end::<$kind>();
            }

            #[test]
            fn the_longest_rows_come_back() {
                super::the_longest_rows_come_back::<$kind>();
            }

            survives!($name, $kind, $($on_disk)?);
        }
    };
}

macro_rules! survives {
    ($name:ident, $kind:ty, ) => {};
    ($name:ident, $kind:ty, on_disk) => {
        #[test]
        fn rewritten_rows_take_bounded_room() {
            super::rewritten_rows_take_bounded_room::<$kind>();
        }

        #[test]
        fn a_killed_writer_leaves_whole_batches() {
            killed::leaves_whole_batches::<$kind>(stringify!($name));
        }
    };
}

conforms!(memory, Memory);
conforms!(sled, Sled, on_disk);
conforms!(guarded_sled, GuardedSled, on_disk);
#[cfg(feature = "redb")]
conforms!(redb, Redb, on_disk);
#[cfg(feature = "redb")]
conforms!(guarded_redb, GuardedRedb, on_disk);

#[derive(Debug, Clone)]
enum Step {
    Apply(Vec<(Table, Vec<u8>, Option<Vec<u8>>)>, u64),
    Scan(Table, Vec<u8>),
    Checkpoint,
    Reopen,
}

fn tables() -> impl Strategy<Value = Table> {
    prop_oneof![Just(Table::CATALOG), Just(Table::RUNS), Just(Table::own(255).unwrap())]
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    // Few letters, so that keys meet; 255 at the end of a prefix is a place where ranges go wrong.
    proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(255)], 0..4)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change =
        (tables(), keys(), proptest::option::weighted(0.7, proptest::collection::vec(any::<u8>(), 0..40)));
    let step = prop_oneof![
        8 => (proptest::collection::vec(change, 0..12), 0..3_u64).prop_map(|(changes, by)| Step::Apply(changes, by)),
        4 => (tables(), keys()).prop_map(|(table, prefix)| Step::Scan(table, prefix)),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..40)
}

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

fn rows(model: &Model, table: Table, prefix: &[u8]) -> Vec<Row> {
    let found = model.iter().filter(|((t, key), _)| *t == table && key.starts_with(prefix));
    let row = |((table, key), value): (&(Table, Vec<u8>), &Vec<u8>)| Row {
        table: *table,
        key: key.clone().into(),
        value: value.clone().into(),
    };
    found.map(row).collect()
}

fn scanned(store: &dyn StateStore, table: Table, prefix: &[u8]) -> Vec<Row> {
    store.scan(table, prefix).collect::<Result<_, _>>().unwrap()
}

fn behaves_as_a_sorted_map_does<K: Kind>() {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let config = Config { cases: asked.unwrap_or(24), failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&steps(), |steps| Ok(follow::<K>(&steps))).unwrap();
}

fn follow<K: Kind>(steps: &[Step]) {
    let folder = Folder::new();
    let mut store = K::open(folder.path(), Lsn::ZERO);
    let (mut model, mut at) = (Model::new(), Lsn::ZERO);
    for step in steps {
        match step {
            Step::Apply(changes, by) => {
                let mut batch = Batch::default();
                for (table, key, value) in changes {
                    match value {
                        Some(value) => {
                            batch.put(*table, key.clone(), value.clone());
                            model.insert((*table, key.clone()), value.clone());
                        }
                        None => {
                            batch.delete(*table, key.clone());
                            model.remove(&(*table, key.clone()));
                        }
                    }
                }
                at = at.plus(*by);
                store.apply(&batch, at).unwrap();
            }
            Step::Scan(table, prefix) => {
                assert_eq!(scanned(&*store, *table, prefix), rows(&model, *table, prefix));
                let found = store.get(*table, prefix).unwrap();
                assert_eq!(found.as_deref(), model.get(&(*table, prefix.clone())).map(Vec::as_slice));
            }
            Step::Checkpoint => assert_eq!(store.checkpoint().unwrap(), at),
            Step::Reopen if K::SURVIVES => {
                store.checkpoint().unwrap();
                drop(store);
                store = K::open(folder.path(), at);
            }
            Step::Reopen => {}
        }
        assert_eq!(store.at(), at);
    }
    let all: Vec<Row> = store.rows().collect::<Result<_, _>>().unwrap();
    let wanted = [Table::CATALOG, Table::RUNS, Table::own(255).unwrap()];
    assert_eq!(all, wanted.into_iter().flat_map(|table| rows(&model, table, &[])).collect::<Vec<_>>());
}

fn a_refused_batch_changes_nothing<K: Kind>() {
    let folder = Folder::new();
    let mut store = K::open(folder.path(), Lsn::ZERO);
    let mut good = Batch::default();
    good.put(Table::RUNS, "a", "1");
    store.apply(&good, Lsn(5)).unwrap();

    let mut refused = |batch: &Batch, at: u64| store.apply(batch, Lsn(at)).unwrap_err();
    let mut long_key = good.clone();
    long_key.put(Table::RUNS, "b", "2").put(Table::RUNS, vec![7; MAX_KEY + 1], "3");
    assert!(matches!(refused(&long_key, 6), StateError::KeyTooLong { bytes: 513, .. }));
    let mut long_value = good.clone();
    long_value.put(Table::RUNS, "b", "2").put(Table::RUNS, "c", vec![7; MAX_VALUE + 1]);
    assert!(matches!(refused(&long_value, 6), StateError::ValueTooLong { bytes: 8193, .. }));
    let mut late = Batch::default();
    late.put(Table::RUNS, "b", "2");
    assert!(matches!(refused(&late, 4), StateError::Backwards { at: Lsn(5), wanted: Lsn(4) }));

    assert_eq!(store.at(), Lsn(5));
    assert_eq!(scanned(&*store, Table::RUNS, b"").len(), 1);
    store.apply(&late, Lsn(5)).unwrap();
}

fn tables_are_apart_and_prefixes_end_where_they_end<K: Kind>() {
    let folder = Folder::new();
    let mut store = K::open(folder.path(), Lsn::ZERO);
    let mut batch = Batch::default();
    for key in [&b""[..], b"\xff", b"\xff\xff", b"\xff\xffa", b"a", b"ab", b"b"] {
        batch.put(Table::CATALOG, Bytes::copy_from_slice(key), "catalog");
        batch.put(Table::CHECKPOINTS, Bytes::copy_from_slice(key), "checkpoints");
    }
    store.apply(&batch, Lsn(1)).unwrap();
    let keys = |prefix: &[u8]| -> Vec<Bytes> {
        scanned(&*store, Table::CATALOG, prefix).into_iter().map(|row| row.key).collect()
    };
    assert_eq!(keys(b"a"), [&b"a"[..], b"ab"]);
    assert_eq!(keys(b"\xff"), [&b"\xff"[..], b"\xff\xff", b"\xff\xffa"]);
    assert_eq!(keys(b"").len(), 7);
    assert!(keys(b"c").is_empty());
    assert_eq!(store.get(Table::CHECKPOINTS, b"").unwrap().unwrap(), "checkpoints");
    assert_eq!(store.get(Table::CURSORS, b"a").unwrap(), None);
}

/// Two hundred of them, so that nodes of the longest keys and values are written; those must stay in files
/// that a checkpoint syncs.
fn the_longest_rows_come_back<K: Kind>() {
    let folder = Folder::new();
    let mut store = K::open(folder.path(), Lsn::ZERO);
    let row = |n: u64| {
        let mut key = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().repeat(MAX_KEY / 8);
        key.truncate(MAX_KEY);
        (key, vec![n as u8; MAX_VALUE])
    };
    for n in 1..=200_u64 {
        let (key, value) = row(n);
        let mut batch = Batch::default();
        batch.put(Table::RUNS, key, value);
        store.apply(&batch, Lsn(n)).unwrap();
    }
    store.checkpoint().unwrap();
    if K::SURVIVES {
        drop(store);
        store = K::open(folder.path(), Lsn(200));
    }
    for n in 1..=200_u64 {
        let (key, value) = row(n);
        assert_eq!(store.get(Table::RUNS, &key).unwrap().unwrap(), value);
    }
    for within in ["store/blobs", "state/blobs"] {
        let blobs = std::fs::read_dir(folder.path().join(within)).into_iter().flatten().count();
        assert_eq!(blobs, 0, "values moved into files that are not synced");
    }
}

/// Rows are written again and again; what that leaves behind is used again.
fn rewritten_rows_take_bounded_room<K: Kind>() {
    let folder = Folder::new();
    let mut store = K::open(folder.path(), Lsn::ZERO);
    let mut sizes = Vec::new();
    for at in 1..=3000_u64 {
        let mut batch = Batch::default();
        for key in 0..10 {
            batch.put(Table::RUNS, (key + at % 10 * 10).to_be_bytes().to_vec(), vec![at as u8; 400]);
        }
        store.apply(&batch, Lsn(at)).unwrap();
        if at.is_multiple_of(200) {
            store.checkpoint().unwrap();
        }
        if at.is_multiple_of(1000) {
            sizes.push(size(folder.path()));
        }
    }
    // Forty thousand bytes of rows, twelve million written.
    assert!(sizes.iter().all(|bytes| *bytes < 16 << 20), "{sizes:?}");
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().unwrap().len() }).sum()
}
