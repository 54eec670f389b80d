//! Room in a ring: waiting for it without an item in hand, and doing without.

use super::draw::wake_all;
use super::{Closed, Inner, Ring};
use crate::ledger::Dropped;
use crate::overflow::Overflow;
use std::task::Waker;

impl<T> Ring<T> {
    /// Room for at most `wanted` items. If there is less, `waker` is woken when there is more.
    ///
    /// # Errors
    /// [`Closed`] after [`Ring::close`].
    pub fn await_room(&self, wanted: usize, waker: &Waker) -> Result<usize, Closed> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Closed);
        }
        if !self.waits(&inner) {
            return Ok(wanted);
        }
        let room = self.capacity.saturating_sub(inner.queue.len() + inner.reserved);
        if room < wanted {
            inner.wait(waker);
        }
        Ok(room.min(wanted))
    }

    /// Give up what finds no room, under this reason, or have it wait again.
    pub fn shed(&self, why: Option<Dropped>) {
        let mut inner = self.lock();
        inner.shed = why;
        let waiters = inner.take_waiters();
        drop(inner);
        wake_all(waiters);
    }

    /// Whether what finds no room waits for it.
    pub(super) fn waits(&self, inner: &Inner<T>) -> bool {
        self.overflow == Overflow::Block && inner.shed.is_none()
    }
}
