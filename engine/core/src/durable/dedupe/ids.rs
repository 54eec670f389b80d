//! The newest ids, in forty bytes each.

use crate::time::Timestamp;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// An id, when it came and where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) id: u128,
    pub(super) at: Timestamp,
    pub(super) lsn: u64,
}

/// Ids in the order in which they came, and an open table of their places.
#[derive(Debug, Default)]
pub(super) struct Ids {
    known: VecDeque<Known>,
    /// Number of the first of them.
    first: u32,
    /// Numbers, at the place that the id hashes to or behind it; 0 is free. A power of two.
    table: Vec<u32>,
    // Ids come from outside: nobody may choose such as meet in one place.
    hasher: RandomState,
}

/// Numbers go round within this; one more is written to the table, so that 0 is free.
const ROUND: u32 = 0x7fff_ffff;

impl Ids {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// In the order in which they came.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Known> {
        self.known.iter()
    }

    pub(super) fn get(&self, id: u128) -> Option<&Known> {
        let slot = self.slot_of(id)?;
        self.at(self.table[slot])
    }

    /// One more, which is not there.
    pub(super) fn push(&mut self, known: Known) {
        if (self.known.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let number = (self.first + u32::try_from(self.known.len()).unwrap_or(ROUND)) & ROUND;
        self.known.push_back(known);
        self.put(known.id, number + 1);
    }

    /// Forget the oldest, if it is older than `age` or there are more than `most`.
    pub(super) fn expire(&mut self, now: Timestamp, age: Duration, most: usize) {
        let is_old = |known: &Known| now.since(known.at) >= age;
        while self.known.len() > most.min(ROUND as usize / 2) || self.known.front().is_some_and(is_old) {
            let Some(oldest) = self.known.front().copied() else { return };
            if let Some(slot) = self.slot_of(oldest.id) {
                self.vacate(slot);
            }
            self.known.pop_front();
            self.first = (self.first + 1) & ROUND;
        }
    }

    fn at(&self, entry: u32) -> Option<&Known> {
        let number = entry.checked_sub(1)?;
        self.known.get((number.wrapping_sub(self.first) & ROUND) as usize)
    }

    fn home(&self, id: u128) -> usize {
        // Cut to the table's length by the caller.
        self.hasher.hash_one(id) as usize
    }

    fn slot_of(&self, id: u128) -> Option<usize> {
        let mask = self.table.len().checked_sub(1)?;
        let mut slot = self.home(id) & mask;
        while self.table[slot] != 0 {
            if self.at(self.table[slot]).is_some_and(|known| known.id == id) {
                return Some(slot);
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    fn put(&mut self, id: u128, entry: u32) {
        let mask = self.table.len() - 1;
        let mut slot = self.home(id) & mask;
        while self.table[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.table[slot] = entry;
    }

    /// Free a slot, and move those behind it up that would not be found any more.
    fn vacate(&mut self, mut free: usize) {
        let mask = self.table.len() - 1;
        let mut slot = free;
        loop {
            slot = (slot + 1) & mask;
            let Some(known) = self.at(self.table[slot]) else { break };
            let home = self.home(known.id) & mask;
            // It may move if its home is not between the free slot and where it is.
            if slot.wrapping_sub(home) & mask >= slot.wrapping_sub(free) & mask {
                self.table[free] = self.table[slot];
                free = slot;
            }
        }
        self.table[free] = 0;
    }

    fn grow(&mut self) {
        let slots = (self.table.len() * 2).max(16);
        self.table.clear();
        self.table.resize(slots, 0);
        for at in 0..self.known.len() {
            let number = (self.first + u32::try_from(at).unwrap_or(ROUND)) & ROUND;
            self.put(self.known[at].id, number + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ids, Known};
    use crate::time::Timestamp;
    use std::time::Duration;

    #[test]
    fn the_newest_are_found_the_others_are_not_and_the_table_follows_what_is_kept() {
        let mut ids = Ids::default();
        let known = |n: u64| Known { id: u128::from(n) << 40, at: Timestamp::from_millis(n as i64), lsn: n };
        for n in 0..10_000 {
            ids.push(known(n));
            ids.expire(Timestamp::from_millis(n as i64), Duration::from_millis(700), 500);
        }
        assert_eq!(ids.len(), 500);
        let found = (0..10_000).filter(|n| ids.get(known(*n).id).is_some_and(|known| known.lsn == *n));
        assert_eq!(found.collect::<Vec<_>>(), (9_500..10_000).collect::<Vec<_>>());
        assert!(ids.table.len() <= 1024, "{}", ids.table.len());
        ids.expire(Timestamp::from_millis(10_500), Duration::from_millis(700), 500);
        assert_eq!(ids.iter().map(|known| known.lsn).min(), Some(9_801), "by age");
    }
}
