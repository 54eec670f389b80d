//! Taking items out, and waking those who wait for room.

use super::Ring;
use std::collections::VecDeque;
use std::task::Waker;

/// As many items are moved under the lock: as cheap as to swap the queues, and one queue stays warm.
const FEW: usize = 8;

impl<T> Ring<T> {
    /// Move everything visible to the end of `into`, with arrival numbers if this ring draws them.
    /// Returns how many were moved.
    pub fn draw(&self, into: &mut VecDeque<T>, tickets: &mut VecDeque<u64>) -> usize {
        let mut inner = self.lock();
        let n = inner.queue.len();
        if into.is_empty() {
            std::mem::swap(&mut inner.queue, into);
            std::mem::swap(&mut inner.tickets, tickets);
        } else {
            into.append(&mut inner.queue);
            tickets.append(&mut inner.tickets);
        }
        let waiters = inner.take_waiters();
        drop(inner);
        wake_all(waiters);
        n
    }

    /// Move at most `limit` of the oldest items behind those in `into`, with arrival numbers if this ring
    /// draws them. `spare` is an empty queue: many items are swapped into it, and moved on once the lock is
    /// free again.
    pub fn draw_some(
        &self,
        limit: usize,
        into: &mut Vec<T>,
        order: &mut Vec<u64>,
        spare: &mut VecDeque<T>,
    ) -> Drawn {
        let mut inner = self.lock();
        let waiting = inner.queue.len();
        let moved = waiting.min(limit);
        match moved {
            0 => {}
            1 if waiting == 1 => {
                into.extend(inner.queue.pop_front());
                // The next item goes where this one was: the memory is warm.
                inner.queue.clear();
            }
            _ if moved == waiting && moved > FEW && spare.is_empty() => {
                std::mem::swap(&mut inner.queue, spare);
            }
            _ => into.extend(inner.queue.drain(..moved)),
        }
        if self.tickets.is_some() {
            order.extend(inner.tickets.drain(..moved));
        }
        let waiters = if moved > 0 { inner.take_waiters() } else { Vec::new() };
        drop(inner);
        wake_all(waiters);
        if !spare.is_empty() {
            into.extend(spare.drain(..));
        }
        Drawn { moved, left: waiting - moved }
    }

    /// Arrival number of the oldest item that waits, if this ring draws them.
    pub fn front_ticket(&self) -> Option<u64> {
        self.tickets.as_ref()?;
        self.lock().tickets.front().copied()
    }

    /// Take one item, if there is one.
    pub fn try_pop(&self) -> Option<T> {
        let mut inner = self.lock();
        let item = inner.queue.pop_front();
        inner.tickets.pop_front();
        let waiters = if item.is_some() { inner.take_waiters() } else { Vec::new() };
        drop(inner);
        wake_all(waiters);
        item
    }
}

#[inline]
pub(super) fn wake_all(waiters: Vec<Waker>) {
    if !waiters.is_empty() {
        wake_each(waiters);
    }
}

#[cold]
fn wake_each(waiters: Vec<Waker>) {
    for waker in waiters {
        waker.wake();
    }
}

/// What [`Ring::draw_some`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Items moved.
    pub moved: usize,
    /// Items that still wait.
    pub left: usize,
}
