//! Tables of the state store.

use std::fmt;

/// A table, by its number. A number is never given to another table, as it is on disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(u8);

impl Table {
    /// What the guard notes of the store itself; nobody else writes it.
    pub(super) const SEAL: Self = Self(0);
    /// Rows of the catalog: versions, routes, pins.
    pub const CATALOG: Self = Self(1);
    /// Where the checkpoints of each commit domain lie in the journal.
    pub const CHECKPOINTS: Self = Self(2);
    /// How far each consumer has come.
    pub const CURSORS: Self = Self(3);
    /// State of runs.
    pub const RUNS: Self = Self(4);

    /// A table of your own. Numbers below 128 are for the engine.
    ///
    /// ```
    /// use acequia_store::state::Table;
    ///
    /// assert!(Table::own(127).is_none());
    /// assert!(Table::own(200).is_some());
    /// ```
    pub const fn own(number: u8) -> Option<Self> {
        if number < 128 { None } else { Some(Self(number)) }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    pub(super) const fn numbered(number: u8) -> Self {
        Self(number)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SEAL => f.write_str("seal"),
            Self::CATALOG => f.write_str("catalog"),
            Self::CHECKPOINTS => f.write_str("checkpoints"),
            Self::CURSORS => f.write_str("cursors"),
            Self::RUNS => f.write_str("runs"),
            Self(number) => write!(f, "table {number}"),
        }
    }
}
