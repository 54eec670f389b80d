//! Batch: events are collected and handed to the user's function together.
//!
//! A flush happens at `max_buffer_size`, `flush_interval` after the first event, when the reactor
//! asks, and at shutdown. An empty buffer is never flushed.

use super::{
    Accumulator, Buffered, Emitter, Eviction, Exported, Fate, ImportError, Incoming, Released, Tuning,
};
use crate::fault::Failure;
use crate::payload::Payload;
use crate::time::Timestamp;
use std::marker::PhantomData;
use std::time::Duration;

/// Collects events until a flush.
pub struct Batch<E, B, F> {
    function: F,
    flush_interval: Option<Duration>,
    max_buffer_size: usize,
    buffer: Vec<E>,
    due: Option<Timestamp>,
    types: PhantomData<fn() -> B>,
}

impl<E, B, F> Batch<E, B, F>
where
    F: FnMut(&[E]) -> Result<Option<B>, Failure>,
{
    /// A batch of at most `max_buffer_size` events (at least 1), at most `flush_interval` old.
    pub fn new(flush_interval: Option<Duration>, max_buffer_size: usize, function: F) -> Self {
        Self {
            function,
            flush_interval,
            max_buffer_size: max_buffer_size.max(1),
            buffer: Vec::new(),
            due: None,
            types: PhantomData,
        }
    }

    fn flush_all(&mut self, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        if self.buffer.is_empty() {
            return Ok(Released::default());
        }
        let boundary = (self.function)(&self.buffer)?;
        let n = self.buffer.len() as u64;
        self.buffer.clear();
        self.due = None;
        Ok(match boundary {
            Some(boundary) => {
                out.emit(boundary);
                Released { handed_on: n, ..Released::default() }
            }
            None => Released { filtered: n, ..Released::default() },
        })
    }
}

impl<E, B, F> Accumulator for Batch<E, B, F>
where
    E: Payload,
    Buffered<E>: Payload,
    B: Payload,
    F: FnMut(&[E]) -> Result<Option<B>, Failure> + Send + 'static,
{
    type Event = E;
    type Boundary = B;

    fn accept(&mut self, event: Incoming<'_, E>, _out: &mut Emitter<'_, B>) -> Result<Fate<B>, Failure> {
        let now = event.now();
        if self.buffer.is_empty() {
            self.due = self.flush_interval.map(|interval| now.after(interval));
        }
        self.buffer.push(event.take());
        if self.buffer.len() >= self.max_buffer_size {
            self.due = Some(now);
        }
        Ok(Fate::Held)
    }

    fn due(&self) -> Option<Timestamp> {
        self.due
    }

    fn tick(&mut self, now: Timestamp, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        match self.due {
            Some(due) if due <= now => self.flush_all(out),
            _ => Ok(Released::default()),
        }
    }

    fn flush(&mut self, out: &mut Emitter<'_, B>) -> Result<Released, Failure> {
        self.flush_all(out)
    }

    fn held(&self) -> u64 {
        self.buffer.len() as u64
    }

    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure> {
        let nanos = |left: Duration| u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
        let left = self.due.map(|due| nanos(due.since(now)));
        Ok(Some(Exported::of(Buffered { events: self.buffer.clone(), left })))
    }

    fn import(&mut self, state: Exported, now: Timestamp) -> Result<(), ImportError> {
        let Buffered { events, left } = state.take::<Buffered<E>>()?;
        let left = left.map(Duration::from_nanos);
        // Of an interval that became shorter, or was not there, no more than the new one is left.
        let left = match (left, self.flush_interval) {
            (Some(left), Some(interval)) => Some(left.min(interval)),
            (None, Some(interval)) => Some(interval),
            (left, None) => left,
        };
        self.due = left.filter(|_| !events.is_empty()).map(|left| now.after(left));
        if events.len() >= self.max_buffer_size {
            self.due = Some(now);
        }
        self.buffer = events;
        Ok(())
    }

    fn tune(&mut self, tuning: &Tuning) {
        self.flush_interval = tuning.flush_interval.or(self.flush_interval);
        self.max_buffer_size = tuning.max_buffer_size.unwrap_or(self.max_buffer_size).max(1);
    }

    fn evict(&mut self, _what: Eviction) -> Vec<E> {
        self.due = None;
        std::mem::take(&mut self.buffer)
    }
}
