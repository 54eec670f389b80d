//! Tables in `redb`.

use super::{Backend, Batch, Row, Rows, StateError, StateStore, Table, folders};
use crate::Lsn;
use bytes::Bytes;
use redb::{Database, Durability, Error, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};
use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "redb";
const FILE: &str = "state.redb";
const CACHE: usize = 8 * 1024 * 1024;
const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
const PLACE: TableDefinition<'_, (), u64> = TableDefinition::new("place");

/// Opens stores in `redb`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RedbBackend;

impl Backend for RedbBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn StateStore>, StateError> {
        std::fs::create_dir_all(folder).map_err(|error| StateError::io(NAME, "make its folder", error))?;
        let db = Database::builder().set_cache_size(CACHE).create(folder.join(FILE));
        let mut store =
            RedbStore { db: db.map_err(refused("open its file"))?, folder: folder.to_owned(), at: Lsn::ZERO };
        store.at = store.change(Durability::Immediate, "read its place", |rows, place| {
            drop(rows);
            let at = place.get(())?.map(|at| Lsn(at.value()));
            Ok(at.unwrap_or_default())
        })?;
        Ok(Box::new(store))
    }
}

#[derive(Debug)]
struct RedbStore {
    db: Database,
    folder: PathBuf,
    at: Lsn,
}

type RowTable<'a> = redb::Table<'a, &'static [u8], &'static [u8]>;
type PlaceTable<'a> = redb::Table<'a, (), u64>;

impl RedbStore {
    /// One transaction over both tables, which are made if they are not there.
    fn change<T>(
        &self,
        durability: Durability,
        what: &'static str,
        change: impl FnOnce(RowTable<'_>, PlaceTable<'_>) -> Result<T, Error>,
    ) -> Result<T, StateError> {
        let attempt = || -> Result<T, Error> {
            let mut transaction = self.db.begin_write()?;
            transaction.set_durability(durability)?;
            let done = change(transaction.open_table(ROWS)?, transaction.open_table(PLACE)?)?;
            transaction.commit()?;
            Ok(done)
        };
        attempt().map_err(refused(what))
    }

    fn read(&self) -> Result<ReadOnlyTable<&'static [u8], &'static [u8]>, Error> {
        Ok(self.db.begin_read()?.open_table(ROWS)?)
    }

    fn range<'a>(&'a self, prefix: Vec<u8>) -> Rows<'a> {
        let range = || -> Result<_, Error> { Ok(self.read()?.range(prefix.as_slice()..)?) };
        let rows = match range() {
            Ok(rows) => rows,
            Err(error) => return Box::new(std::iter::once(Err(refused("read rows")(error)))),
        };
        let rows = rows.map(|found| {
            let (key, value) = found.map_err(refused("read a row"))?;
            row(key.value(), value.value())
        });
        let has_prefix = move |row: &Result<Row, StateError>| {
            row.as_ref().map_or(true, |row| stored(row.table, &row.key).starts_with(&prefix))
        };
        Box::new(rows.take_while(has_prefix))
    }
}

impl StateStore for RedbStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        let read = || -> Result<_, Error> { Ok(self.read()?.get(stored(table, key).as_slice())?) };
        let found = read().map_err(refused("read a row"))?;
        Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
    }

    fn scan<'a>(&'a self, table: Table, prefix: &[u8]) -> Rows<'a> {
        self.range(stored(table, prefix))
    }

    fn rows(&self) -> Rows<'_> {
        self.range(Vec::new())
    }

    fn apply(&mut self, batch: &Batch, at: Lsn) -> Result<(), StateError> {
        batch.check()?;
        if at < self.at {
            return Err(StateError::Backwards { at: self.at, wanted: at });
        }
        self.change(Durability::None, "apply a batch", |mut rows, mut place| {
            for (table, key, value) in batch.iter() {
                let key = stored(table, key);
                match value {
                    Some(value) => drop(rows.insert(key.as_slice(), value.as_ref())?),
                    None => drop(rows.remove(key.as_slice())?),
                }
            }
            place.insert((), at.0)?;
            Ok(())
        })?;
        self.at = at;
        Ok(())
    }

    fn at(&self) -> Lsn {
        self.at
    }

    fn checkpoint(&mut self) -> Result<Lsn, StateError> {
        // A durable transaction makes those before it durable as well.
        self.change(Durability::Immediate, "checkpoint", |_, mut place| {
            place.insert((), self.at.0)?;
            Ok(())
        })?;
        folders::sync(&self.folder).map_err(|error| StateError::io(NAME, "sync its files", error))?;
        Ok(self.at)
    }
}

fn stored(table: Table, key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len() + 1);
    stored.push(table.number());
    stored.extend(key);
    stored
}

fn row(key: &[u8], value: &[u8]) -> Result<Row, StateError> {
    let Some((table, key)) = key.split_first() else {
        return Err(StateError::Damaged { backend: NAME, reason: "a row without a table".to_owned() });
    };
    Ok(Row {
        table: Table::numbered(*table),
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(value),
    })
}

fn refused<E: Into<Error>>(what: &'static str) -> impl Fn(E) -> StateError {
    move |error| match error.into() {
        Error::Io(error)
            if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            StateError::Damaged { backend: NAME, reason: error.to_string() }
        }
        Error::Io(error) => StateError::io(NAME, what, error),
        Error::DatabaseAlreadyOpen => StateError::io(NAME, what, io::ErrorKind::WouldBlock.into()),
        error => StateError::Damaged { backend: NAME, reason: error.to_string() },
    }
}
