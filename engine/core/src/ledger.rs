//! What became of each item: `accepted = settled + dropped(reason) + unsettled`, per edge.
//!
//! `unsettled` is never computed by subtraction: it is counted from the places where items are, and
//! [`Entry::check`] compares the two.

use std::fmt;

/// Why an item left its edge in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// Every output of it was accepted by the next edge.
    HandedOn,
    /// Its effect entered state.
    Absorbed,
    /// It was decided away.
    Filtered,
    /// A newer one took its place under `latest` or a coalescing edge.
    Superseded,
}

/// Why an item was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dropped {
    /// It failed as often as allowed and went to the dead letters.
    DeadLetter,
    /// Its bytes were not of the edge's type.
    Undecodable,
    /// The edge was full and its policy drops.
    Overflow,
    /// Its part is quarantined.
    Quarantined,
    /// Its part was unbound, or its edge taken down.
    Unbound,
    /// It came after its window had closed.
    Late,
    /// Its deadline passed.
    TimedOut,
}

impl Settled {
    /// Every way to settle, in the order of [`Entry::settled_by`].
    pub const ALL: [Self; 4] = [Self::HandedOn, Self::Absorbed, Self::Filtered, Self::Superseded];
}

impl Dropped {
    /// Every reason, in the order of [`Entry::dropped_by`].
    pub const ALL: [Self; 7] = [
        Self::DeadLetter,
        Self::Undecodable,
        Self::Overflow,
        Self::Quarantined,
        Self::Unbound,
        Self::Late,
        Self::TimedOut,
    ];
}

/// The counters of one edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Entry {
    /// Items published in the edge.
    pub accepted: u64,
    /// Items settled, by [`Settled`].
    pub settled_by: [u64; 4],
    /// Items dropped, by [`Dropped`].
    pub dropped_by: [u64; 7],
    /// Items open, counted where they are.
    pub unsettled: u64,
}

impl Entry {
    /// Count `n` items as settled.
    pub fn settle(&mut self, how: Settled, n: u64) {
        self.settled_by[how as usize] += n;
    }

    /// Count `n` items as dropped.
    pub fn drop(&mut self, why: Dropped, n: u64) {
        self.dropped_by[why as usize] += n;
    }

    /// All that settled.
    pub fn settled(&self) -> u64 {
        self.settled_by.iter().sum()
    }

    /// All that was dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped_by.iter().sum()
    }

    /// How many settled in this way.
    pub fn settled_as(&self, how: Settled) -> u64 {
        self.settled_by[how as usize]
    }

    /// How many were dropped for this reason.
    pub fn dropped_for(&self, why: Dropped) -> u64 {
        self.dropped_by[why as usize]
    }

    /// Whether the edge balances.
    ///
    /// # Errors
    /// [`Imbalance`] with the four figures, if not.
    pub fn check(&self) -> Result<(), Imbalance> {
        if self.accepted == self.settled() + self.dropped() + self.unsettled {
            Ok(())
        } else {
            Err(Imbalance {
                accepted: self.accepted,
                settled: self.settled(),
                dropped: self.dropped(),
                unsettled: self.unsettled,
            })
        }
    }
}

impl std::ops::AddAssign for Entry {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.unsettled += other.unsettled;
        for (mine, theirs) in self.settled_by.iter_mut().zip(other.settled_by) {
            *mine += theirs;
        }
        for (mine, theirs) in self.dropped_by.iter_mut().zip(other.dropped_by) {
            *mine += theirs;
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "accepted {} = settled {} + dropped {} + unsettled {}",
            self.accepted,
            self.settled(),
            self.dropped(),
            self.unsettled
        )
    }
}

/// An edge whose figures do not add up: an item is hidden, or counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "E0110: accepted {accepted} is not settled {settled} + dropped {dropped} + unsettled {unsettled}; an item is hidden or counted twice, report this with the edge's name"
)]
pub struct Imbalance {
    /// Items published.
    pub accepted: u64,
    /// Items settled.
    pub settled: u64,
    /// Items dropped.
    pub dropped: u64,
    /// Items found open.
    pub unsettled: u64,
}
