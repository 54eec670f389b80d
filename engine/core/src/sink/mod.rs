//! Sinks: where terminal outputs go.

mod journaled;
mod unread;

pub use journaled::JournaledSink;
pub use unread::Unread;

use crate::column::{AnyColumn, Column};
use crate::durable::Outgoing;
use crate::fault::{Failure, FaultBudget, FaultMeter, Verdict, guarded};
use crate::graph::{AnyOutput, EncodedOutput, Output};
use crate::id::{FiringId, ItemId};
use crate::ledger::{Dropped, Entry, Settled};
use crate::letter::{DeadLetter, Letter, Place};
use crate::payload::{Encoded, Payload, PayloadType};
use crate::ring::Ring;
use crate::time::Timestamp;
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

/// What a sink is told and where it reports.
pub struct SinkContext<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// Woken when a full edge has room again.
    pub waker: &'a Waker,
    /// Which sink it is.
    pub place: &'a Place,
    /// Items given up.
    pub letters: &'a mut Vec<DeadLetter>,
    /// Failures, whether or not the item was given up.
    pub failures: &'a mut Vec<Failure>,
    /// What is to be written to disk with the turn.
    pub outbox: &'a mut Vec<Outgoing>,
    /// How many graphs send in the same turn.
    pub n_senders: usize,
    /// Whether this was written before, by a run that a crash cut off.
    pub again: bool,
}

/// A sink at a terminal.
pub trait AnySink: Send {
    /// The type that it takes; `None` takes every type.
    fn payload_type(&self) -> Option<PayloadType>;
    /// The outputs that are offered next come from these firings, one after another. Only told where
    /// [`AnySink::is_journaled`].
    fn come_from(&mut self, _firings: &[FiringId]) {}
    /// Accept the terminal's outputs; the last sink of a terminal takes them, the others copy.
    fn offer(&mut self, output: &mut dyn AnyOutput, last: bool);
    /// Pass on what was accepted; false if some must wait for room.
    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool;
    /// Accept one value again, from a dead letter; false if it is of another type.
    fn replay(&mut self, column: &dyn AnyColumn) -> bool;
    /// The edge's ledger.
    fn entry(&self) -> Entry;
    /// Give up what waits, counted under `why`.
    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>);
    /// Whether what it passes on is written to disk with the turn, and cannot leave without it.
    fn is_journaled(&self) -> bool {
        false
    }
}

/// Calls a function once a value.
pub struct CallbackSink<T, F> {
    function: F,
    queue: VecDeque<T>,
    meter: FaultMeter,
    entry: Entry,
    unread: Unread,
}

impl<T, F> CallbackSink<T, F>
where
    T: Payload,
    F: FnMut(&T) -> Result<(), Failure> + Send,
{
    /// A sink that calls `function`; a value that it fails on is tried again, then dead-lettered.
    pub fn new(budget: FaultBudget, function: F) -> Self {
        Self {
            function,
            queue: VecDeque::new(),
            meter: FaultMeter::new(budget),
            entry: Entry::default(),
            unread: Unread::default(),
        }
    }

    /// Call the function for the front of the queue until it is empty or one fails.
    fn drain(&mut self) -> Result<(), Failure> {
        while let Some(value) = self.queue.front() {
            (self.function)(value)?;
            self.queue.pop_front();
            self.entry.settle(Settled::HandedOn, 1);
            self.meter.passed();
        }
        Ok(())
    }
}

/// What came of values that were offered.
struct Taken {
    /// How many there were.
    n: u64,
    /// Which of them could not be read.
    unread: Vec<usize>,
}

/// Move, copy or convert the values of `output` behind those in `queue`.
fn take<T: Payload>(
    queue: &mut VecDeque<T>,
    unread: &mut Unread,
    ty: PayloadType,
    output: &mut dyn AnyOutput,
    last: bool,
) -> Taken {
    let n = output.len() as u64;
    if let Some(queue) = (queue as &mut dyn Any).downcast_mut::<VecDeque<Encoded>>()
        && let Some(output) = output.as_any_mut().downcast_mut::<EncodedOutput>()
    {
        if last {
            queue.extend(output.take())
        } else {
            queue.extend(output.copies())
        }
        return Taken { n, unread: Vec::new() };
    }
    let Some(output) = output.as_any_mut().downcast_mut::<Output<T>>() else {
        return Taken { n, unread: unread.convert(queue, ty, output) };
    };
    if !last {
        queue.extend(output.values.iter().cloned());
    } else if queue.is_empty() {
        std::mem::swap(queue, &mut output.values);
    } else {
        queue.append(&mut output.values);
    }
    Taken { n, unread: Vec::new() }
}

/// Make dead letters of everything in `queue`.
fn bury_all<T: Payload>(queue: &mut VecDeque<T>, entry: &mut Entry, why: Dropped, cx: &mut SinkContext<'_>) {
    for value in queue.drain(..) {
        bury(value, entry, why, None, 0, cx);
    }
}

fn bury<T: Payload>(
    value: T,
    entry: &mut Entry,
    why: Dropped,
    failure: Option<Failure>,
    attempts: u32,
    cx: &mut SinkContext<'_>,
) {
    let item = ItemId(entry.settled() + entry.dropped());
    entry.drop(why, 1);
    cx.letters.push(output_letter(value, item, why, failure, attempts, cx.place, cx.now));
}

fn output_letter<T: Payload>(
    value: T,
    item: ItemId,
    why: Dropped,
    failure: Option<Failure>,
    attempts: u32,
    place: &Place,
    at: Timestamp,
) -> DeadLetter {
    let letter = Letter::Output(Box::new(Column::of(value)));
    DeadLetter { place: place.clone(), item, why, failure, attempts, at, letter }
}

impl<T, F> AnySink for CallbackSink<T, F>
where
    T: Payload,
    F: FnMut(&T) -> Result<(), Failure> + Send,
{
    fn payload_type(&self) -> Option<PayloadType> {
        Some(PayloadType::of::<T>())
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, last: bool) {
        self.entry.accepted +=
            take(&mut self.queue, &mut self.unread, PayloadType::of::<T>(), output, last).n;
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.unread.bury(&mut self.entry, cx);
        while !self.queue.is_empty() {
            let Err(failure) = guarded(|| self.drain()) else { break };
            let attempts = self.meter.attempts() + 1;
            cx.failures.push(failure.clone());
            // A sink has no owner to take it out of service: beyond its budget, too, it goes on.
            if self.meter.fault(cx.now) != Verdict::Retry
                && let Some(value) = self.queue.pop_front()
            {
                bury(value, &mut self.entry, Dropped::DeadLetter, Some(failure), attempts, cx);
            }
        }
        true
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        let copied = unread::copy(&mut self.queue, PayloadType::of::<T>(), column);
        self.entry.accepted += u64::from(copied);
        copied
    }

    fn entry(&self) -> Entry {
        Entry { unsettled: (self.queue.len() + self.unread.len()) as u64, ..self.entry }
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>) {
        self.unread.bury(&mut self.entry, cx);
        bury_all(&mut self.queue, &mut self.entry, why, cx);
    }
}

/// Publishes into a ring: another accumulator, or a channel.
pub struct RingSink<T> {
    ring: Arc<Ring<T>>,
    /// The ring has no other sender: it ends with this sink.
    only_sender: bool,
    queue: VecDeque<T>,
    entry: Entry,
    unread: Unread,
}

impl<T: Payload> RingSink<T> {
    /// A sink into `ring`. Under [`crate::Overflow::Block`] what finds no room waits here, and the graph
    /// waits with it.
    pub fn new(ring: Arc<Ring<T>>) -> Self {
        Self::over(ring, false)
    }

    /// The same for a channel: when the sink goes, the receiver learns that nothing more comes.
    pub fn channel(ring: Arc<Ring<T>>) -> Self {
        Self::over(ring, true)
    }

    fn over(ring: Arc<Ring<T>>, only_sender: bool) -> Self {
        let (queue, entry, unread) = (VecDeque::new(), Entry::default(), Unread::default());
        Self { ring, only_sender, queue, entry, unread }
    }
}

impl<T> Drop for RingSink<T> {
    fn drop(&mut self) {
        if self.only_sender {
            self.ring.close();
        }
    }
}

impl<T: Payload> AnySink for RingSink<T> {
    fn payload_type(&self) -> Option<PayloadType> {
        Some(self.ring.item_type())
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, last: bool) {
        self.entry.accepted += take(&mut self.queue, &mut self.unread, self.ring.item_type(), output, last).n;
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.unread.bury(&mut self.entry, cx);
        match self.ring.try_push_many(&mut self.queue, Some(cx.waker)) {
            Ok(n) => self.entry.settle(Settled::HandedOn, n as u64),
            // Whoever dropped the receiver wants nothing more, and nobody could replay it to them.
            Err(_) if self.only_sender => {
                self.entry.drop(Dropped::Unbound, self.queue.len() as u64);
                self.queue.clear();
            }
            Err(_) => bury_all(&mut self.queue, &mut self.entry, Dropped::Unbound, cx),
        }
        if self.only_sender {
            for (item, value) in self.ring.take_turned_away() {
                cx.letters.push(output_letter(value, item, Dropped::Overflow, None, 0, cx.place, cx.now));
            }
        }
        self.queue.is_empty()
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        let copied = unread::copy(&mut self.queue, self.ring.item_type(), column);
        self.entry.accepted += u64::from(copied);
        copied
    }

    fn entry(&self) -> Entry {
        let mut entry = Entry { unsettled: (self.queue.len() + self.unread.len()) as u64, ..self.entry };
        if self.only_sender {
            // No other edge tells what the channel gave up.
            let channel = self.ring.entry();
            let (dropped, superseded) =
                (channel.dropped_for(Dropped::Overflow), channel.settled_as(Settled::Superseded));
            entry.settled_by[Settled::HandedOn as usize] -= dropped + superseded;
            entry.drop(Dropped::Overflow, dropped);
            entry.settle(Settled::Superseded, superseded);
        }
        entry
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>) {
        self.unread.bury(&mut self.entry, cx);
        bury_all(&mut self.queue, &mut self.entry, why, cx);
    }
}

/// Calls a function with each value as JSON, whatever its type.
pub struct JsonSink<F> {
    function: F,
    entry: Entry,
    queue: VecDeque<serde_json::Value>,
    unread: Unread,
}

impl<F: FnMut(&serde_json::Value) + Send> JsonSink<F> {
    /// A sink that calls `function`.
    pub fn new(function: F) -> Self {
        Self { function, entry: Entry::default(), queue: VecDeque::new(), unread: Unread::default() }
    }
}

impl<F: FnMut(&serde_json::Value) + Send> AnySink for JsonSink<F> {
    fn payload_type(&self) -> Option<PayloadType> {
        None
    }

    fn offer(&mut self, output: &mut dyn AnyOutput, _last: bool) {
        self.entry.accepted += output.len() as u64;
        self.unread.read_json(output, |value| self.queue.push_back(value));
    }

    fn flush(&mut self, cx: &mut SinkContext<'_>) -> bool {
        self.unread.bury(&mut self.entry, cx);
        while let Some(value) = self.queue.pop_front() {
            match guarded(|| {
                (self.function)(&value);
                Ok(())
            }) {
                Ok(()) => self.entry.settle(Settled::HandedOn, 1),
                Err(failure) => {
                    cx.failures.push(failure.clone());
                    bury(value, &mut self.entry, Dropped::DeadLetter, Some(failure), 1, cx);
                }
            }
        }
        true
    }

    fn replay(&mut self, column: &dyn AnyColumn) -> bool {
        let Some(Ok(value)) = column.try_json(0) else { return false };
        self.queue.push_back(value);
        self.entry.accepted += 1;
        true
    }

    fn entry(&self) -> Entry {
        Entry { unsettled: (self.queue.len() + self.unread.len()) as u64, ..self.entry }
    }

    fn give_up(&mut self, why: Dropped, cx: &mut SinkContext<'_>) {
        self.unread.bury(&mut self.entry, cx);
        bury_all(&mut self.queue, &mut self.entry, why, cx);
    }
}
