//! A closed store with everything in it that an engine keeps, small: segments by the dozen, checkpoints of several
//! lives, dead letters, a catalog with archives, and a state store.

use super::made::{on_a_runtime, with_state};
use crate::catalog::{Texts, text};
use acequia::core::accumulator::Stateful;
use acequia::store::disk::{Disk, FolderDisk};
use acequia::store::journal::{Journal, OpenError, Record, RecordKind, Settings};
use acequia::store::state::ContentHash;
use acequia::testing::TestEngine;
use acequia::{
    AccumulatorDecl, Failure, FaultBudget, Guarantee, Kind, Package, ReactorDecl, Strategy, when_any,
};
use acequia_tests::{Folder, echo};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What lies where, from the store's folder on.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What a store held before anything was done to it.
pub(super) struct Whole {
    pub(super) records: Vec<Record>,
    pub(super) content: ContentHash,
    pub(super) files: Files,
}

/// Segments that fill quickly.
fn settings() -> Settings {
    Settings {
        segment_bytes: 16 * 1024,
        payload_bytes: 6 * 1024,
        batch_bytes: 12 * 1024,
        group_bytes: 12 * 1024,
        ..Settings::small()
    }
}

/// Sums numbers up, and refuses each 40th.
fn sums() -> Package {
    let make = || {
        Stateful::new(0_u64, |sum: &mut u64, event: &u64| {
            if event.is_multiple_of(40) {
                return Err(Failure::error("not this one"));
            }
            *sum += event;
            Ok(Some(*sum))
        })
    };
    let numbers = AccumulatorDecl::new("numbers", Kind::Stream, make)
        .delivery(Guarantee::Durable)
        .budget(FaultBudget::unlimited(1));
    let reactor = ReactorDecl::new("R", vec![numbers], when_any(["numbers"])).strategy(Strategy::Sequential);
    Package::new("sums").reactor(reactor).graph(echo::<u64>("W", "numbers").on("R"))
}

/// One life of an engine over `path`, which ends in order.
fn live(path: &Path, life: u64) {
    let disk = Arc::new(FolderDisk::open(path).unwrap()) as Arc<dyn Disk>;
    on_a_runtime(async move {
        let engine = TestEngine::builder()
            .with(|engine| engine.journal_on(disk, settings()).package_reader(Arc::new(Texts)));
        let engine = engine.package(sums()).start().await;
        let fill = "x".repeat(9_000);
        let version = format!("package=pricing version=v{life} label=1.{life}.0 fill={fill}");
        engine.engine().catalog().load(text(&version)).await.unwrap();
        for first in (1..=120_u64).step_by(10) {
            engine.push_all("numbers", first..first + 10).await;
            engine.push_all("n-pricing", [first]).await;
            engine.settle().await;
        }
        engine.engine().shutdown(Duration::from_secs(1)).await;
    });
}

impl Whole {
    /// Make one in `folder`.
    pub(super) fn new(folder: &Folder) -> Self {
        let path = folder.join("store");
        (1..=3).for_each(|life| live(&path, life));
        let content = with_state(&path);
        // Opened once more, so that `sled` has a snapshot, and the files are those of a store at rest.
        let (records, again) = reopened(&path).unwrap();
        assert!(again == content);
        let whole = Self { records, content, files: files(&path) };
        whole.has_everything();
        whole
    }

    fn has_everything(&self) {
        let n_of = |kind| self.records.iter().filter(|record| record.kind == kind).count();
        let kinds = [
            RecordKind::Event,
            RecordKind::Turn,
            RecordKind::Checkpoint,
            RecordKind::DeadLetter,
            RecordKind::Deploy,
        ];
        kinds.into_iter().for_each(|kind| assert!(n_of(kind) > 1, "{kind}"));
        for (file, n) in [("segment-", 4), ("package-", 3), ("mark", 1), ("state.anchor", 1), ("state/db", 1)]
        {
            let found = self.files.keys().filter(|name| name.to_string_lossy().starts_with(file)).count();
            assert!(found >= n, "{found} files {file}");
        }
    }

    /// Put the store into `path` as it was; what lies there already need not be written.
    pub(super) fn restore(&self, path: &Path) {
        let found = if path.is_dir() { files(path) } else { Files::new() };
        for file in found.keys().filter(|file| !self.files.contains_key(*file)) {
            fs::remove_file(path.join(file)).unwrap();
        }
        for (file, bytes) in self.files.iter().filter(|(file, bytes)| found.get(*file) != Some(*bytes)) {
            fs::create_dir_all(path.join(file).parent().unwrap()).unwrap();
            fs::write(path.join(file), bytes).unwrap();
        }
    }

    /// Whether each archive is there, byte by byte.
    pub(super) fn has_its_packages(&self, files: &Files) -> bool {
        let mut packages =
            self.files.iter().filter(|(name, _)| name.to_string_lossy().starts_with("package-"));
        packages.all(|(name, bytes)| files.get(name) == Some(bytes))
    }
}

/// All files below a folder.
pub(super) fn files(path: &Path) -> Files {
    let found = super::made::files(path).into_iter();
    found.map(|(file, bytes)| (file.strip_prefix(path).unwrap().to_owned(), bytes)).collect()
}

/// What an engine has that opens the store: each record, and the hash of all rows.
pub(super) fn reopened(path: &Path) -> Result<(Vec<Record>, ContentHash), OpenError> {
    let disk = Arc::new(FolderDisk::open(path).unwrap());
    let mut records = Vec::new();
    let (journal, _) = Journal::recover(disk, Settings::small(), |record| records.push(record.to_record()))?;
    let content = super::made::state_beside(path, &journal);
    journal.close().unwrap();
    Ok((records, content))
}
