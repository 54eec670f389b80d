//! Tables in `sled` 0.34.
//!
//! Measured, and honoured here: `flush()` survives the process and not the power, so a checkpoint syncs the
//! files itself; long nodes would move into files that `sled` does not sync, so keys and values are short
//! ([`MAX_VALUE`](super::MAX_VALUE)); damaged files may open as if nothing had happened, or panic, which is
//! the guard's business.

use super::{Backend, Batch, Row, Rows, StateError, StateStore, Table, folders};
use crate::Lsn;
use bytes::Bytes;
use sled::{Config, Db, Error, IVec, Mode};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "sled";
/// Pointers and indexes: whatever is read often fits.
const CACHE: u64 = 8 * 1024 * 1024;
/// A node may have a quarter of it: 16 of the longest values, or 256 of the longest keys.
const SEGMENT: usize = 1024 * 1024;
/// How often, and after which pauses, it is looked whether the files are free.
const LOOKS: u32 = 400;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// Where the store keeps its LSN. Rows begin with [`ROWS`].
const AT: [u8; 1] = [0];
const ROWS: u8 = 1;

/// Opens stores in `sled`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SledBackend;

impl Backend for SledBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn StateStore>, StateError> {
        await_lock(folder).map_err(|error| StateError::io(NAME, "wait for its files", error))?;
        // No flusher of its own: a checkpoint says when, and syncs.
        let config = Config::new().path(folder).cache_capacity(CACHE).segment_size(SEGMENT);
        let config = config.mode(Mode::LowSpace).flush_every_ms(None);
        let db = config.open().map_err(refused("open its files"))?;
        let at = match db.get(AT).map_err(refused("read its place"))? {
            Some(bytes) => place(&bytes)?,
            None => Lsn::ZERO,
        };
        Ok(Box::new(SledStore { db, folder: folder.to_owned(), at }))
    }
}

struct SledStore {
    db: Db,
    folder: PathBuf,
    at: Lsn,
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What `Db` itself prints is all of its contents.
        f.debug_struct("SledStore")
            .field("folder", &self.folder)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl StateStore for SledStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        let value = self.db.get(stored(table, key)).map_err(refused("read a row"))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan<'a>(&'a self, table: Table, prefix: &[u8]) -> Rows<'a> {
        Box::new(self.db.scan_prefix(stored(table, prefix)).map(row))
    }

    fn rows(&self) -> Rows<'_> {
        Box::new(self.db.scan_prefix([ROWS]).map(row))
    }

    fn apply(&mut self, batch: &Batch, at: Lsn) -> Result<(), StateError> {
        batch.check()?;
        if at < self.at {
            return Err(StateError::Backwards { at: self.at, wanted: at });
        }
        let mut changes = sled::Batch::default();
        for (table, key, value) in batch.iter() {
            match value {
                Some(value) => changes.insert(stored(table, key), value.as_ref()),
                None => changes.remove(stored(table, key)),
            }
        }
        changes.insert(&AT, &at.0.to_be_bytes());
        self.db.apply_batch(changes).map_err(refused("apply a batch"))?;
        self.at = at;
        Ok(())
    }

    fn at(&self) -> Lsn {
        self.at
    }

    fn checkpoint(&mut self) -> Result<Lsn, StateError> {
        self.db.flush().map_err(refused("flush"))?;
        // Its flush is no sync. Files come and go as well, so each one is asked for, and the folder.
        folders::sync(&self.folder).map_err(|error| StateError::io(NAME, "sync its files", error))?;
        Ok(self.at)
    }
}

/// After a store is dropped, a thread of `sled` may hold its files for a moment. Whoever holds them for longer
/// is somebody else, and `sled` says so.
fn await_lock(folder: &Path) -> io::Result<()> {
    let file = match File::open(folder.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(BETWEEN_LOOKS),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

fn stored(table: Table, key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len() + 2);
    stored.extend([ROWS, table.number()]);
    stored.extend(key);
    stored
}

fn row(found: Result<(IVec, IVec), Error>) -> Result<Row, StateError> {
    let (key, value) = found.map_err(refused("read a row"))?;
    let [ROWS, table, key @ ..] = &*key else {
        return Err(damaged("a row without a table"));
    };
    Ok(Row {
        table: Table::numbered(*table),
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(&value),
    })
}

fn place(bytes: &[u8]) -> Result<Lsn, StateError> {
    let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| damaged("a place that is no LSN"))?;
    Ok(Lsn(u64::from_be_bytes(bytes)))
}

fn damaged(reason: &str) -> StateError {
    StateError::Damaged { backend: NAME, reason: reason.to_owned() }
}

fn refused(what: &'static str) -> impl Fn(Error) -> StateError {
    move |error| match error {
        Error::Io(error)
            if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            StateError::Damaged { backend: NAME, reason: error.to_string() }
        }
        Error::Io(error) => StateError::io(NAME, what, error),
        error => StateError::Damaged { backend: NAME, reason: error.to_string() },
    }
}
