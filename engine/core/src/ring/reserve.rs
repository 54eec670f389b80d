//! Room for items that are on their way to disk: reserved before they are written, filled once they are
//! there. So whoever wrote them never waits for the ring, and what is acknowledged has its place.

use super::push::Refusal;
use super::{Closed, Inner, PushError, Ring};
use std::sync::MutexGuard;
use std::task::Waker;
use std::time::Duration;

/// Why there is no room to reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// None at this moment; room is to be expected then.
    Full(Duration),
    /// The ring takes no more items.
    Closed,
}

impl<T> Ring<T> {
    /// Reserve room for up to `n` items (at least 1); returns for how many. With `waiter`, it is woken when
    /// room appears, if there is none now.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing is reserved.
    pub fn reserve(&self, n: usize, waiter: Option<&Waker>) -> Result<usize, NoRoom> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NoRoom::Closed);
        }
        let room = self.capacity.saturating_sub(inner.queue.len() + inner.reserved).min(n);
        if room == 0 {
            if let Some(waker) = waiter {
                inner.wait(waker);
            }
            return Err(NoRoom::Full(inner.drain_interval));
        }
        inner.reserved += room;
        Ok(room)
    }

    /// Reserve room for `n` items, whether there is room or not: they come out of a turn that has ended, and
    /// cannot go back. False if the ring is full now; then `waker` is woken when it has room again.
    ///
    /// # Errors
    /// [`Closed`]; nothing is reserved.
    pub fn reserve_beyond(&self, n: usize, waker: &Waker) -> Result<bool, Closed> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Closed);
        }
        inner.reserved += n;
        let has_room = inner.queue.len() + inner.reserved < self.capacity;
        if !has_room {
            inner.wait(waker);
        }
        Ok(has_room)
    }

    /// Publish `items` in room that was reserved for them, behind what [`Ring::hold_late`] waits for. Returns
    /// the number of the first.
    pub fn fill(&self, items: impl ExactSizeIterator<Item = T>) -> u64 {
        let mut inner = self.lock();
        let first = inner.entry.accepted;
        inner.reserved = inner.reserved.saturating_sub(items.len());
        if let Some(late) = &mut inner.late {
            let before = late.len();
            late.extend(items);
            let n = late.len() - before;
            inner.entry.accepted += n as u64;
            return first;
        }
        self.publish_all(inner, items);
        first
    }

    /// The same for what others wait for: items of an earlier life.
    pub fn fill_first(&self, items: impl ExactSizeIterator<Item = T>) {
        let mut inner = self.lock();
        inner.reserved = inner.reserved.saturating_sub(items.len());
        self.publish_all(inner, items);
    }

    fn publish_all(&self, mut inner: MutexGuard<'_, Inner<T>>, items: impl Iterator<Item = T>) {
        let was_empty = inner.queue.is_empty();
        for item in items {
            self.publish(&mut inner, item);
        }
        let announce = was_empty && !inner.queue.is_empty();
        drop(inner);
        if announce {
            self.announce();
        }
    }

    /// Items of an earlier life are still to come: what is filled in from now on waits behind them.
    pub fn hold_late(&self) {
        self.lock().late.get_or_insert_default();
    }

    /// They have come: let in what waited behind them.
    pub fn let_late_in(&self) {
        let mut inner = self.lock();
        let late = inner.late.take().unwrap_or_default();
        // They were counted as they came.
        inner.entry.accepted -= late.len() as u64;
        self.publish_all(inner, late.into_iter());
    }

    /// Give up room for `n` items: they did not reach the disk.
    pub fn release(&self, n: usize) {
        let mut inner = self.lock();
        inner.reserved = inner.reserved.saturating_sub(n);
        let waiters = inner.take_waiters();
        drop(inner);
        super::draw::wake_all(waiters);
    }

    /// How many items have left it for good: those that were drawn.
    pub fn drawn(&self) -> u64 {
        let inner = self.lock();
        inner.entry.accepted - inner.entry.dropped() - inner.entry.settled() - inner.waiting() as u64
    }

    /// Items for which room is reserved.
    pub fn reserved(&self) -> usize {
        self.lock().reserved
    }
}

impl NoRoom {
    /// The refusal of a push, with its item.
    pub fn with<T>(self, item: T) -> PushError<T> {
        match self {
            Self::Full(retry_after) => Refusal::Full(retry_after),
            Self::Closed => Refusal::Closed,
        }
        .with(Some(item))
    }
}

#[cfg(test)]
mod tests {
    use super::NoRoom;
    use crate::overflow::Overflow;
    use crate::ring::Ring;
    use std::task::Waker;

    #[test]
    fn reserved_room_is_nobody_elses_until_it_is_filled_or_given_up() {
        let ring = Ring::new(4, Overflow::Block, None);
        assert_eq!(ring.reserve(3, None), Ok(3));
        assert!(ring.try_push(1).is_ok());
        assert!(ring.try_push(2).is_err(), "three of four are reserved");
        assert!(matches!(ring.reserve(1, None), Err(NoRoom::Full(_))));
        assert_eq!((ring.fill([7, 8].into_iter()), ring.reserved()), (1, 1));
        ring.release(1);
        assert_eq!(ring.reserve(5, None), Ok(1), "as much as there is");
        assert_eq!([ring.try_pop(), ring.try_pop(), ring.try_pop()], [Some(1), Some(7), Some(8)]);
        assert_eq!(ring.drawn(), 3);
    }

    #[test]
    fn what_comes_while_older_items_are_still_to_come_waits_behind_them() {
        let ring = Ring::new(4, Overflow::Block, None);
        ring.hold_late();
        ring.fill([3, 4].into_iter());
        assert_eq!((ring.try_pop(), ring.entry().accepted, ring.entry().unsettled), (None, 2, 2));
        ring.fill_first([1, 2].into_iter());
        assert_eq!((ring.drawn(), ring.entry().check()), (0, Ok(())));
        ring.let_late_in();
        ring.fill([5].into_iter());
        assert_eq!([(); 5].map(|()| ring.try_pop()), [1, 2, 3, 4, 5].map(Some));
        assert_eq!((ring.drawn(), ring.entry().accepted), (5, 5));
    }

    #[test]
    fn what_a_turn_sends_has_room_even_in_a_full_ring_and_the_sender_is_told() {
        let ring = Ring::new(2, Overflow::Block, None);
        assert_eq!(ring.reserve_beyond(1, Waker::noop()), Ok(true));
        assert_eq!(ring.reserve_beyond(3, Waker::noop()), Ok(false));
        ring.fill([1, 2, 3, 4].into_iter());
        assert_eq!((ring.len(), ring.reserved()), (4, 0));
        ring.close();
        assert!(ring.reserve_beyond(1, Waker::noop()).is_err());
        assert!(matches!(ring.reserve(1, None), Err(NoRoom::Closed)));
    }
}
