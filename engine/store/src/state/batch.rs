//! Changes that are applied together.

use super::{StateError, Table};
use bytes::Bytes;
use std::collections::BTreeMap;

/// The longest key. Short, because back ends copy keys into the nodes of a tree.
pub const MAX_KEY: usize = 512;
/// The longest value. `sled` writes nodes of up to 16 values, and moves a node that is longer than a quarter
/// of a segment into a file of its own, which it does not sync. The longest node stays below that.
pub const MAX_VALUE: usize = 8 * 1024;

/// Puts and deletes, one for each key: the last one counts.
///
/// ```
/// use acequia_store::state::{Batch, Table};
///
/// let mut batch = Batch::default();
/// batch.put(Table::CURSORS, "orders", 17_u64.to_be_bytes().to_vec()).delete(Table::CURSORS, "orders");
/// assert_eq!(batch.len(), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    changes: BTreeMap<(Table, Bytes), Option<Bytes>>,
}

impl Batch {
    /// The key has this value from then on.
    pub fn put(&mut self, table: Table, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        self.changes.insert((table, key.into()), Some(value.into()));
        self
    }

    /// The key has no value from then on.
    pub fn delete(&mut self, table: Table, key: impl Into<Bytes>) -> &mut Self {
        self.changes.insert((table, key.into()), None);
        self
    }

    /// How many keys it changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes, by table and key; a delete has no value.
    pub fn iter(&self) -> impl Iterator<Item = (Table, &Bytes, Option<&Bytes>)> {
        self.changes.iter().map(|((table, key), value)| (*table, key, value.as_ref()))
    }

    /// Refuse what is too long, before anything is applied.
    pub(super) fn check(&self) -> Result<(), StateError> {
        for (table, key, value) in self.iter() {
            let (n_key, n_value) = (key.len(), value.map_or(0, Bytes::len));
            if n_key > MAX_KEY {
                return Err(StateError::KeyTooLong { table, bytes: n_key });
            }
            if n_value > MAX_VALUE {
                return Err(StateError::ValueTooLong { table, bytes: n_value });
            }
        }
        Ok(())
    }
}
