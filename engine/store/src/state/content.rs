//! A hash of all rows that changes with each row, in whatever order rows came and went.
//!
//! Each row is hashed by BLAKE3 to four 64-bit lanes, and lanes are added up. A put adds, a delete
//! subtracts, so that a batch costs what it changes, and a scan in any order gives the same. It tells damage
//! from the truth; it does not protect against somebody who computes rows to fit.

use super::Row;

/// The hash of all rows, with their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentHash {
    lanes: [u64; 4],
    n_rows: u64,
}

/// How many bytes it has on disks.
pub(super) const BYTES: usize = 40;

impl ContentHash {
    /// The hash of these rows.
    ///
    /// # Errors
    /// The first error among them.
    pub fn of<E>(rows: impl IntoIterator<Item = Result<Row, E>>) -> Result<Self, E> {
        let mut hash = Self::default();
        for row in rows {
            let Row { table, key, value } = row?;
            hash.add(table.number(), &key, &value);
        }
        Ok(hash)
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    pub(super) fn add(&mut self, table: u8, key: &[u8], value: &[u8]) {
        let row = lanes(table, key, value);
        self.lanes.iter_mut().zip(row).for_each(|(sum, lane)| *sum = sum.wrapping_add(lane));
        self.n_rows = self.n_rows.wrapping_add(1);
    }

    pub(super) fn subtract(&mut self, table: u8, key: &[u8], value: &[u8]) {
        let row = lanes(table, key, value);
        self.lanes.iter_mut().zip(row).for_each(|(sum, lane)| *sum = sum.wrapping_sub(lane));
        self.n_rows = self.n_rows.wrapping_sub(1);
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let words = self.lanes.into_iter().chain([self.n_rows]);
        bytes.chunks_exact_mut(8).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let mut words = bytes
            .chunks_exact(8)
            .map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
        let lanes = std::array::from_fn(|_| words.next().unwrap_or_default());
        Self { lanes, n_rows: words.next().unwrap_or_default() }
    }
}

fn lanes(table: u8, key: &[u8], value: &[u8]) -> [u64; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[table]);
    // The length tells where the key ends, so that no two rows hash the same bytes.
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    let hash = hasher.finalize();
    let mut words = hash
        .as_bytes()
        .chunks_exact(8)
        .map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    std::array::from_fn(|_| words.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{ContentHash, Row};
    use crate::state::Table;
    use proptest::prelude::*;

    fn hash(rows: &[(u8, Vec<u8>, Vec<u8>)]) -> ContentHash {
        let row = |(table, key, value): &(u8, Vec<u8>, Vec<u8>)| {
            Ok::<_, ()>(Row {
                table: Table::numbered(*table),
                key: key.clone().into(),
                value: value.clone().into(),
            })
        };
        ContentHash::of(rows.iter().map(row)).unwrap()
    }

    #[test]
    fn where_a_key_ends_counts() {
        let split = |key: &str, value: &str| hash(&[(1, key.into(), value.into())]);
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(hash(&[(1, b"k".to_vec(), b"v".to_vec())]), hash(&[(2, b"k".to_vec(), b"v".to_vec())]));
    }

    proptest! {
        #[test]
        fn order_does_not_count_and_bytes_bring_it_back(
            mut rows in proptest::collection::vec((any::<u8>(), any::<Vec<u8>>(), any::<Vec<u8>>()), 0..20),
            more in any::<(u8, Vec<u8>, Vec<u8>)>(),
        ) {
            let forward = hash(&rows);
            rows.reverse();
            prop_assert_eq!(hash(&rows), forward);
            let mut there_and_back = forward;
            there_and_back.add(more.0, &more.1, &more.2);
            prop_assert_ne!(there_and_back, forward);
            prop_assert_eq!(ContentHash::from_bytes(&there_and_back.to_bytes()), there_and_back);
            there_and_back.subtract(more.0, &more.1, &more.2);
            prop_assert_eq!(there_and_back, forward);
        }
    }
}
