//! What can go wrong with a state store that is open.

use super::{MAX_KEY, MAX_VALUE, Table};
use crate::Lsn;
use std::io;

/// A call that the store did not carry out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A key is too long.
    #[error("E0640: a key of {bytes} bytes in table {table} is longer than {MAX_KEY}; use its hash")]
    KeyTooLong {
        /// The table.
        table: Table,
        /// Its length.
        bytes: usize,
    },
    /// A value is too long.
    #[error(
        "E0641: a value of {bytes} bytes in table {table} is longer than {MAX_VALUE}; put it into the journal, and its LSN here"
    )]
    ValueTooLong {
        /// The table.
        table: Table,
        /// Its length.
        bytes: usize,
    },
    /// A batch lies before what was applied already.
    #[error("E0642: a batch at LSN {wanted} cannot follow LSN {at}; apply records in order")]
    Backwards {
        /// Where the store is.
        at: Lsn,
        /// Where the batch would lead.
        wanted: Lsn,
    },
    /// A table that is none of the caller's.
    #[error("E0643: table {table} belongs to the store itself; use another one")]
    Reserved {
        /// The table.
        table: Table,
    },
    /// The disk is full.
    #[error("E0644: no room for the {backend} store; free space, then open it again")]
    Full {
        /// The back end.
        backend: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error(
        "E0645: the {backend} store could not {what}; look at the disk and at permissions, then open it again"
    )]
    Io {
        /// The back end.
        backend: &'static str,
        /// What it was about to do.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The back end says that its files are damaged.
    #[error(
        "E0646: the {backend} store is damaged: {reason}; open it again, and it is rebuilt from the journal"
    )]
    Damaged {
        /// The back end.
        backend: &'static str,
        /// What it said.
        reason: String,
    },
    /// The back end panicked.
    #[error(
        "E0647: the {backend} store panicked: {reason}; open it again, and it is checked and rebuilt if need be"
    )]
    Panicked {
        /// The back end.
        backend: &'static str,
        /// What it said.
        reason: String,
    },
    /// An earlier call failed in a way after which nothing is known.
    #[error("E0648: the state store failed before: {reason}; open it again")]
    Failed {
        /// What failed.
        reason: String,
    },
    /// The anchor could not be replaced.
    #[error(
        "E0649: the anchor of the state store could not be replaced; look at the disk, then open the store again"
    )]
    Anchor {
        /// What the system said.
        source: io::Error,
    },
}

impl StateError {
    /// What the system said, as the error of a back end.
    pub(super) fn io(backend: &'static str, what: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { backend, source },
            _ => Self::Io { backend, what, source },
        }
    }

    /// Whether the call was refused before anything was done, so that the store is as good as before.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::Backwards { .. }
            | Self::Reserved { .. } => true,
            Self::Full { .. }
            | Self::Io { .. }
            | Self::Damaged { .. }
            | Self::Panicked { .. }
            | Self::Failed { .. }
            | Self::Anchor { .. } => false,
        }
    }
}
