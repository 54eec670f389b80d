//! A part of a lineage, as a tree.

use acequia_store::Lsn;
use std::fmt;
use std::ops::Range;

/// How far a lineage is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Steps.
    pub depth: usize,
    /// Branches at each step.
    pub breadth: usize,
}

/// Something, with what the next step leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// What it is.
    pub node: Node,
    /// Where the next step leads.
    pub children: Vec<Branch>,
    /// How many more there are than were followed.
    pub n_more: usize,
}

/// Something that a journal tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An event that was accepted.
    Event {
        /// Its id.
        id: u128,
        /// Its record.
        lsn: Lsn,
        /// Who accepted it.
        accumulator: String,
    },
    /// A turn, with all its firings.
    Turn {
        /// Its id.
        id: u128,
        /// Its record.
        lsn: Lsn,
        /// Whose turn it was.
        reactor: String,
        /// Numbers of its firings.
        firings: Range<u64>,
    },
    /// One firing.
    Firing {
        /// Its id.
        id: u128,
        /// The record of its turn.
        turn: Lsn,
        /// Who fired.
        reactor: String,
        /// Its number.
        number: u64,
    },
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { id, lsn, accumulator } => write!(f, "event {id:032x} of {accumulator} (LSN {lsn})"),
            Self::Turn { lsn, reactor, firings, .. } if firings.is_empty() => {
                write!(f, "turn of {reactor}, without a firing (LSN {lsn})")
            }
            Self::Turn { lsn, reactor, firings, .. } => {
                write!(f, "turn of {reactor}, firings {} to {} (LSN {lsn})", firings.start, firings.end - 1)
            }
            Self::Firing { turn, reactor, number, .. } => {
                write!(f, "firing {number} of {reactor} (turn at LSN {turn})")
            }
        }
    }
}
