//! Why a store was not taken as it was.

use crate::Lsn;
use std::fmt;
use uuid::Uuid;

/// Why the state store was made anew from the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// There is a journal, and neither store nor anchor.
    Absent,
    /// There is an anchor and no store.
    StoreAbsent,
    /// There is a store and no anchor.
    AnchorAbsent,
    /// The anchor is not what was written.
    AnchorDamaged {
        /// What is wrong with it.
        what: String,
    },
    /// An earlier rebuild did not come to its end.
    RebuildInterrupted,
    /// An earlier attempt to open it ended with its process.
    OpeningInterrupted,
    /// It was made by another back end.
    OtherBackend {
        /// Which.
        found: String,
    },
    /// It was made from another journal.
    OtherJournal {
        /// Which.
        found: Uuid,
    },
    /// The back end could not open or read it.
    Unreadable {
        /// What it said.
        reason: String,
    },
    /// It does not say what it is.
    Unsealed,
    /// It is another store than the anchor's.
    OtherEpoch {
        /// The anchor's epoch.
        anchor: u64,
        /// The store's.
        store: u64,
    },
    /// It lost what it had: it is at an earlier LSN than its anchor.
    Behind {
        /// Where the anchor is.
        anchor: Lsn,
        /// Where the store is.
        store: Lsn,
    },
    /// Its rows are not those that were written.
    OtherContent {
        /// How many rows there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// It holds what the journal does not: records that were never synced.
    AheadOfJournal {
        /// The journal's last LSN.
        journal: Lsn,
        /// Where the store is.
        store: Lsn,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there was no state store beside the journal"),
            Self::StoreAbsent => f.write_str("the state store was gone, its anchor was not"),
            Self::AnchorAbsent => f.write_str("the state store had no anchor"),
            Self::AnchorDamaged { what } => write!(f, "the anchor of the state store was damaged: {what}"),
            Self::RebuildInterrupted => f.write_str("an earlier rebuild of the state store had not ended"),
            Self::OpeningInterrupted => f.write_str("the process had ended while it opened the state store"),
            Self::OtherBackend { found } => write!(f, "the state store was made by {found}"),
            Self::OtherJournal { found } => write!(f, "the state store was made from journal {found}"),
            Self::Unreadable { reason } => write!(f, "the state store could not be read: {reason}"),
            Self::Unsealed => f.write_str("the state store did not say what it is"),
            Self::OtherEpoch { anchor, store } => {
                write!(f, "the state store was of epoch {store}, its anchor of epoch {anchor}")
            }
            Self::Behind { anchor, store } => {
                write!(f, "the state store was at LSN {store}, its anchor at LSN {anchor}")
            }
            Self::OtherContent { expected, found } => {
                write!(f, "the state store had other rows than were written ({found}, expected {expected})")
            }
            Self::AheadOfJournal { journal, store } => {
                write!(f, "the state store was at LSN {store}, and the journal ends at LSN {journal}")
            }
        }
    }
}
