//! Places in the journal's work where a crash is worth a test.

use std::fmt;

/// A place where a test may end the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CrashPoint {
    /// A group was gathered; nothing of it is written.
    BeforeWrite,
    /// The group is written, and not synced.
    AfterWrite,
    /// The same moment, as seen by the sync.
    BeforeSync,
    /// The group is synced; nobody knows yet.
    AfterSync,
    /// Readers see the group; nobody was told.
    BeforeAck,
    /// A segment is full, and the next one is about to be used.
    SegmentRotate,
    /// The mark says what is kept; the files below are still there.
    Trim,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::BeforeWrite,
        Self::AfterWrite,
        Self::BeforeSync,
        Self::AfterSync,
        Self::BeforeAck,
        Self::SegmentRotate,
        Self::Trim,
    ];

    /// Its name, by which a test asks for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeWrite => "append: before write",
            Self::AfterWrite => "append: after write",
            Self::BeforeSync => "append: before sync",
            Self::AfterSync => "append: after sync",
            Self::BeforeAck => "append: before ack",
            Self::SegmentRotate => "append: segment rotate",
            Self::Trim => "append: trim",
        }
    }

    /// The point of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
