//! The catalog's records, as they are found when the journal is opened.

use crate::catalog::{checkpoints, records};
use acequia_core::catalog::Catalog;
use acequia_store::Lsn;
use acequia_store::catalog::{RecoverError, Recovery, decode, is_of_catalog};
use acequia_store::journal::{OpenError, RecordRef};

/// A journal that an engine cannot start over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its records make no catalog.
    #[error(transparent)]
    Catalog(#[from] RecoverError),
}

/// Adds the catalog's records up.
#[derive(Default)]
pub(crate) struct History {
    recovery: Option<Recovery>,
    failed: Option<RecoverError>,
    is_known: bool,
}

impl History {
    /// The next record of the journal; true if it is one of the catalog.
    pub(crate) fn take(&mut self, record: &RecordRef<'_>) -> bool {
        let recovery = self.recovery.get_or_insert_with(|| Recovery::new(record.lsn));
        let taken = if record.stream == checkpoints() {
            recovery.piece(record.payload)
        } else if record.stream == records() && is_of_catalog(record.kind) {
            decode(record.payload)
                .map_err(Into::into)
                .and_then(|decoded| recovery.record(record.lsn, decoded))
        } else {
            return false;
        };
        self.is_known = true;
        if let Err(error) = taken {
            self.failed.get_or_insert(error);
        }
        true
    }

    /// Whether anything of a catalog was found.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(crate) fn finish(self) -> Result<Catalog, RecoverError> {
        match (self.failed, self.recovery) {
            (Some(error), _) => Err(error),
            // An engine that knew of no catalog has written, and perhaps trimmed, all of it.
            (None, Some(recovery)) if self.is_known => recovery.finish(),
            (None, _) => Recovery::new(Lsn::FIRST).finish(),
        }
    }
}
