//! The sink into a durable accumulator: its values are written to disk with the turn that they come from.

use super::{AnySink, SinkContext, Unread, bury, bury_all, take, unread};
use crate::column::AnyColumn;
use crate::durable::{Outgoing, Published};
use crate::graph::AnyOutput;
use crate::id::FiringId;
use crate::ledger::{Dropped, Entry, Settled};
use crate::payload::{Payload, PayloadType};
use crate::ring::Ring;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sends values to a durable accumulator. They take room in its ring at once, even beyond its capacity:
/// the turn that made them has ended. A full ring holds the sender back from its next turn.
pub struct JournaledSink<T> {
    ring: Arc<Ring<T>>,
    queue: VecDeque<T>,
    /// The firing that each of them comes from, as far as it is known.
    firings: VecDeque<Option<FiringId>>,
    /// The same of what is offered next.
    coming: Vec<FiringId>,
    /// Sent, and not known to be in the ring.
    under_way: Arc<AtomicU64>,
    entry: Entry,
    unread: Unread,
}

/// Values as they go to disk, and themselves.
struct Encoding<T> {
    values: Vec<T>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    firings: Vec<Option<FiringId>>,
}

impl<T> Default for Encoding<T> {
    fn default() -> Self {
        Self { values: Vec::new(), bytes: Vec::new(), ends: Vec::new(), firings: Vec::new() }
    }
}

impl<T: Payload> JournaledSink<T> {
    /// A sink into `ring`, which says whose events they are.
    pub fn new(ring: Arc<Ring<T>>) -> Self {
        Self {
            ring,
            queue: VecDeque::new(),
            firings: VecDeque::new(),
            coming: Vec::new(),
            under_way: Arc::default(),
            entry: Entry::default(),
            unread: Unread::default(),
        }
    }

    /// Encode what waits; what cannot be encoded becomes a dead letter.
    fn encode(&mut self, cx: &mut SinkContext<'_>) -> Encoding<T> {
        let mut encoding = Encoding { values: Vec::with_capacity(self.queue.len()), ..Encoding::default() };
        let firings = self.firings.drain(..).chain(std::iter::repeat(None));
        for (value, firing) in self.queue.drain(..).zip(firings) {
            match value.encode(&mut encoding.bytes) {
                Ok(()) => {
                    encoding.ends.push(encoding.bytes.len());
                    encoding.values.push(value);
                    encoding.firings.push(firing);
                }
                Err(error) => {
                    let failure = crate::fault::Failure::error(error.to_string());
                    cx.failures.push(failure.clone());
                    bury(value, &mut self.entry, Dropped::DeadLetter, Some(failure), 1, cx);
                }
            }
        }
        encoding
    }

    /// Send what waits with the turn; whether the ring has room for more.
    fn send(&mut self, cx: &mut SinkContext<'_>) -> bool {
        let Some(accumulator) = self.ring.journaled().cloned() else { return true };
        let Encoding { values, bytes, ends, firings } = self.encode(cx);
        let n = values.len();
        let Ok(has_room) = self.ring.reserve_beyond(n, cx.waker) else {
            bury_all(&mut values.into(), &mut self.entry, Dropped::Unbound, cx);
            return true;
        };
        if n > 0 {
            self.entry.settle(Settled::HandedOn, n as u64);
            self.under_way.fetch_add(n as u64, Ordering::AcqRel);
            let (ring, under_way) = (Arc::clone(&self.ring), Arc::clone(&self.under_way));
            let publish = Box::new(move |published| {
                match published {
                    Published::Synced => {
                        ring.fill(values.into_iter());
                    }
                    Published::Lost => ring.release(n),
                }
                under_way.fetch_sub(n as u64, Ordering::AcqRel);
            });
            let place = cx.place.clone();
            cx.outbox.push(Outgoing { accumulator, place, firings, bytes, ends, publish });
        }
        has_room
    }
}

impl<T: Payload> AnySink for JournaledSink<T> {
    fn payload_type(&self) -> Option<PayloadType> {
        Some(self.ring.item_type())
    }

    fn come_from(&mut self, firings: &[FiringId]) {
        self.coming.extend_from_slice(firings);
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, last: bool) {
        let n = output.len();
        let taken = take(&mut self.queue, &mut self.unread, self.ring.item_type(), output, last);
        self.entry.accepted += taken.n;
        let mut lost = taken.unread.into_iter().peekable();
        for at in 0..n {
            if lost.next_if_eq(&at).is_none() {
                self.firings.push_back(self.coming.get(at).copied());
            }
        }
        self.coming.clear();
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.unread.bury(&mut self.entry, cx);
        if cx.again {
            // The turn's batch was written whole: these events are there.
            self.entry.settle(Settled::HandedOn, self.queue.len() as u64);
            self.queue.clear();
            self.firings.clear();
        }
        self.send(cx)
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        let copied = unread::copy(&mut self.queue, self.ring.item_type(), column);
        self.entry.accepted += u64::from(copied);
        if copied {
            self.firings.push_back(None);
        }
        copied
    }

    fn entry(&self) -> Entry {
        let mut entry = self.entry;
        // Open until they are in the ring, so that nobody sees them nowhere.
        let under_way = self.under_way.load(Ordering::Acquire);
        entry.settled_by[Settled::HandedOn as usize] -= under_way;
        entry.unsettled = under_way + (self.queue.len() + self.unread.len()) as u64;
        entry
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>) {
        self.unread.bury(&mut self.entry, cx);
        bury_all(&mut self.queue, &mut self.entry, why, cx);
        self.firings.clear();
    }

    fn is_journaled(&self) -> bool {
        true
    }
}
