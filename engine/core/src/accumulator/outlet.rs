//! The way from a shared accumulator into one of its reactors: copies of boundaries, as there is room.

use crate::column::{AnyColumn, Column};
use crate::fault::{Failure, guarded};
use crate::ledger::Dropped;
use crate::letter::{DeadLetter, Letter, Place};
use crate::payload::Payload;
use crate::ring::{Closed, Ring};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

/// What an outlet is told and where it reports.
pub struct OutletContext<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// Woken when a full ring has room again.
    pub waker: &'a Waker,
    /// Items given up.
    pub letters: &'a mut Vec<DeadLetter>,
    /// Failures, whether or not the item was given up.
    pub failures: &'a mut Vec<Failure>,
}

/// An outlet whose type is known to the reader only.
pub trait AnyOutlet: Send {
    /// Publish copies of what `column` holds from index `from` on, as far as there is room; returns how
    /// many that were. If some were left, the waker is woken when there is room.
    ///
    /// # Errors
    /// [`Closed`]: the reactor is gone.
    fn send(
        &mut self,
        column: &dyn AnyColumn,
        from: usize,
        cx: &mut OutletContext<'_>,
    ) -> Result<usize, Closed>;
}

/// Publishes into the ring of one reactor's share.
pub struct Outlet<T> {
    ring: Arc<Ring<T>>,
    place: Place,
    /// Copies on their way; kept for its memory.
    copies: VecDeque<T>,
}

impl<T: Payload> Outlet<T> {
    /// An outlet into `ring`; what cannot be copied is given up at `place`.
    pub fn new(ring: Arc<Ring<T>>, place: Place) -> Self {
        Self { ring, place, copies: VecDeque::new() }
    }

    /// A value whose `Clone` panics is given up for this reactor alone.
    fn bury(&self, failure: Failure, cx: &mut OutletContext<'_>) {
        let why = Dropped::DeadLetter;
        let item = self.ring.reject(why);
        cx.failures.push(failure.clone());
        cx.letters.push(DeadLetter {
            place: self.place.clone(),
            item,
            why,
            failure: Some(failure),
            attempts: 1,
            at: cx.now,
            letter: Letter::Consumed,
        });
    }
}

impl<T: Payload> AnyOutlet for Outlet<T> {
    fn send(
        &mut self,
        column: &dyn AnyColumn,
        from: usize,
        cx: &mut OutletContext<'_>,
    ) -> Result<usize, Closed> {
        let Some(column) = column.as_any().downcast_ref::<Column<T>>() else {
            unreachable!("a share is made of the boundary type of what is shared")
        };
        let values = column.as_slice().get(from..).unwrap_or_default();
        let mut sent = 0;
        while sent < values.len() {
            let left = &values[sent..];
            let room = self.ring.await_room(left.len(), cx.waker)?.min(left.len());
            if room == 0 {
                break;
            }
            // Outside the ring's lock: copying is the author's code.
            let copied = guarded(|| {
                self.copies.extend(left[..room].iter().cloned());
                Ok(())
            });
            let n_copied = self.copies.len();
            let taken = self.ring.try_push_many(&mut self.copies, Some(cx.waker))?;
            self.copies.clear();
            sent += taken;
            if taken < n_copied {
                break;
            }
            if let Err(failure) = copied {
                self.bury(failure, cx);
                sent += 1;
            }
        }
        Ok(sent)
    }
}
