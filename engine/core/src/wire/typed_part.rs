//! A real part behind bytes: the library's half of an accumulator.

use super::{AnyPart, Values};
use crate::accumulator::{
    Accumulator, Became, Emitter, EventFate, Eviction, Exported, FailedStep, Fate, ImportError, Incoming,
    Many, ManyFailure, Migrate, PendingBoundary, Released,
};
use crate::codec::Form;
use crate::fault::{Failure, guarded, guarded_future};
use crate::payload::{Encoded, Payload, PayloadType};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Decodes events, runs the part as a slot does, and encodes what it emits.
pub struct TypedPart<A: Accumulator> {
    part: A,
    event: PayloadType,
    /// How events and boundaries are coded.
    forms: (Form, Form),
    migrate: Option<Migrate>,
    hand: VecDeque<A::Event>,
    items: Vec<A::Boundary>,
}

impl<A: Accumulator> TypedPart<A> {
    /// Put `part` behind bytes; its events are of type `event`.
    pub fn new(part: A, event: PayloadType) -> Self {
        let forms = (A::Event::form(), A::Boundary::form());
        Self { part, event, forms, migrate: None, hand: VecDeque::with_capacity(1), items: Vec::new() }
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
        let decoded =
            guarded(|| A::Event::decode_in(self.forms.0, bytes, self.event).map_err(Failure::undecodable))
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
        let form = self.forms.1;
        let mut push = |item: A::Boundary| out.push_with(|bytes| item.encode_in(form, bytes));
        guarded(|| self.items.drain(..).try_for_each(&mut push).map_err(Failure::error))
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
                out.push_void();
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

#[cfg(test)]
mod tests {
    use super::TypedPart;
    use crate::accumulator::Identity;
    use crate::payload::{Payload, PayloadType};
    use crate::time::Timestamp;
    use crate::wire::{AnyPart, Values};
    use serde::ser::SerializeTuple;
    use serde::{Deserialize, Serialize, Serializer};

    /// Panics in the middle of being written, from 100 on.
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Halfway(u32, u32);

    impl Serialize for Halfway {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut to = to.serialize_tuple(2)?;
            to.serialize_element(&self.0)?;
            assert!(self.0 < 100, "halfway");
            to.serialize_element(&self.1)?;
            to.end()
        }
    }

    #[test]
    fn a_boundary_whose_writer_panics_leaves_nothing_in_front_of_the_next() {
        let mut part = TypedPart::new(Identity::<Halfway>::default(), PayloadType::of::<Halfway>());
        let mut bytes = Vec::new();
        (1u32, 2u32).encode(&mut bytes).unwrap();
        let mut wrong = Vec::new();
        (100u32, 2u32).encode(&mut wrong).unwrap();
        let mut out = Values::default();
        let failed = part.accept(&[&wrong], Timestamp::ZERO, &mut out);
        assert!(failed.failure.is_some_and(|failed| failed.failure.message.contains("halfway")));
        out.clear();
        assert!(part.accept(&[&bytes], Timestamp::ZERO, &mut out).failure.is_none());
        assert_eq!(out.iter().collect::<Vec<_>>(), [&bytes[..]]);
    }
}
