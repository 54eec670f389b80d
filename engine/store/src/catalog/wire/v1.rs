//! The first form. The order of fields and variants is the form: it never changes.

use serde::{Deserialize, Serialize};

/// One mutation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) audit: Option<AuditEntry>,
    pub(super) changes: Vec<Change>,
}

/// One piece of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) at: u64,
    pub(super) index: u32,
    pub(super) n: u32,
    pub(super) record: Record,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AuditEntry {
    /// Nanoseconds since the Unix epoch.
    pub(super) at: i64,
    pub(super) by: String,
    pub(super) what: String,
    pub(super) package: String,
    pub(super) before: Standing,
    pub(super) after: Standing,
    /// Why it was refused, if it was.
    pub(super) refused: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) route: Option<String>,
    pub(super) versions: Vec<String>,
    pub(super) draining: Vec<String>,
    pub(super) quarantined: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    Loaded(Loaded),
    Routed { package: String, route: Route },
    Unloaded { package: String, versions: Vec<String> },
    DrainBegun { package: String, version: String, since: i64, whole: bool },
    DrainEnded { package: String, version: String },
    Quarantined { package: String, version: String, reason: String },
    Cleared { package: String, version: String },
    Orphaned { package: String, version: String, left: Vec<String> },
    Reaped { package: String, version: String },
    Pin(PinChange),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loaded {
    pub(super) package: String,
    pub(super) version: String,
    pub(super) label: Option<String>,
    pub(super) manifest: Option<String>,
    pub(super) origin: Origin,
    pub(super) at: i64,
    pub(super) order: u64,
}

/// Where new work goes. `shares` is room: parts of the work for other versions, sticky by a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Route {
    pub(super) to: String,
    pub(super) shares: Vec<Share>,
}

/// A part of the work, in thousandths, for another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    pub(super) to: String,
    pub(super) per_mille: u16,
    /// For this tenant alone, if it names one.
    pub(super) tenant: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Origin {
    Deployed,
    File,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PinChange {
    Hold { package: String, version: String, kind: PinKind, holder: String },
    Become { package: String, version: String, from: PinKind, to: PinKind, holder: String },
    Release { package: String, version: String, kind: PinKind, holder: String },
}

/// The kinds that are recorded; a start in flight is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PinKind {
    LiveRun,
    ResumableRun,
    RecordedChild,
    Handoff,
    Reservation,
}
