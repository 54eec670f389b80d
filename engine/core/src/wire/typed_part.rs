//! A real part behind bytes: the library's half of an accumulator.

use super::{AnyPart, Values};
use crate::accumulator::{
    Accumulator, Became, Emitter, EventFate, Eviction, Exported, FailedStep, Fate, ImportError, Incoming,
    Many, ManyFailure, Migrate, PendingBoundary, Released,
};
use crate::fault::{Failure, guarded, guarded_future};
use crate::payload::{Encoded, Payload, PayloadType};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Decodes events, runs the part as a slot does, and encodes what it emits.
pub struct TypedPart<A: Accumulator> {
    part: A,
    event: PayloadType,
    migrate: Option<Migrate>,
    hand: VecDeque<A::Event>,
    items: Vec<A::Boundary>,
}

impl<A: Accumulator> TypedPart<A> {
    /// Put `part` behind bytes; its events are of type `event`.
    pub fn new(part: A, event: PayloadType) -> Self {
        Self { part, event, migrate: None, hand: VecDeque::with_capacity(1), items: Vec::new() }
    }

    /// Take states of older versions through `migrate`.
    #[must_use]
    pub fn migrating(mut self, migrate: Option<Migrate>) -> Self {
        self.migrate = migrate;
        self
    }

    /// Handle one event; without a fate it pends.
    fn accept_one(
        &mut self,
        bytes: &[u8],
        now: Timestamp,
        out: &mut Values,
    ) -> Result<Fated<A::Boundary>, ManyFailure> {
        let failed = |failure, step| ManyFailure { failure, step };
        let decoded = guarded(|| A::Event::decode_as(bytes, self.event).map_err(Failure::undecodable))
            .map_err(|failure| failed(Failure::undecodable(failure), FailedStep::Accept))?;
        self.hand.clear();
        self.hand.push_back(decoded);
        let (before, mut taken) = (out.len(), false);
        let result = guarded(|| {
            let incoming = Incoming::new(&mut self.hand, &mut taken, now);
            self.part.accept(incoming, &mut Emitter::new(&mut self.items))
        });
        let result = match result {
            Ok(Fate::Pending(rest)) => {
                self.items.clear();
                return Ok(Fated::Pending(rest));
            }
            Ok(Fate::Settled(how)) => self.emit(out).map(|()| Became::Settled(how)),
            Ok(Fate::Held) => self.emit(out).map(|()| Became::Held),
            Ok(Fate::Dropped(why)) => self.emit(out).map(|()| Became::Dropped(why)),
            Err(failure) => Err(failure),
        };
        let became = result.map_err(|failure| {
            self.undo(before, out);
            failed(failure, if taken { FailedStep::AcceptTaken } else { FailedStep::Accept })
        })?;
        Ok(Fated::Fate(EventFate { became, emitted: out.len() - before, released: Released::default() }))
    }

    /// Let the part act on the time, as often as it is due; adds what it did to `fate`.
    fn ticks(&mut self, now: Timestamp, out: &mut Values, fate: &mut EventFate) -> Result<(), Failure> {
        while self.part.due().is_some_and(|due| due <= now) {
            let (before, due) = (out.len(), self.part.due());
            let released = self.tick(now, out)?;
            fate.emitted += out.len() - before;
            fate.released.handed_on += released.handed_on;
            fate.released.filtered += released.filtered;
            if released == Released::default() && self.part.due() == due {
                break;
            }
        }
        Ok(())
    }

    /// Run `act` of the part and encode what it emits; on a failure nothing of that is left.
    fn run<R>(
        &mut self,
        out: &mut Values,
        act: impl FnOnce(&mut A, &mut Emitter<'_, A::Boundary>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let before = out.len();
        let result = guarded(|| act(&mut self.part, &mut Emitter::new(&mut self.items)));
        let result = result.and_then(|result| self.emit(out).map(|()| result));
        result.inspect_err(|_| self.undo(before, out))
    }

    /// Encode what was emitted. `Serialize` is the user's code, too.
    fn emit(&mut self, out: &mut Values) -> Result<(), Failure> {
        guarded(|| self.items.drain(..).try_for_each(|item| out.push_value(&item)).map_err(Failure::error))
    }

    fn undo(&mut self, before: usize, out: &mut Values) {
        self.items.clear();
        out.truncate(before);
        self.recover();
    }
}

enum Fated<B> {
    Fate(EventFate),
    Pending(PendingBoundary<B>),
}

fn encoded<B: Payload>(rest: PendingBoundary<B>) -> PendingBoundary<Vec<u8>> {
    Box::pin(guarded_future(async move {
        let Some(boundary) = rest.await? else { return Ok(None) };
        let mut bytes = Vec::new();
        boundary.encode(&mut bytes).map_err(Failure::error)?;
        Ok(Some(bytes))
    }))
}

impl<A: Accumulator> AnyPart for TypedPart<A> {
    fn accept(&mut self, events: &[&[u8]], now: Timestamp, out: &mut Values) -> Many<Vec<u8>> {
        let mut many = Many::default();
        for bytes in events {
            match self.accept_one(bytes, now, out) {
                Ok(Fated::Fate(mut fate)) => {
                    let ticked = self.ticks(now, out, &mut fate);
                    many.fates.push(fate);
                    if let Err(failure) = ticked {
                        many.failure = Some(ManyFailure { failure, step: FailedStep::Tick });
                        break;
                    }
                }
                Ok(Fated::Pending(rest)) => {
                    many.pending = Some(encoded(rest));
                    break;
                }
                Err(failure) => {
                    many.failure = Some(failure);
                    break;
                }
            }
        }
        many
    }

    fn start(&mut self, out: &mut Values) -> Result<(), Failure> {
        self.run(out, |part, out| {
            part.start(out);
            Ok(())
        })
    }

    fn tick(&mut self, now: Timestamp, out: &mut Values) -> Result<Released, Failure> {
        self.run(out, |part, out| part.tick(now, out))
    }

    fn flush(&mut self, out: &mut Values) -> Result<Released, Failure> {
        self.run(out, |part, out| part.flush(out))
    }

    fn due(&self) -> Option<Timestamp> {
        self.part.due()
    }

    fn held(&self) -> u64 {
        self.part.held()
    }

    fn evict(&mut self, what: Eviction, out: &mut Values) {
        let events = guarded(|| Ok(self.part.evict(what))).unwrap_or_default();
        for event in events {
            if guarded(|| out.push_value(&event).map_err(Failure::error)).is_err() {
                out.push(&[]);
            }
        }
    }

    fn recover(&mut self) {
        // A panic in the recovery itself leaves the part as it was; the fault that led here is reported.
        let _ = guarded(|| {
            self.part.recover();
            Ok(())
        });
    }

    fn export(&self, now: Timestamp) -> Result<Option<Exported>, Failure> {
        let exported = guarded(|| self.part.export(now))?;
        exported
            .map(|state| if state.is_unreachable() { Ok(state) } else { state.encoded().map(Exported::of) })
            .transpose()
    }

    fn import(&mut self, state: &Encoded, now: Timestamp) -> Result<(), ImportError> {
        let failed = |reason| ImportError::Failed { reason };
        let mut state = Exported::of(state.clone());
        if let Some(migrate) = &self.migrate {
            state = guarded(|| migrate(state)).map_err(failed)?;
        }
        guarded(|| Ok(self.part.import(state, now))).map_err(failed)?
    }
}
