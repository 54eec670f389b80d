//! The sink into a durable accumulator: its values are written to disk with the turn that they come from.

use super::{AnySink, SinkContext, Unread, bury, bury_all, take, unread};
use crate::column::AnyColumn;
use crate::durable::{Outgoing, Published};
use crate::graph::AnyOutput;
use crate::ledger::{Dropped, Entry, Settled};
use crate::letter::Place;
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
    /// Sent, and not known to be in the ring.
    under_way: Arc<AtomicU64>,
    entry: Entry,
    unread: Unread,
}

impl<T: Payload> JournaledSink<T> {
    /// A sink into `ring`, which says whose events they are.
    pub fn new(ring: Arc<Ring<T>>) -> Self {
        let (queue, under_way) = (VecDeque::new(), Arc::default());
        Self { ring, queue, under_way, entry: Entry::default(), unread: Unread::default() }
    }

    /// Encode what waits; what cannot be encoded becomes a dead letter.
    fn encode(&mut self, cx: &mut SinkContext<'_>) -> (Vec<T>, Vec<u8>, Vec<usize>) {
        let (mut values, mut bytes, mut ends) =
            (Vec::with_capacity(self.queue.len()), Vec::new(), Vec::new());
        for value in self.queue.drain(..) {
            match value.encode(&mut bytes) {
                Ok(()) => {
                    ends.push(bytes.len());
                    values.push(value);
                }
                Err(error) => {
                    let failure = crate::fault::Failure::error(error.to_string());
                    cx.failures.push(failure.clone());
                    bury(value, &mut self.entry, Dropped::DeadLetter, Some(failure), 1, cx);
                }
            }
        }
        (values, bytes, ends)
    }

    /// Send what waits with the turn; whether the ring has room for more.
    fn send(&mut self, cx: &mut SinkContext<'_>) -> bool {
        let Some(accumulator) = self.ring.journaled().cloned() else { return true };
        let (values, bytes, ends) = self.encode(cx);
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
            let from = match cx.place {
                Place::Sink { graph, .. } => Some(graph.clone()),
                _ => None,
            };
            cx.outbox.push(Outgoing { accumulator, from, bytes, ends, publish });
        }
        has_room
    }
}

impl<T: Payload> AnySink for JournaledSink<T> {
    fn payload_type(&self) -> Option<PayloadType> {
        Some(self.ring.item_type())
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, last: bool) {
        self.entry.accepted += take(&mut self.queue, &mut self.unread, self.ring.item_type(), output, last);
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.unread.bury(&mut self.entry, cx);
        if cx.again {
            // The turn's batch was written whole: these events are there.
            self.entry.settle(Settled::HandedOn, self.queue.len() as u64);
            self.queue.clear();
        }
        self.send(cx)
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        let copied = unread::copy(&mut self.queue, self.ring.item_type(), column);
        self.entry.accepted += u64::from(copied);
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
    }

    fn is_journaled(&self) -> bool {
        true
    }
}
