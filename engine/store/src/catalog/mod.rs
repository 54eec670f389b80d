//! The catalog on disk: its records in the journal, and its rows in the state store.
//!
//! The journal is the truth: folding its records gives the catalog. The rows are the same as of one LSN, so
//! that a start need not read the journal from its beginning.
//!
//! ```
//! # use acequia_core::Timestamp;
//! # use acequia_core::catalog::{Catalog, Command, Load, Operation};
//! # use acequia_store::{Lsn, catalog, state::{MemoryStore, StateStore}};
//! let (mut live, mut store) = (Catalog::default(), MemoryStore::default());
//! let load = Operation::Load(Load::new("pricing", "3f9ac2"));
//! let decision = live.decide(&Command::new("alice", Timestamp::ZERO, load))?;
//!
//! let payload = catalog::encode(&decision.record)?; // into the journal, under `catalog::kind`
//! live.apply(&decision.record)?;
//! let rows = catalog::rows(&store, &live, &decision.record)?;
//! store.apply(&rows, Lsn(1))?;
//!
//! assert_eq!(catalog::decode(&payload)?, decision.record);
//! assert_eq!(catalog::load(&store)?, live);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod rows;
mod wire;

pub use checkpoint::{RecoverError, Recovery, checkpoint};
pub use rows::{LoadError, RowError, all_rows, load, rows};
pub use wire::{DecodeError, EncodeError, decode, encode};

use crate::journal::RecordKind;
use acequia_core::catalog::{Change, Record};

/// The kind under which a record is journaled: that of what it does above all.
pub fn kind(record: &Record) -> RecordKind {
    let kinds = record.changes.iter().map(|change| match change {
        Change::Loaded { .. } => RecordKind::Deploy,
        Change::Unloaded { .. } => RecordKind::Unload,
        Change::Routed { .. } | Change::DrainBegun { .. } | Change::DrainEnded { .. } => RecordKind::Route,
        Change::Quarantined { .. }
        | Change::Cleared { .. }
        | Change::Orphaned { .. }
        | Change::Reaped { .. } => RecordKind::Audit,
        Change::Pin(_) => RecordKind::Pin,
    });
    let weight = |kind: &RecordKind| match kind {
        RecordKind::Deploy => 4,
        RecordKind::Unload => 3,
        RecordKind::Route => 2,
        RecordKind::Pin => 1,
        _ => 0,
    };
    kinds.max_by_key(weight).unwrap_or(RecordKind::Audit)
}

/// Whether a journaled record of this kind is one of the catalog's, to be decoded and folded.
pub fn is_of_catalog(kind: RecordKind) -> bool {
    matches!(
        kind,
        RecordKind::Deploy | RecordKind::Route | RecordKind::Unload | RecordKind::Pin | RecordKind::Audit
    )
}
