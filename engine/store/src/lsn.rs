//! The place of a record in the journal.

use std::fmt;

/// The ordinal of a record: dense, so that the next record has the next number. The first is 1; 0 is
/// before every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before every record.
    pub const ZERO: Self = Self(0);
    /// The first record's.
    pub const FIRST: Self = Self(1);
    /// Behind every record.
    pub const MAX: Self = Self(u64::MAX);

    /// The one behind this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one that lies `n` behind this.
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
