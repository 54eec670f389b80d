//! Places in the journal's work, and in that of those who write to it, where a crash is worth a test.

use std::fmt;

/// One table: what is not in it cannot be reached.
macro_rules! points {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A place where a test may end the process.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum CrashPoint {
            $($(#[$doc])* $variant,)*
        }

        impl CrashPoint {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name, by which a test asks for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

points! {
    /// A group was gathered; nothing of it is written.
    BeforeWrite = "append: before write",
    /// The group is written, and not synced.
    AfterWrite = "append: after write",
    /// The same moment, as seen by the sync.
    BeforeSync = "append: before sync",
    /// The group is synced; nobody knows yet.
    AfterSync = "append: after sync",
    /// Readers see the group; nobody was told.
    BeforeAck = "append: before ack",
    /// A segment is full, and the next one is about to be used.
    SegmentRotate = "append: segment rotate",
    /// The mark says what is kept; the files below are still there.
    Trim = "append: trim",
    /// A turn is done in memory; what it did is about to be appended as one.
    CommitBegin = "commit: before transaction",
    /// What a turn did is synced; nothing that it sends on has left.
    CommitSynced = "commit: before outbox send",
    /// What it sends on lies in the next rings.
    CommitSent = "commit: after outbox send",
    /// A cell's state is copied; nothing of the checkpoint is written.
    CheckpointBegin = "checkpoint: before write",
    /// The checkpoint is synced; nobody counts on it yet.
    CheckpointSynced = "checkpoint: after sync",
}

impl CrashPoint {
    /// The point of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|point| point.as_str() == name)
    }

    /// Whether the journal itself comes by, whoever writes to it.
    pub fn is_of_the_journal(self) -> bool {
        self.as_str().starts_with("append: ")
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
