//! A part over bytes as an accumulator of the cell: the host's half.

use super::{AnyPart, Values};
use crate::accumulator::{
    Accumulator, Became, Emitter, Eviction, Exported, Fate, ImportError, Incoming, Many, PendingBoundary,
    Released,
};
use crate::fault::Failure;
use crate::payload::{Encoded, WireType};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Hands encoded events to a part behind bytes, many at a time.
pub struct RemotePart {
    part: Box<dyn AnyPart>,
    boundary: &'static WireType,
    event: &'static WireType,
    out: Values,
    // A start cannot fail where it is called; the first tick reports it.
    failed_start: Option<Failure>,
}

impl RemotePart {
    /// Put `part`, which takes `event` and yields `boundary`, into a cell.
    pub fn new(part: Box<dyn AnyPart>, event: &'static WireType, boundary: &'static WireType) -> Self {
        Self { part, boundary, event, out: Values::default(), failed_start: None }
    }

    fn emit(&mut self, out: &mut Emitter<'_, Encoded>) {
        if !self.out.is_empty() {
            out.extend(self.out.take(self.boundary));
        }
    }

    fn handle(&mut self, events: &[&[u8]], now: Timestamp, out: &mut Emitter<'_, Encoded>) -> Many<Encoded> {
        self.out.clear();
        let many = self.part.accept(events, now, &mut self.out);
        self.emit(out);
        let ty = self.boundary;
        let pending = many.pending.map(|rest| {
            Box::pin(async move { Ok(rest.await?.map(|bytes| Encoded::new(bytes, ty))) })
                as PendingBoundary<Encoded>
        });
        Many { fates: many.fates, failure: many.failure, pending }
    }
}

impl Accumulator for RemotePart {
    type Event = Encoded;
    type Boundary = Encoded;

    fn accept(
        &mut self,
        event: Incoming<'_, Encoded>,
        out: &mut Emitter<'_, Encoded>,
    ) -> Result<Fate<Encoded>, Failure> {
        let many = self.handle(&[event.get().as_bytes()], event.now(), out);
        if let Some(failed) = many.failure {
            return Err(failed.failure);
        }
        match (many.pending, many.fates.first()) {
            (Some(rest), _) => Ok(Fate::Pending(rest)),
            (None, Some(fate)) => Ok(match fate.became {
                Became::Settled(how) => Fate::Settled(how),
                Became::Held => Fate::Held,
                Became::Dropped(why) => Fate::Dropped(why),
            }),
            (None, None) => Err(Failure::error("the part handled no event and gave no reason")),
        }
    }

    fn accept_many(
        &mut self,
        events: &VecDeque<Encoded>,
        n: usize,
        now: Timestamp,
        out: &mut Emitter<'_, Encoded>,
    ) -> Option<Many<Encoded>> {
        let events: Vec<&[u8]> = events.iter().take(n).map(Encoded::as_bytes).collect();
        Some(self.handle(&events, now, out))
    }

    fn start(&mut self, out: &mut Emitter<'_, Encoded>) {
        self.out.clear();
        self.failed_start = self.part.start(&mut self.out).err();
        self.emit(out);
    }

    fn due(&self) -> Option<Timestamp> {
        if self.failed_start.is_some() { Some(Timestamp::MIN) } else { self.part.due() }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Emitter<'_, Encoded>) -> Result<Released, Failure> {
        if let Some(failure) = self.failed_start.take() {
            return Err(failure);
        }
        self.out.clear();
        let released = self.part.tick(now, &mut self.out)?;
        self.emit(out);
        Ok(released)
    }

    fn flush(&mut self, out: &mut Emitter<'_, Encoded>) -> Result<Released, Failure> {
        self.out.clear();
        let released = self.part.flush(&mut self.out)?;
        self.emit(out);
        Ok(released)
    }

    fn held(&self) -> u64 {
        self.part.held()
    }

    fn evict(&mut self, what: Eviction) -> Vec<Encoded> {
        let mut events = Values::default();
        self.part.evict(what, &mut events);
        events.take(self.event).collect()
    }

    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure> {
        self.part.export(now)
    }

    fn import(&mut self, state: Exported, now: Timestamp) -> Result<(), ImportError> {
        if state.is_unreachable() {
            return state.take::<Encoded>().map(drop);
        }
        let failed = |reason| ImportError::Failed { reason };
        self.part.import(&state.encoded().map_err(failed)?, now)
    }

    // `recover` is left alone: after a failure the part has recovered on its own side.
}
