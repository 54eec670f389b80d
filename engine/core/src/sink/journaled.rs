//! The sink into a durable accumulator: its values are written to disk with the turn that they come from.

use super::{AnySink, SinkContext, Unread, bury, bury_all, take, unread};
use crate::column::AnyColumn;
use crate::durable::{Outgoing, Published};
use crate::graph::AnyOutput;
use crate::id::{AccumulatorName, FiringId};
use crate::ledger::{Dropped, Entry, Settled};
use crate::payload::{Payload, PayloadType};
use crate::ring::{IntakeLimits, Ring};
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

/// What a value or a record takes on disk besides its bytes, at most.
const BESIDE: usize = 128;

/// Why a value is not sent on to a durable accumulator.
#[derive(Debug, thiserror::Error)]
enum SendError {
    /// It is too large by itself.
    #[error(
        "E0750: an output of {bytes} bytes is larger than the {limit} bytes that an event of accumulator {accumulator} may have in the journal; make it smaller, or raise `payload_bytes`"
    )]
    Large { accumulator: AccumulatorName, bytes: usize, limit: usize },
    /// It is too large beside what the turn has sent already.
    #[error(
        "E0751: an output of {bytes} bytes for accumulator {accumulator} is beyond the {limit} bytes that a graph may send in one turn; raise `turn_bytes`"
    )]
    Beyond { accumulator: AccumulatorName, bytes: usize, limit: usize },
}

/// What may still be sent in a turn.
struct Allowance {
    limits: IntakeLimits,
    left: usize,
}

impl Allowance {
    fn new<T>(ring: &Ring<T>, cx: &SinkContext<'_>) -> Self {
        let limits = ring.intake_limits();
        let limits = IntakeLimits { turn: limits.turn / cx.n_senders.max(1), ..limits };
        let sent = |sent: &Outgoing| sent.bytes.len() + sent.ends.len() * BESIDE;
        let left = limits.turn.saturating_sub(cx.outbox.iter().map(sent).sum());
        Self { limits, left }
    }

    /// Take a value of so many bytes in.
    fn take(&mut self, accumulator: &AccumulatorName, bytes: usize) -> Result<(), SendError> {
        let accumulator = || accumulator.clone();
        let IntakeLimits { event, turn } = self.limits;
        if bytes > event {
            return Err(SendError::Large { accumulator: accumulator(), bytes, limit: event });
        }
        let left = self.left.checked_sub(bytes.saturating_add(BESIDE));
        self.left =
            left.ok_or_else(|| SendError::Beyond { accumulator: accumulator(), bytes, limit: turn })?;
        Ok(())
    }
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

    /// Encode what waits; what cannot be encoded, or is more than can be written, becomes a dead letter.
    fn encode(&mut self, accumulator: &AccumulatorName, cx: &mut SinkContext<'_>) -> Encoding<T> {
        let mut allowance = Allowance::new(&self.ring, cx);
        let mut encoding = Encoding { values: Vec::with_capacity(self.queue.len()), ..Encoding::default() };
        let firings = self.firings.drain(..).chain(std::iter::repeat(None));
        for (value, firing) in self.queue.drain(..).zip(firings) {
            let start = encoding.bytes.len();
            let encoded = value.encode(&mut encoding.bytes).map_err(|error| error.to_string());
            let sendable = encoded.and_then(|()| {
                let bytes = encoding.bytes.len() - start;
                allowance.take(accumulator, bytes).map_err(|error| error.to_string())
            });
            match sendable {
                Ok(()) => {
                    encoding.ends.push(encoding.bytes.len());
                    encoding.values.push(value);
                    encoding.firings.push(firing);
                }
                Err(why) => {
                    encoding.bytes.truncate(start);
                    let failure = crate::fault::Failure::error(why);
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
        let Encoding { values, bytes, ends, firings } = self.encode(&accumulator, cx);
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
