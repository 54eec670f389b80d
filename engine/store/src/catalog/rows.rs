//! The catalog as rows of the state store: what it holds as of one LSN.
//!
//! A row is one change, and all rows together, in the order of their keys, are one record that makes the
//! catalog what it is. A key is what kind of row it is, then hashes of what it is about: names may be long.

use super::wire::{DecodeError, EncodeError, decode_change, encode_change};
use crate::state::{Batch, Row, StateError, StateStore, Table};
use acequia_core::catalog::{Catalog, Change, FoldError, PinChange, PinKind, Record};
use acequia_core::id::PackageName;
use bytes::Bytes;
use std::collections::BTreeSet;

/// Rows that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A change cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The store failed.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Rows that are no catalog.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A row cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The rows do not add up.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// What a row says. The order is the one in which rows can be folded; numbers are on disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    /// Some version was loaded once.
    Known = 0,
    Loaded = 1,
    Drain = 2,
    Route = 3,
    Quarantine = 4,
    Orphan = 5,
    Pin = 6,
}

/// Those of a package itself.
const OF_PACKAGE: [Tag; 6] = [Tag::Known, Tag::Loaded, Tag::Drain, Tag::Route, Tag::Quarantine, Tag::Orphan];

/// The batch that brings the rows to where `catalog` is after it applied `record`.
///
/// # Errors
/// [`RowError`]; nothing is written here.
pub fn rows(store: &dyn StateStore, catalog: &Catalog, record: &Record) -> Result<Batch, RowError> {
    let mut batch = Batch::default();
    let mut touched = BTreeSet::new();
    for change in &record.changes {
        match change {
            Change::Pin(change) => pin(&mut batch, change)?,
            _ => drop(touched.insert(change.package())),
        }
    }
    for package in touched {
        // A package has few rows of its own, so all of them are written anew.
        for tag in OF_PACKAGE {
            for row in store.scan(Table::CATALOG, &prefix(tag, package)) {
                batch.delete(Table::CATALOG, row?.key);
            }
        }
        for change in catalog.condensed_package(package) {
            if let Some(key) = key(&change) {
                batch.put(Table::CATALOG, key, encode_change(&change)?);
            }
        }
    }
    Ok(batch)
}

/// The batch that makes the rows those of `catalog`, whatever they are now: for a store that is filled from a
/// checkpoint.
///
/// # Errors
/// [`RowError`]; nothing is written here.
pub fn all_rows(store: &dyn StateStore, catalog: &Catalog) -> Result<Batch, RowError> {
    let mut batch = Batch::default();
    for row in store.scan(Table::CATALOG, &[]) {
        batch.delete(Table::CATALOG, row?.key);
    }
    for change in catalog.condensed().iter().flat_map(|record| &record.changes) {
        if let Some(key) = key(change) {
            batch.put(Table::CATALOG, key, encode_change(change)?);
        }
    }
    Ok(batch)
}

/// The catalog that the rows make.
///
/// # Errors
/// [`LoadError`] if they make none.
pub fn load(store: &dyn StateStore) -> Result<Catalog, LoadError> {
    let rows: Vec<Row> = store.scan(Table::CATALOG, &[]).collect::<Result<_, _>>()?;
    let changes = rows.iter().map(|row| decode_change(&row.value)).collect::<Result<_, _>>()?;
    Ok(Catalog::fold([&Record::unaudited(changes)])?)
}

fn pin(batch: &mut Batch, change: &PinChange) -> Result<(), EncodeError> {
    let (package, version) = change.target();
    let held =
        |kind, holder| PinChange::Hold { package: package.clone(), version: version.clone(), kind, holder };
    let (ends, begins) = match change {
        PinChange::Hold { kind, holder, .. } => (None, Some(held(*kind, holder.clone()))),
        PinChange::Release { kind, holder, .. } => (Some(held(*kind, holder.clone())), None),
        PinChange::Become { from, to, holder, .. } => {
            (Some(held(*from, holder.clone())), Some(held(*to, holder.clone())))
        }
    };
    if let Some(key) = ends.and_then(|pin| key(&Change::Pin(pin))) {
        batch.delete(Table::CATALOG, key);
    }
    if let Some(pin) = begins.map(Change::Pin) {
        let value = encode_change(&pin)?;
        if let Some(key) = key(&pin) {
            batch.put(Table::CATALOG, key, value);
        }
    }
    Ok(())
}

/// The key of the row that such a change is; changes that take something away are no row.
fn key(change: &Change) -> Option<Bytes> {
    let (tag, subject) = match change {
        Change::Unloaded { .. } => (Tag::Known, Vec::new()),
        Change::Loaded { version, .. } => (Tag::Loaded, vec![version.as_str()]),
        Change::DrainBegun { version, .. } => (Tag::Drain, vec![version.as_str()]),
        Change::Routed { .. } => (Tag::Route, Vec::new()),
        Change::Quarantined { version, .. } => (Tag::Quarantine, vec![version.as_str()]),
        Change::Orphaned { version, .. } => (Tag::Orphan, vec![version.as_str()]),
        Change::Pin(PinChange::Hold { version, kind, holder, .. }) => {
            let mut key = prefix(Tag::Pin, change.package());
            key.extend([number(*kind)]);
            key.extend(hash(&[version.as_str(), holder.as_str()]));
            return Some(key.into());
        }
        Change::DrainEnded { .. } | Change::Cleared { .. } | Change::Reaped { .. } | Change::Pin(_) => {
            return None;
        }
    };
    let mut key = prefix(tag, change.package());
    key.extend(hash(&subject));
    Some(key.into())
}

/// The number of a kind on disks.
fn number(kind: PinKind) -> u8 {
    match kind {
        PinKind::Start => 0,
        PinKind::LiveRun => 1,
        PinKind::ResumableRun => 2,
        PinKind::RecordedChild => 3,
        PinKind::Handoff => 4,
        PinKind::Reservation => 5,
    }
}

fn prefix(tag: Tag, package: &PackageName) -> Vec<u8> {
    let mut prefix = vec![tag as u8];
    prefix.extend(hash(&[package.as_str()]));
    prefix
}

/// Half a BLAKE3 hash: it tells names apart, with room to spare.
fn hash(texts: &[&str]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut half = [0; 16];
    half.iter_mut().zip(hasher.finalize().as_bytes()).for_each(|(to, byte)| *to = *byte);
    half
}
