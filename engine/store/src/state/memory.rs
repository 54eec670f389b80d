//! Tables in memory: what an embedded engine has if nobody asked for files.

use super::{Batch, Row, Rows, StateError, StateStore, Table};
use crate::Lsn;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Tables in memory. Nothing survives the process, and nothing is claimed to.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: BTreeMap<(Table, Bytes), Bytes>,
    at: Lsn,
}

impl StateStore for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        Ok(self.rows.get(&(table, Bytes::copy_from_slice(key))).cloned())
    }

    fn scan<'a>(&'a self, table: Table, prefix: &[u8]) -> Rows<'a> {
        let prefix = Bytes::copy_from_slice(prefix);
        let from = Bound::Included((table, prefix.clone()));
        let rows = self.rows.range((from, Bound::Unbounded));
        let rows = rows.take_while(move |((t, key), _)| *t == table && key.starts_with(&prefix));
        Box::new(rows.map(row))
    }

    fn rows(&self) -> Rows<'_> {
        Box::new(self.rows.iter().map(row))
    }

    fn apply(&mut self, batch: &Batch, at: Lsn) -> Result<(), StateError> {
        batch.check()?;
        if at < self.at {
            return Err(StateError::Backwards { at: self.at, wanted: at });
        }
        for (table, key, value) in batch.iter() {
            match value {
                Some(value) => drop(self.rows.insert((table, key.clone()), value.clone())),
                None => drop(self.rows.remove(&(table, key.clone()))),
            }
        }
        self.at = at;
        Ok(())
    }

    fn at(&self) -> Lsn {
        self.at
    }

    fn checkpoint(&mut self) -> Result<Lsn, StateError> {
        Ok(self.at)
    }
}

fn row(((table, key), value): (&(Table, Bytes), &Bytes)) -> Result<Row, StateError> {
    Ok(Row { table: *table, key: key.clone(), value: value.clone() })
}
