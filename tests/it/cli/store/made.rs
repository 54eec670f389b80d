//! Stores to be looked at: the journal of a real engine, of real departures, and of records of our own, each
//! with what else lies in its folder.

use acequia::store::Lsn;
use acequia::store::disk::{FolderDisk, ReadOnlyDisk};
use acequia::store::journal::{
    Head, Journal, Record, RecordId, RecordKind, Settings, StreamId, TenantId, read,
};
use acequia::store::state::{Batch, ContentHash, Place, SledBackend, StateStore, Table, Truth, open};
use acequia::testing::TestEngine;
use acequia::{AccumulatorDecl, Guarantee, Package, ReactorDecl, Strategy, Timestamp, when_any};
use acequia_examples::slices;
use acequia_tests::{Folder, echo};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A runtime whose end is the end of all that ran on it.
pub(crate) fn on_a_runtime<T>(ran: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let ended = runtime.as_ref().unwrap().block_on(ran);
    drop(runtime);
    ended
}

/// Numbers, each fired and echoed.
pub(crate) fn numbers() -> Package {
    let numbers = AccumulatorDecl::passthrough::<u64>("numbers").delivery(Guarantee::Durable);
    let reactor = ReactorDecl::new("R", vec![numbers], when_any(["numbers"])).strategy(Strategy::Sequential);
    Package::new("numbers").reactor(reactor).graph(echo::<u64>("W", "numbers").on("R"))
}

/// How the engine ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    CutOff,
}

/// The folder of an engine that was given `n` numbers.
pub(crate) fn by_an_engine(folder: &Folder, n: u64, end: End) -> PathBuf {
    let path = folder.join("store");
    let running = path.clone();
    on_a_runtime(async move {
        let disk = Arc::new(FolderDisk::open(&running).unwrap());
        let engine = TestEngine::builder().with(|it| it.journal_on(disk, Settings::small()));
        let engine = engine.package(numbers()).start().await;
        for first in (1..=n).step_by(25) {
            engine.push_all("numbers", first..=n.min(first + 24)).await;
        }
        engine.settle().await;
        if end == End::CutOff {
            // What a copy of the folder has is what a crash would have left.
            copy(&running, &running.with_extension("left"));
        }
        engine.engine().shutdown(Duration::from_secs(1)).await;
    });
    if end == End::CutOff {
        fs::remove_dir_all(&path).unwrap();
        fs::rename(path.with_extension("left"), &path).unwrap();
    }
    path
}

/// A journal of records of every kind, with parents, of which the first ones were trimmed.
pub(crate) fn by_hand(folder: &Folder) -> PathBuf {
    let path = folder.join("store");
    let disk = Arc::new(FolderDisk::open(&path).unwrap());
    let (journal, _) = Journal::open(disk, Settings::small()).unwrap();
    for n in 1..=900_u64 {
        let mut batch = journal.batch();
        let parents: Vec<RecordId> =
            (0..n % 4).map(|at| RecordId(u128::from(n) << 90 | u128::from(at))).collect();
        let head = Head {
            kind: RecordKind::from_code((n % 15) as u16),
            tenant: TenantId((n % 3) as u32),
            stream: StreamId(u64::MAX - n % 5),
            id: RecordId(u128::MAX - u128::from(n)),
            time: Timestamp::from_nanos(i64::MAX - n as i64),
            parents: &parents,
        };
        let payload = match n % 5 {
            0 => Vec::new(),
            1 => format!("{{\"n\":{n},\"text\":\"é \\\"quoted\\\"\"}}").into_bytes(),
            2 => format!("{{ \"n\": {n} }}").into_bytes(),
            3 => b"null".to_vec(),
            _ => (0..n % 250).map(|byte| byte as u8).collect(),
        };
        batch.push(&head, &payload).unwrap();
        journal.append_and_wait(batch).unwrap();
    }
    journal.trim(Lsn(500)).unwrap();
    journal.close().unwrap();
    path
}

/// Rows of a batch.
const ROWS: u64 = 32;

/// Opens the state store beside the journal, or puts one there, with a row for each record; what is in it.
pub(crate) fn with_state(path: &Path) -> ContentHash {
    let disk = Arc::new(FolderDisk::open(path).unwrap());
    let (journal, _) = Journal::open(disk, Settings::small()).unwrap();
    let content = state_beside(path, &journal);
    journal.close().unwrap();
    content
}

/// The same beside a journal that is open.
pub(crate) fn state_beside(path: &Path, journal: &Journal) -> ContentHash {
    let truth = Truth::from(journal);
    let place = Place::new(path).unwrap();
    let mut fill = |store: &mut dyn StateStore| {
        for first in (1..=truth.last.0).step_by(ROWS as usize) {
            let mut batch = Batch::default();
            let last = truth.last.0.min(first + ROWS - 1);
            for lsn in first..=last {
                batch.put(Table::RUNS, lsn.to_be_bytes().to_vec(), vec![lsn as u8; 40]);
            }
            store.apply(&batch, Lsn(last))?;
        }
        Ok(truth.last)
    };
    let (store, _) = open(&place, &SledBackend, truth, &mut fill).unwrap();
    let content = ContentHash::of(store.rows()).unwrap();
    store.close().unwrap();
    content
}

/// All records of a journal.
pub(crate) fn records(path: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    read(&ReadOnlyDisk::open(path).unwrap(), |record| records.push(record.to_record())).unwrap().unwrap();
    records
}

/// The first departures of the slice, as many as a journal takes in a moment.
pub(crate) fn few_departures(folder: &Folder) -> PathBuf {
    let packed = fs::File::open(slices::flights()).unwrap();
    let text = String::from_utf8(zstd::decode_all(packed).unwrap()).unwrap();
    let few: Vec<&str> = text.lines().take(600).collect();
    let path = folder.join("departures.csv");
    fs::write(&path, few.join("\n") + "\n").unwrap();
    path
}

/// All files below a folder, with what is in them.
pub(crate) fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    files
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (file, contents) in files(from) {
        let to = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, contents).unwrap();
    }
}
