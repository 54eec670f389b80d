//! One entry of the journal.

use std::fmt;
use std::str::FromStr;

use acequia_core::Timestamp;
use bytes::Bytes;

use crate::Lsn;

/// What a record says.
///
/// A kind that this version does not know is kept as [`RecordKind::Other`], so that a journal of a newer
/// version stays readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RecordKind {
    /// An event that was accepted.
    Event,
    /// What one turn of a cell drew and decided.
    Turn,
    /// A firing, as it goes to a subscriber in another commit domain.
    Firing,
    /// A version was loaded.
    Deploy,
    /// New work goes to another version.
    Route,
    /// A version was unloaded.
    Unload,
    /// Something began or ceased to hold a version.
    Pin,
    /// A run changed its state.
    Run,
    /// Who changed what, when, and with what result.
    Audit,
    /// Unsettled items were passed on to a successor.
    Handoff,
    /// An item that used up its attempts.
    DeadLetter,
    /// A piece of a checkpoint.
    Checkpoint,
    /// One that this version does not know.
    Other(u16),
}

/// Kinds in the order of their codes, which begin at 1.
const KINDS: [RecordKind; 12] = [
    RecordKind::Event,
    RecordKind::Turn,
    RecordKind::Firing,
    RecordKind::Deploy,
    RecordKind::Route,
    RecordKind::Unload,
    RecordKind::Pin,
    RecordKind::Run,
    RecordKind::Audit,
    RecordKind::Handoff,
    RecordKind::DeadLetter,
    RecordKind::Checkpoint,
];

impl RecordKind {
    /// As it is written. Codes are never used again for something else.
    pub const fn code(self) -> u16 {
        match self {
            Self::Event => 1,
            Self::Turn => 2,
            Self::Firing => 3,
            Self::Deploy => 4,
            Self::Route => 5,
            Self::Unload => 6,
            Self::Pin => 7,
            Self::Run => 8,
            Self::Audit => 9,
            Self::Handoff => 10,
            Self::DeadLetter => 11,
            Self::Checkpoint => 12,
            Self::Other(code) => code,
        }
    }

    /// Its name in listings and exports; a kind that this version does not know has none.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Event => "event",
            Self::Turn => "turn",
            Self::Firing => "firing",
            Self::Deploy => "deploy",
            Self::Route => "route",
            Self::Unload => "unload",
            Self::Pin => "pin",
            Self::Run => "run",
            Self::Audit => "audit",
            Self::Handoff => "handoff",
            Self::DeadLetter => "dead_letter",
            Self::Checkpoint => "checkpoint",
            Self::Other(_) => return None,
        })
    }

    /// As it is read.
    pub fn from_code(code: u16) -> Self {
        let known = usize::from(code).checked_sub(1).and_then(|at| KINDS.get(at));
        known.copied().unwrap_or(Self::Other(code))
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.code()),
        }
    }
}

/// A text that names no kind of record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "E0900: {text:?} is no kind of record; write event, turn, firing, deploy, route, unload, pin, run, audit, handoff, dead_letter, checkpoint or a code"
)]
pub struct UnknownKind {
    /// The text.
    pub text: String,
}

impl FromStr for RecordKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let known = KINDS.into_iter().find(|kind| kind.name() == Some(text));
        let kind = known.or_else(|| text.parse().ok().map(Self::from_code));
        kind.ok_or_else(|| UnknownKind { text: text.to_owned() })
    }
}

/// Whose record it is. 0 is the engine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TenantId(pub u32);

/// What a record belongs to within its tenant: an accumulator, a reactor, a run. The catalog knows the
/// names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StreamId(pub u64);

/// The name of what was recorded, wherever it goes: an event's id, a firing's. Lineage is told in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RecordId(pub u128);

/// All of a record but its payload and its place, as it is handed in.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// What it says.
    pub kind: RecordKind,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it belongs to.
    pub stream: StreamId,
    /// Its name.
    pub id: RecordId,
    /// Event time, or when it was recorded; since the Unix epoch.
    pub time: Timestamp,
    /// What it follows from.
    pub parents: &'a [RecordId],
}

/// A record where it was read, without a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its place.
    pub lsn: Lsn,
    /// What it says.
    pub kind: RecordKind,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it belongs to.
    pub stream: StreamId,
    /// Its name.
    pub id: RecordId,
    /// Event time, or when it was recorded; since the Unix epoch.
    pub time: Timestamp,
    /// What it follows from.
    pub parents: Parents<'a>,
    /// What it carries.
    pub payload: &'a [u8],
}

impl RecordRef<'_> {
    /// A copy that stands alone.
    pub fn to_record(&self) -> Record {
        Record {
            lsn: self.lsn,
            kind: self.kind,
            tenant: self.tenant,
            stream: self.stream,
            id: self.id,
            time: self.time,
            parents: self.parents.iter().collect(),
            payload: Bytes::copy_from_slice(self.payload),
        }
    }
}

/// The lineage of a record where it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parents<'a>(pub(super) &'a [[u8; 16]]);

impl<'a> Parents<'a> {
    /// One by one.
    pub fn iter(self) -> impl ExactSizeIterator<Item = RecordId> + 'a {
        self.0.iter().map(|bytes| RecordId(u128::from_le_bytes(*bytes)))
    }
}

/// A record that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub lsn: Lsn,
    /// What it says.
    pub kind: RecordKind,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it belongs to.
    pub stream: StreamId,
    /// Its name.
    pub id: RecordId,
    /// Event time, or when it was recorded; since the Unix epoch.
    pub time: Timestamp,
    /// What it follows from.
    pub parents: Vec<RecordId>,
    /// What it carries.
    pub payload: Bytes,
}

impl Record {
    /// All but the payload and the place.
    pub fn head(&self) -> Head<'_> {
        Head {
            kind: self.kind,
            tenant: self.tenant,
            stream: self.stream,
            id: self.id,
            time: self.time,
            parents: &self.parents,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_the_kind_that_wrote_it() {
        for code in 0..=u16::MAX {
            let kind = RecordKind::from_code(code);
            assert_eq!((kind.code(), kind.to_string().parse()), (code, Ok(kind)));
        }
        assert!("Event".parse::<RecordKind>().unwrap_err().to_string().contains("dead_letter"));
        assert_eq!(RecordKind::from_code(12), RecordKind::Checkpoint);
        assert_eq!(RecordKind::from_code(13), RecordKind::Other(13));
        assert_eq!(RecordKind::from_code(0), RecordKind::Other(0));
    }
}
